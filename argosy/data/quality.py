"""How good a tape is: gaps, duplicates, impossible prices, lone spikes, splits nobody told of; it mends nothing.

It looks at the rows alone; weekends and nightly closes are recognised by their regularity and counted apart from gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Bar, Quote, Trade
from argosy.core.instrument import Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY, iso, span_text
from argosy.data.actions import nearest_ratio

SIGMAS = 10.0
"""A return beyond this many robust sigmas that comes back at once is an outlier."""

SHOWN = 20
"""How many places of each kind are kept in a report; the counts are always complete."""


class Gap(msgspec.Struct, frozen=True):
    """A hole between two rows that follow each other. missing: rows that the usual step would have had in it."""

    start: int
    end: int
    missing: int


class Jump(msgspec.Struct, frozen=True):
    """A price that moved like a split (`ratio` new for one old), or a spike (`ratio` 0); move: price after / before."""

    ts: int
    move: float
    ratio: float


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The quality of one instrument's rows; times are ns UTC, counts are rows.

    step: usual distance of rows, ns (0: none); gaps: holes beyond it; breaks: regular closes (nights, weekends);
    duplicates: rows with the time of the row before (bars only); one_sided, locked, crossed: quotes;
    unknown_volume: bars whose volume is nan; outliers: spikes that came back; splits: moves like an unadjusted split
    """

    symbol: str
    kind: str
    rows: int
    first: int = 0
    last: int = 0
    step: int = 0
    gaps: int = 0
    missing: int = 0
    breaks: int = 0
    duplicates: int = 0
    nan: int = 0
    non_positive: int = 0
    bad_range: int = 0
    zero_volume: int = 0
    unknown_volume: int = 0
    flat: int = 0
    one_sided: int = 0
    locked: int = 0
    crossed: int = 0
    outliers: int = 0
    splits: int = 0
    gap_list: list[Gap] = []
    outlier_list: list[Jump] = []
    split_list: list[Jump] = []

    @property
    def clean(self) -> bool:
        """True when no row is impossible: what is left may still have gaps, spikes and splits."""
        return not (self.duplicates or self.nan or self.non_positive or self.bad_range)


_COUNTS = (
    "rows", "gaps", "missing", "breaks", "duplicates", "nan", "non_positive", "bad_range", "zero_volume", "unknown_volume",
    "flat", "one_sided", "locked", "crossed", "outliers", "splits",
)  # fmt: skip


class Quality(msgspec.Struct, frozen=True):
    """The quality of a tape, an entry an instrument; `str` of it is a table, `json` the same for machines."""

    entries: list[Health]

    @property
    def clean(self) -> bool:
        return all(entry.clean for entry in self.entries)

    def json(self) -> str:
        """One JSON document with every count and the places that are listed."""
        return msgspec.json.encode(self).decode()

    def __str__(self) -> str:
        lines: list[str] = []
        for entry in self.entries:
            step = span_text(entry.step) if entry.step else "-"
            head = f"{entry.symbol}  {entry.kind}  {entry.rows:,} rows"
            lines.append(f"{head}  {iso(entry.first)} .. {iso(entry.last)}  step {step}" if entry.rows else head)
            found = [(name, getattr(entry, name)) for name in _COUNTS[1:] if getattr(entry, name)]
            lines += [f"  {name.replace('_', ' '):<16}{count:>12,}" for name, count in found] or ["  nothing to report"]
            for gap in entry.gap_list[:3]:
                lines.append(f"  gap {iso(gap.start)} .. {iso(gap.end)}  {gap.missing:,} missing")
            for jump in entry.split_list[:3]:
                lines.append(f"  like a split of {jump.ratio:g} at {iso(jump.ts)}  price x {jump.move:.4f}")
            for jump in entry.outlier_list[:3]:
                lines.append(f"  spike at {iso(jump.ts)}  price x {jump.move:.4f}")
        return "\n".join(lines)


