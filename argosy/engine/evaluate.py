"""How many lots a target comes to, evaluated once at the decision's mark and rounded toward zero; it sizes, it never decides."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from argosy.core.errors import Misuse
from argosy.core.intents import Hold, Ladder, Target
from argosy.core.money import INT_LIMIT, per_one
from argosy.core.orders import Refused, Tif
from argosy.engine.algos.grain import Grain, malformed, unsupported
from argosy.engine.records import Unsized, Wanted
from argosy.engine.state import State
from argosy.engine.wish import repeats, same_ladder, same_size


def judge(
    state: State, strategy: str, instruments: Container[int], intent: Any, grains: Mapping[int, Grain]
) -> Wanted | Unsized | Misuse | None:
    """What is to be recorded of an intent: what it came to, evaluated once, or why to nothing; None for a repeat of what stands.

    instruments: those the strategy is bound to; grains: what the rows of an instrument can support. Misuse for what no strategy may want.
    """
    if type(intent) not in (Target, Ladder, Hold):
        return Misuse("INTENT_KIND", f"{strategy} returned {intent!r}", fix="return Target, Ladder, Hold or None")
    i = intent.instrument
    if i not in instruments:
        return Misuse("INSTRUMENT_UNBOUND", f"{strategy} wants instrument {i!r}, which it is not bound to")
    wish = state.wishes.get((strategy, i))
    lots = 0
    if type(intent) is Target:
        if intent.tif is Tif.GTD and not intent.horizon_ns:
            return Misuse("TARGET_TIF", f"{strategy} wants good till a date and names none", fix="give horizon_ns")
        if wish is not None and wish.lots is not None and repeats(wish.intent, intent):
            return None
        if intent.execution is not None:
            wrong = malformed(strategy, intent)
            if wrong is not None:
                return wrong
            open_ = intent.tif is not Tif.DAY or state.session_open(i)
            refused = unsupported(intent.execution, grains.get(i), open_)
            if refused is not None:
                return Unsized(strategy, intent, refused)
        if intent.lots is None and wish is not None and wish.lots is not None and same_size(wish.intent, intent):
            lots = wish.lots
        else:
            evaluated = evaluate(state, strategy, intent)
            if isinstance(evaluated, Refused):
                return Unsized(strategy, intent, evaluated)
            if isinstance(evaluated, Misuse):
                return evaluated
            lots = evaluated
    elif type(intent) is Ladder:
        if len({rung.tag for rung in intent.rungs}) != len(intent.rungs):
            return Misuse("LADDER_TAGS", f"{strategy} names a rung twice")
        if same_ladder(wish, intent):
            return None
    return Wanted(strategy, intent, lots, state.now)


def evaluate(state: State, strategy: str, target: Target) -> int | Misuse | Refused:
    """The signed lots a target comes to, rounded toward zero; an error when it says nothing or cannot be evaluated."""
    if type(target.lots) is int and target.weight is None and target.notional is None and -INT_LIMIT < target.lots < INT_LIMIT:
        return target.lots
    if (target.lots is not None) + (target.weight is not None) + (target.notional is not None) != 1:
        given = f"lots={target.lots} weight={target.weight} notional={target.notional}"
        return Misuse("TARGET_SIZE", f"{strategy} wants {given}", fix="give exactly one of them")
    if target.lots is not None:
        if not isinstance(target.lots, int):
            return Misuse("TARGET_SIZE", f"lots are whole, not {target.lots!r}")
        return _bookable(strategy, target, target.lots, target.lots)
    portfolio = state.portfolio
    i = target.instrument
    mark = portfolio.marks[i]
    if not mark > 0.0:
        return Misuse("TARGET_PRICE", f"{state.instruments[i].symbol} has no price to size by")
    if target.weight is not None:
        equity = portfolio.equity_of(strategy)
        if equity <= 0 and target.weight:
            return Refused("NO_EQUITY", {"equity_units": equity, "weight": target.weight}, "there is nothing to take a part of")
        amount = target.weight * equity
        one = portfolio.scale[i]
        rate = portfolio.to_base(1_000_000_000, portfolio.currency_of[i])
        if rate is None:
            return Refused("FX_STALE", {"instrument": i}, f"no rate is known for {state.instruments[i].currency}")
        amount = amount * 1_000_000_000 / rate
    else:
        amount = (target.notional or 0.0) * per_one(state.instruments[i].currency)
        one = portfolio.scale[i]
    if amount != amount or abs(amount) == float("inf"):
        return Misuse("TARGET_SIZE", f"{strategy} wants {target!r}")
    each = mark * one
    size = amount / each if each > 0.0 else float("inf")
    return _bookable(strategy, target, size, int(size) if abs(size) < INT_LIMIT else 0)


def _bookable(strategy: str, target: Target, size: float | int, lots: int) -> int | Misuse:
    """The lots, or an error where they are more than any book can count."""
    return lots if abs(size) < INT_LIMIT else Misuse("OVERFLOW", f"{strategy} wants {target!r}", fix="want a size below 2**62 lots")
