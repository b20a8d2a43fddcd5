"""What the broker must be found to be before a desk starts: the right account, the right time, fresh prices, a kill switch that works.

It sends one order alone, far from the market, and only with money that is not real; it takes that order back through the emergency door.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from argosy.core.time import DAY, HOUR, MS, SECOND, iso
from argosy.desk import watchdog
from argosy.desk.folder import Folder
from argosy.desk.heartbeat import Heart
from argosy.desk.kill import Kill
from argosy.desk.vitals import Check
from argosy.engine.rules.profiles import PROFILES
from argosy.venues.alpaca.answer import Accepted, Refused
from argosy.venues.alpaca.client import Client
from argosy.venues.alpaca.codec import ns_of
from argosy.venues.alpaca.words import exact

if TYPE_CHECKING:
    from argosy.settings import Settings
    from argosy.venues.alpaca.codec import WireAccount, WireClock

CALENDAR = "XNYS"
DOCTOR = "DOCTOR-"
WARN_NS, FAIL_NS = 250 * MS, SECOND
AHEAD = 30
WATCHDOG_S = 10.0
END_S = 5.0


class Broker:
    """What the broker said when it was asked first; the checks below read it. offset_ns: its clock less ours, None where it told no time."""

    def __init__(self) -> None:
        self.account: WireAccount | None = None
        self.clock: WireClock | None = None
        self.refused = ""
        self.offset_ns: int | None = None
        self.best_ms = 0.0

    async def meet(self, client: Client) -> None:
        """Ask for the clock three times (the quickest answer counts) and for the account."""
        best = float("inf")
        for _ in range(3):
            begun, wall = time.monotonic_ns(), time.time_ns()
            answer = await client.clock(deadline_s=5.0)
            took = time.monotonic_ns() - begun
            if not isinstance(answer, Accepted):
                self.refused = said(answer)
                return
            if took < best and (theirs := ns_of(answer.value.timestamp)):
                best, self.clock = took, answer.value
                self.offset_ns = theirs - (wall + took // 2)
        self.best_ms = best / 1e6
        told = await client.account(deadline_s=5.0)
        if isinstance(told, Accepted):
            self.account = told.value
        else:
            self.refused = said(told)

    @property
    def now(self) -> int:
        """The broker's time, ns UTC."""
        return time.time_ns() + (self.offset_ns or 0)


def said(answer: Any) -> str:
    """An answer that is no yes, in words."""
    return f"{answer.code} {answer.text}".strip() if isinstance(answer, Refused) else str(getattr(answer, "cause", ""))


def reachable(broker: Broker) -> Check:
    """It answers."""
    if broker.clock is None and broker.account is None:
        fix = "see whether the exchange runs, or the keys are right" if broker.refused else "it told no time that can be read"
        return Check("api", "fail", broker.refused, "the broker does not answer, or does not let us in", fix)
    return Check("api", "warn" if broker.best_ms > 1000 else "pass", f"{broker.best_ms:.0f} ms", "the broker answers")


def account(broker: Broker, settings: Settings) -> Check:
    """It is the account that was named, and it may trade."""
    found, pinned = broker.account, settings.desk.account
    if found is None:
        return Check("account", "fail", broker.refused, "the broker does not tell which account this is", "see that the keys are right")
    number = found.account_number
    if pinned and pinned != number:
        return Check("account", "fail", number, f"the settings are for {pinned}", "use that account's keys, or mend desk.account")
    stops = [
        word for word, on in (
            (f"status {found.status}", found.status not in ("", "ACTIVE")), ("blocked", found.account_blocked),
            ("trading blocked", found.trading_blocked), ("suspended by its user", found.trade_suspended_by_user),
        ) if on
    ]  # fmt: skip
    if stops:
        return Check("account", "fail", number, f"it may not trade: {', '.join(stops)}", "ask the broker; its page tells why")
    if settings.desk.mode == "live" and number.startswith("PA"):
        return Check("account", "fail", number, "live, and this is an account of paper money", "use the keys of the live account")
    if not pinned:
        status = "fail" if settings.desk.mode == "live" else "warn"
        return Check("account", status, number, "active, but any other account would do as well", f'desk.account = "{number}"')  # type: ignore[arg-type]
    return Check("account", "pass", number, "the one that was named, and active")


def balance(broker: Broker) -> Check:
    """There is money."""
    found = broker.account
    if found is None or found.equity is None or found.buying_power is None or found.cash is None:
        return Check("balance", "fail", broker.refused, "the broker does not tell what the account holds", "see its page")
    value = f"equity {found.equity:,.2f}, cash {found.cash:,.2f}, buying power {found.buying_power:,.2f} {found.currency}"
    if found.equity <= 0:
        return Check("balance", "fail", value, "there is nothing to trade with", "fund the account")
    if found.buying_power <= 0:
        return Check("balance", "warn", value, "nothing can be bought now; exits can")
    return Check("balance", "pass", value, "there is something to trade with")


