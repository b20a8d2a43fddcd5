"""What a venue shows of an account when it is asked: figures, positions, orders, executions, payments.

Only what was shown, in the house's units; it says nothing of what follows from it, and knows no venue. An execution is named
`ORDER:CUM`, by the venue's id of its order and the units that were filled after it, wherever it is heard of; a venue that cannot
say that gives it a name of its own without a colon.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal, Protocol

import msgspec

from argosy.core.orders import Order, Work

NAN = float("nan")
Paid = Literal["flow", "dividend", "split", "cost", "stock", "transfer"]
"""What moved without an order: money in or out, a dividend, a split, a fee or interest, stock by a company's act, stock carried in or out."""


class ShownOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order.

    id:      the venue's, of the order at work; number: our decision's, 0 for one of another hand
    ours:    its name is one of this desk's, whether the decision is known here or not
    work:    None where the venue's word is not understood
    lots:    total of the decision, 0 where it is not told; filled: of it so far, with all orders whose place it took
    cum:     lots that filled under this id alone, at `average` in price
    ts:      when the venue changed it last, ns
    """

    id: str
    number: int = 0
    ours: bool = False
    instrument: int = -1
    symbol: str = ""
    side: int = 0
    work: Work | None = None
    lots: int = 0
    filled: int = 0
    cum: int = 0
    average: float = NAN
    limit: float = NAN
    stop: float = NAN
    ts: int = 0


class ShownFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution. name: `ORDER:CUM`; number, ours, instrument: as of `ShownOrder`; notional: signed, + for a buy; fee: + is a cost."""

    name: str
    number: int = 0
    ours: bool = False
    instrument: int = -1
    symbol: str = ""
    side: int
    lots: int
    price: float
    notional: int
    fee: int = 0
    leaves: int = -1
    ts: int = 0


class ShownPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that moved cash or lots without an order.

    id:     the venue's, for ever; word: the venue's own kind of it
    amount: units of cash, + came in; lots: signed lots that came in; each: currency per unit held, nan where it is not told
    """

    id: str
    kind: Paid
    word: str
    ts: int
    instrument: int = -1
    symbol: str = ""
    currency: str = "USD"
    amount: int = 0
    lots: int = 0
    each: float = NAN


class ShownPosition(msgspec.Struct, frozen=True):
    """lots: signed; average: what was paid a unit; price: what one is worth now, nan where it is not told."""

    lots: int
    average: float = NAN
    price: float = NAN


class ShownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The account's figures in units of its currency. positions: by instrument; strange: lots by symbol that this run does not know."""

    currency: str
    cash: int
    equity: int
    power: int
    number: str = ""
    positions: dict[int, ShownPosition] = {}
    strange: dict[str, str] = {}


class Showing(Protocol):
    """A venue that can be asked what is so. Every question raises Retry where there is no answer; no answer is no "nothing".

    desk: the four letters that this desk's orders begin with
    """

    @property
    def desk(self) -> str: ...
    def adopt(self, orders: Iterable[tuple[Order, tuple[Order, ...]]]) -> None:
        """Orders with their legs that the journal knows, so that the venue's can be told to be ours."""

    async def offset(self) -> tuple[int, int, int]:
        """(the venue's time ns UTC, our monotonic ns before the question, and after the answer)."""

    async def account(self) -> ShownAccount: ...
    async def resting(self) -> Sequence[ShownOrder]:
        """Every open order of the account, legs as orders of their own."""

    async def ended(self, after: int) -> Sequence[ShownOrder]:
        """Orders sent after a moment (ns) that are over."""

    async def order(self, number: int) -> Sequence[ShownOrder]:
        """One decision of ours, and those that hang on it; without it where the venue definitely has no such order."""

    async def fills(self, after: int) -> Sequence[ShownFill]:
        """Executions in order: since the last time, or after a moment (ns) when it is asked first. after < 0: since the last time."""

    async def payments(self, after: int) -> Sequence[ShownPayment]:
        """What moved without an order after a moment (ns), in order."""

    async def withdraw(self, identity: str) -> bool:
        """Ask for the end of an order by the venue's own id; whether the venue took the wish."""


def execution(identity: str, cum: Decimal) -> str:
    """The name of an execution."""
    return f"{identity}:{cum.normalize():f}"


def place(name: str) -> tuple[str, Decimal] | None:
    """(the venue's id of the order, units filled after it) of a name; None for one that does not tell."""
    identity, colon, text = name.rpartition(":")
    if not colon or not identity:
        return None
    try:
        cum = Decimal(text)
    except InvalidOperation:
        return None
    return (identity, cum) if cum.is_finite() else None
