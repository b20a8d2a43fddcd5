"""The stop that the house gives an entry which brings none of its own: as far from the price as the owner set, and recorded.

It touches no stop of a strategy's own, however bad, and no exit. Where the owner set no distance, what has no stop stays refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core.orders import Refused
from argosy.engine.records import Guarded

if TYPE_CHECKING:
    from argosy.core.intents import Protection
    from argosy.engine.engine import Engine
    from argosy.engine.planner import Draft


def shelter(engine: Engine, draft: Draft, refused: Refused) -> bool:
    """Give a refused entry its stop, to be planned again with it; False where it has one of its own, or none is to be given.

    The price it is measured from is the one that the order is likely to get: of its limit and the reference, the one nearer to the stop.
    """
    if refused.code != "PROTECTION_REQUIRED":
        return False
    pct, asked, side = float(refused.numbers.get("default_stop_pct", 0.0)), engine.view.asked, draft.side
    price, reference = asked.price, asked.reference
    if reference == reference and (price - reference) * side > 0.0:
        price = reference
    row = engine.instruments[draft.instrument]
    stop = row.snap(price * (1.0 - side * pct / 100.0), side)
    if (price - stop) * side <= 0.0:  # a tick is more than the distance
        stop = row.snap(price * (1.0 - side * pct / 100.0), -side)
    if pct <= 0.0 or not stop > 0.0 or (price - stop) * side <= 0.0:
        return False
    rung = draft.tag.removeprefix("rung:")
    bare = [share.strategy for share in draft.shares if _bare(_own(engine, share.strategy, draft.instrument, rung))]
    for strategy in bare:
        engine.record(Guarded(strategy, draft.instrument, stop, price, rung))
    if bare:
        engine.dirty.add(draft.instrument)
    return bool(bare)


def _own(engine: Engine, strategy: str, instrument: int, rung: str) -> Protection | None:
    wish = engine.state.wish(strategy, instrument)
    return wish.rungs[rung].protection if rung else wish.protection


def _bare(protection: Protection | None) -> bool:
    return protection is None or (protection.stop != protection.stop and protection.trail != protection.trail)


__all__ = ["shelter"]
