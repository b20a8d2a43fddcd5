"""Reads an order request and says no to what cannot be an order; whether the account may send it is `admission`'s question."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from argosy.exchange.hours import minute_of_day
from argosy.exchange.market import Board, Market
from argosy.exchange.orders import CLASSES, TYPES, Ticket
from argosy.exchange.wire import LOT, PER_SHARE, Body, Refusal, flag, invalid, number, unfit

NAN = float("nan")
TIFS = ("day", "gtc", "opg", "cls", "ioc", "fok")
INTENTS = {1: ("buy_to_open", "buy_to_close"), -1: ("sell_to_open", "sell_to_close")}
_TEXT_MAX = 128


def draft(body: Any, market: Market, now: int, make: Callable[[Board], Ticket], position: int | None = None) -> Ticket:
    """The ticket of a request, with its legs; Refusal with the venue's code for anything that is wrong with it.

    make: gives a fresh ticket for a symbol (number, ids, times)
    """
    if not isinstance(body, dict):
        raise Refusal(400, 40010000, "request body format is invalid")
    board = _board(body, market)
    side = _one_of(body, "side", ("buy", "sell"))
    kind = _one_of(body, "type", tuple(TYPES), "limit" if body.get("order_class") == "oco" else None)
    tif = _one_of(body, "time_in_force", TIFS, "day")
    klass = _one_of(body, "order_class", (*CLASSES, ""), "simple") or "simple"
    ticket = make(board)
    ticket.side, ticket.kind, ticket.tif, ticket.klass = 1 if side == "buy" else -1, kind, tif, klass
    ticket.extended = flag(body.get("extended_hours") or False, "extended_hours")
    ticket.intent = body.get("position_intent")
    if ticket.intent is not None and ticket.intent not in INTENTS[ticket.side]:
        raise invalid(f"invalid position_intent: {ticket.intent}")
    ticket.client = client_id(body) or ticket.client
    _quantity(body, ticket, board)
    _prices(body, ticket)
    _life(ticket, now)
    if board.kind != "equity":
        _sort(ticket, board)
    if klass != "simple":
        _legs(body, ticket, board, make)
    elif body.get("take_profit") or body.get("stop_loss"):
        raise unfit("take_profit and stop_loss are for bracket, oco and oto orders")
    return ticket


def _board(body: Body, market: Market) -> Board:
    symbol = body.get("symbol")
    if not symbol or not isinstance(symbol, str):
        raise invalid("symbol is required")
    board = market.board(symbol)
    if board is None:
        raise unfit(f'asset "{symbol}" not found')
    if not board.row.tradable or board.over:
        raise unfit(f"asset {symbol} is not active")
    return board


def _one_of(body: Body, field: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    value = body.get(field)
    if value is None:
        value = default
    if value is None:
        raise invalid(f"{field} is required")
    if value not in allowed:
        raise invalid(f"invalid {field}: {value}")
    return str(value)


def _quantity(body: Body, ticket: Ticket, board: Board) -> None:
    qty, notional = body.get("qty"), body.get("notional")
    if (qty is None) == (notional is None):
        raise invalid("qty or notional is required" if qty is None else "only one of qty or notional is accepted")
    if notional is not None:
        money = number(notional, "notional")
        if money < 1:
            raise unfit("notional amount must be >= 1.00")
        if money != round(money, 2):
            raise unfit("notional amount must be limited to 2 decimal places")
        if board.kind == "option":
            raise unfit("notional is not allowed for options")
        if board.kind == "equity" and (ticket.kind != "market" or ticket.klass != "simple" or ticket.tif != "day"):
            raise unfit("notional orders must be simple market day orders")
        best = board.quote
        price = (best.ap if ticket.side > 0 else best.bp) if best else board.mark()
        if body.get("limit_price") is not None:
            price = price_of(body["limit_price"], "limit_price")
        if not price:
            raise unfit(f"no price for {board.symbol}")
        ticket.notional = f"{money.normalize():f}"
        ticket.lots = bought(ticket.notional, price)
        return
    ticket.lots = lots_of(qty)
    _parts(ticket, board)


def _parts(ticket: Ticket, board: Board) -> None:
    """Parts of a share are for simple orders of a day."""
    if ticket.lots % PER_SHARE and board.kind == "option":
        raise unfit("fractional qty is not allowed for options")
    if ticket.lots % PER_SHARE and board.kind == "equity" and (ticket.tif != "day" or ticket.klass != "simple"):
        raise unfit("fractional orders must be DAY orders" if ticket.tif != "day" else "fractional orders must be simple orders")


def bought(notional: str, price: float) -> int:
    """Lots that an amount of dollars is worth at a price, rounded down."""
    return int((Decimal(notional) / Decimal(str(price)) / LOT).to_integral_value(ROUND_DOWN))


def _sort(ticket: Ticket, board: Board) -> None:
    """What coins and options allow: no legs, no hours of their own, and fewer types and lives."""
    coin = board.kind == "crypto"
    what = "crypto" if coin else "options"
    if ticket.klass != "simple":
        raise unfit(f"{ticket.klass} orders are not allowed for {what}")
    if ticket.extended:
        raise unfit(f"extended hours orders are not allowed for {what}")
    kinds, lives = (("market", "limit", "stop_limit"), ("gtc", "ioc")) if coin else (("market", "limit"), ("day",))
    if ticket.kind not in kinds:
        raise unfit(f"invalid order type for {what} order: {ticket.kind}")
    if ticket.tif not in lives:
        raise unfit(f"invalid {what} time_in_force: {ticket.tif}")


def client_id(body: Body) -> str:
    """The client's own id of an order, "" where it gives none; 422 for one that is none."""
    client = body.get("client_order_id")
    if not client:
        return ""
    if not isinstance(client, str) or len(client) > _TEXT_MAX:
        raise invalid(f"client_order_id must be no more than {_TEXT_MAX} characters")
    return client


