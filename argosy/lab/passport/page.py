"""The passport as a page: one HTML file that opens anywhere, asks no network for anything and runs no script; it computes no figure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from argosy.core.time import iso
from argosy.lab.passport.check import WORDS, Check
from argosy.lab.passport.issue import Passport
from argosy.lab.words import money, number, percent

SIGNS = {"pass": "✓", "warn": "!", "fail": "✕", "none": "·"}
SPOKEN = {"pass": "passed", "warn": "caution", "fail": "failed", "none": "not asked"}
_SHIP = (
    '<svg class="ship" viewBox="0 0 48 40" aria-hidden="true"><path d="M4 28h40l-5 9H11z"/><path d="M23 3v22H8C16 20 21 12 23 3z"/>'
    '<path d="M26 8c3 5 8 12 16 17H26z"/></svg>'
)
HERE = '<script type="application/json" id="passport"></script>'
"""Where the signed passport stands in the page; the page is named by its hash while this place is empty."""


def render(passport: Passport, key: str) -> str:
    """The page, with an empty place for what is signed. key: the public name of the key that will sign it."""
    sheets = files("argosy.lab") / "page" / "style.css", files("argosy.lab.passport") / "style.css"
    style = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    body = (
        _masthead(passport), _stamp(passport), _tiles(passport), _equity(passport), _questions(passport.checks), _figures(passport),
        _identity(passport, key),
    )  # fmt: skip
    return "\n".join((
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
        f"<title>{escape(passport.name)}: {passport.verdict} · Argosy passport</title><style>{style}</style></head><body><main>",
        *(part for part in body if part),
        f"<footer>Made by {escape(passport.by)} on {escape(passport.made)}. A passport says what a test was worth, not what will be.</footer>",
        f"</main>{HERE}</body></html>",
    ))  # fmt: skip


def _masthead(passport: Passport) -> str:
    terms = passport.conditions
    listed = ", ".join(passport.symbols[:12]) + (f" and {len(passport.symbols) - 12} more" if len(passport.symbols) > 12 else "")
    parts = [
        f"{passport.period[0]} to {passport.period[1]}", listed, f"{passport.rows:,} rows",
        f"{money(terms.get('cash'), str(terms.get('currency', 'USD')), 0)} at the start", f"fees {terms.get('fees')}",
        f"slippage {terms.get('slippage_bps', 0):g} bps",
    ]  # fmt: skip
    spans = "".join(f"<span>{escape(part)}</span>" for part in parts if part)
    return (
        f'<header class="top">{_SHIP}<div><p class="house">Argosy · passport</p><h1>{escape(passport.name)}</h1>'
        f'<p class="meta">{spans}</p></div></header>'
    )


def _stamp(passport: Passport) -> str:
    said = "".join(f"<li>{escape(text)}</li>" for text in passport.reasons)
    return (
        f'<div class="stamp {passport.verdict}"><b>{passport.verdict}</b><p>{escape(WORDS[passport.verdict].capitalize())}.</p><ul>{said}</ul></div>'
    )


def _of(passport: Passport, name: str, key: str) -> Any:
    return next((one.numbers.get(key) for one in passport.checks if one.name == name), None)


def _status(passport: Passport, name: str) -> str:
    return next((one.status for one in passport.checks if one.name == name), "none")


def _tiles(passport: Passport) -> str:
    own, luck = passport.figures, _of(passport, "deflated_sharpe", "best_of_luck")
    gain, held = own.get("total_return"), _of(passport, "benchmark", "gain_holding")
    rows: list[tuple[str, str, str, str]] = [
        ("Sharpe a year", number(own.get("sharpe")), "" if luck is None else f"luck alone {number(luck)}", ""),
        ("Deflated Sharpe", _chance(_of(passport, "deflated_sharpe", "deflated_sharpe")), "95 % is wanted", _status(passport, "deflated_sharpe")),
        ("Trials", f"{passport.trials:,}", "counted on these prices", _status(passport, "trials")),
        ("Overfitting", percent(_of(passport, "overfit", "pbo"), 0), "chance, by choosing", _status(passport, "overfit")),
        ("Gain", percent(gain, signed=True), "" if held is None else f"holding {percent(held, signed=True)}", ""),
        ("Deepest fall", percent(own.get("max_drawdown")), f"{int(own.get('trades') or 0):,} trades", ""),
    ]
    tiles = "".join(
        f'<dl class="tile {status}" style="margin:0"><dt>{label}</dt><dd>{escape(value)}</dd><dd class="held">{escape(beside)}</dd></dl>'
        for label, value, beside, status in rows
    )
    return f'<div class="tiles">{tiles}</div>'


def _chance(frac: float | None) -> str:
    return "> 99.9\u00a0%" if frac is not None and frac > 0.999 else percent(frac)


def _equity(passport: Passport) -> str:
    known, own, held = (passport.curve.get(name, []) for name in ("known", "own", "held"))
    if len(known) < 2:
        return ""
    width, height = 1000.0, 230.0
    lines = [np.array([np.nan if v is None else v for v in line], np.float64) for line in (own, held)]
    low, high = float(min(np.nanmin(line) for line in lines)), float(max(np.nanmax(line) for line in lines))
    log = low > 0.0 and high / low > 4.0
    ends = (np.log(low), np.log(high)) if log else (low, high)
    span = (ends[1] - ends[0]) or 1.0
    x = (np.array(known, np.float64) - known[0]) / max(1, known[-1] - known[0]) * (width - 78)

    def path(line: Any) -> str:
        scaled = np.log(line) if log else line
        y = 8 + (1 - (scaled - ends[0]) / span) * (height - 34)
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True) if b == b)

    currency = str(passport.figures.get("currency", "USD"))
    marks = "".join(
        f'<line class="ends" x1="0" x2="{width - 78:.0f}" y1="{y:.0f}" y2="{y:.0f}"/><text x="{width - 72:.0f}" y="{y + 4:.0f}">{escape(text)}</text>'
        for y, text in ((8.0, money(high, currency, 0)), (height - 26, money(low, currency, 0)))
    )
    foot = f'y="{height - 6:.0f}"'
    days = f'<text x="0" {foot}>{iso(known[0])[:10]}</text><text x="{width - 78:.0f}" {foot} text-anchor="end">{iso(known[-1])[:10]}</text>'
    scale = "<span>log scale</span>" if log else ""
    return (
        f'<section class="figure"><h3>{money(own[0], currency, 0)} became {money(own[-1], currency, 0)}; holding {money(held[-1], currency, 0)}</h3>'
        f'<p class="legend"><span><i class="key c0"></i>{escape(passport.name)}</span><span><i class="key ch"></i>Holding all</span>{scale}</p>'
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="Equity beside holding">{marks}{days}'
        f'<path class="held" d="{path(lines[1])}"/><path class="own" d="{path(lines[0])}"/></svg></section>'
    )


def _questions(checks: Sequence[Check]) -> str:
    rows = "".join(
        f'<div class="{one.status}"><i title="{SPOKEN[one.status]}">{SIGNS[one.status]}</i><b>{escape(one.title)}</b><span>{escape(one.said)}</span>'
        f"<small>Wanted: {escape(one.bar)}. Because {escape(one.why)}.</small></div>"
        for one in checks
    )
    count = {status: sum(one.status == status for one in checks) for status in SIGNS}
    told = ", ".join(f"{n} {SPOKEN[status]}" for status, n in count.items() if n)
    return f'<section><h2>What was asked</h2><p class="note">{len(checks)} questions: {told}.</p><div class="asked">{rows}</div></section>'


def _figures(passport: Passport) -> str:
    parts = [part for part in (_left(passport), _logits(passport)) if part]
    if not parts:
        return ""
    return f'<div class="pair">{"".join(parts)}</div>' if len(parts) > 1 else f'<section class="figure">{parts[0][9:-10]}</section>'


def _left(passport: Passport) -> str:
    """The Sharpe ratio under worse conditions, beside its own."""
    own = passport.figures.get("sharpe")
    rows = [
        ("As tested", own),
        ("What luck alone would show", _of(passport, "deflated_sharpe", "best_of_luck")),
        ("Costs twice as high", _of(passport, "costs", "sharpe_doubled")),
        ("One bar later", _of(passport, "delay", "sharpe_late")),
        ("Best choice, other half of the days", _of(passport, "overfit", "outside")),
        ("Worst neighbour", _of(passport, "sensitivity", "worst")),
        ("Holding", _of(passport, "benchmark", "sharpe_holding")),
    ]
    kept = [(label, float(value)) for label, value in rows if value is not None]
    if len(kept) < 2:
        return ""
    most = max(abs(value) for _, value in kept) or 1.0
    cells = "".join(
        f'<tr><th scope="row">{label}</th><td class="n">{number(value)}</td><td><span class="{"under" if value < 0 else ""}" '
        f'style="width:{abs(value) / most * 100:.1f}%"></span></td></tr>'
        for label, value in kept
    )
    return f'<section><h3>The Sharpe ratio, and what becomes of it</h3><table class="left">{cells}</table></section>'


def _logits(passport: Passport) -> str:
    """Where the chosen stood in the other half of the days, over all splits."""
    counts, edges = _of(passport, "overfit", "logits"), _of(passport, "overfit", "edges")
    if not counts or not edges:
        return ""
    width, height, most = 480.0, 190.0, max(counts) or 1
    low, high = edges[0], edges[-1]
    bars = "".join(
        f'<rect class="{"bad" if (a + b) / 2 <= 0 else ""}" x="{(a - low) / (high - low) * width:.1f}" y="{8 + (1 - n / most) * (height - 40):.1f}" '
        f'width="{max(1.0, (b - a) / (high - low) * width - 1.5):.1f}" height="{n / most * (height - 40):.1f}"/>'
        for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
        if n
    )
    zero = -low / (high - low) * width
    middle = f'<line class="ends" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height - 30:.0f}"/>' if 0 < zero < width else ""
    return (
        f'<section><h3>Chosen on one half, where it stood on the other</h3><svg class="hist" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="Ranks of the chosen">{middle}{bars}<text x="0" y="{height - 8:.0f}">among the worst ({number(low, 1)})</text>'
        f'<text x="{width:.0f}" y="{height - 8:.0f}" text-anchor="end">among the best ({number(high, 1)})</text></svg>'
        f'<p class="note">Logit of its rank in {_of(passport, "overfit", "splits"):,} splits; orange is below the middle.</p></section>'
    )


def _identity(passport: Passport, key: str) -> str:
    data = "<br>".join(f"{escape(symbol)} <code>{escape(name)}</code>" for symbol, name in list(passport.data.items())[:20])
    chosen = ", ".join(f"{name} = {value}" for name, value in passport.params.items()) or "none"
    searched = "; ".join(f"{name}: {_axis(values)}" for name, values in passport.grid.items())
    rows = [
        ("Strategy", f"{escape(passport.strategy)}<br><code>{passport.code}</code>"), ("Parameters", escape(chosen)),
        ("Searched", escape(searched) if searched else "nothing: one set of parameters"), ("Prices", data),
        ("Terms", f"<code>{passport.terms}</code>"), ("Ledger of trials", escape(str(_of(passport, "trials", "ledger") or "none"))),
        ("Signed by", f"<code>{escape(key)}</code>"), ("Check it", "<code>argosy passport verify FILE</code>"),
    ]  # fmt: skip
    cells = "".join(f'<tr><th scope="row">{label}</th><td>{value}</td></tr>' for label, value in rows)
    return f'<section class="figure"><h3>What it was made of</h3><table class="plain keys hash">{cells}</table></section>'


def _axis(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values)) if len(values) <= 8 else f"{values[0]} to {values[-1]}, {len(values)} values"
