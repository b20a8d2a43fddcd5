"""Where choices are tried: compiled, each instrument alone, or through the engine with one account; the same question to either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from argosy.core import plugins
from argosy.core.errors import Misuse
from argosy.core.money import from_units, to_units
from argosy.core.time import NEVER
from argosy.house import Data, Terms
from argosy.lab.search.course import Course
from argosy.lab.search.objective import END
from argosy.lab.search.space import Point
from argosy.lab.statistics.catalogue import LEAST, MOST, SUMS

Told = Callable[[int], None]
Came = Callable[[int, "Sequence[Tried]"], None]


class Span(NamedTuple):
    """A stretch of time: decisions at rows known from `start` on, before `end`; ns UTC. What was known before is history."""

    start: int = 0
    end: int = NEVER


INVALID = "STRATEGY_PARAM"
ALWAYS = Span()


class Tried(NamedTuple):
    """What a choice came to: figures by name (`objective.FIGURES`), or a code where there are none."""

    figures: dict[str, float]
    refused: str = ""


class Lane(Protocol):
    """A strategy on its prices and terms, ready to be tried.

    name: "sweep" or "walk"; cls: the strategy; terms: of every run; known: (T,) moments of all its rows; hashes: of its prices, by symbol
    """

    name: str
    cls: type
    terms: Terms
    known: NDArray[np.int64]
    hashes: Mapping[str, str]

    def tried(
        self, points: Sequence[Point], span: Span = ALWAYS, wanted: Sequence[str] = (), told: Told | None = None,
        came: Came | None = None,
    ) -> list[Tried]:  # fmt: skip
        """Each choice over a stretch of time, in their order; wanted: figures that are asked for, others may be missing.

        told: called with how many more are done; came: with the number of a point and what it and those after it came to, before
        `told` is, in order and as soon as it is known, so that nothing is lost when the rest is stopped
        """

    def course(self, point: Point, span: Span = ALWAYS, cash: int | None = None) -> Course:
        """One choice's account row by row, begun flat with `cash` units; Misuse("SEARCH_REFUSED") where it has none."""


def lane(
    strategy: str | type, data: Data, *, terms: Terms | None = None, params: Mapping[str, object] | None = None,
    symbols: Sequence[str] = (), together: bool = False, workers: int = 0,
) -> Lane:  # fmt: skip
    """The quickest lane that can run a strategy exactly: compiled where it is a step strategy and each instrument stands alone.

    together: all instruments in one account, through the engine; else, on several, each has an account of its own with the same cash,
    and figures are put together as `joined` says: trades, fees, traded and end_equity the sum, falls the worst, most the mean
    params: values that stay the same; workers: at once, 0 is one a core
    Raises Misuse as `sweep` and `declare` do for what neither lane can run.
    """
    from argosy.lab.search.swept import Swept
    from argosy.lab.search.walked import Walked

    cls = strategy if isinstance(strategy, type) else plugins.load("argosy.strategies", strategy)
    terms = terms or Terms()
    fixed = dict(params or {})
    chosen = tuple(symbols)
    if not together or (len(chosen) or len(data[0])) == 1:
        try:
            return Swept(cls, data, terms, fixed, chosen, workers)
        except Misuse as refused:
            if not refused.code.startswith("SWEEP_"):
                raise
    return Walked(cls, data, terms, fixed, chosen, workers)


def merged(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Figures of several instruments as one: `joined`, and what the accounts are worth at the end together."""
    if len(figures) == 1:
        return dict(figures[0])
    out = {name: joined(name, [each[name] for each in figures]) for name in figures[0]}
    return out | ({END: sum(each[END] for each in figures)} if END in out else {})


def joined(name: str, values: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """One figure of several instruments or stretches as one: a sum, the largest or the smallest as `catalogue` says, else the mean by weight.

    What is not finite is left out; nan where nothing is left, 0 for a sum.
    """
    every = np.asarray(values, np.float64)
    fine = np.isfinite(every)
    known: Any = every[fine]
    if name in SUMS:
        return float(known.sum())
    if not len(known):
        return float("nan")
    if name in MOST:
        return float(known.max())
    if name in LEAST:
        return float(known.min())
    heavy = np.ones(len(known)) if weights is None else np.asarray(weights, np.float64)[fine]
    return float((known * heavy).sum() / heavy.sum())


def amount(units: int, currency: str) -> float:
    """Units as the amount that `to_units` turns into them again."""
    found = float(from_units(units, currency))
    if to_units(found, currency) != units:
        raise Misuse("SEARCH_CASH", f"{units} units of {currency} are more than a float tells apart", where="cash", fix="begin with less")
    return found
