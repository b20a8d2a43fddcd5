"""What a journal says that its fold does not keep: which rows of the venue are in the books, and what was sent and never answered.

It reads records alone, asks nobody and changes nothing. What it found can be kept beside a saved state, so that the next start reads on
from there and a long journal is not read from its first record each time.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Iterator
from typing import Any

import msgspec

from argosy.core import events as ev
from argosy.core.instrument import Instruments
from argosy.core.orders import Approved, Order
from argosy.desk.executions import Executions, Stretches
from argosy.engine.journal import Reserve, Rows, Run
from argosy.engine.state import State


class Sent(msgspec.Struct, frozen=True):
    """An order that went out, as it was approved. after: `known` of what was recorded before it; row: market rows before it."""

    approved: Approved
    after: int
    row: int


class Recovered(msgspec.Struct):
    """What a journal knows of the venue.

    header:   its first record; upto: the sequence of the first record that was not read; known, row: time and market rows before that
    opened:   when its first record that has a time became known, ns; latest: `ts` of its last execution, else `opened`
    executions, booked, flows, dividends, splits: as `Executions` and `Balances` keep them
    sent:     orders by number, with all that were sent as their legs; unanswered: those of them of which nothing was ever heard
    """

    executions: Executions
    header: Run | None = None
    upto: int = 1
    known: int = 0
    row: int = 0
    opened: int = 0
    latest: int = 0
    booked: set[str] = msgspec.field(default_factory=set)
    flows: dict[tuple[int, int], int] = msgspec.field(default_factory=dict)
    dividends: dict[tuple[int, int, float], int] = msgspec.field(default_factory=dict)
    splits: list[tuple[int, int]] = msgspec.field(default_factory=list)
    sent: dict[int, Sent] = msgspec.field(default_factory=dict)
    unanswered: set[int] = msgspec.field(default_factory=set)


    def packed(self, orders: Container[int]) -> bytes:
        """As bytes, for a later start; of what was sent no more than `orders` and what has no answer."""
        sent = {number: one for number, one in self.sent.items() if number in orders or number in self.unanswered}
        return msgspec.msgpack.encode(msgspec.structs.replace(self, sent=sent), enc_hook=Executions.kept)


def unpacked(raw: bytes, instruments: Instruments) -> Recovered:
    """What was packed."""

    def executions(kind: type, kept: Any) -> Executions:
        return Executions.of(instruments, msgspec.convert(kept, tuple[dict[str, tuple[int, Stretches]], list[str]]))

    return msgspec.msgpack.decode(raw, type=Recovered, dec_hook=executions)


def recover(records: Iterable[tuple[int, Any]], instruments: Instruments, found: Recovered | None = None) -> Recovered:
    """Read a journal for what its fold does not keep. found: of the records before these, which is gone on with."""
    found = found or Recovered(Executions(instruments))
    known, row, upto = found.known, found.row, found.upto
    for seq, record in records:
        upto, kind = seq + 1, type(record)
        if kind is Rows:
            row = record.upto
            continue
        if kind is Reserve:
            approved = record.submit.approved
            found.sent[approved.order.id] = Sent(approved, known, row)
            found.unanswered.add(approved.order.id)
            continue
        if not isinstance(record, ev.Event):
            if kind is Run:
                found.header = found.header or record
            continue
        known = max(known, record.known)
        found.opened = found.opened or record.known
        if kind is ev.Fill:
            found.executions.book(record)  # type: ignore[arg-type]
            found.latest = max(found.latest, record.ts)
            found.unanswered.discard(record.order)  # type: ignore[attr-defined]
        elif kind is ev.OrderUpdate or (kind is ev.Reply and record.outcome != "ambiguous"):  # type: ignore[attr-defined]
            found.unanswered.discard(record.order)  # type: ignore[attr-defined]
        elif kind is ev.Adjust:
            found.booked.add(record.cause)  # type: ignore[attr-defined]
        elif kind is ev.CashFlow:
            flow = record.ts, record.amount  # type: ignore[attr-defined]
            found.flows[flow] = found.flows.get(flow, 0) + 1
        elif kind is ev.Dividend:
            paid = record.ts, record.instrument, record.amount  # type: ignore[attr-defined]
            found.dividends[paid] = found.dividends.get(paid, 0) + 1
        elif kind is ev.Split:
            found.executions.split(record.instrument, record.ratio)  # type: ignore[attr-defined]
            found.splits.append((record.ts, record.instrument))  # type: ignore[attr-defined]
    found.latest = max(found.latest, found.opened)
    found.known, found.row, found.upto = known, row, upto
    return found


class Stamped:
    """Market rows on their way into a fold, of which it is remembered when they became known: the last many, by their number."""

    def __init__(self, rows: Iterable[ev.MarketEvent], keep: int = 1_000_000) -> None:
        self._rows = rows
        self._keep = keep
        self._first = 0
        self._count = 0
        self._known: array[int] = array("q")

    def __iter__(self) -> Iterator[ev.MarketEvent]:
        for row in self._rows:
            self._known.append(row.known)
            self._count += 1
            if len(self._known) > 2 * self._keep:
                self._first += self._keep
                del self._known[: self._keep]
            yield row

    def ends(self, rows: int) -> None:
        """All are through, and the last is number `rows`: they need not have begun with the first, where an engine was saved."""
        self._first += rows - self._count

    def before(self, row: int) -> int:
        """When the market row before number `row` became known; 0 where that is not remembered."""
        place = row - 1 - self._first
        return self._known[place] if 0 <= place < len(self._known) else 0


def known_orders(state: State, sent: dict[int, Sent]) -> list[tuple[Order, tuple[Order, ...]]]:
    """Every order that our books remember, open or over, with the legs that it was sent with: what a venue must know as ours."""
    tickets = state.blotter.tickets
    out = []
    for number, ticket in sorted(tickets.items()):
        if ticket.order.parent in tickets:
            continue  # told with its entry
        was = sent.get(number)
        legs = was.approved.legs if was is not None else tuple(tickets[leg].order for leg in state.blotter.legs(number) if leg in tickets)
        out.append((ticket.order, legs))
    return out
