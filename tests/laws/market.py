"""Markets for the laws: seeded random walks in cents, so that ties occur; strategies that do everything at random but repeatably."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import numpy as np

from argosy.core.events import Bar, Event, Session
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Hold, Ladder, Protection, Rung, Target
from argosy.core.orders import Tif
from argosy.core.strategy import Watch
from argosy.core.tape import Tape
from argosy.core.time import DAY, MINUTE
from argosy.house import Terms, Wanted, assemble
from argosy.kernels.indicators import atr, sma

FREE = Terms(fees="free", slippage_bps=0.0)


def bars(seed: int, rows: int, instruments: int = 1, vol: float = 0.002, gap: float = 0.1) -> Tape:
    """One-minute bars of a cent-rounded walk; some minutes are absent, opens sometimes gap."""
    rng = np.random.default_rng(seed)
    parts = []
    for i in range(instruments):
        close = np.round(50.0 * np.exp(np.cumsum(rng.normal(0.0, vol, rows))), 2)
        open_ = np.concatenate(([50.0], close[:-1]))
        jump = rng.random(rows) < gap
        open_ = np.round(np.where(jump, open_ * (1.0 + rng.normal(0.0, vol, rows)), open_), 2)
        reach = np.round(np.abs(rng.normal(0.0, vol * 25.0, (2, rows))), 2)
        high = np.round(np.maximum(open_, close) + reach[0], 2)
        low = np.round(np.maximum(0.01, np.minimum(open_, close) - reach[1]), 2)
        ts = np.arange(rows, dtype=np.int64) * MINUTE
        kept = rng.random(rows) > 0.03
        columns = {
            "ts": ts, "known": ts + MINUTE, "instrument": np.full(rows, i), "open": open_, "high": high, "low": low,
            "close": close, "volume": np.round(rng.random(rows) * 1000.0), "span": np.full(rows, MINUTE),
        }  # fmt: skip
        parts.append(Tape(Bar, {name: column[kept] for name, column in columns.items()}))
    return Tape.merge(parts)


def instruments(n: int = 1, **facts: Any) -> Instruments:
    return Instruments(Instrument(symbol=f"S{i}", **facts) for i in range(n))


def sessions(tape: Tape, every: int = 240) -> list[Event]:
    """Sessions of `every` minutes on the calendar "24/7", so that DAY orders end and days are counted."""
    out: list[Event] = []
    last = int(tape["known"][-1])
    span = every * MINUTE
    for day, start in enumerate(range(0, last, span)):
        out.append(Session(start, start, "24/7", True, day, start + span))
        out.append(Session(start + span, start + span, "24/7", False, day, start + span))
    return out


class Cross:
    """Long while the fast mean is above the slow one, with a stop and a target when `guarded`."""

    class params(msgspec.Struct):
        fast: Annotated[int, msgspec.Meta(ge=1)] = 5
        slow: Annotated[int, msgspec.Meta(ge=2)] = 13
        guarded: int = 0
        short: int = 0

    needs = staticmethod(lambda p: {"fast": sma(p.fast), "slow": sma(p.slow), "range": atr(7)})

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        target = 1.0 if needs.fast > needs.slow else (-1.0 if params.short else 0.0)
        if target != out.target:
            out.target = target
            if params.guarded:
                out.stop = row.close - target * 2.0 * needs.range if target else np.inf
                out.take = row.close + target * 3.0 * needs.range if target else np.inf


class Dice:
    """Wants anything at random, from a generator kept in its state so that a restart throws the same dice."""

    watches = (Watch("*", "bar"),)

    class params(msgspec.Struct):
        seed: int = 1
        ladders: int = 1
        size: int = 40

    class state(msgspec.Struct):
        word: int = 0

    def __init__(self, params: Any) -> None:
        self.params = params
        self.state = type(self).state(params.seed * 7919 + 17)

    def _throw(self, sides: int) -> int:
        self.state.word = (self.state.word * 6364136223846793005 + 1442695040888963407) % (1 << 63)
        return (self.state.word >> 20) % sides

    def on_bar(self, bar: Bar, book: Any) -> Any:
        what = self._throw(12)
        i, close, size = bar.instrument, bar.close, self.params.size
        lots = self._throw(2 * size + 1) - size
        away = round(self._throw(60) / 100.0, 2)
        if what == 0:
            return Target(i, lots=lots, why="market")
        if what == 1:
            limit = round(close - away if lots > book.lots(i) else close + away, 2)
            return Target(i, lots=lots, limit=limit, why="limit", tif=Tif(self._throw(4)))
        if what == 2:
            sign = 1 if lots >= 0 else -1
            return Target(i, lots=lots, protection=Protection(stop=close - sign * (away + 0.05), take=close + sign * (away + 0.1)))
        if what == 3:
            return Target(i, lots=lots, protection=Protection(trail=0.2 + away))
        if what == 4:
            return Target(i, weight=lots / (4.0 * size), horizon_ns=(1 + self._throw(9)) * MINUTE, on_expiry="flat")
        if what == 5 and self.params.ladders:
            rungs = [Rung(f"b{k}", +1, round(close - 0.1 * (k + 1), 2), 1 + self._throw(5)) for k in range(self._throw(3))]
            rungs += [Rung(f"s{k}", -1, round(close + 0.1 * (k + 1), 2), 1 + self._throw(5)) for k in range(self._throw(3))]
            return Ladder(i, tuple(rungs))
        if what == 6:
            return Hold(i)
        return None

    def on_fill(self, fill: Any, book: Any) -> Any:
        return Target(fill.instrument, lots=0, why="out after a fill") if self._throw(6) == 0 else None


def wire(wanted: list[Wanted], tape: Tape, events: list[Event] | None = None, terms: Terms = FREE, bulk: bool = True, **facts: Any) -> Any:
    count = int(tape["instrument"].max()) + 1
    return assemble(wanted, (instruments(count, **facts), [tape], events if events is not None else sessions(tape)), terms, bulk=bulk)


__all__ = ["DAY", "FREE", "Cross", "Dice", "Hold", "Wanted", "bars", "instruments", "sessions", "wire"]
