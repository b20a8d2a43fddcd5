"""Sizes in strategies: a step calls the kernels by their names and is the same walked and swept; a class calls them plain."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from argosy.core.events import Bar, Fill
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.protocols import Book
from argosy.core.strategy import Out
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.house import Terms, Wanted
from argosy.kernels.kelly import kelly_weight
from argosy.kernels.sizing import drawdown_weight
from argosy.lab.backtest import run
from argosy.lab.sweep import sweep

FREE = Terms(cash=10_000.0, fees="free", slippage_bps=0.0)


def table(closes: list[float]) -> Any:
    """One instrument whose bars open where the last one closed."""
    n = len(closes)
    ts = np.arange(n, dtype=np.int64) * MINUTE
    opens = [closes[0], *closes[:-1]]
    columns = {
        "open": np.array(opens), "close": np.array(closes), "high": np.maximum(opens, closes), "low": np.minimum(opens, closes),
        "ts": ts, "known": ts + MINUTE, "instrument": np.zeros(n), "span": np.full(n, MINUTE), "volume": np.full(n, 1e9),
    }  # fmt: skip
    return Instruments([Instrument(symbol="S0")]), [Tape(Bar, columns)], []


class Thorp:
    """A step that holds half of Kelly's weight, less below the peak of the price; a user's code calls kernels by their names."""

    unit = "weight"

    class params(msgspec.Struct):
        """What it believes."""

        mean: float = 0.08
        sigma: float = 0.4

    class state(msgspec.Struct):
        """peak: the greatest close."""

        peak: float = 0.0

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        """Every bar anew."""
        state.peak = max(state.peak, row.close)
        half = float(kelly_weight(params.mean, params.sigma, 0.5, 1.0))
        out.target = float(drawdown_weight(half, row.close, state.peak, 0.5))


class Class:
    """The same as a class, which knows its own equity: it may never lose half of the peak of it."""

    def __init__(self) -> None:
        self.peak = 0.0

    def on_bar(self, bar: Bar, book: Book) -> Target:
        equity = float(book.equity)
        self.peak = max(self.peak, equity)
        weight = drawdown_weight.py(kelly_weight.py(0.08, 0.4, 0.5, 1.0), equity, self.peak, 0.5)
        return Target(bar.instrument, weight=weight, why="half Kelly above the floor")


def test_by_hand_walked_and_swept() -> None:
    """Half of .08 / .16 is a quarter; at a peak half of it is above the floor: an eighth. 10 000 / 8 at 49: 25 shares."""
    data = table([49.0, 49.0, 40.0, 40.0])
    outcome = run([Wanted("thorp", Thorp)], data, FREE)
    fills = [(side, lots, px) for _, side, lots, px in _fills(outcome)]
    # At 40, a peak of 49 and a floor of 24.50: .25 * 15.5 / 40 = .096875 of 10 000 - 25 * 9 = 9 775, 946.95 at 40: 23 shares.
    assert fills == [(1, 25, 49.0), (-1, 2, 40.0)]
    grid = {"mean": [0.06, 0.08, 0.1], "sigma": [0.3, 0.4]}
    frame = sweep(Thorp, data, grid, terms=FREE, trials=None)
    assert set(frame["refused"]) == {""}
    for row in frame.iter_rows(named=True):
        walked = run([Wanted("thorp", Thorp, {name: row[name] for name in grid})], data, FREE)
        assert (walked.run.engine.state.portfolio.equity, len(walked.account.fills)) == (row["equity_units"], row["fills"])


def test_a_class_by_hand() -> None:
    outcome = run([Wanted("class", Class)], table([49.0, 49.0, 40.0, 40.0]), FREE)
    # .25 * (10 000 - 5 000) / 10 000 = an eighth: 25 shares. At 40 equity is 9 775: .25 * 4 775 / 9 775 * 9 775 / 40 = 29.8: 29.
    assert [(side, lots, px) for _, side, lots, px in _fills(outcome)] == [(1, 25, 49.0), (1, 4, 40.0)]


def _fills(outcome: Any) -> list[tuple[int, int, int, float]]:
    records = [record for _, record in outcome.run.engine.journal.records() if isinstance(record, Fill)]
    return [(fill.order, fill.side, fill.lots, fill.price) for fill in records]
