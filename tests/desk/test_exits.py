"""Which orders enlarge a position, which guard one, what nothing guards: a table by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from argosy.desk.exits import plan
from argosy.venues.alpaca.codec import WireOrder, WirePosition


def order(id: str, side: str, qty: str | None, kind: str = "limit", symbol: str = "AAA", **more: Any) -> WireOrder:
    intent = more.pop("intent", None)
    made = WireOrder(id=id, symbol=symbol, side=side, qty=None if qty is None else Decimal(qty), type=kind, status=more.pop("status", "new"), **more)
    made.odd = {"position_intent": intent}
    return made


def position(qty: str, symbol: str = "AAA", price: str = "100", side: str = "") -> WirePosition:
    return WirePosition(symbol=symbol, qty=Decimal(qty), side=side, current_price=Decimal(price))


def ids(orders: Any) -> list[str]:
    return [one.id for one in orders]


@pytest.mark.parametrize(
    ("orders", "positions", "cancel", "keep", "naked"),
    [
        pytest.param([], [], [], [], {}, id="nothing"),
        pytest.param([order("b", "buy", "5")], [], ["b"], [], {}, id="an entry"),
        pytest.param([order("s", "sell", "5")], [], ["s"], [], {}, id="a sale of nothing opens a short"),
        pytest.param([order("x", "sell", "5", "stop", intent="sell_to_close")], [], ["x"], [], {}, id="an orphaned stop guards nothing"),
        pytest.param([order("s", "sell", "5", "stop")], [position("5")], [], ["s"], {}, id="a stop for all of it"),
        pytest.param([order("s", "sell", "3", "stop")], [position("5")], [], ["s"], {"AAA": ("sell", "2")}, id="a stop for a part"),
        pytest.param([order("s", "buy", "5", "stop")], [position("-5")], [], ["s"], {}, id="a short's stop"),
        pytest.param([order("s", "buy", "5", "stop")], [position("5", side="short")], [], ["s"], {}, id="a short told by its side alone"),
        pytest.param([order("s", "sell", "5", "stop"), order("b", "buy", "1")], [position("5")], ["b"], ["s"], {}, id="adding is risk"),
        pytest.param([order("s", "sell", "8", "stop")], [position("5")], ["s"], [], {"AAA": ("sell", "5")}, id="an unmarked stop that would turn it"),
        pytest.param(
            [order("s", "sell", "8", "stop", intent="sell_to_close")], [position("5")], [], ["s"], {}, id="a marked one is the broker's to refuse"
        ),
        pytest.param([order("t", "sell", "5")], [position("5")], [], ["t"], {"AAA": ("sell", "5")}, id="a target is no stop"),
        pytest.param(
            [order("s", "sell", "5", "stop", intent="sell_to_close"), order("t", "sell", "5")], [position("5")], ["t"], ["s"], {},
            id="a stop and a sale of as much again",
        ),
        pytest.param(
            [order("t", "sell", "5", order_class="oco"), order("s", "sell", "5", "stop", status="held", order_class="oco")], [position("5")],
            [], ["t", "s"], {}, id="one cancels the other",
        ),
        pytest.param(
            [order("e", "buy", "5", order_class="bracket"), order("s", "sell", "5", "stop", status="held", order_class="bracket")], [],
            ["e"], [], {}, id="what is held goes with its entry",
        ),
        pytest.param([order("s", "sell", "5", "stop", status="held")], [], ["s"], [], {}, id="what is held alone is cancelled itself"),
        pytest.param([order("n", "buy", None, notional=Decimal(9))], [position("5", symbol="BBB")], ["n"], [], {"BBB": ("sell", "5")}, id="by money"),
        pytest.param(
            [order("s", "sell", "5", "stop", status="pending_cancel")], [position("5")], [], ["s"], {"AAA": ("sell", "5")}, id="a stop that goes"
        ),
        pytest.param(
            [order("s", "sell", "5", "trailing_stop", filled_qty=Decimal(2))], [position("3")], [], ["s"], {}, id="what has filled counts no more"
        ),
    ],
)  # fmt: skip
def test_what_is_risk(orders: list[WireOrder], positions: list[WirePosition], cancel: list[str], keep: list[str], naked: dict[str, Any]) -> None:
    found = plan(orders, positions)
    assert (ids(found.cancel), ids(found.keep)) == (cancel, keep)
    assert {one.symbol: (one.side, str(one.qty)) for one in found.exits} == naked
    assert not plan(orders, positions, "none").exits
    assert found.done == (not cancel and not naked)


def test_everything_is_closed_where_that_is_the_policy_and_stops_stand_in_the_way() -> None:
    orders = [order("s", "sell", "5", "stop"), order("b", "buy", "1")]
    (found,) = plan(orders, [position("5")], "all").exits
    assert (found.qty, ids(found.held)) == (Decimal(5), ["s"])


def test_a_target_that_holds_the_shares_stands_in_the_way_of_an_exit_and_a_stop_never_does() -> None:
    (found,) = plan([order("t", "sell", "3")], [position("5")]).exits
    assert (found.qty, ids(found.held)) == (Decimal(5), ["t"])
    (found,) = plan([order("s", "sell", "3", "stop")], [position("5")]).exits
    assert (found.qty, found.held) == (Decimal(2), ())


def test_an_exit_under_way_is_not_sent_twice_and_not_cancelled_as_risk() -> None:
    for way in ({"client_order_id": "LEAVE-1"}, {}):
        found = plan([order("x", "sell", "5", **way)], [position("5")], "all", ["x"] if not way else [])
        assert (ids(found.ours), found.exits, found.cancel, found.done) == (["x"], (), (), False)


def test_the_largest_goes_first_and_what_has_no_price_before_it() -> None:
    orders = [
        order("small", "buy", "1", limit_price=Decimal(10)), order("market", "buy", "1", "market"),
        order("stop", "buy", "5", "stop", stop_price=Decimal(30)),
        order("large", "buy", "9", limit_price=Decimal(100)), order("money", "buy", None, notional=Decimal(500)),
    ]  # fmt: skip
    assert ids(plan(orders, []).cancel) == ["market", "large", "money", "stop", "small"]


def test_what_is_being_cancelled_is_waited_for() -> None:
    found = plan([order("b", "buy", "5", status="pending_cancel")], [])
    assert (found.cancel, ids(found.waiting), found.done) == ((), ["b"], False)
