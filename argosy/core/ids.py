"""Names that are the same each time they are made: order ids from the journal's sequence; nothing here is random."""

from __future__ import annotations

from argosy.core.errors import Misuse

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base 32 without I L O U, which people misread
_VALUE = {digit: value for value, digit in enumerate(_DIGITS)}


def _is_desk(text: str) -> bool:
    return len(text) == 4 and text.isalnum() and text.isascii() and text == text.upper()


def client_order_id(desk: str, seq: int) -> str:
    """The id a venue sees: four letters of the desk, then `seq` in base 32; at most 18 characters.

    The same decision always has the same id, so that a resend is safe.
    Raises Misuse("DESK_NAME") unless `desk` is four characters A-Z or 0-9.
    """
    if not _is_desk(desk):
        raise Misuse("DESK_NAME", f"{desk!r} is not a desk name", fix="use four characters A-Z or 0-9")
    if seq <= 0:
        raise Misuse("ORDER_SEQ", f"an order's sequence is positive, not {seq}")
    digits = ""
    while seq:
        seq, digit = divmod(seq, 32)
        digits = _DIGITS[digit] + digits
    return desk + digits


def order_seq(text: str) -> int:
    """The journal sequence inside a client order id; Misuse("ORDER_ID") for a text that `client_order_id` cannot make."""
    seq = 0
    for digit in text[4:]:
        if digit not in _VALUE:
            raise Misuse("ORDER_ID", f"{text!r} is not an order id of ours")
        seq = seq * 32 + _VALUE[digit]
    if not _is_desk(text[:4]) or text[4:5] in ("", "0"):
        raise Misuse("ORDER_ID", f"{text!r} is not an order id of ours")
    return seq
