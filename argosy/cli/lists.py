"""The lists of a finished backtest: its trades, its orders and what was refused, each with its why; it prints and judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.cli import screen
from argosy.core.money import per_one
from argosy.core.time import iso
from argosy.lab.orders import REFUSED, Asked, compared, meaning
from argosy.lab.words import NONE, lasting, money, number, percent

if TYPE_CHECKING:
    from rich.console import Console

    from argosy.lab.result import Result

WIDE = 150
"""Columns of a terminal from which the why stands in the row; below that it stands under it."""


def plain(
    result: Result, asked: Sequence[Asked], last: int, *, trades: bool, orders: bool, refusals: bool
) -> dict[str, Any]:
    """The wanted lists for machines: "trades", "orders", "refused", each the last rows, times in ns UTC."""
    out: dict[str, Any] = {}
    one = per_one(result.currency)
    if trades:
        rows = result.trades.tail(last or result.trades.height).iter_rows(named=True)
        out["trades"] = [row | {key: None if row[key] is None else row[key] / one for key in ("pnl", "fees")} for row in rows]
    if orders:
        out["orders"] = [msgspec.to_builtins(row) for row in _tail(asked, last)]
    if refusals:
        out["refused"] = [msgspec.to_builtins(row) for row in _tail(_stopped(asked), last)]
    return out


def show(
    result: Result, asked: Sequence[Asked], last: int, out: Console, *, trades: bool, orders: bool, refusals: bool
) -> None:
    """The wanted lists as tables."""
    if trades:
        _trades(result, last, out)
    if orders:
        _orders(asked, last, out)
    if refusals:
        _refusals(asked, last, out, result.currency)


def _tail(rows: Sequence[Asked], last: int) -> list[Asked]:
    return list(rows[-last:] if last else rows)


def _stopped(asked: Sequence[Asked]) -> list[Asked]:
    return [row for row in asked if row.outcome == REFUSED or row.text.startswith("trimmed")]


def _title(out: Console, name: str, shown: int, of: int) -> None:
    from rich.text import Text

    part = f"the last {shown:,} of {of:,}, --last 0 lists all" if shown < of else f"{of:,}"
    out.print(Text.assemble(("\n" + name, "bold"), (f"   {part}", screen.SOFT)))


def _table(out: Console, heads: Sequence[str], rows: Sequence[tuple[Sequence[Any], str]]) -> None:
    """A table whose rows have a reason: beside them where there is room, else under them. heads: see `screen.table`."""
    from rich.padding import Padding
    from rich.text import Text

    wide = out.width >= WIDE
    table = screen.table(*heads, padding=(0, 1 if wide else 0))
    if wide:
        table.add_column("Why", style=screen.SOFT, overflow="fold")
        for cells, why in rows:
            table.add_row(*cells, Text(why))
        out.print(table)
        return
    for cells, _ in rows:
        table.add_row(*cells)
    with out.capture() as capture:
        out.print(table)
    lines = capture.get().splitlines()
    for line in lines[:2]:
        out.print(Text.from_ansi(line))
    for line, (_, why) in zip(lines[2:], rows, strict=False):
        out.print(Text.from_ansi(line))
        if why:
            out.print(Padding(Text(why, style=screen.SOFT), (0, 0, 0, 3)))


def _trades(result: Result, last: int, out: Console) -> None:
    from rich.text import Text

    shown = result.trades.tail(last or result.trades.height)
    _title(out, "Trades", shown.height, result.trades.height)
    one = per_one(result.currency)
    rows = []
    for trip in shown.iter_rows(named=True):
        pnl = None if trip["pnl"] is None else trip["pnl"] / one
        tone = "" if not pnl else screen.GAIN if pnl > 0 else screen.LOSS
        why = " → ".join(text for text in (trip["why_in"], trip["why_out"]) if text)
        left = "open" if trip["open"] else iso(trip["left"])[:10]
        cells = [
            trip["symbol"], "long" if trip["side"] > 0 else "short", iso(trip["entered"])[:10], left, _size(trip["units"]),
            number(trip["entry_price"]), number(trip["exit_price"]), Text(money(pnl, result.currency, 0, signed=True), style=tone),
            Text(percent(trip["return_frac"], signed=True), style=tone), lasting(trip["held_ns"]),
        ]  # fmt: skip
        rows.append((cells, why))
    _table(out, ("Symbol", "Side", "Entered", "Left", " Units", " Entry", " Exit", " P&L", " Return", " Held"), rows)


def _orders(asked: Sequence[Asked], last: int, out: Console) -> None:
    shown = _tail(asked, last)
    _title(out, "Orders", len(shown), len(asked))
    rows = []
    for row in shown:
        level = row.limit if row.limit is not None else row.stop
        ended = row.outcome if row.code in ("", "USER") else f"{row.outcome} {row.code}"  # USER: the house itself asked
        cells = [
            iso(row.known)[:10], row.symbol, "buy" if row.side > 0 else "sell", _size(row.units), row.kind, number(level), ended,
            number(row.price), money(row.fee) if row.filled else NONE,
        ]  # fmt: skip
        rows.append((cells, row.why))
    _table(out, ("Decided", "Symbol", "Side", " Units", "Kind", " At", "Ended", " Price", " Fee"), rows)


def _refusals(asked: Sequence[Asked], last: int, out: Console, currency: str) -> None:
    from rich.text import Text

    stopped = _stopped(asked)
    shown = _tail(stopped, last)
    if not stopped:
        out.print(Text("\nNo order was refused or made smaller.", style="bold"))
        return
    _title(out, "Refused or made smaller", len(shown), len(stopped))
    for code in dict.fromkeys(row.code for row in stopped):
        if about := meaning(code):
            out.print(Text.assemble((code, "bold"), "  ", (about, screen.SOFT)))
    rows = []
    for row in shown:
        said = "; ".join(text for text in (row.text, compared(row.numbers, currency)) if text)
        cells = [iso(row.known)[:10], row.symbol, "buy" if row.side > 0 else "sell", _size(row.units), row.outcome, row.code]
        rows.append((cells, f"{said}  ·  wanted: {row.why}" if row.why else said))
    _table(out, ("Decided", "Symbol", "Side", " Units", "Outcome", "Code"), rows)


def _size(units: float) -> str:
    return number(units, 0 if units == int(units) else 4)
