"""Options from their writing to their end, by hand: what is delivered, what is paid, what is refused, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from argosy.core.errors import Misuse
from argosy.core.events import Assignment, Bar, Exercise, Expiry, Fill, Split
from argosy.core.instrument import Instrument, Instruments, Option
from argosy.core.intents import Target
from argosy.core.tape import Tape
from argosy.core.time import DAY, MINUTE
from argosy.engine.fold import fold
from argosy.engine.journal import Verdict
from argosy.engine.state import State
from argosy.house import Run, Wanted, assemble
from argosy.lab.sweep import sweep
from argosy.strategies.covered_call import CoveredCall
from argosy.strategies.protective_put import ProtectivePut
from tests.walks.hand import USD, Stage, fills, lots, play, records, terms

STOCK = Instrument(symbol="ACME")


def listed(symbol: str, right: Any, strike: str, minute: int, settlement: Any = "physical", lot: str = "1", under: str = "ACME") -> Instrument:
    """An option that ends with the bar before a minute."""
    made = Option(underlying=under, strike=Decimal(strike), right=right, expiry_ns=minute * MINUTE, settlement=settlement)
    return Instrument(symbol=symbol, kind="option", multiplier=Decimal(100), lot=Decimal(lot), option=made)


def table(*options: Instrument, stock: Instrument = STOCK) -> Instruments:
    return Instruments([stock, *options])


def refusals(run: Run) -> list[str]:
    return [verdict.outcome.code for verdict in records(run, Verdict) if hasattr(verdict.outcome, "code")]


def settled(run: Run) -> list[tuple[str, int, int, int]]:
    """(kind, lots, delivered, dollars) of all exercises and assignments."""
    return [(type(one).__name__, one.lots, one.delivered, one.cash // USD) for one in records(run, Exercise, Assignment)]


def folds(run: Run) -> bool:
    engine = run.engine
    names = [slot.id for slot in engine.slots]
    again = fold(engine.journal.records(), State(engine.instruments, "USD", names), iter(list(run.replay.source.rows())))
    return again.hash == engine.state.hash


# -- the end of a position ------------------------------------------------------------------------------------------------

ENDS = [
    # right, side, last price, settlement: (event, lots of stock afterwards, dollars that the end brought)
    ("a long call in the money buys the stock at its strike", "call", 2, 110.0, "physical", ("Exercise", 2, 200, -20_000)),
    ("a long put in the money sells it", "put", 2, 90.0, "physical", ("Exercise", 2, -200, 20_000)),
    ("a short call in the money delivers it", "call", -2, 110.0, "physical", ("Assignment", 2, -200, 20_000)),
    ("a short put in the money takes it", "put", -2, 90.0, "physical", ("Assignment", 2, 200, -20_000)),
    ("a long call in cash is paid what it is worth", "call", 2, 110.0, "cash", ("Exercise", 2, 0, 2_000)),
    ("a short put in cash pays it", "put", -2, 90.0, "cash", ("Assignment", 2, 0, -2_000)),
    ("by a cent is enough", "call", 1, 100.01, "physical", ("Exercise", 1, 100, -10_000)),
    ("by less is worthless", "call", 1, 100.009, "physical", None),
    ("at the strike is worthless", "put", -1, 100.0, "physical", None),
    ("out of the money is worthless", "call", 1, 90.0, "physical", None),
]


@pytest.mark.parametrize(("what", "right", "held", "last", "settlement", "want"), ENDS, ids=[row[0] for row in ENDS])
def test_the_end(what: str, right: str, held: int, last: float, settlement: str, want: Any) -> None:
    """Bought (or sold) at 5.00 in minute 1, ended with minute 3 at `last`."""
    run = play(
        {"a": {0: Target(1, lots=held)}}, [100.0, 100.0, last, last, last], [5.0] * 5, table=table(listed("OPT", right, "100", 3, settlement)),
        limits={"cover": {"naked": True}}, cash=100_000.0,
    )  # fmt: skip
    portfolio = run.engine.state.portfolio
    premium = -held * 500
    assert fills(run) == [(1, held, 5.0)]
    assert portfolio.lots[1] == 0
    if want is None:
        assert settled(run) == []
        assert (portfolio.lots[0], portfolio.cash[0]) == (0, (100_000 + premium) * USD)
        assert portfolio.books["a"].realised[0] == premium * USD
    else:
        assert settled(run) == [want]
        assert (portfolio.lots[0], portfolio.cash[0]) == (want[2], (100_000 + premium + want[3]) * USD)
    worth = max((last - 100.0) * (1 if right == "call" else -1), 0.0)
    if want is not None:
        assert portfolio.equity == round((100_000 + premium + held * 100 * worth) * USD)
        assert portfolio.books["a"].realised[0] == (premium if settlement == "physical" else premium + want[3]) * USD
    (expiry,) = records(run, Expiry)
    assert (expiry.ts, expiry.price) == (3 * MINUTE, last)
    assert run.market.lots(1) == 0
    assert run.market.lots(0) == portfolio.lots[0]
    assert folds(run)


def test_the_price_is_the_last_that_had_happened() -> None:
    """The option ends inside a bar: the close before counts, and what comes later does not."""
    made = listed("OPT", "call", "100", 3)
    inside = Instrument(symbol="OPT", kind="option", multiplier=Decimal(100), option=Option(
        underlying="ACME", strike=Decimal(100), right="call", expiry_ns=3 * MINUTE + 30_000_000_000,
    ))  # fmt: skip
    for one in (made, inside):
        run = play({"a": {0: Target(1, lots=1)}}, [100.0, 100.0, 105.0, 500.0, 500.0], [5.0] * 5, table=table(one))
        (expiry,) = records(run, Expiry)
        assert expiry.price == 105.0
        assert expiry.known == one.option.expiry_ns  # type: ignore[union-attr]


def test_a_longer_life_than_the_tape_is_not_ended() -> None:
    run = play({"a": {0: Target(1, lots=1)}}, [100.0] * 4, [5.0] * 4, table=table(listed("OPT", "call", "100", 9)))
    assert records(run, Expiry) == []
    assert lots(run, "a", 1) == 1


def test_lots_of_a_thousandth_and_of_ten() -> None:
    """A stock in thousandths: one contract is 100 000 lots of it."""
    fine = Instrument(symbol="ACME", lot=Decimal("0.001"))
    run = play({"a": {0: Target(1, lots=3)}}, [100.0, 100.0, 107.0, 107.0], [5.0] * 4, table=table(listed("OPT", "call", "100.125", 3), stock=fine))
    assert settled(run) == [("Exercise", 3, 300_000, -30_038)]
    assert records(run, Exercise)[0].cash == -30_037_500_000


def test_several_books_end_as_the_account_does() -> None:
    """a holds 3, b wrote 1: two of the account's are exercised for a, the third is settled between a and b at the strike."""
    plans = {"a": {0: Target(1, lots=3)}, "b": {1: Target(1, lots=-1)}}
    run = play(plans, [100.0, 100.0, 100.0, 112.0, 112.0], [5.0] * 5, table=table(listed("OPT", "call", "100", 4)), limits={"cover": {"naked": True}})
    assert settled(run) == [("Exercise", 2, 200, -20_000)]
    books = run.engine.state.portfolio.books
    assert (books["a"].lots, books["b"].lots) == ([300, 0], [-100, 0])
    assert (books["a"].cash[0], books["b"].cash[0]) == ((50_000 - 1_500 - 30_000) * USD, (50_000 + 500 + 10_000) * USD)
    assert folds(run)


