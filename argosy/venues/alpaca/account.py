"""Alpaca's account stream: what happened to orders, as it is said; it has no memory, so whoever listens must also ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from argosy.net.link import Link
from argosy.net.secret import Secret
from argosy.net.stream import Denied, Stream
from argosy.venues.alpaca.codec import Oddities, TradeUpdate, plain, update
from argosy.venues.alpaca.modes import Place

UNAUTHORIZED_S = 10.0


class AccountStream:
    """The speaker of `trade_updates`.

    told: called with each update where it is read; turned: with (up, why) when the stream comes and goes, after which
    whoever keeps books asks for what was missed
    """

    def __init__(
        self, key: Secret, secret: Secret, told: Callable[[TradeUpdate], None], turned: Callable[[bool, str], None], *, odd: Oddities | None = None
    ) -> None:
        self._key = key
        self._secret = secret
        self._told = told
        self._turned = turned
        self.odd = odd or Oddities()
        self._steps: asyncio.Queue[tuple[str, str]] = asyncio.Queue(16)

    def stream(self, place: Place, **named: object) -> Stream:
        """The kept connection that this speaks on."""
        return Stream(place.account, place.hosts, self, **named)  # type: ignore[arg-type]

    def heard(self, message: bytes) -> None:
        """One frame: text or binary, JSON or MessagePack; one update or a list of them."""
        try:
            things = plain(message)
        except ValueError:
            self.odd.keep("torn", message[:4096])
            return
        for thing in things if isinstance(things, list) else [things]:
            name = thing.get("stream") if isinstance(thing, dict) else None
            data = thing.get("data") if isinstance(thing, dict) else None
            if name == "trade_updates" and isinstance(data, dict):
                self._told(update(data))
            elif name in ("authorization", "listening"):
                self._step(name, data)
            else:
                self.odd.keep("stream", thing)

    def _step(self, name: str, data: object) -> None:
        said = data if isinstance(data, dict) else {}
        status = str(said.get("status", "")) if name == "authorization" else " ".join(map(str, said.get("streams") or ()))
        if self._steps.full():
            self._steps.get_nowait()
        self._steps.put_nowait((name, status))

    async def greet(self, link: Link) -> None:
        """Log in and ask for the updates."""
        login = {"action": "authenticate", "data": {"key_id": self._key.reveal(), "secret_key": self._secret.reveal()}}
        link.send(msgspec.json.encode(login))
        await self._expect("authorization", "authorized")
        link.send(b'{"action":"listen","data":{"streams":["trade_updates"]}}')
        await self._expect("listening", "trade_updates")

    async def _expect(self, name: str, status: str) -> None:
        said, got = await self._steps.get()
        if said != name or status not in got.split():
            raise Denied(401, f"{said} {got}".strip(), wait_s=UNAUTHORIZED_S if "unauthorized" in got else 0.0)

    def up(self) -> None:
        """Ready."""
        self._turned(True, "")

    def down(self, why: str) -> None:
        """Gone; what was said on it counts no more."""
        while not self._steps.empty():
            self._steps.get_nowait()
        self._turned(False, why)
