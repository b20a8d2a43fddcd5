"""Writes the journals of the current schema: `python -m tests.journals.make`.

Run it when a schema is new, never to make a test of an old one green: a released journal folds for ever.
"""

from __future__ import annotations

from typing import Any

from argosy.core.events import SCHEMA
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Protection, Target, Twap
from argosy.core.time import MINUTE
from argosy.house import Wanted, assemble
from tests.journals.book import HERE, Page, write
from tests.walks.hand import says, tape, terms
from tests.walks.test_journal import everything


def page(engine: Any, rows: list[Any]) -> Page:
    """What is kept of a finished run."""
    engine.close()
    state = engine.state
    return Page(
        SCHEMA, list(engine.instruments.symbols), [slot.id for slot in engine.slots], state.hash, list(state.portfolio.lots),
        state.portfolio.cash[0], rows, engine.journal.dump(),
    )  # fmt: skip


def every() -> Page:
    """Every kind of record, from a stage on which the test is the venue."""
    stage = everything()
    return page(stage.engine, stage.rows)


class Steps:
    """A plain step: what a stretch of market orders is made of."""

    unit = "lots"

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 5.0 if row.close > row.open else 0.0


def plain() -> Page:
    """A step strategy at market over forty bars, through the simulated venue, walked compiled from the first row on."""
    rows = tape([(10.0, 10.4, 9.6, 10.0 + 0.1 * ((k * 7) % 5 - 2)) for k in range(40)])
    data = (Instruments([Instrument(symbol="S0")]), [rows], [])
    run = assemble([Wanted("steps", Steps)], data, terms(fees="alpaca"), scan_from=1)
    run.go()
    return page(run.engine, list(run.replay.source.rows()))


def paced() -> Page:
    """An execution algorithm in flight: ten minutes of a target in five parts, of which three are let go."""
    rows = tape([10.0 + 0.1 * k for k in range(8)])
    want = Target(0, lots=11, execution=Twap(10 * MINUTE, 5), protection=Protection(stop=9.0))
    data = (Instruments([Instrument(symbol="S0")]), [rows], [])
    run = assemble([Wanted("paced", says({1: want}))], data, terms(fees="alpaca"))
    run.go()
    return page(run.engine, list(run.replay.source.rows()))


def main() -> None:
    """Write the pages of the current schema."""
    write(HERE / f"schema_{SCHEMA}_every.txt", every())
    write(HERE / f"schema_{SCHEMA}_plain.txt", plain())
    write(HERE / f"schema_{SCHEMA}_paced.txt", paced())


if __name__ == "__main__":
    main()
