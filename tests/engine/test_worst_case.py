"""What the gate accepted never exceeds the owner's limits, whatever fills, is unknown, or ends, and in whatever order it does.

An independent count goes through every order in which the open and UNKNOWN orders may fill, a reduce-only one never through zero.
"""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from argosy.core.effects import Cancel, Submit
from argosy.core.events import CashFlow, Fill, OrderUpdate, Quote, Reply
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import Order, Share, Tif, Type, Work
from argosy.engine.blotter import Blotter
from argosy.engine.journal import Grant, Reserve
from argosy.engine.risk import RiskGate
from argosy.engine.rules.profiles import rules
from argosy.engine.state import State
from argosy.engine.view import StateView

USD = 1_000_000
PRICE = 100.0
POSITION, GROSS, NET, SECTOR, BUDGET = 60, 11_000, 9_000, 7_000, 8_000
LIMITS: dict[str, Any] = {
    "position": {"max_lots": POSITION},
    "exposure": {"max_gross": GROSS, "max_net": NET},
    "sector": {"max_pct": 7.0, "of": {"S0": "tools", "S1": "tools"}},
    "budget": {"use_pct": 100.0},
    "self_cross": {"prevent": False},
}


class Desk:
    """Three instruments at 100.00 and an account of 100,000, of which strategy "a" has 8,000; the test is the venue."""

    def __init__(self) -> None:
        self.state = State(Instruments(Instrument(symbol=f"S{i}") for i in range(3)), "USD", ["a", "b"])
        self.view = StateView(self.state, 1.0)
        self.gate = RiskGate(rules("lab", LIMITS))
        self.now = 0
        self.number = 0
        self.state.apply(CashFlow(0, 0, "USD", 100_000 * USD))
        self.state.apply(Grant("a", BUDGET * USD))
        self.state.apply(Grant("b", 50_000 * USD))
        for i in range(3):
            self.state.row(Quote(0, 0, i, PRICE, PRICE, 1.0, 1.0))
        self.state.settle()

    def step(self, what: tuple[Any, ...]) -> None:
        self.now += 1
        kind, *rest = what
        if kind == "ask":
            self.ask(*rest)
            return
        tickets = [ticket for row in self.state.blotter.open for ticket in row.values()]
        if not tickets:
            return
        ticket = tickets[rest[0] % len(tickets)]
        order = ticket.order
        if kind == "fill":
            lots = 1 + rest[1] % max(1, order.lots - ticket.cum)
            if order.reduce_only:
                lots = min(lots, max(0, -order.side * self.state.portfolio.lots[order.instrument]))
            if lots:
                self.number += 1
                worth = round(order.side * lots * PRICE * USD)
                self.state.apply(Fill(self.now, self.now, order.instrument, order.id, f"x{self.number}", order.side, lots, PRICE, worth, 0))
        elif kind == "unknown":
            self.state.apply(Reply(self.now, self.now, order.id, "submit", "ambiguous"))
        elif kind == "refused":
            self.state.apply(Reply(self.now, self.now, order.id, "submit", "refused", "NO"))
        elif kind == "cancel":
            self.state.apply(Cancel(order.id))
        elif ticket.work is not Work.SENT:
            self.state.apply(OrderUpdate(self.now, self.now, order.id, Work.CANCELED))

    def ask(self, i: int, side: int, lots: int, limit: float, whose: str, closes: bool) -> None:
        self.number += 1
        kind = Type.MARKET if limit != limit else Type.LIMIT
        order = Order(self.number * 4, i, side, lots, kind, limit, tif=Tif.GTC, reduce_only=closes, shares=(Share(whose, lots),))
        verdict = self.gate.admit(order, (), self.view)
        if verdict.approved is not None:
            reserve = Reserve(Submit(verdict.approved), self.view.reservation(verdict.approved.order), verdict.exit)
            self.state.apply(reserve)


def worst(position: int, orders: list[tuple[int, int, bool]]) -> tuple[int, int]:
    """(lowest, highest) position over every order in which (side, lots, reduce-only) may fill, each whole or not at all."""
    low = high = position
    for count in range(len(orders) + 1):
        for some in itertools.permutations(orders, count):
            held = position
            for side, lots, closes in some:
                held += side * (min(lots, max(0, -side * held)) if closes else lots)
            low, high = min(low, held), max(high, held)
    return low, high


