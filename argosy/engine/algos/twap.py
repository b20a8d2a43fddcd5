"""TWAP: equal parts at equal times, for the average price over time; it never looks at price or volume."""

from __future__ import annotations

from argosy.core.intents import Twap


def weights(algo: Twap, count: int) -> tuple[float, ...]:
    """What each of the `count` slices that there is time for is worth: the same."""
    return (1.0,) * count
