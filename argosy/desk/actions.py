"""What companies do to their shares, asked each morning before the open: splits go into the books, what nobody can book by rule stops the symbol.

It decides no trade and guesses no ratio. What it has told is kept in the desk's folder, so that a restart tells nothing twice and forgets
no symbol that waits for its owner's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from argosy.core.effects import Note
from argosy.core.errors import ArgosyError, Misuse
from argosy.core.events import Event, Split, Status
from argosy.core.time import DAY, HOUR, MINUTE, SECOND
from argosy.desk import latch
from argosy.desk.balances import SAME_SPLIT, Balances
from argosy.venues.alpaca.answer import Accepted
from argosy.venues.alpaca.history import History

if TYPE_CHECKING:
    from argosy.desk.node import Node

BEFORE = (HOUR, 10 * MINUTE)
"""So long before the open it is asked; after a night that was slept through, at once."""
BACK, AHEAD = timedelta(days=7), timedelta(days=5)
REASON = "CORPORATE_ACTION"
GRACE = 5 * MINUTE
"""So long after the open the venue may count as before a split of that day; from then on it counts after it."""
SPLITS = {"forward_splits", "reverse_splits"}
MONEY = {"cash_dividends"}
"""Money that comes by itself, and is booked when it does."""
FIXES = {
    "spin_offs": "shares of another company come beside these, and the price falls by their worth: see what the broker booked, set stops anew",
    "cash_mergers": "the shares become money: take the symbol off the list when they are gone",
    "stock_mergers": "the shares become those of another company: take the symbol off the list, trade the other one if you want it",
    "stock_and_cash_mergers": "the shares become money and those of another company: take the symbol off the list",
    "name_changes": "it has another name now: put the new one on the list",
    "unit_splits": "each becomes shares of several companies: see what the broker booked",
    "redemptions": "it is paid back: take the symbol off the list",
    "worthless_removals": "it ended without worth: take the symbol off the list",
    "stock_dividends": "more shares come without a price: see what the broker booked, set stops anew",
    "rights_distributions": "rights come beside the shares: see what the broker booked",
}
"""What there is to do, by the broker's own kind."""
_NAMES = ("symbol", "source_symbol", "acquiree_symbol", "old_symbol")
_NEW_YORK = ZoneInfo("America/New_York")


class Announced(msgspec.Struct, frozen=True):
    """One action. day: from which on it counts, "2026-11-23"; ratio: of a split, what one lot becomes"""

    id: str
    kind: str
    symbol: str
    day: str
    ratio: Fraction | None = None


class Kept(msgspec.Struct):
    """What became of an action. state: told (it lies ahead), held (the symbol waits for its owner), allowed (the owner's word), booked"""

    kind: str
    symbol: str
    day: str
    state: Literal["told", "held", "allowed", "booked"]
    by: str = ""
    reason: str = ""
    at: int = 0


