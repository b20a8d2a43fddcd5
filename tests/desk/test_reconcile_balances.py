"""Executions, payments, positions and cash against the venue's, row by row; nothing of another hand is ever a strategy's."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from argosy.core.events import Account, Adjust, CashFlow, Dividend, Fill, Split, Status
from argosy.core.shown import ShownAccount, ShownFill, ShownPayment, ShownPosition
from argosy.core.time import DAY, SECOND
from argosy.desk.balances import ratio_of
from argosy.desk.executions import Executions
from argosy.desk.findings import Policy, Step
from argosy.desk.reconcile import Reconciler
from argosy.engine.state import DRIFT
from tests.desk.test_reconcile_orders import codes
from tests.walks.hand import Stage

NAN = float("nan")
CASH = 100_000_000_000
DRIFTS = ["ask fills", "ask payments", "ask account"]


class Books:
    """Two instruments at 10.00, one strategy with ten lots of the first; `shows` compares at once, with both walks before where asked."""

    def __init__(self, policy: Policy | None = None, held: int = 10, mark: bool = True) -> None:
        self.stage = Stage({"one": {}}, instruments=2)
        if mark:
            self.stage.bar(10.0)
            self.stage.row(self.stage.rows[0].__class__(0, self.stage.now + 1, 1, 10.0, 10.0, 10.0, 10.0, 1.0, 60))
        self.state = self.stage.state
        self.own = Executions(self.stage.engine.instruments)
        self.rec = Reconciler(self.state, self.own, policy=policy)
        self.rec.begin()
        self.it = self.rec.balances
        if held:
            self.take([Step(Adjust(0, self.state.now, 0, held, 10.0, 0, "USD", "given", "one"), "given")])
        self.cash = self.state.portfolio.cash[0]

    @property
    def now(self) -> int:
        return self.state.now + SECOND

    def take(self, found: Any) -> list[Any]:
        done = []
        for one in found:
            done.append(one)
            if isinstance(one, Step):
                admitted = self.rec.admit(one.event)
                if admitted is not None:
                    self.stage.engine.step(admitted)
                    self.rec.heard(admitted, self.rec_when())
        self.state.portfolio.check()
        return done

    def rec_when(self) -> Any:
        from argosy.desk.findings import When

        return When(self.now, 0)

    def walk(self, fills: Sequence[ShownFill] | None = (), payments: Sequence[ShownPayment] | None = ()) -> list[Any]:
        return self.take(self.it.moved(fills, payments, self.now))

    def account(self, cash: int = 0, strange: Any = None, price: float = NAN, **lots: int) -> ShownAccount:
        held = {int(name[1:]): ShownPosition(count, 9.5, price) for name, count in lots.items()}
        return ShownAccount(currency="USD", cash=self.cash + cash, equity=0, power=0, positions=held, strange=strange or {})

    def shows(self, cash: int = 0, asked: int = 10**15, **more: Any) -> list[Any]:
        return self.take(self.it.compared(self.account(cash, **more), asked, self.now))

    def lots(self, strategy: str = "", i: int = 0) -> int:
        return self.stage.lots(strategy, i)


def hand(name: str = "h:4", lots: int = 4, side: int = 1, price: float = 10.0, **more: Any) -> ShownFill:
    return ShownFill(**{
        "name": name, "instrument": 0, "symbol": "S0", "side": side, "lots": lots, "price": price,
        "notional": side * round(lots * price * 1e6), "ts": SECOND, **more,
    })  # fmt: skip


def paid(kind: str, amount: float = 0.0, word: str = "X", row: str = "1", **more: Any) -> ShownPayment:
    return ShownPayment(**{"id": row, "kind": kind, "word": word, "ts": SECOND, "amount": round(amount * 1e6), **more})


# -- positions ------------------------------------------------------------------------------------------------------------------


def test_what_agrees_is_clean_and_evidence() -> None:
    books = Books()
    (account,) = books.shows(s0=10)
    assert isinstance(account.event, Account) and books.it.clean
    assert (account.event.cash, account.event.positions) == (books.cash, {0: 10})


def test_a_difference_is_believed_when_it_was_the_same_after_both_walks() -> None:
    books = Books()
    assert codes(books.shows(s0=14)) == DRIFTS and not books.it.clean
    assert codes(books.shows(s0=14)) == DRIFTS  # nobody read anything
    books.walk(payments=None)
    assert codes(books.shows(s0=14)) == DRIFTS  # the payments were not read
    books.walk(fills=None)
    assert codes(books.shows(s0=14)) == [DRIFT, f"tell {DRIFT}", "ACCOUNT"]
    assert books.state.drifted == {0} == books.state.halted and books.lots("one") == 10
    assert codes(books.shows(s0=14)) == ["ACCOUNT"]  # told once
    assert codes(books.shows(s0=15)) == DRIFTS  # another difference begins anew, and it stays barred
    assert books.state.drifted == {0}
    books.walk()
    assert codes(books.shows(s0=15)) == [f"tell {DRIFT}", "ACCOUNT"]
    assert codes(books.shows(s0=10)) == ["DRIFT_OVER", "ACCOUNT"] and books.state.halted == set() and books.it.clean
    books.shows(s0=14)
    books.walk()
    assert codes(books.shows(s0=14)) == [DRIFT, f"tell {DRIFT}", "ACCOUNT"]  # told again, as it came again


def test_the_walk_may_explain_it() -> None:
    books = Books()
    books.shows(s0=14)
    books.walk([hand(name="v:4", ours=True, number=999)])
    assert codes(books.shows(cash=-40_000_000, s0=14)) == ["ACCOUNT"] and books.state.drifted == set()


def test_what_moved_is_not_judged_and_gives_no_evidence() -> None:
    books = Books()
    books.rec.go(0)
    books.rec.quiet.noise(0, 0, 100 * SECOND)
    assert books.shows(s0=99, asked=104 * SECOND) == [] and not books.it.clean
    assert codes(books.shows(s0=99, s1=3, asked=104 * SECOND)) == DRIFTS  # the other one
    assert codes(books.shows(s0=99, asked=105 * SECOND)) == DRIFTS


def test_what_this_desk_does_not_know_is_told() -> None:
    books = Books()
    assert codes(books.shows(s0=10, strange={"ZZZ": "3"})) == ["tell HAND_POSITION", "ACCOUNT"]
    assert codes(books.shows(s0=10, strange={"ZZZ": "3"})) == ["ACCOUNT"]


@pytest.mark.parametrize(("mark", "price", "worth"), [(True, 12.0, 40), (False, 12.0, 48), (False, NAN, 38)])
def test_adopted_in_kind_it_is_no_profit(mark: bool, price: float, worth: int) -> None:
    """At the mark, else at the venue's price, else at what was paid: 9.50."""
    books = Books(Policy(hand="adopt"), held=0, mark=mark)
    equity, peak = books.state.portfolio.equity, books.state.peak
    assert codes(books.shows(s0=4, price=price)) == DRIFTS
    books.walk()
    found = books.shows(s0=4, price=price)
    assert codes(found) == ["tell ADOPTED", "ADOPTED", "ADOPTED", "ask account"]
    adjust, flow = found[1].event, found[2].event
    assert (adjust.lots, adjust.cash, adjust.strategy, flow.amount) == (4, -worth * 10**6, "", worth * 10**6)
    assert books.lots() == 4 and books.lots("one") == 0 and books.state.portfolio.cash[0] == books.cash
    assert books.state.portfolio.equity - equity == books.state.peak - peak == worth * 10**6
    assert codes(books.shows(s0=4)) == ["ACCOUNT"] and books.it.clean


