"""Choices tried through the engine, all instruments in one account, over any stretch of the past; for whatever cannot be compiled."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.machinery import PathFinder
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
from msgspec import structs

from argosy.core.errors import Misuse
from argosy.core.strategy import HANDLERS, declare
from argosy.house import Data, Terms, Wanted
from argosy.kernels.ledger import notional
from argosy.lab.backtest import Outcome, run
from argosy.lab.page.ground import reached
from argosy.lab.result import Result
from argosy.lab.search.course import Course, closed, curve_figures, trade_figures
from argosy.lab.search.lane import ALWAYS, INVALID, Came, Span, Told, Tried, amount
from argosy.lab.search.objective import END
from argosy.lab.search.space import Point
from argosy.lab.statistics import statistics
from argosy.lab.verdict import gather, of_fills
from argosy.replay import SCAN_FROM

Work = tuple[Point, Span, Sequence[str]]
"""A choice, its stretch, and figures that are asked for beyond `ALWAYS_TOLD`."""
FAILED = "SEARCH_STRATEGY_RAISED"
ALWAYS_TOLD = frozenset((
    "total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_days", END, "trades", "win_rate",
    "profit_factor", "expectancy", "payoff", "average_gain", "average_loss", "longest_wins", "longest_losses", "fees", "traded", "turnover",
    "exposure",
))  # fmt: skip
"""Figures that cost nothing beside a run; for others all of `lab.statistics` is reckoned."""
WORTH_PROCESSES = 3_000_000
"""Rows of all runs from which other processes are worth their start, where nobody says how many."""
NEVER_COMPILED = 1 << 62
"""Rows from which a fresh strategy that is silent at first would be compiled: none, its class is made anew."""


class Ground(NamedTuple):
    """All that a run needs but the choice."""

    cls: type
    data: Data
    terms: Terms
    fixed: dict[str, object]
    symbols: tuple[str, ...]


class Walked:
    """The engine's lane; see `lane.Lane`. Misuse as `declare` does for a strategy that is none."""

    name = "walk"

    def __init__(self, cls: type, data: Data, terms: Terms, fixed: Mapping[str, object], symbols: Sequence[str], workers: int) -> None:
        declare(cls, "", **fixed)
        self.cls = cls
        self.terms = terms
        self._ground = Ground(cls, _only(data, symbols), terms, dict(fixed), tuple(symbols))
        self._workers = workers
        tapes = self._ground.data[1]
        known = [tape["known"] for tape in tapes if len(tape)]
        self.known = np.unique(np.concatenate(known)) if known else np.zeros(0, np.int64)
        instruments = self._ground.data[0]
        named = tuple(symbols) or instruments.symbols
        self.hashes: Mapping[str, str] = {
            symbol: " ".join(tape.only(instruments[symbol].id).hash for tape in tapes if instruments[symbol].id in tape.instruments)
            for symbol in named
        }

    def tried(
        self, points: Sequence[Point], span: Span = ALWAYS, wanted: Sequence[str] = (), told: Told | None = None,
        came: Came | None = None,
    ) -> list[Tried]:  # fmt: skip
        """See `lane.Lane`. Processes where the strategy can be sent to them."""
        out = []
        more = tuple(name for name in wanted if name not in ALWAYS_TOLD)
        for number, found in enumerate(self._each([(point, span, more) for point in points])):
            out.append(found)
            if came is not None:
                came(number, [found])
            if told is not None:
                told(1)
        return out

    def _each(self, work: Sequence[Work]) -> Iterator[Tried]:
        light = not self._workers and len(work) * sum(map(len, self._ground.data[1])) < WORTH_PROCESSES
        if light or self._workers == 1 or len(work) < 2 or not _travels(self._ground):
            for point, span, more in work:
                yield _tried(self._ground, point, span, more)
            return
        count = min(self._workers or os.cpu_count() or 1, len(work))
        with ProcessPoolExecutor(count, get_context("spawn"), _begin, (self._ground,)) as pool:
            yield from pool.map(_here, work)

    def course(self, point: Point, span: Span = ALWAYS, cash: int | None = None) -> Course:
        """See `lane.Lane`."""
        found, code = _course(self._ground, point, span, cash)
        if found is None:
            raise Misuse("SEARCH_REFUSED", f"{point} has no course: {code}", where=self.cls.__qualname__)
        return found[0]


