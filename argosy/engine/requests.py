"""Counts what was asked of the venue within the last minute, for the account and for each strategy; it never reads a clock.

Kept only where a rule of the gate limits it; told by recorded orders, cancels and amends alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from argosy.core.time import MINUTE


class Requests:
    """When orders were sent, and when orders were taken back or changed; by strategy, "" for the account as a whole."""

    __slots__ = ("_changes", "_orders")

    def __init__(self) -> None:
        self._orders: dict[str, deque[int]] = {}
        self._changes: dict[str, deque[int]] = {}

    def sent(self, now: int, strategies: Iterable[str]) -> None:
        """An order went out."""
        _note(self._orders, now, strategies)

    def changed(self, now: int, strategies: Iterable[str]) -> None:
        """A cancel or an amend went out."""
        _note(self._changes, now, strategies)

    def orders(self, now: int, strategy: str = "") -> int:
        """Orders sent in the minute before `now`."""
        return _count(self._orders, now, strategy)

    def changes(self, now: int, strategy: str = "") -> int:
        """Cancels and amends sent in the minute before `now`."""
        return _count(self._changes, now, strategy)


def _note(stamps: dict[str, deque[int]], now: int, strategies: Iterable[str]) -> None:
    for name in {"", *strategies}:
        row = stamps.setdefault(name, deque())
        row.append(now)
        _forget(row, now)


def _count(stamps: dict[str, deque[int]], now: int, strategy: str) -> int:
    row = stamps.get(strategy)
    if row is None:
        return 0
    _forget(row, now)
    return len(row)


def _forget(row: deque[int], now: int) -> None:
    while row and now - row[0] >= MINUTE:
        row.popleft()
