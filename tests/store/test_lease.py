"""One writer for each account; the second one is told who has it, and a dead one keeps nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from argosy.core.errors import Broken, Misuse
from argosy.store.lease import Lease, boot, held, taken

ROOT = Path(__file__).resolve().parents[2]


def test_the_second_one_is_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    assert not taken(path)
    assert held(path) is None
    with Lease(path, account="PA3") as lease:
        assert lease.held
        assert taken(path)
        with pytest.raises(Misuse, match=rf"LEASE_HELD: PA4 has a writer already: desk of account PA3, process {os.getpid()} on "):
            Lease(path, account="PA4")
        holder = held(path)
        assert holder is not None
        assert (holder.pid, holder.account, holder.boot) == (os.getpid(), "PA3", boot())
        assert holder.start > 1_700_000_000_000_000_000
    assert not lease.held
    assert not taken(path)
    lease.give_back()
    Lease(path).give_back()


def test_a_process_that_is_killed_holds_nothing_any_more(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    program = "import sys, time\nfrom argosy.store.lease import Lease\nlease = Lease(sys.argv[1], account='PA3')\nprint(flush=True)\ntime.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(Misuse, match=f"process {process.pid} "):
        Lease(path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert held(path).pid == process.pid  # the last one is still named
    assert not taken(path)
    with Lease(path) as lease:
        assert lease.held


def test_a_lease_whose_file_was_taken_away_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    with Lease(path) as lease:
        path.unlink()
        assert not lease.held
        with Lease(path) as other:
            assert other.held
            assert not lease.held


def test_who_holds_it_may_not_have_said_so(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    with Lease(path, what="journal"):
        path.write_bytes(b"")
        with pytest.raises(Misuse, match="somebody who has not said who"):
            Lease(path)


def test_a_lease_that_cannot_be_made_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Broken, match="LEASE_FILE"):
        Lease(tmp_path / "nowhere" / "lease")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.lease.os.pwrite", full)
        with pytest.raises(Broken, match=r"LEASE_FILE.*No space"):
            Lease(tmp_path / "lease")
    Lease(tmp_path / "lease").give_back()


def test_a_machine_without_a_name_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: Path) -> str:
        raise OSError

    assert len(boot()) > 10
    monkeypatch.setattr(Path, "read_text", gone)
    assert boot() == ""
