"""Last trading days: of quarterly futures, of volatility futures, of options; exchange holidays move them to the day before.

Which days are holidays is asked through `is_trading_day`, so that this knows no calendar.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

MONTH_CODES = "FGHJKMNQUVXZ"
FRIDAY = 4
QUARTER_MONTHS = 3
DAYS_BEFORE_OPTIONS = 30  # CFE: VX expires 30 days before the third Friday of the month that follows
HOLIDAYS_MAX = 10  # in a row; no exchange has been closed for longer since 1933
WEEKLIES = 4  # Fridays ahead that have their own series
MONTHLIES = 6
DECEMBERS = 3  # long-dated series

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


def contract_months(cycle: str, around: date) -> Iterator[date]:
    """First days of the contract months of a cycle from the month ``around`` on, without end."""
    month = around.replace(day=1)
    while True:
        if cycle == "volatility" or month.month % QUARTER_MONTHS == 0:
            yield month
        month = month_after(month)


def future_expiry(cycle: str, month: date, is_trading_day: IsTradingDay) -> date:
    """The last trading day of a contract month of a cycle."""
    return volatility(month, is_trading_day) if cycle == "volatility" else monthly(month, is_trading_day)


def local_symbol(trading_class: str, month: date) -> str:
    """As exchanges write it: class, letter of the month, last digit of the year."""
    return f"{trading_class}{MONTH_CODES[month.month - 1]}{month.year % 10}"


def option_expiries(series: str, today: date, is_trading_day: IsTradingDay) -> list[date]:
    """The days on which options of a class end, from ``today`` on: `morning` (monthly), `weekly` or `all` series."""
    fridays = [today + timedelta(days=(FRIDAY - today.weekday()) % 7 + 7 * n) for n in range(WEEKLIES)]
    weeklies = {trading_day_until(day, is_trading_day) for day in fridays}
    months = [month_after(today.replace(day=1), n) for n in range(MONTHLIES)]
    months += [date(today.year + n, 12, 1) for n in range(DECEMBERS)]
    monthlies = {monthly(month, is_trading_day) for month in months}
    found = {"morning": monthlies, "weekly": weeklies, "all": weeklies | monthlies}[series]
    return sorted(day for day in found if day >= today)
