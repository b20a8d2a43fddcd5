"""HEART §6: an account long, short, on margin and in several currencies, to the unit; what cannot be counted is refused by a code."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from argosy.core.errors import Broken
from argosy.core.events import Account, Adjust, CashFlow, Fill
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.time import MINUTE
from argosy.engine.journal import Verdict
from argosy.engine.portfolio import Fx
from tests.walks.hand import USD, Stage, fills, lots, play, records, sent

COIN = 100_000_000


# -- long and short -----------------------------------------------------------------------------------------------------


def test_a_long_is_cash_for_lots() -> None:
    """10 at 10.00, marked at 12.00, sold at 11.00."""
    run = play({"a": {0: Target(0, lots=10), 2: Target(0, lots=0)}}, [10.0, 10.0, 12.0])
    portfolio = run.engine.state.portfolio
    assert (portfolio.cash[0], portfolio.worth[0], portfolio.equity) == (99_900 * USD, 120 * USD, 100_020 * USD)
    run = play({"a": {0: Target(0, lots=10), 2: Target(0, lots=0)}}, [10.0, 10.0, 12.0, 11.0])
    book = run.engine.state.portfolio.books["a"]
    assert (book.cash[0], book.lots[0], book.cost[0], book.realised[0]) == (100_010 * USD, 0, 0, 10 * USD)


def test_a_short_is_lots_owed_for_cash() -> None:
    """10 sold at 10.00, marked at 12.00: 20 lost; bought back at 9.00: 10 gained."""
    run = play({"a": {0: Target(0, lots=-10), 2: Target(0, lots=0)}}, [10.0, 10.0, 12.0])
    portfolio = run.engine.state.portfolio
    assert (portfolio.cash[0], portfolio.worth[0], portfolio.equity) == (100_100 * USD, -120 * USD, 99_980 * USD)
    run = play({"a": {0: Target(0, lots=-10), 2: Target(0, lots=0)}}, [10.0, 10.0, 12.0, 9.0])
    assert run.engine.state.portfolio.books["a"].realised[0] == 10 * USD
    assert run.engine.state.portfolio.equity == 100_010 * USD


def test_flat_is_exactly_nothing() -> None:
    plan = {0: Target(0, lots=7), 1: Target(0, lots=-3), 2: Target(0, lots=11), 3: Target(0, lots=0)}
    run = play({"a": plan}, [10.01, 10.07, 9.93, 10.11, 10.49, 10.49])
    book = run.engine.state.portfolio.books["a"]
    assert (book.lots[0], book.cost[0], run.engine.state.portfolio.worth[0]) == (0, 0, 0)
    assert book.cash[0] == 100_000 * USD + book.realised[0]


def test_average_cost_goes_in_parts_and_leaves_no_unit_behind() -> None:
    """3 at 10.01 and 4 at 10.02 cost 70.11; 2 sold take 20.031429, 5 the rest."""
    plan = {0: Target(0, lots=3), 1: Target(0, lots=7), 2: Target(0, lots=5), 3: Target(0, lots=0)}
    run = play({"a": plan}, [10.0, 10.01, 10.02, 10.5, 10.6])
    assert [(n, px) for _, n, px in fills(run)] == [(3, 10.01), (4, 10.02), (-2, 10.5), (-5, 10.6)]
    book = run.engine.state.portfolio.books["a"]
    first = 21_000_000 - 20_031_429
    second = 53_000_000 - (70_110_000 - 20_031_429)
    assert (book.cost[0], book.realised[0]) == (0, first + second)


def test_fees_are_in_cash_and_not_in_the_profit_of_closed_lots() -> None:
    run = play({"a": {0: Target(0, lots=1000), 1: Target(0, lots=0)}}, [10.0, 10.0, 11.0], fees="alpaca")
    book = run.engine.state.portfolio.books["a"]
    paid = sum(fill.fee for fill in records(run, Fill))
    assert paid > 0
    assert (book.realised[0], book.fees[0]) == (1000 * USD, paid)
    assert book.cash[0] == 101_000 * USD - paid


# -- margin -------------------------------------------------------------------------------------------------------------

PAYS = {"buying_power": {"use_pct": 100.0}}


@pytest.mark.parametrize(
    ("multiplier", "want", "passes"),
    [(1.0, 10_000, True), (1.0, 10_001, False), (2.0, 20_000, True), (2.0, 20_001, False), (4.0, -40_000, True), (1.0, -10_001, False)],
)
def test_buying_power_is_equity_times_the_multiplier(multiplier: float, want: int, passes: bool) -> None:
    """100,000 at 10.00; a short needs as much as a long."""
    stage = Stage({"a": {0: Target(0, lots=want)}}, multiplier=multiplier, limits=PAYS)
    assert bool(sent(stage.bar(10.0))) == passes
    assert stage.state.counters.refusals == ({} if passes else {"BUYING_POWER": 1})


def test_open_orders_are_reserved_and_their_end_gives_it_back() -> None:
    """A limit order for 60,000 leaves 40,000; when the venue ends it, all of it is there again."""
    from argosy.core.orders import Work

    plan = {0: Target(0, lots=6_000, limit=10.0), 1: Target(1, lots=5_000), 2: Target(1, lots=5_001)}
    stage = Stage({"a": plan}, instruments=2, limits=PAYS)
    stage.bar(10.0, i=1)
    stage.minute -= 1
    (order,) = stage.accept(stage.bar(10.0))
    assert sent(stage.bar(10.0, i=1)) == []
    assert stage.state.counters.refusals == {"BUYING_POWER": 1}
    stage.update(order.id, Work.CANCELED)
    assert [one.lots for one in sent(stage.bar(10.0, i=1))] == [5_001]


def test_on_margin_cash_is_below_nothing_and_equity_is_not() -> None:
    run = play({"a": {0: Target(0, weight=2.0)}}, [10.0, 10.0, 11.0], multiplier=2.0, limits=PAYS)
    portfolio = run.engine.state.portfolio
    assert (portfolio.lots, portfolio.cash[0], portfolio.equity) == ([20_000], -100_000 * USD, 120_000 * USD)


# -- several currencies -------------------------------------------------------------------------------------------------

TABLE = Instruments([
    Instrument(symbol="SAP", currency="EUR"), Instrument(symbol="EURUSD", kind="fx"), Instrument(symbol="IBM"),
    Instrument(symbol="SONY", currency="JPY", tick=Decimal(1)), Instrument(symbol="USDJPY", kind="fx", currency="USD"),
])  # fmt: skip
RATES = (Fx("EUR", 1, False, 10 * MINUTE), Fx("JPY", 4, True, 10 * MINUTE))


def euro(plan: dict[int, Any], **given: Any) -> Stage:
    return Stage({"a": plan}, table=TABLE, fx=RATES, **given)


def test_equity_is_in_base_at_the_last_known_rate() -> None:
    """100 SAP at 120.00 EUR, bought with euros that are not there: -12,000 EUR, 12,000 EUR worth; then the price moves, then the rate."""
    stage = euro({1: Target(0, lots=100)})
    stage.bar(1.25, i=1)
    stage.buy(stage.bar(120.0), 120.0)
    portfolio = stage.state.portfolio
    eur = portfolio.currency_index("EUR")
    assert (portfolio.cash[0], portfolio.cash[eur], portfolio.worth[eur]) == (100_000 * USD, -12_000 * USD, 12_000 * USD)
    assert portfolio.equity == 100_000 * USD
    stage.bar(130.0)
    assert portfolio.equity == (100_000 + 1_250) * USD  # 1,000 EUR
    stage.bar(1.3, i=1)
    assert portfolio.equity == (100_000 + 1_300) * USD


def test_nothing_is_converted_by_itself() -> None:
    stage = euro({1: Target(0, lots=100), 3: Target(0, lots=0)})
    stage.bar(1.25, i=1)
    stage.buy(stage.bar(120.0), 120.0)
    stage.bar(1.3, i=1)
    stage.buy(stage.bar(125.0), 125.0)
    portfolio = stage.state.portfolio
    assert (portfolio.cash[0], portfolio.cash[portfolio.currency_index("EUR")]) == (100_000 * USD, 500 * USD)


def test_a_rate_may_be_quoted_the_other_way_round() -> None:
    """30 SONY at 2,000 JPY is 60,000 JPY; at 150 JPY a dollar that is 400.00 of worth, and -400.00 of cash."""
    stage = euro({1: Target(3, lots=30)})
    stage.bar(150.0, i=4)
    stage.buy(stage.bar(2_000.0, i=3), 2_000.0)
    portfolio = stage.state.portfolio
    assert portfolio.to_base(portfolio.worth[portfolio.currency_index("JPY")], portfolio.currency_index("JPY")) == 400 * USD
    stage.bar(2_100.0, i=3)  # 3,000 JPY
    assert portfolio.equity == 100_020 * USD


def test_a_weight_is_of_base_equity_at_the_rate() -> None:
    """Half of 100,000 USD are 40,000 EUR at 1.25: 333.33 shares at 120.00."""
    stage = euro({1: Target(0, weight=0.5)})
    stage.bar(1.25, i=1)
    assert [order.lots for order in sent(stage.bar(120.0))] == [333]


def test_a_notional_is_of_the_instruments_own_currency() -> None:
    stage = euro({1: Target(0, notional=6_000.0)})
    stage.bar(1.25, i=1)
    assert [order.lots for order in sent(stage.bar(120.0))] == [50]


def test_without_a_rate_nothing_is_bought_in_that_currency() -> None:
    stage = euro({0: Target(0, lots=100), 1: Target(2, lots=100)})
    assert sent(stage.bar(120.0)) == []
    assert stage.state.counters.refusals == {"FX_STALE": 1}
    assert [order.instrument for order in sent(stage.bar(100.0, i=2))] == [2]


def test_with_a_stale_rate_neither_and_a_fresh_one_mends_it() -> None:
    stage = euro({0: Target(0, lots=50), 12: Target(0, lots=60), 14: Target(0, lots=70)})
    stage.minute = -2
    stage.bar(1.25, i=1)
    stage.buy(stage.bar(120.0), 120.0)
    stage.minute = 11
    assert sent(stage.bar(120.0)) == []  # the rate is 13 minutes old, 10 are allowed
    assert stage.state.counters.refusals == {"FX_STALE": 1}
    stage.bar(1.26, i=1)
    assert [order.lots for order in sent(stage.bar(120.0))] == [20]


def test_an_exit_needs_no_rate() -> None:
    stage = euro({0: Target(0, lots=50), 12: Target(0, lots=0)})
    stage.minute = -2
    stage.bar(1.25, i=1)
    stage.buy(stage.bar(120.0), 120.0)
    stage.minute = 11
    assert [order.side * order.lots for order in sent(stage.bar(120.0))] == [-50]


def test_a_weight_without_a_rate_is_refused_by_the_code() -> None:
    stage = euro({0: Target(0, weight=0.5)})
    assert sent(stage.bar(120.0)) == []
    assert stage.state.counters.refusals == {"FX_STALE": 1}


def test_a_deposit_in_another_currency_is_cash_of_that_currency() -> None:
    stage = euro({})
    stage.bar(1.25, i=1)
    before = (stage.state.peak, stage.state.day_start)
    stage.tell(CashFlow, "EUR", 8_000 * USD, "a")
    portfolio = stage.state.portfolio
    assert portfolio.cash[portfolio.currency_index("EUR")] == 8_000 * USD
    assert portfolio.equity == 110_000 * USD
    assert (stage.state.peak, stage.state.day_start) == (before[0] + 10_000 * USD, before[1] + 10_000 * USD)
    portfolio.check()


def test_a_currency_that_the_run_does_not_know_is_broken() -> None:
    with pytest.raises(Broken, match="CURRENCY_UNKNOWN"):
        euro({}).tell(CashFlow, "CHF", 1)


def test_fold_is_state_when_a_rate_moves_what_is_held_in_its_currency() -> None:
    """The rate's own bar moves equity though nobody holds the pair: the peak is that of the fold, or the journal lies."""
    stage = euro({1: Target(0, lots=100)})
    stage.bar(1.25, i=1)
    stage.buy(stage.bar(120.0), 120.0)
    stage.bar(130.0)
    stage.bar(1.5, i=1)
    stage.bar(1.25, i=1)
    stage.engine.close()
    assert stage.fold() == stage.state.hash


