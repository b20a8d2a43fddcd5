"""The simulated venue: fills orders from a tape by one law; it never reads a clock and never guesses what a
tape does not say.
"""

from __future__ import annotations

from argosy.venues.sim.core import SimCore

__all__ = ["SimCore"]
