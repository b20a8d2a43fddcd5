"""Alpaca's market data as records, decoded in bulk; an unknown message is kept as it came, and one that is torn is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from struct import Struct
from typing import Any

import msgspec
from msgspec.msgpack import Ext

from argosy.core.time import SECOND
from argosy.venues.alpaca.codec import Oddities, ns_of

Time = Ext | str | None
"""A moment as told: MessagePack's timestamp (kept to the nanosecond) or RFC 3339."""


class Message(msgspec.Struct, tag_field="T", gc=False):
    """Base of stream messages; the letter T says which."""


class TradeMessage(Message, tag="t", gc=False):
    """A print: price, size, conditions, exchange, tape."""

    S: str = ""
    p: float = 0.0
    s: float = 0.0
    t: Time = None
    i: int = 0
    x: str = ""
    z: str = ""
    c: list[str] | None = None


class QuoteMessage(Message, tag="q", gc=False, rename={"asize": "as"}):
    """Best bid and ask with their sizes."""

    S: str = ""
    bp: float = 0.0
    bs: float = 0.0
    ap: float = 0.0
    asize: float = 0.0
    t: Time = None


class BarMessage(Message, tag="b", gc=False):
    """A finished minute; t: its start."""

    S: str = ""
    o: float = 0.0
    h: float = 0.0
    l: float = 0.0
    c: float = 0.0
    v: float = 0.0
    vw: float = 0.0
    n: int = 0
    t: Time = None


class UpdatedBar(BarMessage, tag="u", gc=False):
    """A minute told again because late prints changed it."""


class DailyBar(BarMessage, tag="d", gc=False):
    """The day so far."""


class StatusMessage(Message, tag="s", gc=False):
    """A trading status. sc, sm: its code and words; rc, rm: the reason's."""

    S: str = ""
    sc: str = ""
    sm: str = ""
    rc: str = ""
    rm: str = ""
    t: Time = None
    z: str = ""


class BandMessage(Message, tag="l", gc=False):
    """Limit up, limit down: no trade may happen below d or above u."""

    S: str = ""
    u: float = 0.0
    d: float = 0.0
    i: str = ""
    t: Time = None
    z: str = ""


class CancelMessage(Message, tag="x", gc=False):
    """A print was taken back."""

    S: str = ""
    i: int = 0
    x: str = ""
    p: float = 0.0
    s: float = 0.0
    a: str = ""
    t: Time = None


class CorrectionMessage(Message, tag="c", gc=False):
    """A print was corrected: o* as it was, c* as it is."""

    S: str = ""
    x: str = ""
    oi: int = 0
    op: float = 0.0
    os: float = 0.0
    ci: int = 0
    cp: float = 0.0
    cs: float = 0.0
    t: Time = None


class NewsMessage(Message, tag="n", gc=False):
    """A headline with the symbols that it names."""

    id: int = 0
    headline: str = ""
    summary: str = ""
    author: str = ""
    source: str = ""
    url: str = ""
    content: str = ""
    symbols: list[str] | None = None
    created_at: Time = None
    updated_at: Time = None


class SuccessMessage(Message, tag="success", gc=False):
    """The other side is ready for the next step."""

    msg: str = ""


class ErrorMessage(Message, tag="error", gc=False):
    """The other side refuses something."""

    code: int = 0
    msg: str = ""


class SubscriptionMessage(Message, tag="subscription", gc=False):
    """All that is subscribed now."""

    trades: list[str] | None = None
    quotes: list[str] | None = None
    bars: list[str] | None = None
    updatedBars: list[str] | None = None
    dailyBars: list[str] | None = None
    statuses: list[str] | None = None
    lulds: list[str] | None = None
    news: list[str] | None = None


class Unknown(msgspec.Struct, frozen=True):
    """A message that is not known, or not well formed, as it came."""

    raw: Any


