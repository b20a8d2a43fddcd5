"""A small Alpaca on loopback for the tests of the client: a real server, with faults on demand; its law of orders is a few lines."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from aiohttp import WSMsgType, web

KEY, SECRET = "PKTESTKEY0123456789", "verysecretvalue0123456789"
OPEN = {"new", "accepted", "pending_new", "partially_filled", "held"}
FAULTS = ("drop_before", "drop_after", "504_before", "504_after", "delay_before", "delay_after", "torn_after")


def stamp() -> str:
    now = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9:09d}Z"


class Alpaca:
    """fault: asked for each request with (method, path); one of FAULTS, "429", or "" for none. delay_s: how long a delay is."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.names: dict[str, str] = {}
        self.activities: list[dict[str, Any]] = []
        self.positions: Counter[str] = Counter()
        self.fault: Callable[[str, str], str] = lambda method, path: ""
        self.delay_s = 0.2
        self.seen: list[tuple[str, str, float]] = []
        self.posts: Counter[str] = Counter()
        self.sockets: set[web.WebSocketResponse] = set()
        self.binary = True
        self.mute_account = False
        self.data_connections = 0
        self.data_error: tuple[int, str] | None = None
        self.subscriptions: list[dict[str, Any]] = []
        self.data_sockets: set[web.WebSocketResponse] = set()
        self.limit = (200, 199, 60)
        self.limited_until = 0.0
        self.extra: dict[str, Any] = {}
        self.cash = "100000"
        self._number = 0
        self._sends: set[Any] = set()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Alpaca:
        app = web.Application()
        app.router.add_get("/stream", self._account)
        app.router.add_get("/v2/iex", self._data)
        app.router.add_route("*", "/{path:.*}", self._request)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in [*self.sockets, *self.data_sockets]:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        await self._runner.cleanup()

    # -- REST ------------------------------------------------------------------------------------------------------------

    async def _request(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        path = request.path
        self.seen.append((request.method, path, time.monotonic()))
        if request.headers.get("APCA-API-KEY-ID") != KEY or request.headers.get("APCA-API-SECRET-KEY") != SECRET:
            return web.json_response({"message": "forbidden."}, status=403)
        if time.monotonic() < self.limited_until:
            return self._answer(429, {"code": 42910000, "message": "rate limit exceeded"}, self.limited_until)
        fault = self.fault(request.method, path)
        if fault == "429":
            return self._answer(429, {"code": 42910000, "message": "rate limit exceeded"})
        if fault == "drop_before":
            request.transport.abort()
            return web.Response()
        if fault == "504_before":
            return self._answer(504, {"message": "gateway timeout"})
        if fault == "delay_before":
            await asyncio.sleep(self.delay_s)
        status, answer = self._act(request, json.loads(body) if body else {})
        if fault == "drop_after":
            request.transport.abort()
            return web.Response()
        if fault == "504_after":
            return self._answer(504, {"message": "gateway timeout"})
        if fault == "delay_after":
            await asyncio.sleep(self.delay_s)
        if fault == "torn_after":
            return web.Response(body=json.dumps(answer).encode()[:-7], content_type="application/json")
        return self._answer(status, answer)

    def _answer(self, status: int, body: Any, reset: float | None = None) -> web.Response:
        limit, left, after = self.limit
        reset_at = time.time() + (after if reset is None else max(0.0, reset - time.monotonic()))
        headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": str(int(reset_at) + 1)}
        if status == 204:
            return web.Response(status=204, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    def _act(self, request: web.Request, body: dict[str, Any]) -> tuple[int, Any]:
        method, path, query = request.method, request.path, request.query
        if (method, path) == ("POST", "/v2/orders"):
            self.posts[body.get("client_order_id", "")] += 1
            return self._enter(body)
        if method == "GET" and path == "/v2/orders:by_client_order_id":
            identity = self.names.get(query["client_order_id"])
            return (200, self.orders[identity]) if identity else self._none()
        if method == "GET" and path == "/v2/orders":
            rows = [order for order in self.orders.values() if query.get("status") == "all" or order["status"] in OPEN]
            rows.sort(key=lambda order: order["submitted_at"])
            rows = [order for order in rows if order["submitted_at"] > query.get("after", "")]
            return 200, rows[: int(query.get("limit", 50))]
        if path.startswith("/v2/orders/"):
            order = self.orders.get(path.split("/")[3])
            if order is None:
                return self._none()
            if method == "GET":
                return 200, order
            if order["status"] not in OPEN:
                return 422, {"code": 42210000, "message": f"order is already in {order['status']!r} state"}
            if method == "DELETE":
                order["status"] = "canceled"
                self.tell("canceled", order)
                return 204, None
            return self._replace(order, body)
        if (method, path) == ("GET", "/v2/account"):
            return 200, {"id": "a", "account_number": "PA1", "status": "ACTIVE", "currency": "USD", "cash": self.cash, "equity": "100000",
                         "buying_power": "200000", **self.extra}  # fmt: skip
        if (method, path) == ("GET", "/v2/positions"):
            return 200, [
                {"symbol": symbol, "qty": str(qty), "side": "long" if qty > 0 else "short"} for symbol, qty in self.positions.items()
            ]
        if path == "/v2/account/activities/FILL":
            rows = [row for row in self.activities if row["id"] > query.get("page_token", "")]
            return 200, rows[: int(query.get("page_size", 100))]
        if path.startswith("/v2/assets/"):
            symbol = path.split("/")[3]
            asset = {"id": "i", "class": "us_equity", "symbol": symbol, "status": "active", "tradable": True, "marginable": True,
                     "shortable": True, "easy_to_borrow": True, "fractionable": symbol == "AAPL"}  # fmt: skip
            return (200, asset) if symbol != "NONE" else self._none()
        return 404, {"message": "not found"}

    def _none(self) -> tuple[int, Any]:
        return 404, {"code": 40410000, "message": "order not found"}

    def _enter(self, body: dict[str, Any], replaces: str | None = None) -> tuple[int, Any]:
        name = body["client_order_id"]
        if name in self.names:
            return 422, {"code": 40010001, "message": "client_order_id must be unique"}
        if body["symbol"] == "POOR":
            return 403, {"code": 40310000, "message": "insufficient buying power", "buying_power": "0.5", "cost_basis": "100"}
        order = self._new(name, body, replaces)
        if body.get("order_class") in ("bracket", "oto", "oco"):
            order["legs"] = []
            for key, kind in (("take_profit", "limit"), ("stop_loss", "stop")):
                if key in body and not (key == "take_profit" and body["order_class"] == "oco"):
                    leg = {"symbol": body["symbol"], "qty": body["qty"], "side": "sell", "type": kind, **body[key]}
                    order["legs"].append(self._new(f"leg-{self._number}", leg, None, "held"))
        return 200, order

    def _new(self, name: str, body: dict[str, Any], replaces: str | None, status: str = "new") -> dict[str, Any]:
        self._number += 1
        identity = str(UUID(int=self._number))
        order = {
            "id": identity, "client_order_id": name, "symbol": body["symbol"], "qty": body["qty"], "filled_qty": "0", "side": body["side"],
            "type": body["type"], "status": status, "submitted_at": stamp(), "updated_at": stamp(), "limit_price": body.get("limit_price"),
            "stop_price": body.get("stop_price"), "replaces": replaces, "replaced_by": None, "legs": None, "order_class": body.get("order_class", ""),
        }  # fmt: skip
        self.orders[identity] = order
        self.names[name] = identity
        return order

    def _replace(self, old: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        terms = {**old, **body}
        if body["client_order_id"] in self.names:
            return 422, {"code": 40010001, "message": "client_order_id must be unique"}
        fresh = self._new(body["client_order_id"], terms, old["id"])
        old["status"], old["replaced_by"] = "replaced", fresh["id"]
        self.tell("replaced", old)
        self.tell("new", fresh)
        return 200, fresh

    # -- what happens to an order ------------------------------------------------------------------------------------------

    def fill(self, name: str, qty: str, price: str, *, tell: bool = True) -> None:
        order = self.orders[self.names[name]]
        done = Decimal(order["filled_qty"]) + Decimal(qty)
        whole = done == Decimal(order["qty"])
        order["filled_qty"], order["status"] = str(done), "filled" if whole else "partially_filled"
        self.positions[order["symbol"]] += Decimal(qty) * (1 if order["side"] == "buy" else -1)
        event = "fill" if whole else "partial_fill"
        number = len(self.activities)
        self.activities.append({
            "id": f"20261121{number:09d}::x", "activity_type": "FILL", "transaction_time": stamp(), "type": event, "price": price, "qty": qty,
            "side": order["side"], "symbol": order["symbol"], "leaves_qty": str(Decimal(order["qty"]) - done), "cum_qty": str(done),
            "order_id": order["id"], "order_status": order["status"],
        })  # fmt: skip
        if tell:
            self.tell(event, order, execution_id=str(UUID(int=number + 10**6)), price=price, qty=qty)

    def tell(self, event: str, order: dict[str, Any], **more: Any) -> None:
        data = {"event": event, "timestamp": stamp(), "order": dict(order), **more}
        self.push(json.dumps({"stream": "trade_updates", "data": data}).encode())

    def push(self, frame: bytes) -> None:
        if self.mute_account:
            return
        for socket in self.sockets:
            task = asyncio.ensure_future(socket.send_bytes(frame) if self.binary else socket.send_str(frame.decode()))
            self._sends.add(task)
            task.add_done_callback(self._sends.discard)

    # -- streams -----------------------------------------------------------------------------------------------------------

    async def _account(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            said = json.loads(message.data)
            if said["action"] == "authenticate":
                good = said["data"] == {"key_id": KEY, "secret_key": SECRET}
                reply = {"stream": "authorization", "data": {"status": "authorized" if good else "unauthorized", "action": "authenticate"}}
            else:
                reply = {"stream": "listening", "data": {"streams": said["data"]["streams"]}}
                self.sockets.add(socket)
            await socket.send_bytes(json.dumps(reply).encode())
        self.sockets.discard(socket)
        return socket

    async def _data(self, request: web.Request) -> web.StreamResponse:
        import msgspec

        packed = request.headers.get("Content-Type") == "application/msgpack"
        self.data_connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)

        async def say(*things: dict[str, Any]) -> None:
            if packed:
                await socket.send_bytes(msgspec.msgpack.encode(list(things)))
            else:
                await socket.send_str(json.dumps(list(things)))

        await say({"T": "success", "msg": "connected"})
        if self.data_error is not None:
            code, text = self.data_error
            await say({"T": "error", "code": code, "msg": text})
            await socket.close()
            return socket
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            said = msgspec.msgpack.decode(message.data) if message.type is WSMsgType.BINARY else json.loads(message.data)
            if said["action"] == "auth":
                good = (said["key"], said["secret"]) == (KEY, SECRET)
                await say({"T": "success", "msg": "authenticated"} if good else {"T": "error", "code": 402, "msg": "auth failed"})
            else:
                self.subscriptions.append(said)
                lists = {channel: symbols for channel, symbols in said.items() if channel != "action"}
                await say({"T": "subscription", **lists})
                self.data_sockets.add(socket)
        self.data_sockets.discard(socket)
        return socket
