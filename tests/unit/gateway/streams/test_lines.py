"""Market data lines: what they begin with, how they are sampled, and whom they are refused."""

from decimal import Decimal

import pytest

from tests.unit.gateway.hand_market import EUR, MES, SPY, VIX, HandMarket, Peer, codes, gateway, listed, quoted, tick, trade
from tests.unit.gateway.peers import IbAsync
from tests.unit.gateway.tables import at
from theo.domain.market_data import MINUTE, SECOND, TickKind
from theo.gateway.data_levers import DataLevers
from theo.gateway.history.room import HistoryRoom
from theo.gateway.streams.room import StreamsRoom
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.history import HistoricalDataUpdate, ReqHeadTimeStamp, ReqHistoricalData
from theo.gateway.wire.messages.market_data import (
    CancelMktData,
    MarketDataType,
    ReqMarketDataType,
    ReqMktData,
    TickGeneric,
    TickPrice,
    TickReqParams,
    TickSize,
    TickSnapshotEnd,
    TickString,
)
from theo.gateway.wire.messages.session import ErrorMessage

NOW = at("2026-11-24 10:00")
MS = SECOND // 1000
STARTED = [*quoted(SPY, NOW - 5 * SECOND, "690.10", "690.12"), trade(SPY, NOW - 4 * SECOND, "690.11")]


def world(*ticks: object, now: int = NOW, **settings: object) -> tuple[StreamsRoom, HandMarket, Peer]:
    room, market = StreamsRoom(), HandMarket([*STARTED, *ticks])  # type: ignore[list-item]  # each test gives ticks
    return room, market, Peer(gateway(room, market, now, **settings))


def line(req_id: int = 7, contract: Contract = SPY.contract, **more: object) -> ReqMktData:
    return ReqMktData(req_id, contract, **more)  # type: ignore[arg-type]  # named by each test


def prices(heard: list[object]) -> dict[int, float]:
    return {message.tick_type: message.price for message in heard if isinstance(message, TickPrice)}


