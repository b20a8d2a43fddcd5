"""Compresses files that are closed, one after the other on a thread of its own; the plain file goes only when the other reads the same."""

from __future__ import annotations

import gzip
import os
import threading
import zlib
from pathlib import Path
from zlib import crc32

from argosy.core import points
from argosy.core.errors import Broken
from argosy.store.segment import sync_folder

PIECE = 1 << 20
"""Bytes that are compressed at a time."""


class Packer:
    """fault: the file that could not be compressed and why, "" when all could; it stays as it is and is tried at the next opening."""

    def __init__(self) -> None:
        self.fault = ""
        self._waiting: list[Path] = []
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, *paths: Path) -> None:
        """Compress these too."""
        with self._lock:
            self._waiting += paths
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="store-pack", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End after the file that is under way."""
        self._stopping = True
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._stopping or not self._waiting:
                    self._thread = None
                    return
                path = self._waiting.pop(0)
            try:
                compress(path)
            except (OSError, Broken) as error:
                self.fault = f"{path.name}: {error}"


def compress(path: Path) -> Path:
    """Compress a closed file: the compressed one is durable and reads back the same before the plain one goes.

    Raises Broken("PACK_DIFFERS") where it does not read back the same; OSError as the system gives it. The plain file is then there.
    """
    packed = path.with_name(path.name + ".gz")
    part = packed.with_name(packed.name + ".part")
    plain = 0
    with path.open("rb") as source, part.open("wb") as target:
        deflate = zlib.compressobj(6, zlib.DEFLATED, 31)
        while piece := source.read(PIECE):
            plain = crc32(piece, plain)
            target.write(deflate.compress(piece))
        target.write(deflate.flush())
        target.flush()
        os.fsync(target.fileno())
    if _crc(part) != plain:
        part.unlink()
        raise Broken("PACK_DIFFERS", "the compressed file does not read back as it was written", where=path.name, fix="examine the disk")
    points.reach("store.pack.rename")
    part.rename(packed)
    sync_folder(path.parent)
    points.reach("store.pack.unlink")
    path.unlink()
    return packed


def _crc(part: Path) -> int:
    """CRC of what a compressed file reads as, -1 where it cannot be read."""
    found = 0
    try:
        with gzip.open(part) as file:
            while piece := file.read(PIECE):
                found = crc32(piece, found)
    except (OSError, EOFError, zlib.error):
        return -1
    return found
