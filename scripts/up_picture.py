"""Draws the page of `argosy up` for the docs: the real exchange, the real desk, a picture after so many seconds.

    python scripts/up_picture.py docs/img/up.svg 45
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

from argosy.cli.child import Child
from argosy.cli.dashboard.app import Dashboard
from argosy.desk.inbox import ask

SIZE = (140, 38)
FACES = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
"""A picture names no fonts of the network."""


async def draw(inbox: Path, seconds: float) -> str:
    """The page as SVG, after it was looked at for so long."""
    page = Dashboard(lambda verb, **said: ask(inbox, verb, **said))
    async with page.run_test(size=SIZE) as pilot:
        await pilot.pause(seconds)
        return FACES.sub("", page.export_screenshot(title="argosy up")).replace("Fira Code", "monospace")


def main(out: Path, seconds: float) -> int:
    """Start, look, draw, end."""
    running = Child("up", "--json", "--speed", "60")
    try:
        for line in running.lines():
            told = json.loads(line)
            if told["event"] == "trading":
                out.write_text(asyncio.run(draw(Path(told["inbox"]), seconds)), encoding="utf-8")
                break
    finally:
        status = running.close()
    print(f"{out}: {out.stat().st_size:,} bytes")
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 45.0))
