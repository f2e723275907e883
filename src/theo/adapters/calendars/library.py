"""What a calendar library says: trading days with their usual or early close. Loads slowly (seconds), so only when asked."""

import warnings
from datetime import date, timedelta
from importlib.metadata import version

import msgspec

from theo.domain.market_data import HOUR, MINUTE

HOLIDAY_CALENDAR = "CME Globex Equity"  # trades, until noon, on the stock exchanges' holidays
MORNING_CLOSES = (11 * HOUR, 14 * HOUR)  # an early close in this range is such a holiday or a half-day


class LibraryDay(msgspec.Struct, frozen=True):
    """One trading day of a library's calendar: its regular open and close in microseconds after New York midnight."""

    day: date
    open: int
    close: int
    early: bool


def library_version() -> str:
    """Name and version of the library, for the tables' own version."""
    return f"pandas_market_calendars {version('pandas_market_calendars')}"


def library_days(name: str, first: date, last: date) -> tuple[LibraryDay, ...]:
    """The trading days of a calendar from ``first`` to ``last`` (both included), oldest first."""
    from pandas_market_calendars import get_calendar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # between the library and pandas: nothing that a user can act on
        calendar = get_calendar(name)
        schedule = calendar.schedule(first.isoformat(), last.isoformat(), tz="America/New_York")
        early = {stamp.date() for stamp in calendar.early_closes(schedule).index}
    rows = zip(schedule.index, schedule["market_open"], schedule["market_close"], strict=True)
    return tuple(
        LibraryDay(
            stamp.date(),
            opens.hour * HOUR + opens.minute * MINUTE,
            closes.hour * HOUR + closes.minute * MINUTE,
            stamp.date() in early,
        )
        for stamp, opens, closes in rows
    )


def holiday_mornings(trading: set[date], first: date, last: date) -> tuple[date, ...]:
    """Weekdays that are no trading days but on which CME's equity futures trade until noon."""
    low, high = MORNING_CLOSES
    days = library_days(HOLIDAY_CALENDAR, first, last)
    return tuple(d.day for d in days if d.early and low <= d.close <= high and d.day not in trading)


def every_day(first: date, last: date) -> tuple[date, ...]:
    """All calendar days from ``first`` to ``last`` (both included)."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