def test_adopted_without_any_price_it_has_no_worth() -> None:
    books = Books(Policy(hand="adopt"), held=0, mark=False)
    account = ShownAccount(currency="USD", cash=books.cash, equity=0, power=0, positions={0: ShownPosition(4)})
    for _ in range(2):
        found = books.take(books.it.compared(account, 10**15, books.now))
        books.walk()
    assert codes(found) == ["tell ADOPTED", "ADOPTED", "ask account"] and books.lots() == 4


def test_what_is_gone_is_adopted_as_gone() -> None:
    books = Books(Policy(hand="adopt"))
    books.shows()
    books.walk()
    assert codes(books.shows()) == ["tell ADOPTED", "ADOPTED", "ADOPTED", "ask account"]
    assert books.lots() == -10 and books.lots("one") == 10 and books.state.portfolio.lots[0] == 0


def test_an_ignored_symbol_is_never_compared() -> None:
    books = Books(Policy(symbols={"S0": "ignore"}))
    (account,) = books.shows(s0=999, s1=0)
    assert books.it.clean and account.event.positions == {0: 10}
    books.it.bar(0, books.now, "before the owner said so")
    assert codes(books.shows(s0=5)) == ["DRIFT_OVER", "ACCOUNT"]


# -- cash -----------------------------------------------------------------------------------------------------------------------


