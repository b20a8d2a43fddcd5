"""The engine's quick way through bars on which a step says an entry with its own stop and target, until something else comes.

`Entries.leap` is defined as stepping each row with the venue's answers: the same fills, refusals, records and state, to the bit.
What is not plain (several instruments, a rule that might refuse, an order of another make) it leaves to the engine's step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.effects import Effect
from argosy.core.instrument import tick_fraction
from argosy.core.intents import Ladder
from argosy.core.money import unit
from argosy.core.orders import Order, Tif, Type, Work
from argosy.core.protocols import Market
from argosy.core.strategy import ABSENT, Out
from argosy.core.time import MINUTE, NEVER
from argosy.engine.blotter import Ticket
from argosy.engine.engine import NONE, Engine
from argosy.engine.entry import RUNG, ladder
from argosy.engine.records import Stretch
from argosy.engine.scan import DEALS, Scan
from argosy.engine.slot import Slot, TableFeed
from argosy.engine.snap import rung_on_grid
from argosy.engine.turns import ROW, Turn, entry_of, legs_of, wanted_of
from argosy.kernels import brackets, scan
from argosy.kernels import entries as kernels
from argosy.kernels.brackets import Rest, Venue
from argosy.kernels.scan import Plainness
from argosy.kernels.sweep.account import Market as Ground

PATIENCE = 64
"""Rows, at most, that are stepped before the quick way is tried again."""
_TAG = f"rung:{RUNG}"


class Entries(Scan):
    """One step strategy that says entries, on the bars of one instrument, in arrays. Between leaps the engine and the venue hold all."""

    SAYS = "entry"
    sleeps = False

    @classmethod
    def fits(cls, engine: Engine, columns: Mapping[str, NDArray[Any]]) -> Slot | None:
        """The one slot that can be walked, None when there is none."""
        slot = super().fits(engine, columns)
        return slot if slot is not None and len(engine.instruments) == 1 and len(slot.cells) == 1 else None

    def _link(self, step: Callable[..., None]) -> None:
        self._log = np.zeros(DEALS, ROW)
        self._blank = self._log.view(np.uint8)
        self._aside = np.zeros((DEALS, 2))
        self._rests = np.zeros((brackets.CAPACITY, brackets.WIDTH), np.int64)
        self._levels = np.zeros((brackets.CAPACITY, 4))
        self._said = np.zeros(3)
        self._todo = np.zeros((2 * brackets.CAPACITY, 5), np.int64)
        self._px = np.zeros((2 * brackets.CAPACITY, 2))
        row = self._engine.instruments[0]
        step_, small = tick_fraction(row.tick), tick_fraction(row.tick_small)
        self._ground = Ground(
            row.scale, float(row.lot), float(unit(row.currency)), 1.0, 0.0, 1.0, *step_, *small, max(1, row.min_lots),
            row.max_lots or 1 << 62, 0, 0, 0, True, True, True,
        )  # fmt: skip
        self._venue = Venue(0.0, 0.0, 0, 0)
        self._kept: list[Order | None] = []
        self._orders: dict[int, Order] = {}
        self._lent: tuple[int, int, list[Rest]] = (0, 0, [])
        self._granted = self._again = self._tries = 0
        walker = kernels.walker(step)
        self._kernel = walker.prove
        self._walk(0, 0)
        self._kernel = walker.jit

    def _walk(self, lo: int, hi: int) -> tuple[int, int, int]:
        at, count, why = self._kernel(
            lo, hi, self._columns, self._seats, self._table, self._states, self._params, self._row, self._outs, self._lasts, self._book,
            self._marks, self._tally, self._room, self._ground, self._venue, self._schedule, self._rests, self._levels, self._said,
            self._todo, self._px, self._log, self._memo, self._aside, *self._before, self._awake,
        )  # fmt: skip
        return at, count, why

    def leap(self, lo: int, hi: int, market: Market) -> tuple[Effect, ...]:
        """Walk rows [lo, hi) with what rests at the market, as far as all is plain; then decide. `engine.state.rows` says how far."""
        engine, tally = self._engine, self._tally
        if lo < self._again or engine.decisions_left < kernels.AHEAD:
            return NONE
        plain, lent = market.plain(), market.lend(0)
        if plain is None or lent is None or not self._come(plain, lent):
            return self._wait(lo)
        for c in self._loose:
            self._take(c)
        self._loose.clear()
        failure: Exception | None = None
        count = why = 0
        try:
            at, count, why = self._walk(lo, hi)
        except Exception as error:  # the step raised, which may be anything; it is recorded and quarantined
            failure = error
            at = tally.item(scan.AT) + 1
        if at == lo:
            return self._wait(lo)
        if at - lo > 1:
            self._tries = 0
        stirred = tally.item(brackets.STIRRED)
        self._leave(at)
        market.take_back(0, engine.state.portfolio.lots[0], tally.item(brackets.RANK), tally.item(scan.LAST_OPEN), self._live())
        if stirred and (failure is not None or count or why == scan.ALERT):
            engine.dirty.add(0)
        if failure is not None:
            self._fail(at - 1, at, failure)
        elif why == scan.ALERT:
            engine.levels.check()
            for call in engine.dispatch.on_bar[0]:
                call(self.bar(at - 1))
        elif count:
            self._changed[0] = 0
            self._want(1, at)
            if at - lo == 1:
                self._wait(lo)
        return engine.decide() if engine.dispatch.wants or engine.dirty or engine.effects else NONE

    def _wait(self, lo: int) -> tuple[Effect, ...]:
        """Not plain now: step some rows, ever more of them, before it is tried again."""
        self._tries += 1
        self._again = lo + min(PATIENCE, 1 << min(self._tries, 10)) // 2
        return NONE

    # -- coming ----------------------------------------------------------------------------------------------------------

    def _come(self, plain: Plainness, lent: tuple[int, int, list[Rest]]) -> bool:
        """Take the account's and the venue's numbers into the arrays; False when they are not plain."""
        self._lent = lent
        self._orders = {rest.order.id: rest.order for rest in lent[2]}
        self._seq = -1
        self._enter(lambda: plain)
        if self._terms[scan.DEALING] == 0.0:
            return False
        tally, row = self._tally, self._engine.instruments[0]
        tally[brackets.RANK] = lent[0]
        tally[scan.LAST_OPEN] = lent[1]
        self._granted = self._engine.decisions_left
        self._ground = self._ground._replace(
            bps=float(plain.bps), through=bool(plain.through), shortable=bool(row.shortable and self._facts[0, scan.SHORTABLE])
        )
        self._venue = Venue(float(plain.ticks), float(plain.volume_share), int(plain.large[0]), int(plain.spans[0] or NEVER))
        return True

    def _settled(self) -> bool:
        """Whether nothing stands but an entry of the step's own, and nothing rests but it and the legs of those that filled."""
        state, tally = self._engine.state, self._tally
        wish = state.wishes.get((self._slot.id, 0))
        spent = standing = 0
        rungs: set[str] = set()
        if wish is not None:
            rungs = set(wish.rungs)
            if wish.lots is not None or wish.protection is not None or not (rungs | wish.spent) <= {RUNG}:
                return False
            spent = len(wish.spent)
            if type(wish.intent) is Ladder:
                said = _said(wish.intent)
                if said is None:
                    return False
                standing, tally[brackets.WANTED] = 1, said[0]
                self._said[:] = said[1:]
        tally[brackets.STANDING] = standing
        tally[brackets.SPENT] = spent
        tally[brackets.WISHES] = state.turn
        return not state.bare.waits and self._lay(bool(rungs) and not spent)

    def _lay(self, rests: bool) -> bool:
        """Lay out what rests in rows; False when it is not plain. rests: whether an entry must rest, or none may."""
        state, held = self._engine.state, self._engine.state.portfolio.lots[0]
        tickets = state.blotter.open[0]
        venue = {rest.order.id: rest for rest in self._lent[2]}
        if set(venue) != set(tickets) or len(tickets) > brackets.CAPACITY:
            return False
        self._kept.clear()
        laid: dict[int, int] = {}
        covered = {"stop": 0, "take": 0}
        entry = reserved = 0
        for number, rest in venue.items():
            ticket, order = tickets[number], rest.order
            if not self._plain(ticket, order):
                return False
            whose = order.parent or number
            k = laid.get(whose)
            if k is None:
                k = laid[whose] = len(laid)
                self._rests[k] = 0
                self._kept.append(None)
                self._begin(k, whose, ticket, rest)
            if not order.parent:
                if entry or order.side * held < 0 or rest.waiting or ticket.work is not Work.WORKING or k != len(self._kept) - 1:
                    return False
                entry, reserved = number, ticket.reserved
                self._kept[k] = order
            elif not self._leg(k, entry, held, covered, ticket, rest):
                return False
        self._tally[brackets.RESTS] = len(laid)
        known = state.counters.unfilled == ((entry,) if entry else ()) and state.blotter.reserved == reserved
        return bool(entry) == rests and known and max(covered.values()) <= abs(held) and (not entry or whose == entry)

    def _plain(self, ticket: Ticket, order: Order) -> bool:
        """Whether an order is one that the step's entries make, untouched, and the same here and at the venue."""
        own = ticket.order
        if own is not order and repr(own) != repr(order):
            return False
        fresh = not (ticket.cum or ticket.cancelling or ticket.forgone or ticket.returned or ticket.undone or ticket.executions)
        ours = len(own.shares) == 1 and own.shares[0].strategy == self._slot.id and own.shares[0].lots == own.lots == ticket.left[0]
        kind = own.type is Type.LIMIT if own.tag in (_TAG, "take") else own.type is Type.STOP and own.tag == "stop"
        family = own.group == own.parent and own.reduce_only == bool(own.parent) and bool(own.parent) == (own.tag != _TAG)
        return fresh and ours and kind and family and own.tif is Tif.GTC and not own.post_only

    def _begin(self, k: int, whose: int, ticket: Ticket, rest: Rest) -> None:
        """A new row: of an entry that rests, or of the first leg of one that filled."""
        order, row, levels = rest.order, self._rests[k], self._levels[k]
        live = order.parent != 0
        row[brackets.NUMBER] = whose
        row[brackets.SIDE] = -order.side if live else order.side
        row[brackets.LOTS] = order.lots
        row[brackets.WORK] = 2 if live else 1
        row[brackets.LEGS_MET if live else brackets.MET] = rest.seen
        row[brackets.ARMED if live else brackets.ARRIVAL] = rest.arrival
        row[brackets.BORN if live else brackets.FROM] = rest.from_ts
        row[brackets.PLACE] = 0 if live else rest.rank
        row[brackets.SENT] = ticket.turn
        row[brackets.UNITS] = ticket.reserved
        row[brackets.TOLD] = -1 - k
        levels[:] = 0.0 if live else order.limit, ABSENT, ABSENT, rest.mark

    def _leg(self, k: int, entry: int, held: int, covered: dict[str, int], ticket: Ticket, rest: Rest) -> bool:
        """A leg joins its row; False when the two are not of one piece."""
        order, row, levels = rest.order, self._rests[k], self._levels[k]
        waits = order.parent == entry
        if order.lots != row[brackets.LOTS] or order.side != -row[brackets.SIDE] or ticket.turn != row[brackets.SENT] or waits != rest.waiting:
            return False
        if waits:
            if not ticket.leg or ticket.work is not Work.ACKED or (rest.from_ts, rest.arrival) != (row[brackets.FROM], row[brackets.ARRIVAL]):
                return False
        else:
            same = (rest.from_ts, rest.arrival, int(rest.seen)) == (row[brackets.BORN], row[brackets.ARMED], row[brackets.LEGS_MET])
            if ticket.leg or ticket.work is not Work.WORKING or order.side * held >= 0 or not same or rest.mark != levels[brackets.MARK]:
                return False
            covered[order.tag] += order.lots
        stop = order.tag == "stop"
        if row[brackets.STOP_ID if stop else brackets.TAKE_ID]:
            return False
        row[brackets.STOP_ID if stop else brackets.TAKE_ID] = order.id
        row[brackets.STOP_RANK if stop else brackets.TAKE_RANK] = rest.rank
        levels[brackets.AT_STOP if stop else brackets.AT_TAKE] = order.stop if stop else order.limit
        return True

    # -- leaving ---------------------------------------------------------------------------------------------------------

    def _leave(self, at: int) -> None:
        """Bring everything home; the engine stands behind row `at` - 1."""
        tally = self._tally
        super()._leave(at)
        if not tally[scan.DEALS]:
            self._engine.leap(None, tally.item(scan.CURSOR), self._granted - tally.item(scan.DECISIONS))

    def _record(self, count: int) -> None:
        """Record a stretch of turns and fills, and bring what came of it home."""
        engine, tally, slot = self._engine, self._tally, self._slot
        state = engine.state
        rows = self._log[:count]
        turns = rows["kind"] == brackets.TURN
        whys = (slot.declaration.name,) if slot.explain is None else self._reasons(rows, turns)
        whys = self._remember(rows, turns, whys)
        stretch = Stretch(
            slot.id, slot.declaration.unit, slot.share, tally.item(scan.SEQ) - engine.journal.seq, rows.tobytes(), whys, self.SAYS
        )
        engine.leap(stretch, tally.item(scan.CURSOR), self._granted - tally.item(scan.DECISIONS))
        self._settle_books()
        state.blotter.relay(0, list(self._open()))
        sent = rows[turns & (rows["entry"] != 0)]
        sent = sent[np.searchsorted(sent["known"], sent["known"][-1:] - MINUTE, side="right").sum() :]  # no rule looks further back
        columns = [sent[name].tolist() for name in ("known", "side", "lots", "limit")]
        entries = [(now, ((slot.id,), 0, side, lots, int(Type.LIMIT), limit, 0.0)) for now, side, lots, limit in zip(*columns, strict=True)]
        rests = tally.item(brackets.RESTS)
        last = self._rests[rests - 1] if rests else None
        unfilled = last.item(brackets.NUMBER) if last is not None and last[brackets.WORK] == 1 else 0
        trades = tally.item(scan.TRADES), tally.item(scan.OWN_TRADES)
        state.counters.on_entries(slot.id, entries, trades, tally.item(scan.LOSSES), unfilled)
        state.turn = tally.item(brackets.WISHES)
        wish = state.wish(slot.id, 0)
        places = np.flatnonzero(turns)
        if len(places):
            turn = Turn(rows[places[-1]].item())
            why = whys[turn.told]
            wish.intent = intent = wanted_of(turn, why)
            wish.rungs = {rung.tag: rung_on_grid(rung, engine.instruments[0]) for rung in intent.rungs}
            wish.turn = state.turn
            wish.spent = set()
        if tally[brackets.SPENT]:
            wish.spent.add(RUNG)
        self._blank[: count * ROW.itemsize] = 0
        if state.on_stretch is not None:
            state.on_stretch(stretch)

    def _reasons(self, rows: NDArray[Any], turns: NDArray[np.bool_]) -> tuple[str, ...]:
        """The step's own reasons, from what it saw and was at each turn; `told` of each row then is the place of its own."""
        slot, feed = self._slot, self._cells[0].feed
        explain, params = slot.explain, slot.declaration.params
        assert explain is not None
        state, out = slot.declaration.state(), Out()
        texts = []
        for place in np.flatnonzero(turns).tolist():
            turn = Turn(rows[place].item())
            target, seen = self._aside[place].tolist()
            needs = feed.of(int(seen) - 1) if isinstance(feed, TableFeed) else slot.shape()
            for name, number in zip(self._fields, self._memo.item(place), strict=False):
                setattr(state, name, number)
            out.target, out.limit, out.stop, out.take = target, turn.price, turn.asked_stop, turn.asked_take
            texts.append(str(explain(needs, state, params, out)))
        return tuple(texts)

    def _remember(self, rows: NDArray[Any], turns: NDArray[np.bool_], whys: tuple[str, ...]) -> tuple[str, ...]:
        """Keep what is live as orders, and let `told` of each row be the place of its reason; returns the reasons, those of old entries, too."""
        places = np.cumsum(turns) - 1
        told = rows["told"]
        if self._slot.explain is None:
            places[:] = 0
            told[told < 0] = 0
        old: dict[int, int] = {}
        for place in np.flatnonzero(told < 0).tolist():
            order = self._kept[-1 - told.item(place)]
            if order is not None:
                whys = (*whys, order.why)
                old[place] = len(whys) - 1
        told[told >= 0] = places[told[told >= 0]]
        told[told < 0] = 0
        for place, which in old.items():
            told[place] = which
        strategy, orders = self._slot.id, self._orders
        for row in self._rests[: self._tally.item(brackets.RESTS)]:
            place = row.item(brackets.TOLD)
            if place < 0:
                continue
            turn = Turn(rows[place].item())
            if row[brackets.WORK] == 1:
                orders[turn.entry] = entry_of(strategy, turn, whys[turn.told])
            orders |= {leg.id: leg for leg in legs_of(strategy, turn)}
        return whys

    def _open(self) -> Iterator[tuple[Order, Work, bool, int, int]]:
        """What is live now, for the blotter: (order, work, whether it waits for its entry, wishes when sent, units held back)."""
        for row in self._rests[: self._tally.item(brackets.RESTS)].tolist():
            waits = row[brackets.WORK] == 1
            if waits:
                yield self._orders[row[brackets.NUMBER]], Work.WORKING, False, row[brackets.SENT], row[brackets.UNITS]
            for leg in (row[brackets.STOP_ID], row[brackets.TAKE_ID]):
                if leg:
                    yield self._orders[leg], Work.ACKED if waits else Work.WORKING, waits, row[brackets.SENT], 0

    def _live(self) -> list[Rest]:
        """What is live now, for the venue."""
        found = []
        count = self._tally.item(brackets.RESTS)
        for row, levels in zip(self._rests[:count].tolist(), self._levels[:count].tolist(), strict=True):
            waits = row[brackets.WORK] == 1
            if waits:
                came, since, mark = row[brackets.ARRIVAL], row[brackets.FROM], 0.0
                found.append(Rest(self._orders[row[brackets.NUMBER]], False, since, bool(row[brackets.MET]), row[brackets.PLACE], came, mark))
            else:
                came, since, mark = row[brackets.ARMED], row[brackets.BORN], levels[brackets.MARK]
            for leg, rank in ((row[brackets.STOP_ID], row[brackets.STOP_RANK]), (row[brackets.TAKE_ID], row[brackets.TAKE_RANK])):
                if leg:
                    found.append(Rest(self._orders[leg], waits, since, not waits and bool(row[brackets.LEGS_MET]), rank, came, mark))
        return found


def _said(intent: Ladder) -> tuple[int, float, float, float] | None:
    """What a step wrote for a ladder to be this; None when no step did."""
    if not intent.rungs:
        return 0, ABSENT, ABSENT, ABSENT
    rung = intent.rungs[0]
    exits = rung.protection
    stop, take = (exits.stop, exits.take) if exits is not None else (ABSENT, ABSENT)
    stop, take = ABSENT if stop != stop else stop, ABSENT if take != take else take
    made = ladder(intent.instrument, rung.side * rung.lots, rung.px, stop, take, intent.why)
    return (rung.side * rung.lots, rung.px, stop, take) if repr(made.rungs) == repr(intent.rungs) else None
