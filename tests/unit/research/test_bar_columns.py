import msgspec
import numpy as np
import pytest

from tests.unit.market.indicator_runs import bar, closes_only
from theo.domain.errors import DataError
from theo.market.correlation import CorrelationSpec
from theo.market.indicators.spec import parse_spec
from theo.research.compiled.bar_columns import PRICE_MAX, BarColumns, columns_of
from theo.research.compiled.correlations import correlate
from theo.research.compiled.indicators import SPREAD_MAX, batch


@pytest.fixture
def columns() -> BarColumns:
    return columns_of([bar(place, 105, 95, 100, contract="ESZ6") for place in range(5)])


def test_bars_become_columns(columns: BarColumns) -> None:
    assert len(columns) == 5
    assert (columns.high.tolist(), columns.low.tolist(), columns.close.tolist()) == ([105] * 5, [95] * 5, [100] * 5)
    assert (columns.end - columns.start).tolist() == [15 * 60 * 1_000_000] * 5
    assert set(columns.contract.tolist()) == {"ESZ6"}
    assert len(columns_of([])) == 0


def test_a_slice_is_no_copy(columns: BarColumns) -> None:
    assert np.shares_memory(columns[1:3].close, columns.close)
    assert len(columns[1:3]) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: {"close": c.close[:-1]}, "differ in length: .*close 4"),
        (lambda c: {"close": c.close.astype(np.float64)}, "column close is float64"),
        (lambda c: {"high": c.high.astype(np.int32)}, "column high is int32"),
        (lambda c: {"low": np.repeat(c.low, 2)[::2]}, "column low is int64, not contiguous"),
        (lambda c: {"end": c.end[[0, 1, 3, 2, 4]]}, "row 3: a bar does not end after the one before"),
        (lambda c: {"end": c.end[[0, 1, 1, 3, 4]]}, "row 2: a bar does not end after the one before"),
        (lambda c: {"high": c.high + PRICE_MAX}, "column high holds a price beyond"),
        (lambda c: {"low": c.low - 2 * PRICE_MAX}, "column low holds a price beyond"),
    ],
)
def test_what_would_not_be_exact_is_refused(columns: BarColumns, change, said: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a lambda of the table above
    with pytest.raises(DataError, match=said):
        msgspec.structs.replace(columns, **change(columns))


def test_a_price_beyond_64_bits_is_refused() -> None:
    with pytest.raises(DataError, match="beyond 64 bits"):
        columns_of(closes_only([2**63]))


def test_squares_are_bounded() -> None:
    """At the bound the result is still exact: half of the closes lie a step away, and the deviation is half a step."""
    step = SPREAD_MAX // 1_000
    fits = columns_of(closes_only([7, 7 + step] * 500))
    assert batch(parse_spec("std(1000)"), fits)["value"][-1] == step / 2
    far = columns_of(closes_only([7, 7 + step + 1] * 500))
    with pytest.raises(DataError, match=r"std\(1000\) over closes that move by .* would overflow.*coarser price unit"):
        batch(parse_spec("std(1000)"), far)


@pytest.mark.parametrize("kind", ["change", "price"])
def test_products_are_bounded(kind: str) -> None:
    spec = CorrelationSpec(input=kind, window=1_000, minimum=1_000)  # type: ignore[arg-type]  # parametrized
    step = SPREAD_MAX // 1_000
    fits, far = (columns_of(closes_only([5, 5 + size] * 600)) for size in (step, step + 1))
    assert correlate(spec, fits, fits).value[-1] == 1.0
    with pytest.raises(DataError, match=f"a correlation of {kind} over 1000 pairs .* would overflow"):
        correlate(spec, fits, far)


def test_ranks_have_no_such_bound() -> None:
    spec = CorrelationSpec(method="kendall", input="change", window=10, minimum=10)
    far = columns_of(closes_only([5, 5 + SPREAD_MAX] * 10))
    assert correlate(spec, far, far).value[-1] == 1.0
