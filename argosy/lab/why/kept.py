"""The journal of a run kept beside its result: small, complete, and checked when it is read; it never changes a record.

    journal.gz        the journal's frames as they were hashed, compiled stretches as one record; gzip
    times.parquet     when the market rows that the journal refers to were known
    moments.parquet   the last row of each instrument at each decision: what the strategy had seen
    journal.json      the instruments, the rules that were asked, and the hash of the chain
"""

from __future__ import annotations

import gzip
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Event
from argosy.core.instrument import Instrument
from argosy.engine.journal import frames
from argosy.engine.records import Reserve, Rows, Stretch, Verdict, Wanted
from argosy.engine.stretch import DEAL

if TYPE_CHECKING:
    import polars as pl

    from argosy.core.tape import Tape
    from argosy.lab.backtest import Outcome

SCHEMA = 1


class Head(msgspec.Struct):
    """What a kept journal says of itself. rules: codes of those that bind, as they are asked; exits: of them, also of exits."""

    schema: int
    chain: str
    base: str
    instruments: list[Instrument]
    rules: list[str]
    exits: list[str]


class Kept:
    """A journal that was kept. `records` gives them in order, stretches unfolded; `bar` what was seen at a decision."""

    def __init__(self, head: Head, data: bytes, moments: pl.DataFrame, times: pl.DataFrame) -> None:
        self.head, self._data, self._moments, self._times = head, data, moments, times
        self.instruments = head.instruments

    def records(self) -> Iterator[tuple[int, int, Any]]:
        """(sequence, when it was known in ns UTC, record), in order. Raises Broken for a damaged frame."""
        rows, known = self._clock
        now = 0
        for seq, record in frames(self._data):
            if isinstance(record, Rows):
                place = bisect_right(rows, record.upto) - 1
                if place >= 0 and rows[place] == record.upto:
                    now = max(now, known[place])
            elif isinstance(record, Event):
                now = max(now, record.known)
            yield seq, now, record

    def bar(self, known: int, instrument: int, /) -> dict[str, float | int] | None:
        """The last row of an instrument at a decision: ts, known, span, open, high, low, close, volume; None when there was none."""
        return self._seen.get((known, instrument))

    @cached_property
    def _clock(self) -> tuple[list[int], list[int]]:
        return self._times["row"].to_list(), self._times["known"].to_list()

    @cached_property
    def _seen(self) -> dict[tuple[int, int], dict[str, float | int]]:
        return {(row["at"], row["instrument"]): {k: v for k, v in row.items() if k not in ("at", "instrument")} for row in self._moments.to_dicts()}


def keep(outcome: Outcome, folder: Path) -> Path:
    """Write the journal of a finished run into `folder`, made if need be. Returns the folder."""
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    engine = outcome.run.engine
    rows, at, instrument = _decisions(outcome)
    marks = np.unique(rows)
    source = outcome.source.known
    inside = marks[(marks > 0) & (marks <= len(source))]
    pl.DataFrame({"row": inside, "known": source[inside - 1]}).write_parquet(folder / "times.parquet", compression="zstd")
    _moments(outcome.source.tapes, at, instrument).write_parquet(folder / "moments.parquet", compression="zstd")
    journal: Any = engine.journal
    rules = engine.gate.rules
    head = Head(SCHEMA, journal.chain, engine.state.portfolio.base, list(engine.instruments), _rules(rules, False), _rules(rules, True))
    (folder / "journal.gz").write_bytes(gzip.compress(journal.dump(), 6, mtime=0))
    (folder / "journal.json").write_bytes(msgspec.json.format(msgspec.json.encode(head), indent=2))
    return folder


