"""One indicator fed bar by bar, as a desk does; it knows nothing of bars that have not come.

The law of gaps: a row in which a number that the indicator reads is nan or infinite is not counted. It changes
nothing, and the value stays what it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from argosy.core.errors import Misuse
from argosy.core.time import span, span_text
from argosy.kernels.indicators.higher import BEFORE, FIELDS, OWN, fold_step, origin

if TYPE_CHECKING:
    from argosy.kernels.indicators.indicator import Indicator

NAN = float("nan")
INF = float("inf")


class Feeding(Protocol):
    """What all streams do; their rows are the indicator's `columns`."""

    def update(self, *row: Any) -> float:
        """The value after one more row; nan while warming."""
        ...

    def save(self) -> bytes:
        """All that it remembers; a stream of the same indicator that loads it goes on as if nothing had been."""
        ...

    def load(self, saved: bytes) -> None:
        """Take back what `save` gave; Misuse("INDICATOR_STATE") when another indicator gave it."""
        ...


class Stream:
    """An indicator of columns: `update(close) -> float`."""

    __slots__ = ("_indicator", "_out", "_params", "_several", "_state", "_step", "_value")

    def __init__(self, indicator: Indicator) -> None:
        definition = indicator.definition
        self._indicator = indicator
        self._step = definition.step.py
        self._state: Any = [0.0] * definition.size(indicator.params)
        self._params = indicator.params
        self._out = indicator.out
        self._several = len(definition.outputs) > 1
        self._value = NAN

    def update(self, *row: float) -> float:
        for number in row:
            if not -INF < number < INF:
                return self._value
        value = self._step(self._state, self._params, *row)
        if self._several:
            value = value[self._out]
        self._value = value = float(value)
        return value

    def fresh(self, *row: float) -> float:
        """The value after one more row, nan when the row is not counted: what an indicator of this one reads."""
        for number in row:
            if not -INF < number < INF:
                return NAN
        return self.update(*row)

    def memory(self) -> list[Any]:
        """All that it remembers."""
        return [self._value, [float(number) for number in self._state]]

    def recall(self, memory: list[Any]) -> None:
        """Take it back; ValueError when it has another shape."""
        value, state = memory
        if len(state) != len(self._state):
            raise ValueError("another length")
        self._value = float(value)
        self._state[:] = [float(number) for number in state]

    def save(self) -> bytes:
        return pack(self._indicator, self.memory())

    def load(self, saved: bytes) -> None:
        unpack(self._indicator, saved, self.recall)


class HeavyStream(Stream):
    """A stream whose step is compiled, for it would take longer than a microsecond in plain Python."""

    __slots__ = ()

    def __init__(self, indicator: Indicator) -> None:
        super().__init__(indicator)
        self._step = self._first
        self._state = np.zeros(len(self._state))

    def _first(self, *row: Any) -> Any:
        """The first step; the compiler is not asked for before it."""
        self._step = self._indicator.definition.step.jit
        return self._step(*row)

    def update(self, *row: float) -> float:
        for number in row:
            if not -INF < number < INF:
                return self._value
        value = self._step(self._state, self._params, *[float(number) for number in row])
        self._value = result = float(value[self._out] if self._several else value)
        return result


class ChainStream:
    """An indicator of other indicators, or of one column twice: the whole chain in one step."""

    __slots__ = ("_indicator", "_inner", "_own")

    def __init__(self, indicator: Indicator) -> None:
        columns = indicator.columns
        self._indicator = indicator
        self._own = HeavyStream(indicator) if indicator.definition.heavy else Stream(indicator)
        self._inner: list[tuple[Stream | ChainStream | None, list[int]]] = []
        for source in indicator.inputs:
            if isinstance(source, str):
                self._inner.append((None, [columns.index(source)]))
            else:
                self._inner.append((plain_stream(source), [columns.index(name) for name in source.columns]))

    def _read(self, row: tuple[float, ...]) -> list[float]:
        return [
            row[places[0]] if inner is None else inner.fresh(*[row[k] for k in places])
            for inner, places in self._inner
        ]

    def update(self, *row: float) -> float:
        return self._own.update(*self._read(row))

    def fresh(self, *row: float) -> float:
        """As `Stream.fresh`."""
        return self._own.fresh(*self._read(row))

    def memory(self) -> list[Any]:
        """As `Stream.memory`, its sources after it."""
        return [self._own.memory(), *(inner.memory() for inner, _ in self._inner if inner is not None)]

    def recall(self, memory: list[Any]) -> None:
        """As `Stream.recall`."""
        streams = [self._own, *(inner for inner, _ in self._inner if inner is not None)]
        for stream, part in zip(streams, memory, strict=True):
            stream.recall(part)

    def save(self) -> bytes:
        return pack(self._indicator, self.memory())

    def load(self, saved: bytes) -> None:
        unpack(self._indicator, saved, self.recall)


