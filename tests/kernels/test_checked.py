"""The arithmetic of compiled steps against Python's own: equal to the bit, or the same error, for any number."""

from __future__ import annotations

import builtins
import itertools
import linecache
import math
import os
import random
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from argosy.kernels import checked
from argosy.kernels.kernel import Kernel, kernel

INF, NAN = math.inf, math.nan
COUNT = 100_000
FEWER = COUNT if os.environ.get("ARGOSY_DRILL") else 20_000
SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, INF, -INF, NAN, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-310, 1e308, -1e308,
    1.7976931348623157e308, 709.782712893384, 709.7827128933841, 710.0, 710.4758600739439, 710.475860073944, 710.5, -745.0, -746.0,
    2.0**52, 2.0**53, -(2.0**53), 2.0**63, 1e22, math.pi, math.pi / 2, 3.0, 0.1, 7.0, 0.49999999999999994, -0.9999999999999999, 1e-17,
]  # fmt: skip


def draw(rnd: random.Random) -> float:
    """A number of any size: special, any bits, near zero, of many sizes, a price."""
    kind = rnd.random()
    if kind < 0.05:
        return rnd.choice(SPECIAL)
    if kind < 0.3:
        return float(struct.unpack("d", rnd.getrandbits(64).to_bytes(8, "little"))[0])
    if kind < 0.6:
        return rnd.uniform(-10.0, 10.0)
    if kind < 0.8:
        return rnd.gauss(0.0, 1.0) * 10.0 ** rnd.randint(-8, 8)
    return rnd.randint(0, 50_000) / 100.0


def numbers(seed: int, count: int = COUNT) -> list[float]:
    rnd = random.Random(seed)
    return [*SPECIAL, *(draw(rnd) for _ in range(count))]


def bits(value: Any) -> Any:
    """What tells values apart: kind and bits; all nans are one."""
    if isinstance(value, float):
        return "nan" if value != value else struct.pack("d", value)
    return type(value).__name__, value


def of(function: Callable[..., Any], *given: Any) -> Any:
    try:
        return bits(function(*given))
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        return type(error)


def differing(one: Callable[..., Any], other: Callable[..., Any], given: list[Any]) -> list[Any]:
    return [each for each in given if of(one, *each) != of(other, *each)][:5]


ONE_NUMBER = [(made, stands) for made, stands in checked.STANDS_FOR.items() if made not in checked.INTS]
ALONE = [function for function in (*checked.NUMBERS, *checked.TRUTHS) if function not in checked.STANDS_FOR]


@pytest.mark.parametrize(("python", "ours"), ONE_NUMBER, ids=lambda each: getattr(each, "__name__", ""))
def test_a_function_of_math_is_pythons_to_the_bit_with_its_errors(
    python: Any, ours: Kernel[..., Any]
) -> None:
    given = [(x,) for x in numbers(1)]
    assert differing(python, ours.jit, given) == []
    assert differing(python, ours.py, given[:5_000]) == []
    assert (
        differing(python, ours.jit, [(k,) for k in (0, 1, -1, 2, 700, 1000, 2**31, -(2**31), 2**62 + 1)])
        == []
    )
    errors = {of(python, *each) for each in given} & {ValueError, OverflowError}
    assert errors, "no number was shown to raise"


@pytest.mark.parametrize("function", ALONE, ids=lambda each: each.__name__)
def test_a_function_that_stays_is_pythons_to_the_bit(function: Any) -> None:
    name = function.__name__
    made = kernel(written(f"def f(x):\n    return math.{name}(x)\n"))
    assert differing(function, made.jit, [(x,) for x in numbers(2)]) == []
    assert differing(function, made.jit, [(k,) for k in (0, -1, 700, 2**53)]) == []


@pytest.mark.parametrize(
    "function", sorted(checked.INTS, key=lambda each: each.__name__), ids=lambda each: each.__name__
)
def test_an_int_made_of_a_float_is_pythons_below_its_limit_and_an_error_from_there(function: Any) -> None:
    ours = checked.STANDS_FOR[function]
    below = [(x,) for x in numbers(3) if not abs(x) >= checked.LIMIT or math.isinf(x)]
    halves = [(k / 2.0,) for k in range(-1000, 1000)] + [
        (math.nextafter(k / 2.0, INF),) for k in range(-50, 50)
    ]
    edge = [
        (math.nextafter(checked.LIMIT, 0.0),),
        (-math.nextafter(checked.LIMIT, 0.0),),
        (checked.LIMIT - 0.5,),
        (0.5 - checked.LIMIT,),
    ]
    assert len(below) > COUNT / 2
    assert differing(function, ours.jit, below + halves + edge) == []
    assert differing(function, ours.py, below[:5_000] + halves + edge) == []
    assert type(ours.jit(2.0)) is int
    for lane in (ours.jit, ours.py):
        for x in (checked.LIMIT, -checked.LIMIT, 1e300):
            with pytest.raises(OverflowError, match="2\\*\\*50 or more") as raised:
                lane(x)
            assert raised.value.args == (checked.BEYOND,)
        with pytest.raises(OverflowError, match="infinity"):
            lane(INF)


