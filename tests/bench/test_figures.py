"""The bench's own arithmetic: budgets, what fails, what is kept, and the independent loops against hand calculation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import oracle
from bench.figure import Budget, Figure, broken, budgets, figure


def test_a_budget_is_met_at_its_bound_and_not_beyond() -> None:
    assert [Budget("x", at_least=8.0).met(value) for value in (7.99, 8.0, 9.0)] == [False, True, True]
    assert [Budget("x", at_most=1.6).met(value) for value in (1.0, 1.6, 1.61)] == [True, True, False]
    assert Budget("x").met(0.0)


def test_an_absolute_is_said_to_be_short_and_fails_nothing_a_gated_ratio_does() -> None:
    slow = figure("walk", 10.0)
    assert (slow.ok, slow.fails) == (False, False)
    assert "not gated" in slow.note
    behind = figure("peers.nautilus", 39.0, ratio=39.0)
    assert (behind.ok, behind.fails) == (False, True)
    assert (figure("peers.nautilus", 40.0).ok, figure("peers.nautilus", 40.0).fails) == (True, False)


def test_a_wrong_result_fails_even_where_nothing_is_gated() -> None:
    said = figure("walk", 9e9, wrong="3 fills, the independent count is 4")
    assert (said.ok, said.fails, said.note) == (False, True, "does not count: 3 fills, the independent count is 4")


def test_what_could_not_be_measured_is_neither_right_nor_wrong_but_what_broke_fails() -> None:
    said = figure("peers.nautilus", None, note="no network")
    assert (said.ok, said.fails, said.note) == (None, False, "no network")
    assert (broken("walk", "KeyError: 1").ok, broken("walk", "KeyError: 1").fails) == (False, True)


def test_every_budget_belongs_to_a_group_and_has_at_most_one_bound() -> None:
    for name, budget in budgets().items():
        assert name.split(".")[0] in bench.GROUPS
        assert budget.at_least is None or budget.at_most is None
        assert not budget.gate or budget.bound is not None


def test_figures_are_laid_over_those_kept_in_the_order_of_the_budgets(tmp_path: Path) -> None:
    latest, history = tmp_path / "latest.json", tmp_path / "history.jsonl"
    bench._keep([Figure("instruments", 2.0, "bars/s"), Figure("walk", 1.0, "bars/s")], latest, history)
    bench._keep([Figure("walk", 3.123456, "bars/s", ok=True)], latest, history)
    rows = json.loads(latest.read_text())
    assert [(row["name"], row["value"]) for row in rows] == [("walk", 3.1235), ("instruments", 2)]
    assert {"name", "value", "unit", "budget", "peer", "peer_value", "ratio", "ok"} <= set(rows[0])
    assert len(history.read_text().splitlines()) == 2


def test_a_name_that_no_figure_has_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--only", "wlak"]) == 2
    assert "wlak" in capsys.readouterr().err


def test_the_cross_by_hand() -> None:
    """Means of 1 and 2: up at bar 1 (bought at 102 on bar 2), down at bar 3 (sold at 104 on bar 4); fees of 1 % of worth.

    In cents: 10 lots cost 1,020 and fee 10.20, bring 1,040 less 10.40: cash 10,000 - 0.60 in cents.
    """
    found = oracle.cross([100, 101, 102, 105, 104], [100, 103, 105, 103, 103], 10, 10_000 * oracle.CENT, 100, 1, 2)
    assert found == (2, 9_999_40 * oracle.CENT // 100)


def test_a_cross_that_is_still_open_is_worth_its_last_close() -> None:
    found = oracle.cross([100, 101, 102], [100, 103, 107], 10, 10_000 * oracle.CENT, 0, 1, 2)
    assert found == (1, (10_000 - 1_020 + 1_070) * oracle.CENT)


ENTRY = 100_000 - 100
"""The entry after a close of 100,000 cents; its stop is at 99,801 and its target at 99,999."""


@pytest.mark.parametrize(
    ("open_", "high", "low", "close", "fills", "gain"),
    [
        (99_950, 99_960, 99_901, 99_950, 0, 0),  # not reached
        (99_950, 99_960, ENTRY, 99_950, 0, 0),  # reached, not passed
        (99_950, 99_960, 99_899, 99_950, 1, 99_950 - ENTRY),  # passed inside; held, worth the close
        (99_850, 99_900, 99_840, 99_880, 1, 99_880 - 99_850),  # met by the open, at the open
        (99_850, 100_000, 99_840, 99_990, 2, 99_999 - 99_850),  # bought at the open, and the target passed in the same bar
        (99_950, 100_050, 99_899, 99_990, 1, 99_990 - ENTRY),  # bought inside: the target waits for the next bar
        (99_950, 99_960, 99_801, 99_850, 2, 99_801 - ENTRY),  # bought inside and stopped inside
        (99_850, 100_000, 99_800, 99_990, 2, 99_801 - 99_850),  # both inside one bar: the stop
    ],
)
def test_brackets_by_hand(open_: int, high: int, low: int, close: int, fills: int, gain: int) -> None:
    found = oracle.brackets([100_000, open_], [100_000, high], [100_000, low], [100_000, close], 1, 10**12)
    assert found == (fills, 10**12 + gain * oracle.CENT)


def test_a_limit_that_is_only_reached_fills_where_a_touch_is_enough() -> None:
    bar = [100_000, 99_950], [100_000, 99_960], [100_000, ENTRY], [100_000, 99_950]
    assert oracle.brackets(*bar, 1, 10**12).fills == 0
    assert oracle.brackets(*bar, 1, 10**12, 1) == (1, 10**12 + (99_950 - ENTRY) * oracle.CENT)


def test_swings_by_hand() -> None:
    """The first print only begins; 98 is below 99 (bought at 99), 100 above neither, 104 above 103 (sold), 98 bought again."""
    found = oracle.swings([97, 98, 100, 104, 98], 99, 103, 1_000 * oracle.CENT)
    assert found == (3, (1_000 - 99 + 103 - 99 + 98) * oracle.CENT)
