"""Statistics of a run by hand; what has no sense is nan with a reason, deposits are no profit, and nothing is ever a warning."""

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.tape import Tape
from argosy.core.time import DAY, MINUTE, parse
from argosy.kernels import stats as kernels
from argosy.lab.result import Flow, Result
from argosy.lab.statistics import FIGURES, aligned, catalogue, pair, rolling, sample, statistics
from argosy.lab.statistics import reasons as why
from argosy.lab.statistics.curve import of_sample
from argosy.lab.statistics.versus import of_pair
from argosy.lab.verdict import conclude, deepest, of_curve
from argosy.lab.yardstick import yardstick
from tests.lab.conftest import START, M, fill, frame

NAN = float("nan")
DAYS = parse("2024-01-01")
GOOD = [100.0, 110.0, 99.0, 99.0, 118.8]
"""Returns +10, -10, 0, +20 %: mean 5 %, squares about it 500, below zero 100, in 1e-4."""


def curve(values: list[float], flows: list[float] | None = None, every: int = DAY, **more):
    known = DAYS + np.arange(len(values)) * every
    return of_sample(sample(known, np.array(values, np.float64), None if flows is None else np.array(flows), **more))


def run(value: list[float], benchmark: list[float] | None = None, flows: tuple[Flow, ...] = (), fills: tuple = (), every: int = DAY) -> Result:
    known = START + np.arange(len(value)) * every
    held = np.array(value if benchmark is None else benchmark, np.float64)
    return conclude(
        name="x", strategies=["s"], symbols=["A"], currency="USD", cash=100 * M, known=known,
        equity=np.rint(np.array(value) * M).astype(np.int64), benchmark=held, fills=frame(*fills), flows=flows,
    )  # fmt: skip


def test_a_curve_by_hand() -> None:
    got, reasons = curve(GOOD, steps="rows", ppy=4.0)
    root = math.sqrt(0.05 / 3.0)
    third, fourth = (125 - 3375 - 125 + 3375) / 4e6, (625 + 50625 + 625 + 50625) / 4e8
    skew, kurtosis = third / 0.0125**1.5, fourth / 0.0125**2 - 3.0
    ratio = 0.05 / root
    wanted = {
        "total_return": 0.188, "volatility": 2 * root, "sharpe": 2 * ratio, "sortino": 0.05 / 0.05 * 2, "omega": 3.0,
        "max_drawdown": 0.1, "max_drawdown_days": 3.0, "underwater_days": 3.0, "average_drawdown": 0.05, "ulcer": math.sqrt(0.02 / 4),
        "skew": skew, "kurtosis": kurtosis, "best_step": 0.2, "worst_step": -0.1, "gaining_steps": 0.5,
        "sharpe_error_iid": 2 * math.sqrt((1 + ratio**2 / 2) / 4),
        "sharpe_error": 2 * math.sqrt((1 - skew * ratio + (kurtosis + 2) / 4 * ratio**2) / 3),
        "var": 0.085, "cvar": 0.1, "tail_ratio": 0.185 / 0.085,  # quantiles at place 0.15: -10 + 0.15 x 10; 20 - 0.15 x 10
        "var_gaussian": 1.6448536269514722 * root - 0.05, "cvar_gaussian": 2.0627128075074257 * root - 0.05,
    }  # fmt: skip
    for name, want in wanted.items():
        assert getattr(got, name) == pytest.approx(want, rel=1e-9, abs=1e-12), name
    assert reasons == {"cagr": why.BRIEF, "calmar": why.BRIEF, "var_cornish_fisher": why.BENT, "cvar_cornish_fisher": why.BENT}
    assert 0.5 < got.sharpe_above_0 < 1.0


def test_growth_a_year_is_of_the_calendar() -> None:
    known = DAYS + np.array([0, 100, 731]) * DAY  # 731 days are 2.0014 years
    got, _ = of_sample(sample(known, np.array([100.0, 80.0, 121.0])))
    assert got.cagr == pytest.approx(1.21 ** (365.25 / 731) - 1, rel=1e-12)
    assert got.calmar == pytest.approx(got.cagr / 0.2, rel=1e-12)
    assert (got.max_drawdown_days, got.underwater_days) == (731.0, 731.0)


