"""Nets the wishes of all strategies on one instrument: what crosses inside the house, and what must be traded outside.

It only computes: what it returns is recorded and applied by the engine.
"""

from __future__ import annotations

import msgspec

from argosy.engine.journal import Cross
from argosy.engine.portfolio import HOUSE
from argosy.engine.state import LIVE, State
from argosy.kernels import ledger


class Lack(msgspec.Struct, gc=False):
    """What one strategy still lacks of its wished position, beyond its working orders. lots: signed."""

    strategy: str
    lots: int
    limit: float
    tif: int


def wished(state: State, strategy: str, instrument: int) -> int:
    """The position a strategy wants by now: its standing target as far as its algorithm lets it, or what it holds when none stands."""
    wish = state.wishes.get((strategy, instrument))
    held = state.portfolio.books[strategy].lots[instrument]
    if wish is None or wish.lots is None:
        return held
    return wish.lots if wish.course is None else wish.course.way(wish.lots, held)


def working(state: State, instrument: int) -> dict[str, int]:
    """Signed lots of open plain child orders by strategy."""
    total: dict[str, int] = {}
    for ticket in state.blotter.open[instrument].values():
        order = ticket.order
        if not order.tag:
            for share, left in zip(order.shares, ticket.left, strict=True):
                total[share.strategy] = total.get(share.strategy, 0) + order.side * left
    return total


def lacking(state: State, instrument: int, strategies: list[str]) -> list[Lack]:
    """What each strategy lacks, without those that lack nothing, by strategy id."""
    busy = working(state, instrument)
    lacks = []
    for strategy in strategies:
        held = state.portfolio.books[strategy].lots[instrument]
        lots = wished(state, strategy, instrument) - held - busy.get(strategy, 0)
        if lots:
            wish = state.wishes[strategy, instrument]
            lacks.append(Lack(strategy, lots, wish.limit, int(wish.tif)))
    return lacks


def crosses(state: State, instrument: int, lacks: list[Lack]) -> list[Cross]:
    """Match opposite lacks at the mid, first buyer with first seller by strategy id; takes the lots off `lacks`.

    A lack whose limit the mid does not meet is left out. Nothing crosses without a mark.
    """
    mid = state.portfolio.marks[instrument]
    if len(lacks) < 2 or not mid > 0.0:
        return []
    if instrument in state.halted:
        return []
    free = {lack.strategy: _free(state, lack, instrument) for lack in lacks}
    buyers = [lack for lack in lacks if lack.lots > 0 and free[lack.strategy] and not lack.limit < mid]
    sellers = [lack for lack in lacks if lack.lots < 0 and free[lack.strategy] and not lack.limit > mid]
    out = []
    while buyers and sellers:
        buyer, seller = buyers[0], sellers[0]
        lots = min(free[buyer.strategy], free[seller.strategy])
        buyer.lots -= lots
        seller.lots += lots
        free[buyer.strategy] -= lots
        free[seller.strategy] -= lots
        notional = ledger.notional.py(lots, mid, state.portfolio.scale[instrument])
        out.append(Cross(instrument, buyer.strategy, seller.strategy, lots, mid, notional))
        if not free[buyer.strategy]:
            buyers.pop(0)
        if not free[seller.strategy]:
            sellers.pop(0)
    return out


def _free(state: State, lack: Lack, instrument: int) -> int:
    """Lots of a lack that may be crossed without asking the gate: where new risk is barred, only those that shrink its book."""
    book = state.portfolio.books[lack.strategy]
    spent = book.max_loss and book.budget - state.portfolio.equity_of(lack.strategy) >= book.max_loss
    if state.level == LIVE and not spent:
        return abs(lack.lots)
    held = book.lots[instrument]
    return min(abs(lack.lots), abs(held)) if held * lack.lots < 0 else 0


def holders(state: State, instrument: int) -> list[str]:
    """Strategies that hold the instrument or wish to."""
    found = []
    for name, book in state.portfolio.books.items():
        if name == HOUSE:
            continue
        if book.lots[instrument] or wished(state, name, instrument):
            found.append(name)
    return sorted(found)
