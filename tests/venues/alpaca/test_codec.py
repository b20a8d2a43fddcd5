"""Records of whatever comes: nothing crashes a decoder, nothing that is known is lost, and what is not known is kept."""

from __future__ import annotations

import copy
import gzip
import json
import math
import os
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.instrument import Instrument, Instruments
from argosy.net.outcome import Answered, Failed
from argosy.net.secret import Secret
from argosy.venues.alpaca import messages as ms
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.answer import Accepted, Ambiguous, Refused, read
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client
from argosy.venues.alpaca.codec import (
    Activity,
    TradeUpdate,
    WireAccount,
    WireAsset,
    WireOrder,
    WirePosition,
    ns_of,
    number,
    plain,
    record,
    update,
)
from argosy.venues.alpaca.feed import Feed

WIRE = Path(__file__).resolve().parents[4] / "shared/data/wire/alpaca"
ORDER = {
    "id": "61e69015-8549-4bfd-b9c3-01e75843f47d",
    "client_order_id": "TEST4",
    "created_at": "2021-03-16T18:38:01.942282Z",
    "symbol": "AAPL",
    "asset_class": "us_equity",
    "qty": "10",
    "filled_qty": "3.5",
    "filled_avg_price": "105.89",
    "order_class": "",
    "type": "limit",
    "side": "buy",
    "time_in_force": "day",
    "limit_price": "106",
    "stop_price": None,
    "status": "partially_filled",
    "extended_hours": False,
    "legs": None,
}
UPDATE = {
    "event": "partial_fill",
    "execution_id": "e1",
    "timestamp": "2026-11-20T15:00:00.5Z",
    "price": "105.89",
    "qty": "3.5",
    "position_qty": "7",
    "order": ORDER,
}
ROWS: list[dict[str, Any]] = [
    {
        "T": "q",
        "S": "AAPL",
        "bx": "V",
        "bp": 150.01,
        "bs": 100,
        "ax": "V",
        "ap": 150.03,
        "as": 200,
        "c": ["R"],
        "z": "C",
        "t": "2026-11-20T15:00:00.000000059Z",
    },
    {"T": "t", "S": "AAPL", "i": 7, "x": "V", "p": 150.02, "s": 5, "c": ["@", "I"], "z": "C", "t": "2026-11-20T15:00:00.1Z"},
    {"T": "b", "S": "AAPL", "o": 1.5, "h": 2, "l": 1, "c": 1.75, "v": 9, "vw": 1.6, "n": 3, "t": "2026-11-20T15:00:00Z"},
    {"T": "s", "S": "AAPL", "sc": "H", "sm": "Trading Halt", "rc": "T12", "rm": "Info", "t": "2026-11-20T15:00:00Z", "z": "C"},
    {"T": "l", "S": "AAPL", "u": 160.5, "d": 140.5, "i": "B", "t": "2026-11-20T15:00:00Z", "z": "C"},
    {"T": "x", "S": "AAPL", "i": 7, "x": "V", "p": 1.5, "s": 2, "a": "C", "t": "2026-11-20T15:00:00Z", "z": "C"},
    {
        "T": "c",
        "S": "AAPL",
        "x": "V",
        "oi": 1,
        "op": 2,
        "os": 3,
        "oc": ["@"],
        "ci": 4,
        "cp": 5,
        "cs": 6,
        "cc": ["@"],
        "t": "2026-11-20T15:00:00Z",
    },
    {
        "T": "n",
        "id": 5,
        "headline": "h",
        "summary": "",
        "author": "a",
        "created_at": "2026-11-20T15:00:00Z",
        "symbols": ["AAPL"],
        "source": "s",
    },
    {"T": "success", "msg": "connected"},
    {"T": "error", "code": 406, "msg": "m"},
    {"T": "subscription", "trades": ["AAPL"], "quotes": []},
]
STRANGE: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1 << 70,
    -(1 << 70),
    1.5,
    "",
    "x",
    "NaN",
    "Infinity",
    "-0",
    "1e999999999",
    "9" * 400,
    [],
    {},
    [None],
    {"a": 1},
    "\ud7ff\u0000",
    "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00Z",
    "new_status_of_2031",
    [[[[]]]],
    {"T": "q"},
    "12:30",
]


def test_a_record_has_exact_numbers_and_keeps_the_rest() -> None:
    order = record(WireOrder, ORDER | {"hwm": None, "filled_qty": 3.5, "new_field": {"x": 1}, "status": "brand_new"})
    assert (order.filled_qty, order.filled_avg_price, order.limit_price, order.stop_price) == (
        Decimal("3.5"),
        Decimal("105.89"),
        Decimal(106),
        None,
    )
    assert order.status == "brand_new" and order.odd == {"new_field": {"x": 1}}
    told = update(UPDATE | {"later": 2})
    assert (told.event, told.qty, told.order.id, told.odd) == ("partial_fill", Decimal("3.5"), ORDER["id"], {"later": 2})


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999999", "1E-999999", "abc", "", [], {}, "1,5"])
def test_a_number_that_is_none_is_odd_and_not_there(value: Any) -> None:
    order = record(WireOrder, ORDER | {"qty": value})
    assert order.qty is None and order.odd == {"qty": value}
    assert order.filled_qty == Decimal("3.5")
    assert number(value) is None


