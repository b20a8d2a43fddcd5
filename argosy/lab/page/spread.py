"""How the days were spread: how many gained or lost how much, beside holding; bars of the page itself, without a script."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argosy.lab.statistics import Statistics
from argosy.lab.words import number, percent

BINS = 41
FEWEST = 20
"""Days below which a distribution shows nothing."""


def bins(own: NDArray[np.float64], held: NDArray[np.float64]) -> tuple[float, NDArray[np.int64], NDArray[np.int64]]:
    """(edge, counts, counts of holding): `BINS` of equal width from -edge to edge, those beyond in the first and the last.

    The edge leaves out one day in a hundred of either; zero is in the middle of the middle bin.
    """
    both = np.abs(np.concatenate((own, held)))
    both = both[np.isfinite(both)]
    edge = float(np.quantile(both, 0.99)) if len(both) else 0.0
    edge = edge or 0.01
    counts = []
    for values in (own, held):
        values = values[np.isfinite(values)]
        place = np.clip(np.floor((values + edge) / (2 * edge) * BINS), 0, BINS - 1).astype(np.int64)
        counts.append(np.bincount(place, minlength=BINS).astype(np.int64))
    return edge, counts[0], counts[1]


def spread(own: NDArray[np.float64], held: NDArray[np.float64], stats: Statistics) -> str:
    """The section; "" for fewer than `FEWEST` returns."""
    if len(own) < FEWEST:
        return ""
    edge, mine, other = bins(own, held)
    top = max(1, int(mine.max()), int(other.max()))
    width = 2 * edge / BINS
    columns = []
    for k in range(BINS):
        low, high = -edge + k * width, -edge + (k + 1) * width
        span = f"{percent(low, 2, signed=True)} to {percent(high, 2, signed=True)}"
        if k in (0, BINS - 1):
            span = f"below {percent(high, 2, signed=True)}" if not k else f"above {percent(low, 2, signed=True)}"
        tone = "l" if high <= 0 else "g" if low >= 0 else "m"
        columns.append(
            f'<div title="{span}: {mine[k]:,}, holding {other[k]:,}"><i class="{tone}" style="height:{100 * mine[k] / top:.1f}%"></i>'
            f'<s style="bottom:{100 * other[k] / top:.1f}%"></s></div>'
        )
    curve = stats.curve
    what = {"days": "days"}.get(stats.steps, "rows")
    title = f"{percent(curve.gaining_steps, 0)} of {len(own):,} {what} gained"
    said = (
        f"Best {percent(curve.best_step, 2, signed=True)}, worst {percent(curve.worst_step, 2, signed=True)}; skew {number(curve.skew)}, "
        f"excess kurtosis {number(curve.kurtosis)}. The worst twentieth lost {percent(curve.cvar, 2)} on average."
    )
    return (
        f'<section class="card"><h3>{title}</h3><p class="note">{said}</p>'
        f'<div class="spread" role="img" aria-label="{title}. {said}">{"".join(columns)}</div>'
        f'<div class="scale"><span>{percent(-edge, 1)}</span><span>0</span><span>{percent(edge, 1, signed=True)}</span></div>'
        '<p class="note foot"><i class="key bars"></i>own <i class="key dash"></i>holding</p></section>'
    )
