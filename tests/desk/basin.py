"""An exchange and desks beside it that are real processes: each can be killed, and what it holds is compared with what the exchange has."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from random import Random
from threading import Lock, Thread
from typing import Any

import msgspec

from argosy import quay
from argosy.core.errors import Misuse
from argosy.core.events import Adjust
from argosy.core.ids import client_order_id
from argosy.desk.dawn import Kept
from argosy.desk.inbox import ask
from argosy.engine.journal import MemoryJournal, Reserve
from argosy.engine.restart import restart
from argosy.engine.saved import code, sources
from argosy.exchange.open import Wanted as Exchange
from argosy.exchange.open import opened
from argosy.exchange.wire import PER_SHARE
from argosy.house import Terms, Wanted
from argosy.net.secret import Secret
from argosy.store.reader import Reader
from argosy.store.recorder import read
from argosy.store.snapshots import Snapshots
from tests.desk.drillers import Knitter, Weaver
from tests.desk.harbour import KEY, SECRET, SYMBOLS, Harbour

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 10.0
"""How long after it was begun again books and exchange may differ."""
LIFE_S = 2.0
PAGES, SAVE = 3_000, 40
"""Small segments and frequent saved states, so that a short life has many of both."""
ONE = Lock()
"""Code is read by one thread at a time: reading it in several at once fails in some versions of Python."""
SETTINGS = """
[desk]
symbols = ["AAPL", "MSFT"]
quiet_s = 0.2
fills_s = 1.0
orders_s = 0.5
inflight_s = 0.2
positions_s = 1.0
mute_s = 3.0
[watchdog]
on = false
[breakers]
repeats = 0
losses = 0
velocity_frac = 0.0
silence_s = 60.0
probe_clean = 1
[risk]
profile = "desk"
[risk.trades_per_day]
max_trades = "off"
[risk.losing_streak]
max_losses = "off"
[risk.position]
max_pct = "off"
[risk.order_rate]
per_second = "off"
per_minute = "off"
requests_per_minute = "off"
[risk.duplicate]
window_ms = "off"
[risk.band]
respect = false
[risk.after_halt]
market_wait_ms = "off"
"""


class Wrong(AssertionError):
    """What a drill found; the rest of its text says where."""


class Life:
    """One process of a desk. said: file of what it says; words: told so far, by name."""

    def __init__(self, basin: Basin, home: Path, crash: str = "", count: str = "", **more: int) -> None:
        self.basin = basin
        self.out = home / f"said-{basin.number}-{time.monotonic_ns()}.jsonl"
        self.out.touch()
        self.status: int | None = None
        self._read = 0
        self.told: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.complaint = ""
        self.began = time.monotonic()
        environment = {"ARGOSY_HOME": str(home), "ARGOSY_CRASH": crash}
        self.pid = basin.fork(
            {
                "words": ["run", *[f"{ROOT}/tests/desk/drillers.py:{one.__name__}" for one in (Weaver, Knitter)], "--base", basin.harbour.server.url,
                          "--key", KEY, "--secret", SECRET, "--config", str(basin.settings), "--json", "--every", "1s"],
                "environment": environment, "out": str(self.out), "pages": PAGES, "save": SAVE, "count": count,
            } | more
        )  # fmt: skip

    def look(self) -> None:
        """Read what was said, and whether it is gone."""
        with self.out.open() as file:
            file.seek(self._read)
            while (line := file.readline()).endswith("\n"):
                self._read = file.tell()
                try:
                    told = json.loads(line)
                except json.JSONDecodeError:
                    told = None
                if not isinstance(told, dict) or "event" not in told:
                    self.complaint += line
                    continue
                self.events.append(told)
                self.told[told["event"]] = told
        self.status = self.basin.gone.get(self.pid, self.status)

    def until(self, what: str, seconds: float) -> bool:
        """Wait until it has said this; False where it died or said nothing."""
        end = time.monotonic() + seconds
        while True:
            self.look()
            if what in self.told:
                return True
            if self.status is not None or time.monotonic() > end:
                return False
            self.basin.pump(0.01)

    def die(self, seconds: float) -> int | None:
        """Wait until it is gone."""
        end = time.monotonic() + seconds
        while self.status is None and time.monotonic() < end:
            self.basin.pump(0.01)
            self.look()
        return self.status

    def kill(self, how: signal.Signals) -> None:
        if self.status is None:
            try:
                os.kill(self.pid, how)
            except ProcessLookupError:
                self.look()

    def ask(self, verb: str, **said: Any) -> dict[str, Any] | None:
        try:
            return ask(Path(self.told["trading"]["inbox"]), verb, 5.0, **said)
        except (Misuse, KeyError):
            return None

    def alarms(self) -> list[str]:
        return [f"{told['code']}: {told['text']}" for told in self.events if told["event"] == "alarm"]


class Basin:
    """An exchange and a hatch of desks, for one drill after another."""

    def __init__(self, harbour: Harbour, number: int = 0) -> None:
        self.harbour = harbour
        self.number = number
        self.root = Path(tempfile.mkdtemp(prefix="argosy-drill-"))
        self.settings = self.root / "argosy.toml"
        self.settings.write_text(SETTINGS)
        self.gone: dict[int, int] = {}
        self._born: Queue[int] = Queue()
        self._hatch = subprocess.Popen(
            [sys.executable, "-m", "tests.desk.drillhatch"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={key: value for key, value in os.environ.items() if not key.startswith(("ARGOSY_", "COV"))} | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self._ear = Thread(target=self._hear, daemon=True)
        self._ear.start()
        sources()
        self.census: dict[bool, Counter[str]] = {}

    def _hear(self) -> None:
        assert self._hatch.stdout is not None
        for line in self._hatch.stdout:
            told = json.loads(line)
            if "pid" in told:
                self.gone.pop(told["pid"], None)  # the system gives out numbers again
                self._born.put(told["pid"])
            else:
                self.gone[told["gone"]] = told["status"]

    def fork(self, told: dict[str, Any]) -> int:
        assert self._hatch.stdin is not None
        self._hatch.stdin.write(json.dumps(told).encode() + b"\n")
        self._hatch.stdin.flush()
        return self._born.get(timeout=30)

    def pump(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        assert self._hatch.stdin is not None and self._hatch.stdout is not None
        self._hatch.stdin.close()
        self._hatch.wait(20)
        self._ear.join(5)
        self._hatch.stdout.close()
        if not os.environ.get("ARGOSY_DRILL_KEEP"):
            shutil.rmtree(self.root, ignore_errors=True)

    # -- what the exchange says ------------------------------------------------------------------------------------------

    def truth(self) -> tuple[Any, ...]:
        """(shares by symbol, cash in units, open orders, executions) of the account."""
        account = self.harbour.account
        held = {symbol: lots for i, symbol in enumerate(SYMBOLS) if (lots := account.lots(i) // PER_SHARE)}
        tickets = account.open()
        tickets += [leg for t in tickets for leg in t.legs if leg.hung]
        orders = Counter((t.symbol, "buy" if t.side > 0 else "sell", t.leaves // PER_SHARE, t.kind, _px(t.limit), _px(t.stop)) for t in tickets)
        return held, account.cash, orders, len(account.activities)

    def differs(self, told: dict[str, Any], truth: tuple[Any, ...]) -> str:
        """In what a desk's books are not the exchange's, "" in nothing."""
        held, cash, orders, _ = truth
        books = {row["symbol"]: row["lots"] for row in told["positions"]}
        if books != held:
            return f"positions {books}, exchange {held}"
        if round(told["cash"] * 100) != round(cash / 10_000):
            return f"cash {told['cash']:.4f}, exchange {cash / 1e6:.4f}"
        if any(row["work"] not in ("WORKING", "ACKED") for row in told["orders"]):
            return f"under way: {[row for row in told['orders'] if row['work'] not in ('WORKING', 'ACKED')]}"
        mine = Counter(
            (row["symbol"], row["side"], round(row["qty"] - row["filled"]), row["type"], row["limit"], row["stop"]) for row in told["orders"]
        )
        if mine != orders:
            return f"orders {sorted(mine - orders, key=str)} not at the exchange, {sorted(orders - mine, key=str)} not in the books"
        stops = Counter(dict.fromkeys(held, 0))
        for (symbol, side, lots, kind, _, _), count in orders.items():
            if side == "sell" and kind == "stop":
                stops[symbol] += lots * count
        bare = {symbol: lots for symbol, lots in held.items() if stops[symbol] != lots}
        return f"held {bare}, stops {dict(stops)}" if bare else ""

    def settled(self, life: Life, seconds: float) -> tuple[dict[str, Any], float]:
        """The desk's status once it is the exchange's, and when, seconds after its process began. Raises Wrong."""
        why = "it never answered"
        while time.monotonic() < life.began + seconds:
            life.look()
            if life.status is not None:
                raise Wrong(f"it ended with {life.status}: {life.told.get('ended')} {life.complaint[-600:]}")
            before = self.truth()
            answer = life.ask("status")
            if answer is not None and before == self.truth():
                why = self.differs(answer["status"], before)
                if not why:
                    return answer["status"], time.monotonic() - life.began
            self.pump(0.03)
        raise Wrong(f"not equal within {seconds:g} s: {why}")

    # -- what happens ------------------------------------------------------------------------------------------------------

    def weather(self, life: Life, rng: Random, latched: bool, seconds: float) -> None:
        """What a desk must live with: a lost frame, a broken connection, an answer that never came, the owner's word."""
        def ctl(verb: str, **body: object) -> None:
            try:
                self.harbour.ctl(verb, **body)
            except OSError:
                if life.status is None:
                    raise

        lost = {"method": "POST", "path": "/v2/orders", "drop": True, "apply": rng.random() < 0.5, "times": 1}
        acts: list[tuple[float, Any]] = [
            (0.25, lambda: ctl("frames", stream="trading", drop=1, event="fill")),
            (0.6, lambda: ctl("fault", **lost)),
            (0.95, lambda: ctl("fault", method="DELETE", path="/v2/orders", delay=0.3, times=1)),
            (1.2, lambda: ctl("ws", close="trading", rude=True)),
            (1.5, lambda: ctl("frames", stream="trading", duplicate=2)),
        ]
        if latched:
            acts += [
                (0.5, lambda: life.ask("halt", reason="a drill", by="drill")), (1.2, lambda: life.ask("resume", reason="drill over", by="drill")),
                (1.7, lambda: life.ask("reduce", reason="a drill", by="drill")), (1.9, lambda: life.ask("resume", reason="drill over", by="drill")),
            ]  # fmt: skip
        began = time.monotonic()
        for at, act in sorted(acts, key=lambda pair: pair[0]):
            while (left := began + at - time.monotonic()) > 0 and life.status is None:
                self.pump(min(left, 0.01))
                life.look()
            if life.status is not None or at > seconds:
                return
            act()
        while time.monotonic() < began + seconds and life.status is None:
            self.pump(0.01)
            life.look()

    def calm(self) -> None:
        """What was to go wrong and has not, does not."""
        self.harbour.ctl("fault", clear=True)
        self.harbour.ctl("frames", stream="trading", drop=0, duplicate=0)

    def fresh(self) -> Path:
        """The exchange as on its first day, and a folder for the desks of a drill."""
        self.harbour.ctl("reset")
        self.calm()
        for symbol, px in zip(SYMBOLS, (100.0, 200.0), strict=True):
            self.harbour.quote(px, px + 0.02, symbol)
            self.harbour.ctl("quote", symbol=symbol, walk=True)
        return Path(tempfile.mkdtemp(prefix="h", dir=self.root))

    def count(self, again: bool) -> Counter[str]:
        """How often each place is reached in a life of a drill; again: of a desk that has a journal."""
        if again not in self.census:
            home = self.fresh()
            if again:
                self.before(home, Random(0))
            life = Life(self, home, count=str(home / "counted"))
            if not life.until("trading", 20):
                raise Wrong(f"it did not begin: {life.events[-3:]} {life.complaint[-800:]}")
            self.weather(life, Random(1), True, LIFE_S)
            life.kill(signal.SIGTERM)
            if life.die(15) != 0:
                raise Wrong(f"it ended with {life.status}: {life.complaint[-800:]}")
            self.census[again] = Counter(json.loads((home / "counted").read_text()))
            shutil.rmtree(home)
        return self.census[again]

    def before(self, home: Path, rng: Random, *, ends: bool = True) -> None:
        """A life before the one that is looked at; it is killed, or ends in order."""
        life = Life(self, home)
        if not life.until("trading", 20):
            raise Wrong(f"it did not begin: {life.events[-3:]} {life.complaint[-800:]}")
        self.weather(life, rng, False, 1.0 + 1.2 * rng.random())
        life.kill(signal.SIGTERM if ends and rng.random() < 0.25 else signal.SIGKILL)
        if life.die(15) is None:
            raise Wrong("it did not end")
        self.calm()

    # -- what must hold after a kill ---------------------------------------------------------------------------------------------

    def after(self, home: Path) -> tuple[float, float]:
        """The next life: how long until it trades, and until all is equal; then everything that must hold of the whole. Raises Wrong."""
        life = Life(self, home)
        try:
            if not life.until("trading", 3 * WITHIN_S):
                raise Wrong(f"it did not begin again: {life.status} {life.events[-2:]} {life.complaint[-800:]}")
            back = time.monotonic() - life.began
            compared = life.told["compared"]
            if compared["barred"]:
                raise Wrong(f"not traded after the restart: {compared}")
            told, equal = self.settled(life, 3 * WITHIN_S)
            said = [text for text in life.alarms() if not text.startswith("STREAM_")]
            if said or told["refusals"].get("RECONCILE_DRIFT"):
                raise Wrong(f"alarms {said}, refusals {told['refusals']}")
            for row in told["strategies"]:
                if row["status"] != "active":
                    raise Wrong(f"{row['id']} is {row['status']}: {row['cause']}")
            life.kill(signal.SIGTERM)
            if life.die(15) != 0:
                raise Wrong(f"it ended with {life.status}: {life.complaint[-800:]}")
        finally:
            life.kill(signal.SIGKILL)
        self.holds(home)
        return back, equal

    def holds(self, home: Path) -> None:
        """Of the journal and the exchange, when no desk runs: one decision is one order, and what was relived is what was lived."""
        (root,) = (home / "desks").iterdir()
        records = list(Reader(root / "journal", quay.codec()).records())
        decided = Counter(order.id for _, r in records if type(r) is Reserve for order in (r.submit.approved.order, *r.submit.approved.legs))
        twice = [number for number, count in decided.items() if count > 1]
        names = {client_order_id("ARGO", number) for number in decided}
        seen = self.harbour.client_ids()
        ours = Counter(name.partition(".")[0] for name in seen if name.startswith("ARGO") and "." not in name)
        odd = [name for name in ours if name not in names]
        if twice or odd or any(count > 1 for count in ours.values()) or len(seen) != len(set(seen)):
            raise Wrong(f"orders decided twice {twice}, unknown {odd}, sent twice {[name for name, count in ours.items() if count > 1]}")
        moved = [r for _, r in records if type(r) is Adjust and (r.lots or r.cash)]
        if moved:
            raise Wrong(f"unexplained: {moved}")
        with ONE:
            asyncio.run(self._relived(root, records))

    async def _relived(self, root: Path, records: list[Any]) -> None:
        """An engine that lives through everything in one go has the state that the desk ended with, and its strategies' own."""
        door = quay.door("sim", self.harbour.server.url, Secret(KEY), Secret(SECRET))
        try:
            instruments = await quay.learn(door, list(SYMBOLS), fractional=False)

            def engine() -> Any:
                wanted = [Wanted(name=one.__name__.lower(), plugin=one, symbols=SYMBOLS) for one in (Weaver, Knitter)]
                return quay.desk(door, wanted, instruments, Terms(desk="ARGO", profile="desk"), MemoryJournal(), cash=1_000_000_000_000).engine

            whole, short = engine(), engine()
            relived = restart(whole, records, read(root / "rows"))
            if relived.changed or relived.differed:
                raise Wrong(f"relived otherwise: {relived.changed} {relived.differed}")
            found = Snapshots(root / "journal").latest(code(short), records[-1][0] + 1)
            if found is None:
                raise Wrong("it ended in order and no state was saved")
            if found.label.state != whole.state.hash:
                raise Wrong("the state that it ended with is not that of a life without a kill")
            saved = msgspec.msgpack.decode(found.blob, type=Kept).engine
            since = [row for row in records if row[0] >= found.label.seq]
            restart(short, since, read(root / "rows", found.label.rows), saved)
            for a, b in zip(whole.slots, short.slots, strict=True):
                if a.save() != b.save():
                    raise Wrong(f"{a.id} remembers {b.thing.state}, and in one life {a.thing.state}")
        finally:
            await door.close()


def _px(value: float) -> float | None:
    return value if value == value else None


def tear(home: Path, rng: Random) -> None:
    """What a machine leaves whose power went: half a record at the end of the last segment."""
    (root,) = (home / "desks").iterdir()
    last = max((root / "journal").glob("*.seg"))
    with last.open("ab") as file:
        file.write(rng.randbytes(3 + rng.randrange(9)))


@contextmanager
def basin(number: int = 0, seed: int = 3) -> Iterator[Basin]:
    """An exchange with a hatch of desks."""
    with opened(Exchange(keys=((KEY, SECRET),), symbols=list(SYMBOLS), control=True, seed=seed + number, cash=1_000_000)) as server:
        one = Basin(Harbour(server), number)
        try:
            yield one
        finally:
            one.close()
