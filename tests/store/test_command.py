"""`argosy journal`: tables for people, JSON for machines, 1 for a broken journal, 2 for misuse."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from argosy.cli.main import app
from argosy.core.effects import Submit
from argosy.core.orders import BUY, Approved, Order, Refused, Share, Trimmed, Type
from argosy.engine.records import Memory, Reserve, Verdict
from argosy.store import segment
from argosy.store.recorder import Recorder
from tests.store.shelf import crash, fill, opened, record, row

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["journal", *words], env={"COLUMNS": "200"})


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desk with a journal of three segments and some market rows."""
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    root = tmp_path / "desks" / "paper-PA3"
    with Recorder(root / "rows") as recorder:
        for k in range(12):
            recorder.append(row(random.Random(k), k))
    with opened(root / "journal", segment_bytes=3000) as journal:
        fill(journal, 0, 200)
        order = Order(800, 1, BUY, 5, Type.LIMIT, limit=99.5, shares=(Share("ann", 5),), why="cheap")
        leg = Order(801, 1, -BUY, 5, Type.STOP, stop=90.0, parent=800)
        journal.append(Reserve(Submit(Approved(order, (leg,))), 5))
        journal.append(Verdict(order, Refused("MAX_ORDER_QTY", {"lots": 5.0})))
        journal.append(Verdict(order, Trimmed("CAP", 5, 3, {})))
        journal.append(Memory("ann", b"1234", 7))
        journal.commit()
    return root


def test_verify_tells_of_every_segment_and_run(desk: Path) -> None:
    done = run("verify", str(desk))
    assert done.exit_code == 0, done.output
    assert "204 records, each as it was written; the next is 205" in done.output
    assert "12 market rows beside it" in done.output
    assert "account PA3 · mode paper" in done.output
    assert "Ended" in done.output
    files = [place.path.name for place in segment.places(desk / "journal")]
    assert len(files) > 2
    assert all(done.output.count(name) == 1 for name in files)
    found = json.loads(run("verify", "--json").output)  # the only desk there is
    assert found["whole"] is True
    assert (found["found"]["records"], found["found"]["next"], found["rows"]) == (204, 205, 12)
    assert found["found"]["parts"][0]["first"] == 1
    assert found["manifest"]["runs"][0]["status"] == "Ended"


def test_verify_of_a_broken_journal_is_one(desk: Path) -> None:
    path = segment.places(desk / "journal")[1].path
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    done = run("verify", str(desk))
    assert done.exit_code == 1
    assert "JOURNAL_CRC" in done.output
    done = run("verify", str(desk), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr)["error"]["code"] == "JOURNAL_CRC"


def test_verify_of_one_in_quarantine_and_its_release(desk: Path) -> None:
    from argosy.core.errors import Broken

    for place in segment.places(desk / "journal")[2:]:
        place.path.unlink()
    with pytest.raises(Broken):
        opened(desk / "journal")
    done = run("verify", str(desk))
    assert (done.exit_code, "JOURNAL_QUARANTINE" in done.output) == (1, True)
    assert run("release", str(desk)).exit_code == 2
    done = run("release", str(desk), "--by", "Ann", "--reason", "compared with the broker")
    assert done.exit_code == 0, done.output
    assert "goes on with" in done.output
    assert run("verify", str(desk)).exit_code == 0
    assert run("release", str(desk), "--by", "Ann", "--reason", "compared with the broker").exit_code == 2
    segment.places(desk / "journal")[0].path.unlink()
    with pytest.raises(Broken):
        opened(desk / "journal")
    said = json.loads(run("release", str(desk), "--by", "Ann", "--reason", "compared again", "--json").output)
    assert said["by"] == "Ann"


def test_a_torn_tail_is_told_and_is_no_damage(desk: Path) -> None:
    journal = opened(desk / "journal")
    crash(journal)
    with journal._path.open("ab") as file:
        file.write(b"\1\2\3")
    done = run("verify", str(desk))
    assert done.exit_code == 0
    assert "3 bytes at the end" in done.output


def test_verify_of_an_orderly_end_that_is_cut(desk: Path) -> None:
    path = segment.places(desk / "journal")[-1].path
    path.write_bytes(path.read_bytes()[:-5])
    done = run("verify", str(desk))
    assert (done.exit_code, "JOURNAL_SHORT" in done.output) == (1, True)


