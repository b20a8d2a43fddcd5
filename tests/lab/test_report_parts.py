"""Each part of the report beside figures worked out by hand: groups, statistics, excursions, exposure, spread, passport."""

import json
import re
import subprocess
from html import unescape
from math import inf, nan
from shutil import which

import numpy as np
import pytest

from argosy.core.time import DAY, MINUTE
from argosy.lab import figures, packed, report
from argosy.lab.page import costs, numbers, spread, stamp, trips
from argosy.lab.result import Result
from argosy.lab.statistics import FIGURES, Range, excursions, statistics
from argosy.lab.trades import Ratio
from argosy.lab.verdict import conclude
from tests.lab.conftest import START, M, fill, frame
from tests.lab.test_report import Page, prices

HOSTILE = '</script><img src=x onerror=alert(1)>"&\''


def rows(page: Page, table: str) -> dict[str, list[str]]:
    return {row[0]: [text.replace("\u00a0", " ") for text in row[1:]] for row in page.tables[table] if row}


def long(count: int = 1_000, minutes: int = 20_000) -> Result:
    """A run of five-minute rows with `count` trades of one share each, long and short, in two symbols."""
    rng = np.random.default_rng(7)
    known = START + np.arange(minutes) * 5 * MINUTE
    made = []
    for symbol in "AB":
        at = np.sort(rng.choice(minutes - 1, count, replace=False))
        for k, (first, last) in enumerate(zip(at[::2].tolist(), at[1::2].tolist(), strict=True)):
            side, price = 1 - 2 * (k % 2), round(50 + 10 * float(rng.random()), 2)
            why = f"fast {price * 1.01:.4f} over slow {price:.4f} <&>"
            for t, way, cost in ((first, side, price), (last, -side, round(price + float(rng.normal()), 2))):
                row = fill(0, symbol, way, 1, cost, 0.01, why=why)
                made.append((int(known[t]), int(known[t]), *row[2:]))
    made.sort(key=lambda row: row[0])
    equity = np.rint(1e5 * np.exp(np.cumsum(rng.normal(0, 1e-4, minutes))) * M).astype(np.int64)
    return conclude(
        name="long", strategies=["s"], symbols=["A", "B"], currency="USD", cash=100_000 * M, known=known, equity=equity,
        benchmark=1e5 * np.exp(np.cumsum(rng.normal(0, 1e-4, minutes))), fills=frame(*made), settings={"venue": {"slippage_bps": 2.0}},
    )  # fmt: skip


def test_groups_by_hand(paper):
    """AAA: 10 x (7 - 5) - 1 = 19, the long side; BBB: 2 x (20 - 25) = -10, the short one; the open trip is in none."""
    found = rows(Page(report.render(paper)), "group")
    assert found["AAA"][:4] == ["1", "100 %", "∞", "+$19"]
    assert found["BBB"][:4] == ["1", "0 %", "0.00", "−$10"]
    assert found["long"][3] == "+$19"
    assert found["short"][3] == "−$10"
    assert found["2024-01"][:4] == ["2", "50 %", "1.90", "+$9"]
    assert found["unknown"][0] == "2"
    assert "By strategy" not in report.render(paper)  # there is one


def test_every_statistic_is_that_of_the_library_with_its_definition(paper):
    text = report.render(paper)
    made = statistics(paper)
    seen = {}
    for figure, label, told, cells in re.findall(
        r'<tr data-figure="([a-z.0-9_]+)"><th scope="row"><span class="tip"[^>]*data-tip="([^"]*)">(.*?)</span></th>(.*?)</tr>', text
    ):
        seen[figure] = (told, label, [float(value) if value else nan for value in re.findall(r'<td class="n"(?: data-v="([^"]*)")?>', cells)])
    assert set(seen) == {f"{group}.{name}" for group in ("curve", "versus", "deals") for name in FIGURES[group]}
    for figure, (_, about, values) in seen.items():
        group, name = figure.split(".")
        want = [getattr(getattr(made, group), name)] + ([getattr(made.benchmark, name)] if group == "curve" else [])
        assert values == pytest.approx(want, rel=1e-9, nan_ok=True), figure
        assert len(about) > 20
        assert "Source: " in about
    assert seen["curve.total_return"][2] == pytest.approx([0.2, 0.5])
    assert 'data-tip="no bars were given">–</span>' in text  # a figure without a value says why


