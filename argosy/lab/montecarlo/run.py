"""All the ways in which a result may be shaken, in one go; each can be left out, and all are the same again with the same seed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core import plugins
from argosy.core.errors import Misuse
from argosy.core.money import per_one
from argosy.core.strategy import declare
from argosy.core.time import iso
from argosy.house import Data, Terms
from argosy.lab import trials as ledger
from argosy.lab.looks import looks, run_line
from argosy.lab.montecarlo.fan import FALLS, LEVELS, Fan, bootstrap
from argosy.lab.montecarlo.perturb import perturbed
from argosy.lab.montecarlo.stress import Row, costlier, delays
from argosy.lab.search.course import Course, curve_figures, trade_figures
from argosy.lab.search.lane import Tried, lane
from argosy.lab.search.walked import Ground, _travels
from argosy.lab.verdict import daily, steps_a_year

if TYPE_CHECKING:
    import polars as pl

KINDS = ("trades", "returns", "prices", "costs", "delays")
WORTH_PROCESSES = 5_000_000
"""Rows of all re-runs from which other processes are worth their start, where nobody says how many."""
SHOWN = ("total_return", "sharpe", "max_drawdown", "trades", "end_equity")
Progress = Callable[[str, int, int], None]


class Shaken(NamedTuple):
    """Re-runs on moved prices. figures: by name, (R,) in order of the paths, nan where one has none; refused: re-runs without figures

    quantiles: by figure, at `fan.LEVELS`; loss_prob: re-runs that lose; bps: the noise
    """

    runs: int
    bps: float
    figures: dict[str, NDArray[np.float64]]
    quantiles: dict[str, list[float]]
    loss_prob: float
    refused: int


class Monte(NamedTuple):
    """What shaking a result showed; None for what was left out.

    base: figures as it was; trades, returns: fans (None too where there was nothing to draw from); prices: re-runs; stress: a row a
    condition (kind, by, and the figures): costs multiplied, wishes late
    """

    base: dict[str, float]
    trades: Fan | None
    returns: Fan | None
    prices: Shaken | None
    stress: pl.DataFrame
    lane: str


def montecarlo(
    strategy: str | type,
    data: Data,
    params: Mapping[str, object] | None = None,
    *,
    terms: Terms | None = None,
    symbols: Sequence[str] = (),
    only: Sequence[str] = KINDS,
    paths: int = 5_000,
    runs: int = 200,
    block: float = 0.0,
    noise_bps: float = 10.0,
    costs: Sequence[float] = (1.0, 2.0, 3.0),
    late: Sequence[int] = (0, 1, 2),
    falls: Sequence[float] = FALLS,
    seed: int = 1,
    workers: int = 0,
    progress: Progress | None = None,
    ledger_at: Path | str | None = ledger.TRIALS,
    at_ns: int = 0,
) -> Monte:
    """Shake the result of one strategy with one choice of parameters, all instruments in one account.

    only:      which of `KINDS`; paths: of the bootstraps; block: mean block of returns, 0 by `block_length`; falls: whose chance is told
    runs:      re-runs on moved prices; noise_bps: how far, see `perturbed`; workers: for these, 0 is one a core where that is worth it
    costs:     by what fees and slippage are multiplied; late: bars by which wishes are late
    progress:  called with (kind, done, in all)
    ledger_at: as in a search: one trial, however often it is shaken
    Raises Misuse: MONTE_KIND MONTE_PATHS MONTE_NOISE MONTE_COSTS LATE SEARCH_REFUSED and what `declare` raises.
    """
    for kind in only:
        if kind not in KINDS:
            raise Misuse("MONTE_KIND", f"there is no kind {kind!r}", where="only", fix=f"some of {', '.join(KINDS)}")
    cls = strategy if isinstance(strategy, type) else plugins.load("argosy.strategies", strategy)
    terms, chosen = terms or Terms(), dict(params or {})
    worse = [costlier(terms, times) for times in costs] if "costs" in only else []
    track = lane(cls, data, terms=terms, params=chosen, symbols=symbols, together=True, workers=1)
    course = track.course({})
    base = curve_figures(course.known, course.equity, terms.currency) | trade_figures(course.pnl, terms.currency)
    told: Progress = progress or _silent
    trades, returns = resampled(course, terms.currency, only, paths, block, seed, falls, told)
    shaken = None
    if "prices" in only:
        ground = Ground(cls, data, terms, chosen, tuple(symbols))
        shaken = _shake(ground, runs, noise_bps, seed, workers, lambda done, total: told("prices", done, total))
    rows = []
    for k, (times, own) in enumerate(zip(costs, worse, strict=False)):
        found = lane(cls, data, terms=own, params=chosen, symbols=symbols, together=True, workers=1).tried([{}])[0]
        rows.append(_row("costs", times, found))
        told("costs", k + 1, len(worse))
    if "delays" in only:
        for k, bars in enumerate(late):
            rows.append(_row("delay", float(bars), delays(cls, data, [bars], terms=terms, params=chosen, symbols=symbols)[0]))
            told("delays", k + 1, len(late))
    if ledger_at is not None:
        declared = {cls.__name__.lower(): declare(cls, "", **chosen)}
        seen = looks([data[0][symbol] for symbol in track.hashes], data[1])
        line = run_line(declared, seen, terms, base["sharpe"], steps_a_year(course.known))
        ledger.append(ledger_at, {"at": iso(at_ns) if at_ns else "", "data": dict(track.hashes)} | line | {"kind": "montecarlo"})
    import polars as pl

    schema = {"kind": pl.String, "by": pl.Float64} | dict.fromkeys(SHOWN, pl.Float64) | {"refused": pl.String}
    return Monte(base, trades, returns, shaken, pl.DataFrame(rows, schema=schema, orient="row"), track.name)


def resampled(
    course: Course, currency: str, only: Sequence[str] = KINDS, paths: int = 5_000, block: float = 0.0, seed: int = 1,
    falls: Sequence[float] = FALLS, told: Progress | None = None,
) -> tuple[Fan | None, Fan | None]:  # fmt: skip
    """The fans of an account: of its trades (what is open sold at the end), added up one by one, and of its daily returns, in blocks."""
    one = float(per_one(currency))
    show: Progress = told or _silent
    value = course.equity / one
    trades = returns = None
    if "trades" in only and len(course.sold) and len(value):
        trades = bootstrap(
            course.sold / one, float(value[0]), additive=True, paths=paths, seed=seed, falls=falls, progress=lambda d, n: show("trades", d, n)
        )
    own = daily_returns(course.known, value)
    if "returns" in only and len(own):
        returns = bootstrap(own, float(value[0]), paths=paths, block=block, seed=seed, falls=falls, progress=lambda d, n: show("returns", d, n))
    return trades, returns


def daily_returns(known: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns between ends of UTC days, the first from the first row; (D,) fractions. They end where nothing is left."""
    if len(value) < 2:
        return np.zeros(0)
    ends = value[daily(known)]
    curve = ends if ends[0] == value[0] else np.append(value[0], ends)
    gone = np.flatnonzero(curve <= 0.0)
    curve = curve[: gone[0] + 1] if len(gone) else curve
    found: NDArray[np.float64] = curve[1:] / curve[:-1] - 1.0
    return found


