"""What a sceptical reader found: odd words never break the exchange, and nothing fills that the real one would not."""

from __future__ import annotations

import asyncio
import json

import pytest

from argosy.core.errors import Misuse
from argosy.exchange.open import Wanted, build, opened
from argosy.exchange.rest import answer
from argosy.exchange.wire import Refusal
from argosy.net.secret import Secret
from argosy.venues.alpaca.answer import Accepted, Refused
from argosy.venues.alpaca.client import connect
from argosy.venues.alpaca.modes import place
from tests.exchange.test_sessions import FRIDAY, house, send, state, to

ODD = ["1e999999999", "1e-999999999", "9" * 5000, "1_000", " 1 ", "\u0661", "NaN", "-Infinity", "0x1", "", [1], {"a": 1}, True]


def ask(exchange, method: str, path: str, query: dict | None = None, body: object = None) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _ = answer(exchange, exchange.accounts["K"], method, path, query or {}, raw)
    return status


@pytest.mark.parametrize("value", ODD, ids=lambda value: str(value)[:12] or "empty")
def test_an_odd_number_is_refused_and_breaks_nothing(value: object) -> None:
    exchange, frames = house()
    plain = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day"}
    legs = {"order_class": "bracket", "take_profit": {"limit_price": 110}, "stop_loss": {"stop_price": value}}
    for body in (
        {**plain, "qty": value}, {**plain, "notional": value}, {**plain, "qty": 1, "type": "limit", "limit_price": value},
        {**plain, "qty": 1, "type": "trailing_stop", "trail_percent": value}, {**plain, "qty": 1, **legs},
    ):  # fmt: skip
        assert ask(exchange, "POST", "/v2/orders", body=body) == 422
    assert frames == []


@pytest.mark.parametrize("text", ["\u00b2", "9" * 5000, "-1", "1.5", "", "0"])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v2/orders", "limit"), ("/v2/account/activities", "page_size"), ("/v2/stocks/bars", "limit"), ("/v1beta1/news", "limit"),
        ("/v1/corporate-actions", "limit"), ("/v2/options/contracts", "limit"), ("/v2/account/portfolio/history", "period"),
        ("/v1beta1/screener/stocks/most-actives", "top"),
    ],
)  # fmt: skip
def test_a_limit_that_is_no_number_is_a_refusal(path: str, field: str, text: str) -> None:
    exchange, _ = house()
    assert ask(exchange, "GET", path, {"symbols": "AAPL", "timeframe": "1Min", field: text}) in (400, 422)


def test_nothing_is_a_number_in_options_and_a_deep_body_is_no_body() -> None:
    exchange, _ = house()
    assert ask(exchange, "GET", "/v2/options/contracts", {"strike_price_gte": "NaN"}) == 422
    assert ask(exchange, "GET", "/v1beta1/options/snapshots/AAPL", {"limit": "many"}) == 400
    assert ask(exchange, "POST", "/v2/orders", body=b"[" * 100_000) == 400


@pytest.mark.parametrize("oco", [False, True])
def test_a_stop_whose_shares_another_keeps_cannot_grow_beyond_them(oco: bool) -> None:
    exchange, _ = house()
    account = exchange.accounts["K"]
    legs = {"take_profit": {"limit_price": 110}, "stop_loss": {"stop_price": 90}}
    if oco:
        send(exchange)
        whole = send(exchange, side="sell", kind="limit", order_class="oco", **legs)
    else:
        whole = send(exchange, order_class="bracket", **legs)
    stop = next(leg for leg in exchange.find(account, whole["id"]).legs if leg.kind == "stop")
    with pytest.raises(Refusal) as no:
        exchange.replace(account, stop.id, {"qty": "25"})
    assert no.value.number == 40310000 and stop.status == "held"
    fresh = exchange.replace(account, stop.id, {"qty": "10", "stop_price": "91"})
    exchange.quote("AAPL", 85.00, 85.02)
    assert state(exchange, fresh) == ("filled", "10") and account.positions == {}


@pytest.mark.parametrize(
    ("order", "change"),
    [
        ({"kind": "limit", "limit_price": 50, "time_in_force": "gtc"}, {"qty": "1.5"}),
        ({"kind": "limit", "limit_price": 50, "qty": 1.5}, {"time_in_force": "gtc"}),
        ({"kind": "stop", "stop_price": 150}, {"time_in_force": "ioc"}),
        ({"kind": "limit", "limit_price": 50, "extended_hours": True}, {"time_in_force": "fok"}),
        ({"kind": "limit", "limit_price": 50}, {"time_in_force": "opg"}),
        ({"kind": "trailing_stop", "trail_price": 1}, {"time_in_force": "cls"}),
        ({"kind": "limit", "limit_price": 50, "order_class": "bracket", "take_profit": {"limit_price": 60}, "stop_loss": {"stop_price": 40}},
         {"time_in_force": "ioc"}),
    ],
)  # fmt: skip
def test_a_replacement_cannot_become_what_could_not_be_sent(order: dict, change: dict) -> None:
    exchange, _ = house()
    old = send(exchange, **order)
    with pytest.raises(Refusal) as no:
        exchange.replace(exchange.accounts["K"], old["id"], change)
    assert no.value.number == 42210000 and state(exchange, old) == ("new", "0")


