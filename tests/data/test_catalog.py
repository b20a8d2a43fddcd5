"""The catalog: what is written is read back, nothing half written is ever seen, and an earlier import outlives a failed one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend, Split, Trade
from argosy.core.instrument import Instrument
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, parse
from argosy.data import manifest
from argosy.data.catalog import Catalog
from argosy.data.ingest import Options, ingest

ROOT = Path(__file__).parents[2]
START = parse("2024-01-01")


def bars(count=10, first=0, span=DAY, close=100.0):
    ts = START + (np.arange(count) + first) * span
    flat = np.full(count, close)
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), flat)
    return Tape(Bar, prices | {"ts": ts, "known": ts + span, "instrument": np.zeros(count), "span": np.full(count, span)})


def trades(count=5, first=0):
    ts = START + (np.arange(count) + first) * HOUR
    ones, zeros = np.ones(count), np.zeros(count)
    return Tape(Trade, {"ts": ts, "known": ts, "instrument": zeros, "price": ones, "size": ones, "side": zeros})


def files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and path.name != ".lock")


@pytest.fixture
def shelf(tmp_path):
    return Catalog(tmp_path / "shelf")


def test_what_is_written_is_read_back(shelf):
    facts = Instrument(symbol="BTC/USD", kind="crypto", calendar="24/7", id=7)
    tape = bars()
    entry = shelf.write(facts, tape, origin="vendor.csv", licence="mine")
    assert (entry.kind, entry.every, entry.rows, entry.start, entry.end) == ("bar", "1d", 10, START + DAY, START + 10 * DAY)
    assert shelf.tape("BTC/USD").hash == tape.hash
    assert shelf.describe() == [entry] and (entry.origin, entry.licence) == ("vendor.csv", "mine")
    assert shelf.instruments()["BTC/USD"].kind == "crypto" and shelf.symbols("bar", "1d") == ("BTC/USD",)
    assert files(shelf.root) == [entry.path, "manifest.json"]


@settings(max_examples=30)
@given(st.lists(st.floats(0.01, 1e6) | st.just(float("nan")), min_size=1, max_size=30))
def test_every_float_comes_back_to_the_bit(tmp_path_factory, volumes):
    tape = bars(len(volumes))
    tape = Tape(Bar, {**tape.columns, "volume": np.array(volumes)})
    shelf = Catalog(tmp_path_factory.mktemp("shelf"))
    shelf.write("X", tape)
    assert shelf.tape("X").hash == tape.hash


def test_several_symbols_get_ids_in_their_order_and_only_what_was_known(shelf):
    shelf.write("A", bars(close=1.0))
    shelf.write("B", bars(close=2.0))
    tape = shelf.tape(["B", "A"], start="2024-01-03", end="2024-01-05")
    assert tape["known"].tolist() == [parse("2024-01-03")] * 2 + [parse("2024-01-04")] * 2
    assert tape["instrument"].tolist() == [0, 1, 0, 1] and tape["close"].tolist() == [2, 1, 2, 1]
    assert shelf.tape("A", as_of="2024-01-04").as_of(parse("2024-01-04")).hash == shelf.tape("A", as_of="2024-01-04").hash
    assert len(shelf.tape("A", as_of="2024-01-04")) == 3


def test_instruments_of_a_kind_and_span(shelf):
    shelf.write("A", bars())
    shelf.write("B", bars(span=HOUR))
    shelf.write("C", trades())
    found = [shelf.instruments(kind=kind, every=every).symbols for kind, every in (("", ""), ("bar", ""), ("bar", "1h"), ("bar", "5m"))]
    assert found == [("A", "B", "C"), ("A", "B"), ("B",), ()]
    assert shelf.instruments(["C", "A"], "bar").symbols == ("C", "A")


def test_the_same_again_changes_nothing(shelf):
    shelf.write("X", bars(), origin="a.csv")
    before = {name: (shelf.root / name).read_bytes() for name in files(shelf.root)}
    shelf.write("X", bars(), origin="a.csv")
    shelf.write("X", bars(), origin="a.csv", merge=True)
    shelf.write("X", bars(4, 3), origin="a.csv", merge=True)  # a part of it
    assert {name: (shelf.root / name).read_bytes() for name in files(shelf.root)} == before


def test_replacing_leaves_one_file_and_merging_adds(shelf):
    shelf.write("X", bars(5), origin="a.csv")
    shelf.write("X", bars(7, close=3.0), origin="b.csv")
    assert len(shelf.tape("X")) == 7 and len(files(shelf.root)) == 2
    entry = shelf.write("X", bars(5, 5, close=3.0), origin="c.csv", merge=True)
    assert entry.rows == 10 and entry.origin == "b.csv; c.csv"
    assert (np.diff(shelf.tape("X")["ts"]) == DAY).all()


def test_a_bar_that_differs_is_not_merged_and_all_stays(shelf):
    shelf.write("X", bars(5))
    before = files(shelf.root)
    with pytest.raises(Misuse, match=r"CATALOG_CONFLICT.*1 bars.*2024-01-05"):
        shelf.write("X", bars(3, 4, close=7.0), merge=True)
    assert files(shelf.root) == before and len(shelf.tape("X")) == 5
    shelf.write("T", trades())
    shelf.write("T", trades(), merge=True)
    assert len(shelf.tape("T", "trade")) == 5
    with pytest.raises(Misuse, match=r"CATALOG_CONFLICT.*overlap"):
        shelf.write("T", trades(5, 3), merge=True)
    assert len(shelf.write("T", trades(5, 5), merge=True).path) and len(shelf.tape("T", "trade")) == 10


def test_actions_are_kept_beside_and_merged_by_time(shelf):
    split = Split(ts=START + DAY - 1, known=START + DAY - 1, instrument=3, ratio=2.0)
    pay = Dividend(ts=START + 7 * DAY, known=START + 7 * DAY, instrument=0, amount=0.5, currency="USD")
    shelf.write("X", bars(5), actions=[split])
    found = shelf.actions("X")
    assert [(type(a), a.known, a.instrument, a.ratio) for a in found] == [(Split, START + DAY - 1, 0, 2.0)]
    assert found[0].price != found[0].price  # nan goes through JSON unharmed
    shelf.write("X", bars(5, 5), actions=[pay], merge=True)
    assert [type(a).__name__ for a in shelf.actions(["Y", "X"])] == ["Split", "Dividend"]
    assert {a.instrument for a in shelf.actions(["Y", "X"])} == {1} and len(shelf.actions("X", as_of="2024-01-05")) == 1
    shelf.write_actions("X", [])
    assert shelf.actions("X") == []


def test_what_is_not_there_is_named_with_what_is(shelf):
    with pytest.raises(Misuse, match=r"CATALOG_SYMBOL.*empty.*argosy data import"):
        shelf.tape("SPY")
    shelf.write("SPY", bars())
    shelf.write("SPY", bars(span=HOUR))
    for call, code, said in (
        (lambda: shelf.tape("SPYY"), "CATALOG_SYMBOL", "did you mean SPY"),
        (lambda: shelf.tape("SPY"), "CATALOG_SPAN", "1d, 1h"),
        (lambda: shelf.tape("SPY", every="5m"), "CATALOG_SPAN", "1d, 1h"),
        (lambda: shelf.tape("SPY", "candle"), "CATALOG_KIND", "bar, quote"),
        (lambda: shelf.tape("SPY", "trade"), "CATALOG_SYMBOL", "no trade"),
        (lambda: shelf.tape([]), "CATALOG_SYMBOL", "name one"),
        (lambda: shelf.instruments(["IBM"]), "CATALOG_SYMBOL", "SPY"),
        (lambda: shelf.write("..", bars()), "CATALOG_SYMBOL", "not a symbol"),
        (lambda: shelf.remove("IBM"), "CATALOG_SYMBOL", "SPY"),
        (lambda: shelf.tape("SPY", every="1d", start="soon"), "TIME", "soon"),
    ):
        with pytest.raises(Misuse) as caught:
            call()
        assert caught.value.code == code and said in str(caught.value)


@pytest.mark.parametrize("symbol", ["../../etc/passwd", "a/b", ".hidden", "BRK.B", "^GSPC", "ÖMV", "A B", "CON"])
def test_no_symbol_leaves_the_folder(shelf, symbol):
    shelf.write(symbol, bars())
    assert shelf.tape(symbol).hash == bars().hash and shelf.symbols() == (symbol,)
    assert all((shelf.root / name).resolve().is_relative_to(shelf.root.resolve()) for name in files(shelf.root))
    assert sorted(path.name for path in shelf.root.parent.iterdir()) == [shelf.root.name]


def test_a_file_of_other_bytes_is_never_handed_out(shelf):
    entry = shelf.write("X", bars())
    shelf.write("Y", bars())
    path = shelf.root / entry.path
    whole = path.read_bytes()
    for data in (whole[:-1], whole[: len(whole) // 2], b"", b"hello"):
        path.write_bytes(data)
        with pytest.raises(Misuse, match=r"CATALOG_FILE.*not those that were written"):
            shelf.tape("X")
    assert len(shelf.tape("Y")) == 10  # the rest is whole
    assert [(e.symbol, bool(what)) for e, what in shelf.check()] == [("X", True), ("Y", False)]
    path.unlink()
    with pytest.raises(Misuse, match=r"CATALOG_FILE.*No such file"):
        shelf.tape("X")
    shelf.write("X", bars())  # importing again mends it
    assert shelf.tape("X").hash == bars().hash


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "my web app"}', '{"layout": 1, "check": "0", "list": {"entries": {}, "instruments": {}}}'])
def test_a_manifest_that_is_not_ours_is_neither_believed_nor_overwritten(shelf, text):
    shelf.root.mkdir()
    (shelf.root / "manifest.json").write_text(text)
    for call in (lambda: shelf.tape("X"), lambda: shelf.write("X", bars())):
        with pytest.raises(Misuse, match=r"CATALOG_FILE.*manifest\.json"):
            call()
    assert (shelf.root / "manifest.json").read_text() == text


def test_another_layout_is_refused(shelf, monkeypatch):
    shelf.write("X", bars())
    monkeypatch.setattr(manifest, "LAYOUT", 99)
    with pytest.raises(Misuse, match=r"CATALOG_LAYOUT"):
        shelf.tape("X")


def test_foreign_files_are_left_alone(shelf):
    shelf.root.mkdir()
    (shelf.root / "notes.txt").write_text("mine")
    (shelf.root / "bar" / "X").mkdir(parents=True)
    (shelf.root / "bar" / "X" / "1d.parquet").write_bytes(b"PAR1 no")
    shelf.write("X", bars())
    assert [entry.symbol for entry in shelf.reindex()] == ["X"]
    assert (shelf.root / "notes.txt").read_text() == "mine" and (shelf.root / "bar/X/1d.parquet").exists()


def test_reindex_finds_everything_by_the_files_alone(shelf):
    split = Split(ts=START, known=START, instrument=0, ratio=2.0)
    shelf.write(Instrument(symbol="BTC/USD", kind="crypto"), bars(), origin="a.csv", licence="free", actions=[split])
    shelf.write("X", bars(span=HOUR))
    before, facts = shelf.describe(), shelf.instruments().symbols
    (shelf.root / "manifest.json").write_text("lost")
    assert shelf.reindex() == before and shelf.instruments().symbols == facts
    assert shelf.instruments()["BTC/USD"].kind == "crypto"
    (shelf.root / before[-1].path).unlink()
    assert shelf.reindex() == before[:-1]


def test_removing(shelf):
    shelf.write("X", bars(), actions=[])
    shelf.write("X", bars(span=HOUR))
    assert [entry.every for entry in shelf.remove("X", every="1h")] == ["1h"] and shelf.tape("X").hash == bars().hash
    shelf.remove("X")
    assert shelf.describe() == [] and files(shelf.root) == ["manifest.json"] and len(shelf.instruments()) == 0


# -- nothing is lost -----------------------------------------------------------------------------------------------------


def two(tmp_path, name, close):
    text = "date,symbol,open,high,low,close\n" + "".join(f"2024-01-{d:02d},{s},9,{close},1,{close}\n" for s in ("AAA", "BBB") for d in range(2, 8))
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_file_is_stored_whole_or_not_at_all(shelf, tmp_path, monkeypatch):
    ingest(two(tmp_path, "one.csv", 10), shelf)
    before = {name: (shelf.root / name).read_bytes() for name in files(shelf.root)}
    real, calls = manifest.put, []

    def full(target, data):
        calls.append(target)
        if len(calls) == 2:  # the second symbol
            raise OSError(28, "No space left on device")
        real(target, data)

    monkeypatch.setattr(manifest, "put", full)
    with pytest.raises(Misuse, match=r"CATALOG_FOLDER.*No space left"):
        ingest(two(tmp_path, "two.csv", 20), shelf)
    monkeypatch.undo()
    assert {name: (shelf.root / name).read_bytes() for name in files(shelf.root)} == before
    assert shelf.tape(["AAA", "BBB"])["close"].tolist() == [10] * 12


def test_a_refused_file_leaves_the_earlier_import(shelf, tmp_path):
    ingest(two(tmp_path, "one.csv", 10), shelf)
    before = files(shelf.root)
    bad = tmp_path / "bad.csv"
    for data in (b"", b"\x89PNG\r\n\x1a\n", b"date,close\nsoon,1\n", b"PAR1" + bytes(20)):
        bad.write_bytes(data)
        with pytest.raises(Misuse):
            ingest(bad, shelf, Options(symbol="AAA"))
    with pytest.raises(Misuse, match=r"CATALOG_CONFLICT"):
        ingest(two(tmp_path, "two.csv", 20), shelf, merge=True)
    assert files(shelf.root) == before and shelf.tape("AAA")["close"].tolist() == [10] * 6


DIE = """
import os, sys
from argosy.data import batch, manifest
from argosy.data.catalog import Catalog
from tests.data.test_catalog import bars
real, count = os.fsync, [0]
def dying(fd):
    count[0] += 1
    if count[0] == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    real(fd)
