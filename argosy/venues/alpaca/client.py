"""Alpaca's trading over REST: one method a request, each with a deadline and a typed answer; an order is never sent twice blindly."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from argosy.core.errors import Retry
from argosy.core.time import US, iso
from argosy.net.breaker import Breaker
from argosy.net.http import Calls, Rest
from argosy.net.limits import Budget
from argosy.net.secret import Secret
from argosy.venues.alpaca.answer import (
    NOT_FOUND,
    NOT_SENT,
    NOT_UNIQUE,
    Accepted,
    Ambiguous,
    Answer,
    Refused,
    read,
)
from argosy.venues.alpaca.codec import (
    Activity,
    Wire,
    WireAccount,
    WireAsset,
    WireClock,
    WireDay,
    WireOrder,
    WirePosition,
    ns_of,
    number,
    record,
)
from argosy.venues.alpaca.modes import Place

W = TypeVar("W", bound=Wire)
ORDER_S = 5.0
READ_S = 10.0
PAGE = 100
ORDERS_PAGE = 500
_TRIES = 4
_FINAL = frozenset({"RATE_LIMIT", "CLOSED", "DEADLINE", "ARMING_ENDED", "HOST_FORBIDDEN", "REQUEST_INVALID"})
"""What kept a request from being sent and will do so again."""
_encode = msgspec.json.encode


def headers(key: Secret, secret: Secret) -> dict[str, str | Secret]:
    """What authenticates a request."""
    return {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret, "Accept": "application/json"}


def connect(place: Place, key: Secret, secret: Secret, *, per_minute: int = 200) -> Client:
    """A client of a place, with a budget (a fifth of it kept for cancels) and a breaker."""
    budget = Budget(time.monotonic, time.time, per_minute=per_minute)
    return Client(Rest(place.trading, place.hosts, headers=headers(key, secret), budget=budget, breaker=Breaker(), spare=True))


class Client:
    """Requests about one account.

    calls: what carries them; chance: for the jitter of retried reads; deadlines are seconds from the call
    Reads are retried until their deadline; a write is repeated only where not one byte of it was sent, or after a 429.
    """

    def __init__(self, calls: Calls, *, chance: Callable[[], float] = random.random) -> None:
        self.calls = calls
        self._chance = chance

    async def close(self) -> None:
        """Close the connections."""
        await self.calls.close()

    # -- orders ----------------------------------------------------------------------------------------------------------

    async def submit(self, body: bytes, client_order_id: str, *, deadline_s: float = ORDER_S) -> Answer[WireOrder]:
        """Send an order. body: its JSON, with this client order id.

        A refusal because the id is taken means that it is here already: it is looked up. Refused("ID_TAKEN") where what has the id
        is of another symbol, side or quantity: a desk that forgot what it sent may not take an old order for its new one.
        """
        answer = await self._write("POST", "/v2/orders", body, deadline_s)
        if isinstance(answer, Refused) and answer.status == 422 and NOT_UNIQUE in answer.text:
            found = await self.by_client_id(client_order_id, deadline_s=deadline_s)
            if not isinstance(found, Accepted):
                return Ambiguous("NOT_UNIQUE")
            return found if _same(body, found.value) else Refused("ID_TAKEN", f"{client_order_id} is the id of another order", 422)
        return _asked(_order(answer), "client_order_id", client_order_id)

    async def replace(self, order: str, body: bytes, *, deadline_s: float = ORDER_S) -> Answer[WireOrder]:
        """Change an order; the answer is the new one that takes its place, if it may."""
        return _asked(_order(await self._write("PATCH", f"/v2/orders/{order}", body, deadline_s)), "replaces", order)

    async def cancel(self, order: str, *, deadline_s: float = ORDER_S) -> Answer[None]:
        """Ask for an order's end; yes means that Alpaca took the wish, not that the order is over."""
        answer = await self._write("DELETE", f"/v2/orders/{order}", b"", deadline_s, urgent=True)
        return Accepted(None) if isinstance(answer, Accepted) else answer

    async def cancel_all(self, *, deadline_s: float = ORDER_S) -> Answer[list[Any]]:
        """Ask for the end of all open orders; a row (id, status) for each."""
        answer = await self._write("DELETE", "/v2/orders", b"", deadline_s, urgent=True)
        return Accepted(answer.value if isinstance(answer.value, list) else []) if isinstance(answer, Accepted) else answer

    async def close_position(self, symbol: str, *, query: str = "", deadline_s: float = ORDER_S) -> Answer[WireOrder]:
        """Leave a position at the market. query: "qty=3" or "percentage=50", else all of it."""
        return _order(await self._write("DELETE", f"/v2/positions/{symbol}", b"", deadline_s, urgent=True, query=query))

    async def order(self, order: str, *, deadline_s: float = READ_S) -> Answer[WireOrder]:
        """One order by Alpaca's id, with its legs."""
        return _asked(_order(await self.read(f"/v2/orders/{order}", "nested=true", deadline_s=deadline_s)), "id", order)

    async def by_client_id(self, client_order_id: str, *, deadline_s: float = READ_S) -> Answer[WireOrder]:
        """One order by our id; Refused with status 404 where Alpaca has none."""
        query = urlencode({"client_order_id": client_order_id})
        found = _order(await self.read("/v2/orders:by_client_order_id", query, deadline_s=deadline_s))
        return _asked(found, "client_order_id", client_order_id)

    async def orders(
        self, status: str = "open", *, after: str = "", until: str = "", nested: bool = True, symbols: str = "", deadline_s: float = READ_S
    ) -> Answer[list[WireOrder]]:
        """Orders by status open, closed or all, oldest first, page after page. after, until: RFC 3339, both exclusive.

        Pages overlap by a microsecond; an order told twice is told once here.
        """
        rows: dict[str, WireOrder] = {}
        asked = {"status": status, "limit": str(ORDERS_PAGE), "direction": "asc", "nested": "true" if nested else "false"}
        asked |= {name: value for name, value in (("until", until), ("symbols", symbols)) if value}
        while True:
            answer = await self._list(WireOrder, "/v2/orders", urlencode(asked | ({"after": after} if after else {})), deadline_s)
            if not isinstance(answer, Accepted):
                return answer
            fresh = [row for row in answer.value if row.id not in rows]
            rows.update((row.id, row) for row in answer.value)
            last = answer.value[-1].submitted_at if answer.value else None
            if len(answer.value) < ORDERS_PAGE or not fresh or not last:
                return Accepted(list(rows.values()))
            after = iso(ns_of(last) - US)  # exclusive, and several may have the same moment

    # -- account ---------------------------------------------------------------------------------------------------------

    async def account(self, *, deadline_s: float = READ_S) -> Answer[WireAccount]:
        """The account's figures."""
        answer = await self.read("/v2/account", deadline_s=deadline_s)
        return Accepted(record(WireAccount, answer.value)) if isinstance(answer, Accepted) else answer

    async def positions(self, *, deadline_s: float = READ_S) -> Answer[list[WirePosition]]:
        """All open positions."""
        return await self._list(WirePosition, "/v2/positions", "", deadline_s)

    async def activities(
        self, kind: str = "FILL", *, since: str = "", after: str = "", deadline_s: float = READ_S, pages: int = 1000
    ) -> Answer[list[Activity]]:
        """Activities of a kind ("" = of every kind), oldest first, page after page.

        since: id of the last one known (exclusive); after: RFC 3339, where no id is known; pages: the most that are read
        """
        rows: list[Activity] = []
        seen = {since}
        for _ in range(pages):
            asked = {"direction": "asc", "page_size": str(PAGE)} | ({"after": after} if after else {}) | ({"page_token": since} if since else {})
            path = f"/v2/account/activities/{kind}" if kind else "/v2/account/activities"
            answer = await self._list(Activity, path, urlencode(asked), deadline_s)
            if not isinstance(answer, Accepted):
                return answer
            fresh = [row for row in answer.value if row.id not in seen]
            rows += fresh
            seen.update(row.id for row in fresh)
            if len(answer.value) < PAGE or not fresh:
                break
            since = fresh[-1].id
        return Accepted(rows)

    # -- the market's facts ----------------------------------------------------------------------------------------------

    async def clock(self, *, deadline_s: float = READ_S) -> Answer[WireClock]:
        """Whether the market is open, and when next."""
        answer = await self.read("/v2/clock", deadline_s=deadline_s)
        return Accepted(record(WireClock, answer.value)) if isinstance(answer, Accepted) else answer

    async def calendar(self, start: str, end: str, *, deadline_s: float = READ_S) -> Answer[list[WireDay]]:
        """Sessions between two dates, both inclusive."""
        return await self._list(WireDay, "/v2/calendar", urlencode({"start": start, "end": end}), deadline_s)

    async def asset(self, symbol: str, *, deadline_s: float = READ_S) -> Answer[WireAsset]:
        """One asset by symbol."""
        answer = await self.read(f"/v2/assets/{symbol}", deadline_s=deadline_s)
        return Accepted(record(WireAsset, answer.value)) if isinstance(answer, Accepted) else answer

    async def assets(self, *, status: str = "active", asset_class: str = "us_equity", deadline_s: float = 60.0) -> Answer[list[WireAsset]]:
        """All assets of a class."""
        return await self._list(WireAsset, "/v2/assets", urlencode({"status": status, "asset_class": asset_class}), deadline_s)

    # -- how -------------------------------------------------------------------------------------------------------------

    async def read(self, path: str, query: str = "", *, deadline_s: float = READ_S) -> Accepted[Any] | Refused | Ambiguous:
        """GET, again with growing jittered pauses until the deadline where the world was busy; plain values."""
        end = time.monotonic() + deadline_s
        pause = 0.2
        while True:
            answer = read(await self.calls.call("GET", path, query=query, deadline_s=max(0.001, end - time.monotonic())))
            busy = isinstance(answer, Ambiguous) or (isinstance(answer, Refused) and (answer.status == 429 or answer.code == NOT_SENT))
            wait = pause * self._chance()
            if not busy or time.monotonic() + wait >= end:
                if not busy or not isinstance(answer, Refused):
                    return answer
                return Ambiguous(answer.text if answer.code == NOT_SENT else "RATE_LIMIT")
            await asyncio.sleep(wait)
            pause = min(pause * 2.0, 10.0)

    async def _list(self, kind: type[W], path: str, query: str, deadline_s: float) -> Answer[list[W]]:
        answer = await self.read(path, query, deadline_s=deadline_s)
        if not isinstance(answer, Accepted):
            return answer
        if not isinstance(answer.value, list):
            return Ambiguous("BROKEN_REPLY")
        return Accepted([record(kind, row) for row in answer.value])

    async def _write(
        self, method: str, path: str, body: bytes, deadline_s: float, *, urgent: bool = False, query: str = ""
    ) -> Accepted[Any] | Refused | Ambiguous:
        """A request that changes something: repeated only after a definite "not heard" or a 429, until the deadline."""
        end = time.monotonic() + deadline_s
        pause = 0.05
        tries = 0
        while True:
            tries += 1
            outcome = await self.calls.call(
                method, path, query=query, body=body, deadline_s=max(0.001, end - time.monotonic()), urgent=urgent
            )
            answer = read(outcome)
            if not isinstance(answer, Refused):
                return answer
            unsent = answer.code == NOT_SENT and answer.text not in _FINAL
            limited = answer.status == 429
            wait = pause * (0.5 + 0.5 * self._chance())
            if not (unsent or limited) or (limited and tries >= _TRIES) or time.monotonic() + wait >= end:
                return answer
            await asyncio.sleep(wait)
            pause = min(pause * 2.0, 1.0)


