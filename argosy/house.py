"""The composition root, the only file that knows every room: terms and strategies in, a wired engine and market out.

It decides nothing about trading; it binds what the rooms offer. What is asked about the mode of a run is asked here only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from argosy.core import plugins
from argosy.core.errors import Misconfigured, Misuse
from argosy.core.events import Bar, BookDelta, CashFlow, Event, Quote, Split, Trade
from argosy.core.instrument import Instruments
from argosy.core.money import to_units
from argosy.core.strategy import Declaration, declare
from argosy.core.tape import Tape
from argosy.core.time import MS, span, span_text
from argosy.data.actions import forward_factor
from argosy.engine.algos.grain import Grain
from argosy.engine.engine import Breakers, Engine
from argosy.engine.journal import MemoryJournal
from argosy.engine.portfolio import Fx
from argosy.engine.risk import RiskGate
from argosy.engine.rules.profiles import rules
from argosy.engine.slot import Binding, Slot, TableFeed, table
from argosy.engine.wakes import Waker
from argosy.kernels import fees as fee_kernels
from argosy.kernels.fees import FeeSchedule
from argosy.replay import SCAN_FROM, Replay
from argosy.venues.sim.core import SimCore
from argosy.venues.sim.expiry import LEAST, expiries

Data = tuple[Instruments, Sequence[Tape], Sequence[Event]]
"""What a run is fed: instruments, market tapes, and everything else that became known."""

MEMORY_EVERY = 4096


class Wanted(msgspec.Struct, frozen=True):
    """A strategy to run.

    name:        its id in the run
    plugin:      the name it is registered by, or the class itself
    params:      values over the defaults of its params Struct
    symbols:     what it trades; empty means every instrument of the run
    budget_frac: share of the account's cash that becomes its own book; 0 = an equal part of what nobody claims
    max_loss_frac: part of that which it may lose, after which it may only get out; 0 = no limit of its own
    """

    name: str
    plugin: str | type
    params: Mapping[str, object] = {}
    symbols: tuple[str, ...] = ()
    budget_frac: float = 0.0
    max_loss_frac: float = 0.0


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of a run: account, venue, risk.

    cash:        start capital in `currency`; multiplier: buying power per equity
    fees:        "alpaca", "free", or a FeeSchedule
    slippage_bps: adverse, on market orders and triggered stops; participation_frac: share of a bar's volume, 0 = no cap
    latency_ms:  from decision to venue, plus up to latency_jitter_ms by latency_seed; report_latency_ms: from there to the news of it
    depth:       keep the order books that tapes tell; their rows then match orders, quotes do not
    queue:       what stands before a limit at its price, where depth is kept: "none", "fifo" or "proportional" (`kernels.queue`)
    profile:     "lab" or "desk" limits, with `limits` over them
    exercise_least: currency per unit by which an option must be in the money to be exercised at its end
    breakers:    latched levels; on_failure: "keep" or "flatten" the position of a strategy that raised
    """

    cash: float = 100_000.0
    currency: str = "USD"
    multiplier: float = 1.0
    fees: str | FeeSchedule = "alpaca"
    slippage_bps: float = 1.0
    limit_rule: Literal["through", "touch"] = "through"
    participation_frac: float = 0.0
    latency_ms: float = 0.0
    latency_jitter_ms: float = 0.0
    latency_seed: int = 0
    report_latency_ms: float = 0.0
    depth: bool = False
    queue: Literal["none", "fifo", "proportional"] = "none"
    profile: str = "lab"
    limits: Mapping[str, Mapping[str, Any]] = {}
    breakers: Breakers = Breakers()
    on_failure: str = "keep"
    fx: tuple[Fx, ...] = ()
    desk: str = "ARGO"
    exercise_least: float = LEAST


class Run:
    """A wired run: `engine`, `market` and the `replay` that drives them; `go()` runs it whole."""

    def __init__(self, engine: Engine, market: SimCore, replay: Replay, cash: tuple[CashFlow, ...]) -> None:
        self.engine = engine
        self.market = market
        self.replay = replay
        self.cash = cash

    def go(self) -> None:
        """Open the journal, replay everything, close the journal."""
        self.engine.open(self.cash)
        self.replay.run()
        self.engine.close()


def strategy(wanted: Wanted) -> Declaration:
    """The declaration of a wanted strategy; Misuse when the plugin, a parameter or the class is wrong."""
    cls = wanted.plugin if isinstance(wanted.plugin, type) else plugins.load("argosy.strategies", wanted.plugin)
    return declare(cls, wanted.name, **wanted.params)


def fee_schedule(fees: str | FeeSchedule) -> FeeSchedule:
    """The schedule of a name; Misconfigured("FEES") for an unknown one."""
    if isinstance(fees, FeeSchedule):
        return fees
    known = {"free": fee_kernels.FREE, "alpaca": fee_kernels.alpaca_equity()}
    if fees not in known:
        raise Misconfigured("FEES", f"{fees!r} is no fee schedule", where="venue.fees", fix=f"known: {', '.join(known)}")
    return known[fees]


