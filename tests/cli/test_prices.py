"""A run takes from a catalog what it can run on: the bars of the span that was asked for, whatever else lies there."""

import numpy as np
import pytest

from argosy.cli.prices import gather
from argosy.core.errors import Misuse
from argosy.core.events import Bar, Trade
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, MINUTE, parse
from argosy.data.catalog import Catalog

START = parse("2024-01-01")


def bars(count, span, close):
    ts = START + np.arange(count) * span
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), np.full(count, close))
    return Tape(Bar, prices | {"ts": ts, "known": ts + span, "instrument": np.zeros(count), "span": np.full(count, span)})


def trades(count):
    ts, ones = START + np.arange(count) * HOUR, np.ones(count)
    return Tape(Trade, {"ts": ts, "known": ts, "instrument": ones * 0, "price": ones, "size": ones, "side": ones * 0})


@pytest.fixture
def mixed(tmp_path):
    """DAY and TWO have bars of a day, MIN and TWO of a minute, TICK has trades alone."""
    shelf = Catalog(tmp_path / "shelf")
    shelf.write("DAY", bars(10, DAY, 100.0))
    shelf.write("TWO", bars(8, DAY, 50.0))
    shelf.write("TWO", bars(30, MINUTE, 51.0))
    shelf.write("MIN", bars(20, MINUTE, 20.0))
    shelf.write("TICK", trades(5))
    return str(tmp_path / "shelf")


@pytest.mark.parametrize(
    ("every", "counts", "span"),
    [("1d", {"DAY": 10, "TWO": 8}, DAY), ("1m", {"MIN": 20, "TWO": 30}, MINUTE)],
)
def test_without_symbols_a_span_chooses_the_instruments_that_have_it(mixed, every, counts, span):
    (instruments, (tape,), _), _ = gather(mixed, every=every)
    assert {row.symbol: len(tape.only(row.id)) for row in instruments} == counts
    assert set(tape["span"].tolist()) == {span}
    assert dict(zip([row.symbol for row in instruments], tape.instruments, strict=True)) == {s: k for k, s in enumerate(sorted(counts))}


def test_a_backtest_runs_on_the_days_of_a_mixed_catalog(shell, mixed):
    told = shell("backtest", "buy_and_hold", "--data", mixed, "--every", "1d", "--json")
    assert (told.code, told.err) == (0, "")
    assert (told.json["bars"], told.json["fills"]) == (18, 2)
    named = shell("backtest", "buy_and_hold", "--data", mixed, "--every", "1d", "--symbols", "DAY,TWO", "--json").json
    assert named["stats"] == told.json["stats"]


def test_trades_beside_one_span_of_bars_ask_for_no_option(shell, tmp_path):
    shelf = Catalog(tmp_path / "shelf")
    shelf.write("DAY", bars(10, DAY, 100.0))
    shelf.write("TICK", trades(5))
    told = shell("backtest", "buy_and_hold", "--data", "shelf", "--json")
    assert (told.code, told.json["bars"]) == (0, 10)


WRONG = [
    ({}, "CATALOG_SPAN", "--every 1d"),  # TWO has both spans, and none was chosen
    ({"every": "5m"}, "CATALOG_SPAN", "use --every 1d, 1m"),
    ({"every": "1d", "symbols": ["MIN"]}, "CATALOG_SPAN", "use --every 1m"),
    ({"symbols": ["TICK"]}, "CATALOG_SYMBOL", "DAY, MIN, TWO"),
]


@pytest.mark.parametrize(("asked", "code", "fix"), WRONG)
def test_what_cannot_be_run_says_what_is_there(mixed, asked, code, fix):
    with pytest.raises(Misuse) as found:
        gather(mixed, **asked)
    assert found.value.code == code
    assert fix in found.value.fix


def test_a_catalog_of_trades_alone_has_no_bars_and_an_empty_one_is_empty(tmp_path):
    Catalog(tmp_path / "ticks").write("TICK", trades(5))
    (tmp_path / "none").mkdir()
    for folder, what in (("ticks", "has no bars"), ("none", "is empty")):
        with pytest.raises(Misuse, match=what) as found:
            gather(str(tmp_path / folder))
        assert found.value.code == "DATA_EMPTY"
