"""Watches whether the desk still lives, from a small process of its own; a desk that is silent is latched, and its account got out of risk.

It holds nothing but what cancels and closes (`kill`), and counts silence by its own monotonic clock: neither the wall's time nor the
file's decides. It never clears a latch, never opens anything, and goes only when the desk has ended in order or is gone and all is clean.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from argosy.core.errors import ArgosyError, Misconfigured, Misuse
from argosy.core.points import reach
from argosy.desk import heartbeat, latch
from argosy.desk.folder import Folder
from argosy.desk.heartbeat import ENDED, STARTS, Beat
from argosy.store.lease import Lease

if TYPE_CHECKING:
    from argosy.desk.exits import Flatten
    from argosy.desk.kill import Kill, Told
    from argosy.venues.alpaca.client import Client
    from argosy.venues.alpaca.modes import Mode

T = TypeVar("T")
SILENCE_S = 3.0
START_S = 60.0
GUARD_S = 2.0
PROVE_S = 60.0
Word = Literal["waiting", "lives", "silent", "ended"]


class Watch(msgspec.Struct, frozen=True):
    """How a watchdog stands. count: grows while it lives; state: waiting, watching, acting, guarding, done, stopped

    desk: pid of the desk it watches; reaches: whether the broker answered it last time, None: not asked yet; said: what happened last
    """

    pid: int
    count: int
    wall: int
    state: str
    mode: str
    account: str
    desk: int = 0
    silence_s: float = SILENCE_S
    reaches: bool | None = None
    said: str = ""


class Silence:
    """Counts how long nothing was heard. silence_s: until a desk counts as silent; start_s: the same while it starts.

    It must have seen life before it can miss it. A look that comes late itself (this process was stopped, the machine slept) proves
    nothing: the desk gets its time anew.
    """

    def __init__(self, silence_s: float = SILENCE_S, start_s: float = START_S) -> None:
        self.silence_s = silence_s
        self.start_s = start_s
        self.last: Beat | None = None
        self._first = True
        self._seen = 0.0
        self._looked = 0.0
        self._met = False

    def look(self, now: float, beat: Beat | None, gone: Callable[[int], bool]) -> Word:
        """One look: `now` in monotonic seconds; gone: whether a process is no more."""
        slept = self._looked > 0.0 and now - self._looked > self.silence_s / 2
        self._looked = now
        changed = beat is not None and (self.last is None or (beat.pid, beat.count) != (self.last.pid, self.last.count))
        if beat is not None and changed:
            old = self._first and gone(beat.pid)  # of a desk that died before we came
            self.last, self._seen = beat, now
            self._met = self._met or not (self._first or old)
            if beat.state == ENDED and not self._first:
                return "ended"
        if beat is not None and self._first:
            self._met = beat.state != ENDED and not gone(beat.pid)
        self._first = False
        if not self._met or self.last is None:
            return "waiting"
        if slept:
            self._seen = now
        limit = self.start_s if self.last.state == STARTS and not gone(self.last.pid) else self.silence_s
        return "silent" if now - self._seen > limit else "lives"


class Watchdog:
    """One watch over one desk.

    folder: of the desk; client: of the emergency door; account: number that it must be, "" any
    flatten: which positions are closed when the desk is silent; told: hears what happens
    """

    def __init__(
        self, folder: Folder, client: Client, *, mode: str, account: str = "", silence_s: float = SILENCE_S, start_s: float = START_S,
        flatten: Flatten = "unprotected", collar_frac: float = 0.03, told: Told | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.client = client
        self.mode = mode
        self.account = account
        self.flatten = flatten
        self.collar_frac = collar_frac
        self.silence = Silence(silence_s, start_s)
        self.told = told or (lambda severity, word, numbers: None)
        self.state = "waiting"
        self.reaches: bool | None = None
        self.said = ""
        self.stopping = asyncio.Event()
        self.exit_status = 0
        self._count = 0

    async def run(self) -> int:
        """Watch until the desk has ended or all is done; the exit status."""
        telling = asyncio.ensure_future(self._tell())
        proving = asyncio.ensure_future(self._prove())
        proving.add_done_callback(self._died)
        try:
            return await self._watch()
        finally:
            for task in (telling, proving):
                task.cancel()
            await asyncio.gather(telling, proving, return_exceptions=True)
            self._write()
            await self.client.close()

    async def _watch(self) -> int:
        every = min(0.1, self.silence.silence_s / 10)
        while not self.stopping.is_set():
            word = self.silence.look(time.monotonic(), heartbeat.read(self.folder.heartbeat), gone)
            if word == "ended":
                self._turn("done", "the desk ended in order")
                return 0
            if word == "silent" and await self._act():
                return 0
            if word != "silent":
                self._turn("watching" if word == "lives" else "waiting")
            await self._pause(every)
        self._turn("stopped", "told to stop")
        return self.exit_status

    async def _act(self) -> bool:
        """The desk is silent: latch, get out of risk, stay on guard. Whether the watch is over."""
        from argosy.desk.kill import Kill

        last = self.silence.last
        pid = last.pid if last is not None else 0
        how = "is gone" if gone(pid) else "does not answer"
        missing = "" if self.folder.heartbeat.exists() else ", its heartbeat was taken away"
        cause = f"WATCHDOG: the desk (process {pid}) {how}, silent for more than {self.silence.silence_s:g} s{missing}"
        reach("watchdog.silent")
        level = latch.FLATTEN if self.flatten == "all" else latch.HALT
        try:
            latch.write(self.folder.latch, level, cause, "watchdog", time.time_ns())
        except OSError as error:  # a full disk must not keep an account in risk
            self.told("page", "latch not written", {"error": str(error)})
        self._turn("acting", cause, "page")
        kill = Kill(self.client, flatten=self.flatten, collar_frac=self.collar_frac, told=self.told)
        result = await self._unless_stopped(kill.run())
        if result is None:
            return False
        self.told("page", "clean", msgspec.to_builtins(result))
        self._turn("guarding", f"{cause}; clean: {result.cancels} cancels, {result.exits} exits, {result.kept} protections kept", "warn")
        return await self._guard(kill)

    async def _guard(self, kill: Kill) -> bool:
        """Look again and again until the desk is gone (True), or beats again and is halted (False)."""
        count = self.silence.last.count if self.silence.last is not None else -1
        while not self.stopping.is_set():
            beat = heartbeat.read(self.folder.heartbeat)
            if beat is not None:
                fresh = self.silence.last is None or (beat.pid, beat.count) != (self.silence.last.pid, count)
                if beat.state == ENDED and fresh:
                    self._turn("done", "the desk ended")
                    return True
                if fresh and beat.level >= latch.HALT:
                    self.silence.look(time.monotonic(), beat, gone)
                    self._turn("watching", "the desk is back, and halted", "warn")
                    return False
            pid = self.silence.last.pid if self.silence.last is not None else 0
            if gone(pid) and (beat is None or beat.pid == pid):
                self._turn("done", "the desk is gone, its account is clean")
                return True
            await self._pause(GUARD_S)
            found = await self._unless_stopped(kill.look())
            if found is not None and not found.done:
                self.told("page", "not clean any more", {"cancel": len(found.cancel), "exits": len(found.exits)})
                await self._unless_stopped(kill.run())
        return False

    async def _pause(self, seconds: float) -> None:
        """Wait, unless somebody says stop."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            pass

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What a work comes to; None where somebody says stop before."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return None
        return task.result()

    async def _prove(self) -> None:
        """Load what an emergency needs, and ask the broker from time to time whether it would hear us.

        Asking brings the rest: the authorities that are trusted are read when the first connection opens, and kept.
        """
        await asyncio.to_thread(__import__, "argosy.desk.kill")
        from argosy.venues.alpaca.answer import Accepted

        while True:
            answer = await self.client.account()
            before, self.reaches = self.reaches, isinstance(answer, Accepted)
            if isinstance(answer, Accepted) and self.account and answer.value.account_number != self.account:
                self.told("page", "wrong account", {"account": answer.value.account_number})
                self._turn("stopped", f"the keys are of account {answer.value.account_number}, not of {self.account}", "page")
                self.exit_status = 2
                self.stopping.set()
            elif before != self.reaches:
                self.told("info" if self.reaches else "page", "the broker answers" if self.reaches else "the broker does not answer", {})
            await asyncio.sleep(PROVE_S if self.reaches else 5.0)

    def _died(self, task: asyncio.Task[None]) -> None:
        """It watches on without being proved; that is said."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.reaches = False
            self.told("page", "proving died", {"error": repr(error)})

    async def _tell(self) -> None:
        """Show that it lives, once a second."""
        while True:
            self._write()
            await asyncio.sleep(1.0)

    def _turn(self, state: str, said: str = "", severity: str = "info") -> None:
        if state == self.state:
            return
        self.state = state
        self.said = said or self.said
        self.told(severity, state, {"said": said})
        self._write()

    def _write(self) -> None:
        self._count += 1
        desk = self.silence.last.pid if self.silence.last is not None else 0
        watch = Watch(
            os.getpid(), self._count, time.time_ns(), self.state, self.mode, self.account, desk, self.silence.silence_s, self.reaches, self.said
        )
        try:
            fresh = file(self.folder).with_suffix(".new")
            fresh.write_bytes(msgspec.json.encode(watch))
            fresh.replace(file(self.folder))
        except OSError as error:  # it watches on, whatever the disk does
            self.told("warn", "not written", {"error": str(error)})


def gone(pid: int) -> bool:
    """Whether a process is no more; one that waits to be buried is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (OSError, IndexError):
        return False


