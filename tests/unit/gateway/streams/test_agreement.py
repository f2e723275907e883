"""Streams, history and the platform's own bars agree about one seeded market, and a client that only adds up sees it as it is."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.gateway.hand_market import BOOK, EUR, MES, SPY, VIX, HandMarket, Peer, codes, gateway, listed, tick
from tests.unit.gateway.peers import IbAsync, Official
from tests.unit.gateway.peers import Peer as Library
from tests.unit.gateway.tables import at
from theo.domain.market_data import MINUTE, SECOND, SessionScope, Tick, TickKind, Timeframe
from theo.gateway.desk import DataAccess, GatewaySettings, Listing, Room
from theo.gateway.history.room import HistoryRoom
from theo.gateway.market.synthetic import SyntheticMarket
from theo.gateway.session.room import SessionRoom
from theo.gateway.simulator import Simulator
from theo.gateway.streams.room import StreamsRoom
from theo.gateway.wire.messages.history import (
    HistoricalData,
    HistoricalDataUpdate,
    HistoricalTicksBidAsk,
    HistoricalTicksLast,
    ReqHeadTimeStamp,
    ReqHistogramData,
    ReqHistoricalData,
    ReqHistoricalTicks,
)
from theo.gateway.wire.messages.market_data import (
    CalculateOptionPrice,
    RealtimeBar,
    ReqMktData,
    ReqMktDepth,
    ReqRealTimeBars,
    ReqTickByTickData,
    TickByTickBidAsk,
    TickByTickLast,
    TickPrice,
    TickSize,
)
from theo.market.bars import BarTree
from theo.market.sessions import Hours

NOW = at("2026-11-24 10:00")
LISTED = [SPY, MES, EUR]
QQQ = listed("QQQ", "STK")
OPTION = listed("SPY", "OPT", last_trade_date_or_contract_month="20261218", strike=830.0, right="C")
EVERYTHING: tuple[Any, ...] = (
    ReqMktData(0, SPY.contract, "165,221,233,236,318"),
    ReqMktData(0, QQQ.contract),
    ReqMktData(0, VIX.contract),
    ReqMktData(0, OPTION.contract),
    ReqMktData(0, MES.contract, snapshot=True),
    *(ReqTickByTickData(0, SPY.contract, what, 5) for what in ("Last", "AllLast", "BidAsk", "MidPoint")),
    ReqRealTimeBars(0, MES.contract, 5, "TRADES", use_rth=False),
    ReqRealTimeBars(0, EUR.contract, 5, "MIDPOINT", use_rth=False),
    ReqMktDepth(0, MES.contract, 5),
    ReqMktDepth(0, SPY.contract, 5, is_smart_depth=True),
    CalculateOptionPrice(0, OPTION.contract, 0.2, 830.0),
    ReqHistoricalData(0, SPY.contract, "", "1 min", "1 D", use_rth=True, what_to_show="TRADES", keep_up_to_date=True),
    ReqHistoricalData(0, SPY.contract, "", "1 week", "1 M", use_rth=True, what_to_show="BID_ASK"),
    ReqHeadTimeStamp(0, SPY.contract, use_rth=True, what_to_show="TRADES"),
    ReqHistogramData(0, SPY.contract, use_rth=True, time_period="1 day"),
)


class Heard(SyntheticMarket):
    """A seeded market that remembers what it played."""

    played: list[Tick]

    def advance(self, until: int) -> Iterator[Tick]:
        for each in super().advance(until):
            self.played.append(each)
            yield each


def world(seed: int = 3) -> tuple[Heard, Peer]:
    market = Heard(seed, LISTED, NOW, ticks_a_second=20)
    market.played = []
    rooms: list[Room] = [SessionRoom(lambda _client: 1), StreamsRoom(), HistoryRoom()]
    simulator = Simulator(GatewaySettings(enforce_pacing=False, messages_a_second_max=1000), BOOK, market, rooms, NOW)
    return market, Peer(simulator)


def test_bars_of_five_seconds_are_those_of_history_and_of_the_platforms_own_bar_tree() -> None:
    market, peer = world()
    peer.ask(ReqRealTimeBars(1, MES.contract, 5, "TRADES", use_rth=False))
    streamed = [m for m in peer.wait(NOW + 2 * MINUTE) if isinstance(m, RealtimeBar)]
    assert len(streamed) == 24
    told = {bar.time_s: (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in streamed if bar.volume}
    end = "20261124-15:02:00"
    (past,) = peer.ask(ReqHistoricalData(2, MES.contract, end, "5 secs", "120 S", False, "TRADES", 2))
    assert isinstance(past, HistoricalData)
    assert told == {int(b.date): (b.open, b.high, b.low, b.close, b.volume) for b in past.bars}

    tree = BarTree(MES.con_id, [Timeframe("5s", 5 * SECOND)], Hours(MES.hours.table, SessionScope.ALL))
    bars = [bar for each in market.played if each.instrument == MES.con_id for bar in tree.on_tick(each)]
    bars += tree.on_time(NOW + 3 * MINUTE)
    units = MES.instrument.units_nearest
    assert [(b.start // SECOND, b.open, b.high, b.low, b.close, b.volume) for b in bars if b.end <= NOW + 2 * MINUTE] == [
        (when, *(units(price) for price in row[:4]), int(row[4])) for when, row in sorted(told.items())
    ]


@pytest.mark.parametrize("what", ["Last", "BidAsk"])
def test_ticks_as_they_came_are_the_ticks_of_history(what: str) -> None:
    _, peer = world()
    peer.ask(ReqTickByTickData(1, SPY.contract, what))
    streamed = peer.wait(NOW + MINUTE - 1)
    show = {"Last": "TRADES", "BidAsk": "BID_ASK"}[what]
    (past,) = peer.ask(ReqHistoricalTicks(2, SPY.contract, "", "20261124-15:01:00", 200, show))
    if what == "Last":
        assert isinstance(past, HistoricalTicksLast)
        trades = [(m.time_s, m.price, m.size) for m in streamed if isinstance(m, TickByTickLast)]
        assert trades[-200:] == [(row.time_s, row.price, row.size) for row in past.ticks]
        assert len(trades) > 200
        return
    assert isinstance(past, HistoricalTicksBidAsk)
    quotes = [(m.time_s, m.bid_price, m.ask_price, m.bid_size, m.ask_size) for m in streamed if isinstance(m, TickByTickBidAsk)]
    assert quotes[-200:] == [(r.time_s, r.price_bid, r.price_ask, r.size_bid, r.size_ask) for r in past.ticks]


@pytest.mark.parametrize("listing", [SPY, EUR])
def test_bars_kept_up_to_date_are_those_that_are_asked_for_afterwards(listing: Listing) -> None:
    _, peer = world()
    what = "MIDPOINT" if listing is EUR else "TRADES"
    first = ReqHistoricalData(1, listing.contract, "", "1 min", "600 S", False, what, 2, keep_up_to_date=True)
    (begin,) = peer.ask(first)
    bars = {bar.date: (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in begin.bars}
    for m in peer.wait(NOW + 5 * MINUTE):
        assert isinstance(m, HistoricalDataUpdate)
        bars[m.date] = (m.open, m.high, m.low, m.close, m.volume)
    (end,) = peer.ask(ReqHistoricalData(2, listing.contract, "", "1 min", "900 S", False, what, 2))
    known = [(bar.date, (bar.open, bar.high, bar.low, bar.close, bar.volume)) for bar in end.bars if bar.date in bars]
    assert known == sorted(bars.items())
    assert len(known) >= 15


KINDS = st.sampled_from([TickKind.BID, TickKind.ASK, TickKind.TRADE])
MOVES = st.lists(st.tuples(st.integers(1, 900_000), KINDS, st.integers(68_900, 69_100), st.integers(1, 900)), max_size=30)


@settings(max_examples=60)
@given(MOVES, st.sampled_from([1, 3]))
def test_a_client_that_only_adds_up_sees_the_market_as_it_is(moves: list[tuple[int, TickKind, int, int]], asked: int) -> None:
    market = HandMarket()
    when = NOW
    for wait, kind, cents, size in moves:
        when += wait
        market.add(tick(SPY, when, kind, str(Decimal(cents) / 100), size))
    peer = Peer(gateway(StreamsRoom(), market, NOW))
    peer.client.market_data_type = asked
    heard = [*peer.ask(ReqMktData(1, SPY.contract)), *peer.wait(when + SECOND)]
    assert codes(heard) == []
    prices = {m.tick_type: m.price for m in heard if isinstance(m, TickPrice)}
    sizes = {m.tick_type: int(m.size) for m in heard if isinstance(m, TickSize)}
    quote, unit = market.quote(SPY.con_id), 10**SPY.instrument.price_decimals
    for tick_type, size_type, price, size in ((1, 0, quote.bid, quote.bid_size), (2, 3, quote.ask, quote.ask_size)):
        assert prices[tick_type] == (-1.0 if price is None else price / unit)
        assert sizes.get(size_type, 0) == size
    assert prices.get(4) == (None if quote.last is None else quote.last / unit)
    assert (sizes.get(5, 0), sizes.get(8, 0)) == (quote.last_size, quote.volume)


def frames_of(data: bytes) -> list[bytes]:
    found = []
    while data:
        size = int.from_bytes(data[:4], "big") + 4
        found.append(data[:size])
        data = data[size:]
    return found


@pytest.mark.parametrize("library", [IbAsync(178), IbAsync(163), Official()])
def test_the_client_libraries_hear_every_message(library: Library) -> None:
    market = SyntheticMarket(3, [SPY, MES, EUR, VIX, QQQ, OPTION], NOW)
    rooms: list[Room] = [SessionRoom(lambda _client: 1), StreamsRoom(), HistoryRoom()]
    limits = GatewaySettings(enforce_pacing=False, messages_a_second_max=1000, data_access={QQQ.con_id: DataAccess.DELAYED})
    simulator = Simulator(limits, BOOK, market, rooms, NOW)
    peer = Peer(simulator, version=library.version)
    peer.client.market_data_type = 4
    for n, request in enumerate(EVERYTHING):
        simulator.receive(peer.client, peer.link.encode(msgspec.structs.replace(request, req_id=n)))
    simulator.advance(NOW + 12 * SECOND)
    kinds: dict[int, int] = {}
    for frame in frames_of(peer.client.take()):
        calls = library.heard(frame)
        assert calls, frame
        assert all(name != "error" or args[1] in {2152, 10167} for name, args in calls), calls
        number = int(frame[4:].split(b"\0")[0])
        kinds[number] = kinds.get(number, 0) + 1
    # by IB's numbers: prices to books, bars, options, generics, snapshots, types, terms, ticks, and all of the past
    assert {1, 2, 12, 13, 17, 21, 45, 46, 50, 57, 58, 81, 88, 89, 90, 96, 97, 98, 99} <= kinds.keys()
