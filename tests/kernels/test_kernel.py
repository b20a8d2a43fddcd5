"""The kernel wrapper: both lanes link their own callees, numba waits, and an edited callee never gives an old answer."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from argosy.core.errors import Misuse
from argosy.kernels import kernel as room
from argosy.kernels import ledger
from argosy.kernels.kernel import Kernel, kernel, key, reach

ROOT = Path(room.__file__).resolve().parents[2]
RATE = 3.0


@kernel
def inner(x: float) -> float:
    return x * RATE


@kernel
def outer(x: float, plus: float = 1.0) -> float:
    return inner(x) + plus


@kernel
def through_module(x: float) -> int:
    return ledger.notional(1, x, 1.0)


def run(code: str, **env: str) -> str:
    """The output of a fresh interpreter."""
    path = env.pop("path", str(ROOT))
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join([path, str(ROOT)]), "PYTHONWARNINGS": "error", **env}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=settings, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_both_lanes_and_defaults() -> None:
    """2 * 3 + 1 = 7; 2 * 3 + 0.5 = 6.5."""
    assert [outer.py(2.0), outer.jit(2.0), outer(2.0)] == [7.0, 7.0, 7.0]
    assert [outer.py(2.0, 0.5), outer.jit(2.0, 0.5)] == [6.5, 6.5]


def test_the_plain_lane_calls_plain_callees() -> None:
    linked = outer.py.__globals__["inner"]  # type: ignore[attr-defined]
    assert not isinstance(linked, Kernel)
    assert linked(2.0) == 6.0
    assert inner.py is inner.fn, "a kernel that calls none is not rebuilt"


def test_reach_names_all_callees() -> None:
    assert reach(outer) == (outer, inner)


def test_a_callee_through_a_module_is_misuse() -> None:
    with pytest.raises(Misuse, match="KERNEL_LINK"):
        _ = through_module.py


def test_only_plain_functions_are_kernels() -> None:
    with pytest.raises(Misuse, match="KERNEL_SHAPE"):
        kernel(len)


def test_a_kernel_travels_by_name() -> None:
    assert pickle.loads(pickle.dumps(ledger.notional)) is ledger.notional


def test_division_by_zero_raises_in_both_lanes() -> None:
    @kernel
    def divide(a: float, b: float) -> float:
        return a / b

    for lane in (divide.py, divide.jit):
        with pytest.raises(ZeroDivisionError):
            lane(1.0, 0.0)


def test_a_closure_over_a_kernel_is_linked_and_not_cached() -> None:
    local = inner

    @kernel
    def closed(x: float) -> float:
        return local(x) + 1.0

    assert closed.py(2.0) == closed.jit(2.0) == 7.0
    assert closed.cache is None


def test_importing_every_kernel_module_does_not_import_numba() -> None:
    code = """
import pkgutil, sys, importlib, argosy.kernels as k
names = [m.name for m in pkgutil.walk_packages(k.__path__, "argosy.kernels.")]
for name in names: importlib.import_module(name)
from argosy.kernels.ledger import notional
notional.py(3, 10.0, 1.0)
print(len(names) > 5, "numba" in sys.modules, "llvmlite" in sys.modules)
"""
    assert run(code) == "True False False"


CALLEE = "from argosy.kernels.kernel import kernel\n@kernel\ndef rate(x):\n    return x * {}\n"
CALLER = "from argosy.kernels.kernel import kernel\nfrom callee import rate\n@kernel\ndef cost(x):\n    return rate(x) + 1.0\n"
ASK = "from caller import cost\nfrom argosy.kernels.kernel import key\nprint(cost(2.0), cost.py(2.0), key(cost), cost.jit.stats.cache_hits)"


def ask(place: Path, factor: float) -> tuple[float, float, str, int]:
    (place / "callee.py").write_text(CALLEE.format(factor))
    words = run(ASK, path=str(place), ARGOSY_CACHE=str(place / "cache")).split()
    hits = eval(" ".join(words[3:]).replace("Counter", "")) if "{" in words[3] or "(" in words[3] else {}
    return float(words[0]), float(words[1]), words[2], sum(hits.values()) if isinstance(hits, dict) else 0


def test_editing_a_callee_changes_the_result_and_the_key(tmp_path: Path) -> None:
    """2 * 3 + 1 = 7, then 2 * 5 + 1 = 11, though the caller's file did not change; and 3 again finds the first code again."""
    (tmp_path / "caller.py").write_text(CALLER)
    first = ask(tmp_path, 3.0)
    again = ask(tmp_path, 3.0)
    edited = ask(tmp_path, 5.0)
    assert (first[:2], again[:2], edited[:2]) == ((7.0, 7.0), (7.0, 7.0), (11.0, 11.0))
    assert first[2] == again[2] != edited[2]
    assert (first[3], again[3], edited[3]) == (0, 1, 0), "the second run finds compiled code, the edited one does not"


def test_a_constant_from_elsewhere_changes_the_key(tmp_path: Path) -> None:
    """The kernel's file stays the same; the number that it imports does not."""
    (tmp_path / "caller.py").write_text("from callee import F\n" + CALLER.replace("from callee import rate\n", "").replace("rate(x)", "x * F"))
    results = []
    for factor in ("3.0", "5.0"):
        (tmp_path / "callee.py").write_text(f"F = {factor}\n")
        results.append(run("from caller import cost; print(cost(2.0))", path=str(tmp_path), ARGOSY_CACHE=str(tmp_path / "cache")))
    assert results == ["7.0", "11.0"]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    code = "from argosy.kernels.ledger import notional as n; print(n(3, 10.0, 1.0), n.cache)"
    assert run(code, ARGOSY_CACHE=str(blocked)) == "30 None"


def test_numba_s_own_setting_is_left_as_it_was() -> None:
    code = "import numba; numba.config.CACHE_DIR = 'mine'; from argosy.kernels.ledger import notional as n; n(3, 1.0, 1.0); print(numba.config.CACHE_DIR)"
    assert run(code) == "mine"


def test_kernels_of_the_house_share_one_key() -> None:
    assert key(ledger.notional) == key(ledger.apportion) != key(outer)
