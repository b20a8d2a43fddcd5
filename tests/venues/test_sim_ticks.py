"""The law of quotes and trades, each sentence by hand."""

from __future__ import annotations

import pytest

from argosy.core.effects import Amend
from argosy.core.events import Bar, Event, Fill, OrderUpdate, Quote, Status, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Order, Tif, Type, Work
from argosy.core.time import DAY, HOUR
from argosy.testing.venue_kit import START, Stage
from argosy.venues.sim import SimCore

NAN = float("nan")


def stage(**law: object) -> Stage:
    return Stage(SimCore(Instruments([Instrument(symbol="AAA")]), **law))  # type: ignore[arg-type]


def quote(
    play: Stage, bid: float, ask: float, bid_size: float = 100.0, ask_size: float = 100.0
) -> list[Event]:
    play.now += 1
    return play.apply(Quote(play.now, play.now, 0, bid, ask, bid_size, ask_size))


def trade(play: Stage, price: float, size: float = 100.0) -> list[Event]:
    play.now += 1
    return play.apply(Trade(play.now, play.now, 0, price, size))


def prices(play: Stage) -> list[tuple[int, int, float]]:
    return [(fill.order, fill.lots, fill.price) for fill in play.fills()]


# -- quotes ------------------------------------------------------------------------------------


def test_market_orders_take_the_other_side_without_slippage() -> None:
    play = stage(slippage_bps=100.0)
    play.submit(1, BUY, 500)
    play.submit(2, SELL, 3)
    quote(play, 99.0, 101.0)
    assert prices(play) == [(1, 500, 101.0), (2, 3, 99.0)]
    assert all(fill.ts == fill.known == play.now and not fill.maker for fill in play.fills())


def test_a_limit_marketable_on_arrival_has_the_better_price_and_one_that_rested_its_own() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=102.0)
    play.submit(2, BUY, 1, type=Type.LIMIT, limit=100.0)
    play.submit(3, SELL, 1, type=Type.LIMIT, limit=100.5)
    quote(play, 99.0, 101.0)
    assert prices(play) == [(1, 1, 101.0)]
    quote(play, 98.0, 99.5)
    quote(play, 101.0, 102.0)
    assert prices(play) == [(1, 1, 101.0), (2, 1, 100.0), (3, 1, 100.5)]
    assert [fill.maker for fill in play.fills()] == [False, True, True]


def test_an_ask_at_the_limit_fills_it() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=101.0)
    quote(play, 99.0, 101.0)
    assert prices(play) == [(1, 1, 101.0)]


def test_stops_trigger_on_the_side_they_take() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.STOP, stop=102.0)
    play.submit(2, SELL, 1, type=Type.STOP, stop=98.0)
    play.submit(3, BUY, 1, type=Type.STOP_LIMIT, stop=102.0, limit=102.5)
    play.submit(4, BUY, 1, type=Type.STOP_LIMIT, stop=102.0, limit=102.2)
    quote(play, 98.5, 101.5)
    assert prices(play) == []
    quote(play, 97.5, 102.3)
    assert prices(play) == [(1, 1, 102.3), (3, 1, 102.3), (2, 1, 97.5)]
    quote(play, 97.5, 102.2)
    assert prices(play)[3:] == [(4, 1, 102.2)]


def test_a_trailing_stop_follows_the_bid() -> None:
    play = stage()
    play.market.adopt(0, 5)  # type: ignore[attr-defined]
    play.submit(1, SELL, 5, type=Type.TRAILING, trail=2.0, reduce_only=True)
    for bid in (100.0, 103.0, 101.5):
        quote(play, bid, bid + 1.0)
    assert prices(play) == []
    quote(play, 100.5, 102.0)
    assert prices(play) == [(1, 5, 100.5)]


def test_an_absent_side_fills_nothing() -> None:
    play = stage()
    play.submit(1, BUY, 1)
    play.submit(2, BUY, 1, tif=Tif.IOC)
    quote(play, 99.0, NAN, 100.0, 0.0)
    assert prices(play) == []
    assert play.updates(2)[-1].code == "IOC"
    quote(play, NAN, 101.0)
    assert prices(play) == [(1, 1, 101.0)]


