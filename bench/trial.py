"""One run of the house over made-up prices, and whether what came out of it is right."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from time import process_time
from typing import Literal, NamedTuple

from argosy.core.events import Event
from argosy.core.money import per_one, to_units
from argosy.core.tape import Tape
from argosy.engine.fold import fold
from argosy.engine.state import State
from argosy.house import Terms, Wanted, assemble
from argosy.kernels.fees import FREE, bps
from argosy.lab.backtest import Account, Outcome
from argosy.replay import SCAN_FROM
from bench import oracle
from bench.market import prices, table, tape
from bench.robots import LIMITS, LOTS, Cross

CASH = 10_000_000
FEE_BPS = 5
STEPPED = 1 << 62
"""`scan_from` at which no run is long enough to be compiled: every bar goes through the engine's step."""


class Trial(NamedTuple):
    """A finished run. seconds: processor time of the replay; whole: with wiring and needs, from a tape to the outcome."""

    outcome: Outcome
    seconds: float
    whole: float

    @property
    def state(self) -> State:
        return self.outcome.run.engine.state


def walk(
    rows: int,
    instruments: int = 1,
    *,
    strategy: type = Cross,
    fee_bps: int = FEE_BPS,
    scan_from: int | None = None,
) -> Trial:
    """Walk a strategy over `rows` minutes of each instrument, all limits on.

    scan_from: rows from which the house may compile the walk; None leaves it to the house
    """
    return play(strategy, tape(rows, instruments), instruments, fee_bps=fee_bps, scan_from=scan_from)


def play(
    strategy: type, market: Tape, instruments: int = 1, *, fee_bps: int = 0, scan_from: int | None = None, touch: bool = False,
    events: Sequence[Event] = (),
) -> Trial:  # fmt: skip
    """Run a strategy over a tape, all limits on; wired as `lab.backtest.run` does it."""
    known = table(instruments)
    fees = bps(fee_bps, fee_bps) if fee_bps else FREE
    rule: Literal["touch", "through"] = "touch" if touch else "through"
    terms = Terms(cash=CASH * instruments, fees=fees, slippage_bps=0.0, limits=LIMITS, limit_rule=rule)
    wanted = [Wanted("bench", strategy)]
    gc.collect()
    begun = process_time()
    run = assemble(wanted, (known, [market], list(events)), terms, scan_from=SCAN_FROM if scan_from is None else scan_from)
    account = Account()
    account.watch(run.engine.state)
    wired = process_time()
    run.go()
    done = process_time()
    return Trial(Outcome(run, account, done - wired, run.replay.source), done - wired, done - begun)


def expected(rows: int, instruments: int = 1, fee_bps: int = FEE_BPS) -> oracle.Count:
    """What the independent loop makes of the same prices: fills of all instruments, end equity in units."""
    cash = to_units(CASH, "USD")
    total = oracle.Count(0, 0)
    for k in range(instruments):
        series = prices(rows, 7 + k)
        one = oracle.cross(series.open.tolist(), series.close.tolist(), int(LOTS), cash, fee_bps)
        total = oracle.Count(total.fills + one.fills, total.equity + one.equity)
    return total


def folded(trial: Trial) -> State:
    """The state again, from the journal and the market's rows alone."""
    run = trial.outcome.run
    fresh = State(run.engine.instruments, "USD", ["bench"])
    return fold(run.engine.journal.records(), fresh, run.replay.source.rows())


def wrong(trial: Trial, right: oracle.Count, *, refold: bool = True) -> str:
    """Why a run does not count, "" when it does: fills, equity to the unit, no refusal, no failure, fold equals the state."""
    outcome, state = trial.outcome, trial.state
    if outcome.failures:
        return f"the strategy failed: {outcome.failures[0].error}"
    if outcome.refusals:
        return f"refusals {outcome.refusals}"
    fills = len(outcome.account.fills)
    if abs(fills - right.fills) > right.fills * 0.001:
        return f"{fills} fills, the independent count is {right.fills}"
    equity = state.portfolio.equity
    if equity != right.equity:
        return f"end equity {equity / per_one('USD'):.6f}, the independent loop has {right.equity / per_one('USD'):.6f}"
    if refold and folded(trial).hash != state.hash:
        return "fold(journal) is not the state after the run"
    return ""
