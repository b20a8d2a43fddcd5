"""Negative controls: strategies that know the future, in ways in which people really write them, are caught; honest twins are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.protocols import Book
from argosy.core.strategy import ABSENT, Out, Watch
from argosy.core.tape import Tape
from argosy.core.time import HOUR, parse
from argosy.house import Data, Terms
from argosy.kernels.indicators import DEFINITIONS, Indicator, ema, sma, zscore
from argosy.kernels.indicators.indicator import Definition
from argosy.kernels.kernel import kernel
from argosy.lab.passport import issue
from argosy.lab.passport.check import Check
from argosy.lab.passport.lookahead import bags, blindness, scan
from argosy.lab.passport.subject import Subject, scrambled, until

ROWS = 900
FREE = Terms(fees="free", slippage_bps=0.0)


def market(rows: int = ROWS, seed: int = 11, split: int = 0) -> Data:
    """Hours of a random walk in cents, each opening a little off the close before it; raw prices halve at row `split`."""
    draw = np.random.RandomState(seed)
    close = 80.0 * np.exp(np.cumsum(draw.normal(0.0, 0.006, rows)))
    if split:
        close[split:] /= 2.0
    close = np.round(close, 2)
    open_ = np.round(np.concatenate((close[:1], close[:-1])) + draw.randint(-2, 3, rows) * 0.01, 2)
    if split:
        open_[split] = np.round(open_[split] / 2.0, 2)
    high, low = np.maximum(open_, close) + 0.03, np.minimum(open_, close) - 0.03
    ts = parse("2022-01-03") + np.arange(rows, dtype=np.int64) * HOUR
    tape = Tape(Bar, {
        "ts": ts, "known": ts + HOUR, "instrument": np.zeros(rows, np.int64), "span": np.full(rows, HOUR), "open": open_, "high": high,
        "low": low, "close": close, "volume": np.full(rows, 5e4),
    })  # fmt: skip
    return Instruments([Instrument(symbol="W")]), [tape], []


class Computed(msgspec.Struct, frozen=True):
    """An indicator of one's own, as a plugin may write it: a function of the columns, all rows at once."""

    name: str
    function: Callable[[Mapping[str, Any]], Any]
    warmup: int = 1
    scale: str = "ratio"
    columns: tuple[str, ...] = ("close",)

    def batch(self, series: Mapping[str, Any]) -> Any:
        return np.asarray(self.function(series), np.float64)

    def stream(self) -> Any:
        return Rows(self)


class Rows:
    """The same, live: of the rows so far, the last value."""

    def __init__(self, need: Computed) -> None:
        self.need = need
        self.rows: list[tuple[float, ...]] = []

    def update(self, *row: float) -> float:
        self.rows.append(row)
        columns = zip(self.need.columns, zip(*self.rows, strict=True), strict=True)
        return float(self.need.batch({name: np.array(column) for name, column in columns})[-1])


def follows(need: Any) -> type:
    """A step strategy that is long while its indicator is above 0, and out below."""

    class Follows:
        needs = {"x": need}

        @staticmethod
        def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
            if needs.x > 0.0:
                out.target = 1.0
            elif needs.x < 0.0:
                out.target = 0.0

    return Follows


# -- 1. shift -1: a loop that is vectorised reads one row too far ---------------------------------------------------------------


@kernel
def next_step(s: Any, p: Any, x: float) -> float:
    """Honest: the change from the row before, which is all that a stream can know."""
    before = s[0]
    s[0] = x
    return x - before if before > 0.0 else float("nan")


@kernel
def next_loop(s: Any, p: Any, x: Any, out: Any) -> None:
    """The slip: the change to the row after."""
    for t in range(len(x)):
        out[0, t] = x[t + 1] - x[t] if t + 1 < len(x) else 0.0


def shifted(monkeypatch: pytest.MonkeyPatch) -> type:
    made = Definition(
        name="planted", step=next_step, loop=next_loop, size=lambda p: 1, inputs=("close",), outputs=("value",), scale=("price",),
        warmup=lambda p: (2,), source="a slip", names=(),
    )  # fmt: skip
    monkeypatch.setitem(DEFINITIONS, "planted", made)
    return follows(Indicator("planted", ()))


