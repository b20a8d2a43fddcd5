"""Hypothesis profiles: "test" for every day, "drill" (ARGOSY_DRILL=1) for the long matrices of the laws."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("test", deadline=None, print_blob=True)
settings.register_profile(
    "drill",
    deadline=None,
    print_blob=True,
    max_examples=1_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("drill" if os.environ.get("ARGOSY_DRILL") else "test")