def test_a_line_begins_with_its_terms_its_type_and_all_that_is_known() -> None:
    _, _, peer = world()
    heard = peer.ask(line())
    assert isinstance(heard[0], TickReqParams)
    assert heard[0].min_tick == 0.01
    assert heard[1] == MarketDataType(7, 1)
    assert prices(heard) == {1: 690.10, 2: 690.12, 4: 690.11}
    assert TickSize(7, 0, Decimal(300)) in heard
    assert TickSize(7, 3, Decimal(500)) in heard
    assert TickSize(7, 8, Decimal(100)) in heard
    assert TickString(7, 45, str(NOW // SECOND - 4)) in heard


def test_changes_within_a_sample_are_told_once_and_only_changes() -> None:
    _, market, peer = world()
    peer.ask(line())
    later = [quoted(SPY, NOW + n * 20 * MS, f"690.{20 + n}", "690.40") for n in range(1, 10)]
    market.add(*[each for pair in later for each in pair])
    assert peer.wait(NOW + 249 * MS) == []
    heard = peer.wait(NOW + 250 * MS)
    assert prices(heard) == {1: 690.29, 2: 690.40}
    market.add(*quoted(SPY, NOW + 300 * MS, "690.29", "690.40", (300, 900)))
    assert peer.wait(NOW + SECOND) == [TickSize(7, 3, Decimal(900))]
    assert peer.wait(NOW + MINUTE) == []


def test_an_index_has_last_prices_only() -> None:
    _, market, peer = world(tick(VIX, NOW - SECOND, TickKind.INDEX, "16.25"))
    heard = peer.ask(line(contract=VIX.contract))
    assert prices(heard) == {4: 16.25}
    assert not [message for message in heard if isinstance(message, TickSize)]
    market.add(tick(VIX, NOW + SECOND, TickKind.INDEX, "16.30"))
    assert prices(peer.wait(NOW + 2 * SECOND)) == {4: 16.30}


def test_two_lines_on_a_contract_are_told_the_same_under_their_own_ids() -> None:
    room, market = StreamsRoom(), HandMarket(STARTED)
    simulator = gateway(room, market, NOW)
    one, other = Peer(simulator, 1), Peer(simulator, 2)
    one.ask(line(7))
    other.ask(line(8))
    market.add(trade(SPY, NOW + SECOND, "690.15", 200))
    simulator.advance(NOW + 2 * SECOND)
    first, second = one.hear(), other.hear()
    assert prices(first) == prices(second) == {4: 690.15}
    assert {message.req_id for message in first} == {7}
    assert {message.req_id for message in second} == {8}


def test_cancelled_is_silent_and_the_id_is_free() -> None:
    room, market, peer = world()
    peer.ask(line())
    assert peer.ask(CancelMktData(7)) == []
    market.add(trade(SPY, NOW + SECOND, "691"))
    assert peer.wait(NOW + 2 * SECOND) == []
    assert room.subscriptions() == []
    assert prices(peer.ask(line()))[4] == 691.0


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (line(snapshot=True, generic_tick_list="233"), 321),
        (line(regulatory_snapshot=True), 10170),
        (line(generic_tick_list="233,9999"), 321),
        (line(generic_tick_list="mdoff,292:BRFG"), None),
        (line(contract=Contract(symbol="NONE", sec_type="STK")), 200),
        (line(contract=Contract(symbol="MES", sec_type="FUT", exchange="CME")), 200),
        (line(contract=Contract(symbol="MES", sec_type="CONTFUT", exchange="CME")), 321),
        (CancelMktData(99), 300),
        (ReqMarketDataType(5), 321),
    ],
)
def test_what_is_wrong_is_refused_as_by_tws(request_: ReqMktData, code: int | None) -> None:
    _, _, peer = world()
    assert codes(peer.ask(request_)) == ([] if code is None else [code])


def test_an_id_in_use_is_refused_and_its_line_goes_on() -> None:
    _, market, peer = world()
    peer.ask(line())
    assert codes(peer.ask(line(contract=VIX.contract))) == [322]
    market.add(trade(SPY, NOW + SECOND, "691"))
    assert prices(peer.wait(NOW + 2 * SECOND)) == {4: 691.0}


def test_lines_are_counted_by_contract_over_all_clients() -> None:
    room, market = StreamsRoom(), HandMarket(STARTED)
    simulator = gateway(room, market, NOW, lines_max=2)
    one, other = Peer(simulator, 1), Peer(simulator, 2)
    assert codes(one.ask(line(1), line(2, VIX.contract))) == []
    assert codes(other.ask(line(1))) == []
    assert codes(other.ask(line(2, MES.contract))) == [101]
    one.ask(CancelMktData(2))
    assert codes(other.ask(line(2, MES.contract))) == []


def test_a_snapshot_ends_soon_when_it_is_whole_and_after_eleven_seconds_when_not() -> None:
    room, _, peer = world(trade(MES, NOW - SECOND, "6900.25", 1))
    assert prices(peer.ask(line(snapshot=True)))[4] == 690.11
    assert peer.wait(NOW + 250 * MS) == [TickSnapshotEnd(7)]
    peer.ask(line(8, MES.contract, snapshot=True))
    assert peer.wait(NOW + 11 * SECOND) == []
    assert peer.wait(NOW + 12 * SECOND) == [TickSnapshotEnd(8)]
    assert room.subscriptions() == []


