"""Orders of which nobody knows at first what became of them, at the real exchange behind a bad line: each is there exactly once."""

from __future__ import annotations

import os

import pytest

from argosy.venues.alpaca import resolve
from bench.ambiguous import DESK, Count, _judged, drill


def test_each_order_is_at_the_exchange_exactly_once() -> None:
    """400 of them; the drill sends ten thousand. The exchange counts."""
    count = 10_000 if os.environ.get("ARGOSY_DRILL") else 400
    done = drill(count, seed=7)
    print(done._replace(there=done.there._replace(orders={})))
    assert done.wrong == ""
    assert done.once == count
    assert done.there.sendings > count  # some had to be sent again
    assert len(done.there.struck) == 7 and min(done.there.struck.values()) > count // 40


@pytest.mark.parametrize(
    ("there", "wrong"),
    [
        (Count({f"{DESK}1": 1, f"{DESK}2": 2}, 3, 3, {}, 3), "2 orders of one id"),
        (Count({f"{DESK}1": 1, "by-hand": 1}, 2, 2, {}, 3), "1 orders that nobody sent"),
        (Count({f"{DESK}1": 1, f"{DESK}2": 1}, 3, 2, {}, 3), "3 executions, 2 shares"),
    ],
)
def test_the_judge_finds_what_is_there_twice_or_not_at_all(there: Count, wrong: str) -> None:
    judged = _judged(2, 1.0, [], [], [], there)
    assert judged.once == 0 and wrong in judged.wrong


def test_without_the_lookup_orders_would_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard taken away: who believes that silence is a no does not end with all of his orders."""

    async def believes(self: object, placed: object, body: bytes, sent: float) -> resolve.Answer:
        return resolve.Refused("TIMEOUT", "silence is believed to be a no")

    monkeypatch.setattr(resolve.Resolver, "settle", believes)
    monkeypatch.setattr("bench.ambiguous.PATIENCE_END_S", 1.0)
    done = drill(40, seed=7)
    assert "refused" in done.wrong and done.once < 40
