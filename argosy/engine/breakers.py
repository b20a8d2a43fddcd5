"""When the engine latches a safety level by itself: the limits of loss, of refusals, of silence; it only says how bad things are.

HEART section 12. At a limit the level is REDUCE, at half as much again HALT. In the lab nothing latches unless asked; a desk has them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import msgspec

from argosy.core.time import SECOND
from argosy.engine.state import HALT, LIVE, REDUCE, State
from argosy.engine.storms import Storms


class Breakers(msgspec.Struct, frozen=True):
    """Limits of the post-trade breakers; 0 = never.

    daily_loss_frac, drawdown_frac: of the day's first equity, of the peak
    velocity_frac: of the highest equity within velocity_s; losses: orders in a row that closed at a loss
    rejects:     refusals by the venue within rejects_s; repeats: orders filled on one side of one instrument within repeats_s
    drifts:      instruments at once of which the venue's count is another than ours
    silence_s:   seconds in session without any market row of what strategies trade
    probe_clean: clean comparisons with the venue until PROBE becomes LIVE
    dark:        what DARK does with positions before the desk goes: leave them to their protections, or flatten them
    """

    daily_loss_frac: float = 0.0
    drawdown_frac: float = 0.0
    probe_clean: int = 3
    velocity_frac: float = 0.0
    velocity_s: float = 300.0
    losses: int = 0
    rejects: int = 0
    rejects_s: float = 60.0
    repeats: int = 0
    repeats_s: float = 60.0
    drifts: int = 0
    silence_s: float = 0.0
    dark: Literal["leave", "flatten"] = "leave"

    @property
    def watching(self) -> bool:
        """Whether anything may latch."""
        return self.daily_loss_frac > 0.0 or self.drawdown_frac > 0.0 or self.counting

    @property
    def counting(self) -> bool:
        """Whether more than the equity of the moment decides."""
        return bool(self.velocity_frac or self.losses or self.rejects or self.repeats or self.drifts or self.silence_s)

    def storms(self) -> Storms | None:
        """What has to be counted for them, None where nothing has."""
        if not self.counting:
            return None
        return Storms(int(self.rejects_s * SECOND), int(self.repeats_s * SECOND), int(self.velocity_s * SECOND))


LAB = Breakers()
DESK = Breakers(
    daily_loss_frac=0.02, drawdown_frac=0.10, velocity_frac=0.01, losses=8, rejects=10, repeats=20, drifts=3, silence_s=120.0
)  # fmt: skip
PROFILES: dict[str, Breakers] = {"lab": LAB, "desk": DESK}
"""The breakers of a profile of limits."""


class Trip(NamedTuple):
    """A breaker at its limit, with the level that it asks for."""

    cause: str
    level: int
    text: str


def _level(value: float, limit: float) -> int:
    return HALT if value >= 1.5 * limit else REDUCE if value >= limit else LIVE


def trips(state: State, breakers: Breakers, silence_ns: int) -> Iterator[Trip]:
    """The breakers that are at their limits, in a fixed order. silence_ns: how long no market row came, in session."""
    equity = state.portfolio.equity
    for limit, start, cause, since in (
        (breakers.daily_loss_frac, state.day_base, "DAILY_LOSS", "the day's start"),
        (breakers.drawdown_frac, state.peak, "DRAWDOWN", "the peak"),
    ):
        if not limit or start <= 0:
            continue
        lost = (start - equity) / start
        if lost >= limit:
            yield Trip(cause, _level(lost, limit), f"equity is {lost:.2%} below {since}, the limit is {limit:.2%}")
    if breakers.counting and state.storms is not None:
        for cause, value, limit, text in _counts(state, state.storms, breakers, equity, silence_ns / SECOND):
            if limit and value >= limit:
                yield Trip(cause, _level(value, limit), text())


def _counts(state: State, storms: Storms, breakers: Breakers, equity: int, silent_s: float) -> Iterator[tuple[str, float, float, Callable[[], str]]]:
    """(cause, how much, its limit, who puts it in words) of the breakers that count: asked at every market row, told seldom."""
    now = state.now
    top = storms.top(now, equity)
    fell = (top - equity) / top if top > 0 else 0.0
    yield "PNL_VELOCITY", fell, breakers.velocity_frac, lambda: f"equity fell by {fell:.2%} within {breakers.velocity_s:g} s"
    yield "CONSECUTIVE_LOSSES", storms.losses, breakers.losses, lambda: f"{storms.losses} orders in a row closed at a loss"
    refused = storms.refusals(now)
    yield "REJECT_STORM", refused, breakers.rejects, lambda: f"the venue refused {refused} times within {breakers.rejects_s:g} s"
    count, i, side = storms.repeated(now)
    yield "REPEATED_EXECUTION", count, breakers.repeats, lambda: f"{count} {_what(state, i, side)} filled within {breakers.repeats_s:g} s"
    drifts = len(state.drifted)
    yield "RECONCILE_DRIFT", drifts, breakers.drifts, lambda: f"{drifts} instruments are not what the venue counts"
    yield "FEED_GAP", silent_s, breakers.silence_s, lambda: f"no price came for {silent_s:.1f} s in session"


def _what(state: State, i: int, side: int) -> str:
    return f"{'buys' if side > 0 else 'sales'} of {state.instruments[i].symbol}"


def silence(state: State, watched: Iterator[int]) -> int:
    """Nanoseconds since any market row of the `watched` instruments that are in session and may trade; 0 where there is none."""
    last = 0
    for i in watched:
        if i in state.halted or i in state.delisted:
            continue
        session = state.sessions.get(state.instruments[i].calendar)
        if session is None:
            last = max(last, state.portfolio.marked[i])
        elif session.open:
            last = max(last, state.portfolio.marked[i], session.known)
    return state.now - last if last else 0


__all__ = ["DESK", "LAB", "PROFILES", "Breakers", "Trip", "silence", "trips"]
