"""Tax lots against examples worked on paper, and against the tax office's own; days are calendar days."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from argosy.core.errors import Misuse
from argosy.core.instrument import Instruments
from argosy.core.intents import Target
from argosy.core.time import DAY, HOUR, parse
from argosy.house import Wanted
from argosy.lab.backtest import run as walked
from argosy.lab.result import Result
from argosy.lab.taxes import HEADS, Book, Sale, is_long, reckon, rows, sums, trade_date, write_csv
from argosy.lab.taxes.term import zone
from argosy.lab.trades import Ratio
from argosy.lab.verdict import conclude, gather
from tests.lab.conftest import START, M, fill, frame
from tests.walks.hand import says, tape, terms
from tests.walks.test_options import STOCK, listed

D0 = date(2024, 1, 1)


def run(*fills: tuple, splits: list[Ratio] | None = None) -> Result:
    last = max([START + 900 * DAY, *[row[0] for row in fills]])
    return conclude(
        name="t", strategies=["s"], symbols=["A"], currency="USD", cash=0, known=np.array([START, last]), equity=np.zeros(2, np.int64),
        benchmark=np.zeros(2), fills=frame(*fills), splits=splits or [],
    )  # fmt: skip


def dollars(*units: int) -> tuple[float, ...]:
    return tuple(value / M for value in units)


def seen(sale: Sale) -> tuple[float, ...]:
    """Lots, proceeds, cost and gain in dollars."""
    return (float(sale.size), *dollars(sale.proceeds, sale.cost, sale.gain))


THREE = (fill(0, "A", 1, 100, 10.0, 1.0), fill(10, "A", 1, 100, 12.0), fill(20, "A", 1, 100, 11.0))
METHODS = [
    ("fifo", [(100.0, 1498.0, 1001.0, 497.0), (50.0, 749.0, 600.0, 149.0)]),
    ("lifo", [(100.0, 1498.0, 1100.0, 398.0), (50.0, 749.0, 600.0, 149.0)]),
    ("hifo", [(100.0, 1498.0, 1200.0, 298.0), (50.0, 749.0, 550.0, 199.0)]),
    ("average", [(100.0, 1498.0, 1100 + 1 / 3, 397 + 2 / 3), (50.0, 749.0, 550 + 1 / 6, 198 + 5 / 6)]),
]


@pytest.mark.parametrize(("method", "want"), METHODS, ids=[row[0] for row in METHODS])
def test_each_method_by_hand(method: str, want: list[tuple[float, ...]]) -> None:
    """100 at 10 (fee 1), 100 at 12, 100 at 11; 150 sold at 15 for a fee of 3."""
    made = reckon(run(*THREE, fill(30, "A", -1, 150, 15.0, 3.0)), method)
    assert [seen(sale) for sale in made.sales] == [pytest.approx(row, abs=1e-6) for row in want]
    assert made.gain == sum(sale.proceeds - sale.cost for sale in made.sales)
    assert made.open_cost == 3301 * M - sum(sale.cost for sale in made.sales)
    assert sum(float(lot.size) for lot in made.held["A"]) == 150.0


def test_a_split_that_comes_after_the_run_changes_no_lot() -> None:
    """The run ends with day 900; the split of day 950 is in the list, and is not yet."""
    held = {day: reckon(run(fill(0, "A", 1, 10, 30.0), splits=[Ratio(START + day * DAY, "A", 2.0)])).held["A"] for day in (899, 900, 950)}
    assert {day: float(sum(lot.size for lot in lots)) for day, lots in held.items()} == {899: 20.0, 900: 20.0, 950: 10.0}


def test_a_short_is_opened_by_a_sale_and_its_gain_is_short_term_always() -> None:
    made = reckon(run(fill(0, "A", -1, 10, 50.0, 1.0), fill(500, "A", 1, 4, 40.0, 0.5)))
    (sale,) = made.sales
    assert seen(sale) == (4.0, 199.6, 160.5, pytest.approx(39.1)) and sale.side == -1
    assert (sale.acquired, sale.sold, sale.opened) == (D0 + timedelta(500), D0 + timedelta(500), D0) and not sale.long_term
    assert made.open_cost == round(-299.4 * M), "what was received for the six that are open, less their fee"


def test_least_received_is_dearest_of_shorts() -> None:
    made = reckon(run(fill(0, "A", -1, 1, 50.0), fill(1, "A", -1, 1, 40.0), fill(2, "A", 1, 1, 45.0)), "hifo", wash=False)
    assert dollars(made.sales[0].proceeds) == (40.0,)


def test_a_fill_that_crosses_zero_closes_and_opens() -> None:
    made = reckon(run(fill(0, "A", 1, 10, 10.0), fill(1, "A", -1, 30, 11.0, 0.3), fill(2, "A", 1, 20, 9.0)))
    assert [(seen(sale), sale.side) for sale in made.sales] == [
        ((10.0, 109.9, 100.0, pytest.approx(9.9)), 1),
        ((20.0, 219.8, 180.0, pytest.approx(39.8)), -1),
    ]
    assert made.held == {} and made.open_cost == 0


def test_splits_keep_cost_and_days() -> None:
    split = Ratio(START + 100 * DAY, "A", 2.0)
    made = reckon(run(fill(0, "A", 1, 10, 30.0, 2.0), fill(400, "A", -1, 5, 20.0), splits=[split]))
    (sale,) = made.sales
    assert seen(sale) == (5.0, 100.0, 75.5, 24.5) and sale.acquired == D0 and sale.long_term and sale.quantity == 5.0
    assert [float(lot.size) for lot in made.held["A"]] == [15.0]


def test_a_fraction_of_a_lot_is_sold_for_cash() -> None:
    """3 at 10, three for two: 4.5; half a share is paid at 6. Of 30 it takes a ninth."""
    made = reckon(run(fill(0, "A", 1, 3, 10.0), fill(9, "A", -1, 4, 8.0), splits=[Ratio(START + DAY, "A", 1.5, 6.0)]))
    assert [seen(sale) for sale in made.sales] == [(0.5, 3.0, pytest.approx(10 / 3, abs=1e-6), pytest.approx(-1 / 3, abs=1e-6)),
                                                   (4.0, 32.0, pytest.approx(80 / 3, abs=1e-6), pytest.approx(16 / 3, abs=1e-6))]  # fmt: skip
    assert made.sales[0].lieu and made.gain == 5 * M and made.held == {}
    unpriced = reckon(run(fill(0, "A", 1, 3, 10.0), fill(9, "A", -1, 4, 8.0), splits=[Ratio(START + DAY, "A", 1.5)]))
    assert [seen(sale) for sale in unpriced.sales] == [(4.0, 32.0, 30.0, 2.0)], "without a price its cost stays with the others"
    gone = reckon(run(fill(0, "A", 1, 3, 1.0), splits=[Ratio(START + DAY, "A", 0.1)]))
    assert [seen(sale) for sale in gone.sales] == [(pytest.approx(0.3), 0.0, 3.0, -3.0)] and gone.held == {}


TERMS = [
    ("2023-01-15", "2024-01-15", False), ("2023-01-15", "2024-01-16", True), ("2023-12-31", "2024-12-31", False), ("2023-12-31", "2025-01-01", True),
    ("2023-02-28", "2024-02-29", False), ("2023-02-28", "2024-03-01", True),  # the last day of a month: long from the first of one
    ("2024-02-29", "2025-02-28", False), ("2024-02-29", "2025-03-01", True), ("2024-02-28", "2025-02-28", False), ("2024-02-28", "2025-03-01", True),
    ("2024-05-01", "2024-05-01", False),
]  # fmt: skip


@pytest.mark.parametrize(("bought", "sold", "want"), TERMS)
def test_more_than_a_year_is_counted_in_calendar_days(bought: str, sold: str, want: bool) -> None:
    assert is_long(date.fromisoformat(bought), date.fromisoformat(sold)) is want


def test_days_are_those_of_a_zone() -> None:
    late = parse("2024-01-01T01:30:00")
    assert trade_date(late, zone("UTC")) == date(2024, 1, 1) and trade_date(late, zone("America/New_York")) == date(2023, 12, 31)
    assert trade_date(-1, zone("UTC")) == date(1969, 12, 31)
    with pytest.raises(Misuse, match="ZONE"):
        zone("Mars/Olympus")


# -- wash sales ----------------------------------------------------------------------------------------------------------


def bought_again(day: int, *more: tuple) -> list[Sale]:
    """100 bought for 1,000 and sold 50 days later for 750; 100 bought again on a day for 800, and sold on day 200 for 900."""
    deals = [fill(0, "A", 1, 100, 10.0), fill(50, "A", -1, 100, 7.5), fill(day, "A", 1, 100, 8.0), fill(200, "A", -1, 100, 9.0)]
    return reckon(run(*sorted([*deals, *more]))).sales


def test_the_tax_office_s_example() -> None:
    """Publication 550: 100 for 1,000, sold for 750, bought again for 800 within 30 days: no loss of 250, a basis of 1,050."""
    first, second = bought_again(60)
    assert dollars(first.gain, first.disallowed, first.taxable) == (-250.0, 250.0, 0.0)
    assert dollars(second.cost + second.deferred, second.gain, second.deferred, second.taxable) == (1050.0, 100.0, 250.0, -150.0)


def test_the_tax_office_s_example_of_fewer_shares_bought_than_sold() -> None:
    """Publication 550: 100 for 5,000; then 50 for 2,750 and 25 for 1,125; the 100 sold for 4,000 within 30 days of both. Of the loss
    of 1,000 only 250 counts; the 50 have a basis of 3,250, the 25 one of 1,375."""
    made = reckon(run(fill(0, "A", 1, 100, 50.0), fill(88, "A", 1, 50, 55.0), fill(95, "A", 1, 25, 45.0), fill(102, "A", -1, 100, 40.0)))
    (sale,) = made.sales
    assert dollars(sale.gain, sale.disallowed, sale.taxable) == (-1000.0, 750.0, -250.0) and sale.replaced == 75
    assert [dollars(lot.cost + lot.deferred) for lot in made.held["A"]] == [(3250.0,), (1375.0,)]
    assert made.deferred == 750 * M and made.taxable == made.gain + made.deferred


@pytest.mark.parametrize(("day", "washed"), [(50, True), (80, True), (81, False), (19, False), (20, True), (49, True)])
def test_thirty_days_before_and_after_count_and_not_one_more(day: int, washed: bool) -> None:
    sales = bought_again(day)
    assert (sales[0].disallowed > 0) is washed
    assert sum(sale.taxable for sale in sales) == -150 * M, "in the end all of it counts"


def test_days_held_are_carried_into_what_replaces() -> None:
    """Sold at a loss after 300 days and bought again: 100 more days make it long."""
    made = reckon(run(fill(0, "A", 1, 1, 10.0), fill(300, "A", -1, 1, 5.0), fill(310, "A", 1, 1, 5.0), fill(410, "A", -1, 1, 9.0)))
    assert [sale.long_term for sale in made.sales] == [False, True] and made.sales[1].acquired == D0 + timedelta(310)
    plain = reckon(run(fill(0, "A", 1, 1, 10.0), fill(300, "A", -1, 1, 5.0), fill(310, "A", 1, 1, 5.0), fill(410, "A", -1, 1, 9.0)), wash=False)
    assert [sale.long_term for sale in plain.sales] == [False, False] and plain.taxable == plain.gain


def test_what_is_left_of_the_lot_sold_from_replaces_nothing() -> None:
    """Revenue Ruling 56-602. Another lot of those days does."""
    assert reckon(run(fill(0, "A", 1, 10, 10.0), fill(5, "A", -1, 4, 8.0))).sales[0].disallowed == 0
    made = reckon(run(fill(0, "A", 1, 10, 10.0), fill(2, "A", 1, 3, 9.0), fill(5, "A", -1, 4, 8.0)))
    assert dollars(made.sales[0].disallowed) == (6.0,) and made.sales[0].replaced == 3, "three of the four, at 2 a share"


def test_a_share_replaces_once() -> None:
    """Two sales at a loss and one purchase: the older sale takes it; the rest of the younger waits until its days are over."""
    sold = (fill(100, "A", -1, 10, 9.0), fill(105, "A", -1, 10, 9.0))
    made = reckon(run(fill(0, "A", 1, 10, 10.0), fill(40, "A", 1, 10, 11.0), *sold, fill(120, "A", 1, 15, 9.0)))
    assert [(dollars(sale.disallowed), sale.replaced) for sale in made.sales] == [((10.0,), 10), ((10.0,), 5)]
    assert [(float(lot.size), dollars(lot.deferred)) for lot in made.held["A"]] == [(10.0, (10.0,)), (5.0, (10.0,))]


def test_a_loss_goes_on_through_several_sales() -> None:
    """Sold and bought again four times: nothing counts until the last, then all of it does."""
    deals = [fill(0, "A", 1, 1, 100.0)]
    for k in range(1, 5):
        deals += [fill(10 * k, "A", -1, 1, 100.0 - 5 * k), fill(10 * k + 5, "A", 1, 1, 100.0 - 5 * k)]
    made = reckon(run(*deals, fill(300, "A", -1, 1, 80.0)))
    assert [dollars(sale.taxable) for sale in made.sales] == [(0.0,)] * 4 + [(-20.0,)]


def test_shorts_are_washed_by_shorts() -> None:
    made = reckon(run(fill(0, "A", -1, 1, 10.0), fill(5, "A", 1, 1, 12.0), fill(8, "A", -1, 1, 12.0), fill(60, "A", 1, 1, 11.0)))
    assert [dollars(sale.taxable) for sale in made.sales] == [(0.0,), (-1.0,)]
    longs = reckon(run(fill(0, "A", 1, 1, 10.0), fill(5, "A", -1, 1, 8.0), fill(8, "A", -1, 1, 8.0)))
    assert longs.sales[0].disallowed == 0, "a short replaces no long"


# -- a run ---------------------------------------------------------------------------------------------------------------


def test_an_account_has_one_book_for_all_its_strategies() -> None:
    """x buys, y sells: the account sold what it had. What they trade with each other it never traded."""
    shared = (fill(0, "A", 1, 6, 10.0, 0.6, "x"), fill(0, "A", 1, 4, 10.0, 0.4, "y"))
    both = [(*row[:5], "one", *row[6:]) for row in shared]
    between = (fill(3, "A", side, 2, 11.0, 0.0, name) for side, name in ((1, "x"), (-1, "y")))
    crossed = [(*row[:5], "cross", *row[6:]) for row in between]
    made = reckon(run(*both, *crossed, fill(5, "A", -1, 10, 12.0, 0.0, "y")))
    assert [seen(sale) for sale in made.sales] == [(10.0, 120.0, 101.0, 19.0)]


def test_a_wrong_method_is_refused() -> None:
    with pytest.raises(Misuse, match="TAX_METHOD"):
        reckon(run(), "cheapest")
    with pytest.raises(Misuse, match="TAX_METHOD"):
        Book("A", "cheapest")
    assert reckon(run()).sales == [] and reckon(run()).gain == 0


YEARS = (fill(0, "A", 1, 100, 10.0, 0.333), fill(20, "A", -1, 50, 9.0), fill(30, "A", 1, 10, 9.0), fill(400, "A", -1, 30, 15.0))


def test_a_year_in_the_columns_of_the_form(tmp_path: Path) -> None:
    account = reckon(run(*YEARS))
    made = rows(account, 2024)
    assert [row["Date sold or disposed of"] for row in made] == ["2024-01-21"] and len(rows(account)) == 2 and rows(account, 2023) == []
    (row,) = made
    assert list(row) == list(HEADS)
    want = {"Description of property": "50 A", "Date acquired": "2024-01-01", "Proceeds": Decimal("450.00"), "Cost or other basis": Decimal("500.17"),
            "Code": "W", "Amount of adjustment": Decimal("10.03"), "Gain or loss": Decimal("-40.14"), "Term": "short"}  # fmt: skip
    assert {name: row[name] for name in want} == want
    (later,) = rows(account, 2025)
    assert (later["Term"], later["Code"], later["Cost or other basis"]) == ("long", "", Decimal("300.10"))
    told = sums(rows(account))
    assert (told["short"]["sales"], told["long"]["sales"], told["all"]["sales"], told["all"]["washed"]) == (1, 1, 2, 1)
    assert told["all"]["gain"] == told["all"]["proceeds"] - told["all"]["basis"] + told["all"]["adjustment"]
    with write_csv(rows(account), tmp_path / "deep" / "sales.csv").open(newline="") as file:
        back = list(csv.DictReader(file))
    assert [row["Gain or loss"] for row in back] == ["-40.14", str(later["Gain or loss"])] and list(back[0]) == list(HEADS)


def test_rows_of_a_short_and_of_cash_in_lieu_say_so() -> None:
    short = rows(reckon(run(fill(0, "A", -1, 1, 10.0), fill(5, "A", 1, 1, 9.0))))
    assert (short[0]["Description of property"], short[0]["Side"], short[0]["Opened"]) == ("1 A (short)", "short", "2024-01-01")
    lieu = rows(reckon(run(fill(0, "A", 1, 3, 10.0), splits=[Ratio(START + DAY, "A", 1.5, 6.0)])))
    assert lieu[0]["Description of property"] == "0.5 A (cash in lieu)" and lieu[0]["Quantity"] == "0.5"


@pytest.fixture
def shell():
    from argosy.cli.taxes import taxes

    app = typer.Typer()
    app.command()(taxes)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_prints_sums_and_sales(shell, tmp_path: Path) -> None:
    folder = run(*YEARS).save(tmp_path / "run")
    shown = shell(folder)
    assert shown.exit_code == 0, shown.output
    for text in ("up to a year", "over a year", "50 A", "$10.03", "no tax advice", "still held"):
        assert text in shown.output
    assert "Nothing was sold in 1999." in shell(folder, "--year", 1999).output
    assert "the last 1 of 2 sales" in shell(folder, "--last", 1).output


def test_the_command_speaks_json_and_csv(shell, tmp_path: Path) -> None:
    folder = run(*YEARS).save(tmp_path / "run")
    sheet = tmp_path / "2024.csv"
    shown = shell(folder, "--year", 2024, "--method", "lifo", "--csv", sheet, "--json", "--no-wash")
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert (told["method"], told["wash"], told["sums"]["all"]["gain"]) == ("lifo", False, "-50.17") and "no tax advice" in told["note"]
    assert told["open"]["lots"] == 1 and len(told["sales"]) == 1
    assert sheet.read_text().splitlines()[0].startswith("Description of property,Date acquired")


def test_a_sheet_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="TAX_PATH"):
        write_csv([], tmp_path)


def test_hours_do_not_make_a_day() -> None:
    """Bought late in one day, sold early a year and a day later by the calendar: long, though fewer hours than that have passed."""
    bought, sold = fill(0, "A", 1, 1, 10.0), fill(367, "A", -1, 1, 11.0)
    bought, sold = (bought[0] + 23 * HOUR, bought[0] + 23 * HOUR, *bought[2:]), (sold[0] + HOUR, sold[0] + HOUR, *sold[2:])
    (sale,) = reckon(run(bought, sold)).sales
    assert (sale.acquired, sale.sold, sale.long_term, sale.size) == (date(2024, 1, 1), date(2025, 1, 2), True, Fraction(1))


# -- options that end ------------------------------------------------------------------------------------------------------


def ended(right: str, last: float, plans: dict[str, dict[int, Target]], settlement: str = "physical") -> Result:
    """An option at 100 over 100 shares costs 5.00 until it ends with minute 3, when the stock is at `last`, and stays."""
    table = Instruments([STOCK, listed("OPT", right, "100", 3, settlement)])
    tapes = [tape([100.0, 100.0, last, last, last, last, last], 0), tape([5.0] * 7, 1)]
    wanted = [Wanted(name, says(plan)) for name, plan in plans.items()]
    conditions = terms(limits={"cover": {"naked": True}}, cash=100_000.0)
    return gather(walked(wanted, (table, tapes, []), conditions, trials=None), "ended")


OPTIONS = [
    # Publication 550: what two of them cost, or brought, 1,000, goes with 200 shares at 100; the sale is that of the shares at `last`
    ("a call that is exercised: its cost is part of the shares'", "call", 2, 120.0, "physical", ("ACME", 1, 24_000.0, 21_000.0)),
    ("a put that is exercised: its cost comes off what the shares brought", "put", 2, 90.0, "physical", ("ACME", -1, 19_000.0, 18_000.0)),
    ("a call that is assigned: what it brought is part of what the shares did", "call", -2, 110.0, "physical", ("ACME", -1, 21_000.0, 22_000.0)),
    ("a put that is assigned: what it brought comes off the shares' cost", "put", -2, 90.0, "physical", ("ACME", 1, 18_000.0, 19_000.0)),
    ("a call settled in cash is a sale of the call", "call", 2, 110.0, "cash", ("OPT", 1, 2_000.0, 1_000.0)),
    ("a written put settled in cash is bought back", "put", -2, 90.0, "cash", ("OPT", -1, 1_000.0, 2_000.0)),
    ("a worthless call is a sale for nothing", "call", 2, 90.0, "physical", ("OPT", 1, 0.0, 1_000.0)),
    ("a worthless written put is bought back for nothing", "put", -2, 110.0, "physical", ("OPT", -1, 1_000.0, 0.0)),
]


@pytest.mark.parametrize("method", ["fifo", "lifo", "hifo", "average"])
@pytest.mark.parametrize(("what", "right", "held", "last", "settlement", "want"), OPTIONS, ids=[row[0] for row in OPTIONS])
def test_how_an_option_ended_decides_whose_gain_it_is(
    what: str, right: str, held: int, last: float, settlement: str, want: tuple[str, int, float, float], method: str, tmp_path: Path
) -> None:
    result = ended(right, last, {"a": {0: Target(1, lots=held), 4: Target(0, lots=0)}}, settlement)
    made = reckon(Result.load(result.save(tmp_path / "run")), method)
    (sale,) = made.sales
    assert (sale.symbol, sale.side, *dollars(sale.proceeds, sale.cost)) == want
    assert made.held == {} and made.gain == int(result.equity[-1]) - 100_000 * M, "the account's own gain, to the unit"


def test_a_delivery_between_books_and_one_to_the_account() -> None:
    """a holds 3, b wrote 1: the account had two, and two are delivered to it; what the third was is between a and b."""
    result = ended("call", 112.0, {"a": {0: Target(1, lots=3)}, "b": {1: Target(1, lots=-1)}})
    made = reckon(result)
    (sale,) = made.sales
    assert (sale.symbol, float(sale.size), sale.gain) == ("OPT", 1.0, 0), "bought at 5 by a, sold at 5 by b"
    (lot,) = made.held["ACME"]
    assert (float(lot.size), dollars(lot.cost)) == (200.0, (21_000.0,)) and list(made.held) == ["ACME"]


def test_a_saved_run_that_does_not_say_what_was_delivered_is_refused() -> None:
    result = ended("call", 120.0, {"a": {0: Target(1, lots=2)}})
    result.options = None
    with pytest.raises(Misuse, match="TAX_OPTIONS"):
        reckon(result)
    assert reckon(run(*YEARS)).sales, "a run without options needs not say"


@pytest.mark.parametrize("method", ["fifo", "lifo", "hifo", "average"])
def test_a_loss_carried_in_an_option_goes_with_it(method: str) -> None:
    """Bought at 10, sold at 6, bought again at 6 and exercised: the loss of 4 is not allowed, and waits in the shares."""
    option, shares = Book("O", method), Book("A", method)
    option.fill(0, D0, 1, 1, 10 * M, 0)
    option.fill(1, D0 + timedelta(5), -1, 1, -6 * M, 0)
    option.fill(2, D0 + timedelta(9), 1, 2, 12 * M, 0)
    assert option.deliver(-2) == (12 * M, 4 * M) and option.position == 0
    shares.fill(3, D0 + timedelta(90), 1, 2, 200 * M + 12 * M, 0, 4 * M)
    shares.fill(4, D0 + timedelta(200), -1, 1, -150 * M, 0)
    shares.settle()
    assert dollars(shares.sales[0].gain, shares.sales[0].taxable) == (44.0, 42.0) and dollars(shares.lots[0].deferred) == (2.0,)
    short = Book("A", method)
    short.fill(3, D0, 1, 1, 90 * M, 0)
    short.fill(4, D0 + timedelta(1), -1, 2, -200 * M + 12 * M, 0, 4 * M)
    short.settle()
    assert dollars(short.sales[0].deferred, short.lots[0].deferred) == (2.0, 2.0)
    with pytest.raises(Misuse, match="TAX_DELIVERY"):
        option.deliver(-1)
