"""Cassettes: what was said on the wire, kept in a file and played back; no secret is ever written to one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import msgspec

from argosy.core.errors import Misuse
from argosy.net.outcome import Answered, Failed, Outcome
from argosy.net.secret import Veil

KEPT_HEADERS = frozenset({"content-type", "date", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id"})
_HIDDEN = re.compile(rb'("(?:key|secret|key_id|secret_key|oauth_token|token|signature|apiKey|listenKey)"\s*:\s*")(?:[^"\\]|\\.)*(")')


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a cassette.

    kind: "rest" with request and reply, "frame" for a received message; at_ns: since the recording began
    status 0: nobody answered, and cause and sent say how
    """

    kind: Literal["rest", "frame"]
    at_ns: int
    method: str = ""
    path: str = ""
    query: str = ""
    body: bytes = b""
    status: int = 0
    reply: bytes = b""
    headers: dict[str, str] = {}
    cause: str = ""
    sent: bool = False


class Recorder:
    """Writes a cassette. veil: the secrets that are starred out beside everything that a login message calls one."""

    def __init__(self, path: Path, veil: Veil) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._veil = veil
        self._begun = time.monotonic_ns()

    def rest(self, method: str, path: str, query: str, body: bytes, outcome: Outcome) -> None:
        """Keep one call and what became of it."""
        at = time.monotonic_ns() - self._begun
        path, query, body = self._veil.text(path), self._veil.text(query), self._clean(body)
        if isinstance(outcome, Answered):
            kept = {name: self._veil.text(value) for name, value in outcome.headers.items() if name in KEPT_HEADERS}
            line = Line("rest", at, method, path, query, body, outcome.status, self._clean(outcome.body), kept)
        else:
            line = Line("rest", at, method, path, query, body, cause=outcome.cause, sent=outcome.sent)
        self._write(line)

    def frame(self, url: str, message: bytes) -> None:
        """Keep one received message."""
        self._write(Line("frame", time.monotonic_ns() - self._begun, path=self._veil.text(url), reply=self._clean(message)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _clean(self, data: bytes) -> bytes:
        return _HIDDEN.sub(rb"\1***\2", self._veil.bytes(data))

    def _write(self, line: Line) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()


class Recording:
    """Carries calls to another carrier and keeps each of them."""

    def __init__(self, calls: object, recorder: Recorder) -> None:
        self._calls = calls
        self._recorder = recorder

    async def call(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = 10.0, urgent: bool = False
    ) -> Outcome:
        """One request, kept with its outcome."""
        outcome: Outcome = await self._calls.call(  # type: ignore[attr-defined]
            method, path, query=query, body=body, deadline_s=deadline_s, urgent=urgent
        )
        self._recorder.rest(method, path, query, body, outcome)
        return outcome

    async def close(self) -> None:
        """Close the carrier; the cassette stays open for streams."""
        await self._calls.close()  # type: ignore[attr-defined]


class Player:
    """Plays the calls of a cassette back, in order; a call that was not recorded next of its kind is Misuse("CASSETTE")."""

    def __init__(self, path: Path) -> None:
        self._left = [line for line in lines(path) if line.kind == "rest"]

    async def call(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = 10.0, urgent: bool = False
    ) -> Outcome:
        """The recorded outcome of the first call left that is the same."""
        for k, line in enumerate(self._left):
            if (line.method, line.path, line.query, line.body) == (method, path, query, body):
                del self._left[k]
                if line.status:
                    return Answered(line.status, line.reply, line.headers)
                return Failed(line.cause, line.sent)
        raise Misuse("CASSETTE", f"{method} {path} was not recorded, or not so often", fix="record it again")

    async def close(self) -> None:
        """Nothing is open."""


def lines(path: Path) -> Iterator[Line]:
    """The lines of a cassette; a torn last one is left out."""
    read = msgspec.json.Decoder(Line)
    for raw in path.read_bytes().split(b"\n"):
        if not raw:
            continue
        try:
            yield read.decode(raw)
        except msgspec.MsgspecError:
            return


def frames(path: Path) -> Iterator[tuple[int, bytes]]:
    """The received messages of a cassette, as (ns since its beginning, message)."""
    for line in lines(path):
        if line.kind == "frame":
            yield line.at_ns, line.reply
