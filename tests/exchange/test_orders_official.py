"""Every kind of order, driven by the official client over real sockets; the numbers are worked out by hand."""

import uuid

import pytest
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, TimeInForce
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

from tests.exchange.official import Broker, wait

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY, GTC = TimeInForce.DAY, TimeInForce.GTC


@pytest.fixture(autouse=True)
def anew(house: Broker) -> None:
    house.ctl("reset", cash=100_000)
    house.ctl("clock", is_open=True)
    house.quote(100.00, 100.02)


def market(qty: float, side: OrderSide = BUY, **more: object) -> MarketOrderRequest:
    return MarketOrderRequest(symbol="AAPL", qty=qty, side=side, time_in_force=more.pop("time_in_force", DAY), **more)


def limit(qty: float, price: float, side: OrderSide = BUY, tif: TimeInForce = DAY, **more: object) -> LimitOrderRequest:
    return LimitOrderRequest(symbol="AAPL", qty=qty, side=side, time_in_force=tif, limit_price=price, **more)


def said(update: object) -> str:
    """The event of an update: a name of the client's list, or a word that it does not know."""
    return getattr(update.event, "value", update.event)


def test_a_market_order_takes_the_other_side(house: Broker) -> None:
    order = house.trading.submit_order(market(10))
    assert order.status is OrderStatus.PENDING_NEW and order.filled_qty == "0"
    done = house.trading.get_order_by_id(order.id)
    assert (done.status, done.filled_qty, done.filled_avg_price) == (OrderStatus.FILLED, "10", "100.02")
    account = house.trading.get_account()
    assert account.cash == "98999.80"  # 100,000 - 10 x 100.02
    assert account.long_market_value == "1000.10"  # 10 at the middle, 100.01
    assert account.equity == "99999.90"
    position = house.trading.get_open_position("AAPL")
    assert (position.qty, position.avg_entry_price, position.cost_basis, position.unrealized_pl) == ("10", "100.02", "1000.20", "-0.10")
    assert house.trading.get_open_position(position.asset_id).symbol == "AAPL"


def test_limits_rest_and_fill_at_their_own_price(house: Broker) -> None:
    order = house.trading.submit_order(limit(5, 99.50))
    assert house.trading.get_order_by_id(order.id).status is OrderStatus.NEW
    assert house.trading.get_account().buying_power == "199502.50"  # 200,000 - 5 x 99.50
    house.quote(99.40, 99.45)
    done = house.trading.get_order_by_id(order.id)
    assert (done.status, done.filled_avg_price) == (OrderStatus.FILLED, "99.5")
    through = house.trading.submit_order(limit(5, 101.00))
    assert house.trading.get_order_by_id(through.id).filled_avg_price == "99.45"  # better than its limit


def test_stops_wait_for_their_price(house: Broker) -> None:
    house.trading.submit_order(market(10))
    stop = house.trading.submit_order(StopOrderRequest(symbol="AAPL", qty=4, side=SELL, time_in_force=GTC, stop_price=98.00))
    both = house.trading.submit_order(
        StopLimitOrderRequest(symbol="AAPL", qty=3, side=SELL, time_in_force=GTC, stop_price=98.00, limit_price=97.50)
    )
    trail = house.trading.submit_order(TrailingStopOrderRequest(symbol="AAPL", qty=3, side=SELL, time_in_force=GTC, trail_percent=1))
    assert trail.trail_percent == "1"
    now = house.trading.get_order_by_id(trail.id)
    assert (now.stop_price, now.hwm) == ("99", "100")  # one percent under the bid
    house.quote(102.00, 102.02)
    now = house.trading.get_order_by_id(trail.id)
    assert (now.stop_price, now.hwm) == ("100.98", "102")
    house.quote(100.50, 100.52)
    assert house.trading.get_order_by_id(trail.id).filled_avg_price == "100.5"
    house.quote(97.00, 97.02)
    assert house.trading.get_order_by_id(stop.id).filled_avg_price == "97"
    assert house.trading.get_order_by_id(both.id).status is OrderStatus.NEW  # triggered, but 97.00 is under its limit
    house.quote(97.60, 97.62)
    assert house.trading.get_order_by_id(both.id).filled_avg_price == "97.5"


def test_a_stop_to_buy_is_capped(house: Broker) -> None:
    order = house.trading.submit_order(StopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, stop_price=101.00))
    house.quote(110.00, 110.02)  # over 101 x 1.025 = 103.53
    assert house.trading.get_order_by_id(order.id).status is OrderStatus.NEW
    house.quote(103.00, 103.02)
    assert house.trading.get_order_by_id(order.id).filled_qty == "1"


