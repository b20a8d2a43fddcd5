"""A search: every method finds the best of what it tried, keeps the rules, comes again by its seed, and counts every look."""

from __future__ import annotations

import json
import sys
from math import isnan
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from argosy.cli.main import Shell
from argosy.cli.prices import gather
from argosy.cli.search import search as command
from argosy.core.errors import Misuse
from argosy.house import Terms, Wanted
from argosy.lab.backtest import run
from argosy.lab.looks import looks
from argosy.lab.search import Found, search
from argosy.lab.search.objective import objective
from argosy.lab.search.picture import fields, svg, two
from argosy.lab.search.run import Trial
from argosy.lab.search.sensitivity import Beside, importance, plateau
from argosy.lab.search.space import Axis, Space
from argosy.lab.statistics import statistics
from argosy.lab.sweep import sweep
from argosy.lab.trials import count, lines, tried
from argosy.lab.verdict import gather as verdict
from argosy.strategies.trend import Trend

FREE = Terms(cash=10_000.0, fees="free", slippage_bps=0.0)
DATA = gather("demo", ("IBM",), "2007-01-01")[0]
RICH = Terms(cash=1e8, fees="free", slippage_bps=0.0)
VARIED = {"fast": "2..20:2", "slow": "10..60:10"}


def found(**more: Any) -> Found:
    return search(Trend, DATA, **({"varied": VARIED, "terms": FREE, "ledger_at": None} | more))


def test_a_grid_is_a_sweep_and_its_best_the_best() -> None:
    out = found(method="grid", trials=1000, objective="total_return", constraints=["trades>=10", "fast<slow"])
    rows = sweep(Trend, DATA, {"fast": range(2, 21, 2), "slow": range(10, 61, 10)}, terms=FREE, trials=None, by="total_return")
    good = rows.filter((rows["fast"] < rows["slow"]) & (rows["trades"] >= 10))
    assert out.best == {name: good[name][0] for name in ("fast", "slow")}
    assert out.value == good["total_return"][0] == out.figures["total_return"]
    assert out.frame.height == 60 and out.runs == rows.filter(rows["fast"] < rows["slow"]).height
    assert out.frame["feasible"].sum() == good.height
    skipped = out.frame.filter(out.frame["state"] == "skipped")
    assert (skipped["fast"] >= skipped["slow"]).all() and skipped["sharpe"].null_count() == skipped.height == 60 - out.runs
    least = found(method="grid", trials=1000, objective="max_drawdown", constraints=["trades>=1"])
    assert least.value == rows.filter(rows["trades"] >= 1)["max_drawdown"].min()
    assert found(method="grid", trials=7).frame.height == 7


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("goal", ["omega", "min:cvar", "payoff", "alpha", "min:held_days"])
def test_any_statistic_may_be_sought_and_be_a_rule(goal: str, together: bool) -> None:
    """The figure of each trial is the one that the statistics of its backtest have, in either lane."""
    short = gather("demo", ("IBM",), "2010-01-01")[0]
    out = search(Trend, short, {"fast": "5,10", "slow": "30,60"}, terms=FREE, method="grid", objective=goal, together=together, ledger_at=None,
                 constraints=["drag<=5%", "ulcer<0.5", "trades>=1", "mae_frac>=0"])  # fmt: skip
    sign, name = (-1, goal[4:]) if goal.startswith("min:") else (1, goal)
    told = []
    for row in out.frame.to_dicts():
        outcome = run([Wanted("s", Trend, {"fast": row["fast"], "slow": row["slow"]})], short, FREE, trials=None)
        flat = statistics(verdict(outcome, "s")).flat()
        want = next(value for full, value in flat.items() if full.endswith(f".{name}") and not full.startswith("benchmark"))
        assert row[name] == pytest.approx(want, rel=1e-9) and row["feasible"]
        told.append(want)
    assert out.frame.height == 4 and out.value == pytest.approx(max(sign * one for one in told) * sign, rel=1e-9)
    none = search(Trend, short, {"fast": "5,10"}, terms=FREE, method="grid", together=together, ledger_at=None, constraints=["omega>1000"])
    assert none.best is None and set(none.frame["state"]) == {"done"}


