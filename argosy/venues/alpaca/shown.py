"""What Alpaca shows of an account when it is asked, in the house's words; it concludes nothing, and no answer is never "nothing"."""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from argosy.core.errors import Retry
from argosy.core.money import to_units
from argosy.core.orders import Order
from argosy.core.shown import (
    NAN,
    Paid,
    ShownAccount,
    ShownFill,
    ShownOrder,
    ShownPayment,
    ShownPosition,
    execution,
)
from argosy.core.time import SECOND, iso
from argosy.venues.alpaca import words
from argosy.venues.alpaca.answer import Accepted, Answer, Refused
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import READ_S, missing, value
from argosy.venues.alpaca.codec import Activity, WireOrder, ns_of, record
from argosy.venues.alpaca.ledger import ZERO, Placed

PAID: dict[str, Paid] = {
    "CSD": "flow", "CSW": "flow", "CSR": "flow", "JNLC": "flow", "TRANS": "flow", "JNL": "flow", "ACATC": "flow",
    "DIV": "dividend", "DIVCGL": "dividend", "DIVCGS": "dividend", "DIVNRA": "cost", "DIVROC": "dividend", "DIVTXEX": "dividend",
    "DIVFT": "cost", "DIVTW": "cost", "DIVFEE": "cost",
    "SPLIT": "split", "SSP": "split",
    "FEE": "cost", "CFEE": "cost", "INT": "cost", "INTNRA": "cost", "INTTW": "cost", "PTC": "cost", "PTR": "cost", "MISC": "cost",
    "JNLS": "transfer", "ACATS": "transfer", "SSO": "stock", "NC": "stock", "MA": "stock", "REORG": "stock", "SC": "stock",
}  # fmt: skip
"""Kinds of activities by Alpaca's word; one that is not here is a cost where it moved cash, and stock where it moved lots."""

BACK = 10 * SECOND
"""How much of what was read is read again, for rows of one moment have no order and a row may be late."""
LONGEST = 24
"""Orders that took each other's place which are followed."""
TRIES = 5
"""Times that a fill's order may be not there before it is taken for another hand's."""


