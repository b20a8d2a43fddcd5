"""Round trips: what each position of each strategy earned from flat to flat; it never changes a fill or guesses a price.

A trip is flat to flat in one (strategy, symbol). Entries add to it, exits take from it, a fill that crosses zero ends one
trip and begins the next, its money split in proportion. Average cost: the money of a trip is exact, whatever the order of
its fills. Dividends, funding and borrow costs belong to the account and are in no trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

NAN = float("nan")


class Ratio(NamedTuple):
    """A split of a symbol as the trips need it. price: what the fraction of a lot was paid at, nan when it was not."""

    known: int
    symbol: str
    ratio: float
    price: float = NAN


class _Trip:
    """One trip while it is open. lots: signed, now; entered, left: lots, in today's terms; *_points: Σ lots x price."""

    __slots__ = (
        "began", "count", "ended", "entered", "entry_points", "exit_points", "fees", "left", "lots", "money", "paid", "side",
        "why_in", "why_out",
    )  # fmt: skip

    def __init__(self, known: int, side: int, why: str) -> None:
        self.began = known
        self.ended = known
        self.side = side
        self.why_in = why
        self.why_out = ""
        self.lots = 0
        self.entered = Fraction(0)
        self.left = Fraction(0)
        self.entry_points = 0.0
        self.exit_points = 0.0
        self.money = 0  # Σ signed notional, + paid
        self.paid = 0  # Σ |notional| of entries
        self.fees = 0
        self.count = 0

    def enter(self, lots: int, price: float, notional: int, fee: int) -> None:
        self.lots += self.side * lots
        self.entered += lots
        self.entry_points += lots * price
        self.money += notional
        self.paid += abs(notional)
        self.fees += fee
        self.count += 1

    def leave(self, known: int, lots: int, price: float, notional: int, fee: int, why: str) -> None:
        self.lots -= self.side * lots
        self.left += lots
        self.exit_points += lots * price
        self.money += notional
        self.fees += fee
        self.count += 1
        self.ended = known
        self.why_out = why

    def split(self, lots: int, ratio: Fraction, price: float, scale: float) -> None:
        """Count everything in the new units; the fraction of a lot that is gone leaves at `price`."""
        lost = abs(self.lots * ratio) - abs(lots)
        self.entered *= ratio
        self.left *= ratio
        self.lots = lots
        if lost and price == price:
            self.left += lost
            self.exit_points += float(lost) * price
            self.money -= round(self.side * lost * Fraction(price * scale))


