"""How long orders live, and what splits, halts and delistings do to them; each by hand."""

from __future__ import annotations

import pytest

from argosy.core.effects import Amend, Cancel, Note
from argosy.core.errors import Misuse
from argosy.core.events import Bar, Delist, Event, OrderUpdate, Reply, Session, Split, Status, Timer
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Order, Tif, Type, Work
from argosy.core.time import DAY, HOUR, MINUTE, parse
from argosy.testing.venue_kit import Stage
from argosy.venues.sim import SimCore

MONDAY = parse("2024-03-04")
NINE_THIRTY = parse("2024-03-04T14:30:00Z")
FOUR = parse("2024-03-04T21:00:00Z")


def stage(**law: object) -> Stage:
    return Stage(
        SimCore(Instruments([Instrument(symbol="AAA"), Instrument(symbol="BBB", calendar="XNYS")]), **law)
    )  # type: ignore[arg-type]


def opens(ts: int, closes: int) -> Session:
    return Session(ts, ts, "XNYS", True, 1, closes)


def closes(ts: int) -> Session:
    return Session(ts, ts, "XNYS", False, 1, ts)


def row(
    ts: int, span: int, price: float = 100.0, instrument: int = 1, delay: int = 0, volume: float = 1e6
) -> Bar:
    return Bar(ts, ts + span + delay, instrument, price, price + 2.0, price - 2.0, price + 1.0, volume, span)


def play_bar(stage: Stage, bar: Bar) -> list[Event]:
    stage.now = bar.ts
    said = list(stage.market.opening(bar))
    stage.now = bar.known
    said += stage.market.apply(bar, bar.known)
    stage.events += said
    return said


def at(play: Stage, now: int, thing: object) -> list[Event]:
    play.now = now
    return play.apply(thing)  # type: ignore[arg-type]


def day_limit(
    play: Stage,
    now: int,
    order: int = 1,
    limit: float = 50.0,
    instrument: int = 1,
    tif: Tif = Tif.DAY,
    **terms: object,
) -> None:
    play.now = now
    play.submit(order, BUY, 10, instrument=instrument, type=Type.LIMIT, limit=limit, tif=tif, **terms)


# -- DAY ------------------------------


def test_day_ends_at_the_close_when_no_bar_is_under_way() -> None:
    play = stage(report_latency_ns=7)
    at(play, NINE_THIRTY, opens(NINE_THIRTY, FOUR))
    day_limit(play, NINE_THIRTY)
    play_bar(play, row(NINE_THIRTY, HOUR))
    said = at(play, FOUR, closes(FOUR))
    assert said == [OrderUpdate(FOUR, FOUR + 7, 1, Work.EXPIRED, code="DAY")]
    assert not play.market.busy(1)


def test_day_lives_through_the_last_bar_though_the_close_is_heard_first() -> None:
    play = stage()
    at(play, NINE_THIRTY, opens(NINE_THIRTY, FOUR))
    day_limit(play, NINE_THIRTY, 1, 98.5)
    day_limit(play, NINE_THIRTY, 2, 50.0)
    bar = row(NINE_THIRTY, FOUR - NINE_THIRTY, delay=15 * MINUTE)
    assert play.market.opening(bar) == []
    assert at(play, FOUR, closes(FOUR)) == []
    said = at(play, bar.known, bar)
    assert [type(event).__name__ for event in said] == ["Fill", "OrderUpdate"]
    assert said[1] == OrderUpdate(FOUR, bar.known, 2, Work.EXPIRED, code="DAY")


def test_day_that_arrives_at_the_close_belongs_to_the_next_session() -> None:
    play = stage()
    at(play, NINE_THIRTY, opens(NINE_THIRTY, FOUR))
    day_limit(play, FOUR)
    assert at(play, FOUR, closes(FOUR)) == []
    at(play, NINE_THIRTY + DAY, opens(NINE_THIRTY + DAY, FOUR + DAY))
    play_bar(play, row(NINE_THIRTY + DAY, HOUR))
    assert len(at(play, FOUR + DAY, closes(FOUR + DAY))) == 1


