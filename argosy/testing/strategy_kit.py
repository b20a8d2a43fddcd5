"""The conformance suite of strategies: subclass a kit, name the class, and every law of a strategy is tested.

It runs the strategy through the house on made-up prices and compares what it wanted; it never judges whether it earns.

    class TestMine(StepKit):          # StrategyKit for a strategy with handlers, StepKit for one with a step
        strategy = Mine
        given = {"fast": 5}           # parameters with which it trades within the kit's 600 bars
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from math import isnan
from typing import Any, ClassVar, NamedTuple
from unittest import SkipTest

import msgspec
import numpy as np
from msgspec import inspect
from numpy.typing import NDArray

from argosy import house
from argosy.core.errors import Misuse
from argosy.core.events import Bar, Event, Split
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Hold, Intent, Ladder, Protection, Target
from argosy.core.strategy import ABSENT, Declaration, Out, declare
from argosy.core.tape import Tape
from argosy.core.time import HOUR, MINUTE
from argosy.data.actions import forward_factor
from argosy.engine.engine import Engine, Failure
from argosy.engine.journal import Wanted
from argosy.engine.restart import restart
from argosy.engine.slot import table
from argosy.engine.steps import strange
from argosy.kernels.kernel import kernel
from argosy.kernels.plain import linked
from argosy.replay import Replay

START = 1_700_000_000 * 1_000_000_000 // HOUR * HOUR
"""Where the made-up past begins, on a full hour."""

SPAN = 30 * MINUTE
"""A bar an hour, of half an hour, so that a split has a place between two bars."""

RATIO = 4.0
"""Units after a split for one before: a power of two, so that rescaled prices lose no bit."""

SHAPE_CODES = frozenset({"PRICE_TICK", "QTY_STEP", "QTY_MIN", "QTY_MAX", "INSTRUMENT_UNKNOWN"})
"""Refusals that say that an order was malformed, whatever the limits are."""

NAN = float("nan")


class Decision(NamedTuple):
    """One thing a strategy wanted. at: ns; lots: what a Target came to."""

    at: int
    symbol: str
    intent: Intent
    lots: int


class Played(NamedTuple):
    """A finished run. words: each decision as text (nan is no number, but its text is equal to itself).

    chain: hash of its journal; state: hash of its last state; books: lots and money of all books at the end, as text
    """

    decisions: list[Decision]
    words: list[str]
    failures: list[Failure]
    refusals: dict[str, int]
    chain: str
    state: str
    books: str


def prices(rows: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Bars of a random walk in cents whose drift and noise change: (rows,) open, high, low, close, volume.

    The same seed gives the same bars, and fewer rows give the first of them.
    """
    draw = np.random.default_rng(seed).standard_normal((rows, 5))
    phase = np.arange(rows) / 40.0 + seed
    sigma = 0.008 * (1.5 + np.sin(phase * 0.7))
    close = np.round(100.0 * np.exp(np.cumsum(sigma * draw[:, 0] + 0.006 * np.sin(phase))), 2)
    close = np.maximum(close, 1.0)
    open_ = np.concatenate(([100.0], np.maximum(np.round(close[:-1] * (1.0 + 0.002 * draw[1:, 1]), 2), 1.0)))
    high = np.round(np.maximum(open_, close) * (1.0 + 0.5 * sigma * np.abs(draw[:, 2])), 2)
    low = np.round(np.minimum(open_, close) * (1.0 - 0.5 * sigma * np.abs(draw[:, 3])), 2)
    volume = np.round(1e6 * np.exp(0.3 * draw[:, 4]))
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume}


def tape(columns: Mapping[str, NDArray[np.float64]], instrument: int) -> Tape:
    """A tape of bars, one an hour from START on."""
    count = len(columns["close"])
    ts = START + HOUR * np.arange(count, dtype=np.int64)
    return Tape(
        Bar,
        dict(columns)
        | {
            "ts": ts,
            "known": ts + SPAN,
            "instrument": np.full(count, instrument),
            "span": np.full(count, SPAN),
        },
    )