class Actions:
    """The corporate actions of one desk's symbols.

    node: steps what is to be stepped; history: is asked; path: of what was told; balances: expects the broker's count, None where none is
    compared; splits: (ts, instrument) of those in the books where none is
    """

    def __init__(self, node: Node, history: History, path: Path, balances: Balances | None = None) -> None:
        self.node = node
        self._history = history
        self._path = path
        self._balances = balances
        self._ids = {row.symbol: row.id for row in node.engine.instruments if row.kind == "equity"}
        self._kept = read(path)
        self.splits: list[tuple[int, int]] = []
        self._asked = 0
        self._failed = self._fresh = False
        self._since = ""

    @property
    def held(self) -> dict[int, str]:
        """Instruments that wait for their owner's word, and for which kind of action."""
        return {self._ids[one.symbol]: one.kind for one in self._kept.values() if one.state == "held" and one.symbol in self._ids}

    def due(self, now: int) -> bool:
        """Whether it is time to ask."""
        opens = self.node.sessions.opens(now)
        return any(self._asked < opens - before <= now for before in BEFORE) if opens else False

    async def begin(self, fresh: bool, opened: int = 0) -> None:
        """At a start: what has happened since the last one. A broker that is silent is asked again later, by `ask`.

        fresh: there was none, so that the account is as it is after all of it; opened: ns at which the books began, 0: now
        """
        now = self.node.clock.now()
        self._fresh, self._since = fresh, day_of(opened or now)
        rows = await self._ask(now)
        if rows is not None:
            self._take(rows, now)
        for i in self.held:
            if i not in self.node.engine.state.stopped:
                self._stop(i, now)

    async def ask(self) -> bool:
        """Ask, and do what follows; whether there was an answer. None is told once, and asked for again."""
        now = self.node.clock.now()
        rows = await self._ask(now)
        if rows is None:
            if not self._failed:
                self._failed = True
                self.node.alarm("ACTIONS_UNKNOWN", "the broker does not say which splits and mergers there are today; it is asked again")
            return False
        self._failed = False
        self._take(rows, now)
        return True

    def allow(self, symbol: str, by: str, reason: str) -> list[str]:
        """The owner has seen to a symbol: it is traded again; the kinds of action it waited for. Misuse("ACTION_NONE")."""
        waits = [(name, one) for name, one in self._kept.items() if one.symbol == symbol in self._ids and one.state == "held"]
        if not waits:
            known = ", ".join(sorted({one.symbol for one in self._kept.values() if one.state == "held"})) or "none"
            raise Misuse("ACTION_NONE", f"{symbol or 'no symbol'} waits for nobody's word", where="SYMBOL", fix=f"those that do: {known}")
        now = self.node.clock.now()
        self.node.act(lambda engine: engine.record(Note(f"{by} allows {symbol} after {', '.join(one.kind for _, one in waits)}: {reason}")))
        self.node.step(Status(now, now, self._ids[symbol], False, REASON))
        for name, one in waits:  # last: a process that dies before it lets the symbol wait on
            self._kept[name] = msgspec.structs.replace(one, state="allowed", by=by, reason=reason, at=now)
        self._write()
        return [one.kind for _, one in waits]

    def stepped(self, event: Event) -> None:
        """A halt of the venue's has ended on a symbol that waits for its owner: it goes on waiting. A split is in the books."""
        if type(event) is Split:
            self.splits.append((event.ts, event.instrument))
        if type(event) is Status and not event.halted and event.reason != REASON and event.instrument in self.held:
            self._stop(event.instrument, self.node.clock.now())

    # -- what follows ------------------------------------------------------------------------------------------------------

    async def _ask(self, now: int) -> list[Announced] | None:
        if not self._ids:
            self._asked = now
            return []
        today = datetime.fromisoformat(day_of(now))
        low, high = (today - BACK).strftime("%Y-%m-%d"), (today + AHEAD).strftime("%Y-%m-%d")
        try:
            answer = await self._history.corporate_actions(list(self._ids), low, high)
        except ArgosyError:
            return None
        if not isinstance(answer, Accepted):
            return None
        self._asked = now
        return sorted(announced(answer.value), key=lambda one: (one.day, one.id))

    def _take(self, rows: Sequence[Announced], now: int) -> None:
        """Book what counts from today on, tell what lies ahead. What was before the books began is in them."""
        today, fresh, self._fresh = day_of(now), self._fresh, False
        for one in rows:
            if one.id not in self._kept and (one.day < self._since or (fresh and one.day == self._since and one.ratio is not None)):
                self._keep(one, "booked")
        for one in rows:
            known = self._kept.get(one.id)
            if one.symbol not in self._ids or one.kind in MONEY or (known is not None and known.state != "told"):
                continue
            if one.day > today:
                if known is None:
                    self._keep(one, "told")
                    self.node.alarm("ACTION_AHEAD", f"{one.symbol}: {_words(one)} on {one.day}")
            elif one.ratio is not None:
                self._split(one, one.ratio, now)
            else:
                self._hold(one, now)

    def _split(self, one: Announced, ratio: Fraction, now: int) -> None:
        """Book a split that the broker announced, once, whoever told it: lots, prices, levels and resting orders follow."""
        i, balances = self._ids[one.symbol], self._balances
        splits = balances.splits if balances is not None else self.splits
        booked = any(which == i and abs(ts - _noon(one.day)) <= SAME_SPLIT for ts, which in splits)
        if not booked and self._counted(one, ratio, now):
            return
        if balances is not None and one.day == day_of(now):
            balances.awaits(i, ratio, max(now, self.node.sessions.opens(now)) + GRACE)
        if booked:
            self._keep(one, "booked")
            return
        self.node.act(lambda engine: engine.record(Note(f"split of {one.symbol} {_words(one)}, announced for {one.day} ({one.id})")))
        self.node.step(Split(min(now, _noon(one.day)), now, i, float(ratio)))
        if self.node.broken is None:
            self._keep(one, "booked")  # after the journal has it, which is asked first: else a process that dies here forgets it
        self.node.alarm("SPLIT", f"{one.symbol}: {_words(one)} from {one.day} on; lots, stops and resting orders follow")

    def _counted(self, one: Announced, ratio: Fraction, now: int) -> bool:
        """Whether a split is told so late that the account itself says more than it: it counts after it by now.

        Where it counts what the books count, all of that came after the split, and nothing may be multiplied; where it counts neither
        that nor what the split makes of it, nobody can say by rule what is held, and the symbol waits for its owner.
        """
        i, balances, state = self._ids[one.symbol], self._balances, self.node.engine.state
        opens = self.node.sessions.opens(now)
        late = one.day < day_of(now) or (one.day == day_of(opens) and opens + GRACE <= now)
        held, counted = state.portfolio.lots[i], state.conditions.counted
        if not late or not held or counted is None or balances is None or balances.policy.of(one.symbol) == "ignore":
            return False
        there = counted.get(i, 0)
        if there == held:
            self._keep(one, "booked")
            told = f"{one.symbol}: {_words(one)} from {one.day} on is told late"
            text = f"{told}; the account holds {held} lots as the books do, so nothing is multiplied"
            self.node.alarm("SPLIT_UNCLEAR", text, "page")
            return True
        if there == int(held * ratio):
            return False
        self._hold(one, now)
        return True

    def _hold(self, one: Announced, now: int) -> None:
        self._keep(one, "held")
        self._stop(self._ids[one.symbol], now)
        fix = FIXES.get(one.kind, "see what the broker booked")
        self.node.alarm(
            REASON, f"{one.symbol}: {_words(one)} from {one.day} on; it is not traded until `argosy allow {one.symbol} --reason ...`. {fix}", "page"
        )

    def _stop(self, i: int, now: int) -> None:
        self.node.step(Status(now, now, i, True, REASON))

    def _keep(self, one: Announced, state: Literal["told", "held", "booked"]) -> None:
        self._kept[one.id] = Kept(one.kind, one.symbol, one.day, state, at=self.node.clock.now())
        self._write()

    def _write(self) -> None:
        recent = dict(list(self._kept.items())[-1000:])
        held = {name: one for name, one in self._kept.items() if one.state == "held"}
        latch.put(self._path, msgspec.json.encode(held | recent))