def test_day_that_arrives_inside_the_last_bar_ends_at_the_close() -> None:
    play = stage()
    at(play, NINE_THIRTY, opens(NINE_THIRTY, FOUR))
    day_limit(play, FOUR - HOUR, 9, tif=Tif.GTC)
    bar = row(FOUR - HOUR, HOUR)
    play.market.opening(bar)
    day_limit(play, FOUR - MINUTE)
    assert [type(event).__name__ for event in at(play, FOUR, closes(FOUR))] == ["OrderUpdate"]
    assert at(play, FOUR, bar) == []


def test_other_calendars_and_other_lives_are_not_touched_by_a_close() -> None:
    play = stage()
    day_limit(play, NINE_THIRTY, 1, instrument=0)
    day_limit(play, NINE_THIRTY, 2, tif=Tif.GTC)
    assert at(play, FOUR, closes(FOUR)) == []


def test_around_the_clock_day_ends_with_the_utc_day() -> None:
    """Sent at 10:00: it lives in the bar of 23:00 and is gone at 00:00, before that bar could fill it."""
    play = stage()
    day_limit(play, MONDAY + 10 * HOUR, 1, 97.0, instrument=0)
    assert play_bar(play, row(MONDAY + 23 * HOUR, HOUR, instrument=0)) == []
    said = play_bar(play, row(MONDAY + DAY, HOUR, 90.0, instrument=0))
    assert said == [OrderUpdate(MONDAY + DAY, MONDAY + DAY, 1, Work.EXPIRED, code="DAY")]


def test_around_the_clock_daily_bars_give_a_day_order_one_bar() -> None:
    """Sent at 00:00 it belongs to the day that begins; sent later, to the first bar it can meet."""
    for arrival in (MONDAY, MONDAY - DAY + HOUR):
        play = stage()
        day_limit(play, arrival, 1, 97.0, instrument=0)
        assert play_bar(play, row(MONDAY, DAY, instrument=0)) == []
        said = play_bar(play, row(MONDAY + DAY, DAY, 90.0, instrument=0))
        assert said == [OrderUpdate(MONDAY + DAY, MONDAY + DAY, 1, Work.EXPIRED, code="DAY")]


def test_sessions_of_the_clock_take_the_place_of_utc_days() -> None:
    play = stage()
    day_limit(play, MONDAY + 22 * HOUR, 1, 97.0, instrument=0)
    at(play, MONDAY + 20 * HOUR, Session(MONDAY + 20 * HOUR, MONDAY + 20 * HOUR, "24/7", False, 0, 0))
    day_limit(play, MONDAY + 22 * HOUR, 2, 97.0, instrument=0)
    assert play_bar(play, row(MONDAY + DAY, HOUR, instrument=0)) == []
    end = MONDAY + DAY + 20 * HOUR
    assert [event.order for event in at(play, end, Session(end, end, "24/7", False, 1, end))] == [1, 2]  # type: ignore[attr-defined]


def test_a_leg_lives_its_own_day() -> None:
    """The entry was sent on Monday and filled on Tuesday (GTC); its DAY stop ends with Tuesday."""
    play = stage()
    play.now = MONDAY
    stop = Order(2, 0, SELL, 10, Type.STOP, stop=50.0, tif=Tif.DAY, reduce_only=True, parent=1)
    play.submit(1, BUY, 10, stop, type=Type.LIMIT, limit=97.0)
    play_bar(play, row(MONDAY + 20 * HOUR, HOUR, instrument=0))
    play_bar(play, row(MONDAY + DAY, HOUR, 90.0, instrument=0))
    assert play.filled(1) == 10
    play_bar(play, row(MONDAY + DAY + 20 * HOUR, HOUR, 90.0, instrument=0))
    assert not play.ended(2)
    play_bar(play, row(MONDAY + 2 * DAY, HOUR, 90.0, instrument=0))
    assert play.updates(2)[-1] == OrderUpdate(MONDAY + 2 * DAY, MONDAY + 2 * DAY, 2, Work.EXPIRED, code="DAY")


# -- auctions, GTD ------------------------------


