"""The exchange through its days, without a socket: openings, closes, half days, extended hours, auctions, settlement, margin."""

import numpy as np
import pytest

from argosy.core.effects import Submit
from argosy.core.events import Bar
from argosy.core.orders import Approved, Order, Type
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, MINUTE, SECOND, parse
from argosy.exchange import corporate
from argosy.exchange.feed import Live, Taped
from argosy.exchange.hours import Hours
from argosy.exchange.rest import answer
from argosy.exchange.trading import Terms
from argosy.exchange.venue import Exchange
from argosy.exchange.wire import Refusal

FRIDAY = "2026-11-20"  # 14:30 to 21:00 UTC; the 27th is a half day, to 18:00 UTC


def house(at: str = FRIDAY + "T15:00:00Z", **terms) -> tuple[Exchange, list]:
    now = parse(at)
    exchange = Exchange(["AAPL"], [("K", "S")], now, seed=5, terms=Terms(**terms))
    frames: list = []
    exchange.told = lambda account, frame: frames.append(frame["data"])
    exchange.quote("AAPL", 100.00, 100.02)
    return exchange, frames


def send(exchange: Exchange, qty: object = 10, side: str = "buy", kind: str = "market", **more) -> dict:
    body = {"symbol": "AAPL", "qty": qty, "side": side, "type": kind, "time_in_force": "day", **more}
    return exchange.submit(exchange.accounts["K"], body)


def state(exchange: Exchange, order: dict) -> tuple[str, str]:
    ticket = exchange.accounts["K"].tickets[order["id"]]
    view = exchange.show(exchange.accounts["K"], ticket)
    return view["status"], view["filled_qty"]


def to(exchange: Exchange, at: str) -> None:
    exchange.advance(parse(at))


def test_day_orders_end_with_the_session_and_gtc_do_not() -> None:
    exchange, frames = house()
    day, gtc = send(exchange, kind="limit", limit_price=90), send(exchange, kind="limit", limit_price=91, time_in_force="gtc")
    to(exchange, FRIDAY + "T20:59:59Z")
    assert state(exchange, day) == ("new", "0")
    to(exchange, FRIDAY + "T21:00:00Z")
    assert state(exchange, day) == ("expired", "0") and state(exchange, gtc) == ("new", "0")
    assert frames[-1]["event"] == "expired"
    exchange.quote("AAPL", 80.00, 80.02)  # after the close: nothing of the regular day fills
    assert state(exchange, gtc) == ("new", "0")
    to(exchange, "2026-11-23T14:30:00Z")
    assert state(exchange, gtc) == ("new", "0")  # Friday's quote fills nothing on Monday
    exchange.quote("AAPL", 79.00, 79.02)
    assert state(exchange, gtc) == ("filled", "10")


def test_a_half_day_ends_at_one() -> None:
    exchange, _ = house("2026-11-27T15:00:00Z")
    day = send(exchange, kind="limit", limit_price=90)
    to(exchange, "2026-11-27T17:59:59Z")
    assert state(exchange, day) == ("new", "0")
    to(exchange, "2026-11-27T18:00:00Z")
    assert state(exchange, day) == ("expired", "0")
    assert exchange.hours.clock(exchange.now)["next_open"] == "2026-11-30T09:30:00-05:00"


def test_extended_hours_are_for_limits_that_asked() -> None:
    exchange, _ = house(FRIDAY + "T21:30:00Z")
    assert exchange.phase == "post"
    plain = send(exchange, kind="limit", limit_price=101)
    late = send(exchange, kind="limit", limit_price=100.5, extended_hours=True)
    assert (plain["status"], late["status"]) == ("accepted", "pending_new")
    assert state(exchange, late) == ("filled", "10") and state(exchange, plain) == ("accepted", "0")
    rest = send(exchange, kind="limit", limit_price=90, extended_hours=True)
    to(exchange, "2026-11-21T00:59:59Z")
    assert state(exchange, rest) == ("new", "0")
    to(exchange, "2026-11-21T01:00:00Z")  # eight in the evening
    assert state(exchange, rest) == ("expired", "0")
    to(exchange, "2026-11-23T14:30:00Z")
    assert state(exchange, plain) == ("new", "0")
    exchange.quote("AAPL", 100.00, 100.02)
    assert state(exchange, plain) == ("filled", "10")


