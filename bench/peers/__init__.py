"""Other engines on the same prices with the same strategy, each in its own environment, timed in turn with ours.

A peer's result is checked like ours: its number of fills, and its end equity against the independent loop under the peer's own
law of fills. One that cannot be set up here is said to be so, with the reason.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import oracle
from bench.clock import in_turn
from bench.figure import Figure, figure
from bench.market import prices
from bench.robots import LOTS
from bench.trial import CASH, STEPPED, expected, walk, wrong

HERE = Path(__file__).resolve().parent
PATIENCE_S = 900


class Peer(NamedTuple):
    """A peer. shown: its name in the table; rows: minutes it is given; at_close: it fills at the close it decided on.

    remark: how its run differs from ours, in a sentence
    """

    name: str
    shown: str
    rows: int
    at_close: bool = False
    remark: str = ""


PEERS = (
    Peer("backtesting", "backtesting.py 0.6.6", 100_000),
    Peer("backtrader", "backtrader 1.9.78", 50_000),
    Peer("vectorbt", "vectorbt 1.2.0", 500_000, remark="arrays, no events, no risk rules, no journal"),
    Peer(
        "nautilus", "nautilus_trader 1.221", 50_000, at_close=True,
        remark="it fills at the close it decided on (checked so), its bars are built outside its time",
    ),
)  # fmt: skip


class Failed(Exception):
    """A peer could not be set up or run; the message is fit for the table."""


class Rival:
    """A peer's process, ready to run when asked; a context manager."""

    def __init__(self, name: str, file: Path, runner: str = "run.py") -> None:
        python = environment(name)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed in __exit__)
        self._process = subprocess.Popen(
            [str(python), str(HERE / "serve.py"), str(HERE / name / runner), str(file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, cwd=tempfile.gettempdir(),
        )  # fmt: skip
        self.answer: dict[str, Any] = {}

    def __enter__(self) -> Rival:
        self._hear()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._errors.close()

    def run(self) -> float:
        """Run once: its processor seconds. What it found is in `answer`."""
        self._process.stdin.write("go\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        self._hear()
        return float(self.answer["seconds"])

    def _hear(self) -> None:
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines()
            raise Failed(f"it stopped: {said[-1] if said else 'no word'}")
        self.answer = json.loads(line)


def environment(name: str) -> Path:
    """The Python of a peer's own environment, made when it is not there or its requirements changed; Failed otherwise."""
    home = HERE / name
    python, ready, pins = home / ".venv" / "bin" / "python", home / "ready", home / "requirements.txt"
    if python.exists() and ready.exists() and ready.stat().st_mtime >= pins.stat().st_mtime:
        return python
    print(f"  setting up {name} in an environment of its own ...", file=sys.stderr, flush=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(pins)]
    for command in ([sys.executable, "-m", "venv", "--clear", str(home / ".venv")], install):
        begun = monotonic()
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Failed(f"its environment was not set up within {PATIENCE_S} s") from error
        if done.returncode:
            print(done.stdout[-2_000:], file=sys.stderr)
            what = "installing it" if command is install else "making its environment"
            raise Failed(f"{what} failed after {monotonic() - begun:.0f} s (pip said why above)")
    ready.touch()
    return python


def kept(name: str, table: NDArray[np.float64]) -> Path:
    """A file with the numbers that all sides read."""
    file = HERE.parent / ".cache" / f"{name}.npy"
    file.parent.mkdir(exist_ok=True)
    np.save(file, table)
    return file


def file_of(rows: int) -> Path:
    """The prices of all sides as one .npy, (rows, 5) float64: open, high, low, close, volume."""
    series = prices(rows)
    columns = [series.open / 100, series.high / 100, series.low / 100, series.close / 100, series.volume]
    return kept(f"prices-{rows}", np.stack(columns, axis=1))


def figures(quick: bool) -> Iterator[Figure]:
    """How many times as many bars a second the house walks, by itself and with every bar stepped in Python."""
    for peer in PEERS:
        yield from against(peer, quick)


def against(peer: Peer, quick: bool) -> Iterator[Figure]:
    """The two figures of one peer: the house by itself, and with every bar stepped."""
    rows = min(peer.rows, 50_000) if quick else peer.rows
    names = (f"peers.{peer.name}", f"peers.{peer.name}_stepped")
    try:
        with Rival(peer.name, file_of(rows)) as rival:
            rival.run()  # whatever it compiles, it has compiled
            for name, scan_from in zip(names, (None, STEPPED), strict=True):
                walk(rows, fee_bps=0, scan_from=scan_from)
                pair = in_turn(partial(_whole, rows, scan_from), rival.run, 1 if quick else 3)
                said = _judged(peer, rows, rival.answer, scan_from)
                note = f"{rows:,} bars, {rival.answer['fills']:,} fills on both sides, equity checked on both"
                note += f"; {peer.remark}" if peer.remark else ""
                yield figure(
                    name, pair.ratio, wrong=said, note=note, peer=peer.shown, peer_value=rows / pair.theirs, ratio=pair.ratio
                )
    except Failed as error:
        for name in names:
            yield figure(name, None, peer=peer.shown, note=f"{peer.shown}: {error}")


def _whole(rows: int, scan_from: int | None) -> float:
    """Our seconds from a tape to the outcome: wiring, indicators, replay."""
    return walk(rows, fee_bps=0, scan_from=scan_from).whole


def _judged(peer: Peer, rows: int, answer: dict[str, Any], scan_from: int | None) -> str:
    """Why a pair does not count: our run against the independent loop, then the peer's, under its own law of fills."""
    ours = wrong(walk(rows, fee_bps=0, scan_from=scan_from), expected(rows, fee_bps=0), refold=False)
    if ours:
        return f"ours: {ours}"
    series = prices(rows)
    close = series.close.tolist()
    at = [close[0], *close[:-1]] if peer.at_close else series.open.tolist()
    right = oracle.cross(at, close, int(LOTS), CASH * 1_000_000, 0)
    if answer["fills"] != right.fills:
        return f"{peer.shown} has {answer['fills']:,} fills, the independent count is {right.fills:,}"
    if abs(answer["equity"] - right.equity / 1e6) > 0.01:
        return f"{peer.shown} ends with {answer['equity']:.2f}, the independent loop with {right.equity / 1e6:.2f}"
    return ""
