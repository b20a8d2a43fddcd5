"""The same strategy under worse conditions: costs multiplied, orders late; it changes no decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from argosy.core.errors import Misuse
from argosy.house import Data, Terms, fee_schedule
from argosy.kernels.fees import FeeSchedule
from argosy.lab.late import MOST
from argosy.lab.late import late as heard_late
from argosy.lab.search.lane import ALWAYS, Tried
from argosy.lab.search.walked import Walked

Row = dict[str, Any]


def dearer(fees: str | FeeSchedule, times: float) -> FeeSchedule:
    """A schedule with every rate, minimum and cap multiplied."""
    return FeeSchedule(*(part * times for part in fee_schedule(fees)))


def costlier(terms: Terms, times: float) -> Terms:
    """Terms with fees and slippage multiplied; Misuse("MONTE_COSTS") for less than nothing."""
    if not times >= 0.0:
        raise Misuse("MONTE_COSTS", f"costs cannot be multiplied by {times}", where="costs", fix="0 or more")
    return structs.replace(terms, fees=dearer(terms.fees, times), slippage_bps=terms.slippage_bps * times)


def delays(
    cls: type, data: Data, bars: Sequence[int], *, terms: Terms, params: Mapping[str, object], symbols: Sequence[str] = ()
) -> list[Tried]:
    """What a strategy comes to when its wishes reach the market so many bars late, through the engine.

    One that cannot be made late (`lab.late`) has no figures and says LATE; Misuse("LATE") for fewer bars than none, or
    more than `late.MOST`.
    """
    return [_late(cls, data, late, terms, params, symbols) for late in bars]


def _late(cls: type, data: Data, bars: int, terms: Terms, params: Mapping[str, object], symbols: Sequence[str]) -> Tried:
    try:
        later = heard_late(cls, bars)
    except Misuse as refused:
        if not 0 <= bars <= MOST:
            raise
        return Tried({}, refused.code)
    return Walked(later, data, terms, params, symbols, 1).tried([{}], ALWAYS)[0]
