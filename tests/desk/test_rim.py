"""The parts of the rim by themselves: time, sessions, longer bars, the order of what goes out, what may change; by hand-counted tables."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core import points
from argosy.core.effects import Amend, Cancel, Submit
from argosy.core.errors import Misconfigured, Retry
from argosy.core.events import Bar, Reply, Session
from argosy.core.orders import BUY, SELL, Approved, Order, Type
from argosy.core.time import DAY, HOUR, MINUTE, NEVER, SECOND, parse
from argosy.data.calendars import session_events
from argosy.desk.bars import GRACE, Bars
from argosy.desk.clock import Clock
from argosy.desk.log import Log
from argosy.desk.perform import Perform
from argosy.desk.reload import changed
from argosy.desk.serve import crash_points
from argosy.desk.sessions import Day, Sessions, scheduled
from argosy.house import Terms, Wanted
from argosy.kernels.indicators import sma
from argosy.kernels.indicators.higher import fold_loop, origin
from argosy.net.secret import Secret
from argosy.settings import DeskSettings, load

# -- time ---------------------------------------------------------------------------------------------------------------------


def test_a_wall_that_jumps_moves_nothing_and_time_never_runs_back() -> None:
    wall, mono = [1_000 * SECOND], [50 * SECOND]
    clock = Clock(wall=lambda: wall[0], monotonic=lambda: mono[0])
    mono[0] += SECOND
    wall[0] -= HOUR
    assert clock.now() == 1_001 * SECOND
    assert clock.drift_ns == -HOUR - SECOND
    assert clock.heard(1_003 * SECOND, 50 * SECOND, 52 * SECOND) == 2 * SECOND  # the middle was 1001
    assert clock.now() == 1_001 * SECOND  # a measured offset moves nothing by itself
    assert clock.seconds_to(1_001 * SECOND + SECOND // 2) == 0.5 and clock.seconds_to(5) == 0.0


def test_an_exchange_of_our_own_is_followed_into_another_year_and_at_its_speed() -> None:
    mono = [0]
    clock = Clock(speed=60.0, wall=lambda: 2_000 * DAY, monotonic=lambda: mono[0])
    clock.now()
    clock.heard(100 * DAY, 0, 0)
    clock.follow()
    assert clock.now() == 100 * DAY
    mono[0] += SECOND
    assert clock.now() == 100 * DAY + MINUTE
    assert clock.seconds_to(clock.now() + MINUTE) == 1.0
    clock.heard(100 * DAY, SECOND, SECOND)  # it waited for us: here time stands until it has caught up
    clock.follow()
    assert clock.now() == 100 * DAY + MINUTE
    clock.heard(101 * DAY, SECOND, SECOND)  # it left out a night
    clock.follow()
    assert clock.now() == 101 * DAY


# -- sessions -----------------------------------------------------------------------------------------------------------------


def test_a_half_day_ends_at_one_and_the_next_session_is_mondays() -> None:
    before = parse("2026-11-27T14:00:00Z")  # the Friday after Thanksgiving, half an hour before the open
    sessions = Sessions({"XNYS": scheduled("XNYS", before), "24/7": []})
    (first,) = sessions.begin(before)
    assert (first.open, first.day) == (False, 20261125) and sessions.due == parse("2026-11-27T14:30:00Z")
    assert sessions.take(before) == []
    opened = parse("2026-11-27T14:30:00Z")
    assert [(e.open, e.day, e.closes) for e in sessions.take(opened)] == [(True, 20261127, parse("2026-11-27T18:00:00Z"))]
    assert sessions.due == parse("2026-11-27T18:00:00Z")
    assert sessions.take(opened + HOUR) == []
    late = parse("2026-11-27T18:00:00.1Z")
    (closed,) = sessions.take(late)
    assert (closed.open, closed.ts, closed.known) == (False, parse("2026-11-27T18:00:00Z"), late)
    assert sessions.due == parse("2026-11-30T14:30:00Z")
    slept = parse("2026-12-01T15:00:00Z")  # the machine slept over a whole session
    (event,) = sessions.take(slept)
    assert (event.open, event.day) == (True, 20261201)


def test_begun_inside_a_session_it_is_open_and_more_days_can_be_told() -> None:
    inside = parse("2026-11-27T15:00:00Z")
    sessions = Sessions({"XNYS": scheduled("XNYS", inside, 2)})
    (event,) = sessions.begin(inside)
    assert (event.open, event.day, event.ts) == (True, 20261127, parse("2026-11-27T14:30:00Z"))
    assert sessions.known_until == parse("2026-11-27T18:00:00Z")
    sessions.extend("XNYS", scheduled("XNYS", inside, 5))
    assert sessions.known_until > parse("2026-11-30T18:00:00Z")
    assert sessions.due == parse("2026-11-27T18:00:00Z")
    past = sessions.past(inside, 30)
    assert past[-1] == Day(parse("2026-11-27T14:30:00Z"), parse("2026-11-27T18:00:00Z"), 20261127) and past[-2].day == 20261125
    assert past[0].day <= 20261030 and len(past) == len({day.day for day in past})
    nowhere = Sessions({})
    assert nowhere.begin(inside) == [] and nowhere.due == NEVER == nowhere.known_until


# -- longer bars --------------------------------------------------------------------------------------------------------------


def minute(at: int, close: float = 100.0, i: int = 0, volume: float = 10.0) -> Bar:
    return Bar(at * MINUTE, (at + 1) * MINUTE + 7, i, close - 1, close + 1, close - 2, close, volume, MINUTE)


def test_five_minutes_are_one_bar_at_their_end_and_not_before() -> None:
    bars = Bars({0: (MINUTE, 5 * MINUTE), 1: (MINUTE,)}, ["24/7", "24/7"], MINUTE)
    for k in range(4):
        assert bars.add(minute(10 + k, 100.0 + k)) == [minute(10 + k, 100.0 + k)]
    one, five = bars.add(minute(14, 90.0))
    assert one == minute(14, 90.0)
    assert five == Bar(10 * MINUTE, 15 * MINUTE + 7, 0, 99.0, 104.0, 88.0, 90.0, 50.0, 5 * MINUTE)
    assert bars.add(minute(14, 91.0)) == [] and bars.add(minute(12, 91.0)) == []  # told again, or late
    assert bars.add(minute(14, 7.0, 1)) == [minute(14, 7.0, 1)] and bars.add(minute(14, 7.0, 2)) == []


def test_a_bar_whose_last_minute_saw_no_trade_is_given_on_after_a_while() -> None:
    bars = Bars({0: (5 * MINUTE,)}, ["24/7"], MINUTE)
    assert bars.add(minute(10)) == bars.add(minute(11)) == []
    assert bars.due(15 * MINUTE + GRACE - 1) == []
    (five,) = bars.due(15 * MINUTE + GRACE)
    assert (five.ts, five.known, five.volume) == (10 * MINUTE, 15 * MINUTE + GRACE, 20.0)
    assert bars.due(NEVER - 1) == []
    assert bars.add(minute(13)) == []  # it came after its bar was shown: the bar is not changed, nor told again
    assert bars.add(minute(16)) == []
    (gone,) = bars.add(minute(31))  # a later bucket ends the one before
    assert (gone.ts, gone.volume, gone.known) == (15 * MINUTE, 10.0, 32 * MINUTE + 7)


def test_a_day_is_a_session_half_days_too() -> None:
    friday = next(event for event in session_events("XNYS", "2026-11-27", "2026-11-28") if event.open)
    opens, closes = friday.ts, friday.closes
    bars = Bars({0: (DAY,)}, ["XNYS"], MINUTE)

    def at(offset: int, price: float) -> Bar:
        start = opens + offset * MINUTE
        return Bar(start, start + MINUTE, 0, price, price + 1, price - 1, price, 5.0, MINUTE)

    assert bars.add(at(-10, 999.0)) == []  # before the open
    assert bars.session(friday, opens) == []
    assert bars.add(at(0, 100.0)) == bars.add(at(100, 110.0)) == bars.add(at(150, 90.0)) == []
    ends = Session(closes, closes + 50, "XNYS", False, friday.day, closes)
    (day,) = bars.session(ends, closes)
    assert day == Bar(opens, closes + 50, 0, 100.0, 111.0, 89.0, 90.0, 15.0, closes - opens)
    assert closes - opens == 3 * HOUR + 30 * MINUTE
    assert bars.add(at(215, 999.0)) == [] and bars.session(ends, closes) == []
    bars.session(friday, opens)  # told twice
    assert bars.session(ends, closes) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.floats(1, 1000), st.floats(0, 9)), min_size=5, max_size=120), st.sampled_from(["5m", "15m", "1h"]))
def test_longer_bars_are_those_of_the_past(rows: list[tuple[int, float, float]], every: str) -> None:
    """Minute by minute they are what the kernel of higher timeframes makes of all of them at once."""
    ns = {"5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR}[every]
    at, past = 0, []
    for gap, price, wide in rows:
        at += gap
        past.append(Bar(at * MINUTE, (at + 1) * MINUTE, 0, price, price + wide, price - wide, price + wide / 2, 1.0 + wide, MINUTE))
    bars = Bars({0: (ns,)}, ["24/7"], MINUTE)
    told = [bar for one in past for bar in bars.add(one)]
    columns = [np.array([getattr(bar, name) for bar in past]) for name in ("open", "high", "low", "close", "volume")]
    made, places = np.empty((5, 2 * len(past))), np.empty(2 * len(past), np.int64)
    ts, span = np.array([bar.ts for bar in past]), np.full(len(past), MINUTE)
    count = fold_loop.py(np.zeros(2, np.int64), np.zeros(10), ns, origin(ns), np.ones(len(past), bool), *columns, ts, span, made, places)
    assert [(b.open, b.high, b.low, b.close, b.volume) for b in told] == [tuple(made[:, k]) for k in range(count)]
    assert [b.known for b in told] == [past[place].known for place in places[:count]]
    assert all(b.ts % ns == 0 and b.known >= b.ts + ns for b in told)
    stream = sma(1, every=every).stream()
    seen = [stream.update(b.open, b.high, b.low, b.close, b.volume, b.ts, b.span) for b in past]
    if told:
        assert seen[-1] == told[-1].close


# -- what goes out ------------------------------------------------------------------------------------------------------------


class Slow:
    """A venue that answers when it is told to; `asked` is what reached it, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.raises: set[int] = set()

    async def _do(self, verb: Any, order: int) -> Reply:
        self.asked.append((verb, order))
        if order in self.gates:
            await self.gates[order].wait()
        if order in self.raises:
            raise Retry("VENUE_SILENT", "it went away")
        return Reply(1, 1, order, verb, "accepted")

    async def submit(self, approved: Approved) -> Reply:
        return await self._do("submit", approved.order.id)

    async def cancel(self, effect: Cancel) -> Reply:
        return await self._do("cancel", effect.order)

    async def amend(self, effect: Amend) -> Reply:
        return await self._do("amend", effect.order)


