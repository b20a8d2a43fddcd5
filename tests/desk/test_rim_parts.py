"""The small parts around a desk, each when its file, its socket or its process is not as it should be."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from argosy.core.errors import Misconfigured, Misuse
from argosy.core.events import Quote
from argosy.core.intents import Protection, Target, Twap
from argosy.core.time import SECOND
from argosy.desk import folder as folders
from argosy.desk import latch, watchdog
from argosy.desk.folder import Folder, of
from argosy.desk.heartbeat import ENDED, Heart, read
from argosy.desk.inbox import LONGEST, Inbox, answers, ask
from argosy.desk.log import Log
from argosy.desk.watchdog import Watchdog, gone, seen, start
from argosy.exchange.server import Server
from tests.desk.berth import berth, says, wants
from tests.desk.emergency import account, client, desk, exchange, live, order, until
from tests.desk.harbour import Harbour


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


# -- folders ------------------------------------------------------------------------------------------------------------------


def test_where_the_house_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert folders.desks() == tmp_path / "desks"
    monkeypatch.delenv("ARGOSY_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere")
    assert folders.home() == Path("/somewhere/argosy")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert folders.home() == Path("/home/ann/.config/argosy")


@pytest.mark.parametrize(("mode", "number"), [("sim", "../PA1"), ("sim", ""), ("si m", "PA1"), ("-x", "PA1"), ("sim", "x" * 65)])
def test_a_folder_has_a_plain_name(mode: str, number: str) -> None:
    with pytest.raises(Misuse, match="DESK_NAME"):
        of(mode, number)
    assert of("sim", "PA1").root.name == "sim-PA1"


def test_a_folder_that_cannot_be_made_or_whose_sockets_others_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misuse, match=r"DESK_FOLDER.*Not a directory") as caught:
        Folder(tmp_path / "file" / "desk").make()
    assert "ARGOSY_HOME" in caught.value.fix
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    deep = Folder(tmp_path / ("x" * 60) / ("y" * 60))
    assert deep.inbox.parent == tmp_path / f"argosy-{os.getuid()}"
    deep.inbox.parent.mkdir()
    deep.inbox.parent.chmod(0o755)
    with pytest.raises(Misuse, match="somebody else can read"):
        deep.make()
    deep.inbox.parent.chmod(0o700)
    assert deep.make().doctor.is_dir()


def test_without_the_logs_library_the_fix_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "structlog", None)
    with pytest.raises(Misconfigured, match=r"LOG_MISSING.*pip install 'argosy\[desk\]'"):
        Log(tmp_path / "log.jsonl")


# -- the inbox ----------------------------------------------------------------------------------------------------------------


async def _hello(said: Any) -> Any:
    return {"hello": "you"}


def test_whoever_says_too_much_or_goes_away_does_not_disturb_the_others(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sock"

    def much() -> bytes:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(str(path))
            try:
                line.sendall(b"x" * (2 * LONGEST))
                return line.recv(10)
            except ConnectionError:
                return b""

    def away() -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(path))
            line.sendall(b'{"verb": "hello"}\n{"verb"')

    async def life() -> None:
        box = Inbox(path, {"hello": _hello})
        await box.close()  # never opened
        assert not answers(path)
        await box.open()
        assert answers(path) and await asyncio.to_thread(much) == b""
        await asyncio.to_thread(away)
        assert await asyncio.to_thread(ask, path, "hello", 5.0) == {"ok": True, "hello": "you"}
        await box.close()
        assert not path.exists()

    asyncio.run(life())


@contextmanager
def listener(path: Path, answer: bytes | None) -> Iterator[None]:
    """Somebody who takes a line and answers so, or not at all (None)."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen(1)
        over = threading.Event()

        def talk() -> None:
            line, _ = door.accept()
            with line:
                line.recv(1000)
                if answer is None:
                    over.wait(5)
                else:
                    line.sendall(answer)

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(5)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (None, "DESK_SILENT", "did not answer in 0.2 s"),
        (b"", "DESK_SILENT", "went away"),
        (b"[]\n", "DESK_SILENT", "went away"),
        (b'{"ok": false, "code": "NO_SUCH", "text": "no", "fix": "yes"}\n', "NO_SUCH", "no"),
    ],
)
def test_a_desk_that_hangs_or_dies_while_it_is_asked(tmp_path: Path, answer: bytes | None, code: str, said: str) -> None:
    path = tmp_path / "i"
    with listener(path, answer), pytest.raises(Misuse, match=said) as caught:
        ask(path, "status", 0.2)
    assert caught.value.code == code
    with pytest.raises(Misuse, match="DESK_NOT_RUNNING"):
        ask(path, "status", 0.2)
    assert not answers(path) and path.exists()  # a dead one's socket stays, and nobody listens there