def test_auctions() -> None:
    exchange, _ = house(FRIDAY + "T14:00:00Z")
    opening = send(exchange, time_in_force="opg")
    miss = send(exchange, kind="limit", limit_price=90, time_in_force="opg")
    assert opening["status"] == "accepted"
    to(exchange, FRIDAY + "T14:30:00Z")
    assert state(exchange, opening) == ("filled", "10")
    assert state(exchange, miss) == ("canceled", "0")
    closing = send(exchange, 4, "sell", time_in_force="cls")
    to(exchange, FRIDAY + "T20:00:00Z")
    exchange.quote("AAPL", 103.00, 103.02)
    assert state(exchange, closing) == ("accepted", "0")
    to(exchange, FRIDAY + "T21:00:00Z")
    assert state(exchange, closing) == ("filled", "4")
    assert exchange.accounts["K"].tickets[closing["id"]].average() == 103.00


def test_auction_hours() -> None:
    for at, tif in ((FRIDAY + "T14:28:00Z", "opg"), (FRIDAY + "T20:50:00Z", "cls")):
        exchange, _ = house(at)
        with pytest.raises(Refusal) as no:
            send(exchange, time_in_force=tif)
        assert (no.value.status, no.value.number) == (422, 42210000)
    exchange, _ = house("2026-11-21T00:30:00Z")  # half past seven in the evening: queued for the next day
    assert send(exchange, time_in_force="opg")["status"] == "accepted"


def test_a_cash_account_buys_with_settled_money_alone() -> None:
    exchange, _ = house(cash=10_000, multiplier=1)
    account = exchange.accounts["K"]
    send(exchange, 90)  # 9,001.80
    send(exchange, 90, "sell")  # 9,000.00 that settle on Monday
    view = account.view(exchange.market, exchange.now)
    assert (view["cash"], view["buying_power"]) == ("9998.20", "998.20")
    with pytest.raises(Refusal) as no:
        send(exchange, 20)
    assert no.value.extra == {"buying_power": "998.20", "cost_basis": "2060.412"}
    with pytest.raises(Refusal, match="not allowed to short"):
        send(exchange, 1, "sell")
    to(exchange, "2026-11-23T14:30:00Z")
    assert account.view(exchange.market, exchange.now)["buying_power"] == "9998.20"


