"""Gathers what decides about real money, and leads its owner through saying yes: it asks the broker who the account is, and shows everything.

It looks; what follows from what it saw is `arming`'s. It comes through the emergency door, which opens nothing.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from argosy.core.errors import Misconfigured, Misuse
from argosy.core.time import DAY
from argosy.desk import arming, latch
from argosy.desk.arming import NO, Facts, Record
from argosy.desk.folder import of
from argosy.desk.keys import NAMES, keys
from argosy.net.guard import Armed
from argosy.net.secret import Secret
from argosy.venues.alpaca.client import value
from argosy.venues.alpaca.leaving import leave
from argosy.venues.alpaca.modes import TRADING

if TYPE_CHECKING:
    from argosy.house import Wanted
    from argosy.settings import Settings
    from argosy.venues.alpaca.codec import WireAccount


def way(settings: Settings) -> Any:
    """The mode of the door: shadow looks at paper's account."""
    mode = settings.desk.mode
    return ("sim" if settings.desk.base else "paper") if mode == "shadow" else mode


def who(settings: Settings, given: tuple[str, str]) -> WireAccount:
    """The account that these keys open, as the broker tells it. Retry("VENUE_SILENT") where it does not."""

    async def ask() -> WireAccount:
        client = leave(way(settings), Secret(given[0]), Secret(given[1]), base=settings.desk.base)
        try:
            found: WireAccount = value(await client.account(), "the account")
            return found
        finally:
            await client.close()

    return asyncio.run(ask())


def limits(settings: Settings) -> str:
    """Hash of all that bounds what may be lost."""
    desk = settings.desk
    return arming.limits_hash(
        settings.risk.model_dump(mode="json"), settings.account.multiplier, settings.watchdog.model_dump(mode="json"),
        [settings.arming.size_cap_usd, settings.arming.first_cap_usd, settings.arming.first_minutes],
        [desk.policy, desk.policies, desk.shutdown, desk.on_failure, desk.fractional, sorted(desk.symbols)],
    )  # fmt: skip


def gather(
    settings: Settings, wanted: Sequence[Wanted], *, flag: bool, broker: str, key: str, environ: Mapping[str, str] | None = None, now: int = 0
) -> Facts:
    """Everything that `arming.conditions` wants to know. broker: the account's number as it told it, "" where it did not; key: in use."""
    environ = os.environ if environ is None else environ
    desk = settings.desk
    place = of(desk.mode, broker) if broker else None
    signed = arming.read(place.arming) if place is not None else None
    return Facts(
        mode=desk.mode, flag=flag, enabled=desk.live_enabled, confirm=desk.live_confirm, pinned=desk.account, base=desk.base, key_kind=key[:2],
        key_name=NAMES[desk.mode][0] if key else "", ci=environ.get("CI", ""), broker=broker, signed=signed,
        signature=arming.verified(signed, arming.trusted()), code=arming.code_hash(), strategies=arming.strategies_hash(wanted),
        limits=limits(settings), size_cap_usd=settings.arming.size_cap_usd, first_cap_usd=settings.arming.first_cap_usd,
        first_minutes=settings.arming.first_minutes, latched=latch.read(place.latch) if place is not None else None, now=now or time.time_ns(),
    )  # fmt: skip


def prove(settings: Settings, wanted: Sequence[Wanted], *, flag: bool, environ: Mapping[str, str] | None = None) -> Armed:
    """The proof of arming, at a start or a takeover: the broker is asked who it is, and everything must hold again.

    Misconfigured with the code of the first thing that is missing; nothing is asked of the broker where the rest already refuses.
    """
    blind = [one for one in arming.conditions(gather(settings, wanted, flag=flag, broker="", key="", environ=environ)) if one.code in _BEFORE]
    if blind:
        raise Misconfigured(blind[0].code, f"live trading is not armed: {blind[0].text}", where="arming", fix=blind[0].fix)
    given = keys("live", environ)
    account = who(settings, given)
    return arming.arm(gather(settings, wanted, flag=flag, broker=account.account_number, key=given[0], environ=environ))


_BEFORE = frozenset({"LIVE_MODE", "LIVE_FLAG", "LIVE_ENABLED", "LIVE_HOST", "LIVE_CI", "LIVE_SOFT_LAUNCH"})


def proposed(settings: Settings, wanted: Sequence[Wanted], account: str, days: float, now: int) -> Record:
    """The record that would be signed. Outside live it is a rehearsal, whose host opens no account of real money.

    Misuse: ARMING_DAYS, ARMING_CAPS, ARMING_CI, ARMING_ACCOUNT.
    """
    if os.environ.get("CI", "").strip().lower() not in NO:
        raise Misuse("ARMING_CI", "nothing is armed on a build machine", where="CI", fix="run it on your own machine")
    if not 0.0 < days <= 7.0:
        raise Misuse("ARMING_DAYS", f"an arming holds for {days:g} days", where="--days", fix="at most 7")
    caps = settings.arming
    if not 0.0 < caps.first_cap_usd <= caps.size_cap_usd:
        raise Misuse(
            "ARMING_CAPS", "the largest order is not set, or that of the first minutes is larger", where="arming.size_cap_usd, arming.first_cap_usd",
            fix="set both; begin small",
        )  # fmt: skip
    if settings.desk.account and settings.desk.account != account:
        raise Misuse("ARMING_ACCOUNT", f"the settings are for {settings.desk.account}, the keys for {account}", where="desk.account", fix="mend one")
    mode = settings.desk.mode
    return Record(
        version=arming.VERSION, account=account, venue="alpaca", host=TRADING.get(mode, mode), code=arming.code_hash(),
        strategies=arming.strategies_hash(wanted), limits=limits(settings), size_cap_usd=caps.size_cap_usd, first_cap_usd=caps.first_cap_usd,
        first_minutes=caps.first_minutes, made=now, until=now + int(days * DAY), by=me(),
    )  # fmt: skip


def me() -> str:
    """Who sits here, and at which machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
