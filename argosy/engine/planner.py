"""Turns wishes into child orders: what to cancel, amend and draft now so that the venue comes to hold what is wanted.

It is called again whenever something changed (a wish, a fill, an answer), so a saga such as cancel -> confirm -> replace is
no program of its own: each call does what is possible now and waits for the rest. It never sends and never remembers.
"""

from __future__ import annotations

from typing import TypeGuard

import msgspec

from argosy.core.effects import Amend
from argosy.core.intents import Protection, Rung
from argosy.core.orders import BUY, SELL, Order, Share, Tif, Type, Work
from argosy.core.time import NEVER
from argosy.engine.allocator import Lack, crosses, holders, lacking, wished, working
from argosy.engine.blotter import Ticket
from argosy.engine.journal import Cross
from argosy.engine.outcomes import PROTECTIONS
from argosy.engine.parts import parts
from argosy.engine.state import State

NAN = float("nan")
_WAITING = frozenset({Work.PENDING_CANCEL, Work.PENDING_REPLACE, Work.UNKNOWN, Work.SENT})
_ENDING = frozenset({Work.PENDING_CANCEL, Work.UNKNOWN})


class Draft(msgspec.Struct, gc=False):
    """An order without its id, before the gate.

    protection: legs to attach; paired: one-cancels-other with the next draft; common: the one stop of several holders
    """

    instrument: int
    side: int
    lots: int
    shares: tuple[Share, ...]
    type: Type = Type.MARKET
    limit: float = NAN
    stop: float = NAN
    trail: float = NAN
    trail_frac: bool = False
    tif: Tif = Tif.DAY
    reduce_only: bool = False
    post_only: bool = False
    tag: str = ""
    paired: bool = False
    common: bool = False
    expire: int = NEVER
    protection: Protection | None = None
    why: str = ""


class Plan:
    """What one call asks for, in the order it is recorded: crosses, cancels, amends, drafts.

    exits, way: exits that can be sent only when the stops and targets `way` have gone; nothing makes way for a refused exit
    """

    __slots__ = ("amends", "cancels", "crosses", "drafts", "exits", "way")

    def __init__(self) -> None:
        self.crosses: list[Cross] = []
        self.cancels: list[int] = []
        self.amends: list[Amend] = []
        self.drafts: list[Draft] = []
        self.exits: list[Draft] = []
        self.way: list[int] = []


def plan(state: State, i: int, strategies: list[str]) -> Plan:
    """What can be done now for instrument i, on which `strategies` (ascending ids) are bound."""
    open_ = state.blotter.open[i]
    if len(strategies) == 1 and not open_:
        quick = _plain(state, i, strategies[0])
        if quick is not None:
            return quick
    out = Plan()
    if i in state.delisted:
        return out
    children: list[Ticket] = []
    guards: list[Ticket] = []
    rungs: list[Ticket] = []
    for ticket in open_.values():
        tag = ticket.order.tag
        if not tag:
            children.append(ticket)
        elif tag in PROTECTIONS:
            guards.append(ticket)
        else:
            rungs.append(ticket)
    clear = _ladders(state, i, strategies, rungs, _exits(state, i, strategies), out)
    own = strategies if len(strategies) == 1 else holders(state, i)
    alone = len(own) <= 1
    settled = _stale(state, i, children, out)
    if settled:
        lacks = lacking(state, i, strategies)
        if len(lacks) > 1:
            out.crosses = crosses(state, i, lacks)
        lacks = [lack for lack in lacks if lack.lots]
        if lacks and not (clear and _trade(state, i, lacks, guards, alone, out)):
            return out
    if children and not settled:
        return out
    if state.unguarded:
        out.cancels += [guard.order.id for guard in guards if not guard.leg and not guard.cancelling and guard.work not in _ENDING]
    elif alone:
        _guard_one(state, i, own[0] if own else "", guards, out)
    else:
        _guard_net(state, i, own, guards, out)
    return out


def content(state: State, i: int, bound: list[str]) -> bool:
    """Whether one plain strategy holds just what it wants of an instrument, so that nothing is left to plan."""
    if len(bound) != 1:
        return False
    wish = state.wishes.get((bound[0], i))
    return (
        wish is not None and wish.protection is None and not wish.rungs
        and wish.lots == state.portfolio.books[bound[0]].lots[i] == state.portfolio.lots[i]
    )  # fmt: skip


NOTHING = Plan()
"""The plan that asks for nothing; never written to."""


def _plain(state: State, i: int, strategy: str) -> Plan | None:
    """The common case in a few steps: one strategy, no open order, no ladder, no protection; None when it is not that."""
    wish = state.wishes.get((strategy, i))
    if wish is None:
        return NOTHING
    if wish.rungs or wish.protection is not None or wish.course is not None or i in state.delisted:
        return None
    held = state.portfolio.books[strategy].lots[i]
    lots = held if wish.lots is None else wish.lots
    if lots == held:
        return NOTHING
    if wish.tif is Tif.GTD:
        return None
    account = state.portfolio.lots[i]
    side = BUY if lots > held else SELL
    total = abs(lots - held)
    if account * side < 0 and total > abs(account):
        return None
    market = wish.limit != wish.limit
    out = Plan()
    out.drafts.append(
        Draft(
            i, side, total, (Share(strategy, total),), Type.MARKET if market else Type.LIMIT, wish.limit,
            tif=wish.tif, reduce_only=account * side < 0, why=wish.intent.why if wish.intent is not None else "",
        )  # fmt: skip
    )
    return out


