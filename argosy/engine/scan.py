"""The engine's quick way through bars: one compiled step strategy with its plain market orders, until something else comes.

`Scan.run` is defined as `Engine.advance` (or `Engine.bars`) on each row, with the venue's answers: the same fills, refusals,
records and state, to the bit. Where that cannot be had (handlers, several strategies or currencies, series of several spans, a
step that machine code cannot run) there is no scan, and the engine steps.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.effects import Effect
from argosy.core.errors import Broken
from argosy.core.events import Bar
from argosy.core.intents import Target
from argosy.core.money import per_one, unit
from argosy.core.orders import Tif
from argosy.core.protocols import Market
from argosy.core.strategy import Out
from argosy.core.time import MINUTE, NEVER
from argosy.engine.dispatch import sound
from argosy.engine.engine import NONE, Engine
from argosy.engine.portfolio import HOUSE
from argosy.engine.records import Stretch
from argosy.engine.slot import LEVELS, Cell, Slot, TableFeed
from argosy.engine.state import LIVE
from argosy.engine.steps import OUT, ROW, strange, struct_type
from argosy.engine.stretch import DEAL, sent, target
from argosy.engine.wish import Wish
from argosy.kernels import scan as kernels
from argosy.kernels.checked import BEYOND
from argosy.kernels.fees import FeeSchedule
from argosy.kernels.kernel import Uncompilable
from argosy.kernels.plain import linked
from argosy.kernels.scan import Plainness

DEALS = 8_192
"""Decisions after which a stretch is recorded."""

_COLUMNS = ("instrument", "ts", "known", "span", "open", "high", "low", "close", "volume")
_UNITS = {"lots": kernels.LOTS, "weight": kernels.WEIGHT, "notional": kernels.NOTIONAL}
_INF = float("inf")
_FAR = -(1 << 62)


class Scan:
    """One step strategy on the bars of a run, in arrays.

    The numbers of its cells live here while it runs; `Cell.away` brings one home before anybody else reads or steps it.
    columns: the run's bars in the order they are walked, (T,) arrays named as the fields of Bar
    traded:  lots by instrument that the last run bought, less those it sold, by orders the venue has not seen
    SAYS:    what steps it walks say; sleeps: whether it walks rows on which nothing may be traded, too
    """

    SAYS = "position"
    sleeps = True

    def __init__(self, engine: Engine, slot: Slot, columns: Mapping[str, NDArray[Any]]) -> None:
        self._engine = engine
        self._slot = slot
        declaration = slot.declaration
        cells = list(slot.cells.values())
        n = len(engine.instruments)
        self._cells = cells
        self._loose = list(range(len(cells)))
        self._homes = [partial(self._home, c) for c in self._loose]
        self._columns = tuple(columns[name] for name in _COLUMNS)
        self._known = columns["known"]
        self._seats = np.full((n, 5), -1, np.int64)
        feeds = [cell.feed for cell in cells if isinstance(cell.feed, TableFeed)]
        self._table: NDArray[Any] = feeds[0].table if feeds else np.zeros(1, [("_", "f8")])
        self._awake = np.zeros(0, np.bool_)
        if declaration.wakes:
            self._awake = np.concatenate([feed.wakes for feed in feeds if feed.wakes is not None])
        for c, cell in enumerate(cells):
            first = cell.feed.first if isinstance(cell.feed, TableFeed) else 0
            self._seats[cell.instrument] = (c, first, 0, 1 if feeds else 0, cell.warm)
        state_type, params_type = struct_type(declaration.state()), struct_type(declaration.params)
        assert state_type is not None
        assert params_type is not None
        assert declaration.step is not None
        self._fields = declaration.state.__struct_fields__
        self._states = np.zeros(len(cells), state_type)
        self._outs = np.zeros(len(cells), OUT)
        self._lasts = np.zeros(len(cells), OUT)
        self._row = np.zeros(1, ROW)
        self._params = np.zeros(1, params_type)
        if declaration.params.__struct_fields__:
            self._params[0] = tuple(getattr(declaration.params, name) for name in declaration.params.__struct_fields__)
        self._changed = np.zeros(len(cells), np.int64)
        self._floor = np.full(n, -_INF)
        self._ceiling = np.full(n, _INF)
        self._book = np.zeros((n, 6), np.int64)
        self._marks = np.zeros(n)
        self._facts = np.zeros((n, 10))
        self._facts[:, kernels.SCALE] = engine.state.portfolio.scale
        self._tally, self._room = np.zeros(28, np.int64), np.zeros(22)
        self._terms, self._schedule = np.zeros(8), FeeSchedule()
        self._standing, self._asks = np.zeros(len(cells)), np.zeros((len(cells), 5), np.int64)
        self._log = np.zeros(DEALS, DEAL)
        self._memo = np.zeros(DEALS, state_type)
        self._before = np.zeros(1, state_type), np.zeros(1, OUT)
        self._seq, self._beyond = -1, False
        self.traded: dict[int, int] = {}
        assert isinstance(declaration.step, FunctionType)
        self._link(linked(declaration.step))

    def _link(self, step: Callable[..., None]) -> None:
        """Make the walk of the strategy's step; Uncompilable where it cannot be made."""
        scanner = kernels.scanner(step)
        self._kernel = scanner.prove
        self._walk(0, 0)  # made here, or found that it cannot be
        self._kernel = scanner.jit

    @classmethod
    def of(cls, engine: Engine, columns: Mapping[str, NDArray[Any]]) -> Scan | None:
        """The scan of a run, None when it must be stepped."""
        slot = cls.fits(engine, columns)
        try:
            return None if slot is None else cls(engine, slot, columns)
        except Uncompilable:
            return None

    @classmethod
    def fits(cls, engine: Engine, columns: Mapping[str, NDArray[Any]]) -> Slot | None:
        """The one slot that can be scanned, None when there is none."""
        active = [slot for slot in engine.slots if engine.state.status[slot.id] == "active"]
        plain = len(active) == 1 and engine.state.portfolio.single and not any(row.away_ns for row in engine.instruments)
        if not plain or engine.dispatch.listens or engine.dispatch.keeps:
            return None
        declaration = (slot := active[0]).declaration
        if declaration.step is None or declaration.ticks or declaration.wants != cls.SAYS or strange(declaration) is not None:
            return None
        cells = list(slot.cells.values())
        if any(cell.spans is not None for cell in cells):
            return None
        if declaration.needs and len({id(getattr(cell.feed, "table", cell)) for cell in cells}) != 1:
            return None
        if (declaration.needs or declaration.wakes) and any(not isinstance(cell.feed, TableFeed) for cell in cells):
            return None
        known, instrument = columns["known"], columns["instrument"]
        if np.any((known[1:] == known[:-1]) & (instrument[1:] <= instrument[:-1])):
            return None
        return slot

    def leap(self, lo: int, hi: int, market: Market) -> tuple[Effect, ...]:
        """`run` on a market: what rests there is not touched, and it hears what was filled elsewhere."""
        effects = self.run(lo, hi, market.touch(), market.plain)
        if self.traded:
            market.leap(self.traded, self.opened)
        return effects

    @property
    def opened(self) -> int:
        """The start of the last bar at whose open something was filled here."""
        return self._tally.item(kernels.LAST_OPEN)

    @property
    def ready(self) -> bool:
        """Whether the engine is as the scan needs it: its strategy active, nothing else to be looked at on every bar."""
        state = self._engine.state
        if self._engine.patience.stuck or state.courses or self._beyond:
            return False
        return state.status[self._slot.id] == "active" and not self._engine.levels.each_row

    def bar(self, row: int) -> Bar:
        """The bar of a row."""
        i, ts, known, span, open_, high, low, close, volume = [column.item(row) for column in self._columns]
        return Bar(ts, known, i, open_, high, low, close, volume, span)

    def run(
        self,
        lo: int,
        hi: int,
        touch: Sequence[tuple[int, float, float]] = (),
        plain: Callable[[], Plainness | None] | None = None,
    ) -> tuple[Effect, ...]:
        """Walk rows [lo, hi) of the run, which must end with an instant, as far as nothing has to be decided; then decide.

        touch: (instrument, floor, ceiling) of those with resting orders: a row that reaches one of them is not walked
        plain: says how the venue fills plain market orders, or that it would not at once
        The engine stands behind the last row walked (`engine.state.rows`), which may be `lo`.
        """
        engine = self._engine
        tally = self._tally
        for c in self._loose:
            self._take(c)
        self._loose.clear()
        for i, low, high in touch:
            self._floor[i] = low
            self._ceiling[i] = high
        self.traded.clear()
        self._enter(None if touch else plain)
        failure: Exception | None = None
        count = why = 0
        try:
            at, count, why = self._walk(lo, hi)
        except Exception as error:  # the step raised, which may be anything; it is recorded and quarantined
            failure = error
            at = min(hi, int(np.searchsorted(self._known, self._known[tally[kernels.AT]], side="right")))
        for i, _, _ in touch:
            self._floor[i] = -_INF
            self._ceiling[i] = _INF
        if at == lo:
            return NONE
        self._leave(at)
        if failure is not None:
            self._fail(tally.item(kernels.AT), at, failure)
        elif why == kernels.ALERT:
            engine.levels.check()
            calls = engine.dispatch.on_bar
            for r in range(int(np.searchsorted(self._known, self._known[at - 1])), at):
                bar = self.bar(r)
                for call in calls[bar.instrument]:
                    call(bar)
        elif count:
            self._want(count, at)
        else:
            return NONE
        self._seq = -1
        return engine.decide() if engine.dispatch.wants or engine.dirty or engine.effects else NONE

    def _want(self, count: int, at: int) -> None:
        """Let the first `count` cells that changed in the instant before row `at` say what they want."""
        dispatch, slot = self._engine.dispatch, self._slot
        for c in self._changed[:count].tolist():
            cell = self._cells[c]
            self._show(c, cell)
            at_fault = None if sound(cell.out) and self.SAYS == "position" else self.bar(self._last_row(cell.instrument, at))
            dispatch.wants.append((slot, dispatch.stepped(slot, cell, at_fault, self._needs(cell))))

    def _last_row(self, instrument: int, end: int) -> int:
        """The last row of an instrument before `end`."""
        row = end - 1
        while self._columns[0].item(row) != instrument:
            row -= 1
        return row

    def _walk(self, lo: int, hi: int) -> tuple[int, int, int]:
        """Walk rows [lo, hi) in machine code; raises what the step raises."""
        at, count, why = self._kernel(
            lo, hi, self._columns, self._seats, self._table, self._states, self._params, self._row, self._outs, self._lasts,
            self._changed, self._floor, self._ceiling, self._book, self._marks, self._facts, self._tally, self._room, self._terms,
            self._schedule, self._standing, self._asks, self._log, self._memo, *self._before, self._awake,
        )  # fmt: skip
        return at, count, why

    def _fail(self, row: int, end: int, failure: Exception) -> None:
        """Let the plain step take the row at which the compiled one raised: it raises too, for its words and its trace.

        Where an int grew beyond machine code alone, it does not, and goes on. The rest of its instant, up to row `end`, is stepped.
        """
        slot, dispatch = self._slot, self._engine.dispatch
        bar, calls = self.bar(row), dispatch.on_bar
        cell = slot.cells[bar.instrument]
        c = self._cells.index(cell)
        self._states[c], self._outs[c] = self._before[0][0], self._before[1][0]
        self._want(self._tally.item(kernels.CHANGED), row)
        self._home(c)
        needs = self._needs(cell)
        assert cell.step is not None
        try:
            cell.step(bar, needs, cell.state, slot.declaration.params, cell.out)
        except Exception as error:  # a strategy may raise anything; it is recorded and quarantined
            self._engine.fail(slot, bar, error)
        else:
            if failure.args != (BEYOND,):
                fix = "report it; scan_from turns compiling off"
                raise Broken("SCAN", f"{slot.id} raised compiled and not in Python, at {bar}", fix=fix) from failure
            self._beyond = True
            if self.SAYS == "entry" or any(getattr(cell.out, name) != getattr(cell.last, name) for name in LEVELS):
                dispatch.wants.append((slot, dispatch.stepped(slot, cell, bar, needs)))
        for later in map(self.bar, range(row + 1, end)):
            for call in calls[later.instrument]:
                call(later)

    # -- between the engine's books and the arrays -----------------------------------------------------------------------

    def _enter(self, plain: Callable[[], Plainness | None] | None) -> None:
        """Take the account's numbers into the arrays, where anything was recorded since they were brought home."""
        engine, tally, book = self._engine, self._tally, self._book
        state = engine.state
        if engine.journal.seq != self._seq or plain is None or self._terms[kernels.DEALING] == 0.0:
            portfolio = state.portfolio
            book[:, kernels.HELD] = portfolio.lots
            book[:, kernels.VALUE] = portfolio.value
            book[:, kernels.MARKED] = portfolio.marked
            self._marks[:] = portfolio.marks
            tally[kernels.CASH] = portfolio.cash[0]
            tally[kernels.WORTH] = portfolio.worth[0]
            tally[kernels.PEAK] = state.peak
            tally[kernels.HOLDING] = len(portfolio.held)
            self._room[:2] = engine.levels.alert() if engine.levels.watching else (-_INF, _INF)
            self._terms[kernels.DEALING] = 0.0
            terms = plain() if plain is not None else None
            if terms is not None:
                self._deal(terms)
        tally[kernels.SEQ] = engine.journal.seq
        tally[kernels.CURSOR] = engine.cursor
        tally[kernels.DEALS] = 0
        tally[kernels.CHANGED] = 0
        tally[kernels.DECISIONS] = engine.decisions_left

    def _deal(self, plain: Plainness) -> None:
        """Take what plain orders need, if they can be dealt with here at all."""
        engine, tally, room = self._engine, self._tally, self._room
        state, slot = engine.state, self._slot
        portfolio, counters = state.portfolio, state.counters
        own = portfolio.books[slot.id]
        if state.level != LIVE or any(portfolio.books[HOUSE].lots) or own.lots != portfolio.lots:
            return
        bounds = engine.gate.room(engine.view, slot.declaration.wants == "entry")
        if bounds is None or state.halted or state.delisted:
            return
        if not all(row.tradable and not row.restricted for row in engine.instruments) or not self._settled():
            return
        room[2:] = (
            bounds.lots, bounds.value, bounds.position_lots, bounds.position_frac, bounds.gross, bounds.net, bounds.leverage,
            bounds.power_frac, engine.view.multiplier, bounds.least_equity, bounds.fall_frac, bounds.trades, bounds.own_trades,
            bounds.streak, bounds.rate, bounds.apart_ns, bounds.own_power_frac,
            own.budget - own.max_loss + 1 if bounds.own_loss and own.max_loss else -_INF, bounds.through, bounds.away,
        )  # fmt: skip
        self._book[:, kernels.COST] = own.cost
        self._book[:, kernels.ENTERED] = [counters.last.get(i, _FAR) for i in range(len(own.lots))]
        for i, row in enumerate(engine.instruments):
            self._facts[i] = (
                row.scale, float(row.lot), float(row.tick), float(row.tick_small), max(1, row.min_lots), row.max_lots or 1 << 62,
                plain.large[i], bounds.shorts and row.shortable, plain.utc[i], plain.spans[i] or NEVER,
            )  # fmt: skip
        self._book[:, kernels.TRIP] = [counters.trips.get((slot.id, i), 0) for i in range(len(own.lots))]
        stamps = counters.stamps
        tally[kernels.OWN_CASH] = own.cash[0]
        tally[kernels.OWN_FEES] = own.fees[0]
        tally[kernels.OWN_REALISED] = own.realised[0]
        tally[kernels.TRADES] = counters.trades_in_all
        tally[kernels.OWN_TRADES] = counters.trades.get(slot.id, 0)
        tally[kernels.LOSSES] = counters.losses.get(slot.id, 0)
        tally[kernels.WINDOW] = state.now
        tally[kernels.ORDERS] = len(stamps) - bisect_right(stamps, state.now - MINUTE)
        tally[kernels.ORDERS_BEFORE] = 0
        tally[kernels.LAST_OPEN] = plain.opened
        base = portfolio.base
        self._terms[:] = (
            1.0, _UNITS[slot.declaration.unit], slot.share, per_one(base), plain.bps, plain.ticks, plain.volume_share, float(unit(base)),
        )  # fmt: skip
        self._schedule = plain.schedule

    def _settled(self) -> bool:
        """Whether nothing rests and every standing wish is a plain target; then it is noted what they count."""
        state = self._engine.state
        if any(state.blotter.open):
            return False
        for c, cell in enumerate(self._cells):
            value = self._stands(state.wishes.get((self._slot.id, cell.instrument)))
            if value is None:
                return False
            self._standing[c] = value
        return True

    def _stands(self, wish: Wish | None) -> float | None:
        """What a standing wish counts, nan for nothing; None when it is more than a plain target."""
        if wish is None:
            return float("nan")
        if wish.rungs or wish.protection is not None or wish.limit == wish.limit or wish.tif is not Tif.DAY or wish.until != NEVER:
            return None
        if wish.lots is None:
            return float("nan")
        intent = wish.intent
        if type(intent) is not Target or intent.horizon_ns or intent.on_expiry != "keep" or intent.execution is not None:
            return None
        value = getattr(intent, self._slot.declaration.unit)
        return None if value is None else float(value)

    def _leave(self, at: int) -> None:
        """Bring the account's numbers home; the engine stands behind row `at` - 1."""
        engine, tally, book = self._engine, self._tally, self._book
        state = engine.state
        portfolio = state.portfolio
        deals = tally.item(kernels.DEALS)
        if deals:
            self._record(deals)
        state.rows = at
        state.now = self._known.item(at - 1)
        portfolio.value[:] = book[:, kernels.VALUE].tolist()
        portfolio.marked[:] = book[:, kernels.MARKED].tolist()
        portfolio.marks[:] = self._marks.tolist()
        portfolio.worth[0] = tally.item(kernels.WORTH)
        state.peak = tally.item(kernels.PEAK)
        self._seq = engine.journal.seq

    def _record(self, count: int) -> None:
        """Record a stretch of plain orders, and bring what came of it home."""
        engine, tally, slot = self._engine, self._tally, self._slot
        state = engine.state
        deals = self._log[:count]
        declaration = slot.declaration
        whys = (declaration.name,) if slot.explain is None else tuple(self._whys(deals))
        stretch = Stretch(
            slot.id, declaration.unit, slot.share, tally.item(kernels.SEQ) - engine.journal.seq, deals.tobytes(), whys
        )
        decided = len(np.unique(deals["rows"]))
        whose = deals["instrument"]
        for i in np.unique(whose).tolist():
            self.traded[i] = self.traded.get(i, 0) + int((deals["side"] * deals["lots"])[whose == i].sum())
        engine.leap(stretch, tally.item(kernels.CURSOR), decided)
        self._settle_books()
        if (deals["lots"] > 0).any():
            state.counters.on_stretch(slot.id, *sent(deals), tally.item(kernels.LOSSES))
        turn = state.turn
        state.turn += count
        for c in np.unique(deals["cell"]).tolist():
            place = int(np.flatnonzero(deals["cell"] == c)[-1])
            i, value, wanted = deals["instrument"].item(place), deals["target"].item(place), deals["wanted"].item(place)
            wish = state.wish(slot.id, i)
            wish.intent = target(stretch, i, value, whys[place if len(whys) > 1 or count == 1 else 0])
            wish.lots = wanted
            wish.turn = turn + place + 1
            wish.limit = float("nan")
            wish.tif = Tif.DAY
            wish.until = NEVER
            wish.on_expiry = "keep"
        if state.on_stretch is not None:
            state.on_stretch(stretch)

    def _settle_books(self) -> None:
        """Bring position and money home, after the record of what moved them."""
        tally, portfolio = self._tally, self._engine.state.portfolio
        own = portfolio.books[self._slot.id]
        portfolio.lots[:] = own.lots[:] = self._book[:, kernels.HELD].tolist()
        own.cost[:] = self._book[:, kernels.COST].tolist()
        own.cash[0] = tally.item(kernels.OWN_CASH)
        own.fees[0] = tally.item(kernels.OWN_FEES)
        own.realised[0] = tally.item(kernels.OWN_REALISED)
        portfolio.cash[0] = tally.item(kernels.CASH)
        self._engine.state.counters.trips.update({(self._slot.id, i): units for i, units in enumerate(self._book[:, kernels.TRIP].tolist())})
        portfolio.held.clear()
        portfolio.held.update([i for i, lots in enumerate(portfolio.lots) if lots])

    def _whys(self, deals: NDArray[Any]) -> list[str]:
        """The step's own reasons, from what it saw and was when it decided."""
        slot = self._slot
        explain, params = slot.explain, slot.declaration.params
        assert explain is not None
        state, out = slot.declaration.state(), Out()
        texts = []
        for cell, seen, value, memo in zip(
            deals["cell"].tolist(), deals["seen"].tolist(), deals["target"].tolist(), self._memo[: len(deals)].tolist(), strict=True
        ):
            feed = self._cells[cell].feed
            needs = feed.of(seen - 1) if isinstance(feed, TableFeed) else slot.shape()
            for name, number in zip(self._fields, memo, strict=False):
                setattr(state, name, number)
            out.target = value
            texts.append(str(explain(needs, state, params, out)))
        return texts

    # -- between the cells and the arrays --------------------------------------------------------------------------------

    def _take(self, c: int) -> None:
        """Take a cell's numbers into the arrays; from now on they are here."""
        cell = self._cells[c]
        if self._fields:
            self._states[c] = tuple([getattr(cell.state, name) for name in self._fields])
        for place, numbers in ((self._outs, cell.out), (self._lasts, cell.last)):
            place[c] = (numbers.target, numbers.limit, numbers.stop, numbers.take)
        seat = self._seats[cell.instrument]
        seat[kernels.WARM] = cell.warm
        if isinstance(cell.feed, TableFeed):
            seat[kernels.SEEN] = cell.feed.at
        cell.away = self._homes[c]

    def _show(self, c: int, cell: Cell) -> None:
        """Let a cell show its numbers, which stay here."""
        if self._fields:
            for name, value in zip(self._fields, self._states.item(c), strict=True):
                setattr(cell.state, name, value)
        out = cell.out
        out.target, out.limit, out.stop, out.take = self._outs.item(c)
        if isinstance(cell.feed, TableFeed):
            cell.feed.at = self._seats.item(cell.instrument, kernels.SEEN)

    def _home(self, c: int) -> None:
        """Give a cell its numbers back: somebody else reads or steps it now."""
        cell = self._cells[c]
        cell.away = None
        self._show(c, cell)
        last = cell.last
        last.target, last.limit, last.stop, last.take = self._lasts.item(c)
        cell.warm = self._seats.item(cell.instrument, kernels.WARM)
        self._loose.append(c)

    def _needs(self, cell: Cell) -> Any:
        return cell.feed.of(cell.feed.at - 1) if isinstance(cell.feed, TableFeed) else self._slot.shape()