def test_orders_end_with_the_option_and_nothing_is_sent_after_it() -> None:
    plan = {0: Target(1, lots=1, limit=1.0), 4: Target(1, lots=2)}
    run = play({"a": plan}, [100.0] * 6, [5.0] * 6, table=table(listed("OPT", "call", "100", 3)))
    assert fills(run) == []
    assert run.engine.state.blotter.open[1] == {}
    assert 1 in run.engine.state.delisted


def test_what_was_delivered_is_not_bought_back() -> None:
    """A target of 100 shares stands; they are called away at the end, and stay away."""
    plan = {0: Target(0, lots=100), 2: Target(1, lots=-1)}
    run = play({"a": plan}, [100.0, 100.0, 100.0, 100.0, 110.0, 110.0, 110.0], [5.0] * 7, table=table(listed("OPT", "call", "105", 5)))
    assert fills(run) == [(1, 100, 100.0), (3, -1, 5.0)]
    assert settled(run) == [("Assignment", 1, -100, 10_500)]
    assert run.engine.state.portfolio.cash[0] == (100_000 - 10_000 + 500 + 10_500) * USD
    assert folds(run)


def test_an_early_assignment_as_a_broker_tells_of_it() -> None:
    """Three calls written by two strategies, two of them assigned: by largest remainder, two thirds and one third of two."""
    plans = {"a": {0: Target(1, lots=-2)}, "b": {0: Target(1, lots=-1)}}
    stage = Stage(plans, table=table(listed("OPT", "call", "100", 90)), limits={"cover": {"naked": True}})
    stage.bar(100.0)
    stage.minute -= 1
    stage.buy(stage.bar(5.0, i=1), 5.0)  # which pays 5 a lot here: 10 and 5
    books = stage.state.portfolio.books
    assert (books["a"].lots[1], books["b"].lots[1]) == (-2, -1)
    stage.tell(Assignment, 1, 2, 0, -200, 20_000 * USD, 100.0, "early")
    assert (books["a"].lots, books["b"].lots) == ([-100, -1], [-100, 0])
    assert (books["a"].cash[0] - 50_000 * USD, books["b"].cash[0] - 50_000 * USD) == ((10 + 10_000) * USD, (5 + 10_000) * USD)
    stage.tell(Assignment, 1, 2, 0, -200, 20_000 * USD, 100.0, "hand")  # one more than anybody wrote: the house's
    assert (books["a"].lots, books["b"].lots, books[""].lots) == ([-200, 0], [-100, 0], [-100, 1])
    stage.tell(Exercise, 1, 1, 0, 100, -10_000 * USD, 100.0, "asked", "a")
    stage.state.portfolio.check()


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(-4, 4), st.integers(0, 2)), max_size=14),
    st.floats(90.0, 110.0), st.sampled_from(["physical", "cash"]), st.sampled_from(["call", "put"]),
)  # fmt: skip
def test_books_sum_to_the_account_whatever_is_held(wishes: list[tuple[int, int, int, int]], last: float, settlement: str, right: str) -> None:
    plans: dict[str, dict[int, Any]] = {"a": {}, "b": {}}
    for minute, who, want, what in wishes:
        own = plans["ab"[who]]
        if minute not in own:
            own[minute] = Target(what, lots=want)
    options = table(listed("OPT", right, "100", 5, settlement), listed("LATE", right, "99", 7, settlement))
    price = [100.0, 101.0, 99.0, 100.0, last, last, 2 * 100.0 - last, last, last]
    run = play(plans, price, [5.0] * 9, [6.0] * 9, table=options, limits={"cover": {"naked": True}}, cash=1e7)
    portfolio = run.engine.state.portfolio
    assert portfolio.lots[1:] == [0, 0]
    assert [run.market.lots(i) for i in range(3)] == portfolio.lots
    assert all(book.lots[1:] == [0, 0] for book in portfolio.books.values())
    assert folds(run)