def test_shown_sizes_are_shared_when_participation_is_on() -> None:
    play = stage(participation_frac=0.5)
    play.submit(1, BUY, 60)
    play.submit(2, BUY, 60, type=Type.LIMIT, limit=101.0, tif=Tif.IOC)
    play.submit(3, SELL, 30, tif=Tif.FOK)
    play.submit(4, SELL, 40, tif=Tif.IOC)
    quote(play, 99.0, 101.0, 29.0, 100.0)
    assert prices(play) == [(1, 60, 101.0), (2, 40, 101.0), (4, 29, 99.0)]
    assert [play.updates(order)[-1].code for order in (2, 3, 4)] == ["IOC", "FOK", "IOC"]


def test_legs_wait_for_the_row_after_their_entry() -> None:
    play = stage()
    play.submit(
        1, BUY, 5, Order(2, 0, SELL, 5, Type.STOP, stop=100.0, tif=Tif.GTC, reduce_only=True, parent=1)
    )
    quote(play, 99.0, 101.0)
    assert prices(play) == [(1, 5, 101.0)]
    play.apply(Quote(play.now, play.now, 0, 99.5, 101.0, 1.0, 1.0))
    assert prices(play)[1:] == [(2, 5, 99.5)]


def test_post_only_is_refused_at_a_quote_at_hand_and_canceled_at_the_first_that_it_meets() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=50.0)
    quote(play, 99.0, 101.0)
    play.submit(2, BUY, 1, type=Type.LIMIT, limit=101.0, post_only=True)
    play.submit(3, SELL, 1, type=Type.LIMIT, limit=99.0, post_only=True)
    play.submit(4, BUY, 1, type=Type.LIMIT, limit=100.0, post_only=True)
    assert [play.replies(order)[0].code for order in (2, 3, 4)] == ["POST_ONLY_CROSS", "POST_ONLY_CROSS", ""]
    quote(play, 99.0, 100.0)
    assert play.updates(4) == [OrderUpdate(play.now, play.now, 4, Work.CANCELED, code="POST_ONLY_CROSS")]


def test_a_quote_is_forgotten_when_nothing_rests() -> None:
    play = stage()
    play.submit(1, BUY, 1)
    quote(play, 99.0, 101.0)
    play.submit(2, BUY, 1, type=Type.LIMIT, limit=105.0, post_only=True)
    assert play.replies(2)[0].outcome == "accepted"


def test_latency_keeps_an_order_from_rows_before_its_arrival() -> None:
    play = stage(latency_ns=2, report_latency_ns=3)
    play.submit(1, BUY, 1)
    quote(play, 99.0, 101.0)
    assert prices(play) == []
    quote(play, 99.0, 102.0)
    assert [(fill.price, fill.ts, fill.known) for fill in play.fills()] == [(102.0, START + 2, START + 5)]


def test_an_amended_limit_holds_from_the_next_row() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=100.0)
    quote(play, 99.0, 101.0)
    play.apply(Amend(1, limit=102.0))
    quote(play, 99.0, 101.0)
    assert prices(play) == [(1, 1, 101.0)]


def test_a_days_end_and_a_halt_on_quotes() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=100.0, tif=Tif.DAY)
    play.apply(Status(play.now, play.now, 0, True))
    quote(play, 98.0, 99.0)
    trade(play, 90.0)
    assert prices(play) == []
    play.apply(Status(play.now, play.now, 0, False))
    play.now += DAY
    quote(play, 98.0, 99.0)
    assert play.updates(1) == [OrderUpdate(play.now, play.now, 1, Work.EXPIRED, code="DAY")]


# -- trades ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "filled"), [("through", False), ("touch", True)])
def test_a_print_at_the_limit_fills_only_by_touch(rule: str, filled: bool) -> None:
    play = stage(limit_rule=rule)
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=100.0)
    trade(play, 100.0)
    assert prices(play) == ([(1, 1, 100.0)] if filled else [])


def test_a_print_beyond_the_limit_fills_at_the_limit() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=100.0)
    play.submit(2, SELL, 1, type=Type.LIMIT, limit=102.0)
    trade(play, 101.0)
    trade(play, 99.0)
    trade(play, 103.0)
    assert prices(play) == [(1, 1, 100.0), (2, 1, 102.0)]
    assert all(fill.maker for fill in play.fills())


