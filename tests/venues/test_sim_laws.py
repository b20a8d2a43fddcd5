"""Laws of the simulated venue over random orders and random cent-rounded bars."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.effects import Amend, Cancel, Submit
from argosy.core.events import Bar, Event, Fill, OrderUpdate, Reply, Session
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, EDGES, SELL, TERMINAL, Approved, Order, Tif, Type, Work
from argosy.core.time import DAY, HOUR
from argosy.kernels.fills import bracket_exit, limit_fill
from argosy.venues.sim import SimCore

cents = st.integers(9_500, 10_500).map(lambda price: price / 100)
lots = st.integers(1, 30)


@st.composite
def bars(draw: st.DrawFn) -> list[Bar]:
    """Up to 12 hourly bars of cent prices; now and then one without volume."""
    rows = []
    for k in range(draw(st.integers(2, 12))):
        a, b, c, d = (draw(cents) for _ in range(4))
        volume = draw(st.sampled_from([0.0, 10.0, 37.0, 1e6]))
        rows.append(Bar(k * HOUR, (k + 1) * HOUR, 0, a, max(a, b, c, d), min(a, b, c, d), d, volume, HOUR))
    return rows


def leg(draw: st.DrawFn, order: int, parent: Order, kind: Type, group: int) -> Order:
    side = -parent.side
    tif = draw(st.sampled_from([Tif.GTC, Tif.DAY]))
    limit = draw(cents) if kind is Type.LIMIT else float("nan")
    stop = draw(cents) if kind is Type.STOP else float("nan")
    trail = draw(st.sampled_from([0.01, 0.5, 2.0])) if kind is Type.TRAILING else float("nan")
    return Order(
        order,
        0,
        side,
        parent.lots,
        kind,
        limit,
        stop,
        trail,
        tif=tif,
        reduce_only=True,
        parent=parent.id,
        group=group,
    )


@st.composite
def submits(draw: st.DrawFn) -> list[tuple[int, Submit | Cancel | Amend]]:
    """What is sent before each bar: (bar, effect), in order."""
    sent: list[tuple[int, Submit | Cancel | Amend]] = []
    for k in range(draw(st.integers(1, 12))):
        at = draw(st.integers(0, 10))
        order = 10 * (k + 1)
        kind = draw(st.sampled_from(list(Type)))
        tif = draw(st.sampled_from([Tif.DAY, Tif.GTC, Tif.IOC, Tif.FOK, Tif.OPG, Tif.CLS, Tif.GTD]))
        entry = Order(
            order, 0, draw(st.sampled_from([BUY, SELL])), draw(lots), kind,
            limit=draw(cents) if kind in (Type.LIMIT, Type.STOP_LIMIT) else float("nan"),
            stop=draw(cents) if kind in (Type.STOP, Type.STOP_LIMIT) else float("nan"),
            trail=draw(st.sampled_from([0.01, 0.5, 2.0])) if kind is Type.TRAILING else float("nan"),
            tif=tif, expire=draw(st.integers(1, 12)) * HOUR, reduce_only=draw(st.integers(0, 3)) == 0,
            post_only=kind is Type.LIMIT and tif is Tif.GTC and draw(st.booleans()),
            group=draw(st.sampled_from([0, 0, 0, 1])),
        )  # fmt: skip
        legs = tuple(
            leg(draw, order + 1 + n, entry, leg_kind, order)
            for n, leg_kind in enumerate(
                draw(
                    st.sampled_from([(), (Type.STOP,), (Type.STOP, Type.LIMIT), (Type.TRAILING, Type.LIMIT)])
                )
            )
        )
        sent.append((at, Submit(Approved(entry, legs))))
        what = draw(st.integers(0, 5))
        target = 10 * draw(st.integers(1, 12)) + draw(st.integers(0, 1))
        if what == 0:
            sent.append((at, Cancel(target)))
        elif what == 1:
            sent.append(
                (at, Amend(target, lots=draw(lots), limit=draw(st.one_of(st.just(float("nan")), cents))))
            )
    return sorted(sent, key=lambda pair: pair[0])


@dataclass
class Story:
    """A run with what an independent bookkeeper makes of it."""

    core: SimCore
    events: list[Event] = field(default_factory=list)
    fills: list[tuple[Bar, bool, Fill]] = field(default_factory=list)


def run(rows: list[Bar], sent: list[tuple[int, Submit | Cancel | Amend]], **law: object) -> Story:
    """Play the bars with sessions of four of them; collect what the venue says."""
    core = SimCore(Instruments([Instrument(symbol="AAA", calendar="XNYS")]), **law)  # type: ignore[arg-type]
    story = Story(core)

    def heard(said: list[Event], bar: Bar | None = None, opening: bool = False) -> None:
        story.events += said
        story.fills += [
            (bar, opening, event) for event in said if isinstance(event, Fill) and bar is not None
        ]

    queue = list(sent)
    for k, bar in enumerate(rows):
        if k % 4 == 0:
            heard(core.apply(Session(bar.ts, bar.ts, "XNYS", True, k, bar.ts + 4 * HOUR), bar.ts))
        while queue and queue[0][0] <= k:
            heard(core.apply(queue.pop(0)[1], bar.ts))
        if core.busy(0):
            heard(core.opening(bar), bar, True)
        if k % 4 == 3:
            heard(core.apply(Session(bar.known, bar.known, "XNYS", False, k, bar.known), bar.known))
        heard(core.apply(bar, bar.known), bar)
    return story


def orders_of(sent: list[tuple[int, Submit | Cancel | Amend]]) -> dict[int, Order]:
    return {
        order.id: order
        for _, effect in sent
        if isinstance(effect, Submit)
        for order in (effect.approved.order, *effect.approved.legs)
    }


laws = settings(max_examples=120, deadline=None)


@laws
@given(bars(), submits(), st.sampled_from(["through", "touch"]))
def test_prices_stay_in_the_bar_and_limits_hold(rows, sent, rule) -> None:  # type: ignore[no-untyped-def]
    story = run(rows, sent, limit_rule=rule)
    orders = orders_of(sent)
    amended = {effect.order for _, effect in sent if isinstance(effect, Amend)}
    for bar, opening, fill in story.fills:
        assert bar.low <= fill.price <= bar.high
        assert fill.ts == fill.known == (bar.ts if opening else bar.known)
        assert not opening or fill.price == bar.open
        order = orders[fill.order]
        if order.limit == order.limit and fill.order not in amended:
            assert order.side * (order.limit - fill.price) >= 0
        if (
            order.type is Type.LIMIT
            and rule == "through"
            and not opening
            and fill.order not in amended
            and order.tif is not Tif.CLS
        ):
            beyond = order.limit - bar.low if order.side > 0 else bar.high - order.limit
            assert beyond > 0


@laws
@given(bars(), submits(), st.sampled_from([0.0, 0.1, 0.5]), st.sampled_from([0.0, 25.0]))
def test_lots_and_caps(rows, sent, frac, bps) -> None:  # type: ignore[no-untyped-def]
    story = run(rows, sent, participation_frac=frac, slippage_bps=bps)
    orders = orders_of(sent)
    grown = {effect.order: effect.lots for _, effect in sent if isinstance(effect, Amend)}
    position = 0
    filled: dict[int, int] = {}
    taken: dict[int, int] = {}
    seen: set[str] = set()
    for bar, _, fill in story.fills:
        order = orders[fill.order]
        assert fill.lots > 0
        assert fill.side == order.side
        assert fill.execution not in seen
        seen.add(fill.execution)
        if order.reduce_only:
            assert position * order.side < 0
            assert abs(position) >= fill.lots
        position += fill.side * fill.lots
        filled[fill.order] = filled.get(fill.order, 0) + fill.lots
        taken[bar.ts] = taken.get(bar.ts, 0) + fill.lots
        if frac:
            assert taken[bar.ts] <= frac * bar.volume
        assert bar.volume > 0
        if order.parent:
            assert filled[fill.order] <= filled[order.parent]
    assert position == story.core.lots(0)
    for order_id, count in filled.items():
        assert count <= max(
            [
                orders[order_id].lots,
                *(
                    effect.lots
                    for _, effect in sent
                    if isinstance(effect, Amend) and effect.order == order_id
                ),
            ]
        )
        if (
            order_id not in grown
            and not orders[order_id].group
            and any(f.order == order_id and f.leaves == 0 for _, _, f in story.fills)
        ):
            assert count == orders[order_id].lots or orders[order_id].parent
    groups: dict[int, list[int]] = {}
    for order in orders.values():
        if order.parent and order.group:
            groups.setdefault(order.parent, []).append(order.id)
    for parent, legs in groups.items():
        if not any(one in grown for one in (parent, *legs)):
            assert sum(filled.get(one, 0) for one in legs) <= filled.get(parent, 0)


@laws
@given(bars(), submits(), st.sampled_from([0.0, 0.3]))
def test_each_order_walks_the_table_and_ends_or_rests(rows, sent, frac) -> None:  # type: ignore[no-untyped-def]
    story = run(rows, sent, participation_frac=frac)
    work: dict[int, Work] = dict.fromkeys(orders_of(sent), Work.SENT)
    answered: dict[int, str] = {}
    for event in story.events:
        if isinstance(event, Reply):
            assert event.order in work or event.outcome == "refused"
            if event.verb == "submit":
                answered[event.order] = event.outcome
                work[event.order] = Work.WORKING if event.outcome == "accepted" else Work.REJECTED
        elif isinstance(event, OrderUpdate):
            state = work[event.order]
            assert event.work is state or event.work in EDGES[state]
            assert state not in TERMINAL
            work[event.order] = event.work
        elif isinstance(event, Fill):
            assert work[event.order] is Work.WORKING
            if event.leaves == 0:
                work[event.order] = Work.FILLED
    entries = [
        effect.approved.order.id for at, effect in sent if isinstance(effect, Submit) and at < len(rows)
    ]
    assert set(answered) == set(entries)
    resting = {order for order, state in work.items() if state is Work.WORKING}
    assert story.core.busy(0) == bool(resting)
    if not resting:
        return
    end = rows[-1].known
    for order in sorted(resting):
        story.core.apply(Cancel(order), end)
    assert not story.core.busy(0)


@laws
@given(bars(), submits())
def test_the_same_inputs_say_the_same(rows, sent) -> None:  # type: ignore[no-untyped-def]
    law = {"participation_frac": 0.2, "slippage_bps": 3.0, "latency_ns": 5, "report_latency_ns": 7}
    one, two = run(rows, sent, **law), run(rows, sent, **law)
    assert [repr(event) for event in one.events] == [repr(event) for event in two.events]


@laws
@given(bars(), submits())
def test_with_latency_nothing_is_known_before_it_can_be(rows, sent) -> None:  # type: ignore[no-untyped-def]
    """Nothing fills in a bar that began before the order arrived, and no fill is heard before the reply."""
    latency, report = 10, HOUR // 2
    story = run(rows, sent, latency_ns=latency, report_latency_ns=report)
    accepted: dict[int, Reply] = {}
    for event in story.events:
        if isinstance(event, Reply) and event.verb == "submit":
            accepted[event.order] = event
    for bar, _, fill in story.fills:
        reply = accepted.get(fill.order)
        if reply is not None:
            assert bar.ts >= reply.ts
            assert fill.known >= reply.known
        assert fill.known == fill.ts + report


@laws
@given(bars())
def test_a_day_order_never_outlives_its_session(rows) -> None:  # type: ignore[no-untyped-def]
    sent = [(k, Submit(Approved(Order(k + 1, 0, BUY, 1, Type.LIMIT, limit=1.0)))) for k in range(len(rows))]
    story = run(rows, list(sent))
    ends = {event.order: event.ts for event in story.events if isinstance(event, OrderUpdate)}
    for k in range(len(rows)):
        close = (k // 4 + 1) * 4 * HOUR
        assert ends.get(k + 1) == (close if close <= rows[-1].known else None)
    assert close - DAY < rows[-1].known


@laws
@given(
    bars(),
    st.sampled_from([BUY, SELL]),
    st.one_of(st.none(), cents),
    cents,
    cents,
    st.sampled_from(["through", "touch"]),
)
def test_a_bracket_is_the_kernels_bracket(rows, side, limit, stop, take, rule) -> None:  # type: ignore[no-untyped-def]
    """One entry with a stop and a target, against the kernel of the sweep lane: same price, bar and leg."""
    rows = [Bar(b.ts, b.known, 0, b.open, b.high, b.low, b.close, 1e6, b.span) for b in rows]
    through = rule == "through"
    terms = {"stop": stop, "tif": Tif.GTC, "reduce_only": True, "parent": 1, "group": 1}
    legs = (
        Order(2, 0, -side, 5, Type.STOP, **terms),
        Order(3, 0, -side, 5, Type.LIMIT, **(terms | {"stop": float("nan"), "limit": take})),
    )
    kind = Type.MARKET if limit is None else Type.LIMIT
    entry = Order(1, 0, side, 5, kind, limit=float("nan") if limit is None else limit, tif=Tif.GTC)
    story = run(rows, [(0, Submit(Approved(entry, legs)))], limit_rule=rule)
    want: list[tuple[int, int, float]] = []
    held = False
    for bar in rows:
        first, inside = bar.open, False
        if not held:
            first = (
                bar.open
                if limit is None
                else limit_fill.py(side, limit, bar.open, bar.high, bar.low, through)
            )
            if first != first:
                continue
            held, inside = True, first != bar.open
            if limit is not None and first == bar.open:
                inside = side * (limit - bar.open) < 0
            want.append((bar.ts, 1, first))
        price, which = bracket_exit.py(-side, stop, take, first, bar.high, bar.low, through, inside)
        if which:
            want.append((bar.ts, 2 if which < 0 else 3, price))
            break
    assert [(bar.ts, fill.order, fill.price) for bar, _, fill in story.fills] == want
