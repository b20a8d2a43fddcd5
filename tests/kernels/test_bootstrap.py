"""Drawn again: both lanes to the bit, blocks of the length asked for, paths worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from argosy.kernels import bootstrap

SEEDS = st.integers(-(2**63), 2**63 - 1)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(0, 2**40), st.integers(1, 2**31 - 1), st.integers(-1, 50), st.floats(1.0, 1e6))
def test_both_lanes_draw_the_same(seed: int, number: int, count: int, at: int, length: float) -> None:
    assert bootstrap.place.py(number, seed, count) == bootstrap.place.jit(number, seed, count)
    cut = bootstrap.WHOLE / length
    at = min(at, count - 1)
    one, two = bootstrap.follow.py(at, number, seed, count, cut), bootstrap.follow.jit(at, number, seed, count, cut)
    assert one == two
    assert 0 <= one < count


def walked(lane: Any, values: Any, steps: int, length: float, additive: bool, seed: int, first: int, paths: int, marks: Any) -> list[Any]:
    ends, depths = np.zeros(paths), np.zeros(paths)
    equity, falls = np.zeros((paths, len(marks))), np.zeros((paths, len(marks)))
    lane(np.asarray(values), steps, length, additive, 100.0, seed, first, np.asarray(marks, np.int64), ends, depths, equity, falls)
    return [ends, depths, equity, falls]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=12), st.integers(1, 20), st.floats(1.0, 30.0), st.booleans(), SEEDS,
    st.integers(0, 1000),
)  # fmt: skip
def test_both_lanes_walk_the_same_and_as_the_places_say(
    values: list[float], steps: int, length: float, additive: bool, seed: int, first: int
) -> None:
    marks = sorted({1, (steps + 1) // 2, steps})
    plain = walked(bootstrap.resampled.py, values, steps, length, additive, seed, first, 3, marks)
    compiled = walked(bootstrap.resampled.jit, values, steps, length, additive, seed, first, 3, marks)
    assert [each.tobytes() for each in plain] == [each.tobytes() for each in compiled]
    for p in range(3):
        places, machine = np.zeros(steps, np.int64), np.zeros(steps, np.int64)
        bootstrap.stationary.py(len(values), length, seed, first + p, places)
        bootstrap.stationary.jit(len(values), length, seed, first + p, machine)
        assert places.tolist() == machine.tolist()
        curve, value = [100.0], 100.0
        for at in places.tolist():
            value = value + values[at] if additive else max(0.0, value * (1.0 + values[at]))
            curve.append(value)
        peaks = np.maximum.accumulate(curve)
        falls = [(peak - value) / peak for peak, value in zip(peaks, curve, strict=True)]
        assert plain[0][p] == curve[-1]
        assert plain[1][p] == max(falls)
        assert plain[2][p].tolist() == [curve[mark] for mark in marks]
        assert plain[3][p].tolist() == [falls[mark] for mark in marks]


def test_by_hand_with_one_value() -> None:
    """Twice minus ten per cent: 100, 90, 81; the fall is 19 %."""
    ends, depths, equity, falls = walked(bootstrap.resampled.py, [-0.1], 2, 1.0, False, 7, 0, 1, [1, 2])
    assert ends[0] == pytest.approx(81.0) and depths[0] == pytest.approx(0.19)
    assert equity[0].tolist() == pytest.approx([90.0, 81.0]) and falls[0].tolist() == pytest.approx([0.1, 0.19])
    broke = walked(bootstrap.resampled.py, [-10.0], 11, 1.0, True, 7, 0, 1, [])
    assert broke[0][0] == pytest.approx(-10.0)  # amounts may take more than there is
    assert broke[1][0] == pytest.approx(1.1)


def test_paths_do_not_depend_on_who_walks_beside() -> None:
    values = np.linspace(-0.02, 0.03, 17)
    whole = walked(bootstrap.resampled.jit, values, 40, 5.0, False, 3, 0, 10, [40])
    parts = [walked(bootstrap.resampled.jit, values, 40, 5.0, False, 3, first, 5, [40]) for first in (0, 5)]
    assert whole[0].tolist() == [*parts[0][0].tolist(), *parts[1][0].tolist()]
    assert len(set(whole[0].tolist())) == 10


@pytest.mark.parametrize("length", [1.0, 4.0, 25.0])
def test_blocks_have_geometric_lengths_and_places_are_even(length: float) -> None:
    """A block ends with chance 1 / length (or seems to go on where the drawn place is the next one by chance)."""
    count, steps = 50, 200_000
    out = np.zeros(steps, np.int64)
    bootstrap.stationary.jit(count, length, 11, 0, out)
    breaks = int(np.count_nonzero(out[1:] != (out[:-1] + 1) % count))
    assert stats.binomtest(breaks, steps - 1, (1.0 / length) * (count - 1) / count).pvalue > 1e-4
    drawn = out[1:][out[1:] != (out[:-1] + 1) % count]
    assert stats.chisquare(np.bincount(drawn, minlength=count)).pvalue > 1e-4