def test_show_is_a_table_in_words(desk: Path) -> None:
    done = run("show", "--last", "5")
    assert done.exit_code == 0, done.output
    assert "order 800 buy 5 limit limit 99.5 for ann with 1 legs" in done.output
    assert "refused MAX_ORDER_QTY · order 800" in done.output
    assert "trimmed CAP: 3 of 5" in done.output
    assert "IBM" in done.output
    assert [line.split()[0] for line in done.output.splitlines()[1:]] == ["200", "201", "202", "203", "204"]
    done = run("show", "--kind", "fill", "--last", "2")
    assert [line.split()[0] for line in done.output.splitlines()[1:]] == ["191", "196"]
    assert "price 123.875" in done.output  # of record 196: 99.5 + 195 / 8
    assert run("show", "--kind", "split").output.strip() == "No such record."


def test_show_in_json_is_a_record_a_line(desk: Path) -> None:
    rows = [json.loads(line) for line in run("show", "--json", "--last", "0").output.splitlines()]
    assert [one["seq"] for one in rows] == list(range(1, 205))
    assert rows[1]["kind"] == "reply"
    assert rows[5] == {"seq": 6, "kind": "fill", "symbol": "IBM", "ts": 5, "known": 5, "instrument": 1, "order": 20, "execution": "20-1", "side": 1,
                       "lots": 15, "price": 100.125, "notional": 61725, "fee": 7, "maker": False, "leaves": 0}  # fmt: skip
    chosen = [json.loads(line) for line in run("show", "--json", "--kind", "submit,intent,refusal", "--from", "100").output.splitlines()]
    assert [one["seq"] for one in chosen] == [201, 202, 203]
    assert chosen[0]["symbol"] == "IBM"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "--kind", "nonsense"), "JOURNAL_KIND"), (("verify", "nowhere"), "JOURNAL_NONE"), (("export", "--out", "x.txt"), "JOURNAL_EXPORT"),
        (("export", "--out", "nowhere/x.csv"), "WRITE_PATH"), (("show", "--from", "0"), ""), (("show", "--last", "-1"), ""), (("export",), ""),
    ],
)  # fmt: skip
def test_misuse_is_two(desk: Path, words: tuple[str, ...], code: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert code in done.output


def test_no_desk_or_several_is_misuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    assert "there is no desk" in run("verify").output
    for name in ("paper-A", "sim-B"):
        (tmp_path / "desks" / name / "journal").mkdir(parents=True)
    done = run("show")
    assert done.exit_code == 2
    assert "2 desks: paper-A, sim-B" in done.output


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_export_gives_the_same_records_in_each_form(desk: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"x.{ending}"
    done = run("export", str(desk), "--out", str(out), "--kind", "fill,memory", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["records"] == 40
    if ending == "json":
        rows = json.loads(out.read_text())
    elif ending == "jsonl":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    else:
        frame = pl.read_csv(out) if ending == "csv" else pl.read_parquet(out)
        assert frame["seq"].to_list()[:2] == [6, 11]
        assert frame["price"].to_list()[0] == 100.125
        rows = [json.loads(text) for text in frame["record"].to_list()]
    assert len(rows) == 40
    assert rows[0]["execution"] == "20-1"
    assert rows[-1]["kind"] == "memory"
    assert run("export", str(desk), "--out", str(out)).output.startswith("204 records")


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_follow_shows_what_is_recorded_while_it_looks(desk: Path, extra: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "argosy.cli.main", "journal", "show", str(desk), "--last", "1", "--follow", "--kind", "memory,reply", *extra],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    late = Timer(30, process.kill)
    late.start()
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any("memory" in line for line in lines)  # the last one there is; what comes now is new
    with opened(desk / "journal") as journal:
        for k in (1, 2, 6):
            journal.append(record(k))
        journal.commit()
    found = [next(lines) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (0, 130)
    late.cancel()
    process.stdout.close()
    assert [("reply" in line, str(seq) in line) for line, seq in zip(found, (205, 207), strict=True)] == [(True, True), (True, True)]


def test_an_empty_journal_and_one_without_a_manifest(tmp_path: Path) -> None:
    opened(tmp_path).close()
    assert run("show", str(tmp_path)).output.strip() == "No such record."
    assert "0 records" in run("verify", str(tmp_path)).output
    (tmp_path / "manifest.json").unlink()
    assert json.loads(run("verify", str(tmp_path), "--json").output)["manifest"] is None
    assert run("verify", str(tmp_path)).exit_code == 0