def _same(body: bytes, found: WireOrder) -> bool:
    """Whether an order can be what a body asked for."""
    asked = msgspec.json.decode(body)
    qty = number(asked.get("qty"))
    return (asked.get("symbol"), asked.get("side")) == (found.symbol, found.side) and (None in (qty, found.qty) or qty == found.qty)


def _order(answer: Accepted[Any] | Refused | Ambiguous) -> Answer[WireOrder]:
    """The order that an answer holds; a body that is none leaves it open what happened."""
    if not isinstance(answer, Accepted):
        return answer
    order = record(WireOrder, answer.value)
    return Accepted(order) if order.id else Ambiguous("BROKEN_REPLY")


def _asked(answer: Answer[WireOrder], field: str, wanted: str) -> Answer[WireOrder]:
    """The answer, where it is about the order that was asked about.

    Something on the way that said one reply too many makes each later one the answer to another request; nothing in HTTP tells.
    """
    if isinstance(answer, Accepted) and (getattr(answer.value, field) or wanted) != wanted:
        return Ambiguous("OTHER_REPLY")
    return answer


def value(answer: Answer[Any], what: str) -> Any:
    """What was asked for; Retry("VENUE_SILENT") where it is not known. For start-up, where nothing goes on without it."""
    if isinstance(answer, Accepted):
        return answer.value
    said = f"{answer.code} {answer.text}" if isinstance(answer, Refused) else answer.cause
    raise Retry("VENUE_SILENT", f"Alpaca did not tell {what}: {said.strip()}", fix="see whether it is up, and the key right")


def missing(answer: Answer[Any]) -> bool:
    """Whether Alpaca says that there is no such thing."""
    return isinstance(answer, Refused) and answer.status == NOT_FOUND
