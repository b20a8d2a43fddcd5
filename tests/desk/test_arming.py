"""Live trading is armed when all holds and only then: every combination, every single thing that can be missing, every way around."""

from __future__ import annotations

import asyncio
import copy
import itertools
import pickle
import re
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argosy.core.errors import ArgosyError, Misconfigured, Misuse
from argosy.core.time import DAY, MINUTE
from argosy.desk import arming, latch
from argosy.desk.arming import Facts, Record, Signed, arm, conditions
from argosy.desk.folder import of
from argosy.desk.keys import keys
from argosy.desk.latch import Latch
from argosy.engine.rules.profiles import rules
from argosy.house import Wanted
from argosy.net.guard import Armed
from argosy.net.keystore import Cost, Keystore
from argosy.net.secret import Secret

NOW = 1_800_000_000_000_000_000
RECORD = Record(
    version=1, account="123456789", venue="alpaca", host="api.alpaca.markets", code="c", strategies="s", limits="l", size_cap_usd=500.0,
    first_cap_usd=50.0, first_minutes=30.0, made=NOW - DAY, until=NOW + DAY, by="me@here",
)  # fmt: skip
GOOD = Facts(
    mode="live", flag=True, enabled=True, confirm="123456789", pinned="123456789", base="", key_kind="AK", key_name="ALPACA_LIVE_API_KEY", ci="",
    broker="123456789", signed=Signed(RECORD, "k", "s"), signature="good", code="c", strategies="s", limits="l",
    size_cap_usd=500.0, first_cap_usd=50.0, first_minutes=30.0, latched=None, now=NOW,
)  # fmt: skip


def changed(**named: Any) -> Signed:
    return Signed(msgspec.structs.replace(RECORD, **named), "k", "s")


BREAKS: dict[str, dict[str, Any]] = {
    "LIVE_MODE": {"mode": "paper"},
    "LIVE_FLAG": {"flag": False},
    "LIVE_ENABLED": {"enabled": False},
    "LIVE_CONFIRM": {"confirm": "12345678"},
    "LIVE_PINNED": {"pinned": ""},
    "LIVE_KEY_KIND": {"key_kind": "PK"},
    "LIVE_KEY_NAME": {"key_name": "ALPACA_API_KEY"},
    "LIVE_HOST": {"base": "https://paper-api.alpaca.markets"},
    "LIVE_CI": {"ci": "true"},
    "LIVE_LATCHED": {"latched": Latch(2, "a reason", "watchdog", 1)},
    "LIVE_SOFT_LAUNCH": {"first_cap_usd": 0.0},
    "LIVE_RECORD": {"signature": "not of this record"},
    "LIVE_RECORD_CODE": {"code": "other"},
    "LIVE_RECORD_STRATEGIES": {"strategies": "other"},
    "LIVE_RECORD_LIMITS": {"limits": "other"},
    "LIVE_RECORD_ENDED": {"now": RECORD.until},
}
"""One way to break each condition that leaves all others whole; the account's number, which several lean on, is below."""


def codes(facts: Facts) -> list[str]:
    return [one.code for one in conditions(facts)]


def test_every_combination_arms_only_when_all_hold() -> None:
    """2^16 ways to have something missing; exactly the missing things are told, and one way of all arms."""
    names = list(BREAKS)
    armed = 0
    for holds in itertools.product((True, False), repeat=len(names)):
        broken = [name for name, good in zip(names, holds, strict=True) if not good]
        named: dict[str, Any] = {}
        for name in broken:
            named |= BREAKS[name]
        missing = codes(msgspec.structs.replace(GOOD, **named))
        assert sorted(missing) == sorted(broken)
        armed += not missing
    assert armed == 1