OPERATORS = ["x + y", "x - y", "x * y", "x / y", "x // y", "x % y", "x < y", "x <= y", "x == y", "x != y", "max(x, y)", "min(x, y)",
             "max(x, y, x)", "min(x, 1.0, y)", "x and y", "x or y", "not x", "bool(x)", "1.0 if x else 0.0", "abs(x)", "-x", "math.atan2(x, y)",
             "y if x < y else x", "x < y < x", "x // 0.01", "x % 0.1", "x % -7.0", "x / 3.0", "0.3 // y", "7.0 % y"]  # fmt: skip


@pytest.mark.parametrize("text", OPERATORS)
def test_an_operator_of_floats_and_of_ints_is_pythons(text: str) -> None:
    function = written(f"def f(x, y):\n    return {text}\n")
    made = kernel(function).jit
    floats = numbers(4, FEWER)
    pairs: list[Any] = [*itertools.product(SPECIAL, SPECIAL), *zip(floats, numbers(5, FEWER), strict=True)]
    pairs += [(x, math.nextafter(x, INF)) for x in floats[:2_000]] + [(x, 0.01) for x in floats[:5_000]]
    assert differing(function, made, pairs) == []
    rnd = random.Random(6)
    ints = [
        0,
        1,
        -1,
        2,
        3,
        -3,
        7,
        1024,
        2**31,
        -(2**31),
        *(rnd.randint(-(2**30), 2**30) for _ in range(100)),
        *range(-20, 20),
    ]
    if "1.0, y" not in text:
        assert differing(function, made, list(itertools.product(ints, ints))) == []
    either = [(k, x) for k in ints for x in floats[:300]] + [(x, k) for k in ints for x in floats[:300]]
    if (text[0] == "m" and "atan2" not in text) or text in (
        "x and y",
        "x or y",
        "y if x < y else x",
    ):  # which of the two: equal as floats
        assert differing(lambda x, y: float(function(x, y)), lambda x, y: float(made(x, y)), either) == []
    else:
        assert differing(function, made, either) == []


@pytest.mark.parametrize(
    "name", sorted({made.__name__ for made, _ in ONE_NUMBER} | {each.__name__ for each in ALONE})
)
def test_what_the_compiler_reckons_beforehand_is_what_python_reckons(name: str) -> None:
    """Constants are folded when compiled, by another library than that of the machine perhaps."""
    function = getattr(math, name)
    rnd = random.Random(7)
    given = [*SPECIAL, *(rnd.uniform(-3.0, 8.0) for _ in range(40)), *(draw(rnd) for _ in range(40))]
    given = [x for x in given if not isinstance(of(function, x), type) and math.isfinite(x)]
    called = checked.STANDS_FOR.get(function)
    lines = [
        f"    if i == {k}:\n        return {'called' if called else 'math.' + name}({x!r})\n"
        for k, x in enumerate(given)
    ]
    made = kernel(
        written(
            "def f(i):\n" + "".join(lines) + f"    return {'called' if called else 'math.' + name}(1.0)\n",
            called=called,
        )
    ).jit
    assert len(given) > 40
    assert [k for k, x in enumerate(given) if of(made, k) != of(function, x)] == []


@pytest.mark.parametrize("name", ["exp", "expm1", "sinh", "cosh"])
def test_where_python_would_not_raise_by_itself_the_result_is_looked_at(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As machine code has it: a function that answers inf."""
    monkeypatch.setattr(checked, "math", SimpleNamespace(**{name: lambda x: math.copysign(INF, x)}))
    ours = getattr(checked, name).fn
    with pytest.raises(OverflowError, match="math range error"):
        ours(800.0)
    assert ours(INF) == INF


def test_the_tables_name_functions_of_python_only() -> None:
    for function in (*checked.STANDS_FOR, *checked.NUMBERS, *checked.TRUTHS, *checked.INTS):
        assert function in vars(math).values() or function in vars(builtins).values()
    assert set(checked.STANDS_FOR) <= checked.NUMBERS | checked.INTS


def written(text: str, **names: Any) -> Any:
    """A function of a text, which can be read again as if it stood in a file."""
    file = f"<written {abs(hash(text))}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope: dict[str, Any] = {"math": math, "__name__": "written", **names}
    exec(compile(text, file, "exec", dont_inherit=True), scope)  # noqa: S102
    return next(value for key, value in scope.items() if key in ("f", "step") and callable(value))
