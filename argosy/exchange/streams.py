"""The two streams as conversations: what a client says and what it is told, without a socket; every word as the venue has it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec

from argosy.core.time import SECOND, parse
from argosy.exchange.accounts import Account
from argosy.exchange.market import Best, Candle, Kind, Print, kind_of
from argosy.exchange.wire import Body, stamp

CHANNELS = {"trades": "t", "quotes": "q", "bars": "b", "updatedBars": "u", "dailyBars": "d", "statuses": "s", "lulds": "l",
            "orderbooks": "o", "news": "n"}  # fmt: skip
ERRORS = {
    400: "invalid syntax", 401: "not authenticated", 402: "auth failed", 403: "already authenticated", 404: "auth timeout",
    405: "symbol limit exceeded", 406: "connection limit exceeded", 407: "slow client", 408: "v2 not enabled",
    409: "insufficient subscription", 410: "invalid subscribe action for this feed", 411: "insufficient scope", 500: "internal error",
}  # fmt: skip
CARRIES = {
    "equity": ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds"),
    "crypto": ("trades", "quotes", "bars", "updatedBars", "dailyBars", "orderbooks"),
    "option": ("trades", "quotes"), "news": ("news",),
}  # fmt: skip
"""What each kind of stream has."""
FOLLOWING = ("corrections", "cancelErrors")
_REGULAR, _SALE = ["R"], ["@"]
Login = Callable[[Any, Any], Account | None]
_json = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode


def error(code: int) -> Body:
    """A control message that says no."""
    return {"T": "error", "code": code, "msg": ERRORS[code]}


def time_of(ns: int) -> msgspec.msgpack.Ext:
    """A MessagePack timestamp, exact to the nanosecond."""
    seconds, rest = divmod(ns, SECOND)
    return msgspec.msgpack.Ext(-1, struct.pack(">Q", rest << 34 | seconds))


class _Quote(msgspec.Struct, rename={"kind": "T", "symbol": "S", "ask_size": "as"}):
    kind: str
    symbol: str
    ax: str
    ap: float
    ask_size: float
    bx: str
    bp: float
    bs: float
    c: list[str]
    z: str
    t: Any


class _Trade(msgspec.Struct, rename={"kind": "T", "symbol": "S"}):
    kind: str
    symbol: str
    x: str
    p: float
    s: float
    c: list[str]
    i: int
    z: str
    t: Any


def record(channel: str, symbol: str, row: Candle | Print | Best | Body, packed: bool) -> bytes:
    """One record of a data stream, `T` first."""
    body: Any
    if channel == "news":
        body = {"T": "n", **row} if isinstance(row, dict) else {}
        if packed:
            body |= {field: time_of(parse(body[field])) for field in ("created_at", "updated_at")}
        return _pack(body) if packed else _json(body)
    ns = row["t"] if isinstance(row, dict) else row.t
    at = time_of(ns) if packed else stamp(ns)
    kind: Kind = kind_of(symbol)
    if kind != "equity" and not isinstance(row, dict):
        body = {"T": CHANNELS[channel], "S": symbol, **row.view(kind), "t": at}
    elif isinstance(row, Best):
        body = _Quote("q", symbol, "V", row.ap, row.sa, "V", row.bp, row.bs, _REGULAR, "C", at)
    elif isinstance(row, Print):
        body = _Trade("t", symbol, "V", row.p, row.s, _SALE, row.i, "C", at)
    else:
        view = row if isinstance(row, dict) else row.view()
        body = {"T": CHANNELS.get(channel, channel), "S": symbol, **view, "t": at}
    return _pack(body) if packed else _json(body)


def array(records: list[bytes], packed: bool) -> bytes:
    """Records as one frame."""
    if not packed:
        return b"[" + b",".join(records) + b"]"
    count = len(records)
    head = bytes([0x90 | count]) if count < 16 else struct.pack(">BH", 0xDC, count)
    return head + b"".join(records)


def decode(raw: bytes | str, packed: bool) -> Any:
    """What a client sent, in either encoding; None when it is neither."""
    data = raw.encode() if isinstance(raw, str) else raw
    for read in (msgspec.msgpack.decode, msgspec.json.decode) if packed else (msgspec.json.decode, msgspec.msgpack.decode):
        try:
            return read(data)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
            continue
    return None


class TradingTalk:
    """A client of /stream. account: once it is authorized; listening: whether it hears trade updates."""

    def __init__(self, login: Login, packed: bool = False) -> None:
        self._login = login
        self.packed = packed
        self.account: Account | None = None
        self.listening = False

    def hear(self, raw: bytes | str) -> list[Body]:
        """The answers to one message."""
        said = decode(raw, self.packed)
        if not isinstance(said, dict):
            return [_authorization("unauthorized", "invalid")]
        action = said.get("action")
        if action in ("authenticate", "auth"):
            data = said.get("data") if isinstance(said.get("data"), dict) else said
            key = data.get("key_id", data.get("key"))  # type: ignore[union-attr]
            secret = data.get("secret_key", data.get("secret"))  # type: ignore[union-attr]
            self.account = self._login(key, secret)
            return [_authorization("authorized" if self.account else "unauthorized", action)]
        if self.account is None:
            return [_authorization("unauthorized", str(action))]
        if action == "listen":
            data = said.get("data")
            streams = data.get("streams", []) if isinstance(data, dict) else []
            known = [name for name in streams if name == "trade_updates"] if isinstance(streams, list) else []
            self.listening = bool(known)
            return [{"stream": "listening", "data": {"streams": known}}]
        return [{"stream": "listening", "data": {"error": f"action {action} is not known"}}]

    def encode(self, body: Body) -> bytes:
        """A frame, always binary."""
        return _pack(body) if self.packed else _json(body)


def _authorization(status: str, action: str) -> Body:
    return {"stream": "authorization", "data": {"status": status, "action": action}}


class DataTalk:
    """A client of a market data stream. lists: what it subscribed, by channel; most: symbols it may have, 0 = any number; kind: of stream."""

    def __init__(self, login: Login, packed: bool, most: int = 0, kind: str = "equity") -> None:
        self._login = login
        self.packed = packed
        self.most = most
        self.kind = kind
        self.account: Account | None = None
        self.lists: dict[str, set[str]] = {channel: set() for channel in CHANNELS}

    def hello(self) -> Body:
        """The first message of a connection."""
        return {"T": "success", "msg": "connected"}

    def hear(self, raw: bytes | str) -> list[Body]:
        """The answers to one message."""
        said = decode(raw, self.packed)
        if not isinstance(said, dict):
            return [error(400)]
        action = said.get("action")
        if action == "auth":
            if self.account is not None:
                return [error(403)]
            self.account = self._login(said.get("key"), said.get("secret"))
            return [{"T": "success", "msg": "authenticated"} if self.account else error(402)]
        if self.account is None:
            return [error(401)]
        if action not in ("subscribe", "unsubscribe"):
            return [error(400)]
        wanted: dict[str, set[str]] = {}
        for channel, names in said.items():
            if channel == "action" or channel in FOLLOWING:
                continue
            if channel not in CARRIES[self.kind]:
                return [error(410)]
            if not isinstance(names, list) or not all(isinstance(symbol, str) for symbol in names):
                return [error(400)]
            wanted[channel] = set(names)
        fresh = {c: (self.lists[c] | wanted.get(c, set()) if action == "subscribe" else self.lists[c] - wanted.get(c, set())) for c in CHANNELS}
        if self.most and len(set().union(*fresh.values())) > self.most:
            return [error(405)]
        self.lists = fresh
        return [self.subscription()]

    def subscription(self) -> Body:
        """The whole list."""
        lists = {channel: sorted(self.lists[channel]) for channel in CARRIES[self.kind]}
        if self.kind == "equity":
            lists |= dict.fromkeys(FOLLOWING, lists["trades"])
        return {"T": "subscription", **lists}

    def wants(self, channel: str, symbol: str) -> bool:
        """Whether it hears a record; corrections and cancels come with trades."""
        names = self.lists.get(channel)
        if channel == "news":
            return bool(names) and ("*" in names or not names.isdisjoint(symbol.split(",")))  # type: ignore[operator, union-attr]
        if names is None:
            names = self.lists["trades"]
        return bool(names) and (symbol in names or "*" in names)

    def encode(self, body: Body) -> bytes:
        """A control message, alone in its array."""
        return _pack([body]) if self.packed else _json([body])
