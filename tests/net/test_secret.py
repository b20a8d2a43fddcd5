"""A secret is seen nowhere: not in prints, logs, tracebacks, pickles, cassettes, files."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import logging
import pickle
import stat
import traceback
from pathlib import Path

import pytest

from argosy.core.errors import ArgosyError, Misconfigured, Misuse
from argosy.net.cassette import Player, Recorder, Recording, frames, lines
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.keystore import Cost, Keystore, find
from argosy.net.outcome import Answered, Failed, Outcome
from argosy.net.secret import Secret, Veil, VeiledLog

VALUE = "AKs3cr3t/with+odd=signs"
CHEAP = Cost(memory_kib=64, rounds=1, lanes=1)
PASS = Secret("correct horse battery")


def test_it_shows_itself_as_stars() -> None:
    one = Secret(VALUE)
    for shown in (repr(one), str(one), f"{one}", f"{one:>40}", "%s" % one, "%r" % (one,), repr({"k": one}), repr([one])):  # noqa: UP031
        assert VALUE not in shown and "***" in shown
    assert one.reveal() == VALUE and one == Secret(VALUE) and one != Secret("x") and one != VALUE
    for way in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash):
        with pytest.raises(TypeError):
            way(one)
    assert not hasattr(one, "__dict__")


def test_a_log_line_and_its_traceback_go_through_the_veil() -> None:
    page = io.StringIO()
    out = logging.StreamHandler(page)
    out.addFilter(VeiledLog(Veil(Secret(VALUE))))
    log = logging.Logger("test")  # noqa: LOG001
    log.addHandler(out)
    log.warning("key %s and %s", VALUE, {"k": VALUE})
    try:
        raise ValueError(f"bad key {VALUE}")
    except ValueError:
        log.exception("failed with %s", VALUE)
    text = page.getvalue()
    assert VALUE not in text and text.count("***") >= 4 and "ValueError" in text


def test_a_client_that_fails_does_not_tell_its_key(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> Outcome:
        async with Rest("http://127.0.0.1:9", Hosts(loopback=True), headers={"APCA-API-SECRET-KEY": Secret(VALUE)}) as rest:
            assert VALUE not in repr(rest) + repr(vars(rest)["_headers"])
            return await rest.call("POST", "/x")

    with caplog.at_level(logging.DEBUG):
        got = asyncio.run(ask())
    assert isinstance(got, Failed) and VALUE not in repr(got) and VALUE not in caplog.text


def test_a_keystore_keeps_what_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "house" / "keys.json"
    store = Keystore(file, PASS, cost=CHEAP)
    assert store.set("ALPACA_API_KEY", Secret(VALUE), 5) == ("ALPACA_API_KEY", 5, 0)
    assert store.set("B_KEY", Secret("second"), 6) == ("B_KEY", 6, 0)
    assert store.set("ALPACA_API_KEY", Secret("third-one"), 7) == ("ALPACA_API_KEY", 7, 1)
    again = Keystore(file, PASS, cost=CHEAP)
    assert again.get("ALPACA_API_KEY") == Secret("third-one") and again.get("NONE") is None
    assert [tuple(one) for one in again.list()] == [("ALPACA_API_KEY", 7, 1), ("B_KEY", 6, 0)]
    raw = file.read_bytes()
    assert b"third" not in raw and b"ALPACA" not in raw and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["keys.json"]


def test_another_passphrase_opens_nothing_until_it_is_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    store = Keystore(file, PASS, cost=CHEAP)
    store.set("A_KEY", Secret(VALUE), 1)
    other = Secret("another passphrase")
    with pytest.raises(Misconfigured, match="PASSPHRASE"):
        Keystore(file, other, cost=CHEAP).get("A_KEY")
    before = file.read_bytes()
    assert store.rotate(other) == 1
    assert Keystore(file, other, cost=CHEAP).get("A_KEY") == Secret(VALUE)
    with pytest.raises(Misconfigured, match="PASSPHRASE"):
        Keystore(file, PASS, cost=CHEAP).list()
    after = file.read_bytes()
    assert json.loads(before)["salt"] != json.loads(after)["salt"] and json.loads(before)["nonce"] != json.loads(after)["nonce"]


def test_every_changed_byte_of_a_keystore_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    Keystore(file, PASS, cost=CHEAP).set("A_KEY", Secret(VALUE), 1)
    whole = file.read_bytes()
    for k in range(len(whole)):
        file.write_bytes(whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :])
        with pytest.raises(ArgosyError) as caught:
            Keystore(file, PASS, cost=CHEAP).get("A_KEY")
        assert caught.value.code in ("KEYSTORE_BROKEN", "PASSPHRASE")
        assert VALUE not in "".join(traceback.format_exception(caught.value))
    for text in (b"", b"{}", b"[]", whole[:-9]):
        file.write_bytes(text)
        with pytest.raises(Misconfigured, match="KEYSTORE_BROKEN"):
            Keystore(file, PASS, cost=CHEAP).list()


def test_a_cheaper_cost_in_the_file_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    Keystore(file, PASS, cost=Cost(128, 2, 1)).set("A_KEY", Secret(VALUE), 1)
    said = json.loads(file.read_bytes())
    said["cost"]["rounds"] = 1
    file.write_text(json.dumps(said))
    with pytest.raises(Misconfigured, match="PASSPHRASE"):
        Keystore(file, PASS).list()
    said["cost"] = {"memory_kib": 1 << 40, "rounds": 1, "lanes": 1}
    file.write_text(json.dumps(said))
    with pytest.raises(Misconfigured, match="out of bounds"):
        Keystore(file, PASS).list()


@pytest.mark.parametrize(("name", "value"), [("lower", "x"), ("A B", "x"), ("", "x"), ("A_KEY", "")])
def test_a_bad_name_or_nothing_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Misuse):
        Keystore(tmp_path / "k", PASS, cost=CHEAP).set(name, Secret(value), 1)
    assert not (tmp_path / "k").exists()


def test_the_environment_comes_first_then_the_keystore(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    Keystore(file, PASS, cost=CHEAP).set("A_KEY", Secret("kept-one"), 1)
    assert find("A_KEY", {"A_KEY": "from-env"}, file) == Secret("from-env")
    assert find("A_KEY", {"ARGOSY_PASSPHRASE": PASS.reveal()}, file) == Secret("kept-one")
    for environ in ({}, {"ARGOSY_PASSPHRASE": ""}):
        with pytest.raises(Misconfigured, match="SECRET_MISSING"):
            find("A_KEY", environ, file)
    with pytest.raises(Misconfigured, match="SECRET_MISSING"):
        find("B_KEY", {"ARGOSY_PASSPHRASE": PASS.reveal()}, file)
    with pytest.raises(Misuse, match="PASSPHRASE"):
        Keystore(file, Secret("short"))


# -- cassettes --------------------------------------------------------------------------------------------------------------


class Told:
    """Answers from a list."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.left = list(outcomes)

    async def call(self, method: str, path: str, **named: object) -> Outcome:
        return self.left.pop(0)

    async def close(self) -> None: ...


