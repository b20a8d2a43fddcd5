"""The ledger of trials: a line for every run, with what was tried on what, so that nobody forgets how often she looked.

Lines are only added, whole or not at all, by any number of processes. Each carries a hash of all lines before it, and the house
remembers elsewhere how far each ledger had come: lines that are changed, left out or thrown away are noticed, and said.

    folder   the one that is named; else $ARGOSY_TRIALS; else .argosy/trials of the folder in which one runs
    memory   $ARGOSY_HOME/ledgers; else ~/.config/argosy/ledgers: how far each ledger had come, and a copy of every line

The memory belongs to the owner, whatever folder she runs in: what is counted is the union of this ledger and of all that it knows.

A trial is one distinct choice: (code, parameters, terms, what it was run on). The same again, or on more days of the same
instrument, is the same trial; other code, another parameter, another fee is a new one. Counted for some prices are the trials
of every run that saw any of them: the same rows, or the same instrument in a period that overlaps. A run over several
instruments counts whole, because its best was chosen among all of them. Beside them stand the trials of the same code, with any
parameters, on other instruments in a period that overlaps: whoever shows the best of many instruments has chosen, too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from argosy.core.errors import Broken, Misuse

TRIALS = Path(".argosy") / "trials"
"""The folder where the trials of a project are kept, from the folder in which it is run; $ARGOSY_TRIALS names another."""
FILE = "trials.jsonl"
SCHEMA = 2
_CHAIN = len(b',"chain":"' + b"0" * 32 + b'"}')


class Ledger(NamedTuple):
    """What a ledger is: where, how many lines and trials it holds, and what is wrong with it (nothing: ()).

    witnessed: whether the house's memory of it was there to compare with
    """

    place: str
    lines: int
    trials: int
    faults: tuple[str, ...]
    witnessed: bool


class Look(NamedTuple):
    """What a run saw of one instrument. data: `looks.data_key` of its rows; first, last: ns UTC of its rows, last included."""

    data: str
    first: int
    last: int


class Tried(NamedTuple):
    """How often some prices were looked at.

    trials: distinct ones; runs: lines of the ledger they are in; mean, variance: of the Sharpe ratios of `rated` of them, of one day;
    strategies: distinct trials by the strategy's name
    elsewhere: those of `trials` and `beside` that only other ledgers of the same owner know
    beside: distinct trials of the same code on other instruments in a period that overlaps; others: how many instruments those are
    """

    trials: int
    runs: int
    rated: int
    mean: float
    variance: float
    strategies: dict[str, int]
    elsewhere: int = 0
    beside: int = 0
    others: int = 0

    @property
    def looks(self) -> int:
        """Among how many it may have been chosen: on these prices and beside them."""
        return self.trials + self.beside


def place(folder: Path | str = TRIALS) -> Path:
    """The folder meant: TRIALS itself stands for $ARGOSY_TRIALS where that is set."""
    named = os.environ.get("ARGOSY_TRIALS", "")
    return Path(named) if named and Path(folder) == TRIALS else Path(folder)


def home() -> Path:
    """Where the house keeps what belongs to its owner: $ARGOSY_HOME, else argosy in the user's folder of settings."""
    if named := os.environ.get("ARGOSY_HOME", ""):
        return Path(named)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "argosy"


# -- writing ------------------------------------------------------------------------------------------------------------------


def append(folder: Path | str, line: Mapping[str, Any]) -> None:
    """Add one line; it must tell `trials`, how many combinations were tried. Misuse("TRIALS_PATH") where nothing can be written."""
    at = place(folder)
    try:
        at.mkdir(parents=True, exist_ok=True)
        with _alone(at):
            _write(at, line)
    except OSError as error:
        raise Misuse(
            "TRIALS_PATH", f"the ledger of trials cannot be written: {error.strerror}", where=str(at),
            fix="name another folder with --ledger or ARGOSY_TRIALS",
        ) from error  # fmt: skip


def _write(at: Path, line: Mapping[str, Any]) -> None:
    file = os.open(at / FILE, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o644)
    try:
        size = os.fstat(file).st_size
        before = _last(file, size)
        memory = _memory(at)
        seq = _number(before)
        made = {"schema": SCHEMA, "seq": seq} | dict(line)
        if memory is not None and (missing := _missing(memory, size, file)):
            made["lost"] = missing
        body = msgspec.json.encode(made)
        chain = _link(before, body)
        torn = b"\n" if before and not before.endswith(b"\n") else b""
        os.write(file, torn + body[:-1] + b',"chain":"' + chain.encode() + b'"}\n')
        lost = (memory or {}).get("lost", 0) + made.get("lost", 0)
        now = os.fstat(file).st_size
        counted = (0 if "lost" in made else (memory or {}).get("trials", 0)) + int(line["trials"])
        kept = {"place": str(at.resolve()), "bytes": now, "chain": chain, "trials": counted, "lost": lost}
    finally:
        os.close(file)
    spot, copy = _spot(at), _copy(at)
    try:
        spot.parent.mkdir(parents=True, exist_ok=True)
        start = (size if memory is None or "lost" in made else int(memory["bytes"])) if copy.exists() else 0
        with (at / FILE).open("rb") as whole, copy.open("ab", buffering=0) as kept_lines:  # with what a crash or an older release left out
            whole.seek(start)
            kept_lines.write(whole.read())
        spot.write_bytes(msgspec.json.encode(kept))
    except OSError:
        return  # a home that cannot be written to: the ledger says that nobody witnessed it


