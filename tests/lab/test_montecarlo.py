"""Monte Carlo: draws against what probability says, moved prices that are still prices, costs and delays by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats
from typer.testing import CliRunner

from argosy.cli.main import Shell
from argosy.cli.montecarlo import montecarlo as command
from argosy.cli.prices import gather
from argosy.core.errors import Misuse
from argosy.core.events import Bar, BookDelta, Quote
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.strategy import ABSENT, Every
from argosy.core.tape import Tape, columns_of
from argosy.core.time import MINUTE
from argosy.house import Terms, Wanted
from argosy.kernels.fees import FeeSchedule, alpaca_equity, per_share
from argosy.lab.backtest import run
from argosy.lab.late import late as heard
from argosy.lab.montecarlo import (
    block_length,
    bootstrap,
    costlier,
    dearer,
    delays,
    montecarlo,
    perturbed,
)
from argosy.lab.montecarlo.run import daily_returns
from argosy.lab.trials import count, lines
from argosy.lab.verdict import gather as verdict
from argosy.strategies.trend import Trend
from tests.laws.market import bars, instruments

IBM = gather("demo", ("IBM",), "2009-01-01")[0]
TERMS = Terms(cash=50_000.0, fees=per_share(0.005, 1.0), slippage_bps=2.0)

# -- how long a block is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.3, 0.6, -0.4])
def test_blocks_of_an_autoregression(rho: float) -> None:
    """For AR(1) G and the spectrum are known: b = (2 |rho| / (1 - rho^2))^(2/3) n^(1/3), the ideal of Politis and White (2004)."""
    n = 20_000
    found = [block_length(signal.lfilter([1.0], [1.0, -rho], np.random.default_rng(seed).standard_normal(n))) for seed in range(5)]
    ideal = (2.0 * abs(rho) / (1.0 - rho * rho)) ** (2.0 / 3.0) * n ** (1.0 / 3.0)
    assert np.median(found) == pytest.approx(ideal, rel=0.25)


def test_blocks_of_what_hangs_together_in_nothing() -> None:
    assert np.median([block_length(np.random.default_rng(seed).standard_normal(2_000)) for seed in range(9)]) < 6.0
    assert block_length(np.zeros(100)) == block_length(np.ones(5)) == 1.0
    assert block_length(np.linspace(0.0, 1.0, 300)) <= 3.0 * np.sqrt(300) + 1.0


def test_a_block_length_by_hand() -> None:
    """n = 8, values +1 +1 +1 +1 -1 -1 -1 -1: R(k) = (8 - 3k) / 8 to k = 4, then (k - 8) / 8; c = 0.672; no correlation but R(0) exceeds
    it and then five in a row do not, so M = 2, weights 1, 1, 0: G = 2 * 5/8, g = 1 + 2 * 5/8; b = (1.25 / 2.25)^(2/3) * 2."""
    values = np.array([1.0] * 4 + [-1.0] * 4)
    assert block_length(values) == pytest.approx((1.25 / 2.25) ** (2.0 / 3.0) * 2.0)


# -- fans ----------------------------------------------------------------------------------------------------------------------


def test_two_tosses_of_a_coin() -> None:
    """Start 10, plus or minus 1, twice: a loss in one of four; so is a fall of a fifth or more."""
    fan = bootstrap(np.array([1.0, -1.0]), 10.0, additive=True, paths=20_000, steps=2, falls=(0.1, 0.2))
    assert stats.binomtest(round(fan.loss_prob * 20_000), 20_000, 0.25).pvalue > 1e-3
    assert stats.binomtest(round(fan.fall_probs[0.2] * 20_000), 20_000, 0.25).pvalue > 1e-3
    # a fall of a tenth: down first (1/10, two cases), or up and down (1/11 is less): one half
    assert stats.binomtest(round(fan.fall_probs[0.1] * 20_000), 20_000, 0.5).pvalue > 1e-3
    assert set(fan.ends.tolist()) <= {8.0, 10.0, 12.0} and fan.at.tolist() == [1, 2] and fan.block == 1.0
    assert fan.equity[:, -1].tolist() == fan.ends.tolist()


def test_sums_are_as_the_normal_law_says() -> None:
    values = np.random.default_rng(1).normal(5.0, 30.0, 400)
    fan = bootstrap(values, 10_000.0, additive=True, paths=8_000)
    middle, width = 10_000.0 + values.sum(), values.std() * np.sqrt(400)
    for level, end in zip(fan.levels, fan.ends, strict=True):
        assert end == pytest.approx(stats.norm.ppf(level, middle, width), abs=0.1 * width)
    assert fan.loss_prob == pytest.approx(stats.norm.cdf(10_000.0, middle, width), abs=0.01)


def test_blocks_keep_together_what_hangs_together() -> None:
    """Returns that follow their last: sums spread three times as wide (root of 1.8 / 0.2) in blocks as drawn one by one."""
    values = signal.lfilter([1.0], [1.0, -0.8], np.random.default_rng(3).standard_normal(2_000)) * 0.001
    single = bootstrap(values, 100.0, block=1.0, paths=3_000)
    blocks = bootstrap(values, 100.0, block=40.0, paths=3_000)
    assert blocks.ends[-2] - blocks.ends[1] > 1.8 * (single.ends[-2] - single.ends[1])
    assert bootstrap(values, 100.0, paths=10).block == block_length(values) > 5.0


def test_a_seed_is_a_fan() -> None:
    values = np.random.default_rng(2).normal(0.0, 0.01, 300)
    one, two = bootstrap(values, 100.0, paths=700, seed=5), bootstrap(values, 100.0, paths=700, seed=5)
    assert json.dumps(one.plain()) == json.dumps(two.plain())
    assert bootstrap(values, 100.0, paths=700, seed=6).ends.tolist() != one.ends.tolist()
    told: list[tuple[int, int]] = []
    bootstrap(values, 100.0, paths=700, progress=lambda done, total: told.append((done, total)))
    assert told == [(256, 700), (512, 700), (700, 700)]
    assert (np.diff(one.equity, axis=0) >= 0.0).all() and (np.diff(one.falls, axis=0) >= 0.0).all(), "quantiles are in order"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"values": np.zeros(0)}, "MONTE_VALUES"), ({"values": np.array([np.nan])}, "MONTE_VALUES"), ({"paths": 0}, "MONTE_PATHS"),
        ({"paths": 2_000_000_000}, "MONTE_PATHS"),
        ({"block": 0.5}, "MONTE_PATHS"), ({"start": 0.0}, "MONTE_PATHS"), ({"steps": -1}, "MONTE_PATHS"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(Misuse, match=code):
        bootstrap(**({"values": np.ones(3), "start": 1.0} | wrong))


def test_daily_returns_by_hand() -> None:
    day = 86_400_000_000_000
    known = np.array([10, 20, day + 5, day + 9, 3 * day])
    assert daily_returns(known, np.array([100.0, 110.0, 90.0, 99.0, 49.5])).tolist() == pytest.approx([0.1, -0.1, -0.5])
    assert daily_returns(known, np.array([100.0, 110.0, 90.0, 0.0, 50.0])).tolist() == pytest.approx([0.1, -1.0]), "nothing comes of nothing"
    assert len(daily_returns(known[:1], np.array([100.0]))) == 0


# -- moved prices --------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**9), st.floats(0.1, 400.0), st.integers(0, 50))
def test_moved_bars_are_bars(seed: int, bps: float, path: int) -> None:
    tape = bars(seed % 100, 60, 2)
    known = instruments(2)
    (moved,) = perturbed([tape], list(known), bps, seed, path)
    again = perturbed([tape], list(known), bps, seed, path)[0]
    assert moved.hash == again.hash
    assert (moved["high"] >= np.maximum(moved["open"], moved["close"])).all() and (moved["low"] <= np.minimum(moved["open"], moved["close"])).all()
    assert (moved["low"] > 0.0).all()
    for name in ("ts", "known", "instrument", "volume", "span"):
        assert moved[name].tolist() == tape[name].tolist()
    for name in ("open", "high", "low", "close"):
        steps = moved[name] * 100.0
        assert np.abs(steps - np.rint(steps)).max() < 1e-6, "on the grid"


def test_moved_by_as_much_as_asked() -> None:
    tape = IBM[1][0]
    drawn = np.concatenate([np.log(perturbed([tape], list(IBM[0]), 25.0, 1, path)[0]["close"] / tape["close"]) for path in range(20)])
    assert drawn.std() == pytest.approx(0.0025, rel=0.03) and abs(drawn.mean()) < 4 * 0.0025 / np.sqrt(len(drawn))
    one, two = (perturbed([tape], list(IBM[0]), 25.0, seed, path)[0] for seed, path in ((1, 0), (2, 0)))
    assert one.hash != two.hash != perturbed([tape], list(IBM[0]), 25.0, 1, 1)[0].hash


def test_a_quote_s_sides_move_together_and_books_do_not() -> None:
    ts = np.arange(50, dtype=np.int64)
    quotes = Tape(Quote, {
        name: ts if name in ("ts", "known") else np.zeros(50) if name == "instrument" else np.full(50, 100.0 if name == "bid" else 101.0)
        for name in columns_of(Quote)
    })  # fmt: skip
    (moved,) = perturbed([quotes], [Instrument(symbol="S")], 50.0, 1, 0)
    assert (moved["ask"] > moved["bid"]).all() and moved["bid"].std() > 0.1
    assert moved["ask"] / moved["bid"] == pytest.approx(np.full(50, 1.01), abs=2e-4)
    books = Tape(BookDelta, {name: np.zeros(1) for name in columns_of(BookDelta)})
    with pytest.raises(Misuse, match="MONTE_TAPE"):
        perturbed([books], [Instrument(symbol="S")], 5.0, 1, 0)
    with pytest.raises(Misuse, match="MONTE_NOISE"):
        perturbed([quotes], [Instrument(symbol="S")], 0.0, 1, 0)


# -- costs and delays ------------------------------------------------------------------------------------------------------------


def table(rows: list[tuple[float, float, float, float]]) -> Any:
    n = len(rows)
    ts = np.arange(n, dtype=np.int64) * MINUTE
    prices = {name: np.asarray([row[k] for row in rows]) for k, name in enumerate(("open", "high", "low", "close"))}
    tape = Tape(Bar, prices | {"ts": ts, "known": ts + MINUTE, "instrument": np.zeros(n), "span": np.full(n, MINUTE), "volume": np.full(n, 100.0)})
    return Instruments([Instrument(symbol="S0")]), [tape], []


class Once:
    """Ten lots with a stop at 95, wanted at the first bar; none at the fourth."""

    unit = "lots"

    class state(msgspec.Struct):
        seen: int = 0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.seen += 1
        if state.seen == 1:
            out.target = 10.0
            out.stop = 95.0
        if state.seen == 4:
            out.target = 0.0
            out.stop = ABSENT


class Twice:
    """The same said by a handler, one order a bar."""

    def __init__(self) -> None:
        self.seen = 0

    def on_bar(self, bar: Any, book: Any) -> Any:
        self.seen += 1
        return {1: Target(bar.instrument, lots=10, why="in"), 4: Target(bar.instrument, lots=0, why="out")}.get(self.seen)


LADDER = [(100.0 + k, 100.9 + k, 99.5 + k, 100.5 + k) for k in range(9)]


@pytest.mark.parametrize("cls", [Once, Twice])
@pytest.mark.parametrize("late", [0, 1, 2, 3])
def test_delays_by_hand(cls: type, late: int) -> None:
    """Bought at the open of row 1 + late, sold at that of row 4 + late."""
    fills = run([Wanted("s", heard(cls, late))], table(LADDER), Terms(fees="free", slippage_bps=0.0)).fills()
    assert [(fill["side"] * fill["lots"], fill["price"]) for fill in fills] == [(10, 101.0 + late), (-10, 104.0 + late)]
    assert (heard(cls, late) is cls) == (late == 0)


def test_a_late_stop_is_late_too() -> None:
    """The stop at 95 comes with its order: a fall to 94 in row 1 is before, one in row 3 after a delay of one."""
    rows = [(100.0, 101.0, 99.0, 100.0), (100.0, 101.0, 94.0, 100.0), (100.0, 101.0, 99.0, 100.0), (100.0, 101.0, 94.0, 100.0), *LADDER[:3]]
    fills = run([Wanted("s", heard(Once, 1))], table(rows), Terms(fees="free", slippage_bps=0.0)).fills()
    assert [(fill["side"] * fill["lots"], fill["price"], fill["known"] // MINUTE) for fill in fills][:2] == [(10, 100.0, 2), (-10, 95.0, 4)]


def test_what_cannot_be_late() -> None:
    class Woken(Once):
        wakes = (Every("5m"),)

    class Deaf:
        def on_quote(self, quote: Any, book: Any) -> None: ...

    for cls in (Woken, Deaf):
        with pytest.raises(Misuse, match="LATE"):
            heard(cls, 1)
        assert heard(cls, 0) is cls
    found = delays(Woken, table(LADDER), [0, 1], terms=TERMS, params={})
    assert [one.refused for one in found] == ["", "LATE"]
    for many in (-1, 99_999_999):  # each bar of delay is kept in memory
        with pytest.raises(Misuse, match="LATE"):
            delays(Once, table(LADDER), [many], terms=TERMS, params={})


def test_costs_by_hand() -> None:
    """Ten lots bought at 101 and sold at 104: 30 earned; each fill costs the least fee of 1 and 2 bps: 0.202 and 0.208."""
    found = montecarlo(Once, table(LADDER), terms=TERMS, only=["costs"], costs=[0.0, 1.0, 3.0], ledger_at=None)
    ends = found.stress["end_equity"].to_list()
    assert ends == pytest.approx([50_030.0, 50_030.0 - 2.41, 50_030.0 - 3 * 2.41])
    assert found.trades is found.returns is found.prices is None
    assert dearer("alpaca", 2.0) == FeeSchedule(*(2.0 * part for part in alpaca_equity()))
    assert costlier(TERMS, 2.0).slippage_bps == 4.0 and costlier(TERMS, 2.0).cash == TERMS.cash
    with pytest.raises(Misuse, match="MONTE_COSTS"):
        costlier(TERMS, -1.0)


# -- all of it -------------------------------------------------------------------------------------------------------------------


def shaken(**more: Any) -> Any:
    return montecarlo(Trend, IBM, {"fast": 5, "slow": 20}, **({"terms": TERMS, "ledger_at": None, "paths": 300, "runs": 6} | more))


def test_all_of_it_is_the_same_with_any_workers(tmp_path: Path) -> None:
    told: list[str] = []
    one = shaken(workers=1, ledger_at=tmp_path, progress=lambda kind, done, total: told.append(kind))
    two = shaken(workers=2)
    assert {name: values.tolist() for name, values in one.prices.figures.items()} == {name: v.tolist() for name, v in two.prices.figures.items()}
    assert one.stress.equals(two.stress) and json.dumps(one.trades.plain()) == json.dumps(two.trades.plain())
    assert list(dict.fromkeys(told)) == ["trades", "returns", "prices", "costs", "delays"]
    stats_ = verdict(run([Wanted("s", Trend, {"fast": 5, "slow": 20})], IBM, TERMS), "s").stats
    for name in ("total_return", "sharpe", "max_drawdown", "trades"):
        assert one.base[name] == pytest.approx(stats_[name])
        as_it_was = one.stress.filter((one.stress["by"] == 1.0) & (one.stress["kind"] == "costs"))
        assert as_it_was[name][0] == pytest.approx(stats_[name])
    in_time = one.stress.filter((one.stress["kind"] == "delay") & (one.stress["by"] == 0.0))
    assert in_time["end_equity"][0] == one.base["end_equity"]
    line = next(iter(lines(tmp_path)))
    assert (line["kind"], line["trials"], count(tmp_path)) == ("montecarlo", 1, 1)
    with pytest.raises(Misuse, match="MONTE_KIND"):
        shaken(only=["luck"])


def test_a_moved_price_is_a_run_of_its_own() -> None:
    out = shaken(only=["prices"], runs=3, noise_bps=20.0, seed=4, workers=1)
    moved = (IBM[0], perturbed(IBM[1], list(IBM[0]), 20.0, 4, 1), IBM[2])
    alone = verdict(run([Wanted("s", Trend, {"fast": 5, "slow": 20})], moved, TERMS), "s").stats
    assert out.prices.figures["total_return"][1] == alone["total_return"]
    assert out.prices.refused == 0 and len(set(out.prices.figures["total_return"].tolist())) == 3


def app() -> typer.Typer:
    from argosy.cli.backtest import backtest

    made = typer.Typer(cls=Shell, pretty_exceptions_enable=False)
    made.command("montecarlo")(command)
    made.command("backtest")(backtest)
    made.callback()(lambda: None)
    return made


WORDS = ["montecarlo", "trend", "--symbols", "IBM", "--start", "2009-01-01", "-p", "fast=5", "--paths", "200", "--runs", "3"]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app(), WORDS)
    assert shown.exit_code == 0, shown.output
    for text in ("as it was", "trades drawn again one by one", "returns drawn again in blocks", "prices moved by 10 bps", "costs × 3", "2 bars late"):
        assert text in shown.stdout
    said = json.loads(CliRunner().invoke(app(), [*WORDS, "--only", "returns,costs", "--costs", "1", "--json"]).stdout)
    assert said["trades"] is None and said["prices"] is None and len(said["stress"]) == 1
    assert said["stress"][0]["end_equity"] == said["base"]["end_equity"]
    saved = CliRunner().invoke(app(), ["backtest", "trend", "--symbols", "IBM", "--start", "2009-01-01", "-p", "fast=5", "--save", "run", "--json"])
    assert saved.exit_code == 0
    folder = json.loads(CliRunner().invoke(app(), ["montecarlo", "run", "--paths", "200", "--json"]).stdout)
    whole = json.loads(CliRunner().invoke(app(), [*WORDS, "--only", "trades,returns", "--json"]).stdout)
    assert folder["returns"] == whole["returns"] and folder["base"]["sharpe"] == whole["base"]["sharpe"]
    assert CliRunner().invoke(app(), ["montecarlo", "run"]).exit_code == 0


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (["trend", "--only", "luck"], "MONTE_KIND"), (["trend", "--costs", "a"], "MONTE_NUMBERS"), (["trend", "--delays", "0.5"], "MONTE_NUMBERS"),
        (["trend", "--noise-bps", "-1"], "MONTE_NOISE"), (["empty"], "MONTE_FOLDER"), (["trend", "-p", "quick=1"], "STRATEGY_PARAM"),
        (["nothing"], "PLUGIN_UNKNOWN"),
    ],
)  # fmt: skip
def test_misuse_says_what_and_how(wrong: list[str], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    refused = CliRunner().invoke(app(), ["montecarlo", *wrong, "--symbols", "IBM", "--json"])
    assert refused.exit_code == 2, refused.output
    assert json.loads(refused.stderr)["error"]["code"] == code
