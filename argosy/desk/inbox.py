"""The owner's word comes in by a socket that only this machine's owner can open: one line of JSON in, one out; it never waits on the market."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from argosy.core.errors import ArgosyError, Misuse
from argosy.core.points import reach

LONGEST = 1 << 16
WAIT_S = 10.0
Verb = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class Inbox:
    """Listens at a path. verbs: what may be asked, by name; each answers with plain values or raises an ArgosyError."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self.path = path
        self.verbs = dict(verbs)
        self._server: asyncio.AbstractServer | None = None
        self._peers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen. Misuse("DESK_RUNS") where another process already does."""
        if self.path.exists():
            if answers(self.path):
                raise Misuse("DESK_RUNS", "another desk listens there", where=str(self.path), fix="stop it first: `argosy stop`")
            self.path.unlink()
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._talk, str(self.path), limit=LONGEST)
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            for peer in list(self._peers):
                peer.close()
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self.answer(line)) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.LimitOverrunError):
            pass  # it went away, or said more than anybody has to say
        finally:
            self._peers.discard(writer)
            writer.close()

    async def answer(self, line: bytes) -> Mapping[str, Any]:
        """What is said to one line."""
        try:
            said = msgspec.json.decode(line)
            if not isinstance(said, dict) or not isinstance(said.get("verb"), str):
                raise Misuse("INBOX_LINE", "a line is a JSON object with a verb", fix='{"verb": "status"}')
            verb = self.verbs.get(said["verb"])
            if verb is None:
                raise Misuse("VERB_UNKNOWN", f"{said['verb']!r} is no word for a desk", fix=f"one of {', '.join(sorted(self.verbs))}")
            reach("inbox.heard")
            answer = {"ok": True, **await verb(said)}
            reach("inbox.done")
            return answer
        except msgspec.DecodeError as error:
            return {"ok": False, "code": "INBOX_LINE", "text": f"no JSON: {error}", "fix": '{"verb": "status"}'}
        except ArgosyError as error:
            return {"ok": False, "code": error.code, "text": error.what, "fix": error.fix}


def answers(path: Path) -> bool:
    """Whether a process listens at a path."""
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def ask(path: Path, verb: str, wait_s: float = WAIT_S, **said: Any) -> dict[str, Any]:
    """Say one thing to a desk and wait for its answer, from any process.

    Raises Misuse: DESK_NOT_RUNNING where nobody listens, DESK_SILENT where nobody answers in time, and what the desk refused with.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(wait_s)
        try:
            line.connect(str(path))
            line.sendall(msgspec.json.encode({"verb": verb, **said}) + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                part = line.recv(1 << 16)
                if not part:
                    break
                answer += part
        except TimeoutError as error:
            what = f"the desk did not answer in {wait_s:g} s"
            raise Misuse("DESK_SILENT", what, where=str(path), fix="its watchdog acts by itself; see its log") from error
        except OSError as error:
            raise Misuse("DESK_NOT_RUNNING", "no desk listens there", where=str(path), fix="start one: `argosy run`") from error
    told = msgspec.json.decode(answer) if answer else {}
    if not isinstance(told, dict) or not told.get("ok"):
        told = told if isinstance(told, dict) else {}
        raise Misuse(str(told.get("code", "DESK_SILENT")), str(told.get("text", "the desk went away")), where=str(path), fix=str(told.get("fix", "")))
    return told
