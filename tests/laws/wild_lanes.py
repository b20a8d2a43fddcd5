"""Cases for the law of the two lanes, drawn by seed: markets, venues, limits, what happens from outside, and one strategy.

A seed draws one case, whole, for ever: a case that fails is told by its number.
"""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import numpy as np

from argosy.core import events as ev
from argosy.core.instrument import Instrument, Instruments
from argosy.core.strategy import Cross, Every, Level
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, MINUTE, SECOND
from argosy.engine.engine import Breakers
from argosy.house import Terms, Wanted
from argosy.kernels.fees import FeeSchedule, bps, per_share
from argosy.kernels.indicators import sma
from tests.laws.lanes import Case

# -- the strategy ------------------------------------------------------------------------------------------------------


class Params(msgspec.Struct):
    """What the strategy does at its turns; `raise_at`, `nan_at`: the turn at which it fails, 0 = never."""

    size: float = 7.0
    short: float = 0.5
    grow: float = 0.0
    raise_at: int = 0
    nan_at: int = 0
    inf_every: int = 0
    limit: float = 0.0
    stop: float = 0.0
    take: float = 0.0


class Turns(msgspec.Struct):
    """What it remembers: turns made, bars seen, the last close, the side it is on."""

    turns: int = 0
    seen: int = 0
    last: float = 0.0
    up: bool = False


def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
    """Turn where the averages cross: long, or short, flat, or nonsense, by the count of turns."""
    up = needs.fast > needs.slow
    state.seen += 1
    state.last = row.close
    if up != state.up:
        state.up = up
        state.turns += 1
        if params.raise_at != 0 and state.turns == params.raise_at:
            out.target = 5.0 / (params.raise_at - state.turns)
        target = params.size * (1.0 + params.grow * (state.turns % 5)) if up else -params.size * params.short * (state.turns % 3)
        if params.nan_at != 0 and state.turns == params.nan_at:
            target = math.nan
        if params.inf_every != 0 and state.turns % params.inf_every == 0:
            target = math.inf
        out.target = target
        side = 1.0 if target > 0.0 else -1.0
        if params.limit != 0.0:
            out.limit = row.close * (1.0 - side * params.limit * (state.turns % 4))
        if params.stop != 0.0:
            out.stop = row.close * (1.0 - side * params.stop) if target != 0.0 else math.inf
        if params.take != 0.0:
            out.take = row.close * (1.0 + side * params.take) if target != 0.0 and state.turns % 2 == 0 else math.inf


def explain(needs, state, params, out):  # type: ignore[no-untyped-def]
    return f"{state.turns} {state.last} {out.target} {needs.fast}"


WAKES: tuple[tuple[Any, ...], ...] = ((), (Cross("fast", "slow"),), (Every("7m"), Level("slow")))
SIZES = {"lots": (7.0, 7.0, 7.5, 90.0, 90.0, 1e5, 1e12), "weight": (0.333, 0.333, 0.9, 1.0, 1.5), "notional": (300.0, 5e3, 5e3, 49_999.99)}


def strategy(unit: str, explains: bool, wakes: tuple[Any, ...]) -> type:
    """One of the strategies: the same step in one of three units, with or without its own words, woken or called at every bar."""
    body: dict[str, Any] = {"unit": unit, "params": Params, "state": Turns, "scaled": ("last",), "step": staticmethod(step)}
    body["needs"] = {"fast": sma(2), "slow": sma(5)}
    if explains:
        body["explain"] = staticmethod(explain)
    if wakes:
        body["wakes"] = wakes
    return type("Turner", (), body)


STRATEGIES = [strategy(unit, explains, wakes) for unit in SIZES for explains in (False, True) for wakes in WAKES]


# -- the draw ----------------------------------------------------------------------------------------------------------


class Draw(Random):
    """A seeded draw. often: whether, with this chance."""

    def often(self, chance: float) -> bool:
        return self.random() < chance


