"""When a scan may enter and must be flat, over 2024 to 2027: each bar end, with every holiday, half-day and clock change.

What is right is said here a second time and by other means: NYSE's days are those of exchange_calendars, the hours of CME, CFE
and VIX are rules on top of them as their exchanges publish them, and local times are zoneinfo's.
"""

import datetime as dt
import warnings
from collections.abc import Iterator
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from theo.adapters.calendars.rows import hours_text, parse_hours
from theo.adapters.calendars.tables import build_table, zone_offsets
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, SessionScope
from theo.market.sessions import Hours, SessionTable
from theo.market.wall_clock import WallClock
from theo.strategy.trading_window import FLAT_BEFORE_CLOSE, NEVER, BoundWindow, TradingWindow

NEW_YORK = ZoneInfo("America/New_York")
EPOCH = dt.date(1970, 1, 1)
FIRST, LAST = dt.date(2024, 1, 1), dt.date(2027, 12, 31)
DAYS = (LAST - FIRST).days + 1
CALENDARS = ("NYSE", "CME_EQUITY", "CFE", "VIX")
MARGIN = dt.timedelta(days=10)

# CME Globex and CFE have no session at all on New Year's Day, on Christmas Day and on Good Friday; on the other holidays of the
# stock exchanges they trade in the morning. 2026-04-03 is a Good Friday with an employment report: CME trades until 09:15.
GOOD_FRIDAYS = {dt.date(2024, 3, 29), dt.date(2025, 4, 18), dt.date(2026, 4, 3), dt.date(2027, 3, 26)}
NEW_YEARS = {dt.date(year, 1, 1) for year in range(2024, 2028)}
CHRISTMASES = {dt.date(2024, 12, 25), dt.date(2025, 12, 25), dt.date(2026, 12, 25), dt.date(2027, 12, 24)}
CLOSED = GOOD_FRIDAYS | NEW_YEARS | CHRISTMASES
JOBS_FRIDAY, MOURNING = dt.date(2026, 4, 3), dt.date(2025, 1, 9)
CLOCK_CHANGES = tuple(  # the second Sunday of March and the first of November
    dt.date(year, month, day)
    for year, days in ((2024, (10, 3)), (2025, (9, 2)), (2026, (8, 1)), (2027, (14, 7)))
    for month, day in zip((3, 11), days, strict=True)
)

Span = tuple[int, int]
Spans = tuple[Span, ...]