def test_a_cassette_plays_back_what_was_said_without_its_secrets(tmp_path: Path) -> None:
    file = tmp_path / "one.cassette"
    key, secret = Secret("PKKEY12345"), Secret(VALUE)
    outcomes = [
        Answered(200, b'{"id":"7","note":"' + VALUE.encode() + b'"}', {"x-request-id": "r1", "set-cookie": "c", "authorization": VALUE}),
        Failed("DEADLINE", True),
        Answered(422, b'{"code":1}', {}),
    ]

    async def record() -> None:
        recorder = Recorder(file, Veil(key, secret))
        calls = Recording(Told(*outcomes), recorder)
        await calls.call("GET", "/a", query=f"key={VALUE}")
        await calls.call("POST", "/b", body=b'{"qty":1,"secret":"some-other \\" one"}')
        await calls.call("GET", "/a", query="x=1")
        recorder.frame("ws://h/s", b'[{"T":"q","key":"unknown-secret"}]')
        recorder.frame("ws://h/s", b"\x91\x80")
        recorder.close()

    asyncio.run(record())
    raw = file.read_bytes()
    assert VALUE.encode() not in raw and b"set-cookie" not in raw
    every = b"".join(line.body + line.reply for line in lines(file))
    assert b"some-other" not in every and b"unknown-secret" not in every and VALUE.encode() not in every

    async def play() -> None:
        player = Player(file)
        assert await player.call("GET", "/a", query="x=1") == outcomes[2]
        first = await player.call("GET", "/a", query="key=***")
        assert first == Answered(200, b'{"id":"7","note":"***"}', {"x-request-id": "r1"})
        assert await player.call("POST", "/b", body=b'{"qty":1,"secret":"***"}') == Failed("DEADLINE", True)
        with pytest.raises(Misuse, match="CASSETTE"):
            await player.call("GET", "/a", query="x=1")

    asyncio.run(play())
    assert [message for _, message in frames(file)] == [b'[{"T":"q","key":"***"}]', b"\x91\x80"]


def test_a_torn_cassette_ends_where_it_is_torn(tmp_path: Path) -> None:
    file = tmp_path / "one.cassette"
    recorder = Recorder(file, Veil())
    for k in range(3):
        recorder.frame("ws://h", b"m%d" % k)
    recorder.close()
    file.write_bytes(file.read_bytes()[:-12])
    assert [message for _, message in frames(file)] == [b"m0", b"m1"]
