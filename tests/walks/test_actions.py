"""HEART §7, what happens to an instrument: splits, dividends, funding, borrow and the end, by hand and on Apple's own prices."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from argosy.core.effects import Cancel
from argosy.core.events import Bar, Borrow, Delist, Dividend, Event, Funding, Split, Status
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Tif
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.data import demo
from argosy.data.actions import forward_factor
from argosy.engine.journal import Verdict
from argosy.house import Run, Wanted, assemble
from argosy.strategies.trend import Trend
from tests.walks.hand import USD, Stage, fills, lots, orders, play, records, resting, sent, terms, wire


def before(minute: int) -> int:
    """One ns before the bar of a minute begins. Where prices change their meaning there, the minute before has no bar."""
    return minute * MINUTE - 1


def night(*rows: Any) -> dict[int, Any]:
    """Bars of minutes 0 and 1, a minute of night, and the rest from minute 3 on."""
    return {minute if minute < 2 else minute + 1: row for minute, row in enumerate(rows)}


def split(minute: int, ratio: float, price: float = float("nan")) -> Split:
    return Split(before(minute), before(minute), 0, ratio, price)


def dollars(run: Any, strategy: str = "a") -> float:
    return run.engine.state.portfolio.books[strategy].cash[0] / USD


# -- Apple, 21 June 2000 and 28 February 2005: two for one, twice -------------------------------------------------------


@cache
def apple() -> demo.Demo:
    return demo.load(("AAPL",))


def day(row: int) -> Bar:
    return next(apple().tape.rows(row))  # type: ignore[return-value]


class Once:
    """Buys 100 shares when the 75th bar is known, with a stop at 80.00, and wants 50 more at 60.00."""

    def on_bar(self, bar: Bar, book: Any) -> Any:
        if bar.ts == day(75).ts:
            return Target(0, lots=100, protection=Protection(stop=80.0)), Ladder(0, (Rung("low", BUY, 60.0, 50),))
        return None


def on_apple(strategy: Any, stop: int, events: list[Event] | None = None, params: dict[str, object] | None = None) -> Run:
    shown = apple()
    run = assemble([Wanted("a", strategy, params or {})], (shown.instruments, [shown.tape], events or list(shown.actions)), terms())
    run.engine.open(run.cash)
    run.replay.run(stop=stop)
    return run


def test_the_packaged_prices_hold_the_two_splits() -> None:
    splits = [event for event in apple().actions if isinstance(event, Split)]
    assert [(event.ratio, event.known) for event in splits] == [(2.0, day(78).ts - 1), (2.0, day(1254).ts - 1)]
    assert (day(77).close, day(78).open) == (101.25, 50.5)
    assert (day(1253).close, day(1254).open) == (88.99, 44.68)


@pytest.mark.parametrize(("ex", "wanted"), [(78, 75), (1254, 1250)])
def test_equity_goes_through_a_split_with_the_price_alone(ex: int, wanted: int) -> None:
    """100 shares become 200; the change of equity over the day is their price move and not a unit more."""

    class Holds:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            return Target(0, lots=100) if bar.ts == day(wanted).ts else None

    run = on_apple(Holds, ex)
    state = run.engine.state
    eve = state.portfolio.equity
    assert (lots(run, "a"), state.portfolio.marks[0]) == (100, day(ex - 1).close)
    run.replay.run(stop=ex + 1)
    assert lots(run, "a") == 200
    moved = round(200 * day(ex).close * USD) - round(100 * day(ex - 1).close * USD)
    assert state.portfolio.equity == eve + moved
    assert len(orders(run)) == 1
    state.portfolio.check()


def test_the_split_alone_moves_no_unit() -> None:
    """In the instant of the split: 100 at 101.25 and 200 at 50.625 are both 10,125.00."""
    run = on_apple(Once, 78)
    portfolio = run.engine.state.portfolio
    eve = (portfolio.equity, portfolio.cash[0], portfolio.worth[0])
    event = next(event for event in apple().actions if isinstance(event, Split))
    run.engine.step(event)
    assert (portfolio.equity, portfolio.cash[0], portfolio.worth[0]) == eve
    assert (portfolio.lots[0], portfolio.marks[0], portfolio.worth[0]) == (200, 50.625, 10_125 * USD)
    assert run.engine.state.peak >= portfolio.equity


def test_stop_and_resting_order_are_rescaled_with_the_shares() -> None:
    run = on_apple(Once, 78)
    assert resting(run) == [("rung:low", 50, 60.0), ("stop", -100, 80.0)]
    run.replay.run(stop=79)
    assert resting(run) == [("rung:low", 100, 30.0), ("stop", -200, 40.0)]
    assert records(run, Cancel) == []  # they kept their places


def test_the_venue_fills_them_at_the_new_prices() -> None:
    """The oracle reads the days: the first low at or below 40.00 sells at the worse of open and 40.00; the first below 30.00 buys."""
    rows: list[Bar] = list(apple().tape.rows(78))[:200]  # type: ignore[arg-type]
    stopped = next(bar for bar in rows if bar.low <= 40.0)
    bought = next(bar for bar in rows if bar.low < 30.0)
    run = on_apple(Once, 278)
    after = [(fill.side * fill.lots, fill.price) for fill in run_fills(run)[1:3]]
    assert after == [(-200, min(stopped.open, 40.0)), (100, min(bought.open, 30.0))]


def run_fills(run: Run) -> list[Any]:
    from argosy.core.events import Fill

    return records(run, Fill)


def test_a_split_is_no_signal_on_apple() -> None:
    """Thirteen years of a trend follower: the same days, the same sides as on a series in which the splits never were."""
    shown = apple()
    raw = assemble([Wanted("a", Trend)], (shown.instruments, [shown.tape], _splits()), terms())
    raw.go()
    factor = forward_factor(shown.tape, shown.actions)
    columns = dict(shown.tape.columns)
    smooth = Tape(Bar, columns | {name: columns[name] * factor for name in ("open", "high", "low", "close")})
    fine = Instruments([Instrument(symbol="AAPL", calendar="XNYS", tick="0.0001")])  # type: ignore[arg-type]
    other = assemble([Wanted("a", Trend)], (fine, [smooth], []), terms())
    other.go()
    assert [(fill.ts, fill.side) for fill in run_fills(raw)] == [(fill.ts, fill.side) for fill in run_fills(other)]
    assert len(run_fills(raw)) > 100
    equity = [run.engine.state.portfolio.equity for run in (raw, other)]
    assert equity[0] == pytest.approx(equity[1], rel=0.02)  # whole shares of another price are all that differs


def _splits() -> list[Event]:
    return [event for event in apple().actions if isinstance(event, Split)]


def test_needs_are_in_the_raw_prices_of_their_day_bulk_and_live_alike() -> None:
    """A mean over two days of which one is before the split: (101.25 / 2 + 55.63) / 2 = 53.1275."""
    from argosy.kernels.indicators import sma

    seen: dict[bool, list[float]] = {}
    for bulk in (True, False):
        heard: list[float] = []

        class Reads:
            needs = {"mean": sma(2)}
            own = heard

            def on_bar(self, bar: Bar, book: Any) -> None:
                self.own.append(book.needs(0).mean)

        shown = apple()
        run = assemble([Wanted("a", Reads)], (shown.instruments, [shown.tape], _splits()), terms(), bulk=bulk)
        run.engine.open(run.cash)
        run.replay.run(stop=80)
        seen[bulk] = heard
    assert seen[True][77] == pytest.approx((96.62 + 101.25) / 2, abs=1e-12)
    assert seen[True][78] == pytest.approx((101.25 / 2 + 55.63) / 2, abs=1e-12)
    assert repr(seen[True]) == repr(seen[False])


def test_a_window_is_in_todays_prices() -> None:
    seen: list[list[float]] = []

    class Looks:
        window = 3

        def on_bar(self, bar: Bar, book: Any) -> None:
            seen.append(book.window(0, 3)[:, [0, 3, 4]].ravel().tolist())

    play({"a": Looks}, night(10.0, 12.0, 6.5), events=[split(3, 2.0)])
    assert seen[2] == [5.0, 5.0, 2e6, 6.0, 6.0, 2e6, 6.5, 6.5, 1e6]


# -- fractions: cash in lieu --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "ratio", "become", "lieu"),
    [
        (7, 1.5, 10, 10.0),  # 10.5; half a share at 30 / 1.5 = 20
        (-7, 1.5, -10, -10.0),  # a short pays for the half it no longer owes
        (8, 1.5, 12, 0.0),
        (25, 0.1, 2, 150.0),  # 2.5; half of 300
        (-25, 0.1, -2, -150.0),
        (4, 0.1, 0, 120.0),  # 0.4 of 300: nothing is left but cash
        (10, 2.0, 20, 0.0),
        (3, 7.0, 21, 0.0),
        (10, 1.05, 10, 14.285714),  # 10.5; half of 28.571428…
    ],
)
def test_whole_lots_and_cash_in_lieu(held: int, ratio: float, become: int, lieu: float) -> None:
    stage = holding({"a": held})
    stage.tell(Split, 0, ratio)
    portfolio = stage.state.portfolio
    assert stage.lots("a") == portfolio.lots[0] == become
    assert portfolio.cash[0] == (100_000 - held * 30) * USD + round(lieu * USD)
    assert abs(portfolio.equity - 100_000 * USD) <= 1  # a third of a unit is nobody's
    portfolio.check()


def holding(want: dict[str, int], price: float = 30.0) -> Stage:
    """A stage on which each strategy bought what it wants at a price."""
    stage = Stage({name: {0: Target(0, lots=held)} for name, held in want.items()})
    stage.buy(stage.bar(price), price)
    return stage


def test_cash_in_lieu_is_paid_at_the_price_that_is_said() -> None:
    stage = holding({"a": 7})
    stage.tell(Split, 0, 1.5, 19.0)
    assert stage.state.portfolio.cash[0] == (100_000 - 210) * USD + 9_500_000


def test_what_two_strategies_hold_becomes_what_the_account_holds() -> None:
    """3 and 5 are 4.5 and 7.5, the account's 8 are 12: the odd lot goes to the first by id, who pays the other for its half."""
    stage = holding({"a": 3, "b": 5})
    stage.tell(Split, 0, 1.5)
    assert (stage.lots("a"), stage.lots("b"), stage.state.portfolio.lots[0]) == (5, 7, 12)
    books = stage.state.portfolio.books
    assert [books[name].cash[0] for name in ("a", "b", "")] == [(50_000 - 90 - 10) * USD, (50_000 - 150 + 10) * USD, 0]
    assert stage.state.portfolio.cash[0] == (100_000 - 240) * USD


