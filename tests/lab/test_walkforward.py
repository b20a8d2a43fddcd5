"""Walk-forward: what is judged was never learned from, and the judged times are one account to the unit."""

from __future__ import annotations

import json
from math import isnan, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from msgspec import structs
from typer.testing import CliRunner

from argosy.cli.main import Shell
from argosy.cli.prices import gather
from argosy.cli.walkforward import walkforward as command
from argosy.core.errors import Misuse
from argosy.core.tape import Tape
from argosy.house import Terms, Wanted
from argosy.kernels.fees import per_share
from argosy.lab.backtest import run
from argosy.lab.search import walked as walked_lane
from argosy.lab.search.lane import ALWAYS, Span, Tried, lane
from argosy.lab.search.space import Axis, Space
from argosy.lab.search.walked import silent
from argosy.lab.splits import combinatorial
from argosy.lab.trials import count, lines
from argosy.lab.walkforward import Stage, cross, walk
from argosy.lab.walkforward.cross import Pieces, quantiles
from argosy.lab.walkforward.run import drift, efficiency
from argosy.strategies.trend import Trend

TERMS = Terms(cash=50_000.0, fees=per_share(0.005, 1.0), slippage_bps=2.0)
IBM = gather("demo", ("IBM",), "2008-01-01")[0]
TWO = gather("demo", ("AAPL", "IBM"), "2010-01-01")[0]
VARIED = {"fast": "2..20:2", "slow": "10..60:10"}


def walked(data: Any = IBM, **more: Any) -> Any:
    return walk(Trend, data, **({"varied": VARIED, "terms": TERMS, "ledger_at": None, "trials": 20, "windows": 4} | more))


@pytest.mark.parametrize("rolls", [False, True])
@pytest.mark.parametrize("together", [False, True])
def test_the_judged_times_are_one_account(rolls: bool, together: bool) -> None:
    """Each stage is what the engine does with the chosen parameters and the cash that was left, begun on its first day."""
    data = TWO if together else IBM
    out = walked(data, rolls=rolls, together=together, trials=6 if together else 20, windows=3)
    assert out.lane == ("walk" if together else "sweep")
    assert out.stages[0].start == 50_000_000_000
    whole: list[int] = []
    for stage, following in zip(out.stages, [*out.stages[1:], None], strict=True):
        assert stage.best is not None and stage.train.end == stage.test.start
        cash = structs.replace(TERMS, cash=stage.start / 1e6)
        cut = [tape.between(0, stage.test.end) for tape in data[1]]
        late = silent(Trend, stage.test.start)
        outcome = run([Wanted("s", late, stage.best)], (data[0], cut, [e for e in data[2] if e.known < stage.test.end]), cash)
        equity = outcome.equity()[outcome.instants() >= stage.test.start].tolist()
        assert equity[0] == stage.start, "nothing was held when the window began"
        whole += [*equity[:-1], stage.end]
        sold = outcome.run.engine.state.portfolio.lots
        if not any(sold):
            assert stage.end == equity[-1]
        else:
            assert stage.end < equity[-1], "selling costs"
        assert following is None or following.start == stage.end
    assert out.equity.tolist() == whole
    assert len(out.known) == len(whole) and out.figures["end_equity"] == whole[-1] / 1e6
    assert out.known.tolist() == sorted({int(k) for tape in data[1] for k in tape["known"]})[-len(whole) :]