class HigherStream:
    """A stream over bars of a higher timeframe, built from the bars it is fed.

    Buckets are multiples of the timeframe since the epoch in UTC, weeks since a Monday; a bar belongs to the
    bucket in which it starts. A bucket closes when a bar ends at or after its end, or when a bar of another
    bucket arrives; its value is visible from that row on. The first bucket has the bars that are there; a
    bucket without bars makes no bar.
    """

    __slots__ = ("_bar", "_clock", "_every", "_indicator", "_inner", "_inputs", "_origin", "_step", "_value")

    def __init__(self, indicator: Indicator) -> None:
        self._indicator = indicator
        self._every = span(indicator.every)
        self._origin = origin(self._every)
        own = msgspec.structs.replace(indicator, every="")
        self._inner = plain_stream(own)
        self._inputs = [FIELDS.index(name) for name in own.columns]
        self._step = fold_step.py
        self._clock = [0, 0]
        self._bar = [0.0] * 10
        self._value = NAN

    def update(
        self, open_: float, high: float, low: float, close: float, volume: float, ts: int, span_ns: int
    ) -> float:
        """The higher timeframe's value as known at the end of this bar.

        ts: start of the bar, ns UTC; span_ns: its length
        errors: Misuse("INDICATOR_EVERY") for bars at least twice as long as the timeframe
        """
        every = self._every
        if span_ns >= 2 * every:
            raise too_long(self._indicator, span_ns)
        bar = self._bar
        row = (open_, high, low, close, volume)
        counted = True
        for k in self._inputs:
            if not -INF < row[k] < INF:
                counted = False
        done = self._step(
            self._clock, bar, every, self._origin, counted, open_, high, low, close, volume, ts, span_ns
        )
        if done:
            if done & BEFORE:
                self._value = self._inner.update(*[bar[5 + k] for k in self._inputs])
            if done & OWN:
                self._value = self._inner.update(*[bar[k] for k in self._inputs])
        return self._value

    def memory(self) -> list[Any]:
        """As `Stream.memory`."""
        return [self._value, list(self._clock), list(self._bar), self._inner.memory()]

    def recall(self, memory: list[Any]) -> None:
        """As `Stream.recall`."""
        value, clock, bar, inner = memory
        if len(clock) != 2 or len(bar) != 10:
            raise ValueError("another length")
        self._inner.recall(inner)
        self._value = float(value)
        self._clock[:] = [int(number) for number in clock]
        self._bar[:] = [float(number) for number in bar]

    def save(self) -> bytes:
        return pack(self._indicator, self.memory())

    def load(self, saved: bytes) -> None:
        unpack(self._indicator, saved, self.recall)


def plain_stream(indicator: Indicator) -> Stream | ChainStream:
    """The stream of an indicator on the rows themselves."""
    if indicator.inputs != indicator.columns:
        return ChainStream(indicator)
    return HeavyStream(indicator) if indicator.definition.heavy else Stream(indicator)


def too_long(indicator: Indicator, span_ns: int) -> Misuse:
    """What is raised for bars that cannot make the timeframe."""
    return Misuse(
        "INDICATOR_EVERY",
        f"bars of {span_text(span_ns)} make no {indicator.name} of {indicator.every}",
        fix=f"feed bars of at most {indicator.every}, or leave `every` out",
    )


def pack(indicator: Indicator, memory: list[Any]) -> bytes:
    """A memory with the indicator that it belongs to."""
    return msgspec.msgpack.encode([repr(indicator), memory])


def unpack(indicator: Indicator, saved: bytes, recall: Any) -> None:
    """Give `recall` the memory that was packed for this indicator; Misuse("INDICATOR_STATE") for anything else."""
    try:
        owner, memory = msgspec.msgpack.decode(saved)
        if owner == repr(indicator):
            recall(memory)
            return
        what = f"this is the state of {owner}, not of {indicator!r}"
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise Misuse("INDICATOR_STATE", f"this is no state of {indicator!r}: {error}") from error
    raise Misuse("INDICATOR_STATE", what, fix="feed a fresh stream its warm-up instead")