# -- what is refused ------------------------------------------------------------------------------------------------------


def test_a_naked_call_is_refused() -> None:
    run = play({"a": {0: Target(1, lots=-1)}}, [100.0] * 4, [5.0] * 4, table=table(listed("OPT", "call", "100", 9)))
    assert (refusals(run), fills(run)) == (["NAKED_OPTION"], [])


def test_a_call_that_settles_in_cash_is_covered_by_no_stock_however_many_are_written() -> None:
    options = table(listed("OPT", "call", "100", 9, "cash"))
    run = play({"a": {0: Target(0, lots=100), 2: Target(1, lots=-20_000_000)}}, [100.0] * 6, [5.0] * 6, table=options, cash=1e12)
    said = [verdict.outcome for verdict in records(run, Verdict)]
    assert [(one.code, one.numbers) for one in said] == [("NAKED_OPTION", {"uncovered_lots": 20_000_000, "coverable_lots": 0})]
    assert fills(run) == [(1, 100, 100.0)] and folds(run)


def test_a_covered_call_is_not_and_its_cover_cannot_be_sold() -> None:
    plan = {
        0: Target(0, lots=150), 2: Target(1, lots=-1), 4: Target(0, lots=100), 6: Target(0, lots=99), 8: Target(1, lots=-2),
        10: Target(1, lots=0), 12: Target(0, lots=0),
    }  # fmt: skip
    run = play({"a": plan}, [100.0] * 15, [5.0] * 15, table=table(listed("OPT", "call", "100", 90)))
    assert fills(run) == [(1, 150, 100.0), (3, -1, 5.0), (5, -50, 100.0), (11, 1, 5.0), (13, -100, 100.0)]
    assert set(refusals(run)) == {"NAKED_OPTION"}


