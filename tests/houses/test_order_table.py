"""The table of an order's ways, written down a second time from the life of real orders, and nowhere else in the house."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest

from argosy.core.errors import Broken
from argosy.core.orders import BUY, EDGES, TERMINAL, Order, Work
from argosy.engine.blotter import Blotter

HOUSE = Path(__file__).resolve().parents[2] / "argosy"

LIFE = """
NEW             DENIED INTENT
INTENT          SENT CANCELED
SENT            ACKED WORKING PENDING_CANCEL FILLED CANCELED EXPIRED REJECTED REPLACED UNKNOWN
ACKED           WORKING PENDING_CANCEL PENDING_REPLACE FILLED CANCELED EXPIRED REJECTED REPLACED
WORKING         ACKED PENDING_CANCEL PENDING_REPLACE FILLED CANCELED EXPIRED REJECTED REPLACED
PENDING_CANCEL  ACKED WORKING PENDING_REPLACE FILLED CANCELED EXPIRED REJECTED REPLACED UNKNOWN
PENDING_REPLACE ACKED WORKING PENDING_CANCEL FILLED CANCELED EXPIRED REJECTED REPLACED UNKNOWN
UNKNOWN         ACKED WORKING PENDING_CANCEL PENDING_REPLACE FILLED CANCELED EXPIRED REJECTED REPLACED
CANCELED        FILLED
EXPIRED         FILLED
REPLACED        FILLED
DENIED
FILLED
REJECTED
"""
TABLE = {line.split()[0]: set(line.split()[1:]) for line in LIFE.strip().splitlines()}


def test_the_table_is_the_one_of_real_life() -> None:
    written = {work.name: {other.name for other in EDGES[work] if other is not work} for work in Work}
    assert written == TABLE


def test_every_work_has_a_row_and_terminal_ones_lead_only_to_a_late_fill() -> None:
    assert set(EDGES) == set(Work)
    for work in Work:
        if work in TERMINAL:
            assert EDGES[work] <= {Work.FILLED}
        else:
            assert EDGES[work]


def test_every_work_can_be_reached_and_can_end() -> None:
    reached = {Work.NEW}
    while more := {other for work in reached for other in EDGES[work]} - reached:
        reached |= more
    assert reached == set(Work)
    ends = set(TERMINAL)
    while more := {work for work in Work if EDGES[work] & ends} - ends:
        ends |= more
    assert ends == set(Work)


@pytest.mark.parametrize(("start", "end"), list(itertools.product(Work, Work)), ids=lambda work: work.name)
def test_the_blotter_walks_the_table_and_breaks_off_it(start: Work, end: Work) -> None:
    blotter = Blotter(1)
    ticket = blotter.add(Order(1, 0, BUY, 10))
    ticket.work = start
    if start is end or end.name in TABLE[start.name]:
        blotter.move(ticket, end)
        assert ticket.work is end
        if end in TERMINAL and start is not end:
            assert not blotter.open[0]
    else:
        with pytest.raises(Broken, match="ORDER_EDGE"):
            blotter.move(ticket, end)
        assert ticket.work is start


def test_there_is_one_table_in_one_place() -> None:
    tables = []
    for path in sorted(HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                keys = [ast.unparse(key) for key in node.keys if key is not None]
                if sum(key.startswith("Work.") for key in keys) >= 3:
                    tables.append(path.relative_to(HOUSE).as_posix())
    assert tables == ["core/orders.py"]