def test_cash_within_the_brokers_rounding_is_the_same() -> None:
    books = Books(Policy(cash_units=10_000))
    for difference in (0, 10_000, -10_000):
        assert codes(books.shows(difference, s0=10)) == ["ACCOUNT"]
    assert codes(books.shows(10_001, s0=10)) == ["ask fills", "ask payments", "ask account"]


def test_cash_that_nothing_explains() -> None:
    books = Books()
    assert codes(books.shows(5 * 10**6, s0=10)) == DRIFTS
    books.walk(payments=None)
    assert codes(books.shows(5 * 10**6, s0=10)) == DRIFTS
    books.walk(fills=None)
    assert codes(books.shows(5 * 10**6, s0=10)) == ["tell CASH_DRIFT"] and not books.it.clean
    assert codes(books.shows(5 * 10**6, s0=10)) == []
    assert codes(books.shows(s0=10)) == ["ACCOUNT"]
    books.shows(5 * 10**6, s0=10)
    books.walk()
    assert codes(books.shows(5 * 10**6, s0=10)) == ["tell CASH_DRIFT"]
    books.it.policy = Policy(cash="adopt")
    assert codes(books.shows(5 * 10**6, s0=10)) == ["CASH_UNEXPLAINED", "ask account"]
    assert codes(books.shows(5 * 10**6, s0=10)) == ["ACCOUNT"] and books.state.portfolio.cash[0] == books.cash + 5 * 10**6


def test_while_lots_differ_cash_is_not_judged() -> None:
    books = Books()
    books.shows(-40_000_000, s0=14)
    books.walk()
    assert codes(books.shows(-40_000_000, s0=14)) == [DRIFT, f"tell {DRIFT}", "ACCOUNT"]


# -- another hand ---------------------------------------------------------------------------------------------------------------


def test_halt_books_nothing_until_it_agrees_again() -> None:
    books = Books()
    assert codes(books.walk([hand()])) == ["tell HAND_TRADE", DRIFT]
    assert books.walk([hand()]) == [] and books.lots() == 0
    assert codes(books.shows(-40_000_000, s0=14)) == DRIFTS
    books.walk()
    assert codes(books.shows(-40_000_000, s0=14)) == [f"tell {DRIFT}", "ACCOUNT"]
    assert codes(books.walk([hand("g:4", 4, -1, 11.0)])) == ["tell HAND_TRADE"]
    found = books.shows(4_000_000, s0=10)
    assert codes(found) == ["HAND_TRADE", "HAND_TRADE", "DRIFT_OVER", "ask account"]  # there and back: four won, the house's
    assert books.state.portfolio.cash[0] == books.cash + 4_000_000 and books.lots() == 0 and books.lots("one") == 10
    assert codes(books.shows(4_000_000, s0=10)) == ["ACCOUNT"]
    assert books.walk([hand(), hand("g:4", 4, -1, 11.0)]) == []


def test_an_account_that_was_read_before_the_trade_does_not_end_the_halt() -> None:
    books = Books()
    books.walk([hand()])
    assert codes(books.shows(s0=10)) == ["ask fills", "ask payments", "ask account"] and books.state.drifted == {0}


def test_the_owner_may_change_the_rule_and_what_waits_is_adopted_by_its_trades() -> None:
    books = Books()
    books.walk([hand(), hand("h:7", 3, 1, 12.0)])
    books.shows(-76_000_000, s0=17)
    books.walk()
    books.shows(-76_000_000, s0=17)
    books.it.policy = Policy(hand="adopt")
    assert codes(books.shows(-76_000_000, s0=17)) == ["HAND_TRADE", "HAND_TRADE", "ask account"]
    assert codes(books.shows(-76_000_000, s0=17)) == ["DRIFT_OVER", "ACCOUNT"]
    assert (books.lots(), books.state.portfolio.cash[0]) == (7, books.cash - 76_000_000)


def test_trades_that_do_not_make_it_up_are_not_taken_for_it() -> None:
    books = Books()
    books.walk([hand()])
    books.shows(s0=15)
    books.walk()
    books.it.policy = Policy(hand="adopt")
    assert codes(books.shows(s0=15)) == ["tell ADOPTED", "ADOPTED", "ADOPTED", "ask account"]


