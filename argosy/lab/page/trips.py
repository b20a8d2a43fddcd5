"""The table of trades: the first hundred as text, all of them packed for the script, which pages, sorts and adds no figure."""

from __future__ import annotations

from html import escape
from math import isfinite
from typing import TYPE_CHECKING, Any

from argosy.core.money import FIAT, per_one
from argosy.core.time import HOUR, SECOND
from argosy.lab import packed, words
from argosy.lab.page.element import day, intraday, price, size
from argosy.lab.result import Result
from argosy.lab.words import lasting, money, number, percent

if TYPE_CHECKING:
    import polars as pl

ROWS = 100
"""Trades on one page of the table."""


MOST = 20_000
"""Most trades listed: those that made or lost most; the rest is in the saved run."""
LETTERS = 1_000_000
"""Most letters of reasons in a page; they are cut when they come to more."""


def listed(result: Result) -> pl.DataFrame:
    """The trades of the table, in order of entry."""
    trades = result.trades
    if trades.height <= MOST:
        return trades
    ranked = trades.with_row_index("row").sort(trades["pnl"].abs(), descending=True, nulls_last=True)
    return ranked.head(MOST).sort("row").drop("row")


def why(row: dict[str, Any]) -> str:
    """The strategy's words at entry and exit."""
    return " → ".join(text for text in (row["why_in"], row["why_out"]) if text)


def trips(result: Result, k: int) -> str:
    """The section of trades."""
    trades = listed(result)
    if not trades.height:
        return '<section><h3>Trades</h3><p class="note">There were none.</p></section>'
    many = len(result.strategies) > 1
    clock = intraday(result)
    rows = "".join(_row(trip, result.currency, many, clock) for trip in trades.head(ROWS).iter_rows(named=True))
    heads = ("Symbol", *(("Strategy",) if many else ()), "Side", "Entered", "Left", "Units", "Entry", "Exit", "P&amp;L", "Return", "Held", "Why")
    head = "".join(f'<th scope="col"><button type="button">{label}</button></th>' for label in heads)
    long = trades.height > ROWS
    kind = f"{'many ' if many else ''}{'' if long else 'sortable '}trades"
    pager = (
        f'<div class="pager" data-pages="{k}" hidden><button type="button" class="toggle" data-go="-1" aria-label="page before">←</button>'
        '<span aria-live="polite"></span><button type="button" class="toggle" data-go="1" aria-label="next page">→</button></div>'
        f"<noscript><p>Listed: the first {ROWS:,} of {trades.height:,}.</p></noscript>"
        if long
        else ""
    )
    return (
        f'<section class="trips"><div class="figbar"><h3>{escape(words.trips(result))}</h3>{pager}</div><p class="note">{_note(result)}</p>'
        f'<div class="scroll rows" tabindex="0"><table class="{kind}" data-run="{k}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _note(result: Result) -> str:
    stats = result.stats
    if not stats.get("trades"):
        said = "None has closed yet; open ones are valued at the last price."
    else:
        said = (
            f"{int(stats['trades']):,} closed, {percent(stats.get('win_rate'), 0)} won, profit factor {number(stats.get('profit_factor'))}, "
            f"average {percent(stats.get('average_frac'), 2, signed=True)}, best {percent(stats.get('best_frac'), signed=True)}, "
            f"worst {percent(stats.get('worst_frac'), signed=True)}."
        )
    cut = f" Listed: the {MOST:,} largest of {result.trades.height:,}." if result.trades.height > MOST else ""
    return said + " P&amp;L is after fees and without dividends." + cut


def _row(trip: dict[str, Any], currency: str, many: bool, clock: bool) -> str:
    """End tags that HTML does not ask for are left out: this is most of the text of a page."""
    pnl = None if trip["pnl"] is None else trip["pnl"] / per_one(currency)
    tone = "" if not pnl else "up" if pnl > 0 else "down"
    still = trip["open"]
    who = f"<td>{escape(trip['strategy'])}" if many else ""
    return (
        f'<tr class="{tone}{" open" if still else ""}"><th>{escape(trip["symbol"])}{who}'
        f"<td>{'long' if trip['side'] > 0 else 'short'}<td>{day(trip['entered'], clock)}"
        f"<td>{'open' if still else day(trip['left'], clock)}<td>{size(trip['units'])}"
        f"<td>{price(trip['entry_price'])}<td>{price(trip['exit_price'])}"
        f"<td>{money(pnl, currency, signed=True)}<td>{percent(trip['return_frac'], signed=True)}"
        f'<td data-v="{trip["held_ns"] // HOUR}">{lasting(trip["held_ns"])}<td>{escape(why(trip))}'
    )


def columns(result: Result) -> dict[str, Any]:
    """All trades, packed, each figure as it is shown; {} when all of them are in the table. Names: see `trips.js`."""
    trades = listed(result)
    if trades.height <= ROWS:
        return {}
    letters = max(40, LETTERS // trades.height)
    one, places = per_one(result.currency), 2 if result.currency in FIAT else 8
    out: dict[str, Any] = {"clock": intraday(result), "many": len(result.strategies) > 1, "places": places}
    for name in ("symbol", "strategy"):
        names, which = _named(trades[name])
        out |= {f"{name}s": names, name: packed.whole(which)}
    pnl = trades["pnl"].to_list()
    held = trades["held_ns"].to_list()
    out |= {
        "side": packed.whole(trades["side"].to_list()), "entered": packed.whole((trades["entered"] // SECOND).to_list()),
        "held": packed.whole([ns // SECOND for ns in held]), "open": packed.whole([int(still) for still in trades["open"].to_list()]),
        "units": _shown(trades["units"].to_list(), 4), "entry": _prices(trades["entry_price"].to_list()),
        "exit": _prices(trades["exit_price"].to_list()), "pnl": _shown([None if value is None else value / one for value in pnl], places),
        "back": _shown([None if value is None else 100.0 * value for value in trades["return_frac"].to_list()], 1),
        "why": packed.texts([_cut(why(row), letters) for row in trades.select("why_in", "why_out").iter_rows(named=True)]),
    }  # fmt: skip
    return out


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _named(column: pl.Series) -> tuple[list[str], list[int]]:
    names = column.unique(maintain_order=True).to_list()
    place = {name: k for k, name in enumerate(names)}
    return names, [place[name] for name in column.to_list()]


def _shown(values: list[float | None], places: int) -> packed.Packed:
    return packed.decimal([None if value is None or not isfinite(value) else round(value, places) for value in values], places)


def _prices(values: list[float | None]) -> packed.Packed:
    """Two decimals, four below one, as `element.price` has it."""
    return packed.decimal([None if p is None or not isfinite(p) else round(p, 2 if abs(p) >= 1 else 4) for p in values], 4)