CASES = [
    ("nothing", [], {"": why.EMPTY}),
    ("one row", [100.0], {"total_return": "there is one row", "sharpe": why.FEW, "var": why.FEW}),
    ("two rows", [100.0, 101.0], {"sharpe": why.FEW, "sortino": why.FEW, "skew": why.FEW, "calmar": why.BRIEF}),
    ("constant", [100.0] * 60, {"sharpe": why.STILL, "sortino": why.NO_LOSS, "omega": why.NO_LOSS, "calmar": why.NO_FALL}),
    ("never moved", [5.0] * 3, {"tail_ratio": why.NO_TAIL, "var_cornish_fisher": why.STILL, "skew": why.STILL, "sharpe_above_0": why.STILL}),
    ("only gains", [100.0 + k for k in range(60)], {"sortino": why.NO_LOSS, "omega": why.NO_LOSS, "calmar": why.NO_FALL}),
    ("to zero", [100.0, 50.0, 0.0, 0.0, 0.0], {"cagr": why.BRIEF}),
    ("below zero", [100.0, 50.0, -10.0, 40.0], {"cagr": why.BRIEF}),
    ("starting at zero", [0.0, 10.0, 20.0], {"total_return": why.START, "sharpe": why.START}),
    ("starting below", [-5.0, 10.0, 20.0], {"total_return": why.START, "var": why.START}),
    ("a hole", [100.0, NAN, 90.0, 95.0], {"sharpe": why.HOLES, "max_drawdown": why.HOLES, "var": why.HOLES, "ulcer": why.HOLES}),
    ("holes only", [NAN] * 4, {"total_return": why.HOLES, "sharpe": why.HOLES}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "wanted"), CASES, ids=[row[0] for row in CASES])
@pytest.mark.parametrize("steps", ["days", "rows"])
def test_what_has_no_sense_says_why(name: str, values: list[float], wanted: dict[str, str], steps: str) -> None:
    got, reasons = curve(values, steps=steps)
    for figure, value in msgspec.structs.asdict(got).items():
        assert math.isfinite(value) != (figure in reasons), figure
    for figure, reason in wanted.items():
        assert (reasons[figure] if figure else set(reasons.values())) == (reason if figure else {reason})


def test_ruin_has_figures() -> None:
    got, _ = curve([100.0, 50.0, 0.0, 0.0, 0.0])
    assert (got.total_return, got.max_drawdown, got.worst_step) == (-1.0, 1.0, -1.0)
    assert got.volatility == pytest.approx(math.sqrt(2 * 0.25**2) * math.sqrt(252.0)), "of two returns; after nothing there are none"
    under, _ = curve([100.0, 50.0, -10.0, 40.0])
    assert under.max_drawdown == 1.1 and under.worst_step == -1.2 and under.total_return == -0.6


MONEY = st.one_of(st.sampled_from([0.0, 100.0, -5.0, NAN, 1e-300, 1e300]), st.floats(0.0, 1e6))


@settings(deadline=None, max_examples=120)
@given(st.lists(st.tuples(MONEY, MONEY), max_size=30), st.sampled_from(["days", "rows"]), st.sampled_from([DAY, 7 * DAY, MINUTE]))
def test_any_curve_has_a_value_or_a_reason_and_never_a_warning(rows: list[tuple[float, float]], steps: str, every: int) -> None:
    known = DAYS + np.arange(len(rows)) * every
    value, held = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # 1e300 over 1e-300 is what was asked for
        got, reasons = of_sample(sample(known, value, steps=steps))
        beside, more = of_pair(pair(known, value, held, steps=steps))
    for made, told in ((got, reasons), (beside, more)):
        assert {name for name, value in msgspec.structs.asdict(made).items() if not math.isfinite(value)} == set(told)


