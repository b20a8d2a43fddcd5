"""The walk lane against a small loop in plain Python, timed in turn in one process: a ratio that a slower machine does not change."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import process_time

import msgspec

from bench import oracle
from bench.clock import in_turn
from bench.figure import Figure, figure
from bench.market import prices
from bench.trial import STEPPED, expected, walk, wrong

ROWS = 20_000
"""Bars of the loop; the compiled walk takes ten times as many, for it is short."""


class Minute(msgspec.Struct, frozen=True, gc=False):
    """A bar of the loop's own, so that nothing of the house is in it."""

    at: int
    open: int
    close: int


class Account:
    """Cash and a position: what a robot of one page would have."""

    def __init__(self, cash: int) -> None:
        self.cash = cash
        self.held = 0
        self.wanted = 0
        self.fills = 0
        self.worth = cash
        self.closes: list[int] = []

    def on_minute(self, minute: Minute) -> None:
        """Fill what was wanted at the open, mark at the close, want anew."""
        if self.wanted != self.held:
            self.trade(minute.open)
        self.worth = self.cash + self.held * minute.close * oracle.CENT
        self.decide(minute.close)

    def trade(self, price: int) -> None:
        """One fill."""
        self.cash -= (self.wanted - self.held) * price * oracle.CENT
        self.held = self.wanted
        self.fills += 1

    def decide(self, close: int) -> None:
        """The cross on whole sums."""
        closes = self.closes
        closes.append(close)
        if len(closes) >= 30:
            self.wanted = 100 if 3 * sum(closes[-10:]) > sum(closes[-30:]) else 0


def loop(rows: int, cash: int) -> Account:
    """Walk the loop's account over the minutes."""
    series = prices(rows)
    account = Account(cash)
    for at, (open_, close) in enumerate(zip(series.open.tolist(), series.close.tolist(), strict=True)):
        account.on_minute(Minute(at, open_, close))
    return account


def _walked(rows: int, scan_from: int | None) -> float:
    """Seconds of as many bars of a walk as the loop has."""
    return walk(rows, fee_bps=0, scan_from=scan_from).seconds * (ROWS / rows)


def figures(quick: bool) -> Iterator[Figure]:
    """A bar of the house over a bar of the loop: smaller is better."""
    pairs = 5 if quick else 9
    cash = 10**13

    def timed() -> float:
        begun = process_time()
        loop(ROWS, cash)
        return process_time() - begun

    account = loop(ROWS, cash)
    right = expected(ROWS, fee_bps=0)
    fault = "" if (account.fills, account.worth) == right else f"the loop has {account.fills} fills and {account.worth} units, not {right}"
    for name, scan_from, rows in (("reference.stepped", STEPPED, ROWS), ("reference.walk", None, ROWS * 10)):
        said = wrong(walk(rows, fee_bps=0, scan_from=scan_from), expected(rows, fee_bps=0))
        pair = in_turn(partial(_walked, rows, scan_from), timed, pairs)
        note = f"{pair.ours / ROWS * 1e9:,.0f} ns a bar, the loop {pair.theirs / ROWS * 1e9:,.0f}; fills and equity equal"
        yield figure(name, 1.0 / pair.ratio, wrong=said or fault, note=note, peer="loop", peer_value=1.0, ratio=pair.ratio)
