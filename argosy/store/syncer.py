"""Makes what was written durable: a thread that syncs a file soon after it was written to; it never writes and never drops.

It also measures: how long the last sync took, the longest, and since when something waits for one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Literal

Policy = Literal["none", "group", "each"]
GROUP_S = 0.002
"""Seconds of writes that share a sync."""


class Syncer:
    """Syncs one file. policy: none (the system decides), group (a thread, 2 ms after the first write), each (in the caller).

    The caller says `wrote(seq)` after each write. durable: the sequence up to which all is on the disk; error: what the last sync
    that failed said, which is final: after it nobody knows what is on the disk. before: what must be durable first, each time.
    """

    def __init__(self, policy: Policy, fd: int, seq: int, before: Callable[[], None] | None = None) -> None:
        self.policy = policy
        self.durable = seq
        self.error: OSError | None = None
        self.last_ns = 0
        self.took_ns = 0
        self.longest_ns = 0
        self._fd = fd
        self._before = before
        self._written = seq
        self._dirty = False
        self._since = 0
        self._busy = 0
        self._stopping = False
        self._bell = threading.Lock()  # held but when there is something to do: cheaper to ring than an Event, and it is rung within a decision
        self._bell.acquire()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        if policy == "group":
            self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
            self._thread.start()

    def wrote(self, seq: int) -> None:
        """Everything before `seq` is in the page cache."""
        self._written = seq
        if self.policy == "each":
            self.sync()
        elif not self._dirty:
            self._since = time.monotonic_ns()
            self._dirty = True
            if self.policy == "group":
                self._ring()

    def sync(self) -> None:
        """Make everything written durable now; a failure is kept in `error`."""
        with self._lock:
            self._dirty = False
            self._sync()

    def swap(self, fd: int, seq: int) -> None:
        """Go on with another file, which begins with `seq`; what was written to the one before is synced already, or nobody asked for it."""
        with self._lock:
            self._fd = fd
            self._written = seq
            if self.error is None and self.policy != "none":
                self.durable = seq

    def waits_ns(self) -> int:
        """For how long something written has waited to become durable, 0 when nothing does; without a policy always 0."""
        if self.policy == "none":
            return 0
        busy = self._busy
        since = busy or (self._since if self._dirty else 0)
        return max(0, time.monotonic_ns() - since) if since else 0

    def stop(self) -> None:
        """End the thread; what it has not synced is for the caller to sync."""
        self._stopping = True
        self._ring()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _sync(self) -> None:
        written = self._written
        begun = time.monotonic_ns()
        self._busy = min(self._since, begun) or begun
        try:
            if self._before is not None:
                self._before()
            os.fdatasync(self._fd)
        except OSError as error:
            self.error = self.error or error
            return
        finally:
            self._busy = 0
        self.took_ns = time.monotonic_ns() - begun
        self.longest_ns = max(self.longest_ns, self.took_ns)
        self.last_ns = time.time_ns()
        if self.error is None:
            self.durable = written

    def _ring(self) -> None:
        """Wake the thread; only the caller's thread does, so nobody opens the bell between the question and the answer."""
        if self._bell.locked():
            self._bell.release()

    def _run(self) -> None:
        while not self._stopping:
            self._bell.acquire()
            if self._stopping:
                return
            time.sleep(GROUP_S)
            self.sync()
