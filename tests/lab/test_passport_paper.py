"""A passport on paper: signed, read back, and every change of page, numbers, code or prices noticed; the command does it all."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from argosy.cli.passport import passport as command
from argosy.core.errors import Misconfigured, Misuse
from argosy.lab.passport import Passport, compared, issue, page, read, write
from argosy.lab.passport import seal as seals
from argosy.lab.passport.check import WORDS
from argosy.lab.passport.paper import Finding
from argosy.lab.passport.seal import Seal, checked, seal
from argosy.strategies.trend import Trend
from tests.lab.test_passport import SHORT, market


@pytest.fixture(scope="module")
def made() -> Passport:
    return issue(Trend, market(700, drift=0.004), params=SHORT, grid={"fast": [5, 7], "slow": [20, 30]}, trials=None)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, so that keys are made anew."""
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(params=["ed25519", "hmac-sha256"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the package that signs, and without."""
    if request.param == "ed25519":
        pytest.importorskip("cryptography", reason="the optional package is not installed")
    else:
        monkeypatch.setattr(seals, "_ed25519", lambda: None)
    return str(request.param)


def test_what_is_signed_holds_and_what_is_changed_does_not(way: str, house: Path) -> None:
    found = seal(b"body")
    assert found.by == way and seal(b"body") == found, "the same key, the same signature"
    assert checked(b"body", found) == (True, "mine", "signed by this machine")
    assert not checked(b"Body", found).good
    turned = msgspec.structs.replace(found, sign=("0" if found.sign[0] != "0" else "1") + found.sign[1:])
    assert not checked(b"body", turned).good and not checked(b"body", msgspec.structs.replace(found, sign="xyz")).good
    key = house / (seals.SEAL if way == "ed25519" else seals.SECRET)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and len(key.read_bytes()) == 32
    key.unlink()
    other = checked(b"body", found)
    if way == "ed25519":
        assert other.good and other.whose == "other" and "not yours" in other.said and found.key in other.said
    else:
        assert not other.good and other.whose == "unknown"
    key.write_bytes(b"short")
    with pytest.raises(Misconfigured, match="PASSPORT_KEY"):
        seal(b"body")


def test_a_signature_of_another_kind_is_unknown(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked(b"", Seal("rot13", "00", "00")).whose == "unknown"
    (house.parent / "file").write_text("")
    monkeypatch.setenv("ARGOSY_HOME", str(house.parent / "file"))
    with pytest.raises(Misconfigured, match="PASSPORT_KEY"):
        seal(b"")


@pytest.mark.parametrize("name", ["it.html", "it.json"])
def test_it_is_read_back_as_it_was(way: str, house: Path, made: Passport, tmp_path: Path, name: str) -> None:
    again, findings = read(write(made, tmp_path / name))
    assert again == made
    assert [one.name for one in findings] == (["signature", "key", "page"] if name.endswith("html") else ["signature", "key"])
    assert all(one.good for one in findings)


def changed(path: Path, before: str, after: str) -> list[Finding]:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    return read(path)[1]


def test_every_change_of_the_page_is_noticed(house: Path, made: Passport, tmp_path: Path) -> None:
    def good(before: str, after: str) -> list[bool | None]:
        return [one.good for one in changed(write(made, tmp_path / "it.html"), before, after)]

    assert good(f"<b>{made.verdict}</b>", "<b>GOOD</b>") == [True, True, False], "what is seen, not what is signed"
    assert good(f'"verdict":"{made.verdict}"', '"verdict":"PASS"' if made.verdict != "PASS" else '"verdict":"WEAK"') == [False, True]
    assert good('"trials":4', '"trials":1')[0] is False
    assert good("</main>", "<script>alert(1)</script></main>") == [True, True, False]
    assert changed(write(made, tmp_path / "it.json"), '"trials": 4', '"trials": 1')[0].good is False


def test_what_is_no_passport_is_said(tmp_path: Path, made: Passport, house: Path) -> None:
    for text in ("", "{}", "<html></html>", '{"passport":{},"page":"","seal":{}}'):
        (tmp_path / "x").write_text(text)
        with pytest.raises(Misuse, match="PASSPORT_READ"):
            read(tmp_path / "x")
    with pytest.raises(Misuse, match="PASSPORT_READ"):
        read(tmp_path / "none")
    with pytest.raises(Misuse, match="PASSPORT_PATH"):
        write(made, tmp_path / "no" / "it.html")
    write(made, tmp_path / "it.json")
    text = (tmp_path / "it.json").read_text()
    (tmp_path / "it.json").write_text(text.replace('"schema": 1', '"schema": 99', 1))
    with pytest.raises(Misuse, match="99"):
        read(tmp_path / "it.json")


def test_code_prices_and_trials_are_compared(made: Passport) -> None:
    same = compared(made, made.code, made.data, made.trials)
    assert [(one.name, one.good) for one in same] == [("code", True), ("data", True)]
    other = compared(made, "x", {"MADE": "y"}, made.trials + 5)
    assert [one.good for one in other] == [False, False, False] and "5 more times" in other[2].said
    assert [one.good for one in compared(made, None, None, None)] == [None, None]


def test_the_page_stands_alone_and_says_all(made: Passport, house: Path) -> None:
    text = page(made)
    assert not re.search(r'(src|href)=|https?://(?!www\.w3\.org)|@import|url\(', text), "it asks no network for anything"
    assert text.count("<script") == 1 and 'type="application/json"' in text and "default-src 'none'" in text
    for one in made.checks:
        assert one.title in text
    assert WORDS[made.verdict].capitalize() in text and made.code in text and made.data["MADE"] in text
    assert "</svg>" in text and len(text) < 300_000
    wild = msgspec.structs.replace(made, name="<b>&", reasons=["</script><script>alert(1)</script>"])
    text = page(wild)
    assert text.count("<script") == 1 and "&lt;b&gt;&amp;" in text


def test_a_light_passport_has_a_page_too(house: Path) -> None:
    light = issue(Trend, market(300), light=True, trials=None)
    assert "What was asked" in page(light)


# -- the command ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command("passport")(command)
    app.command("other")(lambda: None)
    return app


def test_the_command_issues_and_checks(shell: typer.Typer, house: Path, tmp_path: Path, own_ledger: Path) -> None:
    words = ["passport", "trend", "--symbols", "IBM", "--start", "2008-01-01", "--grid", "fast=5:15:5", "--grid", "slow=40,60", "-p", "short=true"]
    told = CliRunner().invoke(shell, [*words, "--out", "it.html", "--json"])
    said = json.loads(told.stdout)
    assert told.exit_code == (1 if said["verdict"] == "FAIL" else 0), told.output
    assert (said["trials"], said["out"], said["symbols"], said["source"]["strategy"]) == (6, "it.html", ["IBM"], "trend")
    checked = CliRunner().invoke(shell, ["passport", "verify", "it.html", "--json"])
    found = json.loads(checked.stdout)
    assert checked.exit_code == 0 and found["holds"] and [one["name"] for one in found["findings"]] == ["signature", "key", "page", "code", "data"]
    CliRunner().invoke(shell, ["passport", "trend", "--symbols", "IBM", "--start", "2008-01-01", "-p", "fast=7"])
    late = CliRunner().invoke(shell, ["passport", "verify", "it.html"])
    assert late.exit_code == 1 and "tried 1 more times since" in late.stdout.replace("\n", " ")
    elsewhere = CliRunner().invoke(shell, ["passport", "verify", "it.html", "--prices", "nothing.csv", "--json"])
    assert json.loads(elsewhere.stdout)["findings"][4]["good"] is None
    shown = CliRunner().invoke(shell, words, env={"COLUMNS": "120"})
    assert said["verdict"] in shown.stdout and "Look-ahead" in shown.stdout and "chosen fast" in shown.stdout


def test_a_strategy_of_a_file_that_is_edited_no_longer_matches(shell: typer.Typer, house: Path, tmp_path: Path) -> None:
    file = tmp_path / "idea.py"
    file.write_text(
        "from argosy.core.intents import Target\n\n\nclass Idea:\n    def on_bar(self, bar, book):\n"
        "        return Target(bar.instrument, weight=0.5 if bar.close > bar.open else 0.0)\n"
    )
    CliRunner().invoke(shell, ["passport", "idea.py:Idea", "--symbols", "IBM", "--start", "2012-01-01", "--out", "idea.json"])
    same = json.loads(CliRunner().invoke(shell, ["passport", "verify", "idea.json", "--json"]).stdout)
    file.write_text(file.read_text().replace("0.5", "0.6"))
    other = json.loads(CliRunner().invoke(shell, ["passport", "verify", "idea.json", "--json"]).stdout)
    assert [one["good"] for one in same["findings"]] == [True, True, True, True]
    assert [one["good"] for one in other["findings"]] == [True, True, False, True] and not other["holds"]


def test_words_that_do_not_fit(shell: typer.Typer) -> None:
    for words in (["verify"], ["trend", "it.html"]):
        assert getattr(CliRunner().invoke(shell, ["passport", *words]).exception, "code", "") == "PASSPORT_FILE"


def test_a_path_that_cannot_be_meant_is_told_before_anything_runs(shell: typer.Typer, own_ledger: Path) -> None:
    for words, code in ((["--out", "nowhere/it.html"], "WRITE_PATH"), (["--key", "0" * 64], "PASSPORT_TRUST")):
        assert getattr(CliRunner().invoke(shell, ["passport", "trend", "--symbols", "IBM", *words]).exception, "code", "") == code
    for gone in ("--trials", "--trials-from", "--trials-at"):
        assert CliRunner().invoke(shell, ["passport", "trend", "--symbols", "IBM", gone, "100"]).exit_code == 2
    assert not own_ledger.exists() and not Path("100").exists(), "a count begun anew would have forgotten all trials"


def test_a_passport_signed_by_a_stranger_does_not_hold_until_the_key_is_trusted(
    made: Passport, shell: typer.Typer, house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is whole, and whoever made it can write PASS on it: it counts only where its maker is known."""
    pytest.importorskip("cryptography", reason="the optional package is not installed")
    write(made, tmp_path / "it.html")
    key = CliRunner().invoke(shell, ["passport", "key"]).stdout.split()[1]
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "else"))

    def verified(*words: str) -> tuple[int, dict[str, bool | None], str]:
        told = CliRunner().invoke(shell, ["passport", "verify", "it.html", "--data", "nothing.csv", *words])
        plain = json.loads(CliRunner().invoke(shell, ["passport", "verify", "it.html", "--data", "nothing.csv", *words, "--json"]).stdout)
        return told.exit_code, {one["name"]: one["good"] for one in plain["findings"]}, told.stdout.replace("\n", " ")

    code, found, said = verified()
    assert (code, found["signature"], found["key"], found["page"]) == (1, True, False, True)
    assert "it does not hold" in said and key in said and "not yours" in said
    code, found, said = verified("--key", "0" * 64, "--key", key.upper())
    assert (code, found["key"]) == (0, True) and "it holds" in said and "trusted (named here)" in said
    assert verified("--key", "0" * 64)[:1] == (1,)
    (tmp_path / "else").mkdir(exist_ok=True)
    (tmp_path / "else" / "trusted").write_text(f"# whom I believe\n\n{key} Ada\n")
    code, found, said = verified()
    assert (code, found["key"]) == (0, True) and "trusted (Ada)" in said
    for wrong in (["--key", key[:16]], ["--key", "z" * 64]):
        refused = CliRunner().invoke(shell, ["passport", "verify", "it.html", *wrong])
        assert getattr(refused.exception, "code", "") == "PASSPORT_TRUST"
    (tmp_path / "else" / "trusted").write_text("Ada\n")
    with pytest.raises(Misuse, match="PASSPORT_TRUST"):
        read(tmp_path / "it.html")
