"""Trade for trade on real prices: the house, a published backtester and a hand-written loop agree, or a sentence says why."""

from __future__ import annotations

from functools import cache
from math import lcm
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.events import Bar
from argosy.core.instrument import Instruments
from argosy.core.intents import Protection, Target
from argosy.core.orders import Tif
from argosy.core.strategy import Watch
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR
from argosy.data import demo
from argosy.data.calendars import sessions_of
from argosy.house import Terms, Wanted
from argosy.kernels.indicators import sma, zscore
from argosy.lab.backtest import Outcome, run
from tests.walks import oracle
from tests.walks.oracle import (
    CASH,
    ENTRY_BAR,
    FINE,
    HEART,
    OPEN_FIRST,
    PEER,
    REPEAT,
    THROUGH,
    Market,
    Print,
    Walk,
)

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
SIZE = 100


@cache
def prices(symbol: str) -> tuple[Instruments, Tape, Market]:
    """The packaged raw prices of one symbol; without its actions a split is a price like any other, for all alike."""
    instruments, tape, _, _ = demo.load([symbol])
    return instruments, tape, oracle.market(symbol, tape)


def without_nights(instruments: Instruments, tape: Tape) -> tuple[Instruments, Tape, list[Any]]:
    """The same prices as days of 23 hours of a market that never closes: no session event ends a stretch."""
    ts = int(tape["ts"][0]) // DAY * DAY + np.arange(len(tape), dtype=np.int64) * DAY
    stamps = {"ts": ts + HOUR, "known": ts + DAY, "span": np.full(len(tape), DAY - HOUR)}
    return Instruments(msgspec.structs.replace(row, calendar="24/7") for row in instruments), Tape(Bar, {**tape.columns, **stamps}), []


def by_house(symbol: str, cls: type, rule: str = "through", scan_from: int = 1 << 60, **params: Any) -> Walk:
    """The same strategy in the house, with nothing refused and nothing failed on the way.

    scan_from: rows from which quiet stretches are scanned and not stepped; the default never scans, 0 does
    """
    instruments, tape, _ = prices(symbol)
    events = sessions_of(tape)
    if not scan_from:
        instruments, tape, events = without_nights(instruments, tape)
    terms = Terms(cash=CASH, fees="free", slippage_bps=0.0, limit_rule=rule)  # type: ignore[arg-type]
    outcome = run([Wanted("it", cls, params, (symbol,))], (instruments, [tape], events), terms, scan_from=scan_from)
    assert outcome.run.replay.scanned == (not scan_from)
    return walked(outcome, tape)