def test_every_field_may_be_absent_null_or_wrong() -> None:
    for kind, whole in ((WireOrder, ORDER), (TradeUpdate, UPDATE)):
        for name in whole:
            without = {key: value for key, value in whole.items() if key != name}
            assert record(kind, without) is not None
            for value in STRANGE:
                record(kind, without | {name: value})
    for kind in (WireOrder, TradeUpdate, Activity, WireAccount, WirePosition, WireAsset):
        for value in STRANGE:
            record(kind, value)


def test_the_fields_of_the_old_margin_rule_may_be_there_or_not() -> None:
    new = record(WireAccount, {"cash": "1", "equity": "2", "buying_power": "4"})
    old = record(WireAccount, {"cash": "1", "equity": "2", "buying_power": "4", "pattern_day_trader": False, "daytrade_count": 0})
    assert (new.cash, new.equity) == (old.cash, old.equity) and set(old.odd) == {"pattern_day_trader", "daytrade_count"}


def test_times_are_exact_to_the_nanosecond() -> None:
    for text in (
        "2026-11-20T15:00:07.000000059Z",
        "2026-11-20T15:00:07Z",
        "2026-11-20T15:00:07.1Z",
        "2026-11-20T10:00:07.25-05:00",
        "2026-11-20T15:00:59.999999999Z",
    ):
        for _ in range(2):  # the second time its minute is known
            assert ms.moment(text) == ns_of(text) > 0
    assert ms.moment("2026-11-20T15:00:07.000000059Z") % 1_000_000_000 == 59
    for wrong in ("2026-11-20T15:00:xxZ", "2026-11-20T15:00:07.Z", "2026-11-20T15:00:07.٣Z", "", "Z", "soon"):
        assert isinstance(ms.moment(wrong), int)
    for code, data, ns in (
        (-1, (1_700_000_000).to_bytes(4, "big"), 1_700_000_000 * 10**9),
        (-1, ((59 << 34) | 1_700_000_000).to_bytes(8, "big"), 1_700_000_000 * 10**9 + 59),
        (-1, (59).to_bytes(4, "big") + (1_700_000_000).to_bytes(8, "big"), 1_700_000_000 * 10**9 + 59),
        (5, bytes(8), 0),
        (-1, b"abc", 0),
    ):
        assert ms.moment(msgspec.msgpack.Ext(code, data)) == ns


def test_an_unknown_message_does_not_take_its_neighbours_with_it() -> None:
    decode = ms.Messages()
    new = {"T": "zz", "S": "AAPL", "value": 1}
    rows = decode.decode(json.dumps([ROWS[0], new, ROWS[1], 5, {"T": "q", "S": "AAPL", "bp": "x", "ap": 1}]).encode())
    assert [type(row).__name__ for row in rows] == ["QuoteMessage", "Unknown", "TradeMessage", "Unknown", "Unknown"]
    assert rows[1].raw == new and decode.odd.count == 3
    assert decode.decode(b'[{"T":"t","S":"A","p":1') == [] and decode.odd.kept[-1] == ("torn", b'[{"T":"t","S":"A","p":1')


@pytest.mark.parametrize("pack", [False, True])
def test_every_kind_of_message_is_read_alike_in_both_forms(pack: bool) -> None:
    decode = ms.Messages()
    frame = msgspec.msgpack.encode(ROWS) if pack else msgspec.json.encode(ROWS)
    rows = decode.decode(frame)
    assert [type(row).__struct_config__.tag for row in rows] == [row["T"] for row in ROWS]
    assert (rows[0].asize, rows[0].bs, ms.moment(rows[0].t) % 1000) == (200.0, 100.0, 59)
    assert decode.odd.count == 0


# -- fuzz --------------------------------------------------------------------------------------------------------------------


def mutated(thing: Any, chance: random.Random) -> Any:
    """A deep copy with one to three things in it changed, lost, added or of another type."""
    thing = copy.deepcopy(thing)
    for _ in range(chance.randint(1, 3)):
        place: Any = thing
        while True:
            if isinstance(place, dict) and place:
                key = chance.choice(list(place))
            elif isinstance(place, list) and place:
                key = chance.randrange(len(place))
            else:
                break
            if isinstance(place[key], dict | list) and place[key] and chance.random() < 0.6:
                place = place[key]
                continue
            what = chance.random()
            if what < 0.25:
                del place[key]
            elif what < 0.9:
                place[key] = chance.choice(STRANGE)
            elif isinstance(place, dict):
                place[f"new{chance.randrange(9)}"] = chance.choice(STRANGE)
            break
    return thing


