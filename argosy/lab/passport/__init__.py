"""The passport: a signed page about one strategy, without which nothing is called tested.

    from argosy.lab.passport import issue
    passport = issue(Trend, data, grid={"fast": range(5, 50, 5), "slow": range(20, 200, 20)}, terms=Terms())
    passport.verdict, passport.reasons
    write(passport, "trend.html")
"""

from __future__ import annotations

from argosy.lab.passport.check import Check
from argosy.lab.passport.issue import Passport, issue, verdicts
from argosy.lab.passport.paper import compared, page, read, write

__all__ = ["Check", "Passport", "compared", "issue", "page", "read", "verdicts", "write"]
