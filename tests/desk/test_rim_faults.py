"""A whole desk on a real exchange, when something around it is not as it should be: it says so, and goes on or ends by what it is."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argosy import quay
from argosy.core import points
from argosy.core.errors import Broken, Misconfigured, Misuse, Retry
from argosy.core.ids import client_order_id
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY
from argosy.core.time import DAY, SECOND
from argosy.desk import heartbeat, latch, nameplate, serve
from argosy.desk.dawn import Dawn, Kept, _ready
from argosy.desk.run import Desk
from argosy.desk.warm import past, volumes
from argosy.net.secret import Secret
from argosy.venues.alpaca.history import History
from tests.desk.berth import asked, berth, says, wants
from tests.desk.harbour import KEY, SECRET, Harbour


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


# -- what ends it, and what does not -----------------------------------------------------------------------------------------


def test_without_a_symbol_it_does_not_begin(harbour: Harbour) -> None:
    with pytest.raises(Misconfigured, match="DESK_SYMBOLS"):
        asyncio.run(Desk(asked(harbour, {"one": wants(1)}, symbols=[])).run())


def test_against_a_broker_a_clock_that_is_wrong_by_seconds_ends_it(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    """The door is that of paper money, whose broker is not here: what it would say of the time is said in its place."""
    desk = Desk(asked(harbour, {"one": wants(1)}))
    apart = [0]

    async def hours(door: Any) -> quay.Hours:
        return quay.Hours(time.time_ns() + apart[0], True, 0, 0)

    monkeypatch.setattr(quay, "hours", hours)

    async def look() -> None:
        door = quay.door("paper", "", Secret("PKTEST"), Secret("x"))
        try:
            assert (await desk._time(door)).open and abs(desk.clock.offset_ns) < SECOND
            for apart[0] in (3 * SECOND, -3 * SECOND):
                with pytest.raises(Misconfigured, match=r"CLOCK_OFFSET.*3\.00 s"):
                    await desk._time(door)
        finally:
            await door.close()

    asyncio.run(look())


def test_a_heartbeat_that_cannot_be_written_ends_the_desk_by_name(harbour: Harbour) -> None:
    """Its watchdog finds it silent and gets the account out of risk; that the last beat cannot be written either is no other end."""

    async def life() -> None:
        async with berth(harbour, {"one": wants(2)}) as desk:
            await desk.until(lambda: desk.lots() == 2)
            desk.node.folder.heartbeat.with_name("heartbeat.new").mkdir()
            assert await asyncio.wait_for(desk.running, 10) == 1
            assert "LOOP_DIED" in desk.alarms and desk.node.ended.startswith("the heartbeat loop died: IsADirectoryError")
            assert desk.said[-1] == ("ended", {"why": desk.node.ended, "status": 1}) and "Is a directory" in desk.told("no last heartbeat")["why"]
            last = heartbeat.read(desk.node.folder.heartbeat)
            assert last is not None and last.state != heartbeat.ENDED

    asyncio.run(life())


def test_a_disk_that_does_not_answer_reduces_and_is_told_once(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(2)}) as desk:
            await desk.until(lambda: desk.lots() == 2)
            desk.node.journal.stall_ns = -1  # as if every sync were too slow
            await desk.until(lambda: desk.state.level == latch.REDUCE)
            await asyncio.sleep(1.2)
            assert desk.alarms.count("JOURNAL_STALL") == 1 and desk.state.level_cause == "JOURNAL_STALL"
            desk.node.journal.stall_ns = 2 * SECOND
            await asyncio.sleep(1.1)
            desk.node.journal.stall_ns = -1
            await desk.until(lambda: desk.alarms.count("JOURNAL_STALL") == 2)
            desk.node.journal.stall_ns = 2 * SECOND
            assert await desk.stop() == 0

    asyncio.run(life())


def test_a_slow_disk_holds_up_no_order_and_one_that_hangs_lets_nothing_but_exits_out(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sync takes 0.7 s: orders go and fill meanwhile. Then one does not come back: no entry, the exit goes, nothing is lost."""
    wanted, answers, sync = [0], threading.Event(), os.fdatasync
    answers.set()

    def slow(fd: int) -> None:
        time.sleep(0.7)
        assert answers.wait(30)
        sync(fd)

    async def life() -> None:
        code = says(lambda quote, book, calls: Target(0, lots=wanted[0], why="as told") if quote.instrument == 0 else None)
        async with berth(harbour, {"one": code}) as desk:
            monkeypatch.setattr("argosy.store.syncer.os.fdatasync", slow)
            gaps: list[float] = []

            async def ticks() -> None:
                while True:
                    begun = time.monotonic()
                    await asyncio.sleep(0.005)
                    gaps.append(time.monotonic() - begun)

            ticking = asyncio.ensure_future(ticks())
            for lots in (2, 4, 6):
                wanted[0] = lots
                await asyncio.to_thread(harbour.quote, 100.00, 100.02)
                await desk.until(lambda: desk.lots() == wanted[0])
            assert max(gaps) < 0.6, "the loop waited for the disk"
            ticking.cancel()
            assert not desk.state.level
            answers.clear()
            wanted[0] = 8
            await asyncio.to_thread(harbour.quote, 100.00, 100.02)
            await desk.until(lambda: desk.state.level == latch.REDUCE)
            assert desk.alarms.count("JOURNAL_STALL") == 1 and desk.lots() == 8
            wanted[0] = 20
            await asyncio.to_thread(harbour.quote, 100.00, 100.02)
            await desk.until(lambda: desk.state.counters.refusals)
            assert desk.lots() == 8 and harbour.held() == 8
            wanted[0] = 0
            await asyncio.to_thread(harbour.quote, 100.00, 100.02)
            await desk.until(lambda: desk.lots() == 0)
            answers.set()
            assert await desk.stop() == 0
            desk.equal()
            assert desk.node.journal.durable == desk.node.journal.seq

    asyncio.run(life())


