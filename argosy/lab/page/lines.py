"""The boxes of charts over time: equity and falls, the last half year at each day, and how much of the account was in the market."""

from __future__ import annotations

from html import escape

from argosy.lab import words
from argosy.lab.page.element import LOG, ZOOM, chart
from argosy.lab.result import Result
from argosy.lab.words import percent

HINT = "Drag across to look closer, with two fingers on a screen, Ctrl and the wheel, or + and −; arrows move, Shift and arrows shift, 0 shows all."
READ = '<p class="readout" aria-live="polite"></p>'


def curves(result: Result, k: int) -> str:
    """Equity beside holding, and how far each was below its peak."""
    own, held = result.stats, result.benchmark_stats
    said = f"Equity of {result.name}: {percent(own.get('total_return'), signed=True)}; buy and hold: {percent(held.get('total_return'), signed=True)}"
    fell = f"Falls from the peak: at most {percent(own.get('max_drawdown'))}; buy and hold {percent(held.get('max_drawdown'))}"
    return (
        f'<section class="figure"><div class="figbar"><h3>{escape(words.became(result))}</h3><span class="acts">{ZOOM}{LOG}</span></div>{READ}'
        f"{chart('equity', k, said)}<h4>{escape(words.fell(result))}</h4>{chart('fall', k, fell, 'low')}"
        f'<p class="note hint">{HINT}</p>'
        "<noscript><p>The charts need the script of this page; every number is in the tables.</p></noscript></section>"
    )


def rolled(k: int, window: int, sharpe: tuple[float, float] | None, beta: tuple[float, float] | None) -> str:
    """Sharpe and beta of the last `window` days at each day. sharpe, beta: lowest and highest; "" when there is neither."""
    if sharpe is None and beta is None:
        return ""
    parts = ""
    if sharpe is not None:
        title = f"Sharpe ratio of the last {window} days: {words.number(sharpe[0])} to {words.number(sharpe[1])}"
        parts += f"<h3>{title}</h3>{READ}{chart('sharpe', k, title, 'low')}"
    if beta is not None:
        title = f"Beta to holding, of the last {window} days: {words.number(beta[0])} to {words.number(beta[1])}"
        parts += f"<h4>{title}</h4>{chart('beta', k, title, 'low')}"
    return f'<section class="figure rolled">{parts}</section>'


def invested(result: Result, k: int, mean: float | None) -> str:
    """How much of the account was in the market; "" for a run that never traded. mean: of the whole time, long and short together."""
    if mean is None:
        return ""
    often = percent(result.stats.get("exposure"), 0)
    title = f"In the market {often} of the time, with {percent(mean, 0)} of the account on average"
    return f'<section class="figure"><h3>{escape(title)}</h3>{READ}{chart("invested", k, title, "low")}</section>'
