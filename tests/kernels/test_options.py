"""Options against worked examples, QuantLib, forty digits, and the laws that no model may break."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.kernels.options import bulk
from argosy.kernels.options.black import (
    CALL,
    PUT,
    Greeks,
    black76,
    black76_greeks,
    bsm,
    bsm_greeks,
    practical,
)  # fmt: skip
from argosy.kernels.options.implied import (
    ABOVE,
    BELOW,
    EXPIRED,
    FOUND,
    NONSENSE,
    REASONS,
    deviation,
    implied,
    implied76,
)
from argosy.kernels.options.normal import cdf, mills, rough_quantile
from argosy.kernels.options.tree import american, american_greeks, american_vol, tree_vol

getcontext().prec = 40


# -- worked examples -------------------------------------------------------------------------------------------------

HULL = [
    ("a call, chapter 15", bsm, (CALL, 42.0, 40.0, 0.5, 0.1, 0.0, 0.2), 4.76),
    ("and its put", bsm, (PUT, 42.0, 40.0, 0.5, 0.1, 0.0, 0.2), 0.81),
    ("an index with a yield, chapter 17", bsm, (CALL, 930.0, 900.0, 2 / 12, 0.08, 0.03, 0.2), 51.83),
    ("a put on crude oil, chapter 18", black76, (PUT, 20.0, 20.0, 4 / 12, 0.09, 0.25), 1.12),
]


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(("what", "kernel", "arguments", "want"), HULL, ids=[row[0] for row in HULL])
def test_hull(lane: str, what: str, kernel: Any, arguments: tuple[Any, ...], want: float) -> None:
    """J. C. Hull, Options, Futures, and Other Derivatives, to the cents that are printed there."""
    assert round(getattr(kernel, lane)(*arguments), 2) == want


def test_hulls_greeks() -> None:
    """Hull, chapter 19: 49 against 50, 20 weeks, 5 %, 20 %."""
    greeks = Greeks(*bsm_greeks.py(CALL, 49.0, 50.0, 0.3846, 0.05, 0.0, 0.2))
    assert [round(x, 3) for x in (greeks.price, greeks.delta, greeks.gamma)] == [2.400, 0.522, 0.066]
    assert [round(greeks.vega, 1), round(greeks.theta, 2), round(greeks.rho, 2)] == [12.1, -4.31, 8.91]
    shown = practical(greeks)
    assert round(shown.theta, 4) == -0.0118  # "per calendar day"
    assert (round(shown.vega, 3), round(shown.rho, 4)) == (0.121, 0.0891)
    assert shown.vanna == greeks.vanna / 100
    assert shown.volga == pytest.approx(greeks.volga / 10_000)
    assert shown.charm == greeks.charm / 365
    assert (shown.price, shown.delta, shown.gamma) == (greeks.price, greeks.delta, greeks.gamma)


def test_haugs_greeks() -> None:
    """E. G. Haug, The Complete Guide to Option Pricing Formulas, chapter 2: charm and vomma on futures."""
    assert round(Greeks(*black76_greeks.py(PUT, 105.0, 90.0, 0.25, 0.14, 0.24)).charm, 4) == 0.3700
    assert round(Greeks(*black76_greeks.py(CALL, 90.0, 130.0, 0.75, 0.05, 0.28)).volga, 4) == 92.3444


def test_hulls_implied_volatility_and_tree() -> None:
    sigma, code = implied.py(CALL, 1.875, 21.0, 20.0, 0.25, 0.1, 0.0)
    assert (round(sigma, 3), code) == (0.235, FOUND)
    five = {"steps": 5, "kind": "cox-ross-rubinstein"}
    assert round(american(PUT, 50, 50, 5 / 12, 0.1, 0, 0.4, **five), 2) == 4.49  # chapter 21
    assert round(american(PUT, 50, 50, 5 / 12, 0.1, 0, 0.4, style="european", **five), 2) == 4.32
    assert round(bsm.py(PUT, 50.0, 50.0, 5 / 12, 0.1, 0.0, 0.4), 2) == 4.08


# -- QuantLib and forty digits -----------------------------------------------------------------------------------------

EUROPEAN = st.tuples(
    st.sampled_from([CALL, PUT]), st.floats(20.0, 300.0), st.floats(20.0, 300.0), st.floats(0.01, 3.0), st.floats(-0.03, 0.15),
    st.floats(-0.02, 0.1), st.floats(0.03, 1.5),
)  # fmt: skip


@settings(max_examples=400)
@given(EUROPEAN)
def test_quantlib(option: tuple[Any, ...]) -> None:
    """Value and first greeks to 1e-10 of the spot, Black-Scholes-Merton and Black-76."""
    ql = pytest.importorskip("QuantLib")
    right, spot, strike, years, rate, dividend, sigma = option
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if right > 0 else ql.Option.Put, strike)
    forward = spot * math.exp((rate - dividend) * years)
    other = ql.BlackCalculator(payoff, forward, sigma * math.sqrt(years), math.exp(-rate * years))
    own = Greeks(*bsm_greeks(*option))
    near = {"abs": 1e-10 * spot, "rel": 1e-10}
    assert own.price == pytest.approx(other.value(), **near)
    assert own.price == bsm(*option)
    assert own.delta == pytest.approx(other.delta(spot), abs=1e-10)
    assert own.gamma == pytest.approx(other.gamma(spot), rel=1e-10, abs=1e-12)
    assert own.vega == pytest.approx(other.vega(years), **near)
    assert own.rho == pytest.approx(other.rho(years), **near)
    assert own.theta == pytest.approx(other.theta(spot, years), rel=1e-9, abs=1e-9 * spot)
    future = Greeks(*black76_greeks(right, spot, strike, years, rate, sigma))
    other = ql.BlackCalculator(payoff, spot, sigma * math.sqrt(years), math.exp(-rate * years))
    assert future.price == pytest.approx(other.value(), **near)
    assert future.price == black76(right, spot, strike, years, rate, sigma)
    assert future.delta == pytest.approx(other.deltaForward(), abs=1e-10)
    assert future.gamma == pytest.approx(other.gammaForward(), rel=1e-10, abs=1e-12)
    assert future.rho == -years * future.price


@settings(max_examples=150)
@given(
    st.sampled_from([CALL, PUT]), st.floats(60.0, 150.0), st.floats(0.1, 2.0), st.floats(-0.03, 0.15), st.floats(0.0, 0.1), st.floats(0.1, 1.0)
)
def test_second_greeks_are_slopes_of_the_first(
    right: int, strike: float, years: float, rate: float, dividend: float, sigma: float
) -> None:
    """Each against central differences of the kernel that it is the slope of; theta and rho against those of the price."""
    spot, step = 100.0, 1e-5
    own = Greeks(*bsm_greeks.jit(right, spot, strike, years, rate, dividend, sigma))

    def at(**by: float) -> Greeks:
        return Greeks(
            *bsm_greeks.jit(
                right, spot, strike, years + by.get("years", 0.0), rate + by.get("rate", 0.0), dividend, sigma + by.get("sigma", 0.0)
            )
        )

    def slope(name: str, of: str) -> float:
        return (getattr(at(**{name: step}), of) - getattr(at(**{name: -step}), of)) / (2 * step)

    for want, (name, of, sign) in {
        own.vanna: ("sigma", "delta", 1), own.volga: ("sigma", "vega", 1), own.charm: ("years", "delta", -1),
        own.theta: ("years", "price", -1), own.rho: ("rate", "price", 1),
    }.items():  # fmt: skip
        assert want == pytest.approx(sign * slope(name, of), rel=2e-5, abs=2e-5 * max(1.0, abs(own.theta))), (name, of)


def exact_tree(right: int, early: bool, n: int, *numbers: float) -> float:
    """Leisen and Reimer's tree in forty digits."""
    spot, strike, years, rate, dividend, sigma = map(Decimal, numbers)
    v = sigma * years.sqrt()
    d2 = ((spot / strike).ln() + (rate - dividend) * years) / v - v / 2

    def inverted(z: Decimal) -> Decimal:
        by = z / (n + Decimal(1) / 3 + Decimal("0.1") / (n + 1))
        half = (Decimal("0.25") - (-by * by * (n + Decimal(1) / 6)).exp() / 4).sqrt()
        return Decimal("0.5") + (half if z >= 0 else -half)

    growth, p, discount = ((rate - dividend) * years / n).exp(), inverted(d2), (-rate * years / n).exp()
    up = growth * inverted(d2 + v) / p
    down = (growth - p * up) / (1 - p)
    values = [max(right * (spot * up**j * down ** (n - j) - strike), Decimal(0)) for j in range(n + 1)]
    for level in range(n - 1, -1, -1):
        values = [discount * (p * values[j + 1] + (1 - p) * values[j]) for j in range(level + 1)]
        if early:
            values = [max(x, right * (spot * up**j * down ** (level - j) - strike)) for j, x in enumerate(values)]
    return float(values[0])


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    "option",
    [
        (PUT, 100.0, 110.0, 1.0, 0.05, 0.02, 0.2), (CALL, 100.0, 95.0, 0.5, 0.03, 0.08, 0.3), (PUT, 100.0, 65.3, 1.65, 0.05, 0.014, 0.63),
        (CALL, 100.0, 145.2, 0.84, 0.0986, 0.019, 0.25), (PUT, 50.0, 60.0, 2.0, -0.01, 0.0, 0.1),
    ],
)  # fmt: skip
def test_tree_in_forty_digits(option: tuple[Any, ...], early: bool) -> None:
    style: Any = "american" if early else "european"
    assert american(*option, steps=51, style=style) == pytest.approx(exact_tree(option[0], early, 51, *option[1:]), abs=1e-11)