def bindings(wanted: Sequence[Wanted], instruments: Instruments, cash: int) -> list[Binding]:
    """Each strategy with its instruments and its budget in units; Misuse("BUDGET") when more is claimed than there is."""
    claimed = sum(want.budget_frac for want in wanted)
    if claimed > 1.0 + 1e-9 or any(want.budget_frac < 0.0 for want in wanted):
        raise Misuse("BUDGET", f"strategies claim {claimed:.0%} of the account", fix="budget_frac sums to at most 1")
    if claimed > 1.0 - 1e-9 and any(not want.budget_frac for want in wanted):
        raise Misuse("BUDGET", "the whole account is claimed and nothing is left for the others", fix="give each strategy a budget_frac")
    open_ended = sum(1 for want in wanted if not want.budget_frac)
    rest = max(0.0, 1.0 - claimed) / open_ended if open_ended else 0.0
    out = []
    for want in wanted:
        ids = tuple(instruments[symbol].id for symbol in want.symbols) or tuple(range(len(instruments)))
        if not 0.0 <= want.max_loss_frac <= 1.0:
            raise Misuse("BUDGET", f"{want.name} may lose {want.max_loss_frac:.0%} of its budget", fix="max_loss_frac is from 0 to 1")
        budget = int(cash * (want.budget_frac or rest))
        out.append(Binding(want.name, strategy(want), ids, budget, max_loss=int(budget * want.max_loss_frac)))
    return out


def assemble(
    wanted: Sequence[Wanted],
    data: Data,
    terms: Terms | None = None,
    *,
    journal: MemoryJournal | None = None,
    progress: Callable[[int], None] | None = None,
    bulk: bool = True,
    scan_from: int = SCAN_FROM,
) -> Run:
    """Wire a run over the past.

    bulk: compute needs over the tapes beforehand; False streams them bar by bar, as a desk does (equal to the bit)
    scan_from: market rows from which a step strategy that stands alone is walked compiled (equal in every record)
    Raises Misuse or Misconfigured for what is wrong with strategies, data or terms; nothing has run then.
    """
    terms = terms or Terms()
    instruments, tapes, events = data
    _check(instruments, tapes)
    events = [*events, *expiries(instruments, tapes, events, terms.exercise_least)]
    cash = to_units(terms.cash, terms.currency)
    bound = bindings(wanted, instruments, cash)
    gate = RiskGate(rules(terms.profile, terms.limits, base=terms.currency, where="risk", options=any(row.option for row in instruments)))
    engine = Engine(
        instruments, bound, gate, journal or MemoryJournal(), base=terms.currency, desk=terms.desk, fx=terms.fx,
        multiplier=terms.multiplier, breakers=terms.breakers, on_failure=terms.on_failure, memory_every=MEMORY_EVERY,
        tapes=tuple(tape.hash for tape in tapes),
    )  # fmt: skip
    market = SimCore(
        instruments, fees=fee_schedule(terms.fees), slippage_bps=terms.slippage_bps, limit_rule=terms.limit_rule,
        participation_frac=terms.participation_frac, latency_ns=int(terms.latency_ms * MS),
        latency_jitter_ns=int(terms.latency_jitter_ms * MS), report_latency_ns=int(terms.report_latency_ms * MS), seed=terms.latency_seed,
        queue=terms.queue,
    )  # fmt: skip
    for tape in tapes:
        _finest(market, tape, terms)
    if terms.queue != "none":
        _queues(instruments, tapes, terms)
    if terms.report_latency_ms > 0.0:
        _news(instruments, events)
    engine.grains.update(grains(tapes))
    series(engine.slots, tapes)
    if bulk:
        feed(engine.slots, tapes, events)
    engine.rebind()
    replay = Replay(engine, market, tapes, events, progress=progress, scan_from=scan_from)
    start = min((int(tape["ts"][0]) for tape in tapes if len(tape)), default=0)
    return Run(engine, market, replay, (CashFlow(start, start, terms.currency, cash),))


def _check(instruments: Instruments, tapes: Sequence[Tape]) -> None:
    """Misuse when a tape names an instrument the run lacks (TAPE_INSTRUMENT) or holds bars without prices (TAPE_PRICE)."""
    for tape in tapes:
        if not len(tape):
            continue
        if tape.instruments[-1] >= len(instruments) or tape.instruments[0] < 0:
            raise Misuse("TAPE_INSTRUMENT", f"{tape!r} names an instrument that the run does not have")
        if tape.kind is Bar:
            for name in ("open", "high", "low", "close"):
                if not np.all(np.isfinite(tape[name])):
                    row = int(np.flatnonzero(~np.isfinite(tape[name]))[0])
                    raise Misuse("TAPE_PRICE", f"bar {row} has no {name}", where=instruments[int(tape["instrument"][row])].symbol,
                                 fix="import the file with `argosy data import`, which leaves such rows out")  # fmt: skip


