"""Comparisons by hand: common days, the Jobson-Korkie-Memmel test, the best of each figure, and who may be recommended."""

import json
import re
from math import erfc, isnan, nan, sqrt

import msgspec
import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.core.time import DAY, HOUR
from argosy.lab import packed
from argosy.lab.compare import UNTESTED, Tested, advise, common, compare, fits, gap, gaps, gather, page, write
from argosy.lab.compare import comparison as side
from argosy.lab.compare.gap import memmel, resampled
from argosy.lab.passport.check import Check
from argosy.lab.passport.issue import Passport
from argosy.lab.passport.paper import write as sign
from argosy.lab.result import Flow, Result
from argosy.lab.statistics import statistics
from argosy.lab.verdict import conclude
from tests.lab.conftest import START, M, fill, frame
from tests.lab.test_report import Page
from tests.lab.test_report_parts import HOSTILE


def run(name, values, *, start=0, hour=0, symbols=("AAA",), currency="USD", fills=None, params=None, **more) -> Result:
    values = np.asarray(values, np.float64)
    known = START + (start + np.arange(len(values))) * DAY + hour * HOUR
    return conclude(
        name=name, strategies=[name], symbols=list(symbols), currency=currency, cash=round(values[0] * M), known=known,
        equity=np.rint(values * M).astype(np.int64), benchmark=np.linspace(100, 110, len(values)), fills=fills or {},
        settings={"strategies": {name: {"plugin": f"pkg.mod:{name.title()}"} | (params or {})}}, **more,
    )  # fmt: skip


def drift(seed, mean=0.001, count=300):
    return 100 * np.cumprod(np.concatenate(([1.0], 1 + np.random.default_rng(seed).normal(mean, 0.01, count))))


def passport(result: Result, verdict="PASS", made="2026-01-01T00:00:00Z", **more) -> Passport:
    figures = {name: result.stats[name] for name in ("total_return", "max_drawdown", "trades", "fees")}
    return msgspec.structs.replace(
        Passport(
            made=made, by="Argosy", name=result.strategies[0], strategy="pkg.mod.Any", code="c", params={}, symbols=list(result.symbols),
            period=("2024-01-01", "2024-02-01"), rows=10, data={}, terms="t", trials=3, verdict=verdict, reasons=[f"Because {verdict}."],
            checks=[Check(name="luck", title="Luck", status="pass", said="0.99")], figures=figures,
        ),
        **more,
    )  # fmt: skip


def held(result: Result, verdict: str) -> Tested:
    return Tested(verdict, "", msgspec.to_builtins(passport(result, verdict)), "p.json")


