"""The signature under a passport: who made it, and that nothing was changed since; keys never leave the owner's folder.

With the package `cryptography` it is Ed25519: anyone who has the page can check it, and the key's name says whose it is. Without, it is
HMAC-SHA256 with a secret of this machine: only its owner can check it. Keys are made at the first use, readable by the owner alone.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Sequence
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from argosy.core.errors import Misconfigured, Misuse
from argosy.lab.trials import home

SEAL = "passport.ed25519"
SECRET = "passport.hmac"  # noqa: S105  (the name of a file)
TRUSTED = "trusted"
"""Keys of others whose passports count here: a line each, the public key and, after a space, whose it is."""
_KEY = re.compile(r"[0-9a-f]{64}")


class Seal(msgspec.Struct, frozen=True):
    """A signature. by: "ed25519" or "hmac-sha256"; key: the public key, or the name of the secret; sign: hex."""

    by: str
    key: str
    sign: str


class Checked(NamedTuple):
    """What a signature is worth here.

    good:  it belongs to these bytes and to the key that it names: nothing was changed since, whoever made it
    whose: "mine"; "trusted", a key that was named as trusted; "other", a key of nobody known; "unknown", it cannot be checked here
    """

    good: bool
    whose: Literal["mine", "trusted", "other", "unknown"]
    said: str


def canonical(value: Any) -> bytes:
    """The one way to write a JSON value: keys sorted, no spaces."""
    return msgspec.json.encode(value, order="sorted")


def seal(body: bytes) -> Seal:
    """Sign with this machine's key, which is made if there is none. Misconfigured("PASSPORT_KEY") where it cannot be kept."""
    made = _ed25519()
    if made is None:
        secret = _kept(SECRET, lambda: secrets.token_bytes(32))
        return Seal("hmac-sha256", _named(secret), hmac.new(secret, body, sha256).hexdigest())
    key = made.Ed25519PrivateKey.from_private_bytes(_kept(SEAL, lambda: secrets.token_bytes(32)))
    return Seal("ed25519", key.public_key().public_bytes_raw().hex(), key.sign(body).hex())


def public() -> str:
    """The public name of this machine's key, with how it signs: "ed25519 3b6a…"."""
    found = seal(b"")
    return f"{found.by} {found.key}"


def trusted(keys: Sequence[str] = ()) -> dict[str, str]:
    """Public keys of others that count here, with whose they are: those given, and those of the file `TRUSTED` in the owner's folder.

    Misuse("PASSPORT_TRUST") for what is no public key: 64 digits of Ed25519 in hex.
    """
    out = {key.strip().lower(): "named here" for key in keys}
    path = home() / TRUSTED
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse("PASSPORT_TRUST", f"the trusted keys cannot be read: {error}", where=str(path), fix="mend the file, or move it away") from error
    for line in lines:
        key, _, name = line.strip().partition(" ")
        if key and not key.startswith("#"):
            out.setdefault(key.lower(), name.strip() or "trusted")
    for key in out:
        if not _KEY.fullmatch(key):
            raise Misuse("PASSPORT_TRUST", f"{key[:70]!r} is no public key", where="--key", fix="64 digits, as `argosy passport key` prints them")
    return out


def checked(body: bytes, found: Seal, keys: Sequence[str] = ()) -> Checked:
    """Whether a signature belongs to these bytes, and whose it is. keys: others' public keys that are trusted now, beside `TRUSTED`."""
    known = trusted(keys)
    try:
        sign = bytes.fromhex(found.sign)
        if found.by == "hmac-sha256":
            path = home() / SECRET
            if not path.exists() or _named(path.read_bytes()) != found.key:
                return Checked(False, "unknown", "it was signed with the secret of another machine, and can be checked only there")
            good = hmac.compare_digest(hmac.new(path.read_bytes(), body, sha256).digest(), sign)
            return Checked(good, "mine", "signed by this machine" if good else "the signature is not of this page")
        made = _ed25519()
        if found.by != "ed25519" or made is None:
            return Checked(False, "unknown", "it can be checked with the package cryptography: pip install cryptography")
        public = made.Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.key))
        path = home() / SEAL
        mine = path.exists() and made.Ed25519PrivateKey.from_private_bytes(path.read_bytes()).public_key().public_bytes_raw().hex() == found.key
        own = found.key.lower()
        whose: Literal["mine", "trusted", "other"] = "mine" if mine else "trusted" if own in known else "other"
        said = "signed by this machine" if mine else f"signed by the key {own}, " + (
            f"which is trusted ({known[own]})" if own in known else "which is not yours: anyone can have made it"
        )
        try:
            public.verify(sign, body)
        except made.InvalidSignature:
            return Checked(False, whose, "the signature is not of this page: it was changed after it was signed")
        return Checked(True, whose, said)
    except ValueError:
        return Checked(False, "unknown", "the signature cannot be read")


class _Library(NamedTuple):
    Ed25519PrivateKey: Any
    Ed25519PublicKey: Any
    InvalidSignature: Any


def _ed25519() -> _Library | None:
    """The library, where it is installed."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    except ImportError:
        return None
    return _Library(Ed25519PrivateKey, Ed25519PublicKey, InvalidSignature)


def _kept(name: str, make: Any) -> bytes:
    """The bytes of a key file, made once; of two processes that make it at once, one wins and both use its."""
    path = home() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            fresh = path.with_name(f"{name}.{os.getpid()}.{secrets.token_hex(4)}")
            file = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(make())
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass
            Path(fresh).unlink()
        found = path.read_bytes()
    except OSError as error:
        raise Misconfigured(
            "PASSPORT_KEY", f"the key of the passports cannot be kept: {error.strerror}", where=str(path), fix="set ARGOSY_HOME to a folder of yours",
        ) from error  # fmt: skip
    if len(found) != 32:
        raise Misconfigured("PASSPORT_KEY", "the key of the passports is damaged", where=str(path), fix="move it away; a new one is made")
    return found


def _named(secret: bytes) -> str:
    return blake2b(secret, digest_size=16, person=b"argosy-seal").hexdigest()
