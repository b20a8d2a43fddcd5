"""The emergency itself, on a real exchange: what is cancelled, what stays, what is closed, and what happens when the broker will not."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from argosy.core.errors import Misconfigured, Misuse
from argosy.desk.kill import Kill, Result
from argosy.exchange.server import Server
from argosy.net.outcome import Answered, Outcome
from argosy.net.secret import Secret
from argosy.venues.alpaca.answer import Accepted
from argosy.venues.alpaca.client import Client
from argosy.venues.alpaca.leaving import Leaving, leave
from tests.desk.emergency import client, control, exchange, held, live, order


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.desk.kill.SETTLE_S", 0.15)


def kill(server: Server, within_s: float = 8.0, per_minute: int = 60_000, **named: Any) -> tuple[Result, list[tuple[str, str, dict[str, Any]]]]:
    told: list[tuple[str, str, dict[str, Any]]] = []

    async def go() -> Result:
        door = client(server, per_minute)
        try:
            return await Kill(door, told=lambda *said: told.append(said), **named).run(within_s)
        finally:
            await door.close()

    return asyncio.run(go()), told


def test_entries_go_and_stops_stay() -> None:
    with exchange() as server:
        order(server, "AAA", "buy", 10)
        stop = order(server, "AAA", "sell", 10, "stop", stop_price="90", position_intent="sell_to_close")
        for n in range(5):
            order(server, "BBB", "buy", 1 + n, "limit", limit_price="40")
        bracket = order(
            server, "CCC", "buy", 5, "limit", limit_price="9", order_class="bracket", take_profit={"limit_price": "12"}, stop_loss={"stop_price": "8"}
        )
        assert len(live(server)) == 1 + 5 + 3
        result, _ = kill(server)
        assert [row["id"] for row in live(server)] == [stop["id"]] and held(server) == {"AAA": 10.0}
        assert (result.clean, result.cancels, result.exits, result.kept) == (True, 6, 0, 1) and bracket["legs"]


def test_a_filled_bracket_keeps_its_legs() -> None:
    with exchange() as server:
        order(server, "CCC", "buy", 5, order_class="bracket", take_profit={"limit_price": "12"}, stop_loss={"stop_price": "8"})
        result, _ = kill(server)
        assert {row["type"] for row in live(server)} == {"limit", "stop"} and held(server) == {"CCC": 5.0}
        assert (result.clean, result.cancels, result.exits) == (True, 0, 0)


@pytest.mark.parametrize(("flatten", "left"), [("none", {"AAA": 10.0, "BBB": -4.0}), ("unprotected", {"AAA": 10.0}), ("all", {})])
def test_what_is_closed_is_a_matter_of_policy(flatten: Any, left: dict[str, float]) -> None:
    with exchange() as server:
        order(server, "AAA", "buy", 10)
        order(server, "AAA", "sell", 10, "stop", stop_price="90")
        order(server, "BBB", "sell", 4)
        result, _ = kill(server, flatten=flatten)
        assert held(server) == left and result.clean
        assert len(live(server)) == (0 if flatten == "all" else 1)


def test_a_target_that_holds_the_shares_is_taken_away_before_the_exit() -> None:
    with exchange() as server:
        order(server, "AAA", "buy", 10)
        order(server, "AAA", "sell", 10, "limit", limit_price="150")
        result, told = kill(server)
        assert result.clean and held(server) == {} and live(server) == []
        assert [word for _, word, _ in told if word in ("freeing", "exit")] == ["freeing", "exit"]


def test_shares_that_the_broker_keeps_back_are_asked_for_again() -> None:
    """403: the broker holds the shares for an order that it does not show as ours to free at once."""
    with exchange() as server:
        order(server, "AAA", "buy", 10)
        body = {"code": 40310000, "message": "insufficient qty available for order (requested: 10, available: 0)", "held_for_orders": "10"}
        control(server, "fault", method="POST", path="/v2/orders", status=403, body=body, times=2)
        result, told = kill(server)
        answers = [numbers["answer"] for _, word, numbers in told if word == "exit"]
        assert answers[0].startswith("40310000 insufficient") and answers[-1] == "accepted"
        assert result.clean and held(server) == {}


def test_an_exit_that_finds_nobody_is_priced_anew_and_at_last_goes_at_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.desk.kill.REPRICE_S", 0.2)
    monkeypatch.setattr("argosy.desk.kill.MARKET_AFTER", 2)
    with exchange() as server:
        order(server, "AAA", "buy", 10)
        control(server, "quote", symbol="AAA", bid=50, ask=99.9, bid_size=1000, ask_size=1000)  # the last price is far above the bid
        result, told = kill(server, within_s=15)
        tries = [numbers["try"] for _, word, numbers in told if word == "exit"]
        assert result.clean and held(server) == {} and tries[0] == 0 and tries == sorted(tries)


def test_a_cancel_that_hangs_is_said_loudly_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.desk.kill.AGAIN_S", 0.3)
    with exchange() as server:
        hung = order(server, "BBB", "buy", 1, "limit", limit_price="40")
        control(server, "hold_cancels", on=True)
        result, told = kill(server, within_s=2)
        assert not result.clean and live(server)[0]["status"] == "pending_cancel"
        assert any("hangs" in text for text in result.stuck) and result.cancels >= 3
        assert ("page", "not clean") in [(severity, word) for severity, word, _ in told]
        control(server, "event", order_id=hung["id"], event="canceled")
        assert kill(server)[0].clean


def test_a_busy_and_a_broken_broker_are_waited_for() -> None:
    with exchange() as server:
        for _ in range(3):
            order(server, "BBB", "buy", 1, "limit", limit_price="40")
        control(server, "fault", method="GET", path="/v2/orders", status=503, times=2)
        control(server, "fault", method="GET", path="/v2/positions", drop=True, times=1)
        control(server, "fault", method="DELETE", path="/v2/orders", status=500, times=2)
        control(server, "fault", method="DELETE", path="/v2/orders", status=429, times=1)
        result, _ = kill(server, within_s=20)
        assert result.clean and live(server) == []


def test_many_orders_and_nothing_to_keep_are_one_request() -> None:
    with exchange() as server:
        for n in range(30):
            order(server, "BBB", "buy", 1, "limit", limit_price=str(20 + n / 2))
        before = control(server, "stats")["requests"]
        result, _ = kill(server)
        assert result.clean and live(server) == [] and control(server, "stats")["requests"] - before <= 8


def test_a_rate_limit_smaller_than_the_number_of_orders_does_not_stop_it() -> None:
    """60 orders to cancel one by one, since a stop is to be kept; 60 requests in two seconds."""
    with exchange() as server:
        order(server, "AAA", "buy", 1)
        order(server, "AAA", "sell", 1, "stop", stop_price="90")
        for n in range(60):
            order(server, "BBB", "buy", 1, "limit", limit_price=str(10 + n / 2))
        control(server, "rate_limit", limit=40, window_s=2)
        result, _ = kill(server, within_s=20)
        control(server, "rate_limit", limit=0)
        assert result.clean and [row["type"] for row in live(server)] == ["stop"]


def test_outside_regular_hours_an_exit_is_a_limit_for_extended_hours_and_in_the_night_nothing_is_touched() -> None:
    """Monday, 9 November 2026 in New York: 18:30 is after the close, 21:30 is the night."""
    with exchange(start="2026-11-09T15:30:00Z") as server:
        order(server, "AAA", "buy", 10)
        order(server, "AAA", "sell", 10, "limit", limit_price="150")
        server.exchange.hours.forced = None
        control(server, "clock", is_open=False)
        when = {"now": "18:30"}
        real = server.exchange.hours.clock

        def clock(now: int) -> dict[str, Any]:
            return real(now) | {"is_open": False, "timestamp": f"2026-11-09T{when['now']}:00-05:00"}

        server.exchange.hours.clock = clock  # type: ignore[method-assign]
        when["now"] = "21:30"
        result, told = kill(server, within_s=1.5, flatten="all")
        assert not result.clean and len(live(server)) == 1 and "the market is closed" in result.stuck[0]
        assert "freeing" not in [word for _, word, _ in told]
        when["now"] = "18:30"
        kill(server, within_s=2.0, flatten="all")
        (left,) = live(server)
        assert (left["extended_hours"], left["type"], left["position_intent"], left["limit_price"]) == (True, "limit", "sell_to_close", "96.99")


def test_a_broker_that_tells_nothing_is_asked_again_and_never_taken_for_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.desk.kill.LOOK_S", 0.1)

    async def go() -> Result:
        door = leave("sim", Secret("PK"), Secret("s"), base="http://127.0.0.1:9")
        try:
            return await Kill(door).run(1.0)
        finally:
            await door.close()

    result = asyncio.run(go())
    assert (result.clean, result.orders, result.positions) == (False, -1, -1) and "does not tell" in result.stuck[0] and result.looks >= 2


def test_a_broker_that_says_no_for_a_while_is_looked_at_again_until_it_is_clean() -> None:
    with exchange() as server:
        order(server, "BBB", "buy", 1, "limit", limit_price="40")
        control(server, "fault", method="GET", path="/v2/orders", status=403, times=2)
        control(server, "fault", method="GET", path="/v2/positions", status=403, times=1)
        result, told = kill(server)
        loud = [numbers["text"] for _, word, numbers in told if word == "stuck"]
        assert result.clean and live(server) == [] and result.looks >= 4 and "does not tell what is open: HTTP_403" in loud[0]


def test_one_request_for_all_that_fails_is_followed_by_one_for_each() -> None:
    with exchange() as server:
        for n in range(22):
            order(server, "BBB", "buy", 1, "limit", limit_price=str(20 + n / 2))
        control(server, "fault", method="DELETE", path="/v2/orders", status=403, times=1)
        result, _ = kill(server)
        assert result.clean and live(server) == [] and result.cancels >= 44  # all at once, and then one by one


def test_a_clock_that_nobody_tells_counts_as_the_regular_day() -> None:
    with exchange() as server:
        order(server, "CCC", "buy", 7)
        control(server, "fault", method="GET", path="/v2/clock", status=403, times=None)
        result, told = kill(server)
        assert result.clean and held(server) == {}
        assert {numbers["phase"] for _, word, numbers in told if word == "exit"} == {"regular"}


@pytest.mark.parametrize("regular", [True, False])
def test_a_position_without_a_price_leaves_at_the_market_or_is_said_loudly(regular: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with exchange(start="2026-11-09T15:30:00Z") as server:
        order(server, "CCC", "buy", 7)
        shown, clock = Client.positions, server.exchange.hours.clock

        async def priceless(self: Client, **named: Any) -> Any:
            told = await shown(self, **named)
            return Accepted([msgspec.structs.replace(row, current_price=None) for row in told.value])  # type: ignore[union-attr]

        monkeypatch.setattr(Client, "positions", priceless)
        if not regular:
            when = {"is_open": False, "timestamp": "2026-11-09T18:30:00-05:00"}
            server.exchange.hours.clock = lambda now: clock(now) | when  # type: ignore[method-assign]
        result, told = kill(server, within_s=8.0 if regular else 1.0)
        assert (result.clean, held(server)) == ((True, {}) if regular else (False, {"CCC": 7.0}))
        loud = [numbers["text"] for _, word, numbers in told if word == "stuck"]
        assert loud == ([] if regular else ["CCC has no price, and outside regular hours only a limit leaves"])


def test_when_nothing_moves_the_owner_is_sent_to_the_brokers_own_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.desk.kill.STUCK_S", 0.3)
    with exchange() as server:
        order(server, "BBB", "buy", 1, "limit", limit_price="40")
        control(server, "hold_cancels", on=True)
        result, _ = kill(server, within_s=1.5)
        assert not result.clean and any("nothing has moved" in text and "the broker's own page" in text for text in result.stuck)


class Told:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    async def call(self, method: str, path: str, **named: Any) -> Outcome:
        self.heard.append((method, path))
        return Answered(200, b"{}", {})

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("method", "path", "body", "passes"),
    [
        ("GET", "/v2/account", b"", True),
        ("DELETE", "/v2/orders", b"", True),
        ("DELETE", "/v2/orders/1", b"", True),
        ("DELETE", "/v2/positions/AAA", b"", True),
        ("DELETE", "/v2/positions", b"", False),  # closes what nobody looked at
        ("DELETE", "/v2/watchlists/1", b"", False),
        ("POST", "/v2/orders", b'{"position_intent": "sell_to_close"}', True),
        ("POST", "/v2/orders", b'{"position_intent": "buy_to_close", "order_class": "simple"}', True),
        ("POST", "/v2/orders", b'{"position_intent": "buy_to_open"}', False),
        ("POST", "/v2/orders", b'{"side": "sell"}', False),
        ("POST", "/v2/orders", b'{"position_intent": "sell_to_close", "order_class": "bracket"}', False),
        ("POST", "/v2/orders", b"[]", False),
        ("POST", "/v2/orders", b"{", False),
        ("PATCH", "/v2/orders/1", b"{}", False),
        ("PATCH", "/v2/account/configurations", b"{}", False),
    ],
)
def test_nothing_that_opens_comes_through_the_emergency_door(method: str, path: str, body: bytes, passes: bool) -> None:
    told = Told()
    if passes:
        asyncio.run(Leaving(told).call(method, path, body=body))
    else:
        with pytest.raises(Misuse, match="CLOSING_ONLY"):
            asyncio.run(Leaving(told).call(method, path, body=body))
    assert told.heard == ([(method, path)] if passes else [])


@pytest.mark.parametrize(
    ("mode", "key", "base", "code"),
    [
        ("sim", "PK1", "https://api.alpaca.markets", "HOST_FORBIDDEN"),
        ("live", "PK1", "", "KEY_MODE"),
        ("live", "AK1", "https://paper-api.alpaca.markets", "HOST_FORBIDDEN"),
        ("paper", "AK1", "", "KEY_MODE"),
        ("paper", "PK1", "http://127.0.0.1:1", "HOST_FORBIDDEN"),
    ],
)
def test_the_emergency_door_leads_to_the_modes_own_host_alone(mode: Any, key: str, base: str, code: str) -> None:
    with pytest.raises(Misconfigured, match=code):
        leave(mode, Secret(key), Secret("s"), base=base)


def test_the_emergency_door_to_real_money_needs_no_arming() -> None:
    assert leave("live", Secret("AK1"), Secret("s")) is not None
