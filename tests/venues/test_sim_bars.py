"""Each sentence of the law of bars, by hand; one dollar a point and lot, money in millionths."""

from __future__ import annotations

import pytest

from argosy.core.effects import Amend, Cancel, Submit
from argosy.core.events import Bar, Fill, OrderUpdate
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Approved, Order, Tif, Type, Work
from argosy.core.time import HOUR
from argosy.kernels.fees import alpaca_equity, bps
from argosy.testing.venue_kit import Stage
from argosy.venues.sim import SimCore

NAN = float("nan")


def stage(**law: object) -> Stage:
    return Stage(
        SimCore(Instruments([Instrument(symbol="AAA"), Instrument(symbol="BBB", calendar="XNYS")]), **law)
    )  # type: ignore[arg-type]


def leg(
    order: int, side: int, lots: int, kind: Type, parent: int, group: int = 0, **terms: float | bool
) -> Order:
    return Order(
        order, 0, side, lots, kind, tif=Tif.GTC, reduce_only=True, parent=parent, group=group, **terms
    )  # type: ignore[arg-type]


def prices(fills: list[Fill]) -> list[tuple[int, int, float]]:
    return [(fill.order, fill.lots, fill.price) for fill in fills]


# One order against one bar: (what, type, side, limit, stop, bar, rule, (price, at the open) or None).
ONE = [
    ("market fills at the open", Type.MARKET, BUY, NAN, NAN, (100, 103, 99, 101), "through", (100.0, True)),
    ("market sells at the open", Type.MARKET, SELL, NAN, NAN, (100, 103, 99, 101), "through", (100.0, True)),
    (
        "a limit that the low passes",
        Type.LIMIT,
        BUY,
        99.5,
        NAN,
        (100, 103, 99, 101),
        "through",
        (99.5, False),
    ),
    ("a limit that the low only reaches", Type.LIMIT, BUY, 99.0, NAN, (100, 103, 99, 101), "through", None),
    (
        "touch is enough when so asked",
        Type.LIMIT,
        BUY,
        99.0,
        NAN,
        (100, 103, 99, 101),
        "touch",
        (99.0, False),
    ),
    ("a limit below the low", Type.LIMIT, BUY, 98.99, NAN, (100, 103, 99, 101), "touch", None),
    (
        "an open better than the limit",
        Type.LIMIT,
        BUY,
        101.0,
        NAN,
        (100, 103, 99, 101),
        "through",
        (100.0, True),
    ),
    ("an open at the limit", Type.LIMIT, BUY, 100.0, NAN, (100, 103, 99, 101), "through", (100.0, True)),
    (
        "a sell limit that the high passes",
        Type.LIMIT,
        SELL,
        102.5,
        NAN,
        (100, 103, 99, 101),
        "through",
        (102.5, False),
    ),
    (
        "a sell limit that the high reaches",
        Type.LIMIT,
        SELL,
        103.0,
        NAN,
        (100, 103, 99, 101),
        "through",
        None,
    ),
    ("a sell limit touched", Type.LIMIT, SELL, 103.0, NAN, (100, 103, 99, 101), "touch", (103.0, False)),
    (
        "an open above a sell limit",
        Type.LIMIT,
        SELL,
        98.0,
        NAN,
        (100, 103, 99, 101),
        "through",
        (100.0, True),
    ),
    ("a buy stop inside", Type.STOP, BUY, NAN, 102.0, (100, 103, 99, 101), "through", (102.0, False)),
    ("a buy stop at the high", Type.STOP, BUY, NAN, 103.0, (100, 103, 99, 101), "through", (103.0, False)),
    ("a buy stop not reached", Type.STOP, BUY, NAN, 103.01, (100, 103, 99, 101), "through", None),
    (
        "a buy stop that the open leaps",
        Type.STOP,
        BUY,
        NAN,
        98.0,
        (100, 103, 99, 101),
        "through",
        (100.0, True),
    ),
    ("a sell stop inside", Type.STOP, SELL, NAN, 99.5, (100, 103, 99, 101), "through", (99.5, False)),
    (
        "a sell stop that the open leaps",
        Type.STOP,
        SELL,
        NAN,
        105.0,
        (100, 103, 99, 101),
        "through",
        (100.0, True),
    ),
    ("a sell stop not reached", Type.STOP, SELL, NAN, 98.0, (100, 103, 99, 101), "through", None),
    (
        "a stop-limit inside",
        Type.STOP_LIMIT,
        BUY,
        102.5,
        102.0,
        (100, 103, 99, 101),
        "through",
        (102.0, False),
    ),
    (
        "a stop-limit leapt within its limit",
        Type.STOP_LIMIT,
        BUY,
        100.5,
        99.5,
        (100, 103, 99, 101),
        "through",
        (100.0, True),
    ),
    ("a stop-limit not triggered", Type.STOP_LIMIT, BUY, 105.0, 104.0, (100, 103, 99, 101), "through", None),
    (
        "a sell stop-limit inside",
        Type.STOP_LIMIT,
        SELL,
        99.0,
        99.5,
        (100, 103, 99, 101),
        "through",
        (99.5, False),
    ),
]


