"""One question that a passport asks, with its answer, its numbers and the bar it was held to; and what all answers come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Literal

import msgspec

Status = Literal["pass", "warn", "fail", "none"]
Verdict = Literal["PASS", "WEAK", "FAIL"]

WORDS = {
    "PASS": "nothing found against it: the edge is larger than luck and survives worse conditions",
    "WEAK": "not refuted, not proven: the cautions below decide how much it may be trusted",
    "FAIL": "not tested: it may not be called so until what fails below is mended",
}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """An answer.

    name:    stable, for machines; title: for people; said: the answer in one sentence
    status:  "none" is a question that could not be asked here; `said` tells why, and it weighs nothing
    numbers: what was measured; ratios of a year, fractions 0 to 1, money in the base currency
    bar:     what passes; why: the reason for the bar
    """

    name: str
    title: str
    status: Status
    said: str
    numbers: dict[str, Any] = {}
    bar: str = ""
    why: str = ""


def check(name: str, title: str, status: Status, said: str, numbers: Mapping[str, Any] | None = None, bar: str = "", why: str = "") -> Check:
    """A check whose numbers are plain: what is not finite becomes None."""
    return Check(name=name, title=title, status=status, said=said, numbers={k: plain(v) for k, v in (numbers or {}).items()}, bar=bar, why=why)


def plain(value: Any) -> Any:
    """A value as JSON has it; numbers keep ten digits."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.10g}") if isfinite(value) else None
    return value


def grade(value: float, good: float, poor: float) -> Status:
    """"pass" from `good` on, "fail" below `poor`, else "warn"; nan fails. With good < poor less is better."""
    if value != value:
        return "fail"
    if good < poor:
        value, good, poor = -value, -good, -poor
    return "pass" if value >= good else "fail" if value < poor else "warn"


def verdict(checks: Sequence[Check]) -> Verdict:
    """The worst answer decides: one failure fails, one caution weakens."""
    found = {one.status for one in checks}
    return "FAIL" if "fail" in found else "WEAK" if "warn" in found else "PASS"


def reasons(checks: Sequence[Check]) -> list[str]:
    """The sentences that made the verdict: failures first, then cautions; for a pass, what speaks for it."""
    bad = [one.said for status in ("fail", "warn") for one in checks if one.status == status]
    return bad or [one.said for one in checks if one.status == "pass" and one.name != "trials"][:4]
