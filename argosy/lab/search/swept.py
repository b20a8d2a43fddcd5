"""Choices tried in the compiled loop over any stretch of the past; indicators know what came before it, the strategy begins fresh."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.money import per_one
from argosy.core.strategy import declare
from argosy.house import Data, Terms, fee_schedule
from argosy.kernels.sweep.account import FILLS, FINE, REFUSED
from argosy.kernels.sweep.marks import COUNT, SQUARES
from argosy.lab.search.course import Course, course, curve_figures, more_figures, together, trade_figures
from argosy.lab.search.lane import ALWAYS, INVALID, Came, Lane, Span, Told, Tried, amount, merged
from argosy.lab.search.space import Point
from argosy.lab.sweep.grid import Plan, points
from argosy.lab.sweep.ground import Ground, ground, grounds, terms_fit
from argosy.lab.sweep.places import spread
from argosy.lab.sweep.table import CODES, frame
from argosy.lab.sweep.work import single, sums
from argosy.lab.verdict import a_year, calmar, cost_figures
from argosy.lab.yardstick import holding

QUICK = frozenset(
    ("total_return", "cagr", "calmar", "volatility", "sharpe", "max_drawdown", "trades", "win_rate", "exposure", "fees", "traded", "end_equity")
)
"""Figures that the loop sums up by itself; for others the fills are written down."""
FILLED = frozenset(("open_trades", "average_frac", "best_frac", "worst_frac", "held_days", "mae_frac", "mfe_frac"))
"""Figures that need each fill's time and price; the engine walks the choice for them."""
OWN_FAULT = ("SWEEP_STEP_OUT", "SWEEP_STEP_RAISED")
"""What the engine would refuse too: the step itself is wrong. Other refusals of the loop are walked by the engine, one by one."""


class Later(Ground):
    """A stretch of a longer past: its indicators are those of the whole, cut to its rows."""

    whole: Ground
    first: int

    def column(self, need: Any) -> NDArray[np.float64]:
        """An indicator in all rows of the stretch."""
        return np.ascontiguousarray(self.whole.column(need)[self.first : self.first + len(self.tape)])


