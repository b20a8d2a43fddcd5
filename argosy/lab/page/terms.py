"""What a run was set to and what names its ground: settings and hashes, folded away."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from argosy.lab.result import Result


def terms(result: Result) -> str:
    """A folded table."""
    rows = "".join(f'<tr><th scope="row">{escape(key)}</th><td>{escape(text)}</td></tr>' for key, text in flat(result.settings))
    names = "".join(f'<tr><th scope="row">{escape(key)}</th><td><code>{escape(text)}</code></td></tr>' for key, text in result.hashes.items())
    pace = f" ({result.bars / result.seconds:,.0f} rows/s)" if result.seconds > 0 else ""
    run = f'<tr><th scope="row">run</th><td>{result.bars:,} market rows in {result.seconds:.2f} s{pace}</td></tr>'
    return (
        '<section><details><summary>Settings and hashes</summary><p class="note">'
        "The same settings on the same tape give the same journal, to the bit.</p>"
        f'<table class="plain keys"><tbody>{rows}{names}{run}</tbody></table></details></section>'
    )


def flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted key, value)."""
    out: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            out += flat(value, f"{prefix}{key}.")
        else:
            out.append((prefix + str(key), ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)))
    return out
