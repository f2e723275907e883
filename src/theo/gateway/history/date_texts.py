"""Times of requests and answers about the past, in IB's forms."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from theo.domain.market_data import SECOND
from theo.gateway.request_refused import RequestRefusedError
from theo.gateway.times import EPOCH, local

ZONED_SINCE = 174  # from this version on times of answers name their zone
YEAR_MIN, YEAR_MAX = 1978, 3000
UTC_FORM = re.compile(r"(\d{8})-(\d{1,2}:\d{2}:\d{2})")
ZONE_FORM = re.compile(r"(?:(\d{8})[ -]+)?(\d{1,2}:\d{2}:\d{2})(?:\s+(\S.*))?")
INVALID_TEXT = (
    "End Date/Time: The date, time, or time-zone entered is invalid.\nThe correct format is yyyymmdd hh:mm:ss xx/xxxx\n"
    "where yyyymmdd and xx/xxxx are optional.\nE.g.: 20031126 15:59:00 US/Eastern\n\nNote that there is a space between the "
    "date and time,\nand between the time and time-zone.\n\nIf no date is specified, current date is assumed.\nIf no time-zone "
    "is specified, local time-zone is assumed(deprecated).\n\nYou can also provide yyyymmddd-hh:mm:ss time is in UTC.\n"
    "Note that there is a dash between the date and time in UTC notation."
)
NO_ZONE = 2174
NO_ZONE_TEXT = (
    "Warning: You submitted request with date-time attributes without explicit time zone. Please switch to use "
    "yyyymmdd-hh:mm:ss in UTC or use instrument time zone, like US/Eastern. Implied time zone functionality will be removed in "
    "the next API release."
)


def moment_of(text: str, now: int, zone: str) -> tuple[int, bool]:
    """A time that a client wrote, in microseconds UTC, and whether it named its zone; ``zone`` is that of the login.

    Raises RequestRefusedError (10314) for what is no time.
    """
    text = text.strip()
    found = UTC_FORM.fullmatch(text)
    if found:
        return _moment(found[1], found[2], UTC), True
    found = ZONE_FORM.fullmatch(text)
    if not found:
        raise RequestRefusedError(10_314, INVALID_TEXT)
    return _moment(found[1] or f"{local(now, zone):%Y%m%d}", found[2], _zone(found[3] or zone)), bool(found[3])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name can also be a folder, or leave the folder
        raise RequestRefusedError(10_314, INVALID_TEXT) from None


def _moment(day: str, time_of_day: str, zone: tzinfo) -> int:
    try:
        at = datetime.strptime(f"{day} {time_of_day}", "%Y%m%d %H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        raise RequestRefusedError(10_314, INVALID_TEXT) from None
    if not YEAR_MIN <= at.year < YEAR_MAX:
        raise RequestRefusedError(10_314, INVALID_TEXT)
    return (at - EPOCH) // timedelta(seconds=1) * SECOND


def moment_text(at: int, zone: str, version: int) -> str:
    """``20261120 09:30:00 US/Eastern``, or with two spaces and no zone for clients of old."""
    moment = local(at, zone)
    return f"{moment:%Y%m%d %H:%M:%S} {zone}" if version >= ZONED_SINCE else f"{moment:%Y%m%d  %H:%M:%S}"


def utc_text(at: int) -> str:
    """``20261120-14:30:00``."""
    return f"{EPOCH + timedelta(microseconds=at):%Y%m%d-%H:%M:%S}"


def zone_text(at: int, zone: str) -> str:
    """``20261120-09:30:00`` in a zone that stands elsewhere."""
    return f"{local(at, zone):%Y%m%d-%H:%M:%S}"


def day_text(day: int) -> str:
    """A session date (days since 1970-01-01) as ``20261120``."""
    return f"{date_of(day):%Y%m%d}"


def date_of(day: int) -> date:
    """A session date as a date."""
    return EPOCH.date() + timedelta(days=day)
