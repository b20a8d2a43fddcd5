"""Wishes, orders, verdicts and effects: values that never change and survive the journal's encoding."""

from __future__ import annotations

from typing import Any, Union

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.effects import Alarm, Amend, Cancel, Effect, Note, SetTimer, Submit
from argosy.core.intents import (
    Hold,
    Iceberg,
    Intent,
    Ladder,
    Pov,
    Protection,
    Rung,
    Shortfall,
    Target,
    Twap,
    Vwap,
)
from argosy.core.orders import BUY, SELL, Approved, Order, Refused, Share, Tif, Trimmed, Type
from argosy.core.time import NEVER

LOTS = st.integers(1, 1 << 62)
PRICE = st.floats(0.01, 1e6) | st.just(float("nan"))
SIDE = st.sampled_from([BUY, SELL])
TEXT = st.text(max_size=10)
PROTECTIONS = st.builds(Protection, stop=PRICE, take=PRICE, trail=PRICE, trail_frac=st.booleans())
RUNGS = st.builds(
    Rung,
    tag=TEXT,
    side=SIDE,
    px=PRICE,
    lots=LOTS,
    tif=st.sampled_from(Tif),
    post_only=st.booleans(),
    protection=st.none() | PROTECTIONS,
)
SPANS = st.integers(1, NEVER)
EXECUTIONS = st.one_of(
    st.none(), st.builds(Twap, duration_ns=SPANS, slices=LOTS), st.builds(Iceberg, display=LOTS), st.builds(Pov, rate=PRICE, least=LOTS),
    st.builds(Vwap, duration_ns=SPANS, curve=st.lists(st.floats(0.0, 1e9), min_size=1, max_size=4).map(tuple)),
    st.builds(Shortfall, duration_ns=SPANS, slices=LOTS, risk_aversion=PRICE, volatility=PRICE, impact=PRICE, permanent=PRICE),
)  # fmt: skip
INTENTS = st.one_of(
    st.builds(
        Target, instrument=st.integers(0, 99), lots=st.none() | st.integers(-(1 << 62), 1 << 62), weight=st.none() | st.floats(-2, 2),
        notional=st.none() | st.floats(-1e9, 1e9), limit=PRICE, tif=st.sampled_from(Tif), execution=EXECUTIONS,
        protection=st.none() | PROTECTIONS, horizon_ns=st.integers(0, NEVER), on_expiry=st.sampled_from(["keep", "flat"]), why=TEXT,
        evidence=st.lists(st.integers(1, 99), max_size=3).map(tuple),
    ),
    st.builds(Ladder, instrument=st.integers(0, 99), rungs=st.lists(RUNGS, max_size=3).map(tuple), why=TEXT),
    st.builds(Hold, instrument=st.integers(0, 99), why=TEXT),
)  # fmt: skip
ORDERS = st.builds(
    Order, id=st.integers(1, NEVER), instrument=st.integers(0, 99), side=SIDE, lots=LOTS, type=st.sampled_from(Type), limit=PRICE, stop=PRICE,
    trail=PRICE, trail_frac=st.booleans(), tif=st.sampled_from(Tif), expire=st.integers(0, NEVER), reduce_only=st.booleans(), post_only=st.booleans(),
    shares=st.lists(st.builds(Share, strategy=TEXT, lots=LOTS), max_size=3).map(tuple), tag=TEXT, parent=st.integers(0, 99),
    group=st.integers(0, 99), why=TEXT,
)  # fmt: skip
APPROVALS = st.builds(Approved, order=ORDERS, legs=st.lists(ORDERS, max_size=2).map(tuple))
NUMBERS = st.dictionaries(TEXT, st.floats(), max_size=3)
VERDICTS = (
    APPROVALS
    | st.builds(Refused, code=TEXT, numbers=NUMBERS, text=TEXT)
    | st.builds(Trimmed, code=TEXT, asked=LOTS, lots=LOTS, numbers=NUMBERS)
)
EFFECTS = st.one_of(
    st.builds(Submit, approved=APPROVALS), st.builds(Cancel, order=LOTS), st.builds(Amend, order=LOTS, lots=LOTS, limit=PRICE, stop=PRICE),
    st.builds(SetTimer, name=TEXT, at=st.integers(0, NEVER), strategy=TEXT), st.builds(Note, text=TEXT, strategy=TEXT),
    st.builds(Alarm, code=TEXT, text=TEXT, severity=st.sampled_from(["warn", "page"])),
)  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "values"),
    [(Intent, INTENTS), (Union[Approved, Refused, Trimmed], VERDICTS), (Effect, EFFECTS), (Order, ORDERS)],  # noqa: UP007 - a union as a value
    ids=["intent", "verdict", "effect", "order"],
)
def test_what_is_recorded_comes_back_as_it_went(shape: Any, values: st.SearchStrategy[Any]) -> None:
    decoder = msgspec.msgpack.Decoder(shape)

    @given(values)
    def survives(value: Any) -> None:
        frame = msgspec.msgpack.encode(value)
        back = decoder.decode(frame)
        assert type(back) is type(value)
        assert msgspec.msgpack.encode(back) == frame

    survives()


def test_a_plain_order_asks_for_little() -> None:
    order = Order(1, 0, BUY, 10)
    assert (order.type, order.tif, order.expire, order.reduce_only) == (Type.MARKET, Tif.DAY, NEVER, False)
    assert (
        order.limit != order.limit and order.stop != order.stop and order.trail != order.trail
    )  # nan: it has none
    assert msgspec.to_builtins(order) == {"id": 1, "instrument": 0, "side": 1, "lots": 10}


@pytest.mark.parametrize(
    "value",
    [
        Target(0),
        Ladder(0),
        Hold(0),
        Protection(),
        Order(1, 0, BUY, 1),
        Approved(Order(1, 0, BUY, 1)),
        Cancel(1),
        Submit(Approved(Order(1, 0, BUY, 1))),
    ],
)
def test_what_was_said_is_not_changed(value: Any) -> None:
    name = msgspec.structs.fields(value)[0].name
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, name, None)


def test_the_sides_cancel_out() -> None:
    assert BUY + SELL == 0


def test_a_target_of_before_with_a_field_that_is_gone_is_still_read() -> None:
    frame = msgspec.msgpack.encode({"type": "target", "instrument": 1, "lots": 5, "urgency": "patient"})
    assert msgspec.msgpack.decode(frame, type=Intent) == Target(1, lots=5)


def test_whole_numbers_of_an_algorithm_are_what_a_journal_gives_back() -> None:
    for algo in (Vwap(9, (3, 1)), Pov(1), Shortfall(9, 3, 1, 2, 3, 4)):
        back = msgspec.msgpack.decode(msgspec.msgpack.encode(Target(0, lots=1, execution=algo)), type=Intent)
        assert isinstance(back, Target)
        assert repr(back.execution) == repr(algo)