@pytest.mark.parametrize(
    ("what", "kind", "side", "limit", "stop", "row", "rule", "want"), ONE, ids=[row[0] for row in ONE]
)
def test_one_order_in_one_bar(what, kind, side, limit, stop, row, rule, want) -> None:  # type: ignore[no-untyped-def]
    play = stage(limit_rule=rule)
    start = play.now
    play.submit(1, side, 10, type=kind, limit=limit, stop=stop)
    play.bar(*map(float, row))
    if want is None:
        assert play.fills() == []
        return
    (fill,) = play.fills()
    price, at_open = want
    at = start if at_open else start + HOUR
    notional = side * int(price * 10 * 1_000_000)
    assert fill == Fill(at, at, 0, 1, "1-1", side, 10, price, notional, 0, fill.maker, 0)
    assert fill.maker == (kind is Type.LIMIT and not at_open)


def test_a_gapped_stop_limit_becomes_a_resting_limit() -> None:
    """Stop 101, limit 102, open 104: triggered, not filled; the bar falls to 101.5, below the limit: filled
    at 102.
    """
    play = stage()
    play.submit(1, BUY, 10, type=Type.STOP_LIMIT, stop=101.0, limit=102.0)
    play.bar(104.0, 105.0, 103.0, 104.0)
    assert play.fills() == []
    play.bar(103.0, 103.0, 101.5, 102.5)
    assert prices(play.fills()) == [(1, 10, 102.0)]


def test_a_decision_at_a_bar_fills_from_the_next() -> None:
    play = stage()
    play.bar(100.0, 100.0, 100.0, 100.0)
    at = play.now
    play.submit(1, BUY, 1)
    play.bar(107.0, 108.0, 106.0, 107.0)
    (fill,) = play.fills()
    assert (fill.ts, fill.known, fill.price) == (at, at, 107.0)


def test_latency_moves_arrival_past_the_open_and_reports_are_later_still() -> None:
    """30 minutes to the venue, 5 back: sent at bar 1's start it misses that bar and takes bar 2's open."""
    minute = HOUR // 60
    play = stage(latency_ns=30 * minute, report_latency_ns=5 * minute)
    start = play.now
    play.submit(1, BUY, 1)
    (reply,) = play.replies(1)
    assert (reply.ts, reply.known) == (start + 30 * minute, start + 35 * minute)
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert play.fills() == []
    play.bar(102.0, 103.0, 101.0, 102.0)
    (fill,) = play.fills()
    assert (fill.ts, fill.known, fill.price) == (start + HOUR, start + HOUR + 5 * minute, 102.0)


def test_slippage_is_adverse_for_what_takes_and_nothing_for_limits() -> None:
    """50 bps of 100 is 0.5; of the stop at 102 it is 0.51."""
    play = stage(slippage_bps=50.0)
    play.submit(1, BUY, 1)
    play.submit(2, SELL, 1)
    play.submit(3, BUY, 1, type=Type.STOP, stop=102.0)
    play.submit(4, BUY, 1, type=Type.LIMIT, limit=99.5)
    play.bar(100.0, 103.0, 99.0, 101.0)
    assert [fill.order for fill in play.fills()] == [1, 2, 3, 4]
    assert [fill.price for fill in play.fills()] == pytest.approx([100.5, 99.5, 102.51, 99.5], abs=1e-12)


def test_slippage_in_ticks_and_by_share_of_volume() -> None:
    """2 ticks are 0.02, below 1 they are 0.0002; a tenth of the volume, squared, times 0.5 is 0.5 %."""
    play = stage(slippage_ticks=2.0)
    play.submit(1, BUY, 1)
    play.bar(100.0, 103.0, 99.0, 101.0)
    play.submit(2, SELL, 1)
    play.bar(0.5, 0.6, 0.4, 0.5)
    play.submit(3, SELL, 1)
    play.bar(0.0001, 0.6, 0.0001, 0.5)
    assert [fill.price for fill in play.fills()] == pytest.approx([100.02, 0.4998, 0.0001], abs=1e-12)
    play = stage(slippage_volume_share=0.5)
    play.submit(1, BUY, 10)
    play.bar(100.0, 103.0, 99.0, 101.0, 100.0)
    assert play.fills()[0].price == pytest.approx(100.5, abs=1e-12)


