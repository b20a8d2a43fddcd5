"""What each panel of the dashboard says, as text from a desk's status; it asks nobody."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from argosy.cli.screen import GAIN, LOSS, sparkline

SOFT = "grey58"
Told = dict[str, Any]


def _money(value: float, signed: bool = False) -> Text:
    text = f"{value:+,.2f}" if signed else f"{value:,.2f}"
    style = (GAIN if value > 0 else LOSS if value < 0 else SOFT) if signed else ""
    return Text(text.replace("-", "−"), style=style, justify="right")


def _number(value: float | None, digits: int = 2) -> Text:
    return Text("" if value is None else f"{value:,.{digits}f}", justify="right")


def _clock(at: int) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(at / 1e9).astimezone():%H:%M:%S}"


def head(told: Told) -> Text:
    """Which desk, and whether all is well."""
    live = told["mode"] == "live"
    out = Text.assemble(
        (" Argosy ", "bold"), (f" {told['mode'].upper()} ", "bold white on red" if live else "bold black on cyan"), f"  {told['account']}  ",
        (told["state"], GAIN if told["state"] == "trading" else LOSS), "  ",
    )  # fmt: skip
    level, cause = told["level"], told["cause"]
    out.append(level if level == "LIVE" else f" {level}: {cause} ", SOFT if level == "LIVE" else "bold white on dark_orange3")
    for name, open_ in told["sessions"].items():
        out.append(f"   {name} {'open' if open_ else 'closed'}", SOFT)
    for row in told["streams"]:
        age = f" {row['age']:.1f}s" if row["age"] >= 0 and row["name"] == "market" else ""
        out.append(f"   {row['name']} {'●' if row['up'] else '○ DOWN'}{age}", SOFT if row["up"] else f"bold {LOSS}")
    return out


def money(told: Told, curve: list[float], width: int) -> Text:
    """Equity, today's profit, cash, and the last minutes as a line."""
    out = Text.assemble(
        ("equity ", SOFT), (f"{told['equity']:,.2f}", "bold"), ("   today ", SOFT), _money(told["day_pnl"], True), ("   cash ", SOFT),
        f"{told['cash']:,.2f}", ("   fills ", SOFT), f"{told['fills']:,}", "\n",
    )  # fmt: skip
    out.append(sparkline(curve, min(width, max(2, len(curve)))), GAIN if curve and curve[-1] >= curve[0] else LOSS)
    journal = told["journal"]
    out.append(f"\njournal {journal['seq']:,}  {journal['chain'][:12]}   {told['rows']:,} rows   clock {told['offset_ms']:+.0f} ms", SOFT)
    return out


def gauges(told: Told, width: int) -> Text:
    """How much of each limit is used."""
    out = Text()
    for row in told["gauges"]:
        out.append(f"{row['name']:<16}", SOFT)
        if not row["limit"]:
            out.append(f"{row['value']:.1%}\n")
            continue
        used = min(1.0, row["value"] / row["limit"])
        full = round(used * width)
        out.append("█" * full, LOSS if used > 0.5 else GAIN)
        out.append("░" * (width - full), SOFT)
        out.append(f" {row['value']:.2%} of {row['limit']:.2%}\n")
    if told["refusals"]:
        worst = sorted(told["refusals"].items(), key=lambda pair: -pair[1])[:4]
        out.append("refused  " + "  ".join(f"{code} {count}" for code, count in worst), SOFT)
    return out


def positions(told: Told) -> list[tuple[Any, ...]]:
    """Rows of what is held."""
    return [
        (
            row["symbol"], _number(row["qty"], 0 if row["qty"] == int(row["qty"]) else 4), _number(row["average"]), _number(row["mark"]),
            _money(row["value"]), _money(row["pnl"], True), ", ".join(f"{name or 'house'} {lots:,}" for name, lots in row["by_strategy"].items()),
        )
        for row in told["positions"]
    ]  # fmt: skip


def orders(told: Told) -> list[tuple[Any, ...]]:
    """Rows of orders that are not over."""
    rows: list[tuple[Any, ...]] = []
    for row in told["orders"]:
        price = " / ".join(f"{row[name]:,.2f}" for name in ("stop", "limit") if row[name] is not None)
        side = Text(row["side"], style=GAIN if row["side"] == "buy" else LOSS)
        rows.append((
            row["client_id"], row["symbol"], side, _number(row["qty"], 0), _number(row["filled"], 0), row["type"], Text(price, justify="right"),
            row["work"].lower().replace("_", " "), row["strategy"], row["tag"],
        ))  # fmt: skip
    return rows


def strategies(told: Told) -> list[tuple[Any, ...]]:
    """Rows of the fleet."""
    rows: list[tuple[Any, ...]] = []
    for row in told["strategies"]:
        stands = Text(row["status"], style=GAIN if row["status"] == "active" else LOSS)
        rows.append((row["id"], stands, _money(row["equity"]), _money(row["pnl"], True), row["cause"]))
    return rows


def decisions(told: Told) -> Text:
    """The last things wanted, refused and filled, the newest first."""
    out = Text()
    for row in reversed(told["decisions"]):
        out.append(f"{_clock(row['at'])} ", SOFT)
        out.append(f"{row['strategy'] or 'desk':<14.14} ", "bold")
        out.append(f"{row['symbol']:<6} {row['what']}")
        out.append(f"  {row['why']}\n", SOFT)
    return out


def alarms(told: Told) -> Text:
    """What the owner must see, the newest first."""
    if not told["alarms"]:
        return Text("none", style=SOFT)
    out = Text()
    for row in reversed(told["alarms"][-4:]):
        out.append(f"{_clock(row['at'])} {row['code']} ", f"bold {LOSS}" if row["severity"] == "page" else LOSS)
        out.append(f"{row['text']}\n")
    return out
