"""Every kernel of the house gives the same bits as plain Python and as machine code; a new one is found by itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import argosy.kernels as room
from argosy.kernels import ledger
from argosy.kernels.fees import FeeSchedule
from argosy.kernels.indicators import DEFINITIONS
from argosy.kernels.indicators.page import example
from argosy.kernels.kernel import Kernel

INDICATORS = "argosy.kernels.indicators."
OPTIONS = "argosy.kernels.options."


def found() -> dict[str, Kernel[..., Any]]:
    kernels: dict[str, Kernel[..., Any]] = {}
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Kernel):
                kernels[f"{value.fn.__module__}.{value.fn.__qualname__}"] = value
    return kernels


KERNELS = found()
WHOLE = tuple(f"argosy.kernels.{room}." for room in ("sweep", "ticks", "local", "bootstrap", "brackets"))
"""They take an account, its orders and its records: test_sweep_parity.py, test_ticks_parity.py, test_local.py and test_entries.py run them
in both lanes; or many paths: test_bootstrap.py."""
MARKETS = (
    "apportion", "scan.plan", "coast.coast", "entries.turn", "entries.off_grid", "overfit.split_ranks", "overfit.ratio", "fill_prices",
    "fill_greeks", "fill_vols", "kelly.cholesky", "kelly.solved", "kelly.bounded",
)  # fmt: skip
"""They take more than numbers. tests/laws/test_lanes.py, test_coast.py and test_entries.py hold those of the engine; test_overfit.py,
test_options.py and test_kelly.py run the others in both lanes."""
SCALAR = sorted(
    name
    for name in KERNELS
    if not name.startswith((INDICATORS, "argosy.kernels.stats", *WHOLE)) and not name.endswith(MARKETS)
)
CURVES = sorted(
    name
    for name, made in KERNELS.items()
    if name.startswith("argosy.kernels.stats") and set(list(inspect.signature(made.fn).parameters)[1:]) <= {"ppy"}
)
"""Those of one curve; tests/kernels/test_stats_lanes.py has the others of that room."""

CENTS = st.integers(9_800, 10_200).map(lambda cents: cents / 100.0)
WILD = st.one_of(CENTS, st.floats(0.0001, 1e6), st.just(float("nan")))
MONEY = st.integers(-(10**15), 10**15)
RATE = st.one_of(st.just(0.0), st.floats(0.0, 2.0))
SCHEDULE = st.builds(
    FeeSchedule, *[st.one_of(st.just(0.0), st.floats(1e-7, 5.0)) for _ in FeeSchedule._fields]
)
SPAN = st.one_of(st.integers(0, 10**12), st.integers(0, 10**17))

PLAIN: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("px", "price", "open", "limit", "stop", "take"), WILD),
    **dict.fromkeys(("high", "low", "bid", "ask"), WILD),
    **dict.fromkeys(
        ("trail", "frac", "weight", "target", "realized", "risk_frac", "sigma", "y", "coefficient", "by"),
        RATE,
    ),
    **dict.fromkeys(("through", "trail_frac", "inside", "rested", "maker"), st.booleans()),
    **dict.fromkeys(("fill_lots", "lots"), st.integers(-(10**9), 10**9).filter(bool)),
    **dict.fromkeys(("cost", "fill_notional", "notional", "equity"), MONEY),
    **dict.fromkeys(("base_ns", "jitter_ns"), SPAN),
    **dict.fromkeys(("number", "seed"), st.integers(-(2**63), 2**63 - 1)),
    **dict.fromkeys(
        ("size", "volume", "width", "count", "amount", "atr", "multiple", "most"), st.floats(0.0, 1e9)
    ),
    "k": st.sampled_from([1e6, 1.0, 1e-3, 1e8]),
    "lot": st.sampled_from([1.0, 1e-3, 1e-8]),
    "lot_size": st.sampled_from([1.0, 1e-3, 1e-8]),
    "unit": st.sampled_from([1e-6, 1e-8]),
    "tick": st.sampled_from([0.01, 0.0001]),
    "side": st.sampled_from([1, -1]),
    "schedule": SCHEDULE,
    "x": st.integers(0, 2**32 - 1),
    "total": st.integers(0, 2**62 - 1),
    **dict.fromkeys(("units", "peak"), st.floats(-1e9, 1e9)),
    **dict.fromkeys(("mean", "part", "error", "win", "loss", "sharpe2"), st.one_of(RATE, st.floats(-1.0, 1.0))),
    **dict.fromkeys(("chance", "most_frac"), st.floats(-0.1, 1.1)),
    **dict.fromkeys(("wins", "losses"), st.integers(0, 1000).map(float)),
    "entry": WILD,
    "assets": st.integers(1, 50),
    **dict.fromkeys(("ahead", "own", "before", "shown", "dealt"), st.floats(0.0, 1e9)),
    "model": st.sampled_from([0, 1, 2]),
}
SCRATCH = 80
OPTION: dict[str, st.SearchStrategy[Any]] = {
    "right": st.sampled_from([1, -1]),
    **dict.fromkeys(("early", "forward_rho"), st.booleans()),
    **dict.fromkeys(("spot", "strike", "forward", "price", "now", "then"), st.one_of(st.floats(1.0, 300.0), st.floats(1e-3, 1e6))),
    **dict.fromkeys(("years", "sigma"), st.one_of(st.floats(0.001, 3.0), st.just(0.0), st.floats(1e-9, 0.01))),
    **dict.fromkeys(("rate", "dividend"), st.one_of(st.just(0.0), st.floats(-0.1, 0.3), st.just(-0.01))),
    "z": st.floats(0.0, 60.0),
    "p": st.floats(-0.5, 1.5),
    "h": st.floats(-40.0, 0.0),
    "t": st.floats(1e-9, 5.0),
    "m": st.floats(-60.0, 0.0),
    "x": st.floats(-800.0, 800.0),
    "v": st.floats(1e-6, 20.0),
    "c": st.one_of(st.floats(1e-9, 0.999999), st.floats(1e-300, 0.5)),
    "rest": st.floats(1e-9, 0.999),
    "u": st.one_of(st.just(0.0), st.floats(-8.0, 0.0)),
    "steps": st.integers(1, 30),
    "kind": st.sampled_from([0, 1]),
    "nodes": st.builds(np.zeros, st.just(SCRATCH)),
}
"""The same of options, where names mean other things: above 0 where a kernel within says so."""
JUNK = st.one_of(st.floats(), st.sampled_from([0.0, -1.0, 1e-320, 1e308, float("inf"), float("-inf"), float("nan")]))
"""What the outer kernels of options answer as well: with nan, never with an error."""
OUTER = (
    "bsm", "bsm_greeks", "black76", "black76_greeks", "implied", "implied76", "tree", "tree_greeks", "tree_vol", "cdf", "density", "e_to",
    "rough_quantile", "sensible", "tree_ok", "room",
)  # fmt: skip


def arguments_of(name: str) -> dict[str, st.SearchStrategy[Any]]:
    """What each argument of a kernel may be."""
    known = PLAIN | OPTION if name.startswith(OPTIONS) else PLAIN
    names = list(inspect.signature(KERNELS[name].fn).parameters)
    assert set(names) <= set(known), f"add the arguments of {name} to PLAIN: {sorted(set(names) - set(known))}"
    return {argument: known[argument] for argument in names}


"""What each argument may be, by its name. A kernel with a new name of argument fails until the name is added here."""


def bits(value: Any) -> Any:
    """A value as comparable bits; nan equals nan, and 0.0 is not -0.0."""
    if isinstance(value, (tuple, list)):
        return tuple(bits(each) for each in value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return "nan" if number != number else struct.pack("<d", number)
    return int(value)


def outcome(lane: Any, arguments: dict[str, Any]) -> Any:
    try:
        return bits(lane(**arguments))
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        return type(error).__name__


@pytest.mark.parametrize("name", SCALAR)
def test_scalar_kernels(name: str) -> None:
    made = KERNELS[name]
    if name.endswith("ledger.share"):
        return  # has ordered arguments: test_shares_of_extreme_integers

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(st.fixed_dictionaries(arguments_of(name)))
    def same(arguments: dict[str, Any]) -> None:
        if name.endswith("ledger.notional") and ledger.overflow.py(**arguments):
            return
        assert outcome(made.py, arguments) == outcome(made.jit, arguments)

    same()


@pytest.mark.parametrize("name", [name for name in SCALAR if name.startswith(OPTIONS) and name.rsplit(".", 1)[1] in OUTER])
def test_options_of_nonsense(name: str) -> None:
    """An outer kernel of options raises for nothing and says the same in both lanes."""
    made = KERNELS[name]
    kept = ("right", "early", "kind", "nodes", "steps")
    drawn = {key: value if key in kept else st.one_of(value, JUNK) for key, value in arguments_of(name).items()}

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(st.fixed_dictionaries(drawn))
    def same(arguments: dict[str, Any]) -> None:
        assert bits(made.py(**arguments)) == bits(made.jit(**arguments))

    same()


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**63 - 1), st.integers(1, 2**63 - 1), st.data())
def test_shares_of_extreme_integers(total: int, whole: int, data: st.DataObject) -> None:
    """Python's own unbounded integers are the oracle of both lanes."""
    weight = data.draw(st.integers(0, whole))
    want = divmod(total * weight, whole)
    assert ledger.share.py(total, weight, whole) == want == ledger.share.jit(total, weight, whole)


