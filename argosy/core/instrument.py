"""What can be traded, and the facts a gate and a venue need of it; no price lives here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from argosy.core.errors import Misuse
from argosy.core.money import unit

Kind = Literal["equity", "crypto", "fx", "future", "option", "index"]


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable thing on one venue.

    id:         position in the run's `Instruments`; events carry this int
    lot:        size of one integer lot in units of the thing (1 share, 1e-9 share, 1e-8 BTC)
    tick:       smallest price step at prices of 1 and above; `tick_small` below 1 (US equities: 0.01 and 0.0001)
    min_lots:   smallest order; max_lots: largest single order (0 = no limit)
    multiplier: currency per point and unit (1 for equities, 100 for an equity option)
    calendar:   exchange_calendars name ("XNYS") or "24/7"
    """

    symbol: str
    id: int = 0
    venue: str = "sim"
    kind: Kind = "equity"
    currency: str = "USD"
    lot: Decimal = Decimal(1)
    tick: Decimal = Decimal("0.01")
    tick_small: Decimal = Decimal("0.0001")
    min_lots: int = 1
    max_lots: int = 0
    multiplier: Decimal = Decimal(1)
    calendar: str = "24/7"
    tradable: bool = True
    restricted: bool = False
    marginable: bool = True
    shortable: bool = True

    @property
    def scale(self) -> float:
        """Currency units per lot and price point: `notional = round(lots * px * scale)`."""
        return float(self.lot * self.multiplier / unit(self.currency))

    def snap(self, price: float, direction: int) -> float:
        """The price on the tick grid at or beyond `price` in a direction: +1 up, -1 down. nan stays nan."""
        if not 0.0 < price < 1e15:
            return price
        tick = self.tick if price >= 1.0 else self.tick_small
        step = float(tick)
        steps = price / step
        whole = math.floor(steps + 1e-6) if direction < 0 else math.ceil(steps - 1e-6)
        return round(whole * step, max(0, -int(tick.as_tuple().exponent)))

    def lots(self, units: Decimal | int | float | str) -> int:
        """Whole lots in `units` of the thing, rounded toward zero."""
        return int(Decimal(str(units)) // self.lot)

    def units(self, lots: int) -> Decimal:
        """Exact size in units of the thing of integer `lots`."""
        return self.lot * lots


class Instruments:
    """The run's table of instruments: by id and by symbol; ids are positions, given in order of registration."""

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self._rows: list[Instrument] = []
        self._by_symbol: dict[str, int] = {}
        for instrument in instruments:
            self.add(instrument)

    def add(self, instrument: Instrument) -> Instrument:
        """Register one instrument and return it with its id; Misuse("INSTRUMENT_TWICE") when the symbol is taken."""
        if instrument.symbol in self._by_symbol:
            raise Misuse("INSTRUMENT_TWICE", f"{instrument.symbol} is registered already")
        row = msgspec.structs.replace(instrument, id=len(self._rows))
        self._by_symbol[row.symbol] = row.id
        self._rows.append(row)
        return row

    def __getitem__(self, key: int | str) -> Instrument:
        """The instrument of an id or a symbol; Misuse("INSTRUMENT_UNKNOWN") otherwise."""
        if isinstance(key, int):
            if 0 <= key < len(self._rows):
                return self._rows[key]
            raise Misuse("INSTRUMENT_UNKNOWN", f"no instrument has id {key}")
        if key not in self._by_symbol:
            known = ", ".join(sorted(self._by_symbol)) or "none"
            raise Misuse("INSTRUMENT_UNKNOWN", f"{key!r} is not in this run", fix=f"known: {known}")
        return self._rows[self._by_symbol[key]]

    def __contains__(self, key: object) -> bool:
        return key in self._by_symbol or (isinstance(key, int) and 0 <= key < len(self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._rows)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(row.symbol for row in self._rows)


def tick_fraction(tick: Decimal) -> tuple[float, float, float]:
    """A tick as a float, and as numerator and denominator of a decimal fraction: what `kernels.sweep.account.snap` counts with."""
    num, den = tick.as_integer_ratio()
    whole = 10 ** max(0, -int(tick.as_tuple().exponent))
    return float(tick), float(num * (whole // den)), float(whole)
