"""The first page of a journal: whose it is, which runs wrote it and how each ended; it is replaced whole or not at all."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec

from argosy.core import points
from argosy.core.errors import Broken
from argosy.store.segment import sync_folder

FILE = "manifest.json"
Status = Literal["Running", "Ended", "Recovered", "Quarantined"]


class Identity(msgspec.Struct, frozen=True):
    """Who writes. account, mode: whose journal it is, for ever; desk: the four letters of order ids; code, config: hashes of this run's."""

    account: str = ""
    mode: str = ""
    desk: str = ""
    code: str = ""
    config: str = ""


class Page(msgspec.Struct, forbid_unknown_fields=True):
    """One run, from the start of its process to its end.

    status: Running; Ended (it closed the journal); Recovered (it died, and the next run went on from its journal);
            Quarantined (its journal is damaged)
    first, last: sequences of its first record and of the one after its last (0: not known yet); chain: hex, after its last
    boot: the machine's own name of the time since it was switched on; torn: bytes that were cut off behind it; note: why
    """

    run: str
    status: Status
    code: str = ""
    config: str = ""
    pid: int = 0
    host: str = ""
    boot: str = ""
    started: int = 0
    ended: int = 0
    first: int = 0
    last: int = 0
    chain: str = ""
    torn: int = 0
    note: str = ""


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The owner let a quarantined journal go on. by, reason: his words; kept: the last good sequence; next: where it goes on;
    aside: the folder with what was left out; code: of the damage"""

    at: int
    by: str
    reason: str
    code: str
    kept: int
    next: int
    aside: str


class Damage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a journal is in quarantine. code, what, where: of the error; seen: ns UTC"""

    code: str
    what: str
    where: str
    seen: int


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """The page itself.

    format: number of this layout; first: sequence of the journal's first record; damage: None unless in quarantine
    check:  hash of all the rest, so that a changed letter is noticed
    """

    format: int = 1
    account: str = ""
    mode: str = ""
    desk: str = ""
    first: int = 1
    runs: list[Page] = []
    damage: Damage | None = None
    releases: list[Release] = []
    check: str = ""


def _hash(manifest: Manifest) -> str:
    return blake2b(msgspec.json.encode(msgspec.structs.replace(manifest, check="")), digest_size=16).hexdigest()


def read(folder: Path) -> Manifest | None:
    """The manifest of a folder, None where there is none; Broken("JOURNAL_MANIFEST") where it cannot be read."""
    try:
        text = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Broken("JOURNAL_MANIFEST", f"it cannot be read: {error.strerror}", where=str(folder / FILE)) from error
    fix = "argosy journal release FOLDER --by NAME --reason TEXT --account A --mode M makes a new one"
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Broken("JOURNAL_MANIFEST", f"it is damaged, or a newer Argosy wrote it: {error}", where=str(folder / FILE), fix=fix) from error
    if manifest.check != _hash(manifest):
        raise Broken("JOURNAL_MANIFEST", "it is damaged: it is not what was written", where=str(folder / FILE), fix=fix)
    return manifest


def write(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest, durably; OSError as the system gives it."""
    manifest.check = _hash(manifest)
    part = folder / (FILE + ".part")
    with part.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    points.reach("journal.manifest.rename")
    part.rename(folder / FILE)
    sync_folder(folder)