# -- numbers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lots", "price", "units"),
    [(1, 50.0, 0), (3, 50.0, 2), (5, 50.0, 2), (7, 50.0, 4), (-1, 50.0, 0), (-3, 50.0, -2), (-5, 50.0, -2), (3, 100.0, 3)],
)
def test_money_is_rounded_half_to_even_and_once(lots: int, price: float, units: int) -> None:
    """One lot is 1e-8 coin; at 50.00 it is half a millionth of a dollar."""
    table = Instruments([Instrument(symbol="BTC", kind="crypto", lot=Decimal("1e-8"))])
    run = play({"a": {0: Target(0, lots=lots)}}, [price, price], table=table)
    assert [fill.notional for fill in records(run, Fill)] == [units]
    assert run.engine.state.portfolio.cash[0] == 100_000 * USD - units


def test_a_billionth_of_a_share_is_a_lot() -> None:
    """A tenth of 100,000 at 187.31 is 53.387432598... shares, in billionths toward zero."""
    table = Instruments([Instrument(symbol="AAPL", lot=Decimal("1e-9"))])
    run = play({"a": {0: Target(0, weight=0.1)}}, [187.31, 187.31], table=table)
    assert lots(run, "a") == int(10_000 / Decimal("187.31") * 10**9)


def test_coins_are_counted_in_hundred_millionths() -> None:
    """An account in BTC: 1 coin buys 20 ETH at 0.05, and what is left is nothing."""
    table = Instruments([Instrument(symbol="ETH", kind="crypto", currency="BTC", lot=Decimal("1e-8"))])
    run = play({"a": {0: Target(0, weight=1.0)}}, [0.05, 0.05], table=table, cash=1.0, currency="BTC")
    assert lots(run, "a") == 20 * COIN
    assert run.engine.state.portfolio.cash == [0]


