"""The safety level that outlives its process: a file that anyone of the house may raise and only the owner's reason takes away.

A latch that cannot be read counts as HALT: what is not understood is no permission.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from argosy.core.errors import Misuse
from argosy.core.points import reach
from argosy.store.segment import sync_folder

REDUCE, HALT, FLATTEN, DARK = 1, 2, 3, 4
NAMES = {REDUCE: "L1 REDUCE", HALT: "L2 HALT", FLATTEN: "L3 FLATTEN", DARK: "L4 DARK"}
PARDON = "pardon.json"


class Latch(msgspec.Struct, frozen=True):
    """level: 1 REDUCE to 4 DARK; cause: why; by: who; at: ns UTC."""

    level: int
    cause: str
    by: str
    at: int


def read(path: Path) -> Latch | None:
    """What is latched; None where nothing is. A damaged file is a HALT by "nobody"."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Latch(HALT, f"the latch cannot be read: {error.strerror}", "nobody", 0)
    try:
        found = msgspec.json.decode(raw, type=Latch)
    except msgspec.MsgspecError:
        return Latch(HALT, "the latch is damaged", "nobody", 0)
    return found if REDUCE <= found.level <= DARK else Latch(HALT, f"the latch says level {found.level}", "nobody", 0)


def write(path: Path, level: int, cause: str, by: str, at: int) -> Latch:
    """Latch a level, durably; one that is higher already stays. What is latched now."""
    before = read(path)
    if before is not None and before.level >= level:
        return before
    made = Latch(level, cause, by, at)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    reach("latch.before")
    put(path, msgspec.json.encode(made))
    reach("latch.after")
    return made


def clear(path: Path, reason: str, by: str, at: int) -> Latch | None:
    """Take the latch away; what it was. It stays in the folder under another name, with the reason. Misuse("COMMAND_REASON") without one."""
    if not reason.strip():
        raise Misuse("COMMAND_REASON", "a latch is cleared for a reason only", fix='say why: argosy resume --reason "..."')
    before = read(path)
    if before is None:
        return None
    kept = {"latch": before, "cleared": {"reason": reason.strip(), "by": by, "at": at}}
    put(path.with_name(f"latch-{at}.json"), msgspec.json.encode(kept))
    reach("latch.clear")
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
    reach("latch.cleared")
    return before


class Pardon(msgspec.Struct, frozen=True):
    """A latch that was cleared while no desk ran: the next one begins in PROBE, as after `argosy resume`, with this reason in its journal."""

    reason: str
    by: str
    at: int


def pardon(path: Path, reason: str, by: str, at: int) -> Latch | None:
    """Clear a latch where no desk runs, and leave word of it beside it for the next one; what it was. As `clear`."""
    if reason.strip() and read(path) is not None:
        put(path.with_name(PARDON), msgspec.json.encode(Pardon(reason.strip(), by, at)))
    return clear(path, reason, by, at)


def pardoned(path: Path) -> Pardon | None:
    """The word of a latch that was cleared while no desk ran; none where something is latched again."""
    try:
        found = msgspec.json.decode(path.with_name(PARDON).read_bytes(), type=Pardon)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if read(path) is None else None


def taken(path: Path) -> None:
    """The word was heard: it counts once."""
    path.with_name(PARDON).unlink(missing_ok=True)


def put(path: Path, raw: bytes) -> None:
    """Write a file whole and durably: it is there, or what was there before is."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    reach("latch.rename")
    fresh.replace(path)
    sync_folder(path.parent)
