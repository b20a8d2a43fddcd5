"""When a strategy that says what wakes it is called: row by row or for all rows at once, with one meaning; it calls nobody.

`Cross(a, b)`: need a comes to stand on another side of need b than before (above, below, or level with it), or stands on one for
the first time; `Level(x)`: likewise the close and need x; `Every(dt)`: the first row known at or after each edge of dt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Bar
from argosy.core.strategy import Cross, Every, Level, Wake
from argosy.core.time import span

_UNKNOWN = 2


class Waker:
    """The wakes of one strategy on one instrument, streamed. names: of its needs, in the order of their values."""

    __slots__ = ("_known", "_pairs", "_sides", "_spans")

    def __init__(self, wakes: Sequence[Wake], names: Sequence[str]) -> None:
        places = {name: k for k, name in enumerate(names)}
        self._pairs = [(places[wake.a], places[wake.b]) for wake in wakes if isinstance(wake, Cross)]
        self._pairs += [(-1, places[wake.x]) for wake in wakes if isinstance(wake, Level)]
        self._spans = [span(wake.dt) for wake in wakes if isinstance(wake, Every)]
        self._sides = [_UNKNOWN] * len(self._pairs)
        self._known: int | None = None

    def __call__(self, bar: Bar, values: Sequence[float]) -> bool:
        """Whether this row wakes; called on every row, `values` are its needs."""
        awake = False
        for k, (a, b) in enumerate(self._pairs):
            one, other = bar.close if a < 0 else values[a], values[b]
            if one == one and other == other:
                side = (one > other) - (one < other)
                if side != self._sides[k]:
                    self._sides[k] = side
                    awake = True
        before = bar.ts if self._known is None else self._known
        self._known = bar.known
        return awake or any(bar.known // dt > before // dt for dt in self._spans)

    def mask(self, columns: Sequence[NDArray[Any]], close: NDArray[Any], ts: NDArray[Any], known: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows wake, (T,): what calling it on each of them would say. columns: (T,) values of each need."""
        awake = np.zeros(len(known), np.bool_)
        for a, b in self._pairs:
            one, other = close if a < 0 else columns[a], columns[b]
            clear = np.flatnonzero((one == one) & (other == other))
            side = (one[clear] > other[clear]).astype(np.int8) - (one[clear] < other[clear]).astype(np.int8)
            awake[clear] |= side != np.concatenate(([_UNKNOWN], side[:-1])) if len(side) else False
        if self._spans and len(known):
            before = np.concatenate((ts[:1], known[:-1]))
            for dt in self._spans:
                awake |= known // dt > before // dt
        return awake
