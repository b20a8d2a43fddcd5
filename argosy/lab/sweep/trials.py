"""The ledger of trials: a line for every run, with how many combinations it tried, so that nobody forgets how often she looked.

Lines are only added. Several processes may write at once: a line is written whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from argosy.core.errors import Broken

TRIALS = Path(".argosy") / "trials"
"""The folder where the trials of a project are kept, from the folder in which it is run."""
FILE = "trials.jsonl"
SCHEMA = 1


def append(folder: Path, line: Mapping[str, Any]) -> None:
    """Add one line; it must tell `trials`, how many combinations were tried."""
    folder.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.encode({"schema": SCHEMA} | dict(line)) + b"\n"
    file = os.open(folder / FILE, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
    try:
        os.write(file, text)
    finally:
        os.close(file)


def lines(folder: Path | str = TRIALS) -> Iterator[dict[str, Any]]:
    """Every line of a ledger, the oldest first; none where there is no ledger. Broken("TRIALS") for a line that is none."""
    path = Path(folder) / FILE
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            try:
                line = msgspec.json.decode(text)
                count = line["trials"]
            except (msgspec.DecodeError, TypeError, KeyError) as error:
                raise Broken("TRIALS", "a line of the ledger of trials cannot be read", where=f"{path}:{number}") from error
            if count:
                yield line


def count(folder: Path | str = TRIALS) -> int:
    """How many combinations were tried in all; 0 where there is no ledger."""
    return sum(int(line["trials"]) for line in lines(folder))
