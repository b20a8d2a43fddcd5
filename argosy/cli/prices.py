"""Where a run's prices come from: the packaged demo, a catalog, or a file; it hands them over as the house wants them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from argosy.core.errors import Misuse
from argosy.core.instrument import Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, NEVER, parse

if TYPE_CHECKING:
    from argosy.core.events import Event
    from argosy.data.catalog import Catalog
    from argosy.house import Data

DEMO = "demo"


def gather(
    source: str, symbols: Sequence[str] = (), start: str = "", end: str = "", every: str = ""
) -> tuple[Data, str]:
    """(instruments, tapes and other events) of a run, and what to call them.

    source: "demo", a catalog's folder, or a file of prices; start, end: ISO dates, end not included
    symbols: none named = all; of a catalog, all that have bars (of the span `every`, when one is given)
    Raises Misuse: DATA_SOURCE (nothing there), DATA_EMPTY (no bar, or no row in the period), CATALOG_SPAN (no bar of that
    span), and those of the room of data.
    """
    low, high = parse(start) if start else 0, parse(end) if end else NEVER
    instruments, tapes, events, label = _read(source, tuple(symbols), every)
    tapes = [tape.between(low, high) for tape in tapes]
    tapes = [tape for tape in tapes if len(tape)]
    if not tapes:
        raise Misuse(
            "DATA_EMPTY",
            f"{label} has no row from {start or 'the start'} to {end or 'the end'}",
            where="--start, --end",
            fix="widen the period",
        )
    first = min(int(tape["ts"].min()) for tape in tapes)
    last = max(int(tape["known"][-1]) for tape in tapes)
    kept: list[Event] = [event for event in events if first <= event.known <= last]
    return (instruments, tapes, [*_sessions(instruments, tapes, first, last), *kept]), label


def default(catalog: str) -> str:
    """The catalog when it holds something, else the demo."""
    return catalog if (Path(catalog) / "manifest.json").exists() else DEMO


def _read(
    source: str, symbols: tuple[str, ...], every: str
) -> tuple[Instruments, list[Tape], Sequence[Event], str]:
    if source == DEMO:
        from argosy.data.demo import load

        demo = load(symbols)
        return demo.instruments, [demo.tape], demo.actions, "packaged prices"
    path = Path(source)
    if path.is_dir():
        from argosy.data.catalog import Catalog

        catalog = Catalog(path)
        instruments = catalog.instruments(symbols, "bar", every)
        if not len(instruments):
            raise _barless(catalog, source, every)
        return (
            instruments,
            [catalog.tape(instruments, "bar", every)],
            catalog.actions(instruments),
            f"catalog {source}",
        )
    if not path.exists():
        raise Misuse(
            "DATA_SOURCE",
            f"there is nothing at {source!r}",
            where="--data",
            fix='name a catalog folder, a CSV or Parquet file, or "demo"',
        )
    from argosy.data.ingest import read

    series = {item.instrument.symbol: item for item in read(path).series}
    for symbol in symbols:
        if symbol not in series:
            raise Misuse(
                "DATA_SYMBOL",
                f"{symbol!r} is not in {source}",
                where="--symbols",
                fix=f"it has: {', '.join(series)}",
            )
    chosen = [series[symbol] for symbol in symbols or series]
    instruments = Instruments(item.instrument for item in chosen)
    tapes: dict[type, list[Tape]] = {}
    events: list[Event] = []
    for row, item in zip(instruments, chosen, strict=True):
        import numpy as np

        tape = Tape(item.tape.kind, item.tape.columns | {"instrument": np.full(len(item.tape), row.id)})
        tapes.setdefault(tape.kind, []).append(tape)
        events += [msgspec.structs.replace(action, instrument=row.id) for action in item.actions]
    return instruments, [Tape.merge(group) for group in tapes.values()], events, path.name


def _barless(catalog: Catalog, source: str, every: str) -> Misuse:
    """Why no instrument of a catalog can be run: it is empty, or it has bars of other spans only, or none."""
    spans = sorted({entry.every for entry in catalog.describe() if entry.kind == "bar"})
    if spans:
        what, fix = f"the catalog {source} has no bar of {every}", f"use --every {', '.join(spans)}"
        return Misuse("CATALOG_SPAN", what, where="--every", fix=fix)
    what = f"the catalog {source} has no bars" if catalog.symbols() else f"the catalog {source} is empty"
    return Misuse("DATA_EMPTY", what, where="--data", fix="`argosy data import FILE` fills it")


def _sessions(instruments: Instruments, tapes: Sequence[Tape], first: int, last: int) -> list[Event]:
    """Openings and closings of the calendars, so that days are counted as the exchange counts them."""
    from argosy.core.events import Bar
    from argosy.data.calendars import session_events, sessions_of

    out: list[Event] = []
    for calendar in sorted({row.calendar for row in instruments} - {"24/7"}):
        ids = [row.id for row in instruments if row.calendar == calendar]
        own = [tape.only(i) for tape in tapes for i in ids if i in tape.instruments]
        if own and all(tape.kind is Bar and HOUR * 3 < int(tape["span"].max()) <= DAY for tape in own):
            out += sessions_of(Tape.merge(own), calendar)
        elif own:
            out += session_events(calendar, first, last + 1)
    return out
