"""Statistics against others': empyrical and quantstats where they are installed, recorded values where they lie, papers' examples.

Where a definition differs, the difference is the conversion that the test makes; `catalogue.FIGURES` names it.
"""

from __future__ import annotations

import gzip
import json
import math
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argosy.core.time import DAY, parse
from argosy.kernels import stats as kernels
from argosy.lab.statistics import risk
from argosy.lab.statistics.curve import Curve, of_sample
from argosy.lab.statistics.rolling import of_pair as rolled
from argosy.lab.statistics.sample import Sample, sample
from argosy.lab.statistics.versus import Pair, Versus, of_pair

NAN = float("nan")
START = parse("2010-01-01")
RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "oracles" / "empyrical_expected.json.gz"
YEARS = {"daily": 252.0, "weekly": 52.0, "monthly": 12.0}


def stepped(returns: np.ndarray, ppy: float = 252.0) -> Sample:
    """A curve that makes these returns, one a day."""
    value = 100.0 * np.cumprod(np.concatenate(([1.0], 1.0 + returns)))
    return sample(START + np.arange(len(value)) * DAY, value, steps="rows", ppy=ppy)


def curve(returns: np.ndarray, ppy: float = 252.0) -> Curve:
    return of_sample(stepped(returns, ppy))[0]


def beside(own: np.ndarray, other: np.ndarray, ppy: float = 252.0) -> Versus:
    good = ~(np.isnan(own) | np.isnan(other))
    own, other = own[good], other[good]
    return of_pair(Pair(START + np.arange(len(own)) * DAY, own, other, ppy, NAN, NAN))[0]


def growth(returns: np.ndarray, ppy: float) -> float:
    """Growth a year as empyrical and quantstats count it: steps over steps in a year."""
    return kernels.cagr.py(np.cumprod(np.concatenate(([1.0], 1.0 + returns))).tolist(), ppy)


