"""How much of a result was luck: drawn again, on prices a little different, with more costs, a little late; it promises nothing.

    from argosy.lab.montecarlo import montecarlo
    found = montecarlo(Trend, data, {"fast": 10, "slow": 50}, paths=5_000, runs=200)
    found.returns.loss_prob, found.prices.quantiles, found.stress
"""

from __future__ import annotations

from argosy.lab.montecarlo.blocks import block_length
from argosy.lab.montecarlo.fan import Fan, bootstrap
from argosy.lab.montecarlo.perturb import perturbed
from argosy.lab.montecarlo.run import KINDS, Monte, montecarlo, resampled
from argosy.lab.montecarlo.stress import costlier, dearer, delays

__all__ = ["KINDS", "Fan", "Monte", "block_length", "bootstrap", "costlier", "dearer", "delays", "montecarlo", "perturbed", "resampled"]
