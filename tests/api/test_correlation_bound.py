"""No question for a correlation matrix holds its thread for a second, and none is answered by other numbers for that."""

import random
import time
from collections.abc import Iterator
from math import isnan
from typing import Literal

import msgspec
import pytest

from tests.contracts.test_market_store import MES
from theo.adapters.sql.market.store import SqlMarketStore
from theo.api.correlation import SYMBOLS_MAX, WINDOW_MAX, MatrixQuery, matrix
from theo.domain.errors import UserError
from theo.domain.market_data import MINUTE, Bar
from theo.market.correlation import CorrelationSpec, Method, PairCorrelation

Kind = Literal["log_return", "change", "price"]
LENGTH = 15 * MINUTE
BARS = 5 * WINDOW_MAX + 64  # no more are read
NAMES = [f"S{number}" for number in range(1, SYMBOLS_MAX + 1)]


def walk(number: int) -> list[Bar]:
    """Bars of one length with a pause after every 40, and one price that is not positive."""
    chance, made, close = random.Random(number), [], 5_000  # noqa: S311 - made-up numbers
    for place in range(BARS):
        start = (place + place // 40) * LENGTH
        close += chance.randint(-9, 9)
        price = -1 if (number, place) == (3, BARS - 30) else close
        made.append(Bar(number, start + LENGTH, "15min", start, start + LENGTH, price, price, price, price, 1, "s"))
    return made


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlMarketStore]:
    store = SqlMarketStore(tmp_path_factory.mktemp("many"))
    for number, name in enumerate(NAMES, start=1):
        store.put_instruments([msgspec.structs.replace(MES, id=number, token=number, symbol=name)])
        store.put_bars(walk(number))
    yield store
    store.close()


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
@pytest.mark.parametrize(("symbols", "window"), [(10, 100), (4, 250)])
def test_the_most_that_may_be_asked_takes_less_than_a_second(
    market: SqlMarketStore, method: Method, symbols: int, window: int
) -> None:
    asked = MatrixQuery(symbols=",".join(NAMES[:symbols]), timeframe="15min", method=method, window=window)
    begun = time.thread_time()
    found = matrix(market, asked)
    assert time.thread_time() - begun < 1
    assert len(found.cells) == symbols * (symbols - 1) // 2
    assert all(cell.value is not None and cell.bars == 5 * window + 64 for cell in found.cells)


@pytest.mark.parametrize(("symbols", "window", "most"), [(10, 101, 100), (10, 250, 100), (5, 250, 212)])
def test_more_is_refused_with_what_may_be_asked(market: SqlMarketStore, symbols: int, window: int, most: int) -> None:
    names = ",".join(NAMES[:symbols])
    with pytest.raises(UserError, match=f"Use window={most}"):
        matrix(market, MatrixQuery(symbols=names, timeframe="15min", window=window))
    assert matrix(market, MatrixQuery(symbols=names, timeframe="15min", window=most)).cells


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
@pytest.mark.parametrize("kind", ["log_return", "change", "price"])
def test_the_value_is_that_of_all_bars_joined_one_by_one(market: SqlMarketStore, method: Method, kind: Kind) -> None:
    names = ["S1", "S3"]
    asked = MatrixQuery(symbols=",".join(names), timeframe="15min", method=method, window=60, input=kind)
    plain = PairCorrelation(CorrelationSpec(method=method, window=60, input=kind))
    for one, other in zip(walk(1), walk(3), strict=True):
        plain.join(one, other)
    value = matrix(market, asked).cells[0].value
    assert not isnan(plain.column.value)
    assert value == pytest.approx(plain.column.value, abs=1e-12)
