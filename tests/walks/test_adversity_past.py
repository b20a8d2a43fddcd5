"""HEART §5, §9: what comes late, is taken back, comes out of order or is interrupted leaves books, needs and journal true."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.effects import Alarm
from argosy.core.errors import Broken
from argosy.core.events import Bar, Bust, Command, Dividend, Fill, Reversal, Session, Timer
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Protection, Target
from argosy.core.orders import Work
from argosy.core.strategy import OnFill
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.engine.restart import restart
from argosy.house import assemble
from argosy.kernels.indicators import sma
from tests.walks.hand import USD, Stage, fills, lots, play, sent, tape, terms, wanted, wire

CALLS: list[Any] = []


def want(lots: int, **given: Any) -> Target:
    return Target(0, lots=lots, **given)


def flips(n: int) -> dict[int, Target]:
    return {k: want(10 if k % 2 == 0 else 0) for k in range(n)}


# -- executions late and taken back ---------------------------------------------------------------------------------------


def test_a_fill_of_an_order_that_was_refused_is_booked_and_folds() -> None:
    """A resend is refused as a duplicate; then the first one fills: 10 are held, whatever the order's way says."""
    stage = Stage({"a": {0: want(10)}})
    (order,) = sent(stage.bar(100.0))
    stage.reply(order.id, outcome="ambiguous")
    stage.reply(order.id, outcome="refused", code="DUPLICATE_ID")
    stage.fill(order.id, 10, 100.0)
    assert (stage.lots("a"), stage.state.portfolio.lots) == (10, [10])
    stage.state.portfolio.check()
    assert stage.fold() == stage.state.hash


def test_an_order_opened_again_by_a_reversal_may_end_twice() -> None:
    """It is in the list of ended orders twice, and 1,100 others push both out."""
    stage = Stage({"a": flips(1100)})
    (order,) = stage.accept(stage.bar(100.0))
    stage.fill(order.id, 10, 100.0, "e1")
    stage.tell(Reversal, "e1")
    assert stage.lots("a") == 0
    stage.fill(order.id, 10, 100.0, "e1")
    assert stage.lots("a") == 10
    for _ in range(1100):
        stage.buy(stage.bar(100.0), 100.0)
    assert stage.lots("a") == 0  # the last flip is to nothing
    stage.state.portfolio.check()


def test_a_bust_of_a_part_ends_the_order_with_the_rest_and_what_it_took_is_bought_anew() -> None:
    """10 wanted, 3 fill and are taken back, the venue fills the other 7 and is done: 3 more are sent, once."""
    stage = Stage({"a": {0: want(10)}})
    (order,) = stage.accept(stage.bar(100.0))
    stage.fill(order.id, 3, 100.0, "e1")
    more = [*stage.tell(Bust, "e1")]
    more += stage.engine.step(Fill(stage.now, stage.now, 0, order.id, "e2", 1, 7, 100.0, 700 * USD, 0, False, 0))
    for _ in range(3):
        more += stage.bar(100.0)
    assert (stage.work(order.id), stage.lots("a")) == (Work.FILLED, 7)
    assert [one.side * one.lots for one in sent(more)] == [3]
    stage.buy(more, 100.0)
    assert stage.lots("a") == 10
    assert stage.bar(100.0) == ()


def test_a_bust_that_names_no_known_execution_is_an_alarm() -> None:
    """1,099 orders later the desk no longer knows e1: it books nothing and says so."""
    stage = Stage({"a": flips(1100)})
    (order,) = stage.accept(stage.bar(100.0))
    stage.fill(order.id, 10, 100.0, "e1")
    for _ in range(1099):
        stage.buy(stage.bar(100.0), 100.0)
    before = stage.state.portfolio.lots[:]
    assert [type(effect) for effect in stage.tell(Bust, "e1")] == [Alarm]
    assert stage.state.portfolio.lots == before


def test_a_bust_takes_back_cost_and_leaves_no_profit() -> None:
    """10 at 100 and 10 at 120; the second is taken back: 10 that cost 1,000, and nothing was earned."""
    stage = Stage({"a": {0: want(10), 1: want(20)}})
    for price, name in ((100.0, "e1"), (120.0, "e2")):
        (order,) = stage.accept(stage.bar(price))
        stage.fill(order.id, 10, price, name)
    stage.tell(Bust, "e2")
    book = stage.state.portfolio.books["a"]
    assert (book.lots, book.cost, book.realised) == ([10], [1000 * USD], [0])
    assert stage.state.portfolio.cash[0] == 99_000 * USD


