"""The command and its page: it opens in time, says where, serves the official client, and ends when it is told to."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alpaca.trading.client import TradingClient

from argosy.core.errors import Misuse
from argosy.exchange.open import Wanted, build, opened

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def ended(process: subprocess.Popen) -> Iterator[None]:
    """However the test ends, its process does too: else it would be waited for, for ever."""
    try:
        yield
    finally:
        process.kill()


def test_one_command_and_an_account_is_there() -> None:
    words = [sys.executable, "-m", "argosy.cli", "exchange", "--port", "0", "--json", "--symbols", "AAPL,spy", "--key", "PK1", "--secret", "s1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process, ended(process):
        text = ""
        while not text.rstrip().endswith("}"):
            text += process.stdout.readline()
            assert process.poll() is None, process.stderr.read()
        told = json.loads(text)  # how soon it is there is measured by bench/exchange.py, on a machine of its own
        assert told["symbols"] == ["AAPL", "SPY"] and told["control"] == "off"
        client = TradingClient("PK1", "s1", url_override=told["trading"])
        account = client.get_account()
        assert (account.cash, account.buying_power, account.multiplier) == ("100000", "200000", "2")
        assert client.get_clock().is_open
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_every_flag_of_the_command() -> None:
    flags = "--host localhost --port 0 --key K --secret S --symbols spy,BTC/USD --feed live --speed step --rate-limit 4 --seed 9 --control --json"
    words = [sys.executable, "-m", "argosy.cli", "exchange", *flags.split()]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process, ended(process):
        text = ""
        while not text.rstrip().endswith("}"):
            text += process.stdout.readline()
            assert process.poll() is None, process.stderr.read()
        told = json.loads(text)
        assert told["symbols"] == ["SPY", "BTC/USD"] and told["keys"] == ["K"] and told["control"].endswith("/_ctl")
        client = TradingClient("K", "S", url_override=told["trading"])
        client._retry = 0
        before = client.get_clock().timestamp
        step = urllib.request.Request(told["control"] + "/step", b'{"seconds": 90}', method="POST")  # noqa: S310
        assert json.loads(urllib.request.urlopen(step, timeout=10).read())["rows"] == 901  # noqa: S310
        assert (client.get_clock().timestamp - before).total_seconds() == 90
        assert [client.get("/clock")["is_open"] for _ in range(2)] == [True, True]  # of 4 in this minute of the exchange
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


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
    from argosy.exchange.server import VERBS

    page = (ROOT / "docs" / "exchange.md").read_text()
    assert [verb for verb in VERBS if f"`{verb}`" not in page] == []
