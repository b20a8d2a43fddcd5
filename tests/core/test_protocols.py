"""The shapes that rooms speak through: what the house offers has every part of them, under the same names."""

from __future__ import annotations

import inspect

import pytest

from argosy.core.instrument import Instrument, Instruments
from argosy.core.protocols import Book, Journal, Market, Source
from argosy.core.tape import Tape
from argosy.engine.book import StrategyBook
from argosy.engine.journal import MemoryJournal
from argosy.venues.sim.core import SimCore


def members(shape: type) -> dict[str, object]:
    """The public parts of a shape."""
    return {name: part for name, part in vars(shape).items() if not name.startswith("_")}


OFFERED = [
    (Book, StrategyBook),  # the class itself: one is made inside an engine only
    (Market, SimCore(Instruments([Instrument(symbol="SPY")]))),
    (Source, Tape),
    (Journal, MemoryJournal()),
]


@pytest.mark.parametrize(("shape", "offer"), OFFERED, ids=["book", "market", "source", "journal"])
def test_what_the_house_offers_has_the_shape(shape: type, offer: object) -> None:
    for name, part in members(shape).items():
        assert hasattr(offer, name), name
        offered = inspect.getattr_static(offer, name, None)
        if inspect.isfunction(part) and inspect.isfunction(offered):
            wanted = list(inspect.signature(part).parameters)
            assert list(inspect.signature(offered).parameters)[: len(wanted)] == wanted, name


def test_a_journal_is_known_by_its_parts() -> None:
    assert isinstance(MemoryJournal(), Journal)
    assert not isinstance(Tape, Journal)
