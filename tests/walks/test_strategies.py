"""HEART §3: plain classes with handlers; needs equal in bulk and streamed; one that raises is quarantined and the others finish."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from argosy.core.effects import Alarm
from argosy.core.events import Bar, Fill, Forecast, Session
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Order, Work
from argosy.core.strategy import Every, OnFact
from argosy.core.time import DAY, MINUTE
from argosy.engine.journal import Standing
from argosy.kernels.indicators import sma
from tests.walks.hand import USD, Stage, canceled, fills, lots, play, records, resting, says, sent, wire


class Raises:
    """Buys at minute 0 with a stop, and raises at minute 2."""

    def on_bar(self, bar: Bar, book: Any) -> Any:
        if bar.ts == 0:
            return Target(0, lots=5, protection=Protection(stop=9.0)), Ladder(0, (Rung("low", BUY, 8.0, 3),))
        if bar.ts == 2 * MINUTE:
            raise ZeroDivisionError("no reason")
        return None


def test_one_that_raises_is_quarantined_and_the_others_finish() -> None:
    run = play({"bad": Raises, "good": {3: Target(0, lots=2)}}, [10.0] * 6)
    engine = run.engine
    assert engine.state.status == {"bad": "quarantined", "good": "active"}
    assert [(failure.strategy, failure.known, failure.error) for failure in engine.failures] == [
        ("bad", 3 * MINUTE, "ZeroDivisionError: no reason")
    ]
    assert "ZeroDivisionError" in engine.failures[0].trace
    assert "Bar(" in engine.failures[0].event
    assert (lots(run, "bad"), lots(run, "good")) == (5, 2)
    assert [record.status for record in records(run, Standing)] == ["quarantined"]


def test_quarantine_cancels_the_ladder_and_keeps_the_protection() -> None:
    run = play({"bad": Raises}, [10.0] * 3)
    assert resting(run) == [("stop", -5, 9.0)]
    assert lots(run, "bad") == 5


def test_quarantine_by_the_policy_flatten_sells_what_it_held() -> None:
    run = play({"bad": Raises}, [10.0, 10.0, 10.0, 11.0], on_failure="flatten")
    assert fills(run) == [(1, 5, 10.0), (3, -5, 11.0)]
    assert resting(run) == []


def test_quarantine_pages_the_owner_and_the_alarm_is_recorded() -> None:
    run = play({"bad": Raises}, [10.0] * 3)
    alarms = records(run, Alarm)
    assert [(alarm.code, alarm.severity) for alarm in alarms] == [("STRATEGY_QUARANTINED", "page")]


def test_the_quarantined_strategy_is_not_called_again() -> None:
    calls: list[tuple[int, int]] = []

    class Once:
        def on_bar(self, bar: Bar, book: Any) -> None:
            calls.append((bar.ts // MINUTE, bar.instrument))
            raise RuntimeError

    run = play({"bad": Once}, [10.0] * 3, [20.0] * 3)
    assert calls == [(0, 0)]
    assert len(run.engine.failures) == 1


def test_what_it_wanted_in_the_instant_in_which_it_raised_is_dropped() -> None:
    class Half:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            if bar.instrument == 1:
                raise RuntimeError
            return Target(0, lots=5)

    run = play({"bad": Half}, [10.0] * 3, [20.0] * 3)
    assert fills(run) == []


class Nonsense:
    def __init__(self, answer: Any) -> None:
        self.answer = answer


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("buy", "INTENT_KIND"),
        ([Target(0, lots=1)], "INTENT_KIND"),
        (Target(7, lots=1), "INSTRUMENT_UNBOUND"),
        (Target(1, lots=1), "INSTRUMENT_UNBOUND"),
        (Target(0), "TARGET_SIZE"),
        (Target(0, lots=1, weight=0.5), "TARGET_SIZE"),
        (Target(0, lots=1.5), "TARGET_SIZE"),  # type: ignore[arg-type]
        (Target(0, weight=float("nan")), "TARGET_SIZE"),
        (Target(0, weight=float("inf")), "TARGET_SIZE"),
        (Target(0, lots=1 << 70), "OVERFLOW"),
        (Target(0, weight=1e200), "OVERFLOW"),
        (Ladder(0, (Rung("a", BUY, 9.0, 1), Rung("a", BUY, 8.0, 1))), "LADDER_TAGS"),
    ],
)
def test_nonsense_is_quarantined_by_a_code_and_nothing_is_sent(answer: Any, code: str) -> None:
    class Odd:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            return answer

    from tests.walks.hand import Wanted

    run = play({"odd": Wanted("odd", Odd, symbols=("S0",)), "good": {1: Target(0, lots=1)}}, [10.0] * 4, [20.0] * 4)
    assert [failure.error.split(": ")[1] for failure in run.engine.failures] == [code]
    assert run.engine.state.status["odd"] == "quarantined"
    assert fills(run) == [(2, 1, 10.0)]


def test_an_intent_while_warming_is_an_error() -> None:
    class Eager:
        needs = {"fast": sma(3)}

        def on_bar(self, bar: Bar, book: Any) -> Any:
            return Target(0, lots=1)

    run = play({"a": Eager}, [10.0] * 5)
    assert [failure.error.split(": ")[1] for failure in run.engine.failures] == ["INTENT_WARMING"]
    assert fills(run) == []


def test_a_patient_strategy_is_warm_at_the_row_at_which_its_needs_are_known() -> None:
    seen: list[tuple[bool, float]] = []

    class Patient:
        needs = {"fast": sma(3)}

        def on_bar(self, bar: Bar, book: Any) -> None:
            seen.append((book.warming, book.needs(0).fast))

    play({"a": Patient}, [10.0, 11.0, 15.0, 16.0])
    assert [warming for warming, _ in seen] == [True, True, False, False]
    assert [value for _, value in seen[2:]] == [12.0, 14.0]


def test_needs_in_bulk_and_streamed_are_equal_to_the_bit() -> None:
    rows = [10.01, 10.07, 9.93, 10.11, 10.5, 10.49, 10.02]
    seen: dict[bool, list[float]] = {True: [], False: []}
    from argosy.core.instrument import Instrument, Instruments
    from argosy.house import Wanted, assemble
    from tests.walks.hand import tape, terms

    for bulk, out in seen.items():

        class Reads:
            needs = {"fast": sma(3)}
            own = out

            def on_bar(self, bar: Bar, book: Any) -> None:
                self.own.append(book.needs(0).fast)

        assemble([Wanted("a", Reads)], (Instruments([Instrument(symbol="S0")]), [tape(rows)], []), terms(), bulk=bulk).go()
    assert repr(seen[True]) == repr(seen[False])
    assert len(seen[True]) == 7


def test_a_step_strategy_writes_a_wanted_position_that_stands_until_it_changes() -> None:
    class Steps:
        unit = "lots"

        @staticmethod
        def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
            out.target = 3.0 if row.close > 10.0 else 0.0

    run = play({"a": Steps}, [10.0, 11.0, 12.0, 9.0, 9.5])
    assert fills(run) == [(2, 3, 12.0), (4, -3, 9.5)]


def test_on_fill_hears_only_the_own_part_of_a_shared_fill() -> None:
    heard: list[tuple[str, int]] = []

    def hears(name: str, want: int) -> type:
        class Hears:
            def on_bar(self, bar: Bar, book: Any) -> Any:
                return Target(0, lots=want) if bar.ts == 0 else None

            def on_fill(self, fill: Fill, book: Any) -> None:
                heard.append((name, fill.lots))
                assert book.lots(0) == want

        return Hears

    run = play({"a": hears("a", 2), "b": hears("b", 5)}, [10.0, 10.0])
    assert fills(run) == [(1, 7, 10.0)]
    assert heard == [("a", 2), ("b", 5)]


def test_the_book_shows_own_lots_cash_orders_and_forecasts_and_nothing_of_others() -> None:
    seen: list[Any] = []

    class Looks:
        window = 2

        def on_bar(self, bar: Bar, book: Any) -> Any:
            seen.append((book.lots(0), book.cash, [order.lots for order in book.resting(0)], book.window(0, 2)[:, 3].tolist()))
            forecast = book.forecast(0, "m")
            seen.append(None if forecast is None else forecast.mean)
            return Target(0, lots=4, limit=8.0) if bar.ts == 0 else None

    events = [Forecast(MINUTE + 1, MINUTE + 1, "m", 0, 0.02, 0.01, DAY)]
    play({"a": Looks, "b": {0: Target(0, lots=9)}}, [10.0, 11.0], events=events)
    assert seen[0][:3] == (0, 50_000.0, [])
    assert seen[1:] == [None, (0, 50_000.0, [4], [10.0, 11.0]), 0.02]


def test_the_book_cannot_be_written() -> None:
    caught: list[str] = []

    class Meddles:
        window = 1

        def on_bar(self, bar: Bar, book: Any) -> None:
            for change in (lambda: setattr(book, "cash", 1.0), lambda: book.window(0, 1).__setitem__((0, 0), 1.0)):
                try:
                    change()
                except (AttributeError, ValueError) as error:
                    caught.append(type(error).__name__)

    play({"a": Meddles}, [10.0])
    assert caught == ["AttributeError", "ValueError"]


@pytest.mark.parametrize(("wakes", "minutes"), [((Every("3m"),), [2, 5, 8]), ((OnFact(),), [])])
def test_a_strategy_that_says_what_wakes_it_is_called_then_and_only_then(wakes: Any, minutes: list[int]) -> None:
    """Every three minutes: at the bars known at minutes 3, 6 and 9. On facts: at no bar."""
    called: list[int] = []

    class Sleeps:
        def on_bar(self, bar: Bar, book: Any) -> None:
            called.append(bar.ts // MINUTE)

    Sleeps.wakes = wakes  # type: ignore[attr-defined]
    play({"a": Sleeps}, [10.0] * 9)
    assert called == minutes


def test_params_are_typed_and_bounded() -> None:
    from argosy.core.errors import Misuse
    from argosy.house import Wanted
    from argosy.strategies.trend import Trend

    with pytest.raises(Misuse, match="STRATEGY_PARAM"):
        wire({"a": Wanted("a", Trend, {"no_such": 1})}, [10.0])


class Memory(msgspec.Struct):
    bars: int = 0


def test_private_state_is_snapshotted_at_shutdown() -> None:
    class Counts:
        state = Memory

        def __init__(self) -> None:
            self.state = Memory()

        def on_bar(self, bar: Bar, book: Any) -> None:
            self.state.bars += 1

    first = play({"a": Counts}, [10.0] * 3)
    from argosy.engine.journal import Memory as MemoryRecord

    blob = records(first, MemoryRecord)[-1].blob
    fresh = wire({"a": Counts}, [10.0] * 3)
    fresh.engine.slot("a").load(blob)
    assert fresh.engine.slot("a").thing.state.bars == 3


def test_a_late_fill_of_a_quarantined_strategy_is_kept_by_the_policy_keep() -> None:
    class Fails:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            if bar.ts == 0:
                return Target(0, lots=5, limit=9.0)
            raise RuntimeError

    stage = Stage({"a": Fails})
    order = sent(stage.bar(10.0))[0]
    stage.reply(order.id)
    assert canceled(stage.bar(10.0)) == [order.id]
    assert stage.fill(order.id, 5, 9.0) == ()
    assert stage.work(order.id) is Work.FILLED
    assert stage.lots("a") == 5
    assert stage.state.portfolio.cash[0] == (100_000 - 45) * USD


def test_a_days_start_survives_strategies_that_do_nothing() -> None:
    run = play({"a": says({})}, [10.0], events=[Session(0, 0, "24/7", True, 3, DAY)])
    assert run.engine.state.counters.day == 3
    assert orders_of(run) == []


def orders_of(run: Any) -> list[Order]:
    return [ticket.order for row in run.engine.state.blotter.open for ticket in row.values() if ticket.order.side in (BUY, SELL)]