os.fsync = dying
Catalog(sys.argv[1]).write("X", bars(20, close=7.0), actions=[])
"""


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_writer_killed_at_any_write_leaves_what_was_there(shelf, moment):
    shelf.write("X", bars(10), actions=[])
    done = subprocess.run([sys.executable, "-c", DIE, str(shelf.root), str(moment)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert shelf.tape("X").hash == bars(10).hash and [what for _, what in shelf.check()] == ["", ""]
    shelf.write("X", bars(20, close=7.0))
    assert len(shelf.tape("X")) == 20
    assert [entry.rows for entry in shelf.reindex() if entry.kind == "bar"] == [20]


WRITE = """
import sys
from argosy.data.catalog import Catalog
from tests.data.test_catalog import bars
shelf = Catalog(sys.argv[1])
for turn in range(12):
    shelf.write(f"OWN{sys.argv[2]}-{turn % 3}", bars(5 + turn))
    shelf.write("SHARED", bars(30, close=1.0 + turn))
"""


def test_two_writers_and_a_reader_at_once(shelf):
    shelf.write("SHARED", bars(30))
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(shelf.root), name], cwd=ROOT) for name in "AB"]
    reads = 0
    while any(writer.poll() is None for writer in writers):
        closes = shelf.tape("SHARED")["close"]
        assert len(closes) == 30 and (closes == closes[0]).all()  # one import, whole
        reads += 1
    assert [writer.returncode for writer in writers] == [0, 0] and reads > 0
    assert shelf.symbols() == tuple(sorted([f"OWN{name}-{k}" for name in "AB" for k in range(3)] + ["SHARED"]))
    assert all(not what for _, what in shelf.check())
    assert len(files(shelf.root)) == 8  # seven series and the manifest: no draft, no orphan


def test_a_folder_that_cannot_be_one(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Misuse, match=r"CATALOG_FOLDER"):
        Catalog(tmp_path / "file").write("X", bars())
    with pytest.raises(Misuse, match=r"CATALOG_FOLDER"):
        Catalog(tmp_path / "file" / "below").write("X", bars())
    with pytest.raises(Misuse, match=r"CATALOG_FILE"):
        Catalog(tmp_path / "file").describe()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(Misuse, match=r"CATALOG_FOLDER.*ermission"):
        Catalog(tmp_path / "x").write("X", bars())


def test_the_manifest_is_readable_by_people(shelf):
    shelf.write("X", bars(), origin="vendor.csv", licence="CC0")
    told = json.loads((shelf.root / "manifest.json").read_text())
    assert told["layout"] == 1 and told["list"]["entries"]["bar/X/1d"]["licence"] == "CC0"
