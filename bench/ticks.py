"""One resting order against every trade of a tape, walked and compiled; and the same in a tick engine that is compiled, too."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from argosy.core.events import Fact
from argosy.house import Data, Terms, Wanted
from argosy.lab.backtest import run
from argosy.lab.sweep import shore, sweep
from bench import oracle
from bench.clock import in_turn
from bench.figure import Figure, figure
from bench.market import book_tape, prints, table, trade_tape
from bench.peers import Failed, Rival, kept
from bench.robots import HIGH, LOW, Steps, Swings, Watched
from bench.trial import CASH, Trial, play, wrong

PEER = "hftbacktest 2.4.4"
TERMS = Terms(cash=float(CASH), fees="free", slippage_bps=0.0)
DEPTH = Terms(cash=float(CASH), fees="free", slippage_bps=0.0, depth=True)
MODELS = Terms(cash=float(CASH), fees="free", slippage_bps=0.0, depth=True, queue="fifo", latency_ms=2.0, report_latency_ms=1.0)


def walk(rows: int, strategy: type = Swings) -> Trial:
    """A walk over the trades."""
    tape = trade_tape(rows)
    first = int(tape["known"][0])
    return play(strategy, tape, events=[Fact(first, first, "bench", "begin", 0.0)])


def compiled(data: Data, terms: Terms = TERMS) -> tuple[float, dict[str, Any]]:
    """Processor seconds of a sweep of one step over tapes that are laid out, and its row; a book that is kept is built anew."""
    instruments, tapes, _ = data
    gc.collect()
    begun = process_time()
    if terms.depth:  # it depends on no order and is kept with the tape, but the peer builds its own in its loop
        shore.told(tapes[1], instruments[0])
    frame = sweep(Steps, data, {}, terms=terms, workers=1, trials=None)
    return process_time() - begun, frame.row(0, named=True)


def same(row: dict[str, Any], data: Data, terms: Terms, right: oracle.Count | None = None) -> str:
    """Why a compiled run does not count, "" when it does: the engine's own run to the unit, and the independent loop."""
    outcome = run([Wanted("bench", Steps)], data, terms, trials=None)
    walked = oracle.Count(len(outcome.account.fills), outcome.run.engine.state.portfolio.equity)
    found = oracle.Count(row["fills"], row["equity_units"])
    if row["refused"] or found != walked:
        return f"{row['refused'] or found}, walked {walked}"
    if right is not None and found != right:
        return f"{found}, the independent loop has {right}"
    return "" if found.fills else "it never traded"


def lanes(quick: bool) -> Iterator[Figure]:
    """Million rows a second of one core, compiled: trades alone; trades and a book; and with latency and a queue."""
    rows, few = (200_000, 50_000) if quick else (2_000_000, 100_000)
    price = prints(rows)[0].tolist()
    trades: Data = (table(), [trade_tape(rows)], [])
    right = oracle.swings(price, LOW, HIGH, CASH * 1_000_000)
    took, row = min((compiled(trades) for _ in range(2 if quick else 6)), key=lambda one: one[0])
    found = oracle.Count(row["fills"], row["equity_units"])
    wrong = "" if found == right else f"{found}, the independent loop has {right}"
    short: Data = (table(), [trade_tape(few)], [])
    wrong = wrong or same(compiled(short)[1], short, TERMS, oracle.swings(prints(few)[0].tolist(), LOW, HIGH, CASH * 1_000_000))
    note = f"{rows:,} trades, a step called on each, {right.fills:,} fills; equal to the independent loop, on {few:,} to the engine's own run"
    yield figure("ticks.compiled", rows / took / 1e6, wrong=wrong, note=note)
    deep: Data = (table(), list(book_tape(rows)), [])
    half = oracle.swings(prints(rows // 2)[0].tolist(), LOW, HIGH, CASH * 1_000_000)
    took, row = min((compiled(deep, DEPTH) for _ in range(2 if quick else 6)), key=lambda one: one[0])
    found = oracle.Count(row["fills"], row["equity_units"])
    wrong = "" if found == half else f"{found}, the independent loop has {half}"
    short = (table(), list(book_tape(few)), [])
    wrong = wrong or same(compiled(short, DEPTH)[1], short, DEPTH)
    note = f"{rows:,} rows, half of them levels of a book that is kept, {half.fills:,} fills; equal as above; building the book counts"
    yield figure("ticks.depth", rows / took / 1e6, wrong=wrong, note=note)
    took, row = min((compiled(deep, MODELS) for _ in range(2 if quick else 4)), key=lambda one: one[0])
    wrong = same(compiled(short, MODELS)[1], short, MODELS)
    note = f"the same with 2 ms there, 1 ms back and a FIFO queue, {row['fills']:,} fills; on {few:,} rows equal to the engine's own run"
    yield figure("ticks.models", rows / took / 1e6, wrong=wrong, note=note)


def against(rival: Rival, rows: int, right: oracle.Count, quick: bool) -> Figure:
    """How many times as many trades a second as hftbacktest, both compiled, timed in turn on one tape."""
    data: Data = (table(), [trade_tape(rows)], [])
    row = compiled(data)[1]
    pair = in_turn(lambda: compiled(data)[0], rival.run, 3 if quick else 7)
    gain = right.equity / 1e6 - CASH
    wrong = ""
    if oracle.Count(row["fills"], row["equity_units"]) != right:
        wrong = f"{row['fills']} fills and {row['equity_units']} units, the independent loop has {right}"
    elif rival.answer["fills"] != right.fills or abs(rival.answer["equity"] - gain) > 0.01:
        wrong = f"{PEER} has {rival.answer}, the independent loop {right.fills} fills and a gain of {gain:.2f}"
    note = f"{rows:,} trades, {right.fills:,} fills and the same gain on both sides, a step of its own compiled into each"
    return figure("ticks.hftbacktest", pair.ratio, wrong=wrong, note=note, peer=PEER, peer_value=rows / pair.theirs, ratio=pair.ratio)


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
    yield from lanes(quick)
    when = np.arange(1, rows + 1) * 1e6
    shown = walk(rows // 10, Watched)
    said_shown = wrong(shown, oracle.swings(prints(rows // 10)[0].tolist(), LOW, HIGH, CASH * 1_000_000))
    yield figure("ticks.watched", rows // 10 / shown.seconds, wrong=said_shown, note="the same, and a handler in Python is shown every trade")
    levels = [[LOW / 100, HIGH / 100, 0.0]]
    given = np.concatenate((levels, np.stack((when, price / 100, side), axis=1)))
    try:
        with Rival("hftbacktest", kept(f"trades-{rows}", given)) as rival:
            rival.run()
            pair = in_turn(lambda: walk(rows).seconds, rival.run, 1 if quick else 3)
            gain = right.equity / 1e6 - CASH
            if rival.answer["fills"] != right.fills or abs(rival.answer["equity"] - gain) > 0.01:
                said = said or f"{PEER} has {rival.answer}, the independent loop {right.fills} fills and a gain of {gain:.2f}"
            note = f"{right.fills:,} fills and the same gain on both sides; it has no rules, no journal, no Python in its loop"
            yield against(rival, rows, right, quick)
            yield figure(
                "ticks.hftbacktest_walk", pair.ratio, wrong=said, note=note, peer=PEER, peer_value=rows / pair.theirs, ratio=pair.ratio
            )
    except Failed as error:
        yield figure("ticks.hftbacktest", None, peer=PEER, note=f"{PEER}: {error}")
        yield figure("ticks.hftbacktest_walk", None, peer=PEER, note=f"{PEER}: {error}")
