"""How a desk looks in a terminal: one page of what it holds, wants and said; it asks nobody and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argosy.cli.screen import GAIN, LOSS, SOFT, table

if TYPE_CHECKING:
    from rich.console import Console

Told = dict[str, Any]


def _money(value: float, signed: bool = False) -> Any:
    from rich.text import Text

    text = f"{value:+,.2f}" if signed else f"{value:,.2f}"
    return Text(text.replace("-", "−"), style=(GAIN if value > 0 else LOSS if value < 0 else "") if signed else "")


def standing(told: Told, out: Console) -> None:
    """The whole page."""
    from rich.text import Text

    calm = told["level"] == "LIVE" and told["state"] == "trading"
    head = Text.assemble(
        (f"{told['mode']} {told['account']}", "bold"), "  ", (told["state"], GAIN if told["state"] == "trading" else LOSS), "  ",
        (told["level"] + (f": {told['cause']}" if told["cause"] and told["level"] != "LIVE" else ""), SOFT if calm else f"bold {LOSS}"),
    )  # fmt: skip
    out.print(head)
    out.print(
        Text.assemble("equity ", _money(told["equity"]), "   today ", _money(told["day_pnl"], True), "   cash ", _money(told["cash"]),
                      f"   {told['fills']} fills")
    )  # fmt: skip
    out.print()
    held(told["positions"], out)
    working(told["orders"], out)
    fleet = table("Strategy", "", " Equity", " P&L", "Why it rests")
    for row in told["strategies"]:
        state = Text(row["status"], style="" if row["status"] == "active" else LOSS)
        fleet.add_row(row["id"], state, _money(row["equity"]), _money(row["pnl"], True), row["cause"])
    out.print(fleet)
    for row in told["gauges"]:
        if row["limit"]:
            used = row["value"] / row["limit"]
            out.print(Text(f"{row['name']:<16} {row['value']:.2%} of {row['limit']:.2%}", style=LOSS if used > 0.5 else ""))
    flows = "   ".join(_flow(row) for row in told["streams"])
    out.print(Text(flows, style=SOFT if all(row["up"] for row in told["streams"]) else LOSS))
    if told["refusals"]:
        out.print("refused: " + ", ".join(f"{code} {count}" for code, count in told["refusals"].items()))
    for row in told["decisions"][-5:]:
        out.print(Text(f"{clock(row['at'])}  {row['strategy'] or 'desk':<12} {row['symbol']:<6} {row['what']}"), Text(row["why"], style=SOFT))
    for row in told["alarms"][-5:]:
        out.print(Text(f"{clock(row['at'])}  {row['code']}: {row['text']}", style=LOSS))


def _flow(row: Told) -> str:
    return f"{row['name']} {'up' if row['up'] else 'DOWN'}" + (f" {row['age']:.1f} s ago" if row["age"] >= 0 else "")


def held(rows: list[Told], out: Console) -> None:
    """Positions."""
    if not rows:
        out.print("flat", style=SOFT)
        return
    shown = table("Symbol", " Held", " Paid", " Price", " Worth", " P&L", "Whose")
    for row in rows:
        whose = ", ".join(f"{name or 'house'} {lots}" for name, lots in row["by_strategy"].items())
        prices = f"{row['average']:.2f}", f"{row['mark']:.2f}"
        shown.add_row(row["symbol"], f"{row['qty']:g}", *prices, _money(row["value"]), _money(row["pnl"], True), whose)
    out.print(shown)


def working(rows: list[Told], out: Console) -> None:
    """Orders that are not over."""
    if not rows:
        out.print("no orders", style=SOFT)
        return
    shown = table("Order", "Symbol", "", " Lots", " Filled", "Type", " Price", "Where", "Strategy", "")
    for row in rows:
        price = " / ".join(f"{row[name]:.2f}" for name in ("stop", "limit") if row[name] is not None)
        shown.add_row(
            row["client_id"], row["symbol"], row["side"], f"{row['qty']:g}", f"{row['filled']:g}", row["type"], price, row["work"].lower(),
            row["strategy"], row["tag"],
        )  # fmt: skip
    out.print(shown)


def clock(at: int) -> str:
    """The time of day here."""
    from datetime import datetime

    return f"{datetime.fromtimestamp(at / 1e9).astimezone():%H:%M:%S}"
