"""Iceberg: shows little of a large order at its limit, and the next part when that has filled; it never shows more."""

from __future__ import annotations

from argosy.core.intents import Iceberg


def released(algo: Iceberg, total: int, before: int, done: bool, least: int = 1) -> int:
    """Lots of `total` that may be wanted; `before`: those so far, done: they have all filled or ended.

    least: the smallest order; no part, and nothing that is left for later, is smaller.
    """
    if not done:
        return before
    upto = before + max(algo.display, least)
    return total if total - upto < least else upto
