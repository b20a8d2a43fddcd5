"""A whole drawn day over the wire: what the desk holds at its end is the exchange's to the cent, and the same seed writes the same journal."""

from __future__ import annotations

import asyncio
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from argosy import quay
from argosy.cli.run import fleet
from argosy.core.events import Adjust, Fill
from argosy.core.time import iso, parse
from argosy.desk.run import Asked
from argosy.exchange.open import Wanted as Exchange
from argosy.exchange.open import opened
from argosy.exchange.server import Server
from argosy.exchange.wire import PER_SHARE
from argosy.net.secret import Secret
from argosy.settings import load
from argosy.store.reader import Reader
from tests.desk.berth import berth
from tests.desk.harbour import KEY, SECRET, Harbour
from tests.desk.tide import tide

DRILL = bool(os.environ.get("ARGOSY_DRILL"))
NAMES = ["AAPL", "IBM", "MSFT"]
FLEET = Path(__file__).resolve().parents[2] / "argosy" / "cli" / "up.toml"
STEP_S = 15.0
STEPS, FEW = (1_600, 1_600) if DRILL else (500, 120)
"""A whole session has 1,580 steps; 500 end soon after half past eleven. FEW: of a day that only has to be another."""
SPEED = 50.0 if DRILL else 240.0
UNTIL = "2008-09-02T20:00:00Z" if DRILL else "2008-09-02T14:45:00Z"
"""The close in New York; in short half past nine to a quarter to eleven."""

REFUSED = "VENUE_REFUSES"
"""The one alarm that a day may have: a broker refuses to buy for one strategy what it would sell at another's stop (a wash trade)."""


def exchange(speed: float | str, seed: int) -> Exchange:
    """Real days of 2008 whose minutes are drawn."""
    return Exchange(keys=((KEY, SECRET),), symbols=NAMES, feed="drawn:demo", start="2008-09-02", seed=seed, control=True, speed=speed)


def wish(server: Server, **more: Any) -> Asked:
    """The three strategies of `argosy up`, with its limits."""
    settings = load(FLEET, {}).settings
    desk = settings.desk.model_copy(update={"base": server.url, **more})
    return Asked(wanted=fleet(settings, [], [], []), terms=settings.desk_terms(), settings=desk, key=Secret(KEY), secret=Secret(SECRET))


def records(home: Path) -> list[Any]:
    """All that the desk's journal holds."""
    (root,) = (home / "desks").iterdir()
    return [record for _, record in Reader(root / "journal", quay.codec()).records()]


def agrees(desk: Any, harbour: Harbour, kept: list[Any]) -> int:
    """Cash, positions and fills are the exchange's; nothing was adjusted; how many fills it were."""
    state, account = desk.node.engine.state, harbour.account
    state.portfolio.check()
    assert state.portfolio.cash[0] == account.cash
    for i, symbol in enumerate(desk.node.engine.instruments.symbols):
        assert state.portfolio.lots[i] == account.lots(i) // PER_SHARE, symbol
    mine = sorted((record.execution.partition(":")[0], record.side * record.lots, record.price) for record in kept if type(record) is Fill)
    theirs = []
    for row in account.activities:
        if row.kind == "FILL":
            sign = 1 if row.body["side"] == "buy" else -1
            theirs.append((row.body["order_id"], sign * int(row.body["qty"]), float(row.body["price"])))
    assert mine == sorted(theirs)
    assert [record for record in kept if type(record) is Adjust and (record.lots or record.cash)] == []
    assert not state.drifted and not desk.rounds.repaired
    assert "RECONCILE_DRIFT" not in state.counters.refusals
    assert [(told.code, told.text, iso(told.at)) for told in desk.node.alarms if told.code != REFUSED] == []
    assert set(state.status.values()) == {"active"}
    names = harbour.client_ids()
    assert len(names) == len(set(names))
    return len(mine)


async def _paced(server: Server, home: Path, steps: int) -> tuple[str, str, int, int]:
    """(hash of the journal's records, its chain, how many, fills) of a day in steps."""
    async with tide(wish(server), server.url, STEP_S) as sea:
        for _ in range(steps):
            await sea.step()
        desk = sea.desk
        assert await sea.end() == 0
        kept = records(home)
        fills = agrees(desk, Harbour(server), kept)
        digest = blake2b(digest_size=16)
        for record in kept:
            digest.update(repr(record).encode())
        return digest.hexdigest(), str(desk.node.journal.chain), len(kept), fills


def _play(seed: int, home: Path, monkeypatch: pytest.MonkeyPatch, steps: int = STEPS) -> tuple[str, str, int, int]:
    monkeypatch.setenv("ARGOSY_HOME", str(home))
    with opened(exchange("step", seed)) as server:
        return asyncio.run(_paced(server, home, steps))


def test_the_same_seed_writes_the_same_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _play(5, tmp_path / "first", monkeypatch)
    again = _play(5, tmp_path / "again", monkeypatch)
    assert first == again
    assert first[2] > 300 and first[3] >= (40 if DRILL else 10)
    other = _play(6, tmp_path / "other", monkeypatch, FEW)
    assert other[0] != first[0] and other[1] != first[1]


def test_a_day_at_speed_is_the_exchanges_to_the_cent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time runs as it will: what comes when is chance, and the sums are the same."""
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))

    async def life(server: Server) -> None:
        harbour = Harbour(server)
        async with berth(harbour, wish(server, speed=SPEED)) as desk:
            while server.exchange.now < parse(UNTIL):
                assert not desk.running.done(), desk.said[-5:]
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.5)
            assert await desk.stop() == 0
            fills = agrees(desk.desk, harbour, records(tmp_path))
            print(f"{fills} fills until {iso(server.exchange.now)}, cash {harbour.account.cash / 1e6:,.2f}")
            assert fills >= (40 if DRILL else 8)

    with opened(exchange(SPEED, 5)) as server:
        asyncio.run(life(server))
