"""Splits and dividends at the exchange: shares, orders and cash change as the law says, with a row for each; nothing else moves."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

from argosy.core.events import Split
from argosy.core.time import SECOND
from argosy.exchange.hours import day_of
from argosy.exchange.venue import Exchange
from argosy.exchange.wire import PER_SHARE, PER_USD, Body, name, shares


def split(exchange: Exchange, symbol: str, ratio: float) -> None:
    """Each share became `ratio` shares: positions, resting orders and their prices follow; a fraction of a lot is dropped."""
    board = exchange.board(symbol)
    row, now, share = board.row.id, exchange.now, Fraction(ratio).limit_denominator(10_000)
    for account in exchange.accounts.values():
        before = account.lots(row)
        open_orders = [ticket for ticket in account.open() if ticket.instrument == row]
        events = account.core.apply(Split(now, now, row, ratio), now)
        for ticket in open_orders:
            ticket.lots = ticket.lots * share.numerator // share.denominator
            ticket.filled = ticket.filled * share.numerator // share.denominator
            ticket.limit, ticket.stop = ticket.limit / ratio, ticket.stop / ratio
            ticket.trail_price /= ratio
            account.keep(ticket, ticket.hold, ticket.reserve * share.numerator // share.denominator)
        exchange.hear(account, events)
        position = account.positions.get(row)
        if position is not None:
            after = abs(before) * share.numerator // share.denominator
            position.lots = after if before > 0 else -after
            position.today = position.spent = 0
            account.book("SPLIT", 0, now, {"symbol": symbol, "qty": shares(position.lots - before), "description": f"{ratio:g} for 1"})
    board.price(board.mark() / ratio)
    board.before /= ratio
    old, new = share.denominator, share.numerator
    kind = "forward_splits" if new > old else "reverse_splits"
    _note(exchange, kind, {"symbol": symbol, "new_rate": new, "old_rate": old, "ex_date": day_of(now)})


def dividend(exchange: Exchange, symbol: str, amount: float) -> None:
    """Cash of `amount` dollars for each share; shorts pay it."""
    board = exchange.board(symbol)
    for account in exchange.accounts.values():
        lots = account.lots(board.row.id)
        if lots:
            units = round(Fraction(lots, PER_SHARE) * Fraction(str(amount)) * PER_USD)
            more = {"symbol": symbol, "qty": shares(lots), "per_share_amount": f"{amount:g}", "description": "cash dividend"}
            account.book("DIV", units, exchange.now, more)
    _note(exchange, "cash_dividends", {"symbol": symbol, "rate": amount, "special": False, "foreign": False, "ex_date": day_of(exchange.now)})


def _note(exchange: Exchange, kind: str, row: Body) -> None:
    """Keep an action for /v1/corporate-actions."""
    rows = exchange.actions.setdefault(kind, [])
    today = datetime.fromtimestamp(exchange.now // SECOND, UTC).strftime("%Y-%m-%d")
    count = sum(len(found) for found in exchange.actions.values())
    rows.append({"id": name(exchange.seed, "action", count), "cusip": "", "process_date": today, **row})


def listed(exchange: Exchange, symbols: str, types: str, start: str, end: str) -> Body:
    """The answer of /v1/corporate-actions: what has happened here, by type; dates inclusive, "" = any."""
    wanted = {f"{kind}s" for kind in types.split(",")} if types else set(exchange.actions)
    named = set(symbols.split(",")) if symbols else None
    found: Body = {}
    for kind, rows in exchange.actions.items():
        low, high = start or "0000", end or "9999"
        kept = [row for row in rows if (named is None or row["symbol"] in named) and low <= row["ex_date"] <= high]
        if kind in wanted and kept:
            found[kind] = kept
    return {"corporate_actions": found, "next_page_token": None}

