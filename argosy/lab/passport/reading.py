"""What a strategy reads from outside while it is asked: files, sockets, databases; whatever is there cannot be cut off. It forbids nothing.

Readers written in other languages, which open files without telling Python, are not heard.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

EVENTS = frozenset(("open", "socket.connect", "sqlite3.connect", "subprocess.Popen", "urllib.Request", "mmap.__new__"))
RUN = "argosy.lab.backtest"
INNOCENT = frozenset(("importlib._bootstrap", "importlib._bootstrap_external", "linecache", "tokenize", "warnings"))
"""Modules that open files on behalf of Python itself."""


class Read(NamedTuple):
    """what: as Python names it, with its first argument; where: the function of the strategy's module; begun: in its `__init__` only."""

    what: str
    where: str
    begun: bool


class _Ear:
    __slots__ = ("found", "module")

    def __init__(self, module: str) -> None:
        self.module = module
        self.found: list[Read] = []


_EARS: list[_Ear] = []
_INSTALLED: list[bool] = []


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if not _EARS or event not in EVENTS:
        return
    frame = sys._getframe(1)  # noqa: SLF001  (who asks is what is asked for)
    modules = {ear.module: ear for ear in _EARS}
    own: tuple[_Ear, str] | None = None
    begun = False
    at: Any = frame
    while at is not None:
        name = at.f_globals.get("__name__", "")
        if name == RUN:  # whoever asked for the run may well be of the same module
            break
        if own is None and name in INNOCENT:
            return
        if name in modules:
            own = own or (modules[name], at.f_code.co_qualname if hasattr(at.f_code, "co_qualname") else at.f_code.co_name)
            begun = begun or at.f_code.co_name == "__init__"
        at = at.f_back
    if own is not None:
        own[0].found.append(Read(f"{event} {str(args[0])[:200] if args else ''}".strip(), own[1], begun))


@contextmanager
def reading(cls: type) -> Iterator[list[Read]]:
    """What functions of the class's module read meanwhile; a module of ours is not listened to."""
    ear = _Ear(cls.__module__)
    if not _INSTALLED:
        sys.addaudithook(_heard)  # it stays for good, and does nothing while nobody listens
        _INSTALLED.append(True)
    if not cls.__module__.startswith("argosy."):
        _EARS.append(ear)
    try:
        yield ear.found
    finally:
        _EARS[:] = [one for one in _EARS if one is not ear]