def test_fees_are_by_schedule_and_by_maker() -> None:
    """1 bp of 995 resting, 5 bps of 1000 taking; in instrument 1 nothing."""
    play = stage(fees={0: bps(1.0, 5.0)})
    play.submit(1, BUY, 10)
    play.submit(2, BUY, 10, type=Type.LIMIT, limit=99.5)
    play.submit(3, BUY, 10, instrument=1)
    play.bar(100.0, 103.0, 99.0, 101.0)
    play.bar(100.0, 103.0, 99.0, 101.0, instrument=1)
    assert [(fill.order, fill.notional, fill.fee) for fill in play.fills()] == [
        (1, 1_000_000_000, 500_000),
        (2, 995_000_000, 99_500),
        (3, 1_000_000_000, 0),
    ]


def test_fees_of_a_sale_of_shares() -> None:
    """100 at 50: 0.139 of 27.80 a million, up to 0.14; 0.0166 up to 0.02; 0.00265 up to 0.01: 0.17 USD."""
    play = stage(fees=alpaca_equity(27.80, 0.000166, 8.30))
    play.submit(1, SELL, 100)
    play.bar(50.0, 51.0, 49.0, 50.0)
    (fill,) = play.fills()
    assert (fill.notional, fill.fee) == (-5_000_000_000, 170_000)


def test_a_worth_that_cannot_be_booked_is_not() -> None:
    """10^13 at 1000 are 10^22 millionths: beyond 2^62."""
    play = stage()
    play.submit(1, BUY, 10**13)
    play.submit(2, BUY, 10**9)
    play.bar(1000.0, 1001.0, 999.0, 1000.0, 1e20)
    assert [(fill.order, fill.notional) for fill in play.fills()] == [(2, 10**18)]
    assert [(update.work, update.code) for update in play.updates(1)] == [(Work.CANCELED, "OVERFLOW")]


def test_jitter_is_the_same_for_the_same_seed_and_nothing_overtakes() -> None:
    arrivals = []
    for seed in (1, 1, 2):
        play = stage(latency_ns=10, latency_jitter_ns=1000, seed=seed)
        for order in range(1, 40):
            play.submit(order, BUY, 1, type=Type.LIMIT, limit=5.0)
        arrivals.append([play.replies(order)[0].ts - play.now for order in range(1, 40)])
    assert arrivals[0] == arrivals[1] != arrivals[2]
    assert arrivals[0] == sorted(arrivals[0])
    assert all(10 <= arrival <= 1010 for arrival in arrivals[0])


# -- legs ------------------------------------------------------------------------------------


def bracket(play: Stage, stop: float, take: float, **entry: object) -> None:
    legs = (leg(2, SELL, 10, Type.STOP, 1, 7, stop=stop), leg(3, SELL, 10, Type.LIMIT, 1, 7, limit=take))
    play.submit(1, BUY, 10, *legs, **entry)


def test_after_an_open_fill_the_whole_entry_bar_counts_for_the_target() -> None:
    play = stage()
    bracket(play, 95.0, 102.0)
    play.bar(100.0, 103.0, 99.0, 101.0)
    assert prices(play.fills()) == [(1, 10, 100.0), (3, 10, 102.0)]
    assert [(update.work, update.code) for update in play.updates(2)] == [
        (Work.ACKED, "HELD"),
        (Work.WORKING, ""),
        (Work.CANCELED, "OCO"),
    ]
    assert not play.market.busy(0)


def test_after_an_open_fill_the_whole_entry_bar_counts_for_the_stop() -> None:
    play = stage()
    bracket(play, 99.5, 105.0)
    play.bar(100.0, 103.0, 99.0, 101.0)
    assert prices(play.fills()) == [(1, 10, 100.0), (2, 10, 99.5)]


def test_after_an_open_fill_beyond_the_stop_it_is_hit_at_the_open() -> None:
    """Entered at 94 with the stop at 95 already passed: out at the worse of open and stop, 94."""
    play = stage()
    bracket(play, 95.0, 105.0)
    play.bar(94.0, 96.0, 93.0, 94.0)
    assert prices(play.fills()) == [(1, 10, 94.0), (2, 10, 94.0)]


def test_after_an_open_fill_beyond_the_target_it_leaves_at_the_open_too() -> None:
    """Entered at 100 with the target at 99 already met; that the bar falls to 94 later does not matter."""
    play = stage()
    start = play.now
    bracket(play, 95.0, 99.0)
    play.bar(100.0, 101.0, 94.0, 96.0)
    assert [(fill.order, fill.price, fill.ts) for fill in play.fills()] == [
        (1, 100.0, start),
        (3, 100.0, start),
    ]


def test_after_an_inside_fill_the_target_waits_for_the_next_bar() -> None:
    """Entry at 99 inside; 103 was traded, perhaps before: the target at 102 waits, and fills at the next open
    of 104.
    """
    play = stage()
    bracket(play, 95.0, 102.0, type=Type.LIMIT, limit=99.0)
    play.bar(100.0, 103.0, 98.0, 101.0)
    assert prices(play.fills()) == [(1, 10, 99.0)]
    play.bar(104.0, 105.0, 103.0, 104.0)
    assert prices(play.fills()) == [(1, 10, 99.0), (3, 10, 104.0)]


