"""Several saved runs beside each other: figures, days, the difference that may be chance, and which one may be recommended.

    from argosy.lab.compare import compare
    found = compare([Result.load("runs/a"), Result.load("runs/b")], passports={"a": made})
    found.advice.recommended, found.advice.sentences
"""

from __future__ import annotations

from argosy.lab.compare.advice import Advice, advise
from argosy.lab.compare.comparison import Comparison, compare
from argosy.lab.compare.days import Days, common
from argosy.lab.compare.gap import Gap, gap, gaps
from argosy.lab.compare.page import page, write
from argosy.lab.compare.tested import UNTESTED, Tested, fits, gather

__all__ = [
    "UNTESTED", "Advice", "Comparison", "Days", "Gap", "Tested", "advise", "common", "compare", "fits", "gap", "gaps", "gather", "page", "write",
]  # fmt: skip
