"""Alpaca's account side as records: orders, fills, positions; what is missing, new or of a strange type is kept and never a crash."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeVar

import msgspec

from argosy.core.errors import Misuse
from argosy.core.time import SECOND, parse

Odd = dict[str, Any]
"""Fields of a message that are unknown here, or whose value was not what it should be."""
T = TypeVar("T", bound="Wire")
_LARGEST = 24
_DECIMALS = -24
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Wire(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of all records. odd: what the message had beside the fields below, and what did not fit one."""

    odd: Odd = msgspec.field(default_factory=dict, name="~odd")


class WireOrder(Wire, kw_only=True):
    """An order as Alpaca tells it; texts as received ("" = not told), quantities and prices exact (None = not told)."""

    id: str = ""
    client_order_id: str = ""
    symbol: str = ""
    asset_class: str = ""
    status: str = ""
    side: str = ""
    type: str = ""
    order_class: str = ""
    time_in_force: str = ""
    qty: Decimal | None = None
    notional: Decimal | None = None
    filled_qty: Decimal | None = None
    filled_avg_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    extended_hours: bool | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    submitted_at: str | None = None
    filled_at: str | None = None
    legs: list[Any] | None = None


class TradeUpdate(Wire, kw_only=True):
    """One message of the account stream. price, qty: of this execution; order.filled_qty: of all so far; `order` may be empty."""

    event: str = ""
    execution_id: str = ""
    timestamp: str | None = None
    price: Decimal | None = None
    qty: Decimal | None = None
    position_qty: Decimal | None = None
    order: WireOrder = msgspec.field(default_factory=WireOrder, name="~order")


class Activity(Wire, kw_only=True):
    """One row of the activities: of type FILL, or another of which cash or a position moved."""

    id: str = ""
    activity_type: str = ""
    type: str = ""
    transaction_time: str | None = None
    date: str | None = None
    symbol: str = ""
    side: str = ""
    order_id: str = ""
    order_status: str = ""
    price: Decimal | None = None
    qty: Decimal | None = None
    leaves_qty: Decimal | None = None
    cum_qty: Decimal | None = None
    net_amount: Decimal | None = None
    per_share_amount: Decimal | None = None
    status: str = ""


class WireAccount(Wire, kw_only=True):
    """The account's own figures."""

    id: str = ""
    account_number: str = ""
    status: str = ""
    currency: str = "USD"
    cash: Decimal | None = None
    equity: Decimal | None = None
    last_equity: Decimal | None = None
    buying_power: Decimal | None = None
    regt_buying_power: Decimal | None = None
    non_marginable_buying_power: Decimal | None = None
    long_market_value: Decimal | None = None
    short_market_value: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    multiplier: Decimal | None = None
    trading_blocked: bool | None = None
    account_blocked: bool | None = None
    trade_suspended_by_user: bool | None = None
    shorting_enabled: bool | None = None


class WirePosition(Wire, kw_only=True):
    """One position. qty: signed by Alpaca (shorts are negative); side: "long" or "short"."""

    asset_id: str = ""
    symbol: str = ""
    asset_class: str = ""
    side: str = ""
    qty: Decimal | None = None
    qty_available: Decimal | None = None
    avg_entry_price: Decimal | None = None
    market_value: Decimal | None = None
    current_price: Decimal | None = None


class WireAsset(Wire, kw_only=True):
    """What may be traded, and how."""

    id: str = ""
    symbol: str = ""
    name: str = ""
    exchange: str = ""
    status: str = ""
    asset_class: str = msgspec.field(default="", name="class")
    tradable: bool | None = None
    marginable: bool | None = None
    shortable: bool | None = None
    easy_to_borrow: bool | None = None
    fractionable: bool | None = None
    min_order_size: Decimal | None = None
    min_trade_increment: Decimal | None = None
    price_increment: Decimal | None = None
    attributes: list[Any] | None = None


class WireClock(Wire, kw_only=True):
    """The market's clock; times with New York's offset."""

    timestamp: str | None = None
    is_open: bool | None = None
    next_open: str | None = None
    next_close: str | None = None


