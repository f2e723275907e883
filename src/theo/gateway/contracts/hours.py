"""Trading hours of what is listed: session tables as given, two that are made of them, and the texts in contract details."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.market_data import HOUR, MINUTE, SECOND, SessionScope
from theo.gateway.open_hours import SESSION_DAYS_MAX
from theo.gateway.times import local
from theo.market.sessions import Hours, Session, SessionTable

EPOCH = date(1970, 1, 1)
NYSE, NYSE_REGULAR, FOREX = "NYSE", "NYSE_REGULAR", "FOREX"
FOREX_OPENS, FOREX_CLOSES = 17 * HOUR + 15 * MINUTE, 17 * HOUR  # New York; IDEALPRO's pause of a quarter of an hour
NEW_YORK = ZoneInfo("America/New_York")
FRIDAY = 4
DETAIL_DAYS = 6  # of hours that contract details name


def days(day: date) -> int:
    """A date as session tables count it."""
    return (day - EPOCH).days


def complete(tables: Mapping[str, SessionTable]) -> dict[str, SessionTable]:
    """The tables with NYSE_REGULAR and FOREX beside them. Raises ConfigError without the stock exchange's."""
    stock = tables.get(NYSE)
    if stock is None:
        raise ConfigError("the session table of NYSE is missing", why="holidays and options' hours follow it")
    sessions = tuple(Session(s.date, s.regular, s.regular, s.close_kind) for s in stock.sessions if s.regular)
    regular = msgspec.structs.replace(stock, calendar=NYSE_REGULAR, sessions=sessions)
    return {NYSE_REGULAR: regular, FOREX: forex_table(stock.first_date, stock.last_date), **tables}


def forex_table(first: int, last: int) -> SessionTable:
    """Currencies: from 17:15 New York to 17:00 of the next day, Monday to Friday; holidays are not modelled."""
    sessions = []
    for day in range(first, last + 2):
        ends = EPOCH + timedelta(days=day)
        if ends.weekday() <= FRIDAY:
            span = _utc(ends - timedelta(days=1), FOREX_OPENS), _utc(ends, FOREX_CLOSES)
            sessions.append(Session(day, (span,), (span,)))
    return SessionTable(FOREX, "arithmetic", first, last, tuple(sessions))


def _utc(day: date, time_of_day: int) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    return int((midnight + timedelta(microseconds=time_of_day)).timestamp()) * SECOND


class TradingDays:
    """Whether the stock exchange opens on a date; a date beyond the table is taken for one."""

    def __init__(self, table: SessionTable) -> None:
        self._dates = {session.date for session in table.sessions}
        self._first, self._last = table.first_date, table.last_date

    def __call__(self, day: date) -> bool:
        """Whether it opens."""
        n = days(day)
        return not self._first <= n <= self._last or n in self._dates


def hours_text(hours: Hours, scope: SessionScope, today: date, zone: str) -> str:
    """``20261120:0930-20261120:1600;20261121:CLOSED``: some days from today on, in the zone of the contract.

    Days that the table does not know are left out.
    """
    first, last = max(days(today), hours.table.first_date), min(days(today) + DETAIL_DAYS - 1, hours.table.last_date)
    if first > last:
        return ""
    # a session that begins on the last day may have a later day's date
    sessions = Hours(hours.table, scope).sessions_between(first, min(last + SESSION_DAYS_MAX, hours.table.last_date))
    spans = [span for session in sessions for span in session.spans(scope)]
    texts = [(f"{local(start, zone):%Y%m%d:%H%M}", f"{local(end, zone):%Y%m%d:%H%M}") for start, end in spans]
    closed = [f"{day:%Y%m%d}" for day in _dates(first, last)]
    texts = [pair for pair in texts if pair[0][:8] <= closed[-1]]
    touched = {text[:8] for pair in texts for text in pair}
    rows = [f"{start}-{end}" for start, end in texts] + [f"{day}:CLOSED" for day in closed if day not in touched]
    return ";".join(sorted(rows))


def _dates(first: int, last: int) -> Iterator[date]:
    for day in range(first, last + 1):
        yield EPOCH + timedelta(days=day)