def test_strategies_that_hold_against_each_other_split_too() -> None:
    """3 and -5 are 4.5 and -7.5; the account's -2 are -3. Nobody gains."""
    stage = holding({"a": 3, "b": -5})
    stage.tell(Split, 0, 1.5)
    portfolio = stage.state.portfolio
    assert portfolio.lots[0] == -3 == sum(book.lots[0] for book in portfolio.books.values())
    assert [portfolio.equity_of(name) for name in ("a", "b", "")] == [50_000 * USD, 50_000 * USD, 0]
    portfolio.check()


def test_average_cost_goes_with_the_lots() -> None:
    """7 at 30 cost 210; 10 are left after 10.00 in lieu of the half: they cost 200, and sold at 25 gain 50."""
    run = play({"a": {0: Target(0, lots=7), 3: Target(0, lots=0)}}, night(30.0, 30.0, 20.0, 25.0), events=[split(3, 1.5)])
    book = run.engine.state.portfolio.books["a"]
    assert fills(run)[-1] == (4, -10, 25.0)
    assert (book.lots[0], book.cost[0], book.realised[0]) == (0, 0, 50 * USD)


def test_a_split_of_a_standing_target_asks_for_no_order() -> None:
    plan: dict[int, Any] = {k: Target(0, lots=10) for k in range(6)}
    run = play({"a": plan}, night(30.0, 30.0, 15.0, 15.0, 15.0, 15.0), events=[split(3, 2.0)])
    assert lots(run, "a") == 20
    assert len(orders(run)) == 1


