"""The owner's word and the safety levels: commands, latches, breakers, flattening; a level is never cleared without a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from argosy.core import events as ev
from argosy.core.effects import Alarm, Cancel
from argosy.core.intents import Target
from argosy.engine.journal import Given, Wanted
from argosy.engine.state import DARK, FLATTEN, HALT, LIVE, PROBE, REDUCE

if TYPE_CHECKING:
    from argosy.engine.engine import Engine


class Breakers(msgspec.Struct, frozen=True):
    """When the engine latches a level by itself: at the limit REDUCE, at half as much again HALT; 0 = never.

    In the lab nothing latches unless asked (the gate's rules refuse by code); a desk sets both.
    """

    daily_loss_frac: float = 0.0
    drawdown_frac: float = 0.0
    probe_clean: int = 3

    @property
    def watching(self) -> bool:
        return self.daily_loss_frac > 0.0 or self.drawdown_frac > 0.0


class Levels:
    """Acts on commands, latches and breakers through the engine's own recording."""

    def __init__(self, engine: Engine, breakers: Breakers) -> None:
        self._engine = engine
        self.breakers = breakers
        self.watching = breakers.watching

    def command(self, command: ev.Command) -> None:
        """Do what the owner said; without a reason nothing is done but an alarm."""
        verb, strategy = command.verb, command.strategy
        if not command.reason:
            self._engine.do(Alarm("COMMAND_REASON", f"{verb} by {command.by} has no reason and was not done"))
            return
        if strategy:
            self._one(verb, strategy, command.reason)
            return
        levels = {"reduce": REDUCE, "halt": HALT, "flatten": FLATTEN, "dark": DARK, "resume": PROBE}
        if verb != "resume" and levels.get(verb, DARK) < self._engine.state.level:
            self._engine.do(Alarm("LEVEL_LATCHED", f"{verb} by {command.by} is less than what is latched; only resume leads down"))
        elif verb in levels:
            self.latch(levels[verb], command.reason, command.by)
        else:
            self._engine.do(Alarm("COMMAND_UNKNOWN", f"{verb!r} is no command of a desk"))

    def _one(self, verb: str, strategy: str, reason: str) -> None:
        if strategy not in self._engine.dispatch.by_id:
            self._engine.do(Alarm("STRATEGY_UNKNOWN", f"no strategy is named {strategy!r}"))
        elif verb == "pause":
            self._engine.stand(strategy, "paused", reason)
        elif verb == "unpause" and self._engine.state.status[strategy] not in ("paused", "active"):
            self._engine.do(Alarm("STRATEGY_STANDING", f"{strategy} is {self._engine.state.status[strategy]}, not paused"))
        elif verb == "unpause":
            self._engine.stand(strategy, "active", reason)
        elif verb == "flatten":
            self._engine.stand(strategy, "paused", reason)
            self.flatten(strategy, reason)
        elif verb == "retire":
            self._engine.stand(strategy, "retired", reason)
            self.flatten(strategy, reason)
        else:
            self._engine.do(Alarm("COMMAND_UNKNOWN", f"{verb!r} is no command of a strategy"))

    def flatten(self, strategy: str, why: str) -> None:
        """Want nothing of what a virtual book holds, or of what may still reach it from an order on its way out."""
        state = self._engine.state
        for i, lots in enumerate(state.portfolio.books[strategy].lots):
            if lots or (strategy, i) in state.wishes:
                self._engine.record(Wanted(strategy, Target(i, lots=0, why=why), 0, state.now, "level"))
                self._engine.dirty.add(i)

    def verify(self) -> None:
        """At FLATTEN: whoever still holds something and no longer wants nothing of it (an exit ended, a fill came late) does again."""
        state = self._engine.state
        for strategy, book in state.portfolio.books.items():
            for i, lots in enumerate(book.lots):
                wish = state.wishes.get((strategy, i))
                if lots and i not in state.delisted and (wish is None or wish.lots != 0):
                    self._engine.record(Wanted(strategy, Target(i, lots=0, why="flatten"), 0, state.now, "level"))
                    self._engine.dirty.add(i)

    def watch(self) -> None:
        """Look at every market instant from now on, where a breaker is set or the account is being flattened."""
        self.watching = self.breakers.watching or self._engine.state.level == FLATTEN

    def latch(self, level: int, cause: str, by: str = "engine") -> None:
        """Record a level and act on it."""
        now = self._engine.state.now
        self._engine.record(ev.Latch(now, now, level, cause, by))
        self.latched(level)

    def latched(self, level: int) -> None:
        """Do what a level asks: from HALT on cancel what can enlarge a position; at FLATTEN close everything."""
        self.watch()
        if level < HALT:
            return
        for row in self._engine.state.blotter.open:
            for ticket in list(row.values()):
                if not ticket.order.reduce_only and not ticket.cancelling:
                    self._engine.do(Cancel(ticket.order.id))
        state = self._engine.state
        for strategy, i in sorted(state.wishes):
            if not self._leaves(strategy, i):
                self._engine.record(Given(strategy, i, f"L{level}"))
                self._engine.dirty.add(i)
        if level == FLATTEN:
            for strategy in self._engine.state.portfolio.books:
                self.flatten(strategy, "flatten")

    def _leaves(self, strategy: str, i: int) -> bool:
        """Whether a wish only makes a position smaller, so that no level has to take it away."""
        state = self._engine.state
        wish, held = state.wishes[strategy, i], state.portfolio.books[strategy].lots[i]
        return not wish.rungs and wish.lots is not None and held != 0 and 0 <= wish.lots * (1 if held > 0 else -1) < abs(held)

    def check(self) -> None:
        """Latch by daily loss and drawdown, where the breakers are set; at FLATTEN verify that nothing is left."""
        state, breakers = self._engine.state, self.breakers
        if state.level == FLATTEN:
            self.verify()
        equity = state.portfolio.equity
        for limit, start, cause in (
            (breakers.daily_loss_frac, state.day_start, "DAILY_LOSS"),
            (breakers.drawdown_frac, state.peak, "DRAWDOWN"),
        ):
            if not limit or start <= 0:
                continue
            lost = (start - equity) / start
            level = HALT if lost >= 1.5 * limit else REDUCE if lost >= limit else LIVE
            if level > max(state.level, LIVE):
                self.latch(level, cause)

    def alert(self) -> tuple[float, float]:
        """When `check` might latch: equity at or below the first, or the second's fraction of the peak below it."""
        state, breakers = self._engine.state, self.breakers
        if state.level >= HALT:
            return float("-inf"), float("inf")
        times = 1.5 if state.level == REDUCE else 1.0
        loss, fall = breakers.daily_loss_frac * times, breakers.drawdown_frac * times
        floor = state.day_start * (1.0 - loss) + 1.0 if loss and state.day_start > 0 else float("-inf")
        return floor, fall * (1.0 - 1e-9) if fall and state.peak > 0 else float("inf")
