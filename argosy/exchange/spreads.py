"""Orders of several options at once: read, admitted and filled all together at one net price; a leg is never filled alone."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

from argosy.core.time import NEVER
from argosy.exchange import admission, entry, options
from argosy.exchange.accounts import Account
from argosy.exchange.market import Board
from argosy.exchange.orders import NAN, Ticket
from argosy.exchange.wire import (
    PER_SHARE,
    PER_USD,
    Body,
    forbidden,
    invalid,
    name,
    number,
    price_text,
    shares,
    stamp,
    unfit,
)

if TYPE_CHECKING:
    from argosy.exchange.trading import Trading

LEGS = (2, 4)


def submit(exchange: Trading, account: Account, body: Body) -> Body:
    """Take an order of two to four options; its JSON as it is accepted. Raises Refusal."""
    if account.settings["suspend_trade"]:
        raise forbidden("new orders are rejected by user request")
    legs = _legs(exchange, body)
    kind, tif = body.get("type"), body.get("time_in_force", "day")
    if kind not in ("market", "limit"):
        raise unfit(f"invalid order type for mleg order: {kind}")
    if tif != "day":
        raise unfit(f"invalid mleg time_in_force: {tif}")
    lots = entry.lots_of(body.get("qty"))
    if lots % PER_SHARE:
        raise unfit("fractional qty is not allowed for options")
    limit = NAN
    if kind == "limit":
        if body.get("limit_price") is None:
            raise invalid("limit orders require a limit price")
        limit = float(number(body["limit_price"], "limit_price"))
        if round(limit, 2) != limit:
            raise unfit(f"invalid limit_price {limit:g}. sub-penny increment does not fulfill minimum pricing criteria")
    client = entry.client_id(body)
    if client in account.clients:
        raise invalid("client_order_id must be unique")
    net = _net([(board, side * ratio) for board, side, ratio, _ in legs], exchange)
    price = limit if limit == limit else (net * admission.ABOVE_MARKET if net > 0 else net)
    if price != price:
        raise unfit("no price for the legs of the order")
    cost = round(price * 100 * lots / PER_SHARE * PER_USD)
    asked = [(board, side * ratio * lots, intent) for board, side, ratio, intent in legs]
    hold, kept = admission.written(account, asked, cost, exchange.market, exchange.now, joint=True)
    parent = exchange.make(legs[0][0])
    parent.symbol = parent.asset = parent.sort = ""
    parent.instrument, parent.kind, parent.tif, parent.klass, parent.lots, parent.limit = -1, kind, "day", "mleg", lots, limit
    parent.client = client or parent.client
    for board, side, ratio, intent in legs:
        leg = exchange.make(board)
        leg.side, leg.kind, leg.tif, leg.klass, leg.lots, leg.ratio = side, "market", "day", "mleg", lots * ratio, ratio
        leg.intent, leg.parent = intent, parent
        parent.legs = [*parent.legs, leg]
    open_now = exchange.phase == "regular"
    status = "pending_new" if open_now else "accepted"
    account.spreads[parent.number] = parent
    for member, reserve in zip((parent, *parent.legs), (0, *kept), strict=True):
        member.status, member.expires = status, exchange.hours.ends(exchange.now, "day", False)
        account.add(member)
        account.keep(member, hold if member is parent else 0, reserve)
    answer = parent.view()
    exchange.say(account, parent, status, status)
    for leg in parent.legs:
        account.core.apply(admission.passed(leg, False), exchange.now)
        resting = account.core.resting(leg.number)
        if resting is None:
            exchange.end(account, parent, "rejected")
            return answer
        resting.from_ts = NEVER
    if open_now:
        wake(exchange, account, parent)
        meet(exchange, account, parent)
    return answer


def wake(exchange: Trading, account: Account, parent: Ticket) -> None:
    """The market is open: the order works."""
    for leg in parent.legs:
        leg.status = "new"
    exchange.say(account, parent, "new", "new")


def meet(exchange: Trading, account: Account, parent: Ticket) -> None:
    """Fill an order whose net price the market gives now."""
    if exchange.holding or parent.status not in ("new", "partially_filled") or exchange.phase != "regular":
        return
    boards = exchange.market.boards
    net = _net([(boards[leg.instrument], leg.side * leg.ratio) for leg in parent.legs], exchange)
    if net == net and not any(boards[leg.instrument].halted for leg in parent.legs) and not (parent.limit + 1e-9 < net):
        fill(exchange, account, parent, parent.leaves, net)


def fill(exchange: Trading, account: Account, parent: Ticket, lots: int, net: float) -> None:
    """Fill so many at a net price: each leg at its side of the market, the first takes the difference."""
    boards = exchange.market.boards
    prices = [_touch(boards[leg.instrument], leg.side, exchange) for leg in parent.legs]
    away = net - sum(leg.side * leg.ratio * price for leg, price in zip(parent.legs, prices, strict=True))
    prices[0] = round(prices[0] + away * parent.legs[0].side / parent.legs[0].ratio, 4)
    said = []
    for leg, price in zip(parent.legs, prices, strict=True):
        resting = account.core.resting(leg.number)
        if resting is not None:
            exchange.hear(account, account.core.execute(resting, lots * leg.ratio, price, exchange.now))
            said.append({
                "order_id": leg.id, "symbol": leg.symbol, "side": "buy" if leg.side > 0 else "sell", "qty": shares(lots * leg.ratio),
                "price": price_text(price), "position_qty": shares(account.lots(leg.instrument)),
            })  # fmt: skip
    left = parent.leaves
    parent.filled += lots
    parent.turnover += net * lots
    done = parent.filled >= parent.lots
    parent.status = "filled" if done else "partially_filled"
    parent.updated = parent.filled_at = exchange.now
    account.keep(parent, parent.hold * parent.leaves // left, 0)
    if done:
        account.spreads.pop(parent.number, None)
        account.over(parent)
    exchange.executions += 1
    exchange.frame(account, parent, "fill" if done else "partial_fill", {
        "execution_id": name(exchange.seed, "execution", exchange.executions), "timestamp": stamp(exchange.now), "price": f"{net:.4f}".rstrip("0"),
        "qty": shares(lots), "legs": said,
    })  # fmt: skip


def _legs(exchange: Trading, body: Body) -> list[tuple[Board, int, int, str | None]]:
    """(board, side, ratio, intent) of each leg."""
    rows: Any = body.get("legs")
    if not isinstance(rows, list) or not LEGS[0] <= len(rows) <= LEGS[1] or not all(isinstance(row, dict) for row in rows):
        raise invalid("mleg orders require two to four legs")
    found = []
    for row in rows:
        board = exchange.market.board(row["symbol"]) if isinstance(row.get("symbol"), str) else None
        if board is None or board.contract is None or board.over:
            raise unfit(f"asset \"{row.get('symbol')}\" not found")
        ratio, intent = number(row.get("ratio_qty"), "ratio_qty"), row.get("position_intent")
        if ratio != int(ratio) or ratio < 1:
            raise invalid("ratio_qty must be a whole number above 0")
        way = row.get("side") or (intent or "").split("_")[0]
        if way not in ("buy", "sell"):
            raise invalid("side or position_intent of each leg is required")
        side = 1 if way == "buy" else -1
        if intent is not None and intent not in entry.INTENTS[side]:
            raise invalid(f"invalid position_intent: {intent}")
        found.append((board, side, int(ratio), intent))
    if len({board.symbol for board, _, _, _ in found}) < len(found):
        raise invalid("all legs must have unique symbols")
    if gcd(*(ratio for _, _, ratio, _ in found)) != 1:
        raise unfit("leg ratio quantities should be relatively prime")
    return found


def _net(legs: list[tuple[Board, int]], exchange: Trading) -> float:
    """What one costs at the market, negative what it brings; nan where a leg has no other side."""
    return round(sum(many * _touch(board, many, exchange) for board, many in legs), 4)


def _touch(board: Board, side: int, exchange: Trading) -> float:
    best = options.best(exchange.market, board, exchange.now)
    price = (best.ap if side > 0 else best.bp) if best is not None else 0.0
    return price or NAN
