"""Whether a strategy knew what it could not know: its past is replayed without the future, and must not change.

Four questions, the first that is answered badly decides:

    indicators   computed without the rows after a cut, or with other rows there: every value before the cut is the same to the bit
    decisions    the whole run is repeated with the future cut off and another one put in its place: every order before is the same,
                 and it reads no file and asks nobody outside while it decides
    baggage      series that the strategy brings along (in its class, its closures, its object, the names its functions use) cannot be
                 cut off; one of them that goes with the next move of the prices it is traded on is the future
    blindness    with other prices, other decisions: orders that come at the same moments on the same side were decided elsewhere

What it cannot see: a parameter, a model or a choice of instruments that was made with the whole past in view. That is what
counting trials, and data kept aside, are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import sqrt
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import ArgosyError
from argosy.core.events import Bar, Split
from argosy.core.tape import Tape
from argosy.core.time import iso
from argosy.data.actions import forward_factor
from argosy.engine.slot import table
from argosy.lab.backtest import Outcome
from argosy.lab.looks import named
from argosy.lab.orders import orders
from argosy.lab.passport.check import Check, check
from argosy.lab.passport.reading import Read, reading
from argosy.lab.passport.subject import Subject, scrambled, until
from argosy.lab.words import percent

CUTS = 24
"""Places at which indicators are cut."""
TAIL = 200
"""Made-up bars after a cut."""
SIGMAS = 5.0
"""Correlation of a series with the next move, in deviations of what chance does, from which it is no chance."""
SAME, FEW = 0.9, 20
"""Share of decisions that are the same on other prices from which they were not taken from prices; and how many are enough to say so."""
_BAR = "nothing it did changes when the future is taken away"
_WHY = "in real trading the future is not there; one row of it is enough to make any backtest look good"

Decision = tuple[int, str, int, float, str, float | None, float | None]
"""When, symbol, side, units, kind, limit, stop."""


def scan(subject: Subject, seed: int, patience_s: float = 8.0) -> Check:
    """The look-ahead scan. seed: chooses the places, so that a passport can be made again; patience_s: about how long it may take.

    With a patience of 0 one early cut is repeated, and other prices are tried only on a strategy that brings something along.
    """
    numbers: dict[str, Any] = {}
    doubt = Found()
    for question in (indicators, decisions, baggage):
        found = question(subject, seed, patience_s)
        numbers |= found.numbers
        if found.status == "fail":
            return check("look_ahead", "Look-ahead", "fail", found.said, numbers, _BAR, _WHY)
        doubt = doubt if doubt.said else found
    if doubt.said:
        return check("look_ahead", "Look-ahead", doubt.status, doubt.said, numbers, _BAR, _WHY)  # type: ignore[arg-type]
    cuts, runs = numbers.get("indicator_cuts", 0), numbers.get("decision_cuts", 0)
    said = f"Indicators were recomputed at {cuts} cuts, and {_runs(runs)} repeated without the future: nothing before the cut changed."
    if not cuts:
        said = f"{_runs(runs)} repeated without the future: no order before the cut changed."
    return check("look_ahead", "Look-ahead", "pass", said, numbers, _BAR, _WHY)


def _runs(count: int) -> str:
    return "1 run was" if count == 1 else f"{count} runs were"


class Found(NamedTuple):
    """An answer: said is "" when nothing was found."""

    status: str = "pass"
    said: str = ""
    numbers: Mapping[str, Any] = {}


# -- indicators -----------------------------------------------------------------------------------------------------------------


def indicators(subject: Subject, seed: int, patience_s: float) -> Found:
    """Every need of every instrument, computed again on columns that end at the cut, or go on otherwise after it."""
    needs = subject.declaration.needs
    draw = np.random.default_rng(seed)
    cuts = 0
    for i in subject.own if needs else ():
        for tape in subject.data[1]:
            if tape.kind is not Bar or not len(tape) or i not in tape.instruments:
                continue
            own = tape.only(i)
            splits = [event for event in subject.data[2] if isinstance(event, Split) and event.instrument == i]
            factor = forward_factor(own, splits)
            whole = dict(zip(needs, table(needs, own.columns, factor), strict=True))
            low = min(len(own) - 2, max(2, subject.declaration.warmup))
            count = max(4, CUTS // len(subject.own))
            places = sorted({len(own) - 2, *draw.integers(low, len(own) - 1, count).tolist()}, reverse=True) if len(own) > 3 else []
            for k, cut in enumerate(places):
                cuts += 1
                part = own.take(slice(0, cut + 1))
                if k % 2:
                    part = scrambled(own.take(slice(0, min(len(own), cut + 1 + TAIL))), cut + 1, seed + k)
                try:
                    again = table(needs, part.columns, factor[: len(part)])
                except (ArgosyError, ValueError, IndexError):  # too few rows for it: then it says nothing at all
                    continue
                for (name, before), after in zip(whole.items(), again, strict=True):
                    changed = np.flatnonzero(~_same(before[: cut + 1], after[: cut + 1]))
                    if len(changed):
                        return _leak(subject, needs[name], name, i, own, cut, changed)
    return Found(numbers={"indicator_cuts": cuts})


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))


def _leak(subject: Subject, need: Any, name: str, i: int, own: Tape, cut: int, changed: NDArray[np.int64]) -> Found:
    symbol = subject.data[0][i].symbol
    first = int(changed[0])
    reach = cut - first + 1
    rows = f"{len(changed):,} earlier values" if len(changed) > 1 else "its last value"
    said = (
        f"Look-ahead: the indicator {name!r} of {symbol} knows rows that come later. Cut off after {iso(int(own['known'][cut]))[:16]}, {rows} "
        f"change, back to {reach:,} row{'s' * (reach > 1)} before."
    )
    numbers = {
        "indicator": name, "what": str(getattr(need, "name", "")), "symbol": symbol, "cut": iso(int(own["known"][cut])), "changed": len(changed),
        "reach": reach,
    }  # fmt: skip
    return Found("fail", said, numbers)


# -- decisions ------------------------------------------------------------------------------------------------------------------


def decided(outcome: Outcome, upto: int) -> list[Decision]:
    """The orders of a run that were decided at or before a moment."""
    return [
        (one.known, one.symbol, one.side, one.units, one.kind, one.limit, one.stop) for one in orders(outcome) if one.known <= upto and not one.parent
    ]


def decisions(subject: Subject, seed: int, patience_s: float) -> Found:
    """The run again, up to several moments, most of them at and just before a decision."""
    whole = decided(subject.outcome, 1 << 62)
    known = subject.outcome.instants()
    if len(known) < 4:
        return Found()
    draw = np.random.default_rng(seed + 1)
    took = min(subject.outcome.seconds, 0.05 + 5e-6 * subject.rows)  # without the time to compile
    count = int(np.clip(patience_s / max(1e-3, took), 2, 6))
    if not patience_s:
        early = whole[len(whole) // 4][0] if whole else int(known[len(known) // 4])
        return _repeated(subject, [early], whole, seed)
    moments = [int(known[at]) for at in draw.integers(len(known) // 4, len(known) - 1, max(1, count // 3))]
    if whole:
        for k in draw.integers(0, len(whole), count - len(moments)).tolist():
            at = int(np.searchsorted(known, whole[k][0], side="left"))
            moments.append(int(known[max(1, at - (len(moments) % 2))]))
    return _repeated(subject, sorted(set(moments)), whole, seed)


def _repeated(subject: Subject, cuts: list[int], whole: list[Decision], seed: int) -> Found:
    read: list[Read] = []
    for k, cut in enumerate(cuts):
        with reading(subject.cls) as heard:
            outcome = subject.again(until(subject.data, cut, TAIL if k % 2 else 0, seed + k))
        read += heard
        before, after = [one for one in whole if one[0] <= cut], decided(outcome, cut)
        if before != after:
            at = next((j for j, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
            one = (before[at : at + 1] or after[at : at + 1])[0]
            side = "bought" if one[2] > 0 else "sold"
            said = (
                f"Look-ahead: on {iso(one[0])[:16]} it {side} {one[1]} only because of what came after {iso(cut)[:16]}; without that future the "
                "decision is another."
            )
            return Found("fail", said, {"decision_cuts": k + 1, "cut": iso(cut), "decision": iso(one[0])})
    numbers: dict[str, Any] = {"decision_cuts": len(cuts), "decisions": len(whole)}
    if read:
        first = min(read, key=lambda each: each.begun)  # what it reads while asked
        numbers |= {"read": first.what, "read_in": first.where}
        what = f"it reads from outside ({first.what}, in {first.where}), and what is there cannot be cut off"
        if not first.begun:
            return Found("fail", f"Look-ahead: while it decides {what}: make it a fact, a forecast or a need.", numbers)
        return Found("warn", f"When it is made {what}; whether that knows the future is not sure.", numbers)
    return Found(numbers=numbers)


# -- what it brings along -------------------------------------------------------------------------------------------------------


class Bag(NamedTuple):
    """A series that a strategy brings along: where it was found, and its numbers."""

    where: str
    values: NDArray[np.float64]


def bags(subject: Subject) -> list[Bag]:
    """Series of at least a quarter of the bars of an instrument, found in the class, its functions and its object."""
    least = max(64, min((len(tape.only(i)) for tape in subject.data[1] for i in tape.instruments), default=0) // 4)
    out: list[Bag] = []
    seen: set[int] = set()

    def look(where: str, value: Any, depth: int) -> None:
        if id(value) in seen or isinstance(value, (ModuleType, type)):
            return
        seen.add(id(value))
        if isinstance(value, (str, bytes, bytearray, int)):
            packed = _packed(value)
            if len(packed) >= least:
                out.append(Bag(where, packed))
            return
        if isinstance(value, FunctionType):
            for name, inner in _reached(value):
                look(f"{where} -> {name}", inner, depth)
            return
        if isinstance(value, np.ndarray) and value.ndim == 2:
            rows = value if value.shape[0] >= value.shape[1] else value.T
            for k in range(min(rows.shape[1], 32)):
                look(f"{where}[:, {k}]", np.array(rows[:, k]), depth)
            return
        found = _series(value)
        if found is not None:
            if len(found) >= least:
                out.append(Bag(where, found))
            if depth < 3 and isinstance(value, list | tuple | dict) and len(value) <= 32:
                for k, inner in value.items() if isinstance(value, dict) else enumerate(value):
                    look(f"{where}[{k!r}]", inner, depth + 1)
        elif depth < 3:
            for name, inner in _inside(value):
                look(f"{where}.{name}", inner, depth + 1)

    for base in subject.cls.__mro__[:-1]:
        for name, value in vars(base).items():
            if not name.startswith("__") or name in ("__init__", "__call__"):
                inner = value.__func__ if isinstance(value, staticmethod | classmethod) else value
                look(f"{base.__qualname__}.{name}", inner, 0)
    for name, value in getattr(subject.declaration.make(), "__dict__", {}).items():
        look(f"self.{name}", value, 0)
    for name, need in subject.declaration.needs.items():
        look(f"needs.{name}", need, 0)
    return out


def _reached(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function carries: its closure, its defaults, what is written out in it, and the module's names that it uses."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for k, value in enumerate((*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())):
        yield f"default {k}", value
    for k, value in enumerate(_written(function.__code__)):
        if value != function.__doc__:
            yield f"constant {k}", value
    for name in sorted(named(function.__code__)):
        if name in function.__globals__:
            value = function.__globals__[name]
            if not isinstance(value, FunctionType) or value.__module__ == function.__module__:
                yield name, value


def _written(code: CodeType) -> Iterator[Any]:
    """What is written out in code and in the code inside it: texts, numbers, tuples, sets."""
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _written(value)
        else:
            yield value


def _packed(value: str | bytes | bytearray | int) -> NDArray[np.float64]:
    """What a text or a long number may hide: one value a letter or a byte, or one a bit. Words with spaces between them are speech."""
    if isinstance(value, int):
        return np.array([float(bit) for bit in f"{abs(value):b}"])
    if isinstance(value, str):
        return np.array([float(ord(letter)) for letter in value]) if not any(letter.isspace() for letter in value) else np.zeros(0)
    return np.frombuffer(bytes(value), np.uint8).astype(np.float64)


def _series(value: Any) -> NDArray[np.float64] | None:
    """A sequence as numbers (what is none is nan); None for what is no sequence."""
    if isinstance(value, dict | set | frozenset):
        value = list(value.values()) if isinstance(value, dict) else list(value)
    if isinstance(value, list | tuple):
        if value and not isinstance(value[0], (int, float, bool, np.number)):
            return np.full(len(value), np.nan)
        value = np.asarray(value, dtype=object)
        return np.array([float(one) if isinstance(one, (int, float, np.number)) else np.nan for one in value])
    if hasattr(value, "to_numpy") and hasattr(value, "__len__"):
        value = value.to_numpy()
    if isinstance(value, np.ndarray) and value.ndim:
        flat = value if value.ndim == 1 else value[:, 0]
        return np.asarray(flat, np.float64) if flat.dtype.kind in "fiub" else np.full(len(flat), np.nan)
    return None


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of an object."""
    if isinstance(value, Tape):
        yield from value.columns.items()
    elif hasattr(value, "__struct_fields__"):
        yield from ((name, getattr(value, name)) for name in value.__struct_fields__)
    elif is_dataclass(value):
        yield from ((field.name, getattr(value, field.name, None)) for field in fields(value))
    elif type(value).__module__ not in ("builtins", "numpy"):
        yield from getattr(value, "__dict__", {}).items()


