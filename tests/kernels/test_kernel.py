"""One function, two lanes: what the wrapper promises, and that an edited callee never gives an old answer."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import argosy
from argosy.kernels import ledger
from argosy.kernels.kernel import Kernel, kernel, key, reach

ROOT = Path(argosy.__file__).parent.parent
RATE = 3


@kernel
def tripled(x: int) -> int:
    """Three times x."""
    return x * RATE


@kernel
def above(x: int) -> int:
    return tripled(x) + 1


@kernel
def twice_above(x: int, more: int = 5) -> int:
    return above(x) + tripled(x) + more


@kernel
def factorial(n: int) -> int:
    return 1 if n < 2 else n * factorial(n - 1)


@kernel
def even(n: int) -> bool:
    return True if n == 0 else odd(n - 1)


@kernel
def odd(n: int) -> bool:
    return False if n == 0 else even(n - 1)


@kernel
def ratio(a: float, b: float) -> float:
    return a / b


@kernel
def remainder(a: int, b: int) -> int:
    return a % b


def run(code: str, cache: Path, *path: Path) -> str:
    """What a fresh Python prints."""
    env = {**os.environ, "ARGOSY_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    env.pop("NUMBA_DISABLE_JIT", None)
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_kernel_that_calls_none_is_its_own_plain_lane() -> None:
    assert tripled.py is tripled.fn
    assert ledger.notional.py is ledger.notional.fn


def test_the_plain_lane_is_plain_all_the_way_down() -> None:
    """twice_above(2) = (2 * 3 + 1) + 2 * 3 + 5 = 18."""
    linked = twice_above.py
    assert type(linked) is FunctionType
    inner = linked.__globals__["above"]
    assert type(inner) is FunctionType
    assert inner.__globals__["tripled"] is tripled.fn
    assert linked(2) == 18
    assert linked(2, more=0) == 13
    assert twice_above.py is linked
    assert isinstance(above, Kernel), "the module's own name is left as it was"


def test_calling_a_kernel_is_the_compiled_lane_with_compiled_callees() -> None:
    assert twice_above(2) == twice_above.jit(2) == 18
    assert twice_above.jit is twice_above.jit
    inner = getattr(
        twice_above.jit, "py_func", twice_above.jit
    )  # the function itself where compiling is switched off
    assert inner.__globals__["above"] is above.jit


def test_kernels_may_call_themselves_and_each_other() -> None:
    assert factorial.py(6) == factorial(6) == 720
    assert factorial.py.__globals__["factorial"] is factorial.py
    assert [even.py(n) for n in range(4)] == [True, False, True, False]
    assert odd.py(7) is True


def test_a_closure_is_linked_cell_by_cell_and_not_cached() -> None:
    def make(by: int) -> Kernel[[int], int]:
        inner = kernel(lambda x: x * by)

        @kernel
        def outer(x: int) -> int:
            return inner(x) + by

        return outer

    two, five = make(2), make(5)
    assert (two.py(10), five.py(10)) == (22, 55)
    assert (two(10), five(10)) == (22, 55)
    assert two.cache is None
    assert len(reach(two)) == 2


def test_a_kernel_keeps_the_face_of_its_function_and_travels_by_name() -> None:
    assert tripled.__name__ == "tripled"
    assert tripled.__doc__ == "Three times x."
    assert repr(tripled) == f"<kernel {__name__}.tripled>"
    assert pickle.loads(pickle.dumps(ledger.notional)) is ledger.notional


@pytest.mark.parametrize("thing", [len, int, 3, tripled])
def test_only_a_plain_function_becomes_a_kernel(thing: object) -> None:
    with pytest.raises(TypeError, match="KERNEL_SHAPE"):
        kernel(thing)  # type: ignore[arg-type]


def test_a_kernel_reached_through_a_module_is_refused_in_both_lanes() -> None:
    @kernel
    def wrong(x: int) -> int:
        return ledger.notional(x, 1.0, 1.0)

    with pytest.raises(TypeError, match=r"KERNEL_LINK.*from argosy\.kernels\.ledger import notional"):
        _ = wrong.py
    with pytest.raises(TypeError, match="KERNEL_LINK"):
        _ = wrong.jit


def test_a_kernel_as_a_default_is_refused() -> None:
    @kernel
    def wrong(x: int, by: Kernel[[int], int] = tripled) -> int:
        return by(x)

    with pytest.raises(TypeError, match="KERNEL_LINK"):
        _ = wrong.py


def test_dividing_by_zero_raises_in_both_lanes() -> None:
    for lane in (ratio.py, ratio.jit):
        assert lane(1.0, 4.0) == 0.25
        with pytest.raises(ZeroDivisionError):
            lane(1.0, 0.0)
    for whole in (remainder.py, remainder.jit):
        assert whole(-7, 3) == 2
        with pytest.raises(ZeroDivisionError):
            whole(1, 0)


def test_importing_and_running_plain_kernels_imports_no_compiler(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from argosy.kernels import kernel, ledger, fees, fills, slippage, impact, latency, sizing\n"
        "ledger.apportion.py(10, [1, 2], [0, 0]); fees.fee.py(fees.FREE, 1, 1, 1.0, 1, True, 1e-6)\n"
        "fills.bracket_exit.py(-1, 9.0, 11.0, 10.0, 10.5, 9.5, True, False); latency.delay.py(1, 2, 3, 4)\n"
        "sizing.vol_lots.py(1, 0.1, 0.2, 1.0, 10.0, 1.0); impact.moved.py(1, 1.0, 1.0, 1.0, 1.0, 1.0)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('numba', 'llvmlite')))"
    )
    assert run(code, tmp_path) == "[]"


CALLEE = (
    "from argosy.kernels.kernel import kernel\n@kernel\ndef rate(x: float) -> float:\n    return x * {by}\n"
)
CALLER = (
    "from argosy.kernels.kernel import kernel\nfrom house_of_fees.rates import rate\nfrom house_of_fees.numbers import FLAT\n"
    "@kernel\ndef charge(x: float) -> float:\n    return rate(x) + FLAT\n"
)
ASK = (
    "from house_of_fees.charges import charge\n"
    "print(charge(10.0), charge.py(10.0), sum(charge.jit.stats.cache_hits.values()))"
)


def test_editing_a_callee_or_a_constant_changes_the_result(tmp_path: Path) -> None:
    """A cache keyed by the caller's file alone gives the stale fee."""
    package = tmp_path / "src" / "house_of_fees"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "numbers.py").write_text("FLAT = 1.0\n")
    (package / "rates.py").write_text(CALLEE.format(by="2.0"))
    (package / "charges.py").write_text(CALLER)
    cache = tmp_path / "cache"
    assert run(ASK, cache, package.parent) == "21.0 21.0 0"
    assert run(ASK, cache, package.parent) == "21.0 21.0 1", "the second run takes the code from disk"
    (package / "rates.py").write_text(CALLEE.format(by="3.0"))
    assert run(ASK, cache, package.parent) == "31.0 31.0 0"
    (package / "numbers.py").write_text("FLAT = 5.0\n")
    assert run(ASK, cache, package.parent) == "35.0 35.0 0"
    (package / "numbers.py").write_text("FLAT = 1.0\n")
    (package / "rates.py").write_text(CALLEE.format(by="2.0"))
    assert run(ASK, cache, package.parent).startswith("21.0 21.0 "), "the first key holds the first code"
    assert len(list((cache / "kernels").iterdir())) >= 3


