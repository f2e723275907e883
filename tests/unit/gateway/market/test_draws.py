"""Draws against SplitMix64's published numbers, factors against Brownian motion, options against their expected payoff."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from theo.gateway.market.black_scholes import OptionTerms, implied_volatility, model, prices
from theo.gateway.market.curves import Curves
from theo.gateway.market.draws import normals, stream, uniforms
from theo.gateway.market.factors import REFERENCE_DAY, Factor, is_weekend, weekdays_before


def test_draws_are_splitmix64() -> None:
    """The first numbers of the reference implementation for seed 1234567, as Java's SplittableRandom tests publish them."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert uniforms(1234567, 0, 5).tolist() == [(value >> 11) * 2.0**-53 for value in published]


@given(st.integers(0, 2**64 - 1), st.integers(-(2**40), 2**40), st.integers(1, 50), st.integers(0, 49))
def test_a_draw_is_the_same_wherever_one_begins(key: int, first: int, count: int, skip: int) -> None:
    skip = min(skip, count - 1)
    assert uniforms(key, first, count)[skip:].tolist() == uniforms(key, first + skip, count - skip).tolist()
    assert normals(key, first, count)[skip:].tolist() == normals(key, first + skip, count - skip).tolist()


def test_draws_are_even_and_normals_are_normal() -> None:
    draws = uniforms(stream(1, "test"), 0, 100_000)
    assert stats.kstest(draws, "uniform").pvalue > 0.01
    normal = normals(stream(2, "test"), 0, 100_000)
    assert abs(normal.mean()) < 0.02
    assert normal.std() == pytest.approx(1, abs=0.01)
    assert np.abs(normal).max() <= 3


@given(st.integers(-20_000, 60_000))
def test_weekdays_are_counted_as_numpy_counts_them(day: int) -> None:
    first = -21_000
    counted = np.busday_count(np.datetime64(first, "D"), np.datetime64(day, "D"))
    assert weekdays_before(day) - weekdays_before(first) == counted
    assert is_weekend(day) == (not np.is_busday(np.datetime64(day, "D")))


@given(st.integers(0, 2**32), st.integers(-6_000, 6_000))
def test_days_join(seed: int, offset: int) -> None:
    factor = Factor(seed, "any")
    day = REFERENCE_DAY + offset
    path = factor.minutes(day)
    assert path[0] == factor.at_start(day)
    assert path[-1] == pytest.approx(factor.at_start(day + 1), abs=1e-12)


def test_a_factor_moves_as_a_random_walk() -> None:
    """Daily steps of variance 1, uncorrelated, over a whole block."""
    factor = Factor(5, "any")
    days = [REFERENCE_DAY + n for n in range(5_000) if not is_weekend(REFERENCE_DAY + n)][:3_500]
    steps = np.diff([factor.at_start(day) for day in days])
    assert steps.std() == pytest.approx(1, abs=0.05)
    assert abs(np.corrcoef(steps[:-1], steps[1:])[0, 1]) < 0.06
    assert factor.at_start(REFERENCE_DAY) == 0


@given(st.integers(0, 2**32), st.integers(-3_000, 3_000), st.integers(0, 1439), st.sampled_from(["SPX", "VIX", "NDX", "OTHER"]))
def test_a_minute_stays_in_its_range_and_reaches_it(seed: int, offset: int, place: int, name: str) -> None:
    curves = Curves(seed)
    day = REFERENCE_DAY + offset
    levels, minute = curves.day(name, day), curves.minute(name, day * 1440 + place)
    assert minute.seconds[0] == levels.nodes[place]
    assert minute.seconds[-1] == levels.nodes[place + 1]
    assert minute.seconds.max() == minute.seconds[minute.high_at] == levels.high[place]
    assert minute.seconds.min() == minute.seconds[minute.low_at] == levels.low[place]
    assert minute.seconds.min() > 0


strikes = st.floats(50, 200)
volatilities = st.floats(0.05, 1.5)
times = st.floats(0.01, 3)


def reference_price(under: float, years: float, volatility: float, terms: OptionTerms) -> float:
    """The expected payoff, integrated over the lognormal distribution of the end."""
    mean = np.log(under) + (terms.rate - terms.dividend - volatility**2 / 2) * years
    ends = np.exp(mean + volatility * years**0.5 * stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000))
    payoff = np.maximum(ends - terms.strike if terms.call else terms.strike - ends, 0.0)
    return float(np.exp(-terms.rate * years) * payoff.mean())


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize(
    ("strike", "years", "volatility"), [(80, 0.1, 0.2), (100, 1.0, 0.35), (130, 0.5, 0.6), (100, 0.02, 0.15)]
)
def test_options_are_worth_their_expected_payoff(call: bool, strike: float, years: float, volatility: float) -> None:  # noqa: FBT001 - pytest names it
    terms = OptionTerms(strike, call, 0.04, 0.012)
    expected = reference_price(100.0, years, volatility, terms)
    assert model(100.0, years, volatility, terms).price == pytest.approx(expected, abs=2e-3)


@given(strikes, volatilities, times, st.booleans())
def test_sensitivities_are_derivatives(strike: float, volatility: float, years: float, call: bool) -> None:  # noqa: FBT001 - Hypothesis names it
    terms = OptionTerms(strike, call, 0.04, 0.012)
    found = model(100.0, years, volatility, terms)
    step = 1e-3
    up, down = (model(100.0 + each, years, volatility, terms) for each in (step, -step))
    assert found.delta == pytest.approx((up.price - down.price) / (2 * step), abs=1e-5)
    assert found.gamma == pytest.approx((up.delta - down.delta) / (2 * step), abs=1e-5)
    more, less = (model(100.0, years, volatility + each, terms) for each in (1e-5, -1e-5))
    assert found.vega == pytest.approx((more.price - less.price) / 2e-5 / 100, abs=1e-5)
    later, sooner = (model(100.0, years + each, volatility, terms) for each in (-1e-6, 1e-6))
    assert found.theta == pytest.approx((later.price - sooner.price) / 2e-6 / 365.25, abs=1e-4)


@given(strikes, volatilities, times, st.booleans())
def test_many_prices_are_single_prices(strike: float, volatility: float, years: float, call: bool) -> None:  # noqa: FBT001 - Hypothesis names it
    terms = OptionTerms(strike, call, 0.04, 0.012)
    one = model(100.0, years, volatility, terms)
    (many,) = prices(np.array([100.0]), np.array([years]), np.array([volatility]), terms)
    assert many == pytest.approx(one.price, abs=1e-10)
    back = implied_volatility(one.price, 100.0, years, terms)
    if one.vega > 1e-4:
        assert back == pytest.approx(volatility, abs=1e-6)