def _exits(state: State, i: int, strategies: list[str]) -> list[tuple[int, float]]:
    """(side, worst price) of what is wanted that makes the account's position smaller; at market, the mark."""
    account, mark = state.portfolio.lots[i], state.portfolio.marks[i]
    found = []
    for strategy in strategies if account else ():
        lots = wished(state, strategy, i) - state.portfolio.books[strategy].lots[i]
        if lots * account < 0:
            limit = state.wishes[strategy, i].limit
            found.append((BUY if lots > 0 else SELL, limit if limit == limit else mark))
    return found


def _meets(side: int, px: float, exits: list[tuple[int, float]]) -> bool:
    """Whether an own rung stands where one of the exits would trade with it."""
    return any(side != other and (px - reach) * side >= 0.0 for other, reach in exits)


def _stale(state: State, i: int, children: list[Ticket], out: Plan) -> bool:
    """Cancel working children that are no longer wanted; True when nothing is on its way out."""
    settled = True
    busy = working(state, i) if children else {}
    for ticket in children:
        if ticket.work in _ENDING or ticket.cancelling:
            settled = False
            continue
        order = ticket.order
        for share in order.shares:
            wish = state.wishes.get((share.strategy, i))
            lack = wished(state, share.strategy, i) - state.portfolio.books[share.strategy].lots[i]
            own = busy.get(share.strategy, 0)
            limit = wish.limit if wish is not None else NAN
            same = limit == order.limit or (limit != limit and order.limit != order.limit)
            if not same or lack * order.side <= 0 or own * order.side > lack * order.side:
                out.cancels.append(order.id)
                settled = False
                break
    return settled


def _trade(state: State, i: int, lacks: list[Lack], guards: list[Ticket], alone: bool, out: Plan) -> bool:
    """Draft what is lacking, one order a price and time in force; False when guards must go first."""
    kinds: dict[tuple[int, float | None, int], list[Lack]] = {}
    for lack in lacks:
        limit = None if lack.limit != lack.limit else lack.limit
        kinds.setdefault((BUY if lack.lots > 0 else SELL, limit, lack.tif), []).append(lack)
    held = state.portfolio.lots[i] + sum(working(state, i).values())
    drafts: list[Draft] = []
    for (side, limit, tif), group in kinds.items():
        total = sum(abs(lack.lots) for lack in group)
        closing = min(total, abs(held)) if held * side < 0 else 0
        out_of = parts([abs(lack.lots) for lack in group], closing, [lack.strategy for lack in group])
        for lots, of, closes in (
            (closing, out_of, True),
            (total - closing, [abs(lack.lots) - part for lack, part in zip(group, out_of, strict=True)], False),
        ):
            if not lots:
                continue
            shares = tuple(Share(lack.strategy, part) for lack, part in zip(group, of, strict=True) if part)
            wish = state.wishes[shares[0].strategy, i]
            drafts.append(
                Draft(
                    i, side, lots, shares,
                    type=Type.MARKET if limit is None else Type.LIMIT,
                    limit=NAN if limit is None else limit,
                    tif=Tif(tif),
                    expire=wish.until if tif == Tif.GTD else NEVER,
                    reduce_only=closes,
                    protection=wish.protection if alone and not closes else None,
                    why=getattr(wish.intent, "why", ""),
                )  # fmt: skip
            )
        held += side * total
    out.exits = [draft for draft in drafts if draft.reduce_only]
    sides = {draft.side for draft in out.exits}
    waiting = [guard for guard in guards if guard.order.side in sides and not guard.leg]
    if waiting:
        out.way = [guard.order.id for guard in waiting if not guard.cancelling and guard.work not in _ENDING]
        return False
    out.drafts.extend(drafts)
    return True


# -- ladders -----------------------------------------------------------------------------------------------------------


