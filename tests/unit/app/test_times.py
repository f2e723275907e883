from datetime import UTC, datetime

import pytest

from theo.app.times import clock, iso, parse_time
from theo.domain.errors import UserError


def micros(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type,misc]  # year to second, never a zone


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2018-02-05T15:45", (2018, 2, 5, 20, 45)),
        ("2018-07-05 15:45:30", (2018, 7, 5, 19, 45, 30)),
        ("2018-02-05T15:45Z", (2018, 2, 5, 15, 45)),
        ("2018-02-05T15:45+01:00", (2018, 2, 5, 14, 45)),
        ("2018-02-05T15:45 Europe/Berlin", (2018, 2, 5, 14, 45)),
        ("2018-02-05T15:45[America/New_York]", (2018, 2, 5, 20, 45)),
        ("2018-02-05T15:45 UTC", (2018, 2, 5, 15, 45)),
        ("2018-11-04T01:30-05:00", (2018, 11, 4, 6, 30)),
    ],
)
def test_new_york_unless_a_zone_or_an_offset_is_given(text: str, utc: tuple[int, ...]) -> None:
    assert parse_time(text) == micros(*utc)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tomorrow", "is no time"),
        ("2018-02-30T10:00", "is no time"),
        ("2018-02-05", "has no time of day"),
        ("2018-02-05T15:45 Mars/Base", "'Mars/Base' is no time zone"),
        ("2018-11-04T01:30", "comes twice that day"),
        ("2018-03-11T02:30", "is skipped that day"),
    ],
)
def test_what_is_no_single_moment_is_refused(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        parse_time(text)


def test_an_hour_that_comes_twice_names_both_offsets() -> None:
    with pytest.raises(UserError, match="Add an offset: -04:00 or -05:00"):
        parse_time("2018-11-04T01:30")


def test_shown_times() -> None:
    at = micros(2018, 2, 5, 20, 45)
    assert (clock(at), iso(at)) == ("2018-02-05 15:45", "2018-02-05T20:45:00Z")
