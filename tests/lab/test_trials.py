"""Trials are counted across calls and processes, once each; and a ledger that was changed or thrown away says so."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.errors import Broken, Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.house import Data, Terms, Wanted
from argosy.lab import trials
from argosy.lab.backtest import run
from argosy.lab.looks import code_key, data_key, looks
from argosy.lab.sweep import sweep
from argosy.lab.trials import FILE, append, count, inspect, lines, tried
from argosy.strategies.mean_reversion import MeanReversion
from argosy.strategies.trend import Trend

FREE = Terms(fees="free")
ROOT = Path(__file__).resolve().parents[2]


def market(days: int = 120, symbols: tuple[str, ...] = ("AAA",), seed: int = 5, first: int = 0) -> Data:
    """Daily bars of random walks; the same symbol has the same walk in any company."""
    parts = []
    for i, symbol in enumerate(symbols):
        close = np.round(50.0 * np.exp(np.cumsum(np.random.RandomState(seed + ord(symbol[0])).normal(0.0, 0.01, 400))), 2)[first : first + days]
        ts = (np.arange(first, first + days, dtype=np.int64) + 10_000) * DAY
        columns = dict.fromkeys(("open", "high", "low", "close"), close)
        parts.append(Tape(Bar, columns | {
            "ts": ts, "known": ts + DAY, "instrument": np.full(days, i), "span": np.full(days, DAY), "volume": np.full(days, 1e5),
        }))  # fmt: skip
    return Instruments([Instrument(symbol=symbol) for symbol in symbols]), [Tape.merge(parts)], []


def seen(data: Data) -> dict[str, trials.Look]:
    return looks(list(data[0]), data[1])


def look(data: Data, **params: Any) -> None:
    run([Wanted("it", Trend, params)], data, FREE)


def test_a_trial_is_a_distinct_choice(own_ledger: Path) -> None:
    data = market()
    look(data, fast=5, slow=20)
    look(data, fast=5, slow=20)
    assert tried(seen(data))[:2] == (1, 2), "the same again is the same trial"
    sweep(Trend, data, {"fast": [5, 6], "slow": [20, 30]}, terms=FREE)
    assert tried(seen(data))[:2] == (4, 3), "three of the four are new"
    run([Wanted("it", Trend, {"fast": 5, "slow": 20})], data, Terms(fees="alpaca"))
    assert tried(seen(data)).trials == 5, "other costs are another trial"
    assert tried(seen(data)).strategies == {"argosy.strategies.trend.Trend": 5}
    assert count() == 7 and own_ledger.is_dir(), "repetitions included"


def test_a_run_can_be_kept_out_of_the_ledger(own_ledger: Path) -> None:
    run([Wanted("it", Trend)], market(), FREE, trials=None)
    assert count() == 0 and not own_ledger.exists()


def test_other_code_is_another_trial() -> None:
    data = market()

    def made(level: float) -> type:
        class Above:
            @staticmethod
            def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
                out.target = 1.0 if row.close > level else 0.0

        return Above

    one, two = made(40.0), made(60.0)
    assert code_key(one) == code_key(one) == code_key(made(40.0)) != code_key(two), "a number in a closure is code"
    for cls in (one, two, one):
        run([Wanted("it", cls)], data, FREE)
    assert tried(seen(data)).trials == 2


def test_a_class_made_at_a_prompt_is_known_by_its_numbers_names_and_what_it_calls() -> None:
    def made(level: str = "5.0", name: str = "close", world: str = "LEVEL = 1", inner: str = "return 1.0") -> str:
        space: dict[str, object] = {"__name__": "__main__"}
        text = f"""
{world}
def side(row):
    {inner}
class Above:
    def on_bar(self, bar, book):
        return side(bar) if bar.{name} > {level} and LEVEL in {{1, 2, "a", "b"}} else None
