"""A result that was worked out on paper: two symbols, two strategies' fills, one split, one refusal."""

import numpy as np
import pytest

from argosy.core.time import DAY, parse
from argosy.lab.result import FILL_COLUMNS, Failed, Result
from argosy.lab.trades import Ratio
from argosy.lab.verdict import conclude

M = 1_000_000
START = parse("2024-01-01")


def fill(
    day: int,
    symbol: str,
    side: int,
    lots: int,
    price: float,
    fee: float = 0.0,
    strategy: str = "s",
    why: str = "",
) -> tuple:
    """One execution of whole shares on day `day`, as a row of the fill columns."""
    at = START + day * DAY
    notional = round(side * lots * price * M)
    return (
        at,
        at,
        symbol,
        strategy,
        1,
        f"x{day}{symbol}{side}",
        side,
        lots,
        float(lots),
        price,
        notional,
        round(fee * M),
        False,
        "",
        why,
    )


def frame(*rows: tuple) -> dict[str, list]:
    return {name: [row[k] for row in rows] for k, name in enumerate(FILL_COLUMNS)}


def made() -> Result:
    """100 USD over five days: 110, 99, 120, 120; buying and holding goes to 150 through 90."""
    known = START + np.arange(5) * DAY
    return conclude(
        name="paper <b>&", strategies=["s"], symbols=["AAA", "BBB"], currency="USD", cash=100 * M, known=known,
        equity=np.array([100, 110, 99, 120, 120]) * M, benchmark=np.array([100.0, 120.0, 90.0, 140.0, 150.0]),
        fills=frame(
            fill(0, "AAA", 1, 10, 5.0, 0.5, why="up & <away>"),
            fill(2, "AAA", -1, 10, 7.0, 0.5, why="</script><script>alert(1)</script>"),
            fill(1, "BBB", -1, 2, 20.0), fill(3, "BBB", 1, 2, 25.0), fill(4, "BBB", 1, 1, 30.0),
        ),
        splits=[Ratio(START + 9 * DAY, "AAA", 2.0)], marks={"AAA": 7.0, "BBB": 31.0}, refusals={"SELF_CROSS": 3, "PRICE_TICK": 1},
        failures=[Failed("s", int(known[3]), "ZeroDivisionError: <oops>", "Bar(...)", "line 1")],
        settings={"venue": {"fees": "free", "slippage_bps": 1.0}}, hashes={"tape": "abc", "journal": "def"}, seconds=0.5, bars=10,
    )  # fmt: skip


@pytest.fixture
def paper() -> Result:
    return made()
