"""How numbers are said to people, the same in the terminal and in a report; it never rounds what is computed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from argosy.core.money import FIAT
from argosy.core.time import DAY, HOUR, MINUTE
from argosy.lab.result import Result

MINUS = "−"
NONE = "–"
HOLDING = "Holding all is the same cash in equal parts of all instruments, bought at their first price and kept, without costs."
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
    begin, end = float(result.grown[0]), float(result.grown[-1])
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
    if came := net(result):
        first += f" {came[0].upper()}{came[1:]}."
    second = f"Buying and holding the same instruments made {percent(held.get('total_return'), signed=True)}."
    third = f"The deepest fall was {percent(own.get('max_drawdown'))}, against {percent(held.get('max_drawdown'))} for holding."
    return f"{first} {second} {third}"


def cautions(result: Result) -> list[str]:
    """What a careful reader should be told before she believes the numbers."""
    out = []
    if "SYNTHETIC" in (prices := str(result.settings.get("prices", ""))):
        out.append(f"{prices[prices.index('SYNTHETIC'):]}. It shows how the strategy works, not what it would have earned.")
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


# -- titles: what a picture or a table shows, in one line ------------------------------------------------------------------


def conditions(settings: Mapping[str, Any]) -> list[str]:
    """What a run was charged and held to: ["fees alpaca", "slippage 1 bps", "limits lab"]; nothing that is not set."""
    venue, risk = settings.get("venue", {}), settings.get("risk", {})
    fees = venue.get("fees")
    out = [] if fees is None else [f"fees {fees if isinstance(fees, str) else 'of your own'}"]
    out += [f"slippage {venue['slippage_bps']:g} bps"] if "slippage_bps" in venue else []
    return out + ([f"limits {risk['profile']}"] if "profile" in risk else [])


def counted(count: int, noun: str) -> str:
    """ "1 order was", "2 orders were" """
    return f"{count:,} {noun}{' was' if count == 1 else 's were'}"


def slippage(settings: Mapping[str, Any]) -> str:
    """ "1 bps" or "–"."""
    bps = settings.get("venue", {}).get("slippage_bps")
    return NONE if bps is None else f"{bps:g} bps, on market orders and stops"


def ranking(runs: Sequence[Result]) -> str:
    """Who ended highest, who fell least, and how many did better than holding."""

    def stat(run: Result, name: str, other: float) -> float:
        value = run.stats.get(name, other)
        return value if isfinite(value) else other

    most = max(runs, key=lambda run: stat(run, "total_return", float("-inf")))
    least = min([run for run in runs if run.fills.height] or runs, key=lambda run: stat(run, "max_drawdown", float("inf")))
    beat = sum(stat(run, "total_return", float("-inf")) > run.benchmark_stats.get("total_return", 0.0) for run in runs)
    held = f"{beat or 'None'} of {len(runs)} made more than holding all."
    return (
        f"{most.name} made most ({percent(most.stats.get('total_return'), signed=True)}); "
        f"{least.name} fell least ({percent(least.stats.get('max_drawdown'))}). {held}"
    )


def became(result: Result) -> str:
    """ "$100,000 became $366,934; holding all: $504,560" """
    if not len(result.known):
        return "Equity"
    begin, end, held = (money(float(v), result.currency, 0) for v in (result.grown[0], result.grown[-1], result.benchmark[-1]))
    came = net(result)
    return f"{begin} became {end}; holding all: {held}" + (f" ({came})" if came else "")


def net(result: Result) -> str:
    """What came in or went out on the way, which no figure counts as gain or loss; "" for nothing."""
    came = float(result.flow[1:].sum()) if result.flows and len(result.known) else 0.0
    if not result.flows or not bool(result.flow[1:].any()):
        return ""
    way = "paid in" if came >= 0 else "taken out"
    now = money(float(result.value[-1]), result.currency, 0)
    return f"{money(abs(came), result.currency, 0)} {way} on the way, which is no gain or loss; the account has {now}"


def fell(result: Result) -> str:
    """How deep it fell, and what holding did."""
    own, held = (percent(stats.get("max_drawdown")) for stats in (result.stats, result.benchmark_stats))
    return f"Below the peak: at worst {own}; holding all {held}"


def months(fracs: Sequence[float]) -> str:
    """How many months gained, and the span of them."""
    gained = sum(frac > 0 for frac in fracs)
    worst, best = (percent(one(fracs), signed=True) for one in (min, max))
    return f"{gained} of {len(fracs)} months gained, from {worst} to {best}"


def trips(result: Result) -> str:
    """How many trades, and how they ended."""
    closed = int(result.stats.get("trades", 0))
    still = result.trades.height - closed
    held = f"{still} still open" if still else ""
    if not closed:
        return f"Trades: none closed, {held}"
    won = round(closed * result.stats.get("win_rate", 0.0))
    return f"Trades: {won:,} of {closed:,} won" + (f", {held}" if held else "")


def cost(result: Result) -> str:
    """What fees took of what was made."""
    fees = result.stats.get("fees", 0.0)
    if not len(result.known):
        return "Costs and activity"
    gain = float(result.value[-1] - result.value[0] - result.flow[1:].sum())
    if gain <= 0 or not fees:
        return f"Fees took {money(fees, result.currency)}"
    return f"Fees took {money(fees, result.currency)}, {percent(fees / (gain + fees), 2)} of the gain before them"
