"""Where a desk keeps what it must not forget: one folder for each mode and account, so that practice and earnest never mix."""

from __future__ import annotations

import os
import re
import tempfile
from hashlib import blake2b
from pathlib import Path

from argosy.core.errors import Misuse

LONGEST = 100
"""Bytes of the path of a unix socket that every system takes (its limit is 107, with the zero at its end 108)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Folder:
    """The files of one desk. root: its own folder, made when something is written."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    @property
    def journal(self) -> Path:
        """Folder of the journal's segments."""
        return self.root / "journal"

    @property
    def rows(self) -> Path:
        """Folder of the recorded market rows."""
        return self.root / "rows"

    @property
    def latch(self) -> Path:
        """The safety level that outlives the process."""
        return self.root / "latch.json"

    @property
    def heartbeat(self) -> Path:
        """The last sign of life."""
        return self.root / "heartbeat"

    @property
    def doctor(self) -> Path:
        """Folder of what the examinations found."""
        return self.root / "doctor"

    @property
    def arming(self) -> Path:
        """The signed record of the arming ceremony."""
        return self.root / "arming.json"

    @property
    def actions(self) -> Path:
        """What was told of splits and mergers, and what became of it."""
        return self.root / "actions.json"

    @property
    def log(self) -> Path:
        """The log, one JSON object a line."""
        return self.root / "log.jsonl"

    @property
    def inbox(self) -> Path:
        """The socket that takes the owner's word; in a short folder of its own where the path would be too long for a socket."""
        path = self.root / "inbox.sock"
        if len(os.fsencode(path.absolute())) <= LONGEST:
            return path
        name = blake2b(os.fsencode(path.absolute()), digest_size=10).hexdigest()
        return Path(tempfile.gettempdir()) / f"argosy-{os.getuid()}" / f"{name}.sock"

    def make(self) -> Folder:
        """Make the folder and those inside, readable by their owner alone; Misuse("DESK_FOLDER") where that cannot be."""
        try:
            for path in (self.root, self.journal, self.rows, self.doctor, self.inbox.parent):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            what = f"the desk's folder cannot be made: {error.strerror}"
            raise Misuse("DESK_FOLDER", what, where=str(error.filename), fix="set ARGOSY_HOME to a folder of yours") from error
        if self.inbox.parent != self.root and (self.inbox.parent.stat().st_uid != os.getuid() or self.inbox.parent.stat().st_mode & 0o077):
            raise Misuse("DESK_FOLDER", "somebody else can read the folder of sockets", where=str(self.inbox.parent), fix="remove it")
        return self


def home() -> Path:
    """Where the house keeps what belongs to its owner: $ARGOSY_HOME, else argosy in the user's folder of settings."""
    if named := os.environ.get("ARGOSY_HOME", ""):
        return Path(named)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "argosy"


def desks() -> Path:
    """The folder of all desks."""
    return home() / "desks"


def of(mode: str, account: str) -> Folder:
    """The folder of a mode and an account; Misuse("DESK_NAME") where one of them is no plain name."""
    for name in (mode, account):
        if not _NAME.fullmatch(name):
            raise Misuse("DESK_NAME", f"{name!r} cannot name a folder", fix="letters, digits, - and _")
    return Folder(desks() / f"{mode}-{account}")