def test_where_nothing_can_be_written_code_is_compiled_for_the_process(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    code = (
        "from argosy.kernels import ledger\n"
        "print(ledger.notional(10, 1.5, 1.0), ledger.notional.cache, type(ledger.notional.jit._cache).__name__)"
    )
    assert run(code, blocked) == "15 None NullCache"
    assert blocked.read_text() == ""


def test_kernels_of_the_house_share_one_cache_and_others_have_their_own() -> None:
    assert key(ledger.notional) == key(ledger.apportion)
    assert key(tripled) != key(ledger.notional)
    assert key(tripled) != key(factorial), "the constants that a kernel names count"
    assert len(key(tripled)) == 32


def test_the_compilers_own_cache_setting_is_left_alone() -> None:
    numba = pytest.importorskip("numba")
    before = numba.config.CACHE_DIR

    @kernel
    def fresh(x: int) -> int:
        return x + 1

    assert fresh(1) == 2
    assert before == numba.config.CACHE_DIR


WRITTEN = """from argosy.kernels.kernel import kernel, watched

@kernel
def part(x: int, sign: int) -> int:
    return x * sign

@kernel
def whole(x: int, sign: int) -> int:
    return part(x, 1) + part(x, -1) + part(x, sign)
"""
HEARD = """from mine import part, watched, whole
names = []
with watched(names.append):
    assert whole(3, 2) == 6
print(*names, len(part.jit.overloads))
"""


def test_whoever_waits_hears_what_is_compiled_and_a_constant_makes_no_code_of_its_own(tmp_path: Path) -> None:
    """`part` is called with 1, -1 and a variable: one version. From disk nothing is compiled, so nothing is told."""
    (tmp_path / "mine.py").write_text(WRITTEN)
    assert run(HEARD, tmp_path / "cache", tmp_path) == "whole part 1"
    assert run(HEARD, tmp_path / "cache", tmp_path).split()[:-1] == []
