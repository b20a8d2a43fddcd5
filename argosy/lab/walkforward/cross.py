"""Combinatorial purged cross-validation: many whole paths through the past, on each of which every row was judged unseen.

Source: López de Prado, Advances in Financial Machine Learning (2018), chapter 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from argosy.core.money import to_units
from argosy.house import Data
from argosy.lab.search.course import Course, curve_figures
from argosy.lab.search.lane import ALWAYS, Came, Lane, Span, Told, Tried, joined
from argosy.lab.search.objective import Objective
from argosy.lab.search.run import counted
from argosy.lab.search.space import Point, Said
from argosy.lab.splits import Rows, combinatorial, paths, stretches
from argosy.lab.walkforward.learning import How, learner
from argosy.lab.walkforward.run import course_of, laid

if TYPE_CHECKING:
    import polars as pl

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Crossed(NamedTuple):
    """What cross-validation says.

    splits:  a row a split: the groups judged, the parameters chosen on the others, the objective there
    paths:   a row a path: sharpe, total_return, max_drawdown and others of its whole curve
    equity:  (P, T) int64 units, the curves; known: (T,)
    sharpes: quantiles of the paths' Sharpe ratios; losing_frac: paths that end with a loss; trials: distinct choices that were run
    """

    splits: pl.DataFrame
    paths: pl.DataFrame
    known: NDArray[np.int64]
    equity: NDArray[np.int64]
    sharpes: dict[str, float]
    losing_frac: float
    trials: int
    objective: Objective
    lane: str


def cross(
    strategy: str | type,
    data: Data,
    varied: Mapping[str, Said] | None = None,
    *,
    groups: int = 6,
    judged: int = 2,
    horizon_ns: int = 0,
    embargo_ns: int = 0,
    **how: Unpack[How],
) -> Crossed:
    """Search on every choice of groups that leaves `judged` out, and put what was judged together into whole paths.

    Where what is learned from is in several pieces, each is run by itself and figures are their mean by rows (`Pieces`). A search may
    learn from rows after those it is judged on: this asks whether the choice holds elsewhere, not what trading it would have brought.
    Arguments as `walk`. Raises Misuse: SPLIT_ROWS and what `search` raises.
    """
    student = learner(strategy, data, varied, how)
    track, sought = student.track, student.sought
    parts = stretches(len(track.known), groups)
    every = list(combinatorial(track.known, groups, judged, horizon_ns=horizon_ns, embargo_ns=embargo_ns))
    tried: list[tuple[Point, Tried]] = []
    bests: list[Point | None] = []
    rows = []
    looked: list[tuple[Point, Tried]] = []
    try:
        for number, split in enumerate(every):
            pieces = Pieces(track, split.train, looked)
            best, inside = student.best(pieces, ALWAYS, tried, number, len(every))
            bests.append(best)
            row: dict[str, Any] = {"split": number, "judged": " ".join(str(group) for group in split.groups)}
            row |= {name: best[name] if best else None for name in sought.space.names}
            figure = inside.get(sought.objective.name, float("nan"))
            rows.append(row | {f"{sought.objective.name}_inside": figure if isfinite(figure) else None})
    finally:  # what was looked at is counted, stopped or not; a choice that was stopped in its pieces with the figures of one
        made = counted(tried + looked)
        student.write("cross-validation", made)
    cash = to_units(track.terms.cash, track.terms.currency)
    curves = [_path(track, [bests[split] for split in path], parts, cash) for path in paths(groups, judged)]
    figures = [curve_figures(track.known, curve, track.terms.currency) for curve in curves]
    import polars as pl

    plain = [{"path": k} | {name: value if isfinite(value) else None for name, value in one.items()} for k, one in enumerate(figures)]
    known = np.asarray([one["sharpe"] for one in figures])
    return Crossed(
        pl.DataFrame(rows, infer_schema_length=None), pl.DataFrame(plain, infer_schema_length=None), track.known, np.asarray(curves),
        quantiles(known), float(np.mean([one["total_return"] < 0.0 for one in figures])), made["trials"], sought.objective, track.name,
    )  # fmt: skip


def quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """mean, deviation and quantiles ("q05" ...) of the finite values; nan without one."""
    own = values[np.isfinite(values)]
    if not len(own):
        return {"mean": float("nan"), "deviation": float("nan")} | {f"q{round(100 * q):02d}": float("nan") for q in QUANTILES}
    out = {"mean": float(own.mean()), "deviation": float(own.std(ddof=1)) if len(own) > 1 else float("nan")}
    return out | {f"q{round(100 * q):02d}": float(np.quantile(own, q)) for q in QUANTILES}


def _path(track: Lane, bests: Sequence[Point | None], parts: Sequence[Rows], cash: int) -> NDArray[np.int64]:
    """One path: each group traded by what was chosen without it, with what the group before left."""
    out = []
    for best, rows in zip(bests, parts, strict=True):
        known = track.known[rows]
        one: Course = course_of(track, best, _span(track.known, rows), cash)
        out.append(laid(one, known, cash))
        cash = one.end
    return np.concatenate(out)


def _span(known: NDArray[np.int64], rows: Rows) -> Span:
    """The stretch of time of rows that follow one another."""
    after = int(rows[-1]) + 1
    return Span(int(known[rows[0]]), int(known[after]) if after < len(known) else int(known[-1]) + 1)


class Pieces:
    """A lane on rows that may lie apart: each piece is run by itself.

    Figures of a choice: total_return is compounded, the others are put together as `lane.joined` says, means by rows of the pieces that
    have them. looked: what was run of a piece but is not joined yet is added to it, if it is given.
    """

    def __init__(self, track: Lane, rows: Rows, looked: list[tuple[Point, Tried]] | None = None) -> None:
        self._looked = [] if looked is None else looked
        self.name, self.cls, self.terms, self.hashes = track.name, track.cls, track.terms, track.hashes
        cuts = np.flatnonzero(np.diff(rows) != 1) + 1
        self._parts = [(_span(track.known, part), len(part)) for part in np.split(rows, cuts) if len(part) > 1]
        self._track = track
        self.known = track.known[rows]

    def tried(
        self, points: Sequence[Point], span: Span = ALWAYS, wanted: Sequence[str] = (), told: Told | None = None,
        came: Came | None = None,
    ) -> list[Tried]:  # fmt: skip
        """See `lane.Lane`; the span is that of the rows."""

        def ran(first: int, found: Sequence[Tried]) -> None:
            self._looked += zip(points[first:], found, strict=False)

        every = [self._track.tried(points, part, wanted, came=ran) for part, _ in self._parts]
        joined = [self._joined([piece[k] for piece in every]) for k in range(len(points))]
        self._looked.clear()
        if came is not None:
            came(0, joined)
        if told is not None:
            told(len(points))
        return joined

    def course(self, point: Point, span: Span = ALWAYS, cash: int | None = None) -> Course:
        """See `lane.Lane`: the whole one's."""
        return self._track.course(point, span, cash)

    def _joined(self, pieces: Sequence[Tried]) -> Tried:
        kept = [(one, size) for one, (_, size) in zip(pieces, self._parts, strict=True) if one.refused != "SEARCH_NO_ROWS"]
        codes = [one.refused for one, _ in kept if one.refused]
        if codes or not kept:
            return Tried({}, codes[0] if codes else "SEARCH_NO_ROWS")
        figures = {}
        for name in kept[0][0].figures:
            values = [one.figures[name] for one, _ in kept]
            if name == "total_return":
                figures[name] = float(np.prod(1.0 + np.asarray(values)) - 1.0)
            else:
                figures[name] = joined(name, values, [float(size) for _, size in kept])
        return Tried(figures)
