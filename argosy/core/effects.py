"""All that an engine may ask of the world; performing an effect is the rim's work and never happens in here."""

from __future__ import annotations

import msgspec

from argosy.core.orders import Approved


class Submit(msgspec.Struct, frozen=True, gc=False, tag="submit"):
    """Send an approved order (with its legs) to its venue."""

    approved: Approved


class Cancel(msgspec.Struct, frozen=True, gc=False, tag="cancel"):
    """Take an order back; nothing is assumed until the venue says so."""

    order: int


class Amend(msgspec.Struct, frozen=True, gc=False, tag="amend"):
    """Change a working order in place. lots: new total (0 = unchanged); prices nan = unchanged."""

    order: int
    lots: int = 0
    limit: float = float("nan")
    stop: float = float("nan")


class SetTimer(msgspec.Struct, frozen=True, gc=False, tag="set_timer"):
    """Wake the engine with Timer(name, strategy) at `at` ns."""

    name: str
    at: int
    strategy: str = ""


class Note(msgspec.Struct, frozen=True, gc=False, tag="note"):
    """A line for the record that asks for nothing."""

    text: str
    strategy: str = ""


class Alarm(msgspec.Struct, frozen=True, gc=False, tag="alarm"):
    """Something the owner must see. code: stable name; severity: "warn" or "page"."""

    code: str
    text: str
    severity: str = "warn"


Effect = Submit | Cancel | Amend | SetTimer | Note | Alarm
