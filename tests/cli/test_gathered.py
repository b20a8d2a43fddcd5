"""What a catalog holds beside prices reaches a run: funding, figures of the world, a yardstick, an option chain; each when it was known."""

import json

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from argosy.cli.prices import benchmark, gather
from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend, Fact, Funding, Split
from argosy.core.instrument import Instrument
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, parse
from argosy.data.catalog import Catalog
from argosy.data.tables import leaf
from argosy.settings import load

START = parse("2024-01-01")


def bars(closes, first=0, span=DAY, volume=100.0):
    ts = START + (first + np.arange(len(closes))) * span
    prices = {name: np.asarray(closes, float) for name in ("open", "high", "low", "close")}
    count = len(closes)
    return Tape(Bar, prices | {"ts": ts, "known": ts + span, "instrument": np.zeros(count), "span": np.full(count, span),
                               "volume": np.full(count, volume)})  # fmt: skip


def table(kind, symbol, every="all", **columns):
    return leaf(kind, symbol, every, pl.DataFrame(columns))


@pytest.fixture
def shelf(tmp_path):
    """PERP: ten days at 100; funding of 1 % at the end of the third and of the sixth day. CPI: of day 1, known on day 3; of day 4, on day 6."""
    made = Catalog(tmp_path / "shelf")
    made.write("PERP", bars([100.0] * 10))
    made.write("OTHER", bars([50.0] * 10))
    with made.writing() as batch:
        when = START + np.array([3, 6]) * DAY
        batch.put_table(table("funding", "PERP", ts=when, known=when, rate=[0.01, -0.005]))
        days = START + np.array([-9, 1, 4, 20]) * DAY
        batch.put_table(table("fact", "CPI", ts=days, known=days + 2 * DAY, value=[1.0, 2.5, 3.5, 9.0]))
    return str(tmp_path / "shelf")


def test_funding_is_paid_and_facts_come_when_they_were_known_to_those_who_listen(shelf):
    (instruments, _, events), _ = gather(shelf, ("OTHER", "PERP"))
    paid = [event for event in events if isinstance(event, Funding)]
    assert [(one.known, instruments[one.instrument].symbol, one.rate) for one in paid] == [
        (START + 3 * DAY, "PERP", 0.01), (START + 6 * DAY, "PERP", -0.005),
    ]  # fmt: skip
    assert not any(isinstance(event, Fact) for event in events)
    told = [event for event in gather(shelf, ("PERP",), facts=True)[0][2] if isinstance(event, Fact)]
    assert [(one.ts, one.known, one.name, one.value) for one in told] == [
        (START + DAY, START + 3 * DAY, "CPI", 2.5), (START + 4 * DAY, START + 6 * DAY, "CPI", 3.5),
    ]  # fmt: skip
    late = gather(shelf, ("PERP",), start="2024-01-06", facts=True)[0][2]
    assert [event.value for event in late if isinstance(event, Fact)] == [3.5], "none of before the first row"
    assert not any(isinstance(event, Funding) for event in gather(shelf, ("OTHER",))[0][2])


LISTENS = """
from argosy.core.intents import Target
from argosy.core.strategy import OnFact

class {name}:
    {extra}
    def on_bar(self, bar, book):
        seen = book.fact("CPI")
        return Target(bar.instrument, lots=100 if seen is None else round(seen.value * 100), why=f"{{bar.known}}")
"""
CLASSES = {
    "Hears": "def on_fact(self, fact, book): return None",
    "Wakes": "wakes = (OnFact(),)",
    "Deaf": "watched = ()",
}


