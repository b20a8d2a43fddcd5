"""What a tape, or a feed, can support of an execution algorithm; the rest is refused with a code and never approximated."""

from __future__ import annotations

from math import isfinite

import msgspec

from argosy.core.errors import Misuse
from argosy.core.intents import Execution, Iceberg, Pov, Shortfall, Target, Vwap
from argosy.core.orders import Refused
from argosy.engine.algos.course import interval, slices


class Grain(msgspec.Struct, frozen=True):
    """How fine the rows of one instrument are.

    span: ns of its finest bars, 0 where it has quotes, trades or a book; volume: whether its rows say what was traded
    """

    span: int
    volume: bool


def shapeless(target: Target) -> str:
    """What is wrong with an algorithm in itself, "" when nothing is."""
    algo = target.execution
    assert algo is not None
    if isinstance(algo, Pov):
        return "" if 0.0 < algo.rate <= 1.0 and algo.least >= 1 else "a rate is above 0 and at most 1, a part at least 1 lot"
    if isinstance(algo, Iceberg):
        if algo.display < 1:
            return "an iceberg shows at least 1 lot"
        return "" if target.limit == target.limit else "an iceberg rests at a limit: give the target one"
    if slices(algo) < 1 or algo.duration_ns < slices(algo):
        return "a schedule has at least one slice, and time for each"
    if isinstance(algo, Vwap) and not all(isfinite(each) and each >= 0.0 for each in algo.curve):
        return "a volume is a number that is not negative"
    if isinstance(algo, Shortfall):
        sizes = (algo.risk_aversion, algo.volatility, algo.impact, algo.permanent)
        if not all(isfinite(each) and each >= 0.0 for each in sizes) or not algo.impact > algo.permanent / 2.0:
            return "risk aversion, volatility and impacts are not negative, and the temporary impact is more than half the permanent"
    return ""


def malformed(strategy: str, target: Target) -> Misuse | None:
    """The error of an algorithm that means nothing."""
    wrong = shapeless(target)
    return Misuse("EXECUTION_SHAPE", f"{strategy} wants {target.execution!r}", fix=wrong) if wrong else None


def unsupported(algo: Execution, grain: Grain | None, open_: bool) -> Refused | None:
    """Why an algorithm cannot be had on these rows; None when it can.

    EXECUTION_TAPE    nothing is known of the rows; an iceberg on bars, which have no queue; slices finer than the bars
    EXECUTION_VOLUME  VWAP or POV where the rows do not say what was traded
    EXECUTION_CLOSED  the session is closed; it would begin in the next one, at a time that nobody has said
    """
    if grain is None:
        return Refused("EXECUTION_TAPE", {}, "nothing is known of the rows of this instrument")
    if isinstance(algo, Iceberg) and grain.span:
        return Refused("EXECUTION_TAPE", {"span_ns": grain.span}, "bars do not show in which order things happened, and an iceberg needs it")
    if isinstance(algo, Pov | Vwap) and not grain.volume:
        return Refused("EXECUTION_VOLUME", {}, "the rows of this instrument do not say what was traded")
    if slices(algo) and interval(algo) < grain.span:
        return Refused("EXECUTION_TAPE", {"slice_ns": interval(algo), "span_ns": grain.span}, "a slice is shorter than a bar")
    return None if open_ else Refused("EXECUTION_CLOSED", {}, "the market is closed")
