"""What companies do to their shares: splits go into the books before the open and are no drift, what nobody can book stops the symbol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from argosy.core.effects import Note
from argosy.core.errors import Misuse
from argosy.core.events import Split, Status
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Protection, Target
from argosy.core.time import HOUR, MINUTE, parse
from argosy.desk.actions import Actions, Announced, Kept, announced, day_of, read
from argosy.desk.folder import of
from argosy.desk.sessions import Day, Sessions
from argosy.exchange.open import Wanted as Exchange
from argosy.exchange.open import opened
from tests.desk.berth import Berth, berth, says
from tests.desk.harbour import KEY, SECRET, SYMBOLS, Harbour
from tests.desk.test_day import records


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def served() -> Iterator[Harbour]:
    """An exchange of these tests alone: what splits here is split for good."""
    with opened(Exchange(keys=((KEY, SECRET),), symbols=list(SYMBOLS), control=True, seed=3, cash=1_000_000)) as server:
        yield Harbour(server)


@pytest.fixture(autouse=True)
def quiet(harbour: Harbour) -> None:
    """No company has done anything yet: what another test said of one is forgotten."""
    harbour.server.exchange.actions.clear()


def guarded(lots: int, stop: float) -> type:
    return says(lambda quote, book, calls: Target(0, lots=lots, why="held", protection=Protection(stop=stop)) if quote.instrument == 0 else None)


def stops(harbour: Harbour) -> list[tuple[str, str]]:
    return [(row["qty"], row["stop_price"]) for row in harbour.rest("GET", "/v2/orders?status=open&nested=false") if row["type"] == "stop"]


def opens(desk: Berth, after: int) -> None:
    """The day's session opens so many ns from now; it opened before where that is less than nothing."""
    now = desk.desk.clock.now()
    desk.node.sessions = sessions = Sessions({"XNYS": [Day(now + after, now + after + 6 * HOUR, 20990101)]})
    sessions.begin(now)


async def compared(desk: Berth) -> None:
    """Everything is held against the broker's, often enough for a difference to count."""
    for _ in range(3):
        await asyncio.sleep(0.25)
        await desk.desk.rounds.whole()  # type: ignore[union-attr]


def test_the_broker_s_words_become_actions_and_what_is_none_is_left_out() -> None:
    told = {
        "forward_splits": [{"id": "a", "symbol": "AAPL", "new_rate": 4, "old_rate": 1, "ex_date": "2026-11-23"}],
        "reverse_splits": [
            {"id": "b", "symbol": "MSFT", "new_rate": 1, "old_rate": 10.0, "ex_date": "2026-11-24"}, {"symbol": "", "ex_date": "2026-11-24"},
        ],
        "cash_mergers": [{"acquirer_symbol": "X", "acquiree_symbol": "AAPL", "rate": 5, "effective_date": "2026-11-25"}],
        "spin_offs": [
            {"id": "d", "source_symbol": "AAPL", "new_symbol": "N", "ex_date": "2026-11-26T00:00:00Z"}, "nonsense", {"id": "e", "source_symbol": "Q"},
        ],
        "name_changes": [{"id": "f", "old_symbol": "AAPL", "new_symbol": "APPL", "process_date": "2026-11-27"}],
    }  # fmt: skip
    assert announced(told) == [
        Announced("a", "forward_splits", "AAPL", "2026-11-23", Fraction(4)), Announced("b", "reverse_splits", "MSFT", "2026-11-24", Fraction(1, 10)),
        Announced("cash_mergers AAPL 2026-11-25", "cash_mergers", "AAPL", "2026-11-25"), Announced("d", "spin_offs", "AAPL", "2026-11-26"),
        Announced("f", "name_changes", "AAPL", "2026-11-27"),
    ]  # fmt: skip
    broken = {"forward_splits": [{"id": "a", "symbol": "AAPL", "new_rate": "x", "old_rate": 1, "ex_date": "2026-11-23"}]}
    assert announced(broken)[0].ratio is None  # a split without a ratio is booked by nobody: it stops the symbol
    assert day_of(parse("2026-11-24T03:00:00Z")) == "2026-11-23"


