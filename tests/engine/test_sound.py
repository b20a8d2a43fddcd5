"""What a step may write: numbers that can mean something; anything else stops it, once, and is never sent."""

from __future__ import annotations

import pytest

from argosy.core.strategy import ABSENT, Out
from argosy.engine.dispatch import sound

NAN, DOWN = float("nan"), float("-inf")


def said(**numbers: float) -> Out:
    out = Out()
    for name, value in numbers.items():
        setattr(out, name, value)
    return out


@pytest.mark.parametrize("name", ["limit", "stop", "take"])
def test_a_level_is_a_number_or_absent(name: str) -> None:
    """-inf is neither: it reached the venue as an amend, again at each answer."""
    assert sound(said(target=1.0, **{name: 10.0}))
    assert sound(said(target=1.0, **{name: ABSENT}))
    assert not sound(said(target=1.0, **{name: NAN}))
    assert not sound(said(target=1.0, **{name: DOWN}))


@pytest.mark.parametrize("target", [NAN, DOWN, ABSENT, 1e18, -1e18])
def test_a_target_is_of_this_world(target: float) -> None:
    assert not sound(said(target=target))