def test_opg_fills_only_at_the_first_open_of_a_session() -> None:
    play = stage()
    at(play, NINE_THIRTY, opens(NINE_THIRTY, FOUR))
    play_bar(play, row(NINE_THIRTY, HOUR))
    play.submit(1, BUY, 10, instrument=1, tif=Tif.OPG)
    play.submit(2, BUY, 10, instrument=1, tif=Tif.OPG, type=Type.LIMIT, limit=101.0)
    play_bar(play, row(NINE_THIRTY + HOUR, HOUR))
    assert at(play, FOUR, closes(FOUR)) == []
    assert play.fills() == []
    nine_thirty = NINE_THIRTY + DAY
    at(play, nine_thirty, opens(nine_thirty, FOUR + DAY))
    play_bar(play, row(nine_thirty, HOUR, 103.0))
    assert [(fill.order, fill.ts, fill.price) for fill in play.fills()] == [(1, nine_thirty, 103.0)]
    assert play.updates(2) == [OrderUpdate(nine_thirty, nine_thirty, 2, Work.CANCELED, code="OPG")]


def test_opg_takes_the_open_of_any_daily_bar() -> None:
    play = stage()
    play.now = MONDAY
    play.submit(1, BUY, 10, tif=Tif.OPG)
    play_bar(play, row(MONDAY, DAY, instrument=0))
    assert [(fill.ts, fill.price) for fill in play.fills()] == [(MONDAY, 100.0)]


def test_cls_fills_at_the_close_of_the_sessions_last_bar() -> None:
    play = stage()
    at(play, NINE_THIRTY, opens(NINE_THIRTY, FOUR))
    play.submit(1, BUY, 10, instrument=1, tif=Tif.CLS)
    play.submit(2, BUY, 10, instrument=1, tif=Tif.CLS, type=Type.LIMIT, limit=100.5)
    play_bar(play, row(NINE_THIRTY, HOUR))
    assert play.fills() == []
    last = row(FOUR - HOUR, HOUR)
    play.market.opening(last)
    assert at(play, FOUR, closes(FOUR)) == []
    at(play, FOUR, last)
    assert [(fill.order, fill.ts, fill.price) for fill in play.fills()] == [(1, FOUR, 101.0)]
    assert play.updates(2) == [OrderUpdate(FOUR, FOUR, 2, Work.CANCELED, code="CLS")]


def test_cls_takes_the_close_of_a_daily_bar_and_ends_with_an_empty_one() -> None:
    play = stage()
    play.now = MONDAY
    play.submit(1, BUY, 10, tif=Tif.CLS)
    play_bar(play, row(MONDAY, DAY, instrument=0))
    assert [(fill.ts, fill.price) for fill in play.fills()] == [(MONDAY + DAY, 101.0)]
    play.submit(2, BUY, 10, tif=Tif.CLS)
    play_bar(play, row(MONDAY + DAY, DAY, instrument=0, volume=0.0))
    assert play.updates(2)[-1].code == "CLS"


def test_cls_without_a_last_bar_ends_with_the_session() -> None:
    play = stage()
    at(play, NINE_THIRTY, opens(NINE_THIRTY, FOUR))
    play.submit(1, BUY, 10, instrument=1, tif=Tif.CLS)
    play_bar(play, row(NINE_THIRTY, HOUR))
    assert at(play, FOUR, closes(FOUR)) == [OrderUpdate(FOUR, FOUR, 1, Work.EXPIRED, code="CLS")]


@pytest.mark.parametrize("tif", [Tif.OPG, Tif.CLS])
def test_auctions_that_the_tape_lacks_are_refused(tif: Tif) -> None:
    play = stage()
    market = play.market
    assert isinstance(market, SimCore)
    market.finest(0, "bar", HOUR)
    market.finest(1, "quote")
    play.submit(1, BUY, 10, tif=tif)
    play.submit(2, BUY, 10, tif=tif, instrument=1)
    assert [reply.code for order in (1, 2) for reply in play.replies(order)] == ["TIF_UNSUPPORTED"] * 2


