"""Declaring a strategy: everything its class says is read once, and what cannot be is refused before anything runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from argosy.core.errors import Misuse
from argosy.core.strategy import (
    ABSENT,
    HANDLERS,
    Cross,
    Declaration,
    Empty,
    Every,
    Level,
    OnFact,
    OnFill,
    Out,
    Watch,
    declare,
)


class Average:
    """An indicator as a strategy sees one before it is computed."""

    scale = "price"

    def __init__(self, n: int) -> None:
        self.name = f"average({n})"
        self.warmup = n


class Params(msgspec.Struct, frozen=True):
    fast: Annotated[int, Meta(ge=2, le=50)] = 5
    slow: Annotated[int, Meta(ge=3, le=200)] = 20
    label: str = ""


class State(msgspec.Struct):
    peak: float = 0.0
    count: int = 0


def body(**members: Any) -> type:
    """A strategy class with these attributes."""
    return type("Idea", (), members)


def on_bar(self: Any, bar: Any, book: Any) -> None:
    return None


def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
    out.target = 1.0


def test_the_least_a_strategy_can_say() -> None:
    said = declare(body(on_bar=on_bar))
    assert said == Declaration(
        name="Idea", cls=said.cls, params=Empty(), state=Empty, needs={}, watches=(Watch("*", "bar", ""),), wakes=(), handlers=("on_bar",),
        step=None, unit="weight", scaled=(), warmup=0, window=0, align="", grace_ms=0,
    )  # fmt: skip
    assert type(said.make()) is said.cls


def test_everything_a_strategy_can_say() -> None:
    class Follower:
        name = "follower"
        params = Params
        state = State
        scaled = ("peak",)
        unit = "lots"
        watches = (Watch("SPY", "bar", "5m"), Watch("*", "quote"))
        wakes = (Cross("fast", "slow"), Level("slow"), OnFill(), OnFact(), Every("1h"))
        needs = staticmethod(lambda p: {"fast": Average(p.fast), "slow": Average(p.slow)})
        warmup = staticmethod(lambda p: p.fast + 1)
        window = 32
        align = "1m"
        grace_ms = 250
        step = staticmethod(step)

        def on_fill(self, event: Any, book: Any) -> None: ...
        def on_instant(self, book: Any) -> None: ...

    said = declare(Follower, slow=60)
    assert (said.name, said.params, said.state) == ("follower", Params(5, 60), State)
    assert [need.name for need in said.needs.values()] == ["average(5)", "average(60)"]
    assert (said.warmup, said.window, said.align, said.grace_ms) == (
        60,
        32,
        "1m",
        250,
    )  # the longest of its own 6 and its needs
    assert (said.unit, said.scaled, said.handlers) == ("lots", ("peak",), ("on_fill", "on_instant"))
    assert said.step is step
    assert len(said.wakes) == 5 and len(said.watches) == 2


def test_the_name_given_wins_over_the_class() -> None:
    assert declare(body(on_bar=on_bar, name="own"), "mine").name == "mine"
    assert declare(body(on_bar=on_bar, name="own")).name == "own"


def test_needs_may_be_a_plain_mapping_and_warmup_the_longer() -> None:
    said = declare(body(on_bar=on_bar, needs={"slow": Average(9)}, warmup=30))
    assert said.warmup == 30
    assert declare(body(on_bar=on_bar, needs={"slow": Average(9)})).warmup == 9


@pytest.mark.parametrize("handler", HANDLERS)
def test_any_handler_makes_a_strategy(handler: str) -> None:
    assert declare(body(**{handler: on_bar})).handlers == (handler,)


def test_a_strategy_is_made_with_or_without_its_params() -> None:
    class Taking:
        params = Params

        def __init__(self, params: Params) -> None:
            self.fast = params.fast

        on_bar = on_bar

    said = declare(Taking, fast=7)
    one, two = said.make(), said.make()
    assert one.fast == 7
    assert one is not two


@pytest.mark.parametrize(
    ("members", "params", "code", "says"),
    [
        ({}, {}, "STRATEGY_SHAPE", "no handler"),
        ({"on_bar": "text"}, {}, "STRATEGY_SHAPE", "no handler"),
        ({"on_bar": on_bar, "step": staticmethod(step)}, {}, "STRATEGY_SHAPE", "both a step and on_bar"),
        ({"step": staticmethod(lambda row, out: None)}, {}, "STRATEGY_SHAPE", "must be"),
        ({"step": 3}, {}, "STRATEGY_SHAPE", "step is 3"),
        ({"on_bar": on_bar}, {"fast": 3}, "STRATEGY_PARAM", "it has: none"),
        ({"on_bar": on_bar, "params": Params}, {"fist": 3}, "STRATEGY_PARAM", "it has: fast, label, slow"),
        ({"on_bar": on_bar, "params": Params}, {"fast": 1}, "STRATEGY_PARAM", ">= 2"),
        ({"on_bar": on_bar, "params": Params}, {"fast": 51}, "STRATEGY_PARAM", "<= 50"),
        ({"on_bar": on_bar, "params": Params}, {"fast": "many"}, "STRATEGY_PARAM", "fast"),
        ({"on_bar": on_bar, "params": {"fast": 3}}, {}, "STRATEGY_PARAM", "msgspec Struct"),
        ({"on_bar": on_bar, "params": dataclass(body())}, {}, "STRATEGY_PARAM", "msgspec Struct"),
        ({"on_bar": on_bar, "needs": [Average(3)]}, {}, "STRATEGY_NEEDS", "needs"),
        ({"on_bar": on_bar, "needs": staticmethod(lambda p: None)}, {}, "STRATEGY_NEEDS", "None"),
        ({"on_bar": on_bar, "needs": {"not a name": Average(3)}}, {}, "STRATEGY_NEEDS", "not a name"),
        ({"on_bar": on_bar, "needs": {"fast": 3}}, {}, "STRATEGY_NEEDS", "fast"),
        ({"on_bar": on_bar, "watches": ()}, {}, "STRATEGY_WATCHES", "watches"),
        ({"on_bar": on_bar, "watches": Watch("*")}, {}, "STRATEGY_WATCHES", "watches"),
        ({"on_bar": on_bar, "watches": ("SPY",)}, {}, "STRATEGY_WATCHES", "SPY"),
        ({"on_bar": on_bar, "watches": (Watch("*", "tick"),)}, {}, "STRATEGY_WATCHES", "tick"),  # type: ignore[arg-type]
        ({"on_bar": on_bar, "watches": (Watch("*", "bar", "5min"),)}, {}, "SPAN", "5min"),
        ({"on_bar": on_bar, "wakes": OnFill()}, {}, "STRATEGY_WAKES", "OnFill"),
        ({"on_bar": on_bar, "wakes": ("5m",)}, {}, "STRATEGY_WAKES", "5m"),
        (
            {"on_bar": on_bar, "wakes": (Cross("a", "b"),), "needs": {"a": Average(3)}},
            {},
            "STRATEGY_WAKES",
            "'b'",
        ),
        ({"on_bar": on_bar, "wakes": (Level("x"),)}, {}, "STRATEGY_WAKES", "'x'"),
        ({"on_bar": on_bar, "wakes": (Every("soon"),)}, {}, "SPAN", "soon"),
        ({"on_bar": on_bar, "state": {"peak": 0.0}}, {}, "STRATEGY_STATE", "msgspec Struct"),
        ({"on_bar": on_bar, "state": State()}, {}, "STRATEGY_STATE", "msgspec Struct"),
        (
            {"on_bar": on_bar, "state": msgspec.defstruct("Bare", [("peak", float)])},
            {},
            "STRATEGY_STATE",
            "peak",
        ),
        ({"on_bar": on_bar, "state": State, "scaled": ("summit",)}, {}, "STRATEGY_STATE", "summit"),
        ({"on_bar": on_bar, "unit": "shares"}, {}, "STRATEGY_UNIT", "shares"),
        ({"on_bar": on_bar, "align": "minute"}, {}, "SPAN", "minute"),
    ],
)
def test_what_cannot_be_is_refused(
    members: dict[str, Any], params: dict[str, object], code: str, says: str
) -> None:
    with pytest.raises(Misuse) as refusal:
        declare(body(**members), **params)
    assert refusal.value.code == code
    assert says in str(refusal.value)


def test_a_refusal_names_the_class() -> None:
    with pytest.raises(Misuse) as refusal:
        declare(body(), "mine")
    assert refusal.value.where == f"{__name__}.Idea"
    assert "mine" in refusal.value.what


def test_defaults_are_held_to_their_own_bounds() -> None:
    class Loose(msgspec.Struct, frozen=True):
        fast: Annotated[int, Meta(ge=2)] = 1

    with pytest.raises(Misuse) as refusal:
        declare(body(on_bar=on_bar, params=Loose))
    assert refusal.value.code == "STRATEGY_PARAM"
    assert declare(body(on_bar=on_bar, params=Loose), fast=2).params == Loose(2)


@given(st.integers(-10, 300), st.integers(-10, 300))
def test_parameters_come_through_exactly_when_they_are_in_bounds(fast: int, slow: int) -> None:
    idea = body(on_bar=on_bar, params=Params)
    if 2 <= fast <= 50 and 3 <= slow <= 200:
        assert declare(idea, fast=fast, slow=slow).params == Params(fast, slow)
        assert declare(idea, fast=str(fast), slow=str(slow)).params == Params(
            fast, slow
        )  # as flags and files write them
    else:
        with pytest.raises(Misuse):
            declare(idea, fast=fast, slow=slow)


def test_an_out_begins_with_no_opinion() -> None:
    out = Out()
    assert (out.target, out.limit, out.stop, out.take) == (ABSENT,) * 4
    assert math.inf == ABSENT  # equal to itself, unlike nan
    with pytest.raises(AttributeError):
        out.size = 1.0  # type: ignore[attr-defined]
