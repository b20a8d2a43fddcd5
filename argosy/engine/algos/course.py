"""Where one target of an execution algorithm is on its way: what is held back, until when, and what the market has traded.

It is part of the state: the journal's records and the market rows alone move it. It decides nothing and reads no clock.
"""

from __future__ import annotations

from fractions import Fraction

from argosy.core.events import Bar, MarketEvent, Trade
from argosy.core.intents import Execution, Iceberg, Pov, Shortfall, Target, Twap, Vwap
from argosy.core.orders import Tif
from argosy.core.time import NEVER
from argosy.engine.algos import iceberg, pov, shortfall, twap, vwap
from argosy.engine.algos.slices import portions
from argosy.engine.records import plain


class Course:
    """One paced target.

    algo:  how; side: +1 buys, -1 sells; total: lots to trade in all; back: of them, held back until now
    start: of the decision; end: when it has to be done, NEVER when nobody says
    volume: units that the market has traded since the start; upto: end of the last row that was counted
    """

    __slots__ = ("algo", "back", "end", "side", "start", "total", "upto", "volume")

    def __init__(self, algo: Execution, signed: int, start: int, end: int) -> None:
        self.algo = algo
        self.side = 1 if signed > 0 else -1
        self.total = abs(signed)
        self.back = self.total
        self.start = start
        self.end = end
        self.volume = 0.0
        self.upto = start

    def see(self, row: MarketEvent) -> None:
        """Count what a row says was traded; a bar that began before the last counted row ended says it a second time."""
        if row.ts < self.upto:
            return
        if type(row) is Bar and row.volume == row.volume:
            self.volume += row.volume
            self.upto = row.ts + row.span
        elif type(row) is Trade and row.size == row.size:
            self.volume += row.size
            self.upto = row.ts

    def way(self, goal: int, held: int) -> int:
        """The position that may be wanted by now on the way to `goal`; never back from what is held."""
        at = goal - self.side * self.back
        return held if (at - held) * self.side < 0 else at

    def grow(self, signed: int) -> None:
        """The same target has become larger by so many lots (what was given up is wanted again): they are held back too."""
        more = max(0, signed * self.side)
        self.total += more
        self.back += more

    def split(self, ratio: float, exact: Fraction) -> None:
        """Rescale at a split. exact: the ratio as venues count it."""
        self.volume *= ratio
        self.total = int(self.total * exact)
        self.back = int(self.back * exact)

    @property
    def every(self) -> int:
        """Nanoseconds of a slice, 0 where there are none."""
        return interval(self.algo)

    def schedule(self, least: int) -> tuple[int, ...]:
        """Lots of each slice; a slice that would begin at the end or later is not waited for. least: the smallest order."""
        algo, every = self.algo, self.every
        count = slices(algo)
        if self.end != NEVER:
            count = max(1, min(count, -((self.start - self.end) // every)))
        if isinstance(algo, Twap):
            weights = twap.weights(algo, count)
        elif isinstance(algo, Vwap):
            weights = vwap.weights(algo, count)
        else:
            assert isinstance(algo, Shortfall)
            weights = shortfall.weights(algo, count)
        return portions(weights, self.total, least)

    def due(self, now: int, lot: float, least: int, done: bool) -> tuple[int, int]:
        """(lots still to be held back at `now`, when time alone changes that next: NEVER when it does not).

        lot: units of a lot; least: the smallest order; done: all that was released has filled or ended
        """
        before = self.total - self.back
        if isinstance(self.algo, Pov):
            return self.total - pov.released(self.algo, self.total, before, self.volume / lot, least), self.end
        if isinstance(self.algo, Iceberg):
            return self.total - iceberg.released(self.algo, self.total, before, done, least), self.end
        lots = self.schedule(least)
        begun = min(len(lots), (now - self.start) // self.every + 1)
        back = min(self.back, self.total - sum(lots[:begun]))
        following = next((k for k in range(begun, len(lots)) if lots[k]), 0)
        return back, self.start + following * self.every if following else NEVER

    def snapshot(self) -> tuple[object, ...]:
        """Plain values, for the state hash."""
        return plain(self.algo), self.side, self.total, self.back, self.start, self.end, self.volume, self.upto


def slices(algo: Execution) -> int:
    """How many slices an algorithm has, 0 where it goes by the market."""
    return len(algo.curve) if isinstance(algo, Vwap) else algo.slices if isinstance(algo, Twap | Shortfall) else 0


def interval(algo: Execution) -> int:
    """Nanoseconds from one slice to the next, 0 where there are none."""
    return 0 if isinstance(algo, Pov | Iceberg) else max(1, algo.duration_ns // max(1, slices(algo)))


def goes_on(standing: object, target: Target) -> bool:
    """Whether a target is the standing one with other levels, so that its algorithm goes on and does not begin anew."""
    return (
        type(standing) is Target and target.execution is not None and standing.execution == target.execution
        and (standing.lots, standing.weight, standing.notional) == (target.lots, target.weight, target.notional)
    )  # fmt: skip


def plot(target: Target, lots: int, held: int, at: int, closes: int) -> Course | None:
    """The course of a target that an algorithm paces, from a position `held` to `lots`; None where there is nothing to pace.

    closes: end of the running session, NEVER without one. What is good for a day is done by then, and a schedule also by
    the target's horizon.
    """
    algo = target.execution
    if algo is None or lots == held:
        return None
    end = closes if target.tif is Tif.DAY else NEVER
    if target.horizon_ns and slices(algo):
        end = min(end, at + target.horizon_ns)
    return Course(algo, lots - held, at, end)
