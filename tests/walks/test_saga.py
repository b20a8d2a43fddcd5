"""HEART §5 where the venue keeps sides apart: what must go first goes, what waits is held, what protects comes back; in the end all holds."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from argosy.core.effects import Alarm, SetTimer, Submit
from argosy.core.events import Fill, Reply, Timer
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Hold, Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Tif, Type, Work
from argosy.core.time import DAY, SECOND
from argosy.engine.journal import Reserve, Verdict
from argosy.engine.records import Given
from argosy.venues.alpaca.codec import WireAsset
from argosy.venues.alpaca.facts import instrument
from tests.walks.hand import NAN, Run, Stage, canceled, orders, records, sent, wire
from tests.walks.test_protections import guarded

AWAY = 10 * SECOND


def table(away_ns: int = AWAY) -> Instruments:
    return Instruments([Instrument(symbol="S0", away_ns=away_ns)])


def held(plan: dict[str, Any], price: float = 10.0, **given: Any) -> tuple[Stage, int]:
    """A stage on which "a" holds 10 with a stop at 9 that rests as an order of its own; its number."""
    stage = Stage({"a": {0: Target(0, lots=10), 1: guarded(10, 9.0)}} | plan, table=table(), **given)
    stage.buy(stage.bar(price), price)
    (stop,) = stage.accept(stage.bar(price))
    assert (stop.tag, stop.lots, stop.stop) == ("stop", 10, 9.0)
    return stage, stop.id


def gone(stage: Stage, order: int) -> list[Any]:
    """The venue's word that an order is canceled; what is sent then."""
    stage.reply(order, "cancel")
    return sent(stage.update(order, Work.CANCELED))


# -- cancel, confirm, trade, protect ---------------------------------------------------------------------------------------------


def test_a_buyer_beside_a_resting_stop_is_cancel_confirm_buy_protect() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0)}})
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([stop], [])
    assert sent(stage.reply(stop, "cancel")) == []
    (order,) = sent(stage.update(stop, Work.CANCELED))  # and no stop beside it
    assert (order.side, order.lots, order.type) == (BUY, 4, Type.MARKET)
    stage.reply(order.id)
    assert sent(stage.fill(order.id, 1, 10.0)) == []  # a part: the stop would be refused beside the rest
    again = sent(stage.fill(order.id, 3, 10.0))
    assert [(one.tag, one.side, one.lots, one.stop) for one in again] == [("stop", SELL, 14, 8.0)]
    assert stage.fold() == stage.state.hash


def test_the_legs_of_a_bracket_make_way_for_a_simple_order_too() -> None:
    stage = Stage({"a": {0: guarded(10, 9.0, 12.0)}, "b": {1: guarded(4, 8.0)}}, table=table())
    (entry,) = stage.accept(stage.bar(10.0))
    stage.fill(entry.id, 10, 10.0)
    stage.bar(10.0)
    assert {stage.work(entry.id + 1), stage.work(entry.id + 2)} == {Work.PENDING_CANCEL}
    assert gone(stage, entry.id + 2) == []
    assert [(one.side, one.lots) for one in gone(stage, entry.id + 1)] == [(BUY, 4)]


def test_one_that_holds_alone_buys_more_by_an_order_with_legs_and_its_stop_stays() -> None:
    stage, _ = held({})
    stage.engine.dispatch.wants.append((stage.engine.slot("a"), guarded(15, 9.0)))
    effects = stage.bar(10.0)
    assert canceled(effects) == []
    (submit,) = [one for one in effects if isinstance(one, Submit)]
    assert [(leg.tag, leg.lots) for leg in submit.approved.legs] == [("stop", 5)]


def test_a_stop_that_fills_while_it_makes_way_is_counted_and_the_buyer_goes_on() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0)}})
    stage.bar(10.0)
    (order,) = sent(stage.fill(stop, -10, 9.0))
    assert (stage.lots("a"), order.side, order.lots) == (0, BUY, 4)


def test_what_the_venue_refuses_brings_the_stop_back() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0)}})
    stage.bar(10.0)
    (order,) = gone(stage, stop)
    back = sent(stage.reply(order.id, "submit", "refused", "NO_MONEY"))
    assert [(one.tag, one.lots, one.stop) for one in back] == [("stop", 10, 9.0)]


