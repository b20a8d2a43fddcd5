"""Corporate actions that are announced: told by kind, symbol and day, and nothing else happens; one that comes about is told once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from argosy.exchange.open import Wanted, opened
from tests.desk.harbour import KEY, Harbour


@pytest.fixture(scope="module")
def harbour() -> Iterator[Harbour]:
    with opened(Wanted(keys=((KEY, "hush"),), symbols=["AAPL", "MSFT"], control=True, seed=3)) as server:
        yield Harbour(server)


def told(harbour: Harbour, **query: str) -> dict[str, list[Any]]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    rows: dict[str, list[Any]] = harbour.rest("GET", f"/v1/corporate-actions?{words}")["corporate_actions"]
    return rows


def test_it_is_told_by_kind_symbol_and_day_and_the_account_is_as_before(harbour: Harbour) -> None:
    harbour.server.exchange.actions.clear()
    harbour.by_hand("AAPL", "buy", 10)
    harbour.ctl("announce", symbol="AAPL", kind="forward_splits", day="2030-01-03", new_rate=4, old_rate=1)
    harbour.ctl("announce", symbol="MSFT", kind="cash_mergers", day="2030-01-05")
    harbour.ctl("announce", symbol="AAPL", kind="spin_offs", day="2030-01-07", other_symbol="NEWCO")
    (split,) = told(harbour)["forward_splits"]
    assert (split["symbol"], split["new_rate"], split["old_rate"], split["ex_date"]) == ("AAPL", 4.0, 1.0, "2030-01-03")
    (merger,) = told(harbour, symbols="MSFT")["cash_mergers"]
    assert (merger["acquiree_symbol"], merger["effective_date"]) == ("MSFT", "2030-01-05") and list(told(harbour, symbols="MSFT")) == ["cash_mergers"]
    assert list(told(harbour, start="2030-01-04", end="2030-01-06")) == ["cash_mergers"]
    (spin,) = told(harbour, types="spin_off")["spin_offs"]
    assert (spin["source_symbol"], spin["new_symbol"]) == ("AAPL", "NEWCO")
    assert harbour.held() == 10
    assert harbour.rest("GET", "/v2/account/activities/SPLIT") == []


def test_a_split_that_was_announced_for_today_is_told_once(harbour: Harbour) -> None:
    harbour.server.exchange.actions.clear()
    harbour.ctl("announce", symbol="MSFT", kind="reverse_splits", new_rate=1, old_rate=2)
    harbour.ctl("split", symbol="MSFT", ratio=0.5)
    assert len(told(harbour)["reverse_splits"]) == 1
    harbour.ctl("split", symbol="AAPL", ratio=2.0)  # this one was not
    assert len(told(harbour)["forward_splits"]) == 1


def test_what_is_no_kind_is_refused_in_words(harbour: Harbour) -> None:
    for body in ({"symbol": "AAPL", "kind": "party"}, {"symbol": "AAPL"}, {"symbol": "AAPL", "kind": "spin_offs", "when": "now"}):
        with pytest.raises(OSError, match="400"):
            harbour.ctl("announce", **body)