def inspect(tape: Tape, names: Instruments | Sequence[str] = ()) -> Quality:
    """Look at every instrument of a tape. names: Instruments, or symbols by id; else ids are written "#0"."""
    symbols = names.symbols if isinstance(names, Instruments) else tuple(names)
    entries = []
    for identity in tape.instruments:
        symbol = symbols[identity] if identity < len(symbols) else f"#{identity}"
        own = tape if len(tape.instruments) == 1 else tape.only(identity)
        entries.append(_health(own, symbol))
    return Quality(entries)


def gaps_of(ts: NDArray[np.int64], step: int = 0) -> tuple[list[Gap], int]:
    """Holes in ascending times and the number of regular breaks. step: usual distance in ns, 0 = the most frequent.

    A distance beyond 1.5 steps is a hole unless it is a regular break: over a weekend when no row lies on one, at most
    4.5 days; or a nightly close, when the days of the tape are mostly parted by one.
    """
    diffs = np.diff(ts)
    step = step or modal_step(ts)
    if not len(diffs) or not step:
        return [], 0
    wide = np.flatnonzero(diffs > 1.5 * step)
    if not len(wide):
        return [], 0
    start, end = ts[wide], ts[wide + 1]
    weekday = (ts // DAY + 3) % 7  # 0 = Monday
    weekends = bool(np.mean(weekday == 5) < 0.02)  # Saturdays are closed
    saturday = ((start // DAY + 3) // 7 * 7 + 5 - 3) * DAY  # the Saturday of the week in which the hole starts
    skips_saturday = (saturday > start - DAY) & (saturday < end)
    usual = np.zeros(len(wide), dtype=bool)
    if weekends:
        usual |= skips_saturday & (diffs[wide] <= int(4.5 * DAY))
    if step < DAY:
        days = len(np.unique(ts // DAY))
        over_night = (diffs[wide] >= max(4 * step, DAY // 24)) & (start // DAY != end // DAY)
        nightly = over_night & (diffs[wide] < DAY)
        if int(nightly.sum()) >= 0.5 * max(days - 1, 1):
            usual |= nightly
            if weekends:  # a holiday in between
                usual |= over_night & (diffs[wide] <= int(1.9 * DAY))
    holes = wide[~usual]
    found = [Gap(int(ts[i]), int(ts[i + 1]), round(int(diffs[i]) / step) - 1) for i in holes.tolist()]
    return found, int(usual.sum())


def modal_step(ts: NDArray[np.int64]) -> int:
    """The usual distance of ascending times, ns; 0 when there are not two different ones.

    The most frequent distance; or a smaller one that divides it and makes up a twentieth of all (sparse minutes).
    """
    diffs = np.diff(ts)
    diffs = diffs[diffs > 0]
    if not len(diffs):
        return 0
    values, counts = np.unique(diffs, return_counts=True)
    mode = int(values[np.argmax(counts)])
    smaller = values[(values < mode) & (mode % values == 0) & (counts >= max(2.0, 0.05 * len(diffs)))]
    return int(smaller[0]) if len(smaller) else mode


def _health(tape: Tape, symbol: str) -> Health:
    ts = tape["ts"]
    base = {"symbol": symbol, "kind": tape.kind.__name__.lower(), "rows": len(tape), "first": int(ts.min()), "last": int(ts.max())}
    if tape.kind is Bar:
        return msgspec.convert(base | _bars(tape), Health)
    if tape.kind is Quote:
        return msgspec.convert(base | _quotes(tape), Health)
    if tape.kind is Trade:
        price = tape["price"]
        return msgspec.convert(base | _prices([price]) | _spikes(ts, price, price), Health)
    return msgspec.convert(base | {"nan": int(np.isnan(tape["price"]).sum())}, Health)


def _bars(tape: Tape) -> dict[str, object]:
    ts = np.sort(tape["ts"])
    opens, highs, lows, closes = (tape[name] for name in ("open", "high", "low", "close"))
    volume = tape["volume"]
    step = modal_step(ts)
    gaps, breaks = gaps_of(ts, step)
    gaps.sort(key=lambda gap: (-gap.missing, gap.start))
    with np.errstate(invalid="ignore"):
        bad = (highs < lows) | (opens > highs) | (opens < lows) | (closes > highs) | (closes < lows)
        flat = (opens == highs) & (highs == lows) & (lows == closes)
    found = {
        "step": step,
        "gaps": len(gaps),
        "missing": sum(gap.missing for gap in gaps),
        "breaks": breaks,
        "gap_list": _plain(gaps),
        "duplicates": int(np.sum(np.diff(ts) == 0)),
        "bad_range": int(bad.sum()),
        "flat": int(flat.sum()),
        "zero_volume": int((volume == 0).sum()),
        "unknown_volume": int(np.isnan(volume).sum()),
    }
    return found | _prices([opens, highs, lows, closes]) | _spikes(tape["ts"], opens, closes)


def _quotes(tape: Tape) -> dict[str, object]:
    bid, ask = tape["bid"], tape["ask"]
    none = np.isnan(bid) & np.isnan(ask)
    found = {
        "one_sided": int((np.isnan(bid) ^ np.isnan(ask)).sum()),
        "locked": int((bid == ask).sum()),
        "crossed": int((bid > ask).sum()),
        "nan": int(none.sum()),
        "non_positive": int(((bid <= 0) | (ask <= 0)).sum()),
    }
    mid = np.where(np.isnan(bid) | np.isnan(ask), np.nan, (bid + ask) / 2)
    return found | _spikes(tape["ts"], mid, mid)


def _prices(columns: Sequence[NDArray[np.float64]]) -> dict[str, object]:
    nan = np.any([~np.isfinite(column) for column in columns], axis=0)
    with np.errstate(invalid="ignore"):
        low = np.any([column <= 0 for column in columns], axis=0)
    return {"nan": int(nan.sum()), "non_positive": int(low.sum())}


def _spikes(ts: NDArray[np.int64], opens: NDArray[np.float64], closes: NDArray[np.float64]) -> dict[str, object]:
    """Lone spikes of the close, and moves from a close to the next open that look like a split and stay."""
    good = np.flatnonzero(np.isfinite(closes) & (closes > 0) & np.isfinite(opens) & (opens > 0))
    if len(good) < 4:
        return {}
    ts, log_open, log_close = ts[good], np.log(opens[good]), np.log(closes[good])
    moves = np.diff(log_close)
    moving = moves[moves != 0]
    if len(moving) < 3:
        return {}
    sigma = 1.4826 * float(np.median(np.abs(moving - np.median(moving))))
    if sigma == 0:
        return {}
    there, back = moves[:-1], moves[1:]
    spike = (np.abs(there) > SIGMAS * sigma) & (np.abs(there + back) < 0.25 * np.abs(there))
    # the way back of one spike is not another
    starts = [i for i in np.flatnonzero(spike).tolist() if not (i and spike[i - 1] and there[i] * there[i - 1] < 0)]
    outliers = [Jump(int(ts[i + 1]), float(np.exp(there[i])), 0.0) for i in starts]
    spiked = {int(i) + k for i in starts for k in (0, 1)}
    gaps = log_open[1:] - log_close[:-1]
    splits: list[Jump] = []
    for i in np.flatnonzero(np.abs(gaps) > max(SIGMAS * sigma, 0.3)).tolist():
        ratio = nearest_ratio(float(np.exp(-gaps[i])), max(0.03, min(4 * sigma, 0.06)))
        if ratio != 1.0 and i not in spiked and (ratio >= 1.5 or ratio <= 0.5):
            splits.append(Jump(int(ts[i + 1]), float(np.exp(gaps[i])), ratio))
    return {
        "outliers": len(outliers),
        "splits": len(splits),
        "outlier_list": _plain(outliers),
        "split_list": _plain(splits),
    }


def _plain(items: Iterable[Gap | Jump]) -> list[object]:
    return [msgspec.to_builtins(item) for item in list(items)[:SHOWN]]
