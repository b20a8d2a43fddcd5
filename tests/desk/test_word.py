"""The owner's word over the socket: each does what it says on a real exchange, and is refused with a code where it cannot."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argosy.core.errors import Misuse
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY
from argosy.desk import latch
from argosy.desk.folder import Folder
from argosy.desk.inbox import Inbox, ask
from argosy.desk.status import Status
from tests.desk.berth import berth, says, wants
from tests.desk.harbour import Harbour


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


def rungs_and_stop(quote: Any, book: Any, calls: list[int]) -> Any:
    if quote.instrument == 1:
        return Ladder(1, (Rung("low", BUY, 150.0, 3),), why="deep")
    return Target(0, lots=4, why="now", protection=Protection(stop=90.0))


def test_halt_takes_back_what_enlarges_and_leaves_stops_and_resume_leads_out(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"both": says(rungs_and_stop)}) as desk:
            await desk.until(lambda: len(harbour.resting()) == 2 and desk.lots() == 4)
            for silent in ("", "  "):
                with pytest.raises(Misuse, match="COMMAND_REASON"):
                    await desk.ask("halt", reason=silent)
            assert desk.state.level == 0
            assert (await desk.ask("halt", reason="a look", by="ann"))["level"] == 2
            await desk.until(lambda: len(harbour.resting()) == 1)
            assert harbour.account.open()[0].stop == 90.0
            told = (await desk.ask("status"))["status"]
            assert (told["level"], told["cause"]) == ("HALT", "a look")
            assert any(row["what"] == "halt by ann" and row["why"] == "a look" for row in told["decisions"])
            await desk.until(lambda: (found := latch.read(desk.node.folder.latch)) is not None and found.level == 2)
            with pytest.raises(Misuse, match="COMMAND_REASON"):
                await desk.ask("resume")
            assert desk.state.level == 2
            assert (await desk.ask("resume", reason="all is well"))["before"] == 2
            assert desk.state.level == -1 and latch.read(desk.node.folder.latch) is None
            await desk.until(lambda: desk.state.level == 0)  # after as many clean comparisons as PROBE waits for
            desk.equal()

    asyncio.run(life())


def test_a_halt_outlives_the_process(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(3)}) as desk:
            await desk.until(lambda: desk.lots() == 3)
            await desk.ask("halt", reason="for the night")
            await desk.stop()
        async with berth(harbour, {"one": wants(5)}) as desk:
            assert desk.state.level == 2 and desk.state.level_cause == "for the night"
            await asyncio.sleep(0.4)
            assert desk.lots() == 3 == harbour.held()

    asyncio.run(life())


def test_a_latch_that_another_process_wrote_is_obeyed_within_a_second(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(3)}) as desk:
            latch.write(desk.node.folder.latch, latch.HALT, "silent", "watchdog", 1)
            await desk.until(lambda: desk.state.level == 2, 2.0)
            assert desk.state.level_cause == "silent"
            latch.write(desk.node.folder.latch, latch.DARK, "enough", "watchdog", 2)
            assert await asyncio.wait_for(desk.running, 10) == 0
            assert desk.node.ended == "DARK: enough"

    asyncio.run(life())


def test_flatten_of_a_symbol_a_strategy_and_all(harbour: Harbour) -> None:
    def both(quote: Any, book: Any, calls: list[int]) -> Any:
        return Target(quote.instrument, lots=4, why="held", protection=Protection(stop=round(quote.bid * 0.9, 2)))

    async def life() -> None:
        async with berth(harbour, {"a": says(both), "b": says(both)}) as desk:
            await desk.until(lambda: desk.lots(0) == desk.lots(1) == 8 and len(harbour.resting()) == 2)
            await desk.ask("flatten", reason="out of it", instrument="AAPL")
            await desk.until(lambda: harbour.held(0) == 0 and desk.lots(0) == 0)
            assert desk.lots(1) == 8
            assert (await desk.ask("flatten", reason="b out", strategy="b"))["strategies"] == {"b": "paused"}
            await desk.until(lambda: desk.lots(1) == 4 == harbour.held(1))
            assert desk.lots(1, "a") == 4 and desk.lots(1, "b") == 0
            await desk.ask("flatten", reason="all out")
            await desk.until(lambda: harbour.held(1) == 0 and not harbour.resting() and not desk.open())
            assert desk.state.level == 3
            desk.equal()

    asyncio.run(life())


def test_pause_lets_a_strategy_rest_and_resume_wakes_it(harbour: Harbour) -> None:
    def more(quote: Any, book: Any, calls: list[int]) -> Any:
        return Target(0, lots=len(calls), why="more") if quote.instrument == 0 else None

    async def life() -> None:
        async with berth(harbour, {"one": says(more), "two": wants(1)}) as desk:
            await desk.until(lambda: desk.lots(0, "one") >= 2)
            assert (await desk.ask("pause", reason="coffee", strategy="one"))["strategies"] == {"one": "paused"}
            await desk.until(lambda: not any(t.order.shares[0].strategy == "one" for t in desk.open()))
            held = desk.lots(0, "one")
            await asyncio.sleep(0.5)
            assert desk.lots(0, "one") == held and desk.state.status["two"] == "active"
            await desk.ask("unpause", reason="back", strategy="one")
            await desk.until(lambda: desk.lots(0, "one") > held)
            assert (await desk.ask("pause", reason="all"))["strategies"] == {"one": "paused", "two": "paused"}
            assert (await desk.ask("unpause", reason="all"))["strategies"] == {"one": "active", "two": "active"}

    asyncio.run(life())


def test_a_cancelled_order_does_not_come_again(harbour: Harbour) -> None:
    async def life() -> None:
        def once(quote: Any, book: Any, calls: list[int]) -> Any:
            return rungs_and_stop(quote, book, calls) if calls.count(quote.instrument) == 1 else None

        async with berth(harbour, {"both": says(once)}) as desk:
            await desk.until(lambda: len(harbour.resting()) == 2 and desk.lots() == 4)
            rows = {row["tag"]: row for row in (await desk.ask("status"))["status"]["orders"]}
            assert rows["rung:low"]["client_id"] in harbour.client_ids() and rows["rung:low"]["limit"] == 150.0
            with pytest.raises(Misuse, match="ORDER_PROTECTS"):
                await desk.ask("cancel", order=str(rows["stop"]["id"]), reason="no")
            with pytest.raises(Misuse, match="ORDER_UNKNOWN"):
                await desk.ask("cancel", order="ARGOZZZZ", reason="no")
            assert (await desk.ask("cancel", order=rows["rung:low"]["client_id"], reason="too deep"))["orders"] == [rows["rung:low"]["id"]]
            await desk.until(lambda: len(harbour.resting()) == 1)
            sent = len(harbour.client_ids())
            await asyncio.sleep(0.5)
            assert len(harbour.client_ids()) == sent
            desk.equal()

    asyncio.run(life())


def test_stop_and_status_and_what_is_no_word(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(2, protection=Protection(stop=90.0))}) as desk:
            await desk.until(lambda: desk.lots() == 2 and len(desk.open()) == 1)
            answer = await desk.ask("status")
            told = msgspec.convert(answer["status"], Status)
            assert (told.mode, told.state, told.level, told.desk) == ("sim", "trading", "LIVE", "ARGO")
            (position,) = told.positions
            assert (position.symbol, position.lots, position.qty, position.by_strategy) == ("AAPL", 2, 2.0, {"one": 2})
            assert position.average == pytest.approx(100.02) and position.value == pytest.approx(2 * position.mark)
            assert position.pnl == pytest.approx(position.value - 200.04, abs=1e-6)
            assert told.equity == pytest.approx(told.cash + position.value) and told.day_pnl == pytest.approx(position.pnl, abs=1e-6)
            assert [(row.tag, row.side, row.stop) for row in told.orders] == [("stop", "sell", 90.0)]
            assert {flow.name: flow.up for flow in told.streams} == {"account": True, "market": True}
            assert told.gauges[0].limit == pytest.approx(0.02) and told.gauges[1].limit == pytest.approx(0.1)
            assert told.journal["seq"] == desk.node.journal.seq and len(told.journal["chain"]) == 32
            for word, code in (
                (b"{}", "INBOX_LINE"), (b"nonsense", "INBOX_LINE"), (b'{"verb":"dance"}', "VERB_UNKNOWN"),
                (b'{"verb":"retire","reason":"x"}', "STRATEGY_NAME"), (b'{"verb":"pause","strategy":"x","reason":"y"}', "STRATEGY_UNKNOWN"),
                (b'{"verb":"flatten","instrument":"XX","reason":"y"}', "INSTRUMENT_UNKNOWN"),
                (b'{"verb":"resume","reason":"y"}', "LEVEL_CLEAR"), (b'{"verb":"reload"}', "RELOAD"),
            ):  # fmt: skip
                said = await asyncio.to_thread(_raw, desk.node.folder.inbox, word)
                assert said["ok"] is False and said["code"] == code and said["text"], word
            assert stat.S_IMODE(desk.node.folder.inbox.stat().st_mode) == 0o600
            await desk.ask("stop", reason="enough", by="ann")
            assert await asyncio.wait_for(desk.running, 10) == 0
            assert desk.node.ended == "stopped by ann: enough" and not desk.node.folder.inbox.exists()
            with pytest.raises(Misuse, match="DESK_NOT_RUNNING"):
                await desk.ask("status")

    asyncio.run(life())


def _raw(path: Path, line: bytes) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect(str(path))
        one.sendall(line + b"\n")
        return json.loads(one.makefile().readline())


def test_a_long_folder_has_its_socket_elsewhere_and_a_dead_one_is_taken_over(tmp_path: Path) -> None:
    deep = Folder(tmp_path / ("x" * 60) / ("y" * 60)).make()
    assert len(os.fsencode(deep.inbox)) < 100 and deep.inbox.parent != deep.root
    assert Folder(deep.root).inbox == deep.inbox != Folder(tmp_path / ("x" * 60) / ("z" * 60)).inbox
    assert Folder(tmp_path).inbox == tmp_path / "inbox.sock"

    async def life() -> None:
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(deep.inbox))
        dead.close()
        box = Inbox(deep.inbox, {"hello": _hello})
        await box.open()
        assert await asyncio.to_thread(ask, deep.inbox, "hello", 5.0, name="ann") == {"ok": True, "hello": "ann"}
        with pytest.raises(Misuse, match="DESK_RUNS"):
            await Inbox(deep.inbox, {}).open()
        await box.close()
        assert not deep.inbox.exists()

    asyncio.run(life())


async def _hello(said: Any) -> Any:
    return {"hello": said["name"]}
