"""What an indicator is: a name, its numbers, and one step that serves batch, stream and sweep alike; it looks at no future row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import span
from argosy.kernels.kernel import Kernel, kernel

NAN = float("nan")


class Definition(msgspec.Struct, frozen=True):
    """How an indicator is computed.

    step:    kernel (state, params, *inputs) -> tuple of its outputs (or one float), one row in
    loop:    kernel (state, params, *inputs (T,), out (outputs, T)): `step` on each row
    size:    params -> length of the state vector, all zeros at the start
    warmup:  params -> rows until the first value of each output that is not nan
    scale:   of each output: "price" (moves with the price at a split), "ratio" (does not), "volume"
    source:  where the formula comes from
    """

    name: str
    step: Kernel[Any, Any]
    loop: Kernel[Any, Any]
    size: Callable[[tuple[float, ...]], int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scale: tuple[str, ...]
    warmup: Callable[[tuple[float, ...]], tuple[int, ...]]
    source: str


DEFINITIONS: dict[str, Definition] = {}
"""All indicators by name; a file of this package registers its own."""


def define(definition: Definition) -> Definition:
    """Register an indicator; Misuse("INDICATOR_TWICE") when the name is taken."""
    if definition.name in DEFINITIONS:
        raise Misuse("INDICATOR_TWICE", f"{definition.name} is defined already")
    DEFINITIONS[definition.name] = definition
    return definition


class Indicator(msgspec.Struct, frozen=True):
    """One output of one indicator with its numbers: `sma(10)`, `macd(12, 26, 9).signal`, `atr(14, every="5m")`.

    every: a higher timeframe; its value is visible only at the close of its bars and stands until the next
    """

    name: str
    params: tuple[float, ...]
    out: int = 0
    every: str = ""

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.name]

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.definition.inputs

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a bar that a stream of it eats, in order."""
        return (*self._eaten, "ts", "span") if self.every else self.inputs

    @property
    def _eaten(self) -> tuple[str, ...]:
        return ("open", "high", "low", "close", "volume")

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.definition.outputs

    @property
    def scale(self) -> str:
        return self.definition.scale[self.out]

    @property
    def warmup(self) -> int:
        """Rows until the first value. With `every` it counts rows of that timeframe, and values are nan until then."""
        return 1 if self.every else self.definition.warmup(self.params)[self.out]

    def output(self, name: str) -> Indicator:
        """The same indicator read at another output; Misuse("INDICATOR_OUTPUT") when it has none of that name."""
        if name not in self.outputs:
            raise Misuse("INDICATOR_OUTPUT", f"{self.name} has no output {name!r}", fix=f"it has: {', '.join(self.outputs)}")
        return msgspec.structs.replace(self, out=self.outputs.index(name))

    def __getattr__(self, name: str) -> Indicator:
        if name.startswith("_") or name not in DEFINITIONS[self.name].outputs:
            raise AttributeError(name)
        return self.output(name)

    def stream(self) -> Stream | HigherStream:
        """A fresh stream: `update(*columns) -> float`, one bar at a time."""
        return HigherStream(self) if self.every else Stream(self)

    def batch(self, series: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Values of all rows, (T,) float64, nan while warming; row t uses rows <= t only. Bit-equal to a stream.

        series: (T,) columns by name; with `every` also ts (int64, bar start) and span (int64 ns).
        """
        if self.every:
            return self._higher(series)
        definition = self.definition
        columns = [np.ascontiguousarray(series[name], dtype=np.float64) for name in definition.inputs]
        rows = len(columns[0])
        out = np.full((len(definition.outputs), rows), NAN)
        definition.loop(np.zeros(definition.size(self.params)), self.params, *columns, out)
        return np.ascontiguousarray(out[self.out])

    def _higher(self, series: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        stream = HigherStream(self)
        rows = zip(*(np.asarray(series[name]).tolist() for name in self.columns), strict=True)
        return np.array([stream.update(*row) for row in rows], dtype=np.float64)


class Stream:
    """One indicator fed bar by bar in plain Python."""

    __slots__ = ("_out", "_params", "_state", "_step", "_tuple")

    def __init__(self, indicator: Indicator) -> None:
        definition = indicator.definition
        self._step = definition.step.py
        self._state: list[float] = [0.0] * definition.size(indicator.params)
        self._params = indicator.params
        self._out = indicator.out
        self._tuple = len(definition.outputs) > 1

    def update(self, *row: float) -> float:
        """The value after one more row; nan while warming."""
        value = self._step(self._state, self._params, *row)
        return float(value[self._out] if self._tuple else value)


class HigherStream:
    """A stream over bars of a higher timeframe, built from the bars it is fed.

    Buckets are multiples of the timeframe since the epoch, by bar start. A bucket closes when a bar ends at or after its end,
    or when a bar of a later bucket arrives; its value is visible from that row on.
    """

    __slots__ = ("_bar", "_bucket", "_every", "_inner", "_inputs", "_value")

    def __init__(self, indicator: Indicator) -> None:
        self._every = span(indicator.every)
        self._inner = Stream(indicator)
        self._inputs = [("open", "high", "low", "close", "volume").index(name) for name in indicator.inputs]
        self._bucket = -1
        self._bar: list[float] | None = None
        self._value = NAN

    def update(self, open_: float, high: float, low: float, close: float, volume: float, ts: int, span_ns: int) -> float:
        """The higher timeframe's value as known at the end of this bar."""
        bucket = ts // self._every
        if self._bar is not None and bucket != self._bucket:
            self._close()
        bar = self._bar
        if bar is None:
            self._bar = [open_, high, low, close, volume]
            self._bucket = bucket
        else:
            if high > bar[1]:
                bar[1] = high
            if low < bar[2]:
                bar[2] = low
            bar[3] = close
            bar[4] += volume
        if ts + span_ns >= (bucket + 1) * self._every:
            self._close()
        return self._value

    def _close(self) -> None:
        bar = self._bar
        if bar is not None:
            self._value = self._inner.update(*[bar[k] for k in self._inputs])
            self._bar = None


def whole(name: str, value: float, least: int = 1) -> float:
    """A count of bars as a float; Misuse("INDICATOR_PARAM") when it is no whole number of at least `least`."""
    if value != int(value) or value < least:
        raise Misuse("INDICATOR_PARAM", f"{name} takes a whole number of bars from {least}, not {value!r}")
    return float(value)


__all__ = ["DEFINITIONS", "Definition", "HigherStream", "Indicator", "Stream", "define", "kernel", "whole"]
