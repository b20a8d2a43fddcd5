"""At which price an order fills on a row, nan when it does not; it fills only what must have happened.

Sides: +1 buys, -1 sells. Prices of a row are numbers: the venue drops a row that lacks one. `open` is the
first price that counts for the order: the bar's, or the price of the entry for a leg born inside the bar.
Times and volumes are the venue's affair.
"""

from __future__ import annotations

from argosy.kernels.kernel import kernel

NAN = float("nan")
_BOUNDLESS = 1 << 62


@kernel
def limit_fill(side: int, limit: float, open: float, high: float, low: float, through: bool) -> float:
    """A limit order in a bar: an open at or better than the limit, else the limit once the bar passes it.

    through: the price must go beyond the limit (strict); False: reaching it is enough
    """
    if side > 0:
        if open <= limit:
            return open
        if low < limit or (low == limit and not through):
            return limit
        return NAN
    if open >= limit:
        return open
    if high > limit or (high == limit and not through):
        return limit
    return NAN


@kernel
def stop_fill(side: int, stop: float, open: float, high: float, low: float) -> float:
    """A stop order in a bar: reaching the stop triggers it, at the market: the worse of open and stop."""
    if side > 0:
        if open >= stop:
            return open
        return stop if high >= stop else NAN
    if open <= stop:
        return open
    return stop if low <= stop else NAN


@kernel
def stop_limit_fill(
    side: int, stop: float, limit: float, open: float, high: float, low: float, through: bool
) -> float:
    """A stop-limit order in a bar; nan: not triggered, or triggered with no price proven after it.

    Triggered by the open: the whole bar counts for its limit. Triggered inside: it fills at the stop when its
    limit allows that; else only the path after the trigger could fill it, which a bar does not tell: it
    waits, triggered, for the next row.
    """
    if side > 0:
        if open >= stop:
            return limit_fill(side, limit, open, high, low, through)
        return stop if high >= stop and stop <= limit else NAN
    if open <= stop:
        return limit_fill(side, limit, open, high, low, through)
    return stop if low <= stop and stop >= limit else NAN


@kernel
def trail_update(side: int, stop: float, price: float, trail: float, trail_frac: bool) -> float:
    """Where a trailing stop stands after `price`: it follows a better price and never goes back.

    side:  the stop's: -1 hangs below and protects a long, +1 above and protects a short; stop: nan before its
           first price
    trail: distance in price, or a fraction of the price when trail_frac
    """
    gap = price * trail if trail_frac else trail
    if side > 0:
        level = price + gap
        return stop if stop <= level or level != level else level
    level = price - gap
    return stop if stop >= level or level != level else level


@kernel
def trail_stop(
    side: int, stop: float, open: float, high: float, low: float, trail: float, trail_frac: bool
) -> tuple[float, float]:
    """A trailing stop in a bar: (fill price or nan, level for the next bar).

    The level in force is the one that the bars before have made: a bar's own extreme never tightens the stop
    used within it.
    A stop that has no level yet (nan) hangs from the open.
    """
    if stop != stop:
        stop = trail_update(side, stop, open, trail, trail_frac)
    px = stop_fill(side, stop, open, high, low)
    if px == px:
        return px, stop
    return NAN, trail_update(side, stop, low if side > 0 else high, trail, trail_frac)


@kernel
def bracket_exit(
    side: int, stop: float, take: float, open: float, high: float, low: float, through: bool, inside: bool
) -> tuple[float, int]:
    """A stop and a target that cancel each other, in a bar: (price, which).

    which:  -1 the stop, +1 the target, 0 none (its price is nan)
    side:   of both exits: -1 leaves a long, +1 leaves a short; nan for a leg that is not there
    inside: the entry filled inside this bar: only the stop may trigger, the target waits for the next; `open`
            is the entry's price
    A target that the open meets fills at the open. Stop and target both inside the bar: the stop, the worse
    one.
    """
    px = stop_fill(side, stop, open, open, open)
    if px == px:
        return px, -1
    if not inside:
        px = limit_fill(side, take, open, open, open, through)
        if px == px:
            return px, 1
    px = stop_fill(side, stop, open, high, low)
    if px == px:
        return px, -1
    if not inside:
        px = limit_fill(side, take, open, high, low, through)
        if px == px:
            return px, 1
    return NAN, 0


@kernel
def quote_fill(side: int, limit: float, bid: float, ask: float, rested: bool) -> float:
    """An order at a quote: it takes the other side when its limit allows; nan limit: market.

    rested: it stood in the book when the quote came to it, so it fills at its own price
    """
    px = ask if side > 0 else bid
    if limit != limit:
        return px
    if (px <= limit) if side > 0 else (px >= limit):
        return limit if rested else px
    return NAN


@kernel
def trade_fill(side: int, limit: float, price: float, through: bool) -> float:
    """An order at a print: at the print without a limit (nan), else at its limit once prints pass it."""
    if limit != limit:
        return price
    if (price < limit) if side > 0 else (price > limit):
        return limit
    return limit if price == limit and not through else NAN


@kernel
def participation(frac: float, volume: float, lot: float) -> int:
    """Lots that all orders together may take of a row: a share of its volume, toward zero.

    frac: 0-1; volume: units of the thing, unknown: 0 lots; lot: units in one lot
    """
    lots = frac * volume / lot
    if not lots > 0.0:
        return 0
    return int(lots) if lots < _BOUNDLESS else _BOUNDLESS
