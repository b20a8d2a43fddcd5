"""The report is read as a browser would: its numbers are those of the result, and nothing in it can run or call out."""

import json
import re
import subprocess
from base64 import b64encode
from html.parser import HTMLParser
from importlib.resources import files
from shutil import which

import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR
from argosy.lab import figures, months, packed, report, words
from argosy.lab.orders import Asked
from argosy.lab.page import element
from argosy.lab.result import Result
from tests.lab.conftest import START, M

VOID = {"meta", "br", "link", "img", "input"}
CELLS = {"td", "th"}


class Page(HTMLParser):
    """Tables as rows of cell texts by class, stats by name, tags seen, and whether every tag was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stats: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.values: dict[str, list[list[str | None]]] = {}
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self._table = self._stat = ""
        self._cell: list[str] | None = None
        self.data = ""
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag in CELLS or tag == "tr":  # a cell ends where the next begins, a row where the next row does
            while self.open[-1] in CELLS or (tag == "tr" and self.open[-1] == "tr"):
                self._close(self.open.pop())
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._table = (given.get("class") or "").split()[-1]
            self.tables.setdefault(self._table, [])
            self.values.setdefault(self._table, [])
        if tag == "tr" and self._table:
            self.tables[self._table].append([])
            self.values[self._table].append([])
        if tag in ("td", "th") and self._table:
            self._cell = []
            self.values[self._table][-1].append(given.get("data-v"))
        self._stat = given.get("data-stat", "") if tag in ("dd", "td") else self._stat

    def handle_endtag(self, tag):
        while tag in ("tbody", "table", "tr", "thead") and self.open[-1] in {"tr", *CELLS} - {tag}:
            self._close(self.open.pop())
        assert self.open.pop() == tag
        self._close(tag)

    def _close(self, tag):
        if tag in ("td", "th") and self._cell is not None:
            self.tables[self._table][-1].append("".join(self._cell))
            self._cell = None
        if tag == "table":
            self._table = ""
        if tag in ("dd", "td"):
            self._stat = ""

    def handle_data(self, data):
        if self.open[-1:] == ["script"] and data.startswith("{"):
            self.data = data
        self.text.append(data)
        if self._cell is not None:
            self._cell.append(data)
        if self._stat:
            self.stats.setdefault(self._stat, "")
            self.stats[self._stat] += data


def prices() -> dict:
    known = START + np.arange(5) * DAY
    return {"AAA": (known, np.array([5.0, 6, 7, 7, 7])), "BBB": (known, np.array([19.0, 20, 22, 25, 31]))}


@pytest.fixture
def page(paper):
    return Page(report.render(paper, prices=prices()))


def test_the_verdict_numbers_are_those_of_the_result(page):
    plain = {key: text.replace("\u00a0", " ") for key, text in page.stats.items()}
    assert plain["total_return"] == "+20.0 %"
    assert plain["max_drawdown"] == "10.0 %"
    assert plain["max_drawdown_days"] == "2 days"
    assert plain["trades"] == "2"
    assert plain["fees"] == "$1.00"
    assert plain["traded"] == "$240"
    assert plain["exposure"] == "80.0 %"
    assert page.open == [] and page.tags[0][0] == "html"


def test_the_trades_are_those_of_the_result(page, paper):
    rows = page.tables["trades"][1:]
    assert len(rows) == paper.trades.height == 3
    head = page.tables["trades"][0]
    aaa = dict(zip(head, rows[0], strict=True))
    assert (aaa["Symbol"], aaa["Side"], aaa["Entered"], aaa["Left"], aaa["Units"]) == (
        "AAA",
        "long",
        "2024-01-01",
        "2024-01-03",
        "10",
    )
    assert (aaa["Entry"], aaa["Exit"], aaa["P&L"], aaa["Return"]) == (
        "5.00",
        "7.00",
        "+$19.00",
        "+38.0\u00a0%",
    )
    assert dict(zip(head, rows[1], strict=True))["P&L"] == "−$10.00"
    still = dict(zip(head, rows[2], strict=True))
    assert (still["Left"], still["P&L"]) == ("open", "+$1.00")
    shown = [row[head.index("P&L")] for row in rows]
    assert [float(text.replace("$", "").replace("−", "-")) for text in shown] == [pnl / M for pnl in paper.trades["pnl"].to_list()]
    assert dict(zip(head, rows[0], strict=True))["Why"] == "up & <away> → </script><script>alert(1)</script>"
    assert [row[head.index("Held")] for row in page.values["trades"][1:]] == ["48", "48", "0"]  # hours, to sort by


def test_the_heat_map_refusals_and_hashes(page):
    assert page.tables["bars"] == [["SELF_CROSS", "3", ""], ["PRICE_TICK", "1", ""]]
    assert "abc" in page.text and "def" in page.text and "venue.fees" in page.text
    assert any("stopped on 2024-01-04: ZeroDivisionError: <oops>" in text for text in page.text)


def test_months_are_in_the_heat_map(paper):
    known = START + np.array([0, 30, 31, 60]) * DAY + 21 * HOUR  # 1 January, 31 January, 1 February, 1 March
    made = Result(name="m", strategies=("s",), symbols=("AAA",), known=known, equity=np.array([100, 110, 99, 99]) * M,
                  benchmark=np.array([1.0, 2.0, 2.0, 2.0]), fills=paper.fills.head(0), trades=paper.trades.head(0))  # fmt: skip
    row = Page(report.render(made)).tables["heat"][1]  # with one decimal, and whole where there is little room
    assert row[:5] == ["2024", "10.010", "−10.0−10", "0.00", ""]
    assert row[13] == "−1.0−1"
    assert months._cell(0.12) == '<td class="g9"><b>12.0</b><i>12</i></td>'
    assert months._cell(-0.001, "sum").startswith('<td class="l1 sum">')


def test_the_charts_have_every_extreme_and_the_marks(page, paper):
    data = json.loads(page.data)
    curve = {name: packed.unpack(column) for name, column in data["runs"][0]["curve"].items()}
    assert curve["own"] == [100, 110, 99, 120, 120]
    assert curve["held"] == [100, 120, 90, 140, 150]
    assert min(curve["down"]) == -10.0
    assert curve["t"] == [START // 10**9 + day * 86400 for day in range(5)]
    signs = data["runs"][0]["signs"]["AAA"]
    assert packed.unpack(signs["p"]) == [2.5, 3.5]  # the later split halves what came before it
    assert packed.unpack(signs["s"]) == [1, -1]
    whys = packed.untext(signs["why"])
    assert [whys[int(k)] for k in packed.unpack(signs["w"])] == ["up & <away>", "</script><script>alert(1)</script>"]
    assert packed.unpack(data["prices"]["AAA"]["p"]) == [2.5, 3.0, 3.5, 3.5, 3.5]
    assert packed.unpack(data["prices"]["BBB"]["p"]) == [19, 20, 22, 25, 31]


def test_a_packed_column_by_hand():
    """15: 1 + 30; none: 0; 5 less: 1 + 9; 20 more: 1 + 40."""
    assert packed.decimal([1.5, None, 1.0, 3.0], 1) == (1, 10, b64encode(bytes([31, 0, 10, 41])).decode())


@pytest.mark.skipif(which("chromium") is None, reason="the script of the page is run where a chromium is installed")
def test_the_script_reads_what_was_packed(paper, tmp_path):
    """In a browser: the lines end where the result ends, and the marks have their reasons."""
    at = report.write(paper, tmp_path / "r.html", prices=prices())
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--window-size=1280,3000", "--virtual-time-budget=2000", "--dump-dom", at.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    readouts = re.findall(r'class="readout"[^>]*>(.*?)</p>', done.stdout)
    plain = [re.sub(r"<[^>]+>", "", text) for text in readouts]
    assert plain[0].startswith("2024-01-05paper")
    assert "$120" in plain[0]
    assert "Holding all $150" in plain[0]
    assert plain[1] == "2024-01-05AAA 3.50"
    assert done.stdout.count('class="mark buy"') + done.stdout.count('class="mark sell"') == 2


def test_a_report_of_six_years_and_six_strategies_is_small(paper):
    """Six runs of 13 years of days, 600 marks each: the charts of all take less than 200 kB."""
    rng = np.random.default_rng(5)
    known = START + np.arange(3_300) * DAY
    big = Result.from_json(paper.to_json())
    big.known = known
    big.equity = (1e11 * np.exp(np.cumsum(rng.normal(0, 0.01, 3_300)))).astype(np.int64)
    big.benchmark = 1e5 * np.exp(np.cumsum(rng.normal(0, 0.01, 3_300)))
    lines = {name: (known, np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.01, 3_300))), 2)) for name in "ABCDE"}
    data = Page(report.render([big] * 6, prices=lines)).data
    assert len(data) < 200_000
    own = packed.unpack(json.loads(data)["runs"][5]["curve"]["own"])
    assert max(own) == pytest.approx(float(big.value.max()), abs=0.51)
    assert own[-1] == pytest.approx(float(big.value[-1]), abs=0.51)


def test_what_was_refused_is_told_with_its_numbers(paper):
    asked = [
        Asked(known=START + day * DAY, number=day, symbol="AAA", strategy="s", side=1, units=10.0, kind="market", outcome="refused",
              code="MAX_POSITION", text="the position would be too large", numbers={"order_lots": 10, "limit_pct": 5.0})
        for day in range(5)
    ] + [Asked(known=START, number=9, symbol="BBB", strategy="s", side=1, units=4.0, kind="market", outcome="filled",
              text="trimmed from 9 lots to 4")]  # fmt: skip
    paper.refusals = {"MAX_POSITION": 5}
    text = report.render(paper, asked=[asked])
    assert "5 orders were refused" in text
    assert "2024-01-01 buy 10 AAA: the position would be too large (order 10 lots, limit 5\u00a0%)" in text
    assert "and 2 more" in text
    assert "Keeps one position small against the account" in text
    assert "1 order was made smaller" in text


def test_colours_go_on_after_the_last_one(paper):
    assert [element.colour(k) for k in (0, 9, 10, 19)] == ["c0", "c9", "c0 again", "c9 again"]
    style = (files("argosy.lab") / "page" / "style.css").read_text()
    for k in range(element.COLOURS):
        assert style.count(f"--c{k}:#") == 2  # on paper and in the dark


def test_nothing_calls_out_and_no_text_becomes_code(page, paper):
    text = report.render(paper, prices=prices())
    assert not re.search(r"(src|href)=\"(?!#)", text) and "@import" not in text and "url(" not in text
    allowed = {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= allowed
    policy = next(
        given["content"] for tag, given in page.tags if given.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert (
        sum(tag == "script" for tag, _ in page.tags) == 2
    )  # the data and the code, not the alert in a strategy's reason
    assert "paper <b>&" in "".join(page.text)
    assert {"oops", "away"}.isdisjoint(tag for tag, _ in page.tags)


def test_charts_are_named_and_can_be_reached_by_keyboard(page):
    charts = [given for _, given in page.tags if "data-chart" in given]
    assert [chart["data-chart"] for chart in charts] == ["equity", "fall", "price", "invested"]
    assert all(
        chart["aria-label"] and chart["role"] == "img" and chart["tabindex"] == "0" for chart in charts
    )
    assert "lang" in dict(page.tags)["html"]


def test_several_results_are_ranked_with_holding_beside(paper):
    other = Result.from_json(paper.to_json())
    other.name, other.failures = "better", ()
    other.stats["total_return"] = 0.9
    rows = Page(report.render([paper, other], title="Two")).tables["compare"]
    assert [row[0] for row in rows] == ["Strategy", "better", "paper <b>& stopped", "Holding all"]
    assert [row[1].replace("\u00a0", " ") for row in rows[1:]] == ["+90.0 %", "+20.0 %", "+50.0 %"]
    assert rows[1][-1] == "4"
    idle = Result.from_json(paper.to_json())
    idle.name, idle.fills, idle.stats = "idle", paper.fills.head(0), idle.stats | {"max_drawdown": 0.0}
    assert "paper <b>& fell least" in words.ranking([paper, idle])  # who never traded fell least of all, and is not named


def test_a_long_run_stays_small_and_keeps_its_extremes():
    rng = np.random.default_rng(3)
    values = np.cumsum(rng.normal(0, 1, 200_000))
    rows = figures.thin(values)
    assert len(rows) <= 2002 and rows[0] == 0 and rows[-1] == 199_999
    assert values[rows].min() == values.min() and values[rows].max() == values.max()
    assert np.all(np.diff(rows) > 0)
    assert figures.thin(np.array([1.0, 2.0])).tolist() == [0, 1]


def test_prices_of_tapes():
    names = Instruments([Instrument(symbol="A"), Instrument(symbol="B")])
    ts = np.array([0, 0, DAY], np.int64)
    tape = Tape(
        Bar,
        {
            "ts": ts,
            "known": ts + DAY,
            "instrument": np.array([0, 1, 0]),
            **{c: np.array([1.0, 2.0, 3.0]) for c in ("open", "high", "low", "close", "volume")},
            "span": np.full(3, DAY),
        },
    )
    found = figures.prices([tape], list(names))
    assert found["A"][1].tolist() == [1.0, 3.0] and found["B"][0].tolist() == [DAY]


def test_write_says_when_it_cannot(paper, tmp_path):
    assert report.write(paper, tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(Misuse, match="REPORT_PATH"):
        report.write(paper, tmp_path)
    with pytest.raises(Misuse, match="REPORT_EMPTY"):
        report.render([])
