"""A result survives JSON and a folder whole, and says what is wrong with one that did not."""

import json
import math

import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.lab.result import Result


def test_json_gives_everything_back(paper):
    paper.benchmark[1] = math.nan
    paper.stats["profit_factor"] = math.nan
    again = Result.from_json(paper.to_json())
    assert again.to_json() == paper.to_json()
    assert math.isnan(again.benchmark[1]) and math.isnan(again.stats["profit_factor"])
    assert again.fills.equals(paper.fills) and again.trades.equals(paper.trades)
    assert (
        again.equity.dtype == np.int64
        and again.splits[0].symbol == "AAA"
        and math.isnan(again.splits[0].price)
    )
    assert again.failures == paper.failures and again == paper


def test_a_folder_gives_everything_back(paper, tmp_path):
    again = Result.load(paper.save(tmp_path / "deep" / "run"))
    assert again == paper
    assert sorted(path.name for path in (tmp_path / "deep" / "run").iterdir()) == [
        "curve.parquet",
        "fills.parquet",
        "result.json",
        "trades.parquet",
    ]


def test_a_damaged_result_is_refused(paper, tmp_path):
    folder = paper.save(tmp_path)
    (folder / "fills.parquet").write_bytes(b"no")
    with pytest.raises(Misuse, match="RESULT_READ"):
        Result.load(folder)
    with pytest.raises(Misuse, match="RESULT_READ"):
        Result.from_json(b'{"schema": 1}')
    later = json.loads(paper.to_json()) | {"schema": 99}
    with pytest.raises(Misuse, match="RESULT_SCHEMA"):
        Result.from_json(json.dumps(later))


def test_curves_of_different_lengths_are_refused(paper):
    with pytest.raises(Misuse, match="RESULT_SHAPE"):
        Result(
            name="x",
            strategies=(),
            symbols=(),
            known=paper.known,
            equity=paper.equity[:2],
            benchmark=paper.benchmark,
            fills=paper.fills,
            trades=paper.trades,
        )


def test_summary_is_plain_json(paper):
    paper.stats["sharpe"] = math.inf
    told = json.loads(json.dumps(paper.summary(), allow_nan=False))
    assert told["end_equity"] == 120.0 and told["start_cash"] == 100.0 and told["fills"] == 5
    assert told["stats"]["sharpe"] is None and told["refusals"] == {"SELF_CROSS": 3, "PRICE_TICK": 1}
