"""What a comparison stands on: which executions are booked, what a journal knows of the venue, and when a stream is deaf."""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core import events as ev
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Protection, Target
from argosy.core.shown import execution, place
from argosy.core.time import MINUTE
from argosy.desk import executions
from argosy.desk.executions import Executions, joined
from argosy.desk.recover import Stamped, known_orders, recover, unpacked
from argosy.desk.rounds import Every, Rounds
from argosy.desk.silence import Silence
from tests.walks.hand import Stage, sent

NAMES = Instruments([Instrument(symbol="A"), Instrument(symbol="B")])


def fill(name: str, lots: int, i: int = 0, order: int = 4, ts: int = 1) -> ev.Fill:
    return ev.Fill(ts, ts, i, order, name, 1, lots, 10.0, lots * 10_000_000, 0)


# -- executions -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [("v:10", ("v", 10)), ("a:b:1.5", ("a:b", 1.5)), ("v:", None), (":3", None), ("plain", None), ("v:x", None), ("v:NaN", None)],
)
def test_a_name_tells_its_place_or_none(name: str, found: tuple[str, float] | None) -> None:
    told = place(name)
    assert (told is None) is (found is None)
    if told is not None and found is not None:
        assert (told[0], float(told[1])) == found and execution(*told) == name


def test_stretches_that_touch_are_one() -> None:
    assert joined([(5, 7), (0, 2), (2, 4), (6, 9)]) == [(0, 4), (5, 9)] and joined([(0, 9), (2, 3)]) == [(0, 9)] and joined([]) == []


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_told_in_any_order_as_often_as_one_likes_it_is_booked_once(lots: list[int], chance: random.Random) -> None:
    """Also where some of it is told as one execution over several."""
    total, rows = 0, []
    for count in lots:
        total += count
        rows.append((total, count))
    for _ in range(chance.randrange(3)):
        low, high = sorted(chance.sample(range(len(rows) + 1), 2)) if len(rows) > 1 else (0, 1)
        edges = [0, *[cum for cum, _ in rows[: len(lots)]]]
        if high < len(edges) and edges[high] > edges[low]:
            rows.append((edges[high], edges[high] - edges[low]))
    told = rows * 2
    chance.shuffle(told)
    own, booked = Executions(NAMES), 0
    for cum, count in told:
        booked += own.lacks(f"v:{cum}", 0, count)
        own.book(fill(f"v:{cum}", count))
    assert booked == total == own.total("v") and own.total("w") == 0


def test_an_execution_without_a_place_is_known_by_its_name() -> None:
    own = Executions(NAMES)
    assert own.lacks("x1", 0, 5) == 5
    own.book(fill("x1", 5))
    assert own.lacks("x1", 0, 5) == 0 and own.lacks("x2", 0, 5) == 5


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "KEPT", 2)
    own = Executions(NAMES)
    for k in range(3):
        own.book(fill(f"v{k}:1", 1))
        own.book(fill(f"x{k}", 1))
    assert [own.lacks(f"v{k}:1", 0, 1) for k in range(3)] == [1, 0, 0] == [own.lacks(f"x{k}", 0, 1) for k in range(3)]


def test_a_split_rescales_its_own_instrument() -> None:
    own = Executions(NAMES)
    own.book(fill("v:60", 60))
    own.book(fill("w:60", 60, 1))
    own.split(0, 0.5)
    assert (own.total("v"), own.total("w")) == (30, 60)
    own.split(1, 2.0)
    assert own.total("w") == 120
    assert own.lacks("v:50", 0, 20) == 20  # the next twenty after thirty


# -- recover --------------------------------------------------------------------------------------------------------------------


