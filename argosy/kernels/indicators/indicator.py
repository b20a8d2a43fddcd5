"""What an indicator is: a name, its numbers, and one step for bulk and live alike; it sees no future row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence, Sequence
from math import isfinite
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import span
from argosy.kernels.indicators.higher import FIELDS, fold_loop, gaps, origin, spread_rows
from argosy.kernels.indicators.stream import ChainStream, HigherStream, Stream, plain_stream, too_long
from argosy.kernels.kernel import Kernel

NAN = float("nan")
OTHER = "other"
"""The column of another instrument's close on the same rows, for what reads two series."""

State = MutableSequence[float]
Numbers = Sequence[float]
"""In plain Python a list or tuple, compiled an array; nothing but indexing and `len` is used of either."""


class Definition(msgspec.Struct, frozen=True):
    """How an indicator is computed.

    step:    kernel (state, params, *inputs) -> tuple of its outputs (or one float), one row in, all of it finite
    loop:    kernel (state, params, *inputs (T,), out (outputs, T)): `step` on each row, the state left behind
             as `step` would leave it; it writes every place of `out`. See `checks`
    size:    params -> length of the state vector, all zeros at the start
    inputs:  columns of a bar that it eats; outputs: names of what it gives
    warmup:  params -> rows until the first value of each output that is not nan, that row included
    scale:   of each output: "price" (moves with what it reads at a split), "ratio" (does not), "volume"
    source:  where the formula comes from
    names:   of its params
    memory:  True when each value depends on all rows since the start, however little on the old ones
    free:    True when it may read any columns in the place of its several inputs
    checks:  True when its loop returns a number that is not finite where a row is not (and may be so elsewhere,
             by overflow); the rows of the others are looked at first
    heavy:   True when its step is quicker compiled, called from Python
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
    names: tuple[str, ...]
    memory: bool = False
    free: bool = False
    checks: bool = False
    heavy: bool = False


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
    of:     what it reads in the place of its own inputs, one for each: a column or another indicator, whose rows
            without a value are not counted; () = its own
    errors: Misuse("INDICATOR_NAME") for a name that is not defined, ("INDICATOR_PARAM") for another count of
            params, ("INDICATOR_OUTPUT") for an output it does not have, ("INDICATOR_OF") for what it cannot read,
            ("SPAN") for an `every` that is no span
    """

    name: str
    params: tuple[float, ...]
    out: int = 0
    every: str = ""
    of: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in DEFINITIONS:
            fix = f"it is one of: {', '.join(sorted(DEFINITIONS))}"
            raise Misuse("INDICATOR_NAME", f"there is no indicator {self.name!r}", fix=fix)
        names = self.definition.names
        if len(self.params) != len(names):
            raise Misuse("INDICATOR_PARAM", f"{self.name} takes {', '.join(names)}, not {self.params!r}")
        if not 0 <= self.out < len(self.outputs):
            raise Misuse("INDICATOR_OUTPUT", f"{self.name} has no output {self.out}", fix=self._choice)
        if self.every:
            span(self.every)
        if self.of == self.definition.inputs:
            msgspec.structs.force_setattr(self, "of", ())
        self._check_of()

    def _check_of(self) -> None:
        definition = self.definition
        if self.of and len(definition.inputs) > 1 and not definition.free:
            what = f"{self.name} reads {', '.join(definition.inputs)} and nothing else"
            raise Misuse("INDICATOR_OF", what, fix="leave `of` out")
        if self.of and len(self.of) != len(definition.inputs):
            what = f"{self.name} reads {len(definition.inputs)} series, not the {len(self.of)} of {self.of!r}"
            raise Misuse("INDICATOR_OF", what)
        for source in self.inputs:
            if isinstance(source, Indicator):
                if source.every:
                    what = f"{self.name} cannot read {source.name} of another timeframe, {source.every}"
                    raise Misuse("INDICATOR_OF", what, fix="put `every` on the outermost indicator")
            elif source not in (*FIELDS, OTHER):
                fix = f"a column is one of: {', '.join(FIELDS)}, {OTHER}"
                raise Misuse("INDICATOR_OF", f"{self.name} cannot read {source!r}", fix=fix)
        if self.every and OTHER in self._plain:
            what = f"{self.name} of {self.every} cannot read {OTHER!r}: bars are not made of it"
            raise Misuse("INDICATOR_OF", what, fix="leave `every` out, or feed bars of that timeframe")

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.name]

    @property
    def inputs(self) -> tuple[Any, ...]:
        """What it reads, one for each input of its definition: a column's name or an indicator."""
        return self.of or self.definition.inputs

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a bar that a stream of it eats, in order."""
        return (*FIELDS, "ts", "span") if self.every else self._plain

    @property
    def _plain(self) -> tuple[str, ...]:
        if not self.of:
            return self.definition.inputs
        found: dict[str, None] = {}
        for source in self.of:
            found.update(dict.fromkeys((source,) if isinstance(source, str) else source.columns))
        return tuple(found)

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.definition.outputs

    @property
    def scale(self) -> str:
        """What a split does to it: "price" moves with the price, "volume" against it, "ratio" stays."""
        scale = self.definition.scale[self.out]
        if scale != "price" or not self.of:
            return scale
        source = self.of[0]
        if isinstance(source, str):
            return "volume" if source == "volume" else "price"
        inner: str = source.scale
        return inner

    @property
    def warmup(self) -> int:
        """Rows until the first value that is not nan, that row included, when what it reads has no gaps.

        With `every` it counts bars of that timeframe, the fewest rows it can take; values are nan until then.
        """
        own = self.definition.warmup(self.params)[self.out]
        return own - 1 + max([1, *(source.warmup for source in self.of if isinstance(source, Indicator))])

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

    def stream(self) -> Stream | ChainStream | HigherStream:
        """A fresh stream: `update(*columns) -> float`, one bar at a time."""
        return HigherStream(self) if self.every else plain_stream(self)

    def batch(self, series: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Values of all rows, (T,) float64, nan while warming; equal to a stream to the bit.

        Row t uses rows up to t only. A row in which a number that it reads is nan or infinite is not counted: the
        value stays what it was.

        series: (T,) columns by name, those of `columns`: prices and volume float64; ts (bar start) and span
                int64 ns
        errors: Misuse("INDICATOR_COLUMNS") when one is missing or their lengths differ, ("INDICATOR_EVERY") for
                bars at least twice as long as `every`
        """
        missing = [name for name in self.columns if name not in series]
        if missing:
            raise Misuse("INDICATOR_COLUMNS", f"{self.name} needs the columns {', '.join(missing)}")
        if len({len(series[name]) for name in self.columns}) > 1:
            lengths = ", ".join(f"{name} {len(series[name])}" for name in self.columns)
            raise Misuse("INDICATOR_COLUMNS", f"{self.name} needs columns of one length, not {lengths}")
        return self._higher(series) if self.every else self._values(series, stand=True)

    def fresh(self, series: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """As `batch` without `every`, but nan in a row that is not counted: what an indicator of this one reads."""
        return self._values(series, stand=False)

    def _values(self, series: Mapping[str, NDArray[Any]], stand: bool) -> NDArray[np.float64]:
        definition = self.definition
        sources = [
            column(series[source]) if isinstance(source, str) else source.fresh(series)
            for source in self.inputs
        ]
        rows = len(sources[0])
        if not any(isinstance(source, Indicator) for source in self.of):
            if definition.checks:
                out, check = self._run(sources)
                if isfinite(check):
                    return out
            elif not any(gaps(source) for source in sources):
                return self._run(sources)[0]
        counted = np.logical_and.reduce([np.isfinite(source) for source in sources])
        values, _ = self._run([source[counted] for source in sources])
        spread = np.full(rows, NAN)
        if stand:
            place = np.cumsum(counted) - 1
            spread[place >= 0] = values[place[place >= 0]]
        else:
            spread[counted] = values
        return spread

    def _run(self, sources: list[NDArray[Any]]) -> tuple[NDArray[np.float64], float]:
        """Its output in all rows of a fresh loop, and what the loop says of its rows."""
        definition = self.definition
        out = np.empty((len(definition.outputs), len(sources[0])))
        for source in sources:
            source.flags.writeable = False  # one kind of array, one compilation
        check = definition.loop(np.zeros(definition.size(self.params)), self.params, *sources, out)
        return out[self.out], check if definition.checks else 0.0

    def _higher(self, series: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        every = span(self.every)
        own = msgspec.structs.replace(self, every="")
        lengths, ts = column(series["span"], np.int64), column(series["ts"], np.int64)
        rows = len(ts)
        if rows and int(lengths.max()) >= 2 * every:
            raise too_long(self, int(lengths[np.argmax(lengths >= 2 * every)]))
        columns = [column(series[name]) for name in FIELDS]
        counted = np.ones(rows, dtype=np.bool_)
        for name in own.columns:
            counted &= np.isfinite(columns[FIELDS.index(name)])
        made = np.empty((len(FIELDS), rows))
        at = np.empty(rows, dtype=np.int64)
        opened, high, low, close, volume = columns
        count = fold_loop(
            np.zeros(2, dtype=np.int64), np.zeros(10), every, origin(every), counted,
            opened, high, low, close, volume, ts, lengths, made, at,
        )  # fmt: skip
        values = own.batch({name: made[k, :count] for k, name in enumerate(FIELDS)})
        out = np.full(rows, NAN)
        spread_rows(values, at, count, out)
        return out


def column(values: NDArray[Any], kind: Any = np.float64) -> NDArray[Any]:
    """A read-only contiguous view of a column, or a copy where it must be."""
    view = np.ascontiguousarray(values, dtype=kind)[:]
    view.flags.writeable = False
    return view


Source = str | Indicator
"""What an indicator may read: the name of a column or another indicator."""


def make(
    name: str, params: tuple[float, ...], every: str, of: Source | tuple[Source, ...] = ""
) -> Indicator:
    """An indicator whose `of` may be written as one source, or "" for its own."""
    sources = of if isinstance(of, tuple) else (of,) if of != "" else ()
    return Indicator(name, params, every=every, of=sources)


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
