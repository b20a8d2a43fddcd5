"""`argosy watchdog`, `argosy kill`: out of risk without the desk; they cancel and close, and can open nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from argosy.cli.doctor import Base, ModeOf, Of
from argosy.cli.options import Config, Json

CLOSE = "Positions to close: none, unprotected (the broker holds no stop of them) or all; beats watchdog.flatten."
Close = Annotated[str, typer.Option("--flatten", help=CLOSE, metavar="WHICH")]


def watchdog(
    silence: Annotated[float, typer.Option("--silence", help="Seconds of silence; beats watchdog.silence_s.", metavar="S")] = 0.0,
    flatten: Close = "", mode: ModeOf = "", base: Base = "", account: Of = "", config: Config = None,
) -> None:  # fmt: skip
    """Watch over a desk from outside: when it is silent, latch a halt, cancel what adds risk, close what has no stop, look again.

    A desk starts its own; start one by hand on another terminal, or by your system's service manager. It ends when the desk ends.

    \b
      argosy watchdog --mode paper --account PA3XXXX
    """
    from argosy.core.errors import Misuse
    from argosy.desk.ceremony import who
    from argosy.desk.folder import of
    from argosy.desk.watchdog import START_S, watch

    settings, given = _asked(config, mode, base, account, flatten)
    if settings.desk.mode == "shadow":
        raise Misuse("WATCHDOG_SHADOW", "no order leaves a desk in shadow mode", where="desk.mode", fix="nothing is to be watched")
    number = settings.desk.account or who(settings, given).account_number
    rules = settings.watchdog
    typer.echo(f"watching {settings.desk.mode}-{number}; acts after {silence or rules.silence_s:g} s of silence; Ctrl-C ends it", err=True)
    status = watch(
        of(settings.desk.mode, number), settings.desk.mode, number, given, base=settings.desk.base, silence_s=silence or rules.silence_s,
        start_s=START_S, flatten=rules.flatten, collar_frac=rules.collar_frac, aloud=True,
    )  # fmt: skip
    raise typer.Exit(status)


def kill(
    flatten: Close = "", within: Annotated[float, typer.Option("--within", help="Seconds until it gives up and says so.", metavar="S")] = 60.0,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept in the latch.", metavar="TEXT")] = "by hand",
    mode: ModeOf = "", base: Base = "", account: Of = "", json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Get an account out of risk at once, with or without a desk: latch a halt, cancel what adds risk, close by policy, see that it is so.

    It speaks to the broker itself; a desk that runs reads the latch within a second and stays halted until `argosy resume`.
    Exit status 1 where something is left.

    \b
      argosy kill                     entries go, stops stay, positions without a stop are closed
      argosy kill --flatten all       everything is closed
      argosy kill --flatten none      only cancel
    """
    import asyncio

    from argosy.cli import screen
    from argosy.desk import latch
    from argosy.desk.ceremony import me, way, who
    from argosy.desk.folder import of
    from argosy.desk.kill import Kill, Result
    from argosy.desk.watchdog import log
    from argosy.net.secret import Secret
    from argosy.venues.alpaca.leaving import leave

    settings, given = _asked(config, mode, base, account, flatten)
    door = way(settings)
    rules = settings.watchdog
    level = latch.FLATTEN if rules.flatten == "all" else latch.HALT
    number = settings.desk.account
    if number:  # latched before anything is asked of the network
        latch.write(of(settings.desk.mode, number).latch, level, f"KILL: {reason}", me(), time.time_ns())
    else:
        number = who(settings, given).account_number
        latch.write(of(settings.desk.mode, number).latch, level, f"KILL: {reason}", me(), time.time_ns())
    folder = of(settings.desk.mode, number)

    async def act() -> Result:
        client = leave(door, Secret(given[0]), Secret(given[1]), base=settings.desk.base)
        try:
            told = log(folder, settings.desk.mode, number, not json)
            return await Kill(client, flatten=rules.flatten, collar_frac=rules.collar_frac, told=told).run(within)
        finally:
            await client.close()

    result = asyncio.run(act())
    if json:
        screen.say_json({"account": number, "latched": level, "result": result})
    else:
        _show(result, number)
    if not result.clean:
        raise typer.Exit(1)


def _asked(config: Path | None, mode: str, base: str, account: str, flatten: str) -> tuple[Any, tuple[str, str]]:
    """Settings and keys. Nothing here reads strategies: what is wrong with one must not keep an emergency from its end."""
    from argosy.cli.desk import simulated
    from argosy.core.errors import Misconfigured
    from argosy.desk.keys import keys
    from argosy.settings import load

    pairs = (("desk.mode", mode), ("desk.base", base), ("desk.account", account), ("watchdog.flatten", flatten))
    flags = {name: value for name, value in pairs if value}
    settings = load(config, flags).settings
    if settings.desk.mode == "sim" and not settings.desk.base and (told := simulated()) is not None:
        flags |= {"desk.base": told["base"], "desk.account": account or told["account"]}
        return load(config, flags).settings, (told["key"], told["secret"])
    if settings.desk.mode == "sim" and not settings.desk.base:
        raise Misconfigured("DESK_BASE", "where is the exchange?", where="desk.base", fix="--base http://127.0.0.1:8900")
    return settings, keys(settings.desk.mode)


def _show(result: Any, number: str) -> None:
    from rich.text import Text

    from argosy.cli import screen

    out = screen.console()
    told = f"{result.cancels} cancels ({result.cancelled_ms:.0f} ms), {result.exits} exits, {result.kept} protections kept"
    if result.clean:
        out.print(Text.assemble(("✓  out of risk", "bold #3fa37a"), f"   {number}   {told}"), soft_wrap=True)
        return
    left = f"{result.orders} orders and {result.positions} positions are open"
    out.print(Text.assemble((" NOT CLEAN ", "bold reverse #d2564c"), f"  {number}   {left}; {told}"), soft_wrap=True)
    for text in result.stuck:
        out.print(Text.assemble(("✗  ", "bold #d2564c"), text), soft_wrap=True)
    out.print("do the rest at the broker's own page, then run this again; see docs/emergency.md")
