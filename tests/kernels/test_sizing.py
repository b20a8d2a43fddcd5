"""Sizes by hand, in lots; k = 1e6 is one share a lot in millionths of a dollar."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import sizing

USD = 1_000_000
K = 1e6
MOST = 1 << 62


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "name", "args", "want"),
    [
        ("a quarter of 10 000 at 99 is 25.25 shares", "weight_lots", (0.25, 10_000 * USD, 99.0, K), 25),
        ("short is toward zero as well", "weight_lots", (-0.25, 10_000 * USD, 99.0, K), -25),
        ("in lots of a thousandth share", "weight_lots", (0.25, 10_000 * USD, 99.0, 1e3), 25_252),
        ("a ruin buys nothing", "weight_lots", (0.25, -10_000 * USD, 99.0, K), 0),
        ("no price, no lots", "weight_lots", (0.25, 10_000 * USD, math.nan, K), 0),
        ("nor at a price of zero", "weight_lots", (0.25, 10_000 * USD, 0.0, K), 0),
        ("1000 at 300 is 3", "notional_lots", (1e9, 300.0, K), 3),
        ("-1000 at 300 is -3", "notional_lots", (-1e9, 300.0, K), -3),
        ("exactly 4 at 250", "notional_lots", (1e9, 250.0, K), 4),
        ("risk 1 % of 100 000 over 2 x 2.5: 1000 / 5", "atr_lots", (100_000 * USD, 0.01, 2.5, 2.0, K), 200),
        ("an unknown range risks nothing", "atr_lots", (100_000 * USD, 0.01, math.nan, 2.0, K), 0),
        ("no range, no size", "atr_lots", (100_000 * USD, 0.01, 0.0, 2.0, K), 0),
        ("half the volatility, twice the weight", "vol_weight", (0.10, 0.05, 3.0), 2.0),
        ("at most", "vol_weight", (0.10, 0.05, 1.5), 1.5),
        ("twice the volatility, half", "vol_weight", (0.10, 0.20, 3.0), 0.5),
        ("a dead market", "vol_weight", (0.10, 0.0, 3.0), 3.0),
        ("a dead market without a most", "vol_weight", (0.10, 0.0, math.inf), math.inf),
        ("unknown volatility", "vol_weight", (0.10, math.nan, 3.0), 0.0),
        ("no target", "vol_weight", (0.0, 0.2, 3.0), 0.0),
        ("half of 10 000 at 30: 166.7", "vol_lots", (10_000 * USD, 0.10, 0.20, 3.0, 30.0, K), 166),
        ("more lots than can be booked", "whole", (math.inf,), MOST),
        ("or fewer", "whole", (-1e30,), -MOST),
        ("toward zero", "whole", (-2.9,), -2),
        ("not a number", "whole", (math.nan,), 0),
    ],
)
def test_by_hand(lane: str, what: str, name: str, args: tuple[float, ...], want: float) -> None:
    assert getattr(getattr(sizing, name), lane)(*args) == want, what


@settings(deadline=None, max_examples=150)
@given(st.floats(-3.0, 3.0), st.integers(1, 10**15), st.integers(1, 10**7), st.sampled_from([1e6, 1e3, 1e-2]))
def test_a_size_is_worth_no_more_than_its_weight_and_one_lot_more_would_be(
    weight: float, equity: int, cents: int, k: float
) -> None:
    px = cents / 100.0
    lots = sizing.weight_lots.py(weight, equity, px, k)
    wanted = abs(weight) * equity
    assert abs(lots) * px * k <= wanted * (1.0 + 1e-15)
    assert abs(lots) == 1 << 62 or (abs(lots) + 1) * px * k >= wanted * (1.0 - 1e-15)  # 2**62 is the cap
    assert lots == 0 or (lots > 0) == (weight > 0)
    assert sizing.weight_lots.py(-weight, equity, px, k) == -lots