def test_a_rule_may_name_a_parameter_that_stays_the_same() -> None:
    out = found(varied={"fast": "2..60:2"}, params={"slow": 30}, method="grid", trials=1000, constraints=["fast<slow"])
    assert out.frame.filter(out.frame["state"] == "done")["fast"].to_list() == list(range(2, 30, 2))
    assert out.best is not None and out.best["fast"] < 30
    mine = found(varied={"fast": "2..60:2"}, method="grid", trials=1000, constraints=["fast<slow"])
    assert mine.frame.filter(mine.frame["state"] == "done")["fast"].max() == 28, "defaults stay the same, too"


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_a_search_that_was_stopped_is_counted_and_what_it_kept_as_well(tmp_path: Path, method: str) -> None:
    asked = {"method": method, "trials": 300, "ledger_at": tmp_path / "stopped", "storage": tmp_path / "kept.jsonl"}
    wide = {"fast": "2..100", "slow": "10..400"}

    def stop(done: int, total: int) -> None:
        if done >= 270:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found(varied=wide, progress=stop, **asked)
    assert count(tmp_path / "stopped") >= 240
    again = found(varied=wide, resume=True, **(asked | {"ledger_at": tmp_path / "elsewhere"}))
    assert again.runs < 200 and count(tmp_path / "elsewhere") >= 290, "what the storage told was looked at"


@pytest.mark.parametrize("together", [True, False])
def test_a_walk_is_kept_as_it_comes_and_counted_when_it_is_stopped(tmp_path: Path, together: bool) -> None:
    """After three of nine runs through the engine; `sortino` is not to be had of the loop, so each choice is told alone, too."""
    file, read = tmp_path / "kept.jsonl", []

    def stop(done: int, total: int) -> None:
        if done:
            read.append(len(file.read_bytes().splitlines()) - 1)
        if done >= 3:
            raise KeyboardInterrupt

    asked = {"varied": {"fast": "2..10:1"}, "method": "grid", "trials": 9, "together": together, "workers": 1, "objective": "sortino"}
    data = gather("demo", ("IBM", "AAPL"), "2012-01-01")[0] if together else DATA

    def asking(**more: Any) -> Any:
        return search(Trend, data, terms=FREE, **({"ledger_at": None} | asked | more))

    with pytest.raises(KeyboardInterrupt):
        asking(progress=stop, storage=file, ledger_at=tmp_path / "stopped")
    assert read == [1, 2, 3], "on disk before it is told"
    assert count(tmp_path / "stopped") == 3
    whole, rest = asking(), asking(storage=file, resume=True)
    assert whole.lane == ("walk" if together else "sweep")
    assert rest.runs == whole.runs - 3 and rest.best == whole.best, "three were known"


def test_what_a_search_walks_is_counted_by_the_search_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_TRIALS", str(tmp_path / "usual"))
    walked = {"varied": {"fast": "2..5:1"}, "method": "grid", "trials": 9, "together": True, "workers": 1}
    data = gather("demo", ("IBM", "AAPL"), "2012-01-01")[0]
    assert search(Trend, data, terms=FREE, ledger_at=None, **walked).lane == "walk"
    assert count(tmp_path / "usual") == 0
    search(Trend, data, terms=FREE, ledger_at=tmp_path / "named", **walked)
    assert (count(tmp_path / "usual"), count(tmp_path / "named")) == (0, 4)


