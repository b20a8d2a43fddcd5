"""Whether an account may send an order now: buying power, shares at hand, wash trades, day trades; the exchange's own gate."""

from __future__ import annotations

from argosy.core.effects import Submit
from argosy.core.orders import Approved
from argosy.exchange.accounts import DAY_TRADES_MAX, PATTERN_EQUITY, Account
from argosy.exchange.market import Board, Market
from argosy.exchange.options import needed
from argosy.exchange.orders import Ticket
from argosy.exchange.wire import PER_SHARE, PER_USD, Refusal, dollars, forbidden, shares, unfit

ABOVE_MARKET = 1.03
"""A market order is counted at this much of the ask, as long as nobody knows its price."""


def admit(account: Account, ticket: Ticket, market: Market, now: int, day: str) -> tuple[int, int]:
    """(units of buying power, lots of the position) to keep for an order; Refusal when the account may not send it."""
    if account.settings["suspend_trade"]:
        raise forbidden("new orders are rejected by user request")
    board = market.boards[ticket.instrument]
    if ticket.lots % PER_SHARE and board.kind == "equity" and not account.settings["fractional_trading"]:
        raise forbidden("account is not enabled for fractional trading")
    wash(account, ticket, market)
    if board.kind == "option":
        hold, kept = written(account, [(board, ticket.side * ticket.leaves, ticket.intent)], worth(ticket, market) * ticket.side, market, now)
        return hold, kept[0]
    held = account.lots(ticket.instrument)
    meant = ("buy" if ticket.side > 0 else "sell") + ("_to_close" if held * ticket.side < 0 else "_to_open")
    if ticket.intent not in (None, meant):
        raise unfit(f"position intent mismatch, inferred: {meant}, specified: {ticket.intent}")
    if held * ticket.side < 0:
        return 0, _closing(account, ticket, held, market, day)
    if ticket.klass == "oco":
        raise forbidden(
            f"insufficient qty available for order (requested: {shares(ticket.lots)}, available: 0)",
            symbol=ticket.symbol, existing_qty="0", available="0", held_for_orders="0",
        )  # fmt: skip
    if ticket.side < 0:
        _short(account, ticket, board)
    cost = worth(ticket, market)
    power = account.power(market, now) if board.kind == "equity" else account.free(market, now)
    if cost > power:
        raise forbidden("insufficient buying power", buying_power=dollars(power), cost_basis=dollars(cost))
    return cost, 0


def near(ticket: Ticket, market: Market, away_frac: float) -> None:
    """403 for a limit that would pay much more than the market asks; 0 takes any."""
    best = market.boards[ticket.instrument].quote
    if away_frac and best is not None and ticket.limit == ticket.limit:
        price = best.ap if ticket.side > 0 else best.bp
        if price and (ticket.limit / price - 1.0) * ticket.side > away_frac:
            raise forbidden(f"limit price {ticket.limit:g} is too far away from the market {price:g}")


def worth(ticket: Ticket, market: Market) -> int:
    """Units of buying power that what is left of an order may need."""
    board = market.boards[ticket.instrument]
    best = board.quote
    ask = best.ap if best is not None and best.ap else board.mark()
    price = ticket.limit
    if ticket.kind == "stop":
        price = ticket.order(ticket.leaves).limit if ticket.side > 0 else ticket.stop  # a stop to buy may pay up to its limit
    elif ticket.kind == "trailing_stop":
        percent = ticket.trail_percent == ticket.trail_percent
        away = ask * ticket.trail_percent / 100.0 if percent else ticket.trail_price
        price = ask + away if ticket.side > 0 else ask
    elif ticket.kind == "market":
        if ticket.notional is not None:
            return round(float(ticket.notional) * PER_USD)
        price = ask * ABOVE_MARKET
        if ticket.side < 0 and board.kind == "option":
            price = best.bp if best is not None else 0.0
    if ticket.side < 0 and board.kind == "equity":
        price = max(price, ask * ABOVE_MARKET)
    if not price:
        raise unfit(f"no price for {ticket.symbol}")
    return round(price * ticket.leaves * ticket.size / (PER_SHARE / PER_USD))


def _closing(account: Account, ticket: Ticket, held: int, market: Market, day: str) -> int:
    """Lots to keep for an order against a position; it may never be crossed."""
    kept = account.reserved.get((ticket.instrument, ticket.side), 0)
    covering = needed(account.contracts(market, ticket.instrument, True), 1 << 40)[1] if ticket.instrument in market.derived else 0
    available = abs(held) - kept - covering * PER_SHARE
    if ticket.leaves > available:
        others = [t.id for t in account.live.get((ticket.instrument, ticket.side), {}).values()]
        raise forbidden(
            f"insufficient qty available for order (requested: {shares(ticket.leaves)}, available: {shares(max(available, 0))})",
            symbol=ticket.symbol, existing_qty=shares(abs(held)), available=shares(max(available, 0)), held_for_orders=shares(kept),
            related_orders=others,
        )  # fmt: skip
    if account.regime == "legacy_pdt" and account.equity(market) < PATTERN_EQUITY and len(account.day_trades) >= DAY_TRADES_MAX:
        position = account.positions[ticket.instrument]
        if position.today * held > 0 and account.day == day:
            raise Refusal(403, 40310100, "trade denied due to pattern day trading protection")
    return ticket.leaves


