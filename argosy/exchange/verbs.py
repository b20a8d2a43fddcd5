"""The words of the control door: which verbs there are, what each takes, and how a field is read; it does nothing to the market itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.core.errors import Misuse
from argosy.exchange.wire import Body, Refusal, flag

if TYPE_CHECKING:
    from argosy.exchange.server import Server

Act = Callable[["Server", Body], Awaitable[Body]]
_ABSENT: Any = object()


class Verb(msgspec.Struct, frozen=True):
    """One verb. fields: the words that its body may have; usage: what it says of itself."""

    act: Act
    fields: tuple[str, ...]
    usage: str


VERBS: dict[str, Verb] = {}
"""All verbs, by name; `control` and `drills` fill it."""


def verb(*fields: str) -> Callable[[Act], Act]:
    """Make an act a verb of the door, under its own name."""

    def enter(act: Act) -> Act:
        VERBS[act.__name__] = Verb(act, fields, " ".join((act.__doc__ or "").split()))
        return act

    return enter


async def run(server: Server, name: str, body: Any) -> Body:
    """Let a verb act. Misuse("CONTROL") for a body that is no object or has a word that the verb does not take."""
    one = VERBS[name]
    if not isinstance(body, dict):
        raise Misuse("CONTROL", "the body is a JSON object")
    unknown = sorted(set(body) - set(one.fields))
    if unknown:
        takes = ", ".join(one.fields) or "nothing"
        raise Misuse("CONTROL", f"{name} does not take {', '.join(unknown)}", fix=f"it takes {takes}")
    return await one.act(server, body)


# -- fields ------------------------------


def need(body: Body, field: str) -> Any:
    """A field that must be there."""
    if body.get(field) is None:
        raise Misuse("CONTROL", f"{field} is missing")
    return body[field]


def word(body: Body, field: str) -> str:
    """A text that must be there."""
    value = need(body, field)
    if not isinstance(value, str) or not value:
        raise Misuse("CONTROL", f"{field} is a text, not {value!r}")
    return value


def real(body: Body, field: str, default: Any = _ABSENT, least: float = 0.0) -> Any:
    """A finite number of at least `least`, also as text; the default where it is absent or null."""
    value = body.get(field)
    if value is None and default is not _ABSENT:
        return default
    value = need(body, field)
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else float("nan")
    except ValueError:
        found = float("nan")
    if not isfinite(found) or found < least:
        raise Misuse("CONTROL", f"{field} is a number from {least:g}, not {value!r}")
    return found


def count(body: Body, field: str, default: Any = _ABSENT) -> Any:
    """A whole number from 0."""
    found = real(body, field, default)
    if isinstance(found, float):
        if found != int(found):
            raise Misuse("CONTROL", f"{field} is a whole number, not {found:g}")
        return int(found)
    return found


def on(body: Body, field: str = "on", default: Any = _ABSENT) -> bool:
    """true or false."""
    value = body.get(field)
    if value is None and default is not _ABSENT:
        return bool(default)
    try:
        return flag(need(body, field), field)
    except Refusal as no:
        raise Misuse("CONTROL", no.what) from no


def choice(body: Body, field: str, among: tuple[Any, ...]) -> Any:
    """One of a few words, or None where it is absent."""
    value = body.get(field)
    if value is not None and value not in among:
        raise Misuse("CONTROL", f"{field} is one of {', '.join(map(str, among))}, not {value!r}")
    return value
