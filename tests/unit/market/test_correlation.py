"""Rolling correlations beside scipy, pair by pair; which bars are joined and which returns are dropped."""

from collections.abc import Sequence
from itertools import pairwise
from math import isnan, log
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.market.indicator_runs import LENGTH, closes_only
from tests.unit.market.indicator_runs import bar as bar_at
from theo.domain.errors import ConfigError, CorruptionError
from theo.domain.market_data import DAY, MINUTE, Bar
from theo.market.correlation import DAILY_GAP_DAYS_MAX, CorrelationSpec, Method, PairCorrelation

TOLERANCE = 1e-10
METHODS = get_args(Method)
Pairs = Sequence[tuple[float, float]]


def played(spec: CorrelationSpec, first: Sequence[Bar], second: Sequence[Bar]) -> list[float]:
    """The correlation at each bar end that both series have."""
    correlation, others, found = PairCorrelation(spec), {bar.end: bar for bar in second}, []
    for bar in first:
        if bar.end in others:
            correlation.join(bar, others[bar.end])
            found.append(correlation.column.value)
    return found


def scipys(method: Method, pairs: Pairs, minimum: int) -> float:
    """What scipy says of the pairs; NaN for fewer than the minimum and where a side is constant."""
    from scipy import stats

    x, y = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if len(pairs) < minimum or len(set(x)) == 1 or len(set(y)) == 1:
        return float("nan")
    measure = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}[method]
    return float(measure(x, y).statistic)


def agree(ours: float, theirs: float) -> None:
    assert ours == pytest.approx(theirs, abs=TOLERANCE, nan_ok=True)


closes = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=40)
far_closes = st.lists(st.tuples(st.integers(10_000, 90_000), st.integers(500, 9_000)), max_size=40)


@pytest.mark.parametrize("method", METHODS)
@given(rows=closes | far_closes, window=st.integers(2, 12), short=st.integers(0, 10))
def test_prices(method: Method, rows: list[tuple[int, int]], window: int, short: int) -> None:
    spec = CorrelationSpec(method=method, window=window, minimum=max(2, window - short), input="price")
    ours = played(spec, closes_only([x for x, _ in rows]), closes_only([y for _, y in rows]))
    for now, value in enumerate(ours):
        agree(value, scipys(method, rows[max(0, now + 1 - window) : now + 1], spec.minimum))


@pytest.mark.parametrize("method", METHODS)
@given(rows=closes | far_closes, window=st.integers(2, 12))
def test_changes(method: Method, rows: list[tuple[int, int]], window: int) -> None:
    spec = CorrelationSpec(method=method, window=window, minimum=2, input="change")
    ours = played(spec, closes_only([x for x, _ in rows]), closes_only([y for _, y in rows]))
    changes = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(rows)]
    for now, value in enumerate(ours):
        agree(value, scipys(method, changes[max(0, now - window) : now], 2))


@pytest.mark.parametrize("method", METHODS)
@given(rows=far_closes, window=st.integers(2, 12))
def test_log_returns(method: Method, rows: list[tuple[int, int]], window: int) -> None:
    spec = CorrelationSpec(method=method, window=window, minimum=2)
    ours = played(spec, closes_only([x for x, _ in rows]), closes_only([y for _, y in rows]))
    returns = [(log(b[0] / a[0]), log(b[1] / a[1])) for a, b in pairwise(rows)]
    for now, value in enumerate(ours):
        agree(value, scipys(method, returns[max(0, now - window) : now], 2))


@pytest.mark.parametrize("method", METHODS)
def test_a_long_series_does_not_drift(method: Method) -> None:
    """Counts and sums are kept up over 5,000 pairs; the last windows are still scipy's."""
    import numpy as np

    rng = np.random.default_rng(11)
    steps = rng.integers(-9, 10, (5_000, 2))
    steps[:, 1] -= steps[:, 0]
    x, y = (40_000 + np.cumsum(steps, axis=0)).T.tolist()
    ours = played(CorrelationSpec(method=method, input="change"), closes_only(x), closes_only(y))
    for now in (*range(30, 60), *range(4_980, 5_000)):
        changes = [(x[i] - x[i - 1], y[i] - y[i - 1]) for i in range(max(1, now - 49), now + 1)]
        agree(ours[now], scipys(method, changes, 30))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["price", "change", "log_return"])
def test_a_constant_series_has_no_correlation(method: Method, kind: str) -> None:
    spec = msgspec.convert({"method": method, "window": 5, "minimum": 3, "input": kind}, CorrelationSpec)
    moving = closes_only([100 + n * n for n in range(12)])
    assert all(isnan(value) for value in played(spec, closes_only([500] * 12), moving))
    assert all(isnan(value) for value in played(spec, moving, closes_only([500] * 12)))


def test_only_pairs_below_the_minimum_have_no_value() -> None:
    spec = CorrelationSpec(window=6, minimum=4)
    ours = played(spec, closes_only([100, 101, 99, 103, 104, 98]), closes_only([50, 48, 51, 47, 46, 52]))
    assert [isnan(value) for value in ours] == [True, True, True, True, False, False]  # the first bar has no return