def test_american_against_quantlib() -> None:
    """Its high-precision boundary method; our error is that of 1,001 steps."""
    ql = pytest.importorskip("QuantLib")
    today = ql.Date(2, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()
    draw = np.random.default_rng(5)

    def flat(rate: float) -> Any:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count))

    for _ in range(12):
        days, strike, rate = int(draw.integers(20, 700)), float(draw.uniform(70, 140)), float(draw.uniform(0.01, 0.1))
        dividend, sigma, right = float(draw.uniform(0.0, 0.08)), float(draw.uniform(0.1, 0.6)), int(draw.choice([CALL, PUT]))
        vol = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), sigma, count))
        process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(100.0)), flat(dividend), flat(rate), vol)
        kind = ql.Option.Call if right > 0 else ql.Option.Put
        option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), ql.AmericanExercise(today, today + days))
        option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
        assert american(right, 100, strike, days / 365, rate, dividend, sigma, steps=1001) == pytest.approx(option.NPV(), abs=8e-3)


def test_trees_greeks_are_those_of_the_formula() -> None:
    option = (PUT, 100.0, 105.0, 0.75, 0.04, 0.01, 0.25)
    own, right = american_greeks(*option, steps=501, style="european"), Greeks(*bsm_greeks(*option))
    for name, rel in zip(Greeks._fields, (1e-5, 1e-3, 2e-3, 1e-3, 5e-3, 1e-5, 1e-2, 2e-2, 1e-2), strict=True):
        assert getattr(own, name) == pytest.approx(getattr(right, name), rel=rel), name