def test_after_an_inside_fill_the_stop_may_trigger_in_that_bar() -> None:
    play = stage()
    bracket(play, 98.5, 102.0, type=Type.LIMIT, limit=99.0)
    play.bar(100.0, 103.0, 98.0, 101.0)
    assert prices(play.fills()) == [(1, 10, 99.0), (2, 10, 98.5)]
    assert play.updates(3)[-1].code == "OCO"


def test_a_stop_entry_filled_inside_may_be_stopped_in_that_bar() -> None:
    play = stage()
    legs = (leg(2, SELL, 10, Type.STOP, 1, 7, stop=99.5), leg(3, SELL, 10, Type.LIMIT, 1, 7, limit=110.0))
    play.submit(1, BUY, 10, *legs, type=Type.STOP, stop=102.0)
    play.bar(100.0, 103.0, 99.0, 101.0)
    assert prices(play.fills()) == [(1, 10, 102.0), (2, 10, 99.5)]


def test_a_stop_above_an_inside_entry_is_hit_at_the_entry() -> None:
    """Entry 99 with its stop at 99.25: already passed, so out at 99, never at 99.25."""
    play = stage()
    bracket(play, 99.25, 110.0, type=Type.LIMIT, limit=99.0)
    play.bar(100.0, 103.0, 98.0, 101.0)
    assert prices(play.fills()) == [(1, 10, 99.0), (2, 10, 99.0)]


def test_stop_and_target_in_one_bar_are_the_worse_one() -> None:
    play = stage()
    bracket(play, 95.0, 105.0)
    play.bar(100.0, 101.0, 99.0, 100.0)
    play.bar(100.0, 106.0, 94.0, 100.0)
    assert prices(play.fills())[1:] == [(2, 10, 95.0)]


def test_an_open_beyond_the_target_decides_before_the_stop() -> None:
    play = stage()
    bracket(play, 95.0, 105.0)
    play.bar(100.0, 101.0, 99.0, 100.0)
    play.bar(106.0, 107.0, 94.0, 100.0)
    assert prices(play.fills())[1:] == [(3, 10, 106.0)]


def test_the_bracket_of_a_short_mirrors() -> None:
    play = stage()
    legs = (leg(2, BUY, 10, Type.STOP, 1, 7, stop=104.0), leg(3, BUY, 10, Type.LIMIT, 1, 7, limit=97.0))
    play.submit(1, SELL, 10, *legs)
    play.bar(100.0, 105.0, 96.0, 100.0)
    assert prices(play.fills()) == [(1, 10, 100.0), (2, 10, 104.0)]


def test_an_order_born_of_an_inside_fill_may_fill_from_the_bar_after() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=99.5)
    play.bar(100.0, 101.0, 99.0, 100.0)
    born = play.fills()[0].known
    play.submit(2, SELL, 1)
    play.bar(103.0, 104.0, 102.0, 103.0)
    assert (play.fills(2)[0].ts, play.fills(2)[0].price) == (born, 103.0)


def test_an_order_born_of_an_open_fill_elsewhere_waits_too() -> None:
    """Both instruments open at once; an order sent because of the first fill misses that opening, in any
    order of the two.
    """
    play = stage()
    one = Bar(play.now, play.now + HOUR, 0, 100.0, 110.0, 90.0, 100.0, 1e6, HOUR)
    two = Bar(play.now, play.now + HOUR, 1, 50.0, 60.0, 40.0, 50.0, 1e6, HOUR)
    play.submit(1, BUY, 1)
    assert len(play.market.opening(one)) == 1
    play.submit(2, BUY, 1, instrument=1)
    assert play.market.opening(two) == []
    play.now += HOUR
    assert play.apply(one) == []
    assert play.apply(two) == []
    play.bar(51.0, 52.0, 50.0, 51.0, instrument=1)
    assert prices(play.fills(2)) == [(2, 1, 51.0)]


def test_a_partly_filled_entry_arms_its_legs_for_what_filled() -> None:
    """10 % of 50 lots are 5: entry fills 5 of 10 at the open, its stop covers 5; the next bar's open fills 5
    more.
    """
    play = stage(participation_frac=0.1)
    bracket(play, 95.0, 110.0)
    play.bar(100.0, 101.0, 99.0, 100.0, 50.0)
    assert prices(play.fills()) == [(1, 5, 100.0)]
    play.bar(101.0, 102.0, 94.0, 95.0, 100.0)
    assert prices(play.fills()) == [(1, 5, 100.0), (1, 5, 101.0), (2, 5, 95.0)]
    play.bar(95.0, 96.0, 94.0, 95.0, 1000.0)
    assert prices(play.fills())[3:] == [(2, 5, 95.0)]
    assert play.updates(3)[-1].code == "OCO"
    assert play.position() == 0