@pytest.mark.parametrize(
    ("access", "asked", "code", "served"),
    [
        ("live", 1, [], 1),
        ("live", 3, [], 1),
        ("not for api", 1, [10089], None),
        ("not for api", 3, [10167], 3),
        ("delayed", 2, [10168], None),
        ("delayed", 4, [10167], 3),
        ("none", 1, [354], None),
        ("none", 3, [354], None),
    ],
)
def test_what_is_not_subscribed_is_told_apart(access: str, asked: int, code: list[int], served: int | None) -> None:
    _, _, peer = world(data_access={SPY.con_id: access})
    peer.ask(ReqMarketDataType(asked))
    heard = peer.ask(line())
    assert codes(heard) == code
    assert [message.market_data_type for message in heard if isinstance(message, MarketDataType)] == ([served] if served else [])


ADDITIONAL = (
    "Requested market data requires additional subscription for API. See link in 'Market Data Connections' dialog for more "
    "details."
)


@pytest.mark.parametrize(
    ("symbol", "access", "text"),
    [  # as public programs quote them from TWS
        ("QQQ", "none", "Requested market data is not subscribed.Delayed market data is not available.QQQ NASDAQ.NMS/TOP/ALL"),
        ("SPY", "not for api", f"{ADDITIONAL}Delayed market data is available.SPY ARCA/TOP/ALL"),
        ("SPY", "delayed", "Requested market data is not subscribed. Delayed market data is not enabled."),
    ],
)
def test_a_refusal_names_the_market_as_tws_does(symbol: str, access: str, text: str) -> None:
    asked = listed(symbol, "STK")
    _, _, peer = world(data_access={asked.con_id: access})
    (error,) = peer.ask(ReqMktData(1, asked.contract))
    assert error.text == text


def test_a_delayed_line_shows_the_market_of_a_quarter_of_an_hour_ago() -> None:
    old = [*quoted(SPY, NOW - 20 * MINUTE, "680", "680.02"), trade(SPY, NOW - 16 * MINUTE, "680.01")]
    newer = trade(SPY, NOW - 10 * MINUTE, "685")
    _, market, peer = world(*old, newer, data_access={SPY.con_id: "delayed"})
    peer.ask(ReqMarketDataType(3))
    assert prices(peer.ask(line())) == {66: 680.0, 67: 680.02, 68: 680.01, 72: 680.01, 73: 680.01}
    market.add(trade(SPY, NOW + SECOND, "700"))
    assert peer.wait(NOW + 4 * MINUTE) == []
    assert prices(peer.wait(NOW + 6 * MINUTE))[68] == 685.0
    assert prices(peer.wait(NOW + 16 * MINUTE))[68] == 700.0


def test_a_frozen_line_keeps_the_quote_over_the_close_and_a_live_one_loses_it() -> None:
    close = at("2026-11-24 20:00")
    last = [*quoted(SPY, close - MINUTE, "690.10", "690.12"), trade(SPY, close - MINUTE, "690.11")]
    room, market = StreamsRoom(), HandMarket(last)
    simulator = gateway(room, market, close - SECOND)
    live, frozen = Peer(simulator, 1), Peer(simulator, 2)
    live.ask(line())
    frozen.ask(ReqMarketDataType(2), line())
    simulator.advance(close + SECOND)
    assert prices(live.hear()) == {1: -1.0, 2: -1.0}
    assert frozen.hear() == [MarketDataType(7, 2)]
    assert prices(frozen.ask(line(8)))[1] == 690.10
    assert prices(live.ask(line(8)))[1] == -1.0


def test_generic_ticks_come_when_asked_for() -> None:
    _, market, peer = world(trade(MES, NOW - SECOND, "6900.25", 1))
    heard = peer.ask(line(generic_tick_list="221,233,236"))
    assert prices(heard)[37] == 690.11
    assert TickGeneric(7, 46, 3.0) in heard
    market.add(trade(SPY, NOW + SECOND, "690.21", 300))
    told = [m.value for m in peer.wait(NOW + 2 * SECOND) if isinstance(m, TickString) and m.tick_type == 48]
    # the day's trades: 100 at 690.11 and 300 at 690.21
    assert told == [f"690.21;300;{(NOW + SECOND) // 1000};400;690.18500000;true"]
    interest = peer.ask(line(8, MES.contract, generic_tick_list="588"))
    assert [m.tick_type for m in interest if isinstance(m, TickSize)][-1] == 86


