"""Why an order was, from a desk's journal: what it earned where the broker took an execution back, the house's stop, and one way through."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from argosy import quay
from argosy.core.effects import Submit
from argosy.core.errors import Misuse
from argosy.core.events import SCHEMA, Bust, Fill, Reversal, Split
from argosy.core.instrument import Instrument
from argosy.core.intents import Target
from argosy.core.orders import BUY, SELL, Approved, Order, Refused, Share, Tif, Type
from argosy.engine.records import Guarded, Reserve, Run, Verdict, Wanted
from argosy.lab.why.lived import Lived, story
from argosy.store.manifest import Identity
from argosy.store.reader import Reader

USD = 1_000_000


def kept(folder: Path, records: Sequence[Any]) -> Lived:
    """A desk's journal of these records."""
    with quay.journal(folder / "journal", "none", Identity(account="A", mode="sim", desk="ARGO")) as journal:
        journal.append(Run(SCHEMA, "ARGO", "USD", ("S0",), ("a",)))
        for record in records:
            journal.append(record)
        journal.flush()
    (folder / "rows").mkdir()
    return Lived(folder / "journal", folder / "rows", quay.codec(), [Instrument(symbol="S0")], "USD", rules=("GRID",), exits=("GRID",))


def order(number: int, side: int, lots: int, legs: tuple[Order, ...] = ()) -> Reserve:
    return Reserve(Submit(Approved(Order(number, 0, side, lots, shares=(Share("a", lots),)), legs)), 0)


def fill(ts: int, number: int, name: str, side: int, lots: int, price: float, fee: float = 0.0) -> Fill:
    return Fill(ts, ts, 0, number, name, side, lots, price, round(side * lots * price * USD), round(fee * USD))


BOUGHT = (order(40, BUY, 10), fill(1, 40, "x1", BUY, 10, 100.0, 1.0))
SOLD = (order(80, SELL, 10), fill(2, 80, "x2", SELL, 4, 110.0, 0.5), fill(3, 80, "x3", SELL, 6, 120.0, 0.5))


@pytest.mark.parametrize(
    ("more", "closed", "pnl", "fees"),
    [
        ((), 10, 160.0, 1.0),  # 4 at +10 and 6 at +20
        ((Bust(4, 4, "x3"),), 4, 40.0, 0.5),
        ((Reversal(4, 4, "x3"),), 4, 40.0, 0.5),
        ((Bust(4, 4, "x1"),), 0, 0.0, 1.0),  # then nothing was held, and it opened a short of 10
        ((Bust(4, 4, "x3"), fill(5, 80, "x3", SELL, 6, 120.0, 0.5)), 4, 40.0, 0.5),  # told again by another door: it stays taken back
        ((Reversal(4, 4, "x3"), fill(5, 80, "x3", SELL, 6, 130.0, 0.5)), 10, 220.0, 1.0),  # taken in again, at 130
        ((fill(5, 80, "x3", SELL, 6, 120.0, 0.5),), 10, 160.0, 1.0),  # told twice
        ((Bust(4, 4, "x2"), Bust(4, 4, "x3")), None, None, None),  # nothing is left of it
    ],
)
def test_what_an_order_earned_counts_what_the_broker_left_standing(
    tmp_path: Path, more: tuple[Any, ...], closed: int | None, pnl: float | None, fees: float | None
) -> None:
    last = story(kept(tmp_path, (*BOUGHT, *SOLD, *more)), 80).steps[-1]
    if closed is None:
        assert last.what == "venue"
        return
    assert (last.what, last.facts["closed_lots"]) == ("result", closed)
    assert (last.facts["pnl"], last.facts["fees"]) == (pytest.approx(pnl), pytest.approx(fees))


def test_a_split_between_keeps_the_cost(tmp_path: Path) -> None:
    """10 for 1000, split in two to 20; 10 are sold at 60: 600 for half of the cost, 500."""
    records = (*BOUGHT, Split(2, 2, 0, 2.0), order(80, SELL, 10), fill(3, 80, "x2", SELL, 10, 60.0))
    assert story(kept(tmp_path, records), 80).steps[-1].facts["pnl"] == pytest.approx(100.0)


def test_what_was_taken_back_is_told_on_the_way(tmp_path: Path) -> None:
    steps = story(kept(tmp_path, (*BOUGHT, *SOLD, Bust(4, 4, "x3"))), 80).steps
    assert [step.text for step in steps if "took back" in step.text] == ["the venue took back 6 at 120 (execution x3): it counts no more"]


def test_the_house_s_stop_is_told_and_a_strategy_s_own_is_not(tmp_path: Path) -> None:
    leg = Order(
        41, 0, SELL, 10, Type.STOP, stop=98.0, tif=Tif.GTC, reduce_only=True, shares=(Share("a", 10),), tag="stop", parent=40, group=40,
    )  # fmt: skip
    wish, given = Wanted("a", Target(0, lots=10, why="it rose"), 10, 0), Guarded("a", 0, 98.0, 100.0)
    lived = kept(tmp_path, (wish, given, order(40, BUY, 10, (leg,)), fill(1, 40, "x1", BUY, 10, 100.0)))
    chapter = story(lived, 40)
    assert [step.what for step in chapter.steps] == ["intent", "house", "allocator", "verdict", "order", "fill", "result"]
    assert chapter.steps[1].text.startswith("the house gives a a stop at 98, 2.00")
    assert chapter.steps[1].facts == {"type": "Guarded", "strategy": "a", "instrument": 0, "stop": 98.0, "price": 100.0, "rung": ""}
    assert "as its stop, by the house" in story(lived, 41).steps[0].text
    (tmp_path / "own").mkdir()
    own = kept(tmp_path / "own", (wish, order(40, BUY, 10, (leg,)), fill(1, 40, "x1", BUY, 10, 100.0)))
    assert "house" not in [step.what for step in story(own, 40).steps]


def test_the_journal_is_read_once_whatever_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Verdict(Order(120, 0, BUY, 5, shares=(Share("a", 5),)), Refused("DUPLICATE", {"window_ms": 1000.0}, "again"))
    lived = kept(tmp_path, (*BOUGHT, *SOLD, refused))
    reads: list[int] = []
    real = Reader.records
    monkeypatch.setattr(Reader, "records", lambda self, *given, **named: (reads.append(1), real(self, *given, **named))[1])
    assert story(lived, 80).steps[-1].what == "result"
    assert len(reads) == 1
    assert "DUPLICATE" in story(lived, 120).steps[0].text
    assert len(reads) == 2
    with pytest.raises(Misuse, match="never decided an order 7"):
        story(lived, 7)
    assert len(reads) == 3
