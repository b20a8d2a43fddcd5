"""HEART §12: REDUCE, HALT, FLATTEN, DARK and PROBE; what exits may do; breakers; latches are the journal's; deposits are no profit."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.effects import Alarm, Cancel, Submit
from argosy.core.events import Account, CashFlow, Command, Latch, Session, Timer
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Work
from argosy.core.time import MINUTE, SECOND
from argosy.engine.engine import Breakers
from argosy.engine.journal import Verdict
from argosy.engine.restart import restart
from argosy.engine.rules.rule import PROBE
from tests.walks.hand import USD, Stage, canceled, fills, orders, play, records, resting, sent, wire

LIVE, REDUCE, HALT, FLATTEN, DARK = range(5)


def codes(stage: Stage) -> dict[str, int]:
    return stage.state.counters.refusals


def say(stage: Stage, verb: str, reason: str = "because") -> Any:
    return stage.tell(Command, verb, "owner", reason)


def guarded(want: int, stop: float) -> Target:
    return Target(0, lots=want, protection=Protection(stop=stop))


# -- what each level allows ---------------------------------------------------------------------------------------------


def desk(verb: str, plan: dict[int, Any]) -> Stage:
    """One strategy holds 10 at 10.00 when the owner speaks."""
    stage = Stage({"a": {0: Target(0, lots=10), **plan}})
    stage.buy(stage.bar(10.0), 10.0)
    if verb:
        say(stage, verb)
    return stage


@pytest.mark.parametrize(
    ("verb", "level", "want", "sent_lots", "refused"),
    [
        ("", LIVE, 15, [5], {}),
        ("", LIVE, -5, [-10, -5], {}),
        ("reduce", REDUCE, 15, [], {"REDUCE_ONLY": 1}),
        ("reduce", REDUCE, 4, [-6], {}),
        ("reduce", REDUCE, 0, [-10], {}),
        ("reduce", REDUCE, -5, [-10], {"REDUCE_ONLY": 1}),  # the exit passes, the new short does not
        ("halt", HALT, 15, [], {"HALTED_DESK": 1}),
        ("halt", HALT, 0, [-10], {}),
        ("dark", DARK, 15, [], {"HALTED_DESK": 1}),
        ("dark", DARK, 0, [-10], {}),
    ],
)
def test_what_a_level_lets_pass(verb: str, level: int, want: int, sent_lots: list[int], refused: dict[str, int]) -> None:
    stage = desk(verb, {1: Target(0, lots=want)})
    assert stage.state.level == level
    assert [order.side * order.lots for order in sent(stage.bar(10.0))] == sent_lots
    assert codes(stage) == refused


def test_what_is_refused_by_a_level_is_not_wanted_any_more() -> None:
    """5 more were refused under REDUCE; live again, the same target is a repeat and sends nothing; another one does."""
    stage = desk("reduce", {1: Target(0, lots=15), 2: Target(0, lots=15), 3: Target(0, lots=16)})
    assert stage.bar(10.0) == ()
    stage.tell(Latch, LIVE, "test")
    assert stage.bar(10.0) == ()
    assert [order.lots for order in sent(stage.bar(10.0))] == [6]


# -- HALT ---------------------------------------------------------------------------------------------------------------


def test_halt_cancels_what_can_enlarge_and_keeps_protections() -> None:
    ladder = Ladder(0, (Rung("b", BUY, 9.5, 3), Rung("s", SELL, 12.0, 3)))
    plan = {0: guarded(10, 9.0), 2: ladder, 3: Target(0, lots=20, limit=9.2)}
    at = 4 * MINUTE + 1
    quiet = play({"a": plan}, [10.0] * 6)
    assert resting(quiet) == [("", 10, 9.2), ("rung:b", 3, 9.5), ("rung:s", -3, 12.0), ("stop", -10, 9.0)]
    run = play({"a": plan}, [10.0] * 6, events=[Command(at, at, "halt", "owner", "why")])
    assert run.engine.state.level == HALT
    assert resting(run) == [("stop", -10, 9.0)]
    assert run.engine.state.portfolio.lots == [10]


def test_a_protection_does_its_work_while_halted() -> None:
    at = 2 * MINUTE + 1
    rows = [10.0, 10.0, 10.0, (10.0, 10.0, 8.9, 9.0), 9.0]
    run = play({"a": {0: guarded(10, 9.0)}}, rows, events=[Command(at, at, "halt", "owner", "why")])
    assert fills(run) == [(1, 10, 10.0), (4, -10, 9.0)]


def test_a_fill_that_was_on_its_way_is_booked_and_guarded_while_halted() -> None:
    """The entry of 10 fills 4 after the halt; its leg is alive for them, and nothing is bought again."""
    stage = Stage({"a": {0: guarded(10, 9.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    assert canceled(say(stage, "halt")) == [entry.id]
    stage.fill(entry.id, 4, 10.0)
    stage.reply(entry.id, "cancel")
    assert sent(stage.update(entry.id, Work.CANCELED)) == []
    assert stage.lots("a") == 4
    stop = stage.state.blotter.tickets[entry.id + 1]
    assert (stop.leg, stop.work) == (False, Work.PENDING_REPLACE)  # alive, and on its way to being one of 4


def test_halt_leaves_an_exit_that_works() -> None:
    """A reduce-only sale at 11.00 cannot increase risk, so HALT has no reason to cancel it."""
    stage = desk("", {1: Target(0, lots=0, limit=11.0)})
    (exit,) = stage.accept(stage.bar(10.0))
    assert canceled(say(stage, "halt")) == []
    assert stage.work(exit.id) is Work.WORKING


# -- FLATTEN ------------------------------------------------------------------------------------------------------------


def test_flatten_cancels_and_sells_everything_of_everyone() -> None:
    plan_a = {0: (guarded(10, 9.0), Ladder(0, (Rung("b", BUY, 9.5, 3),)))}
    plan_b = {0: (Target(0, lots=-4), Target(1, lots=7))}
    at = 2 * MINUTE + 1
    run = play({"a": plan_a, "b": plan_b}, [10.0] * 5, [20.0] * 5, events=[Command(at, at, "flatten", "owner", "why")])
    assert run.engine.state.portfolio.lots == [0, 0]
    assert all(not any(book.lots) for book in run.engine.state.portfolio.books.values())
    assert (resting(run), resting(run, 1)) == ([], [])
    assert run.engine.state.portfolio.equity == 100_000 * USD


def test_flatten_is_cancel_confirm_sell() -> None:
    stage = Stage({"a": {0: guarded(10, 9.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 10.0)
    effects = say(stage, "flatten")
    assert (canceled(effects), sent(effects)) == ([entry.id + 1], [])
    stage.reply(entry.id + 1, "cancel")
    out = sent(stage.update(entry.id + 1, Work.CANCELED))
    assert [(order.side, order.lots, order.reduce_only) for order in out] == [(SELL, 10, True)]


@pytest.mark.parametrize("how", ["refused", "canceled", "expired"])
def test_flatten_verifies_and_loops_until_nothing_is_held(how: str) -> None:
    """Each time the venue ends the exit without a fill the next look at the market sends it again."""
    stage = desk("", {})
    (exit,) = stage.accept(say(stage, "flatten"))
    for _ in range(3):
        if how == "refused":
            stage.update(exit.id, Work.REJECTED)
        else:
            stage.update(exit.id, Work.CANCELED if how == "canceled" else Work.EXPIRED)
        effects = stage.bar(10.0)
        again = stage.accept(effects)
        assert [(order.side, order.lots) for order in again] == [(SELL, 10)]
        assert again[0].id != exit.id
        exit = again[0]
    stage.fill(exit.id, -10, 10.0)
    assert stage.bar(10.0) == ()
    assert stage.state.portfolio.lots == [0]


def test_flatten_takes_what_fills_late() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=10.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    assert canceled(say(stage, "flatten")) == [entry.id]
    stage.fill(entry.id, 4, 10.0)
    stage.reply(entry.id, "cancel")
    effects = [*stage.update(entry.id, Work.CANCELED), *stage.bar(10.0)]
    assert [order.side * order.lots for order in sent(effects)] == [-4]


def test_silence_is_enough_to_look_again() -> None:
    """No row comes any more; the pulse makes the engine look."""
    stage = desk("", {})
    (exit,) = stage.accept(say(stage, "flatten"))
    stage.update(exit.id, Work.CANCELED)
    effects = stage.tell(Timer, "pulse", after=100_000_000)
    assert [order.side * order.lots for order in sent(effects)] == [-10]


def test_a_strategy_that_insists_is_flattened_all_the_same() -> None:
    plan: dict[int, Any] = {k: Target(0, lots=10 + k % 2) for k in range(9)}
    at = 3 * MINUTE + 1
    run = play({"a": plan}, [10.0] * 9, events=[Command(at, at, "flatten", "owner", "why")])
    assert run.engine.state.portfolio.lots == [0]
    assert [(minute, lots) for minute, lots, _ in fills(run) if minute > 3] == [(4, -run_held(run, 4))]


def run_held(run: Any, minute: int) -> int:
    return sum(lots for at, lots, _ in fills(run) if at < minute)


def test_a_hand_trade_is_flattened_too() -> None:
    stage = Stage({"a": {}})
    stage.bar(10.0)
    stage.fill(999, 5, 10.0, "hand")
    assert [order.side * order.lots for order in sent(say(stage, "flatten"))] == [-5]


# -- DARK ---------------------------------------------------------------------------------------------------------------


def test_dark_leaves_the_position_protected() -> None:
    at = 2 * MINUTE + 1
    plan = {0: (guarded(10, 9.0), Ladder(0, (Rung("b", BUY, 9.5, 3),)))}
    run = play({"a": plan}, [10.0] * 5, events=[Command(at, at, "dark", "owner", "storm")])
    assert (run.engine.state.level, run.engine.state.level_cause) == (DARK, "storm")
    assert resting(run) == [("stop", -10, 9.0)]
    assert run.engine.state.portfolio.lots == [10]


# -- PROBE --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "want", "passes"),
    [
        (10.0, 60, 50),  # half a percent of 100,000 is 500: 50 lots at 10.00
        (10.0, 50, 50),
        (600.0, 4, 1),  # one lot may always go
        (250.0, 4, 2),
    ],
)
def test_a_probe_is_one_lot_or_half_a_percent_of_equity(price: float, want: int, passes: int) -> None:
    stage = Stage({"a": {1: Target(0, lots=want)}})
    stage.bar(price)
    say(stage, "halt")
    say(stage, "resume")
    assert stage.state.level == PROBE
    assert [order.lots for order in sent(stage.bar(price))] == [passes]


def test_resume_passes_through_probe_and_n_clean_reconciles_make_it_live() -> None:
    stage = desk("halt", {})
    say(stage, "resume")
    seen = []
    for positions in ({0: 10}, {0: 10}, {0: 9}, {0: 10}, {0: 10}, {0: 10}):
        stage.tell(Account, "USD", 0, 0, 0, positions)
        seen.append(stage.state.level)
    # the third is not clean, so the count begins anew
    assert seen == [PROBE] * 5 + [LIVE]
    assert stage.state.level_cause == "PROBE_CLEAN"


def test_n_is_a_setting() -> None:
    stage = Stage({"a": {}}, breakers=Breakers(probe_clean=1))
    say(stage, "halt")
    say(stage, "resume")
    stage.tell(Account, "USD", 0, 0, 0)
    assert stage.state.level == LIVE


def test_clean_reconciles_before_the_resume_do_not_count() -> None:
    stage = desk("halt", {})
    for _ in range(5):
        stage.tell(Account, "USD", 0, 0, 0, {0: 10})
    assert stage.state.level == HALT
    say(stage, "resume")
    stage.tell(Account, "USD", 0, 0, 0, {0: 10})
    assert stage.state.level == PROBE


# -- latches ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["reduce", "halt", "flatten", "dark", "resume"])
def test_without_a_typed_reason_nothing_is_done(verb: str) -> None:
    stage = desk("halt" if verb == "resume" else "", {})
    level = stage.state.level
    effects = say(stage, verb, reason="")
    assert [effect.code for effect in effects if isinstance(effect, Alarm)] == ["COMMAND_REASON"]
    assert stage.state.level == level


def test_an_unknown_word_is_an_alarm() -> None:
    stage = desk("", {})
    assert [effect.code for effect in say(stage, "explode") if isinstance(effect, Alarm)] == ["COMMAND_UNKNOWN"]


def test_a_level_is_a_record_with_its_cause_and_who_said_it() -> None:
    stage = desk("halt", {})
    latch = [record for _, record in stage.engine.journal.records() if isinstance(record, Latch)][-1]
    assert (latch.level, latch.cause, latch.by) == (HALT, "because", "owner")


@pytest.mark.parametrize(("first", "then"), [("halt", "reduce"), ("flatten", "reduce"), ("dark", "reduce")])
def test_a_lower_level_does_not_unlatch_a_higher_one(first: str, then: str) -> None:
    stage = desk(first, {})
    level = stage.state.level
    say(stage, then)
    assert stage.state.level == level


@pytest.mark.parametrize(("verb", "level"), [("reduce", REDUCE), ("halt", HALT), ("dark", DARK), ("flatten", FLATTEN)])
def test_a_latch_survives_a_restart(verb: str, level: int) -> None:
    at = 2 * MINUTE + 1
    plan = {0: Target(0, lots=10), 5: Target(0, lots=20)}
    events = [Command(at, at, verb, "owner", "why")]
    broken = wire({"a": plan}, [10.0] * 8, events=events)
    broken.engine.open(broken.cash)
    broken.replay.run(stop=4)
    fresh = wire({"a": plan}, [10.0] * 8, events=events)
    fresh.engine.journal = broken.engine.journal
    found = restart(fresh.engine, broken.engine.journal.records(), broken.replay.source.rows())
    assert (found.differed, found.changed) == ({}, [])
    assert (fresh.engine.state.level, fresh.engine.state.level_cause) == (level, "why")
    for bar in list(broken.replay.source.rows(fresh.engine.state.rows))[: 4 - fresh.engine.state.rows]:
        fresh.engine.step(bar)
    broken.replay.engine = fresh.engine
    broken.replay.run()
    assert fresh.engine.state.portfolio.lots == [0 if level == FLATTEN else 10]
    assert len([order for order in orders(fresh) if order.side == BUY]) == 1


# -- what exits bypass --------------------------------------------------------------------------------------------------


BYPASSED = [
    ({"daily_loss": {"max_pct": 1.0}}, "DAILY_LOSS"),
    ({"drawdown": {"max_pct": 1.0}}, "DRAWDOWN"),
    ({"trades_per_day": {"max_trades": 1}}, "TRADES_PER_DAY"),
    ({"order_rate": {"per_minute": 1}}, "ORDER_RATE"),
]


@pytest.mark.parametrize(("limits", "code"), BYPASSED)
def test_an_exit_bypasses_the_rules_for_new_risk(limits: dict[str, Any], code: str) -> None:
    """1,000 at 10.00, then 8.00: 2 % are lost and the trade of the day is spent. 1 more is refused, all 1,000 may go."""
    plan = {0: Target(0, lots=1000), 1: Target(0, lots=1001), 2: Target(0, lots=0)}
    stage = Stage({"a": plan}, limits=limits)
    (entry,) = stage.buy(stage.bar(10.0), 10.0)
    stage.minute -= 1  # the next bar is known in the same minute as the order before, so that rates bind
    stage.state.portfolio.check()
    assert sent(stage.row(_bar(stage, 8.0, 1))) == []
    assert codes(stage) == {code: 1}
    assert [order.side * order.lots for order in sent(stage.row(_bar(stage, 8.0, 2)))] == [-1000]
    assert codes(stage) == {code: 1}
    assert entry.side == BUY


def _bar(stage: Stage, close: float, k: int) -> Any:
    """The bar of minute k as the plan counts, known k seconds after the first one."""
    from argosy.core.events import Bar

    return Bar(k * MINUTE, MINUTE + k * SECOND, 0, close, close, close, close, 1e6, MINUTE)


def test_an_exit_that_looks_like_the_one_before_is_no_duplicate() -> None:
    """5 out, 5 in, 5 out within a second: the second entry is a duplicate, a second exit is none."""
    plan = {0: Target(0, lots=10), 1: Target(0, lots=5), 2: Target(0, lots=10), 3: Target(0, lots=0)}
    stage = Stage({"a": plan}, limits={"duplicate": {"window_ms": 60_000}})
    stage.buy(stage.bar(10.0), 10.0)
    assert [order.lots for order in stage.buy(stage.row(_bar(stage, 10.0, 1)), 10.0)] == [5]
    assert [order.lots for order in stage.buy(stage.row(_bar(stage, 10.0, 2)), 10.0)] == [5]  # the first entry of 5
    assert [order.lots for order in sent(stage.row(_bar(stage, 10.0, 3)))] == [10]
    assert codes(stage) == {}


def test_an_entry_that_looks_like_the_one_before_is_a_duplicate() -> None:
    plan = {0: Target(0, lots=5), 1: Target(0, lots=10)}
    stage = Stage({"a": plan}, limits={"duplicate": {"window_ms": 60_000}})
    stage.buy(stage.bar(10.0), 10.0)
    assert sent(stage.row(_bar(stage, 10.0, 1))) == []
    assert codes(stage) == {"DUPLICATE": 1}


@pytest.mark.parametrize(
    ("limits", "exit", "code"),
    [
        ({"order_size": {"max_lots": 10}}, Target(0, lots=0), "MAX_ORDER_QTY"),
        ({"order_size": {"max_notional": 150.0}}, Target(0, lots=0), "MAX_ORDER_NOTIONAL"),
        ({"collar": {"max_pct": 5.0}}, Target(0, lots=0, limit=9.0), "PRICE_COLLAR"),
    ],
)
def test_an_exit_never_bypasses_size_or_price_sanity(limits: dict[str, Any], exit: Target, code: str) -> None:
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=20), 2: exit}}, limits=limits)
    stage.buy(stage.bar(10.0), 10.0)
    stage.buy(stage.bar(10.0), 10.0)
    held = stage.lots("a")
    assert sent(stage.bar(10.0)) == []
    assert code in codes(stage)
    assert stage.lots("a") == held


def test_an_exit_passes_a_halted_desk_but_not_a_halted_instrument() -> None:
    from argosy.core.events import Status

    stage = desk("halt", {1: Target(0, lots=0)})
    stage.tell(Status, 0, True, "news")
    assert sent(stage.bar(10.0)) == []
    assert codes(stage) == {"HALTED": 1}


# -- breakers and cash flows --------------------------------------------------------------------------------------------


BREAK = Breakers(daily_loss_frac=0.02)
DAY_0 = Session(0, 0, "24/7", True, 0, 10_000 * MINUTE)


def losing(prices: list[float], flows: dict[int, float] | None = None, breakers: Breakers = BREAK) -> list[int]:
    """500 shares at 100.00 of an account of 100,000; the level after each next minute. flows: minute -> deposit before its bar."""
    stage = Stage({"a": {0: Target(0, lots=500)}}, breakers=breakers)
    stage.engine.step(DAY_0)
    stage.buy(stage.bar(100.0), 100.0)
    levels = []
    for k, price in enumerate(prices):
        if flows and k in flows:
            stage.tell(CashFlow, "USD", int(flows[k] * USD))
        stage.bar(price)
        levels.append(stage.state.level)
    return levels


@pytest.mark.parametrize(
    ("prices", "levels"),
    [
        ([97.0, 96.01, 96.0, 97.0], [LIVE, LIVE, REDUCE, REDUCE]),  # 1,995 are 1.995 %, 2,000 are 2 %
        ([96.0, 94.01, 94.0, 100.0], [REDUCE, REDUCE, HALT, HALT]),  # half as much again: 3 %
        ([94.0], [HALT]),
    ],
)
def test_a_days_loss_latches_reduce_and_half_as_much_again_halt(prices: list[float], levels: list[int]) -> None:
    assert losing(prices) == levels


def test_a_drawdown_is_from_the_peak() -> None:
    """Up to 105,000, then down 5 % of that: 99,750, which is 99.50 a share."""
    assert losing([110.0, 99.51, 99.5], breakers=Breakers(drawdown_frac=0.05)) == [LIVE, LIVE, REDUCE]


def test_a_withdrawal_is_no_loss_and_no_drawdown() -> None:
    both = Breakers(daily_loss_frac=0.02, drawdown_frac=0.02)
    assert losing([100.0, 100.0, 100.0], {1: -40_000.0}, both) == [LIVE] * 3


def test_a_deposit_is_no_profit_and_hides_no_loss() -> None:
    """1,900 are lost; a deposit of 900 leaves a loss of 1,900, of a start of 100,900 now: 1.88 %. 2,018 are the 2 %."""
    assert losing([96.2, 96.2, 95.97, 95.96], {1: 900.0}) == [LIVE, LIVE, LIVE, REDUCE]


def test_a_deposit_raises_peak_and_day_start_by_itself() -> None:
    stage = desk("", {})
    before = (stage.state.peak, stage.state.day_start, stage.state.portfolio.equity)
    stage.tell(CashFlow, "USD", 5_000 * USD)
    assert (stage.state.peak, stage.state.day_start, stage.state.portfolio.equity) == tuple(was + 5_000 * USD for was in before)
    stage.tell(CashFlow, "USD", -7_000 * USD, "a")
    assert (stage.state.peak, stage.state.day_start, stage.state.portfolio.equity) == tuple(was - 2_000 * USD for was in before)
    assert stage.state.portfolio.books["a"].realised[0] == 0


def test_a_deposit_whose_rate_comes_later_is_no_profit_of_the_day() -> None:
    from argosy.engine.portfolio import Fx

    table = Instruments([Instrument(symbol="SAP", currency="EUR"), Instrument(symbol="EURUSD", kind="fx")])
    stage = Stage({"a": {}}, table=table, fx=(Fx("EUR", 1),))
    stage.engine.step(DAY_0)
    stage.tell(CashFlow, "EUR", 10_000 * USD)
    stage.bar(1.25, i=1)
    assert stage.state.portfolio.equity == 112_500 * USD
    assert stage.state.day_start == stage.state.portfolio.equity


def test_a_new_day_starts_from_its_own_equity() -> None:
    stage = Stage({"a": {0: Target(0, lots=500)}}, breakers=BREAK)
    stage.engine.step(DAY_0)
    stage.buy(stage.bar(100.0), 100.0)
    stage.bar(97.0)
    stage.tell(Session, "24/7", False, 0, 0)
    stage.tell(Session, "24/7", True, 1, 10_000 * MINUTE)
    assert stage.state.day_start == 98_500 * USD
    stage.bar(94.0)  # 3 % of the first day, 1.52 % of this one
    assert stage.state.level == LIVE
    stage.bar(93.0)  # 2,000 of 98,500
    assert stage.state.level == REDUCE


def test_a_breaker_that_fires_cancels_in_the_same_instant() -> None:
    """At HALT the entry that still works is taken back by the row that broke the day."""
    stage = Stage({"a": {0: (Target(0, lots=500), Target(1, lots=10, limit=5.0))}}, instruments=2, breakers=BREAK)
    stage.engine.step(DAY_0)
    (first,) = stage.accept(stage.bar(100.0))
    stage.minute -= 1
    (second,) = stage.accept(stage.bar(10.0, i=1))
    stage.fill(first.id, 500, 100.0)
    effects = stage.bar(90.0)
    assert canceled(effects) == [second.id]
    assert stage.state.level == HALT


def test_breakers_are_off_in_the_lab_unless_asked() -> None:
    assert losing([50.0, 10.0], breakers=Breakers()) == [LIVE, LIVE]


def test_a_latch_from_outside_acts_like_a_word_of_the_owner() -> None:
    """A standby or a watchdog hands over its latch: what can enlarge is cancelled."""
    stage = Stage({"a": {0: Target(0, lots=10, limit=9.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    effects = stage.tell(Latch, HALT, "LEASE")
    assert canceled(effects) == [entry.id]
    assert [type(effect) for effect in effects] == [Cancel]


def test_refusals_of_a_level_are_in_the_journal_with_their_numbers() -> None:
    stage = desk("halt", {1: Target(0, lots=15)})
    stage.bar(10.0)
    verdicts = [record for _, record in stage.engine.journal.records() if isinstance(record, Verdict)]
    assert [(verdict.outcome.code, verdict.outcome.numbers) for verdict in verdicts] == [("HALTED_DESK", {"level": HALT})]  # type: ignore[union-attr]
    assert not [record for _, record in stage.engine.journal.records() if isinstance(record, Submit)]


def test_trades_are_counted_for_the_account_and_reset_by_the_session() -> None:
    plan = {k: Target(0, lots=k + 1) for k in range(6)}
    run = play({"a": plan}, [10.0] * 8, events=[DAY_0, Session(3 * MINUTE + 1, 3 * MINUTE + 1, "24/7", True, 1, 10_000 * MINUTE)],
               limits={"trades_per_day": {"max_trades": 2}})  # fmt: skip
    # entries at minutes 0 and 1; 2 is refused; the bar of 3 is known in the new session: 3 and 4 pass, 5 is refused
    assert [verdict.outcome.code for verdict in records(run, Verdict)] == ["TRADES_PER_DAY"] * 2
    assert [minute for minute, _, _ in fills(run)] == [1, 2, 4, 5]
    assert run.engine.state.counters.trades_in_all == 2
