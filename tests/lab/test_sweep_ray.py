"""A sweep on a Ray cluster of two nodes tells the same rows to the bit as threads do."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import ray
from ray.cluster_utils import Cluster
from argosy.house import Terms
from argosy.lab.sweep import sweep
from argosy.strategies.trend import Trend
from tests.laws.market import bars, instruments

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 150_000_000})
cluster.add_node(num_cpus=1, object_store_memory=150_000_000)
ray.init(address=cluster.address, log_to_driver=False)
data = (instruments(2), [bars(3, 2000, 2)], [])
grid = {"fast": range(3, 11), "slow": range(12, 40, 4), "stop_atr": [0.0, 2.0]}
here = sweep(Trend, data, grid, terms=Terms(), trials=None)
there = sweep(Trend, data, grid, terms=Terms(), trials=None, on="ray", workers=2)
print(len(ray.nodes()), here.height, here.equals(there))
ray.shutdown()
cluster.shutdown()
"""


@pytest.mark.skipif(find_spec("ray") is None, reason="the extra argosy[ray] is not installed")
def test_two_nodes_tell_the_same_to_the_bit() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split()[-3:] == ["2", "224", "True"], done.stderr[-2000:]
