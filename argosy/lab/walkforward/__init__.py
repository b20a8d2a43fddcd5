"""Searches on one part of the past and is judged on another, over and over; it never learns from what it is judged on.

    from argosy.lab.walkforward import walk
    walked = walk(Trend, data, {"fast": "5..50:5", "slow": "20..200:10"}, windows=6, method="random", trials=50)
    walked.figures["sharpe"], walked.efficiency, walked.table
"""

from __future__ import annotations

from argosy.lab.walkforward.cross import Crossed, cross
from argosy.lab.walkforward.run import Stage, Walk, walk

__all__ = ["Crossed", "Stage", "Walk", "cross", "walk"]
