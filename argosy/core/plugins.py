"""Finding strategies (and later models, venues, rules) that a package registers by entry point; loads nothing unasked."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from argosy.core.errors import Misuse

GROUPS = ("argosy.strategies", "argosy.rules", "argosy.venues", "argosy.models")


def found(group: str) -> dict[str, EntryPoint]:
    """The registered names of a group, unloaded; Misuse("PLUGIN_TWICE") when two packages claim one name."""
    points: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        other = points.get(point.name)
        if other is not None and other.value != point.value:
            raise Misuse("PLUGIN_TWICE", f"{point.name!r} is registered as {other.value} and {point.value}", where=group, fix="rename one")
        points[point.name] = point
    return points


def load(group: str, name: str) -> type:
    """The class that `name` registers; Misuse: PLUGIN_UNKNOWN, PLUGIN_BROKEN (it raised while loading)."""
    points = found(group)
    if name not in points:
        raise Misuse("PLUGIN_UNKNOWN", f"no {group} plugin is named {name!r}", fix=f"known: {', '.join(points) or 'none'}")
    try:
        thing = points[name].load()
    except Exception as error:  # a plugin may raise anything; it is named and chained, never swallowed
        raise Misuse("PLUGIN_BROKEN", f"{name!r} cannot be loaded: {type(error).__name__}: {error}", where=points[name].value) from error
    if not isinstance(thing, type):
        raise Misuse("PLUGIN_BROKEN", f"{name!r} is no class", where=points[name].value)
    return thing
