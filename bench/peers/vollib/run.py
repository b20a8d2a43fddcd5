"""Implied volatilities of a chain by py_vollib_vectorized; the answer is their count and their sum."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from py_vollib_vectorized import vectorized_implied_volatility

SPOT, DIVIDEND = 100.0, 0.01


def prepare(table):
    """Columns: right, strike, years, rate, sigma, price."""
    right, strike, years, rate, _, price = (np.ascontiguousarray(column) for column in table.T)
    return np.where(right > 0, "c", "p"), price, strike, years, rate


def run(prepared):
    """(count, sum of the volatilities)."""
    flag, price, strike, years, rate = prepared
    found = vectorized_implied_volatility(
        price, SPOT, strike, years, rate, flag, q=DIVIDEND, model="black_scholes_merton", return_as="numpy"
    )
    return len(found), float(np.sum(found))