def test_what_ends_unfilled_brings_the_stop_back() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0, limit=10.5, tif=Tif.IOC)}})
    stage.bar(10.0)
    (order,) = gone(stage, stop)
    stage.reply(order.id)
    assert [(one.tag, one.lots) for one in sent(stage.update(order.id, Work.EXPIRED))] == [("stop", 10)]


def test_what_the_gate_refuses_takes_no_stop_away() -> None:
    stage, stop = held({"b": {2: guarded(400, 8.0)}}, limits={"order_size": {"max_lots": 50}})
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([], [])
    verdicts = [record for _, record in stage.engine.journal.records() if isinstance(record, Verdict)]
    assert len(verdicts) == 1 and stage.work(stop) is Work.WORKING


def test_what_the_gate_refuses_once_the_stop_is_gone_brings_it_back_at_once() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0)}}, limits={"exposure": {"max_gross": 200.0}})
    stage.bar(10.0)
    stage.reply(stop, "cancel")
    stage.quote(26.0, 26.0)  # four are worth more than is allowed by now
    back = sent(stage.update(stop, Work.CANCELED))
    assert [(one.tag, one.lots) for one in back] == [("stop", 10)]


def test_the_rule_for_stops_lets_the_saga_through_and_gives_a_stop_to_who_brings_none() -> None:
    limits = {"protection": {"required": True, "default_stop_pct": 5.0}}
    stage = Stage({"a": {0: guarded(10, 9.0)}, "b": {1: Target(0, lots=4)}}, table=table(), limits=limits)
    (entry,) = stage.accept(stage.bar(10.0))
    stage.fill(entry.id, 10, 10.0)
    assert canceled(stage.bar(10.0)) == [entry.id + 1]
    (order,) = gone(stage, entry.id + 1)
    stage.reply(order.id)
    protection = stage.state.wishes["b", 0].protection
    assert protection is not None and protection.stop == 9.5
    assert [(one.tag, one.lots, one.stop) for one in sent(stage.fill(order.id, 4, 10.0))] == [("stop", 14, 9.0)]


def test_a_short_account_has_the_same_the_other_way_round() -> None:
    stage = Stage({"a": {0: Target(0, lots=-10), 1: guarded(-10, 11.0)}, "b": {2: guarded(-4, 12.0)}}, table=table())
    stage.buy(stage.bar(10.0), 10.0)
    (stop,) = stage.accept(stage.bar(10.0))
    assert canceled(stage.bar(10.0)) == [stop.id]
    (order,) = gone(stage, stop.id)
    stage.reply(order.id)
    assert [(one.side, one.lots, one.stop) for one in sent(stage.fill(order.id, -4, 10.0))] == [(BUY, 14, 12.0)]


# -- the level while the stop is away ------------------------------------------------------------------------------------------------


def test_a_level_that_is_passed_while_the_stop_is_away_ends_the_position_before_anything_else() -> None:
    stage, stop = held({"b": {2: guarded(4, 5.0)}})
    stage.bar(10.0)
    (order,) = gone(stage, stop)
    stage.reply(order.id)
    effects = stage.bar(8.0)
    assert (canceled(effects), sent(effects)) == ([order.id], [])  # the bid first: nobody may sell beside it
    out = gone(stage, order.id)
    assert [(one.side, one.lots, one.reduce_only) for one in out] == [(SELL, 6, True), (SELL, 4, True)]
    assert (stage.lots("a"), stage.lots("b"), out[1].tag, out[1].stop) == (6, 4, "stop", 5.0)  # four went to b inside


def test_a_single_holders_level_is_watched_where_its_stop_does_not_rest() -> None:
    stage, stop = held({})
    assert sent(stage.bar(8.0)) == []  # it rests: the venue triggers it
    stage.update(stop, Work.EXPIRED)
    (again,) = [t.order for t in stage.state.blotter.open[0].values()]
    assert canceled(stage.bar(8.0)) == [again.id]  # sent and not answered: the engine gets out
    assert [(one.side, one.lots) for one in gone(stage, again.id)] == [(SELL, 10)]