def walked(outcome: Outcome, tape: Tape) -> Walk:
    """What a run of the house traded, in the oracle's terms."""
    assert outcome.failures == []
    assert outcome.refusals == {}
    known = tape["known"]
    prints = []
    for fill, strategy, lots, fee, _ in outcome.account.fills:
        bar = int(np.searchsorted(known, fill.ts))
        price = oracle.fine(fill.price)
        assert strategy == "it"
        assert fee == fill.fee == 0
        assert fill.notional == fill.side * lots * price * (1_000_000 // FINE)
        if fill.ts == tape["ts"][bar]:
            assert fill.price == tape["open"][bar]
        else:
            assert fill.ts == known[bar]
            assert tape["low"][bar] <= fill.price <= tape["high"][bar]
        prints.append(Print(bar, fill.side, lots, price))
    assert (outcome.instants() == known).all()
    units = outcome.equity()
    assert (units % (1_000_000 // FINE) == 0).all()
    return Walk(prints, units // (1_000_000 // FINE), [])


def same(one: Walk, other: Walk) -> None:
    """Equal executions and equal equity at each close, to the ten-thousandth of a dollar."""
    assert one.prints == other.prints
    assert np.array_equal(one.equity, other.equity)


class Cross:
    """Long while the fast mean is above the slow one. `edge` is half the least distance of two means that differ."""

    class params(msgspec.Struct):
        fast: int = 10
        slow: int = 30
        size: int = SIZE
        edge: float = 0.0

    unit = "lots"
    needs = staticmethod(lambda p: {"fast": sma(p.fast), "slow": sma(p.slow)})

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = params.size if needs.fast - needs.slow > params.edge else 0


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(("fast", "slow"), [(10, 30), (3, 8), (20, 100)])
def test_cross(symbol: str, fast: int, slow: int) -> None:
    m = prices(symbol)[2]
    house = by_house(symbol, Cross, fast=fast, slow=slow, edge=0.5 / (FINE * lcm(fast, slow)))
    peer = oracle.by_peer(m, oracle.cross(m, fast, slow, SIZE))
    same(house, peer)
    same(house, oracle.by_hand(m, oracle.cross(m, fast, slow, SIZE)))
    same(by_house(symbol, Cross, scan_from=0, fast=fast, slow=slow, edge=0.5 / (FINE * lcm(fast, slow))), peer)
    assert len(house.prints) >= (1 if symbol == "FB" else 10)


class Reverter:
    """Against unusual closes; what it wants stands between the thresholds, and turns around without a pause."""

    class params(msgspec.Struct):
        window: int = 10
        enter: float = 1.0
        leave: float = 0.1
        size: int = SIZE

    unit = "lots"
    needs = staticmethod(lambda p: {"z": zscore(p.window)})

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        if needs.z <= -params.enter:
            out.target = params.size
        elif needs.z >= params.enter:
            out.target = -params.size
        elif abs(needs.z) < params.leave:
            out.target = 0


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(("window", "enter", "leave"), [(10, 1.0, 0.1), (5, 0.9, 0.3), (30, 2.0, 0.5)])
def test_reverter(symbol: str, window: int, enter: float, leave: float) -> None:
    m = prices(symbol)[2]
    house = by_house(symbol, Reverter, window=window, enter=enter, leave=leave)
    same(house, oracle.by_peer(m, oracle.reverting(m, window, enter, leave, SIZE)))
    same(house, oracle.by_hand(m, oracle.reverting(m, window, enter, leave, SIZE)))
    same(by_house(symbol, Reverter, scan_from=0, window=window, enter=enter, leave=leave), house)
    if window < 30:
        turned = [one for one, two in zip(house.prints, house.prints[1:], strict=False) if one[:2] == two[:2]]
        assert turned, "no position was turned around, though that was to be compared"


class Breaker:
    """With closes beyond the last bars' range, between a stop and a target; out by market at the other end of the range."""

    watches = (Watch("*", "bar"),)
    window = 21

    class params(msgspec.Struct):
        window: int = 20
        stop: float = 0.05
        take: float = 0.08
        size: int = SIZE

    def __init__(self, params: Any) -> None:
        self.params = params

    def on_bar(self, bar: Any, book: Any) -> Target | None:
        p, i, close = self.params, bar.instrument, bar.close
        seen = book.window(i, p.window + 1)[:-1]
        top, bottom = seen[:, 1].max(), seen[:, 2].min()
        held = book.lots(i)
        if top != top or bottom <= close <= top:
            return None
        side = 1 if close > top else -1
        if held:
            return Target(i, lots=0) if held * side < 0 else None
        levels = Protection(stop=close * (1.0 - side * p.stop), take=close * (1.0 + side * p.take))
        return Target(i, lots=side * p.size, protection=levels)


class Dipper:
    """A limit away from each close but the first while flat; out by market after some bars, or by legs."""

    watches = (Watch("*", "bar"),)
    window = 2

    class params(msgspec.Struct):
        side: int = 1
        away: float = 0.01
        stop: float = 0.0
        take: float = 0.0
        bars: int = 5
        size: int = SIZE
        tif: int = int(Tif.GTC)

    class state(msgspec.Struct):
        seen: int = 0

    def __init__(self, params: Any) -> None:
        self.params = params
        self.state = type(self).state()

    def on_bar(self, bar: Any, book: Any) -> Target | None:
        p, i, close = self.params, bar.instrument, bar.close
        if book.window(i, 2)[0, 3] != book.window(i, 2)[0, 3]:
            return None
        if book.lots(i):
            self.state.seen += 1
            return Target(i, lots=0) if self.state.seen >= p.bars else None
        self.state.seen = 0
        levels = None
        if p.stop:
            levels = Protection(stop=close * (1.0 - p.side * (p.away + p.stop)), take=close * (1.0 - p.side * (p.away - p.take)))
        return Target(i, lots=p.side * p.size, limit=close * (1.0 - p.side * p.away), tif=Tif(p.tif), protection=levels)


Case = tuple[type, Any, dict[str, float], dict[str, int]]
BREAKS = [(20, 50, 80), (10, 20, 30), (5, 10, 10)]
DIPS = [(1, 10, 0, 0, 5), (-1, 5, 0, 0, 3), (1, 5, 20, 20, 8), (-1, 10, 15, 10, 6), (1, 3, 5, 5, 4)]


def breaks(m: Market, window: int, stop: int, take: int) -> tuple[oracle.Decide, dict[str, Any]]:
    return oracle.breaking(m, window, stop, take, SIZE), {"window": window, "stop": stop / 1000, "take": take / 1000}


def dips(m: Market, side: int, away: int, stop: int, take: int, bars: int) -> tuple[oracle.Decide, dict[str, Any]]:
    levels = {"away": away / 1000, "stop": stop / 1000, "take": take / 1000}
    return oracle.dipping(m, side, away, stop, take, bars, SIZE), {"side": side, "bars": bars, **levels}


def compare(symbol: str, cls: type, make: Any, *numbers: int) -> Walk:
    """The house is the loop of all sentences, the published backtester that of none; where they part, a sentence decides."""
    m = prices(symbol)[2]
    params = make(m, *numbers)[1]
    house = by_house(symbol, cls, **params)
    heart = oracle.by_hand(m, make(m, *numbers)[0])
    peer = oracle.by_peer(m, make(m, *numbers)[0])
    same(house, heart)
    same(by_house(symbol, cls, rule="touch", **params), oracle.by_hand(m, make(m, *numbers)[0], HEART - {THROUGH}))
    same(peer, oracle.by_hand(m, make(m, *numbers)[0], PEER))
    parted = [bar for bar, (one, two) in enumerate(zip(by_bar(house), by_bar(peer), strict=True)) if one != two]
    assert parted[:1] == [bar for bar, _ in heart.departures][:1]
    return heart


def by_bar(walk: Walk) -> list[list[Print]]:
    """What traded in each bar."""
    out: list[list[Print]] = [[] for _ in walk.equity]
    for row in walk.prints:
        out[row.bar].append(row)
    return out


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("numbers", BREAKS)
def test_breaker(symbol: str, numbers: tuple[int, ...]) -> None:
    heart = compare(symbol, Breaker, breaks, *numbers)
    assert {rule for _, rule in heart.departures} <= {THROUGH, OPEN_FIRST, REPEAT}
    assert len(heart.prints) >= 30


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("numbers", DIPS)
def test_dipper(symbol: str, numbers: tuple[int, ...]) -> None:
    heart = compare(symbol, Dipper, dips, *numbers)
    legs = {OPEN_FIRST, ENTRY_BAR, REPEAT} if numbers[2] else set()
    assert {rule for _, rule in heart.departures} <= {THROUGH, *legs}
    assert len(heart.prints) >= 50


@pytest.mark.parametrize("numbers", [(20, 50, 80), (10, 20, 30)])
def test_breaker_where_no_sentence_decides(numbers: tuple[int, ...]) -> None:
    """The house and the published backtester are equal outright, but in the bars that a limit only touches."""
    for symbol in SYMBOLS:
        m = prices(symbol)[2]
        decide, params = breaks(m, *numbers)
        house, peer = by_house(symbol, Breaker, **params), oracle.by_peer(m, decide)
        rules = {rule for _, rule in oracle.by_hand(m, decide).departures}
        if not rules:
            same(house, peer)
        elif rules == {THROUGH}:
            same(by_house(symbol, Breaker, rule="touch", **params), peer)
        assert numbers != BREAKS[0] or not rules


@pytest.mark.parametrize("rule", sorted(HEART))
def test_each_sentence_decides_something(rule: str) -> None:
    """Without any one sentence the loop is not the house on these very prices, so its equality says something of each."""
    m = prices("AAPL")[2]
    cls, make, numbers = (Dipper, dips, DIPS[4]) if rule in (ENTRY_BAR, THROUGH) else (Breaker, breaks, BREAKS[2])
    decide, params = make(m, *numbers)
    assert by_house("AAPL", cls, **params).prints != oracle.by_hand(m, decide, HEART - {rule}).prints


@pytest.mark.parametrize("numbers", [DIPS[0], DIPS[3]])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_dipper_for_the_day(symbol: str, numbers: tuple[int, ...]) -> None:
    """Entries that end with their session: the same, but where a repeated wish is a no-op although its order has ended."""
    m = prices(symbol)[2]
    decide, params = dips(m, *numbers)
    house = by_house(symbol, Dipper, **params, tif=int(Tif.DAY))
    same(house, oracle.by_hand(m, decide, day=True))
    resent = oracle.by_hand(m, dips(m, *numbers)[0])
    parted = [bar for bar, (one, two) in enumerate(zip(by_bar(house), by_bar(resent), strict=True)) if one != two]
    for bar in parted[:1]:
        assert m.close[bar - 1] == m.close[bar - 2]
        assert house.equity[bar - 1] == resent.equity[bar - 1]


def test_five_symbols_at_once_trade_as_each_alone() -> None:
    instruments, tape, _, _ = demo.load()
    params = breaks(prices("AAPL")[2], *BREAKS[1])[1]
    outcome = run(
        [Wanted("it", Breaker, params)], (instruments, [tape], sessions_of(tape)), Terms(cash=CASH, fees="free", slippage_bps=0.0)
    )
    total = np.zeros(len(outcome.instants()), np.int64)
    for symbol in SYMBOLS:
        own = prices(symbol)[1]
        alone = by_house(symbol, Breaker, **params)
        rows = [row for row in outcome.fills() if row["symbol"] == symbol]
        found = [Print(int(np.searchsorted(own["known"], row["ts"])), row["side"], row["lots"], oracle.fine(row["price"])) for row in rows]
        assert found == alone.prints
        place = np.searchsorted(own["known"], outcome.instants(), side="right") - 1
        total += np.where(place >= 0, alone.equity[np.maximum(place, 0)] - CASH * FINE, 0)
    assert np.array_equal(outcome.equity() // (1_000_000 // FINE), total + CASH * FINE)
