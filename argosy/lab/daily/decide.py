"""What each strategy wants of each symbol after the last closed bar: BUY, SELL or HOLD, with its reason and the gate's word.

The strategies run through the same engine as a backtest over the same past, up to the last bar; its standing wishes are the
decisions. So they equal what a backtest up to that bar wants. It never looks at a bar that was not closed, and sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument
from argosy.core.intents import Ladder, Target
from argosy.core.money import per_one
from argosy.core.orders import Refused
from argosy.core.tape import Tape
from argosy.engine.records import Reserve, Unsized, Verdict, Wanted
from argosy.engine.slot import Cell, TableFeed
from argosy.house import Data, Terms, assemble
from argosy.house import Wanted as Ask
from argosy.lab.daily.holdings import Holdings
from argosy.lab.orders import compared

Action = Literal["BUY", "SELL", "HOLD"]

BAND = 0.05
"""A holding within this fraction of what is wanted is near enough: no trade for less. Getting out is never held back."""


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy says of one symbol. held, wanted: units in its own book, of which `wanted` is 0 when it wants out.

    why: its own words with the last intent; since: when it said so, ns (0: never); fresh: it said so at the last bar
    gate: what became of an order of the last bar: "" (none), "approved", "trimmed CODE (...)", "refused CODE (...)"
    stop, take, limit: of the standing intent, null when it has none; warming: bars it still needs; now: its indicators now
    """

    strategy: str
    action: Action
    held: float
    wanted: float
    why: str = ""
    since: int = 0
    fresh: bool = False
    gate: str = ""
    stop: float | None = None
    take: float | None = None
    limit: float | None = None
    resting: int = 0
    warming: int = 0
    now: dict[str, float] = {}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """The decision on one symbol, of all strategies together.

    price: of the last bar; known: when it was known, ns; held, wanted: units; share_frac: wanted worth of the account's
    trade: units to buy (+) or sell (-); worth: of that trade; gain_frac: of a holding whose price was told, else null
    """

    symbol: str
    action: Action
    price: float
    known: int
    held: float
    wanted: float
    trade: float
    worth: float
    share_frac: float
    voices: list[Voice]
    gain_frac: float | None = None


