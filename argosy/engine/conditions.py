"""What is known of instruments and connections beside prices: bands, gaps, halts that ended, short-sale limits, volumes; it judges nothing.

Told by recorded events alone, so that a fold knows it too; the rules of the gate read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argosy.core import events as ev

ADV = "adv"
"""Name of the Fact that says how much of an instrument is traded in a day on average, in units of the thing."""
SHORT_SALE = "ssr"
"""Name of the Fact that says whether a short-sale restriction is in force for an instrument: 1 or 0."""


class Conditions:
    """Written by `State` only.

    bands:   instrument -> (low, high), outside of which no trade may happen; gone at the next session
    gaps:    instrument, -1 for all, -> when its feed last lost something
    resumed: instrument -> when its venue's last halt ended
    uptick:  instruments that may be sold short above the bid only; volumes: instrument -> average units a day
    links:   connections that are not up, with what they are instead
    counted: lots as the venue counted them last, None before it did
    armed:   when the desk was armed, -1: never
    quiet:   whether no connection is down and no feed ever lost anything
    """

    __slots__ = ("armed", "bands", "counted", "gaps", "links", "quiet", "resumed", "uptick", "volumes")

    def __init__(self) -> None:
        self.bands: dict[int, tuple[float, float]] = {}
        self.gaps: dict[int, int] = {}
        self.resumed: dict[int, int] = {}
        self.uptick: set[int] = set()
        self.volumes: dict[int, float] = {}
        self.links: dict[str, str] = {}
        self.counted: Mapping[int, int] | None = None
        self.armed = -1
        self.quiet = True

    def band(self, band: ev.Band) -> None:
        """No trade may happen outside of it from now on; one without limits takes it away."""
        if band.low == band.low or band.high == band.high:
            self.bands[band.instrument] = (band.low, band.high)
        else:
            self.bands.pop(band.instrument, None)

    def gap(self, gap: ev.Gap) -> None:
        """Something was lost: prices known by now are not to be trusted."""
        self.gaps[gap.instrument] = gap.known
        self.quiet = False

    def link(self, link: ev.Link) -> None:
        """A connection changed."""
        if link.state == "up":
            self.links.pop(link.source, None)
        else:
            self.links[link.source] = link.state
        self.quiet = not self.links and not self.gaps

    def fact(self, fact: ev.Fact) -> None:
        """The facts that rules know the names of; others are for strategies."""
        if fact.instrument < 0:
            return
        if fact.name == ADV:
            self.volumes[fact.instrument] = fact.value
        elif fact.name == SHORT_SALE:
            (self.uptick.add if fact.value > 0.0 else self.uptick.discard)(fact.instrument)

    def split(self, instrument: int, ratio: float) -> None:
        """Bring what is counted in shares or dollars a share to the instrument after a split."""
        if instrument in self.bands:
            low, high = self.bands[instrument]
            self.bands[instrument] = (low / ratio, high / ratio)
        if instrument in self.volumes:
            self.volumes[instrument] *= ratio

    def lost_since(self, instrument: int) -> int:
        """When the feed of an instrument last lost something, -1 when it never did."""
        return max(self.gaps.get(instrument, -1), self.gaps.get(-1, -1))

    def snapshot(self) -> dict[str, Any]:
        """Plain values; what the venue counted is evidence and left out."""
        return {
            "bands": sorted((i, *band) for i, band in self.bands.items()), "gaps": sorted(self.gaps.items()),
            "resumed": sorted(self.resumed.items()), "uptick": sorted(self.uptick), "volumes": sorted(self.volumes.items()),
            "links": sorted(self.links.items()), "armed": self.armed,
        }  # fmt: skip


__all__ = ["ADV", "SHORT_SALE", "Conditions"]
