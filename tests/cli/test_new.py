"""`argosy new strategy`: what it writes runs and passes its own tests at once, and nothing is ever overwritten."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUICK = "not restart and not machine_code and not bounds_themselves and not never_fails"
"""The slow laws of the kit are left to the kits' own tests; the rest is enough to see that what was written is whole."""


def test_it_runs_and_its_own_test_passes(shell, tmp_path):
    for name, style in (("my_idea", "step"), ("dips", "class")):
        cls = name.title().replace("_", "")
        told = shell("new", "strategy", name, "--style", style)
        assert told.code == 0 and f"argosy backtest {name}" in told.out
        assert tomllib.loads((tmp_path / "argosy.toml").read_text())["strategies"][name]["plugin"] == f"strategies/{name}.py:{cls}"
        ran = shell("backtest", name, "--symbols", "IBM", "--json").json
        assert ran["fills"] > 50 and not ran["failures"]
    assert shell("config", "check").code == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "--maxfail=1", "-k", QUICK],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert " passed" in done.stdout and "failed" not in done.stdout and "skipped" not in done.stdout


def test_parameters_come_from_its_section(shell, tmp_path):
    shell("new", "strategy", "my_idea")
    toml = tmp_path / "argosy.toml"
    toml.write_text(toml.read_text() + "weight = 0.25\n")
    assert shell("backtest", "my_idea", "--symbols", "IBM", "--json").json["settings"]["strategies"]["my_idea"]["weight"] == 0.25
    toml.write_text(toml.read_text().replace("0.25", "7"))
    told = shell("backtest", "my_idea", "--json")
    assert told.code == 2 and told.error["code"] == "STRATEGY_PARAM"


def test_nothing_is_overwritten(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text("# mine\n[account]\ncash = 5000.0\n")
    assert shell("new", "strategy", "my_idea").code == 0
    text = (tmp_path / "argosy.toml").read_text()
    assert text.startswith("# mine\n[account]\ncash = 5000.0\n\n[strategies.my_idea]\n")
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    told = shell("new", "strategy", "my_idea", "--json")
    assert told.code == 2 and told.error["code"] == "NEW_EXISTS"
    (tmp_path / "strategies" / "my_idea.py").unlink()
    (tmp_path / "tests" / "test_my_idea.py").unlink()
    told = shell("new", "strategy", "my_idea", "--json")  # its section is still there
    assert told.code == 2 and told.error["code"] == "NEW_EXISTS" and "[strategies.my_idea]" in told.error["what"]
    left = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {path: data for path, data in files.items() if path.suffix != ".py"}


@pytest.mark.parametrize(
    ("words", "code"),
    [(("Trend",), "NEW_NAME"), (("trend",), "NEW_NAME"), (("class",), "NEW_NAME"), (("a/b",), "NEW_NAME"), (("ok", "--style", "x"), "NEW_STYLE")],
)
def test_misuse_is_status_2(shell, tmp_path, words, code):
    told = shell("new", "strategy", *words, "--json")
    assert told.code == 2 and told.error["code"] == code and told.error["fix"]
    assert not list(tmp_path.iterdir())


def test_settings_that_cannot_be_read_are_left_alone(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text("[broken\n")
    told = shell("new", "strategy", "my_idea", "--json")
    assert told.code == 2 and told.error["code"] == "NEW_SETTINGS"
    assert [path.name for path in tmp_path.iterdir()] == ["argosy.toml"]


def test_another_folder_and_json(shell, tmp_path):
    told = shell("new", "strategy", "dips", "--style", "class", "--folder", "mine", "--json").json
    assert told["class"] == "Dips" and told["next"][0] == "cd mine && pytest tests/test_dips.py"
    assert (tmp_path / "mine" / "strategies" / "dips.py").exists()


def test_a_file_that_is_gone_is_said(shell, tmp_path):
    shell("new", "strategy", "my_idea")
    (tmp_path / "strategies" / "my_idea.py").unlink()
    told = shell("backtest", "my_idea", "--json")
    assert told.code == 2 and told.error["code"] == "STRATEGY_FILE"
