"""The options that several commands share, each with one name and one sentence; it reads none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PLACE = "A catalog folder, a CSV or Parquet file, or `demo`; the catalog of the settings, else the demo, if left out."

Config = Annotated[Path | None, typer.Option("--config", help="Settings file; argosy.toml here if there is one.", metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document; errors too, on stderr.")]
Cash = Annotated[float | None, typer.Option("--cash", help="Start capital; beats account.cash.", metavar="AMOUNT")]
Symbols = Annotated[str, typer.Option("--symbols", help="What to trade, with commas; everything in the data if left out.", metavar="A,B")]
Where = Annotated[str, typer.Option("--data", help=PLACE, metavar="PATH")]
Every = Annotated[str, typer.Option("--every", help="Span of the bars, when a catalog has several, like 5m.", metavar="SPAN")]
Start = Annotated[str, typer.Option("--start", help="First day, like 2008-01-01.", metavar="DATE")]
End = Annotated[str, typer.Option("--end", help="Day to stop before.", metavar="DATE")]
Given = Annotated[list[str] | None, typer.Option("--param", "-p", help="A parameter, like fast=20; may be repeated.", metavar="NAME=VALUE")]
Benchmark = Annotated[
    str,
    typer.Option("--benchmark", help="A symbol of the catalog to be compared with, beside holding; SPY where there is one; `off`: none.",
                 metavar="SYMBOL"),
]  # fmt: skip
Fixed = Annotated[list[str] | None, typer.Option("--param", "-p", help="A parameter that stays the same, like short=true.", metavar="NAME=VALUE")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same trials.", metavar="N", min=-(2**63), max=2**63 - 1)]
Workers = Annotated[int, typer.Option("--workers", help="How many at once; 0 is one a core. The answer is the same.", metavar="N", min=0)]
Ledger = Annotated[Path | None, typer.Option("--ledger", help="Folder of the ledger of trials; .argosy/trials if left out.", metavar="DIR")]
