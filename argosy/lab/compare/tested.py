"""Which passport belongs to which run: one of the very same run, with a signature that holds; any other says nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import Any

import msgspec

from argosy.core.errors import Misuse
from argosy.lab.passport.issue import Passport
from argosy.lab.passport.paper import plain, read
from argosy.lab.result import Result
from argosy.lab.words import percent

UNTESTED = "not tested"
SAME = ("total_return", "max_drawdown", "trades", "fees")
"""Figures that a run and the own run of its passport share to the last digit kept."""


class Tested(msgspec.Struct, frozen=True):
    """What is known of a run's test. verdict: PASS, WEAK, FAIL or "not tested"; said: why it is not; passport: plain; file: where."""

    verdict: str = UNTESTED
    said: str = "it has no passport"
    passport: dict[str, Any] = {}
    file: str = ""


def fits(passport: Passport, result: Result) -> str:
    """"" when a passport is of this very run, else what differs: instruments, strategy, or what the run came to."""
    if len(result.strategies) != 1:
        return f"the run has {len(result.strategies)} strategies, and a passport is of one"
    fleet = result.settings.get("strategies", {})
    own = fleet.get(result.strategies[0], {}) if isinstance(fleet, Mapping) else {}
    names = {result.strategies[0], str(own.get("plugin", "")).rpartition(":")[2]}
    if passport.name not in names and passport.strategy.rpartition(".")[2] not in names:
        return f"it is of {passport.name}, not of {result.strategies[0]}"
    if set(passport.symbols) != set(result.symbols):
        return f"it is on {', '.join(passport.symbols[:5])}, not on {', '.join(result.symbols[:5])}"
    for name in SAME:
        theirs, mine = passport.figures.get(name), result.stats.get(name)
        if theirs is None or mine is None or not isclose(float(theirs), float(mine), rel_tol=1e-8, abs_tol=1e-9):
            first, second = (percent(one.get("total_return"), 2, signed=True) for one in (passport.figures, result.stats))
            return f"its own run came to something else ({first} against {second}): other parameters, prices, days or terms"
    return ""


def gather(results: Mapping[str, Result], folder: Path | Sequence[Path]) -> tuple[dict[str, Tested], list[str]]:
    """What is known of each run by its name, and what is to be said of the files: those that are no passport, or do not hold.

    folder: where passports are looked for (.html and .json), or several. The newest that fits is taken. Misuse("COMPARE_PASSPORTS") for none.
    """
    folders = [folder] if isinstance(folder, Path) else list(folder)
    for one in folders:
        if not one.is_dir():
            raise Misuse("COMPARE_PASSPORTS", f"there is no folder {str(one)!r}", where="--passports", fix="argosy passport NAME --out DIR/NAME.html")
    files = sorted({file for one in folders for file in one.iterdir() if file.suffix in (".html", ".json") and file.is_file()})
    found: list[tuple[Path, Passport]] = []
    notes: list[str] = []
    for file in files:
        try:
            passport, findings = read(file)
        except Misuse as error:
            if file.name not in ("result.json", "journal.json", "report.html"):
                notes.append(f"{file.name} is left out: {error.what}")
            continue
        if all(one.good is True for one in findings):
            found.append((file, passport))
        else:
            notes.append(f"{file.name} is left out: {next(one.said for one in findings if one.good is not True)}")
    return {name: _newest(result, found) for name, result in results.items()}, notes


def _newest(result: Result, found: Sequence[tuple[Path, Passport]]) -> Tested:
    said, best = "it has no passport", None
    for file, passport in found:
        differs = fits(passport, result)
        if not differs:
            if best is None or passport.made > best[1].made:
                best = file, passport
        elif passport.name == result.strategies[0] if result.strategies else False:
            said = f"{file.name} is not of this run: {differs}"
    return Tested(UNTESTED, said) if best is None else Tested(best[1].verdict, "", plain(best[1]), str(best[0]))
