"""Delta and implied volatility against scipy's normal distribution and root finder."""

from math import exp, log, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from theo.risk.option_delta import option_delta


def value(right: str, under: float, strike: float, spread: float) -> float:
    """Black and Scholes (1973) without interest, ``spread`` being volatility times the root of time."""
    d1 = log(under / strike) / spread + spread / 2
    sign = 1 if right == "CALL" else -1
    return float(sign * (under * norm.cdf(sign * d1) - strike * norm.cdf(sign * (d1 - spread))))


@given(
    st.sampled_from(["CALL", "PUT"]),
    st.floats(-0.4, 0.4),
    st.floats(0.05, 1.5),
    st.floats(1 / 365, 2.0),
    st.floats(5, 5_000),
)
def test_delta_is_that_of_the_volatility_which_the_price_implies(
    right: str, moneyness: float, volatility: float, years: float, strike: float
) -> None:
    under, root = strike * exp(moneyness), sqrt(years)
    price = value(right, under, strike, volatility * root)
    intrinsic = max(0.0, under - strike if right == "CALL" else strike - under)
    assume(price - intrinsic > 1e-4 * under)  # else every small volatility explains it
    found = brentq(lambda v: value(right, under, strike, v * root) - price, 0.01, 5.0, xtol=1e-12)
    d1 = log(under / strike) / (found * root) + found * root / 2
    expected = norm.cdf(d1) if right == "CALL" else norm.cdf(-d1)
    assert option_delta(right, price, under, strike, years) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("price", "under", "strike"), [(0, 500, 400), (99.0, 500, 400), (600, 500, 400), (5, 0, 400), (5, 500, 0), (-1, 500, 400)]
)
def test_what_no_volatility_explains_counts_whole(price: float, under: float, strike: float) -> None:
    """Less than its exercise is worth, more than the underlying, or not known."""
    assert option_delta("CALL", price, under, strike, 0.1) == 1.0


def test_at_its_end_it_moves_with_its_underlying() -> None:
    assert option_delta("CALL", 100.0001, 500, 400, 0.0) == pytest.approx(1.0, abs=1e-3)
