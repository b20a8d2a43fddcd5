"""Why a figure has no value: each that is not finite carries its reason; nothing here is ever a warning."""

from __future__ import annotations

from math import isfinite

EMPTY = "there are no rows"
HOLES = "a value is nan"
START = "the curve does not start above nothing"
FEW = "fewer than two returns"
YEARLESS = "a year has no steps"
STILL = "the returns do not vary"
NO_LOSS = "no step lost"
NO_FALL = "the curve never fell"
NO_TAIL = "the lower tail is no loss"
BRIEF = "less than 30 days"
BENT = "skew and kurtosis are beyond what the expansion can follow"
HUGE = "it is beyond float64"
APART = "the benchmark has no rows in common"
FLAT = "the benchmark does not vary"
NO_RISE = "the benchmark never rose"
NO_DROP = "the benchmark never fell"
SAME = "it never parted from the benchmark"
NO_TRADES = "no trade was closed"
NO_GAINS = "no trade gained"
NO_LOSSES = "no trade lost"
UNTRADED = "nothing was traded"
NO_BARS = "no bars were given"

Cause = tuple[bool, str]
"""Whether it holds, and the words."""


class Figures:
    """Values by name, and the reason of each that is not finite."""

    def __init__(self, *always: Cause) -> None:
        self.always = always
        self.values: dict[str, float] = {}
        self.reasons: dict[str, str] = {}

    def add(self, name: str, value: float, *causes: Cause) -> None:
        """Keep a value; when it is not finite, the first cause that holds says why."""
        self.values[name] = float(value)
        if not isfinite(value):
            self.reasons[name] = next((words for holds, words in (*self.always, *causes) if holds), HUGE)
