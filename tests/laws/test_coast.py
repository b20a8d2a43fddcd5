"""Ticks for which nobody is called are walked compiled: every record, mark, latch and fill is that of taking them one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from argosy.core.events import (
    BookDelta,
    CashFlow,
    Command,
    Dividend,
    Event,
    Fact,
    Fill,
    Quote,
    Session,
    Split,
    Status,
    Trade,
)
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL
from argosy.core.strategy import Watch
from argosy.core.tape import Tape
from argosy.core.time import MS, SECOND
from argosy.engine.engine import Breakers
from argosy.engine.fold import fold
from argosy.engine.state import State
from argosy.house import Run, Terms, Wanted, assemble
from argosy.kernels.coast import coast

STEPPED = 1 << 62


class Sleeper:
    """Buys a tick below and sells a tick above what it was filled at; between fills it hears nothing but timers and sessions."""

    watches = (Watch("*", "trade"),)

    def on_fact(self, fact: Any, book: Any) -> Any:
        i = int(fact.value)
        mark = book.mark(i)
        return Ladder(i, (Rung("b", BUY, round(mark - 0.03, 2), 5, protection=Protection(stop=round(mark - 0.30, 2))),))

    def on_fill(self, fill: Fill, book: Any) -> Any:
        px = round(fill.price, 2)
        if fill.side == BUY:
            return Ladder(fill.instrument, (Rung("s", SELL, round(px + 0.05, 2), fill.lots),))
        return Ladder(fill.instrument, (Rung("b", BUY, round(px - 0.05, 2), 5, protection=Protection(stop=round(px - 0.40, 2))),))


class Holder:
    """Takes a position with a stop and a target when a fact comes."""

    watches = (Watch("*", "trade"),)

    def on_fact(self, fact: Any, book: Any) -> Any:
        i = int(fact.value)
        mark = book.mark(i)
        return Target(i, lots=20, protection=Protection(stop=round(mark - 0.10, 2), take=round(mark + 0.10, 2)))


def ticks(seed: int, rows: int, kinds: Sequence[str], instruments: int) -> list[Tape]:
    """Random walks in cents; some prices missing, some stamps equal, one-sided quotes."""
    rng = np.random.default_rng(seed)
    tapes = []
    for kind in kinds:
        when = np.cumsum(rng.integers(0, 3, rows)) * MS + 1
        which = rng.integers(0, instruments, rows)
        px = np.empty(rows)
        for i in range(instruments):
            here = which == i
            px[here] = np.round(100.0 + np.cumsum(rng.integers(-2, 3, here.sum())) * 0.01, 2)
        columns: dict[str, Any] = {"ts": when, "known": when, "instrument": which}
        if kind == "trade":
            price = np.where(rng.random(rows) < 0.02, np.nan, px)
            columns |= {"price": price, "size": rng.integers(1, 20, rows).astype(float), "side": rng.integers(-1, 2, rows)}
            tapes.append(Tape(Trade, columns))
        elif kind == "quote":
            bid = np.where(rng.random(rows) < 0.03, np.nan, px - 0.01)
            ask = np.where((rng.random(rows) < 0.03) | (np.isnan(bid) & (rng.random(rows) < 0.3)), np.nan, px + 0.01)
            columns |= {"bid": bid, "ask": ask, "bid_size": np.full(rows, 9.0), "ask_size": np.full(rows, 9.0)}
            tapes.append(Tape(Quote, columns))
        else:
            columns |= {"side": np.ones(rows, np.int64), "price": px, "size": np.ones(rows), "clear": np.zeros(rows, np.bool_)}
            tapes.append(Tape(BookDelta, columns))
    return tapes


def facts(seed: int, last: int, instruments: int) -> list[Event]:
    """What wakes the sleepers, and what happens to them: halts, splits, cash, commands, days."""
    rng = np.random.default_rng(seed + 1)
    at = lambda: int(rng.integers(1, last))  # noqa: E731
    out: list[Event] = [Fact(t, t, "s", "wake", float(i)) for i in range(instruments) for t in (at(), at(), at())]
    i = int(rng.integers(0, instruments))
    halted = at()
    out += [Status(halted, halted, i, True), Status(halted + SECOND, halted + SECOND, i, False)]
    for kind in rng.choice(6, 3, replace=False).tolist():
        t = at()
        if kind == 0:
            out.append(Split(t, t, i, 2.0))
        elif kind == 1:
            out.append(Dividend(t, t, i, 0.25))
        elif kind == 2:
            out.append(CashFlow(t, t, "USD", -5_000_000))
        elif kind == 3:
            out += [Command(t, t, "pause", "me", "why", "one"), Command(t + SECOND, t + SECOND, "unpause", "me", "why", "one")]
        elif kind == 4:
            out.append(Command(t, t, "reduce", "me", "why"))
        else:
            out += [Session(t, t, "24/7", False, 0, t), Session(t + MS, t + MS, "24/7", True, 1, last)]
    return out


def go(strategy: type, data: Any, terms: Terms, scan_from: int) -> Run:
    run = assemble([Wanted("one", strategy)], data, terms, scan_from=scan_from)
    run.go()
    return run


def alike(strategy: type, data: Any, terms: Terms) -> Run:
    """Both ways over one market agree in every record and in the state; the journal folds to it."""
    quick, slow = go(strategy, data, terms, 1), go(strategy, data, terms, STEPPED)
    for one, other in zip(quick.engine.journal.records(), slow.engine.journal.records(), strict=True):
        assert repr(one) == repr(other)
    assert repr(quick.engine.state.snapshot()) == repr(slow.engine.state.snapshot())
    assert repr(quick.engine.state.quotes) == repr(slow.engine.state.quotes)
    assert [f.error for f in quick.engine.failures] == [f.error for f in slow.engine.failures] == []
    state = State(quick.engine.instruments, "USD", ["one"])
    assert fold(quick.engine.journal.records(), state, quick.replay.source.rows()).hash == quick.engine.state.hash
    return quick


@pytest.mark.parametrize("kinds", [("trade",), ("quote",), ("quote", "trade"), ("book", "trade")], ids="+".join)
@pytest.mark.parametrize("strategy", [Sleeper, Holder])
@pytest.mark.parametrize("seed", range(6))
def test_coasting_is_taking_each_row(kinds: Sequence[str], strategy: type, seed: int) -> None:
    count = 1 + seed % 3
    names = Instruments(Instrument(symbol=f"S{i}") for i in range(count))
    tapes = ticks(seed, 1500, kinds, count)
    last = max(int(tape["known"][-1]) for tape in tapes)
    terms = Terms(
        cash=100_000.0, fees="alpaca" if seed % 2 else "free", slippage_bps=0.0, latency_ms=(0.0, 0.0, 5.0)[seed % 3],
        limit_rule="touch" if seed % 2 else "through", breakers=Breakers(daily_loss_frac=(0.0, 1e-5)[seed % 2], drawdown_frac=(0.0, 2e-5)[seed // 3]),
    )  # fmt: skip
    run = alike(strategy, (names, tapes, facts(seed, last, count)), terms)
    assert run.replay.coasted


def test_the_sleepers_trade() -> None:
    names = Instruments([Instrument(symbol="S0")])
    tapes = ticks(4, 30_000, ("trade",), 1)
    run = alike(Sleeper, (names, tapes, facts(3, 1000 * MS, 1)[:1]), Terms(cash=100_000.0, fees="free"))
    fills = [record for _, record in run.engine.journal.records() if isinstance(record, Fill)]
    assert len(fills) > 9


def test_plain_python_coasts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Instruments([Instrument(symbol="S0")])
    data = (names, ticks(4, 3000, ("quote", "trade"), 1), facts(5, 1000 * MS, 1))
    terms = Terms(cash=100_000.0, fees="free", breakers=Breakers(drawdown_frac=2e-5))
    compiled = go(Sleeper, data, terms, 1)
    monkeypatch.setattr(coast, "jit", coast.py)
    plain = go(Sleeper, data, terms, 1)
    assert plain.replay.coasted
    assert plain.engine.state.hash == compiled.engine.state.hash


def test_who_listens_to_ticks_is_called_for_each() -> None:
    class Listener(Sleeper):
        def on_trade(self, trade: Trade, book: Any) -> None:
            return None

    names = Instruments([Instrument(symbol="S0")])
    assert not go(Listener, (names, ticks(4, 300, ("trade",), 1), []), Terms(cash=1e5), 1).replay.coasted
