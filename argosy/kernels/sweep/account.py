"""The account of one combination in a row of integers: what it holds and paid, and how each fill is booked; it decides nothing."""

from __future__ import annotations

from math import ceil, floor
from typing import Any, NamedTuple

from argosy.kernels import fees
from argosy.kernels.kernel import kernel
from argosy.kernels.ledger import notional

charge = kernel(fees.fee.fn)
"""The fee of a fill; a kernel of its own, because here it is compiled into the loop."""

NAN = float("nan")
BOUND = 2.0**62
DAY = 86_400_000_000_000
NEVER = (1 << 63) - 1

LOTS_UNIT, WEIGHT, NOTIONAL = 0, 1, 2
"""What a target counts (`Market.sizing`)."""

FINE, OUT, SIZE, PRICE, SHORT, CROSS, OVERFLOW, TRIMMED, ROOM, RAISED, RATIO, TIRED, BROKE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
"""Why a combination was refused; RAISED is written by whoever called the loop and caught it."""

# those of `kernels.ticks.places` stand beyond these
# places of `acct`, int64. WANT: lots wished; TURN, WTURN: wishes so far, and when the standing one came; AT: row at which the open
# trip began; SPENT, PAID: the open trip's signed worth and fees; NOW: row at hand; SENT: orders in the log of orders
HELD, CASH, WANT, STANDING, TURN, WTURN, RANK, ORDERS, REFUSED = 0, 1, 2, 3, 4, 5, 6, 7, 8
FEES, FILLS, TRIPS, WINS, EXPOSED, AT, SPENT, PAID, DEALT, STOPPED, NOW, SENT = 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
# and what the loop remembers from one stretch of rows to the next: see `loop.walk`
PEAK, LISTED, FRESH, WAY, LEAVING, ENTERING, DUE, EVENT, DAYS, EQUITY = 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
ACCOUNT = 48
# places of `lvl`, float64: the wish's limit and protection; the standing intent as it was written; the guards that rest
LIMIT, STOP, TAKE, VALUE, ILIMIT, ISTOP, ITAKE, GUARD, PROFIT, LOW, HIGH = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
LEVELS = 16
CHILD, STOPPER, TAKER = 0, 1, 2
"""What an order is for: the wish itself, or one of its protections."""


class Market(NamedTuple):
    """What is the same in all combinations on one instrument.

    scale, lot, unit: of the instrument and its currency; per_one: units of one of the currency; bps: slippage; share: of the
    equity that weight 1 means
    step, num, den:   the tick as a float and as a fraction num / den; small_*: below a price of 1
    least, most:      lots of one order; house: units of cash that are not the strategy's own; sizing: what a target counts
    instrument:       its number in the run; through: limits must be passed; utc: DAY orders end with the UTC day
    """

    scale: float
    lot: float
    unit: float
    per_one: float
    bps: float
    share: float
    step: float
    num: float
    den: float
    small_step: float
    small_num: float
    small_den: float
    least: int
    most: int
    house: int
    sizing: int
    instrument: int
    through: bool
    utc: bool
    shortable: bool


@kernel
def snap(price: float, direction: int, market: Market) -> float:
    """`Instrument.snap`: the price on the tick grid at or beyond `price`."""
    if not 0.0 < price < 1e15:
        return price
    if price >= 1.0:
        step, num, den = market.step, market.num, market.den
    else:
        step, num, den = market.small_step, market.small_num, market.small_den
    steps = price / step
    whole = floor(steps + 1e-6) if direction < 0 else ceil(steps - 1e-6)
    return whole * num / den


@kernel
def execute(
    acct: Any, lvl: Any, log: Any, market: Market, schedule: Any, side: int, lots: int, price: float, maker: bool, tag: int,
    row: int, at: int,
) -> None:  # fmt: skip
    """Book one fill: cash, fee, position, the trip it belongs to, and what it does to the wish.

    row: of the bar; at: first row whose end is not before the fill was known
    """
    if not lots * price * market.scale < BOUND:
        acct[REFUSED] = OVERFLOW
        return
    paid = side * notional(lots, price, market.scale)
    cost = charge(schedule, side, lots, market.lot, abs(paid), maker, market.unit)
    was = acct[HELD]
    now = was + side * lots
    acct[CASH] -= paid + cost
    acct[HELD] = now
    acct[FEES] += cost
    acct[DEALT] += abs(paid)
    if was == 0:
        acct[SPENT] = paid
        acct[PAID] = cost
        acct[AT] = at
    else:
        acct[SPENT] += paid
        acct[PAID] += cost
    if now == 0:
        acct[TRIPS] += 1
        if -acct[SPENT] - acct[PAID] > 0:
            acct[WINS] += 1
        acct[EXPOSED] += at - acct[AT]
    elif was != 0 and (was > 0) != (now > 0):
        acct[REFUSED] = TRIMMED
    k = acct[FILLS]
    if k < len(log):
        one = log[k]
        one.row = row
        one.tag = tag
        one.side = side
        one.lots = lots
        one.price = price
        one.notional = paid
        one.fee = cost
        one.cash = acct[CASH]
    acct[FILLS] = k + 1
    if tag != CHILD:
        acct[STOPPED] += 1
        lacked = acct[WANT] - was
        signed = side * lots
        if (lacked > 0 and signed > 0) or (lacked < 0 and signed < 0):
            signed -= lacked if abs(lacked) < abs(signed) else signed
        acct[WANT] += signed
    if acct[WANT] == 0 and now == 0:
        lvl[STOP] = NAN
        lvl[TAKE] = NAN