def torn(frame: bytes, chance: random.Random) -> bytes:
    """Bytes with some of them changed or cut off."""
    raw = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        if raw:
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw[: chance.randrange(len(raw) + 1)] if chance.random() < 0.3 else raw)


class Nobody:
    """A carrier that is never asked in these tests: every call fails."""

    async def call(self, *_: Any, **__: Any) -> Any:
        return Failed("CONNECT", False)

    async def close(self) -> None: ...


def test_no_message_crashes_a_decoder() -> None:
    """40,000 mutated messages (a million in the drill) through the whole of both streams and the records of REST."""
    import asyncio

    count = 1_000_000 if os.environ.get("ARGOSY_DRILL") else 40_000
    chance = random.Random(11)
    table = Instruments([Instrument(symbol="AAPL")])
    events: list[Any] = []

    async def walk() -> None:
        feed = Feed(Secret("k"), Secret("s"), table, {"quotes": ["AAPL"]}, events.append)
        venue = AlpacaVenue(Client(Nobody()), table, "TEST", listener=events.append)
        account = AccountStream(Secret("k"), Secret("s"), venue.told, lambda up, why: None)
        kinds = (WireOrder, Activity, WireAccount, WirePosition, WireAsset)
        for k in range(count):
            way = k % 5
            if way < 2:
                rows = [
                    mutated(chance.choice(ROWS), chance) if chance.random() < 0.7 else chance.choice(ROWS)
                    for _ in range(chance.randint(1, 3))
                ]
                frame = _encoded(rows, way == 1)
                feed.heard(torn(frame, chance) if chance.random() < 0.2 else frame)
            elif way == 2:
                thing = {"stream": "trade_updates", "data": UPDATE}
                frame = _encoded(mutated(thing, chance) if chance.random() < 0.9 else thing, chance.random() < 0.3)
                account.heard(torn(frame, chance) if chance.random() < 0.2 else frame)
            elif way == 3:
                record(chance.choice(kinds), mutated(ORDER, chance))
            else:
                body = torn(json.dumps(mutated(ORDER, chance)).encode(), chance)
                assert isinstance(read(Answered(chance.choice((200, 204, 403, 422, 500)), body, {})), Accepted | Refused | Ambiguous)
            if k % 5000 == 0:
                events.clear()
        assert feed.odd.count > count / 50 and account.odd.count > 100
        await venue.close()

    asyncio.run(walk())
    for event in events:
        assert event.known > 0
        for name in ("bid", "ask", "price", "open"):
            value = getattr(event, name, 1.0)
            assert math.isnan(value) or value > 0.0


def _encoded(thing: Any, pack: bool) -> bytes:
    try:
        return msgspec.msgpack.encode(thing) if pack else json.dumps(thing).encode()
    except (OverflowError, ValueError):
        return json.dumps(thing).encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    decode = ms.Messages()
    assert isinstance(decode.decode(raw), list)
    try:
        plain(raw)
    except ValueError:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "qty", "legs", "order", "event", "T", "S", "bp", "t", "status"]) | st.text(max_size=3), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_value_is_a_record(thing: Any) -> None:
    for kind in (WireOrder, TradeUpdate, Activity, WireAccount):
        made = record(kind, thing)
        if isinstance(thing, dict):
            assert not {name for name in thing if name not in made.odd} - {field.encode_name for field in msgspec.structs.fields(kind)}
    update(thing)


# -- recorded examples -------------------------------------------------------------------------------------------------------


def payloads(name: str) -> list[dict[str, Any]]:
    return json.loads(gzip.decompress((WIRE / name).read_bytes()))


@pytest.mark.skipif(not WIRE.exists(), reason="the collected wire examples are not on this machine")
def test_examples_of_others_are_understood() -> None:
    seen = {"order": 0, "update": 0, "rows": 0}
    for name in ("alpaca_py_test_payloads.json.gz", "alpaca_docs_json_examples.json.gz", "alpaca_go_test_payloads.json.gz"):
        for row in payloads(name):
            thing = row["payload"]
            if isinstance(thing, dict) and thing.get("stream") == "trade_updates":
                told = update(thing["data"])
                assert told.event and told.order.id and told.order.symbol
                assert told.event not in ("fill", "partial_fill") or (
                    told.order.filled_qty is not None and (told.price is None or told.price > 0)
                )
                seen["update"] += 1
            for one in thing if isinstance(thing, list) else [thing]:
                if isinstance(one, dict) and "client_order_id" in one and "id" in one:
                    order = record(WireOrder, one)
                    assert order.id and order.status and order.symbol and not {"id", "qty", "filled_qty", "status"} & set(order.odd)
                    seen["order"] += 1
                if isinstance(one, dict) and one.get("T") in ms.KINDS and one["T"] in ("t", "q", "b"):
                    decode = ms.Messages()
                    (got,) = decode.decode(json.dumps([one]).encode())
                    assert one["S"] == got.S and ms.moment(got.t) == ns_of(one["t"])
                    seen["rows"] += 1
    assert min(seen.values()) >= 1, seen
