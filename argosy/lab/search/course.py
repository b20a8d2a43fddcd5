"""What an account was worth row by row, rebuilt from its fills to the unit, and its figures; it never guesses a price or rounds a sum."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from argosy.core.instrument import Instrument
from argosy.core.money import per_one, unit
from argosy.house import Terms, fee_schedule
from argosy.kernels import stats as kernels
from argosy.kernels.fees import fee
from argosy.kernels.ledger import notional
from argosy.kernels.slippage import bps
from argosy.kernels.sweep.loop import AFTER, BETWEEN, DIVIDEND, SPLIT
from argosy.lab.search.objective import END
from argosy.lab.statistics.curve import of_sample
from argosy.lab.statistics.sample import sample
from argosy.lab.statistics.versus import of_pair, pair
from argosy.lab.sweep.ground import Ground
from argosy.lab.verdict import calmar, of_curve

NAN = float("nan")


class Course(NamedTuple):
    """An account from the first row on which its strategy was asked to the last.

    known: (T,) int64 ns; equity: (T,) int64 units; pnl: (N,) int64 units, each closed trade after fees, as they ended
    end: units of cash when what is left is sold at the last price, with slippage and fees; left: (symbol, lots, price) of that;
    last: (M,) int64 units, what the trades that are open then would have earned
    """

    known: NDArray[np.int64]
    equity: NDArray[np.int64]
    pnl: NDArray[np.int64]
    end: int
    left: tuple[tuple[str, int, float], ...] = ()
    last: tuple[int, ...] = ()

    @property
    def sold(self) -> NDArray[np.int64]:
        """All trades, those open at the end sold there: units, (N + M,)."""
        return np.append(self.pnl, np.asarray(self.last, np.int64))


def course(land: Ground, log: NDArray[Any], row: Instrument, terms: Terms) -> Course:
    """The course of one choice on one instrument from its fills in the compiled loop (`sweep.work.single`).

    Equal to the unit with `lab.backtest.Outcome.equity` of the same run.
    """
    count, scale = len(land), land.market.scale
    closes = land.tape["close"]
    held_at, cash_at = np.zeros(count, np.int64), np.zeros(count, np.int64)
    fills = [log[name].tolist() for name in ("row", "side", "lots", "notional", "fee", "cash")]
    held, cash, spent, k, last = 0, land.cash, 0, 0, 0
    pnl: list[int] = []

    def until(at: int) -> None:
        nonlocal last
        held_at[last:at], cash_at[last:at] = held, cash
        last = max(last, at)

    def take(at: int) -> bool:
        """Book the fills of row `at`; whether payments of that row are in their cash already."""
        nonlocal held, cash, spent, k
        paid = False
        while k < len(fills[0]) and fills[0][k] == at:
            _, side, lots, worth, cost, after = (column[k] for column in fills)
            paid = paid or after != cash - worth - cost
            cash = after
            held += side * lots
            spent += worth + cost
            if held == 0:
                pnl.append(-spent)
                spent = 0
            k += 1
        return paid

    for (at, when, kind, num, den), amount in zip(land.events.tolist(), land.amounts.tolist(), strict=True):
        while k < len(fills[0]) and fills[0][k] < at:
            until(fills[0][k])
            take(fills[0][k])
        until(at)
        if when in (BETWEEN, AFTER) and kind in (DIVIDEND, SPLIT):
            paid = take(at)
            if when == BETWEEN and paid:
                continue
        if kind == DIVIDEND:
            cash += notional.py(held, amount, scale)
        elif kind == SPLIT:
            held = int(held * Fraction(num, den))
    while k < len(fills[0]):
        until(fills[0][k])
        take(fills[0][k])
    until(count)
    value = cash_at + np.rint(held_at * closes * scale).astype(np.int64)
    gone = closed(row, held, float(closes[-1]), terms)
    left = ((land.symbol, held, float(closes[-1])),) if held else ()
    return Course(land.tape["known"], value, np.asarray(pnl, np.int64), cash + gone, left, (gone - spent,) if held else ())


def closed(row: Instrument, lots: int, price: float, terms: Terms) -> int:
    """Units of cash that come of selling (buying back) `lots` at `price`, worsened by the slippage, less the fee."""
    if not lots:
        return 0
    side = -1 if lots > 0 else 1
    deal = bps.py(side, price, terms.slippage_bps)
    worth = notional.py(lots, deal, row.scale)
    cost = fee.py(fee_schedule(terms.fees), side, abs(lots), float(row.lot), abs(worth), False, float(unit(row.currency)))
    return worth - cost


def together(parts: Sequence[Course]) -> Course:
    """Accounts side by side as one: at each moment the sum of what each was worth when last known, at first its cash."""
    if len(parts) == 1:
        return parts[0]
    known = np.unique(np.concatenate([part.known for part in parts]))
    total = np.zeros(len(known), np.int64)
    for part in parts:
        place = np.searchsorted(part.known, known, side="right") - 1
        total += part.equity[np.maximum(place, 0)]
    left = tuple(one for part in parts for one in part.left)
    last = tuple(one for part in parts for one in part.last)
    return Course(known, total, np.concatenate([part.pnl for part in parts]), sum(part.end for part in parts), left, last)


def curve_figures(
    known: NDArray[np.int64], equity: NDArray[np.int64], currency: str, flows: NDArray[np.float64] | None = None
) -> dict[str, float]:
    """The figures of `verdict.of_curve` of an equity curve in units, calmar, and end_equity. flows: see `Result.flow`."""
    value = equity / float(per_one(currency))
    found = of_curve(known, value, flows)
    return found | {"calmar": calmar(found["cagr"], found["max_drawdown"]), END: float(value[-1]) if len(value) else NAN}


def trade_figures(pnl: NDArray[np.int64], currency: str) -> dict[str, float]:
    """What only the profits of closed trades tell, in units and in their order: money in currency; see `statistics.deals`."""
    made = (pnl / float(per_one(currency))).tolist()
    wins, losses = kernels.streaks.py(made)
    return {
        "trades": float(len(made)), "win_rate": kernels.win_rate.py(made), "profit_factor": kernels.profit_factor.py(made),
        "expectancy": kernels.expectancy.py(made), "payoff": kernels.payoff.py(made), "average_gain": kernels.average_gain.py(made),
        "average_loss": kernels.average_loss.py(made), "longest_wins": float(wins), "longest_losses": float(losses),
    }  # fmt: skip


def more_figures(
    known: NDArray[np.int64], equity: NDArray[np.int64], currency: str, benchmark: NDArray[np.float64] | None = None
) -> dict[str, float]:
    """All figures of `lab.statistics` of an equity curve in units, with a benchmark (T,) those beside it: quicker ones go over them."""
    value = equity / float(per_one(currency))
    own = sample(known, value)
    out: dict[str, float] = asdict(of_sample(own)[0])
    if benchmark is not None:
        out |= asdict(of_pair(pair(own.known, own.value, benchmark, ppy=own.ppy))[0])
    return out
