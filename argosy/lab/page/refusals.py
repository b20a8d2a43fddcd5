"""What was refused, by code, what each code is for, and the numbers that were compared."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from argosy.core.time import iso
from argosy.lab import words
from argosy.lab.orders import REFUSED, Asked, compared, meaning
from argosy.lab.page.element import size
from argosy.lab.result import Result

EXAMPLES = 3
"""Refusals shown of each code, with the numbers that were compared."""


def refusals(result: Result, asked: Sequence[Asked]) -> str:
    """Counts by code, the most frequent first; the first orders of each, where the orders are known."""
    ranked = sorted(result.refusals.items(), key=lambda item: (-item[1], item[0]))
    trimmed = sum(row.outcome != REFUSED and row.text.startswith("trimmed") for row in asked)
    less = f'<p class="note">{words.counted(trimmed, "order")} made smaller by a limit, and sent.</p>' if trimmed else ""
    if not ranked:
        said = "Neither the risk gate nor the venue refused an order."
        return f'<section><h3>No order was refused</h3><p class="note">{said}</p>{less}</section>'
    top = ranked[0][1]
    rows = "".join(
        f'<tr><th scope="row"><code>{escape(code)}</code></th><td class="n" data-v="{count}">{count:,}</td>'
        f'<td class="bar"><i style="width:{100 * count / top:.1f}%"></i></td></tr>'
        for code, count in ranked
    )
    title = f"{words.counted(sum(result.refusals.values()), 'order')} refused"
    told = "".join(_refused(code, asked, result.currency) for code, _ in ranked)
    return f'<section><h3>{title}</h3><table class="bars"><tbody>{rows}</tbody></table>{less}{told}</section>'


def _refused(code: str, asked: Sequence[Asked], currency: str) -> str:
    """What a code means, and the first orders it stopped, with what was compared."""
    rows = [row for row in asked if row.outcome == REFUSED and row.code == code]
    about = meaning(code)
    if not rows and not about:
        return ""
    items = "".join(
        f"<li>{iso(row.known)[:10]} {'buy' if row.side > 0 else 'sell'} {size(row.units)} {escape(row.symbol)}: "
        f"{escape(row.text or 'refused')}{escape(f' ({compared(row.numbers, currency)})' if row.numbers else '')}</li>"
        for row in rows[:EXAMPLES]
    )
    more = f"<li>and {len(rows) - EXAMPLES:,} more</li>" if len(rows) > EXAMPLES else ""
    return f'<p class="note"><code>{escape(code)}</code> {escape(about)}</p><ul class="refused">{items}{more}</ul>'