@pytest.mark.parametrize("code", BREAKS)
def test_each_single_thing_that_is_missing_refuses_with_its_own_code(code: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        arm(msgspec.structs.replace(GOOD, **BREAKS[code]))
    assert caught.value.code == code and caught.value.fix and caught.value.what.startswith("live trading is not armed: ")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("LIVE_MODE", {"mode": ""}),
        ("LIVE_MODE", {"mode": "sim"}),
        ("LIVE_MODE", {"mode": "shadow"}),
        ("LIVE_CONFIRM", {"confirm": ""}),
        ("LIVE_CONFIRM", {"confirm": "true"}),
        ("LIVE_PINNED", {"pinned": "987654321"}),
        ("LIVE_KEY_KIND", {"key_kind": ""}),
        ("LIVE_KEY_NAME", {"key_name": ""}),
        ("LIVE_HOST", {"base": "http://api.alpaca.markets"}),
        ("LIVE_HOST", {"base": "https://api.alpaca.markets.evil.com"}),
        ("LIVE_HOST", {"base": "https://api.alpaca.markets@evil.com"}),
        ("LIVE_HOST", {"base": "http://127.0.0.1:1"}),
        ("LIVE_CI", {"ci": "1"}),
        ("LIVE_CI", {"ci": "woodpecker"}),
        ("LIVE_SOFT_LAUNCH", {"size_cap_usd": 0.0}),
        ("LIVE_SOFT_LAUNCH", {"first_cap_usd": 501.0}),
        ("LIVE_SOFT_LAUNCH", {"first_minutes": 0.0}),
        ("LIVE_SOFT_LAUNCH", {"first_cap_usd": float("nan")}),
        ("LIVE_RECORD", {"signed": None}),
        ("LIVE_RECORD", {"signature": "of another key"}),
        ("LIVE_RECORD_ACCOUNT", {"signed": changed(account="987654321")}),
        ("LIVE_RECORD_ACCOUNT", {"signed": changed(host="paper-api.alpaca.markets")}),
        ("LIVE_RECORD_ACCOUNT", {"signed": changed(host="sim")}),
        ("LIVE_RECORD_CODE", {"signed": changed(code=""), "code": ""}),
        ("LIVE_RECORD_ENDED", {"signed": changed(made=NOW - 4 * DAY, until=NOW + 4 * DAY)}),
        ("LIVE_RECORD_ENDED", {"signed": changed(made=NOW + DAY, until=NOW + 2 * DAY)}),
    ],
)
def test_no_other_value_passes_either(code: str, named: dict[str, Any]) -> None:
    assert codes(msgspec.structs.replace(GOOD, **named)) == [code]


def test_an_account_of_paper_money_or_none_is_not_armed() -> None:
    paper = "PA123456789"
    facts = msgspec.structs.replace(GOOD, broker=paper, confirm=paper, pinned=paper, signed=changed(account=paper))
    assert codes(facts) == ["LIVE_ACCOUNT"]
    silent = msgspec.structs.replace(GOOD, broker="", confirm="", pinned="", signed=changed(account=""))
    assert codes(silent) == ["LIVE_CONFIRM", "LIVE_PINNED", "LIVE_ACCOUNT", "LIVE_RECORD_ACCOUNT"]


def test_nothing_set_is_nothing_armed() -> None:
    missing = codes(Facts())
    assert len(missing) == 10 and "LIVE_RECORD" in missing
    with pytest.raises(Misconfigured, match=r"LIVE_MODE.*9 more: LIVE_FLAG, LIVE_ENABLED"):
        arm(Facts())


def test_the_proof_says_what_was_armed_and_its_caps_hold_in_the_gate() -> None:
    armed = arm(GOOD)
    assert (armed.account, armed.venue, armed.until_ns, armed.size_cap_usd) == ("123456789", "alpaca", RECORD.until, 500.0)
    assert GOOD.signed is not None and armed.record == GOOD.signed.name and armed.first_until_ns == NOW + 30 * MINUTE
    own = {"position": {"max_pct": 5.0}, "order_size": {"max_lots": 9, "max_notional": 200.0}, "first_minutes": {"minutes": 60.0, "max_units": 1.0}}
    under = arming.limits_under(own, armed)
    assert under["order_size"] == {"trim": True, "max_lots": 9, "max_notional": 200.0} and under["position"] == own["position"]
    assert under["first_minutes"] == {"max_units": 1.0, "minutes": 60.0, "max_notional": 50.0}
    plain = arming.limits_under({}, armed)
    assert plain["order_size"] == {"trim": True, "max_notional": 500.0}
    assert plain["first_minutes"] == {"max_units": None, "minutes": 30.0, "max_notional": 50.0}
    assert own["order_size"] == {"max_lots": 9, "max_notional": 200.0}
    bound = {rule.code: rule.binds for rule in rules("desk", under) if rule.code in ("FIRST_MINUTES", "MAX_ORDER_NOTIONAL")}  # type: ignore[attr-defined]
    assert bound == {"FIRST_MINUTES": True, "MAX_ORDER_NOTIONAL": True}


