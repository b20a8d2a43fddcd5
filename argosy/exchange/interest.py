"""What it costs to owe and to borrow: interest on cash below nothing and fees for shares sold short, by the day; free unless terms say so."""

from __future__ import annotations

from argosy.core.time import DAY
from argosy.exchange.accounts import Account
from argosy.exchange.hours import Hours, midnight
from argosy.exchange.market import Market
from argosy.exchange.wire import shares

YEAR = 360
"""Days of a year of interest, as brokers count."""


def nights(hours: Hours, now: int) -> int:
    """Calendar days from the close at `now` to the next session: three over a weekend."""
    opening = next(opens for opens, _, _ in hours.around(now) if opens > now)
    return round((midnight(opening) - midnight(now)) / DAY)


def charge(account: Account, market: Market, margin_rate: float, borrow_rate: float, now: int, days: int) -> None:
    """Book so many days of what the account owes at a close: INT for cash, FEE for each short. Rates are fractions a year.

    What was sold short is no loan: its proceeds are not counted as cash at hand.
    """
    _, short = account.values(market)
    debit = -(account.cash + short)
    if margin_rate and debit > 0:
        account.book("INT", -round(debit * margin_rate * days / YEAR), now, {"description": f"margin interest, {days} days at {margin_rate:g}"})
    for instrument, position in list(account.positions.items()) if borrow_rate else []:
        board = market.boards[instrument]
        if position.lots < 0 and board.kind == "equity":
            fee = round(-market.worth(instrument, position.lots) * borrow_rate * days / YEAR)
            more = {"symbol": board.symbol, "qty": shares(position.lots), "description": f"borrow fee, {days} days at {borrow_rate:g}"}
            account.book("FEE", -fee, now, more)
