"""TSLA Improved, a strategy for one volatile stock, packaged on its own; it imports only Argosy's public surface."""

from tsla_improved.strategy import Params, State, TslaImproved

__all__ = ["Params", "State", "TslaImproved"]
