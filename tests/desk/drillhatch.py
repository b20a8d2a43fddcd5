"""Lets many desks begin quickly: it has read all their code already and each is a copy of it, a process of its own that can be killed.

One JSON line in: {"words": of `argosy`, "environment", "out": file for what it says, "pages": bytes of a journal's segment, "save": rows
and records between saved states, "count": file for how often each place was reached}. Lines out: {"pid"}, and {"gone", "status"}.
"""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import selectors
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from argosy import quay
from argosy.cli import main
from argosy.core import points
from argosy.desk import doctor, serve, watchdog  # noqa: F401  (read now, used by the copies)
from argosy.desk import run as running
from argosy.desk.sessions import scheduled
from argosy.engine.saved import sources


def become(told: dict[str, Any]) -> None:
    """This copy is a desk from now on."""
    out = os.open(told["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(told["environment"])
    if told.get("pages"):
        quay.DurableJournal = functools.partial(quay.DurableJournal, segment_bytes=told["pages"])  # type: ignore[assignment,misc]
        quay.Recorder = functools.partial(quay.Recorder, segment_bytes=told["pages"])  # type: ignore[assignment,misc]
    if told.get("save"):
        running.SAVE_EVERY = told["save"]
    if told.get("count"):
        seen: Counter[str] = Counter()
        points.hook = lambda name: seen.update((name,))
        atexit.register(lambda: Path(told["count"]).write_text(json.dumps(seen)))
    sys.argv = ["argosy", *told["words"]]
    main.run()


def serve_copies() -> None:
    """Until the input ends."""
    scheduled("XNYS", time.time_ns())
    sources()
    gc.collect()
    gc.freeze()
    eyes = selectors.DefaultSelector()
    eyes.register(0, selectors.EVENT_READ, None)
    read = b""
    while True:
        for key, _ in eyes.select():
            if key.data is not None:
                pid, status = os.waitpid(key.data, 0)
                eyes.unregister(key.fd)
                os.close(key.fd)
                print(json.dumps({"gone": pid, "status": os.waitstatus_to_exitcode(status)}), flush=True)
                continue
            piece = os.read(0, 65536)
            if not piece:
                for one in list(eyes.get_map().values()):
                    if one.data is not None:
                        os.kill(one.data, signal.SIGKILL)
                return
            *lines, read = (read + piece).split(b"\n")
            for line in lines:
                pid = os.fork()
                if not pid:
                    eyes.close()
                    status = 70
                    try:
                        become(json.loads(line))
                        status = 0
                    except SystemExit as end:
                        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
                    finally:
                        atexit._run_exitfuncs()
                        sys.stdout.flush()
                        sys.stderr.flush()
                        os._exit(status)
                eyes.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
                print(json.dumps({"pid": pid}), flush=True)


if __name__ == "__main__":
    serve_copies()
