"""The composition root of the present: an account's door, the heart and the streams, wired; the other half of `house.py`.

It decides nothing about trading and sends nothing. Which kind of money an account holds is asked here, and nowhere below.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from argosy.core.errors import Misconfigured, Misuse, Retry
from argosy.core.events import SCHEMA, Band, Event
from argosy.core.instrument import Instruments
from argosy.core.protocols import Journal
from argosy.core.time import DAY, HOUR, span
from argosy.engine.algos.grain import Grain
from argosy.engine.engine import Engine
from argosy.engine.records import Record, Stretch
from argosy.engine.risk import RiskGate
from argosy.engine.rules.daily_loss import DailyLoss
from argosy.engine.rules.drawdown import Drawdown
from argosy.engine.rules.profiles import rules
from argosy.engine.rules.rule import Rule
from argosy.engine.slot import Slot
from argosy.engine.stretch import unfold
from argosy.house import MEMORY_EVERY, Terms, Wanted, bindings, fee_schedule
from argosy.net.breaker import Breaker
from argosy.net.guard import Armed, Hosts
from argosy.net.http import Rest
from argosy.net.limits import Budget
from argosy.net.secret import Secret
from argosy.net.stream import Stream
from argosy.store.frames import Codec
from argosy.store.journal import DurableJournal
from argosy.store.manifest import Identity
from argosy.store.recorder import Recorder
from argosy.venues.alpaca import facts
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.answer import Refused
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, connect, headers, missing, value
from argosy.venues.alpaca.codec import Oddities, TradeUpdate, WireAccount, ns_of
from argosy.venues.alpaca.feed import Feed
from argosy.venues.alpaca.history import History
from argosy.venues.alpaca.leaving import Ending
from argosy.venues.alpaca.messages import BandMessage, moment
from argosy.venues.alpaca.modes import Mode, Place, check_key
from argosy.venues.alpaca.modes import place as alpaca_place
from argosy.venues.alpaca.shown import Shows
from argosy.venues.paper import PaperVenue
from argosy.venues.sim.core import SimCore


class Door(msgspec.Struct, frozen=True):
    """The way to a broker's account. sends: whether orders may leave by it; client: requests about the account; data: about prices.

    ending: what lets only exits out once the arming is over, None where nothing was armed
    """

    mode: str
    sends: bool
    place: Place
    key: Secret
    secret: Secret
    client: Client
    data: Client
    ending: Ending | None = None

    @property
    def history(self) -> History:
        """Prices of the past."""
        return History(self.data)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()
        await self.data.close()


NAN = float("nan")
MODES = ("sim", "paper", "shadow", "live")
"""An exchange of our own on this machine; the broker's paper money; its prices with fills of our own, no order leaves; its real money."""


def door(
    mode: str, base: str, key: Secret, secret: Secret, *, armed: Armed | None = None, per_minute: int = 0,
    clock: Callable[[], int] = time.time_ns,
) -> Door:  # fmt: skip
    """The way to an account, by mode.

    base: URL of the exchange of our own; shadow takes its prices from there, where one is named; per_minute: requests, 0 = as the mode has it
    Raises Misconfigured: MODE, HOST_FORBIDDEN, NOT_ARMED, KEY_MODE.
    """
    if mode not in MODES:
        raise Misconfigured("MODE", f"{mode!r} is no mode", where="desk.mode", fix=f"one of {', '.join(MODES)}")
    way: Mode = mode if mode in ("sim", "paper", "live") else "sim" if base else "paper"  # type: ignore[assignment]
    where = alpaca_place(way, base=base, armed=armed, clock=clock)
    check_key(way, key)
    per_minute = per_minute or (60_000 if way == "sim" else 200)
    client, ending = connect(where, key, secret, per_minute=per_minute), None
    if armed is not None:  # after its end the same account is left by the same budget, over hosts that have no end
        hosts = where.hosts if where.hosts.loopback else Hosts(where.hosts.names)
        until_ns, carried = armed.until_ns, client.calls
        budget, breaker = getattr(carried, "budget", None), getattr(carried, "breaker", None)
        after = Rest(where.trading, hosts, headers=headers(key, secret), budget=budget, breaker=breaker, spare=True)
        ending = Ending(carried, after, lambda: clock() >= until_ns)
        client, where = Client(ending), where._replace(hosts=hosts)
    data = Rest(
        where.data, where.data_hosts, headers=headers(key, secret),
        budget=Budget(time.monotonic, time.time, per_minute=per_minute), breaker=Breaker(),
    )  # fmt: skip
    return Door(mode, mode != "shadow", where, key, secret, client, Client(data), ending)


