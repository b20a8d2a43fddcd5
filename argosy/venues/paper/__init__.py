"""Orders that never leave: filled here, by the law of the past, from the prices of the present."""

from argosy.venues.paper.venue import PaperVenue

__all__ = ["PaperVenue"]