def test_early_exercise() -> None:
    """A call without dividends is never exercised; a put far in the money at once, and then it moves with the stock alone."""
    assert american(CALL, 100, 90, 1, 0.05, 0, 0.3) == pytest.approx(american(CALL, 100, 90, 1, 0.05, 0, 0.3, style="european"), rel=1e-12)
    put = american_greeks(PUT, 20, 100, 1, 0.08, 0, 0.2)
    assert (put.price, put.theta) == (80.0, 0.0)
    assert put.delta == pytest.approx(-1.0, abs=1e-12)
    assert put.gamma == pytest.approx(0.0, abs=1e-12)
    assert american(PUT, 20, 100, 1, 0.08, 0, 0.0) == 80.0
    assert american(CALL, 100, 90, 1, 0.05, 0, 0.0) == pytest.approx(100 - 90 * math.exp(-0.05))
    # With a yield of 6 % and a rate of 3 % a sure stock is exercised when 6 % of it is no longer less than 3 % of the strike.
    late = math.log(0.06 * 100 / (0.03 * 210)) / 0.03
    assert american(PUT, 100, 210, 5, 0.03, 0.06, 0.0) >= 210 - 100
    assert late < 0
    for stranger in ({"kind": "trinomial"}, {"steps": 0}):
        with pytest.raises(Misuse):
            american(PUT, 100, 100, 1, 0.05, 0, 0.2, **stranger)  # type: ignore[arg-type]


