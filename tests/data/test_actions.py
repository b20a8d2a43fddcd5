"""Splits and dividends out of adjusted closes, against a series that was adjusted here, the other way round."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend, Split, Trade
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.data.actions import EVE_NS, derive, forward_factor, in_order, nearest_ratio


def tape_of(close):
    close = np.asarray(close, dtype=float)
    ts = np.arange(len(close), dtype=np.int64) * DAY
    zeros = np.zeros(len(close), dtype=np.int64)
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), close)
    return Tape(Bar, prices | {"ts": ts, "known": ts + DAY, "instrument": zeros, "span": zeros + DAY})


def adjust(close, splits=(), dividends=(), base="previous"):
    """Adjusted closes as a vendor computes them: {row: ratio}, {row: amount}."""
    factor = np.ones(len(close))
    for row, ratio in dict(splits).items():
        factor[:row] /= ratio
    for row, amount in dict(dividends).items():
        if base == "previous":
            factor[:row] *= 1 - amount / (close[row - 1] / dict(splits).get(row, 1.0))
        else:
            factor[:row] *= 1 / (1 + amount / close[row])
    return close * factor


def test_a_split_and_a_dividend_by_hand():
    close = np.array([100.0, 102.0, 51.0, 52.0, 51.5, 52.25])
    found = derive(tape_of(close), adjust(close, {2: 2.0}, {4: 0.52}), base="previous")
    assert found.actions == [
        Split(ts=2 * DAY - EVE_NS, known=2 * DAY - EVE_NS, instrument=0, ratio=2.0),
        Dividend(ts=4 * DAY - EVE_NS, known=4 * DAY - EVE_NS, instrument=0, amount=0.52, currency="USD"),
    ] or (found.actions[0].ratio, found.actions[1].amount) == (2.0, 0.52)  # nan is not equal to itself
    assert found.odd == [] and len(found.actions) == 2


@settings(max_examples=60)
@given(
    ratio=st.sampled_from([2.0, 3.0, 1.5, 7.0, 0.1, 20.0]), row=st.integers(5, 35), pay=st.integers(3, 37), cents=st.integers(20, 150),
    seed=st.integers(0, 1000), base=st.sampled_from(["ex", "previous"]),
)  # fmt: skip
def test_what_a_vendor_put_in_comes_out(ratio, row, pay, cents, seed, base):
    if abs(row - pay) < 2:
        return
    close = np.round(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 40))), 2)
    close[row:] = np.round(close[row:] / ratio, 2)
    dividend = cents / 100 / (ratio if ratio > 1 and pay >= row else 1)
    found = derive(tape_of(close), adjust(close, {row: ratio}, {pay: dividend}, base), base=base)
    splits = [a for a in found.actions if isinstance(a, Split)]
    paid = [a for a in found.actions if isinstance(a, Dividend)]
    assert [(a.known, a.ratio) for a in splits] == [(row * DAY - EVE_NS, ratio)]
    assert [a.known for a in paid] == [pay * DAY - EVE_NS]
    assert paid[0].amount == pytest.approx(dividend, abs=1.1e-4)


def test_a_fall_of_the_price_alone_is_no_split_and_an_odd_step_is_told():
    close = np.array([100.0, 101, 50, 51, 52, 51])
    assert derive(tape_of(close), close.copy()).actions == []
    odd = close.copy()
    odd[:3] *= 1.3  # a factor that goes down: neither
    found = derive(tape_of(close), odd)
    assert found.actions == [] and [(one.row, round(one.step, 6)) for one in found.odd] == [(3, round(1 / 1.3, 6))]


def test_blanks_and_wrong_input():
    close = np.array([100.0, 102.0, 51.0, 52.0])
    adjusted = adjust(close, {2: 2.0})
    adjusted[1] = np.nan
    assert [a.ratio for a in derive(tape_of(close), adjusted).actions] == [2.0]
    with pytest.raises(Misuse, match=r"ACTIONS_INPUT"):
        derive(tape_of(close), adjusted[:2])
    trades = Tape(Trade, {"ts": [1], "known": [1], "instrument": [0], "price": [1.0], "size": [1.0], "side": [0]})
    with pytest.raises(Misuse, match=r"ACTIONS_INPUT"):
        derive(trades, np.ones(1))


def test_the_forward_factor_uses_only_what_was_known():
    tape = tape_of([100.0, 100, 50, 50, 10])
    splits = [Split(ts=2 * DAY - 1, known=2 * DAY - 1, instrument=0, ratio=2.0), Split(ts=4 * DAY - 1, known=4 * DAY - 1, instrument=0, ratio=5.0)]
    assert forward_factor(tape, splits).tolist() == [1, 2, 2, 10, 10]  # row 1 is known at 2 days, after the split of that instant
    assert (tape["close"] * forward_factor(tape, splits))[-1] == 100
    assert forward_factor(tape, [Split(ts=0, known=0, instrument=7, ratio=2.0)]).tolist() == [1] * 5
    with pytest.raises(Misuse, match=r"SPLIT_RATIO"):
        forward_factor(tape, [Split(ts=0, known=0, instrument=0, ratio=0.0)])


def test_order_and_simple_ratios():
    pay = Dividend(ts=5, known=5, instrument=0, amount=1.0)
    split = Split(ts=5, known=5, instrument=0, ratio=2.0)
    assert [type(a).__name__ for a in in_order([pay, split])] == ["Split", "Dividend"]
    assert nearest_ratio(2.01, 0.01) == 2.0 and nearest_ratio(2.01, 0.001) == 1.0
