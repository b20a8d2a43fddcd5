"""Rows to learn from and rows to be judged on: by hand, and by the laws of purging, embargo and combination."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.lab.splits import anchored, combinatorial, kfold, paths, purged, rolling, stretches

TEN = np.arange(10) * 100


def test_windows_by_hand() -> None:
    """Ten rows, half before the first of two tests: tests are rows 5-6 and 7-9."""
    assert [tuple(window) for window in anchored(TEN, 2)] == [(0, 5, 5, 7), (0, 7, 7, 10)]
    assert [tuple(window) for window in rolling(TEN, 2)] == [(0, 5, 5, 7), (2, 7, 7, 10)]
    # labels last 150: those of rows 4 (400-550) and 3 (300-450) - the latter ends before 500
    assert [tuple(window) for window in anchored(TEN, 1, horizon_ns=150)] == [(0, 4, 5, 10)]
    # a label that ends exactly when the test begins touches it
    assert [tuple(window) for window in anchored(TEN, 1, horizon_ns=100)] == [(0, 4, 5, 10)]
    assert [tuple(window) for window in rolling(TEN, 1, horizon_ns=100, embargo_ns=100)] == [(0, 3, 5, 10)]
    assert anchored(TEN, 1)[0].train.tolist() == [0, 1, 2, 3, 4] and anchored(TEN, 1)[0].test.tolist() == [5, 6, 7, 8, 9]


def test_purging_by_hand() -> None:
    """Rows 4 and 5 are judged, labels last 100: from 400 to 600. Row 3 (300-400) and row 6 (at 600) touch them."""
    test = np.array([4, 5])
    assert purged(TEN, test).tolist() == [0, 1, 2, 3, 6, 7, 8, 9]
    assert purged(TEN, test, horizon_ns=100).tolist() == [0, 1, 2, 7, 8, 9]
    assert purged(TEN, test, horizon_ns=100, embargo_ns=100).tolist() == [0, 1, 2, 8, 9]
    assert purged(TEN, test, horizon_ns=99).tolist() == [0, 1, 2, 3, 6, 7, 8, 9]
    long = np.where(np.arange(10) == 0, 900, 0)  # the first row's label lasts to the end
    assert purged(TEN, test, horizon_ns=long).tolist() == [1, 2, 3, 6, 7, 8, 9]


def test_combinations_by_hand() -> None:
    """Six groups by two, as in the book's figure 12.1: fifteen splits, five paths."""
    splits = list(combinatorial(np.arange(12), 6, 2))
    assert len(splits) == 15
    assert splits[0].groups == (0, 1) and splits[-1].groups == (4, 5)
    found = paths(6, 2)
    assert found == [(0, 0, 1, 2, 3, 4), (1, 5, 5, 6, 7, 8), (2, 6, 9, 9, 10, 11), (3, 7, 10, 12, 12, 13), (4, 8, 11, 13, 14, 14)]


TIMES = st.lists(st.integers(0, 60), min_size=12, max_size=60).map(lambda steps: np.cumsum(steps))


@settings(deadline=None, max_examples=120)
@given(TIMES, st.integers(2, 6), st.data())
def test_laws_of_combination(known: np.ndarray, groups: int, data: st.DataObject) -> None:
    judged = data.draw(st.integers(1, groups - 1))
    horizon = np.asarray(data.draw(st.lists(st.integers(0, 90), min_size=len(known), max_size=len(known))))
    embargo = data.draw(st.integers(0, 80))
    times = np.zeros(len(known), int)
    splits = list(combinatorial(known, groups, judged, horizon_ns=horizon, embargo_ns=embargo))
    for split in splits:
        times[split.test] += 1
        ends = known + horizon
        for row in split.train.tolist():
            assert row not in split.test
            apart = (known[split.test] > ends[row]) | (ends[split.test] < known[row])
            assert apart.all(), "no label of training touches a label of the test"
            after = known[row] > ends[split.test]
            assert (known[row] - ends[split.test][after] > embargo).all(), "the embargo is kept"
    assert set(times.tolist()) == {comb(groups - 1, judged - 1)}
    found = paths(groups, judged)
    assert len(found) == comb(groups, judged) * judged // groups
    seen = [(split, group) for path in found for group, split in enumerate(path)]
    assert len(set(seen)) == len(seen) == len(splits) * judged
    assert all(group in splits[split].groups for split, group in seen)
    if judged == 1:
        folds = list(kfold(known, groups, horizon_ns=horizon, embargo_ns=embargo))
        assert np.concatenate([fold.test for fold in folds]).tolist() == list(range(len(known)))


@settings(deadline=None, max_examples=100)
@given(TIMES, st.integers(1, 6), st.integers(0, 50), st.integers(0, 50), st.booleans())
def test_laws_of_windows(known: np.ndarray, count: int, horizon: int, embargo: int, rolls: bool) -> None:
    first = int(len(known) * 0.5)
    if (horizon or embargo) and known[0] + horizon + embargo >= known[first]:
        with pytest.raises(Misuse, match="SPLIT_ROWS"):
            (rolling if rolls else anchored)(known, count, horizon_ns=horizon, embargo_ns=embargo)
        return
    try:
        windows = (rolling if rolls else anchored)(known, count, horizon_ns=horizon, embargo_ns=embargo)
    except Misuse:  # a rolling window whose labels all touch its test
        assert rolls
        return
    assert np.concatenate([window.test for window in windows]).tolist() == list(range(int(len(known) * 0.5), len(known)))
    for window in windows:
        assert window.train_lo < window.train_hi <= window.test_lo
        if horizon or embargo:
            assert known[window.train_hi - 1] + horizon + embargo < known[window.test_lo]
        assert rolls or window.train_lo == 0


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda: anchored(TEN, 0), "SPLIT_ROWS"), (lambda: anchored(TEN, 6), "SPLIT_ROWS"), (lambda: anchored(TEN, 1, train_frac=1.0), "SPLIT_ROWS"),
        (lambda: anchored(TEN[::-1], 1), "SPLIT_ORDER"), (lambda: anchored(TEN, 1, horizon_ns=-1), "SPLIT_ROWS"),
        (lambda: rolling(TEN, 1, horizon_ns=5_000), "SPLIT_ROWS"), (lambda: list(kfold(TEN, 1)), "SPLIT_ROWS"),
        (lambda: stretches(3, 4), "SPLIT_ROWS"), (lambda: paths(4, 4), "SPLIT_ROWS"), (lambda: paths(40, 20), "SPLIT_ROWS"),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_refused(wrong: object, code: str) -> None:
    with pytest.raises(Misuse, match=code):
        wrong()  # type: ignore[operator]