@pytest.mark.parametrize(
    ("what", "right", "long", "short", "passes"),
    [
        ("a lower strike that ends later covers a call", "call", ("95", 90), ("100", 80), True),
        ("a higher one does not", "call", ("105", 90), ("100", 80), False),
        ("nor one that ends sooner", "call", ("95", 70), ("100", 80), False),
        ("a higher strike covers a put", "put", ("105", 80), ("100", 80), True),
        ("a lower one does not", "put", ("95", 80), ("100", 80), False),
    ],
)
def test_spreads(what: str, right: str, long: tuple[str, int], short: tuple[str, int], passes: bool) -> None:
    options = table(listed("LONG", right, *long), listed("SHORT", right, *short))
    run = play({"a": {0: Target(1, lots=2), 2: Target(2, lots=-2)}}, [100.0] * 5, [5.0] * 5, [4.0] * 5, table=options, cash=5_000.0)
    assert (lots(run, "a", 2) == -2) == passes, what
    assert bool(refusals(run)) == (not passes)


def test_a_put_is_secured_by_cash_that_nothing_else_may_spend() -> None:
    """12 000 of cash: one put on 100 shares at 100 is secured, two are not; then 2 000 and the premium may be spent, no more."""
    options = table(listed("PUT", "put", "100", 90))
    plan = {0: Target(1, lots=-2), 2: Target(1, lots=-1), 4: Target(0, lots=30), 6: Target(0, lots=24)}
    run = play({"a": plan}, [100.0] * 8, [5.0] * 8, table=options, cash=12_000.0)
    assert fills(run) == [(3, -1, 5.0), (7, 24, 100.0)]
    assert refusals(run) == ["CASH_SECURED", "CASH_SECURED"]


# -- terms that cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("not an option", {"kind": "equity"}), ("no such underlying", {"under": "NONE"}), ("no strike", {"strike": "0"}),
        ("part of a share", {"lot": "0.001"}), ("another currency", {"currency": "EUR"}), ("a strike finer than money", {"strike": "100.000000001"}),
        ("no end", {"minute": 0}),
    ],
)  # fmt: skip
def test_terms(what: str, change: Mapping[str, Any]) -> None:
    given_ = {key: value for key, value in change.items() if key in ("under", "strike", "lot", "minute")}
    row = listed("OPT", "call", **{"strike": "100", "minute": 3, **given_})
    row = replace(row, **{key: value for key, value in change.items() if key in ("kind", "currency")})
    with pytest.raises(Misuse, match="OPTION_TERMS"):
        table(row)


