"""Last trade days of quarterly index futures and of volatility futures; exchange holidays move them to the day before.

Which days are holidays is asked through `is_trading_day`, so that this knows no calendar.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Literal

from theo.domain.errors import DataError

Cycle = Literal["third_friday", "volatility"]
MONTH_CODES = "FGHJKMNQUVXZ"
FRIDAY = 4
DAYS_BEFORE_OPTIONS = 30  # CFE: VX expires 30 days before the third Friday of the month that follows
HOLIDAYS_MAX = 10  # in a row; no exchange has been closed for longer since 1933
DECADE = 10

IsTradingDay = Callable[[date], bool]


def third_friday(year: int, month: int) -> date:
    """The third Friday of a month, a holiday or not."""
    first = date(year, month, 1)
    return first + timedelta(days=(FRIDAY - first.weekday()) % 7 + 14)


def month_after(month: date, count: int = 1) -> date:
    """The first day of a later (or, below 0, earlier) month."""
    n = month.year * 12 + month.month - 1 + count
    return date(n // 12, n % 12 + 1, 1)


def trading_day_until(day: date, is_trading_day: IsTradingDay) -> date:
    """The day itself, or the last trading day before it."""
    for back in range(HOLIDAYS_MAX):
        found = day - timedelta(days=back)
        if found.weekday() <= FRIDAY and is_trading_day(found):
            return found
    return day


def monthly(month: date, is_trading_day: IsTradingDay) -> date:
    """The last day of a month's series that ends on the third Friday."""
    return trading_day_until(third_friday(month.year, month.month), is_trading_day)


def volatility(month: date, is_trading_day: IsTradingDay) -> date:
    """The last day of a month's VX contract: Wednesday, 30 days before the next month's monthly options end."""
    ends = monthly(month_after(month), is_trading_day) - timedelta(days=DAYS_BEFORE_OPTIONS)
    return trading_day_until(ends, is_trading_day)


def last_trade(cycle: Cycle, month: date, is_trading_day: IsTradingDay) -> date:
    """The last trade day of a contract month of a cycle."""
    return volatility(month, is_trading_day) if cycle == "volatility" else monthly(month, is_trading_day)


def contract_month(name: str, around: date) -> date:
    """The first day of the month of a contract: ``201312``, or as exchanges write it, ``ESZ3`` or ``ESZ13``.

    A year of one digit is the first one from the year before ``around`` on. Raises DataError for another name.
    """
    if re.fullmatch(r"(19|20)\d{2}(0[1-9]|1[0-2])(\d{2})?", name):
        return date(int(name[:4]), int(name[4:6]), 1)
    code = re.fullmatch(rf"\w*?([{MONTH_CODES}])(\d{{1,2}})", name)
    if code is None:
        raise DataError(f"{name!r} names no contract month", remedy="Name contracts as 202612, or as exchanges do: MESZ6, MESZ26")
    month, year = MONTH_CODES.index(code[1]) + 1, int(code[2])
    if len(code[2]) == 1:
        earliest = around.year - 1
        return date(earliest + (year - earliest) % DECADE, month, 1)
    return date(around.year // 100 * 100 + year, month, 1)
