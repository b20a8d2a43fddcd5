"""The gate itself: exits, trims, shares and legs, with rules made for the purpose."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import Approved, Order, Refused, Share, Trimmed, Type
from argosy.engine.risk import RiskGate, Verdict, shrink
from argosy.engine.rules.rule import Asked

NAN = float("nan")


class Still:
    """A view with one position and the price 100; only what the gate itself asks for."""

    def __init__(self, lots: int = 0, worst: tuple[int, int] | None = None) -> None:
        self.asked = Asked()
        self.instruments = Instruments([Instrument(symbol="A"), Instrument(symbol="B", min_lots=5)])
        self.position = lots
        self.range = worst if worst is not None else (lots, lots)
        self.price = 100.0

    def lots(self, i: int) -> int:
        return self.position

    def worst(self, i: int) -> tuple[int, int]:
        return self.range

    def reference(self, i: int) -> float:
        return self.price

    def value(self, i: int, lots: int, px: float) -> int | None:
        return round(lots * px)


class Says:
    """A rule that says what it was told to, and remembers what it was shown."""

    def __init__(self, *said: Any, code: str = "SAYS", guards_exits: bool = False, binds: bool = True) -> None:
        self.said = list(said)
        self.code = code
        self.guards_exits = guards_exits
        self.binds = binds
        self.seen: list[tuple[int, bool]] = []

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: Any) -> Any:
        self.seen.append((order.lots, exit))
        return self.said.pop(0) if self.said else None


class Cap:
    """Allows at most so many lots, and says so with an int."""

    guards_exits = True

    def __init__(self, lots: int, code: str = "CAP") -> None:
        self.lots = lots
        self.code = code

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: Any) -> int | None:
        return self.lots if order.lots > self.lots else None


def order(lots: int, side: int = 1, **fields: Any) -> Order:
    return Order(1, fields.pop("instrument", 0), side, lots, **fields)


def admit(rules: list[Any], one: Order, view: Still | None = None, legs: Sequence[Order] = ()) -> Verdict:
    return RiskGate(rules).admit(one, legs, view or Still())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("held", "worst", "one", "exit"),
    [
        (10, None, order(10, -1), True),
        (10, None, order(11, -1), False),
        (10, None, order(1, 1), False),
        (-10, None, order(10, 1), True),
        (-10, None, order(11, 1), False),
        (-10, None, order(1, -1), False),
        (0, None, order(1, 1), False),
        (0, None, order(1, -1), False),
        # open sales count against a further sale, open buys do not help it
        (10, (4, 10), order(4, -1), True),
        (10, (4, 10), order(5, -1), False),
        (10, (10, 30), order(10, -1), True),
        (10, (10, 30), order(11, -1), False),
        (-10, (-10, -4), order(4, 1), True),
        (-10, (-10, -4), order(5, 1), False),
        # protections go as the position goes: compared with what is held
        (10, (0, 10), order(10, -1, reduce_only=True, tag="stop"), True),
        (10, (0, 10), order(10, -1, reduce_only=True, tag="take"), True),
        (10, (0, 10), order(10, -1, reduce_only=True, tag="trail"), True),
        (10, (0, 10), order(11, -1, reduce_only=True, tag="stop"), False),
        (-10, (-10, 0), order(10, 1, reduce_only=True, tag="stop"), True),
        (10, (10, 10), order(1, 1, reduce_only=True, tag="stop"), False),
        # a venue never lets a reduce-only order flip the position; any other order may
        (10, (0, 10), order(10, -1, tag="stop"), False),
        (10, (0, 10), order(10, -1, reduce_only=True), True),
        (10, (0, 10), order(11, -1, reduce_only=True), False),
    ],
)
def test_what_an_exit_is(held: int, worst: tuple[int, int] | None, one: Order, exit: bool):
    risk, sanity = Says(), Says(guards_exits=True)
    verdict = admit([risk, sanity], one, Still(held, worst))
    assert verdict.exit is exit
    assert risk.seen == ([] if exit else [(one.lots, False)])
    assert sanity.seen == [(one.lots, exit)]


def test_an_order_with_legs_is_no_exit():
    leg = order(10, 1, type=Type.STOP, stop=102.0)
    assert admit([], order(10, -1), Still(10), [leg]).exit is False
    assert admit([], order(10, -1), Still(10)).exit is True


def test_approved_carries_the_order_and_its_legs():
    one, leg = order(10), order(10, -1, tag="stop")
    assert admit([Says()], one, legs=[leg]) == Verdict(Approved(one, (leg,)))
    legs = (leg,)
    approved = admit([], one, legs=legs).approved
    assert approved is not None
    assert approved.order is one
    assert approved.legs is legs


def test_the_first_refusal_ends_it():
    no = Refused("NO", {"x": 1.0})
    first, second, third = Says(), Says(no), Says()
    verdict = admit([first, second, third], order(10))
    assert verdict == Verdict(None, no)
    assert (len(first.seen), len(second.seen), len(third.seen)) == (1, 1, 0)


def test_rules_that_bind_nothing_are_not_asked():
    idle = Says(Refused("NO", {}), binds=False)
    gate = RiskGate([idle])
    assert gate.rules == (idle,)
    assert gate.admit(order(10), (), Still()).approved is not None  # type: ignore[arg-type]
    assert idle.seen == []


def test_an_int_trims_and_all_rules_see_the_trimmed_order_again():
    before, after = Says(), Says()
    verdict = admit([before, Cap(6), after], order(10, shares=(Share("a", 10),)))
    assert verdict.approved is not None
    assert str(verdict.approved.order) == str(order(6, shares=(Share("a", 6),)))
    assert verdict.trimmed == Trimmed("CAP", 10, 6, {"lots": 10, "allowed_lots": 6})
    assert [lots for lots, _ in before.seen] == [10, 10, 6]
    assert [lots for lots, _ in after.seen] == [6, 6]


def test_the_smallest_of_several_trims_is_told():
    verdict = admit([Cap(8, "EIGHT"), Cap(3, "THREE"), Cap(5, "FIVE")], order(10))
    assert verdict.approved is not None
    assert verdict.approved.order.lots == 3
    assert verdict.trimmed is not None
    assert (verdict.trimmed.code, verdict.trimmed.asked, verdict.trimmed.lots) == ("THREE", 10, 3)


def test_a_trim_keeps_its_own_code_and_numbers():
    said = Trimmed("OTHER", 10, 4, {"limit": 4.0})
    verdict = admit([Says(said, said, code="SAYS")], order(10))
    assert verdict.trimmed == said
    assert verdict.approved is not None
    assert verdict.approved.order.lots == 4


def test_a_refusal_after_a_trim_refuses_all():
    no = Refused("NO", {})
    assert admit([Cap(6), Says(no)], order(10)) == Verdict(None, no)


def test_a_rule_that_trims_twice_refuses():
    # asked 10: says 6, and 6 in the second try of the way; then, for the 6 that are left, says 5
    verdict = admit([Says(6, 6, 5)], order(10))
    assert verdict.approved is None
    assert verdict.refused is not None
    assert (verdict.refused.code, verdict.refused.numbers) == ("SAYS", {"lots": 6, "allowed_lots": 5})


@pytest.mark.parametrize("allowed", [0, -3])
def test_a_trim_to_nothing_refuses(allowed: int):
    verdict = admit([Cap(allowed)], order(10))
    assert verdict.refused is not None
    assert (verdict.refused.code, verdict.refused.numbers["allowed_lots"]) == ("CAP", allowed)


def test_a_trim_below_the_smallest_order_refuses_with_the_rule_that_trimmed():
    assert admit([Cap(5)], order(10, instrument=1)).approved is not None
    refused = admit([Cap(4)], order(10, instrument=1)).refused
    assert refused is not None
    assert refused.code == "CAP"


def test_allowing_more_than_asked_changes_nothing():
    one = order(10)
    verdict = admit([Says(12, 12, 12)], one)
    assert verdict.approved is not None
    assert verdict.approved.order is one
    assert verdict.trimmed is None


def test_an_entry_trimmed_into_an_exit_is_one():
    risk = Says()
    verdict = admit([Cap(10), risk], order(15, -1), Still(10))
    assert verdict.exit is True
    assert risk.seen == [(10, False)]


@pytest.mark.parametrize(
    ("one", "price"),
    [
        (order(1), 100.0),
        (order(1, limit=90.0), 90.0),
        (order(1, limit=110.0), 110.0),
        (order(1, stop=105.0), 105.0),
        (order(1, stop=95.0), 100.0),
        (order(1, stop=105.0, limit=106.0), 106.0),
        (order(1, -1), 100.0),
        (order(1, -1, limit=90.0), 100.0),
        (order(1, -1, limit=110.0), 110.0),
        (order(1, -1, stop=95.0, limit=94.0), 100.0),
        (order(1, -1, stop=130.0), 130.0),
    ],
)
def test_the_price_an_order_is_valued_at(one: Order, price: float):
    view = Still()
    admit([], one, view)
    assert (view.asked.price, view.asked.value, view.asked.reference) == (price, round(price), 100.0)


def test_without_a_reference_the_order_s_own_prices_count():
    view = Still()
    view.price = NAN
    for one, price in ((order(2, limit=90.0), 90.0), (order(2, stop=95.0), 95.0), (order(2, -1, limit=80.0), 80.0), (order(2, -1, stop=70.0), 70.0)):
        admit([], one, view)
        assert (view.asked.price, view.asked.value) == (price, 2 * price)
    admit([], order(2), view)
    assert view.asked.price != view.asked.price
    assert view.asked.value is None


def test_facts_are_read_once_and_again_for_new_instruments_and_other_tables():
    view = Still()
    gate = RiskGate([])
    gate.admit(order(1), (), view)  # type: ignore[arg-type]
    first = view.asked.facts
    assert (first.known, first.row.symbol, first.tick) == (True, "A", 0.01)
    gate.admit(order(1), (), view)  # type: ignore[arg-type]
    assert view.asked.facts is first
    gate.admit(order(1, instrument=2), (), view)  # type: ignore[arg-type]
    assert view.asked.facts.known is False
    view.instruments.add(Instrument(symbol="C", tick=Decimal("0.5"), max_lots=9))
    gate.admit(order(1, instrument=2), (), view)  # type: ignore[arg-type]
    assert (view.asked.facts.tick, view.asked.facts.max_lots) == (0.5, 9)
    view.instruments = Instruments([Instrument(symbol="Z", tradable=False)])
    gate.admit(order(1), (), view)  # type: ignore[arg-type]
    assert (view.asked.facts.row.symbol, view.asked.facts.sendable) == ("Z", False)


def test_a_view_is_asked_nothing_of_an_unknown_instrument():
    view = Still()
    view.worst = view.reference = view.value = None  # type: ignore[assignment, method-assign]
    for i in (2, -1):
        verdict = admit([Says()], order(3, -1, instrument=i, limit=5.0), view)
        assert verdict.exit is False
        assert view.asked.facts.known is False
        assert (view.asked.price, view.asked.value, view.asked.low, view.asked.high) == (5.0, None, 0, 0)


def test_shrinking_by_largest_remainder_with_ties_by_name():
    # 10 of 30: thirds of 10, 10, 10 are 3.33 each; the one left over goes to the first name
    one = order(30, shares=(Share("c", 10), Share("a", 10), Share("b", 10)))
    small, _ = shrink(one, (), 10)
    assert small.shares == (Share("c", 3), Share("a", 4), Share("b", 3))
    # 5 of 12: 7 -> 2.92, 4 -> 1.67, 1 -> 0.42; floors 2 1 0, remainders give to 7 and 4; nothing is left for "z"
    small, _ = shrink(order(12, shares=(Share("x", 7), Share("y", 4), Share("z", 1))), (), 5)
    assert small.shares == (Share("x", 3), Share("y", 2))
    assert small.lots == 5


def test_shrinking_legs_by_tag():
    one = order(100)
    stop = order(100, -1, tag="stop", type=Type.STOP, stop=90.0)
    takes = (order(50, -1, tag="take", limit=110.0), order(50, -1, tag="take", limit=120.0))
    _, legs = shrink(one, (stop, *takes), 33)
    assert [leg.lots for leg in legs] == [33, 17, 16]
    assert [leg.limit for leg in legs[1:]] == [110.0, 120.0]
    _, legs = shrink(one, (stop, *takes), 1)
    assert [(leg.tag, leg.lots) for leg in legs] == [("stop", 1), ("take", 1)]
    same, legs = shrink(one, [stop], 100)
    assert same is one
    assert legs[0] is stop


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.data())
def test_shares_of_a_smaller_order_are_fair_and_sum_to_it(parts: list[int], data: st.DataObject):
    whole = sum(parts)
    lots = data.draw(st.integers(1, whole))
    one = order(whole, shares=tuple(Share(f"s{k}", part) for k, part in enumerate(parts)))
    small, legs = shrink(one, (msgspec.structs.replace(one, side=-1, tag="stop"),), lots)
    got = {share.strategy: share.lots for share in small.shares}
    assert sum(got.values()) == lots == legs[0].lots
    assert legs[0].shares == small.shares
    for k, part in enumerate(parts):
        assert abs(got.get(f"s{k}", 0) - part * lots / whole) < 1
