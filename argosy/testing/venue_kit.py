"""The conformance suite of venues: subclass a kit, say how one is made; its laws are tested, it knows no venue.

class TestMine(MarketKit):          # a market that is simulated in step
    def make(self, instruments):
        return MyMarket(instruments)

class TestMyVenue(VenueKit):        # a venue beyond a wire: the same cases, and what only such a one must keep
    REFUSES = {"group": "GROUP_UNSUPPORTED"}
    async def open(self, instruments):
        return MyRig(instruments)

A case that a venue cannot express is never left out: `REFUSES` says the code with which it declines, and the case expects it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from argosy.core.effects import Amend, Cancel, Effect, Submit
from argosy.core.errors import Misuse
from argosy.core.events import Account, Bar, Event, Fill, OrderUpdate, Reply, Session, Status
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, TERMINAL, Approved, Order, Tif, Type, Work
from argosy.core.time import HOUR
from argosy.testing.venue_bridge import Bridge, Rig

START = 1_700_000_000 * 1_000_000_000 // HOUR * HOUR
"""Where a stage begins, on a full hour."""


class Played(Protocol):
    """What a stage needs of a market: the part of `core.protocols.Market` that says what happened."""

    def apply(self, thing: Effect | Event, now: int) -> Sequence[Event]: ...
    def opening(self, bar: Bar) -> Sequence[Event]: ...
    def busy(self, instrument: int) -> bool: ...


class Stage:
    """One market with a clock of hourly bars; it plays the replay and keeps all that the market said.

    now:    ns; a bar begins here and moves it by one hour
    events: what the market said, in the order said
    """

    def __init__(self, market: Played) -> None:
        self.market = market
        self.now = START
        self.events: list[Event] = []

    def apply(self, thing: Effect | Event) -> list[Event]:
        """Give the market one thing now."""
        return self._heard(self.market.apply(thing, self.now))

    def submit(
        self, order: int, side: int, lots: int, *legs: Order, instrument: int = 0, **terms: Any
    ) -> list[Event]:
        """Send an order; good till canceled unless the terms say otherwise."""
        terms.setdefault("tif", Tif.GTC)
        return self.apply(Submit(Approved(Order(order, instrument, side, lots, **terms), legs)))

    def bar(
        self, price: float, high: float, low: float, close: float, volume: float = 1e6, instrument: int = 0
    ) -> list[Event]:
        """Play one bar: its opening, then itself."""
        bar = Bar(self.now, self.now + HOUR, instrument, price, high, low, close, volume, HOUR)
        said = self._heard(self.market.opening(bar)) if self.market.busy(instrument) else []
        self.now += HOUR
        return said + self.apply(bar)

    def fills(self, order: int = 0) -> list[Fill]:
        """Executions of one order (0: all)."""
        return [event for event in self.events if isinstance(event, Fill) and order in (0, event.order)]

    def filled(self, order: int) -> int:
        """Lots of an order that filled."""
        return sum(fill.lots for fill in self.fills(order))

    def replies(self, order: int, verb: str = "submit") -> list[Reply]:
        """Answers to one verb about one order."""
        return [
            event
            for event in self.events
            if isinstance(event, Reply) and event.order == order and event.verb == verb
        ]

    def updates(self, order: int) -> list[OrderUpdate]:
        """What the market said of an order beside its fills."""
        return [event for event in self.events if isinstance(event, OrderUpdate) and event.order == order]

    def ends(self, order: int) -> list[tuple[Work, str]]:
        """Every end of an order that the market spoke of, with its code."""
        return [(update.work, update.code) for update in self.updates(order) if update.work in TERMINAL]

    def ended(self, order: int) -> bool:
        """Whether the market said that an order is over."""
        return bool(self.ends(order)) or any(fill.leaves == 0 for fill in self.fills(order))

    def position(self, instrument: int = 0) -> int:
        """Signed lots that the executions add up to."""
        return sum(fill.side * fill.lots for fill in self.fills() if fill.instrument == instrument)

    def _heard(self, events: Sequence[Event]) -> list[Event]:
        self.events.extend(events)
        return list(events)


class MarketKit:
    """Laws that every market keeps. Instrument 0 trades around the clock, instrument 1 in sessions of "XNYS".

    REFUSES: what the venue cannot do, and the code of its definite no
        opposite  orders of both sides of one instrument at once
        group     orders sent apart of which one ends the other
        beyond    a reduce-only order larger than the position (else it is made smaller)
        halted    a new order in a halted instrument (all refuse it; the code may be the venue's own)
    """

    REFUSES: ClassVar[Mapping[str, str]] = {}

    def make(self, instruments: Instruments) -> Played:
        """A fresh market that trades `instruments`, without caps on volume."""
        raise NotImplementedError

    def takes(self, stage: Stage, what: str, *orders: int) -> bool:
        """Whether the venue takes what these orders need. Its no must have the declared code, and nothing of it may fill."""
        refused = {
            order: reply.code for order in orders for reply in stage.replies(order) if reply.outcome != "accepted"
        }
        if what not in self.REFUSES:
            assert refused == {}, f"{what} is refused and REFUSES does not say so"
            return True
        assert set(refused.values()) == {self.REFUSES[what]}, f"{what} is declared refused; the replies are {refused}"
        assert not [fill for fill in stage.fills() if fill.order in refused]
        return False

    def stage(self) -> Stage:
        """A fresh market on a stage."""
        return Stage(
            self.make(Instruments([Instrument(symbol="AAA"), Instrument(symbol="BBB", calendar="XNYS")]))
        )

    # -- accepting ----------------------------------------------------------------------------

    def test_an_order_is_accepted_then_filled_whole(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 7)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        (reply,) = stage.replies(1)
        assert reply.outcome == "accepted"
        assert stage.filled(1) == 7
        first = stage.fills(1)[0]
        assert stage.events.index(reply) < stage.events.index(first)
        assert reply.known <= first.known
        assert stage.fills(1)[-1].leaves == 0

    def test_a_submit_twice_is_one_order(self) -> None:
        stage = self.stage()
        for _ in range(2):
            stage.submit(1, BUY, 7)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.submit(1, BUY, 7)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert [reply.outcome for reply in stage.replies(1)] == ["accepted"] * 3
        assert stage.filled(1) == 7

    def test_a_refused_order_never_fills_and_stays_refused(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 0)
        stage.submit(2, BUY, 1, instrument=9)
        stage.submit(3, BUY, 1, type=Type.LIMIT, limit=-1.0)
        stage.submit(3, BUY, 1, type=Type.LIMIT, limit=-1.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        for order in (1, 2, 3):
            assert all(reply.outcome == "refused" and reply.code for reply in stage.replies(order))
            assert len(stage.replies(order)) == (2 if order == 3 else 1)
        assert not stage.fills()

    def test_it_speaks_only_of_what_was_sent(self) -> None:
        stage = self.stage()
        stage.submit(5, BUY, 3)
        stage.submit(6, SELL, 3, type=Type.LIMIT, limit=200.0)
        stage.apply(Cancel(6))
        stage.bar(100.0, 101.0, 99.0, 100.0)
        orders = {getattr(event, "order", None) for event in stage.events}
        assert orders == {5, 6}

    # -- time ----------------------------------------------------------------------------

    def test_nothing_fills_before_it_arrives(self) -> None:
        stage = self.stage()
        stage.bar(100.0, 101.0, 99.0, 100.0)
        sent = stage.now
        stage.submit(1, BUY, 2)
        assert not stage.fills()
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert stage.fills(1)
        assert all(fill.ts >= sent and fill.known >= fill.ts for fill in stage.fills(1))

    def test_an_order_born_in_a_bar_waits_for_the_next(self) -> None:
        stage = self.stage()
        bar = Bar(stage.now, stage.now + HOUR, 0, 100.0, 110.0, 90.0, 100.0, 1e6, HOUR)
        stage.submit(1, BUY, 1)
        stage.events.extend(stage.market.opening(bar))
        stage.submit(2, BUY, 1)
        stage.submit(3, BUY, 1, type=Type.LIMIT, limit=95.0)
        stage.now += HOUR
        stage.apply(bar)
        assert not stage.fills(2)
        assert not stage.fills(3)
        stage.bar(100.0, 110.0, 90.0, 100.0)
        assert stage.filled(2) == 1
        assert stage.filled(3) == 1

    def test_what_is_said_is_never_known_in_the_past(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 2, type=Type.LIMIT, limit=99.5)
        for _ in range(3):
            start = stage.now
            for event in stage.bar(100.0, 101.0, 99.0, 100.0):
                assert event.known >= start
        assert stage.filled(1) == 2

    # -- ending ----------------------------------------------------------------------------

    def test_a_cancel_ends_an_order_once(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 2, type=Type.LIMIT, limit=50.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.apply(Cancel(1))
        stage.bar(40.0, 41.0, 39.0, 40.0)
        stage.apply(Cancel(1))
        stage.bar(40.0, 41.0, 39.0, 40.0)
        assert [reply.outcome for reply in stage.replies(1, "cancel")] == ["accepted", "refused"]
        assert [work for work, _ in stage.ends(1)] == [Work.CANCELED]
        assert not stage.fills()

    def test_a_cancel_of_a_filled_or_unknown_order_is_refused(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 2)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.apply(Cancel(1))
        stage.apply(Cancel(77))
        stage.bar(100.0, 101.0, 99.0, 100.0)
        for order in (1, 77):
            (reply,) = stage.replies(order, "cancel")
            assert (reply.outcome, reply.code) == ("refused", "NOT_CANCELABLE")

    def test_an_amend_changes_the_price_and_is_refused_after_the_end(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 2, type=Type.LIMIT, limit=50.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.apply(Amend(1, lots=3, limit=99.5))
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert stage.filled(1) == 3
        assert all(fill.price <= 99.5 for fill in stage.fills(1))
        stage.apply(Amend(1, limit=98.0))
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert [reply.outcome for reply in stage.replies(1, "amend")] == ["accepted", "refused"]

    def test_a_day_order_ends_with_its_session(self) -> None:
        stage = self.stage()
        close = stage.now + 2 * HOUR
        stage.apply(Session(stage.now, stage.now, "XNYS", True, 1, close))
        stage.submit(1, BUY, 2, instrument=1, type=Type.LIMIT, limit=50.0, tif=Tif.DAY)
        stage.submit(2, BUY, 2, instrument=1, type=Type.LIMIT, limit=50.0, tif=Tif.GTC)
        stage.bar(100.0, 101.0, 99.0, 100.0, instrument=1)
        assert not stage.ended(1)
        bar = Bar(stage.now, close, 1, 100.0, 101.0, 99.0, 100.0, 1e6, HOUR)
        stage.events.extend(stage.market.opening(bar))
        stage.now = close
        stage.apply(Session(close, close, "XNYS", False, 1, close))
        stage.apply(bar)
        assert [work for work, _ in stage.ends(1)] == [Work.EXPIRED]
        stage.apply(Session(stage.now, stage.now, "XNYS", True, 2, stage.now + 2 * HOUR))
        stage.bar(40.0, 41.0, 39.0, 40.0, instrument=1)
        assert stage.filled(1) == 0
        assert stage.filled(2) == 2

    def test_every_order_ends_or_rests(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 4)
        stage.submit(2, BUY, 4, tif=Tif.IOC)
        stage.submit(3, BUY, 4, type=Type.LIMIT, limit=50.0, tif=Tif.IOC)
        stage.submit(4, BUY, 4, type=Type.LIMIT, limit=50.0, tif=Tif.FOK)
        stage.submit(5, BUY, 4, type=Type.LIMIT, limit=50.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert all(stage.ended(order) for order in (1, 2, 3, 4))
        assert not stage.ended(5)
        assert stage.market.busy(0)
        stage.apply(Cancel(5))
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert stage.ended(5)
        assert not stage.market.busy(0)

    # -- positions ----------------------------------------------------------------------------

    def test_executions_are_unique_and_add_up(self) -> None:
        stage = self.stage()
        for side, orders in ((BUY, (1, 2, 4, 5, 7, 8)), (SELL, (3, 6))):
            for order in orders:
                stage.submit(order, side, order)
            for _ in range(2):
                stage.bar(100.0, 101.0, 99.0, 100.0)
        self._adds_up(stage, 27 - 9)

    def test_orders_of_both_sides_at_once_add_up(self) -> None:
        stage = self.stage()
        for order in range(1, 9):
            stage.submit(order, BUY if order % 3 else SELL, order)
        for _ in range(3):
            stage.bar(100.0, 101.0, 99.0, 100.0)
        self._adds_up(stage, 27 - 9 if self.takes(stage, "opposite", 3, 6) else 27)

    def _adds_up(self, stage: Stage, lots: int) -> None:
        names = Counter(fill.execution for fill in stage.fills())
        assert set(names.values()) == {1}
        assert stage.position() == lots
        for fill in stage.fills():
            assert fill.lots > 0
            assert (fill.notional > 0) == (fill.side > 0)

    def test_one_cancels_other(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 5)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.submit(2, SELL, 5, type=Type.STOP, stop=95.0, reduce_only=True, group=9)
        stage.submit(3, SELL, 5, type=Type.LIMIT, limit=105.0, reduce_only=True, group=9)
        tied = self.takes(stage, "group", 2, 3)
        stage.bar(100.0, 106.0, 99.0, 105.0)
        stage.bar(94.0, 95.0, 90.0, 91.0)
        if not tied:
            assert stage.position() == 5 - stage.filled(2) - stage.filled(3) >= 0
            return
        assert stage.filled(3) == 5
        assert stage.filled(2) == 0
        assert stage.ends(2) == [(Work.CANCELED, "OCO")]
        assert stage.position() == 0

    def test_legs_live_when_their_entry_fills_and_die_with_it(self) -> None:
        stage = self.stage()
        stop = Order(2, 0, SELL, 5, Type.STOP, stop=95.0, tif=Tif.GTC, reduce_only=True, parent=1, group=1)
        take = Order(3, 0, SELL, 5, Type.LIMIT, limit=105.0, tif=Tif.GTC, reduce_only=True, parent=1, group=1)
        stage.submit(1, BUY, 5, stop, take)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 94.0, 96.0)
        assert stage.filled(2) == 5
        assert stage.ended(3)
        assert stage.position() == 0
        stop = Order(5, 0, SELL, 5, Type.STOP, stop=45.0, tif=Tif.GTC, reduce_only=True, parent=4)
        stage.submit(4, BUY, 5, stop, type=Type.LIMIT, limit=50.0)
        stage.bar(94.0, 94.0, 93.0, 94.0)
        stage.apply(Cancel(4))
        stage.bar(94.0, 94.0, 93.0, 94.0)
        assert stage.ended(4)
        assert stage.ended(5)
        assert not stage.fills(5)

    def test_reduce_only_never_opens_or_flips(self) -> None:
        stage = self.stage()
        stage.submit(1, SELL, 5, reduce_only=True)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert stage.position() == 0
        stage.submit(2, BUY, 3)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.submit(3, SELL, 2, reduce_only=True)
        stage.submit(4, SELL, 5, reduce_only=True)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        left = 0 if self.takes(stage, "beyond", 4) else 1
        assert stage.position() == left
        assert stage.filled(3) + stage.filled(4) == 3 - left
        assert stage.filled(3) == 2

    def test_a_halt_stops_fills_and_new_orders(self) -> None:
        stage = self.stage()
        stage.submit(1, BUY, 5, type=Type.LIMIT, limit=100.0)
        stage.apply(Status(stage.now, stage.now, 0, True))
        stage.bar(99.0, 99.0, 98.0, 98.0)
        stage.submit(2, BUY, 1)
        assert not stage.fills()
        code = self.REFUSES.get("halted", "HALTED")
        assert [(reply.outcome, reply.code) for reply in stage.replies(2)] == [("refused", code)]
        stage.apply(Status(stage.now, stage.now, 0, False))
        stage.bar(99.0, 99.0, 98.0, 98.0)
        assert stage.filled(1) == 5

    # -- determinism ----------------------------------------------------------------------------

    def test_the_same_inputs_say_the_same(self) -> None:
        said = []
        for _ in range(2):
            stage = self.stage()
            stop = Order(2, 0, SELL, 5, Type.STOP, stop=95.0, tif=Tif.GTC, reduce_only=True, parent=1)
            stage.submit(1, BUY, 5, stop)
            stage.submit(3, SELL, 2, type=Type.LIMIT, limit=100.5)
            stage.bar(100.0, 101.0, 99.0, 100.0)
            stage.apply(Amend(3, lots=1))
            stage.apply(Cancel(2))
            stage.bar(96.0, 97.0, 90.0, 92.0)
            said.append(stage.events)
        assert said[0] == said[1]
        assert said[0]


class VenueKit(MarketKit):
    """The same laws for a venue beyond a wire (`core.protocols.Venue`), and what only such a one must keep.

    It is stepped by a `Bridge`: each act waits until the venue has said all that follows from it, so that a case cannot
    pass because something was still on its way. Whenever a bar begins, the venue's own count of positions and open orders
    is held against what it said before.
    """

    _bridges: list[Bridge]

    def setup_method(self) -> None:
        """Nothing is open yet."""
        self._bridges = []

    def teardown_method(self) -> None:
        """Close what the case opened."""
        for bridge in self._bridges:
            bridge.close()

    async def open(self, instruments: Instruments) -> Rig:
        """A fresh venue that trades `instruments` at about 100, at the moment `START`, with a hand on its market."""
        raise NotImplementedError

    def make(self, instruments: Instruments) -> Bridge:
        """A venue on a bridge."""
        bridge = Bridge(self.open(instruments))
        self._bridges.append(bridge)
        return bridge

    def bridged(self) -> tuple[Stage, Bridge]:
        """A stage and the bridge under it."""
        stage = self.stage()
        return stage, self._bridges[-1]

    # -- what may be asked ----------------------------------------------------------------------------

    def test_a_snapshot_is_the_account_and_the_open_orders(self) -> None:
        stage, bridge = self.bridged()
        stage.submit(1, BUY, 3)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.submit(2, BUY, 2, type=Type.LIMIT, limit=50.0)
        before = bridge.snapshot()
        (account,) = [event for event in before if isinstance(event, Account)]
        assert account.positions == {0: 3}
        assert account.cash < account.equity
        assert {event.order for event in before if isinstance(event, OrderUpdate)} == {2}
        assert not [event for event in before if isinstance(event, Fill)], "a fill was told twice"
        assert [event for event in bridge.snapshot() if isinstance(event, OrderUpdate)] == [
            event for event in before if isinstance(event, OrderUpdate)
        ]

    def test_cash_is_what_the_fills_say(self) -> None:
        stage, bridge = self.bridged()
        start = bridge.account().cash
        for order, side, lots in ((1, BUY, 7), (2, SELL, 3), (3, SELL, 4)):
            stage.submit(order, side, lots)
            stage.bar(100.25, 101.0, 99.0, 100.5)
        assert stage.position() == 0
        assert start - bridge.account().cash == sum(fill.notional + fill.fee for fill in stage.fills())

    def test_a_partial_fill_leaves_the_rest_working(self) -> None:
        stage, bridge = self.bridged()
        stage.submit(1, BUY, 10, type=Type.LIMIT, limit=90.0)
        stage.bar(100.0, 101.0, 99.0, 100.0)
        stage.events.extend(bridge.fill(1, 4, 90.0))
        assert [(fill.lots, fill.leaves) for fill in stage.fills(1)] == [(4, 6)]
        assert not stage.ended(1)
        stage.apply(Cancel(1))
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert [work for work, _ in stage.ends(1)] == [Work.CANCELED]
        assert stage.position() == 4

    def test_facts_are_those_of_the_instrument(self) -> None:
        _, bridge = self.bridged()
        row = bridge.facts("AAA")
        assert row.symbol == "AAA"
        assert row.tick > 0
        assert row.lot > 0
        assert row.units(row.lots(Decimal(3))) == 3
        assert row.tradable
        try:
            bridge.facts("NEVERHEARD")
        except Misuse as error:
            assert error.code == "INSTRUMENT_UNKNOWN"
        else:
            raise AssertionError("an instrument that nobody trades has facts")