def hands(venue: Any) -> tuple[Perform, list[Reply], list[Any]]:
    heard: list[Reply] = []
    rare: list[Any] = []
    return Perform(venue, heard.append, lambda: 9, timer=rare.append, alarm=rare.append, note=rare.append), heard, rare  # type: ignore[arg-type]


def order(number: int, i: int = 0, side: int = BUY, **more: Any) -> Submit:
    return Submit(Approved(Order(number, i, side, 5, **more)))


def test_orders_of_one_instrument_keep_their_turn_and_a_cancel_waits_for_its_own_alone() -> None:
    async def life() -> None:
        venue = Slow()
        venue.gates = {4: asyncio.Event(), 8: asyncio.Event()}
        perform, heard, _ = hands(venue)
        perform([order(4), order(8), order(12, 1), Cancel(12), Amend(8, lots=3), Cancel(4)])
        await asyncio.sleep(0.01)
        assert venue.asked == [("submit", 4), ("submit", 12), ("cancel", 12)]  # 8 and its amendment stand behind 4, and so does 4's cancel
        perform([Cancel(99)])  # of before a restart: nothing to wait for
        await asyncio.sleep(0.01)
        assert venue.asked[-1] == ("cancel", 99)
        venue.gates[4].set()
        await asyncio.sleep(0.01)
        assert venue.asked[4:] == [("submit", 8), ("cancel", 4)] or venue.asked[4:] == [("cancel", 4), ("submit", 8)]
        assert not await perform.idle(0.05)
        venue.gates[8].set()
        assert await perform.idle(1.0) and perform.busy == 0
        assert venue.asked[-1] == ("amend", 8)
        assert sorted((reply.order, reply.verb) for reply in heard) == [
            (4, "cancel"), (4, "submit"), (8, "amend"), (8, "submit"), (12, "cancel"), (12, "submit"), (99, "cancel"),
        ]  # fmt: skip
        assert perform.begun(4) == 9 and perform.begun(99) == 0

    asyncio.run(life())