def market(count: int = 1500, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Fat-tailed returns of a strategy and of what it is compared with."""
    rng = np.random.default_rng(seed)
    other = rng.standard_t(4, count) * 0.006 + 0.0003
    return 0.4 * other + rng.standard_t(5, count) * 0.005 + 0.0002, other


# -- the libraries ---------------------------------------------------------------------------------------------------


def test_empyrical_says_the_same() -> None:
    emp = pytest.importorskip("empyrical")
    own, other = market()
    got, against = curve(own), beside(own, other)
    same = pytest.approx
    assert got.total_return == same(emp.cum_returns_final(own), rel=1e-9)
    assert growth(own, 252.0) == same(emp.annual_return(own), rel=1e-9)
    assert got.volatility == same(emp.annual_volatility(own), rel=1e-9)
    assert got.sharpe == same(emp.sharpe_ratio(own), rel=1e-9)
    assert got.sortino == same(emp.sortino_ratio(own), rel=1e-9)
    assert got.omega == same(emp.omega_ratio(own), rel=1e-9)
    assert got.max_drawdown == same(-emp.max_drawdown(own), rel=1e-9), "theirs is negative"
    assert got.calmar * growth(own, 252.0) / got.cagr == same(emp.calmar_ratio(own), rel=1e-9), "theirs is of steps / 252 years"
    assert got.var == same(-emp.value_at_risk(own), rel=1e-9), "theirs is a return"
    assert got.cvar == same(-emp.conditional_value_at_risk(own), rel=1e-9)
    assert got.tail_ratio == same(emp.tail_ratio(own), rel=1e-9)
    assert against.alpha == same(emp.alpha(own, other), rel=1e-9)
    assert against.beta == same(emp.beta(own, other), rel=1e-9)
    assert against.information_ratio / math.sqrt(252.0) == same(emp.excess_sharpe(own, other), rel=1e-9), "theirs is of a step"
    assert against.tracking_error == same(emp.annual_volatility(own - other), rel=1e-9)
    assert against.up_capture == same(emp.up_capture(own, other), rel=1e-8)
    assert against.down_capture == same(emp.down_capture(own, other), rel=1e-8)


def test_quantstats_says_the_same() -> None:
    pd = pytest.importorskip("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its plots warn of fonts, and it of short samples
        qs = pytest.importorskip("quantstats.stats")
        own, other = market()
        days = pd.date_range("2010-01-01", periods=len(own), freq="D")
        mine, theirs = pd.Series(own, days), pd.Series(other, days)
        count = len(own)
        greeks = qs.greeks(mine, theirs, prepare_returns=False)
        got, against = curve(own), beside(own, other)
        same = pytest.approx
        assert got.total_return == same(qs.comp(mine), rel=1e-9)
        assert growth(own, 252.0) == same(qs.cagr(mine), rel=1e-9)
        assert got.volatility == same(qs.volatility(mine), rel=1e-9)
        assert got.sharpe == same(qs.sharpe(mine), rel=1e-9)
        assert got.sortino == same(qs.sortino(mine), rel=1e-9)
        assert got.omega == same(qs.omega(mine), rel=1e-9)
        assert got.omega == same(qs.profit_factor(mine), rel=1e-9), "their profit factor is of steps"
        assert got.max_drawdown == same(-qs.max_drawdown(mine), rel=1e-9)
        assert got.ulcer * math.sqrt(count / (count - 1)) == same(qs.ulcer_index(mine), rel=1e-9), "they divide by n - 1"
        assert got.var_gaussian == same(-qs.value_at_risk(mine), rel=1e-9)
        assert got.cvar_gaussian == same(-qs.cvar(mine), rel=1e-9)
        assert got.tail_ratio == same(qs.tail_ratio(mine), rel=1e-9)
        skew = got.skew * math.sqrt(count * (count - 1)) / (count - 2)
        assert skew == same(qs.skew(mine), rel=1e-9), "theirs is corrected for bias"
        kurtosis = ((count + 1) * got.kurtosis + 6) * (count - 1) / ((count - 2) * (count - 3))
        assert kurtosis == same(qs.kurtosis(mine), rel=1e-9)
        assert against.beta == same(greeks["beta"], rel=1e-9)
        assert ((1 + against.alpha) ** (1 / 252.0) - 1) * 252.0 == same(greeks["alpha"], rel=1e-9), "they do not compound alpha"
        information = qs.information_ratio(mine, theirs, prepare_returns=False)
        assert against.information_ratio / math.sqrt(252.0) == same(information, rel=1e-9)
        historical = -np.mean(own[own <= np.quantile(own, 0.05)])
        assert historical == same(-qs.cvar(mine, method="historical"), rel=1e-9)
        assert got.cvar == same(historical, rel=0.01), "one step more or less in the tail of 75"


def test_a_million_steps_are_sorted_by_parts_and_are_the_same() -> None:
    rng = np.random.default_rng(3)
    for own in (rng.standard_t(3, 200_000), np.sort(rng.normal(size=60_000)), np.round(rng.normal(size=60_000), 1), np.tile([1.0, -1.0], 40_000)):
        for count in (1, 2, 3_000, len(own)):
            assert np.array_equal(risk.lowest(own, count), np.sort(own)[:count])
            assert np.array_equal(risk.lowest(own, count, upper=True), np.sort(own)[len(own) - count :])
        tails = risk.Tails(own, 0.05)
        assert (tails.lower, tails.upper) == pytest.approx(tuple(np.percentile(own, [5, 95])), rel=1e-12)


def test_rolling_figures_are_pandas() -> None:
    pd = pytest.importorskip("pandas")
    market_rows = 400
    own, other = market(market_rows)
    got = rolled(Pair(np.arange(market_rows), own, other, 252.0, NAN, NAN), 63)
    mine, theirs = pd.Series(own), pd.Series(other)
    std = mine.rolling(63).std()
    wanted = {
        "volatility": std * math.sqrt(252), "sharpe": mine.rolling(63).mean() / std * math.sqrt(252),
        "beta": mine.rolling(63).cov(theirs) / theirs.rolling(63).var(), "correlation": mine.rolling(63).corr(theirs),
    }  # fmt: skip
    for name, want in wanted.items():
        assert got[name].null_count() == 62
        np.testing.assert_allclose(got[name].to_numpy()[62:], want.to_numpy()[62:], rtol=1e-9)


# -- recorded values ---------------------------------------------------------------------------------------------------

recorded = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded values of empyrical are not here")


@cache
def book() -> dict[str, Any]:
    return json.loads(gzip.decompress(RECORDED.read_bytes()))


def number(value: Any) -> float:
    return NAN if value is None else float(value)


def column(given: Any) -> np.ndarray:
    values = book()["series"][given["series"]]["values"] if "series" in given else given["inline"]
    return np.array([[number(one) for one in value] if isinstance(value, list) else number(value) for value in values])


def cases(test: str) -> list[dict[str, Any]]:
    return next(one["cases"] for one in book()["tests"] if one["test"] == test)


def clean(values: np.ndarray) -> np.ndarray:
    """Without holes, which empyrical passes over and a curve of ours cannot have."""
    return values[~np.isnan(values)]


def same(got: float, want: Any, rel: float = 1e-9) -> None:
    assert got == pytest.approx(number(want), rel=rel, abs=1e-12, nan_ok=True)


@recorded
def test_recorded_growth_and_falls() -> None:
    for case in cases("test_cum_returns_final"):
        own, start = clean(column(case["returns"])), case["starting_value"]
        if not len(own):
            continue
        total = curve(own).total_return
        assert round(total if not start else start * (1 + total), 4) == pytest.approx(round(number(case["expected"]), 4)), "four places"
    for case in cases("test_max_drawdown"):
        own = clean(column(case["returns"]))
        if len(own):
            same(-curve(own).max_drawdown, case["expected"])
    for case in cases("test_annual_ret"):
        own = clean(column(case["returns"]))
        rows = len(column(case["returns"]))  # a hole is a step of theirs
        same(growth(own, YEARS[case["period"]] * len(own) / rows), case["expected"])
    for case in cases("test_calmar"):
        own, ppy = column(case["returns"]), YEARS[case["period"]]
        if not len(own):
            continue
        made = curve(clean(own), ppy)
        calmar = growth(clean(own), ppy * len(clean(own)) / len(own)) / made.max_drawdown if made.max_drawdown else NAN
        same(calmar, case["expected"])


@recorded
def test_recorded_ratios() -> None:
    for case in cases("test_sortino"):
        needed = case["required_return"]
        given = column(case["returns"]) - (column(needed) if isinstance(needed, dict) else needed)
        tables = given.T if given.ndim == 2 else [given]
        wanted = case["expected"]["inline"] if isinstance(case["expected"], dict) else [case["expected"]]
        for returns, want in zip(tables, map(number, wanted), strict=True):
            got = curve(clean(returns), YEARS[case["period"]]).sortino
            assert math.isnan(got) if math.isinf(want) else got == pytest.approx(want, rel=1e-9, nan_ok=True), "no loss: no value"
    for case in cases("test_tail_ratio"):
        own = np.nan_to_num(column(case["returns"]))  # 0.5.5 counted a hole as a step between the tails; 0.7 and ours do not
        tails = risk.Tails(own, 0.05)
        if len(own):
            places = 1e-9 if "series" in case["returns"] else 0.05  # drawn at random there, and recorded to one place
            same(abs(tails.upper) / abs(tails.lower), case["expected"], places)
    for case in cases("test_roll_sharpe_ratio"):
        own = column(case["returns"])
        if len(own) < case["window"]:
            continue
        got = rolled(Pair(np.arange(len(own)), own, own, 252.0, NAN, NAN), case["window"])["sharpe"].drop_nulls().to_list()
        want = [number(value) for value in case["expected"]]
        holes = len(want) - len(got)  # their windows pass over the hole at the start
        assert got == pytest.approx(want[holes:], rel=1e-7, nan_ok=True) and holes <= 1


@recorded
def test_recorded_captures_and_betas() -> None:
    seen = 0
    for case in cases("test_alpha_beta"):
        own, other = column(case["returns"]), column(case["benchmark"])
        if not len(own):
            continue
        got, want = beside(own[len(own) - len(other) :], other), [number(value) for value in case["expected"]]
        assert (got.alpha, got.beta) == pytest.approx(want, rel=1e-9, abs=1e-12, nan_ok=True)
        seen += 1
    for name in ("up", "down"):
        for case in cases(f"test_{name}_capture"):
            own, other = column(case["returns"]), column(case["factor_returns"])
            if len(own):
                got = getattr(beside(own, other), f"{name}_capture")
                same(got, case["expected"], 1e-6)  # recorded with ten places
                seen += 1
    assert seen == 12


# -- papers ------------------------------------------------------------------------------------------------------------


def test_the_worked_example_of_bailey_and_lopez_de_prado() -> None:
    """Two years of months, mean 3.6 %, deviation 7.9 %, skew -2.448, kurtosis 10.164: 0.982 if normal, 0.913 as it is."""
    ratio = 0.458
    normal = risk.error(ratio, 24, 0.0, 0.0)
    real = risk.error(ratio, 24, -2.448, 10.164 - 3.0)
    assert risk.probability(ratio, normal) == pytest.approx(0.982, abs=6e-4)
    assert risk.probability(ratio, real) == pytest.approx(0.913, abs=6e-4)


def test_lo_s_table_of_standard_errors() -> None:
    """Lo (2002), table 1: a monthly ratio of 1.0 has 0.158 over 60 months, of 0.5 has 0.137; 2.0 over 12 has 0.5."""
    for ratio, count, want in ((1.0, 60, 0.158), (0.5, 60, 0.137), (2.0, 12, 0.500), (3.0, 500, 0.105)):
        assert risk.error_iid(ratio, count) == pytest.approx(want, abs=5e-4)


def test_the_error_is_the_spread_of_ratios_drawn_again_and_again() -> None:
    """An independent check of both formulas: the deviation of 4,000 sample ratios, for normal and for skewed returns."""
    rng = np.random.default_rng(11)
    count = 500
    for draw, ratio, skew, kurtosis in (
        (rng.normal(0.1, 1.0, (4_000, count)), 0.1, 0.0, 0.0),
        (0.4 - (rng.exponential(1.0, (4_000, count)) - 1.0), 0.4, -2.0, 6.0),
    ):
        ratios = draw.mean(axis=1) / draw.std(axis=1, ddof=1)
        assert risk.error(ratio, count, skew, kurtosis) == pytest.approx(float(ratios.std()), rel=0.05)
    assert risk.error_iid(0.4, count) < 0.8 * risk.error(0.4, count, -2.0, 6.0), "the simple one is too sure of skewed returns"


@pytest.mark.parametrize(("skew", "kurtosis"), [(0.0, 0.0), (-0.5, 1.5), (0.3, 4.0), (-0.9, 5.0), (0.0, -0.1)])
def test_the_cornish_fisher_tail_is_the_integral_of_its_quantile(skew: float, kurtosis: float) -> None:
    level = 0.05
    quantile, beyond = risk.cornish_fisher(0.001, 0.02, skew, kurtosis, level)
    z = np.array([risk.NORMAL.inv_cdf(p) for p in (np.arange(200_000) + 0.5) / 200_000 * level])
    bent = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * kurtosis / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    assert quantile == pytest.approx(0.001 + 0.02 * bent[-1], rel=1e-4)
    assert beyond == pytest.approx(0.001 + 0.02 * bent.mean(), rel=1e-3)
    assert beyond < quantile < 0.0
    if not (skew or kurtosis):
        assert (quantile, beyond) == pytest.approx(risk.gaussian(0.001, 0.02, level), rel=1e-12)


@pytest.mark.parametrize(("skew", "kurtosis"), [(3.0, 0.0), (-3.0, 1.0), (0.0, -1.9), (2.0, 0.5), (NAN, 0.0)])
def test_a_bent_quantile_that_turns_back_is_no_distribution(skew: float, kurtosis: float) -> None:
    assert all(math.isnan(value) for value in risk.cornish_fisher(0.0, 1.0, skew, kurtosis, 0.05))
