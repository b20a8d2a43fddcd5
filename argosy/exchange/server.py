"""The thin rim of the exchange: one port on loopback, HTTP and websockets, and the clock; it decides nothing about orders."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from binascii import Error
from email.utils import formatdate
from math import inf
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from argosy.core.errors import ArgosyError, Misuse
from argosy.core.time import NEVER, SECOND
from argosy.exchange import control as _control
from argosy.exchange import drills as _drills
from argosy.exchange import events
from argosy.exchange.accounts import Account
from argosy.exchange.faults import Budget, Faults
from argosy.exchange.feed import Feed
from argosy.exchange.hub import Hub, Peer
from argosy.exchange.rest import answer
from argosy.exchange.streams import DataTalk, TradingTalk, error
from argosy.exchange.venue import Exchange
from argosy.exchange.verbs import VERBS, run
from argosy.exchange.wire import Body, Refusal, name, stamp

BEAT = 0.02
CHUNK = 2000
"""Rows of a step after which all that they said is written, so that a long step waits for slow clients."""
FEEDS = {f"/v2/{feed}": "equity" for feed in ("iex", "sip", "delayed_sip", "test", "boats", "overnight")} | {
    "/v1beta1/news": "news", "/v1beta3/crypto/us": "crypto", "/v1beta1/indicative": "option", "/v1beta1/opra": "option",
}  # fmt: skip
"""Data streams by path, and what they carry."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
DOOR = (_control, _drills)
"""The rooms of the control door: what is imported here fills VERBS."""
_encode = msgspec.json.Encoder().encode