def test_a_venue_that_raises_leaves_the_order_unknown_and_the_next_one_goes() -> None:
    async def life() -> None:
        venue = Slow()
        venue.raises = {4}
        perform, heard, _ = hands(venue)
        perform([order(4), order(8)])
        await perform.idle(1.0)
        assert [(r.order, r.outcome, r.code) for r in heard] == [(4, "ambiguous", "VENUE_SILENT"), (8, "accepted", "")]

    asyncio.run(life())


def test_a_target_and_a_stop_that_end_each_other_go_out_as_one_where_there_is_such_a_thing() -> None:
    take = order(4, side=SELL, type=Type.LIMIT, limit=9.0, tag="take", group=4)
    stop = order(8, side=SELL, type=Type.STOP, stop=5.0, tag="stop", group=4)
    lone = order(12, side=SELL, type=Type.STOP, stop=5.0, tag="stop", group=12)

    async def life() -> None:
        plain = Slow()
        perform, _, _ = hands(plain)
        perform([stop, take, lone])
        await perform.idle(1.0)
        assert sorted(number for _, number in plain.asked) == [4, 8, 12]

        class Pairs(Slow):
            async def submit_pair(self, one: Approved, other: Approved) -> list[Reply]:
                self.asked.append(("pair", one.order.id))
                return [Reply(1, 1, each.order.id, "submit", "accepted") for each in (one, other)]

        venue = Pairs()
        perform, heard, _ = hands(venue)
        perform([stop, lone, take])
        await perform.idle(1.0)
        assert sorted(venue.asked) == [("pair", 4), ("submit", 12)] and {reply.order for reply in heard} == {4, 8, 12}

    asyncio.run(life())