def _last(file: int, size: int) -> bytes:
    """The last line of a file, its end of line included; b"" of an empty one."""
    span = 4096
    while True:
        start = max(0, size - span)
        text = _read(file, size - start, start)
        cut = text.rfind(b"\n", 0, len(text) - 1)
        if cut >= 0 or start == 0:
            return text[cut + 1 :]
        span *= 8


def _read(file: int, count: int, start: int) -> bytes:
    os.lseek(file, start, os.SEEK_SET)
    return os.read(file, count)


def _number(before: bytes) -> int:
    """Number of the line after `before`; lines from before there were numbers count as none."""
    try:
        return int(msgspec.json.decode(before).get("seq", -1)) + 1 if before.strip() else 0
    except (msgspec.DecodeError, AttributeError, TypeError, ValueError):
        return 0


def _link(before: bytes, body: bytes) -> str:
    """Hash of a line and of the whole line before it, which holds the hash of those before."""
    return blake2b(before.rstrip(b"\n") + b"\n" + body, digest_size=16).hexdigest()


def _spot(at: Path) -> Path:
    return home() / "ledgers" / f"{blake2b(str(at.resolve()).encode(), digest_size=16).hexdigest()}.json"


def _copy(at: Path) -> Path:
    """The owner's copy of a ledger's lines; only who holds the ledger's lock writes it."""
    return _spot(at).with_suffix(".jsonl")


