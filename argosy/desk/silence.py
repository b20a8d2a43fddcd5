"""When a stream that is open says nothing although it should: a stream may answer every ping and be deaf. It reads no clock.

Prices are owed all the time while the market is open; news of orders only after something was asked, or when the venue shows what it
never told. Times are ticks: monotonic ns.
"""

from __future__ import annotations

import msgspec

NEVER = 1 << 62


class Ear(msgspec.Struct):
    """One stream. limit: how long it may say nothing while something is owed; always: something is owed all the time it is up.

    heard: when it said something last; owed: since when something is owed, NEVER where nothing is
    """

    limit: int
    always: bool = False
    up: bool = False
    heard: int = 0
    owed: int = NEVER


class Silence:
    """All streams of a desk, by name."""

    def __init__(self) -> None:
        self._ears: dict[str, Ear] = {}
        self.found = 0

    def expect(self, name: str, limit: int, *, always: bool = False) -> None:
        """Watch a stream."""
        self._ears[name] = Ear(limit, always)

    def turned(self, name: str, up: bool, tick: int) -> None:
        """It came up or went away."""
        ear = self._ears.get(name)
        if ear is not None:
            ear.up, ear.heard, ear.owed = up, tick, NEVER

    def heard(self, name: str, tick: int) -> None:
        """It said something."""
        ear = self._ears.get(name)
        if ear is not None:
            ear.heard, ear.owed = tick, NEVER

    def owes(self, name: str, tick: int) -> None:
        """Something happened that it must tell, unless it just told something: its word may come before the answer that is heard here."""
        ear = self._ears.get(name)
        if ear is not None and ear.up and ear.owed == NEVER and tick - ear.heard >= ear.limit:
            ear.owed = tick

    def age(self, name: str, tick: int) -> int:
        """How long it has said nothing; 0 where it is not watched."""
        ear = self._ears.get(name)
        return tick - ear.heard if ear is not None else 0

    def mute(self, tick: int, trading: bool = True) -> list[str]:
        """Streams that owe something for too long; each is told once, until it comes up anew. trading: whether prices are owed now."""
        found = []
        for name, ear in self._ears.items():
            since = ear.heard if ear.always and trading else ear.owed
            if ear.up and since != NEVER and tick - since >= ear.limit:
                ear.up = False
                found.append(name)
        self.found += len(found)
        return found
