"""A desk under an arming: what refuses its start, that its caps and first minutes bind, and that it halts when the arming is gone.

Real money is never reached: the way to it is walked up to the socket, which is not there; what a proof does to a desk is seen on our exchange.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from argosy.cli.doctor import asked as for_arming
from argosy.cli.main import app
from argosy.cli.run import asked as from_shell
from argosy.cli.run import examined
from argosy.core.errors import ArgosyError, Misconfigured
from argosy.core.intents import Protection, Target
from argosy.core.time import DAY, MINUTE
from argosy.desk import arming, ceremony, doctor, latch, permit
from argosy.desk.arming import Facts, Record, Signed
from argosy.desk.folder import of
from argosy.desk.run import Desk
from argosy.net.guard import Armed
from argosy.net.keystore import Cost, Keystore
from argosy.net.outcome import Failed
from argosy.net.secret import Secret
from argosy.settings import Settings, load
from argosy.venues.alpaca.codec import WireAccount
from tests.desk.berth import asked, berth, says, wants
from tests.desk.harbour import KEY, SECRET, Harbour

NUMBER = "123456789"
FILE = """
[desk]
mode = "live"
account = "123456789"
symbols = ["AAPL"]

[arming]
size_cap_usd = 500.0
first_cap_usd = 150.0

[strategies.trend]
"""
GOOD = {
    "ALPACA_LIVE_API_KEY": "AKREAL", "ALPACA_LIVE_SECRET_KEY": "real", "LIVE_TRADING_ENABLED": "true", "LIVE_CONFIRM": NUMBER,
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    for name in (*GOOD, "CI", "TRADING_MODE", "ALPACA_API_KEY", "ALPACA_SECRET_KEY", "ALPACA_BASE_URL", "ARGOSY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "argosy.toml").write_text(FILE)
    return tmp_path


@pytest.fixture
def asked_hosts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which hosts were looked up; none has an address."""
    hosts: list[str] = []

    async def nowhere(self: object, host: str, port: int, **named: object) -> list[object]:
        hosts.append(host)
        raise socket.gaierror(f"{host} is not there")

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", nowhere)
    return hosts


def store(home: Path) -> Keystore:
    return Keystore(home / "secrets-of-a-test.json", Secret("a passphrase"), cost=Cost(64, 1, 1))


def armed_on_disk(home: Path, *, days: float = 1.0) -> Signed:
    """The ceremony, as `argosy arm` performs it once the number was typed."""
    settings = load(home / "argosy.toml", {}).settings
    from argosy.cli.run import fleet

    record = ceremony.proposed(settings, fleet(settings, [], [], []), NUMBER, days, time.time_ns())
    signed = arming.sign(record, store(home))
    arming.write(of("live", NUMBER).make().arming, signed)
    return signed


def shell(home: Path, **more: Any) -> Any:
    return from_shell(home / "argosy.toml", {}, [], [], [], "", "", more.get("live", True))


def says_no(*words: str) -> tuple[str, str, int]:
    """(code, fix, exit status) of a command that is refused."""
    result = CliRunner().invoke(app, [*words, "--json"])
    error = json.loads(result.stderr)["error"]
    return error["code"], error["fix"], result.exit_code


# -- up to the socket -----------------------------------------------------------------------------------------------------


def test_each_missing_condition_refuses_the_run_by_its_code(home: Path, monkeypatch: pytest.MonkeyPatch, asked_hosts: list[str]) -> None:
    """The whole command, from the shell: conditions are mended one after the other, until the broker would be asked."""
    monkeypatch.setenv("CI", "true")
    words = ["run", "--config", str(home / "argosy.toml")]
    assert says_no(*words)[0::2] == ("LIVE_FLAG", 2)
    code, fix, status = says_no(*words, "--live")
    assert (code, fix, status) == ("LIVE_ENABLED", "export LIVE_TRADING_ENABLED=true", 2)
    monkeypatch.setenv("LIVE_TRADING_ENABLED", "true")
    assert says_no(*words, "--live")[0::2] == ("LIVE_CI", 2)
    monkeypatch.delenv("CI")
    assert says_no(*words, "--live", "--base", "http://127.0.0.1:8900")[0::2] == ("LIVE_HOST", 2)
    monkeypatch.setenv("ALPACA_API_KEY", "PKPAPER")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "paper")
    assert says_no(*words, "--live")[0::2] == ("SECRET_MISSING", 2), "a key of paper money is not tried on real money"
    assert asked_hosts == []
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, [*words, "--live", "--json"])
    assert json.loads(result.stderr)["error"]["code"] == "VENUE_SILENT" and result.exit_code == 1
    assert set(asked_hosts) == {"api.alpaca.markets"}, "nobody but the broker of real money was asked, and only who this account is"


