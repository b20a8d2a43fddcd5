"""The thin rim of the exchange: one port on loopback, HTTP and websockets, and the clock; it decides nothing about orders."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from binascii import Error
from email.utils import formatdate
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from argosy.core.errors import ArgosyError, Misuse
from argosy.exchange.accounts import Account
from argosy.exchange.control import VERBS
from argosy.exchange.faults import Budget, Faults
from argosy.exchange.feed import Feed
from argosy.exchange.hub import Hub, Peer
from argosy.exchange.rest import answer
from argosy.exchange.streams import DataTalk, TradingTalk, error
from argosy.exchange.venue import Exchange
from argosy.exchange.wire import Refusal, name

BEAT = 0.02
FEEDS = ("iex", "sip", "delayed_sip", "test", "boats", "overnight")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_encode = msgspec.json.Encoder().encode


class Server:
    """Serves one exchange.

    feed: its prices; speed: seconds of the exchange in one of ours; limit: requests a minute by account, 0 = any number
    control: whether /_ctl is there; host: loopback alone. Raises Misuse("EXCHANGE_HOST") for another.
    """

    def __init__(
        self, exchange: Exchange, feed: Feed, *, host: str = "127.0.0.1", port: int = 0, speed: float = 1.0, limit: int = 0,
        control: bool = False,
    ) -> None:  # fmt: skip
        if host not in LOOPBACK:
            raise Misuse("EXCHANGE_HOST", f"{host!r} is not on this machine", where="--host", fix="127.0.0.1: the simulated exchange stays at home")
        if not speed > 0:
            raise Misuse("EXCHANGE_SPEED", f"a speed is above 0, not {speed}", where="--speed")
        self.exchange, self.feed = exchange, feed
        self.host, self.port, self.speed, self.control = host, port, speed, control
        self.hub, self.faults, self.budget = Hub(), Faults(), Budget(limit)
        self.requests = 0
        self.connected = 0
        self._origin, self._began = exchange.now, time.monotonic_ns()
        self._down = 0.0
        self._runner: web.ServerRunner | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        exchange.told = self.hub.told
        exchange.market.told = self.hub.published

    @property
    def at(self) -> str:
        """host:port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where REST is served; streams are at the same place."""
        return f"http://{self.at}"

    # -- life ------------------------------

    async def start(self) -> None:
        """Open the port. Raises Misuse("EXCHANGE_PORT") when it is taken."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True)
            await site.start()
        except OSError as problem:
            raise Misuse("EXCHANGE_PORT", f"port {self.port} cannot be opened: {problem.strerror}", where="--port", fix="choose another") from problem
        self.port = self._runner.addresses[0][1]
        self._began, self._origin = time.monotonic_ns(), self.exchange.now
        self._keep(self._beat())

    async def stop(self) -> None:
        """Close everything."""
        for task in list(self._tasks):
            task.cancel()
        await self.hub.close(rude=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def now(self) -> int:
        """The exchange's time."""
        return self._origin + int((time.monotonic_ns() - self._began) * self.speed)

    def catch_up(self, most_s: float = 0.005) -> bool:
        """Let happen what is due, for at most so long; where there is more, the exchange's time waits for it. True when all is done."""
        now, exchange, feed = self.now(), self.exchange, self.feed
        until = time.monotonic() + most_s
        while feed.due <= now:
            if not exchange.by_bars:
                exchange.advance(feed.due)
            feed.step(exchange)
            if time.monotonic() > until:
                self._origin, self._began = min(max(exchange.now, feed.due - 1), now), time.monotonic_ns()
                return False
        if feed.leap > now:  # a night that nobody waits for
            now = feed.leap
            self._origin, self._began = now, time.monotonic_ns()
        exchange.advance(now)
        return True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT if self.catch_up(BEAT) else 0)

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def clear(self) -> None:
        """No faults, nothing held back."""
        self.faults = Faults()
        self.budget.set(self.budget.limit, self.budget.window_s)
        hub = self.hub
        hub.trading.__init__()  # type: ignore[misc]
        hub.data.__init__()  # type: ignore[misc]
        hub.late, hub.deaf, hub.fragment = 0.0, False, 0
        exchange = self.exchange
        exchange.holding = exchange.holding_cancels = exchange.holding_replaces = False

    async def sleep(self, seconds: float) -> None:
        """Be away for a while: connections end, new ones are cut."""
        self._down = time.monotonic() + seconds
        await self.hub.close(rude=True)

    # -- HTTP ------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/_ctl/"):
            return await self._ctl(request, path[6:])
        if self._down > time.monotonic():
            return _cut(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream(request, path)
        self.requests += 1
        method = request.method
        raw = await request.read() if request.can_read_body else b""
        second = int(time.time())
        headers = {
            "X-Request-ID": name(self.exchange.seed, "request", self.requests), "Content-Type": "application/json; charset=UTF-8",
            "Date": formatdate(second + self.exchange.skew / 1e9, usegmt=True),
        }  # fmt: skip
        account, no = self._who(request.headers, path)
        if account is None:
            return web.Response(status=no.status, body=_encode(no.body), headers=headers)
        served, counts = self.budget.take(account.key, second)
        headers |= counts
        if not served:
            return web.Response(status=429, body=b'{"code":42910000,"message":"rate limit exceeded"}', headers=headers)
        fault = self.faults.take(method, path)
        if fault is not None:
            fails = bool(fault.status) or fault.drop
            status, body = 0, None
            if fault.apply or not fails:
                self.catch_up()
                status, body = answer(self.exchange, account, method, path, request.query, raw)
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.drop:
                return _cut(request)
            if fault.status:
                status, body = fault.status, fault.answer()
        else:
            self.catch_up()
            status, body = answer(self.exchange, account, method, path, request.query, raw)
        return web.Response(status=status, body=b"" if body is None else _encode(body), headers=headers)

    def _who(self, headers: Any, path: str) -> tuple[Account | None, Refusal]:
        """The account of a request, or the refusal that its host gives."""
        key, secret = headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")
        given = headers.get("Authorization", "")
        if key is None and given.startswith("Basic "):
            try:
                key, _, secret = b64decode(given[6:]).decode().partition(":")
            except (Error, UnicodeDecodeError):
                key = None
        account = self.login(key, secret)
        if account is None and given.startswith("Bearer "):
            account = next((a for a in self.exchange.accounts.values() if a.secret == given[7:]), None)
        data = path.startswith(("/v2/stocks", "/v1"))
        return account, Refusal(403, 0, "forbidden.") if data else Refusal(401, 40110000, "request is not authorized")

    def login(self, key: Any, secret: Any) -> Account | None:
        """The account of a pair of keys."""
        account = self.exchange.accounts.get(key) if isinstance(key, str) else None
        return account if account is not None and account.secret == secret else None

    async def _ctl(self, request: web.BaseRequest, verb: str) -> web.Response:
        run = VERBS.get(verb)
        if not self.control or run is None or request.method != "POST":
            return _told(404, {"message": f"no control verb {verb!r}" if self.control else "start it with --control", "verbs": sorted(VERBS)})
        raw = await request.read()
        try:
            body = msgspec.json.decode(raw) if raw.strip() else {}
            if not isinstance(body, dict):
                raise Misuse("CONTROL", "the body is a JSON object")
            self.catch_up()
            return _told(200, {"ok": True, **await run(self, body)})
        except Refusal as refusal:
            return _told(refusal.status, refusal.body)
        except (ArgosyError, msgspec.DecodeError, ValueError, TypeError) as problem:
            return _told(400, {"message": str(problem), "usage": run.__doc__})

    # -- streams ------------------------------

    async def _stream(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        packed = "msgpack" in request.headers.get("Content-Type", "")
        feed = path.removeprefix("/v2/")
        hub = self.hub
        talk: TradingTalk | DataTalk
        if path == "/stream":
            talk, group = TradingTalk(self.login, packed), "trading"
        elif feed in FEEDS or path == "/v1beta1/news":
            talk, group = DataTalk(self.login, packed, hub.most), "data"
        else:
            return _told(404, {"message": "endpoint not found"})
        ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=1 << 20)
        await ws.prepare(request)
        peer = Peer(ws, talk, feed, hub)
        self.connected += 1
        hub.peers[group].append(peer)
        writer = asyncio.get_running_loop().create_task(peer.write())
        try:
            await self._converse(peer, request)
        except (ConnectionError, RuntimeError):
            pass
        finally:
            hub.peers[group].remove(peer)
            writer.cancel()
        return ws

    async def _converse(self, peer: Peer, request: web.BaseRequest) -> None:
        ws, talk, hub = peer.ws, peer.talk, self.hub
        if isinstance(talk, DataTalk):
            await peer.say([talk.hello()])
            if self.login(request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY")):
                talk.account = self.login(request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY"))
                await peer.say([{"T": "success", "msg": "authenticated"}])
        until = time.monotonic() + hub.auth_timeout
        while not ws.closed:
            try:
                wait = max(until - time.monotonic(), 0.01) if talk.account is None else None
                message = await ws.receive(wait)
            except TimeoutError:
                if isinstance(talk, DataTalk):
                    await peer.say([error(404)])
                await ws.close()
                return
            if hub.deaf:
                continue
            if message.type is WSMsgType.PING:
                await ws.pong(message.data)
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                known = talk.account
                answers = talk.hear(message.data)
                if isinstance(talk, DataTalk) and known is None and talk.account is not None:
                    account, talk.account = talk.account, None
                    if hub.full(account, peer.feed):
                        await peer.say([error(406)])
                        await ws.close()
                        return
                    talk.account = account
                await peer.say(answers)
            elif message.type is not WSMsgType.PONG:
                return


def _cut(request: web.BaseRequest) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _told(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=_encode(body), content_type="application/json")
