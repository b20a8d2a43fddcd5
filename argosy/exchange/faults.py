"""What goes wrong on purpose: replies that fail, are lost or late, frames that vanish, double or change places; nothing by chance."""

from __future__ import annotations

from typing import Any

import msgspec

from argosy.core.errors import Misuse
from argosy.exchange.wire import Body


class Fault(msgspec.Struct):
    """One rule for replies.

    method: "" for any; path: its beginning; status: answer this instead; drop: close the connection without an answer
    apply:  do what was asked all the same, before the answer fails; delay: seconds before the answer; times: how often
    after:  wait until so many matching requests have passed
    """

    method: str = ""
    path: str = "/"
    status: int = 0
    drop: bool = False
    apply: bool = False
    delay: float = 0.0
    times: int = 1
    after: int = 0
    body: Body | None = None

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
            rule = msgspec.convert(body, Fault)
        except msgspec.ValidationError as error:
            raise Misuse("FAULT", str(error)) from error
        unknown = sorted(set(body) - set(Fault.__struct_fields__))
        if unknown:
            raise Misuse("FAULT", f"unknown words: {', '.join(unknown)}")
        self.rules.append(rule)

    def take(self, method: str, path: str) -> Fault | None:
        """The rule for a request."""
        for rule in self.rules:
            if rule.method.upper() in ("", "*", method) and path.startswith(rule.path.rstrip("*")):
                if rule.after:
                    rule.after -= 1
                    return None
                rule.times -= 1
                if rule.times <= 0:
                    self.rules.remove(rule)
                return rule
        return None


class Frames:
    """What happens to the next frames of a stream: so many are lost, doubled, or change places with the one after them."""

    def __init__(self) -> None:
        self.mute = False
        self.lose = 0
        self.double = 0
        self.swap = 0
        self._kept: Any = None

    def set(self, body: Body) -> None:
        """drop, duplicate, reorder: counts; mute: until told otherwise."""
        self.lose = int(body.get("drop", self.lose))
        self.double = int(body.get("duplicate", self.double))
        self.swap = int(body.get("reorder", self.swap))
        self.mute = bool(body.get("mute", self.mute))

    def through(self, frame: Any) -> list[Any]:
        """The frames that go out for one that should."""
        if self.mute:
            return []
        if self.lose:
            self.lose -= 1
            return []
        out = [frame]
        if self.double:
            self.double -= 1
            out.append(frame)
        if self.swap and self._kept is None:
            self.swap -= 1
            self._kept = out
            return []
        if self._kept is not None:
            out, self._kept = [*out, *self._kept], None
        return out


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