def lots_of(qty: Any) -> int:
    """Lots of a quantity of shares; 422 for one that is not above 0 or finer than nine decimals."""
    amount = number(qty, "qty")
    if amount <= 0:
        raise invalid("qty must be > 0")
    lots = amount / LOT
    if lots != lots.to_integral_value():
        raise unfit("qty must be limited to 9 decimal places")
    return int(lots)


def price_of(value: Any, field: str) -> float:
    """A price on the grid: cents from one dollar, hundredths of a cent below."""
    price = number(value, field)
    if price <= 0:
        raise unfit(f"{field} must be > 0")
    if price != round(price, 2 if price >= 1 else 4):
        raise unfit(f"invalid {field} {price}. sub-penny increment does not fulfill minimum pricing criteria")
    return float(price)


def _prices(body: Body, ticket: Ticket) -> None:
    kind = ticket.kind
    limit, stop = body.get("limit_price"), body.get("stop_price")
    if kind in ("limit", "stop_limit") and ticket.klass != "oco":
        if limit is None:
            raise invalid("limit orders require a limit price" if kind == "limit" else "stop limit orders require both stop and limit price")
        ticket.limit = price_of(limit, "limit_price")
    elif limit is not None and ticket.klass != "oco":
        raise invalid(f"{kind} orders require no limit price")
    if kind in ("stop", "stop_limit"):
        if stop is None:
            raise invalid("stop orders require a stop price" if kind == "stop" else "stop limit orders require both stop and limit price")
        ticket.stop = price_of(stop, "stop_price")
    elif stop is not None:
        raise invalid(f"{kind} orders require no stop price")
    trail, percent = body.get("trail_price"), body.get("trail_percent")
    if kind == "trailing_stop":
        if (trail is None) == (percent is None):
            raise invalid("trailing stop orders must specify one of trail_price or trail_percent")
        if trail is not None:
            trail_by(ticket, trail)
        else:
            _percent(ticket, percent)
    elif trail is not None or percent is not None:
        raise invalid(f"{kind} orders require no trail")


def trail_by(ticket: Ticket, value: Any) -> None:
    """Set the distance of a trailing stop, in dollars or percent, as it has."""
    if ticket.trail_percent == ticket.trail_percent:
        _percent(ticket, value)
    else:
        ticket.trail_price = price_of(value, "trail_price")


def _percent(ticket: Ticket, value: Any) -> None:
    percent = number(value, "trail_percent")
    if not Decimal("0.1") <= percent < 100:
        raise unfit("trail_percent must be >= 0.1 and < 100")
    ticket.trail_percent = float(percent)


