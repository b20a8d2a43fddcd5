"""Bars that wait for each other: by hand what is whole when, what is late; and a live day gathered is the backtest of the same bars."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.strategy import Watch, declare
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, MINUTE, MS, SECOND
from argosy.desk.bars import Bars
from argosy.desk.gather import Gather, gather
from argosy.desk.run import Asked
from argosy.desk.sessions import Day, Sessions
from argosy.engine.records import Wanted as Wish
from argosy.engine.slot import Binding, Slot
from argosy.exchange.open import opened
from argosy.house import Terms, Wanted, assemble
from argosy.net.secret import Secret
from argosy.settings import DeskSettings
from argosy.store.recorder import read
from tests.desk.berth import FREE
from tests.desk.harbour import KEY, SECRET
from tests.desk.test_day import NAMES, exchange, records
from tests.desk.tide import tide


class Two:
    """Compares what it watches."""

    align = "1m"
    grace_ms = 2000

    def on_instant(self, book: Any) -> None:
        return None


def minute(at: int, i: int, after_ms: int = 50, close: float = 100.0) -> Bar:
    return Bar(at * MINUTE, (at + 1) * MINUTE + after_ms * MS, i, close, close, close, close, 1.0, MINUTE)


def one(
    spans: dict[int, tuple[int, ...]] | None = None, align: str = "1m", grace_ms: int = 2000, shut: tuple[int, ...] = (),
    bound: tuple[int, ...] = (0, 1),
) -> tuple[Bars, Gather]:  # fmt: skip
    cls = type("Aligned", (Two,), {"align": align, "grace_ms": grace_ms})
    bars = Bars(spans or {0: (MINUTE,), 1: (MINUTE,), 2: (MINUTE,)}, ["24/7"] * 3, MINUTE)
    return bars, Gather([(declare(cls), bound)], bars, MINUTE, lambda i, at: i not in shut)


def said(bars: Bars, gathering: Gather, bar: Bar) -> list[list[tuple[int, int, int]]]:
    """(instrument, minute it began, span in minutes) of each bar of each instant that a bar made whole."""
    return shown(gathering.add(bar, bars.add(bar), bar.known))


def shown(instants: list[list[Bar]]) -> list[list[tuple[int, int, int]]]:
    return [[(bar.instrument, bar.ts // MINUTE, bar.span // MINUTE) for bar in instant] for instant in instants]


def test_an_instant_is_whole_when_all_have_come_in_whatever_order_and_all_were_known_then() -> None:
    bars, gathering = one()
    assert said(bars, gathering, minute(10, 1, 50)) == []
    last = minute(10, 0, 700)
    (instant,) = gathering.add(last, bars.add(last), last.known)
    assert [(bar.instrument, bar.known) for bar in instant] == [(0, 11 * MINUTE + 700 * MS), (1, 11 * MINUTE + 700 * MS)]
    assert gathering.late == 0


def test_what_no_aligned_strategy_is_bound_to_goes_on_at_once() -> None:
    bars, gathering = one()
    assert said(bars, gathering, minute(10, 0)) == []
    assert said(bars, gathering, minute(10, 2)) == [[(2, 10, 1)]]


def test_after_the_grace_it_is_whole_without_the_missing_and_the_late_one_is_an_instant_of_its_own() -> None:
    bars, gathering = one(grace_ms=2000)
    assert said(bars, gathering, minute(10, 0)) == []
    assert gathering.due(11 * MINUTE + 2 * SECOND - 1) == []
    (instant,) = gathering.due(11 * MINUTE + 2 * SECOND)
    assert [(bar.instrument, bar.known) for bar in instant] == [(0, 11 * MINUTE + 2 * SECOND)]
    assert gathering.due(12 * MINUTE) == []
    assert said(bars, gathering, minute(10, 1, 2500)) == [[(1, 10, 1)]]
    assert gathering.late == 1
    assert said(bars, gathering, minute(10, 1, 2600)) == [] and gathering.late == 1  # told twice
    assert said(bars, gathering, minute(11, 1)) == [] and said(bars, gathering, minute(11, 0)) == [[(0, 11, 1), (1, 11, 1)]]


def test_an_older_instant_never_comes_after_a_younger_one() -> None:
    """0 missed minute 10; both of 11 are here before its grace is over: 10 goes first, as it is."""
    bars, gathering = one(grace_ms=59_999)
    assert said(bars, gathering, minute(10, 1)) == said(bars, gathering, minute(11, 0)) == []
    assert said(bars, gathering, minute(11, 1)) == [[(1, 10, 1)], [(0, 11, 1), (1, 11, 1)]]
    assert gathering.due(13 * MINUTE) == []


def test_two_strategies_that_align_to_spans_of_which_none_divides_the_other_both_get_whole_instants() -> None:
    """Of two minutes and of five: the fifth minute ends a bar of the one and none of the other, and is waited for."""
    two, five = (type("Aligned", (Two,), {"align": align}) for align in ("2m", "5m"))
    bars = Bars({0: (MINUTE,), 1: (MINUTE,)}, ["24/7"] * 2, MINUTE)
    gathering = Gather([(declare(two), (0, 1)), (declare(five), (0, 1))], bars, MINUTE, lambda i, at: True)
    assert said(bars, gathering, minute(14, 0)) == [] and said(bars, gathering, minute(14, 1)) == [[(0, 14, 1), (1, 14, 1)]]
    assert said(bars, gathering, minute(15, 0)) == [] and said(bars, gathering, minute(15, 1)) == [[(0, 15, 1), (1, 15, 1)]]


def test_a_market_that_is_shut_is_not_waited_for() -> None:
    bars, gathering = one(shut=(1,))
    assert said(bars, gathering, minute(10, 0)) == [[(0, 10, 1)]]
    nobody, alone = one(shut=(0, 1))  # then only time tells
    assert said(nobody, alone, minute(10, 0)) == []
    assert shown(alone.due(11 * MINUTE + 2 * SECOND)) == [[(0, 10, 1)]]


def test_five_minutes_are_gathered_at_their_end_and_the_minutes_between_are_not() -> None:
    bars, gathering = one({0: (MINUTE, 5 * MINUTE), 1: (MINUTE, 5 * MINUTE)}, align="5m")
    for k in range(10, 14):
        assert said(bars, gathering, minute(k, 0)) == [[(0, k, 1)]]
        assert said(bars, gathering, minute(k, 1)) == [[(1, k, 1)]]
    assert said(bars, gathering, minute(14, 1)) == []
    assert said(bars, gathering, minute(14, 0)) == [[(0, 14, 1), (0, 10, 5), (1, 14, 1), (1, 10, 5)]]


@pytest.mark.parametrize("grace_ms", [2_000, 10_000])
def test_a_longer_bar_without_its_last_minute_is_of_the_same_instant(grace_ms: int) -> None:
    """1 trades not in the fifth minute: its five minutes are over with the instant, be its grace shorter or longer than theirs."""
    bars, gathering = one({0: (5 * MINUTE,), 1: (5 * MINUTE,)}, align="5m", grace_ms=grace_ms)
    for k in range(10, 14):
        assert said(bars, gathering, minute(k, 0)) == said(bars, gathering, minute(k, 1)) == []
    assert said(bars, gathering, minute(14, 0)) == []
    end = 15 * MINUTE + grace_ms * MS
    over = gathering.join(bars.due(end - 1))
    assert (over, gathering.due(end - 1)) == ([], [])
    assert shown(gathering.due(end)) == [[(0, 10, 5), (1, 10, 5)]]
    assert gathering.join(bars.due(end + HOUR)) == []


def test_of_several_strategies_the_finest_span_and_the_longest_grace_count() -> None:
    bars = Bars({0: (MINUTE,), 1: (MINUTE,)}, ["24/7"] * 2, MINUTE)
    wide = type("Wide", (Two,), {"align": "5m", "grace_ms": 3000})
    gathering = Gather([(declare(Two), (0, 1)), (declare(wide), (1,))], bars, MINUTE, lambda i, at: True)
    assert said(bars, gathering, minute(10, 1)) == []
    assert gathering.due(11 * MINUTE + 3 * SECOND - 1) == []
    assert shown(gathering.due(11 * MINUTE + 3 * SECOND)) == [[(1, 10, 1)]]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"align": "1m", "grace_ms": 60_000}, "waits 60000 ms for 1m"),
        ({"align": "1m", "grace_ms": -1}, "waits -1 ms"),
        ({"align": "1m", "grace_ms": 1.5}, "waits 1.5 ms"),
        ({"align": "", "grace_ms": 5}, "aligns to nothing"),
    ],
)
def test_what_cannot_be_waited_for_is_a_mistake(more: dict[str, Any], says: str) -> None:
    with pytest.raises(Misuse, match=says) as caught:
        declare(type("Odd", (Two,), more))
    assert caught.value.code == "STRATEGY_ALIGN"


def test_without_a_word_about_it_a_second_is_waited_and_nobody_who_does_not_align_waits() -> None:
    plain = type("Plain", (), {"align": "1m", "on_instant": lambda self, book: None})
    assert declare(plain).grace_ms == 1000
    none = type("None_", (), {"on_instant": lambda self, book: None})
    bars, sessions = Bars({0: (MINUTE,)}, ["XNYS"], MINUTE), Sessions({"XNYS": [Day(10 * MINUTE, 20 * MINUTE, 1)]})
    assert gather([Slot(Binding("a", declare(none), (0,), 0))], bars, MINUTE, ["XNYS"], sessions) is None
    aligned = gather([Slot(Binding("a", declare(plain), (0,), 0))], bars, MINUTE, ["XNYS"], sessions)
    assert aligned is not None
    assert said(bars, aligned, minute(9, 0)) == []  # before the open: only time tells
    assert said(bars, aligned, minute(10, 0)) == [[(0, 9, 1)], [(0, 10, 1)]]
    assert said(bars, aligned, minute(19, 0)) == [[(0, 19, 1)]]  # the last one is owed, though its market has closed when it comes
    fine = type("Fine", (Two,), {"align": "90s"})
    with pytest.raises(Misuse, match="which the desk's bars do not divide"):
        gather([Slot(Binding("a", declare(fine), (0,), 0))], bars, MINUTE, ["XNYS"], sessions)


def test_a_day_waits_for_its_last_minute_and_is_shown_once() -> None:
    """The close passes before the broker has told the last minute."""
    opens, closes = 10 * MINUTE, 12 * MINUTE
    sessions = Sessions({"XNYS": [Day(opens, closes, 1)]})
    (opened_, ) = sessions.take(opens)
    bars = Bars({0: (DAY,)}, ["XNYS"], MINUTE)
    bars.session(opened_, opens)
    assert bars.add(minute(10, 0, close=100.0)) == []
    assert bars.waits(closes, closes + SECOND) and not bars.waits(closes, closes + 3 * SECOND) and not bars.waits(closes + 1, closes)
    (day,) = bars.add(minute(11, 0, 400, close=90.0))
    assert (day.open, day.close, day.volume, bars.waits(closes, closes + SECOND)) == (100.0, 90.0, 2.0, False)
    silent = Bars({0: (DAY,)}, ["XNYS"], MINUTE)
    silent.session(opened_, opens)
    silent.add(minute(10, 0, close=100.0))
    (close,) = sessions.take(closes + 3 * SECOND)
    (short,) = silent.session(close, closes)
    assert short.close == 100.0
    assert silent.add(minute(11, 0, 4000, close=90.0)) == []  # its day has been shown


# -- the law -----------------------------------------------------------------------------------------------------------------------


class Widest:
    """Each minute it wants the symbol that moved furthest since the minute before, and none of the others: it must see all of them."""

    name = "widest"
    watches = (Watch("*", "bar", "1m"),)
    align = "1m"
    grace_ms = 20_000

    def __init__(self) -> None:
        self.before: dict[int, float] = {}
        self.now: dict[int, float] = {}
        self.sizes: list[int] = []

    def on_bar(self, bar: Bar, book: Any) -> None:
        self.now[bar.instrument] = bar.close

    def on_instant(self, book: Any) -> tuple[Target, ...]:
        if not self.now:
            return ()
        self.sizes.append(len(self.now))
        moved = {i: close / self.before.get(i, close) - 1.0 for i, close in self.now.items()}
        best = max(sorted(moved), key=lambda i: moved[i])
        why = " ".join(f"{i}:{moved[i]:.6f}" for i in sorted(moved))
        self.before, self.now = self.before | self.now, {}
        return tuple(Target(i, lots=1 if i == best else 0, why=why) for i in range(len(NAMES)))


class Calm(Widest):
    """It only watches, so that its instants leave nothing in the journal."""

    def on_instant(self, book: Any) -> tuple[Target, ...]:
        super().on_instant(book)
        return ()


class Hasty(Widest):
    align = ""
    grace_ms = None


def wishes(kept: list[Any]) -> list[tuple[int, int, str]]:
    """(instrument, lots, why) of each wish, in order."""
    return [(row.intent.instrument, row.lots, row.intent.why) for row in kept if type(row) is Wish and row.by == "strategy"]


def wish(url: str, cls: type) -> Asked:
    return Asked(
        wanted=(Wanted("widest", cls),), terms=Terms(limits=FREE), key=Secret(KEY), secret=Secret(SECRET),
        settings=DeskSettings(mode="sim", base=url, symbols=NAMES, mute_s=3600.0),
    )  # fmt: skip


def day(home: Path, monkeypatch: pytest.MonkeyPatch, cls: type, steps: int, thin: bool = False) -> tuple[list[tuple[int, int, str]], list[Bar], int]:
    """A live day over the wire: what was wanted, the bars that the desk saw after its history, and how many came late.

    thin: IBM is not traded in every third minute
    """
    monkeypatch.setenv("ARGOSY_HOME", str(home))

    async def life(url: str) -> tuple[int, int]:
        async with tide(wish(url, cls), url, 15.0) as sea:
            node = sea.desk.node
            history, take = node.engine.state.rows, node.row
            if thin:
                node.row = lambda bar: None if type(bar) is Bar and bar.instrument == 1 and bar.ts // MINUTE % 3 == 0 else take(bar)  # type: ignore[method-assign]
            for _ in range(steps):
                await sea.step()
            late = sea.desk.status().late_bars
            assert await sea.end() == 0
            return history, late

    with opened(exchange("step", 5)) as server:
        history, late = asyncio.run(life(server.url))
    (root,) = (home / "desks").iterdir()
    rows = [row for at, row in enumerate(read(root / "rows")) if at >= history and type(row) is Bar]
    return wishes(records(home)), rows, late


@pytest.mark.parametrize("thin", [False, True])
def test_a_live_day_aligned_is_the_backtest_of_the_same_bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thin: bool) -> None:
    live, rows, late = day(tmp_path / "live", monkeypatch, Widest, 160, thin)
    assert late == 0
    assert len(rows) >= 80
    assert max(bar.known - bar.ts - bar.span for bar in rows) <= 30 * SECOND  # the first step after the grace
    assert (sum(bar.instrument == 1 for bar in rows) < sum(bar.instrument == 0 for bar in rows)) is thin
    names = Instruments(Instrument(symbol=symbol, lot=Decimal(1)) for symbol in NAMES)
    fields = ("ts", "instrument", "open", "high", "low", "close", "volume", "span")
    columns = {name: np.array([getattr(bar, name) for bar in rows]) for name in fields}
    tape = Tape(Bar, columns | {"known": columns["ts"] + columns["span"]})
    run = assemble([Wanted("widest", Widest)], (names, [tape], []), Terms(fees="free", cash=1e6))
    run.go()
    past = wishes([record for _, record in run.engine.journal.records()])
    assert live == past
    assert len(live) > 40 and len({lots for _, lots, _ in live}) == 2
    if thin:
        assert {len(why.split()) for _, _, why in live} == {2, 3}
        return
    hasty, _, _ = day(tmp_path / "hasty", monkeypatch, Hasty, 40)
    assert hasty and hasty != past[: len(hasty)]
    assert all(len(why.split()) == 1 for _, _, why in hasty)  # one bar is an instant: it compares nothing


@pytest.mark.parametrize("cls", [Widest, Calm])
def test_a_desk_that_died_between_two_instants_goes_on_as_it_would_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cls: type) -> None:
    """The journal of a gathered day is relived in the same instants: what is wanted again is what was wanted, so nobody is quarantined."""
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))

    async def life(url: str) -> None:
        async with tide(wish(url, cls), url, 15.0) as sea:  # it is given up in the middle: nothing is saved
            before = sea.desk.node.engine.slot("widest").thing
            for _ in range(40):
                await sea.step()
            count = len(before.sizes)
            while len(before.sizes) == count:  # until another instant is just over
                await sea.step()
        async with tide(wish(url, cls), url, 15.0) as sea:
            assert sea.desk.node.engine.state.status == {"widest": "active"}
            (rested,) = [more["rested"] for what, more in sea.desk.said if what == "compared"]
            assert rested >= 3  # of the last instants nothing stands in the journal
            again = sea.desk.node.engine.slot("widest").thing
            assert (again.before, again.now, again.sizes) == (before.before, before.now, before.sizes)
            assert len(again.sizes) > 4 and set(again.sizes) == {3}
            for _ in range(12):
                await sea.step()
            assert again.before != before.before
            assert await sea.end() == 0

    with opened(exchange("step", 5)) as server:
        asyncio.run(life(server.url))
    kept = wishes(records(tmp_path))
    assert (len(kept) > 6) is (cls is Widest) and all(len(why.split()) == 3 for _, _, why in kept)
