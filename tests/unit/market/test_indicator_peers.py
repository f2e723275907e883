"""Indicators beside TA-Lib, on seeded random bars and with the window lengths that rules use."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.market.indicator_runs import Prices, bars, closes_only, value
from theo.domain.market_data import Bar

BARS = 3_000
TOLERANCE = 1e-9
Peer = Callable[..., NDArray[np.float64]]


def walk(seed: int) -> list[Prices]:
    """A random walk in price units, with bars that do not move at all among them."""
    rng = np.random.default_rng(seed)
    close = 40_000 + np.cumsum(rng.integers(-30, 31, BARS))
    up, down = rng.integers(0, 25, BARS), rng.integers(0, 25, BARS)
    still = rng.random(BARS) < 0.05
    high, low = close + np.where(still, 0, up), close - np.where(still, 0, down)
    return list(zip(high.tolist(), low.tolist(), close.tolist(), strict=True))


PRICES = walk(7)
HIGH, LOW, CLOSE = (np.array(column, dtype=np.float64) for column in zip(*PRICES, strict=True))


@pytest.fixture(scope="module")
def series() -> list[Bar]:
    return bars(PRICES)


def agree(ours: list[float], peer: NDArray[np.float64]) -> None:
    """The same bars have a value, and the values agree relatively and absolutely."""
    np.testing.assert_allclose(np.array(ours), peer, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def peer(name: str) -> Peer:
    """A function of TA-Lib."""
    import talib

    found: Peer = getattr(talib, name)
    return found


@pytest.mark.parametrize("n", [2, 5, 14, 200])
def test_of_closes(series: list[Bar], n: int) -> None:
    agree(value(f"sma({n})", series), peer("SMA")(CLOSE, n))
    agree(value(f"ema({n})", series), peer("EMA")(CLOSE, n))
    agree(value(f"rsi({n})", series), peer("RSI")(CLOSE, n))


@pytest.mark.parametrize("n", [2, 5, 14, 200])
def test_atr(series: list[Bar], n: int) -> None:
    agree(value(f"atr({n})", series), peer("ATR")(HIGH, LOW, CLOSE, n))


def test_true_range(series: list[Bar]) -> None:
    agree(value("true_range", series), peer("TRANGE")(HIGH, LOW, CLOSE))


@pytest.mark.parametrize("n", [2, 5, 20, 200])
def test_means_and_sums_of_true_ranges(series: list[Bar], n: int) -> None:
    ranges = peer("TRANGE")(HIGH, LOW, CLOSE)
    mean = np.concatenate([[np.nan], peer("SMA")(ranges[1:], n)])
    agree(value(f"atr({n}, smoothing=mean)", series), mean)
    agree(value(f"true_range_sum({n})", series), mean * n)


@pytest.mark.parametrize("n", [2, 5, 20, 200])
def test_extremes(series: list[Bar], n: int) -> None:
    agree(value(f"highest({n})", series), peer("MAX")(HIGH, n))
    agree(value(f"lowest({n})", series), peer("MIN")(LOW, n))


@pytest.mark.parametrize("n", [2, 5, 20, 200])
def test_standard_deviation_is_that_of_numpy(series: list[Bar], n: int) -> None:
    """TA-Lib's own loses digits: it subtracts sums of squares of whole prices as floats. Its definition is that of numpy."""
    ours = np.array(value(f"std({n})", series))
    exact = np.lib.stride_tricks.sliding_window_view(CLOSE, n).std(axis=1)
    np.testing.assert_allclose(ours[n - 1 :], exact, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(ours[n - 1 :], peer("STDDEV")(CLOSE, n)[n - 1 :], atol=1e-3)
    assert np.isnan(ours[: n - 1]).all()


def test_prices_that_never_move_have_no_strength() -> None:
    flat = closes_only([500] * 40)
    agree(value("rsi(14)", flat), peer("RSI")(np.full(40, 500.0), 14))
    assert value("std(5)", flat)[-1] == 0.0
