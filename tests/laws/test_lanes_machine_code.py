"""What a step is made of and what its machine code is: twins of one name, what it uses elsewhere, what cannot be compiled, whole numbers."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.engine.records import Wanted
from argosy.house import Wanted as Asked
from argosy.kernels.indicators import sma
from argosy.kernels.kernel import kernel, key
from argosy.kernels.scan import scanner
from argosy.replay import SCAN_FROM
from tests.laws.lanes import FREE, Case, both, minutes, said
from tests.laws.market import bars, instruments

TWIN = """
class A:
    unit = "lots"

    @staticmethod
    def step(row, needs, state, params, out):
        out.target = {}
"""


def load(home: Path, name: str, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write modules into a folder and import one of them anew."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("ARGOSY_CACHE", str(home / "cache"))
    monkeypatch.syspath_prepend(str(home))
    for module, text in files.items():
        (home / f"{module}.py").write_text(text)
        monkeypatch.delitem(sys.modules, module, raising=False)
    invalidate_caches()
    return import_module(name)


def test_classes_of_one_name_have_machine_code_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TWIN.format(3.0) + "\n\nFirst = A\n" + TWIN.format(8.0) + "\n\nSecond = A\n"
    module = load(tmp_path, "adverse_twins", {"adverse_twins": text}, monkeypatch)
    assert module.First.step.__qualname__ == module.Second.step.__qualname__
    for twin, lots in ((module.First, 3), (module.Second, 8), (module.First, 3)):
        assert both(twin, {}, instruments(), minutes([50.0] * 9), []).engine.state.portfolio.lots == [lots]


PARTS = {
    "adverse_uses": """
import adverse_size
from adverse_helper import lots


def step(row, needs, state, params, out):
    out.target = adverse_size.SIZE + lots()
""",
    "adverse_helper": """
import numba
import adverse_deep
from adverse_own import OWN


@numba.njit
def lots():
    return OWN + adverse_deep.two()
""",
    "adverse_deep": "import numba\n\n\n@numba.njit\ndef two():\n    return 2.0\n",
    "adverse_size": "SIZE = 9.0\n",
    "adverse_own": "OWN = 6.0\n",
}


def test_what_a_step_uses_elsewhere_is_in_the_key_of_its_machine_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits = {"adverse_size": ("9.0", "8.0"), "adverse_own": ("6.0", "5.0"), "adverse_deep": ("2.0", "1.0")}

    def made(files: dict[str, str]) -> str:
        return key(scanner(load(tmp_path, "adverse_uses", files, monkeypatch).step))

    keys = [made(PARTS | {module: PARTS[module].replace(*edit)}) for module, edit in edits.items()]
    assert len({made(PARTS), *keys}) == 4
    assert made(PARTS) == made(PARTS)


PRICES = {"up": 5.0, "down": 0.0}
CLOSES: list[float] = []


def twice(lots: float) -> float:
    return 2.0 * lots


def formats(row, needs, state, params, out):  # type: ignore[no-untyped-def]
    out.target = 5.0 if f"{row.close:.2f}"[-1] == "1" else 0.0


def looks_up(row, needs, state, params, out):  # type: ignore[no-untyped-def]
    out.target = PRICES["up"] if row.close > 50.9 else PRICES["down"]


def remembers(row, needs, state, params, out):  # type: ignore[no-untyped-def]
    CLOSES.append(row.close)
    out.target = 5.0 if len(CLOSES) % 20_000 > 10_000 else 0.0


def calls(row, needs, state, params, out):  # type: ignore[no-untyped-def]
    out.target = twice(2.5) if row.close > 50.9 else 0.0


class Callable:
    def __call__(self, row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 5.0 if row.close > 50.9 else 0.0


@pytest.mark.parametrize("step", [formats, looks_up, remembers, calls, Callable()], ids=["format", "dict", "list", "function", "object"])
def test_a_step_that_cannot_be_machine_code_is_stepped(step: Any) -> None:
    CLOSES.clear()
    tape = minutes(np.round(50.0 + np.sin(np.arange(60_000) / 2_000.0), 2).tolist())
    kind = type("Plain", (), {"unit": "lots", "step": staticmethod(step)})
    run, _, raised = Case(Asked("one", kind, {}), instruments(), [tape], [], FREE).run(SCAN_FROM)
    assert (raised, run.replay.scanned, run.engine.failures) == ("", False, [])
    assert run.engine.state.counters.trades_in_all > 0


class Whole:
    """Writes whole numbers where fractions belong."""

    unit = "notional"
    needs = {"fast": sma(3), "slow": sma(9)}

    class state(msgspec.Struct):
        x: float = 0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.x = 1 if needs.fast > needs.slow else 0
        out.target = 300 if needs.fast > needs.slow else 0


def test_whole_numbers_are_fractions_in_both_lanes() -> None:
    class Says(Whole):
        @staticmethod
        def explain(needs, state, params, out):  # type: ignore[no-untyped-def]
            return f"{out.target} at {state.x}"

    both(Whole, {}, instruments(2), bars(3, 400, 2), [])
    run = both(Says, {}, instruments(2), bars(3, 400, 2), [])
    assert {wanted.intent.why for wanted in said(run, Wanted)} == {"300.0 at 1.0", "0.0 at 0.0"}


pick = max


class Picks:
    """Calls what a name of its module stands for when the run begins."""

    unit = "lots"
    needs = {"fast": sma(3), "slow": sma(9)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 5.0 if pick(needs.fast, needs.slow) > row.close else 0.0


def test_another_function_of_the_same_name_is_another_step(monkeypatch: pytest.MonkeyPatch) -> None:
    greater = both(Picks, {}, instruments(), bars(3, 400), [])
    monkeypatch.setitem(globals(), "pick", min)
    lesser = both(Picks, {}, instruments(), bars(3, 400), [])
    assert lesser.engine.state.hash != greater.engine.state.hash


def test_modules_that_name_each_other_have_a_key() -> None:
    import numba

    @numba.njit
    def small(x):  # type: ignore[no-untyped-def]
        return numba.float32(x)

    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = small(row.close)

    assert len(key(kernel(step))) == 32
