"""What became of a request: an answer, or none, and then whether it can have been heard; nothing here raises."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Answered(msgspec.Struct, frozen=True, gc=False):
    """The other side said something. status: HTTP; body: bytes as received; headers: names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Failed(msgspec.Struct, frozen=True, gc=False):
    """Nobody answered in time.

    cause: stable upper-case name: DEADLINE CONNECT DNS TLS RESET BROKEN_REPLY REPLY_TOO_LARGE RATE_LIMIT CIRCUIT_OPEN CLOSED
           REQUEST_INVALID (it cannot be said in HTTP), or the code with which the door is shut (HOST_FORBIDDEN, ARMING_ENDED)
    sent:  False = surely not one byte of it left, so it may be said again; True = it may have been heard
    """

    cause: str
    sent: bool
    text: str = ""


Outcome = Answered | Failed
