"""`argosy why`: why the desk did what it did with an order, from the bar it saw to what came of it; it reads the journal alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from argosy.cli.options import Json

if TYPE_CHECKING:
    from argosy.lab.why.lived import Lived


def why(
    order: Annotated[str, typer.Argument(help="By its number or as the broker sees it; without it the last ones are listed.", metavar="ORDER")] = "",
    folder: Annotated[Path | None, typer.Option("--folder", help="A desk's folder; the desk that wrote last if left out.", metavar="FOLDER")] = None,
    last: Annotated[int, typer.Option("--last", help="How many orders to list.", metavar="N", min=1)] = 20,
    json: Json = False,
) -> None:
    """Say why: the bar, the wish and its reason, the allocator, the gate, the order, the broker's answers, the fills, the money.

    The desk may run or have ended long ago.

    \b
      argosy why                  the last orders
      argosy why ARGO2K4          one of them
      argosy why 10372 --json
    """
    from argosy.cli import screen
    from argosy.cli.explain_run import tree
    from argosy.cli.journal import where
    from argosy.desk import nameplate
    from argosy.lab.why.lived import Lived, story
    from argosy.quay import codec

    root = where(folder or _latest()).parent
    plate = nameplate.read(root)
    lived = Lived(root / "journal", root / "rows", codec(), plate.instruments, plate.base, rules=plate.rules, exits=plate.exits)
    if not order:
        _list(lived, last, json)
        return
    chapter = story(lived, _number(order))
    if json:
        screen.say_json(chapter)
    else:
        tree(chapter.title, [chapter], [], None)


def _latest() -> Path | None:
    """The folder of the desk that wrote last, None where there is none."""
    from argosy.desk.folder import desks

    files = [path for path in desks().glob("*/journal/*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_mtime).parent.parent if files else None


def _number(text: str) -> int:
    """The number of an order. Misuse("ORDER_ID")."""
    from argosy.core.ids import order_seq

    return int(text) if text.isdigit() else order_seq(text.upper().partition(".")[0])


def _list(lived: Lived, last: int, json: bool) -> None:
    """The last orders that were decided, with what came of each."""
    from collections import deque

    from argosy.cli import screen
    from argosy.core.events import Fill, OrderUpdate, Reply
    from argosy.core.time import iso
    from argosy.engine.records import Reserve

    orders: deque[tuple[int, int]] = deque(maxlen=last)
    rows: dict[int, dict[str, object]] = {}
    ends: dict[int, str] = {}
    filled: dict[int, int] = {}
    for _, known, record in lived.records():
        if isinstance(record, Reserve):
            approved = record.submit.approved
            for one in (approved.order, *approved.legs):
                orders.append((one.id, known))
                what = lived.instruments[one.instrument]
                names = ", ".join(share.strategy for share in one.shares or approved.order.shares)
                rows[one.id] = {
                    "order": one.id, "at": known, "symbol": what.symbol, "side": "buy" if one.side > 0 else "sell",
                    "qty": float(what.units(one.lots)),
                    "type": one.type.name.lower(), "tag": one.tag, "strategy": names, "why": one.why,
                }  # fmt: skip
        elif isinstance(record, Fill):
            filled[record.order] = filled.get(record.order, 0) + record.lots
            ends[record.order] = "filled"
        elif isinstance(record, OrderUpdate):
            ends[record.order] = record.work.name.lower().replace("_", " ")
        elif isinstance(record, Reply) and record.verb == "submit" and record.outcome != "accepted":
            ends[record.order] = record.outcome + (f": {record.code}" if record.code else "")
    told = [rows[number] | {"state": ends.get(number, "working")} for number, _ in orders]
    if json:
        screen.say_json(told)
        return
    out = screen.console()
    if not told:
        out.print("the desk never decided an order", style=screen.SOFT)
        return
    table = screen.table(" order", "at", "symbol", "side", " qty", "type", "strategy", "state")
    for row in told:
        when = iso(int(str(row["at"])))[5:16].replace("T", " ")
        rest = (str(row["tag"] or row["type"]), str(row["strategy"]), str(row["state"]))
        table.add_row(str(row["order"]), when, str(row["symbol"]), str(row["side"]), f"{row['qty']:g}", *rest)
    out.print(table)
    out.print(f"why one was sent: argosy why {told[-1]['order']}", style=screen.SOFT)