class StrategyKit:
    """Laws of every strategy.

    strategy: the class; given: parameters over its defaults; symbols, rows, seed: the made-up market
    cash:     start capital, large enough that whole lots do not matter
    splits:   False for a strategy whose orders are laid out in prices of its own, so that a split makes it lay them anew
    """

    strategy: type
    given: ClassVar[Mapping[str, object]] = {}
    symbols: tuple[str, ...] = ("AAA", "BBB", "CCC")
    rows = 600
    seed = 11
    cash = 1e8
    splits = True

    # -- the stage -------------------------------------------------------------------------------------------------------

    def declared(self, changed: Mapping[str, object] | None = None) -> Declaration:
        """The declaration with the kit's parameters, some of them changed."""
        params: dict[str, Any] = {**self.given, **(changed or {})}
        return declare(self.strategy, "kit", **params)

    def market(self) -> list[dict[str, NDArray[np.float64]]]:
        """The columns of each symbol, in the order of `symbols`."""
        return [prices(self.rows, self.seed + k) for k in range(len(self.symbols))]

    def play(
        self,
        columns: Sequence[Mapping[str, NDArray[np.float64]]],
        events: Sequence[Event] = (),
        *,
        symbols: Sequence[str] = (),
        given: Mapping[str, object] | None = None,
        bulk: bool = True,
        restarts: Sequence[int] = (),
        crash: bool = False,
    ) -> Played:
        """Run the strategy. restarts: bars after which the engine dies and a new one goes on from the journal.

        crash: it dies without a last snapshot, so that the strategy lives through its past once more
        """
        names = tuple(symbols) or self.symbols
        instruments = Instruments(Instrument(symbol=symbol) for symbol in names)
        tapes = [tape(own, instruments[symbol].id) for symbol, own in zip(names, columns, strict=True)]
        wanted = house.Wanted(
            "kit", self.strategy, dict(self.given if given is None else given), budget_frac=1.0
        )
        terms = house.Terms(cash=self.cash, multiplier=2.0, fees="free", slippage_bps=0.0)
        data = (instruments, tapes, list(events))
        run = house.assemble([wanted], data, terms, bulk=bulk)
        engine = run.engine
        engine.open(run.cash)
        for bar in restarts:
            run.replay.run(stop=bar * len(tapes))
            if not crash:
                engine.close()
            run.replay.engine = engine = revived(
                engine, house.assemble([wanted], data, terms, bulk=False).engine, run.replay
            )
        run.replay.run()
        engine.close()
        return self.played(engine)

    def played(self, engine: Engine) -> Played:
        """What came of a run."""
        decisions = [
            Decision(
                record.at, engine.instruments[record.intent.instrument].symbol, record.intent, record.lots
            )
            for _, record in engine.journal.records()
            if type(record) is Wanted
        ]
        chain = str(getattr(engine.journal, "chain", ""))
        words = [repr(decision) for decision in decisions]
        state = engine.state
        books = repr(state.portfolio.snapshot())
        return Played(
            decisions, words, engine.failures, dict(state.counters.refusals), chain, state.hash, books
        )

    # -- it lives ----------------------------------------------------------------------------------------------------------

    def test_it_wants_something_and_never_fails(self) -> None:
        """Without a single wish the other laws would hold of anything."""
        played = self.play(self.market())
        assert played.failures == []
        assert played.decisions, "it wanted nothing on the kit's prices: set `given`, `rows` or `seed`"

    def test_it_returns_only_intents_with_a_reason(self) -> None:
        for decision in self.play(self.market()).decisions:
            assert isinstance(decision.intent, Target | Ladder | Hold)
            assert decision.intent.why, f"no reason: {decision}"

    def test_it_asks_for_nothing_malformed(self) -> None:
        refusals = self.play(self.market()).refusals
        assert not SHAPE_CODES & refusals.keys(), refusals

    # -- determinism ---------------------------------------------------------------------------------------------------------

    def test_the_same_past_gives_the_same_journal(self) -> None:
        one, other = self.play(self.market()), self.play(self.market())
        assert one.chain == other.chain
        assert one.state == other.state

    def test_needs_in_bulk_and_streamed_give_the_same(self) -> None:
        one, other = self.play(self.market()), self.play(self.market(), bulk=False)
        assert one.words == other.words
        assert one.state == other.state

    def test_a_restart_changes_nothing(self) -> None:
        """run(0..n) = run(0..k) + restart + run(k..n): all it knows is in its declared state."""
        whole = self.play(self.market(), bulk=False)
        fifth = self.rows // 5
        for restarts in ((fifth,), (self.rows // 2 + 1,), (fifth, 2 * fifth + 3, 4 * fifth)):
            for crash in (False, True):
                parted = self.play(self.market(), bulk=False, restarts=restarts, crash=crash)
                assert parted.failures == []
                assert parted.words == whole.words, f"restarted after bars {restarts}, crash: {crash}"
                assert parted.books == whole.books
                if (
                    crash
                ):  # a last snapshot takes a place in the journal, and orders are numbered by their places
                    assert parted.state == whole.state

    # -- time ------------------------------------------------------------------------------------------------------------------

    def test_the_future_decides_nothing(self) -> None:
        """What is wanted up to bar k is the same when the bars after it are missing, and when they are others."""
        columns = self.market()
        whole = self.play(columns)
        for k in sorted({self.rows // 3, self.rows // 2, self.rows - 7, *self.turns(whole.decisions)}):
            edge = START + HOUR * k + SPAN
            past = until(whole, edge)
            cut = [{name: column[: k + 1] for name, column in own.items()} for own in columns]
            assert until(self.play(cut), edge) == past, f"bars after {k} decided what was wanted before"
            other = [
                {name: np.concatenate((own[name][: k + 1], new[name][k + 1 :])) for name in own}
                for own, new in (
                    (own, prices(self.rows, self.seed + 100 + i)) for i, own in enumerate(columns)
                )
            ]
            assert until(self.play(other), edge) == past, f"bars after {k} decided what was wanted before"

    def turns(self, decisions: Sequence[Decision]) -> list[int]:
        """Bars just before and at a decision in the middle of the run: where peeking would show."""
        if not decisions:
            return []
        bar = (decisions[len(decisions) // 2].at - START) // HOUR
        return [k for k in (bar - 1, bar) if 0 < k < self.rows]

    def test_it_is_silent_while_it_warms_up(self) -> None:
        declaration = self.declared()
        first = START + HOUR * max(0, declaration.warmup - 1) + SPAN
        for decision in self.play(self.market()).decisions:
            assert decision.at >= first, f"{decision} came before bar {declaration.warmup}"

    # -- symmetry --------------------------------------------------------------------------------------------------------------

    def test_the_order_of_instruments_changes_nothing(self) -> None:
        """Instruments of one instant may come in any order, under any id."""
        columns = self.market()
        straight = self.play(columns).decisions
        turned = self.play(columns[::-1], symbols=self.symbols[::-1]).decisions
        assert sorted(map(self.nameless, straight)) == sorted(map(self.nameless, turned))

    @staticmethod
    def nameless(decision: Decision) -> tuple[int, str, int, str]:
        """A decision without the number of its instrument and the words of its reason."""
        plain = msgspec.to_builtins(msgspec.structs.replace(decision.intent, instrument=0, why=""))
        return decision.at, decision.symbol, decision.lots, repr(plain)

    def test_a_split_is_no_signal(self) -> None:
        """The same market with a split in it, prices rescaled after it, gives the same wishes in the new prices."""
        columns = self.market()
        at = self.rows // 2
        rescaled = [dict(own) for own in columns]
        for name in ("open", "high", "low", "close"):
            rescaled[0][name] = np.concatenate((columns[0][name][:at], columns[0][name][at:] / RATIO))
        rescaled[0]["volume"] = np.concatenate((columns[0]["volume"][:at], columns[0]["volume"][at:] * RATIO))
        moment = START + HOUR * at
        split = self.play(rescaled, [Split(moment, moment, 0, RATIO)])
        assert split.failures == []
        if not self.splits:
            return
        whole = self.play(columns).decisions
        assert [(one.at, one.symbol) for one in split.decisions] == [(one.at, one.symbol) for one in whole]
        for one, other in zip(split.decisions, whole, strict=True):
            ratio = RATIO if one.symbol == self.symbols[0] and one.at > moment else 1.0
            self.same_wish(one.intent, other.intent, ratio)

    def same_wish(self, one: Intent, other: Intent, ratio: float) -> None:
        """Assert that an intent after a split of `ratio` is the other in new prices."""
        assert type(one) is type(other)
        if isinstance(one, Target) and isinstance(other, Target):
            assert one.weight == other.weight
            assert same(one.limit * ratio, other.limit)
            mine, its = one.protection or Protection(), other.protection or Protection()
            assert same(mine.stop * ratio, its.stop)
            assert same(mine.take * ratio, its.take)
        elif isinstance(one, Ladder) and isinstance(other, Ladder):
            assert [rung.tag for rung in one.rungs] == [rung.tag for rung in other.rungs]
            assert all(same(a.px * ratio, b.px) for a, b in zip(one.rungs, other.rungs, strict=True))

    # -- parameters ------------------------------------------------------------------------------------------------------------

    def test_every_parameter_is_described_and_every_number_bounded(self) -> None:
        for name, kind, text in parameters(self.declared()):
            assert text, f"{name} has no description"
            if isinstance(kind, inspect.IntType | inspect.FloatType):
                assert lowest(kind) is not None, f"{name} has no lower bound"
                assert highest(kind) is not None, f"{name} has no upper bound"

    def test_defaults_are_within_bounds(self) -> None:
        shape = type(self.declared().params)
        msgspec.convert(msgspec.to_builtins(shape()), shape)

    def test_numbers_out_of_bounds_are_refused(self) -> None:
        for name, kind, _ in parameters(self.declared()):
            if isinstance(kind, inspect.IntType | inspect.FloatType):
                for value in outside(kind):
                    try:
                        self.declared({name: value})
                    except Misuse as error:
                        assert error.code == "STRATEGY_PARAM"
                    else:
                        raise AssertionError(f"{name}={value} is out of bounds and was taken")

    def test_the_bounds_themselves_can_be_run(self) -> None:
        """Each parameter at its least and greatest; a value that clashes with the others may be refused, not fail."""
        columns = [{name: column[:150] for name, column in own.items()} for own in self.market()]
        for name, kind, _ in parameters(self.declared()):
            if isinstance(kind, inspect.IntType | inspect.FloatType):
                for value in (lowest(kind), highest(kind)):
                    given = {**self.given, name: value}
                    try:
                        self.declared({name: value})
                    except Misuse as error:
                        assert error.code == "STRATEGY_PARAM"
                        continue
                    assert self.play(columns, given=given).failures == [], f"{name}={value}"


class StepKit(StrategyKit):
    """Laws of step strategies beside those of all."""

    def test_nan_needs_say_nothing(self) -> None:
        """An indicator without a value yet is no reason to act."""
        declaration = self.declared()
        if not declaration.needs:
            return
        assert declaration.step is not None
        for unknown in (set(declaration.needs), *({name} for name in declaration.needs)):
            state, out = declaration.state(), Out()
            for row, needs in self.stepped_rows(declaration):
                blank = msgspec.structs.replace(needs, **dict.fromkeys(unknown, NAN))
                declaration.step(row, blank, state, declaration.params, out)
                assert out.target == ABSENT, f"it wants {out.target} while {unknown} is nan"

    def test_python_and_machine_code_step_alike(self) -> None:
        """The same rows through `step` and its compiled twin: equal numbers and equal state at every row, to the bit."""
        declaration = self.declared()
        assert declaration.step is not None
        found = strange(declaration)
        if found is not None:
            raise SkipTest(f"it is stepped in Python, which is only slower: {found}")
        compiled = kernel(linked(declaration.step)).jit  # type: ignore[arg-type]  # `strange` has looked at it
        shape = {"target": float, "limit": float, "stop": float, "take": float}
        state, out = declaration.state(), Out()
        numbers = record(shape, {name: getattr(out, name) for name in shape})
        twin, params = struct_record(state), struct_record(declaration.params)
        acted = 0
        for row, needs in self.stepped_rows(declaration):
            declaration.step(row, needs, state, declaration.params, out)
            compiled(struct_record(row), struct_record(needs), twin, params, numbers)
            mine = [getattr(out, name) for name in shape] + [
                getattr(state, name) for name in state.__struct_fields__
            ]
            its = [numbers[name] for name in shape] + [twin[name] for name in state.__struct_fields__]
            assert np.array_equal(np.array(mine, np.float64), np.array(its, np.float64)), f"at {row}"
            acted += out.target != ABSENT
        assert acted

    def stepped_rows(self, declaration: Declaration) -> Iterator[tuple[Bar, Any]]:
        """The bars of the first symbol with their needs, from the first that is warm."""
        own = tape(self.market()[0], 0)
        shape = msgspec.defstruct("Needs", [(name, float) for name in declaration.needs], frozen=True)
        columns = [
            column.tolist() for column in table(declaration.needs, own.columns, forward_factor(own, []))
        ]
        for k, row in enumerate(own.rows()):
            if k >= declaration.warmup - 1:
                assert isinstance(row, Bar)
                yield row, shape(*(column[k] for column in columns))


def until(played: Played, at: int) -> list[str]:
    """The words of what was wanted at or before `at`."""
    return [word for word, decision in zip(played.words, played.decisions, strict=True) if decision.at <= at]


def revived(dead: Engine, fresh: Engine, replay: Replay) -> Engine:
    """The fresh engine where the dead one stood: its journal read, and the market rows since its last record seen."""
    fresh.journal = dead.journal
    found = restart(fresh, dead.journal.records(), replay.source.rows())
    assert found.changed == []
    assert found.differed == {}, "living through the same past again, it wanted something else"
    stand = fresh.state.rows
    bounds = replay.source.instants()
    missed = list(islice(replay.source.rows(stand), dead.state.rows - stand))
    for low, high in pairwise(bounds[(bounds >= stand) & (bounds <= dead.state.rows)].tolist()):
        assert fresh.instant(missed[low - stand : high - stand]) == (), (
            "it wanted something that the journal lacks"
        )
    return fresh


def same(one: float, other: float) -> bool:
    """Equal, or both nan."""
    return one == other or (isnan(one) and isnan(other))


# -- parameters ------------------------------------------------------------------------------------------------------------


def parameters(declaration: Declaration) -> list[tuple[str, inspect.Type, str]]:
    """Name, type and description of each parameter."""
    info = inspect.type_info(type(declaration.params))
    assert isinstance(info, inspect.StructType)
    found = []
    for field in info.fields:
        kind, text = field.type, ""
        while isinstance(kind, inspect.Metadata):
            text = str((kind.extra_json_schema or {}).get("description", text))
            kind = kind.type
        found.append((field.name, kind, text))
    return found


def lowest(kind: inspect.IntType | inspect.FloatType) -> float | None:
    """The least value that the bounds allow."""
    return _edge(kind, kind.ge, kind.gt, 1)


def highest(kind: inspect.IntType | inspect.FloatType) -> float | None:
    """The greatest value that the bounds allow."""
    return _edge(kind, kind.le, kind.lt, -1)


def outside(kind: inspect.IntType | inspect.FloatType) -> list[float]:
    """The nearest values beyond each bound."""
    low, high = lowest(kind), highest(kind)
    return [_next(kind, edge, sign) for edge, sign in ((low, -1), (high, 1)) if edge is not None]


def _edge(kind: inspect.Type, closed: float | None, open_: float | None, sign: int) -> float | None:
    if closed is not None:
        return int(closed) if isinstance(kind, inspect.IntType) else float(closed)
    return None if open_ is None else _next(kind, open_, sign)


def _next(kind: inspect.Type, value: float, sign: int) -> float:
    return (
        int(value) + sign if isinstance(kind, inspect.IntType) else float(np.nextafter(value, sign * np.inf))
    )


# -- records for machine code ----------------------------------------------------------------------------------------------

_CODES: dict[type, str] = {float: "f8", int: "i8", bool: "?"}


def record(shape: Mapping[str, type], values: Mapping[str, Any]) -> Any:
    """One NumPy record with a field a name, as compiled code takes it; an empty one gets a field that nobody reads."""
    out = np.zeros(1, np.dtype([(name, _CODES[kind]) for name, kind in shape.items()] or [("_", "f8")]))[0]
    for name in shape:
        out[name] = values[name]
    return out


def struct_record(struct: msgspec.Struct) -> Any:
    """The numbers of a Struct as a record; other fields are left out."""
    values = {name: getattr(struct, name) for name in struct.__struct_fields__}
    return record({name: type(value) for name, value in values.items() if type(value) in _CODES}, values)
