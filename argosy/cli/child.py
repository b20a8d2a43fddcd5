"""A command of ours in a process of its own: started, heard line by line, ended for sure."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

WAIT_S = 30.0


class Child:
    """`argosy WORDS` as a process. environment: over ours. Ctrl-C at our terminal does not reach it: we end it ourselves.

    What it says on stdout is heard by `lines` or `document`; its stderr is kept for `complaint`.
    """

    def __init__(self, *words: str, environment: Mapping[str, str] | None = None) -> None:
        self._complaints: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed by `close`)
        self._work = subprocess.Popen(  # noqa: S603  (our own program)
            [sys.executable, "-m", "argosy.cli", *words], stdout=subprocess.PIPE, stderr=self._complaints, text=True,
            env=os.environ | dict(environment or {}), start_new_session=True,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its number."""
        return self._work.pid

    def lines(self) -> Iterator[str]:
        """What it says, until it ends."""
        yield from self._work.stdout or ()

    def document(self) -> Any:
        """The next JSON document that it says, over as many lines as it takes; None when it ended before."""
        from json import JSONDecodeError, loads

        text = ""
        for line in self.lines():
            text += line
            try:
                return loads(text)
            except JSONDecodeError:
                continue
        return None

    def end(self) -> None:
        """Ask it to end."""
        if self._work.poll() is None:
            self._work.terminate()

    def close(self) -> int:
        """See that it ends, by force in the end; its exit status."""
        self.end()
        try:
            return self._work.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self._work.kill()
            return self._work.wait()
        finally:
            if self._work.stdout is not None:
                self._work.stdout.close()

    def complaint(self) -> str:
        """What it said on stderr so far."""
        self._complaints.seek(0)
        return self._complaints.read().strip()
