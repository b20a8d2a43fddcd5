"""Turns wishes into child orders: what to cancel, amend and draft now so that the venue comes to hold what is wanted.

It is called again whenever something changed (a wish, a fill, an answer), so a saga such as cancel -> confirm -> replace is
no program of its own: each call does what is possible now and waits for the rest. It never sends and never remembers.
"""

from __future__ import annotations

from argosy.core.intents import Rung
from argosy.core.orders import BUY, SELL, Share, Tif, Type
from argosy.core.time import NEVER
from argosy.engine.allocator import Lack, crosses, holders, lacking, wished, working
from argosy.engine.blotter import Ticket
from argosy.engine.drafts import NAN, Draft, Plan, guard, order_of
from argosy.engine.guards import ENDING, guard_net, guard_one
from argosy.engine.outcomes import PROTECTIONS
from argosy.engine.parts import parts
from argosy.engine.saga import HELD, apart, keeping, turn
from argosy.engine.state import State


def plan(state: State, i: int, strategies: list[str]) -> Plan:
    """What can be done now for instrument i, on which `strategies` (ascending ids) are bound."""
    open_ = state.blotter.open[i]
    if len(strategies) == 1 and not open_:
        quick = _plain(state, i, strategies[0])
        if quick is not None:
            return quick
    out = Plan()
    if i not in state.delisted:
        _whole(state, i, strategies, out)
        if out.drafts and state.instruments[i].away_ns:
            apart(state, i, out)
    return out


def _whole(state: State, i: int, strategies: list[str], out: Plan) -> None:
    """All that is wanted of an instrument, as if its venue took orders of both sides beside each other."""
    children: list[Ticket] = []
    guards: list[Ticket] = []
    rungs: list[Ticket] = []
    for ticket in state.blotter.open[i].values():
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
        if state.patience.waits:  # an entry that came too soon holds nobody else up
            lacks = [lack for lack in lacks if not _too_soon(state, i, lack)]
        if len(lacks) > 1:
            out.crosses = crosses(state, i, lacks)
        lacks = [lack for lack in lacks if lack.lots]
        if lacks and not (clear and _trade(state, i, lacks, guards, alone, out)):
            return
    if (children and not settled) or (out.crosses and state.instruments[i].away_ns):
        return  # what is to be protected is known when it has been booked
    if state.unguarded:
        out.cancels += [guard.order.id for guard in guards if not guard.leg and not guard.cancelling and guard.work not in ENDING]
    elif alone:
        guard_one(state, i, own[0] if own else "", guards, out)
    else:
        guard_net(state, i, own, guards, out)


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
    if wish.rungs or wish.protection is not None or wish.course is not None or i in state.delisted or state.patience.waits:
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


def _too_soon(state: State, i: int, lack: Lack) -> bool:
    enters = state.portfolio.books[lack.strategy].lots[i] * lack.lots >= 0
    return enters and state.patience.too_soon(i, lack.strategy, state.now)


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
        if ticket.work in ENDING or ticket.cancelling:
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
    held, netted = state.portfolio.lots[i], not state.instruments[i].away_ns
    busy = sum(working(state, i).values())
    turns: dict[tuple[int, float | None, int], int] = {}
    if not netted:
        turns = {kind: turn(state, i, *kind, strategies=[lack.strategy for lack in group]) for kind, group in kinds.items()}
        kinds = {kind: kinds[kind] for kind in sorted(kinds, key=turns.__getitem__)}
        now = sum(abs(lack.lots) for kind, group in kinds.items() if kind[0] * held < 0 and turns[kind] < 2 for lack in group)
        if now and (keeps := keeping(state, i, now)):
            out.cancels += keeps
            return False
    if netted or held * busy < 0:  # else only what is there can be closed, and not what may come to be
        held = held + busy if netted or abs(busy) < abs(held) else 0
    drafts: list[Draft] = []
    for (side, limit, tif), group in kinds.items():
        total = sum(abs(lack.lots) for lack in group)
        closing = min(total, abs(held)) if held * side < 0 else 0
        out_of = parts([abs(lack.lots) for lack in group], closing, [lack.strategy for lack in group])
        for lots, of, closes in (
            (closing, out_of, True),
            (total - closing, [abs(lack.lots) - part for lack, part in zip(group, out_of, strict=True)], False),
        ):
            if not lots or (closes and turns.get((side, limit, tif)) == HELD):
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
        if netted:
            held += side * total
        elif turns[side, limit, tif] != HELD:
            held += side * closing
    out.exits = [draft for draft in drafts if draft.reduce_only]
    sides = {draft.side for draft in out.exits}
    waiting = [guard for guard in guards if guard.order.side in sides and not guard.leg]
    if waiting:
        out.way = [guard.order.id for guard in waiting if not guard.cancelling and guard.work not in ENDING]
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
                if (meets or not _unchanged(rung, ticket)) and not ticket.cancelling and ticket.work not in ENDING:
                    out.cancels.append(ticket.order.id)
            elif name not in wish.spent and not _meets(rung.side, rung.px, exits):
                missing.append((strategy, name, rung, getattr(wish.intent, "why", "")))
    for ticket in working_by.values():
        if not ticket.cancelling and ticket.work not in ENDING:
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


__all__ = ["Draft", "Plan", "content", "guard", "order_of", "plan"]