def test_cls_that_arrives_inside_a_daily_bar_waits_for_the_next() -> None:
    play = stage()
    play.now = MONDAY
    play.submit(1, BUY, 10, tif=Tif.CLS)
    play.now = MONDAY + HOUR
    play.submit(2, BUY, 10, tif=Tif.CLS)
    play_bar(play, row(MONDAY, DAY, instrument=0))
    assert [fill.order for fill in play.fills()] == [1]
    assert not play.ended(2)
    play_bar(play, row(MONDAY + DAY, DAY, 110.0, instrument=0))
    assert [(fill.order, fill.price) for fill in play.fills()] == [(1, 101.0), (2, 111.0)]


def test_gtd_ends_at_its_moment_but_keeps_the_bar_that_ends_with_it() -> None:
    play = stage()
    play.now = MONDAY
    market = play.market
    assert isinstance(market, SimCore)
    for order, limit in ((1, 50.0), (2, 99.0)):
        play.submit(order, BUY, 10, type=Type.LIMIT, limit=limit, tif=Tif.GTD, expire=MONDAY + 2 * HOUR)
    assert market.due == MONDAY + 2 * HOUR
    play_bar(play, row(MONDAY, HOUR, 105.0, instrument=0))
    bar = row(MONDAY + HOUR, HOUR, instrument=0)
    market.opening(bar)
    assert market.settle(bar.known) == []
    said = at(play, bar.known, bar)
    assert [type(event).__name__ for event in said] == ["Fill", "OrderUpdate"]
    assert said[1] == OrderUpdate(bar.known, bar.known, 1, Work.EXPIRED, code="GTD")


def test_gtd_that_ends_inside_a_bar_does_not_fill_in_it() -> None:
    play = stage()
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=99.0, tif=Tif.GTD, expire=MONDAY + HOUR // 2)
    play.submit(2, BUY, 10, type=Type.LIMIT, limit=99.0, tif=Tif.GTD, expire=MONDAY + 2 * HOUR)
    said = play_bar(play, row(MONDAY, HOUR, instrument=0))
    assert said[0] == OrderUpdate(MONDAY + HOUR // 2, MONDAY + HOUR, 1, Work.EXPIRED, code="GTD")
    assert [fill.order for fill in play.fills()] == [2]
    assert at(play, MONDAY + 3 * HOUR, Timer(0, 0, "pulse")) == []


def test_gtd_is_gone_at_an_open_at_its_moment() -> None:
    play = stage()
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=99.0, tif=Tif.GTD, expire=MONDAY + HOUR)
    said = play_bar(play, row(MONDAY + HOUR, HOUR, 90.0, instrument=0))
    assert said == [OrderUpdate(MONDAY + HOUR, MONDAY + HOUR, 1, Work.EXPIRED, code="GTD")]


# -- cancel, amend ------------------------------


def test_a_cancel_under_way_comes_too_late_for_the_open() -> None:
    play = stage(latency_ns=MINUTE)
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=97.0)
    play.submit(2, BUY, 10, type=Type.LIMIT, limit=95.5)
    play_bar(play, row(MONDAY + HOUR, HOUR, instrument=0))
    for order in (1, 2):
        assert play.apply(Cancel(order)) == []
    said = play_bar(play, row(MONDAY + 2 * HOUR, HOUR, 97.0, instrument=0))
    arrival = MONDAY + 2 * HOUR + MINUTE
    late = MONDAY + 3 * HOUR
    assert (type(said[0]).__name__, said[0].ts) == ("Fill", MONDAY + 2 * HOUR)
    assert said[1:] == [
        Reply(arrival, late, 1, "cancel", "refused", "NOT_CANCELABLE"),
        Reply(arrival, late, 2, "cancel", "accepted"),
        OrderUpdate(arrival, late, 2, Work.CANCELED, code="USER"),
    ]


