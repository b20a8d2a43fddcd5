"""Where the money came from: closed trades by strategy, instrument, side, regime and month, each with a bar of what it made."""

from __future__ import annotations

from html import escape

import polars as pl

from argosy.lab.page.element import cell
from argosy.lab.result import Result
from argosy.lab.statistics import by_trade
from argosy.lab.statistics.regimes import TERCILES
from argosy.lab.words import money, number, percent

SHOWN = (
    ("strategy", "Strategy", "By strategy"), ("symbol", "Instrument", "By instrument"), ("side", "Side", "By side"),
    ("regime", "Regime", "By regime of the market at entry"), ("month", "Month", "By month of the exit"),
)  # fmt: skip
ROWS = 400
"""Most rows of a group; instruments beyond them are those that made or lost least."""


def tables(result: Result, reach: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    """The table of each group by its name; empty without a closed trade. reach: the trades with `excursions`."""
    if not int(result.stats.get("trades", 0.0) or 0):
        return {}
    trades = result.trades if reach is None else reach
    found = {group: by_trade(result, group, trades=trades) for group, _, _ in SHOWN if group != "strategy" or len(result.strategies) > 1}
    place = pl.col("group").replace_strict({name: k for k, name in enumerate(TERCILES)}, default=len(TERCILES), return_dtype=pl.Int64)
    found["regime"] = found["regime"].sort(place, maintain_order=True)
    return found


def groups(result: Result, found: dict[str, pl.DataFrame]) -> str:
    """A card a group of those that were found."""
    cards = [_card(found[group], head, title, result.currency) for group, head, title in SHOWN if group in found]
    note = "Closed trades, after fees. A regime is how calm or wild the benchmark was against its own past, as known at the entry."
    if not cards:
        return ""
    return f'<section class="card"><h3>Where the money came from</h3><p class="note">{note}</p><div class="groups">{"".join(cards)}</div></section>'


def _card(table: pl.DataFrame, head: str, title: str, currency: str) -> str:
    if table.height > ROWS:
        table = table.with_row_index("row").sort(pl.col("pnl").abs(), descending=True).head(ROWS).sort("row")
    most = max((abs(pnl) for pnl in table["pnl"].to_list()), default=0.0) or 1.0
    rows = []
    for row in table.iter_rows(named=True):
        pnl = row["pnl"]
        tone, wide = ("up" if pnl > 0 else "down" if pnl < 0 else ""), 50 * abs(pnl) / most
        place = f"left:{50 if pnl >= 0 else 50 - wide:.1f}%;width:{wide:.1f}%"
        factor = "–" if row["profit_factor"] is None else number(row["profit_factor"])
        rows.append(
            f'<tr><th scope="row">{escape(str(row["group"]))}</th>{cell(_count(row["trades"]), row["trades"])}'
            f"{cell(percent(row['win_rate'], 0), row['win_rate'])}{cell(factor, row['profit_factor'])}"
            f'{cell(money(pnl, currency, 0, signed=True), pnl, f"n {tone}")}<td class="way"><i class="{tone}" style="{place}"></i></td></tr>'
        )
    heads = ("Trades", "Won", "Factor", "P&amp;L")
    cells = "".join(f'<th scope="col" class="n"><button type="button">{name}</button></th>' for name in heads)
    return (
        f'<div><h4>{title}</h4><div class="tall"><table class="sortable group"><thead><tr><th scope="col"><button type="button">{head}</button></th>'
        f'{cells}<th class="way" aria-hidden="true"><button type="button" tabindex="-1"></button></th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></div>"
    )


def _count(value: int) -> str:
    return f"{value:,}"