def baggage(subject: Subject, seed: int, patience_s: float) -> Found:
    """Series brought along that go with the next move; then whether its decisions have anything to do with the prices it is shown."""
    carried = bags(subject)
    most = 0.0
    for bag in carried:
        sigmas = _foresight(subject, bag.values)
        most = max(most, sigmas)
        if sigmas > SIGMAS:
            said = (
                f"Look-ahead: the strategy brings along a series of {len(bag.values):,} numbers ({bag.where}) that goes with the next move of the "
                f"prices it is traded on, {sigmas:.0f} deviations beyond chance."
            )
            return Found("fail", said, {"carried": bag.where, "length": len(bag.values), "sigmas": sigmas})
    same, count = blindness(subject, seed) if patience_s or carried else (float("nan"), 0)
    numbers = {"carried": [bag.where for bag in carried[:8]], "same_on_other_prices": same, "sigmas": most}
    if carried and count >= FEW and same >= SAME:
        said = (
            f"Look-ahead: with other prices it takes {percent(same, 0)} of its {count:,} decisions at the same moments: they come from what it "
            f"brings along ({carried[0].where}, {len(carried[0].values):,} numbers), and not from the prices it is shown."
        )
        return Found("fail", said, numbers)
    if carried:
        said = (
            f"It brings along {len(carried[0].values):,} numbers of its own ({carried[0].where}), which cannot be cut off; whether they know the "
            "future is not sure. Make them a need, or give a function that makes the class of given prices."
        )
        return Found("warn", said, numbers)
    if count >= FEW and same >= SAME:
        said = f"With other prices it takes {percent(same, 0)} of its {count:,} decisions at the same moments: it goes by the clock, not by prices."
        return Found("warn", said, numbers)
    return Found(numbers=numbers)


