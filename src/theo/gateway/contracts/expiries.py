"""Last trading days: of quarterly futures, of volatility futures, of options; exchange holidays move them to the day before.

Which days are holidays is asked through `is_trading_day`, so that this knows no calendar.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from theo.market.last_trades import FRIDAY, MONTH_CODES, IsTradingDay, last_trade, month_after, monthly, trading_day_until

QUARTER_MONTHS = 3
WEEKLIES = 4  # Fridays ahead that have their own series
MONTHLIES = 6
DECEMBERS = 3  # long-dated series


def contract_months(cycle: str, around: date) -> Iterator[date]:
    """First days of the contract months of a cycle from the month ``around`` on, without end."""
    month = around.replace(day=1)
    while True:
        if cycle == "volatility" or month.month % QUARTER_MONTHS == 0:
            yield month
        month = month_after(month)


def future_expiry(cycle: str, month: date, is_trading_day: IsTradingDay) -> date:
    """The last trading day of a contract month of a cycle."""
    return last_trade("volatility" if cycle == "volatility" else "third_friday", month, is_trading_day)


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
