"""The journal of a desk read as that of a run: the same questions answered, with the market rows that the desk recorded.

It reads, and changes nothing, so it may look while the desk writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Bust, Event, Fill, MarketEvent, Quote, Reversal, Split, Trade
from argosy.core.instrument import Instrument
from argosy.core.money import per_one
from argosy.engine.records import Reserve, Rows, Verdict, Wanted
from argosy.lab.why.kept import SCHEMA, Head
from argosy.lab.why.way import Chapter, Step, of_order
from argosy.lab.words import money, number
from argosy.store import recorder, segment
from argosy.store.frames import Codec
from argosy.store.reader import Reader

NAN = float("nan")


class Lived:
    """A desk's journal with the face of `Kept`. journal, rows: their folders; codec: the house's; instruments: of the desk, by id.

    rules: codes of the gate's rules that bind, and of those among them that are asked of exits
    """

    def __init__(
        self, journal: Path, rows: Path, codec: Codec, instruments: Sequence[Instrument], base: str, *,
        rules: Sequence[str] = (), exits: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.instruments = list(instruments)
        self.head = Head(SCHEMA, "", base, self.instruments, list(rules), list(exits))
        self._journal, self._rows, self._codec = journal, rows, codec
        self._seen: dict[tuple[int, int], dict[str, float | int]] = {}
        self.last: dict[int, float] = {}

    def records(self) -> Iterator[tuple[int, int, Any]]:
        """(sequence, when it was known in ns UTC, record), in order; what was seen at each decision is noted on the way."""
        reader = Reader(self._journal, self._codec)
        ahead = recorder.read(self._rows) if segment.places(self._rows, "rows") else iter(())
        bars: dict[int, MarketEvent] = {}
        prices: dict[int, MarketEvent] = {}
        count = now = 0
        for seq, record in reader.records():
            if isinstance(record, Rows):
                while count < record.upto and (row := next(ahead, None)) is not None:
                    count += 1
                    now = max(now, row.known)
                    if not isinstance(row, Quote) or row.bid == row.bid or row.ask == row.ask:
                        (bars if isinstance(row, Bar) else prices)[row.instrument] = row
            elif isinstance(record, Event):
                now = max(now, record.known)
            elif isinstance(record, Wanted | Verdict | Reserve):
                self._note(now, _instrument(record), bars, prices)
            yield seq, now, record
        self.last = {i: _price(row) for i, row in (bars | prices).items()}

    def _note(self, now: int, i: int, bars: dict[int, MarketEvent], prices: dict[int, MarketEvent]) -> None:
        row = bars.get(i) or prices.get(i)
        if row is None:
            return
        if isinstance(row, Bar):
            names = ("ts", "known", "span", "open", "high", "low", "close", "volume")
            self._seen[now, i] = {name: getattr(row, name) for name in names}
            return
        price = _price(row)
        self._seen[now, i] = {"ts": row.ts, "known": row.known, "span": 0, "open": price, "high": price, "low": price, "close": price, "volume": NAN}

    def bar(self, known: int, instrument: int, /) -> dict[str, float | int] | None:
        """What was seen last of an instrument at a decision, once `records` went past it; None when there was nothing."""
        return self._seen.get((known, instrument))


def _instrument(record: Wanted | Verdict | Reserve) -> int:
    if isinstance(record, Wanted):
        return record.intent.instrument
    return record.order.instrument if isinstance(record, Verdict) else record.submit.approved.order.instrument


def _price(row: MarketEvent) -> float:
    if isinstance(row, Bar):
        return row.close
    if isinstance(row, Quote):
        middle = (row.bid + row.ask) / 2.0
        return middle if middle == middle else row.bid if row.bid == row.bid else row.ask
    return row.price if isinstance(row, Trade) else NAN


class _Watched:
    """A journal whose records a reckoning sees too, on the one way through it."""

    def __init__(self, lived: Lived, earned: Earned) -> None:
        self.head, self.instruments, self.bar = lived.head, lived.instruments, lived.bar
        self._lived, self._earned = lived, earned

    def records(self) -> Iterator[tuple[int, int, Any]]:
        for row in self._lived.records():
            self._earned.see(row[2])
            yield row


def story(lived: Lived, order: int) -> Chapter:
    """The way of one order, with what it earned; the journal is read once. Misuse("EXPLAIN_ORDER") when there is none."""
    earned = Earned(order)
    try:
        chapter = of_order(_Watched(lived, earned), lived.head.base, order)
    except Misuse as error:
        fix = "`argosy orders` and `argosy journal show --kind submit` name them"
        raise Misuse(error.code, f"the desk never decided an order {order}", where="ORDER", fix=fix) from error
    result = earned.said(lived)
    return chapter if result is None else Chapter(chapter.order, chapter.title, [*chapter.steps, result])


class Earned:
    """What an order's fills closed, at the average that was paid before, and where the price went since.

    Executions count once, whoever tells them again; one that the venue took back is as if it had never been.
    """

    def __init__(self, order: int) -> None:
        self._order = order
        self._way: dict[str, Fill | Split] = {}
        self._splits = 0
        self._gone: set[str] = set()

    def see(self, record: Any) -> None:
        """One record of the journal, in order."""
        if isinstance(record, Split):
            self._splits += 1
            self._way[f"split {self._splits}"] = record
        elif isinstance(record, Fill):
            if record.execution not in self._way and record.execution not in self._gone:
                self._way[record.execution] = record
        elif isinstance(record, Bust | Reversal) and self._way.pop(record.execution, None) is not None and isinstance(record, Bust):
            self._gone.add(record.execution)

    def said(self, lived: Lived) -> Step | None:
        """The last step; None without a fill that counts."""
        held: dict[int, tuple[int, float]] = {}
        opened = closed = fees = 0
        made = 0.0
        found: Fill | None = None
        for record in self._way.values():
            lots, cost = held.get(record.instrument, (0, 0.0))
            if isinstance(record, Split):
                held[record.instrument] = round(lots * record.ratio), cost
                continue
            part = min(record.lots, abs(lots)) if lots * record.side < 0 else 0
            back = cost * part / abs(lots) if part else 0.0
            gain = -record.notional * part / record.lots - back
            held[record.instrument] = lots + record.side * record.lots, cost - back + record.notional * (record.lots - part) / record.lots
            if record.order == self._order:
                found = record
                made += gain
                closed += part
                opened += record.lots - part
                fees += record.fee
        if found is None:
            return None
        row = lived.instruments[found.instrument]
        one = per_one(row.currency)
        said = []
        if closed:
            said.append(f"closed {number(float(row.units(closed)), 4)} {row.symbol}: {money(made / one, row.currency, signed=True)} before fees")
        price = lived.last.get(found.instrument, NAN)
        if opened and price == price:
            since = (price / found.price - 1.0) * found.side
            said.append(f"opened {number(float(row.units(opened)), 4)} at {found.price:,.6g}; the price is {price:,.6g} now, {since:+.2%}")
        said.append(f"fees {money(fees / one, row.currency)}")
        facts = {"closed_lots": closed, "opened_lots": opened, "pnl": made / one, "fees": fees / one, "price": price if price == price else None}
        return Step("result", found.known, "; ".join(said), 0, facts)
