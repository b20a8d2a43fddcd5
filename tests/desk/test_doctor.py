"""The examination on a real exchange: what passes, and each thing that can be wrong, found by name with its fix."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from argosy.cli.main import app
from argosy.core.errors import Misconfigured
from argosy.desk import arming, doctor, latch, soundings, vitals
from argosy.desk.doctor import examine
from argosy.desk.folder import Folder, of
from argosy.desk.soundings import Broker
from argosy.desk.vitals import Check
from argosy.exchange.server import Server
from argosy.house import Wanted
from argosy.net.keystore import Cost, Keystore
from argosy.net.secret import Secret
from argosy.settings import Settings
from argosy.store.lease import Lease
from argosy.store.opening import LOCK
from tests.desk.emergency import KEY, SECRET, account, ask, client, control, desk, exchange, live, order

HOLD = (Wanted("buy_and_hold", "buy_and_hold", {}, ("AAA", "BBB")),)
NAMES = [
    "zones", "keystore", "strategies", "limits", "api", "account", "balance", "clock", "calendar", "symbols", "data", "disk", "journal", "lease",
    "latch", "kill switch", "watchdog",
]  # fmt: skip


@pytest.fixture
def home(bare: Path) -> Path:
    return bare


def settings(server: Server, **sections: Any) -> Settings:
    own = {"mode": "sim", "base": server.url, "account": account(server)} | sections.pop("desk", {})
    return Settings.model_validate({"desk": own, **sections})


def found(server: Server, *only: str, wanted: tuple[Wanted, ...] = HOLD, **sections: Any) -> dict[str, Check]:
    return {check.name: check for check in asyncio.run(examine(settings(server, **sections), wanted, (KEY, SECRET), only=only)).checks}


def bad(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.status for name, check in checks.items() if check.status != "pass"}


def test_all_is_well_and_it_is_written_down(home: Path) -> None:
    with exchange() as server:
        told: list[Check] = []
        seen = asyncio.run(examine(settings(server), HOLD, (KEY, SECRET), told=told.append))
        assert [check.name for check in seen.checks] == NAMES and told == seen.checks
        assert bad({check.name: check for check in seen.checks}) == {} and seen.ready
        assert live(server) == []
        tried = [row for row in ask(server, "GET", "/v2/orders?status=all") if row["client_order_id"].startswith("DOCTOR-")]
        assert [(row["symbol"], row["qty"], row["limit_price"], row["status"]) for row in tried] == [("AAA", "1", "50", "canceled")]
        folder = of("sim", account(server))
        (path,) = folder.doctor.iterdir()
        assert doctor.read(path) == seen and not list(folder.root.glob("exercise-*"))
        path.write_text(path.read_text().replace('"status":"pass"', '"status":"fail"', 1))
        with pytest.raises(Misconfigured, match="it was changed"):
            doctor.read(path)
        path.write_text("{")
        with pytest.raises(Misconfigured, match="no examination"):
            doctor.read(path)


def test_an_account_that_is_another_or_may_not_trade(home: Path) -> None:
    with exchange() as server:
        other = found(server, "account", "watchdog", desk={"account": "PA1"})
        assert other["account"].status == "fail" and "PA1" in other["account"].said and other["watchdog"].status == "pass"
        assert found(server, "account", desk={"account": ""})["account"].status == "warn"
        ask(server, "PATCH", "/v2/account/configurations", {"suspend_trade": True})
        checks = found(server, "account", "kill switch")
        assert (checks["account"].status, checks["kill switch"].status) == ("fail", "fail") and "suspended" in checks["account"].said


def test_keys_that_are_wrong_and_an_exchange_that_is_not_there(home: Path) -> None:
    with exchange() as server:
        seen = asyncio.run(examine(settings(server), HOLD, ("PKX", "no")))
        assert not seen.ready and [(check.name, check.status) for check in seen.checks][-1] == ("api", "fail") and "401" in seen.checks[-1].value
        gone = settings(server)
    seen = asyncio.run(examine(gone, HOLD, (KEY, SECRET)))
    assert (seen.checks[-1].name, seen.checks[-1].value, seen.account) == ("api", "CONNECT", "")
    elsewhere = Settings.model_validate({"desk": {"mode": "sim", "base": "http://10.0.0.1:80"}})
    assert asyncio.run(examine(elsewhere, HOLD, (KEY, SECRET))).checks[-1].value == "HOST_FORBIDDEN"
    paper = Settings.model_validate({"desk": {"mode": "paper"}})
    assert asyncio.run(examine(paper, HOLD, ("AK1", "real"))).checks[-1].value == "KEY_MODE"
    with pytest.raises(Misconfigured, match=r"PREFLIGHT.*not ready: .*api"):
        doctor.preflight(elsewhere, HOLD, (KEY, SECRET))


@pytest.mark.parametrize(("skew", "status"), [(0.0, "pass"), (-0.6, "warn"), (0.6, "warn"), (3.0, "fail"), (-3.0, "fail")])
def test_a_clock_that_is_wrong(home: Path, skew: float, status: str) -> None:
    with exchange() as server:

        async def meet() -> Broker:
            door, broker = client(server), Broker()
            await broker.meet(door)
            lag = broker.offset_ns or 0
            control(server, "clock", skew=skew - lag / 1e9)
            await broker.meet(door)
            await door.close()
            return broker

        broker = asyncio.run(meet())
        assert soundings.clock(broker, own=False).status == status
        assert soundings.clock(broker, own=True).status == "pass"
        assert soundings.clock(Broker(), own=False).status == "fail"


def test_a_calendar_that_differs_and_a_market_that_is_open_at_another_hour(home: Path) -> None:
    with exchange(start="2026-11-09T15:30:00Z") as server:

        async def look(own: bool) -> Check:
            door, broker = client(server), Broker()
            await broker.meet(door)
            try:
                return await soundings.calendar(door, broker, own)
            finally:
                await door.close()

        check = asyncio.run(look(False))
        assert check.status == "pass" and "open now" in check.said and check.value == "25 days equal"
        control(server, "clock", is_open=False)
        assert asyncio.run(look(False)).status == "fail" and asyncio.run(look(True)).status == "pass"
        rows = [row for row in ask(server, "GET", "/v2/calendar?start=2026-11-04&end=2026-12-09") if row["date"] != "2026-11-25"]
        for row in rows:
            row["close"] = "12:00" if row["date"] == "2026-11-24" else row["close"]
        server.exchange.hours.calendar = lambda start, end: rows  # type: ignore[method-assign]
        check = asyncio.run(look(True))
        assert (check.status, check.value) == ("fail", "2 of 25 days")
        assert "2026-11-24: the broker has 0930 to 1200, the calendar 0930 to 1600" in check.said


def test_prices_that_are_old_or_missing_and_symbols_that_are_not_traded(home: Path) -> None:
    with exchange() as server:
        stale = {"AAA": {"t": "2026-11-09T15:30:00Z", "bp": 1, "ap": 2}, "BBB": {"t": "2026-11-09T15:30:00Z", "bp": 1, "ap": 2}}
        control(server, "fault", method="GET", path="/v2/stocks/quotes/latest", status=200, body={"quotes": stale}, times=1)
        assert "older than 60 s" in found(server, "data")["data"].said
        checks = found(server, "symbols", "data", wanted=(msgspec.structs.replace(HOLD[0], symbols=("AAA", "NOPE")),))
        assert bad(checks)["symbols"] == "fail" and "NOPE" in checks["symbols"].said
        assert checks["data"].status == "fail"


def test_a_kill_switch_that_does_not_work_is_found(home: Path) -> None:
    with exchange() as server:
        control(server, "hold_cancels", on=True)

        async def tried() -> Check:
            from argosy.venues.alpaca.client import connect
            from argosy.venues.alpaca.modes import place

            sender, door = connect(place("sim", base=server.url), Secret(KEY), Secret(SECRET)), client(server)
            import decimal

            try:
                return await asyncio.wait_for(soundings.kill(sender, door, "AAA", decimal.Decimal(100)), 30)
            finally:
                await sender.close()
                await door.close()

        original = soundings.Kill.run
        soundings.Kill.run = lambda self, within_s=None: original(self, 1.0)  # type: ignore[method-assign, assignment]
        try:
            check = asyncio.run(tried())
        finally:
            soundings.Kill.run = original  # type: ignore[method-assign]
        assert (check.status, check.value) == ("fail", "pending_cancel") and "DOCTOR-" in check.fix


def test_the_exercise_touches_no_other_order_and_no_position(home: Path) -> None:
    with exchange() as server:
        order(server, "AAA", "sell", 3)  # a naked short: a buy would count as an exit
        entry = order(server, "BBB", "buy", 1, "limit", limit_price="40")
        assert found(server, "kill switch")["kill switch"].status == "pass"
        assert [row["id"] for row in live(server)] == [entry["id"]]


def test_beside_a_desk_that_runs_nothing_is_sent(home: Path) -> None:
    with exchange() as server:
        folder = of("sim", account(server)).make()
        with desk(folder), Lease(folder.journal / LOCK):
            checks = found(server, "lease", "kill switch")
        assert (checks["lease"].status, checks["kill switch"].status) == ("warn", "pass") and "no order was sent" in checks["kill switch"].said
        assert ask(server, "GET", "/v2/orders?status=all") == []
        with Lease(folder.journal / LOCK, account="PA9"):
            held = found(server, "lease")["lease"]
        assert held.status == "fail" and f"process {os.getpid()} on " in held.value
        assert found(server, "lease")["lease"].status == "pass"


def test_a_latch_and_a_damaged_journal_and_a_disk_that_is_not_there(home: Path) -> None:
    with exchange() as server:
        folder = of("sim", account(server)).make()
        latch.write(folder.latch, latch.HALT, "because", "somebody", 1)
        (folder.journal / "00000000000000000001.journal").write_bytes(b"no journal at all" * 100)
        checks = found(server, "latch", "journal")
        assert checks["latch"].status == "warn" and "because" in checks["latch"].said
    missing = Folder(home / "nowhere")
    (home / "nowhere").mkdir()
    (home / "nowhere" / "journal").write_text("a file")
    assert vitals.journal(missing).status == "fail"


@pytest.mark.parametrize(
    ("risk", "status", "said"),
    [
        ({}, "pass", ""),
        ({"daily_loss": {"max_pct": 90.0}}, "fail", "daily_loss.max_pct = 90"),
        ({"daily_loss": {"max_pct": 0.01}}, "fail", "daily_loss.max_pct = 0.01"),
        ({"daily_loss": {"max_pct": 0.0}}, "fail", ""),
        ({"daily_loss": {"max_pct": 8.0}}, "warn", "daily_loss.max_pct = 8"),
        ({"daily_loss": {"max_pct": "off"}}, "warn", "daily_loss.max_pct is off"),
        ({"position": {"max_pct": 60.0}}, "warn", "position.max_pct = 60"),
        ({"exposure": {"max_leverage": 9.0}}, "fail", "exposure.max_leverage = 9"),
        ({"protection": {"required": False}}, "warn", "positions need no stop"),
        ({"protection": {"required": True, "default_stop_pct": 80.0}}, "fail", "default_stop_pct = 80"),
        ({"nothing": {"x": 1}}, "fail", "nothing"),
    ],
)
def test_limits_that_nobody_can_have_meant(risk: dict[str, Any], status: str, said: str) -> None:
    check = vitals.limits(Settings.model_validate({"risk": risk}))
    assert check.status == status and said in check.said


def test_strategies_that_do_not_load(home: Path) -> None:
    assert vitals.fleet(()).status == "fail"
    assert vitals.fleet((Wanted("x", "no_such_strategy"),)).status == "fail"
    assert vitals.fleet((Wanted("trend", "trend", {"fast": -5}),)).status == "fail"
    half = Wanted("a", "buy_and_hold", budget_frac=0.7)
    assert vitals.fleet((half, msgspec.structs.replace(half, name="b"))).value == "140%"


def test_a_keystore_that_does_not_open(home: Path) -> None:
    paper = {"ALPACA_API_KEY": "PK1", "ALPACA_SECRET_KEY": "x"}
    assert vitals.safe("paper", {}).status == "fail" and vitals.safe("paper", paper).status == "pass" and vitals.safe("sim", {}).status == "pass"
    store = Keystore(home / "secrets.json", Secret("a passphrase"), cost=Cost(64, 1, 1))
    store.set("ALPACA_API_KEY", Secret("PK1"), 1)
    assert vitals.safe("paper", {}).value == "closed" and vitals.safe("paper", paper).status == "pass"
    word = {"ARGOSY_PASSPHRASE": "a passphrase"}
    assert "ALPACA_SECRET_KEY is not set" in vitals.safe("paper", word).said
    assert vitals.safe("live", word | paper).status == "fail"
    store.set("ALPACA_SECRET_KEY", Secret("x"), 1)
    assert vitals.safe("paper", word).status == "pass"
    assert vitals.safe("paper", {"ARGOSY_PASSPHRASE": "another one"}).value == "PASSPHRASE"
    (home / "secrets.json").chmod(0o644)
    assert vitals.safe("paper", word).status == "warn"


def test_what_is_missing_for_real_money_is_one_failure_that_names_it_all() -> None:
    assert doctor.armed([]).status == "pass"
    check = doctor.armed(arming.conditions(arming.Facts()))
    assert check.status == "fail" and check.value == "10 missing" and "LIVE_FLAG" in check.said


# -- the commands ------------------------------------------------------------------------------------------------------


def said(*words: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words), input=typed)
    return result.exit_code, result.output


def test_the_command_tells_people_and_machines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    with exchange() as server:
        status, text = said("doctor", "buy_and_hold", "--symbols", "AAA", "--base", server.url)
        assert status == 0 and "ready" in text and "kill switch" in text and "desk.account" in text
        status, text = said("doctor", "--base", server.url, "--json", "--only", "strategies")
        told = json.loads(text)
        assert status == 1 and not told["ready"] and [(row["name"], row["status"]) for row in told["checks"]] == [("strategies", "fail")]
        assert said("doctor", "--base", server.url, "--only", "nothing")[0] == 2


def test_the_ceremony_from_yes_to_no(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal on the exchange: all is shown, the number is typed, the record is signed; it can never open real money."""
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("ARGOSY_PASSPHRASE", "a passphrase")
    caps = '[arming]\nsize_cap_usd = 500.0\nfirst_cap_usd = 50.0\nfirst_minutes = 10.0\n[strategies.buy_and_hold]\nsymbols = ["AAA"]\n'
    with exchange() as server:
        number = account(server)
        start = ("arm", "--base", server.url)
        assert said(*start, "buy_and_hold")[0] == 2  # no cap is set
        (home.parent / "argosy.toml").write_text(caps)
        for typed in ("yes\n", f"{number}0\n", "\n"):
            assert said(*start, typed=typed)[0] != 0 and not of("sim", number).arming.exists()
        monkeypatch.setenv("CI", "true")
        assert said(*start, typed=number)[0] == 2
        monkeypatch.delenv("CI")
        assert said(*start, "--days", "8", typed=number)[0] == 2
        status, text = said(*start, "--days", "2", typed=f"{number}\n")
        assert status == 0 and "rehears" in text
        for shown in (number, "100,000.00 USD", "buy_and_hold", "daily_loss max_pct 2", "500.00 USD at most", "50.00 USD in the first 10 minutes"):
            assert shown in text
        signed = arming.read(of("sim", number).arming)
        assert signed is not None and arming.verified(signed, arming.trusted()) == "good" and signed.record.host == "sim"
        status, text = said("arm", "--check", "--base", server.url, "--json")
        missing = [row["code"] for row in json.loads(text)["missing"]]
        assert status == 1 and "LIVE_RECORD" not in missing and "LIVE_RECORD_CODE" not in missing and "LIVE_RECORD_ACCOUNT" in missing
        (home.parent / "argosy.toml").write_text(caps.replace("500", "900"))
        missing = [row["code"] for row in json.loads(said("arm", "--check", "--base", server.url, "--json")[1])["missing"]]
        assert "LIVE_RECORD_LIMITS" in missing and "LIVE_RECORD_STRATEGIES" not in missing
        (home.parent / "argosy.toml").write_text(caps.replace('["AAA"]', '["AAA", "BBB"]'))
        missing = [row["code"] for row in json.loads(said("arm", "--check", "--base", server.url, "--json")[1])["missing"]]
        assert "LIVE_RECORD_STRATEGIES" in missing
        folder = of("sim", number)
        assert said("disarm", "--account", number)[0] == 2 and folder.arming.exists()
        with desk(folder):
            status, text = said("disarm", "--account", number, "--reason", "the week is over")
            assert status == 0 and "halted" in text and not folder.arming.exists() and latch.read(folder.latch) is not None
            assert said("unlatch", "--account", number, "--reason", "it is over")[0] == 2  # a desk runs: it is told to resume
        assert said("unlatch", "--account", number, "--reason", "it is over")[0] == 0 and latch.read(folder.latch) is None


