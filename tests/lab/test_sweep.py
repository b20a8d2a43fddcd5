"""A sweep: rows in order, the same for any number of threads, trials counted, and refusals with a code for what it cannot tell."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from argosy.cli.heat import heat
from argosy.cli.main import app
from argosy.cli.sweep import axes
from argosy.core.errors import Broken, Misuse
from argosy.core.events import Bar, Split
from argosy.core.instrument import Instrument, Instruments
from argosy.core.strategy import ABSENT, Level
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.engine.engine import Breakers
from argosy.house import Terms
from argosy.kernels.indicators import sma
from argosy.lab.sweep import count, fills, records, sweep
from argosy.lab.trials import append, lines
from argosy.strategies.trend import Trend
from tests.laws.market import bars, instruments

FREE = Terms(cash=10_000.0, fees="free", slippage_bps=0.0)
GRID = {"fast": [3, 5], "slow": range(8, 20, 4)}


def table(rows: list[tuple[float, float, float, float]], volume: float = 100.0) -> Any:
    """One instrument of the given (open, high, low, close)."""
    n = len(rows)
    ts = np.arange(n, dtype=np.int64) * MINUTE
    columns = {name: np.asarray([row[k] for row in rows]) for k, name in enumerate(("open", "high", "low", "close"))}
    tape = Tape(Bar, columns | {
        "ts": ts, "known": ts + MINUTE, "instrument": np.zeros(n), "span": np.full(n, MINUTE), "volume": np.full(n, volume),
    })  # fmt: skip
    return Instruments([Instrument(symbol="S0")]), [tape], []


class Bracket:
    """Ten lots wanted at the first bar, with the levels of its parameters; nothing after that."""

    unit = "lots"

    class params(msgspec.Struct):
        limit: float = ABSENT
        stop: float = ABSENT
        take: float = ABSENT
        lots: float = 10.0

    class state(msgspec.Struct):
        seen: int = 0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.seen += 1
        if state.seen == 1:
            out.target = params.lots
            out.limit = params.limit
            out.stop = params.stop
            out.take = params.take


ENTRY = (100.0, 101.0, 99.0, 100.0)


@pytest.mark.parametrize(
    ("params", "rows", "said"),
    [
        ({}, [(100.5, 101.0, 99.0, 100.0)], [(10, 100.5, "")]),  # market: the next open
        ({"limit": 99.5}, [(100.0, 101.0, 99.5, 100.0)], []),  # touched only: not through
        ({"limit": 99.5}, [(100.0, 101.0, 99.49, 100.0)], [(10, 99.5, "")]),
        ({"limit": 99.5}, [(99.2, 101.0, 99.0, 100.0)], [(10, 99.2, "")]),  # an open better than the limit
        ({"stop": 98.0}, [(100.0, 101.0, 97.0, 99.0)], [(10, 100.0, ""), (-10, 98.0, "stop")]),  # legs live in the entry bar
        ({"stop": 98.0}, [(97.5, 101.0, 97.0, 99.0)], [(10, 97.5, ""), (-10, 97.5, "stop")]),  # the open has passed it
        ({"stop": 98.0}, [ENTRY, (97.0, 97.5, 96.0, 97.0)], [(10, 100.0, ""), (-10, 97.0, "stop")]),  # the worse of open and stop
        ({"take": 100.5}, [(100.0, 101.0, 99.0, 100.0)], [(10, 100.0, ""), (-10, 100.5, "take")]),
        ({"take": 103.0}, [ENTRY, (104.0, 105.0, 103.5, 104.0)], [(10, 100.0, ""), (-10, 104.0, "take")]),
        ({"stop": 98.0, "take": 102.0}, [ENTRY, (100.0, 103.0, 97.0, 100.0)], [(10, 100.0, ""), (-10, 98.0, "stop")]),  # both: the worse
        ({"limit": 99.5, "take": 100.2}, [(100.0, 101.0, 99.0, 100.0)], [(10, 99.5, "")]),  # entered inside: the target waits
        ({"limit": 99.5, "stop": 99.2}, [(100.0, 101.0, 99.0, 100.0)], [(10, 99.5, ""), (-10, 99.2, "stop")]),  # the stop does not
        ({"lots": -10.0, "stop": 102.0}, [ENTRY, (100.0, 103.0, 99.0, 102.5)], [(-10, 100.0, ""), (10, 102.0, "stop")]),
    ],
)  # fmt: skip
def test_fills_by_hand(params: dict[str, float], rows: list[Any], said: list[tuple[int, float, str]]) -> None:
    found = fills(Bracket, table([ENTRY, *rows]), params=params, terms=FREE)
    assert [(side * lots, price, tag) for side, lots, price, tag in found.select("side", "lots", "price", "tag").rows()] == said


def test_no_volume_no_fill() -> None:
    assert fills(Bracket, table([ENTRY, ENTRY, ENTRY], volume=0.0), terms=FREE).height == 0


def test_figures_by_hand() -> None:
    """Ten lots at 100, out at 98: 20 lost, seen on 2 of 4 rows (the open of row 1 is known with the close of row 0)."""
    data = table([ENTRY, ENTRY, (98.5, 99.0, 97.0, 97.5), (97.0, 98.0, 96.0, 97.0)])
    row = sweep(Bracket, data, {"stop": [98.0]}, terms=FREE, trials=None).to_dicts()[0]
    assert row["end_equity"] == 9_980.0
    assert row["equity_units"] == row["cash_units"] == 9_980_000_000
    assert (row["trades"], row["win_rate"], row["fills"], row["stops"], row["lots"]) == (1, 0.0, 2, 1, 0)
    assert row["exposure"] == 0.5
    assert row["max_drawdown"] == pytest.approx(20 / 10_000)
    assert row["total_return"] == pytest.approx(-0.002)


def test_rows_are_in_order_and_the_same_for_any_threads_and_memory() -> None:
    tape = bars(1, 500, 2)
    data = (instruments(2), [tape], [])
    one = sweep(Trend, data, GRID, terms=FREE, workers=1, trials=None, by="")
    assert one.select("symbol", "fast", "slow").rows() == [(s, f, w) for s in ("S0", "S1") for f in (3, 5) for w in (8, 12, 16)]
    assert one.equals(sweep(Trend, data, GRID, terms=FREE, workers=4, trials=None, by="", memory_mb=0.001))
    only = sweep("trend", data, GRID, terms=FREE, symbols=["S1"], trials=None, by="")
    assert only.equals(one.filter(one["symbol"] == "S1"))


def test_the_best_come_first_and_those_without_a_figure_last() -> None:
    data = (instruments(1), [bars(1, 500)], [])
    by_return = sweep(Trend, data, GRID, terms=FREE, trials=None, by="total_return")["total_return"].to_list()
    assert by_return == sorted(by_return, reverse=True)
    falls = sweep(Trend, data, GRID, terms=FREE, trials=None, by="max_drawdown")["max_drawdown"].to_list()
    assert falls == sorted(falls)  # of a fall less is better
    odd = sweep(Divides, table([ENTRY] * 9), {"lots": [0.0, 2.0]}, terms=FREE, trials=None, by="end_equity")
    assert odd["refused"].to_list() == ["", "SWEEP_STEP_RAISED"]
    with pytest.raises(Misuse, match="SWEEP_BY"):
        sweep(Trend, data, GRID, terms=FREE, trials=None, by="luck")


def test_every_trial_is_written_down_and_progress_told(tmp_path: Path) -> None:
    ledger = tmp_path / "deep" / "trials"
    assert count(ledger) == 0
    told: list[tuple[int, int]] = []
    data = (instruments(1), [bars(2, 300)], [])
    moment = 1_700_000_000 * 10**9
    frame = sweep(Trend, data, GRID, terms=FREE, trials=ledger, at_ns=moment, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)
    assert count(ledger) == 6
    sweep(Trend, data, {"fast": [4]}, terms=FREE, params={"slow": 9}, trials=ledger)
    first, second = lines(ledger)
    assert count(ledger) == 7
    assert (first["trials"], first["parameters"], first["grid"]) == (6, 2, {"fast": [3, 5], "slow": [8, 12, 16]})
    assert (second["trials"], second["grid"], second["params"]) == (1, {"fast": [4]}, {"slow": 9})
    assert first["at"].startswith("2023-11-14T22:13:20") and second["at"] == ""
    assert first["strategy"] == "argosy.strategies.trend.Trend"
    assert first["code"] == second["code"] and len(first["code"]) == 32
    assert first["data"] == {"S0": data[1][0].hash}
    assert first["sharpe"]["best"] == frame["sharpe"][0]
    assert first["total_return"]["variance"] == pytest.approx(np.var(frame["total_return"].to_numpy(), ddof=1))


def test_a_torn_ledger_is_said_and_not_counted_over(tmp_path: Path) -> None:
    append(tmp_path, {"trials": 3})
    with (tmp_path / "trials.jsonl").open("a") as file:
        file.write("{half a li")
    with pytest.raises(Broken, match="TRIALS"):
        count(tmp_path)


def test_many_processes_write_into_one_ledger(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(scribble, [tmp_path] * 4))
    assert count(tmp_path) == 4 * 50 * 2


def scribble(folder: Path) -> None:
    for _ in range(50):
        append(folder, {"trials": 2, "padding": "x" * 3_000})


def test_processes_tell_the_same_to_the_bit() -> None:
    data = (instruments(2), [bars(3, 400, 2)], [])
    here = sweep(Trend, data, GRID, terms=FREE, trials=None)
    assert here.equals(sweep(Trend, data, GRID, terms=FREE, trials=None, on="processes", workers=2))


def test_what_cannot_travel_and_where_one_cannot_go_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Inner(Bracket):
        pass

    with pytest.raises(Misuse, match="SWEEP_PICKLE"):
        sweep(Inner, table([ENTRY] * 9), {}, terms=FREE, trials=None, on="processes")
    with pytest.raises(Misuse, match="SWEEP_PLACE"):
        sweep(Bracket, table([ENTRY] * 9), {}, terms=FREE, trials=None, on="the moon")
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    with pytest.raises(Misuse, match="RAY_MISSING"):
        sweep(Bracket, table([ENTRY] * 9), {}, terms=FREE, trials=None, on="ray")


def test_every_order_and_trade_is_written_down_on_wish() -> None:
    """Bought at 100; the stop at 98 fills on the third bar, the target at 102 goes with it."""
    rows = [ENTRY, ENTRY, (100.0, 100.5, 97.0, 97.5), (97.0, 98.0, 96.0, 97.0)]
    found = records(Bracket, table(rows), params={"stop": 98.0, "take": 102.0}, terms=FREE)
    assert found.orders.select("kind", "side", "lots", "level", "tag", "end", "sent", "ended", "filled", "price").rows() == [
        ("market", 1, 10, None, "", "filled", 0, 1, 10, 100.0),
        ("stop", -1, 10, 98.0, "stop", "filled", 0, 2, 10, 98.0),
        ("limit", -1, 10, 102.0, "take", "cancelled", 0, 2, 0, None),
    ]
    assert found.trades.rows() == [(1, 2, 1, 10, -20_000_000, 0, 2)]
    assert found.fills.equals(fills(Bracket, table(rows), params={"stop": 98.0, "take": 102.0}, terms=FREE))
    resting = records(Bracket, table(rows), params={"limit": 90.0}, terms=FREE)
    assert resting.orders.select("kind", "end", "ended", "filled").rows() == [("limit", "resting", None, 0)]
    assert resting.trades.height == resting.fills.height == 0
    still = records(Bracket, table(rows), terms=FREE).trades
    assert still.select("entered", "left", "pnl", "fills").rows() == [(1, None, None, 1)]


class Handled(Bracket):
    def on_fill(self, fill: Any, book: Any) -> None: ...


class Woken(Bracket):
    needs = {"mean": sma(5)}
    wakes = (Level("mean"),)


class Named(Bracket):
    class params(msgspec.Struct):
        name: str = "x"


class Says(Bracket):
    unit = "lots"
    wants = "entry"


class Walker:
    def on_bar(self, bar: Any, book: Any) -> None: ...


@pytest.mark.parametrize("strategy", [Handled, Woken, Named, Says, Walker])
def test_what_a_loop_cannot_run_is_refused(strategy: type) -> None:
    with pytest.raises(Misuse, match="SWEEP_STRATEGY"):
        sweep(strategy, table([ENTRY] * 9), {}, terms=FREE, trials=None)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (Terms(profile="desk"), "SWEEP_LIMITS"), (Terms(limits={"position": {"max_lots": 5}}), "SWEEP_LIMITS"),
        (Terms(breakers=Breakers(drawdown_frac=0.1)), "SWEEP_LIMITS"), (Terms(latency_ms=5.0), "SWEEP_VENUE"),
        (Terms(participation_frac=0.1), "SWEEP_VENUE"), (Terms(currency="EUR"), "SWEEP_CURRENCY"),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_kept_are_refused(terms: Terms, code: str) -> None:
    with pytest.raises(Misuse, match=code):
        sweep(Bracket, table([ENTRY] * 9), {}, terms=terms, trials=None)


def test_data_that_cannot_be_told_is_refused() -> None:
    known, tapes, _ = table([ENTRY] * 9)
    with pytest.raises(Misuse, match="SWEEP_SPLIT"):  # inside a bar
        sweep(Bracket, (known, tapes, [Split(90 * 10**9, 90 * 10**9, 0, 2.0)]), {}, terms=FREE, trials=None)
    with pytest.raises(Misuse, match="SWEEP_PRICES"):
        sweep(Bracket, table([(0.0, 1.0, 0.0, 1.0)] * 3), {}, terms=FREE, trials=None)
    with pytest.raises(Misuse, match="SWEEP_TAPE"):
        sweep(Bracket, (known, [*tapes, *tapes], []), {}, terms=FREE, trials=None)
    with pytest.raises(Misuse, match="SWEEP_GRID"):
        sweep(Bracket, (known, tapes, []), {"lots": []}, terms=FREE, trials=None)
    with pytest.raises(Misuse, match="STRATEGY_PARAM"):
        sweep(Trend, (known, tapes, []), {"fast": [0, 5]}, terms=FREE, trials=None)


class Divides(Bracket):
    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 10.0 / params.lots


def test_a_row_that_cannot_be_told_says_so_and_the_others_stand() -> None:
    frame = sweep(Divides, table([ENTRY] * 9), {"lots": [0.0, 2.0]}, terms=FREE, trials=None, by="")
    assert frame["refused"].to_list() == ["SWEEP_STEP_RAISED", ""]
    assert frame["equity_units"].to_list()[0] is None
    assert frame["lots"].to_list() == [None, 5]
    odd = sweep(Bracket, table([ENTRY] * 9), {"stop": [-1.0, 99.0], "lots": [5.0, 1e19]}, terms=FREE, trials=None, by="")
    assert odd["refused"].to_list() == ["SWEEP_PRICE", "SWEEP_STEP_OUT", "", "SWEEP_STEP_OUT"]


class Words(Bracket):
    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = "much" if row.close > 1.0 else 0.0


def test_a_step_that_cannot_be_compiled_is_refused_at_once() -> None:
    with pytest.raises(Misuse, match=r"SWEEP_STRATEGY.*is text"):
        sweep(Words, table([ENTRY] * 9), {"lots": [1.0, 2.0, 3.0]}, terms=FREE, trials=None)


def test_the_command_shows_the_best_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["sweep", "trend", "--symbols", "IBM", "--set", "fast=5..15:5", "--set", "slow=30,60", "--start", "2010-01-01"]
    told = CliRunner().invoke(app, [*words, "--json"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.stdout)
    assert (said["trials"], said["trials_in_all"], said["refused"], len(said["rows"])) == (6, 6, 0, 6)
    ratios = [row["sharpe"] for row in said["rows"]]
    assert ratios == sorted(ratios, reverse=True)
    shown = CliRunner().invoke(app, [*words, "--top", "2"])
    assert shown.exit_code == 0
    assert "6 trials made, 12 in all" in shown.stdout
    assert "fast to the right, slow downwards" in shown.stdout
    assert count() == 12
    for wrong, code in (
        (["--set", "fast=9..5"], "SWEEP_SET"), ([], "SWEEP_SET"), (["--set", "fast=5", "--set", "fast=6"], "SWEEP_SET"),
        (["--set", "fast=5", "--by", "luck"], "SWEEP_BY"), (["--set", "quick=5"], "STRATEGY_PARAM"),
        (["--set", "fast=5", "--symbols", "IBM", "--on", "moon"], "SWEEP_PLACE"),
    ):  # fmt: skip
        refused = CliRunner().invoke(app, ["sweep", "trend", "--json", *wrong])
        assert (refused.exit_code, json.loads(refused.stderr)["error"]["code"]) == (2, code)
    assert count() == 12


def test_ranges_and_lists_of_values() -> None:
    assert axes(["fast=5..15:5", "slow=30,60"]) == {"fast": [5, 10, 15], "slow": ["30", "60"]}
    assert axes(["x=0.1..0.3:0.1"]) == {"x": [0.1, 0.2, 0.3]}
    assert axes(["x=1:3"]) == {"x": [1, 2, 3]}
    for wrong in ("x", "x=", "=3", "x=1..2..3..4", "x=1..5:0", "x=5..1", "x=a..b"):
        with pytest.raises(Misuse, match="SWEEP_SET"):
            axes([wrong])


def test_the_map_is_darkest_where_it_is_best() -> None:
    rows = pl.DataFrame({"a": [1, 2, 3, 1, 2, 3], "b": [10, 10, 10, 20, 20, 20], "sharpe": [0.1, 0.2, 0.3, 0.4, None, 0.9]})
    assert heat(rows, "a", "b", "sharpe", 80)[1:] == ["10    ░░▒▒", "20  ▓▓· ◆", "    1 2 3"]
    assert heat(rows, "a", "b", "sharpe", 80, less=True)[1:] == ["10  ◆ ▓▓▒▒", "20  ░░·", "    1 2 3"]
    assert heat(rows, "a", "b", "sharpe", 6) == []
