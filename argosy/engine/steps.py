"""What of a step strategy machine code can take, and what it would do otherwise; it compiles and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from argosy.core.strategy import Declaration
from argosy.engine.slot import Slot, bare_type
from argosy.kernels.plain import Foreign, foreign

_CODES: dict[Any, str] = {float: "f8", int: "i8", bool: "?"}
OUT = np.dtype([(name, "f8") for name in ("target", "limit", "stop", "take")])
ROW = np.dtype(
    [(name, "i8") for name in ("ts", "known", "instrument")]
    + [(name, "f8") for name in ("open", "high", "low", "close", "volume")]
    + [("span", "i8")]
)
TICK = np.dtype(
    [(name, "i8") for name in ("ts", "known", "instrument", "kind")] + [("price", "f8"), ("size", "f8"), ("side", "i8")]
    + [(name, "f8") for name in ("bid", "ask", "bid_size", "ask_size")] + [("held", "f8")]
)  # fmt: skip
_FITS: dict[Any, tuple[type, ...]] = {float: (float, int), int: (int,), bool: (bool,)}
_LONG: dict[str, float] = {"f8": 1 << 53, "i8": 1 << 31, "?": 1}
"""The largest number of a field that machine code counts on from."""


def struct_type(struct: msgspec.Struct) -> np.dtype[Any] | None:
    """The record type of a Struct of numbers, as machine code takes it; None when it holds anything else."""
    fields = []
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        kind = bare_type(field.type)
        code = _CODES.get(kind)
        if code is None or type(value) not in _FITS[kind] or (type(value) is not float and abs(value) > _LONG[code]):
            return None
        fields.append((field.name, code))
    return np.dtype(fields or [("_", "f8")])


def strange(declaration: Declaration) -> Foreign | None:
    """What keeps a step from meaning the same as machine code; None when nothing does."""
    state, params, step = struct_type(declaration.state()), struct_type(declaration.params), declaration.step
    if declaration.state.__struct_config__.frozen or any(name in vars(declaration.state) for name in ("__setattr__", "__getattribute__")):
        return Foreign(0, "its state is not a plain Struct that can be written to", "leave out frozen, __setattr__ and __getattribute__")
    if state is None or params is None:
        return Foreign(0, "its state or params hold more than small numbers", "keep floats, ints below 2**31 and bools in them")
    if step is None:
        return Foreign(0, "it has no step", "write what it does on a bar as a step")
    whole = [name for name in declaration.scaled if state[name].kind == "i"]
    if whole:
        return Foreign(0, f"state.{whole[0]} is a whole number and follows splits", "make it a float")
    needs, given = dict.fromkeys(declaration.needs, "f"), _kinds(params)
    given |= {name: "m" for name, kind in given.items() if kind == "f" and type(getattr(declaration.params, name)) is int}
    row = _kinds(TICK if declaration.ticks else ROW)
    return foreign(step, {"row": row, "needs": needs, "state": _kinds(state), "params": given, "out": _kinds(OUT)})


def _kinds(record: np.dtype[Any]) -> dict[str, str]:
    """The kinds of a record's fields, as `kernels.plain` names them."""
    return {name: record[name].kind for name in record.names or () if name != "_"}


def hint(slots: Sequence[Slot]) -> str:
    """How the one step of a run would have to be written to be compiled; "" where its step is not the reason."""
    declaration = slots[0].declaration if len(slots) == 1 else None
    found = strange(declaration) if declaration is not None and declaration.step is not None else None
    return "" if found is None else str(found)
