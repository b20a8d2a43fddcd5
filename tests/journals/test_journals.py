"""HEART §2: a journal of every released schema is kept here, and each of them folds for ever to the state it was written with."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from argosy.core.events import SCHEMA
from argosy.core.instrument import Instrument, Instruments
from argosy.engine.fold import fold
from argosy.engine.journal import Record, Run, frames
from argosy.engine.state import State
from tests.journals import make
from tests.journals.book import Page, kinds, pages, read, write


def folded(page: Page) -> State:
    """The state that a page's frames and rows give today."""
    table = Instruments(Instrument(symbol=symbol) for symbol in page.symbols)
    return fold(frames(page.frames), State(table, "USD", page.strategies), iter(page.rows))


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_kept_journal_folds_to_its_recorded_hash(path: Path) -> None:
    page = read(path)
    state = folded(page)
    assert state.portfolio.lots == page.lots
    assert state.portfolio.cash[0] == page.cash
    assert state.hash == page.hash
    state.portfolio.check()


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_its_header_says_its_schema(path: Path) -> None:
    page = read(path)
    _, header = next(frames(page.frames))
    assert isinstance(header, Run)
    assert header.schema == page.schema <= SCHEMA
    assert list(header.symbols) == page.symbols


def test_every_schema_so_far_has_its_journals() -> None:
    assert {read(path).schema for path in pages()} == set(range(1, SCHEMA + 1))


def test_the_current_schema_is_kept_with_every_kind_of_record() -> None:
    """A kind that is added, or renamed, is a new schema, or at least a journal to be written anew before its release."""
    own = set().union(*(kinds(path) for path in pages() if read(path).schema == SCHEMA))
    tags = {kind.__struct_config__.tag for kind in get_args(Record)}
    assert tags - own == set()


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_kept_journal_is_small_and_is_text(path: Path) -> None:
    assert path.stat().st_size < 50_000
    assert path.read_text().isascii()


def test_a_page_is_read_as_it_was_written(tmp_path: Path) -> None:
    page = make.every()
    write(tmp_path / "page.txt", page)
    again = read(tmp_path / "page.txt")
    assert repr(again) == repr(page)


def test_one_changed_letter_is_found(tmp_path: Path) -> None:
    from argosy.core.errors import Broken

    text = next(iter(pages())).read_text().splitlines()
    at = next(k for k, line in enumerate(text) if line.startswith("record 3 "))
    line = text[at]
    text[at] = line[:-6] + ("B" if line[-6] != "B" else "C") + line[-5:]
    changed = tmp_path / "page.txt"
    changed.write_text("\n".join(text) + "\n")
    with pytest.raises(Broken, match="JOURNAL_CRC"):
        folded(read(changed))
