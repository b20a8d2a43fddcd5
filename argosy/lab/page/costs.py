"""What trading cost: fees, slippage in the prices, turnover, and what they took of the account each year."""

from __future__ import annotations

from html import escape

import polars as pl

from argosy.core.money import per_one
from argosy.lab import words
from argosy.lab.result import Result
from argosy.lab.statistics import Statistics
from argosy.lab.words import money, number, percent


def slipped(result: Result) -> float | None:
    """At most what slippage took, in currency: its bps of all that was not made by resting orders; None where it is not set."""
    bps = result.settings.get("venue", {}).get("slippage_bps")
    if not isinstance(bps, int | float) or isinstance(bps, bool):
        return None
    taken = result.fills.filter(~pl.col("maker") & (pl.col("execution") != ""))["notional"].abs().sum()
    return float(taken) / per_one(result.currency) * bps / 1e4


def costs(result: Result, stats: Statistics) -> str:
    """A table of two columns."""
    own = result.stats
    fees, traded = own.get("fees", 0.0), own.get("traded", 0.0)
    slip = slipped(result)
    rows = (
        ("Fees", "fees", money(fees, result.currency)),
        ("Fees of what was traded", "", f"{number(1e4 * fees / traded)} bps" if traded else words.NONE),
        ("Slippage, in the prices", "", words.slippage(result.settings)),
        ("Slippage came to at most", "", money(slip, result.currency)),
        ("Fees of the account, a year", "", percent(stats.deals.drag, 2)),
        ("Traded", "traded", money(traded, result.currency, 0)),
        ("Turnover a year", "turnover", f"{number(own.get('turnover'))} ×"),
        ("Time in the market", "exposure", percent(own.get("exposure"))),
        ("Executions", "", f"{result.fills.height:,}"),
    )
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td class="n"{f" data-stat={key}" if key else ""}>{text}</td></tr>' for name, key, text in rows
    )
    return f'<section><h3>{escape(words.cost(result))}</h3><table class="plain"><tbody>{cells}</tbody></table></section>'
