"""Laws of tax lots under random trading: what all methods earn is what the account earned, to the unit of money."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from time import process_time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.events import Fill, Split
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import Share
from argosy.core.time import DAY
from argosy.engine.portfolio import Portfolio
from argosy.kernels import ledger
from argosy.lab.result import FILL_COLUMNS, Result
from argosy.lab.taxes import METHODS, Account, reckon
from argosy.lab.trades import Ratio
from argosy.lab.verdict import conclude
from tests.lab.conftest import START

DEALS = st.lists(
    st.tuples(
        st.sampled_from([1, -1]), st.integers(1, 40), st.integers(1_00, 200_00), st.sampled_from([0, 0, 123_457, 1]), st.integers(0, 40),
        st.sampled_from([0.0] * 8 + [2.0, 1.5, 0.5, 0.1, 3.0]),
    ),
    min_size=1, max_size=25,
)  # fmt: skip
"""Side, lots, price in cents, fee in units, days since the one before, the ratio of a split before it (0 is none)."""


def traded(deals: list[tuple[int, int, int, int, int, float]], *, flat: bool) -> tuple[Result, Portfolio]:
    """The same trading in a portfolio and in a result; `flat` closes what is open at the end."""
    table = Instruments([Instrument(id=0, symbol="A")])
    portfolio = Portfolio(table, strategies=("s",))
    splits: list[Ratio] = []
    rows: list[tuple[object, ...]] = []
    at = START

    def book(side: int, lots: int, price: float, fee: int) -> None:
        notional = side * ledger.notional.py(lots, price, table[0].scale)
        made = Fill(at, at, 0, 1, f"x{len(rows)}", side, lots, price, notional, fee)
        portfolio.fill(made, [Share("s", lots)])
        rows.append((at, at, "A", "s", 1, made.execution, side, lots, float(lots), price, notional, fee, False, "", ""))

    for side, lots, cents, fee, days, ratio in deals:
        at += max(days, 1 if ratio else 0) * DAY  # a split is before all fills of its own time
        if ratio:
            portfolio.split(Split(at, at, 0, ratio, cents / 200.0))
            splits.append(Ratio(at, "A", ratio, cents / 200.0))
        book(side, lots, cents / 100.0, fee)
    if flat and portfolio.lots[0]:
        at += DAY
        book(-1 if portfolio.lots[0] > 0 else 1, abs(portfolio.lots[0]), 77.77, 1_001)
    columns = {name: [row[k] for row in rows] for k, name in enumerate(FILL_COLUMNS)}
    result = conclude(
        name="t", strategies=["s"], symbols=["A"], currency="USD", cash=0, known=np.array([START, at + DAY]), equity=np.zeros(2, np.int64),
        benchmark=np.zeros(2), fills=columns, splits=splits,
    )  # fmt: skip
    return result, portfolio


@settings(deadline=None, max_examples=60)
@given(DEALS, st.booleans())
def test_every_method_earns_what_the_account_earned(deals: list[tuple[int, int, int, int, int, float]], wash: bool) -> None:
    result, portfolio = traded(deals, flat=False)
    for method in METHODS:
        made = reckon(result, method, wash=wash)
        assert made.gain - made.open_cost == portfolio.cash[0], "what was earned, less what is tied up, is the cash"
        assert made.taxable == made.gain + made.deferred, "losses not allowed are in the lots that are held, and nowhere else"
        held = sum((lot.side * lot.size for lot in made.held.get("A", [])), Fraction(0))
        assert held == portfolio.lots[0]
        assert all(lot.size > 0 for lot in made.held.get("A", []))


@settings(deadline=None, max_examples=60)
@given(DEALS)
def test_of_an_account_that_is_flat_every_method_says_the_same(deals: list[tuple[int, int, int, int, int, float]]) -> None:
    result, portfolio = traded(deals, flat=True)
    book = portfolio.books["s"]
    for method in METHODS:
        made = reckon(result, method)
        assert made.gain == made.taxable == portfolio.cash[0] == book.realised[0] - book.fees[0]
        assert made.held == {} and made.open_cost == made.deferred == 0


@settings(deadline=None, max_examples=60)
@given(DEALS)
def test_average_cost_is_the_ledger_s_realised_profit_at_any_time(deals: list[tuple[int, int, int, int, int, float]]) -> None:
    result, portfolio = traded([(*deal[:3], 0, deal[4], 0.0) for deal in deals], flat=False)
    assert reckon(result, "average", wash=False).gain == portfolio.books["s"].realised[0]


@settings(deadline=None, max_examples=60)
@given(DEALS)
def test_first_bought_is_first_sold_and_dearest_pays_least(deals: list[tuple[int, int, int, int, int, float]]) -> None:
    result, _ = traded([(*deal[:5], 0.0) for deal in deals], flat=False)
    fifo, lifo = (reckon(result, method, wash=False) for method in ("fifo", "lifo"))
    for made, ascending in ((fifo, True), (lifo, False)):
        for ns in {sale.ns for sale in made.sales}:
            days = [sale.opened for sale in made.sales if sale.ns == ns]
            assert len(days) == 1 or days == sorted(days, reverse=not ascending) or len({sale.side for sale in made.sales if sale.ns == ns}) == 2
    hifo = reckon(result, "hifo", wash=False)
    if sum(deal[0] * deal[1] for deal in deals) and len({deal[0] for deal in deals[:-1]}) == 1:  # one sale, at the end: no later choice
        assert hifo.gain <= min(fifo.gain, lifo.gain) + len(deals)


@settings(deadline=None, max_examples=60)
@given(DEALS)
def test_no_loss_is_disallowed_without_its_replacement(deals: list[tuple[int, int, int, int, int, float]]) -> None:
    """By each sale: only losses, no more than the loss, and only where the same side was opened within 30 days of it."""
    result, _ = traded([(*deal[:5], 0.0) for deal in deals], flat=False)
    for method in METHODS:
        made: Account = reckon(result, method)
        opened: list[tuple[object, int, Fraction]] = []
        position = 0
        for side, lots, known in zip(*[result.fills[name].to_list() for name in ("side", "lots", "ts")], strict=True):
            fresh = lots if position * side >= 0 else max(0, lots - abs(position))
            position += side * lots
            if fresh:
                opened.append((made_day(known), side, Fraction(fresh)))
        for sale in made.sales:
            loss = max(0, sale.deferred - sale.gain)
            assert 0 <= sale.disallowed <= loss and sale.replaced <= sale.size
            assert (sale.disallowed == loss) or sale.replaced < sale.size
            near = sum((size for day, side, size in opened if side == sale.side and abs(day - sale.sold) <= timedelta(days=30)), Fraction(0))
            assert sale.replaced <= near
        assert sum(sale.replaced for sale in made.sales) <= sum(size for _, _, size in opened), "a share replaces once"


def made_day(ns: int):
    from argosy.lab.taxes import trade_date
    from argosy.lab.taxes.term import zone

    return trade_date(ns, zone("UTC"))


def test_a_sale_costs_the_same_however_many_lots_are_open() -> None:
    """Lots are taken from the ends: no method looks through all that are open for each that is sold (that would be 16 times the time)."""

    def seconds(count: int) -> float:
        deals = [(1, 2, 100_00 + (k * 7919) % 5_000, 1, 1 if k % 50 == 0 else 0, 0.0) for k in range(count)]
        result, portfolio = traded([*deals, *[(-1, 1, 120_00, 1, 0, 0.0)] * count], flat=False)
        begun = process_time()
        made = reckon(result, "fifo")
        took = process_time() - begun
        assert made.gain - made.open_cost == portfolio.cash[0] and len(made.sales) == count
        return took

    seconds(100)
    assert seconds(4_000) < 10.0 * seconds(1_000)
