"""The file around a page: head, style, data and script in one document that asks no network for anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import msgspec

from argosy import __version__

STYLES = ("style.css", "parts.css")
SCRIPTS = ("unpack.js", "scale.js", "chart.js", "zoom.js", "plots.js", "trips.js", "table.js", "runs.js")
"""Parts of one script, in order; they share one scope."""
PROMISE = "A backtest is what would have happened under its assumptions, not a promise."
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def document(title: str, body: Sequence[str], data: Mapping[str, Any], extra: str = "") -> str:
    """The whole file. body: parts of HTML; data: what the script draws, JSON values; extra: more style."""
    page = files("argosy.lab") / "page"
    style, script = ("".join((page / name).read_text(encoding="utf-8") for name in names) for names in (STYLES, SCRIPTS))
    inside = msgspec.json.encode(data).decode().replace("<", "\\u003c")
    return "\n".join((
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
        f"<title>{escape(title)} · Argosy</title><style>{style}{extra}</style></head><body><main>",
        *(part for part in body if part),
        f"<footer>Made by Argosy {__version__}. {PROMISE}</footer>",
        f'</main><script type="application/json" id="data">{inside}</script>',
        f'<script>"use strict";\n(() => {{\n{script}}})();\n</script></body></html>',
    ))  # fmt: skip
