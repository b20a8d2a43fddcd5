"""Which rows to learn from and which to be judged on, so that nothing learned was seen in the judgement; it reads no price.

Rows carry `known`, int64 ns UTC, ascending, the moment a decision is made. What the decision came to is known `horizon_ns` later (its
*label*): it occupies [known, known + horizon_ns], both ends included. A row is *purged* from training when its label touches that of
any row of the judged ones, and rows whose decision comes up to `embargo_ns` after the end of a judged label are left out too.
Source: López de Prado, Advances in Financial Machine Learning (2018), chapters 7 (purging, embargo) and 12 (combinatorial purged
cross-validation).

All functions are pure and return arrays of row numbers, ascending.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse

Rows = NDArray[np.int64]
MOST_SPLITS = 100_000


class Split(NamedTuple):
    """Rows to learn from and rows to be judged on, ascending; `groups`: which parts are judged (empty where there are none)."""

    train: Rows
    test: Rows
    groups: tuple[int, ...] = ()


class Window(NamedTuple):
    """A stretch of time to learn from and the one after it, as rows: train [train_lo, train_hi), test [test_lo, test_hi)."""

    train_lo: int
    train_hi: int
    test_lo: int
    test_hi: int

    @property
    def train(self) -> Rows:
        """Rows to learn from."""
        return np.arange(self.train_lo, self.train_hi)

    @property
    def test(self) -> Rows:
        """Rows to be judged on."""
        return np.arange(self.test_lo, self.test_hi)


def anchored(known: NDArray[Any], count: int, *, train_frac: float = 0.5, horizon_ns: int = 0, embargo_ns: int = 0) -> list[Window]:
    """`count` windows that all learn from the first row on; the tests are of even length and follow one another to the end.

    train_frac: part of all rows before the first test; horizon_ns: labels of the last training rows must end before the test begins;
    embargo_ns: more room between them. Raises Misuse("SPLIT_ROWS", "SPLIT_ORDER").
    """
    return _windows(known, count, train_frac, horizon_ns, embargo_ns, rolls=False)


def rolling(known: NDArray[Any], count: int, *, train_frac: float = 0.5, horizon_ns: int = 0, embargo_ns: int = 0) -> list[Window]:
    """As `anchored`, but each window learns from as many rows as the first one did."""
    return _windows(known, count, train_frac, horizon_ns, embargo_ns, rolls=True)


def _windows(known: NDArray[Any], count: int, train_frac: float, horizon_ns: int, embargo_ns: int, *, rolls: bool) -> list[Window]:
    times = _checked(known, horizon_ns, embargo_ns)
    if count < 1:
        raise Misuse("SPLIT_ROWS", f"{count} windows are none", where="windows", fix="ask for one at least")
    if not 0.0 < train_frac < 1.0:
        raise Misuse("SPLIT_ROWS", f"{train_frac} of the rows cannot be learned from", where="train_frac", fix="take a part between 0 and 1")
    first = int(len(times) * train_frac)
    if first < 1 or len(times) - first < count:
        raise Misuse("SPLIT_ROWS", f"{len(times)} rows are too few for {count} windows", where="windows", fix="take fewer, or more rows")
    edges = [first + (len(times) - first) * k // count for k in range(count + 1)]
    out = []
    for lo, hi in pairwise(edges):
        # the last training label must end before the first test row; ties touch
        end = int(np.searchsorted(times, times[lo] - horizon_ns - embargo_ns, side="left")) if horizon_ns or embargo_ns else lo
        begin = max(0, lo - first) if rolls else 0
        if end <= begin:
            raise Misuse("SPLIT_ROWS", "the horizon and the embargo leave nothing to learn from", where="horizon_ns, embargo_ns")
        out.append(Window(begin, min(end, lo), lo, hi))
    return out


def purged(known: NDArray[Any], test: Rows, *, horizon_ns: int | NDArray[Any] = 0, embargo_ns: int = 0) -> Rows:
    """The rows that may be learned from when `test` is judged: all others whose labels touch none of its, embargo kept.

    horizon_ns: one for all rows or one a row, (T,)
    """
    times = _checked(known, horizon_ns, embargo_ns)
    ends = times + horizon_ns
    keep = np.ones(len(times), np.bool_)
    keep[test] = False
    for lo, hi in _runs(test):
        begins, last = times[lo], np.max(ends[lo:hi])
        keep &= ~((times <= last + embargo_ns) & (ends >= begins))
    return np.flatnonzero(keep)


def kfold(known: NDArray[Any], k: int, *, horizon_ns: int | NDArray[Any] = 0, embargo_ns: int = 0) -> Iterator[Split]:
    """Purged k-fold: each of `k` stretches of rows is judged once, learned from what is left of the others.

    Misuse("SPLIT_ROWS") for fewer than two folds or fewer rows than folds.
    """
    return combinatorial(known, k, 1, horizon_ns=horizon_ns, embargo_ns=embargo_ns)


def combinatorial(
    known: NDArray[Any], groups: int, judged: int, *, horizon_ns: int | NDArray[Any] = 0, embargo_ns: int = 0
) -> Iterator[Split]:
    """Combinatorial purged cross-validation: every choice of `judged` out of `groups` stretches of rows, in order.

    There are C(groups, judged) splits; every row is judged in C(groups - 1, judged - 1) of them. `paths` puts them together.
    Raises Misuse("SPLIT_ROWS", "SPLIT_ORDER").
    """
    _checked(known, horizon_ns, embargo_ns)
    parts = stretches(len(known), groups)
    _counts(groups, judged)
    for chosen in combinations(range(groups), judged):
        test = np.concatenate([parts[g] for g in chosen])
        yield Split(purged(known, test, horizon_ns=horizon_ns, embargo_ns=embargo_ns), test, chosen)


def stretches(count: int, groups: int) -> list[Rows]:
    """`count` rows in so many stretches of even length, in order; Misuse("SPLIT_ROWS") when there are fewer rows."""
    if groups < 2 or count < groups:
        raise Misuse("SPLIT_ROWS", f"{count} rows cannot make {groups} groups", where="groups", fix="two groups at least, a row in each")
    return [np.arange(count * g // groups, count * (g + 1) // groups) for g in range(groups)]


def paths(groups: int, judged: int) -> list[tuple[int, ...]]:
    """Whole paths through time out of the splits of `combinatorial`: for each path, the number of the split that judges each group.

    There are C(groups, judged) * judged / groups of them; every (split, group it judges) stands in exactly one path.
    """
    _counts(groups, judged)
    own: list[list[int]] = [[] for _ in range(groups)]
    for number, chosen in enumerate(combinations(range(groups), judged)):
        for group in chosen:
            own[group].append(number)
    return list(zip(*own, strict=True))


def _counts(groups: int, judged: int) -> None:
    if not 1 <= judged < groups:
        raise Misuse("SPLIT_ROWS", f"{judged} of {groups} groups cannot be judged", where="judged", fix="one at least, and not all")
    if comb(groups, judged) > MOST_SPLITS:
        raise Misuse("SPLIT_ROWS", f"{comb(groups, judged)} splits are too many", where="groups, judged", fix="take fewer groups")


def _runs(rows: Rows) -> Iterator[tuple[int, int]]:
    """Stretches [lo, hi) of rows that follow one another."""
    if len(rows):
        cuts = np.flatnonzero(np.diff(rows) != 1) + 1
        for run in np.split(rows, cuts):
            yield int(run[0]), int(run[-1]) + 1


def _checked(known: NDArray[Any], horizon_ns: int | NDArray[Any] | Sequence[int], embargo_ns: int) -> NDArray[np.int64]:
    times = np.asarray(known, np.int64)
    if np.any(times[1:] < times[:-1]):
        raise Misuse("SPLIT_ORDER", "rows are not sorted by known", where="known", fix="sort them")
    if np.any(np.asarray(horizon_ns) < 0) or embargo_ns < 0:
        raise Misuse("SPLIT_ROWS", "a horizon and an embargo are not negative", where="horizon_ns, embargo_ns")
    return times
