"""What the broker is found to be: each answer that is no yes, by name and with its fix, on a real exchange that answers as it is told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from argosy.desk import ceremony, doctor, latch, soundings, vitals
from argosy.desk.doctor import examine
from argosy.desk.folder import Folder, of
from argosy.desk.soundings import Broker
from argosy.desk.vitals import Check
from argosy.desk.watchdog import gone
from argosy.exchange.server import Server
from argosy.house import Wanted
from argosy.settings import Settings
from argosy.venues.alpaca.codec import WireAccount, WireClock
from tests.desk.emergency import KEY, SECRET, account, ask, client, control, exchange, live

HOLD = (Wanted("buy_and_hold", "buy_and_hold", {}, ("AAA",)),)
RICH: dict[str, Any] = {"cash": Decimal(10), "equity": Decimal(10), "buying_power": Decimal(10)}


@pytest.fixture(autouse=True)
def home(bare: Path) -> Path:
    return bare


def met(**named: Any) -> Broker:
    broker = Broker()
    for name, value in named.items():
        setattr(broker, name, value)
    return broker


def named(mode: str = "paper", pinned: str = "") -> Settings:
    return Settings.model_validate({"desk": {"mode": mode, "account": pinned}})


def settings(server: Server, **desk: Any) -> Settings:
    return Settings.model_validate({"desk": {"mode": "sim", "base": server.url, "account": account(server), **desk}})


def asked(server: Server, look: Callable[[Any, Broker], Any]) -> Check:
    """One sounding of a server, by a client of the emergency door that has met it."""

    async def go() -> Check:
        door, broker = client(server), Broker()
        try:
            await broker.meet(door)
            return await look(door, broker)  # type: ignore[no-any-return]
        finally:
            await door.close()

    return asyncio.run(go())


# -- by what it answered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broker", "status", "value"),
    [
        (met(refused="401 unauthorized"), "fail", "401 unauthorized"),
        (met(), "fail", ""),
        (met(clock=WireClock(), best_ms=1500.0), "warn", "1500 ms"),
        (met(clock=WireClock(), best_ms=20.0), "pass", "20 ms"),
        (met(account=WireAccount(), best_ms=20.0), "pass", "20 ms"),
    ],
)
def test_whether_it_answers(broker: Broker, status: str, value: str) -> None:
    check = soundings.reachable(broker)
    assert (check.status, check.value) == (status, value) and bool(check.fix) == (status == "fail")


@pytest.mark.parametrize(
    ("found", "mode", "pinned", "status", "said"),
    [
        (None, "paper", "PA1", "fail", "does not tell which account"),
        (WireAccount(account_number="PA1"), "paper", "PA2", "fail", "for PA2"),
        (WireAccount(account_number="PA1", status="ONBOARDING", account_blocked=True), "paper", "PA1", "fail", "status ONBOARDING, blocked"),
        (WireAccount(account_number="PA1", trading_blocked=True), "paper", "PA1", "fail", "trading blocked"),
        (WireAccount(account_number="PA1", trade_suspended_by_user=True), "paper", "PA1", "fail", "suspended by its user"),
        (WireAccount(account_number="PA1", status="ACTIVE"), "live", "PA1", "fail", "paper money"),
        (WireAccount(account_number="123", status="ACTIVE"), "live", "", "fail", "any other account"),
        (WireAccount(account_number="PA1", status="ACTIVE"), "paper", "", "warn", "any other account"),
        (WireAccount(account_number="PA1", status="ACTIVE"), "paper", "PA1", "pass", "the one that was named"),
    ],
)
def test_which_account_it_is_and_whether_it_may_trade(found: Any, mode: str, pinned: str, status: str, said: str) -> None:
    check = soundings.account(met(account=found), named(mode, pinned))
    assert check.status == status and said in check.said and bool(check.fix) == (status != "pass")


@pytest.mark.parametrize(
    ("found", "status", "value"),
    [
        (None, "fail", "a reason"),
        (WireAccount(**RICH | {"equity": None}), "fail", "a reason"),
        (WireAccount(**RICH | {"equity": Decimal(0)}), "fail", "equity 0.00, cash 10.00, buying power 10.00 USD"),
        (WireAccount(**RICH | {"buying_power": Decimal(-2)}), "warn", "equity 10.00, cash 10.00, buying power -2.00 USD"),
        (WireAccount(**RICH), "pass", "equity 10.00, cash 10.00, buying power 10.00 USD"),
    ],
)
def test_what_it_holds(found: Any, status: str, value: str) -> None:
    check = soundings.balance(met(account=found, refused="a reason"))
    assert (check.status, check.value) == (status, value)


# -- by asking -----------------------------------------------------------------------------------------------------------


def test_what_is_refused_or_is_no_answer_fails_by_name() -> None:
    table: tuple[tuple[str, str, dict[str, Any], Callable[[Any, Broker], Any], str, str], ...] = (
        ("GET", "/v2/calendar", {"status": 403}, lambda door, broker: soundings.calendar(door, broker, False), "403", "does not tell its sessions"),
        ("GET", "/v2/stocks/quotes/latest", {"status": 403}, lambda door, broker: soundings.data(door, broker, ["AAA"], named()), "403", "no prices"),
        ("GET", "/v2/stocks/quotes/latest", {"status": 200, "body": {"quotes": {}}},
         lambda door, broker: soundings.data(door, broker, ["AAA", "BBB"], named()), "2 missing", "AAA, BBB"),
        ("GET", "/v2/assets", {"status": 200, "body": {"symbol": "AAA", "tradable": False, "status": "active"}},
         lambda door, broker: soundings.assets(door, ["AAA"]), "1 of 1", "AAA is not traded"),
        ("DELETE", "/v2/orders", {"status": 401, "body": {"code": 40110000, "message": "request is not authorized"}},
         lambda door, broker: soundings.kill(None, door, "AAA", None), "40110000 request is not authorized", "a cancel is not heard"),
    )  # fmt: skip
    with exchange() as server:
        for method, path, fault, look, value, said in table:
            control(server, "fault", method=method, path=path, times=1, **fault)
            check = asked(server, look)
            assert check.status == "fail" and value in check.value and said in check.said and check.fix, (path, check)
        assert asked(server, lambda door, broker: soundings.data(door, broker, [], named())).status == "warn"
        assert asked(server, lambda door, broker: soundings.kill(None, door, "AAA", None)).status == "pass"
        control(server, "clock", is_open=False)
        before = asked(server, lambda door, broker: soundings.data(door, broker, ["AAA"], named()))
        assert (before.status, before.said) == ("pass", "prices of before the close")


def test_an_order_that_is_not_taken_is_no_proof_of_the_kill_switch() -> None:
    from argosy.net.secret import Secret
    from argosy.venues.alpaca.client import connect
    from argosy.venues.alpaca.modes import place

    with exchange() as server:
        control(server, "fault", method="POST", path="/v2/orders", status=403, times=1)

        async def tried(door: Any, broker: Broker) -> Check:
            sender = connect(place("sim", base=server.url), Secret(KEY), Secret(SECRET))
            try:
                return await soundings.kill(sender, door, "AAA", Decimal(100))
            finally:
                await sender.close()

        check = asked(server, tried)
        assert check.status == "fail" and "nothing could be taken back" in check.said and live(server) == []


def test_a_broker_that_tells_the_time_and_not_the_account_ends_the_examination(home: Path) -> None:
    with exchange() as server:
        wanted = settings(server)
        control(server, "fault", method="GET", path="/v2/account", status=403, times=None)
        seen = asyncio.run(examine(wanted, HOLD, (KEY, SECRET)))
        checks = {check.name: check for check in seen.checks}
        assert [checks[name].status for name in ("api", "account", "balance")] == ["pass", "fail", "fail"]
        assert not seen.ready and seen.account == "" and "kill switch" not in checks and not home.exists()


def test_where_no_order_leaves_no_kill_switch_is_needed_and_no_watchdog() -> None:
    with exchange() as server:
        seen = asyncio.run(examine(settings(server, mode="shadow"), HOLD, (KEY, SECRET)))
        checks = {check.name: check for check in seen.checks}
        assert checks["kill switch"].value == "none needed" and "watchdog" not in checks
        assert ask(server, "GET", "/v2/orders?status=all") == []
        assert doctor.read(next(of("shadow", account(server)).doctor.iterdir())) == seen


def test_with_real_money_what_is_missing_of_the_arming_is_told_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker of real money is not here: who the account is, is said in its place; the rest looks for it in vain."""

    async def told(self: Broker, door: Any) -> None:
        self.account, self.clock, self.offset_ns = WireAccount(account_number="123456789", status="ACTIVE", **RICH), WireClock(), 0

    hosts: list[str] = []

    async def nowhere(self: object, host: str, port: int, **named: object) -> list[object]:
        hosts.append(host)
        raise OSError(f"{host} is not there")

    monkeypatch.setattr(Broker, "meet", told)
    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", nowhere)
    only = ("account", "arming", "lease")
    seen = asyncio.run(examine(named("live", "123456789"), HOLD, ("AKREAL", "real"), only=only))
    checks = {check.name: check for check in seen.checks}
    assert checks["account"].status == checks["lease"].status == "pass" and checks["arming"].status == "fail"
    assert "LIVE_FLAG" in checks["arming"].said and "LIVE_RECORD" in checks["arming"].said and set(hosts) <= {"api.alpaca.markets"}


