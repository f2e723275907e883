"""Builds session tables from the library's trading days and hours.toml, and zone offsets from zone data."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from theo.adapters.calendars.library import LibraryDay, every_day, holiday_mornings, library_days, library_version
from theo.adapters.calendars.rows import HoursFile, HoursRow, LocalSpan, OverrideRow, local_span, local_time
from theo.domain.errors import ConfigError, DataError
from theo.domain.market_data import DAY, HOUR, SECOND
from theo.market.sessions import CloseKind, Session, SessionTable, Span
from theo.market.wall_clock import ZoneOffsets

ALWAYS = "ALWAYS"  # open without end, one session per UTC day: synthetic data
NEW_YORK = ZoneInfo("America/New_York")
EPOCH = date(1970, 1, 1)
MARGIN = timedelta(days=10)  # sessions around the range that reach into it; no exchange has been closed for longer since 1933


def days_since_epoch(day: date) -> int:
    """A date as the domain counts it."""
    return (day - EPOCH).days


def build_table(calendar: str, first: date, last: date, rows: HoursFile) -> SessionTable:
    """The sessions of a calendar for the days ``first`` to ``last``.

    Raises DataError for an unknown calendar, and for days before its first known hours.
    """
    if calendar == ALWAYS:
        return always_open(first, last)
    library = next((row.library for row in rows.calendar if row.name == calendar), None)
    if library is None:
        known = ", ".join([*(row.name for row in rows.calendar), ALWAYS])
        raise DataError(f"calendar {calendar!r} is not known", remedy=f"Use one of: {known}")
    eras = sorted((row for row in rows.hours if row.calendar == calendar), key=lambda row: row.valid_from)
    if first < eras[0].valid_from:
        raise DataError(
            f"the hours of {calendar} are known from {eras[0].valid_from} on, not from {first}",
            remedy="Ask for a later range, or add an [[hours]] row with its source to hours.toml",
        )
    start, end = max(first - MARGIN, eras[0].valid_from), last + MARGIN
    overrides = {day: row for row in rows.override if row.calendar == calendar for day in row.dates if start <= day <= end}
    library_found = {d.day: d for d in library_days(library, start, end)}
    sessions = _sessions(library_found, overrides, eras, start, end)
    low, high = days_since_epoch(first) * DAY, (days_since_epoch(last) + 1) * DAY
    kept = tuple(s for s in sessions if s.full[-1][1] > low and s.full[0][0] < high)
    return SessionTable(calendar, library_version(), days_since_epoch(first), days_since_epoch(last), kept)


def always_open(first: date, last: date) -> SessionTable:
    """A calendar without a close."""
    days = [days_since_epoch(day) for day in every_day(first, last)]
    sessions = tuple(Session(n, ((n * DAY, (n + 1) * DAY),), ((n * DAY, (n + 1) * DAY),)) for n in days)
    return SessionTable(ALWAYS, "arithmetic", days[0], days[-1], sessions)


def _sessions(
    library: Mapping[date, LibraryDay], overrides: Mapping[date, OverrideRow], eras: list[HoursRow], start: date, end: date
) -> Iterable[Session]:
    starts = [era.valid_from for era in eras]
    closed = {day for day, row in overrides.items() if row.closed}
    trading = (set(library) | set(overrides)) - closed
    mornings = set(holiday_mornings(trading, start, end)) if any(era.holiday_morning for era in eras) else set()
    waiting: list[Span] = []  # a holiday's morning is part of the next session
    for day in every_day(start, end):
        era = eras[bisect_right(starts, day) - 1]
        if day in mornings and era.holiday_morning:
            waiting.append((_utc(day, 1, 18 * HOUR), _utc(day, 0, local_time(era.holiday_morning))))
        if day in trading:
            session = _session(day, library.get(day), overrides.get(day), era, follows=day - timedelta(days=1) in trading)
            if waiting:
                session = Session(session.date, session.regular, (*waiting, *session.full), session.close_kind)
                waiting = []
            yield session


def _session(day: date, found: LibraryDay | None, override: OverrideRow | None, era: HoursRow, *, follows: bool) -> Session:
    """One session: an override's own hours, or the era's hours cut at an early close."""
    if override is not None and override.full:
        regular = (_span(day, local_span(override.regular)),) if override.regular else ()
        kind = CloseKind.NORMAL if regular else CloseKind.EARLY
        return Session(days_since_epoch(day), regular, tuple(_span(day, local_span(text)) for text in override.full), kind)
    full = [local_span(text) for text in (era.full if follows or not era.after_closure else era.after_closure)]
    regular_spans = [local_span(era.regular)]
    close = None
    if override is not None:
        close = local_time(override.close)
    elif found is not None and found.early:
        close = found.close
    if close is not None:
        regular_spans = _cut(regular_spans, close)
        full = _cut(full, close + local_time(era.late_session))
    return Session(
        days_since_epoch(day),
        tuple(_span(day, span) for span in regular_spans),
        tuple(_span(day, span) for span in full),
        CloseKind.NORMAL if close is None else CloseKind.EARLY,
    )


def _cut(spans: list[LocalSpan], close: int) -> list[LocalSpan]:
    """Spans as they are when the session date ends at ``close`` (local time of day)."""
    kept = [(start, end) for start, end in spans if start[0] > 0 or start[1] < close]
    return [(start, end if end[0] > 0 or end[1] <= close else (0, close)) for start, end in kept]


def _span(day: date, span: LocalSpan) -> Span:
    (before, start), (end_before, end) = span
    return _utc(day, before, start), _utc(day, end_before, end)


def _utc(day: date, before: int, time_of_day: int) -> int:
    local = datetime.combine(day - timedelta(days=before), datetime.min.time(), NEW_YORK) + timedelta(microseconds=time_of_day)
    return int(local.timestamp()) * SECOND


def zone_offsets(zone: str, first: date, last: date) -> ZoneOffsets:
    """The offsets of a zone from ``first`` to ``last`` (both included), each change to the second. Raises ConfigError."""
    try:
        info = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"no time zone is named {zone!r}", remedy='Write a name such as "America/New_York"') from error
    low, high = (days_since_epoch(day) * DAY // SECOND for day in (first - MARGIN, last + MARGIN))
    since, offsets = [low], [_offset(info, low)]
    for before, after in pairwise(range(low, high + 86_400, 86_400)):
        if _offset(info, before) != _offset(info, after):
            change = _change(info, before, after)
            since.append(change)
            offsets.append(_offset(info, change))
    return ZoneOffsets(zone, tuple(s * SECOND for s in since), tuple(o * SECOND for o in offsets), high * SECOND)


def _offset(info: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(info).utcoffset()
    assert offset is not None, "an aware time has an offset"
    return int(offset.total_seconds())


def _change(info: ZoneInfo, before: int, after: int) -> int:
    """The first second with the later offset, by bisection."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(info, middle) == _offset(info, before):
            before = middle
        else:
            after = middle
    return after
