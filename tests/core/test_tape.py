"""Tapes: sorted, read-only, the same name for the same content, and rows equal to their columns."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Bar, BookDelta, Quote, Trade
from argosy.core.tape import CHUNK, KINDS, Tape, columns_of


def bars(at: list[int], instrument: int | list[int] = 0, **more: Any) -> Tape:
    """A tape of bars of a minute, with closes 1, 2, 3, ..."""
    n = len(at)
    known = np.array(at, np.int64)
    close = np.arange(1.0, n + 1.0)
    columns = {
        "ts": known - 60, "known": known, "instrument": np.broadcast_to(instrument, n), "open": close, "high": close, "low": close,
        "close": close, "volume": np.ones(n), "span": np.full(n, 60),
    }  # fmt: skip
    return Tape(Bar, {**columns, **more})


def closes(tape: Tape) -> list[float]:
    return tape["close"].tolist()


def test_columns_are_the_fields_of_the_kind() -> None:
    assert columns_of(Quote) == ("ts", "known", "instrument", "bid", "ask", "bid_size", "ask_size")
    assert set(KINDS.values()) == {Bar, Quote, Trade, BookDelta}


def test_a_tape_keeps_its_columns_in_their_types() -> None:
    tape = bars([60, 120], volume=[3, 4])
    assert len(tape) == 2
    assert tape["volume"].dtype == np.float64
    assert tape["known"].dtype == tape["instrument"].dtype == tape["span"].dtype == np.int64
    book = Tape(
        BookDelta,
        {"ts": [1], "known": [1], "instrument": [0], "side": [1], "price": [9], "size": [2], "clear": [1]},
    )
    assert (
        book["clear"].dtype == np.bool_
        and book["side"].dtype == np.int64
        and book["price"].dtype == np.float64
    )
    assert repr(book) == "<Tape BookDelta rows=1 instruments=1>"


def test_a_tape_is_read_only_and_leaves_what_it_was_given_alone() -> None:
    given_close = np.array([1.0, 2.0])
    tape = bars([60, 120], close=given_close)
    with pytest.raises(ValueError, match="read-only"):
        tape["close"][0] = 9.0
    given_close.flags.writeable = True
    assert given_close.flags.writeable


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"extra": np.ones(2)}, "TAPE_COLUMNS"),
        ({"close": np.ones(3)}, "TAPE_COLUMNS"),
        ({"ts": np.array([0, 0]), "known": np.array([120, 60])}, "TAPE_ORDER"),
        ({"ts": np.array([0, 121])}, "TAPE_TIME"),
    ],
)
def test_a_tape_that_cannot_be_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Misuse) as refusal:
        bars([60, 120], **change)
    assert refusal.value.code == code


def test_a_missing_column_is_named() -> None:
    with pytest.raises(Misuse, match="odd: size"):
        Tape(Trade, {"ts": [0], "known": [0], "instrument": [0], "price": [1.0], "side": [0]})


def test_rows_are_the_columns() -> None:
    tape = bars([60, 120, 120], [0, 0, 1])
    rows = list(tape.rows())
    assert rows[2] == Bar(60, 120, 1, 3.0, 3.0, 3.0, 3.0, 1.0, 60)
    assert all(type(value) in (int, float) for row in rows for value in msgspec.structs.astuple(row))
    assert list(tape.rows(1)) == rows[1:]
    assert list(tape.rows(1, 2)) == rows[1:2]
    assert list(tape.rows(0, 99)) == rows
    assert list(tape.rows(3)) == []


@pytest.mark.parametrize("n", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
@pytest.mark.parametrize("instrument", [0, 7])
def test_chunks_do_not_show(n: int, instrument: int) -> None:
    tape = bars(list(range(60, 60 + n)), instrument)
    rows = list(tape.rows())
    assert len(rows) == n
    assert [row.close for row in rows] == closes(tape)  # type: ignore[union-attr]
    assert {row.instrument for row in rows} <= {instrument}
    assert [row.close for row in tape.rows(n // 2)] == closes(tape)[n // 2 :]  # type: ignore[union-attr]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), max_size=30))
def test_rows_make_the_tape_again(pairs: list[tuple[int, int]]) -> None:
    pairs.sort()
    tape = bars([known for known, _ in pairs], [instrument for _, instrument in pairs] or 0)
    rows = list(tape.rows())
    again = Tape(Bar, {name: [getattr(row, name) for row in rows] for name in columns_of(Bar)})
    assert again.hash == tape.hash


def test_the_hash_names_the_content() -> None:
    tape = bars([60, 120])
    assert len(tape.hash) == 32
    assert tape.hash == bars([60, 120]).hash
    assert tape.take(slice(0, 2)).hash == tape.hash
    others = [bars([60, 121]), bars([60, 120], 1), bars([60, 120], close=[1.0, 2.5]), bars([60])]
    quotes = Tape(
        Quote,
        {
            "ts": [0],
            "known": [0],
            "instrument": [0],
            "bid": [1],
            "ask": [2],
            "bid_size": [1],
            "ask_size": [1],
        },
    )
    assert len({tape.hash, quotes.hash, *(other.hash for other in others)}) == 6


def test_the_hash_knows_where_a_column_ends() -> None:
    one = Tape(
        Trade, {"ts": [0], "known": [0], "instrument": [0], "price": [1.0], "size": [2.0], "side": [0]}
    )
    two = Tape(
        Trade, {"ts": [0], "known": [0], "instrument": [0], "price": [2.0], "size": [1.0], "side": [0]}
    )
    assert one.hash != two.hash


def test_a_tape_says_whom_it_is_about() -> None:
    tape = bars([60, 60, 120], [3, 5, 3])
    assert tape.instruments == (3, 5)
    assert closes(tape.only(3)) == [1.0, 3.0]
    assert closes(tape.only(4)) == []
    assert tape.only(4).instruments == ()


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        (0, 999, [1.0, 2.0, 3.0, 4.0]),
        (60, 120, [1.0]),
        (61, 121, [2.0, 3.0]),
        (120, 120, []),
        (121, 999, [4.0]),
        (999, 0, []),
    ],
)
def test_between_takes_its_start_and_leaves_its_end(start: int, end: int, kept: list[float]) -> None:
    assert closes(bars([60, 120, 120, 180]).between(start, end)) == kept


@pytest.mark.parametrize(("known", "kept"), [(59, 0), (60, 1), (119, 1), (120, 3), (180, 4)])
def test_as_of_never_says_what_was_not_known(known: int, kept: int) -> None:
    tape = bars([60, 120, 120, 180])
    assert len(tape.as_of(known)) == kept
    assert all(row.known <= known for row in tape.as_of(known).rows())


def test_take_must_keep_the_order() -> None:
    tape = bars([60, 120, 180])
    assert closes(tape.take(np.array([0, 2]))) == [1.0, 3.0]
    assert closes(tape.take(np.array([True, False, True]))) == [1.0, 3.0]
    with pytest.raises(Misuse) as refusal:
        tape.take(np.array([2, 0]))
    assert refusal.value.code == "TAPE_ORDER"


def test_merged_by_hand() -> None:
    one = bars([60, 120], 1)
    zero = bars([60, 90], 0, close=[8.0, 9.0])
    merged = Tape.merge([one, zero])
    assert [(row.known, row.instrument, row.close) for row in merged.rows()] == [
        (60, 0, 8.0),
        (60, 1, 1.0),
        (90, 0, 9.0),
        (120, 1, 2.0),
    ]  # type: ignore[union-attr]


def test_ties_keep_the_order_of_the_tapes() -> None:
    first, second = bars([60], close=[1.0]), bars([60], close=[2.0])
    assert closes(Tape.merge([first, second])) == [1.0, 2.0]
    assert closes(Tape.merge([second, first])) == [2.0, 1.0]


def test_one_tape_merges_to_itself() -> None:
    tape = bars([60])
    assert Tape.merge([tape]) is tape


def test_only_tapes_of_one_kind_merge() -> None:
    trades = Tape(
        Trade, {"ts": [0], "known": [0], "instrument": [0], "price": [1.0], "size": [1.0], "side": [0]}
    )
    for tapes in ([], [bars([60]), trades]):
        with pytest.raises(Misuse) as refusal:
            Tape.merge(tapes)
        assert refusal.value.code == "TAPE_KINDS"


@given(st.lists(st.lists(st.integers(0, 20), max_size=8), min_size=1, max_size=4))
def test_a_merge_loses_nothing(parts: list[list[int]]) -> None:
    tapes = [bars(sorted(known), i) for i, known in enumerate(parts)]
    merged = Tape.merge(tapes)
    assert sorted((row.known, row.instrument) for row in merged.rows()) == [
        (row.known, row.instrument) for row in merged.rows()
    ]
    for i, tape in enumerate(tapes):
        assert merged.only(i).hash == tape.hash