@pytest.mark.parametrize("right", [CALL, PUT])
def test_american_volatility_round_trip(right: int) -> None:
    for strike in (90.0, 100.0, 115.0):
        for sigma in (0.1, 0.35, 1.4):
            price = american(right, 100, strike, 0.5, 0.03, 0.05, sigma, steps=101)
            found, code = american_vol(right, price, 100, strike, 0.5, 0.03, 0.05, steps=101)
            if price > right * (100 - strike):
                assert (found, code) == (pytest.approx(sigma, rel=1e-8), FOUND)
    nodes = np.zeros(100)
    assert tree_vol.jit(PUT, True, 9.0, 90.0, 100.0, 0.5, 0.03, 0.0, 11, 0, nodes)[1] == BELOW
    assert tree_vol.jit(PUT, True, 10.0, 90.0, 100.0, 0.5, 0.03, 0.0, 11, 0, nodes) == (0.0, FOUND)
    assert tree_vol.jit(CALL, True, 90.5, 90.0, 100.0, 0.5, 0.03, 0.0, 11, 0, nodes)[1] == ABOVE
    assert tree_vol.jit(CALL, True, 1.0, 90.0, 100.0, 0.0, 0.03, 0.0, 11, 0, nodes)[1] == EXPIRED
    assert tree_vol.jit(CALL, True, math.nan, 90.0, 100.0, 0.5, 0.03, 0.0, 11, 0, nodes)[1] == NONSENSE


# -- laws ----------------------------------------------------------------------------------------------------------------

WIDE = st.tuples(
    st.floats(0.01, 1e4), st.floats(0.01, 1e4), st.floats(1e-5, 20.0), st.floats(-0.05, 0.2), st.floats(-0.05, 0.2), st.floats(1e-4, 4.0)
)


@settings(max_examples=300)
@given(WIDE)
def test_parity_and_bounds(option: tuple[float, ...]) -> None:
    """A call less a put is the discounted forward less strike; neither is worth less than exercise or more than its bound."""
    spot, strike, years, rate, dividend, _ = option
    now, then = spot * math.exp(-dividend * years), strike * math.exp(-rate * years)
    call, put = Greeks(*bsm_greeks.py(CALL, *option)), Greeks(*bsm_greeks.py(PUT, *option))
    scale = max(now, then)
    assert call.price - put.price == pytest.approx(now - then, abs=4e-16 * scale)
    assert max(now - then, 0.0) <= call.price <= now
    assert max(then - now, 0.0) <= put.price <= then
    assert call.delta - put.delta == pytest.approx(now / spot, rel=1e-14)
    assert 0.0 <= call.delta <= now / spot
    assert call.gamma == put.gamma >= 0.0
    assert call.vega == put.vega >= 0.0
    assert call.rho >= 0.0 >= put.rho
    assert (call.vanna, call.volga) == (put.vanna, put.volga)