def _queues(instruments: Instruments, tapes: Sequence[Tape], terms: Terms) -> None:
    """Misuse("SIM_QUEUE") where a queue is asked for that no book tells of."""
    told = {i for tape in tapes if tape.kind is BookDelta for i in tape.instruments if len(tape)} if terms.depth else set()
    for i in sorted({i for tape in tapes if len(tape) for i in tape.instruments} - told):
        raise Misuse("SIM_QUEUE", "a queue is known from an order book only", where=instruments[i].symbol,
                     fix='give a tape of its book and depth=True, or queue="none"')  # fmt: skip


def _news(instruments: Instruments, events: Sequence[Event]) -> None:
    """Misuse("SIM_REPORT") where a fill could be heard in other lots than it was made: its news under way when a split comes."""
    for event in events:
        if isinstance(event, Split):
            raise Misuse("SIM_REPORT", "news that is under way when an instrument splits cannot be told", where=instruments[event.instrument].symbol,
                         fix="leave report_latency_ms out, or the days around the split")  # fmt: skip


def _finest(market: SimCore, tape: Tape, terms: Terms) -> None:
    """Tell the venue what the run knows of each instrument, so that only the finest rows decide its fills."""
    for i in tape.instruments if len(tape) else ():
        if tape.kind is Bar:
            market.finest(i, "bar", int(tape.only(i)["span"].max()))
        elif tape.kind is Quote:
            market.finest(i, "quote")
        elif tape.kind is Trade:
            market.finest(i, "trade")
        elif tape.kind is BookDelta and terms.depth:
            market.finest(i, "book")


def grains(tapes: Sequence[Tape]) -> dict[int, Grain]:
    """What the tapes can support of an execution algorithm, by instrument: how fine their rows are, and whether they show volume."""
    found: dict[int, Grain] = {}
    for tape in tapes:
        for i in tape.instruments if len(tape) else ():
            own = tape.only(i)
            span_ns = int(own["span"].max()) if tape.kind is Bar else 0
            shown = own["volume"] if tape.kind is Bar else own["size"] if tape.kind is Trade else None
            volume = shown is not None and bool(np.any(shown > 0.0))
            known = found.get(i)
            found[i] = Grain(span_ns, volume) if known is None else Grain(min(known.span, span_ns), known.volume or volume)
    return found


def series(slots: Sequence[Slot], tapes: Sequence[Tape]) -> None:
    """Where an instrument has bars of several spans, choose whose bars each cell sees: its watch's span, else the finest.

    Misuse("WATCH_SPAN") when a strategy watches a span that no tape has.
    """
    spans: dict[int, list[tuple[int, int]]] = {}
    for tape in tapes:
        if tape.kind is Bar:
            for i in tape.instruments if len(tape) else ():
                own = tape.only(i)["span"]
                spans.setdefault(i, []).append((int(own.max()), int(own.min())))
    for slot in slots:
        wanted = [span(watch.every) for watch in slot.declaration.watches if watch.kind == "bar" and watch.every]
        for i, cell in slot.cells.items():
            have = sorted(spans.get(i, []))
            fit = [pair for pair in have if not wanted or pair[0] in wanted]
            if have and not fit:
                raise Misuse("WATCH_SPAN", f"{slot.id} watches bars of {[span_text(ns) for ns in wanted]}, no tape has them")
            if len(have) > 1:
                cell.spans = (fit[0][1], fit[0][0])


def feed(slots: Sequence[Slot], tapes: Sequence[Tape], events: Iterable[Event], skip: Mapping[int, int] | None = None) -> None:
    """Give every cell its needs in bulk: computed once over its instrument's bars, read row by row.

    skip: bars of each instrument already fed before (a restart); the first rows are then left out
    """
    splits = [event for event in events if isinstance(event, Split)]
    bars = [tape for tape in tapes if tape.kind is Bar and len(tape)]
    for slot in slots:
        names = list(slot.declaration.needs)
        if not names:
            continue
        own: dict[int, Tape] = {}
        for i, cell in slot.cells.items():
            having = [tape.only(i) for tape in bars if i in tape.instruments]
            having = [one for one in having if cell.sees(int(one["span"].max()))]
            if len(having) == 1:
                own[i] = having[0]
        rows = np.empty(sum(map(len, own.values())), [(name, "f8") for name in names])
        first = 0
        for i, tape in own.items():
            for name, column in zip(names, table(slot.declaration.needs, tape.columns, forward_factor(tape, splits)), strict=True):
                rows[name][first : first + len(tape)] = column
            mine = rows[first : first + len(tape)]
            wakes = slot.declaration.wakes
            asked = Waker(wakes, names).mask([mine[name] for name in names], tape["close"], tape["ts"], tape["known"]) if wakes else None
            slot.cells[i].feed = TableFeed(rows, first, slot.shape, (skip or {}).get(i, 0), asked)
            first += len(tape)
