"""`argosy doctor`: everything that must be right before a desk trades, as a table; it says what to do about what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Config, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.desk.doctor import Examination
    from argosy.house import Wanted
    from argosy.settings import Settings

SIGNS = {"pass": ("✓", "#3fa37a"), "warn": ("!", "#d99a2b"), "fail": ("✗", "#d2564c")}
Names = Annotated[
    list[str] | None, typer.Argument(help="Strategies, as `argosy run` takes them; those of the settings if left out.", metavar="STRATEGY")
]
ModeOf = Annotated[str, typer.Option("--mode", help="sim, paper, shadow or live; beats desk.mode.", metavar="MODE")]
Base = Annotated[str, typer.Option("--base", help="URL of `argosy exchange`; beats desk.base.", metavar="URL")]
Of = Annotated[str, typer.Option("--account", help="Number of the account; beats desk.account.", metavar="NUMBER")]
Chosen = Annotated[str, typer.Option("--symbols", help="What is traded, with commas.", metavar="A,B")]
Live = Annotated[bool, typer.Option("--live", help="Real money: one of the conditions of mode live.")]


def doctor(
    strategies: Names = None, mode: ModeOf = "", base: Base = "", account: Of = "", symbols: Chosen = "", live: Live = False,
    exercise: Annotated[
        bool, typer.Option("--exercise/--no-exercise", help="Send one order far from the market and take it back; never with real money.")
    ] = True,
    only: Annotated[list[str] | None, typer.Option("--only", help="Only this check, by its name; repeat it.", metavar="NAME")] = None,
    json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Examine everything before a desk trades: broker, account, clock, calendar, prices, limits, kill switch, journal, disk, watchdog.

    In sim and paper the kill switch is really used: an order for one share at half the price is sent, taken back and seen to be gone.
    What was found is kept in the desk's folder. Exit status 1 where something failed.

    \b
      argosy doctor trend --symbols AAPL,MSFT --base http://127.0.0.1:8900
      argosy doctor --mode paper --json
      argosy doctor                            the simulated desk that runs, like that of `argosy up`
    """
    import asyncio

    from argosy.desk.doctor import examine

    settings, wanted, given = asked(config, strategies, mode, base, account, symbols)
    if not json:
        _head(settings)
    told = None if json else _row
    found = asyncio.run(examine(settings, wanted, given, flag=live, exercise=exercise, only=only or (), told=told))
    if json:
        from argosy.cli import screen

        screen.say_json(found)
    else:
        _foot(found)
    if not found.ready:
        raise typer.Exit(1)


def asked(
    config: Path | None, names: Sequence[str] | None, mode: str, base: str, account: str, symbols: str
) -> tuple[Settings, tuple[Wanted, ...], tuple[str, str]]:
    """Settings, strategies and keys, as a run would have them; where no exchange is named, those of the simulated desk that runs.

    Keys that are missing are ("", "").
    """
    from argosy.cli.desk import simulated
    from argosy.cli.run import fleet
    from argosy.core.errors import Misconfigured
    from argosy.desk.keys import keys
    from argosy.settings import load

    chosen = [one.strip().upper() for one in symbols.split(",") if one.strip()]
    flags: dict[str, Any] = {name: value for name, value in (("desk.mode", mode), ("desk.base", base), ("desk.account", account)) if value}
    if chosen:
        flags["desk.symbols"] = chosen
    settings = load(config, flags).settings
    if settings.desk.mode == "sim" and not settings.desk.base:
        told = simulated()
        if told is None:
            fix = "start `argosy exchange` and give --base http://127.0.0.1:8900, or start `argosy up`"
            raise Misconfigured("DESK_BASE", "where is the exchange?", where="desk.base", fix=fix)
        more = {"desk.base": told["base"], "desk.account": account or told["account"], "desk.symbols": chosen or told["symbols"]}
        settings = load(config or (Path(told["config"]) if told["config"] else None), flags | more).settings
        return settings, fleet(settings, list(names or told["strategies"]), chosen, []), (told["key"], told["secret"])
    try:
        given = keys(settings.desk.mode)
    except Misconfigured as missing:
        if missing.code != "SECRET_MISSING":
            raise
        given = ("", "")
    return settings, fleet(settings, list(names or ()), chosen, []), given


def _head(settings: Settings) -> None:
    from rich.text import Text

    from argosy.cli import screen

    where = settings.desk.base or {"paper": "the broker's paper money", "live": "REAL MONEY"}.get(settings.desk.mode, "the broker")
    screen.console().print(Text.assemble(("doctor", "bold"), f"   {settings.desk.mode} · {where}", ("   each thing as it is examined", screen.SOFT)))


def _row(check: Any) -> None:
    """One line of the table, as soon as it is known."""
    from rich.text import Text

    from argosy.cli import screen

    out = screen.console()
    sign, colour = SIGNS[check.status]
    shade = colour if check.status != "pass" else ""
    line = Text.assemble((f"{sign}  ", f"bold {colour}"), (f"{check.name:<12} ", "bold"), (check.value, shade))
    line.append(f"  {check.said}", style=screen.SOFT if check.status == "pass" else "")
    out.print(line, soft_wrap=True)
    if check.fix and check.status != "pass":
        out.print(Text.assemble(("   fix          ", screen.SOFT), check.fix), soft_wrap=True)


def _foot(found: Examination) -> None:
    from rich.text import Text

    from argosy.cli import screen
    from argosy.desk.doctor import path_of
    from argosy.desk.folder import of

    out = screen.console()
    counts = {status: sum(check.status == status for check in found.checks) for status in SIGNS}
    sign, colour = SIGNS["pass" if found.ready else "fail"]
    out.print()
    told = f"{counts['pass']} pass, {counts['warn']} warn, {counts['fail']} fail"
    out.print(Text.assemble((f"{sign}  {'ready' if found.ready else 'not ready'}", f"bold {colour}"), f"   {told}"))
    if found.account:
        out.print(Text.assemble(("kept       ", screen.SOFT), str(path_of(of(found.mode, found.account), found.at))), soft_wrap=True)