# -- moved prices ------------------------------------------------------------------------------------------------------------


def _shake(ground: Ground, runs: int, bps: float, seed: int, workers: int, told: Callable[[int, int], None]) -> Shaken:
    if runs < 1:
        raise Misuse("MONTE_PATHS", f"{runs} re-runs show nothing", where="runs", fix="one at least")
    found = []
    for one in _moved(ground, runs, bps, seed, workers):
        found.append(one)
        told(len(found), runs)
    figures = {name: np.asarray([one.figures.get(name, np.nan) for one in found]) for name in SHOWN}
    quantiles = {}
    for name, values in figures.items():
        own = values[np.isfinite(values)]
        quantiles[name] = np.quantile(own, LEVELS).tolist() if len(own) else [float("nan")] * len(LEVELS)
    total = figures["total_return"][np.isfinite(figures["total_return"])]
    loss = float(np.mean(total < 0.0)) if len(total) else float("nan")
    return Shaken(runs, bps, figures, quantiles, loss, sum(1 for one in found if one.refused))


def _moved(ground: Ground, runs: int, bps: float, seed: int, workers: int) -> Iterator[Tried]:
    """What each re-run came to, in order, wherever it was run."""
    work = [(bps, seed, path) for path in range(runs)]
    light = not workers and runs * sum(map(len, ground.data[1])) < WORTH_PROCESSES
    workers = workers or os.cpu_count() or 1
    if light or workers == 1 or runs < 2 or not _travels(ground):
        for one in work:
            yield _again(ground, *one)
        return
    with ProcessPoolExecutor(min(workers, runs), get_context("spawn"), _begin, (ground,)) as pool:
        yield from pool.map(_here, work, chunksize=max(1, runs // (workers * 8)))


def _again(ground: Ground, bps: float, seed: int, path: int) -> Tried:
    instruments, tapes, events = ground.data
    moved: Data = (instruments, perturbed(tapes, list(instruments), bps, seed, path), events)
    track = lane(ground.cls, moved, terms=ground.terms, params=ground.fixed, symbols=ground.symbols, together=True, workers=1)
    return track.tried([{}])[0]


_GIVEN: list[Ground] = []
"""In a process of re-runs: what it was given when it began."""


def _begin(ground: Ground) -> None:
    _GIVEN[:] = [ground]


def _here(work: tuple[float, int, int]) -> Tried:
    return _again(_GIVEN[0], *work)


def _row(kind: str, by: float, found: Tried) -> Row:
    return {"kind": kind, "by": by} | {name: _known(found.figures.get(name)) for name in SHOWN} | {"refused": found.refused}


def _known(value: float | None) -> float | None:
    return value if value is not None and value == value else None


def _silent(kind: str, done: int, total: int) -> None:
    """Nobody listens."""
