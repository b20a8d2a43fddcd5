"""Several tapes as one: rows in the order in which they became known. It computes nothing from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import RANK, Bar, MarketEvent, Quote, Trade
from argosy.core.tape import Tape


class Ticks(NamedTuple):
    """What rows mean to marks and resting orders, (T,) each; a row that shows no price, but must be seen, lies everywhere."""

    instrument: NDArray[Any]
    known: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]
    mark: NDArray[Any]
    quote: NDArray[Any]
    bid: NDArray[Any]
    ask: NDArray[Any]


class Merged:
    """Several tapes as one source of rows, ordered by (known, kind, instrument), ties in the order of the tapes.

    openings: False when every bar starts at or after the end of the instant before it, so that its opening may be handled
    with its own row; True when bars overlap other rows (several timeframes), and openings need their own place in time.
    """

    def __init__(self, tapes: Sequence[Tape]) -> None:
        self.tapes = tuple(_ordered(tape) for tape in tapes if len(tape))
        self._order: NDArray[np.int64] | None = None
        known = [tape["known"] for tape in self.tapes]
        self.known: NDArray[np.int64] = np.concatenate(known) if known else np.empty(0, np.int64)
        if len(self.tapes) > 1:
            source = np.concatenate([np.full(len(tape), k, np.int64) for k, tape in enumerate(self.tapes)])
            rank = np.concatenate([np.full(len(tape), RANK[tape.kind] * 8 + _KIND_ORDER[tape.kind.__name__], np.int64) for tape in self.tapes])
            instrument = np.concatenate([tape["instrument"] for tape in self.tapes])
            order = np.lexsort((instrument, rank, self.known))
            self._order = source[order]
            self.known = self.known[order]
        self.openings = self._overlaps()

    def _overlaps(self) -> bool:
        bars = [tape for tape in self.tapes if tape.kind is Bar]
        if not bars or not len(self.known):
            return False
        for tape in bars:
            before = np.searchsorted(self.known, tape["known"], side="left") - 1  # the last row of the instant before
            seen = before >= 0
            if np.any(tape["ts"][seen] < self.known[before[seen]]):
                return True
        return False

    def __len__(self) -> int:
        return len(self.known)

    @property
    def hashes(self) -> tuple[str, ...]:
        return tuple(tape.hash for tape in self.tapes)

    @cached_property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """The columns of all rows in order, where all are of one kind."""
        if self._order is None:
            return self.tapes[0].columns
        return {name: np.concatenate([tape[name] for tape in self.tapes])[self.places] for name in self.tapes[0].columns}

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """(T,) where each row stands when the tapes are laid end to end."""
        places = np.arange(len(self))
        if self._order is not None:
            places[np.argsort(self._order, kind="stable")] = np.arange(len(self))
        return places

    @cached_property
    def _starts(self) -> list[int]:
        """Where each tape begins when they are laid end to end."""
        return [0, *np.cumsum([len(tape) for tape in self.tapes]).tolist()]

    def row(self, at: int) -> MarketEvent:
        """One row."""
        own = self._order.item(at) if self._order is not None else 0
        tape, place = self.tapes[own], self.places.item(at) - self._starts[own]
        kind: Any = tape.kind
        event: MarketEvent = kind(*[column.item(place) for column in tape.columns.values()])
        return event

    def ticks(self) -> Ticks:
        """Quotes and trades as what they mean to marks and resting orders, as `Ticks` names them."""
        parts = [_tick(tape) for tape in self.tapes]
        rows = [np.concatenate(column)[self.places] for column in zip(*parts, strict=True)]
        return Ticks(rows[0], self.known, *rows[1:])

    def rows(self, start: int = 0) -> Iterator[MarketEvent]:
        """All rows from `start` on, in order."""
        if self._order is None:
            return self.tapes[0].rows(start) if self.tapes else iter(())
        before = np.bincount(self._order[:start], minlength=len(self.tapes))
        sources = [tape.rows(int(skip)) for tape, skip in zip(self.tapes, before, strict=True)]
        return (next(sources[k]) for k in self._order[start:].tolist())

    def instants(self) -> NDArray[np.int64]:
        """Row index at which each instant begins, and the number of rows at the end: (instants + 1,) int64."""
        known = self.known
        if not len(known):
            return np.zeros(1, np.int64)
        starts = np.flatnonzero(known[1:] != known[:-1]) + 1
        return np.concatenate(([0], starts, [len(known)])).astype(np.int64)


def _tick(tape: Tape) -> tuple[NDArray[Any], ...]:
    """The columns of `Ticks` but `known`, of one tape."""
    none = np.full(len(tape), np.nan)
    if tape.kind is Quote:
        bid, ask = tape["bid"], tape["ask"]
        mid = (bid + ask) * 0.5
        mark = np.where(np.isnan(mid), np.where(np.isnan(bid), ask, bid), mid)
        empty = np.isnan(mark)  # orders may end at it all the same
        low, high = np.where(empty, -np.inf, np.fmin(bid, ask)), np.where(empty, np.inf, np.fmax(bid, ask))
        return tape["instrument"], low, high, mark, np.ones(len(tape), np.bool_), bid, ask
    price = tape["price"] if tape.kind is Trade else none
    return tape["instrument"], price, price, price, np.zeros(len(tape), np.bool_), none, none


def _ordered(tape: Tape) -> Tape:
    """The tape with equal times in order of instrument, so that no order of arrival inside an instant can matter."""
    known, instrument = tape["known"], tape["instrument"]
    if not np.any((known[1:] == known[:-1]) & (instrument[1:] < instrument[:-1])):
        return tape
    return tape.take(np.lexsort((instrument, known)))


_KIND_ORDER = {"BookDelta": 0, "Quote": 1, "Trade": 2, "Bar": 3}