class WireDay(Wire, kw_only=True):
    """One session of the calendar, New York wall time."""

    date: str = ""
    open: str = ""
    close: str = ""
    session_open: str = ""
    session_close: str = ""
    settlement_date: str | None = None


class WireError(Wire, kw_only=True):
    """Why a request was refused; code 0 where the body had none."""

    code: int = 0
    message: str = ""


class Oddities:
    """What could not be understood, kept for whoever looks: how often, and the last of it."""

    def __init__(self, keep: int = 64) -> None:
        self.count = 0
        self.kept: deque[tuple[str, Any]] = deque(maxlen=keep)

    def keep(self, what: str, thing: Any) -> None:
        """Count and keep one."""
        self.count += 1
        self.kept.append((what, thing))


class _Shape:
    """The fields of a record: name on the wire, name here, type, whether an exact number."""

    def __init__(self, kind: type[Wire]) -> None:
        self.fields = [field for field in msgspec.structs.fields(kind) if not field.encode_name.startswith("~")]
        self.known = {field.encode_name for field in self.fields}
        self.exact = [(field.name, field.encode_name) for field in self.fields if field.type == Decimal | None]


@cache
def _shape(kind: type[Wire]) -> _Shape:
    return _Shape(kind)


def record(kind: type[T], thing: Any) -> T:
    """A record of a decoded message, whatever it is: a field that does not fit stays empty and is kept in `odd`."""
    shape = _shape(kind)
    if not isinstance(thing, dict):
        return kind(odd={"": thing})
    known = shape.known
    odd: Odd = {str(key): value for key, value in thing.items() if key not in known}
    try:
        made = msgspec.convert(thing, kind, strict=False)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError):
        made = _piecemeal(kind, shape, thing, odd)
    for name, wire_name in shape.exact:
        value = getattr(made, name)
        if value is not None and not (value.is_finite() and (not value or _DECIMALS < value.adjusted() < _LARGEST)):
            odd[wire_name] = thing[wire_name]
            setattr(made, name, None)
    made.odd = odd
    return made


def _piecemeal(kind: type[T], shape: _Shape, told: dict[str, Any], odd: Odd) -> T:
    """Field by field: null is "not told", and what does not fit is odd."""
    good: dict[str, Any] = {}
    for field in shape.fields:
        value = told.get(field.encode_name)
        if value is None:
            continue
        try:
            good[field.name] = msgspec.convert(value, field.type, strict=False)
        except (msgspec.ValidationError, ValueError, OverflowError, RecursionError):
            odd[field.encode_name] = value
    return kind(**good)


def update(thing: Any) -> TradeUpdate:
    """A trade update of its decoded `data`."""
    made = record(TradeUpdate, thing)
    inner = made.odd.pop("order", None)
    made.order = record(WireOrder, inner) if inner is not None else WireOrder()
    return made


def plain(message: bytes) -> Any:
    """Plain values of JSON or MessagePack, told apart by the first byte; ValueError where it is neither."""
    first = message[:1]
    try:
        if first in (b"{", b"[", b'"', b" ", b"\n"):
            return msgspec.json.decode(message)
        return msgspec.msgpack.decode(message)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError) as error:
        raise ValueError(f"{len(message)} bytes are no message") from error


def ns_of(text: Any) -> int:
    """ns UTC of a time as told; 0 where there is none or it is no time."""
    if isinstance(text, str) and text:
        try:
            return parse(text)
        except Misuse:
            return 0
    if isinstance(text, datetime):
        gone = (text if text.tzinfo else text.replace(tzinfo=UTC)) - _EPOCH
        return int(gone.days * 86_400 + gone.seconds) * SECOND + int(gone.microseconds) * 1_000
    return 0


def number(text: Any) -> Decimal | None:
    """An exact number of a text, None where it is none."""
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    return value if value.is_finite() and (not value or _DECIMALS < value.adjusted() < _LARGEST) else None