def test_a_week_a_row_counts_weeks() -> None:
    known = DAYS + np.arange(105) * 7 * DAY
    value = 100.0 * 1.001 ** np.arange(105) * np.where(np.arange(105) % 2, 1.01, 1.0)
    made = sample(known, value)
    assert made.ppy == pytest.approx(365.25 / 7) and len(made.returns) == 104
    assert of_sample(made)[0].volatility == pytest.approx(made.returns.std(ddof=1) * math.sqrt(365.25 / 7))


def test_minutes_are_judged_by_their_days_and_falls_by_every_row() -> None:
    known = parse("2024-01-02T14:30:00") + np.array([0, MINUTE, 2 * MINUTE, DAY, DAY + MINUTE, 2 * DAY])
    value = np.array([100.0, 50.0, 110.0, 121.0, 99.0, 108.9])
    made = sample(known, value)
    assert made.returns.tolist() == pytest.approx([0.1, -0.1, 0.1]), "the first row, then the last of each day"
    assert of_sample(made)[0].max_drawdown == 0.5
    assert len(sample(known, value, steps="rows").returns) == 5


# -- deposits ------------------------------------------------------------------------------------------------------------


def test_deposits_and_withdrawals_are_never_profit() -> None:
    """100 grows 10 %, 100 comes in, grows 10 %, 50 goes out, falls 10 %: 1.1 x 1.1 x 0.9."""
    got, _ = curve([100.0, 210.0, 231.0, 162.9], [0.0, 100.0, 0.0, -45.0])
    assert got.total_return == pytest.approx(1.1 * 1.1 * 0.9 - 1.0)
    assert got.max_drawdown == pytest.approx(0.1) and got.best_step == pytest.approx(0.1)
    one = run([100.0, 210.0, 231.0, 162.9], flows=(Flow(START + DAY, 100 * M), Flow(START + 2 * DAY + 5, -45 * M)))
    assert one.flow.tolist() == [0.0, 100.0, 0.0, -45.0], "a flow between two rows is in the next"
    assert one.stats["total_return"] == pytest.approx(0.089) == statistics(one).curve.total_return
    assert one.stats["max_drawdown"] == pytest.approx(0.1)
    assert run([100.0, 210.0, 231.0, 162.9]).stats["total_return"] == pytest.approx(0.629), "without the flows it looks like profit"


def test_flows_are_kept_and_older_files_have_none(tmp_path) -> None:
    one = run([100.0, 210.0], flows=(Flow(START + DAY, 100 * M),))
    one.hint = "a loop"
    again = Result.load(one.save(tmp_path))
    assert again.flows == one.flows and again == one and again.hint == "a loop"
    assert Result.from_json(one.to_json()).flows == one.flows
    head = json.loads((tmp_path / "result.json").read_text())
    del head["flows"], head["hint"]
    (tmp_path / "result.json").write_text(json.dumps(head))
    assert Result.load(tmp_path).flows == () and Result.load(tmp_path).flow.tolist() == [0.0, 0.0]


def test_money_that_comes_late_starts_the_clock() -> None:
    got = of_curve(DAYS + np.arange(5) * DAY, np.array([0.0, 0.0, 100.0, 110.0, 99.0]), np.array([0.0, 0.0, 100.0, 0.0, 0.0]))
    assert got["total_return"] == pytest.approx(-0.01) and got["max_drawdown"] == pytest.approx(0.1) and got["max_drawdown_days"] == 1.0


def test_a_deposit_in_a_run_is_no_profit() -> None:
    """Through the engine: a strategy that never trades, and 5,000 that come in half way."""
    from argosy.core.events import Bar, CashFlow
    from argosy.core.instrument import Instrument, Instruments
    from argosy.core.tape import Tape
    from argosy.house import Wanted
    from argosy.lab.backtest import run as backtest
    from argosy.lab.verdict import gather

    at, flat = START + np.arange(6) * DAY, np.full(6, 10.0)
    bars = {"ts": at, "known": at + DAY, "instrument": np.zeros(6, np.int64), "open": flat, "high": flat + 1, "low": flat - 1,
            "close": flat + np.arange(6) % 2, "volume": flat * 1e6, "span": np.full(6, DAY)}  # fmt: skip
    flow = CashFlow(START + 3 * DAY, START + 3 * DAY, "USD", 5_000 * M)
    table = Instruments([Instrument(id=0, symbol="A")])
    outcome = backtest([Wanted(name="h", plugin="trend", params={"fast": 4, "slow": 5})], (table, (Tape(Bar, bars),), (flow,)))
    got = gather(outcome, "h")
    assert got.flows == (Flow(START + 3 * DAY, 5_000 * M),)
    assert int(got.equity[-1] - got.equity[0]) >= 4_000 * M
    assert abs(got.stats["total_return"]) < 0.02 and abs(statistics(got).curve.total_return) < 0.02


