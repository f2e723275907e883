"""The unmodified ib_async over TCP: ticks, five-second bars and books, each compared with what else the client hears."""

import asyncio
from collections import defaultdict
from itertools import pairwise

import pytest
from ib_async import Contract, Forex, Future, Index, Option, Stock, TickByTickAllLast, TickByTickBidAsk

from tests.gateway.stand import WAIT_SECONDS, HandStand, Stand, qualified
from tests.unit.gateway.hand_market import SPY, quoted, trade
from theo.domain.market_data import SECOND

BAR_SECONDS = 5


def spy_stock() -> Contract:
    return Stock("SPY", "SMART", "USD")


async def test_a_quote_and_a_trade_are_told_as_they_are(stand: HandStand) -> None:
    ib = await stand.connect()
    ticker = ib.reqMktData(await qualified(ib, spy_stock()))
    await stand.passes(1)
    assert (ticker.bid, ticker.ask, ticker.last) == (599.9, 600.1, 600.0)
    await stand.quotes("600.5", "600.55", sizes=(300, 200))
    await stand.trades("600.52", size=400)
    await stand.passes(1)
    assert (ticker.bid, ticker.bidSize, ticker.ask, ticker.askSize) == (600.5, 300.0, 600.55, 200.0)
    assert (ticker.last, ticker.lastSize, ticker.volume) == (600.52, 400.0, 500.0)  # 100 were traded before
    ib.cancelMktData(ticker.contract)  # type: ignore[arg-type]  # it has one
    await stand.quotes("601.5", "601.55")
    assert ticker.bid == 600.5


async def test_an_index_has_last_prices_and_no_quotes(seeded: Stand) -> None:
    ib = await seeded.connect()
    ticker = ib.reqMktData(await qualified(ib, Index("VIX", "CBOE", "USD")))
    await seeded.passes(30)
    assert ticker.last > 0
    assert not ticker.bid > 0
    assert not ticker.ask > 0


async def test_a_future_ticks_on_its_grid(seeded: Stand) -> None:
    ib = await seeded.connect()
    ticker = ib.reqMktData(await qualified(ib, Future("MES", "202612", "CME")))
    await seeded.passes(30)
    assert ticker.ask > ticker.bid > 0
    assert [price % 0.25 for price in (ticker.bid, ticker.ask, ticker.last)] == [0, 0, 0]


async def test_a_snapshot_is_whole_and_ends(seeded: Stand) -> None:
    ib = await seeded.connect()
    spy = await qualified(ib, spy_stock())
    asked = asyncio.ensure_future(ib.reqTickersAsync(spy))
    await asyncio.sleep(0)  # it is on its way
    await seeded.passes(12)  # a snapshot takes eleven seconds
    (ticker,) = await asyncio.wait_for(asked, WAIT_SECONDS)
    assert ticker.ask > ticker.bid > 0
    assert ticker.low <= ticker.last <= ticker.high


async def test_an_option_is_priced_with_its_greeks(seeded: Stand) -> None:
    ib = await seeded.connect()
    spy = ib.reqMktData(await qualified(ib, spy_stock()))
    await seeded.passes(1)
    strike = 5 * round(spy.last / 5)
    options = [await qualified(ib, Option("SPY", "20261218", strike, right, "SMART")) for right in "CP"]
    call, put = [ib.reqMktData(each) for each in options]
    await seeded.passes(20)
    assert call.modelGreeks is not None
    assert put.modelGreeks is not None
    greeks = call.modelGreeks, put.modelGreeks
    deltas = [each.delta or 0.0 for each in greeks]
    assert 0.3 < deltas[0] < 0.7  # at the money
    assert deltas[0] - deltas[1] == pytest.approx(1.0, abs=0.02)  # parity
    assert all(each.optPrice and each.undPrice and each.impliedVol and each.vega and each.vega > 0 for each in greeks)


