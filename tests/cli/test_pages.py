"""What the pages show is what the commands print: table, picture, first strategy, limits, and every command line on a page."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from argosy.cli.main import app
from argosy.engine.rules.profiles import PROFILES, SHELF

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("README.md"))]


def block(kind: str) -> str:
    """The first code block of a kind on the first page."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Output and picture of a fresh demo, as a user gets them in a terminal of eighty columns."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "argosy.cli", "demo", "--svg", "demo.svg"]
    environment = {"COLUMNS": "80", "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "LANG": "C.UTF-8"}
    environment["ARGOSY_HOME"] = str(folder)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert (folder / "argosy-report.html").stat().st_size < 1_200_000
    return done.stdout, (folder / "demo.svg").read_text(encoding="utf-8")


def rows(text: str) -> list[str]:
    """The lines of the table, without the blanks at their ends."""
    lines = [line.rstrip() for line in text.splitlines()]
    start = next(k for k, line in enumerate(lines) if line.startswith("Strategy"))
    end = next(k for k, line in enumerate(lines) if line.startswith("holding all"))
    return [line for line in lines[start : end + 1] if line]


def test_the_table_is_what_the_demo_prints(fresh: tuple[str, str]) -> None:
    assert rows(block("")) == rows(fresh[0]), "write it anew: COLUMNS=80 argosy demo"


def test_the_picture_is_what_the_demo_draws(fresh: tuple[str, str]) -> None:
    kept = (ROOT / "docs/img/demo.svg").read_text(encoding="utf-8")
    assert kept == fresh[1], "draw it anew: argosy demo --svg docs/img/demo.svg"
    assert len(kept) < 40_000
    assert "http" not in kept.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in kept


def test_the_first_strategy_works_when_pasted(shell, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code = block("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    (tmp_path / "above.py").write_text(code, encoding="utf-8")
    lines = re.findall(r"^    argosy (backtest above.*)$", README, re.MULTILINE)
    assert len(lines) == 2
    told = shell(*shlex.split(lines[0]), "--json")
    assert told.code == 0, told.err
    assert told.json["stats"]["trades"] > 50
    assert told.json["refusals"] == {}
    assert (tmp_path / "above.html").exists()
    assert "Trades   the last 20" in shell(*shlex.split(lines[1])).out


@pytest.mark.parametrize(
    ("place", "text", "said"),
    [
        ("gone.py:Above", None, "there is no file"),
        ("one.py:Other", "class Above:\n    pass\n", "has no class 'Other'"),
        ("one.py:Above", "import no_such_thing\n", "ModuleNotFoundError"),
    ],
)
def test_a_file_that_is_no_strategy_is_misuse(shell, tmp_path: Path, place: str, text: str | None, said: str) -> None:  # type: ignore[no-untyped-def]
    if text is not None:
        (tmp_path / "one.py").write_text(text, encoding="utf-8")
    told = shell("backtest", place, "--json")
    assert (told.code, told.error["code"]) == (2, "STRATEGY_FILE")
    assert said in told.error["what"]


def commands(page: Path) -> list[str]:
    """Every `argosy ...` of a page: in code blocks, in indented lines and between backticks; two spaces end it."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^(?: {4}|)(argosy [a-z].*)$", text, re.MULTILINE) + re.findall(r"`(argosy [a-z][^`]*)`", text)
    return [re.split(r"\s{2,}", line)[0] for line in found if "…" not in line]


def test_every_command_on_a_page_is_one_with_options_that_exist() -> None:
    group = get_command(app)
    seen = 0
    for page in PAGES:
        for line in commands(page):
            words = shlex.split(line)[1:]
            command, context = group, typer.Context(group)
            while words and hasattr(command, "commands"):
                assert words[0] in command.commands, f"{page.name}: {line}"
                command = command.commands[words.pop(0)]
            known = {name for option in command.get_params(context) for name in (*option.opts, *option.secondary_opts)}
            assert [word for word in words if word.startswith("-") and word not in known] == [], f"{page.name}: {line}"
            seen += 1
    assert seen >= 8


def test_the_page_of_the_gate_is_what_the_rules_say() -> None:
    made = runpy.run_path(str(ROOT / "scripts/gate_page.py"))
    page = made["PAGE"].read_text(encoding="utf-8")
    assert made["written"](page) == page, "write it anew: python scripts/gate_page.py"
    table = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(table) == len(SHELF) == 31
    for (name, (make, _)), line in zip(SHELF.items(), table, strict=True):
        assert line.startswith(f"| `{name}`:")
        assert all(f"`{code}`" in line for code in make.codes)
        for key, value in PROFILES["desk"].get(name, {}).items():
            assert f"{key} {str(value).lower() if isinstance(value, bool) else f'{value:g}'}" in line.split("|")[-2]


def test_the_readme_says_how_many_rules_there_are() -> None:
    assert f"{len(SHELF)} risk rules" in README


def test_the_example_settings_are_right_and_in_force(shell, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "argosy.toml").write_text((ROOT / "argosy.example.toml").read_text(encoding="utf-8"), encoding="utf-8")
    told = shell("config", "check")
    assert told.code in (0, 2)
    assert "SETTING" not in told.err, told.err
    found = shell("config", "explain", "risk.position.max_pct", "--json").json
    assert (found["value"], found["origin"].split(":")[0].rsplit("/", 1)[-1]) == ("40.0", "argosy.toml")


def test_every_line_of_the_example_environment_is_a_setting(shell, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"# (ARGOSY_[A-Z_]+__[A-Z_]+)=(.*)", line)
        if found is not None:
            key = found[1].removeprefix("ARGOSY_").lower().replace("__", ".")
            assert shell("config", "explain", key).code == 0, line


def test_the_example_package_runs_as_its_page_says(shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Found by its entry point, with the page's parameters, from the page's settings; and bounded."""
    from importlib.metadata import EntryPoint

    from argosy.core import plugins

    home = ROOT / "examples/tsla_improved"
    monkeypatch.syspath_prepend(str(home / "src"))
    points = {"tsla_improved": EntryPoint("tsla_improved", "tsla_improved:TslaImproved", "argosy.strategies")}
    monkeypatch.setattr(plugins, "found", lambda group: points if group == "argosy.strategies" else {})
    page = (home / "README.md").read_text(encoding="utf-8")
    lines = [line for line in commands(home / "README.md") if line.startswith("argosy backtest")]
    assert len(lines) >= 2
    for line in lines:
        told = shell(*shlex.split(line)[1:], "--json")
        assert told.code == 0, told.err
        assert told.json["stats"]["trades"] > 20
    settings = re.search(r"^```toml\n(\[strategies\.rider\].*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert settings is not None
    (tmp_path / "argosy.toml").write_text(settings[1], encoding="utf-8")
    found = shell("backtest", "rider", "--json").json
    assert found["settings"]["strategies"]["rider"]["trail"] == 3.0
    assert found["symbols"] == ["AAPL"]
    refused = shell("backtest", "tsla_improved", "--symbols", "AAPL", "-p", "risk=0.9", "--json")
    assert (refused.code, refused.error["code"]) == (2, "STRATEGY_PARAM")
