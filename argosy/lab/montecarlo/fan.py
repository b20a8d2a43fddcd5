"""Many paths drawn from the same returns or trades, as a fan: where the account may go, and how deep it may fall on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.kernels import bootstrap as kernels
from argosy.lab.montecarlo.blocks import block_length

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Quantiles of a fan."""
FALLS = (0.1, 0.2, 0.3, 0.5)
"""Falls whose chance is told."""
MOST = 1_000_000
"""Paths of a bootstrap at most: each is kept at `POINTS` places."""
POINTS = 120
"""Most points of a fan along the way."""
PIECE = 256


class Fan(NamedTuple):
    """What many paths came to. Money in currency, fractions 0 to 1.

    kind:      "returns" (compounded, in blocks) or "trades" (added up, one by one); block: mean block length, steps; seed
    at:        (K,) steps at which the fan was looked at; levels: (Q,) quantiles
    equity, falls: (Q, K) of the equity there, and of the fall from the peak there
    ends, depths:  (Q,) of the equity at the end, and of the greatest fall
    loss_prob: paths that end below the start; fall_probs: by fall, paths that ever fell as deep
    start:     equity at first
    """

    kind: str
    paths: int
    steps: int
    block: float
    seed: int
    start: float
    at: NDArray[np.int64]
    levels: tuple[float, ...]
    equity: NDArray[np.float64]
    falls: NDArray[np.float64]
    ends: NDArray[np.float64]
    depths: NDArray[np.float64]
    loss_prob: float
    fall_probs: dict[float, float]

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        names = [f"q{100 * level:02.0f}" for level in self.levels]
        return {
            "kind": self.kind, "paths": self.paths, "steps": self.steps, "block": self.block, "seed": self.seed, "start": self.start,
            "loss_prob": self.loss_prob, "fall_probs": {f"{fall:g}": prob for fall, prob in self.fall_probs.items()},
            "end": dict(zip(names, self.ends.tolist(), strict=True)), "max_drawdown": dict(zip(names, self.depths.tolist(), strict=True)),
            "fan": {
                "at": self.at.tolist(), "equity": dict(zip(names, self.equity.tolist(), strict=True)),
                "drawdown": dict(zip(names, self.falls.tolist(), strict=True)),
            },
        }  # fmt: skip


def bootstrap(
    values: NDArray[np.float64],
    start: float,
    *,
    additive: bool = False,
    paths: int = 5_000,
    steps: int = 0,
    block: float = 0.0,
    seed: int = 1,
    falls: Sequence[float] = FALLS,
    progress: Callable[[int, int], None] | None = None,
) -> Fan:
    """Draw paths of the stationary bootstrap (Politis and Romano, 1994) from returns, or of the plain one from trades.

    values:   (N,) returns as fractions, or, where `additive`, what trades earned in currency
    start:    equity at first; steps: of each path, 0 as many as there are values
    block:    mean block; 0 is `block_length` of the values (1 where additive: trades are drawn one by one)
    seed:     the same seed gives the same paths
    Raises Misuse: MONTE_VALUES (none, or not finite), MONTE_PATHS (no path or more than `MOST`, a block shorter than 1, an account without money).
    """
    own = np.ascontiguousarray(values, np.float64)
    if not len(own) or not bool(np.isfinite(own).all()):
        what = "nothing to draw from" if not len(own) else "a value that is no number"
        raise Misuse("MONTE_VALUES", f"there is {what}", where="trades" if additive else "returns", fix="run it longer, or on more prices")
    length = block or (1.0 if additive else block_length(own))
    if not 1 <= paths <= MOST or steps < 0 or not length >= 1.0 or not start > 0.0:
        what = f"{paths} paths of {steps} steps in blocks of {length} from {start} cannot be drawn"
        raise Misuse("MONTE_PATHS", what, where="paths, block", fix=f"1 to {MOST:,} paths, blocks of 1 or more, and an account with money")
    count = steps or len(own)
    marks = np.unique(np.linspace(1, count, min(POINTS, count)).astype(np.int64))
    ends, depths = np.empty(paths), np.empty(paths)
    equity, down = np.empty((paths, len(marks))), np.empty((paths, len(marks)))
    for lo in range(0, paths, PIECE):
        hi = min(paths, lo + PIECE)
        kernels.resampled(own, count, length, additive, start, seed, lo, marks, ends[lo:hi], depths[lo:hi], equity[lo:hi], down[lo:hi])
        if progress is not None:
            progress(hi, paths)
    return Fan(
        "trades" if additive else "returns", paths, count, length, seed, start, marks, LEVELS, np.quantile(equity, LEVELS, axis=0),
        np.quantile(down, LEVELS, axis=0), np.quantile(ends, LEVELS), np.quantile(depths, LEVELS), float(np.mean(ends < start)),
        {float(fall): float(np.mean(depths >= fall)) for fall in falls},
    )  # fmt: skip
