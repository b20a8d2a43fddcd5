"""Indicators: the numbers a strategy reads; `sma(10)` names one, and it computes nothing until it is run.

One definition each for batch, stream and sweep, equal to the bit. Row t never uses a row after t.
"""

from argosy.kernels.indicators.averages import ema, sma
from argosy.kernels.indicators.indicator import DEFINITIONS, Definition, Indicator, define
from argosy.kernels.indicators.momentum import macd, mom, roc, rsi
from argosy.kernels.indicators.ranges import adx, atr, highest, lowest
from argosy.kernels.indicators.spread import bbands, stddev, zscore
from argosy.kernels.indicators.vwap import vwap

__all__ = [
    "DEFINITIONS", "Definition", "Indicator", "adx", "atr", "bbands", "define", "ema", "highest", "lowest",
    "macd", "mom", "roc", "rsi", "sma", "stddev", "vwap", "zscore",
]  # fmt: skip
