"""The simulated venue keeps the laws of every venue, with and without latency."""

from __future__ import annotations

import pytest

from argosy.core.instrument import Instruments
from argosy.core.time import MS
from argosy.testing.venue_kit import MarketKit
from argosy.venues.sim import SimCore


class TestSimCore(MarketKit):
    def make(self, instruments: Instruments) -> SimCore:
        return SimCore(instruments)


class TestSimCoreWithCosts(MarketKit):
    def make(self, instruments: Instruments) -> SimCore:
        return SimCore(instruments, slippage_bps=5.0, limit_rule="touch", report_latency_ns=MS)


def test_a_kit_without_a_market_says_so() -> None:
    with pytest.raises(NotImplementedError):
        MarketKit().stage()
