"""History before the first decision, prices that come too fast, fills of our own, settings that change, and a desk as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from argosy.cli.main import app
from argosy.core.events import Bar, Quote
from argosy.core.intents import Protection, Target
from argosy.core.strategy import Watch
from argosy.core.time import DAY, MINUTE, MS
from argosy.desk.warm import warm
from argosy.exchange.open import Wanted as Exchange
from argosy.exchange.open import opened
from argosy.house import Terms
from argosy.kernels.indicators import sma
from tests.desk.berth import Berth, asked, berth, says, wants
from tests.desk.harbour import KEY, SECRET, SYMBOLS, Harbour, fresh


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def old() -> Any:
    """An exchange with five sessions behind it, and a year of days."""
    with opened(Exchange(keys=((KEY, SECRET),), symbols=list(SYMBOLS), control=True, seed=5)) as server:
        yield Harbour(server)


class Averages:
    """Notes its averages at each quote, and wants nothing."""

    name = "averages"
    watches = (Watch("*", "bar"), Watch("*", "quote"))
    needs = {"minutes": sma(30), "hours": sma(3, every="1h")}

    def __init__(self) -> None:
        self.seen: list[tuple[int, float, float, bool]] = []

    def on_quote(self, quote: Any, book: Any) -> None:
        needs = book.needs(quote.instrument)
        self.seen.append((quote.instrument, needs.minutes, needs.hours, book.warming))


class Days:
    """Watches days alone."""

    name = "days"
    watches = (Watch("*", "bar", "1d"),)
    needs = {"slow": sma(20)}

    def on_bar(self, bar: Any, book: Any) -> Target | None:
        return None


def test_what_strategies_need_is_warm_before_the_first_decision(old: Harbour) -> None:
    async def life() -> None:
        async with berth(old, {"averages": Averages, "days": Days}) as desk:
            thing = desk.node.engine.slot("averages").thing
            await desk.until(lambda: {row[0] for row in thing.seen} == {0, 1})
            for i, board in enumerate(old.server.exchange.market.boards):
                _, minutes, hours, warming = next(row for row in thing.seen if row[0] == i)
                past = board.minutes
                series = {
                    "open": [b.o for b in past], "high": [b.h for b in past], "low": [b.l for b in past], "close": [b.c for b in past],
                    "volume": [b.v for b in past], "ts": [b.t for b in past], "span": [MINUTE] * len(past),
                }  # fmt: skip
                columns = {name: np.array(values) for name, values in series.items()}
                assert not warming
                assert minutes == sma(30).batch(columns)[-1]
                assert hours == sma(3, every="1h").batch(columns)[-1]
                days = [d for d in board.days if d.t + DAY <= desk.node.clock.now()]
                held = desk.node.engine.slot("days").cells[i].needs.slow
                assert held == pytest.approx(np.mean([d.c for d in days[-20:]]))
            assert desk.told("compared")["bars"] > 60
            rows, books = desk.state.rows, desk.state.hash
            days = [Bar(d.t, d.t + DAY, 0, d.o, d.h, d.l, d.c, d.v, DAY) for d in old.server.exchange.market.boards[0].days[-3:]]
            assert warm(desk.node, days, desk.node.seen) == 0 and desk.state.hash == books
            assert await desk.stop() == 0
        async with berth(old, {"averages": Averages, "days": Days}) as desk:  # what was fed is not fed again
            assert desk.told("compared")["bars"] <= 2 and desk.state.rows >= rows
            thing = desk.node.engine.slot("averages").thing
            await desk.until(lambda: thing.seen)
            assert thing.seen[0][1] == thing.seen[0][1] and not thing.seen[0][3]

    asyncio.run(life())


class Keen:
    """Wants something at every bar, warm or not: it must not be asked before it is warm, nor relived as if it had been."""

    name = "keen"
    watches = (Watch("*", "bar", "1d"),)
    needs = {"slow": sma(20)}

    def on_bar(self, bar: Any, book: Any) -> Target:
        return Target(bar.instrument, lots=1, why="keen")


def test_killed_right_after_its_history_a_strategy_is_still_itself(old: Harbour) -> None:
    async def life() -> None:
        async with berth(old, {"keen": Keen}) as desk:
            assert desk.told("compared")["bars"] >= 40 and desk.state.status == {"keen": "active"}
            desk.running.cancel()
            await asyncio.gather(desk.running, return_exceptions=True)
        async with berth(old, {"keen": Keen}) as desk:
            assert desk.told("compared")["bars"] == 0
            assert desk.state.status == {"keen": "active"} and not desk.alarms
            assert desk.node.engine.slot("keen").cells[0].needs.slow > 0.0

    asyncio.run(life())


def test_when_it_is_behind_the_last_quote_of_each_symbol_counts(harbour: Harbour) -> None:
    async def life() -> None:
        prices: list[float] = []

        def script(quote: Any, book: Any, calls: list[int]) -> None:
            if quote.bid > 500.0:
                prices.append(quote.bid)
                if quote.instrument == 0 and len(prices) == 1:
                    time.sleep(0.004)  # a slow strategy

        async with berth(harbour, {"slow": says(script)}) as desk:
            node, now = desk.node, desk.node.clock.now
            for k in range(50):
                for i in (0, 1):
                    node.row(Quote(now(), now(), i, 600.0 + k, 601.0 + k, 1.0, 1.0))
            assert prices == [600.0]  # the rest of this turn waits
            await desk.until(lambda: len(prices) >= 3)
            assert prices[:3] == [600.0, 649.0, 649.0] and node.conflated >= 97
            assert node.slowest_ns >= 4 * MS
            assert desk.desk.status().conflated == node.conflated

    asyncio.run(life())


def test_in_shadow_no_order_leaves_and_the_fills_are_our_own(old: Harbour) -> None:
    async def life() -> None:
        with fresh(old):
            old.ctl("quote", symbol="AAPL", bid=100.0, ask=100.02)
            before = old.server.requests
            async with berth(old, {"one": wants(10, protection=Protection(stop=95.0))}, mode="shadow") as desk:
                await desk.until(lambda: desk.lots() == 10)
                assert "shadow-" in str(desk.node.folder.root)
                portfolio = desk.state.portfolio
                assert portfolio.cash[0] == 1_000_000 * 10**6 // 10 - desk.state.portfolio.books["one"].fees[0] - 10 * 100_020_000
                assert desk.wired_fees() > 0
                assert [(t.order.tag, t.order.stop) for t in desk.open()] == [("stop", 95.0)]
                old.ctl("quote", symbol="AAPL", bid=94.0, ask=94.02)
                await desk.until(lambda: desk.lots() == 0)
                assert desk.desk.rounds is None and desk.desk.wired.account_stream is None
                held, cash = desk.lots(), portfolio.cash[0]
                assert await desk.stop() == 0
            async with berth(old, {"one": wants(10, protection=Protection(stop=90.0))}, mode="shadow") as desk:
                assert (desk.state.portfolio.cash[0], held) == (cash, 0)
                old.ctl("quote", symbol="AAPL", bid=100.0, ask=100.02)
            assert not old.client_ids() and old.server.requests > before  # prices and facts were asked for, nothing was sent

    asyncio.run(life())


def _fees(self: Berth) -> int:
    return sum(book.fees[0] for book in self.state.portfolio.books.values())


Berth.wired_fees = _fees  # type: ignore[attr-defined]


def test_limits_and_intervals_change_while_it_runs_and_the_mode_does_not(harbour: Harbour) -> None:
    def more(quote: Any, book: Any, calls: list[int]) -> Any:
        return Target(0, lots=len(calls), why="more") if quote.instrument == 0 else None

    async def life() -> None:
        wish = asked(harbour, {"one": says(more)})
        fresh_settings = [(wish.terms, wish.settings, wish.wanted)]
        wish = msgspec.structs.replace(wish, again=lambda: fresh_settings[-1])
        async with berth(harbour, wish) as desk:
            await desk.until(lambda: desk.lots() >= 2)
            assert (await desk.ask("reload"))["changed"] == []
            limits = dict(wish.terms.limits) | {"order_size": {"max_lots": 1}, "daily_loss": {"max_pct": 1.5}}
            narrower = Terms(limits=limits, breakers=wish.terms.breakers)
            fresh_settings.append((narrower, wish.settings.model_copy(update={"orders_s": 3.0, "policy": "adopt"}), wish.wanted))
            told = (await desk.ask("reload"))["changed"]
            assert told == ["desk.orders_s", "desk.policy", "risk"]
            assert desk.desk.rounds is not None and desk.desk.rounds.every.orders == 3.0
            assert (await desk.ask("status"))["status"]["gauges"][0]["limit"] == pytest.approx(0.015)
            fresh_settings.append((narrower, wish.settings.model_copy(update={"mode": "paper"}), wish.wanted))
            with pytest.raises(Exception, match="RELOAD_REFUSED"):
                await desk.ask("reload")
            assert desk.desk.settings.orders_s == 3.0 and not desk.running.done()

    asyncio.run(life())


# -- as a process -------------------------------------------------------------------------------------------------------------

STRATEGY = '''
from argosy.core.intents import Protection, Target
from argosy.core.strategy import Watch

class Flip:
    watches = (Watch("*", "quote"),)
    def __init__(self):
        self.n = 0
    def on_quote(self, quote, book):
        self.n += 1
        if self.n % 5:
            return None
        lots = 0 if book.lots(quote.instrument) else 4
        return Target(quote.instrument, lots=lots, why=f"flip {self.n}", protection=Protection(stop=round(quote.bid * 0.9, 2)) if lots else None)
'''
LIMITS = "".join(f'[risk.{rule}]\n{key} = "off"\n' for rule, key in (("trades_per_day", "max_trades"), ("losing_streak", "max_losses")))
LIMITS += '[risk.band]\nrespect = false\n[breakers]\nrepeats = 0\nlosses = 0\nvelocity_frac = 0.0\n[watchdog]\non = false\n'


@contextmanager
def argosy(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A desk as a process; it is gone when the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "argosy.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(*words: str) -> Any:
    """A command of the owner's, in this process: (its document, its exit status)."""
    result = CliRunner().invoke(app, [*words, "--json"])
    return json.loads(result.stdout if result.exit_code == 0 else result.stderr), result.exit_code


