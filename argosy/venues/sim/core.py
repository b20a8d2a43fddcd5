"""The simulated venue in step with a replay: give it an effect or a market row and it says what happens.

It never reads a clock, never draws a random number, and refuses with a code what the tape cannot support.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from heapq import heappop, heappush
from math import isfinite
from typing import Any, Literal

from argosy.core.effects import Amend, Cancel, Effect, Submit
from argosy.core.errors import Misuse
from argosy.core.events import (
    Bar,
    BookDelta,
    Delist,
    Event,
    Expiry,
    OrderUpdate,
    Quote,
    Reply,
    Session,
    Split,
    Status,
    Trade,
)
from argosy.core.instrument import Instruments
from argosy.core.money import unit
from argosy.core.orders import Order, Tif, Type, Work
from argosy.core.time import DAY, NEVER
from argosy.kernels import latency
from argosy.kernels import queue as queues
from argosy.kernels.brackets import Rest
from argosy.kernels.fees import FREE, FeeSchedule
from argosy.kernels.scan import Plainness
from argosy.venues.sim.bars import Bars
from argosy.venues.sim.book import Lane, Resting
from argosy.venues.sim.clearing import Clearing
from argosy.venues.sim.expiry import expire
from argosy.venues.sim.facts import amend_refusal, beside, refusal
from argosy.venues.sim.lend import lend, take_back
from argosy.venues.sim.levels import Levels
from argosy.venues.sim.sessions import Sessions
from argosy.venues.sim.slips import Slips
from argosy.venues.sim.ticks import Ticks
from argosy.venues.sim.touch import Touch

MarketKind = Literal["bar", "quote", "trade", "book"]
_delay = latency.delay.py
_DAY, _OPG, _CLS, _GTD, _TRAILING = Tif.DAY, Tif.OPG, Tif.CLS, Tif.GTD, Type.TRAILING
_ROWS = frozenset({Bar, Quote, Trade, BookDelta})


class SimCore:
    """A venue that fills orders from a tape (HEART §7); one per account.

    instruments:        what it trades; others are refused
    fees:               one schedule, or schedules by instrument id (instruments without one trade free)
    slippage_*:         what market orders and triggered stops pay on bars: see `slips.Slips`
    limit_rule:         "through": a bar or trade must pass beyond a limit; "touch": reaching it is enough
    participation_frac: share of a row's volume that all orders together may take, 0 = no cap; with a cap, the
                        shown size of quotes is one too
    latency_ns:         from an effect to its arrival, plus up to latency_jitter_ns by seed
    report_latency_ns:  from what happens to the news of it
    queue:              "none", "fifo" or "proportional": what stands before a limit at its price (`kernels.queue`); it needs books

    A row for an instrument without orders may be skipped: ask `busy`. `due` is the next moment at which something happens by
    itself (a delayed cancel arrives, a GTD order ends): call `settle(due)` then, or hear of it at the next call.
    """

    def __init__(
        self,
        instruments: Instruments,
        *,
        fees: FeeSchedule | Mapping[int, FeeSchedule] = FREE,
        slippage_bps: float = 0.0,
        slippage_ticks: float = 0.0,
        slippage_volume_share: float = 0.0,
        limit_rule: Literal["through", "touch"] = "through",
        participation_frac: float = 0.0,
        latency_ns: int = 0,
        latency_jitter_ns: int = 0,
        report_latency_ns: int = 0,
        seed: int = 0,
        queue: Literal["none", "fifo", "proportional"] = "none",
    ) -> None:
        if queue not in queues.MODELS:
            raise Misuse("SIM_QUEUE", f"{queue!r} is no queue", fix=f"one of {', '.join(queues.MODELS)}")
        if limit_rule not in ("through", "touch"):
            raise Misuse("SIM_RULE", f"{limit_rule!r} is no limit rule", fix='write "through" or "touch"')
        if not 0.0 <= participation_frac <= 1.0:
            raise Misuse("SIM_PARTICIPATION", f"{participation_frac} is no share of volume", fix="a fraction from 0 (no cap) to 1")
        if latency_ns < 0 or latency_jitter_ns < 0 or report_latency_ns < 0:
            raise Misuse("SIM_LATENCY", "a latency cannot be negative")
        slips = Slips(slippage_bps, slippage_ticks, slippage_volume_share)
        self.instruments = instruments
        self.due = NEVER
        self._fees = fees
        self._latency = latency_ns
        self._jitter = latency_jitter_ns
        self._delayed = latency_ns + latency_jitter_ns > 0
        self._seed = seed
        self._sent = 0
        self._arrived = -(1 << 63)
        self._report = report_latency_ns
        self._lanes: list[Lane] = []
        self._clearing = Clearing(self._lanes)
        self._sessions = Sessions(self._clearing, self._lanes)
        touch = self._touching = Touch(self._clearing, limit_rule == "through", slips, participation_frac)
        self._bars = Bars(self._clearing, self._sessions, touch)
        self._ticks = Ticks(self._clearing, touch, queues.MODELS.index(queue))
        self._opened = -(1 << 63)
        self._rank = 0
        self._agenda: list[tuple[int, int, Order | Cancel | Amend]] = []
        self._grow()
        self._table: dict[type, Callable[[Any, int, list[Event]], None]] = {
            Submit: self._submit,
            Cancel: self._cancel,
            Amend: self._amend,
            Bar: self._bar,
            Quote: self._quote,
            Trade: self._trade,
            BookDelta: self._book,
            Session: self._session,
            Split: self._split,
            Delist: self._delist,
            Expiry: self._expiry,
            Status: self._status,
        }

    # -- the venue's door ------------------------------

    def apply(self, thing: Effect | Event, now: int) -> list[Event]:
        """What happens because of an effect or an event at `now`; events of other kinds change nothing."""
        out: list[Event] = []
        kind = type(thing)
        if self.due <= now:
            self._settle(now - 1 if kind in _ROWS else now, now, out)
        handle = self._table.get(kind)
        if handle is not None:
            handle(thing, now, out)
        return out

    def opening(self, bar: Bar) -> list[Event]:
        """What happens at the open of a bar, known at its start (plus the report's latency)."""
        out: list[Event] = []
        ts = bar.ts
        if self.due <= ts:
            self._settle(ts, ts, out)
        lane = self._lane(bar.instrument)
        if lane.working and lane.matches(bar.span):
            if ts > self._opened:
                self._opened = ts
            self._bars.opening(lane, bar, ts + self._report, out)
        return out

    def busy(self, instrument: int) -> bool:
        """Whether a row of the instrument could touch an order, or is one of the book that is kept of it."""
        if instrument >= len(self._lanes):
            return False
        lane = self._lanes[instrument]
        return bool(lane.working) or lane.levels is not None

    def touch(self) -> list[tuple[int, float, float]]:
        """(instrument, floor, ceiling) where orders rest: a bar with floor < low and high < ceiling cannot touch them."""
        return [(lane.instrument, *lane.reach()) for lane in self._lanes if lane.working]

    def plain(self) -> Plainness | None:
        """How a market order that nothing else is near fills at its next bar's open; None where it might not, or not whole."""
        touching = self._touching
        if self._delayed or self._report or touching.frac or not isinstance(self._fees, FeeSchedule):
            return None
        lanes = self._lanes
        if any(lane.halted or lane.delisted or lane.quotes or lane.trades or lane.levels is not None for lane in lanes):
            return None
        slips = touching.slips
        return Plainness(
            self._fees, slips.bps, slips.ticks, slips.volume_share, [lane.large for lane in lanes],
            [lane.utc for lane in lanes], [lane.span for lane in lanes], self._opened, touching.through,
        )  # fmt: skip

    def leap(self, traded: Mapping[int, int], opened: int) -> None:
        """Take note of plain orders that were filled elsewhere by the terms of `plain`: net lots by instrument, last opening."""
        for instrument, lots in traded.items():
            self._lane(instrument).lots += lots
        if opened > self._opened:
            self._opened = opened

    def lend(self, instrument: int) -> tuple[int, int, list[Rest]] | None:
        """(last rank, start of the last opening, live orders by rank) of an instrument to be walked elsewhere; None: not now."""
        rests = lend(self._clearing, self._lane(instrument))
        return None if rests is None else (self._rank, self._opened, rests)

    def take_back(self, instrument: int, lots: int, rank: int, opened: int, rests: Sequence[Rest]) -> None:
        """Go on from where a walk elsewhere ended: the position and the live orders of an instrument, the last rank and opening."""
        lane = self._lane(instrument)
        lane.lots = lots
        self._rank = max(self._rank, rank)
        self._opened = max(self._opened, opened)
        lane.opened = max(lane.opened, opened)
        take_back(self._clearing, lane, rests)

    def settle(self, now: int) -> list[Event]:
        """What happened by itself up to `now`: delayed cancels and amends arrive, GTD orders end."""
        out: list[Event] = []
        self._settle(now, now, out)
        return out

    # -- what the caller says of the account and the tape ------------------------------

    def adopt(self, instrument: int, lots: int) -> None:
        """Begin with a position of signed `lots` that the account already holds."""
        self._lane(instrument).lots = lots

    def lots(self, instrument: int) -> int:
        """The signed position that the venue counts."""
        return self._lane(instrument).lots

    def resting(self, order: int) -> Resting | None:
        """A live order as the venue holds it: its level, its fills, from when rows touch it; None when it has ended."""
        return self._clearing.orders.get(order)

    def execute(self, resting: Resting, lots: int, price: float, now: int) -> list[Event]:
        """Fill a live order by hand, at most what it has left, whatever the market says."""
        out: list[Event] = []
        lane, lots = self._lanes[resting.order.instrument], min(lots, resting.lots - resting.filled)
        self._clearing.fill(lane, resting, lots, price, now, now + self._report, False, out)
        return out

    def finest(self, instrument: int, kind: MarketKind, span: int = 0) -> None:
        """Say that the replay has rows of this kind for an instrument; only the finest decide its fills.

        Books, quotes and trades silence all bars. With trades beside them, quotes fill what takes and trades fill what rests; books
        silence quotes. Of bars, those longer than the shortest `span` said are silent.
        """
        lane = self._lane(instrument)
        if kind == "bar":
            if span <= 0:
                raise Misuse("SIM_TAPE", f"a bar's span is positive, not {span}")
            lane.span = min(lane.span or span, span)
        elif kind == "quote":
            lane.quotes = True
        elif kind == "trade":
            lane.trades = True
        elif kind == "book":
            lane.levels = lane.levels or Levels()
        else:
            raise Misuse("SIM_TAPE", f"{kind!r} rows match no orders here", fix="bar, quote, trade or book")

    def _grow(self) -> None:
        fees = self._fees
        for row in list(self.instruments)[len(self._lanes) :]:
            schedule = fees if isinstance(fees, FeeSchedule) else fees.get(row.id, FREE)
            self._lanes.append(Lane(row, schedule, float(unit(row.currency))))

    def _lane(self, instrument: int) -> Lane:
        if instrument >= len(self._lanes):
            self._grow()
            return self._lanes[self.instruments[instrument].id]
        return self._lanes[instrument]

    # -- effects ------------------------------

    def _submit(self, effect: Submit, now: int, out: list[Event]) -> None:
        approved = effect.approved
        order = approved.order
        legs = approved.legs
        arrival = self._arrival(now) if self._delayed else now
        known = arrival + self._report
        number = order.id
        clearing = self._clearing
        if number in clearing.orders or number in clearing.ended:
            out.append(self._again(number, arrival, known))
            return
        code = self._refusal(order, legs, arrival)
        if code:
            self._refuse(order, legs, code, arrival, known, out)
            return
        out.append(Reply(arrival, known, number, "submit", "accepted"))
        resting = self._rest(order, arrival)
        if order.parent:
            parent = clearing.orders.get(order.parent)
            if parent is not None:
                parent.hang(resting)
        if not resting.waiting:
            self._lanes[order.instrument].working.append(resting)
        for leg in legs:
            resting.hang(self._rest(leg, arrival))
            out.append(OrderUpdate(arrival, known, leg.id, Work.ACKED, code="HELD"))

    def _refuse(
        self, order: Order, legs: tuple[Order, ...], code: str, arrival: int, known: int, out: list[Event]
    ) -> None:
        """Say no to an order and the legs that came with it; the same order gets the same answer again."""
        clearing = self._clearing
        clearing.ended[order.id] = code
        out.append(Reply(arrival, known, order.id, "submit", "refused", code))
        for leg in legs:
            if leg.id not in clearing.orders and leg.id not in clearing.ended:
                clearing.ended[leg.id] = code
                out.append(OrderUpdate(arrival, known, leg.id, Work.REJECTED, code="PARENT"))

    def _again(self, order: int, arrival: int, known: int) -> Reply:
        """The answer to an order that was sent before: where it is now, or the refusal it had."""
        resting = self._clearing.orders.get(order)
        if resting is not None:
            return Reply(arrival, known, order, "submit", "accepted", text="ACKED" if resting.waiting else "WORKING")
        state = self._clearing.ended[order]
        if isinstance(state, Work):
            return Reply(arrival, known, order, "submit", "accepted", text=state.name)
        return Reply(arrival, known, order, "submit", "refused", state)

    def _refusal(self, order: Order, legs: tuple[Order, ...], arrival: int) -> str:
        """The code for which a submit is refused, "" when it is taken."""
        instrument = order.instrument
        lanes = self._lanes
        if not 0 <= instrument < len(lanes):
            self._grow()
            if not 0 <= instrument < len(lanes):
                return "UNKNOWN_INSTRUMENT"
        lane = lanes[instrument]
        code = refusal(lane, order, arrival) or (beside(lane, order, legs) if lane.row.away_ns else "")
        if code:
            return code
        clearing = self._clearing
        if (
            order.parent
            and order.parent not in clearing.orders
            and not isinstance(clearing.ended.get(order.parent), Work)
        ):
            return "PARENT_UNKNOWN"
        if (
            order.post_only
            and not self._delayed
            and (lane.ask <= order.limit if order.side > 0 else lane.bid >= order.limit)
        ):
            return "POST_ONLY_CROSS"
        return self._bad_leg(lane, order, legs, arrival) if legs else ""

    def _bad_leg(self, lane: Lane, order: Order, legs: tuple[Order, ...], arrival: int) -> str:
        """The code for which the legs of an order are refused, "" when they are taken."""
        clearing = self._clearing
        if len({order.id, *(leg.id for leg in legs)}) <= len(legs):
            return "LEG_INVALID"
        for leg in legs:
            if leg.id in clearing.orders or leg.id in clearing.ended:
                return "LEG_INVALID"
            if (
                leg.parent != order.id
                or leg.instrument != order.instrument
                or leg.tif is _OPG
                or leg.tif is _CLS
            ):
                return "LEG_INVALID"
            code = refusal(lane, leg, arrival)
            if code:
                return code
        return ""

    def _rest(self, order: Order, arrival: int) -> Resting:
        """Enter an order into the venue's lists."""
        self._rank = rank = self._rank + 1
        opened = self._opened
        tif = order.tif
        kind = order.type
        number = order.id
        resting = Resting(
            order, number, order.side, kind, tif, order.lots, order.limit, order.stop, arrival,
            arrival if arrival > opened else opened + 1, rank, order.reduce_only, order.group,
        )  # fmt: skip
        if kind is _TRAILING:
            resting.trail = order.trail
        clearing = self._clearing
        clearing.orders[number] = resting
        if order.group:
            clearing.groups.setdefault(order.group, []).append(resting)
        if tif is _DAY:
            if self._lanes[order.instrument].utc:
                resting.day_end = arrival - arrival % DAY + DAY
        elif tif is _GTD:
            self._plan(order.expire, order)
        return resting

    def _arrival(self, now: int) -> int:
        """When what is sent now arrives; messages never overtake each other."""
        self._sent += 1
        at = now + _delay(self._sent, self._seed, self._latency, self._jitter)
        self._arrived = max(at, self._arrived)
        return self._arrived

    def _plan(self, at: int, thing: Order | Cancel | Amend) -> None:
        self._rank += 1
        heappush(self._agenda, (at, self._rank, thing))
        if at < self.due:
            self.due = at

    def _settle(self, upto: int, now: int, out: list[Event]) -> None:
        agenda = self._agenda
        while agenda and agenda[0][0] <= upto:
            at, _, thing = heappop(agenda)
            known = (at if at > now else now) + self._report
            if isinstance(thing, Order):
                resting = self._clearing.orders.get(thing.id)
                if resting is not None:
                    self._sessions.expire(self._lanes[thing.instrument], resting, at, known, out)
            elif isinstance(thing, Cancel):
                self._clearing.cancel(thing, at, known, out)
            else:
                self._amended(thing, at, known, out)
        self.due = agenda[0][0] if agenda else NEVER

    def _cancel(self, effect: Cancel, now: int, out: list[Event]) -> None:
        if self._delayed:
            self._plan(self._arrival(now), effect)
        else:
            self._clearing.cancel(effect, now, now + self._report, out)

    def _amend(self, effect: Amend, now: int, out: list[Event]) -> None:
        if self._delayed:
            self._plan(self._arrival(now), effect)
        else:
            self._amended(effect, now, now + self._report, out)

    def _amended(self, effect: Amend, at: int, known: int, out: list[Event]) -> None:
        """Take or refuse an amend; fewer lots hold at once, other terms from the next row on."""
        resting = self._clearing.orders.get(effect.order)
        code = "NOT_AMENDABLE" if resting is None else amend_refusal(resting, effect, self._lanes[resting.order.instrument])
        if code or resting is None:
            out.append(Reply(at, known, effect.order, "amend", "refused", code))
            return
        lane = self._lanes[resting.order.instrument]
        limit, stop = effect.limit, effect.stop
        more = effect.lots - lane.lots_of(resting) if effect.lots else 0
        if more < 0:
            resting.lots += more
            more = 0
        if more or limit == limit or stop == stop:
            self._rank += 1
            resting.rank = self._rank
            from_ts = at if at > self._opened else self._opened + 1
            lane.amended.append((resting, from_ts, more, limit, stop))
        out.append(Reply(at, known, effect.order, "amend", "accepted"))
        state = Work.ACKED if resting.waiting else Work.WORKING
        out.append(OrderUpdate(at, known, effect.order, state, effect.lots, limit, stop, "AMEND"))

    # -- the market ------------------------------

    def _bar(self, bar: Bar, now: int, out: list[Event]) -> None:
        lane = self._lane(bar.instrument)
        if not lane.matches(bar.span) or not (lane.working or lane.bar is not None):
            return
        known = now + self._report
        if lane.opened < bar.ts:
            if bar.ts > self._opened:
                self._opened = bar.ts
            self._bars.opening(lane, bar, known, out)
        self._bars.inside(lane, bar, known, out)

    def _quote(self, quote: Quote, now: int, out: list[Event]) -> None:
        self._ticks.quote(self._lane(quote.instrument), quote, now + self._report, out)

    def _trade(self, trade: Trade, now: int, out: list[Event]) -> None:
        lane = self._lane(trade.instrument)
        if lane.working:
            self._ticks.trade(lane, trade, now + self._report, out)

    def _book(self, delta: BookDelta, now: int, out: list[Event]) -> None:
        self._ticks.book(self._lane(delta.instrument), delta, now + self._report, out)

    # -- what happens to instruments ------------------------------

    def _session(self, session: Session, now: int, out: list[Event]) -> None:
        self._sessions.apply(session, now + self._report, out)

    def _status(self, status: Status, now: int, out: list[Event]) -> None:
        self._lane(status.instrument).halted = status.halted

    def _delist(self, delist: Delist, now: int, out: list[Event]) -> None:
        lane = self._lane(delist.instrument)
        lane.delisted = True
        lane.lots = 0
        while lane.working:
            self._clearing.end(lane.working[0], Work.CANCELED, "DELISTED", delist.ts, now + self._report, out)

    def _expiry(self, expiry: Expiry, now: int, out: list[Event]) -> None:
        over = self._lane(expiry.instrument)
        under = self._lane(expiry.underlying) if expiry.underlying >= 0 else over
        expire(expiry, over, under, self._clearing, now, now + self._report, out)

    def _split(self, split: Split, now: int, out: list[Event]) -> None:
        if not (isfinite(split.ratio) and split.ratio > 0.0):
            raise Misuse("SPLIT_RATIO", f"{split.ratio} is no split ratio", where=self.instruments[split.instrument].symbol)
        lane = self._lane(split.instrument)
        for resting in lane.rescale(Fraction(split.ratio).limit_denominator(10_000)):
            if resting.id in self._clearing.orders:
                self._clearing.end(resting, Work.CANCELED, "SPLIT", split.ts, now + self._report, out)
