"""How many lots a target comes to, evaluated once at the decision's mark and rounded toward zero; it sizes, it never decides."""

from __future__ import annotations

from argosy.core.errors import Misuse
from argosy.core.intents import Target
from argosy.core.money import INT_LIMIT, per_one
from argosy.core.orders import Refused
from argosy.engine.state import State


def evaluate(state: State, strategy: str, target: Target) -> int | Misuse | Refused:
    """The signed lots a target comes to, rounded toward zero; an error when it says nothing or cannot be evaluated."""
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
        amount = target.weight * portfolio.equity_of(strategy)
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
