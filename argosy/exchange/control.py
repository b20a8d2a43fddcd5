"""The hand in the simulated market: verbs with which a drill sets prices, holds fills and breaks replies; off unless it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from argosy.core.errors import Misuse
from argosy.core.time import parse
from argosy.exchange import corporate
from argosy.exchange.streams import DataTalk, time_of
from argosy.exchange.wire import Body, flag

if TYPE_CHECKING:
    from argosy.exchange.server import Server

NAN = float("nan")
Verb = Callable[["Server", Body], Awaitable[Body]]


async def reset(server: Server, body: Body) -> Body:
    """{cash?}: accounts anew, faults gone, nothing held back; quotes stay as they are."""
    server.clear()
    server.exchange.reset(body.get("cash"))
    return {}


async def quote(server: Server, body: Body) -> Body:
    """{symbol, bid, ask, bid_size?, ask_size?}: put a quote there and keep it; {symbol, walk: true}: let it walk on."""
    symbol = _word(body, "symbol")
    if body.get("walk"):
        server.feed.pin(symbol, None)
        return {}
    sides = [float(body[side]) if body.get(side) is not None else NAN for side in ("bid", "ask")]
    server.feed.pin(symbol, (sides[0], sides[1]))
    server.exchange.quote(symbol, sides[0], sides[1], float(body.get("bid_size", 100)), float(body.get("ask_size", 100)))
    return {}


async def trade(server: Server, body: Body) -> Body:
    """{symbol, price, size}: a trade of others."""
    server.exchange.trade(_word(body, "symbol"), float(_need(body, "price")), float(body.get("size", 100)))
    return {}


async def hold_fills(server: Server, body: Body) -> Body:
    """{on}: orders rest and nothing fills, until it is off."""
    server.exchange.release(flag(_need(body, "on"), "on"))
    return {}


async def hold_cancels(server: Server, body: Body) -> Body:
    """{on}: cancels stay in pending_cancel."""
    server.exchange.holding_cancels = flag(_need(body, "on"), "on")
    return {}


async def hold_replaces(server: Server, body: Body) -> Body:
    """{on}: replacements stay in pending_replace."""
    server.exchange.holding_replaces = flag(_need(body, "on"), "on")
    return {}


async def fill(server: Server, body: Body) -> Body:
    """{order_id, qty?, price?}: fill an order by hand; order_id may be the client's."""
    server.exchange.execute(_word(body, "order_id"), body.get("qty"), body.get("price"))
    return {}


async def event(server: Server, body: Body) -> Body:
    """{order_id, event, ...}: say something of an order on the stream; canceled, expired and rejected end it."""
    more = {k: v for k, v in body.items() if k not in ("order_id", "event")}
    server.exchange.event(_word(body, "order_id"), _word(body, "event"), more)
    return {}


async def clock(server: Server, body: Body) -> Body:
    """{is_open: true|false|null, skew?}: open or close the market by hand, null follows the calendar; skew: seconds, in what it says."""
    exchange = server.exchange
    if "is_open" in body:
        value = body["is_open"]
        exchange.hours.forced = None if value is None else flag(value, "is_open")
        exchange.turn(exchange.hours.phase(exchange.now))
    if "skew" in body:
        exchange.skew = round(float(body["skew"]) * 1e9)
    return exchange.hours.clock(exchange.now)


async def halt(server: Server, body: Body) -> Body:
    """{symbol, on}: halt or resume a symbol."""
    server.exchange.halt(_word(body, "symbol"), flag(body.get("on", True), "on"))
    return {}


async def split(server: Server, body: Body) -> Body:
    """{symbol, ratio}: each share becomes so many."""
    corporate.split(server.exchange, _word(body, "symbol"), float(_need(body, "ratio")))
    return {}


async def dividend(server: Server, body: Body) -> Body:
    """{symbol, amount}: dollars for each share."""
    corporate.dividend(server.exchange, _word(body, "symbol"), float(_need(body, "amount")))
    return {}


