"""`argosy up` as someone starts it who has no account and no terminal: it trades, its books are the exchange's, and it ends cleanly."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DataTable, OptionList, Static
from typer.testing import CliRunner

from argosy.cli.dashboard.app import Dashboard
from argosy.cli.dashboard.kill import Kill, Reason
from argosy.cli.main import app
from argosy.desk.inbox import ask

WAIT_S = 60.0


class Up:
    """A running `argosy up --json`. home: its ARGOSY_HOME."""

    def __init__(self, home: Path) -> None:
        self.environment = os.environ | {"ARGOSY_HOME": str(home)}
        self.work = subprocess.Popen(
            [sys.executable, "-m", "argosy.cli", "up", "--json", "--speed", "120"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.environment,
        )  # fmt: skip
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.ear = threading.Thread(target=self._hear, daemon=True)
        self.ear.start()
        self.url = self.key = ""
        self.inbox = Path()

    def _hear(self) -> None:
        assert self.work.stdout is not None
        for line in self.work.stdout:
            self.said.put(json.loads(line))
        self.said.put({"event": "gone"})

    def until(self, event: str) -> dict[str, Any]:
        """The next event of a name."""
        end = time.monotonic() + WAIT_S
        while True:
            told = self.said.get(timeout=max(0.01, end - time.monotonic()))
            if told["event"] == event:
                return told
            assert told["event"] != "gone", self.work.stderr.read() if self.work.stderr else ""

    def rest(self, path: str) -> Any:
        """What the exchange says."""
        request = urllib.request.Request(self.url + path, headers={"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": "secret"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return json.loads(reply.read())

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = ask(self.inbox, "status")["status"]
        return told

    def argosy(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of another window."""
        return subprocess.run(
            [sys.executable, "-m", "argosy.cli", *words], capture_output=True, text=True, env=self.environment, check=False, timeout=60
        )


    def word(self, *words: str) -> Any:
        """The same in this process, which is quicker."""
        return CliRunner().invoke(app, list(words), env={"ARGOSY_HOME": self.environment["ARGOSY_HOME"]})


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("home"))
    try:
        told = running.until("exchange")
        running.url, running.key = told["url"], told["key"]
        running.inbox = Path(running.until("trading")["inbox"])
        yield running
    finally:
        if running.work.poll() is None:
            running.work.kill()
        running.work.wait()
        running.ear.join()
        for pipe in (running.work.stdout, running.work.stderr):
            assert pipe is not None
            pipe.close()


def settled(up: Up) -> tuple[dict[str, Any], dict[str, float], float]:
    """The desk's status, the exchange's positions and cash, when nothing is under way."""
    end = time.monotonic() + WAIT_S
    while True:
        before, held, account, after = up.status(), up.rest("/v2/positions"), up.rest("/v2/account"), up.status()
        if before["fills"] == after["fills"] and all(order["work"] == "WORKING" for order in after["orders"]):
            return after, {row["symbol"]: float(row["qty"]) for row in held}, float(account["cash"])
        assert time.monotonic() < end
        time.sleep(0.2)


def test_it_is_ready_within_a_minute_and_its_books_are_the_exchanges(up: Up) -> None:
    assert up.until("ready")["fills"] >= 1
    status, held, cash = settled(up)
    assert held, "a position was opened"
    assert {row["symbol"]: row["qty"] for row in status["positions"]} == held
    assert round(status["cash"], 2) == round(cash, 2)
    assert {row["id"] for row in status["strategies"]} == {"trend", "mean_reversion", "breakout"}


def test_the_shell_shows_it_from_another_window(up: Up) -> None:
    told = json.loads(up.argosy("status", "--json").stdout)
    assert told["mode"] == "sim" and told["state"] == "trading"
    page = up.argosy("status").stdout
    assert "trading" in page and "trend" in page


