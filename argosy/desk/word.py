"""What the owner may say to a desk, and what it does then: each word is recorded before anything happens, with who said it and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from argosy.core.errors import Misuse
from argosy.core.events import Command
from argosy.core.ids import client_order_id
from argosy.desk import latch
from argosy.desk.actions import Actions
from argosy.desk.node import Node
from argosy.desk.status import Minutes, status
from argosy.engine.state import PROTECTIONS

LEVELS = ("reduce", "halt", "dark", "resume")
ONE = ("pause", "unpause", "retire")
Said = Mapping[str, Any]
Answer = Awaitable[Mapping[str, Any]]


class Word:
    """The verbs of one desk.

    minutes: its last decisions; limits: see `status`; reload: takes changed settings, and says what changed
    actions: what companies did to their shares
    way:     how it came to its account, for whoever examines it from another window; keys are in it where the account is a simulated one
    """

    def __init__(
        self, node: Node, minutes: Minutes, limits: Callable[[], tuple[float, float]], reload: Callable[[], Mapping[str, Any]],
        way: Mapping[str, Any] | None = None, actions: Actions | None = None,
    ) -> None:  # fmt: skip
        self._node = node
        self._minutes = minutes
        self._limits = limits
        self._reload = reload
        self._way = way or {}
        self._actions = actions

    def verbs(self) -> dict[str, Callable[[Said], Answer]]:
        """By name."""
        return {
            "status": self.status, "flatten": self.flatten, "cancel": self.cancel, "stop": self.stop, "reload": self.reload, "way": self.way,
            "allow": self.allow,
            **dict.fromkeys(LEVELS, self.level), **dict.fromkeys(ONE, self.one),
        }  # fmt: skip

    async def status(self, said: Said) -> Mapping[str, Any]:
        """How it stands."""
        built: Any = msgspec.to_builtins(status(self._node, self._minutes, self._limits()))
        return {"status": built}

    async def level(self, said: Said) -> Mapping[str, Any]:
        """Set a safety level, or begin to leave it."""
        node = self._node
        before = node.engine.state.level
        if said["verb"] == "resume" and before == 0 and latch.read(node.folder.latch) is None:
            raise Misuse("LEVEL_CLEAR", "no level is latched", fix="`argosy status` shows the level")
        if said["verb"] == "resume":
            by, reason = _why(said)
            latch.clear(node.folder.latch, reason, by, node.clock.now())
        self._command(said["verb"], said)
        return self._stands() | {"before": before}

    async def one(self, said: Said) -> Mapping[str, Any]:
        """Pause, unpause or retire a strategy; pause and unpause without a name mean all of them."""
        node, verb = self._node, said["verb"]
        name = str(said.get("strategy", ""))
        names = [name] if name else [slot.id for slot in node.engine.slots]
        if not name and verb == "retire":
            raise Misuse("STRATEGY_NAME", "which strategy?", fix=f"one of {', '.join(names)}")
        for each in names:
            self._known(each)
            if verb == "unpause" and not name and node.engine.state.status[each] != "paused":
                continue
            self._command(verb, said, each)
        return {"strategies": {each: node.engine.state.status[each] for each in names}}

    async def flatten(self, said: Said) -> Mapping[str, Any]:
        """Close everything (the whole desk's level), what one strategy holds, or what is held of one symbol."""
        node = self._node
        symbol, name = str(said.get("instrument", "")), str(said.get("strategy", ""))
        if name:
            self._known(name)
            self._command("flatten", said, name)
            return {"strategies": {name: node.engine.state.status[name]}}
        i = self._instrument(symbol) if symbol else -1
        self._command("flatten", said, instrument=i)
        return self._stands() | ({"symbol": symbol, "lots": node.engine.state.portfolio.lots[i]} if symbol else {})

    async def cancel(self, said: Said) -> Mapping[str, Any]:
        """Take back an order, or all entries, and give up what wanted them; who wants the same again, wants it anew."""
        node, number = self._node, str(said.get("order", ""))
        tickets = [ticket for open_ in node.engine.state.blotter.open for ticket in open_.values()]
        if number:
            tickets = [ticket for ticket in tickets if number in (str(ticket.order.id), client_order_id(node.desk, ticket.order.id))]
            if not tickets:
                raise Misuse("ORDER_UNKNOWN", f"no open order is called {number!r}", fix="`argosy orders` lists them")
            if tickets[0].order.tag in PROTECTIONS:
                raise Misuse("ORDER_PROTECTS", "it guards a position, and another would take its place", fix="flatten the position instead")
        tickets = [ticket for ticket in tickets if ticket.order.tag not in PROTECTIONS]
        if tickets:
            self._command("cancel", said, order=tickets[0].order.id if number else 0)
        return {"orders": [ticket.order.id for ticket in tickets]}

    async def allow(self, said: Said) -> Mapping[str, Any]:
        """Trade a symbol again that a merger or the like stopped."""
        by, reason = _why(said)
        symbol = str(said.get("instrument", ""))
        if self._actions is None:
            raise Misuse("ACTION_NONE", "this desk asks for no corporate actions", where="SYMBOL", fix="`argosy status` shows what is halted")
        return {"symbol": symbol, "after": self._actions.allow(symbol, by, reason)}

    async def stop(self, said: Said) -> Mapping[str, Any]:
        """End the desk; positions keep their stops."""
        self._node.stop(f"stopped by {said.get('by') or 'its owner'}: {said.get('reason') or 'no reason given'}")
        return {"state": "stopping"}

    async def reload(self, said: Said) -> Mapping[str, Any]:
        """Take the settings that have changed, where they may."""
        return self._reload()

    async def way(self, said: Said) -> Mapping[str, Any]:
        """How the desk came to its account."""
        return self._way

    def _command(self, verb: str, said: Said, strategy: str = "", instrument: int = -1, order: int = 0) -> None:
        by, reason = _why(said)
        now = self._node.clock.now()
        self._node.step(Command(now, now, verb, by, reason, strategy, instrument, order, verb == "halt" and bool(said.get("protections"))))

    def _stands(self) -> dict[str, Any]:
        state = self._node.engine.state
        return {"level": state.level, "cause": state.level_cause}

    def _known(self, name: str) -> None:
        names = [slot.id for slot in self._node.engine.slots]
        if name not in names:
            raise Misuse("STRATEGY_UNKNOWN", f"no strategy is named {name!r}", fix=f"it runs: {', '.join(names)}")

    def _instrument(self, symbol: str) -> int:
        instruments = self._node.engine.instruments
        if symbol not in instruments:
            raise Misuse("INSTRUMENT_UNKNOWN", f"{symbol!r} is not traded here", fix=f"it trades: {', '.join(instruments.symbols)}")
        return instruments[symbol].id


def _why(said: Said) -> tuple[str, str]:
    reason = str(said.get("reason", "")).strip()
    if not reason:
        raise Misuse("COMMAND_REASON", f"{said['verb']} needs a reason, which is kept in the journal", fix='say why: --reason "..."')
    return str(said.get("by", "") or "owner"), reason
