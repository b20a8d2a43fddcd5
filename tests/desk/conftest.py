from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.exchange.open import Wanted, opened
from tests.desk.harbour import KEY, SECRET, SYMBOLS, Harbour, fresh


@pytest.fixture(scope="session")
def served() -> Iterator[Harbour]:
    """One exchange for all tests of a process."""
    with opened(Wanted(keys=((KEY, SECRET),), symbols=list(SYMBOLS), control=True, seed=3, cash=1_000_000)) as server:
        yield Harbour(server)


@pytest.fixture
def harbour(served: Harbour) -> Iterator[Harbour]:
    """The exchange as on its first day."""
    with fresh(served) as one:
        yield one


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house of its own in which nothing is set, no key is known, and an emergency settles quickly."""
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "house"))
    monkeypatch.setattr("argosy.desk.kill.SETTLE_S", 0.1)
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "ARGOSY_PASSPHRASE", "CI"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "house"
