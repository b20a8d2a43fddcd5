"""A connection that is kept: opened, greeted, watched for silence, opened again; its attempts never become a storm."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from argosy.core.errors import ArgosyError
from argosy.net.backoff import Backoff
from argosy.net.cassette import Recorder
from argosy.net.guard import Hosts
from argosy.net.link import LARGEST, OPEN_S, Link, open_link

HEALTHY_S = 10.0
"""A connection that lived this long after its greeting was a good one: the next delay begins small."""


class Denied(Exception):
    """The other side refused the greeting. code: its number; wait_s: seconds to stay away at least; final: never try again."""

    def __init__(self, code: int, text: str, *, wait_s: float = 0.0, final: bool = False) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.wait_s = wait_s
        self.final = final


class Part(Protocol):
    """What speaks on a stream.

    A message may be heard before `greet` returns, and before it begins; `greet` raises Denied when it was refused.
    """

    def heard(self, message: bytes) -> None: ...
    async def greet(self, link: Link) -> None:
        """Log in and subscribe on a new connection, until it is ready."""

    def up(self) -> None:
        """It is ready."""

    def down(self, why: str) -> None:
        """It is gone, or could not be had; another attempt follows unless it was final."""


class Stream:
    """One kept websocket.

    ping_s:    a ping is sent after this long without anything; silence_s: the connection is given up after this long
    mute_s:    it is given up after this long without a *message*, pongs or not; 0: never
    by:        "picows", "aiohttp" or "" for the best there is; recorder: keeps what is received
    """

    def __init__(
        self, url: str, hosts: Hosts, part: Part, *, headers: Mapping[str, str] | None = None, ping_s: float = 10.0,
        silence_s: float = 25.0, mute_s: float = 0.0, greet_s: float = 10.0, largest: int = LARGEST, backoff: Backoff | None = None,
        by: str = "", recorder: Recorder | None = None, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        hosts.check(url)
        self.url = url
        self._hosts = hosts
        self._part = part
        self._headers = dict(headers or {})
        self._ping_s, self._silence_s, self._mute_s, self._greet_s = ping_s, silence_s, mute_s, greet_s
        self._largest = largest
        self._backoff = backoff or Backoff(random.random, time.monotonic)
        self._by = by
        self._recorder = recorder
        self._sleep = sleep
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._heard_ns = 0
        self._count = 0
        self.attempts = 0
        self.ready = asyncio.Event()

    @property
    def link(self) -> Link | None:
        """The connection at hand, None between two."""
        return self._link

    def start(self) -> asyncio.Task[None]:
        """Keep it up from now on; the task ends when it is closed, or at a final refusal with Denied."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep(), name=f"stream {self.url}")
        return self._task

    async def close(self) -> None:
        """End it for good."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def drop(self) -> None:
        """Give this connection up and open another."""
        if self._link is not None:
            self._link.close()

    def send(self, message: bytes, binary: bool = False) -> bool:
        """Send on the connection at hand; False where there is none."""
        if self._link is None or self._link.closed.done():
            return False
        self._link.send(message, binary)
        return True

    def heard(self, message: bytes) -> None:
        """A message came; the part gets it at once."""
        self._count += 1
        if self._recorder is not None:
            self._recorder.frame(self.url, message)
        self._part.heard(message)

    async def _keep(self) -> None:
        at_least = 0.0
        while True:
            await self._sleep(self._backoff.delay(at_least))
            self.attempts += 1
            at_least, why = 0.0, ""
            try:
                why = await self._once()
            except Denied as denied:
                why, at_least = f"denied {denied.code}: {denied.text}", denied.wait_s
                if denied.final:
                    self._part.down(why)
                    raise
            except OSError as error:
                why = f"{type(error).__name__}: {error}"
            except ArgosyError as error:
                self._part.down(str(error))
                raise
            self._part.down(why)

    async def _once(self) -> str:
        """One connection from its opening to its end; why it ended."""
        ear = self if self._recorder is not None or self._mute_s else self._part
        link = await open_link(self.url, self._hosts, ear, headers=self._headers, largest=self._largest, open_s=OPEN_S, by=self._by)
        self._link = link
        begun = time.monotonic()
        watch: asyncio.Task[str] | None = None
        try:
            greeting = asyncio.ensure_future(self._part.greet(link))
            try:
                await asyncio.wait((greeting, link.closed), timeout=self._greet_s, return_when=asyncio.FIRST_COMPLETED)
                if not greeting.done() and link.closed.done():
                    await asyncio.wait((greeting,), timeout=0.05)  # a refusal may lie there unread
                if not greeting.done():
                    return "closed while greeting" if link.closed.done() else "no answer to the greeting"
                await greeting
            finally:
                if not greeting.done():
                    greeting.cancel()
                    await asyncio.gather(greeting, return_exceptions=True)
            begun = time.monotonic()
            self.ready.set()
            self._part.up()
            watch = asyncio.ensure_future(self._watch(link))
            await asyncio.wait((watch, link.closed), return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                return watch.result()
            code, text = link.closed.result()
            return f"closed {code} {text}".rstrip()
        finally:
            self.ready.clear()
            self._link = None
            if watch is not None and not watch.done():
                watch.cancel()
            if not link.closed.done():
                link.close()
                await asyncio.wait({link.closed}, timeout=1.5)
            if time.monotonic() - begun >= HEALTHY_S:
                self._backoff.calm()

    async def _watch(self, link: Link) -> str:
        """Return why, when the connection has been silent or mute for too long."""
        pinged = False
        count = self._count
        since = last = time.monotonic()
        step = min(self._ping_s, self._silence_s, self._mute_s or self._ping_s) / 4.0
        while True:
            await asyncio.sleep(step)
            now = time.monotonic()
            if link.alive:
                link.alive, last, pinged = False, now, False
            elif now - last >= self._silence_s:
                return f"silent for {now - last:.1f} s"
            elif now - last >= self._ping_s and not pinged:
                pinged = True
                link.ping()
            if self._mute_s:
                if self._count != count:
                    count, since = self._count, now
                elif now - since >= self._mute_s:
                    return f"mute for {now - since:.1f} s"