def test_a_cancel_that_arrives_with_the_end_of_a_bar_does_not_undo_it() -> None:
    """Sent a minute before the end, it arrives at the end: what lies inside the bar was before."""
    play = stage(latency_ns=MINUTE)
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=99.0)
    bar = row(MONDAY + HOUR, HOUR, instrument=0)
    play.market.opening(bar)
    at(play, bar.known - MINUTE, Cancel(1))
    at(play, bar.known, bar)
    assert [fill.price for fill in play.fills()] == [99.0]
    assert at(play, bar.known, Timer(0, 0, "pulse"))[0].ts == bar.known
    assert play.replies(1, "cancel")[0].code == "NOT_CANCELABLE"


def test_a_cancel_that_arrives_is_heard_when_it_is_due() -> None:
    play = stage(latency_ns=MINUTE, report_latency_ns=3)
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=97.0)
    play.apply(Cancel(1))
    market = play.market
    assert isinstance(market, SimCore)
    assert market.due == MONDAY + MINUTE
    said = market.settle(market.due)
    assert [event.known for event in said] == [MONDAY + MINUTE + 3] * 2
    assert market.due > MONDAY + 365 * DAY


def test_an_amend_holds_from_the_next_bar_and_the_old_terms_until_then() -> None:
    """The stop of 97 is raised to 99 in the middle of a bar: that bar still triggers at 97."""
    play = stage()
    market = play.market
    assert isinstance(market, SimCore)
    market.adopt(0, 10)
    play.now = MONDAY
    play.submit(1, SELL, 10, type=Type.STOP, stop=98.5, reduce_only=True)
    bar = row(MONDAY, HOUR, instrument=0)
    market.opening(bar)
    play.now = MONDAY + HOUR // 2
    update = play.apply(Amend(1, stop=99.5))[1]
    assert isinstance(update, OrderUpdate)
    assert (update.work, update.lots, update.stop, update.code) == (Work.WORKING, 0, 99.5, "AMEND")
    at(play, bar.known, bar)
    assert [fill.price for fill in play.fills()] == [98.5]


def test_an_amend_sent_between_bars_holds_in_the_next() -> None:
    play = stage()
    market = play.market
    assert isinstance(market, SimCore)
    market.adopt(0, 10)
    play.now = MONDAY
    play.submit(1, SELL, 10, type=Type.STOP, stop=97.0, reduce_only=True)
    play_bar(play, row(MONDAY, HOUR, instrument=0))
    play.apply(Amend(1, stop=99.5))
    play_bar(play, row(MONDAY + HOUR, HOUR, instrument=0))
    assert [fill.price for fill in play.fills()] == [99.5]


def test_an_amend_sent_inside_a_bar_is_not_its_own_even_when_the_opening_is_matched_late() -> None:
    play = stage()
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=90.0)
    play.now = MONDAY + HOUR // 2
    play.apply(Amend(1, limit=99.0))
    bar = row(MONDAY, HOUR, instrument=0)
    assert play.market.apply(bar, bar.known) == []
    play_bar(play, row(MONDAY + HOUR, HOUR, instrument=0))
    assert [fill.price for fill in play.fills()] == [99.0]


def test_more_lots_hold_from_the_next_bar_and_fewer_at_once() -> None:
    play = stage()
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=99.0)
    play.submit(2, BUY, 10, type=Type.LIMIT, limit=99.0)
    bar = row(MONDAY, HOUR, instrument=0)
    play.market.opening(bar)
    play.now = MONDAY + MINUTE
    play.apply(Amend(1, lots=12))
    play.apply(Amend(1, lots=14))
    play.apply(Amend(2, lots=6))
    at(play, bar.known, bar)
    assert [(fill.order, fill.lots) for fill in play.fills()] == [(2, 6), (1, 10)]


@pytest.mark.parametrize(
    ("amend", "code"),
    [
        (Amend(1, lots=-1), "LOTS_INVALID"),
        (Amend(1, lots=4), "LOTS_INVALID"),
        (Amend(1, stop=90.0), "PRICE_INVALID"),
        (Amend(1, limit=-1.0), "PRICE_INVALID"),
        (Amend(1, limit=float("inf")), "PRICE_INVALID"),
        (Amend(5, limit=90.0), "NOT_AMENDABLE"),
    ],
)
def test_an_amend_that_cannot_be_is_refused(amend: Amend, code: str) -> None:
    play = stage(participation_frac=0.1)
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=99.0)
    play_bar(play, row(MONDAY, HOUR, instrument=0, volume=40.0))
    assert play.filled(1) == 4
    (reply,) = play.apply(amend)
    assert isinstance(reply, Reply)
    assert (reply.outcome, reply.code) == ("refused", code)


