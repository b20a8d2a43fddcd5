"""One law in two lanes: a scan of compiled steps leaves every record, fill, refusal and the state as stepping does."""

from __future__ import annotations

import os
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.events import Bar, Dividend, Event, Split
from argosy.core.strategy import Cross as CrossWake
from argosy.core.strategy import Every, Level
from argosy.core.tape import Tape
from argosy.core.time import DAY, MINUTE
from argosy.engine.engine import Breakers
from argosy.engine.fold import fold
from argosy.engine.records import Stretch
from argosy.engine.scan import Scan
from argosy.engine.state import State
from argosy.house import Run, Terms, Wanted, assemble
from argosy.kernels.fees import per_share
from argosy.kernels.indicators import sma
from argosy.kernels.scan import scanner
from argosy.strategies.breakout import Breakout
from argosy.strategies.mean_reversion import MeanReversion
from argosy.strategies.trend import Trend
from argosy.strategies.volatility_target import VolatilityTarget
from tests.laws.market import Cross, bars, instruments, sessions

SEEDS = range(40 if os.environ.get("ARGOSY_DRILL") else 4)
NEVER_SCAN = 1 << 60

LOOSE = {
    "order_size": {"max_lots": 10**9, "max_notional": 1e10}, "position": {"max_pct": 9_000.0, "max_lots": 10**9},
    "exposure": {"max_gross": 1e10, "max_net": 1e10, "max_leverage": 900.0}, "buying_power": {"use_pct": 100.0},
    "daily_loss": {"max_pct": 99.0}, "drawdown": {"max_pct": 99.0}, "trades_per_day": {"max_trades": 10**6},
    "losing_streak": {"max_losses": 10**6}, "collar": {"max_pct": 90.0}, "duplicate": {"window_ms": 1},
    "order_rate": {"per_minute": 4000}, "stale": {"max_age_ms": 10**9}, "protection": {"required": False},
}  # fmt: skip
TIGHT: dict[str, dict[str, dict[str, Any]]] = {
    "size": {"order_size": {"max_lots": 9, "trim": True}},
    "notional": {"order_size": {"max_notional": 400.0}},
    "position": {"position": {"max_pct": 0.9, "trim": True}},
    "gross": {"exposure": {"max_gross": 600.0}},
    "net": {"exposure": {"max_net": 700.0}},
    "leverage": {"exposure": {"max_leverage": 0.02}},
    "power": {"buying_power": {"use_pct": 1.0}},
    "loss": {"daily_loss": {"max_pct": 0.02}},
    "fall": {"drawdown": {"max_pct": 0.05}},
    "trades": {"trades_per_day": {"max_trades": 7}},
    "own_trades": {"trades_per_day": {"max_trades_per_strategy": 5}},
    "streak": {"losing_streak": {"max_losses": 2}},
    "rate": {"order_rate": {"per_minute": 1}},
    "duplicate": {"duplicate": {"window_ms": 60_000}},
    "short": {"short": {"allow": False}},
    "protection": {"protection": {"required": True, "default_stop_pct": 0.0}},
    "shelter": {"protection": {"required": True, "default_stop_pct": 2.0}},
}


