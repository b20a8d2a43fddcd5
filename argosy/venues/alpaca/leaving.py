"""The emergency door of an account: who comes through it can look, cancel and close, with no proof of arming; it never lets an opening order out.

A stop must work when everything else has ended, the arming too. So this door leads to the live host without one, and what goes through
it is looked at: reads, cancels, and orders that the broker itself refuses where they would open something.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from argosy.core.errors import Misconfigured, Misuse
from argosy.net.guard import Hosts
from argosy.net.http import DEADLINE_S, Calls, Rest
from argosy.net.limits import Budget
from argosy.net.outcome import Failed, Outcome
from argosy.net.secret import Secret
from argosy.venues.alpaca.client import Client, headers
from argosy.venues.alpaca.modes import TRADING, Mode, check_key, place

CLOSING = frozenset({"sell_to_close", "buy_to_close"})
PAIR = frozenset({"simple", "oco"})
RESERVE = 0.5
_CLOSES = re.compile(r"/v2/(orders(/[^/?]+)?|positions/[^/?]+)")


class Leaving:
    """Carries what can only make an account smaller. calls: what carries it on. Misuse("CLOSING_ONLY") for anything else."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def call(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = DEADLINE_S, urgent: bool = False
    ) -> Outcome:
        """One request. All of them are urgent here: after a 429 even a look may use the share of the budget that is kept for cancels."""
        closes = method == "POST" and path == "/v2/orders" and _only_closes(body)
        if not (method == "GET" or closes or (method == "DELETE" and _CLOSES.fullmatch(path))):
            raise Misuse("CLOSING_ONLY", f"{method} {path} may open something", where="the emergency door", fix="the desk sends orders that open")
        return await self._calls.call(method, path, query=query, body=body, deadline_s=deadline_s, urgent=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._calls.close()


class Ending:
    """Carries all that a desk says while its arming holds, and after that what can only get it out: looks, cancels, orders that close.

    armed: the way of the proof, which ends with it; after: a way to the same host without an end; over: whether the arming has ended
    What may not go any more is Failed("ARMING_ENDED"), and surely not sent.
    """

    def __init__(self, armed: Calls, after: Calls, over: Callable[[], bool]) -> None:
        self._armed, self._after, self._over = armed, after, over
        self._shut = False

    def shut(self) -> None:
        """From now on only what gets out passes, whatever time it is: the owner took the arming back."""
        self._shut = True

    async def call(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = DEADLINE_S, urgent: bool = False
    ) -> Outcome:
        """One request."""
        until = time.monotonic() + deadline_s
        if not self._shut and not self._over():
            outcome = await self._armed.call(method, path, query=query, body=body, deadline_s=deadline_s, urgent=urgent)
            if not (isinstance(outcome, Failed) and outcome.cause == "ARMING_ENDED" and not outcome.sent):
                return outcome  # else the end came while it waited for its turn, and what closes still has another way
        closes = method == "POST" and path == "/v2/orders" and _only_closes(body, PAIR)
        if not (method == "GET" or closes or (method == "DELETE" and _CLOSES.fullmatch(path))):
            return Failed("ARMING_ENDED", False, "only orders that close go out now")
        return await self._after.call(method, path, query=query, body=body, deadline_s=max(0.001, until - time.monotonic()), urgent=urgent)

    async def close(self) -> None:
        """Close the connections."""
        await self._armed.close()
        await self._after.close()


def _only_closes(body: bytes, classes: frozenset[str] = frozenset({"simple"})) -> bool:
    """Whether a new order can only close: it says so to the broker, and nothing hangs on it. classes: of order that may pass.

    A pair of stop and target for what is held (oco) has no such word: the broker takes it as an exit or not at all.
    """
    try:
        said: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return False
    if not isinstance(said, dict):
        return False
    kind = said.get("order_class", "simple")
    return kind in classes and (kind == "oco" or said.get("position_intent") in CLOSING)


def leave(mode: Mode, key: Secret, secret: Secret, *, base: str = "", per_minute: int = 200, connections: int = 16) -> Client:
    """A client of its own for an emergency: own connections, own budget, nothing shared with a desk that may hang.

    base: in sim, the exchange's URL. Raises Misconfigured: HOST_FORBIDDEN, MODE, KEY_MODE.
    """
    check_key(mode, key)
    if mode == "live":
        if base and urlsplit(base).hostname != TRADING[mode]:
            raise Misconfigured("HOST_FORBIDDEN", f"{urlsplit(base).hostname} is not the host of live", fix=f"https://{TRADING[mode]}")
        url, hosts = f"https://{TRADING[mode]}", Hosts(frozenset({TRADING[mode]}))
    else:
        where = place(mode, base=base)
        url, hosts = where.trading, where.hosts
    budget = Budget(time.monotonic, time.time, per_minute=per_minute, reserve_frac=RESERVE)
    return Client(Leaving(Rest(url, hosts, headers=headers(key, secret), budget=budget, connections=connections)))
