"""How a strategy says what it watches, needs and may be set to; it inherits nothing, sees a Book and returns intents.

Two styles, one law:

    class Reverter:                                  # anything goes: handlers on a plain class
        watches = (Watch("*", "bar"),)
        params = Params                              # a msgspec Struct with bounds and defaults
        needs = staticmethod(lambda p: {"z": zscore(p.window)})
        def __init__(self, params): ...
        def on_bar(self, bar, book): return Target(bar.instrument, weight=0.1, why="...")

    class Follower:                                  # a step strategy: one row in, four numbers out; can be compiled
        params = Params
        needs = staticmethod(lambda p: {"fast": sma(p.fast), "slow": sma(p.slow)})
        @staticmethod
        def step(row, needs, state, params, out): out.target = 1.0 if needs.fast > needs.slow else 0.0

A step with `wants = "entry"` (in lots) says at each bar the one entry it wants now: `target` lots at `limit`, with its own `stop` and
`take`. The same entry said again rests on; another replaces it while it is unfilled; what filled keeps its own stop and target.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, get_args

import msgspec

from argosy.core.errors import Misuse
from argosy.core.time import MS, span

ABSENT = math.inf
"""In an `Out`: no limit, stop or take; and a target on which the step has no opinion yet. (Equal to itself, unlike nan.)"""

GRACE_MS = 1000
"""How long an aligned instant waits for its last bars, where its strategy does not say."""
HANDLERS = ("on_bar", "on_quote", "on_trade", "on_book", "on_fact", "on_forecast", "on_fill", "on_timer", "on_instant")
MarketKind = Literal["bar", "quote", "trade", "book"]
UNITS = ("weight", "lots", "notional")
WANTS = ("position", "entry")
_KINDS = get_args(MarketKind)


class Watch(msgspec.Struct, frozen=True):
    """What to be called for. symbol "*": every instrument the strategy is bound to; every "": the tape's own span."""

    symbol: str = "*"
    kind: MarketKind = "bar"
    every: str = ""


class Cross(msgspec.Struct, frozen=True, tag="cross"):
    """Wake when need `a` crosses need `b`."""

    a: str
    b: str


class Level(msgspec.Struct, frozen=True, tag="level"):
    """Wake when the close crosses the value of need `x`."""

    x: str


class OnFill(msgspec.Struct, frozen=True, tag="on_fill"):
    """Wake at own fills."""


class OnFact(msgspec.Struct, frozen=True, tag="on_fact"):
    """Wake at facts."""


class Every(msgspec.Struct, frozen=True, tag="every"):
    """Wake once per span, at the first row known at or after its edge."""

    dt: str


Wake = Cross | Level | OnFill | OnFact | Every


class Need(Protocol):
    """An indicator a strategy declares; `argosy.kernels.indicators` makes them."""

    @property
    def name(self) -> str: ...
    @property
    def warmup(self) -> int: ...
    @property
    def scale(self) -> str: ...


class Out:
    """What a step strategy wants of one instrument; it stands until the step changes it.

    target: wanted position, in the strategy's `unit`; limit: worst entry price; stop, take: protection prices
    """

    __slots__ = ("limit", "stop", "take", "target")

    def __init__(self) -> None:
        self.target = ABSENT
        self.limit = ABSENT
        self.stop = ABSENT
        self.take = ABSENT


BOOK, QUOTE, TRADE = 0, 1, 2
"""What a `Tick` is: a level of the book that changed, a quote, a print."""


class Tick(msgspec.Struct, frozen=True, gc=False):
    """What a step sees that watches trades, quotes or books: one row of its tape, and where it stands.

    kind:      BOOK, QUOTE or TRADE
    price, size, side: of a print (the aggressor's side) or of a level that changed; nan, nan and 0 of a quote
    bid, ask:  the last quote's at the end of the row's instant, nan before the first and on tapes without quotes
    bid_size, ask_size: of a quote's own row, else nan
    held:      lots, as a float, of the strategy's own position, as far as it has heard of its fills
    """

    ts: int
    known: int
    instrument: int
    kind: int
    price: float
    size: float
    side: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    held: float


class Empty(msgspec.Struct):
    """The params or state of a strategy that has none."""