Known = (
    TradeMessage | QuoteMessage | BarMessage | UpdatedBar | DailyBar | StatusMessage | BandMessage | CancelMessage
    | CorrectionMessage | NewsMessage | SuccessMessage | ErrorMessage | SubscriptionMessage
)  # fmt: skip
KINDS: dict[str, type[Message]] = {str(kind.__struct_config__.tag): kind for kind in Known.__args__}
WRONG = (msgspec.MsgspecError, IndexError, RecursionError, UnicodeDecodeError, ValueError, OverflowError)
"""What a decoder raises for a frame that is not as expected."""
ESSENTIAL = {"t": ("S", "p", "s"), "q": ("S", "bp", "ap"), "b": ("S", "o", "h", "l", "c"), "s": ("S", "sc"), "l": ("S", "u", "d")}
"""Fields without which a message says nothing; then it is Unknown."""


class Messages:
    """Decodes frames of the market data streams. odd: what was not understood."""

    def __init__(self, odd: Oddities | None = None) -> None:
        self.odd = odd or Oddities()
        self.json = msgspec.json.Decoder(list[Known]).decode
        self.pack = msgspec.msgpack.Decoder(list[Known]).decode

    def decode(self, frame: bytes) -> list[Any]:
        """The messages of a frame, JSON or MessagePack; empty where it is neither."""
        try:
            if frame[0] == 91:  # "["
                return self.json(frame)
            return self.pack(frame)
        except WRONG:
            return self.slowly(frame)

    def slowly(self, frame: bytes) -> list[Any]:
        """One by one, so that a strange message does not take its neighbours with it."""
        try:
            things = msgspec.json.decode(frame) if frame[:1] in (b"[", b"{", b" ", b"\n") else msgspec.msgpack.decode(frame)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError, OverflowError):
            self.odd.keep("torn", frame[:4096])
            return []
        return [self._one(thing) for thing in (things if isinstance(things, list) else [things])]

    def _one(self, thing: Any) -> Any:
        letter = thing.get("T") if isinstance(thing, dict) else None
        kind = KINDS.get(letter) if isinstance(letter, str) else None
        if kind is None or any(thing.get(name) is None for name in ESSENTIAL.get(letter or "", ())):
            self.odd.keep("unknown", thing)
            return Unknown(thing)
        good: dict[str, Any] = {}
        for field in msgspec.structs.fields(kind):
            value = thing.get(field.encode_name)
            if value is None:
                continue
            if isinstance(value, datetime):
                value = value.astimezone(UTC).isoformat()
            try:
                good[field.name] = msgspec.convert(value, field.type, strict=False)
            except (msgspec.ValidationError, ValueError, OverflowError, RecursionError):
                if field.encode_name in ESSENTIAL.get(letter or "", ()):
                    self.odd.keep("unknown", thing)
                    return Unknown(thing)
                self.odd.keep("field", (letter, field.encode_name, value))
        return kind(**good)


_word = Struct(">Q").unpack
_MINUTES: dict[str, int] = {}
_KEPT = 4096


def moment(told: Time) -> int:
    """ns UTC of a message's time, exact; 0 where there is none. Minutes seen before are remembered, for speed."""
    if type(told) is Ext:
        data: bytes = told.data  # type: ignore[assignment]
        if len(data) == 8 and told.code == -1:
            word: int = _word(data)[0]
            return (word & 0x3FFFFFFFF) * 1_000_000_000 + (word >> 34)
        if told.code != -1:
            return 0
        if len(data) == 4:
            return int.from_bytes(data, "big") * SECOND
        if len(data) == 12:
            return int.from_bytes(data[4:], "big", signed=True) * SECOND + int.from_bytes(data[:4], "big")
        return 0
    if type(told) is not str:
        return 0
    base = _MINUTES.get(told[:17])  # "2026-11-21T15:30:"
    if base is not None and told[-1:] == "Z" and told[17:19].isdigit():
        rest = told[20:-1]
        if not rest and len(told) == 20:
            return base + int(told[17:19]) * SECOND
        if told[19:20] == "." and rest.isdigit() and rest.isascii():
            return base + int(told[17:19]) * SECOND + int(rest[:9].ljust(9, "0"))
    whole = ns_of(told)
    if whole and told[-1:] == "Z" and told[16:17] == ":" and len(told) >= 20:
        if len(_MINUTES) >= _KEPT:
            _MINUTES.clear()
        _MINUTES[told[:17]] = whole - whole % (60 * SECOND)
    return whole