"""
        exec(compile(text, "<prompt>", "exec"), space)  # noqa: S102  (as a notebook does)
        return code_key(space["Above"])  # type: ignore[arg-type]

    others = [made(level="7.0"), made(name="open"), made(world="LEVEL = 2"), made(inner="return -1.0")]
    assert made() == made() and len({made(), *others}) == 5


def test_the_same_prices_in_other_company_are_the_same() -> None:
    alone, joined = market(symbols=("BBB",)), market(symbols=("AAA", "BBB"))
    assert data_key(alone[1][0], 0) == data_key(joined[1][0], 1) != data_key(joined[1][0], 0)
    sweep(Trend, joined, {"fast": [5, 6, 7]}, terms=FREE, params={"slow": 20})
    assert tried(seen(alone)).trials == 6, "the best was chosen among both"
    assert tried(seen(market(symbols=("CCC",)))).trials == 0


def test_more_days_of_the_same_are_no_new_prices_but_other_years_are() -> None:
    look(market(100), fast=5)
    look(market(101), fast=5)
    assert tried(seen(market(102))).trials == 1, "tomorrow's run of the same strategy is the same trial"
    look(market(101), fast=6)
    assert tried(seen(market(102))).trials == 2
    assert tried(seen(market(100, first=200))).trials == 0, "years that nobody looked at"
    renamed = market(100)
    other = Instruments([Instrument(symbol="ZZZ")]), renamed[1], []
    assert tried(looks(list(other[0]), other[1])).trials == 1, "another name does not make other prices of the same rows"


def test_the_spread_of_the_ratios_is_that_of_all_trials() -> None:
    data = market(300)
    first = sweep(Trend, data, {"fast": [4, 5, 6, 7]}, terms=FREE, params={"slow": 20})["sharpe"].to_list()
    second = sweep(Trend, data, {"fast": [8, 9]}, terms=FREE, params={"slow": 30})["sharpe"].to_list()
    sweep(Trend, data, {"fast": [8, 9]}, terms=FREE, params={"slow": 30})  # once more: no new information
    found = tried(seen(data))
    assert found.rated == 6
    daily = np.array(first + second) / np.sqrt(365.0)
    assert (found.mean, found.variance) == pytest.approx((daily.mean(), daily.var(ddof=1)))


def walked(number: int) -> None:
    look(market(), fast=5 + number, slow=40)


def test_processes_count_into_one_ledger(own_ledger: Path) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(walked, [0, 1, 2, 0]))
    program = (
        "from tests.lab.test_trials import market, FREE; from argosy.lab.sweep import sweep; from argosy.strategies.trend import Trend\n"
        "sweep(Trend, market(), {'fast': [7, 8, 9]}, terms=FREE, params={'slow': 40})"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    look(market(), fast=5, slow=40)
    found = tried(seen(market()))
    assert (found.trials, found.runs) == (5, 6), "5, 6, 7 walked; 7, 8, 9 swept; 5 again here"
    assert inspect().faults == () and inspect().trials == 8


# -- other ledgers of the same owner, other instruments ---------------------------------------------------------------------------


def test_another_folder_does_not_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = market()
    sweep(Trend, data, {"fast": [5, 6, 7]}, terms=FREE, params={"slow": 20}, trials=tmp_path / "one")
    monkeypatch.setenv("ARGOSY_TRIALS", str(tmp_path / "two"))
    look(data, fast=7, slow=20)
    found = tried(seen(data))
    assert (found.trials, found.runs, found.elsewhere) == (3, 2, 2), "5 and 6 are known from the other ledger alone"
    assert tried(seen(data), tmp_path / "new")[:2] == (3, 2) and tried(seen(data), tmp_path / "new").elsewhere == 3
    assert count() == 1, "this ledger has one line of its own"
    (tmp_path / "one").rename(tmp_path / "moved")
    assert tried(seen(data), tmp_path / "moved")[:2] == (3, 2), "a folder that was moved is not counted twice"
    (tmp_path / "moved" / FILE).unlink()
    assert tried(seen(data)).trials == 3, "what was thrown away is still known"


def test_a_ledger_from_before_there_were_copies_is_copied_whole(tmp_path: Path) -> None:
    data = market()
    for fast in (5, 6):
        run([Wanted("it", Trend, {"fast": fast})], data, FREE, trials=tmp_path / "old")
    (copy,) = (trials.home() / "ledgers").glob("*.jsonl")
    copy.unlink()
    run([Wanted("it", Trend, {"fast": 7})], data, FREE, trials=tmp_path / "old")
    whole = (tmp_path / "old" / FILE).read_bytes()
    assert copy.read_bytes() == whole and tried(seen(data), tmp_path / "new").elsewhere == 3
    copy.write_bytes(whole + b'{"torn')
    assert tried(seen(data), tmp_path / "new").trials == 3, "a torn line of the memory is left out"


def owned(number: int) -> None:
    run([Wanted("it", Trend, {"fast": 5 + number, "slow": 40})], market(), FREE, trials=Path(os.environ["ARGOSY_TRIALS"]) / str(number % 2))


def test_processes_with_ledgers_of_their_own_are_counted_together() -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(owned, range(6)))
    assert tried(seen(market())).trials == tried(seen(market())).elsewhere == 6


def test_the_same_code_on_other_instruments_stands_beside() -> None:
    code = code_key(Trend)
    for symbol in ("BBB", "CCC"):
        look(market(symbols=(symbol,)), fast=5)
    look(market(symbols=("CCC",)), fast=6)
    look(market(symbols=("DDD",), first=200), fast=5)  # other years: nothing was chosen by them
    run([Wanted("it", MeanReversion, {})], market(symbols=("BBB",)), FREE)  # other code
    run([Wanted("a", Trend, {"fast": 7}), Wanted("b", MeanReversion, {})], market(symbols=("EEE",)), FREE)  # in company
    found = tried(seen(market()), code=code)
    assert (found.trials, found.beside, found.others, found.looks) == (0, 4, 3, 4)
    look(market(), fast=5)
    assert tried(seen(market()), code=code)[:2] == (1, 1) and tried(seen(market()), code=code).looks == 5
    assert tried(seen(market())).beside == 0
    look(market(symbols=("FFF", "GGG")), fast=5)
    assert tried(seen(market(symbols=("FFF", "GGG"))), code=code).trials == 1, "several as one portfolio are one trial"


# -- what cannot be undone ------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A ledger of four lines."""
    for k in range(4):
        append(tmp_path, {"trials": k + 1, "name": f"run {k}"})
    assert inspect(tmp_path) == (str(tmp_path), 4, 10, (), True)
    return tmp_path / FILE