def test_a_bust_of_an_exit_takes_back_its_profit() -> None:
    """10 at 100 sold at 120: 200 earned; the sale is taken back: 10 that cost 1,000 and nothing earned."""
    stage = Stage({"a": {0: want(10), 1: want(0)}})
    for price, name, signed in ((100.0, "e1", 10), (120.0, "e2", -10)):
        (order,) = stage.accept(stage.bar(price))
        stage.fill(order.id, signed, price, name)
    book = stage.state.portfolio.books["a"]
    assert (book.lots, book.cost, book.realised) == ([0], [0], [200 * USD])
    stage.tell(Bust, "e2")
    assert (book.lots, book.cost, book.realised) == ([10], [1000 * USD], [0])


class Name(str):
    """An execution's name that counts how often it is held against another."""

    __slots__ = ()
    asked = 0

    def __eq__(self, other: object) -> bool:
        Name.asked += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


class Deaf:
    """A journal that keeps nothing: a name that counts cannot be written down."""

    seq = 10_000

    def append(self, record: Any) -> None:
        """Forget it."""

    def commit(self) -> None:
        """Nothing to close."""


def test_a_further_execution_of_an_order_is_not_held_against_all_before() -> None:
    """1,000 executions of one order: a walk over all before would be 499,500 comparisons."""
    stage = Stage({"a": {0: want(10**6)}})
    (order,) = stage.accept(stage.bar(100.0))
    stage.engine.journal = Deaf()  # type: ignore[assignment]
    Name.asked = 0
    for k in range(1000):
        stage.fill(order.id, 1, 100.0, Name(f"e{k}"))
    assert stage.lots("a") == 1000
    assert Name.asked <= 8000
    stage.fill(order.id, 1, 100.0, Name("e7"))
    assert stage.lots("a") == 1000


def test_a_dividend_in_a_currency_that_the_run_does_not_know_is_not_recorded() -> None:
    stage = Stage({"a": {}})
    stage.bar(100.0)
    before = (stage.engine.journal.seq, stage.state.hash)
    with pytest.raises(Broken, match="CURRENCY_UNKNOWN"):
        stage.tell(Dividend, 0, 1.0, "CAD")
    assert (stage.engine.journal.seq, stage.state.hash) == before
    stage.engine.close()  # marks the row
    assert stage.fold() == stage.state.hash


# -- time, day and peak ---------------------------------------------------------------------------------------------------


def test_the_peak_sees_a_profit_that_was_booked_by_going_flat() -> None:
    """100 at 100, taken at 120 inside a bar that closes at 100: 102,000, although no mark with a position showed it."""
    run = play({"a": {0: want(100, protection=Protection(take=120.0))}}, [100.0, 100.0, 100.0, (100.0, 130.0, 100.0, 100.0), 100.0, 100.0])
    assert (run.engine.state.portfolio.equity, run.engine.state.peak) == (102_000 * USD, 102_000 * USD)


def test_another_exchange_with_an_earlier_day_begins_no_new_day() -> None:
    """Tokyo has day 101; 5,000 are lost; New York opens its day 100: the loss is still one of this day."""
    stage = Stage({"a": {0: want(500)}})
    stage.tell(Session, "XTKS", True, 101, 10**15)
    stage.buy(stage.bar(100.0), 100.0)
    stage.bar(90.0)
    assert stage.state.portfolio.equity == 95_000 * USD
    stage.tell(Session, "XNYS", True, 100, 10**15)
    assert (stage.state.day_start, stage.state.counters.day) == (100_000 * USD, 101)


def test_a_row_known_earlier_does_not_turn_the_clock_back() -> None:
    stage = Stage({"a": {}})
    for minute in (5, 0):
        stage.row(Bar(minute * MINUTE, (minute + 1) * MINUTE, 0, 1.0, 1.0, 1.0, 1.0, 1.0, MINUTE))
    assert stage.now == 6 * MINUTE
    stage.engine.close()  # marks the rows
    assert stage.fold() == stage.state.hash


# -- needs, pauses, restarts ----------------------------------------------------------------------------------------------


