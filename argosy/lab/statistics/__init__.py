"""Statistics of a run: every figure with its definition, its source and, where it has no value, the reason; opinions are elsewhere.

statistics:  all of them, one struct                rolling:   of the last steps, at each step
by_trade, by_step: by strategy, symbol, month, hour, weekday, side, regime
excursions:  how far each trade went against and for its owner
FIGURES:     what each figure means
"""

from argosy.lab.statistics.catalogue import FIGURES, Figure
from argosy.lab.statistics.curve import Curve
from argosy.lab.statistics.deals import Deals
from argosy.lab.statistics.excursions import Range, excursions, ranges
from argosy.lab.statistics.groups import GROUPS, by_step, by_trade
from argosy.lab.statistics.regimes import Labels, volatility_terciles
from argosy.lab.statistics.rolling import rolling
from argosy.lab.statistics.sample import Sample, sample
from argosy.lab.statistics.versus import Pair, Versus, aligned, pair
from argosy.lab.statistics.whole import Statistics, statistics

__all__ = [
    "FIGURES", "GROUPS", "Curve", "Deals", "Figure", "Labels", "Pair", "Range", "Sample", "Statistics", "Versus", "aligned", "by_step",
    "by_trade", "excursions", "pair", "ranges", "rolling", "sample", "statistics", "volatility_terciles",
]  # fmt: skip
