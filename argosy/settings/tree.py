"""A tree of settings: nested tables, dotted keys, and one laid over another; it knows no key and no bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything below."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """{"venue.fees": "free"} -> {"venue": {"fees": "free"}}"""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *parts, last = key.split(".")
        at = tree
        for part in parts:
            below = at.get(part)
            if not isinstance(below, dict):
                below = at[part] = {}
            at = below
        at[last] = value
    return tree


def lay(over: dict[str, Any], tree: Mapping[str, Any]) -> None:
    """Lay `tree` over `over`, table by table; `tree` itself is never shared."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            below = over.get(key)
            if not isinstance(below, dict):
                below = over[key] = {}
            lay(below, value)
        else:
            over[key] = value