def test_takers_and_stops_fill_at_the_print() -> None:
    play = stage()
    play.submit(1, BUY, 1)
    play.submit(2, SELL, 1, type=Type.STOP, stop=99.0)
    play.submit(3, BUY, 1, type=Type.STOP_LIMIT, stop=101.0, limit=102.0)
    trade(play, 100.0)
    trade(play, 98.5)
    trade(play, 101.5)
    assert prices(play) == [(1, 1, 100.0), (2, 1, 98.5), (3, 1, 101.5)]


def test_a_share_of_the_print_is_all_there_is() -> None:
    """Half of 15 lots is 7."""
    play = stage(participation_frac=0.5)
    play.submit(1, BUY, 10)
    play.submit(2, BUY, 10, tif=Tif.FOK)
    trade(play, 100.0, 15.0)
    assert prices(play) == [(1, 7, 100.0)]
    assert play.updates(2)[-1].code == "FOK"
    trade(play, NAN, 15.0)
    trade(play, 101.0, 15.0)
    assert prices(play)[1:] == [(1, 3, 101.0)]


def test_with_quotes_in_the_replay_prints_fill_what_rests_and_trigger_what_takes_the_next_quote() -> None:
    play = stage()
    play.market.finest(0, "quote")  # type: ignore[attr-defined]
    play.market.finest(0, "trade")  # type: ignore[attr-defined]
    play.submit(1, BUY, 1)
    play.submit(2, SELL, 1, type=Type.STOP, stop=99.0)
    play.submit(3, BUY, 1, type=Type.LIMIT, limit=99.5)
    play.submit(4, BUY, 1, type=Type.LIMIT, limit=90.0, tif=Tif.IOC)
    trade(play, 98.0)
    assert prices(play) == [(3, 1, 99.5)]
    assert play.updates(4) == []
    quote(play, 99.2, 100.0)
    assert prices(play)[1:] == [(1, 1, 100.0), (2, 1, 99.2)]
    assert play.updates(4)[-1].code == "IOC"


def test_ticks_silence_bars() -> None:
    play = stage()
    play.market.finest(0, "trade")  # type: ignore[attr-defined]
    play.submit(1, BUY, 1)
    play.bar(100.0, 101.0, 99.0, 100.0)
    assert prices(play) == []
    trade(play, 100.0)
    assert prices(play) == [(1, 1, 100.0)]


def test_a_days_end_on_trades_and_an_order_that_has_not_arrived() -> None:
    play = stage(latency_ns=5)
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=100.0, tif=Tif.DAY)
    trade(play, 90.0)
    assert prices(play) == []
    play.apply(Amend(1, lots=2))
    play.now += DAY
    (*_, update) = trade(play, 90.0)
    assert isinstance(update, OrderUpdate)
    assert (update.work, update.code) == (Work.EXPIRED, "DAY")


def test_a_print_meets_amended_terms() -> None:
    play = stage()
    play.submit(1, BUY, 1, type=Type.LIMIT, limit=90.0)
    play.apply(Amend(1, limit=95.0))
    trade(play, 94.0)
    assert prices(play) == [(1, 1, 95.0)]


def test_one_bracket_of_two_siblings_on_one_print() -> None:
    """A print that meets both members of a group fills the stop, and the other is canceled before it can."""
    play = stage()
    play.submit(1, BUY, 5, type=Type.LIMIT, limit=101.0, group=2)
    play.submit(2, BUY, 5, type=Type.STOP, stop=99.0, group=2)
    trade(play, 100.0)
    assert prices(play) == [(2, 5, 100.0)]
    assert play.updates(1)[-1].code == "OCO"


def test_a_sibling_that_ends_in_the_same_row_ends_once() -> None:
    play = stage()
    play.submit(1, BUY, 5, tif=Tif.IOC, group=2)
    play.submit(2, BUY, 5, type=Type.LIMIT, limit=50.0, tif=Tif.IOC, group=2)
    trade(play, 100.0)
    assert [update.code for update in play.updates(2)] == ["OCO"]
    assert not play.market.busy(0)


def test_unused_bars_say_nothing() -> None:
    play = stage()
    assert play.market.apply(Bar(START, START + HOUR, 0, 1.0, 1.0, 1.0, 1.0, 1.0, HOUR), START + HOUR) == []
    assert play.apply(Trade(START, START, 0, 1.0, 1.0)) == []
    assert not any(isinstance(event, Fill) for event in play.events)
