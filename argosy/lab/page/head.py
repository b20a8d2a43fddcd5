"""The top of a page: what was run, on what, when, and under which conditions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from argosy.core.money import per_one
from argosy.core.time import iso
from argosy.lab import words
from argosy.lab.page.element import SHIP
from argosy.lab.result import Result
from argosy.lab.words import money


def masthead(runs: Sequence[Result], name: str, kind: str = "backtest") -> str:
    """Name, period, instruments, cash and conditions of one run or several."""
    listed = symbols(runs)
    cash = money(runs[0].cash / per_one(runs[0].currency), runs[0].currency, 0)
    terms = "".join(f"<span>{escape(text)}</span>" for text in words.conditions(runs[0].settings))
    return (
        f'<header class="top">{SHIP}<div><p class="house">Argosy · {kind}</p><h1>{escape(name)}</h1>'
        f'<p class="meta"><span>{period(runs)}</span><span>{escape(listed)}</span><span>{cash} at the start</span>{terms}</p></div></header>'
    )


def period(runs: Sequence[Result]) -> str:
    """From the first row of any to the last."""
    known = [run.known for run in runs if len(run.known)]
    if not known:
        return "no rows"
    return f"{iso(int(min(k[0] for k in known)))[:10]} to {iso(int(max(k[-1] for k in known)))[:10]}"


def symbols(runs: Sequence[Result], most: int = 12) -> str:
    """The instruments of all, the first of them by name."""
    found = list(dict.fromkeys(symbol for run in runs for symbol in run.symbols))
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")