def round_trips(
    fills: pl.DataFrame,
    *,
    splits: Iterable[Ratio] = (),
    marks: Mapping[str, float] | None = None,
    now: int | None = None,
) -> pl.DataFrame:
    """The trips of `fills` (columns of `Result.fills`, in the order they happened), sorted by when they were entered.

    splits: of the symbols, in order of `known`; a split known at the time of a fill comes before it
    marks:  last price of each symbol, for open trips; now: when those marks were known (ns), for their `held_ns`

    Returned columns: strategy, symbol, side (+1 long, -1 short), entered, left (known ns; null while open), units (entered,
    in today's units after splits), entry_price, exit_price (averages; of an open trip its exits and its mark), pnl (units
    of money after fees; an open one at its mark, null without one), fees (units), return_frac (pnl / money entered),
    held_ns, why_in, why_out, open, fills (count).
    """
    import polars as pl

    done: list[tuple[Any, ...]] = []
    trips: dict[tuple[str, str], _Trip] = {}
    scales: dict[str, float] = {}
    per_lot: dict[str, float] = {}
    pending = sorted(splits, key=lambda split: split.known)[::-1]
    names = ("known", "symbol", "strategy", "side", "lots", "units", "price", "notional", "fee", "why")
    columns = [fills[name].to_list() for name in names]
    for known, symbol, strategy, side, lots, units, price, notional, fee, why in zip(*columns, strict=True):
        while pending and pending[-1].known <= known:
            _rescale(trips, pending.pop(), scales, per_lot, done)
        if lots and price:
            scales[symbol] = abs(notional) / (lots * price)
            per_lot[symbol] = units / lots
        key = (strategy, symbol)
        trip = trips.get(key)
        if trip is not None and trip.side != side:
            closing = min(lots, abs(trip.lots))
            part = notional if closing == lots else round(Fraction(notional * closing, lots))
            cost = fee if closing == lots else round(Fraction(fee * closing, lots))
            trip.leave(known, closing, price, part, cost, why or "")
            lots, notional, fee = lots - closing, notional - part, fee - cost
            if not trip.lots:
                done.append(_row(key, trips.pop(key), per_lot.get(symbol, 1.0)))
                trip = None
        if lots:
            if trip is None:
                trip = trips[key] = _Trip(known, side, why or "")
            trip.enter(lots, price, notional, fee)
    while pending and (now is None or pending[-1].known <= now):
        _rescale(trips, pending.pop(), scales, per_lot, done)
    for key, trip in trips.items():
        mark = (marks or {}).get(key[1], NAN)
        done.append(_row(key, trip, per_lot.get(key[1], 1.0), mark, scales.get(key[1], 0.0), now))
    schema = {
        "strategy": pl.String, "symbol": pl.String, "side": pl.Int8, "entered": pl.Int64, "left": pl.Int64,
        "units": pl.Float64, "entry_price": pl.Float64, "exit_price": pl.Float64, "pnl": pl.Int64, "fees": pl.Int64,
        "return_frac": pl.Float64, "held_ns": pl.Int64, "why_in": pl.String, "why_out": pl.String, "open": pl.Boolean,
        "fills": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(done, schema=schema, orient="row").sort("entered", maintain_order=True)


def _rescale(
    trips: dict[tuple[str, str], _Trip],
    split: Ratio,
    scales: Mapping[str, float],
    per_lot: Mapping[str, float],
    done: list[tuple[Any, ...]],
) -> None:
    """Apply a split as the portfolio does: the account keeps whole lots, shared by the largest fraction, ties by name."""
    keys = sorted(key for key in trips if key[1] == split.symbol)
    ratio = Fraction(split.ratio).limit_denominator(10_000)
    exact = {key: trips[key].lots * ratio for key in keys}
    whole = {key: int(exact[key]) for key in keys}
    missing = int(sum(exact.values())) - sum(whole.values())
    for key in sorted(keys, key=lambda key: (-abs(exact[key] - whole[key]), key)):
        part = exact[key] - whole[key]
        if missing and part and (part > 0) == (missing > 0):
            step = 1 if missing > 0 else -1
            whole[key] += step
            missing -= step
    for key in keys:
        trip = trips[key]
        trip.split(whole[key], ratio, split.price, scales.get(split.symbol, 0.0))
        if not trip.lots:
            trip.ended, trip.why_out = split.known, "split: cash in lieu"
            done.append(_row(key, trips.pop(key), per_lot.get(split.symbol, 1.0)))


def _row(
    key: tuple[str, str],
    trip: _Trip,
    unit: float,
    mark: float = NAN,
    scale: float = 0.0,
    now: int | None = None,
) -> tuple[Any, ...]:
    """One row of the table; an open trip is valued at `mark`."""
    is_open = bool(trip.lots)
    exits, points = float(trip.left), trip.exit_points
    pnl: int | None = -trip.money - trip.fees
    if is_open:
        if mark == mark:
            pnl = round(trip.lots * mark * scale) - trip.money - trip.fees
            exits, points = exits + abs(trip.lots), points + abs(trip.lots) * mark
        else:
            pnl = None
    held = (now if now is not None else trip.ended) - trip.began if is_open else trip.ended - trip.began
    return (
        *key, trip.side, trip.began, None if is_open else trip.ended, float(trip.entered) * unit,
        trip.entry_points / float(trip.entered), points / exits if exits else None, pnl, trip.fees,
        pnl / trip.paid if pnl is not None and trip.paid else None, held, trip.why_in, trip.why_out, is_open, trip.count,
    )  # fmt: skip


def tally(trades: pl.DataFrame) -> dict[str, float]:
    """Counts over closed trips: trades, open_trades, win_rate, profit_factor, average_frac, best_frac, worst_frac.

    win_rate is a fraction of closed trips; profit_factor is gross gain / gross loss (inf without a loss, nan without trips).
    """
    closed = trades.filter(~trades["open"])
    pnl: Sequence[int] = closed["pnl"].to_list()
    gains = sum(value for value in pnl if value > 0)
    losses = -sum(value for value in pnl if value < 0)
    fracs = closed["return_frac"].drop_nulls().to_list()
    return {
        "trades": float(len(pnl)),
        "open_trades": float(len(trades) - len(pnl)),
        "win_rate": sum(value > 0 for value in pnl) / len(pnl) if pnl else NAN,
        "profit_factor": gains / losses if losses else float("inf") if gains else NAN,
        "average_frac": sum(fracs) / len(fracs) if fracs else NAN,
        "best_frac": max(fracs) if fracs else NAN,
        "worst_frac": min(fracs) if fracs else NAN,
    }