def opened(desk: Desk, i: int) -> list[tuple[int, int, bool]]:
    return [(ticket.order.side, ticket.leaves, ticket.order.reduce_only) for ticket in desk.state.blotter.open[i].values()]


ASK = st.tuples(
    st.just("ask"), st.integers(0, 2), st.sampled_from([1, -1]), st.sampled_from([1, 10, 20, 30, 40, 60, 70]),
    st.sampled_from([float("nan"), 100.0, 99.0, 101.0]),
    st.sampled_from(["a", "b"]), st.sampled_from([False, False, False, True]),
)  # fmt: skip
DOINGS = st.lists(
    st.one_of(
        ASK, ASK, ASK,
        st.tuples(st.just("fill"), st.integers(0, 30), st.integers(0, 70)),
        st.tuples(st.just("unknown"), st.integers(0, 30)),
        st.tuples(st.just("refused"), st.integers(0, 30)),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("canceled"), st.integers(0, 30)),
    ),
    max_size=30,
)  # fmt: skip


NAN = float("nan")
LONG = [("ask", 0, 1, 40, NAN, "a", False), ("fill", 0, 39)]
"""40 are held; sales of no more than that close, each by itself, and together they do not."""
SALES = [("ask", 0, -1, lots, 100.0, "a", False) for lots in (30, 30, 40)]


@settings(deadline=None, max_examples=250)
@example([*LONG, *SALES, ("ask", 1, -1, 10, NAN, "b", False), ("ask", 2, 1, 50, NAN, "b", False)])
@example([("ask", 0, -1, 55, NAN, "b", False), ("ask", 2, -1, 55, NAN, "b", False)])
@example([("ask", 0, 1, 55, NAN, "b", False), ("ask", 2, 1, 55, NAN, "b", False)])
@example([*LONG, *SALES, ("ask", 2, 1, 40, NAN, "a", False)])
@given(DOINGS)
def test_accepted_exposure_never_exceeds_the_limits(doings: list[tuple[Any, ...]]) -> None:
    desk = Desk()
    for what in doings:
        if sum(len(row) for row in desk.state.blotter.open) > 5 and what[0] == "ask":
            continue
        desk.step(what)
        state = desk.state
        ranges = [worst(state.portfolio.lots[i], opened(desk, i)) for i in range(3)]
        most = [max(-low, high) for low, high in ranges]
        price = 101 * USD  # no limit is dearer
        assert all(lots <= POSITION for lots in most)
        assert sum(most) * 100 * USD <= GROSS * USD
        assert sum(high for _, high in ranges) * 100 * USD <= NET * USD
        assert sum(low for low, _ in ranges) * 100 * USD >= -NET * USD
        assert (most[0] + most[1]) * 100 * USD <= SECTOR * USD
        own = 0
        for i in range(3):
            part = [(t.order.side, t.leaves, t.order.reduce_only) for t in state.blotter.open[i].values() if t.order.shares[0].strategy == "a"]
            low, high = worst(state.portfolio.books["a"].lots[i], [row for row in part if not row[2]])
            own += max(-low, high, abs(state.portfolio.books["a"].lots[i]))
        assert own * 100 * USD <= BUDGET * USD + own * (price - 100 * USD)


@settings(deadline=None, max_examples=300)
@given(
    st.integers(-20, 20), st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 15), st.booleans()), max_size=5),
)  # fmt: skip
def test_the_worst_position_is_that_of_every_order_of_fills(position: int, orders: list[tuple[int, int, bool]]) -> None:
    blotter = Blotter(1)
    for k, (side, lots, closes) in enumerate(orders):
        blotter.add(Order(4 * k + 4, 0, side, lots, reduce_only=closes, shares=(Share("a", lots),)))
    low, high = blotter.worst(0, position)
    least, most = worst(position, orders)
    assert low <= least
    assert high >= most
    if not any(closes for _, _, closes in orders):
        assert (low, high) == (least, most)