def test_a_resting_entry_is_rescaled_and_fills_for_the_new_lots() -> None:
    plan = {0: Target(0, lots=10, limit=28.0, tif=Tif.GTC)}
    run = play({"a": plan}, night(30.0, 30.0, 15.0, (15.0, 15.0, 13.9, 14.0), 14.0), events=[split(3, 2.0)])
    assert fills(run) == [(5, 20, 14.0)]


@pytest.mark.parametrize(("ratio", "left"), [(2.0, (14, 6)), (1.5, (10, 5)), (0.5, (3, 2))])
def test_a_partly_filled_order_is_rescaled_in_both_its_parts(ratio: float, left: tuple[int, int]) -> None:
    """7 of which 4 still lack… at 2:1 14 and 6 done; at 3:2 10 (10.5) and 4 done (4.5); at 1:2 3 (3.5) and 1 done (1.5)."""
    stage = Stage({"a": {0: Target(0, lots=7, limit=28.0, tif=Tif.GTC)}})
    (order,) = stage.accept(stage.bar(30.0))
    stage.fill(order.id, 3, 28.0)
    stage.tell(Split, 0, ratio)
    ticket = stage.state.blotter.tickets[order.id]
    assert (ticket.order.lots, ticket.cum) == (left[0], int(3 * ratio))
    assert ticket.order.limit == 28.0 / ratio
    assert sum(share.lots for share in ticket.order.shares) == left[0]
    stage.state.portfolio.check()


