"""Records in registers: copies that touch nothing until they are kept, and floats told apart by their bits, in both lanes."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.strategy import Out
from argosy.kernels.kernel import kernel
from argosy.kernels.local import bits, keep, local

for each in (bits, keep, local):
    each.jit  # noqa: B018  (made before anything is linked to it)


@kernel
def climb(record: Any, rows: int, kept: bool) -> float:
    """Count up in a copy; the record itself changes only when the copy is kept."""
    mine = local(record)
    for _ in range(rows):
        mine.high += 0.5
        mine.seen += 1
    if kept:
        keep(record, mine)
    return float(record.high) + mine.high


@kernel
def told(value: float) -> int:
    """The bits of a float."""
    return bits(value)


class Seen(msgspec.Struct):
    high: float = 1.0
    seen: int = 0


@pytest.mark.parametrize(("kept", "said", "high", "seen"), [(False, 4.5, 1.0, 0), (True, 7.0, 3.5, 5)])
def test_a_copy_is_written_back_only_when_it_is_kept(kept: bool, said: float, high: float, seen: int) -> None:
    record = np.array([(1.0, 0)], [("high", "f8"), ("seen", "i8")])
    assert climb.jit(record[0], 5, kept) == said
    assert record.tolist() == [(high, seen)]
    plain = Seen()
    assert climb.py(plain, 5, kept) == said
    assert (plain.high, plain.seen) == (high, seen)


def test_an_out_of_slots_is_kept_too() -> None:
    target, mine = Out(), Out()
    mine.target, mine.stop = 3.0, 98.5
    keep.py(target, mine)
    assert (target.target, target.stop, target.limit) == (3.0, 98.5, float("inf"))


@pytest.mark.parametrize(
    ("value", "number"),
    [(0.0, 0), (-0.0, -(1 << 63)), (1.0, 1023 << 52), (float("inf"), 2047 << 52), (-2.0, (1024 << 52) - (1 << 63)), (5e-324, 1)],
)
def test_bits_by_hand(value: float, number: int) -> None:
    assert told.jit(value) == told.py(value) == number


def test_nan_has_the_same_bits_as_itself() -> None:
    assert told.jit(float("nan")) == told.py(float("nan"))
