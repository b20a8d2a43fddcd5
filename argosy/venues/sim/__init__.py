"""The simulated venue: fills orders from a tape by one law; it never guesses what the tape does not say."""

from __future__ import annotations

from argosy.venues.sim.core import SimCore

__all__ = ["SimCore"]