# -- the proof ---------------------------------------------------------------------------------------------------------


def test_nobody_else_makes_a_proof_or_changes_one() -> None:
    with pytest.raises(Misconfigured, match="NOT_ARMED"):
        Armed(object(), account="1", venue="alpaca", until_ns=1 << 62, record="")
    armed = arm(GOOD)
    with pytest.raises(AttributeError):
        armed.until_ns = 1 << 62
    with pytest.raises(AttributeError):
        del armed.account
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            way(armed)
    with pytest.raises(TypeError):
        type("Mine", (Armed,), {})
    assert "123456789" in repr(armed) and armed.record not in repr(armed)


def test_only_the_ceremony_and_the_guard_know_how_a_proof_is_made() -> None:
    root = Path(arming.__file__).parents[1]
    knows = sorted(str(path.relative_to(root)) for path in root.rglob("*.py") if re.search(r"\b_MINT\b", path.read_text()))
    makes = sorted(str(path.relative_to(root)) for path in root.rglob("*.py") if re.search(r"\bArmed\(", path.read_text()))
    assert knows == ["desk/arming.py", "net/guard.py"] and makes == ["desk/arming.py", "net/guard.py"]
    around = [path.name for path in root.rglob("*.py") if re.search(r"Armed\.__new__|object\.__new__\(Armed|__setattr__\(armed", path.read_text())]
    assert around == []


# -- the record --------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keystore:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "house"))
    return Keystore(tmp_path / "house" / "secrets.json", Secret("a passphrase"), cost=Cost(64, 1, 1))


def test_a_record_is_signed_kept_and_believed(store: Keystore, tmp_path: Path) -> None:
    path = tmp_path / "desk" / "arming.json"
    assert arming.read(path) is None and arming.trusted() == "" and arming.verified(None, "") == "missing"
    signed = arming.sign(RECORD, store)
    arming.write(path, signed)
    assert arming.read(path) == signed and arming.verified(signed, arming.trusted()) == "good"
    again = arming.sign(msgspec.structs.replace(RECORD, until=NOW + 2 * DAY), store)
    assert again.key == signed.key and again.sign != signed.sign
    kept = store.get(arming.KEY)
    assert kept is not None and kept.reveal() not in path.read_text() + arming.public_file().read_text()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"size_cap_usd": 5e6}, "not of this record"),
        ({"until": NOW + 9 * DAY}, "not of this record"),
        ({"account": "987654321"}, "not of this record"),
        ({"version": 2}, "of another key"),
    ],
)
def test_a_record_that_was_changed_is_not_believed(store: Keystore, named: dict[str, Any], said: str) -> None:
    signed = arming.sign(RECORD, store)
    forged = Signed(msgspec.structs.replace(signed.record, **named), signed.key, signed.sign)
    assert arming.verified(forged, arming.trusted()) == said


def test_a_record_of_another_key_is_not_believed(store: Keystore, tmp_path: Path) -> None:
    signed = arming.sign(RECORD, store)
    other = Keystore(tmp_path / "other.json", Secret("a passphrase"), cost=Cost(64, 1, 1))
    public = arming.trusted()
    other.set(arming.KEY, Secret("ab" * 32), 1)
    with pytest.raises(Misconfigured, match="ARMING_KEY"):
        arming.sign(RECORD, other)
    arming.public_file().unlink()
    forged = arming.sign(RECORD, other)
    assert arming.verified(forged, public) == "of another key" and arming.verified(signed, arming.trusted()) == "of another key"
    assert arming.verified(signed, "") == "of another key"
    assert arming.verified(Signed(signed.record, signed.key, "no hex"), public) == "not of this record"


def test_a_torn_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "arming.json").write_bytes(b'{"record": {')
    assert arming.read(tmp_path / "arming.json") is None


