"""What became of every order of a finished run, and why: read from the journal, row by row; it asks no strategy and no rule again.

Each row is one order: what was wanted and why, what the gate or the venue said with the numbers it compared, and how the
order ended. Protections (tags "stop", "take", "trail") are rows of their own: they were sent with their entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.core.events import Event, Fill, OrderUpdate, Reply
from argosy.core.money import per_one
from argosy.core.orders import Order, Refused, Work
from argosy.engine.records import Reserve, Rows, Stretch, Verdict
from argosy.engine.stretch import unfold
from argosy.lab.words import lasting, money

if TYPE_CHECKING:
    import polars as pl

    from argosy.lab.backtest import Outcome

ENDS = frozenset({Work.CANCELED, Work.EXPIRED, Work.REJECTED, Work.REPLACED})
REFUSED = "refused"


class Asked(msgspec.Struct):
    """One order of a run.

    known:    when it was decided (ns UTC); number: its id in the journal; parent: the entry a protection belongs to, or 0
    side:     +1 bought, -1 sold; units: asked for; filled: done; price: average of what was done, null without a fill
    limit, stop: prices, null when the order has none
    outcome:  filled | part | working | canceled | expired | rejected | replaced | refused | dormant (a leg that never lived)
    code:     of the rule or venue that refused, trimmed or ended it; numbers: what was compared, as the rule names them
    text:     its sentence, if it said one; why: the strategy's own words; fee: of its fills, in the base currency
    """

    known: int
    number: int
    symbol: str
    strategy: str
    side: int
    units: float
    kind: str
    limit: float | None = None
    stop: float | None = None
    tag: str = ""
    parent: int = 0
    outcome: str = "working"
    ended: int | None = None
    filled: float = 0.0
    price: float | None = None
    fee: float = 0.0
    code: str = ""
    text: str = ""
    numbers: dict[str, float] = {}
    why: str = ""


def orders(outcome: Outcome) -> list[Asked]:
    """Every order of a run, in the order of decision; an order the gate refused or trimmed says by which rule, and its numbers."""
    instruments = outcome.run.engine.instruments
    source = outcome.source.known
    base = outcome.run.engine.state.portfolio.base
    out: dict[int, Asked] = {}
    paid: dict[int, float] = {}
    trims: dict[int, Verdict] = {}
    now = 0

    def add(order: Order, asked: str) -> Asked:
        row = instruments[order.instrument] if 0 <= order.instrument < len(instruments) else None
        found = out[order.id] = Asked(
            known=now, number=order.id, symbol=row.symbol if row else "?", side=order.side,
            strategy=", ".join(share.strategy for share in order.shares), units=float(row.units(order.lots)) if row else float(order.lots),
            kind=order.type.name.lower().replace("_", "-"), limit=_price(order.limit), stop=_price(order.stop), tag=order.tag,
            parent=order.parent, outcome=asked, why=order.why,
        )  # fmt: skip
        return found

    for record in _records(outcome):
        if isinstance(record, Event):
            now = max(now, record.known)
        elif isinstance(record, Rows) and 0 < record.upto <= len(source):
            now = max(now, int(source[record.upto - 1]))
        if isinstance(record, Verdict):
            if isinstance(record.outcome, Refused):
                row = add(record.order, REFUSED)
                row.code, row.text, row.numbers = record.outcome.code, record.outcome.text, dict(record.outcome.numbers)
                row.ended = now
            else:
                trims[record.order.id] = record
        elif isinstance(record, Reserve):
            approved = record.submit.approved
            row = add(approved.order, "working")
            if (trim := trims.pop(approved.order.id, None)) is not None:
                row.code, row.numbers = trim.outcome.code, dict(trim.outcome.numbers)
                row.text = f"trimmed from {trim.order.lots} lots to {approved.order.lots}"
            for leg in approved.legs:
                add(leg, "dormant").strategy = row.strategy
        elif isinstance(record, Fill) and record.order in out:
            _fill(out[record.order], record, float(instruments[record.instrument].units(record.lots)), paid, per_one(base))
        elif isinstance(record, Reply) and record.order in out and record.outcome == REFUSED and record.verb == "submit":
            row = out[record.order]
            row.outcome, row.code, row.text, row.ended = REFUSED, record.code, record.text, record.known
        elif isinstance(record, OrderUpdate) and record.order in out:
            row = out[record.order]
            if record.work in ENDS and row.outcome != "filled":
                row.outcome, row.ended, row.code = record.work.name.lower(), record.known, row.code or record.code
            elif record.work is Work.WORKING and row.outcome == "dormant":
                row.outcome = "working"
    return list(out.values())


def _records(outcome: Outcome) -> Iterator[Any]:
    """The journal's records, a stretch written out."""
    for _, record in outcome.run.engine.journal.records():
        if isinstance(record, Stretch):
            yield from unfold(record)
        else:
            yield record


def _fill(row: Asked, fill: Fill, units: float, paid: dict[int, float], one: int) -> None:
    """Count an execution into its order."""
    total = paid.get(row.number, 0.0) + fill.price * units
    paid[row.number] = total
    row.filled += units
    row.price = total / row.filled if row.filled else None
    row.fee += fill.fee / one
    row.ended = fill.known
    row.outcome = "part" if fill.leaves else "filled"


def _price(price: float) -> float | None:
    return price if price == price else None


def compared(numbers: Mapping[str, float], currency: str = "USD") -> str:
    """What a rule compared, in one line, each number in the unit its name ends with: "order 80 lots, limit 5 %, worst $9,575"."""
    return ", ".join(f"{_bare(name)} {_said(name, value, currency)}" for name, value in numbers.items())


def _bare(name: str) -> str:
    return name.removesuffix(f"_{_unit(name)}").replace("_", " ")


def _unit(name: str) -> str:
    return name.rpartition("_")[2]


def _said(name: str, value: float, currency: str) -> str:
    unit = _unit(name)
    if unit == "units":
        return money(value / per_one(currency), currency)
    if unit == "ns":
        return lasting(int(value))
    text = f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return {"lots": f"{text} lots", "pct": f"{text}\u00a0%", "ms": f"{text} ms", "bps": f"{text} bps"}.get(unit, text)


def frame(rows: list[Asked]) -> pl.DataFrame:
    """The same as a table; `numbers` becomes one text."""
    import polars as pl

    kinds: dict[str, Any] = {
        "known": pl.Int64, "number": pl.Int64, "symbol": pl.String, "strategy": pl.String, "side": pl.Int8, "units": pl.Float64,
        "kind": pl.String, "limit": pl.Float64, "stop": pl.Float64, "tag": pl.String, "parent": pl.Int64, "outcome": pl.String,
        "ended": pl.Int64, "filled": pl.Float64, "price": pl.Float64, "fee": pl.Float64, "code": pl.String, "text": pl.String,
        "numbers": pl.String, "why": pl.String,
    }  # fmt: skip
    plain = [msgspec.structs.asdict(row) | {"numbers": compared(row.numbers)} for row in rows]
    return pl.DataFrame({name: [row[name] for row in plain] for name in kinds}, schema=kinds)


def meaning(code: str) -> str:
    """What the rule behind a refusal is for, in its own first words; "" for a code of a venue."""
    import sys

    from argosy.engine.rules.profiles import SHELF

    for make, _ in SHELF.values():
        if code in getattr(make, "codes", (getattr(make, "code", ""),)):
            return (sys.modules[make.__module__].__doc__ or "").split("\n")[0].split(";")[0].rstrip(".")
    return ""