class Reads:
    needs = {"last": sma(1), "mean": sma(3)}

    def on_bar(self, bar: Bar, book: Any) -> None:
        if not book.warming:
            CALLS.append((bar.ts // MINUTE, bar.close, book.needs(0).last, book.needs(0).mean))


class Steps:
    needs = {"last": sma(1), "mean": sma(3)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        CALLS.append((row.ts // MINUTE, row.close, needs.last, needs.mean))


def heard(run: Any) -> list[Any]:
    CALLS.clear()
    run.go()
    return CALLS[:]


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "streamed"])
@pytest.mark.parametrize("cls", [Reads, Steps])
def test_needs_go_on_while_their_strategy_is_paused(cls: type, bulk: bool) -> None:
    """Closes 100 + k; the bars of minutes 4 to 8 are not heard, and the mean of three at minute 9 is 108."""
    at, back = 4 * MINUTE + 1, 9 * MINUTE + 1
    pause = [Command(at, at, "pause", "me", "tea", "a"), Command(back, back, "unpause", "me", "back", "a")]

    def run(events: list[Any]) -> Any:
        data = (Instruments([Instrument(symbol="S0")]), [tape([100.0 + k for k in range(14)])], events)
        return assemble(wanted({"a": cls}), data, terms(), bulk=bulk)

    whole, rested = heard(run([])), heard(run(pause))
    assert (9, 109.0, 109.0, 108.0) in rested
    assert rested == [call for call in whole if not 4 <= call[0] <= 8]


def broken(make: Any, stop: int) -> tuple[Any, Any, list[Any], list[Any]]:
    """A run shut down in good order after some rows, one that took over from its journal, and the calls of each."""
    dead = make()
    CALLS.clear()
    dead.engine.open(dead.cash)
    dead.replay.run(stop=stop)
    dead.engine.close()
    first = CALLS[:]
    fresh = make()
    fresh.engine.journal = dead.engine.journal
    CALLS.clear()
    found = restart(fresh.engine, list(dead.engine.journal.records()), fresh.replay.source.rows())
    assert (found.changed, found.differed, CALLS) == ([], {}, [])
    return dead, fresh, first, CALLS


def two_spans(bulk: bool) -> Any:
    """20 one-minute bars, and four of five minutes with other prices: the strategy hears the finest only."""
    n = 4
    ts, price = np.arange(n) * 5 * MINUTE, np.array([204.0, 209.0, 214.0, 219.0])
    five = Tape(Bar, {
        "ts": ts, "known": ts + 5 * MINUTE, "instrument": np.zeros(n, np.int64), "open": price, "high": price, "low": price,
        "close": price, "volume": np.full(n, 1e6), "span": np.full(n, 5 * MINUTE),
    })  # fmt: skip
    data = (Instruments([Instrument(symbol="S0")]), [tape([100.0 + k for k in range(20)]), five], [])
    return assemble(wanted({"a": Steps}), data, terms(), bulk=bulk)


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "streamed"])
@pytest.mark.parametrize("stop", [4, 5, 6, 14, 20])
def test_a_restart_counts_only_the_bars_that_a_strategy_follows(stop: int, bulk: bool) -> None:
    whole = heard(two_spans(bulk))
    assert whole[-1] == (19, 119.0, 119.0, 118.0)
    _, fresh, first, calls = broken(lambda: two_spans(bulk), stop)
    fresh.replay.run()
    assert fresh.engine.failures == []
    assert first + calls == whole


class Woken:
    """Called at the bar after a fill of its own, else not at all."""

    wakes = (OnFill(),)

    class state(msgspec.Struct):
        bars: int = 0

    def __init__(self) -> None:
        self.state = type(self).state()

    def on_bar(self, bar: Bar, book: Any) -> None:
        self.state.bars += 1
        CALLS.append(bar.ts // MINUTE)

    def on_timer(self, timer: Timer, book: Any) -> Any:
        return want(10) if timer.name == "go" else None


@pytest.mark.parametrize("stop", range(2, 13))
def test_a_fill_that_was_heard_before_a_restart_wakes_nobody_after_it(stop: int) -> None:
    def make() -> Any:
        return wire({"a": Woken}, [100.0 + k for k in range(14)], events=[Timer(2 * MINUTE + 1, 2 * MINUTE + 1, "go", "a")])

    run = make()
    whole = heard(run)
    assert len(whole) == 1
    dead, fresh, first, calls = broken(make, stop)
    dead.replay.engine = fresh.engine  # the market is still there
    dead.replay.run()
    assert first + calls == whole
    assert fresh.engine.slot("a").save() == run.engine.slot("a").save()


@pytest.mark.parametrize("stop", [3, 4, 6])
def test_a_horizon_that_was_set_before_a_restart_comes_after_it(stop: int) -> None:
    """10 bought at minute 1 for six minutes: a process that knows only the journal sells them when the whole run does."""

    def make() -> Any:
        return wire({"a": {0: want(10, horizon_ns=6 * MINUTE, on_expiry="flat")}}, [100.0] * 14)

    whole = make()
    whole.go()
    assert [signed for _, signed, _ in fills(whole)] == [10, -10]
    _, fresh, _, _ = broken(make, stop)
    fresh.market.adopt(0, 10)
    fresh.replay.run()
    assert fills(fresh) == fills(whole)
    assert lots(fresh, "a") == 0