# -- beside a benchmark ----------------------------------------------------------------------------------------------------


def test_beside_a_benchmark_by_hand() -> None:
    own = [100.0, 102.0, 100.98, 104.0094, 104.0094]  # +2, -1, +3, 0 %
    other = [50.0, 50.5, 49.995, 50.49495, 50.49495]  # +1, -1, +1, 0 %
    known = DAYS + np.arange(5) * DAY
    got, reasons = of_pair(pair(known, np.array(own), np.array(other), steps="rows", ppy=4.0))
    beta = 5 / 2.75
    assert reasons == {}
    assert got.beta == pytest.approx(beta, rel=1e-9)
    assert got.alpha == pytest.approx((1 + 0.01 - beta * 0.0025) ** 4 - 1, rel=1e-9)
    assert got.correlation == pytest.approx(5 / math.sqrt(10 * 2.75), rel=1e-9)
    active = math.sqrt(2.75e-4 / 3)
    assert got.tracking_error == pytest.approx(2 * active, rel=1e-9)
    assert got.information_ratio == pytest.approx(2 * 0.0075 / active, rel=1e-9)
    assert got.excess_return == pytest.approx(0.040094 - 0.009899, rel=1e-9)
    assert got.up_capture == pytest.approx(((1.02 * 1.03) ** 2 - 1) / (1.01**4 - 1), rel=1e-9)
    assert got.down_capture == pytest.approx((0.99**4 - 1) / (0.99**4 - 1), rel=1e-9)


def test_the_benchmark_is_an_argument() -> None:
    one = run(GOOD, [100.0, 120.0, 90.0, 140.0, 150.0])
    usual = statistics(one)
    assert usual.held == "buy and hold of the same instruments" and usual.benchmark.total_return == pytest.approx(0.5)
    spy = aligned(one.known, START + np.array([-3, 1, 3]) * DAY, np.array([400.0, 404.0, NAN]))
    assert spy.tolist() == [400.0, 404.0, 404.0, 404.0, 404.0]
    got = statistics(one, benchmark=spy, held="SPY")
    assert (got.held, got.benchmark.total_return) == ("SPY", pytest.approx(0.01)) and got.versus.beta != usual.versus.beta
    late = statistics(one, benchmark=aligned(one.known, START + np.array([2, 3, 4]) * DAY, np.array([10.0, 11.0, 9.9])))
    assert late.versus.excess_return == pytest.approx(0.2 + 0.01), "from the benchmark's first value on"
    nothing = statistics(one, benchmark=np.full(5, NAN))
    assert set(msgspec.structs.asdict(nothing.versus)) == {name.split(".")[1] for name in nothing.reasons if name.startswith("versus.")}
    assert nothing.reasons["versus.beta"] == why.APART
    assert aligned(one.known, np.array([], np.int64), np.array([])).tolist() == pytest.approx([NAN] * 5, nan_ok=True)


FLAT = [
    ("flat benchmark", GOOD, [100.0] * 5, {"beta": why.FLAT, "alpha": why.FLAT, "up_capture": why.NO_RISE, "down_capture": why.NO_DROP}),
    ("flat equity", [100.0] * 5, GOOD, {"correlation": why.STILL}),
    ("the same", GOOD, GOOD, {"information_ratio": why.SAME}),
    ("steady", [100 * 1.01**k for k in range(5)], [50 * 1.02**k for k in range(5)], {"beta": why.FLAT, "correlation": why.FLAT}),
]


