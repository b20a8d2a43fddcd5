"""Days whose minutes are drawn: what a day was stays true to the cent, the same seed draws the same, and nights are left out."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.time import HOUR, MINUTE, iso
from argosy.exchange.drawn import PER, Drawn, volumes, way
from argosy.exchange.open import Wanted, build, opened
from argosy.exchange.server import Server

CENTS = st.integers(100, 50_000)


@given(CENTS, CENTS, CENTS, CENTS, st.integers(40, 600), st.integers(0, 1 << 30))
@example(1000, 1000, 1000, 1000, 40, 0)
def test_a_way_begins_ends_and_turns_where_the_day_did(a: int, b: int, c: int, d: int, count: int, seed: int) -> None:
    low, high = min(a, b, c, d) / 100, max(a, b, c, d) / 100
    bar = Bar(0, 0, 0, a / 100, high, low, b / 100, 1e6, 0)
    prices = way(bar, count, np.random.default_rng(seed))
    assert len(prices) == count + 1
    assert (prices[0], prices[-1], prices.min(), prices.max()) == (a / 100, b / 100, low, high)
    assert np.array_equal(np.round(prices, 2), prices)


@given(st.integers(0, 10**9), st.integers(2, 600))
def test_the_shares_of_the_steps_are_the_days(total: int, count: int) -> None:
    parts = volumes(Bar(0, 0, 0, 1.0, 1.0, 1.0, 1.0, float(total), 0), count)
    assert len(parts) == count and parts.sum() == total and parts.min() >= 0


def wanted(start: str, seed: int = 1) -> Wanted:
    return Wanted(feed="drawn:demo", symbols=["AAPL", "IBM"], start=start, seed=seed)


def play(server: Server, days: int) -> Drawn:
    feed = server.feed
    assert isinstance(feed, Drawn)
    begun = 0
    while begun < days:
        feed.step(server.exchange)
        begun += feed.leap != 0
    return feed


@pytest.mark.parametrize(("start", "minutes"), [("2008-09-02", 390), ("2008-11-28", 210)])  # the second is a half day
def test_a_played_day_is_the_tapes(start: str, minutes: int) -> None:
    server = build(wanted(start))
    feed = play(server, 1)
    server.exchange.advance(feed.due - HOUR)  # its last minute and the day are over
    _, _, bars = feed._days[feed._day - 1]
    for i, bar in bars.items():
        board = server.exchange.market.boards[i]
        mine = [row for row in board.minutes if row.t >= bar.ts]
        assert len(mine) == minutes
        assert (mine[0].o, max(r.h for r in mine), min(r.l for r in mine), mine[-1].c) == pytest.approx(
            (round(bar.open, 2), round(bar.high, 2), round(bar.low, 2), round(bar.close, 2))
        )
        assert sum(row.v for row in mine) == bar.volume
        day = board.days[-1]
        whole = mine[0].o, max(r.h for r in mine), min(r.l for r in mine), mine[-1].c, bar.volume
        assert (day.o, day.h, day.l, day.c, day.v) == pytest.approx(whole)


def test_the_history_has_the_same_days_by_the_minute() -> None:
    server = build(wanted("2008-09-02"))
    board = server.exchange.market.boards[0]
    last = [row for row in board.minutes if iso(row.t).startswith("2008-08-29")]
    assert len(last) == 390 and len(board.minutes) == 20 * 390
    assert (last[0].o, max(r.h for r in last), min(r.l for r in last), last[-1].c) == pytest.approx(
        (board.days[-1].o, board.days[-1].h, round(board.days[-1].l, 2), board.days[-1].c)
    )


def test_the_same_seed_draws_the_same_way_and_another_another() -> None:
    one, same, other = (build(wanted("2008-09-02", seed)) for seed in (1, 1, 2))
    ways = [[row.c for row in server.exchange.market.boards[0].minutes] for server in (one, same, other)]
    assert ways[0] == ways[1] != ways[2]


def test_nobody_waits_for_a_night() -> None:
    with opened(Wanted(feed="drawn:demo", symbols=["IBM"], start="2008-09-02", speed=20_000.0)) as server:
        feed = server.feed
        assert isinstance(feed, Drawn)
        third = feed._days[feed._day + 2][0]
        end = time.monotonic() + 12.0  # two sessions of 1.2 s each; with their nights it would be 8.6 s
        begun = time.monotonic()
        while server.now() < third:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert time.monotonic() - begun < 6.0
        assert server.now() < third + 7 * HOUR


def test_only_days_can_be_drawn(tmp_path: Path) -> None:
    path = tmp_path / "minutes.csv"
    rows = "\n".join(f"2024-01-02T15:{k:02}:00Z,IBM,10,11,9,10,100" for k in range(30))
    path.write_text(f"time,symbol,open,high,low,close,volume\n{rows}\n")
    with pytest.raises(Misuse, match="TAPE_SPAN"):
        build(Wanted(feed=f"drawn:{path}", symbols=[]))
    with pytest.raises(Misuse, match="TAPE_EMPTY"):
        build(wanted("2050-01-01"))


def test_twelve_steps_are_a_minute() -> None:
    assert PER * 5_000_000_000 == MINUTE
