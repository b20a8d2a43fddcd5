"""Time in steps: nothing moves by itself, a step answers when its frames are written, and the same requests get the same bytes."""

import asyncio
import json
from hashlib import blake2b

import aiohttp
import pytest
import requests

from argosy.core.errors import Misuse
from argosy.exchange.open import MONDAY, Wanted, opened, pace
from tests.exchange.official import KEY, OPEN, SECRET, Broker, wait

HEAD = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
WANTED = {"keys": ((KEY, SECRET),), "symbols": ["AAPL", "MSFT", "BTC/USD"], "control": True, "speed": "step"}


class Client:
    """All streams and REST of one exchange, byte by byte; it waits for frames by their counts."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.bytes: dict[str, list[bytes]] = {}
        self.records: dict[str, int] = {}
        self.replies: list[tuple[int, bytes, str]] = []
        self.tasks: list[asyncio.Task] = []
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def listen(self, path: str, hello: list[dict]) -> None:
        ws = await self.session.ws_connect(self.url + path)
        self.sockets.append(ws)
        said, self.bytes[path], self.records[path] = asyncio.Event(), [], 0

        async def hear() -> None:
            async for message in ws:
                raw = message.data if isinstance(message.data, bytes) else message.data.encode()
                self.bytes[path].append(raw)
                rows = json.loads(raw)
                if isinstance(rows, dict):
                    self.records[path] += rows["stream"] == "trade_updates"
                else:
                    self.records[path] += sum(row["T"] in ("q", "t", "b", "d", "o", "l", "n") for row in rows)
                if b"subscription" in raw or b"listening" in raw:
                    said.set()

        self.tasks.append(asyncio.create_task(hear()))
        for line in hello:
            await ws.send_str(json.dumps(line))
        await said.wait()

    async def ask(self, method: str, path: str, body: object = None) -> object:
        async with self.session.request(method, self.url + path, json=body, headers=HEAD) as reply:
            raw = await reply.read()
            self.replies.append((reply.status, raw, reply.headers.get("Date", "") if "_ctl" not in path else ""))
            return json.loads(raw or b"null")

    async def step(self, **span: object) -> dict:
        told = await self.ask("POST", "/_ctl/step", span)
        async with asyncio.timeout(10):
            while self.records["/stream"] < told["trading"]["total"] or sum(self.records.values()) < told["trading"]["total"] + told["data"]["total"]:
                await asyncio.sleep(0.001)
        return told


async def _session(url: str) -> tuple[Client, list[dict]]:
    auth = {"action": "auth", "key": KEY, "secret": SECRET}
    async with aiohttp.ClientSession() as session:
        client = Client(session, url)
        await client.listen("/stream", [auth, {"action": "listen", "data": {"streams": ["trade_updates"]}}])
        everything = {"action": "subscribe", "quotes": ["*"], "trades": ["*"], "bars": ["*"]}
        await client.listen("/v2/iex", [auth, everything])
        await client.listen("/v1beta3/crypto/us", [auth, everything | {"orderbooks": ["*"]}])
        await client.listen("/v1beta1/news", [auth, {"action": "subscribe", "news": ["*"]}])
        told = []
        for number in range(6):
            side = "buy" if number % 3 else "sell"
            order = {"symbol": "AAPL", "qty": 5 + number, "side": side, "type": "market", "time_in_force": "day"}
            await client.ask("POST", "/v2/orders", order)
            coin = {"symbol": "BTC/USD", "notional": "50", "side": "buy", "type": "market", "time_in_force": "gtc"}
            await client.ask("POST", "/v2/orders", coin)
            told.append(await client.step(seconds=20.5))
            await client.ask("GET", "/v2/account")
            await client.ask("GET", "/v2/orders?status=all")
        await client.ask("GET", "/v2/account/activities")
        for task in client.tasks:
            task.cancel()
        await asyncio.gather(*client.tasks, return_exceptions=True)
        await asyncio.gather(*(ws.close() for ws in client.sockets))
        for ws in client.sockets:
            ws._response.close()  # the library leaves that of a connection that was lost meanwhile to whoever clears up
        return client, told


def _digest(client: Client) -> dict[str, str]:
    out = {path: blake2b(b"\n".join(rows)).hexdigest() for path, rows in client.bytes.items()}
    return out | {"rest": blake2b(repr(client.replies).encode()).hexdigest()}


def _play(seed: int) -> tuple[dict[str, str], Client, list[dict]]:
    with opened(Wanted(seed=seed, **WANTED), OPEN) as server:
        client, told = asyncio.run(_session(server.url))
    return _digest(client), client, told


def test_the_same_requests_get_the_same_bytes() -> None:
    first, client, told = _play(11)
    again, _, _ = _play(11)
    assert first == again
    other, _, _ = _play(12)
    assert {path for path in first if first[path] == other[path]} == set()
    assert sum(row["data"]["sent"] for row in told) == told[-1]["data"]["total"] > 1500
    assert told[-1]["trading"]["total"] == client.records["/stream"] >= 20
    assert client.records["/v1beta1/news"] == 2  # one a minute
    assert told[-1]["now"] == "2026-11-20T15:02:03.000000000Z"
    assert all(row["written"] for row in told)


def test_nothing_moves_between_steps() -> None:
    with opened(Wanted(**WANTED), OPEN) as server:
        house = Broker(server)
        house.quote(100.00, 100.02)
        before = house.trading.get_clock().timestamp
        count = len(server.exchange.market.boards[0].quotes)
        with house.market(quotes=("AAPL",)) as heard:
            wait(lambda: server.hub.peers["data"])
            assert house.trading.get_clock().timestamp == before and not heard
            told = house.ctl("step", seconds=2)
            assert told["rows"] == 31 and told["data"]["sent"] == 11  # one symbol ticks at 0.0, 0.2 ... 2.0, two a little later
            wait(lambda: len(heard) == 11)
            assert (house.trading.get_clock().timestamp - before).total_seconds() == 2
            assert len(server.exchange.market.boards[0].quotes) == count + 11
            connection = told["connections"][0]
            assert (connection["stream"], connection["key"], connection["total"]) == ("data", KEY, 11)
        assert house.ctl("step", seconds=0)["rows"] == 0
        assert house.ctl("step", until="2026-11-20T16:00:00Z")["now"] == "2026-11-20T16:00:00.000000000Z"
        assert house.trading.get_clock().timestamp.hour == 11


def test_frames_that_are_late_come_with_their_step() -> None:
    with opened(Wanted(**WANTED), OPEN) as server:
        house = Broker(server)
        with house.updates() as heard:
            house.ctl("frames", stream="trading", delay=1.5)
            house.trading.post("/orders", {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"})
            assert house.ctl("step", seconds=1.4)["connections"][0]["total"] == 0 and heard == []
            assert house.ctl("step", seconds=0.2)["connections"][0]["total"] == 3
            wait(lambda: len(heard) == 3)


def test_days_pass_in_a_step_with_their_sessions() -> None:
    with opened(Wanted(keys=((KEY, SECRET),), symbols=["AAPL"], feed="tape:demo", control=True, speed="step", start="2012-01-03")) as server:
        house = Broker(server)
        order = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": 1, "time_in_force": "day"}
        first = house.trading.post("/orders", order)
        house.ctl("step", until="2012-01-05")
        assert house.trading.get_order_by_id(first["id"]).status.value == "expired"
        assert house.trading.get_clock().timestamp.day in (4, 5)


@pytest.mark.parametrize("body", [{}, {"seconds": 1, "until": "2026-11-21"}, {"until": "2020-01-01"}, {"seconds": -1}, {"until": "soon"}])
def test_what_is_no_step(body: dict) -> None:
    with opened(Wanted(**WANTED), OPEN) as server:
        reply = requests.post(f"{server.url}/_ctl/step", json=body, timeout=5)
        assert reply.status_code == 400 and reply.json()["message"]


def test_a_start_of_its_own_makes_two_runs_alike() -> None:
    for _ in range(2):
        with opened(Wanted(**WANTED)) as server:
            assert Broker(server).ctl("stats")["now"] == MONDAY.replace("Z", ".000000000Z")


@pytest.mark.parametrize(("text", "found"), [("1", (1.0, False)), (2.5, (2.5, False)), ("max", (float("inf"), False)), ("step", (1.0, True))])
def test_paces(text: str | float, found: tuple[float, bool]) -> None:
    assert pace(text) == found


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", ""])
def test_what_is_no_pace(text: str) -> None:
    with pytest.raises(Misuse, match="EXCHANGE_SPEED"):
        pace(text)


def test_a_long_step_is_written_piece_by_piece() -> None:
    with opened(Wanted(**WANTED), OPEN) as server:
        house = Broker(server)
        house.ctl("ws", slow_at=3000)  # ten minutes are eighteen thousand records: more than may wait for a client at once
        with house.market(quotes=("*",), trades=("*",)) as heard:
            told = house.ctl("step", seconds=600)
            assert told["rows"] == 600 * 5 * 3 + 1 and told["written"]
            wait(lambda: len(heard) == told["data"]["sent"], 20)
            assert all(not peer.slow for peer in server.hub.peers["data"])