# -- what goes wrong here ------------------------------------------------------------------------------------------------


def test_a_check_that_cannot_be_made_fails_by_the_name_of_what_stopped_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with exchange() as server:
        wanted = settings(server)
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        (check,) = asyncio.run(examine(wanted, HOLD, (KEY, SECRET), only=("watchdog",))).checks
        assert (check.name, check.status, check.value) == ("watchdog", "fail", "FileNotFoundError") and "/nowhere/python" in check.said


def test_a_watchdog_that_ends_at_once_or_never_or_reaches_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with exchange() as server:
        number = account(server)

        def watched(name: str, base: str, number: str) -> Check:
            (tmp_path / name).mkdir()
            wanted = Settings.model_validate({"desk": {"mode": "sim", "base": base}})
            return asyncio.run(soundings.watched(tmp_path / name, wanted, "sim", (KEY, SECRET), number))

        refused = watched("other", "http://10.0.0.1:1", number)
        assert (refused.status, refused.value) == ("fail", "exit status 2") and "does not watch" in refused.said
        alone = watched("alone", "http://127.0.0.1:9", number)
        assert alone.status == "fail" and "the broker does not answer it" in alone.said
        started: list[subprocess.Popen[bytes]] = []

        def hangs(folder: Folder, **named: Any) -> subprocess.Popen[bytes]:
            started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
            return started[0]

        monkeypatch.setattr(soundings.watchdog, "start", hangs)
        monkeypatch.setattr(soundings, "WATCHDOG_S", 0.1)
        monkeypatch.setattr(soundings, "END_S", 0.1)
        wanted = settings(server)
        begun = time.monotonic()
        (check,) = asyncio.run(examine(wanted, HOLD, (KEY, SECRET), only=("watchdog",))).checks
        assert (check.status, check.value) == ("fail", "TimeoutExpired") and time.monotonic() - begun < 5.0
        started[0].wait(5)
        assert gone(started[0].pid)


