"""What a passport is about: one strategy, its parameters, prices and terms, and its own run; stress runs of it count as no trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core import plugins
from argosy.core.strategy import Declaration
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.house import Data, Terms, Wanted
from argosy.house import strategy as declared
from argosy.kernels.overfit import Moments, moments
from argosy.lab.backtest import Outcome, returns, run
from argosy.lab.result import Result
from argosy.lab.sweep import curves
from argosy.lab.verdict import daily, gather, steps_a_year
from argosy.replay import SCAN_FROM

Plugin = str | type | Callable[[Data], type]
"""The name of a strategy, its class, or a function that makes the class of given prices (then it is made anew of shorter ones)."""


class Subject:
    """A strategy under examination.

    plugin, params, symbols, terms: as of a run; trials: the ledger in which its own run is counted, None for none
    outcome: of its own run, where there is one already
    """

    def __init__(
        self, plugin: Plugin, data: Data, params: Mapping[str, Any], terms: Terms, symbols: Sequence[str] = (), trials: Any = None,
        outcome: Outcome | None = None,
    ) -> None:  # fmt: skip
        self._plugin = plugins.load("argosy.strategies", plugin) if isinstance(plugin, str) else plugin
        self.data = data
        self.params = dict(params)
        self.terms = terms
        self.symbols = tuple(symbols)
        self.trials = trials
        if outcome is not None:
            self.outcome = outcome

    @cached_property
    def cls(self) -> type:
        return self.made(self.data)

    def made(self, data: Data) -> type:
        """The class for these prices."""
        if isinstance(self._plugin, type):
            return self._plugin
        made: Any = self._plugin
        found: type = made(data)
        return found

    @cached_property
    def declaration(self) -> Declaration:
        return declared(Wanted("it", self.cls, self.params))

    @property
    def name(self) -> str:
        """As the strategy calls itself."""
        return str(getattr(self.cls, "name", "") or self.cls.__name__)

    @cached_property
    def own(self) -> list[int]:
        """Ids of the instruments it trades."""
        instruments = self.data[0]
        return sorted(instruments[symbol].id for symbol in self.symbols) or [row.id for row in instruments]

    @cached_property
    def names(self) -> list[str]:
        """Symbols of the instruments it trades."""
        return [self.data[0][i].symbol for i in self.own]

    @property
    def rows(self) -> int:
        """Market rows of all instruments."""
        return sum(len(tape) for tape in self.data[1])

    @cached_property
    def outcome(self) -> Outcome:
        """Its own run, counted."""
        return run([Wanted("it", self.cls, self.params, self.symbols)], self.data, self.terms, trials=self.trials)

    @cached_property
    def result(self) -> Result:
        return gather(self.outcome, self.name)

    @cached_property
    def returns(self) -> NDArray[np.float64]:
        """(D,) float64, from the end of one day to the next."""
        return returns(self.outcome)

    @cached_property
    def moments(self) -> Moments:
        return moments(self.returns)

    @cached_property
    def ppy(self) -> float:
        """Days a year."""
        return steps_a_year(self.outcome.instants())

    @property
    def sharpe(self) -> float:
        """Of a year."""
        return float(self.moments.sharpe * self.ppy**0.5)

    @property
    def years(self) -> float:
        return len(self.returns) / self.ppy

    def again(
        self, data: Data | None = None, *, cls: type | None = None, terms: Terms | None = None, params: Mapping[str, Any] | None = None,
        scan_from: int = SCAN_FROM,
    ) -> Outcome:  # fmt: skip
        """Run it under other conditions; not counted: nothing is chosen by it."""
        fed = self.data if data is None else data
        made = cls or (self.cls if data is None else self.made(data))
        wanted = Wanted("it", made, self.params if params is None else dict(params), self.symbols)
        return run([wanted], fed, terms or self.terms, trials=None, scan_from=scan_from)

    @cached_property
    def sweeps(self) -> bool:
        """Whether the sweep lane may run it: a step on one series of bars each."""
        from argosy.core.errors import Misuse
        from argosy.lab.sweep.grid import plan
        from argosy.lab.sweep.ground import grounds, terms_fit

        try:
            terms_fit(self.terms)
            grounds(self.data, self.names, plan(self.cls, {}, self.params).declaration, self.terms)
        except Misuse:
            return False
        return True


def ratio_of(outcome: Outcome) -> float:
    """Sharpe ratio of a year of a run."""
    return float(moments(returns(outcome)).sharpe * steps_a_year(outcome.instants()) ** 0.5)


def gain(outcome: Outcome) -> float:
    """What a run gained, a fraction of the cash at its start."""
    equity = outcome.equity()
    return float(equity[-1]) / outcome.run.cash[0].amount - 1.0 if len(equity) else 0.0


def tried(
    subject: Subject, grid: Mapping[str, Any], trials: Any, told: Callable[[int, int], None]
) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """Every choice of a grid, and its daily returns, all instruments together: (choices, (D, C) float64); each is counted.

    A choice without figures is left out. Where the sweep lane cannot run it, each choice is walked.
    """
    fixed = {name: value for name, value in subject.params.items() if name not in grid}
    if subject.sweeps:
        found = curves(subject.cls, subject.data, grid, terms=subject.terms, params=fixed, symbols=subject.names, trials=trials, progress=told)
        return _together(found.choices, list(found.known.values()), list(found.equity.values()))
    from itertools import product

    from argosy.core.errors import Misuse

    choices = [dict(zip(grid, values, strict=True)) for values in product(*(list(axis) for axis in grid.values()))]
    if len(choices) > 2_000:
        what = f"{len(choices)} choices of a strategy that is walked bar by bar"
        raise Misuse("PASSPORT_GRID", what, where="grid", fix="take larger steps, or write it as a step")
    kept, ends, worth = [], [], []
    for k, choice in enumerate(choices):
        outcome = run([Wanted("it", subject.cls, fixed | choice, subject.symbols)], subject.data, subject.terms, trials=trials)
        told(k + 1, len(choices))
        if not outcome.failures:
            last = daily(outcome.instants())
            kept.append(choice)
            ends.append(outcome.instants()[last])
            worth.append(outcome.equity()[last].astype(np.float64))
    return _together(kept, ends[:1], [np.asarray(worth)] if worth else [])


def _together(
    choices: list[dict[str, Any]], known: Sequence[NDArray[np.int64]], equity: Sequence[NDArray[np.float64]]
) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """Daily returns of the sum of the accounts of all instruments; a day on which one has no row keeps its worth."""
    if not equity:
        return [], np.zeros((0, 0))
    days = np.unique(np.concatenate([ends // DAY for ends in known]))
    total = np.zeros((len(choices), len(days)))
    for ends, worth in zip(known, equity, strict=True):
        at = np.searchsorted(ends // DAY, days, side="right") - 1
        total += np.where(at >= 0, worth[:, np.maximum(at, 0)], worth[:, :1])
    fine: NDArray[np.bool_] = np.asarray(np.isfinite(total).all(axis=1) & (total > 0.0).all(axis=1))
    total = total[fine]
    return [choice for choice, good in zip(choices, fine.tolist(), strict=True) if good], np.ascontiguousarray((total[:, 1:] / total[:, :-1] - 1.0).T)


def until(data: Data, known: int, tail: int = 0, seed: int = 0) -> Data:
    """The data as it was known at a moment; tail: bars of each instrument after it that are made up, so that the run goes on."""
    instruments, tapes, events = data
    cut: list[Tape] = []
    for tape in tapes:
        low = int(np.searchsorted(tape["known"], known, side="right"))
        part = tape.take(slice(0, low + tail * max(1, len(tape.instruments))))
        cut.append(scrambled(part, low, seed) if tail else part)
    cut = [tape for tape in cut if len(tape)]
    last = max((int(tape["known"][-1]) for tape in cut), default=known)
    return instruments, cut, [event for event in events if event.known <= (last if tail else known)]


def scrambled(tape: Tape, start: int, seed: int) -> Tape:
    """The tape with other prices from row `start` on: each instrument's own moves and shapes of bars, drawn anew, some of them turned over."""
    columns = {name: np.array(column) for name, column in tape.columns.items()}
    draw = np.random.default_rng(seed)
    for i in tape.instruments:
        own = np.flatnonzero(tape["instrument"] == i)
        late = own[own >= start]
        if not len(late) or "close" not in columns:
            continue
        close = tape["close"][own]
        moves = np.diff(np.log(close)) if len(own) > 1 else np.zeros(1)
        moves = moves[np.isfinite(moves)]
        spread = float(np.std(moves)) if len(moves) else 0.0
        drawn = draw.choice(moves, len(late)) * draw.choice((-1.0, 1.0), len(late)) if len(moves) else np.zeros(len(late))
        drawn = np.clip(drawn, -0.2, 0.2) + draw.normal(0.0, 0.1 * spread + 1e-4, len(late))
        base = float(close[len(own) - len(late) - 1]) if len(late) < len(own) else float(close[0])
        path = np.maximum(base * np.exp(np.cumsum(drawn) - np.arange(1, len(late) + 1) * drawn.mean()), 0.01)
        donor, turned = draw.choice(own, len(late)), draw.random(len(late)) < 0.5
        last = np.where(tape["close"][donor] > 0.0, tape["close"][donor], 1.0)
        shape = {name: np.where(tape[name][donor] > 0.0, tape[name][donor], last) / last for name in ("open", "high", "low")}
        mirrored = {"open": 1.0 / shape["open"], "high": 1.0 / shape["low"], "low": 1.0 / shape["high"]}
        columns["close"][late] = np.maximum(np.round(path, 2), 0.01)
        for name, ratio in shape.items():
            columns[name][late] = np.maximum(np.round(path * np.where(turned, mirrored[name], ratio), 2), 0.01)
    return Tape(tape.kind, columns)
