"""Errors named by what the owner must do about them; an error is never a refusal of the risk gate (that is a value).

    ArgosyError
    ├── Retry           the world is busy: try again before the deadline, nothing is lost
    ├── Rejected        someone outside said no to one thing: go on with the rest
    ├── Misuse          the caller is wrong (argument, file, symbol): exit status 2
    ├── Misconfigured   a setting is wrong: the message names file, key and fix: exit status 2
    └── Broken          we are wrong: a law of the house does not hold; stop and keep the evidence

Every error carries a stable `code` (for machines and for searching the docs), `what` happened, `where`, and the `fix`.
"""

from __future__ import annotations

from functools import partial
from typing import Any


class ArgosyError(Exception):
    """Base of all errors of the house.

    code:  stable upper-case name, never reused for another meaning
    what:  one sentence, with the offending value
    where: file, line, key or symbol; empty when there is no place to name
    fix:   what to do next; empty when there is nothing to do
    """

    exit_status = 1

    def __init__(self, code: str, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(code, what, where, fix)
        self.code = code
        self.what = what
        self.where = where
        self.fix = fix

    def __reduce__(self) -> tuple[Any, ...]:  # so that it comes whole out of another process
        return partial(type(self), self.code, self.what, where=self.where, fix=self.fix), ()

    def __str__(self) -> str:
        text = f"{self.code}: {self.what}"
        if self.where:
            text += f" [{self.where}]"
        if self.fix:
            text += f" - {self.fix}"
        return text


class Retry(ArgosyError):
    """The world is busy; the same call may succeed before its deadline."""


class Rejected(ArgosyError):
    """A counterparty refused one thing definitely; the rest goes on."""


class Misuse(ArgosyError):
    """The caller asked for something that cannot be; nothing was changed."""

    exit_status = 2


class Misconfigured(ArgosyError):
    """A setting is wrong; names file, key and fix."""

    exit_status = 2


class Broken(ArgosyError):
    """A law of the house does not hold; the run must stop and keep its evidence."""
