"""The report of ten thousand trades: how long it takes to make, and how large the file is; counted only where its figures are the run's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.money import per_one
from argosy.core.time import MINUTE, parse
from argosy.lab import packed, report
from argosy.lab.result import FILL_COLUMNS, Result
from argosy.lab.statistics import Range, excursions
from argosy.lab.verdict import conclude
from bench.clock import typical
from bench.figure import Figure, figure

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")


def run(trades: int, rows: int) -> tuple[Result, dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]]:
    """A run of five-minute rows with this many closed trades of two strategies in four symbols, and the prices it traded at."""
    rng = np.random.default_rng(7)
    one = per_one("USD")
    known = parse("2019-01-02") + np.arange(rows) * 5 * MINUTE
    paths = {symbol: np.asarray(50.0 * np.exp(np.cumsum(rng.normal(0.0, 8e-4, rows)))) for symbol in SYMBOLS}
    deals: list[tuple[int, str, int]] = []
    for symbol in SYMBOLS:
        at = np.sort(rng.choice(rows, trades // 2, replace=False)).tolist()
        for first, last in zip(at[::2], at[1::2], strict=True):
            side = 1 if rng.random() < 0.6 else -1
            deals += [(first, symbol, side), (last, symbol, -side)]
    columns: dict[str, list[Any]] = {name: [] for name in FILL_COLUMNS}
    for k, (row, symbol, side) in enumerate(sorted(deals)):
        price = round(float(paths[symbol][row]), 2)
        why = f"fast {price * 1.01:.4f} crossed slow {price * 0.99:.4f} after {row % 97} bars"
        values = (
            int(known[row]), int(known[row]), symbol, "churn" if symbol < "C" else "carry", k + 1, f"x{k}", side, 10, 10.0, price,
            round(side * 10 * price * one), round(0.35 * one), False, "", why,
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    equity = np.rint(1e5 * np.exp(np.cumsum(rng.normal(2e-6, 4e-4, rows))) * one).astype(np.int64)
    benchmark = np.asarray(sum(25_000.0 * path / path[0] for path in paths.values()), np.float64)
    made = conclude(
        name="ten thousand", strategies=["churn", "carry"], symbols=SYMBOLS, currency="USD", cash=int(equity[0]), known=known, equity=equity,
        benchmark=benchmark, fills=columns, refusals={"MAX_POSITION": 12}, settings={"venue": {"slippage_bps": 1.0}},
    )  # fmt: skip
    return made, {symbol: (known, path) for symbol, path in paths.items()}


def differs(text: str, result: Result) -> str:
    """What in the page is not the run's, "" when all is: its trades one by one, and its Sharpe ratio."""
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    trips: Mapping[str, Any] = msgspec.json.decode(found[1])["runs"][0]["trips"] if found else {}
    if not trips or packed.unpack(trips["pnl"]) != [round(pnl / per_one("USD"), 2) for pnl in result.trades["pnl"].to_list()]:
        return "the page has other trades than the run"
    said = re.search(r'data-stat="sharpe">([^<]*)<', text)
    return "" if said and said[1] == f"{result.stats['sharpe']:.2f}" else "the page has another Sharpe ratio"


def figures(quick: bool) -> Iterator[Figure]:
    """Time and size of one page."""
    result, prices = run(2_000 if quick else 10_000, 20_000 if quick else 100_000)
    bars = {symbol: Range(known, known + 5 * MINUTE, path * 1.0005, path * 0.9995) for symbol, (known, path) in prices.items()}
    reach = excursions(result.trades, bars)
    text = report.render(result, prices=prices, reaches=[reach])
    fault = differs(text, result)
    took = typical(lambda: report.render(result, prices=prices, reaches=[reach]), 3 if quick else 7)
    note = f"{result.trades.height:,} trades in 4 symbols, {len(result.known):,} rows: charts, groups, every statistic, all trades"
    yield figure("report.make", took, wrong=fault, note=note)
    yield figure("report.size", len(text.encode()) / 1e6, wrong=fault, note="one file, nothing outside it")
