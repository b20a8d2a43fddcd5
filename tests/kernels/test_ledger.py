"""The ledger at its edges: beyond the exact range of floats, at the ends of int64, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import ledger

MOST = 2**63 - 1


@settings(deadline=None, max_examples=200)
@given(st.integers(-(2**31), 2**31).map(lambda n: n / 2.0), st.integers(-1001, 1001))
def test_every_half_rounds_to_even_in_both_lanes(px: float, lots: int) -> None:
    """lots * px is a multiple of a half: integers say what half-even is."""
    doubled = lots * int(px * 2)
    down = doubled // 2
    want = down if doubled % 2 == 0 else down + (down & 1)
    assert ledger.notional.py(lots, px, 1.0) == want == ledger.notional.jit(lots, px, 1.0)


BIG = st.integers(2**53 - 3, 2**60)


@settings(deadline=None, max_examples=200)
@given(BIG, BIG, st.integers(2**53 - 3, 2**61), st.sampled_from([1, -1]))
def test_the_lanes_agree_beyond_the_exact_integers_of_a_float(
    held: int, closed: int, cost: int, side: int
) -> None:
    """1e-9 lots of a cheap token leave 2**53 soon; the law holds there to the unit."""
    before = (side * held, side * cost, -side * closed, -side * (cost // 3))
    lots, left, realized = ledger.apply_fill.py(*before)
    assert (lots, left, realized) == tuple(ledger.apply_fill.jit(*before))
    assert lots == side * (held - closed)
    assert realized == (left - side * cost) + side * (cost // 3)


def test_a_position_closed_in_parts_leaves_no_unit_behind() -> None:
    """7 lots cost 100; closed one by one at 15 each the profit is 7 * 15 - 100 = 5, whatever was rounded on the way."""
    lots, cost, profit = 7, 100, 0
    for _ in range(7):
        lots, cost, realized = ledger.apply_fill.py(lots, cost, -1, -15)
        profit += realized
    assert (lots, cost, profit) == (0, 0, 5)


@pytest.mark.parametrize("total", [MOST, -MOST])
def test_the_ends_of_int64_are_apportioned_without_wrapping(total: int) -> None:
    """2**63 - 1 over 3 equal weights is 3 074 457 345 618 258 602 each and 1 over, to the first."""
    third = 3_074_457_345_618_258_602
    sign = 1 if total > 0 else -1
    weights = [MOST // 3] * 3
    plain = [0, 0, 0]
    compiled = np.zeros(3, dtype=np.int64)
    ledger.apportion.py(total, weights, plain)
    ledger.apportion.jit(total, np.array(weights), compiled)
    assert plain == compiled.tolist() == [sign * (third + 1), sign * third, sign * third]


@pytest.mark.parametrize(
    ("total", "weights", "error"),
    [
        (1, [1, -1], ValueError),
        (1, [MOST, 1], OverflowError),
        (1, [2**62, 2**62], OverflowError),
        (-MOST - 1, [1, 1], OverflowError),
    ],
)
def test_what_cannot_be_apportioned_is_refused_in_both_lanes(
    total: int, weights: list[int], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ledger.apportion.py(total, weights, [0, 0])
    with pytest.raises(error):
        ledger.apportion.jit(total, np.array(weights), np.zeros(2, dtype=np.int64))


def test_nothing_to_apportion() -> None:
    out = [7, 7]
    ledger.apportion.py(0, [0, 0], out)
    assert out == [0, 0]
    ledger.apportion.py(9, [], [])
    compiled = np.array([7, 7])
    ledger.apportion.jit(3, np.array([0, 0]), compiled)
    assert compiled.tolist() == [0, 0]
