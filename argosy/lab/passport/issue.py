"""Issues a passport: asks every question of one strategy on its prices, counts what was tried, and signs the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from argosy import __version__
from argosy.core.time import iso
from argosy.house import Data, Terms, Wanted
from argosy.lab import trials as ledger
from argosy.lab.backtest import Outcome, run
from argosy.lab.figures import thin
from argosy.lab.looks import code_key, looks, plain, terms_key
from argosy.lab.passport import facts, lookahead, luck, robust, stress
from argosy.lab.passport.check import Check, Verdict, reasons, verdict
from argosy.lab.passport.check import plain as plainly
from argosy.lab.passport.subject import Plugin, Subject, tried

SCHEMA = 1
Told = Callable[[str, float], None]
"""What is being checked, and how far all is, 0 to 1."""


class Passport(msgspec.Struct, kw_only=True):
    """A signed page about one strategy on one set of prices; without one with a verdict of PASS or WEAK nothing is called tested.

    made: when (ISO, UTC); strategy: module and class; code: hash of its code; data: hash of the rows by symbol; terms: of the conditions
    params: all of them; grid: what was searched; source: how the strategy and the prices are found again, for `verify`
    figures: of its own run; curve: its worth and that of holding by day, thinned; seconds: how long each question took
    """

    schema: int = SCHEMA
    made: str
    by: str
    name: str
    strategy: str
    code: str
    params: dict[str, Any]
    grid: dict[str, Any] = {}
    symbols: list[str]
    period: tuple[str, str]
    rows: int
    data: dict[str, str]
    terms: str
    conditions: dict[str, Any] = {}
    trials: int
    verdict: Verdict
    reasons: list[str]
    checks: list[Check]
    figures: dict[str, Any] = {}
    curve: dict[str, list[Any]] = {}
    source: dict[str, Any] = {}
    seconds: dict[str, float] = {}

    def check(self, name: str) -> Check:
        """The answer of that name; KeyError for none."""
        for one in self.checks:
            if one.name == name:
                return one
        raise KeyError(name)


def issue(
    strategy: Plugin,
    data: Data,
    *,
    params: Mapping[str, Any] | None = None,
    grid: Mapping[str, Any] | None = None,
    terms: Terms | None = None,
    symbols: Sequence[str] = (),
    trials: Path | str | None = ledger.TRIALS,
    told: Told | None = None,
    light: bool = False,
    outcome: Outcome | None = None,
    source: Mapping[str, Any] | None = None,
) -> Passport:
    """Examine a strategy and say what it is worth.

    strategy: a registered name, a class, or a function that makes the class of given prices
    params:   its parameters; those of `grid` are chosen: every choice is tried and counted, and the passport is of the best by Sharpe
    trials:   the ledger; its own run and its grid are counted there, its stress runs are not. None keeps none, which weakens the verdict
    told:     called with what is being checked; light: only the questions that are quick (trials, luck, look-ahead, costs, delay, trades)
    outcome:  of its own run, where there is one that was counted already; not with a grid
    source:   kept as it is: how the strategy and the prices are found again
    Raises Misuse as a backtest and a sweep do, and ("PASSPORT_GRID") for a grid too large to be walked.
    """
    clock = _Clock(told, 6 if light else 12)
    subject = Subject(strategy, data, params or {}, terms or Terms(), symbols, trials, outcome)
    axes = {name: list(values) for name, values in (grid or {}).items()}
    choices: list[dict[str, Any]] = []
    matrix = np.zeros((0, 0))
    if axes:
        with clock("every choice of the grid"):
            choices, matrix = tried(subject, axes, trials, clock.inside)
        subject = Subject(strategy, data, subject.params | dict(luck.best(choices, matrix)), subject.terms, symbols, trials)
    with clock("its own run"):
        subject.outcome, subject.result  # noqa: B018  (made here, so that the time is its own)
    checks: list[Check] = []

    def ask(what: str, question: Callable[[], Check]) -> None:
        with clock(what):
            checks.append(question())

    seen = looks([data[0][i] for i in subject.own], data[1])
    seed = int(blake2b(" ".join(look.data for look in seen.values()).encode(), digest_size=4).hexdigest(), 16)
    with clock("how often it was tried"):
        first, found = luck.counted(subject, trials, matrix)
        checks.append(first)
    ask("luck", lambda: luck.deflated(subject, found, matrix))
    if not light:
        ask("the length of the record", lambda: luck.length(subject, found))
        ask("overfitting by choosing", lambda: luck.overfit(matrix, found, subject.ppy**0.5))
    ask("look-ahead", lambda: lookahead.scan(subject, seed, 0.0 if light else 8.0))
    ask("costs twice as high", lambda: (stress.costs_again if light else stress.costs)(subject))
    ask("one bar later", lambda: stress.delay(subject))
    if not light:
        ask("neighbouring parameters", lambda: robust.sensitivity(subject, axes))
        ask("two ways through the past", lambda: robust.parity(subject))
        ask("room for more money", lambda: stress.capacity(subject))
        ask("holding", lambda: facts.benchmark(subject))
    ask("trades", lambda: facts.trades(subject))
    if not light:
        ask("the prices", lambda: facts.quality(subject))
    return _made(subject, axes, seen, found.looks, checks, clock, dict(source or {}))


def _made(
    subject: Subject, axes: dict[str, list[Any]], seen: Mapping[str, ledger.Look], count: int, checks: list[Check], clock: _Clock,
    source: dict[str, Any],
) -> Passport:  # fmt: skip
    result, terms = subject.result, subject.terms
    rows = thin(result.grown, 400)
    times = [look.first for look in seen.values()], [look.last for look in seen.values()]
    figures = {name: plainly(result.stats.get(name)) for name in ("total_return", "cagr", "volatility", "max_drawdown", "trades", "fees", "exposure")}
    figures |= {"sharpe": plainly(subject.sharpe), "start": plainly(result.grown[0]) if len(rows) else None, "currency": result.currency}
    return Passport(
        made=iso(time.time_ns())[:19] + "Z", by=f"Argosy {__version__}", name=subject.name,
        strategy=f"{subject.cls.__module__}.{subject.cls.__qualname__}", code=code_key(subject.cls), params=plain(subject.declaration.params),
        grid=plainly(axes), symbols=subject.names, period=(iso(min(times[0]))[:10], iso(max(times[1]))[:10]), rows=subject.rows,
        data={symbol: look.data for symbol, look in seen.items()}, terms=terms_key(terms),
        conditions={"cash": terms.cash, "currency": terms.currency, "slippage_bps": terms.slippage_bps,
                    "fees": terms.fees if isinstance(terms.fees, str) else "own", "limits": terms.profile},
        trials=count, verdict=verdict(checks), reasons=reasons(checks), checks=checks, figures=figures,
        curve={"known": result.known[rows].tolist(), "own": plainly(np.round(result.grown[rows], 2).tolist()),
               "held": plainly(np.round(result.benchmark[rows], 2).tolist())},
        source=source, seconds=clock.seconds,
    )  # fmt: skip


class _Clock:
    """Tells what is being checked, and how long it took."""

    def __init__(self, told: Told | None, parts: int) -> None:
        self.seconds: dict[str, float] = {}
        self._told = told or (lambda what, part: None)
        self._parts = parts
        self._what = ""

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        self._what = what
        self._told(what, len(self.seconds) / self._parts)
        begun = time.perf_counter()
        yield
        self.seconds[what] = round(time.perf_counter() - begun, 3)

    def inside(self, done: int, total: int) -> None:
        """How far a question is that takes long."""
        self._told(f"{self._what}, {done:,} of {total:,}", (len(self.seconds) + done / max(1, total)) / self._parts)


def verdicts(
    wanted: Sequence[Wanted], data: Data, terms: Terms | None = None, outcomes: Sequence[Outcome] = (), *,
    trials: Path | str | None = ledger.TRIALS, told: Callable[[str], None] | None = None,
) -> dict[str, Passport]:  # fmt: skip
    """Light passports of several strategies on the same prices, by name: trials, luck, look-ahead, costs, delay, trades.

    outcomes: of their own runs on these terms, in the same order, counted already; without them they are run and counted first, so
    that each is held against all. told: called with the name at hand
    """
    terms = terms or Terms()
    own = list(outcomes) or [run([one], data, terms, trials=trials) for one in wanted]
    out = {}
    for one, outcome in zip(wanted, own, strict=True):
        if told is not None:
            told(one.name)
        out[one.name] = issue(one.plugin, data, params=one.params, terms=terms, symbols=one.symbols, trials=trials, light=True, outcome=outcome)
    return out
