"""What became of an order that nobody knows about: asked by its id until Alpaca says; sent again only under the same id, wanted and fresh."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

from argosy.core.effects import Amend
from argosy.core.errors import Retry
from argosy.core.instrument import Instrument
from argosy.venues.alpaca import words
from argosy.venues.alpaca.answer import NOT_SENT, Accepted, Ambiguous, Answer, Refused
from argosy.venues.alpaca.client import ORDER_S, READ_S, Client, missing
from argosy.venues.alpaca.codec import WireOrder
from argosy.venues.alpaca.ledger import ZERO, Ledger, Placed

T = TypeVar("T")
_GONE = frozenset({"canceled", "pending_cancel", "expired"})
_OVER = frozenset({"filled", "rejected"})


class Patience(msgspec.Struct, frozen=True):
    """How long it is asked.

    lookups over at least over_s seconds must all say "no such order" before it is believed (and no fill may be known)
    first_s:  pause before the first question
    resends, fresh_s: how often, and up to which age of the decision, an order that is not there is sent once more
    order_s, read_s: deadlines of a write and of a question, seconds
    """

    lookups: int = 5
    over_s: float = 30.0
    first_s: float = 0.25
    resends: int = 5
    fresh_s: float = 5.0
    order_s: float = ORDER_S
    read_s: float = READ_S


class Resolver:
    """Asks about orders. carries: whether Alpaca counts the fills of the order that was replaced to the one in its place."""

    def __init__(self, client: Client, ledger: Ledger, patience: Patience, *, carries: bool = False) -> None:
        self._client = client
        self._ledger = ledger
        self._patience = patience
        self.carries = carries

    async def lookup(self, placed: Placed) -> Answer[WireOrder]:
        """The order by our id, or by Alpaca's where that is known; the ledger learns it."""
        if placed.id:
            answer = await self._client.order(placed.id, deadline_s=self._patience.read_s)
        else:
            answer = await self._client.by_client_id(words.name(self._ledger.desk, placed.order.id), deadline_s=self._patience.read_s)
        if isinstance(answer, Accepted):
            self._ledger.find(answer.value)
        return answer

    async def settle(self, placed: Placed, body: bytes, sent: float) -> Answer[WireOrder]:
        """What became of a submit: Accepted or Refused, never Ambiguous, however long it takes. sent: monotonic seconds.

        "No such order" sends the same body again where it is still wanted and fresh, after asking each time: the id is unique
        for ever, so it cannot become two. A refusal of the second sending says nothing of the first, which may be on its way
        and the very reason. Refused (NOT_FOUND, or as the last sending was) only when the patience is used up and no fill known.
        """
        patience = self._patience
        begun = time.monotonic()
        misses, again = 0, 0
        no = Refused("NOT_FOUND", "it was asked for until the patience ended", 404)
        pause = patience.first_s
        while True:
            await asyncio.sleep(pause)
            answer = await self.lookup(placed)
            if isinstance(answer, Accepted):
                return answer
            if missing(answer):
                misses += 1
                if again < patience.resends and not placed.unwanted and time.monotonic() - sent <= patience.fresh_s:
                    again += 1
                    resent = await self._client.submit(
                        body, words.name(self._ledger.desk, placed.order.id), deadline_s=patience.order_s
                    )
                    if isinstance(resent, Accepted):
                        return resent
                    if isinstance(resent, Refused) and resent.code != NOT_SENT and resent.status != 429:
                        no, again = resent, patience.resends  # perhaps because the first one arrived meanwhile: asked on
                    misses, begun = 0, time.monotonic()
                elif misses >= patience.lookups and time.monotonic() - begun >= patience.over_s and not placed.filled:
                    return no
            pause = min(max(pause * 2.0, patience.first_s), max(patience.over_s / patience.lookups, patience.first_s))

    async def cancel(self, placed: Placed) -> Answer[None]:
        """Ask for the end of an order that Alpaca knows; where the answer is lost, look first and ask again only if it works on."""
        answer: Answer[None] = Ambiguous("NEVER")
        for _ in range(3):
            answer = await self._client.cancel(placed.id, deadline_s=self._patience.order_s)
            if not isinstance(answer, Ambiguous):
                return answer
            shown = await self._client.order(placed.id, deadline_s=self._patience.read_s)
            if isinstance(shown, Accepted):
                self._ledger.find(shown.value)
                if shown.value.status in _GONE:
                    return Accepted(None)
                if shown.value.status in _OVER:
                    return Refused("42210000", f"it is {shown.value.status}", 422)
        return answer

    async def replace(self, placed: Placed, row: Instrument, effect: Amend) -> Answer[WireOrder]:
        """Put another order in the place of one; where the answer is lost, look by the new one's id first."""
        answer = await self._replace(placed, row, effect)
        if isinstance(answer, Accepted) and effect.lots and not self.carries:
            return await self._mend(placed, row, effect, answer)
        return answer

    async def _replace(self, placed: Placed, row: Instrument, effect: Amend) -> Answer[WireOrder]:
        old, number = placed.id, placed.amends + 1
        body = words.change(row, effect, self._ledger.desk, number, ZERO if self.carries else placed.total)
        answer = await self._client.replace(old, body, deadline_s=self._patience.order_s)
        for _ in range(3):
            if not isinstance(answer, Ambiguous):
                break
            found = await self._client.by_client_id(words.name(self._ledger.desk, placed.order.id, number), deadline_s=self._patience.read_s)
            if isinstance(found, Accepted):
                answer = found
            elif missing(found):
                shown = await self._client.order(old, deadline_s=self._patience.read_s)
                if isinstance(shown, Accepted) and shown.value.replaced_by:
                    answer = await self._client.order(shown.value.replaced_by, deadline_s=self._patience.read_s)
                elif isinstance(shown, Accepted):
                    answer = await self._client.replace(old, body, deadline_s=self._patience.order_s)
        if isinstance(answer, Accepted):
            placed.amends = max(placed.amends, number)
            told = answer.value
            self._ledger.find(msgspec.structs.replace(told, replaces=told.replaces or old))
        return answer

    async def _mend(self, placed: Placed, row: Instrument, effect: Amend, answer: Accepted[WireOrder]) -> Answer[WireOrder]:
        """Where the old order filled while it was replaced, the new one is too large by that: made smaller, or taken back."""
        counted = row.units(effect.lots) - (answer.value.qty or ZERO)
        old = placed.ids[-2] if len(placed.ids) > 1 else ""
        shown = await self._client.order(old, deadline_s=self._patience.read_s) if old else None
        if not isinstance(shown, Accepted):
            return answer
        self._ledger.find(shown.value)
        before = sum((placed.filled.get(one, ZERO) for one in placed.ids[:-1]), ZERO)
        if answer.value.qty is None or before <= counted:
            return answer
        if row.units(effect.lots) > before + (answer.value.filled_qty or Decimal(0)):
            smaller = await self._replace(placed, row, effect)
            return smaller if isinstance(smaller, Accepted) else answer
        await self.cancel(placed)
        return answer

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer."""
        pause = self._patience.first_s
        while True:
            try:
                return await ask()
            except Retry:
                await asyncio.sleep(pause)
                pause = min(pause * 2.0, 10.0)


