"""Packing loses nothing: whole numbers, decimals, holes and sentences come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.lab import packed

WHOLE = st.lists(st.integers(-(2**52), 2**52), max_size=40)


@settings(deadline=None, max_examples=60)
@given(WHOLE)
def test_whole_numbers(values: list[int]) -> None:
    assert packed.unpack(packed.whole(values)) == values


@settings(deadline=None, max_examples=60)
@given(st.lists(st.none() | st.integers(-(10**9), 10**9), max_size=40), st.integers(0, 6))
def test_decimals_with_holes(steps: list[int | None], places: int) -> None:
    values = [None if step is None else step / 10**places for step in steps]
    assert packed.unpack(packed.decimal(values, places)) == values


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(alphabet="ab 01.,-+<", max_size=12), max_size=12))
def test_sentences(values: list[str]) -> None:
    assert packed.untext(packed.texts(values)) == values


def test_what_would_lose_something_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1 decimals"):
        packed.decimal([1.25], 1)


def test_days_are_one_byte_each() -> None:
    packed_days = packed.whole([86_400 * day for day in range(19_000, 20_000)])
    assert packed_days[0] == 86_400
    assert len(packed_days[2]) < 1_400
    sentences, rows = packed.texts(["fast 1.5 > slow 1.2", "fast 2 > slow 3"])
    assert sentences == ["fast \x00 > slow \x00"]
    assert rows == ["0 1.5 1.2", "0 2 3"]
