"""The pages cannot lie: tests they name exist, files they name exist, links lead somewhere, settings commands are there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("README.md"))]
NODE = re.compile(r"`((?:tests|argosy|examples)/[\w/]+\.py)::([\w:]+)`")
FILE = re.compile(r"`((?:tests|argosy|examples|docs|scripts|bench)/[\w/.-]+\.(?:py|md|toml|svg|parquet))(?:::[\w:]+)?`")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)(?:#[^)]*)?\)")


@cache
def names(path: Path) -> frozenset[str]:
    """Functions, classes and methods of a file, as pytest names them after the file."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return frozenset(found)


def missing_tests(text: str) -> list[str]:
    """The tests that a page names and that do not exist."""
    return [
        f"{file}::{name}"
        for file, name in NODE.findall(text)
        if not (ROOT / file).exists() or name not in names(ROOT / file) or not name.split("::")[-1].startswith(("test_", "Test"))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    assert missing_tests(text) == []
    assert [file for file in FILE.findall(text) if not (ROOT / file).exists()] == []
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


def test_a_test_that_does_not_exist_is_found() -> None:
    assert missing_tests("`tests/core/test_ids.py::test_an_id_is_read_back`") == []
    for wrong in ("tests/core/test_ids.py::test_no_such", "tests/core/test_gone.py::test_x", "tests/core/test_ids.py::DESKS"):
        assert missing_tests(f"`{wrong}`") == [wrong]


def rows() -> list[tuple[str, str]]:
    """Sentence and test of every row of the table of the heart."""
    lines = (ROOT / "docs/heart-tests.md").read_text().splitlines()
    cells = [line.strip("|").split(" | ") for line in lines if line.startswith("|") and not line.startswith(("|---", "| sentence"))]
    return [(cell[0].strip(), cell[-1].strip()) for cell in cells]


OPEN = re.compile(r"open: [\w ,.:;'/-]{12,}")
"""A sentence that no test holds says why: the room that it belongs to and that is not built yet."""


def test_every_sentence_of_the_heart_has_a_test_or_says_why_not() -> None:
    assert len(rows()) > 150
    for sentence, held in rows():
        assert NODE.fullmatch(held) or OPEN.fullmatch(held), sentence
    assert sum(held.startswith("open") for _, held in rows()) < 10
    assert len({sentence for sentence, _ in rows()}) == len(rows()), "a sentence stands twice"


def test_the_readme_shows_both_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert re.search(r"^\s*make up\b", text, re.MULTILINE)
    assert re.search(r"^\s*make test\b", text, re.MULTILINE)


def test_make_prints_every_target_and_has_few() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):", text, re.MULTILINE)
    assert len(targets) <= 8
    assert [name for name in targets if not re.search(rf"^{name}:.*##", text, re.MULTILINE)] == []
    assert set(targets) <= set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    wanted = [name for name in (*project["dependencies"], *extras) if not name.startswith("argosy[")]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!+-]+", line)] == [], "only names and versions"

    def plain(name: str) -> str:
        return re.split(r"[^\w.-]", name, maxsplit=1)[0].lower().replace("_", "-")

    pinned = {plain(line) for line in lines}
    assert [name for name in wanted if plain(name) not in pinned] == []


def test_every_decision_is_one_numbered_page_that_says_why() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [page.name[:3] for page in pages] == [f"{number:03}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text()
        assert re.match(rf"# {page.name[:3]}\b", text), page.name
        for part in ("Decision", "Why"):
            assert re.search(rf"^(## {part}$|\*\*{part}\.\*\*)", text, re.MULTILINE), f"{page.name} does not say: {part}"
        assert len(text.splitlines()) <= 70, f"{page.name} is longer than a page"


def test_the_strategies_on_the_page_pass_the_kit(tmp_path: Path) -> None:
    text = (ROOT / "docs/write-a-strategy.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    page = tmp_path / "test_page.py"
    page.write_text("\n".join(blocks))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-c", str(tmp_path / "none.ini"), str(page)]
    (tmp_path / "none.ini").write_text("[pytest]\n")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b2\d passed|\b[3-9]\d passed", done.stdout), done.stdout