def test_an_exit_that_waits_for_its_price_does_not_take_the_level_away() -> None:
    """Out at 12, says a; its stop of 9 made way for that, for the venue has one order for the ten. At 8 the engine gets out."""
    stage, stop = held({"a": {0: Target(0, lots=10), 1: guarded(10, 9.0), 2: Target(0, lots=0, limit=12.0)}})
    assert canceled(stage.bar(10.0)) == [stop]
    (order,) = gone(stage, stop)
    stage.reply(order.id)
    assert (order.limit, stage.bar(9.5)) == (12.0, ())
    assert canceled(stage.bar(8.0)) == [order.id]
    assert [(one.side, one.lots, one.type) for one in gone(stage, order.id)] == [(SELL, 10, Type.MARKET)]
    assert stage.bar(7.0) == ()


def test_a_single_holders_level_is_not_watched_where_the_venue_takes_both_sides() -> None:
    stage = Stage({"a": {0: Target(0, lots=10), 1: guarded(10, 9.0)}})
    stage.buy(stage.bar(10.0), 10.0)
    stage.bar(10.0)
    assert canceled(stage.bar(8.0)) == []


# -- a step that takes too long ---------------------------------------------------------------------------------------------------------


def timer(stage: Stage) -> Timer:
    """The timer of the saga that was begun, at its moment."""
    at, name, whose = max(stage.state.timers)
    return Timer(at, at, name, whose)


def codes(effects: Any) -> list[str]:
    return [one.code for one in effects if isinstance(one, Alarm)]


def test_a_stop_that_is_stuck_is_told_and_nothing_is_traded() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0)}})
    effects = stage.bar(10.0)
    assert [(one.name, one.at - stage.now) for one in effects if isinstance(one, SetTimer)] == [(f"saga {stop}", AWAY)]
    effects = stage.engine.step(timer(stage))
    assert (codes(effects), sent(effects), stage.state.wishes["b", 0].lots) == (["SAGA_LATE"], [], None)
    assert [(one.tag, one.lots) for one in gone(stage, stop)] == [("stop", 10)]
    assert stage.fold() == stage.state.hash


def test_a_trade_that_is_not_done_is_taken_back_and_the_stop_comes_back() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0)}})
    stage.bar(10.0)
    (order,) = gone(stage, stop)
    stage.reply(order.id)
    stage.fill(order.id, 1, 10.0)
    effects = stage.engine.step(timer(stage))
    assert (codes(effects), canceled(effects)) == (["SAGA_LATE"], [order.id])
    assert [(one.tag, one.lots, one.stop) for one in gone(stage, order.id)] == [("stop", 11, 8.0)]


def test_a_saga_that_is_over_in_time_hears_nothing_of_its_timer() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0)}})
    stage.bar(10.0)
    (order,) = gone(stage, stop)
    stage.reply(order.id)
    (again,) = sent(stage.fill(order.id, 4, 10.0))
    assert stage.engine.step(timer(stage)) == () and stage.state.wishes["b", 0].lots == 4
    assert not [record for _, record in stage.engine.journal.records() if isinstance(record, Given)]
    stage.reply(again.id)


# -- what rests --------------------------------------------------------------------------------------------------------------------------


def test_a_bid_that_rests_goes_out_with_its_stop_as_a_leg() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0, limit=9.5)}})
    effects = stage.bar(10.0)
    (submit,) = [one for one in effects if isinstance(one, Submit)]
    order = submit.approved.order
    assert canceled(effects) == [] and [(leg.tag, leg.lots, leg.stop) for leg in submit.approved.legs] == [("stop", 4, 8.0)]
    stage.reply(order.id)
    stage.update(order.id + 1, Work.ACKED)
    assert canceled(stage.fill(order.id, 1, 9.5)) == [stop]  # its leg is left alone: with it the rest of the entry would end
    assert [(one.tag, one.lots) for one in gone(stage, stop)] == [("stop", 11)]


@pytest.mark.parametrize("protection", [None, Protection(trail=1.0), Protection(stop=9.7)])
def test_a_bid_that_cannot_have_a_leg_is_held_until_its_price_is_there(protection: Protection | None) -> None:
    stage, stop = held({"b": {2: Target(0, lots=4, limit=9.5, protection=protection)}})
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([], [])
    assert canceled(stage.bar(9.6)) == [] and canceled(stage.bar(9.5)) == [stop]
    assert [(one.side, one.lots, one.limit) for one in gone(stage, stop)] == [(BUY, 4, 9.5)]