@pytest.mark.parametrize("method", METHODS)
@given(rows=closes, window=st.integers(2, 6), cut=st.integers(0, 40))
def test_restored_it_goes_on_with_the_same_bits(method: Method, rows: list[tuple[int, int]], window: int, cut: int) -> None:
    spec = CorrelationSpec(method=method, window=window, minimum=2)
    pairs = list(zip(closes_only([x for x, _ in rows]), closes_only([y for _, y in rows]), strict=True))
    straight, first, second = (PairCorrelation(spec) for _ in range(3))
    for pair in pairs[:cut]:
        straight.join(*pair)
        first.join(*pair)
    second.restore(msgspec.json.decode(msgspec.json.encode(first.state())))
    for pair in pairs[cut:]:
        straight.join(*pair)
        second.join(*pair)
    assert [n.hex() for n in (straight.column.value, straight.column.previous)] == [
        n.hex() for n in (second.column.value, second.column.previous)
    ]
    assert second.last_end == straight.last_end
    assert second.state() == straight.state()


def test_the_state_of_another_window_is_refused() -> None:
    state = PairCorrelation(CorrelationSpec(window=40)).state()
    with pytest.raises(CorruptionError, match="Delete the snapshot"):
        PairCorrelation(CorrelationSpec(window=50)).restore(state)


@pytest.mark.parametrize(("window", "minimum"), [(1, 1), (10, 11), (1_001, 30), (50, 1)])
def test_a_window_that_cannot_be_is_refused(window: int, minimum: int) -> None:
    with pytest.raises(ConfigError, match=f"window {window} with minimum {minimum}.*<= minimum <= window <="):
        CorrelationSpec(window=window, minimum=minimum)


# Which returns are kept: each test plays bars of which exactly one return is unusual


def kept(first: Sequence[Bar], second: Sequence[Bar], **given: str) -> int:
    """How many returns entered the window."""
    spec = msgspec.convert({"method": "kendall", "window": 100, "minimum": 2, **given}, CorrelationSpec)
    correlation, others = PairCorrelation(spec), {bar.end: bar for bar in second}
    for bar in first:
        if bar.end in others:
            correlation.join(bar, others[bar.end])
    state = correlation.state()
    assert isinstance(state, list)
    pairs = state[5][0]
    assert isinstance(pairs, int)
    return pairs


X = closes_only([100, 101, 103, 102, 105, 104])
Y = closes_only([50, 49, 47, 48, 44, 46])


def test_every_return_between_bars_that_follow_each_other_is_kept() -> None:
    assert kept(X, Y) == 5


def test_a_bar_that_one_series_lacks_is_not_joined_and_nothing_is_filled_forward() -> None:
    without = [*Y[:2], *Y[3:]]
    assert kept(X, without) == 3  # the return over the missing bar spans a gap
    assert kept(X, without, gap_returns="keep") == 4


def test_a_return_across_a_session_break_is_dropped() -> None:
    later = [msgspec.structs.replace(b, start=b.start + 17 * 60 * MINUTE, end=b.end + 17 * 60 * MINUTE) for b in (X[3:])]
    other = [msgspec.structs.replace(b, start=b.start + 17 * 60 * MINUTE, end=b.end + 17 * 60 * MINUTE) for b in (Y[3:])]
    assert kept([*X[:3], *later], [*Y[:3], *other]) == 4
    assert kept([*X[:3], *later], [*Y[:3], *other], gap_returns="keep") == 5


@pytest.mark.parametrize("rolled", ["first", "second"])
def test_a_return_across_a_roll_is_dropped(rolled: str) -> None:
    old, new = closes_only([100, 101, 103, 102, 105, 104]), closes_only([50, 49, 47, 48, 44, 46])
    before, after = ([msgspec.structs.replace(b, contract=c) for b in (old if rolled == "first" else new)] for c in ("Z5", "H6"))
    series = [*before[:4], *after[4:]]
    assert kept(*((series, new) if rolled == "first" else (old, series))) == 4


@pytest.mark.parametrize("price", [0, -5])
def test_a_log_return_to_or_from_a_price_that_is_not_positive_is_dropped(price: int) -> None:
    series = [*X[:2], bar_at(2, price, price, price), *X[3:]]
    assert kept(series, Y) == 3
    assert kept(series, Y, input="change") == 5


@pytest.mark.parametrize(("days", "expected"), [(1, 1), (DAILY_GAP_DAYS_MAX, 1), (DAILY_GAP_DAYS_MAX + 1, 0)])
def test_daily_bars_follow_over_a_weekend_and_not_over_more(days: int, expected: int) -> None:
    def daily(date: int, close: int) -> Bar:
        start = date * DAY + 14 * 60 * MINUTE
        end = start + 26 * LENGTH
        return Bar(1, end, "1d", start, end, close, close, close, close, 1, session_date=date)

    first = [daily(18_000, 100), daily(18_000 + days, 101)]
    second = [daily(18_000, 50), daily(18_000 + days, 49)]
    assert kept(first, second) == expected
