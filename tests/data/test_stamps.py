"""Dates and times in every dress; each expected moment is worked out with the standard library."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.time import HOUR, SECOND, parse
from argosy.data import stamps


def ns(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-01", "2024-03-01 00:00"),
        ("2024-03-01 14:30", "2024-03-01 14:30"),
        ("2024-03-01T14:30:05Z", "2024-03-01 14:30:05"),
        ("2024-03-01 14:30:05+02:00", "2024-03-01 12:30:05"),
        ("2024-03-01 14:30:05-0530", "2024-03-01 20:00:05"),
        ("2024/3/1 2:30 PM", "2024-03-01 14:30"),
        ("2024/3/1 12:30 am", "2024-03-01 00:30"),
        ("20240301", "2024-03-01 00:00"),
        ("20240301 143005", "2024-03-01 14:30:05"),
        ("20240301143005", "2024-03-01 14:30:05"),
        ("1 Mar 2024", "2024-03-01 00:00"),
        ("Mar 1, 2024", "2024-03-01 00:00"),
        ("March 1st, 2024", "2024-03-01 00:00"),
        ("Fri, 01 Mar 2024 14:30:05", "2024-03-01 14:30:05"),
        ("01-Mar-24", "2024-03-01 00:00"),
        ("31.03.2024", "2024-03-31 00:00"),
        ("12/31/1999", "1999-12-31 00:00"),
        ("1709303405", "2024-03-01 14:30:05"),
        ("1709303405000", "2024-03-01 14:30:05"),
        ("1709303405000000", "2024-03-01 14:30:05"),
        ("1709303405000000000", "2024-03-01 14:30:05"),
        ("1709303405.0", "2024-03-01 14:30:05"),
    ],
)
def test_one_moment_in_many_dresses(text, moment):
    found = stamps.read(pl.Series([text, text]))
    assert found.ok.all() and found.utc.tolist() == [ns(moment)] * 2


def test_fractions_are_kept_to_the_nanosecond():
    texts = ["2024-03-01 00:00:00.123456789", "2024-03-01 00:00:00.5", "2024-03-01 00:00:00,25"]
    base = ns("2024-03-01")
    assert (stamps.read(pl.Series(texts)).utc - base).tolist() == [123_456_789, 500_000_000, 250_000_000]
    assert stamps.read(pl.Series(["1709303405.250"])).utc[0] == ns("2024-03-01 14:30:05") + 250_000_000
    assert stamps.read(pl.Series([1709303405.25])).utc[0] == ns("2024-03-01 14:30:05") + 250_000_000
    assert stamps.read(pl.Series(["1709303405123456789"])).utc[0] == 1709303405123456789  # no float on the way


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Sydney"])
@pytest.mark.parametrize("text", ["2024-01-15 09:30", "2024-07-15 09:30"])
def test_naive_times_of_a_zone(zone, text):
    assert stamps.read(pl.Series([text]), zone=zone).utc[0] == ns(text, zone)


def test_the_hour_that_never_was_is_lost_and_the_one_that_came_twice_is_its_first():
    gap = stamps.read(pl.Series(["2024-03-10 01:59", "2024-03-10 02:30", "2024-03-10 03:00"]), zone="America/New_York")
    assert gap.lost.tolist() == [False, True, False] and gap.ok.tolist() == [True, False, True]
    assert gap.utc[2] - gap.utc[0] == 60 * SECOND
    fold = stamps.read(pl.Series(["2024-11-03 01:30"]), zone="America/New_York")
    assert fold.utc[0] == parse("2024-11-03T05:30:00Z")  # still summer time


def test_offsets_in_the_text_beat_the_zone_and_fixed_offsets_are_zones():
    assert stamps.read(pl.Series(["2024-07-01 12:00+00:00"]), zone="America/New_York").utc[0] == ns("2024-07-01 12:00")
    assert stamps.read(pl.Series(["2024-07-01 12:00"]), zone="UTC-5").utc[0] == ns("2024-07-01 17:00")
    assert stamps.read(pl.Series(["2024-07-01 12:00"]), zone="+05:30").utc[0] == ns("2024-07-01 06:30")
    with pytest.raises(Misuse, match=r"INGEST_ZONE"):
        stamps.read(pl.Series(["2024-07-01 12:00"]), zone="Mars/Olympus")


def test_what_is_no_time_is_not_read():
    texts = ["2024-02-30", "2023-02-29", "2024-13-01", "2024-01-01 25:00", "2024-01-01 12:60", "soon", "", "2024-02-29"]
    assert stamps.read(pl.Series(texts)).ok.tolist() == [False] * 7 + [True]
    assert not stamps.read(pl.Series(["x", "y"])).ok.any()


def test_day_and_month_are_told_by_another_row_or_refused():
    us = stamps.read(pl.Series(["3/4/2021", "3/25/2021"]))
    assert us.utc.tolist() == [ns("2021-03-04"), ns("2021-03-25")]
    eu = stamps.read(pl.Series(["3/4/2021", "25/4/2021"]))
    assert eu.utc.tolist() == [ns("2021-04-03"), ns("2021-04-25")]
    with pytest.raises(Misuse, match=r"INGEST_DATES.*f.csv:2"):
        stamps.read(pl.Series(["3/4/2021", "4/5/2021"]), lines=[2, 3], where="f.csv")
    with pytest.raises(Misuse, match=r"line 3 has the day first, line 2 the month"):
        stamps.read(pl.Series(["3/25/2021", "25/3/2021"]), lines=[2, 3], where="f.csv")
    assert stamps.read(pl.Series(["3/4/2021"]), order="mdy").utc[0] == ns("2021-03-04")
    assert stamps.read(pl.Series(["3/4/2021"]), order="dmy").utc[0] == ns("2021-04-03")
    with pytest.raises(Misuse, match=r"INGEST_DATES"):
        stamps.read(pl.Series(["3/4/2021"]), order="ymd")


def test_typed_columns_with_and_without_zone():
    naive = pl.Series([datetime(2024, 7, 1, 12)])  # noqa: DTZ001 - a naive column is what is tested
    assert stamps.read(naive).utc[0] == ns("2024-07-01 12:00")
    assert stamps.read(naive, zone="America/New_York").utc[0] == ns("2024-07-01 16:00")
    aware = naive.dt.replace_time_zone("Europe/Berlin")
    assert stamps.read(aware, zone="America/New_York").utc[0] == ns("2024-07-01 10:00")
    assert stamps.read(naive.dt.date()).dates


def test_date_and_time_columns_and_milliseconds_of_the_day():
    both = stamps.joined(pl.Series(["20240301", "20240301"]), pl.Series(["930", "1600"]))
    assert stamps.read(both).utc.tolist() == [ns("2024-03-01 09:30"), ns("2024-03-01 16:00")]
    seconds = stamps.joined(pl.Series(["2024-03-01"]), pl.Series(["093005"]))
    assert stamps.read(seconds).utc[0] == ns("2024-03-01 09:30:05")
    day = stamps.of_day(pl.Series([34_200_000, 86_400_000, -1]), "2024-07-01", "America/New_York")
    assert day.utc[0] == ns("2024-07-01 13:30") and day.ok.tolist() == [True, False, False]
    with pytest.raises(Misuse, match=r"INGEST_DATES.*--day"):
        stamps.of_day(pl.Series([1]), "")


@given(st.lists(st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1)), min_size=1, max_size=20))  # noqa: DTZ001
def test_iso_text_is_read_back(moments):
    texts = [moment.isoformat(" ") for moment in moments]
    expected = [int((moment - datetime(1970, 1, 1)).total_seconds()) // 3600 * HOUR for moment in moments]  # noqa: DTZ001
    found = stamps.read(pl.Series(texts))
    assert found.ok.all()
    assert [value // HOUR * HOUR for value in found.utc.tolist()] == [value // HOUR * HOUR for value in expected]
