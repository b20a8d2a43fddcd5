"""What is known beside prices, by hand; and what the breakers count."""

from __future__ import annotations

from argosy.core.events import Band, Fact, Gap, Link
from argosy.core.time import MINUTE, SECOND
from argosy.engine.conditions import Conditions
from argosy.engine.patience import FORGET_NS, KEPT, Patience
from argosy.engine.requests import Requests
from argosy.engine.storms import Storms

NAN = float("nan")


def test_bands_come_and_go_and_move_with_a_split() -> None:
    known = Conditions()
    known.band(Band(1, 1, 3, 9.0, 11.0))
    known.band(Band(1, 1, 4, NAN, 11.0))
    known.volumes[3] = 100.0
    known.split(3, 2.0)
    known.split(5, 2.0)
    assert known.bands[3] == (4.5, 5.5)
    assert known.volumes == {3: 200.0}
    known.band(Band(1, 1, 3, NAN, NAN))
    known.band(Band(1, 1, 9, NAN, NAN))
    assert list(known.bands) == [4]


def test_gaps_and_connections_make_it_less_than_quiet() -> None:
    known = Conditions()
    assert known.quiet
    known.link(Link(1, 1, "account", "down"))
    known.link(Link(2, 2, "account", "reconciling"))
    assert (known.quiet, known.links) == (False, {"account": "reconciling"})
    known.link(Link(3, 3, "account", "up"))
    assert known.quiet
    assert known.lost_since(0) == -1
    known.gap(Gap(4, 5, 0, "feed"))
    known.gap(Gap(6, 7, -1, "feed"))
    assert (known.lost_since(0), known.lost_since(1), known.quiet) == (7, 7, False)
    known.link(Link(8, 8, "account", "up"))
    assert not known.quiet


def test_facts_that_rules_know() -> None:
    known = Conditions()
    for fact in (Fact(1, 1, "x", "adv", 5e6, "", 2), Fact(1, 1, "x", "ssr", 1.0, "", 2), Fact(1, 1, "x", "ssr", 1.0), Fact(1, 1, "x",
        "cpi", 3.0, "", 2)):
        known.fact(fact)
    assert (known.volumes, known.uptick) == ({2: 5e6}, {2})
    known.fact(Fact(1, 1, "x", "ssr", 0.0, "", 2))
    assert known.uptick == set()
    assert known.snapshot() == {
        "bands": [], "gaps": [], "resumed": [], "uptick": [], "volumes": [(2, 5e6)], "links": [], "armed": -1,
    }  # fmt: skip


def test_requests_of_the_last_minute_by_strategy() -> None:
    asked = Requests()
    asked.sent(0, ["a"])
    asked.sent(10 * SECOND, ["a", "b"])
    asked.changed(20 * SECOND, ["b"])
    assert [asked.orders(20 * SECOND, name) for name in ("", "a", "b", "c")] == [2, 2, 1, 0]
    assert [asked.changes(20 * SECOND, name) for name in ("", "a", "b")] == [1, 0, 1]
    assert asked.orders(MINUTE - 1) == 2
    assert asked.orders(MINUTE) == 1
    assert asked.changes(MINUTE + 20 * SECOND) == 0


def test_orders_that_filled_are_counted_once_and_for_a_while() -> None:
    storms = Storms(SECOND, 10, 100)
    assert storms.repeated(0) == (0, -1, 0)
    for now, order in ((1, 7), (2, 7), (3, 8), (4, 9)):
        storms.executed(now, 0, 1, order)
    storms.executed(4, 1, -1, 99)
    assert storms.repeated(4) == (3, 0, 1)
    assert storms.repeated(11) == (3, 0, 1)
    assert storms.repeated(12) == (2, 0, 1)
    assert storms.repeated(15) == (0, -1, 0)


def test_losses_in_a_row_are_of_orders_not_of_their_parts() -> None:
    storms = Storms(1, 1, 1)
    for order, realised, losses in ((1, -5, 1), (1, -5, 1), (2, -5, 2), (2, 20, 0), (3, 0, 0), (4, -1, 1), (5, 2, 0), (5, -2, 0), (6, -1, 1)):
        storms.closed(order, realised)
        assert storms.losses == losses


def test_the_highest_equity_of_a_while() -> None:
    storms = Storms(1, 1, 10)
    assert storms.top(0, 50) == 50
    for now, equity in ((0, 100), (4, 90), (8, 95), (12, 80)):
        storms.settle(now, equity)
    assert storms.top(12, 80) == 95
    storms.shift(5)
    assert storms.top(12, 85) == 100
    assert storms.top(18, 70) == 100
    assert storms.top(19, 70) == 85
    assert storms.top(40, 70) == 70
    assert storms.top(12, 200) == 200
    storms.clear()
    assert storms.top(12, 1) == 1


def test_a_refusal_long_ago_is_forgotten_and_what_is_kept_is_bounded() -> None:
    patience = Patience()
    for now in (1, 2, 3):
        patience.refused((0, "stop"), now)
    assert patience.tries((0, "stop")) == 3
    patience.refused((0, "stop"), 4 + FORGET_NS)
    assert patience.tries((0, "stop")) == 1
    assert patience.tries((0, "take")) == 0
    for number in range(2 * KEPT):
        patience.refused((1, f"cancel {number}"), 5 + FORGET_NS)
    assert len(patience.waits) == KEPT
    patience.accepted((1, f"cancel {2 * KEPT - 1}"))
    patience.accepted((1, "cancel -1"))
    assert len(patience.waits) == KEPT - 1
