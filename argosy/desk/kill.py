"""Gets an account out of risk whatever the desk is doing: cancels what could enlarge a position, closes what nothing guards, looks again.

It goes on until two looks find nothing left to do, says loudly what it cannot do, and never opens anything: its client cannot. It believes
the broker's answers alone: a cancel is done when the order is gone, not when it was asked for.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any, Literal

import msgspec

from argosy.core.points import reach
from argosy.desk.exits import PREFIX, Exit, Flatten, Plan, plan
from argosy.venues.alpaca.answer import Accepted, Refused
from argosy.venues.alpaca.client import Client
from argosy.venues.alpaca.codec import WireOrder
from argosy.venues.alpaca.words import exact

Phase = Literal["regular", "extended", "closed"]
Told = Callable[[str, str, dict[str, Any]], None]
"""Hears what is done: severity (info, warn, page), a word, and the numbers."""
LOOK_S = 3.0
SETTLE_S = 1.0
REPRICE_S = 3.0
AGAIN_S = 5.0
STUCK_S = 10.0
SLOWEST_S = 10.0
MARKET_AFTER = 3
MANY = 20
"""From so many orders on, where none is to be kept, one request ends them all."""


class Result(msgspec.Struct, frozen=True):
    """How it went. clean: nothing was left to do at the last two looks; orders, positions: that are open now (-1 not known)."""

    clean: bool
    looks: int
    cancels: int
    exits: int
    orders: int
    positions: int
    kept: int
    stuck: tuple[str, ...]
    cancelled_ms: float
    took_ms: float


class Kill:
    """One emergency on one account. client: of the emergency door.

    flatten: which positions are closed; collar_frac: how far from the broker's last price an exit may go, more at each attempt
    told: hears what is done; clock: monotonic seconds
    only: an exercise: nothing but the orders whose client ids begin so is touched, and no position
    """

    def __init__(
        self, client: Client, *, flatten: Flatten = "unprotected", collar_frac: float = 0.03, told: Told | None = None, only: str = "",
        clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self.client = client
        self.flatten = flatten
        self.collar = Decimal(repr(collar_frac))
        self.looks = self.cancels = self.exits = 0
        self.orders = self.positions = -1
        self.kept = 0
        self.stuck: dict[str, str] = {}
        self.cancelled = 0.0
        self._only = only
        self._told = told or (lambda severity, word, numbers: None)
        self._clock = clock
        self._chance = chance
        self._name = f"{PREFIX}{os.urandom(4).hex()}"
        self._asked: dict[str, float] = {}
        self._ours: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._phase: tuple[float, Phase] | None = None
        self._quiet_since = 0.0
        self._seen = ""
        self._changed = 0.0

    async def run(self, within_s: float | None = None) -> Result:
        """Go on until it is clean, or, where a time is given, until that is over."""
        begun = self._changed = self._clock()
        pause, bad = 0.05, 0
        while True:
            found = await self.look()
            now = self._clock()
            if found is None:
                bad += 1
                wait = min(SLOWEST_S, 0.25 * 2.0 ** min(bad, 8)) * (0.5 + 0.5 * self._chance())
            elif found.done and self._quiet_since and now - self._quiet_since >= SETTLE_S:
                return self._result(True, begun)
            else:
                bad = 0
                self._quiet_since = (self._quiet_since or now) if found.done else 0.0
                pause = SETTLE_S if found.done else SLOWEST_S if "closed" in self.stuck else min(2.0, pause * 1.5)
                wait = pause
            if within_s is not None and now + wait - begun >= within_s:
                self._say("page", "not clean", {"orders": self.orders, "positions": self.positions, "stuck": list(self.stuck.values())})
                return self._result(False, begun)
            await asyncio.sleep(wait)

    async def look(self) -> Plan | None:
        """Look at the account once and do what follows from it; None where the broker did not tell."""
        reach("kill.look")
        orders = await self.client.orders("open", nested=False, deadline_s=LOOK_S)
        positions = await self.client.positions(deadline_s=LOOK_S)
        self.looks += 1
        if not isinstance(orders, Accepted) or not isinstance(positions, Accepted):
            bad = orders if not isinstance(orders, Accepted) else positions
            self._loud("look", f"the broker does not tell what is open: {_said(bad)}")
            return None
        self.stuck.pop("look", None)
        open_, held = orders.value, positions.value
        if self._only:
            open_, held = [order for order in open_ if order.client_order_id.startswith(self._only)], []
        self.orders, self.positions = len(open_), len(held)
        found = plan(open_, held, self.flatten, self._ours)
        self.kept = len(found.keep)
        self._watch(found)
        await self._cancel_all(found)
        if found.exits or found.ours:
            await self._leave(found)
        return found

    # -- cancels ---------------------------------------------------------------------------------------------------------

    async def _cancel_all(self, found: Plan) -> None:
        """Cancel what could enlarge a position, and ask again for what hangs in its cancelling."""
        now = self._clock()
        late = [order for order in found.waiting if now - self._asked.setdefault(order.id, now) > AGAIN_S]
        for order in late:
            self._loud(order.id, f"the cancel of {order.symbol} {order.id} hangs at the broker")
        wanted = [order for order in found.cancel if now - self._asked.get(order.id, -AGAIN_S) >= AGAIN_S / 10] + late
        if not wanted:
            return
        self._say("warn", "cancelling", {"orders": len(wanted), "kept": len(found.keep)})
        if len(wanted) > MANY and not found.keep and not found.ours and not self._only:
            self.cancels += len(wanted)
            answer = await self.client.cancel_all()
            self.cancelled = self._clock()
            if isinstance(answer, Accepted):
                self._asked.update((order.id, now) for order in wanted)
                return
        await self._cancel(wanted)
        self.cancelled = self._clock()

    async def _cancel(self, orders: list[WireOrder]) -> None:
        """Ask for the end of orders, all at once."""
        now = self._clock()
        self.cancels += len(orders)
        for order in orders:
            self._asked[order.id] = now
        reach("kill.cancel")
        answers = await asyncio.gather(*(self.client.cancel(order.id) for order in orders))
        for order, answer in zip(orders, answers, strict=True):
            if not isinstance(answer, Accepted) and not (isinstance(answer, Refused) and answer.status in (404, 422)):
                del self._asked[order.id]  # it was not asked for after all, as far as anybody knows
                self._loud("cancel", f"a cancel of {order.symbol} did not get through: {_said(answer)}")
        if all(isinstance(answer, Accepted) for answer in answers):
            self.stuck.pop("cancel", None)

    # -- exits -----------------------------------------------------------------------------------------------------------

    async def _leave(self, found: Plan) -> None:
        """Close what is to be closed, where the market lets us; exits that found nobody are priced anew."""
        now = self._clock()
        old = [order for order in found.ours if order.status != "pending_cancel" and now - self._ours.setdefault(order.id, now) > REPRICE_S]
        phase = await self._when()
        if phase == "closed":
            self._loud("closed", "the market is closed: what is held stays as it is, with its stops, until it opens")
            return
        self.stuck.pop("closed", None)
        if old:
            await self._cancel(old)
            for order in old:
                self._tries[order.symbol] = self._tries.get(order.symbol, 0) + 1
        blocking = [order for exit_ in found.exits for order in exit_.held if now - self._asked.get(order.id, -AGAIN_S) >= AGAIN_S]
        if blocking:
            self._say("warn", "freeing", {"orders": len(blocking)})
            await self._cancel([order for order in blocking if order.status != "held"] or blocking)
        ready = [exit_ for exit_ in found.exits if not exit_.held]
        await asyncio.gather(*(self._out(exit_, phase) for exit_ in ready))

    async def _out(self, exit_: Exit, phase: Phase) -> None:
        """Send one exit: a limit with a collar; at the market where that found nobody, or where there is no price."""
        symbol, tries = exit_.symbol, self._tries.get(exit_.symbol, 0)
        self.exits += 1
        reach("kill.exit")
        if phase == "regular" and (exit_.price is None or tries >= MARKET_AFTER):
            answer = await self.client.close_position(symbol, query=f"qty={exact(exit_.qty)}")
        elif exit_.price is None:
            self._loud(symbol, f"{symbol} has no price, and outside regular hours only a limit leaves")
            return
        else:
            name = f"{self._name}-{self.exits}"
            answer = await self.client.submit(self._body(exit_, phase, tries, name), name)
        numbers = {"symbol": symbol, "side": exit_.side, "qty": exact(exit_.qty), "phase": phase, "try": tries, "answer": _said(answer)}
        self._say("warn", "exit", numbers)
        if isinstance(answer, Accepted):
            self._ours[answer.value.id] = self._clock()
            self.stuck.pop(symbol, None)
        else:
            self._tries[symbol] = tries + 1
            self._loud(symbol, f"the exit of {symbol} did not get through: {_said(answer)}")

    def _body(self, exit_: Exit, phase: Phase, tries: int, name: str) -> bytes:
        assert exit_.price is not None  # noqa: S101  (narrows)
        steps = min(tries, 1) if phase == "extended" else tries
        off = self.collar * (1 + steps)
        tick = Decimal("0.01") if exit_.price >= 1 else Decimal("0.0001")
        raw = exit_.price * (1 - off if exit_.side == "sell" else 1 + off)
        limit = max(tick, raw.quantize(tick, ROUND_DOWN if exit_.side == "sell" else ROUND_UP))
        body: dict[str, Any] = {
            "symbol": exit_.symbol, "qty": exact(exit_.qty), "side": exit_.side, "type": "limit", "time_in_force": "day",
            "limit_price": exact(limit), "client_order_id": name, "position_intent": f"{exit_.side}_to_close",
        }  # fmt: skip
        return msgspec.json.encode(body | {"extended_hours": True} if phase == "extended" else body)

    async def _when(self) -> Phase:
        """Which part of the day the market is in, asked every half minute; regular where nobody says."""
        now = self._clock()
        if self._phase is not None and now - self._phase[0] < 30.0:
            return self._phase[1]
        clock = await self.client.clock(deadline_s=LOOK_S)
        if not isinstance(clock, Accepted):
            return self._phase[1] if self._phase is not None else "regular"
        phase: Phase = "regular"
        if clock.value.is_open is False:
            stamp = clock.value.timestamp or ""
            days = await self.client.calendar(stamp[:10], stamp[:10], deadline_s=LOOK_S)
            rows = days.value if isinstance(days, Accepted) else []
            phase = "extended" if any(_extended(row, stamp) for row in rows) else "closed"
        self._phase = (now, phase)
        return phase

    # -- saying so -------------------------------------------------------------------------------------------------------

    def _watch(self, found: Plan) -> None:
        """Say loudly when nothing moves."""
        now = self._clock()
        state = repr([(order.id, order.status, order.filled_qty) for part in (found.cancel, found.waiting, found.ours) for order in part]) + repr(
            [(exit_.symbol, exit_.qty) for exit_ in found.exits]
        )
        if state != self._seen or found.done:
            self._seen, self._changed = state, now
            self.stuck.pop("still", None)
        elif now - self._changed > STUCK_S:
            self._loud("still", f"nothing has moved for {now - self._changed:.0f} s: see the broker's own page")

    def _loud(self, key: str, text: str) -> None:
        if self.stuck.get(key) != text:
            self.stuck[key] = text
            self._say("page", "stuck", {"text": text})

    def _say(self, severity: str, word: str, numbers: dict[str, Any]) -> None:
        self._told(severity, word, numbers)

    def _result(self, clean: bool, begun: float) -> Result:
        now = self._clock()
        return Result(
            clean, self.looks, self.cancels, self.exits, self.orders, self.positions, self.kept, tuple(self.stuck.values()) if not clean else (),
            round(max(0.0, self.cancelled - begun) * 1e3, 1), round((now - begun) * 1e3, 1),
        )  # fmt: skip


def _extended(row: Any, stamp: str) -> bool:
    """Whether a New York time is in the hours around a session, and not in it."""
    now = stamp[11:16].replace(":", "")
    opens, closes = row.open.replace(":", ""), row.close.replace(":", "")
    return row.date == stamp[:10] and (row.session_open or "0400") <= now < (row.session_close or "2000") and not opens <= now < closes


def _said(answer: Any) -> str:
    if isinstance(answer, Accepted):
        return "accepted"
    return f"{answer.code} {answer.text}".strip() if isinstance(answer, Refused) else str(answer.cause)
