"""`argosy arm`, `argosy disarm`: the owner's yes to real money, for a few days at most, and its end; nothing arms by default or by script."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.doctor import Base, ModeOf, Names, Of
from argosy.cli.options import Config, Json

if TYPE_CHECKING:
    from argosy.desk.arming import Missing, Record
    from argosy.settings import Settings


def arm(
    strategies: Names = None, mode: ModeOf = "", base: Base = "", account: Of = "",
    symbols: Annotated[str, typer.Option("--symbols", help="What is traded, with commas.", metavar="A,B")] = "",
    days: Annotated[float, typer.Option("--days", help="How long it holds, at most 7; arming.days if left out.", metavar="N")] = 0.0,
    passport: Annotated[list[Path] | None, typer.Option("--passport", help="A passport of a strategy, whose verdict is shown; repeat it.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what is missing for live trading.")] = False,
    live: Annotated[bool, typer.Option("--live", help="With --check: as if the desk were started with --live.")] = False,
    json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Say yes to trading with real money: you see what would trade and within which limits, and type the account's number.

    The yes is signed, holds for a week at most, and ends by itself when code, strategies or limits change. Outside mode live it is a
    rehearsal that opens nothing. `argosy arm --check` tells all that is still missing.

    \b
      argosy arm --mode live --days 1
      argosy arm --check --mode live --live
      argosy disarm --reason "the week is over"
    """
    from argosy.cli import screen
    from argosy.cli.doctor import asked
    from argosy.cli.secrets import _store
    from argosy.desk import arming, ceremony
    from argosy.desk.folder import of

    settings, wanted, given = asked(config, strategies, mode, base, account, symbols)
    if check:
        _check(settings, wanted, given, live, json)
        return
    found = ceremony.who(settings, given)
    record = ceremony.proposed(settings, wanted, found.account_number, days or settings.arming.days, time.time_ns())
    if not json:
        _show(settings, wanted, found, record, _verdicts(passport or []))
    typed = typer.prompt("type the account's number to arm it", err=True)
    arming.agreed(str(typed), found.account_number)
    signed = arming.sign(record, _store(None))
    place = of(settings.desk.mode, found.account_number).make()
    arming.write(place.arming, signed)
    if json:
        screen.say_json({"record": record, "name": signed.name, "file": str(place.arming), "rehearsal": settings.desk.mode != "live"})
        return
    from argosy.core.time import iso

    word = "armed" if settings.desk.mode == "live" else "rehearsed: this opens no account of real money"
    typer.echo(f"✓ {word}, until {iso(record.until)[:16]} UTC")
    typer.echo(f"  {place.arming}")
    if settings.desk.mode == "live":
        typer.echo("  argosy arm --check --mode live --live tells what else is missing")