def test_figures_are_said_in_their_unit():
    assert numbers.said("sharpe", 1.005, "ratio", "USD") == "1.00"
    assert numbers.said("cagr", 0.1234, "frac", "USD") == "+12.3\u00a0%"
    assert numbers.said("volatility", 0.0123, "frac", "USD") == "1.23\u00a0%"
    assert [numbers.said("x", value, unit, "USD") for value, unit in ((41.6, "days"), (3.0, "count"), (1.5, "bps"), (2.5, "currency"))] == [
        "42 days", "3", "1.50 bps", "$2.50",
    ]  # fmt: skip
    assert [numbers.said("x", nan, unit, "USD") for unit in ("ratio", "frac", "days", "count", "bps", "currency")] == ["–"] * 6
    assert numbers.said("x", inf, "ratio", "USD") == "∞"


def test_exposure_by_hand(paper):
    """10 AAA at 5, 6, then none; -2 BBB at 20, 22, none; 1 BBB at 31: of 100, 110, 99, 120, 120."""
    _, long_part, short_part = figures.invested(paper, prices())
    assert long_part.tolist() == pytest.approx([50 / 100, 60 / 110, 0, 0, 31 / 120])
    assert short_part.tolist() == pytest.approx([0, -40 / 110, -44 / 99, 0, 0])
    _, plain, _ = figures.invested(paper, {})  # without prices at the last fill
    assert plain.tolist() == pytest.approx([50 / 100, 50 / 110, 0, 0, 30 / 120])
    known, few, _ = figures.invested(paper, prices(), 2)
    assert known.tolist() == [paper.known[0], paper.known[-1]]
    assert few.tolist() == pytest.approx([0.5, 31 / 120])


def test_what_a_split_paid_in_cash_is_not_held_on():
    """Three of 10 become one and a half of 20: a half is paid, one is sold on day 3, and nothing is left."""
    known = START + np.arange(5) * DAY
    made = conclude(
        name="s", strategies=["s"], symbols=["AAA"], currency="USD", cash=100 * M, known=known, equity=np.full(5, 100 * M), benchmark=np.ones(5),
        fills=frame(fill(0, "AAA", 1, 3, 10.0), fill(3, "AAA", -1, 1, 20.0)), splits=[Ratio(START + 2 * DAY, "AAA", 0.5, 20.0)],
    )  # fmt: skip
    lines = {"AAA": (known, np.array([10.0, 10, 20, 20, 20]))}
    assert figures.invested(made, lines)[1].tolist() == pytest.approx([0.3, 0.3, 0.3, 0.0, 0.0])


def test_excursions_are_drawn_and_told(paper):
    """AAA was bought at 5, saw 4 and 8 before it went at 7: 20 % against, 60 % for; BBB sold at 20, saw 18 and 26: 30 % and 10 %."""
    known = START + np.arange(6) * DAY
    bars = {
        "AAA": Range(known[:-1], known[1:], np.array([6.0, 8.0, 7, 7, 7]), np.array([4.0, 6.0, 7, 7, 7])),
        "BBB": Range(known[:-1], known[1:], np.array([20.0, 26.0, 25, 25, 30]), np.array([20.0, 20.0, 18.0, 25, 30])),
    }
    page = Page(report.render(paper, reaches=[excursions(paper.trades, bars, paper.splits)]))
    cloud = json.loads(page.data)["runs"][0]["reach"]
    found = [packed.unpack(cloud[name]) for name in "xys"]
    assert found == [[20.0, 30.0], [60.0, 10.0], [1, 0]]
    assert any("Of the winners 95 % never were more than 20.0\u00a0% under" in text for text in page.text)
    assert any("Half of the losers had been at least 10.0\u00a0% ahead" in text for text in page.text)
    assert "reach" not in json.loads(Page(report.render(paper)).data)["runs"][0]


def test_the_spread_by_hand():
    """Edge 0.1 of 41 bins: 0 is in the middle one, what lies beyond in the outermost; counts are complete."""
    own = np.array([0.0] * 10 + [0.5, -0.5, nan] + [0.04] * 987)
    edge, counts, held = spread.bins(own, np.full(1000, 0.1))
    assert edge == pytest.approx(0.1)
    assert (counts[20], counts[0], counts[40], counts.sum()) == (10, 1, 1, 999)
    assert counts[int((0.04 + 0.1) / 0.2 * 41)] == 987
    assert held[40] == 1000
    assert spread.bins(np.zeros(5), np.zeros(5))[1][20] == 5


def test_slippage_is_counted_of_what_was_taken(paper):
    assert costs.slipped(paper) == pytest.approx(240 * 1e-4)  # 1 bps of $240
    paper.settings = {}
    assert costs.slipped(paper) is None


