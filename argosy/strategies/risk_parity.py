"""Gives each instrument the same share of the risk, not of the money; it has no view on prices.

Two ways. Inverse volatility looks at each alone. Equal risk contribution looks at how they move together: each weight
times its marginal risk is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, sqrt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from argosy.core.errors import Misuse
from argosy.core.intents import Hold, Intent, Target
from argosy.core.protocols import Book
from argosy.core.strategy import Watch
from argosy.core.time import span

Matrix = list[list[float]]
DIGITS = 6
"""Decimals of a weight."""


class Params(msgspec.Struct, frozen=True):
    """What RiskParity may be set to. Raises ValueError when `every` is no span."""

    method: Annotated[
        Literal["equal", "inverse"],
        Meta(description='"equal" risk contribution, or "inverse" volatility, which ignores correlation'),
    ] = "equal"
    window: Annotated[int, Meta(ge=3, le=2000, description="bars whose returns are measured")] = 60
    every: Annotated[str, Meta(description='span of the calendar, counted from 1970, like "1d" or "4w"')] = "4w"
    invest: Annotated[
        float, Meta(gt=0.0, le=1.0, description="fraction of the budget that all weights sum to")
    ] = 0.99

    def __post_init__(self) -> None:
        try:
            span(self.every)
        except Misuse as error:
            raise ValueError(str(error)) from error


class State(msgspec.Struct):
    """period: number of the calendar span last rebalanced in, -1 before the first."""

    period: int = -1


class RiskParity:
    """Sets all weights at the first instant of each `every` at which all that trade have a bar.

    One without a full window, without a bar for as long as `every`, or that has not moved, is left alone. The windows are
    read row by row, so instruments should have their bars at the same times.
    """

    name = "risk_parity"
    params = Params
    state: State | type[State] = State
    watches = (Watch("*", "bar"),)
    window = 2001

    def __init__(self, params: Params) -> None:
        self._params = params
        self._every = span(params.every)
        self.state = State()

    def on_instant(self, book: Book) -> tuple[Intent, ...] | None:
        """Look once an instant, when all bars of it are in."""
        period = book.now // self._every
        if period == self.state.period:
            return None
        names: list[tuple[str, int]] = []
        moves: list[list[float]] = []
        for symbol, i in sorted((book.instrument(i).symbol, i) for i in book.instruments):
            bar = book.bar(i)
            if bar is None or book.now - bar.known > self._every:
                continue
            if bar.known != book.now:
                return None
            closes = book.window(i, self._params.window + 1)[:, 3].tolist()
            if closes[0] == closes[0] and min(closes) < max(closes):
                names.append((symbol, i))
                moves.append([after / before - 1.0 for before, after in pairwise(closes)])
        risk = covariance(moves) if moves else []
        if not names or not all(risk[k][k] > 0.0 for k in range(len(risk))):
            return None
        self.state.period = period
        found = equal_risk(risk) if self._params.method == "equal" else inverse_volatility(risk)
        intents: list[Intent] = []
        for k, (symbol, i) in enumerate(names):
            weight = round(self._params.invest * found[k], DIGITS)
            why = f"risk parity: {symbol} to {weight:.1%}, volatility {sqrt(risk[k][k]):.2%} a bar"
            # a weight is evaluated once; Hold withdraws the standing one, so that the same weight is evaluated anew
            intents += (Hold(i, why=why), Target(i, weight=weight, why=why))
        return tuple(intents)


def covariance(moves: Sequence[Sequence[float]]) -> Matrix:
    """Sample covariance of the returns, (N, N); moves: N rows of T returns."""
    count = len(moves[0])
    means = [fsum(row) / count for row in moves]
    away = [[move - mean for move in row] for row, mean in zip(moves, means, strict=True)]
    return [[fsum(a * b for a, b in zip(one, other, strict=True)) / (count - 1) for other in away] for one in away]


def inverse_volatility(risk: Matrix) -> list[float]:
    """Weights in proportion to 1 / volatility, summing to 1."""
    each = [1.0 / sqrt(risk[k][k]) for k in range(len(risk))]
    whole = fsum(each)
    return [weight / whole for weight in each]


def equal_risk(risk: Matrix, close: float = 1e-12, rounds: int = 1000) -> list[float]:
    """Weights, positive and summing to 1, of which each contributes the same to the portfolio's volatility.

    They minimise half x'Sx less the sum of log x_k, one weight at a time: x_k solves S_kk x^2 + c x - 1 = 0, c being the
    covariance with the others' weights. Ends when no weight moves by more than `close` of itself, or after `rounds`.
    Source: Griveau-Billion, Richard and Roncalli, "A Fast Algorithm for Computing High-dimensional Risk Parity
    Portfolios" (2013), cyclical coordinate descent; the objective is that of Spinu, "An Algorithm for Computing Risk
    Parity Weights" (2013).
    """
    n = len(risk)
    x = [1.0 / sqrt(n * risk[k][k]) for k in range(n)]
    for _ in range(rounds):
        moved = 0.0
        for k in range(n):
            c = fsum(risk[k][j] * x[j] for j in range(n) if j != k)
            new = (sqrt(c * c + 4.0 * risk[k][k]) - c) / (2.0 * risk[k][k])
            moved = max(moved, abs(new - x[k]) / new)
            x[k] = new
        if moved <= close:
            break
    whole = fsum(x)
    return [weight / whole for weight in x]