def test_as_a_process_it_trades_answers_and_ends_cleanly_at_sigterm(harbour: Harbour, home: Path) -> None:
    harbour.ctl("quote", symbol="AAPL", walk=True)
    (home / "flip.py").write_text(STRATEGY)
    (home / "argosy.toml").write_text(LIMITS)
    refused, status = said("status")
    assert status == 2 and refused["error"]["code"] == "DESK_NOT_RUNNING" and "argosy run" in refused["error"]["fix"]
    common = ("run", f"{home}/flip.py:Flip", "--symbols", "AAPL,MSFT", "--base", harbour.server.url, "--key", KEY, "--secret", SECRET,
              "--config", f"{home}/argosy.toml", "--json", "--every", "200ms")  # fmt: skip
    with argosy(*common) as desk:
        fills = 0
        assert desk.stdout is not None
        for line in desk.stdout:
            told = json.loads(line)
            if told["event"] == "status" and (fills := told["fills"]) >= 4:
                break
        assert fills >= 4
        report, status = said("status")
        assert status == 0 and report["state"] == "trading" and report["fills"] >= 4
        rows, status = said("positions")
        assert status == 0 and isinstance(rows, list)
        halted, status = said("halt", "--reason", "a test")
        assert status == 0 and halted["level"] == 2
        refused, status = said("halt")
        assert status == 2 and refused["error"]["code"] == "COMMAND_REASON"
        desk.send_signal(signal.SIGTERM)
        rest, complaint = desk.communicate(timeout=20)
    assert desk.returncode == 0, complaint
    last = json.loads(rest.splitlines()[-1])
    assert last == {"event": "ended", "why": "SIGTERM", "status": 0}
    (log,) = home.glob("desks/sim-*/log.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["event"] == "ended" and {line["mode"] for line in lines} == {"sim"} and KEY not in log.read_text()
    assert harbour.held(0) in (0, 4) and len(harbour.resting()) == (harbour.held(0) > 0) + (harbour.held(1) > 0)


@pytest.mark.parametrize("place", ["effects.before:3"])
def test_killed_at_a_place_it_goes_on_where_it_was(harbour: Harbour, home: Path, place: str) -> None:
    harbour.ctl("quote", symbol="AAPL", walk=True)
    (home / "flip.py").write_text(STRATEGY)
    (home / "argosy.toml").write_text(LIMITS)
    common = ("run", f"{home}/flip.py:Flip", "--symbols", "AAPL", "--base", harbour.server.url, "--key", KEY, "--secret", SECRET,
              "--config", f"{home}/argosy.toml", "--json", "--every", "200ms")  # fmt: skip
    with argosy(*common, ARGOSY_CRASH=place) as first:
        told, complaint = first.communicate(timeout=30)
    assert first.returncode == -signal.SIGKILL, complaint
    assert '"ended"' not in told

    async def life() -> None:
        async with berth(harbour, asked(harbour, {"flip": wants(3)}, symbols=["AAPL"])) as desk:
            assert desk.lots() == harbour.held()
            assert desk.state.portfolio.cash[0] == harbour.account.cash
            await desk.stop()
            desk.equal()

    asyncio.run(life())
    names = harbour.client_ids()
    assert names and len(names) == len(set(names))


def test_the_wrong_command_is_said_in_one_message(home: Path) -> None:
    for words, code in (
        (("run", "--symbols", "AAPL", "--base", "http://127.0.0.1:1"), "STRATEGY_NONE"),
        (("run", "trend", "--symbols", "AAPL"), "DESK_BASE"),
        (("run", "trend", "--symbols", "AAPL", "--mode", "live"), "LIVE_FLAG"),
        (("run", "trend", "--symbols", "AAPL", "--live", "--base", "http://127.0.0.1:1"), "LIVE_FLAG"),
        (("run", "trend", "--symbols", "AAPL", "--mode", "paper", "--key", "PKX"), "KEY_ALOUD"),
        (("run", "trend", "nope", "-p", "fast=3", "--base", "http://127.0.0.1:1"), "PARAM_WHOSE"),
    ):
        told, status = said(*words)
        assert told["error"]["code"] == code and told["error"]["fix"], words
        assert status == 2
    assert not list(home.glob("desks/*"))
