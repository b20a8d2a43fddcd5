"""The daily pipeline: what the fleet wants after the last closed bar, beside what is held, with reasons; it sends no order."""

from argosy.lab.daily.decide import Call, Daily, Voice, decide
from argosy.lab.daily.fresh import Age, ages
from argosy.lab.daily.holdings import Holding, Holdings, read

__all__ = ["Age", "Call", "Daily", "Holding", "Holdings", "Voice", "ages", "decide", "read"]