def test_a_stopped_part_comes_off_the_target_while_the_entry_still_fills() -> None:
    """4 of 10 enter, 4 are stopped out; the target shrinks to 6, and the other 6 enter and leave by it."""
    play = stage(participation_frac=1.0)
    bracket(play, 99.5, 105.0, type=Type.LIMIT, limit=100.0)
    play.bar(100.0, 101.0, 100.0, 100.0, 4.0)
    assert prices(play.fills()) == [(1, 4, 100.0)]
    play.bar(99.0, 99.0, 98.0, 98.5, 4.0)
    assert prices(play.fills())[1:] == [(2, 4, 99.0)]
    assert [(update.lots, update.code) for update in play.updates(3)[2:]] == [(6, "OCO")]
    play.bar(100.0, 104.0, 100.0, 104.0, 1000.0)
    assert prices(play.fills())[2:] == [(1, 6, 100.0)]
    play.bar(106.0, 107.0, 106.0, 106.0, 1000.0)
    assert prices(play.fills())[3:] == [(3, 6, 106.0)]
    assert play.position() == 0
    assert not play.market.busy(0)


def test_what_enters_inside_does_not_lengthen_the_reach_of_a_target_armed_before() -> None:
    """4 entered in bar 1; in bar 2 the other 6 enter inside, so that the target may take only the 4."""
    play = stage(participation_frac=1.0)
    bracket(play, 90.0, 105.0, type=Type.LIMIT, limit=100.0)
    play.bar(100.0, 101.0, 100.0, 100.0, 4.0)
    play.bar(101.0, 106.0, 99.0, 100.0, 1000.0)
    assert prices(play.fills()) == [(1, 4, 100.0), (1, 6, 100.0), (3, 4, 105.0)]
    assert play.updates(2)[-1].lots == 6


def test_a_leg_born_inside_a_bar_that_is_heard_late_lives_in_the_next() -> None:
    """The source is an hour late: the fill is heard after the next bar; the venue has the stop at once."""
    play = stage()
    play.submit(1, BUY, 10, leg(2, SELL, 10, Type.STOP, 1, stop=95.0), type=Type.LIMIT, limit=99.0)
    start = play.now
    one = Bar(start, start + 2 * HOUR, 0, 100.0, 101.0, 98.0, 100.0, 1e6, HOUR)
    two = Bar(start + HOUR, start + 3 * HOUR, 0, 97.0, 98.0, 94.0, 96.0, 1e6, HOUR)
    play.events += play.market.opening(one)
    play.events += play.market.apply(one, one.known)
    play.events += play.market.opening(two)
    play.events += play.market.apply(two, two.known)
    assert prices(play.fills()) == [(1, 10, 99.0), (2, 10, 95.0)]


def test_legs_shrink_to_a_canceled_entry() -> None:
    play = stage(participation_frac=1.0)
    bracket(play, 95.0, 105.0)
    play.bar(100.0, 101.0, 99.0, 100.0, 4.0)
    play.apply(Cancel(1))
    assert [(update.work, update.lots, update.code) for update in play.updates(2)[2:]] == [
        (Work.WORKING, 4, "PARENT")
    ]
    play.bar(106.0, 107.0, 106.0, 106.0, 100.0)
    assert prices(play.fills())[1:] == [(3, 4, 106.0)]
    assert play.fills(3)[0].leaves == 0
    assert play.ended(2)


def test_legs_that_already_left_end_with_a_canceled_entry() -> None:
    """4 entered and 4 left by the stop while 6 were still wanted; when the entry is canceled nothing is left
    to protect.
    """
    play = stage(participation_frac=1.0)
    bracket(play, 99.5, 105.0, type=Type.LIMIT, limit=100.0)
    play.bar(100.0, 101.0, 100.0, 100.0, 4.0)
    play.bar(99.0, 99.0, 98.0, 98.5, 4.0)
    play.apply(Cancel(1))
    assert (play.updates(2)[-1].work, play.updates(2)[-1].code) == (Work.CANCELED, "PARENT")
    assert (play.updates(3)[-1].work, play.updates(3)[-1].code) == (Work.CANCELED, "PARENT")
    assert not play.market.busy(0)


def test_an_order_may_hang_itself_on_a_living_entry() -> None:
    play = stage()
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=99.5)
    play.apply(Submit(Approved(leg(2, SELL, 10, Type.STOP, 1, stop=98.5))))
    assert (
        play.market.apply(Submit(Approved(leg(2, SELL, 10, Type.STOP, 1, stop=98.5))), play.now)[0].text
        == "ACKED"
    )  # type: ignore[attr-defined]
    play.bar(98.0, 98.0, 98.0, 98.0)
    assert prices(play.fills()) == [(1, 10, 98.0), (2, 10, 98.0)]


