"""An order as the wire shows it: its words, its way, its legs; what it may fill is the law of venues/sim, never decided here."""

from __future__ import annotations

import msgspec

from argosy.core.orders import Order, Tif, Type
from argosy.exchange.wire import Body, price_text, shares, stamp

NAN = float("nan")
OPEN = frozenset({
    "new", "partially_filled", "accepted", "pending_new", "pending_cancel", "pending_replace", "held", "stopped", "suspended",
    "calculated", "accepted_for_bidding", "done_for_day",
})  # fmt: skip
TYPES = {"market": Type.MARKET, "limit": Type.LIMIT, "stop": Type.STOP, "stop_limit": Type.STOP_LIMIT, "trailing_stop": Type.TRAILING}
TIFS = {"day": Tif.DAY, "gtc": Tif.GTC, "ioc": Tif.IOC, "fok": Tif.FOK, "opg": Tif.IOC, "cls": Tif.IOC}
CLASSES = ("simple", "bracket", "oco", "oto")
"""Auction orders live for one row, the auction's: nothing touches them before it."""


class Ticket(msgspec.Struct, kw_only=True):
    """One order of one account.

    number: the law's id; id, client: the wire's; side: +1 buy, -1 sell; lots: of 1e-9 share; turnover: lots times price of what filled
    hold:   units of buying power kept for it; reserve: lots of the position kept for it
    hung:   a leg that waits for its entry, so that the law does not know it yet; carried: lots filled before it, by what it replaced
    size:   shares in one; sort: its asset class; ratio: of a leg of several; hidden: ns until which nobody finds it; expires: ns, 0 never rests
    instrument is -1 for an order of several options: its legs have theirs, and its limit is what one of it costs, negative what it brings
    """

    number: int
    id: str
    client: str
    asset: str
    symbol: str
    instrument: int
    side: int
    kind: str
    tif: str
    lots: int
    created: int
    klass: str = "simple"
    notional: str | None = None
    limit: float = NAN
    stop: float = NAN
    trail_price: float = NAN
    trail_percent: float = NAN
    extended: bool = False
    intent: str | None = None
    status: str = "pending_new"
    updated: int = 0
    submitted: int = 0
    filled_at: int = 0
    expired_at: int = 0
    canceled_at: int = 0
    failed_at: int = 0
    replaced_at: int = 0
    replaced_by: str | None = None
    replaces: str | None = None
    filled: int = 0
    turnover: float = 0.0
    hwm: float = NAN
    level: float = NAN
    legs: list[Ticket] = []
    parent: Ticket | None = None
    group: int = 0
    hold: int = 0
    reserve: int = 0
    hung: bool = False
    replacing: bool = False
    carried: int = 0
    size: int = 1
    sort: str = "us_equity"
    ratio: int = 0
    hidden: int = 0
    expires: int = 0

    @property
    def live(self) -> bool:
        """Whether it may still fill."""
        return self.status in OPEN

    @property
    def leaves(self) -> int:
        """Lots that are still open."""
        return self.lots - self.filled

    @property
    def complex(self) -> bool:
        """Whether it belongs to others, so that it is no wash trade."""
        return self.klass != "simple"

    def order(self, lots: int, by_bars: bool = False) -> Order:
        """The order as the law of venues/sim takes it.

        A stop to buy becomes a stop-limit, 4 % above its stop below 50 dollars and 2.5 % from there on; a day order for
        extended hours lives until the exchange ends it.
        """
        kind, limit = TYPES[self.kind], self.limit
        if self.kind == "stop" and self.side > 0:
            kind, limit = Type.STOP_LIMIT, round(self.stop * (1.04 if self.stop < 50.0 else 1.025), 2)
        percent = self.trail_percent == self.trail_percent
        tif = Tif.GTC if self.extended and self.tif == "day" else TIFS[self.tif]
        if by_bars and self.tif in ("opg", "cls"):
            tif = Tif.OPG if self.tif == "opg" else Tif.CLS  # a tape of bars has the auctions themselves
        return Order(
            id=self.number, instrument=self.instrument, side=self.side, lots=lots, type=kind, limit=limit, stop=self.stop,
            trail=self.trail_percent / 100.0 if percent else self.trail_price, trail_frac=percent, tif=tif, group=self.group,
        )  # fmt: skip

    def average(self) -> float:
        """The price paid per share so far, nan before the first fill."""
        return self.turnover / self.filled if self.filled else NAN

    def view(self, nested: bool = True) -> Body:
        """The JSON of it. nested: with its legs."""
        average = self.average()
        stop = self.level if self.kind == "trailing_stop" else self.stop
        return {
            "id": self.id,
            "client_order_id": self.client,
            "created_at": stamp(self.created),
            "updated_at": stamp(self.updated),
            "submitted_at": stamp(self.submitted),
            "filled_at": _at(self.filled_at),
            "expired_at": _at(self.expired_at),
            "expires_at": _at(self.expires),
            "canceled_at": _at(self.canceled_at),
            "failed_at": _at(self.failed_at),
            "replaced_at": _at(self.replaced_at),
            "replaced_by": self.replaced_by,
            "replaces": self.replaces,
            "asset_id": self.asset,
            "symbol": self.symbol,
            "asset_class": self.sort,
            "notional": self.notional,
            "qty": None if self.notional is not None else shares(self.lots),
            "filled_qty": shares(self.filled),
            "filled_avg_price": None if average != average else f"{average:.6f}".rstrip("0").rstrip("."),
            "order_class": "" if self.klass == "simple" else self.klass,
            "order_type": self.kind,
            "type": self.kind,
            "side": ("buy" if self.side > 0 else "sell") if self.symbol else "",
            "position_intent": self.intent,
            "time_in_force": self.tif,
            "limit_price": price_text(self.limit),
            "stop_price": price_text(stop),
            "status": self.status,
            "extended_hours": self.extended,
            "legs": [leg.view(nested) for leg in self.legs] if nested and self.legs else None,
            "trail_percent": price_text(self.trail_percent),
            "trail_price": price_text(self.trail_price),
            "hwm": price_text(self.hwm),
            "subtag": None,
            "source": None,
            "ratio_qty": str(self.ratio) if self.ratio else None,
        }


def _at(ns: int) -> str | None:
    return stamp(ns) if ns else None
