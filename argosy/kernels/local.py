"""A record kept where machine code keeps its numbers, in registers instead of memory; it changes no number and no result.

    mine = local(records[0])      # a copy of one record; what is written to it is written nowhere else
    keep(records[0], mine)        # until it is written back
    bits(mine.price)              # a float as the integer with its 64 bits: equal only to itself, nan too, and 0.0 is not -0.0

Compiled, the copy lies on the stack, and the compiler takes it apart into single numbers when all that use it are compiled
in. Plain, it is a shallow copy of whatever it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from importlib import import_module
from struct import pack, unpack
from typing import Any

from argosy.kernels.kernel import Kernel


def _local(record: Any) -> Any:
    """A copy of a record or of an object with attributes."""
    return copy(record)


def _keep(target: Any, record: Any) -> None:
    """Write a copy back: every attribute of a Struct, or of an object with slots."""
    for name in getattr(record, "__struct_fields__", None) or record.__slots__:
        setattr(target, name, getattr(record, name))


def _bits(value: float) -> int:
    """The 64 bits of a float as a signed integer."""
    found: int = unpack("<q", pack("<d", value))[0]
    return found


def _moved(ir: Any, cgutils: Any, builder: Any, target: Any, source: Any, size: int) -> None:
    byte = ir.IntType(8).as_pointer()
    both = (builder.bitcast(each, byte) for each in (target, source))
    cgutils.raw_memcpy(builder, *both, ir.Constant(ir.IntType(64), size), 1)


def _local_typed(extending: Any, ir: Any, cgutils: Any) -> Any:
    def typed(typing: Any, record: Any) -> Any:
        def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            with builder.goto_entry_block():
                slot = builder.alloca(ir.ArrayType(ir.IntType(8), record.size))
                slot.align = 16
            _moved(ir, cgutils, builder, slot, given[0], record.size)
            return builder.bitcast(slot, given[0].type)

        return record(record), made

    return extending.intrinsic(typed)


def _keep_typed(extending: Any, ir: Any, cgutils: Any) -> Any:
    none = import_module("numba.core.types").none

    def typed(typing: Any, target: Any, record: Any) -> Any:
        def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            _moved(ir, cgutils, builder, given[0], given[1], record.size)
            return context.get_dummy_value()

        return none(target, record), made

    return extending.intrinsic(typed)


def _bits_typed(extending: Any, ir: Any, cgutils: Any) -> Any:
    types = import_module("numba.core.types")

    def typed(typing: Any, value: Any) -> Any:
        def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return builder.bitcast(given[0], ir.IntType(64))

        return types.int64(types.float64), made

    return extending.intrinsic(typed)


class Instruction(Kernel[..., Any]):
    """A kernel whose compiled lane is made of instructions, for the language has no word for it; use `jit` once before linking."""

    def __init__(self, function: Callable[..., Any], typed: Callable[[Any, Any, Any], Any]) -> None:
        super().__init__(function)
        self._typed = typed

    @cached_property
    def jit(self) -> Any:
        """What the compiler puts in the place of a call."""
        return self._typed(import_module("numba.extending"), import_module("llvmlite.ir"), import_module("numba.core.cgutils"))


local = Instruction(_local, _local_typed)
"""A copy of one record that machine code keeps in registers."""
keep = Instruction(_keep, _keep_typed)
"""Writes such a copy over a record of the same kind."""
bits = Instruction(_bits, _bits_typed)
"""The 64 bits of a float."""