def covered(account: Account, fresh: Ticket, old: Ticket) -> None:
    """403 when what takes the place of a leg, for which another of its group keeps the shares, would sell more than there are."""
    if old.hung or old.instrument < 0:
        return
    held = account.lots(old.instrument)
    mates = [t for t in account.live.get((old.instrument, old.side), {}).values() if t.group == old.group]
    kept = account.reserved.get((old.instrument, old.side), 0) - sum(t.reserve for t in mates)
    available = (abs(held) if held * old.side < 0 else 0) - kept
    if fresh.leaves > available:
        raise forbidden(
            f"insufficient qty available for order (requested: {shares(fresh.leaves)}, available: {shares(max(available, 0))})",
            symbol=fresh.symbol, existing_qty=shares(abs(held)), available=shares(max(available, 0)), held_for_orders=shares(kept),
        )  # fmt: skip


def written(
    account: Account, legs: list[tuple[Board, int, str | None]], cost: int, market: Market, now: int, joint: bool = False
) -> tuple[int, list[int]]:
    """(units to keep, lots of each position to keep) for an order in options; Refusal when the account may not send it.

    legs: (option, signed lots, intent); cost: units that it takes, negative what it brings; joint: all at once, as a spread
    """
    kept = []
    more = 0.0
    for board, lots, intent in legs:
        held = account.lots(board.row.id)
        opens = held * lots >= 0
        if intent is not None and opens != intent.endswith("open"):
            raise unfit(f"position intent mismatch, inferred: {'buy' if lots > 0 else 'sell'}_to_{'open' if opens else 'close'}, specified: {intent}")
        side = 1 if lots > 0 else -1
        taken = account.reserved.get((board.row.id, side), 0)
        if not opens and abs(lots) > abs(held) - taken:
            raise forbidden(
                f"insufficient qty available for order (requested: {shares(abs(lots))}, available: {shares(max(abs(held) - taken, 0))})",
                symbol=board.symbol, existing_qty=shares(abs(held)), held_for_orders=shares(taken),
            )  # fmt: skip
        least = 3 if joint else (2 if lots > 0 else 1) if opens else 1
        if account.level < least:
            raise forbidden(f"account not eligible to trade options at level {least}")
        kept.append(0 if opens else abs(lots))
    for under in {board.contract.under for board, _, _ in legs if board.contract is not None}:
        before = account.contracts(market, under, True)
        after = dict(before)
        for board, lots, _ in legs:
            if board.contract is not None and board.contract.under == under:
                after[board.contract] = after.get(board.contract, 0) + lots // PER_SHARE
        if account.level < 3:  # a bought option is no cover for a written one
            before, after = ({c: many for c, many in rows.items() if many < 0} for rows in (before, after))
        reserve = account.reserved.get((under, -1), 0)
        at_hand = max(account.lots(under) - reserve, 0) // PER_SHARE
        old, _ = needed(before, 1 << 40)
        new, _ = needed(after, at_hand)
        if new == float("inf"):
            raise forbidden("account not eligible to trade uncovered option contracts")
        more += new - old
    total = max(cost + round(more * PER_USD), 0)
    free = account.free(market, now)
    if total > free:
        raise forbidden("insufficient options buying power", options_buying_power=dollars(free), cost_basis=dollars(total))
    return total, kept


def _short(account: Account, ticket: Ticket, board: Board) -> None:
    if not board.row.shortable:
        raise forbidden(
            f"insufficient balance for {board.symbol} (requested: {shares(ticket.lots)}, available: 0)", symbol=board.symbol, available="0"
        )
    if account.multiplier == 1 or account.settings["no_shorting"]:
        raise forbidden("account is not allowed to short")
    if ticket.lots % PER_SHARE or ticket.notional is not None:
        raise unfit("fractional orders cannot be sold short")


def wash(account: Account, ticket: Ticket, market: Market) -> None:
    """403 when a simple order could trade with another simple order of the same account."""
    if ticket.complex:
        return
    for other in account.opposite(ticket.instrument, ticket.side):
        if other.complex or other.replacing:
            continue
        if ticket.kind == "limit" and other.kind in ("limit", "stop_limit"):
            crosses = (ticket.limit - other.limit) * ticket.side >= 0
        elif other.kind == "limit" and ticket.kind in ("stop", "stop_limit"):
            crosses = (other.limit - ticket.stop) * other.side >= 0
        else:
            crosses = ticket.kind != "limit" or other.kind != "limit"
        if crosses:
            raise forbidden(
                "potential wash trade detected. use complex orders", existing_order_id=other.id,
                reject_reason="opposite side market/stop order exists" if other.kind != "limit" else "opposite side order exists",
            )  # fmt: skip


def passed(ticket: Ticket, by_bars: bool) -> Submit:
    """What goes to the law for an admitted order: what it has left."""
    return Submit(Approved(ticket.order(ticket.leaves, by_bars)))