@settings(max_examples=150)
@given(WIDE, st.floats(1.01, 2.0))
def test_more_volatility_or_time_costs_more(option: tuple[float, ...], by: float) -> None:
    spot, strike, years, rate, dividend, sigma = option
    slack = 1e-13 * max(spot, strike)
    assert bsm.py(CALL, spot, strike, years, rate, dividend, sigma * by) >= bsm.py(CALL, *option) - slack
    assert black76.py(PUT, spot, strike, years * by, 0.0, sigma) >= black76.py(PUT, spot, strike, years, 0.0, sigma) - slack


@settings(max_examples=400)
@given(st.sampled_from([CALL, PUT]), WIDE)
def test_implied_volatility_comes_back(right: int, option: tuple[float, ...]) -> None:
    """Out of the money to the last digits of sigma; in the money to those that the price holds: the price comes back."""
    spot, strike, years, rate, dividend, sigma = option
    price = bsm.py(right, *option)
    now, then = spot * math.exp(-dividend * years), strike * math.exp(-rate * years)
    top = min(now, then)
    worth = price - max(right * (now - then), 0.0)
    assume(1e-250 * top < worth < 0.999 * top)
    found, code = implied.py(right, price, spot, strike, years, rate, dividend)
    assert code == FOUND
    again = bsm.py(right, spot, strike, years, rate, dividend, found)
    out = right * (now - then) <= 0.0
    assert again == pytest.approx(price, rel=2e-12 if out else 1e-15, abs=0.0 if out else 4e-16 * max(now, then))
    if out and abs(math.log(now / then)) > 1e-3:
        assert found == pytest.approx(sigma, rel=1e-13 / (1.0 - worth / top))