def test_it_is_asked_an_hour_and_ten_minutes_before_the_open_and_after_a_night_that_was_slept_through(tmp_path: Path) -> None:
    opens = [parse("2026-11-23T14:30:00Z"), parse("2026-11-24T14:30:00Z")]
    sessions = Sessions({"XNYS": [Day(at, at + 390 * MINUTE, k) for k, at in enumerate(opens)]})
    assert [sessions.opens(at) for at in (0, opens[0], opens[0] + HOUR, opens[0] + 390 * MINUTE, opens[1] + 390 * MINUTE)] == [
        opens[0], opens[0], opens[0], opens[1], 0,
    ]  # fmt: skip
    node: Any = SimpleNamespace(sessions=sessions, engine=SimpleNamespace(instruments=Instruments([Instrument(symbol="AAPL")])))
    asked = Actions(node, None, tmp_path / "actions.json")  # type: ignore[arg-type]
    at = opens[0]
    assert [asked.due(when) for when in (at - HOUR - 1, at - HOUR, at)] == [False, True, True]
    asked._asked = at - HOUR  # it was, an hour before: once more ten minutes before, and no more
    assert [asked.due(when) for when in (at - HOUR + 1, at - 10 * MINUTE - 1, at - 10 * MINUTE, at)] == [False, False, True, True]
    asked._asked = at - 10 * MINUTE
    assert not any(asked.due(when) for when in (at, at + HOUR, opens[1] - HOUR - 1)) and asked.due(opens[1] - HOUR)
    assert asked.due(opens[1] + HOUR)  # the machine slept: at once


@pytest.mark.parametrize(
    ("first", "new", "old", "lots", "stop"),
    [("desk", 4, 1, 40, "15"), ("broker", 4, 1, 40, "15"), ("activity", 4, 1, 40, "15"), ("desk", 1, 2, 5, "120")],
)
def test_a_split_is_booked_whoever_counts_it_first_and_is_no_drift(
    harbour: Harbour, home: Path, first: str, new: int, old: int, lots: int, stop: str
) -> None:
    """10 shares of 100 with a stop at 60. The desk adopts it in the morning; the broker before or after: lots, stop and prices follow once."""

    async def life() -> None:
        async with berth(harbour, {"one": guarded(10, 60.0)}) as desk:
            await desk.until(lambda: desk.lots() == 10 and stops(harbour) == [("10", "60")])
            desk.desk.node.engine.stand("one", "paused", "the test")
            harbour.ctl("clock", is_open=False)  # it is early in the morning; the stop of the day's entry has ended, and another stands
            opens(desk, HOUR)
            await asyncio.sleep(0.3)
            await desk.until(lambda: stops(harbour) == [("10", "60")] and not desk.node.perform.busy)
            if first != "desk":
                harbour.ctl("split", symbol="AAPL", ratio=new / old)
                if first == "activity":
                    await compared(desk)  # the account's own row of it, before anything was announced
                    assert desk.lots() == lots
            else:
                harbour.ctl("announce", symbol="AAPL", kind="forward_splits" if new > old else "reverse_splits", new_rate=new, old_rate=old)
            assert await desk.desk.actions.ask()
            assert desk.lots() == lots
            await compared(desk)  # the broker may count as before, and that is no difference
            assert "RECONCILE_DRIFT" not in desk.alarms and not desk.state.drifted
            if first == "desk":
                harbour.ctl("split", symbol="AAPL", ratio=new / old)
            harbour.quote(100.0 * old / new, 100.02 * old / new)
            harbour.ctl("clock", is_open=True)
            await desk.until(lambda: harbour.held() == lots and stops(harbour) == [(str(lots), stop)])
            await compared(desk)
            assert await desk.desk.actions.ask()  # ten minutes before the open: nothing new
            assert desk.lots() == lots and not desk.state.drifted
            assert {"RECONCILE_DRIFT", "SPLIT_UNCLEAR", "CASH_DRIFT"} & set(desk.alarms) == set()
            assert desk.alarms.count("SPLIT") == (first != "activity")
            assert "ORDER_CHANGED" not in desk.desk.rounds.repaired  # type: ignore[union-attr]
            assert [(t.order.tag, t.leaves, t.order.stop) for t in desk.open()] == [("stop", lots, float(stop))]
            desk.equal()
            assert await desk.stop() == 0

    asyncio.run(life())
    kept = records(home)
    assert [(row.instrument, row.ratio) for row in kept if type(row) is Split] == [(0, new / old)]


def test_a_first_start_that_got_no_answer_takes_the_account_as_it_is_when_it_gets_one(harbour: Harbour, home: Path) -> None:
    """20 shares after a split of today and one of three days ago: once the broker tells of them, the books hold 20 as before."""

    async def life() -> None:
        harbour.by_hand("AAPL", "buy", 10)
        harbour.ctl("split", symbol="AAPL", ratio=2.0)
        ago = day_of(harbour.server.exchange.now - 72 * HOUR)
        harbour.ctl("announce", symbol="AAPL", kind="forward_splits", new_rate=3, old_rate=1, day=ago)
        harbour.quote(50.0, 50.02)
        harbour.ctl("fault", method="GET", path="/v1/corporate-actions", status=403, times=1)
        async with berth(harbour, {"one": guarded(0, 20.0)}, policy="adopt") as desk:
            await desk.until(lambda: desk.lots() == 20 and desk.desk.actions._asked)
            assert desk.lots() == 20 and "SPLIT" not in desk.alarms
            assert [one.state for one in read(desk.node.folder.actions).values()] == ["booked", "booked"]
            assert await desk.stop() == 0

    asyncio.run(life())


