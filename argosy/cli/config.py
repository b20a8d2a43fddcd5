"""`argosy config`: what can be set, what is set, where, and whether it is right; it never changes a file."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from argosy.cli.options import Config, Json

app = typer.Typer(no_args_is_help=True, help="Explain, check and show the settings.", rich_markup_mode=None)


@app.command()
def explain(
    key: Annotated[
        str,
        typer.Argument(
            help="A key like venue.slippage_bps, or a section like risk.position; all keys if left out."
        ),
    ] = "",
    json: Json = False,
    config: Config = None,
) -> None:
    """Say what a key means: type, default, bounds, unit, and where it is set now.

    \b
      argosy config explain venue.slippage_bps
      argosy config explain risk.position
    """
    from argosy.cli import screen
    from argosy.cli.explain import explain as fact_of
    from argosy.cli.explain import keys
    from argosy.settings import examine

    loaded, _ = examine(config)
    inside = [one for one in keys(key) if one != key]
    if not key or (inside and key not in keys()):
        facts = [fact_of(one, loaded) for one in inside]
        if json:
            screen.say_json([fact.plain() for fact in facts])
        else:
            _list(facts)
        return
    fact = fact_of(key, loaded)
    if json:
        screen.say_json(fact.plain())
        return
    _one(fact)


@app.command()
def check(json: Json = False, config: Config = None) -> None:
    """Look for unknown keys, wrong types and values out of bounds; exit status 2 when there are any.

    Warns, with exit status 0, of strategies whose entries the gate would refuse for want of a stop.

    \b
      argosy config check
      argosy config check --config live.toml --json
    """
    from argosy.cli import screen
    from argosy.settings import examine

    loaded, faults = examine(config)
    faults = [*faults, *(_strategies(loaded) if loaded is not None else [])]
    warnings = _unprotected(loaded.settings) if loaded is not None else []
    if json:
        screen.say_json({"ok": not faults, "faults": faults, "warnings": warnings})
    elif not faults:
        file = loaded.file if loaded is not None else ""
        typer.echo(f"✓ {file or 'no settings file: the defaults'}: nothing is wrong")
    else:
        for fault in faults:
            place = f"{fault.file}:{fault.line}" if fault.line else fault.file
            typer.secho(place or "settings", bold=True, err=True, nl=False)
            typer.secho(f"  {fault.key}  {fault.code}", err=True)
            typer.echo(f"  {fault.what}\n  fix    {fault.fix}", err=True)
    if not json:
        for warning in warnings:
            typer.secho(f"! {warning}", fg=typer.colors.YELLOW, err=True)
    if faults:
        raise typer.Exit(2)


@app.command()
def show(json: Json = False, config: Config = None) -> None:
    """Print every setting as it stands, with where it comes from.

    \b
      argosy config show
      argosy config show --json
    """
    from argosy.cli import screen
    from argosy.settings import leaves, load

    loaded = load(config)
    if json:
        screen.say_json({"settings": loaded.settings.plain(), "origins": loaded.origins, "file": loaded.file})
        return
    from rich.text import Text

    from argosy.cli.explain import text_of

    out = screen.console()
    out.print(loaded.file or "no settings file: the defaults", style=screen.SOFT)
    section = ""
    for key, value in leaves(loaded.settings.plain()):
        head, _, name = key.rpartition(".")
        if head != section:
            section = head
            out.print(Text(f"\n[{head}]", style=f"bold {screen.GAIN}"))
        origin = loaded.origins.get(key, "")
        out.print(
            Text.assemble(f"{name} = {text_of(value)}", (f"    # {origin}" if origin else "", screen.SOFT)),
            soft_wrap=True,
        )


def _strategies(loaded: Any) -> list[Any]:
    """Faults in the sections of strategies, which only their plugins can find."""
    from argosy.core.errors import Misuse
    from argosy.house import Wanted, strategy
    from argosy.settings import Fault

    faults = []
    for name, entry in loaded.settings.strategies.items():
        try:
            strategy(Wanted(name=name, plugin=entry.plugin or name, params=entry.params))
        except Misuse as error:
            key = f"strategies.{name}"
            places = {one: where for one, where in loaded.origins.items() if one.startswith(f"{key}.")}
            place = places.get(f"{key}.plugin") or next(iter(places.values()), loaded.file)
            for param in entry.params:
                if f"`$.{param}`" in error.what or f"parameter {param!r}" in error.what:
                    key, place = f"{key}.{param}", loaded.origins.get(f"strategies.{name}.{param}", place)
                    break
            file, _, line = place.rpartition(":")
            faults.append(
                Fault(
                    error.code,
                    key,
                    error.what,
                    error.fix,
                    file=file or place,
                    line=int(line) if line.isdigit() else 0,
                )
            )
    claimed = sum(entry.budget_frac for entry in loaded.settings.strategies.values())
    if claimed > 1 + 1e-9:
        what = f"the strategies claim {claimed:.0%} of the account"
        faults.append(
            Fault("BUDGET", "strategies", what, "make budget_frac sum to at most 1", file=loaded.file)
        )
    return faults


def _unprotected(settings: Any) -> list[str]:
    """Which strategies send no stop where the gate asks for one, and what becomes of their entries; a note where only running them would tell."""
    import dis

    from argosy.core.errors import Misuse
    from argosy.engine.rules.profiles import PROFILES
    from argosy.engine.rules.protection import ProtectionLimits
    from argosy.house import Wanted, strategy

    profile = settings.risk.profile
    limits = PROFILES[profile].get("protection", {}) | settings.risk.limits.get("protection", {})
    limits = {**{field: getattr(ProtectionLimits(), field) for field in ProtectionLimits.__struct_fields__}, **limits}
    if not limits["required"]:
        return []
    pct = limits["default_stop_pct"]
    becomes = f"get one {pct:g} % from their price" if pct else "are refused"
    said, untold = [], []
    for name, entry in settings.strategies.items():
        try:
            step = strategy(Wanted(name=name, plugin=entry.plugin or name, params=entry.params)).step
        except Misuse:
            continue  # a fault of its own, which is told
        code = getattr(step, "__code__", None)
        sets = code is None or any(one.opname == "STORE_ATTR" and one.argval == "stop" for one in dis.get_instructions(code))
        if sets:
            untold.append(name)
        else:
            said.append(f"strategies.{name} never sets a stop: its entries {becomes} (risk.protection)")
    if untold:
        said.append(f"entries without a stop {becomes} (risk.protection): see that {', '.join(untold)} sends one")
    return said


def _one(fact: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    from argosy.cli import screen

    out = screen.console()
    out.print(Text.assemble((fact.key, f"bold {screen.GAIN}"), " = ", (fact.value or fact.default, "bold")))
    if fact.about:
        out.print(Text(fact.about))
    table = Table.grid(padding=(0, 2))
    table.add_column(style=screen.SOFT)
    table.add_column(overflow="fold")
    for label, value in (
        ("type", fact.type),
        ("default", fact.default),
        ("bounds", fact.bounds),
        ("unit", fact.unit),
        ("set", fact.origin),
    ):
        if value:
            table.add_row(label, Text(value))
    section, _, name = fact.key.rpartition(".")
    table.add_row("write", Text(f"[{section}] {name} = {fact.value or fact.default}"))
    table.add_row("", Text(f"ARGOSY_{fact.key.upper().replace('.', '__')}=…", style=screen.SOFT))
    out.print(table)


def _list(facts: list[Any]) -> None:
    from rich.text import Text

    from argosy.cli import screen

    out = screen.console()
    table = screen.table()
    for label in ("key", "now", "bounds", "set"):
        style = screen.SOFT if label in ("bounds", "set") else ""
        table.add_column(label, overflow="fold", style=style, no_wrap=label == "key")
    for fact in facts:
        table.add_row(
            Text(fact.key),
            Text(fact.value or fact.default),
            Text(fact.bounds),
            Text(fact.origin if fact.origin != "default" else ""),
        )
    out.print(table)
