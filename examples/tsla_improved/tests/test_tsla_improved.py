"""TSLA Improved keeps the laws of strategies, and does on a hand-made row what its page says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tsla_improved import Params, State, TslaImproved

from argosy.core.strategy import ABSENT, Out
from argosy.testing.strategy_kit import StepKit


class TestTslaImproved(StepKit):
    """The whole suite of laws; three symbols of made-up prices."""

    strategy = TslaImproved
    given = {"fast": 5, "slow": 15, "momentum": 8, "momentum_pct": 1.0, "trail": 2.0}


PARAMS = Params(stop=2.0, take=5.0, trail=3.0, rest=2, risk=0.05, weight=0.9, momentum_pct=3.0, calm=0.1)
RISING = SimpleNamespace(fast=101.0, slow=99.0, momentum=4.0, range=2.0)


def bar(low: float, high: float, close: float) -> SimpleNamespace:
    return SimpleNamespace(open=close, low=low, high=high, close=close, volume=1e6)


def entered() -> tuple[State, Out]:
    """Just entered at a close of 100: stop 96, take 110, peak 100."""
    state, out = State(), Out()
    TslaImproved.step(bar(99.0, 101.0, 100.0), RISING, state, PARAMS, out)
    return state, out


def test_it_enters_with_stop_take_and_size() -> None:
    state, out = entered()
    assert (out.stop, out.take, state.peak) == (96.0, 110.0, 100.0)
    assert out.target == 0.9  # 0.05 * 100 / 4 = 1.25 of the allotment, cut to 0.9


def test_a_wider_range_makes_it_smaller() -> None:
    state, out = State(), Out()
    wide = SimpleNamespace(fast=101.0, slow=99.0, momentum=4.0, range=5.0)
    TslaImproved.step(bar(99.0, 101.0, 100.0), wide, state, PARAMS, out)
    assert out.target == pytest.approx(0.5)  # 0.05 * 100 / 10
    assert out.stop == 90.0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fast": 98.0}, "no trend"),
        ({"momentum": 2.9}, "no momentum"),
        ({"range": 10.5}, "a storm"),
        ({"slow": float("nan")}, "still warming up"),
        ({"momentum": float("nan")}, "still warming up"),
    ],
)
def test_it_stays_out(change: dict[str, float], why: str) -> None:
    state, out = State(), Out()
    needs = SimpleNamespace(**{**vars(RISING), **change})
    TslaImproved.step(bar(99.0, 101.0, 100.0), needs, state, PARAMS, out)
    assert (out.target, state.peak) == (ABSENT, 0.0), why


@pytest.mark.parametrize(
    ("row", "change", "leaves"),
    [
        (bar(96.1, 104.0, 103.0), {}, False),
        (bar(96.0, 101.0, 100.0), {}, True),  # the stop
        (bar(99.0, 110.0, 109.0), {}, True),  # the take-profit
        (bar(99.0, 106.0, 99.9), {}, True),  # 6.1 below the peak of 106, three ranges are 6
        (bar(99.0, 106.0, 100.0), {}, False),  # exactly three ranges below
        (bar(99.0, 102.0, 101.0), {"fast": 99.0}, True),  # the trend is over
    ],
)
def test_it_leaves(row: SimpleNamespace, change: dict[str, float], leaves: bool) -> None:
    state, out = entered()
    TslaImproved.step(row, SimpleNamespace(**{**vars(RISING), **change}), state, PARAMS, out)
    if leaves:
        assert (out.target, out.stop, out.take, state.peak, state.rest) == (0.0, ABSENT, ABSENT, 0.0, 2.0)
    else:
        assert (out.target, out.stop, out.take, state.rest) == (0.9, 96.0, 110.0, 0.0)
        assert state.peak == row.high


def test_it_rests_after_a_trade() -> None:
    state, out = entered()
    wanted = []
    for row in (bar(95.0, 101.0, 100.0), *[bar(99.0, 101.0, 100.0)] * 3):
        TslaImproved.step(row, RISING, state, PARAMS, out)
        wanted.append(out.target)
    assert wanted == [0.0, 0.0, 0.0, 0.9]


def test_it_says_why() -> None:
    state, out = entered()
    text = TslaImproved.explain(RISING, state, PARAMS, out)
    assert text == "enter: fast 101, slow 99, momentum +4.0%, range 2, stop 96, take 110"
