"""The commands as an owner types them: what they print, what they write, and with which status they end."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from argosy import __version__
from argosy.lab.result import Result

ROOT = Path(__file__).parents[2]


def test_help_teaches_by_examples_and_loads_nothing_heavy(shell):
    told = shell("--help")
    assert told.code == 0 and "argosy backtest trend" in told.out
    for command in ("demo", "backtest", "strategies", "data", "config"):
        assert command in told.out
    code = "import sys, argosy.cli.main as m; sys.argv = ['argosy', '--help']\ntry: m.run()\nexcept SystemExit: pass\n"
    code += (
        "print([name for name in ('numpy', 'polars', 'numba', 'pydantic', 'msgspec') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words",
    [("backtest",), ("data", "import"), ("data", "show"), ("config", "explain"), ("demo",), ("strategies",)],
)
def test_every_help_has_an_example(shell, words):
    assert f"argosy {words[0]}" in shell(*words, "--help").out


def test_version_and_statuses_of_the_real_process():
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "argosy.cli", *words],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )

    assert run("--version").stdout.strip() == f"argosy {__version__}"
    wrong = run("backtest", "trend", "--data", "no/such/place")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "DATA_SOURCE" in wrong.stderr and "fix" in wrong.stderr and "Traceback" not in wrong.stderr
    assert run("nonsense").returncode == 2


def test_backtest_prints_a_result_and_writes_the_report(shell, tmp_path):
    told = shell(
        "backtest",
        "buy_and_hold",
        "--symbols",
        "IBM",
        "--start",
        "2005-01-01",
        "--end",
        "2006-01-01",
        "--report",
        "r.html",
        "--save",
        "kept",
        "--json",
    )
    assert told.code == 0, told.err
    summary = told.json
    kept = Result.load(tmp_path / "kept")
    assert summary["stats"]["total_return"] == pytest.approx(kept.stats["total_return"])
    assert summary["symbols"] == ["IBM"] and summary["fills"] == kept.fills.height == 1
    assert summary["start_ns"] >= 1104537600 * 10**9 and summary["end_ns"] < 1136073600 * 10**9
    assert summary["stats"]["total_return"] == pytest.approx(
        summary["benchmark_stats"]["total_return"], abs=0.02
    )
    assert "data-chart" in (tmp_path / "r.html").read_text()


def test_trades_orders_and_refusals_are_listed_with_their_why(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text("[risk.order_size]\nmax_notional = 100000.0\n")
    words = ("backtest", "trend", "--symbols", "IBM", "--end", "2003-01-01", "--trades", "--orders", "--refusals", "--save", "kept")
    told = shell(*words, "--last", "3")
    assert told.code == 0, told.err
    for text in ("Trades   the last 3 of", "Orders   the last 3 of", "Refused or made smaller", "trend: fast"):
        assert text in told.out, told.out
    assert "MAX_ORDER_NOTIONAL" in told.out
    assert "limit $100,000.00" in told.out
    found = shell(*words, "--last", "0", "--json").json
    kept = Result.load(tmp_path / "kept")
    assert len(found["trades"]) == kept.trades.height
    assert found["trades"][0]["why_in"].startswith("trend: fast")
    assert found["trades"][0]["pnl"] == pytest.approx(kept.trades["pnl"][0] / 1_000_000)
    filled = [row for row in found["orders"] if row["outcome"] == "filled"]
    assert len(filled) == kept.fills.height
    assert {row["code"] for row in found["refused"]} == {"MAX_ORDER_NOTIONAL"}
    assert len(found["refused"]) == found["refusals"]["MAX_ORDER_NOTIONAL"]
    assert found["refused"][0]["numbers"]["limit_units"] == 100_000 * 1_000_000
    assert (tmp_path / "kept" / "orders.parquet").exists()


def test_without_refusals_the_list_says_so(shell):
    told = shell("backtest", "buy_and_hold", "--symbols", "IBM", "--end", "2001-01-01", "--refusals")
    assert "No order was refused or made smaller." in told.out


def test_backtest_in_words(shell):
    told = shell(
        "backtest",
        "trend",
        "--symbols",
        "IBM,MSFT",
        "-p",
        "fast=5",
        "-p",
        "slow=20",
        "--cash",
        "50000",
        "--end",
        "2001-01-01",
    )
    assert told.code == 0, told.err
    assert (
        "$50,000" in told.out
        and "IBM, MSFT" in told.out
        and "deepest fall" in told.out
        and "holding" in told.out
    )
    assert "\x1b[" not in told.err and told.err == ""  # no bar where there is no terminal


def test_a_section_of_the_settings_is_a_strategy_too(shell, tmp_path):
    (tmp_path / "argosy.toml").write_text(
        '[strategies.quick]\nplugin = "trend"\nsymbols = ["IBM"]\nfast = 3\n'
    )
    told = shell("backtest", "quick", "--end", "2001-01-01", "-p", "slow=9", "--json").json
    assert told["strategies"] == ["quick"] and told["symbols"] == ["IBM"]
    assert told["settings"]["strategies"]["quick"] == {
        "plugin": "trend",
        "symbols": ["IBM"],
        "fast": 3,
        "slow": "9",
    }


def test_a_strategy_that_raises_ends_with_a_capsule_and_status_1(shell):
    told = shell("backtest", "breaks", "--symbols", "IBM", "--end", "2001-01-01")
    assert told.code == 1 and "stopped" in told.out and "ZeroDivisionError" in told.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("backtest", "tren"), "PLUGIN_UNKNOWN"),
        (("backtest", "trend", "-p", "fats=3"), "STRATEGY_PARAM"),
        (("backtest", "trend", "-p", "fast"), "PARAM_SHAPE"),
        (("backtest", "trend", "--symbols", "XYZ"), "INSTRUMENT_UNKNOWN"),
        (("backtest", "trend", "--start", "soon"), "TIME"),
        (("backtest", "trend", "--start", "2050-01-01"), "DATA_EMPTY"),
        (("backtest", "trend", "--cash", "-5"), "SETTING_BOUNDS"),
        (("backtest", "trend", "--bad"), "USAGE"),
        (("config", "explain", "nothing"), "SETTING_UNKNOWN"),
        (("data", "import", "none.csv"), "DATA_FILE"),
        (("strategies", "tren"), "PLUGIN_UNKNOWN"),
    ],
)
def test_misuse_is_one_json_error_on_stderr_with_status_2(shell, words, code):
    told = shell(*words, "--json")
    assert (told.code, told.error["code"], told.error["exit_status"]) == (2, code, 2)
    assert told.error["what"] and told.error["fix"]


def test_our_own_mistakes_end_with_1_and_an_interrupt_with_130(shell, monkeypatch):
    from argosy.core.errors import Broken
    from argosy.lab import backtest

    def broken(*_, **__):
        raise Broken("LAW", "cash went missing")

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(backtest, "run", broken)
    told = shell("backtest", "trend")
    assert told.code == 1 and "LAW" in told.err and "cash went missing" in told.err
    monkeypatch.setattr(backtest, "run", stopped)
    told = shell("backtest", "trend", "--json")
    assert told.code == 130 and told.error["code"] == "INTERRUPTED"


def test_demo_compares_all_strategies_and_writes_the_report(shell, tmp_path, monkeypatch):
    from argosy.core import plugins

    points = {name: point for name, point in plugins.found("argosy.strategies").items() if name != "breaks"}
    monkeypatch.setattr(plugins, "found", lambda group: points)
    told = shell("demo", "--symbols", "IBM", "--end", "2001-06-01")
    assert told.code == 0, told.err
    for text in ("buy_and_hold", "trend", "holding all", "Sharpe", "Refused", "argosy-report.html"):
        assert text in told.out
    page = (tmp_path / "argosy-report.html").read_text(encoding="utf-8")
    assert "Side by side" in page and "buy_and_hold" in page
    found = shell("demo", "--symbols", "IBM", "--end", "2001-06-01", "--json").json
    assert [one["name"] for one in found["results"]] == ["buy_and_hold", "trend"]
    again = shell("demo", "--symbols", "IBM", "--end", "2001-06-01", "--json").json
    assert [one["hashes"] for one in again["results"]] == [one["hashes"] for one in found["results"]]


def test_the_comparison_fits_eighty_columns():
    from rich.console import Console

    from argosy.cli import screen
    from tests.lab.conftest import made

    result = made()
    result.name, result.failures = "mean_reversion", ()
    own = {
        "total_return": 3.999,
        "cagr": 0.1234,
        "volatility": 0.221,
        "sharpe": -0.55,
        "max_drawdown": 0.532,
        "fees": 1234.0,
        "trades": 1234.0,
    }
    result.stats |= own
    result.benchmark_stats |= own
    result.refusals = {"SELF_CROSS": 12345}
    out = Console(width=80, record=True, file=io.StringIO(), markup=False)
    out.print(screen.comparison([result], out.width))
    text = out.export_text()
    assert "…" not in text, text
    for part in ("mean_reversion", "+399.9", "+12.3", "22.1", "−0.55", "53.2", "1,234", "$1,234", "12,345"):
        assert part in text


def test_strategies_list_themselves(shell):
    told = shell("strategies", "trend", "--json").json
    (row,) = told
    fast = next(param for param in row["params"] if param["key"] == "fast")
    assert row["about"].startswith("Goes with the trend") and (fast["default"], fast["bounds"]) == (
        "10",
        "≥ 1, ≤ 1000",
    )
    assert "buy_and_hold" in shell("strategies").out


CSV = "date,open,high,low,close,volume\n" + "".join(
    f"2024-01-{day:02d},{day},{day + 1},{day - 0.5},{day + 0.5},100\n" for day in range(2, 20)
)


def test_prices_of_your_own_from_a_file_and_from_the_catalog(shell, tmp_path):
    (tmp_path / "mine.csv").write_text(CSV)
    direct = shell("backtest", "buy_and_hold", "--data", "mine.csv", "--json")
    assert direct.code == 0, direct.err
    symbol = direct.json["symbols"][0]
    assert shell("data", "list").out.startswith("The catalog data is empty")
    told = shell("data", "import", "mine.csv", "--symbol", symbol, "--json")
    assert told.code == 0 and told.json["rows_kept"] == 18
    assert [row["symbol"] for row in shell("data", "list", "--json").json] == [symbol]
    rows = shell("data", "show", symbol, "-n", "2", "--json").json
    assert [row["open"] for row in rows] == [2.0, 3.0]
    assert "2024-01-02" in shell("data", "show", symbol).out
    assert shell("data", "inspect", symbol).code == 0
    kept = shell("backtest", "buy_and_hold", "--json")  # the catalog of the settings comes before the demo
    assert kept.json["symbols"] == [symbol]
    assert kept.json["stats"]["total_return"] == direct.json["stats"]["total_return"]
    assert json.loads(shell("data", "inspect", symbol, "--json").out)


def test_where_a_run_cannot_be_saved_is_said_before_it_is_run(shell, tmp_path):
    (tmp_path / "file").write_text("mine")
    for words in (("--save", "file"), ("--save", "file/inside")):
        told = shell("backtest", "buy_and_hold", "--symbols", "IBM", "--json", *words)
        found = json.loads(told.err)["error"]
        assert (told.code, told.out, found["code"], found["where"]) == (2, "", "WRITE_PATH", "--save") and found["fix"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(("option", "value", "code"), [
    ("--delays", "inf", "MONTE_NUMBERS"), ("--delays", "99999999", "LATE"), ("--costs", "inf", "MONTE_NUMBERS"),
    ("--paths", "2000000000", "MONTE_PATHS"), ("--seed", "9" * 30, "USAGE"),
])  # fmt: skip
def test_a_number_beyond_all_measure_is_misuse(shell, option, value, code):
    kind = {"--delays": "delays", "--costs": "costs"}.get(option, "returns")
    told = shell("montecarlo", "buy_and_hold", "--symbols", "IBM", "--only", kind, option, value, "--json")
    assert told.code == 2 and (code == "USAGE" or json.loads(told.err)["error"]["code"] == code)


def test_help_is_quick():
    """A tenth of a second here; the bound is wide because the machines that run this are busy."""
    import time

    best = 9.0
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "argosy.cli", "--help"], capture_output=True, cwd=ROOT, check=True
        )
        best = min(best, time.perf_counter() - begun)
    assert best < 0.6