def test_what_the_broker_must_say_and_the_record_are_asked_before_a_desk_exists(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    number = [NUMBER]
    monkeypatch.setattr(ceremony, "who", lambda settings, given: WireAccount(account_number=number[0]))

    def refused() -> str:
        with pytest.raises(Misconfigured) as caught:
            shell(home)
        assert caught.value.fix
        return caught.value.code

    assert refused() == "LIVE_RECORD"
    signed = armed_on_disk(home)
    wished, settings = shell(home)
    assert isinstance(wished.armed, Armed) and wished.armed.account == NUMBER and wished.key.reveal() == "AKREAL"
    assert wished.armed.record == signed.name and settings.desk.mode == "live"
    number[0] = "987654321"
    assert refused() == "LIVE_CONFIRM"
    number[0] = NUMBER
    monkeypatch.setenv("ALPACA_LIVE_API_KEY", "PKPAPER")
    assert refused() == "LIVE_KEY_KIND"
    monkeypatch.setenv("ALPACA_LIVE_API_KEY", "AKREAL")
    (home / "argosy.toml").write_text(FILE + "fast = 9\n")
    assert refused() == "LIVE_RECORD_STRATEGIES"
    (home / "argosy.toml").write_text(FILE + '\n[risk.position]\nmax_pct = 50.0\n')
    assert refused() == "LIVE_RECORD_LIMITS"
    (home / "argosy.toml").write_text(FILE)
    monkeypatch.setattr(arming, "code_hash", lambda: "other")
    assert refused() == "LIVE_RECORD_CODE"
    monkeypatch.undo()


def test_what_is_armed_from_the_command_line_is_what_is_run_from_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`argosy arm --symbols MSFT`, then `argosy run --symbols MSFT`: the same hashes; other symbols are another thing."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ceremony, "who", lambda settings, given: WireAccount(account_number=NUMBER))
    file = home / "argosy.toml"
    settings, wanted, _ = for_arming(file, None, "", "", "", "MSFT")
    record = ceremony.proposed(settings, wanted, NUMBER, 1.0, time.time_ns())
    arming.write(of("live", NUMBER).make().arming, arming.sign(record, store(home)))
    wished, _ = from_shell(file, {}, [], ["MSFT"], [], "", "", True)
    assert wished.armed is not None and wished.settings.symbols == ["MSFT"]
    for symbols in ([], ["AAPL"], ["MSFT", "AAPL"]):
        with pytest.raises(Misconfigured, match="LIVE_RECORD_STRATEGIES"):
            from_shell(file, {}, [], symbols, [], "", "", True)


def test_with_the_whole_proof_the_desk_goes_to_the_brokers_host_and_no_other(
    home: Path, monkeypatch: pytest.MonkeyPatch, asked_hosts: list[str]
) -> None:
    """The last step before the socket: the door opens for the proof, for the broker's hosts alone; no address is there to answer."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ceremony, "who", lambda settings, given: WireAccount(account_number=NUMBER))
    armed_on_disk(home)
    wished, _ = shell(home)
    with pytest.raises(ArgosyError) as caught:
        asyncio.run(Desk(wished).run())
    assert caught.value.code == "VENUE_SILENT" and set(asked_hosts) == {"api.alpaca.markets"}
    with pytest.raises(Misconfigured, match="NOT_ARMED"):
        asyncio.run(Desk(msgspec.structs.replace(wished, armed=None)).run())
    assert not list(home.glob("desks/live-*/journal/*"))


# -- under an arming, on our own exchange ------------------------------------------------------------------------------------


def proof(harbour: Harbour, home: Path, *, minutes: float = 30.0, lasts: int = DAY, account: str = "") -> Armed:
    """The real proof, of a real record; on the exchange it opens nothing that was not open."""
    number, now = account or harbour.account.number, time.time_ns()
    record = Record(
        version=1, account=NUMBER, venue="alpaca", host="api.alpaca.markets", code="c", strategies="s", limits="l", size_cap_usd=500.0,
        first_cap_usd=150.0, first_minutes=minutes, made=now - MINUTE, until=now + lasts, by="me@here",
    )  # fmt: skip
    signed = arming.sign(record, store(home))
    good = Facts(
        mode="live", flag=True, enabled=True, confirm=NUMBER, pinned=NUMBER, key_kind="AK", key_name="ALPACA_LIVE_API_KEY", broker=NUMBER,
        signed=signed, signature=arming.verified(signed, arming.trusted()), code="c", strategies="s", limits="l", size_cap_usd=500.0,
        first_cap_usd=150.0, first_minutes=minutes, now=now,
    )  # fmt: skip
    arming.write(of("sim", number).make().arming, signed)
    armed = arming.arm(good)
    object.__setattr__(armed, "account", number)  # the ceremony arms no account of paper: only here, to see what a desk does under it
    return armed


def wish(harbour: Harbour, armed: Armed, strategies: dict[str, type], **more: Any) -> Any:
    return msgspec.structs.replace(asked(harbour, strategies, **more), armed=armed)


def bought(harbour: Harbour) -> set[float]:
    """Sizes in shares of all orders that bought."""
    rows = harbour.rest("GET", "/v2/orders?status=all&limit=500&nested=false")
    return {float(row["qty"]) for row in rows if row["side"] == "buy"}


def grows(quote: Any, book: Any, calls: list[int]) -> Any:
    return Target(0, lots=10, why="ten", protection=Protection(stop=60.0)) if quote.instrument == 0 else None


def test_caps_and_first_minutes_bind_from_the_first_order_of_each_start(harbour: Harbour, home: Path) -> None:
    """150 USD at first: one share of 100 goes out, whatever is wanted; after a restart again; afterwards 500 USD."""
    harbour.ctl("quote", symbol="AAPL", bid=100.0, ask=100.02)

    async def life() -> None:
        armed = proof(harbour, home)
        async with berth(harbour, wish(harbour, armed, {"one": says(grows)})) as desk:
            assert desk.told("starting")["armed_until"] and "150 at first" in desk.told("starting")["limits"]
            assert "an order 500" in desk.told("starting")["limits"]
            first = desk.state.conditions.armed
            assert first > 0
            await desk.until(lambda: desk.lots() >= 1)
            assert bought(harbour) == {1}
            assert await desk.stop() == 0
        async with berth(harbour, wish(harbour, proof(harbour, home), {"one": says(grows)})) as desk:
            assert desk.state.conditions.armed > first, "the first minutes are counted from each start"
            await desk.stop()
        assert bought(harbour) == {1}

    asyncio.run(life())


def test_after_the_first_minutes_the_cap_of_an_order_is_the_larger_one(harbour: Harbour, home: Path) -> None:
    harbour.ctl("quote", symbol="AAPL", bid=100.0, ask=100.02)

    async def life() -> None:
        async with berth(harbour, wish(harbour, proof(harbour, home, minutes=0.0001), {"one": says(grows)})) as desk:
            await desk.until(lambda: desk.lots() >= 4)
            assert max(bought(harbour)) == 4

    asyncio.run(life())


def test_an_arming_that_is_taken_away_halts_the_desk_and_a_resume_does_not_help(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        armed = proof(harbour, home)
        async with berth(harbour, wish(harbour, armed, {"one": wants(1, protection=Protection(stop=60.0))})) as desk:
            await desk.until(lambda: desk.lots() == 1 and len(harbour.resting()) == 1)
            assert desk.state.level == 0
            desk.node.folder.arming.unlink()
            await desk.until(lambda: desk.state.level == latch.HALT)
            assert desk.state.level_cause.startswith("DISARMED: the record was taken away") and "DISARMED" in desk.alarms
            assert len(harbour.resting()) == 1, "the stop stays"
            await desk.until(lambda: latch.read(desk.node.folder.latch) is not None)
            await desk.ask("resume", reason="I want it")
            await desk.until(lambda: desk.state.level == latch.HALT)
            assert await desk.stop() == 0

    asyncio.run(life())


def test_an_arming_that_ends_is_told_and_halts_while_the_door_is_open(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        armed = proof(harbour, home, lasts=MINUTE + 2_000_000_000)  # the halt comes a minute before the end
        async with berth(harbour, wish(harbour, armed, {"one": wants(1)})) as desk:
            await desk.until(lambda: "ARMING_ENDS" in desk.alarms)
            await desk.until(lambda: desk.state.level == latch.HALT)
            assert desk.state.level_cause == "DISARMED: the arming has ended" and time.time_ns() < armed.until_ns
            assert desk.alarms.count("ARMING_ENDS") == 1 and desk.alarms.count("DISARMED") == 1

    asyncio.run(life())


def test_after_the_end_exits_go_out_and_nothing_that_opens(harbour: Harbour, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hold the same symbol, so the desk itself watches each one's stop. The arming ends; a stop is reached; the exit goes out and fills."""
    monkeypatch.setattr(permit, "LAST", 1_000_000_000)
    monkeypatch.setattr(permit, "WARNED", (3_600_000_000_000, 10_000_000_000, 1_200_000_000))
    harbour.ctl("quote", symbol="AAPL", bid=100.0, ask=100.02)

    async def life() -> None:
        armed = proof(harbour, home, minutes=0.0001, lasts=4_500_000_000)
        two = {"near": wants(1, protection=Protection(stop=95.0)), "far": wants(1, protection=Protection(stop=60.0))}
        async with berth(harbour, wish(harbour, armed, two)) as desk:
            await desk.until(lambda: desk.lots() == 2 and desk.open() and all(ticket.order.tag == "stop" for ticket in desk.open()))
            assert [ticket.order.stop for ticket in desk.open()] == [60.0], "the broker holds the widest alone"
            await desk.until(lambda: "ARMING_OVER" in desk.alarms)
            assert time.time_ns() >= armed.until_ns and desk.state.level == latch.HALT
            told = [(one.code, one.severity) for one in desk.node.alarms if one.code in ("ARMING_ENDS", "DISARMED", "ARMING_OVER")]
            assert told == [("ARMING_ENDS", "page")] * 2 + [("DISARMED", "page"), ("ARMING_OVER", "page")]
            door = desk.desk.wired.door.client.calls
            plain = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
            bracket = plain | {"position_intent": "buy_to_close", "order_class": "bracket", "take_profit": {"limit_price": "200"}}
            for body in (plain, bracket, plain | {"position_intent": "buy_to_open"}):
                assert await door.call("POST", "/v2/orders", body=json.dumps(body).encode()) == shut
            for method, path in (("PATCH", "/v2/orders/x"), ("POST", "/v2/positions"), ("DELETE", "/v2/account/keys")):
                assert await door.call(method, path, body=b"{}") == shut
            assert harbour.held() == 2
            harbour.ctl("quote", symbol="AAPL", bid=94.0, ask=94.02)
            await desk.until(lambda: desk.lots(0, "near") == 0)
            assert desk.lots(0, "far") == 1 and harbour.held() == 1
            await desk.until(lambda: len(harbour.resting()) == 1)  # what is left is guarded again
            await desk.ask("flatten", reason="enough")
            await desk.until(lambda: desk.lots() == 0 and harbour.held() == 0 and not harbour.resting())
            assert await desk.stop() == 0

    shut = Failed("ARMING_ENDED", False, "only orders that close go out now")
    asyncio.run(life())


def test_a_record_that_is_taken_away_shuts_the_door_at_once(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        async with berth(harbour, wish(harbour, proof(harbour, home), {"one": wants(1, protection=Protection(stop=60.0))})) as desk:
            await desk.until(lambda: desk.lots() == 1)
            door = desk.desk.wired.door.client.calls
            assert (await door.call("GET", "/v2/clock")).status == 200
            desk.node.folder.arming.unlink()
            await desk.until(lambda: "DISARMED" in desk.alarms)
            body = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
            answer = await door.call("POST", "/v2/orders", body=json.dumps(body).encode())
            assert isinstance(answer, Failed) and (answer.cause, answer.sent) == ("ARMING_ENDED", False)
            assert (await door.call("GET", "/v2/clock")).status == 200

    asyncio.run(life())


def test_the_end_is_told_half_an_hour_ten_minutes_and_a_minute_before_the_halt(harbour: Harbour, home: Path) -> None:
    armed = proof(harbour, home, lasts=40 * MINUTE)
    halts, wall = armed.until_ns - permit.LAST, [0]
    one = permit.Permit(armed, armed.account, of("sim", armed.account).arming, lambda: wall[0])
    told = []
    for left in (35 * MINUTE, 30 * MINUTE + 1, 30 * MINUTE, 29 * MINUTE, 10 * MINUTE, 9 * MINUTE, MINUTE, 1, 0, -MINUTE):
        wall[0] = halts - left
        told.append((left, one.ends(), one.ended()))
    assert [left for left, soon, _ in told if soon] == [30 * MINUTE, 10 * MINUTE, MINUTE]
    assert [left for left, _, over in told if over] == [-MINUTE]
    assert one.ended() is False
    assert "in 10 min entries are taken back" in told[4][1] and "argosy arm" in told[4][1]
    late = permit.Permit(armed, armed.account, of("sim", armed.account).arming, lambda: halts - 5)
    assert late.ends() and not late.ends(), "begun so late it is said once"
    none = permit.Permit(None, "x", of("sim", "x").arming)
    assert (none.ends(), none.over(), none.ended()) == ("", "", False)


def test_a_proof_for_another_account_starts_no_desk_and_a_reload_widens_no_limit(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        with pytest.raises(Misconfigured, match="ARMED_OTHER"):
            async with berth(harbour, wish(harbour, proof(harbour, home, account="PA1"), {"one": wants(1)})):
                pass
        made = wish(harbour, proof(harbour, home), {"one": wants(1)})
        limits = dict(made.terms.limits) | {"order_size": {"max_notional": 1e6}}
        settled = [(made.terms, made.settings.model_copy(update={"orders_s": 3.0}), made.wanted)]
        made = msgspec.structs.replace(made, again=lambda: settled[-1])
        async with berth(harbour, made) as desk:
            assert (await desk.ask("reload"))["changed"] == ["desk.orders_s"]
            settled.append((msgspec.structs.replace(made.terms, limits=limits), made.settings, made.wanted))
            with pytest.raises(ArgosyError, match="RELOAD_ARMED"):
                await desk.ask("reload")

    asyncio.run(life())


# -- the examination before the start ----------------------------------------------------------------------------------------


def test_a_start_is_examined_and_what_fails_refuses_it_by_its_name(harbour: Harbour, home: Path) -> None:
    (home / "argosy.toml").unlink()
    common = ("run", "buy_and_hold", "--symbols", "AAPL", "--key", KEY, "--secret", SECRET)
    code, fix, status = says_no(*common, "--base", harbour.server.url, "--account", "PA1")
    assert (code, status) == ("PREFLIGHT_ACCOUNT", 2) and fix
    code, _, status = says_no(*common, "--base", "http://127.0.0.1:1")
    assert (code, status) == ("PREFLIGHT_API", 2)
    assert harbour.client_ids() == []


@pytest.mark.parametrize("wish", ["auto", "full"])
def test_the_short_form_sends_nothing_and_the_full_one_uses_the_kill_switch(
    harbour: Harbour, home: Path, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    monkeypatch.setattr("argosy.desk.kill.SETTLE_S", 0.1)
    (home / "argosy.toml").write_text(f'[desk]\npreflight = "{wish}"\n')
    flags = {"desk.base": harbour.server.url, "desk.account": harbour.account.number}
    wished, settings = from_shell(home / "argosy.toml", flags, ["buy_and_hold"], ["AAPL"], [], KEY, SECRET, False)
    found = examined(settings, wished, False)
    kept = doctor.read(Path(found["kept"]))
    names = {check.name for check in kept.checks}
    assert kept.ready and len(names) == found["checks"] and {"account", "journal", "latch", "lease"} <= names
    assert (names >= doctor.LONG, bool(names & doctor.LONG)) == ((False, False) if wish == "auto" else (True, True))
    assert [name[:7] for name in harbour.client_ids()] == ([] if wish == "auto" else ["DOCTOR-"]) and not harbour.resting()


def test_a_short_examination_is_for_sim_alone(home: Path) -> None:
    settings = Settings.model_validate({"desk": {"mode": "paper", "preflight": "short"}})
    with pytest.raises(Misconfigured, match="PREFLIGHT_MODE"):
        doctor.preflight(settings, [], ("PK1", "paper"))


# -- levels that outlive the process -----------------------------------------------------------------------------------------


def test_a_latch_survives_a_restart_and_only_the_owners_reason_leads_out(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(2, protection=Protection(stop=60.0))}) as desk:
            await desk.until(lambda: desk.lots() == 2)
            await desk.ask("halt", reason="a look")
            await desk.until(lambda: latch.read(desk.node.folder.latch) is not None)
            place = desk.node.folder
            assert await desk.stop() == 0
        async with berth(harbour, {"one": wants(2)}) as desk:
            assert (desk.state.level, desk.state.level_cause) == (latch.HALT, "a look")
            assert await desk.stop() == 0
        word = ("unlatch", "--mode", "sim", "--account", harbour.account.number)
        assert says_no(*word)[0::2] == ("COMMAND_REASON", 2)
        result = CliRunner().invoke(app, [*word, "--reason", "looked at it", "--json"])
        assert result.exit_code == 0 and json.loads(result.stdout)["was"]["cause"] == "a look"
        async with berth(harbour, {"one": wants(2)}) as desk:
            assert (desk.state.level, desk.state.level_cause) == (-1, "looked at it"), "small orders first"
            assert latch.read(place.latch) is None and not (place.root / latch.PARDON).exists()
            await desk.ask("halt", reason="again")
            await desk.until(lambda: latch.read(place.latch) is not None)
            assert await desk.stop() == 0
        async with berth(harbour, {"one": wants(2)}) as desk:
            assert desk.state.level == latch.HALT, "a word that was heard counts once"
            await desk.ask("resume", reason="all is well")
            assert desk.state.level == -1 and latch.read(place.latch) is None
            assert "all is well" in max(place.root.glob("latch-*.json"), key=lambda path: path.stat().st_mtime).read_text()

    asyncio.run(life())


def test_dark_ends_the_process_once_what_adds_risk_is_gone_and_no_start_leads_out_of_it(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(2, protection=Protection(stop=60.0))}) as desk:
            await desk.until(lambda: desk.lots() == 2 and len(harbour.resting()) == 1)
            await desk.ask("dark", reason="enough")
            assert await asyncio.wait_for(desk.running, 10) == 0
            assert "DESK_DARK" in desk.alarms and desk.said[-1][1]["why"] == "DARK: enough"
            assert harbour.held() == 2 and len(harbour.resting()) == 1, "left to its stop"
            found = latch.read(desk.node.folder.latch)
            assert found is not None and found.level == latch.DARK
        async with berth(harbour, {"one": wants(5)}) as desk:
            assert await asyncio.wait_for(desk.running, 10) == 0
            assert desk.said[-1][1]["why"] == "DARK: enough" and harbour.held() == 2

    asyncio.run(life())
