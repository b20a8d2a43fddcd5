"""The sign of life that a desk gives its watchdog: one small file, written anew from inside the loop; it never says more than it knows.

A beat counts because its number is another than before. Times in it are for people: whoever watches goes by its own monotonic clock.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from argosy.core.points import reach

STARTS, LIVES, ENDED = "starts", "lives", "ended"


class Beat(msgspec.Struct, frozen=True):
    """pid: of the desk; count: grows with each beat; wall: ns UTC; level: its safety level; state: "starts", "lives", or "ended" in order.

    A desk that starts may be silent for longer: it reads its journal, and sends nothing yet.
    """

    pid: int
    count: int
    wall: int
    level: int = 0
    state: str = LIVES


class Heart:
    """Writes the beats of this process. path: the file; wall: ns UTC."""

    def __init__(self, path: Path, wall: Callable[[], int]) -> None:
        self.path = path
        self._wall = wall
        self._fresh = path.with_name(f"{path.name}.new")
        self._count = 0

    def beat(self, level: int, state: str = LIVES) -> None:
        """One beat; a file that somebody took away is there again. OSError where it cannot be written."""
        self._count += 1
        body = msgspec.json.encode(Beat(os.getpid(), self._count, self._wall(), level, state))
        self._fresh.write_bytes(body)
        reach("heartbeat.rename")
        self._fresh.replace(self.path)

    def end(self, level: int) -> None:
        """The last one, of a desk that ends in order: its watchdog goes too."""
        self.beat(level, ENDED)


def read(path: Path) -> Beat | None:
    """The last beat; None where there is none, or half of one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Beat)
    except (OSError, msgspec.MsgspecError):
        return None
