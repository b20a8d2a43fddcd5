"""Money in whole units: exact both ways, rounded once and half to even, refused when it is too much."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.money import FIAT, INT_LIMIT, from_units, money_text, per_one, to_units, unit

CURRENCIES = st.sampled_from(["USD", "JPY", "BTC", "USDC"])


@pytest.mark.parametrize("currency", ["USD", "EUR", "BTC", "DOGE"])
def test_a_unit_is_one_part_of_a_whole(currency: str) -> None:
    assert unit(currency) * per_one(currency) == 1
    assert per_one(currency) == (10**6 if currency in FIAT else 10**8)


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("1", "USD", 1_000_000),
        (0.1, "USD", 100_000),
        (-12.5, "USD", -12_500_000),
        (3, "BTC", 300_000_000),
        (Decimal("0.00000001"), "BTC", 1),
        # half to even, on the first digit that is not counted
        ("0.0000005", "USD", 0),
        ("0.0000015", "USD", 2),
        ("0.0000025", "USD", 2),
        ("-0.0000015", "USD", -2),
        # a hair above the half goes up, however long the hair
        ("0.00000050000000000000000000000000000001", "USD", 1),
        ("1e-40", "USD", 0),
    ],
)
def test_an_amount_becomes_units(amount: str | float | Decimal, currency: str, units: int) -> None:
    assert to_units(amount, currency) == units


@pytest.mark.parametrize(
    "amount",
    [
        "much",
        "",
        "nan",
        "inf",
        "-inf",
        float("nan"),
        float("inf"),
        "1e999999",
        "9e19",
        "4611686018427.387904",
        "-4611686018427.387904",
    ],
)
def test_what_cannot_be_booked_is_refused(amount: str | float) -> None:
    with pytest.raises(Misuse) as refusal:
        to_units(amount, "USD")
    assert refusal.value.code == "MONEY"


def test_the_last_amount_that_can_be_booked() -> None:
    assert to_units("4611686018427.387903", "USD") == INT_LIMIT - 1
    with pytest.raises(Misuse):
        to_units("4611686018427.3879036", "USD")  # would round up to the limit


@given(st.integers(-INT_LIMIT + 1, INT_LIMIT - 1), CURRENCIES)
def test_units_survive_the_way_there_and_back(units: int, currency: str) -> None:
    assert to_units(from_units(units, currency), currency) == units
    assert to_units(str(from_units(units, currency)), currency) == units


@given(st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False), CURRENCIES)
def test_rounding_is_never_more_than_half_a_unit(amount: Decimal, currency: str) -> None:
    error = abs(Fraction(to_units(amount, currency)) - Fraction(amount) * per_one(currency))
    assert error <= Fraction(1, 2)
    if error == Fraction(1, 2):
        assert to_units(amount, currency) % 2 == 0


@pytest.mark.parametrize(
    ("units", "currency", "text"),
    [
        (12_345_670_000, "USD", "12,345.67 USD"),
        (-1_005_000, "USD", "-1.00 USD"),
        (0, "EUR", "0.00 EUR"),
        (123_456_789_012, "BTC", "1,234.56789012 BTC"),
    ],
)
def test_money_is_written_for_people(units: int, currency: str, text: str) -> None:
    assert money_text(units, currency) == text


def test_dollars_are_the_currency_unless_said() -> None:
    assert money_text(1_000_000) == "1.00 USD"
