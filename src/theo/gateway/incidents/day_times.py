"""Times of the day or of the week in a zone, as scenarios name them: ``23:45``, ``23:45:30``, ``Sun 01:00``."""

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from theo.gateway.times import EPOCH, local

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FORM = re.compile(rf"(?:({'|'.join(DAYS)})[ -])?([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
WEEK_DAYS = 7


class DayTime(msgspec.Struct, frozen=True):
    """A time of each day, or of one day of each week (``weekday`` 0 is Monday)."""

    at: time
    weekday: int | None = None


def day_time(text: str) -> DayTime | None:
    """What a text names; None when it is no such time."""
    found = FORM.fullmatch(text)
    if found is None:
        return None
    day, hour, minute, second = found.groups()
    return DayTime(time(int(hour), int(minute), int(second or 0)), DAYS.index(day) if day else None)


def next_after(at: int, wanted: DayTime, zone: str) -> int:
    """The first such moment later than one (both microseconds UTC). A time that a clock skips is taken an hour later."""
    today = local(at, zone).date()
    for days in range(-1, WEEK_DAYS + 2):
        day = today + timedelta(days=days)
        if wanted.weekday is None or day.weekday() == wanted.weekday:
            moment = (datetime.combine(day, wanted.at, ZoneInfo(zone)) - EPOCH) // timedelta(microseconds=1)
            if moment > at:
                return moment
    raise AssertionError("every week has each of its days")