def test_a_market_stream_that_is_mute_is_opened_anew(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(2)}, mute_s=1.0) as desk:
            await desk.until(lambda: desk.lots() == 2)
            turns = desk.node.streams["market"].turns
            harbour.ctl("ws", mute="data")
            try:
                await desk.until(lambda: "STREAM_MUTE" in desk.alarms and desk.node.streams["market"].turns > turns, 8)
            finally:
                harbour.ctl("ws", mute=False)
            assert any("market stream has been open and silent" in told.text for told in desk.node.alarms)
            assert await desk.stop() == 0
            desk.equal()

    asyncio.run(life())


def test_what_could_not_be_closed_at_the_end_is_told_loudly(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.desk.run.GOODBYE_S", 0.1)

    async def life() -> None:
        async with berth(harbour, {"one": wants(6, protection=Protection(stop=90.0))}, shutdown="flatten") as desk:
            await desk.until(lambda: desk.lots() == 6)
            harbour.ctl("halt", symbol="AAPL")
            assert await desk.stop() == 0
            assert ("alarm", "NOT_FLAT") in [(what, more.get("code")) for what, more in desk.said] and harbour.held() == 6

    asyncio.run(life())


def test_a_day_that_ends_brings_the_sessions_of_those_that_come(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(1)}) as desk:
            sessions = desk.node.sessions
            soon = desk.node.clock.now() + 2 * DAY
            sessions._days = {calendar: [day for day in days if day.closes < soon] for calendar, days in sessions._days.items()}
            await desk.until(lambda: sessions.known_until > desk.node.clock.now() + 3 * DAY)

    asyncio.run(life())


# -- saved states, and a start on them ---------------------------------------------------------------------------------------


