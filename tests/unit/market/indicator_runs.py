"""Bars from bare prices, and what the live form of an indicator says at each of them."""

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from theo.domain.market_data import MINUTE, Bar
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.spec import parse_spec

FIRST = 1_577_836_800_000_000  # 2020-01-01 00:00 UTC
LENGTH = 15 * MINUTE
Prices = tuple[int, int, int]  # high, low, close


def bar(place: int, high: int, low: int, close: int, *, contract: str = "") -> Bar:
    """The bar at a place of a series without gaps, in price units."""
    start = FIRST + place * LENGTH
    return Bar(1, start + LENGTH, "15min", start, start + LENGTH, close, high, low, close, 1, contract=contract)


def bars(prices: Iterable[Prices]) -> list[Bar]:
    """A series without gaps."""
    return [bar(place, *each) for place, each in enumerate(prices)]


def closes_only(closes: Iterable[int]) -> list[Bar]:
    """A close-only series: high = low = close."""
    return bars((close, close, close) for close in closes)


def values(text: str, of: Sequence[Bar]) -> dict[str, list[float]]:
    """Each output of an indicator at each bar."""
    indicator = Indicator(parse_spec(text))
    found: dict[str, list[float]] = {name: [] for name in indicator.outputs}
    for each in of:
        indicator.update(each)
        for name, column in indicator.outputs.items():
            found[name].append(column.value)
    return found


def value(text: str, of: Sequence[Bar]) -> list[float]:
    """The only output of an indicator at each bar."""
    (only,) = values(text, of).values()
    return only


@st.composite
def price_rows(draw: st.DrawFn, *, spread: int = 12, rows_max: int = 60) -> list[Prices]:
    """Bars of few different prices, so that ties are common."""
    rows = draw(st.lists(st.tuples(*[st.integers(100, 100 + spread)] * 3), max_size=rows_max))
    return [(max(row), min(row), row[2]) for row in rows]
