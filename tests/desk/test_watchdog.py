"""The watchdog as a process of its own: a desk that is killed, stopped or stalled, on a real exchange, by real signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argosy.core.errors import Misuse
from argosy.desk import latch, watchdog
from argosy.desk.folder import Folder
from argosy.desk.heartbeat import ENDED, LIVES, STARTS, Beat, Heart, read
from argosy.desk.watchdog import Silence, Watchdog, gone, seen, start
from argosy.exchange.open import Wanted, opened
from argosy.exchange.server import Server
from argosy.venues.alpaca.client import Client
from tests.desk.emergency import (
    KEY,
    SECRET,
    account,
    client,
    control,
    desk,
    exchange,
    held,
    live,
    order,
    until,
)

ME = os.getpid()


def lives(pid: int) -> bool:
    return False


def dead(pid: int) -> bool:
    return True


# -- counting silence --------------------------------------------------------------------------------------------------


def looked(looks: list[tuple[float, Beat | None]], is_gone: Any = lives, silence_s: float = 3.0) -> list[str]:
    counter = Silence(silence_s)
    return [counter.look(now, beat, is_gone) for now, beat in looks]


def beat(count: int, state: str = LIVES, pid: int = 7) -> Beat:
    return Beat(pid, count, 0, 0, state)


def test_silence_is_counted_from_the_last_new_beat() -> None:
    looks = [(float(n), beat(min(n, 3))) for n in range(8)]
    assert looked(looks) == ["lives"] * 7 + ["silent"]


def test_a_file_that_is_gone_or_broken_is_silence_and_one_that_comes_back_is_life() -> None:
    looks: list[tuple[float, Beat | None]] = [(0, beat(1)), (1, beat(2)), (2, None), (3, None), (4, None), (5, None), (6, beat(3))]
    assert looked(looks) == ["lives"] * 5 + ["silent", "lives"]


def test_the_walls_time_counts_for_nothing() -> None:
    counter = Silence(3.0)
    for n in range(5):
        assert counter.look(float(n), Beat(7, 1, 10**18 * n, 0), lives) == ("silent" if n > 3 else "lives")


def test_what_was_never_alive_is_not_missed() -> None:
    assert looked([(0, None), (5, None), (10, None)]) == ["waiting"] * 3
    assert looked([(0, beat(9)), (1, beat(9)), (5, beat(9))], dead) == ["waiting"] * 3
    assert looked([(0, beat(9, ENDED)), (1, beat(9, ENDED)), (2, beat(9, ENDED))]) == ["waiting"] * 3


def test_a_new_desk_in_the_place_of_one_that_died_before_is_watched() -> None:
    counter = Silence(3.0)
    assert counter.look(0.0, beat(9), dead) == "waiting"
    assert counter.look(1.0, beat(1, pid=8), lives) == "lives"
    assert [counter.look(n, beat(1, pid=8), lives) for n in (2.0, 3.0, 4.0, 4.5)] == ["lives", "lives", "lives", "silent"]


def test_an_orderly_end_is_no_silence() -> None:
    assert looked([(0, beat(1)), (1, beat(2, ENDED))]) == ["lives", "ended"]


def test_a_desk_that_starts_may_take_its_time_while_it_lives() -> None:
    looks: list[tuple[float, Beat | None]] = [(float(n), beat(1, STARTS)) for n in range(62)]
    assert looked(looks) == ["lives"] * 61 + ["silent"]
    counter = Silence(3.0)
    assert counter.look(0.0, beat(1, STARTS), lives) == "lives"
    assert [counter.look(float(n), beat(1, STARTS), dead) for n in (1, 2, 3, 4)] == ["lives"] * 3 + ["silent"]


def test_a_watchdog_that_slept_itself_looks_again_before_it_acts() -> None:
    assert looked([(0, beat(1)), (1, beat(2)), (100, beat(2)), (101, beat(2)), (102, beat(2)), (102.9, beat(2))]) == ["lives"] * 6
    assert looked([(0, beat(1)), (1, beat(2)), (100, beat(2)), *((100 + n, beat(2)) for n in (1, 2, 3, 4))])[-1] == "silent"


# -- heartbeat and latch -----------------------------------------------------------------------------------------------


def test_a_heart_writes_what_is_read(tmp_path: Path) -> None:
    heart = Heart(tmp_path / "heartbeat", lambda: 5)
    assert read(heart.path) is None
    heart.beat(2)
    assert read(heart.path) == Beat(ME, 1, 5, 2, LIVES)
    heart.path.unlink()
    heart.end(0)
    assert read(heart.path) == Beat(ME, 2, 5, 0, ENDED)
    heart.path.write_bytes(b'{"pid": 1, "cou')
    assert read(heart.path) is None


def test_a_latch_rises_and_falls_only_for_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "desk" / "latch.json"
    assert latch.read(path) is None and latch.clear(path, "nothing there", "me", 1) is None
    assert latch.write(path, latch.HALT, "why", "watchdog", 5) == latch.Latch(2, "why", "watchdog", 5)
    assert latch.write(path, latch.REDUCE, "less", "somebody", 6).cause == "why"
    assert latch.write(path, latch.DARK, "more", "somebody", 7).level == latch.DARK
    for reason in ("", "  "):
        with pytest.raises(Misuse, match="COMMAND_REASON"):
            latch.clear(path, reason, "me", 8)
    assert latch.read(path) is not None
    assert latch.clear(path, "looked at it", "me", 9) == latch.Latch(4, "more", "somebody", 7)
    kept = json.loads((path.parent / "latch-9.json").read_bytes())
    assert latch.read(path) is None and kept["cleared"]["reason"] == "looked at it" and kept["latch"]["cause"] == "more"
    assert [one.name for one in path.parent.iterdir()] == ["latch-9.json"]


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"level": 0, "cause": "", "by": "", "at": 0}', b'{"level": 9, "cause": "", "by": "", "at": 0}', b"\xff"]
)
def test_a_latch_that_is_not_understood_is_a_halt(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "latch.json").write_bytes(raw)
    found = latch.read(tmp_path / "latch.json")
    assert found is not None and found.level == latch.HALT
    (tmp_path / "folder").mkdir()
    found = latch.read(tmp_path / "folder")
    assert found is not None and found.level == latch.HALT


def test_a_process_that_waits_to_be_buried_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    until(lambda: gone(child.pid))
    child.wait()
    assert gone(child.pid) and not gone(ME) and not gone(1)


# -- real processes ----------------------------------------------------------------------------------------------------


class Scene:
    """A desk that beats, an account with a guarded position, a naked one and entries, and a watchdog over them."""

    def __init__(self, server: Server, folder: Folder, process: Any) -> None:
        self.server, self.folder, self.desk = server, folder, process
        order(server, "AAA", "buy", 10)
        self.stop = order(server, "AAA", "sell", 10, "stop", stop_price="90", position_intent="sell_to_close")
        order(server, "CCC", "buy", 7)
        for n in range(4):
            order(server, "BBB", "buy", 1, "limit", limit_price=str(40 + n))
        self.dog: subprocess.Popen[bytes] | None = None

    def watch(self, silence_s: float = 0.6, **named: Any) -> float:
        begun = time.monotonic()
        named = {"mode": "sim", "account": account(self.server), "base": self.server.url, "key": KEY, "secret": SECRET} | named
        self.dog = start(self.folder, silence_s=silence_s, **named)
        until(lambda: (found := seen(self.folder)) is not None and found.state == "watching")
        return time.monotonic() - begun

    def reaches(self) -> None:
        until(lambda: (found := seen(self.folder)) is not None and found.reaches)

    def safe(self, within_s: float = 8.0) -> None:
        """The entries are gone, the naked position is closed, the guarded one and its stop are as they were."""
        until(lambda: [row["id"] for row in live(self.server)] == [self.stop["id"]] and held(self.server) == {"AAA": 10.0}, within_s)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder.root / "watchdog.jsonl").read_text().splitlines()]


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    folder = Folder(tmp_path / "sim-PA1")
    with exchange() as server, desk(folder) as process:
        made = Scene(server, folder, process)
        try:
            yield made
        finally:
            process.send_signal(signal.SIGCONT)
            if made.dog is not None and made.dog.poll() is None:
                made.dog.terminate()
                made.dog.wait(10)


def test_a_killed_desk(scene: Scene) -> None:
    assert scene.watch() < 2.0
    scene.desk.kill()
    scene.safe()
    found = latch.read(scene.folder.latch)
    assert found is not None and (found.level, found.by) == (latch.HALT, "watchdog") and "is gone" in found.cause
    assert scene.dog is not None and scene.dog.wait(8) == 0
    lines = scene.log()
    assert [line["event"] for line in lines if line["event"] in ("watching", "acting", "cancelling", "clean", "guarding", "done")] == [
        "watching", "acting", "cancelling", "clean", "guarding", "done",
    ]  # fmt: skip
    assert all(line["mode"] == "sim" for line in lines) and SECRET not in (scene.folder.root / "watchdog.jsonl").read_text().replace(KEY, "")


def test_a_stopped_desk_that_comes_back_is_halted_and_watched_again(scene: Scene) -> None:
    scene.watch()
    scene.desk.send_signal(signal.SIGSTOP)
    scene.safe()
    until(lambda: (found := seen(scene.folder)) is not None and found.state == "guarding")
    order(scene.server, "BBB", "buy", 3, "limit", limit_price="30")  # what the desk had on the wire comes late
    scene.safe()
    scene.desk.send_signal(signal.SIGCONT)
    until(lambda: (found := seen(scene.folder)) is not None and found.state == "watching")
    back = read(scene.folder.heartbeat)
    assert back is not None and back.level == latch.HALT
    scene.desk.send_signal(signal.SIGSTOP)  # and it would be missed again
    order(scene.server, "BBB", "buy", 3, "limit", limit_price="30")
    scene.safe()


def test_a_loop_that_stalls(scene: Scene) -> None:
    """The process lives and is busy; its loop is not turning. Three seconds of silence, as set by default."""
    scene.watch(silence_s=3.0)
    begun = time.monotonic()
    scene.desk.send_signal(signal.SIGUSR1)
    until(scene.folder.latch.exists)
    assert 2.9 <= time.monotonic() - begun <= 3.7
    scene.safe()


def test_a_stopped_desk_whose_heartbeat_was_deleted(scene: Scene) -> None:
    scene.watch(flatten="all")
    scene.desk.send_signal(signal.SIGSTOP)
    scene.folder.heartbeat.unlink()
    until(lambda: held(scene.server) == {} and live(scene.server) == [])
    found = latch.read(scene.folder.latch)
    assert found is not None and found.level == latch.FLATTEN and "taken away" in found.cause


def test_a_living_desk_whose_heartbeat_is_deleted_beats_on(scene: Scene) -> None:
    scene.watch()
    for _ in range(5):
        scene.folder.heartbeat.unlink(missing_ok=True)
        time.sleep(0.2)
    assert not scene.folder.latch.exists() and len(live(scene.server)) == 5


def test_an_orderly_end(scene: Scene) -> None:
    scene.watch()
    scene.desk.terminate()
    assert scene.dog is not None and scene.dog.wait(5) == 0
    assert not scene.folder.latch.exists() and len(live(scene.server)) == 5 and seen(scene.folder) is None


def test_sockets_that_hang_half_open_and_a_broker_that_is_busy(scene: Scene) -> None:
    """The desk's sockets are open and answer nothing; the exchange refuses, fails and drops; the watchdog has its own way in."""
    scene.folder.inbox.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as inbox:
        inbox.bind(str(scene.folder.root / "i"))
        inbox.listen(1)
        scene.watch()
        scene.reaches()
        control(scene.server, "ws", deaf=True)
        control(scene.server, "fault", method="GET", path="/v2/orders", status=429, times=1)
        control(scene.server, "fault", method="GET", path="/v2/orders", status=503, times=2)
        control(scene.server, "fault", method="DELETE", path="/v2/orders", drop=True, times=2)
        scene.desk.send_signal(signal.SIGSTOP)
        until(lambda: (found := seen(scene.folder)) is not None and found.state == "guarding", 20.0)
        scene.safe()