# -- what may change, what is told --------------------------------------------------------------------------------------------


def test_only_what_may_change_is_taken_while_it_runs() -> None:
    one = Wanted("trend", "trend", {"fast": 5})
    before = (Terms(), DeskSettings(mode="sim"), (one,))
    assert changed(before, before) == []
    assert changed(before, (Terms(limits={"position": {"max_pct": 9.0}}), DeskSettings(mode="sim", orders_s=9.0, log_level="debug"), (one,))) == [
        "desk.log_level", "desk.orders_s", "risk",
    ]  # fmt: skip
    for after, named in (
        ((Terms(), DeskSettings(mode="paper"), (one,)), "desk.mode"),
        ((Terms(), DeskSettings(account="PA1"), (one,)), "desk.account"),
        ((Terms(), DeskSettings(), (Wanted("trend", "trend", {"fast": 6}),)), "strategies"),
        ((Terms(), DeskSettings(), ()), "strategies"),
        ((Terms(currency="EUR", limits={"position": {"max_pct": 9.0}}), DeskSettings(orders_s=9.0), (one,)), "terms.currency"),
    ):
        with pytest.raises(Misconfigured, match="RELOAD_REFUSED") as caught:
            changed(before, after)
        assert named in caught.value.what


def test_names_that_users_know_set_the_desk_and_ours_beat_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (("TRADING_MODE", "paper"), ("LIVE_TRADING_ENABLED", "true"), ("LIVE_CONFIRM", "PA12"), ("ALPACA_BASE_URL", "http://127.0.0.1:1")):
        monkeypatch.setenv(name, value)
    desk = load().settings.desk
    assert (desk.mode, desk.live_enabled, desk.live_confirm, desk.base) == ("paper", True, "PA12", "http://127.0.0.1:1")
    monkeypatch.setenv("ARGOSY_DESK__MODE", "shadow")
    assert load().settings.desk.mode == "shadow"
    monkeypatch.setenv("TRADING_MODE", "yolo")
    monkeypatch.delenv("ARGOSY_DESK__MODE")
    with pytest.raises(Misconfigured, match="SETTING_VALUE"):
        load()
    monkeypatch.delenv("TRADING_MODE")
    assert load().settings.desk.mode == "sim"
    assert not load(flags={"desk.live_enabled": "false"}).settings.desk.live_enabled


def test_no_key_stands_in_the_log(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl", Secret("PKABCDEF"), Secret("very-secret"), level="info", mode="sim", account="PA1")
    log.say("failed", "error", text="the key PKABCDEF was refused", more={"deep": ["very-secret", 3]}, odd=ValueError("very-secret!"))
    log.say("quiet", "debug")
    log.level("debug")
    log.say("loud", "debug", number=1.5)
    log.close()
    raw = (tmp_path / "log.jsonl").read_text()
    first, second = map(json.loads, raw.splitlines())
    assert "PKABCDEF" not in raw and "very-secret" not in raw
    assert (first["event"], first["level"], first["mode"], first["account"]) == ("failed", "error", "sim", "PA1")
    assert first["text"] == "the key *** was refused" and first["more"] == {"deep": ["***", 3]} and first["odd"] == "***!"
    assert (second["event"], second["number"]) == ("loud", 1.5)


def test_a_drill_names_a_place_and_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr("argosy.desk.serve.os.kill", lambda pid, signal: killed.append(signal))
    try:
        crash_points("submit.before:2")
        for place in ("submit.before", "submit.after", "submit.before"):
            assert not killed
            points.reach(place)
        assert killed == [9]
    finally:
        points.hook = None
    points.reach("submit.before")
    assert killed == [9]
    for text in ("", ":3", "x:y"):
        with pytest.raises(Misconfigured, match="CRASH_POINT"):
            crash_points(text)