def clock(broker: Broker, own: bool) -> Check:
    """This machine's time is the broker's. own: an exchange of our own, which may play another year."""
    offset = broker.offset_ns
    if offset is None:
        return Check("clock", "fail", "", "the broker does not tell its time")
    value = f"{offset / 1e6:+,.0f} ms"
    if own:
        shown = iso(broker.now)[:19] if abs(offset) > HOUR else value
        return Check("clock", "pass", shown, "an exchange of our own has its own time, which the desk follows")
    if abs(offset) > FAIL_NS:
        return Check("clock", "fail", value, "this machine's clock is wrong by more than a second", "set it by NTP: timedatectl set-ntp true")
    if abs(offset) > WARN_NS:
        return Check("clock", "warn", value, "this machine's clock drifts", "set it by NTP: timedatectl set-ntp true")
    return Check("clock", "pass", value, "this machine's clock is the broker's")


async def calendar(client: Client, broker: Broker, own: bool) -> Check:
    """Our sessions are the broker's, day by day, and so is whether the market is open now."""
    from argosy.data.calendars import schedule

    now = broker.now
    first, last = iso(now - 5 * DAY)[:10], iso(now + AHEAD * DAY)[:10]
    answer = await client.calendar(first, last, deadline_s=5.0)
    if not isinstance(answer, Accepted) or broker.clock is None:
        return Check("calendar", "fail", said(answer), "the broker does not tell its sessions", "see whether it is up")
    theirs = {row.date: (f"{row.open}".replace(":", ""), f"{row.close}".replace(":", "")) for row in answer.value}
    opens, closes, dates = schedule(CALENDAR, first, iso(now + (AHEAD + 2) * DAY)[:10])
    ours = {iso(int(day))[:10]: (_new_york(int(a)), _new_york(int(z))) for a, z, day in zip(opens, closes, dates, strict=True)}
    ours = {day: hours for day, hours in ours.items() if first <= day <= last}
    wrong = sorted(day for day in theirs.keys() | ours.keys() if theirs.get(day) != ours.get(day))
    if wrong:
        day = wrong[0]
        text = f"{day}: the broker has {_hours(theirs.get(day))}, the calendar {_hours(ours.get(day))}"
        fix = "pip install -U exchange-calendars; trade none of these days"
        return Check("calendar", "fail", f"{len(wrong)} of {len(theirs | ours)} days", text, fix)
    inside = any(a <= now < z for a, z in zip(opens.tolist(), closes.tolist(), strict=True))
    if bool(broker.clock.is_open) != inside:
        text = f"the broker says it is {'open' if broker.clock.is_open else 'closed'}, the calendar {'open' if inside else 'closed'}"
        if own:
            return Check("calendar", "pass", f"{len(theirs)} days equal", f"{text}: an exchange of our own keeps its own hours")
        return Check("calendar", "fail", "now", text, "wait, and look at the broker's page: it may be a halt of the whole market")
    return Check("calendar", "pass", f"{len(theirs)} days equal", f"sessions as the broker has them; it is {'open' if inside else 'closed'} now")


def _hours(pair: tuple[str, str] | None) -> str:
    return "no session" if pair is None else f"{pair[0]} to {pair[1]}"


