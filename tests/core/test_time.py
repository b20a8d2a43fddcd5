"""Spans and moments: read, written, and read back to the nanosecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.time import DAY, HOUR, MINUTE, MS, NEVER, SECOND, US, iso, parse, span, span_text, utc_day

MOMENTS = st.integers(parse("1678-01-01"), parse("2261-12-31"))


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1ns", 1),
        ("7us", 7_000),
        ("100ms", 100_000_000),
        ("30s", 30_000_000_000),
        ("5m", 300_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1d", 86_400_000_000_000),
        ("2w", 1_209_600_000_000_000),
    ],
)
def test_a_span_is_read(text: str, ns: int) -> None:
    assert span(text) == ns
    assert span_text(ns) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "m",
        "5 m",
        "-5m",
        "0m",
        "5M",
        "5min",
        "1.5h",
        "5m ",
        "\u0665m",
        "9" * 30 + "m",
        "20000w",
        "15251w",
    ],
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(Misuse) as refusal:
        span(text)
    assert refusal.value.code == "SPAN"
    assert repr(text) in refusal.value.what


@pytest.mark.parametrize(
    ("ns", "text"),
    [(90 * MINUTE, "90m"), (7 * DAY, "1w"), (36 * HOUR, "36h"), (1_500 * MS, "1500ms"), (1_001, "1001ns")],
)
def test_a_span_is_written_in_its_largest_whole_unit(ns: int, text: str) -> None:
    assert span_text(ns) == text


@given(st.integers(1, NEVER - 1))
def test_a_span_is_read_back_as_it_was_written(ns: int) -> None:
    assert span(span_text(ns)) == ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01", 0),
        ("1970-01-02T00:00:01Z", DAY + SECOND),
        ("1969-12-31T23:59:59Z", -SECOND),
        ("2000-03-01", 951_868_800 * SECOND),
        ("2026-11-21T14:30:00Z", 1_795_271_400 * SECOND),
        ("2026-11-21T14:30:00", 1_795_271_400 * SECOND),
        ("2026-11-21T09:30:00-05:00", 1_795_271_400 * SECOND),
        ("20261121T143000,5Z", 1_795_271_400 * SECOND + 500 * MS),
        ("2026-11-21T14:30:00.000001Z", 1_795_271_400 * SECOND + US),
        ("2026-11-21T14:30:00.123456789Z", 1_795_271_400 * SECOND + 123_456_789),
        ("2026-11-21T20:00:00.1234567891234+05:30", 1_795_271_400 * SECOND + 123_456_789),
        ("1969-12-31T23:59:59.999999999Z", -1),
    ],
)
def test_a_moment_is_read(text: str, ns: int) -> None:
    assert parse(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-01",
        "2026-02-30",
        "14:30",
        "1677-12-31",
        "2262-01-01",
        "0001-01-01",
        "2026-01-01T00:00:00+00:00:30",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(Misuse) as refusal:
        parse(text)
    assert refusal.value.code == "TIME"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01"),
        (SECOND, "1970-01-01T00:00:01Z"),
        (500 * MS, "1970-01-01T00:00:00.5Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-DAY, "1969-12-31"),
    ],
)
def test_a_moment_is_written_as_short_as_it_can_be(ns: int, text: str) -> None:
    assert iso(ns) == text


@given(MOMENTS)
def test_a_moment_is_read_back_to_the_nanosecond(ns: int) -> None:
    assert parse(iso(ns)) == ns


@given(
    st.datetimes(datetime(1678, 1, 2), datetime(2261, 12, 30)),  # noqa: DTZ001 - the zone is drawn beside it
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_a_moment_in_any_zone_is_the_same_moment(moment: datetime, zone: timezone) -> None:
    there = moment.replace(tzinfo=UTC).astimezone(zone)
    if 1678 <= there.year <= 2261:
        assert parse(there.isoformat()) == parse(moment.isoformat())


@given(MOMENTS)
def test_a_day_holds_its_moments(ns: int) -> None:
    day = utc_day(ns)
    assert day % DAY == 0
    assert day <= ns < day + DAY
    assert iso(day) == iso(ns)[:10]