def case(seed: int) -> Case:
    """The case of a seed."""
    draw = Draw(seed)
    count, span = draw.randint(1, 3), draw.choice((MINUTE, MINUTE, 5 * MINUTE, HOUR, DAY, SECOND))
    rows = instruments(draw, count)
    bars = tapes(draw, count, span)
    return Case(wanted(draw), rows, bars, events(draw, bars, count, span), terms(draw), draw.often(0.95))


def instruments(draw: Draw, count: int) -> Instruments:
    """Odd lots, least and most of an order, some that cannot be sold short."""
    lots = ("1",) * 5 + ("0.001", "1e-8", "1e-9")
    return Instruments(
        Instrument(
            symbol=f"S{i}", lot=Decimal(draw.choice(lots)), tick=Decimal("0.01"), min_lots=draw.choice((1, 1, 1, 1, 5)),
            max_lots=draw.choice((0, 0, 0, 0, 0, 9, 10**6)), calendar=draw.choice(("24/7", "24/7", "XNYS")), shortable=draw.often(0.9),
            multiplier=Decimal(draw.choice((1, 1, 1, 1, 100))),
        )
        for i in range(count)
    )  # fmt: skip


def tapes(draw: Draw, count: int, span: int) -> list[Tape]:
    """Walks on the tick with gaps; bars are absent, late, short, without volume; instruments begin later or stop earlier."""
    size = draw.randint(60, 400)
    numbers = np.random.default_rng(draw.randrange(1 << 32))
    start, vol = draw.choice((0, 1_700_000_000 * SECOND)), draw.choice((5e-4, 2e-3, 0.01, 0.05))
    delay = draw.choice((0,) * 8 + (SECOND // 2, 3 * span))
    none, unknown, absent = draw.choice((0.0, 0.0, 0.0, 0.1, 0.4)), draw.choice((0.0, 0.0, 0.2)), draw.choice((0.0, 0.0, 0.03, 0.4))
    odd_spans, jitter = draw.often(0.06), draw.often(0.1) and span > 2 * SECOND
    parts = []
    for i in range(count):
        first = draw.choice((50.0,) * 6 + (0.02, 1.0, 3e4, 1e6, 5e-4))
        tick = 0.01 if first >= 1.0 else 0.0001
        on_tick = lambda prices, tick=tick: np.maximum(tick, np.round(prices / tick) * tick)  # noqa: E731 - said once, here
        close = on_tick(first * np.exp(np.cumsum(numbers.normal(0.0, vol, size))))
        open_ = np.concatenate((close[:1], close[:-1]))
        open_ = np.where(numbers.random(size) < 0.2, on_tick(open_ * (1.0 + numbers.normal(0.0, 3.0 * vol, size))), open_)
        ts = start + span * np.arange(size, dtype=np.int64)
        chance = numbers.random(size)
        volume = np.where(chance < none, 0.0, np.where(chance > 1.0 - unknown, np.nan, np.round(numbers.random(size) * 1000.0)))
        columns = {
            "ts": ts + (numbers.integers(0, 2, size) * SECOND if jitter else 0), "known": ts + span + delay, "instrument": np.full(size, i),
            "open": open_, "high": np.maximum(open_, close) + tick * numbers.integers(0, 5, size),
            "low": np.maximum(tick, np.minimum(open_, close) - tick * numbers.integers(0, 5, size)), "close": close, "volume": volume,
            "span": np.where(numbers.random(size) < 0.1, span // 2, span) if odd_spans else np.full(size, span),
        }  # fmt: skip
        kept = numbers.random(size) > absent
        kept[: draw.randrange(size // 2) if draw.often(0.3) else 0] = False
        kept[draw.randrange(size // 2 + 1, size) if draw.often(0.3) else size :] = False
        parts.append(Tape(ev.Bar, {name: column[kept] for name, column in columns.items()}))
    return parts if draw.often(0.2) else [Tape.merge(parts)]


HAPPENINGS = ("split", "dividend", "cash", "cash", "adjust", "pause", "pause", "desk", "flatten", "retire", "status", "delist", "funding", "borrow")


def events(draw: Draw, bars: list[Tape], count: int, span: int) -> list[ev.Event]:
    """Sessions of odd length, and up to four things that happen: with a bar, between two, or a moment before or after one."""
    known = np.unique(np.concatenate([tape["known"] for tape in bars]))
    found: list[ev.Event] = []
    if draw.often(0.5):
        length, start = span * draw.randint(5, 200), int(known[0]) - span
        for calendar in [name for name in ("24/7", "XNYS") if draw.often(0.7)]:
            for day, at in enumerate(range(start, int(known[-1]), length)):
                found.append(ev.Session(at, at, calendar, True, day, at + length))
                if draw.often(0.9):
                    found.append(ev.Session(at + length, at + length, calendar, False, day, at + length))
    for _ in range(draw.randint(1, 4) if draw.often(0.6) else 0):
        at = int(draw.choice(known)) + draw.choice((0, 0, 1, -1, span // 2))
        later = at + draw.randrange(1, 50) * span + draw.choice((0, 0, 1))
        what, i = draw.choice(HAPPENINGS), draw.randrange(count)
        prices = [float(tape.only(i)["close"][0]) for tape in bars if i in tape.instruments]
        found += happening(draw, what, at, later, i, prices[0] if prices else 50.0)
    return found


def happening(draw: Draw, what: str, at: int, later: int, i: int, price: float) -> list[ev.Event]:
    """One thing that happens, and the end of it."""
    if what in ("pause", "flatten", "retire"):
        again = [ev.Command(later, later, "unpause", "me", "why", "one")] if what == "pause" or draw.often(0.5) else []
        return [ev.Command(at, at, what, "me", "why", "one"), *again]
    if what == "desk":
        verb = draw.choice(("halt", "reduce", "flatten"))
        probes = [ev.Account(later + k, later + k, "USD", 0, 0, 0) for k in (1, 2, 3)]
        return [ev.Command(at, at, verb, "me", "why"), ev.Command(later, later, "resume", "me", "why"), *probes]
    if what == "status":
        return [ev.Status(at, at, i, True), ev.Status(later, later, i, False)]
    if what == "cash":
        amount = draw.choice((5_000_000_000, -5_000_000_000, -49_000_000_000, 1))
        return [ev.CashFlow(at, at, "USD", amount, draw.choice(("", "one")))]
    if what == "adjust":
        return [ev.Adjust(at, at, i, draw.choice((3, -3, 50)), price, draw.choice((0, -100_000_000)), "USD", "HAND")]
    made: dict[str, ev.Event] = {
        "split": ev.Split(at, at, i, draw.choice((2.0, 0.5, 1.5, 3.0, 0.1))), "dividend": ev.Dividend(at, at, i, 0.25),
        "delist": ev.Delist(at, at, i, price), "funding": ev.Funding(at, at, i, 0.001), "borrow": ev.Borrow(at, at, i, 0.001),
    }  # fmt: skip
    return [made[what]]


LIMITS: tuple[tuple[str, float, dict[str, tuple[Any, ...]]], ...] = (
    ("order_size", 1.0, {"max_lots": (5, 9, 10**6), "trim": (True, False)}), ("order_size", 1.0, {"max_notional": (300.0, 5e3)}),
    ("position", 1.0, {"max_pct": (0.9, 5.0, 33.3, 50.0), "trim": (True, False)}), ("position", 0.5, {"max_lots": (5, 14)}),
    ("exposure", 1.0, {"max_gross": (600.0, 2e4)}), ("exposure", 1.0, {"max_net": (700.0, 2e4)}),
    ("exposure", 1.0, {"max_leverage": (0.02, 0.333, 1.0)}), ("buying_power", 1.0, {"use_pct": (1.0, 33.3, 95.0, 100.0), "trim": (True, False)}),
    ("daily_loss", 1.0, {"max_pct": (0.02, 0.5, 2.0)}), ("drawdown", 1.0, {"max_pct": (0.05, 1.0)}),
    ("trades_per_day", 1.0, {"max_trades": (0, 1, 7, 30)}), ("trades_per_day", 1.0, {"max_trades_per_strategy": (1, 5)}),
    ("losing_streak", 1.0, {"max_losses": (1, 2, 4)}), ("order_rate", 1.0, {"per_minute": (1, 2, 3, 5)}), ("order_rate", 1.0, {"per_second": (1, 2)}),
    ("duplicate", 1.0, {"window_ms": (1, 500, 60_000)}), ("short", 1.0, {"allow": (False,)}), ("protection", 0.3, {"required": (True,)}),
    ("session", 0.5, {"queue": (False,)}), ("stale", 1.0, {"max_age_ms": (1, 1000, 10**6)}), ("collar", 1.0, {"max_pct": (5.0,)}),
    ("budget", 0.5, {"use_pct": (50.0, 100.0)}),
)  # fmt: skip
"""Rules, how common each is among those drawn, and the numbers it may have."""
FEES: tuple[Any, ...] = (
    "alpaca", "free", per_share(0.005, 1.0), bps(-1.0, 7.5), FeeSchedule(per_unit=0.01, minimum=1.0, cap_frac=0.005, sec_rate=27.8e-6, flat=0.1),
)  # fmt: skip


def terms(draw: Draw) -> Terms:
    """An account, a venue and limits; most venues answer at once and fill whole."""
    share = draw.choice((0.0, 0.0, 0.08, 0.25))
    limits: dict[str, dict[str, Any]] = {}
    for rule, common, numbers in LIMITS:
        if draw.often(share * common):
            limits.setdefault(rule, {}).update({name: draw.choice(values) for name, values in numbers.items()})
    return Terms(
        cash=draw.choice((5e4, 5e4, 5e4, 5e4, 100.0, 1e7, 1e9)), multiplier=draw.choice((1.0, 1.0, 2.0, 4.0)), fees=draw.choice(FEES),
        slippage_bps=draw.choice((0.0, 1.0, 2.5, 50.0)), limit_rule=draw.choice(("through", "touch")),
        participation_frac=draw.choice((0.0,) * 8 + (0.05,)), latency_ms=draw.choice((0.0,) * 12 + (100.0, 70_000.0)),
        profile=draw.choice(("lab",) * 7 + ("desk",)), limits=limits, on_failure=draw.choice(("keep", "flatten")),
        breakers=Breakers(daily_loss_frac=draw.choice((0.0, 0.0, 0.001, 0.02)), drawdown_frac=draw.choice((0.0, 0.0, 0.003, 0.05))),
    )  # fmt: skip


def wanted(draw: Draw) -> Wanted:
    """One strategy with its numbers, sometimes on the first instrument only, sometimes with a budget of its own."""
    cls = draw.choice(STRATEGIES)
    params: dict[str, Any] = {
        "size": draw.choice(SIZES[cls.unit]), "short": draw.choice((0.0, 0.0, 0.5, 1.0, -0.5)), "grow": draw.choice((0.0, 0.1, 0.25)),
    }  # fmt: skip
    if draw.often(0.1):
        params["raise_at"] = draw.randrange(1, 30)
    if draw.often(0.06):
        params["nan_at"] = draw.randrange(1, 30)
    if draw.often(0.06):
        params["inf_every"] = draw.randrange(2, 9)
    for name, values in (("limit", (5e-4, 0.002, 0.01)), ("stop", (0.002, 0.01, 0.05)), ("take", (0.002, 0.01, 0.05))):
        if draw.often(0.1):
            params[name] = draw.choice(values)
    budget, most = draw.choice((0.0, 0.0, 0.4, 0.999)), draw.choice((0.0, 0.0, 0.0, 0.01, 0.3))
    return Wanted("one", cls, params, symbols=("S0",) if draw.often(0.15) else (), budget_frac=budget, max_loss_frac=most)
