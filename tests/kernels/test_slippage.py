"""Slippage by hand, and that it is never a gift."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import slippage

BUY, SELL = 1, -1


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "name", "args", "want"),
    [
        ("50 bps of 100 is 0.50", "bps", (BUY, 100.0, 50.0), 100.5),
        ("and against a seller", "bps", (SELL, 100.0, 50.0), 99.5),
        ("none is none, to the bit", "bps", (BUY, 101.37, 0.0), 101.37),
        ("3 ticks of a quarter", "ticks", (BUY, 10.0, 3.0, 0.25), 10.75),
        ("and against a seller", "ticks", (SELL, 10.0, 3.0, 0.25), 9.25),
        ("from mid, half the spread is the ask", "spread", (BUY, 10.0, 0.5, 0.5), 10.25),
        ("from mid, half the spread is the bid", "spread", (SELL, 10.0, 0.5, 0.5), 9.75),
        ("a crossed market is no gift", "spread", (BUY, 10.0, -0.5, 0.5), 10.0),
        ("an unknown spread costs nothing", "spread", (SELL, 10.0, math.nan, 0.5), 10.0),
        ("half the volume: 0.25 of 0.1 of 80 is 2", "volume_share", (BUY, 80.0, 50.0, 100.0, 0.1), 82.0),
        ("and against a seller", "volume_share", (SELL, 80.0, 50.0, 100.0, 0.1), 78.0),
        ("more than the volume counts as all of it", "volume_share", (BUY, 80.0, 500.0, 100.0, 0.25), 100.0),
        ("so does a row without volume", "volume_share", (BUY, 80.0, 1.0, 0.0, 0.25), 100.0),
    ],
)
def test_by_hand(lane: str, what: str, name: str, args: tuple[float, ...], want: float) -> None:
    assert getattr(getattr(slippage, name), lane)(*args) == pytest.approx(want, abs=1e-12, rel=0.0), what


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([BUY, SELL]),
    st.floats(0.01, 1e5),
    st.floats(0.0, 1e3),
    st.floats(0.0, 100.0),
    st.floats(0.0, 1e6),
)
def test_it_is_never_a_gift(side: int, price: float, by: float, width: float, size: float) -> None:
    for paid in (
        slippage.bps.py(side, price, by),
        slippage.ticks.py(side, price, by, 0.01),
        slippage.spread.py(side, price, width, 0.5),
        slippage.volume_share.py(side, price, size, 1e5, 0.1),
    ):
        assert side * (paid - price) >= 0.0
