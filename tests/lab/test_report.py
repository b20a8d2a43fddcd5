"""The report is read as a browser would: its numbers are those of the result, and nothing in it can run or call out."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.lab import figures, report
from argosy.lab.result import Result
from tests.lab.conftest import START, M

VOID = {"meta", "br", "link", "img", "input"}


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
        assert self.open.pop() == tag
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
    sortable = [float(row[head.index("P&L")]) for row in page.values["trades"][1:]]
    assert sortable == [pnl / M for pnl in paper.trades["pnl"].to_list()]


def test_the_heat_map_refusals_and_hashes(page):
    assert page.tables["bars"] == [["SELF_CROSS", "3", ""], ["PRICE_TICK", "1", ""]]
    assert "abc" in page.text and "def" in page.text and "venue.fees" in page.text
    assert any("stopped on 2024-01-04: ZeroDivisionError: <oops>" in text for text in page.text)


def test_months_are_in_the_heat_map(paper):
    known = START + np.array([0, 30, 31, 60]) * DAY  # 1 January, 31 January, 1 February, 1 March
    made = Result(name="m", strategies=("s",), symbols=("AAA",), known=known, equity=np.array([100, 110, 99, 99]) * M,
                  benchmark=np.array([1.0, 2.0, 2.0, 2.0]), fills=paper.fills.head(0), trades=paper.trades.head(0))  # fmt: skip
    row = Page(report.render(made)).values["heat"][1]
    assert [None if v is None else round(float(v), 6) for v in row[1:5]] == [0.1, -0.1, 0.0, None]
    assert float(row[13]) == pytest.approx(-0.01)


def test_the_charts_have_every_extreme_and_the_marks(page, paper):
    data = json.loads(page.data)
    curve = data["runs"][0]["curve"]
    assert curve["own"] == [100, 110, 99, 120, 120] and min(curve["down"]) == -10.0
    assert data["runs"][0]["signs"]["AAA"]["p"] == [2.5, 3.5]  # the later split halves what came before it
    assert data["prices"]["AAA"]["p"] == [2.5, 3.0, 3.5, 3.5, 3.5]
    assert data["runs"][0]["signs"]["AAA"]["s"] == [1, -1]
    assert data["prices"]["BBB"]["p"] == [19, 20, 22, 25, 31]


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
    assert len(charts) == 3
    assert all(
        chart["aria-label"] and chart["role"] == "img" and chart["tabindex"] == "0" for chart in charts
    )
    assert "lang" in dict(page.tags)["html"]


def test_several_results_are_ranked_with_holding_beside(paper):
    other = Result.from_json(paper.to_json())
    other.name, other.failures = "better", ()
    other.stats["total_return"] = 0.9
    rows = Page(report.render([paper, other], title="Two")).tables["compare"]
    assert [row[0] for row in rows] == ["Strategy", "better", "paper <b>& stopped", "Buy and hold"]
    assert [row[1].replace("\u00a0", " ") for row in rows[1:]] == ["+90.0 %", "+20.0 %", "+50.0 %"]
    assert rows[1][-1] == "4"


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
