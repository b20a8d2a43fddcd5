"""Laws of any fill on any bar: never better than the bar traded, a limit never worse than its limit, a stop never better than its stop."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import fills

CENT = st.integers(9_950, 10_050).map(lambda cents: cents / 100.0)
SIDE = st.sampled_from([1, -1])


@st.composite
def bars(draw: st.DrawFn) -> tuple[float, float, float]:
    low, open_, high = sorted((draw(CENT), draw(CENT), draw(CENT)))
    return open_, high, low


@settings(deadline=None, max_examples=200)
@given(SIDE, CENT, bars(), st.booleans())
def test_a_limit_fill_is_within_the_bar_and_its_limit(
    side: int, limit: float, bar: tuple[float, float, float], through: bool
) -> None:
    open_, high, low = bar
    px = fills.limit_fill.py(side, limit, *bar, through)
    best = low if side > 0 else high
    reached = side * (limit - best) > 0.0 or (limit == best and not through) or side * (limit - open_) >= 0.0
    assert reached == (px == px)
    if reached:
        assert low <= px <= high
        assert side * (limit - px) >= 0.0
        assert px in (open_, limit)


@settings(deadline=None, max_examples=200)
@given(SIDE, CENT, bars())
def test_a_stop_fill_is_within_the_bar_and_never_better_than_its_stop(
    side: int, stop: float, bar: tuple[float, float, float]
) -> None:
    open_, high, low = bar
    px = fills.stop_fill.py(side, stop, *bar)
    worst = high if side > 0 else low
    assert (side * (worst - stop) >= 0.0) == (px == px)
    if px == px:
        assert low <= px <= high
        assert side * (px - stop) >= 0.0
        assert px == (max(open_, stop) if side > 0 else min(open_, stop)), "the worse of open and stop"


@settings(deadline=None, max_examples=200)
@given(SIDE, CENT, CENT, bars(), st.booleans())
def test_a_stop_limit_fills_only_when_triggered_and_never_beyond_its_limit(
    side: int, stop: float, limit: float, bar: tuple[float, float, float], through: bool
) -> None:
    px = fills.stop_limit_fill.py(side, stop, limit, *bar, through)
    market = fills.stop_fill.py(side, stop, *bar)
    if market != market:
        assert px != px
    elif side * (limit - market) >= 0.0:
        assert px == market, "its limit allows the market's price at the trigger"
    elif px == px:
        assert px == limit, "it came back to the limit"
        assert market == bar[0], "which is proven only when the open triggered it"


@settings(deadline=None, max_examples=150)
@given(SIDE, st.floats(0.01, 3.0), st.booleans(), st.lists(bars(), min_size=1, max_size=12))
def test_a_trailing_stop_never_goes_back_and_is_not_tightened_by_the_bar_that_it_faces(
    side: int, trail: float, as_frac: bool, rows: list[tuple[float, float, float]]
) -> None:
    if as_frac:
        trail /= 100.0
    level = fills.trail_update.py(side, math.nan, rows[0][0], trail, as_frac)
    for bar in rows:
        px, after = fills.trail_stop.py(side, level, *bar, trail, as_frac)
        assert (px, after) == tuple(fills.trail_stop.jit(side, level, *bar, trail, as_frac)) or px != px
        assert px == fills.stop_fill.py(side, level, *bar) or px != px
        if px == px:
            assert after == level
            return
        assert side * (level - after) >= 0.0
        level = after


@settings(deadline=None, max_examples=200)
@given(SIDE, CENT, CENT, bars(), st.booleans(), st.booleans())
def test_of_two_exits_inside_one_bar_the_worse_is_taken(
    side: int, stop: float, take: float, bar: tuple[float, float, float], through: bool, inside: bool
) -> None:
    px, which = fills.bracket_exit.py(side, stop, take, *bar, through, inside)
    stopped = fills.stop_fill.py(side, stop, *bar)
    taken = fills.limit_fill.py(side, take, *bar, through)
    if which == -1:
        assert px == stopped
    elif which == 1:
        assert px == taken
        assert not inside
        assert stopped != stopped or px == bar[0], "before a stop only the open comes"
    else:
        assert px != px
        assert stopped != stopped
        assert inside or taken != taken


def test_participation_has_bounds() -> None:
    """A tenth of 9.99 in whole lots is none; an endless volume is all that can be ordered; a loss of volume is none."""
    for lane in (fills.participation.py, fills.participation.jit):
        assert [lane(0.1, 9.99, 1.0), lane(0.1, 10.0, 1.0), lane(1.0, 0.25, 1e-8)] == [0, 1, 25_000_000]
        assert lane(0.5, math.inf, 1.0) == 1 << 62
        assert lane(0.5, -5.0, 1.0) == 0
