"""What a server may say and what it may not: each way to the letter is read, each other is broken, and may have been heard."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from argosy.net.http import Rest
from argosy.net.outcome import Answered, Failed
from tests.net.test_lines import Reader, Writer, request, run, says
from tests.net.wild import Raw, answer

HELLO = b'{"hello": "there"}'
PACKED = gzip.compress(HELLO)
CLOSES = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("crumbs", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("said", "method", "status", "body", "kept"),
    [
        (answer(HELLO), "GET", 200, HELLO, True),
        (answer(b""), "GET", 200, b"", True),
        (answer(HELLO, Connection="close"), "GET", 200, HELLO, False),
        (answer(HELLO, Connection="Keep-Alive, x"), "GET", 200, HELLO, True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", 200, b"ok", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", "GET", 200, b"ok", True),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "GET", 200, b"ok", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "DELETE", 204, b"", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "GET", 304, b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD", 200, b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(HELLO), "POST", 200, HELLO, True),
        (CHUNKED + b"5\r\nhello\r\n6;a=b\r\n there\r\n0\r\n\r\n", "GET", 200, b"hello there", True),
        (CHUNKED + b"0005 \r\nhello\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", "GET", 200, b"hello", True),
        (CHUNKED + b"0\r\n\r\n", "GET", 200, b"", True),
        (CLOSES + HELLO, "GET", 200, HELLO, False),
        (CLOSES, "GET", 200, b"", False),
        (answer(PACKED, Content_Encoding="gzip"), "GET", 200, HELLO, True),
        (answer(PACKED, Content_Encoding="X-GZIP"), "GET", 200, HELLO, True),
        (answer(HELLO, Content_Encoding="identity"), "GET", 200, HELLO, True),
        (b"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", "GET", 302, b"", True),
        (b"HTTP/1.1 429 Slow\r\nRetry-After:  7 \r\nX: 1\r\nX: 2\r\nContent-Length: 0\r\n\r\n", "GET", 429, b"", True),
    ],
)
def test_every_way_to_say_a_reply(said: bytes, method: str, status: int, body: bytes, kept: bool, crumbs: int) -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await request(reader)
        for k in range(0, len(said), crumbs):
            writer.write(said[k : k + crumbs])
            if crumbs < 9:
                await asyncio.sleep(0)
        if kept:
            await request(reader)
            writer.write(answer(b"again"))
        await writer.drain()

    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call(method, "/", deadline_s=3)
        assert isinstance(got, Answered) and (got.status, got.body) == (status, body), got
        if status == 429:
            assert (got.headers["retry-after"], got.headers["x"]) == ("7", "2")
        if kept:
            again = await rest.call("GET", "/", deadline_s=3)
            assert isinstance(again, Answered) and again.body == b"again"
            assert server.connections == 1

    run(talk, ask)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 020 OK\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        CHUNKED + b"-1\r\n\r\n",
        CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhello\n0\r\n\r\n",
        CHUNKED + b"5\r\nhelloXX0\r\n\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"0\r\nno field\r\n\r\n",
        CHUNKED + b"5" * 17 + b"\r\n",
        CHUNKED + b"5;" + b"x" * 70_000,
        CHUNKED + b"0\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        answer(b"0123", Content_Encoding="br"),
        answer(PACKED[:-3], Content_Encoding="gzip"),
        answer(PACKED + b"x", Content_Encoding="gzip"),
        answer(b"\0" * 20, Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_what_is_no_reply_to_the_letter_is_broken_at_once_and_may_have_been_heard(said: bytes) -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await request(reader)
        writer.write(said)
        await reader.read()  # nothing more comes

    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call("POST", "/", body=b"{}", deadline_s=3)
        assert isinstance(got, Failed) and (got.cause, got.sent) == ("BROKEN_REPLY", True), got

    run(talk, ask)


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\nConte", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nabcd", CHUNKED + b"0\r\n"])
def test_one_that_ends_too_soon_is_broken_too(said: bytes) -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call("POST", "/", body=b"{}", deadline_s=3)
        assert isinstance(got, Failed) and (got.cause, got.sent) == ("BROKEN_REPLY", True), got

    run(says(said), ask)


@pytest.mark.parametrize(
    "said",
    [
        answer(b"x" * 1001), CLOSES + b"x" * 1001, CHUNKED + b"3e9\r\n", CHUNKED + b"3e0\r\n" + b"x" * 992 + b"\r\n9\r\n",
        answer(gzip.compress(b"x" * 1001), Content_Encoding="gzip"), b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n",
    ],
)  # fmt: skip
def test_a_reply_that_is_too_large_is_left(said: bytes) -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call("GET", "/", deadline_s=3)
        assert isinstance(got, Failed) and (got.cause, got.sent) == ("REPLY_TOO_LARGE", True), got

    run(says(said), ask, largest=1000)


@pytest.mark.parametrize("said", [answer(b"x" * 1000), CLOSES + b"x" * 1000, CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n"])
def test_one_that_is_just_as_large_is_not(said: bytes) -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call("GET", "/", deadline_s=3)
        assert isinstance(got, Answered) and len(got.body) == 1000

    run(says(said), ask, largest=1000)
