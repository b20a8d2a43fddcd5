"""The order book that a tape tells, level by level, against hand-counted books and against one that keeps every level and sorts."""

from __future__ import annotations

import math
import random

import pytest

from argosy.core.events import BookDelta
from argosy.venues.sim.levels import Levels

NAN = float("nan")
BID, ASK = 1, -1


def told(book: Levels, *rows: tuple[int, float, float]) -> tuple[float, float, float, float]:
    """(side, price, size) as they come, and what stands at the top after them."""
    for k, (side, price, size) in enumerate(rows):
        book.apply(BookDelta(k, k, 0, side, price, size))
    return book.top()


def same(found: tuple[float, ...], wanted: tuple[float, ...]) -> bool:
    return all(a == b or (a != a and b != b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("rows", "top"),
    [
        ([], (NAN, NAN, 0.0, 0.0)),
        ([(BID, 9.0, 5.0)], (9.0, NAN, 5.0, 0.0)),
        ([(ASK, 11.0, 5.0)], (NAN, 11.0, 0.0, 5.0)),
        ([(BID, 9.0, 5.0), (BID, 8.0, 1.0), (ASK, 11.0, 2.0), (ASK, 12.0, 3.0)], (9.0, 11.0, 5.0, 2.0)),  # what lies behind is behind
        ([(BID, 8.0, 1.0), (BID, 9.0, 5.0), (ASK, 12.0, 3.0), (ASK, 11.0, 2.0)], (9.0, 11.0, 5.0, 2.0)),  # whichever came first
        ([(BID, 9.0, 5.0), (BID, 9.0, 7.0), (ASK, 11.0, 2.0), (ASK, 11.0, 1.0)], (9.0, 11.0, 7.0, 1.0)),  # a size is what stands, not what came
        ([(BID, 9.0, 5.0), (BID, 8.0, 1.0), (BID, 9.0, 0.0)], (8.0, NAN, 1.0, 0.0)),  # the best goes: the next is it
        ([(BID, 9.0, 5.0), (BID, 8.0, 1.0), (BID, 8.0, 0.0)], (9.0, NAN, 5.0, 0.0)),  # another goes: the best stays
        ([(BID, 9.0, 5.0), (BID, 9.0, 0.0)], (NAN, NAN, 0.0, 0.0)),
        ([(BID, 7.0, 0.0), (BID, 9.0, 5.0)], (9.0, NAN, 5.0, 0.0)),  # one that never stood goes
        ([(ASK, 11.0, 5.0), (ASK, 12.0, 1.0), (ASK, 11.0, 0.0)], (NAN, 12.0, 0.0, 1.0)),
        ([(ASK, 11.0, 5.0), (ASK, 12.0, 1.0), (ASK, 12.0, 0.0)], (NAN, 11.0, 0.0, 5.0)),
        ([(ASK, 11.0, 5.0), (ASK, 11.0, 0.0)], (NAN, NAN, 0.0, 0.0)),
        ([(ASK, 13.0, 0.0)], (NAN, NAN, 0.0, 0.0)),
    ],
)
def test_the_top_of_a_book_counted_by_hand(rows: list[tuple[int, float, float]], top: tuple[float, ...]) -> None:
    assert same(told(Levels(), *rows), top)


def test_a_new_book_begins_with_nothing_and_says_when() -> None:
    book = Levels()
    told(book, (BID, 9.0, 5.0), (ASK, 11.0, 2.0))
    assert book.torn < 0 and (book.size(BID, 9.0), book.size(ASK, 11.0), book.size(BID, 11.0)) == (5.0, 2.0, 0.0)
    book.apply(BookDelta(70, 77, 0, BID, 8.0, 3.0, clear=True))
    assert book.torn == 77 and same(book.top(), (8.0, NAN, 3.0, 0.0)) and book.size(BID, 9.0) == book.size(ASK, 11.0) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_the_top_is_that_of_a_book_that_is_sorted_anew_each_time(seed: int) -> None:
    rng = random.Random(seed)
    book, sides = Levels(), {BID: dict[float, float](), ASK: dict[float, float]()}
    for k in range(400):
        side, price, size = rng.choice((BID, ASK)), rng.randrange(1, 12) / 4, float(rng.choice((0, 0, 1, 2, 5)))
        clear = rng.random() < 0.01
        book.apply(BookDelta(k, k, 0, side, price, size, clear))
        if clear:
            for levels in sides.values():
                levels.clear()
        sides[side][price] = size
        shown = {way: sorted(price for price, size in levels.items() if size) for way, levels in sides.items()}
        bid, ask = (shown[BID] or [NAN])[-1], (shown[ASK] or [NAN])[0]
        wanted = bid, ask, sides[BID].get(bid, 0.0), sides[ASK].get(ask, 0.0)
        assert same(book.top(), wanted) and not math.isinf(book.top()[0])