# -- 2. full-sample z-score: mean and deviation of the whole past and future -------------------------------------------------------


def standardised(series: Mapping[str, Any]) -> Any:
    close = series["close"]
    return -(close - close.mean()) / close.std()


# -- 3. centred window: smoothed with as many rows after as before, in an object made of the whole tape ------------------------------


def centred(data: Data) -> type:
    """In a notebook: the prices lie about, and a class takes them."""
    close = data[1][0]["close"]
    smooth = np.convolve(close, np.ones(9) / 9.0, mode="same")

    class Centred:
        def __init__(self) -> None:
            self.signal = smooth - close
            self.row = 0

        def on_bar(self, bar: Bar, book: Book) -> Target:
            self.row += 1
            return Target(bar.instrument, weight=0.9 if self.signal[min(self.row, len(self.signal)) - 1] > 0.0 else 0.0)

    return Centred


# -- 4. future-adjusted close: prices divided by splits that nobody knew of yet -----------------------------------------------------


def adjusted(series: Mapping[str, Any]) -> Any:
    """As a vendor hands it over: the past in today's units. It buys what looks cheap because it will be split."""
    close = series["close"]
    factor = np.ones(len(close))
    for t in np.flatnonzero(close[1:] / close[:-1] < 0.6) + 1:
        factor[:t] *= 0.5
    return 60.0 - close * factor


# -- 5. unfinished higher bar: at ten o'clock it reads the close of the day -----------------------------------------------------


def whole_day(series: Mapping[str, Any]) -> Any:
    day = series["ts"] // (24 * HOUR)
    last = np.append(np.flatnonzero(day[1:] != day[:-1]), len(day) - 1)
    return series["close"][last[np.searchsorted(last, np.arange(len(day)))]] - series["close"]


CHEATERS = {
    "shift -1": lambda patch, data: shifted(patch),
    "full-sample z-score": lambda patch, data: follows(Computed("z", standardised)),
    "centred window": lambda patch, data: centred(data),
    "future-adjusted close": lambda patch, data: follows(Computed("adjusted", adjusted)),
    "unfinished higher bar": lambda patch, data: follows(Computed("day", whole_day, columns=("close", "ts"))),
}


def scanned(cls: Any, data: Data, params: Mapping[str, Any] | None = None) -> Check:
    return scan(Subject(cls, data, params or {}, FREE), seed=7)


@pytest.mark.parametrize("name", CHEATERS)
def test_a_planted_cheater_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = market(split=600 if name == "future-adjusted close" else 0)
    found = scanned(CHEATERS[name](monkeypatch, data), data)
    assert (found.status, found.name) == ("fail", "look_ahead"), found
    assert found.said.startswith("Look-ahead: ")


