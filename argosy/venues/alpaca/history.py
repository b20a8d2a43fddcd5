"""Alpaca's market data of the past over REST, page after page until there is no next; a short page is never taken for the last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from argosy.venues.alpaca.answer import Accepted, Ambiguous, Answer
from argosy.venues.alpaca.client import READ_S, Client

Rows = Literal["bars", "quotes", "trades"]


class Page(msgspec.Struct, frozen=True):
    """One page: rows by symbol as Alpaca told them; token: of the next page, "" after the last."""

    rows: dict[str, list[dict[str, Any]]]
    token: str


class History:
    """Reads of the data host. client: one whose carrier leads to the data host."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def pages(
        self, what: Rows, symbols: list[str], start: str, end: str = "", *, timeframe: str = "1Min", limit: int = 10_000,
        feed: str = "iex", adjustment: str = "raw", deadline_s: float = READ_S, **more: str,
    ) -> AsyncIterator[Answer[Page]]:  # fmt: skip
        """Every page of rows between two times; the last yielded is an Ambiguous or Refused where a page could not be had.

        limit: rows a page, of all symbols together; deadline_s: of each page
        """
        asked = {"symbols": ",".join(symbols), "start": start, "limit": str(limit), "feed": feed} | more
        asked |= {"end": end} if end else {}
        if what == "bars":
            asked |= {"timeframe": timeframe, "adjustment": adjustment}
        token = ""
        seen: set[str] = set()
        while True:
            query = urlencode(asked | ({"page_token": token} if token else {}))
            answer = await self._client.read(f"/v2/stocks/{what}", query, deadline_s=deadline_s)
            if not isinstance(answer, Accepted):
                yield answer
                return
            page = _page(answer.value, what)
            if page is None or page.token in seen:
                yield Ambiguous("BROKEN_REPLY")
                return
            yield Accepted(page)
            if not page.token:
                return
            token = page.token
            seen.add(token)

    async def all(self, what: Rows, symbols: list[str], start: str, end: str = "", **named: Any) -> Answer[dict[str, list[dict[str, Any]]]]:
        """All rows between two times; nothing but a complete answer is Accepted."""
        whole: dict[str, list[dict[str, Any]]] = {}
        async for answer in self.pages(what, symbols, start, end, **named):
            if not isinstance(answer, Accepted):
                return answer
            for symbol, rows in answer.value.rows.items():
                whole.setdefault(symbol, []).extend(rows)
        return Accepted(whole)

    async def latest(self, what: Rows, symbols: list[str], *, feed: str = "iex", deadline_s: float = READ_S) -> Answer[dict[str, Any]]:
        """The last row of each symbol; a symbol that is unknown is absent."""
        query = urlencode({"symbols": ",".join(symbols), "feed": feed})
        answer = await self._client.read(f"/v2/stocks/{what}/latest", query, deadline_s=deadline_s)
        if not isinstance(answer, Accepted):
            return answer
        rows = answer.value.get(what) if isinstance(answer.value, dict) else None
        return Accepted(rows) if isinstance(rows, dict) else Ambiguous("BROKEN_REPLY")

    async def snapshots(self, symbols: list[str], *, feed: str = "iex", deadline_s: float = READ_S) -> Answer[dict[str, Any]]:
        """Last trade, quote and bars of each symbol."""
        query = urlencode({"symbols": ",".join(symbols), "feed": feed})
        answer = await self._client.read("/v2/stocks/snapshots", query, deadline_s=deadline_s)
        if not isinstance(answer, Accepted):
            return answer
        return answer if isinstance(answer.value, dict) else Ambiguous("BROKEN_REPLY")

    async def corporate_actions(self, symbols: list[str], start: str, end: str, *, deadline_s: float = READ_S) -> Answer[dict[str, list[Any]]]:
        """Splits, dividends and the like between two dates, by kind."""
        whole: dict[str, list[Any]] = {}
        asked = {"symbols": ",".join(symbols), "start": start, "end": end}
        token = ""
        while True:
            query = urlencode(asked | ({"page_token": token} if token else {}))
            answer = await self._client.read("/v1/corporate-actions", query, deadline_s=deadline_s)
            if not isinstance(answer, Accepted):
                return answer
            kinds = answer.value.get("corporate_actions") if isinstance(answer.value, dict) else None
            if not isinstance(kinds, dict):
                return Ambiguous("BROKEN_REPLY")
            for kind, rows in kinds.items():
                whole.setdefault(str(kind), []).extend(rows if isinstance(rows, list) else [])
            following = answer.value.get("next_page_token")
            if not following or following == token:
                return Accepted(whole)
            token = str(following)


def _page(thing: Any, what: str) -> Page | None:
    """A page of its plain values; None where it is none."""
    if not isinstance(thing, dict):
        return None
    rows = thing.get(what)
    if rows is None:
        rows = {}
    if not isinstance(rows, dict):
        return None
    told = {str(symbol): [row for row in of if isinstance(row, dict)] for symbol, of in rows.items() if isinstance(of, list)}
    return Page(told, str(thing.get("next_page_token") or ""))
