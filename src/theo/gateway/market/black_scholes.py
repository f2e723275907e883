"""Prices and sensitivities of European options by Black, Scholes and Merton; every option here is priced as one.

Times are years, rates and volatilities a year, continuous. Vega is for one point of volatility (0.01) and theta for one calendar
day, as IB gives them.
"""

import math

import msgspec
import numpy as np

from theo.gateway.market.draws import Floats

DAYS_A_YEAR = 365.25
YEARS_MIN = 1.0 / (DAYS_A_YEAR * 24 * 60)  # a minute: at the end itself nothing is defined
VOLATILITY_LOW, VOLATILITY_HIGH = 1e-4, 10.0  # where an implied volatility is looked for
HALVINGS = 60  # of that range: below 1e-16
_SQRT_2, _SQRT_2PI = math.sqrt(2.0), math.sqrt(2.0 * math.pi)


class OptionTerms(msgspec.Struct, frozen=True, gc=False):
    """What does not change with the market."""

    strike: float
    call: bool
    rate: float = 0.0
    dividend: float = 0.0


class OptionModel(msgspec.Struct, frozen=True, gc=False):
    """An option's theoretical value now. ``present_dividend`` is the present value of dividends on the underlying."""

    price: float
    implied_volatility: float
    delta: float
    gamma: float
    vega: float
    theta: float
    under_price: float
    present_dividend: float = 0.0


def normal_cdf(x: float) -> float:
    """The standard normal distribution."""
    return 0.5 * math.erfc(-x / _SQRT_2)


def prices(under: Floats, years: Floats, volatility: Floats, terms: OptionTerms) -> Floats:
    """Values of one option, elementwise."""
    time = np.maximum(years, YEARS_MIN)
    spread = volatility * np.sqrt(time)
    d1 = (np.log(under / terms.strike) + (terms.rate - terms.dividend) * time) / spread + spread / 2
    sign = 1.0 if terms.call else -1.0
    forward_part = sign * under * np.exp(-terms.dividend * time) * _cdf(sign * d1)
    value: Floats = forward_part - sign * terms.strike * np.exp(-terms.rate * time) * _cdf(sign * (d1 - spread))
    return np.maximum(value, 0.0)


def _cdf(x: Floats) -> Floats:
    return 0.5 * np.fromiter(map(math.erfc, (-x / _SQRT_2).tolist()), dtype=np.float64, count=len(x))


def model(under: float, years: float, volatility: float, terms: OptionTerms) -> OptionModel:
    """Value and sensitivities of one option."""
    time = max(years, YEARS_MIN)
    root = math.sqrt(time)
    spread = volatility * root
    d1 = (math.log(under / terms.strike) + (terms.rate - terms.dividend) * time) / spread + spread / 2
    d2 = d1 - spread
    sign = 1.0 if terms.call else -1.0
    carried, paid = math.exp(-terms.dividend * time), math.exp(-terms.rate * time)
    density = math.exp(-d1 * d1 / 2) / _SQRT_2PI
    stock_part = sign * under * carried * normal_cdf(sign * d1)
    strike_part = sign * terms.strike * paid * normal_cdf(sign * d2)
    decay = -under * carried * density * volatility / (2 * root) + terms.dividend * stock_part - terms.rate * strike_part
    return OptionModel(
        price=max(stock_part - strike_part, 0.0),
        implied_volatility=volatility,
        delta=sign * carried * normal_cdf(sign * d1),
        gamma=carried * density / (under * spread),
        vega=under * carried * density * root / 100,
        theta=decay / DAYS_A_YEAR,
        under_price=under,
        present_dividend=under * (1 - carried),
    )


def implied_volatility(price: float, under: float, years: float, terms: OptionTerms) -> float | None:
    """The volatility at which an option is worth ``price``, by halving; None when no volatility gives it."""
    low, high = VOLATILITY_LOW, VOLATILITY_HIGH
    if not model(under, years, low, terms).price <= price <= model(under, years, high, terms).price:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if model(under, years, middle, terms).price < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2