def test_disarming_ends_it_and_keeps_why(store: Keystore, tmp_path: Path) -> None:
    path = tmp_path / "arming.json"
    assert arming.disarm(path, "nothing there", "me", 1) is None
    signed = arming.sign(RECORD, store)
    arming.write(path, signed)
    armed = arm(msgspec.structs.replace(GOOD, signed=signed, signature=arming.verified(signed, arming.trusted())))
    assert arming.stands(path, armed, NOW) and not arming.stands(path, armed, RECORD.until)
    with pytest.raises(Misuse, match="COMMAND_REASON"):
        arming.disarm(path, " ", "me", 2)
    assert arming.disarm(path, "the week is over", "me", 3) == signed
    assert not arming.stands(path, armed, NOW) and "the week is over" in (tmp_path / "arming-3.json").read_text()
    arming.write(path, arming.sign(msgspec.structs.replace(RECORD, until=NOW + 2 * DAY), store))
    assert not arming.stands(path, armed, NOW)


@pytest.mark.parametrize("typed", ["", "yes", "y", "12345678", "123456789 0", "PA1"])
def test_nothing_but_the_number_of_the_account_confirms(typed: str) -> None:
    arming.agreed(" 123456789\n", "123456789")
    with pytest.raises(Misuse, match="ARMING_CONFIRM"):
        arming.agreed(typed, "123456789")
    with pytest.raises(Misuse, match="ARMING_CONFIRM"):
        arming.agreed("", "")


# -- hashes ------------------------------------------------------------------------------------------------------------


def test_whatever_is_armed_changes_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Wanted("trend", "trend", {"fast": 10}, ("AAPL", "MSFT"), 0.5)
    base = arming.strategies_hash([first])
    assert base == arming.strategies_hash([msgspec.structs.replace(first, symbols=("MSFT", "AAPL"))])
    for other in (
        [first, Wanted("dca", "dca")], [], [msgspec.structs.replace(first, params={"fast": 11})], [msgspec.structs.replace(first, budget_frac=0.6)],
        [msgspec.structs.replace(first, symbols=("AAPL",))], [msgspec.structs.replace(first, max_loss_frac=0.1)],
        [msgspec.structs.replace(first, plugin="breakout")],
    ):  # fmt: skip
        assert arming.strategies_hash(other) != base
    prompt = type("Prompt", (), {"__module__": "nowhere"})
    assert arming.strategies_hash([Wanted("p", prompt)]) != base
    assert arming.limits_hash({"a": 1}, 2) == arming.limits_hash({"a": 1}, 2) != arming.limits_hash({"a": 1}, 3)
    root = tmp_path / "house"
    root.mkdir()
    (root / "__init__.py").write_text("")
    monkeypatch.setattr("argosy.desk.arming.argosy", type("House", (), {"__file__": str(root / "__init__.py")}))
    empty = arming.code_hash()
    (root / "more.py").write_text("x = 1\n")
    assert arming.code_hash() != empty
    (root / "more.py").unlink()
    (root / "more.txt").write_text("x = 1\n")
    assert arming.code_hash() == empty


# -- keys, and the desk's own way out --------------------------------------------------------------------------------------


def test_keys_of_real_money_have_names_of_their_own(store: Keystore) -> None:
    paper = {"ALPACA_API_KEY": "PK1", "ALPACA_SECRET_KEY": "paper"}
    assert keys("paper", paper) == ("PK1", "paper") and keys("sim", {}) == ("PKSIM", "secret") and keys("sim", paper) == ("PK1", "paper")
    with pytest.raises(Misconfigured, match="SECRET_MISSING"):
        keys("live", paper)
    store.set("ALPACA_LIVE_API_KEY", Secret("AK1"), 1)
    store.set("ALPACA_LIVE_SECRET_KEY", Secret("real"), 1)
    assert keys("live", paper | {"ARGOSY_PASSPHRASE": "a passphrase"}) == ("AK1", "real")


@pytest.mark.parametrize("base", ["https://api.alpaca.markets", "https://paper-api.alpaca.markets", "http://10.0.0.1:80", "http://8.8.8.8", ""])
def test_a_simulated_desk_opens_no_socket_to_another_machine(base: str) -> None:
    from argosy.quay import door

    with pytest.raises(Misconfigured, match="HOST_FORBIDDEN"):
        door("sim", base, Secret("PKSIM"), Secret("secret"))


