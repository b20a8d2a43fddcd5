"""Named places at which a crash would be interesting: a drill makes the process die there; in earnest nothing happens.

It never reads the environment and knows no name: each room calls `reach` with its own, such as "journal.write" or "submit.before",
and the rim's main may set `hook`. Until then a place costs one call.
"""

from __future__ import annotations

from collections.abc import Callable

hook: Callable[[str], None] | None = None
"""What is told of each place that is reached, by its name; None: nobody. Only a process's own main sets it, before it begins."""


def reach(name: str) -> None:
    """Say that the place of this name is reached."""
    if hook is not None:
        hook(name)
