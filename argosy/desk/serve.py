"""A desk as a process: until it is told to end by a signal, by its owner or by a drill; it decides nothing about what the desk does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from argosy.core import points
from argosy.core.errors import Misconfigured
from argosy.desk.run import Asked, Desk

CRASH = "ARGOSY_CRASH"
"""A drill: "journal.write:3" kills the process at the third time it reaches that place."""


def crash_points(text: str) -> None:
    """Die where a drill wants it: "name:n" kills this process at the n-th time it reaches the place. Misconfigured("CRASH_POINT")."""
    name, _, count = text.partition(":")
    if not name or not (count or "1").isdigit():
        raise Misconfigured("CRASH_POINT", f"{text!r} names no place", where=CRASH, fix="write it like journal.write:3")
    left = int(count or 1)

    def reached(place: str) -> None:
        nonlocal left
        if place == name:
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    points.hook = reached


def serve(asked: Asked, told: Callable[[str, Mapping[str, Any]], None], *, every_s: float = 0.0, for_s: float = 0.0) -> int:
    """Run a desk in this process until SIGINT or SIGTERM; its exit status.

    told: hears what goes on, and every `every_s` seconds ("status", fields of `Status`); for_s: end by itself after so many seconds, 0: never
    """
    if os.environ.get(CRASH):
        crash_points(os.environ[CRASH])

    async def main() -> int:
        desk = Desk(asked, told)
        loop = asyncio.get_running_loop()
        running = asyncio.ensure_future(desk.run())

        def stop(why: str) -> None:
            if desk.ready.is_set():
                desk.node.stop(why)
            else:
                running.cancel()

        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, stop, one.name)
        if for_s:
            loop.call_later(for_s, stop, "its time is over")
        look = asyncio.ensure_future(_look(desk, every_s)) if every_s else None
        try:
            return await running
        except asyncio.CancelledError:
            return 0
        finally:
            if look is not None:
                look.cancel()

    try:
        import uvloop
    except ImportError:
        return asyncio.run(main())
    return uvloop.run(main())


async def _look(desk: Desk, every_s: float) -> None:
    await desk.ready.wait()
    while True:
        await asyncio.sleep(every_s)
        if desk.node.stopping.is_set():  # what is said last is that it ended
            return
        desk.look()
