"""The hand in the simulated market: verbs with which a drill sets prices, fills and ends orders, halts and splits; off unless asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from argosy.core.errors import Misuse
from argosy.core.time import SECOND
from argosy.exchange import corporate, exercise, news
from argosy.exchange.hours import day_of
from argosy.exchange.verbs import choice, count, need, on, real, verb, word
from argosy.exchange.wire import Body

if TYPE_CHECKING:
    from argosy.exchange.server import Server

NAN = float("nan")
SAID = ("qty", "price", "position_qty", "timestamp", "execution_id")


@verb("cash")
async def reset(server: Server, body: Body) -> Body:
    """{cash?}: accounts anew, faults gone, nothing held back, limit, clock and halts as at the start; quotes stay where they are."""
    cash = real(body, "cash", None)
    server.clear()
    server.exchange.reset(cash)
    return {}


@verb("symbol", "bid", "ask", "bid_size", "ask_size", "walk")
async def quote(server: Server, body: Body) -> Body:
    """{symbol, bid, ask, bid_size?, ask_size?}: put a quote there and keep it; null is a side without an order; {symbol, walk: true} lets go."""
    board = server.exchange.board(word(body, "symbol"))
    symbol, board.pinned = board.symbol, not on(body, "walk", False)
    if not board.pinned:
        server.feed.pin(symbol, None)
        return {}
    if "bid" not in body or "ask" not in body:
        raise Misuse("CONTROL", ("bid" if "bid" not in body else "ask") + " is missing")
    bid, ask = real(body, "bid", 0.0) or NAN, real(body, "ask", 0.0) or NAN
    if bid > ask:
        raise Misuse("CONTROL", f"the bid {bid:g} is above the ask {ask:g}")
    server.feed.pin(symbol, (bid, ask))
    server.exchange.quote(symbol, bid, ask, real(body, "bid_size", 100.0), real(body, "ask_size", 100.0))
    return {}


@verb("symbol", "price", "size")
async def trade(server: Server, body: Body) -> Body:
    """{symbol, price, size?}: a trade of others."""
    symbol = server.exchange.board(word(body, "symbol")).symbol
    server.exchange.trade(symbol, real(body, "price", least=1e-9), real(body, "size", 100.0))
    return {}


@verb("on")
async def hold_fills(server: Server, body: Body) -> Body:
    """{on}: orders rest and nothing fills by itself, until it is off."""
    server.exchange.release(on(body))
    return {}


@verb("on")
async def hold_cancels(server: Server, body: Body) -> Body:
    """{on}: cancels stay in pending_cancel; those that are held then stay so, until an event ends them."""
    server.exchange.holding_cancels = on(body)
    return {}


@verb("on")
async def hold_replaces(server: Server, body: Body) -> Body:
    """{on}: replacements stay in pending_replace."""
    server.exchange.holding_replaces = on(body)
    return {}


@verb("order_id", "qty", "price")
async def fill(server: Server, body: Body) -> Body:
    """{order_id, qty?, price?}: fill an order by hand, in parts if you like; order_id may be the client's."""
    price = real(body, "price", None, least=1e-9)
    server.exchange.execute(word(body, "order_id"), body.get("qty"), price)
    return {}


@verb("order_id", "event", "silent", *SAID)
async def event(server: Server, body: Body) -> Body:
    """{order_id, event, silent?, qty?, price?, ...}: say something of an order on the stream; canceled, expired, rejected end it.

    silent: it happens, and nobody is told
    """
    more = {field: body[field] for field in SAID if field in body}
    server.exchange.event(word(body, "order_id"), word(body, "event"), more, silent=on(body, "silent", False))
    return {}


@verb("is_open", "skew")
async def clock(server: Server, body: Body) -> Body:
    """{is_open: true|false|null, skew?}: open or close the market by hand, null follows the calendar; skew: seconds, in what it says."""
    exchange = server.exchange
    if not body:
        raise Misuse("CONTROL", "is_open or skew is missing")
    skew = real(body, "skew", None, least=-1e9)
    if "is_open" in body:
        exchange.force(None if body["is_open"] is None else on(body, "is_open"))
    if skew is not None:
        exchange.skew = round(skew * SECOND)
    return exchange.hours.clock(exchange.now)