def _foresight(subject: Subject, values: NDArray[np.float64]) -> float:
    """The largest correlation of a series with the move after its row, in deviations of chance, over the instruments; 0 where it fits none.

    A series with as many numbers as there are rows (three more or less) is laid beside them: itself, its sign, its changes, and its
    distance from the price.
    """
    most = 0.0
    for tape in subject.data[1]:
        for i in tape.instruments if tape.kind is Bar and len(tape) else ():
            mine = tape["instrument"] == i
            close = tape["close"][mine]
            series = values[mine] if len(values) == len(tape) else values
            n = min(len(series), len(close)) - 1
            if n < 64 or abs(len(series) - len(close)) > 3:
                continue
            moves = np.diff(np.log(close[: n + 1]))
            own = series[:n]
            for one in (own, np.sign(own), np.diff(own, prepend=own[0]), own / close[:n]):
                fine = np.isfinite(one) & np.isfinite(moves)
                if fine.sum() >= 64 and one[fine].std() > 0 and moves[fine].std() > 0:
                    most = max(most, abs(float(np.corrcoef(one[fine], moves[fine])[0, 1])) * sqrt(fine.sum()))
    return most


def blindness(subject: Subject, seed: int) -> tuple[float, int]:
    """Share of its decisions that it takes at the same moment on the same side with other prices, and how many there are to compare."""
    own = [(known, symbol, side) for known, symbol, side, *_ in decided(subject.outcome, 1 << 62)]
    if len(own) < FEW:
        return 0.0, len(own)
    instruments, tapes, events = subject.data
    kept = [event for event in events if not isinstance(event, Split)]
    other = subject.again((instruments, [scrambled(tape, 0, seed + 2) for tape in tapes], kept), cls=subject.cls)
    found = {(known, symbol, side) for known, symbol, side, *_ in decided(other, 1 << 62)}
    return sum(one in found for one in own) / len(own), len(own)

