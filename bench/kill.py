"""How soon an account is out of risk: from the word to the answer to the last cancel, with 200 open orders, on a real exchange over sockets."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from bench.exchange import KEY, SECRET, SYMBOLS, _exchange
from bench.figure import Figure, figure

ORDERS, KEPT = 200, 5


def _histogram() -> Any:
    from hdrh.histogram import HdrHistogram

    return HdrHistogram(1, 60_000_000, 3)


async def _fill(client: Any, count: int) -> None:
    """Positions with stops, which must stay, and orders far below the market, which must go."""
    for n in range(KEPT if not count else 0):
        await _send(client, {"symbol": SYMBOLS[n], "qty": "10", "side": "buy", "type": "market"}, f"B{count}-{n}")
        stop = {"symbol": SYMBOLS[n], "qty": "10", "side": "sell", "type": "stop", "stop_price": "1", "position_intent": "sell_to_close"}
        await _send(client, stop, f"S{count}-{n}")
    rows = ({"symbol": SYMBOLS[10 + n % 40], "qty": "1", "side": "buy", "type": "limit", "limit_price": "2"} for n in range(ORDERS))
    await asyncio.gather(*(_send(client, row, f"E{count}-{n}") for n, row in enumerate(rows)))


async def _send(client: Any, body: dict[str, str], name: str) -> None:
    answer = await client.submit(msgspec.json.encode({**body, "time_in_force": "gtc", "client_order_id": name}), name, deadline_s=20.0)
    if not hasattr(answer, "value"):
        raise RuntimeError(f"an order was not taken: {answer}")


async def _runs(port: int, runs: int) -> tuple[Any, str]:
    """Microseconds of each emergency, and what was wrong."""
    from argosy.net.secret import Secret
    from argosy.venues.alpaca.client import connect
    from argosy.venues.alpaca.leaving import leave
    from argosy.venues.alpaca.modes import place

    base = f"http://127.0.0.1:{port}"
    sender = connect(place("sim", base=base), Secret(KEY), Secret(SECRET), per_minute=10_000_000)
    door = leave("sim", Secret(KEY), Secret(SECRET), base=base, per_minute=10_000_000)
    await door.account()  # as a watchdog: the way in has been tried
    try:
        return await _timed(sender, door, runs)
    finally:
        await sender.close()
        await door.close()


async def _timed(sender: Any, door: Any, runs: int) -> tuple[Any, str]:
    from argosy.desk.kill import Kill

    found, wrong = _histogram(), ""
    for run in range(runs + 1):
        await _fill(sender, run)
        begun = time.perf_counter()
        kill = Kill(door, flatten="unprotected")
        await kill.look()
        took = time.perf_counter() - begun
        left = await door.orders("open", nested=False)
        stops = [order for order in left.value if order.type == "stop"] if hasattr(left, "value") else []
        if kill.cancels != ORDERS or kill.kept != KEPT or len(stops) != kill.kept or len(left.value) != len(stops):
            wrong = f"run {run}: {kill.cancels} cancels, {kill.kept} kept, {len(left.value)} left"
        if run:  # the first one makes the connections
            found.record_value(round(took * 1e6))
    return found, wrong


def figures(quick: bool) -> Iterator[Figure]:
    """Milliseconds from the word to the answer to the last of 200 cancels, stops kept; and seconds until a watchdog has loaded."""
    with _exchange() as (port, _):
        found, wrong = asyncio.run(_runs(port, 5 if quick else 30))
    shares = " ".join(f"p{share:g} {found.get_value_at_percentile(share) / 1e3:.0f}" for share in (50, 90, 99))
    told = f"{shares} max {found.get_max_value() / 1e3:.0f} ms"
    yield figure("kill.cancels", found.get_value_at_percentile(99) / 1e3, wrong=wrong, note=f"{ORDERS} orders, one by one, {KEPT} stops kept; {told}")
    best = min(_loaded() for _ in range(3 if quick else 7))
    yield figure("kill.watchdog", best, note="a fresh Python until the watchdog is loaded and may watch")


def _loaded() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import argosy.desk.watchdog, argosy.venues.alpaca.leaving"], check=True)
    return time.perf_counter() - begun