def test_the_future_changes_no_choice() -> None:
    """Prices after the second window's beginning are turned upside down: all that was learned before stays as it was."""
    first = walked(method="random")
    known = first.stages[1].test.start
    tape = IBM[1][0]
    after = tape["known"] >= known
    turned = dict(tape.columns)
    for name in ("open", "high", "low", "close"):
        turned[name] = np.where(after, np.round(300.0 - tape[name], 2), tape[name])
    turned["high"], turned["low"] = np.maximum(turned["high"], turned["low"]), np.minimum(turned["high"], turned["low"])
    second = walked((IBM[0], [Tape(tape.kind, turned)], IBM[2]), method="random")
    for one, other in zip(first.stages[:2], second.stages[:2], strict=True):
        assert (one.best, one.inside, one.start) == (other.best, other.inside, other.start)
    assert first.stages[0] == second.stages[0]
    assert first.stages[1].end != second.stages[1].end and first.stages[2].inside != second.stages[2].inside


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_a_seed_is_a_walk(method: str, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    one = walked(method=method, workers=1, ledger_at=tmp_path, progress=lambda done, total: told.append((done, total)))
    two = walked(method=method, workers=2)
    assert one.equity.tolist() == two.equity.tolist() and one.stages == two.stages
    assert told[-1] == (80, 80) and told == sorted(told)
    line = next(iter(lines(tmp_path)))
    assert count(tmp_path) == one.trials == line["trials"] == len(line["choices"])
    assert line["kind"] == f"walkforward {method}"
    assert one.table.height == 4 and one.table["fast"].to_list() == [stage.best["fast"] for stage in one.stages]


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("what", [walk, cross])
def test_what_was_stopped_is_counted(what: Any, together: bool, tmp_path: Path) -> None:
    """In the second window, or in the pieces of the second split."""

    def stop(done: int, total: int) -> None:
        if done > 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        what(
            Trend, TWO if together else IBM, VARIED, terms=TERMS, method="grid", trials=6, together=together, workers=1, ledger_at=tmp_path,
            progress=stop,
        )  # fmt: skip
    (line,) = lines(tmp_path)
    assert line["kind"] == f"{'walkforward' if what is walk else 'cross-validation'} grid" and len(line["choices"]) == count(tmp_path) == 6


def test_what_was_run_of_a_piece_is_counted_when_the_rest_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def broken(self: Any, point: Any, *given: Any) -> Any:
        calls.append(point)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return ask(self, point, *given)

    ask = walked_lane._tried
    monkeypatch.setattr(walked_lane, "_tried", broken)
    with pytest.raises(KeyboardInterrupt):
        cross(Trend, TWO, VARIED, terms=TERMS, method="grid", trials=6, together=True, workers=1, ledger_at=tmp_path)
    assert count(tmp_path) == 3


def test_where_nothing_keeps_the_rules_nothing_is_traded() -> None:
    out = walked(constraints=["trades>=1000"])
    assert {stage.best for stage in out.stages} == {None}
    assert set(out.equity.tolist()) == {50_000_000_000} and out.figures["trades"] == 0.0
    assert isnan(out.efficiency) and isnan(out.drift["fast"])


def test_horizon_and_embargo_leave_room() -> None:
    day = 86_400_000_000_000
    out = walked(horizon_ns=20 * day, embargo_ns=10 * day)
    for stage in out.stages:
        last = max(int(k) for k in IBM[1][0]["known"] if k < stage.train.end)
        assert last + 30 * day < stage.test.start
    with pytest.raises(Misuse, match="SPLIT_ROWS"):
        walked(windows=5_000)


def test_efficiency_and_drift_by_hand() -> None:
    """Inside 10 % and 20 % in two years each; outside 5 % and -2 % in a year: mean growths of logarithms."""
    year = 31_557_600_000_000_000

    def stage(number: int, fast: int, inside: float, outside: float) -> Stage:
        best = {"fast": fast, "way": fast % 2}
        return Stage(number, Span(0, 2 * year), Span(0, year), best, {"total_return": inside}, {"total_return": outside}, 0, 0)

    stages = [stage(0, 2, 0.1, 0.05), stage(1, 6, 0.2, -0.02), stage(2, 6, float("nan"), 0.5)]
    assert efficiency(stages) == pytest.approx((log(1.05) + log(0.98)) / ((log(1.1) + log(1.2)) / 2.0))
    space = Space((Axis("fast", "int", 2, 10, 1), Axis("way", "choice", values=(0, 1))))
    assert drift(stages, space) == {"fast": 4 / 8 / 2, "way": 0.0}
    assert isnan(efficiency([stage(0, 2, -0.1, 0.05)]))


# -- cross-validation ----------------------------------------------------------------------------------------------------------


def test_paths_cover_all_rows_by_choices_that_did_not_see_them() -> None:
    out = cross(Trend, IBM, VARIED, groups=5, judged=2, terms=TERMS, trials=10, ledger_at=None, embargo_ns=5 * 86_400_000_000_000)
    assert out.splits.height == 10 and out.paths.height == 4
    assert out.equity.shape == (4, len(IBM[1][0])) and (out.equity[:, 0] == 50_000_000_000).all()
    again = cross(Trend, IBM, VARIED, groups=5, judged=2, terms=TERMS, trials=10, ledger_at=None, embargo_ns=5 * 86_400_000_000_000, workers=1)
    assert again.equity.tolist() == out.equity.tolist() and again.splits.equals(out.splits)
    assert out.sharpes == quantiles(out.paths["sharpe"].to_numpy())
    assert out.losing_frac == float(np.mean(out.paths["total_return"].to_numpy() < 0.0))
    # the first path's first group is traded by the choice of the first split, begun fresh with all the cash
    first = {name: out.splits[name][0] for name in ("fast", "slow")}
    known = IBM[1][0]["known"]
    edge = len(known) // 5
    course = lane(Trend, IBM, terms=TERMS).course(first, Span(0, int(known[edge])), 50_000_000_000)
    assert out.equity[0, : edge - 1].tolist() == course.equity[:-1].tolist() and out.equity[0, edge - 1] == course.end == out.equity[0, edge]


def test_pieces_are_joined_by_their_rows() -> None:
    track = lane(Trend, IBM, terms=TERMS)
    rows = np.r_[0:300, 600:1000]
    known = IBM[1][0]["known"]
    whole = Pieces(track, rows).tried([{}])[0].figures
    one, two = (track.tried([{}], Span(int(known[lo]), int(known[hi])))[0].figures for lo, hi in ((0, 300), (600, 1000)))
    assert whole["trades"] == one["trades"] + two["trades"]
    assert whole["total_return"] == pytest.approx((1 + one["total_return"]) * (1 + two["total_return"]) - 1)
    assert whole["max_drawdown"] == max(one["max_drawdown"], two["max_drawdown"])
    assert whole["sharpe"] == pytest.approx((300 * one["sharpe"] + 400 * two["sharpe"]) / 700)
    assert Pieces(track, np.array([5, 9])).tried([{}]) == [Tried({}, "SEARCH_NO_ROWS")]
    assert Pieces(track, rows).tried([{"fast": 0}])[0].refused == "STRATEGY_PARAM"
    assert Pieces(track, rows).course({}, ALWAYS).end == track.course({}).end


def test_every_train_row_of_a_split_is_outside_its_judged_groups() -> None:
    for split in combinatorial(IBM[1][0]["known"], 5, 2):
        assert not set(split.train.tolist()) & set(split.test.tolist())


def test_quantiles_by_hand() -> None:
    told = quantiles(np.array([1.0, 2.0, 3.0, np.nan]))
    assert told == {"mean": 2.0, "deviation": 1.0, "q05": 1.1, "q25": 1.5, "q50": 2.0, "q75": 2.5, "q95": 2.9}
    assert all(isnan(value) for value in quantiles(np.array([np.nan])).values())


# -- the command ----------------------------------------------------------------------------------------------------------------


def app() -> typer.Typer:
    made = typer.Typer(cls=Shell, pretty_exceptions_enable=False)
    made.command("walkforward")(command)
    made.callback()(lambda: None)
    return made


WORDS = ["walkforward", "trend", "--symbols", "IBM", "--start", "2008-01-01", "-s", "fast=5..20:5", "-s", "slow=30,60", "--trials", "8"]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app(), [*WORDS, "--windows", "3", "--json"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.stdout)
    assert len(said["windows"]) == 3 and said["windows"][0]["end_units"] == said["windows"][1]["start_units"]
    assert said["figures"]["end_equity"] == said["windows"][-1]["end_units"] / 1e6
    shown = CliRunner().invoke(app(), [*WORDS, "--windows", "3", "--rolling", "-c", "trades>=3"])
    assert shown.exit_code == 0, shown.output
    for text in ("Judged", "Sharpe in", "Sharpe out", "efficiency", "drift", "different trials"):
        assert text in shown.stdout
    paths = CliRunner().invoke(app(), [*WORDS, "--cpcv", "4,2", "--horizon", "5d", "--embargo", "2d"])
    assert paths.exit_code == 0 and "Sharpe of the paths" in paths.stdout
    plain = json.loads(CliRunner().invoke(app(), [*WORDS, "--cpcv", "4,2", "--json"]).stdout)
    assert len(plain["paths"]) == 3 and len(plain["splits"]) == 6
    assert "argosy walkforward" in CliRunner().invoke(app(), ["walkforward", "--help"]).stdout


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (["--cpcv", "6"], "CPCV"), (["--cpcv", "3,3"], "SPLIT_ROWS"), (["--horizon", "5 days"], "SPAN"), (["--train", "1.5"], "SPLIT_ROWS"),
        (["--windows", "99999"], "SPLIT_ROWS"), (["--method", "luck"], "SEARCH_METHOD"),
    ],
)  # fmt: skip
def test_misuse_says_what_and_how(wrong: list[str], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app(), [*WORDS, "--json", *wrong])
    assert refused.exit_code == 2
    assert json.loads(refused.stderr)["error"]["code"] == code


def test_any_statistic_is_judged_outside_as_inside() -> None:
    """A figure that needs fills or a benchmark is told of the judged stretch, too: that of the choice alone there."""
    out = walked(objective="alpha", trials=4, windows=2)
    for stage in out.stages:
        assert stage.best is not None and {"alpha", "sharpe", "held_days"} & set(stage.outside) >= {"alpha", "sharpe"}
        track = lane(Trend, IBM, terms=TERMS)
        assert stage.outside["alpha"] == track.tried([stage.best], stage.test, ("alpha",))[0].figures["alpha"]
        assert stage.inside["alpha"] == track.tried([stage.best], stage.train, ("alpha",))[0].figures["alpha"]
    assert out.table["alpha_outside"].null_count() == 0


def test_a_word_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(TypeError, match="objectiv"):
        walked(objectiv="alpha")
