"""Searches that learn from what they tried, by Optuna: TPE and CMA-ES, with a median pruner; it keeps no opinion of its own.

They are asked for a batch of points, told what these came to, and so on. What is drawn depends on the seed, on the number of the first
trial of the batch and on what was told before, and on nothing else: a search that is taken up again goes on as if it had never stopped.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from argosy.core.errors import Misuse
from argosy.lab.search.objective import Objective
from argosy.lab.search.space import Axis, Point, Space

METHODS = ("tpe", "cmaes")


class Adaptive:
    """A study. prior: trials that its storage holds already; ask and tell go by numbers of trials."""

    def __init__(self, method: str, space: Space, sought: Objective, seed: int, batch: int, url: str = "", name: str = "argosy") -> None:
        with _quiet():
            self._optuna = optuna()
            self._method, self._seed, self._batch = method, seed, batch
            self._ways = {axis.name: self._distribution(axis) for axis in space.axes}
            self._axes = {axis.name: axis for axis in space.axes}
            try:
                self._study = self._optuna.create_study(
                    study_name=name, storage=url or None, direction="maximize" if sought.sign > 0 else "minimize", load_if_exists=True,
                    pruner=self._optuna.pruners.MedianPruner(n_startup_trials=max(4, batch), n_warmup_steps=0),
                )  # fmt: skip
            except Exception as error:  # the database's own: its driver may raise anything
                if not url:
                    raise
                what = str(error).strip().splitlines()[0][:200]
                raise Misuse("SEARCH_STORAGE", f"the database cannot be used: {what}", where="--storage", fix="look at the URL") from error
            self._open: dict[int, Any] = {}
            self.prior: list[tuple[Point, dict[str, Any]]] = [
                (self._point(trial.params), dict(trial.user_attrs)) for trial in self._study.get_trials(deepcopy=False) if "state" in trial.user_attrs
            ]

    def ask(self, count: int) -> list[tuple[int, Point]]:
        """So many points to try, with the numbers of their trials."""
        with _quiet():
            first = len(self._study.get_trials(deepcopy=False))
            self._study.sampler = self._sampler(first)
            out = []
            for _ in range(count):
                trial = self._study.ask(self._ways)
                self._open[trial.number] = trial
                out.append((trial.number, self._point(trial.params)))
        return out

    def falls_behind(self, number: int, step: int, worth: float) -> None:
        """Say what a trial was worth after a part of the way; `pruned` asks for the verdict when all of a batch have said so."""
        with _quiet():
            self._open[number].report(worth, step)

    def pruned(self, number: int) -> bool:
        """Whether a trial is worse than the median of those before it at the same step."""
        with _quiet():
            return bool(self._open[number].should_prune())

    def tell(self, number: int, worth: float, attrs: dict[str, Any], *, pruned: bool = False) -> None:
        """What a trial came to."""
        with _quiet():
            trial = self._open.pop(number)
            for key, value in attrs.items():
                trial.set_user_attr(key, value)
            state = self._optuna.trial.TrialState
            if pruned:
                self._study.tell(trial, state=state.PRUNED)
            else:
                self._study.tell(trial, worth)

    def _sampler(self, first: int) -> Any:
        seed = (self._seed * 1_000_003 + first * 7_919) % (1 << 31)
        samplers = self._optuna.samplers
        if self._method == "tpe":
            return samplers.TPESampler(seed=seed, n_startup_trials=max(10, self._batch), multivariate=True, constant_liar=True)
        return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)

    def _distribution(self, axis: Axis) -> Any:
        ways = self._optuna.distributions
        if axis.kind == "choice":
            return ways.CategoricalDistribution(list(axis.values))
        if axis.kind == "int":
            step = 1 if axis.log else max(1, int(axis.step))
            last = axis.low + (len(axis) - 1) * step if len(axis) else axis.high
            return ways.IntDistribution(int(axis.low), int(last), step=step, log=axis.log)
        last = axis.low + (len(axis) - 1) * axis.step if len(axis) else axis.high
        return ways.FloatDistribution(axis.low, last, step=axis.step or None, log=axis.log)

    def _point(self, params: dict[str, Any]) -> Point:
        """Values as the axes say them, so that a point is equal to that of another method."""
        out = {}
        for name in self._ways:
            axis, value = self._axes[name], params[name]
            if len(axis) and axis.kind != "choice":
                value = axis.value(round((value - axis.low) / axis.step))
            out[name] = value
        return out


def optuna() -> Any:
    """The package; Misuse("OPTUNA_MISSING") without it."""
    try:
        found = import_module("optuna")
        import_module("cmaes")
    except ImportError as error:
        raise Misuse(
            "OPTUNA_MISSING", "Optuna (with cmaes) is not installed", where="--method", fix="pip install 'argosy[search]', or use grid or random"
        ) from error
    found.logging.set_verbosity(found.logging.ERROR)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Without its warnings about what it calls experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def spans(start: int, end: int, known: Sequence[int], parts: Sequence[float]) -> list[tuple[int, int]]:
    """Stretches that begin at `start` and hold these parts of the rows, the last one all of them."""
    rows = [moment for moment in known if start <= moment < end]
    cuts = [rows[min(len(rows) - 1, max(1, int(part * len(rows))))] for part in parts] if len(rows) > 1 else []
    return [(start, cut) for cut in cuts] + [(start, end)]
