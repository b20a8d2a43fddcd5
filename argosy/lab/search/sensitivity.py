"""Whether the best stands on a plateau or on a needle: one step to each side of it, and what each parameter explains by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from argosy.lab.search.objective import Objective
from argosy.lab.search.space import Point, Space

if TYPE_CHECKING:
    from argosy.lab.search.run import Runner, Trial

BINS = 8


class Beside(NamedTuple):
    """One parameter one step away, all others as in the best.

    side: -1 below, 1 above; figure: the objective there (nan: none); change: relative to the best, negative is worse; feasible: whether
    the rules hold there; rank: its place among all feasible trials, 1 is the best
    """

    name: str
    side: int
    value: Any
    figure: float
    change: float
    feasible: bool
    rank: int


class Sensitivity(NamedTuple):
    """The neighbours of the best.

    plateau: 1 where all of them are as good as the best, 0 where all are no better than the median trial: the mean part of the best's
    lead over the median that is left one step away
    """

    rows: tuple[Beside, ...]
    plateau: float


def sensitivity(runner: Runner, best: Trial, every: Sequence[Trial]) -> Sensitivity:
    """Try one step to each side of the best in each parameter; these trials are counted as all others are."""
    goal = runner.quest.objective
    steps: list[tuple[str, int, Point]] = []
    for axis in runner.quest.space.axes:
        for side, value in zip((-1, 1), axis.beside(best.point[axis.name]), strict=True):
            if value is not None and value != best.point[axis.name]:
                steps.append((axis.name, side, best.point | {axis.name: value}))
    top = best.figures[goal.name]
    known = [one.figures[goal.name] for one in every if one.state == "done" and not one.off and np.isfinite(one.figures.get(goal.name, np.nan))]
    rows = []
    for (name, side, point), one in zip(steps, runner.each([point for _, _, point in steps]), strict=True):
        trial = runner.trial(0, point, one)
        figure = trial.figures.get(goal.name, float("nan"))
        fine = trial.state == "done" and not trial.off and bool(np.isfinite(figure))
        change = goal.sign * (figure - top) / abs(top) if top else float("nan")
        rank = 1 + sum(1 for value in known if goal.better(value, figure)) if fine else 0
        rows.append(Beside(name, side, point[name], figure, change, fine, rank))
    return Sensitivity(tuple(rows), plateau(top, float(np.median(known)), rows))


def plateau(top: float, middle: float, rows: Sequence[Beside]) -> float:
    """The mean part of the lead over the middle that neighbours keep, 0 to 1 each; nan without a lead or neighbours."""
    lead = top - middle
    if not rows or lead == 0.0:
        return float("nan")
    kept = [min(1.0, max(0.0, (row.figure - middle) / lead)) if row.feasible else 0.0 for row in rows]
    return float(sum(kept) / len(kept))


def importance(every: Sequence[Trial], varied: Space, goal: Objective) -> dict[str, float]:
    """The part of the objective's variance between trials that each parameter explains by itself, 0 to 1.

    Epsilon squared of a one-way analysis of variance over at most eight bins: chance alone gives 0. Nan for fewer trials than twice the
    bins. Source: Kelley, An Unbiased Correlation Ratio Measure (1935).
    """
    rows = [(one.point, one.figures[goal.name]) for one in every if one.state == "done" and np.isfinite(one.figures.get(goal.name, np.nan))]
    values = np.asarray([value for _, value in rows])
    out = {}
    for axis in varied.axes:
        groups = _bins([point[axis.name] for point, _ in rows])
        count = len(set(groups))
        whole = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
        if count < 2 or len(values) < 2 * count or whole == 0.0:
            out[axis.name] = float("nan") if whole or count > 1 else 0.0
            continue
        groups_at = np.asarray(groups)
        inside = sum(float(((values[groups_at == g] - values[groups_at == g].mean()) ** 2).sum()) for g in set(groups))
        mean_square = inside / (len(values) - count)
        out[axis.name] = max(0.0, (whole - inside - (count - 1) * mean_square) / whole)
    return out


def _bins(values: Sequence[Any]) -> list[int]:
    """The bin of each value: its own where there are few, else an eighth of the ordered values."""
    distinct = list(dict.fromkeys(values))
    if len(distinct) <= BINS or not all(isinstance(value, (int, float)) for value in distinct):
        return [distinct.index(value) for value in values]
    order = np.argsort(np.argsort(np.asarray(values, np.float64), kind="stable"), kind="stable")
    return [int(place) * BINS // len(values) for place in order.tolist()]