def _memory(at: Path) -> dict[str, Any] | None:
    """What the house remembers of a ledger; None where it remembers nothing."""
    try:
        found: dict[str, Any] = msgspec.json.decode(_spot(at).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return found if isinstance(found, dict) and "bytes" in found else None


def _missing(memory: Mapping[str, Any], size: int, file: int) -> int:
    """Trials that the house remembers and the file no longer holds; 0 while what was there still stands."""
    until = int(memory["bytes"])
    if size >= until:
        tail = _last(file, until)
        if tail.endswith(f'"chain":"{memory["chain"]}"}}\n'.encode()):
            return 0
    return int(memory["trials"])


@contextmanager
def _alone(at: Path) -> Iterator[None]:
    """Nobody else writes into the folder's ledger meanwhile, in any process."""
    file = os.open(at / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


# -- reading ------------------------------------------------------------------------------------------------------------------


def lines(folder: Path | str = TRIALS) -> Iterator[dict[str, Any]]:
    """Every line of a ledger, the oldest first; none where there is no ledger. Broken("TRIALS") for a line that is none."""
    path = place(folder) / FILE
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            try:
                line = msgspec.json.decode(text)
                count = line["trials"]
            except (msgspec.DecodeError, TypeError, KeyError) as error:
                raise Broken("TRIALS", "a line of the ledger of trials cannot be read", where=f"{path}:{number}") from error
            if count:
                yield line


def count(folder: Path | str = TRIALS) -> int:
    """How many combinations were tried in all, repetitions included; 0 where there is no ledger."""
    return sum(int(line["trials"]) for line in lines(folder))


def inspect(folder: Path | str = TRIALS) -> Ledger:
    """Whether a ledger is whole: every line in its place, and none of those that the house remembers gone."""
    at = place(folder)
    path, memory = at / FILE, _memory(at)
    faults: list[str] = []
    number, trials, lost = 0, 0, 0
    before, chained = b"", False
    if path.exists():
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                try:
                    line = msgspec.json.decode(text)
                    trials += int(line["trials"])
                except (msgspec.DecodeError, TypeError, KeyError, ValueError):
                    faults.append(f"line {number} cannot be read")
                    before = text
                    continue
                if "chain" in line:
                    body = text.rstrip(b"\n")[:-_CHAIN] + b"}"
                    if line["chain"] != _link(before, body):
                        faults.append(f"line {number} does not follow from the one before it: something was changed or left out")
                    chained = True
                elif chained:
                    faults.append(f"line {number} was put in by hand: it is not part of the chain")
                lost += int(line.get("lost", 0))
                before = text
    gone = 0
    if memory is not None:
        if path.exists():
            file_no = os.open(path, os.O_RDONLY)
            try:
                gone = _missing(memory, os.fstat(file_no).st_size, file_no)
            finally:
                os.close(file_no)
        else:
            gone = int(memory["trials"])
        lost = max(lost, int(memory.get("lost", 0)))
    if gone or lost:
        faults.append(f"{gone + lost} trials that were written here before are gone")
    return Ledger(str(at), number, trials, tuple(faults), memory is not None)


def tried(looks: Mapping[str, Look], folder: Path | str = TRIALS, code: str = "") -> Tried:
    """How often the prices of these symbols were tried, by the law at the head of this file; Broken("TRIALS") as `lines`.

    code: of a strategy, whose trials on other instruments are looked for, too; "" asks for none
    """
    seen: set[tuple[Any, ...]] = set()
    beside: set[tuple[Any, ...]] = set()
    others: set[str] = set()
    strategies: dict[str, int] = {}
    runs, rated, mean, squares, elsewhere = 0, 0, 0.0, 0.0, 0
    for number, (line, mine) in enumerate(_every(folder)):
        if not _same(line, looks):
            if code and _beside(line, looks, code):
                size = len(beside)
                beside.update(_trials(line, number))
                elsewhere += 0 if mine else len(beside) - size
                others.update(line["looks"])
            continue
        runs += 1
        size = len(seen)
        seen.update(_trials(line, number))
        fresh = len(seen) - size
        if not fresh:
            continue
        elsewhere += 0 if mine else fresh
        name = str(line.get("strategy", "?"))
        strategies[name] = strategies.get(name, 0) + fresh
        ratios, a_year = line.get("sharpe") or {}, float(line.get("ppy") or 252.0)
        own = int(ratios.get("count", line["trials"])) if ratios.get("mean") is not None else 0
        if own:
            part = float(ratios["mean"]) / a_year**0.5
            spread = float(ratios.get("variance") or 0.0) / a_year * (own - 1)
            off = part - mean
            squares += spread + off * off * rated * own / (rated + own)
            mean += off * own / (rated + own)
            rated += own
    variance = squares / (rated - 1) if rated > 1 else 0.0
    return Tried(len(seen), runs, rated, mean, variance, strategies, elsewhere, len(beside), len(others))


def _every(folder: Path | str) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every line of the ledger, then every other line that the owner's memory has, and whether it is the ledger's own.

    A line that stands in several files, because a folder was moved or copied, comes once; one of the memory that is torn is left out.
    """
    known: set[str] = set()
    for line in lines(folder):
        known.add(line.get("chain", ""))
        yield line, True
    for path in sorted((home() / "ledgers").glob("*.jsonl")):
        with path.open("rb") as file:
            for text in file:
                try:
                    line = msgspec.json.decode(text)
                    fresh = line["trials"] and line["chain"] not in known
                except (msgspec.DecodeError, TypeError, KeyError):
                    continue
                if fresh:
                    known.add(line["chain"])
                    yield line, False


def _beside(line: Mapping[str, Any], looks: Mapping[str, Look], code: str) -> bool:
    """Whether a run of this code saw other instruments in a period that overlaps."""
    if line.get("code") != code and code not in line.get("codes", ()):
        return False
    spans = [(first, last) for _, first, last in (line.get("looks") or {}).values()]
    return any(first < look.last and look.first < last for first, last in spans for look in looks.values())


def _same(line: Mapping[str, Any], looks: Mapping[str, Look]) -> bool:
    """Whether a run saw any of these prices; a line that does not say what it saw (schema 1) is held against the rows' names alone."""
    for symbol, seen in (line.get("looks") or {}).items():
        data, first, last = seen
        for name, look in looks.items():
            if data == look.data or (symbol == name and first < look.last and look.first < last):
                return True
    return "looks" not in line and any(symbol in looks for symbol in line.get("data") or {})


def _trials(line: Mapping[str, Any], run: int) -> Iterator[tuple[Any, ...]]:
    """A name for each trial of a line: equal for equal choices, whatever run they are in."""
    held = line.get("held")
    if held is None:  # a line that does not say all its parameters: its trials are nobody else's
        yield from ((run, k) for k in range(int(line["trials"])))
        return
    looks = tuple(sorted(line.get("looks") or {}))
    choices: Sequence[Mapping[str, Any]] = line.get("choices") or []
    if not choices:
        axes: Mapping[str, Sequence[Any]] = line.get("grid") or {}
        choices = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    for choice in choices:
        params = repr(sorted((held | dict(choice)).items()))
        for symbols in [(symbol,) for symbol in looks] if line.get("kind") == "sweep" else [looks]:
            yield (line.get("code"), line.get("terms"), params, symbols)
