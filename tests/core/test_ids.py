"""Order ids: the same each time, short, and read back; what we cannot have made is not ours."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.ids import client_order_id, order_seq

DESKS = st.text(string.ascii_uppercase + string.digits, min_size=4, max_size=4)
SEQS = st.integers(1, (1 << 63) - 1)


@pytest.mark.parametrize(
    ("seq", "text"),
    [
        (1, "ARGO1"),
        (10, "ARGOA"),
        (18, "ARGOJ"),
        (31, "ARGOZ"),
        (32, "ARGO10"),
        (33, "ARGO11"),
        (1024, "ARGO100"),
        ((1 << 63) - 1, "ARGO7ZZZZZZZZZZZZ"),
    ],
)
def test_an_id_is_the_desk_and_the_sequence_in_base_32(seq: int, text: str) -> None:
    assert client_order_id("ARGO", seq) == text
    assert order_seq(text) == seq


@given(DESKS, SEQS)
def test_an_id_is_read_back(desk: str, seq: int) -> None:
    text = client_order_id(desk, seq)
    assert text == client_order_id(desk, seq)
    assert len(text) <= 18
    assert order_seq(text) == seq
    assert not set(text[4:]) & set("ILOU")


@given(SEQS, SEQS)
def test_two_decisions_never_share_an_id(one: int, two: int) -> None:
    assert (client_order_id("ARGO", one) == client_order_id("ARGO", two)) == (one == two)


@pytest.mark.parametrize("desk", ["", "ARG", "ARGOS", "argo", "AR O", "AR-O", "ÄRGO", "ARG\u0661"])
def test_a_bad_desk_name_is_refused(desk: str) -> None:
    with pytest.raises(Misuse) as refusal:
        client_order_id(desk, 1)
    assert refusal.value.code == "DESK_NAME"


@pytest.mark.parametrize("seq", [0, -1])
def test_a_sequence_is_positive(seq: int) -> None:
    with pytest.raises(Misuse) as refusal:
        client_order_id("ARGO", seq)
    assert refusal.value.code == "ORDER_SEQ"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ARGO",
        "ARG",
        "ARGO0",
        "ARGO01",
        "ARGOI",
        "ARGOa",
        "argo1",
        "AR-O1",
        "904837e3-3b76-47ec-b432-046db621571b",
    ],
)
def test_a_stranger_is_not_ours(text: str) -> None:
    with pytest.raises(Misuse) as refusal:
        order_seq(text)
    assert refusal.value.code == "ORDER_ID"


@given(st.text(string.ascii_uppercase + string.digits, max_size=18))
def test_a_text_is_ours_only_if_we_could_have_made_it(text: str) -> None:
    try:
        seq = order_seq(text)
    except Misuse:
        return
    assert client_order_id(text[:4], seq) == text