# -- the owner's words -----------------------------------------------------------------------------------------------------------


def test_words_that_change_nothing_leave_everything_as_it_was(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(2, protection=Protection(stop=90.0)), "two": says(lambda *_: None)}) as here:
            await here.until(lambda: here.lots() == 2 and len(here.open()) == 1)
            seq = len(harbour.client_ids())
            assert (await here.ask("cancel", reason="none rests"))["orders"] == []  # a stop is no entry
            assert len(here.open()) == 1 and len(harbour.client_ids()) == seq
            assert (await here.ask("pause", strategy="two", reason="rest"))["strategies"] == {"two": "paused"}
            assert (await here.ask("unpause", reason="all of them"))["strategies"] == {"one": "active", "two": "active"}
            verbs = [row.what for row in here.desk.status().decisions if row.what.startswith("unpause")]
            assert len(verbs) == 1, "who was awake is not woken"

    asyncio.run(life())


def test_what_was_decided_is_told_in_words(harbour: Harbour) -> None:
    def script(quote: Any, book: Any, calls: list[int]) -> Any:
        if quote.instrument == 1:
            return Target(1, lots=5, execution=Twap(60 * SECOND, 6), why="slowly")
        return Target(0, lots=9, why="many")

    async def life() -> None:
        async with berth(harbour, {"one": says(script)}, limits={"order_size": {"max_lots": 4, "trim": True}}) as here:
            await here.until(lambda: here.lots() >= 4 and {row.symbol for row in here.desk.status().decisions} == {"AAPL", "MSFT"})
            rows = here.desk.status().decisions
            told = {row.symbol: [one.what for one in rows if one.symbol == row.symbol] for row in rows}
            assert "wants 9" in told["AAPL"] and any("buy 9, of which 4 may go" in what for what in told["AAPL"]), told
            assert any(what.startswith("bought 4 at 100.02") for what in told["AAPL"]), told
            assert told["MSFT"] == ["EXECUTION_TAPE: it came to no size"], told
            assert all(row.at > 0 and (row.strategy == "one" or row.what.startswith("bought")) for row in rows)

    asyncio.run(life())


def test_rows_that_came_after_the_last_decision_are_lived_again_and_their_wish_is_wanted(harbour: Harbour) -> None:
    going = [False]

    def script(quote: Any, book: Any, calls: list[int]) -> Any:
        return Target(0, lots=3, why="now") if going[0] and quote.instrument == 0 else None

    async def life() -> None:
        harbour.ctl("quote", symbol="AAPL", walk=True)
        async with berth(harbour, {"one": says(script)}) as here:
            rows = here.node.rows
            await here.until(lambda: here.node.rows > rows + 5)
            here.running.cancel()
            await asyncio.gather(here.running, return_exceptions=True)
        going[0] = True  # it would have wanted, and died
        async with berth(harbour, {"one": says(script)}) as here:
            assert here.told("compared")["rested"] > 0
            await here.until(lambda: here.lots() == 3)

    asyncio.run(life())


@pytest.mark.parametrize("traded", [True, False])
def test_what_was_lost_with_one_desk_is_no_difference_to_the_one_after_the_next(harbour: Harbour, traded: bool) -> None:
    """The first dies between the row and what was wanted of it, the second before or after it trades that; the third relives both."""

    def script(quote: Any, book: Any, calls: list[int]) -> Any:
        return Target(0, lots=3, why=f"at last, {len(calls)}") if quote.instrument == 0 and calls.count(0) == 12 else None

    async def life() -> None:
        harbour.ctl("quote", symbol="AAPL", walk=True)
        async with berth(harbour, {"one": says(script)}) as here:
            step, quotes = here.node.engine.step, [0]

            def dies(event: Any) -> Any:
                quotes[0] += type(event) is Quote and event.instrument == 0
                if quotes[0] < 12:
                    return step(event)
                here.running.cancel()
                return ()

            here.node._step = dies
            await asyncio.gather(here.running, return_exceptions=True)
        async with berth(harbour, {"one": says(script)}) as here:
            assert here.told("compared")["rested"] > 0 and here.state.wishes["one", 0].lots == 3 and here.lots() == 0
            if traded:
                await here.until(lambda: here.lots() == 3)
            here.running.cancel()
            await asyncio.gather(here.running, return_exceptions=True)
        async with berth(harbour, {"one": says(script)}) as here:
            assert here.state.status == {"one": "active"}, here.alarms
            await here.until(lambda: here.lots() == 3)

    asyncio.run(life())


