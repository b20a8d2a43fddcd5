"""Looks for the best parameters of a strategy, under rules and with every look counted; it never says that what was best will be.

    from argosy.lab.search import search
    found = search(Trend, data, {"fast": "5..50:5", "slow": "20..200:10"}, method="tpe", trials=200, constraints=("trades >= 30",))
    found.best, found.value, found.around.plateau, found.frame
"""

from __future__ import annotations

from argosy.lab.search.lane import Span, lane
from argosy.lab.search.run import METHODS, Found, search
from argosy.lab.search.space import Axis, Space, space

__all__ = ["METHODS", "Axis", "Found", "Space", "Span", "lane", "search", "space"]