def test_common_days_by_hand():
    """a has days 0 to 4, b days 2 to 6 in the evening: 2, 3, 4 are shared, whatever the hour."""
    found = common([run("a", [100, 110, 121, 133.1, 146.41]), run("b", [50, 100, 50, 25, 25], start=2, hour=20)])
    assert (found.known // DAY - START // DAY).tolist() == [2, 3, 4]
    assert found.returns == pytest.approx(np.array([[0.1, 1.0], [0.1, -0.5]]))
    assert found.value == pytest.approx(np.array([[121, 50], [133.1, 100], [146.41, 50]]))
    with pytest.raises(Misuse, match="COMPARE_APART"):
        common([run("a", [1, 2, 3]), run("b", [1, 2, 3], start=2)])
    with pytest.raises(Misuse, match="nothing left"):
        common([run("a", [100, 1, 1, 1]), run("b", [100, 0, 1, 1])])


def test_deposits_are_no_return():
    found = common([run("a", [100, 200, 220, 220], flows=[Flow(START + DAY, 100 * M)]), run("b", [1, 1, 1, 1])])
    assert found.returns[:, 0] == pytest.approx([0.0, 0.1, 0.0])


def test_jobson_korkie_memmel_by_hand():
    """Returns (2, -1, 2, -1) % and (1, 1, -1, -1) %, n = 4: means 0.5 % and 0, deviations sqrt 3 and sqrt(4/3), no correlation.

    Ratios 0.5 / sqrt 3 = 0.288675 and 0; variance of the difference (2 + 0.5 * 0.288675^2) / 4 = 0.5104167.
    """
    own, other = np.array([0.02, -0.01, 0.02, -0.01]), np.array([0.01, 0.01, -0.01, -0.01])
    difference, error = memmel(own, other, 252.0)
    assert difference == pytest.approx(0.2886751 * sqrt(252), rel=1e-6)
    assert error == pytest.approx(sqrt(0.51041667 * 252), rel=1e-6)
    one = gap(("a", "b"), np.column_stack([own, other]), 252.0, paths=50)
    assert one.z == pytest.approx(difference / error)
    assert one.p == pytest.approx(erfc(one.z / sqrt(2)))
    assert all(isnan(value) for value in memmel(own, np.zeros(4), 252.0))


def test_memmel_knows_how_much_two_have_in_common():
    """With the same ratio s and correlation r: 2 (1 - r) + s^2 (1 - r^2), over n."""
    rng = np.random.default_rng(4)
    base, noise = rng.normal(0.0005, 0.01, 2_000), rng.normal(0, 0.002, 2_000)
    near = memmel(base, base + noise, 252.0)[1]
    far = memmel(base, rng.permutation(base), 252.0)[1]
    assert near < 0.3 * far
    r = np.corrcoef(base, base + noise)[0, 1]
    s = base.mean() / base.std(ddof=1)
    assert near == pytest.approx(sqrt((2 - 2 * r + s * s * (1 - r * r)) / 2_000 * 252), rel=2e-3)


def test_the_bootstrap_agrees_where_theory_holds():
    """Independent normal days: the spread of the drawn differences is the standard error of Memmel."""
    returns = np.random.default_rng(3).normal([0.001, 0.0], 0.01, (1_500, 2))
    one = gap(("a", "b"), returns, 252.0, paths=1_500)
    drawn = resampled(returns, one.block, 1_500, 20) * sqrt(252)
    assert np.std(drawn[:, 0] - drawn[:, 1]) == pytest.approx(one.error, rel=0.1)
    assert (one.high - one.low) / (2 * 1.96) == pytest.approx(one.error, rel=0.12)
    assert one.low < one.difference < one.high
    assert one.p_paths == pytest.approx(one.p, abs=0.05)


def test_a_large_difference_is_sure_and_a_copy_is_not():
    returns = np.random.default_rng(3).normal([0.004, 0.0, 0.0], 0.01, (800, 3))
    returns[:, 2] = returns[:, 1]
    first, _, same = gaps(("a", "b", "c"), returns, 252.0, paths=400)
    assert first.sure
    assert (first.one, first.other) == ("a", "b")
    assert first.p_paths == pytest.approx(1 / 401)
    assert same.difference == 0.0
    assert not same.sure
    assert gaps(("a", "b", "c"), returns, 252.0, paths=400)[0] == first  # the same draws again


def test_figures_beside_each_other_and_the_best():
    a, b, c = run("a", drift(1, 0.002)), run("b", drift(2)), run("c", np.full(301, 100.0))
    found = compare([a, b, c])
    rows = {row.figure: row for row in found.rows}
    for k, result in enumerate((a, b, c)):
        assert rows["curve.total_return"].values[k] == statistics(result).curve.total_return == pytest.approx(result.stats["total_return"])
    assert rows["curve.total_return"].best == [int(np.argmax(rows["curve.total_return"].values))]
    assert rows["curve.volatility"].best == [2]  # less is better
    assert rows["curve.sharpe"].best == [int(np.nanargmax(rows["curve.sharpe"].values))]
    assert rows["versus.beta"].best == []
    assert rows["deals.fees"].best == []  # all the same
    assert found.correlation[0, 1] == pytest.approx(np.corrcoef(found.days.returns[:, 0], found.days.returns[:, 1])[0, 1])
    assert found.correlation[0, 0] == 1.0
    assert isnan(found.correlation[2, 0])
    assert not found.cut


def test_longer_runs_are_cut_to_the_common_days():
    """b began with a loss before a was there; on common days it made 10 %, with one trade of the two."""
    deals = frame(fill(0, "AAA", 1, 1, 5.0), fill(1, "AAA", -1, 1, 5.0), fill(3, "AAA", 1, 1, 5.0), fill(4, "AAA", -1, 1, 6.0))
    found = compare([run("a", [100, 100, 100], start=2), run("b", [200, 150, 100, 105, 110], fills=deals)])
    rows = {row.figure: row.values for row in found.rows}
    assert found.cut
    assert rows["curve.total_return"] == pytest.approx([0.0, 0.1])
    assert rows["deals.trades"] == [0.0, 1.0]
    assert side.unique(["a", "a", "b", "a"]) == ("a", "a 2", "b", "a 3")


def test_what_cannot_be_compared():
    with pytest.raises(Misuse, match="COMPARE_RUNS"):
        compare([run("a", drift(1))])
    with pytest.raises(Misuse, match="COMPARE_CURRENCY"):
        compare([run("a", drift(1)), run("b", drift(2), currency="EUR")])
    with pytest.raises(Misuse, match="COMPARE_NAMES"):
        compare([run("a", drift(1)), run("b", drift(2))], names=["x", "x"])


A, B, C = (run(name, drift(seed, mean)) for name, seed, mean in (("a", 1, 0.0016), ("b", 2, 0.0016), ("c", 3, 0.004)))


@pytest.mark.parametrize(
    ("verdicts", "chosen"),
    [
        ({}, None),
        ({"c": "FAIL"}, None),
        ({"a": "PASS"}, "a"),
        ({"a": "PASS", "b": "PASS"}, "b"),
        ({"a": "PASS", "b": "WEAK", "c": "FAIL"}, "a"),
        ({"a": "WEAK", "b": "WEAK"}, "b"),
        ({"a": "FAIL", "b": "FAIL", "c": "FAIL"}, None),
    ],
)
def test_only_what_was_tested_is_recommended(verdicts, chosen):
    """c has the highest Sharpe ratio throughout."""
    runs = {"a": A, "b": B, "c": C}
    found = compare(list(runs.values()), tested={name: held(runs[name], verdict) for name, verdict in verdicts.items()})
    sharpe = next(row for row in found.rows if row.figure == "curve.sharpe")
    assert sharpe.best == [2]
    assert found.advice.recommended == chosen
    said = " ".join(found.advice.sentences)
    for name in runs:
        if name not in verdicts:
            assert f"{name} is not tested: it has no passport." in said
        elif verdicts[name] == "FAIL":
            assert f"{name} failed its passport: Because FAIL." in said
    if chosen is None:
        assert said.startswith("None of these runs can be recommended.")
    else:
        assert f"Its passport of 2026-01-01 says {verdicts[chosen]}: Because {verdicts[chosen]}." in said
        assert "higher Sharpe ratio" in said  # that of c, and why it does not count
    if list(verdicts.values()).count("PASS") == 2:
        assert "Jobson-Korkie-Memmel" in said
        assert "paired stationary bootstrap" in said


def test_neither_a_stopped_run_nor_a_loser_is_recommended():
    both = {"a": held(A, "PASS"), "b": held(B, "PASS")}
    one = gap(("a", "b"), np.random.default_rng(1).normal(0, 0.01, (50, 2)), 252.0, paths=20)
    assert advise({"a": -0.1, "b": nan}, both, [one]).recommended is None
    assert "its Sharpe ratio on these days is −0.10" in advise({"a": -0.1, "b": nan}, both, [one]).sentences[1]
    assert advise({"a": 0.5, "b": 0.9}, both, [one], stopped=["b"]).recommended == "a"


def test_a_passport_is_of_one_run():
    assert fits(passport(A), A) == ""
    assert "not of b" in fits(passport(A), B)
    assert "came to something else" in fits(passport(B, name="a"), A)
    assert "it is on IBM" in fits(passport(A, symbols=["IBM"]), A)
    assert fits(passport(A, name="other", strategy="pkg.mod.A"), A) == ""  # by its class
    assert "2 strategies" in fits(passport(A), msgspec.structs.replace(A, strategies=("a", "b")))


def test_passports_are_found_checked_and_dated(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "keys"))
    folder = tmp_path / "passports"
    folder.mkdir()
    sign(passport(A, "FAIL", made="2025-01-01T00:00:00Z"), folder / "old.json")
    sign(passport(A, "PASS", made="2026-01-01T00:00:00Z"), folder / "new.html")
    sign(passport(C, "WEAK"), folder / "b_forged.json")
    forged = (folder / "b_forged.json").read_text().replace("WEAK", "PASS")
    (folder / "b_forged.json").write_text(forged)
    sign(passport(A, name="b", symbols=["AAA"]), folder / "other_b.json")
    (folder / "page.html").write_text("<p>hello")
    (folder / "note.txt").write_text("not looked at")
    found, notes = gather({"a": A, "b": B, "c": C}, folder)
    assert found["a"].verdict == "PASS"
    assert found["a"].file.endswith("new.html")
    assert found["b"].verdict == UNTESTED
    assert "other_b.json is not of this run" in found["b"].said
    assert found["c"].verdict == UNTESTED
    assert len(notes) == 2
    assert any("b_forged.json is left out" in note and "changed" in note for note in notes)
    assert any("page.html is left out: this is no passport" in note for note in notes)
    with pytest.raises(Misuse, match="COMPARE_PASSPORTS"):
        gather({"a": A}, tmp_path / "gone")


