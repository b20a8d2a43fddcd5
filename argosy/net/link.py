"""One websocket connection, by picows where its wheel is and by aiohttp elsewhere; it hands on whole messages and never queues them."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from argosy.core.errors import Misconfigured
from argosy.net.guard import Hosts

LARGEST = 8 << 20
"""Bytes of the largest message, fragments together."""
OPEN_S = 10.0
GOODBYE_S = 0.3


class Ear(Protocol):
    """Who listens to a connection."""

    def heard(self, message: bytes) -> None:
        """One whole message, text or binary; called where it is read, so it must be quick."""


class Link(Protocol):
    """An open connection.

    alive: set whenever anything at all comes in, pongs with it; whoever watches clears it. closed: its end, as (code, why)
    """

    alive: bool
    closed: asyncio.Future[tuple[int, str]]

    def send(self, message: bytes, binary: bool = False) -> None: ...
    def ping(self) -> None: ...
    def close(self) -> None:
        """Say goodbye; `closed` follows, also when the other side is silent."""


Opener = Callable[[str, Hosts, Ear, Mapping[str, str], int, float], Any]


async def open_link(
    url: str, hosts: Hosts, ear: Ear, *, headers: Mapping[str, str] | None = None, largest: int = LARGEST, open_s: float = OPEN_S, by: str = ""
) -> Link:
    """Connect within `open_s` seconds. by: "picows" or "aiohttp"; empty: the first that is installed.

    Raises OSError (TimeoutError among them) where it cannot connect or the upgrade is refused, Misconfigured for a
    host that is not let out and where neither library is installed.
    """
    hosts.check(url)
    by = by or ("picows" if importlib.util.find_spec("picows") else "aiohttp")
    if importlib.util.find_spec(by) is None:
        raise Misconfigured("NET_MISSING", f"{by} is not installed", fix="pip install 'argosy[desk]'")
    opener: Opener = _picows if by == "picows" else _aiohttp
    async with asyncio.timeout(open_s):
        link: Link = await opener(url, hosts, ear, headers or {}, largest, open_s)
    return link


async def _picows(url: str, hosts: Hosts, ear: Ear, headers: Mapping[str, str], largest: int, open_s: float) -> Link:
    from picows import WSError, ws_connect

    listener = _listener(ear, largest)

    async def connected(parsed: Any) -> Any:
        return await hosts.connect(parsed.host, parsed.port)

    try:
        transport, _ = await ws_connect(
            lambda: listener, url, websocket_handshake_timeout=open_s, max_frame_size=largest, extra_headers=dict(headers),
            max_redirects=0, socket_factory=connected, use_aiofastnet=False, read_buffer_init_size=1 << 18,
            enable_auto_pong=True, logger_name=_quiet(),
        )  # fmt: skip
    except WSError as error:
        raise ConnectionRefusedError(f"the upgrade was refused: {type(error).__name__}") from error
    if transport.response is None:  # it counts a connection lost before its upgrade as made
        raise ConnectionResetError("lost before the upgrade")
    listener.opened(transport)
    link: Link = listener
    return link


async def _outlived(transport: Any) -> None:
    """What ended the connection is told by its listener; here it is only taken note of."""
    from picows import WSError

    try:
        await transport.wait_disconnected()
    except (WSError, OSError):
        pass


def _quiet() -> Any:
    """The library's log, without the frames it would print."""
    import logging

    log = logging.getLogger("argosy.net.link")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    log.propagate = False
    return log


