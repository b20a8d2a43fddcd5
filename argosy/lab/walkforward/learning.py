"""How the parts of a past are learned from, the same for both ways of judging: what is varied, sought and counted; it judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from argosy.house import Data, Terms
from argosy.lab import trials as ledger
from argosy.lab.search.adaptive import METHODS as ADAPTIVE
from argosy.lab.search.adaptive import Adaptive
from argosy.lab.search.lane import Lane, Span, Tried, lane
from argosy.lab.search.run import Progress, Quest, Runner, best_of, ledger_line, quest
from argosy.lab.search.space import Point, Said
from argosy.lab.search.store import Store


class How(TypedDict, total=False):
    """What may be said of a search in each part, by keyword; see `lab.search.search`.

    terms, params, symbols, method ("random"), trials (50 in each part), objective ("sharpe"), constraints, seed (1), batch (8), together,
    workers, progress; ledger_at: folder of the ledger of trials, None keeps no count; at_ns: the moment to write there
    """

    terms: Terms | None
    params: Mapping[str, object] | None
    symbols: Sequence[str]
    method: str
    trials: int
    objective: str
    constraints: Sequence[str]
    seed: int
    batch: int
    together: bool
    workers: int
    progress: Progress | None
    ledger_at: Path | str | None
    at_ns: int


class Learner(NamedTuple):
    """A strategy on its prices, and what is sought of it. params: values that stay the same; the rest as in `How`."""

    track: Lane
    sought: Quest
    data: Data
    params: Mapping[str, object]
    progress: Progress | None
    ledger_at: Path | str | None
    at_ns: int

    def best(
        self, track: Lane, span: Span, tried: list[tuple[Point, Tried]], number: int, count: int
    ) -> tuple[Point | None, dict[str, float]]:
        """The best of a search in a stretch and its figures there; all that was run is added to `tried`, even when it is stopped.

        track: the own one, or a part of it; number, count: which part of how many this is, for the progress
        """
        sought, told = self.sought, self.progress
        part: Progress | None = None if told is None else lambda done, total: told(number * total + done, count * total)
        runner = Runner(track, sought, span, Store(None, {}, False), part)
        adaptive = Adaptive(sought.method, sought.space, sought.objective, sought.seed, sought.batch) if sought.method in ADAPTIVE else None
        try:
            best = best_of(runner.run(adaptive), sought.objective)
        finally:
            tried += runner.tried
        return (dict(best.point), dict(best.figures)) if best is not None else (None, {})

    def write(self, kind: str, made: Mapping[str, Any]) -> None:
        """A line in the ledger of trials for all that was run; made: what `search.run.counted` says of it."""
        if self.ledger_at is None or not made["trials"]:
            return
        line = ledger_line(f"{kind} {self.sought.method}", self.track, self.sought, self.data, self.params, self.at_ns)
        ledger.append(self.ledger_at, line | dict(made))


def learner(strategy: str | type, data: Data, varied: Mapping[str, Said] | None, how: How) -> Learner:
    """What is said, checked, before anything runs; raises what `search` raises, and TypeError for a word that `How` does not have."""
    strange = sorted(set(how) - set(How.__annotations__))
    if strange:
        raise TypeError(f"there is no keyword {', '.join(strange)}; there are {', '.join(How.__annotations__)}")
    params = how.get("params") or {}
    track = lane(
        strategy, data, terms=how.get("terms"), params=params, symbols=how.get("symbols", ()), together=how.get("together", False),
        workers=how.get("workers", 0),
    )  # fmt: skip
    sought = quest(
        track.cls, varied, params, method=how.get("method", "random"), trials=how.get("trials", 50), objective=how.get("objective", "sharpe"),
        constraints=how.get("constraints", ()), seed=how.get("seed", 1), batch=how.get("batch", 8),
    )  # fmt: skip
    return Learner(track, sought, data, params, how.get("progress"), how.get("ledger_at", ledger.TRIALS), how.get("at_ns", 0))
