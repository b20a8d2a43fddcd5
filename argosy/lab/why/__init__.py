"""Why a saved run did each thing: its journal kept beside the result, and the way of one trade through it."""

from argosy.lab.why.kept import Kept, keep, load
from argosy.lab.why.way import Chapter, Step, Way, of_order, of_trade

__all__ = ["Chapter", "Kept", "Step", "Way", "keep", "load", "of_order", "of_trade"]
