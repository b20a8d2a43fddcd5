"""The owner's words to a desk that runs: how does it stand, stop, go on. They are thin: the desk itself does what is asked."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Json

if TYPE_CHECKING:
    from pathlib import Path

Which = Annotated[
    str, typer.Option("--desk", help="Which desk, like sim-PA123; only needed where several run.", metavar="MODE-ACCOUNT", envvar="ARGOSY_DESK")
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept in the journal.", metavar="TEXT")]


def found(which: str) -> Path:
    """The socket of the desk that runs. Misuse: DESK_NOT_RUNNING, DESK_SEVERAL."""
    from argosy.core.errors import Misuse
    from argosy.desk.folder import Folder, desks

    if which:
        return Folder(desks() / which).inbox
    running = _running()
    if not running:
        raise Misuse("DESK_NOT_RUNNING", "no desk runs", where=str(desks()), fix="start one: `argosy run`")
    if len(running) > 1:
        names = ", ".join(path.name for path in running)
        raise Misuse("DESK_SEVERAL", f"several desks run: {names}", where="--desk", fix="say which: --desk " + running[0].name)
    return Folder(running[0]).inbox


def say(which: str, verb: str, **said: Any) -> dict[str, Any]:
    """Say something to the desk, in the name of whoever is logged in."""
    from argosy.desk.inbox import ask

    return ask(found(which), verb, by=_me(), **{name: value for name, value in said.items() if value})


def simulated() -> dict[str, Any] | None:
    """How the one simulated desk that runs here came to its exchange, with its keys; None where there is not exactly one."""
    from argosy.core.errors import Misuse
    from argosy.desk.folder import Folder
    from argosy.desk.inbox import ask

    running = _running("sim-*")
    try:
        return ask(Folder(running[0]).inbox, "way") if len(running) == 1 else None
    except Misuse:
        return None


def _running(like: str = "*") -> list[Path]:
    """The folders of desks that answer, by name."""
    from argosy.desk.folder import Folder, desks
    from argosy.desk.inbox import answers

    return [path for path in sorted(desks().glob(like)) if answers(Folder(path).inbox)]


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "owner"


def _told(answer: dict[str, Any], json: bool, text: str) -> None:
    from argosy.cli import screen

    if json:
        screen.say_json(answer)
    else:
        typer.echo(text)


# -- how it stands ------------------------------------------------------------------------------------------------------------


def status(which: Which = "", json: Json = False) -> None:
    """How the desk stands: money, state, strategies, streams, what it decided last.

    \b
      argosy status
      argosy status --json | jq .equity
      argosy status --desk sim-PA123        where several desks run
    """
    from argosy.cli import screen
    from argosy.cli.standing import standing

    told = say(which, "status")["status"]
    if json:
        screen.say_json(told)
    else:
        standing(told, screen.console())


def positions(which: Which = "", json: Json = False) -> None:
    """What is held, at which price, and whose it is.

    \b
      argosy positions
      argosy positions --json
    """
    from argosy.cli import screen
    from argosy.cli.standing import held

    told = say(which, "status")["status"]["positions"]
    if json:
        screen.say_json(told)
    else:
        held(told, screen.console())


def orders(which: Which = "", json: Json = False) -> None:
    """Orders that are not over.

    \b
      argosy orders
      argosy why ORDER                      how one of them came to be
    """
    from argosy.cli import screen
    from argosy.cli.standing import working

    told = say(which, "status")["status"]["orders"]
    if json:
        screen.say_json(told)
    else:
        working(told, screen.console())


# -- what it shall do ---------------------------------------------------------------------------------------------------------


def halt(
    reason: Reason = "",
    protections: Annotated[bool, typer.Option("--with-protections", help="Take stops and targets off too.")] = False,
    which: Which = "", json: Json = False,
) -> None:  # fmt: skip
    """Cancel what could enlarge a position and take nothing new; stops stay. It lasts until `argosy resume`.

    \b
      argosy halt --reason "the numbers look wrong"
      argosy halt --with-protections --reason "I close it by hand at the broker"
    """
    told = say(which, "halt", reason=reason, protections=protections)
    _told(told, json, f"✓ halted: entries are cancelled, stops {'are too' if protections else 'stay'}; `argosy resume` leads out")


def reduce(reason: Reason = "", which: Which = "", json: Json = False) -> None:
    """Take nothing that enlarges a position; orders that rest, rest on.

    \b
      argosy reduce --reason "out for lunch"
      argosy resume --reason "back"
    """
    told = say(which, "reduce", reason=reason)
    _told(told, json, "✓ only exits go out now; `argosy resume` leads out")


def flatten(
    symbol: Annotated[str, typer.Argument(help="Only this symbol; everything if left out.", metavar="SYMBOL")] = "",
    strategy: Annotated[str, typer.Option("--strategy", help="Only what this strategy holds; it is paused.", metavar="NAME")] = "",
    reason: Reason = "", yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, which: Which = "", json: Json = False,
) -> None:  # fmt: skip
    """Close positions at the market: of a symbol, of a strategy, or all. All of them latches a level that only `argosy resume` clears.

    \b
      argosy flatten --reason "I want out"              everything; it asks first
      argosy flatten AAPL --reason "news"               one symbol
      argosy flatten --strategy trend --reason "odd"    one strategy, which is paused
    """
    what = symbol.upper() or strategy or "EVERYTHING"
    if not yes and not json:
        typer.confirm(f"close {what} at the market?", abort=True)
    told = say(which, "flatten", reason=reason, instrument=symbol.upper(), strategy=strategy)
    _told(told, json, f"✓ {what} is being closed; `argosy positions` shows how far")


def cancel(
    order: Annotated[str, typer.Argument(help="Id of the order, ours or as the broker sees it; all entries if left out.", metavar="ORDER")] = "",
    reason: Reason = "", which: Which = "", json: Json = False,
) -> None:  # fmt: skip
    """Take back an order, or all entries, and give up what wanted them. A strategy that wants the same again is to be paused.

    \b
      argosy cancel ARGO2K4 --reason "too far away"
      argosy cancel --reason "no entries now"
    """
    told = say(which, "cancel", order=order, reason=reason)
    count = len(told["orders"])
    _told(told, json, f"✓ {count} order{'s are' if count != 1 else ' is'} being cancelled" if count else "nothing to cancel")


def pause(
    strategy: Annotated[str, typer.Argument(help="Which; all if left out.", metavar="STRATEGY")] = "",
    reason: Reason = "", which: Which = "", json: Json = False,
) -> None:  # fmt: skip
    """Let a strategy rest: it keeps its position with its stops and is asked nothing.

    \b
      argosy pause trend --reason "earnings today"
      argosy resume trend --reason "they are out"
    """
    told = say(which, "pause", strategy=strategy, reason=reason)
    _told(told, json, "✓ " + ", ".join(f"{name} {state}" for name, state in told["strategies"].items()))


def resume(
    strategy: Annotated[str, typer.Argument(help="A paused strategy; the desk's level if left out.", metavar="STRATEGY")] = "",
    reason: Reason = "", which: Which = "", json: Json = False,
) -> None:  # fmt: skip
    """Go on: a paused strategy, or the desk after a halt, first with small orders (PROBE) until its books were right some times.

    \b
      argosy resume --reason "the feed was mute; books agree"
      argosy resume trend --reason "they are out"
    """
    if strategy:
        told = say(which, "unpause", strategy=strategy, reason=reason)
        _told(told, json, "✓ " + ", ".join(f"{name} {state}" for name, state in told["strategies"].items()))
        return
    told = say(which, "resume", reason=reason)
    _told(told, json, "✓ it goes on, with small orders first")


def allow(
    symbol: Annotated[str, typer.Argument(help="Which.", metavar="SYMBOL")],
    reason: Reason = "", which: Which = "", json: Json = False,
) -> None:  # fmt: skip
    """Trade a symbol again that a merger, a spin-off or the like has stopped, once you saw to what the broker booked.

    Splits need no word: they go into the books by themselves, before the open.

    \b
      argosy status                             says what is halted, and why
      argosy allow XYZ --reason "spin-off booked, stops set anew"
    """
    told = say(which, "allow", instrument=symbol.upper(), reason=reason)
    _told(told, json, f"✓ {told['symbol']} is traded again")


def dark(
    reason: Reason = "", yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, which: Which = "", json: Json = False
) -> None:
    """The last level (L4): cancel what could enlarge a position, leave positions to their stops or close them, then end the desk for good.

    Which of both is breakers.dark ("leave" or "flatten"). The level stays latched: no start trades before `argosy unlatch`.
    Where somebody else may have your keys, revoke them at the broker's page as well: this command cannot.

    \b
      argosy dark --reason "my laptop was stolen"
      argosy kill --reason "..."                 where the desk does not answer
      argosy unlatch --reason "new keys are in"  before it may ever start again
    """
    if not yes and not json:
        typer.confirm("end the desk and latch level DARK?", abort=True)
    told = say(which, "dark", reason=reason)
    _told(told, json, "✓ level DARK is latched: entries are cancelled, then the desk ends\nkeys in wrong hands? revoke them at the broker's page now")


def stop(reason: Reason = "", which: Which = "", json: Json = False) -> None:
    """End the desk; positions keep their stops.

    \b
      argosy stop --reason "the week is over"
    """
    _told(say(which, "stop", reason=reason), json, "✓ it ends")


def reload(which: Which = "", json: Json = False) -> None:
    """Take changed settings where they may change while it runs: limits, intervals, policies, the log's level.

    \b
      argosy config check && argosy reload
    """
    told = say(which, "reload")
    _told(told, json, f"✓ changed: {', '.join(told['changed']) or 'nothing'}")
