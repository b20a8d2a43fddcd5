"""Where a sweep runs: threads here, processes here, or a Ray cluster; the same pieces of work, and the same rows to the bit."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from importlib.machinery import PathFinder
from multiprocessing import get_context
from typing import NamedTuple

from argosy.core.errors import Misuse
from argosy.kernels.fees import FeeSchedule
from argosy.lab.sweep.grid import Plan
from argosy.lab.sweep.ground import Ground
from argosy.lab.sweep.shore import Shore
from argosy.lab.sweep.work import Sums, perform, sums

PLACES = ("threads", "processes", "ray")
PIECES = 4
"""Pieces of work for each worker on each instrument, so that none waits long for the last."""


class Piece(NamedTuple):
    """Combinations [lo, hi) of the plan on one instrument, the `land`-th."""

    land: int
    lo: int
    hi: int


def pieces(count: int, lands: int, workers: int) -> list[Piece]:
    """All the work in pieces, in order."""
    size = max(1, -(-count // (workers * PIECES)))
    return [Piece(land, lo, min(count, lo + size)) for land in range(lands) for lo in range(0, count, size)]


def run_piece(made: Plan, land: Ground | Shore, schedule: FeeSchedule, piece: Piece, memory_mb: float) -> tuple[Piece, Sums]:
    """Do one piece, wherever this is called."""
    own = made._replace(combinations=made.combinations[piece.lo : piece.hi])
    return piece, perform(own, land, schedule, sums(piece.hi - piece.lo), memory_mb=memory_mb)


def spread(
    on: str, made: Plan, lands: Sequence[Ground | Shore], schedule: FeeSchedule, out: Sums, workers: int, memory_mb: float,
    told: Callable[[int], None],
) -> None:  # fmt: skip
    """Run every combination on every instrument into `out`, instrument by instrument, and tell how many are done.

    Misuse: SWEEP_PLACE for an unknown place, RAY_MISSING without the package, SWEEP_PICKLE for a strategy that cannot travel.
    """
    count = len(made.combinations)
    if on == "threads":
        for k, land in enumerate(lands):
            perform(made, land, schedule, out.part(k * count, (k + 1) * count), threads=workers, memory_mb=memory_mb, told=told)
        return
    if on not in PLACES:
        raise Misuse("SWEEP_PLACE", f"a sweep cannot run on {on!r}", where="on", fix=f"one of {', '.join(PLACES)}")
    _travels(made)
    work = _processes if on == "processes" else _ray
    for piece, found in work(made, lands, schedule, pieces(count, len(lands), workers), workers, memory_mb):
        part = out.part(piece.land * count + piece.lo, piece.land * count + piece.hi)
        for target, source in zip(part, found, strict=True):
            target[:] = source
        told(piece.hi - piece.lo)


def _travels(made: Plan) -> None:
    """Misuse("SWEEP_PICKLE") for a strategy that another process would not find by its name."""
    cls, why = made.declaration.cls, ""
    try:
        pickle.dumps(made)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        why = str(error)
    if not why and PathFinder.find_spec(cls.__module__.partition(".")[0]) is None:
        why = f"there is no module {cls.__module__}"
    if why:
        raise Misuse(
            "SWEEP_PICKLE", f"{made.declaration.name} cannot be sent to another process: {why}", where="on",
            fix="put its class at the top of a module that can be imported, or use threads",
        )  # fmt: skip


def _processes(
    made: Plan, lands: Sequence[Ground | Shore], schedule: FeeSchedule, work: Sequence[Piece], workers: int, memory_mb: float
) -> Iterator[tuple[Piece, Sums]]:
    """Fresh processes of this machine; each is given the prices once."""
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, (made, tuple(lands), schedule, memory_mb)) as pool:
        for done in as_completed([pool.submit(_here, piece) for piece in work]):
            yield done.result()


_GIVEN: list[tuple[Plan, tuple[Ground | Shore, ...], FeeSchedule, float]] = []
"""In a process of a sweep: what it was given when it began."""


def _begin(made: Plan, lands: tuple[Ground | Shore, ...], schedule: FeeSchedule, memory_mb: float) -> None:
    _GIVEN[:] = [(made, lands, schedule, memory_mb)]


def _here(piece: Piece) -> tuple[Piece, Sums]:
    made, lands, schedule, memory_mb = _GIVEN[0]
    return run_piece(made, lands[piece.land], schedule, piece, memory_mb)


def _ray(
    made: Plan, lands: Sequence[Ground | Shore], schedule: FeeSchedule, work: Sequence[Piece], workers: int, memory_mb: float
) -> Iterator[tuple[Piece, Sums]]:
    """A Ray cluster: the one that RAY_ADDRESS names, or one of this machine's cores; prices are stored there once."""
    try:
        ray = import_module("ray")
    except ImportError as error:
        raise Misuse("RAY_MISSING", "Ray is not installed", where="on", fix="pip install 'argosy[ray]', or use threads") from error
    begun = not ray.is_initialized()
    if begun:
        ray.init(configure_logging=False, log_to_driver=False, include_dashboard=False)
    try:
        stored = [ray.put(land) for land in lands]
        plan, task = ray.put(made), ray.remote(run_piece)
        waiting = [task.remote(plan, stored[piece.land], schedule, piece, memory_mb) for piece in work]
        while waiting:
            ready, waiting = ray.wait(waiting)
            yield from ray.get(ready)
    finally:
        if begun:
            ray.shutdown()
