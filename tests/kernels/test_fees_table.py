"""Fees by hand, in millionths of a dollar; each line is one bill."""

from __future__ import annotations

import pytest

from argosy.kernels import fees
from argosy.kernels.fees import FREE, FeeSchedule

US = fees.alpaca_equity(sec_per_million=27.80, taf_per_share=0.000166, taf_cap=8.30, cat_per_share=0.0000265)
IB = fees.per_share(0.005, minimum=1.0, cap_frac=0.01)
BUY, SELL = 1, -1


def usd(amount: float) -> int:
    return round(amount * 1_000_000)


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "schedule", "side", "lots", "worth", "maker", "want"),
    [
        ("nothing", FREE, SELL, 100, 5_000.0, False, 0.0),
        ("10 bps of 1000 taken", fees.bps(-2.0, 10.0), BUY, 1, 1_000.0, False, 1.0),
        ("2 bps of 1000 given back for resting", fees.bps(-2.0, 10.0), BUY, 1, 1_000.0, True, -0.20),
        ("100 shares: 0.50, the minimum is 1.00", IB, BUY, 100, 5_000.0, False, 1.0),
        ("1000 shares: 5.00", IB, BUY, 1_000, 50_000.0, False, 5.0),
        ("10 shares of 2: the cap of 1 % beats the minimum", IB, BUY, 10, 20.0, False, 0.20),
        ("a ticket", FeeSchedule(flat=4.95), SELL, 7, 70.0, False, 4.95),
        ("buy 1000: CAT 0.0265 is 0.03", US, BUY, 1_000, 100_000.0, False, 0.03),
        ("sell 1000: SEC 2.78, TAF 0.166 is 0.17, CAT 0.03", US, SELL, 1_000, 100_000.0, False, 2.98),
        ("SEC of 10 million is 278.00 and no cent of dust", FeeSchedule(sec_rate=27.80e-6), SELL, 1, 10_000_000.0, False, 278.0),
        ("SEC 0.0278 is 0.03", FeeSchedule(sec_rate=27.80e-6), SELL, 1, 1_000.0, False, 0.03),
        ("TAF of 100 000 is 16.60, capped at 8.30", FeeSchedule(taf_per_unit=0.000166, taf_cap=8.30), SELL, 100_000, 1e6, False, 8.30),
        ("TAF of 50 000 is exactly the cap", FeeSchedule(taf_per_unit=0.000166, taf_cap=8.30), SELL, 50_000, 1e6, False, 8.30),
        ("no SEC and no TAF on a buy", FeeSchedule(sec_rate=27.80e-6, taf_per_unit=0.1), BUY, 100, 1e6, False, 0.0),
    ],
)  # fmt: skip
def test_a_bill(
    lane: str, what: str, schedule: FeeSchedule, side: int, lots: int, worth: float, maker: bool, want: float
) -> None:
    assert getattr(fees.fee, lane)(schedule, side, lots, 1.0, usd(worth), maker, 1e-6) == usd(want), what


def test_lots_of_a_billionth_share() -> None:
    """1.5 million shares in lots of 1e-9 pay per share: 1 500 000 * 0.005 = 7500 dollars."""
    lots = 1_500_000 * 10**9
    assert fees.fee.py(fees.per_share(0.005), BUY, lots, 1e-9, usd(3e6), False, 1e-6) == usd(7_500.0)


def test_a_crypto_unit() -> None:
    """5 bps of 2 tokens in hundred-millionths: 0.001 tokens = 100 000 units."""
    assert fees.fee.py(fees.bps(5.0, 5.0), BUY, 1, 1.0, 2 * 10**8, True, 1e-8) == 100_000
