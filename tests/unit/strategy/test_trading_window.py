"""Trading windows against zoneinfo and sessions: clock changes, early closes, weekdays, the last day, and when to be flat."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.strategy.markets import weekdays
from theo.adapters.calendars.tables import zone_offsets
from theo.domain.market_data import DAY, HOUR, MINUTE, SessionScope
from theo.market.sessions import Hours
from theo.market.wall_clock import WallClock, ZoneOffsets
from theo.strategy.numbers import MinutesOfDay
from theo.strategy.trading_window import NEVER, BoundWindow, TradingWindow

NEW_YORK = ZoneInfo("America/New_York")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SECOND_OF_CHANGE = 1_000_000


def instant(local: str) -> int:
    """Microseconds UTC of a New York time such as 2020-03-09 09:30."""
    return int(dt.datetime.fromisoformat(local).replace(tzinfo=NEW_YORK).timestamp()) * SECOND_OF_CHANGE


def new_york_2020() -> ZoneOffsets:
    """Offsets of 2020, found by asking zoneinfo hour by hour."""
    since, offsets = [instant("2019-12-01 00:00")], [-5 * HOUR]
    for at in range(since[0], instant("2021-02-01 00:00"), HOUR):
        local = (EPOCH + dt.timedelta(microseconds=at)).astimezone(NEW_YORK)
        offset = local.utcoffset()
        assert offset is not None
        if int(offset.total_seconds()) * SECOND_OF_CHANGE != offsets[-1]:
            since.append(at)
            offsets.append(int(offset.total_seconds()) * SECOND_OF_CHANGE)
    return ZoneOffsets("America/New_York", tuple(since), tuple(offsets), instant("2021-02-01 00:00"))


OFFSETS = new_york_2020()
EARLY = dt.date(2020, 2, 5)
EARLY_DATE = (EARLY - dt.date(1970, 1, 1)).days


def bound_window(window: TradingWindow) -> BoundWindow:
    table = weekdays(18_230, 420, {EARLY_DATE: 18 * HOUR})
    return BoundWindow(window, WallClock(OFFSETS), Hours(table, SessionScope.RTH))


minutes_of_day = st.integers(0, 24 * 60)
instants = st.integers(instant("2020-01-03 00:00") // MINUTE, instant("2020-12-20 00:00") // MINUTE).map(lambda m: m * MINUTE)


def is_inside(window: TradingWindow, at: int) -> bool:
    """By the zone data of the machine."""
    local = (EPOCH + dt.timedelta(microseconds=at)).astimezone(NEW_YORK)
    return window.start <= local.hour * 60 + local.minute <= window.end and local.weekday() in window.days


@pytest.mark.parametrize("change", ["2020-03-08", "2020-11-01"])
@pytest.mark.parametrize("end", [90, 105, 120, 135, 150, 180])
def test_a_window_that_ends_within_a_clock_change_is_local_time(change: str, end: int) -> None:
    window = TradingWindow(start=0, end=end, days=(6,), intraday=False)
    working, first = bound_window(window), instant(f"{change} 00:00")
    for at in range(first, first + 6 * HOUR, 15 * MINUTE):
        assert working.allows(at) == is_inside(window, at), at


@given(
    minutes_of_day,
    minutes_of_day,
    st.lists(st.integers(0, 6), unique=True).map(lambda days: tuple(sorted(days))),
    st.sampled_from(["", "2020-03-08", "2020-11-01", "2021-02-01", "2030-12-31", "9999-12-31", "2011-01-03"]),
    st.lists(st.tuples(instants, st.integers(0, 200)), min_size=1, max_size=6),
)
def test_a_positional_window_is_local_time_weekday_and_last_day(
    start: int, end: int, days: tuple[int, ...], last_day: str, asked: list[tuple[int, int]]
) -> None:
    window = TradingWindow(start=start, end=end, days=days, last_day=last_day, intraday=False)
    working = bound_window(window)
    for first, steps in asked:
        for at in range(first, first + steps * 15 * MINUTE + 1, 15 * MINUTE):
            local = (EPOCH + dt.timedelta(microseconds=at)).astimezone(NEW_YORK)
            minute = local.hour * 60 + local.minute
            inside = start <= minute <= end if start <= end else minute >= start or minute <= end
            expected = inside and local.weekday() in days and (not last_day or local.date().isoformat() <= last_day)
            assert working.allows(at) == expected, local


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]
)
@given(asked=st.lists(instants, min_size=1, max_size=20))
def test_the_recorded_time_is_local(zone: str, asked: list[int]) -> None:
    clock = MinutesOfDay(WallClock(zone_offsets(zone, dt.date(2020, 1, 1), dt.date(2020, 12, 31))))
    for at in asked:
        for each in (at, at + 20 * MINUTE):
            local = (EPOCH + dt.timedelta(microseconds=each)).astimezone(ZoneInfo(zone))
            assert clock.at(each) == local.hour * 60 + local.minute


@pytest.mark.parametrize(
    ("opened", "end", "flat"),
    [
        ("2020-01-06 10:00", "16:00", "2020-01-06 15:55"),
        ("2020-01-06 10:00", "15:00", "2020-01-06 14:55"),
        ("2020-02-05 10:00", "16:00", "2020-02-05 12:55"),
        ("2020-02-05 10:00", "12:00", "2020-02-05 11:55"),
        ("2020-01-06 15:58", "16:00", "2020-01-06 15:58"),
        ("2020-01-04 12:00", "24:00", "2020-01-06 15:55"),  # a Saturday: the next session is Monday's
    ],
)
def test_intraday_trades_are_flat_before_the_end_and_the_actual_close(opened: str, end: str, flat: str) -> None:
    hours, minutes = end.split(":")
    working = bound_window(TradingWindow(end=int(hours) * 60 + int(minutes)))
    assert working.flat_at(instant(opened)) == instant(flat)


def test_positional_trades_stay() -> None:
    assert bound_window(TradingWindow(intraday=False)).flat_at(instant("2020-01-06 10:00")) == NEVER


def test_intraday_entries_end_when_a_trade_would_have_to_be_flat() -> None:
    working = bound_window(TradingWindow())
    day = instant("2020-01-06 00:00")
    allowed = [at for at in range(day, day + DAY, 5 * MINUTE) if working.allows(at)]
    assert (allowed[0], allowed[-1]) == (instant("2020-01-06 09:30"), instant("2020-01-06 15:50"))
    assert len(allowed) == (allowed[-1] - allowed[0]) // (5 * MINUTE) + 1
    early = instant("2020-02-05 00:00")
    assert max(at for at in range(early, early + DAY, 5 * MINUTE) if working.allows(at)) == instant("2020-02-05 12:50")
    assert not any(working.allows(at) for at in range(instant("2020-01-04 00:00"), instant("2020-01-05 00:00"), HOUR))


def test_only_the_whole_week_is_always() -> None:
    assert TradingWindow(start=0, end=1_440, days=tuple(range(7)), intraday=False).always
    assert not TradingWindow(start=0, end=1_440, days=tuple(range(7))).always
    assert not TradingWindow(start=0, end=1_440, intraday=False).always
    assert not TradingWindow(start=0, end=1_440, days=tuple(range(7)), last_day="2020-01-01", intraday=False).always