def load(folder: Path) -> Kept:
    """Read what `keep` wrote. Misuse: EXPLAIN_RUN (no journal there, or not readable), EXPLAIN_SCHEMA."""
    import polars as pl

    try:
        head = msgspec.json.decode((folder / "journal.json").read_bytes(), type=Head)
        data = gzip.decompress((folder / "journal.gz").read_bytes())
        moments, times = (pl.read_parquet(folder / f"{name}.parquet") for name in ("moments", "times"))
    except FileNotFoundError as error:
        raise Misuse(
            "EXPLAIN_RUN", f"there is no journal of a run: {Path(str(error.filename)).name} is missing", where=str(folder),
            fix="name a folder that `argosy backtest ... --save DIR` wrote",
        ) from error  # fmt: skip
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError, pl.exceptions.PolarsError) as error:
        raise Misuse("EXPLAIN_RUN", f"the journal cannot be read: {error}", where=str(folder), fix="save the run again") from error
    if head.schema != SCHEMA:
        raise Misuse("EXPLAIN_SCHEMA", f"layout {head.schema} is not known", where=str(folder), fix="read it with the release that wrote it")
    return Kept(head, data, moments, times)


def _rules(rules: Iterable[Any], exits: bool) -> list[str]:
    """The codes of the rules that bind, or of those among them that are asked of exits."""
    return [rule.code for rule in rules if getattr(rule, "binds", True) and (rule.guards_exits or not exits)]


def _decisions(outcome: Outcome) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows marks of the journal; and the time and instrument of each decision in it."""
    source = outcome.source.known
    rows: list[NDArray[np.int64]] = []
    at: list[NDArray[np.int64]] = []
    instrument: list[NDArray[np.int64]] = []
    plain: tuple[list[int], list[int], list[int]] = ([], [], [])
    now = 0
    journal: Any = outcome.run.engine.journal
    for record in journal.kept():
        if type(record) is Stretch:
            deals = np.frombuffer(record.deals, DEAL)
            rows.append(deals["rows"].astype(np.int64))
            at.append(deals["known"].astype(np.int64))
            instrument.append(deals["instrument"].astype(np.int64))
            now = max(now, int(deals["known"].max(initial=0)))
        elif isinstance(record, Rows):
            plain[0].append(record.upto)
            if 0 < record.upto <= len(source):
                now = max(now, int(source[record.upto - 1]))
        elif isinstance(record, Event):
            now = max(now, record.known)
        elif isinstance(record, Wanted):
            plain[1].append(now)
            plain[2].append(record.intent.instrument)
        elif isinstance(record, Verdict | Reserve):
            order = record.order if isinstance(record, Verdict) else record.submit.approved.order
            plain[1].append(now)
            plain[2].append(order.instrument)
    columns = (rows, at, instrument)
    return tuple(np.concatenate([*found, np.array(own, np.int64)]) for found, own in zip(columns, plain, strict=True))  # type: ignore[return-value]


def _moments(tapes: tuple[Tape, ...], at: NDArray[np.int64], instrument: NDArray[np.int64]) -> pl.DataFrame:
    """The last row of each instrument at each decision, bars before other kinds, the shortest first."""
    import polars as pl

    names = ("ts", "known", "span", "open", "high", "low", "close", "volume")
    pairs = np.unique(np.stack([instrument, at]), axis=1) if len(at) else np.empty((2, 0), np.int64)
    parts: list[pl.DataFrame] = []
    for i in np.unique(pairs[0]).tolist():
        when = pairs[1][pairs[0] == i]
        own = [tape.only(i) for tape in tapes if i in tape.instruments]
        own.sort(key=lambda tape: (tape.kind is not Bar, int(tape["span"].max()) if tape.kind is Bar else 0))
        if not own:
            continue
        tape = own[0]
        place = np.searchsorted(tape["known"], when, side="right") - 1
        seen = place >= 0
        place, when = place[seen], when[seen]
        if tape.kind is Bar:
            columns = {name: tape[name][place] for name in names}
        else:
            price = tape["price"][place] if "price" in tape.columns else (tape["bid"][place] + tape["ask"][place]) / 2
            columns = {"ts": tape["ts"][place], "known": tape["known"][place], "span": np.zeros(len(place), np.int64)}
            columns |= dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": np.full(len(place), np.nan)}
        parts.append(pl.DataFrame({"at": when, "instrument": np.full(len(when), i, np.int64), **columns}))
    if parts:
        return pl.concat(parts)
    whole = ("at", "instrument", "ts", "known", "span")
    return pl.DataFrame(schema={name: pl.Int64 if name in whole else pl.Float64 for name in ("at", "instrument", *names)})
