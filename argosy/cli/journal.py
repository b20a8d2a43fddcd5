"""`argosy journal`: what a desk remembers, checked, shown and exported; it reads, and changes nothing but by `release`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from argosy.store.manifest import Manifest
    from argosy.store.reader import Reader, Verified

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    short_help="What a desk remembers: verify, show, export.",
    help="What a desk remembers. Its records are numbered without a gap, each with a check sum, tied together by a chain of hashes.",
)

Folder = Annotated[Path | None, typer.Argument(help="A desk's folder, or its journal; the only desk there is if left out.", metavar="FOLDER")]
From = Annotated[int, typer.Option("--from", help="Sequence of the first record.", metavar="SEQ", min=1)]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Kinds = Annotated[str, typer.Option("--kind", help="Only these kinds of record, with commas.", metavar="A,B")]

ALIASES = {"submit": "reserve", "order": "reserve", "intent": "wanted", "refusal": "verdict", "snapshot": "memory", "header": "run"}
"""Words that people use for kinds."""
WAIT_S = 0.25


@app.command("verify", short_help="Read all of it and check every record.")
def verify(folder: Folder = None, json: Json = False) -> None:
    """Check a journal from its first record: check sums, numbers, the chain, what its runs said at their end; and the market rows beside it.

    \b
      argosy journal verify
      argosy journal verify ~/.config/argosy/desks/paper-PA3
    Exit status: 0 whole, 1 damaged or in quarantine, 2 no journal there.
    """
    from argosy.cli import screen
    from argosy.store import manifest as pages
    from argosy.store import opening, recorder, segment

    place = where(folder)
    reader = _reader(place)
    manifest = pages.read(place)
    found = reader.verify()
    if manifest is not None:
        opening.ended(manifest, found.next, found.chain, found.torn)
    rows = None
    beside = place.parent / "rows"
    if segment.places(beside, "rows"):
        rows = sum(1 for _ in recorder.read(beside))
    if json:
        whole = manifest is None or manifest.damage is None
        screen.say_json({"folder": str(place), "whole": whole, "found": found, "rows": rows, "manifest": manifest})
    else:
        _show_verified(place, found, rows, manifest)
    if manifest is not None:
        opening.refuse(place, manifest)


@app.command("show", short_help="The records as a table, the last ones first asked for.")
def show(
    folder: Folder = None,
    start: From = 1,
    kind: Kinds = "",
    last: Annotated[int, typer.Option("--last", help="How many, from the end; 0 is all.", metavar="N", min=0)] = 40,
    follow: Annotated[bool, typer.Option("--follow", help="Stay, and show what is recorded from now on. Ctrl-C ends it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what was recorded: what was heard, wanted, decided, sent and adjusted, in order.

    \b
      argosy journal show
      argosy journal show --kind fill,submit,verdict --last 100
      argosy journal show --from 5000 --last 0 --json
      argosy journal show --kind fill --follow
    """
    from collections import deque

    place = where(folder)
    reader = _reader(place)
    wanted = kinds(kind)
    names = _symbols(reader)
    seen = start - 1

    def chosen() -> Iterator[tuple[int, Any]]:
        nonlocal seen
        for seen, record in reader.records(start):
            if not wanted or _kind(record) in wanted:
                yield seen, record

    _say(deque(chosen(), maxlen=last) if last else chosen(), names, json)
    if follow:
        _follow(reader, seen + 1, wanted, names, json)


