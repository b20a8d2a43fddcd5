"""Sessions of an exchange: hours, half days, closures and daylight saving as they were."""

import numpy as np
import pytest

from argosy.core.errors import Misconfigured, Misuse
from argosy.core.events import Bar, Trade
from argosy.core.tape import Tape
from argosy.core.time import DAY, iso, parse
from argosy.data.calendars import schedule, session_events, sessions, sessions_of


@pytest.mark.parametrize(
    ("day", "open_", "close"),
    [
        ("2013-03-08", "14:30", "21:00"),  # winter
        ("2013-03-11", "13:30", "20:00"),  # summer, the Monday after
        ("2012-11-23", "14:30", "18:00"),  # the half day after Thanksgiving
        ("2024-07-03", "13:30", "17:00"),  # before Independence Day
    ],
)
def test_hours(day, open_, close):
    opens, closes = sessions("XNYS", day, f"{day}T23:59:00Z")
    assert [iso(int(opens[0]))[11:16], iso(int(closes[0]))[11:16], len(opens)] == [open_, close, 1]


def test_closures():
    _, _, dates = schedule("XNYS", "2001-09-10", "2001-09-18")
    assert [iso(int(d))[:10] for d in dates] == ["2001-09-10", "2001-09-17"]
    assert len(sessions("XNYS", "2012-01-01", "2013-01-01")[0]) == 250  # Sandy took two
    assert len(sessions("XNYS", "2024-12-25", "2024-12-26")[0]) == 0


def test_what_never_closes_has_utc_days():
    opens, closes = sessions("24/7", "2024-02-28T05:00:00Z", "2024-03-01T05:00:00Z")
    assert [iso(int(t))[:10] for t in opens] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert (closes - opens == DAY).all()


def test_session_events_come_in_pairs_with_their_date():
    events = session_events("XNYS", "2024-07-03", "2024-07-06")
    assert [(e.open, e.day) for e in events] == [(True, 20240703), (False, 20240703), (True, 20240705), (False, 20240705)]
    assert all(e.known == e.ts and e.closes >= e.known for e in events)


def test_sessions_of_a_tape_are_its_bars():
    ts = np.array([parse("2024-07-03T13:30:00Z"), parse("2024-07-05T13:30:00Z")])
    span = np.array([parse("2024-07-03T17:00:00Z"), parse("2024-07-05T20:00:00Z")]) - ts
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(2))
    tape = Tape(Bar, prices | {"ts": ts, "known": ts + span, "instrument": np.zeros(2), "span": span})
    found = [(e.known, e.open, e.day, e.closes) for e in sessions_of(tape)]
    assert found == [(e.known, e.open, e.day, e.closes) for e in session_events("XNYS", "2024-07-03", "2024-07-06")]
    twice = Tape.merge([tape, tape])
    with pytest.raises(Misuse, match=r"SESSIONS_INTRADAY"):
        sessions_of(twice)
    with pytest.raises(Misuse, match=r"SESSIONS_KIND"):
        sessions_of(Tape(Trade, {"ts": [1], "known": [1], "instrument": [0], "price": [1.0], "size": [1.0], "side": [0]}))


def test_a_calendar_that_is_not_there_is_named_with_those_that_are_like_it():
    with pytest.raises(Misconfigured, match=r"CALENDAR_UNKNOWN") as caught:
        sessions("XNYZ", "2024-01-01", "2024-02-01")
    assert "XNYS" in caught.value.fix and caught.value.exit_status == 2