def test_adopt_and_ignore_at_once() -> None:
    books = Books(Policy(symbols={"S0": "adopt", "S1": "ignore"}))
    strange = hand("j:1", 0, 1, 7.0, instrument=-1, symbol="ZZZ", notional=7_000_000)
    found = books.walk([hand(fee=100), hand("i:3", 3, -1, 20.0, instrument=1, symbol="S1"), strange])
    assert codes(found) == ["tell HAND_TRADE", "HAND_TRADE", "tell HAND_TRADE", "HAND_TRADE", "tell HAND_TRADE", "HAND_TRADE"]
    adjust, sold, bought = (one.event for one in found if isinstance(one, Step))
    assert isinstance(adjust, Adjust) and (adjust.lots, adjust.cash, adjust.cause) == (4, -40_000_100, "HAND h:4")
    assert isinstance(sold, CashFlow) and (sold.amount, bought.amount) == (60_000_000, -7_000_000)
    assert books.lots() == 4 and books.lots("", 1) == 0
    assert books.walk([hand(fee=100), hand("i:3", 3, -1, 20.0, instrument=1, symbol="S1")]) == []


@pytest.mark.parametrize("rule", ["halt", "adopt"])
def test_an_open_order_of_another_hand_keeps_a_halt_of_its_rule(rule: Any) -> None:
    books = Books(Policy(hand=rule))
    books.it.bar(0, books.now, "an order")
    books.state.drifted.add(0)
    books.it.hands = {0}
    assert codes(books.shows(s0=10)) == ([] if rule == "halt" else ["DRIFT_OVER", "ACCOUNT"])
    books.it.hands = set()
    assert codes(books.shows(s0=10)) == (["DRIFT_OVER", "ACCOUNT"] if rule == "halt" else ["ACCOUNT"])


def test_a_fill_of_ours_in_a_symbol_of_no_ones_is_left_alone() -> None:
    books = Books()
    assert books.walk([hand("v:4", ours=True, number=5, instrument=-1)]) == []


# -- payments -------------------------------------------------------------------------------------------------------------------


def test_money_that_comes_twice_the_same_is_twice_the_money() -> None:
    books = Books()
    rows = [paid("flow", 50.0, "CSD", "a"), paid("flow", 50.0, "CSD", "b"), paid("flow", -20.0, "CSW", "c"), paid("flow", 0.0, "CSD", "d")]
    peak = books.state.peak
    assert codes(books.walk(payments=rows)) == ["CSD", "CSD", "CSW"]
    assert books.walk(payments=rows) == [] and books.state.peak - peak == 80_000_000
    again = Books()
    again.it.flows[SECOND, 50_000_000] = 2  # a restart: the journal has two of that moment and size
    assert codes(again.walk(payments=[*rows, paid("flow", 50.0, "CSD", "e")])) == ["CSW", "CSD"]


def test_money_without_a_moment_is_known_again_by_its_name() -> None:
    books = Books()
    (step,) = books.walk(payments=[paid("flow", 50.0, "CSD", "a", ts=0)])
    assert isinstance(step.event, Adjust) and step.event.cause == "CSD a"


@pytest.mark.parametrize("kind", ["cost", "stock", "dividend"])
def test_what_moved_cash_alone_is_booked_with_its_name(kind: str) -> None:
    books = Books()
    row = paid(kind, -1.25, "FEE", "f")
    (step,) = books.walk(payments=[row])
    assert (step.event.cash, step.event.lots, step.event.cause, step.code) == (-1_250_000, 0, "FEE f", "FEE")
    assert books.walk(payments=[row]) == [] == books.walk(payments=[paid(kind, 0.0, "FEE", "g")])


def test_a_dividend_goes_to_those_who_hold_and_what_the_broker_paid_beside_to_the_house() -> None:
    books = Books()
    rows = [paid("dividend", amount, "DIV", name, instrument=0, symbol="S0", each=each) for amount, name, each in ((5.0, "a", 0.5), (2.2, "b", 0.2))]
    found = books.walk(payments=rows)
    assert codes(found) == ["DIVIDEND", "DIVIDEND", "DIV"]
    assert isinstance(found[0].event, Dividend) and found[2].event.cash == 200_000  # of eleven lots at the record date, and we hold ten
    assert books.state.portfolio.books["one"].cash[0] == CASH + 7_000_000
    assert books.walk(payments=rows) == []
    again = Books()
    again.it.dividends[SECOND, 0, 0.5] = 1
    assert codes(again.walk(payments=rows)) == ["DIVIDEND", "DIV"]


def test_a_dividend_of_what_is_held_no_more_is_cash() -> None:
    books = Books(held=0)
    (step,) = books.walk(payments=[paid("dividend", 5.0, "DIV", "a", instrument=0, symbol="S0", each=0.5)])
    assert isinstance(step.event, Adjust) and step.event.cash == 5_000_000