async def rate_limit(server: Server, body: Body) -> Body:
    """{limit, window_s?}: requests a minute by account; 0 is no limit."""
    server.budget.set(int(_need(body, "limit")), int(body.get("window_s", 60)))
    return {}


async def fault(server: Server, body: Body) -> Body:
    """{method?, path?, status|drop|delay, apply?, times?, after?, body?}; {clear: true} takes all rules away."""
    if body.get("clear"):
        server.faults.rules.clear()
        return {}
    server.faults.add(body)
    return {}


async def ws(server: Server, body: Body) -> Body:
    """{close: trading|data|all, rude?; mute: trading|data|true|false; auth_timeout; connections; symbols; deaf; slow_at; fragment}.

    deaf: open and silent, pings are not answered; fragment: bytes in which frames are cut; slow_at: records that may wait
    """
    hub = server.hub
    done: Body = {}
    if "mute" in body:
        mute = body["mute"]
        which = mute if mute in ("trading", "data") else ""
        on = bool(mute)
        if which in ("", "trading"):
            hub.trading.mute = on
        if which in ("", "data"):
            hub.data.mute = on
    hub.auth_timeout = float(body.get("auth_timeout", hub.auth_timeout))
    hub.connections = int(body.get("connections", hub.connections))
    hub.most = int(body.get("symbols", hub.most))
    hub.deaf = bool(body.get("deaf", hub.deaf))
    hub.fragment = int(body.get("fragment", hub.fragment))
    hub.slow_at = int(body.get("slow_at", hub.slow_at))
    if body.get("close"):
        done["closed"] = await hub.close(str(body["close"]), bool(body.get("rude")))
    return done


async def frames(server: Server, body: Body) -> Body:
    """{stream: trading|data, drop?, duplicate?, reorder?: counts; delay?: seconds, of trading frames}."""
    which = server.hub.data if body.get("stream") == "data" else server.hub.trading
    which.set(body)
    server.hub.late = float(body.get("delay", server.hub.late))
    return {}


async def frame(server: Server, body: Body) -> Body:
    """{stream: trading|data, body|raw}: send this record, or these very words, to all clients of a stream."""
    said = body.get("body")
    for peer in server.hub.peers["data" if body.get("stream") == "data" else "trading"]:
        talk = peer.talk
        if not isinstance(said, dict):
            await peer.ws.send_bytes(_word(body, "raw").encode())
        elif isinstance(talk, DataTalk) and talk.packed and isinstance(said.get("t"), str):
            await peer.say([said | {"t": time_of(parse(said["t"]))}])
        else:
            await peer.say([said])
    return {}


async def down(server: Server, body: Body) -> Body:
    """{seconds}: as if the exchange restarted: connections end, and new ones are cut for so long."""
    await server.sleep(float(body.get("seconds", 1.0)))
    return {}


async def stats(server: Server, body: Body) -> Body:
    """What was counted: requests, orders, executions, refusals for the rate; and whether the books agree."""
    exchange = server.exchange
    exchange.audit()
    return {
        "requests": server.requests, "orders": sum(len(a.tickets) for a in exchange.accounts.values()),
        "executions": exchange.executions, "rate_refused": server.budget.refused, "sent": server.hub.sent,
        "trading_connections": len(server.hub.peers["trading"]), "data_connections": len(server.hub.peers["data"]),
        "connected": server.connected,
    }  # fmt: skip


VERBS: dict[str, Verb] = {
    verb.__name__: verb
    for verb in (
        reset, quote, trade, hold_fills, hold_cancels, hold_replaces, fill, event, clock, halt, split, dividend, rate_limit, fault, ws, frames, frame,
        down, stats,
    )
}  # fmt: skip


def _need(body: Body, field: str) -> Any:
    if field not in body:
        raise Misuse("CONTROL", f"{field} is missing")
    return body[field]


def _word(body: Body, field: str) -> str:
    value = _need(body, field)
    if not isinstance(value, str):
        raise Misuse("CONTROL", f"{field} is a text")
    return value