def test_a_simulated_desk_opens_none_where_localhost_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders, prices and both streams, as the desk wires them; the resolver is poisoned, and no socket is even made."""
    from argosy.net.link import open_link
    from argosy.quay import door

    class Ear:
        def heard(self, message: bytes) -> None: ...

    made: list[Any] = []
    real = socket.socket

    class Seen(real):  # type: ignore[misc, valid-type]
        def __init__(self, family: int = -1, *rest: Any, **named: Any) -> None:
            if family in (socket.AF_INET, socket.AF_INET6):
                made.append(family)
            super().__init__(family, *rest, **named)

    async def elsewhere(self: object, host: str, port: int, **named: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.7", port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", elsewhere)

    async def go() -> None:
        monkeypatch.setattr(socket, "socket", Seen)
        way = door("sim", "http://localhost:81", Secret("PKSIM"), Secret("secret"))
        for one in (way.client, way.data):
            answer = await one.calls.call("GET", "/v2/clock", deadline_s=2)
            assert (answer.cause, answer.sent) == ("HOST_FORBIDDEN", False)  # type: ignore[union-attr]
        for url, hosts in ((way.place.account, way.place.hosts), (way.place.feed("iex"), way.place.data_hosts)):
            with pytest.raises(ArgosyError, match="HOST_FORBIDDEN"):
                await open_link(url, hosts, Ear(), open_s=2)
        await way.close()
        monkeypatch.setattr(socket, "socket", real)

    asyncio.run(go())
    assert made == []


def test_a_live_desk_has_no_door_without_a_proof() -> None:
    from argosy.quay import door

    with pytest.raises(Misconfigured, match="NOT_ARMED"):
        door("live", "", Secret("AK1"), Secret("secret"))
    assert door("live", "", Secret("AK1"), Secret("secret"), armed=arm(GOOD), clock=lambda: NOW).sends
    with pytest.raises(Misconfigured, match="KEY_MODE"):
        door("live", "", Secret("PK1"), Secret("secret"), armed=arm(GOOD), clock=lambda: NOW)


def test_a_start_asks_for_the_whole_proof_and_no_broker_where_the_rest_refuses(store: Keystore, monkeypatch: pytest.MonkeyPatch) -> None:
    from argosy.desk import ceremony
    from argosy.settings import Settings

    asked: list[str] = []
    account = type("Account", (), {"account_number": "123456789"})
    monkeypatch.setattr(ceremony, "who", lambda settings, given: asked.append(given[0]) or account)
    tree = {
        "desk": {"mode": "live", "account": "123456789", "live_enabled": True, "live_confirm": "123456789"},
        "arming": {"size_cap_usd": 500.0, "first_cap_usd": 50.0},
    }  # fmt: skip
    settings = Settings.model_validate(tree)
    environ = {"ALPACA_LIVE_API_KEY": "AK1", "ALPACA_LIVE_SECRET_KEY": "real"}
    monkeypatch.delenv("CI", raising=False)
    for flag, more in ((False, {}), (True, {"CI": "true"})):
        with pytest.raises(Misconfigured, match=r"LIVE_FLAG|LIVE_CI"):
            ceremony.prove(settings, [], flag=flag, environ=environ | more)
    assert asked == []
    with pytest.raises(Misconfigured, match="LIVE_RECORD"):
        ceremony.prove(settings, [], flag=True, environ=environ)
    now = time.time_ns()
    place = of("live", "123456789").make()
    arming.write(place.arming, arming.sign(ceremony.proposed(settings, [], "123456789", 1.0, now), store))
    armed = ceremony.prove(settings, [], flag=True, environ=environ)
    assert (armed.account, armed.size_cap_usd, asked) == ("123456789", 500.0, ["AK1", "AK1"])
    latch.write(place.latch, latch.HALT, "a reason", "me", now)
    with pytest.raises(Misconfigured, match="LIVE_LATCHED"):
        ceremony.prove(settings, [], flag=True, environ=environ)
    latch.clear(place.latch, "looked at it", "me", now)
    with pytest.raises(Misconfigured, match="LIVE_RECORD_STRATEGIES"):
        ceremony.prove(settings, [Wanted("trend", "trend")], flag=True, environ=environ)
    with pytest.raises(Misuse, match="ARMING_ACCOUNT"):
        ceremony.proposed(settings, [], "987654321", 1.0, now)
