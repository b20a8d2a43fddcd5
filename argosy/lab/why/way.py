"""The way of one trade: what was seen, what was wanted and why, what the house and the gate made of it, what was done, what it earned.

It reads the journal and asks no strategy and no rule again; what the journal does not say, it does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import msgspec
import polars as pl

from argosy.core.errors import Misuse
from argosy.core.events import Bust, Dividend, Fill, OrderUpdate, Reply, Reversal, Split
from argosy.core.instrument import Instrument
from argosy.core.intents import Hold, Ladder, Target
from argosy.core.money import per_one
from argosy.core.orders import Order, Refused, Work
from argosy.core.time import iso
from argosy.engine.records import Cross, Guarded, Reserve, Verdict, Wanted
from argosy.lab.orders import compared, meaning
from argosy.lab.result import Result
from argosy.lab.why.kept import Head
from argosy.lab.words import lasting, money, number, percent


class Kept(Protocol):
    """A journal that can be asked: one that was saved with a result, or a desk's."""

    @property
    def head(self) -> Head: ...
    @property
    def instruments(self) -> list[Instrument]: ...
    def records(self) -> Iterator[tuple[int, int, Any]]: ...
    def bar(self, known: int, instrument: int, /) -> dict[str, float | int] | None: ...


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing on the way. what: bar | intent | house | allocator | verdict | order | venue | fill | action | result; seq: of the record, 0 = none.

    known: when, ns UTC; text: for people; facts: the same for machines
    """

    what: str
    known: int
    text: str
    seq: int = 0
    facts: dict[str, Any] = {}


class Chapter(msgspec.Struct, frozen=True):
    """The way of one order of a trade."""

    order: int
    title: str
    steps: list[Step]


class Way(msgspec.Struct, frozen=True):
    """Why a trade was. trade: its row of the list of trades, money in whole units; chapters: its orders as they were decided.

    refused: what was wanted meanwhile of the same symbol by the same strategy, and not allowed
    """

    title: str
    trade: dict[str, Any]
    chapters: list[Chapter]
    refused: list[Step]
    result: Step


class _Order:
    """What the journal says of one order, collected while it is read."""

    def __init__(self, seq: int, known: int, reserve: Reserve, order: Order) -> None:
        self.seq, self.known, self.reserve, self.order = seq, known, reserve, order
        self.wishes: list[tuple[int, int, Wanted]] = []
        self.crosses: list[tuple[int, Cross]] = []
        self.trim: tuple[int, Verdict] | None = None
        self.guards: list[tuple[int, int, Guarded]] = []
        self.said: list[tuple[int, int, Any]] = []


def of_trade(kept: Kept, result: Result, place: int) -> Way:
    """The way of the trade at a place of `result.trades`, from 0. Misuse("EXPLAIN_TRADE") when there is none."""
    if not 0 <= place < result.trades.height:
        count = result.trades.height
        fix = f"the run has 1 to {count}" if count else "the run never traded"
        raise Misuse("EXPLAIN_TRADE", f"there is no trade {place + 1}", where="TRADE", fix=fix)
    trade = result.trades.row(place, named=True)
    left = trade["left"] if trade["left"] is not None else (1 << 62)
    own = result.fills.filter(
        (pl.col("strategy") == trade["strategy"]) & (pl.col("symbol") == trade["symbol"]) & pl.col("known").is_between(trade["entered"], left)
    )
    found, refused, actions, _ = _collect(kept, set(own["order"].to_list()), trade["strategy"], trade["symbol"], trade["entered"], left)
    one = per_one(result.currency)
    plain = trade | {key: None if trade[key] is None else trade[key] / one for key in ("pnl", "fees")}
    chapters = [_chapter(kept, order, trade["strategy"], result.currency) for order in found]
    side = "long" if trade["side"] > 0 else "short"
    title = f"trade {place + 1} of {result.trades.height}: {trade['strategy']} {side} {trade['symbol']}"
    return Way(title, plain, chapters, [*actions, *refused], _earned(plain, result.currency, left))


def of_order(kept: Kept, currency: str, order: int) -> Chapter:
    """The way of one order by its number, refused ones included; money in `currency`. Misuse("EXPLAIN_ORDER") when there is none."""
    found, _, _, denied = _collect(kept, {order}, "", "", 0, 0)
    if found:
        return _chapter(kept, found[0], "", currency)
    if order in denied:
        seq, known, verdict = denied[order]
        return Chapter(order, _title(kept, verdict.order), [_refusal(kept, seq, known, verdict)])
    raise Misuse("EXPLAIN_ORDER", f"the run has no order {order}", where="--order", fix="see the numbers: argosy backtest ... --orders --json")


Denied = dict[int, tuple[int, int, Verdict]]


def _collect(
    kept: Kept, wanted: set[int], strategy: str, symbol: str, begin: int, end: int
) -> tuple[list[_Order], list[Step], list[Step], Denied]:
    """The orders of these ids; what was refused the strategy meanwhile; splits and dividends meanwhile; those ids that were refused."""
    found: dict[int, _Order] = {}
    wishes: dict[tuple[str, int], tuple[int, int, Wanted]] = {}
    crosses: list[tuple[int, int, Cross]] = []
    trims: dict[int, tuple[int, Verdict]] = {}
    refused: list[Step] = []
    actions: list[Step] = []
    denied: Denied = {}
    guards: dict[tuple[str, int, str], tuple[int, int, Guarded]] = {}
    executed: dict[str, int] = {}
    for seq, known, record in kept.records():
        if isinstance(record, Wanted):
            wishes[record.strategy, record.intent.instrument] = (seq, known, record)
        elif isinstance(record, Guarded):
            guards[record.strategy, record.instrument, record.rung] = (seq, known, record)
        elif isinstance(record, Cross):
            crosses.append((seq, known, record))
        elif isinstance(record, Verdict):
            if not isinstance(record.outcome, Refused):
                trims[record.order.id] = (seq, record)
            elif record.order.id in wanted:
                denied.setdefault(record.order.id, (seq, known, record))
            elif strategy and begin <= known <= end and _is_of(kept, record.order, strategy, symbol):
                refused.append(_refusal(kept, seq, known, record))
        elif isinstance(record, Reserve):
            approved = record.submit.approved
            for order in (approved.order, *approved.legs):
                if order.id not in wanted:
                    continue
                own = found[order.id] = _Order(seq, known, record, order)
                names = [share.strategy for share in (order.shares or approved.order.shares)]
                own.wishes = [wishes[name, order.instrument] for name in names if (name, order.instrument) in wishes]
                own.crosses = [(at, cross) for at, when, cross in crosses if when == known and cross.instrument == order.instrument]
                own.trim = trims.get(order.id)
                rung = approved.order.tag.removeprefix("rung:") if approved.order.tag.startswith("rung:") else ""
                stops = {one.stop for one in (approved.order, *approved.legs)}
                given = [guards[key] for name in names if (key := (name, order.instrument, rung)) in guards]
                own.guards = [one for one in given if one[1] == known or one[2].stop in stops]
        elif isinstance(record, Fill | Reply | OrderUpdate) and record.order in found:
            said = found[record.order].said
            if not isinstance(record, Fill):
                said.append((seq, known, record))
            elif record.execution not in executed:  # another door may have told it before
                executed[record.execution] = record.order
                said.append((seq, known, record))
        elif isinstance(record, Bust | Reversal) and record.execution in executed:
            found[executed[record.execution]].said.append((seq, known, record))
            if isinstance(record, Reversal):  # the same may be taken in again
                del executed[record.execution]
        elif isinstance(record, Split | Dividend) and begin < known <= end and kept.instruments[record.instrument].symbol == symbol:
            text = f"split: {record.ratio:g} for 1" if isinstance(record, Split) else f"dividend: {record.amount:g} a unit, paid to the account"
            actions.append(Step("action", known, text, seq, msgspec.to_builtins(record)))
    return sorted(found.values(), key=lambda one: (one.known, one.seq, one.order.id)), refused, actions, denied


def _chapter(kept: Kept, one: _Order, strategy: str, currency: str) -> Chapter:
    order, decided = one.order, one.known
    steps: list[Step] = []
    if order.parent:  # what was seen and wanted is told with its parent
        by = ", by the house" if any(order.tag == "stop" and guard.stop == order.stop for _, _, guard in one.guards) else ""
        text = f"set with order {order.parent} as its {order.tag or 'leg'}{by}: {_ask(kept, order)}"
        return Chapter(order.id, _title(kept, order), [Step("order", decided, text, one.seq, _facts(order)), *_answers(kept, one, currency)])
    bar = kept.bar(decided, order.instrument)
    if bar is not None:
        steps.append(Step("bar", int(bar["known"]), _bar(bar), 0, dict(bar)))
    for seq, known, wish in sorted(one.wishes, key=lambda found: (found[2].strategy != strategy, found[0])):
        steps.append(_intent(kept, seq, known, wish, decided))
    steps += [_given(seq, known, guard) for seq, known, guard in one.guards]
    steps.append(_allocator(kept, one))
    steps.append(_verdict(kept, one, currency))
    steps.append(Step("order", decided, f"order {order.id} sent: {_ask(kept, order)}", one.seq, _facts(order)))
    steps += list(_answers(kept, one, currency))
    return Chapter(order.id, _title(kept, order), steps)


def _bar(bar: dict[str, Any]) -> str:
    volume = f", volume {bar['volume']:,.0f}" if bar["volume"] == bar["volume"] else ""
    if not bar["span"]:
        return f"the last price was {bar['close']:,.6g}"
    prices = ", ".join(f"{name} {bar[name]:,.6g}" for name in ("open", "high", "low", "close"))
    return f"the bar of {iso(int(bar['ts']))}: {prices}{volume}"


def _intent(kept: Kept, seq: int, known: int, wish: Wanted, decided: int) -> Step:
    intent, row = wish.intent, kept.instruments[wish.intent.instrument]
    if isinstance(intent, Target):
        how = next((f"{name} {getattr(intent, name):,.6g}" for name in ("weight", "lots", "notional") if getattr(intent, name) is not None), "")
        what = f"wants to hold {number(float(row.units(wish.lots)), 0 if row.lot == 1 else 6)} {row.symbol} ({how})"
        what += "".join(f", {name} {price:,.6g}" for name, price in _levels(intent))
    elif isinstance(intent, Ladder):
        what = f"wants {len(intent.rungs)} resting orders of {row.symbol}"
    else:
        what = f"holds what it has of {row.symbol}" if isinstance(intent, Hold) else ""
    who = wish.strategy if wish.by == "strategy" else f"{wish.strategy}, by its {wish.by}"
    older = "" if known == decided else f" (said {iso(known)}, still stands)"
    why = f": {intent.why}" if intent.why else ", without a reason"
    facts = {"strategy": wish.strategy, "by": wish.by, "lots": wish.lots, "why": intent.why, "evidence": list(intent.evidence)}
    return Step("intent", known, f"{who} {what}{why}{older}", seq, facts)


def _given(seq: int, known: int, guard: Guarded) -> Step:
    """The stop that the house put on an entry without one."""
    far = abs(guard.stop / guard.price - 1.0)
    text = f"the house gives {guard.strategy} a stop at {guard.stop:,.6g}, {percent(far, 2)} from {guard.price:,.6g}: it brought none of its own"
    return Step("house", known, text, seq, msgspec.to_builtins(guard))


def _levels(intent: Target) -> Iterable[tuple[str, float]]:
    yield from ((name, price) for name, price in (("limit", intent.limit),) if price == price)
    if intent.protection is not None:
        levels = ((name, getattr(intent.protection, name)) for name in ("stop", "take", "trail"))
        yield from ((name, price) for name, price in levels if price == price)


def _allocator(kept: Kept, one: _Order) -> Step:
    """How the wishes became one order."""
    row = kept.instruments[one.order.instrument]
    shares = {share.strategy: share.lots for share in one.order.shares}
    whole = ", ".join(f"{name} {lots:,} lots" for name, lots in shares.items())
    alone = f"all {one.order.lots:,} lots are for {next(iter(shares), 'the house')}"
    text = f"{len(shares)} strategies share one order: {whole}" if len(shares) > 1 else alone
    for _, cross in one.crosses:
        text += f"; {cross.lots:,} lots of {row.symbol} crossed inside the house, {cross.seller} to {cross.buyer}, at {cross.price:,.6g}"
    return Step("allocator", one.known, text, one.seq, {"shares": shares, "crossed": sum(cross.lots for _, cross in one.crosses)})


def _verdict(kept: Kept, one: _Order, currency: str) -> Step:
    units = one.reserve.units / per_one(currency)
    held = f"; {money(units, currency)} held back for it" if units else ""
    if one.trim is not None:
        seq, verdict = one.trim
        said = verdict.outcome
        why = meaning(said.code)
        text = f"trimmed by {said.code} from {verdict.order.lots:,} to {one.order.lots:,} lots ({compared(said.numbers, currency)})"
        facts = {"code": said.code, "numbers": dict(said.numbers), "asked": verdict.order.lots, "lots": one.order.lots}
        return Step("verdict", one.known, f"{text}{f': {why}' if why else ''}{held}", seq, facts)
    rules = kept.head.exits if one.reserve.exit else kept.head.rules
    asked = f"as an exit, by the {len(rules)} rules that guard exits" if one.reserve.exit else f"by all {len(rules)} rules that bind"
    return Step("verdict", one.known, f"approved {asked}{held}", one.seq, {"code": "", "exit": one.reserve.exit, "rules": rules})


def _refusal(kept: Kept, seq: int, known: int, record: Verdict) -> Step:
    said = record.outcome
    text = getattr(said, "text", "")
    why = "; ".join(part for part in (text, compared(said.numbers, kept.head.base), meaning(said.code)) if part)
    facts = {"code": said.code, "numbers": dict(said.numbers)}
    return Step("verdict", known, f"refused by {said.code}: {_ask(kept, record.order)}: {why}", seq, facts)


def _answers(kept: Kept, one: _Order, currency: str) -> Iterable[Step]:
    row = kept.instruments[one.order.instrument]
    total = 0
    for seq, known, record in one.said:
        if isinstance(record, Fill):
            total += record.lots
            size = number(float(row.units(record.lots)), 0 if row.lot == 1 else 6)
            own = money(record.notional / per_one(row.currency), row.currency)
            fee = money(record.fee / per_one(row.currency), row.currency)
            part = "" if total >= one.order.lots else f" ({total:,} of {one.order.lots:,} lots so far)"
            verb = "bought" if record.side > 0 else "sold"
            yield Step("fill", known, f"{verb} {size} at {record.price:,.6g}, {own}, fee {fee}{part}", seq, msgspec.to_builtins(record))
        elif isinstance(record, Bust | Reversal):
            undone = next(fill for _, _, fill in one.said if isinstance(fill, Fill) and fill.execution == record.execution)
            total -= undone.lots
            size = number(float(row.units(undone.lots)), 0 if row.lot == 1 else 6)
            text = f"the venue took back {size} at {undone.price:,.6g} (execution {record.execution}): it counts no more"
            yield Step("venue", known, text, seq, msgspec.to_builtins(record))
        elif isinstance(record, Reply):
            text = f"the venue {record.outcome} the {record.verb}" + (f": {record.code} {record.text}".rstrip() if record.code or record.text else "")
            yield Step("venue", known, text, seq, {"outcome": record.outcome, "verb": record.verb, "code": record.code})
        elif record.work is not Work.FILLED:
            code = f" ({record.code})" if record.code else ""
            said = f"the venue says it is {record.work.name.lower().replace('_', ' ')}{code}"
            yield Step("venue", known, said, seq, {"work": record.work.name.lower(), "code": record.code})


def _earned(trade: dict[str, Any], currency: str, left: int) -> Step:
    if trade["pnl"] is None:
        return Step("result", trade["entered"], "still open, without a price to value it by", 0)
    ended = "still open, at its last price" if trade["open"] else "closed"
    text = (
        f"{ended}: in at {number(trade['entry_price'], 4)}, out at {number(trade['exit_price'], 4)}, after {lasting(trade['held_ns'])}: "
        f"{money(trade['pnl'], currency, signed=True)} ({percent(trade['return_frac'], 2, signed=True)}) "
        f"after fees of {money(trade['fees'], currency)}"
    )
    facts = {key: trade[key] for key in ("entry_price", "exit_price", "pnl", "fees", "return_frac", "held_ns", "open")}
    return Step("result", trade["left"] if trade["left"] is not None else trade["entered"], text, 0, facts)


def _ask(kept: Kept, order: Order) -> str:
    row = kept.instruments[order.instrument]
    size = number(float(row.units(order.lots)), 0 if row.lot == 1 else 6)
    kind = order.type.name.lower().replace("_", "-")
    prices = (("limit", order.limit), ("stop", order.stop), ("trail", order.trail))
    levels = "".join(f" {'at' if name in kind else name} {price:,.6g}" for name, price in prices if price == price)
    return f"{'buy' if order.side > 0 else 'sell'} {size} {row.symbol}, {kind}{levels}"


def _title(kept: Kept, order: Order) -> str:
    return f"order {order.id}: {_ask(kept, order)}"


def _facts(order: Order) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(order).items() if value == value}


def _is_of(kept: Kept, order: Order, strategy: str, symbol: str) -> bool:
    return kept.instruments[order.instrument].symbol == symbol and any(share.strategy == strategy for share in order.shares)
