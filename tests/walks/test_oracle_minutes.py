"""A hundred thousand minutes of cents: a crossing of means against whole-number vectors, each fill and each equity."""

from __future__ import annotations

from math import lcm

import numpy as np
import pytest

from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY, MINUTE
from argosy.house import Terms, Wanted
from argosy.lab.backtest import run
from tests.walks import oracle
from tests.walks.oracle import CASH, Market
from tests.walks.test_oracle_equality import Cross

ROWS = 100_000
SIZE = 100
FAST, SLOW = 3, 8
MICRO = 1_000_000


def minutes(seed: int) -> Tape:
    """A walk in cents that rests for the last five minutes of each UTC day and loses one minute in fifty."""
    rng = np.random.default_rng(seed)
    ts = np.arange(ROWS * 11 // 10, dtype=np.int64) * MINUTE
    ts = ts[(ts % DAY < DAY - 5 * MINUTE) & (rng.random(len(ts)) > 0.02)][:ROWS]
    close = 5_000 + np.cumsum(rng.integers(-3, 4, ROWS))
    open_ = np.concatenate(([5_000], close[:-1])) + rng.integers(-1, 2, ROWS)
    high = np.maximum(open_, close) + rng.integers(0, 3, ROWS)
    low = np.minimum(open_, close) - rng.integers(0, 3, ROWS)
    assert low.min() > 100
    columns = {"open": open_ / 100, "high": high / 100, "low": low / 100, "close": close / 100}
    return Tape(Bar, {
        "ts": ts, "known": ts + MINUTE, "instrument": np.zeros(ROWS), "volume": np.full(ROWS, 1e6),
        "span": np.full(ROWS, MINUTE), **columns,
    })  # fmt: skip


def vectors(m: Market, ts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Position after each bar, what was bought in it, cash after it in micro-dollars; how many orders ended unfilled.

    A wish that changes at a close trades at the next open, unless that is of another UTC day: the DAY order ended, and
    the wish with it.
    """
    wanted = np.where(oracle.crossing(m, FAST, SLOW), SIZE, 0)
    before = np.concatenate(([0], wanted[:-1]))
    changed = np.flatnonzero(wanted != before)
    changed = changed[changed < ROWS - 1]
    lives = (ts[changed] + MINUTE) // DAY == ts[changed + 1] // DAY
    place = np.full(ROWS, -1)
    place[changed[lives] + 1] = changed[lives]
    place = np.maximum.accumulate(place)
    held = np.where(place >= 0, wanted[place], 0)
    bought = np.diff(held, prepend=0)
    cash = CASH * MICRO - np.cumsum(bought * m.open * (MICRO // oracle.FINE))
    return held, bought, cash, int((~lives).sum())


@pytest.mark.parametrize("seed", [1, 2])
def test_crossing_of_minutes(seed: int) -> None:
    tape = minutes(seed)
    m = oracle.market("M", tape)
    params = {"fast": FAST, "slow": SLOW, "size": SIZE, "edge": 0.5 / (100 * lcm(FAST, SLOW))}
    terms = Terms(cash=CASH, fees="free", slippage_bps=0.0)
    outcome = run([Wanted("it", Cross, params)], (Instruments([Instrument(symbol="M")]), [tape], []), terms)
    assert outcome.failures == []
    assert outcome.refusals == {}
    held, bought, cash, ended = vectors(m, tape["ts"])
    fills = [row[0] for row in outcome.account.fills]
    bars = np.flatnonzero(bought)
    assert len(bars) > 10_000
    assert ended > 3
    assert [fill.ts for fill in fills] == tape["ts"][bars].tolist()
    assert [fill.side * fill.lots for fill in fills] == bought[bars].tolist()
    assert [fill.price for fill in fills] == tape["open"][bars].tolist()
    assert np.array_equal(outcome.equity(), cash + held * m.close * (MICRO // oracle.FINE))
    assert outcome.run.engine.state.portfolio.equity == outcome.equity()[-1]


def test_the_edge_is_what_makes_ties_flat() -> None:
    """Means that are equal as fractions occur, and an edge below their least distance tells them from unequal ones."""
    m = oracle.market("M", minutes(1))
    fast, slow = oracle.sums(m.close, FAST) * SLOW, oracle.sums(m.close, SLOW) * FAST
    ties = (fast == slow)[SLOW:]
    assert ties.sum() > 100
    least = np.abs(fast - slow)[SLOW:][~ties].min() / (FAST * SLOW * oracle.FINE)
    assert least > 0.5 / (100 * lcm(FAST, SLOW))
