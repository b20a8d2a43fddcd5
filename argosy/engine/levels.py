"""The owner's word and the safety levels: commands, latches, breakers, flattening; a level is never cleared without a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core import events as ev
from argosy.core.effects import Alarm, Cancel
from argosy.core.intents import Target
from argosy.core.time import NEVER
from argosy.engine.breakers import Breakers, silence, trips
from argosy.engine.journal import Given, Wanted
from argosy.engine.outcomes import PROTECTIONS
from argosy.engine.state import DARK, FLATTEN, HALT, LIVE, PROBE, REDUCE

if TYPE_CHECKING:
    from argosy.engine.engine import Engine

_NEARLY = 1.0 - 1e-9
LEVELS = {"reduce": REDUCE, "halt": HALT, "flatten": FLATTEN, "dark": DARK, "resume": PROBE}
"""What a word of the owner latches."""


class Levels:
    """Acts on commands, latches and breakers through the engine's own recording.

    watching: whether to look at each market instant and heartbeat; each_row: whether no row may be walked elsewhere
    """

    def __init__(self, engine: Engine, breakers: Breakers) -> None:
        self._engine = engine
        self.breakers = breakers
        self.watching = breakers.watching
        self.each_row = breakers.counting

    # -- the owner's word ------------------------------------------------------------------------------------------------

    def command(self, command: ev.Command) -> None:
        """Do what the owner said; without a reason nothing is done but an alarm."""
        verb, strategy = command.verb, command.strategy
        if not command.reason:
            self._engine.do(Alarm("COMMAND_REASON", f"{verb} by {command.by} has no reason and was not done"))
        elif verb == "cancel":
            self._cancel(command)
        elif strategy:
            self._one(verb, strategy, command.reason)
        elif verb == "flatten" and command.instrument >= 0:
            self._out(command.instrument, command.reason)
        elif verb in LEVELS:
            if verb != "resume" and LEVELS[verb] < self._engine.state.level:
                self._engine.do(Alarm("LEVEL_LATCHED", f"{verb} by {command.by} is less than what is latched; only resume leads down"))
            else:
                self.latch(LEVELS[verb], command.reason, command.by)
        elif verb != "arm":
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

    def _cancel(self, command: ev.Command) -> None:
        """Take orders back, and the wishes they were for; protections stay: `halt` with protections takes those off."""
        engine, found = self._engine, 0
        for i, row in enumerate(engine.state.blotter.open):
            for ticket in list(row.values()):
                order = ticket.order
                names = [share.strategy for share in order.shares]
                if command.order not in (0, order.id) or command.instrument not in (-1, i) or (command.strategy and command.strategy not in names):
                    continue
                if order.tag in PROTECTIONS:
                    if command.order:
                        engine.do(Alarm("PROTECTION_KEPT", f"order {order.id} protects a position: halt with protections takes it off"))
                        return
                    continue
                found += 1
                if not ticket.cancelling:
                    engine.do(Cancel(order.id))
                for name in names:
                    engine.record(Given(name, i, "CANCEL"))
                engine.dirty.add(i)
        if not found:
            engine.do(Alarm("COMMAND_NOTHING", f"cancel by {command.by}: no such order is open"))

    # -- out of positions ------------------------------------------------------------------------------------------------

    def flatten(self, strategy: str, why: str) -> None:
        """Want nothing of what a virtual book holds, or of what may still reach it from an order on its way out."""
        state = self._engine.state
        for i, lots in enumerate(state.portfolio.books[strategy].lots):
            if lots or (strategy, i) in state.wishes:
                self._nothing(strategy, i, why)

    def _out(self, i: int, why: str) -> None:
        """Get everybody out of one instrument; the strategies go on."""
        state = self._engine.state
        for strategy, book in state.portfolio.books.items():
            if (strategy, i) in state.wishes:
                self._engine.record(Given(strategy, i, "FLATTEN"))
            if book.lots[i] or (strategy, i) in state.wishes:
                self._nothing(strategy, i, why)

    def _nothing(self, strategy: str, i: int, why: str) -> None:
        self._engine.record(Wanted(strategy, Target(i, lots=0, why=why), 0, self._engine.state.now, "level"))
        self._engine.dirty.add(i)

    @property
    def flattening(self) -> bool:
        """Whether the level asks for nothing to be held."""
        level = self._engine.state.level
        return level == FLATTEN or (level == DARK and self.breakers.dark == "flatten")

    def verify(self) -> None:
        """While flattening: whoever still holds something and no longer wants nothing of it (an exit ended, a fill came late) does again.

        What the gate or the venue goes on refusing is sent ever more seldom.
        """
        state = self._engine.state
        for strategy, book in state.portfolio.books.items():
            for i, lots in enumerate(book.lots):
                wish = state.wishes.get((strategy, i))
                if lots and i not in state.delisted and (wish is None or wish.lots != 0):
                    self._nothing(strategy, i, "flatten")

    def finish(self) -> None:
        """At FLATTEN and DARK: say once that it is done: nothing is held or open, or at DARK that nothing open can add to what is held."""
        state = self._engine.state
        if state.done or state.level < FLATTEN:
            return
        rest = [ticket.order for i in state.blotter.working() for ticket in state.blotter.open[i].values()]
        held = any(lots and i not in state.delisted for book in state.portfolio.books.values() for i, lots in enumerate(book.lots))
        if held if self.flattening else any(not order.reduce_only for order in rest):
            return
        if self.flattening and rest:
            return
        if state.level == FLATTEN:
            self._engine.do(Alarm("FLAT", "nothing is held and nothing is open"))
        else:
            left = "positions are left to their protections" if held else "nothing is held"
            self._engine.do(Alarm("DESK_DARK", f"the desk may go: {left}", "page"))

    # -- latches ---------------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Look at every market instant from now on, where a breaker is set or the account is being flattened."""
        ending = self._engine.state.level >= FLATTEN
        self.watching = self.breakers.watching or ending
        self.each_row = self.breakers.counting or ending

    def latch(self, level: int, cause: str, by: str = "engine") -> None:
        """Record a level and act on it."""
        now, bare = self._engine.state.now, self._engine.state.unguarded
        self._engine.record(ev.Latch(now, now, level, cause, by))
        self.latched(level)
        if bare and not self._engine.state.unguarded:
            self._engine.dirty |= self._engine.state.portfolio.held

    def latched(self, level: int) -> None:
        """Do what a level asks: from HALT on cancel what can enlarge a position; at FLATTEN close everything."""
        state = self._engine.state
        if level != state.level:
            return  # one from outside that is less than what is latched
        self.watch()
        if level < HALT:
            return
        for row in state.blotter.open:
            for ticket in list(row.values()):
                if not ticket.order.reduce_only and not ticket.cancelling:
                    self._engine.do(Cancel(ticket.order.id))
        if state.unguarded:
            self._engine.dirty |= state.portfolio.held
        for strategy, i in sorted(state.wishes):
            if not self._leaves(strategy, i):
                self._engine.record(Given(strategy, i, f"L{level}"))
                self._engine.dirty.add(i)
        if self.flattening:
            for strategy in state.portfolio.books:
                self.flatten(strategy, "flatten")
        self.finish()

    def _leaves(self, strategy: str, i: int) -> bool:
        """Whether a wish only makes a position smaller, so that no level has to take it away."""
        state = self._engine.state
        wish, held = state.wishes[strategy, i], state.portfolio.books[strategy].lots[i]
        return not wish.rungs and wish.lots is not None and held != 0 and 0 <= wish.lots * (1 if held > 0 else -1) < abs(held)

    # -- breakers --------------------------------------------------------------------------------------------------------

    def check(self, pulse: bool = False) -> None:
        """Latch by the breakers that are set; while flattening verify that nothing is left. pulse: time has passed, perhaps in silence."""
        state, limits = self._engine.state, self.breakers
        if not pulse and state.level < FLATTEN:
            equity, peak, base, storms = state.portfolio.equity, state.peak, state.day_base, state.storms
            lost = base - equity > limits.daily_loss_frac * _NEARLY * base > 0.0 or peak - equity > limits.drawdown_frac * _NEARLY * peak > 0.0
            if not lost and (storms is None or (len(state.drifted) < (limits.drifts or NEVER) and storms.calm(equity, limits))):
                return  # all that a breaker looks at is at least a hair from its limit: `count` would find nothing
        if self.flattening:
            self.verify()
        self.count(pulse)

    def count(self, pulse: bool = False) -> None:
        """Latch by the breakers that are set, and say that a flattening is done."""
        engine = self._engine
        if engine.state.level >= FLATTEN:
            self.finish()
        quiet = silence(engine.state, (i for i, bound in enumerate(engine.dispatch.bound) if bound)) if pulse and self.breakers.silence_s else 0
        for trip in trips(engine.state, self.breakers, quiet):
            if trip.level > max(engine.state.level, LIVE):
                self.latch(trip.level, trip.cause)
                engine.do(Alarm(trip.cause, trip.text, "page"))

    def alert(self) -> tuple[float, float]:
        """When `check` might latch: equity at or below the first, or the second's fraction of the peak below it."""
        state, breakers = self._engine.state, self.breakers
        if state.level >= HALT:
            return float("-inf"), float("inf")
        times = 1.5 if state.level == REDUCE else 1.0
        loss, fall = breakers.daily_loss_frac * times, breakers.drawdown_frac * times
        floor = state.day_base * (1.0 - loss) + 1.0 if loss and state.day_base > 0 else float("-inf")
        return floor, fall * (1.0 - 1e-9) if fall and state.peak > 0 else float("inf")


__all__ = ["LEVELS", "Breakers", "Levels"]