@pytest.mark.parametrize(("name", "lots"), [("Hears", [100, 150, 100]), ("Wakes", [250, 100]), ("Deaf", [100])])
def test_a_backtest_of_a_file_hears_facts_where_its_class_says_so(shell, shelf, tmp_path, name, lots):
    """100 lots at first; 250 once 2.5 is known (end of day 3: the order fills on day 4), 350 from day 7 on. Nobody else is told."""
    (tmp_path / "it.py").write_text(LISTENS.format(name=name, extra=CLASSES[name]))
    told = shell("backtest", f"it.py:{name}", "--data", shelf, "--symbols", "PERP", "--orders", "--last", "0", "--json", "--cash", "1e6").json
    assert [round(one["units"]) for one in told["orders"]] == lots
    if name == "Hears":
        assert [(one["known"] - START) // DAY for one in told["orders"]] == [1, 3, 6]
        # 100 lots are charged 1 % of 100 at the end of day 3, 250 lots paid 0.5 % at the end of day 6
        fees = told["stats"]["fees"]
        assert told["end_equity"] == pytest.approx(1e6 - 100 * 1.0 + 250 * 0.5 - fees - told["stats"]["traded"] * 1e-4, abs=0.5)


# -- a yardstick ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def spy(tmp_path):
    """AAA trades days 0 to 39, SPY days 0 to 39 in a wave of its own, with a dividend and a split in two."""
    made = Catalog(tmp_path / "data")
    days = np.arange(40)
    made.write("AAA", bars(100.0 + 3.0 * np.sin(days / 3.0) + days))
    raw = 400.0 * (1.0 + 0.01 * np.sin(days / 2.0))
    raw[20:] /= 2.0
    actions = [Dividend(START + 10 * DAY - 1, START + 10 * DAY - 1, 0, 4.0), Split(START + 20 * DAY - 1, START + 20 * DAY - 1, 0, 2.0)]
    made.write("SPY", bars(raw), actions=actions)
    made.write("EUR", bars(np.full(40, 7.0)))
    return made


def settings(**keys):
    return load(None, keys).settings


def test_spy_of_the_catalog_is_a_yardstick_beside_holding(shell, spy, tmp_path):
    told = shell("backtest", "trend", "--symbols", "AAA", "-p", "fast=2", "-p", "slow=4", "--json", "--save", "run", "--report", "r.html").json
    assert set(told["beside"]) == {"holding", "SPY"}
    # By hand: what 100,000 in SPY came to, dividends kept as cash; then beta and the ratio of its daily returns with the run's.
    days = np.arange(40)
    worth = 400.0 * (1.0 + 0.01 * np.sin(days / 2.0)) + np.where(days >= 10, 4.0, 0.0)  # ex on day 10
    other = np.diff(worth) / worth[:-1]
    from argosy.lab.result import Result

    kept = Result.load(tmp_path / "run")
    assert kept.yardstick.name == "SPY" and kept.yardstick.value == pytest.approx(1e5 * worth / worth[0])
    own = np.diff(kept.value) / kept.value[:-1]
    beta = np.cov(own, other)[0, 1] / np.var(other, ddof=1)
    found = told["beside"]["SPY"]
    assert found["beta"] == pytest.approx(beta) and found["beta"] != pytest.approx(told["beside"]["holding"]["beta"])
    assert found["alpha"] == pytest.approx((1.0 + own.mean() - beta * other.mean()) ** 365 - 1.0)
    assert found["information_ratio"] == pytest.approx((own - other).mean() / (own - other).std(ddof=1) * np.sqrt(365))
    page = (tmp_path / "r.html").read_text()
    assert ">SPY</th>" in page and "; SPY, held." in page and '"index":"SPY"' in page
    assert Result.from_json(kept.to_json()) == kept and shell("report", "run").code == 0
    shown = shell("backtest", "trend", "--symbols", "AAA", "-p", "fast=2", "-p", "slow=4").out
    assert "information ratio" in shown and "\nSPY " in shown
    assert set(shell("backtest", "trend", "--symbols", "AAA", "--benchmark", "off", "--json").json["beside"]) == {"holding"}
    assert set(shell("backtest", "trend", "--symbols", "SPY", "--json").json["beside"]) == {"holding"}, "holding is the very same"
    assert set(shell("backtest", "trend", "--symbols", "AAA", "--benchmark", "EUR", "--json").json["beside"]) == {"holding", "EUR"}
    assert set(shell("backtest", "trend", "--data", "demo", "--symbols", "IBM", "--json").json["beside"]) == {"holding"}, "other years"


WRONG = [
    ("GONE", {}, "BENCHMARK_SYMBOL"), ("", {"data.benchmark": "GONE"}, "BENCHMARK_SYMBOL"), ("LATE", {}, "BENCHMARK_PERIOD"),
    ("STALE", {}, "BENCHMARK_PERIOD"),
    ("EURO", {}, "BENCHMARK_CURRENCY"),
]  # fmt: skip


@pytest.mark.parametrize(("named", "keys", "code"), WRONG)
def test_a_yardstick_that_is_named_and_cannot_be_had_is_an_error(spy, named, keys, code):
    spy.write("LATE", bars([1.0] * 5, first=100))
    spy.write("STALE", bars([1.0] * 31))  # it would stand still for nine days, and what stands still is easily beaten
    spy.write("RECENT", bars([1.0] * 32))
    spy.write(Instrument(symbol="EURO", currency="EUR"), bars([1.0] * 40))
    data = gather(str(spy.root), ("AAA",))[0]
    with pytest.raises(Misuse) as refused:
        benchmark(str(spy.root), named, settings(**keys), data)
    assert (refused.value.code, refused.value.where) == (code, "--benchmark" if named else "data.benchmark")
    assert benchmark(str(spy.root), "RECENT", settings(), data)[0] == "RECENT"
    assert benchmark(str(spy.root), "off", settings(**{"data.benchmark": "GONE"}), data) is None
    assert benchmark(str(spy.root / "none"), "", settings(), data) is None, "nobody asked for it"
    assert benchmark("demo", "SPY", settings(**{"data.catalog": str(spy.root)}), data)[0] == "SPY", "the catalog of the settings"


def test_a_yardstick_of_several_spans_is_taken_in_the_run_s_own_else_in_days(spy):
    spy.write("SPY", bars([400.0] * 960, span=HOUR))
    data = gather(str(spy.root), ("AAA",))[0]
    assert int(benchmark(str(spy.root), "", settings(), data)[1]["span"].max()) == DAY
    hours = (data[0], [bars([100.0] * 960, span=HOUR)], [])
    assert int(benchmark(str(spy.root), "", settings(), hours)[1]["span"].max()) == HOUR
    minutes = (data[0], [bars([100.0] * 960, span=HOUR // 2)], [])
    assert int(benchmark(str(spy.root), "", settings(), minutes)[1]["span"].max()) == DAY


# -- options -------------------------------------------------------------------------------------------------------------


def chain(rows):
    """Rows of (day, expiry day, strike, right, price, volume); the day's row is known when it is over."""
    ts = [START + day * DAY for day, *_ in rows]
    price = [float(row[4]) for row in rows]
    dates = pl.Series([START // DAY + row[1] for row in rows], dtype=pl.Int32).cast(pl.Date)
    return {
        "ts": ts, "known": [t + DAY for t in ts], "expiry": dates, "strike": [float(row[2]) for row in rows], "right": [row[3] for row in rows],
        "open": price, "high": price, "low": price, "close": price, "volume": [row[5] for row in rows],
        "implied_volatility": [0.2] * len(rows), "underlying": [100.0] * len(rows),
    }  # fmt: skip


@pytest.fixture
def listed(tmp_path):
    """ACME stands at 100 and is at 108 from day 12 on; a call at 105 until day 20 costs 2.00, and one row of it has no price."""
    made = Catalog(tmp_path / "data")
    made.write("ACME", bars([100.0] * 12 + [108.0] * 18))
    rows = [(day, 20, 105.0, "C", 2.0 if day < 12 else 4.0, 10) for day in range(21)] + [(3, 20, 95.0, "P", 0.0, 0)]
    rows += [(day, 60, 105.0, "P", 1.0, 10) for day in range(30)]
    with made.writing() as batch:
        batch.put_table(table("chain", "ACME", "day", **chain(rows)))
    return made


@pytest.fixture
def optioned(shell, monkeypatch):
    from importlib.metadata import EntryPoint

    from argosy.core import plugins

    names = {"covered_call": "CoveredCall", "protective_put": "ProtectivePut"}
    points = {name: EntryPoint(name, f"argosy.strategies.{name}:{cls}", "argosy.strategies") for name, cls in names.items()}
    monkeypatch.setattr(plugins, "found", lambda group: points if group == "argosy.strategies" else {})
    return shell


def test_a_covered_call_on_an_imported_chain(optioned, listed):
    """100 shares bought on day 1 at 100; on day 2 the call is sold at 2.00; it ends with day 20, when the stock at 108 goes at 105.

    Then nothing that is a call is left: the stock is not bought again.
    """
    told = optioned("backtest", "covered_call", "--orders", "--last", "0", "--json")
    assert told.code == 0, told.err
    told = told.json
    filled = [(one["symbol"], one["side"], one["units"], one["price"]) for one in told["orders"] if one["outcome"] == "filled"]
    assert filled == [("ACME", 1, 100.0, pytest.approx(100.01)), ("ACME240121C00105000", -1, 1.0, pytest.approx(1.9998))]
    assert told["end_equity"] == pytest.approx(100_000 - 10_001 + 199.98 + 10_500 - told["stats"]["fees"], abs=0.01)
    label = told["settings"]["prices"]
    assert "2 options of ACME (middles of a chain, 30 days)" in label and "1 rows of options without a price" in label and "SYNTHETIC" not in label
    assert told["benchmark_stats"]["total_return"] == pytest.approx(0.08), "the stock is held, not every option of the chain"


def test_the_least_that_is_exercised_is_a_setting(optioned, listed, tmp_path):
    (tmp_path / "argosy.toml").write_text("[venue]\nexercise_least = 3.5\n")
    told = optioned("backtest", "covered_call", "--orders", "--last", "0", "--json").json
    assert told["settings"]["venue"]["exercise_least"] == 3.5
    assert told["end_equity"] == pytest.approx(100_000 - 10_001 + 199.98 + 10_800 - told["stats"]["fees"], abs=0.01), "3.00 is too little: kept"
    (tmp_path / "argosy.toml").write_text("[venue]\nexercise_least = -1.0\n")
    refused = optioned("backtest", "covered_call", "--json")
    assert refused.code == 2 and "venue.exercise_least" in refused.err


def test_without_a_chain_the_options_are_synthetic_and_every_page_says_so(optioned, tmp_path):
    told = optioned("backtest", "protective_put", "--data", "demo", "--start", "2008-01-01", "--end", "2009-06-01", "--report", "r.html")
    assert told.code == 0 and told.out.replace("\n", " ").count("SYNTHETIC options") == 2 and "· IBM ·" in told.out.replace("\n", " ")
    assert "SYNTHETIC options" in (tmp_path / "r.html").read_text()
    assert "IBM0" not in told.out.split("\n\n")[0], "a chain is not listed contract by contract"
    plain = optioned("backtest", "protective_put", "--data", "demo", "--start", "2008-01-01", "--end", "2009-06-01", "--json", "--orders").json
    assert any("P00" in one["symbol"] and one["outcome"] == "filled" for one in plain["orders"])
    short = optioned("backtest", "protective_put", "--data", "demo", "--end", "2000-04-01", "--json")
    assert short.error["code"] == "CHAIN_NONE"
    two = optioned("backtest", "covered_call", "--data", "demo", "--symbols", "IBM,MSFT", "--start", "2004-01-01", "--end", "2004-08-01")
    assert two.code == 1 and "OPTION_STOCK" in two.out and "underlying=IBM" in two.out.replace("\n", " ")
    one = optioned("backtest", "covered_call", "--data", "demo", "--symbols", "IBM,MSFT", "--start", "2004-01-01", "--end", "2004-08-01",
                   "-p", "underlying=MSFT", "--orders", "--json")  # fmt: skip
    assert one.code == 0 and {order["symbol"][:4] for order in one.json["orders"]} == {"MSFT"}


def test_a_search_and_a_passport_trade_the_options_too(optioned, listed):
    found = optioned("search", "covered_call", "--symbols", "ACME", "-s", "above=0.01,0.04", "--method", "grid", "--together", "--json",
                     "--objective", "total_return")  # fmt: skip
    assert found.code == 0, found.err
    assert [row["total_return"] for row in found.json["rows"]] == [pytest.approx(0.0069, abs=5e-4)] * 2
    told = optioned("passport", "covered_call", "--symbols", "ACME", "--json")
    assert json.loads(told.out)["figures"]["total_return"] == pytest.approx(0.0069, abs=5e-4)


def quotes(rows, every, late):
    named = {name: rows[name] for name in ("expiry", "strike", "right")} | {"bid_close": [1.9] * 25, "ask_close": [2.1] * 25}
    return table("option_quote", "ACME", every, ts=[t + DAY - late for t in rows["ts"]], known=[t + DAY for t in rows["ts"]], **named)


def test_the_chain_that_has_most_days_is_taken(optioned, listed):
    rows = chain([(day, 20, 105.0, "C", 2.0, 10) for day in range(25)])
    with listed.writing() as batch:
        batch.put_table(quotes(rows, "day", DAY))
    (instruments, tapes, _), label = gather(str(listed.root), ("ACME",), chains=True)
    assert "middles of a chain" in label and len(instruments) == 3, "thirty days of a chain beat twenty-five of quotes"
    (instruments, tapes, _), label = gather(str(listed.root), ("ACME",), end="2024-01-24", chains=True)
    assert "middles of bids and asks" in label and [tape.kind.__name__ for tape in tapes] == ["Bar"]
    told = optioned("backtest", "covered_call", "--end", "2024-01-24", "--orders", "--last", "0", "--json").json
    assert [one["price"] for one in told["orders"] if one["symbol"] != "ACME"] == [pytest.approx(2.0, rel=2e-4)]


def test_quotes_of_moments_fill_at_their_own_side(optioned, listed):
    rows = chain([(day, 20, 105.0, "C", 2.0, 10) for day in range(25)])
    rows["ts"] = [START + DAY + hour * HOUR for hour in range(25)]
    with listed.writing() as batch:
        batch.put_table(quotes(rows, "tick", 0))
    (_, tapes, _), label = gather(str(listed.root), ("ACME",), end="2024-01-20", chains=True)
    assert "bids and asks, 25 moments" in label and [tape.kind.__name__ for tape in tapes] == ["Bar", "Quote"]
    told = optioned("backtest", "covered_call", "--end", "2024-01-20", "--orders", "--last", "0", "--json").json
    filled = [one["price"] for one in told["orders"] if one["symbol"] != "ACME" and one["outcome"] == "filled"]
    assert filled == [pytest.approx(1.9, rel=2e-4)], "written at the bid"


def test_an_option_is_registered_with_what_the_file_says(listed):
    (instruments, _, _), _ = gather(str(listed.root), ("ACME",), chains=True)
    call = instruments["ACME240121C00105000"]
    assert (call.option.right, float(call.option.strike), call.multiplier) == ("call", 105.0, 100)
    assert call.option.expiry_ns == START + 21 * DAY, "over with the day of its expiry"
    assert replace(call, id=0) == replace(call, id=0) and call.option.underlying == "ACME"


# -- splits of whole days ------------------------------------------------------------------------------------------------


def test_a_split_between_two_whole_days_doubles_no_equity(shell, tmp_path):
    """100 until day 4, 50 from day 5 on after two for one, and a dividend of 1: no row of the curve may know old prices and new units."""
    made = Catalog(tmp_path / "data")
    actions = [Split(START + 5 * DAY - 1, START + 5 * DAY - 1, 0, 2.0), Dividend(START + 7 * DAY - 1, START + 7 * DAY - 1, 0, 1.0)]
    made.write("AAA", bars([100.0] * 5 + [50.0] * 2 + [49.0] * 3), actions=actions)
    (_, tapes, events), _ = gather(str(tmp_path / "data"))
    assert tapes[0]["known"].tolist() == [START + (day + 1) * DAY for day in range(10)], "what is known when stays"
    assert [event.known - START for event in events] == [5 * DAY + 1, 7 * DAY + 1]
    assert [int(t) - START - day * DAY for day, t in enumerate(tapes[0]["ts"])] == [0, 0, 0, 0, 0, 2, 0, 2, 0, 0]
    told = shell("backtest", "buy_and_hold", "--json", "--save", "run").json
    from argosy.lab.result import Result

    kept = Result.load(tmp_path / "run")
    assert kept.benchmark.tolist() == [100_000.0] * 10
    assert kept.value == pytest.approx([100_000.0] + [99_990.0] * 9, abs=10.0) and told["stats"]["max_drawdown"] < 2e-4
