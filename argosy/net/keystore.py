"""Where keys of accounts are kept: the environment, or one encrypted file; a key is never printed, logged or kept in the clear."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from argosy.core.errors import Misconfigured, Misuse
from argosy.net.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NAME = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
MAGIC = "argosy-keystore"
PASSPHRASE = "ARGOSY_PASSPHRASE"  # noqa: S105  (the name of a variable)
PASSPHRASE_FILE = "ARGOSY_PASSPHRASE_FILE"  # noqa: S105
SHORTEST = 8


class Entry(msgspec.Struct, frozen=True):
    """One secret in the clear; lives in memory only. set_ns: ns UTC at which it was set; turns: how often it was replaced."""

    value: str
    set_ns: int
    turns: int = 0


class Kept(NamedTuple):
    """What is told of a secret: never the secret."""

    name: str
    set_ns: int
    turns: int


class Cost(msgspec.Struct, frozen=True):
    """What a guess at the passphrase costs (argon2id). memory_kib, rounds, lanes as RFC 9106 means them."""

    memory_kib: int = 65_536
    rounds: int = 3
    lanes: int = 4


class _File(msgspec.Struct, frozen=True):
    magic: str
    version: int
    cost: Cost
    salt: str
    nonce: str
    cipher: str


class Keystore:
    """Names and secrets in one file: argon2id makes a key of the passphrase, AES-256-GCM seals all of it.

    Raises Misconfigured: KEYSTORE_MISSING, KEYSTORE_BROKEN (no keystore, or changed by another hand), PASSPHRASE (wrong one).
    """

    def __init__(self, path: Path, passphrase: Secret, *, cost: Cost | None = None) -> None:
        if len(passphrase.reveal()) < SHORTEST:
            raise Misuse("PASSPHRASE", f"a passphrase has at least {SHORTEST} characters")
        self._path = path
        self._passphrase = passphrase
        self._cost = cost or Cost()

    @property
    def exists(self) -> bool:
        return self._path.exists()

    def get(self, name: str) -> Secret | None:
        """One secret, None where there is none of that name."""
        entry = self._read().get(name)
        return None if entry is None else Secret(entry.value)

    def set(self, name: str, value: Secret, now_ns: int) -> Kept:
        """Keep a secret; one of that name is replaced."""
        if not NAME.fullmatch(name):
            raise Misuse("SECRET_NAME", f"{name!r} is no name of a secret", fix="use capitals, digits and _: ALPACA_API_KEY")
        if not value:
            raise Misuse("SECRET_EMPTY", f"{name} would be empty")
        entries = self._read() if self.exists else {}
        before = entries.get(name)
        entries[name] = Entry(value.reveal(), now_ns, before.turns + 1 if before is not None else 0)
        self._write(entries, self._passphrase)
        return Kept(name, now_ns, entries[name].turns)

    def rotate(self, passphrase: Secret) -> int:
        """Seal everything anew under another passphrase; how many secrets there are."""
        if len(passphrase.reveal()) < SHORTEST:
            raise Misuse("PASSPHRASE", f"a passphrase has at least {SHORTEST} characters")
        entries = self._read()
        self._write(entries, passphrase)
        self._passphrase = passphrase
        return len(entries)

    def list(self) -> list[Kept]:
        """What is kept, by name."""
        return [Kept(name, entry.set_ns, entry.turns) for name, entry in sorted(self._read().items())]

    def _read(self) -> dict[str, Entry]:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError as error:
            raise Misconfigured("KEYSTORE_MISSING", "there is no keystore", where=str(self._path), fix="argosy secrets set NAME") from error
        try:
            file = msgspec.json.decode(raw, type=_File)
            salt, nonce, cipher = (base64.b64decode(text, validate=True) for text in (file.salt, file.nonce, file.cipher))
        except (msgspec.MsgspecError, ValueError) as error:
            raise self._broken("it is no keystore") from error
        cost = file.cost
        if file.magic != MAGIC or file.version != 1 or len(salt) != 16 or len(nonce) != 12:
            raise self._broken("it is no keystore of this version")
        if not (8 * cost.lanes <= cost.memory_kib <= 1 << 21 and 1 <= cost.rounds <= 64 and 1 <= cost.lanes <= 64):
            raise self._broken("its costs are out of bounds")
        from cryptography.exceptions import InvalidTag

        try:
            plain = self._sealer(self._passphrase, salt, cost).decrypt(nonce, cipher, _bound(cost, salt))
        except InvalidTag as error:
            raise Misconfigured("PASSPHRASE", "the passphrase is wrong, or the file was changed", where=str(self._path)) from error
        return msgspec.json.decode(plain, type=dict[str, Entry])

    def _write(self, entries: Mapping[str, Entry], passphrase: Secret) -> None:
        salt, nonce = os.urandom(16), os.urandom(12)
        cipher = self._sealer(passphrase, salt, self._cost).encrypt(nonce, msgspec.json.encode(entries), _bound(self._cost, salt))
        text = [base64.b64encode(part).decode() for part in (salt, nonce, cipher)]
        raw = msgspec.json.encode(_File(MAGIC, 1, self._cost, *text))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o600)  # also where a torn write of another left the file
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _sealer(self, passphrase: Secret, salt: bytes, cost: Cost) -> AESGCM:
        try:
            from argon2.low_level import Type, hash_secret_raw
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise Misconfigured("NET_MISSING", "cryptography and argon2-cffi are not installed", fix="pip install 'argosy[desk]'") from error
        key = hash_secret_raw(passphrase.reveal().encode(), salt, cost.rounds, cost.memory_kib, cost.lanes, 32, Type.ID)
        return AESGCM(key)

    def _broken(self, what: str) -> Misconfigured:
        return Misconfigured("KEYSTORE_BROKEN", what, where=str(self._path), fix="restore it from a copy, or set the secrets anew")


def _bound(cost: Cost, salt: bytes) -> bytes:
    """What is not secret and yet must not be changed."""
    return f"{MAGIC}/1/{cost.memory_kib}/{cost.rounds}/{cost.lanes}/".encode() + salt


def passphrase(environ: Mapping[str, str]) -> Secret | None:
    """The passphrase of the keystore where nobody can be asked: ARGOSY_PASSPHRASE, or the first line of ARGOSY_PASSPHRASE_FILE.

    None where neither is set. Raises Misconfigured("PASSPHRASE_FILE") for a file that cannot be read or says nothing.
    """
    if environ.get(PASSPHRASE):
        return Secret(environ[PASSPHRASE])
    if not environ.get(PASSPHRASE_FILE):
        return None
    path = Path(environ[PASSPHRASE_FILE])
    try:
        said = path.read_text().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured("PASSPHRASE_FILE", f"{type(error).__name__}", where=str(path), fix=f"let {PASSPHRASE_FILE} name a text file") from error
    if not said:
        raise Misconfigured("PASSPHRASE_FILE", "its first line is empty", where=str(path), fix="write the passphrase there")
    return Secret(said)


def find(name: str, environ: Mapping[str, str], keystore: Path | None = None) -> Secret:
    """A secret by name: the environment first, then the keystore, opened by the passphrase of the environment.

    Raises Misconfigured("SECRET_MISSING") where neither has it; its fix says what is lacking.
    """
    if environ.get(name):
        return Secret(environ[name])
    fix = f"export {name}=..., or `argosy secrets set {name}` and {PASSPHRASE} or {PASSPHRASE_FILE}"
    if keystore is not None and keystore.exists():
        opened = passphrase(environ)
        if opened is None:
            fix = f"{keystore} is there but closed: export {PASSPHRASE}, or {PASSPHRASE_FILE}=FILE"
        elif (found := Keystore(keystore, opened).get(name)) is not None:
            return found
        else:
            fix = f"{keystore} has no such name; `argosy secrets list` shows what it has, `argosy secrets set {name}` adds it"
    raise Misconfigured("SECRET_MISSING", f"{name} is not set", fix=fix)
