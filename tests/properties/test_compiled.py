"""Compiled over arrays, indicators and correlations have the bits of the live form, however the bars are cut into pieces."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.market.indicator_runs import LENGTH, Prices, bar, bars, price_rows, values
from theo.domain.market_data import DAY, Bar
from theo.market.correlation import CorrelationSpec, PairCorrelation
from theo.market.indicators.spec import DEFINITIONS, parse_spec
from theo.market.logarithm import ln, log_return
from theo.research.compiled.bar_columns import columns_of
from theo.research.compiled.compiling import compiled_loop
from theo.research.compiled.correlations import CompiledCorrelation, correlate
from theo.research.compiled.indicators import CompiledIndicator, batch
from theo.research.compiled.loops import log_returns

EXAMPLES = 25  # of each of some thirty kernels
SPECS = (
    "true_range",
    "true_range_sum(3)",
    "atr(3)",
    "atr(3, smoothing=mean)",
    "atr_stop(2, 1.5)",
    "donchian(4)",
    "highest(3)",
    "lowest(3)",
    "fractal(2)",
    "swing(2)",
    "pivot",
    "pivot(fibonacci)",
    "pivot(camarilla)",
    "sma(3)",
    "std(4)",
    "ema(3)",
    "rsi(3)",
)
INPUTS = ("log_return", "change", "price")
METHODS = ("pearson", "spearman", "kendall")
Cuts = list[int]


def same_bits(ours: NDArray[np.float64], live: Sequence[float]) -> None:
    """Every bit of every number; any NaN is a NaN."""
    expected = np.array(live, dtype=np.float64)
    both = np.isnan(ours) & np.isnan(expected)
    np.testing.assert_array_equal(ours.view(np.int64)[~both], expected.view(np.int64)[~both])


def pieces(count: int, cuts: Cuts) -> list[slice]:
    """The rows 0..count cut at some places; some pieces are empty."""
    bounds = [0, *sorted(cut % (count + 1) for cut in cuts), count]
    return [slice(a, b) for a, b in pairwise(bounds)]


def test_every_indicator_is_tried() -> None:
    assert {parse_spec(text).name for text in SPECS} == set(DEFINITIONS)


@pytest.mark.parametrize("text", SPECS)
@settings(max_examples=EXAMPLES)
@given(rows=price_rows(), cuts=st.lists(st.integers(0, 60), max_size=4), days=st.integers(1, 40))
def test_indicators(text: str, rows: list[Prices], cuts: Cuts, days: int) -> None:
    """Sessions of some bars each, so that pivot points come too."""
    series = [bar(place + place // days * (DAY // LENGTH), *row) for place, row in enumerate(rows)]
    live, columns, spec = values(text, series), columns_of(series), parse_spec(text)
    whole, running = batch(spec, columns), CompiledIndicator(spec)
    parts = [running.extend(columns[rows]) for rows in pieces(len(series), cuts)]
    for name, expected in live.items():
        same_bits(whole[name], expected)
        same_bits(np.concatenate([part[name] for part in parts]), expected)


@st.composite
def two_series(draw: st.DrawFn) -> tuple[list[Bar], list[Bar]]:
    """Two series with bars missing on either side, and rolls; few different prices, so that ties and constants are common."""
    spread = draw(st.sampled_from([1, 3, 200]))
    made: tuple[list[Bar], list[Bar]] = ([], [])
    for place in range(draw(st.integers(0, 40))):
        for side in made:
            if draw(st.integers(0, 9)):
                close = draw(st.integers(100, 100 + spread))
                side.append(bar(place, close, close, close, contract="b" if draw(st.integers(0, 9)) == 0 else "a"))
    return made


def live_correlation(spec: CorrelationSpec, first: list[Bar], second: list[Bar]) -> tuple[list[int], list[float]]:
    """The live form at each joined bar."""
    pair, others = PairCorrelation(spec), {each.end: each for each in second}
    ends, found = [], []
    for each in first:
        if each.end in others:
            pair.join(each, others[each.end])
            ends.append(each.end)
            found.append(pair.column.value)
    return ends, found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", INPUTS)
@settings(max_examples=EXAMPLES)
@given(both=two_series(), cut=st.integers(0, 40), gaps=st.sampled_from(["keep", "drop"]), window=st.integers(3, 9))
def test_correlations(method: str, kind: str, both: tuple[list[Bar], list[Bar]], cut: int, gaps: str, window: int) -> None:
    spec = CorrelationSpec(method=method, input=kind, window=window, minimum=3, gap_returns=gaps)  # type: ignore[arg-type]  # parametrized
    ends, live = live_correlation(spec, *both)
    whole = correlate(spec, *(columns_of(side) for side in both))
    assert whole.end.tolist() == ends
    same_bits(whole.value, live)
    at = bars([(1, 1, 1)])[0].start + cut * LENGTH
    running = CompiledCorrelation(spec)
    early = running.extend(*(columns_of([each for each in side if each.end <= at]) for side in both))
    late = running.extend(*(columns_of([each for each in side if each.end > at]) for side in both))
    same_bits(np.concatenate([early.value, late.value]), live)


@given(st.lists(st.integers(-5, 10**9), min_size=2, max_size=50))
def test_log_returns(prices: list[int]) -> None:
    out = np.empty(len(prices) - 1)
    compiled_loop(log_returns)(np.array(prices), out)
    same_bits(out, [log_return(a, b) for a, b in pairwise(prices)])


@cache
def compiled_ln() -> Callable[[float], float]:
    """The logarithm alone."""
    import numba

    return cast("Callable[[float], float]", numba.njit("float64(float64)")(ln))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_logarithm(x: float) -> None:
    same_bits(np.array([compiled_ln()(x)]), [ln(x)])
