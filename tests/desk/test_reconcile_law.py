"""The law of a comparison: whatever the wire lost, doubled or disordered, one full round makes the books the broker's."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.core.intents import Ladder, Rung
from argosy.core.orders import BUY, SELL
from tests.desk.harbour import Desk, Harbour, fresh, run

SIDES = {"b": (BUY, 99.0), "s": (SELL, 102.0)}
FAULT = st.fixed_dictionaries({"drop": st.integers(0, 3), "duplicate": st.integers(0, 2), "reorder": st.integers(0, 2)})
ACT = st.one_of(
    st.tuples(st.just("fill"), st.integers(0, 5), st.integers(1, 4)),
    st.tuples(st.just("end"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("ladder"), st.integers(0, 63), st.just(0)),
    st.tuples(st.just("hole"), st.just(0), st.just(0)),
)
STORY = st.lists(st.tuples(FAULT, ACT), min_size=1, max_size=6)


def ladder(bits: int) -> Ladder:
    """Six rungs of four, each there or not."""
    rungs = []
    for k in range(6):
        if bits >> k & 1:
            side, px = SIDES["b" if k % 2 else "s"]
            rungs.append(Rung(f"r{k}", side, px - side * k, 4))
    return Ladder(0, tuple(rungs))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(story=STORY, restart=st.booleans())
def test_after_one_full_round_the_books_are_the_brokers(served: Harbour, story: list[Any], restart: bool) -> None:
    plan = {"one": {0: ladder(63)} | {k + 1: ladder(act[1]) for k, (_, act) in enumerate(story) if act[0] == "ladder"}}

    async def work(harbour: Harbour) -> None:
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 6)
            await desk.idle()
            for k, (faults, (what, number, qty)) in enumerate(story):
                harbour.ctl("frames", stream="trading", **faults)
                live = harbour.account.open()
                if what == "ladder":
                    desk.bar(k + 1)
                    await desk.idle()
                elif what == "hole":
                    harbour.ctl("ws", close="trading")
                elif live:
                    ticket = live[number % len(live)]
                    if what == "fill":
                        harbour.ctl("fill", order_id=ticket.id, qty=min(qty, ticket.leaves // 10**9), price=100)
                    elif ticket.status != "pending_cancel":
                        harbour.rest("DELETE", f"/v2/orders/{ticket.id}")
            harbour.ctl("frames", stream="trading", drop=0, duplicate=0, reorder=0)
            if not restart:
                await settled(desk)
                return
        async with Desk(harbour, before=desk) as again:
            await settled(again)
            assert again.started.barred == []

    with fresh(served) as harbour:
        run(work(harbour))


async def settled(desk: Desk) -> None:
    """The law, after the round; and after the second there is nothing more to mend."""
    await desk.until(lambda: desk.stream.ready.is_set())
    await desk.idle()
    await desk.quiet()
    assert await desk.rounds.whole()
    desk.agree()
    await desk.quiet()
    for _ in range(2):
        assert await desk.rounds.whole()
        await desk.quiet()
    desk.agree()
    assert set(desk.open()) == desk.harbour.resting()
    ours = {t.client: t.leaves // 10**9 for t in desk.harbour.account.open()}
    names = {name: row.leaves for row in desk.state.blotter.open[0].values() for name in desk.open() if name == _name(desk, row.order.id)}
    assert names == ours
    mended = dict(desk.rounds.repaired)
    assert await desk.rounds.whole()
    assert desk.rounds.repaired == mended and desk.rounds.reconciler.balances.clean


def _name(desk: Desk, number: int) -> str:
    from argosy.venues.alpaca.words import name

    return name(desk.name, number)
