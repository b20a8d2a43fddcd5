"""Errors say what, where and how to go on, and tell the shell how it ended."""

from __future__ import annotations

import pickle

import pytest

from argosy.core.errors import ArgosyError, Broken, Misconfigured, Misuse, Rejected, Retry


@pytest.mark.parametrize(
    ("where", "fix", "text"),
    [
        ("", "", "CODE: what happened"),
        ("file.py:3", "", "CODE: what happened [file.py:3]"),
        ("", "do this", "CODE: what happened - do this"),
        ("file.py:3", "do this", "CODE: what happened [file.py:3] - do this"),
    ],
)
def test_an_error_says_all_it_knows(where: str, fix: str, text: str) -> None:
    error = Misuse("CODE", "what happened", where=where, fix=fix)
    assert str(error) == text
    assert (error.code, error.what, error.where, error.fix) == ("CODE", "what happened", where, fix)


@pytest.mark.parametrize(
    ("kind", "status"),
    [(ArgosyError, 1), (Retry, 1), (Rejected, 1), (Broken, 1), (Misuse, 2), (Misconfigured, 2)],
)
def test_each_kind_has_its_exit_status(kind: type[ArgosyError], status: int) -> None:
    assert kind.exit_status == status
    with pytest.raises(ArgosyError):
        raise kind("CODE", "what happened")


def test_the_branches_of_the_tree_are_apart() -> None:
    branches = (Retry, Rejected, Misuse, Misconfigured, Broken)
    for one in branches:
        assert one.__bases__ == (ArgosyError,)


def test_an_error_crosses_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(Broken("CODE", "what happened", where="there", fix="this")))
    assert type(error) is Broken
    assert (error.code, error.what, error.where, error.fix) == ("CODE", "what happened", "there", "this")
