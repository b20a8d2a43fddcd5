"""News of the simulated market: written by hand or by the feed, kept, told and paged through; it moves no price."""

from __future__ import annotations

from collections.abc import Mapping

from argosy.exchange.market import Market
from argosy.exchange.wire import Body, Refusal, digits, stamp, when

FIRST = 40_000_000
LIMIT, LIMIT_MAX = 10, 50


def publish(market: Market, now: int, symbols: list[str], words: dict[str, str], told: bool = True) -> int:
    """Keep an article and tell of it; its id. words: headline, and what else is known of summary, content, author, source, url."""
    number = FIRST + len(market.articles)
    headline = words["headline"]
    row: Body = {
        "id": number, "headline": headline, "summary": words.get("summary", headline), "author": words.get("author", "Argosy"),
        "created_at": stamp(now), "updated_at": stamp(now), "url": words.get("url", f"https://news.invalid/{number}"),
        "content": words.get("content", f"<p>{headline}</p>"), "symbols": symbols, "source": words.get("source", "argosy"),
    }  # fmt: skip
    market.articles.append((now, row))
    if told:
        market.told("news", ",".join(symbols), row)
    return number


def listed(market: Market, query: Mapping[str, str]) -> Body:
    """The answer of /v1beta1/news: the newest first, in pages; Refusal 400."""
    limit = query.get("limit", str(LIMIT))
    if not digits(limit) or not 1 <= int(limit) <= LIMIT_MAX:
        raise Refusal(400, 0, f"invalid limit: must be from 1 to {LIMIT_MAX}")
    order = query.get("sort", "desc").lower()
    if order not in ("asc", "desc"):
        raise Refusal(400, 0, f"invalid sort: {order}")
    try:
        low = when(query["start"], "start") if query.get("start") else 0
        high = when(query["end"], "end") if query.get("end") else 1 << 62
    except Refusal as no:
        raise Refusal(400, 0, no.what) from no
    names = set(filter(None, query.get("symbols", "").split(",")))
    whole = query.get("include_content", "false").lower() in ("true", "1")
    full = query.get("exclude_contentless", "false").lower() in ("true", "1")
    rows = [
        row for at, row in market.articles if low <= at <= high and (not names or names & set(row["symbols"])) and (row["content"] or not full)
    ]  # fmt: skip
    if order == "desc":
        rows.reverse()
    first, token = 0, query.get("page_token")
    if token:
        first = next((place for place, row in enumerate(rows) if str(row["id"]) == token), -1)
        if first < 0:
            raise Refusal(400, 0, "invalid page_token")
    page = rows[first : first + int(limit)]
    more = str(rows[first + int(limit)]["id"]) if len(rows) > first + int(limit) else None
    return {"news": [{**row, "content": row["content"] if whole else "", "images": []} for row in page], "next_page_token": more}