@pytest.mark.parametrize(("ratio", "rows"), [(2.0, (14.2, 13.0)), (0.5, (57.0, 55.0)), (1.5, (19.0, 18.0))])
def test_engine_and_venue_agree_on_a_partly_filled_order_after_a_split(ratio: float, rows: tuple[float, float]) -> None:
    """A cap of 3 lots a bar fills 3 of 7, then the split; the venue fills what is left and the engine knows no lot more."""
    plan = {0: Target(0, lots=7, limit=28.0, tif=Tif.GTC)}
    table = Instruments([Instrument(symbol="S0")])
    bars = night(30.0, (28.0, 28.0, 27.0, 28.0), rows[0], (rows[1], rows[1], rows[1] - 1.0, rows[1]), rows[1], rows[1], rows[1], rows[1], rows[1])
    run = wire({"a": plan}, bars, events=[split(3, ratio)], table=table, participation_frac=3e-6)
    run.go()
    state = run.engine.state
    assert not state.blotter.open[0], "the venue ended the order and the engine still waits"
    assert state.portfolio.lots[0] == run.market.lots(0)
    assert fills(run)[0] == (1, 3, 28.0)


def test_a_trailing_distance_is_a_price_and_a_trailing_fraction_is_none() -> None:
    for protection, after in ((Protection(trail=4.0), 2.0), (Protection(trail=0.1, trail_frac=True), 0.1)):
        run = play({"a": {0: Target(0, lots=10, protection=protection)}}, night(30.0, 30.0, 15.0), events=[split(3, 2.0)])
        (ticket,) = run.engine.state.blotter.open[0].values()
        assert (ticket.order.trail, ticket.order.lots) == (after, 20)


