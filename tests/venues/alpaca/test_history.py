"""Market data of the past: pages add up to the whole, only a null token ends them, and half an answer is never taken for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from argosy.core.time import parse
from argosy.exchange.open import Wanted, opened
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.outcome import Answered, Failed, Outcome
from argosy.net.secret import Secret
from argosy.venues.alpaca.answer import Accepted, Ambiguous, Answer, Refused
from argosy.venues.alpaca.client import Client, headers
from argosy.venues.alpaca.history import History

OPEN = parse("2026-11-20T15:00:00Z")


class Script:
    """A carrier that answers from a function of (path, query)."""

    def __init__(self, answer: Callable[[str, dict[str, str]], Any]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def call(self, method: str, path: str, *, query: str = "", **named: Any) -> Outcome:
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        self.asked.append((path, asked))
        said = self.answer(path, asked)
        return said if isinstance(said, Answered | Failed) else Answered(200, msgspec.json.encode(said), {})

    async def close(self) -> None: ...


def told(answer: Callable[[str, dict[str, str]], Any], ask: Callable[[History], Any]) -> tuple[Any, Script]:
    script = Script(answer)
    return asyncio.run(ask(History(Client(script, chance=lambda: 0.0)))), script


def test_pages_of_the_real_exchange_add_up_to_the_whole() -> None:
    with opened(Wanted(symbols=["AAPL", "MSFT"], control=True, seed=3), OPEN) as server:

        async def walk() -> None:
            rest = Rest(server.url, Hosts(loopback=True), headers=headers(Secret("PKSIM"), Secret("secret")))
            history = History(Client(rest))
            named = {"end": "2026-11-20T14:59:00Z", "timeframe": "1Min"}
            whole = await history.all("bars", ["AAPL", "MSFT"], "2026-11-20T14:30:00Z", **named)
            assert isinstance(whole, Accepted) and set(whole.value) == {"AAPL", "MSFT"} and len(whole.value["AAPL"]) == 30
            pages = [page async for page in history.pages("bars", ["AAPL", "MSFT"], "2026-11-20T14:30:00Z", limit=7, **named)]
            assert len(pages) > 8 and all(isinstance(page, Accepted) for page in pages)
            parts = await history.all("bars", ["AAPL", "MSFT"], "2026-11-20T14:30:00Z", limit=7, **named)
            assert parts == whole
            snapshots = await history.snapshots(["AAPL", "NONE"])
            assert isinstance(snapshots, Accepted) and set(snapshots.value) == {"AAPL"} and "latestQuote" in snapshots.value["AAPL"]
            server.exchange.actions.clear()
            actions = await history.corporate_actions(["AAPL"], "2026-01-01", "2026-12-31")
            assert actions == Accepted({})
            wrong = await history.all("bars", ["AAPL"], "no time")
            assert isinstance(wrong, Refused) and wrong.status in (400, 422)
            await rest.close()

        asyncio.run(walk())


def test_a_short_page_is_not_the_last() -> None:
    pages = {"": ({"A": [{"p": 1}]}, "x"), "x": ({}, "y"), "y": (None, "z"), "z": ({"A": [{"p": 2}], "B": [{"p": 3}]}, None)}

    def answer(path: str, asked: dict[str, str]) -> Any:
        rows, token = pages[asked.get("page_token", "")]
        return {"trades": rows, "next_page_token": token}

    got, script = told(answer, lambda history: history.all("trades", ["A", "B"], "2026-01-01", feed="sip"))
    assert got == Accepted({"A": [{"p": 1}, {"p": 2}], "B": [{"p": 3}]})
    assert [asked.get("page_token") for _, asked in script.asked] == [None, "x", "y", "z"]
    assert script.asked[0] == ("/v2/stocks/trades", {"symbols": "A,B", "start": "2026-01-01", "limit": "10000", "feed": "sip"})


@pytest.mark.parametrize(
    ("said", "got"),
    [
        ({"bars": {}, "next_page_token": "again"}, Ambiguous("BROKEN_REPLY")),  # the same token for ever
        ([], Ambiguous("BROKEN_REPLY")),
        ({"bars": [1]}, Ambiguous("BROKEN_REPLY")),
        (Answered(400, b'{"message":"invalid symbol"}', {}), Refused("HTTP_400", "invalid symbol", 400)),
        (Failed("RESET", True), Ambiguous("RESET")),
        (Failed("CONNECT", False), Ambiguous("CONNECT")),
        (Answered(429, b"{}", {}), Ambiguous("RATE_LIMIT")),
        ({"bars": {"A": [{"c": 1}, "odd"], "B": "odd"}, "next_page_token": ""}, Accepted({"A": [{"c": 1}]})),
        ({"next_page_token": None}, Accepted({})),
    ],
)
def test_nothing_but_a_complete_answer_is_accepted(said: Any, got: Answer[Any]) -> None:
    assert told(lambda path, asked: said, lambda history: history.all("bars", ["A"], "2026-01-01", deadline_s=0.0))[0] == got


def test_half_of_the_pages_is_not_the_whole() -> None:
    def answer(path: str, asked: dict[str, str]) -> Any:
        return Answered(403, b"{}", {}) if "page_token" in asked else {"bars": {"A": [{}]}, "next_page_token": "x"}

    assert told(answer, lambda history: history.all("bars", ["A"], "2026-01-01"))[0] == Refused("HTTP_403", "", 403)


@pytest.mark.parametrize("ask", ["latest", "snapshots"])
@pytest.mark.parametrize("said", [[], "x", None, Answered(500, b"", {}), Answered(404, b"", {})])
def test_what_is_no_map_of_symbols_is_no_answer(ask: str, said: Any) -> None:
    def asked(history: History) -> Any:
        named = {"deadline_s": 0.0}
        return history.latest("quotes", ["A"], **named) if ask == "latest" else history.snapshots(["A"], **named)

    assert isinstance(told(lambda path, query: said, asked)[0], Ambiguous | Refused)


@pytest.mark.parametrize(
    ("pages", "got"),
    [
        ([({"splits": [1]}, "x"), ({"splits": [2], "dividends": "odd"}, None)], Accepted({"splits": [1, 2], "dividends": []})),
        ([({"a": [1]}, "x"), ({"a": [2]}, "x")], Accepted({"a": [1, 2]})),  # a token that does not move is the last
        ([([], None)], Ambiguous("BROKEN_REPLY")),
        ([({"a": [1]}, "x"), (None, None)], Ambiguous("BROKEN_REPLY")),
    ],
)  # fmt: skip
def test_corporate_actions_in_pages(pages: list[Any], got: Answer[Any]) -> None:
    left = list(pages)

    def answer(path: str, asked: dict[str, str]) -> Any:
        rows, token = left.pop(0)
        return {"corporate_actions": rows, "next_page_token": token}

    assert told(answer, lambda history: history.corporate_actions(["A"], "2026-01-01", "2026-12-31", deadline_s=0.0))[0] == got
    refused = told(lambda path, asked: Answered(403, b"{}", {}), lambda h: h.corporate_actions(["A"], "a", "b"))[0]
    assert isinstance(refused, Refused)