def file(folder: Folder) -> Path:
    """Where a watchdog shows that it lives."""
    return folder.root / "watchdog.json"


def seen(folder: Folder) -> Watch | None:
    """The watchdog that watches over a folder now; None where none does."""
    try:
        found = msgspec.json.decode(file(folder).read_bytes(), type=Watch)
    except (OSError, msgspec.MsgspecError):
        return None
    return None if found.state in ("done", "stopped") or gone(found.pid) else found


def start(
    folder: Folder, *, mode: str, account: str, base: str = "", silence_s: float = SILENCE_S, flatten: Flatten = "unprotected",
    collar_frac: float = 0.03, key: str = "", secret: str = "",
) -> subprocess.Popen[bytes]:  # fmt: skip
    """Start a watchdog as a process of its own, which outlives us; Ctrl-C here does not reach it.

    key, secret: handed to it by a pipe, seen in no list of processes; left out: it finds them as the desk does
    """
    words = [
        sys.executable, "-m", "argosy.desk.watchdog", str(folder.root), "--mode", mode, "--account", account, "--base", base,
        "--silence", repr(silence_s), "--flatten", flatten, "--collar", repr(collar_frac),
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603  (our own program)
        [*words, "--keys"] if key else words, stdin=subprocess.PIPE if key else subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    if key and process.stdin is not None:
        process.stdin.write(json.dumps([key, secret]).encode() + b"\n")
        process.stdin.close()
    return process


def log(folder: Folder, mode: str, account: str, aloud: bool) -> Told:
    """Keeps what happens, a JSON line each, in the desk's folder; aloud: on stderr too."""
    path = folder.root / "watchdog.jsonl"

    def told(severity: str, word: str, numbers: dict[str, Any]) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"at": at, "level": severity, "event": word, "mode": mode, "account": account, "pid": os.getpid(), **numbers}, default=str)
        try:
            with path.open("a", encoding="utf-8") as out:
                out.write(line + "\n")
        except OSError:
            aloud_now = True
        else:
            aloud_now = aloud
        if aloud_now:
            sys.stderr.write(f"{at} {severity:<4} {mode} {word} {' '.join(f'{key}={value}' for key, value in numbers.items())}\n")

    return told


