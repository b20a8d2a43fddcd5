"""Options against other people's numbers, where they are at hand: published values, a broker's model, quoted chains."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from argosy.kernels.options import bulk
from argosy.kernels.options.black import CALL, PUT, Greeks, bsm_greeks
from argosy.kernels.options.implied import ABOVE, BELOW, FOUND
from argosy.kernels.options.tree import american_greeks

SHARED = next((folder / "shared" / "data" for folder in Path(__file__).resolve().parents if (folder / "shared" / "data").is_dir()), Path("/nowhere"))


def rows(place: Path) -> Iterator[dict[str, str]]:
    with gzip.open(place, "rt") as file:
        yield from csv.DictReader(file)

ORACLE = SHARED / "oracles" / "black_scholes_values.csv.gz"
CHAINS = SHARED / "options"
needs = pytest.mark.skipif


@needs(not ORACLE.exists(), reason="no shared data")
def test_published_values() -> None:
    count = 0
    for row in rows(ORACLE):
        x = {key: float(value) for key, value in row.items()}
        for right, name in ((CALL, "call"), (PUT, "put")):
            own = Greeks(*bsm_greeks.py(right, x["S"], x["K"], x["t"], x["r"], 0.0, x["sigma"]))
            assert own.price == pytest.approx(x[name], rel=1e-8)
            for greek in ("delta", "gamma", "theta", "vega", "rho"):
                assert getattr(own, greek) == pytest.approx(x[f"{name}_{greek}"], rel=2e-6, abs=1e-9), (name, greek)
            count += 1
    assert count


@needs(not (CHAINS / "third_party_1_american_greeks.csv.gz").exists(), reason="no shared data")
def test_third_party_american_values() -> None:
    """A broker's model of options of two days on SPY. Its clock counts hours that the file rounds to days: a tenth of a dollar, a delta of 0.015."""
    with gzip.open(CHAINS / "third_party_1_american_greeks.csv.gz", "rt") as file:
        table = list(csv.reader(file))[3:]
    for row in table:
        strike, spot, years, rate = float(row[2]), float(row[16]), float(row[17]), float(row[18])
        for k, right in ((0, PUT), (1, CALL)):
            price, sigma, delta = float(row[4 + k]), float(row[6 + k]), float(row[8 + k])
            own = american_greeks(right, spot, strike, years, rate, float(row[19]), sigma, steps=201)
            assert own.price == pytest.approx(price, abs=0.12), row[:4]
            assert own.delta == pytest.approx(delta, abs=0.015), row[:4]


@needs(not list(CHAINS.glob("chain_*.csv.gz")), reason="no shared data")
def test_chains_have_volatilities_or_reasons() -> None:
    """Every quoted contract of each chain: a volatility that gives back its price, or the reason why there is none."""
    for place in sorted(CHAINS.glob("chain_*.csv.gz")):
        chain = [row for row in rows(place) if row["underlying_close"] and row["close"]]
        price, strike, spot = (np.array([float(row[name]) for row in chain]) for name in ("close", "strike", "underlying_close"))
        right = np.array([CALL if row["right"] == "C" else PUT for row in chain])
        years = np.array([np.datetime64(row["expiry"]) - np.datetime64(row["date"]) for row in chain]).astype(float) / 365
        found = bulk.vols(right, price, spot, strike, years, 0.0, 0.0)
        ok = found.code == FOUND
        assert np.array_equal(np.isnan(found.sigma), ~ok)
        again = bulk.prices(right, spot, strike, years, 0.0, 0.0, found.sigma)[ok]
        assert np.max(np.abs(again - price[ok]) / np.maximum(spot, strike)[ok], initial=0.0) < 1e-15
        intrinsic = np.maximum(right * (spot - strike), 0.0)
        assert np.all((price < intrinsic)[found.code == BELOW])
        assert np.all((price >= np.where(right > 0, spot, strike) * (1 - 1e-15))[found.code == ABOVE])
