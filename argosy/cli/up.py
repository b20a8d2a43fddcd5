"""`argosy up`: an exchange, a desk and its page, started together on real demo prices; it uses no account, no network, no real money.

Two processes of their own do the work, as they do for an owner: `argosy exchange` and `argosy run`. When this ends, both have ended.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from argosy.cli.child import WAIT_S, Child
from argosy.cli.options import Config, Json

HERE = Path(__file__).parent
START = "2008-09-02"
SPEED = 60.0
EVERY = 5
"""Statuses of a second each, of which one is printed."""


def up(
    symbols: Annotated[str, typer.Option("--symbols", help="What is traded, of the packaged prices, with commas.", metavar="A,B")] = "",
    start: Annotated[str, typer.Option("--start", help="The day it begins; what is before is history.", metavar="DAY")] = START,
    speed: Annotated[float, typer.Option("--speed", help="Seconds of the exchange in one of yours.", min=1.0, max=600.0)] = SPEED,
    seed: Annotated[int, typer.Option("--seed", help="The same seed draws the same minutes.")] = 1,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of the page; so it is where there is no terminal.")] = False,
    during: Annotated[str, typer.Option("--for", help="End by itself after this.", metavar="SPAN", envvar="UP_FOR")] = "",
    json: Json = False,
    config: Config = None,
) -> None:
    """Try the whole robot in one command: a simulated broker with real days of 2008, a desk with three strategies, and its page.

    \b
      argosy up                       the page; k stops the desk, q leaves
      argosy up --plain --for 60s     lines only, a minute long
      argosy status                   from another window, while it runs

    Days are real, their minutes are drawn; nights are left out. Exit status 0 when the desk ended cleanly.
    What it remembers stays under ARGOSY_HOME for `argosy why` and the journal; the last five (desk.keep_sims) are kept.
    """
    from argosy.core.time import SECOND, span
    from argosy.settings import load

    keep = load(config or HERE / "up.toml", {}).settings.desk.keep_sims

    seconds = span(during) / SECOND if during else 0.0
    page = not (plain or json) and sys.stdin.isatty() and sys.stdout.isatty()
    names = ",".join(one.strip().upper() for one in symbols.split(",") if one.strip()) or "AAPL,IBM,MSFT"
    with exchange(names, start, speed, seed) as told:
        if json:
            from argosy.cli.run import tell_json

            tell_json("exchange", {"url": told["trading"], "key": told["keys"][0], "secret": "secret"})
        else:
            typer.echo(f"exchange  {told['trading']}  real days from {start}, their minutes drawn, {speed:g} times as fast", err=page)
        _tidy(str(told["trading"]), str(told["keys"][0]), keep, json, page)
        words = (
            "run", "--config", str(config or HERE / "up.toml"), "--mode", "sim", "--base", str(told["trading"]), "--key", str(told["keys"][0]),
            "--secret", "secret", "--symbols", names, "--every", "1s", "--json",
        )  # fmt: skip
        desk = Child(*words, environment={"ARGOSY_DESK__SPEED": f"{speed:g}"})
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: desk.end())
        if seconds:
            timer = threading.Timer(seconds, desk.end)
            timer.daemon = True
            timer.start()
        try:
            if page:
                _page(desk)
            else:
                _lines(desk, json)
        finally:
            status = desk.close()
        if status:
            typer.echo(desk.complaint(), err=True)
    raise typer.Exit(status)


def _tidy(url: str, key: str, keep: int, json: bool, page: bool) -> None:
    """Mark the folder of the simulation that begins, and remove those that are too many, with a word about it."""
    from argosy.cli.run import tell_json
    from argosy.desk import attic
    from argosy.desk.folder import of

    attic.mark(of("sim", _account(url, key)))
    keep = max(1, keep)  # its own
    gone = attic.sweep(keep)
    if not gone:
        return
    names = [path.name for path in gone]
    if json:
        tell_json("removed", {"folders": names})
    else:
        typer.echo(f"removed   {len(names)} older simulation{'s' if len(names) != 1 else ''}; the last {keep} are kept (desk.keep_sims)", err=page)


def _account(url: str, key: str) -> str:
    """The number of the account that the exchange made for this run."""
    from asyncio import run

    from argosy.net.secret import Secret
    from argosy.venues.alpaca.client import connect, value
    from argosy.venues.alpaca.modes import place

    async def ask() -> str:
        door = connect(place("sim", base=url), Secret(key), Secret("secret"))
        try:
            return str(value(await door.account(), "the account").account_number)
        finally:
            await door.close()

    return run(ask())


@contextmanager
def exchange(symbols: str, start: str, speed: float, seed: int) -> Iterator[dict[str, Any]]:
    """An exchange of its own with an account that was never used; yields where it listens. Broken("UP_EXCHANGE")."""
    from argosy.core.errors import Broken

    key = f"PKUP{os.urandom(6).hex().upper()}"
    child = Child(
        "exchange", "--feed", "drawn:demo", "--symbols", symbols, "--start", start, "--speed", f"{speed:g}", "--seed", str(seed), "--port", "0",
        "--key", key, "--secret", "secret", "--json",
    )  # fmt: skip
    try:
        told = child.document()
        if told is None:
            child.close()
            raise Broken("UP_EXCHANGE", child.complaint()[:500] or "the exchange did not start", fix="see what it says")
        yield told
    finally:
        child.close()


def _said(desk: Child) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the desk says: (event, the rest)."""
    from json import JSONDecodeError, loads

    for line in desk.lines():
        try:
            told = loads(line)
        except JSONDecodeError:
            told = {"event": "said", "text": line.rstrip()}
        yield told.pop("event"), told


def _lines(desk: Child, json: bool) -> None:
    """Without a page: plain lines, and READY at the first fill."""
    from argosy.cli.run import tell, tell_json

    say = tell_json if json else tell
    ready, count = False, 0
    for what, told in _said(desk):
        if what == "status":
            count += 1
            if not ready and told["fills"]:
                ready = True
                say("status", told)
                say("ready", {"fills": told["fills"]}) if json else typer.echo("READY")
            elif count % EVERY == 0:
                say("status", told)
        else:
            say(what, told)


def _page(desk: Child) -> None:
    """The dashboard in front; what the desk says is not read behind it."""
    from argosy.cli.dashboard.app import Dashboard
    from argosy.desk.inbox import ask

    trading = threading.Event()
    inbox = Path()

    def hear() -> None:
        nonlocal inbox
        for what, told in _said(desk):
            if what == "trading":
                inbox = Path(told["inbox"])
                trading.set()
        trading.set()

    ear = threading.Thread(target=hear, daemon=True)
    ear.start()
    trading.wait(WAIT_S)
    if inbox != Path():
        Dashboard(lambda verb, **said: ask(inbox, verb, by="dashboard", **said), ends=True).run()
    desk.end()
    ear.join(WAIT_S)