def test_the_owners_words_work_from_another_window(up: Up) -> None:
    """Every command that an owner has for a desk, against the desk of `argosy up`, without any word of where it is."""
    assert json.loads(up.word("pause", "trend", "--reason", "a drill", "--json").stdout)["strategies"] == {"trend": "paused"}
    assert json.loads(up.word("resume", "trend", "--reason", "over", "--json").stdout)["strategies"] == {"trend": "active"}
    assert up.word("pause", "nobody", "--reason", "x").exit_code == 2
    for command in ("positions", "orders"):
        assert isinstance(json.loads(up.word(command, "--json").stdout), list)
    found = up.word("doctor", "--json")
    told = json.loads(found.stdout)
    assert found.exit_code == 0 and told["ready"], told
    checks = {check["name"]: check for check in told["checks"]}
    assert checks["lease"]["value"] and checks["strategies"]["value"] == "3 load" and checks["kill switch"]["status"] == "pass"
    assert json.loads(up.word("reload", "--json").stdout)["changed"] == []
    refused = up.word("resume", "--reason", "nothing is latched")
    assert refused.exit_code == 2 and "LEVEL_CLEAR" in refused.stderr


def test_why_tells_an_order_from_its_bar_to_its_money(up: Up) -> None:
    orders = json.loads(up.argosy("why", "--json").stdout)
    first = next(row for row in orders if row["type"] == "market" and row["state"] == "filled")
    told = json.loads(up.argosy("why", str(first["order"]), "--json").stdout)
    steps = [step["what"] for step in told["steps"]]
    assert steps[:5] == ["bar", "intent", "allocator", "verdict", "order"]
    assert {"venue", "fill"} <= set(steps) and steps[-1] == "result"
    fill = next(step for step in told["steps"] if step["what"] == "fill")
    assert fill["facts"]["lots"] * 1.0 == first["qty"]
    assert "wants to hold" in up.argosy("why", str(first["order"])).stdout
    unknown = up.argosy("why", "3")
    assert unknown.returncode == 2 and "EXPLAIN_ORDER" in unknown.stderr


def test_the_page_shows_the_desk_and_its_kill_key_halts_it(up: Up) -> None:
    async def look() -> None:
        page = Dashboard(lambda verb, **said: ask(up.inbox, verb, by="test", **said))
        async with page.run_test(size=(140, 40)) as pilot:
            async def until(met: Any) -> None:
                end = time.monotonic() + 20.0
                while not met():
                    assert time.monotonic() < end
                    await pilot.pause(0.05)

            held = page.query_one("#strategies", DataTable)
            await until(lambda: held.row_count == 3)
            assert "SIM" in str(page.query_one("#head", Static).render())
            await pilot.press("k")
            await until(lambda: isinstance(page.screen, Kill))
            assert page.screen.query_one(OptionList).highlighted == 1, "halt is what is mostly meant"
            await pilot.press("enter")
            await until(lambda: isinstance(page.screen, Reason))
            await pilot.press("enter")
            assert isinstance(page.screen, Reason) and up.status()["level"] == "LIVE", "without a reason nothing is sent"
            await pilot.press(*"drill", "enter")
            await until(lambda: up.status()["level"] == "HALT")
            await until(lambda: "HALT" in str(page.query_one("#head", Static).render()))
            await pilot.press("q")

    asyncio.run(look())
    status = up.status()
    assert status["cause"] == "drill" and all(order["tag"] == "stop" for order in status["orders"])
    resumed = up.argosy("resume", "--reason", "drill over")
    assert resumed.returncode == 0 and up.status()["level"] in ("PROBE", "LIVE")


def test_with_protections_takes_stops_off_and_a_flatten_of_one_strategy_closes_it(up: Up) -> None:
    assert "COMMAND_REASON" in up.word("halt", "--with-protections").stderr
    assert up.word("halt", "--with-protections", "--reason", "drill").exit_code == 0
    end = time.monotonic() + WAIT_S
    while up.status()["orders"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert up.word("resume", "--reason", "over").exit_code == 0
    for name in ("trend", "mean_reversion", "breakout"):
        assert up.word("flatten", "--strategy", name, "--reason", "drill", "--yes").exit_code == 0
    while up.status()["positions"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert {row["status"] for row in up.status()["strategies"]} == {"paused"}
    assert up.word("resume", "--reason", "x").exit_code in (0, 2)
    for name in ("trend", "mean_reversion", "breakout"):
        up.word("resume", name, "--reason", "over")


def test_sigterm_ends_desk_and_exchange_with_status_0(up: Up) -> None:
    up.work.send_signal(signal.SIGTERM)
    assert up.until("ended")["status"] == 0
    assert up.work.wait(WAIT_S) == 0
    with pytest.raises(OSError, match=r"refused|urlopen"):
        up.rest("/v2/clock")
    verified = up.argosy("journal", "verify", "--json")
    assert verified.returncode == 0 and json.loads(verified.stdout)["whole"]