class Server:
    """Serves one exchange.

    feed: its prices; speed: seconds of the exchange in one of ours, inf as fast as it goes; limit: requests a minute by account, 0 = any
    paced: nothing moves by itself, only `step` does it; then the same requests get the same bytes
    control: whether /_ctl is there; host: loopback alone. Raises Misuse("EXCHANGE_HOST") for another.
    """

    def __init__(
        self, exchange: Exchange, feed: Feed, *, host: str = "127.0.0.1", port: int = 0, speed: float = 1.0, limit: int = 0,
        control: bool = False, paced: bool = False,
    ) -> None:  # fmt: skip
        if host not in LOOPBACK:
            raise Misuse("EXCHANGE_HOST", f"{host!r} is not on this machine", where="--host", fix="127.0.0.1: the simulated exchange stays at home")
        if not speed > 0:
            raise Misuse("EXCHANGE_SPEED", f"a speed is above 0, not {speed}", where="--speed")
        self.exchange, self.feed = exchange, feed
        self.host, self.port, self.speed, self.control = host, port, speed, control
        self.paced = paced
        self.hub, self.faults, self.budget = Hub((lambda: exchange.now) if paced else None), Faults(), Budget(limit)
        self.limit, self.forced = limit, exchange.hours.forced
        self.requests = 0
        self.connected = 0
        self._origin, self._began = exchange.now, time.monotonic_ns()
        self._down = 0.0
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stepping = asyncio.Lock()
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
        await self._listen()
        self.port = self._runner.addresses[0][1]
        self._began, self._origin = time.monotonic_ns(), self.exchange.now
        if not self.paced:
            self._keep(self._beat())

    async def _listen(self) -> None:
        if self._runner is None:
            return
        try:
            self._site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True)
            await self._site.start()
        except OSError as problem:
            raise Misuse("EXCHANGE_PORT", f"port {self.port} cannot be opened: {problem.strerror}", where="--port", fix="choose another") from problem

    async def stop(self) -> None:
        """Close everything."""
        for task in list(self._tasks):
            task.cancel()
        await self.hub.close(rude=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def now(self) -> int:
        """The exchange's time: where it should be by now."""
        if self.paced:
            return self.exchange.now
        if self.speed == inf:
            return NEVER - 1
        return self._origin + int((time.monotonic_ns() - self._began) * self.speed)

    def catch_up(self, most_s: float = 0.005) -> bool:
        """Let happen what is due, for at most so long; where there is more, the exchange's time waits for it. True when all is done."""
        if self.paced:
            return True
        now, exchange, feed = self.now(), self.exchange, self.feed
        until = time.monotonic() + most_s
        while feed.due <= now:
            if not exchange.by_bars:
                exchange.advance(feed.due)
            feed.step(exchange)
            if time.monotonic() > until:
                self._origin, self._began = min(max(exchange.now, feed.due - 1), now), time.monotonic_ns()
                return False
        if self.speed == inf:
            return True
        if feed.leap > now:  # a night that nobody waits for
            now = feed.leap
            self._origin, self._began = now, time.monotonic_ns()
        exchange.advance(now)
        return True

    async def step(self, until: int) -> Body:
        """Let happen what is due by a time of the exchange; returns when every frame of it is written, with how many each stream was sent.

        Misuse("CONTROL") where time moves by itself, and for a time that is over.
        """
        exchange, feed, hub = self.exchange, self.feed, self.hub
        if not self.paced:
            raise Misuse("CONTROL", "here time moves by itself", fix="argosy exchange --control --speed step")
        async with self._stepping:
            if until < exchange.now:
                raise Misuse("CONTROL", f"it is {stamp(exchange.now)} already")
            before, rows, done = dict(hub.counted), 0, True
            while feed.due <= until:
                if not exchange.by_bars:
                    exchange.advance(feed.due)
                feed.step(exchange)
                hub.release(exchange.now)
                rows += 1
                if rows % CHUNK == 0:
                    done = await hub.written() and done
            exchange.advance(until)
            hub.release(until)
            done = await hub.written() and done
            peers = [(stream, peer) for stream, several in hub.peers.items() for peer in several]
            return {
                "now": stamp(until), "rows": rows, "written": done,
                **{stream: {"sent": total - before[stream], "total": total} for stream, total in hub.counted.items()},
                "connections": [
                    {"number": peer.number, "stream": stream, "key": peer.talk.account.key if peer.talk.account else None, "total": peer.sent}
                    for stream, peer in peers
                ],
            }  # fmt: skip

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT if self.catch_up(BEAT) else 0)

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def clear(self) -> None:
        """No faults, nothing held back, limit and clock as at the start."""
        self.faults = Faults()
        self.budget.set(self.limit)
        self.hub.clear()
        self.exchange.loosen(self.forced)

    async def sleep(self, seconds: float, refuse: bool = False) -> None:
        """Be away for a while: connections end, new ones are cut or, with `refuse`, find nobody who listens."""
        self._down = time.monotonic() + seconds
        await self.hub.close(rude=True)
        if refuse:
            self._keep(self._away(seconds))

    async def _away(self, seconds: float) -> None:
        site, self._site = self._site, None
        if site is not None:
            await site.stop()
            await asyncio.sleep(seconds)
            self._down = 0.0
            await self._listen()

    # -- HTTP ------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/_ctl/"):
            return await self._ctl(request, path[6:])
        if self._down > time.monotonic():
            return _cut(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream(request, path)
        if path in events.PATHS:
            return await self._events(request)
        self.requests += 1
        method = request.method
        raw = await request.read() if request.can_read_body else b""
        second = self.exchange.now // SECOND if self.paced else int(time.time())
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
        status, body = 0, None
        if fault is None or fault.apply or not (fault.status or fault.drop):
            self.catch_up()
            status, body = answer(self.exchange, account, method, path, request.query, raw)
        if fault is not None:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.drop:
                return _cut(request)
            if fault.status:
                status, body = fault.status, fault.answer()
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
        if account is None and key is None and not given and path.startswith("/v1beta3/crypto/"):
            account = next(iter(self.exchange.accounts.values()))  # prices of crypto are for everybody
        data = path.startswith(("/v2/stocks", "/v1"))
        return account, Refusal(403, 0, "forbidden.") if data else Refusal(401, 40110000, "request is not authorized")

    def login(self, key: Any, secret: Any) -> Account | None:
        """The account of a pair of keys."""
        account = self.exchange.accounts.get(key) if isinstance(key, str) else None
        return account if account is not None and account.secret == secret else None

    async def _ctl(self, request: web.BaseRequest, verb: str) -> web.Response:
        if not self.control or verb not in VERBS or request.method != "POST":
            return _told(404, {"message": f"no control verb {verb!r}" if self.control else "start it with --control", "verbs": sorted(VERBS)})
        raw = await request.read()
        try:
            body = msgspec.json.decode(raw) if raw.strip() else {}
            self.catch_up()
            return _told(200, {"ok": True, **await run(self, verb, body)})
        except Refusal as refusal:
            return _told(refusal.status, refusal.body)
        except (ArgosyError, msgspec.DecodeError, RecursionError, ValueError, TypeError) as problem:
            return _told(400, {"message": str(problem), "usage": VERBS[verb].usage})

    # -- streams ------------------------------

    async def _stream(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        packed = "msgpack" in request.headers.get("Content-Type", "")
        feed = path.removeprefix("/v2/")
        kind = FEEDS.get(path, "")
        hub = self.hub
        talk: TradingTalk | DataTalk
        if path == "/stream":
            talk, group = TradingTalk(self.login, packed), "trading"
        elif kind:
            talk, group = DataTalk(self.login, packed, hub.most, kind), "data"
        else:
            return _told(404, {"message": "endpoint not found"})
        ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=1 << 20)
        await ws.prepare(request)
        self.connected += 1
        peer = Peer(ws, talk, feed, hub, kind, self.connected)
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

    async def _events(self, request: web.BaseRequest) -> web.StreamResponse:
        """Trade updates as server-sent events: those since a time, then each as it happens."""
        account, no = self._who(request.headers, request.path)
        if account is None:
            return _told(no.status, no.body)
        listener = events.Listener(self.hub, account)
        try:
            span = events.wanted(request.query)
            past = events.lines(account, span)
        except Refusal as refusal:
            listener.close()
            return _told(refusal.status, refusal.body)
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        reply.enable_chunked_encoding()
        try:
            await reply.prepare(request)
            await reply.write(b": welcome\n\n" + b"".join(past))
            while span.live:
                await reply.write(await listener.next())
        except (ConnectionError, RuntimeError):
            pass
        finally:
            listener.close()
        return reply

    async def _converse(self, peer: Peer, request: web.BaseRequest) -> None:
        ws, talk, hub = peer.ws, peer.talk, self.hub
        if isinstance(talk, DataTalk):
            await peer.say([talk.hello()])
            talk.account = self.login(request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY"))
            if talk.account is not None:
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
