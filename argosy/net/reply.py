"""One HTTP reply, taken in piece by piece as it comes; what is not to the letter is no reply, and it never guesses where one ends."""

from __future__ import annotations

import re
import zlib

from argosy.net.outcome import Answered

HEAD = 64 << 10
"""Bytes of the longest head, of all trailers and of a line that tells a chunk's size."""
_STATUS = rb"HTTP/1\.[01] [1-9][0-9][0-9](?: [^\r\n\0]*)?"
_FIELD = rb"\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*"
_head = re.compile(_STATUS + rb"(?:" + _FIELD + rb")*+\Z").match
_trailers = re.compile(rb"(?:" + _FIELD + rb")*+\Z").match
_begins = re.compile(rb"(?:H(?:T(?:T(?:P(?:/(?:1(?:\.[01]?)?)?)?)?)?)?)?\Z").match
_size = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?\Z").match
_BREAK, _END = b"\r\n", b"\r\n\r\n"
_ALONE = ("content-length", "transfer-encoding", "content-encoding")
"""Fields of which two would leave it open where the reply ends, or what it says."""


class Torn(Exception):
    """What came is no reply. cause: BROKEN_REPLY or REPLY_TOO_LARGE."""

    def __init__(self, cause: str, what: str) -> None:
        super().__init__(what)
        self.cause = cause


class Reply:
    """A reply on its way in.

    largest:  bytes of the largest body, and of what it unpacks to; bodiless: the answer to a HEAD, which has none
    begun:    whether anything came; keeps: once whole, whether the connection may carry another request
    Interim replies (1xx) are passed over; 101 is none, for nobody asked for another protocol.
    """

    __slots__ = ("_bodiless", "_got", "_held", "_largest", "_left", "_parts", "_step", "begun", "body", "headers", "keeps", "status")

    def __init__(self, largest: int, bodiless: bool = False) -> None:
        self._largest = largest
        self._bodiless = bodiless
        self._held = b""
        self._left = 0
        self._got = 0
        self._parts: list[bytes] = []
        self._step = _AT_HEAD
        self.begun = self.keeps = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    def feed(self, data: bytes) -> bool:
        """Take what came; whether the reply is whole now. Raises Torn."""
        self.begun = True
        if self._held:
            data = self._held + data
        while True:
            step = self._step
            if step == _AT_HEAD:
                end = data.find(_END)
                if end < 0:
                    if _begins(data[:8]) is None:
                        raise Torn("BROKEN_REPLY", "it does not begin as one")
                    return self._wait(data, HEAD)
                head, data = data[:end], data[end + 4 :]
                self._head(head)
                if self._step == _WHOLE:
                    return self._whole(data)
            elif step == _AT_LENGTH:
                if len(data) < self._left:
                    self._take(data)
                    self._left -= len(data)
                    return self._wait(b"", 0)
                self._take(data[: self._left])
                return self._whole(data[self._left :])
            elif step == _TO_THE_END:
                self._take(data)
                return self._wait(b"", 0)
            elif step == _AT_SIZE:
                end = data.find(_BREAK)
                if end < 0:
                    return self._wait(data, HEAD)
                told = _size(data[:end]) if end <= HEAD else None
                if told is None:
                    raise Torn("BROKEN_REPLY", "a chunk tells no size")
                data = data[end + 2 :]
                self._left = int(told.group(1), 16)
                if self._got + self._left > self._largest:
                    raise Torn("REPLY_TOO_LARGE", f"more than {self._largest} bytes")
                self._step = _IN_CHUNK if self._left else _AT_TRAILERS
            elif step == _IN_CHUNK:
                if len(data) < self._left:
                    self._take(data)
                    self._left -= len(data)
                    return self._wait(b"", 0)
                if len(data) < self._left + 2:
                    self._take(data[: self._left])
                    data, self._left = data[self._left :], 0
                    return self._wait(data, 2)
                if data[self._left : self._left + 2] != _BREAK:
                    raise Torn("BROKEN_REPLY", "a chunk is longer than it told")
                self._take(data[: self._left])
                data = data[self._left + 2 :]
                self._step = _AT_SIZE
            else:
                return self._trailers(data)

    def over(self) -> bool:
        """The other side ended in order: whether that makes the reply whole. It does where nothing else tells its length. Raises Torn."""
        return self._step == _TO_THE_END and self._whole(b"", False)

    @property
    def answer(self) -> Answered:
        """The whole reply."""
        return Answered(self.status, self.body, self.headers)

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _wait(self, held: bytes, most: int) -> bool:
        if len(held) > most:
            raise Torn("BROKEN_REPLY", f"a head of more than {most} bytes")
        self._held = held
        return False

    def _take(self, part: bytes) -> None:
        self._got += len(part)
        if self._got > self._largest:
            raise Torn("REPLY_TOO_LARGE", f"more than {self._largest} bytes")
        if part:
            self._parts.append(part)

    def _head(self, head: bytes) -> None:
        if len(head) > HEAD or _head(head) is None:
            raise Torn("BROKEN_REPLY", "its head is none")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first[9:12])
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip(" \t")
        if len(headers) < len(lines):
            _lone(lines)
        if status < 200:
            if status == 101:
                raise Torn("BROKEN_REPLY", "it changes to a protocol that nobody asked for")
            return
        self.status, self.headers = status, headers
        said = headers.get("connection")
        self.keeps = first[7] == "1" if said is None else _keeps(said.lower(), first[7] == "1")
        length, coding = headers.get("content-length"), headers.get("transfer-encoding")
        if self._bodiless or status == 204 or status == 304:
            self._step = _WHOLE
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None or first[7] == "0":
                raise Torn("BROKEN_REPLY", "it does not tell how long it is")
            self._step = _AT_SIZE
        elif length is None:
            self._step = _TO_THE_END
        else:
            if not (length.isascii() and length.isdigit() and len(length) < 16):
                raise Torn("BROKEN_REPLY", "its length is no number")
            self._left = int(length)
            if self._left > self._largest:
                raise Torn("REPLY_TOO_LARGE", f"{self._left} bytes")
            self._step = _AT_LENGTH if self._left else _WHOLE

    def _trailers(self, data: bytes) -> bool:
        """After the last chunk: fields that nobody reads, and an empty line."""
        if data.startswith(_BREAK):
            return self._whole(data[2:])
        end = data.find(_END)
        if end < 0:
            return self._wait(data, HEAD)
        if end > HEAD or _trailers(_BREAK + data[:end]) is None:
            raise Torn("BROKEN_REPLY", "what follows its last chunk is none")
        return self._whole(data[end + 4 :])

    def _whole(self, rest: bytes, keeps: bool = True) -> bool:
        """All is here. rest: what came after it, which no connection does that may be used again."""
        self._step = _WHOLE
        self.keeps = self.keeps and keeps and not rest
        parts = self._parts
        self.body = parts[0] if len(parts) == 1 else b"".join(parts)
        packed = self.headers.get("content-encoding")
        if packed is not None and self.body and packed.lower() != "identity":
            self.body = _unpacked(self.body, packed.lower(), self._largest)
        return True


