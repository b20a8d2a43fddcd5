"""What is kept of a strategy that raised, for whoever mends it."""

from __future__ import annotations

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """A strategy that raised: where, on what, with which parameters; the run's capsule."""

    strategy: str
    known: int
    event: str
    error: str
    trace: str