def announced(told: Mapping[str, Iterable[Any]]) -> list[Announced]:
    """The actions of an answer of the broker's: its own kinds, with the symbol and the day from which each counts. What is none is left out."""
    found = []
    for kind, rows in told.items():
        for row in rows:
            if not isinstance(row, dict):
                continue
            symbol = next((str(row[name]) for name in _NAMES if row.get(name)), "")
            day = str(row.get("ex_date") or row.get("effective_date") or row.get("process_date") or "")[:10]
            if symbol and len(day) == 10:
                name = str(row.get("id") or f"{kind} {symbol} {day}")
                found.append(Announced(name, kind, symbol, day, _ratio(row) if kind in SPLITS else None))
    return found


def _ratio(row: Mapping[str, Any]) -> Fraction | None:
    """What one share becomes; None where the broker's numbers are none."""
    try:
        ratio = Fraction(str(row["new_rate"])) / Fraction(str(row["old_rate"]))
    except (KeyError, ValueError, ZeroDivisionError):
        return None
    return ratio if ratio > 0 and ratio != 1 else None


def _words(one: Announced) -> str:
    if one.ratio is not None:
        return f"{one.ratio.numerator} for {one.ratio.denominator}"
    return one.kind.replace("_", " ").removesuffix("s")


def day_of(now: int) -> str:
    """The day in New York."""
    return datetime.fromtimestamp(now // SECOND, UTC).astimezone(_NEW_YORK).strftime("%Y-%m-%d")


def _noon(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * SECOND + DAY // 2


def read(path: Path) -> dict[str, Kept]:
    """What was told, by the broker's id; nothing where the file is not there or not whole: then it is told again."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Kept])
    except (OSError, msgspec.DecodeError):
        return {}


__all__ = ["Actions", "announced", "day_of", "read"]
