"""Which stops and targets the gate refused, and when to ask it again; part of the state, told by the journal alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from argosy.core.events import Fill, Session, Status
from argosy.core.intents import Target
from argosy.engine.records import Wanted

_STIRS = frozenset({Fill, Session, Status})
LONGEST = 16
"""Market rows, at most, between two requests for the same protection."""


class Bare:
    """waits: (instrument, tag) -> (refusals so far, market rows after which it is asked for again)."""

    __slots__ = ("waits",)

    def __init__(self) -> None:
        self.waits: dict[tuple[int, str], tuple[int, int]] = {}

    def refused(self, instrument: int, tag: str, rows: int) -> None:
        """A protection was refused after so many market rows: the wait doubles each time."""
        tries = self.waits.get((instrument, tag), (0, 0))[0]
        self.waits[instrument, tag] = tries + 1, rows + min(LONGEST, 1 << min(tries, 10))

    def rests(self, instrument: int, tag: str) -> None:
        """It may rest after all."""
        self.waits.pop((instrument, tag), None)

    def follow(self, record: Any, lots: Sequence[int], rows: int) -> None:
        """What is flat needs none; what trades again, filled, or is wanted otherwise is asked for at once."""
        kind = type(record)
        stirs = kind in _STIRS or (kind is Wanted and type(record.intent) is Target)
        about = getattr(record, "instrument", -1) if kind is not Wanted else record.intent.instrument
        for key, (tries, _) in list(self.waits.items()):
            if not lots[key[0]]:
                del self.waits[key]
            elif stirs and about in (-1, key[0]):
                self.waits[key] = tries, rows

    def tries(self, instrument: int, tag: str) -> int:
        """Refusals so far."""
        return self.waits.get((instrument, tag), (0, 0))[0]

    def asleep(self, instrument: int, tag: str, rows: int) -> bool:
        """Whether a protection was refused and is not to be asked for yet."""
        return self.waits.get((instrument, tag), (0, 0))[1] > rows

    def due(self, instrument: int, rows: int) -> bool:
        """Whether one of its protections has waited long enough, or none waits any more."""
        own = [after for (i, _), (_, after) in self.waits.items() if i == instrument]
        return not own or min(own) <= rows

    @property
    def instruments(self) -> set[int]:
        """Those with a protection that waits."""
        return {i for i, _ in self.waits}
