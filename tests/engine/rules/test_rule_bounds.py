"""Every code of the gate: exactly at its limit allowed, one unit beyond denied, and allowed again without its rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from fakeview import (
    ACME,
    BANNED,
    BLOCK,
    CALL,
    COIN,
    EURO,
    HARD,
    NAN,
    NOW,
    PUT,
    SHUT,
    USD,
    FakeView,
    order,
    stop_leg,
)

from argosy.core.events import Band, Fact, Gap, Link
from argosy.core.orders import Order, Share, Tif, Type
from argosy.core.time import MINUTE, MS, SECOND
from argosy.engine.risk import RiskGate
from argosy.engine.rules.profiles import SHELF, rules
from argosy.engine.rules.rule import Own

Change = Callable[[FakeView], object]


def same(view: FakeView) -> None:
    """No change."""


def put(**fields: Any) -> Change:
    """Set plain attributes of the view."""
    return lambda view: [setattr(view, name, value) for name, value in fields.items()]


def at(name: str, i: int, value: Any) -> Change:
    """Set one place of a list of the view."""
    return lambda view: getattr(view, name).__setitem__(i, value)


def both(*changes: Change) -> Change:
    return lambda view: [change(view) for change in changes]


def sent(*orders: tuple[Order, int]) -> Change:
    """Entries that went out `ago` ns before now."""
    return lambda view: [view.counters.on_order(one, view.now - ago) for one, ago in orders]


def lost(count: int) -> Change:
    return lambda view: [view.counters.on_closed("a", -1) for _ in range(count)]


def told(*events: Any) -> Change:
    """Events that the conditions are told of: bands, links, gaps, facts."""
    ways = {Band: "band", Link: "link", Gap: "gap", Fact: "fact"}
    return lambda view: [getattr(view.conditions, ways[type(event)])(event) for event in events]


def known(**fields: Any) -> Change:
    """Set what is known beside prices."""
    return lambda view: [setattr(view.conditions, name, value) for name, value in fields.items()]


def changed(strategy: str, *agos: int) -> Change:
    """Cancels or amends that went out `ago` ns before now."""
    return lambda view: [view.counters.requests.changed(view.now - ago, [strategy]) for ago in agos]  # type: ignore[union-attr]


class Case(msgspec.Struct):
    """One bound: `fine` passes in a view changed by `before`, `bad` is refused with `code` and `numbers`."""

    code: str
    rule: str
    fine: Order
    bad: Order
    numbers: dict[str, float]
    settings: dict[str, Any] = {}
    before: Change = same
    spoil: Change = same
    legs: tuple[Order, ...] = ()
    bad_legs: tuple[Order, ...] | None = None


A = order(10)
PAIR = (Share("a", 4), Share("b", 6))
BRACKET = stop_leg(A, 98.0)
LIMIT_101 = order(10, limit=101.0)

CASES = [
    Case("INSTRUMENT_UNKNOWN", "known", order(i=BLOCK, limit=100.0), order(i=7, limit=100.0), {"instrument": 7, "known": 7}),
    Case("INSTRUMENT_UNKNOWN", "known", order(i=0, limit=100.0), order(i=-1, limit=100.0), {"instrument": -1}),
    Case("NOT_TRADABLE", "known", A, order(i=SHUT), {"instrument": SHUT}),
    Case("RESTRICTED", "known", A, order(i=BANNED), {"instrument": BANNED}),
    Case("DELISTED", "known", A, A, {"instrument": ACME}, spoil=put(ended={ACME})),
    Case("HALTED", "known", A, A, {"instrument": ACME}, spoil=put(stopped={ACME})),
    Case("PRICE_TICK", "grid", order(limit=100.01), order(limit=100.011), {"limit": 100.011, "tick": 0.01}),
    Case("PRICE_TICK", "grid", order(limit=1.0), order(limit=1.0001), {"limit": 1.0001, "tick": 0.01}),
    Case("PRICE_TICK", "grid", order(limit=0.9999), order(limit=0.99995), {"limit": 0.99995, "tick": 0.0001}),
    Case("PRICE_TICK", "grid", order(limit=0.0001), order(limit=0.0), {"limit": 0.0, "tick": 0.0001}),
    Case("PRICE_TICK", "grid", order(limit=0.1 + 0.2), order(limit=0.30001), {"limit": 0.30001}),
    Case("PRICE_TICK", "grid", A, order(type=Type.LIMIT), {"tick": 0.01}),
    Case("PRICE_TICK", "grid", order(type=Type.STOP, stop=101.5), order(type=Type.STOP, stop=101.505), {"stop": 101.505}),
    Case("PRICE_TICK", "grid", order(type=Type.STOP, stop=101.5), order(type=Type.STOP), {"tick": 0.01}),
    Case(
        "PRICE_TICK", "grid", order(type=Type.STOP_LIMIT, stop=101.0, limit=102.0), order(type=Type.STOP_LIMIT, limit=102.0), {"tick": 0.01},
    ),
    Case(
        "PRICE_TICK", "grid", order(type=Type.STOP_LIMIT, stop=101.0, limit=102.0), order(type=Type.STOP_LIMIT, stop=101.0), {"tick": 0.01},
    ),
    Case("PRICE_TICK", "grid", order(type=Type.TRAILING, trail=0.01), order(type=Type.TRAILING, trail=0.0), {"trail": 0.0}),
    Case(
        "PRICE_TICK", "grid", order(type=Type.TRAILING, trail=0.99, trail_frac=True), order(type=Type.TRAILING, trail=1.0, trail_frac=True),
        {"trail": 1.0},
    ),
    Case("PRICE_TICK", "grid", A, A, {"stop": 98.001}, legs=(BRACKET,), bad_legs=(stop_leg(A, 98.001),)),
    Case("QTY_STEP", "grid", order(1), order(0), {"lots": 0}),
    Case("QTY_STEP", "grid", order(2), order(1.5), {"lots": 1.5}),  # type: ignore[arg-type]
    Case("QTY_STEP", "grid", order(10, shares=PAIR), order(11, shares=PAIR), {"lots": 11, "share_lots": 10}),
    Case("QTY_STEP", "grid", order(10, shares=()), order(10, shares=PAIR[:1]), {"lots": 10, "share_lots": 4}),
    Case("QTY_MIN", "grid", order(10, i=COIN), order(9, i=COIN), {"lots": 9, "min_lots": 10}),
    Case("QTY_MAX", "grid", order(50, i=BLOCK), order(51, i=BLOCK), {"lots": 51, "max_lots": 50}),
    # 2**62 = 4_611_686_018_427_387_904 units of 1e-6 USD are 46_116_860_184.27 shares at 100
    Case("OVERFLOW", "overflow", order(46_116_860_184), order(46_116_860_185), {"lots": 46_116_860_185, "price": 100.0, "limit_units": 1 << 62}),
    Case(
        "OVERFLOW", "overflow", order(46_116_860_084), order(46_116_860_085), {"lots": 46_116_860_185},
        before=both(at("held", ACME, 60), at("buys", ACME, 40)),
    ),
    Case("OVERFLOW", "overflow", order(10, limit=0.0001), order(1 << 62, limit=0.0001), {"lots": 1 << 62}),
    Case("MAX_ORDER_QTY", "order_size", order(25), order(26), {"lots": 26, "limit_lots": 25}, {"max_lots": 25}),
    # 2,500 USD at 100: 25 shares
    Case(
        "MAX_ORDER_NOTIONAL", "order_size", order(25), order(26), {"notional_units": 2_600 * USD, "limit_units": 2_500 * USD},
        {"max_notional": 2500},
    ),
    # a sale far below the market is valued at the market
    Case(
        "MAX_ORDER_NOTIONAL", "order_size", order(25, -1, limit=0.01), order(26, -1, limit=0.01), {"notional_units": 2_600 * USD},
        {"max_notional": 2500},
    ),
    # a buy stop beyond the market is valued at its stop
    Case(
        "MAX_ORDER_NOTIONAL", "order_size", order(20, type=Type.STOP, stop=125.0), order(20, type=Type.STOP, stop=125.01),
        {"notional_units": 2_500_200_000}, {"max_notional": 2500},
    ),
    # and a sell stop (a short entry) at the higher of stop and market
    Case(
        "MAX_ORDER_NOTIONAL", "order_size", order(25, -1, type=Type.STOP, stop=90.0), order(20, -1, type=Type.STOP, stop=130.0),
        {"notional_units": 2_600 * USD}, {"max_notional": 2500},
    ),
    Case("SESSION_CLOSED", "session", order(tif=Tif.DAY), order(tif=Tif.IOC), {"tif": 2}, before=put(open=False)),
    Case("SESSION_CLOSED", "session", order(tif=Tif.OPG), order(tif=Tif.FOK), {"tif": 3}, before=put(open=False)),
    Case("SESSION_CLOSED", "session", order(tif=Tif.IOC), order(tif=Tif.IOC), {"tif": 2}, spoil=put(open=False)),
    Case("SESSION_CLOSED", "session", order(tif=Tif.GTC), order(tif=Tif.GTC), {"tif": 1}, {"queue": False}, spoil=put(open=False)),
    Case("PRICE_COLLAR", "collar", order(limit=103.0), order(limit=103.01), {"limit": 103.01, "reference": 100.0, "limit_pct": 3}, {"max_pct": 3}),
    Case("PRICE_COLLAR", "collar", order(10, -1, limit=97.0), order(10, -1, limit=96.99), {"limit": 96.99}, {"max_pct": 3}),
    Case("PRICE_COLLAR", "collar", order(limit=97.0), order(limit=96.99), {"limit": 96.99}, {"max_pct": 3, "both_sides": True}),
    # a passive limit may lie anywhere; a stop-limit is measured from its stop
    Case("PRICE_COLLAR", "collar", order(limit=50.0), order(limit=150.0), {"away_pct": 50.0}, {"max_pct": 3}),
    Case(
        "PRICE_COLLAR", "collar", order(type=Type.STOP_LIMIT, stop=110.0, limit=113.3), order(type=Type.STOP_LIMIT, stop=110.0, limit=113.31),
        {"reference": 110.0}, {"max_pct": 3},
    ),
    Case("NO_REFERENCE", "collar", A, A, {}, spoil=at("marks", ACME, NAN)),
    Case("NO_REFERENCE", "collar", order(limit=100.0), order(limit=100.0), {"limit": 100.0}, {"max_pct": 3}, spoil=at("marks", ACME, NAN)),
    Case(
        "NO_REFERENCE", "collar", A, A, {"age_ns": 5 * SECOND + 1, "limit_ns": 5 * SECOND}, {"market_age_ms": 5000},
        at("known", ACME, NOW - 5 * SECOND), at("known", ACME, NOW - 5 * SECOND - 1),
    ),
    Case(
        "REDUCE_ONLY", "reduce_only", order(10, -1, reduce_only=True), order(11, -1, reduce_only=True),
        {"lots": -11, "lowest_lots": 10, "highest_lots": 10}, before=at("held", ACME, 10),
    ),
    Case(
        "REDUCE_ONLY", "reduce_only", order(10, 1, reduce_only=True), order(11, 1, reduce_only=True),
        {"lots": 11, "lowest_lots": -10, "highest_lots": -10}, before=at("held", ACME, -10),
    ),
    # the venue never lets a reduce-only order flip: it is compared with the position alone, whatever else is open
    Case(
        "REDUCE_ONLY", "reduce_only", order(10, -1, reduce_only=True), order(11, -1, reduce_only=True), {"lots": -11},
        before=both(at("held", ACME, 10), at("sells", ACME, 4)),
    ),
    # a protection is compared with the position alone
    Case(
        "REDUCE_ONLY", "reduce_only", order(10, -1, type=Type.STOP, stop=98.0, reduce_only=True, tag="stop"),
        order(11, -1, type=Type.STOP, stop=98.0, reduce_only=True, tag="stop"), {"lots": -11},
        before=both(at("held", ACME, 10), at("sells", ACME, 4)),
    ),
    Case("REDUCE_ONLY", "reduce_only", A, A, {"level": 1, "lots": 10}, spoil=put(level=1)),
    Case("REDUCE_ONLY", "reduce_only", order(10, -1), order(11, -1), {"level": 1}, before=both(at("held", ACME, 10), put(level=1))),
    Case("REDUCE_ONLY", "reduce_only", A, A, {"leg_lots": -11}, legs=(BRACKET,), bad_legs=(stop_leg(A, 98.0, lots=11, shares=()),)),
    Case("REDUCE_ONLY", "reduce_only", A, A, {"leg_lots": -10}, legs=(BRACKET,), bad_legs=(stop_leg(A, 98.0, reduce_only=False),)),
    Case(
        "REDUCE_ONLY", "reduce_only", A, A, {"leg_lots": 10}, legs=(BRACKET,),
        bad_legs=(msgspec.structs.replace(BRACKET, side=1),),
    ),
    Case(
        "REDUCE_ONLY", "reduce_only", A, A, {"leg_lots": -10}, legs=(BRACKET,),
        bad_legs=(msgspec.structs.replace(BRACKET, instrument=HARD),),
    ),
    # an order with legs is never an exit
    Case(
        "REDUCE_ONLY", "reduce_only", order(10, -1), order(10, -1), {"level": 1}, before=both(at("held", ACME, 10), put(level=1)),
        bad_legs=(stop_leg(order(10, -1), 102.0),),
    ),
    Case("HALTED_DESK", "reduce_only", order(10, -1), order(11, -1), {"level": 2}, before=both(at("held", ACME, 10), put(level=2))),
    Case(
        "HALTED_DESK", "reduce_only", order(10, -1, type=Type.STOP, stop=98.0, reduce_only=True, tag="stop"), A, {"level": 4},
        before=both(at("held", ACME, 10), put(level=4)),
    ),
    # 0.5 % of 100,000 is 500 USD: 5 shares
    Case(
        "PROBE_SIZE", "probe", order(5), order(6), {"lots": 6, "limit_units": 500 * USD, "notional_units": 600 * USD, "limit_pct": 0.5},
        {"trim": False}, put(level=-1),
    ),
    Case("PROBE_SIZE", "probe", order(1), order(2), {"limit_units": 0}, {"trim": False}, put(level=-1, equity=-5 * USD)),
    Case("FX_STALE", "fx", order(i=EURO), order(i=EURO), {}, spoil=put(rates={"USD": 1.0})),
    Case(
        "FX_STALE", "fx", order(i=EURO), order(i=EURO), {"age_ns": 2 * SECOND + 1, "limit_ns": 2 * SECOND}, {"max_age_ms": 2000},
        put(rate_age=2 * SECOND), put(rate_age=2 * SECOND + 1),
    ),
    Case(
        "STALE_DATA", "stale", A, A, {"age_ns": 2 * SECOND + 1, "limit_ns": 2 * SECOND}, {"max_age_ms": 2000},
        at("known", ACME, NOW - 2 * SECOND), at("known", ACME, NOW - 2 * SECOND - 1),
    ),
    Case("QUOTE_CROSSED", "stale", A, A, {"bid": 100.02, "ask": 100.01}, {"crossed": True}, at("bids", ACME, 100.01), at("bids", ACME, 100.02)),
    Case("QUOTE_LOCKED", "stale", A, A, {"bid": 100.01, "ask": 100.01}, {"locked": True}, at("bids", ACME, 100.0), at("bids", ACME, 100.01)),
    # of a position of 10 by our books and 6 by the venue's, 6 may go; nothing may be added
    Case("RECONCILE_DRIFT", "known", A, A, {"counted_lots": 0}, spoil=put(apart={ACME})),
    Case(
        "RECONCILE_DRIFT", "known", order(6, -1), order(7, -1), {"lots": 10, "counted_lots": 6},
        before=both(at("held", ACME, 10), put(apart={ACME}), known(counted={ACME: 6})),
    ),
    Case("RECONCILE_DRIFT", "known", order(6, -1), order(6, -1), {}, before=both(at("held", ACME, 10), put(apart={ACME}), known(counted={ACME: 6})),
         spoil=known(counted={ACME: -6})),
    Case("LULD_BAND", "band", order(limit=105.0), order(limit=105.01), {"price": 105.01, "low": 95.0, "high": 105.0}, before=told(Band(NOW,
        NOW, ACME, 95.0, 105.0))),
    Case("LULD_BAND", "band", order(10, -1, limit=95.0), order(10, -1, limit=94.99), {"price": 94.99}, before=told(Band(NOW, NOW, ACME,
        95.0, 105.0))),
    # a passive limit may lie anywhere; an entry at market is judged by the price
    Case("LULD_BAND", "band", order(limit=50.0), A, {"price": 100.0, "high": 99.0}, before=told(Band(NOW, NOW, ACME, 95.0, 99.0))),
    Case("LULD_BAND", "band", order(10, -1), A, {"low": 101.0}, before=both(at("held", ACME, 10), told(Band(NOW, NOW, ACME, 101.0, 111.0)))),
    Case("STREAM_RECONCILING", "feed", A, A, {"connections": 1}, before=told(Link(NOW, NOW, "account", "up")),
         spoil=told(Link(NOW, NOW, "account", "reconciling"))),
    Case("STREAM_RECONCILING", "feed", order(10, -1), order(11, -1), {"connections": 2}, before=both(at("held", ACME, 10),
         told(Link(NOW, NOW, "account", "down"), Link(NOW, NOW, "market", "reconciling")))),
    Case("FEED_GAP", "feed", A, A, {"lost_ns": NOW, "marked_ns": NOW}, before=both(told(Gap(NOW, NOW - 1, ACME, "feed")), at("known", ACME, NOW)),
         spoil=told(Gap(NOW, NOW, ACME, "feed"))),
    Case("FEED_GAP", "feed", order(i=HARD), A, {"lost_ns": NOW}, before=told(Gap(NOW, NOW, ACME, "feed"))),
    Case("FEED_GAP", "feed", A, A, {"lost_ns": NOW}, before=told(Gap(NOW, NOW - 1, -1, "feed")), spoil=told(Gap(NOW, NOW, -1, "feed"))),
    Case("HALT_RESUMED", "after_halt", A, A, {"age_ns": 5 * SECOND - 1, "wait_ns": 5 * SECOND}, {"market_wait_ms": 5000},
         known(resumed={ACME: NOW - 5 * SECOND}), known(resumed={ACME: NOW - 5 * SECOND + 1})),
    Case("HALT_RESUMED", "after_halt", order(limit=100.0), A, {"age_ns": 0}, {"market_wait_ms": 5000}, known(resumed={ACME: NOW})),
    Case("HALT_RESUMED", "after_halt", order(i=HARD), order(type=Type.STOP, stop=101.0), {"age_ns": 0}, {"market_wait_ms": 5000},
        known(resumed={ACME: NOW})),
    Case("UPTICK_REQUIRED", "short", order(10, -1, limit=100.0), order(10, -1, limit=99.99), {"limit": 99.99, "bid": 99.99},
         before=told(Fact(NOW, NOW, "x", "ssr", 1.0, "", ACME))),
    Case("UPTICK_REQUIRED", "short", order(10, -1), order(11, -1), {"bid": 99.99},
         before=both(at("held", ACME, 10), told(Fact(NOW, NOW, "x", "ssr", 1.0, "", ACME)))),
    Case("UPTICK_REQUIRED", "short", order(10, -1), order(10, -1), {}, before=told(Fact(NOW, NOW, "x", "ssr", 1.0, "", HARD)),
         spoil=told(Fact(NOW, NOW, "x", "ssr", 1.0, "", ACME))),
    # 1 % of 5,000 shares a day is 50, whether a fact or the owner says so; of COIN's 7 a day it is 0.07, in lots of 0.001
    Case("MAX_PCT_ADV", "adv", order(50), order(51), {"units": 51, "daily_units": 5000, "limit_pct": 1}, {"max_pct": 1},
         before=told(Fact(NOW, NOW, "x", "adv", 5000.0, "", ACME))),
    Case("MAX_PCT_ADV", "adv", order(70, i=COIN), order(71, i=COIN), {"units": 0.071, "daily_units": 7.0}, {"max_pct": 1, "volumes": {"COIN": 7.0}}),
    Case("MAX_PCT_ADV", "adv", order(51), order(51), {"daily_units": 5000}, {"max_pct": 1}, spoil=told(Fact(NOW, NOW, "x", "adv", 5000.0, "", ACME))),
    Case("MAX_PCT_ADV", "adv", A, order(i=HARD), {"units": 10}, {"max_pct": 1, "required": True}, before=told(Fact(NOW, NOW, "x", "adv",
        5000.0, "", ACME))),
    # 25 % of 100,000: 250 shares in all; 100 of HARD are held and 40 more may be sold short of it at worst
    Case("MAX_SECTOR", "sector", order(250), order(251), {"sector_units": 25_100 * USD, "limit_units": 25_000 * USD, "limit_pct": 25},
         {"max_pct": 25, "of": {"ACME": "tools"}}),
    Case("MAX_SECTOR", "sector", order(110), order(111), {"sector_units": 25_100 * USD}, {"max_pct": 25, "of": {"ACME": "tools",
        "HARD": "tools", "BLOCK": "toys"}},
         both(at("held", HARD, 100), at("buys", HARD, 40), at("held", BLOCK, 900))),
    Case("MAX_SECTOR", "sector", order(50, i=BLOCK), order(251), {}, {"max_pct": 25, "of": {"ACME": "tools"}}, at("marks", BLOCK, 100.0)),
    Case("MAX_SECTOR", "sector", order(600, -1), order(601, -1), {"sector_units": 30_100 * USD}, {"max_pct": 25, "of": {"ACME": "tools"}},
        at("held", ACME, 300)),
    # one share in an order, for five minutes after arming
    Case("FIRST_MINUTES", "first_minutes", order(1), order(2), {"lots": 2, "limit_lots": 1, "age_ns": SECOND}, {"minutes": 5, "trim": False},
         known(armed=NOW - SECOND)),
    Case("FIRST_MINUTES", "first_minutes", A, A, {"age_ns": 5 * MINUTE - 1, "for_ns": 5 * MINUTE}, {"minutes": 5, "trim": False},
         known(armed=NOW - 5 * MINUTE), known(armed=NOW - 5 * MINUTE + 1)),
    Case("FIRST_MINUTES", "first_minutes", order(3), order(4), {"limit_units": 300 * USD}, {"minutes": 5, "max_units": None,
        "max_notional": 300, "trim": False},
         known(armed=NOW)),
    Case("FIRST_MINUTES", "first_minutes", order(10, -1), order(11, -1), {}, {"minutes": 5, "trim": False}, both(known(armed=NOW),
        at("held", ACME, 10))),
    # 2 % of 100,000
    Case(
        "DAILY_LOSS", "daily_loss", A, A,
        {"loss_units": 2_000 * USD + 1, "day_start_units": 100_000 * USD, "limit_units": 2_000 * USD, "limit_pct": 2}, {"max_pct": 2},
        put(equity=98_000 * USD), put(equity=98_000 * USD - 1),
    ),
    Case(
        "DRAWDOWN", "drawdown", A, A,
        {"drawdown_units": 10_000 * USD + 1, "peak_units": 100_000 * USD, "limit_units": 10_000 * USD, "limit_pct": 10}, {"max_pct": 10},
        put(equity=90_000 * USD), put(equity=90_000 * USD - 1),
    ),
    Case("CONSECUTIVE_LOSSES", "losing_streak", A, A, {"losses": 3, "limit": 3}, {"max_losses": 3}, lost(2), lost(1)),
    Case(
        "CONSECUTIVE_LOSSES", "losing_streak", order(shares=(Share("b", 10),)), order(10, shares=PAIR), {"losses": 3}, {"max_losses": 3}, lost(3)
    ),
    Case(
        "TRADES_PER_DAY", "trades_per_day", A, A, {"trades": 2, "limit": 2}, {"max_trades": 2}, sent((order(id=5), SECOND)),
        sent((order(id=6), SECOND)),
    ),
    Case(
        "TRADES_PER_DAY", "trades_per_day", order(shares=(Share("b", 10),)), order(10, shares=PAIR), {"trades": 1, "limit": 1},
        {"max_trades_per_strategy": 1}, sent((order(id=5), SECOND)),
    ),
    Case("TRADES_PER_DAY", "trades_per_day", order(10, -1), order(11, -1), {"trades": 0, "limit": 0}, {"max_trades": 0}, at("held", ACME, 10)),
    Case(
        "ORDER_RATE", "order_rate", A, A, {"limit": 2, "window_ns": SECOND}, {"per_second": 2},
        sent((order(1), SECOND), (order(2), 1)), sent((order(3), 0)),
    ),
    Case(
        "ORDER_RATE", "order_rate", A, A, {"limit": 2, "window_ns": MINUTE}, {"per_minute": 2},
        sent((order(1), MINUTE), (order(2), MINUTE - 1)), sent((order(3), 30 * SECOND)),
    ),
    Case("STRATEGY_RATE", "order_rate", A, A, {"orders": 2, "limit": 2, "window_ns": MINUTE}, {"per_minute_each": 2},
         sent((order(1), MINUTE), (order(2), 1), (order(3, shares=(Share("b", 3),)), 1)), sent((order(3), 0))),
    Case("STRATEGY_RATE", "order_rate", order(shares=(Share("b", 10),)), order(10, shares=PAIR), {"orders": 2}, {"per_minute_each": 2},
         sent((order(1), 1), (order(2), 1))),
    # of 4 requests a minute 1 is kept for cancels: 3 are for orders
    Case("REQUEST_RATE", "order_rate", A, A, {"requests": 3, "limit": 3}, {"requests_per_minute": 4, "kept_for_cancels": 1},
         both(sent((order(1), 2)), changed("b", MINUTE, 1)), changed("a", 0)),
    Case("CANCEL_RATIO", "order_rate", A, A, {"changes": 5, "orders": 2, "limit": 2.0}, {"cancels_per_order": 2, "cancels_from": 3},
         both(sent((order(1), 2), (order(2), 2)), changed("a", 9, 8, 7, 6)), changed("a", 0)),
    Case("CANCEL_RATIO", "order_rate", A, A, {"changes": 3, "orders": 0}, {"cancels_per_order": 2, "cancels_from": 3}, changed("a", 9, 8),
        changed("a", 7)),
    Case(
        "TRADE_INTERVAL", "interval", A, A, {"age_ns": 60 * SECOND - 1, "interval_ns": 60 * SECOND}, {"every_s": 60},
        sent((A, 60 * SECOND)), sent((A, 60 * SECOND - 1)),
    ),
    Case("TRADE_INTERVAL", "interval", order(i=HARD), A, {"age_ns": 5}, {"every_s": 60}, sent((A, 5))),
    Case(
        "DUPLICATE", "duplicate", A, A, {"age_ns": SECOND - 1, "lots": 10, "window_ns": SECOND},
        {"window_ms": 1000}, sent((A, SECOND)), sent((A, SECOND - 1)),
    ),
    Case("DUPLICATE", "duplicate", order(11), order(10), {"age_ns": 5}, {"window_ms": 1000}, sent((A, 5))),
    Case("DUPLICATE", "duplicate", LIMIT_101, A, {"age_ns": 5}, {"window_ms": 1000}, sent((A, 5))),
    Case("DUPLICATE", "duplicate", order(10, shares=(Share("b", 10),)), A, {"age_ns": 5}, {"window_ms": 1000}, sent((A, 5))),
    Case("DUPLICATE", "duplicate", order(10, -1), A, {"age_ns": 5}, {"window_ms": 1000}, sent((A, 5))),
    Case("DUPLICATE", "duplicate", order(10, i=HARD), A, {"age_ns": 5}, {"window_ms": 1000}, sent((A, 5))),
    Case("SELF_CROSS", "self_cross", order(limit=100.99), LIMIT_101, {"own_limit": 101.0, "reach": 101.0}, before=put(best=101.0)),
    Case("SELF_CROSS", "self_cross", order(10, -1, limit=99.01), order(10, -1, limit=99.0), {"own_limit": 99.0}, before=put(best=99.0)),
    Case("SELF_CROSS", "self_cross", A, A, {"own_limit": 100.01, "reach": 100.01}, before=put(best=100.02), spoil=put(best=100.01)),
    Case("SELF_CROSS", "self_cross", order(10, -1), order(10, -1), {"reach": 99.99}, before=put(best=99.98), spoil=put(best=99.99)),
    Case(
        "SELF_CROSS", "self_cross", A, A, {"reach": 100.0}, before=both(put(best=100.01), at("asks", ACME, NAN)), spoil=put(best=100.0),
    ),
    Case("SELF_CROSS", "self_cross", order(type=Type.STOP, stop=105.0), A, {"own_limit": 99.0}, before=put(best=99.0)),
    Case("NOT_SHORTABLE", "short", order(10, -1, i=HARD), order(11, -1, i=HARD), {"lots": 11, "sellable_lots": 10}, before=at("held", HARD, 10)),
    Case("NOT_SHORTABLE", "short", A, order(10, -1, i=HARD), {"lots": 10, "sellable_lots": 0}, before=at("held", HARD, -5)),
    Case("NOT_SHORTABLE", "short", order(10, -1), order(11, -1), {"sellable_lots": 10}, {"allow": False}, at("held", ACME, 10)),
    Case(
        "NAKED_OPTION", "cover", order(1, -1, i=CALL), order(2, -1, i=CALL), {"needed_lots": 200, "held_lots": 199},
        before=both(FakeView.list_options, at("held", ACME, 199)),
    ),
    Case(
        "NAKED_OPTION", "cover", order(1, -1, i=CALL), order(1, -1, i=CALL), {"needed_lots": 100, "held_lots": 99},
        before=both(FakeView.list_options, at("held", ACME, 199)), spoil=at("sells", ACME, 100),
    ),
    Case(
        "NAKED_OPTION", "cover", order(99, -1), order(100, -1), {"needed_lots": 100, "held_lots": 99},
        before=both(FakeView.list_options, at("held", ACME, 199), at("held", CALL, -1)),
    ),
    Case(
        "CASH_SECURED", "cover", order(10, -1, i=PUT), order(11, -1, i=PUT), {"needed_units": 110_000 * USD, "free_units": 100_000 * USD},
        before=FakeView.list_options,
    ),
    Case(
        "CASH_SECURED", "cover", order(100), order(101), {"needed_units": 90_000 * USD, "free_units": 89_900 * USD},
        before=both(FakeView.list_options, at("held", PUT, -9)),
    ),
    Case(
        "PROTECTION_REQUIRED", "protection", A, A, {"default_stop_pct": 2.0, "default_stop": 98.0, "price": 100.0}, {"required": True},
        legs=(BRACKET,), bad_legs=(),
    ),
    Case("PROTECTION_REQUIRED", "protection", A, A, {}, {"required": True}, legs=(BRACKET,), bad_legs=(stop_leg(A, 98.0, lots=9, shares=()),)),
    Case("PROTECTION_REQUIRED", "protection", A, A, {}, {"required": True}, legs=(stop_leg(A, 99.99),), bad_legs=(stop_leg(A, 100.0),)),
    Case(
        "PROTECTION_REQUIRED", "protection", A, A, {}, {"required": True}, legs=(stop_leg(A, NAN, type=Type.TRAILING, trail=1.0),),
        bad_legs=(stop_leg(A, NAN, type=Type.LIMIT, limit=110.0, tag="take"),),
    ),
    Case(
        "PROTECTION_REQUIRED", "protection", A, order(10, -1), {"default_stop": 102.0}, {"required": True}, legs=(BRACKET,),
        bad_legs=(stop_leg(order(10, -1), 98.0),),
    ),
    Case("PROTECTION_REQUIRED", "protection", A, A, {}, {"required": True}, put(guarded={ACME}), put(guarded=set())),
    # 5 % of 100,000 is 5,000 USD: 50 shares
    Case(
        "MAX_POSITION", "position", order(50), order(51), {"worst_lots": 0, "order_lots": 51, "worst_units": 5_100 * USD, "limit_units": 5_000 * USD},
        {"max_pct": 5, "trim": False},
    ),
    Case(
        "MAX_POSITION", "position", order(10), order(11), {"worst_lots": 40, "worst_units": 5_100 * USD}, {"max_pct": 5, "trim": False},
        both(at("held", ACME, 30), at("buys", ACME, 10)),
    ),
    Case(
        "MAX_POSITION", "position", order(80, -1), order(81, -1), {"worst_lots": -30, "worst_units": 5_100 * USD}, {"max_pct": 5, "trim": False},
        at("held", ACME, 30),
    ),
    # a buy below the market is weighed at the market
    Case("MAX_POSITION", "position", order(50, limit=50.0), order(51, limit=50.0), {"worst_units": 5_100 * USD}, {"max_pct": 5, "trim": False}),
    Case(
        "MAX_POSITION", "position", order(7), order(8), {"worst_lots": 3, "order_lots": 8, "limit_lots": 10},
        {"max_lots": 10, "trim": False}, at("held", ACME, 3),
    ),
    Case("MAX_POSITION", "position", order(49), order(50), {"limit_lots": 49}, {"max_pct": 5, "max_lots": 49, "trim": False}),
    # nothing fits into a full position, whatever trim says
    Case("MAX_POSITION", "position", order(50, -1), order(1), {"worst_lots": 50}, {"max_pct": 5}, at("held", ACME, 50)),
    Case(
        "MAX_GROSS", "exposure", order(10), order(11), {"gross_units": 10_100 * USD, "added_units": 1_100 * USD, "limit_units": 10_000 * USD},
        {"max_gross": 10_000}, put(gross=9_000 * USD),
    ),
    # held 10, sold 20: the worst is 10 on either side, so a sale of 5 adds 5
    Case(
        "MAX_GROSS", "exposure", order(5, -1), order(6, -1), {"added_units": 600 * USD}, {"max_gross": 10_000},
        both(put(gross=9_500 * USD), at("held", ACME, 10), at("sells", ACME, 20)),
    ),
    Case("MAX_GROSS", "exposure", order(100, limit=90.0), order(101, limit=90.0), {"added_units": 10_100 * USD}, {"max_gross": 10_000}),
    Case(
        "MAX_NET", "exposure", order(10), order(11), {"net_units": 10_100 * USD, "before_units": 9_000 * USD, "limit_units": 10_000 * USD},
        {"max_net": 10_000}, put(net=9_000 * USD),
    ),
    Case("MAX_NET", "exposure", order(10, -1), order(11, -1), {"net_units": -10_100 * USD}, {"max_net": 10_000}, put(net=-9_000 * USD)),
    # above the limit, only what brings net nearer to zero passes
    Case("MAX_NET", "exposure", order(10, -1), order(1), {"net_units": 20_100 * USD}, {"max_net": 10_000}, put(net=20_000 * USD)),
    Case(
        "MAX_LEVERAGE", "exposure", order(1000), order(1001), {"gross_units": 200_100 * USD, "equity_units": 100_000 * USD, "limit": 2},
        {"max_leverage": 2}, put(gross=100_000 * USD),
    ),
    # 95 % of 100,000 is 95,000 USD: 950 shares
    Case(
        "BUYING_POWER", "buying_power", order(950), order(951),
        {"needed_units": 95_100 * USD, "limit_units": 95_000 * USD, "buying_power_units": 100_000 * USD, "use_pct": 95}, {"use_pct": 95},
    ),
    # covering 40 costs nothing, the rest must be paid
    Case("BUYING_POWER", "buying_power", order(990), order(991), {"needed_units": 95_100 * USD}, {"use_pct": 95}, at("held", ACME, -40)),
    Case(
        "BUYING_POWER", "buying_power", order(40, -1), order(41, -1), {"needed_units": 100 * USD},
        {"use_pct": 95}, both(at("held", ACME, 40), put(buying_power=0)),
    ),
    # its own book, in base units: equity, power, budget, greatest loss
    Case(
        "BUDGET", "budget", order(95), order(96), {"needed_units": 9_600 * USD, "limit_units": 9_500 * USD, "power_units": 10_000 * USD},
        {"use_pct": 95}, put(owned=Own(10_000 * USD, 10_000 * USD, 10_000 * USD, 0)),
    ),
    Case(
        "BUDGET_LOSS", "budget", A, A, {"loss_units": 500 * USD, "limit_units": 500 * USD, "budget_units": 10_000 * USD}, {},
        put(owned=Own(9_500 * USD + 1, 9_500 * USD, 10_000 * USD, 500 * USD)),
        put(owned=Own(9_500 * USD, 9_500 * USD, 10_000 * USD, 500 * USD)),
    ),
]  # fmt: skip

UNVALUED = [("order_size", {"max_notional": 1}, "MAX_ORDER_NOTIONAL"), ("position", {"max_pct": 5}, "MAX_POSITION")]
UNVALUED += [("exposure", {"max_gross": 1}, "MAX_GROSS"), ("exposure", {"max_net": 1}, "MAX_NET")]
UNVALUED += [("sector", {"max_pct": 25, "of": {"EURO": "abroad"}}, "MAX_SECTOR")]
UNVALUED += [("exposure", {"max_leverage": 1}, "MAX_LEVERAGE"), ("buying_power", {"use_pct": 95}, "BUYING_POWER")]


def gate(case: Case, without: str = "") -> RiskGate:
    made = rules("lab", {case.rule: case.settings})
    return RiskGate(rule for name, rule in zip(SHELF, made, strict=True) if name != without)


def names(cases: list[Case]) -> list[str]:
    return [f"{case.code}-{place}" for place, case in enumerate(cases)]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_at_the_limit_allowed_one_unit_beyond_denied(case: Case):
    view = FakeView()
    case.before(view)
    fine = gate(case).admit(case.fine, case.legs, view)
    assert fine.refused is None
    assert fine.trimmed is None
    assert fine.approved is not None
    assert fine.approved.order is case.fine
    assert fine.approved.legs == case.legs

    case.spoil(view)
    legs = case.legs if case.bad_legs is None else case.bad_legs
    bad = gate(case).admit(case.bad, legs, view)
    assert bad.approved is None
    assert bad.trimmed is None
    assert bad.refused is not None
    assert bad.refused.code == case.code
    assert {key: bad.refused.numbers[key] for key in case.numbers} == pytest.approx(case.numbers)
    assert bad.refused.text


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_without_its_rule_the_order_passes(case: Case):
    view = FakeView()
    case.before(view)
    case.spoil(view)
    legs = case.legs if case.bad_legs is None else case.bad_legs
    verdict = gate(case, without=case.rule).admit(case.bad, legs, view)
    assert verdict.refused is None
    assert verdict.approved is not None


def test_every_code_of_every_rule_has_a_case():
    every = {(name, code) for name, (make, _) in SHELF.items() for code in make.codes}  # type: ignore[attr-defined]
    assert every == {(case.rule, case.code) for case in CASES}
    assert len(SHELF) == 31
    assert len({code for _, code in every}) == 53
    for make, _ in SHELF.values():
        assert make.code in make.codes  # type: ignore[attr-defined]


@pytest.mark.parametrize(("rule", "settings", "code"), UNVALUED)
def test_a_limit_in_money_refuses_an_entry_that_cannot_be_valued(rule: str, settings: dict[str, Any], code: str):
    view = FakeView()
    view.rates = {}
    made = dict(zip(SHELF, rules("lab", {rule: settings}), strict=True))
    verdict = RiskGate([made[rule]]).admit(order(i=EURO), (), view)
    assert verdict.refused is not None
    assert verdict.refused.code == code
    view.held[EURO] = 10
    assert RiskGate([made[rule]]).admit(order(10, -1, i=EURO), (), view).approved is not None


TRIMS = [
    ("position", {"max_pct": 5}, order(80), 50, {"worst_units": 8_000 * USD, "limit_units": 5_000 * USD}),
    ("position", {"max_lots": 30}, order(80), 30, {"limit_lots": 30}),
    ("position", {"max_pct": 5}, order(80, limit=101.0), 49, {"limit_units": 5_000 * USD}),
    ("order_size", {"max_lots": 30, "trim": True}, order(80), 30, {"limit_lots": 30}),
    ("order_size", {"max_notional": 3_333, "trim": True}, order(80), 33, {"notional_units": 8_000 * USD}),
    ("buying_power", {"use_pct": 95, "trim": True}, order(2000), 950, {"needed_units": 200_000 * USD}),
    ("first_minutes", {"minutes": 5}, order(80), 1, {"limit_lots": 1}),
    ("first_minutes", {"minutes": 5, "max_units": None, "max_notional": 250}, order(80), 2, {"limit_units": 250 * USD}),
    ("first_minutes", {"minutes": 5, "max_units": 7, "max_notional": 250}, order(80), 2, {"limit_lots": 7}),
    ("probe", {}, order(80), 5, {"limit_units": 500 * USD}),
    ("probe", {"max_pct": 0.0001}, order(80), 1, {"limit_units": 100_000}),
]


@pytest.mark.parametrize(("rule", "settings", "asked", "fits", "numbers"), TRIMS)
def test_what_fits_is_sent(rule: str, settings: dict[str, Any], asked: Order, fits: int, numbers: dict[str, float]):
    view = FakeView()
    view.level = -1 if rule == "probe" else 0
    view.conditions.armed = NOW if rule == "first_minutes" else -1
    verdict = RiskGate(rules("lab", {rule: settings})).admit(asked, (), view)
    assert verdict.trimmed is not None
    assert verdict.approved is not None
    assert (verdict.trimmed.asked, verdict.trimmed.lots, verdict.approved.order.lots) == (asked.lots, fits, fits)
    assert verdict.approved.order.shares == (Share("a", fits),)
    assert {key: verdict.trimmed.numbers[key] for key in numbers} == numbers


def test_a_short_covered_and_turned_is_trimmed_to_what_can_be_paid():
    view = FakeView()
    view.held[ACME] = -40
    view.buying_power = 0
    verdict = RiskGate(rules("lab", {"buying_power": {"use_pct": 95, "trim": True}})).admit(order(100), (), view)
    assert verdict.approved is not None
    assert verdict.approved.order.lots == 40
    assert verdict.exit is True


def test_trimming_to_nothing_is_a_refusal():
    view = FakeView()
    view.buying_power = 99 * USD
    verdict = RiskGate(rules("lab", {"buying_power": {"use_pct": 100, "trim": True}})).admit(order(10), (), view)
    assert verdict.refused is not None
    assert verdict.refused.code == "BUYING_POWER"


def test_an_exit_at_market_needs_no_reference_but_a_collared_limit_does():
    view = FakeView()
    view.held[ACME] = 10
    view.marks[ACME] = NAN
    collared = RiskGate(rules("lab", {"collar": {"max_pct": 3, "market_age_ms": 1}}))
    assert collared.admit(order(10, -1), (), view).approved is not None
    refused = collared.admit(order(10, -1, limit=100.0), (), view).refused
    assert refused is not None
    assert refused.code == "NO_REFERENCE"


def test_a_day_that_began_below_zero_refuses_and_a_gain_never_does():
    view = FakeView()
    daily = RiskGate(rules("lab", {"daily_loss": {"max_pct": 2}, "drawdown": {"max_pct": 2}}))
    view.day_start = -10 * USD
    view.peak = view.equity = -11 * USD
    refused = daily.admit(order(), (), view).refused
    assert refused is not None
    assert (refused.code, refused.numbers["limit_units"]) == ("DAILY_LOSS", 0)
    view.equity = view.peak = 200_000 * USD
    assert daily.admit(order(), (), view).approved is not None


def test_a_stop_far_away_is_no_self_cross_and_prevention_can_be_left_to_the_venue():
    view = FakeView()
    view.best = 99.0
    off = RiskGate(rules("lab", {"self_cross": {"prevent": False}}))
    assert off.admit(order(), (), view).approved is not None
    for name, rule in zip(SHELF, rules("lab", {"self_cross": {"prevent": False}}), strict=True):
        if name in ("self_cross", "protection"):
            assert rule.check(order(), (), False, view) is None


def test_window_of_a_duplicate_is_per_instrument():
    view = FakeView()
    dup = RiskGate(rules("lab", {"duplicate": {"window_ms": 1000}}))
    view.counters.on_order(order(), NOW - 900 * MS)
    view.counters.on_order(order(i=HARD), NOW - 100 * MS)
    refused = dup.admit(order(), (), view).refused
    assert refused is not None
    assert refused.numbers["age_ns"] == 900 * MS


def test_no_price_is_too_odd_to_be_refused_politely():
    view = FakeView()
    alone = RiskGate(rules("lab")[1:2])
    for price in (1e18, float("inf"), -1.0, 1e-300, -float("inf")):
        for kind in (Type.LIMIT, Type.STOP_LIMIT):
            refused = alone.admit(order(type=kind, limit=price, stop=price), (), view).refused
            assert refused is not None
            assert refused.code == "PRICE_TICK"


def test_a_probe_that_cannot_be_valued_is_one_lot():
    view = FakeView()
    view.level = -1
    view.rates = {}
    alone = RiskGate([dict(zip(SHELF, rules("lab"), strict=True))["probe"]])
    assert alone.admit(order(1, i=EURO), (), view).approved is not None
    refused = alone.admit(order(2, i=EURO), (), view).refused
    assert refused is not None
    assert refused.code == "PROBE_SIZE"


def test_a_held_position_without_any_price_takes_no_more():
    view = FakeView()
    view.held[ACME] = 5
    view.marks[ACME] = NAN
    alone = RiskGate([dict(zip(SHELF, rules("lab", {"position": {"max_pct": 5}}), strict=True))["position"]])
    refused = alone.admit(order(), (), view).refused
    assert refused is not None
    assert refused.code == "MAX_POSITION"


def test_a_position_is_filled_up_to_its_limit_from_either_side():
    # 50 shares are 5 %: holding 20 there is room for 30; short of 20, for 70; a sale from 20 may go to -50
    room = RiskGate(rules("lab", {"position": {"max_pct": 5}}))
    for held, side, fits in ((20, 1, 30), (-20, 1, 70), (20, -1, 70), (-20, -1, 30)):
        view = FakeView()
        view.held[ACME] = held
        approved = room.admit(order(500, side), (), view).approved
        assert approved is not None
        assert approved.order.lots == fits


def test_the_house_has_no_budget():
    view = FakeView()
    view.owned = Own(0, 0, 10 * USD, 5 * USD)
    spent = RiskGate(rules("lab", {"budget": {"use_pct": 95}}))
    assert spent.admit(order(shares=(Share("", 10),)), (), view).approved is not None
    refused = spent.admit(order(), (), view).refused
    assert refused is not None
    assert refused.code == "BUDGET_LOSS"


def test_an_order_older_than_the_window_is_not_even_looked_for():
    view = FakeView()
    view.counters.on_order(order(), NOW - SECOND)
    view.counters.recent.clear()
    view.counters.recent.append((NOW, order()))  # it would be found, if it were looked for
    assert RiskGate(rules("lab", {"duplicate": {"window_ms": 1000}})).admit(order(), (), view).approved is not None


def test_the_window_ends_the_search():
    view = FakeView()
    view.counters.on_order(order(), NOW - 2 * SECOND)
    view.counters.on_order(order(11), NOW - 100 * MS)
    assert RiskGate(rules("lab", {"duplicate": {"window_ms": 1000}})).admit(order(), (), view).approved is not None


def test_gaps_and_connections_can_be_left_out():
    view = FakeView()
    view.conditions.gap(Gap(NOW, NOW, ACME, "feed"))
    assert RiskGate(rules("lab", {"feed": {"gaps": False}})).admit(order(), (), view).approved is not None
    view.conditions.link(Link(NOW, NOW, "account", "down"))
    assert RiskGate(rules("lab", {"feed": {"gaps": False, "links": False}})).admit(order(), (), view).approved is not None
    refused = RiskGate(rules("lab", {"feed": {"gaps": False}})).admit(order(), (), view).refused
    assert refused is not None
    assert refused.code == "STREAM_RECONCILING"


def test_in_the_first_minutes_what_cannot_be_valued_is_refused_where_money_is_the_limit():
    view = FakeView()
    view.conditions.armed = NOW
    view.rates = {}
    alone = RiskGate([dict(zip(SHELF, rules("lab", {"first_minutes": {"minutes": 5, "max_notional": 10}}), strict=True))["first_minutes"]])
    refused = alone.admit(order(1, i=EURO), (), view).refused
    assert refused is not None
    assert refused.code == "FIRST_MINUTES"


def test_a_sector_of_which_one_has_no_price_takes_no_more():
    view = FakeView()
    view.held[HARD] = 5
    view.marks[HARD] = NAN
    made = rules("lab", {"sector": {"max_pct": 25, "of": {"ACME": "tools", "HARD": "tools", "COIN": "tools"}}})
    refused = RiskGate(made).admit(order(1), (), view).refused
    assert refused is not None
    assert refused.code == "MAX_SECTOR"