def test_a_broker_that_refuses_to_tell_the_positions_once_only_delays_the_start(harbour: Harbour) -> None:
    harbour.ctl("fault", method="GET", path="/v2/positions", status=403, after=1, times=2)

    async def life() -> None:
        async with berth(harbour, {"one": wants(2)}) as here:
            assert here.desk.rounds is not None and here.desk.rounds.failed["whole"] >= 1
            await here.until(lambda: here.lots() == 2)

    asyncio.run(life())


# -- the watchdog ------------------------------------------------------------------------------------------------------------------


def dog(server: Server, folder: Folder, **named: Any) -> tuple[Watchdog, list[str]]:
    told: list[str] = []
    made = Watchdog(folder, client(server), mode="sim", silence_s=0.4, told=lambda severity, word, numbers: told.append(word), **named)
    return made, told


def test_a_desk_that_ends_in_order_while_it_is_guarded_ends_the_watch(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "GUARD_S", 0.05)
    folder = Folder(home / "sim-PA1")

    async def life(server: Server, process: Any) -> None:
        made, told = dog(server, folder)
        running = asyncio.ensure_future(made.run())
        while made.state != "watching":
            await asyncio.sleep(0.02)
        os.kill(process.pid, signal.SIGSTOP)
        while made.state != "guarding":
            await asyncio.sleep(0.02)
        folder.heartbeat.unlink()  # nor does a file that is taken away end the watch over a process that lives
        await asyncio.sleep(0.3)
        assert made.state == "guarding" and not running.done()
        late = order(server, "BBB", "buy", 1, "limit", limit_price="40")
        while late["id"] in [row["id"] for row in live(server)]:
            await asyncio.sleep(0.02)
        assert "not clean any more" in told
        Heart(folder.heartbeat, lambda: 7).end(latch.HALT)
        assert await asyncio.wait_for(running, 5) == 0 and made.said == "the desk ended"

    with exchange() as server, desk(folder) as process:
        asyncio.run(life(server, process))


def test_a_broker_is_proved_again_and_said_only_when_it_changes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PROVE_S", 0.05)
    folder = Folder(home)

    async def life(server: Server) -> None:
        made, told = dog(server, folder)
        running = asyncio.ensure_future(made.run())
        before = server.requests
        while server.requests < before + 4:
            await asyncio.sleep(0.02)
        assert told.count("the broker answers") == 1 and made.reaches

        async def broken(deadline_s: float = 1.0) -> Any:
            raise RuntimeError("a bug of ours")

        made.client.account = broken  # type: ignore[method-assign]
        while "proving died" not in told:
            await asyncio.sleep(0.02)
        assert made.reaches is False and not running.done(), "it watches on"
        made.stopping.set()
        assert await asyncio.wait_for(running, 5) == 0

    with exchange() as server:
        asyncio.run(life(server))


def test_without_keys_in_hand_it_finds_them_as_the_desk_does(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(home / "sim-PA1")
    with exchange() as server, desk(folder):
        for name, value in (("ALPACA_API_KEY", "PKSIM"), ("ALPACA_SECRET_KEY", "secret")):
            monkeypatch.setenv(name, value)
        process = start(folder, mode="sim", account=account(server), base=server.url)
        until(lambda: (found := seen(folder)) is not None and found.reaches)
        process.terminate()
        assert process.wait(10) == 0 and process.stdin is None


def test_what_cannot_be_written_down_is_said_aloud(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watchdog.log(Folder(home / "nowhere"), "sim", "PA1", aloud=False)("page", "acting", {"orders": 3})
    assert "page sim acting orders=3" in capsys.readouterr().err
    watchdog.log(Folder(home), "sim", "PA1", aloud=False)("page", "acting", {"orders": 3})
    assert capsys.readouterr().err == "" and '"event": "acting"' in (home / "watchdog.jsonl").read_text()


def test_a_process_of_another_user_lives_and_so_does_one_that_cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pid: int, number: int) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", forbidden)
        assert not gone(12)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", lambda path: (_ for _ in ()).throw(FileNotFoundError(path)))  # a system without /proc
        assert not gone(os.getpid())


def test_the_last_beat_of_a_heart_says_that_it_was_the_last(home: Path) -> None:
    heart = Heart(home / "heartbeat", time.time_ns)
    heart.beat(0)
    first = read(heart.path)
    heart.end(2)
    last = read(heart.path)
    assert first is not None and last is not None and (last.count, last.level, last.state) == (first.count + 1, 2, ENDED)