@pytest.mark.parametrize(("name", "own", "other", "wanted"), FLAT, ids=[row[0] for row in FLAT])
def test_benchmarks_without_sense_say_why(name: str, own: list[float], other: list[float], wanted: dict[str, str]) -> None:
    got, reasons = of_pair(pair(DAYS + np.arange(5) * DAY, np.array(own), np.array(other)))
    for figure, reason in wanted.items():
        assert math.isnan(getattr(got, figure)) and reasons[figure] == reason


def test_a_day_without_a_price_of_the_yardstick_is_no_step_of_either() -> None:
    """The run is the benchmark: beta is one whatever days the benchmark lacks; a stale price beside a return would bend it."""
    rng = np.random.default_rng(3)
    known = DAYS + np.arange(400) * DAY + DAY // 2
    prices = 100.0 * np.cumprod(1.0 + rng.normal(0.0, 0.01, 400))
    there = rng.random(400) > 0.2
    there[0] = True
    columns = dict.fromkeys(("open", "high", "low", "close", "volume"), prices[there])
    times = {"ts": known[there] - MINUTE, "known": known[there], "span": np.full(int(there.sum()), MINUTE)}
    tape = Tape(Bar, columns | times | {"instrument": np.zeros(int(there.sum()))})
    one = yardstick("SPY", tape, (), known, 100.0)
    assert one.fresh is not None and one.fresh.tolist() == there.tolist()
    stale, _ = of_pair(pair(known, prices, one.value))
    both = pair(known, prices, one.value, fresh=one.fresh)
    got, _ = of_pair(both)
    assert len(both.own) == int(there.sum()) - 1 and both.ppy == pytest.approx(pair(known, prices, one.value).ppy * there.sum() / 400)
    assert stale.beta < 0.95 and got.beta == pytest.approx(1.0, abs=1e-9) and got.correlation == pytest.approx(1.0, abs=1e-9)


# -- the whole --------------------------------------------------------------------------------------------------------------


