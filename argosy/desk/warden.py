"""Keeps one safety level for a desk and whoever else may set it: the latch of the folder, the engine's own, the end of the arming.

It only ever leads up; what leads down is the owner's word. It sends nothing: what follows from a level is the engine's.
"""

from __future__ import annotations

from argosy.core.events import Command, Latch
from argosy.desk import latch
from argosy.desk.node import Node
from argosy.desk.permit import Permit
from argosy.engine.state import DARK, HALT, LIVE
from argosy.venues.alpaca.leaving import Ending


class Warden:
    """The level of one desk. node: that it is of; permit: its arming; ending: its door after the arming, None where there is none."""

    def __init__(self, node: Node, permit: Permit, ending: Ending | None) -> None:
        self.node = node
        self.permit = permit
        self.ending = ending

    def look(self) -> None:
        """Each second: the level of the file and the engine's are one, the higher counts, and DARK ends the desk; the arming must hold."""
        self.latched()
        self._permitted()

    def latched(self) -> None:
        """The higher of the file's level and the engine's is both's."""
        node = self.node
        found, level = latch.read(node.folder.latch), node.engine.state.level
        if found is not None and found.level > level:
            self.latch(found.level, found.cause, found.by)
        elif level > LIVE and (found is None or found.level < level):
            latch.write(node.folder.latch, level, node.engine.state.level_cause, "desk", node.clock.now())
        if node.engine.state.level == DARK and node.engine.state.done:
            node.stop(f"DARK: {node.engine.state.level_cause}")

    def pardoned(self) -> None:
        """A latch that its owner cleared while no desk ran is left as after `resume`: small orders first."""
        node = self.node
        path, found = node.folder.latch, latch.pardoned(node.folder.latch)
        if found is not None and node.engine.state.level > LIVE:
            now = node.clock.now()
            node.step(Command(now, now, "resume", found.by, found.reason))
        latch.taken(path)

    def latch(self, level: int, cause: str, by: str = "desk") -> None:
        """Go up to a level."""
        node = self.node
        if node.engine.state.level < level:
            now = node.clock.now()
            node.step(Latch(now, now, level, cause, by))

    def _permitted(self) -> None:
        """Under an arming: it must still hold; when it does not, entries are taken back and exits alone have a way out."""
        node, permit = self.node, self.permit
        if soon := permit.ends():
            node.alarm("ARMING_ENDS", soon, "page")
        cause = permit.over()
        if cause and self.ending is not None:
            self.ending.shut()
        if cause and node.engine.state.level < HALT:
            node.alarm("DISARMED", f"{cause}: entries are taken back, stops stay, and exits go out as ever", "page")
            self.latch(HALT, f"DISARMED: {cause}")
        if permit.ended():
            held = [row.symbol for row in node.engine.instruments if node.engine.state.portfolio.lots[row.id]]
            text = f"held: {', '.join(held)}; only exits go out from now on, until nothing is held or this desk ends" if held else "nothing is held"
            node.alarm("ARMING_OVER", text, "page")


__all__ = ["Warden"]
