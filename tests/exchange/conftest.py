"""alpaca-py imports a deprecated websocket module; it is imported here once, so that its warning stays its own."""

import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import alpaca.trading.stream  # noqa: F401

from tests.exchange.official import Broker, broker


@pytest.fixture(scope="module")
def house() -> Iterator[Broker]:
    """One exchange for the tests of a module, with the official client at its door."""
    with broker() as one:
        yield one