class Declaration(msgspec.Struct, frozen=True):
    """A strategy class read once: everything its attributes declare, checked.

    unit:   what a step's `target` counts: "weight" of the allotment, "lots", or "notional" currency
    wants:  what a step's numbers say: the "position" wanted, or at each bar the one "entry" wanted with its own stop and take
    scaled: names of state fields that are prices, rescaled at a split
    align:  span to which a live instant is aligned ("" = each event is an instant); grace_ms: how long after its end the desk waits for
            the bars of all instruments, `GRACE_MS` if the class says nothing
    """

    name: str
    cls: type
    params: msgspec.Struct
    state: type[msgspec.Struct]
    needs: dict[str, Any]
    watches: tuple[Watch, ...]
    wakes: tuple[Wake, ...]
    handlers: tuple[str, ...]
    step: Callable[..., None] | None
    unit: str
    scaled: tuple[str, ...]
    warmup: int
    window: int
    align: str
    grace_ms: int
    wants: str = "position"

    @property
    def ticks(self) -> frozenset[str]:
        """Kinds of ticks that its step is called for; empty for a class of handlers, and for a step that watches bars: it sees those."""
        kinds = frozenset(watch.kind for watch in self.watches)
        return frozenset() if self.step is None or "bar" in kinds else kinds

    def make(self) -> Any:
        """A fresh object of the class: `cls(params)` where its __init__ takes them, else `cls()`."""
        takes = len(inspect.signature(self.cls).parameters)
        return self.cls(self.params) if takes else self.cls()


def declare(cls: type, name: str = "", **params: object) -> Declaration:
    """Read a strategy class and check what it declares; `params` override the defaults of its params Struct.

    Raises Misuse: STRATEGY_SHAPE (no handler, or a step beside on_bar), STRATEGY_PARAM (unknown or out of bounds),
    STRATEGY_NEEDS, STRATEGY_WATCHES, STRATEGY_WAKES, STRATEGY_STATE, STRATEGY_UNIT, STRATEGY_WANTS, STRATEGY_ALIGN, SPAN.
    """
    where = f"{cls.__module__}.{cls.__qualname__}"
    label = name or getattr(cls, "name", "") or cls.__name__
    handlers = tuple(handler for handler in HANDLERS if callable(getattr(cls, handler, None)))
    step = getattr(cls, "step", None)
    if step is None and not handlers:
        raise Misuse("STRATEGY_SHAPE", f"{label} has no handler", where=where, fix=f"give it a step or one of {', '.join(HANDLERS)}")
    if step is not None and "on_bar" in handlers:
        raise Misuse("STRATEGY_SHAPE", f"{label} has both a step and on_bar", where=where, fix="keep one of them")
    if step is not None and not callable(step):
        raise Misuse("STRATEGY_SHAPE", f"{label}.step is {step!r}", where=where, fix="make it a staticmethod")
    if step is not None and list(inspect.signature(step).parameters) != ["row", "needs", "state", "params", "out"]:
        raise Misuse("STRATEGY_SHAPE", f"{label}.step must be (row, needs, state, params, out)", where=where, fix="make it a staticmethod")
    values = _params(cls, label, where, params)
    needs = getattr(cls, "needs", {})
    needs = needs(values) if callable(needs) else needs
    if not isinstance(needs, Mapping):
        raise Misuse("STRATEGY_NEEDS", f"{label} needs {needs!r}", where=where, fix='write {"fast": sma(10)}, or a function of the params')
    needs = dict(needs)
    for key, need in needs.items():
        if not str(key).isidentifier() or not hasattr(need, "warmup"):
            raise Misuse("STRATEGY_NEEDS", f"{label} needs {key!r}: {need!r}", where=where, fix="map a name to an indicator, like sma(10)")
    watches = getattr(cls, "watches", (Watch(),))
    if not isinstance(watches, tuple) or not watches or not all(isinstance(watch, Watch) and watch.kind in _KINDS for watch in watches):
        raise Misuse("STRATEGY_WATCHES", f"{label} watches {watches!r}", where=where, fix='write (Watch("*", "bar"),)')
    for watch in watches:
        if watch.every:
            span(watch.every)
    wakes = _wakes(cls, label, where, needs)
    if step is not None and (needs or wakes) and not any(watch.kind == "bar" for watch in watches):
        fix = "keep what it needs in its state"
        raise Misuse("STRATEGY_NEEDS", f"{label} has needs or wakes, which are of bars, and its step watches ticks", where=where, fix=fix)
    unit = getattr(cls, "unit", "weight")
    if unit not in UNITS:
        raise Misuse("STRATEGY_UNIT", f"{label}.unit is {unit!r}", where=where, fix=f"one of {', '.join(UNITS)}")
    wants = getattr(cls, "wants", "position")
    if wants not in WANTS or (wants == "entry" and (step is None or unit != "lots")):
        fix = f"one of {', '.join(WANTS)}; an entry is said by a step, in lots"
        raise Misuse("STRATEGY_WANTS", f"{label}.wants is {wants!r}", where=where, fix=fix)
    align, grace = _align(cls, label, where)
    state = getattr(cls, "state", Empty)
    if not (isinstance(state, type) and issubclass(state, msgspec.Struct)):
        raise Misuse("STRATEGY_STATE", f"{label}.state is {state!r}", where=where, fix="make it a msgspec Struct with defaults")
    fields = msgspec.structs.fields(state)
    bare = [field.name for field in fields if field.required]
    if bare:
        raise Misuse("STRATEGY_STATE", f"{label}.state gives {', '.join(bare)} no default", where=where, fix="give every field a default")
    scaled = tuple(getattr(cls, "scaled", ()))
    if not set(scaled) <= {field.name for field in fields}:
        raise Misuse("STRATEGY_STATE", f"{label}.scaled names {scaled!r}", where=where, fix="name fields of its state that are prices")
    warmup = getattr(cls, "warmup", 0)
    warmup = warmup(values) if callable(warmup) else warmup
    return Declaration(
        name=label, cls=cls, params=values, state=state, needs=needs, watches=watches, wakes=wakes,
        handlers=handlers, step=step, unit=unit, scaled=scaled,
        warmup=max([int(warmup), *(need.warmup for need in needs.values())]), window=int(getattr(cls, "window", 0)),
        align=align, grace_ms=grace, wants=wants,
    )  # fmt: skip


