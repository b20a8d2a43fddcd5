"""Old simulations of `argosy up` go, the last ones stay, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.cli import up
from argosy.desk import attic
from argosy.desk.folder import desks, of
from argosy.exchange.open import Wanted, opened
from argosy.store import lease
from argosy.store.opening import LOCK
from tests.desk.harbour import KEY


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


def begun(*names: str) -> None:
    """Simulations that `argosy up` began, in this order."""
    for at, name in enumerate(names):
        folder = of("sim", name)
        attic.mark(folder)
        (folder.root / attic.MARK).write_text(f"{at}\n")
        (folder.root / "log.jsonl").write_text("{}\n")


def left() -> list[str]:
    return sorted(path.name for path in desks().iterdir())


def test_the_last_ones_stay_and_the_oldest_go_first() -> None:
    begun("E", "D", "C", "B", "A")
    assert [path.name for path in attic.sweep(3)] == ["sim-E", "sim-D"]
    assert left() == ["sim-A", "sim-B", "sim-C"]
    assert attic.sweep(3) == [] == attic.sweep(99)
    assert [path.name for path in attic.sweep(0)] == ["sim-C", "sim-B", "sim-A"]


def test_a_desk_of_another_kind_or_without_the_mark_or_at_work_is_never_touched(tmp_path: Path) -> None:
    begun("A", "B", "C")
    of("sim", "MINE").make()
    attic.mark(of("paper", "PA1"))  # no simulation, whatever lies in it
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / attic.MARK).write_text("0\n")
    (desks() / "sim-LINK").symlink_to(elsewhere)
    with lease.Lease(of("sim", "A").journal / LOCK, account="A"):
        assert [path.name for path in attic.sweep(0)] == ["sim-B", "sim-C"]
    assert left() == ["paper-PA1", "sim-A", "sim-LINK", "sim-MINE"] and (elsewhere / attic.MARK).exists()
    (of("sim", "A").root / attic.MARK).write_text("nonsense")
    assert [path.name for path in attic.sweep(0)] == ["sim-A"]


def test_one_that_begins_at_the_same_time_is_not_removed_before_its_desk_is_there() -> None:
    """Two are begun in two windows, and one simulation is kept: the second may not take the folder of the first away."""
    begun("OLD")
    for name in ("A", "B"):
        attic.mark(of("sim", name))
    assert [path.name for path in attic.sweep(1)] == ["sim-OLD"]
    assert left() == ["sim-A", "sim-B"]


def test_up_marks_its_own_folder_says_what_it_removed_and_keeps_what_the_owner_set(capsys: pytest.CaptureFixture[str]) -> None:
    begun("A", "B", "C")
    with opened(Wanted(keys=((KEY, "secret"),), symbols=["AAPL"], seed=9)) as server:
        number = server.exchange.accounts[KEY].number
        up._tidy(server.url, KEY, 2, False, False)
        assert capsys.readouterr().out == "removed   2 older simulations; the last 2 are kept (desk.keep_sims)\n"
        assert left() == sorted(["sim-C", f"sim-{number}"])
        up._tidy(server.url, KEY, 2, False, False)
        up._tidy(server.url, KEY, 0, True, False)
        assert capsys.readouterr().out.strip() == '{"event":"removed","folders":["sim-C"]}'
        assert left() == [f"sim-{number}"]