def test_ioc_and_fok_never_rest(house: Broker) -> None:
    miss = house.trading.submit_order(limit(5, 99.00, tif=TimeInForce.IOC))
    hit = house.trading.submit_order(limit(5, 100.05, tif=TimeInForce.FOK))
    assert house.trading.get_order_by_id(miss.id).status is OrderStatus.CANCELED
    assert house.trading.get_order_by_id(hit.id).status is OrderStatus.FILLED


def test_notional_and_fractions(house: Broker) -> None:
    money = house.trading.submit_order(MarketOrderRequest(symbol="AAPL", notional=50, side=BUY, time_in_force=DAY))
    assert money.qty is None and money.notional == "50"
    done = house.trading.get_order_by_id(money.id)
    assert done.filled_qty == "0.499900019"  # 50 / 100.02, cut at nine decimals
    house.trading.submit_order(market(0.5))
    assert house.trading.get_open_position("AAPL").qty == "0.999900019"
    house.trading.close_position("AAPL")
    assert house.trading.get_all_positions() == []


def test_a_bracket_opens_and_closes_as_one(house: Broker) -> None:
    with house.updates() as heard:
        order = house.trading.submit_order(
            market(10, order_class=OrderClass.BRACKET, take_profit=TakeProfitRequest(limit_price=105), stop_loss=StopLossRequest(stop_price=95))
        )
        assert [leg.status for leg in order.legs] == [OrderStatus.HELD, OrderStatus.HELD]
        target, stop = (house.trading.get_order_by_id(leg.id) for leg in order.legs)
        assert (target.status, stop.status) == (OrderStatus.NEW, OrderStatus.HELD)
        house.ctl("fill", order_id=str(target.id), qty=4, price=105)
        assert house.trading.get_order_by_id(stop.id).qty == "6"  # the stop protects what is left
        house.quote(94.00, 94.02)
        assert house.trading.get_order_by_id(stop.id).filled_avg_price == "94"
        assert house.trading.get_order_by_id(target.id).status is OrderStatus.CANCELED
        wait(lambda: any(u.event == "canceled" for u in heard))
    events = [(said(u), u.order.type.value) for u in heard]
    assert events == [
        ("pending_new", "market"), ("new", "market"), ("fill", "market"), ("new", "limit"), ("partial_fill", "limit"),
        ("fill", "stop"), ("canceled", "limit"),
    ]  # fmt: skip
    fills = [u for u in heard if u.execution_id and u.price is not None]
    assert [u.position_qty for u in fills] == [10.0, 6.0, 0.0]
    assert len({u.execution_id for u in heard}) == len(heard)


def test_canceling_one_of_a_group_cancels_all(house: Broker) -> None:
    legs = {"take_profit": TakeProfitRequest(limit_price=105), "stop_loss": StopLossRequest(stop_price=95, limit_price=94.5)}
    order = house.trading.submit_order(limit(10, 99, order_class=OrderClass.BRACKET, **legs))
    nested = house.trading.get_orders(GetOrdersRequest(nested=True))
    assert len(nested) == 1 and len(nested[0].legs) == 2
    assert len(house.trading.get_orders(GetOrdersRequest(nested=False))) == 3
    house.trading.cancel_order_by_id(order.legs[0].id)
    assert house.trading.get_orders() == []
    assert {o.status for o in house.trading.get_orders(GetOrdersRequest(status="all"))} == {OrderStatus.CANCELED}


def test_oco_and_oto(house: Broker) -> None:
    oto = house.trading.submit_order(market(6, order_class=OrderClass.OTO, stop_loss=StopLossRequest(stop_price=90)))
    assert house.trading.get_order_by_id(oto.legs[0].id).status is OrderStatus.NEW
    house.trading.cancel_order_by_id(oto.legs[0].id)
    oco = house.trading.submit_order(
        LimitOrderRequest(
            symbol="AAPL", qty=6, side=SELL, time_in_force=GTC, limit_price=110, order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=110), stop_loss=StopLossRequest(stop_price=95),
        )  # fmt: skip
    )
    assert oco.limit_price == "110" and oco.legs[0].stop_price == "95"
    house.quote(111.00, 111.02)
    assert house.trading.get_order_by_id(oco.id).filled_avg_price == "110"
    assert house.trading.get_order_by_id(oco.legs[0].id).status is OrderStatus.CANCELED
    assert house.trading.get_all_positions() == []


