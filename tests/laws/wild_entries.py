"""Cases for the law of the two lanes where a step says entries with their own stops and targets; a seed draws one case for ever."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from argosy.house import Wanted
from argosy.kernels.indicators import sma
from tests.laws.lanes import Case
from tests.laws.wild_lanes import MINUTE, WAKES, Draw, events, instruments, tapes, terms


class Params(msgspec.Struct):
    """What it says. Distances are parts of the close, or of a cent and its like where `ticks` is set; 0 = none of it."""

    size: float = 7.0
    gap: float = 0.001
    stop: float = 0.002
    take: float = 0.002
    ticks: float = 0.0
    hold: int = 1
    rest: int = 0
    short: int = 0
    raise_at: int = 0
    nan_at: int = 0
    bare_at: int = 0
    silent: int = 0


class Said(msgspec.Struct):
    """Bars seen, and the close that its entry is laid from."""

    seen: int = 0
    anchor: float = 0.0


def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
    """An entry below the close (above it: short), laid anew every `hold` bars; none every `rest` bars; nonsense where it is asked to."""
    state.seen += 1
    if params.silent != 0 and state.seen <= params.silent:
        return
    if params.raise_at != 0 and state.seen == params.raise_at:
        out.target = 5.0 / (params.raise_at - state.seen)
    if state.anchor == 0.0 or state.seen % params.hold == 0:
        state.anchor = row.close
    close = state.anchor
    side = 1.0
    if params.short == 1 and needs.fast < needs.slow:
        side = -1.0
    if params.short == 2:
        side = -1.0
    one = params.ticks if params.ticks != 0.0 else close
    out.target = side * params.size
    out.limit = close - side * params.gap * one
    out.stop = out.limit - side * params.stop * one if params.stop != 0.0 else math.inf
    out.take = out.limit + side * params.take * one if params.take != 0.0 else math.inf
    if params.rest != 0 and state.seen % params.rest == 0:
        out.target = 0.0
    if params.nan_at != 0 and state.seen == params.nan_at:
        out.stop = math.nan
    if params.bare_at != 0 and state.seen == params.bare_at:
        out.limit = math.inf


def explain(needs, state, params, out):  # type: ignore[no-untyped-def]
    return f"{state.seen} {state.anchor} {out.target} {out.limit} {out.stop} {needs.fast}"


def strategy(explains: bool, wakes: tuple[Any, ...]) -> type:
    """The same step, with or without its own words, woken or called at every bar."""
    body: dict[str, Any] = {"unit": "lots", "wants": "entry", "params": Params, "state": Said, "scaled": ("anchor",), "step": staticmethod(step)}
    body["needs"] = {"fast": sma(2), "slow": sma(5)}
    if explains:
        body["explain"] = staticmethod(explain)
    if wakes:
        body["wakes"] = wakes
    return type("Enters", (), body)


STRATEGIES = [strategy(explains, wakes) for explains in (False, True) for wakes in (WAKES[0], WAKES[0], WAKES[0], WAKES[2])]


def case(seed: int) -> Case:
    """The case of a seed: one instrument, now and then two."""
    draw = Draw(seed)
    count, span = draw.choice((1,) * 15 + (2,)), draw.choice((MINUTE, MINUTE, MINUTE, 5 * MINUTE, 3600 * MINUTE // 60, 1440 * MINUTE))
    rows = instruments(draw, count)
    bars = tapes(draw, count, span)
    made = terms(draw)
    if draw.often(0.8):
        made = msgspec.structs.replace(made, participation_frac=0.0, latency_ms=0.0)
    return Case(wanted(draw), rows, bars, events(draw, bars, count, span), made, draw.often(0.97))


def wanted(draw: Draw) -> Wanted:
    """One strategy with its numbers; most of them lay an entry near the price, so that it fills."""
    params: dict[str, Any] = {
        "size": draw.choice((7.0, 7.0, 1.0, 0.4, 90.0, 1e4, 1e9)), "gap": draw.choice((0.0, 1e-4, 5e-4, 0.001, 0.002, 0.01, -0.001)),
        "stop": draw.choice((0.0, 2e-4, 0.001, 0.004, 0.01, -0.001)), "take": draw.choice((0.0, 2e-4, 0.001, 0.004, 0.01, -0.001)),
        "hold": draw.choice((1, 1, 1, 2, 7)), "rest": draw.choice((0, 0, 0, 2, 5)), "short": draw.choice((0, 0, 1, 2)),
        "silent": draw.choice((0, 0, 0, 20)),
    }  # fmt: skip
    if draw.often(0.5):
        tick = draw.choice((0.01, 0.01, 0.0033))
        params |= {"ticks": tick, "gap": float(draw.randint(-1, 6)), "stop": float(draw.randint(0, 9)), "take": float(draw.randint(0, 9))}
    for name, chance in (("raise_at", 0.1), ("nan_at", 0.06), ("bare_at", 0.06)):
        if draw.often(chance):
            params[name] = draw.randrange(1, 120)
    budget, most = draw.choice((0.0, 0.0, 0.4, 0.999)), draw.choice((0.0, 0.0, 0.0, 0.01, 0.3))
    return Wanted("one", draw.choice(STRATEGIES), params, budget_frac=budget, max_loss_frac=most)