@app.command("export", short_help="The records as JSON, CSV or Parquet.")
def export(
    out: Annotated[Path, typer.Option("--out", help="The file; its ending says how: .json .jsonl .csv .parquet.", metavar="FILE")],
    folder: Folder = None,
    start: From = 1,
    kind: Kinds = "",
    json: Json = False,
) -> None:
    """Write records into a file for other programs. CSV and Parquet have a column for each plain field, and the whole record as JSON.

    \b
      argosy journal export --out journal.jsonl
      argosy journal export --kind fill --out fills.parquet
    """
    from argosy.cli import screen
    from argosy.core.errors import Misuse

    screen.writable(out, "--out")
    if out.suffix not in (".json", ".jsonl", ".csv", ".parquet"):
        raise Misuse("JOURNAL_EXPORT", f"{out.name} does not say how", where="--out", fix="end it with .json, .jsonl, .csv or .parquet")
    place = where(folder)
    reader = _reader(place)
    wanted = kinds(kind)
    names = _symbols(reader)
    count = write(out, (pair for pair in reader.records(start) if not wanted or _kind(pair[1]) in wanted), names)
    if json:
        screen.say_json({"file": str(out), "records": count})
    else:
        screen.console().print(f"{count:,} records in {out}", soft_wrap=True)


