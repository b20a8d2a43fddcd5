"""Random tick tapes and tick strategies for the laws of the compiled tick lane: cents with ties, equal stamps, holes, books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from argosy.core.events import BookDelta, Quote, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.strategy import ABSENT, TRADE, Watch
from argosy.core.tape import Tape
from argosy.core.time import MS
from argosy.house import Terms, Wanted
from argosy.lab.backtest import run
from argosy.lab.sweep import fills, sweep
from argosy.lab.verdict import gather


class Rolls:
    """Writes anything at random, from a generator in its state: targets, limits, stops, targets of profit, together or alone."""

    unit = "lots"
    watches = (Watch("*", "trade"), Watch("*", "quote"))

    class params(msgspec.Struct):
        seed: int = 1
        often: int = 5
        limits: int = 1
        guards: int = 1
        adds: int = 1
        part: float = 1.0

    class state(msgspec.Struct):
        word: float = 1.0
        last: float = 0.0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        if row.kind == TRADE and row.price > 0.0:
            state.last = row.price
        elif row.bid > 0.0 and row.ask > 0.0:
            state.last = (row.bid + row.ask) * 0.5
        word = (state.word * 48271.0 + params.seed) % 2147483647.0
        if word % params.often == 0 and state.last > 0.0:
            lots = float((word // 256.0) % 21 - 10)
            if params.adds == 0 and lots * row.held > 0.0:
                lots = row.held
            near = (word // 8192.0) % 5 / 100.0
            far = (1 + (word // 131072.0) % 9) / 100.0
            side = 1.0 if lots >= 0.0 else -1.0
            out.target = lots * params.part
            out.limit = ABSENT
            out.stop = ABSENT
            out.take = ABSENT
            kind = (word // 16.0) % 8
            if params.limits and kind % 2 == 1:
                out.limit = state.last - side * (near - 0.01)
            if params.guards and kind > 2:
                out.stop = state.last - side * far
            if params.guards and (kind == 2 or kind > 5):
                out.take = state.last + side * (near + 0.01)
        state.word = word


class RollsAll(Rolls):
    """The same, and it is called for levels of the book, too."""

    watches = (Watch("*", "trade"), Watch("*", "quote"), Watch("*", "book"))


class RollsTrades(Rolls):
    """The same, called for trades alone, from the fourth on."""

    watches = (Watch("*", "trade"),)
    warmup = 4


class RollsWeight(Rolls):
    """Weights: `part` is a tenth."""

    unit = "weight"


class Maker:
    """Rests a tick behind the last trade until it is filled, then on the other side: orders move, and wait in queues."""

    unit = "lots"
    watches = (Watch("*", "trade"),)

    class params(msgspec.Struct):
        size: float = 3.0
        away: float = 0.01

    class state(msgspec.Struct):
        at: float = 0.0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        if not row.price > 0.0:
            return
        if row.held < params.size:
            out.target = params.size
            if out.limit == ABSENT or row.price > out.limit + 0.03 or state.at != 1.0:
                out.limit = row.price - params.away
                state.at = 1.0
        else:
            out.target = -params.size if row.held > 0.0 else 0.0
            if out.limit == ABSENT or row.price < out.limit - 0.03 or state.at != -1.0:
                out.limit = row.price + params.away
                state.at = -1.0


def tapes(seed: int, rows: int, kinds: Sequence[str], calm: float = 0.6) -> list[Tape]:
    """Random walks in cents; some prices and sizes missing or zero, some stamps equal, one-sided quotes, books begun anew."""
    rng = np.random.default_rng(seed)
    clock = np.cumsum(rng.integers(0, 3, rows)) * MS + 1
    path = 10_000 + np.cumsum(rng.choice([-1, 0, 1], rows, p=[(1 - calm) / 2, calm, (1 - calm) / 2]))
    made = []
    for kind in kinds:
        here = np.sort(rng.choice(rows, rows // len(kinds), replace=False)) if len(kinds) > 1 else np.arange(rows)
        when, cents = clock[here], path[here] + rng.integers(-1, 2, len(here))
        n = len(here)
        columns: dict[str, Any] = {"ts": when - rng.integers(0, 2, n), "known": when, "instrument": np.zeros(n, np.int64)}
        if kind == "trade":
            price = np.where(rng.random(n) < 0.02, np.nan, cents / 100.0)
            size = rng.integers(0, 15, n).astype(float)
            columns |= {"price": price, "size": np.where(rng.random(n) < 0.01, np.nan, size), "side": rng.integers(-1, 2, n)}
            made.append(Tape(Trade, columns))
        elif kind == "quote":
            bid = np.where(rng.random(n) < 0.03, np.nan, (cents - rng.integers(0, 2, n)) / 100.0)
            ask = np.where(rng.random(n) < 0.03, np.nan, (cents + rng.integers(0, 2, n)) / 100.0)
            columns |= {"bid": bid, "ask": ask, "bid_size": rng.integers(0, 9, n).astype(float), "ask_size": rng.integers(0, 9, n).astype(float)}
            made.append(Tape(Quote, columns))
        else:
            side = rng.choice([-1, 1], n)
            price = (path[here] - side * rng.integers(-1, 5, n)) / 100.0
            size = np.where(rng.random(n) < 0.45, 0.0, rng.integers(1, 30, n))
            columns |= {"side": side, "price": price, "size": size, "clear": rng.random(n) < 0.01}
            made.append(Tape(BookDelta, columns))
    return made


def market(seed: int, rows: int, kinds: Sequence[str], events: Sequence[Any] = (), **facts: Any) -> Any:
    """One instrument with its tapes."""
    return Instruments([Instrument(symbol="S0", **facts)]), tapes(seed, rows, kinds), list(events)


def parity(strategy: type, params: dict[str, Any], data: Any, terms: Terms) -> bool:
    """Hold one combination against the walk of it; False when the sweep refused it (then it says why)."""
    outcome = run([Wanted("one", strategy, params)], data, terms)
    row = sweep(strategy, data, {}, params=params, terms=terms, trials=None, workers=1).to_dicts()[0]
    if row["refused"]:
        assert row["equity_units"] is None
        return False
    assert not outcome.failures, outcome.failures[0].trace
    assert not outcome.refusals, f"the walk refused {outcome.refusals}, the sweep did not"
    state = outcome.run.engine.state
    walked = [
        (fill.known, fill.ts, fill.side, lots, fill.price, fill.notional, fee, order.tag if order is not None else "")
        for fill, _, lots, fee, order in outcome.account.fills
    ]
    swept = fills(strategy, data, params=params, terms=terms)
    assert swept.select("known", "ts", "side", "lots", "price", "notional", "fee", "tag").rows() == walked
    assert row["cash_units"] == state.portfolio.cash[0]
    assert row["lots"] == state.portfolio.lots[0]
    assert row["equity_units"] == state.portfolio.equity == int(outcome.equity()[-1])
    assert row["fees_units"] == sum(fee for _, _, _, fee, _ in outcome.account.fills)
    stats = gather(outcome, "one").stats
    for name in ("total_return", "sharpe", "max_drawdown", "trades", "win_rate", "exposure", "fees", "traded"):
        mine = float("nan") if row[name] is None else row[name]
        if not (mine != mine and stats[name] != stats[name]):
            assert abs(mine - stats[name]) <= 1e-9 * abs(stats[name]) + 1e-12, (name, mine, stats[name])
    return True


class Odd:
    """Writes once, at the row that its parameters name, what they say."""

    unit = "lots"
    watches = (Watch("*", "trade"),)

    class params(msgspec.Struct):
        target: float = 5.0
        limit: float = ABSENT
        stop: float = ABSENT
        root: float = 1.0
        at: int = 1

    class state(msgspec.Struct):
        seen: int = 0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.seen += 1
        if state.seen == params.at:
            out.target = params.target / params.root
            out.limit = params.limit
            out.stop = params.stop