def disarm(
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept.", metavar="TEXT")] = "",
    mode: ModeOf = "", account: Of = "", json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """End an arming now. A desk that trades under it is halted: it takes its entries back and keeps its stops.

    \b
      argosy disarm --reason "the week is over"
    """
    from argosy.cli import screen
    from argosy.core.errors import Misuse
    from argosy.desk import arming, ceremony, heartbeat, latch
    from argosy.desk.folder import of
    from argosy.settings import load

    desk = load(config, {name: value for name, value in (("desk.mode", mode), ("desk.account", account)) if value}).settings.desk
    if not desk.account:
        raise Misuse("ARMING_ACCOUNT", "which account?", where="desk.account", fix="argosy disarm --account NUMBER")
    place, now = of(desk.mode, desk.account), time.time_ns()
    before = arming.disarm(place.arming, reason, ceremony.me(), now)
    beat = heartbeat.read(place.heartbeat)
    halted = before is not None and beat is not None and beat.state != heartbeat.ENDED
    if halted:
        latch.write(place.latch, latch.HALT, f"disarmed: {reason}", ceremony.me(), now)
    if json:
        screen.say_json({"was": before.record if before is not None else None, "halted": halted})
    elif before is None:
        typer.echo("nothing was armed")
    else:
        typer.echo("✓ disarmed" + ("; the desk is halted: entries go, stops stay" if halted else ""))


def unlatch(
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept beside the latch.", metavar="TEXT")] = "",
    mode: ModeOf = "", account: Of = "", json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Take a latched safety level away where no desk runs; a desk that runs is told `argosy resume`.

    \b
      argosy unlatch --mode paper --account PA3XXXX --reason "it was the network; the books agree"
    """
    from argosy.cli import screen
    from argosy.core.errors import Misuse
    from argosy.desk import ceremony, heartbeat, latch
    from argosy.desk.folder import of
    from argosy.desk.watchdog import gone
    from argosy.settings import load

    desk = load(config, {name: value for name, value in (("desk.mode", mode), ("desk.account", account)) if value}).settings.desk
    if not desk.account:
        raise Misuse("ARMING_ACCOUNT", "which account?", where="desk.account", fix="argosy unlatch --account NUMBER")
    place = of(desk.mode, desk.account)
    beat = heartbeat.read(place.heartbeat)
    if beat is not None and beat.state != heartbeat.ENDED and not gone(beat.pid):
        raise Misuse("DESK_RUNS", "a desk runs on this account", where=str(place.root), fix='argosy resume --reason "..."')
    was = latch.pardon(place.latch, reason, ceremony.me(), time.time_ns())
    if json:
        screen.say_json({"was": was})
    else:
        typer.echo(f"✓ cleared: {latch.NAMES[was.level]}, {was.cause}" if was is not None else "nothing was latched")


def _check(settings: Settings, wanted: Any, given: tuple[str, str], live: bool, json: bool) -> None:
    """Say all that is missing; exit status 1 where something is."""
    from argosy.cli import screen
    from argosy.core.errors import ArgosyError
    from argosy.desk import arming, ceremony

    broker = ""
    if given[0]:
        try:
            broker = ceremony.who(settings, given).account_number
        except ArgosyError as error:
            typer.echo(f"the broker does not say who the account is: {error.what}", err=True)
    missing = arming.conditions(ceremony.gather(settings, wanted, flag=live, broker=broker, key=given[0]))
    if json:
        screen.say_json({"armed": not missing, "missing": missing})
    else:
        _missing(missing)
    if missing:
        raise typer.Exit(1)


def _missing(missing: list[Missing]) -> None:
    from rich.table import Table
    from rich.text import Text

    from argosy.cli import screen

    out = screen.console()
    if not missing:
        out.print(Text("✓  armed: everything holds", style="bold #3fa37a"))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for one in missing:
        table.add_row(Text("✗", style="bold #d2564c"), Text(one.code, style="bold"), one.text, Text(one.fix, style=screen.SOFT))
    out.print(table)
    out.print(Text(f"{len(missing)} missing: real money is not traded", style="bold"))


def _verdicts(files: list[Path]) -> dict[str, str]:
    """Verdicts of passports, by the name of their strategy."""
    if not files:
        return {}
    from argosy.lab.passport import read

    told = {}
    for file in files:
        made, findings = read(file, [])
        good = all(one.good is not False for one in findings)
        told[made.name] = made.verdict if good else f"{made.verdict}, but the page was changed"
    return told


def _show(settings: Settings, wanted: Any, account: Any, record: Record, verdicts: dict[str, str]) -> None:
    """All that the owner says yes to."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from argosy.cli import screen
    from argosy.core.time import iso
    from argosy.engine.rules.profiles import PROFILES

    real = settings.desk.mode == "live"
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style=screen.SOFT, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("account", Text(f"{account.account_number}   {account.status}", style="bold"))
    money = f"{account.equity or 0:,.2f} {account.currency}, cash {account.cash or 0:,.2f}, buying power {account.buying_power or 0:,.2f}"
    table.add_row("equity", money)
    for want in wanted:
        params = ", ".join(f"{name} {value}" for name, value in want.params.items()) or "as they are"
        verdict = verdicts.get(want.name, "no passport shown")
        table.add_row("strategy", f"{want.name}: {', '.join(want.symbols) or 'all symbols'}; {params}; passport: {verdict}")
    limits = {rule: {**PROFILES["desk"].get(rule, {}), **settings.risk.limits.get(rule, {})} for rule in {*PROFILES["desk"], *settings.risk.limits}}
    told = (f"{rule} {', '.join(f'{key} {_plain(value)}' for key, value in rows.items())}" for rule, rows in sorted(limits.items()))
    table.add_row("limits", "\n".join(told))
    cap = f"{record.size_cap_usd:,.2f} USD at most; {record.first_cap_usd:,.2f} USD in the first {record.first_minutes:g} minutes after each start"
    table.add_row("an order", Text(cap, style="bold"))
    table.add_row("holds until", Text(f"{iso(record.until)[:16]} UTC", style="bold"))
    table.add_row("ends with", "a change of code, strategies or limits; a latched level; argosy disarm")
    table.add_row("hashes", f"code {record.code[:12]}  strategies {record.strategies[:12]}  limits {record.limits[:12]}")
    title = " REAL MONEY " if real else " a rehearsal: this opens no account of real money "
    head = Text(title, style="bold reverse #d2564c" if real else "bold")
    screen.console().print(Panel(table, title=head, border_style="#d2564c" if real else screen.SOFT))


def _plain(value: Any) -> str:
    return "off" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

