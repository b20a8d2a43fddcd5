"""Carry events, by hand."""

from __future__ import annotations

import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Borrow, Funding
from argosy.core.time import DAY
from argosy.venues.sim.carry import borrow, funding


def test_borrow_is_the_rate_for_the_time_since_the_last() -> None:
    """7.3 % a year is 0.02 % a day; from day 2.5 on, 36.5 % is 0.1 % a day."""
    times = [0, DAY, 3 * DAY, 4 * DAY]
    events = borrow(3, times, [(-5 * DAY, 9.9), (-DAY, 0.073), (int(2.5 * DAY), 0.365), (9 * DAY, 5.0)])
    assert [(event.ts, event.known, event.instrument) for event in events] == [(t, t, 3) for t in times[1:]]
    assert [event.rate for event in events] == pytest.approx([0.0002, 0.0003 + 0.0005, 0.001], rel=1e-12)
    assert all(isinstance(event, Borrow) for event in events)
    assert borrow(3, [0], []) == []


def test_funding_is_known_when_it_is_said() -> None:
    assert funding(1, [(0, 0.0001), (8, -0.0002)], 2) == [
        Funding(0, 2, 1, 0.0001),
        Funding(8, 10, 1, -0.0002),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: borrow(0, [0, 0], [(0, 0.1)]),
        lambda: borrow(0, [0, DAY], [(0, 0.1), (0, 0.2)]),
        lambda: borrow(0, [0, DAY], [(1, 0.1)]),
        lambda: borrow(0, [0, DAY], []),
        lambda: funding(0, [(5, 0.1), (4, 0.1)]),
        lambda: funding(0, [(5, 0.1)], -1),
    ],
)
def test_tables_that_cannot_be_are_misuse(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Misuse, match="CARRY_RATES"):
        wrong()