def test_what_a_replay_cannot_settle() -> None:
    options = table(listed("OPT", "call", "100", 3))
    with pytest.raises(Misuse, match="EXPIRY_PRICE"):
        play({"a": {}}, {4: 100.0, 5: 100.0}, [5.0] * 6, table=options)
    with pytest.raises(Misuse, match="OPTION_SPLIT"):
        play({"a": {}}, [100.0] * 6, [5.0] * 6, table=options, events=[Split(MINUTE, MINUTE, 0, 2.0)])
    with pytest.raises(Misuse, match="EXPIRY_LEAST"):
        play({"a": {}}, [100.0] * 6, [5.0] * 6, table=options, exercise_least=-1.0)
    with pytest.raises(Misuse, match="OPTION_TERMS"):
        options.delivery(0)


class Step:
    """A step that wants one lot of everything it sees."""

    unit = "lots"

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        out.target = 1.0


def test_the_quick_lanes_step_or_refuse() -> None:
    """Walked from the first row on as compiled as may be, it is the same run; a sweep says no."""
    def go(scan_from: int) -> Run:
        tapes = [_bars([100.0] * 4 + [110.0] * 6, 0), _bars([5.0] * 10, 1)]
        run = assemble([Wanted("a", Step)], (table(listed("OPT", "call", "100", 8)), [Tape.merge(tapes)], []), terms(), scan_from=scan_from)
        run.go()
        return run

    plain, quick = go(1 << 40), go(1)
    assert plain.engine.state.hash == quick.engine.state.hash
    assert settled(quick) == [("Exercise", 1, 100, -10_000)]
    with pytest.raises(Misuse, match="SWEEP_OPTION"):
        sweep(Step, (table(listed("OPT", "call", "100", 8)), [_bars([100.0] * 10, 0), _bars([5.0] * 10, 1)], []), {}, terms=terms(), trials=None)


def _bars(closes: list[float], i: int, span: int = MINUTE) -> Tape:
    n = len(closes)
    ts = np.arange(n, dtype=np.int64) * span
    price = np.array(closes)
    columns = dict.fromkeys(("open", "high", "low", "close"), price)
    return Tape(Bar, columns | {"ts": ts, "known": ts + span, "instrument": np.full(n, i), "volume": np.full(n, 1e6), "span": np.full(n, span)})


# -- the strategies -------------------------------------------------------------------------------------------------------


def daily(*options: tuple[str, str, str, int]) -> Instruments:
    """ACME and options that end with a day's bar."""
    rows = []
    for symbol, right, strike, day in options:
        made = Option(underlying="ACME", strike=Decimal(strike), right=right, expiry_ns=day * DAY)  # type: ignore[arg-type]
        rows.append(Instrument(symbol=symbol, kind="option", multiplier=Decimal(100), option=made))
    return table(*rows)


def walk(strategy: type, params: Mapping[str, Any], names: Instruments, *closes: list[float]) -> Run:
    tapes = [_bars(own, i, DAY) for i, own in enumerate(closes)]
    run = assemble([Wanted("own", strategy, {"underlying": "ACME", **params})], (names, [Tape.merge(tapes)], []), terms(cash=20_000.0))
    run.go()
    run.engine.state.portfolio.check()
    assert folds(run)
    return run


