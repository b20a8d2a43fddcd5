"""How far each trade went against its owner and for him: the box of the scatter, and what it says in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from argosy.lab import packed
from argosy.lab.page.element import chart
from argosy.lab.words import percent

if TYPE_CHECKING:
    import polars as pl

POINTS = 4_000
"""Most points drawn: those of the largest profit and loss."""


def known(trades: pl.DataFrame | None) -> pl.DataFrame | None:
    """Closed trades with both excursions; None when there are none."""
    if trades is None or "mae_frac" not in trades.columns:
        return None
    found = trades.filter(~trades["open"]).drop_nulls(["mae_frac", "mfe_frac", "pnl"])
    return found if found.height else None


def reach(trades: pl.DataFrame | None, k: int) -> str:
    """The section; "" without bars."""
    found = known(trades)
    if found is None:
        return ""
    won = found["pnl"].to_numpy() > 0
    against, far = found["mae_frac"].to_numpy(), found["mfe_frac"].to_numpy()
    gave = float(np.median(far[~won])) if (~won).any() else None
    bore = float(np.quantile(against[won], 0.95)) if won.any() else None
    parts = []
    if bore is not None:
        parts.append(f"Of the winners 95 % never were more than {percent(bore)} under their entry.")
    if gave is not None:
        parts.append(f"Half of the losers had been at least {percent(gave)} ahead.")
    said = " ".join(parts)
    few = f" Drawn: the {POINTS:,} largest." if found.height > POINTS else ""
    return (
        f'<section class="card figure"><h3>How far they went before they ended</h3><p class="note">{said}{few}</p>'
        f"{chart('reach', k, f'Farthest move for and against, of {found.height} trades. {said}', 'square')}"
        '<p class="note foot"><span class="buy">●</span> won <span class="sell">●</span> lost; across: farthest against the '
        "entry, up: farthest for it, both in percent</p></section>"
    )


def points(trades: pl.DataFrame | None) -> dict[str, Any]:
    """What the script draws: x, y in percent, s (1 won, 0 not); packed."""
    found = known(trades)
    if found is None:
        return {}
    if found.height > POINTS:
        found = found.sort(found["pnl"].abs(), descending=True).head(POINTS)
    percents = [[round(100.0 * frac, 2) for frac in found[name].to_list()] for name in ("mae_frac", "mfe_frac")]
    return {
        "x": packed.decimal(percents[0], 2), "y": packed.decimal(percents[1], 2),
        "s": packed.whole([int(pnl > 0) for pnl in found["pnl"].to_list()]),
    }  # fmt: skip