@pytest.mark.parametrize("method", ["random", "tpe", "cmaes"])
@pytest.mark.parametrize("prune", [False, True])
def test_a_seed_is_a_search(method: str, prune: bool) -> None:
    if prune and method == "random":
        with pytest.raises(Misuse, match="SEARCH_PRUNE"):
            found(method=method, prune=True)
        return
    wide = {"fast": "2..20", "slow": "10..60", "stop_atr": "0..5"}
    one = found(method=method, prune=prune, trials=40, seed=3, varied=wide, workers=1)
    two_ = found(method=method, prune=prune, trials=40, seed=3, varied=wide, workers=2)
    assert one.frame.equals(two_.frame) and repr(one.around) == repr(two_.around)
    other = found(method=method, prune=prune, trials=40, seed=4, varied=wide)
    assert not one.frame.equals(other.frame)
    assert one.frame.height == 40 and one.frame["number"].to_list() == list(range(40))
    assert ("pruned" in one.frame["state"].to_list()) == prune
    done = one.frame.filter(one.frame["feasible"])
    assert one.value == done["sharpe"].max()
    assert one.best == done.filter(done["sharpe"] == one.value).select("fast", "slow", "stop_atr").to_dicts()[0]


@pytest.mark.parametrize("method", ["grid", "random", "tpe", "cmaes"])
def test_a_search_goes_on_where_it_stopped(method: str, tmp_path: Path) -> None:
    whole = found(method=method, trials=30, constraints=["trades>=5"])
    file = tmp_path / "deep" / "search.jsonl"
    led = tmp_path / "trials"
    first = found(method=method, trials=13, constraints=["trades>=5"], storage=file, ledger_at=led)
    with pytest.raises(Misuse, match="SEARCH_STORAGE"):
        found(method=method, trials=30, constraints=["trades>=5"], storage=file)
    with file.open("ab") as out:
        out.write(b'{"stage": 0, "poi')  # the power went off
    rest = found(method=method, trials=30, constraints=["trades>=5"], storage=file, resume=True, ledger_at=led)
    assert rest.frame.equals(whole.frame) and rest.best == whole.best and rest.value == whole.value
    assert first.runs + rest.runs == tried(looks([DATA[0]["IBM"]], DATA[1]), led).trials
    assert rest.runs < whole.runs, "what was known was not run again"
    again = found(method=method, trials=30, constraints=["trades>=5"], storage=file, resume=True, ledger_at=led)
    assert again.runs == 0 and first.runs + rest.runs == tried(looks([DATA[0]["IBM"]], DATA[1]), led).trials
    with pytest.raises(Misuse, match=r"SEARCH_RESUME.*seed"):
        found(method=method, trials=30, constraints=["trades>=5"], storage=file, resume=True, seed=9)
    file.write_text("no search\n")
    with pytest.raises(Misuse, match="SEARCH_STORAGE_READ"):
        found(method=method, trials=30, constraints=["trades>=5"], storage=file, resume=True)