def test_statistics_and_the_verdict_are_one(paper) -> None:
    got = statistics(paper)
    for name in ("total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "max_drawdown_days"):
        assert getattr(got.curve, name) == pytest.approx(paper.stats[name], rel=1e-12, nan_ok=True)
        assert getattr(got.benchmark, name) == pytest.approx(paper.benchmark_stats[name], rel=1e-12, nan_ok=True)
    for name in ("trades", "open_trades", "win_rate", "profit_factor", "fees", "traded", "turnover", "exposure"):
        assert getattr(got.deals, name) == pytest.approx(paper.stats[name], rel=1e-12, nan_ok=True)


def test_trades_and_costs_by_hand(paper) -> None:
    """A: bought at 50, sold at 70, fees 1: +19. B: short at 40, back at 50: -10, and one still open."""
    got = statistics(paper).deals
    assert (got.trades, got.open_trades, got.win_rate) == (2, 1, 0.5)
    assert (got.profit_factor, got.payoff, got.expectancy) == pytest.approx((1.9, 1.9, 4.5))
    assert (got.average_gain, got.average_loss, got.longest_wins, got.longest_losses) == (19.0, 10.0, 1, 1)
    assert got.held_days == 2.0 and got.fees == 1.0 and got.traded == 240.0
    assert got.fee_bps == pytest.approx(1e4 / 240) and got.drag == pytest.approx(1 / 109.8 / (4 / 365.25))
    assert math.isnan(got.mae_frac) and statistics(paper).reasons["deals.mae_frac"] == why.NO_BARS


def test_a_run_without_trades_says_so() -> None:
    got = statistics(run([100.0] * 3))
    assert got.deals.trades == 0 and got.reasons["deals.win_rate"] == why.NO_TRADES and got.reasons["deals.fee_bps"] == why.UNTRADED
    won = statistics(run([100.0] * 3, fills=(fill(0, "A", 1, 1, 10.0), fill(1, "A", -1, 1, 12.0))))
    assert won.deals.profit_factor == math.inf and won.reasons["deals.profit_factor"] == why.NO_LOSSES
    assert won.reasons["deals.payoff"] == why.NO_LOSSES


def test_an_empty_run_has_reasons_and_no_error() -> None:
    got = statistics(run([]))
    assert got.start is None and got.count == 0
    assert set(got.reasons) == {name for name, value in got.flat().items() if not math.isfinite(value)}


def test_json_and_frame_have_every_figure_with_its_definition(paper) -> None:
    paper.benchmark[:] = paper.benchmark[0]
    made = statistics(paper)
    told = json.loads(made.to_json())
    assert told["reasons"]["versus.beta"] == why.FLAT and told["versus"]["beta"] is None and told["deals"]["trades"] == 2.0
    rows = made.frame().to_dicts()
    assert [f"{row['group']}.{row['figure']}" for row in rows] == list(made.flat())
    assert all(row["unit"] and row["definition"] and row["source"] for row in rows)
    assert {row["figure"]: row["reason"] for row in rows if row["group"] == "versus"}["beta"] == why.FLAT
    assert list(FIGURES["curve"]) == list(msgspec.structs.asdict(made.curve)) and list(FIGURES["deals"]) == list(msgspec.structs.asdict(made.deals))


WRONG = [
    ("STATISTICS_STEPS", lambda one: statistics(one, steps="hours")),
    ("STATISTICS_TAIL", lambda one: statistics(one, tail=0.5)),
    ("STATISTICS_SHAPE", lambda one: statistics(one, benchmark=np.ones(3))),
    ("STATISTICS_SHAPE", lambda one: pair(one.known, one.value, np.ones(3))),
    ("STATISTICS_SHAPE", lambda one: sample(one.known[:2], one.value)),
    ("STATISTICS_WINDOW", lambda one: rolling(one, 1)),
]


@pytest.mark.parametrize(("code", "asked"), WRONG)
def test_what_is_asked_wrongly_is_refused(paper, code: str, asked) -> None:
    with pytest.raises(Misuse, match=code):
        asked(paper)


def test_rolling_figures_of_a_run(paper) -> None:
    got = rolling(paper, 2)
    assert got["known"].to_list() == [START + k * DAY for k in range(1, 5)]
    assert got["volatility"].null_count() == 1 and got["beta"][1] == pytest.approx((-0.1 - 0.1) / (-0.25 - 0.2))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(st.integers(-20, 20).map(float), st.floats(0.0, 1e3), st.just(NAN)), max_size=30))
def test_the_verdict_s_fall_is_the_kernel_s_to_the_bit(curve: list[float]) -> None:
    depth, peak, back = deepest(np.array(curve, np.float64))
    want, length = kernels.max_drawdown.py(curve)
    assert (depth == want or (math.isnan(depth) and math.isnan(want))) and back - peak == length


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 40 * 24), min_size=1, max_size=40, unique=True), st.sampled_from([1, 24 * 9]))
def test_the_last_rows_of_days_however_sparse(hours: list[int], wide: int) -> None:
    from argosy.core.time import HOUR
    from argosy.lab.verdict import daily

    known = np.array(sorted(hours), np.int64) * HOUR * wide
    days = (known // DAY).tolist()
    assert daily(known).tolist() == [k for k in range(len(days)) if k + 1 == len(days) or days[k + 1] != days[k]]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 12))), max_size=12))
def test_exposure_is_the_share_of_rows_with_a_position(spans: list[tuple[int, int | None]]) -> None:
    import polars as pl

    from argosy.lab.verdict import exposure

    known = np.arange(0, 60, 2)
    rows = [(enter, None if span is None else enter + span) for enter, span in spans]
    table = pl.DataFrame({"entered": [row[0] for row in rows], "left": [row[1] for row in rows]}, schema={"entered": pl.Int64, "left": pl.Int64})
    held = [any(enter <= at and (leave is None or at < leave) for enter, leave in rows) for at in known.tolist()]
    assert exposure(known, table) == pytest.approx(sum(held) / len(held))


def test_the_page_has_the_catalogue() -> None:
    from pathlib import Path

    page = (Path(__file__).resolve().parents[2] / "docs" / "statistics.md").read_text()
    assert catalogue.table() in page, "run `python -c 'from argosy.lab.statistics.catalogue import table; print(table())'` and paste it"