def test_legs_that_still_wait_for_their_entry_are_rescaled() -> None:
    plan = {0: Target(0, lots=10, limit=28.0, tif=Tif.GTC, protection=Protection(stop=26.0, take=32.0))}
    rows = night(30.0, 30.0, 15.0, (15.0, 15.0, 13.9, 14.5), (14.5, 16.5, 14.5, 16.4))
    run = play({"a": plan}, rows, events=[split(3, 2.0)])
    assert fills(run) == [(5, 20, 14.0), (6, -20, 16.0)]


def test_prices_of_a_step_and_its_scaled_state_follow_the_split() -> None:
    """The step wrote its stop once, at 27.00; after the split it stands at 13.50 and its own memory of the entry at 15.00."""
    import msgspec

    class Entry(msgspec.Struct):
        price: float = 0.0

    class Steps:
        unit = "lots"
        state = Entry
        scaled = ("price",)

        @staticmethod
        def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
            if not state.price:
                state.price = row.close
                out.target, out.stop = 10.0, row.close * 0.9

    run = play({"a": Steps}, night(30.0, 30.0, 15.0, 15.0), events=[split(3, 2.0)])
    cell = run.engine.slot("a").cells[0]
    assert (cell.state.price, cell.out.stop, cell.out.target) == (15.0, 13.5, 10.0)
    assert resting(run) == [("stop", -20, 13.5)]
    assert len(orders(run)) == 2  # the entry and its leg


# -- dividends, funding, borrow -----------------------------------------------------------------------------------------


def test_a_dividend_is_cash_and_shorts_pay_it() -> None:
    """0.50 a share on +10 and -4: a receives 5.00, b pays 2.00, the account of 6 receives 3.00."""
    event = Dividend(before(2), before(2), 0, 0.5, "USD")
    run = play({"a": {0: Target(0, lots=10)}, "b": {0: Target(0, lots=-4)}}, [30.0, 30.0, 29.5], events=[event])
    assert (dollars(run, "a"), dollars(run, "b")) == (50_000 - 300 + 5.0, 50_000 + 120 - 2.0)
    assert run.engine.state.portfolio.cash[0] == (100_000 - 180 + 3) * USD


def test_who_sells_at_the_open_of_the_ex_date_has_the_dividend_and_who_buys_there_has_not() -> None:
    event = Dividend(before(3), before(3), 0, 0.5, "USD")
    run = play({"a": {0: Target(0, lots=10), 2: Target(0, lots=0)}, "b": {2: Target(0, lots=10)}}, [30.0] * 4, events=[event])
    assert (dollars(run, "a"), dollars(run, "b")) == (50_005.0, 49_700.0)


def test_apple_pays_2_65_a_share_on_9_august_2012() -> None:
    class Holds:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            return Target(0, lots=100) if bar.ts == day(3100).ts else None

    run = on_apple(Holds, 3131)
    eve = run.engine.state.portfolio.cash[0]
    run.replay.run(stop=3132)
    assert run.engine.state.portfolio.cash[0] - eve == 265 * USD


def test_a_dividend_is_no_signal_and_no_order() -> None:
    run = play({"a": {0: Target(0, weight=0.5)}}, [30.0, 30.0, 29.5], events=[Dividend(before(2), before(2), 0, 0.5, "USD")])
    assert len(orders(run)) == 1


def test_funding_is_paid_by_longs_and_received_by_shorts() -> None:
    """0.01 % of 10 lots at 30 are 0.03; of 4 short lots 0.012."""
    run = play({"a": {0: Target(0, lots=10)}, "b": {0: Target(0, lots=-4)}}, [30.0, 30.0], events=[Funding(2 * MINUTE, 2 * MINUTE, 0, 1e-4)])
    portfolio = run.engine.state.portfolio
    assert portfolio.books["a"].cash[0] == (50_000 - 300) * USD - 30_000
    assert portfolio.books["b"].cash[0] == (50_000 + 120) * USD + 12_000
    assert portfolio.cash[0] == (100_000 - 180) * USD - 18_000


