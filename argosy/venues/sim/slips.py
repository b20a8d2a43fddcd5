"""What taking costs on bars beyond the price they show; always adverse, and nothing for what rests."""

from __future__ import annotations

from argosy.core.errors import Misuse
from argosy.kernels import slippage
from argosy.venues.sim.book import Lane

_bps = slippage.bps.py
_ticks = slippage.ticks.py
_volume_share = slippage.volume_share.py


class Slips:
    """Slippage of market orders and triggered stops; the parts are applied in the order they are named.

    bps: of the price; ticks: of the instrument; volume_share: coefficient of the squared share of the volume
    Raises Misuse("SIM_SLIPPAGE") for a negative part, or one that could take the whole price.
    """

    __slots__ = ("bps", "ticks", "volume_share")

    def __init__(self, bps: float, ticks: float, volume_share: float) -> None:
        if not (0.0 <= bps < 10_000.0 and 0.0 <= ticks < 1e9 and 0.0 <= volume_share < 1.0):
            raise Misuse(
                "SIM_SLIPPAGE",
                f"{bps} bps, {ticks} ticks, volume share {volume_share} is no slippage",
                fix="not negative, below 10000 bps, volume share below 1",
            )
        self.bps = bps
        self.ticks = ticks
        self.volume_share = volume_share

    def __bool__(self) -> bool:
        return bool(self.bps or self.ticks or self.volume_share)

    def price(self, lane: Lane, side: int, lots: int, price: float) -> float:
        """The worse price at which `lots` trade that see `price`; a sale gets at least one tick."""
        if self.bps:
            price = _bps(side, price, self.bps)
        if self.ticks:
            tick = lane.tick if price >= 1.0 else lane.tick_small
            price = max(_ticks(side, price, self.ticks, tick), tick)
        if self.volume_share:
            price = _volume_share(side, price, lots * lane.lot, lane.volume, self.volume_share)
        return price
