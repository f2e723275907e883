"""Which option a signal becomes: by the words of the definition, and by the exchanges' own third Fridays."""

import calendar
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theo.strategy.option_choice import (
    CategorySplit,
    Chosen,
    NotChosen,
    choose,
    points_in_the_money,
    series_of,
    strike_of,
    third_friday,
)

SPLIT = CategorySplit()
STRIKES = [Decimal(strike) for strike in range(5_000, 7_001, 25)]
BANDS = {"ITM": (100, 200), "OTM": (-200, -100), "DITM": (200, None), "DOTM": (None, -200)}
NEXT = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("right", "category", "strike"),
    [
        ("CALL", "ITM", 5_900),
        ("CALL", "OTM", 6_125),
        ("CALL", "DITM", 5_800),
        ("CALL", "DOTM", 6_225),
        ("PUT", "ITM", 6_125),
        ("PUT", "OTM", 5_900),
        ("PUT", "DITM", 6_225),
        ("PUT", "DOTM", 5_800),
    ],
)
def test_the_strike_of_each_category_at_a_price_between_strikes(right: str, category: str, strike: int) -> None:
    assert strike_of(right, category, Decimal("6010.25"), STRIKES, SPLIT) == strike


@given(
    st.sampled_from(["CALL", "PUT"]),
    st.sampled_from(sorted(BANDS)),
    st.decimals(4_000, 8_000, places=2),
    st.lists(st.integers(800, 1_600).map(lambda fives: Decimal(5 * fives)), unique=True, max_size=60),
)
def test_a_strike_lies_in_its_band_and_none_that_is_listed_is_better(
    right: str, category: str, price: Decimal, strikes: list[Decimal]
) -> None:
    low, high = BANDS[category]
    deep = category in {"DITM", "DOTM"}

    def fits(strike: Decimal) -> bool:
        points = points_in_the_money(right, price, strike)
        above = low is None or (points > low if deep else points >= low)
        return above and (high is None or (points < high if deep else points <= high))

    found = strike_of(right, category, price, strikes, SPLIT)
    fitting = [strike for strike in strikes if fits(strike)]
    if found is None:
        assert not fitting
        return
    assert found in fitting
    nearest_to = 200 if deep else 100
    distance = [abs(abs(points_in_the_money(right, price, strike)) - nearest_to) for strike in fitting]
    assert abs(abs(points_in_the_money(right, price, found)) - nearest_to) == min(distance)


@pytest.mark.parametrize("year", range(2024, 2028))
def test_third_fridays_are_the_calendars(year: int) -> None:
    for month in range(1, 13):
        fridays = [day for day, weekday in calendar.Calendar().itermonthdays2(year, month) if day and weekday == calendar.FRIDAY]
        assert third_friday(year, month) == date(year, month, fridays[2])


def test_the_series_by_its_rule() -> None:
    fridays = [NEXT + timedelta(days=days) for days in range(120) if (NEXT + timedelta(days=days)).weekday() == calendar.FRIDAY]
    assert series_of("weekly", [date(2026, 11, 23), *fridays], NEXT) == date(2026, 11, 27)
    assert series_of("weekly", [NEXT], NEXT) == NEXT
    assert series_of("monthly", fridays, NEXT) == date(2026, 12, 18)
    assert series_of("monthly", fridays[:3], NEXT) is None


def test_a_third_friday_that_is_a_holiday_ends_on_the_day_before() -> None:
    """2025-04-18 was Good Friday: the monthly series ended on the 17th."""
    listed = [date(2025, 4, 11), date(2025, 4, 17), date(2025, 4, 25), date(2025, 5, 16)]
    assert series_of("monthly", listed, date(2025, 4, 14)) == date(2025, 4, 17)
    assert series_of("monthly", [*listed, date(2025, 4, 18)], date(2025, 4, 14)) == date(2025, 4, 18)


def test_the_choice_says_why() -> None:
    found = choose("CALL", "ITM", "weekly", Decimal(6_010), [date(2026, 11, 27)], STRIKES, next_session=NEXT)
    assert isinstance(found, Chosen)
    assert (found.expiry, found.strike, found.in_the_money) == (date(2026, 11, 27), Decimal(5_900), Decimal(110))
    assert "110 points in the money" in found.why
    assert "100 to 200 points" in found.why
    for expiries, strikes, named in (([], STRIKES, "series"), ([date(2026, 11, 27)], [Decimal(6_000)], "strike")):
        refused = choose("CALL", "ITM", "weekly", Decimal(6_010), expiries, strikes, next_session=NEXT)
        assert isinstance(refused, NotChosen)
        assert named in refused.why