def test_kill_from_the_command_line_with_no_desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    (home.parent / "argosy.toml").write_text('[strategies.broken]\nplugin = "there is none"\n')  # it must not keep anybody from stopping
    with exchange() as server:
        number = account(server)
        order(server, "AAA", "buy", 10)
        stop = order(server, "AAA", "sell", 10, "stop", stop_price="90")
        order(server, "BBB", "buy", 1, "limit", limit_price="40")
        status, text = said("kill", "--base", server.url, "--reason", "I want to look")
        assert status == 0 and "out of risk" in text and [row["id"] for row in live(server)] == [stop["id"]]
        found = latch.read(of("sim", number).latch)
        assert found is not None and found.level == latch.HALT and found.cause == "KILL: I want to look"
        status, text = said("kill", "--base", server.url, "--flatten", "all", "--json")
        assert status == 0 and json.loads(text[text.index("{") :])["result"]["positions"] == 0 and live(server) == []
        control(server, "hold_cancels", on=True)
        order(server, "BBB", "buy", 1, "limit", limit_price="40")
        status, text = said("kill", "--base", server.url, "--within", "1")
        assert status == 1 and "NOT CLEAN" in text and "broker's own page" in re.sub(r"\s+", " ", text)


def test_nothing_heavy_is_loaded_for_an_emergency() -> None:
    import subprocess

    code = "import sys, argosy.cli.watchdog; print([m for m in ('numba', 'polars', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)).stdout.strip() == "[]"
