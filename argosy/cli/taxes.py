"""`argosy taxes`: the tax lots of a saved run, a year's sales in the columns of Form 8949; it is no tax advice and files nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Json

if TYPE_CHECKING:
    from argosy.lab.taxes import Account

NO_ADVICE = "This is arithmetic on simulated or recorded trades. It is no tax advice; your broker's papers and the law decide."


def taxes(
    folder: Annotated[Path, typer.Argument(help="A saved run: what `argosy backtest --save DIR` wrote.", metavar="RUN_FOLDER")],
    method: Annotated[
        str, typer.Option("--method", help="Which lots are sold first: fifo, lifo, hifo (dearest), or average.", metavar="METHOD")
    ] = "fifo",
    year: Annotated[int | None, typer.Option("--year", help="The calendar year; all years if left out.", metavar="YEAR")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the sales, one CSV file.", metavar="FILE")] = None,
    wash: Annotated[
        bool, typer.Option("--wash/--no-wash", help="Carry losses of wash sales (30 days before or after) into what replaced them.")
    ] = True,
    zone: Annotated[str, typer.Option("--zone", help="Where a calendar day begins, like America/New_York.", metavar="ZONE")] = "UTC",
    last: Annotated[int, typer.Option("--last", help="Sales to list, from the end; 0 is all.", metavar="N", min=0)] = 10,
    json: Json = False,
) -> None:
    """Sort a saved run's sales into tax lots: cost, gain, short or long term, wash sales.

    \b
      argosy backtest trend --symbols IBM --save runs/trend
      argosy taxes runs/trend --year 2011
      argosy taxes runs/trend --method hifo --year 2011 --csv sales-2011.csv
      argosy taxes runs/trend --method lifo --zone America/New_York --json

    This is no tax advice.
    """
    from argosy.cli import screen
    from argosy.lab.result import Result
    from argosy.lab.taxes import reckon, rows, sums, write_csv

    account = reckon(Result.load(folder), method, wash=wash, where=zone)
    made = rows(account, year)
    told = sums(made)
    if csv is not None:
        write_csv(made, csv)
    shown = made[-last:] if last else made
    if json:
        head: dict[str, Any] = {"run": str(folder), "method": method, "year": year, "zone": zone, "wash": wash, "currency": account.currency}
        screen.say_json(head | {"sums": told, "sales": made} | _open(account) | ({"csv": str(csv)} if csv else {}) | {"note": NO_ADVICE})
        return
    out = screen.console()
    out.print(f"{folder} · {method} · {year or 'all years'} · days in {zone}" + ("" if wash else " · wash sales not looked for"), style=screen.SOFT)
    if not made:
        out.print("Nothing was sold" + (f" in {year}" if year else "") + ".")
    else:
        out.print(_sums(told, account.currency))
        out.print()
        out.print(_sales(shown, account.currency, out.width))
        if len(shown) < len(made):
            out.print(f"the last {len(shown)} of {len(made)} sales; --last 0 lists all", style=screen.SOFT)
    still = _open(account)["open"]
    if still["lots"]:
        carried = f", with {still['deferred']} of wash-sale losses carried in it" if account.deferred else ""
        out.print(f"\n{still['lots']} lots are still held, cost {still['cost']}{carried}.", style=screen.SOFT)
    if csv is not None:
        out.print(f"\ncsv   {csv}", soft_wrap=True)
    out.print(f"\n{NO_ADVICE}", style=screen.SOFT)


def _open(account: Account) -> dict[str, Any]:
    """What is still held, and the losses that wait in it, in currency."""
    from argosy.core.money import from_units

    amounts = {name: from_units(units, account.currency) for name, units in (("cost", account.open_cost), ("deferred", account.deferred))}
    return {"open": {"lots": sum(map(len, account.held.values()))} | amounts}


def _sums(told: dict[str, dict[str, Any]], currency: str) -> Any:
    from argosy.cli import screen
    from argosy.lab.words import money, number

    table = screen.table("Term", " Sales", " Proceeds", " Basis", " Not allowed", " Gain or loss")
    for term, name in (("short", "up to a year"), ("long", "over a year"), ("all", "together")):
        one = told[term]
        if term == "all":
            table.add_section()
        amounts = [money(float(one[key]), currency) for key in ("proceeds", "basis", "adjustment")]
        table.add_row(name, number(one["sales"], 0), *amounts, money(float(one["gain"]), currency, signed=True))
    return table


def _sales(made: list[dict[str, Any]], currency: str, width: int) -> Any:
    from argosy.cli import screen
    from argosy.lab.words import money

    wide = width >= 100
    table = screen.table("What", "Acquired", "Sold", *((" Proceeds", " Basis") if wide else ()), " W", " Gain", "Term")
    for row in made:
        amounts = [money(float(row[name]), currency) for name in ("Proceeds", "Cost or other basis")] if wide else []
        washed = money(float(row["Amount of adjustment"]), currency) if row["Code"] else ""
        gain = money(float(row["Gain or loss"]), currency, signed=True)
        table.add_row(row["Description of property"], row["Date acquired"], row["Date sold or disposed of"], *amounts, washed, gain, row["Term"])
    return table