class Shows:
    """One account at Alpaca as `core.shown.Showing`.

    venue: the one that trades it, whose ledger tells which order is which decision; read_s: how long a question may take
    """

    def __init__(self, venue: AlpacaVenue, *, read_s: float = READ_S) -> None:
        self.venue = venue
        self.read_s = read_s
        self._client = venue.client
        self._since = ""
        self._after = 0
        self._strangers: dict[str, WireOrder | None] = {}
        self._absent: dict[str, int] = {}

    @property
    def desk(self) -> str:
        """The four letters that this desk's orders begin with."""
        return self.venue.ledger.desk

    def adopt(self, orders: Iterable[tuple[Order, tuple[Order, ...]]]) -> None:
        """Orders with their legs that the journal knows."""
        self.venue.adopt(orders)

    async def offset(self) -> tuple[int, int, int]:
        """(Alpaca's time ns UTC, our monotonic ns before the question, and after the answer)."""
        asked = time.monotonic_ns()
        told = value(await self._client.clock(deadline_s=self.read_s), "the time")
        answered = time.monotonic_ns()
        at = ns_of(told.timestamp)
        if not at:
            raise Retry("VENUE_SILENT", "Alpaca did not tell the time")
        return at, asked, answered

    async def account(self) -> ShownAccount:
        """The figures and the positions; those are read first, so that cash is never older than they are."""
        rows = value(await self._client.positions(deadline_s=self.read_s), "the positions")
        told = value(await self._client.account(deadline_s=self.read_s), "the account")
        currency = told.currency or "USD"
        held: dict[int, ShownPosition] = {}
        strange: dict[str, str] = {}
        for row in rows:
            if row.qty is None:
                raise Retry("VENUE_SILENT", f"Alpaca did not tell how much of {row.symbol} there is")
            if row.symbol not in self.venue.instruments:
                strange[row.symbol] = words.exact(row.qty)
                continue
            one = self.venue.instruments[row.symbol]
            sign = -1 if row.side == "short" and row.qty > 0 else 1
            lots = sign * one.lots(row.qty)
            held[one.id] = ShownPosition(lots, _float(row.avg_entry_price), _float(row.current_price))
        if told.cash is None:
            raise Retry("VENUE_SILENT", "Alpaca did not tell the cash")
        return ShownAccount(
            currency=currency, cash=to_units(told.cash, currency), equity=to_units(told.equity or ZERO, currency),
            power=to_units(told.buying_power or ZERO, currency), number=told.account_number, positions=held, strange=strange,
        )  # fmt: skip

    # -- orders ----------------------------------------------------------------------------------------------------------

    async def resting(self) -> list[ShownOrder]:
        """Every open order, legs too."""
        return self._rows(value(await self._client.orders("open", nested=False, deadline_s=self.read_s), "the open orders"))

    async def ended(self, after: int) -> list[ShownOrder]:
        """Orders sent after a moment (ns) that are over."""
        return self._rows(value(await self._client.orders("closed", after=iso(after), nested=False, deadline_s=self.read_s), "the closed orders"))

    async def order(self, number: int) -> list[ShownOrder]:
        """A decision as it is now, with what hangs on it; without it where Alpaca has no such order."""
        placed = self.venue.ledger.placed.get(number)
        if placed is None:
            return []
        heads = [placed]
        if not placed.id:  # a leg has a name of Alpaca's own: whoever it hangs on tells it
            hangs = [row for row in self.venue.ledger.placed.values() if any(leg.id == number for leg in row.legs)]
            heads = hangs if placed.order.parent else [*hangs, placed]  # one of a pair may have gone out by itself
        found: dict[str, ShownOrder] = {}
        for head in heads:
            for told in await self._chain(head):
                found.update((row.id, row) for row in self._rows([told, *(record(WireOrder, leg) for leg in told.legs or ())]))
        if placed.id and not any(row.number == number for row in found.values()):
            answer = await self._client.order(placed.id, deadline_s=self.read_s)
            if not missing(answer):
                found.update((row.id, row) for row in self._rows([value(answer, "an order")]))
        return list(found.values())

    async def _chain(self, placed: Placed) -> list[WireOrder]:
        """An order and those that took its place, the last one last; nothing where it is definitely not there."""
        first = words.name(self.venue.ledger.desk, placed.order.id)
        answer: Answer[WireOrder]
        if placed.ids:
            answer = await self._client.order(placed.ids[0], deadline_s=self.read_s)
            if isinstance(answer, Accepted) and answer.value.replaces and answer.value.client_order_id != first:
                answer = await self._client.by_client_id(first, deadline_s=self.read_s)  # only a later one of the chain was known
        else:
            answer = await self._client.by_client_id(first, deadline_s=self.read_s)
        told: list[WireOrder] = []
        while not missing(answer) and len(told) < LONGEST:
            one = value(answer, "an order")
            if told and not one.replaces:
                one = msgspec.structs.replace(one, replaces=told[-1].id)
            told.append(one)
            self.venue.look(one)
            if not one.replaced_by or any(one.replaced_by == row.id for row in told):
                break
            answer = await self._client.order(one.replaced_by, deadline_s=self.read_s)
        if told and told[-1].status == "replaced":
            raise Retry("VENUE_SILENT", f"Alpaca replaced order {placed.order.id} and does not show by what")
        if told and placed.legs and not told[-1].legs:
            answer = await self._client.order(told[-1].id, deadline_s=self.read_s)  # asked by name it may be told without its legs
            if isinstance(answer, Accepted):
                told[-1] = answer.value
                self.venue.look(answer.value)
        return told

    def _rows(self, orders: Iterable[WireOrder]) -> list[ShownOrder]:
        shown = []
        for order in orders:
            placed = self.venue.look(order)
            if placed is not None and placed.id != order.id:
                continue  # another has taken its place
            if order.status != "replaced":
                shown.append(self._row(order, placed))
        return shown

    def _row(self, order: WireOrder, placed: Placed | None) -> ShownOrder:
        work = words.WORKS.get(order.status)
        if work is None:
            self.venue.odd.keep("status", order)
        side = {"buy": 1, "sell": -1}.get(order.side, 0)
        if order.symbol not in self.venue.instruments:
            return ShownOrder(id=order.id, symbol=order.symbol, side=side, work=work, ts=ns_of(order.updated_at))
        row = self.venue.instruments[order.symbol]
        cum = order.filled_qty or ZERO
        before = sum((placed.filled.get(one, ZERO) for one in placed.ids[:-1]), ZERO) if placed is not None else ZERO
        return ShownOrder(
            id=order.id, number=placed.order.id if placed is not None else 0, ours=placed is not None or self.venue.ledger.ours(order),
            instrument=row.id, symbol=row.symbol, side=side, work=work,
            lots=row.lots(order.qty + before) if order.qty is not None else 0, filled=row.lots(cum + before), cum=row.lots(cum),
            average=_float(order.filled_avg_price), limit=_float(order.limit_price), stop=_float(order.stop_price), ts=ns_of(order.updated_at),
        )  # fmt: skip

    async def withdraw(self, identity: str) -> bool:
        """Ask for the end of an order by Alpaca's id."""
        answer = await self._client.cancel(identity)
        return isinstance(answer, Accepted) or (isinstance(answer, Refused) and answer.status in (404, 422))

    # -- what happened -----------------------------------------------------------------------------------------------------

    async def fills(self, after: int) -> list[ShownFill]:
        """Executions in order, since the last time or after a moment; the last seconds of what was read are read again."""
        if after >= 0:
            self._since, self._after = "", after
            self.venue.walk_from = after
        start = "" if self._since or not self._after else iso(self._after)
        rows = value(await self._client.activities("FILL", since=self._since, after=start, deadline_s=self.read_s), "the fills")
        shown = []
        for activity in rows:
            order = await self._order_of(activity)
            fill = self._fill(activity, order)
            if fill is not None:
                shown.append(fill)
        if rows:
            latest = max(ns_of(row.transaction_time) for row in rows)
            old = [row.id for row in rows if ns_of(row.transaction_time) <= latest - BACK]
            self._since = old[-1] if old else self._since
        return shown

    async def _order_of(self, activity: Activity) -> tuple[Placed | None, WireOrder | None]:
        """The decision of a fill, or the order of another hand. Retry where its order is not shown yet."""
        identity = activity.order_id
        placed = self.venue.ledger.by_id(identity)
        if placed is not None or not identity:
            return placed, None
        if identity not in self._strangers:
            answer = await self._client.order(identity, deadline_s=self.read_s)
            if missing(answer):
                self._absent[identity] = self._absent.get(identity, 0) + 1
                if self._absent[identity] < TRIES:
                    raise Retry("VENUE_SILENT", f"Alpaca tells a fill of {activity.symbol} and not yet the order")
                self._strangers[identity] = None
            else:
                order = value(answer, "an order")
                placed = self.venue.look(order) or await self._leg(order)
                if placed is not None:
                    return placed, order
                self._strangers[identity] = order
        return None, self._strangers[identity]

    async def _leg(self, order: WireOrder) -> Placed | None:
        """An order under a name of Alpaca's own may be a leg of ours of which nothing was heard yet: whoever it hangs on tells it."""
        ledger = self.venue.ledger
        if ledger.ours(order):
            return None
        for head in list(ledger.placed.values()):
            if self.venue.instruments[head.order.instrument].symbol != order.symbol:
                continue
            if any((leg := ledger.placed.get(one.id)) is None or not leg.id for one in head.legs):
                await self._chain(head)
                if (placed := ledger.by_id(order.id)) is not None:
                    return placed
        return None

    def _fill(self, activity: Activity, of: tuple[Placed | None, WireOrder | None]) -> ShownFill | None:
        placed, order = of
        qty, at = activity.qty, activity.price
        side = {"buy": 1, "sell": -1, "sell_short": -1}.get(activity.side, 0)
        if placed is not None:
            side = placed.order.side
        if qty is None or at is None or qty <= 0 or not side:
            self.venue.odd.keep("fill", activity)
            return None
        name = execution(activity.order_id, activity.cum_qty) if activity.cum_qty is not None else activity.id
        ts = ns_of(activity.transaction_time)
        if activity.symbol not in self.venue.instruments:
            worth = to_units(qty * at, "USD")
            return ShownFill(name=name, symbol=activity.symbol, side=side, lots=0, price=float(at), notional=side * worth, ts=ts)
        row = self.venue.instruments[activity.symbol]
        lots = row.lots(qty)
        if lots * row.lot != qty:
            self.venue.odd.keep("dust", (activity.order_id, qty))
        if not lots:
            return None
        number, leaves = 0, -1
        if placed is not None:
            number = placed.order.id
            if activity.cum_qty is not None:
                placed.filled[activity.order_id] = max(placed.filled.get(activity.order_id, ZERO), activity.cum_qty)
            if activity.leaves_qty is not None and len(placed.ids) == 1:
                leaves = max(0, row.lots(activity.leaves_qty))
        worth = to_units(row.units(lots) * at * row.multiplier, row.currency)
        return ShownFill(
            name=name, number=number, ours=placed is not None or (order is not None and self.venue.ledger.ours(order)), instrument=row.id,
            symbol=row.symbol, side=side, lots=lots, price=float(at), notional=side * worth, leaves=leaves, ts=ts,
        )  # fmt: skip

    async def payments(self, after: int) -> list[ShownPayment]:
        """What moved without an order after a moment, in order of Alpaca's ids; what was taken back is left out."""
        rows = value(await self._client.activities("", after=iso(max(after, 0)), deadline_s=self.read_s), "the activities")
        return [self._payment(row) for row in rows if row.activity_type not in ("FILL", "") and row.status not in ("canceled", "pending")]

    def _payment(self, activity: Activity) -> ShownPayment:
        known = activity.symbol in self.venue.instruments
        row = self.venue.instruments[activity.symbol] if known else None
        lots = 0
        if row is not None and activity.qty is not None:
            lots = row.lots(activity.qty) if activity.qty > 0 else -row.lots(-activity.qty)
        kind = PAID.get(activity.activity_type) or ("stock" if lots else "cost")
        return ShownPayment(
            id=activity.id, kind=kind, word=activity.activity_type, ts=_moment(activity), instrument=row.id if row is not None else -1,
            symbol=activity.symbol, amount=to_units(activity.net_amount or ZERO, "USD"), lots=lots, each=_float(activity.per_share_amount),
        )  # fmt: skip


def _float(told: Decimal | None) -> float:
    return NAN if told is None else float(told)


def _moment(activity: Activity) -> int:
    """When it happened: as told, else by the digits that its id begins with, else its date."""
    if activity.transaction_time:
        return ns_of(activity.transaction_time)
    digits = activity.id.partition("::")[0]
    if len(digits) == 17 and digits.isdigit():
        text = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}.{digits[14:]}Z"
        return ns_of(text)
    return ns_of(activity.date)