@settings(deadline=None, max_examples=200)
@given(st.integers(-(2**63) + 1, 2**63 - 1), st.lists(st.integers(0, 2**60), min_size=1, max_size=7))
def test_apportion(total: int, weights: list[int]) -> None:
    plain = [0] * len(weights)
    compiled = np.zeros(len(weights), dtype=np.int64)
    ledger.apportion.py(total, weights, plain)
    ledger.apportion.jit(total, np.array(weights, dtype=np.int64), compiled)
    assert plain == compiled.tolist()
    whole = sum(weights)
    assert sum(plain) == (total if whole else 0)
    for part, weight in zip(plain, weights, strict=True):
        if whole:
            assert abs(part) - abs(total) * weight // whole in (0, 1), (
                "a part is its quota, rounded down or up"
            )


@pytest.mark.parametrize("name", CURVES)
def test_curve_kernels(name: str) -> None:
    made = KERNELS[name]
    rest = [252.0] if "ppy" in inspect.signature(made.fn).parameters else []

    @settings(deadline=None, max_examples=80)
    @given(st.lists(st.one_of(CENTS, st.floats(-10.0, 1e6)), max_size=40))
    def same(curve: list[float]) -> None:
        assert bits(made.py(curve, *rest)) == bits(made.jit(np.array(curve, dtype=np.float64), *rest))

    same()


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_indicator_steps(name: str) -> None:
    """A list stepped in Python, an array stepped compiled, and the compiled loop: three times the same bits, state included."""
    definition = DEFINITIONS[name]
    params = example(name)
    columns = len(definition.inputs)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.tuples(*[CENTS] * columns), min_size=1, max_size=400))
    def same(rows: list[tuple[float, ...]]) -> None:
        plain = [0.0] * definition.size(params)
        compiled, looped = np.zeros(len(plain)), np.zeros(len(plain))
        one = [bits(definition.step.py(plain, params, *row)) for row in rows]
        two = [bits(definition.step.jit(compiled, params, *row)) for row in rows]
        out = np.full((len(definition.outputs), len(rows)), np.nan)
        definition.loop.jit(looped, params, *np.array(rows).T.copy(), out)
        three = [bits(tuple(column)) if len(column) > 1 else bits(column[0]) for column in out.T]
        assert one == two == three
        assert bits(plain) == bits(compiled.tolist()) == bits(looped.tolist())

    same()


def test_every_indicator_kernel_is_reached_by_a_definition() -> None:
    from argosy.kernels.indicators.higher import fold_loop, gaps, spread_rows
    from argosy.kernels.kernel import reach

    covered = {
        callee for each in DEFINITIONS.values() for made in (each.step, each.loop) for callee in reach(made)
    }
    covered |= {callee for made in (fold_loop, gaps, spread_rows) for callee in reach(made)}
    missing = [name for name, made in KERNELS.items() if name.startswith(INDICATORS) and made not in covered]
    assert missing == []
