"""What a desk trades and by which rules, written beside its journal, so that the journal can be read by whoever does not run the desk."""

from __future__ import annotations

from pathlib import Path

import msgspec

from argosy.core.errors import Misuse
from argosy.core.instrument import Instrument
from argosy.engine.engine import Engine

NAME = "desk.json"


class Nameplate(msgspec.Struct, frozen=True):
    """base: currency; instruments: by id; rules: codes of the gate's rules that bind; exits: of those, the ones asked of exits too."""

    base: str
    instruments: list[Instrument]
    rules: list[str]
    exits: list[str]


def write(engine: Engine, root: Path) -> Nameplate:
    """Put the plate of a wired desk into its folder."""
    binding = [rule for rule in engine.gate.rules if getattr(rule, "binds", True)]
    plate = Nameplate(
        engine.state.portfolio.base, list(engine.instruments), [rule.code for rule in binding], [rule.code for rule in binding if rule.guards_exits]
    )
    (root / NAME).write_bytes(msgspec.json.format(msgspec.json.encode(plate), indent=1))
    return plate


def read(root: Path) -> Nameplate:
    """The plate in a desk's folder; Misuse("DESK_PLATE") where there is none or it cannot be read."""
    try:
        return msgspec.json.decode((root / NAME).read_bytes(), type=Nameplate)
    except (OSError, msgspec.MsgspecError) as error:
        what = f"the desk does not say what it traded: {error}"
        raise Misuse("DESK_PLATE", what, where=str(root), fix="name a folder that `argosy run` made") from error
