"""Finding strategies (and later models, venues, rules) that a package registers or the owner keeps in a file; loads nothing unasked."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

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
    """The class that `name` registers, or that of "path/to/file.py:Class".

    Raises Misuse: PLUGIN_UNKNOWN, PLUGIN_BROKEN (it raised while loading), STRATEGY_FILE (see `from_file`).
    """
    if ".py:" in name:
        return from_file(name)
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


def from_file(place: str) -> type:
    """The class of "path/to/file.py:Class", from the current folder; Misuse("STRATEGY_FILE") when there is none or the file cannot be run."""
    path, _, name = place.rpartition(":")
    spec = spec_from_file_location(_free(path), path)
    if not Path(path).is_file() or spec is None or spec.loader is None:
        raise Misuse("STRATEGY_FILE", f"there is no file {path}", where=place, fix="write it like above.py:Above")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # so that its annotations can be resolved
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the owner's own code may raise anything
        del sys.modules[spec.name]
        raise Misuse("STRATEGY_FILE", f"{type(error).__name__}: {error}", where=path, fix="mend the file") from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        near = [key for key, value in vars(module).items() if isinstance(value, type) and value.__module__ == spec.name]
        raise Misuse("STRATEGY_FILE", f"{path} has no class {name!r}", where=place, fix=f"it has: {', '.join(near) or 'none'}")
    return found


def _free(path: str) -> str:
    """A module name for a file: its own, unless something else that can be imported is called so (a file random.py must not become `random`)."""
    stem = Path(path).stem
    other = stem in sys.stdlib_module_names
    if not other:
        try:
            found = PathFinder.find_spec(stem)
        except (ImportError, ValueError):
            found = None
        other = found is not None and (found.origin is None or Path(found.origin).resolve() != Path(path).resolve())
    return f"{stem}_of_yours" if other else stem
