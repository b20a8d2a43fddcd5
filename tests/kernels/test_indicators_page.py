"""The page of the indicators says what they are: its table is made from them, its examples run."""

from __future__ import annotations

import re
from pathlib import Path

from argosy.kernels import indicators as ind
from argosy.kernels.indicators import DEFINITIONS, Indicator
from argosy.kernels.indicators.page import call, example, table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "indicators.md"


def test_the_page_shows_what_there_is() -> None:
    """When it fails: put what `table()` returns below the mark."""
    _, _, shown = PAGE.read_text().partition("<!-- table -->\n")
    assert shown == "\n" + table()


def test_the_page_has_the_figures_of_each() -> None:
    """When it fails: `python -m bench.indicator_page` measures and writes them."""
    _, _, rest = PAGE.read_text().partition("<!-- figures: begin -->\n")
    shown, _, _ = rest.partition("<!-- figures: end -->\n")
    assert re.findall(r"^\| `(\w+)` \| \d", shown, re.MULTILINE) == sorted(DEFINITIONS)


def test_there_are_more_than_thirty() -> None:
    assert len(DEFINITIONS) >= 30
    assert set(DEFINITIONS) <= set(ind.__all__)
    assert call("rsi") == "rsi(n=14)"
    assert example("sma") == (10.0,)


def test_its_examples_run() -> None:
    block = re.search(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    lines = [line.partition("#")[0].strip() for line in block[1].splitlines()]
    scope: dict[str, object] = {}
    exec(next(line for line in lines if line.startswith("from")), scope)  # noqa: S102 - our own page
    made = [eval(line, scope) for line in lines if line and not line.startswith("from")]  # noqa: S307 - as above
    assert len(made) == 6
    assert all(isinstance(each, Indicator) for each in made)


def test_every_code_that_it_names_is_raised_somewhere() -> None:
    sources = "".join(path.read_text() for path in Path(ind.__path__[0]).glob("*.py"))
    for code in re.findall(r"`(INDICATOR_[A-Z]+)`", PAGE.read_text()):
        assert f'"{code}"' in sources
