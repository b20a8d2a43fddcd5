"""The ledger by hand and by law: half-even, exact conservation, flat is nothing, parts that sum."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import ledger


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("lots", "px", "k", "want"),
    [(3, 10.5, 1e6, 31_500_000), (1, 0.5, 1.0, 0), (1, 1.5, 1.0, 2), (1, 2.5, 1.0, 2), (-1, 2.5, 1.0, -2), (-1, 3.5, 1.0, -4), (0, 9.0, 1e6, 0)],
)  # fmt: skip
def test_notional_rounds_half_to_even(lane: str, lots: int, px: float, k: float, want: int) -> None:
    assert getattr(ledger.notional, lane)(lots, px, k) == want


@pytest.mark.parametrize("lane", ["py", "jit"])
def test_overflow_begins_at_two_to_the_62(lane: str) -> None:
    over = getattr(ledger.overflow, lane)
    assert [
        bool(over(1, px, 1.0)) for px in (2.0**62, -(2.0**62), 2.0**62 - 1024.0, float("nan"), float("inf"))
    ] == [True, True, False, True, True]


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "before", "fill", "after"),
    [
        ("open a long", (0, 0), (10, 1000), (10, 1000, 0)),
        ("add to it", (10, 1000), (5, 600), (15, 1600, 0)),
        ("close a part at 110: 400 of cost leave for 440", (10, 1000), (-4, -440), (6, 600, 40)),
        ("close all at 90", (10, 1000), (-10, -900), (0, 0, -100)),
        ("cross zero at 110: 10 leave for 1100, 5 open short", (10, 1000), (-15, -1650), (-5, -550, 100)),
        ("open a short", (0, 0), (-10, -1000), (-10, -1000, 0)),
        ("cover a part at 90: sold at 400, bought for 360", (-10, -1000), (4, 360), (-6, -600, 40)),
        ("cross zero upward at 90", (-10, -1000), (15, 1350), (5, 450, 100)),
        ("a third of 100 is 33, to the unit", (3, 100), (-1, -50), (2, 67, 17)),
        ("half of 5 is 2 by half-even", (2, 5), (-1, -3), (1, 3, 1)),
    ],
)
def test_a_fill_by_hand(
    lane: str, what: str, before: tuple[int, int], fill: tuple[int, int], after: tuple[int, int, int]
) -> None:
    assert tuple(getattr(ledger.apply_fill, lane)(*before, *fill)) == after, what


FILL = st.tuples(st.integers(-(10**6), 10**6).filter(bool), st.integers(1, 10**9))


@settings(deadline=None, max_examples=200)
@given(st.lists(FILL, max_size=30))
def test_conservation_over_any_fills(fills: list[tuple[int, int]]) -> None:
    """What was paid is in the cost or in the profit; flat holds neither lots nor cost; both lanes say the same."""
    lots = cost = paid = realized = 0
    for fill, price in fills:
        notional = fill * price
        state = ledger.apply_fill.py(lots, cost, fill, notional)
        assert state == tuple(ledger.apply_fill.jit(lots, cost, fill, notional))
        assert state[1] - cost == notional + state[2]
        assert state[0] == lots + fill
        assert (state[1] == 0) if state[0] == 0 else state[1] * state[0] >= 0
        lots, cost, profit = state
        paid += notional
        realized += profit
    assert cost - paid == realized


@pytest.mark.parametrize(
    ("total", "weights", "want"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (-10, [1, 1, 1], [-4, -3, -3]),
        (11, [1, 1, 1], [4, 4, 3]),
        (7, [1, 2, 4], [1, 2, 4]),
        (5, [0, 1, 0], [0, 5, 0]),
        (1, [1, 3], [0, 1]),
        (0, [1, 2], [0, 0]),
        (5, [0, 0], [0, 0]),
        (2**62 - 1, [2**61, 2**61], [2**61, 2**61 - 1]),
    ],
)
def test_apportion_by_hand(total: int, weights: list[int], want: list[int]) -> None:
    out = [99] * len(weights)
    ledger.apportion.py(total, weights, out)
    assert out == want


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**62), st.lists(st.integers(0, 2**60), min_size=1, max_size=6).filter(any))
def test_apportion_is_hamilton_s_method(total: int, weights: list[int]) -> None:
    """Against exact fractions: the floor of each quota, then one more to the largest remainders, the lower index first."""
    quotas = [Fraction(total * weight, sum(weights)) for weight in weights]
    want = [int(quota) for quota in quotas]
    order = sorted(range(len(weights)), key=lambda i: (-(quotas[i] - want[i]), i))
    for i in order[: total - sum(want)]:
        want[i] += 1
    out = [0] * len(weights)
    ledger.apportion.py(total, weights, out)
    assert out == want
