"""The shapes through which rooms speak without knowing each other; nothing here does anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from argosy.core.effects import Amend, Cancel, Effect
from argosy.core.events import Bar, Event, Fact, Forecast, MarketEvent, Reply
from argosy.core.instrument import Instrument
from argosy.core.orders import Approved, Order


class Book(Protocol):
    """What a strategy sees: its own virtual book and the market up to now. Read-only; every call is O(1).

    Money is float64 in the base currency, positions are signed integer lots, prices are raw.
    """

    @property
    def now(self) -> int:
        """The greatest `known` seen, ns UTC."""

    @property
    def warming(self) -> bool:
        """True while history is fed before the first decision; an intent is then an error."""

    @property
    def cash(self) -> float: ...
    @property
    def equity(self) -> float: ...

    def lots(self, instrument: int) -> int:
        """Own signed position in lots."""

    def mark(self, instrument: int) -> float:
        """The last known price, nan before the first."""

    def bar(self, instrument: int) -> Bar | None:
        """The last finished bar."""

    def needs(self, instrument: int) -> Any:
        """The declared needs of one instrument as attributes: `book.needs(i).fast`."""

    def window(self, instrument: int, n: int) -> NDArray[np.float64]:
        """The last n bars, (n, 5) open high low close volume, oldest first; rows not yet known are nan. n <= the declared window."""

    def resting(self, instrument: int) -> tuple[Order, ...]:
        """Own working orders."""

    def forecast(self, instrument: int, model: str) -> Forecast | None: ...
    def fact(self, name: str) -> Fact | None: ...
    def instrument(self, key: int | str) -> Instrument: ...

    @property
    def instruments(self) -> tuple[int, ...]:
        """Ids this strategy is bound to."""


@runtime_checkable
class Journal(Protocol):
    """The memory of the house: append-only and gap-free. The engine owns the one in memory, `store` the durable one."""

    @property
    def seq(self) -> int:
        """The sequence that the next record will have; the first is 1."""

    @property
    def append(self) -> Callable[[Any], None]:
        """Record one thing; after this returns a crash of the process does not lose it (in memory: nothing outlives it)."""

    def stretch(self, stretch: Any) -> None:
        """Record a stretch of plain orders, which takes the sequences of all the records it is short for."""

    def commit(self) -> None:
        """A decision is complete; the journal may close its commit group."""

    def flush(self) -> None:
        """Close the commit group: encode, check and chain what is pending."""

    def records(self) -> Iterator[tuple[int, Any]]:
        """All records as (sequence, record), in order."""


class Market(Protocol):
    """A venue simulated in step with the replay: given an effect or a market row, it says what happens, with times.

    Returned events may be known later than now (latency); the replay delivers them then.
    """

    def apply(self, thing: Effect | Event, now: int) -> Sequence[Event]: ...

    def opening(self, bar: Bar) -> Sequence[Event]:
        """What happens at the open of a bar (known at its start)."""

    def busy(self, instrument: int) -> bool:
        """Whether any order of the instrument could be touched by a market row."""

    def touch(self) -> Sequence[tuple[int, float, float]]:
        """(instrument, floor, ceiling) of those that are busy: a bar with floor < low and high < ceiling touches no order."""

    def plain(self) -> Any:
        """`kernels.scan.Plainness` where plain market orders fill at once and whole at the next open, else None."""

    def leap(self, traded: Mapping[int, int], opened: int) -> None:
        """Plain orders were filled elsewhere by those terms: net lots by instrument, and the start of the last bar that filled."""

    def lend(self, instrument: int) -> Any:
        """(last rank, last opening, live orders as `kernels.brackets.Rest`) where all of them fill whole by the bars alone, else None."""

    def take_back(self, instrument: int, lots: int, rank: int, opened: int, rests: Sequence[Any]) -> None:
        """Bars were walked elsewhere with what `lend` gave: the position, the last rank, the last opening, what is live now."""

    @property
    def due(self) -> int:
        """The next moment at which something happens by itself; time.NEVER when nothing does."""

    def settle(self, now: int) -> Sequence[Event]:
        """What happened by itself up to `now`."""


class Venue(Protocol):
    """A place that trades, as the asynchronous rim sees it. Idempotent by order id; reports only what the venue said."""

    async def submit(self, approved: Approved) -> Reply: ...
    async def cancel(self, effect: Cancel) -> Reply: ...
    async def amend(self, effect: Amend) -> Reply: ...
    async def snapshot(self) -> Sequence[Event]: ...
    def stream(self) -> AsyncIterator[Event]: ...
    def facts(self, symbol: str) -> Instrument: ...


class Source(Protocol):
    """Rows that became known, in order: a tape, a catalog query, a feed."""

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[MarketEvent]: ...
