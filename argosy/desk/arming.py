"""Whether real money may be traded: the ceremony that says yes for a while, and all that must hold each time; no default leads to yes.

The robot cannot arm itself: the record is signed with a key that lies in the keystore under the owner's passphrase, and is only checked
with the public half. Whatever of code, strategies or limits has changed since, the record counts no more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

import argosy
from argosy.core.errors import Misconfigured, Misuse
from argosy.core.points import reach
from argosy.core.time import DAY, MINUTE, SECOND, iso
from argosy.desk import latch
from argosy.desk.folder import home
from argosy.desk.keys import NAMES
from argosy.desk.latch import Latch
from argosy.net.guard import _MINT, Armed
from argosy.net.secret import Secret
from argosy.store.segment import sync_folder
from argosy.venues.alpaca.modes import PREFIX, TRADING

if TYPE_CHECKING:
    from argosy.house import Wanted
    from argosy.net.keystore import Keystore

VERSION = 1
LONGEST = 7 * DAY
KEY = "ARGOSY_ARMING_KEY"
NO = frozenset({"", "0", "false", "no"})


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner said yes to. host: class of the hosts, "api.alpaca.markets" for real money; made, until: ns UTC; by: user and machine

    code, strategies, limits: hashes of what was armed
    size_cap_usd: the largest order; first_cap_usd: the same for the first `first_minutes` after each start
    """

    version: int
    account: str
    venue: str
    host: str
    code: str
    strategies: str
    limits: str
    size_cap_usd: float
    first_cap_usd: float
    first_minutes: float
    made: int
    until: int
    by: str


