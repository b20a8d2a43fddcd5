"""Money that is paid in or taken out is no profit and no fall: not in a table of months, not in a picture, not in any figure of a run."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.cli.picture import svg
from argosy.core.events import Bar, CashFlow
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY, parse
from argosy.house import Terms, Wanted
from argosy.lab import words
from argosy.lab.backtest import returns, run
from argosy.lab.export import tables
from argosy.lab.figures import curve
from argosy.lab.months import table
from argosy.lab.passport import issue
from argosy.lab.report import render
from argosy.lab.result import Result
from argosy.lab.verdict import gather, monthly

START = parse("2024-01-01")
FREE = Terms(cash=1_000.0, fees="free", slippage_bps=0.0)
CLOSES = [*np.linspace(100.0, 110.0, 31), *np.linspace(110.0, 99.0, 29), *np.linspace(99.0, 121.0, 31)]


def market() -> tuple[Instruments, list[Tape], list[Any]]:
    count = len(CLOSES)
    ts = START + np.arange(count) * DAY
    prices = {name: np.asarray(CLOSES) for name in ("open", "high", "low", "close")}
    columns = {"ts": ts, "known": ts + DAY - 1, "instrument": np.zeros(count), "span": np.full(count, DAY - 1), "volume": np.full(count, 1e9)}
    return Instruments([Instrument(symbol="AAA")]), [Tape(Bar, columns | prices)], []


class Once:
    """Half of the first thousand in the share on the first day, then nothing: what is paid in later lies there as cash."""

    def on_bar(self, bar: Any, book: Any) -> Any:
        from argosy.core.intents import Target

        return Target(bar.instrument, lots=5)


def ran(*flows: tuple[int, float]) -> Any:
    instruments, tapes, _ = market()
    events = [CashFlow(START + day * DAY, START + day * DAY, "USD", round(amount * 1e6)) for day, amount in flows]
    return run([Wanted("once", Once)], (instruments, tapes, events), FREE, trials=None)


@pytest.fixture(scope="module")
def paid() -> tuple[Any, Result]:
    """10,000 come in on the fortieth day, in the midst of a fall, and 9,000 go out again on the seventieth."""
    outcome = ran((40, 10_000.0), (70, -9_000.0))
    return outcome, gather(outcome, "once", settings={})


def by_hand() -> np.ndarray:
    """Time-weighted: the gain of each day over the money of the day before; a flow counts at the end of its step."""
    value = 1_000.0 + 5.0 * (np.asarray(CLOSES) - CLOSES[1])
    value[0] = 1_000.0
    gains = np.diff(value)
    money, unit = 1_000.0, [1_000.0]
    for day, gain in enumerate(gains, start=1):
        unit.append(unit[-1] * (1.0 + gain / money))
        money += gain + (10_000.0 if day == 40 else -9_000.0 if day == 70 else 0.0)
    return np.asarray(unit)


def test_the_curve_is_that_of_the_first_money(paid: tuple[Any, Result]) -> None:
    outcome, result = paid
    assert result.value[39] < 1_100.0 < 10_000.0 < result.value[45], "the account itself has it"
    assert result.grown == pytest.approx(by_hand(), rel=1e-8)
    assert result.stats["total_return"] == pytest.approx(by_hand()[-1] / 1_000.0 - 1.0)
    assert returns(outcome) == pytest.approx(np.diff(by_hand()) / by_hand()[:-1]), "and so is what the ledger of trials is told"
    same = gather(ran(), "once", settings={})
    assert same.grown.tolist() == same.value.tolist() and words.net(same) == ""


def test_no_month_gained_by_a_deposit(paid: tuple[Any, Result]) -> None:
    _, result = paid
    unit = by_hand()
    want = [unit[30] / unit[0] - 1.0, unit[59] / unit[30] - 1.0, unit[90] / unit[59] - 1.0]
    assert [frac for _, _, frac in monthly(result.known, result.grown)] == pytest.approx(want)
    cells = [float(text.replace("−", "-")) for text in re.findall(r"<td class=\"[gl]\d\"><b>([^<]+)</b>", table(result))]
    assert cells == [round(100 * frac, 1) for frac in want] and cells[1] < 0.0 < cells[0] and max(map(abs, cells)) < 10.0
    assert tables(result)["months"]["own"].to_list() == pytest.approx(want)


def test_no_fall_is_a_withdrawal_and_no_peak_a_deposit(paid: tuple[Any, Result]) -> None:
    _, result = paid
    unit = by_hand()
    down = 100.0 * (unit / np.maximum.accumulate(unit) - 1.0)
    drawn = curve(result)
    assert drawn["own"] == pytest.approx(unit, abs=0.006) and drawn["down"] == pytest.approx(down, abs=0.006)
    assert -min(drawn["down"]) == pytest.approx(100.0 * result.stats["max_drawdown"], abs=0.006) and min(drawn["down"]) > -6.0
    assert tables(result)["curve"]["drawdown"].to_numpy() == pytest.approx(-down / 100.0, abs=1e-8)
    assert "$10,000" not in svg([result], "x") and "$5,000" not in svg([result], "x"), "no level of the picture is that of the account"


def test_words_say_what_came_in_and_count_it_nowhere(paid: tuple[Any, Result]) -> None:
    _, result = paid
    end = f"${by_hand()[-1]:,.0f}"
    said = words.became(result)
    assert said.startswith(f"$1,000 became {end}; holding all: ") and "($1,000 paid in on the way" in said
    assert f"the account has ${result.value[-1]:,.0f}" in words.story(result) and f"into {end}" in words.story(result)
    gain = float(result.value[-1] - result.value[0]) - 1_000.0
    dear = msgspec.structs.replace(result, stats=result.stats | {"fees": gain})
    assert words.cost(dear) == f"Fees took ${gain:,.2f}, 50.00\u00a0% of the gain before them", "what came in is not gained"
    page = render(result)
    assert "paid in on the way, which is no gain or loss" in page and f"became {end}" in page


def test_a_passport_draws_the_same_curve(paid: tuple[Any, Result]) -> None:
    instruments, tapes, _ = market()
    events = [CashFlow(START + 40 * DAY, START + 40 * DAY, "USD", 10_000_000_000)]
    made = issue(Once, (instruments, tapes, events), terms=FREE, light=True, trials=None)
    assert made.curve["own"][-1] < 1_200.0 and made.figures["start"] == 1_000.0