async def test_a_five_second_bar_is_what_its_ticks_say(seeded: Stand) -> None:
    ib = await seeded.connect()
    mes = await qualified(ib, Future("MES", "202612", "CME"))
    traded: dict[int, list[TickByTickAllLast]] = defaultdict(list)
    begins = seeded.clock.now() // SECOND
    heard: list[TickByTickAllLast] = []
    ib.reqTickByTickData(mes, "AllLast").updateEvent.connect(lambda ticker: heard.extend(ticker.tickByTicks))
    bars = ib.reqRealTimeBars(mes, BAR_SECONDS, "TRADES", useRTH=False)
    await seeded.passes(1 - 1e-6)  # to the last moment of each second: ib_async gives ticks the time of the machine
    for second in range(begins, begins + 40):
        traded[second // BAR_SECONDS * BAR_SECONDS] += heard
        heard.clear()
        await seeded.passes(1)
    whole = [bar for bar in bars if int(bar.time.timestamp()) in traded]
    assert len(whole) >= 6
    for bar in whole:
        prices = [tick.price for tick in traded[int(bar.time.timestamp())]]
        sizes = [tick.size for tick in traded[int(bar.time.timestamp())]]
        assert (bar.open_, bar.high, bar.low, bar.close) == (prices[0], max(prices), min(prices), prices[-1])
        assert (bar.volume, bar.count) == (sum(sizes), len(sizes))
        assert bar.wap == pytest.approx(sum(p * s for p, s in zip(prices, sizes, strict=True)) / sum(sizes), rel=1e-6)
    assert all(later.time - earlier.time == bars[1].time - bars[0].time for earlier, later in pairwise(bars))


async def test_a_bar_of_quotes_opens_where_the_last_one_closed(stand: HandStand) -> None:
    ib = await stand.connect()
    bars = {what: ib.reqRealTimeBars(await qualified(ib, spy_stock()), BAR_SECONDS, what, useRTH=True) for what in ("BID", "ASK")}
    await stand.passes(BAR_SECONDS)
    now = stand.clock.now()
    for n, price in enumerate(("600.0", "600.4", "600.2")):
        stand.market.add(*quoted(SPY, now + (n + 1) * SECOND, price, f"{float(price) + 0.1:.1f}"))
    await stand.passes(2 * BAR_SECONDS)
    bid, ask = ([(b.open_, b.high, b.low, b.close) for b in bars[what]] for what in ("BID", "ASK"))
    assert bid[1] == (599.9, 600.4, 599.9, 600.2)
    assert ask[1] == (600.1, 600.5, 600.1, 600.3)


async def test_every_change_of_the_quote_is_a_tick_by_tick(stand: HandStand) -> None:
    ib = await stand.connect()
    heard: list[TickByTickBidAsk] = []
    ticker = ib.reqTickByTickData(await qualified(ib, spy_stock()), "BidAsk")
    ticker.updateEvent.connect(lambda each: heard.extend(each.tickByTicks))
    await stand.passes()
    for bid, ask in (("600.2", "600.3"), ("600.1", "600.3"), ("600.1", "600.2")):
        await stand.quotes(bid, ask)
    assert [(each.bidPrice, each.askPrice) for each in heard][-1] == (600.1, 600.2)
    assert {(600.2, 600.3), (600.1, 600.3), (600.1, 600.2)} <= {(each.bidPrice, each.askPrice) for each in heard}


@pytest.mark.parametrize(("contract", "smart"), [(Stock("SPY", "SMART", "USD"), True), (Forex("EURUSD"), False)])
async def test_a_book_begins_at_the_quote_and_widens(seeded: Stand, contract: Contract, smart: bool) -> None:  # noqa: FBT001 - a parameter of the test
    ib = await seeded.connect()
    found = await qualified(ib, contract)
    quote, book = ib.reqMktData(found), ib.reqMktDepth(found, 5, isSmartDepth=smart)
    for _ in range(10):
        await seeded.passes(3)
        bids, asks = [level.price for level in book.domBids], [level.price for level in book.domAsks]
        assert len(bids) == len(asks) == 5
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert len(set(bids)) == len(set(asks)) == 5
        assert (bids[0], asks[0]) == (quote.bid, quote.ask)
        assert all(level.size > 0 for level in (*book.domBids, *book.domAsks))


async def test_trades_at_one_moment_are_all_told(stand: HandStand) -> None:
    ib = await stand.connect()
    heard: list[TickByTickAllLast] = []
    ticker = ib.reqTickByTickData(await qualified(ib, spy_stock()), "AllLast")
    ticker.updateEvent.connect(lambda each: heard.extend(each.tickByTicks))
    await stand.passes()
    at = stand.clock.now() + SECOND
    stand.market.add(*(trade(SPY, at, price, 10 * n) for n, price in enumerate(("600", "600.01", "600", "600.02"), start=1)))
    await stand.passes(2)
    assert [(each.price, each.size) for each in heard][-4:] == [(600.0, 10), (600.01, 20), (600.0, 30), (600.02, 40)]