class Wired:
    """A desk's parts: the heart, the venue that it speaks to, the streams that speak to it.

    venue:    takes orders; paper: the same where fills are made here, which must see every market row first; else None
    account_stream: what happens to orders, None where no order leaves; feed_stream: what happens in the market
    bars:     instrument -> spans of the bars that its strategies follow, ns; back: how many of each they need to begin
    showing:  answers what is so at the broker; None where no order leaves
    turned:   told when a stream comes and goes: (name, up, why); spoke: each time the account's says something; whoever runs the desk
              sets them
    """

    def __init__(
        self, door: Door, engine: Engine, feed: str, base: int, clock: Callable[[], int], terms: Terms
    ) -> None:
        instruments = engine.instruments
        self.door = door
        self.engine = engine
        self.odd = Oddities()
        self.turned: Callable[[str, bool, str], None] = _nobody
        self.spoke: Callable[[], None] = _silent
        self.paper: PaperVenue | None = None
        self.showing: Shows | None = None
        self.account_stream: Stream | None = None
        self.venue: AlpacaVenue | PaperVenue
        if door.sends:
            self.venue = venue = AlpacaVenue(door.client, instruments, terms.desk, clock=clock, odd=self.odd)
            self.showing = Shows(venue)

            def told(update: TradeUpdate) -> None:
                self.spoke()
                venue.told(update)

            account = AccountStream(
                door.key, door.secret, told, lambda up, why: self.turned("account", up, why), odd=self.odd
            )
            self.account_stream = account.stream(door.place)
        else:
            market = SimCore(instruments, fees=fee_schedule(terms.fees), slippage_bps=terms.slippage_bps, limit_rule=terms.limit_rule)
            self.venue = self.paper = PaperVenue(market, instruments, clock)
        self.bars, self.back = followed(engine.slots, base)
        kinds = {watch.kind for slot in engine.slots for watch in slot.declaration.watches}
        symbols = list(instruments.symbols)
        wants = dict.fromkeys(("bars", "quotes", "statuses", "lulds", *(("trades",) if "trade" in kinds else ())), symbols)
        self.heard: Callable[[Event], None] = _unheard
        ids = {row.symbol: row.id for row in instruments}

        def other(row: Any) -> None:
            """Of what is no event of the feed's: the bands outside of which no trade may happen."""
            if type(row) is BandMessage and row.S in ids:
                now = clock()
                low, high = (price if price > 0.0 else NAN for price in (row.d, row.u))
                self.heard(Band(moment(row.t) or now, now, ids[row.S], low, high))

        self.feed = Feed(
            door.key, door.secret, instruments, wants, _unheard, other=other, clock=clock, odd=self.odd,
            turned=lambda up, why: self.turned("market", up, why),
        )  # fmt: skip
        self.feed_stream = self.feed.stream(door.place, door.place.feed(feed))

    def listen(self, heard: Callable[[Event], None]) -> None:
        """From now on this one hears what the market's stream says."""
        self.heard = heard
        self.feed.listen(heard)


def _nobody(stream: str, up: bool, why: str) -> None:
    """Nobody asks how the streams are."""


def _silent() -> None:
    """Nobody asks whether the account's stream lives."""


def _unheard(event: Event) -> None:
    """Nobody listens yet."""