def test_an_amend_with_latency_arrives_later() -> None:
    play = stage(latency_ns=MINUTE)
    play.now = MONDAY
    play.submit(1, BUY, 10, type=Type.LIMIT, limit=90.0)
    play_bar(play, row(MONDAY + HOUR, HOUR, instrument=0))
    assert play.apply(Amend(1, limit=99.0)) == []
    play_bar(play, row(MONDAY + 2 * HOUR, HOUR, instrument=0))
    assert play.fills() == []
    (reply,) = play.replies(1, "amend")
    assert (reply.ts, reply.known) == (MONDAY + 2 * HOUR + MINUTE, MONDAY + 3 * HOUR)
    play_bar(play, row(MONDAY + 3 * HOUR, HOUR, instrument=0))
    assert [fill.price for fill in play.fills()] == [99.0]


# -- splits, halts, delisting ------------------------------


def test_a_split_rescales_position_and_orders() -> None:
    """Two for one: 10 at 90 become 20 at 45; the waiting stop of 80 becomes 40; 7 held become 14."""
    play = stage()
    market = play.market
    assert isinstance(market, SimCore)
    market.adopt(0, 7)
    play.now = MONDAY
    stop = Order(2, 0, SELL, 10, Type.STOP, stop=80.0, tif=Tif.GTC, reduce_only=True, parent=1)
    play.submit(1, BUY, 10, stop, type=Type.LIMIT, limit=90.0)
    play.submit(3, SELL, 7, type=Type.TRAILING, trail=30.0, reduce_only=True)
    play_bar(play, row(MONDAY, HOUR, instrument=0))
    play.apply(Amend(1, lots=11))
    assert play.apply(Split(play.now, play.now, 0, 2.0)) == []
    assert market.lots(0) == 14
    play_bar(play, row(MONDAY + HOUR, HOUR, 46.0, instrument=0))
    assert [(fill.order, fill.lots, fill.price) for fill in play.fills()] == [(1, 22, 45.0)]
    play_bar(play, row(MONDAY + 2 * HOUR, HOUR, 37.0, instrument=0))
    assert [(fill.order, fill.lots, fill.price) for fill in play.fills()][1:] == [
        (2, 20, 37.0),
        (3, 14, 36.0),
    ]
    assert market.lots(0) == 2


def test_a_reverse_split_drops_fractions_and_what_is_left_of_nothing() -> None:
    """One for ten: 25 lots become 2, 9 become none and are canceled; -25 held become -2."""
    play = stage()
    market = play.market
    assert isinstance(market, SimCore)
    market.adopt(0, -25)
    play.now = MONDAY
    play.submit(1, BUY, 25, type=Type.LIMIT, limit=9.0)
    play.submit(2, BUY, 9, type=Type.LIMIT, limit=9.0)
    assert play.apply(Split(MONDAY, MONDAY, 0, 0.1)) == [
        OrderUpdate(MONDAY, MONDAY, 2, Work.CANCELED, code="SPLIT")
    ]
    assert market.lots(0) == -2
    play_bar(play, row(MONDAY, HOUR, 89.0, instrument=0))
    assert [(fill.lots, fill.price) for fill in play.fills()] == [(2, 89.0)]


