"""The protections that should rest at the venue for what is held now: which are missing, moved or no longer wanted; it sends nothing."""

from __future__ import annotations

from typing import TypeGuard

from argosy.core.effects import Amend
from argosy.core.intents import Protection
from argosy.core.orders import BUY, SELL, Order, Share, Work
from argosy.engine.blotter import Ticket
from argosy.engine.drafts import NAN, Plan, guard
from argosy.engine.outcomes import PROTECTIONS
from argosy.engine.parts import parts
from argosy.engine.state import State

_WAITING = frozenset({Work.PENDING_CANCEL, Work.PENDING_REPLACE, Work.UNKNOWN, Work.SENT})
ENDING = frozenset({Work.PENDING_CANCEL, Work.UNKNOWN})
"""Where an order is on its way out, or may be: nothing is asked of it."""


def guard_one(state: State, i: int, strategy: str, guards: list[Ticket], out: Plan) -> None:
    """One holder: its stop and target rest at the venue for what it holds, at the levels it wants now."""
    held = state.portfolio.books[strategy].lots[i]
    wish = state.wishes.get((strategy, i))
    protection = wish.protection if wish is not None else None
    if wish is None and not guards:
        return
    side = SELL if held > 0 else BUY
    side_held = state.portfolio.lots[i] * (1 if held > 0 else -1)  # a hand may have sold some of it
    whole = max(0, min(abs(held), side_held) - _leaving(state, i, out))
    covered = {"stop": 0, "take": 0, "trail": 0}
    for ticket in guards:
        order = ticket.order
        own_rung = _of_rung(state, order)
        if ticket.leg:
            if protection is not None and not own_rung:
                _relevel(ticket, protection, out)
            continue
        foreign = any(share.strategy != strategy for share in order.shares)
        if ticket.work in ENDING or ticket.cancelling:
            return
        if not held or order.side != side or foreign or not (own_rung or _wanted(protection, order)):
            out.cancels.append(order.id)
            continue
        room = whole - covered[order.tag]
        if room <= 0:
            out.cancels.append(order.id)
            continue
        leaves = ticket.leaves
        if leaves > room and ticket.work is Work.WORKING:
            out.amends.append(Amend(order.id, lots=order.lots - leaves + room))
            leaves = room
        elif protection is not None and not own_rung:
            _relevel(ticket, protection, out)
        covered[order.tag] += leaves
    if protection is None or not held:
        return
    missing = {tag: whole - covered[tag] for tag in PROTECTIONS if _level(protection, tag) == _level(protection, tag)}
    missing = {tag: lots for tag, lots in missing.items() if lots > 0}
    for tag, lots in missing.items():
        draft = guard(i, side, lots, (Share(strategy, lots),), tag, protection)
        draft.paired = len(missing) > 1
        out.drafts.append(draft)


def _leaving(state: State, i: int, out: Plan) -> int:
    """Lots that exits on their way, or about to be sent, will take off the position: no stop is left for them."""
    sent = sum(
        ticket.order.lots - ticket.cum for ticket in state.blotter.open[i].values() if ticket.order.reduce_only and not ticket.order.tag
    )
    return sent + sum(draft.lots for draft in out.drafts if draft.reduce_only and not draft.tag)


