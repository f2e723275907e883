"""The logarithm beside the C library's, and the returns that do not exist."""

from math import inf, isnan, log, nan, nextafter, ulp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theo.market.logarithm import LARGEST, ln, log_return

SMALLEST = 5e-324


@given(st.floats(min_value=SMALLEST, max_value=LARGEST, allow_nan=False, allow_infinity=False))
def test_within_one_unit_in_the_last_place(x: float) -> None:
    assert abs(ln(x) - log(x)) <= ulp(log(x))


@given(st.integers(1, 10**9), st.integers(-1_000, 1_000))
def test_returns_of_prices_that_lie_close_together(price: int, change: int) -> None:
    now = max(1, price + change)
    expected = log(now / price)
    assert abs(log_return(price, now) - expected) <= ulp(expected)


def test_exact_where_it_can_be() -> None:
    assert ln(1.0) == 0.0
    assert log_return(4_321, 4_321) == 0.0
    assert ln(nextafter(1.0, 2.0)) == pytest.approx(2.0**-52, rel=1e-15)


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, inf, -inf, nan])
def test_no_logarithm_of_what_has_none(x: float) -> None:
    assert isnan(ln(x))


@pytest.mark.parametrize(("before", "now"), [(0, 5), (5, 0), (-5, 5), (5, -5), (-5, -5), (0, 0)])
def test_no_return_to_or_from_a_price_that_is_not_positive(before: int, now: int) -> None:
    assert isnan(log_return(before, now))
