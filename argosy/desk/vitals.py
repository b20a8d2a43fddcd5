"""What of this machine and of the settings must be sound before a desk starts: disk, journal, lease, keys, limits, strategies; it asks no broker."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from argosy import quay
from argosy.core.errors import ArgosyError
from argosy.desk import latch
from argosy.desk.folder import Folder
from argosy.desk.keys import NAMES, keystore
from argosy.engine.rules.profiles import PROFILES, rules
from argosy.net.keystore import PASSPHRASE, Keystore
from argosy.net.secret import Secret
from argosy.store import lease
from argosy.store.opening import LOCK
from argosy.store.reader import Reader

if TYPE_CHECKING:
    from argosy.house import Wanted
    from argosy.settings import Settings

Outcome = Literal["pass", "warn", "fail"]
GIB = 1 << 30
FREE_WARN, FREE_FAIL = 2 * GIB, GIB // 4
SYNC_WARN_MS, SYNC_FAIL_MS = 30.0, 500.0


class Check(msgspec.Struct, frozen=True):
    """One thing that was examined. value: what was measured; said: what it means; fix: what to do, "" where nothing is"""

    name: str
    status: Outcome
    value: str
    said: str
    fix: str = ""
    took_ms: float = 0.0


def disk(folder: Folder) -> Check:
    """Room, and how long a write takes until it is durable: the median of seven."""
    free = shutil.disk_usage(folder.root).free
    path = folder.root / f"doctor-{os.getpid()}.tmp"
    times = []
    try:
        with path.open("wb") as file:
            for _ in range(7):
                file.write(os.urandom(4096))
                file.flush()
                begun = time.perf_counter()
                os.fsync(file.fileno())
                times.append((time.perf_counter() - begun) * 1e3)
    except OSError as error:
        fix = f"make room at {folder.root}, or set ARGOSY_HOME"
        return Check("disk", "fail", error.strerror or "", "nothing can be written in the desk's folder", fix)
    finally:
        path.unlink(missing_ok=True)
    sync = sorted(times)[3]
    value = f"{free / GIB:.1f} GiB free, fsync {sync:.1f} ms"
    if free < FREE_FAIL or sync > SYNC_FAIL_MS:
        return Check("disk", "fail", value, "too little room, or too slow to keep a journal", "make room, or use another disk")
    if free < FREE_WARN or sync > SYNC_WARN_MS:
        return Check("disk", "warn", value, "little room, or slow", "look at it before long")
    return Check("disk", "pass", value, "room and speed enough")


def journal(folder: Folder) -> Check:
    """The folder takes a record, and what is there already is whole."""
    probe = folder.journal / f".doctor-{os.getpid()}"
    try:
        folder.journal.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        return Check("journal", "fail", error.strerror or "", "the journal cannot be written", f"give {folder.journal} to this user")
    try:
        found = Reader(folder.journal, quay.codec()).verify()
    except ArgosyError as error:
        return Check("journal", "fail", error.code, error.what, error.fix or "argosy journal verify")
    if not found.records:
        return Check("journal", "pass", "empty", "it can be written; nothing is in it yet")
    value = f"{found.records:,} records in {len(found.parts)} files, chain {found.chain[:12]}"
    if found.torn:
        return Check("journal", "warn", value, f"the last write was cut off ({found.torn} bytes); the next start cuts them away")
    return Check("journal", "pass", value, "it can be written, and what is in it is whole")


def alone(folder: Folder, running: bool) -> Check:
    """Nobody else writes for this account. running: a desk of ours is known to run."""
    lock = folder.journal / LOCK
    if not lease.taken(lock):
        return Check("lease", "pass", "free", "nobody else trades this account from here")
    holder = lease.held(lock)
    who = f"process {holder.pid} on {holder.host}" if holder is not None else "somebody"
    if running:
        return Check("lease", "warn", who, "a desk runs on this account; it is examined beside it")
    return Check("lease", "fail", who, "another process writes for this account", "stop it first: argosy stop")


def latched(folder: Folder) -> Check:
    """No safety level is latched."""
    found = latch.read(folder.latch)
    if found is None:
        return Check("latch", "pass", "clear", "no safety level is latched")
    return Check("latch", "warn", latch.NAMES[found.level], f"{found.cause} (by {found.by}); the desk starts halted", 'argosy resume --reason "..."')


def zones() -> Check:
    """The rules of New York's time are here, and right for a summer and a winter that are over."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        zone = ZoneInfo("America/New_York")
    except (ZoneInfoNotFoundError, OSError):
        return Check("zones", "fail", "missing", "there are no time zones on this machine", "pip install tzdata, or install the system's tzdata")
    hours = [_hours(datetime(2024, month, 15, 12, tzinfo=UTC), zone) for month in (1, 7)]
    if hours != [-5.0, -4.0]:
        return Check("zones", "fail", f"{hours}", "New York's time is not known rightly", "install the system's tzdata anew")
    return Check("zones", "pass", "UTC-5, UTC-4", "New York's time is known")


