"""The unmodified ib_async over TCP: bars of every size, kept up to date, and past ticks, compared with each other."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from ib_async import BarData, BarDataList, Contract, Future, HistoricalTickLast, Index, Stock

from tests.gateway.stand import HandStand, Stand, qualified

Ohlcv = tuple[float, float, float, float, float]


def when(bar: BarData) -> datetime:
    assert isinstance(bar.date, datetime)
    return bar.date


def joined(bars: list[BarData]) -> Ohlcv:
    highs, lows = [bar.high for bar in bars], [bar.low for bar in bars]
    return bars[0].open, max(highs), min(lows), bars[-1].close, sum(bar.volume for bar in bars)


def values(bar: BarData) -> Ohlcv:
    return bar.open, bar.high, bar.low, bar.close, bar.volume


async def spy_of(stand: Stand) -> Contract:
    return await qualified(stand.clients[0], Stock("SPY", "SMART", "USD"))


async def test_minutes_make_quarters_and_days(seeded: Stand) -> None:
    ib = await seeded.connect()
    spy = await spy_of(seeded)
    minutes, quarters, days = [
        await ib.reqHistoricalDataAsync(spy, "20261123 16:00:00 US/Eastern", "2 D", size, "TRADES", useRTH=True)
        for size in ("1 min", "15 mins", "1 day")
    ]
    assert (len(minutes), len(quarters), len(days)) == (780, 52, 2)
    by_quarter, by_day = defaultdict(list), defaultdict(list)
    for bar in minutes:
        by_quarter[when(bar).replace(minute=when(bar).minute // 15 * 15)].append(bar)
        by_day[when(bar).date()].append(bar)
    assert {when(bar): values(bar) for bar in quarters} == {begin: joined(bars) for begin, bars in by_quarter.items()}
    assert {bar.date: values(bar) for bar in days} == {day: joined(bars) for day, bars in by_day.items()}


@pytest.mark.parametrize(("regular", "first", "last", "count"), [(True, "09:30", "15:59", 390), (False, "04:00", "19:59", 960)])
async def test_hours_are_regular_or_all(seeded: Stand, regular: bool, first: str, last: str, count: int) -> None:  # noqa: FBT001 - IB's own flag
    ib = await seeded.connect()
    end = "20261123 20:00:00 US/Eastern"
    bars = await ib.reqHistoricalDataAsync(await spy_of(seeded), end, "1 D", "1 min", "TRADES", useRTH=regular)
    day = [when(bar) for bar in bars]
    assert {each.date() for each in day} == {date(2026, 11, 23)}
    assert (f"{day[0]:%H:%M}", f"{day[-1]:%H:%M}", len(day)) == (first, last, count)


async def test_a_holiday_and_a_weekend_have_no_bars(seeded: Stand) -> None:
    ib = await seeded.connect()
    end = "20260908 16:00:00 US/Eastern"  # the day after Labor Day
    bars = await ib.reqHistoricalDataAsync(await spy_of(seeded), end, "3 D", "1 min", "TRADES", useRTH=True)
    assert Counter(when(bar).date() for bar in bars) == {date(2026, 9, day): 390 for day in (3, 4, 8)}


async def test_an_index_has_history_of_trades(seeded: Stand) -> None:
    ib = await seeded.connect()
    vix = await qualified(ib, Index("VIX", "CBOE", "USD"))
    bars = await ib.reqHistoricalDataAsync(vix, "", "2 D", "15 mins", "TRADES", useRTH=True)
    assert all(8 < bar.low <= bar.close <= bar.high < 100 for bar in bars)
    assert {bar.volume for bar in bars} == {0}


async def test_bars_kept_up_to_date_are_what_is_asked_for_afterwards(seeded: Stand) -> None:
    ib = await seeded.connect()
    mes = await qualified(ib, Future("MES", "202612", "CME"))
    kept = await ib.reqHistoricalDataAsync(mes, "", "1800 S", "1 min", "TRADES", useRTH=False, keepUpToDate=True)
    before, news = len(kept), []

    def on_update(bars: BarDataList, has_new: bool) -> None:  # noqa: FBT001 - the library's own flag
        news.append((len(bars), has_new))

    kept.updateEvent.connect(on_update)
    for _ in range(10):
        await seeded.passes(20)
    assert len(kept) == before + 4  # 200 seconds from the full minute on
    assert sum(has_new for _, has_new in news) == 4
    ib.cancelHistoricalData(kept)
    past = await ib.reqHistoricalDataAsync(mes, "", "600 S", "1 min", "TRADES", useRTH=False)
    later = {when(bar): values(bar) for bar in past}
    closed = [bar for bar in kept[:-1] if when(bar) in later]
    assert len(closed) >= 5
    assert {when(bar): values(bar) for bar in closed} == {when(bar): later[when(bar)] for bar in closed}
    heard = len(news)
    await seeded.passes(60)
    assert len(news) == heard


async def test_past_ticks_are_the_trades_of_the_bars(seeded: Stand) -> None:
    ib = await seeded.connect()
    mes = await qualified(ib, Future("MES", "202612", "CME"))
    await seeded.passes(120)
    ticks: list[HistoricalTickLast] = await ib.reqHistoricalTicksAsync(mes, "20261124-15:01:00", "", 1000, "TRADES", useRth=False)
    bars = await ib.reqHistoricalDataAsync(mes, "20261124-15:02:00", "60 S", "1 min", "TRADES", useRTH=False)
    minute = [tick for tick in ticks if tick.time < bars[0].date + timedelta(minutes=1)]
    assert bars[0].date == datetime(2026, 11, 24, 15, 1, tzinfo=UTC)
    prices = [tick.price for tick in minute]
    assert values(bars[0]) == (prices[0], max(prices), min(prices), prices[-1], sum(tick.size for tick in minute))


async def test_the_first_that_is_known_lies_before_all_bars(seeded: Stand) -> None:
    ib = await seeded.connect()
    spy = await spy_of(seeded)
    head = await ib.reqHeadTimeStampAsync(spy, "TRADES", useRTH=True, formatDate=2)
    assert isinstance(head, datetime)
    bars = await ib.reqHistoricalDataAsync(spy, "", "1 Y", "1 day", "TRADES", useRTH=True)
    assert head.date() == bars[0].date == date(2026, 6, 1)  # where the hours of these tests begin


async def test_what_cannot_be_is_162_or_321_and_ends(stand: HandStand) -> None:
    ib, errors = await stand.connect(), []
    ib.errorEvent.connect(lambda _id, code, *_rest: errors.append(code))
    spy = await spy_of(stand)
    assert not await ib.reqHistoricalDataAsync(spy, "20200101-00:00:00", "1 D", "1 min", "TRADES", useRTH=True)
    assert errors == [162]
    ib.client.reqHistoricalData(99, spy, "", "1 D", "7 mins", "TRADES", 1, 1, False, [])
    await stand.passes()
    assert errors == [162, 321]
