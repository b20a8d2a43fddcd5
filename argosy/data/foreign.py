"""Files that are no prices and belong to another room: it says what a file is by its content, and refuses it by name.

It never reads such a file further than it must to name it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from argosy.core.errors import Misuse

_CAPTURE = re.compile(r"^((wss?|https?)://\S+ (<->|<-|->) |\d{9,11}\.\d+: \s*[\[{]|\d{16,20} [\[{])")
"""A line of a capture: "<url> <-> t", "<url> <- t: message", "t: message", or "<ns> message"."""

_POOL = frozenset(
    "sqrtpricex96 sqrtpricex96after tick tickafter tickspacing liquidityafter amount0 amount1 reserve0 reserve1 token0 token1 feepips".split()
)
_CHAIN = frozenset(
    "address contractaddress bannedaddress tokenaddress pooladdress contractcreator wallettag nametag etherscantag contracttag"
    " blocknumber transactionhash txhash sender numswaps txcurve".split()
)  # fmt: skip
_WORDS = frozenset("word text headline sentence tweet sentiment negative positive uncertainty litigious polarity".split())

WIRE = ("INGEST_WIRE", "a raw capture of an exchange's messages", "replay it through the venue's own codec; what is imported is prices")
PAYLOADS = ("INGEST_WIRE", "a set of examples of an exchange's messages", "they test the venue's codec; there is nothing to import")
POOLS = ("INGEST_DEFI", "a record of automated market makers (pools, swaps, liquidity)", "the room of on-chain venues will read it")
CHAIN = ("INGEST_ONCHAIN", "a record of a block chain (addresses, transfers, blocks)", "the room of on-chain intelligence will read it")
TEXTS = ("INGEST_TEXTS", "labelled text or a lexicon", "the room of news and sentiment will read it")
VECTORS = ("INGEST_VECTORS", "a set of inputs with expected results", "it tests arithmetic; there is nothing to import")
PAPER = ("INGEST_SPECIFICATION", "the specification of an interface", "there is nothing to import in it")


def _refuse(which: tuple[str, str, str], where: str, seen: str) -> Misuse:
    code, name, fix = which
    return Misuse(code, f"this is {name}, not prices ({seen})", where=where, fix=fix)


def in_text(where: str, text: str) -> None:
    """Refuse a capture of messages, or a lexicon, by its first lines. Raises Misuse: INGEST_WIRE, INGEST_TEXTS."""
    lines = [line for line in text[:20_000].split("\n")[:20] if line.strip()]
    if lines and _CAPTURE.match(lines[0]):
        raise _refuse(WIRE, f"{where}:1", f"the first line begins {lines[0][:48]!r}")
    lexicon = re.compile(r"^\S+.*\t-?\d+(\.\d+)?\t\d+(\.\d+)?\t\[")
    if lines and all(lexicon.match(line) for line in lines[:5]):
        raise _refuse(TEXTS, f"{where}:1", "each line is a word, a mean, a deviation and its ratings")


def in_columns(where: str, names: Sequence[str]) -> None:
    """Refuse a table by the names of its columns. Raises Misuse: INGEST_DEFI, INGEST_ONCHAIN, INGEST_TEXTS."""
    words = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in names}
    for which, known, least in ((POOLS, _POOL, 2), (CHAIN, _CHAIN, 1), (TEXTS, _WORDS, 1)):
        seen = [name for word, name in words.items() if word in known]
        if len(seen) >= least:
            shown = ", ".join(seen[:4])
            raise _refuse(which, where, f"it has the column{'s' if len(seen) > 1 else ''} {shown}")


def in_document(where: str, document: Any) -> None:
    """Refuse a JSON document by its keys. Raises Misuse: INGEST_WIRE, INGEST_DEFI, INGEST_ONCHAIN, INGEST_VECTORS, ..."""
    first = document[0] if isinstance(document, list) and document else document
    keys = {str(key) for key in first} if isinstance(first, dict) else set()
    inner = next(iter(first.values()), None) if isinstance(first, dict) and first else None
    deep = {str(key) for key in inner} if isinstance(inner, dict) else set()
    if isinstance(inner, list) and inner and isinstance(inner[0], dict):
        deep = {str(key) for key in inner[0]}
    seen = ", ".join(sorted(keys)[:4]) or "a list"
    if {"openapi", "paths"} <= keys or "swagger" in keys:
        raise _refuse(PAPER, where, f"its keys are {seen}")
    if {"traces", "receipts"} & keys or {"arbitrages", "sandwiches", "liquidations", "n_swaps"} & deep or {"blockNumber", "transactions"} & keys:
        raise _refuse(CHAIN, where, f"its keys are {seen}")
    if {"pool", "swaps"} <= keys | deep or {"tick", "sqrtRatioX96"} & deep or {"tickSpacing", "startingSqrtPriceX96"} & keys:
        raise _refuse(POOLS, where, f"its keys are {seen}")
    if {"quote_request", "swap_response"} & keys:
        raise _refuse(POOLS, where, f"its keys are {seen}")
    if isinstance(document, list) and isinstance(first, list) and len(first) > 3 and any(isinstance(cell, list) for cell in first):
        raise _refuse(VECTORS, where, f"each row is a list of {len(first)} with lists in it")
    if "payload" in keys or (keys and sum(key.endswith(".json") for key in keys) > len(keys) / 2):
        raise _refuse(PAYLOADS, where, f"its keys are {seen}")
    if {"series", "tests"} <= keys or ({"timestamp"} <= deep and len(keys) > 5 and not deep & {"o", "open", "c", "close"}):
        raise _refuse(VECTORS, where, f"its keys are {seen}")
