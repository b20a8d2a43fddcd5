"""Hypothesis profiles: "test" for every day, "drill" for the long matrices."""

import os

from hypothesis import settings

settings.register_profile("test", deadline=None)
settings.register_profile("drill", deadline=None, max_examples=1000)
settings.load_profile("drill" if os.environ.get("ARGOSY_DRILL") else "test")
