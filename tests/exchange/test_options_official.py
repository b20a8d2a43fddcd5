"""Options through the official client: contracts, orders of one and of several, what writing needs, and how they end; worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest
from alpaca.data.historical import OptionHistoricalDataClient
from alpaca.data.requests import OptionChainRequest, OptionLatestQuoteRequest, OptionSnapshotRequest
from alpaca.trading.enums import (
    AssetClass,
    ContractType,
    OrderClass,
    OrderSide,
    OrderStatus,
    PositionIntent,
    TimeInForce,
)
from alpaca.trading.requests import (
    GetOptionContractsRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    OptionLegRequest,
)

from argosy.core.time import parse
from argosy.exchange import exercise
from argosy.exchange.market import Contract
from argosy.exchange.options import needed
from argosy.exchange.trading import Terms
from argosy.exchange.venue import Exchange
from tests.exchange.official import KEY, SECRET, Broker, wait

BUY, SELL, DAY = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY
CALL, PUT = "AAPL261127C00100000", "AAPL261127P00100000"
HIGH, LOW = "AAPL261127C00105000", "AAPL261127P00095000"


@pytest.fixture(autouse=True)
def anew(house: Broker) -> None:
    house.ctl("reset", cash=100_000)
    house.quote(100.00, 100.02)
    for symbol, bid, ask in ((CALL, 2.00, 2.10), (PUT, 1.50, 1.60), (HIGH, 0.50, 0.55), (LOW, 0.40, 0.45)):
        house.quote(bid, ask, symbol)


def order(symbol: str, qty: int, side: OrderSide, price: float | None = None, **more: object) -> object:
    kind = MarketOrderRequest if price is None else LimitOrderRequest
    extra = {} if price is None else {"limit_price": price}
    return kind(symbol=symbol, qty=qty, side=side, time_in_force=DAY, **extra, **more)


def spread(qty: int, price: float | None, *legs: tuple[str, OrderSide, int]) -> object:
    kind = MarketOrderRequest if price is None else LimitOrderRequest
    extra = {} if price is None else {"limit_price": price}
    rows = [OptionLegRequest(symbol=symbol, side=side, ratio_qty=ratio) for symbol, side, ratio in legs]
    return kind(qty=qty, time_in_force=DAY, order_class=OrderClass.MLEG, legs=rows, **extra)


def rows(house: Broker, *kinds: str) -> list[dict]:
    return house.trading.get("/account/activities", {"direction": "asc", "activity_types": ",".join(kinds)})


def test_contracts_are_listed_in_pages(house: Broker) -> None:
    first = house.trading.get_option_contracts(GetOptionContractsRequest(underlying_symbols=["AAPL"]))
    assert {c.expiration_date for c in first.option_contracts} == {date(2026, 11, 20), date(2026, 11, 27)}  # to the next weekend
    asked = {"underlying_symbols": ["AAPL"], "expiration_date_gte": date(2026, 11, 21), "expiration_date_lte": date(2026, 12, 31), "limit": 7}
    seen, token = [], None
    while True:
        page = house.trading.get_option_contracts(GetOptionContractsRequest(**asked, page_token=token))
        assert len(page.option_contracts) <= 7
        seen += page.option_contracts
        token = page.next_page_token
        if token is None:
            break
    assert len({c.symbol for c in seen}) == len(seen) > 50
    # a Friday that is a holiday has the Thursday before it: Christmas of 2026
    assert {str(c.expiration_date) for c in seen} == {"2026-11-27", "2026-12-04", "2026-12-11", "2026-12-18"}
    puts = house.trading.get_option_contracts(
        GetOptionContractsRequest(underlying_symbols=["AAPL"], type=ContractType.PUT, strike_price_gte="95", strike_price_lte="100")
    ).option_contracts
    assert {c.type for c in puts} == {ContractType.PUT} and {c.strike_price for c in puts} <= {95.0, 97.5, 100.0}
    one = house.trading.get_option_contract(CALL)
    assert (one.strike_price, one.size, one.underlying_symbol, one.tradable) == (100.0, "100", "AAPL", True)
    assert house.trading.get_option_contract(one.id).symbol == CALL
    for wrong in ("AAPL261127C00101000", "AAPL261128C00100000", "MOON261127C00100000"):
        assert house.code(lambda wrong=wrong: house.trading.get_option_contract(wrong)) == (404, 40410000)


def test_prices_follow_the_underlying(house: Broker) -> None:
    data = OptionHistoricalDataClient(KEY, SECRET, url_override=house.server.url)
    symbol = "AAPL261204C00095000"
    before = data.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=symbol))[symbol]
    assert 5.0 < before.bid_price < before.ask_price < 9.0
    house.quote(110.00, 110.02)
    after = data.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=symbol))[symbol]
    assert after.bid_price > before.bid_price + 8
    pinned = data.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=CALL))[CALL]
    assert (pinned.bid_price, pinned.ask_price) == (2.00, 2.10)
    shot = data.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=symbol))[symbol]
    assert 0.9 < shot.greeks.delta <= 1 and shot.implied_volatility > 0.1
    chain = data.get_option_chain(OptionChainRequest(underlying_symbol="AAPL", expiration_date=date(2026, 12, 4), type=ContractType.CALL))
    prices = [chain[s].latest_quote.bid_price for s in sorted(chain)]
    assert len(prices) > 10 and prices == sorted(prices, reverse=True)  # a higher strike is worth less


def test_bought_and_sold(house: Broker) -> None:
    done = house.trading.get_order_by_id(house.trading.submit_order(order(CALL, 2, BUY, position_intent=PositionIntent.BUY_TO_OPEN)).id)
    assert (done.status, done.filled_avg_price, done.asset_class) == (OrderStatus.FILLED, "2.1", AssetClass.US_OPTION)
    account = house.trading.get_account()
    assert account.cash == "99580"  # 2 contracts of 100 at 2.10
    assert account.equity == "99990"  # worth 2 x 100 x 2.05
    position = house.trading.get_open_position(CALL)
    assert (position.qty, position.avg_entry_price, position.cost_basis, position.market_value) == ("2", "2.1", "420", "410")
    assert position.asset_class is AssetClass.US_OPTION and house.trading.get_account().options_trading_level == 3
    wrong = order(CALL, 1, SELL, position_intent=PositionIntent.SELL_TO_OPEN)
    assert house.code(lambda: house.trading.submit_order(wrong)) == (422, 42210000)
    assert house.code(lambda: house.trading.submit_order(order(CALL, 3, SELL))) == (403, 40310000)
    rest = house.trading.submit_order(order(CALL, 2, SELL, 2.50))
    assert house.trading.get_order_by_id(rest.id).status is OrderStatus.NEW
    house.quote(2.60, 2.70, CALL)
    assert house.trading.get_order_by_id(rest.id).filled_avg_price == "2.5"
    assert house.trading.get_account().cash == "100080"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"time_in_force": "gtc"}, 42210000), ({"qty": "0.5"}, 42210000), ({"type": "stop", "stop_price": 1}, 42210000),
        ({"extended_hours": True, "type": "limit", "limit_price": 1}, 42210000), ({"qty": None, "notional": 100}, 42210000),
        ({"symbol": "AAPL261127C00101000"}, 42210000), ({"position_intent": "sell_to_open"}, 40010001),
    ],
)  # fmt: skip
def test_what_is_no_option_order(house: Broker, change: dict, code: int) -> None:
    body = {"symbol": CALL, "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"} | change
    body = {field: value for field, value in body.items() if value is not None}
    assert house.code(lambda: house.trading.post("/orders", body)) == (422, code)


def test_levels(house: Broker) -> None:
    for level, buys, writes, spreads in ((0, False, False, False), (1, False, True, False), (2, True, True, False), (3, True, True, True)):
        house.ctl("reset", cash=100_000)
        house.trading.patch("/account/configurations", {"max_options_trading_level": level})
        assert house.trading.get_account().options_trading_level == level
        for allowed, act in (
            (buys, order(CALL, 1, BUY)), (writes, order(PUT, 1, SELL)), (spreads, spread(1, None, (HIGH, SELL, 1), (CALL, BUY, 1))),
        ):  # fmt: skip
            if allowed:
                house.trading.submit_order(act)
            else:
                assert house.code(lambda act=act: house.trading.submit_order(act)) == (403, 40310000)
    house.trading.patch("/account/configurations", {"max_options_trading_level": 3})


def test_a_bought_option_covers_a_written_one_at_level_three_alone(house: Broker) -> None:
    for level, allowed in ((2, False), (3, True)):
        house.ctl("reset", cash=1_000)
        house.trading.patch("/account/configurations", {"max_options_trading_level": level})
        house.trading.submit_order(order(LOW, 1, BUY))
        if allowed:
            house.trading.submit_order(order(PUT, 1, SELL))
        else:
            assert house.code(lambda: house.trading.submit_order(order(PUT, 1, SELL))) == (403, 40310000)
    house.trading.patch("/account/configurations", {"max_options_trading_level": 3})


def test_what_writing_needs(house: Broker) -> None:
    assert house.code(lambda: house.trading.submit_order(order(CALL, 1, SELL))) == (403, 40310000)  # nothing covers it
    house.trading.submit_order(MarketOrderRequest(symbol="AAPL", qty=150, side=BUY, time_in_force=DAY))
    house.trading.submit_order(order(CALL, 1, SELL))
    assert house.trading.get_open_position(CALL).qty == "-1"
    assert house.code(lambda: house.trading.submit_order(order(HIGH, 1, SELL))) == (403, 40310000)  # 50 shares are left
    sell = MarketOrderRequest(symbol="AAPL", qty=60, side=SELL, time_in_force=DAY)
    assert house.code(lambda: house.trading.submit_order(sell)) == (403, 40310000)  # a hundred stand behind the call
    house.ctl("reset", cash=9_849)
    assert house.code(lambda: house.trading.submit_order(order(PUT, 1, SELL))) == (403, 40310000)  # 10,000 - 150 of cash secure it
    house.ctl("reset", cash=10_000)
    house.trading.submit_order(order(PUT, 1, SELL))
    account = house.trading.get_account()
    assert (account.cash, account.options_buying_power) == ("10150", "0")  # 10,000 stand behind it, 155 is what it would cost to end it
    house.trading.submit_order(order(PUT, 1, BUY))
    assert house.trading.get_account().cash == "9990"


def test_a_spread_fills_whole_at_its_net_price(house: Broker) -> None:
    with house.updates() as heard:
        rest = house.trading.submit_order(spread(3, 1.40, (CALL, BUY, 1), (HIGH, SELL, 1)))
        assert rest.order_class is OrderClass.MLEG and rest.symbol is None and len(rest.legs) == 2
        assert house.trading.get_order_by_id(rest.id).status is OrderStatus.NEW  # 2.10 - 0.50 = 1.60 is asked
        assert house.trading.get_account().cash == "100000"
        house.quote(1.90, 1.95, CALL)  # 1.95 - 0.50
        assert house.trading.get_order_by_id(rest.id).status is OrderStatus.NEW
        house.quote(1.80, 1.90, CALL)
        done = house.trading.get_order_by_id(rest.id)
        assert (done.status, done.filled_qty, done.filled_avg_price) == (OrderStatus.FILLED, "3", "1.4")
        wait(lambda: len(heard) == 3)
    assert [getattr(u.event, "value", u.event) for u in heard] == ["pending_new", "new", "fill"] and heard[2].price == 1.4
    assert house.trading.get_account().cash == "99580"  # 3 x 100 x 1.40
    assert [(leg.filled_qty, leg.filled_avg_price, leg.ratio_qty) for leg in done.legs] == [("3", "1.9", "1"), ("3", "0.5", "1")]
    assert {p.symbol: p.qty for p in house.trading.get_all_positions()} == {CALL: "3", HIGH: "-3"}
    assert len(rows(house, "FILL")) == 2
    assert house.ctl("stats")["ok"]


def test_a_credit_spread_needs_its_width(house: Broker) -> None:
    house.ctl("reset", cash=400)
    credit = spread(1, None, (PUT, SELL, 1), (LOW, BUY, 1))  # brings 1.50 - 0.45 = 1.05, may lose 5.00
    house.trading.submit_order(credit)
    account = house.trading.get_account()
    assert (account.cash, account.options_buying_power) == ("505", "0")  # 500 stand behind it, and the long leg's own worth
    house.ctl("reset", cash=394)
    assert house.code(lambda: house.trading.submit_order(credit)) == (403, 40310000)


@pytest.mark.parametrize(
    ("legs", "status"),
    [
        ([(CALL, "buy", 1)], 422), ([(CALL, "buy", 2), (HIGH, "sell", 2)], 422), ([(CALL, "buy", 1), (CALL, "sell", 1)], 422),
        ([(CALL, "buy", 1), ("AAPL", "sell", 1)], 422), ([(CALL, "buy", 1), (HIGH, "sell", 1.5)], 422), ([(CALL, "sell", 1), (PUT, "sell", 1)], 403),
    ],
)  # fmt: skip
def test_what_is_no_spread(house: Broker, legs: list, status: int) -> None:
    body = {"qty": 1, "type": "market", "time_in_force": "day", "order_class": "mleg",
            "legs": [{"symbol": s, "side": side, "ratio_qty": str(ratio)} for s, side, ratio in legs]}  # fmt: skip
    assert house.code(lambda: house.trading.post("/orders", body))[0] == status
    assert house.trading.get_orders() == []


def test_spreads_are_canceled_whole(house: Broker) -> None:
    rest = house.trading.submit_order(spread(1, 0.10, (CALL, BUY, 1), (HIGH, SELL, 1)))
    assert house.trading.get_account().buying_power == "199990"
    house.trading.cancel_order_by_id(rest.id)
    done = house.trading.get_order_by_id(rest.id)
    assert done.status is OrderStatus.CANCELED and {leg.status for leg in done.legs} == {OrderStatus.CANCELED}
    assert house.trading.get_account().buying_power == "200000"
    by_hand = house.trading.submit_order(spread(2, 0.10, (CALL, BUY, 1), (HIGH, SELL, 1)))
    house.ctl("fill", order_id=str(by_hand.id), qty=1, price=0.08)
    part = house.trading.get_order_by_id(by_hand.id)
    assert (part.status, part.filled_qty, part.filled_avg_price) == (OrderStatus.PARTIALLY_FILLED, "1", "0.08")
    assert house.ctl("stats")["ok"]


def test_exercise_by_hand_moves_the_shares(house: Broker) -> None:
    house.trading.submit_order(order(CALL, 2, BUY))
    house.trading.exercise_options_position(CALL)
    position = house.trading.get_open_position("AAPL")
    assert (position.qty, position.avg_entry_price) == ("200", "100")
    assert house.trading.get_account().cash == "79580"  # 100,000 - 420 - 200 x 100
    moved = rows(house, "OPEXC", "OPTRD")
    assert [(r["activity_type"], r["symbol"], r["qty"], r["net_amount"]) for r in moved] == [
        ("OPEXC", CALL, "-2", "0"), ("OPTRD", "AAPL", "200", "-20000"),
    ]  # fmt: skip
    assert moved[0]["group_id"] == moved[1]["group_id"]
    assert house.code(lambda: house.trading.exercise_options_position(CALL)) == (403, 40310000)
    assert house.code(lambda: house.trading.exercise_options_position("AAPL")) == (422, 42210000)
    house.trading.submit_order(order(PUT, 1, SELL))
    assert house.code(lambda: house.trading.exercise_options_position(PUT)) == (403, 40310001)
    assert house.ctl("stats")["ok"]


def test_what_was_delivered_is_no_longer_for_sale(house: Broker) -> None:
    house.trading.submit_order(MarketOrderRequest(symbol="AAPL", qty=150, side=BUY, time_in_force=DAY))
    house.trading.submit_order(order(PUT, 1, BUY))
    small, large = (
        house.trading.submit_order(LimitOrderRequest(symbol="AAPL", qty=qty, side=SELL, time_in_force=DAY, limit_price=120)) for qty in (40, 110)
    )
    house.trading.exercise_options_position(PUT)
    assert house.trading.get_open_position("AAPL").qty == "50"
    assert house.trading.get_order_by_id(small.id).status is OrderStatus.NEW
    assert house.trading.get_order_by_id(large.id).status is OrderStatus.CANCELED


def test_writers_are_assigned(house: Broker) -> None:
    house.trading.submit_order(MarketOrderRequest(symbol="AAPL", qty=200, side=BUY, time_in_force=DAY))
    house.trading.submit_order(order(CALL, 2, SELL))
    assert house.ctl("assign", symbol=CALL, qty=1)["assigned"] == 1
    assert {p.symbol: p.qty for p in house.trading.get_all_positions()} == {"AAPL": "100", CALL: "-1"}
    # 200 x 100.02 out, 400 of premium in, 100 x 100 for what was called away
    assert house.trading.get_account().cash == "90396"
    assert [r["activity_type"] for r in rows(house, "OPASN", "OPTRD")] == ["OPASN", "OPTRD"]
    assert house.ctl("stats")["ok"]


def test_expiry() -> None:
    """In the money by a cent it is exercised or assigned, but not where its holder said so; the rest is worthless."""
    now = parse("2026-11-20T20:00:00Z")  # an hour before the close of a Friday on which contracts end
    exchange = Exchange(["AAPL"], [("K", "S")], now, seed=5, terms=Terms(cash=100_000))
    account = exchange.accounts["K"]
    exchange.quote("AAPL", 102.00, 102.02)
    inside, kept, outside, written = (f"AAPL261120{tail}" for tail in ("C00100000", "C00095000", "C00105000", "P00105000"))
    for symbol, side, qty in ((inside, "buy", 1), (kept, "buy", 1), (outside, "buy", 2), (written, "sell", 1)):
        board = exchange.board(symbol)
        board.pinned = True
        exchange.quote(symbol, 3.00, 3.00)
        exchange.submit(account, {"symbol": symbol, "qty": qty, "side": side, "type": "market", "time_in_force": "day"})
    exercise.leave(exchange, account, kept)
    rest = exchange.submit(account, {"symbol": inside, "qty": 1, "side": "sell", "type": "limit", "limit_price": 9, "time_in_force": "day"})
    assert account.cash == 99_100_000_000  # 100,000 - 3 x 100 x (1 + 1 + 2 - 1)
    exchange.advance(parse("2026-11-20T21:00:00Z"))
    assert account.tickets[rest["id"]].status == "expired"
    # 100 shares bought at 100 by the call, 100 more at 105 by the put that was written
    assert account.cash == 99_100_000_000 - 10_000_000_000 - 10_500_000_000
    assert {exchange.market.boards[i].symbol: p.lots for i, p in account.positions.items()} == {"AAPL": 200_000_000_000}
    assert account.positions[0].cost == 20_500_000_000
    kinds = [(r.kind, r.body.get("symbol")) for r in account.activities if r.kind.startswith("OP")]
    assert sorted(kinds) == [("OPASN", written), ("OPEXC", inside), ("OPEXP", kept), ("OPEXP", outside), ("OPTRD", "AAPL"), ("OPTRD", "AAPL")]
    exchange.audit()
    with pytest.raises(Exception, match="not active"):
        exchange.submit(account, {"symbol": inside, "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"})


def _contract(side: int, strike: int, expires: int = 1) -> Contract:
    return Contract("X", 0, "X", side, Decimal(strike), "", expires)


@pytest.mark.parametrize(
    ("held", "shares", "dollars", "covered"),
    [
        ({(-1, 100, 1): -1}, 0, 10_000, 0),  # a put, secured
        ({(-1, 100, 1): -1, (-1, 95, 1): 1}, 0, 500, 0),  # and one bought five below
        ({(-1, 100, 2): -1, (-1, 95, 1): 1}, 0, 10_000, 0),  # which ends before it
        ({(1, 100, 1): -1}, 100, 0, 100),  # a call, covered
        ({(1, 100, 1): -1}, 99, float("inf"), 100),
        ({(1, 100, 1): -1, (1, 105, 1): 1}, 0, 500, 0),  # a call spread against rising prices
        ({(1, 100, 1): 1, (1, 105, 1): -1}, 0, 0, 0),  # with them
        ({(1, 105, 1): -1, (1, 110, 1): 1, (-1, 95, 1): -1, (-1, 90, 1): 1}, 0, 500, 0),  # an iron condor loses on one side alone
        ({(1, 100, 1): 2, (1, 110, 1): -3}, 100, 0, 100),
        ({(-1, 100, 1): 5}, 0, 0, 0),
    ],
)  # fmt: skip
def test_what_must_stand_behind_written_options(held: dict, shares: int, dollars: float, covered: int) -> None:
    assert needed({_contract(*terms): many for terms, many in held.items()}, shares) == (dollars, covered)
