"""One writer for each account: a lock that the system takes back when its process dies; the second one is told who has it."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path

import msgspec

from argosy.core import points
from argosy.core.errors import Broken, Misuse
from argosy.core.time import iso


class Holder(msgspec.Struct, frozen=True):
    """Who has a lease. start: ns UTC when it was taken; boot: the machine's own name of the time since it was switched on."""

    pid: int
    host: str
    start: int
    boot: str = ""
    account: str = ""
    what: str = ""


def boot() -> str:
    """The system's name of the time since it was switched on; "" where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class Lease:
    """The right to write for an account, from its making to `give_back` or the process's death.

    path: the lock's file, which stays; account, what: said to whoever comes second
    Raises Misuse LEASE_HELD, naming who has it; Broken LEASE_FILE where the file cannot be made.
    """

    def __init__(self, path: Path | str, *, account: str = "", what: str = "desk") -> None:
        self.path = Path(path)
        self.holder = Holder(os.getpid(), socket.gethostname(), time.time_ns(), boot(), account, what)
        self._fd = -1
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            fix = "give the folder to this user"
            raise Broken("LEASE_FILE", f"the lease cannot be made: {error.strerror}", where=str(self.path), fix=fix) from error
        try:
            _lock(fd)
            points.reach("lease.taken")
            os.ftruncate(fd, 0)
            os.pwrite(fd, msgspec.json.encode(self.holder), 0)
        except BlockingIOError as error:
            os.close(fd)
            raise Misuse(
                "LEASE_HELD", f"{account or 'the account'} has a writer already: {_said(held(self.path))}", where=str(self.path),
                fix="stop that one first; two writers on one account would trade against each other",
            ) from error  # fmt: skip
        except OSError as error:
            os.close(fd)
            raise Broken("LEASE_FILE", f"the lease cannot be written: {error.strerror}", where=str(self.path), fix="make room on the disk") from error
        self._fd = fd

    @property
    def held(self) -> bool:
        """Whether it is still ours: it was not given back, and the file is the one that was locked."""
        if self._fd < 0:
            return False
        try:
            there, ours = self.path.stat(), os.fstat(self._fd)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def give_back(self) -> None:
        """End it; the next one may take it. A second time does nothing."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()


def held(path: Path | str) -> Holder | None:
    """Who has the lease at a path, or had it last; None where nobody wrote that down. It takes no lock."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return None


def taken(path: Path | str) -> bool:
    """Whether somebody has the lease now."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _lock(fd: int) -> None:
    """Lock a file for ourselves; again a moment later, since who only asks (`taken`) has it for an instant."""
    for _ in range(5):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _said(holder: Holder | None) -> str:
    if holder is None:
        return "somebody who has not said who"
    whom = f"{holder.what} of account {holder.account}" if holder.account else holder.what
    return f"{whom}, process {holder.pid} on {holder.host}, since {iso(holder.start)}"
