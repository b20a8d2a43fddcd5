"""The kit finds what it claims to find: one strategy for each law, made to break it, and one that keeps them all."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Annotated, Any, ClassVar
from unittest import SkipTest

import msgspec
import numpy as np
import pytest
from msgspec import Meta

from argosy.core.errors import Misuse
from argosy.core.intents import Target
from argosy.kernels.indicators import sma
from argosy.testing.strategy_kit import StepKit, StrategyKit, prices

BARS = 120


class Peek(msgspec.Struct):
    side: float = 0.0


class Honest:
    """Long above its average: keeps all laws, so that a failure below is the cheat's."""

    state: Any = Peek

    def __init__(self) -> None:
        self.state = Peek()

    needs: ClassVar[Any] = staticmethod(lambda p: {"mean": sma(5)})

    def side(self, bar: Any, book: Any) -> float:
        return 1.0 if bar.close > book.needs(bar.instrument).mean else 0.0

    def on_instant(self, book: Any) -> Any:
        bars = [book.bar(i) for i in book.instruments]
        return tuple(
            Target(bar.instrument, weight=0.2 * self.side(bar, book), why="side") for bar in bars if bar
        )


class Tomorrow:
    """An indicator that is the next bar's close wherever a whole tape is at hand."""

    name, warmup, scale, columns = "tomorrow", 1, "price", ("close",)

    def batch(self, series: Any) -> Any:
        return np.append(series["close"][1:], np.nan)

    def stream(self) -> Any:
        return self

    def update(self, close: float) -> float:
        return close


class Seer(Honest):
    """Buys before rises."""

    needs: ClassVar[Any] = {"next": Tomorrow()}

    def side(self, bar: Any, book: Any) -> float:
        return 1.0 if book.needs(bar.instrument).next > bar.close else 0.0


class LastSeer(Honest):
    """Knows where the data ends: it reads the whole tape, of whatever length."""

    rows = 0

    def side(self, bar: Any, book: Any) -> float:
        return 1.0 if bar.close > 99.0 + 0.01 * LastSeer.rows else 0.0