@pytest.mark.parametrize("name", ["shift -1", "centred window", "unfinished higher bar"])
def test_what_cheats_looks_wonderful_and_fails_its_passport(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = market()
    made = issue(CHEATERS[name](monkeypatch, data), data, terms=FREE, light=True)
    assert made.figures["sharpe"] > 4.0, "a random walk has no such thing"
    assert made.verdict == "FAIL"
    assert made.reasons[0].startswith("Look-ahead: ")


def test_the_scan_says_how_far_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    data = market()
    assert scanned(shifted(monkeypatch), data).numbers["reach"] == 1
    day = scanned(CHEATERS["unfinished higher bar"](monkeypatch, data), data)
    assert 1 <= day.numbers["reach"] <= 24
    whole = scanned(CHEATERS["full-sample z-score"](monkeypatch, data), data)
    assert whole.numbers["changed"] == whole.numbers["reach"] > 24, "every value that there was"


# -- honest twins ---------------------------------------------------------------------------------------------------------------


class Crosses:
    """An honest step strategy with a stop."""

    class params(msgspec.Struct):
        fast: int = 5
        slow: int = 20

    needs = staticmethod(lambda p: {"fast": ema(p.fast), "slow": sma(p.slow), "day": sma(3, every="1d")})

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        if needs.fast > needs.slow:
            out.target = 1.0
            out.stop = row.close * 0.98
        elif needs.fast < needs.slow:
            out.target = 0.0
            out.stop = ABSENT


class Reverts:
    """An honest class that keeps what it has seen."""

    needs = {"z": zscore(20)}

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_bar(self, bar: Bar, book: Book) -> Target | None:
        self.seen.append(bar.close)
        z = book.needs(bar.instrument).z
        return None if z != z else Target(bar.instrument, weight=0.8 if z < -0.5 and bar.close < max(self.seen[-50:]) else 0.0)


@pytest.mark.parametrize("cls", [Crosses, Reverts, follows(Computed("z", lambda s: s["close"] - s["open"], columns=("close", "open")))])
def test_an_honest_strategy_passes(cls: type) -> None:
    found = scanned(cls, market())
    assert found.status == "pass", found.said
    assert found.numbers["decision_cuts"] >= 2 and found.numbers["decisions"] > 40
    assert found.numbers["indicator_cuts"] >= 20 and found.numbers["same_on_other_prices"] < 0.5


def test_a_class_made_of_given_prices_is_made_anew_of_fewer() -> None:
    """A function that makes the class lets the scan take the future away from what it precomputes."""

    def honest(data: Data) -> type:
        close = data[1][0]["close"]
        mean = np.convolve(close, np.ones(9) / 9.0)[: len(close)]  # this row and the eight before

        class Trails:
            def __init__(self) -> None:
                self.row = 0

            def on_bar(self, bar: Bar, book: Book) -> Target:
                self.row += 1
                at = min(self.row, len(close)) - 1
                return Target(bar.instrument, weight=0.9 if close[at] > mean[at] else 0.0)

        return Trails

    data = market()
    subject = Subject(centred, data, {}, FREE)
    from argosy.lab.passport.lookahead import decisions

    assert decisions(subject, 7, 5.0).said.startswith("Look-ahead: on ")
    assert decisions(Subject(honest, data, {}, FREE), 7, 5.0).status == "pass"


def test_what_is_brought_along_is_found_wherever_it_lies() -> None:
    data = market()
    long = np.zeros(ROWS)

    class Holder:
        table = {"a": long.tolist()}

        def __init__(self) -> None:
            self.kept = data[1][0]

        def on_bar(self, bar: Bar, book: Book, extra: Any = long) -> None:
            assert LONG is not None

    found = {bag.where.rpartition(".")[2] for bag in bags(Subject(Holder, data, {}, FREE))}
    assert any("table" in where for where in found) and any("default" in where for where in found) and any("LONG" in where for where in found)
    assert "close" in found, "inside a tape"
    assert bags(Subject(Reverts, data, {}, FREE)) == []


LONG = list(range(ROWS))


def test_decisions_that_do_not_hear_prices() -> None:
    """A list of days in a closure is baggage that decides; a calendar is only a calendar."""
    data = market()

    class Alternates:
        class state(msgspec.Struct):
            row: float = 0.0

        @staticmethod
        def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
            state.row += 1.0
            out.target = 1.0 if state.row % 10.0 < 5.0 else 0.0

    days = np.zeros(ROWS // 2)
    days[::7] = 1.0

    class Listed:
        def __init__(self) -> None:
            self.row = 0

        def on_bar(self, bar: Bar, book: Book) -> Target:
            self.row += 1
            return Target(bar.instrument, weight=0.9 if days[self.row % len(days)] else 0.0)

    same, count = blindness(Subject(Alternates, data, {}, FREE), 3)
    assert same == 1.0 and count > 100
    assert scanned(Alternates, data).status == "warn", "by the clock: may be honest"
    listed = scanned(Listed, data)
    assert listed.status == "fail" and "what it brings along" in listed.said


def test_the_future_packed_into_a_text_or_a_number_is_baggage() -> None:
    """One letter or one bit for each bar is a series, whatever it is called; a sentence is none."""
    data = market()
    close = data[1][0]["close"]
    rises = [bool(up) for up in np.append(np.diff(close) > 0.0, False)]
    first = int(data[1][0]["ts"][0])

    def made(expression: str) -> type:
        """A class that is written out as a person would, its table in it."""
        space: dict[str, Any] = {}
        code = f"""
class Packed:
    @staticmethod
    def step(row, needs, state, params, out):
        \"\"\"{'Buys what will rise and sells what will not. ' * 20}\"\"\"
        k = int((row.ts - {first}) // {HOUR})
        out.target = 1.0 if {expression} else 0.0
"""
        exec(code, space)  # noqa: S102
        kind: type = space["Packed"]
        return kind

    letters = "".join("u" if rise else "d" for rise in rises)
    bits = sum(1 << k for k, rise in enumerate(rises) if rise)
    for expression in (
        f"{letters!r}[k] == 'u'", f"{letters.encode()!r}[k] == 117", f"({bits} >> k) & 1", f"k in {({k for k, rise in enumerate(rises) if rise})}",
    ):  # fmt: skip
        subject = Subject(made(expression), data, {}, FREE)
        assert len(bags(subject)) == 1, expression[:40]
        assert scan(subject, 3).status == "fail", expression[:40]
    assert bags(Subject(made("row.close > row.open"), data, {}, FREE)) == []


# -- the tools of the scan ----------------------------------------------------------------------------------------------------------


def test_the_future_can_be_cut_off_and_replaced() -> None:
    data = market()
    tape = data[1][0]
    cut = int(tape["known"][500])
    assert len(until(data, cut)[1][0]) == 501
    other = until(data, cut, tail=50, seed=1)[1][0]
    assert len(other) == 551
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(other[name][:501], tape[name][:501]) and not np.array_equal(other[name][501:], tape[name][501:551])
    assert np.all(other["low"] <= np.minimum(other["open"], other["close"])) and np.all(other["high"] >= np.maximum(other["open"], other["close"]))
    assert scrambled(tape, 0, 4).hash == scrambled(tape, 0, 4).hash != scrambled(tape, 0, 5).hash


# -- what is read from outside, and what hides in functions inside functions ----------------------------------------------------

HIDDEN: dict[int, bool] = {}
close = np.arange(900.0)
"""A name of this module that is no series of a strategy that reads `bar.close`."""


class Mixed:
    """Goes by an average, and by a table of what comes next; where that lies is said by those who inherit it."""

    watches = (Watch("*", "bar"),)
    needs = staticmethod(lambda p: {"mean": sma(5)})

    def rises(self, now: int) -> bool:
        return True

    def on_bar(self, bar: Any, book: Book) -> Target | None:
        mean = book.needs(bar.instrument).mean
        if mean != mean:
            return None
        return Target(bar.instrument, weight=0.9 if self.rises(book.now) and bar.close > 0.995 * mean else 0.0, why="up")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    tape = market()[1][0]
    up = np.append(np.diff(tape["close"]) > 0.0, False)
    HIDDEN.update(zip(tape["known"].tolist(), up.tolist(), strict=True))
    path = tmp_path / "future.npy"
    np.save(path, np.vstack((tape["known"], up)).astype(np.float64))
    return path


def test_a_file_of_what_comes_is_heard_when_it_is_read_and_seen_when_it_is_kept(table: Path) -> None:
    class Reads(Mixed):
        kept: Any = None

        def rises(self, now: int) -> bool:
            if self.kept is None:
                self.kept = np.load(table)
            return bool(self.kept[1, np.searchsorted(self.kept[0], now)])

    class Holds(Mixed):
        def __init__(self) -> None:
            self.kept = np.load(table)

        def rises(self, now: int) -> bool:
            return bool(self.kept[1, np.searchsorted(self.kept[0], now)])

    class Asks(Mixed):
        def __init__(self) -> None:
            self.words = len(table.read_bytes())

    found = scan(Subject(Reads, market(), {}, FREE), 7)
    assert found.status == "fail" and "future.npy" in found.said and "Reads.rises" in found.numbers["read_in"]
    held = scan(Subject(Holds, market(), {}, FREE), 7)
    assert held.status == "fail" and "brings along a series of 900" in held.said
    asked = scan(Subject(Asks, market(), {}, FREE), 7)
    assert asked.status == "warn" and "When it is made" in asked.said
    assert scan(Subject(Mixed, market(), {}, FREE), 7).status == "pass", "reads nothing, and a name of the module is no attribute"


def test_a_table_named_only_in_a_function_inside_a_function_is_found(table: Path) -> None:
    class Nested(Mixed):
        def rises(self, now: int) -> bool:
            return any(HIDDEN[at] for at in (now,))

    found = scan(Subject(Nested, market(), {}, FREE), 7)
    assert found.status == "fail" and "HIDDEN" in found.said