def _listener(ear: Ear, largest: int) -> Any:
    from picows import WSCloseCode, WSListener, WSMsgType

    text, binary, more, close = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION, WSMsgType.CLOSE
    heard = ear.heard

    class Listener(WSListener):
        """A picows connection as a Link."""

        def __init__(self) -> None:
            self.alive = True
            self.closed: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
            self._transport: Any = None
            self._parts: list[bytes] = []
            self._size = 0
            self._why = (1006, "")

        def on_ws_connected(self, transport: Any) -> None:
            self._transport = transport

        def opened(self, transport: Any) -> None:
            self._transport = transport
            self._watched = asyncio.ensure_future(_outlived(transport))

        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            self.alive = True
            kind = frame.msg_type
            if kind is binary or kind is text:
                if frame.payload_size > largest:  # the library says so, and hands it on all the same
                    self._fault(transport, WSCloseCode.MESSAGE_TOO_BIG, "larger than allowed")
                elif frame.fin and not self._parts:
                    heard(frame.get_payload_as_bytes())
                elif self._parts:
                    self._fault(transport, WSCloseCode.PROTOCOL_ERROR, "a message began inside another")
                else:
                    self._add(transport, frame)
            elif kind is more:
                if not self._parts:
                    self._fault(transport, WSCloseCode.PROTOCOL_ERROR, "a continuation of nothing")
                elif self._add(transport, frame) and frame.fin:
                    whole, self._parts, self._size = b"".join(self._parts), [], 0
                    heard(whole)
            elif kind is close:
                code = frame.get_close_code()
                self._why = (int(getattr(code, "value", code) or 1005), str(frame.get_close_reason() or ""))
                transport.send_close(WSCloseCode.OK)
                transport.disconnect()

        def _add(self, transport: Any, frame: Any) -> bool:
            self._size += frame.payload_size
            if self._size > largest:
                self._fault(transport, WSCloseCode.MESSAGE_TOO_BIG, "larger than allowed")
                return False
            self._parts.append(frame.get_payload_as_bytes())
            return True

        def _fault(self, transport: Any, code: Any, why: str) -> None:
            self._why = (int(code.value), why)
            self._parts = []
            transport.send_close(code)
            transport.disconnect(False)

        def on_ws_disconnected(self, transport: Any) -> None:
            if not self.closed.done():
                self.closed.set_result(self._why)

        def send(self, message: bytes, binary_: bool = False) -> None:
            if self._transport is not None and not self.closed.done():
                self._transport.send(binary if binary_ else text, message)

        def ping(self) -> None:
            if not self.closed.done():
                self._transport.send_ping(b"argosy")

        def close(self) -> None:
            if not self.closed.done():
                self._why = (1000, "closed by us") if self._why == (1006, "") else self._why
                self._transport.send_close(WSCloseCode.OK)
                self._transport.disconnect(False)

    return Listener()


class _Plain:
    """An aiohttp connection as a Link."""

    def __init__(self, session: Any, socket: Any, ear: Ear) -> None:
        self.alive = True
        self.closed: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._session = session
        self._socket = socket
        self._heard = ear.heard
        self._ours = False
        self._why = (1006, "")
        self._work: set[asyncio.Task[None]] = set()
        self._reader = asyncio.ensure_future(self._read())
        self._reader.add_done_callback(lambda _: self._later(self._end()))  # also of a reader that was stopped before it began

    def send(self, message: bytes, binary: bool = False) -> None:
        if not self.closed.done():
            self._later(self._quietly(self._socket.send_bytes(message) if binary else self._socket.send_str(message.decode())))

    def ping(self) -> None:
        if not self.closed.done():
            self._later(self._quietly(self._socket.ping(b"argosy")))

    def close(self) -> None:
        self._ours = True
        self._reader.cancel()

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _quietly(self, work: Any) -> None:
        try:
            await work
        except (OSError, RuntimeError):
            self._reader.cancel()  # what cannot be written to is closed; the reader says so

    async def _end(self) -> None:
        try:
            await self._socket.close()  # waits for the other side's goodbye no longer than GOODBYE_S
        except (OSError, RuntimeError):
            pass
        await self._session.close()
        if not self.closed.done():
            self.closed.set_result((1000, "closed by us") if self._ours else self._why)

    async def _read(self) -> None:
        import aiohttp

        text, binary = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
        pings, over = (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG), (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING)
        try:
            while True:
                message = await self._socket.receive()
                self.alive = True
                if message.type is binary:
                    self._heard(message.data)
                elif message.type is text:
                    self._heard(message.data.encode())
                elif message.type is pings[0]:
                    await self._socket.pong(message.data)
                elif message.type in over:
                    self._why = (int(message.data or 1005), str(message.extra or ""))
                    break
                elif message.type is not pings[1]:
                    self._why = (int(self._socket.close_code or 1006), "")
                    break
        except (OSError, RuntimeError, asyncio.CancelledError):
            pass


async def _aiohttp(url: str, hosts: Hosts, ear: Ear, headers: Mapping[str, str], largest: int, open_s: float) -> Link:
    import aiohttp

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1, socket_factory=hosts.opened), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )
    try:
        socket = await session.ws_connect(
            url, headers=dict(headers), max_msg_size=largest, compress=0, autoping=False, autoclose=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE_S),
        )
    except aiohttp.WSServerHandshakeError as error:
        await session.close()
        raise ConnectionRefusedError(f"the upgrade was refused: {error.status}") from error
    except aiohttp.ClientError as error:
        await session.close()
        raise ConnectionRefusedError(type(error).__name__) from error
    except BaseException:
        await session.close()
        raise
    return _Plain(session, socket, ear)
