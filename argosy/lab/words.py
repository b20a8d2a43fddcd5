"""How numbers are said to people, the same in the terminal and in a report; it never rounds what is computed with."""

from __future__ import annotations

from math import isfinite

from argosy.core.money import FIAT
from argosy.core.time import DAY, HOUR, MINUTE
from argosy.lab.result import Result

MINUS = "−"
NONE = "–"
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def percent(frac: float | None, places: int = 1, *, signed: bool = False) -> str:
    """0.1234 -> "12.3 %" (the space never breaks), with a real minus; "–" when undefined."""
    if frac is None or not isfinite(frac):
        return NONE
    text = f"{abs(frac) * 100:,.{places}f}\u00a0%"
    zero = not float(f"{abs(frac) * 100:.{places}f}")
    return text if zero else MINUS + text if frac < 0 else "+" + text if signed else text


def number(value: float | None, places: int = 2) -> str:
    """1234.5 -> "1,234.50"; "∞" and "–" where it must be."""
    if value is None or value != value:
        return NONE
    if not isfinite(value):
        return "∞" if value > 0 else MINUS + "∞"
    text = f"{abs(value):,.{places}f}"
    return MINUS + text if value < 0 and float(text.replace(",", "")) else text


def money(
    amount: float | None, currency: str = "USD", places: int | None = None, *, signed: bool = False
) -> str:
    """1234.5 -> "$1,234.50" for currencies with a sign, else "1,234.50 CHF"; tokens with eight places."""
    if amount is None or not isfinite(amount):
        return NONE
    digits = (2 if currency in FIAT else 8) if places is None else places
    text = f"{abs(amount):,.{digits}f}"
    zero = not float(text.replace(",", ""))
    text = _SIGNS[currency] + text if currency in _SIGNS else f"{text} {currency}"
    return text if zero else MINUS + text if amount < 0 else "+" + text if signed else text


def lasting(ns: int) -> str:
    """A time in its largest sensible unit: "13.0 years", "41 days", "6.5 hours", "12 minutes"."""
    if ns >= 2 * 365 * DAY:
        return f"{ns / (365.25 * DAY):.1f} years"
    if ns >= 2 * DAY:
        return f"{ns / DAY:.0f} days"
    if ns >= 2 * HOUR:
        return f"{ns / HOUR:.1f} hours"
    return f"{ns / MINUTE:.0f} minutes" if ns >= MINUTE else "moments"


def headline(result: Result) -> str:
    """One line that an owner cannot misread: more or less than holding, and falls deeper or shallower."""
    own, held = result.stats, result.benchmark_stats
    if result.failures:
        return "Stopped by an error"
    if not result.fills.height:
        return "Never traded"
    if not (
        isfinite(own.get("total_return", float("nan"))) and isfinite(held.get("total_return", float("nan")))
    ):
        return "Too short to judge"
    gap = own["total_return"] - held["total_return"]
    more = "As much as" if abs(gap) < 0.0005 else "More than" if gap > 0 else "Less than"
    falls = own["max_drawdown"] - held["max_drawdown"]
    deep = "falls as deep" if abs(falls) < 0.0005 else "deeper falls" if falls > 0 else "shallower falls"
    if not own["total_return"] > 0 and gap <= 0:
        return f"Lost money, with {deep} than holding"
    return f"{more} buy and hold, with {deep}"


def story(result: Result) -> str:
    """The run in three sentences of plain numbers."""
    own, held = result.stats, result.benchmark_stats
    if not len(result.known):
        return "There was nothing to run on."
    begin, end = float(result.value[0]), float(result.value[-1])
    span = lasting(int(result.known[-1] - result.known[0]))
    first = (
        f"{result.name} turned {money(begin, result.currency, 0)} into {money(end, result.currency, 0)} in {span}: "
        f"{percent(own.get('total_return'), signed=True)}"
    )
    first += (
        f", or {percent(own['cagr'], signed=True)} a year."
        if isfinite(own.get("cagr", float("nan")))
        else "."
    )
    second = f"Buying and holding the same instruments made {percent(held.get('total_return'), signed=True)}."
    third = f"The deepest fall was {percent(own.get('max_drawdown'))}, against {percent(held.get('max_drawdown'))} for holding."
    return f"{first} {second} {third}"


def cautions(result: Result) -> list[str]:
    """What a careful reader should be told before she believes the numbers."""
    out = []
    closed = int(result.stats.get("trades", 0))
    if result.fills.height and closed < 30:
        said = (
            "No trade has"
            if not closed
            else "Only one trade has"
            if closed == 1
            else f"Only {closed} trades have"
        )
        out.append(f"{said} closed: too few to tell skill from luck.")
    if still := int(result.stats.get("open_trades", 0)):
        out.append(
            f"{still} position{'s' if still > 1 else ''} still open at the end, valued at the last price."
        )
    refused = sum(result.refusals.values())
    if refused and refused > result.fills.height:
        out.append(
            f"{refused:,} orders were refused, more than were filled: see the refusals before the return."
        )
    return out
