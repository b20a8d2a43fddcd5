"""`argosy dark`, from the shell to a desk that runs: entries go, stops stay or positions are closed, the process ends, and none trades after it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from argosy.cli.main import app
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY
from argosy.desk import latch
from tests.desk.berth import asked, berth, says
from tests.desk.harbour import Harbour


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    monkeypatch.delenv("ARGOSY_DESK", raising=False)
    return tmp_path


def both(quote: Any, book: Any, calls: list[int]) -> Any:
    """Five are held with a stop, and a bid far away would make it more."""
    if quote.instrument:
        return None
    return (
        Target(0, lots=5, why="held", protection=Protection(stop=60.0)),
        Ladder(0, (Rung("far", BUY, 50.0, 5, protection=Protection(stop=40.0)),)),
    )


def shell(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(("dark", "held"), [("leave", 5), ("flatten", 0)])
def test_it_gets_out_of_risk_ends_the_desk_and_no_start_trades_after_it(harbour: Harbour, dark: str, held: int) -> None:
    async def life() -> None:
        wish = asked(harbour, {"one": says(both)})
        terms = msgspec.structs.replace(wish.terms, breakers=msgspec.structs.replace(wish.terms.breakers, dark=dark))
        wish = msgspec.structs.replace(wish, terms=terms)
        async with berth(harbour, wish) as desk:
            await desk.until(lambda: desk.lots() == 5 and len(harbour.resting()) >= 2 and len(desk.open()) >= 2)
            refused = await asyncio.to_thread(shell, "dark", "--yes", "--json")
            assert refused.exit_code == 2 and json.loads(refused.stderr)["error"]["code"] == "COMMAND_REASON"
            unsaid = await asyncio.to_thread(shell, "dark", "--reason", "no")  # it asks, and nobody says yes
            assert unsaid.exit_code != 0 and desk.state.level == 0
            said = await asyncio.to_thread(shell, "dark", "--reason", "my laptop is gone", "--yes")
            assert said.exit_code == 0, said.output
            assert "revoke them at the broker's page" in said.output
            assert await asyncio.wait_for(desk.running, 15) == 0
            assert harbour.held() == held
            rows = harbour.rest("GET", "/v2/orders?status=open&nested=false")
            assert [(row["type"], row["side"], row["qty"]) for row in rows] == ([("stop", "sell", "5")] if held else [])
            found = latch.read(desk.node.folder.latch)
            assert found is not None and (found.level, found.cause) == (latch.DARK, "my laptop is gone")
        orders = len(harbour.client_ids())
        async with berth(harbour, wish) as desk:
            assert await asyncio.wait_for(desk.running, 15) == 0
            assert desk.node.ended.startswith("DARK: my laptop is gone")
        assert len(harbour.client_ids()) == orders

    asyncio.run(life())


def test_it_teaches_and_stands_among_what_leads_out_of_risk() -> None:
    page = shell("dark", "--help").output
    for words in ("L4", "breakers.dark", "argosy unlatch", "revoke them", 'argosy dark --reason "'):
        assert words in page, words
    whole = shell("--help").output
    assert whole.index("Out of risk") < whole.index(" dark ") < whole.index("Real money")
