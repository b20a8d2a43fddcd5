"""What a desk tells about itself, one JSON object a line, for people and machines that read it later; no key ever stands in it.

It is for what is rare: the beginning, alarms, streams, commands, the end. Nothing is logged where a market row is taken in.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from argosy.core.errors import Misconfigured
from argosy.net.secret import Secret, Veil

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """A file of lines. bound: stands in each line (mode, account, desk, run); secrets: are shown as stars, wherever they stand."""

    def __init__(self, path: Path, *secrets: Secret, level: str = "info", **bound: str) -> None:
        try:
            import structlog
        except ImportError as error:
            raise Misconfigured("LOG_MISSING", "structlog is not installed", fix="pip install 'argosy[desk]'") from error
        self.veil = Veil(*secrets)
        self._structlog = structlog
        self._bound = bound
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w", encoding="utf-8", buffering=1)
        self._make(level)

    def _make(self, level: str) -> None:
        structlog = self._structlog
        self._lines = structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[
                structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), self._veiled,
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
            cache_logger_on_first_use=False,
        ).bind(**self._bound)  # fmt: skip

    def level(self, level: str) -> None:
        """Keep this level and what is above it from now on."""
        self._make(level)

    def say(self, event: str, level: str = "info", **more: Any) -> None:
        """One line."""
        getattr(self._lines, level)(event, **more)

    def _veiled(self, logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in line.items():
            line[key] = self._veil(value)
        return line

    def _veil(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.veil.text(value)
        if isinstance(value, dict):
            return {key: self._veil(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._veil(item) for item in value]
        return value if isinstance(value, int | float | bool | None) else self.veil.text(str(value))

    def close(self) -> None:
        """Write no more."""
        self._file.close()