def test_two_exits_share_their_shares(house: Broker) -> None:
    house.trading.submit_order(market(6))
    oco = house.trading.submit_order(
        LimitOrderRequest(
            symbol="AAPL", qty=6, side=SELL, time_in_force=GTC, limit_price=110, order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=110), stop_loss=StopLossRequest(stop_price=95, limit_price=94),
        )  # fmt: skip
    )
    assert house.code(lambda: house.trading.submit_order(limit(1, 120, SELL))) == (403, 40310000)  # all six are kept
    house.ctl("fill", order_id=str(oco.id), qty=4, price=110)
    stop = house.trading.get_order_by_id(oco.legs[0].id)
    assert (stop.qty, stop.limit_price, stop.order_class) == ("2", "94", OrderClass.OCO)
    house.quote(94.50, 94.52)
    assert house.trading.get_order_by_id(stop.id).filled_avg_price == "94.5"
    rest = house.trading.get_order_by_id(oco.id)
    assert (rest.status, rest.filled_qty) == (OrderStatus.CANCELED, "4")
    assert house.trading.get_all_positions() == []


def test_replacing_makes_a_chain(house: Broker) -> None:
    first = house.trading.submit_order(limit(10, 99))
    house.ctl("fill", order_id=str(first.id), qty=4, price=99)
    second = house.trading.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=98.5, client_order_id="again"))
    assert (second.replaces, second.qty, second.limit_price) == (first.id, "6", "98.5")
    old = house.trading.get_order_by_id(first.id)
    assert (old.status, old.replaced_by, old.filled_qty) == (OrderStatus.REPLACED, second.id, "4")
    third = house.trading.replace_order_by_id(second.id, ReplaceOrderRequest(qty=3))
    assert house.trading.get_order_by_client_id(third.client_order_id).replaces == second.id
    house.quote(98.00, 98.02)
    assert house.trading.get_open_position("AAPL").qty == "7"
    assert house.code(lambda: house.trading.replace_order_by_id(first.id, ReplaceOrderRequest(qty=3))) == (422, 42210000)


def test_a_trail_is_replaced_by_trail(house: Broker) -> None:
    house.trading.submit_order(market(1))
    old = house.trading.submit_order(TrailingStopOrderRequest(symbol="AAPL", qty=1, side=SELL, time_in_force=GTC, trail_price=2))
    new = house.trading.replace_order_by_id(old.id, ReplaceOrderRequest(trail=3))
    assert (new.trail_price, house.trading.get_order_by_id(new.id).stop_price) == ("3", "97")


def test_what_cannot_be_replaced(house: Broker) -> None:
    house.ctl("clock", is_open=False)
    queued = house.trading.submit_order(limit(1, 99))
    assert queued.status is OrderStatus.ACCEPTED
    assert house.code(lambda: house.trading.replace_order_by_id(queued.id, ReplaceOrderRequest(qty=2))) == (422, 42210000)


def test_orders_of_a_closed_market_wait_for_its_opening(house: Broker) -> None:
    house.ctl("clock", is_open=False)
    order = house.trading.submit_order(market(2))
    assert order.status is OrderStatus.ACCEPTED
    house.quote(101.00, 101.02)
    assert house.trading.get_order_by_id(order.id).filled_qty == "0"
    with house.updates() as heard:
        house.ctl("clock", is_open=True)
        assert house.trading.get_order_by_id(order.id).filled_avg_price == "101.02"
        wait(lambda: len(heard) == 2)
    assert [said(u) for u in heard] == ["new", "fill"]


def test_positions_are_closed(house: Broker) -> None:
    house.trading.submit_order(market(10))
    house.trading.submit_order(MarketOrderRequest(symbol="MSFT", qty=5, side=SELL, time_in_force=DAY))
    assert house.trading.get_open_position("MSFT").qty == "-5"
    part = house.trading.close_position("AAPL", ClosePositionRequest(percentage="25"))
    assert part.qty == "2.5"
    part = house.trading.close_position("AAPL", ClosePositionRequest(qty="0.5"))
    assert house.trading.get_open_position("AAPL").qty == "7"
    house.trading.submit_order(limit(7, 120, SELL))
    rows = house.trading.close_all_positions(cancel_orders=True)
    assert {(row.symbol, row.status) for row in rows} == {("AAPL", 200), ("MSFT", 200)}
    assert house.trading.get_all_positions() == []


def test_cancel_all_and_lists(house: Broker) -> None:
    ids = [house.trading.submit_order(limit(1, 90 + i)).id for i in range(4)]
    assert [o.id for o in house.trading.get_orders()] == ids[::-1]
    assert [o.id for o in house.trading.get_orders(GetOrdersRequest(limit=2, direction="asc"))] == ids[:2]
    assert house.trading.get_orders(GetOrdersRequest(symbols=["MSFT"])) == []
    assert len(house.trading.get_orders(GetOrdersRequest(side=BUY))) == 4
    second = house.trading.get_order_by_id(ids[1])
    after = house.trading.get_orders(GetOrdersRequest(after=second.submitted_at, direction="asc"))
    assert [o.id for o in after] == ids[1:]  # exclusive, but the client cuts the time to microseconds
    rows = house.trading.cancel_orders()
    assert {row.status for row in rows} == {200}
    assert house.trading.get_orders() == []
    assert len(house.trading.get_orders(GetOrdersRequest(status="closed"))) == 4


