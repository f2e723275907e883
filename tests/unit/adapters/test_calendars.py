from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from theo.adapters.calendars.library import library_days
from theo.adapters.calendars.rows import HoursFile, hours_text, parse_hours
from theo.adapters.calendars.stored import session_table
from theo.adapters.calendars.tables import EPOCH, build_table, zone_offsets
from theo.domain.errors import ConfigError, DataError
from theo.domain.market_data import DAY, HOUR, MINUTE, SECOND, SessionScope
from theo.market.sessions import CloseKind, Hours, SessionTable
from theo.market.wall_clock import WallClock

NEW_YORK = ZoneInfo("America/New_York")
LAST = date(2027, 12, 31)
FIRST = {"NYSE": date(2006, 1, 1), "CME_EQUITY": date(2012, 11, 19), "CFE": date(2012, 1, 1), "VIX": date(2006, 1, 1)}


@pytest.fixture(scope="module")
def rows() -> HoursFile:
    return parse_hours(hours_text())


@pytest.fixture(scope="module")
def tables(rows: HoursFile) -> dict[str, SessionTable]:
    return {name: build_table(name, first, LAST, rows) for name, first in FIRST.items()}


def day_of(session_date: int) -> date:
    return EPOCH + timedelta(days=session_date)


def at(text: str) -> int:
    """Microseconds UTC of a New York wall-clock time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND


def clock(instant: int) -> str:
    return datetime.fromtimestamp(instant // SECOND, NEW_YORK).strftime("%m-%d %H:%M")


def spans(tables: dict[str, SessionTable], calendar: str, day: str, scope: SessionScope = SessionScope.ALL) -> list[str]:
    """A session as people read it, in New York time; an empty list when there is none."""
    session = Hours(tables[calendar], scope).session_on((date.fromisoformat(day) - EPOCH).days)
    return [] if session is None else [f"{clock(a)}..{clock(b)}" for a, b in session.spans(scope)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # between the oracle and pandas
def test_nyse_equals_exchange_calendars_for_22_years(tables: dict[str, SessionTable]) -> None:
    from exchange_calendars import get_calendar

    theirs = get_calendar("XNYS", start="2006-01-01", end="2027-12-31")
    expected = [
        (stamp.date(), opens.value // 1000, closes.value // 1000)
        for stamp, opens, closes in zip(theirs.sessions, theirs.opens, theirs.closes, strict=True)
    ]
    table = tables["NYSE"]
    ours = [(day_of(s.date), *s.regular[0]) for s in table.sessions if table.first_date <= s.date <= table.last_date]
    assert ours == expected
    early = {day_of(s.date) for s in table.sessions if s.close_kind is CloseKind.EARLY}
    assert early == {stamp.date() for stamp in theirs.early_closes}


def test_nyse_of_2026_and_2027_is_as_published(tables: dict[str, SessionTable]) -> None:
    published = {
        2026: "1/1 1/19 2/16 4/3 5/25 6/19 7/3 9/7 11/26 12/25",
        2027: "1/1 1/18 2/15 3/26 5/31 6/18 7/5 9/6 11/25 12/24",
    }
    open_days = {day_of(s.date) for s in tables["NYSE"].sessions}
    for year, closed in published.items():
        weekdays = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
        found = [f"{d.month}/{d.day}" for d in weekdays if d.weekday() < 5 and d not in open_days]
        assert " ".join(found) == closed
    assert spans(tables, "NYSE", "2026-11-27") == ["11-27 04:00..11-27 17:00"]
    for day in ("2026-11-27", "2026-12-24", "2027-11-26"):
        assert spans(tables, "NYSE", day, SessionScope.RTH)[0].endswith("13:00")


def differing(table: SessionTable, library: str, scope: SessionScope) -> set[date]:
    """Session dates on which the table's open or close is not the library's."""
    theirs = {d.day: (d.open, d.close) for d in library_days(library, day_of(table.first_date), day_of(table.last_date))}
    ours = {}
    for session in table.sessions:
        if table.first_date <= session.date <= table.last_date:
            bounds = session.spans(scope)
            local = [datetime.fromtimestamp(b // SECOND, NEW_YORK) for b in (bounds[0][0], bounds[-1][1])] if bounds else []
            ours[day_of(session.date)] = tuple((t.hour * 60 + t.minute) * MINUTE for t in local)
    return {day for day in ours.keys() | theirs.keys() if ours.get(day) != theirs.get(day)}


@pytest.mark.parametrize(
    ("calendar", "scope", "eras"),
    [
        # whole stretches in which the library's hours are stale, as [[hours]] rows say
        ("CME_EQUITY", SessionScope.ALL, [(date(2012, 11, 19), date(2015, 9, 20))]),
        ("CFE", SessionScope.RTH, [(date(2020, 10, 26), LAST)]),
        ("VIX", SessionScope.RTH, []),
    ],
)
def test_each_difference_from_the_library_is_a_sourced_row(
    tables: dict[str, SessionTable], rows: HoursFile, calendar: str, scope: SessionScope, eras: list[tuple[date, date]]
) -> None:
    library = next(row.library for row in rows.calendar if row.name == calendar)
    stale = {day for day in differing(tables[calendar], library, scope) if not any(a <= day <= b for a, b in eras)}
    overrides = {day for row in rows.override if row.calendar == calendar for day in row.dates}
    in_eras = {day for day in overrides if any(a <= day <= b for a, b in eras)}
    assert stale == {day for day in overrides - in_eras if FIRST[calendar] <= day}
    for a, b in eras:
        assert a in {row.valid_from for row in rows.hours if row.calendar == calendar}
        assert b == LAST or b + timedelta(days=1) in {row.valid_from for row in rows.hours if row.calendar == calendar}
    assert all(row.source for row in rows.hours)
    assert all(row.source for row in rows.override)


@pytest.mark.parametrize(
    ("calendar", "day", "expected"),
    [
        ("CME_EQUITY", "2026-11-20", ["11-19 18:00..11-20 17:00"]),
        ("CME_EQUITY", "2026-11-23", ["11-22 18:00..11-23 17:00"]),  # Monday opens on Sunday evening
        ("CME_EQUITY", "2026-11-26", ["11-25 18:00..11-26 13:00"]),  # DOMAIN: close 13:00, reopen 18:00
        ("CME_EQUITY", "2026-11-27", ["11-26 18:00..11-27 13:15"]),
        ("CME_EQUITY", "2026-12-24", ["12-23 18:00..12-24 13:15"]),
        ("CME_EQUITY", "2026-12-25", []),
        ("CME_EQUITY", "2025-01-09", ["01-08 18:00..01-09 09:30"]),
        ("CME_EQUITY", "2024-03-29", []),
        ("CME_EQUITY", "2013-09-02", ["09-01 18:00..09-02 11:30"]),  # Labor Day, as the ES ticks of that day
        ("CME_EQUITY", "2019-05-30", ["05-29 18:00..05-30 16:15", "05-30 16:30..05-30 17:00"]),
        ("CFE", "2026-11-20", ["11-19 18:00..11-20 17:00"]),
        ("CFE", "2026-12-24", ["12-23 18:00..12-24 13:15"]),
        ("CFE", "2017-01-17", ["01-15 18:00..01-16 11:30", "01-16 18:00..01-17 16:15"]),  # holiday morning belongs to Tuesday
        ("CFE", "2013-08-14", ["08-14 08:00..08-14 16:15"]),
        ("CFE", "2013-11-12", ["11-11 16:30..11-11 17:15", "11-12 03:00..11-12 16:15"]),
        ("VIX", "2026-11-20", ["11-20 03:15..11-20 09:15", "11-20 09:30..11-20 16:15"]),
        ("VIX", "2026-12-24", ["12-24 03:15..12-24 09:15", "12-24 09:30..12-24 13:15"]),
        ("VIX", "2010-06-01", ["06-01 09:30..06-01 16:15"]),
    ],
)
def test_hours_of_a_day(tables: dict[str, SessionTable], calendar: str, day: str, expected: list[str]) -> None:
    assert spans(tables, calendar, day) == expected


@pytest.mark.parametrize(
    ("calendar", "day", "expected"),
    [
        ("CME_EQUITY", "2026-11-20", ["11-20 09:30..11-20 16:00"]),
        ("CME_EQUITY", "2026-11-26", ["11-26 09:30..11-26 13:00"]),
        ("CME_EQUITY", "2025-01-09", []),
        ("CFE", "2026-11-20", ["11-20 09:30..11-20 16:00"]),
        ("VIX", "2026-11-20", ["11-20 09:30..11-20 16:15"]),
    ],
)
def test_regular_hours_of_a_day(tables: dict[str, SessionTable], calendar: str, day: str, expected: list[str]) -> None:
    assert spans(tables, calendar, day, SessionScope.RTH) == expected


def test_daylight_saving_moves_the_instants_not_the_wall_clock(tables: dict[str, SessionTable]) -> None:
    hours = Hours(tables["CME_EQUITY"], SessionScope.ALL)
    before, after = at("2026-03-06T12:00"), at("2026-03-09T12:00")  # clocks go forward on Sunday 2026-03-08
    assert hours.next_close(before) == at("2026-03-06T17:00") == int(datetime(2026, 3, 6, 22, tzinfo=UTC).timestamp()) * SECOND
    assert hours.next_close(after) == at("2026-03-09T17:00") == int(datetime(2026, 3, 9, 21, tzinfo=UTC).timestamp()) * SECOND
    assert hours.next_open(before) == at("2026-03-08T18:00")


def test_a_tables_file_is_read_back_and_a_broken_one_is_built_anew(tmp_path: Path) -> None:
    first, last = date(2026, 1, 1), date(2026, 3, 31)
    built = session_table("VIX", first, last, tmp_path)
    (stored,) = tmp_path.iterdir()
    marked = msgspec.structs.replace(built, version="read from the file")
    stored.write_bytes(msgspec.json.encode(marked))
    assert session_table("VIX", first, last, tmp_path) == marked
    stored.write_bytes(b"{")
    assert session_table("VIX", first, last, tmp_path) == built


def test_unknown_calendars_ranges_and_rows_are_named(rows: HoursFile) -> None:
    with pytest.raises(DataError, match=r"'LSE' is not known.*NYSE, CME_EQUITY, CFE, VIX, ALWAYS"):
        session_table("LSE", date(2026, 1, 1), LAST)
    with pytest.raises(DataError, match="CME_EQUITY are known from 2012-11-19"):
        build_table("CME_EQUITY", date(2005, 1, 1), LAST, rows)
    with pytest.raises(ConfigError, match=r"hours.toml.*colour"):
        parse_hours(hours_text() + 'colour = "red"\n')
    with pytest.raises(ConfigError, match="is no span of hours"):
        build_table(
            "VIX", date(2026, 1, 5), date(2026, 1, 6), parse_hours(hours_text().replace('"03:15 to 09:15"', '"3:15-9:15"'))
        )


def test_always_is_open_always() -> None:
    hours = Hours(session_table("ALWAYS", date(2026, 1, 1), date(2026, 12, 31)), SessionScope.RTH)
    assert all(hours.is_open(t) for t in range(hours.first, hours.last, 7 * HOUR + 1))


def test_wall_clock_agrees_with_zoneinfo_on_every_hour_of_three_years() -> None:
    wall = WallClock(zone_offsets("America/New_York", date(2024, 1, 1), date(2026, 12, 31)))
    for instant in range(at("2024-01-01T00:00"), at("2026-12-31T00:00"), HOUR):
        there = datetime.fromtimestamp(instant // SECOND, NEW_YORK)
        assert wall.day(instant) == (there.date() - EPOCH).days
        assert wall.time_of_day(instant) == (there.hour * 60 + there.minute) * MINUTE
    for n in range(3 * 365):
        day = date(2024, 1, 1) + timedelta(days=n)
        for minutes in (0, 60, 90, 120, 150, 180, 17 * 60):
            there = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
            expected = int(there.replace(tzinfo=NEW_YORK).timestamp()) * SECOND
            assert wall.utc((day - EPOCH).days, minutes * MINUTE) == expected


def test_account_day_ends_at_17_new_york() -> None:
    wall = WallClock(zone_offsets("America/New_York", date(2026, 1, 1), date(2026, 12, 31)))
    for text, day, end in (
        ("2026-11-20T16:59", "2026-11-20", "2026-11-20T17:00"),
        ("2026-11-20T17:00", "2026-11-21", "2026-11-21T17:00"),
        ("2026-11-22T18:00", "2026-11-23", "2026-11-23T17:00"),
        ("2026-03-07T20:00", "2026-03-08", "2026-03-08T17:00"),
    ):
        assert wall.account_day(at(text)) == ((date.fromisoformat(day) - EPOCH).days, at(end))
    assert wall.next_at(at("2026-11-20T17:00"), 9 * HOUR + 30 * MINUTE) == at("2026-11-21T09:30")
    with pytest.raises(DataError, match="outside the known offsets of America/New_York"):
        wall.day(at("2031-01-01T00:00") + DAY)
