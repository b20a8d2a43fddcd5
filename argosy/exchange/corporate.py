"""Splits and dividends at the exchange: shares, orders and cash change as the law says, with a row for each; nothing else moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction

from argosy.core.events import Split
from argosy.core.time import SECOND
from argosy.exchange.hours import day_of
from argosy.exchange.venue import Exchange
from argosy.exchange.wire import PER_SHARE, PER_USD, Body, Refusal, digits, name, shares


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
    papers = {"old_cusip": "", "new_cusip": ""} if old > new else {"cusip": ""}
    today = day_of(now)
    if not any(row["symbol"] == symbol and row["ex_date"] == today for row in exchange.actions.get(kind, ())):  # it was announced
        _note(exchange, kind, {"symbol": symbol, **papers, "new_rate": new, "old_rate": old, "ex_date": today})


KINDS: dict[str, tuple[str, str]] = {
    "forward_splits": ("symbol", "ex_date"), "reverse_splits": ("symbol", "ex_date"), "stock_dividends": ("symbol", "ex_date"),
    "spin_offs": ("source_symbol", "ex_date"), "cash_mergers": ("acquiree_symbol", "effective_date"),
    "stock_mergers": ("acquiree_symbol", "effective_date"), "stock_and_cash_mergers": ("acquiree_symbol", "effective_date"),
    "name_changes": ("old_symbol", "process_date"), "worthless_removals": ("symbol", "process_date"), "redemptions": ("symbol", "process_date"),
}  # fmt: skip
"""Kinds of actions that can be announced: under which names each says whose it is and from which day on it counts."""


def announce(exchange: Exchange, kind: str, symbol: str, day: str, more: Body) -> Body:
    """Say that an action lies ahead, or is due today: /v1/corporate-actions tells it, and nothing else happens. The row."""
    whose, when = KINDS[kind]
    return _note(exchange, kind, {whose: symbol, **more, when: day})


def dividend(exchange: Exchange, symbol: str, amount: float) -> None:
    """Cash of `amount` dollars for each share; shorts pay it."""
    board = exchange.board(symbol)
    for account in exchange.accounts.values():
        lots = account.lots(board.row.id)
        if lots:
            units = round(Fraction(lots, PER_SHARE) * Fraction(str(amount)) * PER_USD)
            more = {"symbol": symbol, "qty": shares(lots), "per_share_amount": f"{amount:g}", "description": "cash dividend"}
            account.book("DIV", units, exchange.now, more)
    _note(exchange, "cash_dividends", {
        "symbol": symbol, "cusip": "", "rate": amount, "special": False, "foreign": False, "ex_date": day_of(exchange.now),
    })  # fmt: skip


def _note(exchange: Exchange, kind: str, row: Body) -> Body:
    """Keep an action for /v1/corporate-actions; the row as it is kept."""
    rows = exchange.actions.setdefault(kind, [])
    today = datetime.fromtimestamp(exchange.now // SECOND, UTC).strftime("%Y-%m-%d")
    count = sum(len(found) for found in exchange.actions.values())
    rows.append({"id": name(exchange.seed, "action", count), "process_date": today, "record_date": today, "payable_date": today, **row})
    return rows[-1]


def _whose(row: Body) -> str:
    """The symbol whose holders an action is about."""
    return str(next(row[field] for field in ("symbol", "source_symbol", "acquiree_symbol", "old_symbol") if field in row))


def _when(row: Body) -> str:
    """From which day on it counts."""
    return str(row.get("ex_date") or row.get("effective_date") or row["process_date"])


def listed(exchange: Exchange, query: Mapping[str, str]) -> Body:
    """The answer of /v1/corporate-actions: what happened here or was announced, by type, in pages; dates inclusive. Refusal 400."""
    wanted = {f"{kind}s" for kind in query["types"].split(",")} if query.get("types") else set(exchange.actions)
    named, ids = (set(filter(None, query.get(field, "").split(","))) for field in ("symbols", "ids"))
    low, high = query.get("start", "")[:10] or "0000", query.get("end", "")[:10] or "9999"
    limit, order = query.get("limit", "100"), query.get("sort", "asc")
    if not digits(limit) or not 1 <= int(limit) <= 1000 or order not in ("asc", "desc"):
        raise Refusal(400, 0, f"invalid limit or sort: {limit}, {order}")
    rows = [
        (kind, row) for kind, several in exchange.actions.items() for row in several
        if kind in wanted and (not named or _whose(row) in named) and (not ids or row["id"] in ids) and low <= _when(row) <= high
    ]  # fmt: skip
    rows.sort(key=lambda one: (_when(one[1]), one[1]["id"]), reverse=order == "desc")
    first, token = 0, query.get("page_token")
    if token:
        first = next((place for place, (_, row) in enumerate(rows) if row["id"] == token), -1)
        if first < 0:
            raise Refusal(400, 0, "invalid page_token")
    found: Body = {}
    for kind, row in rows[first : first + int(limit)]:
        found.setdefault(kind, []).append(row)
    more = rows[first + int(limit)][1]["id"] if len(rows) > first + int(limit) else None
    return {"corporate_actions": dict(sorted(found.items())), "next_page_token": more}