class Forgetful(Honest):
    """Counts bars in a field that is not saved."""

    on_instant = None
    needs: ClassVar[Any] = {}

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def on_bar(self, bar: Any, book: Any) -> Any:
        self.count += 1
        return Target(bar.instrument, weight=0.1 * (self.count // 7 % 2), why="count")


class Gambler(Honest):
    """Draws lots."""

    on_instant = None
    needs: ClassVar[Any] = {}

    def on_bar(self, bar: Any, book: Any) -> Any:
        return Target(bar.instrument, weight=0.1 * random.random(), why="luck")


class Eager(Honest):
    """Wants something before its needs are there."""

    on_instant = None

    def on_bar(self, bar: Any, book: Any) -> Any:
        return Target(bar.instrument, weight=0.1, why="now")


class Silent(Honest):
    """Gives no reason."""

    def on_instant(self, book: Any) -> Any:
        return tuple(Target(i, weight=0.1) for i in book.instruments)


class Idle(Honest):
    """Never wants anything."""

    def on_instant(self, book: Any) -> Any:
        return None


class Shouter(Honest):
    """Returns what is no intent."""

    def on_instant(self, book: Any) -> Any:
        return "buy"


class Favourite(Honest):
    """Treats instruments by their number."""

    def side(self, bar: Any, book: Any) -> float:
        return 1.0 if bar.instrument == 0 else super().side(bar, book)


class Fraction(Honest):
    """Shows a price of its own: the split makes it another price."""

    def side(self, bar: Any, book: Any) -> float:
        return 1.0 if bar.close > 80.0 else 0.0


class Kit(StrategyKit):
    rows = BARS


def caught(strategy: type, law: Callable[[Any], None], kit: type[StrategyKit] = Kit, **given: object) -> bool:
    """Whether a law of the kit fails for a strategy."""
    made = type("Made", (kit,), {"strategy": strategy, "given": given, "rows": BARS})()
    try:
        law(made)
    except AssertionError:
        return True
    return False


LAWS = [name for name in dir(StrategyKit) if name.startswith("test_")]


@pytest.mark.parametrize("law", LAWS)
def test_an_honest_strategy_keeps_every_law(law: str) -> None:
    assert not caught(Honest, getattr(Kit, law))


@pytest.mark.parametrize(
    ("strategy", "law"),
    [
        (Seer, Kit.test_the_future_decides_nothing),
        (Seer, Kit.test_needs_in_bulk_and_streamed_give_the_same),
        (Forgetful, Kit.test_a_restart_changes_nothing),
        (Gambler, Kit.test_the_same_past_gives_the_same_journal),
        (Eager, Kit.test_it_wants_something_and_never_fails),
        (Silent, Kit.test_it_returns_only_intents_with_a_reason),
        (Idle, Kit.test_it_wants_something_and_never_fails),
        (Shouter, Kit.test_it_wants_something_and_never_fails),
        (Favourite, Kit.test_the_order_of_instruments_changes_nothing),
        (Fraction, Kit.test_a_split_is_no_signal),
    ],
)  # fmt: skip
def test_a_cheat_is_caught(strategy: type, law: Callable[[Any], None]) -> None:
    assert caught(strategy, law)


class Early(Honest):
    """Honest, but asked bar by bar."""

    on_instant = None

    def on_bar(self, bar: Any, book: Any) -> Any:
        return None if book.warming else Target(bar.instrument, weight=0.2 * self.side(bar, book), why="side")


def test_no_bar_handler_sees_a_half_warm_instant() -> None:
    assert not caught(Early, Kit.test_the_order_of_instruments_changes_nothing)


def test_a_reader_of_the_whole_tape_is_caught() -> None:
    class Counting(Kit):
        strategy = LastSeer

        def play(self, columns: Any, *args: Any, **more: Any) -> Any:
            LastSeer.rows = len(columns[0]["close"])
            return super().play(columns, *args, **more)

    with pytest.raises(AssertionError, match="decided what was wanted before"):
        Counting().test_the_future_decides_nothing()


# -- parameters ------------------------------------------------------------------------------------------------------------


class Loose(msgspec.Struct, frozen=True):
    bars: int = 5


class Mute(msgspec.Struct, frozen=True):
    bars: Annotated[int, Meta(ge=1, le=9)] = 5


class Astray(msgspec.Struct, frozen=True):
    bars: Annotated[int, Meta(ge=1, le=9, description="bars")] = 12


class Brittle(msgspec.Struct, frozen=True):
    bars: Annotated[int, Meta(ge=0, le=9, description="bars")] = 5


def taking(shape: type) -> type:
    """A strategy with the given parameters; it divides by them."""

    def __init__(self: Any, params: Any) -> None:
        Honest.__init__(self)
        self.bars = params.bars

    def side(self: Any, bar: Any, book: Any) -> float:
        return 1.0 / self.bars

    return type("Taking", (Honest,), {"params": shape, "__init__": __init__, "side": side})


@pytest.mark.parametrize(
    ("shape", "law"),
    [
        (Loose, Kit.test_every_parameter_is_described_and_every_number_bounded),
        (Mute, Kit.test_every_parameter_is_described_and_every_number_bounded),
        (Brittle, Kit.test_the_bounds_themselves_can_be_run),
    ],
)
def test_loose_parameters_are_caught(shape: type, law: Callable[[Any], None]) -> None:
    assert caught(taking(shape), law)


def test_a_default_out_of_bounds_is_caught() -> None:
    with pytest.raises((msgspec.ValidationError, Misuse)):
        caught(taking(Astray), Kit.test_defaults_are_within_bounds)


# -- steps -----------------------------------------------------------------------------------------------------------------


class Level(msgspec.Struct):
    level: float = 0.0


class Stepper:
    """Honest: enters above the average, leaves a twentieth below the peak since."""

    state = Level
    scaled = ("level",)
    needs: ClassVar[Any] = staticmethod(lambda p: {"mean": sma(5)})

    @staticmethod
    def step(row: Any, needs: Any, state: Level, params: Any, out: Any) -> None:
        if needs.mean > 0.0:
            if state.level > 0.0:
                state.level = max(state.level, row.close)
                if row.close < 0.95 * state.level:
                    out.target = 0.0
                    state.level = 0.0
            elif row.close > needs.mean:
                out.target = 0.5
                state.level = row.close

    @staticmethod
    def explain(needs: Any, state: Level, params: Any, out: Any) -> str:
        return "above its average"


class Unscaled(Stepper):
    """Forgets to say that its level is a price."""

    scaled = ()


class Blind(Stepper):
    """Acts on an average that is not there yet."""

    @staticmethod
    def step(row: Any, needs: Any, state: Level, params: Any, out: Any) -> None:
        out.target = 0.0 if row.close < needs.mean else 1.0


def python_only(price: float) -> float:
    """A plain function, which machine code cannot call."""
    return 1.0 if price > 0.0 else 0.0


class Twofold(Stepper):
    """Does what only Python can."""

    @staticmethod
    def step(row: Any, needs: Any, state: Level, params: Any, out: Any) -> None:
        out.target = python_only(row.close)


class Kept(StepKit):
    rows = BARS


STEP_LAWS = [name for name in dir(StepKit) if name.startswith("test_")]


@pytest.mark.parametrize("law", STEP_LAWS)
def test_an_honest_step_keeps_every_law(law: str) -> None:
    assert not caught(Stepper, getattr(Kept, law), Kept)


def test_a_price_that_is_not_scaled_is_caught() -> None:
    assert caught(Unscaled, Kept.test_a_split_is_no_signal, Kept)
    assert not caught(Stepper, Kept.test_a_split_is_no_signal, Kept)


def test_acting_on_nan_is_caught() -> None:
    assert caught(Blind, Kept.test_nan_needs_say_nothing, Kept)


def test_a_step_that_differs_compiled_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin here is made to differ by one bit of state at one row."""
    import argosy.testing.strategy_kit as kit

    class Skewed:
        def __init__(self, step: Any) -> None:
            self.step = step

        def jit(self, row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
            class Shim:
                pass

            shims = []
            for thing in (row, needs, state, params, out):
                shim = Shim()
                for name in thing.dtype.names:
                    setattr(shim, name, thing[name])
                shims.append(shim)
            self.step(*shims)
            for thing, shim in ((state, shims[2]), (out, shims[4])):
                for name in thing.dtype.names:
                    thing[name] = getattr(shim, name)
            if state["level"] > 105.0:
                state["level"] *= 1.0 + 2.0**-52

    monkeypatch.setattr(kit, "kernel", Skewed)
    assert caught(Stepper, Kept.test_python_and_machine_code_step_alike, Kept)


def test_a_step_that_is_not_compiled_is_named_with_its_line() -> None:
    with pytest.raises(SkipTest, match=r"line \d+: `python_only\(row.close\)` calls a plain function"):
        caught(Twofold, Kept.test_python_and_machine_code_step_alike, Kept)


def test_the_made_up_prices_are_a_market() -> None:
    one = prices(400, 3)
    assert (one["low"] <= one["open"]).all()
    assert (one["low"] <= one["close"]).all()
    assert (one["high"] >= one["open"]).all()
    assert (one["high"] >= one["close"]).all()
    assert (one["low"] > 0.0).all()
    for name in ("open", "high", "low", "close"):
        assert (abs(one[name] * 100 - (one[name] * 100).round()) < 1e-6).all(), "in cents"
        assert (prices(150, 3)[name] == one[name][:150]).all(), "fewer rows are the first rows"
    assert (prices(400, 4)["close"] != one["close"]).any()
