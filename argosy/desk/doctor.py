"""Examines all that must be right before a desk trades: each thing with pass, warn or fail, what was measured, and the fix; and writes it down.

It changes nothing that stays: its one order is taken back, its watchdog watches a folder of its own. It never says pass of what it did not do.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.core.errors import ArgosyError, Misconfigured, Misuse
from argosy.core.time import iso
from argosy.desk import arming, ceremony, heartbeat, latch, soundings, vitals
from argosy.desk.folder import Folder, of
from argosy.desk.soundings import Broker
from argosy.desk.vitals import Check
from argosy.desk.watchdog import gone
from argosy.net.secret import Secret
from argosy.venues.alpaca.client import connect
from argosy.venues.alpaca.leaving import leave
from argosy.venues.alpaca.modes import check_key, place

if TYPE_CHECKING:
    from argosy.house import Wanted
    from argosy.settings import Settings


NAMES = (
    "zones", "keystore", "strategies", "limits", "api", "account", "balance", "clock", "calendar", "symbols", "data", "disk", "journal", "lease",
    "latch", "arming", "kill switch", "watchdog", "watched",
)  # fmt: skip
"""What is examined, in this order; arming for real money alone, watched where no watchdog is wanted."""
LONG = frozenset({"calendar", "data", "kill switch", "watchdog"})
"""What a short examination leaves out: what takes seconds, or sends an order."""


class Examination(msgspec.Struct, frozen=True):
    """What was found. at: ns UTC; ready: nothing failed; hash: of everything else in it, so that it cannot be changed unseen"""

    at: int
    mode: str
    account: str
    ready: bool
    checks: list[Check]
    version: str = ""
    hash: str = ""


async def examine(
    settings: Settings, wanted: Sequence[Wanted], given: tuple[str, str], *, flag: bool = False, exercise: bool = True,
    only: Sequence[str] = (), short: bool = False, told: Callable[[Check], None] | None = None,
) -> Examination:  # fmt: skip
    """Look at everything, in this order; what was found is written into the desk's folder where it is known whose that is.

    given: key and secret; flag: --live; exercise: send and take back an order, never with real money nor beside a desk that runs
    only: names of checks; the others are left out, and nothing is written; short: leave `LONG` out
    told: hears each check as it is done
    """
    if unknown := [name for name in only if name not in NAMES]:
        raise Misuse("DOCTOR_CHECK", f"there is no check {unknown[0]!r}", where="--only", fix=f"one of {', '.join(NAMES)}")
    checks: list[Check] = []

    async def add(name: str, look: Callable[[], Awaitable[Check] | Check]) -> None:
        if (only and name not in only) or (short and name in LONG):
            return
        begun = time.perf_counter()
        try:
            work = look()
            found = work if isinstance(work, Check) else await work
        except (ArgosyError, OSError, subprocess.SubprocessError, ValueError) as error:
            code, fix = (error.code, error.fix) if isinstance(error, ArgosyError) else (type(error).__name__, "see what it says")
            found = Check(name, "fail", code, getattr(error, "what", str(error)), fix)
        if not found.took_ms:
            found = msgspec.structs.replace(found, took_ms=round((time.perf_counter() - begun) * 1e3, 1))
        checks.append(found)
        if told is not None:
            told(found)

    mode, way = settings.desk.mode, ceremony.way(settings)
    await add("zones", vitals.zones)
    await add("keystore", lambda: vitals.safe(mode, os.environ))
    await add("strategies", lambda: vitals.fleet(wanted))
    await add("limits", lambda: vitals.limits(settings))
    try:
        check_key(way, Secret(given[0]))
        door = leave(way, Secret(given[0]), Secret(given[1]), base=settings.desk.base)
    except ArgosyError as error:
        refused = Check("api", "fail", error.code, error.what, error.fix)
        await add("api", lambda: refused)
        return _written(settings, "", checks)
    broker = Broker()
    symbols = list(settings.desk.symbols) or sorted({symbol for want in wanted for symbol in want.symbols})
    try:
        await broker.meet(door)
        await add("api", lambda: soundings.reachable(broker))
        if broker.clock is None:
            return _written(settings, "", checks)
        own = way == "sim"
        await add("account", lambda: soundings.account(broker, settings))
        await add("balance", lambda: soundings.balance(broker))
        await add("clock", lambda: soundings.clock(broker, own))
        await add("calendar", lambda: soundings.calendar(door, broker, own))
        await add("symbols", lambda: soundings.assets(door, symbols))
        await add("data", lambda: _data(settings, way, given, broker, symbols))
        number = broker.account.account_number if broker.account is not None else ""
        if number:
            await _inside(add, settings, wanted, given, broker, symbols, flag, exercise and not short)
        return _written(settings, number if not only else "", checks)
    finally:
        await door.close()


async def _inside(
    add: Any, settings: Settings, wanted: Sequence[Wanted], given: tuple[str, str], broker: Broker, symbols: Sequence[str], flag: bool, exercise: bool
) -> None:
    """What concerns the desk's own folder, and what is tried out."""
    mode, way = settings.desk.mode, ceremony.way(settings)
    number = broker.account.account_number if broker.account is not None else ""
    folder = of(mode, number).make()
    beat = heartbeat.read(folder.heartbeat)
    running = beat is not None and beat.state != heartbeat.ENDED and not gone(beat.pid)
    await add("disk", lambda: vitals.disk(folder))
    await add("journal", lambda: vitals.journal(folder))
    await add("lease", lambda: vitals.alone(folder, running))
    await add("latch", lambda: vitals.latched(folder))
    if mode == "live":
        facts = ceremony.gather(settings, wanted, flag=flag, broker=number, key=given[0])
        await add("arming", lambda: armed(arming.conditions(facts)))
    if mode == "shadow":
        await add("kill switch", lambda: Check("kill switch", "pass", "none needed", "no order leaves this desk"))
        return
    await add("kill switch", lambda: _kill(settings, way, given, symbols, exercise and not running and mode != "live"))
    path = vitals.scratch(folder)
    try:
        await add("watchdog", lambda: soundings.watched(path, settings, way, given, number))
    finally:
        shutil.rmtree(path, ignore_errors=True)
    if not settings.watchdog.on:
        off = Check("watched", "warn", "off", "the desk will start no watchdog: nobody acts when it hangs", "watchdog.on = true")
        await add("watched", lambda: off)


