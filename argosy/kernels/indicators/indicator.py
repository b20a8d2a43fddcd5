"""What an indicator is: a name, its numbers, and one step for bulk and live alike; it sees no future row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence, Sequence
from math import isfinite
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY, span, span_text
from argosy.kernels.kernel import Kernel

NAN = float("nan")
FIELDS = ("open", "high", "low", "close", "volume")
"""What a bar of a higher timeframe is made of, in the order its stream eats it."""

WEEK = 7 * DAY
MONDAY = 4 * DAY
"""The first Monday after the epoch, which was a Thursday."""

State = MutableSequence[float]
Numbers = Sequence[float]
"""In plain Python a list or tuple, compiled an array; nothing but indexing and `len` is used of either."""


class Definition(msgspec.Struct, frozen=True):
    """How an indicator is computed.

    step:    kernel (state, params, *inputs) -> tuple of its outputs (or one float), one row in
    loop:    kernel (state, params, *inputs (T,), out (outputs, T)): `step` on each row
    size:    params -> length of the state vector, all zeros at the start
    inputs:  columns of a bar that it eats; outputs: names of what it gives
    warmup:  params -> rows until the first value of each output that is not nan, that row included
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
    """One output of one indicator with its numbers: `sma(10)`, `macd().signal`, `atr(14, every="5m")`.

    Equal ones are equal values and hash alike. Outputs are attributes, too: `macd().hist`.

    every:  a higher timeframe such as "5m"; its value is visible only at the close of its bars and stands
            until the next
    errors: Misuse("INDICATOR_NAME") for a name that is not defined, ("INDICATOR_OUTPUT") for an output it
            does not have, ("SPAN") for an `every` that is no span
    """

    name: str
    params: tuple[float, ...]
    out: int = 0
    every: str = ""

    def __post_init__(self) -> None:
        if self.name not in DEFINITIONS:
            fix = f"it is one of: {', '.join(sorted(DEFINITIONS))}"
            raise Misuse("INDICATOR_NAME", f"there is no indicator {self.name!r}", fix=fix)
        if not 0 <= self.out < len(self.outputs):
            raise Misuse("INDICATOR_OUTPUT", f"{self.name} has no output {self.out}", fix=self._choice)
        if self.every:
            span(self.every)

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.name]

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.definition.inputs

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a bar that a stream of it eats, in order."""
        return (*FIELDS, "ts", "span") if self.every else self.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.definition.outputs

    @property
    def scale(self) -> str:
        """What a split does to it: "price" moves with the price, "volume" against it, "ratio" stays."""
        return self.definition.scale[self.out]

    @property
    def warmup(self) -> int:
        """Rows until the first value that is not nan, that row included.

        With `every` it counts bars of that timeframe, the fewest rows it can take; values are nan until then.
        """
        return self.definition.warmup(self.params)[self.out]

    @property
    def _choice(self) -> str:
        return f"it has: {', '.join(self.outputs)}"

    def output(self, name: str) -> Indicator:
        """The same indicator read at another output; Misuse("INDICATOR_OUTPUT") when it has no such."""
        if name not in self.outputs:
            raise Misuse("INDICATOR_OUTPUT", f"{self.name} has no output {name!r}", fix=self._choice)
        return msgspec.structs.replace(self, out=self.outputs.index(name))

    def __getattr__(self, name: str) -> Indicator:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self.outputs:  # an AttributeError, so that hasattr says False
            raise AttributeError(f"INDICATOR_OUTPUT: {self.name} has no output {name!r} - {self._choice}")
        return self.output(name)

    def stream(self) -> Stream | HigherStream:
        """A fresh stream: `update(*columns) -> float`, one bar at a time."""
        return HigherStream(self) if self.every else Stream(self)

    def batch(self, series: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Values of all rows, (T,) float64, nan while warming; equal to a stream to the bit.

        Row t uses rows up to t only.

        series: (T,) columns by name, those of `columns`: prices and volume float64; ts (bar start) and span
                int64 ns
        errors: Misuse("INDICATOR_COLUMNS") when one is missing or their lengths differ
        """
        missing = [name for name in self.columns if name not in series]
        if missing:
            raise Misuse("INDICATOR_COLUMNS", f"{self.name} needs the columns {', '.join(missing)}")
        if len({len(series[name]) for name in self.columns}) > 1:
            lengths = ", ".join(f"{name} {len(series[name])}" for name in self.columns)
            raise Misuse("INDICATOR_COLUMNS", f"{self.name} needs columns of one length, not {lengths}")
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

    Buckets are multiples of the timeframe since the epoch in UTC, weeks since a Monday; a bar belongs to the
    bucket in which it starts. A bucket closes when a bar ends at or after its end, or when a bar of another
    bucket arrives; its value is visible from that row on. The first bucket has the bars that are there; a
    bucket without bars makes no bar.
    """

    __slots__ = ("_bar", "_bucket", "_every", "_indicator", "_inner", "_inputs", "_origin", "_value")

    def __init__(self, indicator: Indicator) -> None:
        self._indicator = indicator
        self._every = span(indicator.every)
        self._origin = MONDAY if self._every % WEEK == 0 else 0
        self._inner = Stream(indicator)
        self._inputs = [FIELDS.index(name) for name in indicator.inputs]
        self._bucket = 0
        self._bar: list[float] | None = None
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
            raise Misuse(
                "INDICATOR_EVERY",
                f"bars of {span_text(span_ns)} make no {self._indicator.name} of {self._indicator.every}",
                fix=f"feed bars of at most {self._indicator.every}, or leave `every` out",
            )
        bucket = (ts - self._origin) // every
        if self._bar is not None and bucket != self._bucket:
            self._close(self._bar)
        bar = self._bar
        if bar is None:
            bar = self._bar = [open_, high, low, close, volume]
            self._bucket = bucket
        else:
            bar[1] = max(bar[1], high)
            bar[2] = min(bar[2], low)
            bar[3] = close
            bar[4] += volume
        if ts - self._origin + span_ns >= (bucket + 1) * every:
            self._close(bar)
        return self._value

    def _close(self, bar: list[float]) -> None:
        self._value = self._inner.update(*[bar[k] for k in self._inputs])
        self._bar = None


def whole(name: str, value: float, least: int = 1) -> float:
    """A count of bars as a float; Misuse("INDICATOR_PARAM") for what is no whole number from `least`."""
    if not _number(value) or value != int(value) or value < least:
        raise Misuse("INDICATOR_PARAM", f"{name} takes a whole number of bars from {least}, not {value!r}")
    return float(value)


def real(name: str, value: float) -> float:
    """A factor as a float; Misuse("INDICATOR_PARAM") for what is no finite positive number."""
    if not _number(value) or not value > 0.0:
        raise Misuse("INDICATOR_PARAM", f"{name} takes a positive factor, not {value!r}")
    return float(value)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


__all__ = [
    "DEFINITIONS", "Definition", "HigherStream", "Indicator", "Numbers", "State", "Stream", "define", "real",
    "whole",
]  # fmt: skip
