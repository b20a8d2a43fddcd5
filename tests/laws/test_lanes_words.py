"""What a step is written like decides how it is run and never what it does; the user is told why a long run is slow."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from argosy.house import Run, Terms, Wanted, assemble
from argosy.kernels.indicators import sma
from tests.laws.market import bars, instruments

STEPPED = 1 << 62
TERMS = Terms(cash=50_000.0, fees="free")


class Base:
    unit = "lots"
    needs = {"fast": sma(3), "slow": sma(9)}


class Beyond(Base):
    """Makes ints of 2**50 and more, which machine code leaves to Python, on some rows of each instrument."""

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        out.target = float(int(row.close * 2.25e13) % 3)


class Whole(Base):
    """Whole numbers where fractions belong, from the start on."""

    class params(msgspec.Struct):
        size: float = 7

    class state(msgspec.Struct):
        last: float = 0
        seen: int = 0

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        state.seen += 1
        if needs.fast > needs.slow:
            state.last = 1
            out.target = params.size
        else:
            state.last = 0
            out.target = 0

    @staticmethod
    def explain(needs: Any, state: Any, params: Any, out: Any) -> str:
        return f"{state.last} {out.target} {params.size} {state.seen}"


class Rounds(Base):
    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        out.target = round(row.close * 1.005, 2) % 7.0


class Texts(Base):
    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        out.target = 5.0 if f"{row.close:.2f}"[-1] == "1" else 0.0


class Fractions(Base):
    """An int that follows splits would be a float in Python and none in machine code."""

    scaled = ("level",)

    class state(msgspec.Struct):
        level: int = 0

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        out.target = 5.0 if needs.fast > needs.slow else 0.0


def go(strategy: type, scan_from: int, count: int = 1) -> Run:
    run = assemble([Wanted("one", strategy)], (instruments(count), [bars(3, 400, count)], []), TERMS, scan_from=scan_from)
    run.go()
    return run


@pytest.mark.parametrize("strategy", [Beyond, Whole, Rounds, Texts, Fractions])
@pytest.mark.parametrize("count", [1, 3])
def test_both_ways_say_the_same(strategy: type, count: int) -> None:
    quick, slow = go(strategy, 1, count), go(strategy, STEPPED, count)
    for one, other in zip(quick.engine.journal.records(), slow.engine.journal.records(), strict=True):
        assert repr(one) == repr(other)
    assert repr(quick.engine.state.snapshot()) == repr(slow.engine.state.snapshot())
    assert quick.engine.failures == []
    assert quick.engine.state.counters.trades_in_all > 5
    assert quick.replay.scanned == (strategy in (Beyond, Whole))


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (Rounds, "round"),
        (Texts, "looks into a container"),
        (Fractions, "state.level is a whole number and follows splits; make it a float"),
        (Whole, ""),
    ],
)
def test_the_user_is_told_why_a_long_run_is_stepped(strategy: type, words: str) -> None:
    hint = go(strategy, 1).replay.hint
    assert words in hint
    assert bool(words) == bool(hint)
    assert go(strategy, STEPPED).replay.hint == ""


class Wrap(Base):
    """Keeps an int beyond machine code in its state: from there on it is stepped."""

    class state(msgspec.Struct):
        n: int = 0

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        if row.close > 50.0:
            state.n = int(row.close * 1e16)
        out.target = float((state.n * 300) % 7)


class Frozen(Base):
    class state(msgspec.Struct, frozen=True):
        n: int = 0

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        state.n += 1
        out.target = float(state.n % 7)


class Scribbler(Base):
    """Its reasons write to the state, which nobody keeps."""

    class state(msgspec.Struct):
        n: int = 0

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        state.n += 1
        out.target = 5.0 if state.n % 7 < 3 else 0.0

    @staticmethod
    def explain(needs: Any, state: Any, params: Any, out: Any) -> str:
        state.n += 1
        return str(state.n)


@pytest.mark.parametrize("strategy", [Wrap, Frozen, Scribbler])
def test_states_of_every_kind_go_both_ways_alike(strategy: type) -> None:
    quick, slow = go(strategy, 1), go(strategy, STEPPED)
    assert [repr(one) for one in quick.engine.journal.records()] == [repr(one) for one in slow.engine.journal.records()]
    assert [failed.error for failed in quick.engine.failures] == [failed.error for failed in slow.engine.failures]
    assert (strategy is Frozen) == bool(slow.engine.failures)