def test_the_passport_is_cited_or_missed(paper):
    made = {
        "verdict": "WEAK", "made": "2026-01-02T03:04:05Z", "trials": 1234, "reasons": ["Too <short>."],
        "checks": [{"name": "luck", "title": "Deflated <Sharpe>", "status": "warn", "said": "0.93"}],
    }  # fmt: skip
    text = report.render(paper, passports={0: made})
    assert "WEAK" in text
    assert "Too &lt;short&gt;." in text
    assert "Deflated &lt;Sharpe&gt;" in text
    assert "2026-01-02" in text
    assert "1,234 times" in text
    assert "Not tested." not in text
    assert "Not tested." in report.render(paper)
    both = report.render([paper, Result.from_json(paper.to_json())], passports={1: made})
    assert both.count("Not tested.") == 1
    assert [row[-1] for row in Page(both).tables["compare"]] == ["Tested", "not tested", "WEAK", "–"]
    assert "argosy passport &lt;x" in stamp.stamp(None, "<x")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_runs_with_hardly_any_row(paper, count):
    made = conclude(name="short", strategies=["s"], symbols=["AAA"], currency="USD", cash=M, known=START + np.arange(count) * DAY,
                    equity=np.full(count, M), benchmark=np.ones(count), fills={})  # fmt: skip
    page = Page(report.render(made, prices=prices()))
    assert page.open == []
    assert "trades" not in page.tables
    assert "There were none." in page.text
    assert "nan" not in " ".join(page.text)


def test_one_trade_and_values_that_are_no_number(paper):
    known = START + np.arange(3) * DAY
    made = conclude(name="one", strategies=["s"], symbols=["AAA"], currency="USD", cash=100 * M, known=known, equity=np.array([100, 101, 102]) * M,
                    benchmark=np.array([nan, nan, nan]), fills=frame(fill(0, "AAA", 1, 1, 5.0)))  # fmt: skip
    page = Page(report.render(made, prices={"AAA": (known, np.array([5.0, nan, 6.0]))}))
    row = dict(zip(*page.tables["trades"][:2], strict=True))
    assert (row["Left"], row["P&L"], row["Exit"]) == ("open", "–", "–")  # no mark, so no profit
    assert not any(re.search(r"\b(nan|inf|NaN)\b", text) for text in page.text if len(text) < 1_000)
    assert json.loads(page.data)["runs"][0]["name"] == "one"


def test_hostile_names_are_text(paper):
    deals = frame(fill(0, HOSTILE, 1, 1, 5.0, strategy=HOSTILE, why=HOSTILE), fill(1, HOSTILE, -1, 1, 5.0, strategy=HOSTILE))
    made = conclude(
        name=HOSTILE, strategies=[HOSTILE, "t"], symbols=[HOSTILE], currency="USD", cash=100 * M, known=paper.known, equity=paper.equity,
        benchmark=paper.benchmark, fills=deals, refusals={HOSTILE: 1}, settings={HOSTILE: HOSTILE, "risk": {"profile": HOSTILE}},
        hashes={HOSTILE: HOSTILE},
    )  # fmt: skip
    for text in (report.render(made, prices={HOSTILE: prices()["AAA"]}), report.render([made, made], title=HOSTILE)):
        page = Page(text)
        assert page.open == []
        assert "img" not in {tag for tag, _ in page.tags}
        assert sum(tag == "script" for tag, _ in page.tags) == 2
        assert all(not name.startswith("on") for _, given in page.tags for name in given)
        assert json.loads(page.data)["runs"][0]["name"] == HOSTILE


