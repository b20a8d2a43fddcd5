"""HEART §12 and the post-trade breakers: at a limit REDUCE, at half as much again HALT; each told once, latched over a restart, left by resume."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.effects import Alarm
from argosy.core.events import Account, CashFlow, Command, Latch, Link, Reply, Session, Status, Timer
from argosy.core.intents import Target
from argosy.core.time import MINUTE, MS, SECOND
from argosy.engine.breakers import DESK, LAB, PROFILES
from argosy.engine.engine import Breakers
from argosy.engine.restart import restart
from argosy.engine.state import DRIFT
from tests.walks.hand import USD, Stage, play, records, sent

LIVE, REDUCE, HALT, FLATTEN, DARK, PROBE = 0, 1, 2, 3, 4, -1


def alarms(effects: Any) -> list[str]:
    return [effect.code for effect in effects if isinstance(effect, Alarm)]


def flips(n: int, lots: int = 10) -> dict[int, Target]:
    return {k: Target(0, lots=lots if k % 2 == 0 else 0) for k in range(n)}


def deal(stage: Stage, effects: Any, price: float) -> Any:
    """Accept and fill what the effects submit; what came of the fills."""
    out: list[Any] = []
    for order in stage.accept(effects):
        out += stage.fill(order.id, order.side * order.lots, price)
    return out


# -- each breaker: quiet below its limit, L1 at it, L2 at half as much again ----------------------------------------------


def refuse(stage: Stage, count: int) -> list[Any]:
    """The venue refuses `count` orders, a second apart."""
    out: list[Any] = []
    for k in range(count):
        out += stage.tell(Reply, 10_000 + k, "submit", "refused", "NO", after=SECOND)
    return out


def drift(stage: Stage, count: int) -> list[Any]:
    out: list[Any] = []
    for i in range(count):
        out += stage.tell(Status, i, True, DRIFT)
    return out


def lose(stage: Stage, count: int) -> list[Any]:
    """`count` trades bought at 100 and sold at 99, in two parts each."""
    out: list[Any] = []
    for _ in range(count):
        deal(stage, stage.bar(100.0), 100.0)
        (order,) = stage.accept(stage.bar(99.0))
        out += stage.fill(order.id, -4, 99.0)
        out += stage.fill(order.id, -6, 99.0)
    return out


def repeat(stage: Stage, count: int) -> list[Any]:
    """`count` buys that fill within the minute, each in two parts, and a sale as often."""
    out: list[Any] = []
    for k in range(count):
        stage.minute -= 1
        (order,) = stage.accept(stage.row(at(stage, 100.0, k * SECOND)))
        out += stage.fill(order.id, 4, 100.0)
        out += stage.fill(order.id, 6, 100.0)
    return out


def at(stage: Stage, price: float, after: int) -> Any:
    from argosy.core.events import Bar

    stage.minute += 1
    ts = stage.minute * MINUTE + after
    return Bar(ts, ts + MINUTE, 0, price, price, price, price, 1e6, MINUTE)


class Grows:
    """Wants ten more on each bar."""

    def on_bar(self, bar: Any, book: Any) -> Any:
        return Target(0, lots=book.lots(0) + 10)


def silent(stage: Stage, tenths: int) -> list[Any]:
    """No row comes for so many tenths of a second; heartbeats do."""
    out: list[Any] = []
    for _ in range(tenths):
        out += stage.tell(Timer, "pulse", after=100 * MS)
    return out


def shrinking(breakers: Breakers) -> Stage:
    """100 are held at 100, and a strategy that sells ten on each bar."""

    class Shrinks:
        def on_bar(self, bar: Any, book: Any) -> Any:
            return Target(0, lots=100 if not book.lots(0) else book.lots(0) - 10)

    stage = Stage({"a": Shrinks}, breakers=breakers)
    deal(stage, stage.bar(100.0), 100.0)
    stage.minute += 5
    return stage


def sell(stage: Stage, count: int, price: float) -> list[Any]:
    """Ten are sold `count` times, a second apart."""
    out: list[Any] = []
    for _ in range(count):
        stage.minute -= 1
        stage.sold = getattr(stage, "sold", 0) + 1  # type: ignore[attr-defined]
        out += deal(stage, stage.row(at(stage, price, stage.sold * SECOND)), price)  # type: ignore[attr-defined]
    return out


CASES: dict[str, tuple[Breakers, Any, int, int, int]] = {
    # cause: (breakers, what happens n times, n below, n at L1, n at L2)
    "REJECT_STORM": (Breakers(rejects=4), refuse, 3, 4, 6),
    "RECONCILE_DRIFT": (Breakers(drifts=2), drift, 1, 2, 3),
    "CONSECUTIVE_LOSSES": (Breakers(losses=2), lose, 1, 2, 3),
    "REPEATED_EXECUTION": (Breakers(repeats=4), repeat, 3, 4, 6),
    "FEED_GAP": (Breakers(silence_s=2.0), silent, 19, 20, 30),
}


def begun(cause: str) -> Stage:
    plan: Any = Grows if cause == "REPEATED_EXECUTION" else flips(40) if cause == "CONSECUTIVE_LOSSES" else {}
    stage = Stage({"a": plan}, instruments=4, breakers=CASES[cause][0])
    if cause == "FEED_GAP":
        stage.bar(100.0)
    return stage


@pytest.mark.parametrize("cause", CASES)
def test_a_breaker_is_quiet_below_its_limit_reduces_at_it_and_halts_at_half_as_much_again(cause: str) -> None:
    _, happen, below, first, second = CASES[cause]
    quiet = begun(cause)
    assert (alarms(happen(quiet, below)), quiet.state.level) == ([], LIVE)
    stage = begun(cause)
    assert alarms(happen(stage, first)) == [cause]
    assert (stage.state.level, stage.state.level_cause) == (REDUCE, cause)
    if cause == "RECONCILE_DRIFT":
        happen(stage, second)
    elif cause in ("REJECT_STORM", "FEED_GAP"):
        assert alarms(happen(stage, second - first)) == [cause]
    else:  # at REDUCE nobody buys any more; exits go on, and may bring the next level
        stage = shrinking(CASES[cause][0])
        assert alarms(sell(stage, first, 99.0)) == [cause]
        assert (stage.state.level, stage.state.level_cause) == (REDUCE, cause)
        assert alarms(sell(stage, second - first, 99.0)) == [cause]
    assert (stage.state.level, stage.state.level_cause) == (HALT, cause)
    assert [latch.cause for latch in records(stage.run, Latch) if latch.by == "engine" and latch.level > 0][-1] == cause


@pytest.mark.parametrize("cause", CASES)
def test_in_the_lab_nothing_latches_unless_asked(cause: str) -> None:
    stage = begun(cause)
    off = Stage({"a": Grows if cause == "REPEATED_EXECUTION" else flips(40) if cause == "CONSECUTIVE_LOSSES" else {}}, instruments=4)
    if cause == "FEED_GAP":
        off.bar(100.0)
    CASES[cause][1](off, CASES[cause][4])
    assert off.state.level == LIVE
    assert off.state.storms is None
    assert stage.state.storms is not None


@pytest.mark.parametrize("cause", CASES)
def test_a_latch_and_what_led_to_it_outlive_a_restart(cause: str) -> None:
    """Stopped one short of the limit, the fresh engine counts on: what would have latched does."""
    breakers, happen, below, first, _ = CASES[cause]
    stage = begun(cause)
    happen(stage, below)
    stage.engine.mark_rows()  # so that the journal knows of the last row too
    plan: Any = Grows if cause == "REPEATED_EXECUTION" else flips(40) if cause == "CONSECUTIVE_LOSSES" else {}
    fresh = Stage({"a": plan}, instruments=4, breakers=breakers, opened=False)
    fresh.engine.journal = stage.engine.journal
    fresh.minute, fresh.count, fresh.rows = stage.minute, stage.count, stage.rows
    restart(fresh.engine, stage.engine.journal.records(), iter(list(stage.rows)))
    assert fresh.state.hash == stage.state.hash
    if cause == "FEED_GAP":  # heartbeats that did nothing are not recorded: the clock goes on from where it was
        fresh.state.now = stage.state.now
        happen(fresh, first - below)
    elif cause == "REJECT_STORM":
        fresh.tell(Reply, 10_900, "submit", "refused", "NO", after=SECOND)
    elif cause == "RECONCILE_DRIFT":
        fresh.tell(Status, 3, True, DRIFT)
    else:
        happen(fresh, 1)
    assert (fresh.state.level, fresh.state.level_cause) == (REDUCE, cause)


# -- how each counts -------------------------------------------------------------------------------------------------------


def test_equity_that_falls_fast_reduces_and_one_that_falls_slowly_does_not() -> None:
    """500 shares of 100,000: a dollar is half a percent. Two within five minutes are 1 %; one each three minutes never is."""
    fast = [100.0, 100.0, 99.9, 98.9, 97.9]
    run = play({"a": {0: Target(0, lots=500)}}, fast, breakers=Breakers(velocity_frac=0.01, velocity_s=300))
    assert [(latch.level, latch.cause, latch.known // MINUTE) for latch in records(run, Latch)] == [(1, "PNL_VELOCITY", 5)]
    slow = [100.0, 100.0] + [99.0 - k // 6 for k in range(40)]
    assert records(play({"a": {0: Target(0, lots=500)}}, slow, breakers=Breakers(velocity_frac=0.01, velocity_s=300)), Latch) == []
    halt = [100.0, 100.0, 97.0]
    run = play({"a": {0: Target(0, lots=500)}}, halt, breakers=Breakers(velocity_frac=0.01, velocity_s=300))
    assert [latch.level for latch in records(run, Latch)] == [2]


def test_a_withdrawal_is_no_fall() -> None:
    gone = [CashFlow(3 * MINUTE + 1, 3 * MINUTE + 1, "USD", -50_000 * USD), CashFlow(4 * MINUTE + 1, 4 * MINUTE + 1, "USD", 30_000 * USD)]
    run = play({"a": {0: Target(0, lots=100)}}, [100.0] * 8, events=gone, breakers=Breakers(velocity_frac=0.01))
    assert records(run, Latch) == []


def test_refusals_and_executions_are_forgotten_when_their_time_is_over() -> None:
    stage = Stage({"a": {}}, breakers=Breakers(rejects=3, rejects_s=10))
    for _ in range(9):
        stage.tell(Reply, 5, "submit", "refused", "NO", after=5 * SECOND + 1)
    assert stage.state.level == LIVE
    stage = Stage({"a": Grows}, breakers=Breakers(repeats=3))
    for _ in range(9):
        deal(stage, stage.bar(100.0), 100.0)  # a minute apart: two within any minute
    assert stage.state.level == LIVE


def test_a_cancel_that_came_too_late_is_no_refusal_of_an_order() -> None:
    stage = Stage({"a": {}}, breakers=Breakers(rejects=2))
    for _ in range(5):
        stage.tell(Reply, 5, "cancel", "refused", "TOO_LATE")
    assert stage.state.level == LIVE


def test_a_gain_ends_a_streak_and_a_hand_trade_is_none_of_ours() -> None:
    stage = Stage({"a": flips(12)}, breakers=Breakers(losses=2, repeats=2))
    for price in (99.0, 101.0, 99.0):
        stage.minute += 2  # so that repeats are apart
        deal(stage, stage.bar(100.0), 100.0)
        deal(stage, stage.bar(price), price)
    assert stage.state.storms is not None
    assert (stage.state.level, stage.state.storms.losses) == (LIVE, 1)
    for k in range(5):
        stage.fill(9_000 + k, 1, 100.0, f"hand{k}")
    assert stage.state.level == LIVE


def test_silence_counts_in_session_only_and_from_its_opening() -> None:
    stage = Stage({"a": {}}, breakers=Breakers(silence_s=2.0))
    silent(stage, 100)
    assert stage.state.level == LIVE  # nothing was ever heard, and nothing was said to be open
    stage.bar(100.0)
    stage.tell(Session, "24/7", False, 0, 0)
    silent(stage, 100)
    assert stage.state.level == LIVE
    stage.tell(Session, "24/7", True, 1, stage.now + 10_000 * SECOND)
    silent(stage, 19)
    assert stage.state.level == LIVE
    stage.tell(Status, 0, True, "news")
    silent(stage, 100)
    assert stage.state.level == LIVE  # what is halted owes no price
    stage.tell(Status, 0, False, "news")
    silent(stage, 1)
    assert (stage.state.level, stage.state.level_cause) == (HALT, "FEED_GAP")


def test_the_profiles() -> None:
    assert PROFILES == {"lab": LAB, "desk": DESK}
    assert not LAB.watching
    assert (DESK.daily_loss_frac, DESK.drawdown_frac, DESK.probe_clean) == (0.02, 0.10, 3)
    assert all(getattr(DESK, name) > 0 for name in ("velocity_frac", "losses", "rejects", "repeats", "drifts", "silence_s"))
    assert DESK.dark == "leave"


# -- resume ----------------------------------------------------------------------------------------------------------------


def resume(stage: Stage, reason: str = "looked into") -> Any:
    return stage.tell(Command, "resume", "owner", reason)


@pytest.mark.parametrize("cause", CASES)
def test_only_resume_with_a_reason_leads_out_through_probe(cause: str) -> None:
    stage = begun(cause)
    CASES[cause][1](stage, CASES[cause][3])
    if cause == "RECONCILE_DRIFT":
        for i in range(4):
            stage.tell(Status, i, False, DRIFT)
    assert stage.state.level == REDUCE
    resume(stage, "")
    assert stage.state.level == REDUCE
    resume(stage)
    assert stage.state.level == PROBE
    storms = stage.state.storms
    assert storms is not None
    assert (storms.losses, storms.refusals(stage.now), storms.repeated(stage.now)[0]) == (0, 0, 0)
    stage.minute = max(stage.minute, stage.now // MINUTE)
    lots = dict(enumerate(stage.state.portfolio.lots))
    for _ in range(3):
        assert stage.state.level == PROBE
        stage.tell(Account, "USD", 0, 0, 0, lots)
    assert (stage.state.level, stage.state.level_cause) == (LIVE, "PROBE_CLEAN")


def test_what_was_lost_before_a_resume_is_not_held_against_it_but_what_comes_after_is() -> None:
    """2 % are lost: REDUCE. Resumed at 98,000; the next 2 % are of that: 1,960."""
    stage = Stage({"a": {0: Target(0, lots=500)}}, breakers=Breakers(daily_loss_frac=0.02, drawdown_frac=0.02))
    stage.tell(Session, "24/7", True, 0, 10_000 * MINUTE)
    deal(stage, stage.bar(100.0), 100.0)
    stage.bar(96.0)
    assert stage.state.causes == ["DAILY_LOSS"]
    stage.tell(Latch, REDUCE, "DRAWDOWN")
    resume(stage)
    stage.bar(96.0)
    assert (stage.state.level, stage.state.day_base, stage.state.peak) == (PROBE, 98_000 * USD, 98_000 * USD)
    stage.bar(92.1)  # 1,950 of 98,000
    assert stage.state.level == PROBE
    stage.bar(92.08)  # 1,960
    assert (stage.state.level, stage.state.day_start) == (REDUCE, 100_000 * USD)


def test_the_peak_stays_where_no_drawdown_was_latched() -> None:
    stage = Stage({"a": {0: Target(0, lots=100)}}, breakers=Breakers(drawdown_frac=0.5))
    deal(stage, stage.bar(100.0), 100.0)
    stage.bar(90.0)
    stage.tell(Command, "halt", "owner", "tea")
    resume(stage)
    assert stage.state.peak == 100_000 * USD


def test_a_comparison_is_not_clean_while_something_drifts_or_a_connection_is_not_up() -> None:
    stage = Stage({"a": {}}, breakers=Breakers(probe_clean=1))
    stage.tell(Command, "halt", "owner", "why")
    resume(stage)
    stage.tell(Link, "account", "reconciling")
    stage.tell(Account, "USD", 0, 0, 0)
    assert stage.state.level == PROBE
    stage.tell(Link, "account", "up")
    stage.tell(Status, 0, True, DRIFT)
    stage.tell(Account, "USD", 0, 0, 0)
    assert stage.state.level == PROBE
    stage.tell(Status, 0, False, DRIFT)
    stage.tell(Account, "USD", 0, 0, 0)
    assert stage.state.level == LIVE


def test_breakers_that_count_keep_a_run_off_the_compiled_way() -> None:
    """A run of a plain step with them on steps each row, and ends as one without."""
    from argosy.core.instrument import Instrument, Instruments
    from argosy.house import Wanted, assemble
    from tests.journals.make import Steps
    from tests.walks.hand import tape, terms

    rows = tape([(10.0, 10.4, 9.6, 10.0 + 0.1 * ((k * 7) % 5 - 2)) for k in range(40)])
    found = []
    for breakers in (Breakers(), Breakers(rejects=99, repeats=3, repeats_s=1e9)):
        run = assemble([Wanted("steps", Steps)], (Instruments([Instrument(symbol="S0")]), [rows], []), terms(breakers=breakers), scan_from=1)
        run.go()
        found.append((run.engine.state.level, len(records(run, Latch))))
    assert found == [(LIVE, 0), (REDUCE, 1)]


def test_sent_orders_of_a_desk_end_where_the_level_says() -> None:
    """At REDUCE by a breaker a new entry is refused by the code, an exit passes."""
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=20), 2: Target(0, lots=0)}}, breakers=Breakers(rejects=1))
    deal(stage, stage.bar(100.0), 100.0)
    refuse(stage, 1)
    assert sent(stage.bar(100.0)) == []
    assert stage.state.counters.refusals["REDUCE_ONLY"] == 1
    assert [order.side * order.lots for order in sent(stage.bar(100.0))] == [-10]


def test_when_a_compiled_way_must_look_again() -> None:
    """(equity at or below which, fraction below the peak): of the next level that may come, from the base that counts."""
    inf = float("inf")
    stage = Stage({"a": {}}, breakers=Breakers(daily_loss_frac=0.02, drawdown_frac=0.1))
    levels = stage.engine.levels
    assert levels.alert() == (98_000.0 * USD + 1.0, 0.1 * (1 - 1e-9))
    stage.state.level = REDUCE
    assert levels.alert() == (97_000.0 * USD + 1.0, pytest.approx(0.15))
    stage.state.level = HALT
    assert levels.alert() == (-inf, inf)
    assert Stage({"a": {}}, breakers=Breakers()).engine.levels.alert() == (-inf, inf)
