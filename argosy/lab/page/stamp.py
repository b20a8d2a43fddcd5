"""What a passport says of a run: its verdict, its reasons and its questions; without one the page says that nothing was tested."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

SAID = {
    "PASS": "nothing was found against it: the edge is larger than luck and survives worse conditions",
    "WEAK": "neither refuted nor proven: the cautions below decide how much it may be trusted",
    "FAIL": "it may not be called tested until what fails below is mended",
}
SIGNS = {"pass": ("✓", "passed"), "warn": ("!", "caution"), "fail": ("✕", "failed"), "none": ("·", "not asked")}


def stamp(passport: Mapping[str, Any] | None, strategy: str = "NAME") -> str:
    """The verdict of a plain passport (`passport.paper.plain`), or that there is none."""
    if not passport:
        return (
            '<p class="untested"><b>Not tested.</b> This run has no passport, so it may be luck. '
            f"<code>argosy passport {escape(strategy)} --out passport.html</code> asks what a careful owner would ask.</p>"
        )
    verdict = str(passport["verdict"])
    why = "".join(f"<li>{escape(str(text))}</li>" for text in passport.get("reasons", ()))
    asked = "".join(_question(one) for one in passport.get("checks", ()))
    tried = passport.get("trials")
    count = f" These prices were tried {tried:,} times." if isinstance(tried, int) else ""
    return (
        f'<section class="passed {escape(verdict)}"><b class="word {escape(verdict)}">{escape(verdict)}</b><div><p>Its passport of '
        f"{escape(str(passport.get('made', ''))[:10])}: {SAID.get(verdict, '')}.{count}</p><ul>{why}</ul>"
        f'<details><summary>{len(passport.get("checks", ()))} questions were asked</summary><ul class="asked">{asked}</ul></details></div></section>'
    )


def _question(one: Mapping[str, Any]) -> str:
    sign, spoken = SIGNS.get(str(one.get("status")), SIGNS["none"])
    kind = escape(str(one.get("status")))
    return f'<li><i class="{kind}" title="{spoken}">{sign}</i><b>{escape(str(one.get("title", "")))}</b> {escape(str(one.get("said", "")))}</li>'