class Lots:
    """Cross in lots, odd ones, so that sizes change and positions flip."""

    unit = "lots"

    class params(msgspec.Struct):
        size: float = 7.0
        short: float = 0.5

    class state(msgspec.Struct):
        turns: int = 0

    needs = {"fast": sma(3), "slow": sma(9)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        up = needs.fast > needs.slow
        if up != (state.turns % 2 == 1):
            state.turns += 1
            if up:
                out.target = params.size + state.turns % 5
            else:
                out.target = -params.size * params.short * (state.turns % 3)

    @staticmethod
    def explain(needs, state, params, out):  # type: ignore[no-untyped-def]
        return f"{state.turns}: {needs.fast} {needs.slow} {out.target}"


class Money(Lots):
    """The same in money."""

    unit = "notional"

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        up = needs.fast > needs.slow
        if up != (state.turns % 2 == 1):
            state.turns += 1
            out.target = 300.0 + state.turns % 7 if up else 0.0


class Raises(Lots):
    """Divides by zero at its ninth turn."""

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        up = needs.fast > needs.slow
        if up != (state.turns % 2 == 1):
            state.turns += 1
            out.target = 5.0 / (9 - state.turns) if up else 0.0


def go(strategy: type, params: dict[str, object], data: Any, terms: Terms, scan_from: int) -> Run:
    run = assemble([Wanted("one", strategy, params)], data, terms, scan_from=scan_from)
    run.go()
    return run


def alike(strategy: type, params: dict[str, object], data: Any, terms: Terms) -> tuple[Run, Run]:
    """Both lanes over one market; they agree in every record and in the state, and the journal folds to it."""
    scanned = go(strategy, params, data, terms, 1)
    stepped = go(strategy, params, data, terms, NEVER_SCAN)
    assert scanned.replay.scanned
    assert not stepped.replay.scanned
    for one, other in zip(scanned.engine.journal.records(), stepped.engine.journal.records(), strict=False):
        assert repr(one) == repr(other)
    assert scanned.engine.journal.seq == stepped.engine.journal.seq
    assert repr(scanned.engine.state.snapshot()) == repr(stepped.engine.state.snapshot())
    assert [failure.known for failure in scanned.engine.failures] == [failure.known for failure in stepped.engine.failures]
    state = State(scanned.engine.instruments, "USD", ["one"])
    assert fold(scanned.engine.journal.records(), state, scanned.replay.source.rows()).hash == scanned.engine.state.hash
    return scanned, stepped


def stretches(run: Run) -> int:
    """How many decisions were walked compiled."""
    return sum(len(record.deals) for record in run.engine.journal.kept() if type(record) is Stretch)


STRATEGIES = [
    (Lots, {}), (Lots, {"short": 0.0}), (Money, {}), (Trend, {"fast": 3, "slow": 8}), (Trend, {"fast": 3, "slow": 8, "short": True, "weight": 0.6}),
    (Trend, {"fast": 3, "slow": 8, "stop_atr": 2.0}), (MeanReversion, {"window": 9, "stop": 1.0}), (Cross, {}), (Cross, {"guarded": 1, "short": 1}),
    (Breakout, {"entry": 12, "exit": 6, "range": 8, "stop_atr": 0.0}), (VolatilityTarget, {"per_year": 98_280, "target": 0.3}),
]  # fmt: skip


@pytest.mark.parametrize(("strategy", "params"), STRATEGIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_scan_is_its_steps(seed: int, strategy: type, params: dict[str, object]) -> None:
    count = 1 + seed % 3
    tape = bars(seed, 900, count)
    terms = Terms(cash=50_000.0, fees=("alpaca", "free", per_share(0.005, 1.0))[seed % 3], slippage_bps=float(seed % 2) * 2.5, limits=LOOSE)
    scanned, _ = alike(strategy, params, (instruments(count), [tape], sessions(tape) if seed % 2 else []), terms)
    if params.get("stop_atr") is None and "stop" not in params and not params.get("guarded"):
        assert stretches(scanned) > 0


@pytest.mark.parametrize("name", TIGHT)
@pytest.mark.parametrize("strategy", [Lots, Money, Trend])
def test_limits_that_bind_refuse_alike(name: str, strategy: type) -> None:
    params: dict[str, object] = {"fast": 3, "slow": 8, "short": True, "weight": 0.03} if strategy is Trend else {}
    refused = 0
    for seed in (11, 12):
        tape = bars(seed, 700, 2)
        terms = Terms(cash=50_000.0, fees="free", slippage_bps=1.0, limits=TIGHT[name])
        scanned, _ = alike(strategy, params, (instruments(2), [tape], sessions(tape)), terms)
        refused += sum(scanned.engine.state.counters.refusals.values())
    if strategy is Lots and name not in ("size", "position", "leverage", "loss", "fall", "net", "duplicate", "shelter"):
        assert refused > 0, "the limit never bound, so nothing was shown"


@pytest.mark.parametrize("seed", SEEDS)
def test_breakers_fire_alike(seed: int) -> None:
    tape = bars(seed, 900, 2, vol=0.006)
    breakers = Breakers(daily_loss_frac=0.001, drawdown_frac=0.003)
    scanned, _ = alike(Lots, {"size": 90.0}, (instruments(2), [tape], sessions(tape)), Terms(cash=50_000.0, fees="free", breakers=breakers))
    assert scanned.engine.state.level > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_actions_come_between_stretches(seed: int) -> None:
    tape = bars(seed, 900, 2)
    at = [int(tape["known"][row]) + 1 for row in (200, 500, 900)]
    events: list[Event] = [Split(at[0], at[0], 0, 2.0), Dividend(at[1], at[1], 1, 0.25), Split(at[2], at[2], 1, 0.5)]
    alike(Lots, {}, (instruments(2), [tape], events), Terms(cash=50_000.0, fees="free"))
    alike(Trend, {"fast": 3, "slow": 8, "stop_atr": 1.5}, (instruments(2), [tape], events), Terms(cash=50_000.0, fees="free"))


def test_a_step_that_raises_is_quarantined_alike() -> None:
    tape = bars(5, 900, 2)
    scanned, _ = alike(Raises, {}, (instruments(2), [tape], []), Terms(cash=50_000.0, fees="free"))
    assert scanned.engine.state.status["one"] == "quarantined"


def test_bars_without_volume_fill_later_alike() -> None:
    tape = bars(6, 900)
    volume = np.where(np.arange(len(tape)) % 3 == 0, 0.0, tape["volume"])
    thin = Tape(Bar, {name: volume if name == "volume" else column for name, column in tape.columns.items()})
    alike(Lots, {}, (instruments(1), [thin], []), Terms(cash=50_000.0, fees="free"))


def test_caps_and_latency_are_left_to_the_engine() -> None:
    tape = bars(7, 500)
    for terms in (Terms(cash=50_000.0, fees="free", participation_frac=0.01), Terms(cash=50_000.0, fees="free", latency_ms=70_000.0)):
        scanned, _ = alike(Lots, {}, (instruments(1), [tape], []), terms)
        assert stretches(scanned) == 0


def test_instruments_that_begin_later_and_stop_earlier() -> None:
    one, two = bars(8, 900, 2).only(0), bars(9, 900, 2).only(1)
    tape = Tape.merge([one.take(slice(100, 700)), two.take(slice(0, 500))])
    alike(Lots, {}, (instruments(2), [tape], []), Terms(cash=50_000.0, fees="free", slippage_bps=3.0))


def test_daily_bars_on_a_calendar_without_sessions() -> None:
    tape = bars(10, 600)
    day = {"ts": tape["ts"] * 1440, "known": tape["ts"] * 1440 + DAY, "span": np.full(len(tape), DAY)}
    daily = Tape(Bar, {name: day.get(name, column) for name, column in tape.columns.items()})
    alike(Lots, {}, (instruments(1), [daily], []), Terms(cash=50_000.0, fees="free"))


def test_long_spans_of_decisions_are_snapshot_alike() -> None:
    tape = bars(13, 9_000 + MINUTE * 0)
    scanned, _ = alike(Flip, {}, (instruments(1), [tape], []), Terms(cash=50_000.0, fees="free"))
    assert sum(1 for _, record in scanned.engine.journal.records() if type(record).__name__ == "Memory") > 1


class Flip:
    """Turns at every bar, which is more decisions than lie between two snapshots."""

    unit = "lots"

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 0.0 if out.target == 1.0 else 1.0


WAKES: list[Any] = [(CrossWake("fast", "slow"),), (Level("slow"),), (Every("7m"),), (Every("11m"), Level("fast"))]


@pytest.mark.parametrize("wakes", WAKES)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_wakes_a_step_wakes_it_in_both_lanes_and_streamed(seed: int, wakes: Any) -> None:
    class Woken(Lots):
        pass

    Woken.wakes = wakes  # type: ignore[attr-defined]
    tape = bars(seed, 900, 2)
    data = (instruments(2), [tape], sessions(tape))
    terms = Terms(cash=50_000.0, fees="free")
    scanned, _ = alike(Woken, {}, data, terms)
    streamed = assemble([Wanted("one", Woken, {})], data, terms, bulk=False)
    streamed.go()
    assert streamed.engine.state.hash == scanned.engine.state.hash
    assert stretches(scanned) > 0


def test_a_cross_that_is_declared_gives_the_fills_of_one_that_looks_at_every_bar() -> None:
    class Declared(Lots):
        wakes = (CrossWake("fast", "slow"),)

    tape = bars(3, 900, 2)
    data = (instruments(2), [tape], [])
    terms = Terms(cash=50_000.0, fees="free")
    assert go(Declared, {}, data, terms, 1).engine.state.hash == go(Lots, {}, data, terms, 1).engine.state.hash


class Own(Lots):
    """As much as it has, and a loss after which it may only get out."""

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        up = needs.fast > needs.slow
        if up != (state.turns % 2 == 1):
            state.turns += 1
            out.target = params.size if up else 0.0


@pytest.mark.parametrize("limits", [{}, {"budget": {"use_pct": 100.0}}])
def test_a_budget_binds_alike(limits: Any) -> None:
    refused = 0
    for seed in SEEDS:
        tape = bars(seed, 900, 2)
        runs = []
        for scan_from in (1, NEVER_SCAN):
            wanted = [Wanted("one", Own, {"size": 300.0}, budget_frac=0.4, max_loss_frac=0.01)]
            terms = Terms(cash=50_000.0, fees="free", slippage_bps=2.0, limits=limits)
            run = assemble(wanted, (instruments(2), [tape], []), terms, scan_from=scan_from)
            run.go()
            runs.append(run)
        scanned, stepped = runs
        assert repr(list(scanned.engine.journal.records())) == repr(list(stepped.engine.journal.records()))
        assert repr(scanned.engine.state.snapshot()) == repr(stepped.engine.state.snapshot())
        refused += sum(scanned.engine.state.counters.refusals.values())
    assert refused > 0


def test_a_step_that_machine_code_cannot_run_is_stepped() -> None:
    class Talks(Lots):
        @staticmethod
        def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
            words = {"up": 5.0, "down": 0.0}
            out.target = words["up" if needs.fast > needs.slow else "down"].real + len(str(state.turns)) - 1

    tape = bars(4, 600)
    data = (instruments(1), [tape], [])
    terms = Terms(cash=50_000.0, fees="free")
    one, other = go(Talks, {}, data, terms, 1), go(Talks, {}, data, terms, NEVER_SCAN)
    assert one.engine.failures == []
    assert one.engine.state.hash == other.engine.state.hash
    assert one.engine.state.counters.trades_in_all > 0


@pytest.mark.parametrize(("strategy", "params"), [(Lots, {}), (Money, {}), (Trend, {"fast": 3, "slow": 8, "short": True})])
def test_the_scan_is_the_same_plain(strategy: type, params: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel as Python, row by row, leaves what its machine code leaves; each limit of the room is met on the way."""
    settings = [LOOSE, *TIGHT.values()]
    for seed, limits in enumerate(settings):
        tape = bars(30 + seed, 140, 1 + seed % 3)
        data = (instruments(1 + seed % 3), [tape], sessions(tape, 60))
        terms = Terms(cash=50_000.0, fees="alpaca", slippage_bps=1.0, limits=limits, breakers=Breakers(daily_loss_frac=0.02))
        compiled = go(strategy, params, data, terms, 1)
        with monkeypatch.context() as patch:
            patch.setattr(Scan, "__init__", _plain(Scan.__init__))
            plain = go(strategy, params, data, terms, 1)
        for one, other in zip(plain.engine.journal.kept(), compiled.engine.journal.kept(), strict=True):
            assert repr(one) == repr(other)
        assert plain.engine.state.hash == compiled.engine.state.hash


class Records:
    """Records of an array whose fields have names in Python too, `take` included."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, key: Any) -> Any:
        return Named(self.array, int(key)) if isinstance(key, int | np.integer) else self.array[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.array[key] = value.array[value.place] if isinstance(value, Named) else value

    def item(self, *place: int) -> Any:
        return self.array.item(*place)


class Named:
    """One of them."""

    __slots__ = ("array", "place")

    def __init__(self, array: Any, place: int) -> None:
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "place", place)

    def __getattr__(self, name: str) -> Any:
        return self.array[name].item(self.place)

    def __setattr__(self, name: str, value: Any) -> None:
        self.array[name][self.place] = value


def _plain(made: Any) -> Any:
    """A scan whose kernel is Python."""

    def init(self: Any, engine: Any, slot: Any, columns: Any) -> None:
        made(self, engine, slot, columns)
        self._kernel = scanner(slot.declaration.step).py
        for name in ("_table", "_states", "_outs", "_lasts", "_row", "_params", "_log", "_memo"):
            setattr(self, name, Records(getattr(self, name)))
        self._before = tuple(Records(array) for array in self._before)

    return init


class Waits(Lots):
    """Enters at a limit below the market and rests there; leaves at a stop or a target."""

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        up = needs.fast > needs.slow
        if up != (state.turns % 2 == 1):
            state.turns += 1
            if up:
                out.target = params.size
                out.limit = row.close - 0.02 * (state.turns % 9)
                out.stop = row.close - 0.35
                out.take = row.close + 0.3
            else:
                out.target = 0.0
                out.limit = out.stop = out.take = np.inf


@pytest.mark.parametrize("calendar", ["24/7", "XNYS"])
@pytest.mark.parametrize("seed", SEEDS)
def test_bars_that_touch_no_resting_order_are_walked_over(seed: int, calendar: str) -> None:
    tape = bars(seed, 900, 2, vol=0.001)
    for rule in ("through", "touch"):
        terms = Terms(cash=50_000.0, fees="free", limit_rule=rule)  # type: ignore[arg-type]
        alike(Waits, {}, (instruments(2, calendar=calendar), [tape], []), terms)
        alike(Trend, {"fast": 3, "slow": 30, "stop_atr": 6.0}, (instruments(2, calendar=calendar), [tape], []), terms)
