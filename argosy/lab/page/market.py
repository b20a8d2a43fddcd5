"""The box of the price chart: where each instrument was bought and sold, to be looked at from near."""

from __future__ import annotations

from html import escape

from argosy.lab.page.element import ZOOM, chart
from argosy.lab.page.lines import HINT, READ
from argosy.lab.result import Result

FEW = 12
"""Instruments up to which each has a button; more are chosen from a list."""


def market(result: Result, k: int) -> str:
    """Empty for a run that never traded."""
    traded = [symbol for symbol in result.symbols if symbol in set(result.fills["symbol"].to_list())]
    if not traded:
        return ""
    if len(traded) <= FEW:
        picks = "".join(
            f'<button type="button" class="toggle" data-symbol="{escape(s)}" aria-pressed="false">{escape(s)}</button>' for s in traded
        )
    else:
        options = "".join(f"<option>{escape(s)}</option>" for s in traded)
        picks = f'<select class="toggle" data-symbols aria-label="Instrument">{options}</select>'
    note = " in today's units (splits taken out)" if result.splits else ""
    return (
        f'<section class="figure" data-market><div class="figbar"><h3>Where it traded</h3><span class="acts"><span class="picks">{picks}</span>{ZOOM}'
        f"</span></div>{READ}{chart('price', k, 'Prices with entries and exits')}"
        f'<p class="note"><span class="buy">▲</span> bought <span class="sell">▼</span> sold; prices{note}. '
        f'<span class="hint">{HINT} A trade in the table below is shown here when its row is chosen.</span></p></section>'
    )