def followed(slots: Sequence[Slot], base: int) -> tuple[dict[int, tuple[int, ...]], dict[tuple[int, int], int]]:
    """(instrument -> spans of bars that strategies follow, (instrument, span) -> bars of it that they need before they begin).

    Each cell is told which bars are its own: those its strategy watches, the shortest of them where it watches several, else `base`.
    """
    spans: dict[int, set[int]] = {}
    back: dict[tuple[int, int], int] = {}
    for slot in slots:
        declaration = slot.declaration
        watched = [watch for watch in declaration.watches if watch.kind == "bar"]
        if not watched and not declaration.needs:
            continue
        every = min((span(watch.every) if watch.every else base for watch in watched), default=base)
        rows = max(declaration.warmup, declaration.window)
        for need in declaration.needs.values():
            if higher := getattr(need, "every", ""):
                rows = max(rows, -(-(need.warmup + 1) * span(higher) // every))
        for i, cell in slot.cells.items():
            spans.setdefault(i, set()).add(every)
            cell.spans = (2 * HOUR, DAY) if every == DAY else (every, every)
            back[i, every] = max(back.get((i, every), 0), rows)
    return {i: tuple(sorted(found)) for i, found in spans.items()}, back


def desk(
    door: Door, wanted: Sequence[Wanted], instruments: Instruments, terms: Terms, journal: Journal, *, cash: int, feed: str = "iex",
    base: str = "1m", clock: Callable[[], int] = time.time_ns,
) -> Wired:  # fmt: skip
    """Wire a desk: strategies, gate and journal to an account. Nothing is sent or heard yet.

    cash: of the account in units, of which the budgets are parts; feed: of the broker's data; base: span of its bars
    Raises Misuse or Misconfigured for what is wrong with strategies or terms.
    """
    bound = bindings(wanted, instruments, cash)
    limits = rules(terms.profile, terms.limits, base=terms.currency, where="risk", options=False)
    loss, fall = breakers(limits)
    engine = Engine(
        instruments, bound, RiskGate(limits), journal, base=terms.currency, desk=terms.desk, fx=terms.fx, multiplier=terms.multiplier,
        breakers=msgspec.structs.replace(terms.breakers, daily_loss_frac=loss, drawdown_frac=fall), on_failure=terms.on_failure,
        memory_every=MEMORY_EVERY,
    )  # fmt: skip
    wired = Wired(door, engine, feed, span(base), clock, terms)
    for i, spans in wired.bars.items():
        engine.grains[i] = Grain(spans[0], True)
    engine.rebind()
    return wired


class Hours(NamedTuple):
    """The broker's clock: its time (ns UTC), whether the market is open, when it opens and closes next."""

    now: int
    open: bool
    opens: int
    closes: int


async def hours(door: Door) -> Hours:
    """What time it is at the broker. Retry("VENUE_SILENT") where it does not say."""
    said = value(await door.client.clock(), "its clock")
    if not said.timestamp:
        raise Retry("VENUE_SILENT", "the broker's clock has no time")
    return Hours(ns_of(said.timestamp), bool(said.is_open), ns_of(said.next_open), ns_of(said.next_close))


async def account(door: Door, pinned: str) -> WireAccount:
    """The account that the key opens. pinned: its number, "" for any.

    Misconfigured: KEY_REFUSED, ACCOUNT_OTHER, ACCOUNT_BLOCKED; Retry("VENUE_SILENT") where the broker does not answer.
    """
    answer = await door.client.account()
    if isinstance(answer, Refused) and answer.status in (401, 403):
        what = f"the broker refuses the key: {answer.text}"
        raise Misconfigured("KEY_REFUSED", what, where="ALPACA_API_KEY", fix="see key and secret, and that they are of this mode")
    found: WireAccount = value(answer, "the account")
    if pinned and found.account_number != pinned:
        raise Misconfigured(
            "ACCOUNT_OTHER", f"the key is of account {found.account_number}, the desk is for {pinned}", where="desk.account",
            fix="use that account's key, or name this account",
        )  # fmt: skip
    if found.account_blocked or found.trading_blocked:
        raise Misconfigured("ACCOUNT_BLOCKED", f"the broker has blocked account {found.account_number}", fix="ask the broker")
    return found


async def learn(door: Door, symbols: Sequence[str], *, fractional: bool = False) -> Instruments:
    """The instruments of symbols, as the broker knows them; whole shares unless parts of them shall be traded.

    Misuse("INSTRUMENT_UNKNOWN") for a symbol that it does not have, Retry("VENUE_SILENT") where it does not answer.
    """
    found = Instruments()
    for symbol in dict.fromkeys(symbols):
        answer = await door.client.asset(symbol)
        if missing(answer):
            raise Misuse("INSTRUMENT_UNKNOWN", f"the broker has no {symbol!r}", where="desk.symbols", fix="see its list of assets")
        row = facts.instrument(value(answer, f"the facts of {symbol}"))
        if not fractional and row.kind == "equity":
            row = msgspec.structs.replace(row, lot=Decimal(1), min_lots=1)
        found.add(row)
    return found


def codec() -> Codec:
    """How a journal of this house writes its records."""
    encode = msgspec.msgpack.Encoder().encode
    decode = msgspec.msgpack.Decoder(Record).decode
    return Codec(SCHEMA, encode, decode, Stretch, lambda record: int(record.records), unfold)


def journal(folder: Path, sync: str, identity: Identity, rows: Recorder | None = None) -> DurableJournal:
    """The memory of a desk in its folder. Raises what `DurableJournal` raises."""
    return DurableJournal(folder, codec(), identity, sync=sync, rows=rows)  # type: ignore[arg-type]


def limit(engine: Engine, terms: Terms) -> tuple[float, float]:
    """Other limits for a desk that runs: its gate asks new rules from the next order on. As `breakers`."""
    limits = rules("desk", terms.limits, base=terms.currency, where="risk", options=False)
    loss, fall = breakers(limits)
    engine.gate = RiskGate(limits)
    engine.levels.breakers = msgspec.structs.replace(engine.levels.breakers, daily_loss_frac=loss, drawdown_frac=fall)
    engine.levels.watch()
    return loss, fall


def breakers(given: Sequence[Rule]) -> tuple[float, float]:
    """At which daily loss and which fall from the peak, as fractions of them, a gate's rules let no more risk in; 0: never."""
    loss = fall = 0.0
    for rule in given:
        if isinstance(rule, DailyLoss) and rule.limits.max_pct is not None:
            loss = rule.limits.max_pct / 100.0
        elif isinstance(rule, Drawdown) and rule.limits.max_pct is not None:
            fall = rule.limits.max_pct / 100.0
    return loss, fall


def recorder(folder: Path, account: str) -> Recorder:
    """What keeps the market rows of a desk. Raises what `Recorder` raises."""
    return Recorder(folder, account=account)
