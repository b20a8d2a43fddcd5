"""Prices and the five greeks that it has of a chain, by py_vollib_vectorized; the answer is their count and the sum of prices and deltas.

Its vega, theta and rho are differences over a step, good to two or three digits (rho leaves the yield out): they are timed, not compared.
"""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from py_vollib_vectorized import get_all_greeks
from py_vollib_vectorized.models import vectorized_black_scholes_merton

SPOT, DIVIDEND = 100.0, 0.01


def prepare(table):
    """Columns: right, strike, years, rate, sigma, price."""
    right, strike, years, rate, sigma, _ = (np.ascontiguousarray(column) for column in table.T)
    return np.where(right > 0, "c", "p"), strike, years, rate, sigma


def run(prepared):
    """(count, sum of prices and deltas)."""
    flag, strike, years, rate, sigma = prepared
    price = vectorized_black_scholes_merton(flag, SPOT, strike, years, rate, sigma, DIVIDEND, return_as="numpy")
    greeks = get_all_greeks(flag, SPOT, strike, years, rate, sigma, q=DIVIDEND, model="black_scholes_merton", return_as="dict")
    return len(price), float(np.sum(price) + np.sum(greeks["delta"]))
