"""One law in two lanes: a swept combination has every fill, and cash, equity, fees and lots to the unit, of the walk of it alone."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from argosy.core.events import Bar, Dividend, Event, Session, Split
from argosy.core.instrument import Instrument, Instruments
from argosy.core.strategy import ABSENT, Out
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, MINUTE
from argosy.house import Terms, Wanted, fee_schedule
from argosy.kernels.fees import bps, per_share
from argosy.kernels.indicators import atr, sma
from argosy.kernels.sweep.account import ACCOUNT, FILLS, LEVELS, SENT
from argosy.kernels.sweep.link import places, sweeper
from argosy.kernels.sweep.marks import BLOCK, FIGURES, blocks, floor_of, marked
from argosy.kernels.sweep.orders import CAPACITY, FLOATS, INTEGERS
from argosy.lab.backtest import run
from argosy.lab.sweep import fills, records, sweep
from argosy.lab.sweep.grid import plan
from argosy.lab.sweep.ground import grounds
from argosy.lab.sweep.work import FILL, ORDER
from argosy.lab.sweep.work import single as single_run
from argosy.lab.verdict import gather
from argosy.strategies.breakout import Breakout
from argosy.strategies.mean_reversion import MeanReversion
from argosy.strategies.multi_timeframe import MultiTimeframe
from argosy.strategies.trend import Trend
from argosy.strategies.volatility_target import VolatilityTarget
from tests.laws.market import bars

SEEDS = range(60 if os.environ.get("ARGOSY_DRILL") else 4)


class Turns:
    """Follows two means in odd lots, so that sizes change and positions flip."""

    unit = "lots"

    class params(msgspec.Struct):
        size: float = 7.0
        short: float = 0.5

    class state(msgspec.Struct):
        turns: int = 0

    needs = {"fast": sma(3), "slow": sma(9)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        up = needs.fast > needs.slow
        if up != (state.turns % 2 == 1):
            state.turns += 1
            out.target = params.size + state.turns % 5 if up else -params.size * params.short * (state.turns % 3)


class Dozens:
    """Follows two means by the dozen, which halves and thirds leave whole."""

    unit = "lots"

    needs = {"fast": sma(3), "slow": sma(9)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 12.0 if needs.fast > needs.slow else -12.0


class Money:
    """The same in money."""

    unit = "notional"

    class state(msgspec.Struct):
        turns: int = 0

    needs = {"fast": sma(3), "slow": sma(9)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        up = needs.fast > needs.slow
        if up != (state.turns % 2 == 1):
            state.turns += 1
            out.target = 300.0 + state.turns % 7 if up else -200.0


class Dice:
    """Writes anything at random, from a generator in its state: targets, limits, stops, targets of profit, together or alone."""

    class params(msgspec.Struct):
        seed: int = 1
        often: int = 5
        limits: int = 1
        guards: int = 1
        adds: int = 1

    class state(msgspec.Struct):
        word: float = 1.0

    needs = {"range": atr(5)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        word = (state.word * 48271.0 + params.seed) % 2147483647.0
        if word % params.often == 0:
            lots = float((word // 256.0) % 21 - 10)
            if params.adds == 0 and lots * out.target > 0.0 and out.target != ABSENT:
                lots = out.target
            near = (1 + (word // 8192.0) % 40) / 100.0
            far = (1 + (word // 131072.0) % 60) / 100.0
            side = 1.0 if lots >= 0.0 else -1.0
            out.target = lots
            out.limit = ABSENT
            out.stop = ABSENT
            out.take = ABSENT
            kind = (word // 16.0) % 8
            if params.limits and kind % 2 == 1:
                out.limit = row.close - side * (near - 0.1)
            if params.guards and kind > 2:
                out.stop = row.close - side * far
            if params.guards and (kind == 2 or kind > 5):
                out.take = row.close + side * near
        state.word = word


class DiceLots(Dice):
    unit = "lots"


class DiceWeight(Dice):
    """Weights of a tenth."""

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        word = (state.word * 48271.0 + params.seed) % 2147483647.0
        if word % params.often == 0:
            out.target = float((word // 256.0) % 21 - 10) / 10.0
            out.stop = ABSENT
            out.take = ABSENT
            side = 1.0 if out.target >= 0.0 else -1.0
            if (word // 16.0) % 3 == 0:
                out.stop = row.close - side * (1 + (word // 131072.0) % 60) / 100.0
            if (word // 16.0) % 4 == 0:
                out.take = row.close + side * (1 + (word // 8192.0) % 60) / 100.0
        state.word = word


def thinned(tape: Tape, every: int = 7) -> Tape:
    volume = np.where(np.arange(len(tape)) % every == 3, 0.0, tape["volume"])
    return Tape(Bar, {name: volume if name == "volume" else column for name, column in tape.columns.items()})


def single(tape: Tape, events: list[Event] | None = None, **facts: Any) -> Any:
    return Instruments([Instrument(symbol="S0", **facts)]), [tape], events or []


def parity(strategy: type, params: dict[str, Any], data: Any, terms: Terms) -> bool:
    """Hold one combination against the walk of it; False when the sweep refused it (then it says why)."""
    outcome = run([Wanted("one", strategy, params)], data, terms)
    row = sweep(strategy, data, {}, params=params, terms=terms, trials=None, workers=1).to_dicts()[0]
    if row["refused"]:
        assert row["equity_units"] is None
        return False
    assert not outcome.refusals, f"the walk refused {outcome.refusals}, the sweep did not"
    assert not outcome.failures
    state = outcome.run.engine.state
    walked = [
        (fill.side, lots, fill.price, fill.notional, fee, order.tag if order is not None else "")
        for fill, _, lots, fee, order in outcome.account.fills
    ]
    swept = fills(strategy, data, params=params, terms=terms)
    assert swept.select("side", "lots", "price", "notional", "fee", "tag").rows() == walked
    written = records(strategy, data, params=params, terms=terms)  # there every guard is an order like the others
    assert written.fills.equals(swept)
    trips = gather(outcome, "one").trades.sort("entered", "left", nulls_last=True)
    if not any(isinstance(each, Split) for each in data[2]):
        done = trips.filter(~trips["open"])
        shut = written.trades.filter(written.trades["left"].is_not_null())
        assert shut.select("side", "pnl", "fees", "fills").rows() == done.select("side", "pnl", "fees", "fills").rows()
        assert written.trades.height == trips.height
    assert row["cash_units"] == state.portfolio.cash[0]
    assert row["lots"] == state.portfolio.lots[0]
    assert row["equity_units"] == state.portfolio.equity == int(outcome.equity()[-1])
    assert row["fees_units"] == sum(fee for _, _, _, fee, _ in outcome.account.fills)
    stats = gather(outcome, "one").stats
    for name in ("total_return", "sharpe", "max_drawdown", "trades", "win_rate", "exposure", "fees", "traded"):
        mine = float("nan") if row[name] is None else row[name]
        assert mine == pytest.approx(stats[name], rel=1e-9, abs=1e-12, nan_ok=True), name
    return True


FEES = ("alpaca", "free", per_share(0.005, 1.0), bps(2.0, 7.0))
PLAIN = [
    (Turns, {}), (Turns, {"short": 0.0}), (Money, {}), (Trend, {"fast": 3, "slow": 8}),
    (Trend, {"fast": 3, "slow": 8, "short": True, "weight": 0.6}), (Trend, {"fast": 3, "slow": 8, "stop_atr": 2.0}),
    (Trend, {"fast": 3, "slow": 8, "stop_atr": 0.7, "short": True}), (MeanReversion, {"window": 9, "stop": 1.0}),
    (MeanReversion, {"window": 9, "stop": 0.4, "entry": 1.0, "short": True}),
    (Breakout, {"entry": 12, "exit": 6, "range": 8, "stop_atr": 1.0, "short": True}), (VolatilityTarget, {"per_year": 98_280, "target": 0.3}),
    (MultiTimeframe, {"second": 5, "third": 15, "fourth": 30, "fast": 1, "slow": 3, "stop_atr": 1.0, "short": True}),
]  # fmt: skip


@pytest.mark.parametrize(("strategy", "params"), PLAIN)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_swept_strategy_is_its_walk(seed: int, strategy: type, params: dict[str, Any]) -> None:
    tape = bars(seed, 700)
    terms = Terms(cash=20_000.0, fees=FEES[seed % 4], slippage_bps=float(seed % 3) * 1.5, limit_rule=("through", "touch")[seed % 2])
    assert parity(strategy, params, single(tape), terms)


@pytest.mark.parametrize("strategy", [DiceLots, DiceWeight])
@pytest.mark.parametrize("limits", [0, 1])
@pytest.mark.parametrize("often", [2, 5, 30])
def test_random_orders_fill_as_in_the_walk(strategy: type, limits: int, often: int) -> None:
    kept = 0
    for seed in SEEDS:
        tape = bars(100 + seed, 500, vol=0.004)
        terms = Terms(cash=20_000.0, fees=FEES[seed % 4], slippage_bps=float(seed % 3), limit_rule=("through", "touch")[seed % 2])
        params = {"seed": seed, "often": often, "limits": limits, "adds": seed % 2}
        kept += parity(strategy, params, single(thinned(tape) if seed % 3 == 1 else tape), terms)
    assert kept > len(SEEDS) / 3, "too few were told at all"


@pytest.mark.parametrize("seed", SEEDS)
def test_sessions_end_orders_and_dividends_pay_as_in_the_walk(seed: int) -> None:
    tape = bars(200 + seed, 600)
    events: list[Event] = []
    for start in range(0, 600 * MINUTE, 60 * MINUTE):
        events.append(Session(start, start, "XNYS", True, start // MINUTE, start + 55 * MINUTE))
        events.append(Session(start + 55 * MINUTE, start + 55 * MINUTE, "XNYS", False, start // MINUTE, start + 55 * MINUTE))
    for k in range(5):
        at = int(tape["ts"][60 + 100 * k]) - k % 2
        events.append(Dividend(at, at, 0, 0.13 * (k + 1)))
    data = single(tape, events, calendar="XNYS")
    terms = Terms(cash=20_000.0, fees="alpaca", slippage_bps=1.0)
    assert parity(Trend, {"fast": 3, "slow": 8, "stop_atr": 1.5, "short": True}, data, terms)
    kept = sum(parity(DiceLots, {"seed": seed + 7 * k, "often": 4, "adds": k % 2}, data, terms) for k in range(4))
    assert kept > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_days_end_orders_round_the_clock(seed: int) -> None:
    """Bars of two hours with nights between: DAY orders end with the UTC day; then daily bars, which each order sees once."""
    tape = bars(300 + seed, 600)
    for every, span in ((3 * HOUR, 2 * HOUR), (DAY, 7 * HOUR)):
        ts = np.arange(len(tape), dtype=np.int64) * every
        columns = dict(tape.columns) | {"ts": ts, "known": ts + span, "span": np.full(len(tape), span)}
        data = single(thinned(Tape(Bar, columns)))
        terms = Terms(cash=20_000.0, fees="free", slippage_bps=1.0)
        assert parity(Turns, {}, data, terms)
        parity(DiceLots, {"seed": seed, "often": 4, "guards": seed % 2}, data, terms)


@pytest.mark.parametrize("seed", SEEDS)
def test_tokens_and_odd_ticks(seed: int) -> None:
    tape = bars(400 + seed, 400)
    facts = {"lot": Decimal("0.001"), "tick": Decimal("0.25"), "tick_small": Decimal("0.0005"), "multiplier": Decimal(5)}
    kept = sum(
        parity(DiceWeight, {"seed": seed + 11 * k, "often": 3}, single(tape, **facts), Terms(cash=20_000.0, slippage_bps=2.0))
        for k in range(3)
    )
    assert kept > 0


def halved(seed: int) -> Any:
    """Raw prices halve, then fall to a third; the bars have nights between them, so that a split lies in none."""
    tape = bars(seed, 600)
    ts = np.arange(len(tape), dtype=np.int64) * DAY
    columns = dict(tape.columns) | {"ts": ts, "known": ts + 7 * HOUR, "span": np.full(len(tape), 7 * HOUR)}
    events: list[Event] = []
    for at, ratio in ((190, 2.0), (370, 3.0)):
        for name in ("open", "high", "low", "close"):
            columns[name] = np.where(np.arange(len(tape)) >= at, np.round(columns[name] / ratio, 2), columns[name])
        events.append(Split(int(ts[at]) - 1, int(ts[at]) - 1, 0, ratio))
    return single(Tape(Bar, columns), events)


@pytest.mark.parametrize("seed", SEEDS)
def test_splits_as_in_the_walk(seed: int) -> None:
    terms = Terms(cash=20_000.0, fees="alpaca", slippage_bps=1.0)
    kept = 0
    for k in range(3):
        data = halved(500 + seed + 100 * k)
        kept += parity(Dozens, {}, data, terms)
        parity(Trend, {"fast": 3, "slow": 8, "short": True}, data, terms)
        parity(Trend, {"fast": 3, "slow": 8, "stop_atr": 2.0}, data, terms)
    assert kept > 0


class Trails:
    """Long above its mean, with a stop that follows the highest close and a target that comes nearer; both move on many bars."""

    unit = "lots"

    class params(msgspec.Struct):
        room: float = 0.3

    class state(msgspec.Struct):
        high: float = 0.0
        held: float = 0.0

    needs = {"mean": sma(12)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        if state.held == 0.0:
            if row.close > needs.mean + 0.05:
                state.held = 1.0
                state.high = row.close
                out.target = 20.0
                out.stop = row.close - params.room
                out.take = row.close + 2.0 * params.room
        elif row.low <= out.stop or row.close < needs.mean:
            state.held = 0.0
            out.target = 0.0
            out.stop = ABSENT
            out.take = ABSENT
        else:
            if row.close > state.high:
                state.high = row.close
                out.stop = row.close - params.room
            out.take = out.take - 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_guards_that_move_fill_as_in_the_walk(seed: int) -> None:
    terms = Terms(cash=20_000.0, fees=FEES[seed % 4], slippage_bps=float(seed % 3), limit_rule=("through", "touch")[seed % 2])
    kept = sum(parity(Trails, {"room": room}, single(thinned(bars(600 + seed, 600))), terms) for room in (0.05, 0.2, 0.6))
    assert kept > 1


@settings(max_examples=120 if os.environ.get("ARGOSY_DRILL") else 12, deadline=None)
@given(
    seed=st.integers(1, 2_000_000), often=st.integers(1, 40), limits=st.integers(0, 1), guards=st.integers(0, 1), adds=st.integers(0, 1),
    vol=st.sampled_from([0.0005, 0.002, 0.008]), fees=st.sampled_from(["alpaca", "free", per_share(0.005, 1.0), bps(2.0, 7.0)]),
    slippage=st.sampled_from([0.0, 0.7, 3.0]), rule=st.sampled_from(["through", "touch"]), weight=st.booleans(), calm=st.booleans(),
)  # fmt: skip
def test_any_strategy_on_any_prices_is_its_walk(
    seed: int, often: int, limits: int, guards: int, adds: int, vol: float, fees: Any, slippage: float, rule: Any, weight: bool, calm: bool
) -> None:
    tape = bars(seed, 300, vol=vol)
    terms = Terms(cash=20_000.0, fees=fees, slippage_bps=slippage, limit_rule=rule)
    params = {"seed": seed, "often": often, "limits": limits, "guards": guards, "adds": adds}
    event(f"told: {parity(DiceWeight if weight else DiceLots, params, single(tape if calm else thinned(tape)), terms)}")


def test_many_combinations_at_once_are_each_alone() -> None:
    """More rows than a stretch, more combinations than a chunk: walked side by side they do not touch each other."""
    data = single(bars(77, 9_000))
    terms = Terms(cash=20_000.0, fees="alpaca", slippage_bps=1.0)
    grid = {"fast": range(2, 12), "slow": range(14, 44, 3), "stop_atr": [0.0, 1.0]}
    rows = sweep(Trend, data, grid, terms=terms, trials=None, by="")
    assert rows.height == 200
    for one in rows.rows(named=True)[::37]:
        outcome = run([Wanted("one", Trend, {name: one[name] for name in grid})], data, terms)
        assert one["equity_units"] == outcome.run.engine.state.portfolio.equity
        assert one["fills"] == len(outcome.account.fills)


class Odd:
    """Writes one thing at its fifth bar and another at its ninth, as its parameters say."""

    unit = "lots"

    class params(msgspec.Struct):
        first: float = 10.0
        limit: float = ABSENT
        stop: float = ABSENT
        second: float = 0.0
        again: float = ABSENT
        late: float = ABSENT

    class state(msgspec.Struct):
        seen: int = 0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.seen += 1
        if state.seen == 5:
            out.target = params.first
            out.limit = params.limit
            out.stop = params.stop
        elif state.seen == 9:
            out.target = params.second
            out.limit = params.again
            out.stop = params.late


class OddMoney(Odd):
    unit = "notional"


ODD = [
    {"first": float("nan")}, {"first": 1e19}, {"stop": -1.0}, {"stop": float("nan")}, {"limit": 2e9}, {"limit": 0.0}, {"first": -0.0},
    {"limit": 5.0, "second": 20.0, "again": 5.0}, {"limit": 5.0, "second": -5.0, "again": 4.0}, {"second": 10.0, "late": 1.0},
    {"second": 10.0, "late": -1.0}, {"stop": 1.0, "second": 10.0}, {"stop": 1.0, "second": 4.0}, {"stop": 1.0, "second": 25.0},
    {"stop": 1.0, "second": -25.0, "late": 1e6}, {"second": -5.0, "again": 1.0}, {"first": 0.5, "second": 1.5}, {"first": 4e15},
]  # fmt: skip


@pytest.mark.parametrize("params", ODD)
def test_odd_wishes_end_as_in_the_walk_or_are_refused(params: dict[str, float]) -> None:
    parity(Odd, params, single(bars(80, 40)), Terms(cash=20_000.0))
    parity(OddMoney, params, single(bars(80, 40)), Terms(cash=20_000.0))


def evening(seed: int) -> Any:
    """Sessions of an hour with dividends before, inside and at the end of a bar, and a split of everything in between."""
    tape = bars(seed, 300)
    ends = [start + 55 * MINUTE for start in range(0, 300 * MINUTE, 60 * MINUTE)]
    paid = (int(tape["ts"][90]) - 1, int(tape["ts"][100]) + 1, int(tape["known"][110]), int(tape["known"][-1]) + 1)
    events = [Session(end, end, "XNYS", False, end // MINUTE, end) for end in ends]
    return single(thinned(tape), [*events, *(Dividend(at, at, 0, 0.13) for at in paid)], calendar="XNYS")


def nights(seed: int) -> Any:
    """Bars of two hours round the clock, so that DAY orders end."""
    tape = bars(seed, 300)
    ts = np.arange(len(tape), dtype=np.int64) * 3 * HOUR
    columns = dict(tape.columns) | {"ts": ts, "known": ts + 2 * HOUR, "span": np.full(len(tape), 2 * HOUR)}
    return single(thinned(Tape(Bar, columns)))


FACTS = {"lot": Decimal("0.001"), "tick": Decimal("0.25"), "tick_small": Decimal("0.0005"), "multiplier": Decimal(5)}
LANES: list[tuple[Any, dict[str, Any], Any, Terms]] = [
    (Trend, {"fast": 3, "slow": 8, "stop_atr": 1.0, "short": True}, evening(31), Terms(cash=20_000.0)),
    (Trend, {"fast": 3, "slow": 8, "stop_atr": 0.5, "short": True}, nights(32), Terms(cash=20_000.0, slippage_bps=0.0)),
    (Trails, {"room": 0.05}, single(thinned(bars(33, 260))), Terms(cash=20_000.0, fees=bps(2.0, 7.0), limit_rule="touch")),
    (Trails, {"room": 0.3}, evening(34), Terms(cash=20_000.0, fees=per_share(0.005, 1.0))),
    (Money, {}, nights(35), Terms(cash=900.0)),  # all is lost: more than the account is sold short
    (Dozens, {}, halved(501), Terms(cash=20_000.0)),
    (Dozens, {}, halved(505), Terms(cash=20_000.0)),
    *((DiceLots, {"seed": k, "often": 2 + k % 5, "adds": k % 2}, nights(40 + k), Terms(cash=20_000.0, slippage_bps=k % 2)) for k in range(8)),
    *((DiceLots, {"seed": k, "often": 2 + k % 3, "adds": k % 2}, evening(50 + k), Terms(cash=20_000.0)) for k in range(6)),
    *((DiceWeight, {"seed": k, "often": 3}, single(bars(60 + k, 200), **FACTS), Terms(cash=20_000.0)) for k in range(2)),
    (DiceLots, {"often": 3}, single(bars(70, 200), shortable=False), Terms(cash=20_000.0)),
    (DiceLots, {"often": 3}, single(bars(71, 200), min_lots=4), Terms(cash=20_000.0)),
    *((odd, params, single(bars(80, 40)), Terms(cash=20_000.0)) for odd in (Odd, OddMoney) for params in ODD),
]


@pytest.mark.parametrize("case", range(len(LANES)))
@pytest.mark.parametrize("orders", [0, 900])
def test_the_loop_in_plain_python_is_the_compiled_one(case: int, orders: int) -> None:
    """The law of kernels: every number that comes out of the loop, to the bit, in both lanes; refusals, too."""
    strategy, params, data, terms = LANES[case]
    made = plan(strategy, {}, params)
    land = grounds(data, (), made.declaration, terms)[0]
    out, log, notes = single_run(made, land, fee_schedule(terms.fees), 500, orders)
    account, figures, fills_made, orders_made = plainly(made, land, fee_schedule(terms.fees), orders)
    assert account.tolist() == out.accounts[0].tolist()
    assert figures.tobytes() == out.figures[0].tobytes()
    assert account[FILLS] <= 500 and (not orders or account[SENT] <= orders)
    assert fills_made[: account[FILLS]].tobytes() == log[: account[FILLS]].tobytes()
    if orders:
        assert orders_made[: account[SENT]].tobytes() == notes[: account[SENT]].tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_marks_by_the_block_are_marks_by_the_row(seed: int) -> None:
    """Peak and deepest fall over random stretches of random prices, long and short, against a loop over every row."""
    draw = np.random.default_rng(seed)
    close = np.round(50.0 * np.exp(np.cumsum(draw.normal(0.0, 0.01, 700))), 2)
    bounds = np.empty((4, -(-len(close) // BLOCK)))
    blocks.py(close, close, close, close, bounds)
    peak, depth, at = 1_000_000, 0.0, 0
    mine = (peak, floor_of.py(peak, depth), depth)
    while at < len(close):
        end = min(len(close), at + int(draw.integers(1, 150)))
        held, cash = int(draw.choice([-900, -40, 30, 700])), int(draw.integers(-200_000, 900_000))
        for price in close[at:end].tolist():
            equity = cash + round(held * price * 1000.0)
            peak = max(peak, equity)
            depth = max(depth, (peak - equity) / peak)
        for lane in (marked.py, marked.jit):
            found = lane(close, bounds, at, end, held, cash, 1000.0, *mine)
            assert (found[0], found[2]) == (peak, depth)
        mine = found
        at = end


def plainly(made: Any, land: Any, schedule: Any, orders: int) -> tuple[Any, Any, Any, Any]:
    """One combination by the plain functions of the kernels: rows are lists, records are objects."""
    one = made.combinations[0]
    declaration = made.declaration
    need = list(dict.fromkeys(one.needs))
    bars_told = tuple(column.tolist() for column in land.bars)
    account, figures = np.zeros((1, ACCOUNT), np.int64), np.zeros((1, FIGURES))
    log, notes = np.empty(500, FILL).view(np.recarray), np.empty(orders, ORDER).view(np.recarray)
    sweeper(declaration.step, places(tuple(declaration.needs))).py(
        0, 0, np.zeros(2, np.int64), land.cash, bars_told, land.bounds, [land.column(each).tolist() for each in need] or [bars_told[6]],
        [[need.index(each) for each in one.needs] + [0] * 12], [max(0, one.warmup - 1)], [declaration.params], [declaration.state()],
        [Out()], land.market, schedule, land.days.tolist(), land.events, land.amounts, account, np.empty((1, LEVELS)),
        np.zeros((1, CAPACITY, INTEGERS), np.int64), np.zeros((1, CAPACITY, FLOATS)), log, notes, figures, np.empty((1, 0)),
    )  # fmt: skip
    return account[0], figures[0], log, notes
