"""Plugins: found by name without being loaded, loaded by name, and named when they are broken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from argosy.core import plugins
from argosy.core.errors import Misuse

GROUP = "argosy.strategies"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, str], None]]:
    """Puts a distribution with one module and its entry points where Python finds it."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    before = set(sys.modules)

    def add(package: str, source: str, points: str) -> None:
        (tmp_path / f"{package}.py").write_text(source)
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")

    yield add
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_the_house_registers_its_own() -> None:
    assert {"buy_and_hold", "trend", "mean_reversion", "rebalance", "grid"} <= set(plugins.found(GROUP))
    assert GROUP in plugins.GROUPS
    assert plugins.load(GROUP, "trend").__name__ == "Trend"


def test_a_package_is_found_without_being_loaded(packages: Callable[[str, str, str], None]) -> None:
    packages(
        "quiet_package",
        "raise SystemExit('loaded!')",
        "zeta = quiet_package:Zeta\nalpha = quiet_package:Alpha",
    )
    found = plugins.found(GROUP)
    assert list(found) == ["alpha", "zeta"]
    assert all(isinstance(point, EntryPoint) for point in found.values())
    assert "quiet_package" not in sys.modules


def test_a_package_is_loaded_by_name(packages: Callable[[str, str, str], None]) -> None:
    packages("good_package", "class Idea:\n    pass", "idea = good_package:Idea")
    assert plugins.load(GROUP, "idea").__module__ == "good_package"


def test_two_packages_may_not_share_a_name(packages: Callable[[str, str, str], None]) -> None:
    packages("one_package", "class Idea: ...", "idea = one_package:Idea")
    packages("two_package", "class Idea: ...", "idea = two_package:Idea")
    with pytest.raises(Misuse, match="one_package:Idea and two_package:Idea") as refusal:
        plugins.found(GROUP)
    assert refusal.value.code == "PLUGIN_TWICE"


def test_the_same_class_twice_is_one(packages: Callable[[str, str, str], None]) -> None:
    packages("one_package", "class Idea: ...", "idea = one_package:Idea")
    packages("two_package", "", "idea = one_package:Idea")
    assert list(plugins.found(GROUP)) == ["idea"]


@pytest.mark.parametrize("known", [True, False])
def test_a_stranger_is_refused_with_what_is_known(
    packages: Callable[[str, str, str], None], known: bool
) -> None:
    if known:
        packages("good_package", "class Idea: ...", "idea = good_package:Idea")
    with pytest.raises(Misuse, match="known: idea" if known else "known: none") as refusal:
        plugins.load(GROUP, "ida")
    assert refusal.value.code == "PLUGIN_UNKNOWN"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise ZeroDivisionError('oh')", "ZeroDivisionError: oh"),
        ("import no_such_module_anywhere", "no_such_module_anywhere"),
        ("x = 1", "Idea"),
        ("Idea = 'text'", "no class"),
    ],
)
def test_a_broken_package_is_named(packages: Callable[[str, str, str], None], source: str, says: str) -> None:
    packages("bad_package", source, "idea = bad_package:Idea")
    with pytest.raises(Misuse, match=says) as refusal:
        plugins.load(GROUP, "idea")
    assert refusal.value.code == "PLUGIN_BROKEN"
    assert refusal.value.where == "bad_package:Idea"


@pytest.mark.parametrize("stem", ["random", "polars", "my_own_idea"])
def test_a_file_takes_no_name_from_others(tmp_path: Path, stem: str) -> None:
    """A strategy kept in random.py must not become the `random` that everything else imports; one of its own name keeps it."""
    before = sys.modules.get(stem)
    path = tmp_path / f"{stem}.py"
    path.write_text("class Idea:\n    pass\n")
    try:
        assert plugins.from_file(f"{path}:Idea").__module__ == (stem if stem == "my_own_idea" else f"{stem}_of_yours")
        assert stem == "my_own_idea" or sys.modules.get(stem) is before
        path.write_text("1 / 0\n")
        with pytest.raises(Misuse, match="STRATEGY_FILE"):
            plugins.from_file(f"{path}:Idea")
        assert stem == "my_own_idea" or sys.modules.get(stem) is before, "what fails takes nothing away, either"
    finally:
        for name in ("my_own_idea", f"{stem}_of_yours"):
            sys.modules.pop(name, None)