async def _data(settings: Settings, way: Any, given: tuple[str, str], broker: Broker, symbols: Sequence[str]) -> Check:
    """Prices come by a door of their own, which no order can pass."""
    client = _prices(settings, way, given)
    try:
        return await soundings.data(client, broker, symbols, settings)
    finally:
        await client.close()


def _prices(settings: Settings, way: Any, given: tuple[str, str]) -> Any:
    from argosy.net.guard import Hosts
    from argosy.net.http import Rest
    from argosy.venues.alpaca.client import Client, headers
    from argosy.venues.alpaca.modes import DATA

    hosts = Hosts(loopback=True) if way == "sim" else Hosts(frozenset({DATA}))
    base = settings.desk.base if way == "sim" else f"https://{DATA}"
    return Client(Rest(base, hosts, headers=headers(Secret(given[0]), Secret(given[1]))))


async def _kill(settings: Settings, way: Any, given: tuple[str, str], symbols: Sequence[str], send: bool) -> Check:
    """The kill switch, with an order to try it on where one may be sent."""
    key, secret = Secret(given[0]), Secret(given[1])
    door = leave(way, key, secret, base=settings.desk.base)
    sender = connect(place(way, base=settings.desk.base), key, secret) if send else None
    prices = _prices(settings, way, given)
    try:
        price: Decimal | None = None
        if send and symbols:
            answer = await prices.read(f"/v2/stocks/{symbols[0]}/quotes/latest", f"feed={settings.desk.feed}", deadline_s=5.0)
            quote = getattr(answer, "value", None)
            row = quote.get("quote", {}) if isinstance(quote, dict) else {}
            told = row.get("bp") or row.get("ap")
            price = Decimal(repr(told)) if told else None
        return await soundings.kill(sender if price is not None else None, door, symbols[0] if symbols else "", price)
    finally:
        await prices.close()
        await door.close()
        if sender is not None:
            await sender.close()


def armed(missing: Sequence[arming.Missing]) -> Check:
    """Whether live trading is armed, and all that is missing."""
    if not missing:
        return Check("arming", "pass", "armed", "everything holds that must hold for real money")
    return Check("arming", "fail", f"{len(missing)} missing", "; ".join(f"{one.code}: {one.text}" for one in missing), missing[0].fix)


def preflight(settings: Settings, wanted: Sequence[Wanted], given: tuple[str, str], *, flag: bool = False, exercise: bool = True) -> Examination:
    """Examine before a start, by `desk.preflight`; what was found is written down.

    Misconfigured("PREFLIGHT_" and the name of the first check that failed), with its fix; PREFLIGHT_MODE where a short one is not enough.
    """
    mode, wish = settings.desk.mode, settings.desk.preflight
    if wish == "short" and mode != "sim":
        raise Misconfigured("PREFLIGHT_MODE", f"mode {mode} is examined in full", where="desk.preflight", fix='desk.preflight = "auto"')
    short = wish == "short" or (wish == "auto" and mode == "sim")
    found = asyncio.run(examine(settings, wanted, given, flag=flag, exercise=exercise, short=short))
    bad = [check for check in found.checks if check.status == "fail"]
    if bad:
        names, first = ", ".join(check.name for check in bad), bad[0]
        code = "PREFLIGHT_" + first.name.upper().replace(" ", "_")
        raise Misconfigured(code, f"not ready: {names}. {first.name}: {first.said} ({first.value})", where="argosy doctor", fix=first.fix)
    return found


# -- the written record ------------------------------------------------------------------------------------------------------


def _hash(found: Examination) -> str:
    return blake2b(arming.canonical(msgspec.structs.replace(found, hash="")), digest_size=16).hexdigest()


def _written(settings: Settings, number: str, checks: list[Check]) -> Examination:
    """The examination, kept in the desk's folder where that is known."""
    from argosy import __version__

    ready = not any(check.status == "fail" for check in checks)
    found = Examination(time.time_ns(), settings.desk.mode, number, ready, checks, __version__)
    found = msgspec.structs.replace(found, hash=_hash(found))
    if number:
        latch.put(path_of(of(settings.desk.mode, number), found.at), msgspec.json.encode(found))
    return found


def path_of(folder: Folder, at: int) -> Path:
    """Where an examination of a time is kept."""
    return folder.doctor / f"{iso(at)[:19].replace(':', '')}-{at % 1_000_000_000:09d}.json"


def read(path: Path) -> Examination:
    """An examination that was kept. Misconfigured("DOCTOR_RECORD") where it was changed since, or is none."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Examination)
    except (OSError, msgspec.MsgspecError) as error:
        raise Misconfigured("DOCTOR_RECORD", "it is no examination", where=str(path)) from error
    if found.hash != _hash(found):
        raise Misconfigured("DOCTOR_RECORD", "it was changed after it was written", where=str(path), fix="examine again")
    return found
