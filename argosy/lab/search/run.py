"""Looks for the parameters that were best by a figure, under rules; it counts every look and says how much stands around the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from argosy.core.errors import Misuse
from argosy.core.strategy import declare
from argosy.core.time import iso
from argosy.house import Data, Terms
from argosy.lab import trials as ledger
from argosy.lab.looks import code_key, looks, plain, terms_key
from argosy.lab.search.adaptive import METHODS as ADAPTIVE
from argosy.lab.search.adaptive import Adaptive, spans
from argosy.lab.search.lane import ALWAYS, Lane, Span, Tried, lane
from argosy.lab.search.objective import FIGURES, Objective, Rule, broken, objective, rules, worth
from argosy.lab.search.sensitivity import Sensitivity, importance, sensitivity
from argosy.lab.search.space import Point, Said, Space, space
from argosy.lab.search.store import Store, key
from argosy.lab.verdict import steps_a_year

if TYPE_CHECKING:
    import polars as pl

METHODS = ("grid", "random", *ADAPTIVE)
PRUNE_AT = (0.25, 0.5)
"""Parts of the stretch after which a trial that lags behind is given up."""
CHUNK = 256
Progress = Callable[[int, int], None]


class Trial(NamedTuple):
    """One choice that was looked at.

    state: "done", "refused" (no figures, see `refused`), "skipped" (its own parameters break a rule: it was not run) or "pruned";
    off: how far the rules are broken, 0 when all hold
    """

    number: int
    point: Point
    figures: dict[str, float]
    refused: str
    off: float
    state: str


class Found(NamedTuple):
    """What a search found.

    frame:   a row a trial in the order in which they were tried: number, the parameters, the figures, feasible, off, state, refused
    best:    the parameters of the best feasible trial, None without one; value: its figure, nan without one
    around:  what one step to each side of the best does (`sensitivity.Sensitivity`), None without a best one or where nobody asked
    weights: the part of the objective's variance that each parameter explains by itself, 0 to 1
    runs:    trials that were run now, repetitions and what a storage knew left out
    """

    frame: pl.DataFrame
    best: Point | None
    value: float
    figures: dict[str, float]
    objective: Objective
    rules: tuple[Rule, ...]
    space: Space
    method: str
    lane: str
    around: Sensitivity | None
    weights: dict[str, float]
    runs: int


class Quest(NamedTuple):
    """What is sought, how: everything of a search but the strategy and its prices. held: parameters that stay the same, for the rules."""

    space: Space
    objective: Objective
    rules: tuple[Rule, ...]
    method: str = "random"
    trials: int = 100
    seed: int = 1
    batch: int = 8
    prune: bool = False
    held: Mapping[str, Any] = {}


def search(
    strategy: str | type,
    data: Data,
    varied: Mapping[str, Said] | None = None,
    *,
    terms: Terms | None = None,
    params: Mapping[str, object] | None = None,
    symbols: Sequence[str] = (),
    method: str = "random",
    trials: int = 100,
    objective: str = "sharpe",
    constraints: Sequence[str] = (),
    seed: int = 1,
    batch: int = 8,
    prune: bool = False,
    together: bool = False,
    storage: Path | str | None = None,
    resume: bool = False,
    workers: int = 0,
    progress: Progress | None = None,
    ledger_at: Path | str | None = ledger.TRIALS,
    at_ns: int = 0,
    span: Span = ALWAYS,
) -> Found:
    """Look for the best parameters of a strategy by a figure of `objective.FIGURES`.

    varied:      what to vary, by parameter (see `space`); left out, every number and choice that has bounds of its own
    method:      "grid" tries all points, "random" draws them evenly, "tpe" and "cmaes" learn from what they tried (Optuna)
    trials:      how many points, of a grid the most; constraints: rules as text, see `objective.rules`; figures or parameters
    seed:        the same seed gives the same trials, with however many workers; batch: points asked for at once by tpe and cmaes
    prune:       tpe and cmaes give up a trial that lags behind the median after a quarter or a half of the stretch
    together:    several instruments in one account (through the engine); else each alone, see `lane.lane`
    storage:     a file in which all that is tried is kept as it comes, or a database's URL for tpe and cmaes (Optuna's own storage);
                 resume: take up what is in it
    ledger_at:   folder of the ledger of trials; None keeps no count; at_ns: the moment to write there (the caller has the clock)
    span:        decisions are made in it only; what was known before is history for the indicators

    Raises Misuse: SEARCH_SPACE SEARCH_GRID SEARCH_OBJECTIVE SEARCH_CONSTRAINT SEARCH_METHOD SEARCH_TRIALS SEARCH_PRUNE SEARCH_STORAGE
    SEARCH_RESUME OPTUNA_MISSING and those of `lane.lane`, before anything ran.
    """
    track = lane(strategy, data, terms=terms, params=params, symbols=symbols, together=together, workers=workers)
    sought = quest(
        track.cls, varied, params, method=method, trials=trials, objective=objective, constraints=constraints, seed=seed, batch=batch, prune=prune
    )
    head = {
        "strategy": f"{track.cls.__module__}.{track.cls.__qualname__}", "code": code_key(track.cls), "data": dict(track.hashes),
        "terms": terms_key(track.terms), "span": list(span), "params": {name: str(value) for name, value in (params or {}).items()},
        "lane": track.name, "space": sought.space.plain(), "objective": sought.objective.text, "rules": [rule.text for rule in sought.rules],
        "method": method, "seed": seed, "batch": batch, "prune": prune,
    }  # fmt: skip
    url = str(storage) if storage is not None and "://" in str(storage) else ""
    if url and method not in ADAPTIVE:
        raise Misuse("SEARCH_STORAGE", f"{method} keeps its trials in a file, not at {url}", where="--storage", fix="name a file")
    store = Store(Path(storage) if storage is not None and not url else None, head, resume)
    adaptive = None
    if method in ADAPTIVE:
        name = f"argosy-{blake2b(msgspec.json.encode(head, order='deterministic'), digest_size=8).hexdigest()}"
        adaptive = Adaptive(method, sought.space, sought.objective, seed, batch, url, name)
        if adaptive.prior and not resume:
            raise Misuse("SEARCH_STORAGE", f"{url} holds this search already", where="--storage", fix="add --resume")
    runner = Runner(track, sought, span, store, progress)
    try:
        return conclude(track, sought, runner.run(adaptive), runner, span)
    finally:  # what was looked at is counted, stopped or not, and what a storage told of it too
        if ledger_at is not None and runner.looked:
            line = ledger_line(f"search {method}", track, sought, data, params or {}, at_ns)
            ledger.append(ledger_at, line | counted(list(runner.looked.values())))


def ledger_line(kind: str, track: Lane, sought: Quest, data: Data, params: Mapping[str, object], at_ns: int) -> dict[str, Any]:
    """What the ledger of trials is told of a search beside what was tried (`counted`): whose, on which prices, under which terms."""
    declared = declare(track.cls, "", **params)
    held = {name: value for name, value in plain(declared.params).items() if name not in sought.space.names}
    return {
        "strategy": f"{track.cls.__module__}.{track.cls.__qualname__}", "code": code_key(track.cls), "data": dict(track.hashes),
        "terms": terms_key(track.terms), "at": iso(at_ns) if at_ns else "", "kind": kind,
        "looks": looks([data[0][symbol] for symbol in track.hashes], data[1]), "held": held,
        "params": {name: str(value) for name, value in params.items()}, "ppy": steps_a_year(track.known),
    }  # fmt: skip


def quest(
    cls: type, varied: Mapping[str, Said] | None, params: Mapping[str, object] | None, *, method: str, trials: int, objective: str,
    constraints: Sequence[str], seed: int, batch: int = 8, prune: bool = False,
) -> Quest:  # fmt: skip
    """What is sought, checked."""
    if method not in METHODS:
        raise Misuse("SEARCH_METHOD", f"there is no method {method!r}", where="--method", fix=f"one of {', '.join(METHODS)}")
    if trials < 1 or batch < 1:
        raise Misuse("SEARCH_TRIALS", f"{trials} trials, {batch} at once: nothing would be tried", where="--trials", fix="one at least")
    if prune and method not in ADAPTIVE:
        raise Misuse("SEARCH_PRUNE", f"{method} does not prune", where="--prune", fix="use tpe or cmaes, or leave it out")
    chosen = space(cls, varied, params)
    if method == "grid":
        next(chosen.grid())  # says what is wrong with it before anything runs
    goal = _objective(objective)
    known = getattr(cls, "params", msgspec.Struct)
    kept = rules(constraints, known.__struct_fields__)
    own = plain(declare(cls, "", **dict(params or {})).params) if kept else {}
    held = {name: value for name, value in own.items() if name not in chosen.names}
    return Quest(chosen, goal, kept, method, trials, seed, batch, prune, held)


_objective = objective


class Runner:
    """Tries points and remembers what each came to. tried: what was run now, by point; looked: that, and what the storage knew of it."""

    def __init__(self, track: Lane, sought: Quest, span: Span, store: Store, progress: Progress | None = None) -> None:
        self.track = track
        self.quest = sought
        self.span = span
        self.tried: list[tuple[Point, Tried]] = []
        self.looked: dict[Any, tuple[Point, Tried]] = {}
        self._store = store
        self._progress = progress
        self._done = 0
        self._total = sought.trials
        names = {name for rule in sought.rules for name in rule.names()} | {sought.objective.name}
        self.wanted = tuple(name for name in FIGURES if name in names)
        self._own = [rule for rule in sought.rules if all(name not in FIGURES or name in sought.space.names for name in rule.names())]

    def run(self, adaptive: Adaptive | None) -> list[Trial]:
        """All trials of the quest, in order."""
        if adaptive is not None:
            return self._learn(adaptive)
        out: list[Trial] = []
        wanted = self.quest.trials
        if self.quest.method == "grid":
            points: Iterator[Point] = self.quest.space.grid()
            self._total = min(wanted, self.quest.space.size()) if wanted else self.quest.space.size()
        else:
            points = (self.quest.space.draw(self.quest.seed, number) for number in range(wanted))
        points = islice(points, self._total)
        while chunk := list(islice(points, CHUNK)):
            out += self._trials(len(out), chunk)
        return out

    def _trials(self, first: int, points: Sequence[Point]) -> list[Trial]:
        found = self.each(points)
        return [self.trial(first + k, point, one) for k, (point, one) in enumerate(zip(points, found, strict=True))]

    def trial(self, number: int, point: Point, one: Tried | None) -> Trial:
        """A trial of what a point came to; None: it was not run."""
        if one is None:
            return Trial(number, point, {}, "", broken(self._own, {**self.quest.held, **point}), "skipped")
        off = broken(self.quest.rules, {**self.quest.held, **one.figures, **point}) if not one.refused else float("inf")
        return Trial(number, point, one.figures, one.refused, off, "refused" if one.refused else "done")

    def each(self, points: Sequence[Point], stage: int = 0, span: Span | None = None) -> list[Tried | None]:
        """What points come to, each run once; None for those whose own parameters break a rule."""
        out: list[Tried | None] = [None] * len(points)
        fresh: dict[Any, Point] = {}
        legal = [not broken(self._own, {**self.quest.held, **point}) for point in points]
        for point, fine in zip(points, legal, strict=True):
            if fine and self._store.get(stage, point) is None:
                fresh.setdefault(key(stage, point), point)
        self._tell(len(points) - len(fresh) if not stage else 0)
        names, ran = list(fresh), list(fresh.values())

        def came(first: int, found: Sequence[Tried]) -> None:
            self._store.put(dict(zip(names[first:], found, strict=False)))
            if not stage:
                pairs = list(zip(ran[first:], found, strict=False))
                self.tried += pairs
                self.looked |= {key(0, point): (point, one) for point, one in pairs}

        if fresh:
            self.track.tried(ran, span or self.span, self.wanted, self._tell if not stage else None, came)
        for k, (point, fine) in enumerate(zip(points, legal, strict=True)):
            out[k] = one = self._store.get(stage, point) if fine else None
            if one is not None and not stage:
                self.looked[key(0, point)] = (point, one)
        return out

    def _tell(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)

    def _learn(self, adaptive: Adaptive) -> list[Trial]:
        goal, wanted = self.quest.objective, self.quest.trials
        out = [_prior(number, point, attrs) for number, (point, attrs) in enumerate(adaptive.prior)]
        self.looked |= {key(0, one.point): (one.point, Tried(one.figures, one.refused)) for one in out if one.state != "skipped"}
        self._tell(len(out))
        stages = spans(*self.span, self.track.known.tolist(), PRUNE_AT)[:-1] if self.quest.prune else []
        while len(out) < wanted:
            size = min(self.quest.batch, wanted - len(out))
            asked = adaptive.ask(size)
            going = list(asked)
            given_up: dict[int, Trial] = {}
            for stage, (start, end) in enumerate(stages, start=1):
                found = self.each([point for _, point in going], stage, Span(start, end))
                for (number, _), one in zip(going, found, strict=True):
                    figure = one.figures.get(goal.name, float("nan")) if one is not None else float("nan")
                    adaptive.falls_behind(number, stage, worth(goal, figure, 0.0))  # rules are for the whole stretch
                for (number, point), one in zip(list(going), found, strict=True):
                    if one is not None and adaptive.pruned(number):
                        given_up[number] = self.trial(number, point, one)._replace(state="pruned")
                        going.remove((number, point))
                        self.tried.append((point, one))
                        self.looked[key(0, point)] = (point, one)
                        self._tell(1)
            finished = {number: self.trial(number, point, one) for (number, point), one in self._zipped(going)}
            for number, _ in asked:
                trial = finished.get(number) or given_up[number]
                figures = {name: repr(value) for name, value in trial.figures.items()}
                attrs = {"figures": figures, "refused": trial.refused, "off": repr(trial.off), "state": trial.state}
                adaptive.tell(number, self._worth(trial), attrs, pruned=trial.state == "pruned")
                out.append(trial._replace(number=len(out)))
        return out

    def _zipped(self, going: Sequence[tuple[int, Point]]) -> list[tuple[tuple[int, Point], Tried | None]]:
        return list(zip(going, self.each([point for _, point in going]), strict=True))

    def _worth(self, one: Trial) -> float:
        goal = self.quest.objective
        return worth(goal, one.figures.get(goal.name, float("nan")), one.off)


def _prior(number: int, point: Point, attrs: Mapping[str, Any]) -> Trial:
    figures = {name: float(value) for name, value in attrs["figures"].items()}
    return Trial(number, point, figures, attrs["refused"], float(attrs["off"]), attrs["state"])


def best_of(trials: Sequence[Trial], goal: Objective) -> Trial | None:
    """The best trial that keeps all rules, the earliest of equals; None without one."""
    best: Trial | None = None
    for one in trials:
        value = one.figures.get(goal.name, float("nan"))
        if one.state == "done" and not one.off and np.isfinite(value) and (best is None or goal.better(value, best.figures[goal.name])):
            best = one
    return best


def conclude(track: Lane, sought: Quest, every: Sequence[Trial], runner: Runner, span: Span, *, around: bool = True) -> Found:
    """What all trials say together; the neighbours of the best are tried for it."""
    goal = sought.objective
    best = best_of(every, goal)
    beside = sensitivity(runner, best, every) if best is not None and around else None
    value = best.figures[goal.name] if best is not None else float("nan")
    return Found(
        table(every, sought.space), dict(best.point) if best is not None else None, value, dict(best.figures) if best is not None else {},
        goal, sought.rules, sought.space, sought.method, track.name, beside, importance(every, sought.space, goal), len(runner.tried),
    )  # fmt: skip


def table(every: Sequence[Trial], varied: Space) -> pl.DataFrame:
    """The trials as a frame, see `Found`."""
    import polars as pl

    names = [name for name in FIGURES if any(name in one.figures for one in every)]
    columns: dict[str, Any] = {"number": [one.number for one in every]}
    columns |= {name: [one.point[name] for one in every] for name in varied.names}
    columns |= {
        name: pl.Series([one.figures.get(name) for one in every], dtype=pl.Float64).fill_nan(None) for name in names if name not in columns
    }
    columns |= {
        "feasible": [one.state == "done" and not one.off for one in every],
        "off": pl.Series([one.off if np.isfinite(one.off) else None for one in every], dtype=pl.Float64),
        "state": [one.state for one in every], "refused": [one.refused for one in every],
    }  # fmt: skip
    return pl.DataFrame(columns)


def counted(tried: Sequence[tuple[Point, Tried]]) -> dict[str, Any]:
    """What the ledger of trials is told of them: the choices, and how their figures were spread."""
    choices = list({repr(sorted(point.items())): point for point, _ in tried}.values())
    out: dict[str, Any] = {"choices": choices, "parameters": len(choices[0]) if choices else 0, "trials": len(choices)}
    out["refused"] = sum(1 for _, one in tried if one.refused)
    for name in ("sharpe", "total_return"):
        values = np.asarray([one.figures.get(name, np.nan) for _, one in tried])
        values = values[np.isfinite(values)]
        some = len(values) > 0
        out[name] = {
            "mean": float(values.mean()) if some else None, "variance": float(values.var(ddof=1)) if len(values) > 1 else None,
            "best": float(values.max()) if some else None, "count": len(values),
        }  # fmt: skip
    return out