def guard_net(state: State, i: int, own: list[str], guards: list[Ticket], out: Plan) -> None:
    """Several holders: the engine triggers each one's own levels, and one stop of |net| rests at the venue, at the widest.

    A trailing stop is followed by the venue alone, so each strategy's own rests there, and the common stop is for the others.
    """
    net = state.portfolio.lots[i]
    side = SELL if net > 0 else BUY
    levels = []
    for strategy in own:
        wish = state.wishes.get((strategy, i))
        lots = state.portfolio.books[strategy].lots[i]
        if wish is None or wish.protection is None or lots * net <= 0 or (wish.lots or 0) * lots < 0:
            continue  # one that turns has the level of the side it turns to: nothing of what is held now is guarded by that
        if wish.protection.stop == wish.protection.stop:
            levels.append(wish.protection.stop)
    widest = NAN if not levels else min(levels) if net > 0 else max(levels)
    held = [(strategy, abs(state.portfolio.books[strategy].lots[i])) for strategy in own if state.portfolio.books[strategy].lots[i] * net > 0]
    whole = max(0, abs(net) - _leaving(state, i, out))
    if state.instruments[i].away_ns:  # what rungs brought along keeps its part of the position
        own_legs = [one for one in guards if one.order.side == side and one.order.tag != "take" and not one.leg and _of_rung(state, one.order)]
        whole = max(0, whole - sum(one.leaves for one in own_legs))
    trailing = _trails(state, i, own, guards, whole, out)
    whole -= sum(trailing.values())
    kept = False
    for ticket in guards:
        order = ticket.order
        if order.id in trailing:
            continue
        of_rung = _of_rung(state, order)
        if (ticket.work in _WAITING or ticket.cancelling) and not (of_rung and ticket.leg):
            kept = True
            continue
        if of_rung:
            continue
        if order.parent in state.blotter.open[i] and state.instruments[i].away_ns:
            continue  # where it ends, so does its entry, of which a part is still open
        same = order.tag == "stop" and order.stop == widest and ticket.leaves == whole and order.side == side and not ticket.leg
        if same and not kept:
            kept = True
        else:
            out.cancels.append(order.id)
            kept = True
    if widest == widest and whole and not kept:
        own_parts = parts([lots for _, lots in held], whole, [strategy for strategy, _ in held])
        shares = tuple(Share(strategy, part) for (strategy, _), part in zip(held, own_parts, strict=True) if part)
        draft = guard(i, side, whole, shares, "stop", Protection(stop=widest))
        draft.common = True
        out.drafts.append(draft)


def _trails(state: State, i: int, own: list[str], guards: list[Ticket], room: int, out: Plan) -> dict[int, int]:
    """Each strategy's own trailing stop: lots by order id of those that stay; what is missing is drafted (ids below 0)."""
    net = state.portfolio.lots[i]
    trailing: dict[int, int] = {}
    for strategy in own:
        wish = state.wishes.get((strategy, i))
        lots = min(abs(state.portfolio.books[strategy].lots[i]), room - sum(trailing.values()))
        if wish is None or not _wants_trail(wish.protection) or state.portfolio.books[strategy].lots[i] * net <= 0 or lots <= 0:
            continue
        mine = [t for t in guards if t.order.tag == "trail" and [share.strategy for share in t.order.shares] == [strategy]]
        good = [t for t in mine if not t.cancelling and _wanted(wish.protection, t.order) and t.leaves == lots]
        if good:
            trailing[good[0].order.id] = lots
        elif not mine:
            trailing[-1 - len(trailing)] = lots
            out.drafts.append(guard(i, SELL if net > 0 else BUY, lots, (Share(strategy, lots),), "trail", wish.protection))
    return trailing


def _wants_trail(protection: Protection | None) -> TypeGuard[Protection]:
    return protection is not None and protection.trail == protection.trail


def _of_rung(state: State, order: Order) -> bool:
    """Whether a protection came with a ladder's rung, whose own it is: no target moves it or takes it off."""
    if not order.parent:
        return False
    parent = state.blotter.tickets.get(order.parent)
    return parent is None or parent.order.tag.startswith("rung:")


def _wanted(protection: Protection | None, order: Order) -> bool:
    """Whether a resting protection is one of those wanted, or can be moved to it; a trail is not moved but replaced."""
    level = _level(protection, order.tag)
    if protection is None or level != level:
        return False
    return order.tag != "trail" or (order.trail == level and order.trail_frac == protection.trail_frac)


def _level(protection: Protection | None, tag: str) -> float:
    return NAN if protection is None else float(getattr(protection, tag))


def _relevel(ticket: Ticket, protection: Protection, out: Plan) -> None:
    """Move a resting protection to the level wanted now."""
    order = ticket.order
    if ticket.work not in (Work.WORKING, Work.ACKED):
        return
    if order.tag == "stop" and protection.stop == protection.stop and order.stop != protection.stop:
        out.amends.append(Amend(order.id, stop=protection.stop))
    elif order.tag == "take" and protection.take == protection.take and order.limit != protection.take:
        out.amends.append(Amend(order.id, limit=protection.take))


__all__ = ["ENDING", "guard_net", "guard_one"]
