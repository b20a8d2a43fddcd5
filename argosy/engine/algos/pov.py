"""POV: never more than a share of what the market itself has traded since the decision; it waits where nobody trades."""

from __future__ import annotations

from argosy.core.intents import Pov


def released(algo: Pov, total: int, before: int, volume: float, least: int = 1) -> int:
    """Lots of `total` that may be wanted once the market has traded `volume` lots; never fewer than `before`.

    least: the smallest order; no part, and nothing that is left for later, is smaller, nor smaller than `algo.least`
    """
    least = max(least, algo.least)
    allowed = int(algo.rate * volume + 1e-9)  # 29 % of 100 are 29, not 28.999
    if allowed >= total:
        return total
    if total - allowed < least:
        allowed = total - least
    return allowed if allowed - before >= least else before
