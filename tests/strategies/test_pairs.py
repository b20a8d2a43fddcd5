"""Whether two belong together, by hand; when Pairs enters and leaves, as a table; and once through the engine."""

from __future__ import annotations

from math import exp, inf, log, sqrt
from typing import Any

import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument
from argosy.core.strategy import declare
from argosy.house import Wanted
from argosy.strategies import pairs
from argosy.strategies.pairs import Bond, Pairs, Params, bond, regress
from tests.walks.hand import fills, play


def test_a_line_by_hand() -> None:
    """1, 3 and 2 on 0, 1 and 2: slope 0.5, constant 1.5; what is left over is -0.5, 1, -0.5, so the error is sqrt(1.5 / 1 / 2)."""
    assert regress([0.0, 1.0, 2.0], [1.0, 3.0, 2.0]) == pytest.approx((0.5, 1.5, sqrt(0.75)))
    assert regress([1.0, 1.0, 1.0], [1.0, 3.0, 2.0]) is None


def test_a_bond_by_hand() -> None:
    """Logs of the second 0, 1, 2, 3; the first twice that and +0.1, -0.1, -0.1, +0.1, which is at right angles to both.

    The changes -0.2, 0, 0.2 on the levels 0.1, -0.1, -0.1: slope -0.04 / 0.02667 = -1.5, error sqrt(0.02 / 0.02667).
    """
    second = [exp(k) for k in range(4)]
    first = [exp(2 * k + d) for k, d in zip(range(4), (0.1, -0.1, -0.1, 0.1), strict=True)]
    found = bond(first, second)
    assert found is not None
    assert found.ratio == pytest.approx(2.0)
    assert found.z == pytest.approx(1.0)
    assert found.half_life == pytest.approx(log(2.0) / 1.5)
    assert found.t == pytest.approx(-1.5 / sqrt(0.75))


def test_what_stands_still_or_is_the_same_has_no_bond() -> None:
    assert bond([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]) is None
    assert bond([1.0, 2.0, 4.0], [3.0, 6.0, 12.0]) is None, "no difference at all"


def test_a_difference_that_runs_away_has_no_half_life() -> None:
    rising = [exp(0.01 * k * k) for k in range(10)]
    found = bond(rising, [exp(0.1 * (k % 2)) for k in range(10)])
    assert found is not None
    assert found.half_life == inf


def bound(rows: int, seed: int, back: float) -> tuple[list[float], list[float]]:
    """Two series of which the difference comes back by the fraction `back` a bar; 0 = two walks of their own."""
    rng = np.random.default_rng(seed)
    second = np.cumsum(rng.normal(0.0, 0.01, rows))
    apart = np.zeros(rows)
    for k in range(1, rows):
        apart[k] = apart[k - 1] * (1.0 - back) + rng.normal(0.0, 0.005)
    return np.exp(4.0 + 0.8 * second + apart).tolist(), np.exp(4.0 + second).tolist()


def test_the_evidence_tells_pairs_from_strangers() -> None:
    """Of 40 made-up pairs nearly all are found; of 40 pairs of strangers about one in twenty."""
    found = [bond(*bound(250, seed, 0.15)) for seed in range(40)]
    strangers = [bond(*bound(250, seed, 0.0)) for seed in range(40)]
    assert sum(one is not None and one.t <= -3.34 for one in found) >= 38
    assert sum(one is not None and one.t <= -3.34 for one in strangers) <= 6
    lives = [one.half_life for one in found if one is not None]
    assert float(np.median(lives)) == pytest.approx(log(2.0) / 0.15, rel=0.35)


class Pocket:
    """A Book of two instruments whose bars are always there."""

    instruments = (0, 1)
    now = 5

    def bar(self, i: int) -> Bar:
        return Bar(0, self.now, i, 1.0, 1.0, 1.0, 1.0, 1.0, 5)

    def window(self, i: int, n: int) -> Any:
        return np.ones((n, 5))

    def instrument(self, key: int) -> Instrument:
        return Instrument(symbol=("BBB", "AAA")[key], id=key)


