"""The stop that the house gives an entry which brings none of its own: as far from the price as the owner set, and recorded.

It touches no stop of a strategy's own, however bad, and no exit. Where the owner set no distance, what has no stop stays refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core.orders import Refused
from argosy.engine.records import Guarded
from argosy.engine.rules.protection import Protected

if TYPE_CHECKING:
    from argosy.core.intents import Protection
    from argosy.engine.engine import Engine
    from argosy.engine.planner import Draft


def shelter(engine: Engine, draft: Draft, refused: Refused) -> bool:
    """Give a refused entry its stop, to be planned again with it; False where it has one of its own, or none is to be given."""
    if refused.code != "PROTECTION_REQUIRED":
        return False
    price, stop = _measure(engine, draft, float(refused.numbers.get("default_stop_pct", 0.0)))
    rung = draft.tag.removeprefix("rung:")
    names = [share.strategy for share in draft.shares]
    bare = [name for name in names if _bare(_own(engine, name, draft.instrument, rung)) or _before(engine, draft, name)]
    return _give(engine, draft, bare, price, stop)


def afresh(engine: Engine, draft: Draft) -> bool:
    """Measure the house's stop anew for an entry of those who hold nothing and have nothing out: the one before was for another price.

    Called when the gate has passed the entry; True where it is to be planned again.
    """
    if draft.tag or draft.reduce_only:
        return False
    names = [share.strategy for share in draft.shares if _before(engine, draft, share.strategy)]
    rule = next((rule for rule in engine.gate.rules if isinstance(rule, Protected) and rule.binds), None) if names else None
    if rule is None:
        return False
    price, stop = _measure(engine, draft, rule.limits.default_stop_pct)
    return _give(engine, draft, [name for name in names if engine.state.wish(name, draft.instrument).protection.stop != stop], price, stop)  # type: ignore[union-attr]


def _measure(engine: Engine, draft: Draft, pct: float) -> tuple[float, float]:
    """(price, stop) of the order that the gate was asked about last; a stop of 0.0 where there is none at that distance.

    The price it is measured from is the one that the order is likely to get: of its limit and the reference, the one nearer to the stop.
    """
    asked, side = engine.view.asked, draft.side
    price, reference = asked.price, asked.reference
    if reference == reference and (price - reference) * side > 0.0:
        price = reference
    row = engine.instruments[draft.instrument]
    stop = row.snap(price * (1.0 - side * pct / 100.0), side)
    if (price - stop) * side <= 0.0:  # a tick is more than the distance
        stop = row.snap(price * (1.0 - side * pct / 100.0), -side)
    return price, stop if pct > 0.0 and stop > 0.0 and (price - stop) * side > 0.0 else 0.0


def _give(engine: Engine, draft: Draft, names: list[str], price: float, stop: float) -> bool:
    """Record the stop for those strategies."""
    if not stop or not names:
        return False
    for name in names:
        engine.record(Guarded(name, draft.instrument, stop, price, draft.tag.removeprefix("rung:")))
    engine.dirty.add(draft.instrument)
    return True


def _own(engine: Engine, strategy: str, instrument: int, rung: str) -> Protection | None:
    wish = engine.state.wish(strategy, instrument)
    return wish.rungs[rung].protection if rung else wish.protection


def _bare(protection: Protection | None) -> bool:
    return protection is None or (protection.stop != protection.stop and protection.trail != protection.trail)


def _before(engine: Engine, draft: Draft, strategy: str) -> bool:
    """Whether a strategy's stop is the house's and guards nothing yet: nothing is held, and no order is out that could fill."""
    state, i = engine.state, draft.instrument
    if draft.tag or not state.wish(strategy, i).house or state.portfolio.books[strategy].lots[i]:
        return False
    return not any(share.strategy == strategy for one in state.blotter.open[i].values() if not one.order.tag for share in one.order.shares)


__all__ = ["afresh", "shelter"]
