"""What names a trial: the code of a strategy, its terms, the prices it saw; equal names for equal things, whatever run they are in."""

from __future__ import annotations

import inspect
import sysconfig
from collections.abc import Mapping, Sequence
from dis import get_instructions
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from argosy.core.instrument import Instrument
from argosy.core.strategy import Declaration
from argosy.core.tape import Tape
from argosy.house import Terms
from argosy.lab.trials import Look

_FOREIGN = tuple({str(Path(place).resolve()) for place in (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), Path(__file__).parents[1])})
"""Where code lies that is not the owner's."""
_SEEN: WeakKeyDictionary[Tape, dict[int, str]] = WeakKeyDictionary()


def looks(instruments: Sequence[Instrument], tapes: Sequence[Tape]) -> dict[str, Look]:
    """What a run over these tapes sees of each instrument that has rows."""
    out: dict[str, Look] = {}
    for row in instruments:
        own = [tape for tape in tapes if len(tape) and row.id in tape.instruments]
        if own:
            keys = [data_key(tape, row.id) for tape in own]
            data = keys[0] if len(keys) == 1 else blake2b(" ".join(keys).encode(), digest_size=16).hexdigest()
            out[row.symbol] = Look(data, min(_edge(tape, row.id, 0) for tape in own), max(_edge(tape, row.id, -1) for tape in own))
    return out


def _edge(tape: Tape, instrument: int, at: int) -> int:
    if tape.instruments == (instrument,):
        return int(tape["known"][at])
    return int(tape["known"][np.flatnonzero(tape["instrument"] == instrument)[at]])


def data_key(tape: Tape, instrument: int) -> str:
    """Hash of one instrument's rows, its number in the run left out: equal for equal rows, in whatever company they come."""
    known = _SEEN.setdefault(tape, {})
    if instrument not in known:
        own = tape.only(instrument)
        digest = blake2b(own.kind.__name__.encode(), digest_size=16)
        for name, column in own.columns.items():
            if name != "instrument":
                digest.update(name.encode())
                digest.update(column.data)
        known[instrument] = digest.hexdigest()
    return known[instrument]


def terms_key(terms: Terms) -> str:
    """Hash of the conditions of a run."""
    return blake2b(msgspec.msgpack.encode(repr(terms)), digest_size=16).hexdigest()


def code_key(cls: type) -> str:
    """Hash of a strategy's code: its file; what its functions do, with their numbers and words; and what they carry and name."""
    return _code(cls)


@lru_cache(maxsize=512)
def _code(cls: type) -> str:
    digest = blake2b(f"{cls.__module__}.{cls.__qualname__}".encode(), digest_size=16)
    try:
        digest.update(Path(inspect.getsourcefile(cls) or "").read_bytes())
    except (OSError, TypeError):  # made at a prompt
        pass
    seen: set[int] = set()
    for name in sorted(vars(cls)):
        value = inspect.unwrap(vars(cls)[name])
        function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if isinstance(function, FunctionType):
            digest.update(_function(function, seen))
        elif not name.startswith("__"):
            digest.update(name.encode() + _content(value))
    return digest.hexdigest()


def _function(function: FunctionType, seen: set[int]) -> bytes:
    """What a function does, what it carries, and what its owner wrote that it names: numbers, words, and functions of other files."""
    if id(function) in seen:
        return b""
    seen.add(id(function))
    out = [_body(function.__code__), *(_content(cell.cell_contents) for cell in function.__closure__ or ())]
    out += [_content(value) for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())]
    for name in sorted(named(function.__code__)):
        if name not in function.__globals__:
            continue
        value = function.__globals__[name]
        if isinstance(value, FunctionType):
            if not value.__code__.co_filename.startswith(_FOREIGN):
                out.append(_function(value, seen))
        elif not isinstance(value, type | ModuleType):
            out.append(name.encode() + _content(value))
    return b"".join(out)


def _body(code: CodeType) -> bytes:
    """Instructions, names and constants, those of functions inside it too."""
    return code.co_code + " ".join(code.co_names).encode() + b"".join(map(_content, code.co_consts))


def named(code: CodeType) -> set[str]:
    """Names of its module that code reads, and functions inside it; attributes of the same name are none."""
    own = {str(one.argval) for one in get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return own.union(*(named(one) for one in code.co_consts if isinstance(one, CodeType)))


def _content(value: Any) -> bytes:
    """What a plain value is; other things are known by their type alone, because their names change with every run."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}".encode() + value.tobytes()
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None))):
        return repr(value).encode()
    if isinstance(value, list | tuple):
        return b"".join(map(_content, value))
    if isinstance(value, set | frozenset):
        return b"".join(sorted(map(_content, value)))
    if isinstance(value, CodeType):
        return _body(value)
    return type(value).__qualname__.encode()


def plain(params: msgspec.Struct) -> dict[str, Any]:
    """All parameters of a strategy as plain values, defaults included."""
    made: dict[str, Any] = msgspec.to_builtins(params)
    return made


def run_line(declared: Mapping[str, Declaration], seen: Mapping[str, Look], terms: Terms, sharpe: float, ppy: float) -> dict[str, Any]:
    """The line of one run of one strategy or of several together: one trial."""
    classes = [one.cls for one in declared.values()]
    held = {name: plain(one.params) for name, one in declared.items()}
    codes = " ".join(code_key(cls) for cls in classes)
    good = sharpe == sharpe
    return {
        "kind": "run", "strategy": " + ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in classes),
        "code": codes if len(classes) == 1 else blake2b(codes.encode(), digest_size=16).hexdigest(),
        **({"codes": codes.split()} if len(classes) > 1 else {}),
        "looks": seen, "terms": terms_key(terms), "held": next(iter(held.values())) if len(held) == 1 else held, "trials": 1, "ppy": ppy,
        "sharpe": {"mean": sharpe if good else None, "variance": 0.0, "best": sharpe if good else None, "count": int(good)},
    }  # fmt: skip
