"""Prices with greeks and implied volatilities of a chain, against QuantLib here and py_vollib_vectorized in its own environment."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import QuantLib as ql  # type: ignore[import-untyped]
from numpy.typing import NDArray

from argosy.kernels.options import bulk
from argosy.kernels.options.black import Greeks
from bench.clock import in_turn, seconds, typical
from bench.figure import Figure, figure
from bench.peers import Failed, Rival, kept

QUANTLIB = f"QuantLib {ql.__version__}"
VOLLIB = "py_vollib_vectorized 0.1.1"
SPOT, DIVIDEND = 100.0, 0.01
LOOPED = 20_000
"""Options that QuantLib, which takes one at a time, is given."""
SAME = 1e-9


def chain(rows: int) -> NDArray[np.float64]:
    """(N, 5) right, strike, years, rate, sigma: calls and puts of all strikes from half to double the spot, a week to two years."""
    draw = np.random.default_rng(7)
    years, sigma = draw.uniform(7 / 365, 2.0, rows), draw.uniform(0.1, 0.8, rows)
    strike = SPOT * np.exp(draw.uniform(-1.5, 1.5, rows) * sigma * np.sqrt(years))
    return np.stack((draw.choice((1.0, -1.0), rows), strike, years, draw.uniform(0.0, 0.06, rows), sigma), axis=1)


def figures(quick: bool) -> Iterator[Figure]:
    """Milliseconds of a million options, and how many times as fast the others are not."""
    rows = 100_000 if quick else 1_000_000
    table = chain(rows)
    right, strike, years, rate, sigma = (np.ascontiguousarray(column) for column in table.T)

    def value() -> Greeks:
        return bulk.greeks(right, SPOT, strike, years, rate, DIVIDEND, sigma)

    found = value()
    part = slice(0, LOOPED)
    theirs, other, fault = _quantlib(right[part], strike[part], years[part], rate[part], sigma[part])
    fault = fault or _differ(found, other, QUANTLIB)
    scale = rows / LOOPED
    million = 1e6 / rows
    took = typical(value, 5)
    note = f"{rows:,} options, nine figures each; {LOOPED:,} of them equal QuantLib's to {SAME:.0e} (its figure is scaled from these)"
    yield figure(
        "options.greeks", took * 1e3 * million, wrong=fault, note=note, peer=QUANTLIB, peer_value=theirs * 1e3 * scale * million,
        ratio=theirs * scale / took,
    )  # fmt: skip

    def imply() -> NDArray[np.float64]:
        return bulk.vols(right, found.price, SPOT, strike, years, rate, DIVIDEND).sigma

    back = imply()
    worst = float(np.max(np.abs(back / sigma - 1.0)))
    fault = "" if worst < SAME else f"a volatility comes back {worst:.1e} away"
    theirs, said = _quantlib_vols(right[part], found.price[part], strike[part], years[part], rate[part], sigma[part])  # type: ignore[index]
    took = typical(imply, 5)
    note = f"{rows:,} prices, each volatility comes back to {worst:.0e}; {LOOPED:,} by QuantLib's own solver to {said:.0e}"
    yield figure(
        "options.vols", took * 1e3 * million, wrong=fault, note=note, peer=QUANTLIB, peer_value=theirs * 1e3 * scale * million,
        ratio=theirs * scale / took,
    )  # fmt: skip
    yield from _vollib(table, found, rows)


def _quantlib(
    right: NDArray[np.float64], strike: NDArray[np.float64], years: NDArray[np.float64], rate: NDArray[np.float64], sigma: NDArray[np.float64]
) -> tuple[float, dict[str, list[float]], str]:
    """(seconds, its figures, ""): one calculator an option, asked for the six figures that it has."""
    columns = [column.tolist() for column in (right, strike, years, rate, sigma)]
    out: dict[str, list[float]] = {}

    def loop() -> None:
        made = []
        call, put = ql.Option.Call, ql.Option.Put
        for w, k, t, r, s in zip(*columns, strict=True):
            payoff = ql.PlainVanillaPayoff(call if w > 0 else put, k)
            one = ql.BlackCalculator(payoff, SPOT * math.exp((r - DIVIDEND) * t), s * math.sqrt(t), math.exp(-r * t))
            made.append((one.value(), one.delta(SPOT), one.gamma(SPOT), one.vega(t), one.theta(SPOT, t), one.rho(t)))
        out.update(zip(Greeks._fields, (list(column) for column in zip(*made, strict=True)), strict=False))

    return seconds(loop), out, ""


def _differ(own: Greeks, other: dict[str, list[float]], who: str) -> str:
    """Where one of the figures is not the other's, "" where all are."""
    for name, column in other.items():
        theirs = np.array(column)
        ours = np.asarray(getattr(own, name))[: len(theirs)]
        worst = float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1.0)))
        if not worst <= SAME:
            return f"{name} differs from {who}'s by {worst:.1e}"
    return ""