def test_client_ids_are_unique_for_ever(house: Broker) -> None:
    order = house.trading.submit_order(market(1, client_order_id="mine-1"))
    assert house.trading.get_order_by_client_id("mine-1").id == order.id
    assert house.code(lambda: house.trading.submit_order(market(1, client_order_id="mine-1"))) == (422, 40010001)
    assert house.code(lambda: house.trading.get_order_by_client_id("nobody")) == (404, 40410000)
    assert house.code(lambda: house.trading.get_order_by_id(uuid.UUID(int=5))) == (404, 40410000)


REFUSED = [
    (lambda: limit(1, 100.001), 422, 42210000),  # sub-penny
    (lambda: LimitOrderRequest(symbol="NONE", qty=1, side=BUY, time_in_force=DAY, limit_price=5), 422, 42210000),
    (lambda: market(2001), 403, 40310000),  # 2001 x 100.02 x 1.03 is more than 200,000
    (lambda: market(0.5, time_in_force=GTC), 422, 42210000),
    (lambda: market(0.5, SELL), 422, 42210000),  # fractions are not sold short
    (lambda: market(1, time_in_force=TimeInForce.OPG), 422, 42210000),  # after 9:28
    (lambda: market(1, extended_hours=True), 422, 42210000),
    (lambda: market(1, client_order_id="x" * 129), 422, 40010001),
    (lambda: market(1e-10), 422, 42210000),
]


@pytest.mark.parametrize("row", REFUSED)
def test_refusals(house: Broker, row: tuple) -> None:
    make, status, code = row
    assert house.code(lambda: house.trading.submit_order(make())) == (status, code)
    assert house.trading.get_orders(GetOrdersRequest(status="all")) == []


def test_bracket_prices_are_checked(house: Broker) -> None:
    for target, stop in ((99, 95), (105, 101), (95, 105)):
        legs = {"take_profit": TakeProfitRequest(limit_price=target), "stop_loss": StopLossRequest(stop_price=stop)}
        assert house.code(lambda legs=legs: house.trading.submit_order(market(1, order_class=OrderClass.BRACKET, **legs))) == (422, 42210000)


def test_no_wash_and_no_crossing_of_zero(house: Broker) -> None:
    house.trading.submit_order(market(10))
    assert house.code(lambda: house.trading.submit_order(market(11, SELL))) == (403, 40310000)
    stop = house.trading.submit_order(StopOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=GTC, stop_price=95))
    assert house.code(lambda: house.trading.submit_order(market(1))) == (403, 40310000)  # a resting stop blocks a top-up
    assert house.code(lambda: house.trading.submit_order(market(1, SELL))) == (403, 40310000)  # all shares are held for it
    house.trading.cancel_order_by_id(stop.id)
    house.trading.submit_order(limit(10, 105, SELL))
    assert house.trading.submit_order(limit(1, 104.99)).status is OrderStatus.PENDING_NEW
    assert house.code(lambda: house.trading.submit_order(limit(1, 105))) == (403, 40310000)


def test_already_over(house: Broker) -> None:
    order = house.trading.submit_order(market(1))
    assert house.code(lambda: house.trading.cancel_order_by_id(order.id)) == (422, 42210000)
    assert house.code(lambda: house.trading.get_open_position("MSFT")) == (404, 40410000)


def test_events_by_hand(house: Broker) -> None:
    with house.updates() as heard:
        order = house.trading.submit_order(limit(1, 90))
        for event in ("suspended", "restated", "never_heard_of", "rejected"):
            house.ctl("event", order_id=str(order.id), event=event)
        wait(lambda: len(heard) == 6)
    assert [said(u) for u in heard][2:] == ["suspended", "restated", "never_heard_of", "rejected"]
    assert house.trading.get_order_by_id(order.id).status is OrderStatus.REJECTED
    assert house.trading.get_account().buying_power == "200000"


def test_stuck_cancels_keep_the_shares(house: Broker) -> None:
    house.trading.submit_order(market(5))
    order = house.trading.submit_order(limit(5, 120, SELL))
    house.ctl("hold_cancels", on=True)
    house.trading.cancel_order_by_id(order.id)
    assert house.trading.get_order_by_id(order.id).status is OrderStatus.PENDING_CANCEL
    assert house.code(lambda: house.trading.close_position("AAPL")) == (403, 40310000)
    house.ctl("hold_cancels", on=False)
    house.ctl("event", order_id=str(order.id), event="canceled")
    house.trading.close_position("AAPL")
    assert house.trading.get_all_positions() == []