def bought(run: Run) -> list[tuple[int, str, int, float]]:
    """(day, symbol, signed lots, price) of all executions."""
    return [(f.ts // DAY, run.engine.instruments[f.instrument].symbol, f.side * f.lots, f.price) for f in records(run, Fill)]


def test_covered_call_by_hand() -> None:
    """Two months: the first call ends worthless, the second takes the stock at 105, and all begins anew.

    Day 0 wants the stock, day 1 buys 100 at 100. Day 1 writes JAN (strike 105, ends with day 29), day 2 sells it at 2.00. It ends
    worthless at 104; at that instant FEB is written (strike 110 is 2 % above 104; 105 is not), sold on day 30 at 3.00. It ends with
    day 59 at 115: the stock goes at 110. On day 60 it is bought again at 115, and on day 61 APR is sold at 4.00.
    """
    names = daily(("JAN105", "call", "105", 30), ("FEB105", "call", "105", 60), ("FEB110", "call", "110", 60), ("APR120", "call", "120", 120))
    stock = [100.0] * 20 + [104.0] * 25 + [115.0] * 20
    run = walk(CoveredCall, {}, names, stock, [2.0] * 65, [6.0] * 65, [3.0] * 65, [4.0] * 65)
    assert bought(run) == [
        (1, "ACME", 100, 100.0), (2, "JAN105", -1, 2.0), (30, "FEB110", -1, 3.0), (60, "ACME", 100, 115.0), (61, "APR120", -1, 4.0),
    ]  # fmt: skip
    assert settled(run) == [("Assignment", 1, -100, 11_000)]
    cash = 20_000 - 10_000 + 200 + 300 + 11_000 - 11_500 + 400
    assert run.engine.state.portfolio.cash[0] == cash * USD
    assert run.engine.state.portfolio.equity == (cash + 11_500 - 400) * USD
    assert refusals(run) == []


def test_covered_call_rolls_and_may_stop() -> None:
    """Five days before its end the call is bought back at 1.00, and the next is written the day after; without `rebuy` it ends there."""
    names = daily(("JAN105", "call", "105", 30), ("FEB105", "call", "105", 60))
    stock = [100.0] * 40 + [120.0] * 30
    run = walk(CoveredCall, {"roll_days": 5.0, "rebuy": False}, names, stock, [2.0] * 20 + [1.0] * 50, [3.0] * 70)
    # Known on day 25 (with the bar of day 24) five days are left: bought back on day 25, February sold on day 26.
    assert bought(run)[:4] == [(1, "ACME", 100, 100.0), (2, "JAN105", -1, 2.0), (25, "JAN105", 1, 1.0), (26, "FEB105", -1, 3.0)]
    # Rolled again five days before the end of February: there is no further series, and the stock is kept.
    assert bought(run)[4:] == [(55, "FEB105", 1, 3.0)]
    run = walk(CoveredCall, {"rebuy": False}, names, [100.0] * 20 + [120.0] * 50, [2.0] * 70, [3.0] * 70)
    assert settled(run) == [("Assignment", 1, -100, 10_500)]
    assert bought(run) == [(1, "ACME", 100, 100.0), (2, "JAN105", -1, 2.0)]


def test_protective_put_by_hand() -> None:
    """The put before the stock; the first ends worthless, the second sells the stock at 95 when it is at 80, and all begins anew.

    P1 (strike 95, ends with day 29) is bought on day 1 at 1.50, the stock on day 2 at 100. It ends worthless at 101. P2 (strike 95,
    the highest at least 5 % below 101) is bought on day 30 at 1.60. It ends with day 59 at 80: 100 shares go at 95. Then P3 (75) is
    bought on day 60 at 2.00 and the stock on day 61 at 80.
    """
    names = daily(("P1", "put", "95", 30), ("P2", "put", "95", 60), ("P2HIGH", "put", "100", 60), ("P3", "put", "75", 120))
    stock = [100.0] * 20 + [101.0] * 25 + [80.0] * 20
    run = walk(ProtectivePut, {}, names, stock, [1.5] * 65, [1.6] * 65, [9.0] * 65, [2.0] * 65)
    assert bought(run) == [
        (1, "P1", 1, 1.5), (2, "ACME", 100, 100.0), (30, "P2", 1, 1.6), (60, "P3", 1, 2.0), (61, "ACME", 100, 80.0),
    ]  # fmt: skip
    assert settled(run) == [("Exercise", 1, -100, 9_500)]
    cash = 20_000 - 150 - 10_000 - 160 + 9_500 - 200 - 8_000
    assert run.engine.state.portfolio.cash[0] == cash * USD
    run = walk(ProtectivePut, {"roll_days": 5.0, "again": False}, names, stock, [1.5] * 65, [1.6] * 65, [9.0] * 65, [2.0] * 65)
    assert bought(run)[:5] == [(1, "P1", 1, 1.5), (2, "ACME", 100, 100.0), (25, "P1", -1, 1.5), (26, "P2", 1, 1.6), (55, "P2", -1, 1.6)]