def silent(cls: type, start: int) -> type:
    """The strategy as one that is not asked before `start`: it begins there fresh, with its needs and windows warm."""
    if start <= 0:
        return cls
    own: dict[str, Any] = {"__module__": cls.__module__, "__doc__": cls.__doc__}
    step = getattr(cls, "step", None)
    if step is not None:

        def later(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
            if row.known >= start:
                step(row, needs, state, params, out)

        own["step"] = staticmethod(later)
    for name in HANDLERS:
        if callable(getattr(cls, name, None)):
            own[name] = _late(getattr(cls, name), start)
    return type(cls.__name__, (cls,), own)


def _late(handler: Callable[..., Any], start: int) -> Callable[..., Any]:
    def asked(self: Any, *given: Any) -> Any:
        return handler(self, *given) if given[-1].now >= start else None

    return asked


# -- one run ---------------------------------------------------------------------------------------------------------------


def _tried(ground: Ground, point: Point, span: Span, more: Sequence[str] = ()) -> Tried:
    found, code = _course(ground, point, span, None)
    if found is None:
        return Tried({}, code)
    one, cut, outcome = found
    currency = ground.terms.currency
    figures = curve_figures(one.known, one.equity, currency, cut.flow) | trade_figures(one.pnl, currency)
    figures |= of_fills(one.known, cut.value, cut.fills, cut.trades, currency)
    if more:
        cut = structs.replace(cut, benchmark=outcome.benchmark(len(outcome.instants()) - len(cut.known)))
        trades = reached(cut, ground.data) if {"mae_frac", "mfe_frac"} & set(more) else None
        told = statistics(cut, trades=trades)
        figures = structs.asdict(told.curve) | structs.asdict(told.versus) | structs.asdict(told.deals) | figures
    return Tried(figures)


def _course(ground: Ground, point: Point, span: Span, cash: int | None) -> tuple[tuple[Course, Result, Outcome] | None, str]:
    try:
        declare(ground.cls, "", **(ground.fixed | point))
    except Misuse as refused:
        if refused.code != INVALID:
            raise
        return None, INVALID
    instruments, tapes, events = ground.data
    cut = [tape.between(0, span.end) for tape in tapes]
    cut = [tape for tape in cut if len(tape)]
    known = np.unique(np.concatenate([tape["known"] for tape in cut])) if cut else np.zeros(0, np.int64)
    first = int(np.searchsorted(known, span.start, side="left"))
    if len(known) - first < 2:
        return None, "SEARCH_NO_ROWS"
    currency = ground.terms.currency
    terms = ground.terms if cash is None else structs.replace(ground.terms, cash=amount(cash, currency))
    start = span.start if first else 0
    wanted = Wanted(ground.cls.__name__.lower(), silent(ground.cls, start), ground.fixed | point, ground.symbols)
    heard = [event for event in events if event.known <= int(known[-1])]
    scan_from = NEVER_COMPILED if start else SCAN_FROM
    outcome = run([wanted], (instruments, cut, heard), terms, scan_from=scan_from, trials=None)  # whoever searches counts it
    if outcome.failures:
        return None, FAILED
    return (*_read(outcome, first, terms), outcome), ""


def _read(outcome: Outcome, first: int, terms: Terms) -> tuple[Course, Result]:
    """The course from row `first` on, and the result of these rows; before it nothing was traded."""
    result = gather(outcome, "search")
    cut = structs.replace(result, known=result.known[first:], equity=result.equity[first:], benchmark=result.benchmark[first:])
    shut = result.trades.filter(~result.trades["open"]).sort("left", maintain_order=True)
    portfolio, instruments = outcome.run.engine.state.portfolio, outcome.run.engine.instruments
    left = tuple((row.symbol, portfolio.lots[row.id], portfolio.marks[row.id]) for row in instruments if portfolio.lots[row.id])
    gone = {symbol: closed(instruments[symbol], lots, price, terms) for symbol, lots, price in left}
    marked = {symbol: notional.py(lots, price, instruments[symbol].scale) for symbol, lots, price in left}
    end = portfolio.cash[0] + sum(gone.values())
    still = result.trades.filter(result.trades["open"])
    last = tuple((pnl or 0) + gone.get(symbol, 0) - marked.get(symbol, 0) for symbol, pnl in still.select("symbol", "pnl").rows())
    pnl = np.asarray(shut["pnl"].to_list(), np.int64)
    return Course(cut.known, cut.equity, pnl, int(end), left, last), cut


def _only(data: Data, symbols: Sequence[str]) -> Data:
    """The rows of the instruments that are traded; the table of instruments stays whole."""
    instruments, tapes, events = data
    if not symbols:
        return data
    wanted = [instruments[symbol].id for symbol in symbols]
    kept = [tape.take(np.isin(tape["instrument"], wanted)) for tape in tapes]
    return instruments, [tape for tape in kept if len(tape)], [event for event in events if getattr(event, "instrument", wanted[0]) in wanted]


# -- other processes -------------------------------------------------------------------------------------------------------


def _travels(ground: Ground) -> bool:
    """Whether another process would find the strategy by its name."""
    try:
        pickle.dumps(ground)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return PathFinder.find_spec(ground.cls.__module__.partition(".")[0]) is not None


_GIVEN: list[Ground] = []
"""In a process of a search: what it was given when it began."""


def _begin(ground: Ground) -> None:
    _GIVEN[:] = [ground]


def _here(work: Work) -> Tried:
    return _tried(_GIVEN[0], *work)