@app.command("release", short_help="Let a journal in quarantine go on, with your reason.")
def release(
    folder: Folder = None,
    by: Annotated[str, typer.Option("--by", help="Your name; it is written down.", metavar="NAME")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why it is safe to go on; it is written down.", metavar="TEXT")] = "",
    account: Annotated[str, typer.Option("--account", help="Whose it is; only where the manifest itself is damaged.")] = "",
    mode: Annotated[str, typer.Option("--mode", help="Its mode; only where the manifest itself is damaged.")] = "",
    json: Json = False,
) -> None:
    """Go on with a damaged journal: what is good before the damage stays, the rest is laid aside, and no order number is used again.

    What happened after the damage is then known to the broker alone: the desk compares itself with it at its next start.

    \b
      argosy journal release --by Ann --reason "disk replaced, positions compared with the broker by hand"
    """
    from argosy.cli import screen
    from argosy.quay import codec
    from argosy.store.manifest import Identity
    from argosy.store.opening import release as let_go

    place = where(folder)
    said = let_go(place, codec(), by=by, reason=reason, identity=Identity(account, mode) if account or mode else None)
    if json:
        screen.say_json(said)
    else:
        out = screen.console()
        out.print(f"The journal is good up to record {said.kept - 1:,}, and goes on with {said.next:,}.")
        out.print(f"What was left out lies in {place / said.aside}", soft_wrap=True, style=screen.SOFT)


# -- which journal, which records -----------------------------------------------------------------------------------------


def where(folder: Path | None) -> Path:
    """The journal's folder: of a desk, itself, or of the only desk; Misuse("JOURNAL_NONE") where there is none."""
    from argosy.core.errors import Misuse
    from argosy.desk.folder import desks

    if folder is None:
        there = [path for path in sorted(desks().glob("*")) if (path / "journal").is_dir()]
        if len(there) != 1:
            what = f"there are {len(there)} desks: {', '.join(path.name for path in there)}" if there else "there is no desk"
            raise Misuse("JOURNAL_NONE", what, where=str(desks()), fix="name a folder: argosy journal verify FOLDER")
        folder = there[0]
    place = folder / "journal" if (folder / "journal").is_dir() else folder
    if not place.is_dir() or not (any(place.glob("*.seg*")) or (place / "manifest.json").exists()):
        raise Misuse("JOURNAL_NONE", "there is no journal", where=str(place), fix="name a desk's folder")
    return place


def kinds(text: str) -> frozenset[str]:
    """The kinds that are meant; Misuse("JOURNAL_KIND") for one that no journal holds."""
    from typing import get_args

    from argosy.core.errors import Misuse
    from argosy.engine.records import Record

    known = {kind.__name__.lower() for kind in get_args(Record)}
    wanted = {ALIASES.get(word.strip().lower(), word.strip().lower()) for word in text.split(",") if word.strip()}
    odd = sorted(wanted - known)
    if odd:
        fix = f"kinds: {', '.join(sorted(known))}; and {', '.join(f'{a} for {b}' for a, b in ALIASES.items())}"
        raise Misuse("JOURNAL_KIND", f"no record is called {', '.join(odd)}", where="--kind", fix=fix)
    return frozenset(wanted)


def _reader(place: Path) -> Reader:
    from argosy.quay import codec
    from argosy.store.reader import Reader

    return Reader(place, codec())


def _kind(record: Any) -> str:
    return type(record).__name__.lower()


def _symbols(reader: Reader) -> list[str]:
    """Names of the instruments, as the journal's first record says."""
    from argosy.engine.records import Run

    first = next(iter(reader.kept()), None)
    return list(first[1].symbols) if first is not None and isinstance(first[1], Run) else []


def row(seq: int, record: Any, names: list[str]) -> dict[str, Any]:
    """A record as plain values, without prices that are absent."""
    from argosy.engine.records import plain

    body = plain(record)
    body = {"value": body} if not isinstance(body, dict) else body
    body.pop("type", None)
    about = _about(record)
    named = {"symbol": names[about]} if 0 <= about < len(names) else {}
    return {"seq": seq, "kind": _kind(record), **named, **body}


def _about(record: Any) -> int:
    """The instrument a record is about, -1 for none."""
    approved = getattr(getattr(record, "submit", None), "approved", None)
    for thing in (record, getattr(record, "intent", None), getattr(record, "order", None), getattr(approved, "order", None)):
        about = getattr(thing, "instrument", None)
        if isinstance(about, int):
            return about
    return -1


def write(out: Path, pairs: Iterable[tuple[int, Any]], names: list[str]) -> int:
    """Write records into a file by its ending; how many."""
    import msgspec

    rows = (row(seq, record, names) for seq, record in pairs)
    if out.suffix == ".jsonl":
        count = 0
        with out.open("wb") as file:
            for one in rows:
                file.write(msgspec.json.encode(one) + b"\n")
                count += 1
        return count
    whole = list(rows)
    if out.suffix == ".json":
        out.write_bytes(msgspec.json.encode(whole))
        return len(whole)
    import polars as pl

    flat = [
        {key: value for key, value in one.items() if not isinstance(value, dict | list)} | {"record": msgspec.json.encode(one).decode()}
        for one in whole
    ]
    columns = list(dict.fromkeys(["seq", "kind", "symbol", *(key for one in flat for key in one if key != "record"), "record"]))
    frame = pl.DataFrame({name: pl.Series(name, [one.get(name) for one in flat], strict=False) for name in columns})
    if out.suffix == ".csv":
        frame.write_csv(out)
    else:
        frame.write_parquet(out)
    return len(whole)


# -- for the eye ----------------------------------------------------------------------------------------------------------


def said(record: Any) -> str:
    """What a record says, in one line."""
    from argosy.core.orders import Refused
    from argosy.engine.records import Reserve, Verdict, plain

    if isinstance(record, Reserve):
        approved = record.submit.approved
        legs = f" with {len(approved.legs)} legs" if approved.legs else ""
        return f"order {_order(approved.order)}{legs}"
    if isinstance(record, Verdict):
        outcome = record.outcome
        word = f"refused {outcome.code}" if isinstance(outcome, Refused) else f"trimmed {outcome.code}: {outcome.lots} of {outcome.asked}"
        return f"{word} · order {_order(record.order)}"
    body = plain(record)
    if not isinstance(body, dict):
        return str(body)
    return "  ".join(f"{key} {_short(value)}" for key, value in body.items() if key not in ("type", "ts", "known", "instrument"))


def _order(order: Any) -> str:
    price = "".join(f" {name} {value:g}" for name, value in (("limit", order.limit), ("stop", order.stop)) if value == value)
    whose = ", ".join(share.strategy for share in order.shares)
    return f"{order.id} {'buy' if order.side > 0 else 'sell'} {order.lots} {order.type.name.lower()}{price} for {whose or 'the house'}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} {_short(item)}" for key, item in value.items() if item not in (None, "") and key != "type") + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_short(item) for item in value[:6]) + (", …]" if len(value) > 6 else "]")
    return str(value)


