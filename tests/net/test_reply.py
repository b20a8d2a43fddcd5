"""Replies drawn at random: however they are torn into pieces they are the same, another reader reads them alike, and nothing else is raised."""

from __future__ import annotations

import gzip
import http.client
import io
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from argosy.net.reply import Reply, Torn

LARGEST = 4096
TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_!#$%&'*+.^`|~", min_size=1, max_size=12)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
TAKEN = {"content-length", "transfer-encoding", "content-encoding", "connection"}
FIELDS = st.dictionaries(TOKEN.filter(lambda name: name.lower() not in TAKEN), VALUE, max_size=6)
Told = tuple[int, bytes, dict[str, str], bool] | str


@st.composite
def replies(draw: Any) -> tuple[bytes, bytes, int, bool]:
    """(a reply to the letter, its body, its status, whether its own words tell its end)"""
    body = draw(st.binary(max_size=300))
    status = draw(st.sampled_from([200, 201, 207, 302, 403, 422, 429, 500, 504]))
    lines = [f"HTTP/1.1 {status} {draw(VALUE)}", *(f"{name}:{value}" for name, value in draw(FIELDS).items())]
    packed = draw(st.booleans()) and body
    sent = gzip.compress(body) if packed else body
    if packed:
        lines.append("Content-Encoding: gzip")
    way = draw(st.sampled_from(["length", "chunked", "close"]))
    if way == "length":
        lines.append(f"{draw(st.sampled_from(['Content-Length', 'content-length', 'CONTENT-LENGTH']))}: {len(sent)}")
    elif way == "chunked":
        lines.append("Transfer-Encoding: chunked")
        sizes = draw(st.lists(st.integers(1, 50), max_size=20))
        parts = []
        rest = sent
        for size in sizes:
            if rest:
                parts.append(b"%x\r\n%b\r\n" % (len(rest[:size]), rest[:size]))
                rest = rest[size:]
        if rest:
            parts.append(b"%X;a=b\r\n%b\r\n" % (len(rest), rest))
        sent = b"".join(parts) + b"0\r\n" + draw(st.sampled_from([b"", b"X-Sum: 1\r\n"])) + b"\r\n"
    order = draw(st.permutations(lines[1:]))
    before = "".join(draw(st.lists(st.sampled_from(["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100\r\nX: y\r\n\r\n"]), max_size=2)))
    return (before + "\r\n".join([lines[0], *order])).encode() + b"\r\n\r\n" + sent, body, status, way != "close"


def told(pieces: list[bytes], ends: bool = True) -> Told:
    """What pieces came to: the reply, or why it is none; "waits" where more must come."""
    reply = Reply(LARGEST)
    try:
        for k, piece in enumerate(pieces):
            if reply.feed(piece):
                return reply.status, reply.body, reply.headers, reply.keeps and not any(pieces[k + 1 :])
        if ends and reply.over():
            return reply.status, reply.body, reply.headers, reply.keeps
    except Torn as wrong:
        return wrong.cause
    return "waits"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(at)]


PLACES = st.lists(st.integers(0, 5000), max_size=12)


@settings(max_examples=300, deadline=None)
@given(replies(), PLACES)
def test_a_reply_to_the_letter_is_read_as_the_standard_library_reads_it(drawn: tuple[bytes, bytes, int, bool], places: list[int]) -> None:
    data, body, status, own_end = drawn
    got = told(cut(data, places))
    assert not isinstance(got, str), got
    assert got[:2] == (status, body) and got[3] == own_end

    class Socket:
        def makefile(self, mode: str) -> io.BytesIO:
            return io.BytesIO(data)

    other = http.client.HTTPResponse(Socket())  # type: ignore[arg-type]
    other.begin()
    read = other.read()
    assert other.status == status
    assert (gzip.decompress(read) if other.getheader("content-encoding") else read) == body
    for name, value in got[2].items():
        assert value == (other.headers.get_all(name) or [""])[-1].strip(" \t")


@settings(max_examples=300, deadline=None)
@given(replies(), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 2), st.binary(max_size=3)), min_size=1, max_size=4), PLACES)
def test_one_that_was_hurt_on_the_way_is_the_same_in_whatever_pieces(
    drawn: tuple[bytes, bytes, int, bool], hurts: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    data = drawn[0]
    for place, gone, put in hurts:
        at = place % (len(data) + 1)
        data = data[:at] + put + data[at + gone :]
    whole = told([data])
    pieces = told(cut(data, places))
    assert pieces == whole
    assert told([data[k : k + 1] for k in range(len(data))]) == whole


@settings(max_examples=300, deadline=None)
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"F" * 15 + b"\r\n", [])
@given(
    st.sampled_from([b"", b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]), st.binary(max_size=200), PLACES
)
def test_whatever_comes_ends_as_a_reply_as_none_or_waits(begins: bytes, rest: bytes, places: list[int]) -> None:
    whole = told([begins + rest] if begins + rest else [])
    assert not isinstance(whole, str) or whole in ("BROKEN_REPLY", "REPLY_TOO_LARGE", "waits")
    assert told(cut(begins + rest, places)) == whole