@pytest.mark.parametrize(
    ("what", "arguments", "want"),
    [
        ("less than exercise gives", (CALL, 9.9, 110.0, 100.0, 1.0, 0.0, 0.0), BELOW),
        ("less than nothing", (PUT, -0.1, 110.0, 100.0, 1.0, 0.0, 0.0), BELOW),
        ("more than the stock", (CALL, 110.0, 110.0, 100.0, 1.0, 0.0, 0.0), ABOVE),
        ("more than the strike", (PUT, 100.0, 110.0, 100.0, 1.0, 0.0, 0.0), ABOVE),
        ("no time", (CALL, 10.0, 110.0, 100.0, 0.0, 0.0, 0.0), EXPIRED),
        ("no price", (CALL, math.nan, 110.0, 100.0, 1.0, 0.0, 0.0), NONSENSE),
        ("no stock", (CALL, 1.0, 0.0, 100.0, 1.0, 0.0, 0.0), NONSENSE),
        ("beyond floats", (CALL, 1.0, 1.0, 100.0, 1.0, 800.0, 0.0), NONSENSE),
        ("exactly exercise", (CALL, 10.0, 110.0, 100.0, 1.0, 0.0, 0.0), FOUND),
        ("worth nothing", (CALL, 0.0, 90.0, 100.0, 1.0, 0.0, 0.0), FOUND),
        ("less than floats hold of it", (CALL, 5e-324, 1e9, 1e10, 1.0, 0.0, 0.0), FOUND),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lane", ["py", "jit"])
def test_why_there_is_no_volatility(lane: str, what: str, arguments: tuple[Any, ...], want: int) -> None:
    sigma, code = getattr(implied, lane)(*arguments)
    assert code == want, what
    assert sigma == 0.0 if want == FOUND else math.isnan(sigma)
    assert bool(REASONS[code]) == (want != FOUND)


def test_the_edges() -> None:
    """Without volatility or time an option is its exercise; at the money its gamma has no bound."""
    for years, sigma in ((1.0, 0.0), (0.0, 0.2)):
        now, then = 110 * math.exp(-0.01 * years), 100 * math.exp(-0.05 * years)
        call, put = (Greeks(*bsm_greeks.py(right, 110.0, 100.0, years, 0.05, 0.01, sigma)) for right in (CALL, PUT))
        want = (now - then, now / 110, 0.0, 0.0, 0.01 * now - 0.05 * then, years * then, 0.0, 0.0, 0.01 * now / 110)
        assert call == pytest.approx(want, rel=1e-15)
        assert put == (0.0,) * 9
        assert bsm.py(CALL, 110.0, 100.0, years, 0.05, 0.01, sigma) == now - then
        assert bsm.py(PUT, 110.0, 100.0, years, 0.05, 0.01, sigma) == 0.0
    at = Greeks(*bsm_greeks.py(CALL, 100.0, 100.0, 0.0, 0.05, 0.0, 0.2))
    assert (at.price, at.delta, at.gamma, at.theta) == (0.0, 0.5, math.inf, -math.inf)
    still = Greeks(*bsm_greeks.py(PUT, 100.0, 100.0, 1.0, 0.0, 0.0, 0.0))
    assert (still.delta, still.theta, still.vega) == (-0.5, 0.0, pytest.approx(39.894228040143268))
    assert math.isnan(bsm.py(CALL, -1.0, 100.0, 1.0, 0.0, 0.0, 0.2))
    assert math.isnan(bsm.py(CALL, 100.0, 100.0, 1.0, 900.0, 0.0, 0.2))
    assert all(math.isnan(x) for x in bsm_greeks.py(CALL, 100.0, 100.0, 1.0, -900.0, 0.0, 0.2))
    assert all(math.isnan(x) for x in bsm_greeks.py(CALL, 100.0, math.nan, 1.0, 0.0, 0.0, 0.2))


def test_far_out_and_a_moment_before() -> None:
    """Forty digits of the price, far away from the money, in a wild market, and with a second to go."""
    cases = ((100.0, 900.0, 0.1, 0.2), (100.0, 101.0, 1 / 31_536_000, 0.3), (100.0, 100.0, 1e-12, 0.2), (1.0, 3.0, 9.0, 2.0))
    for spot, strike, years, sigma in cases:
        assert bsm.py(CALL, spot, strike, years, 0.0, 0.0, sigma) == pytest.approx(exact_call(spot, strike, years, sigma), rel=2e-12)


def exact_call(spot: float, strike: float, years: float, sigma: float) -> float:
    """A call without rates in forty digits, by the series and the continued fraction of the normal distribution."""
    s, k, t, v = map(Decimal, (spot, strike, years, sigma))
    pi = Decimal("3.141592653589793238462643383279502884197")

    def below(z: Decimal) -> Decimal:
        height = (-z * z / 2).exp() / (2 * pi).sqrt()
        if abs(z) > 4:
            tail = Decimal(0)
            for n in range(400, 0, -1):
                tail = n / (abs(z) + tail)
            tail = height / (abs(z) + tail)
            return tail if z < 0 else 1 - tail
        term = total = z
        for n in range(1, 200):
            term = term * z * z / (2 * n + 1)
            total += term
        return Decimal("0.5") + height * total

    width = v * t.sqrt()
    d1 = (s / k).ln() / width + width / 2
    return float(s * below(d1) - k * below(d1 - width))


def test_the_bell() -> None:
    for z, want in ((0.0, 0.5), (-1.0, 0.15865525393145707), (1.959963984540054, 0.975), (-10.0, 7.619853024160526e-24)):
        assert cdf.py(z) == pytest.approx(want, rel=2e-15)
        assert rough_quantile.py(want) == pytest.approx(z, abs=1e-6)
    assert mills.py(0.0) == pytest.approx(math.sqrt(math.pi / 2), rel=1e-15)
    assert mills.py(1e200) == 1e-200
    assert mills.py(math.inf) == 0.0
    assert math.isnan(rough_quantile.py(0.0))
    assert math.isnan(rough_quantile.py(1.0))
    assert rough_quantile.py(1e-20) == pytest.approx(-9.262340089798408, rel=1e-6)


def test_deviation_where_guesses_fail() -> None:
    """At the forward itself, however little it is worth; and right at the point where the two sides meet."""
    for c in (1e-12, 1e-5, 0.3, 0.95):
        v = deviation.py(c, 1.0 - c, 0.0)
        assert 2.0 * cdf.py(0.5 * v) - 1.0 == pytest.approx(c, abs=5e-16, rel=1e-12)
    for u in (-1e-30, -1e-9, -0.5, -4.0, -30.0):
        for v in (0.999 * math.sqrt(-2 * u), math.sqrt(-2 * u), 1.001 * math.sqrt(-2 * u)):
            c = cdf.py(u / v + v / 2) - math.exp(-u) * cdf.py(u / v - v / 2) if u < -0.1 else None
            if c is not None:
                assert deviation.py(c, 1.0 - c, u) == pytest.approx(v, rel=1e-11)


# -- arrays --------------------------------------------------------------------------------------------------------------


def test_bulk_is_the_scalar_kernel_to_the_bit_in_both_lanes() -> None:
    draw = np.random.default_rng(4)
    n = 200
    right = draw.choice([CALL, PUT], n).astype(np.int8)
    strike, years, sigma = draw.uniform(50, 200, n), draw.uniform(0, 2, n), draw.uniform(0, 1, n)
    years[0], sigma[1], strike[2] = 0.0, 0.0, np.nan
    greeks = bulk.greeks(right, 100.0, strike, years, 0.03, 0.01, sigma)
    prices = bulk.prices(right, 100.0, strike, years, 0.03, 0.01, sigma)
    assert np.array_equal(prices, greeks.price, equal_nan=True)
    one = [bsm_greeks.py(int(right[i]), 100.0, float(strike[i]), float(years[i]), 0.03, 0.01, float(sigma[i])) for i in range(n)]
    assert np.array_equal(np.array(one).T, np.array(greeks), equal_nan=True)
    vols = bulk.vols(right, prices, 100.0, strike, years, 0.03, 0.01)
    assert [vols.reasons()[k] for k in (0, 2)] == ["EXPIRED", "NOT_A_PRICE"]
    flat, strides, _ = bulk.laid(right, prices, 100.0, strike, years, 0.03, 0.01)
    out, code = np.empty(n), np.empty(n, np.int8)
    bulk.fill_vols.py(*flat, strides, out, code)
    assert np.array_equal(out, vols.sigma, equal_nan=True)
    assert np.array_equal(code, vols.code)
    flat, strides, _ = bulk.laid(right, 100.0, strike, years, 0.03, 0.03, sigma)
    plain, compiled = np.empty((9, n)), np.empty((9, n))
    bulk.fill_greeks.py(*flat, strides, True, plain)
    bulk.fill_greeks.jit(*flat, strides, True, compiled)
    assert np.array_equal(plain, compiled, equal_nan=True)
    assert np.array_equal(np.array(bulk.greeks76(right, 100.0, strike, years, 0.03, sigma)), plain, equal_nan=True)
    bulk.fill_prices.py(*flat, strides, out)
    assert np.array_equal(out, plain[0], equal_nan=True)


def test_bulk_broadcasts() -> None:
    strikes = np.array([[90.0], [110.0]])
    years = np.array([0.25, 0.5, 1.0])
    greeks = bulk.greeks(CALL, 100.0, strikes, years, 0.0, 0.0, 0.2)
    assert greeks.price.shape == (2, 3)  # type: ignore[attr-defined]
    assert greeks.price[1, 2] == bsm.py(CALL, 100.0, 110.0, 1.0, 0.0, 0.0, 0.2)  # type: ignore[index]
    vols = bulk.vols76(CALL, greeks.price, 100.0, strikes, years, 0.0)
    assert vols.sigma.shape == (2, 3)
    assert np.allclose(vols.sigma, 0.2, rtol=1e-12)
    assert bulk.prices(PUT, 100.0, 100.0, 1.0, 0.0, 0.0, 0.2).shape == ()
    assert implied76.py(CALL, greeks.price[1, 2], 100.0, 110.0, 1.0, 0.0)[0] == vols.sigma[1, 2]  # type: ignore[index]
    with pytest.raises(ValueError, match="broadcast"):
        bulk.prices(CALL, np.ones(2), np.ones(3), 1.0, 0.0, 0.0, 0.2)
