"""The passport tells luck from skill: the best of a thousand on noise fails, a planted edge passes; each question by itself, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Split
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Hold, Target
from argosy.core.protocols import Book
from argosy.core.strategy import ABSENT, Every, Out
from argosy.core.tape import Tape
from argosy.core.time import DAY, parse
from argosy.house import Data, Terms, Wanted
from argosy.kernels.fees import bps
from argosy.lab import trials
from argosy.lab.backtest import returns, run
from argosy.lab.late import late
from argosy.lab.passport import facts, issue, luck, robust, stress, verdicts
from argosy.lab.passport.check import Check, check, grade, reasons, verdict
from argosy.lab.passport.subject import Subject, gain, ratio_of, tried
from argosy.lab.sweep import curves
from argosy.lab.verdict import daily
from argosy.strategies.trend import Trend

FREE = Terms(fees="free", slippage_bps=0.0)
SHORT = {"short": True}


def market(rows: int = 2_000, seed: int = 3, drift: float = 0.0, symbols: tuple[str, ...] = ("MADE",), volume: float = 5e6) -> Data:
    """Days of random walks whose drift, if any, turns around every forty days at random."""
    parts = []
    for i in range(len(symbols)):
        draw = np.random.RandomState(seed + 100 * i)
        sign = np.repeat(draw.choice([-1.0, 1.0], rows // 40 + 1), 40)[:rows]
        close = np.round(100.0 * np.exp(np.cumsum(sign * drift + draw.normal(0.0, 0.01, rows))), 2)
        open_ = np.round(np.concatenate(([100.0], close[:-1])) * np.exp(draw.normal(0.0, 0.0005, rows)), 2)
        high, low = np.round(np.maximum(open_, close) * 1.002, 2), np.round(np.minimum(open_, close) * 0.998, 2)
        ts = parse("2012-01-02") + np.arange(rows, dtype=np.int64) * DAY
        parts.append(Tape(Bar, {
            "ts": ts, "known": ts + DAY, "instrument": np.full(rows, i), "span": np.full(rows, DAY), "open": open_, "high": high, "low": low,
            "close": close, "volume": np.full(rows, volume),
        }))  # fmt: skip
    return Instruments([Instrument(symbol=symbol) for symbol in symbols]), [Tape.merge(parts)], []


def flat(closes: list[float], volume: float = 1_000.0) -> Data:
    """Days that open where they close."""
    n = len(closes)
    ts = parse("2024-01-01") + np.arange(n, dtype=np.int64) * DAY
    price = np.asarray(closes)
    tape = Tape(Bar, {
        "ts": ts, "known": ts + DAY, "instrument": np.zeros(n, np.int64), "span": np.full(n, DAY), "open": price, "high": price, "low": price,
        "close": price, "volume": np.full(n, volume),
    })  # fmt: skip
    return Instruments([Instrument(symbol="H")]), [tape], []


# -- the verdict ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [3, 8])
def test_the_best_of_a_thousand_on_noise_fails(seed: int) -> None:
    grid = {"fast": range(3, 43), "slow": range(45, 170, 5)}
    made = issue(Trend, market(seed=seed), params=SHORT, grid=grid)
    assert made.trials == 1_000 and made.verdict == "FAIL"
    assert made.figures["sharpe"] > 0.8, "and yet it looks well"
    deflated = made.check("deflated_sharpe")
    assert deflated.status == "fail" and deflated.numbers["deflated_sharpe"] < 0.5
    assert deflated.numbers["probabilistic_sharpe"] > 0.95, "had it been the only trial, it would have passed"
    assert made.check("overfit").numbers["splits"] == 12_870
    assert "1,000 trials luck alone" in made.reasons[0]


@pytest.mark.parametrize("seed", [3, 4])
def test_a_planted_edge_passes(seed: int) -> None:
    made = issue(Trend, market(seed=seed, drift=0.004), params=SHORT, grid={"fast": [5, 7, 9], "slow": [20, 25, 30]})
    assert made.verdict == "PASS", made.reasons
    assert [one.name for one in made.checks] == [
        "trials", "deflated_sharpe", "length", "overfit", "look_ahead", "costs", "delay", "sensitivity", "parity", "capacity", "benchmark",
        "trades", "prices",
    ]  # fmt: skip
    assert all(one.status == "pass" and one.said.endswith(".") and one.bar and one.why for one in made.checks)
    assert made.trials == 9 and made.params["short"] is True and made.grid == {"fast": [5, 7, 9], "slow": [20, 25, 30]}


def test_the_same_edge_after_a_long_search_is_believed_less() -> None:
    data = market(400, seed=9, drift=0.0025)
    before = issue(Trend, data, params=SHORT | {"fast": 5, "slow": 20}, light=True).check("deflated_sharpe").numbers
    curves(Trend, data, {"fast": range(2, 32), "slow": range(40, 60, 2)}, params=SHORT)
    after = issue(Trend, data, params=SHORT | {"fast": 5, "slow": 20}, light=True).check("deflated_sharpe").numbers
    assert (before["trials"], after["trials"]) == (1, 301)
    assert after["sharpe"] == before["sharpe"] and after["deflated_sharpe"] < before["deflated_sharpe"]


def test_the_worst_answer_decides() -> None:
    def made(*statuses: str) -> list[Check]:
        return [check(status, status, status, f"{status} {k}") for k, status in enumerate(statuses)]  # type: ignore[arg-type]

    assert verdict(made("pass", "none")) == "PASS"
    assert verdict(made("pass", "warn", "none")) == "WEAK"
    assert verdict(made("warn", "fail", "pass")) == "FAIL"
    assert reasons(made("warn", "pass", "fail")) == ["fail 2", "warn 0"]
    assert reasons(made("pass", "none")) == ["pass 0"]
    assert [grade(value, 0.95, 0.9) for value in (0.95, 0.92, 0.89, float("nan"))] == ["pass", "warn", "fail", "fail"]
    assert [grade(value, 0.1, 0.3) for value in (0.1, 0.2, 0.31)] == ["pass", "warn", "fail"]


# -- trials ---------------------------------------------------------------------------------------------------------------------


def test_its_own_stress_is_no_trial_but_its_grid_is(own_ledger: Path) -> None:
    data = market(300)
    issue(Trend, data, params={"fast": 5, "slow": 20})
    assert trials.count() == 1
    issue(Trend, data, grid={"fast": [5, 6], "slow": [20]})
    assert trials.count() == 4 and trials.inspect().faults == ()


def test_a_ledger_that_lost_something_fails(own_ledger: Path) -> None:
    data = market(300, drift=0.004)
    curves(Trend, data, {"fast": [5, 6, 7]}, params=SHORT)
    (own_ledger / trials.FILE).unlink()
    made = issue(Trend, data, params=SHORT, light=True)
    assert made.verdict == "FAIL" and "3 trials that were written here before are gone" in made.reasons[0]
    (own_ledger / trials.FILE).write_text("rubbish\n")
    found, _ = luck.counted(Subject(Trend, data, {}, FREE), trials.TRIALS, np.zeros((0, 0)))
    assert found.status == "fail" and "cannot be read" in found.said


def test_the_best_of_eighty_instruments_is_held_against_all_of_them() -> None:
    """Noise, one strategy, no grid: five in a hundred shine by chance, and none may pass because it was shown alone."""
    params = {"fast": 5, "slow": 20, "short": True}
    markets = [market(500, seed=2_000 + k, symbols=(f"N{k}",)) for k in range(80)]
    outcomes = [run([Wanted("it", Trend, params)], data, FREE) for data in markets]
    best = sorted(range(80), key=lambda k: -ratio_of(outcomes[k]))[:5]
    for k in best:
        subject = Subject(Trend, markets[k], params, FREE, outcome=outcomes[k])
        first, found = luck.counted(subject, trials.TRIALS, np.zeros((0, 0)))
        assert (found.trials, found.beside, found.others, found.looks) == (1, 79, 79, 80)
        assert "79 times on 79 other instruments" in first.said
        told = luck.deflated(subject, found, np.zeros((0, 0)))
        assert told.numbers["probabilistic_sharpe"] > 0.95 and told.status == "fail", "alone it would have passed"
        assert told.said.startswith("After 80 trials (79 of them on 79 other instruments) luck alone")
        assert "80 trials (79 of them" in luck.length(subject, found).said
    made = issue(Trend, markets[best[0]], params=params, terms=FREE, light=True, outcome=outcomes[best[0]])
    assert made.trials == 80 and made.verdict == "FAIL" and "79 of them on 79 other instruments" in made.reasons[0]


def test_several_instruments_as_one_portfolio_are_one_trial() -> None:
    made = issue(Trend, market(400, drift=0.004, symbols=("A", "B", "C", "D", "E")), params=SHORT, light=True)
    assert made.trials == 1 and made.check("trials").numbers["beside"] == 0


def test_a_passport_says_what_other_ledgers_know(tmp_path: Path) -> None:
    data = market(300, drift=0.004)
    issue(Trend, data, params=SHORT, grid={"fast": [5, 6, 7]}, trials=tmp_path / "one", light=True)
    made = issue(Trend, data, params=SHORT, trials=tmp_path / "two", light=True)
    numbers = made.check("trials").numbers
    assert (made.trials, numbers["trials"], numbers["elsewhere"]) == (4, 4, 3) and numbers["lines"] == 1
    assert "3 are known from other ledgers of the same owner" in made.check("trials").said


def test_without_a_ledger_it_is_weak_at_best() -> None:
    made = issue(Trend, market(seed=3, drift=0.004), params=SHORT, grid={"fast": [5, 7, 9]}, trials=None)
    assert (made.verdict, made.trials, made.check("trials").status) == ("WEAK", 3, "warn")


def test_many_trials_without_their_grid_are_a_caution() -> None:
    found = luck.overfit(np.zeros((0, 0)), trials.Tried(40, 40, 40, 0.0, 0.1, {}), 16.0)
    assert found.status == "warn" and "give the grid" in found.said
    assert luck.overfit(np.zeros((0, 0)), trials.Tried(1, 1, 1, 0.0, 0.0, {}), 16.0).status == "none"
    assert luck.overfit(np.zeros((20, 5)), trials.Tried(5, 1, 5, 0.0, 0.1, {}), 16.0).said.startswith("20 days are too few")


# -- the daily worth of every choice ----------------------------------------------------------------------------------------------


def test_every_curve_of_a_sweep_is_that_of_a_walk() -> None:
    data = market(260, drift=0.001, symbols=("AAA", "BBB"))
    terms = Terms(fees=bps(5, 5), slippage_bps=2.0)
    found = curves(Trend, data, {"fast": [3, 8], "slow": [20, 40]}, terms=terms, params=SHORT | {"stop_atr": 2.0}, trials=None)
    assert found.rows.height == 8 and [choice["fast"] for choice in found.choices] == [3, 3, 8, 8]
    for symbol in ("AAA", "BBB"):
        for choice, curve in zip(found.choices, found.equity[symbol], strict=True):
            i = data[0][symbol].id
            alone = (data[0], [data[1][0].only(i)], [])
            outcome = run([Wanted("it", Trend, choice | SHORT | {"stop_atr": 2.0}, (symbol,))], alone, terms, trials=None)
            rows = daily(outcome.instants())
            assert (outcome.equity()[rows] / 1e6).tolist() == curve.tolist()
            assert outcome.instants()[rows].tolist() == found.known[symbol].tolist()


def test_a_grid_of_handlers_is_walked_and_counted() -> None:
    class Handled:
        class params(msgspec.Struct):
            low: float = 99.0

        def __init__(self, params: Any) -> None:
            self.low = params.low

        def on_bar(self, bar: Bar, book: Book) -> Target:
            return Target(bar.instrument, weight=0.9 if bar.close < self.low else 0.0)

    data = market(120)
    subject = Subject(Handled, data, {}, FREE)
    choices, matrix = tried(subject, {"low": [95.0, 100.0, 105.0]}, trials.TRIALS, lambda done, total: None)
    assert [choice["low"] for choice in choices] == [95.0, 100.0, 105.0] and matrix.shape == (119, 3)
    outcome = run([Wanted("it", Handled, {"low": 100.0})], data, FREE, trials=None)
    assert matrix[:, 1].tolist() == pytest.approx(returns(outcome)[-119:].tolist())
    assert trials.count() == 3
    with pytest.raises(Misuse, match="PASSPORT_GRID"):
        tried(subject, {"low": np.arange(2_001).tolist()}, None, lambda done, total: None)


def test_a_choice_that_goes_broke_is_left_out() -> None:
    assert luck.best([], np.zeros((0, 0))) == {}
    assert luck.best([{"a": 1}, {"a": 2}], np.array([[0.01, 0.02], [-0.01, 0.03]])) == {"a": 2}


# -- worse conditions ---------------------------------------------------------------------------------------------------------------


def test_costs_twice_as_high_are_a_run_with_them() -> None:
    data = market(600, drift=0.004)
    subject = Subject(Trend, data, SHORT, Terms(fees=bps(10, 10), slippage_bps=5.0))
    twice = run([Wanted("it", Trend, SHORT)], data, Terms(fees=bps(20, 20), slippage_bps=10.0), trials=None)
    found = stress.costs(subject)
    assert found.numbers["gain_doubled"] == pytest.approx(gain(twice)) and found.numbers["sharpe_doubled"] == pytest.approx(ratio_of(twice))
    quick = stress.costs_again(subject).numbers
    assert quick["gain_doubled"] == pytest.approx(found.numbers["gain_doubled"], rel=0.05)
    assert quick["sharpe_doubled"] == pytest.approx(found.numbers["sharpe_doubled"], rel=0.05)


def test_an_edge_that_costs_eat_fails() -> None:
    class Churns:
        class state(msgspec.Struct):
            row: float = 0.0

        @staticmethod
        def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
            state.row += 1.0
            out.target = 0.9 if state.row % 2.0 == 0.0 else 0.0

    closes = [100.0 + 0.5 * (k % 2) + 0.01 * k for k in range(120)]
    one, two = (stress.costs(Subject(Churns, flat(closes, 1e6), {}, Terms(fees=bps(fee, fee), slippage_bps=0.0))) for fee in (5, 20))
    assert (one.status, two.status) == ("pass", "fail") and two.numbers["gain"] > 0.0 > two.numbers["gain_doubled"]


class Buys:
    """Ten shares on the third day, with a stop; out on the sixth."""

    unit = "lots"

    class state(msgspec.Struct):
        row: float = 0.0

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        state.row += 1.0
        if state.row == 3.0:
            out.target = 10.0
            out.stop = row.close * 0.5
        if state.row == 6.0:
            out.target = 0.0
            out.stop = ABSENT

    @staticmethod
    def explain(needs: Any, state: Any, params: Any, out: Out) -> str:
        return "because"


class Asks:
    """The same with a handler; a Hold comes with the exit."""

    def __init__(self) -> None:
        self.row = 0

    def on_bar(self, bar: Bar, book: Book) -> Target | tuple[Hold, Target] | None:
        self.row += 1
        if self.row == 3:
            return Target(bar.instrument, lots=10)
        return (Hold(bar.instrument), Target(bar.instrument, lots=0)) if self.row == 6 else None


@pytest.mark.parametrize("cls", [Buys, Asks])
def test_one_bar_later_is_exactly_one_bar_later(cls: type) -> None:
    data = flat([100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0, 108.0, 109.0])
    subject = Subject(cls, data, {}, FREE)
    own, other = ([(fill["side"], fill["price"]) for fill in outcome.fills()] for outcome in (subject.outcome, subject.again(cls=late(cls, 1))))
    assert own == [(1, 103.0), (-1, 106.0)] and other == [(1, 104.0), (-1, 107.0)]
    found = stress.delay(Subject(cls, data, {}, FREE))
    assert (found.numbers["gain"], found.numbers["gain_late"]) == pytest.approx((30.0 / 1e5, 30.0 / 1e5))
    assert found.numbers["how"] == "each decision is handed over one bar later"


def test_levels_that_are_late_follow_a_split() -> None:
    data = flat([100.0, 100.0, 100.0, 100.0, 50.0, 50.0, 50.0, 50.0])
    at = int(data[1][0]["ts"][4]) + 1  # in the fifth day
    stops: list[float] = []

    class Told(late(Buys, 2)):  # type: ignore[misc]
        @staticmethod
        def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
            late(Buys, 2).step(row, needs, state, params, out)  # type: ignore[attr-defined]
            stops.append(out.stop)

    run([Wanted("it", Told)], (data[0], data[1], [Split(at, at, 0, 2.0)]), FREE, trials=None, scan_from=stress.STEPPED)
    assert stops[:6] == [ABSENT, ABSENT, ABSENT, ABSENT, 25.0, 25.0], "written on the third day as 50, seen on the fifth, halved by the split"


def test_a_strategy_that_sleeps_is_delayed_at_the_venue() -> None:
    class Sleeps:
        wakes = (Every("5d"),)

        def __init__(self) -> None:
            self.row = 0

        def on_bar(self, bar: Bar, book: Book) -> Target:
            self.row += 1
            return Target(bar.instrument, lots=10 * (self.row % 2))

    found = stress.delay(Subject(Sleeps, flat([100.0 + k * k for k in range(40)]), {}, FREE))
    assert found.numbers["how"].startswith("orders reach the venue 86400")
    assert found.numbers["gain_late"] != found.numbers["gain"]


def test_the_price_of_one_bar_is_no_edge() -> None:
    class Yesterday:
        needs: Mapping[str, Any] = {}

        @staticmethod
        def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
            out.target = 0.9 if row.close < 100.2 else -0.9

    closes = [100.0 + 0.5 * (k % 2) for k in range(200)]
    data = flat(closes, 1e6)
    tape = data[1][0]
    opens = np.concatenate((tape["close"][:1], tape["close"][:-1]))  # fills at the close before: an order gets the turn
    columns = dict(tape.columns) | {"open": opens, "high": np.maximum(opens, tape["close"]), "low": np.minimum(opens, tape["close"])}
    found = stress.delay(Subject(Yesterday, (data[0], [Tape(Bar, columns)], []), {}, FREE))
    assert found.status == "fail" and found.numbers["gain"] > 0.5 and found.numbers["gain_late"] < 0.0


# -- size, neighbours, lanes, facts -----------------------------------------------------------------------------------------------


def test_room_for_more_money_by_hand() -> None:
    closes = [100.0, 110.0, 100.0, 110.0, 100.0, 110.0, 100.0, 110.0, 100.0, 110.0]
    subject = Subject(Buys, flat(closes, volume=1_000.0), {}, FREE)
    assert [(fill["side"], fill["price"]) for fill in subject.outcome.fills()] == [(1, 110.0), (-1, 100.0)]
    found = stress.capacity(subject).numbers
    sigma = float(np.std(np.diff(np.log(closes))))
    for size in (1, 3, 10):
        impact = sigma * np.sqrt(size * 10 / 1_000.0)
        assert found[f"gain_{size}x"] == pytest.approx(-100.0 * size - size * (1_100.0 + 1_000.0) * impact)
    assert found["largest_share_of_a_day"] == pytest.approx(0.01)
    assert stress.capacity(subject).status == "fail", "there is no gain"


def test_more_money_than_the_market_has() -> None:
    plenty, little = (stress.capacity(Subject(Trend, market(seed=3, drift=0.004, volume=volume), SHORT, Terms())) for volume in (1e8, 3e3))
    unknown = stress.capacity(Subject(Trend, market(seed=3, drift=0.004, volume=float("nan")), SHORT, Terms()))
    assert (plenty.status, unknown.status) == ("pass", "none") and little.status in ("warn", "fail")
    assert plenty.numbers["kept_1x"] > little.numbers["kept_1x"] > little.numbers["kept_10x"]


def test_a_needle_is_not_a_hill() -> None:
    class Needle:
        class params(msgspec.Struct):
            n: int = 10

        def __init__(self, params: Any) -> None:
            self.weight = 0.9 if params.n == 10 else -0.9

        def on_bar(self, bar: Bar, book: Book) -> Target:
            return Target(bar.instrument, weight=self.weight)

    data = flat([100.0 * 1.001**k for k in range(60)], 1e6)
    tape = data[1][0]
    columns = dict(tape.columns) | {"close": np.round(tape["close"] * (1.0 + 0.002 * (np.arange(60) % 3)), 2)}
    columns["high"] = np.maximum(columns["open"], columns["close"])
    found = robust.sensitivity(Subject(Needle, (data[0], [Tape(Bar, columns)], []), {}, FREE), {})
    assert found.status == "fail" and set(found.numbers["neighbours"]) == {"n=9", "n=11"}
    assert found.numbers["sharpe"] > 0.0 > found.numbers["worst"]
    assert robust.neighbours(Subject(Trend, data, {"fast": 7, "stop_atr": 2.0}, FREE), {"fast": [3, 7, 9, 12]}) == {
        "fast": [3, 9], "slow": [27, 33], "range": [13, 15], "stop_atr": [1.8, 2.2], "weight": [0.9],
    }  # fmt: skip


def test_lanes_that_differ_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject(Trend, market(300), {}, Terms())
    assert robust.parity(subject).status == "pass"
    real = robust.sweep
    monkeypatch.setattr(robust, "sweep", lambda *a, **k: real(*a, **k).with_columns(fills=real(*a, **k)["fills"] + 1))
    assert robust.parity(subject).status == "fail"


def test_what_cannot_be_swept_is_walked_twice() -> None:
    found = robust.parity(Subject(Asks, flat([100.0 + k for k in range(9)]), {}, FREE))
    assert (found.status, found.numbers["how"]) == ("pass", "walked twice")

    class Moody:
        runs = 0

        def __init__(self) -> None:
            Moody.runs += 1
            self.lots = Moody.runs

        def on_bar(self, bar: Bar, book: Book) -> Target:
            return Target(bar.instrument, lots=self.lots)

    assert robust.parity(Subject(Moody, flat([100.0 + k for k in range(9)]), {}, FREE)).status == "fail"


def test_trades_holding_and_prices() -> None:
    data = flat([100.0 + k for k in range(9)])
    few = facts.trades(Subject(Asks, data, {}, FREE))
    assert few.status == "fail" and few.numbers["trades"] == 1 and "a bet, not a test" in few.said
    assert facts.benchmark(Subject(Asks, data, {}, FREE)).status == "warn", "it held for three days of a rise"
    assert facts.quality(Subject(Asks, data, {}, FREE)).status == "pass"
    tape = data[1][0]
    bad = Tape(Bar, dict(tape.columns) | {"high": tape["low"] - 1.0})
    assert facts.quality(Subject(Asks, (data[0], [bad], []), {}, FREE)).status == "fail"

    class Breaks:
        def on_bar(self, bar: Bar, book: Book) -> None:
            raise ValueError("oh")

    assert facts.trades(Subject(Breaks, data, {}, FREE)).said == "It stopped with an error: ValueError: oh."


def test_light_passports_are_held_against_all_runs() -> None:
    data = market(400, drift=0.004)
    wanted = [Wanted("a", Trend, SHORT | {"fast": 5}), Wanted("b", Trend, SHORT | {"fast": 8})]
    outcomes = [run([one], data) for one in wanted]
    told: list[str] = []
    found = verdicts(wanted, data, None, outcomes, told=told.append)
    assert told == list(found) == ["a", "b"] and trials.count() == 2
    assert [one.trials for one in found.values()] == [2, 2]
    assert [one.name for one in found["a"].checks] == ["trials", "deflated_sharpe", "look_ahead", "costs", "delay", "trades"]
    again = verdicts(wanted, data)
    assert [one.verdict for one in again.values()] == [one.verdict for one in found.values()] and again["a"].trials == 2
