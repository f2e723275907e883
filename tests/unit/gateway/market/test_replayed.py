"""Markets that were: recorded ticks as they came, imported bars through their four prices. Truth is what went in."""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.tables import at, tables
from theo.domain.errors import DataError
from theo.domain.market_data import MINUTE, SECOND, Bar, Tick, TickFlag, TickKind
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import NEVER, Listing
from theo.gateway.market.past import MINUTES_KEPT_MAX, TICKS_KEPT_MAX, Past
from theo.gateway.market.replayed import ImportedMarket, RecordedMarket

BOOK = Contracts(tables(), date(2026, 11, 20))
SPY, VIX, EUR = 756733, 13455763, 12087792
OPEN = at("2026-11-20 09:30")


def listings(*con_ids: int) -> list[Listing]:
    found = [BOOK.listing(each) for each in con_ids]
    return [each for each in found if each is not None]


def tick(
    seconds: float, price: int, kind: TickKind = TickKind.TRADE, con_id: int = SPY, volume: int = 100, flags: int = 0
) -> Tick:
    moment = OPEN + int(seconds * SECOND)
    return Tick(con_id, moment, moment, 0, kind, price, volume, flags)


def bar(minute: int, prices: tuple[int, int, int, int], volume: int = 1_003, length: int = MINUTE) -> Bar:
    start = OPEN + minute * length
    return Bar(SPY, start + length, "1min", start, start + length, *prices, volume, "import:test")


def test_a_recording_is_played_as_it_was() -> None:
    recorded = [
        tick(1, 500_00_00, TickKind.BID, volume=3),
        tick(1, 500_02_00, TickKind.ASK, volume=4),
        tick(2, 500_02_00),
        tick(61, 500_01_00),
    ]
    market = RecordedMarket(listings(SPY), recorded, OPEN)
    assert market.next_at() == OPEN + SECOND
    assert list(market.advance(OPEN + 30 * SECOND)) == recorded[:3]
    quote = market.quote(SPY)
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (500_00_00, 500_02_00, 3, 4)
    assert (quote.last, quote.open, quote.volume) == (500_02_00, 500_02_00, 100)
    assert list(market.advance(OPEN + MINUTE * 2)) == recorded[3:]
    assert market.next_at() == NEVER
    first, second = market.bars(SPY, MINUTE, OPEN, OPEN + 5 * MINUTE, regular=True)
    assert (first.close, second.open, second.volume) == (500_02_00, 500_01_00, 100)
    assert market.head(SPY) == OPEN
    assert market.ticks(SPY, OPEN + 2 * SECOND, OPEN + 61 * SECOND) == [recorded[2]]


def test_what_lies_before_the_start_is_past() -> None:
    recorded = [tick(1, 500_00_00), tick(90, 501_00_00)]
    market = RecordedMarket(listings(SPY), recorded, OPEN + MINUTE)
    assert market.quote(SPY).last == 500_00_00
    assert list(market.advance(NEVER - 1)) == recorded[1:]


def test_bad_ticks_are_told_and_left_out_of_bars() -> None:
    recorded = [tick(1, 500_00_00), tick(2, 1, flags=TickFlag.OUTLIER), tick(3, 501_00_00)]
    market = RecordedMarket(listings(SPY), recorded)
    assert list(market.advance(OPEN + MINUTE)) == recorded
    (made,) = market.bars(SPY, MINUTE, OPEN, OPEN + MINUTE, regular=True)
    assert made.low == 500_00_00


def test_what_is_not_listed_or_not_in_order_is_refused() -> None:
    with pytest.raises(DataError, match="no contract 5"):
        list(RecordedMarket(listings(SPY), [tick(1, 1, con_id=5)]).advance(NEVER - 1))
    with pytest.raises(DataError, match="follows one at"):
        list(RecordedMarket(listings(SPY), [tick(2, 1), tick(1, 1)]).advance(NEVER - 1))
    with pytest.raises(DataError, match="contract 5"):
        ImportedMarket(1, listings(SPY), {5: []})


def test_an_empty_recording_is_over_at_once() -> None:
    market = RecordedMarket(listings(SPY), [], OPEN)
    assert market.next_at() == NEVER
    assert list(market.advance(NEVER - 1)) == []
    assert market.quote(SPY).last is None
    assert market.bars(SPY, MINUTE, OPEN, OPEN + MINUTE, regular=True) == []


four = st.lists(st.integers(2, 2_000), min_size=4, max_size=4)


@given(st.lists(st.tuples(four, st.integers(0, 10_000)), min_size=1, max_size=20), st.integers(0, 2**32))
def test_imported_bars_come_out_as_they_went_in(rows: list[tuple[list[int], int]], seed: int) -> None:
    bars = []
    for minute, (prices, volume) in enumerate(rows):
        first, one, other, last = (price * 100 for price in prices)
        bars.append(bar(minute, (first, max(first, one, other, last), min(first, one, other, last), last), volume))
    market = ImportedMarket(seed, listings(SPY), {SPY: bars}, OPEN)
    ticks = list(market.advance(NEVER - 1))
    assert all(one.at <= other.at for one, other in pairwise(ticks))
    found = market.bars(SPY, MINUTE, OPEN, OPEN + 30 * MINUTE, regular=True)
    assert [(b.start, b.open, b.high, b.low, b.close, b.volume) for b in found] == [
        (b.start, b.open, b.high, b.low, b.close, b.volume) for b in bars
    ]


