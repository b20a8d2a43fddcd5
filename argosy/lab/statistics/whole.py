"""Everything that can be said of a run in numbers, each defined and sourced, in one struct; it never says whether that is good."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.lab.result import Result
from argosy.lab.statistics.catalogue import FIGURES
from argosy.lab.statistics.curve import Curve, of_sample
from argosy.lab.statistics.deals import Deals, of_trades
from argosy.lab.statistics.sample import Sample, sample
from argosy.lab.statistics.versus import Versus, first, of_pair, pair, together

if TYPE_CHECKING:
    import polars as pl

GROUPS = ("curve", "benchmark", "versus", "deals")
"""Groups of every run; with a yardstick there are "yardstick", its curve, and "against", the run beside it."""
DEFINED = {"benchmark": "curve", "yardstick": "curve", "against": "versus"}
"""Groups whose figures are defined under another name."""


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a run.

    curve, benchmark: of its equity and of what it is compared with; versus: of one beside the other; deals: trades and costs
    held:             what the benchmark is; steps: "days" or "rows"; ppy: steps in a year; count: returns
    tail:             the level of VaR and of the tails; start, end: ns, of the rows that count
    measure, yardstick, against: name, figures, and the run beside it, of the result's yardstick (SPY); "" and None without one
    reasons:          "curve.sharpe" -> why it has no finite value; every figure that has none is in it, and no other
    """

    name: str
    currency: str
    held: str
    steps: str
    ppy: float
    count: int
    tail: float
    start: int | None
    end: int | None
    curve: Curve
    benchmark: Curve
    versus: Versus
    deals: Deals
    reasons: dict[str, str]
    measure: str = ""
    yardstick: Curve | None = None
    against: Versus | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups of figures that this run has."""
        return (*GROUPS, "yardstick", "against") if self.yardstick is not None else GROUPS

    def flat(self) -> dict[str, float]:
        """Every figure by its full name, like "curve.sharpe"."""
        return {f"{group}.{name}": value for group in self.groups for name, value in msgspec.structs.asdict(getattr(self, group)).items()}

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON; what is not finite is null and has its reason."""
        whole = msgspec.structs.asdict(self)
        for group in self.groups:
            figures = msgspec.structs.asdict(whole[group])
            whole[group] = {name: value if isfinite(value) else None for name, value in figures.items()}
        whole["ppy"] = self.ppy if isfinite(self.ppy) else None
        return whole

    def to_json(self) -> bytes:
        """One JSON document."""
        return msgspec.json.encode(self.plain())

    def frame(self) -> pl.DataFrame:
        """One row a figure: group, figure, value (null when undefined, inf where it is), unit, reason, definition, source."""
        import polars as pl

        rows = []
        for full, value in self.flat().items():
            group, name = full.split(".")
            about = FIGURES[DEFINED.get(group, group)][name]
            shown = None if value != value else value
            rows.append((group, name, shown, about.unit, self.reasons.get(full, ""), about.meaning, about.source))
        names = ("group", "figure", "value", "unit", "reason", "definition", "source")
        return pl.DataFrame(rows, schema={name: pl.Float64 if name == "value" else pl.String for name in names}, orient="row")


def statistics(
    result: Result, *, benchmark: NDArray[np.float64] | None = None, held: str = "", trades: pl.DataFrame | None = None,
    steps: str = "days", tail: float = 0.05,
) -> Statistics:  # fmt: skip
    """All figures of a run; nan, with a reason, where one has no sense. It raises only for what is asked wrongly.

    benchmark: (T,) at the run's times (`aligned` brings another series to them, SPY's closes for instance); what the result
    holds if left out: the same cash in equal parts in the same instruments, bought once and held. held: its name
    trades: the result's own, or the same with the columns of `excursions`, which give MAE and MFE
    steps: "days" or "rows", see `sample`; tail: 0.05 is the worst twentieth
    Misuse: STATISTICS_STEPS, STATISTICS_SHAPE, STATISTICS_TAIL.
    """
    from argosy.core.errors import Misuse

    if not 0.0 < tail < 0.5:
        raise Misuse("STATISTICS_TAIL", f"a tail of {tail} is none", fix="a fraction under a half, like 0.05")
    other = result.benchmark if benchmark is None else np.asarray(benchmark, np.float64)
    value = result.value
    own = sample(result.known, value, result.flow if result.flows else None, steps=steps)
    if len(other) != len(result.known):
        raise Misuse(
            "STATISTICS_SHAPE", f"the benchmark has {len(other)} rows, the run {len(result.known)}", fix="bring it to the run's times with `aligned`"
        )
    curve, whys = of_sample(own, tail)
    bench, bench_whys, versus, versus_whys = _beside(own, result, other, steps, tail)
    deals, deal_whys = of_trades(result, result.trades if trades is None else trades, value)
    told = {"curve": whys, "benchmark": bench_whys, "versus": versus_whys, "deals": deal_whys}
    index: Curve | None = None
    against: Versus | None = None
    if result.yardstick is not None:
        index, told["yardstick"], against, told["against"] = _beside(
            own, result, result.yardstick.value, steps, tail, result.yardstick.fresh
        )
    return Statistics(
        name=result.name, currency=result.currency, held=held or ("held" if benchmark is not None else "buy and hold of the same instruments"),
        steps=steps, ppy=own.ppy, count=len(own.returns), tail=tail, start=int(own.known[0]) if len(own.known) else None,
        end=int(own.known[-1]) if len(own.known) else None, curve=curve, benchmark=bench, versus=versus, deals=deals,
        reasons={f"{group}.{name}": reason for group, whys in told.items() for name, reason in whys.items()},
        measure=result.yardstick.name if result.yardstick is not None else "", yardstick=index, against=against,
    )  # fmt: skip


def _beside(
    own: Sample, result: Result, other: NDArray[np.float64], steps: str, tail: float, fresh: NDArray[np.bool_] | None = None
) -> tuple[Curve, dict[str, str], Versus, dict[str, str]]:
    """The figures of another curve at the run's times and of the run beside it, each with the reasons of what is not finite."""
    start = first(other)
    beside = sample(result.known[start:], other[start:], steps=steps, ppy=own.ppy)
    if steps == "rows" and len(beside.known) <= len(own.known):
        both = together(own, beside)
    else:
        late = len(other) - len(own.known)
        both = pair(own.known, own.value, other[late:], steps=steps, ppy=own.ppy, fresh=None if fresh is None else fresh[late:])
    return *of_sample(beside, tail), *of_pair(both)