def test_a_rung_is_held_beside_a_stop_until_its_price_is_there() -> None:
    stage, stop = held({"b": {2: Ladder(0, (Rung("x", BUY, 9.5, 3), Rung("y", BUY, 9.4, 3, protection=Protection(stop=8.0))))}})
    assert [one.tag for one in sent(stage.bar(10.0))] == ["rung:y"]  # a bracket is exempt
    assert canceled(stage.bar(9.5)) == [stop]
    assert [one.tag for one in gone(stage, stop)] == ["rung:x"]


def test_a_bid_without_a_leg_makes_way_for_the_stop_of_what_it_has_filled() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=9.8), 1: guarded(10, 9.0, limit=9.8)}}, table=table())
    (order,) = stage.accept(stage.bar(10.0))
    stage.fill(order.id, 4, 9.8)
    assert canceled(stage.bar(9.9)) == [order.id]
    again = gone(stage, order.id)
    assert [(one.tag, one.lots) for one in again] == [("stop", 4), ("", 6)]
    assert [leg.tag for leg in orders_of(stage, again[1].id)] == ["stop"]


def orders_of(stage: Stage, number: int) -> list[Any]:
    """The legs that an order was sent with."""
    return [leg for _, one in stage.engine.journal.records() if isinstance(one, Reserve) and one.submit.approved.order.id == number
            for leg in one.submit.approved.legs]  # fmt: skip


def test_an_offer_that_rests_makes_way_first_and_the_stop_only_when_it_has_gone() -> None:
    """The first holder offers four at 11, six are guarded; another one buys at market: offer, stop, purchase, then both again."""
    stage, stop = held({"b": {3: guarded(5, 8.0)}})
    stage.engine.dispatch.wants.append((stage.engine.slot("a"), Target(0, lots=6, limit=11.0)))
    assert canceled(stage.bar(10.0)) == [stop]
    offer, rest = gone(stage, stop)
    assert (offer.side, offer.lots, offer.limit, rest.tag, rest.lots) == (SELL, 4, 11.0, "stop", 6)
    for one in (offer, rest):
        stage.reply(one.id)
    assert canceled(stage.bar(10.0)) == [offer.id]
    stage.reply(offer.id, "cancel")
    effects = stage.update(offer.id, Work.CANCELED)
    assert (canceled(effects), sent(effects)) == ([rest.id], [])
    (order,) = gone(stage, rest.id)
    assert (order.side, order.lots, order.type) == (BUY, 5, Type.MARKET)
    stage.reply(order.id)
    after = sent(stage.fill(order.id, 5, 10.0))
    assert sorted((one.tag, one.side, one.lots) for one in after) == [("", SELL, 4), ("stop", SELL, 11)]


def test_where_the_venue_was_refusing_entries_the_stop_comes_back_and_they_wait() -> None:
    stage, stop = held({"b": {2: guarded(4, 8.0)}})
    stage.bar(10.0)
    stage.state.patience.waits[0, "entry"] = [3, stage.now, stage.now + 60 * SECOND]
    assert [(one.tag, one.lots) for one in gone(stage, stop)] == [("stop", 10)]


def test_alpaca_s_instruments_say_that_it_keeps_sides_apart() -> None:
    assert instrument(WireAsset(symbol="AAPL", status="active", tradable=True)).away_ns == 10 * SECOND
    assert Instrument(symbol="S0").away_ns == 0


# -- through zero ------------------------------------------------------------------------------------------------------------------------


def test_what_opens_waits_until_what_closes_has_filled() -> None:
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=-4)}}, table=table())
    stage.buy(stage.bar(10.0), 10.0)
    (out,) = sent(stage.bar(10.0))
    assert (out.side, out.lots, out.reduce_only) == (SELL, 10, True)
    stage.reply(out.id)
    assert sent(stage.fill(out.id, -7, 10.0)) == []
    (short,) = sent(stage.fill(out.id, -3, 10.0))
    assert (short.side, short.lots, short.reduce_only) == (SELL, 4, False)


def test_where_the_venue_nets_both_go_out_together() -> None:
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=-4)}})
    stage.buy(stage.bar(10.0), 10.0)
    assert [(one.lots, one.reduce_only) for one in sent(stage.bar(10.0))] == [(10, True), (4, False)]


