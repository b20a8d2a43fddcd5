"""Lists of symbols that an account keeps under a name; they trade nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from argosy.exchange.accounts import Account
from argosy.exchange.market import Board, Market
from argosy.exchange.wire import Body, absent, invalid, name, stamp, unfit

NAME_MAX = 64


def answer(method: str, tail: str, query: Mapping[str, str], account: Account, market: Market, body: Callable[[], Any], now: int) -> tuple[int, Any]:
    """(status, body) for what follows /v2/watchlists: "", ":by_name", "/ID" or "/ID/SYMBOL". Raises Refusal."""
    if not tail:
        if method == "GET":
            return 200, [{field: value for field, value in row.items() if field != "assets"} for row in account.watchlists.values()]
        if method == "POST":
            return 200, _create(account, market, body(), now)
        raise absent("endpoint not found")
    parts = tail.strip("/").split("/")
    row = _named(account, query.get("name", "")) if tail == ":by_name" else account.watchlists.get(parts[0])
    if row is None:
        raise absent("watchlist not found")
    if len(parts) == 2:
        if method != "DELETE":
            raise absent("endpoint not found")
        board = _board(market, parts[1])
        if board.asset not in [asset["id"] for asset in row["assets"]]:
            raise absent(f"symbol not found in watchlist: {parts[1]}")
        row["assets"] = [asset for asset in row["assets"] if asset["id"] != board.asset]
    elif method == "DELETE":
        del account.watchlists[row["id"]]
        return 204, None
    elif method == "POST":
        board = _board(market, _object(body()).get("symbol"))
        if board.asset in [asset["id"] for asset in row["assets"]]:
            raise unfit("duplicate symbol")
        row["assets"] = [*row["assets"], market.asset(board)]
    elif method == "PUT":
        wish = _object(body())
        if wish.get("name") is not None:
            row["name"] = _free(account, wish["name"], row)
        if wish.get("symbols") is not None:
            row["assets"] = _assets(market, wish["symbols"])
    elif method != "GET":
        raise absent("endpoint not found")
    if method != "GET":
        row["updated_at"] = stamp(now)
    return 200, row


def _create(account: Account, market: Market, body: Any, now: int) -> Body:
    wish = _object(body)
    row: Body = {
        "id": name(account.seed, "watchlist", account.lists), "account_id": account.id, "created_at": stamp(now), "updated_at": stamp(now),
        "name": _free(account, wish.get("name"), None), "assets": _assets(market, wish.get("symbols") or []),
    }  # fmt: skip
    account.lists += 1
    account.watchlists[row["id"]] = row
    return row


def _object(body: Any) -> Body:
    if not isinstance(body, dict):
        raise invalid("request body format is invalid")
    return body


def _free(account: Account, wish: Any, own: Body | None) -> str:
    if not isinstance(wish, str) or not 0 < len(wish) <= NAME_MAX:
        raise invalid(f"name is a text of 1 to {NAME_MAX} characters")
    other = _named(account, wish)
    if other is not None and other is not own:
        raise unfit("watchlist name must be unique")
    return wish


def _named(account: Account, wish: str) -> Body | None:
    return next((row for row in account.watchlists.values() if row["name"] == wish), None)


def _assets(market: Market, symbols: Any) -> list[Body]:
    if not isinstance(symbols, list):
        raise invalid("symbols is a list")
    return [market.asset(board) for board in {b.asset: b for b in (_board(market, symbol) for symbol in symbols)}.values()]


def _board(market: Market, symbol: Any) -> Board:
    board = market.board(symbol) if isinstance(symbol, str) else None
    if board is None:
        raise unfit(f"asset not found for {symbol}")
    return board
