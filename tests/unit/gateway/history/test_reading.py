"""How requests about the past are read: times in all of IB's forms, durations in sessions, sizes, and the rules of pacing."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.hand_market import EUR, MES, SPY
from tests.unit.gateway.tables import at, at_utc
from theo.domain.market_data import HOUR, MINUTE, SECOND
from theo.gateway.desk import Listing
from theo.gateway.history.asked import Duration, bar_size, duration
from theo.gateway.history.date_texts import moment_of, moment_text, utc_text
from theo.gateway.history.pacing import HistoryPacing
from theo.gateway.history.periods import begin_of
from theo.gateway.request_refused import RequestRefusedError

NOW = at("2026-11-24 10:00")
ZONE = "America/New_York"
LEGAL = (
    "1 secs|5 secs|10 secs|15 secs|30 secs|1 min|2 mins|3 mins|5 mins|10 mins|15 mins|20 mins|30 mins|1 hour|2 hours|3 hours|"
    "4 hours|8 hours|1 day|1 week|1 month|1W|1M"
)


@pytest.mark.parametrize(
    ("text", "moment", "zoned"),
    [
        ("20261123 15:59:00", at("2026-11-23 15:59:00"), False),
        ("20261123  15:59:00", at("2026-11-23 15:59:00"), False),
        ("20261123 15:59:00 US/Eastern", at("2026-11-23 15:59:00"), True),
        ("20261123 15:59:00 America/Chicago", at("2026-11-23 16:59:00"), True),
        ("20261123 15:59:00 UTC", at_utc("2026-11-23 15:59:00"), True),
        ("20261123 15:59:00 GMT", at_utc("2026-11-23 15:59:00"), True),
        ("20261123-15:59:00", at_utc("2026-11-23 15:59:00"), True),
        ("20260701 09:30:00", at("2026-07-01 09:30:00"), False),
        ("09:31:00", at("2026-11-24 09:31:00"), False),
        ("09:31:00 UTC", at_utc("2026-11-24 09:31:00"), True),
    ],
)
def test_a_time_is_read_in_each_of_its_forms(text: str, moment: int, zoned: bool) -> None:  # noqa: FBT001 - a column of the table
    assert moment_of(text, NOW, ZONE) == (moment, zoned)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "20261123",
        "20261323 10:00:00",
        "20260230 10:00:00",
        "20261123 25:00:00",
        "20261123 10:00",
        "19000101 10:00:00",
        "20261123 10:00:00 Mars/Base",
        "20261123 10:00:00 ../../etc/passwd",
        "20261123 10:00:00 America",
        "20261123-10:00:00 UTC x\N{SNOWMAN}",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        moment_of(text, NOW, ZONE)
    assert refused.value.code == 10314


@given(st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1)), st.sampled_from(["UTC", "Asia/Tokyo", "America/Chicago"]))  # noqa: DTZ001 - the zone is added below
def test_what_is_written_is_read_back(moment: datetime, zone: str) -> None:
    wall = moment.replace(microsecond=0, tzinfo=UTC)
    units = int(wall.timestamp()) * SECOND
    assert moment_of(utc_text(units), NOW, ZONE) == (units, True)
    local = wall.astimezone(ZoneInfo(zone))
    if local.utcoffset() == (local + timedelta(hours=3)).utcoffset() == (local - timedelta(hours=3)).utcoffset():
        assert moment_of(moment_text(units, zone, 178), NOW, ZONE) == (units, True)


def test_texts_of_old_versions_name_no_zone() -> None:
    assert moment_text(NOW, ZONE, 178) == "20261124 10:00:00 America/New_York"
    assert moment_text(NOW, ZONE, 157) == "20261124  10:00:00"


@pytest.mark.parametrize("text", LEGAL.split("|"))
def test_legal_sizes_are_taken(text: str) -> None:
    size = bar_size(text)
    if size.length:
        number, unit = text.split()
        lengths = {"s": SECOND, "m": MINUTE, "h": HOUR}
        assert size.length == int(number) * lengths[unit[0]]


@pytest.mark.parametrize("text", ["1 sec", "1 mins", "1 hours", "4 mins", "6 secs", "1d", "", "day"])
def test_other_sizes_are_refused_with_the_legal_ones(text: str) -> None:
    with pytest.raises(RequestRefusedError, match="Legal ones are: 1 secs, 5 secs"):
        bar_size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3600 S", (3600, "S")), ("60", (60, "S")), ("2 d", (2, "D")), ("1 W", (1, "W")), ("12 M", (12, "M")), ("3 Y", (3, "Y"))],
)
def test_durations_are_read(text: str, expected: tuple[int, str]) -> None:
    assert duration(text) == Duration(*expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not specified"),
        ("1 X", "integer{SPACE}unit"),
        ("1D", "integer{SPACE}unit"),
        ("x D", "integer{SPACE}unit"),
        ("-1 D", "integer{SPACE}unit"),
        ("0 D", "duration is invalid"),
        ("10 S", "duration is invalid"),
        ("86401 S", "greater than 86400 seconds"),
        ("366 D", "longer than 365 days"),
        ("53 W", "longer than 52 weeks"),
        ("13 M", "longer than 12 months"),
        ("999999999999 Y", "duration is invalid"),
    ],
)
def test_other_durations_are_refused_in_their_own_words(text: str, words: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        duration(text)
    assert refused.value.code == 321
    assert words in refused.value.text


@pytest.mark.parametrize(
    ("listing", "end", "lasts", "size", "regular", "begin"),
    [
        (SPY, "2026-11-24 10:00", "1 D", "1 min", True, "2026-11-24 09:30"),
        (SPY, "2026-11-24 10:00", "1 D", "1 min", False, "2026-11-24 04:00"),
        (SPY, "2026-11-24 08:00", "1 D", "1 min", True, "2026-11-23 09:30"),
        (SPY, "2026-11-24 10:00", "2 D", "1 min", True, "2026-11-23 09:30"),
        (SPY, "2026-11-23 00:00", "1 D", "1 day", True, "2026-11-20 09:30"),
        (SPY, "2026-11-30 10:00", "2 D", "1 min", True, "2026-11-27 09:30"),  # after Thanksgiving's half-day
        (SPY, "2026-11-20 16:00", "1 W", "1 day", True, "2026-11-16 09:30"),
        (SPY, "2026-11-20 16:00", "1 M", "1 day", True, "2026-10-21 09:30"),
        (SPY, "2026-11-18 16:00", "1 W", "1 week", True, "2026-11-09 09:30"),
        (SPY, "2026-11-18 16:00", "1 M", "1 month", True, "2026-10-01 09:30"),
        (SPY, "2026-11-24 10:00:30", "120 S", "1 min", True, "2026-11-24 09:58"),
        (SPY, "2026-11-24 09:31", "120 S", "30 secs", True, "2026-11-23 15:59"),
        (SPY, "2026-11-22 12:00", "3600 S", "1 min", True, "2026-11-20 15:00"),  # on a Sunday: Friday's last hour
        (MES, "2026-11-23 10:00", "1 D", "5 mins", False, "2026-11-22 18:00"),
        (MES, "2026-11-22 19:00", "2 D", "5 mins", False, "2026-11-19 18:00"),
        (EUR, "2026-11-24 10:00", "1 D", "5 mins", False, "2026-11-23 17:15"),
        (SPY, "2026-11-24 10:00", "30 Y", "1 day", True, "2026-06-01 09:30"),  # the table knows no more
    ],
)
def test_a_duration_reaches_back_over_sessions(
    listing: Listing,
    end: str,
    lasts: str,
    size: str,
    regular: bool,  # noqa: FBT001 - a column of the table
    begin: str,
) -> None:
    assert begin_of(listing, at(end), duration(lasts), bar_size(size), regular=regular) == at(begin)


def test_sixty_in_ten_minutes_are_the_most() -> None:
    pacing = HistoryPacing()
    assert all(pacing.allows(n * 5 * SECOND, n, n, 1) for n in range(60))
    assert not pacing.allows(10 * MINUTE - 1, "more", "more", 1)
    assert pacing.allows(10 * MINUTE, "more", "more", 1)
    assert not pacing.allows(10 * MINUTE, "again", "again", 1)


def test_bid_and_ask_weigh_two() -> None:
    pacing = HistoryPacing()
    assert all(pacing.allows(n * 10 * SECOND, n, n, 2) for n in range(30))
    assert not pacing.allows(10 * MINUTE - 1, "more", "more", 1)


def test_the_same_request_again_waits_fifteen_seconds() -> None:
    pacing = HistoryPacing()
    assert pacing.allows(0, "same", "contract", 1)
    assert not pacing.allows(15 * SECOND - 1, "same", "contract", 1)
    assert pacing.allows(15 * SECOND, "same", "contract", 1)


def test_the_sixth_request_for_a_contract_within_two_seconds_is_too_much() -> None:
    pacing = HistoryPacing()
    assert [pacing.allows(n * SECOND // 10, n, "contract", 1) for n in range(6)] == [True] * 5 + [False]
    assert pacing.allows(SECOND, "other", "other contract", 1)
    assert pacing.allows(2 * SECOND + SECOND // 10, 7, "contract", 1)
