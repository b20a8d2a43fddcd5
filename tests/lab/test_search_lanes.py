"""The two lanes of a search: an account rebuilt from fills, stretches of the past and figures are equal to the engine's, to the unit."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.cli.prices import gather
from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.money import to_units
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.house import Terms, Wanted
from argosy.kernels.fees import per_share
from argosy.kernels.indicators import sma
from argosy.lab.backtest import run
from argosy.lab.search.course import closed
from argosy.lab.search.lane import ALWAYS, Span, lane
from argosy.lab.search.objective import FIGURES
from argosy.lab.search.swept import FILLED, QUICK, Swept
from argosy.lab.search.walked import Walked, silent
from argosy.lab.verdict import gather as verdict
from argosy.strategies.mean_reversion import MeanReversion
from argosy.strategies.trend import Trend
from tests.laws.market import Cross, bars, instruments

COSTLY = Terms(cash=25_000.0, fees=per_share(0.005, 1.0), slippage_bps=3.0)
DEMO = {symbol: gather("demo", (symbol,))[0] for symbol in ("AAPL", "IBM")}


def both(cls: type, data: Any, terms: Terms, params: dict[str, Any]) -> tuple[Swept, Walked]:
    return Swept(cls, data, terms, params, (), 1), Walked(cls, data, terms, params, (), 1)


CASES = [
    (Trend, DEMO["IBM"], {"fast": 5, "slow": 40, "short": True}), (Trend, DEMO["AAPL"], {"fast": 10, "slow": 30, "stop_atr": 3.0}),
    (MeanReversion, DEMO["AAPL"], {"window": 15}),
    *[(Cross, (instruments(1), [bars(seed, 700, vol=0.004)], []), {"guarded": 1, "short": seed % 2}) for seed in (1, 2, 3)],
]  # fmt: skip


@pytest.mark.parametrize(("cls", "data", "params"), CASES, ids=range(len(CASES)))
def test_an_account_rebuilt_from_fills_is_the_engine_s(cls: type, data: Any, params: dict[str, Any]) -> None:
    swept, walked = both(cls, data, COSTLY, params)
    outcome = run([Wanted("s", cls, params)], data, COSTLY)
    own = swept.course({})
    assert own.equity.tolist() == outcome.equity().tolist()
    assert own.known.tolist() == outcome.instants().tolist()
    result = verdict(outcome, "s")
    shut = result.trades.filter(~result.trades["open"]).sort("left", maintain_order=True)
    assert own.pnl.tolist() == shut["pnl"].to_list() and len(own.pnl) > 5
    other = walked.course({})
    assert own.end == other.end and own.left == other.left and own.last == other.last
    assert own.pnl.tolist() == other.pnl.tolist() and own.equity.tolist() == other.equity.tolist()


@pytest.mark.parametrize(("cls", "data", "params"), CASES, ids=range(len(CASES)))
def test_figures_are_those_of_a_backtest(cls: type, data: Any, params: dict[str, Any]) -> None:
    swept, walked = both(cls, data, COSTLY, params)
    told = verdict(run([Wanted("s", cls, params)], data, COSTLY), "s").stats
    filed = tuple(name for name in FIGURES if name not in FILLED)
    slow, quick, engine = swept.tried([{}], wanted=filed)[0], swept.tried([{}])[0], walked.tried([{}], wanted=tuple(FIGURES))[0]
    assert set(filed) <= set(slow.figures) and set(quick.figures) == QUICK
    assert set(engine.figures) == set(FIGURES)
    assert repr(swept.tried([{}], wanted=("held_days", "omega"))[0]) == repr(walked.tried([{}], wanted=("held_days",))[0])
    for name in FIGURES:
        want = told.get(name, engine.figures[name])
        assert name in FILLED or slow.figures[name] == pytest.approx(want, rel=1e-9, abs=1e-12, nan_ok=True), name
        assert engine.figures[name] == pytest.approx(want, rel=1e-9, abs=1e-12, nan_ok=True), name
        if name in QUICK:
            assert quick.figures[name] == slow.figures[name] or want != want, name


@pytest.mark.parametrize("part", [(0.0, 0.4), (0.3, 0.7), (0.5, 1.0), (0.01, 0.2)])
@pytest.mark.parametrize(("cls", "data", "params"), CASES[:5], ids=range(5))
def test_a_stretch_is_the_same_in_both_lanes(cls: type, data: Any, params: dict[str, Any], part: tuple[float, float]) -> None:
    """History is known to the indicators, the strategy begins fresh and flat, and nothing after the stretch matters."""
    swept, walked = both(cls, data, COSTLY, params)
    known = swept.known
    first, last = int(part[0] * len(known)), int(part[1] * len(known))
    span = Span(int(known[first]), int(known[last]) if last < len(known) else ALWAYS.end)
    cash = to_units(31_234.567891, "USD")
    one, other = swept.course({}, span, cash), walked.course({}, span, cash)
    assert one.known.tolist() == known[first:last].tolist() == other.known.tolist()
    assert one.equity.tolist() == other.equity.tolist()
    assert one.equity[0] == cash
    assert (one.end, one.pnl.tolist(), one.left, one.last) == (other.end, other.pnl.tolist(), other.left, other.last)
    paid = any(isinstance(event, Dividend) for event in data[2])
    assert paid or one.end - cash == int(one.sold.sum()), "all that was earned was earned by trades"
    filed = tuple(name for name in FIGURES if name not in FILLED)
    fine = swept.tried([{}], span, filed)[0].figures
    engine = walked.tried([{}], span, filed)[0].figures
    for name in filed:
        assert fine[name] == pytest.approx(engine[name], rel=1e-9, abs=1e-12, nan_ok=True), name


class Rising:
    """One lot while the close is above the mean of three; its own count of bars tells when it was first asked."""

    unit = "lots"
    needs = {"mean": sma(3)}

    class state(msgspec.Struct):
        bars: int = 0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.bars += 1
        out.target = 10.0 if row.close > needs.mean else 0.0


def table(closes: list[float]) -> Any:
    n = len(closes)
    ts = np.arange(n, dtype=np.int64) * MINUTE
    close = np.asarray(closes)
    open_ = np.concatenate((close[:1], close[:-1]))
    tape = Tape(Bar, {
        "ts": ts, "known": ts + MINUTE, "instrument": np.zeros(n), "open": open_, "high": np.maximum(open_, close), "low": np.minimum(open_, close),
        "close": close, "volume": np.full(n, 100.0), "span": np.full(n, MINUTE),
    })  # fmt: skip
    return Instruments([Instrument(symbol="S0")]), [tape], []


def test_a_stretch_by_hand() -> None:
    """From row 4 on: the mean of rows 2-4 is known at once; bought at the open of row 5 (13), worth 14, 15, sold at the end for 15."""
    data = table([10.0, 11.0, 12.0, 11.0, 13.0, 14.0, 15.0, 9.0])
    terms = Terms(cash=1_000.0, fees="free", slippage_bps=0.0)
    for track in both(Rising, data, terms, {}):
        one = track.course({}, Span(5 * MINUTE, 8 * MINUTE))  # known of rows 4, 5, 6
        assert one.equity.tolist() == [1_000_000_000, 1_010_000_000, 1_020_000_000]
        assert one.left == (("S0", 10, 15.0),) and one.end == 1_020_000_000 and one.last == (20_000_000,) and not len(one.pnl)


def test_what_is_left_is_sold_with_slippage_and_fee() -> None:
    """10 lots at 100 less 3 bps: 999.70, less the least fee of 1; bought back 10 at 100 more 3 bps: 1000.30 and 1."""
    row = Instrument(symbol="S0")
    assert closed(row, 10, 100.0, COSTLY) == 998_700_000
    assert closed(row, -10, 100.0, COSTLY) == -1_001_300_000
    assert closed(row, 0, 100.0, COSTLY) == 0


class Asked:
    """Buys at the first bar on which it is asked, and says in its reason how many bars it saw."""

    def on_bar(self, bar: Any, book: Any) -> Any:
        return Target(bar.instrument, lots=1, why=f"{bar.known}") if not book.lots(bar.instrument) else None


def test_a_silent_strategy_is_not_asked_before() -> None:
    data = table([10.0, 11.0, 12.0, 11.0, 13.0, 14.0])
    late = silent(Asked, 4 * MINUTE)
    fills = run([Wanted("s", late)], data, Terms(fees="free")).fills()
    assert [(fill["why"], fill["price"]) for fill in fills] == [(str(4 * MINUTE), pytest.approx(11.0011))]
    assert silent(Asked, 0) is Asked


def test_lanes_are_chosen() -> None:
    data = (instruments(2), [bars(1, 300, 2)], [])
    assert lane(Trend, data).name == "sweep"
    assert lane("trend", data, together=True).name == "walk"
    assert lane(Trend, data, together=True, symbols=["S1"]).name == "sweep"
    assert lane(Asked, data).name == "walk"
    assert lane(Trend, data, terms=Terms(latency_ms=5.0)).name == "walk"
    with pytest.raises(Misuse, match="STRATEGY_PARAM"):
        lane(Trend, data, params={"quick": 5})


def test_several_instruments_alone_and_together() -> None:
    data = (instruments(2), [bars(1, 500, 2, vol=0.004)], [])
    each = [lane(Cross, data, symbols=[symbol]).tried([{}], wanted=("sortino",))[0].figures for symbol in ("S0", "S1")]
    both_of = lane(Cross, data).tried([{}], wanted=("sortino",))[0].figures
    assert both_of["trades"] == each[0]["trades"] + each[1]["trades"]
    assert both_of["sharpe"] == pytest.approx((each[0]["sharpe"] + each[1]["sharpe"]) / 2.0, nan_ok=True)
    assert both_of["max_drawdown"] == max(one["max_drawdown"] for one in each)
    course = lane(Cross, data).course({}, ALWAYS, 20_001)
    assert course.equity[0] == 20_001, "the odd unit is not lost"
    assert sorted(set(course.known.tolist())) == course.known.tolist() == lane(Cross, data).known.tolist()
    together = lane(Cross, data, together=True).course({})
    assert together.known.tolist() == course.known.tolist()


def test_what_cannot_be_told_says_why() -> None:
    data = (instruments(1), [bars(1, 300)], [])
    for track in (Swept(Trend, data, Terms(), {}, (), 1), Walked(Trend, data, Terms(), {}, (), 1)):
        found = track.tried([{"fast": 0}, {"fast": 5}, {"fast": 5000}])
        assert [one.refused for one in found] == ["STRATEGY_PARAM", "", "STRATEGY_PARAM"]
        assert track.tried([{}], Span(0, 5))[0].refused == "SEARCH_NO_ROWS"
        with pytest.raises(Misuse, match="SEARCH_REFUSED"):
            track.course({}, Span(0, 5))

    class Broken(Asked):
        def on_bar(self, bar: Any, book: Any) -> Any:
            raise ValueError("no")

    assert Walked(Broken, data, Terms(), {}, (), 1).tried([{}])[0].refused == "SEARCH_STRATEGY_RAISED"


def test_processes_tell_the_same() -> None:
    data = (instruments(2), [bars(3, 250, 2)], [])
    points = [{"fast": fast, "slow": 20} for fast in (3, 5, 8)]
    one, two = (Walked(Trend, data, Terms(), {}, (), workers).tried(points) for workers in (1, 2))
    assert repr(one) == repr(two)