def test_two_that_want_both_ways_of_a_flat_account_go_one_after_the_other() -> None:
    """The bid that rests with its leg could carry the account from the other one's short through zero: it makes way, and comes
    again split, when its price is there: until then the short has its stop."""
    stage = Stage({"a": {0: guarded(10, 8.0, limit=9.5)}, "b": {1: guarded(-4, 12.0)}}, table=table())
    (bid,) = stage.accept(stage.bar(10.0))
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([bid.id], [])
    (short,) = gone(stage, bid.id)
    assert (short.side, short.lots) == (SELL, 4)
    stage.reply(short.id)
    (stop,) = stage.accept(stage.fill(short.id, -4, 10.0))  # beside which nothing may rest that keeps the four
    assert (stop.tag, stop.side, stop.lots, stop.stop) == ("stop", BUY, 4, 12.0)
    assert canceled(stage.bar(9.5)) == [stop.id]
    (back,) = gone(stage, stop.id)
    assert (back.side, back.lots, back.limit, back.reduce_only) == (BUY, 4, 9.5, True)  # no more than the position of the other side
    stage.reply(back.id)
    rest = sent(stage.fill(back.id, 4, 9.5))
    assert [(one.side, one.lots, one.limit, one.reduce_only) for one in rest] == [(BUY, 6, 9.5, False)]


@pytest.mark.parametrize(("holder", "other"), [("a", "b"), ("b", "a")])
def test_an_offer_of_one_who_holds_nothing_does_not_keep_the_position_from_its_stop(holder: str, other: str) -> None:
    """One holds 10 with a stop at 9, the other would sell 10 short at 12: were that to rest, the venue would have no stop of the 10."""
    plan = {holder: {0: Target(0, lots=10), 1: guarded(10, 9.0)}, other: {2: Target(0, lots=-10, limit=12.0)}}
    stage = Stage(plan, table=table())
    stage.buy(stage.bar(10.0), 10.0)
    (stop,) = stage.accept(stage.bar(10.0))
    assert stage.bar(10.0) == () and stage.work(stop.id) is Work.WORKING
    assert canceled(stage.bar(12.0)) == [stop.id]
    assert [(one.side, one.lots, one.limit) for one in gone(stage, stop.id)] == [(SELL, 10, 12.0)]


@pytest.mark.parametrize(("holder", "other"), [("a", "b"), ("b", "a")])
def test_what_rests_makes_way_for_who_gets_out_at_once(holder: str, other: str) -> None:
    """The offer at 12 was sent as its price was there, and then it was not: at 8, below the other's level, the holder gets out all the same."""
    plan = {holder: {0: Target(0, lots=10), 1: guarded(10, 9.0)}, other: {2: Target(0, lots=-10, limit=12.0)}}
    stage = Stage(plan, table=table())
    stage.buy(stage.bar(10.0), 10.0)
    (stop,) = stage.accept(stage.bar(10.0))
    stage.bar(12.0)
    (offer,) = gone(stage, stop.id)
    stage.reply(offer.id)
    assert stage.bar(11.0) == ()
    assert canceled(stage.bar(8.0)) == [offer.id]
    (out,) = gone(stage, offer.id)
    assert (out.shares[0].strategy, out.side, out.lots, out.type, out.reduce_only) == (holder, SELL, 10, Type.MARKET, True)
    stage.reply(out.id)
    (short,) = sent(stage.fill(out.id, -10, 8.0))
    assert (short.shares[0].strategy, short.lots, short.limit, short.reduce_only) == (other, 10, 12.0, False)


def test_an_exit_that_rests_makes_way_for_who_trades_at_once() -> None:
    """The account is 1 short: a is 6 short and bids for 1 of it at 8, b is 5 long and wants 10 now: it does not wait for a's price."""
    stage = Stage({"a": {0: Target(0, lots=-6), 1: Target(0, lots=10, limit=8.0)}, "b": {0: Target(0, lots=5), 2: Target(0, lots=10)}}, table=table())
    stage.buy(stage.bar(10.0), 10.0)
    (bid,) = stage.accept(stage.bar(10.0))
    assert (stage.state.portfolio.lots[0], bid.lots, bid.limit) == (-1, 1, 8.0)
    assert canceled(stage.bar(10.0)) == [bid.id]
    (first,) = gone(stage, bid.id)
    assert (first.shares[0].strategy, first.side, first.lots, first.type, first.reduce_only) == ("b", BUY, 1, Type.MARKET, True)
    stage.reply(first.id)
    rest = sent(stage.fill(first.id, 1, 10.0))
    assert ("b", 4, Type.MARKET) in [(one.shares[0].strategy, one.lots, one.type) for one in rest]


