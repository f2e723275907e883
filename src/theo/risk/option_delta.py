"""How much of its underlying an option stands for: the delta of Black and Scholes, by the volatility that its price implies.

Without interest and dividends, which matter little for the exposure of a bought option; years are of 365.25 days. Source: Black
and Scholes (1973), The Pricing of Options and Corporate Liabilities.
"""

from math import erfc, log, sqrt
from typing import Final

YEARS_MIN: Final = 1 / (365.25 * 24 * 60)  # a minute: at the end itself nothing is defined
LOW, HIGH = 1e-3, 10.0  # volatility a year: where the implied one is looked for
HALVINGS: Final = 40


def option_delta(right: str, price: float, under: float, strike: float, years: float) -> float:
    """The change of an option's price for one unit of the underlying's, without its sign: 0 to 1.

    1 where no volatility explains the price (it is worth no more than its exercise, or is not known): then it counts as wholly
    exposed.
    """
    if min(price, under, strike) <= 0:
        return 1.0
    root = sqrt(max(years, YEARS_MIN))
    calls = right == "CALL"
    if not _value(under, strike, LOW * root, calls=calls) < price <= _value(under, strike, HIGH * root, calls=calls):
        return 1.0
    low, high = LOW, HIGH
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _value(under, strike, middle * root, calls=calls) < price:
            low = middle
        else:
            high = middle
    d1 = _d1(under, strike, high * root)
    return _normal(d1) if calls else _normal(-d1)


def _value(under: float, strike: float, spread: float, *, calls: bool) -> float:
    """``spread`` is volatility times the root of time."""
    sign = 1 if calls else -1
    d1 = _d1(under, strike, spread)
    return sign * (under * _normal(sign * d1) - strike * _normal(sign * (d1 - spread)))


def _d1(under: float, strike: float, spread: float) -> float:
    return log(under / strike) / spread + spread / 2


def _normal(x: float) -> float:
    """The standard normal distribution."""
    return 0.5 * erfc(-x / sqrt(2.0))