def test_a_split_rescales_what_a_leg_may_protect() -> None:
    """4 of 10 entered, two for one: 8 of 20 are held and the stop, now at 40, covers 8."""
    play = stage(participation_frac=1.0)
    play.now = MONDAY
    stop = Order(2, 0, SELL, 10, Type.STOP, stop=80.0, tif=Tif.GTC, reduce_only=True, parent=1)
    play.submit(1, BUY, 10, stop, type=Type.LIMIT, limit=90.0)
    play_bar(play, row(MONDAY, HOUR, 90.0, instrument=0, volume=4.0))
    play.apply(Split(play.now, play.now, 0, 2.0))
    play.apply(Cancel(1))
    assert play.updates(2)[-1].lots == 8
    play_bar(play, row(MONDAY + HOUR, HOUR, 39.0, instrument=0))
    assert [(fill.order, fill.lots, fill.price) for fill in play.fills()] == [(1, 4, 90.0), (2, 8, 39.0)]
    assert not play.market.busy(0)


def test_a_split_of_nothing_is_misuse() -> None:
    with pytest.raises(Misuse, match="SPLIT_RATIO"):
        stage().apply(Split(0, 0, 0, 0.0))


def test_a_delisting_ends_all_orders_and_refuses_more() -> None:
    play = stage()
    stop = Order(2, 0, SELL, 10, Type.STOP, stop=80.0, tif=Tif.GTC, parent=1)
    play.submit(1, BUY, 10, stop, type=Type.LIMIT, limit=90.0)
    play.submit(3, BUY, 1, type=Type.LIMIT, limit=90.0)
    play.apply(Delist(play.now, play.now, 0, 5.0))
    assert [(play.updates(order)[-1].work, play.updates(order)[-1].code) for order in (1, 2, 3)] == [
        (Work.CANCELED, "DELISTED"),
        (Work.CANCELED, "PARENT"),
        (Work.CANCELED, "DELISTED"),
    ]
    play.submit(4, BUY, 1)
    assert play.replies(4)[0].code == "DELISTED"


def test_a_halted_ioc_ends_unfilled() -> None:
    play = stage()
    play.submit(1, BUY, 1, tif=Tif.IOC)
    play.apply(Status(play.now, play.now, 0, True))
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert play.fills() == []
    assert play.updates(1)[-1].code == "IOC"


# -- refusals ------------------------------

NAN = float("nan")


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"type": Type.LIMIT}, "PRICE_INVALID"),
        ({"type": Type.LIMIT, "limit": 0.0}, "PRICE_INVALID"),
        ({"type": Type.STOP}, "PRICE_INVALID"),
        ({"type": Type.STOP_LIMIT, "stop": 5.0}, "PRICE_INVALID"),
        ({"type": Type.STOP_LIMIT, "limit": 5.0}, "PRICE_INVALID"),
        ({"type": Type.TRAILING}, "PRICE_INVALID"),
        ({"type": Type.TRAILING, "trail": 1.0, "trail_frac": True}, "PRICE_INVALID"),
        ({"type": Type.STOP, "stop": 5.0, "tif": Tif.CLS}, "TIF_UNSUPPORTED"),
        ({"tif": Tif.GTD, "expire": 5}, "EXPIRE_PAST"),
        ({"post_only": True}, "POST_ONLY_INVALID"),
        ({"type": Type.LIMIT, "limit": 5.0, "tif": Tif.IOC, "post_only": True}, "POST_ONLY_INVALID"),
        ({"side": 0}, "SIDE_INVALID"),
        ({"lots": 1001}, "LOTS_INVALID"),
        ({"lots": 1}, "LOTS_INVALID"),
        ({"instrument": 2}, "NOT_TRADABLE"),
        ({"instrument": -1}, "UNKNOWN_INSTRUMENT"),
        ({"parent": 77}, "PARENT_UNKNOWN"),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(terms: dict[str, object], code: str) -> None:
    rows = [
        Instrument(symbol="AAA", min_lots=2, max_lots=1000),
        Instrument(symbol="B"),
        Instrument(symbol="C", tradable=False),
    ]
    play = Stage(SimCore(Instruments(rows)))
    side = terms.pop("side", BUY)
    lots = terms.pop("lots", 10)
    play.submit(1, side, lots, **terms)  # type: ignore[arg-type]
    (reply,) = play.replies(1)
    assert (reply.outcome, reply.code) == ("refused", code)
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert play.fills() == []


