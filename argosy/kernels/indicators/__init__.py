"""Indicators: the numbers a strategy reads; `sma(10)` names one, and it computes nothing until it is run.

One definition each for batch, stream and sweep, equal to the bit. Row t never uses a row after t.
"""

from argosy.kernels.indicators.averages import dema, ema, hma, kama, sma, tema, wma
from argosy.kernels.indicators.indicator import DEFINITIONS, Definition, Indicator, define
from argosy.kernels.indicators.momentum import macd, mom, ppo, roc, rsi
from argosy.kernels.indicators.oscillators import cci, stoch, stochrsi, willr
from argosy.kernels.indicators.pairs import beta, correl
from argosy.kernels.indicators.ranges import aroon, atr, donchian, highest, keltner, lowest, natr
from argosy.kernels.indicators.reversion import halflife, hurst
from argosy.kernels.indicators.spread import bbands, stddev, zscore
from argosy.kernels.indicators.trends import adx, ichimoku, psar, supertrend
from argosy.kernels.indicators.volume import mfi, obv, vwap

__all__ = [
    "DEFINITIONS", "Definition", "Indicator", "adx", "aroon", "atr", "bbands", "beta", "cci", "correl", "define",
    "dema", "donchian", "ema", "halflife", "highest", "hma", "hurst", "ichimoku", "kama", "keltner", "lowest",
    "macd", "mfi", "mom", "natr", "obv", "ppo", "psar", "roc", "rsi", "sma", "stddev", "stoch", "stochrsi",
    "supertrend", "tema", "vwap", "willr", "wma", "zscore",
]  # fmt: skip