class Signed(msgspec.Struct, frozen=True):
    """A record with its signature (Ed25519); key: the public half, hex."""

    record: Record
    key: str
    sign: str

    @property
    def name(self) -> str:
        """Hash of the record."""
        return blake2b(canonical(self.record), digest_size=16).hexdigest()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides whether live trading is armed, as it was found; `conditions` looks at nothing else.

    mode, enabled, confirm, pinned, base: of the settings and their environment; flag: --live
    key_kind: first two letters of the key; key_name: under which it was found; ci: what the environment says in CI
    broker: the account's number as the broker told it; signed: the record, None where there is none; signature: see `verified`
    code, strategies, limits: hashes of what would trade now
    """

    mode: str = ""
    flag: bool = False
    enabled: bool = False
    confirm: str = ""
    pinned: str = ""
    base: str = ""
    key_kind: str = ""
    key_name: str = ""
    ci: str = ""
    broker: str = ""
    signed: Signed | None = None
    signature: str = "missing"
    code: str = ""
    strategies: str = ""
    limits: str = ""
    size_cap_usd: float = 0.0
    first_cap_usd: float = 0.0
    first_minutes: float = 0.0
    latched: Latch | None = None
    now: int = 0


class Missing(msgspec.Struct, frozen=True):
    """One thing that keeps live trading shut, and what would open it."""

    code: str
    text: str
    fix: str


def conditions(facts: Facts) -> list[Missing]:
    """What is missing for live trading; empty: nothing. Each condition has a code of its own, and none leans on another."""
    out: list[Missing] = []

    def need(holds: bool, code: str, text: str, fix: str) -> None:
        if not holds:
            out.append(Missing(code, text, fix))

    key_name = NAMES["live"][0]
    need(facts.mode == "live", "LIVE_MODE", f"the mode is {facts.mode or 'not set'}", 'set desk.mode = "live", or TRADING_MODE=live')
    need(facts.flag, "LIVE_FLAG", "--live was not said", "say --live")
    need(facts.enabled, "LIVE_ENABLED", "live trading is not enabled", "export LIVE_TRADING_ENABLED=true")
    need(
        bool(facts.broker) and facts.confirm == facts.broker, "LIVE_CONFIRM",
        f"LIVE_CONFIRM is {facts.confirm or 'not set'}, the broker says {facts.broker or 'nothing'}", "export LIVE_CONFIRM=<number of the account>",
    )  # fmt: skip
    need(
        bool(facts.broker) and facts.pinned == facts.broker, "LIVE_PINNED",
        f"the settings name account {facts.pinned or 'none'}, the broker says {facts.broker or 'nothing'}", 'set desk.account = "<its number>"',
    )  # fmt: skip
    real = bool(facts.broker) and not facts.broker.startswith("PA")
    need(real, "LIVE_ACCOUNT", f"{facts.broker or 'no account'} is not one of real money", "use the keys of the live account")
    own = PREFIX["live"]
    need(facts.key_kind == own, "LIVE_KEY_KIND", f"the key begins with {facts.key_kind or 'nothing'}", f"a key for live begins with {own}")
    need(facts.key_name == key_name, "LIVE_KEY_NAME", f"the key was found as {facts.key_name or 'nothing'}", f"argosy secrets set {key_name}")
    need(
        not facts.base or (urlsplit(facts.base).scheme == "https" and urlsplit(facts.base).netloc == TRADING["live"]), "LIVE_HOST",
        f"{facts.base} is not the host of live", f"leave desk.base out, or https://{TRADING['live']}",
    )  # fmt: skip
    need(facts.ci.strip().lower() in NO, "LIVE_CI", f"CI={facts.ci}: nothing goes live from a build machine", "run it elsewhere")
    stopped = facts.latched.cause if facts.latched is not None else ""
    out_of_it = "look into it, then: argosy resume, or argosy unlatch where no desk runs"
    need(facts.latched is None, "LIVE_LATCHED", f"a level is latched: {stopped}", out_of_it)
    need(
        0.0 < facts.first_cap_usd <= facts.size_cap_usd and facts.first_minutes > 0.0, "LIVE_SOFT_LAUNCH",
        "no cap is set for the first minutes, or none for an order", "set arming.size_cap_usd, arming.first_cap_usd and arming.first_minutes",
    )  # fmt: skip
    if facts.signed is None:
        need(False, "LIVE_RECORD", "it was never armed, or was disarmed", "argosy arm")
        return out
    record = facts.signed.record
    need(facts.signature == "good", "LIVE_RECORD", f"the record's signature is {facts.signature}", "argosy arm")
    need(
        bool(facts.broker) and record.account == facts.broker and record.host == TRADING["live"], "LIVE_RECORD_ACCOUNT",
        f"it was armed for {record.account} at {record.host}", "argosy arm, for this account",
    )  # fmt: skip
    for code, what, armed, now in (
        ("LIVE_RECORD_CODE", "the code", record.code, facts.code), ("LIVE_RECORD_STRATEGIES", "the strategies", record.strategies, facts.strategies),
        ("LIVE_RECORD_LIMITS", "the limits", record.limits, facts.limits),
    ):  # fmt: skip
        need(bool(now) and armed == now, code, f"{what} changed since it was armed", "look at what changed, then: argosy arm")
    need(
        record.made <= facts.now + SECOND and facts.now < record.until and record.until - record.made <= LONGEST, "LIVE_RECORD_ENDED",
        f"it was armed from {iso(record.made)} until {iso(record.until)}", "argosy arm",
    )  # fmt: skip
    return out


def arm(facts: Facts) -> Armed:
    """The proof, where nothing is missing. Misconfigured with the code of the first thing that is, and how many more there are."""
    missing = conditions(facts)
    if missing or facts.signed is None:
        first = missing[0]
        more = f" ({len(missing) - 1} more: {', '.join(one.code for one in missing[1:])})" if len(missing) > 1 else ""
        raise Misconfigured(first.code, f"live trading is not armed: {first.text}", where="arming", fix=first.fix + more)
    record = facts.signed.record
    reach("arming.armed")
    return Armed(
        _MINT, account=record.account, venue=record.venue, until_ns=record.until, record=facts.signed.name, size_cap_usd=record.size_cap_usd,
        first_cap_usd=record.first_cap_usd, at_ns=facts.now, first_until_ns=facts.now + int(record.first_minutes * MINUTE),
    )  # fmt: skip


def limits_under(limits: Mapping[str, Mapping[str, Any]], armed: Armed) -> dict[str, dict[str, Any]]:
    """The gate's limits under an arming: no order is larger than its cap, nor than that of the soft launch in the first minutes.

    Tighter limits of the owner's own stay. An exit that is larger goes out in parts. The first minutes are counted from the command
    "arm" that the desk records when it begins.
    """
    out = {name: dict(row) for name, row in limits.items()}
    minutes = (armed.first_until_ns - armed.at_ns) / MINUTE
    size, first = out.get("order_size", {}), out.get("first_minutes", {})
    out["order_size"] = {"trim": True} | size | {"max_notional": _least(size.get("max_notional"), armed.size_cap_usd)}
    longest = max(first.get("minutes") or 0.0, minutes)
    out["first_minutes"] = {"max_units": None} | first | {"minutes": longest, "max_notional": _least(first.get("max_notional"), armed.first_cap_usd)}
    return out


def _least(own: float | None, cap: float) -> float:
    return cap if own is None else min(own, cap)


# -- what is armed -----------------------------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """The one way to write a value."""
    return msgspec.json.encode(value, order="sorted")


def code_hash() -> str:
    """Of every file of the house's code."""
    digest = blake2b(digest_size=16)
    root = Path(argosy.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def strategies_hash(wanted: Sequence[Wanted]) -> str:
    """Of the strategies, where their code is found, their parameters, symbols and budgets."""
    import inspect

    from argosy.core import plugins

    rows = []
    for want in sorted(wanted, key=lambda one: one.name):
        cls = want.plugin if isinstance(want.plugin, type) else plugins.load("argosy.strategies", want.plugin)
        try:
            code = blake2b(Path(inspect.getsourcefile(cls) or "").read_bytes(), digest_size=16).hexdigest()
        except (OSError, TypeError):  # made at a prompt: by its name alone
            code = ""
        name = f"{cls.__module__}.{cls.__qualname__}"
        rows.append([want.name, name, code, want.params, sorted(want.symbols), want.budget_frac, want.max_loss_frac])
    return blake2b(canonical(rows), digest_size=16).hexdigest()


def limits_hash(*parts: Any) -> str:
    """Of limits, profile, caps and whatever else bounds what may be lost; plain values."""
    return blake2b(canonical(parts), digest_size=16).hexdigest()


# -- the record --------------------------------------------------------------------------------------------------------------


def sign(record: Record, keystore: Keystore) -> Signed:
    """Sign with the owner's key, which is made at the first time. The passphrase of the keystore is asked for by whoever opens it.

    Misconfigured("ARMING_KEY") where the public half that is known here is another's.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    kept = keystore.get(KEY) if keystore.exists else None
    if kept is None:
        kept = Secret(os.urandom(32).hex())
        keystore.set(KEY, kept, record.made)
        public_file().unlink(missing_ok=True)
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept.reveal()))
    public = private.public_key().public_bytes_raw().hex()
    if trusted() not in ("", public):
        raise Misconfigured(
            "ARMING_KEY", "the key of the keystore is not the one that is trusted here", where=str(public_file()), fix="move that file away"
        )
    if not trusted():
        public_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        latch.put(public_file(), public.encode())
    return Signed(record, public, private.sign(canonical(record)).hex())


def public_file() -> Path:
    """The public half of the owner's key."""
    return home() / "arming.pub"


def trusted() -> str:
    """The public key whose records count here, "" where none was made."""
    try:
        return public_file().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def verified(signed: Signed | None, public: str) -> str:
    """What a signature is worth: "good", "missing", "of another key", "not of this record"."""
    if signed is None:
        return "missing"
    if not public or signed.key != public or signed.record.version != VERSION:
        return "of another key"
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signed.sign), canonical(signed.record))
    except (InvalidSignature, ValueError):
        return "not of this record"
    return "good"


