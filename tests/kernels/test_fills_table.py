"""Each sentence of the law of fills (HEART, the simulated venue) as one line computed by hand; bar: open 100, high 103, low 99."""

from __future__ import annotations

import math

import pytest

from argosy.kernels import fills

NAN = math.nan
BAR = (100.0, 103.0, 99.0)
BUY, SELL = 1, -1


def same(got: float, want: float) -> bool:
    return math.isnan(got) if math.isnan(want) else got == want


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "side", "limit", "through", "want"),
    [
        ("an open better than the limit fills at the open", BUY, 101.0, True, 100.0),
        ("an open at the limit fills at the open, strict or not", BUY, 100.0, True, 100.0),
        ("the low goes through", BUY, 99.5, True, 99.5),
        ("the low only touches: strict does not fill", BUY, 99.0, True, NAN),
        ("the low only touches: touch fills", BUY, 99.0, False, 99.0),
        ("not reached", BUY, 98.99, False, NAN),
        ("a sell below the open fills at the open", SELL, 99.0, True, 100.0),
        ("the high goes through", SELL, 102.99, True, 102.99),
        ("the high only touches: strict does not fill", SELL, 103.0, True, NAN),
        ("the high only touches: touch fills", SELL, 103.0, False, 103.0),
        ("no limit is no fill", BUY, NAN, False, NAN),
    ],
)
def test_limit(lane: str, what: str, side: int, limit: float, through: bool, want: float) -> None:
    assert same(getattr(fills.limit_fill, lane)(side, limit, *BAR, through), want), what


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "side", "stop", "want"),
    [
        ("a buy stop inside", BUY, 102.0, 102.0),
        ("reaching it is enough", BUY, 103.0, 103.0),
        ("not reached", BUY, 103.01, NAN),
        ("leapt by the open: the worse of open and stop", BUY, 98.0, 100.0),
        ("a sell stop inside", SELL, 99.5, 99.5),
        ("a sell stop reached", SELL, 99.0, 99.0),
        ("a sell stop leapt by the open", SELL, 105.0, 100.0),
        ("no stop is no fill", SELL, NAN, NAN),
    ],
)
def test_stop(lane: str, what: str, side: int, stop: float, want: float) -> None:
    assert same(getattr(fills.stop_fill, lane)(side, stop, *BAR), want), what


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "side", "stop", "limit", "want"),
    [
        ("triggered inside, the limit allows the stop's price", BUY, 102.0, 102.5, 102.0),
        (
            "triggered inside, the limit is better than the stop: nothing is proven after the trigger",
            BUY,
            102.0,
            99.5,
            NAN,
        ),
        ("triggered by the open, allowed at the open", BUY, 99.5, 100.5, 100.0),
        ("triggered by the open: the whole bar counts, the low goes through", BUY, 99.8, 99.5, 99.5),
        ("triggered by the open, never as low as the limit", BUY, 99.5, 98.5, NAN),
        ("not triggered", BUY, 104.0, 105.0, NAN),
        ("a sell triggered inside", SELL, 99.5, 99.0, 99.5),
        ("a sell triggered by the open, filled through its limit", SELL, 101.0, 102.0, 102.0),
    ],
)
def test_stop_limit(lane: str, what: str, side: int, stop: float, limit: float, want: float) -> None:
    assert same(getattr(fills.stop_limit_fill, lane)(side, stop, limit, *BAR, True), want), what


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "side", "stop", "take", "inside", "want"),
    [
        ("both inside the bar: the stop", SELL, 99.5, 102.0, False, (99.5, -1)),
        ("only the target", SELL, 98.0, 102.0, False, (102.0, 1)),
        ("the target is only touched: strict", SELL, 98.0, 103.0, False, (NAN, 0)),
        ("the open is beyond the target", SELL, 99.5, 99.8, False, (100.0, 1)),
        ("the open is beyond the stop", SELL, 100.5, 102.0, False, (100.0, -1)),
        ("entered inside: the target waits", SELL, 98.0, 102.0, True, (NAN, 0)),
        ("entered inside: the stop may trigger", SELL, 99.5, 102.0, True, (99.5, -1)),
        ("entered inside beyond the stop: out at the entry", SELL, 100.5, 102.0, True, (100.0, -1)),
        ("a short: both inside, the stop above", BUY, 102.0, 99.5, False, (102.0, -1)),
        ("a short: only the target below", BUY, 104.0, 99.5, False, (99.5, 1)),
        ("no stop", SELL, NAN, 102.0, False, (102.0, 1)),
        ("neither", SELL, NAN, NAN, False, (NAN, 0)),
    ],
)
def test_bracket(
    lane: str, what: str, side: int, stop: float, take: float, inside: bool, want: tuple[float, int]
) -> None:
    px, which = getattr(fills.bracket_exit, lane)(side, stop, take, *BAR, True, inside)
    assert (same(px, want[0]), which) == (True, want[1]), what


def test_a_trailing_stop_over_bars_by_hand() -> None:
    """Distance 3 below a long. It hangs from 100 at 97; the bar's high of 104 makes 101 for the next bar, not for its own."""
    px, level = fills.trail_stop.py(SELL, NAN, 100.0, 104.0, 98.0, 3.0, False)
    assert (math.isnan(px), level) == (True, 101.0)
    px, level = fills.trail_stop.py(SELL, level, 103.0, 106.0, 101.5, 3.0, False)
    assert (math.isnan(px), level) == (True, 103.0), (
        "low 101.5 is below 103, but 103 holds only from the next bar"
    )
    assert fills.trail_stop.py(SELL, level, 105.0, 105.0, 102.9, 3.0, False) == (103.0, 103.0)
    assert fills.trail_update.py(SELL, 101.0, 100.0, 3.0, False) == 101.0, "it never goes back"
    assert fills.trail_update.py(BUY, NAN, 200.0, 0.25, True) == 250.0, "a quarter above, for a short"
    assert fills.trail_update.py(BUY, 250.0, 160.0, 0.25, True) == 200.0


@pytest.mark.parametrize(
    ("side", "limit", "rested", "want"),
    [(BUY, NAN, False, 10.2), (SELL, NAN, False, 10.0), (BUY, 10.2, False, 10.2), (BUY, 10.3, False, 10.2), (BUY, 10.3, True, 10.3),
     (BUY, 10.1, False, NAN), (SELL, 9.9, False, 10.0), (SELL, 10.1, True, NAN)],
)  # fmt: skip
def test_quote(side: int, limit: float, rested: bool, want: float) -> None:
    assert same(fills.quote_fill.py(side, limit, 10.0, 10.2, rested), want)


@pytest.mark.parametrize(
    ("side", "limit", "through", "want"),
    [
        (BUY, 10.1, True, 10.1),
        (BUY, 10.0, True, NAN),
        (BUY, 10.0, False, 10.0),
        (SELL, 9.9, True, 9.9),
        (SELL, 10.1, False, NAN),
        (BUY, NAN, True, 10.0),
    ],
)
def test_trade(side: int, limit: float, through: bool, want: float) -> None:
    assert same(fills.trade_fill.py(side, limit, 10.0, through), want)


def test_participation() -> None:
    """A tenth of 55 shares in lots of one is 5; in lots of a hundredth 550; unknown volume leaves nothing."""
    assert fills.participation.py(0.1, 55.0, 1.0) == 5
    assert fills.participation.py(0.1, 55.0, 0.01) == 550
    assert [fills.participation.py(0.1, volume, 1.0) for volume in (0.0, NAN)] == [0, 0]
