"""The decisions of a day as one self-contained HTML file, to be read in a minute or printed; it decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from argosy.core.time import iso
from argosy.lab.daily.decide import Call, Daily, Voice, counted
from argosy.lab.daily.fresh import Age
from argosy.lab.words import money, number, percent

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2733;--soft:#66758a;--line:#d9e0e8;--paper:#fff;--buy:#1d6fb8;--sell:#b85c12;--warn:#fff2df}
@media(prefers-color-scheme:dark){:root{--ink:#e6ecf2;--soft:#94a3b5;--line:#2c3946;--paper:#121a22;--buy:#6bb4ee;--sell:#efa055;--warn:#3a2a12}}
*{box-sizing:border-box}body{margin:0 auto;max-width:64rem;padding:2.5rem 1.25rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}h1{font-size:1.6rem;margin:0 0 .25rem}p{margin:.25rem 0}.soft{color:var(--soft)}
.warn{background:var(--warn);border-left:4px solid var(--sell);padding:.75rem 1rem;margin:1.25rem 0;font-weight:600}
.tally{display:flex;gap:2rem;margin:1.25rem 0}.tally b{font-size:1.8rem;display:block;line-height:1.1}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;margin-top:1rem;font-variant-numeric:tabular-nums}

th{font-weight:500;color:var(--soft);text-align:right;font-size:.85rem}
th,td{padding:.55rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td{text-align:right;white-space:nowrap}th.l,td.l{text-align:left}td.why{white-space:normal;min-width:20rem;text-align:left;font-size:.9rem}
.BUY{color:var(--buy);font-weight:700}.SELL{color:var(--sell);font-weight:700}.HOLD{color:var(--soft);font-weight:600}.why div{margin-bottom:.3rem}
"""


def html(daily: Daily, ages: Sequence[Age], label: str) -> str:
    """The page."""
    tally = counted(daily)
    old = [age for age in ages if age.stale]
    sized = f"sized for {money(daily.equity, daily.currency, 0)} of {'your own' if daily.own else 'a paper account'}"
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Argosy daily {iso(daily.known)[:10]}</title>",
        f"<style>{_STYLE}</style><h1>What to do after {iso(daily.known)[:10]}</h1>",
        f"<p class=soft>{escape(label)} · {escape(', '.join(daily.strategies))} · {escape(sized)}</p>",
    ]
    if old:
        parts.append(f"<p class=warn>{escape(warning(old))}</p>")
    parts += [f"<p class=warn>{escape(text)}</p>" for text in (*(f"Stopped by an error: {one}" for one in daily.failures), *_foreign(daily))]
    parts.append("<div class=tally>" + "".join(f"<span class={name}><b>{count}</b>{name}</span>" for name, count in tally.items()) + "</div>")
    heads = ("<th class=l>Symbol<th class=l>Decision<th>Close<th>Holds<th>Wants<th>Trade<th>Worth<th class=l>Why")
    parts.append(f"<div class=wide><table><thead><tr>{heads}</thead><tbody>")
    parts += [_row(call, daily.currency) for call in order(daily.calls)]
    parts.append("</tbody></table></div>")
    parts += [f"<p class=soft>{escape(note)}</p>" for note in daily.notes]
    parts.append("<p class=soft>What the strategies want on past prices: not advice, and no order was sent.</p></html>")
    return "\n".join(parts)


def order(calls: Sequence[Call]) -> list[Call]:
    """What is to be sold first, then what is to be bought, then the rest; the largest first."""
    return sorted(calls, key=lambda call: (("SELL", "BUY", "HOLD").index(call.action), -abs(call.worth), call.symbol))


def warning(old: Sequence[Age]) -> str:
    """What to say of stale prices."""
    worst = old[0]
    names = ", ".join(age.symbol for age in old[:6]) + (f" and {len(old) - 6} more" if len(old) > 6 else "")
    sessions = "session is" if worst.missed == 1 else "sessions are"
    return f"STALE: {worst.missed:,} {sessions} missing since {iso(worst.known)[:10]} ({names}). These are no decisions for today."


def said(voice: Voice) -> str:
    """A strategy's word in one line."""
    if voice.warming and not voice.since:
        return f"{voice.strategy} {voice.action}: warming up, {voice.warming} bars more"
    why = voice.why or ("no signal yet" if not voice.since else "")
    when = "" if voice.fresh or not voice.since else f" (since {iso(voice.since)[:10]})"
    gate = "" if voice.gate in ("", "approved") else f"; the gate: {voice.gate}"
    stop = f"; stop {voice.stop:,.6g}" if voice.stop is not None else ""
    rest = f"; {voice.resting} resting orders" if voice.resting else ""
    place = f"{voice.strategy} {voice.action} ({'in' if voice.wanted > 0 else 'short' if voice.wanted < 0 else 'out'})"
    return f"{place}: {why}{when}{stop}{rest}{gate}"


def size(units: float) -> str:
    """Units, whole ones without decimals."""
    return number(units, 0 if units == int(units) else 4)


def _foreign(daily: Daily) -> list[str]:
    return [f"Held, and not in the data: {', '.join(daily.unknown)}. Nothing is said of them."] if daily.unknown else []


def _row(call: Call, currency: str) -> str:
    why = "".join(f"<div>{escape(said(voice))}</div>" for voice in call.voices)
    gain = f" <span class=soft>({percent(call.gain_frac, signed=True)})</span>" if call.gain_frac is not None else ""
    trade = size(call.trade) if call.trade else "–"
    worth = money(call.worth, currency, 0) if call.trade else "–"
    return (
        f"<tr><td class=l><b>{escape(call.symbol)}</b><td class='l {call.action}'>{call.action}<td>{number(call.price)}{gain}"
        f"<td>{size(call.held)}<td>{size(call.wanted)}<td>{trade}<td>{worth}<td class=why>{why}"
    )
