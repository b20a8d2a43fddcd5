"""Second opinions on what a strategy would have traded: a published backtester, and a loop one can check by eye.

Neither uses anything of the house under test: decisions come from whole numbers, fills from a few comparisons a bar. All
prices are whole ten-thousandths of a dollar (`FINE` to one), so that nothing here is rounded but where a rule says so.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FINE = 10_000
CENT = 100
CASH = 10_000_000
NAN = float("nan")

THROUGH = "Limit rule `through` (default, strict)"
OPEN_FIRST = "an open at or better than the limit fills at the open"
ENTRY_BAR = "Legs attached to an entry live in the entry bar"
REPEAT = "A repeat is a no-op"
WORSE = "Stop and target both inside one bar: the worse one"

HEART = frozenset({THROUGH, OPEN_FIRST, ENTRY_BAR, REPEAT, WORSE})
"""Sentences of the house about fills that another house may read otherwise."""

PEER = frozenset({WORSE})
"""Those of them that the published backtester keeps as well."""


class Market(NamedTuple):
    """Bars of one instrument, (T,) int64 in ten-thousandths of a dollar."""

    symbol: str
    open: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    close: NDArray[np.int64]


class Print(NamedTuple):
    """One execution: in which bar, +1 bought or -1 sold, how much, at what price in ten-thousandths."""

    bar: int
    side: int
    lots: int
    price: int


class Plan(NamedTuple):
    """A wanted position, decided at a close: by market or by a limit, with legs or without.

    born: the close from which unrounded levels were made; a plan repeats another when this is equal, too
    """

    lots: int
    limit: float = NAN
    stop: float = NAN
    take: float = NAN
    born: int = 0


class Kept(NamedTuple):
    """What stands between two bars: the position with its legs, an exit for the open, an entry at the venue."""

    lots: int = 0
    stop: float = NAN
    take: float = NAN
    leaving: bool = False
    entry: Plan | None = None


class Walk(NamedTuple):
    """What came of a run. equity: (T,) int64 ten-thousandths at each close; departures: bars a sentence decided."""

    prints: list[Print]
    equity: NDArray[np.int64]
    departures: list[tuple[int, str]]


Decide = Callable[[int, int], Plan | None]
"""(bar, position at its close) -> what is wanted from then on; None: as before."""


def market(symbol: str, tape: Any) -> Market:
    """The bars of a tape of one instrument as whole numbers; it fails where a price has more than four places."""
    columns = []
    for name in ("open", "high", "low", "close"):
        whole = np.rint(tape[name] * FINE).astype(np.int64)
        assert np.abs(whole / FINE - tape[name]).max() < 1e-9
        columns.append(whole)
    return Market(symbol, *columns)


# -- a loop to be checked by eye ---------------------------------------------------------------------------------------


def left(side: int, kept: Kept, o: int, h: int, l: int, rules: frozenset[str], only_stop: bool = False) -> float:
    """At which price a position of a side leaves by its legs, from the price `o` on; nan: it stays."""
    good, bad = (h, l) if side > 0 else (l, h)
    if side * (o - kept.stop) <= 0:
        return o
    if OPEN_FIRST in rules and not only_stop and side * (o - kept.take) >= 0:
        return o
    stopped = kept.stop if side * (bad - kept.stop) <= 0 else NAN
    if only_stop or (WORSE in rules and stopped == stopped):
        return stopped
    if side * (o - kept.take) >= 0:
        return o
    beyond = side * (good - kept.take)
    return kept.take if beyond > 0 or (beyond == 0 and THROUGH not in rules) else stopped


def one(bar: int, kept: Kept, o: int, h: int, l: int, rules: frozenset[str], day: bool) -> tuple[list[Print], Kept]:
    """One bar: what trades in it, and what stands after it."""
    prints: list[Print] = []
    lots, entry = kept.lots, kept.entry
    if lots:
        side = 1 if lots > 0 else -1
        px = o if kept.leaving else left(side, kept, o, h, l, rules)
        if px == px:
            prints.append(Print(bar, -side, abs(lots), int(px)))
            kept = Kept(entry=entry)
    if entry is None:
        return prints, kept
    side = 1 if entry.lots > 0 else -1
    bad = l if side > 0 else h
    at_open = entry.limit != entry.limit or side * (o - entry.limit) <= 0
    beyond = side * (entry.limit - bad)
    if at_open:
        px = o
    elif beyond > 0 or (beyond == 0 and THROUGH not in rules):
        px = entry.limit
    else:
        return prints, (Kept() if day else Kept(entry=entry))
    prints.append(Print(bar, side, abs(entry.lots), int(px)))
    kept = Kept(entry.lots, entry.stop, entry.take)
    if entry.limit == entry.limit and ENTRY_BAR not in rules:
        return prints, kept
    out = left(side, kept, int(px), h, l, rules, only_stop=not at_open)
    if out == out:
        prints.append(Print(bar, -side, abs(entry.lots), int(out)))
        kept = Kept()
    return prints, kept


def by_hand(m: Market, decide: Decide, rules: frozenset[str] = HEART, day: bool = False) -> Walk:
    """Decide at each close, trade in the next bar. day: entries end with the bar.

    departures: (bar, sentence) where the bar, all before it being equal, trades otherwise without that sentence, of
    those that the published backtester does not keep
    """
    prints: list[Print] = []
    departures: list[tuple[int, str]] = []
    kept = again = Kept()
    standing: Plan | None = None
    for bar, (o, h, l) in enumerate(zip(m.open.tolist(), m.high.tolist(), m.low.tolist(), strict=True)):
        new, after = one(bar, kept, o, h, l, rules, day)
        for rule in sorted(rules - PEER):
            before = again if rule == REPEAT else kept
            if one(bar, before, o, h, l, rules - {rule}, day)[0] != new:
                departures.append((bar, rule))
        prints += new
        kept = again = after
        plan = decide(bar, kept.lots)
        if plan is None:
            continue
        leaving = kept.lots != 0 and plan.lots * kept.lots <= 0
        entry = plan if plan.lots and plan.lots * kept.lots <= 0 else None
        again = kept._replace(leaving=leaving, entry=entry)
        if plan != standing or REPEAT not in rules:
            kept = again
        standing = plan
    return Walk(prints, equity(m, prints), departures)


def equity(m: Market, prints: list[Print]) -> NDArray[np.int64]:
    """Cash and position at each close."""
    held = np.zeros(len(m.close), np.int64)
    cash = np.zeros(len(m.close), np.int64)
    for bar, side, lots, price in prints:
        held[bar] += side * lots
        cash[bar] -= side * lots * price
    return CASH * FINE + np.cumsum(cash) + np.cumsum(held) * m.close


# -- the published backtester ------------------------------------------------------------------------------------------


def by_peer(m: Market, decide: Decide) -> Walk:
    """The same decisions in backtesting.py."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Jupyter Notebook not detected", category=UserWarning)
        import pandas as pd
        from backtesting import Backtest, Strategy

    class Peer(Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            plan = decide(len(self.data) - 1, self.position.size)
            if plan is None:
                return
            for order in self.orders:
                if not order.is_contingent:
                    order.cancel()
            if self.position and plan.lots * self.position.size <= 0:
                self.position.close()
            if plan.lots and plan.lots * self.position.size <= 0:
                levels = [None if level != level else level / FINE for level in plan[1:4]]
                trade = self.buy if plan.lots > 0 else self.sell
                trade(size=abs(plan.lots), limit=levels[0], sl=levels[1], tp=levels[2])

    names = ("Open", "High", "Low", "Close")
    frame = pd.DataFrame({name: column / FINE for name, column in zip(names, m[1:], strict=True)})
    frame.index = pd.date_range("2000-01-03", periods=len(frame), freq="D")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="DatetimeIndex.dayofweek is deprecated")  # in the figures after the run
        warnings.filterwarnings("ignore", message="Some trades remain open", category=UserWarning)
        warnings.filterwarnings("ignore", message=r".*A contingent SL/TP order would execute", category=UserWarning)
        stats = Backtest(frame, Peer, cash=CASH).run()
    found: list[tuple[int, int, Print]] = []
    closed = stats["_trades"]
    for size, begun, ended, bought, sold in zip(
        closed["Size"], closed["EntryBar"], closed["ExitBar"], closed["EntryPrice"], closed["ExitPrice"], strict=True
    ):
        side = 1 if size > 0 else -1
        found.append((begun, 1, Print(int(begun), side, abs(int(size)), fine(bought))))
        found.append((ended, 2 if begun == ended else 0, Print(int(ended), -side, abs(int(size)), fine(sold))))
    for trade in stats["_strategy"].trades:
        side = 1 if trade.size > 0 else -1
        found.append((trade.entry_bar, 1, Print(int(trade.entry_bar), side, abs(int(trade.size)), fine(trade.entry_price))))
    curve = stats["_equity_curve"]["Equity"].to_numpy()
    whole = np.rint(curve * FINE).astype(np.int64)
    assert np.abs(whole / FINE - curve).max() < 1e-6
    return Walk([row[2] for row in sorted(found, key=lambda row: row[:2])], whole, [])


