"""A whole desk on a real exchange: it trades, and what it says it holds is what the exchange has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from argosy.core.errors import Misconfigured
from argosy.core.events import Quote
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, Work
from tests.desk.berth import asked, berth, says, wants
from tests.desk.harbour import Harbour


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


def flips(every: int = 5) -> type:
    """In and out of whatever it sees, each time with a stop."""

    def script(quote: Any, book: Any, calls: list[int]) -> Any:
        if len(calls) % every:
            return None
        lots = 0 if book.lots(quote.instrument) else 7
        return Target(quote.instrument, lots=lots, why=f"call {len(calls)}", protection=Protection(stop=round(quote.bid * 0.95, 2)) if lots else None)

    return says(script)


def test_what_it_holds_is_what_the_exchange_has(harbour: Harbour) -> None:
    async def life() -> None:
        harbour.ctl("quote", symbol="AAPL", walk=True)
        harbour.ctl("quote", symbol="MSFT", walk=True)
        async with berth(harbour, {"flips": flips()}) as desk:
            await desk.until(lambda: desk.desk.minutes.fills >= 8, 10)
            assert await desk.stop() == 0
            desk.equal()
            told = [row for row in harbour.account.activities if row.kind == "FILL"]
            assert len(told) == desk.desk.minutes.fills >= 8
            assert desk.state.portfolio.cash[0] != 1_000_000_000_000  # spreads were paid
            assert len(harbour.client_ids()) == len(set(harbour.client_ids()))
            assert {ticket.order.tag for ticket in desk.open()} <= {"stop"}
            assert len(harbour.resting()) == len(desk.open())
            assert desk.said[-1] == ("ended", {"why": "the test ends", "status": 0})

    asyncio.run(life())


def test_the_next_run_goes_on_with_what_is_held(harbour: Harbour) -> None:
    async def life() -> None:
        stop = Protection(stop=90.0)
        async with berth(harbour, {"one": wants(10, protection=stop)}) as desk:
            await desk.until(lambda: desk.lots() == 10 and any(t.order.tag == "stop" for t in desk.open()))
            await desk.until(lambda: len(harbour.resting()) == 1)
            assert await desk.stop() == 0
        assert harbour.held() == 10 and len(harbour.resting()) == 1
        orders = harbour.client_ids()
        async with berth(harbour, {"one": wants(10, protection=stop)}) as desk:
            assert desk.told("compared") == {"fresh": False, "repaired": {}, "barred": [], "bars": 0, "rested": 0}
            assert desk.lots() == desk.lots(0, "one") == 10
            assert [t.order.tag for t in desk.open()] == ["stop"]
            await asyncio.sleep(0.6)
            desk.equal()
            assert harbour.client_ids() == orders  # the same wish is no new order
            assert desk.state.status == {"one": "active"}
            assert await desk.stop() == 0

    asyncio.run(life())


def test_entries_are_taken_back_at_the_end_and_stops_stay(harbour: Harbour) -> None:
    def script(quote: Any, book: Any, calls: list[int]) -> Any:
        if quote.instrument == 1:
            return Ladder(1, (Rung("low", BUY, 150.0, 3),), why="deep")
        return Target(0, lots=4, why="now", protection=Protection(stop=90.0))

    async def life() -> None:
        async with berth(harbour, {"both": says(script)}) as desk:
            await desk.until(lambda: desk.lots() == 4 and len(harbour.resting()) == 2)
            assert await desk.stop() == 0
            assert [t.order.tag for t in desk.open()] == ["stop"]
            (left,) = harbour.account.open()
            assert left.stop == 90.0 and left.side == -1
        async with berth(harbour, {"both": says(script)}) as desk:  # the wish stood: the rung comes again
            await desk.until(lambda: len(harbour.resting()) == 2)
            desk.equal()

    asyncio.run(life())


def test_a_strategy_that_raises_is_quarantined_and_the_other_goes_on(harbour: Harbour) -> None:
    def bad(quote: Any, book: Any, calls: list[int]) -> Any:
        if len(calls) > 6:
            raise RuntimeError("the model has no opinion")
        return Target(0, lots=5, why="before", protection=Protection(stop=91.0)) if quote.instrument == 0 else None

    def good(quote: Any, book: Any, calls: list[int]) -> Any:
        return Target(1, lots=2 + 2 * (len(calls) // 12), why="on") if quote.instrument == 1 else None

    async def life() -> None:
        async with berth(harbour, {"bad": says(bad), "good": says(good)}) as desk:
            await desk.until(lambda: desk.state.status["bad"] == "quarantined")
            before = desk.lots(1)
            await desk.until(lambda: desk.lots(1) > max(before, 2))
            told = (await desk.ask("status"))["status"]
            rows = {row["id"]: row for row in told["strategies"]}
            assert rows["bad"]["status"] == "quarantined" and "no opinion" in rows["bad"]["cause"]
            assert rows["good"]["status"] == "active"
            assert "STRATEGY_QUARANTINED" in desk.alarms
            assert desk.lots(0, "bad") == 5 and any(t.order.tag == "stop" for t in desk.open())  # kept with its stop
            desk.equal()

    asyncio.run(life())


def test_a_halted_symbol_gets_no_order_until_trading_goes_on(harbour: Harbour) -> None:
    async def life() -> None:
        harbour.ctl("halt", symbol="AAPL", on=True)

        def script(quote: Any, book: Any, calls: list[int]) -> Any:
            return Target(0, lots=len(calls), why="more") if quote.instrument == 0 else None

        async with berth(harbour, {"one": says(script)}) as desk:
            harbour.ctl("halt", symbol="AAPL", on=True)
            await desk.until(lambda: 0 in desk.state.halted)
            sent = len(harbour.client_ids())
            await desk.until(lambda: desk.state.counters.refusals.get("HALTED", 0) > 2)
            assert len(harbour.client_ids()) == sent
            harbour.ctl("halt", symbol="AAPL", on=False)
            await desk.until(lambda: 0 not in desk.state.halted)
            await desk.until(lambda: len(harbour.client_ids()) > sent)

    asyncio.run(life())


def test_a_heart_that_breaks_a_law_stops_the_desk_and_sends_nothing_more(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"flips": flips()}) as desk:
            harbour.ctl("quote", symbol="AAPL", walk=True)
            await desk.until(lambda: desk.desk.minutes.fills >= 2)

            def broken(*_: Any) -> Any:
                raise ZeroDivisionError("one too many")

            desk.node._step = broken
            assert await asyncio.wait_for(desk.running, 10) == 1
            sent = len(harbour.client_ids())
            assert "HEART_RAISED" in desk.alarms and desk.node.broken.code == "HEART_RAISED"
            assert "ZeroDivisionError: one too many" in desk.said[-1][1]["why"]
            rows = desk.state.rows
            desk.node.row(Quote(1, desk.node.clock.now(), 0, 100.0, 100.02, 1.0, 1.0))
            desk.node.pulse()
            assert desk.state.rows == rows
            await asyncio.sleep(0.3)
            assert len(harbour.client_ids()) == sent

    asyncio.run(life())


def test_it_does_not_begin_with_another_account_or_a_wrong_key_or_without_a_broker(harbour: Harbour, home: Path) -> None:
    async def refused(kind: type[Exception], **more: Any) -> Any:
        with pytest.raises(kind) as caught:
            async with berth(harbour, asked(harbour, {"one": wants(1)}, **more)):
                pass
        return caught.value

    async def life() -> None:
        assert (await refused(Misconfigured, account="PA0000000000")).code == "ACCOUNT_OTHER"
        assert (await refused(Misconfigured, key="PKNOBODY")).code == "KEY_REFUSED"
        assert (await refused(Misconfigured, base="http://10.0.0.1:8080")).code == "HOST_FORBIDDEN"
        assert (await refused(Misconfigured, mode="live", base="")).code in ("NOT_ARMED", "KEY_MODE")
        assert (await refused(Misconfigured, speed=2.0, mode="shadow")).code == "DESK_SPEED"
        assert (await refused(Exception, symbols=["NONE"])).code == "INSTRUMENT_UNKNOWN"
        assert not harbour.client_ids()
        assert not list(home.glob("desks/*/journal"))

    asyncio.run(life())


def test_two_desks_of_one_account_are_one_too_many(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(1)}) as desk:
            with pytest.raises(Exception, match=r"LEASE_HELD"):
                async with berth(harbour, {"one": wants(1)}):
                    pass
            assert not desk.running.done()

    asyncio.run(life())


def test_orders_of_this_name_without_their_journal_are_no_beginning(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(3)}) as desk:
            await desk.until(lambda: desk.lots() == 3)
            await desk.stop()
        (folder,) = home.glob("desks/*")
        folder.rename(home / "gone")
        with pytest.raises(Misconfigured, match=r"DESK_NAME_USED"):
            async with berth(harbour, {"one": wants(3)}):
                pass

    asyncio.run(life())


def test_a_position_that_was_there_before_is_not_traded_and_not_given_to_a_strategy(harbour: Harbour) -> None:
    async def life() -> None:
        harbour.by_hand("AAPL", "buy", 9)
        async with berth(harbour, {"one": wants(2)}) as desk:
            assert desk.told("compared")["barred"] == ["AAPL"]
            await desk.until(lambda: desk.state.counters.refusals.get("RECONCILE_DRIFT", 0) > 0)
            assert harbour.held() == 9 and desk.lots(0, "one") == 0
            assert len(harbour.client_ids()) == 1

    asyncio.run(life())


def test_flatten_at_the_end_where_the_settings_say_so(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(6, protection=Protection(stop=90.0))}, shutdown="flatten") as desk:
            await desk.until(lambda: desk.lots() == 6)
            assert await desk.stop() == 0
            assert harbour.held() == 0 and not harbour.resting()
            desk.equal()
            assert all(t.work is not Work.WORKING for t in desk.open())

    asyncio.run(life())


def test_what_the_gate_must_know_beside_prices_is_told_to_it(harbour: Harbour) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(2)}) as desk:
            await desk.until(lambda: desk.lots() == 2)
            conditions = desk.state.conditions
            for i, board in enumerate(harbour.server.exchange.market.boards):
                days = [day.v for day in board.days][-20:]
                assert conditions.volumes[i] == pytest.approx(sum(days) / len(days), rel=0.1)
            harbour.ctl("frame", stream="data", body={"T": "l", "S": "AAPL", "u": 110.0, "d": 95.5, "i": "B", "t": "2026-11-20T15:00:00Z", "z": "C"})
            await desk.until(lambda: conditions.bands.get(0) == (95.5, 110.0))
            harbour.ctl("ws", close="all")
            await desk.until(lambda: "market" in conditions.links or desk.node.streams["market"].turns > 1)
            await desk.until(lambda: not conditions.links and all(stream.up for stream in desk.node.streams.values()), 10)
            assert {"STREAM_DOWN"} <= set(desk.alarms)
            desk.equal()

    asyncio.run(life())
