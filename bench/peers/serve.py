"""The other side's stopwatch: runs in a peer's own environment, and for each line it is sent runs the peer once and answers.

    PEER/.venv/bin/python serve.py PEER/run.py prices.npy

run.py has `prepare(prices)`, which is not timed, and `run(prepared) -> (fills, equity)`, which is: indicators, orders, account.
prices: (T, 5) float64 open, high, low, close, volume. It knows nothing of the house.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
import time
from pathlib import Path


def serve(runner: str, prices: str) -> None:
    """Answer each line of standard input with {"seconds", "fills", "equity"}; what the peer itself prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path[0] = str(Path(runner).parent)
    import numpy as np

    spec = importlib.util.spec_from_file_location("peer", runner)
    assert spec is not None
    assert spec.loader is not None
    peer = sys.modules["peer"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peer)
    prepared = peer.prepare(np.load(prices))
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        gc.collect()
        begun = time.process_time()
        fills, equity = peer.run(prepared)
        took = time.process_time() - begun
        print(json.dumps({"seconds": took, "fills": int(fills), "equity": float(equity)}), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
