"""Which symbols are traded most and moved most today; nothing is predicted."""

from __future__ import annotations

from collections.abc import Mapping

from argosy.exchange.market import Market
from argosy.exchange.wire import Body, Refusal, digits, stamp


def answer(market: Market, path: str, query: Mapping[str, str], now: int) -> Body:
    """The answer of /v1beta1/screener/...: most actives of stocks, movers of stocks or crypto. Refusal 400 or 404."""
    if path == "stocks/most-actives":
        return actives(market, query.get("by", "volume"), _top(query, 10, 100), now)
    kind = {"stocks/movers": "equity", "crypto/movers": "crypto"}.get(path)
    if kind is None:
        raise Refusal(404, 40410000, "endpoint not found")
    rows: list[Body] = []
    for board in market.boards:
        mark = board.mark()
        if board.kind == kind and board.before and mark:
            change = round(mark - board.before, 4)
            rows.append({
                "symbol": board.symbol, "price": round(mark, 4), "change": change, "percent_change": round(change / board.before * 100, 2),
            })  # fmt: skip
    top = _top(query, 10, 50)
    rows.sort(key=lambda row: (-row["percent_change"], row["symbol"]))
    return {
        "gainers": [row for row in rows if row["change"] > 0][:top], "losers": [row for row in rows[::-1] if row["change"] < 0][:top],
        "market_type": path.split("/")[0], "last_updated": stamp(now),
    }  # fmt: skip


def actives(market: Market, by: str, top: int, now: int) -> Body:
    """The stocks with most shares or most trades today."""
    if by not in ("volume", "trades"):
        raise Refusal(400, 0, f"invalid by: {by}")
    days = [(board.symbol, day) for board in market.boards if board.kind == "equity" and (day := market.today(board)) is not None]
    days.sort(key=lambda row: (-(row[1].v if by == "volume" else row[1].n), row[0]))
    rows = [{"symbol": symbol, "volume": day.v, "trade_count": day.n} for symbol, day in days[:top]]
    return {"most_actives": rows, "last_updated": stamp(now)}


def _top(query: Mapping[str, str], default: int, most: int) -> int:
    text = query.get("top", str(default))
    if not digits(text) or not 1 <= int(text) <= most:
        raise Refusal(400, 0, f"invalid top: must be from 1 to {most}")
    return int(text)
