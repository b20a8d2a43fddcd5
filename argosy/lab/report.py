"""The report: one HTML file of a run, or of several side by side, that opens anywhere and asks no network for anything.

Every number in it is text in the page, from the Result; the script draws and sorts, and never computes a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from argosy import __version__
from argosy.core.errors import Misuse
from argosy.core.money import per_one
from argosy.core.time import DAY, HOUR, iso
from argosy.lab import figures, words
from argosy.lab.drawn import drawn
from argosy.lab.months import table
from argosy.lab.orders import REFUSED, Asked, compared, meaning
from argosy.lab.result import Result
from argosy.lab.words import headline, lasting, money, number, percent

ROWS = 2_000
"""Most trades listed; the rest is in the saved result."""
COLOURS = 10
"""Lines of a chart that differ in colour; those after them are the same colours, dashed."""
EXAMPLES = 3
"""Refusals shown of each code, with the numbers that were compared."""
COLUMNS = (
    ("Return", "total_return", "growth from the first to the last row"),
    ("A year", "cagr", "compound growth a calendar year"),
    ("Volatility", "volatility", "standard deviation of daily returns, a year"),
    ("Sharpe", "sharpe", "mean daily return over its deviation, a year, riskless rate 0"),
    ("Sortino", "sortino", "mean daily return over that of its losses, a year"),
    ("Max fall", "max_drawdown", "deepest fall from a peak"),
    ("Trades", "trades", "closed round trips"),
    ("Wins", "win_rate", "share of closed trips that made money after fees"),
    ("Fees", "fees", "all fees paid"),
    ("Refusals", "refusals", "orders the risk gate or the venue refused"),
)


def write(
    results: Result | Sequence[Result],
    path: Path | str,
    *,
    prices: figures.Prices | None = None,
    asked: Sequence[Sequence[Asked]] = (),
    title: str = "",
) -> Path:
    """Write the report of one result or several to `path` and return it.

    prices: raw prices by symbol (`figures.prices`), for the charts of entries and exits; without them there are none
    asked:  the orders of each result (`orders.orders`), for what was refused and why; without them only the counts are told
    Raises Misuse: REPORT_EMPTY (no result), REPORT_PATH (the file cannot be written).
    """
    at = Path(path)
    text = render(results, prices=prices, asked=asked, title=title)
    try:
        at.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misuse(
            "REPORT_PATH",
            f"the report cannot be written: {error.strerror}",
            where=str(at),
            fix="choose another path",
        ) from error
    return at


def render(
    results: Result | Sequence[Result],
    *,
    prices: figures.Prices | None = None,
    asked: Sequence[Sequence[Asked]] = (),
    title: str = "",
) -> str:
    """The report as a text of HTML."""
    runs = [results] if isinstance(results, Result) else list(results)
    if not runs:
        raise Misuse("REPORT_EMPTY", "a report needs at least one result")
    name = title or (runs[0].name if len(runs) == 1 else f"{len(runs)} strategies")
    page = files("argosy.lab") / "page"
    style, script = ((page / file).read_text(encoding="utf-8") for file in ("style.css", "charts.js"))
    data = msgspec.json.encode(drawn(runs, prices or {})).decode().replace("<", "\\u003c")
    body = [_masthead(runs, name), _compare(runs) if len(runs) > 1 else ""]
    sent = [*asked, *((),) * (len(runs) - len(asked))]
    body += [_run(result, k, len(runs), bool(prices), sent[k]) for k, result in enumerate(runs)]
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
            f"<title>{escape(name)} · Argosy</title><style>{style}</style></head><body><main>",
            *body,
            f"<footer>Made by Argosy {__version__}. A backtest is what would have happened under its assumptions, not a promise.</footer>",
            f'</main><script type="application/json" id="data">{data}</script><script>{script}</script></body></html>',
        )
    )


# -- the page --------------------------------------------------------------------------------------------------------------

_SHIP = (
    '<svg class="ship" viewBox="0 0 48 40" aria-hidden="true"><path d="M4 28h40l-5 9H11z"/><path d="M23 3v22H8C16 20 21 12 23 3z"/>'
    '<path d="M26 8c3 5 8 12 16 17H26z"/></svg>'
)


def _masthead(runs: Sequence[Result], name: str) -> str:
    known = [run.known for run in runs if len(run.known)]
    period = (
        f"{iso(int(min(k[0] for k in known)))[:10]} to {iso(int(max(k[-1] for k in known)))[:10]}"
        if known
        else "no rows"
    )
    symbols = list(dict.fromkeys(symbol for run in runs for symbol in run.symbols))
    listed = ", ".join(symbols[:12]) + (f" and {len(symbols) - 12} more" if len(symbols) > 12 else "")
    cash = money(runs[0].cash / per_one(runs[0].currency), runs[0].currency, 0)
    terms = "".join(f"<span>{escape(text)}</span>" for text in words.conditions(runs[0].settings))
    return (
        f'<header class="top">{_SHIP}<div><p class="house">Argosy · backtest</p><h1>{escape(name)}</h1>'
        f'<p class="meta"><span>{period}</span><span>{escape(listed)}</span><span>{cash} at the start</span>{terms}</p></div></header>'
    )


def _colour(k: int) -> str:
    return f"c{k % COLOURS}" + (" again" if k >= COLOURS else "")


def _compare(runs: Sequence[Result]) -> str:
    """All runs in one table, best return first, with holding beside; and their lines over each other."""
    ranked = sorted(range(len(runs)), key=lambda k: -_rank(runs[k].stats.get("total_return")))
    rows = []
    for k in ranked:
        run = runs[k]
        flag = ' <span class="flag">stopped</span>' if run.failures else ""
        key = f'<i class="key {_colour(k)}"></i>'
        rows.append(
            f'<tr data-run="{k}"><th scope="row"><a href="#run-{k}">{key}{escape(run.name)}</a>{flag}</th>{_stat_cells(run, run.stats)}</tr>'
        )
    seen = set()
    for run in runs:
        if (beside := repr(run.benchmark_stats)) not in seen:
            seen.add(beside)
            of = "" if len(runs[0].symbols) == len(run.symbols) else f" ({escape(', '.join(run.symbols))})"
            rows.append(
                f'<tr class="held"><th scope="row"><i class="key ch"></i>Holding all{of}</th>{_stat_cells(None, run.benchmark_stats)}</tr>'
            )
    cash = money(runs[0].cash / per_one(runs[0].currency), runs[0].currency, 0)
    heads = "".join(
        f'<th scope="col" class="n" title="{tip}"><button type="button">{label}</button></th>'
        for label, _, tip in COLUMNS
    )
    return (
        f'<section id="compare"><h2>Side by side</h2><p class="note lead">{escape(words.ranking(runs))}</p>'
        '<div class="scroll"><table class="sortable compare"><thead><tr>'
        f'<th scope="col"><button type="button">Strategy</button></th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f'<p class="note">{escape(words.HOLDING)} Choose a row to see that strategy below.</p>'
        f'<div class="figure"><div class="figbar"><h3>What {cash} became</h3>'
        '<button type="button" class="toggle" data-log aria-pressed="false">log</button></div>'
        '<p class="readout" aria-live="polite"></p>'
        f'<div class="chart tall" data-chart="all" tabindex="0" role="img" aria-label="{escape(_spoken(runs))}"></div></div></section>'
        '<nav class="runs" aria-label="Strategies">'
        + "".join(
            f'<a href="#run-{k}" data-run="{k}"><i class="key {_colour(k)}"></i>{escape(run.name)}</a>'
            for k, run in enumerate(runs)
        )
        + "</nav>"
    )


def _rank(value: float | None) -> float:
    return value if value is not None and value == value else float("-inf")


def _spoken(runs: Sequence[Result]) -> str:
    parts = [f"{run.name} {percent(run.stats.get('total_return'), signed=True)}" for run in runs]
    return f"Equity of {', '.join(parts)}; buy and hold {percent(runs[0].benchmark_stats.get('total_return'), signed=True)}"


def _stat_cells(run: Result | None, stats: Mapping[str, float]) -> str:
    cells = []
    for _, key, _ in COLUMNS:
        value: float | None = stats.get(key)
        if key == "refusals":
            value = float(sum(run.refusals.values())) if run else None
        if key in ("trades", "refusals"):
            text = number(value, 0)
        elif key in ("sharpe", "sortino"):
            text = number(value)
        elif key == "fees":
            text = money(value, run.currency, 0) if run else words.NONE
        else:
            text = percent(value, signed=key in ("total_return", "cagr"))
        cells.append(_cell(text, value))
    return "".join(cells)


def _cell(text: str, value: float | None, kind: str = "n") -> str:
    sort = "" if value is None or value != value else f' data-v="{value:.12g}"'
    return f'<td class="{kind}"{sort}>{text}</td>'


def _run(result: Result, k: int, of: int, priced: bool, asked: Sequence[Asked]) -> str:
    """Everything about one run."""
    label = escape(result.name)
    title = f'<h2 class="runname"><i class="key {_colour(k)}"></i>{label}</h2>' if of > 1 else ""
    parts = [
        f'<article class="run" id="run-{k}" data-run="{k}">{title}',
        f'<div class="verdict"><p class="headline">{escape(headline(result))}</p><p class="story">{escape(words.story(result))}</p></div>',
        _failures(result),
        "".join(f'<p class="caution">{escape(text)}</p>' for text in words.cautions(result)),
        _tiles(result),
        _curves(result, k),
        table(result),
        _prices(result, k) if priced else "",
        _trades(result),
        '<div class="pair">' + _refusals(result, asked) + _costs(result) + "</div>",
        _terms(result),
        "</article>",
    ]
    return "\n".join(part for part in parts if part)


def _failures(result: Result) -> str:
    return "".join(
        f'<details class="failure"><summary><b>{escape(failed.strategy)}</b> stopped on {iso(failed.known)[:10]}: {escape(failed.error)}</summary>'
        f"<pre>{escape(failed.event)}\n{escape(failed.trace)}</pre></details>"
        for failed in result.failures
    )


def _tiles(result: Result) -> str:
    own, held = result.stats, result.benchmark_stats
    wins = f"{percent(own.get('win_rate'), 0)} won" if own.get("trades") else "none closed"
    tiles = (
        (
            "Return",
            "total_return",
            percent(own.get("total_return"), signed=True),
            percent(held.get("total_return"), signed=True),
        ),
        (
            "Growth a year",
            "cagr",
            percent(own.get("cagr"), signed=True),
            percent(held.get("cagr"), signed=True),
        ),
        ("Sharpe", "sharpe", number(own.get("sharpe")), number(held.get("sharpe"))),
        ("Sortino", "sortino", number(own.get("sortino")), number(held.get("sortino"))),
        ("Volatility", "volatility", percent(own.get("volatility")), percent(held.get("volatility"))),
        ("Deepest fall", "max_drawdown", percent(own.get("max_drawdown")), percent(held.get("max_drawdown"))),
    )
    cells = "".join(
        f'<div class="tile"><dt>{name}</dt><dd data-stat="{key}">{text}</dd><dd class="held">holding {beside}</dd></div>'
        for name, key, text, beside in tiles
    )
    days = own.get("max_drawdown_days", 0.0)
    return (
        f'<dl class="tiles">{cells}'
        f'<div class="tile"><dt>Peak to recovery</dt><dd data-stat="max_drawdown_days">{lasting(int(days * DAY)) if days else words.NONE}</dd>'
        '<dd class="held">of the deepest fall</dd></div>'
        f'<div class="tile"><dt>Trades</dt><dd data-stat="trades">{number(own.get("trades"), 0)}</dd><dd class="held">{wins}</dd></div></dl>'
    )


def _curves(result: Result, k: int) -> str:
    own, held = result.stats, result.benchmark_stats
    said = f"Equity of {result.name}: {percent(own.get('total_return'), signed=True)}; buy and hold: {percent(held.get('total_return'), signed=True)}"
    fell = f"Falls from the peak: at most {percent(own.get('max_drawdown'))}; buy and hold {percent(held.get('max_drawdown'))}"
    return (
        f'<section class="figure"><div class="figbar"><h3>{escape(words.became(result))}</h3>'
        '<button type="button" class="toggle" data-log aria-pressed="false">log</button></div><p class="readout" aria-live="polite"></p>'
        f'<div class="chart tall" data-chart="equity" data-run="{k}" tabindex="0" role="img" aria-label="{escape(said)}"></div>'
        f"<h4>{escape(words.fell(result))}</h4>"
        f'<div class="chart low" data-chart="fall" data-run="{k}" tabindex="0" role="img" aria-label="{escape(fell)}"></div>'
        "<noscript><p>The charts need the script of this page; every number is in the tables.</p></noscript></section>"
    )


def _prices(result: Result, k: int) -> str:
    traded = [symbol for symbol in result.symbols if symbol in set(result.fills["symbol"].to_list())]
    if not traded:
        return ""
    buttons = "".join(
        f'<button type="button" class="toggle" data-symbol="{escape(s)}" aria-pressed="false">{escape(s)}</button>'
        for s in traded
    )
    note = " in today's units (splits taken out)" if result.splits else ""
    return (
        f'<section class="figure"><div class="figbar"><h3>Where it traded</h3><div class="picks">{buttons}</div></div>'
        '<p class="readout" aria-live="polite"></p>'
        f'<div class="chart tall" data-chart="price" data-run="{k}" tabindex="0" role="img" aria-label="Prices with entries and exits"></div>'
        f'<p class="note"><span class="buy">▲</span> bought <span class="sell">▼</span> sold; prices{note}.</p></section>'
    )


def _trades(result: Result) -> str:
    trades = result.trades
    if not trades.height:
        return '<section><h3>Trades</h3><p class="note">There were none.</p></section>'
    shown = trades
    if trades.height > ROWS:
        shown = (
            trades.with_row_index("row")
            .sort(trades["pnl"].abs(), descending=True, nulls_last=True)
            .head(ROWS)
            .sort("row")
        )
    one = per_one(result.currency)
    many = len(result.strategies) > 1
    clock = _intraday(result)
    rows = []
    for trip in shown.iter_rows(named=True):
        pnl = None if trip["pnl"] is None else trip["pnl"] / one
        tone = "" if not pnl else "up" if pnl > 0 else "down"
        still = trip["open"]
        why = escape(" → ".join(text for text in (trip["why_in"], trip["why_out"]) if text))
        who = f"<td>{escape(trip['strategy'])}" if many else ""
        rows.append(  # end tags that HTML does not ask for are left out: this is most of the page
            f'<tr class="{tone}{" open" if still else ""}"><th>{escape(trip["symbol"])}{who}'
            f"<td>{'long' if trip['side'] > 0 else 'short'}<td>{_day(trip['entered'], clock)}"
            f"<td>{'open' if still else _day(trip['left'], clock)}<td>{_size(trip['units'])}"
            f"<td>{_price(trip['entry_price'])}<td>{_price(trip['exit_price'])}"
            f"<td>{money(pnl, result.currency, signed=True)}<td>{percent(trip['return_frac'], signed=True)}"
            f'<td data-v="{trip["held_ns"] // HOUR}">{lasting(trip["held_ns"])}<td>{why}'
        )
    heads = ("Symbol", *(("Strategy",) if many else ()), "Side", "Entered", "Left", "Units", "Entry", "Exit", "P&amp;L", "Return", "Held", "Why")
    head = "".join(f'<th scope="col"><button type="button">{label}</button></th>' for label in heads)
    stats = result.stats
    note = (
        "None has closed yet; open ones are valued at the last price."
        if not stats.get("trades")
        else (
            f"{int(stats['trades']):,} closed, {percent(stats.get('win_rate'), 0)} won, profit factor {number(stats.get('profit_factor'))}, "
            f"average {percent(stats.get('average_frac'), 2, signed=True)}, best {percent(stats.get('best_frac'), signed=True)}, "
            f"worst {percent(stats.get('worst_frac'), signed=True)}."
        )
    )
    note += " P&amp;L is after fees and without dividends."
    cut = f" Listed: the {ROWS:,} largest of {trades.height:,}." if trades.height > ROWS else ""
    return (
        f'<section><h3>{escape(words.trips(result))}</h3><p class="note">{note}{cut}</p><div class="scroll rows" tabindex="0">'
        f'<table class="{"many " if many else ""}sortable trades"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _intraday(result: Result) -> bool:
    """Whether the time of day tells trades apart: rows less than half a day from each other, by the middle of them."""
    return len(result.known) > 2 and float(np.median(np.diff(result.known))) < DAY / 2


def _day(ns: int, clock: bool) -> str:
    text = iso(ns)
    return text[:10] if not clock or "T" not in text else f"{text[:10]} {text[11:16]}"


def _size(units: float) -> str:
    return number(units, 0) if units == int(units) else number(units, 4)


def _price(price: float | None) -> str:
    return number(price, 2 if price is None or abs(price) >= 1 else 4)


def _refusals(result: Result, asked: Sequence[Asked]) -> str:
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
    total = sum(result.refusals.values())
    title = f"{words.counted(total, 'order')} refused"
    return (
        f'<section><h3>{title}</h3><table class="bars"><tbody>{rows}</tbody></table>{less}'
        + "".join(_refused(code, asked, result.currency) for code, _ in ranked)
        + "</section>"
    )


def _refused(code: str, asked: Sequence[Asked], currency: str) -> str:
    """What a code means, and the first orders it stopped, with what was compared."""
    rows = [row for row in asked if row.outcome == REFUSED and row.code == code]
    about = meaning(code)
    if not rows and not about:
        return ""
    items = "".join(
        f"<li>{iso(row.known)[:10]} {'buy' if row.side > 0 else 'sell'} {_size(row.units)} {escape(row.symbol)}: "
        f"{escape(row.text or 'refused')}{escape(f' ({compared(row.numbers, currency)})' if row.numbers else '')}</li>"
        for row in rows[:EXAMPLES]
    )
    more = f"<li>and {len(rows) - EXAMPLES:,} more</li>" if len(rows) > EXAMPLES else ""
    return f'<p class="note"><code>{escape(code)}</code> {escape(about)}</p><ul class="refused">{items}{more}</ul>'


def _costs(result: Result) -> str:
    stats = result.stats
    fees, traded = stats.get("fees", 0.0), stats.get("traded", 0.0)
    rows = (
        ("Fees", "fees", money(fees, result.currency)),
        ("Traded", "traded", money(traded, result.currency, 0)),
        ("Fees of what was traded", "", f"{number(1e4 * fees / traded)} bps" if traded else words.NONE),
        ("Slippage, in the prices", "", words.slippage(result.settings)),
        ("Turnover a year", "turnover", f"{number(stats.get('turnover'))} ×"),
        ("Time in the market", "exposure", percent(stats.get("exposure"))),
        ("Executions", "", f"{result.fills.height:,}"),
    )
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td class="n"{f" data-stat={key}" if key else ""}>{text}</td></tr>'
        for name, key, text in rows
    )
    return (
        f'<section><h3>{escape(words.cost(result))}</h3><table class="plain"><tbody>{cells}</tbody></table></section>'
    )


def _terms(result: Result) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(key)}</th><td>{escape(text)}</td></tr>'
        for key, text in _flat(result.settings)
    )
    names = "".join(
        f'<tr><th scope="row">{escape(key)}</th><td><code>{escape(text)}</code></td></tr>'
        for key, text in result.hashes.items()
    )
    pace = f" ({result.bars / result.seconds:,.0f} rows/s)" if result.seconds > 0 else ""
    run = f'<tr><th scope="row">run</th><td>{result.bars:,} market rows in {result.seconds:.2f} s{pace}</td></tr>'
    return (
        '<section><details><summary>Settings and hashes</summary><p class="note">'
        "The same settings on the same tape give the same journal, to the bit.</p>"
        f'<table class="plain keys"><tbody>{rows}{names}{run}</tbody></table></details></section>'
    )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted key, value)."""
    out: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            out += _flat(value, f"{prefix}{key}.")
        else:
            out.append(
                (
                    prefix + str(key),
                    ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value),
                )
            )
    return out