@pytest.mark.parametrize(("counts", "books", "halted"), [(10, 10, []), (40, 40, []), (25, 10, ["AAPL"])])
def test_a_split_that_is_told_late_is_booked_as_the_account_counts_by_then(
    harbour: Harbour, home: Path, counts: int, books: int, halted: list[str]
) -> None:
    """10 were bought, and in the day a split of this morning is told: the account holds as many, so they came after it; or all of it; or neither."""

    async def life() -> None:
        async with berth(harbour, {"one": guarded(10, 5.0)}) as desk:
            await desk.until(lambda: desk.lots() == 10 and stops(harbour) == [("10", "5")])
            opens(desk, -10 * MINUTE)
            harbour.ctl("announce", symbol="AAPL", kind="forward_splits", new_rate=4, old_rate=1)
            desk.state.conditions.counted = {0: counts}
            assert await desk.desk.actions.ask() and await desk.desk.actions.ask()
            assert desk.lots() == books
            assert desk.desk.status().halted == halted
            assert desk.alarms.count("SPLIT") == (books == 40) and desk.alarms.count("SPLIT_UNCLEAR") == (counts == 10)
            assert await desk.stop() == 0

    asyncio.run(life())


def test_what_the_file_forgot_the_journal_knows(harbour: Harbour, home: Path) -> None:
    """The journal has a split before the file says so; with the file gone or damaged nothing is booked again, nor what was before the books."""

    async def life(again: bool) -> None:
        async with berth(harbour, {"one": guarded(10, 60.0)}) as desk:
            if not again:
                await desk.until(lambda: desk.lots() == 10 and stops(harbour) == [("10", "60")])
                opens(desk, HOUR)
                step, at = desk.node.step, []
                desk.node.step = lambda event: (at.append(read(desk.node.folder.actions)) if type(event) is Split else None, step(event))[1]
                harbour.ctl("split", symbol="AAPL", ratio=4.0)
                assert await desk.desk.actions.ask() and desk.lots() == 40
                assert at == [{}]
                desk.node.folder.actions.write_bytes(b"{")
            assert desk.lots() == 40
            ago = day_of(harbour.server.exchange.now - 72 * HOUR)
            harbour.ctl("announce", symbol="MSFT", kind="forward_splits", new_rate=3, old_rate=1, day=ago)
            assert await desk.desk.actions.ask()
            assert desk.state.factor == [4.0, 1.0] and desk.lots() == 40
            assert await desk.stop() == 0

    for again in (False, True):
        asyncio.run(life(again))


def test_the_owners_word_counts_once_it_is_in_the_journal(harbour: Harbour, home: Path) -> None:
    """A process that dies in between leaves the symbol waiting, and never one that is stopped and waits for nobody."""

    async def life() -> None:
        async with berth(harbour, {"one": guarded(0, 60.0)}) as desk:
            harbour.ctl("announce", symbol="AAPL", kind="cash_mergers")
            assert await desk.desk.actions.ask() and desk.desk.status().halted == ["AAPL"]
            at: list[list[str]] = []
            step = desk.node.step
            desk.node.step = lambda event: (at.append([one.state for one in read(desk.node.folder.actions).values()]), step(event))[1]
            desk.desk.actions.allow("AAPL", "me", "seen to")
            assert at[0] == ["held"] and desk.desk.status().halted == []
            desk.desk.actions._kept["x"] = Kept("cash_mergers", "GONE", "2026-11-23", "held")
            with pytest.raises(Misuse, match="ACTION_NONE"):
                desk.desk.actions.allow("GONE", "me", "not on the list any more")
            assert await desk.stop() == 0

    asyncio.run(life())


