"""Tick by tick, bars of five seconds, order books, and what an option would cost."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.hand_market import (
    BOOK,
    EUR,
    MES,
    SPY,
    VIX,
    HandMarket,
    Peer,
    codes,
    gateway,
    quoted,
    tick,
    trade,
)
from tests.unit.gateway.tables import at
from theo.domain.market_data import MINUTE, SECOND, Tick, TickFlag, TickKind
from theo.gateway.desk import Listing
from theo.gateway.streams.depth import ASK, BID, DELETE, INSERT, Level, differences, levels
from theo.gateway.streams.room import StreamsRoom
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.history import HistoricalTickLast, HistoricalTicksLast
from theo.gateway.wire.messages.market_data import (
    CalculateImpliedVolatility,
    CalculateOptionPrice,
    CancelMktDepth,
    CancelRealTimeBars,
    CancelTickByTickData,
    RealtimeBar,
    ReqMktData,
    ReqMktDepth,
    ReqRealTimeBars,
    ReqTickByTickData,
    TickByTickBidAsk,
    TickByTickLast,
    TickByTickMidPoint,
    TickOptionComputation,
    UpdateMktDepth,
    UpdateMktDepthL2,
)
from theo.gateway.wire.schema import Message

NOW = at("2026-11-24 10:00")
MS = SECOND // 1000
STARTED = [*quoted(SPY, NOW - 5 * SECOND, "690.10", "690.12"), trade(SPY, NOW - 4 * SECOND, "690.11")]


def world(*ticks: Tick, now: int = NOW, **settings: object) -> tuple[StreamsRoom, HandMarket, Peer]:
    room, market = StreamsRoom(), HandMarket([*STARTED, *ticks])
    return room, market, Peer(gateway(room, market, now, **settings))


# ------------------------------------------------------------------------------------------------------------- tick by tick


def test_every_trade_comes_with_its_own_time() -> None:
    _, market, peer = world(enforce_pacing=False)
    peer.ask(ReqTickByTickData(1, SPY.contract, "Last"), ReqTickByTickData(2, SPY.contract, "AllLast"))
    odd = msgspec.structs.replace(trade(SPY, NOW + 20 * MS, "690.30", 7), flags=int(TickFlag.NOT_LAST))
    market.add(trade(SPY, NOW + 10 * MS, "690.20"), odd, *quoted(SPY, NOW + 30 * MS, "690.2", "690.3"))
    at_s, hundred = NOW // SECOND, Decimal(100)
    assert peer.wait(NOW + SECOND) == [
        TickByTickLast(1, 1, at_s, 690.20, hundred, 0, "ARCA", ""),
        TickByTickLast(2, 2, at_s, 690.20, hundred, 0, "ARCA", ""),
        TickByTickLast(2, 2, at_s, 690.30, Decimal(7), 2, "ARCA", ""),
    ]


def test_quotes_and_middles_come_when_they_change() -> None:
    _, market, peer = world()
    peer.ask(
        ReqTickByTickData(1, SPY.contract, "BidAsk"),
        ReqTickByTickData(2, SPY.contract, "MidPoint"),
    )
    market.add(*quoted(SPY, NOW + 1, "690.10", "690.14"), *quoted(SPY, NOW + 2, "690.10", "690.14"))
    at_s, sizes = NOW // SECOND, (Decimal(300), Decimal(500))
    assert peer.wait(NOW + SECOND) == [
        TickByTickBidAsk(1, 3, at_s, 690.10, 690.12, *sizes, 0),
        TickByTickMidPoint(2, 4, at_s, 690.11),
        TickByTickBidAsk(1, 3, at_s, 690.10, 690.14, *sizes, 0),
        TickByTickMidPoint(2, 4, at_s, 690.12),
    ]


def test_sizes_can_be_ignored() -> None:
    _, market, peer = world()
    peer.ask(ReqTickByTickData(1, SPY.contract, "BidAsk", 0, ignore_size=True))
    market.add(*quoted(SPY, NOW + 1, "690.10", "690.12"), *quoted(SPY, NOW + 2, "690.10", "690.12", (1, 2)))
    assert len(peer.wait(NOW + SECOND)) == 1


def test_past_ticks_come_first_when_asked_for() -> None:
    past = [trade(SPY, NOW - n * MINUTE, f"68{n}") for n in range(1, 9)]
    _, _, peer = world(*past)
    heard = peer.ask(ReqTickByTickData(1, SPY.contract, "Last", 3))
    rows = [(NOW // SECOND - 120, 682.0), (NOW // SECOND - 60, 681.0), (NOW // SECOND - 4, 690.11)]
    expected = tuple(HistoricalTickLast(when, 0, price, Decimal(100), "ARCA", "") for when, price in rows)
    assert heard == [HistoricalTicksLast(1, expected, done=True)]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ReqTickByTickData(1, VIX.contract, "Last"), 10189),
        (ReqTickByTickData(1, VIX.contract, "BidAsk"), 10189),
        (ReqTickByTickData(1, EUR.contract, "Last"), 10189),
        (ReqTickByTickData(1, EUR.contract, "MidPoint"), None),
        (ReqTickByTickData(1, SPY.contract, "last"), 321),
        (ReqTickByTickData(1, Contract(symbol="SPY", sec_type="BAG"), "Last"), 321),
        (ReqTickByTickData(1, Contract(symbol="NONE", sec_type="STK"), "Last"), 200),
        (CancelTickByTickData(1), 300),
    ],
)
def test_ticks_are_refused_as_by_tws(request_: Message, code: int | None) -> None:
    assert codes(world()[2].ask(request_)) == ([] if code is None else [code])


def test_the_same_ticks_again_within_fifteen_seconds_are_too_soon() -> None:
    _, _, peer = world()
    request = ReqTickByTickData(1, SPY.contract, "Last")
    assert peer.ask(request, CancelTickByTickData(1)) == []
    peer.wait(NOW + 14 * SECOND)
    assert codes(peer.ask(request)) == [10189]
    peer.wait(NOW + 15 * SECOND)
    assert codes(peer.ask(request)) == []
    assert codes(peer.ask(request)) == [102]


def test_there_are_only_so_many_streams() -> None:
    _, _, peer = world()
    stocks = [each for each in BOOK.listings() if each.contract.sec_type == "STK"][:6]
    heard = peer.ask(*(ReqTickByTickData(n, each.contract, "Last") for n, each in enumerate(stocks)))
    assert codes(heard) == [10190]


# --------------------------------------------------------------------------------------------------------- bars of five seconds


def bars(heard: Sequence[object]) -> list[tuple[int, float, float, float, float, int, int]]:
    return [
        (b.time_s - NOW // SECOND, b.open, b.high, b.low, b.close, int(b.volume), b.count)
        for b in heard
        if isinstance(b, RealtimeBar)
    ]


def test_a_bar_holds_its_five_seconds_and_an_empty_one_repeats_the_close() -> None:
    _, market, peer = world(trade(SPY, NOW + 1, "689"), now=NOW + 2 * SECOND)
    peer.ask(ReqRealTimeBars(1, SPY.contract, 5, "TRADES", use_rth=False))
    market.add(
        trade(SPY, NOW + 3 * SECOND, "690.00", 100),
        trade(SPY, NOW + 4 * SECOND, "691.00", 300),
        trade(SPY, NOW + 5 * SECOND - 1, "690.50", 100),
        trade(SPY, NOW + 5 * SECOND, "695.00", 1),
    )
    heard = peer.wait(NOW + 5 * SECOND)
    assert bars(heard) == [(0, 690.0, 691.0, 690.0, 690.5, 500, 3)]
    assert heard[0].wap == pytest.approx((690 * 100 + 691 * 300 + 690.5 * 100) / 500)
    assert bars(peer.wait(NOW + 15 * SECOND)) == [(5, 695.0, 695.0, 695.0, 695.0, 1, 1), (10, 695.0, 695.0, 695.0, 695.0, 0, 0)]


def test_bars_of_quotes_have_no_volume_and_open_where_the_last_one_closed() -> None:
    _, market, peer = world()
    peer.ask(*(ReqRealTimeBars(n, SPY.contract, 5, what, use_rth=False) for n, what in enumerate(("MIDPOINT", "BID", "ASK"))))
    market.add(*quoted(SPY, NOW + SECOND, "690.20", "690.23"))
    found = {m.req_id: (m.open, m.close, m.volume, m.count) for m in peer.wait(NOW + 5 * SECOND)}
    assert found[1] == (690.10, 690.20, -1, -1)
    assert found[2] == (690.12, 690.23, -1, -1)
    assert found[0] == (690.11, 690.215, -1, -1)


def test_bars_follow_the_hours_that_are_asked_for() -> None:
    close = at("2026-11-24 16:00")
    _, _, peer = world(trade(SPY, close - MINUTE, "690"), now=close - 6 * SECOND)
    peer.ask(
        ReqRealTimeBars(1, SPY.contract, 5, "TRADES", use_rth=True), ReqRealTimeBars(2, SPY.contract, 5, "TRADES", use_rth=False)
    )
    heard = peer.wait(close + 21 * SECOND)
    assert len([m for m in heard if m.req_id == 1]) == 2
    assert len([m for m in heard if m.req_id == 2]) == 6


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ReqRealTimeBars(1, SPY.contract, 5, "BID_ASK", use_rth=True), 321),
        (ReqRealTimeBars(1, VIX.contract, 5, "MIDPOINT", use_rth=True), 420),
        (ReqRealTimeBars(1, EUR.contract, 5, "TRADES", use_rth=True), 420),
        (ReqRealTimeBars(1, Contract(symbol="NONE", sec_type="STK"), 5, "TRADES", use_rth=True), 200),
        (CancelRealTimeBars(1), 300),
    ],
)
def test_bars_are_refused_as_by_tws(request_: Message, code: int) -> None:
    assert codes(world()[2].ask(request_)) == [code]


def test_sixty_new_streams_of_bars_are_the_most_in_ten_minutes() -> None:
    _, _, peer = world()
    request, cancel = ReqRealTimeBars(1, SPY.contract, 5, "TRADES", use_rth=True), CancelRealTimeBars(1)
    assert codes(peer.ask(*[request, cancel] * 60)) == []
    assert codes(peer.ask(request)) == [420]
    peer.wait(NOW + 10 * MINUTE)
    assert codes(peer.ask(request, request, cancel, cancel)) == [102, 300]


# ---------------------------------------------------------------------------------------------------------------- order books


Rows = dict[int, list[tuple[float, int]]]


def apply(rows: Rows, heard: Sequence[object]) -> Rows:
    """A client's book after updates, made as IB's documentation tells clients to."""
    for m in heard:
        assert isinstance(m, UpdateMktDepth | UpdateMktDepthL2)
        side = rows[m.side]
        if m.operation == INSERT:
            side.insert(m.position, (m.price, int(m.size)))
        elif m.operation == DELETE:
            del side[m.position]
        else:
            side[m.position] = (m.price, int(m.size))
    return rows


def test_a_book_is_built_and_follows_the_quote() -> None:
    _, market, peer = world(*quoted(MES, NOW - SECOND, "6900.00", "6900.25", (3, 4)))
    rows = apply({ASK: [], BID: []}, peer.ask(ReqMktDepth(1, MES.contract, 5)))
    assert [price for price, _ in rows[BID]] == [6900.0, 6899.75, 6899.5, 6899.25, 6899.0]
    assert [price for price, _ in rows[ASK]] == [6900.25, 6900.5, 6900.75, 6901.0, 6901.25]
    assert (rows[BID][0][1], rows[ASK][0][1]) == (3, 4)
    market.add(*quoted(MES, NOW + SECOND, "6900.50", "6900.75", (9, 2)))
    apply(rows, peer.wait(NOW + 2 * SECOND))
    assert [price for price, _ in rows[BID]] == [6900.5, 6900.25, 6900.0, 6899.75, 6899.5]
    assert rows[ASK][0] == (6900.75, 2)
    assert peer.ask(CancelMktDepth(1)) == []


def test_a_smart_book_names_market_makers_and_says_where_from() -> None:
    _, _, peer = world()
    heard = peer.ask(ReqMktDepth(1, SPY.contract, 3, is_smart_depth=True))
    assert codes(heard) == [2152]
    makers = {m.market_maker for m in heard if isinstance(m, UpdateMktDepthL2)}
    assert makers <= set(SPY.valid_exchanges)
    assert len(makers) == 3


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ReqMktDepth(1, VIX.contract, 5), 10092),
        (ReqMktDepth(1, SPY.contract, 5), 10092),
        (ReqMktDepth(1, MES.contract, 0), 321),
        (CancelMktDepth(1), 310),
    ],
)
def test_books_are_refused_as_by_tws(request_: Message, code: int) -> None:
    assert codes(world()[2].ask(request_)) == [code]


def test_books_are_few() -> None:
    _, _, peer = world()
    futures = [each for each in BOOK.listings() if each.contract.local_symbol in {"MESZ6", "MESH7", "ESZ6", "ESH7"}]
    assert len(futures) == 4
    heard = peer.ask(*(ReqMktDepth(n, each.contract, 5) for n, each in enumerate(futures)))
    assert codes(heard) == [309]
    assert codes(peer.ask(ReqMktDepth(0, futures[0].contract, 5))) == [322]


SIDES = st.builds(
    lambda price, size, down, count: levels(price, size, -25 if down else 25, count),
    st.none() | st.integers(1, 400).map(lambda n: 25 * n),
    st.integers(0, 999),
    st.just(value=False),
    st.integers(1, 10),
)


@given(SIDES, SIDES)
def test_steps_lead_from_any_side_to_any_other_however_a_client_reads_them(have: list[Level], wanted: list[Level]) -> None:
    rows, places = list(have), dict(enumerate(have))
    for position, operation, level in differences(have, wanted):
        if operation == DELETE:
            del rows[position], places[position]
            continue
        places[position] = level
        if operation == INSERT:
            rows.insert(position, level)
        else:
            rows[position] = level
    assert rows == wanted
    assert places == dict(enumerate(wanted))


# -------------------------------------------------------------------------------------------------------------------- options


class Value(msgspec.Struct, frozen=True):
    """What a model says."""

    price: float = 10.0
    implied_volatility: float = 0.2
    delta: float = 0.5
    gamma: float = 0.01
    vega: float = 0.8
    theta: float = -0.1
    under_price: float = 690.0
    present_dividend: float = 0.0


class OptionHandMarket(HandMarket):
    """A market whose options are worth what is said here."""

    value: Value | None = Value()

    def model(self, con_id: int) -> Value | None:
        return self.value

    def option_price(self, con_id: int, volatility: float, under_price: float) -> Value | None:
        return msgspec.structs.replace(Value(), price=100 * volatility, implied_volatility=volatility)

    def implied_volatility(self, con_id: int, option_price: float, under_price: float) -> Value | None:
        return None if option_price > under_price else msgspec.structs.replace(Value(), implied_volatility=option_price / 100)


def an_option() -> Listing:
    return next(each for each in BOOK.listings() if each.contract.sec_type == "OPT" and each.contract.symbol == "SPY")


def test_an_options_line_carries_its_numbers_and_moves_with_the_underlying() -> None:
    option = an_option()
    market = OptionHandMarket([*STARTED, *quoted(option, NOW - SECOND, "9.84", "10.16")])
    peer = Peer(gateway(StreamsRoom(), market, NOW))
    heard = peer.ask(ReqMktData(1, option.contract))
    numbers = {m.tick_type: m for m in heard if isinstance(m, TickOptionComputation)}
    assert numbers.keys() == {10, 11, 13}
    assert (numbers[13].implied_vol, numbers[13].delta, numbers[13].und_price) == (0.2, 0.5, 690.0)
    assert numbers[10].implied_vol == pytest.approx(0.198)  # 0.16 below the model at a vega of 0.8 a point
    assert numbers[11].opt_price == 10.16
    market.value = Value(delta=0.6)
    market.add(trade(SPY, NOW + SECOND, "695"))
    assert {m.delta for m in peer.wait(NOW + 2 * SECOND)} == {0.6}


def test_questions_about_options_are_answered_by_the_model() -> None:
    option = an_option()
    peer = Peer(gateway(StreamsRoom(), OptionHandMarket(STARTED), NOW))
    (price,) = peer.ask(CalculateOptionPrice(1, option.contract, 0.25, 690.0))
    assert (price.tick_type, price.opt_price, price.implied_vol) == (53, 25.0, 0.25)
    (volatility,) = peer.ask(CalculateImpliedVolatility(2, option.contract, 30.0, 690.0))
    assert (volatility.opt_price, volatility.implied_vol) == (30.0, 0.3)
    (none,) = peer.ask(CalculateImpliedVolatility(3, option.contract, 700.0, 690.0))
    assert (none.implied_vol, none.delta) == (-1.0, -2.0)
    assert codes(peer.ask(CalculateOptionPrice(4, SPY.contract, 0.2, 690.0))) == [321]
    assert codes(peer.ask(CalculateOptionPrice(5, option.contract, 0.0, 690.0))) == [321]
    assert codes(Peer(gateway(StreamsRoom(), HandMarket(), NOW)).ask(CalculateOptionPrice(1, option.contract, 0.2, 690.0))) == [
        10001
    ]


def test_what_is_not_subscribed_has_no_ticks_bars_or_book() -> None:
    access = {MES.con_id: "delayed"}
    _, _, peer = world(tick(MES, NOW - SECOND, TickKind.TRADE, "6900", 1), data_access=access)
    asked = (
        ReqTickByTickData(1, MES.contract, "Last"),
        ReqRealTimeBars(2, MES.contract, 5, "TRADES", use_rth=False),
        ReqMktDepth(3, MES.contract, 5),
    )
    assert codes(peer.ask(*asked)) == [10189, 420, 354]


def test_a_client_that_leaves_takes_its_subscriptions_with_it() -> None:
    room, market = StreamsRoom(), HandMarket(STARTED)
    simulator = gateway(room, market, NOW)
    one, other = Peer(simulator, 1), Peer(simulator, 2)
    for peer in (one, other):
        peer.ask(
            ReqMktData(1, SPY.contract),
            ReqTickByTickData(2, SPY.contract, "Last"),
            ReqRealTimeBars(3, SPY.contract, 5, "TRADES", use_rth=False),
            ReqMktDepth(4, SPY.contract, 5, is_smart_depth=True),
        )
    simulator.disconnected(one.client)
    assert {each.client for each in room.subscriptions()} == {other.client}
    assert len(room.subscriptions()) == 4
    simulator.disconnected(other.client)
    assert room.next_due() > NOW + MINUTE
