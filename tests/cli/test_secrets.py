"""`argosy secrets`: set, rotate and list by the real command, with no value ever on a screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from argosy.cli.main import app
from argosy.core.errors import Misconfigured
from argosy.net.keystore import Keystore
from argosy.net.secret import Secret

VALUE = "PKvery-secret-value"
PASS = "correct horse battery"  # noqa: S105


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_PASSPHRASE", PASS)
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path / "secrets.json"


def test_set_list_rotate(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke
    done = run(app, ["secrets", "set", "ALPACA_API_KEY", "--stdin"], input=VALUE + "\n")
    assert done.exit_code == 0 and VALUE not in done.output and file.exists()
    done = run(app, ["secrets", "set", "ALPACA_SECRET_KEY"], input="typed-unseen\n")
    assert done.exit_code == 0 and "typed-unseen" not in done.output
    listed = run(app, ["secrets", "list", "--json"])
    assert [(row["name"], row["turns"]) for row in json.loads(listed.stdout)] == [("ALPACA_API_KEY", 0), ("ALPACA_SECRET_KEY", 0)]
    assert run(app, ["secrets", "rotate", "ALPACA_API_KEY", "--stdin"], input="PKsecond-value\n").exit_code == 0
    assert "replaced 1 times" in run(app, ["secrets", "list"]).output
    monkeypatch.setenv("ARGOSY_NEW_PASSPHRASE", "an even longer one")
    assert run(app, ["secrets", "rotate"]).exit_code == 0
    assert Keystore(file, Secret("an even longer one")).get("ALPACA_API_KEY") == Secret("PKsecond-value")


def test_what_is_wrong_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke
    assert isinstance(run(app, ["secrets", "list"], standalone_mode=False).exception, Misconfigured | SystemExit)
    run(app, ["secrets", "set", "A_KEY", "--stdin"], input=VALUE + "\n")
    wrong = run(app, ["secrets", "rotate", "NO_SUCH"])
    assert wrong.exit_code == 2 and "A_KEY" in wrong.output
    monkeypatch.setenv("ARGOSY_PASSPHRASE", "not the passphrase")
    wrong = run(app, ["secrets", "set", "B_KEY", "--stdin"], input=VALUE + "\n")
    assert wrong.exit_code == 2 and "PASSPHRASE" in wrong.output and VALUE not in wrong.output


def test_it_works_where_nobody_can_be_asked(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a terminal: the passphrase from a file, values from standard input; where something lacks, it is said how to give it."""
    run = CliRunner().invoke
    said = tmp_path / "pass"
    said.write_text(PASS + "\n")
    monkeypatch.delenv("ARGOSY_PASSPHRASE")
    lacking = run(app, ["secrets", "set", "A_KEY", "--stdin"], input="")
    assert lacking.exit_code == 2 and "NOBODY_TO_ASK" in lacking.output and "ARGOSY_PASSPHRASE_FILE" in lacking.output
    monkeypatch.setenv("ARGOSY_PASSPHRASE_FILE", str(said))
    assert run(app, ["secrets", "set", "A_KEY", "--stdin"], input=VALUE + "\n").exit_code == 0
    lacking = run(app, ["secrets", "set", "B_KEY"], input="")
    assert lacking.exit_code == 2 and "--stdin" in lacking.output
    assert json.loads(run(app, ["secrets", "list", "--json"]).stdout)[0]["name"] == "A_KEY"
    lacking = run(app, ["secrets", "rotate"], input="")
    assert lacking.exit_code == 2 and "ARGOSY_NEW_PASSPHRASE" in lacking.output
    assert Keystore(file, Secret(PASS)).get("A_KEY") == Secret(VALUE) and file.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("ARGOSY_PASSPHRASE_FILE", str(tmp_path / "none"))
    lacking = run(app, ["secrets", "list"])
    assert lacking.exit_code == 2 and "PASSPHRASE_FILE" in lacking.output