def test_margin_of_the_new_rule() -> None:
    exchange, _ = house(cash=10_000)
    account = exchange.accounts["K"]
    view = account.view(exchange.market, exchange.now)
    assert view["buying_power"] == "20000"
    assert not {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"} & set(view)
    send(exchange, 100)
    view = account.view(exchange.market, exchange.now)
    # cash 10,000 - 10,002 = -2; long 100 x 100.01 = 10,001; equity 9,999; initial 5,000.50; 2 x 4,998.50
    assert (view["cash"], view["equity"], view["initial_margin"], view["buying_power"]) == ("-2", "9999", "5000.50", "9997")
    for _ in range(5):
        send(exchange, 10, "sell")  # as many day trades as one likes


def test_pattern_day_trading_of_the_old_rule() -> None:
    exchange, _ = house(cash=10_000, multiplier=4, regime="legacy_pdt")
    account = exchange.accounts["K"]
    for _ in range(3):
        send(exchange, 1)
        send(exchange, 1, "sell")
    assert account.view(exchange.market, exchange.now)["daytrade_count"] == 3
    send(exchange, 1)
    with pytest.raises(Refusal) as no:
        send(exchange, 1, "sell")
    assert (no.value.status, no.value.number) == (403, 40310100)
    to(exchange, "2026-11-23T15:00:00Z")
    send(exchange, 1, "sell")  # on another day it is no day trade


def test_four_times_for_day_traders() -> None:
    exchange, _ = house(cash=50_000, multiplier=4, regime="legacy_pdt")
    assert exchange.accounts["K"].view(exchange.market, exchange.now)["daytrading_buying_power"] == "200000"


def test_partial_fills_when_size_counts() -> None:
    exchange, frames = house(frac=1.0)
    exchange.quote("AAPL", 100.00, 100.02, 5, 4)
    order = send(exchange, 10)
    assert state(exchange, order) == ("partially_filled", "4")
    exchange.quote("AAPL", 100.00, 100.05, 5, 100)
    assert state(exchange, order) == ("filled", "10")
    assert [f["event"] for f in frames] == ["pending_new", "new", "partial_fill", "fill"]


def test_activities_page_by_the_last_id() -> None:
    exchange, _ = house()
    account = exchange.accounts["K"]
    for _ in range(5):
        send(exchange, 1)
    seen: list = []
    token = None
    while True:
        query = {"direction": "asc", "page_size": "2"} | ({"page_token": token} if token else {})
        status, rows = answer(exchange, account, "GET", "/v2/account/activities/FILL", query, b"")
        assert status == 200
        if not rows:
            break
        seen += [row["id"] for row in rows]
        token = rows[-1]["id"]
    assert len(seen) == len(set(seen)) == 5
    _, down = answer(exchange, account, "GET", "/v2/account/activities", {"page_size": "3"}, b"")
    assert [row["id"] for row in down] == seen[:1:-1]
    row = account.activities[-1].body
    assert (row["type"], row["price"], row["qty"], row["leaves_qty"], row["cum_qty"]) == ("fill", "100.02", "1", "0", "1")
    assert answer(exchange, account, "GET", "/v2/account/activities", {"page_token": "no"}, b"")[0] == 422
    _, cash = answer(exchange, account, "GET", "/v2/account/activities/CSD", {}, b"")
    assert [row["net_amount"] for row in cash] == ["100000"]


def test_portfolio_history() -> None:
    exchange, _ = house()
    account = exchange.accounts["K"]
    send(exchange, 10)
    for minute in range(1, 4):
        exchange.advance(parse(FRIDAY + "T15:00:00Z") + minute * MINUTE)
        exchange.quote("AAPL", 100.00 + minute, 100.02 + minute)
    _, body = answer(exchange, account, "GET", "/v2/account/portfolio/history", {"period": "1D", "timeframe": "1Min"}, b"")
    # bought at 100.02, counted at the middle: 100.01, 101.01, 102.01, and 103.01 now
    assert body["equity"] == [99_999.9, 100_009.9, 100_029.9]
    assert body["profit_loss"] == [-0.1, 9.9, 29.9] and body["base_value"] == 100_000.0
    assert answer(exchange, account, "GET", "/v2/account/portfolio/history", {"timeframe": "2Min"}, b"")[0] == 422


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", "/v2/orders", {"status": "odd"}, 422), ("GET", "/v2/orders", {"limit": "501"}, 422), ("GET", "/v2/orders", {"direction": "up"}, 422),
        ("GET", "/v2/orders", {"after": "soon"}, 422), ("GET", "/v2/orders/1234", {}, 422), ("GET", "/v3/orders", {}, 404),
        ("DELETE", "/v2/orders/00000000-0000-4000-8000-000000000000", {}, 404), ("GET", "/v2/positions/AAPL", {}, 404),
        ("GET", "/v2/positions/NONE", {}, 404), ("GET", "/v2/calendar", {"start": "2026-02-01", "end": "2026-01-01"}, 422),
        ("GET", "/v2/orders", {"nested": "True", "symbols": "AAPL", "side": "buy", "asset_class": "us_equity"}, 200),
        ("GET", "/v2/orders", {"nested": "perhaps"}, 422), ("GET", "/v1/corporate-actions", {}, 200),
    ],
)  # fmt: skip
def test_queries(method: str, path: str, query: dict, status: int) -> None:
    exchange, _ = house()
    assert answer(exchange, exchange.accounts["K"], method, path, query, b"")[0] == status


