"""Breakout, MultiTimeframe and VolatilityTarget by hand, row by row, and once through the engine with real timeframes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from argosy.core.strategy import ABSENT, Out
from argosy.house import Wanted
from argosy.strategies import breakout, multi_timeframe, volatility_target
from argosy.strategies.breakout import FELL, STOPPED, Breakout
from argosy.strategies.multi_timeframe import MultiTimeframe
from argosy.strategies.volatility_target import VolatilityTarget
from tests.walks.hand import fills, play

NAN = float("nan")
INF = ABSENT


def bar(low: float, high: float, close: float) -> SimpleNamespace:
    return SimpleNamespace(open=close, low=low, high=high, close=close, volume=1e6)


def walk(strategy: Any, params: Any, rows: list[tuple[Any, dict[str, float]]]) -> tuple[list[tuple[float, float]], Any, Out]:
    """(target, stop) after each row, the last state and out."""
    state, out, seen = getattr(strategy, "state", object)(), Out(), []
    for row, needs in rows:
        strategy.step(row, SimpleNamespace(**needs), state, params, out)
        seen.append((out.target, out.stop))
    return seen, state, out


# -- breakout ----------------------------------------------------------------------------------------------------------


def r(top: float, bottom: float, roof: float, floor: float, size: float = 2.0) -> dict[str, float]:
    return {"top": top, "bottom": bottom, "roof": roof, "floor": floor, "range": size}


def test_breakout_compares_with_the_range_before_the_bar() -> None:
    """A bar is part of its own range: its close is held against the range as it was before."""
    rows = [
        (bar(99, 101, 100), r(105, 95, 103, 97)),  # the first known range
        (bar(100, 106, 105), r(106, 95, 106, 97)),  # 105 is not beyond 105
        (bar(105, 108, 107), r(108, 95, 108, 99)),  # beyond 106: in, stop 2 x 2 below 107
        (bar(103.5, 109, 104), r(109, 95, 109, 101, 9.0)),  # the stop does not move
        (bar(103.2, 105, 103.5), r(109, 95, 109, 102)),
        (bar(101.5, 103.2, 101.9), r(109, 96, 109, 101.5)),  # below the floor of 102, and below the stop too
        (bar(110, 112, 111), r(112, 97, 112, 101.5)),  # out of the range again
    ]
    seen, state, _ = walk(Breakout, breakout.Params(weight=0.7), rows)
    assert seen == [(INF, INF), (INF, INF), (0.7, 103.0), (0.7, 103.0), (0.7, 103.0), (0.0, INF), (0.7, 107.0)]
    assert (state.top, state.floor) == (112, 101.5)


def test_breakout_leaves_at_the_shorter_range_or_at_its_stop() -> None:
    entry = [(bar(99, 101, 100), r(105, 95, 103, 97)), (bar(105, 108, 107), r(108, 95, 108, 99))]
    params = breakout.Params(stop_atr=5.0)
    seen, state, out = walk(Breakout, params, [*entry, (bar(98, 100, 98.5), r(108, 95, 108, 98))])
    assert (seen[-1], state.left) == ((0.0, INF), FELL)
    assert Breakout.explain(None, state, params, out) == "breakout: fell back out of the last 10 bars"
    seen, state, out = walk(Breakout, params, [*entry, (bar(97, 108, 104), r(108, 95, 108, 97))])  # 107 - 5 x 2 = 97
    assert (seen[-1], state.left) == ((0.0, INF), STOPPED)
    assert Breakout.explain(None, state, params, out) == "breakout: the stop was reached"


def test_breakout_down_only_where_wished() -> None:
    rows = [(bar(99, 101, 100), r(105, 95, 103, 97)), (bar(93, 96, 94), r(105, 93, 103, 93)), (bar(94, 104, 104), r(105, 93, 104, 93))]
    assert [target for target, _ in walk(Breakout, breakout.Params(), rows)[0]] == [INF, INF, INF]
    short, _, _ = walk(Breakout, breakout.Params(short=True, stop_atr=0.0), rows)
    assert short == [(INF, INF), (-1.0, INF), (0.0, INF)]  # 104 is beyond the roof of 103


def test_breakout_without_a_range_says_nothing() -> None:
    seen, state, _ = walk(Breakout, breakout.Params(), [(bar(99, 101, 100), r(105, 95, 103, 97, NAN)), (bar(1, 999, 500), r(NAN, 1, 1, 1))])
    assert seen == [(INF, INF)] * 2
    assert state.top == INF


def test_breakout_through_the_engine() -> None:
    """Two-bar ranges: highs 10.2, 10.3 before minute 2, whose close of 10.5 is beyond; bought at the next open, at 10.6."""
    rows = [(10.0, 10.2, 9.9, 10.1), (10.1, 10.3, 10.0, 10.2), (10.2, 10.5, 10.2, 10.5), (10.6, 10.8, 10.5, 10.7), (10.7, 10.7, 10.0, 10.1), 10.0]
    given = {"entry": 2, "exit": 2, "range": 1, "stop_atr": 0.0, "weight": 0.001}
    run = play({"b": Wanted("b", Breakout, given)}, rows)
    assert fills(run) == [(3, 9, 10.6), (5, -9, 10.0)]  # 0.001 x 100,000 / 10.5 = 9.5; 10.1 is below the lows 10.2 and 10.5


# -- multi timeframe -----------------------------------------------------------------------------------------------------


def m(*sides: int, size: float = 1.0) -> dict[str, float]:
    """Needs of four timeframes that rise (1), fall (-1) or stand (0)."""
    needs = {"range": size}
    for name, side in zip(("first", "second", "third", "fourth"), sides, strict=True):
        needs |= {f"fast_{name}": 10.0 + side, f"slow_{name}": 10.0}
    return needs


CALM = bar(99.0, 101.0, 100.0)


def test_multi_timeframe_wants_all_four_and_stays_with_three() -> None:
    rows = [
        (CALM, m(1, 1, 1, 0)), (CALM, m(1, 1, 1, 1)), (CALM, m(-1, 1, 1, 1)), (CALM, m(-1, 1, 0, 1)), (CALM, m(1, 1, 1, 1)),
    ]  # fmt: skip
    seen, _, _ = walk(MultiTimeframe, multi_timeframe.Params(weight=0.5), rows)
    assert seen == [(INF, INF), (0.5, 98.0), (0.5, 98.0), (0.0, INF), (0.5, 98.0)]


def test_multi_timeframe_waits_after_its_stop_until_they_have_parted() -> None:
    rows = [
        (CALM, m(1, 1, 1, 1)), (bar(98.0, 100.0, 99.0), m(1, 1, 1, 1)), (CALM, m(1, 1, 1, 1)), (CALM, m(1, 1, 0, 1)), (CALM, m(1, 1, 1, 1)),
    ]  # fmt: skip
    seen, state, out = walk(MultiTimeframe, multi_timeframe.Params(), rows[:3])
    assert [target for target, _ in seen] == [1.0, 0.0, 0.0]
    assert MultiTimeframe.explain(None, state, multi_timeframe.Params(), out) == "multi timeframe: the stop was reached"
    seen, _, _ = walk(MultiTimeframe, multi_timeframe.Params(), rows)
    assert [target for target, _ in seen] == [1.0, 0.0, 0.0, 0.0, 1.0]


def test_multi_timeframe_falls_only_where_wished() -> None:
    rows = [(CALM, m(-1, -1, -1, -1)), (CALM, m(-1, -1, 1, 1))]
    assert [target for target, _ in walk(MultiTimeframe, multi_timeframe.Params(), rows)[0]] == [INF, INF]
    short, _, _ = walk(MultiTimeframe, multi_timeframe.Params(short=True), rows)
    assert short == [(-1.0, 102.0), (0.0, INF)]


def test_a_higher_timeframe_is_seen_at_its_close_and_not_before() -> None:
    """Bars of 1, 2, 4 and 8 minutes rise by a cent a minute. The 15th bar of four minutes, the first with a range of 14, is over at
    minute 60: bought then. From minute 62 on it falls: the first timeframe turns at 63; the bar of minutes 62 and 63 is over at 64,
    and only two timeframes still rise then. Had it been seen as it grew, the sale would have come at 63."""
    closes = [10.0 + 0.01 * k if k < 62 else 10.56 - 0.05 * (k - 62) for k in range(70)]
    given = {"second": 2, "third": 4, "fourth": 8, "fast": 1, "slow": 2, "stop_atr": 0.0, "weight": 0.01}
    run = play({"t": Wanted("t", MultiTimeframe, given)}, [round(close, 2) for close in closes])
    assert [(minute, signed > 0) for minute, signed, _ in fills(run)] == [(60, True), (64, False)]


# -- volatility target ---------------------------------------------------------------------------------------------------


def test_volatility_target_halves_at_twice_the_volatility() -> None:
    """1 % a bar and 100 bars a year are 10 % a year; wanted are 5 %."""
    params = volatility_target.Params(target=0.05, per_year=100, most=2.0, band=0.2)
    rows = [{"moves": each} for each in (NAN, 1.0, 1.1, 1.26, 1.25, 0.2, 0.0)]
    seen, state, out = walk(VolatilityTarget, params, [(CALM, needs) for needs in rows])
    # 1.1: 0.4545, a change of 9 %; 1.26: 0.3968, a change of more than 20 % of 0.5; 0.2: 2.5, but at most 2
    assert [round(target, 4) for target, _ in seen] == [INF, 0.5, 0.5, 0.3968, 0.3968, 2.0, 2.0]
    text = VolatilityTarget.explain(SimpleNamespace(moves=0.2), state, params, out)
    assert text == "volatility target: 2.0% a year measured, weight 2"


def test_volatility_target_through_the_engine() -> None:
    """Returns of +1 and -1 % in turn have a deviation of 1 % of two: with 100 bars a year 10 %, and a tenth of that is wanted."""
    prices = [100.0, 101.0, 99.99, 100.99, 99.98, 100.98]
    given = {"target": 0.01, "window": 2, "per_year": 100, "band": 1.0}
    run = play({"v": Wanted("v", VolatilityTarget, given)}, prices)
    assert fills(run) == [(3, 100, 100.99)]  # 0.1 x 100,000 / 99.99 = 100.01
