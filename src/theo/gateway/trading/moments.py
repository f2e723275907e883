"""Times as clients write them in orders and filters."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from theo.gateway.request_refused import RequestRefusedError
from theo.gateway.times import EPOCH

# 20261120 16:00:00 US/Eastern, 20261120 16:00:00, 20261120-21:00:00 (UTC), 20261120
MOMENT = re.compile(r"(?P<day>\d{8})(?:(?P<mark>[ -]+)(?P<time>\d{1,2}:\d\d:\d\d)(?: +(?P<zone>[A-Za-z_/+\-0-9]+))?)?", re.ASCII)
BAD_MOMENT = (
    "The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xxx where yyyymmdd and xxx are "
    "optional."
)


def read_moment(text: str, zone: str, *, end_of_day: bool = False) -> int:
    """Microseconds UTC; ``zone`` is of a time that names none. Raises RequestRefusedError (337) when it is none."""
    found = MOMENT.fullmatch(text.strip())
    if found is None:
        raise RequestRefusedError(337, BAD_MOMENT)
    utc = found["mark"] == "-"
    time = found["time"] or ("23:59:59" if end_of_day else "00:00:00")
    try:
        at = datetime.strptime(f"{found['day']} {time}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
        local = at.replace(tzinfo=ZoneInfo(found["zone"] or ("UTC" if utc else zone)))
    except (ValueError, ZoneInfoNotFoundError):
        raise RequestRefusedError(337, BAD_MOMENT) from None
    return (local - EPOCH) // timedelta(microseconds=1)
