"""The command and its page: it opens in time, says where, serves the official client, and ends when it is told to."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alpaca.trading.client import TradingClient

from argosy.core.errors import Misuse
from argosy.exchange.open import Wanted, build, opened

ROOT = Path(__file__).resolve().parents[2]


def test_one_command_and_an_account_is_there() -> None:
    begun = time.monotonic()
    words = [sys.executable, "-m", "argosy.cli", "exchange", "--port", "0", "--json", "--symbols", "AAPL,spy", "--key", "PK1", "--secret", "s1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        text = ""
        while not text.rstrip().endswith("}"):
            text += process.stdout.readline()
        told = json.loads(text)
        assert time.monotonic() - begun < 10  # two seconds on a machine of its own: bench/exchange.py measures
        assert told["symbols"] == ["AAPL", "SPY"] and told["control"] == "off"
        client = TradingClient("PK1", "s1", url_override=told["trading"])
        account = client.get_account()
        assert (account.cash, account.buying_power, account.multiplier) == ("100000", "200000", "2")
        assert client.get_clock().is_open
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"host": "0.0.0.0"}, "EXCHANGE_HOST"), ({"speed": 0.0}, "EXCHANGE_SPEED"), ({"feed": "moon"}, "EXCHANGE_FEED"),  # noqa: S104
        ({"feed": "tape:nowhere.csv"}, "DATA_SOURCE"), ({"margin": "10x"}, "EXCHANGE_MARGIN"), ({"symbols": ["A", "A"]}, "EXCHANGE_SYMBOLS"),
    ],
)  # fmt: skip
def test_what_it_refuses(wanted: dict, code: str) -> None:
    with pytest.raises(Misuse) as no:
        build(Wanted(**wanted))
    assert no.value.code == code


def test_a_taken_port_is_named() -> None:
    with opened(Wanted(symbols=["AAPL"])) as first, pytest.raises(Misuse, match="EXCHANGE_PORT"), opened(Wanted(symbols=["AAPL"], port=first.port)):
        pass


def test_the_example_of_the_page_runs() -> None:
    page = (ROOT / "docs" / "exchange.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks
    for block in blocks:
        with opened(Wanted(symbols=["AAPL", "MSFT"], control=True)) as server:
            code = block.replace("127.0.0.1:8900", server.at)
            done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        for wish in re.findall(r"#> (.*)", block):
            assert wish in done.stdout, (wish, done.stdout)


def test_the_page_names_every_verb() -> None:
    from argosy.exchange.control import VERBS

    page = (ROOT / "docs" / "exchange.md").read_text()
    assert [verb for verb in VERBS if f"`{verb}`" not in page] == []