@verb("symbol", "on")
async def halt(server: Server, body: Body) -> Body:
    """{symbol, on?}: halt or resume a symbol."""
    server.exchange.halt(server.exchange.board(word(body, "symbol")).symbol, on(body, "on", True))
    return {}


@verb("symbol", "up", "down", "indicator")
async def luld(server: Server, body: Body) -> Body:
    """{symbol, up?, down?, indicator?}: say price bands of a symbol; without prices the rule's own, now."""
    exchange = server.exchange
    board = exchange.board(word(body, "symbol"))
    up, down = real(body, "up", None), real(body, "down", None)
    band = exchange.market.band(board, exchange.now) if up is None or down is None else (down, up)
    if band is None:
        raise Misuse("CONTROL", f"there is no price of {board.symbol} yet")
    exchange.market.limit(board, (down or band[0], up or band[1]), exchange.now, choice(body, "indicator", ("A", "B", "C", "D")) or "B")
    return {"down": down or band[0], "up": up or band[1]}


@verb("symbol", "ratio")
async def split(server: Server, body: Body) -> Body:
    """{symbol, ratio}: each share becomes so many."""
    corporate.split(server.exchange, server.exchange.board(word(body, "symbol")).symbol, real(body, "ratio", least=1e-4))
    return {}


@verb("symbol", "kind", "day", "new_rate", "old_rate", "other_symbol")
async def announce(server: Server, body: Body) -> Body:
    """{symbol, kind, day?, new_rate?, old_rate?, other_symbol?}: say that an action is due on a day (today); nothing else happens."""
    exchange = server.exchange
    kind = choice(body, "kind", tuple(corporate.KINDS))
    if not kind:
        raise Misuse("CONTROL", "kind is missing", fix=f"one of {', '.join(corporate.KINDS)}")
    rates = {name: real(body, name, least=1e-4) for name in ("new_rate", "old_rate") if name in body}
    other = {"new_symbol": word(body, "other_symbol")} if "other_symbol" in body else {}
    day = word(body, "day") if "day" in body else day_of(exchange.now)
    return corporate.announce(exchange, kind, exchange.board(word(body, "symbol")).symbol, day, rates | other)


@verb("symbol", "amount")
async def dividend(server: Server, body: Body) -> Body:
    """{symbol, amount}: dollars for each share."""
    corporate.dividend(server.exchange, server.exchange.board(word(body, "symbol")).symbol, real(body, "amount"))
    return {}


@verb("headline", "symbols", "summary", "content", "author", "source", "url")
async def article(server: Server, body: Body) -> Body:
    """{headline, symbols?, summary?, content?, author?, source?, url?}: publish news; on the stream at once."""
    symbols = body.get("symbols") or []
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise Misuse("CONTROL", "symbols is a list of texts")
    words = {field: word(body, field) for field in ("headline", "summary", "content", "author", "source", "url") if body.get(field) is not None}
    need(body, "headline")
    return {"id": news.publish(server.exchange.market, server.exchange.now, symbols, words)}


@verb("symbol", "qty")
async def assign(server: Server, body: Body) -> Body:
    """{symbol, qty?}: writers of an option are assigned, all or so many contracts of each."""
    board = server.exchange.board(word(body, "symbol"))
    return {"assigned": exercise.assign(server.exchange, board, count(body, "qty", 0))}


@verb("partial_frac", "away_frac", "frac", "carries", "margin_rate", "borrow_rate")
async def terms(server: Server, body: Body) -> Body:
    """{partial_frac?, away_frac?, frac?, carries?, margin_rate?, borrow_rate?}: how it behaves from now on; partial_frac 0.1 is paper mode."""
    exchange = server.exchange
    changed = {field: on(body, field) if field == "carries" else real(body, field) for field in body}
    if changed.get("partial_frac", 0) > 1 or changed.get("frac", 0) > 1:
        raise Misuse("CONTROL", "partial_frac and frac are from 0 to 1")
    if "frac" in changed and any(account.tickets for account in exchange.accounts.values()):
        raise Misuse("CONTROL", "frac holds from the first order on", fix="reset first")
    exchange.terms = structs.replace(exchange.terms, **changed)
    if "frac" in changed:
        exchange.reset()
    return structs.asdict(exchange.terms) | {"fees": None}