def test_an_exit_may_be_smaller_than_the_smallest_order() -> None:
    play = Stage(SimCore(Instruments([Instrument(symbol="AAA", min_lots=2)])))
    play.submit(1, SELL, 1, reduce_only=True)
    assert play.replies(1)[0].outcome == "accepted"


@pytest.mark.parametrize(
    "leg",
    [
        Order(2, 1, SELL, 10, parent=1),
        Order(2, 0, SELL, 10),
        Order(1, 0, SELL, 10, parent=1),
        Order(5, 0, SELL, 10, parent=1),
        Order(2, 0, SELL, 10, parent=1, tif=Tif.CLS),
        Order(2, 0, SELL, 10, Type.LIMIT, parent=1),
    ],
    ids=["instrument", "parent", "id twice", "id known", "auction", "price"],
)
def test_an_order_with_a_bad_leg_is_refused_whole(leg: Order) -> None:
    play = stage()
    play.submit(5, BUY, 1, type=Type.LIMIT, limit=5.0)
    play.submit(1, BUY, 10, leg)
    assert play.replies(1)[0].outcome == "refused"
    assert play.replies(1)[0].code in ("LEG_INVALID", "PRICE_INVALID")
    assert play.updates(2) == (
        [OrderUpdate(play.now, play.now, 2, Work.REJECTED, code="PARENT")] if leg.id == 2 else []
    )
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert play.fills() == []


def test_a_repeat_says_where_the_order_is() -> None:
    play = stage()
    play.submit(1, BUY, 1)
    play.submit(2, BUY, 1, type=Type.LIMIT, limit=5.0)
    play.submit(3, BUY, 0)
    play.bar(100.0, 101.0, 99.0, 100.0)
    play.submit(1, BUY, 1)
    play.submit(2, BUY, 1, type=Type.LIMIT, limit=5.0)
    play.submit(3, BUY, 0)
    assert [(play.replies(order)[1].outcome, play.replies(order)[1].text) for order in (1, 2)] == [
        ("accepted", "FILLED"),
        ("accepted", "WORKING"),
    ]
    assert play.replies(3)[0].code == play.replies(3)[1].code == "LOTS_INVALID"


def test_an_exit_whose_entry_ended_lives_at_once() -> None:
    play = stage()
    play.submit(1, BUY, 1)
    play.bar(100.0, 101.0, 99.0, 100.0)
    play.submit(2, SELL, 1, parent=1, type=Type.STOP, stop=99.5)
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert [(fill.order, fill.price) for fill in play.fills()] == [(1, 100.0), (2, 99.5)]


@pytest.mark.parametrize(
    ("law", "code"),
    [
        ({"limit_rule": "near"}, "SIM_RULE"),
        ({"participation_frac": 1.1}, "SIM_PARTICIPATION"),
        ({"latency_ns": -1}, "SIM_LATENCY"),
        ({"slippage_bps": -1.0}, "SIM_SLIPPAGE"),
    ],
)
def test_a_law_that_cannot_be_is_misuse(law: dict[str, object], code: str) -> None:
    with pytest.raises(Misuse, match=code):
        stage(**law)


def test_a_tape_that_cannot_be_is_misuse() -> None:
    market = stage().market
    assert isinstance(market, SimCore)
    for kind, span in (("depth", 0), ("bar", 0)):
        with pytest.raises(Misuse, match="SIM_TAPE"):
            market.finest(0, kind, span)  # type: ignore[arg-type]


def test_instruments_that_join_later_trade_too_and_strange_things_are_ignored() -> None:
    table = Instruments([Instrument(symbol="AAA")])
    play = Stage(SimCore(table))
    table.add(Instrument(symbol="ZZZ"))
    assert not play.market.busy(1)
    assert play.apply(row(play.now, HOUR)) == []
    play.submit(1, BUY, 1, instrument=1)
    play.bar(100.0, 101.0, 99.0, 100.0, instrument=1)
    assert play.filled(1) == 1
    assert play.apply(Note("nothing")) == []
    with pytest.raises(Misuse, match="INSTRUMENT_UNKNOWN"):
        play.market.lots(7)  # type: ignore[attr-defined]
