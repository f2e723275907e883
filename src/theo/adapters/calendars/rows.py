"""The rows of hours.toml: trading hours with their validity dates, and the dates on which the library is wrong."""

import re
import tomllib
from datetime import date
from importlib.resources import files

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.market_data import HOUR, MINUTE

_SPAN = re.compile(r"(?:-(\d)d )?(\d\d):(\d\d) to (?:-(\d)d )?(\d\d):(\d\d)")

LocalTime = tuple[int, int]  # days before the session date, microseconds after local midnight
LocalSpan = tuple[LocalTime, LocalTime]


class CalendarRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One calendar: our name, and the library's calendar behind it."""

    name: str
    library: str


class HoursRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"valid_from": "from"}):
    """Hours in force from ``valid_from`` until the next row of the calendar. Times are New York wall-clock text."""

    calendar: str
    valid_from: date
    regular: str
    full: tuple[str, ...]
    source: str
    after_closure: tuple[str, ...] = ()
    late_session: str = "00:00"
    holiday_morning: str = ""


class OverrideRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dates on which the library is wrong, and what is right: a close, no session, or the session's hours."""

    calendar: str
    dates: tuple[date, ...]
    source: str
    close: str = ""
    closed: bool = False
    regular: str = ""
    full: tuple[str, ...] = ()


class HoursFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """hours.toml."""

    calendar: tuple[CalendarRow, ...]
    hours: tuple[HoursRow, ...]
    override: tuple[OverrideRow, ...]


def hours_text() -> str:
    """hours.toml as it is installed."""
    return files("theo.adapters.calendars").joinpath("hours.toml").read_text(encoding="utf-8")


def parse_hours(text: str) -> HoursFile:
    """The rows of an hours file. Raises ConfigError naming what is wrong."""
    try:
        return msgspec.convert(tomllib.loads(text), HoursFile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError("the trading hours cannot be read", where="hours.toml", why=str(error)) from error


def local_time(text: str) -> int:
    """Microseconds after local midnight of "HH:MM"."""
    hours, minutes = text.split(":")
    return int(hours) * HOUR + int(minutes) * MINUTE


def local_span(text: str) -> LocalSpan:
    """Start and end of "-1d 18:00 to 17:00". Raises ConfigError."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ConfigError(f"{text!r} is no span of hours", where="hours.toml", remedy='Write it as "-1d 18:00 to 17:00"')
    before, hour, minute, end_before, end_hour, end_minute = match.groups()
    start = int(before or 0), int(hour) * HOUR + int(minute) * MINUTE
    return start, (int(end_before or 0), int(end_hour) * HOUR + int(end_minute) * MINUTE)
