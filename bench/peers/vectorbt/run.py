"""The 10/30 cross in vectorbt: signals filled at the next bar's open, no fee; not an event engine, and it never goes live."""

# mypy: ignore-errors
from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import vectorbt as vbt

warnings.simplefilter("ignore")


def prepare(prices):
    """Close and the open after it, as series."""
    following = np.append(prices[1:, 0], np.nan)
    index = pd.date_range("2020-01-01", periods=len(prices), freq="min")
    return pd.Series(prices[:, 3], index=index), pd.Series(following, index=index)


def run(series):
    """Fills and end equity."""
    close, following = series
    fast = vbt.MA.run(close, 10).ma.to_numpy()
    slow = vbt.MA.run(close, 30).ma.to_numpy()
    above = fast - slow > 1e-6
    above[-1] = above[-2]  # an order of the last bar has no open to fill at
    account = vbt.Portfolio.from_signals(
        close, above, ~above, price=following, size=100.0, init_cash=10_000_000.0, direction="longonly", freq="1min"
    )
    return account.orders.count(), account.value().iloc[-1]