def test_many_trades_are_packed_whole():
    made = long()
    page = Page(report.render(made))
    assert len(page.tables["trades"]) == trips.ROWS + 1
    data = json.loads(page.data)["runs"][0]["trips"]
    table = made.trades
    assert packed.unpack(data["pnl"]) == pytest.approx([value / M for value in table["pnl"].to_list()])
    assert packed.unpack(data["entered"]) == [ns // 10**9 for ns in table["entered"].to_list()]
    assert packed.unpack(data["held"]) == [ns // 10**9 for ns in table["held_ns"].to_list()]
    assert [data["symbols"][int(k)] for k in packed.unpack(data["symbol"])] == table["symbol"].to_list()
    assert packed.untext(data["why"]) == [trips.why(row) for row in table.iter_rows(named=True)]
    assert "trips" not in json.loads(Page(report.render(long(100))).data)["runs"][0]


def test_ten_thousand_trades_stay_small():
    """3 MB and 2 s are the bounds; the time is read with room for a busy machine, `bench` measures it."""
    from time import process_time

    made = long(10_000, 50_000)
    assert made.trades.height == 10_000
    lines = {symbol: (made.known, 50 + np.sin(np.arange(len(made.known)) / 300)) for symbol in "AB"}
    begun = process_time()
    text = report.render(made, prices=lines)
    assert process_time() - begun < 6.0
    assert len(text.encode()) < 3_000_000
    assert len(packed.unpack(json.loads(Page(text).data)["runs"][0]["trips"]["pnl"])) == 10_000


def test_reasons_are_cut_where_they_would_fill_the_page(monkeypatch):
    monkeypatch.setattr(trips, "LETTERS", 50_000)
    whys = packed.untext(trips.columns(long())["why"])  # 50 letters each
    assert max(map(len, whys)) == 50
    assert any(text.endswith("…") for text in whys)
    monkeypatch.setattr(trips, "MOST", 300)
    made = long()
    kept = trips.listed(made)
    assert kept.height == 300
    assert kept["pnl"].abs().min() >= made.trades["pnl"].abs().sort(descending=True)[299]
    assert "Listed: the 300 largest of 1,000." in report.render(made)


CLICKS = """<script>
const table = document.querySelector("table.trades"), cells = (row) => [...row.cells].map((cell) => cell.textContent).join("|");
const text = () => [...table.tBodies[0].rows].map(cells);
const out = { first: text() };
document.querySelector('.pager [data-go="1"]').click();
out.second = text()[0]; out.said = document.querySelector(".pager span").textContent;
[...table.tHead.rows[0].cells].find((head) => head.textContent === "P&L").querySelector("button").click();
out.best = text()[0];
const equity = document.querySelector("[data-chart=equity]"), drawn = () => equity.querySelector(".line").getAttribute("d").length;
const key = (k) => equity.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true }));
out.whole = drawn(); key("+"); key("+"); out.near = drawn(); key("0"); out.again = drawn();
equity.dispatchEvent(new WheelEvent("wheel", { deltaY: -400, ctrlKey: true, clientX: 300, cancelable: true, bubbles: true }));
out.wheel = drawn();
table.tBodies[0].rows[0].click();
const price = document.querySelector("[data-chart=price]");
out.symbol = price.dataset.symbol; out.chosen = price.querySelectorAll(".chosen").length;
document.body.dataset.out = JSON.stringify(out);
</script>"""


@pytest.mark.skipif(which("chromium") is None, reason="the script of the page is run where a chromium is installed")
def test_the_script_pages_sorts_and_looks_closer(tmp_path):
    """In a browser: the first page is what the text of the page has; the next, the best, and a stretch seen from near."""
    made = long()
    lines = {symbol: (made.known, 50 + np.sin(np.arange(len(made.known)) / 300)) for symbol in "AB"}
    text = report.render(made, prices=lines)
    at = tmp_path / "r.html"
    at.write_text(text + CLICKS, encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--window-size=1280,3000", "--virtual-time-budget=2000", "--dump-dom", at.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    out = json.loads(unescape(re.search(r'data-out="([^"]*)"', done.stdout)[1]))
    static = ["|".join(row) for row in Page(text).tables["trades"][1:]]
    assert out["first"] == static
    assert out["said"] == "101 to 200 of 1,000"
    best = made.trades.sort("pnl", descending=True).row(0, named=True)
    assert f"+${best['pnl'] / M:,.2f}" in out["best"]
    assert out["second"] != static[0]
    assert out["near"] < out["whole"] * 0.5 < out["again"] == out["whole"]
    assert out["wheel"] < out["whole"]
    assert (out["symbol"], out["chosen"]) == (best["symbol"], 1)


WIDTH = "<script>parent.postMessage(document.documentElement.scrollWidth - document.documentElement.clientWidth, '*')</script>"
FRAME = """<iframe src="r.html" style="width:360px;height:2000px;border:0"></iframe>
<script>addEventListener("message", (event) => (document.body.dataset.over = event.data))</script>"""


@pytest.mark.skipif(which("chromium") is None, reason="the page is laid out where a chromium is installed")
def test_a_phone_shows_the_page_without_scrolling_sideways(paper, tmp_path):
    """360 pixels wide, for a run and for two side by side."""
    made = long()
    two = report.render([made, paper], prices=prices(), passports={1: {"verdict": "FAIL", "reasons": ["a" * 30] * 3, "checks": [], "trials": 7}})
    for text in (report.render(made, prices=prices()), two):
        (tmp_path / "r.html").write_text(text + WIDTH, encoding="utf-8")
        (tmp_path / "w.html").write_text(FRAME, encoding="utf-8")
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
                   "--virtual-time-budget=2000", "--dump-dom", (tmp_path / "w.html").as_uri()]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
        assert re.search(r'data-over="(\d+)"', done.stdout)[1] == "0"
