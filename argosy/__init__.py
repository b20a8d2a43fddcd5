"""Argosy: an autonomous trading robot and the research house around it; one engine for the past and the present."""

__version__ = "0.1.0"
