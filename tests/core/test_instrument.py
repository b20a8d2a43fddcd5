"""Instruments: the size of a lot in money, prices on the tick grid, and a table that knows its own."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.instrument import Instrument, Instruments, Option

STOCK = Instrument(symbol="SPY")
COIN = Instrument(symbol="BTCUSD", kind="crypto", lot=Decimal("1e-8"), tick=Decimal("0.5"))
FUTURE = Instrument(symbol="ES", kind="future", multiplier=Decimal(50), tick=Decimal("0.25"))


@pytest.mark.parametrize(
    ("instrument", "scale"),
    [
        (STOCK, 1e6),  # one share and point is a dollar: a million units
        (COIN, 1e-2),  # 1e-8 coin x 1e6 units
        (FUTURE, 5e7),  # fifty dollars a point
        (Instrument(symbol="X", currency="BTC"), 1e8),
    ],
)
def test_a_lot_and_a_point_have_a_price_in_units(instrument: Instrument, scale: float) -> None:
    assert instrument.scale == scale


@pytest.mark.parametrize(
    ("instrument", "price", "direction", "snapped"),
    [
        (STOCK, 10.004, -1, 10.00),
        (STOCK, 10.004, 1, 10.01),
        (STOCK, 10.01, 1, 10.01),
        (STOCK, 10.01, -1, 10.01),
        (STOCK, 0.1 + 0.2 + 1.0, 1, 1.30),  # 1.3000000000000003 is 1.30 with noise
        (STOCK, 0.12344, 1, 0.1235),  # below a dollar the tick is smaller
        (STOCK, 0.12346, -1, 0.1234),
        (STOCK, 0.99996, 1, 1.0),
        (COIN, 40_000.3, -1, 40_000.0),
        (COIN, 40_000.3, 1, 40_000.5),
        (FUTURE, 5_000.26, 1, 5_000.5),
        (STOCK, 0.0, 1, 0.0),  # what is no price stays what it is
        (STOCK, -3.3, 1, -3.3),
        (STOCK, 1e16, -1, 1e16),
    ],
)
def test_a_price_is_put_on_the_grid(
    instrument: Instrument, price: float, direction: int, snapped: float
) -> None:
    assert instrument.snap(price, direction) == snapped


def test_no_price_stays_no_price() -> None:
    assert math.isnan(STOCK.snap(math.nan, 1))


@given(st.floats(0.0002, 1e7), st.sampled_from([1, -1]), st.sampled_from([STOCK, COIN, FUTURE]))
def test_snapping_goes_one_way_less_than_a_tick_and_stays(
    price: float, direction: int, instrument: Instrument
) -> None:
    snapped = instrument.snap(price, direction)
    tick = float(instrument.tick if price >= 1.0 else instrument.tick_small)
    noise = tick * 2e-6 + price * 1e-12
    assert -noise <= (snapped - price) * direction < tick + noise
    if snapped >= 1.0 or price < 1.0:
        assert instrument.snap(snapped, direction) == snapped
        assert instrument.snap(snapped, -direction) == snapped


@pytest.mark.parametrize(
    ("units", "lots"),
    [
        (Decimal("1.999"), 1),
        (-1.999, -1),
        ("3", 3),
        (0, 0),
        ("0.99999999999999999999999999999999999", 0),
        ("-0.99999999999999999999999999999999999", 0),
    ],
)
def test_sizes_become_whole_lots_toward_zero(units: Decimal | float | str, lots: int) -> None:
    assert STOCK.lots(units) == lots


def test_a_tenth_is_a_tenth() -> None:
    assert COIN.lots(0.1) == 10_000_000
    assert COIN.units(10_000_000) == Decimal("0.1")


@given(st.integers(-(1 << 62), 1 << 62), st.sampled_from(["1", "1e-8", "1e-9", "100", "0.25"]))
def test_lots_survive_the_way_there_and_back(lots: int, size: str) -> None:
    instrument = Instrument(symbol="X", lot=Decimal(size))
    assert instrument.lots(instrument.units(lots)) == lots


def test_the_table_knows_by_id_and_by_symbol() -> None:
    table = Instruments([STOCK, COIN])
    added = table.add(FUTURE)
    assert added.id == 2
    assert (table[0].symbol, table["BTCUSD"].id, table["ES"]) == ("SPY", 1, added)
    assert [row.id for row in table] == [0, 1, 2]
    assert table.symbols == ("SPY", "BTCUSD", "ES")
    assert len(table) == 3
    assert STOCK.id == 0 and FUTURE.id == 0  # what was given is not changed


@pytest.mark.parametrize(
    ("key", "known"),
    [(0, True), (1, True), (2, False), (-1, False), ("SPY", True), ("spy", False), (1.5, False)],
)
def test_the_table_says_what_it_holds(key: object, known: bool) -> None:
    assert (key in Instruments([STOCK, COIN])) is known


def test_a_symbol_is_registered_once() -> None:
    table = Instruments([STOCK])
    with pytest.raises(Misuse) as refusal:
        table.add(Instrument(symbol="SPY", venue="elsewhere"))
    assert refusal.value.code == "INSTRUMENT_TWICE"
    assert len(table) == 1


@pytest.mark.parametrize(
    ("rows", "key", "says"),
    [
        ((STOCK, COIN), "SPX", "known: BTCUSD, SPY"),
        ((), "SPX", "known: none"),
        ((STOCK,), 1, "id 1"),
        ((STOCK,), -1, "id -1"),
    ],
)
def test_a_stranger_is_refused_with_what_is_known(
    rows: tuple[Instrument, ...], key: int | str, says: str
) -> None:
    with pytest.raises(Misuse, match=says) as refusal:
        Instruments(rows)[key]
    assert refusal.value.code == "INSTRUMENT_UNKNOWN"


# -- options ---------------------------------------------------------------------------------------------------------------


def acme(right: str = "call", **fields: object) -> Instrument:
    terms = Option(underlying="ACME", strike=Decimal("102.5"), right=right, expiry_ns=1)  # type: ignore[arg-type]
    return Instrument(symbol="OPT", kind="option", multiplier=Decimal(100), option=terms, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("right", "price", "want"), [("call", 110.0, 7.5), ("call", 100.0, 0.0), ("put", 100.0, 2.5), ("put", 110.0, 0.0)])
def test_what_exercise_gives(right: str, price: float, want: float) -> None:
    terms = acme(right).option
    assert terms is not None
    assert terms.worth(price) == want
    assert terms.worth(float("nan")) != terms.worth(float("nan"))


def test_what_one_lot_is_exercised_for() -> None:
    """100 shares, in lots of one and of a thousandth; their strike in millionths of a dollar."""
    assert Instruments([Instrument(symbol="ACME"), acme()]).delivery(1) == (100, 10_250_000_000)
    assert Instruments([Instrument(symbol="ACME", lot=Decimal("0.001")), acme()]).delivery(1) == (100_000, 10_250_000_000)
    assert acme().scale == 100e6  # what a point of its premium is worth
