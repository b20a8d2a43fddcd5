"""How many lots fit into an amount of money; it never rounds in favour of more risk."""

from __future__ import annotations

from argosy.engine.rules.rule import View


def fit(view: View, i: int, px: float, room: int, most: int) -> int:
    """The largest n in 0..most whose `view.value(i, n, px)` is at most `room` base units; 0 when it cannot be valued."""
    low, high = 0, max(most, 0)
    while low < high:
        middle = (low + high + 1) // 2
        value = view.value(i, middle, px)
        if value is not None and value <= room:
            low = middle
        else:
            high = middle - 1
    return low


def ppm(pct: float) -> int:
    """Parts in a million of a percentage, so that limits are compared in whole units: 2.5 -> 25_000."""
    return round(pct * 10_000)


def nearly(pct: float) -> float:
    """A fraction a hair below `pct`: an amount within it is within the exact limit, whatever floats lose in the last place."""
    return pct / 100 * (1 - 1e-9)