def test_a_canceled_leg_stays_out_when_the_entry_fills() -> None:
    play = stage()
    bracket(play, 99.5, 101.0)
    play.apply(Cancel(2))
    play.bar(100.0, 100.5, 99.0, 100.0)
    assert prices(play.fills()) == [(1, 10, 100.0)]
    play.bar(102.0, 102.0, 102.0, 102.0)
    assert prices(play.fills())[1:] == [(3, 10, 102.0)]


# -- trailing ------------------------------------------------------------------------------------


def test_a_trailing_stop_follows_bars_completed_before() -> None:
    """Distance 3. Entry at 100: level 97. Bar 1 makes 104: level 101 from bar 2 on, whose own 106 does not
    count yet.
    """
    play = stage()
    play.submit(1, BUY, 10, leg(2, SELL, 10, Type.TRAILING, 1, trail=3.0))
    play.bar(100.0, 104.0, 98.0, 103.0)
    assert play.fills(2) == []
    play.bar(103.0, 106.0, 101.5, 105.0)
    assert play.fills(2) == []
    play.bar(105.0, 105.0, 102.9, 103.0)
    assert prices(play.fills(2)) == [(2, 10, 103.0)]


def test_a_trailing_stop_leapt_by_the_open_fills_at_the_open() -> None:
    play = stage()
    play.submit(1, BUY, 10, leg(2, SELL, 10, Type.TRAILING, 1, trail=3.0))
    play.bar(100.0, 104.0, 98.0, 103.0)
    play.bar(99.0, 106.0, 98.0, 105.0)
    assert prices(play.fills(2)) == [(2, 10, 99.0)]


def test_a_trailing_stop_by_fraction_follows_a_short_down() -> None:
    """5 % above the low. Entry 100: 105; low 80: 84."""
    play = stage()
    play.submit(1, SELL, 10, leg(2, BUY, 10, Type.TRAILING, 1, trail=0.05, trail_frac=True))
    play.bar(100.0, 104.0, 80.0, 82.0)
    play.bar(82.0, 85.0, 82.0, 84.0)
    assert prices(play.fills(2)) == [(2, 10, 84.0)]


def test_a_trailing_stop_born_inside_a_bar_knows_only_its_close() -> None:
    """Entered at 99 inside a bar whose high of 104 may be older: from its close of 101, less 3, the level is
    98.
    """
    play = stage()
    play.submit(1, BUY, 10, leg(2, SELL, 10, Type.TRAILING, 1, trail=3.0), type=Type.LIMIT, limit=99.0)
    play.bar(100.0, 104.0, 98.0, 101.0)
    play.bar(101.0, 101.0, 98.5, 100.0)
    assert play.fills(2) == []
    play.bar(100.0, 100.0, 97.0, 98.0)
    assert prices(play.fills(2)) == [(2, 10, 98.0)]


def test_a_trailing_stop_born_inside_may_trigger_there() -> None:
    play = stage()
    play.submit(1, BUY, 10, leg(2, SELL, 10, Type.TRAILING, 1, trail=1.0), type=Type.LIMIT, limit=99.0)
    play.bar(100.0, 104.0, 97.0, 101.0)
    assert prices(play.fills()) == [(1, 10, 99.0), (2, 10, 98.0)]


def test_a_lone_trailing_stop_hangs_from_its_first_open() -> None:
    play = stage()
    play.market.adopt(0, 10)  # type: ignore[attr-defined]
    play.submit(2, SELL, 10, type=Type.TRAILING, trail=2.0, reduce_only=True)
    play.bar(100.0, 101.0, 98.5, 100.0)
    play.bar(100.0, 100.0, 99.0, 99.0)
    assert prices(play.fills(2)) == [(2, 10, 99.0)]


# -- volume ------------------------------------------------------------------------------------


def test_the_cap_is_shared_in_priority_order() -> None:
    """25 % of 100 lots are 25: the market order takes 10, the dearer limit 10, the cheaper 5; its 5 left
    rest.
    """
    play = stage(participation_frac=0.25)
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=100.5)
    play.submit(2, BUY, 10, type=Type.LIMIT, limit=101.0)
    play.submit(3, BUY, 10)
    play.bar(100.0, 101.0, 99.0, 100.0, 100.0)
    assert prices(play.fills()) == [(3, 10, 100.0), (2, 10, 100.0), (1, 5, 100.0)]
    assert [fill.leaves for fill in play.fills()] == [0, 0, 5]


def test_equal_prices_fill_in_order_of_arrival_and_an_amended_price_goes_to_the_back() -> None:
    play = stage(participation_frac=0.25)
    for order in (1, 2, 3):
        play.submit(order, BUY, 10, type=Type.LIMIT, limit=99.5)
    play.apply(Amend(1, limit=99.5))
    play.apply(Amend(2, lots=9))
    play.bar(100.0, 101.0, 99.0, 100.0, 100.0)
    assert prices(play.fills()) == [(2, 9, 99.5), (3, 10, 99.5), (1, 6, 99.5)]


