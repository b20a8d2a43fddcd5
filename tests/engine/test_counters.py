"""The risk counters, by hand; and that a snapshot is the whole truth."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.orders import Order, Share, Type
from argosy.core.time import MINUTE, SECOND
from argosy.engine.counters import STAMPS, Counters, like_of, likeness

T = 1_700_000_000_000_000_000


def order(id: int, lots: int = 10, names: str = "a", **fields: object) -> Order:
    return Order(id, 0, 1, lots, shares=tuple(Share(name, lots) for name in names), **fields)  # type: ignore[arg-type]


def test_an_entry_counts_once_for_the_account_and_for_each_strategy():
    counters = Counters()
    counters.on_order(order(1, names="ab"), T)
    counters.on_order(order(2, names="b"), T + 1)
    assert (counters.trades_in_all, counters.trades) == (2, {"a": 1, "b": 2})
    assert counters.stamps == [T, T + 1]
    assert counters.last == {0: T + 1}


def test_exits_are_stamped_but_are_no_trades_and_no_duplicates():
    counters = Counters()
    counters.on_order(order(1), T, exit=True)
    counters.on_order(order(2, reduce_only=True), T)
    assert (counters.trades_in_all, counters.trades, counters.recent, counters.last) == (0, {}, [], {})
    assert counters.stamps == [T, T]


def test_an_entry_that_ends_unfilled_gives_its_place_back():
    counters = Counters()
    counters.on_order(order(1, names="ab"), T)
    counters.on_order(order(2), T)
    counters.on_ended(1)
    assert (counters.trades_in_all, counters.trades) == (1, {"a": 1})
    counters.on_fill(2)
    counters.on_fill(2)
    counters.on_ended(2)
    counters.on_ended(77)
    assert (counters.trades_in_all, counters.trades) == (1, {"a": 1})


def test_a_new_day_forgets_trades_and_streaks_but_not_what_is_still_open():
    counters = Counters()
    counters.on_session(5)
    counters.on_order(order(1), T)
    counters.on_order(order(2, names="b"), T)
    counters.on_fill(1)
    counters.on_closed("a", -3)
    counters.on_session(5)
    counters.on_session(4)
    assert (counters.day, counters.trades_in_all, counters.losses) == (5, 2, {"a": 1})
    counters.on_session(6)
    assert (counters.day, counters.trades_in_all, counters.trades, counters.losses) == (6, 1, {"b": 1}, {})
    counters.on_ended(2)
    assert (counters.trades_in_all, counters.trades) == (0, {})


def test_a_streak_grows_with_losses_and_ends_with_a_gain():
    counters = Counters()
    for realised in (-1, -5, 0):
        counters.on_closed("a", realised)
    counters.on_closed("b", -1)
    assert counters.losses == {"a": 2, "b": 1}
    counters.on_closed("a", 1)
    counters.on_closed("c", 1)
    counters.forgive("b")
    counters.forgive("b")
    assert counters.losses == {}


def test_refusals_by_code():
    counters = Counters()
    for code in ("X", "Y", "X"):
        counters.on_refusal(code)
    assert counters.refusals == {"X": 2, "Y": 1}


def test_likeness_tells_apart_what_differs():
    one = order(1)
    assert likeness(one) == likeness(order(2))
    others = [
        order(1, 11), order(1, names="ab"), order(1, limit=5.0), order(1, stop=5.0), order(1, type=Type.LIMIT),
        msgspec.structs.replace(one, side=-1), msgspec.structs.replace(one, instrument=3),
    ]  # fmt: skip
    assert len({likeness(one), *map(likeness, others)}) == 8


def test_memory_of_orders_is_bounded_in_time_and_number():
    counters = Counters()
    counters.on_order(order(1), T)
    counters.on_order(order(2, 11), T + MINUTE - 1)
    assert len(counters.recent) == 2
    counters.on_order(order(3, 12), T + MINUTE)
    assert [row[3] for row in counters.snapshot()["recent"]] == [11, 12]
    for k in range(3 * STAMPS):
        counters.on_order(order(4 + k, 100 + k), T + MINUTE + k)
        counters.on_fill(4 + k)
    assert STAMPS <= len(counters.recent) <= 2 * STAMPS
    assert STAMPS <= len(counters.stamps) <= 2 * STAMPS
    assert counters.stamps[-STAMPS:] == [T + MINUTE + k for k in range(2 * STAMPS, 3 * STAMPS)]
    assert len(counters.snapshot()["stamps"]) == STAMPS


def test_an_order_seen_again_is_the_newest():
    counters = Counters()
    counters.on_order(order(1, 5), T)
    counters.on_order(order(2, 6), T + 1)
    counters.on_order(order(3, 5), T + 2)
    assert [(like_of(entry)[3], stamp) for stamp, entry in counters.recent] == [(5, T), (6, T + 1), (5, T + 2)]


DOINGS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.integers(1, 5), st.sampled_from(["a", "b", "ab"]), st.booleans()),
        st.tuples(st.just("fill"), st.integers(1, 40)),
        st.tuples(st.just("ended"), st.integers(1, 40)),
        st.tuples(st.just("closed"), st.sampled_from("ab"), st.integers(-2, 2)),
        st.tuples(st.just("session"), st.integers(0, 3)),
        st.tuples(st.just("refusal"), st.sampled_from(["X", "Y"])),
    ),
    max_size=40,
)


def do(counters: Counters, doings: list[tuple], start: int) -> None:
    for k, doing in enumerate(doings, start):
        now = T + k * 3 * SECOND
        match doing:
            case ("order", lots, names, exit):
                counters.on_order(order(k, lots, names), now, exit)
            case ("fill", id):
                counters.on_fill(id)
            case ("ended", id):
                counters.on_ended(id)
            case ("closed", name, realised):
                counters.on_closed(name, realised)
            case ("session", day):
                counters.on_session(day)
            case ("refusal", code):
                counters.on_refusal(code)


@settings(deadline=None, max_examples=150)
@given(DOINGS, DOINGS)
def test_a_restart_in_the_middle_changes_nothing(first: list[tuple], second: list[tuple]):
    through, restarted = Counters(), Counters()
    do(through, first, 1)
    restarted.restore(msgspec.json.decode(msgspec.json.encode(through.snapshot())))
    assert restarted.snapshot() == through.snapshot()
    do(through, second, 1 + len(first))
    do(restarted, second, 1 + len(first))
    assert restarted.snapshot() == through.snapshot()
    assert all(count > 0 for count in [*through.trades.values(), *through.losses.values()])
    assert through.trades_in_all >= max(through.trades.values(), default=0)