def test_a_stop_to_buy_needs_what_it_may_pay() -> None:
    exchange, _ = house(cash=10_000)  # buying power 20,000; its limit is 200 x 1.025 = 205, of which 97 cost 19,885 and 98 cost 20,090
    with pytest.raises(Refusal) as no:
        send(exchange, 98, kind="stop", stop_price=200)
    assert no.value.extra == {"buying_power": "20000", "cost_basis": "20090"}
    send(exchange, 97, kind="stop", stop_price=200)
    exchange, _ = house(cash=10_000)  # a trail of ten dollars above 100.02
    with pytest.raises(Refusal) as no:
        send(exchange, 182, kind="trailing_stop", trail_price=10)
    assert no.value.extra["cost_basis"] == "20023.64"


@pytest.mark.parametrize(("price", "filled"), [(130.0, "7.692307692"), (80.0, "12.5")])
def test_an_amount_that_waited_for_the_open_buys_for_that_amount(price: float, filled: str) -> None:
    exchange, _ = house(FRIDAY + "T22:00:00Z")
    account = exchange.accounts["K"]
    order = send(exchange, None, notional=1000)
    to(exchange, "2026-11-23T14:30:00Z")
    exchange.quote("AAPL", price - 0.01, price)
    assert state(exchange, order) == ("filled", filled)
    assert abs(account.cash - 99_000_000_000) < 2 and account.holds == 0
    exchange.audit()


@pytest.mark.parametrize(
    "odd",
    [
        {"port": 99_999}, {"port": -1}, {"limit": -5}, {"seed": -1}, {"cash": -5}, {"keys": ()}, {"keys": (("A", ""),)},
        {"keys": (("A", "x"),) * 2},
    ],
)  # fmt: skip

def test_flags_that_mean_nothing_are_named(odd: dict) -> None:
    with pytest.raises(Misuse):
        build(Wanted(**odd))


@pytest.mark.parametrize("order", [{}, {"time_in_force": "opg"}])
def test_an_order_of_the_night_fills_at_the_first_quote_of_the_day_and_not_at_the_last_of_the_one_before(order: dict) -> None:
    exchange, frames = house(FRIDAY + "T20:59:00Z")
    to(exchange, "2026-11-21T00:30:00Z")
    sent = send(exchange, **order)
    to(exchange, "2026-11-23T14:30:00Z")
    assert state(exchange, sent) == ("new", "0")
    exchange.quote("AAPL", 90.00, 90.02)
    assert state(exchange, sent) == ("filled", "10") and frames[-1]["price"] == "90.02"
    again = send(exchange)
    assert state(exchange, again) == ("filled", "10")


def test_a_quote_of_the_same_morning_opens_the_day() -> None:
    exchange, frames = house(FRIDAY + "T22:00:00Z")
    sent = send(exchange)
    to(exchange, "2026-11-23T13:00:00Z")
    exchange.quote("AAPL", 95.00, 95.02)
    to(exchange, "2026-11-23T14:30:00Z")
    assert state(exchange, sent) == ("filled", "10") and frames[-1]["price"] == "95.02"


def test_an_id_that_another_order_has_is_not_taken_for_that_order() -> None:
    async def work() -> None:
        with opened(Wanted(control=True, seed=3)) as server:
            client = connect(place("sim", base=server.url), Secret("PKSIM"), Secret("secret"))
            old = {"symbol": "AAPL", "side": "buy", "qty": "10", "type": "limit", "limit_price": "50", "time_in_force": "day"}
            named = old | {"client_order_id": "DESK1"}
            first = await client.submit(json.dumps(named).encode(), "DESK1")
            assert isinstance(first, Accepted)
            for changed in ({}, {"qty": "10.0"}):  # the same decision again is the same order
                again = await client.submit(json.dumps(named | changed).encode(), "DESK1")
                assert isinstance(again, Accepted) and again.value.id == first.value.id
            for changed in ({"symbol": "MSFT"}, {"side": "sell", "limit_price": "5000"}, {"qty": "11"}):
                other = await client.submit(json.dumps(named | changed).encode(), "DESK1")
                assert isinstance(other, Refused) and other.code == "ID_TAKEN", other
            await client.close()

    asyncio.run(work())


def test_a_reset_gives_a_new_account_its_configuration_back() -> None:
    exchange, _ = house()
    changed = {"suspend_trade": True, "no_shorting": True, "max_margin_multiplier": "1"}
    assert ask(exchange, "PATCH", "/v2/account/configurations", body=changed) == 200
    exchange.reset()
    account = exchange.accounts["K"]
    assert account.view(exchange.market, exchange.now)["buying_power"] == "200000"
    assert state(exchange, send(exchange, side="sell")) == ("filled", "10")


@pytest.mark.parametrize(("price", "left"), [(80.0, 0), (200.0, 5_000_000_000)])
def test_an_amount_sold_at_the_open_never_crosses_zero(price: float, left: int) -> None:
    exchange, _ = house()
    account = exchange.accounts["K"]
    send(exchange, 10)
    to(exchange, FRIDAY + "T22:00:00Z")
    order = send(exchange, None, side="sell", notional=1000)
    to(exchange, "2026-11-23T14:30:00Z")
    exchange.quote("AAPL", price, price + 0.02)
    assert state(exchange, order)[0] == "filled" and account.reserved.get((0, -1), 0) == 0
    assert account.lots(0) == left
    exchange.audit()
