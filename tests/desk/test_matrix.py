"""Killed anywhere, a desk goes on where it was: in short a draw of places, all of them many times with ARGOSY_DRILL=1 (`make drill`)."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.desk.basin import PAGES, WITHIN_S, Basin, Life, basin
from tests.desk.drill import AGAIN, AT_FIRST, ELSEWHERE, NOT_HERE, matrix, places, points, table

DRILL = bool(os.environ.get("ARGOSY_DRILL"))
SEEDS = int(os.environ.get("ARGOSY_DRILL_SEEDS", "25"))
ALWAYS = ("submit.before", "submit.after", "journal.write", "step.fill")
DRAWN = 7


@pytest.fixture(scope="module")
def sea() -> Iterator[Basin]:
    with basin() as one:
        yield one


def test_there_are_at_least_forty_places_and_each_is_drilled_or_named_as_another_process_s() -> None:
    named = points()
    assert len(named) >= 40
    assert set(named) >= (AT_FIRST | AGAIN)
    for place in places():
        assert place in named or place in NOT_HERE or place.startswith((*ELSEWHERE, "step.", "{verb}")), place


def test_killed_at_named_places_books_and_exchange_are_the_same_again() -> None:
    """Each cell: a kill there, a start on the same folder, everything compared; see `tests/desk/drill.py`."""
    rest = [point for point in points() if point not in ALWAYS]
    chosen = points() if DRILL else [*ALWAYS, *Random("short").sample(rest, DRAWN)]
    seeds = range(SEEDS) if DRILL else range(1)
    found = matrix([(point, seed) for seed in seeds for point in chosen], jobs=4 if DRILL else 3)
    shown = table(found)
    print(shown)
    assert [one for one in found if one.wrong] == [], shown
    assert len(found) == len(chosen) * len(seeds)
    quick = sum(one.equal_s <= WITHIN_S for one in found)
    assert quick >= 0.9 * len(found), shown  # a machine that others use too may stop for a moment


def begun(sea: Basin, home: Path, **more: int) -> Life:
    life = Life(sea, home, **more)
    assert life.until("trading", 20), (life.events[-2:], life.complaint)
    return life


def test_a_disk_that_is_full_ends_the_desk_loudly_and_nothing_is_lost(sea: Basin) -> None:
    """From some moment on no file may grow beyond a few pages: it says so, sends nothing that is not written, and with room it goes on."""
    home = sea.fresh()
    life = begun(sea, home, pages=100 * PAGES)
    sea.settled(life, 20)
    (segment,) = home.glob("desks/*/journal/*.seg")
    resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (segment.stat().st_size + PAGES, resource.RLIM_INFINITY))
    assert life.die(30) == 1, life.events[-3:]
    codes = [told["code"] for told in life.events if told["event"] == "alarm"]
    assert {"JOURNAL_DISK", "ROWS_DISK"} & set(codes) and life.told["ended"]["status"] == 1
    sea.after(home)


def test_a_loop_that_stood_still_for_five_seconds_goes_on_with_the_same_books(sea: Basin) -> None:
    home = sea.fresh()
    life = begun(sea, home)
    sea.settled(life, 20)
    os.kill(life.pid, signal.SIGSTOP)
    time.sleep(5.0)
    os.kill(life.pid, signal.SIGCONT)
    before = len(sea.harbour.account.activities)
    told, _ = sea.settled(life, time.monotonic() - life.began + WITHIN_S)
    assert all(row["status"] == "active" for row in told["strategies"])
    end = time.monotonic() + 10
    while len(sea.harbour.account.activities) == before and time.monotonic() < end:
        time.sleep(0.1)
    assert len(sea.harbour.account.activities) > before  # it trades on
    life.kill(signal.SIGKILL)
    assert life.die(5) == -signal.SIGKILL
    sea.after(home)


def test_a_stream_that_is_mute_is_found_and_another_is_opened(sea: Basin) -> None:
    home = sea.fresh()
    life = begun(sea, home)
    try:
        sea.harbour.ctl("ws", mute="trading")
        began = time.monotonic()
        while not any("STREAM_MUTE" in text for text in life.alarms()) and time.monotonic() < began + 15:
            life.look()
            time.sleep(0.05)
        assert any("STREAM_MUTE: the account stream" in text for text in life.alarms()), life.alarms()
        sea.settled(life, time.monotonic() - life.began + WITHIN_S)  # the walks alone keep the books right
    finally:
        sea.harbour.ctl("ws", mute=False)
    sea.settled(life, time.monotonic() - life.began + WITHIN_S)
    life.kill(signal.SIGTERM)
    assert life.die(15) == 0
