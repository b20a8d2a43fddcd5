"""Walk-forward: in each window the best of a search on the past trades the time after it; these times together are one account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite, log1p
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.money import per_one, to_units
from argosy.core.time import iso
from argosy.house import Data
from argosy.lab.search.course import Course, curve_figures, trade_figures
from argosy.lab.search.lane import Lane, Span, Tried
from argosy.lab.search.objective import Objective
from argosy.lab.search.run import counted
from argosy.lab.search.space import Point, Said, Space
from argosy.lab.splits import Window, anchored, rolling
from argosy.lab.verdict import YEAR
from argosy.lab.walkforward.learning import How, learner

if TYPE_CHECKING:
    import polars as pl

NAN = float("nan")


class Stage(NamedTuple):
    """One window. train, test: spans of decisions; best: what the search chose, None where nothing kept the rules (it then stays flat)

    inside, outside: figures on the part searched and on the part judged; start, end: units of cash before and after the latter,
    everything sold at its end
    """

    number: int
    train: Span
    test: Span
    best: Point | None
    inside: dict[str, float]
    outside: dict[str, float]
    start: int
    end: int


class Walk(NamedTuple):
    """A walk-forward.

    known, equity: (T,) of all judged rows, units; each stage begins with what the one before it left, to the unit, and flat: what it
    held is sold at the last price with slippage and fee
    figures:    of that curve and its trades; efficiency: growth a year judged over growth a year searched, means over the windows
                (Pardo, The Evaluation and Optimization of Trading Strategies, 2008); nan where the searched one is not positive
    kept:       the objective judged over the objective searched, means over the windows
    drift:      by parameter, how far it moves from window to window: the mean step as a part of its range (of choices: how often it
                changes); 0 is always the same
    trials:     distinct choices that were run
    """

    stages: tuple[Stage, ...]
    known: NDArray[np.int64]
    equity: NDArray[np.int64]
    figures: dict[str, float]
    efficiency: float
    kept: float
    drift: dict[str, float]
    trials: int
    objective: Objective
    space: Space
    lane: str
    currency: str

    @property
    def value(self) -> NDArray[np.float64]:
        """The judged equity in currency, (T,)."""
        return self.equity / float(per_one(self.currency))

    @property
    def table(self) -> pl.DataFrame:
        """A row a window: its days, the parameters chosen, the objective inside and outside, the return outside."""
        import polars as pl

        goal = self.objective.name
        rows = []
        for stage in self.stages:
            row: dict[str, Any] = {"window": stage.number, "train_from": iso(stage.train.start)[:10], "test_from": iso(stage.test.start)[:10]}
            row |= {"test_to": iso(stage.test.end)[:10]}
            row |= {name: stage.best[name] if stage.best else None for name in self.space.names}
            row |= {f"{goal}_inside": stage.inside.get(goal), f"{goal}_outside": stage.outside.get(goal)}
            row |= {f"{name}_outside": stage.outside.get(name) for name in ("total_return", "max_drawdown", "trades")}
            rows.append({name: None if isinstance(value, float) and not isfinite(value) else value for name, value in row.items()})
        return pl.DataFrame(rows, infer_schema_length=None)


def walk(
    strategy: str | type,
    data: Data,
    varied: Mapping[str, Said] | None = None,
    *,
    windows: int = 5,
    rolls: bool = False,
    train_frac: float = 0.5,
    horizon_ns: int = 0,
    embargo_ns: int = 0,
    **how: Unpack[How],
) -> Walk:
    """Search in each window, judge on the rows after it.

    windows:    how many; the tests follow one another from `train_frac` of the rows to the end; rolls: learn from as many rows each
                time, not from the first on; horizon_ns, embargo_ns: see `lab.splits`
    how:        of the search in each window, see `learning.How`; the figures inside are those of the search, in which history before a
                window is known to the indicators, and nothing after it to anyone
    Raises Misuse: SPLIT_ROWS and what `search` raises, before anything ran.
    """
    student = learner(strategy, data, varied, how)
    track, sought = student.track, student.sought
    cuts = (rolling if rolls else anchored)(track.known, windows, train_frac=train_frac, horizon_ns=horizon_ns, embargo_ns=embargo_ns)
    cash = to_units(track.terms.cash, track.terms.currency)
    stages, curves, pnl = [], [], []
    tried: list[tuple[Point, Tried]] = []
    try:
        for number, cut in enumerate(cuts):
            train, test = _spans(track.known, cut)
            best, inside = student.best(track, train, tried, number, windows)
            one = course_of(track, best, test, cash)
            rows = laid(one, track.known[cut.test_lo : cut.test_hi], cash)
            outside = curve_figures(track.known[cut.test_lo : cut.test_hi], rows, track.terms.currency)
            outside |= trade_figures(one.sold, track.terms.currency)
            if best is not None and sought.objective.name not in outside:  # it needs fills or a benchmark: the choice alone on that stretch
                outside = track.tried([best], test, (sought.objective.name,))[0].figures | outside
            stages.append(Stage(number, train, test, best, inside, outside, cash, one.end))
            curves.append(rows)
            pnl.append(one.sold)
            cash = one.end
    finally:  # what was looked at is counted, stopped or not
        made = counted(tried)
        student.write("walkforward", made)
    known, equity = track.known[cuts[0].test_lo :], np.concatenate(curves)
    figures = curve_figures(known, equity, track.terms.currency) | trade_figures(np.concatenate(pnl), track.terms.currency)
    figures["end_equity"] = cash / float(per_one(track.terms.currency))
    goal = sought.objective.name
    kept = ratio([stage.outside.get(goal, NAN) for stage in stages], [stage.inside.get(goal, NAN) for stage in stages])
    return Walk(
        tuple(stages), known, equity, figures, efficiency(stages), kept, drift(stages, sought.space), made["trials"], sought.objective,
        sought.space, track.name, track.terms.currency,
    )  # fmt: skip


def course_of(track: Lane, best: Point | None, span: Span, cash: int) -> Course:
    """The account of a choice in a stretch; without a choice, or where it cannot be told exactly there, the cash as it is."""
    if best is not None:
        try:
            return track.course(best, span, cash)
        except Misuse as refused:
            if refused.code != "SEARCH_REFUSED":
                raise
    none = np.zeros(0, np.int64)
    return Course(none, none, none, cash)


def laid(one: Course, rows: NDArray[np.int64], cash: int) -> NDArray[np.int64]:
    """A course on given moments, (T,) units: the last known worth at each, the cash before the first, all sold at the last."""
    if not len(one.known):
        return np.full(len(rows), cash, np.int64)
    place = np.searchsorted(one.known, rows, side="right") - 1
    out = np.where(place >= 0, one.equity[np.maximum(place, 0)], cash)
    out[-1] = one.end
    return out


def _spans(known: NDArray[np.int64], cut: Window) -> tuple[Span, Span]:
    def edge(row: int) -> int:
        return int(known[row]) if row < len(known) else int(known[-1]) + 1

    return Span(edge(cut.train_lo), edge(cut.train_hi)), Span(edge(cut.test_lo), edge(cut.test_hi))


def efficiency(stages: Sequence[Stage]) -> float:
    """Mean growth a year judged over mean growth a year searched, in logarithms; nan where the latter is not positive."""
    outside = [_growth(stage.outside, stage.test) for stage in stages]
    inside = [_growth(stage.inside, stage.train) for stage in stages]
    return ratio(outside, inside)


def _growth(figures: Mapping[str, float], span: Span) -> float:
    total = figures.get("total_return", NAN)
    if not total > -1.0 or span.end <= span.start:
        return NAN
    return log1p(total) / ((span.end - span.start) / YEAR)


def ratio(outside: Sequence[float], inside: Sequence[float]) -> float:
    """Mean over mean of the pairs that are known; nan where the second is not positive."""
    pairs = [(one, other) for one, other in zip(outside, inside, strict=True) if isfinite(one) and isfinite(other)]
    below = sum(other for _, other in pairs)
    return sum(one for one, _ in pairs) / below if below > 0.0 else NAN


def drift(stages: Sequence[Stage], varied: Space) -> dict[str, float]:
    """How far each parameter moves from one window with a choice to the next, see `Walk`."""
    points = [stage.best for stage in stages if stage.best is not None]
    out = {}
    for axis in varied.axes:
        values = [point[axis.name] for point in points]
        pairs = list(pairwise(values))
        if not pairs:
            out[axis.name] = NAN
        elif axis.kind == "choice":
            out[axis.name] = sum(one != other for one, other in pairs) / len(pairs)
        else:
            out[axis.name] = sum(abs(other - one) for one, other in pairs) / len(pairs) / (axis.high - axis.low)
    return out