def test_what_the_open_took_is_missing_inside_and_a_remainder_waits_for_the_next_open() -> None:
    """Cap 12: the market order takes 12 of 15, the limit inside gets nothing; next bar 3 more at the open,
    then the limit.
    """
    play = stage(participation_frac=0.12)
    play.submit(1, BUY, 15)
    play.submit(2, BUY, 5, type=Type.LIMIT, limit=99.5)
    play.bar(100.0, 101.0, 99.0, 100.0, 100.0)
    assert prices(play.fills()) == [(1, 12, 100.0)]
    play.bar(101.0, 102.0, 99.0, 100.0, 100.0)
    assert prices(play.fills())[1:] == [(1, 3, 101.0), (2, 5, 99.5)]


def test_a_triggered_stop_beyond_the_cap_goes_on_at_the_next_open() -> None:
    play = stage(participation_frac=0.1)
    play.submit(1, BUY, 15, type=Type.STOP, stop=102.0)
    play.bar(100.0, 103.0, 99.0, 101.0, 100.0)
    play.bar(98.0, 99.0, 97.0, 98.0, 100.0)
    assert prices(play.fills()) == [(1, 10, 102.0), (1, 5, 98.0)]


@pytest.mark.parametrize(
    "row",
    [
        (100.0, 103.0, 99.0, 101.0, 0.0),
        (NAN, 103.0, 99.0, 101.0, 9.0),
        (100.0, NAN, 99.0, 101.0, 9.0),
    ],
)
def test_a_bar_without_volume_or_prices_fills_nothing(row: tuple[float, ...]) -> None:
    play = stage(limit_rule="touch")
    play.submit(1, BUY, 10)
    play.submit(2, BUY, 10, type=Type.LIMIT, limit=102.0)
    play.submit(3, BUY, 10, type=Type.STOP, stop=101.0)
    play.submit(4, BUY, 10, tif=Tif.IOC)
    play.bar(*row)
    assert play.fills() == []
    assert [(update.work, update.code) for update in play.updates(4)] == [(Work.CANCELED, "IOC")]
    assert play.market.busy(0)


def test_where_nobody_says_the_volume_a_bar_fills_unless_a_cap_needs_it() -> None:
    """An index or a currency has no volume; a share of what nobody knows is nothing."""
    for frac, lots in ((0.0, [10]), (0.1, [])):
        play = stage(participation_frac=frac)
        play.submit(1, BUY, 10)
        play.bar(100.0, 103.0, 99.0, 101.0, NAN)
        assert [fill.lots for fill in play.fills()] == lots


# -- time in force ----------------------------------------------------------------------


def test_ioc_takes_what_the_cap_allows_at_the_open_and_ends() -> None:
    play = stage(participation_frac=0.1)
    play.submit(1, BUY, 15, tif=Tif.IOC)
    play.bar(100.0, 101.0, 99.0, 100.0, 100.0)
    assert prices(play.fills()) == [(1, 10, 100.0)]
    assert [(update.work, update.code) for update in play.updates(1)] == [(Work.CANCELED, "IOC")]


def test_fok_fills_whole_or_not_at_all() -> None:
    play = stage(participation_frac=0.1)
    play.submit(1, BUY, 11, tif=Tif.FOK)
    play.submit(2, BUY, 10, tif=Tif.FOK)
    play.bar(100.0, 101.0, 99.0, 100.0, 100.0)
    assert prices(play.fills()) == [(2, 10, 100.0)]
    assert [(update.work, update.code) for update in play.updates(1)] == [(Work.CANCELED, "FOK")]


def test_post_only_that_would_cross_at_the_open_is_canceled_and_one_that_rests_is_maker() -> None:
    play = stage()
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=100.0, post_only=True)
    play.submit(2, BUY, 10, type=Type.LIMIT, limit=99.5, post_only=True)
    play.submit(3, BUY, 10, type=Type.LIMIT, limit=98.5, post_only=True)
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert [(update.work, update.code) for update in play.updates(1)] == [(Work.CANCELED, "POST_ONLY_CROSS")]
    play.bar(98.0, 99.0, 97.0, 98.0)
    assert prices(play.fills()) == [(2, 10, 99.5), (3, 10, 98.0)]
    assert all(fill.maker for fill in play.fills())


# -- reduce-only and cancel-other ----------------------------------------------------------------------