def _life(ticket: Ticket, now: int) -> None:
    kind, tif = ticket.kind, ticket.tif
    if ticket.extended and (kind != "limit" or tif not in ("day", "gtc") or ticket.klass != "simple"):
        raise unfit("extended hours order must be DAY or GTC limit orders")
    if tif in ("opg", "cls"):
        if kind not in ("market", "limit"):
            raise unfit(f"{tif} orders must be market or limit orders")
        minute = minute_of_day(now)
        if tif == "opg" and 9 * 60 + 28 <= minute < 19 * 60:
            raise unfit("opg orders cannot be submitted between 9:28am and 7:00pm")
        if tif == "cls" and 15 * 60 + 50 <= minute < 19 * 60:
            raise unfit("cls orders cannot be submitted between 3:50pm and 7:00pm")
    if kind == "trailing_stop" and tif not in ("day", "gtc"):
        raise unfit("trailing stop orders must be day or gtc orders")
    if kind in ("stop", "stop_limit") and tif in ("ioc", "fok"):
        raise unfit(f"{tif} orders must be market or limit orders")


def still(fresh: Ticket, old: Ticket, board: Board, now: int) -> None:
    """What a replacement may not become, though each of its fields is good by itself; Refusal 422."""
    if fresh.tif != old.tif:
        _life(fresh, now)
        if board.kind != "equity":
            _sort(fresh, board)
        if fresh.klass != "simple" and fresh.tif not in ("day", "gtc"):
            raise unfit(f"{fresh.klass} orders must be day or gtc orders")
    _parts(fresh, board)


def _legs(body: Body, ticket: Ticket, board: Board, make: Callable[[Board], Ticket]) -> None:
    klass, side = ticket.klass, ticket.side
    take, loss = body.get("take_profit"), body.get("stop_loss")
    if ticket.tif not in ("day", "gtc"):
        raise unfit(f"{klass} orders must be day or gtc orders")
    if ticket.kind not in ("market", "limit") and klass != "oto":
        raise unfit(f"{klass} orders must be market or limit orders")
    if klass in ("bracket", "oco") and not (take and loss):
        raise unfit(f"{klass} orders require take_profit and stop_loss")
    if klass == "oto" and bool(take) == bool(loss):
        raise unfit("oto orders require one of take_profit or stop_loss")
    for part, field in ((take, "take_profit"), (loss, "stop_loss")):
        if part is not None and not isinstance(part, dict):
            raise invalid(f"{field} must be an object")
    target = price_of((take or {}).get("limit_price"), "take_profit.limit_price") if take else NAN
    stop = price_of((loss or {}).get("stop_price"), "stop_loss.stop_price") if loss else NAN
    floor = (loss or {}).get("limit_price")
    stop_limit = price_of(floor, "stop_loss.limit_price") if floor is not None else NAN
    best = board.quote
    out = side if klass == "oco" else -side
    now = board.mark() if best is None else (best.ap if out < 0 else best.bp)
    base = ticket.limit if ticket.limit == ticket.limit else now
    if take and loss and (target - stop) * -out <= 0:
        raise unfit("take_profit.limit_price must be " + ("> " if out < 0 else "< ") + "stop_loss.stop_price")
    below, above = ("<=", "-"), (">=", "+")
    for price, field, off, (sign, step) in (
        (stop, "stop_loss.stop_price", base - stop, below if out < 0 else above),
        (target, "take_profit.limit_price", target - base, above if out < 0 else below),
    ):
        if price == price and klass != "oco" and off * -out < 0.01 - 1e-9:
            raise unfit(f"{field} must be {sign} base_price {step} 0.01", base_price=f"{base:.2f}")
    if klass == "oco":
        ticket.kind, ticket.limit = "limit", target
        ticket.group = ticket.number
        ticket.legs = [_leg(ticket, "stop_limit" if stop_limit == stop_limit else "stop", stop_limit, stop, make(board))]
        return
    ticket.legs = []
    if take:
        ticket.legs.append(_leg(ticket, "limit", target, NAN, make(board)))
    if loss:
        ticket.legs.append(_leg(ticket, "stop_limit" if stop_limit == stop_limit else "stop", stop_limit, stop, make(board)))


def _leg(parent: Ticket, kind: str, limit: float, stop: float, leg: Ticket) -> Ticket:
    leg.kind, leg.limit, leg.stop = kind, limit, stop
    leg.side = parent.side if parent.klass == "oco" else -parent.side
    leg.tif, leg.klass, leg.lots, leg.parent = parent.tif, parent.klass, parent.lots, parent
    leg.group = parent.number
    leg.status, leg.hung = "held", True
    return leg
