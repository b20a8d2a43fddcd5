from __future__ import annotations

from collections.abc import Iterator

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
