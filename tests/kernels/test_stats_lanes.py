"""The kernels of statistics that take more than one curve: the same bits plain and compiled, and none is left out."""

from __future__ import annotations

import inspect
import struct
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import stats
from argosy.kernels.kernel import Kernel
from argosy.kernels.stats.rolling import exactly
from argosy.kernels.stats.versus import carried

RETURN = st.one_of(st.sampled_from([0.0, 0.01, -0.01, -1.0, float("nan")]), st.floats(-0.2, 0.2), st.floats(-2.0, 1e200))
PAIRS = st.lists(st.tuples(RETURN, RETURN), max_size=40)
MONEY = st.one_of(st.sampled_from([0.0, 100.0, -5.0, float("nan")]), st.floats(0.0, 1e6))


def bits(values: Any) -> list[bytes | str]:
    return ["nan" if value != value else struct.pack("<d", float(value)) for value in values]


def columns(rows: list[tuple[float, float]]) -> tuple[list[float], list[float], Any, Any]:
    own, other = [row[0] for row in rows], [row[1] for row in rows]
    return own, other, np.array(own, np.float64), np.array(other, np.float64)


@settings(deadline=None, max_examples=120)
@given(PAIRS)
def test_versus(rows: list[tuple[float, float]]) -> None:
    own, other, a, b = columns(rows)
    assert bits(stats.versus.py(own, other)) == bits(stats.versus.jit(a, b))


@settings(deadline=None, max_examples=60)
@given(st.one_of(st.floats(-1e300, 1e300), st.sampled_from([0.0, float("nan"), float("inf")])), st.floats(-1e3, 1e3))
def test_carried(product: float, total: float) -> None:
    assert bits(carried.py(product, total)) == bits(carried.jit(product, total))


@settings(deadline=None, max_examples=120)
@given(PAIRS, st.integers(0, 12), st.sampled_from([252.0, 0.0, float("nan")]))
def test_rolling(rows: list[tuple[float, float]], window: int, ppy: float) -> None:
    own, other, a, b = columns(rows)
    plain = [[0.0] * len(own) for _ in range(4)]
    compiled = [np.zeros(len(own)) for _ in range(4)]
    stats.rolling.py(own, other, window, ppy, *plain)
    stats.rolling.jit(a, b, window, ppy, *compiled)
    for one, two in zip(plain, compiled, strict=True):
        assert bits(one) == bits(two)
    if len(own) > 1:
        assert bits(exactly.py(own, other, 0, len(own))) == bits(exactly.jit(a, b, 0, len(own)))


@settings(deadline=None, max_examples=120)
@given(st.lists(st.tuples(MONEY, st.one_of(st.just(0.0), st.floats(-1e3, 1e3))), max_size=40))
def test_units(rows: list[tuple[float, float]]) -> None:
    equity, flows, a, b = columns(rows)
    plain, compiled = [0.0] * len(equity), np.zeros(len(equity))
    assert stats.units.py(equity, flows, plain) == stats.units.jit(a, b, compiled)
    assert bits(plain) == bits(compiled)


def test_no_kernel_of_the_room_is_left_out() -> None:
    """Those of one curve are found by tests/kernels/test_parity.py; these are the others."""
    import importlib
    import pkgutil

    others = set()
    for module in pkgutil.walk_packages(stats.__path__, stats.__name__ + "."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Kernel) and not set(list(inspect.signature(value.fn).parameters)[1:]) <= {"ppy"}:
                others.add(value)
    assert others == {stats.versus, carried, stats.rolling, exactly, stats.units}