def test_ib_async_reads_a_line() -> None:
    room, market = StreamsRoom(), HandMarket(STARTED)
    simulator = gateway(room, market, NOW)
    peer = Peer(simulator)
    simulator.receive(peer.client, peer.link.encode(line(generic_tick_list="233")))
    data, frames = peer.client.take(), []
    while data:
        size = int.from_bytes(data[:4], "big") + 4
        frames.append(data[:size])
        data = data[size:]
    calls = [call for frame in frames for call in IbAsync(178).heard(frame)]
    assert ("priceSizeTick", (7, 1, 690.1, 300.0)) in calls
    assert ("tickSize", (7, 8, 100.0)) in calls
    assert ("marketDataType", (7, 1)) in calls


def test_incidents_silence_drop_compete_and_advise() -> None:
    room, market, peer = world()
    desk = peer.simulator.desk
    peer.ask(line(), line(9, EUR.contract))
    room.silence(desk, on=True)
    market.add(trade(SPY, NOW + SECOND, "691"))
    assert peer.wait(NOW + 2 * SECOND) == []
    assert prices(peer.ask(line(8)))[4] == 691.0  # a new one delivers
    room.silence(desk, on=False)
    assert prices([m for m in peer.hear() if m.req_id == 7])[4] == 691.0
    room.compete(desk, on=True)
    assert codes(peer.hear()) == [10197] * 3
    assert codes(peer.ask(line(10))) == [10197]
    room.compete(desk, on=False)
    assert {m.req_id for m in peer.hear()} == {7, 8, 9}
    room.drop_all(desk)
    market.add(trade(SPY, NOW + 3 * SECOND, "692"))
    assert peer.wait(NOW + 4 * SECOND) == []
    room.advise(10090)
    heard = peer.ask(line())
    assert isinstance(heard[0], ErrorMessage)
    assert (heard[0].code, prices(heard)[4]) == (10090, 692.0)


def test_the_same_requests_and_market_give_the_same_bytes() -> None:
    def run() -> bytes:
        _, market, peer = world()
        market.add(*(trade(SPY, NOW + n * 37 * MS, f"690.{n % 90 + 10}") for n in range(1, 100)))
        for request in (line(1), line(2, VIX.contract), line(3, generic_tick_list="233,375")):
            peer.simulator.receive(peer.client, peer.link.encode(request))
        peer.simulator.advance(NOW + 10 * SECOND)
        return peer.client.take()

    assert run() == run()


def test_levers_reach_streams_and_history_alike() -> None:
    streams, history, market = StreamsRoom(), HistoryRoom(), HandMarket(STARTED)
    simulator = gateway((streams, history), market, NOW)
    peer, levers = Peer(simulator), DataLevers(streams, history)
    peer.ask(
        line(1), ReqHistoricalData(2, SPY.contract, "", "1 min", "1 D", use_rth=True, what_to_show="TRADES", keep_up_to_date=True)
    )
    levers.silence(simulator.desk, on=True)
    market.add(trade(SPY, NOW + SECOND, "691"))
    assert peer.wait(NOW + 6 * SECOND) == []
    levers.compete(simulator.desk, on=True)
    assert codes(peer.hear()) == [10197]
    assert codes(peer.ask(ReqHeadTimeStamp(3, SPY.contract, use_rth=True, what_to_show="TRADES"))) == [162]
    levers.compete(simulator.desk, on=False)
    assert [type(each) for each in peer.wait(NOW + 11 * SECOND)][-1] is HistoricalDataUpdate
    levers.drop_all(simulator.desk)
    assert streams.subscriptions() == []
    assert history.subscriptions() == []
    levers.advise(10091)
    levers.delay_history(2.5)
    assert (streams.lines.advice, history.bars.answer_delay) == (10091, 2_500_000)
