"""`argosy explain`: the way of a trade is that of the journal, row by row, and equal for compiled stretches."""

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import polars as pl
import pytest

from argosy.core.errors import Misuse
from argosy.core.money import per_one
from argosy.core.time import iso
from argosy.data.demo import load as demo
from argosy.engine.records import Reserve
from argosy.house import Terms, Wanted
from argosy.lab.backtest import run
from argosy.lab.orders import frame
from argosy.lab.result import Result
from argosy.lab.verdict import gather
from argosy.lab.why import keep, load, of_order, of_trade
from argosy.strategies.mean_reversion import MeanReversion
from argosy.strategies.trend import Trend


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A saved run, made once."""
    from argosy.cli.backtest import perform
    from argosy.settings import Settings

    place = tmp_path_factory.mktemp("saved") / "run"
    data = demo(("IBM",))
    given = (data.instruments, [data.tape], data.actions)
    result, asked = perform([Wanted("trend", Trend, {"stop_atr": 2.0})], given, Settings(), "trend", None, place)
    frame(asked).write_parquet(result.save(place) / "orders.parquet")
    return place


@pytest.fixture
def saved(shell, folder, tmp_path):
    copytree(folder, tmp_path / "run")
    return shell


def test_a_backtest_saves_what_can_be_explained(shell):
    assert shell("backtest", "trend", "--symbols", "IBM", "--start", "2010-01-01", "--save", "run", "--json").code == 0
    assert shell("explain", "run", "1").out.startswith("trade 1 of ")


def test_the_trades_are_listed_with_their_numbers(saved):
    told = saved("explain", "run")
    assert told.code == 0 and "20 of 62 trades" in told.out and "argosy explain run 62" in told.out
    rows = saved("explain", "run", "--last", "0", "--json").json
    assert [row["trade"] for row in rows] == list(range(1, 63)) and rows[0]["symbol"] == "IBM"


def test_the_way_of_a_trade_from_the_bar_to_the_money(saved):
    told = saved("explain", "run", "7", "--json").json
    entry, leave = told["chapters"]
    assert [step["what"] for step in entry["steps"]] == ["bar", "intent", "allocator", "verdict", "order", "venue", "fill"]
    prices = demo(("IBM",)).tape
    at = int(np.flatnonzero(prices["known"] == entry["steps"][0]["known"])[0])
    assert entry["steps"][0]["facts"]["close"] == prices["close"][at]  # what it saw was the bar that had just ended
    assert entry["steps"][1]["facts"]["why"].startswith("trend: fast") and "stop" in entry["steps"][1]["text"]
    fill = entry["steps"][-1]["facts"]
    assert fill["price"] == pytest.approx(prices["open"][at + 1] * 1.0001, abs=1e-4)  # the next open and one basis point
    assert fill["ts"] == prices["ts"][at + 1]
    assert leave["steps"][3]["facts"]["exit"] is True
    trade = pl.read_parquet("run/trades.parquet").row(6, named=True)
    assert told["result"]["facts"]["pnl"] == trade["pnl"] / per_one("USD") and told["trade"]["entered"] == trade["entered"]


def test_a_stop_is_told_with_its_entry(saved):
    ways = [saved("explain", "run", str(k), "--json").json for k in (1, 2, 3, 61)]
    stopped = next(way for way in ways if any("as its stop" in step["text"] for chapter in way["chapters"] for step in chapter["steps"]))
    entry, stop = stopped["chapters"]
    assert stop["steps"][0]["text"].startswith(f"set with order {entry['order']} as its stop")
    assert stop["steps"][-1]["what"] == "fill"


def test_the_tree_is_for_people(saved):
    told = saved("explain", "run", "last")
    assert told.code == 0 and told.out.startswith("trade 62 of 62: trend long IBM")
    for word in ("saw", "wanted", "allocated", "gate", "order", "fill", "earned", "meanwhile", "dividend: 0.85 a unit"):
        assert word in told.out


def test_two_strategies_on_one_instrument_are_told_apart(tmp_path):
    data = demo(("IBM",))
    both = [Wanted("a", Trend, {"short": True}), Wanted("b", MeanReversion, {"short": True})]
    done = run(both, (data.instruments, [data.tape], data.actions), Terms())
    result = gather(done, "two")
    keep(done, tmp_path)
    kept = load(tmp_path)
    allocated = []
    for k in range(0, result.trades.height, 3):
        way = of_trade(kept, result, k)
        assert way.chapters and all(step.known <= (way.trade["left"] or 1 << 62) for chapter in way.chapters for step in chapter.steps)
        for chapter in way.chapters:
            intent = next((step for step in chapter.steps if step.what == "intent"), None)
            assert intent is None or intent.facts["strategy"] == way.trade["strategy"]  # its own wish comes first
            allocated += [step for step in chapter.steps if step.what == "allocator"]
    assert any(len(step.facts["shares"]) == 2 for step in allocated)  # one order for both
    assert any(step.facts["crossed"] for step in allocated)  # and what met inside the house


def test_a_compiled_stretch_tells_the_same_as_the_walk(tmp_path):
    data = demo(("IBM",))
    ways = []
    for name, scan_from in (("walk", 1 << 60), ("scan", 1)):
        done = run([Wanted("trend", Trend)], (data.instruments, [data.tape], []), Terms(), scan_from=scan_from)
        assert done.run.replay.scanned is (name == "scan")
        keep(done, tmp_path / name)
        kept, result = load(tmp_path / name), gather(done, name)
        ways.append([of_trade(kept, result, k) for k in range(0, result.trades.height, 7)])
        for way in ways[-1]:
            signed = sum(step.facts["notional"] + step.facts["fee"] for chapter in way.chapters for step in chapter.steps if step.what == "fill")
            if not way.trade["open"] and len(way.chapters) == 2:
                assert round(way.trade["pnl"] * per_one("USD")) == -signed  # what was paid and got, to the last unit
    assert ways[0] == ways[1] and len(ways[0]) > 6
    small, large = ((tmp_path / name / "journal.gz").stat().st_size for name in ("scan", "walk"))
    assert small <= large < 200_000


def test_refused_orders_are_explained_by_their_number(shell):
    Path("argosy.toml").write_text("[risk.order_size]\nmax_notional = 1000.0\n")
    assert shell("backtest", "trend", "--symbols", "IBM", "--save", "run", "--json").code == 0
    refused = pl.read_parquet("run/orders.parquet").filter(pl.col("outcome") == "refused")
    told = shell("explain", "run", "--order", str(refused["number"][0]), "--json").json
    (step,) = told["steps"]
    assert step["facts"]["code"] == refused["code"][0] and step["text"].startswith(f"refused by {refused['code'][0]}: buy")
    assert step["facts"]["numbers"]


def test_an_order_by_its_number(saved):
    kept, result = load(Path("run")), Result.load("run")
    numbers = [record.submit.approved.order.id for _, _, record in kept.records() if isinstance(record, Reserve)]
    chapter = of_order(kept, result.currency, numbers[0])
    assert chapter.order == numbers[0] and chapter.steps[0].what == "bar" and iso(chapter.steps[-1].known)
    assert saved("explain", "run", "--order", str(numbers[0])).out.startswith(f"order {numbers[0]}: buy")
    with pytest.raises(Misuse, match="EXPLAIN_ORDER"):
        of_order(kept, result.currency, 10**9)


@pytest.mark.parametrize(
    ("words", "code"),
    [(("nope",), "EXPLAIN_RUN"), (("run", "0"), "EXPLAIN_TRADE"), (("run", "63"), "EXPLAIN_TRADE"), (("run", "x"), "EXPLAIN_TRADE"),
     (("run", "--order", "999999999"), "EXPLAIN_ORDER")],
)  # fmt: skip
def test_misuse_is_status_2(saved, words, code):
    told = saved("explain", *words, "--json")
    assert told.code == 2 and told.error["code"] == code and told.error["fix"]


def test_a_journal_that_is_missing_cut_or_of_another_run_is_refused(saved):
    data = Path("run/journal.gz").read_bytes()
    Path("run/journal.gz").write_bytes(data[: len(data) // 2])
    assert saved("explain", "run", "1", "--json").error["code"] == "EXPLAIN_RUN"
    Path("run/journal.gz").unlink()
    assert "journal.gz is missing" in saved("explain", "run", "1", "--json").error["what"]
    Path("run/journal.gz").write_bytes(data)
    head = json.loads(Path("run/journal.json").read_text())
    Path("run/journal.json").write_text(json.dumps(head | {"chain": "00"}))
    assert saved("explain", "run", "1", "--json").error["code"] == "EXPLAIN_MIXED"
    Path("run/journal.json").write_text(json.dumps(head | {"schema": 99}))
    refused = saved("explain", "run", "1", "--json").error
    assert refused["code"] == "EXPLAIN_SCHEMA" and "99" in refused["what"]


def test_no_trade_is_counted_from_the_end_unasked(saved):
    """Trade 0 or -3 is none; Python would take one from the end."""
    assert "'0' is not the number" in saved("explain", "run", "0", "--json").error["what"]
    with pytest.raises(Misuse, match="EXPLAIN_TRADE"):
        of_trade(load(Path("run")), Result.load("run"), -1)