def _hours(moment: datetime, zone: Any) -> float:
    offset = moment.astimezone(zone).utcoffset()
    return offset.total_seconds() / 3600.0 if offset is not None else 0.0


def safe(mode: str, environ: Mapping[str, str]) -> Check:
    """The keystore opens, where there is one and its passphrase is known; keys of this mode are to be had."""
    path, names = keystore(), NAMES[mode]
    given = [name for name in names if environ.get(name)]
    if path.exists():
        if not environ.get(PASSPHRASE):
            if len(given) == 2 or mode == "sim":
                return Check("keystore", "pass", "not needed", "the keys are in the environment" if given else "the exchange's own keys")
            return Check("keystore", "fail", "closed", "its passphrase is not known here", f"export {PASSPHRASE}=...")
        try:
            kept = [one.name for one in Keystore(path, Secret(environ[PASSPHRASE])).list()]
        except ArgosyError as error:
            return Check("keystore", "fail", error.code, error.what, error.fix or "argosy secrets list")
        missing = [name for name in names if name not in kept and name not in given]
        if missing and mode != "sim":
            return Check("keystore", "fail", f"{len(kept)} kept", f"{', '.join(missing)} is not set", f"argosy secrets set {missing[0]}")
        open_ = path.stat().st_mode & 0o077
        if open_:
            return Check("keystore", "warn", oct(path.stat().st_mode & 0o777), "others of this machine can read the file", f"chmod 600 {path}")
        return Check("keystore", "pass", f"{len(kept)} kept", "it opens")
    if len(given) == 2:
        return Check("keystore", "pass", "none", "the keys are in the environment")
    if mode == "sim":
        return Check("keystore", "pass", "none", "the exchange's own keys")
    return Check("keystore", "fail", "none", f"{', '.join(name for name in names if name not in given)} is not set", f"argosy secrets set {names[0]}")


SANE: tuple[tuple[str, str, str, float, float, float], ...] = (
    ("daily_loss", "max_pct", "% of equity a day may lose", 0.1, 5.0, 20.0),
    ("drawdown", "max_pct", "% below the peak", 0.5, 20.0, 60.0),
    ("position", "max_pct", "% of equity in one position", 0.01, 25.0, 100.0),
    ("exposure", "max_leverage", "times equity in all", 0.01, 2.0, 4.0),
    ("trades_per_day", "max_trades", "trades a day", 1, 200, 10_000),
    ("order_rate", "per_minute", "orders a minute", 1, 180, 10_000),
    ("collar", "max_pct", "% from the market", 0.05, 10.0, 50.0),
    ("protection", "default_stop_pct", "% of the default stop", 0.05, 15.0, 50.0),
)
"""(rule, limit, what it is, below this it is a slip, above this odd, above this a slip)"""


def limits(settings: Settings) -> Check:
    """The limits of risk are there, and of a size that somebody can have meant."""
    given = settings.risk.limits
    try:
        rules("desk", given, base=settings.account.currency, where="risk")
    except ArgosyError as error:
        return Check("limits", "fail", error.code, error.what, error.fix)
    bad: list[str] = []
    odd: list[str] = []
    for rule, key, what, low, high, most in SANE:
        value = {**PROFILES["desk"].get(rule, {}), **given.get(rule, {})}.get(key)
        if value is None:
            odd.append(f"{rule}.{key} is off")
        elif not low <= value <= most:
            bad.append(f"{rule}.{key} = {value:g} {what}")
        elif value > high:
            odd.append(f"{rule}.{key} = {value:g} {what}")
    guard = {**PROFILES["desk"]["protection"], **given.get("protection", {})}.get("required")
    if not guard:
        odd.append("positions need no stop")
    if bad:
        return Check("limits", "fail", f"{len(bad)} wrong", "; ".join(bad), "argosy config explain risk")
    if odd:
        return Check("limits", "warn", f"{len(odd)} odd", "; ".join(odd), "leave them only if you mean them")
    return Check("limits", "pass", f"{len(SANE)} looked at", "of a size that can be meant")


def fleet(wanted: Sequence[Wanted]) -> Check:
    """Each strategy loads and says what it needs."""
    from argosy.house import strategy

    if not wanted:
        return Check("strategies", "fail", "none", "no strategy is named", "a section [strategies.NAME], or name one")
    told = []
    for want in wanted:
        try:
            declared = strategy(want)
        except ArgosyError as error:
            return Check("strategies", "fail", want.name, f"{error.code}: {error.what}", error.fix)
        told.append(f"{want.name} (warm-up {declared.warmup} bars)")
    claimed = sum(want.budget_frac for want in wanted)
    if claimed > 1.0 + 1e-9:
        return Check("strategies", "fail", f"{claimed:.0%}", "they claim more than the whole account", "budget_frac sums to at most 1")
    return Check("strategies", "pass", f"{len(wanted)} load", ", ".join(told))


def scratch(folder: Folder) -> Path:
    """A folder for an exercise, inside the desk's own."""
    path = folder.root / f"exercise-{os.getpid()}-{time.monotonic_ns()}"
    path.mkdir(mode=0o700, parents=True)
    return path
