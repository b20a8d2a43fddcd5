"""Where a run's prices come from: the packaged demo, a catalog, or a file; it hands them over as the house wants them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from argosy.core.errors import Misuse
from argosy.core.instrument import Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, NEVER, iso, parse, span, span_text

if TYPE_CHECKING:
    from argosy.core.events import Event
    from argosy.data.catalog import Catalog
    from argosy.house import Data
    from argosy.settings import Settings

DEMO = "demo"
WITH_OPTIONS = ("IBM",)
"""What of the packaged prices a strategy of options runs on where nobody says: a share that never split in those years."""
STANDARD = "SPY"
"""What a run is measured by where nobody says anything else, and the catalog has it."""
STALE = 7 * DAY
"""How long before the end of a run the prices of its yardstick may end: a long holiday, and no more."""


def gather(
    source: str, symbols: Sequence[str] = (), start: str = "", end: str = "", every: str = "", *, facts: bool = False,
    chains: bool = False,
) -> tuple[Data, str]:  # fmt: skip
    """(instruments, tapes and other events) of a run, and what to call them.

    source: "demo", a catalog's folder, or a file of prices; start, end: ISO dates, end not included
    symbols: none named = all; of a catalog, all that have bars (of the span `every`, when one is given)
    facts: whether the catalog's figures of the world are told, too (`hears`); its funding always is. Each event comes when it was known,
    and none that was known before the first row or after the last
    chains: whether options of the instruments are traded, too (`trades_options`): those of the catalog; of the demo, and where the catalog
    has none, synthetic ones, and what they are is said in the name of the prices
    Raises Misuse: DATA_SOURCE (nothing there), DATA_EMPTY (no bar, or no row in the period), CATALOG_SPAN (no bar of that
    span), and those of the room of data.
    """
    low, high = parse(start) if start else 0, parse(end) if end else NEVER
    if chains and source == DEMO and not symbols:
        symbols = WITH_OPTIONS
    instruments, tapes, events, label = _read(source, tuple(symbols), every, facts)
    tapes, events = _apart(tapes, events)
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
    if chains:
        instruments, tapes, label = _optioned(source, instruments, tapes, first, last, label)
    kept: list[Event] = [event for event in events if first <= event.known <= last]
    return (instruments, tapes, [*_sessions(instruments, tapes, first, last), *kept]), label


def default(catalog: str) -> str:
    """The catalog when it holds something, else the demo."""
    return catalog if (Path(catalog) / "manifest.json").exists() else DEMO


def _apart(tapes: Sequence[Tape], events: Sequence[Event]) -> tuple[list[Tape], list[Event]]:
    """`data.actions.apart` for all tapes of bars; what is no action stays as it is."""
    from argosy.core.events import Bar, Dividend, Split
    from argosy.data.actions import apart, in_order

    actions = in_order([event for event in events if isinstance(event, Split | Dividend)])
    rest = [event for event in events if not isinstance(event, Split | Dividend)]
    out = []
    for tape in tapes:
        if tape.kind is Bar:
            tape, actions = apart(tape, actions)
        out.append(tape)
    return out, [*actions, *rest]


def wishes(plugins: Iterable[str | type]) -> dict[str, bool]:
    """What `gather` is asked for by strategies beside bars: facts and chains, each where one of them wants it."""
    each = list(plugins)
    return {"facts": hears(each), "chains": trades_options(each)}


def trades_options(plugins: Iterable[str | type]) -> bool:
    """Whether one of these strategies trades the options of its instruments: it says so with `chains = True`. Misuse as `plugins.load`."""
    return any(getattr(cls, "chains", False) for cls in _classes(plugins))


def chosen(symbols: Sequence[str], data: Data) -> tuple[str, ...]:
    """What a strategy is bound to: the symbols that were named, or everything where there are options, which nobody names one by one."""
    return () if any(row.option is not None for row in data[0]) else tuple(symbols)


def _optioned(
    source: str, instruments: Instruments, tapes: list[Tape], first: int, last: int, label: str
) -> tuple[Instruments, list[Tape], str]:
    """The instruments with the options of each behind them, their prices, and what to call it all. Misuse("CHAIN_NONE")."""
    from argosy.core.events import Bar
    from argosy.data import chains, synthetic
    from argosy.data.catalog import Catalog

    rows, made, notes = list(instruments), list(tapes), []
    for under in instruments:
        found = chains.listed(Catalog(source), under, len(rows), first, last + 1) if Path(source).is_dir() else None
        if found is None:
            bars = [tape.only(under.id) for tape in tapes if tape.kind is Bar and under.id in tape.instruments]
            if len(bars) != 1:
                continue
            found = synthetic.chain(under, bars[0], len(rows))
        rows += found.rows
        made += found.tapes
        notes += [note for note in found.notes if note not in notes]
    if len(rows) == len(instruments):
        what = f"{label} has no option of {', '.join(instruments.symbols[:5])} in this period"
        raise Misuse("CHAIN_NONE", what, where="--data", fix="import a chain: argosy data import FILE; a synthetic one needs 60 days and more")
    kinds = list(dict.fromkeys(tape.kind for tape in made))
    return Instruments(rows), [Tape.merge([tape for tape in made if tape.kind is kind]) for kind in kinds], f"{label}; {'; '.join(notes)}"


def hears(plugins: Iterable[str | type]) -> bool:
    """Whether one of these strategies (names or classes) listens to facts: has `on_fact`, or is woken by one. Misuse as `plugins.load`."""
    from argosy.core.strategy import OnFact

    classes = _classes(plugins)
    wakes = [wake for cls in classes for wake in _listed(getattr(cls, "wakes", ()))]
    return any(isinstance(wake, OnFact) for wake in wakes) or any(callable(getattr(cls, "on_fact", None)) for cls in classes)


def _classes(plugins: Iterable[str | type]) -> list[type]:
    from argosy.core.plugins import load

    return [load("argosy.strategies", one) if isinstance(one, str) else one for one in plugins]


def _listed(value: object) -> tuple[object, ...]:
    """What a class declares as a tuple; nothing where it declares something else, which `declare` refuses in its own words."""
    return value if isinstance(value, tuple) else ()


def benchmark(source: str, named: str, settings: Settings, data: Data) -> tuple[str, Tape, list[Event]] | None:
    """What a run is measured by beside holding: its name, its bars, its splits and dividends; None for nothing.

    named: a symbol of the catalog, "off", or "" for what `data.benchmark` says, else SPY where the catalog has it. The catalog is the
    run's, else that of the settings. Of several spans the run's own is taken, else days, else the longest.
    data: of the run. Misuse: BENCHMARK_SYMBOL for one that is named and not there, BENCHMARK_PERIOD where none of it was known in the run or it ends
    more than a week before it,
    BENCHMARK_CURRENCY where it is in another currency.
    """
    from argosy.data.catalog import Catalog

    said = named or settings.data.benchmark
    symbol = said or STANDARD
    if said == "off" or (not said and data[0].symbols == (symbol,)):
        return None
    where, place = "--benchmark" if named else "data.benchmark", source if Path(source).is_dir() else settings.data.catalog
    spans = [entry.every for entry in Catalog(place).describe() if entry.symbol == symbol and entry.kind == "bar"] if Path(place).is_dir() else []

    fault: tuple[str, str, str] | None = None
    if not spans:
        fix = f"argosy data import {symbol}.csv --symbol {symbol}, or argosy data fetch {symbol}; or --benchmark off"
        fault = "BENCHMARK_SYMBOL", f"the catalog {place!r} has no bars of {symbol}", fix
    else:
        own = span_text(max((int(tape["span"].max()) for tape in data[1] if "span" in tape.columns), default=0))
        every = own if own in spans else "1d" if "1d" in spans else max(spans, key=span)
        first, last = min(int(tape["ts"].min()) for tape in data[1]), max(int(tape["known"][-1]) for tape in data[1])
        catalog = Catalog(place)
        row, tape = catalog.instruments([symbol])[0], catalog.tape([symbol], "bar", every)
        if row.currency != settings.account.currency:
            fault = "BENCHMARK_CURRENCY", f"{symbol} is in {row.currency}, the account in {settings.account.currency}", "name another"
        elif int(tape["known"][0]) >= last or int(tape["known"][-1]) < first:
            fault = "BENCHMARK_PERIOD", f"{symbol} has no price in the period of the run", "name another, or --benchmark off"
        elif last - int(tape["known"][-1]) > STALE + int(tape["span"].max()):
            over = iso(int(tape["known"][-1]))[:10]
            what = f"prices of {symbol} end on {over}, the run on {iso(last)[:10]}: a yardstick that stands still flatters"
            fault = "BENCHMARK_PERIOD", what, f"argosy data fetch {symbol}, --end {over}, or --benchmark off"
        else:
            only, actions = _apart([tape], catalog.actions([symbol]))
            return symbol, only[0], actions
    if said:
        raise Misuse(fault[0], fault[1], where=where, fix=fault[2])
    return None


def _read(
    source: str, symbols: tuple[str, ...], every: str, facts: bool
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
            [*catalog.actions(instruments), *catalog.funding(instruments), *(catalog.facts() if facts else ())],
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
