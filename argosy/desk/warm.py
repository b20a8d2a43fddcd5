"""History before the first decision: bars of the past warm what strategies need, and no strategy is called.

They go in as market rows like all others, so that a restart relives them; what follows them in the journal is a snapshot of every
strategy, which is what a restart begins to call them from. It sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from argosy.core.errors import ArgosyError, Retry
from argosy.core.events import Bar, Fact, MarketEvent
from argosy.core.time import DAY, HOUR, MINUTE, iso, parse
from argosy.desk.seen import Seen, key
from argosy.desk.sessions import Day
from argosy.engine.conditions import ADV
from argosy.engine.restart import relive
from argosy.engine.straight import want
from argosy.venues.alpaca.answer import Accepted
from argosy.venues.alpaca.history import History

if TYPE_CHECKING:
    from argosy.desk.node import Node

SESSION = 390 * MINUTE
"""A whole session of New York: how much of a day has bars."""
PATIENCE_S = 60.0


async def past(
    history: History, back: Mapping[tuple[int, int], int], symbols: Sequence[str], days: Sequence[Day], until: int, *,
    seen: Mapping[tuple[int, int], int], feed: str = "iex",
) -> list[Bar]:  # fmt: skip
    """Minutes and days that were over by `until`, in the order in which they became known: enough for `back`, and since what was seen last.

    back: (instrument, span) -> bars; days: sessions of the calendar, ascending; Retry("HISTORY_SILENT") where the broker does not tell them
    """
    minutes: dict[int, int] = {}
    daily: dict[int, int] = {}
    running = next((day.opens for day in days if day.opens <= until < day.closes), until)
    for (i, every), rows in back.items():
        last = seen.get((i, every))
        if every == DAY:
            daily[i] = last + 1 if last is not None else until - (rows * 7 // 5 + 7) * DAY
            since = running
        elif last is not None:
            since = last + every
        else:
            since = until - (-(-rows * every // SESSION) * 7 // 5 + 5) * DAY if rows else until - until % every
        minutes[i] = min(minutes.get(i, since), since)
    bars = [bar for i, row in await _told(history, symbols, minutes, "1Min", until, feed) if (bar := _bar(row, i, MINUTE)) is not None]
    for i, row in await _told(history, symbols, daily, "1Day", until, feed):
        bar = _bar(row, i, DAY)
        session = None if bar is None else next((day for day in days if bar.ts <= day.opens < bar.ts + DAY), None)
        if bar is not None and session is not None:
            bars.append(Bar(session.opens, session.closes, i, bar.open, bar.high, bar.low, bar.close, bar.volume, session.closes - session.opens))
    over = [bar for bar in bars if bar.known <= until]
    return sorted(over, key=lambda bar: (bar.known, bar.instrument, bar.span))


async def volumes(history: History, symbols: Sequence[str], now: int, *, feed: str = "iex") -> list[Fact]:
    """How much of each symbol was traded in a day on average, of the last twenty days; those that were not traded are left out. Retry as `past`."""
    told = await _told(history, symbols, dict.fromkeys(range(len(symbols)), now - 35 * DAY), "1Day", now, feed)
    found: dict[int, list[float]] = {}
    for i, row in told:
        if (bar := _bar(row, i, DAY)) is not None and bar.known <= now:
            found.setdefault(i, []).append(bar.volume)
    return [Fact(now, now, feed, ADV, sum(rows[-20:]) / len(rows[-20:]), "", i) for i, rows in sorted(found.items())]


async def _told(
    history: History, symbols: Sequence[str], since: Mapping[int, int], frame: str, until: int, feed: str
) -> list[tuple[int, Mapping[str, Any]]]:
    """(instrument, row) of bars since each instrument's own moment."""
    found: list[tuple[int, Mapping[str, Any]]] = []
    for start in sorted(set(since.values())):
        group = [i for i, own in since.items() if own == start]
        if start >= until:
            continue
        named = [symbols[i] for i in group]
        answer = await history.all("bars", named, iso(start), iso(until), timeframe=frame, feed=feed, adjustment="split", deadline_s=PATIENCE_S)
        if not isinstance(answer, Accepted):
            raise Retry("HISTORY_SILENT", f"the bars of the past could not be had: {answer}", fix="see whether the broker's data host is up")
        ids = dict(zip(named, group, strict=True))
        found += [(ids[symbol], row) for symbol, rows in answer.value.items() if symbol in ids for row in rows]
    return found


def _bar(row: Mapping[str, Any], i: int, span_ns: int) -> Bar | None:
    """A bar of a row as told; None where it is none."""
    try:
        start = parse(str(row["t"]))
        return Bar(start, start + span_ns, i, float(row["o"]), float(row["h"]), float(row["l"]), float(row["c"]), float(row["v"]), span_ns)
    except (KeyError, TypeError, ValueError, ArgosyError):
        return None


def warm(node: Node, past: Sequence[Bar], seen: Seen) -> int:
    """Feed bars of the past, but for those that were seen; how many they came to. Afterwards a snapshot of each strategy is recorded."""
    engine = node.engine
    rows = 0
    for one in past:
        for bar in [one] if one.span > 2 * HOUR else node.bars.add(one):
            if bar.ts <= seen.bars.get(key(bar), -1):
                continue
            seen.note(bar)
            if node.recorder is not None:
                node.recorder.append(bar)
            engine.state.row(bar)
            engine.state.settle()
            relive(engine, [bar], set())
            rows += 1
            for slot in engine.slots:
                cell = slot.cells.get(bar.instrument)
                if cell is not None and cell.warm and slot.declaration.step is not None and cell.sees(bar.span):
                    cell.warm -= 1
    engine.rebind()
    if rows:
        engine.remember()
        node.journal.commit()
    return rows


def rest(node: Node, rows: Iterable[MarketEvent]) -> int:
    """Market rows that were recorded before a crash and after the last decision: relived, so that the next one has its number.

    What a strategy wants of them anew was decided and lost with the process: it is recorded where it would have stood, so that whoever
    relives this journal once more finds it there. It is planned with the next price.
    """
    engine = node.engine
    awake = {slot.id for slot in engine.slots if engine.state.status[slot.id] == "active"}
    count = 0
    for _, told in groupby(rows, key=lambda row: row.known):  # what became known together is one instant
        instant = list(told)
        for row in instant:
            engine.state.row(row)
        engine.state.settle()
        for strategy, intent, again in relive(engine, instant, awake):
            if not again and engine.state.status[strategy] == "active":
                want(engine, engine.slot(strategy), intent)
        count += len(instant)
    if count:
        engine.effects.clear()  # timers, which whoever begins sets by the books
        engine.dirty.clear()
        node.journal.commit()
    return count