def _ladders(
    state: State, i: int, strategies: list[str], rungs: list[Ticket], exits: list[tuple[int, float]], out: Plan
) -> bool:
    """Diff each strategy's wanted rungs with its working ones by tag; unchanged ones keep their queue place.

    A rung that would meet an own order on its way out waits for the venue's word on that one; one that an exit would meet
    makes way for it. False while one of those has not gone yet.
    """
    clear = True
    working_by: dict[tuple[str, str], Ticket] = {(t.order.shares[0].strategy, t.order.tag): t for t in rungs}
    missing: list[tuple[str, str, Rung, str]] = []
    for strategy in strategies:
        wish = state.wishes.get((strategy, i))
        if wish is None:
            continue
        for name, rung in wish.rungs.items():
            ticket = working_by.pop((strategy, f"rung:{name}"), None)
            if ticket is not None:
                meets = _meets(rung.side, ticket.order.limit, exits)
                clear = clear and not meets
                if (meets or not _unchanged(rung, ticket)) and not ticket.cancelling and ticket.work not in _ENDING:
                    out.cancels.append(ticket.order.id)
            elif name not in wish.spent and not _meets(rung.side, rung.px, exits):
                missing.append((strategy, name, rung, getattr(wish.intent, "why", "")))
    for ticket in working_by.values():
        if not ticket.cancelling and ticket.work not in _ENDING:
            out.cancels.append(ticket.order.id)
    leaving = [t.order for t in state.blotter.open[i].values() if t.cancelling or t.order.id in out.cancels]
    for strategy, name, rung, why in missing:
        if any(order.side != rung.side and (rung.px - order.limit) * rung.side >= 0.0 for order in leaving):
            continue
        out.drafts.append(
            Draft(
                i, rung.side, rung.lots, (Share(strategy, rung.lots),), type=Type.LIMIT, limit=rung.px, tif=rung.tif,
                post_only=rung.post_only, tag=f"rung:{name}", protection=rung.protection, why=why,
            )  # fmt: skip
        )
    return clear


def _unchanged(rung: Rung, ticket: Ticket) -> bool:
    order = ticket.order
    return (
        order.side == rung.side and order.limit == rung.px and order.lots == rung.lots
        and order.tif == rung.tif and order.post_only == rung.post_only
    )  # fmt: skip


# -- protections -------------------------------------------------------------------------------------------------------


def _guard_one(state: State, i: int, strategy: str, guards: list[Ticket], out: Plan) -> None:
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
        if ticket.work in _ENDING or ticket.cancelling:
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


def _guard_net(state: State, i: int, own: list[str], guards: list[Ticket], out: Plan) -> None:
    """Several holders: the engine triggers each one's own levels, and one stop of |net| rests at the venue, at the widest.

    A trailing stop is followed by the venue alone, so each strategy's own rests there, and the common stop is for the others.
    """
    net = state.portfolio.lots[i]
    side = SELL if net > 0 else BUY
    levels = []
    for strategy in own:
        wish = state.wishes.get((strategy, i))
        lots = state.portfolio.books[strategy].lots[i]
        if wish is not None and wish.protection is not None and lots * net > 0 and wish.protection.stop == wish.protection.stop:
            levels.append(wish.protection.stop)
    widest = NAN if not levels else min(levels) if net > 0 else max(levels)
    held = [(strategy, abs(state.portfolio.books[strategy].lots[i])) for strategy in own if state.portfolio.books[strategy].lots[i] * net > 0]
    whole = max(0, abs(net) - _leaving(state, i, out))
    trailing = _trails(state, i, own, guards, whole, out)
    whole -= sum(trailing.values())
    kept = False
    for ticket in guards:
        order = ticket.order
        if order.id in trailing:
            continue
        if ticket.work in _WAITING or ticket.cancelling:
            kept = True
            continue
        if _of_rung(state, order):
            continue
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


def guard(i: int, side: int, lots: int, shares: tuple[Share, ...], tag: str, protection: Protection) -> Draft:
    """The draft of one protective order."""
    draft = Draft(i, side, lots, shares, tif=Tif.GTC, reduce_only=True, tag=tag, why=f"protection: {tag}")
    if tag == "stop":
        draft.type, draft.stop = Type.STOP, protection.stop
    elif tag == "take":
        draft.type, draft.limit = Type.LIMIT, protection.take
    else:
        draft.type, draft.trail, draft.trail_frac = Type.TRAILING, protection.trail, protection.trail_frac
    return draft


def order_of(draft: Draft, number: int, pair: int) -> tuple[Order, tuple[Order, ...]]:
    """The order and legs of a draft. number: four times the journal sequence; legs take the next numbers."""
    order = Order(
        number, draft.instrument, draft.side, draft.lots, draft.type, draft.limit, draft.stop, draft.trail, draft.trail_frac,
        draft.tif, draft.expire, draft.reduce_only, draft.post_only, draft.shares, draft.tag, 0, pair, draft.why,
    )  # fmt: skip
    protection = draft.protection
    if protection is None:
        return order, ()
    legs: list[Order] = []
    for tag in ("stop", "take", "trail"):
        level = getattr(protection, tag)
        if level == level:
            leg = guard(draft.instrument, -draft.side, draft.lots, draft.shares, tag, protection)
            legs.append(
                Order(
                    number + 1 + len(legs), leg.instrument, leg.side, leg.lots, type=leg.type, limit=leg.limit, stop=leg.stop,
                    trail=leg.trail, trail_frac=leg.trail_frac, tif=leg.tif, reduce_only=True, shares=leg.shares, tag=tag,
                    parent=number, group=number, why=leg.why,
                )  # fmt: skip
            )
    return order, tuple(legs)


__all__ = ["Draft", "Plan", "content", "guard", "order_of", "plan"]
