"""`argosy daily`: what it decides is what a backtest up to that bar wants; holdings, stale prices and reports are told as they are."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Split
from argosy.core.instrument import Instrument, Instruments
from argosy.core.time import iso, parse
from argosy.data import fetch
from argosy.data.demo import load as demo
from argosy.engine.records import Wanted as Wish
from argosy.house import Terms, Wanted
from argosy.lab.backtest import run
from argosy.lab.daily import Holding, Holdings, ages, decide, read
from argosy.strategies.mean_reversion import MeanReversion
from argosy.strategies.rebalance import Rebalance
from argosy.strategies.trend import Trend

FLEET = [Wanted("trend", Trend, {"stop_atr": 2.0}), Wanted("dips", MeanReversion), Wanted("parts", Rebalance)]
DATA = demo(("IBM", "MSFT", "AAPL"))
WHOLE = (DATA.instruments, [DATA.tape], DATA.actions)


def until(known):
    tape = DATA.tape.as_of(known)
    return DATA.instruments, [tape], [event for event in DATA.actions if event.known <= known]


@lru_cache(maxsize=1)
def past():
    """What each strategy wanted at each moment of one backtest over all of the past, and its lots after each fill and split."""
    done = run(FLEET, WHOLE, Terms())
    wants, held = {}, {}
    for _, record in done.run.engine.journal.records():
        if isinstance(record, Wish):
            wants.setdefault(record.at, []).append(record)
    changes = [(event.known, 0, event.instrument, "", event.ratio) for event in DATA.actions if isinstance(event, Split)]
    changes += [(fill.known, 1, fill.instrument, strategy, fill.side * lots) for fill, strategy, lots, _, _ in done.account.fills]
    for known, kind, instrument, strategy, value in sorted(changes, key=lambda change: change[:2]):
        for name in [strategy] if kind else [want.name for want in FLEET]:
            line = held.setdefault((name, instrument), [(0, 0)])
            line.append((known, line[-1][1] + value if kind else round(line[-1][1] * value)))
    return wants, held


def holding(held, strategy, instrument, known):
    return next((lots for when, lots in reversed(held.get((strategy, instrument), [])) if when <= known), 0)


MOMENTS = np.unique(DATA.tape["known"])


def test_without_a_closed_bar_nobody_decides():
    for tapes in ([], [DATA.tape.as_of(0)]):
        with pytest.raises(Misuse, match="DAILY_EMPTY"):
            decide(FLEET, (DATA.instruments, tapes, []), Terms())


@pytest.mark.parametrize("place", [120, 1500, len(MOMENTS) - 1])
def test_the_decisions_are_what_the_backtest_wants_at_that_bar(place):
    check(int(MOMENTS[place]))


@given(place=st.integers(60, 3_200))
@settings(max_examples=6, deadline=None)
def test_and_at_any_other_bar(place):
    check(int(MOMENTS[place]))


def check(known):
    """The intents of the last bar are equal, text and all; BUY and SELL are the wish less what it held then."""
    wants, held = past()
    found = decide(FLEET, until(known), Terms())
    fresh = {(voice.strategy, call.symbol): voice for call in found.calls for voice in call.voices if voice.fresh}
    said = {(wish.strategy, DATA.instruments[wish.intent.instrument].symbol): wish for wish in wants.get(known, [])}
    assert set(fresh) == set(said)
    for key, wish in said.items():
        assert (fresh[key].wanted, fresh[key].why) == (wish.lots, wish.intent.why)
    for call in found.calls:
        for voice in call.voices:
            assert voice.held == holding(held, voice.strategy, DATA.instruments[call.symbol].id, known)
            assert voice.action == ("BUY" if voice.wanted > voice.held else "SELL" if voice.wanted < voice.held else "HOLD")
        assert call.wanted == sum(voice.wanted for voice in call.voices)
        assert call.action == ("BUY" if call.trade > 0 else "SELL" if call.trade < 0 else "HOLD")


def test_most_moments_have_something_to_compare():
    wants, _ = past()
    assert len(wants) > 300 and sum(len(found) for found in wants.values()) > 500


def test_the_gates_word_stands_beside_the_wish():
    known = parse("2012-12-13")  # trend buys IBM that day
    terms = Terms(limits={"order_size": {"max_notional": 1_000.0}})
    found = {call.symbol: call.voices[0] for call in decide([Wanted("trend", Trend)], until(known), terms).calls}
    assert found["IBM"].gate.startswith(("refused ", "trimmed ")) and found["IBM"].fresh
    free = {call.symbol: call.voices[0] for call in decide([Wanted("trend", Trend)], until(known), Terms()).calls}
    assert free["IBM"].gate == "approved" and free["MSFT"].gate == ""


# -- holdings --------------------------------------------------------------------------------------------------------------


def held(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return path


def test_holdings_are_read_as_people_write_them(tmp_path):
    found = read(held(tmp_path, "\ufeffTicker; Shares; Avg Cost\n# mine\nibm;100;150\nIBM;50;180\nUSD;2500;\nMSFT;-3;\n"))
    assert found == Holdings((Holding("IBM", 150.0, 160.0), Holding("MSFT", -3.0, 0.0)), 2500.0)
    assert found.worth({"IBM": 200.0, "MSFT": 10.0}) == 2500 + 30_000 - 30


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("", "HOLDINGS_FILE", ""), ("a,b\n1,2\n", "HOLDINGS_COLUMNS", ":1"), ("symbol,quantity\nIBM,ten\n", "HOLDINGS_ROW", ":2"),
        ("symbol,quantity\nIBM,1\n,5\n", "HOLDINGS_ROW", ":3"), ("symbol,quantity\nIBM,nan\n", "HOLDINGS_ROW", ":2"),
        ("symbol;quantity\nIBM;12,5\n", "HOLDINGS_ROW", ":2"), ("symbol;quantity\nIBM;1,234\n", "HOLDINGS_ROW", ":2"),
        ('symbol,quantity\nIBM,"12,5"\n', "HOLDINGS_ROW", ":2"), ("symbol,quantity,price\nIBM,1,234,180\n", "HOLDINGS_ROW", ":2"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path, text, code, where):
    with pytest.raises(Misuse) as caught:
        read(held(tmp_path, text))
    assert caught.value.code == code and caught.value.where.endswith(where) and caught.value.fix


def test_a_comma_groups_thousands_and_nothing_else(tmp_path):
    found = read(held(tmp_path, 'symbol,quantity,price\nIBM,"1,234.5","$1,000"\nCASH,"12,345,678",\n'))
    assert found == Holdings((Holding("IBM", 1234.5, 1000.0),), 12_345_678.0)


def test_what_nobody_can_speak_of_is_left_as_it_is():
    class Raises:
        def on_bar(self, bar, book):
            raise ValueError("no")

    mine = Holdings((Holding("IBM", 100.0, 20.0), Holding("MSFT", 7.0)), 500.0)
    early = int(MOMENTS[10])
    for known, fleet in ((early, [Wanted("trend", Trend)]), (parse("2012-12-13"), [Wanted("raises", Raises), Wanted("trend", Trend)])):
        found = decide(fleet, until(known), Terms(), holdings=mine)
        calls = {call.symbol: call for call in found.calls}
        assert [(calls[name].action, calls[name].trade) for name in ("IBM", "MSFT")] == [("HOLD", 0.0)] * 2
        assert "left as it is" in found.notes[0]
    mixed = decide([Wanted("trend", Trend), Wanted("slow", Trend, {"slow": 4000})], until(parse("2012-12-13")), Terms(), holdings=mine)
    assert next(call for call in mixed.calls if call.symbol == "MSFT").action == "SELL", "one of them can speak, and does not want it"


def test_decisions_are_relative_to_what_she_holds():
    known = parse("2012-12-13")
    plain = decide([Wanted("trend", Trend)], until(known), Terms())
    price = {call.symbol: call.price for call in plain.calls}
    share = {call.symbol: call.share_frac for call in plain.calls}
    assert share["IBM"] > 0.2 and share["MSFT"] == 0.0
    own = decide([Wanted("trend", Trend)], until(known), Terms(), holdings=Holdings((Holding("MSFT", 40.0, 20.0),), 10_000.0))
    worth = 10_000 + 40 * price["MSFT"]
    calls = {call.symbol: call for call in own.calls}
    assert own.own and own.equity == worth
    assert calls["MSFT"].action == "SELL" and calls["MSFT"].trade == -40.0  # nothing wants it
    assert calls["MSFT"].gain_frac == pytest.approx(price["MSFT"] / 20 - 1)
    wanted = int(share["IBM"] * worth / price["IBM"])
    assert (calls["IBM"].action, calls["IBM"].trade, calls["IBM"].worth) == ("BUY", wanted, wanted * price["IBM"])
    near = Holdings((Holding("IBM", wanted - 1.0),), worth - (wanted - 1) * price["IBM"])
    for band, action in ((0.2, "HOLD"), (0.0, "BUY")):
        found = decide([Wanted("trend", Trend)], until(known), Terms(), holdings=near, band_frac=band)
        assert next(call.action for call in found.calls if call.symbol == "IBM") == action


# -- age -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calendar", "kind", "now", "missed"),
    [
        ("XNYS", "equity", "2013-03-02T12:00:00Z", 0),  # a Saturday after Friday's close
        ("XNYS", "equity", "2013-03-04T20:00:00Z", 0),  # Monday, not closed yet
        ("XNYS", "equity", "2013-03-04T21:30:00Z", 0),  # just closed: the vendor has an hour
        ("XNYS", "equity", "2013-03-04T22:30:00Z", 1),
        ("XNYS", "equity", "2013-03-08T22:30:00Z", 5),
        ("24/7", "equity", "2013-03-04T22:30:00Z", 1),  # imported by whole days, its exchange closes all the same
        ("24/7", "crypto", "2013-03-02T12:00:00Z", 0),
        ("24/7", "crypto", "2013-03-04T12:00:00Z", 2),
        ("24/7", "fx", "2013-03-03T22:00:00Z", 0),
    ],
)
def test_age_is_counted_in_sessions(calendar, kind, now, missed):
    tape = DATA.tape.only(0).as_of(parse("2013-03-01T21:00:00Z"))
    (age,) = ages(Instruments([Instrument(symbol="X", calendar=calendar, kind=kind)]), [tape], parse(now))
    assert (age.missed, age.stale, iso(age.known)) == (missed, missed > 0, "2013-03-01T21:00:00Z")


# -- the command -----------------------------------------------------------------------------------------------------------


def test_it_works_at_once_on_the_packaged_prices_and_says_they_are_old(shell):
    told = shell("daily", "--strategies", "trend")
    assert told.code == 0 and "After 2013-03-01" in told.out and "!! STALE" in told.out and "no decisions for today" in told.out
    machine = shell("daily", "--strategies", "trend", "--json").json
    assert machine["stale"] is True and machine["tally"]["HOLD"] + machine["tally"]["BUY"] + machine["tally"]["SELL"] == 5
    assert machine["stale_symbols"][0]["missed"] > 3_000


def test_as_of_decides_as_if_that_day_had_just_closed(shell):
    told = shell("daily", "--symbols", "IBM", "--strategies", "trend", "--as-of", "2012-12-12", "--json").json
    assert told["stale"] is False and iso(told["known"])[:10] == "2012-12-12"
    (call,) = told["calls"]
    assert call["action"] == "BUY" and call["voices"][0]["fresh"] is True and call["voices"][0]["gate"] == "approved"
    backtest = shell("backtest", "trend", "--symbols", "IBM", "--orders", "--last", "0", "--json").json["orders"]
    order = next(row for row in backtest if iso(row["known"])[:10] == "2012-12-12")
    assert (order["units"], order["side"], order["why"]) == (call["trade"], 1, call["voices"][0]["why"])


def test_the_fleet_of_the_settings_decides(shell):
    Path("argosy.toml").write_text('[strategies.mine]\nplugin = "trend"\nsymbols = ["IBM"]\nfast = 5\n\n[strategies.hold]\nplugin = "buy_and_hold"\n')
    told = shell("daily", "--as-of", "2012-12-12", "--json").json
    assert told["strategies"] == ["hold", "mine"]
    voices = {call["symbol"]: [voice["strategy"] for voice in call["voices"]] for call in told["calls"]}
    assert voices["IBM"] == ["hold", "mine"] and voices["MSFT"] == ["hold"]


def test_the_report_is_one_file(shell, tmp_path):
    (tmp_path / "mine.csv").write_text("symbol,quantity,price\nIBM,100,150\nTSLA,3,200\nCASH,50000\n")
    told = shell("daily", "--strategies", "trend", "--holdings", "mine.csv", "--out", "today.html")
    assert told.code == 0 and "held, and not in the data: TSLA" in told.out
    page = (tmp_path / "today.html").read_text()
    assert "STALE" in page and "not in the data: TSLA" in page and "http" not in page.replace("width=device-width", "") and "<script" not in page
    assert page.count("<tr>") == 6  # the head and five symbols


def test_a_strategy_that_raises_says_nothing_and_the_status_is_1(shell):
    told = shell("daily", "--strategies", "breaks", "--symbols", "IBM", "--json")
    assert told.code == 1 and told.json["failures"][0].startswith("breaks: ZeroDivisionError")


def test_fetch_brings_yahoos_prices_up_to_date(shell, monkeypatch):
    pandas = pytest.importorskip("pandas")
    asked = []

    def download(symbol, start, end, interval):
        asked.append((symbol, start))
        index = pandas.DatetimeIndex(pandas.bdate_range("2024-01-02", periods=40 + 5 * len(asked))).tz_localize("America/New_York")
        closes = 100.0 + np.arange(len(index))
        return pandas.DataFrame({"Open": closes, "High": closes + 1, "Low": closes - 1, "Close": closes, "Volume": 9, "Dividends": 0.0}, index=index)

    monkeypatch.setattr(fetch, "yahoo", lambda: download)
    assert shell("data", "fetch", "SPY", "--from", "2024-01-01").code == 0
    told = shell("daily", "--data", "data", "--fetch", "--strategies", "trend", "--json")
    assert told.code == 0 and asked[1][0] == "SPY" and asked[1][1] <= "2024-01-02"
    assert told.json["known"] > parse("2024-03-01") and told.json["calls"][0]["symbol"] == "SPY"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--as-of", "soon"), "TIME"), (("--holdings", "nope.csv"), "HOLDINGS_FILE"), (("--fetch",), "DAILY_FETCH"),
        (("--strategies", "nobody"), "PLUGIN_UNKNOWN"), (("--out", "no/where.html"), "DAILY_OUT"), (("--data", "nope"), "DATA_SOURCE"),
        (("--as-of", "1999-01-01"), "DATA_EMPTY"),
    ],
)  # fmt: skip
def test_misuse_is_status_2(shell, words, code):
    told = shell("daily", "--strategies", "trend", *words, "--json") if "--strategies" not in words else shell("daily", *words, "--json")
    assert told.code == 2 and told.error["code"] == code and told.error["fix"]


def test_a_day_that_is_not_closed_is_not_decided_on(shell):
    told = shell("daily", "--symbols", "IBM", "--strategies", "trend", "--as-of", "2012-12-12T18:00:00Z", "--json").json
    assert iso(told["known"])[:10] == "2012-12-11"  # in the middle of the session of the 12th