def write(path: Path, signed: Signed) -> None:
    """Keep a record, durably."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    reach("arming.before")
    latch.put(path, msgspec.json.encode(signed))
    reach("arming.after")


def read(path: Path) -> Signed | None:
    """The record that is kept; None where there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Signed)
    except (OSError, msgspec.MsgspecError):
        return None


def stands(path: Path, armed: Armed, now: int) -> bool:
    """Whether the record of a proof is still the one that is kept, and has not ended: a desk asks each second."""
    found = read(path)
    return found is not None and found.name == armed.record and now < armed.until_ns


def disarm(path: Path, reason: str, by: str, at: int) -> Signed | None:
    """Take the record away; what it was. It stays in the folder under another name, with the reason. Misuse("COMMAND_REASON") without one."""
    if not reason.strip():
        raise Misuse("COMMAND_REASON", "disarming has a reason", fix='say why: argosy disarm --reason "..."')
    before = read(path)
    if path.exists():
        kept = {"record": before, "disarmed": {"reason": reason.strip(), "by": by, "at": at}}
        latch.put(path.with_name(f"arming-{at}.json"), msgspec.json.encode(kept))
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    return before


def agreed(typed: str, account: str) -> None:
    """The typed confirmation: the account's number, letter by letter. Misuse("ARMING_CONFIRM") for anything else."""
    if not account or typed.strip() != account:
        raise Misuse("ARMING_CONFIRM", f"{typed.strip()[:40]!r} is not the account's number; nothing was armed", fix=f"type {account}")