def test_a_start_on_a_saved_state_reads_no_record_from_before_the_run_that_saved_it(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lives on one journal: the third knows what the first did without its records, and trades on with equal books."""
    monkeypatch.setattr("argosy.desk.run.SAVE_EVERY", 10)
    started: list[tuple[int, int]] = []
    real = Dawn._told

    def told(self: Dawn, engine: Any) -> Any:
        found = real(self, engine)
        started.append((found[0][0][0] if found[0] else 0, found[4].upto if found[4] is not None else 0))
        return found

    monkeypatch.setattr(Dawn, "_told", told)

    def script(quote: Any, book: Any, calls: list[int]) -> Any:
        if quote.instrument == 0:
            return Target(0, lots=3 * (round(quote.bid * 100) % 2), why="by the cent")  # it keeps nothing in mind
        return Ladder(1, (Rung("low", BUY, 150.0, 3),), why="deep")

    async def life() -> None:
        harbour.ctl("quote", symbol="AAPL", walk=True)
        harbour.ctl("quote", symbol="MSFT", walk=True)
        ends = []
        for n in range(3):
            async with berth(harbour, {"both": says(script)}) as desk:
                saved, fills = desk.node.journal.snapshots, len(harbour.account.activities)
                before = set(saved.files())
                await desk.until(lambda fills=fills: len(harbour.account.activities) >= fills + 2)  # type: ignore[misc]
                await desk.until(lambda saved=saved, before=before: set(saved.files()) - before)  # type: ignore[misc]
                ends.append(desk.node.journal.seq)
                if n == 1:  # this one is killed
                    desk.running.cancel()
                    await asyncio.gather(desk.running, return_exceptions=True)
                else:
                    assert await desk.stop() == 0
                    desk.equal()
        assert started[0] == (0, 0)
        assert started[1] == (1, 0), "the first run knew nothing from before it"
        assert started[2][0] == started[2][1] >= ends[0], "the third reads on from where the second began"

    asyncio.run(life())


def test_a_state_that_was_saved_before_knows_nothing_of_the_venue_and_all_is_read() -> None:
    import msgspec

    old = msgspec.msgpack.encode(([(0, 60, 5)], b"engine"))
    assert msgspec.msgpack.decode(old, type=Kept) == Kept([(0, 60, 5)], b"engine", b"")


def test_a_recording_that_is_shorter_than_the_journal_knows_ends_the_start(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(2)}) as desk:
            await desk.until(lambda: desk.lots() == 2 and desk.state.rows > 2)
            assert await desk.stop() == 0
        for path in home.glob("desks/*/rows/*"):
            if path.is_file():
                path.unlink()
        with pytest.raises(Broken, match=r"ROWS_MISSING|ROWS_SHORT"):
            async with berth(harbour, {"one": wants(2)}):
                pass

    asyncio.run(life())


def test_orders_that_never_left_are_sent_by_the_next_run_under_their_own_names(harbour: Harbour) -> None:
    going = [False]

    def script(quote: Any, book: Any, calls: list[int]) -> Any:
        return Target(0, lots=3, why="now") if going[0] and quote.instrument == 0 else None

    async def life() -> None:
        async with berth(harbour, {"one": says(script)}) as desk:
            desk.node.perform.submit = lambda approved: None  # killed between the journal and the socket
            going[0] = True
            await desk.until(desk.open)
            (late,) = [ticket.order.id for ticket in desk.open()]
            desk.running.cancel()
            await asyncio.gather(desk.running, return_exceptions=True)
        assert harbour.client_ids() == []
        async with berth(harbour, {"one": says(script)}) as desk:
            await desk.until(lambda: desk.lots() == harbour.held() == 3)
            assert harbour.client_ids() == [client_order_id("ARGO", late)]

    asyncio.run(life())


# -- history and streams that do not come ------------------------------------------------------------------------------------


def test_bars_that_are_none_are_left_out_and_a_silent_history_is_no_history(harbour: Harbour) -> None:
    async def look() -> None:
        door = quay.door("sim", harbour.server.url, Secret(KEY), Secret(SECRET))
        try:
            now = (await quay.hours(door)).now
            row = {"t": "2026-11-02T05:00:00Z", "o": 1, "h": 2, "l": 1, "c": 2, "v": 100}
            bad = [{"t": "never"}, {**row, "o": None}, {**row, "v": "many"}]
            body = {"bars": {"AAPL": [*bad, row, {**row, "t": "2026-11-03T05:00:00Z", "v": 300}], "OTHER": [row]}, "next_page_token": None}
            harbour.ctl("fault", method="GET", path="/v2/stocks/bars", status=200, body=body, times=1)
            (fact,) = await volumes(door.history, ("AAPL",), now)
            assert (fact.instrument, fact.value) == (0, 200.0)
            harbour.ctl("fault", method="GET", path="/v2/stocks/bars", status=403, times=2)
            for ask in (volumes(door.history, ("AAPL",), now), past(door.history, {(0, DAY): 20}, ("AAPL",), (), now, seen={})):
                with pytest.raises(Retry, match="HISTORY_SILENT"):
                    await ask
            assert await past(door.history, {(0, DAY): 20}, ("AAPL",), (), now, seen={(0, DAY): now}) == []
        finally:
            await door.close()

    asyncio.run(look())


def test_a_history_that_comes_late_is_waited_for_and_one_that_never_comes_ends_the_start(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [1]
    real = History.all

    async def all_(self: History, what: str, *words: Any, **named: Any) -> Any:
        if silent[0]:
            silent[0] -= 1
            raise Retry("HISTORY_SILENT", "not yet")
        return await real(self, what, *words, **named)

    monkeypatch.setattr(History, "all", all_)

    async def life() -> None:
        async with berth(harbour, {"one": wants(1)}) as desk:
            assert silent == [0] and desk.state.level == 0
        monkeypatch.setattr("argosy.desk.dawn.PATIENCE_S", 0.1)
        silent[0] = 1_000
        with pytest.raises(Retry, match="HISTORY_SILENT"):
            async with berth(harbour, {"one": wants(1)}):
                pass

    asyncio.run(life())


def test_a_stream_that_does_not_come_up_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.desk.dawn.STREAM_S", 0.05)

    async def never() -> None:
        await _ready(asyncio.Event().wait, "market")

    with pytest.raises(Retry, match=r"STREAM_SILENT.*the market stream did not come up in 0\.05 s"):
        asyncio.run(never())


# -- as a process does it ------------------------------------------------------------------------------------------------------


def served(harbour: Harbour, **named: Any) -> tuple[int, list[tuple[str, Mapping[str, Any]]]]:
    said: list[tuple[str, Mapping[str, Any]]] = []
    status = serve.serve(asked(harbour, {"one": wants(2)}), lambda what, more: said.append((what, more)), **named)
    return status, said


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_it_ends_by_itself_when_its_time_is_over_and_tells_how_it_stands(harbour: Harbour, monkeypatch: pytest.MonkeyPatch, loop: str) -> None:
    if loop == "asyncio":
        monkeypatch.setitem(__import__("sys").modules, "uvloop", None)
    status, said = served(harbour, every_s=0.1, for_s=1.2)
    words = [what for what, _ in said]
    assert status == 0 and said[-1] == ("ended", {"why": "its time is over", "status": 0})
    assert "status" in words and words.index("status") > words.index("trading")
    assert next(more for what, more in reversed(said) if what == "status")["positions"][0]["lots"] == 2


def test_told_to_end_before_it_trades_it_just_ends(harbour: Harbour) -> None:
    harbour.ctl("fault", method="GET", path="/v2/account", delay=1.5, times=1)
    status, said = served(harbour, for_s=0.3)
    assert (status, said) == (0, []) and not harbour.client_ids()


def test_a_drill_that_names_no_place_is_refused(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(serve.CRASH, ":3")
    with pytest.raises(Misconfigured, match="CRASH_POINT"):
        served(harbour)
    assert points.hook is None


def test_a_folder_says_what_its_desk_traded_and_another_says_that_it_does_not(harbour: Harbour, tmp_path: Path) -> None:
    async def life() -> Path:
        async with berth(harbour, {"one": wants(1)}) as desk:
            return Path(desk.node.folder.root)

    root = asyncio.run(life())
    plate = nameplate.read(root)
    assert [row.symbol for row in plate.instruments] == ["AAPL", "MSFT"] and plate.base == "USD" and set(plate.exits) < set(plate.rules)
    for wrong in (tmp_path / "nowhere", root):
        if wrong == root:
            (root / nameplate.NAME).write_text(json.dumps({"base": 3}))
        with pytest.raises(Misuse, match="DESK_PLATE"):
            nameplate.read(wrong)
