"""Trades two instruments that belong together: buys the cheap and sells the dear when they part; it never trades one leg alone.

Every bar it measures anew whether they belong together (Engle and Granger's test on their last `window` closes), how much
of the one offsets the other (the slope of the regression), and how fast a difference goes away (its half-life).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, inf, log, sqrt
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from argosy.core.errors import Misuse
from argosy.core.intents import Intent, Target
from argosy.core.protocols import Book
from argosy.core.strategy import Watch

DIGITS = 4
"""Decimals of a weight."""


class Params(msgspec.Struct, frozen=True):
    """What Pairs may be set to. Raises ValueError when the thresholds are out of order."""

    first: Annotated[str, Meta(description="symbol that is bought when cheap; none = the first by name")] = ""
    second: Annotated[str, Meta(description="symbol it is measured by; none = the second by name")] = ""
    window: Annotated[int, Meta(ge=10, le=2000, description="bars of the regression")] = 120
    entry: Annotated[float, Meta(gt=0.0, le=10.0, description="deviations of the difference at which to enter")] = 2.0
    exit: Annotated[float, Meta(ge=0.0, le=10.0, description="deviations within which to leave; below entry")] = 0.5
    stop: Annotated[float, Meta(gt=0.0, le=50.0, description="deviations at which to give up; above entry")] = 4.0
    evidence: Annotated[
        float,
        Meta(
            ge=0.0,
            le=20.0,
            description="least size of the Dickey-Fuller t of the difference: 3.34 is 5 % by MacKinnon; 0 = do not ask",
        ),
    ] = 3.34
    half_life: Annotated[
        float, Meta(gt=0.0, le=10_000.0, description="longest half-life of a difference, in bars, that is traded")
    ] = 30.0
    patience: Annotated[
        float, Meta(ge=0.0, le=100.0, description="half-lives after which to leave; 0 = no limit")
    ] = 4.0
    weight: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of the budget in both legs together")] = 0.9

    def __post_init__(self) -> None:
        if not self.exit < self.entry < self.stop:
            raise ValueError("exit must be below entry, and entry below stop")


class State(msgspec.Struct):
    """side: 1 the first is held and the second sold, -1 the other way, 0 out; bars, most: held, and at most; calm: 0 after a
    stop until the difference has been within `exit` again."""

    side: int = 0
    bars: int = 0
    most: float = inf
    calm: int = 1


class Bond(NamedTuple):
    """How two instruments hang together. ratio: of money in the second for one in the first; z: deviations of the difference now

    t: Dickey-Fuller statistic of the difference, the lower the better; half_life: bars, inf when it does not come back
    """

    ratio: float
    z: float
    t: float
    half_life: float


class Pairs:
    """In at `entry` deviations when the pair is bound and quick enough, out within `exit`, at `stop`, or when patience ends."""

    name = "pairs"
    params = Params
    state: State | type[State] = State
    watches = (Watch("*", "bar"),)
    window = 2000

    def __init__(self, params: Params) -> None:
        self._params = params
        self.state = State()

    def on_instant(self, book: Book) -> tuple[Intent, ...] | None:
        """Look once an instant, when both have a new bar."""
        first, second = self._legs(book)
        bars = book.bar(first), book.bar(second)
        if any(bar is None or bar.known != book.now for bar in bars):
            return None
        closes = [book.window(i, self._params.window)[:, 3].tolist() for i in (first, second)]
        if any(row[0] != row[0] for row in closes):
            return None
        found = bond(*closes)
        if found is None:
            return None
        state, p = self.state, self._params
        if state.side:
            return self._held(first, second, found)
        if abs(found.z) <= p.exit:
            state.calm = 1
        bound = (not p.evidence or found.t <= -p.evidence) and found.half_life <= p.half_life and found.ratio > 0.0
        if not (state.calm and bound and p.entry <= abs(found.z) < p.stop):
            return None
        state.side = -1 if found.z > 0.0 else 1
        state.bars = 0
        state.most = p.patience * found.half_life if p.patience else inf
        one = round(p.weight / (1.0 + found.ratio), DIGITS)
        other = round(p.weight * found.ratio / (1.0 + found.ratio), DIGITS)
        why = f"pairs: {found.z:+.2f} deviations apart, ratio {found.ratio:.3g}, half-life {found.half_life:.1f} bars, t {found.t:.2f}"
        return Target(first, weight=state.side * one, why=why), Target(second, weight=-state.side * other, why=why)

    def _held(self, first: int, second: int, found: Bond) -> tuple[Intent, ...] | None:
        """Leave both legs when it is time."""
        state, p = self.state, self._params
        state.bars += 1
        apart = -state.side * found.z
        if apart <= p.exit:
            why = f"pairs: together again at {found.z:+.2f} deviations"
        elif apart >= p.stop:
            why = f"pairs: given up at {found.z:+.2f} deviations"
            state.calm = 0
        elif state.bars >= state.most:
            why = f"pairs: still {found.z:+.2f} deviations apart after {state.bars} bars"
            state.calm = 0
        else:
            return None
        state.side = 0
        return Target(first, lots=0, why=why), Target(second, lots=0, why=why)

    def _legs(self, book: Book) -> tuple[int, int]:
        """The instruments of both legs; Misuse("PAIRS_SYMBOL") where there are none."""
        ids = {book.instrument(i).symbol: i for i in book.instruments}
        rest = sorted(set(ids) - {self._params.first, self._params.second})
        names = [name or (rest.pop(0) if rest else "") for name in (self._params.first, self._params.second)]
        if names[0] == names[1] or not set(names) <= set(ids):
            raise Misuse("PAIRS_SYMBOL", f"no pair of {names[0]!r} and {names[1]!r}", fix=f"it trades: {', '.join(sorted(ids))}")
        return ids[names[0]], ids[names[1]]


def bond(first: Sequence[float], second: Sequence[float]) -> Bond | None:
    """How two series of closes hang together; None where one of them stands still.

    log first = a + ratio log second + difference, by least squares; then the difference's change on its level, with a
    constant. Source: Engle and Granger, "Co-integration and Error Correction", Econometrica 55 (1987); the critical values
    of t are MacKinnon's, "Critical Values for Cointegration Tests" (1991).
    """
    y = [log(price / first[0]) for price in first]
    x = [log(price / second[0]) for price in second]
    line = regress(x, y)
    if line is None:
        return None
    ratio, level, _ = line
    apart = [b - level - ratio * a for a, b in zip(x, y, strict=True)]
    spread = sqrt(fsum(each * each for each in apart) / len(apart))
    if not spread > 1e-12:
        return None
    back = regress(apart[:-1], [after - before for before, after in pairwise(apart)])
    if back is None:
        return None
    slope, _, error = back
    half_life = log(2.0) / -slope if slope < 0.0 else inf
    return Bond(ratio, apart[-1] / spread, slope / error if error > 0.0 else -inf if slope < 0.0 else 0.0, half_life)


def regress(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float] | None:
    """Slope and constant of y on x by least squares, and the slope's standard error; None where x stands still."""
    n = len(x)
    mean_x, mean_y = fsum(x) / n, fsum(y) / n
    square = fsum((a - mean_x) * (a - mean_x) for a in x)
    if not square > 1e-18:
        return None
    slope = fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / square
    level = mean_y - slope * mean_x
    rest = fsum((b - level - slope * a) * (b - level - slope * a) for a, b in zip(x, y, strict=True))
    return slope, level, sqrt(max(0.0, rest) / (n - 2) / square)
