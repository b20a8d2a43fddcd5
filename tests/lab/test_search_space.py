"""What may be varied and what must hold: said, drawn, stepped and compared as written down by hand."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from argosy.core.errors import Misuse
from argosy.lab.search.lane import joined
from argosy.lab.search.objective import BAD, FIGURES, broken, objective, rules, worth
from argosy.lab.search.space import Axis, Space, space
from argosy.lab.statistics import catalogue


class Many:
    class params(msgspec.Struct):
        fast: Annotated[int, msgspec.Meta(ge=2, le=9)] = 5
        open_end: Annotated[int, msgspec.Meta(ge=1)] = 5
        even: Annotated[int, msgspec.Meta(gt=0, lt=9, multiple_of=2)] = 4
        size: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.5
        short: bool = False
        way: Literal["up", "down"] = "up"
        free: float = 1.0


def test_bounds_of_its_own() -> None:
    found = space(Many, None, {"size": 0.3})
    assert found.names == ("fast", "even", "short", "way")
    assert [len(axis) for axis in found.axes] == [8, 4, 2, 2]
    assert [axis.value(0) for axis in found.axes] == [2, 1, False, "down"]  # the strategy's own check leaves odd ones out
    assert found.size() == 8 * 4 * 2 * 2 == len(list(found.grid()))
    assert list(found.grid())[:2] == [{"fast": 2, "even": 1, "short": False, "way": w} for w in ("down", "up")]
    weight = space(Many).axes[2]
    assert (weight.name, weight.low, weight.high, len(weight)) == ("size", 0.001, 1.0, 0)


@pytest.mark.parametrize(
    ("name", "said", "values"),
    [
        ("fast", "2..8:3", [2, 5, 8]), ("fast", "2..9:3", [2, 5, 8]), ("fast", "7..9", [7, 8, 9]), ("fast", "3,5,3", [3, 5]),
        ("fast", range(2, 5), [2, 3, 4]),
        ("free", "0.1..0.3:0.1", [0.1, 0.2, 0.3]), ("free", "1,2.5", [1.0, 2.5]), ("short", "true,false", [True, False]), ("way", "down", ["down"]),
        ("free", "-2..2:2", [-2.0, 0.0, 2.0]), ("fast", [4], [4]),
    ],
)  # fmt: skip
def test_ranges_and_choices(name: str, said: Any, values: list[Any]) -> None:
    axis = space(Many, {name: said}).axes[0]
    assert [axis.value(k) for k in range(len(axis))] == values
    assert [type(axis.value(0))] == [type(values[0])]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"none": "1..2"}, "SEARCH_SPACE"), ({"fast": ""}, "SEARCH_SPACE"), ({"fast": "9..2"}, "SEARCH_SPACE"), ({"fast": "2..9:0"}, "SEARCH_SPACE"),
        ({"fast": "2..9:0.5"}, "SEARCH_SPACE"), ({"free": "0..1:log"}, "SEARCH_SPACE"), ({"free": "1..2:x"}, "SEARCH_SPACE"),
        ({"fast": "a"}, "SEARCH_SPACE"),
        ({"free": "1..nan"}, "SEARCH_SPACE"), ({"size": "0.1..0.2"}, "SEARCH_SPACE"),
    ],
)  # fmt: skip
def test_what_is_no_range_is_refused(said: dict[str, str], code: str) -> None:
    with pytest.raises(Misuse, match=code):
        space(Many, said, {"size": 0.3})


def test_a_grid_needs_steps_and_a_bound() -> None:
    with pytest.raises(Misuse, match="SEARCH_GRID"):
        next(space(Many, {"free": "0..1"}).grid())
    with pytest.raises(Misuse, match="SEARCH_GRID"):
        next(space(Many, {"open_end": "1..2000", "free": "1..2000:1"}).grid())

    class Bare:
        class params(msgspec.Struct):
            free: float = 1.0

    with pytest.raises(Misuse, match="SEARCH_SPACE"):
        space(Bare)


def test_one_step_to_each_side() -> None:
    assert Axis("x", "int", 5, 50, 5).beside(5) == (None, 10)
    assert Axis("x", "int", 5, 50, 5).beside(50) == (45, None)
    assert Axis("x", "int", 1, 1000, 1).beside(500) == (450, 550)  # a twentieth of a long range
    assert Axis("x", "float", 0.0, 2.0).beside(1.0) == (0.9, 1.1)
    assert Axis("x", "choice", values=("a", "b", "c")).beside("b") == ("a", "c")
    low, high = Axis("x", "float", 0.01, 1.0, log=True).beside(0.1)
    assert low == pytest.approx(0.1 / 100 ** (1 / 20)) and high == pytest.approx(0.1 * 100 ** (1 / 20))
    assert Axis("x", "int", 1, 100, log=True).beside(2) == (1, 3)


@settings(deadline=None, max_examples=80)
@given(st.integers(-(2**70), 2**70), st.integers(0, 10**9))
def test_draws_lie_inside_and_come_again(seed: int, number: int) -> None:
    axes = (Axis("a", "int", 3, 17, 7), Axis("b", "float", -1.0, 2.0), Axis("c", "int", 1, 1000, log=True), Axis("d", "choice", values=(1, 4)))
    drawn = Space(axes)
    one = drawn.draw(seed, number)
    assert one == drawn.draw(seed, number)
    assert one["a"] in (3, 10, 17) and -1.0 <= one["b"] < 2.0 and 1 <= one["c"] <= 1000 and one["d"] in (1, 4)


def test_draws_are_even() -> None:
    drawn = Space((Axis("a", "int", 0, 4, 1), Axis("b", "float", 0.0, 1.0), Axis("c", "float", 1.0, 1000.0, log=True)))
    rows = [drawn.draw(5, number) for number in range(2_000)]
    assert stats.chisquare(np.bincount([row["a"] for row in rows])).pvalue > 1e-4
    assert stats.kstest([row["b"] for row in rows], "uniform").pvalue > 1e-4
    assert stats.kstest(np.log10([row["c"] for row in rows]) / 3.0, "uniform").pvalue > 1e-4
    assert drawn.draw(6, 0) != drawn.draw(5, 0)


# -- rules -------------------------------------------------------------------------------------------------------------------

VALUES = {"trades": 30.0, "max_drawdown": 0.25, "sharpe": float("nan"), "fast": 5, "slow": 20, "way": "up"}


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ("trades >= 30", 0.0), ("trades>30", 1e-9), ("trades<=60", 0.0), (" trades < 15 ", 1.0), ("max_drawdown<=25 %", 0.0),
        ("max_drawdown <= 0.2", 0.05), ("max_drawdown<=20%", 0.05), ("fast<slow", 0.0), ("slow<fast", 3.0), ("fast==5", 0.0), ("fast!=5", 1e-9),
        ("sharpe>=-1e3", float("inf")), ("sortino>0", float("inf")), ("trades >= -.5", 0.0), ("way==fast", 1.0),
    ],
)  # fmt: skip
def test_rules_by_hand(text: str, off: float) -> None:
    held = rules([text], ["fast", "slow", "way"])
    assert broken(held, VALUES) == pytest.approx(off)


@pytest.mark.parametrize(
    "text",
    [
        "", "trades", "trades =< 3", "trades >= ", "luck > 1", "trades > luck", "__import__('os')", "1 < trades", "trades > 1 or True",
        "trades>1;fast<2",
    ],
)  # fmt: skip
def test_what_is_no_comparison_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="SEARCH_CONSTRAINT"):
        rules([text], ["fast"])


def test_every_statistic_may_be_sought_and_each_has_one_name_and_one_way() -> None:
    flat = [name for group in catalogue.FIGURES.values() for name in group]
    assert list(FIGURES) == [*flat, "end_equity"] and len(set(flat)) == len(flat)
    assert not set(catalogue.MORE) & set(catalogue.LESS) and set(catalogue.MORE) | set(catalogue.LESS) <= set(flat)
    assert {*catalogue.SUMS, *catalogue.MOST, *catalogue.LEAST} <= set(flat)
    assert {name for name, way in FIGURES.items() if not way} == {
        "sharpe_error", "sharpe_error_iid", "skew", "kurtosis", "beta", "correlation", "trades", "open_trades", "held_days", "exposure", "traded",
    }  # fmt: skip
    assert [rule.text for rule in rules(["omega > 1.2", "cvar<=5%", "beta < alpha"], [])] == ["omega > 1.2", "cvar <= 0.05", "beta < alpha"]


@pytest.mark.parametrize(
    ("name", "values", "weights", "said"),
    [("fees", [1.0, 2.0], None, 3.0), ("max_drawdown", [0.1, 0.3], None, 0.3), ("worst_step", [-0.1, -0.3], None, -0.3),
     ("omega", [1.0, 2.0], None, 1.5), ("omega", [1.0, 2.0], [3.0, 1.0], 1.25), ("omega", [1.0, float("nan")], [3.0, 1.0], 1.0),
     ("longest_wins", [3.0, 5.0], None, 5.0), ("fees", [float("nan")], None, 0.0)],
)  # fmt: skip
def test_figures_of_several_as_one(name: str, values: list[float], weights: list[float] | None, said: float) -> None:
    assert joined(name, values, weights) == said


def test_objectives() -> None:
    assert (objective("sharpe").sign, objective("max_drawdown").sign, objective("min:sharpe").sign, objective("max: fees").sign) == (1, -1, -1, 1)
    for wrong in ("luck", "up:sharpe", ":sharpe", ""):
        with pytest.raises(Misuse, match="SEARCH_OBJECTIVE"):
            objective(wrong)
    with pytest.raises(Misuse, match="max:beta") as unsaid:
        objective("beta")
    assert "neither more nor less" in unsaid.value.what and objective("min:beta").sign == -1
    with pytest.raises(Misuse) as unknown:
        objective("luck")
    assert all(name in unknown.value.fix for name in ("omega", "cvar", "profit_factor", "information_ratio", "end_equity"))
    up, down = objective("sharpe"), objective("fees")
    assert up.better(2.0, 1.0) and down.better(1.0, 2.0) and up.better(1.0, float("nan")) and not up.better(float("nan"), 1.0)
    assert worth(up, 1.5, 0.0) == 1.5
    assert worth(up, 1.5, 0.5) < worth(up, -1e9, 0.0) and worth(up, 1.5, 0.5) > worth(up, 1.5, 2.0)
    assert worth(down, 1.5, 0.5) == 1.5 * BAD and worth(up, float("nan"), 0.0) == -BAD and worth(up, 1.0, float("inf")) == -BAD * (1.0 + 1e6)
