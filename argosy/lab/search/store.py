"""What was tried so far, kept in a file as it comes, so that a search can be taken up again; it forgets nothing and repeats nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from argosy.core.errors import Misuse
from argosy.lab.search.lane import Tried
from argosy.lab.search.space import Point

SCHEMA = 1
Key = tuple[int, str]


def key(stage: int, point: Point) -> Key:
    """A name of a point, at a stage of pruning; 0 is the whole stretch."""
    return stage, repr(sorted(point.items()))


class Store:
    """Answers by point. path: where they are kept; None keeps them for this process only.

    head: what the search is; a file of another one is refused. Raises Misuse: SEARCH_STORAGE (there is one, and nobody said `resume`),
    SEARCH_RESUME (it is of another search), SEARCH_STORAGE_READ (no such file at all).
    """

    def __init__(self, path: Path | None, head: Mapping[str, Any], resume: bool) -> None:
        self._path = path
        self._known: dict[Key, Tried] = {}
        if path is None:
            return
        if path.is_dir():
            raise Misuse("SEARCH_STORAGE", f"{path} is a folder", where="--storage", fix="name a file")
        mine = msgspec.to_builtins({"schema": SCHEMA} | dict(head), str_keys=True)
        if path.exists() and path.stat().st_size:
            if not resume:
                raise Misuse("SEARCH_STORAGE", f"{path} holds a search already", where="--storage", fix="add --resume, or name another file")
            self._read(path, msgspec.json.decode(msgspec.json.encode(mine)))
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.encode(mine) + b"\n")
        except OSError as error:
            raise Misuse("SEARCH_STORAGE", f"{path} cannot be written: {error.strerror}", where="--storage", fix="name another file") from error

    def __len__(self) -> int:
        return len(self._known)

    def get(self, stage: int, point: Point) -> Tried | None:
        """What a point came to; None when it was not tried."""
        return self._known.get(key(stage, point))

    def put(self, found: Mapping[Key, Tried]) -> None:
        """Keep what points came to; on disk when this returns."""
        self._known.update(found)
        if self._path is not None and found:
            text = b"".join(
                msgspec.json.encode({"stage": stage, "point": point, "figures": _plain(one.figures), "refused": one.refused}) + b"\n"
                for (stage, point), one in found.items()
            )
            with self._path.open("ab") as file:
                file.write(text)

    def _read(self, path: Path, mine: dict[str, Any]) -> None:
        lines = path.read_bytes().split(b"\n")
        try:
            head = msgspec.json.decode(lines[0])
            differ = [name for name in mine if head.get(name) != mine[name]]
        except (msgspec.DecodeError, AttributeError) as error:
            raise Misuse("SEARCH_STORAGE_READ", f"{path} holds no search", where="--storage", fix="name another file") from error
        if differ:
            raise Misuse("SEARCH_RESUME", f"{path} holds a search with other {', '.join(differ)}", where="--resume", fix="name another file")
        whole = len(lines[0]) + 1
        for text in lines[1:-1]:  # the last is empty, or torn
            try:
                row = msgspec.json.decode(text)
                self._known[(row["stage"], row["point"])] = Tried(_floats(row["figures"]), row["refused"])
            except (msgspec.DecodeError, KeyError, TypeError) as error:
                raise Misuse("SEARCH_STORAGE_READ", f"{path} is damaged: {text[:40]!r}", where="--storage", fix="name another file") from error
            whole += len(text) + 1
        if lines[-1]:
            with path.open("r+b") as file:
                file.truncate(whole)


def _plain(figures: Mapping[str, float]) -> dict[str, Any]:
    """Floats as JSON can say them exactly; words for what is not finite."""
    return {name: value if value - value == 0.0 else repr(value) for name, value in figures.items()}


def _floats(figures: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items()}
