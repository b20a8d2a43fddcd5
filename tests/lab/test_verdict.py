"""The numbers of a verdict against arithmetic on paper."""

import math

import numpy as np
import pytest

from argosy.core.time import DAY, HOUR, parse
from argosy.lab import verdict, words
from tests.lab.conftest import START, M


def test_the_paper_result(paper):
    stats = paper.stats
    assert stats["total_return"] == pytest.approx(0.2)
    assert stats["max_drawdown"] == pytest.approx(0.1)
    assert stats["max_drawdown_days"] == 2.0  # peak on day 1, passed on day 3
    returns = np.array([0.1, -0.1, 120 / 99 - 1, 0.0])
    assert stats["volatility"] == pytest.approx(returns.std(ddof=1) * math.sqrt(252))
    assert stats["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(252))
    assert math.isnan(stats["cagr"])  # four days are no year
    assert (stats["fees"], stats["traded"]) == (1.0, 50 + 70 + 40 + 50 + 30)
    assert stats["turnover"] == pytest.approx(240 / 109.8 / (4 / 365.25))
    assert (stats["trades"], stats["open_trades"], stats["win_rate"]) == (2, 1, 0.5)
    assert stats["exposure"] == 0.8  # flat at the end of day 3
    assert paper.benchmark_stats["total_return"] == pytest.approx(0.5)
    assert paper.benchmark_stats["max_drawdown"] == pytest.approx(0.25)


def test_a_strategy_has_one_sharpe_on_hours_and_on_days():
    rng = np.random.default_rng(1)
    days = 100 * np.cumprod(1 + rng.normal(0, 0.01, 60))
    coarse = START + np.arange(60) * DAY
    fine = np.sort(np.concatenate([coarse, coarse + 5 * HOUR]))
    hours = np.repeat(days, 2)
    hours[::2] += 0.3 * np.arange(60) % 2  # what happens inside a day is not seen
    hours[0] = days[0]
    assert verdict.of_curve(fine, hours)["sharpe"] == pytest.approx(verdict.of_curve(coarse, days)["sharpe"])


@pytest.mark.parametrize(
    ("days", "ppy"),
    [
        ([0, 1, 2, 3, 4, 7, 8], 252.0),
        ([day for day in range(1, 60) if day % 7 not in (6, 0)], 252.0),  # bars of whole UTC days are known Tuesday to Saturday
        ([day for day in range(60) if day % 7 not in (4, 5)], 252.0),  # a market that trades Sunday to Thursday
        (list(range(14)), 365.0),
        ([day for day in range(60) if day % 7 != 5], 365 * 6 / 7),  # currencies: from Sunday night
        (list(range(0, 60, 2)), 365.25 / 2),
        (list(range(0, 60, 3)), 365.25 / 3),
        ([0, 7, 14, 21], 365.25 / 7),
        ([0], 252.0),
    ],
)
def test_steps_a_year(days, ppy):
    assert verdict.steps_a_year(START + np.array(days) * DAY) == pytest.approx(ppy)  # 2024-01-01 is a Monday


def test_growth_a_year_counts_calendar_time():
    known = START + np.array([0, 100, 1461]) * DAY  # four years, whatever the rows
    assert verdict.of_curve(known, np.array([100.0, 50.0, 146.41]))["cagr"] == pytest.approx(0.1)


def test_months_compound_to_the_whole():
    known = np.array(
        # the bar of the 31st is known at midnight, and is January's
        [parse(day) for day in ("2023-12-29", "2024-02-01", "2024-02-01T21:00:00Z", "2024-02-29", "2024-04-02")]
    )
    value = np.array([100.0, 110.0, 99.0, 121.0, 60.5])
    assert verdict.monthly(known, value) == [
        (2023, 12, 0.0),
        (2024, 1, pytest.approx(0.1)),
        (2024, 2, pytest.approx(0.1)),
        (2024, 4, pytest.approx(-0.5)),
    ]


def test_exposure_counts_rows_with_a_position(paper):
    known = START + np.arange(10) * DAY
    assert verdict.exposure(known, paper.trades.head(1)) == 0.2  # AAA: entered on day 0, left on day 2


def test_nothing_is_undefined_and_does_not_raise():
    empty = verdict.of_curve(np.zeros(0, np.int64), np.zeros(0))
    assert math.isnan(empty["total_return"]) and not empty["max_drawdown"] > 0.0


@pytest.mark.parametrize(
    ("frac", "text"),
    [
        (0.1234, "12.3\u00a0%"),
        (-0.0004, "0.0\u00a0%"),
        (-0.5, "−50.0\u00a0%"),
        (float("nan"), "–"),
        (None, "–"),
    ],
)
def test_percent(frac, text):
    assert words.percent(frac) == text


def test_money_words():
    assert words.money(-1234.5) == "−$1,234.50"
    assert words.money(1234.5, "CHF", signed=True) == "+1,234.50 CHF"
    assert words.money(0.5, "BTC") == "0.50000000 BTC"
    assert words.number(float("inf")) == "∞"


def test_headlines_say_which_way(paper):
    assert words.headline(paper) == "Stopped by an error"
    paper.failures = ()
    assert words.headline(paper) == "Less than buy and hold, with shallower falls"
    paper.benchmark_stats["total_return"] = 0.1
    assert words.headline(paper) == "More than buy and hold, with shallower falls"
    paper.stats["total_return"], paper.stats["max_drawdown"] = -0.2, 0.4
    assert words.headline(paper) == "Lost money, with deeper falls than holding"
    assert words.story(paper).startswith("paper <b>& turned $100 into $120 in 4 days")
    assert paper.cash == 100 * M
