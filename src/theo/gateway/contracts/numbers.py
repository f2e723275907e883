"""Contract numbers of what has an end: the same contract has the same number on every day and in every run.

Futures: 600_000_000 + number of the product * 10_000 + months since January 2000.
Options: 1_000_000_000 + number of the class * 2**27 + days since 2020 * 2**15 + strike in its unit * 2 + (1 for a put).
"""

from datetime import date

from theo.domain.errors import DataError

FUTURES_FROM, PRODUCT_NUMBERS = 600_000_000, 10_000
OPTIONS_FROM, DAY_BITS, STRIKE_BITS = 1_000_000_000, 12, 14
FIRST_DAY = date(2020, 1, 1)


def future_number(product: int, month: date) -> int:
    """The conId of a product's contract of a month."""
    return FUTURES_FROM + product * PRODUCT_NUMBERS + (month.year - 2000) * 12 + month.month - 1


def option_number(option_class: int, last_day: date, strike: int, right: str) -> int:
    """The conId of an option; the strike is counted in the class's unit. Raises DataError beyond 2031 or 16,383 units."""
    days = (last_day - FIRST_DAY).days
    if not (0 <= days < 1 << DAY_BITS and 0 <= strike < 1 << STRIKE_BITS):
        raise DataError(f"no contract number for an option of {last_day} at {strike} units", why="12 bits of days, 14 of strikes")
    place = ((option_class << DAY_BITS | days) << STRIKE_BITS | strike) << 1 | (right == "P")
    return OPTIONS_FROM + place
