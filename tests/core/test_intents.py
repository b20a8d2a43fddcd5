"""Wishes, orders, verdicts and effects: values that never change and survive the journal's encoding."""

from __future__ import annotations

from typing import Any, Union

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.effects import Alarm, Amend, Cancel, Effect, Note, SetTimer, Submit
from argosy.core.intents import Hold, Intent, Ladder, Protection, Rung, Target
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
INTENTS = st.one_of(
    st.builds(
        Target, instrument=st.integers(0, 99), lots=st.none() | st.integers(-(1 << 62), 1 << 62), weight=st.none() | st.floats(-2, 2),
        notional=st.none() | st.floats(-1e9, 1e9), limit=PRICE, tif=st.sampled_from(Tif), urgency=st.sampled_from(["now", "patient"]),
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