# -- this machine --------------------------------------------------------------------------------------------------------


def test_a_disk_by_its_room_and_its_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    room = [10 * vitals.GIB]
    monkeypatch.setattr(vitals.shutil, "disk_usage", lambda path: type("Usage", (), {"free": room[0]})())
    for free, slow_ms, status in ((10 * vitals.GIB, 1e9, "pass"), (vitals.GIB, 1e9, "warn"), (1, 1e9, "fail"), (10 * vitals.GIB, 0.0, "warn")):
        room[0] = free
        monkeypatch.setattr(vitals, "SYNC_WARN_MS", slow_ms)
        monkeypatch.setattr(vitals, "SYNC_FAIL_MS", 1e9)
        check = vitals.disk(folder)
        assert check.status == status and f"{free / vitals.GIB:.1f} GiB free" in check.value and bool(check.fix) == (status != "pass")
    monkeypatch.setattr(vitals, "SYNC_FAIL_MS", 0.0)
    assert vitals.disk(folder).status == "fail" and list(tmp_path.iterdir()) == []
    gone_folder = vitals.disk(Folder(tmp_path / "nowhere"))
    assert gone_folder.status == "fail" and "ARGOSY_HOME" in gone_folder.fix


def test_a_machine_without_time_zones_or_with_wrong_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    import zoneinfo

    assert vitals.zones().value == "UTC-5, UTC-4"
    real = zoneinfo.ZoneInfo
    monkeypatch.setattr(zoneinfo, "ZoneInfo", lambda name: real("Europe/Berlin"))
    assert vitals.zones().status == "fail" and vitals.zones().value == "[1.0, 2.0]"

    def none(name: str) -> Any:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", none)
    assert (vitals.zones().status, vitals.zones().value) == ("fail", "missing") and "tzdata" in vitals.zones().fix


def test_a_journal_whose_last_write_was_cut_off_is_no_failure(home: Path) -> None:
    from argosy import quay
    from argosy.core.events import CashFlow
    from argosy.store.manifest import Identity

    folder = of("sim", "PA1").make()
    assert vitals.journal(folder).value == "empty"
    with quay.recorder(folder.rows, "PA1") as rows, quay.journal(folder.journal, "none", Identity(account="PA1", mode="sim"), rows) as journal:
        for n in range(3):
            journal.append(CashFlow(n, n, "USD", 1))
        journal.flush()
    whole = vitals.journal(folder)
    assert whole.status == "pass" and whole.value.startswith("3 records in 1 files, chain ")
    (segment,) = folder.journal.glob("*.seg")
    segment.write_bytes(segment.read_bytes() + b"\x40\x00\x00")
    torn = vitals.journal(folder)
    assert (torn.status, torn.value) == ("warn", whole.value) and "3 bytes" in torn.said
    segment.write_bytes(segment.read_bytes()[:60] + b"\xff" * 8 + segment.read_bytes()[68:])
    assert vitals.journal(folder).status == "fail"
    assert vitals.latched(folder).status == "pass" and latch.read(folder.latch) is None


def test_who_sits_here_even_where_nobody_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import socket

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)  # a container runs us as a number that no file names
    assert ceremony.me() == f"54321@{socket.gethostname()}"
    monkeypatch.setenv("LOGNAME", "ann")
    assert ceremony.me() == f"ann@{socket.gethostname()}"
