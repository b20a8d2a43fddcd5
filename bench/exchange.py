"""What the simulated exchange serves on loopback: orders a second, stream messages a second, and how soon it is open."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from bench.figure import Figure, figure

KEY, SECRET = "PKBENCH", "secret"
SYMBOLS = [f"S{number:02d}" for number in range(50)]
LINES = 8


def _serve(pipe: Connection, speed: float) -> None:
    from argosy.exchange.open import Wanted, build

    async def main() -> None:
        server = build(Wanted(keys=((KEY, SECRET),), symbols=SYMBOLS, speed=speed, control=True, cash=1_000_000_000))
        await server.start()
        begun = time.process_time()
        pipe.send(server.port)
        while not pipe.poll():
            await asyncio.sleep(0.05)
        server.exchange.audit()
        pipe.send((sum(len(account.tickets) for account in server.exchange.accounts.values()), time.process_time() - begun))
        await server.stop()

    import uvloop

    uvloop.run(main())


@contextmanager
def _exchange(speed: float = 1.0) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    """(port, list that holds (orders, processor seconds) after the end) of an exchange in a process of its own."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, speed))
    process.start()
    counted: list[tuple[int, float]] = []
    try:
        yield ours.recv(), counted
    finally:
        ours.send(None)
        counted.append(ours.recv())
        process.join(10)


async def _line(port: int, until: float, times: list[float]) -> int:
    """Send market orders on one connection, one after the other; how many were taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"symbol": "S00", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}).encode()
    head = f"POST /v2/orders HTTP/1.1\r\nHost: x\r\nAPCA-API-KEY-ID: {KEY}\r\nAPCA-API-SECRET-KEY: {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
    request, done = head.encode() + body, 0
    while time.perf_counter() < until:
        start = time.perf_counter()
        writer.write(request)
        said = await reader.readuntil(b"\r\n\r\n")
        length = int(said.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if not said.startswith(b"HTTP/1.1 200") or b'"pending_new"' not in answer:
            raise RuntimeError(f"an order was not taken: {answer.decode()[:200]}")
        times.append(time.perf_counter() - start)
        done += 1
    writer.close()
    return done


def orders(seconds: float) -> tuple[float, float, str]:
    """(orders a second, by the processor, what was wrong): market orders that fill, on eight connections."""
    async def all_lines(port: int) -> tuple[int, float]:
        times: list[float] = []
        start = time.perf_counter()
        counts = await asyncio.gather(*(_line(port, start + seconds, times) for _ in range(LINES)))
        return sum(counts), time.perf_counter() - start

    with _exchange() as (port, counted):
        sent, spent = asyncio.run(all_lines(port))
    count, cpu = counted[0]
    return sent / spent, sent / cpu, "" if sent == count else f"{sent} were sent and {count} are there"


async def _hear(port: int, seconds: float) -> tuple[int, float, str]:
    """(records, seconds, what was wrong) of a data stream in MessagePack."""
    import aiohttp

    decode = msgspec.msgpack.Decoder(list[dict[str, Any]], ext_hook=lambda code, data: bytes(data)).decode
    async with aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/msgpack"}
        async with session.ws_connect(f"http://127.0.0.1:{port}/v2/sip", headers=headers, max_msg_size=0) as ws:
            await ws.receive()
            await ws.send_bytes(msgspec.msgpack.encode({"action": "auth", "key": KEY, "secret": SECRET}))
            await ws.receive()
            await ws.send_bytes(msgspec.msgpack.encode({"action": "subscribe", "quotes": ["*"], "trades": ["*"], "bars": ["*"]}))
            await ws.receive()
            count, last = 0, 0
            start = time.perf_counter()
            while time.perf_counter() < start + seconds:
                rows = decode((await ws.receive()).data)
                if rows[0]["T"] == "error":
                    return count, time.perf_counter() - start, f"it was told {rows[0]}"
                for row in rows:
                    if row["T"] == "t" and row["S"] == "S00":
                        if last and row["i"] != last + 1:
                            return count, time.perf_counter() - start, f"trade {row['i']} came after {last}"
                        last = row["i"]
                count += len(rows)
            return count, time.perf_counter() - start, ""


def stream(seconds: float, speed: float = 400.0) -> tuple[float, float, str]:
    """(records a second, by the processor, what was wrong) that one client hears and decodes, of fifty symbols that tick as fast as can be served."""
    with _exchange(speed) as (port, counted):
        count, spent, wrong = asyncio.run(_hear(port, seconds))
    return count / spent, count / counted[0][1], wrong


def start() -> tuple[float, str]:
    """(seconds from the command to the line that says where it listens, what was wrong)."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "argosy.cli", "exchange", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    spent = time.perf_counter() - begun
    process.terminate()
    process.communicate(timeout=10)
    return spent, "" if "{" in line else f"it said {line!r}"


def figures(quick: bool) -> Iterator[Figure]:
    """Every figure of the exchange."""
    seconds = 1.5 if quick else 5.0
    rate, cpu, wrong = orders(seconds)
    yield figure("exchange.orders", rate, wrong=wrong, note=f"by the wall, market orders that fill; {cpu:,.0f} in a second of its processor")
    rate, cpu, wrong = stream(seconds)
    yield figure("exchange.stream", rate, wrong=wrong, note=f"by the wall, quotes and trades heard in order; {cpu:,.0f} in a second of its processor")
    spent, wrong = start()
    yield figure("exchange.start", spent, wrong=wrong)