_AT_HEAD, _AT_LENGTH, _TO_THE_END, _AT_SIZE, _IN_CHUNK, _AT_TRAILERS, _WHOLE = range(7)


def _keeps(said: str, otherwise: bool) -> bool:
    words = [word.strip() for word in said.split(",")]
    return "close" not in words and ("keep-alive" in words or otherwise)


def _lone(lines: list[str]) -> None:
    """Of some fields there may be one alone; the last of other equal names wins."""
    names = [line.partition(":")[0].lower() for line in lines]
    for name in _ALONE:
        if names.count(name) > 1:
            raise Torn("BROKEN_REPLY", f"it tells {name} twice")


def _unpacked(body: bytes, packed: str, largest: int) -> bytes:
    """What was packed with gzip, to its last byte and no larger than allowed."""
    if packed not in ("gzip", "x-gzip"):
        raise Torn("BROKEN_REPLY", "it is packed in a way that nobody asked for")
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = stream.decompress(body, largest + 1)
    except zlib.error as error:
        raise Torn("BROKEN_REPLY", str(error)) from error
    if len(plain) > largest:
        raise Torn("REPLY_TOO_LARGE", f"more than {largest} bytes unpacked")
    if not stream.eof or stream.unused_data:
        raise Torn("BROKEN_REPLY", "it is packed, and cut short")
    return plain
