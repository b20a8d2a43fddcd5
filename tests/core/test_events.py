"""Events: two times, never changed, whole through the journal's encoding, and one order inside an instant."""

from __future__ import annotations

import gc
import itertools
from typing import Any, Union, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core import events
from argosy.core.events import (
    RANK,
    Account,
    Adjust,
    Assignment,
    Band,
    Bar,
    BookDelta,
    Borrow,
    Bust,
    CashFlow,
    Command,
    Delist,
    Dividend,
    Event,
    Exercise,
    Expiry,
    Fact,
    Fill,
    Forecast,
    Funding,
    Gap,
    Latch,
    Link,
    MarketEvent,
    OrderUpdate,
    Quote,
    Reply,
    Reversal,
    Session,
    Split,
    Status,
    Timer,
    Trade,
    sort_instant,
)
from argosy.core.orders import Work

KINDS = sorted(
    (
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
    ),
    key=lambda kind: kind.__name__,
)

I64 = st.integers(-(1 << 63), (1 << 63) - 1)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: I64, float: st.floats(), str: st.text(max_size=12), bool: st.booleans(), Work: st.sampled_from(list(Work)),
    dict[int, int]: st.dictionaries(st.integers(0, 1 << 62), I64, max_size=3),
}  # fmt: skip


def any_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Events of a kind with any values its fields can hold."""
    fields = {}
    for field in msgspec.structs.fields(kind):
        choices = get_args(field.type)
        fields[field.name] = VALUES[field.type] if field.type in VALUES else st.sampled_from(choices)
    return st.builds(kind, **fields)


ANY = st.one_of([any_of(kind) for kind in KINDS])
CODEC = msgspec.msgpack.Decoder(Union[tuple(KINDS)])  # noqa: UP007 - the kinds are only known here


@given(ANY)
def test_an_event_comes_back_from_the_journal_as_it_went(event: Event) -> None:
    frame = msgspec.msgpack.encode(event)
    back = CODEC.decode(frame)
    assert type(back) is type(event)
    assert msgspec.msgpack.encode(back) == frame  # by bytes, for nan is not equal to itself


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_event_never_changes_and_costs_the_collector_nothing(kind: type[Event]) -> None:
    config = kind.__struct_config__
    assert config.frozen
    assert config.gc is False
    assert config.tag == kind.__name__
    assert [field.name for field in msgspec.structs.fields(kind)][:2] == ["ts", "known"]


def test_a_fact_is_a_fact() -> None:
    bar = Bar(0, 60, 0, 1.0, 2.0, 0.5, 1.5, 10.0, 60)
    with pytest.raises(AttributeError, match="immutable"):
        bar.close = 3.0  # type: ignore[misc]
    assert not gc.is_tracked(bar)


def test_the_tags_are_all_different() -> None:
    assert len({kind.__struct_config__.tag for kind in KINDS}) == len(KINDS) == 30


def test_every_kind_has_a_rank() -> None:
    assert set(RANK) == set(KINDS)
    assert set(get_args(MarketEvent)) == {kind for kind in KINDS if RANK[kind] == RANK[Bar]}


ORDER = [
    (Command, Latch),
    (Reply, OrderUpdate),
    (Fill, Exercise, Assignment, Bust, Reversal),
    (Account, Adjust, CashFlow, Split, Dividend, Funding, Borrow, Delist, Expiry, Status, Session, Band, Link, Gap),
    (Bar, Quote, Trade, BookDelta),
    (Fact,),
    (Forecast,),
    (Timer,),
]


def test_the_ranks_are_those_of_the_heart() -> None:
    for early, late in itertools.pairwise(ORDER):
        assert max(RANK[kind] for kind in early) < min(RANK[kind] for kind in late)
    for together in ORDER:
        assert len({RANK[kind] for kind in together}) == 1
    assert {kind for row in ORDER for kind in row} == set(KINDS)


def bar(instrument: int, close: float = 1.0) -> Bar:
    return Bar(0, 60, instrument, close, close, close, close, 1.0, 60)


def test_an_instant_by_hand() -> None:
    timer = Timer(60, 60, "pulse")
    fact = Fact(60, 60, "fred", "CPI", 1.0)
    fill = Fill(60, 60, 1, 7, "x", 1, 1, 1.0, 1, 0)
    word = Command(60, 60, "halt", "owner", "because")
    reply = Reply(60, 60, 7, "submit", "accepted")
    assert sort_instant([timer, bar(2), fact, bar(0), fill, reply, word]) == [
        word,
        reply,
        fill,
        bar(0),
        bar(2),
        fact,
        timer,
    ]


def test_equal_rank_and_instrument_keep_the_order_of_their_source() -> None:
    first, second = Quote(0, 60, 0, 1.0, 2.0, 1.0, 1.0), Trade(0, 60, 0, 1.5, 1.0)
    assert sort_instant([first, second]) == [first, second]
    assert sort_instant([second, first]) == [second, first]


def test_a_fact_without_an_instrument_comes_before_those_with_one() -> None:
    about, general = Fact(0, 60, "s", "a", instrument=3), Fact(0, 60, "s", "b")
    assert sort_instant([about, general]) == [general, about]


@given(st.lists(ANY, max_size=12), st.randoms(use_true_random=False))
def test_an_instant_is_sorted_whatever_the_order_of_arrival(batch: list[Event], chance: Any) -> None:
    def place(event: Event) -> tuple[int, int]:
        return RANK[type(event)], getattr(event, "instrument", -1)

    once = sort_instant(batch)
    assert [id(event) for event in sort_instant(once)] == [id(event) for event in once]
    assert [place(event) for event in once] == sorted(place(event) for event in batch)
    shuffled = list(batch)
    chance.shuffle(shuffled)
    assert [place(event) for event in sort_instant(shuffled)] == [place(event) for event in once]


@given(st.permutations(range(6)))
def test_permuting_instruments_changes_nothing(order: list[int]) -> None:
    assert [event.instrument for event in sort_instant([bar(i) for i in order])] == list(range(6))  # type: ignore[attr-defined]
