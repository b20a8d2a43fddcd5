"""Simulations that nobody will look at again: of those that `argosy up` began the last few are kept, and no other desk is ever touched.

It removes a folder only where its own mark lies in it, its name is that of a simulation, no process holds it, and none is about to.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from argosy.core.errors import ArgosyError
from argosy.core.time import SECOND
from argosy.desk.folder import Folder, desks
from argosy.store import lease
from argosy.store.opening import LOCK

MARK = "up"
"""Name of the file that says: `argosy up` began this."""
BEGINS_S = 120
"""So long after its mark a desk may still be on its way to its folder."""


def mark(folder: Folder) -> None:
    """Say that a folder is of a simulation that may be removed when others came after it."""
    (folder.make().root / MARK).write_text(f"{time.time_ns()}\n", encoding="utf-8")


def sweep(keep: int) -> list[Path]:
    """Remove simulations but for the last `keep`; the folders that went, the oldest first."""
    marked = [path for path in desks().glob(f"sim-*/{MARK}") if path.is_file() and not path.parent.is_symlink()]
    found = sorted((path.parent for path in marked), key=_begun)
    gone = []
    for root in found[: max(0, len(found) - keep)]:
        if _begun(root) + BEGINS_S * SECOND < time.time_ns() and not _held(root):
            shutil.rmtree(root, ignore_errors=True)
            if not root.exists():
                gone.append(root)
    return gone


def _begun(root: Path) -> int:
    try:
        return int((root / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def _held(root: Path) -> bool:
    """Whether a process works there, or it cannot be said that none does."""
    try:
        return lease.taken(Folder(root).journal / LOCK)
    except (ArgosyError, OSError):
        return True


__all__ = ["MARK", "mark", "sweep"]
