"""An order's body to the byte, against a writer of JSON that knows nothing of ours."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import product
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from argosy.core.ids import client_order_id
from argosy.core.instrument import Instrument
from argosy.core.orders import BUY, SELL, Order, Tif, Type
from argosy.venues.alpaca import words

NAN = float("nan")
KINDS = {Type.MARKET: "market", Type.LIMIT: "limit", Type.STOP: "stop", Type.STOP_LIMIT: "stop_limit", Type.TRAILING: "trailing_stop"}
PRICES = st.one_of(
    st.floats(1e-9, 1e12), st.integers(1, 10**9).map(float), st.decimals(Decimal("0.0001"), 99999, places=2).map(float),
    st.sampled_from([1e16, 1e22, 1e-5, 1.5e-7, 100.0, 0.1, 150.25]),
)  # fmt: skip


def text(value: Decimal) -> str:
    """By the digits themselves: without an exponent, without zeros at its end."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int) and not sign
    whole = "".join(map(str, digits)) + "0" * max(0, exponent)
    parts = max(0, -exponent)
    whole = whole.rjust(parts + 1, "0")
    before, after = whole[: len(whole) - parts].lstrip("0") or "0", whole[len(whole) - parts :].rstrip("0")
    return f"{before}.{after}" if after else before


def wanted(row: Instrument, order: Order, desk: str, extended: bool) -> bytes:
    body: dict[str, Any] = {
        "symbol": row.symbol, "qty": text(row.lot * order.lots), "side": {BUY: "buy", SELL: "sell"}[order.side], "type": KINDS[order.type],
        "time_in_force": order.tif.name.lower(), "client_order_id": client_order_id(desk, order.id),
    }  # fmt: skip
    if order.reduce_only:
        body["position_intent"] = f"{body['side']}_to_close"
    if order.limit == order.limit:
        body["limit_price"] = text(Decimal(repr(order.limit)))
    if order.type is Type.TRAILING:
        body["trail_price"] = text(Decimal(repr(order.trail)))
    elif order.stop == order.stop:
        body["stop_price"] = text(Decimal(repr(order.stop)))
    if extended:
        body["extended_hours"] = True
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


@settings(max_examples=400, deadline=None)
@example("AAPL", "1", 10, BUY, Type.MARKET, Tif.DAY, False, 1, 1.0, 1.0, "ARGO", False)
@example("BTC/USD", "1E-9", 1_500_000_000, SELL, Type.STOP_LIMIT, Tif.GTC, True, 2**62, 150.25, 1e-5, "AB12", False)
@given(
    st.one_of(st.sampled_from(["AAPL", "BRK.B", "BTC/USD"]), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)),
    st.sampled_from(["1", "1E-9", "0.001", "10", "1E+1"]), st.integers(1, 10**12), st.sampled_from([BUY, SELL]), st.sampled_from(list(Type)),
    st.sampled_from([Tif.DAY, Tif.GTC, Tif.IOC, Tif.FOK, Tif.OPG, Tif.CLS]), st.booleans(), st.integers(1, 2**63), PRICES, PRICES,
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=4, max_size=4), st.booleans(),
)  # fmt: skip
def test_a_body_is_the_same_to_the_byte(
    symbol: str, lot: str, lots: int, side: int, kind: Type, tif: Tif, reduces: bool, number: int, limit: float, stop: float, desk: str,
    extended: bool,
) -> None:  # fmt: skip
    row = Instrument(symbol=symbol, lot=Decimal(lot))
    limited, stopped = kind in (Type.LIMIT, Type.STOP_LIMIT), kind in (Type.STOP, Type.STOP_LIMIT)
    order = Order(
        number, 0, side, lots, kind, limit if limited else NAN, stop if stopped else NAN, stop if kind is Type.TRAILING else NAN, tif=tif,
        reduce_only=reduces,
    )  # fmt: skip
    for _ in range(2):  # made anew, and of what was kept
        assert words.request(row, order, (), desk, extended=extended) == wanted(row, order, desk, extended)


def test_a_kind_of_order_is_not_mistaken_for_another() -> None:
    """Every pair of kinds in one process: what is kept for one is not said of the next."""
    rows = [Instrument(symbol=symbol, lot=Decimal(lot)) for symbol in ("A", "B") for lot in ("1", "0.1")]
    kinds = product(rows, (BUY, SELL), Type, (Tif.DAY, Tif.GTC), (False, True))
    for number, (row, side, kind, tif, reduces) in enumerate(kinds, 1):
        trail = 1.5 if kind is Type.TRAILING else NAN
        order = Order(number, 0, side, 10, kind, trail=trail, tif=tif, reduce_only=reduces)
        assert words.request(row, order, (), "TEST") == wanted(row, order, "TEST", False)