def utc(day: dt.date, minutes: int) -> int:
    """Microseconds UTC of a New York wall-clock time; ``minutes`` below 0 are those of the evening before."""
    local = dt.datetime.combine(day + dt.timedelta(days=minutes // 1440), dt.time(minutes % 1440 // 60, minutes % 60), NEW_YORK)
    return int(local.timestamp()) * SECOND


def local_of(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at // SECOND, NEW_YORK)


def span(day: dt.date, opens: str, closes: str) -> Span:
    """Of "HH:MM" texts; an opening at 18:00 is the evening before."""
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (opens, closes)]
    return utc(day, minutes[0] - 1440 if opens == "18:00" else minutes[0]), utc(day, minutes[1])


@cache
def stock_days() -> dict[dt.date, bool]:
    """NYSE's trading days by exchange_calendars; True where it closes early."""
    from exchange_calendars import get_calendar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        theirs = get_calendar("XNYS", start=str(FIRST - MARGIN), end="2027-12-31")
        early = {stamp.date() for stamp in theirs.early_closes}
        days = {stamp.date(): stamp.date() in early for stamp in theirs.sessions}
    return days | {dt.date(2028, 1, day): False for day in (3, 4, 5, 6, 7)}


@cache
def truth(calendar: str, scope: SessionScope) -> tuple[Spans, ...]:
    """The open times of each session, oldest first."""
    found: list[Spans] = []
    mornings: Spans = ()
    for n in range(-MARGIN.days, DAYS + MARGIN.days):
        day = FIRST + dt.timedelta(days=n)
        if day.weekday() >= 5 or day.year > 2027 + (day.month == 1 and day.day <= 7):
            continue
        regular, full = sessions_of(calendar, day)
        if calendar == "CFE" and not regular:  # a holiday's morning is part of the next session
            mornings += full
            continue
        chosen = regular if scope is SessionScope.RTH else mornings + full
        mornings = ()
        if chosen:
            found.append(chosen)
    return tuple(found)


def sessions_of(calendar: str, day: dt.date) -> tuple[Spans, Spans]:
    """Regular and full hours of a weekday."""
    early = stock_days().get(day)
    if early is None:
        morning = calendar == "CME_EQUITY" and day not in {*CLOSED, MOURNING}
        return (span(day, "09:30", "13:00"),) if morning else (), tuple(holiday_hours(calendar, day))
    if calendar == "NYSE":
        return (span(day, "09:30", "13:00" if early else "16:00"),), (span(day, "04:00", "17:00" if early else "20:00"),)
    if calendar == "VIX":
        regular = span(day, "09:30", "13:15" if early else "16:15")
        return (regular,), (span(day, "03:15", "09:15"), regular)
    regular = span(day, "09:30", "13:15" if early else "16:00")
    return (regular,), (span(day, "18:00", "13:15" if early else "17:00"),)


def holiday_hours(calendar: str, day: dt.date) -> Iterator[Span]:
    """Full hours of a weekday on which NYSE is closed."""
    if day == MOURNING and calendar != "NYSE":
        yield span(day, "03:15", "09:15") if calendar == "VIX" else span(day, "18:00", "09:30")
    elif calendar == "CFE" and day not in CLOSED:
        yield span(day, "18:00", "11:30")
    elif calendar == "CME_EQUITY" and day == JOBS_FRIDAY:
        yield span(day, "18:00", "09:15")
    elif calendar == "CME_EQUITY" and day not in CLOSED:
        yield span(day, "18:00", "13:00")


@cache
def hours_of(calendar: str, scope: SessionScope) -> Hours:
    return Hours(table_of(calendar), scope)


@cache
def table_of(calendar: str) -> SessionTable:
    return build_table(calendar, FIRST - MARGIN, LAST + MARGIN, parse_hours(hours_text()))


@cache
def wall_clock() -> WallClock:
    return WallClock(zone_offsets("America/New_York", FIRST - MARGIN, LAST + MARGIN))


def ends_of(spans: Spans, length: int) -> list[int]:
    """Where bars of a session end: at multiples of the length since 1970, and at its close; none that lies wholly in a pause."""
    opened, closes = spans[0][0], spans[-1][1]
    ends, start = [], opened
    while start < closes:
        end = min(start - start % length + length, closes)
        if any(a < end and start < b for a, b in spans):
            ends.append(end)
        start = end
    return ends


def must_be_flat(window: TradingWindow, spans: Spans, at: int) -> int:
    """Five minutes before the earlier of End and the close; before the pause, where that would be in one."""
    day = local_of(at).date()
    ends = [utc(day + dt.timedelta(days=n), window.end) for n in (-1, 0, 1)]
    limit = min(spans[-1][1], *(end for end in ends if end > at or (end == at and window.end < 1440)))
    if not any(a < limit <= b for a, b in spans):
        limit = max(b for _, b in spans if b <= limit)
    return limit - FLAT_BEFORE_CLOSE


def may_enter(window: TradingWindow, spans: Spans, end: int) -> bool:
    local = local_of(end)
    minute = local.hour * 60 + local.minute
    inside = window.start <= minute <= window.end if window.start < window.end else not window.end < minute < window.start
    if not inside or local.weekday() not in window.days or (window.last_day and local.date().isoformat() > window.last_day):
        return False
    return not window.intraday or (end < spans[-1][1] and end < must_be_flat(window, spans, end))


def check(calendar: str, scope: SessionScope, window: TradingWindow, length: int, first: dt.date, days: int) -> int:
    """Every bar end of the days' sessions; how many of them allow an entry."""
    bound = BoundWindow(window, wall_clock(), hours_of(calendar, scope))
    low, high = utc(first, 0), utc(first + dt.timedelta(days=days), 0)
    allowed = 0
    for spans in truth(calendar, scope):
        if spans[-1][1] < low or spans[0][0] >= high:
            continue
        for end in ends_of(spans, length):
            expected = may_enter(window, spans, end)
            assert bound.allows(end) == expected, (local_of(end), expected)
            allowed += expected
            local = local_of(end)
            day = local.date() + dt.timedelta(days=local.hour >= 17)
            assert wall_clock().account_day(end) == ((day - EPOCH).days, utc(day, 17 * 60)), local
            if expected:
                flat = must_be_flat(window, spans, end) if window.intraday else NEVER
                assert bound.flat_at(end) == bound.flat_at(end + 2 * SECOND) == flat, local
    return allowed


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("scope", SessionScope)
def test_sessions_of_four_years_are_those_of_their_exchanges(calendar: str, scope: SessionScope) -> None:
    low, high = (FIRST - EPOCH).days, (LAST - EPOCH).days
    ours = [session.spans(scope) for session in hours_of(calendar, scope).sessions_between(low, high)]
    theirs = [spans for spans in truth(calendar, scope) if FIRST <= local_of(spans[-1][1] - 1).date() <= LAST]
    assert ours == theirs
    assert len(ours) > 1_000


@pytest.mark.parametrize("calendar", CALENDARS)
def test_no_bar_end_of_four_years_is_judged_wrongly_by_the_usual_window(calendar: str) -> None:
    allowed = check(calendar, SessionScope.RTH, TradingWindow(), 15 * MINUTE, FIRST, DAYS)
    sessions = sum(1 for spans in truth(calendar, SessionScope.RTH) if FIRST <= local_of(spans[0][0]).date() <= LAST)
    assert 20 * sessions < allowed < 26 * sessions  # 09:45 to 15:45, less on half-days


minutes_of_day = st.integers(0, 95).map(lambda n: 15 * n) | st.integers(0, 1440)
special = sorted({*CLOSED, MOURNING, *CLOCK_CHANGES, *(dt.date(year, 11, 25) for year in range(2024, 2028))})
first_days = (st.integers(0, DAYS - 8).map(lambda n: FIRST + dt.timedelta(days=n))) | st.sampled_from(special).map(
    lambda day: min(max(day - dt.timedelta(days=3), FIRST), LAST - dt.timedelta(days=8))
)
windows = st.builds(
    TradingWindow,
    start=minutes_of_day,
    end=minutes_of_day,
    days=st.just((0, 1, 2, 3, 4)) | st.lists(st.integers(0, 6), unique=True).map(lambda days: tuple(sorted(days))),
    last_day=st.just("") | first_days.map(lambda day: (day + dt.timedelta(days=4)).isoformat()),
    intraday=st.booleans(),
).filter(lambda window: window.start != window.end)
MORNING_AFTER = TradingWindow(start=18 * 60, end=16 * 60)


@settings(max_examples=120)
@given(
    st.sampled_from(CALENDARS),
    st.sampled_from(SessionScope),
    windows,
    st.sampled_from([5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, DAY]),
    first_days,
)
@example("CME_EQUITY", SessionScope.ALL, TradingWindow(end=15 * 60), 15 * MINUTE, dt.date(2026, 11, 23))
@example("CFE", SessionScope.ALL, TradingWindow(), 5 * MINUTE, dt.date(2025, 7, 2))
@example("CFE", SessionScope.ALL, MORNING_AFTER, 15 * MINUTE, dt.date(2025, 7, 2))
@example("CME_EQUITY", SessionScope.ALL, TradingWindow(start=0, end=1440), 15 * MINUTE, dt.date(2027, 3, 11))
@example("VIX", SessionScope.ALL, TradingWindow(start=180, end=9 * 60 + 25), 5 * MINUTE, dt.date(2025, 1, 8))
def test_a_window_opens_and_closes_exactly_when_it_must(
    calendar: str, scope: SessionScope, window: TradingWindow, length: int, first: dt.date
) -> None:
    check(calendar, scope, window, length, first, 8)