BAD = [
    ({"qty": 0}, 40010001), ({"qty": "ten"}, 40010001), ({"qty": None}, 40010001), ({"notional": 5}, 40010001), ({"side": "hold"}, 40010001),
    ({"symbol": ""}, 40010001), ({"symbol": "NONE"}, 42210000), ({"type": "limit"}, 40010001), ({"limit_price": 5}, 40010001),
    ({"type": "stop"}, 40010001), ({"type": "trailing_stop"}, 40010001), ({"type": "trailing_stop", "trail_price": 1, "trail_percent": 1}, 40010001),
    ({"time_in_force": "gtd"}, 40010001), ({"order_class": "mleg"}, 40010001), ({"order_class": "bracket"}, 42210000),
    ({"take_profit": {"limit_price": 110}}, 42210000), ({"qty": True}, 40010001), ({"type": "limit", "limit_price": -1}, 42210000),
    ({"qty": None, "notional": 0.5}, 42210000), ({"qty": None, "notional": 10.001}, 42210000),
    ({"qty": None, "notional": 10, "time_in_force": "gtc"}, 42210000),
    ({"type": "trailing_stop", "trail_percent": 1, "time_in_force": "ioc"}, 42210000),
    ({"side": "sell", "order_class": "oco", "take_profit": {"limit_price": 110}, "stop_loss": {"stop_price": 90}}, 40310000),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code"), BAD)
def test_what_is_no_order(change: dict, code: int) -> None:
    exchange, frames = house()
    with pytest.raises(Refusal) as no:
        send(exchange, **{"kind": change.pop("type", "market"), **change})
    assert no.value.number == code and frames == []


def test_prices_below_a_dollar_have_four_decimals() -> None:
    exchange, _ = house()
    assert send(exchange, kind="limit", limit_price="0.1234")["limit_price"] == "0.1234"
    with pytest.raises(Refusal, match="sub-penny"):
        send(exchange, kind="limit", limit_price="0.12345")


def test_a_tape_of_bars_fills_by_the_law_of_the_backtest() -> None:
    opens = [parse(f"2026-11-{day}T14:30:00Z") for day in (16, 17, 18)]
    columns = {
        "ts": np.array(opens), "known": np.array(opens) + 6 * HOUR + 30 * MINUTE, "instrument": np.zeros(3), "open": np.array([10.0, 11.0, 12.0]),
        "high": np.array([10.5, 11.5, 12.5]), "low": np.array([9.5, 10.2, 11.5]), "close": np.array([10.2, 11.2, 12.2]),
        "volume": np.full(3, 1e6), "span": np.full(3, 6 * HOUR + 30 * MINUTE),
    }  # fmt: skip
    tape = Taped.__new__(Taped)
    from argosy.exchange.feed import _moments

    tape._rows, tape.symbols, tape.by_bars, tape._place = list(_moments(Tape(Bar, columns))), ["AAPL"], True, 0
    tape.start, tape.due = opens[0] - DAY, tape._rows[0][0]
    exchange = Exchange(["AAPL"], [("K", "S")], tape.start, terms=Terms(limit_rule="through"))
    tape.begin(exchange)
    while tape.due <= opens[0] + 7 * HOUR:
        tape.step(exchange)
    exchange.advance(opens[0] + 7 * HOUR)
    bought, low = send(exchange), send(exchange, kind="limit", limit_price=10.25)
    closing = send(exchange, kind="limit", limit_price=10.01, time_in_force="gtc")
    while tape.due <= opens[1] + 7 * HOUR:
        tape.step(exchange)
    account = exchange.accounts["K"]
    prices = [account.tickets[o["id"]].average() for o in (bought, low)]
    assert prices == [11.0, 10.25]  # the open of the next bar; inside it, where it went through the limit
    assert state(exchange, closing) == ("new", "0")
    # the same orders straight into the law
    core = exchange._core()
    for number, terms in enumerate(({}, {"type": Type.LIMIT, "limit": 10.25}), 1):
        core.apply(Submit(Approved(Order(number, 0, 1, 10_000_000_000, **terms))), opens[0] + 7 * HOUR)
    bar = list(Tape(Bar, columns).rows())[1]
    assert [e.price for e in [*core.opening(bar), *core.apply(bar, bar.known)]] == prices
    exchange.audit()


def test_the_packaged_prices_are_a_tape() -> None:
    tape = Taped("demo", ["IBM"], parse("2008-09-15T00:00:00Z"))
    exchange = Exchange(tape.symbols, [("K", "S")], tape.start)
    tape.begin(exchange)
    assert len(exchange.market.boards[0].days) > 2000
    send_ibm = {"symbol": "IBM", "qty": "1.5", "side": "buy", "type": "market", "time_in_force": "day"}
    order = exchange.submit(exchange.accounts["K"], send_ibm)
    assert order["status"] == "accepted"
    for _ in range(2):
        tape.step(exchange)
    assert state(exchange, order) == ("filled", "1.5")
    exchange.audit()


@pytest.mark.parametrize("start", ["2026-11-20T21:30:00Z", "2026-11-20T22:00:00Z", "2026-11-20T23:59:30Z", "2026-11-21T02:00:00Z"])
def test_no_minute_stands_twice_behind_a_start_soon_after_a_close(start: str) -> None:
    feed = Live(["AAA"], parse(start), 1)
    exchange = Exchange(feed.symbols, [("K", "S")], parse(start), hours=Hours(forced=True))
    feed.begin(exchange)
    times = [minute.t for minute in exchange.market.boards[0].minutes]
    assert len(times) > 300 and times == sorted(set(times)) and times[-1] < parse(start)


def test_live_prices_tick_tightly_above_fifty() -> None:
    start = parse("2026-11-21T17:00:00Z")  # a Saturday: the market is open all the same
    feed = Live(["AAA", "BBB"], start, 1)
    exchange = Exchange(feed.symbols, [("K", "S")], start, hours=Hours(forced=True))
    feed.begin(exchange)
    assert exchange.hours.clock(start)["is_open"]
    seen: list = []
    exchange.market.told = lambda channel, symbol, row: seen.append((channel, symbol, row))
    while feed.due < start + 61 * SECOND:
        exchange.advance(feed.due)
        feed.step(exchange)
    exchange.advance(start + 61 * SECOND)
    quotes = [row for channel, symbol, row in seen if channel == "quotes" and symbol == "AAA"]
    assert len(quotes) >= 300  # five a second
    assert all(0 < row.ap - row.bp <= 0.04 and row.bp > 50 for row in quotes)
    assert [channel for channel, symbol, _ in seen if symbol == "AAA"].count("bars") == 1
    board = exchange.market.boards[0]
    assert len(board.minutes) > 300 and board.minutes == sorted(board.minutes, key=lambda m: m.t)
    assert abs(board.minutes[-2].c / quotes[0].bp - 1) < 0.01  # the history ends where the quotes begin


def test_splits_and_dividends() -> None:
    exchange, _ = house()
    account = exchange.accounts["K"]
    send(exchange, 10)  # 1,000.20
    target = send(exchange, 10, "sell", "limit", limit_price=120, time_in_force="gtc")
    corporate.dividend(exchange, "AAPL", 0.25)
    assert account.view(exchange.market, exchange.now)["cash"] == "99002.30"  # 98,999.80 + 10 x 0.25
    corporate.split(exchange, "AAPL", 2.0)
    exchange.quote("AAPL", 50.00, 50.02)
    position = account.holding(0, exchange.market)
    assert (position["qty"], position["avg_entry_price"], position["cost_basis"]) == ("20", "50.01", "1000.20")
    ticket = account.tickets[target["id"]]
    assert (ticket.view()["qty"], ticket.view()["limit_price"]) == ("20", "60")
    exchange.quote("AAPL", 61.00, 61.02)
    assert state(exchange, target) == ("filled", "20")
    assert account.view(exchange.market, exchange.now)["cash"] == "100202.30"  # + 20 x 60
    exchange.audit()
    _, body = answer(exchange, account, "GET", "/v1/corporate-actions", {"symbols": "AAPL"}, b"")
    assert [(kind, len(rows)) for kind, rows in body["corporate_actions"].items()] == [("cash_dividends", 1), ("forward_splits", 1)]
    kinds = [row.kind for row in account.activities]
    assert kinds == ["CSD", "FILL", "DIV", "SPLIT", "FILL"]


def test_the_packaged_split_of_apple() -> None:
    tape = Taped("demo", ["AAPL"], parse("2005-02-25T00:00:00Z"))  # two for one on the 28th
    exchange = Exchange(tape.symbols, [("K", "S")], tape.start)
    tape.begin(exchange)
    account = exchange.accounts["K"]
    exchange.submit(account, {"symbol": "AAPL", "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"})
    while tape.due < parse("2005-03-01T00:00:00Z"):
        tape.step(exchange)
    assert account.holding(0, exchange.market)["qty"] == "20"
    assert abs(account.equity(exchange.market) / 1e6 - 100_000) < 100
    exchange.audit()


def test_half_at_first_as_paper_accounts_do() -> None:
    exchange, frames = house(partial_frac=1.0)
    order = send(exchange, 10)
    assert state(exchange, order) == ("filled", "10")
    assert [(f["event"], f.get("qty")) for f in frames] == [("pending_new", None), ("new", None), ("partial_fill", "5"), ("fill", "5")]
    exchange, frames = house(partial_frac=0.1)
    for _ in range(300):
        send(exchange, 2)
    halves = sum(f["event"] == "partial_fill" for f in frames)
    assert 10 < halves < 60  # of 300, a tenth


def test_limits_far_away() -> None:
    exchange, _ = house(away_frac=0.05)
    send(exchange, kind="limit", limit_price=105)
    with pytest.raises(Refusal) as no:
        send(exchange, kind="limit", limit_price=106)
    assert no.value.number == 40310000


def test_a_replacement_may_carry_its_fills() -> None:
    exchange, _ = house(carries=True)
    account = exchange.accounts["K"]
    old = send(exchange, kind="limit", limit_price=99)
    exchange.execute(old["id"], 4, 99)
    new = exchange.replace(account, old["id"], {"limit_price": 98})
    assert (new["qty"], new["filled_qty"]) == ("10", "4")
    exchange.quote("AAPL", 97.00, 97.02)
    assert state(exchange, new) == ("filled", "10")
    assert account.holding(0, exchange.market)["qty"] == "10"
    exchange.audit()


def test_a_leg_that_waits_can_be_replaced() -> None:
    exchange, frames = house()
    account = exchange.accounts["K"]
    legs = {"take_profit": {"limit_price": 110}, "stop_loss": {"stop_price": 90}}
    entry = send(exchange, kind="limit", limit_price=99, order_class="bracket", **legs)
    stop = entry["legs"][1]
    new = exchange.replace(account, stop["id"], {"stop_price": 92})
    assert (state(exchange, stop), state(exchange, new)) == (("replaced", "0"), ("held", "0"))
    exchange.quote("AAPL", 98.00, 98.02)
    assert state(exchange, entry) == ("filled", "10")
    newer = exchange.replace(account, new["id"], {"stop_price": 95})  # and one that is alive
    assert state(exchange, new) == ("replaced", "0")
    exchange.quote("AAPL", 94.00, 94.02)
    assert state(exchange, newer) == ("filled", "10")
    assert account.tickets[newer["id"]].average() == 94.00
    assert state(exchange, entry["legs"][0]) == ("canceled", "0")
    assert [f["event"] for f in frames].count("replaced") == 2 and not account.positions
    assert account.holds == 0 and not any(account.reserved.values())
    exchange.audit()


def test_cost_goes_with_the_shares() -> None:
    exchange, _ = house()
    account = exchange.accounts["K"]
    send(exchange, 10)  # at 100.02
    exchange.quote("AAPL", 110.00, 110.02)
    send(exchange, 4, "sell")
    position = account.holding(0, exchange.market)
    assert (position["cost_basis"], position["avg_entry_price"], position["unrealized_pl"]) == ("600.12", "100.02", "59.94")  # 6 x (110.01 - 100.02)
    send(exchange, 2)
    assert account.holding(0, exchange.market)["cost_basis"] == "820.16"  # 600.12 + 2 x 110.02
    send(exchange, 8, "sell")
    send(exchange, 3, "sell")  # short, at 110.00
    position = account.holding(0, exchange.market)
    assert (position["qty"], position["side"], position["cost_basis"], position["avg_entry_price"]) == ("-3", "short", "-330", "110")


def test_shares_kept_for_a_pair_follow_either_leg() -> None:
    exchange, _ = house()
    account = exchange.accounts["K"]
    send(exchange, 10)
    pair = send(exchange, 10, "sell", "limit", order_class="oco", take_profit={"limit_price": 110}, stop_loss={"stop_price": 90})
    exchange.execute(pair["legs"][0]["id"], 4, 90)
    assert account.holding(0, exchange.market)["qty_available"] == "0"
    assert account.reserved[(0, -1)] == 6_000_000_000
    exchange.execute(pair["id"], 1, 110)
    assert account.reserved[(0, -1)] == 5_000_000_000
    exchange.cancel(account, pair["id"])
    assert account.holding(0, exchange.market)["qty_available"] == "5"


def test_the_gain_of_the_day_counts_from_the_last_close() -> None:
    exchange, _ = house()
    account = exchange.accounts["K"]
    exchange.trade("AAPL", 100.00, 10)
    send(exchange, 10)  # at 100.02
    exchange.quote("AAPL", 103.00, 103.02)
    exchange.trade("AAPL", 103.00, 10)
    to(exchange, FRIDAY + "T21:00:00Z")
    to(exchange, "2026-11-23T14:30:00Z")
    exchange.quote("AAPL", 104.00, 104.02)
    send(exchange, 10)  # at 104.02
    position = account.holding(0, exchange.market)
    # twenty at 104.01; ten since the close of 103.00, ten since 104.02: 10.10 - 0.10
    assert (position["lastday_price"], position["unrealized_intraday_pl"], position["unrealized_pl"]) == ("103", "10", "39.80")
    assert exchange.market.boards[0].days[-1].c == 103.00
    assert account.view(exchange.market, exchange.now)["last_equity"] == "100029.90"  # 100,000 + 10 x (103.01 - 100.02)
