"""Which rows of a file are still trusted, and why each other one is not; a row that fell through never comes back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argosy.data.report import Reject
from argosy.data.table import Table

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Sieve:
    """Begins with every row of a table alive. alive: (R,) bool; a row is refused once, for the first reason found."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.alive: Bools = np.ones(len(table.lines), dtype=bool)
        self._why: list[tuple[str, Ints]] = []

    def refuse(self, bad: Bools, reason: str) -> None:
        """Refuse the rows of a (R,) mask."""
        places = np.flatnonzero(bad & self.alive)
        if len(places):
            self._why.append((reason, places))
            self.alive[places] = False

    def refuse_rows(self, rows: Ints, reason: str) -> None:
        """Refuse rows by their places in the table."""
        bad = np.zeros(len(self.alive), dtype=bool)
        bad[rows] = True
        self.refuse(bad, reason)

    def rejects(self) -> list[Reject]:
        """The refused rows by line, those whose fields could not even be told apart included."""
        out = [Reject(int(line), "wrong number of fields", self.table.text(int(line))) for line in self.table.ragged]
        for reason, places in self._why:
            out += [Reject(int(line), reason, self.table.text(int(line))) for line in self.table.lines[places]]
        return sorted(out, key=lambda reject: reject.line)