def _quantlib_vols(
    right: NDArray[np.float64], price: NDArray[np.float64], strike: NDArray[np.float64], years: NDArray[np.float64], rate: NDArray[np.float64],
    sigma: NDArray[np.float64],
) -> tuple[float, float]:  # fmt: skip
    """(seconds, how far its worst volatility is away)."""
    columns = [column.tolist() for column in (right, price, strike, years, rate)]
    found: list[float] = []

    def loop() -> None:
        found.clear()
        call, put, imply = ql.Option.Call, ql.Option.Put, ql.blackFormulaImpliedStdDev
        for w, p, k, t, r in zip(*columns, strict=True):
            forward, discount = SPOT * math.exp((r - DIVIDEND) * t), math.exp(-r * t)
            found.append(imply(call if w > 0 else put, k, forward, p, discount, 0.0, ql.nullDouble(), 1e-14, 100) / math.sqrt(t))

    took = seconds(loop)
    return took, float(np.max(np.abs(np.array(found) / sigma - 1.0)))


def _vollib(table: NDArray[np.float64], found: Greeks, rows: int) -> Iterator[Figure]:
    """The two figures against the other vectorised library, each in turn with ours."""
    right, strike, years, rate, sigma = (np.ascontiguousarray(column) for column in table.T)
    price = np.asarray(found.price)
    file = kept(f"options-{rows}", np.column_stack((table, price)))
    compared = {
        "options.vollib_greeks": "prices and deltas (its other greeks are differences over a step, timed and not compared)",
        "options.vollib_vols": "volatilities",
    }  # fmt: skip
    jobs = {
        "options.vollib_greeks": (
            "greeks.py", lambda: bulk.greeks(right, SPOT, strike, years, rate, DIVIDEND, sigma), float(np.sum(price) + np.sum(found.delta))
        ),
        "options.vollib_vols": (
            "run.py", lambda: bulk.vols(right, price, SPOT, strike, years, rate, DIVIDEND), float(np.sum(sigma))
        ),
    }  # fmt: skip
    for name, (runner, ours, right_sum) in jobs.items():
        try:
            with Rival("vollib", file, runner) as rival:
                rival.run()  # whatever it compiles, it has compiled
                pair = in_turn(lambda ours=ours: seconds(ours), rival.run, 3)  # type: ignore[misc]
                away = abs(rival.answer["equity"] / right_sum - 1.0)
                fault = "" if away < 1e-7 and rival.answer["fills"] == rows else f"its sum is {away:.1e} away from ours"
                note = f"{rows:,} options in turn, equal sums of {compared[name]}, to {away:.0e}"
                yield figure(name, pair.ratio, wrong=fault, note=note, peer=VOLLIB, peer_value=pair.theirs * 1e9 / rows, ratio=pair.ratio)
        except Failed as error:
            yield figure(name, None, peer=VOLLIB, note=f"{VOLLIB}: {error}")