@pytest.mark.parametrize("want", [1 << 60, (1 << 61) + 7])
def test_an_order_whose_worth_cannot_be_booked_is_refused_by_a_code(want: int) -> None:
    stage = Stage({"a": {0: Target(0, lots=want)}})
    assert sent(stage.bar(10.0)) == []
    assert [record.outcome.code for _, record in stage.engine.journal.records() if isinstance(record, Verdict)] == ["OVERFLOW"]


def test_a_multiplier_is_in_every_amount() -> None:
    """One contract of 100: bought at 2.50 it costs 250.00."""
    table = Instruments([Instrument(symbol="OPT", kind="option", multiplier=Decimal(100))])
    run = play({"a": {0: Target(0, lots=3)}}, [2.5, 2.5, 3.0], table=table)
    assert run.engine.state.portfolio.cash[0] == (100_000 - 750) * USD
    assert run.engine.state.portfolio.equity == 100_150 * USD


# -- what the venue counts ----------------------------------------------------------------------------------------------


def test_the_venues_count_is_evidence_and_changes_no_book() -> None:
    stage = Stage({"a": {0: Target(0, lots=10)}})
    stage.buy(stage.bar(10.0), 10.0)
    before = stage.state.portfolio.snapshot()
    stage.tell(Account, "USD", 5, 5, 5, {0: 99})
    assert stage.state.portfolio.snapshot() == before


def test_a_difference_is_booked_as_an_adjustment_with_its_cause() -> None:
    """3 more are there than we knew, at 10.00; and 1.50 less cash. Both are the house's unless it says whose."""
    stage = Stage({"a": {0: Target(0, lots=10)}})
    stage.buy(stage.bar(10.0), 10.0)
    stage.tell(Adjust, 0, 3, 10.0, -1_500_000, "USD", "RECONCILE")
    stage.tell(Adjust, 0, -2, 10.0, 0, "USD", "RECONCILE", "a")
    portfolio = stage.state.portfolio
    assert (portfolio.lots[0], stage.lots("a"), stage.lots("")) == (11, 8, 3)
    assert portfolio.cash[0] == (100_000 - 100) * USD - 1_500_000
    assert portfolio.books[""].cash[0] == -1_500_000
    portfolio.check()
    causes = [record.cause for _, record in stage.engine.journal.records() if isinstance(record, Adjust)]
    assert causes == ["RECONCILE", "RECONCILE"]