# -- over anything at all ---------------------------------------------------------------------------------------------------------------


def wild(seed: int, ladders: bool) -> Run:
    """One to three strategies that want anything of one instrument, at a venue that keeps sides apart."""
    rng = Random(seed)
    price, rows = 100.0, []
    for _ in range(60):
        close = round(price + rng.choice((-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)), 2)
        rows.append((price, max(price, close) + rng.choice((0.0, 0.5, 1.0)), min(price, close) - rng.choice((0.0, 0.5, 1.0)), close))
        price = round(close + rng.choice((0.0, 0.0, 0.0, -3.0, 3.0, 0.5)), 2)
    plans: dict[str, dict[int, Any]] = {}
    for name in "abc"[: rng.choice((1, 2, 2, 3))]:
        plans[name] = {k: _any(rng, rows[k][3], ladders) for k in range(60) if rng.random() < 0.25}
    return wire(plans, rows, table=table(1000 * DAY), cash=1e6)


def _any(rng: Random, mark: float, ladders: bool) -> Any:
    kind = rng.random()
    if kind < 0.05:
        return Hold(0)
    if ladders and kind < 0.25:
        sides = (BUY, SELL) if rng.random() < 0.5 else (BUY,)
        rungs = [Rung("", side, round(mark - side * (1 + k), 2), 2) for k in range(2) for side in sides]
        legs = [Protection(stop=round(rung.px - 5 * rung.side, 2)) if rng.random() < 0.5 else None for rung in rungs]
        return Ladder(0, tuple(msgspec.structs.replace(rung, tag=f"r{k}", protection=legs[k]) for k, rung in enumerate(rungs)))
    want = rng.choice((0, 3, 5, 10, -4, -7, 8))
    limit = NAN if rng.random() < 0.6 else round(mark + rng.choice((-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)), 2)
    side = 1 if want > 0 else -1
    stop, take = round(mark - side * rng.choice((3, 4, 6)), 2), round(mark + side * 5, 2) if rng.random() < 0.3 else NAN
    protection = Protection(stop=stop, take=take) if want and rng.random() < 0.8 else None
    tif = rng.choice((Tif.DAY, Tif.GTC, Tif.IOC)) if limit == limit else Tif.DAY
    return Target(0, lots=want, limit=limit, protection=protection, tif=tif)


@pytest.mark.parametrize("ladders", [False, True])
def test_whatever_is_wanted_no_order_is_refused_beside_another_nor_through_zero(ladders: bool) -> None:
    sagas = deals = bare = 0
    for seed in range(40):
        run = wild(seed, ladders)
        run.go()
        run.engine.state.portfolio.check()
        said = [reply.code for reply in records(run, Reply) if reply.outcome == "refused" and reply.verb == "submit"]
        assert not {"WASH_TRADE"} & set(said), seed
        whose = {order.id: order.tag for order in orders(run)}
        refused = [reply.order for reply in records(run, Reply) if reply.outcome == "refused" and reply.verb == "submit"]
        guards = [number for number in refused if whose[number] == "stop"]
        bare += len(guards)
        assert ladders or said == [], (seed, said)
        assert not any(alarm.code == "SAGA_LATE" for alarm in records(run, Alarm))
        sagas += sum(one.name.startswith("saga ") for one in records(run, SetTimer))
        deals += len(records(run, Fill))
    assert sagas > 50 and deals > 500
    assert bare < 20  # beside ladders a stop may come a moment too early for a part of the position that a rung keeps; it is asked again


def test_the_simulated_venue_refuses_what_alpaca_refuses_where_its_facts_say_so() -> None:
    """What the law above is worth: the same wishes, planned as for a venue that nets, are refused there."""
    run = wild(3, False)
    other = wild(3, False)
    other.engine.instruments._rows[0] = msgspec.structs.replace(other.engine.instruments[0], away_ns=0)
    for one in (run, other):
        one.go()
    assert [reply.code for reply in records(run, Reply) if reply.outcome == "refused"] == []
    assert "WASH_TRADE" in {reply.code for reply in records(other, Reply) if reply.outcome == "refused"}


