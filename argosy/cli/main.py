"""The door: `argosy` and its commands; one clear message and an exit status when something is wrong, never a traceback of ours.

Exit status: 0 done, 1 something failed, 2 the command or a setting is wrong, 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from argosy import __version__
from argosy.cli import (
    arming,
    backtest,
    compare,
    config,
    daily,
    data,
    demo,
    desk,
    doctor,
    exchange,
    explain_run,
    journal,
    montecarlo,
    new,
    passport,
    report,
    search,
    secrets,
    strategies,
    sweep,
    taxes,
    up,
    walkforward,
    watchdog,
    why,
)
from argosy.cli import run as running
from argosy.core.errors import ArgosyError

INTERRUPTED = 130


GROUPS: dict[str, tuple[str, ...]] = {
    "Begin": ("demo", "up", "new", "strategies"),
    "The past": (
        "backtest", "sweep", "search", "walkforward", "montecarlo", "passport", "report", "compare", "explain", "taxes", "daily", "data"
    ),
    "A desk": ("exchange", "doctor", "run", "status", "positions", "orders", "why", "pause", "allow", "reload", "stop", "journal"),
    "Out of risk": ("reduce", "halt", "cancel", "flatten", "dark", "kill", "watchdog", "resume", "unlatch"),
    "Real money": ("arm", "disarm", "secrets"),
    "Settings": ("config",),
}  # fmt: skip
"""The commands as `argosy --help` lists them."""


class Shell(TyperGroup):
    """The commands, with our errors turned into a message and a status."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands by what one wants to do, instead of all in one row."""
        named = {name for group in GROUPS.values() for name in group}
        rest = tuple(name for name in self.list_commands(ctx) if name not in named)
        width = max(len(name) for name in self.commands)
        for title, names in {**GROUPS, **({"More": rest} if rest else {})}.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), self.commands[name].get_short_help_str(90)) for name in names])

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        words = [*getattr(ctx, "_protected_args", ()), *ctx.args]
        plain = "--json" in words
        try:
            return super().invoke(ctx)
        except ArgosyError as error:
            _say(error.code, error.what, error.where, error.fix, error.exit_status, plain)
            raise SystemExit(error.exit_status) from None
        except KeyboardInterrupt:
            _say("INTERRUPTED", "stopped by you; nothing was left half done", "", "", INTERRUPTED, plain)
            raise SystemExit(INTERRUPTED) from None
        except Exception as error:
            if plain and hasattr(error, "format_message"):  # the command line itself was wrong
                _say("USAGE", error.format_message(), "command line", "see --help", 2, plain)
                raise SystemExit(2) from None
            raise


def _say(code: str, what: str, where: str, fix: str, status: int, plain: bool) -> None:
    """The message on stderr: JSON for machines, else four short lines."""
    if plain:
        import json

        error = {"code": code, "what": what, "where": where, "fix": fix, "exit_status": status}
        typer.echo(json.dumps({"error": error}, ensure_ascii=False), err=True)
        return
    typer.secho(f"✗ {code}", fg=typer.colors.RED, bold=True, err=True, nl=False)
    typer.echo(f"  {what}", err=True)
    if where:
        typer.echo(f"  where  {where}", err=True)
    if fix:
        typer.echo(f"  fix    {fix}", err=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"argosy {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Shell,
    name="argosy",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `argosy demo`, then `argosy up`: they need no account, no network and no settings.",
)


@app.callback()
def argosy(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Argosy: a trading robot and the research house around it.

    \b
      argosy demo                                     all strategies on packaged prices, with a report
      argosy up                                       the whole robot on a simulated broker, with its page
      argosy backtest trend --symbols AAPL,MSFT       one strategy on the packaged prices
      argosy data import prices.csv --symbol SPY      bring prices of your own
      argosy config explain venue.slippage_bps        what a setting means and where it is set
      argosy halt --reason "a look"                   the desk takes nothing new; stops stay
    """


app.command("demo", short_help="All strategies on packaged prices, with a report.")(demo.demo)
app.command("daily", short_help="BUY, SELL or HOLD for each symbol today, and why.")(daily.daily)
app.command("explain", short_help="Why a saved run made a trade.")(explain_run.explain)
app.command("backtest", short_help="One strategy over the past, beside buying and holding.")(
    backtest.backtest
)
app.command("sweep", short_help="One strategy with many parameters, the best first.")(sweep.sweep)
app.command("search", short_help="The best parameters under rules, and what stands around them.")(search.search)
app.command("walkforward", short_help="Search the past, be judged on what follows.")(walkforward.walkforward)
app.command("montecarlo", short_help="How much of a result was luck.")(montecarlo.montecarlo)
app.command("passport", short_help="Whether a backtest deserves to be believed, as a signed page.")(passport.passport)
app.command("report", short_help="A saved run as one page, or as tables.")(report.report)
app.command("compare", short_help="Saved runs side by side, and which may be chosen.")(compare.compare)
app.command("taxes", short_help="A saved run's sales as tax lots, a year's CSV.")(taxes.taxes)
app.command("exchange", short_help="A simulated broker on your machine that speaks Alpaca.")(exchange.exchange)
app.command("up", short_help="Try the whole robot: an exchange, a desk, its page.")(up.up)
app.command("run", short_help="Trade an account with strategies, until you end it.")(running.run)
app.command("status", short_help="How the running desk stands.")(desk.status)
app.command("positions", short_help="What the running desk holds.")(desk.positions)
app.command("orders", short_help="The running desk's orders that are not over.")(desk.orders)
app.command("why", short_help="Why the desk did what it did with an order.")(why.why)
app.command("halt", short_help="Cancel entries, take nothing new; stops stay.")(desk.halt)
app.command("dark", short_help="The last level: cancel entries, then end the desk; keys in wrong hands.")(desk.dark)
app.command("allow", short_help="Trade a symbol again that a merger or a spin-off has stopped.")(desk.allow)
app.command("reduce", short_help="Take nothing that enlarges a position.")(desk.reduce)
app.command("flatten", short_help="Close positions at the market.")(desk.flatten)
app.command("cancel", short_help="Give up an order, or all entries.")(desk.cancel)
app.command("pause", short_help="Let a strategy rest.")(desk.pause)
app.command("resume", short_help="Go on after a pause or a halt.")(desk.resume)
app.command("stop", short_help="End the running desk; positions keep their stops.")(desk.stop)
app.command("reload", short_help="Take changed settings while it runs.")(desk.reload)
app.command("doctor", short_help="Examine everything before a desk trades.")(doctor.doctor)
app.command("arm", short_help="Say yes to real money, for a few days at most.")(arming.arm)
app.command("disarm", short_help="End that yes now.")(arming.disarm)
app.command("unlatch", short_help="Clear a latched safety level where no desk runs.")(arming.unlatch)
app.command("watchdog", short_help="Watch over a desk from outside.")(watchdog.watchdog)
app.command("kill", short_help="Out of risk at once, with or without a desk.")(watchdog.kill)
app.command("strategies", short_help="What is registered, and its parameters.")(strategies.strategies)
app.add_typer(journal.app, name="journal")
app.add_typer(new.app, name="new")
app.add_typer(data.app, name="data")
app.add_typer(config.app, name="config")
app.add_typer(secrets.app, name="secrets")


def run() -> None:
    """The entry point of the command `argosy`."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
