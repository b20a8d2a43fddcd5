"""Desks that are killed at named places and begun again: what they hold then is what the exchange has, and nothing was ordered twice.

    python -m tests.desk.drill                        every place once
    python -m tests.desk.drill --seeds 25 --jobs 6    the whole matrix, as a table
    python -m tests.desk.drill --points submit.after,journal.write --seeds 5
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue
from random import Random
from typing import NamedTuple

from tests.desk.basin import LIFE_S, ROOT, WITHIN_S, Basin, Life, Wrong, basin, tear
from tests.desk.harbour import SYMBOLS

AT_FIRST = frozenset({"start.open", "start.opened", "step.session"})
"""Reached by a desk that has no journal."""
AGAIN = frozenset({"start.replay", "journal.torn.cut"})
"""Reached by one that has."""
ELSEWHERE = ("arming.", "kill.", "watchdog.")
"""Places of other processes: the ceremony, the emergency exit and the watchdog are killed in their own tests."""
LATCHED = frozenset({"latch.before", "latch.rename", "latch.after", "latch.clear", "latch.cleared", "step.command", "inbox.heard", "inbox.done"})
NOT_HERE = frozenset({"reconcile.withdraw", "step.dividend", "step.split", "step.adjust", "step.cashflow", "step.forecast", "step.instant"})
_NAMED = re.compile(r"""reach\(\s*f?["']([^"']+)["']""")


def places() -> list[str]:
    """All named places of desk and store, as they are written."""
    found = set()
    for room in ("desk", "store"):
        for path in (ROOT / "argosy" / room).rglob("*.py"):
            found |= set(_NAMED.findall(path.read_text()))
    return sorted(found)


def points() -> list[str]:
    """Where a desk can be killed in these drills: all places, with the names that are made while it runs."""
    out = []
    for name in places():
        if name.startswith(ELSEWHERE):
            continue
        if name.startswith("step."):
            out += [f"step.{kind}" for kind in ("fill", "reply", "orderupdate", "timer", "session", "link", "fact", "command")]
        elif name.startswith("{verb}"):
            out += [name.replace("{verb}", verb) for verb in ("submit", "cancel", "amend")]
        else:
            out.append(name)
    return sorted(set(out) - NOT_HERE)


class Outcome(NamedTuple):
    """One cell: how it went ("" is well), at which reach the desk died, seconds until it traded again and until all was equal."""

    point: str
    seed: int
    wrong: str
    n: int = 0
    back_s: float = 0.0
    equal_s: float = 0.0


def cell(place: Basin, point: str, seed: int) -> Outcome:
    """Kill a desk there, begin it again, and compare everything."""
    rng = Random(f"{point}/{seed}")
    again = point in AGAIN or (point not in AT_FIRST and rng.random() < 0.4)
    latched = point in LATCHED or rng.random() < 0.1
    n = 0
    home = place.root
    try:
        most = place.count(again)[point]
        n = 1 + rng.randrange(max(1, round(0.6 * most)))
        home = place.fresh()
        if again:
            place.before(home, rng, ends=point != "journal.torn.cut")
        if point == "journal.torn.cut":
            tear(home, rng)
        back = equal = 0.0
        for attempt in range(3):
            life = Life(place, home, crash=f"{point}:{n if attempt == 0 else 1}")
            if life.until("trading", 20):
                place.weather(life, rng, latched, LIFE_S)
                life.kill(signal.SIGTERM)
            if life.die(15) != 0:
                break
            n = 1  # it was not reached so often this time
        if life.status != -signal.SIGKILL:
            raise Wrong(f"not reached: it ended with {life.status}; {life.complaint[-500:]}")
        place.calm()
        if rng.random() < 0.4:  # the market moves while nobody looks
            px = 100.0 * rng.choice((0.93, 0.985, 1.04))
            place.harbour.quote(round(px, 2), round(px + 0.02, 2))
            place.harbour.quote(round(2 * px, 2), round(2 * px + 0.02, 2), "MSFT")
            time.sleep(0.1)
            for symbol in SYMBOLS:
                place.harbour.ctl("quote", symbol=symbol, walk=True)
        back, equal = place.after(home)
        return Outcome(point, seed, "", n, back, equal)
    except Exception as error:  # noqa: BLE001  (whatever it was, the cell is lost and the table says why)
        kept = ""
        if os.environ.get("ARGOSY_DRILL_KEEP"):
            kept = f" [{home}]"
            home = place.root
        return Outcome(point, seed, (str(error) or repr(error)) + kept, n)
    finally:
        if home != place.root:
            shutil.rmtree(home, ignore_errors=True)


def matrix(wanted: list[tuple[str, int]], jobs: int, told: Callable[[Outcome], None] | None = None) -> list[Outcome]:
    """Run cells, each job on an exchange of its own; in the order in which they end."""
    todo: Queue[tuple[str, int]] = Queue()
    for one in wanted:
        todo.put(one)
    out: list[Outcome] = []

    def work(number: int) -> None:
        with basin(number) as place:
            while True:
                try:
                    point, seed = todo.get_nowait()
                except Empty:
                    return
                done = cell(place, point, seed)
                out.append(done)
                if told is not None:
                    told(done)

    with ThreadPoolExecutor(jobs) as pool:
        for each in [pool.submit(work, number) for number in range(min(jobs, len(wanted)))]:
            each.result()
    return out


def table(found: list[Outcome]) -> str:
    """Point by point: how many of its seeds went well, the longest times, how many took longer than they may, and what was wrong first."""
    rows = [f"{'point':28} {'passed':>8} {'back s':>7} {'equal s':>8} {'late':>5}"]
    for point in sorted({one.point for one in found}):
        mine = [one for one in found if one.point == point]
        good = [one for one in mine if not one.wrong]
        bad = next((f"  seed {one.seed} at reach {one.n}: {one.wrong}" for one in mine if one.wrong), "")
        times = (max((one.back_s for one in good), default=0.0), max((one.equal_s for one in good), default=0.0))
        late = sum(one.equal_s > WITHIN_S for one in good)
        rows.append(f"{point:28} {len(good):>4}/{len(mine):<3} {times[0]:>7.2f} {times[1]:>8.2f} {late:>5}{bad}")
    return "\n".join(rows)


def main() -> int:
    """The matrix as a command."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--points", default="")
    words.add_argument("--seeds", type=int, default=1)
    words.add_argument("--first", type=int, default=0)
    words.add_argument("--jobs", type=int, default=4)
    words.add_argument("--census", action="store_true")
    given = words.parse_args()
    if given.census:
        with basin() as place:
            fresh, again = place.count(False), place.count(True)
            for point in sorted({*points(), *fresh, *again}):
                print(f"{point:28} {fresh[point]:>6} {again[point]:>6}{'' if point in points() else '  not drilled'}")
        return 0
    names = [name for name in given.points.split(",") if name] or points()
    began = time.monotonic()
    cells = [(point, seed) for seed in range(given.first, given.first + given.seeds) for point in names]
    found = matrix(cells, given.jobs, lambda one: print(f"{one.point}:{one.n} seed {one.seed} {one.wrong or 'well'} {one.equal_s:.2f}", flush=True))
    print(table(found))
    bad = sum(bool(one.wrong) for one in found)
    print(f"{len(names)} points, {len(found)} kills, {bad} wrong, {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
