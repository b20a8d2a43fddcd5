"""HEART §7 through the whole house: what a strategy wants at bar t, and when and at which price the real venue gives it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from argosy.core.events import Bar, Fill, Quote, Reply, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Tif
from argosy.core.tape import Tape
from argosy.core.time import MINUTE, SECOND
from argosy.house import Wanted, assemble
from tests.walks.hand import USD, fills, lots, play, records, resting, says, tape, terms


def guarded(want: int, stop: float, take: float = float("nan"), limit: float = float("nan")) -> Target:
    return Target(0, lots=want, limit=limit, protection=Protection(stop=stop, take=take))


def test_a_wish_formed_at_bar_t_fills_at_the_open_of_bar_t_plus_1_with_slippage() -> None:
    """Wanted at the close of minute 0 (10.00); bought at the open of minute 1, 10.20, and 10 bps of it."""
    run = play({"a": {0: Target(0, lots=10)}}, [(9.0, 11.0, 8.0, 10.0), (10.2, 12.0, 9.0, 11.0)], slippage_bps=10.0)
    ((minute, signed, price),) = fills(run)
    assert (minute, signed) == (1, 10)
    assert price == pytest.approx(10.2102)


def test_with_latency_it_takes_part_in_the_first_bar_that_begins_after_its_arrival() -> None:
    run = play({"a": {0: Target(0, lots=10)}}, [10.0, 10.2, 10.4, 10.6], latency_ms=1.0)
    assert fills(run) == [(2, 10, 10.4)]


def test_a_fill_at_the_open_is_heard_at_the_bars_start_before_the_bar() -> None:
    heard: list[tuple[str, int, int]] = []

    class Hears:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            heard.append(("bar", bar.ts // MINUTE, book.lots(0)))
            return Target(0, lots=10) if bar.ts == 0 else None

        def on_fill(self, fill: Fill, book: Any) -> None:
            heard.append(("fill", fill.ts // MINUTE, book.lots(0)))
            assert (fill.ts, fill.known, book.now) == (MINUTE, MINUTE, MINUTE)

    play({"a": Hears}, [10.0, 10.5, 11.0])
    assert heard == [("bar", 0, 0), ("fill", 1, 10), ("bar", 1, 10), ("bar", 2, 10)]


@pytest.mark.parametrize(
    ("row", "rule", "filled"),
    [
        ((10.0, 10.0, 9.5, 9.9), "through", []),  # reached, not passed
        ((10.0, 10.0, 9.5, 9.9), "touch", [(2, 10, 9.5)]),
        ((10.0, 10.0, 9.49, 9.9), "through", [(2, 10, 9.5)]),
        ((9.4, 9.6, 9.3, 9.5), "through", [(1, 10, 9.4)]),  # an open at or better fills at the open
        ((9.5, 9.6, 9.5, 9.5), "through", [(1, 10, 9.5)]),
    ],
)
def test_a_limit(row: Any, rule: Any, filled: Any) -> None:
    """Inside fills are heard of at the end of minute 1, so at minute 2."""
    run = play({"a": {0: Target(0, lots=10, limit=9.5)}}, [10.0, row], limit_rule=rule)
    assert fills(run) == filled


@pytest.mark.parametrize(
    ("row", "price"),
    [((9.5, 9.6, 8.9, 9.0), 9.0), ((8.7, 9.0, 8.6, 8.8), 8.7), ((9.2, 9.3, 9.0, 9.1), 9.0)],
)
def test_a_stop_sells_at_the_worse_of_open_and_stop(row: Any, price: float) -> None:
    run = play({"a": {0: guarded(10, 9.0)}}, [10.0, 10.0, row])
    assert fills(run)[1][1:] == (-10, price)


def test_after_an_entry_at_the_open_its_whole_bar_counts_for_the_target() -> None:
    run = play({"a": {0: guarded(10, 9.0, 11.0)}}, [10.0, (10.0, 11.1, 9.5, 10.0)])
    assert [one[1:] for one in fills(run)] == [(10, 10.0), (-10, 11.0)]


def test_after_an_entry_inside_the_target_waits_for_the_next_bar() -> None:
    plan = {0: guarded(10, 9.0, 11.0, limit=9.8)}
    run = play({"a": plan}, [10.0, (10.0, 11.1, 9.7, 10.0), (10.0, 10.9, 9.9, 10.0), (10.0, 11.2, 9.9, 11.0)])
    assert [(minute, px) for minute, _, px in fills(run)] == [(2, 9.8), (4, 11.0)]


def test_after_an_entry_inside_the_stop_may_trigger_in_that_bar() -> None:
    run = play({"a": {0: guarded(10, 9.0, 11.0, limit=9.8)}}, [10.0, (10.0, 10.1, 8.9, 9.5)])
    assert [one[1:] for one in fills(run)] == [(10, 9.8), (-10, 9.0)]


def test_stop_and_target_inside_one_bar_are_the_worse_one() -> None:
    run = play({"a": {0: guarded(10, 9.0, 11.0)}}, [10.0, 10.0, (10.0, 11.5, 8.5, 10.0)])
    assert [one[1:] for one in fills(run)] == [(10, 10.0), (-10, 9.0)]


@pytest.mark.parametrize(
    ("first", "second", "price"),
    [((10.0, 11.5, 10.0, 11.4), (11.4, 11.4, 8.5, 8.6), 11.0), ((10.0, 10.0, 8.5, 9.0), (9.0, 11.5, 9.0, 11.4), 9.0)],
)
def test_unless_finer_bars_of_the_tape_decide(first: Any, second: Any, price: float) -> None:
    """Two-minute bars hold both; the one-minute bars of the same run say which came first."""
    fine = tape([10.0, 10.0, 10.0, 10.0, first, second])
    coarse = {name: column[[1, 3, 5]].copy() for name, column in fine.columns.items()}
    coarse["ts"] -= MINUTE
    coarse["span"][:] = 2 * MINUTE
    coarse["open"][:] = 10.0
    coarse["high"][:], coarse["low"][:] = (10.0, 10.0, 11.5), (10.0, 10.0, 8.5)

    class Coarse:
        from argosy.core.strategy import Watch

        watches = (Watch("*", "bar", "2m"),)

        def on_bar(self, bar: Bar, book: Any) -> Any:
            assert bar.span == 2 * MINUTE
            return guarded(10, 9.0, 11.0) if bar.ts == 0 else None

    data = (Instruments([Instrument(symbol="S0")]), [fine, Tape(Bar, coarse)], [])
    run = assemble([Wanted("a", Coarse)], data, terms())
    run.go()
    assert [one[1:] for one in fills(run)] == [(10, 10.0), (-10, price)]


def test_an_order_born_of_a_fill_inside_a_bar_fills_from_the_bar_after() -> None:
    class Answers:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            return Target(0, lots=10, limit=9.5) if bar.ts == 0 else None

        def on_fill(self, fill: Fill, book: Any) -> Any:
            return Target(0, lots=0) if fill.side > 0 else None

    run = play({"a": Answers}, [10.0, (10.0, 10.0, 9.4, 9.6), (9.7, 9.7, 9.7, 9.7), 9.8])
    assert [(fill.ts // MINUTE, fill.price) for fill in records(run, Fill)][1] == (2, 9.7)


def test_an_order_born_of_a_fill_at_the_open_does_not_take_part_in_that_bar() -> None:
    class Answers:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            return Target(0, lots=10) if bar.ts == 0 else None

        def on_fill(self, fill: Fill, book: Any) -> Any:
            return Target(0, lots=0, limit=10.5) if fill.side > 0 else None

    run = play({"a": Answers}, [10.0, (10.0, 12.0, 9.0, 10.0), (10.0, 10.6, 10.0, 10.0)])
    assert [(minute, px) for minute, _, px in fills(run)] == [(1, 10.0), (3, 10.5)]


def test_the_volume_of_a_bar_is_shared_in_priority_order_and_the_rest_waits() -> None:
    """5 lots a bar: b's better limit first (4), then one of a's; the next bar the rest."""
    plan_a = {0: Ladder(0, (Rung("x", BUY, 9.5, 4),))}
    plan_b = {0: Ladder(0, (Rung("y", BUY, 9.6, 4),))}
    low = (10.0, 10.0, 9.0, 10.0)
    run = play({"a": plan_a, "b": plan_b}, [10.0, low, low], participation_frac=5e-6)
    assert [(signed, px) for _, signed, px in fills(run)] == [(4, 9.6), (1, 9.5), (3, 9.5)]
    assert (lots(run, "a"), lots(run, "b")) == (4, 4)


def test_what_an_ioc_does_not_get_at_once_is_given_up() -> None:
    """5 of 9 are bought at the open and the rest ends there: 5 are held, and stay."""
    run = play({"a": {0: Target(0, lots=9, tif=Tif.IOC)}}, [10.0] * 4, participation_frac=5e-6)
    assert fills(run) == [(1, 5, 10.0)]
    assert resting(run) == []
    assert run.engine.state.wishes["a", 0].lots == 5


def test_what_the_tape_cannot_support_is_refused_with_a_code() -> None:
    """A tape of bars on a calendar that never closes has no closing auction."""
    run = play({"a": {0: Target(0, lots=9, tif=Tif.CLS)}}, [10.0] * 3)
    (reply,) = records(run, Reply)
    assert reply.outcome == "refused"
    assert reply.code
    assert (fills(run), resting(run)) == ([], [])


def ticks(kind: type, rows: list[tuple[float, ...]], names: tuple[str, ...]) -> Tape:
    """Rows a second apart, the first at second 1."""
    known = np.arange(1, len(rows) + 1, dtype=np.int64) * SECOND
    columns: dict[str, Any] = {"ts": known, "known": known, "instrument": np.zeros(len(rows), np.int64)}
    for k, name in enumerate(names):
        columns[name] = np.array([row[k] for row in rows], np.float64)
    if kind is Trade:
        columns["side"] = np.zeros(len(rows), np.int64)
    return Tape(kind, columns)


def on_ticks(strategy: type, one: Tape, **given: Any) -> Any:
    run = assemble([Wanted("a", strategy)], (Instruments([Instrument(symbol="S0")]), [one], []), terms(**given))
    run.go()
    return run


@pytest.mark.parametrize(("latency", "price"), [(0.0, 10.15), (1500.0, 10.35)])
def test_quotes_fill_at_their_own_prices_with_latency(latency: float, price: float) -> None:
    """Wanted at the first quote: without latency the next ask fills, with 1.5 s the one of second 3."""

    class Buys:
        def on_quote(self, quote: Quote, book: Any) -> Any:
            return Target(0, lots=3) if quote.ts == SECOND else None

    quotes = [(10.0, 10.05), (10.1, 10.15), (10.3, 10.35), (10.4, 10.45)]
    run = on_ticks(Buys, ticks(Quote, [(bid, ask, 100.0, 100.0) for bid, ask in quotes], ("bid", "ask", "bid_size", "ask_size")), latency_ms=latency)
    assert [fill.price for fill in records(run, Fill)] == [price]


def test_trades_fill_a_resting_limit_that_they_pass() -> None:
    class Rests:
        def on_trade(self, trade: Trade, book: Any) -> Any:
            return Target(0, lots=3, limit=9.9) if trade.ts == SECOND else None

    prints = [(10.0, 50.0), (9.9, 50.0), (9.89, 50.0)]
    run = on_ticks(Rests, ticks(Trade, prints, ("price", "size")))
    assert [(fill.ts // SECOND, fill.price) for fill in records(run, Fill)] == [(3, 9.9)]


def test_a_price_written_off_the_grid_never_leaves_the_house() -> None:
    """The engine puts it on the grid; an instrument of half-dollar ticks takes only those."""
    table = Instruments([Instrument(symbol="S0", tick=Decimal("0.5"))])
    run = play({"a": {0: Ladder(0, (Rung("b", BUY, 9.77, 1), Rung("s", SELL, 11.1, 1)))}}, [10.0, 10.0], table=table)
    assert resting(run) == [("rung:b", 1, 9.5), ("rung:s", -1, 11.5)]


def test_fees_of_the_venue_are_taken_with_the_fill() -> None:
    run = play({"a": {0: Target(0, lots=1000), 1: Target(0, lots=0)}}, [10.0, 10.0, 10.0], fees="alpaca")
    paid = [fill.fee for fill in records(run, Fill)]
    assert paid[0] < paid[1]  # sales bear the fees of the regulators
    assert run.engine.state.portfolio.cash[0] == 100_000 * USD - sum(paid)


def test_a_strategy_that_says_nothing_costs_nothing() -> None:
    run = play({"a": says({})}, [10.0, 11.0, 9.0], fees="alpaca", slippage_bps=5.0)
    assert run.engine.state.portfolio.equity == 100_000 * USD
