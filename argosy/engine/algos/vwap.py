"""VWAP: parts as large as the volume that is expected in each, for the market's own average price; it never looks at the price.

Source: Berkowitz, Logue and Noser, "The Total Cost of Transactions on the NYSE", Journal of Finance 43 (1988).
"""

from __future__ import annotations

from argosy.core.intents import Vwap


def weights(algo: Vwap, count: int) -> tuple[float, ...]:
    """The volume expected in each of the first `count` slices: what comes after the end is not waited for."""
    return algo.curve[:count]
