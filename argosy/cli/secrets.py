"""`argosy secrets`: keys of accounts in one encrypted file; it asks without showing, and never prints a key."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from argosy.cli.options import Json

if TYPE_CHECKING:
    from argosy.net.keystore import Keystore
    from argosy.net.secret import Secret

app = typer.Typer(no_args_is_help=True, help="Keep the keys of accounts, encrypted.", rich_markup_mode=None)
FILE = "secrets.json"
Name = Annotated[str, typer.Argument(help="Name of the secret, as the environment would have it.", metavar="NAME")]
File = Annotated[Path | None, typer.Option("--file", help="The keystore; secrets.json in the house's folder if left out.", metavar="FILE")]
Stdin = Annotated[bool, typer.Option("--stdin", help="Read the value from standard input, its first line.")]


@app.command("set")
def keep(name: Name, stdin: Stdin = False, file: File = None, json: Json = False) -> None:
    """Keep a secret; you are asked for its value and for the passphrase.

    Where nobody can be asked: the value with --stdin, the passphrase in ARGOSY_PASSPHRASE, or in the first line of the file
    that ARGOSY_PASSPHRASE_FILE names.

    \b
      argosy secrets set ALPACA_API_KEY
      argosy secrets set ALPACA_SECRET_KEY --stdin < key.txt
    """
    store = _store(file)
    if store.exists:
        store.list()  # a wrong passphrase is said before the value is asked for
    kept = store.set(name, _value(name, stdin), time.time_ns())
    _say(json, {"name": kept.name, "turns": kept.turns}, f"✓ {kept.name} is kept" + (f", for the {kept.turns + 1}th time" if kept.turns else ""))


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(help="The secret to replace; the passphrase if left out.", metavar="NAME")] = "",
    stdin: Stdin = False, file: File = None, json: Json = False,
) -> None:  # fmt: skip
    """Replace one secret that is kept, or the passphrase of all.

    \b
      argosy secrets rotate ALPACA_SECRET_KEY     a new key from the broker
      argosy secrets rotate                       a new passphrase (or ARGOSY_NEW_PASSPHRASE)
    """
    from argosy.core.errors import Misuse
    from argosy.net.secret import Secret

    store = _store(file)
    kept = [one.name for one in store.list()]
    if not name:
        fresh = os.environ.get("ARGOSY_NEW_PASSPHRASE") or _ask("new passphrase", "export ARGOSY_NEW_PASSPHRASE", twice=True)
        count = store.rotate(Secret(fresh))
        _say(json, {"secrets": count}, f"✓ {count} secrets are sealed under the new passphrase")
        return
    if name not in kept:
        raise Misuse("SECRET_MISSING", f"no secret is called {name!r}", fix=f"kept: {', '.join(kept) or 'none'}; `argosy secrets set` adds one")
    done = store.set(name, _value(name, stdin), time.time_ns())
    _say(json, {"name": done.name, "turns": done.turns}, f"✓ {done.name} is replaced")


@app.command("list")
def names(file: File = None, json: Json = False) -> None:
    """Show what is kept and since when; never a value."""
    from argosy.cli import screen
    from argosy.core.time import SECOND, iso

    kept = _store(file).list()
    if json:
        screen.say_json([{"name": one.name, "set": iso(one.set_ns), "turns": one.turns} for one in kept])
        return
    if not kept:
        typer.echo("no secrets are kept")
    for one in kept:
        turns = f"replaced {one.turns} times" if one.turns else "never replaced"
        typer.echo(f"{one.name:<28} {iso(one.set_ns // SECOND * SECOND)}  {turns}")


def _store(file: Path | None) -> Keystore:
    from argosy.lab.trials import home
    from argosy.net.keystore import PASSPHRASE, PASSPHRASE_FILE, Keystore, passphrase
    from argosy.net.secret import Secret

    path = file or home() / FILE
    given = passphrase(os.environ)
    if given is None:
        given = Secret(_ask("passphrase", f"export {PASSPHRASE}, or {PASSPHRASE_FILE}=FILE", twice=not path.exists()))
    return Keystore(path, given)


def _value(name: str, stdin: bool) -> Secret:
    from argosy.net.secret import Secret

    return Secret(sys.stdin.readline().strip() if stdin else _ask(name, "give it by --stdin: argosy secrets set NAME --stdin < FILE").strip())


def _ask(what: str, fix: str, twice: bool = False) -> str:
    """Ask on the terminal without showing; where there is nobody to ask, Misuse("NOBODY_TO_ASK") says how to do without."""
    from argosy.core.errors import Misuse

    try:
        return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))
    except typer.Abort as error:
        raise Misuse("NOBODY_TO_ASK", f"{what} was not given, and there is no terminal to ask", fix=fix) from error


def _say(json: bool, thing: dict[str, object], text: str) -> None:
    from argosy.cli import screen

    if json:
        screen.say_json(thing)
    else:
        typer.echo(text)
