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


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """What an option promises, beside what every instrument has.

    underlying: symbol of what it is on, in the same run and registered before it
    strike:     price of one unit of the underlying, in its currency
    expiry_ns:  moment at which it ends, ns UTC
    style:      "american" may be exercised at any time, "european" at expiry alone
    settlement: "physical" moves the underlying against the strike, "cash" pays what the option is worth
    """

    underlying: str
    strike: Decimal
    right: Literal["call", "put"]
    expiry_ns: int
    style: Literal["american", "european"] = "american"
    settlement: Literal["physical", "cash"] = "physical"

    def worth(self, price: float) -> float:
        """What exercise gives for one unit at a price of the underlying, at least 0; nan stays nan."""
        inside = price - float(self.strike) if self.right == "call" else float(self.strike) - price
        return inside if inside > 0.0 or inside != inside else 0.0


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One tradable thing on one venue.

    id:         position in the run's `Instruments`; events carry this int
    lot:        size of one integer lot in units of the thing (1 share, 1e-9 share, 1e-8 BTC)
    tick:       smallest price step at prices of 1 and above; `tick_small` below 1 (US equities: 0.01 and 0.0001)
    min_lots:   smallest order; max_lots: largest single order (0 = no limit)
    multiplier: currency per point and unit (1 for equities, 100 for an equity option)
    calendar:   exchange_calendars name ("XNYS") or "24/7"
    option:     its terms where it is an option that may expire here; None for all else
    away_ns:    0 where the venue takes orders of both sides beside each other. Else it refuses one beside an opposite market or stop
                order of the same account, or through zero, and this is how long a protection may be away for such an order
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
    option: Option | None = None
    away_ns: int = 0

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
        """Register one instrument and return it with its id.

        Misuse: INSTRUMENT_TWICE when the symbol is taken, OPTION_TERMS when an option could not be settled exactly.
        """
        if instrument.symbol in self._by_symbol:
            raise Misuse("INSTRUMENT_TWICE", f"{instrument.symbol} is registered already")
        if instrument.option is not None:
            self._check(instrument, instrument.option)
        row = msgspec.structs.replace(instrument, id=len(self._rows))
        self._by_symbol[row.symbol] = row.id
        self._rows.append(row)
        return row

    def _check(self, row: Instrument, terms: Option) -> None:
        """Misuse("OPTION_TERMS") unless the option can be delivered in whole lots and paid in whole units of its currency."""

        def wrong(what: str, fix: str = "") -> Misuse:
            return Misuse("OPTION_TERMS", what, where=row.symbol, fix=fix)

        if row.kind != "option":
            raise wrong(f"it has the terms of an option and is of kind {row.kind!r}", 'kind="option"')
        if terms.underlying not in self._by_symbol:
            raise wrong(f"its underlying {terms.underlying!r} is not registered", "add the underlying first")
        under = self[terms.underlying]
        if not (terms.strike.is_finite() and terms.strike > 0 and terms.expiry_ns > 0):
            raise wrong(f"strike {terms.strike} and expiry {terms.expiry_ns} must be above 0")
        if under.currency != row.currency:
            raise wrong(f"it is in {row.currency}, {under.symbol} in {under.currency}")
        if terms.settlement == "physical" and (row.lot * row.multiplier) % (under.lot * under.multiplier):
            raise wrong(f"a lot of it is no whole number of lots of {under.symbol}", "mend lot or multiplier")
        if (terms.strike * row.lot * row.multiplier) % unit(row.currency):
            raise wrong(f"the strike of one lot is no whole number of units of {row.currency}")

    def delivery(self, i: int) -> tuple[int, int]:
        """(lots of the underlying that one lot of an option is exercised for, units of currency of its strike), exact.

        Misuse("OPTION_TERMS") for what is no option.
        """
        row = self[i]
        if row.option is None:
            raise Misuse("OPTION_TERMS", "it is no option", where=row.symbol)
        under = self[row.option.underlying]
        size = row.lot * row.multiplier
        return int(size / (under.lot * under.multiplier)), int(row.option.strike * size / unit(row.currency))

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
