"""Hypothesis profiles and a ledger of trials for each test.

"test" is for every day and draws the same cases each time, so that a change is judged by itself; "drill" (ARGOSY_DRILL=1) is for
the long matrices of the laws and draws new ones.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_PLACE = tempfile.mkdtemp(prefix="argosy-tests-")
atexit.register(shutil.rmtree, _PLACE, ignore_errors=True)
_NUMBERS = count()
os.environ["ARGOSY_HOME"] = _PLACE  # no test writes into the owner's own house

settings.register_profile("test", deadline=None, derandomize=True)
settings.register_profile(
    "drill",
    deadline=None,
    print_blob=True,
    max_examples=1_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("drill" if os.environ.get("ARGOSY_DRILL") else "test")


@pytest.fixture(autouse=True)
def own_ledger() -> Iterator[Path]:
    """Each test counts its trials in a ledger of its own; it yields the folder, which is made when something is counted.

    The owner's memory of other ledgers is emptied, so that no test knows of another's trials.
    """
    shutil.rmtree(Path(_PLACE) / "ledgers", ignore_errors=True)
    before = os.environ.get("ARGOSY_TRIALS")
    place = Path(_PLACE) / f"trials-{next(_NUMBERS)}"
    os.environ["ARGOSY_TRIALS"] = str(place)
    yield place
    if before is None:
        del os.environ["ARGOSY_TRIALS"]
    else:
        os.environ["ARGOSY_TRIALS"] = before
