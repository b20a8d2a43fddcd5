"""A passport on paper: written as one HTML page or as JSON, signed, and read back; what was changed afterwards is said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from argosy.core.errors import Misuse
from argosy.lab.passport.issue import SCHEMA, Passport
from argosy.lab.passport.page import HERE, render
from argosy.lab.passport.seal import Seal, canonical, checked, public, seal

_PLACE = re.compile(r'<script type="application/json" id="passport">(.*?)</script>', re.DOTALL)


class Finding(NamedTuple):
    """One answer of a check of a written passport. good: None where it could not be asked."""

    name: str
    good: bool | None
    said: str


def write(passport: Passport, path: Path | str) -> Path:
    """Sign and write it: JSON for a name that ends in .json, else the page. Misuse("PASSPORT_PATH") where it cannot be written."""
    at = Path(path)
    text = document(passport) if at.suffix == ".json" else page(passport)
    try:
        at.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misuse("PASSPORT_PATH", f"the passport cannot be written: {error.strerror}", where=str(at), fix="choose another path") from error
    return at


def document(passport: Passport) -> str:
    """The signed JSON document: passport, page (""), seal."""
    return msgspec.json.format(_signed(passport, ""), indent=1).decode()


def page(passport: Passport) -> str:
    """The page, with the signed passport inside; the hash of all that can be read in it is signed, too."""
    bare = render(passport, public())
    inside = _signed(passport, _hash(bare)).decode().replace("<", "\\u003c")
    return bare.replace(HERE, HERE.replace("></", f">{inside}</"))


def _signed(passport: Passport, hashed: str) -> bytes:
    body = {"passport": msgspec.to_builtins(passport), "page": hashed}
    return msgspec.json.encode(body | {"seal": msgspec.to_builtins(seal(canonical(body)))})


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def read(path: Path | str, keys: Sequence[str] = ()) -> tuple[Passport, list[Finding]]:
    """A written passport, and whether its signature and its page hold. keys: others' public keys that are trusted, beside the owner's file.

    "signature" is whether nothing was changed, "key" whether the one who signed is the owner or trusted: a stranger can sign anything.
    Misuse: PASSPORT_READ for what is none, PASSPORT_TRUST for a key that is none.
    """
    at = Path(path)
    try:
        text = at.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse("PASSPORT_READ", f"it cannot be read: {error}", where=str(at), fix="name a file that `argosy passport` wrote") from error
    found = _PLACE.search(text)
    try:
        whole = msgspec.json.decode(found.group(1) if found else text)
        passport = msgspec.convert(whole["passport"], Passport)
        hashed, sealed = str(whole["page"]), msgspec.convert(whole["seal"], Seal)
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError) as error:
        raise Misuse("PASSPORT_READ", "this is no passport", where=str(at), fix="name a file that `argosy passport` wrote") from error
    if passport.schema != SCHEMA:
        raise Misuse("PASSPORT_READ", f"layout {passport.schema} is not known", where=str(at), fix="read it with the release that wrote it")
    answer = checked(canonical({"passport": whole["passport"], "page": hashed}), sealed, keys)
    whole_one = answer.good and answer.whose != "unknown"
    said = "nothing was changed since it was signed" if whole_one else answer.said
    findings = [Finding("signature", None if answer.whose == "unknown" else answer.good, said)]
    if whole_one:
        findings.append(Finding("key", answer.whose != "other", answer.said))
    if found:
        bare = text[: found.start(1)] + text[found.end(1) :]
        same = _hash(bare) == hashed
        findings.append(Finding("page", same, "the page is as it was signed" if same else "the page was changed after it was signed"))
    return passport, findings


def compared(passport: Passport, code: str | None, data: Mapping[str, str] | None, trials: int | None) -> list[Finding]:
    """Whether the strategy and the prices are still those of the passport, and how often they were tried since; None was not found."""
    out = []
    if code is None:
        out.append(Finding("code", None, "the strategy was not found here, so its code could not be compared"))
    else:
        same = code == passport.code
        said = "the strategy's code is the same" if same else "the strategy's code has changed: it is not the one that was tested"
        out.append(Finding("code", same, said))
    if data is None:
        out.append(Finding("data", None, "the prices were not found here, so they could not be compared"))
    else:
        other = [symbol for symbol, name in passport.data.items() if data.get(symbol) != name]
        said = "the prices are the same" if not other else f"the prices of {', '.join(other[:5])} are not those that were tested"
        out.append(Finding("data", not other, said))
    if trials is not None and trials > passport.trials:
        said = f"these prices were tried {trials - passport.trials:,} more times since, so the passport counts too few: make it anew"
        out.append(Finding("trials", False, said))
    return out


def plain(passport: Passport) -> dict[str, Any]:
    """The passport as plain JSON values."""
    made: dict[str, Any] = msgspec.to_builtins(passport)
    return made