def _say(pairs: Iterable[tuple[int, Any]], names: list[str], json: bool) -> None:
    """Records as JSON lines or as a table."""
    import msgspec

    from argosy.cli import screen

    if json:
        for seq, record in pairs:
            typer.echo(msgspec.json.encode(row(seq, record, names)).decode())
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style=screen.SOFT, pad_edge=False)
    for head in ("Seq", "Known (UTC)", "Kind", "Symbol", "What"):
        table.add_column(head, justify="right" if head == "Seq" else "left", no_wrap=head != "What", overflow="fold")
    for cells in _lines(pairs, names):
        table.add_row(*(Text(cell) for cell in cells))
    out = screen.console()
    if table.row_count:
        out.print(table)
    else:
        out.print("No such record.", style=screen.SOFT)


def _lines(pairs: Iterable[tuple[int, Any]], names: list[str]) -> Iterator[tuple[str, ...]]:
    from argosy.core.time import iso

    for seq, record in pairs:
        about, known = _about(record), getattr(record, "known", 0)
        yield (
            f"{seq:,}", iso(known).replace("T", " ").rstrip("Z")[:23] if known else "", _kind(record),
            names[about] if 0 <= about < len(names) else "", said(record),
        )  # fmt: skip


def _follow(reader: Reader, start: int, wanted: frozenset[str], names: list[str], json: bool) -> None:
    """Show what comes from `start` on, until interrupted."""
    import time

    for pair in reader.follow(start):
        if pair is None:
            time.sleep(WAIT_S)
        elif not wanted or _kind(pair[1]) in wanted:
            if json:
                _say([pair], names, True)
            else:
                typer.echo("  ".join(cell for cell in next(_lines([pair], names)) if cell))


def _show_verified(place: Path, found: Verified, rows: int | None, manifest: Manifest | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from argosy.cli import screen
    from argosy.core.time import iso

    out = screen.console()
    out.print(Text.assemble(("Journal ", "bold"), str(place)), soft_wrap=True)
    table = Table(box=None, header_style=screen.SOFT, pad_edge=False)
    for head in ("Segment", "From", "To", "Records", "Groups", "MB", ""):
        table.add_column(head, justify="left" if head in ("Segment", "") else "right", no_wrap=True)
    for part in found.parts:
        note = " · ".join(filter(None, ("compressed" if part.packed else "", part.jump)))
        counts = [f"{count:,}" for count in (part.first, part.next - 1, part.records, part.groups)]
        table.add_row(part.file, *counts, f"{part.bytes / 1e6:,.2f}", Text(note, screen.SOFT))
    out.print(table)
    out.print(f"{found.records:,} records, each as it was written; the next is {found.next:,}", style=screen.GAIN)
    out.print(f"chain {found.chain}", style=screen.SOFT)
    if rows is not None:
        out.print(f"{rows:,} market rows beside it, each as it was written")
    if found.torn:
        what = "bytes at the end are of a write that was cut off, or is under way; the next start lays them aside"
        out.print(f"{found.torn:,} {what}", style=screen.LOSS)
    if manifest is None:
        return
    out.print(f"account {manifest.account or '-'} · mode {manifest.mode or '-'}")
    runs = Table(box=None, header_style=screen.SOFT, pad_edge=False)
    for head in ("Run", "Started (UTC)", "Status", "From", "To", "Code"):
        runs.add_column(head, justify="right" if head in ("From", "To") else "left", no_wrap=True)
    for page in manifest.runs[-10:]:
        end = f"{page.last - 1:,}" if page.last else ""
        runs.add_row(page.run, iso(page.started).replace("T", " ")[:19], page.status, f"{page.first:,}", end, page.code[:12])
    out.print(runs)