def watch(
    folder: Folder, mode: Mode, account: str, keys: tuple[str, str], *, base: str = "", silence_s: float = SILENCE_S, start_s: float = START_S,
    flatten: Flatten = "unprotected", collar_frac: float = 0.03, aloud: bool = False,
) -> int:  # fmt: skip
    """Watch in this process until it is over; the exit status. Misuse("LEASE_HELD") where another watchdog is here already."""
    from argosy.net.secret import Secret
    from argosy.venues.alpaca.leaving import leave

    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Lease(folder.root / "watchdog.lock", account=account, what="watchdog"):

        async def main() -> int:
            client = leave(mode, Secret(keys[0]), Secret(keys[1]), base=base)
            dog = Watchdog(
                folder, client, mode=mode, account=account, silence_s=silence_s, start_s=start_s, flatten=flatten, collar_frac=collar_frac,
                told=log(folder, mode, account, aloud),
            )  # fmt: skip
            loop = asyncio.get_running_loop()
            for one in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(one, dog.stopping.set)
            return await dog.run()

        return asyncio.run(main())


def _main(words: list[str] | None = None) -> int:
    """`python -m argosy.desk.watchdog FOLDER --mode sim --base URL`: for the desk; people say `argosy watchdog`."""
    parser = argparse.ArgumentParser(prog="argosy watchdog", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mode", choices=("sim", "paper", "live"), required=True)
    parser.add_argument("--account", default="")
    parser.add_argument("--base", default="")
    parser.add_argument("--silence", type=float, default=SILENCE_S)
    parser.add_argument("--start", type=float, default=START_S)
    parser.add_argument("--flatten", choices=("none", "unprotected", "all"), default="unprotected")
    parser.add_argument("--collar", type=float, default=0.03)
    parser.add_argument("--keys", action="store_true", help="read [key, secret] as a line of JSON from standard input")
    parser.add_argument("--aloud", action="store_true")
    asked = parser.parse_args(words)
    try:
        if asked.keys:
            found = msgspec.json.decode(sys.stdin.readline(), type=tuple[str, str])
        else:
            from argosy.desk.keys import keys

            found = keys(asked.mode)
        return watch(
            Folder(asked.folder), asked.mode, asked.account, found, base=asked.base, silence_s=asked.silence, start_s=asked.start,
            flatten=asked.flatten, collar_frac=asked.collar, aloud=asked.aloud,
        )  # fmt: skip
    except (ArgosyError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status if isinstance(error, Misuse | Misconfigured) else 1


if __name__ == "__main__":
    sys.exit(_main())
