"""What a comparison of our books with the venue's may come to, and by which rules: values alone, nothing here acts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from argosy.core.effects import Alarm
from argosy.core.events import Event
from argosy.core.time import DAY, SECOND

Hand = Literal["halt", "adopt", "ignore"]
What = Literal["order", "fills", "payments", "account"]


class When(NamedTuple):
    """A moment: now for stamps (ns UTC, the desk's), tick for how long things last (monotonic ns)."""

    now: int
    tick: int


class Step(msgspec.Struct, frozen=True):
    """The books must learn this. code: stable name of the difference."""

    event: Event
    code: str
    text: str = ""


class Ask(msgspec.Struct, frozen=True):
    """Nothing is concluded before this was asked. order: our number, where one order is meant."""

    what: What
    order: int = 0
    code: str = ""


class Tell(msgspec.Struct, frozen=True):
    """The owner must see this."""

    alarm: Alarm


class Withdraw(msgspec.Struct, frozen=True):
    """An order of ours works at the venue that our books have ended or never had: it must go. id: the venue's."""

    id: str
    number: int = 0


Finding = Step | Ask | Tell | Withdraw


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about what nobody here did.

    hand:     about trades and positions of another hand in the same account, by symbol in `symbols`: "halt" books nothing and does not
              trade the symbol until books and account agree; "adopt" takes them into the house's own book; "ignore" leaves them out of
              every comparison, and only their cash is taken over. No strategy ever gets them
    cash:     about cash that nothing explains: "alarm" says so until it is gone, "adopt" books it with that cause
    cash_units: how much cash may differ (1e-6 of a dollar); brokers round to the cent
    changed:  about a strategy whose code changed, or that wanted something else when it was relived: "quarantine", or "warmup": it goes
              on with a fresh private state and warm indicators
    """

    hand: Hand = "halt"
    symbols: Mapping[str, Hand] = {}
    cash: Literal["alarm", "adopt"] = "alarm"
    cash_units: int = 10_000
    changed: Literal["quarantine", "warmup"] = "quarantine"

    def of(self, symbol: str) -> Hand:
        """The rule of a symbol."""
        return self.symbols.get(symbol, self.hand)


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long things must be so before something follows, ns.

    quiet:  an order or instrument must have been quiet so long before the question was asked, or the answer may be older than our books
    lookups, over: so many times, over at least so long, must "no such order" be heard before it is believed
    inferred: after so long without its executions, what an order shows to be filled is booked at its average
    stuck:  a cancel under way for so long is told; nothing is assumed
    stranger: an order of another hand is one when it was seen twice, so far apart
    back:   how far before the last known one executions are read again after a restart
    paid:   how far back payments are read each time: they are written late, under an earlier day
    """

    quiet: int = 5 * SECOND
    lookups: int = 5
    over: int = 30 * SECOND
    inferred: int = 60 * SECOND
    stuck: int = 60 * SECOND
    stranger: int = 5 * SECOND
    back: int = DAY
    paid: int = 7 * DAY
