"""Which keys open an account, by mode: those of real money have names of their own, so that no other key is ever tried on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from argosy.desk.folder import home
from argosy.net.keystore import find

FILE = "secrets.json"
NAMES = {
    "sim": ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"), "paper": ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"),
    "shadow": ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"), "live": ("ALPACA_LIVE_API_KEY", "ALPACA_LIVE_SECRET_KEY"),
}  # fmt: skip
"""Names in the environment and in the keystore."""
OURS = ("PKSIM", "secret")
"""What `argosy exchange` takes where nothing else was agreed."""


def keystore() -> Path:
    """The owner's encrypted file of keys."""
    return home() / FILE


def keys(mode: str, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Key and secret of a mode, from the environment, else from the keystore. In sim, where there are none, the exchange's own.

    Misconfigured("SECRET_MISSING") where they are not to be found.
    """
    environ = os.environ if environ is None else environ
    first, second = NAMES[mode]
    if mode == "sim" and not environ.get(first):
        return OURS
    return find(first, environ, keystore()).reveal(), find(second, environ, keystore()).reveal()