def _new_york(ns: int) -> str:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(ns // SECOND, UTC).astimezone(ZoneInfo("America/New_York")).strftime("%H%M")


async def data(client: Client, broker: Broker, symbols: Sequence[str], settings: Settings) -> Check:
    """A quote of each symbol, as fresh as the gate wants it while the market is open."""
    if not symbols:
        return Check("data", "warn", "no symbol", "nothing is named to be traded", 'desk.symbols = ["AAPL"]')
    query = urlencode({"symbols": ",".join(symbols), "feed": settings.desk.feed})
    answer = await client.read("/v2/stocks/quotes/latest", query, deadline_s=5.0)
    found = answer.value.get("quotes") if isinstance(answer, Accepted) and isinstance(answer.value, dict) else None
    if not isinstance(found, dict):
        return Check("data", "fail", said(answer), "no prices are to be had", f"see whether the account may read the feed {settings.desk.feed}")
    missing = [symbol for symbol in symbols if not isinstance(found.get(symbol), dict)]
    if missing:
        return Check("data", "fail", f"{len(missing)} missing", f"no price of {', '.join(missing[:5])}", "see that the symbols are right")
    ages = {symbol: (broker.now - ns_of(found[symbol].get("t"))) / 1e9 for symbol in symbols}
    oldest = max(ages, key=lambda symbol: ages[symbol])
    limit = {**PROFILES["desk"]["stale"], **settings.risk.limits.get("stale", {})}.get("max_age_ms")
    value = f"{len(symbols)} symbols, the oldest {ages[oldest]:,.1f} s ({oldest})"
    if broker.clock is not None and broker.clock.is_open and limit is not None and ages[oldest] * 1e3 > limit:
        fix = "wait, choose another feed, or raise risk.stale.max_age_ms"
        return Check("data", "fail", value, f"older than {limit / 1e3:g} s while the market is open", fix)
    return Check("data", "pass", value, "prices come" if broker.clock is not None and broker.clock.is_open else "prices of before the close")


async def assets(client: Client, symbols: Sequence[str]) -> Check:
    """The broker lets each symbol be traded."""
    bad = []
    for symbol in symbols:
        answer = await client.asset(symbol, deadline_s=5.0)
        if not isinstance(answer, Accepted):
            bad.append(f"{symbol}: {said(answer)}")
        elif answer.value.tradable is False or answer.value.status not in ("", "active"):
            bad.append(f"{symbol} is not traded")
    if bad:
        return Check("symbols", "fail", f"{len(bad)} of {len(symbols)}", "; ".join(bad[:5]), "see that the symbols are right")
    return Check("symbols", "pass", f"{len(symbols)}", "the broker trades each of them")


async def kill(sender: Client | None, door: Client, symbol: str, price: Decimal | None) -> Check:
    """The kill switch, used: an order far below the market is sent and taken back through the emergency door, and seen to be gone.

    sender: a client that may send it; None: it is only shown that a cancel would be heard (an order that never was is cancelled)
    """
    begun = time.perf_counter()
    if sender is None or not symbol or price is None:
        answer = await door.cancel("00000000-0000-4000-8000-000000000000", deadline_s=5.0)
        took = (time.perf_counter() - begun) * 1e3
        if isinstance(answer, Refused) and answer.status in (404, 422):
            return Check("kill switch", "pass", f"{took:.0f} ms", "a cancel is heard; no order was sent to try it on", "", took)
        return Check("kill switch", "fail", said(answer), "a cancel is not heard", "see that the keys may trade", took)
    name = f"{DOCTOR}{os.urandom(6).hex()}"
    far = (price / 2).quantize(Decimal("0.01"))
    body = {
        "symbol": symbol, "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": exact(far), "client_order_id": name,
    }  # fmt: skip
    sent = await sender.submit(msgspec.json.encode(body), name)
    if not isinstance(sent, Accepted):
        why = "an order far from the market was not taken, so nothing could be taken back"
        return Check("kill switch", "fail", said(sent), why, "see the broker's page")
    begun = time.perf_counter()
    result = await Kill(door, flatten="none", only=name).run(15.0)
    left = await door.by_client_id(name, deadline_s=5.0)
    took = (time.perf_counter() - begun) * 1e3
    state = left.value.status if isinstance(left, Accepted) else said(left)
    if not result.clean or state != "canceled":
        fix = f"cancel it at the broker's page, client id {name}"
        return Check("kill switch", "fail", state, f"1 {symbol} at {far} was sent and could not be taken back: {'; '.join(result.stuck)}", fix, took)
    return Check("kill switch", "pass", f"{result.cancelled_ms:.0f} ms", f"1 {symbol} at {far} was sent, taken back and seen to be gone", "", took)


async def watched(path: Path, settings: Settings, mode: str, given: tuple[str, str], number: str) -> Check:
    """A watchdog starts on a folder of its own, sees a heart beat, reaches the broker, and goes when the heart ends.

    Raises subprocess.TimeoutExpired where it does not go; it is ended then.
    """
    folder = Folder(path)
    heart = Heart(folder.heartbeat, time.time_ns)
    heart.beat(0)
    begun = time.perf_counter()
    process = watchdog.start(folder, mode=mode, account=number, base=settings.desk.base, key=given[0], secret=given[1])
    answered = 0.0
    try:
        while time.perf_counter() - begun < WATCHDOG_S and process.poll() is None:
            heart.beat(0)
            found = watchdog.seen(folder)
            if found is not None and found.state == "watching":
                answered = answered or time.perf_counter() - begun
                if found.reaches is not None:
                    break
            await asyncio.sleep(0.02)
        reaches = (found := watchdog.seen(folder)) is not None and found.reaches is True
        heart.end(0)
        status = await asyncio.to_thread(process.wait, END_S)
    finally:
        if process.poll() is None:
            process.kill()
    value = f"answers after {answered * 1e3:.0f} ms"
    if not answered or status != 0:
        return Check("watchdog", "fail", f"exit status {status}", "it does not watch", "argosy watchdog, by hand, says why")
    if not reaches:
        return Check("watchdog", "fail", value, "it watches, but the broker does not answer it", "see that its keys are those of the desk")
    return Check("watchdog", "pass", value, "it starts, sees the heart beat, reaches the broker and goes in the end")
