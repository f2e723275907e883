"""Times as people write and read them: New York's wall clock unless a zone or an offset is given."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from theo.domain.errors import UserError
from theo.domain.market_data import DAY, SECOND

EPOCH: Final = date(1970, 1, 1)
NEW_YORK = ZoneInfo("America/New_York")
HINT = 'Write for example 2018-02-05T15:45, 2018-02-05T20:45Z or "2018-02-05T21:45 Europe/Berlin"'


def date_at(at: int) -> date:
    """The day (UTC) of a time."""
    return date_of(at // DAY)


def date_of(day: int) -> date:
    """A date that the domain counts in days."""
    return EPOCH + timedelta(days=day)


def day_number(day: date) -> int:
    """A date as the domain counts it."""
    return (day - EPOCH).days


def clock(at: int) -> str:
    """A time as New York's wall clock shows it, to the minute."""
    return datetime.fromtimestamp(at / SECOND, NEW_YORK).strftime("%Y-%m-%d %H:%M")


def iso(at: int) -> str:
    """A time in UTC for a machine."""
    return datetime.fromtimestamp(at // SECOND, UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> int:
    """Microseconds UTC of a time as typed. Raises UserError, also for a wall-clock time that is skipped or comes twice."""
    wall, zone = _zone_of(text.strip())
    try:
        found = datetime.fromisoformat(wall)
    except ValueError as error:
        raise UserError(f"{text!r} is no time", remedy=HINT) from error
    if len(wall) <= len("2018-02-05"):
        raise UserError(f"{text!r} has no time of day", remedy=HINT)
    if found.tzinfo is None:
        found = _on_wall_clock(found, zone, text)
    return round(found.timestamp() * SECOND)


def _zone_of(text: str) -> tuple[str, ZoneInfo]:
    """The part before a zone's name, and the zone; New York where none is named."""
    match = re.fullmatch(r"(.*\d)(?:\s+|\[)([A-Za-z]+(?:[/_+-][A-Za-z_]+)*)\]?", text)
    if match is None:
        return text, NEW_YORK
    try:
        return match[1], ZoneInfo(match[2])
    except (KeyError, ValueError, OSError) as error:
        raise UserError(f"{match[2]!r} is no time zone", remedy=HINT) from error


def _on_wall_clock(wall: datetime, zone: ZoneInfo, text: str) -> datetime:
    earlier, later = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    if earlier.utcoffset() == later.utcoffset():
        return earlier
    offsets = [_offset_text(moment.utcoffset()) for moment in (earlier, later)]
    back = datetime.fromtimestamp(earlier.timestamp(), zone).replace(tzinfo=None)
    what = "comes twice that day" if back == wall else "is skipped that day"
    raise UserError(f"{text!r} {what}", why="the clocks are changed", remedy=f"Add an offset: {offsets[0]} or {offsets[1]}")


def _offset_text(offset: timedelta | None) -> str:
    assert offset is not None  # an aware time has one
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
