"""What each step strategy does at each row, by hand: tables of (bar, needs) -> (target, stop)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from argosy.core.errors import Misuse
from argosy.core.strategy import ABSENT, Out, declare
from argosy.strategies import buy_and_hold, mean_reversion, trend
from argosy.strategies.buy_and_hold import BuyAndHold
from argosy.strategies.mean_reversion import RETURNED, STOPPED, TIMED, MeanReversion
from argosy.strategies.trend import Trend

NAN = float("nan")
INF = ABSENT


def bar(low: float, high: float, close: float) -> SimpleNamespace:
    return SimpleNamespace(open=close, low=low, high=high, close=close, volume=1e6)


def walk(
    strategy: Any, params: Any, rows: list[tuple[Any, dict[str, float]]]
) -> tuple[list[tuple[float, float]], Any]:
    """(target, stop) after each row, and the last state."""
    state = getattr(strategy, "state", object)()
    out = Out()
    seen = []
    for row, needs in rows:
        strategy.step(row, SimpleNamespace(**needs), state, params, out)
        seen.append((out.target, out.stop))
        assert out.limit == out.take == ABSENT
    return seen, state


def test_buy_and_hold_wants_its_weight_from_the_first_bar() -> None:
    seen, _ = walk(BuyAndHold, buy_and_hold.Params(weight=0.6), [(bar(9, 11, 10), {}), (bar(1, 2, 1), {})])
    assert seen == [(0.6, INF), (0.6, INF)]
    assert (
        BuyAndHold.explain(None, None, buy_and_hold.Params(weight=0.6), Out())
        == "buy and hold: 60% of the allotment"
    )


def t(fast: float, slow: float, size: float = 2.0) -> dict[str, float]:
    return {"fast": fast, "slow": slow, "range": size}


CALM = bar(99.0, 101.0, 100.0)


def test_trend_goes_long_and_flat() -> None:
    rows = [
        (CALM, t(9, 10)),
        (CALM, t(10, 10)),
        (CALM, t(11, 10)),
        (CALM, t(12, 10)),
        (CALM, t(10, 10)),
        (CALM, t(9, 10)),
    ]
    seen, _ = walk(Trend, trend.Params(weight=0.8), rows)
    assert [target for target, _ in seen] == [INF, INF, 0.8, 0.8, 0.0, 0.0]
    assert {stop for _, stop in seen} == {INF}


def test_trend_goes_short_only_where_wished() -> None:
    rows = [(CALM, t(9, 10)), (CALM, t(11, 10)), (CALM, t(9, 10)), (CALM, t(10, 10))]
    seen, _ = walk(Trend, trend.Params(short=True, weight=0.5), rows)
    assert [target for target, _ in seen] == [-0.5, 0.5, -0.5, 0.0]


def test_trend_sets_its_stop_once_and_stays_out_after_it() -> None:
    rows = [
        (CALM, t(11, 10)),  # in at 100, stop 1.5 * 2 below
        (bar(97.1, 110.0, 109.0), t(12, 10, 5.0)),  # the stop does not move
        (bar(97.0, 99.0, 98.0), t(12, 10)),  # reached to the cent
        (CALM, t(12, 10)),  # still the same trend: stays out
        (CALM, t(9, 10)),  # the trend turns
        (bar(199.0, 201.0, 200.0), t(11, 10, 4.0)),  # a new one
    ]
    seen, _ = walk(Trend, trend.Params(stop_atr=1.5), rows)
    assert seen == [(1.0, 97.0), (1.0, 97.0), (0.0, INF), (0.0, INF), (0.0, INF), (1.0, 194.0)]


def test_trend_stops_shorts_above() -> None:
    rows = [
        (CALM, t(9, 10)),
        (bar(90.0, 102.9, 95.0), t(8, 10)),
        (bar(99.0, 103.0, 100.0), t(8, 10)),
        (CALM, t(8, 10)),
    ]
    seen, _ = walk(Trend, trend.Params(stop_atr=1.5, short=True), rows)
    assert seen == [(-1.0, 103.0), (-1.0, 103.0), (0.0, INF), (0.0, INF)]


def test_trend_has_no_stop_below_zero() -> None:
    seen, _ = walk(
        Trend, trend.Params(stop_atr=50.0), [(CALM, t(11, 10, 2.0)), (bar(0.5, 1.0, 0.6), t(11, 10))]
    )
    assert seen == [(1.0, INF), (1.0, INF)]


@pytest.mark.parametrize("needs", [t(NAN, 10), t(11, NAN), t(11, 10, NAN)])
def test_trend_waits_for_its_needs(needs: dict[str, float]) -> None:
    assert walk(Trend, trend.Params(), [(CALM, needs)])[0] == [(INF, INF)]


def test_trend_says_why() -> None:
    params = trend.Params(stop_atr=1.5)
    state, out = trend.State(), Out()
    needs = SimpleNamespace(**t(12.3, 12.1))
    Trend.step(CALM, needs, state, params, out)
    assert Trend.explain(needs, state, params, out) == "trend: fast 12.3 > slow 12.1, stop 97"
    Trend.step(bar(90.0, 91.0, 90.0), needs, state, params, out)
    assert (
        Trend.explain(needs, state, params, out) == "trend: fast 12.3 > slow 12.1, but the stop was reached"
    )
    needs = SimpleNamespace(**t(12.0, 12.1))
    Trend.step(CALM, needs, state, params, out)
    assert Trend.explain(needs, state, params, out) == "trend: fast 12 < slow 12.1"


def z(value: float, deviation: float = 2.0) -> dict[str, float]:
    return {"z": value, "deviation": deviation}


def test_mean_reversion_buys_low_and_leaves_near_the_mean() -> None:
    rows = [
        (CALM, z(-1.9)),
        (CALM, z(-2.0)),
        (CALM, z(-3.0)),
        (CALM, z(-0.6)),
        (CALM, z(-0.5)),
        (CALM, z(-2.5)),
    ]
    seen, state = walk(MeanReversion, mean_reversion.Params(weight=0.7), rows)
    assert seen == [(INF, INF), (0.7, 94.0), (0.7, 94.0), (0.7, 94.0), (0.0, INF), (0.7, 94.0)]
    assert (state.side, state.bars, state.left) == (1.0, 0.0, RETURNED)


def test_mean_reversion_shorts_only_where_wished() -> None:
    rows = [(CALM, z(2.5)), (CALM, z(0.6)), (CALM, z(0.4))]
    assert walk(MeanReversion, mean_reversion.Params(), rows)[0] == [(INF, INF)] * 3
    seen, _ = walk(MeanReversion, mean_reversion.Params(short=True), rows)
    assert seen == [(-1.0, 106.0), (-1.0, 106.0), (0.0, INF)]


def test_mean_reversion_waits_after_a_stop_until_the_price_was_usual() -> None:
    rows = [
        (CALM, z(-2.5)),  # in, stop 94
        (bar(94.0, 97.0, 95.0), z(-4.0)),  # reached
        (CALM, z(-3.0)),  # still unusual: no
        (CALM, z(-1.0)),  # usual again
        (CALM, z(-2.5)),  # in
    ]
    seen, _ = walk(MeanReversion, mean_reversion.Params(), rows)
    assert seen == [(1.0, 94.0), (0.0, INF), (0.0, INF), (0.0, INF), (1.0, 94.0)]
    assert walk(MeanReversion, mean_reversion.Params(), rows[:2])[1].left == STOPPED


def test_mean_reversion_leaves_in_time() -> None:
    rows = [(CALM, z(-2.5))] + [(CALM, z(-2.2))] * 4
    seen, state = walk(MeanReversion, mean_reversion.Params(max_bars=3, stop=0.0), rows)
    assert seen == [(1.0, INF)] * 3 + [(0.0, INF)] * 2
    assert (state.left, state.bars) == (TIMED, 3.0)
    assert (
        walk(MeanReversion, mean_reversion.Params(max_bars=0, stop=0.0), rows * 20)[0] == [(1.0, INF)] * 100
    )


def test_mean_reversion_does_not_turn_around_at_one_bar() -> None:
    seen, _ = walk(
        MeanReversion, mean_reversion.Params(short=True), [(CALM, z(-2.5)), (CALM, z(2.5)), (CALM, z(2.5))]
    )
    assert seen == [(1.0, 94.0), (0.0, INF), (-1.0, 106.0)]


@pytest.mark.parametrize("needs", [z(NAN), z(-3.0, NAN)])
def test_mean_reversion_waits_for_its_needs(needs: dict[str, float]) -> None:
    assert walk(MeanReversion, mean_reversion.Params(), [(CALM, needs)])[0] == [(INF, INF)]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([(CALM, z(-2.5))], "mean reversion: -2.50 deviations from the mean, stop 94"),
        ([(CALM, z(-2.5)), (CALM, z(0.1))], "mean reversion: 0.10 deviations from the mean, back near it"),
        (
            [(CALM, z(-2.5)), (bar(90, 91, 90), z(-4))],
            "mean reversion: -4.00 deviations from the mean, the stop was reached",
        ),
        ([(CALM, z(-2.5)), (CALM, z(-2.4))], "mean reversion: -2.40 deviations from the mean after 1 bars"),
    ],
)
def test_mean_reversion_says_why(rows: list[tuple[Any, dict[str, float]]], text: str) -> None:
    params = mean_reversion.Params(max_bars=1)
    state, out = mean_reversion.State(), Out()
    for row, needs in rows:
        MeanReversion.step(row, SimpleNamespace(**needs), state, params, out)
    assert MeanReversion.explain(SimpleNamespace(**rows[-1][1]), state, params, out) == text


def test_warm_up_is_the_longest_need() -> None:
    assert declare(Trend, fast=5, slow=20, range=40).warmup == 41
    assert declare(Trend, fast=5, slow=20, range=3).warmup == 20
    assert declare(MeanReversion, window=33).warmup == 33
    assert declare(BuyAndHold).warmup == 0
    with pytest.raises(Misuse, match="STRATEGY_PARAM"):
        declare(Trend, fast=0)
