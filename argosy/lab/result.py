"""What a backtest says: equity, fills, trades, refusals and what went wrong; it is a record and computes no opinion.

Times are int64 ns UTC, money is integer units of the base currency (`core.money`), fractions are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.money import per_one
from argosy.lab.trades import Ratio

if TYPE_CHECKING:
    import polars as pl

SCHEMA = 1
"""Number of the saved layout; every released number stays readable."""

FILL_COLUMNS = {
    "known": "Int64", "ts": "Int64", "symbol": "String", "strategy": "String", "order": "Int64", "execution": "String",
    "side": "Int8", "lots": "Int64", "units": "Float64", "price": "Float64", "notional": "Int64", "fee": "Int64",
    "maker": "Boolean", "tag": "String", "why": "String",
}  # fmt: skip
"""Columns of `Result.fills` with their polars types. One row a strategy's share of an execution; lots and units positive,
side +1 or -1, notional signed (+ paid) and fee (+ a cost) in units of money. An internal cross is two rows without a fee."""


class Failed(msgspec.Struct, frozen=True):
    """A strategy that raised and stopped. known: when; event: on what; trace: its capsule, for whoever mends it."""

    strategy: str
    known: int
    error: str
    event: str = ""
    trace: str = ""


class Yardstick(msgspec.Struct, frozen=True):
    """name: what it is; value: (T,) currency at the run's times, the run's first cash held in it; nan before its first price.

    fresh: (T,) whether a price of it became known since the row before; None: at every row. Where it has none, nothing is compared.
    """

    name: str
    value: NDArray[np.float64]
    fresh: NDArray[np.bool_] | None = None

    @classmethod
    def kept(cls, name: str, value: Any, fresh: Any) -> Yardstick:
        """The yardstick that JSON or a frame kept."""
        return cls(name, _column(value), None if fresh is None else np.array(fresh, np.bool_))


class Flow(NamedTuple):
    """A deposit (+) or withdrawal (-) after the start. known: ns UTC; amount: units of the base currency."""

    known: int
    amount: int


class Result(msgspec.Struct, kw_only=True):
    """One backtest.

    name:       what people call it; strategies: ids; symbols: in order of instrument id; currency: base
    cash:       units at the start
    known:      (T,) int64, when each value of equity was known; equity: (T,) int64 units
    benchmark:  (T,) float64 currency: the same cash in equal parts in the same instruments, bought once and held
    fills:      polars frame of `FILL_COLUMNS`; trades: `lab.trades.round_trips` of it
    refusals:   rule or venue code -> how often
    stats, benchmark_stats: by name, see `lab.verdict`; not finite means undefined
    splits:     of its symbols, so that a chart of prices can be drawn without cliffs
    flows:      deposits and withdrawals, which are in equity and are no profit
    settings:   what the run was set to, nested, as plain values
    options:    of each option, its underlying's symbol; None where it was not kept
    yardstick:  what else it is measured by, like SPY; None without
    hashes:     names of what went in and came out: tape, journal, state, code
    seconds:    wall time of the run; bars: market rows it walked; hint: what in a step kept a long run from being compiled
    """

    name: str
    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    currency: str = "USD"
    cash: int = 0
    known: NDArray[np.int64]
    equity: NDArray[np.int64]
    benchmark: NDArray[np.float64]
    fills: pl.DataFrame
    trades: pl.DataFrame
    refusals: dict[str, int] = {}
    stats: dict[str, float] = {}
    benchmark_stats: dict[str, float] = {}
    failures: tuple[Failed, ...] = ()
    splits: tuple[Ratio, ...] = ()
    flows: tuple[Flow, ...] = ()
    settings: dict[str, Any] = {}
    hashes: dict[str, str] = {}
    seconds: float = 0.0
    bars: int = 0
    hint: str = ""
    options: dict[str, str] | None = None
    yardstick: Yardstick | None = None

    def __post_init__(self) -> None:
        if not len(self.known) == len(self.equity) == len(self.benchmark):
            sizes = (len(self.known), len(self.equity), len(self.benchmark))
            raise Misuse("RESULT_SHAPE", f"known, equity and benchmark have lengths {sizes}", where=self.name)
        missing = [name for name in FILL_COLUMNS if name not in self.fills.columns]
        if missing:
            raise Misuse("RESULT_FILLS", f"fills lack {', '.join(missing)}", where=self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # it is a record that can change

    @property
    def value(self) -> NDArray[np.float64]:
        """Equity in currency, (T,) float64."""
        return self.equity / float(per_one(self.currency))

    @property
    def flow(self) -> NDArray[np.float64]:
        """What came in (+) or went out (-) by each row and after the one before, in currency, (T,) float64."""
        from argosy.lab.verdict import flowed

        return flowed(self.known, self.flows) / per_one(self.currency)

    @property
    def grown(self) -> NDArray[np.float64]:
        """What the first money became at time-weighted returns, (T,) currency: equity with deposits and withdrawals taken out."""
        from argosy.lab.verdict import earned

        if not self.flows:
            return self.value
        _, value = earned(self.known, self.value, self.flow)
        before = len(self.known) - len(value)
        return np.concatenate((np.full(before, value[0] if len(value) else np.nan), value)) if before else value

    def summary(self) -> dict[str, Any]:
        """What a machine asks first: everything but the curves, the fills and the trades; plain JSON values."""
        return {
            "name": self.name,
            "strategies": list(self.strategies),
            "symbols": list(self.symbols),
            "currency": self.currency,
            "start_ns": int(self.known[0]) if len(self.known) else None,
            "end_ns": int(self.known[-1]) if len(self.known) else None,
            "start_cash": self.cash / per_one(self.currency),
            "end_equity": float(self.value[-1]) if len(self.known) else None,
            "stats": _plain(self.stats),
            "benchmark_stats": _plain(self.benchmark_stats),
            "fills": self.fills.height,
            "refusals": dict(self.refusals),
            "failures": [msgspec.to_builtins(failed) for failed in self.failures],
            "settings": self.settings,
            "hashes": dict(self.hashes),
            "seconds": self.seconds,
            "bars": self.bars,
            "hint": self.hint,
        }

    # -- keeping ---------------------------------------------------------------------------------------------------------

    def to_json(self) -> bytes:
        """The whole result as JSON; numbers that are not finite become null. `from_json` gives it back."""
        whole = self._head() | {
            "known": self.known.tolist(),
            "equity": self.equity.tolist(),
            "benchmark": self.benchmark.tolist(),
            "beside": None if self.yardstick is None else self.yardstick.value.tolist(),
            "fresh": None if self.yardstick is None or self.yardstick.fresh is None else self.yardstick.fresh.tolist(),
            "fills": {name: self.fills[name].to_list() for name in FILL_COLUMNS},
            "trades": self.trades.to_dict(as_series=False),
        }
        return msgspec.json.encode(whole)

    @classmethod
    def from_json(cls, text: bytes | str) -> Result:
        """Read what `to_json` wrote; Misuse("RESULT_READ") when it is something else."""
        try:
            whole = msgspec.json.decode(text)
            fills, trades = fill_frame(whole["fills"]), _trade_frame(whole["trades"])
            return cls._whole(whole, whole["known"], whole["equity"], whole["benchmark"], (whole.get("beside"), whole.get("fresh")), fills, trades)
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise Misuse(
                "RESULT_READ", f"this is no result: {error}", fix="write it with Result.to_json"
            ) from error

    def save(self, folder: Path | str) -> Path:
        """Write result.json, curve.parquet, fills.parquet and trades.parquet into `folder`, which is made if need be."""
        import polars as pl

        at = Path(folder)
        at.mkdir(parents=True, exist_ok=True)
        curve: dict[str, NDArray[Any]] = {"known": self.known, "equity": self.equity, "benchmark": self.benchmark}
        if self.yardstick is not None:
            curve["yardstick"] = self.yardstick.value
            if self.yardstick.fresh is not None:
                curve["yardstick_fresh"] = self.yardstick.fresh
        pl.DataFrame(curve).write_parquet(at / "curve.parquet")
        self.fills.select(list(FILL_COLUMNS)).write_parquet(at / "fills.parquet")
        self.trades.write_parquet(at / "trades.parquet")
        (at / "result.json").write_bytes(msgspec.json.format(msgspec.json.encode(self._head()), indent=2))
        return at

    @classmethod
    def load(cls, folder: Path | str) -> Result:
        """Read what `save` wrote; Misuse("RESULT_READ") when a file is missing or damaged."""
        import polars as pl

        at = Path(folder)
        try:
            head = msgspec.json.decode((at / "result.json").read_bytes())
            curve, fills, trades = (
                pl.read_parquet(at / f"{name}.parquet") for name in ("curve", "fills", "trades")
            )
            known, equity, benchmark = (curve[name].to_numpy() for name in ("known", "equity", "benchmark"))
            beside = tuple(curve[name].to_numpy() if name in curve.columns else None for name in ("yardstick", "yardstick_fresh"))
            return cls._whole(head, known, equity, benchmark, beside, fills, trades)
        except (OSError, msgspec.DecodeError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
            raise Misuse(
                "RESULT_READ", f"no result can be read: {error}", where=str(at), fix="save it again"
            ) from error

    def _head(self) -> dict[str, Any]:
        head = {
            name: getattr(self, name)
            for name in (
                "name",
                "strategies",
                "symbols",
                "currency",
                "cash",
                "refusals",
                "settings",
                "hashes",
                "seconds",
                "bars",
                "hint",
            )
        }
        failures = [msgspec.to_builtins(failed) for failed in self.failures]
        return {"schema": SCHEMA} | head | {
            "stats": self.stats, "benchmark_stats": self.benchmark_stats, "failures": failures, "splits": self.splits,
            "flows": self.flows, "options": self.options, "yardstick": None if self.yardstick is None else self.yardstick.name,
        }  # fmt: skip

    @classmethod
    def _whole(
        cls, head: dict[str, Any], known: Any, equity: Any, benchmark: Any, beside: Any, fills: Any, trades: Any
    ) -> Result:
        if head["schema"] != SCHEMA:
            raise Misuse(
                "RESULT_SCHEMA",
                f"layout {head['schema']} is not known",
                fix="read it with the release that wrote it",
            )
        return cls(
            name=head["name"], strategies=tuple(head["strategies"]), symbols=tuple(head["symbols"]), currency=head["currency"],
            cash=head["cash"], known=np.array(known, np.int64), equity=np.array(equity, np.int64),
            benchmark=_column(benchmark), fills=fills, trades=trades,
            refusals=head["refusals"], stats=_floats(head["stats"]), benchmark_stats=_floats(head["benchmark_stats"]),
            failures=tuple(msgspec.convert(failed, Failed) for failed in head["failures"]),
            splits=tuple(Ratio(k, s, r, np.nan if p is None else p) for k, s, r, p in head["splits"]),
            flows=tuple(Flow(known, amount) for known, amount in head.get("flows", ())),  # files before flows were kept lack them
            settings=head["settings"], hashes=head["hashes"], seconds=head["seconds"], bars=head["bars"], hint=head.get("hint", ""),
            options=head.get("options"), yardstick=Yardstick.kept(head["yardstick"], *beside) if head.get("yardstick") else None,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Result {self.name} fills={self.fills.height} trades={self.trades.height} points={len(self.known)}>"


def _column(values: Any) -> NDArray[np.float64]:
    """Numbers that JSON or a frame kept; what is missing is nan."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def fill_frame(columns: dict[str, Sequence[Any]] | None = None) -> pl.DataFrame:
    """A frame of `FILL_COLUMNS`; empty without columns."""
    import polars as pl

    schema = {name: getattr(pl, kind) for name, kind in FILL_COLUMNS.items()}
    return pl.DataFrame({name: columns[name] for name in schema} if columns else None, schema=schema)


def _trade_frame(columns: dict[str, Sequence[Any]]) -> pl.DataFrame:
    import polars as pl

    from argosy.lab.trades import round_trips

    return pl.DataFrame(columns, schema=round_trips(fill_frame()).schema)


def _plain(stats: dict[str, float]) -> dict[str, float | None]:
    return {name: float(value) if np.isfinite(value) else None for name, value in stats.items()}


def _floats(stats: dict[str, Any]) -> dict[str, float]:
    return {name: float("nan") if value is None else value for name, value in stats.items()}
