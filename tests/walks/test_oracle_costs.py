"""Fees and slippage worked out a second time, in fractions, for every execution of four strategies on real prices; and what they cover.

The sizes of these strategies do not depend on money, so costs change no decision: the loop that is checked by eye says what
trades, and this file says what each trade costs.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import pytest

from argosy.data.calendars import sessions_of
from argosy.house import Terms, Wanted
from argosy.kernels import fees
from argosy.lab.backtest import run
from tests.walks import oracle
from tests.walks.oracle import CASH, FINE, Decide, Market, Plan, Print
from tests.walks.test_oracle_equality import SYMBOLS, Breaker, Cross, Dipper, Reverter, prices, without_nights

MICRO = 1_000_000
SIZE = 700


class Deal(NamedTuple):
    """A print, with what it was: at the open of its bar, its price made by a limit, and standing at the venue before that open.

    stood: an order counts as resting from the second opening that it is there for; a leg was born in the bar of its entry
    """

    row: Print
    opening: bool
    limit: bool
    stood: bool
    gap: bool = False


def deals(m: Market, decide: Decide) -> list[Deal]:
    """What each execution of the loop was, from the plan in force when it happened."""
    plans: dict[int, Plan] = {}

    def heard(bar: int, held: int) -> Plan | None:
        plan = decide(bar, held)
        if plan is not None:
            plans[bar] = plan
        return plan

    out: list[Deal] = []
    position = 0
    entered = -1
    legs = Plan(0)
    rows = oracle.by_hand(m, heard).prints
    said = sorted(plans)
    for row in rows:
        o = int(m.open[row.bar])
        if position and row.side * position < 0:
            leaving = plans[said[np.searchsorted(said, row.bar) - 1]].lots * position <= 0  # its own word, at market
            by_target = not leaving and legs.take == legs.take and -row.side * (row.price - legs.take) >= 0
            gap = not leaving and not by_target and legs.stop == legs.stop and row.price == o and -row.side * (o - legs.stop) < 0
            out.append(Deal(row, row.price == o, by_target, row.bar > entered, gap))
            position = 0
            continue
        place = np.searchsorted(said, row.bar) - 1
        legs = plans[said[place]]
        begun = said[place]
        while place > 0 and plans[said[place - 1]] == legs and said[place - 1] == said[place] - 1:  # said again: it stood before
            place -= 1
            begun = said[place]
        position, entered = row.side * row.lots, row.bar
        limited = legs.limit == legs.limit
        out.append(Deal(row, row.price == o, limited, row.bar > begun + 1))
    return out


def cents(amount: Fraction) -> int:
    return ceil(amount * 100) * (MICRO // 100)


def alpaca(deal: Deal, worth: int) -> int:
    """The regulators' fees of 2026, each rounded up to the cent."""
    lots = deal.row.lots
    sold = min(Fraction("0.000195") * lots, Fraction("9.79")) if deal.row.side < 0 else Fraction(0)
    return cents(sold) + cents(Fraction("0.0000265") * lots)


def share(deal: Deal, worth: int) -> int:
    """Half a cent a share, at least a dollar, at most a thousandth of the worth."""
    charge = max(Fraction("0.005") * deal.row.lots * MICRO, Fraction(MICRO))
    return round(min(charge, Fraction(worth, 1000)))


def points(deal: Deal, worth: int) -> int:
    """Ten basis points for what takes, two for what rests."""
    rests = deal.limit and (deal.stood or not deal.opening)
    return round(Fraction(worth) * (2 if rests else 10) / 10_000)


CHARGES: dict[str, tuple[Any, Any]] = {
    "alpaca": ("alpaca", alpaca),
    "per share": (fees.per_share(0.005, minimum=1.0, cap_frac=0.001), share),
    "basis points": (fees.bps(2.0, 10.0), points),
}


def cases(m: Market) -> dict[str, tuple[type, dict[str, Any], Decide]]:
    """A class of the house with its parameters, and the same decisions in whole numbers."""
    edge = 0.5 / (FINE * 30)
    return {
        "cross": (Cross, {"fast": 10, "slow": 30, "edge": edge}, oracle.cross(m, 10, 30, SIZE)),
        "reverter": (Reverter, {"window": 10, "enter": 1.0, "leave": 0.1}, oracle.reverting(m, 10, 1.0, 0.1, SIZE)),
        "breaker": (Breaker, {"window": 10, "stop": 0.02, "take": 0.03}, oracle.breaking(m, 10, 20, 30, SIZE)),
        "bracket": (
            Dipper, {"side": 1, "away": 0.01, "stop": 0.02, "take": 0.03, "bars": 8}, oracle.dipping(m, 1, 10, 20, 30, 8, SIZE),
        ),
        "short bracket": (
            Dipper, {"side": -1, "away": 0.01, "stop": 0.015, "take": 0.01, "bars": 6}, oracle.dipping(m, -1, 10, 15, 10, 6, SIZE),
        ),
    }  # fmt: skip