def _align(cls: type, label: str, where: str) -> tuple[str, int]:
    """To which span a live instant is aligned, and how long after its end it waits, ms."""
    align, grace = getattr(cls, "align", ""), getattr(cls, "grace_ms", None)
    if not align:
        if grace is not None:
            raise Misuse("STRATEGY_ALIGN", f"{label} has a grace and aligns to nothing", where=where, fix='write align = "1m" too')
        return "", 0
    grace = GRACE_MS if grace is None else grace
    if type(grace) is not int or not 0 <= grace * MS < span(align):
        raise Misuse("STRATEGY_ALIGN", f"{label} waits {grace!r} ms for {align}", where=where, fix=f"whole ms, 0 or more and less than {align}")
    return align, grace


def _wakes(cls: type, label: str, where: str, needs: Mapping[str, Any]) -> tuple[Wake, ...]:
    """What wakes a class, each of it naming needs that it has."""
    wakes = getattr(cls, "wakes", ())
    if not isinstance(wakes, tuple) or not all(isinstance(wake, Wake) for wake in wakes):
        raise Misuse("STRATEGY_WAKES", f"{label} wakes at {wakes!r}", where=where, fix='write (Cross("fast", "slow"),)')
    for wake in wakes:
        named = (wake.a, wake.b) if isinstance(wake, Cross) else (wake.x,) if isinstance(wake, Level) else ()
        for name in named:
            if name not in needs:
                raise Misuse("STRATEGY_WAKES", f"{label} wakes at {name!r}, which it does not need", where=where, fix="add it to its needs")
        if isinstance(wake, Every):
            span(wake.dt)
    return wakes


def _params(cls: type, label: str, where: str, given: dict[str, object]) -> msgspec.Struct:
    """The params Struct of a class with `given` values over its defaults, checked against its bounds."""
    shape = getattr(cls, "params", Empty)
    if not (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
        raise Misuse("STRATEGY_PARAM", f"{label}.params is {shape!r}", where=where, fix="make it a msgspec Struct with bounds and defaults")
    known = {field.name for field in msgspec.structs.fields(shape)}
    for key in given:
        if key not in known:
            raise Misuse("STRATEGY_PARAM", f"{label} has no parameter {key!r}", where=where, fix=f"it has: {', '.join(sorted(known)) or 'none'}")
    try:
        values: msgspec.Struct = msgspec.convert(given, shape, strict=False)
        msgspec.convert(msgspec.to_builtins(values), shape)  # defaults are held to the bounds too
    except msgspec.ValidationError as error:
        raise Misuse("STRATEGY_PARAM", f"{label}: {error}", where=where, fix="see the bounds in its params Struct") from error
    return values
