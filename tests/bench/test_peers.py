"""A peer that cannot be set up here is said to be so, with the reason; its figures are neither right nor wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import peers


def test_an_environment_that_cannot_be_made_is_a_figure_without_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "peers" / "backtrader"
    home.mkdir(parents=True)
    (home / "requirements.txt").write_text("./no-such-folder\n")
    monkeypatch.setattr(peers, "HERE", tmp_path / "peers")
    peer = next(one for one in peers.PEERS if one.name == "backtrader")
    figures = list(peers.against(peer, quick=True))
    assert [(one.name, one.value, one.ok, one.fails) for one in figures] == [
        ("peers.backtrader", None, None, False),
        ("peers.backtrader_stepped", None, None, False),
    ]
    assert all("installing it failed" in one.note for one in figures)
    assert "no-such-folder" in capfd.readouterr().err
    assert not (home / "ready").exists()


def test_every_peer_has_pinned_requirements_and_a_runner() -> None:
    names = {peer.name for peer in peers.PEERS} | {"hftbacktest", "vollib"}
    for name in names:
        home = Path(peers.__file__).parent / name
        pins = (home / "requirements.txt").read_text().split()
        assert pins
        assert all("==" in pin for pin in pins), name
        assert (home / "run.py").exists()