def test_what_a_journal_knows_of_the_venue() -> None:
    plan = {"one": {0: Target(0, lots=10, protection=Protection(stop=9.0)), 1: Target(0, lots=30)}, "two": {1: Target(1, lots=3)}}
    stage = Stage(plan, instruments=2)
    (first,) = sent(stage.bar(10.0))
    stage.reply(first.id)
    stage.fill(first.id, 10, 10.0, "v:10")
    for kind, fields in (
        (ev.Adjust, (-1, 0, float("nan"), -5, "USD", "FEE x")), (ev.CashFlow, ("USD", 7)), (ev.CashFlow, ("USD", 7)),
        (ev.Dividend, (0, 0.5)), (ev.Split, (0, 2.0)),
    ):  # fmt: skip
        stage.tell(kind, *fields)
    at = stage.now
    silent = sent(stage.bar(5.0)) + sent(stage.row(ev.Bar(MINUTE, stage.now + 3, 1, 10.0, 10.0, 10.0, 10.0, 1.0, 60)))
    found = recover(stage.engine.journal.records(), stage.engine.instruments)
    assert found.executions.total("v") == 20 and found.splits == [(at, 0)] and found.dividends == {(at, 0, 0.5): 1}
    assert found.booked == {"FEE x"} and found.flows[at, 7] == 2 and found.opened > 0
    assert found.latest == at and set(found.sent) >= {first.id, *[order.id for order in silent]}
    assert len(silent) == 2 and found.unanswered == {order.id for order in silent}
    stamped = Stamped(stage.rows)
    rows = list(stamped)
    one = found.sent[silent[0].id]
    assert stamped.before(one.row) == rows[one.row - 1].known and stamped.before(0) == 0 == stamped.before(99)
    told = {order.id: legs for order, legs in known_orders(stage.state, found.sent)}
    assert [leg.tag for leg in told[first.id]] == ["stop"] and set(told) >= {order.id for order in silent}
    bare = {order.id: legs for order, legs in known_orders(stage.state, {})}
    assert [leg.id for leg in bare[first.id]] == [leg.id for leg in told[first.id]]
    everything, names = list(stage.engine.journal.records()), stage.engine.instruments
    for cut in range(len(everything) + 1):  # read to any place, kept, and gone on with from there, it knows the same
        before = recover(everything[:cut], names)
        again = recover(everything[cut:], names, unpacked(before.packed(before.sent), names))
        assert again.executions.kept() == found.executions.kept()
        assert repr(msgspec.structs.replace(again, executions=found.executions)) == repr(found), cut  # by their words: nan is not nan
    assert found.upto == stage.engine.journal.seq and found.header == everything[0][1]
    kept = unpacked(found.packed({first.id}), names)
    assert set(kept.sent) == {first.id} | found.unanswered, "what is over and not remembered is not kept"


def test_of_long_tapes_the_last_rows_are_remembered() -> None:
    stamped = Stamped([ev.Trade(k, k, 0, 1.0, 1.0) for k in range(1, 101)], keep=10)
    assert len(list(stamped)) == 100
    assert [stamped.before(row) for row in (1, 80, 100, 101)] == [0, 0, 100, 0]
    assert stamped.before(95) == 95
    late = Stamped([ev.Trade(k, k, 0, 1.0, 1.0) for k in (51, 52)])
    assert len(list(late)) == 2
    late.ends(52)  # the engine had been saved at row 50
    assert [late.before(row) for row in (50, 51, 52, 53)] == [0, 51, 52, 0]


def test_a_journal_of_nothing() -> None:
    found = recover([], NAMES)
    assert (found.opened, found.latest, found.sent) == (0, 0, {})


# -- silence --------------------------------------------------------------------------------------------------------------------


def test_a_stream_that_owes_nothing_is_not_mute() -> None:
    silence = Silence()
    silence.expect("account", 5)
    silence.turned("account", True, 0)
    assert silence.mute(10**9) == [] and silence.age("account", 7) == 7


def test_one_that_owes_for_too_long_is_told_once_until_it_comes_anew() -> None:
    silence = Silence()
    silence.expect("account", 5)
    silence.turned("account", True, 0)
    silence.owes("account", 100)
    silence.owes("account", 103)  # since the first
    assert [silence.mute(tick) for tick in (104, 105, 106)] == [[], ["account"], []] and silence.found == 1
    silence.owes("account", 200)  # not up
    assert silence.mute(300) == []
    silence.turned("account", True, 400)
    silence.owes("account", 402)  # it may have told before the answer came
    assert silence.mute(500) == []
    silence.owes("account", 500)
    silence.heard("account", 501)
    assert silence.mute(600) == []


def test_prices_are_owed_all_the_time_that_the_market_is_open() -> None:
    silence = Silence()
    silence.expect("market", 5, always=True)
    assert silence.mute(100) == []  # it is not up
    silence.turned("market", True, 100)
    assert silence.mute(104) == [] and silence.mute(105, trading=False) == [] and silence.mute(105) == ["market"]


def test_what_nobody_watches_is_no_ones_business() -> None:
    silence = Silence()
    silence.turned("x", True, 0)
    silence.heard("x", 0)
    silence.owes("x", 0)
    assert silence.mute(10**9) == [] and silence.age("x", 5) == 0


def test_an_interval_that_a_reload_changed_counts_from_the_next_time() -> None:
    async def life() -> None:
        rounds = object.__new__(Rounds)
        rounds.every = Every(inflight=0.005)
        asked: list[float] = []

        async def ask() -> bool:
            asked.append(rounds.every.inflight)
            if len(asked) == 3:
                rounds.every = Every(inflight=99.0)
            return True

        loop = asyncio.ensure_future(rounds._loop("inflight", ask))
        await asyncio.sleep(0.3)
        loop.cancel()
        assert asked == [0.005] * 3

    asyncio.run(life())
