"""`argosy run`: a desk that trades an account, in plain lines; it asks for nothing while it runs and ends cleanly at Ctrl-C or SIGTERM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Config, Json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from argosy.desk.run import Asked
    from argosy.settings import Settings


def run(
    strategies: Annotated[
        list[str] | None,
        typer.Argument(help="Registered, sections [strategies.NAME], or FILE.py:CLASS; all of the settings if left out.", metavar="STRATEGY"),
    ] = None,
    mode: Annotated[str, typer.Option("--mode", help="sim, paper, shadow or live; beats desk.mode.", metavar="MODE")] = "",
    base: Annotated[str, typer.Option("--base", help="URL of `argosy exchange`; beats desk.base.", metavar="URL")] = "",
    symbols: Annotated[str, typer.Option("--symbols", help="What is traded, with commas.", metavar="A,B")] = "",
    account: Annotated[str, typer.Option("--account", help="Number of the account; another one is refused.", metavar="NUMBER")] = "",
    live: Annotated[bool, typer.Option("--live", help="Real money: one of the conditions of mode live.")] = False,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="A parameter of the strategy, like fast=20.", metavar="NAME=VALUE")] = None,
    key: Annotated[str, typer.Option("--key", help="Key at `argosy exchange`; sim alone, all others are never said aloud.")] = "",
    secret: Annotated[str, typer.Option("--secret", help="Secret at `argosy exchange`, sim alone.")] = "",
    every: Annotated[str, typer.Option("--every", help="How often to print how it stands.", metavar="SPAN")] = "10s",
    during: Annotated[str, typer.Option("--for", help="End by itself after this.", metavar="SPAN")] = "",
    json: Json = False,
    config: Config = None,
) -> None:
    """Trade an account with strategies until you end it; positions keep their stops, and the next run goes on from the journal.

    \b
      argosy exchange --symbols AAPL,MSFT                               in another window
      argosy run trend --symbols AAPL,MSFT --base http://127.0.0.1:8900
      argosy status                                                     from anywhere, while it runs
      argosy halt --reason "I want to look"
      LIVE_TRADING_ENABLED=true LIVE_CONFIRM=123456789 argosy run --mode live --live

    It is examined first, as `argosy doctor` does it. Real money needs the ceremony of `argosy arm` as well: docs/live.md.
    Exit status 0 when it ended cleanly, 1 when something broke, 2 when it was refused.
    """
    from argosy.core.errors import Misuse
    from argosy.core.time import SECOND, span

    flags = {name: value for name, value in (("desk.mode", mode), ("desk.base", base), ("desk.account", account)) if value}
    chosen = [one.strip().upper() for one in symbols.split(",") if one.strip()]
    if param and len(strategies or ()) != 1:
        raise Misuse("PARAM_WHOSE", "parameters are of one strategy, and it is not clear which", where="--param", fix="name one strategy")
    wished, settings = asked(config, flags, list(strategies or ()), chosen, list(param or ()), key, secret, live)
    from argosy.desk.serve import serve

    say = tell_json if json else tell
    say("examined", examined(settings, wished, live))
    status = serve(
        wished, say, every_s=span(every) / SECOND if every else 0.0, for_s=span(during) / SECOND if during else 0.0
    )
    raise typer.Exit(status)


def asked(
    config: Path | None, flags: Mapping[str, Any], names: list[str], symbols: list[str], param: list[str], key: str, secret: str, live: bool
) -> tuple[Asked, Settings]:
    """What a run is asked for, from settings and command line; for real money with the proof that it is armed.

    Misconfigured where something is missing; for real money with the code of the first condition that does not hold.
    """
    from argosy.core.errors import Misconfigured, Misuse
    from argosy.desk import ceremony
    from argosy.desk.keys import keys
    from argosy.desk.run import Asked
    from argosy.net.secret import Secret
    from argosy.settings import load

    flags = {**flags, **({"desk.symbols": symbols} if symbols else {})}  # so that what is armed is what is run
    settings = load(config, flags).settings
    desk = settings.desk
    if live != (desk.mode == "live"):
        what = "the settings say live, the command does not" if desk.mode == "live" else f"--live with mode {desk.mode}"
        raise Misconfigured("LIVE_FLAG", what, where="--live", fix="real money needs both: mode live and --live")
    if not (names or settings.strategies):
        raise Misuse("STRATEGY_NONE", "no strategy is named", fix="`argosy run trend --symbols AAPL`, or a section [strategies.NAME] in argosy.toml")
    if desk.mode == "sim" and not desk.base:
        raise Misconfigured("DESK_BASE", "where is the exchange?", where="desk.base", fix="start `argosy exchange` and give --base http://127.0.0.1:8900")
    if desk.mode != "sim" and (key or secret):
        raise Misuse("KEY_ALOUD", "a key on the command line can be read by everybody", where="--key", fix="argosy secrets set ALPACA_API_KEY")
    wanted = fleet(settings, names, symbols, param)
    armed = ceremony.prove(settings, wanted, flag=live) if desk.mode == "live" else None
    pair = (key or "PKSIM", secret or "secret") if desk.mode == "sim" and (key or secret) else keys(desk.mode)

    def read() -> tuple[Any, Any, Any]:
        fresh = load(config, flags).settings
        return fresh.desk_terms(), fresh.desk, fleet(fresh, names, symbols, param)

    return Asked(
        wanted=wanted, terms=settings.desk_terms(), settings=desk, key=Secret(pair[0]), secret=Secret(pair[1]), armed=armed,
        watchdog=settings.watchdog, again=read, config=str(config.absolute()) if config is not None else "", names=tuple(names),
    ), settings  # fmt: skip


def examined(settings: Settings, wished: Asked, live: bool) -> dict[str, Any]:
    """What the examination before the start found. Misconfigured("PREFLIGHT_...") where something failed."""
    from argosy.desk.doctor import path_of, preflight
    from argosy.desk.folder import of

    found = preflight(settings, wished.wanted, (wished.key.reveal(), wished.secret.reveal()), flag=live)
    odd = [f"{check.name}: {check.said}" for check in found.checks if check.status == "warn"]
    return {"checks": len(found.checks), "odd": odd, "kept": str(path_of(of(found.mode, found.account), found.at))}


def fleet(settings: Settings, names: list[str], symbols: list[str], param: list[str]) -> tuple[Any, ...]:
    """The strategies of a run: those named, or all of the settings; the symbols of the command line beat theirs."""
    from argosy.cli.backtest import parameters, want

    given = parameters(param)
    return tuple(want(name, settings, given, symbols or settings.desk.symbols) for name in names or settings.strategies)


def tell_json(what: str, more: Mapping[str, Any]) -> None:
    """One line for machines: one JSON object."""
    import msgspec

    print(msgspec.json.encode({"event": what, **more}).decode(), flush=True)


def tell(what: str, more: Mapping[str, Any]) -> None:
    """One line for people: when, what."""
    from datetime import datetime

    text = _TEXTS.get(what, _rest)(more)
    print(f"{datetime.now().astimezone():%H:%M:%S}  {what:<9} {text}", flush=True)


def _rest(more: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={', '.join(map(str, value)) if isinstance(value, list) else value}" for name, value in more.items())


def _status(more: Mapping[str, Any]) -> str:
    held = ", ".join(f"{row['qty']:g} {row['symbol']} {row['pnl']:+.2f}" for row in more["positions"]) or "flat"
    level = "" if more["level"] == "LIVE" else f"  {more['level']}: {more['cause']}"
    return f"equity {more['equity']:,.2f}  day {more['day_pnl']:+,.2f}  {held}  {len(more['orders'])} orders  {more['fills']} fills{level}"


def _examined(more: Mapping[str, Any]) -> str:
    return "".join([f"{more['checks']} checks, nothing failed", *(f"\n                    ! {text}" for text in more["odd"])])


def _starting(more: Mapping[str, Any]) -> str:
    """The banner: whose money, by whom, within which limits, until when."""
    money = "REAL MONEY until " + more["armed_until"] + " UTC" if more["armed_until"] else more["mode"]
    rows = (
        f"{money}   account {more['account']}   equity {more['equity']:,.2f} {more['currency']}",
        f"strategies  {', '.join(more['strategies'])}", f"symbols     {', '.join(more['symbols'])}", f"limits      {'; '.join(more['limits'])}",
    )  # fmt: skip
    return "\n                    ".join(rows)


def _compared(more: Mapping[str, Any]) -> str:
    mended = ", ".join(f"{count} {code}" for code, count in more["repaired"].items()) or "nothing to mend"
    barred = f"; not traded: {', '.join(more['barred'])}" if more["barred"] else ""
    return f"{'a new journal' if more['fresh'] else 'the journal goes on'}; {mended}{barred}; {more['bars']} bars of history"


_TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "status": _status,
    "examined": _examined,
    "starting": _starting,
    "compared": _compared,
    "trading": lambda more: f"{', '.join(more['strategies'])}; `argosy status` from another window",
    "alarm": lambda more: f"{more['code']}: {more['text']}",
    "ended": lambda more: str(more["why"]),
}