def test_what_nobody_can_book_stops_the_symbol_until_its_owner_says_so_a_restart_too(harbour: Harbour, home: Path) -> None:
    wanted = [0]
    cls = says(lambda quote, book, calls: Target(0, lots=wanted[0], why="told") if quote.instrument == 0 else None)

    async def held_back(desk: Berth) -> None:
        refused = desk.state.counters.refusals.get("HALTED", 0)
        wanted[0] += 1
        harbour.quote(100.0 + wanted[0] / 100, 100.1)
        await desk.until(lambda: desk.state.counters.refusals.get("HALTED", 0) > refused)
        assert desk.lots() == 0

    async def life() -> None:
        async with berth(harbour, {"one": cls}) as desk:
            harbour.ctl("announce", symbol="AAPL", kind="spin_offs", day="2099-01-01")
            harbour.ctl("announce", symbol="AAPL", kind="cash_mergers")
            harbour.ctl("announce", symbol="MSFT", kind="stock_dividends", day="2000-01-01")
            assert await desk.desk.actions.ask() and await desk.desk.actions.ask()
            (text,) = [told.text for told in desk.node.alarms if told.code == "CORPORATE_ACTION"]
            assert text.startswith("AAPL: cash merger from ") and "argosy allow AAPL" in text and "take the symbol off the list" in text
            assert desk.desk.status().halted == ["AAPL"]
            await held_back(desk)
            harbour.ctl("halt", symbol="AAPL", on=True)
            await asyncio.sleep(0.3)
            harbour.ctl("halt", symbol="AAPL", on=False)  # the venue's own halt ends: this one does not
            await asyncio.sleep(0.3)
            assert desk.desk.status().halted == ["AAPL"]
            assert await desk.stop() == 0
        async with berth(harbour, {"one": cls}) as desk:
            assert desk.desk.status().halted == ["AAPL"] and "CORPORATE_ACTION" not in desk.alarms
            await held_back(desk)
            with pytest.raises(Misuse, match="COMMAND_REASON"):
                await desk.ask("allow", instrument="AAPL")
            with pytest.raises(Misuse, match="ACTION_NONE"):
                await desk.ask("allow", instrument="MSFT", reason="why not")
            assert await desk.ask("allow", instrument="AAPL", reason="seen to", by="me") == {"ok": True, "symbol": "AAPL", "after": ["cash_mergers"]}
            wanted[0] += 1
            harbour.quote(100.5, 100.52)
            await desk.until(lambda: desk.lots() == wanted[0])
            assert await desk.desk.actions.ask()
            assert desk.desk.status().halted == []
            assert await desk.stop() == 0

    asyncio.run(life())
    kept = records(home)
    assert [row.text for row in kept if type(row) is Note] == ["me allows AAPL after cash_mergers: seen to"]
    turns = [row.halted for row in kept if type(row) is Status and row.reason == "CORPORATE_ACTION"]
    assert turns == [True, True, False]  # once more after the venue's own
    (one,) = [one for one in read(of("sim", harbour.account.number).actions).values() if one.state == "allowed"]
    assert (one.symbol, one.by, one.reason) == ("AAPL", "me", "seen to")


def test_what_lies_ahead_is_told_once_and_a_broker_that_is_silent_is_asked_again(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": guarded(0, 60.0)}) as desk:
            tomorrow = day_of(harbour.server.exchange.now + 24 * HOUR)
            harbour.ctl("announce", symbol="AAPL", kind="spin_offs", day=tomorrow, other_symbol="NEWCO")
            assert await desk.desk.actions.ask() and await desk.desk.actions.ask()
            assert [told.text for told in desk.node.alarms if told.code == "ACTION_AHEAD"] == [f"AAPL: spin off on {tomorrow}"]
            assert desk.desk.status().halted == []
            harbour.ctl("fault", method="GET", path="/v1/corporate-actions", status=403, times=2)
            assert not await desk.desk.actions.ask() and not await desk.desk.actions.ask()
            assert desk.alarms.count("ACTIONS_UNKNOWN") == 1
            assert await desk.desk.actions.ask()

    asyncio.run(life())


def test_a_first_start_takes_the_account_as_it_is_and_a_later_one_books_what_it_slept_through(harbour: Harbour, home: Path) -> None:
    """A split of today is in the account already when the journal begins; one that came while no desk ran is booked before history is read."""

    async def life() -> None:
        harbour.by_hand("AAPL", "buy", 10)
        harbour.ctl("split", symbol="AAPL", ratio=2.0)
        harbour.quote(50.0, 50.02)
        more: dict[str, Any] = {"policy": "adopt"}
        async with berth(harbour, {"one": guarded(0, 20.0)}, **more) as desk:
            assert [type(row) for row in records(home) if type(row) is Split] == []
            await desk.until(lambda: desk.lots() == 20)
            assert await desk.stop() == 0
        harbour.ctl("split", symbol="MSFT", ratio=4.0)  # nothing is held: no row of the account tells of it
        harbour.quote(50.0, 50.02, "MSFT")
        async with berth(harbour, {"one": guarded(0, 20.0)}, **more) as desk:
            assert desk.state.factor == [1.0, 4.0]
            assert await desk.stop() == 0

    asyncio.run(life())
