"""Servers that misbehave on a raw socket, for the tests of the net; each is started by its test and speaks HTTP by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from argosy.net.guard import Hosts
from argosy.net.http import Rest

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


class Raw:
    """A server whose every connection is given to `talk` with its number from 0; heard: the requests that came in whole."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.connections = 0
        self.heard: list[bytes] = []
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Raw:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        try:
            await self._talk(reader, writer, number)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """One whole request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        whole = head + (await reader.readexactly(length) if length else b"")
        self.heard.append(whole)
        return whole


def answer(body: bytes = b"{}", status: int = 200, **headers: Any) -> bytes:
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

LOCAL = Hosts(loopback=True)


def run(talk: Talk, ask: Callable[[Rest, Raw], Awaitable[None]], **named: Any) -> Raw:
    """What a client asks of a server that talks like this; the server, for what it heard."""

    async def whole() -> Raw:
        async with Raw(talk) as server:
            async with Rest(server.url, LOCAL, **named) as rest:
                await ask(rest, server)
            return server

    return asyncio.run(whole())