def test_it_starts_within_half_a_second_with_little_loaded() -> None:
    heavy = "numba polars numpy pandas pydantic typer rich aiohttp structlog"
    code = f"import sys, argosy.desk.watchdog, argosy.venues.alpaca.leaving; print([m for m in '{heavy}'.split() if m in sys.modules])"
    times = []
    for _ in range(3):
        begun = time.monotonic()
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        times.append(time.monotonic() - begun)
        assert said.stdout.strip() == "[]"
    assert min(times) < 0.5


def test_once_it_was_heard_an_emergency_loads_nothing_more(tmp_path: Path) -> None:
    """In a process of its own: proved once, then a whole kill against an exchange; no module is read from the disk for it."""
    code = """
import asyncio, sys
from pathlib import Path
from argosy.core.errors import ArgosyError
from argosy.desk.folder import Folder
from argosy.desk.watchdog import Watchdog
from argosy.net.secret import Secret
from argosy.venues.alpaca.leaving import leave

async def main():
    dog = Watchdog(Folder(Path(sys.argv[1])), leave("sim", Secret("K"), Secret("S"), base=sys.argv[2]), mode="sim")
    proving = asyncio.ensure_future(dog._prove())
    while not dog.reaches:
        await asyncio.sleep(0.01)
    before = set(sys.modules)
    from argosy.desk.kill import Kill
    await asyncio.wait_for(Kill(dog.client, flatten="all", collar_frac=0.03, told=dog.told).run(), 20)
    print(sorted(set(sys.modules) - before))
    proving.cancel()
    await dog.client.close()

asyncio.run(main())
"""
    with opened(Wanted(keys=(("K", "S"),), symbols=["AAPL"], control=True, seed=3, cash=1_000)) as server:
        said = subprocess.run([sys.executable, "-c", code, str(tmp_path), server.url], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "[]"


def test_two_do_not_watch_one_desk(scene: Scene) -> None:
    scene.watch()
    second = start(scene.folder, mode="sim", account=account(scene.server), base=scene.server.url, key=KEY, secret=SECRET)
    assert second.wait(5) == 2


def test_keys_of_another_account_end_it(scene: Scene) -> None:
    assert start(scene.folder, mode="sim", account="PA999", base=scene.server.url, key=KEY, secret=SECRET).wait(10) == 2
    found = msgspec.json.decode(watchdog.file(scene.folder).read_bytes(), type=watchdog.Watch)
    assert found.state == "stopped" and "not of PA999" in found.said and len(live(scene.server)) == 5


# -- in this process, where each branch can be counted ---------------------------------------------------------------------


def dog(scene: Scene, **named: Any) -> tuple[Watchdog, list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    made = Watchdog(
        scene.folder, client(scene.server), mode="sim", silence_s=0.6, told=lambda severity, word, numbers: told.append((severity, word)), **named
    )
    return made, told


def test_a_killed_desk_from_inside(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.desk.watchdog.GUARD_S", 0.05)

    async def go() -> int:
        made, told = dog(scene)
        running = asyncio.ensure_future(made.run())
        await asyncio.sleep(0.3)
        scene.desk.kill()
        status = await asyncio.wait_for(running, 20)
        assert ("page", "acting") in told and ("page", "clean") in told and made.state == "done"
        return status

    assert asyncio.run(go()) == 0
    scene.safe()


def test_a_disk_that_is_full_does_not_keep_it_from_acting(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("argosy.desk.watchdog.GUARD_S", 0.05)

    async def go() -> None:
        made, told = dog(scene)
        running = asyncio.ensure_future(made.run())
        await asyncio.sleep(0.3)
        monkeypatch.setattr("argosy.desk.latch.put", full)
        monkeypatch.setattr(Path, "write_bytes", full)
        scene.desk.kill()
        await asyncio.wait_for(running, 20)
        assert ("page", "latch not written") in told and ("warn", "not written") in told and ("page", "clean") in told

    asyncio.run(go())
    scene.safe()


def test_told_to_stop_it_stops_even_while_it_acts(scene: Scene) -> None:
    control(scene.server, "hold_cancels", on=True)

    async def go() -> None:
        made, _ = dog(scene)
        running = asyncio.ensure_future(made.run())
        await asyncio.sleep(0.3)
        scene.desk.kill()
        while made.state != "acting":
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        made.stopping.set()
        assert await asyncio.wait_for(running, 2) == 0 and made.state == "stopped"

    asyncio.run(go())


def test_a_broker_that_does_not_answer_is_said_and_waited_for(tmp_path: Path) -> None:
    from argosy.net.secret import Secret
    from argosy.venues.alpaca.leaving import leave

    async def go() -> None:
        told: list[str] = []
        lost = leave("sim", Secret(KEY), Secret(SECRET), base="http://127.0.0.1:9")
        made = Watchdog(Folder(tmp_path), lost, mode="sim", told=lambda severity, word, numbers: told.append(word))
        running = asyncio.ensure_future(made.run())
        while made.reaches is None:
            await asyncio.sleep(0.05)
        made.stopping.set()
        assert await asyncio.wait_for(running, 5) == 0 and made.reaches is False and "the broker does not answer" in told

    real = Client.account
    Client.account = lambda self, deadline_s=0.5: real(self, deadline_s=0.5)  # type: ignore[method-assign]
    try:
        asyncio.run(go())
    finally:
        Client.account = real  # type: ignore[method-assign]


def test_the_words_of_its_command_line(scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(scene.folder.root), "--mode", "sim", "--base", scene.server.url, "--account", account(scene.server), "--aloud"]
    scene.desk.terminate()
    until(lambda: (found := read(scene.folder.heartbeat)) is not None and found.state == ENDED)
    Heart(scene.folder.heartbeat, time.time_ns).beat(0)
    threading.Timer(0.5, lambda: Heart(scene.folder.heartbeat, lambda: 7).end(0)).start()
    threading.Timer(0.9, lambda: os.kill(ME, signal.SIGTERM)).start()
    assert watchdog._main(words) == 0
    assert "sim watching" in capsys.readouterr().err
    assert watchdog._main([*words[:3], "--base", "http://10.0.0.1:1"]) == 2
    assert "HOST_FORBIDDEN" in capsys.readouterr().err
