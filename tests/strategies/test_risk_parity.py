"""Equal shares of risk, by hand where a hand can solve it, and by their definition elsewhere."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument
from argosy.core.intents import Hold, Target
from argosy.core.strategy import declare
from argosy.core.time import DAY
from argosy.strategies.risk_parity import Params, RiskParity, covariance, equal_risk, inverse_volatility


def test_covariance_by_hand() -> None:
    """Returns of 1, 3 and 2 % and of 2, 2 and 5 %: variances 1 and 3, covariance (-1 x -1 + 1 x -1 + 0 x 2) / 2 = 0."""
    found = covariance([[0.01, 0.03, 0.02], [0.02, 0.02, 0.05]])
    assert np.allclose(found, [[1e-4, 0.0], [0.0, 3e-4]], atol=1e-18)
    rng = np.random.default_rng(1)
    moves = rng.normal(0.0, 0.01, (4, 50))
    assert np.allclose(covariance(moves.tolist()), np.cov(moves), rtol=1e-12)


def test_inverse_volatility_by_hand() -> None:
    """Volatilities of 1, 2 and 4 %: weights as 4 : 2 : 1."""
    risk = [[1e-4, 9.0, 9.0], [9.0, 4e-4, 9.0], [9.0, 9.0, 16e-4]]
    assert inverse_volatility(risk) == pytest.approx([4 / 7, 2 / 7, 1 / 7])


def test_two_always_get_inverse_volatility() -> None:
    assert equal_risk([[1e-4, 1e-4], [1e-4, 4e-4]]) == pytest.approx([2 / 3, 1 / 3], rel=1e-10)


def test_two_that_go_together_and_one_apart() -> None:
    """All as volatile, two of them correlated by 0.44: x^2 (1 + 0.44) = y^2, so y = 1.2 x, and the weights are 5 : 5 : 6."""
    risk = [[1.0, 0.44, 0.0], [0.44, 1.0, 0.0], [0.0, 0.0, 1.0]]
    assert equal_risk(risk) == pytest.approx([5 / 16, 5 / 16, 6 / 16], rel=1e-10)


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 8), st.integers(0, 10_000))
def test_each_contributes_the_same(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    risk = np.cov(rng.normal(0.0, 1.0, (n, 4 * n)) * rng.uniform(0.001, 0.1, (n, 1)))
    weights = np.array(equal_risk(risk.tolist()))
    assert weights.sum() == pytest.approx(1.0)
    assert (weights > 0.0).all()
    parts = weights * (risk @ weights) / (weights @ risk @ weights)
    assert parts == pytest.approx(np.full(n, 1.0 / n), rel=1e-8)


class Pocket:
    """A Book of three instruments with set closes, the newest bar at `now`."""

    instruments = (0, 1, 2)

    def __init__(self, closes: list[list[float]], now: int = 10 * DAY) -> None:
        self.now = now
        self.closes = closes
        self.known = [now] * 3

    def bar(self, i: int) -> Bar | None:
        return Bar(0, self.known[i], i, 1.0, 1.0, 1.0, 1.0, 1.0, DAY) if self.known[i] else None

    def window(self, i: int, n: int) -> Any:
        out = np.full((n, 5), np.nan)
        own = self.closes[i][-n:]
        out[n - len(own) :, 3] = own
        return out

    def instrument(self, key: int) -> Instrument:
        return Instrument(symbol="CAB"[key], id=key)


# +1, -1, +1 % and twice and four times that
CLOSES = [[100.0 * (1.0 + k * 0.01), 100.0, 100.0 * (1.0 + k * 0.01), 100.0] for k in (1, 2, 4)]


def asked(strategy: RiskParity, book: Any) -> dict[int, float]:
    intents = strategy.on_instant(book) or ()
    assert [type(intent) for intent in intents] == [Hold, Target] * (len(intents) // 2)
    return {intent.instrument: intent.weight or 0.0 for intent in intents if isinstance(intent, Target)}


def test_it_sets_all_weights_once_a_span() -> None:
    strategy = RiskParity(Params(method="inverse", window=3, every="1w", invest=0.7))
    book = Pocket(CLOSES)
    found = asked(strategy, book)
    assert list(found) == [1, 2, 0], "by name, whatever the ids are"
    volatilities = [np.std(np.diff(row) / np.array(row[:-1]), ddof=1) for row in CLOSES]
    whole = sum(1.0 / each for each in volatilities)
    assert found == {i: round(0.7 / volatilities[i] / whole, 6) for i in range(3)}
    book.now += 3 * DAY
    book.known = [book.now] * 3
    assert asked(strategy, book) == {}, "the same week"
    book.now += DAY
    book.known = [book.now] * 3
    assert len(asked(strategy, book)) == 3


def test_it_waits_for_a_bar_that_is_late_and_not_for_one_that_is_gone() -> None:
    strategy, book = RiskParity(Params(method="inverse", window=3, every="1w")), Pocket(CLOSES)
    book.known[1] = book.now - DAY
    assert asked(strategy, book) == {}
    book.known[1] = book.now - 8 * DAY
    assert set(asked(strategy, book)) == {0, 2}


def test_it_leaves_alone_what_it_does_not_know() -> None:
    still = Pocket([CLOSES[0], [5.0] * 4, CLOSES[2][1:]])
    still.known[2] = 0
    assert asked(RiskParity(Params(method="equal", window=3, every="1d")), still) == {0: 0.99}
    short = Pocket([row[1:] for row in CLOSES])
    assert asked(RiskParity(Params(window=3, every="1d")), short) == {}


def test_the_reason_names_the_volatility() -> None:
    intents = RiskParity(Params(method="inverse", window=3, every="1d")).on_instant(Pocket(CLOSES))  # type: ignore[arg-type]
    assert intents is not None
    deviation = sqrt(covariance([[b / a - 1.0 for a, b in zip(CLOSES[1][:-1], CLOSES[1][1:], strict=True)]])[0][0])
    assert f"volatility {deviation:.2%} a bar" in intents[1].why
    assert intents[1].why.startswith("risk parity: A to ")


@pytest.mark.parametrize("params", [{"every": "soon"}, {"method": "magic"}, {"invest": 0.0}])
def test_what_makes_no_sense_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(Misuse, match="STRATEGY_PARAM"):
        declare(RiskParity, **params)