class Swept:
    """The compiled lane; see `lane.Lane`. Misuse("SWEEP_...") for what it cannot run exactly."""

    name = "sweep"

    def __init__(self, cls: type, data: Data, terms: Terms, fixed: Mapping[str, object], symbols: Sequence[str], workers: int) -> None:
        terms_fit(terms)
        self.cls = cls
        self.terms = terms
        self._data = data
        self._fixed = dict(fixed)
        self._workers = workers or os.cpu_count() or 1
        probe = points(cls, (), [()], self._fixed)
        self._lands = grounds(data, symbols, probe.declaration, terms)
        self._fees = fee_schedule(terms.fees)
        self._first = probe.declaration
        self._walks: dict[str, Lane] = {}
        self._cut: tuple[Span, tuple[Later | Ground, ...]] = (ALWAYS, tuple(self._lands))
        self.hashes: Mapping[str, str] = {land.symbol: land.tape.hash for land in self._lands}
        known = [land.tape["known"] for land in self._lands]
        self.known = known[0] if len(known) == 1 else np.unique(np.concatenate(known))

    def tried(
        self, points: Sequence[Point], span: Span = ALWAYS, wanted: Sequence[str] = (), told: Told | None = None,
        came: Came | None = None,
    ) -> list[Tried]:  # fmt: skip
        """See `lane.Lane`."""
        found: list[Tried | None] = [None if self._valid(point) else Tried({}, INVALID) for point in points]
        good = [k for k, each in enumerate(found) if each is None]
        told = told or _silent
        if len(good) < len(points):
            told(len(points) - len(good))
        lands, quick = self._over(span), set(wanted) <= QUICK

        def give(k: int, one: Tried | None) -> None:
            if one is not None and one.refused.startswith("SWEEP_") and one.refused not in OWN_FAULT:
                one = self._walked(points[k], span, lands, wanted)
            found[k] = one = one if one is not None else Tried({}, "SEARCH_NO_ROWS")
            if came is not None:
                came(k, [one])

        for k, each in enumerate(found):
            if each is not None:
                give(k, each)
        if good and lands and not quick:
            for k in good:
                filled = bool(FILLED & set(wanted))
                give(k, self._walked(points[k], span, lands, wanted) if filled else self._slowly(points[k], lands, wanted))
                told(1)
        else:
            every = self._quickly([points[k] for k in good], lands, told) if good and lands else [None] * len(good)
            for k, one in zip(good, every, strict=True):
                give(k, one)
        return [each for each in found if each is not None]

    def course(self, point: Point, span: Span = ALWAYS, cash: int | None = None) -> Course:
        """See `lane.Lane`. With several instruments the cash is divided evenly, the rest to the first."""
        lands = self._over(span)
        whole = sum(land.cash for land in self._lands) if cash is None else cash
        part, rest = divmod(whole, max(1, len(lands)))
        parts = []
        for k, land in enumerate(lands):
            own = part + (rest if k == 0 else 0) if cash is not None else land.cash
            one = self._course(point, self._with(land, own))
            parts.append(one if one is not None else self._walk(land.symbol).course(point, span, own))
        if not parts:
            raise Misuse("SEARCH_REFUSED", "there is no row in the stretch", where=str(span))
        return together(parts)

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _valid(self, point: Point) -> bool:
        try:
            declare(self.cls, "", **(self._fixed | point))
        except Misuse as refused:
            if refused.code != INVALID:
                raise
            return False
        return True

    def _over(self, span: Span) -> tuple[Later | Ground, ...]:
        """The instruments' pasts cut to a stretch; those without two rows in it are left out."""
        if self._cut[0] != span:
            made = []
            for land in self._lands:
                known = land.tape["known"]
                lo, hi = np.searchsorted(known, [span.start, span.end], side="left").tolist()
                if hi - lo >= 2:
                    made.append(land if (lo, hi) == (0, len(known)) else self._later(land, lo, hi))
            self._cut = (span, tuple(made))
        return self._cut[1]

    def _walk(self, symbol: str) -> Lane:
        """The engine on one instrument alone, for choices that the loop cannot tell exactly."""
        from argosy.lab.search.walked import Walked

        if symbol not in self._walks:
            self._walks[symbol] = Walked(self.cls, self._data, self.terms, self._fixed, (symbol,), 1)
        return self._walks[symbol]

    def _walked(self, point: Point, span: Span, lands: Sequence[Ground], wanted: Sequence[str]) -> Tried:
        """A choice that the loop refused, or of which it does not tell what is wanted, through the engine."""
        found = [self._walk(land.symbol).tried([point], span, wanted)[0] for land in lands]
        code = next((one.refused for one in found if one.refused), "")
        if code:
            return Tried({}, code)
        quick = set(wanted) <= QUICK
        return Tried(merged([{name: value for name, value in one.figures.items() if name in QUICK or not quick} for one in found]))

    def _later(self, land: Ground, lo: int, hi: int) -> Later:
        tape = land.tape.take(slice(lo, hi))
        events = [event for event in self._data[2] if event.known > int(land.tape["known"][lo - 1])] if lo else self._data[2]
        cut = ground(self._data[0][land.symbol], [tape], events, self._first, self.terms)
        return _later(cut, land, lo, ppy=land.ppy)

    def _with(self, land: Later | Ground, cash: int) -> Ground:
        """The same past with other cash."""
        market = land.market._replace(house=cash - int(cash * 1.0))
        if isinstance(land, Later):
            return _later(land, land.whole, land.first, cash=cash, market=market)
        fields: dict[str, Any] = dict(zip(Ground._fields, land, strict=True))
        return Ground(**(fields | {"cash": cash, "market": market}))

    def _plan(self, chosen: Sequence[Point], lands: Sequence[Ground]) -> Plan:
        """The choices as a sweep takes them, warm where the stretch begins as far as history goes."""
        names = tuple(chosen[0])
        made = points(self.cls, names, [tuple(point[name] for name in names) for point in chosen], self._fixed)
        skip = min((land.first for land in lands if isinstance(land, Later)), default=0)
        return _warmed(made, skip)

    def _quickly(self, chosen: Sequence[Point], lands: Sequence[Ground], told: Told) -> list[Tried]:
        """All choices in one go on each instrument."""
        figures: list[list[dict[str, float]]] = [[] for _ in chosen]
        refused = [""] * len(chosen)
        part = 0
        for land in lands:  # one by one: each has a warm-up of its own

            def count(done: int) -> None:
                nonlocal part
                part += done
                whole, part = divmod(part, len(lands))
                told(whole)

            made = self._plan(chosen, [land])
            out = sums(len(chosen))
            spread("threads", made, [land], self._fees, out, self._workers, 64.0, count)
            for k, (own, row) in enumerate(zip(self._figures(made, land, out), out.accounts, strict=True)):
                figures[k].append(own)
                refused[k] = refused[k] or CODES[int(row[REFUSED])]
        return [Tried({}, code) if code else Tried(merged(own)) for own, code in zip(figures, refused, strict=True)]

    def _figures(self, made: Plan, land: Ground, out: Any) -> list[dict[str, float]]:
        rows = frame(made._replace(names=()), [land], out, self.terms.currency)
        known = land.tape["known"]
        count, squares = out.figures[:, COUNT], out.figures[:, SQUARES]
        with np.errstate(invalid="ignore", divide="ignore"):
            deviation = np.where(count >= 2.0, np.sqrt(squares / (count - 1.0)) * np.sqrt(land.ppy), np.nan)
        found = []
        names = sorted(QUICK - {"cagr", "calmar", "volatility"})
        columns = [rows[name].to_list() for name in names]
        for values, vol in zip(zip(*columns, strict=True), deviation.tolist(), strict=True):
            own = {name: float("nan") if value is None else float(value) for name, value in zip(names, values, strict=True)}
            own["volatility"] = vol
            own["cagr"] = a_year([1.0, 1.0 + own["total_return"]], known)
            own["calmar"] = calmar(own["cagr"], own["max_drawdown"])
            found.append(own)
        return found

    def _slowly(self, point: Point, lands: Sequence[Ground], wanted: Sequence[str]) -> Tried:
        """One choice with its fills written down."""
        every, currency = [], self.terms.currency
        for land in lands:
            made = self._plan([point], [land])
            out, log = self._logged(made, land)
            code = CODES[int(out.accounts[0, REFUSED])]
            if code:
                return Tried({}, code)
            one = course(land, log, self._data[0][land.symbol], self.terms)
            own = self._figures(made, land, out)[0]
            curve, value = curve_figures(one.known, one.equity, currency), one.equity / float(per_one(currency))
            told = {name: curve[name] for name in ("sortino", "max_drawdown_days")} | trade_figures(one.pnl, currency)
            told |= cost_figures(one.known, value, own["traded"], own["fees"])
            if not set(wanted) <= set(own) | set(told):
                told = more_figures(one.known, one.equity, currency, self._held(land, float(value[0]))) | told
            every.append(told | own)
        return Tried(merged(every))

    def _held(self, land: Ground, cash: float) -> NDArray[np.float64]:
        """The instrument bought at the first close of the ground and held, as `Outcome.benchmark` has it."""
        row = self._data[0][land.symbol]
        events = [event for event in self._data[2] if getattr(event, "instrument", -1) == row.id]
        return holding(land.tape["known"], land.tape["close"], events, cash)

    def _logged(self, made: Plan, land: Ground) -> tuple[Any, NDArray[Any]]:
        room = max(1024, len(land) // 16)
        while True:
            out, log, _ = single(made, land, self._fees, room, 0)
            count = int(out.accounts[0, FILLS])
            if count <= room or out.accounts[0, REFUSED] != FINE:
                return out, log[: min(count, room)]
            room = count

    def _course(self, point: Point, land: Ground) -> Course | None:
        """A choice on one instrument; None where only the engine can tell it."""
        made = self._plan([point], [land])
        out, log = self._logged(made, land)
        code = int(out.accounts[0, REFUSED])
        if CODES[code] in OWN_FAULT:
            raise Misuse("SEARCH_REFUSED", f"{point} cannot be told on {land.symbol}: {CODES[code]}", where=land.symbol)
        if code != FINE:
            return None
        return course(land, log, self._data[0][land.symbol], structs.replace(self.terms, cash=amount(land.cash, self.terms.currency)))


def _later(cut: Ground, whole: Ground, first: int, **other: Any) -> Later:
    """A stretch of a whole past, some of its fields changed (a Ground is as long as its tape: `_replace` is not for it)."""
    fields: dict[str, Any] = dict(zip(Ground._fields, cut, strict=True))
    out = Later(**(fields | other))
    out.whole, out.first = whole, first
    return out


def _warmed(made: Plan, skip: int) -> Plan:
    """A plan whose strategies may begin `skip` rows earlier than their warm-up, because these rows are known history."""
    if not skip:
        return made
    return made._replace(combinations=[one._replace(warmup=max(1, one.warmup - skip)) for one in made.combinations])


def _silent(done: int) -> None:
    """Nobody listens."""
