"""Arrival, average, slippage and the market's own average of each target, by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Split, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Hold, Protection, Target, Twap
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, MINUTE
from argosy.house import Terms, Wanted
from argosy.lab.backtest import Outcome, run
from argosy.lab.execution import PLAIN, bps, frame, parents, volume_curve
from tests.walks.hand import says, tape

TWAP4 = Twap(4 * MINUTE, 4)


def played(plans: dict[str, Any], rows: list[Any], events: tuple[Any, ...] = (), volumes: list[float] | None = None, **given: Any) -> Outcome:
    market = tape(rows)
    if volumes is not None:
        market = Tape(Bar, dict(market.columns) | {"volume": np.array(volumes)})
    data = (Instruments([Instrument(symbol="S0")]), [market], list(events))
    terms = Terms(**{"fees": "free", "slippage_bps": 0.0, **given})
    return run([Wanted(name, says(plan)) for name, plan in plans.items()], data, terms)


def test_a_target_by_parts() -> None:
    """Decided at 10.00; 3, 3, 2 and 2 at 11, 12, 13 and 14: 123 / 10 = 12.30, 2,300 bps more than at arrival.

    Meanwhile bars of 11, 12, 13 and 14 with volumes 1, 1, 1 and 7: 134 / 10 = 13.40.
    """
    outcome = played(
        {"a": {0: Target(0, lots=10, execution=TWAP4, why="slowly")}}, [10.0, 11.0, 12.0, 13.0, 14.0, 15.0], volumes=[9.0, 1.0, 1.0, 1.0, 7.0, 9.0]
    )
    (one,) = parents(outcome)
    assert (one.algorithm, one.side, one.asked, one.filled, one.children, one.why) == ("twap", 1, 10.0, 10.0, 4, "slowly")
    assert (one.known, one.last, one.arrival) == (MINUTE, 4 * MINUTE, 10.0)
    assert one.average == pytest.approx(12.3)
    assert one.slippage_bps == pytest.approx(2300.0)
    assert one.vwap == pytest.approx(13.4)
    assert one.vwap_bps == pytest.approx((12.3 - 13.4) / 13.4 * 1e4)


def test_a_sale_that_gets_less_is_a_cost() -> None:
    plan = {0: Target(0, lots=4), 2: Target(0, lots=0, execution=Twap(2 * MINUTE, 2))}
    bought, sold = parents(played({"a": plan}, [10.0, 10.0, 10.0, 9.9, 9.7, 9.7]))
    assert (bought.algorithm, bought.side, bought.slippage_bps) == (PLAIN, 1, 0.0)
    assert (sold.side, sold.asked, sold.filled, sold.children) == (-1, 4.0, 4.0, 2)
    assert sold.average == pytest.approx(9.8)
    assert sold.slippage_bps == pytest.approx(200.0)


def test_what_was_replaced_and_what_was_never_sent() -> None:
    plan = {0: Target(0, lots=10, execution=TWAP4), 2: Hold(0), 3: Target(0, lots=6), 4: Target(0, lots=20, limit=1.0)}
    first, last = parents(played({"a": plan}, [10.0] * 8))
    assert (first.asked, first.filled, first.children) == (10.0, 6.0, 2)
    assert (last.asked, last.filled, last.average, last.slippage_bps, last.vwap) == (14.0, 0.0, None, None, None)


def test_the_stop_is_no_part_of_it_and_a_cross_is() -> None:
    plans = {
        "a": {0: Target(0, lots=4, protection=Protection(stop=9.0))},
        "b": {0: Target(0, lots=-4)},
        "c": {3: Target(0, lots=2)},
    }
    one, other, third = parents(played(plans, [10.0, 10.0, 8.0, 8.0, 8.0]))
    assert (one.strategy, one.filled, one.average) == ("a", 4.0, 10.0)
    assert (other.strategy, other.side, other.filled, other.average) == ("b", -1, 4.0, 10.0)
    assert (third.filled, third.average) == (2.0, 8.0)


def test_after_a_split_everything_is_said_in_the_prices_of_the_decision() -> None:
    """3 at 10 and 3 at 10, then two for one: 4 and 4 at 5.50, which were 2 and 2 at 11."""
    at = 3 * MINUTE - 1
    outcome = played({"a": {0: Target(0, lots=10, execution=TWAP4)}}, [10.0, 10.0, 10.0, 5.5, 5.5, 5.5], (Split(at, at, 0, 2.0),))
    (one,) = parents(outcome)
    assert (one.asked, one.filled) == (10.0, 10.0)
    assert one.average == pytest.approx((60.0 + 44.0) / 10.0)
    assert one.vwap == pytest.approx((10.0 + 10.0 + 0.5 * 11.0 + 0.5 * 11.0) / 3.0)


def test_as_a_table() -> None:
    table = frame(parents(played({"a": {0: Target(0, lots=10, execution=TWAP4)}}, [10.0] * 6)))
    assert table.height == 1
    assert table["algorithm"].to_list() == ["twap"]
    assert frame([]).height == 0


def test_bps() -> None:
    assert bps(1, 10.1, 10.0) == pytest.approx(100.0)
    assert bps(-1, 10.1, 10.0) == pytest.approx(-100.0)
    assert bps(1, 10.1, None) is None


def hours(volumes: list[tuple[int, int, float]]) -> Tape:
    """Trades of (day, hour, size)."""
    ts = np.array([day * DAY + hour * HOUR for day, hour, _ in volumes], np.int64)
    n = len(ts)
    return Tape(Trade, {
        "ts": ts, "known": ts, "instrument": np.zeros(n, np.int64), "price": np.ones(n), "size": np.array([size for _, _, size in volumes]),
        "side": np.zeros(n, np.int64),
    })  # fmt: skip


def test_a_curve_is_the_mean_of_the_days() -> None:
    """From 9 to 13 in two parts: 30 of 40 and 10 of 40 on one day, half and half on the next; the third has nothing in it."""
    past = hours([(1, 8, 99.0), (1, 9, 10.0), (1, 10, 20.0), (1, 12, 10.0), (2, 10, 7.0), (2, 11, 7.0), (3, 13, 5.0)])
    assert volume_curve(past, 4 * HOUR, 2, 9 * HOUR) == pytest.approx((0.625, 0.375))


def test_a_curve_needs_volume() -> None:
    with pytest.raises(Misuse, match="CURVE"):
        volume_curve(hours([(1, 8, 99.0)]), 4 * HOUR, 2, 9 * HOUR)


def test_the_page_says_what_happens() -> None:
    """The strategy of docs/execution.md buys its 10 % in twelve parts, five minutes apart; its function makes the table."""
    page = (Path(__file__).resolve().parents[2] / "docs/execution.md").read_text()
    said: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        exec(block, said)  # noqa: S102 - the page's own code
    data = (Instruments([Instrument(symbol="S0")]), [tape([10.0] * 70)], [])
    outcome = run([Wanted("slowly", said["Slowly"])], data, Terms(fees="free", slippage_bps=0.0))
    table = said["cost"](outcome)
    assert table.select("algorithm", "asked", "filled", "children").rows() == [("twap", 1000.0, 1000.0, 12)]
    assert [fill.ts // MINUTE for fill, *_ in outcome.account.fills] == list(range(1, 60, 5))
