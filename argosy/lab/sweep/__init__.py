"""Tries a step strategy with many parameters on many instruments at once, by the same law as a backtest; it never approximates.

    from argosy.lab.sweep import sweep
    frame = sweep(Trend, data, {"fast": range(5, 50, 5), "slow": range(20, 200, 10)}, terms=Terms(), progress=True)
"""

from __future__ import annotations

from argosy.lab.sweep.run import Curves, Records, curves, fills, records, sweep
from argosy.lab.trials import TRIALS, count

__all__ = ["TRIALS", "Curves", "Records", "count", "curves", "fills", "records", "sweep"]
