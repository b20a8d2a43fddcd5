"""The tests are about what is read back, so syncs of whole files are left out where nobody looks at them (`test_durable` does)."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that says at once that it is done."""
    if request.node.path.stem not in ("test_durable", "test_disk"):
        monkeypatch.setattr(os, "fsync", lambda fd: None)
