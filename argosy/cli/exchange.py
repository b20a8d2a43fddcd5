"""`argosy exchange`: a broker on your own machine that speaks Alpaca's wire; it knows no account and never leaves loopback."""

from __future__ import annotations

from typing import Annotated

import typer


def exchange(
    host: Annotated[str, typer.Option("--host", help="Loopback alone: 127.0.0.1, ::1 or localhost.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one, and says which.")] = 8900,
    key: Annotated[list[str] | None, typer.Option("--key", help="Key of an account; again for another account. [default: PKSIM]")] = None,
    secret: Annotated[list[str] | None, typer.Option("--secret", help="Secret, in the order of the keys. [default: secret]")] = None,
    symbols: Annotated[str, typer.Option("--symbols", help="What is traded, with commas; BTC/USD is a coin.", metavar="A,B")] = "",
    feed: Annotated[
        str, typer.Option("--feed", help="live: prices that walk, market open. tape:PATH: a file, a catalog. drawn:PATH: its days by drawn minutes.")
    ] = "live",
    speed: Annotated[
        str, typer.Option("--speed", help="Seconds of the exchange in one of yours; max; or step: only the control door moves it.")
    ] = "1",
    rate_limit: Annotated[int, typer.Option("--rate-limit", help="Requests a minute by account; Alpaca's is 200, 0 is none.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same prices and ids.")] = 0,
    control: Annotated[bool, typer.Option("--control", help="Serve POST /_ctl/VERB: prices, fills and faults by hand.")] = False,
    cash: Annotated[int, typer.Option("--cash", help="Dollars of each account.")] = 100_000,
    margin: Annotated[
        str, typer.Option("--margin", help="intraday_2026 (2x), legacy_pdt (4x, day trades counted), cash (1x, settles T+1).")
    ] = "intraday_2026",
    start: Annotated[str, typer.Option("--start", help="When a tape begins to play; what is before is its history.", metavar="TIME")] = "",
    json: Annotated[bool, typer.Option("--json", help="Say where it listens as JSON.")] = False,
) -> None:
    """A simulated exchange that any Alpaca client can trade on, with the fills of Argosy's own backtests. Ctrl-C ends it.

    \b
      argosy exchange --symbols AAPL,MSFT
      argosy exchange --feed tape:demo --start 2008-09-01 --speed 20000
      argosy exchange --control --rate-limit 200 --seed 7

    With alpaca-py: TradingClient("PKSIM", "secret", url_override="http://127.0.0.1:8900"); see docs/exchange.md.
    """
    from argosy.core.errors import Misconfigured, Misuse

    try:
        from argosy.exchange.open import Wanted, serve
    except ImportError as missing:
        raise Misconfigured("EXTRA_MISSING", f"this needs {missing.name}", where="argosy exchange", fix="pip install 'argosy[desk]'") from missing

    keys, secrets = key or ["PKSIM"], secret or ["secret"]
    wanted = Wanted(
        host=host, port=port, keys=tuple(zip(keys, secrets, strict=False)), symbols=[s.strip().upper() for s in symbols.split(",") if s.strip()],
        feed=feed, speed=speed, limit=rate_limit, seed=seed, control=control, cash=cash, margin=margin, start=start,
    )  # fmt: skip
    if len(keys) != len(secrets):
        raise Misuse("EXCHANGE_KEYS", f"{len(keys)} keys and {len(secrets)} secrets", where="--key, --secret", fix="give one secret for each key")
    serve(wanted, lambda told: say(told, json))


def say(told: dict[str, object], json: bool) -> None:
    """Where it listens."""
    from argosy.cli import screen

    if json:
        screen.say_json(told)
        return
    from rich.table import Table
    from rich.text import Text

    out = screen.console()
    out.print(Text.assemble(("Argosy exchange", "bold"), "   a simulated broker; nothing here is real money"))
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in told.items():
        table.add_row(Text(name.replace("_", " "), style=screen.SOFT), Text(", ".join(value) if isinstance(value, list) else str(value)))
    out.print(table)
    out.print("Ctrl-C ends it.", style=screen.SOFT)
