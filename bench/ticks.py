"""One resting order against every trade of a tape, all rules and marks on; and the same in a compiled tick engine."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np

from argosy.core.events import Fact
from bench import oracle
from bench.clock import in_turn
from bench.figure import Figure, figure
from bench.market import prints, trade_tape
from bench.peers import Failed, Rival, kept
from bench.robots import HIGH, LOW, Swings, Watched
from bench.trial import CASH, Trial, play, wrong

PEER = "hftbacktest 2.4.4"


def walk(rows: int, strategy: type = Swings) -> Trial:
    """A walk over the trades."""
    tape = trade_tape(rows)
    first = int(tape["known"][0])
    return play(strategy, tape, events=[Fact(first, first, "bench", "begin", 0.0)])


def figures(quick: bool) -> Iterator[Figure]:
    """Trades a second, walked; and how many times hftbacktest's, whose strategy and loop are both compiled."""
    rows = 100_000 if quick else 1_000_000
    price, side = prints(rows)
    right = oracle.swings(price.tolist(), LOW, HIGH, CASH * 1_000_000)
    walk(2_000)
    trials = [walk(rows) for _ in range(1 if quick else 3)]
    said = wrong(trials[0], right)
    note = f"{right.fills:,} fills of one resting order, equity to the unit, fold equal"
    yield figure("ticks.walk", rows / median(trial.seconds for trial in trials), wrong=said, note=note)
    when = np.arange(1, rows + 1) * 1e6
    shown = walk(rows // 10, Watched)
    said_shown = wrong(shown, oracle.swings(prints(rows // 10)[0].tolist(), LOW, HIGH, CASH * 1_000_000))
    yield figure("ticks.watched", rows // 10 / shown.seconds, wrong=said_shown, note="the same, and a handler in Python is shown every trade")
    levels = [[LOW / 100, HIGH / 100, 0.0]]
    table = np.concatenate((levels, np.stack((when, price / 100, side), axis=1)))
    try:
        with Rival("hftbacktest", kept(f"trades-{rows}", table)) as rival:
            rival.run()
            pair = in_turn(lambda: walk(rows).seconds, rival.run, 1 if quick else 3)
            gain = right.equity / 1e6 - CASH
            if rival.answer["fills"] != right.fills or abs(rival.answer["equity"] - gain) > 0.01:
                said = said or f"{PEER} has {rival.answer}, the independent loop {right.fills} fills and a gain of {gain:.2f}"
            note = f"{right.fills:,} fills and the same gain on both sides; it has no rules, no journal, no Python in its loop"
            yield figure(
                "ticks.hftbacktest", pair.ratio, wrong=said, note=note, peer=PEER, peer_value=rows / pair.theirs, ratio=pair.ratio
            )
    except Failed as error:
        yield figure("ticks.hftbacktest", None, peer=PEER, note=f"{PEER}: {error}")