def played(monkeypatch: pytest.MonkeyPatch, bonds: list[Bond | None], **given: Any) -> list[dict[str, float]]:
    """What is wanted of each symbol at each of some bonds."""
    strategy, book, out = Pairs(Params(**{"weight": 0.9, **given})), Pocket(), []
    for each in bonds:
        monkeypatch.setattr(pairs, "bond", lambda *_, found=each: found)
        wanted = strategy.on_instant(book) or ()  # type: ignore[arg-type]
        out.append({book.instrument(one.instrument).symbol: one.weight if one.weight is not None else one.lots for one in wanted})
    return out


def z(value: float, ratio: float = 0.8, t: float = -5.0, life: float = 3.0) -> Bond:
    return Bond(ratio, value, t, life)


FLAT = {"AAA": 0, "BBB": 0}


def test_the_cheap_is_bought_and_the_dear_sold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first by name is AAA; 0.9 in both legs as 1 : 0.8."""
    assert played(monkeypatch, [z(-1.9), z(-2.0), z(-0.6), z(-0.5), z(2.5), z(-1.0)]) == [
        {}, {"AAA": 0.5, "BBB": -0.4}, {}, FLAT, {"AAA": -0.5, "BBB": 0.4}, FLAT,
    ]  # fmt: skip


def test_named_legs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert played(monkeypatch, [z(-2.0)], first="BBB") == [{"BBB": 0.5, "AAA": -0.4}]
    assert played(monkeypatch, [z(-2.0)], second="AAA") == [{"BBB": 0.5, "AAA": -0.4}]
    with pytest.raises(Misuse, match="PAIRS_SYMBOL"):
        played(monkeypatch, [z(-2.0)], first="ZZZ")
    with pytest.raises(Misuse, match="PAIRS_SYMBOL"):
        played(monkeypatch, [z(-2.0)], first="AAA", second="AAA")


@pytest.mark.parametrize(
    "unfit", [z(-2.5, t=-3.3), z(-2.5, life=31.0), z(-2.5, ratio=-0.1), z(-4.0), None], ids=["t", "life", "ratio", "too far", "still"]
)
def test_what_is_not_traded(monkeypatch: pytest.MonkeyPatch, unfit: Bond | None) -> None:
    assert played(monkeypatch, [unfit, z(-2.5)]) == [{}, {"AAA": 0.5, "BBB": -0.4}]


def test_it_gives_up_and_then_waits_until_they_have_met(monkeypatch: pytest.MonkeyPatch) -> None:
    assert played(monkeypatch, [z(-2.0), z(-4.0), z(-2.5), z(0.4), z(-2.5)]) == [
        {"AAA": 0.5, "BBB": -0.4}, FLAT, {}, {}, {"AAA": 0.5, "BBB": -0.4},
    ]  # fmt: skip


def test_its_patience_is_counted_in_half_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    assert played(monkeypatch, [z(-2.0, life=1.5), z(-1.5), z(-1.5), z(-1.5)], patience=2.0)[1:] == [{}, {}, FLAT]
    assert played(monkeypatch, [z(-2.0, life=1.5), z(-1.5), z(-1.5), z(-1.5)], patience=0.0)[1:] == [{}, {}, {}]


def test_through_the_engine_both_legs_come_and_go_together() -> None:
    first, second = bound(400, 3, 0.2)
    rows = [[round(price, 2) for price in leg] for leg in (first, second)]
    run = play({"p": Wanted("p", Pairs, {"window": 100})}, *rows, limits={"short": {"allow": True}}, multiplier=2.0)
    done = fills(run)
    assert len(done) >= 8
    by_minute: dict[int, list[int]] = {}
    for minute, signed, _ in done:
        by_minute.setdefault(minute, []).append(signed)
    assert all(len(legs) == 2 and legs[0] * legs[1] < 0 for legs in by_minute.values())


@pytest.mark.parametrize("params", [{"entry": 0.5, "exit": 0.5}, {"entry": 2.0, "stop": 2.0}, {"window": 9}])
def test_thresholds_out_of_order_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(Misuse, match="STRATEGY_PARAM"):
        declare(Pairs, **params)
