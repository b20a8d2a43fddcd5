"""The schedules of the execution algorithms, by hand: lots a slice, lots a volume, lots shown."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import asinh, sinh, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.events import Bar, Quote, Trade
from argosy.core.intents import Iceberg, Pov, Shortfall, Target, Twap, Vwap
from argosy.core.orders import Tif
from argosy.core.time import MINUTE, NEVER
from argosy.engine.algos import iceberg, pov, shortfall, twap, vwap
from argosy.engine.algos.course import Course, plot
from argosy.engine.algos.grain import Grain, malformed, unsupported
from argosy.engine.algos.slices import portions

NAN = float("nan")


@pytest.mark.parametrize(
    ("weights", "total", "least", "lots"),
    [
        ((1, 1, 1, 1), 100, 1, (25, 25, 25, 25)),
        ((1, 1, 1, 1), 10, 1, (3, 3, 2, 2)),  # 2.5 each: the two left over go to the earlier ones
        ((1, 1, 1, 1), 3, 1, (1, 1, 1, 0)),
        ((3, 1, 2), 60, 1, (30, 10, 20)),
        ((3, 1, 2), 10, 1, (5, 2, 3)),  # 5.0, 1.67, 3.33
        ((1, 0, 1), 4, 1, (2, 0, 2)),
        ((0, 0), 5, 1, (3, 2)),
        ((0.1, 0.2), 3, 1, (1, 2)),
        ((1, 1, 1, 1), 10, 3, (3, 3, 0, 4)),  # 3, 3, 2 waits, 2 + 2
        ((1, 1, 1, 1, 1), 5, 2, (0, 2, 0, 3, 0)),  # the last one alone is too small and goes with the fourth
        ((1, 1), 3, 5, (3, 0)),  # all of it is too small: nothing is made better by waiting
        ((1, 1), 0, 1, (0, 0)),
    ],
)
def test_lots_of_a_schedule(weights: tuple[float, ...], total: int, least: int, lots: tuple[int, ...]) -> None:
    assert portions(weights, total, least) == lots


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.floats(0.0, 1e6), min_size=1, max_size=12), st.integers(0, 10**12), st.integers(1, 50),
)  # fmt: skip
def test_every_lot_is_in_some_slice_and_none_is_too_small(weights: list[float], total: int, least: int) -> None:
    lots = portions(weights, total, least)
    assert sum(lots) == total
    assert all(each == 0 or each >= least for each in lots) or total < least


# -- TWAP and VWAP -----------------------------------------------------------------------------------------------------


def test_twap_is_even() -> None:
    assert twap.weights(Twap(MINUTE, 4), 3) == (1.0, 1.0, 1.0)
    assert Course(Twap(4 * MINUTE, 4), 10, 0, NEVER).schedule(1) == (3, 3, 2, 2)


def test_vwap_follows_the_curve_it_is_given() -> None:
    """A morning, a noon and an afternoon of 50, 20 and 30 % of the volume."""
    algo = Vwap(3 * MINUTE, (50.0, 20.0, 30.0))
    assert vwap.weights(algo, 3) == (50.0, 20.0, 30.0)
    assert Course(algo, -1000, 0, NEVER).schedule(1) == (500, 200, 300)


def test_what_would_begin_after_the_close_is_spread_over_what_comes_before() -> None:
    """Ten minutes in five slices, the close after five: slices begin at 0, 2 and 4 minutes."""
    close = 5 * MINUTE
    assert Course(Twap(10 * MINUTE, 5), 9, 0, close).schedule(1) == (3, 3, 3)
    assert Course(Vwap(10 * MINUTE, (3.0, 2.0, 1.0, 9.0, 9.0)), 12, 0, close).schedule(1) == (6, 4, 2)
    assert Course(Twap(10 * MINUTE, 5), 9, 0, 4 * MINUTE).schedule(1) == (5, 4)  # at the close itself nothing begins
    assert Course(Twap(10 * MINUTE, 5), 9, 0, 1).schedule(1) == (9,)


def test_when_the_slices_of_a_course_are_due() -> None:
    course = Course(Twap(4 * MINUTE, 4), 10, 100, NEVER)
    assert course.due(100, 1.0, 1, True) == (7, 100 + MINUTE)
    assert course.due(99 + MINUTE, 1.0, 1, True) == (7, 100 + MINUTE)
    assert course.due(100 + MINUTE, 1.0, 1, True) == (4, 100 + 2 * MINUTE)
    assert course.due(100 + 3 * MINUTE, 1.0, 1, True) == (0, NEVER)
    small = Course(Twap(4 * MINUTE, 4), 10, 0, NEVER)  # least 3: parts of 3, 3, 0 and 4
    assert small.due(MINUTE, 1.0, 3, True) == (4, 3 * MINUTE), "it is not woken for a slice without lots"


# -- POV ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "least", "total", "before", "volume", "smallest", "released"),
    [
        (0.1, 1, 100, 0, 95.0, 1, 9),  # 9.5
        (0.29, 1, 100, 0, 100.0, 1, 29),  # in binary 28.999999999999996
        (0.1, 1, 100, 9, 99.0, 1, 9),
        (0.1, 5, 100, 9, 139.0, 1, 9),  # 13 allowed, 4 more are too few
        (0.1, 5, 100, 9, 140.0, 1, 14),
        (0.1, 5, 16, 9, 140.0, 1, 9),  # 2 would be left, which is no part: 11 at most for now, and that is too few
        (0.1, 5, 16, 9, 160.0, 1, 16),
        (0.1, 1, 16, 9, 150.0, 4, 9),  # 15 would leave 1, and 12 would be 3 more: both are smaller than an order
        (0.1, 1, 16, 9, 159.0, 3, 13),
        (1.0, 1, 16, 0, 1e9, 1, 16),
    ],
)
def test_what_a_share_of_the_volume_allows(
    rate: float, least: int, total: int, before: int, volume: float, smallest: int, released: int
) -> None:
    assert pov.released(Pov(rate, least), total, before, volume, smallest) == released


def bar(minute: int, volume: float, span: int = 1) -> Bar:
    return Bar(minute * MINUTE, (minute + span) * MINUTE, 0, 1.0, 1.0, 1.0, 1.0, volume, span * MINUTE)


def test_volume_is_counted_once_and_from_the_decision_on() -> None:
    course = Course(Pov(0.5), 1000, 5 * MINUTE, NEVER)
    course.see(bar(4, 1e6))  # began before the decision
    course.see(bar(5, 100.0))
    course.see(bar(6, NAN))
    course.see(bar(7, 50.0))
    course.see(bar(5, 777.0, 5))  # five minutes of which three were counted
    course.see(Quote(8 * MINUTE, 8 * MINUTE, 0, 1.0, 1.1, 9.0, 9.0))
    course.see(Trade(9 * MINUTE, 9 * MINUTE, 0, 1.0, 8.0))
    course.see(Trade(9 * MINUTE, 9 * MINUTE, 0, 1.0, 2.0))
    course.see(bar(8, 9.0, 2))  # it holds the two trades
    assert course.volume == 160.0
    assert course.due(10 * MINUTE, 1.0, 1, True) == (920, NEVER)
    assert course.due(10 * MINUTE, 0.1, 1, True) == (200, NEVER), "1,600 lots of a tenth"


# -- iceberg -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("display", "total", "before", "done", "least", "released"),
    [
        (10, 25, 0, True, 1, 10),
        (10, 25, 10, False, 1, 10),
        (10, 25, 10, True, 1, 20),
        (10, 25, 20, True, 1, 25),
        (10, 23, 10, True, 5, 23),  # 3 would be left, and no order is smaller than 5
        (2, 23, 0, True, 5, 5),
    ],
)
def test_what_an_iceberg_shows(display: int, total: int, before: int, done: bool, least: int, released: int) -> None:
    assert iceberg.released(Iceberg(display), total, before, done, least) == released


# -- implementation shortfall ------------------------------------------------------------------------------------------


def test_the_example_of_almgren_and_chriss() -> None:
    """Their table 1: 1,000,000 shares at 50, five days, one a slice; 30 % and 10 % a year, 250 days, a spread of an eighth
    and impacts of 2.5e-6 and 2.5e-7. With a risk aversion of 1e-6, kappa is about 0.6 a day."""
    sigma = 0.95  # price per root day, as in the table
    algo = Shortfall(5 * 24 * 60 * MINUTE, 5, risk_aversion=1e-6, volatility=sigma, impact=2.5e-6, permanent=2.5e-7)
    tilde = sqrt(1e-6 * sigma * sigma / (2.5e-6 * (1.0 - 2.5e-7 / (2.0 * 2.5e-6))))
    kappa = 2.0 * asinh(tilde / 2.0)  # 2 (cosh k - 1) = tilde^2, said with half the angle
    assert shortfall.kappa(algo) == pytest.approx(kappa, rel=1e-12)
    assert kappa == pytest.approx(0.607, abs=5e-4)
    left = [sinh(kappa * (5 - j)) / sinh(kappa * 5) for j in range(6)]
    weights = shortfall.weights(algo, 5)
    assert weights == pytest.approx([left[j] - left[j + 1] for j in range(5)], rel=1e-12)
    # by hand, with e^0.607 = 1.835: sinh of 0.607, 1.214, 1.821, 2.428, 3.035 is 0.6450, 1.5351, 3.0083, 5.6248, 10.3767
    assert weights == pytest.approx([0.4579, 0.2521, 0.1420, 0.0858, 0.0622], abs=2e-4)
    lots = Course(algo, -1_000_000, 0, NEVER).schedule(1)
    assert sum(lots) == 1_000_000
    assert [lots[j] / 1e6 for j in range(5)] == pytest.approx(weights, abs=1e-6)


def test_without_aversion_to_risk_it_is_twap() -> None:
    algo = Shortfall(4 * MINUTE, 4, risk_aversion=0.0, volatility=1.0, impact=1e-6)
    assert shortfall.weights(algo, 4) == (0.25, 0.25, 0.25, 0.25)
    tiny = Shortfall(4 * MINUTE, 4, risk_aversion=1e-12, volatility=1.0, impact=1e-6)
    assert shortfall.weights(tiny, 4) == pytest.approx((0.25, 0.25, 0.25, 0.25), rel=1e-5)


def test_with_great_aversion_all_of_it_goes_at_once() -> None:
    algo = Shortfall(400 * MINUTE, 400, risk_aversion=1e9, volatility=1.0, impact=1e-6)
    assert Course(algo, 77, 0, NEVER).schedule(1) == (77, *([0] * 399))


@settings(deadline=None, max_examples=100)
@given(st.floats(0.0, 50.0), st.integers(1, 200))
def test_the_path_falls_from_the_whole_to_nothing(aversion: float, count: int) -> None:
    algo = Shortfall(count * MINUTE, count, risk_aversion=aversion, volatility=1.0, impact=1.0)
    weights = shortfall.weights(algo, count)
    assert sum(weights) == pytest.approx(1.0, abs=1e-9)
    assert all(one >= other - 1e-12 for one, other in pairwise(weights)), "it never hurries later"


# -- courses -----------------------------------------------------------------------------------------------------------


def test_a_course_never_leads_back() -> None:
    """Out of 100 by fours; after the stop has sold all of it, the way is not back to 75."""
    course = Course(Twap(4 * MINUTE, 4), -100, 0, NEVER)
    course.back = 75
    assert course.way(0, 100) == 75
    assert course.way(0, 60) == 60
    assert course.way(0, 0) == 0


def test_a_course_through_a_split() -> None:
    course = Course(Twap(4 * MINUTE, 4), 101, 0, NEVER)
    course.back, course.volume = 75, 10.0
    course.split(1.5, Fraction(3, 2))
    assert (course.total, course.back, course.volume) == (151, 112, 15.0)


def test_what_is_said_of_a_target_without_a_course() -> None:
    twap_ = Twap(4 * MINUTE, 4)
    assert plot(Target(0, lots=5), 5, 0, 0, NEVER) is None
    assert plot(Target(0, lots=5, execution=twap_), 5, 5, 0, NEVER) is None
    day = plot(Target(0, lots=5, execution=twap_, horizon_ns=9), 5, 0, 100, 105)
    gtc = plot(Target(0, lots=5, execution=twap_, horizon_ns=9, tif=Tif.GTC), 5, 0, 100, 105)
    hidden = plot(Target(0, lots=5, limit=1.0, execution=Iceberg(2), horizon_ns=9), 5, 0, 100, 105)
    assert day is not None and gtc is not None and hidden is not None
    assert (day.end, gtc.end, hidden.end) == (105, 109, 105), "the horizon of a part without slices is the wish's own"


# -- what cannot be had ------------------------------------------------------------------------------------------------

MINUTES, TICKS = Grain(MINUTE, True), Grain(0, True)


@pytest.mark.parametrize(
    ("algo", "grain", "open_", "code"),
    [
        (Twap(4 * MINUTE, 4), MINUTES, True, ""),
        (Twap(4 * MINUTE, 5), MINUTES, True, "EXECUTION_TAPE"),  # 48 seconds
        (Twap(4 * MINUTE, 5), TICKS, True, ""),
        (Twap(4 * MINUTE, 4), Grain(MINUTE, False), True, ""),
        (Twap(4 * MINUTE, 4), MINUTES, False, "EXECUTION_CLOSED"),
        (Twap(4 * MINUTE, 4), None, True, "EXECUTION_TAPE"),
        (Vwap(2 * MINUTE, (1.0, 2.0)), MINUTES, True, ""),
        (Vwap(2 * MINUTE, (1.0, 2.0)), Grain(MINUTE, False), True, "EXECUTION_VOLUME"),
        (Vwap(2 * MINUTE, (1.0, 2.0, 3.0)), MINUTES, True, "EXECUTION_TAPE"),
        (Pov(0.1), MINUTES, True, ""),
        (Pov(0.1), Grain(0, False), True, "EXECUTION_VOLUME"),
        (Iceberg(5), MINUTES, True, "EXECUTION_TAPE"),
        (Iceberg(5), Grain(0, False), True, ""),
        (Shortfall(4 * MINUTE, 5, 0.0, 1.0, 1.0), MINUTES, True, "EXECUTION_TAPE"),
    ],
)
def test_what_a_tape_cannot_support_is_refused(algo: object, grain: Grain | None, open_: bool, code: str) -> None:
    refused = unsupported(algo, grain, open_)  # type: ignore[arg-type]
    assert (refused.code if refused is not None else "") == code


@pytest.mark.parametrize(
    "target",
    [
        Target(0, lots=5, execution=Twap(MINUTE, 0)),
        Target(0, lots=5, execution=Twap(3, 4)),
        Target(0, lots=5, execution=Vwap(MINUTE, ())),
        Target(0, lots=5, execution=Vwap(MINUTE, (1.0, -1.0))),
        Target(0, lots=5, execution=Vwap(MINUTE, (1.0, NAN))),
        Target(0, lots=5, execution=Pov(0.0)),
        Target(0, lots=5, execution=Pov(1.1)),
        Target(0, lots=5, execution=Pov(0.1, 0)),
        Target(0, lots=5, execution=Iceberg(5)),  # without a limit
        Target(0, lots=5, limit=1.0, execution=Iceberg(0)),
        Target(0, lots=5, execution=Shortfall(MINUTE, 4, -1.0, 1.0, 1.0)),
        Target(0, lots=5, execution=Shortfall(MINUTE, 4, 1.0, 1.0, 1.0, 2.0)),
    ],
)
def test_what_means_nothing_is_an_error(target: Target) -> None:
    found = malformed("a", target)
    assert found is not None
    assert found.code == "EXECUTION_SHAPE"


def test_what_means_something_is_none() -> None:
    for target in (
        Target(0, lots=5, execution=Twap(MINUTE, 4)),
        Target(0, lots=5, limit=1.0, execution=Iceberg(1)),
        Target(0, lots=5, execution=Shortfall(MINUTE, 4, 1.0, 1.0, 1.0, 1.0)),
    ):
        assert malformed("a", target) is None
