"""Indicators: one definition each for batch, stream and sweep, equal to the bit; `sma(10)` names one, it computes nothing yet."""

from argosy.kernels.indicators.averages import ema, sma
from argosy.kernels.indicators.indicator import DEFINITIONS, Definition, Indicator, define
from argosy.kernels.indicators.momentum import macd, mom, roc, rsi
from argosy.kernels.indicators.ranges import adx, atr, highest, lowest
from argosy.kernels.indicators.spread import bbands, stddev, zscore

__all__ = [
    "DEFINITIONS", "Definition", "Indicator", "adx", "atr", "bbands", "define", "ema", "highest", "lowest", "macd", "mom",
    "roc", "rsi", "sma", "stddev", "zscore",
]  # fmt: skip
