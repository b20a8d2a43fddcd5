"""Trade updates as server-sent events: those since a time or an event, then each as it happens; it has what streams lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from argosy.exchange.accounts import Account
from argosy.exchange.hub import Hub
from argosy.exchange.wire import Body, absent, invalid, when

PATHS = frozenset({"/v2/events/trades", "/v2beta1/events/trades"})
HEARTBEAT_S = 1.0
_encode = msgspec.json.Encoder().encode


class Span(msgspec.Struct):
    """What is asked for, in ns or by event; `live`: also what comes from now on."""

    since: int = 0
    until: int = 1 << 62
    since_id: str = ""
    until_id: str = ""
    live: bool = True


def wanted(query: Mapping[str, str]) -> Span:
    """The span of a query; Refusal 422 for one that is none. Without a beginning only what comes is told."""
    span = Span(since_id=query.get("since_id", ""), until_id=query.get("until_id", ""))
    span.since = when(query["since"], "since") if query.get("since") else (0 if span.since_id else 1 << 61)
    if query.get("until"):
        span.until = when(query["until"], "until")
    span.live = not (query.get("until") or span.until_id)
    if span.live is False and span.since == 1 << 61:
        raise invalid("until is not allowed without since")
    return span


def lines(account: Account, span: Span) -> list[bytes]:
    """The events of the past that a span holds. Refusal 404 for an event that is not known any more."""
    frames = list(account.said)
    ids = [frame["data"]["execution_id"] for _, frame in frames]
    for one in (span.since_id, span.until_id):
        if one and one not in ids:
            raise absent(f"event not found: {one}")
    first = ids.index(span.since_id) + 1 if span.since_id else 0
    last = ids.index(span.until_id) + 1 if span.until_id else len(ids)
    return [line(account, frame) for at, frame in frames[first:last] if span.since <= at <= span.until]


def line(account: Account, frame: Body) -> bytes:
    """One event on the wire."""
    data = frame["data"]
    return b"data: " + _encode({"account_id": account.id, "at": data["timestamp"], "event_id": data["execution_id"], **data}) + b"\n\n"


class Listener:
    """One client that hears events as they happen."""

    def __init__(self, hub: Hub, account: Account) -> None:
        self._hub = hub
        self._account = account
        self._waiting: list[bytes] = []
        self._some = asyncio.Event()
        hub.readers.append(self)

    def told(self, account: Account, frame: Body) -> None:
        """A frame of trade_updates."""
        if account is self._account:
            self._waiting.append(line(account, frame))
            self._some.set()

    async def next(self) -> bytes:
        """What has happened since the last call; after a second without anything a comment, which finds out whether anybody listens."""
        try:
            await asyncio.wait_for(self._some.wait(), HEARTBEAT_S)
        except TimeoutError:
            return b": nothing\n\n"
        self._some.clear()
        said, self._waiting = b"".join(self._waiting), []
        return said

    def close(self) -> None:
        """Hear no more."""
        self._hub.readers.remove(self)