def crossed(ticks: Iterable[Tick]) -> int:
    """How often a bid is not below the ask."""
    bid = ask = None
    count = 0
    for each in ticks:
        bid = each.price if each.kind == TickKind.BID else bid
        ask = each.price if each.kind == TickKind.ASK else ask
        count += bid is not None and ask is not None and bid >= ask
    return count


def test_imported_prices_get_quotes_that_do_not_cross() -> None:
    bars = [bar(n, (100_00_00 + n * 300, 101_00_00 + n * 300, 99_00_00, 100_50_00)) for n in range(100)]
    ticks = list(ImportedMarket(3, listings(SPY), {SPY: bars}, OPEN).advance(NEVER - 1))
    assert sum(each.kind == TickKind.TRADE for each in ticks) == 400
    assert crossed(ticks) == 0
    orders = {tuple(each.price for each in ticks if each.kind == TickKind.TRADE)[n + 1 : n + 3] for n in range(0, 400, 4)}
    highs_first = sum(one > other for one, other in orders)
    assert 0 < highs_first < len(orders)


def test_the_seed_decides_the_path() -> None:
    bars = [bar(n, (100_00_00, 101_00_00, 99_00_00, 100_50_00)) for n in range(50)]
    one, same, other = (list(ImportedMarket(seed, listings(SPY), {SPY: bars}).advance(NEVER - 1)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_an_imported_index_has_values_only_and_series_are_merged_by_time() -> None:
    values = [tick(n + 0.5, 2000 + n, TickKind.INDEX, VIX, 0) for n in range(5)]
    trades = [tick(n, 500_00_00 + 100 * n) for n in range(5)]
    market = ImportedMarket(1, listings(SPY, VIX), {SPY: trades, VIX: values}, OPEN)
    ticks = list(market.advance(NEVER - 1))
    assert [each.at for each in ticks] == sorted(each.at for each in ticks)
    assert {each.kind for each in ticks if each.instrument == VIX} == {TickKind.INDEX}
    assert market.quote(VIX).bid is None
    assert market.quote(VIX).last == 2004
    assert market.quote(SPY).bid is not None


def test_quotes_of_ones_own_are_not_added_to() -> None:
    own = [tick(0, 499_99_00, TickKind.BID), tick(0, 500_01_00, TickKind.ASK), tick(1, 500_00_00), tick(2, 500_01_00)]
    assert list(ImportedMarket(1, listings(SPY), {SPY: own}, OPEN).advance(NEVER - 1)) == own


def test_currencies_make_bars_of_bids() -> None:
    quotes = [tick(n, price, TickKind.BID, EUR) for n, price in enumerate((110_000, 110_010, 109_990))]
    market = RecordedMarket(listings(EUR), quotes)
    list(market.advance(NEVER - 1))
    (made,) = market.bars(EUR, MINUTE, OPEN, OPEN + MINUTE, regular=False)
    assert (made.open, made.high, made.low, made.close) == (110_000, 110_010, 109_990, 109_990)


def test_the_past_is_bounded() -> None:
    past = Past(BOOK.listings()[0].instrument.security_type)
    for n in range(TICKS_KEPT_MAX + 10):
        past.add(tick(n * 0.001, 1))
    assert len(list(past.ticks(0, NEVER))) == TICKS_KEPT_MAX
    for n in range(2 * MINUTES_KEPT_MAX + 10):
        past.add(tick(n * 60, 1))
    assert MINUTES_KEPT_MAX <= len(past.minutes(0, NEVER).start) <= 2 * MINUTES_KEPT_MAX
    assert past.begins is not None
    assert past.begins > OPEN


def test_a_late_tick_counts_in_its_own_minute() -> None:
    late = Tick(SPY, OPEN + 130 * SECOND, OPEN + 5 * SECOND, 0, TickKind.TRADE, 600_00_00, 7)
    recorded = [tick(1, 500_00_00), tick(61, 501_00_00), late]
    market = RecordedMarket(listings(SPY), recorded)
    list(market.advance(NEVER - 1))
    first, second = market.bars(SPY, MINUTE, OPEN, OPEN + 5 * MINUTE, regular=True)
    assert (first.high, first.close, first.volume) == (600_00_00, 500_00_00, 107)
    assert (second.high, second.volume) == (501_00_00, 100)


def test_a_real_session_is_played(real_data: Path) -> None:
    """SPY on 2023-08-03, minute by minute: what the file holds is what history gives."""
    import duckdb

    sql = "select open, high, low, close, volume from read_parquet(?) order by ts_start limit 300"
    rows = duckdb.connect().execute(sql, [str(real_data / "spy_1m_20230803.parquet")]).fetchall()
    assert len(rows) == 300
    bars = []
    for n, (*prices, volume) in enumerate(rows):
        first, high, low, last = (round(float(price) * 100) * 100 for price in prices)
        bars.append(bar(n, (first, high, low, last), int(volume)))
    market = ImportedMarket(1, listings(SPY), {SPY: bars}, OPEN)
    list(market.advance(NEVER - 1))
    found = market.bars(SPY, MINUTE, OPEN, OPEN + 400 * MINUTE, regular=True)
    assert [(b.open, b.high, b.low, b.close, b.volume) for b in found] == [
        (b.open, b.high, b.low, b.close, b.volume) for b in bars
    ]