def test_a_changed_line_is_noticed(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes().replace(b'"trials":3', b'"trials":1'))
    assert inspect(kept.parent).faults[0].startswith("line 3 does not follow")


def test_a_line_left_out_is_noticed(kept: Path) -> None:
    rows = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join([rows[0], *rows[2:]]))
    assert any("line 2 does not follow" in fault for fault in inspect(kept.parent).faults)


def test_a_line_put_in_is_noticed(kept: Path) -> None:
    rows = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join([*rows[:2], b'{"trials":1}\n', *rows[2:]]))
    assert any("put in by hand" in fault for fault in inspect(kept.parent).faults)


@pytest.mark.parametrize("left", [3, 1, 0])
def test_lines_cut_off_at_the_end_are_noticed(kept: Path, left: int) -> None:
    kept.write_bytes(b"".join(kept.read_bytes().splitlines(keepends=True)[:left]))
    assert inspect(kept.parent).faults == ("10 trials that were written here before are gone",)


def test_a_ledger_thrown_away_is_remembered_for_ever(kept: Path) -> None:
    kept.unlink()
    assert inspect(kept.parent).faults == ("10 trials that were written here before are gone",)
    append(kept.parent, {"trials": 1})
    append(kept.parent, {"trials": 1})
    assert inspect(kept.parent).faults == ("10 trials that were written here before are gone",), "the new ledger says it itself"
    assert [line.get("lost") for line in lines(kept.parent)] == [10, None]


def test_another_machine_did_not_see_it(kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "elsewhere"))
    assert inspect(kept.parent) == (str(tmp_path), 4, 10, (), False)


def test_a_torn_line_is_said_and_the_next_one_stands_alone(kept: Path) -> None:
    with kept.open("ab") as file:
        file.write(b'{"half a li')
    append(kept.parent, {"trials": 2})
    assert inspect(kept.parent).faults == ("line 5 cannot be read",)
    with pytest.raises(Broken, match="TRIALS"):
        count(kept.parent)


def test_lines_of_the_first_layout_are_read(tmp_path: Path) -> None:
    old = {"schema": 1, "kind": "sweep", "strategy": "x.Old", "code": "c", "data": {"AAA": "h"}, "grid": {"a": [1, 2]}, "params": {}, "trials": 2}
    (tmp_path / FILE).write_bytes(msgspec.json.encode(old) + b"\n")
    append(tmp_path, {"trials": 1})
    assert inspect(tmp_path).faults == () and count(tmp_path) == 3
    assert tried(seen(market()), tmp_path)[:2] == (2, 1), "by the symbol's name: more is not known of them"
    rows = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(rows.replace(b"x.Old", b"x.New"))
    assert "line 2 does not follow" in inspect(tmp_path).faults[0]


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARGOSY_TRIALS", str(tmp_path / "env"))
    assert trials.place() == tmp_path / "env" and trials.place(tmp_path) == tmp_path
    monkeypatch.delenv("ARGOSY_TRIALS")
    assert trials.place() == Path(".argosy/trials")
    monkeypatch.delenv("ARGOSY_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert trials.home() == tmp_path / "argosy"
    (tmp_path / "file").write_text("")
    with pytest.raises(Misuse, match="TRIALS_PATH"):
        append(tmp_path / "file", {"trials": 1})
