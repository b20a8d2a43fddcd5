"""When to stop asking: what the venue refuses again and again is asked for ever more seldom; it asks for nothing itself.

Told by the journal alone. Refusals within one moment (a venue that answers at once) are counted together, and end in a wait for the
next market row; refusals that come one after another in time (a venue that is far away) double the wait each time.
"""

from __future__ import annotations

from argosy.core.orders import Order
from argosy.core.time import MINUTE, MS
from argosy.engine.bare import Bare

TRIES = 5
"""Refusals of one instrument in one moment after which the engine waits."""
FIRST_NS = 250 * MS
LONGEST_NS = MINUTE
"""The wait after the second refusal of the same thing in time, and the longest; the first may be tried again at once."""
FORGET_NS = 10 * MINUTE
"""After so long without a refusal the next one counts as the first."""
PARKED = 3
"""Refusals of the same thing in time after which the owner is told, once."""
KEPT = 512

SOON = "soon "
Key = tuple[int, str]
"""(instrument, what): "cancel ID", "amend ID", or of an order its tag, "exit" or "entry"; "soon STRATEGY" of what was postponed."""


def key_of(order: Order) -> Key:
    """What counts as the same order when it is asked for again."""
    return order.instrument, order.tag or ("exit" if order.reduce_only else "entry")


class Patience:
    """Counts the venue's refusals.

    stuck: instruments that wait for a market row or heartbeat, for the venue's sake or for a protection that the gate refused
    waits: what was refused -> [refusals in time, when last, until when it is not asked for; 0: asked for again since]
    """

    __slots__ = ("_counts", "_now", "_venue", "stuck", "waits")

    def __init__(self) -> None:
        self._now = -1
        self._counts: dict[int, int] = {}
        self._venue: set[int] = set()
        self.stuck: set[int] = set()
        self.waits: dict[Key, list[int]] = {}

    def refused(self, key: Key, now: int) -> None:
        """The venue said no."""
        i = key[0]
        if now != self._now:
            self._now = now
            self._counts.clear()
        count = self._counts[i] = self._counts.get(i, 0) + 1
        if count > TRIES:
            self.stuck.add(i)
            self._venue.add(i)
        self.declined(key, now)

    def declined(self, key: Key, now: int) -> None:
        """Somebody said no, of whom nothing but time can be expected."""
        wait = self.waits.pop(key, None)
        if wait is None or now - wait[1] > FORGET_NS:
            wait = [1, now, 0]
        elif now > wait[1]:
            tries = wait[0] + 1
            wait = [tries, now, now + min(LONGEST_NS, FIRST_NS << min(tries - 2, 16))]
            self.stuck.add(key[0])
        self.waits[key] = wait
        if len(self.waits) > KEPT:
            del self.waits[next(iter(self.waits))]

    def postponed(self, instrument: int, strategy: str, now: int, until: int) -> None:
        """It is too soon for a strategy's entry, and known when it will not be; the others do not wait for it."""
        self.waits[instrument, f"{SOON}{strategy}"] = [1, now, until]
        self.stuck.add(instrument)

    def too_soon(self, instrument: int, strategy: str, now: int) -> bool:
        """Whether a strategy's entry was postponed, and its time has not come."""
        return self.asleep((instrument, f"{SOON}{strategy}"), now)

    def accepted(self, key: Key) -> None:
        """The venue did it after all."""
        self.waits.pop(key, None)

    def spent(self, instrument: int, now: int) -> int:
        """How many refusals of this moment are too many; 0 where it may be tried again."""
        return max(0, self._counts.get(instrument, 0) - TRIES) if now == self._now else 0

    def tries(self, key: Key) -> int:
        """Refusals of one thing, one after another in time."""
        wait = self.waits.get(key)
        return wait[0] if wait is not None else 0

    def asleep(self, key: Key, now: int) -> bool:
        """Whether something was refused and is not to be asked for yet."""
        wait = self.waits.get(key)
        return wait is not None and wait[2] > now

    def ripe(self, rows: int, now: int, bare: Bare) -> set[int]:
        """Take the instruments of which something has waited long enough."""
        due: set[int] = set()
        waiting: set[int] = set()
        for (i, what), wait in list(self.waits.items()):
            if wait[2] > now:
                waiting.add(i)
            elif wait[2]:
                wait[2] = 0
                due.add(i)
                if what.startswith(SOON):
                    del self.waits[i, what]
        barred = bare.instruments
        found = {i for i in self.stuck if i in self._venue or i in due or ((i not in waiting or i in barred) and bare.due(i, rows))}
        self.stuck = (self.stuck - found) | (self.stuck & waiting)
        self._venue.clear()
        return found