@pytest.mark.parametrize(("held", "more", "ratio"), [(10, 10, 2.0), (10, 5, 1.5), (-10, -20, 3.0), (10, -8, 0.2), (7, 3, 10 / 7)])
def test_a_split_is_what_it_made_of_what_we_had(held: int, more: int, ratio: float) -> None:
    books = Books(held=held)
    row = paid("split", 0.0, "SPLIT", "s", instrument=0, symbol="S0", lots=more)
    (step,) = books.walk(payments=[row])
    assert isinstance(step.event, Split) and step.event.ratio == pytest.approx(ratio)
    assert books.lots("one") == held + more
    assert books.walk(payments=[row]) == []
    assert books.walk(payments=[paid("split", 0.0, "SPLIT", "t", instrument=0, symbol="S0", lots=more, ts=SECOND + 4 * DAY)]) == []
    assert codes(books.walk(payments=[paid("split", 0.0, "SPLIT", "u", instrument=0, symbol="S0", lots=held + more, ts=6 * DAY)])) == ["SPLIT"]


def test_a_split_that_the_books_have_from_elsewhere_is_not_booked_again() -> None:
    books = Books()
    books.take([Step(Split(DAY, books.now, 0, 2.0), "a feed said so")])
    assert books.walk(payments=[paid("split", 0.0, "SPLIT", "s", instrument=0, symbol="S0", lots=10, ts=DAY + 5)]) == []
    assert books.lots("one") == 20


@pytest.mark.parametrize(("held", "more"), [(10, -10), (10, -25), (0, 5), (1000, 1)])
def test_what_is_no_ratio_is_told_and_not_guessed(held: int, more: int) -> None:
    books = Books(held=held)
    row = paid("split", 0.0, "SPLIT", "s", instrument=0, symbol="S0", lots=more)
    assert codes(books.walk(payments=[row])) == ["tell SPLIT_UNCLEAR"] and books.lots("one") == held
    assert ratio_of(held, more) is None


def test_a_split_of_nothing_is_nothing_and_cash_in_lieu_is_cash() -> None:
    books = Books()
    assert books.walk(payments=[paid("split", 0.0, "SPLIT", "s", instrument=0, symbol="S0")]) == []
    assert codes(books.walk(payments=[paid("split", 3.0, "SPLIT", "t", instrument=0, symbol="S0", lots=10)])) == ["SPLIT", "SPLIT"]
    assert ratio_of(10, 10) == Fraction(2) and ratio_of(10, 0) is None


def test_executions_and_splits_are_taken_as_they_happened() -> None:
    """Five before the split are ten after it; four after it stay four."""
    books = Books(held=0)
    fills = [hand("v:5", 5, 1, 20.0, ours=True, number=999, ts=100), hand("w:4", 4, 1, 10.0, ours=True, number=998, ts=300)]
    found = books.walk(fills, [paid("split", 0.0, "SPLIT", "s", instrument=0, symbol="S0", lots=5, ts=200)])
    assert [type(one.event) for one in found if isinstance(one, Step)] == [Fill, Split, Fill] and found[1].event.ratio == 2.0
    assert books.lots() == 14


@pytest.mark.parametrize(("kind", "mark", "gain"), [("transfer", True, 0), ("stock", True, 40_000_000), ("transfer", False, 0)])
def test_stock_that_came_without_an_order(kind: str, mark: bool, gain: int) -> None:
    """Carried in from another broker it is no profit; given by a company it is."""
    books = Books(held=0, mark=mark)
    start = books.state.portfolio.equity - books.state.peak
    found = books.walk(payments=[paid(kind, 0.0, "X", "t", instrument=0, symbol="S0", lots=4)])
    assert codes(found) == (["X", "X"] if kind == "transfer" and mark else ["X"])
    assert books.lots() == 4 and books.state.portfolio.equity - books.state.peak - start == gain
    assert books.walk(payments=[paid(kind, 0.0, "X", "t", instrument=0, symbol="S0", lots=4)]) == []


def test_of_an_ignored_symbol_the_cash_alone_is_booked() -> None:
    books = Books(Policy(symbols={"S0": "ignore"}))
    rows = [paid("split", 3.0, "SPLIT", "s", instrument=0, symbol="S0", lots=10), paid("stock", 0.0, "X", "t", instrument=0, symbol="S0", lots=4)]
    (step,) = books.walk(payments=rows)
    assert (step.event.cash, books.lots("one")) == (3_000_000, 10)


def test_a_first_status_is_ours() -> None:
    books = Books()
    (found,) = books.it.bar(1, books.now, "because")
    assert isinstance(found, Step) and found.event == Status(books.now, books.now, 1, True, DRIFT)
    assert books.it.bar(1, books.now, "again") == []
