"""The eight figures that are read first, each beside that of holding."""

from __future__ import annotations

from argosy.core.time import DAY
from argosy.lab import words
from argosy.lab.result import Result
from argosy.lab.words import lasting, number, percent


def tiles(result: Result) -> str:
    """A list of definitions, two or four in a row."""
    own, held = result.stats, result.benchmark_stats
    wins = f"{percent(own.get('win_rate'), 0)} won" if own.get("trades") else "none closed"
    shown = (
        ("Return", "total_return", True), ("Growth a year", "cagr", True), ("Sharpe", "sharpe", None), ("Sortino", "sortino", None),
        ("Volatility", "volatility", False), ("Deepest fall", "max_drawdown", False),
    )  # fmt: skip
    cells = ""
    for name, key, signed in shown:
        text, beside = (number(one.get(key)) if signed is None else percent(one.get(key), signed=signed) for one in (own, held))
        cells += f'<div class="tile"><dt>{name}</dt><dd data-stat="{key}">{text}</dd><dd class="held">holding {beside}</dd></div>'
    days = own.get("max_drawdown_days", 0.0)
    return (
        f'<dl class="tiles">{cells}'
        f'<div class="tile"><dt>Peak to recovery</dt><dd data-stat="max_drawdown_days">{lasting(int(days * DAY)) if days else words.NONE}</dd>'
        '<dd class="held">of the deepest fall</dd></div>'
        f'<div class="tile"><dt>Trades</dt><dd data-stat="trades">{number(own.get("trades"), 0)}</dd><dd class="held">{wins}</dd></div></dl>'
    )
