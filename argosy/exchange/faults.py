"""What goes wrong on purpose: replies that fail, are lost or late, frames that vanish, double or change places; nothing by chance."""

from __future__ import annotations

from typing import Any

import msgspec

from argosy.core.errors import Misuse
from argosy.exchange.wire import Body


class Fault(msgspec.Struct):
    """One rule for replies.

    method: "" for any; path: its beginning; status: answer this instead; drop: close the connection without an answer
    apply:  do what was asked all the same, before the answer fails; delay: seconds before the answer
    times:  how often, None until it is cleared
    after:  wait until so many matching requests have passed
    """

    method: str = ""
    path: str = "/"
    status: int = 0
    drop: bool = False
    apply: bool = False
    delay: float = 0.0
    times: int | None = 1
    after: int = 0
    body: Body | None = None

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError("times is a whole number from 1, or null until it is cleared")
        if self.delay < 0 or self.after < 0:
            raise ValueError("delay and after are numbers from 0")
        if self.status and not 100 <= self.status <= 599:
            raise ValueError(f"{self.status} is no HTTP status")
        if not (self.status or self.drop or self.delay):
            raise ValueError("one of status, drop and delay is needed")

    def answer(self) -> Body:
        """The body of a failed answer."""
        if self.body is not None:
            return self.body
        if self.status == 429:
            return {"code": 42910000, "message": "rate limit exceeded"}
        if self.status in (401, 403):
            return {"message": "forbidden."}
        if self.status == 404:
            return {"code": 40410000, "message": "order not found"}
        if self.status >= 500:
            return {"code": 50010000, "message": "internal server error occurred"}
        return {"code": 42210000 if self.status == 422 else self.status * 100_000, "message": "a fault on purpose"}


class Faults:
    """The rules for replies; the first that matches is used up by one."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def add(self, body: Body) -> None:
        """A rule from its JSON; Misuse("FAULT") for words it does not know."""
        try:
            rule = msgspec.convert(body, Fault, strict=False)
        except msgspec.ValidationError as error:
            raise Misuse("FAULT", str(error)) from error
        self.rules.append(rule)

    def take(self, method: str, path: str) -> Fault | None:
        """The rule for a request."""
        for rule in self.rules:
            if rule.method.upper() in ("", "*", method) and path.startswith(rule.path.rstrip("*")):
                if rule.after:
                    rule.after -= 1
                    return None
                if rule.times is not None:
                    rule.times -= 1
                    if rule.times <= 0:
                        self.rules.remove(rule)
                return rule
        return None


class Rule(msgspec.Struct):
    """One rule for frames.

    what:  drop, duplicate, reorder (it changes places with the next), truncate (half of it), tear (half of its bytes, and the
           connection ends), oversize (a frame of more than `size` bytes)
    event: its event or letter ("fill", "q"), "control" for answers, "" for all but those; where: fields that it must have
    """

    what: str
    times: int
    event: str = ""
    where: Body | None = None
    size: int = 0

    def suits(self, event: str, about: Body) -> bool:
        """Whether it is a rule for this frame."""
        if event != self.event and (self.event or event == "control"):
            return False
        return self.where is None or all(str(about.get(field)) == str(value) for field, value in self.where.items())


WAYS = ("drop", "duplicate", "reorder", "truncate", "tear", "oversize")
OVERSIZE = (1 << 20) + 4096
"""Bytes that no client reads in one frame: the common limit is a mebibyte."""


class Frames:
    """What happens to the next frames of a stream on purpose. mute: nothing is sent; busy: whether anything is to be done at all."""

    def __init__(self) -> None:
        self.mute = False
        self.rules: list[Rule] = []
        self._kept: list[Any] = []

    @property
    def busy(self) -> bool:
        """Whether frames are not simply sent."""
        return self.mute or bool(self.rules) or bool(self._kept)

    def set(self, counts: dict[str, int], event: str = "", where: Body | None = None, size: int = OVERSIZE) -> None:
        """So many of the next frames that suit; a count of 0 takes the rules of that kind away."""
        for what, times in counts.items():
            if times:
                self.rules.append(Rule(what, times, event, where, size))
            else:
                self.rules = [rule for rule in self.rules if rule.what != what]

    def through(self, frame: Any, event: str, about: Body) -> list[tuple[Any, Rule | None]]:
        """The frames that go out for one that should, each with what is done to it."""
        if self.mute:
            return []
        rule = next((one for one in self.rules if one.suits(event, about)), None)
        if rule is not None:
            rule.times -= 1
            if rule.times <= 0:
                self.rules.remove(rule)
            if rule.what == "drop":
                return []
            if rule.what == "reorder":
                self._kept.append(frame)
                return []
        out: list[tuple[Any, Rule | None]] = [(frame, rule)]
        if rule is not None and rule.what == "duplicate":
            out.append((frame, None))
        kept, self._kept = self._kept, []
        return out + [(one, None) for one in kept]


class Budget:
    """Requests a minute by account, as the venue counts them; 0 is no limit.

    counts: (window start s, requests) by key; refused: answers 429 given; pushed: requests that came while refused
    """

    def __init__(self, limit: int = 0, window_s: int = 60) -> None:
        self.limit = limit
        self.window_s = window_s
        self.refused = 0
        self._counts: dict[str, tuple[int, int]] = {}

    def set(self, limit: int, window_s: int = 60) -> None:
        """Another limit; counting starts anew."""
        self.limit, self.window_s = limit, window_s
        self._counts.clear()

    def take(self, key: str, second: int) -> tuple[bool, dict[str, str]]:
        """(whether the request is served, the three headers) at a time of the wall, in seconds."""
        start = second - second % self.window_s
        at, count = self._counts.get(key, (start, 0))
        if at != start:
            at, count = start, 0
        count += 1
        self._counts[key] = (at, count)
        limit = self.limit or 1_000_000
        served = count <= limit
        if not served:
            self.refused += 1
        return served, {
            "X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(max(limit - count, 0)),
            "X-RateLimit-Reset": str(start + self.window_s),
        }  # fmt: skip