def test_the_document_is_json():
    found = compare([A, B, run("flat", np.full(301, 100.0))], tested={"a": held(A, "PASS")})
    plain = json.loads(json.dumps(found.plain(), allow_nan=False))
    assert plain["recommended"] == "a"
    assert plain["correlation"]["a"]["flat"] is None
    assert plain["tested"]["b"]["verdict"] == "not tested"
    assert {row["figure"] for row in plain["figures"]} == set(side.SHOWN)
    assert plain["sharpe_differences"][0]["tests"] == ["Jobson-Korkie-Memmel", "paired stationary bootstrap"]
    assert plain["sharpe_differences"][0]["difference"] == pytest.approx(A.stats["sharpe"] - B.stats["sharpe"])


def test_the_page(tmp_path):
    evil = run("evil", drift(9))
    evil.name = HOSTILE
    found = compare([A, B, evil], tested={"a": held(A, "PASS")}, notes=[HOSTILE])
    text = write(found, tmp_path / "c.html").read_text(encoding="utf-8")
    shown = Page(text)
    assert shown.open == []
    assert {"img"}.isdisjoint(tag for tag, _ in shown.tags)
    assert sum(tag == "script" for tag, _ in shown.tags) == 2
    assert not re.search(r"(src|href)=\"(?!#)", text)
    assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert "a may be chosen" in shown.text
    assert shown.values["beside"][2][1:] == [f"{one.stats['total_return']:.12g}" for one in (A, B, evil)]
    assert shown.tables["together"][1][:2] == ["a", "1.00"]
    assert len(shown.tables["gaps"]) == 4
    data = json.loads(shown.data)
    for one, result in zip(data["runs"], (A, B, evil), strict=True):
        assert packed.unpack(one["curve"]["own"])[-1] == pytest.approx(100 * result.value[-1] / result.value[0], abs=0.01)
    assert "None can be recommended" in page(compare([A, B]))
    with pytest.raises(Misuse, match="COMPARE_PATH"):
        write(found, tmp_path)
