"""Fee presets by hand, and the laws of any bill."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import fees
from argosy.kernels.fees import FREE, FeeSchedule

USD = 1_000_000
BUY, SELL = 1, -1


def test_every_field_of_a_free_schedule_is_a_zero_float() -> None:
    assert FeeSchedule() == FREE
    assert all(type(value) is float and value == 0.0 for value in FREE)


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "schedule", "side", "lots", "worth", "want"),
    [
        ("2026: 200 sold: TAF 0.039 is 0.04, CAT 0.0053 is 0.01", fees.alpaca_equity(), SELL, 200, 20_000, 0.05),
        ("2026: 200 bought: CAT alone", fees.alpaca_equity(), BUY, 200, 20_000, 0.01),
        ("2026: 60 000 sold: TAF 11.70 is capped at 9.79, CAT is 1.59", fees.alpaca_equity(), SELL, 60_000, 600_000, 11.38),
        (
            "early 2025: 100 sold for 10 000: SEC 0.278 is 0.28, TAF 0.0166 is 0.02, no CAT",
            fees.alpaca_equity(sec_per_million=27.80, taf_per_share=0.000166, taf_cap=8.30, cat_per_share=0.0),
            SELL, 100, 10_000, 0.30,
        ),
        ("exactly one cent is one cent", FeeSchedule(cat_per_unit=0.0001), BUY, 100, 1, 0.01),
        ("a hair more is two", FeeSchedule(cat_per_unit=0.0001), BUY, 101, 1, 0.02),
        ("the least dust is a cent", FeeSchedule(cat_per_unit=1e-9), BUY, 1, 1, 0.01),
        ("a rebate is not raised to a minimum of none", fees.bps(-1.0, -1.0), BUY, 1, 10_000, -1.00),
        ("commission and ticket together", FeeSchedule(taker_bps=1.0, flat=2.0), BUY, 1, 10_000, 3.00),
    ],
)  # fmt: skip
def test_a_preset(
    lane: str, what: str, schedule: FeeSchedule, side: int, lots: int, worth: int, want: float
) -> None:
    got = getattr(fees.fee, lane)(schedule, side, lots, 1.0, worth * USD, False, 1e-6)
    assert got == round(want * USD), what


def test_commission_is_rounded_half_even_once() -> None:
    """1 bps of 5000 and of 15 000 units are 0.5 and 1.5 units: 0 and 2."""
    one = fees.bps(1.0, 1.0)
    assert [fees.fee.py(one, BUY, 1, 1.0, worth, False, 1e-6) for worth in (5_000, 15_000)] == [0, 2]


def test_the_sign_of_the_notional_is_not_looked_at() -> None:
    schedule = fees.alpaca_equity(sec_per_million=27.8)
    bill = fees.fee.py(schedule, SELL, 10, 1.0, 1_000 * USD, False, 1e-6)
    assert (
        bill == fees.fee.py(schedule, SELL, 10, 1.0, -1_000 * USD, False, 1e-6) == 50_000
    )  # 0.03 + 0.01 + 0.01


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**9))
def test_whole_cents_cost_themselves_and_never_one_more(count: int) -> None:
    assert fees.cents.py(count / 100.0) == count == fees.cents.jit(count / 100.0)


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**5), st.booleans())
def test_a_larger_sale_never_costs_less(lots: int, more: int, price: int, maker: bool) -> None:
    schedule = fees.alpaca_equity(sec_per_million=27.8)
    small, large = (
        fees.fee.py(schedule, SELL, n, 1.0, n * price * USD, maker, 1e-6) for n in (lots, lots + more)
    )
    assert 0 < small <= large