def test_a_negative_rate_of_funding_pays_the_long() -> None:
    run = play({"a": {0: Target(0, lots=10)}}, [30.0, 30.0], events=[Funding(2 * MINUTE, 2 * MINUTE, 0, -1e-4)])
    assert run.engine.state.portfolio.cash[0] == (100_000 - 300) * USD + 30_000


def test_borrow_is_paid_by_the_accounts_short_and_shared_by_those_who_are_short() -> None:
    """12 short at 30 at 0.1 % cost 0.36: 2:1 between a and b. A cost, so it counts among their fees."""
    plan = {"a": {0: Target(0, lots=-8)}, "b": {0: Target(0, lots=-4)}}
    run = play(plan, [30.0, 30.0], events=[Borrow(2 * MINUTE, 2 * MINUTE, 0, 1e-3)])
    books = run.engine.state.portfolio.books
    assert [books[name].fees[0] for name in "ab"] == [240_000, 120_000]
    assert run.engine.state.portfolio.cash[0] == (100_000 + 360) * USD - 360_000


@pytest.mark.parametrize("other", [8, 12])
def test_an_account_that_is_not_short_borrows_nothing(other: int) -> None:
    plan = {"a": {0: Target(0, lots=-8)}, "b": {0: Target(0, lots=other)}}
    run = play(plan, [30.0, 30.0], events=[Borrow(2 * MINUTE, 2 * MINUTE, 0, 1e-3)])
    assert run.engine.state.portfolio.equity == 100_000 * USD


# -- the end of an instrument -------------------------------------------------------------------------------------------


def test_a_delisting_closes_positions_at_the_final_price_and_ends_orders() -> None:
    plan_a = {0: (Target(0, lots=10, protection=Protection(stop=20.0)), Ladder(0, (Rung("x", BUY, 25.0, 5),)))}
    run = play({"a": plan_a, "b": {0: Target(0, lots=-4)}}, [30.0, 30.0, 30.0], events=[Delist(before(3), before(3), 0, 2.0)])
    portfolio = run.engine.state.portfolio
    assert (portfolio.lots[0], lots(run, "a"), lots(run, "b")) == (0, 0, 0)
    assert (dollars(run, "a"), dollars(run, "b")) == (50_000 - 300 + 20, 50_000 + 120 - 8)
    assert resting(run) == []
    assert portfolio.books["a"].realised[0] == (20 - 300) * USD


def test_after_its_end_nothing_of_an_instrument_is_sent() -> None:
    plan = {0: Target(0, lots=10), 3: Target(0, lots=20), 4: Ladder(0, (Rung("x", SELL, 31.0, 5),))}
    run = play({"a": plan}, [30.0] * 6, events=[Delist(before(3), before(3), 0, 2.0)])
    assert len(orders(run)) == 1
    assert run.engine.state.portfolio.equity == (100_000 - 280) * USD


def test_a_halted_instrument_takes_no_order_until_it_trades_again() -> None:
    events = [Status(before(1), before(1), 0, True, "news"), Status(before(3), before(3), 0, False)]
    run = play({"a": {1: Target(0, lots=10), 4: Target(0, lots=7)}}, [30.0] * 6, events=events)
    assert [verdict.outcome.code for verdict in records(run, Verdict)] == ["HALTED"]
    assert fills(run) == [(5, 7, 30.0)]


def test_a_split_of_what_nobody_holds_only_moves_the_mark() -> None:
    stage = Stage({"a": {}})
    stage.bar(30.0)
    before_cash = stage.state.portfolio.cash[0]
    assert sent(stage.tell(Split, 0, 3.0)) == []
    assert stage.state.portfolio.marks[0] == 10.0
    assert (stage.state.portfolio.cash[0], stage.state.factor) == (before_cash, [3.0])
    assert np.isnan(stage.state.quotes[0]).all()