def test_reduce_only_closes_what_is_held_and_the_rest_ends() -> None:
    play = stage()
    play.market.adopt(0, 4)  # type: ignore[attr-defined]
    play.submit(1, SELL, 10, reduce_only=True)
    play.submit(2, SELL, 10, type=Type.LIMIT, limit=100.5, reduce_only=True)
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert prices(play.fills()) == [(1, 4, 100.0)]
    assert play.updates(1)[-1].code == "REDUCE_ONLY"
    assert play.updates(2)[-1].code == "REDUCE_ONLY"
    assert play.market.lots(0) == 0  # type: ignore[attr-defined]


def test_reduce_only_keeps_its_place_while_the_cap_is_what_holds_it() -> None:
    play = stage(participation_frac=0.1)
    play.market.adopt(0, 8)  # type: ignore[attr-defined]
    play.submit(1, SELL, 10, reduce_only=True)
    play.bar(100.0, 101.0, 99.0, 100.0, 50.0)
    assert prices(play.fills()) == [(1, 5, 100.0)]
    assert play.updates(1) == []
    play.bar(100.0, 101.0, 99.0, 100.0, 50.0)
    assert prices(play.fills())[1:] == [(1, 3, 100.0)]
    assert play.updates(1)[-1].code == "REDUCE_ONLY"


def test_a_part_fill_of_one_takes_the_same_lots_off_the_other() -> None:
    play = stage(participation_frac=0.1)
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=99.5, group=3)
    play.submit(2, BUY, 10, type=Type.STOP, stop=105.0, group=3)
    play.bar(100.0, 101.0, 99.0, 100.0, 40.0)
    (update,) = play.updates(2)
    assert update == OrderUpdate(play.now, play.now, 2, Work.WORKING, 6, code="OCO")
    play.bar(106.0, 107.0, 106.0, 106.0, 1000.0)
    assert prices(play.fills()) == [(1, 4, 99.5), (2, 6, 106.0)]
    assert play.updates(1)[-1].code == "OCO"


def test_a_larger_sibling_ends_when_the_smaller_is_done() -> None:
    play = stage()
    play.submit(1, BUY, 4, type=Type.LIMIT, limit=99.5, group=3)
    play.submit(2, BUY, 10, type=Type.STOP, stop=105.0, group=3)
    play.submit(3, BUY, 2, type=Type.STOP, stop=105.0, group=3)
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert [update.code for order in (2, 3) for update in play.updates(order)] == ["OCO", "OCO"]
    play.bar(106.0, 107.0, 106.0, 106.0)
    assert prices(play.fills()) == [(1, 4, 99.5)]


def test_a_smaller_sibling_ends_when_a_part_fill_leaves_it_nothing() -> None:
    play = stage(participation_frac=0.1)
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=99.5, group=3)
    play.submit(2, BUY, 3, type=Type.STOP, stop=105.0, group=3)
    play.bar(100.0, 101.0, 99.0, 100.0, 40.0)
    assert prices(play.fills()) == [(1, 4, 99.5)]
    assert [(update.work, update.code) for update in play.updates(2)] == [(Work.CANCELED, "OCO")]
    assert not play.ended(1)


def test_of_two_stops_the_nearer_is_first() -> None:
    play = stage()
    play.market.adopt(0, 5)  # type: ignore[attr-defined]
    play.submit(1, SELL, 5, type=Type.STOP, stop=95.0, reduce_only=True, group=4)
    play.submit(2, SELL, 5, type=Type.STOP, stop=97.0, reduce_only=True, group=4)
    play.bar(100.0, 101.0, 90.0, 92.0)
    assert prices(play.fills()) == [(2, 5, 97.0)]


# -- finer data ----------------------------------------------------------------------


def test_only_the_finest_bars_decide() -> None:
    play = stage()
    play.market.finest(0, "bar", 4 * HOUR)  # type: ignore[attr-defined]
    play.market.finest(0, "bar", HOUR)  # type: ignore[attr-defined]
    play.submit(
        1,
        BUY,
        10,
        leg(2, SELL, 10, Type.STOP, 1, 1, stop=95.0),
        leg(3, SELL, 10, Type.LIMIT, 1, 1, limit=105.0),
    )
    start = play.now
    coarse = Bar(start, start + 2 * HOUR, 0, 100.0, 106.0, 94.0, 100.0, 1e6, 2 * HOUR)
    assert play.market.opening(coarse) == []
    play.bar(100.0, 106.0, 99.0, 105.0)
    play.bar(105.0, 105.0, 94.0, 95.0)
    assert play.apply(coarse) == []
    assert prices(play.fills()) == [(1, 10, 100.0), (3, 10, 105.0)]


def test_the_opening_is_matched_even_when_nobody_asked_for_it() -> None:
    play = stage()
    play.submit(1, BUY, 1)
    end = play.now + HOUR
    bar = Bar(play.now, end, 0, 100.0, 101.0, 99.0, 100.0, 1e6, HOUR)
    (fill,) = play.market.apply(bar, end)
    assert isinstance(fill, Fill)
    assert (fill.ts, fill.known, fill.price) == (end - HOUR, end, 100.0)
