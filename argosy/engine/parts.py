"""Whole lots divided by largest remainder: what each share of an order gets of a fill, a cut or a growth; the one place of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def parts(weights: Sequence[int], total: int, names: Sequence[Any]) -> list[int]:
    """`total` in proportion to `weights`, which are not negative; sums to total exactly.

    names: ties go to the smaller one. Weights of nothing get nothing, and then the sum is 0.
    """
    whole = sum(weights)
    if not whole or not total:
        return [0] * len(weights)
    out = [total * weight // whole for weight in weights]
    rank = sorted(range(len(out)), key=lambda k: (-(total * weights[k] % whole), names[k]))
    for k in rank[: total - sum(out)]:
        out[k] += 1
    return out