class Daily(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions after the last closed bar. equity: that they are sized for; own: it is the owner's, else the run's.

    known: of the last bar of all; failures: strategies that raised, which say nothing then; unknown: held, not in the data
    """

    known: int
    currency: str
    equity: float
    own: bool
    strategies: list[str]
    calls: list[Call]
    failures: list[str] = []
    unknown: list[str] = []
    notes: list[str] = []


def decide(
    wanted: Sequence[Ask], data: Data, terms: Terms, *, holdings: Holdings | None = None, band_frac: float = BAND,
    progress: Callable[[int], None] | None = None,
) -> Daily:  # fmt: skip
    """Run the strategies over `data` and read what they want after its last bar.

    holdings: what the owner has; decisions are then relative to it and sized for its worth. Without it they are relative to
    what the run itself holds. Of a symbol of which nobody can speak (a strategy raised, or all warm up) her holding stays as it is.
    Raises Misuse as `house.assemble`, and DAILY_EMPTY when there is no bar.
    """
    instruments, tapes, _ = data
    last = {i: found for tape in tapes for i in tape.instruments if (found := _last(tape, i)) is not None}
    if not last:
        raise Misuse("DAILY_EMPTY", "there is no closed bar to decide on", where="--data", fix="import or fetch prices first")
    run = assemble(wanted, data, terms, progress=progress)
    run.go()
    engine, state = run.engine, run.engine.state
    said, gate = _journal(engine.journal.records(), max(known for known, _ in last.values()))
    one = per_one(state.portfolio.base)
    voices: dict[int, list[Voice]] = {i: [] for i in last}
    for slot in engine.slots:
        for i, cell in slot.cells.items():
            if i in last:
                voices[i].append(_voice(slot.id, instruments[i], cell, state, said.get((slot.id, i)), gate.get((slot.id, i), ""), last[i][0]))
    equity = state.portfolio.equity / one
    failed = {failure.strategy for failure in engine.failures}
    mute = {i for i, own in voices.items() if all(voice.warming for voice in own) or any(voice.strategy in failed for voice in own)}
    rows = [_call(instruments[i], last[i], voices[i], equity, holdings, band_frac) for i in sorted(last)]
    notes, unknown, whole = [], [], equity
    if holdings is not None:
        prices = {instruments[i].symbol: price * float(instruments[i].multiplier) for i, (_, price) in last.items()}
        whole = holdings.worth(prices)
        unknown = [row.symbol for row in holdings.rows if row.symbol not in prices]
        rows = [_call(instruments[i], last[i], voices[i], equity, holdings, band_frac, whole, mute=i in mute) for i in sorted(last)]
        if mute:
            who = ", ".join(instruments[i].symbol for i in sorted(mute))
            notes.append(f"nobody can say what to hold of {who} (a strategy stopped with an error, or all still warm up): left as it is")
        notes.append("decisions are relative to what you hold; a strategy's own word is relative to its own book in the run")
        if not holdings.cash:
            notes.append("no cash is told: buys are sized for the worth of the holdings alone (a row CASH, or --cash)")
    return Daily(
        known=max(known for known, _ in last.values()), currency=state.portfolio.base, equity=whole, own=holdings is not None,
        strategies=[slot.id for slot in engine.slots], calls=rows, unknown=unknown, notes=notes,
        failures=[f"{failed.strategy}: {failed.error}" for failed in engine.failures],
    )  # fmt: skip


def _last(tape: Tape, instrument: int) -> tuple[int, float] | None:
    """When the last bar of an instrument was known, and its close; None for a tape of something else."""
    if tape.kind is not Bar:
        return None
    own = tape.only(instrument)
    return (int(own["known"][-1]), float(own["close"][-1])) if len(own) else None


def _journal(records: Any, last: int) -> tuple[dict[tuple[str, int], Wanted], dict[tuple[str, int], str]]:
    """The last thing each strategy wanted of each instrument; what the gate said of orders of the last instant."""
    said: dict[tuple[str, int], Wanted] = {}
    gate: dict[tuple[str, int], str] = {}
    at: dict[tuple[str, int], int] = {}
    for _, record in records:
        if isinstance(record, Wanted):
            key = (record.strategy, record.intent.instrument)
            said[key] = record
            at[key] = record.at
            gate.pop(key, None)
        elif isinstance(record, Unsized):
            gate[record.strategy, record.intent.instrument] = f"refused {record.refused.code} ({compared(record.refused.numbers)})"
        elif isinstance(record, Verdict):
            verb = "refused" if isinstance(record.outcome, Refused) else "trimmed"
            for share in record.order.shares:
                gate[share.strategy, record.order.instrument] = f"{verb} {record.outcome.code} ({compared(record.outcome.numbers)})"
        elif isinstance(record, Reserve):
            order = record.submit.approved.order
            for share in order.shares:
                if not gate.get((share.strategy, order.instrument), "").startswith("trimmed"):
                    gate[share.strategy, order.instrument] = "approved"
    return said, {key: text for key, text in gate.items() if at.get(key) == last}


def _voice(strategy: str, row: Instrument, cell: Cell, state: Any, said: Wanted | None, gate: str, last: int) -> Voice:
    held = state.portfolio.books[strategy].lots[row.id]
    wish = state.wishes.get((strategy, row.id))
    wants = held if wish is None or wish.lots is None else wish.lots
    intent = said.intent if said is not None else None
    levels: dict[str, float | None] = {"stop": None, "take": None, "limit": None}
    if isinstance(intent, Target) and wants:
        levels["limit"] = _price(intent.limit)
        if wish is not None and wish.protection is not None:
            levels |= {"stop": _price(wish.protection.stop), "take": _price(wish.protection.take)}
    warming = cell.warm
    return Voice(
        strategy=strategy, action=_action(wants - held), held=float(row.units(held)), wanted=float(row.units(wants)),
        why=intent.why if intent is not None else "", since=said.at if said is not None else 0, fresh=said is not None and said.at == last,
        gate=gate, resting=len(intent.rungs) if isinstance(intent, Ladder) else 0, warming=warming, now=_needs(cell), **levels,
    )  # fmt: skip


def _needs(cell: Cell) -> dict[str, float]:
    """The indicators at the last bar, those that are warm."""
    feed, names = cell.feed, list(cell.slot.declaration.needs)
    if not names or not isinstance(feed, TableFeed) or feed.table.size == 0:
        return {}
    own = [other.feed.first for other in cell.slot.cells.values() if isinstance(other.feed, TableFeed) and other.feed.first > feed.first]
    row = feed.table[min(own, default=len(feed.table)) - 1]
    return {name: float(row[name]) for name in names if row[name] == row[name]}


def _call(
    row: Instrument, last: tuple[int, float], voices: list[Voice], equity: float, holdings: Holdings | None, band_frac: float, whole: float = 0.0,
    *, mute: bool = False,
) -> Call:  # fmt: skip
    known, price = last
    worth = price * float(row.multiplier)
    held, wanted = sum(voice.held for voice in voices), sum(voice.wanted for voice in voices)
    share = wanted * worth / equity if equity > 0 else 0.0
    gain = None
    if holdings is not None:
        own = holdings.of(row.symbol)
        held = own.quantity if own is not None else 0.0
        wanted = float(row.units(row.lots(share * whole / worth))) if worth > 0 else 0.0
        if mute or (wanted and abs(wanted - held) <= band_frac * abs(wanted)):
            wanted = held
        gain = price / own.price - 1.0 if own is not None and own.price and own.price > 0 and own.quantity else None
    trade = round(wanted - held, 9)
    return Call(
        symbol=row.symbol, action=_action(trade), price=price, known=known, held=held, wanted=wanted, trade=trade, worth=trade * worth,
        share_frac=share, voices=voices, gain_frac=gain,
    )  # fmt: skip


def _action(trade: float) -> Action:
    return "BUY" if trade > 0 else "SELL" if trade < 0 else "HOLD"


def _price(price: float) -> float | None:
    return price if price == price else None


def counted(daily: Daily) -> Mapping[str, int]:
    """How many symbols are to be bought, sold and held."""
    return {action: sum(call.action == action for call in daily.calls) for action in ("BUY", "SELL", "HOLD")}
