"""The hand on the wire: verbs that break replies, frames and connections, and the verb that lets time go on; nothing by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core.errors import Misuse
from argosy.core.time import SECOND, parse
from argosy.exchange.faults import OVERSIZE, WAYS
from argosy.exchange.streams import DataTalk, time_of
from argosy.exchange.verbs import choice, count, on, real, verb, word
from argosy.exchange.wire import Body, stamp

if TYPE_CHECKING:
    from argosy.exchange.server import Server

STREAMS = ("trading", "data")


@verb("limit", "window_s")
async def rate_limit(server: Server, body: Body) -> Body:
    """{limit, window_s?}: requests a minute by account; 0 is no limit."""
    window = count(body, "window_s", 60)
    if not window:
        raise Misuse("CONTROL", "window_s is above 0")
    server.budget.set(count(body, "limit"), window)
    return {}


@verb("method", "path", "status", "drop", "delay", "apply", "times", "after", "body", "clear")
async def fault(server: Server, body: Body) -> Body:
    """{method?, path?, status|drop|delay, apply?, times?, after?, body?}; times null: until {clear: true}, which takes all rules away."""
    if on(body, "clear", False):
        server.faults.rules.clear()
        return {}
    server.faults.add({field: value for field, value in body.items() if field != "clear"})
    return {}


@verb("close", "mute", "auth_timeout", "connections", "symbols", "deaf", "slow_at", "fragment", "rude")
async def ws(server: Server, body: Body) -> Body:
    """{close: trading|data|all, rude?; mute: trading|data|true|false; auth_timeout; connections; symbols; deaf; slow_at; fragment}.

    deaf: half-open, nothing is heard or said and pings are not answered; fragment: bytes in which frames are cut
    slow_at: records that may wait; rude: connections end without a word
    """
    hub = server.hub
    mute, close = choice(body, "mute", (*STREAMS, "all", True, False)), choice(body, "close", (*STREAMS, "all"))
    timeout, deaf = real(body, "auth_timeout", hub.auth_timeout), on(body, "deaf", hub.deaf)
    counts = {field: count(body, field, None) for field in ("connections", "symbols", "fragment", "slow_at")}
    if mute is not None:
        for name, frames in zip(STREAMS, (hub.trading, hub.data), strict=True):
            if mute in (name, "all", True, False):
                frames.mute = bool(mute)
    hub.auth_timeout, hub.deaf = timeout, deaf
    for field, place in (("connections", "connections"), ("symbols", "most"), ("fragment", "fragment"), ("slow_at", "slow_at")):
        if counts[field] is not None:
            setattr(hub, place, counts[field])
    return {"closed": await hub.close(close, on(body, "rude", False))} if close else {}


@verb("stream", *WAYS, "event", "where", "size", "delay")
async def frames(server: Server, body: Body) -> Body:
    """{stream: trading|data, drop|duplicate|reorder|truncate|tear|oversize: counts, event?, where?, size?, delay?}: of the next frames.

    event: of these alone ("canceled", "q", "control"); where: of those with these fields ({"type": "stop"}, {"S": "AAPL"})
    truncate: half of it; tear: half of its bytes, and the end; oversize: of more than `size` bytes; delay: seconds, of trading frames
    """
    which = server.hub.data if choice(body, "stream", STREAMS) == "data" else server.hub.trading
    where = body.get("where")
    if where is not None and not isinstance(where, dict):
        raise Misuse("CONTROL", "where is an object")
    event = word(body, "event") if body.get("event") is not None else ""
    which.set({way: count(body, way) for way in WAYS if body.get(way) is not None}, event, where, count(body, "size", OVERSIZE))
    server.hub.late = real(body, "delay", server.hub.late)
    return {}


@verb("stream", "body", "raw")
async def frame(server: Server, body: Body) -> Body:
    """{stream: trading|data, body|raw}: send this record, or these very words, to all clients of a stream."""
    said = body.get("body")
    if not isinstance(said, dict):
        word(body, "raw")
    for peer in server.hub.peers[choice(body, "stream", STREAMS) or "trading"]:
        talk = peer.talk
        if not isinstance(said, dict):
            await peer.ws.send_bytes(word(body, "raw").encode())
        elif isinstance(talk, DataTalk) and talk.packed and isinstance(said.get("t"), str):
            await peer.say([said | {"t": time_of(parse(said["t"]))}])
        else:
            await peer.say([said])
    return {}


@verb("seconds", "refuse")
async def down(server: Server, body: Body) -> Body:
    """{seconds?, refuse?}: as if it restarted: connections end, new ones are cut for so long (refuse: nobody listens); accounts stay."""
    await server.sleep(real(body, "seconds", 1.0), on(body, "refuse", False))
    return {}


@verb("seconds")
async def hide(server: Server, body: Body) -> Body:
    """{seconds}: orders that come from now on are not found for so long, though they live; 0 ends it."""
    server.exchange.hiding = round(real(body, "seconds") * SECOND)
    return {}


@verb("seconds", "until")
async def step(server: Server, body: Body) -> Body:
    """{seconds} or {until}: let so much happen, where nothing moves by itself (--speed step); answers when all its frames are written."""
    if ("seconds" in body) == ("until" in body):
        raise Misuse("CONTROL", "seconds or until is needed")
    now = server.exchange.now
    until = now + round(real(body, "seconds") * SECOND) if "seconds" in body else parse(word(body, "until"))
    return await server.step(until)


@verb()
async def stats(server: Server, body: Body) -> Body:
    """What was counted: requests, orders, executions, refusals for the rate; it fails when the books do not agree."""
    exchange, hub = server.exchange, server.hub
    exchange.audit()
    return {
        "now": stamp(exchange.now), "requests": server.requests, "orders": sum(len(a.tickets) for a in exchange.accounts.values()),
        "executions": exchange.executions, "rate_refused": server.budget.refused, "sent": hub.sent, "frames": dict(hub.counted),
        "trading_connections": len(hub.peers["trading"]), "data_connections": len(hub.peers["data"]), "connected": server.connected,
    }  # fmt: skip