NAMES = ("cross", "reverter", "breaker", "bracket", "short bracket")


RUNS = [
    *(("AAPL", name, "basis points") for name in NAMES), *(("IBM", name, "alpaca") for name in NAMES),
    ("MSFT", "bracket", "per share"), ("GOOG", "reverter", "per share"),
]  # fmt: skip


LANES = [(*run, 1 << 60) for run in RUNS] + [(*run, 0) for run in RUNS if run[1] in ("cross", "reverter")]
"""Each run stepped row by row; those with plain market orders also scanned in stretches (from 0 rows on)."""


@pytest.mark.parametrize(("symbol", "name", "charge", "scan_from"), LANES)
def test_fees_and_slippage(symbol: str, name: str, charge: str, scan_from: int) -> None:
    instruments, tape, m = prices(symbol)
    cls, params, decide = cases(m)[name]
    schedule, expected = CHARGES[charge]
    slip = 7
    terms = Terms(cash=CASH, fees=schedule, slippage_bps=float(slip))
    events = sessions_of(tape)
    if not scan_from:
        instruments, tape, events = without_nights(instruments, tape)
    outcome = run([Wanted("it", cls, {**params, "size": SIZE}, (symbol,))], (instruments, [tape], events), terms, scan_from=scan_from)
    assert outcome.refusals == {}
    assert outcome.run.replay.scanned == (not scan_from)
    wanted = deals(m, decide)
    found = [row[0] for row in outcome.account.fills]
    assert [(fill.side, fill.lots) for fill in found] == [(deal.row.side, deal.row.lots) for deal in wanted]
    held = np.zeros(len(m.close), np.int64)
    cash = np.zeros(len(m.close), np.int64)
    for fill, deal in zip(found, wanted, strict=True):
        exact = Fraction(deal.row.price, FINE) * (1 if deal.limit else 1 + Fraction(deal.row.side * slip, 10_000))
        assert fill.price == pytest.approx(float(exact), rel=1e-13)
        worth = round(Fraction(fill.price) * deal.row.lots * MICRO)
        assert abs(worth - Fraction(exact) * deal.row.lots * MICRO) < 1
        assert fill.notional == fill.side * worth
        assert fill.fee == expected(deal, worth), deal
        held[deal.row.bar] += fill.side * fill.lots
        cash[deal.row.bar] -= fill.notional + fill.fee
    value = CASH * MICRO + np.cumsum(cash) + np.cumsum(held) * m.close * (MICRO // FINE)
    assert np.array_equal(outcome.equity(), value)
    assert sum(fill.fee for fill in found) > 0


def test_the_prices_hold_every_case_that_is_to_be_compared() -> None:
    """Were one of these not among the executions, equality would say nothing of it."""
    seen: dict[str, int] = {}

    def count(name: str, times: bool = True) -> None:
        seen[name] = seen.get(name, 0) + int(times)

    for symbol in SYMBOLS:
        m = prices(symbol)[2]
        for name, (_, _, decide) in cases(m).items():
            rows = deals(m, decide)
            for one, two in pairwise(rows):
                count("turned around in one bar", name == "reverter" and one.row[:2] == two.row[:2])
                inside = one.row.bar == two.row.bar and one.limit and not one.opening
                count("stopped in the bar of a limit entry", inside and not two.limit)
                count("out in the bar of its entry at the open", one.row.bar == two.row.bar and one.opening and "bracket" not in name)
            for deal in rows:
                count("sold short", name == "short bracket" and deal.row.side < 0)
                count("gap through a stop", deal.gap)
                count("target at a better open", deal.limit and deal.opening and deal.stood)
                count("limit met by the first open", deal.limit and deal.opening and not deal.stood)
                count("limit filled at its price", deal.limit and not deal.opening)
    assert len(seen) == 8
    assert {name: times for name, times in seen.items() if times < 10} == {}