def fine(price: float) -> int:
    """A price as whole ten-thousandths; it fails where it is none."""
    whole = round(price * FINE)
    assert math.isclose(whole / FINE, price, abs_tol=1e-9)
    return whole


# -- decisions, in whole numbers ---------------------------------------------------------------------------------------


def sums(x: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Sum of the last n, (T,); 0 where there are fewer."""
    total = np.concatenate(([0], np.cumsum(x)))
    out = np.zeros(len(x), np.int64)
    out[n - 1 :] = total[n:] - total[:-n]
    return out


def up(level: int, permille: int) -> int:
    """level * permille / 1000 on the cent at or above."""
    return -(-level * permille // (1000 * CENT)) * CENT


def down(level: int, permille: int) -> int:
    """level * permille / 1000 on the cent at or below."""
    return level * permille // (1000 * CENT) * CENT


def crossing(m: Market, fast: int, slow: int) -> NDArray[np.bool_]:
    """Whether the fast mean of closes is above the slow one, exactly; false while there are too few."""
    above: NDArray[np.bool_] = sums(m.close, fast) * slow > sums(m.close, slow) * fast
    above[: slow - 1] = False
    return above


def cross(m: Market, fast: int, slow: int, size: int) -> Decide:
    """Long while the fast mean is above the slow one, else flat."""
    above = crossing(m, fast, slow).tolist()
    return lambda bar, held: Plan(size if above[bar] else 0) if bar >= slow - 1 else None


def reverting(m: Market, window: int, enter: float, leave: float, size: int) -> Decide:
    """Against unusual closes; the position stands between the thresholds, and is turned around without a pause."""
    views = np.lib.stride_tricks.sliding_window_view(m.close, window).astype(np.float64)
    deviation = np.full(len(m.close), NAN)
    mean = np.full(len(m.close), NAN)
    deviation[window - 1 :] = views.std(axis=1)
    mean[window - 1 :] = views.mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (m.close - mean) / deviation
    for level in (enter, leave):  # no close lies so near a threshold that the last digit of a float would decide
        assert np.nanmin(np.abs(np.abs(z) - level)) > 1e-9
    wanted = 0
    plans: list[int] = []
    for value in z.tolist():
        if value <= -enter:
            wanted = size
        elif value >= enter:
            wanted = -size
        elif abs(value) < leave:
            wanted = 0
        plans.append(wanted)
    return lambda bar, held: Plan(plans[bar]) if bar >= window - 1 else None


def breaking(m: Market, window: int, stop: int, take: int, size: int) -> Decide:
    """With closes beyond the last bars' range; legs at `stop` and `take` permille from that close, on the owner's cent."""

    def decide(bar: int, held: int) -> Plan | None:
        if bar < window:
            return None
        close = int(m.close[bar])
        top, bottom = m.high[bar - window : bar].max(), m.low[bar - window : bar].min()
        if held:
            return Plan(0) if (close < bottom if held > 0 else close > top) else None
        if close > top:
            return Plan(size, stop=up(close, 1000 - stop), take=up(close, 1000 + take), born=close)
        if close < bottom:
            return Plan(-size, stop=down(close, 1000 + stop), take=down(close, 1000 - take), born=close)
        return None

    return decide


def dipping(m: Market, side: int, away: int, stop: int, take: int, bars: int, size: int) -> Decide:
    """A limit `away` permille from each close while flat; out by market after `bars`, or by legs where there are any."""
    seen = 0

    def decide(bar: int, held: int) -> Plan | None:
        nonlocal seen
        if bar == 0:  # the published backtester lets nobody speak at the first bar
            return None
        if held:
            seen += 1
            return Plan(0) if seen >= bars else None
        seen = 0
        close = int(m.close[bar])
        grid, edge = (up, down) if side > 0 else (down, up)
        limit = edge(close, 1000 - side * away)
        if not stop:
            return Plan(side * size, limit, born=close)
        levels = [grid(close, 1000 - side * (away + stop)), grid(close, 1000 - side * (away - take))]
        return Plan(side * size, limit, *levels, born=close)

    return decide