def test_optuna_s_own_storage(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    with pytest.raises(Misuse, match="SEARCH_STORAGE"):
        found(method="random", storage=url)
    whole = found(method="tpe", trials=16)
    found(method="tpe", trials=8, storage=url)
    with pytest.raises(Misuse, match="SEARCH_STORAGE"):
        found(method="tpe", trials=16, storage=url)
    rest = found(method="tpe", trials=16, storage=url, resume=True)
    assert rest.frame.select("number", "fast", "slow", "sharpe").equals(whole.frame.select("number", "fast", "slow", "sharpe"))
    assert rest.best == whole.best


def test_learning_beats_chance() -> None:
    """On a smooth hill a search that learns comes nearer to the top than chance does, with as many trials."""

    def miss(method: str, seed: int) -> float:
        out = search(Hill, DATA, {"x": "0..1", "y": "0..1"}, terms=RICH, ledger_at=None, method=method, trials=40, seed=seed, objective="max:traded")
        assert out.best is not None
        return abs(out.best["x"] - 0.3) + abs(out.best["y"] - 0.7)

    chance = [miss("random", seed) for seed in range(2)]
    for method in ("tpe", "cmaes"):
        assert sum(miss(method, seed) for seed in range(2)) < sum(chance)


class Hill:
    """Buys more the nearer its parameters are to (0.3, 0.7)."""

    unit = "notional"

    class params(msgspec.Struct):
        x: float = 0.5
        y: float = 0.5

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 9e7 * (1.0 - 0.5 * (params.x - 0.3) * (params.x - 0.3) - 0.5 * (params.y - 0.7) * (params.y - 0.7))


def test_every_look_is_counted_once(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    out = found(
        method="random", trials=50, constraints=["fast<slow"], ledger_at=tmp_path, at_ns=1_700_000_000 * 10**9,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told[-1] == (50, 50)
    line = next(iter(lines(tmp_path)))
    assert (line["kind"], line["trials"], count(tmp_path)) == ("search random", out.runs, out.runs)
    tried = out.frame.filter(out.frame["state"] == "done").select("fast", "slow").unique().height
    around = [row for row in out.around.rows if row.rank or row.figure == row.figure] if out.around else []
    assert tried <= out.runs <= tried + len(around)
    assert len(line["choices"]) == out.runs and line["held"]["short"] is False and "fast" not in line["held"]
    assert line["sharpe"]["count"] <= out.runs and line["at"].startswith("2023-11-14")


def test_nothing_keeps_the_rules() -> None:
    out = found(method="random", trials=10, constraints=["trades>=100000"])
    assert out.best is None and isnan(out.value) and out.around is None and not out.frame["feasible"].any()
    assert (out.frame["off"] > 0.0).all()
    never = found(method="random", trials=10, constraints=["slow<fast", "fast<slow"])
    assert never.runs == 0 and never.frame["state"].unique().to_list() == ["skipped"]


def test_without_optuna_the_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(Misuse, match=r"OPTUNA_MISSING.*argosy\[search\]"):
        found(method="tpe")
    assert found(method="random", trials=2).frame.height == 2


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"method": "luck"}, "SEARCH_METHOD"), ({"trials": 0}, "SEARCH_TRIALS"), ({"objective": "luck"}, "SEARCH_OBJECTIVE"),
        ({"constraints": ["luck>1"]}, "SEARCH_CONSTRAINT"), ({"varied": {"quick": "1..2"}}, "SEARCH_SPACE"),
        ({"method": "grid", "varied": {"stop_atr": "0..1"}}, "SEARCH_GRID"), ({"params": {"fast": 3}}, "SEARCH_SPACE"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(more: dict[str, Any], code: str) -> None:
    with pytest.raises(Misuse, match=code):
        found(**more)


# -- around the best ---------------------------------------------------------------------------------------------------------


def test_the_neighbours_of_the_best_are_what_they_are() -> None:
    out = found(method="grid", trials=1000, objective="total_return")
    assert out.around is not None and out.best is not None
    table = {(fast, slow): value for fast, slow, value in out.frame.select("fast", "slow", "total_return").rows()}
    ordered = sorted(table.values(), reverse=True)
    for row in out.around.rows:
        step = {"fast": 2, "slow": 10}[row.name]
        assert row.value == out.best[row.name] + row.side * step
        point = out.best | {row.name: row.value}
        assert row.figure == table[point["fast"], point["slow"]]
        assert row.change == pytest.approx((row.figure - out.value) / abs(out.value))
        assert row.rank == 1 + sum(value > row.figure for value in ordered)


def test_a_plateau_and_a_needle() -> None:
    def rows(*figures: float, feasible: bool = True) -> list[Beside]:
        return [Beside("x", 1, 0, figure, 0.0, feasible, 1) for figure in figures]

    assert plateau(2.0, 1.0, rows(2.0, 2.0)) == 1.0
    assert plateau(2.0, 1.0, rows(1.0, 0.2)) == 0.0
    assert plateau(2.0, 1.0, rows(1.75, 1.25)) == 0.5
    assert plateau(1.0, 2.0, rows(1.25)) == 0.75  # of a figure of which less is better
    assert plateau(2.0, 1.0, rows(2.0, feasible=False)) == 0.0
    assert isnan(plateau(2.0, 2.0, rows(2.0))) and isnan(plateau(2.0, 1.0, []))


def test_what_explains() -> None:
    """y = x plus a little of z by hand: x in {0, 1}, z in {0, 1}, twice each: sums of squares 2, 0.02 and 0 within."""
    varied = Space((Axis("x", "int", 0, 1, 1), Axis("z", "int", 0, 1, 1), Axis("n", "int", 0, 1, 1)))
    every = [
        Trial(k, {"x": x, "z": z, "n": n}, {"sharpe": x + 0.1 * z}, "", 0.0, "done")
        for k, (x, z, n) in enumerate((x, z, n) for x in (0, 1) for z in (0, 1) for n in (0, 1))
    ]
    told = importance(every, varied, objective("sharpe"))
    assert told["x"] == pytest.approx((2.02 - 0.02 - 0.02 / 6) / 2.02)
    assert told["z"] == 0.0 == told["n"]
    assert isnan(importance(every[:3], varied, objective("sharpe"))["x"])


def test_the_map() -> None:
    out = found(method="grid", trials=1000, objective="total_return")
    assert two(out) == ("fast", "slow")
    assert fields(out, "fast", "slow").select("fast", "slow").equals(out.frame.select("fast", "slow"))
    drawn = svg(out, "fast", "slow")
    assert drawn.count("<rect") == 60 and drawn.count("stroke=") >= 1 and "max total_return" in drawn
    many = found(method="random", trials=80, varied={"fast": "2..40", "stop_atr": "0..5"})
    pair = two(many)
    assert pair is not None
    assert fields(many, *pair)[pair[0]].n_unique() <= 16
    assert two(found(method="grid", trials=9, varied={"fast": "2..20:2"})) is None


# -- the command --------------------------------------------------------------------------------------------------------------


def app() -> typer.Typer:
    made = typer.Typer(cls=Shell, pretty_exceptions_enable=False)
    made.command("search")(command)
    made.callback()(lambda: None)
    return made


WORDS = ["search", "trend", "--symbols", "IBM", "--start", "2009-01-01", "-s", "fast=5..20:5", "-s", "slow=30,60", "-c", "fast<slow"]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app(), [*WORDS, "--method", "grid", "--json", "--save", "rows.parquet", "--svg", "map.svg"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.stdout)
    assert (said["trials"], said["feasible"], said["lane"], said["method"]) == (8, 8, "sweep", "grid")
    assert said["best"] == {name: said["rows"][0][name] for name in ("fast", "slow")}
    assert said["value"] == max(row["sharpe"] for row in said["rows"])
    assert {row["parameter"] for row in said["sensitivity"]} == {"fast", "slow"}
    assert (tmp_path / "rows.parquet").exists() and (tmp_path / "map.svg").read_text().startswith("<svg")
    shown = CliRunner().invoke(app(), [*WORDS, "--method", "grid", "--top", "3"])
    assert shown.exit_code == 0
    for text in ("the best 3 of 8 by max sharpe", "One step away", "plateau", "to the right", "16 in all"):
        assert text in shown.stdout
    none = CliRunner().invoke(app(), [*WORDS, "-c", "trades>=9999", "--trials", "3"])
    assert none.exit_code == 0 and "No trial has a sharpe" in none.stdout
    assert CliRunner().invoke(app(), ["search", "--help"]).stdout.count("argosy search") >= 4


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (["--method", "luck"], "SEARCH_METHOD"), (["--objective", "luck"], "SEARCH_OBJECTIVE"), (["-c", "2 + 2"], "SEARCH_CONSTRAINT"),
        (["-s", "fast"], "SEARCH_SPACE"), (["--prune"], "SEARCH_PRUNE"), (["--data", "nowhere"], "DATA_SOURCE"), (["--trials", "0"], "USAGE"),
        (["--storage", "."], "SEARCH_STORAGE"), (["--storage", ".", "--resume"], "SEARCH_STORAGE"),
        (["--method", "tpe", "--storage", "sqlite:////nowhere/at/all.db"], "SEARCH_STORAGE"),
        (["--save", "nowhere/rows.parquet"], "WRITE_PATH"), (["--svg", "."], "WRITE_PATH"),
    ],
)  # fmt: skip
def test_misuse_says_what_and_how(wrong: list[str], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app(), ["search", "trend", "--symbols", "IBM", "--json", *wrong])
    assert refused.exit_code == 2
    error = json.loads(refused.stderr)["error"]
    assert error["code"] == code and error["fix"]
