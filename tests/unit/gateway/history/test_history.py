"""The room of history through a real link: bars, updates, ticks, schedules, histograms, and refusals in IB's words."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.gateway.hand_market import EUR, MES, SPY, VIX, HandMarket, Peer, codes, gateway, quoted, tick, trade
from tests.unit.gateway.peers import IbAsync
from tests.unit.gateway.tables import at
from theo.domain.market_data import HOUR, MINUTE, SECOND, Tick, TickKind
from theo.gateway.history.room import HistoryRoom
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.history import (
    CancelHeadTimeStamp,
    CancelHistoricalData,
    HeadTimestamp,
    HistogramRow,
    HistoricalData,
    HistoricalDataUpdate,
    HistoricalSchedule,
    HistoricalSession,
    HistoricalTick,
    HistoricalTickBidAsk,
    ReqHeadTimeStamp,
    ReqHistogramData,
    ReqHistoricalData,
    ReqHistoricalTicks,
)
from theo.gateway.wire.messages.session import ErrorMessage
from theo.gateway.wire.schema import Message

NOW = at("2026-11-24 10:00")
OPEN = at("2026-11-24 09:30")
MORNING = [
    trade(SPY, at("2026-11-24 08:00"), "689", 50),
    *(trade(SPY, OPEN + n * MINUTE // 2, f"690.{n:02}", 100 + n) for n in range(60)),
]
DAYS = [
    trade(SPY, at(f"{day} {time}"), price)
    for day, prices in {
        "2026-11-12": "600 601",
        "2026-11-13": "602 603",
        "2026-11-16": "604 609",
        "2026-11-20": "606 605",
        "2026-11-23": "607 608",
    }.items()
    for time, price in zip(("09:30", "15:59"), prices.split(), strict=True)
]


def world(*ticks: Tick, now: int = NOW, version: int = 178, **settings: object) -> tuple[HistoryRoom, HandMarket, Peer]:
    room, market = HistoryRoom(), HandMarket([*MORNING, *ticks], {SPY.con_id: at("2026-06-01 09:30")})
    simulator = gateway(room, market, min(now, NOW), **settings)
    return room, market, Peer(simulator, version=version)


def ask(size: str = "1 min", lasts: str = "1 D", **more: Any) -> ReqHistoricalData:  # noqa: ANN401 - fields of a request
    given = {"req_id": 1, "contract": SPY.contract, "end_date_time": "", "use_rth": True, "what_to_show": "TRADES", **more}
    return ReqHistoricalData(bar_size_setting=size, duration=lasts, **given)


def data(heard: list[Any]) -> HistoricalData:
    (found,) = heard
    assert isinstance(found, HistoricalData), found
    return found


def test_bars_of_a_minute_hold_the_trades_of_their_minute() -> None:
    _, _, peer = world()
    bars = data(peer.ask(ask())).bars
    assert len(bars) == 30
    first, last = bars[0], bars[-1]
    assert (first.date, first.open, first.high, first.low, first.close) == (
        "20261124 09:30:00 America/New_York",
        690.0,
        690.01,
        690.0,
        690.01,
    )
    assert (first.volume, last.volume, last.close) == (Decimal(201), Decimal(158 + 159), 690.59)


def test_all_hours_begin_earlier() -> None:
    _, _, peer = world()
    found = data(peer.ask(ask("1 hour", use_rth=False)))
    assert [bar.date[9:14] for bar in found.bars] == ["08:00", "09:00"]
    assert found.start_date == "20261124 04:00:00 America/New_York"


@pytest.mark.parametrize(
    ("version", "format_date", "date"),
    [
        (178, 1, "20261124 09:30:00 America/New_York"),
        (157, 1, "20261124  09:30:00"),
        (178, 2, str(OPEN // SECOND)),
        (157, 2, str(OPEN // SECOND)),
    ],
)
def test_dates_are_written_in_the_form_that_is_asked_for(version: int, format_date: int, date: str) -> None:
    _, _, peer = world(version=version)
    assert data(peer.ask(ask(format_date=format_date))).bars[0].date == date
    _, _, peer = world(version=version)
    assert data(peer.ask(ask("1 day", format_date=format_date))).bars[0].date == "20261124"


def test_a_continuous_future_has_the_past_of_its_front_contract() -> None:
    _, _, peer = world(trade(MES, NOW - MINUTE, "6900.25", 2))
    continuous = Contract(symbol="MES", sec_type="CONTFUT", exchange="CME", currency="USD")
    assert [bar.close for bar in data(peer.ask(ask(contract=continuous))).bars] == [6900.25]


def test_days_weeks_and_months() -> None:
    _, _, peer = world(*DAYS, enforce_pacing=False)
    days = data(peer.ask(ask("1 day", "5 D"))).bars
    assert [bar.date for bar in days] == ["20261120", "20261123", "20261124"]
    weeks = data(peer.ask(ask("1W", "3 W"))).bars
    assert [(bar.date, bar.open, bar.high, bar.low, bar.close) for bar in weeks] == [
        ("20261113", 600.0, 603.0, 600.0, 603.0),
        ("20261120", 604.0, 609.0, 604.0, 605.0),
        ("20261124", 607.0, 690.59, 607.0, 690.59),
    ]
    (month,) = data(peer.ask(ask("1 month", "1 M"))).bars
    assert (month.date, month.open, month.low, month.close, month.volume) == (
        "20261124",
        600.0,
        600.0,
        690.59,
        Decimal(1000 + sum(100 + n for n in range(60))),
    )


def test_quotes_lie_around_the_trades() -> None:
    _, _, peer = world(enforce_pacing=False)
    kinds = ("TRADES", "BID", "ASK", "MIDPOINT", "BID_ASK")
    trades, bid, ask_, middle, both = (data(peer.ask(ask(what_to_show=what))).bars[5] for what in kinds)
    assert bid.close < trades.close < ask_.close
    assert middle.close == trades.close
    assert (bid.volume, bid.wap, bid.count) == (Decimal(-1), -1.0, -1)
    assert both.low == bid.low
    assert both.high == ask_.high
    assert both.open < both.close


def test_an_end_in_the_past_ends_there() -> None:
    _, _, peer = world()
    heard = peer.ask(ask(end_date_time="20261124 09:40:00 US/Eastern"))
    assert len(data(heard).bars) == 10
    heard = peer.ask(ask(lasts="120 S", end_date_time="20261124 09:40:00"))
    assert codes(heard) == [2174]
    assert [bar.date[9:17] for bar in heard[1].bars] == ["09:38:00", "09:39:00"]


def test_updates_follow_every_five_seconds_and_with_each_bar() -> None:
    _, market, peer = world()
    peer.ask(ask(keep_up_to_date=True))
    market.add(
        trade(SPY, NOW + SECOND, "691", 10),
        trade(SPY, NOW + 2 * SECOND, "692", 10),
        trade(SPY, NOW + 58 * SECOND, "690.5", 10),
        trade(SPY, NOW + 61 * SECOND, "695", 7),
    )
    heard = peer.wait(NOW + 5 * SECOND)
    assert heard == [
        HistoricalDataUpdate(1, 1, "20261124 10:00:00 America/New_York", 691.0, 692.0, 692.0, 691.0, heard[0].wap, Decimal(20))
    ]
    assert peer.wait(NOW + 55 * SECOND) == []
    assert [(bar.date[9:17], bar.close, bar.volume) for bar in peer.wait(NOW + 65 * SECOND)] == [
        ("10:00:00", 690.5, Decimal(30)),
        ("10:01:00", 695.0, Decimal(7)),
    ]
    cancelled = peer.ask(CancelHistoricalData(1))
    assert cancelled == [
        ErrorMessage(1, 162, "Historical Market Data Service error message:API historical data query cancelled: 1")
    ]
    market.add(trade(SPY, NOW + 66 * SECOND, "696"))
    assert peer.wait(NOW + 2 * MINUTE) == []


def texts(heard: list[Any]) -> list[str]:
    return [message.text for message in heard if isinstance(message, ErrorMessage)]


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (ask("1 sec"), 321, "bar size setting is invalid"),
        (ask(lasts="1 X"), 321, "duration format"),
        (ask(end_date_time="yesterday"), 10314, "The correct format is"),
        (ask(what_to_show="ADJUSTED_LAST", end_date_time="20261123-16:00:00"), 321, "End date not supported"),
        (ask("1W", "1 M", what_to_show="ADJUSTED_LAST"), 321, "Multi day bar size"),
        (ask(what_to_show="NONSENSE"), 321, "What to show"),
        (ask(format_date=9), 321, "Date formatting selection of 9"),
        (ask(what_to_show="SCHEDULE"), 321, "Only daily resolution"),
        (ask(keep_up_to_date=True, end_date_time="20261123-16:00:00"), 321, "keep up to date"),
        (ask("1 secs", "60 S", keep_up_to_date=True), 321, "keep up to date"),
        (ask("1 secs", "1 D"), 162, "invalid step: 1"),
        (ask("30 secs", "1 W"), 162, "invalid step: 30"),
        (ask("1 min", "1 Y", use_rth=False), 162, "Time length exceed max."),
        (ask(what_to_show="HISTORICAL_VOLATILITY"), 162, "No historical market data for SPY/STK@SMART HV 1m"),
        (ask(contract=VIX.contract, what_to_show="BID"), 162, "No historical market data for VIX/IND@CBOE Bid 1m"),
        (ask(contract=EUR.contract), 162, "No historical market data for EUR/CASH@IDEALPRO Last 1m"),
        (ask(contract=MES.contract), 162, "HMDS query returned no data: MESZ6@CME Trades"),
        (ask(end_date_time="20261101-16:00:00"), 162, "HMDS query returned no data: SPY@SMART Trades"),
        (ask(end_date_time="19990101-16:00:00"), 162, "HMDS query returned no data: SPY@SMART Trades"),
        (ask("30 secs", "1800 S", end_date_time="20260102-16:00:00"), 162, "HMDS query returned no data"),
        (ask(contract=Contract(symbol="NONE", sec_type="STK")), 200, "No security definition"),
        (ask(contract=Contract(symbol="MES", sec_type="FUT", exchange="CME")), 200, "ambiguous"),
        (CancelHistoricalData(9), 366, "No historical data query found for ticker id:9"),
    ],
)
def test_what_cannot_be_answered_is_refused_as_by_tws(request_: Message, code: int, words: str) -> None:
    room, _, peer = world()
    heard = peer.ask(request_)
    assert codes(heard) == [code]
    assert words in texts(heard)[0]
    assert room.subscriptions() == []


def test_small_bars_are_paced_and_others_are_not() -> None:
    _, _, peer = world()
    small = ask("30 secs", "1800 S")
    assert codes(peer.ask(small)) == []
    refused = peer.ask(small)
    assert texts(refused) == ["Historical Market Data Service error message:Historical data request pacing violation"]
    assert codes(peer.ask(*[ask()] * 70)) == []
    _, _, free = world(enforce_pacing=False)
    assert codes(free.ask(*[small] * 70)) == []


def test_an_open_id_is_not_taken_twice_and_fifty_are_the_most() -> None:
    _, _, peer = world()
    assert codes(peer.ask(ask(keep_up_to_date=True), ask(keep_up_to_date=True))) == [322]
    heard = peer.ask(*(ask(req_id=n, keep_up_to_date=True) for n in range(2, 53)))
    assert codes(heard) == [322, 322]
    assert "Only 50 simultaneous" in texts(heard)[0]


def test_a_slow_service_can_be_cancelled_meanwhile() -> None:
    room, _, peer = world()
    room.delay(3 * SECOND)
    assert peer.ask(ask(req_id=1), ask(req_id=2), ask(req_id=3, contract=MES.contract)) == []
    assert codes(peer.ask(CancelHistoricalData(1))) == [162]
    heard = peer.wait(NOW + 3 * SECOND)
    assert [getattr(each, "code", 0) for each in heard] == [0, 162]
    assert isinstance(heard[0], HistoricalData)
    assert heard[0].req_id == 2


def test_what_is_not_subscribed_has_no_history() -> None:
    _, _, peer = world(data_access={SPY.con_id: "none"})
    assert texts(peer.ask(ask())) == ["Historical Market Data Service error message:No market data permissions for ARCA STK"]
    ticks = ReqHistoricalTicks(1, SPY.contract, "", "20261124 10:00:00 UTC", 10, "TRADES")
    assert texts(peer.ask(ticks)) == ["Failed to request historical ticks:No market data permissions for ARCA STK"]


def test_a_schedule_names_sessions_half_days_and_no_holidays() -> None:
    _, _, peer = world()
    heard = peer.ask(ask("1 day", "3 D", what_to_show="SCHEDULE", end_date_time="20261130 23:59:00 US/Eastern"))
    assert heard == [
        HistoricalSchedule(
            1,
            "20261125-09:30:00",
            "20261130-16:00:00",
            "US/Eastern",
            (
                HistoricalSession("20261125-09:30:00", "20261125-16:00:00", "20261125"),
                HistoricalSession("20261127-09:30:00", "20261127-13:00:00", "20261127"),
                HistoricalSession("20261130-09:30:00", "20261130-16:00:00", "20261130"),
            ),
        )
    ]
    _, _, old = world(version=164)
    assert codes(old.ask(ask("1 day", what_to_show="SCHEDULE"))) == [321]


def test_the_first_moment_in_both_forms() -> None:
    _, _, peer = world()
    heard = peer.ask(
        ReqHeadTimeStamp(1, SPY.contract, use_rth=True, what_to_show="TRADES"),
        ReqHeadTimeStamp(2, SPY.contract, use_rth=True, what_to_show="TRADES", format_date=2),
        CancelHeadTimeStamp(1),
    )
    assert heard == [HeadTimestamp(1, "20260601-13:30:00"), HeadTimestamp(2, str(at("2026-06-01 09:30") // SECOND))]
    assert codes(peer.ask(ReqHeadTimeStamp(1, VIX.contract, use_rth=True, what_to_show="BID"))) == [162]
    assert codes(peer.ask(ReqHeadTimeStamp(1, VIX.contract, use_rth=True, what_to_show="?"))) == [321]


def ticks_of(what: str, start: str = "", end: str = "", count: int = 1000, **more: Any) -> ReqHistoricalTicks:  # noqa: ANN401 - fields of a request
    return ReqHistoricalTicks(1, SPY.contract, start, end, count, what, **more)


def test_past_trades_before_and_after_a_time() -> None:
    _, _, peer = world()
    (found,) = peer.ask(ticks_of("TRADES", end="20261124 09:35:00 US/Eastern", count=3))
    assert [row.price for row in found.ticks] == [690.07, 690.08, 690.09]
    assert found.done
    (found,) = peer.ask(ticks_of("TRADES", start="20261124 09:35:00 US/Eastern", count=2))
    assert [(row.time_s - OPEN // SECOND, row.price) for row in found.ticks] == [(300, 690.10), (330, 690.11)]
    (found,) = peer.ask(ticks_of("TRADES", end="20261124 10:00:00 US/Eastern", use_rth=0))
    assert len(found.ticks) == 61
    (found,) = peer.ask(ticks_of("TRADES", end="20261124 10:00:00 US/Eastern"))
    assert len(found.ticks) == 60


def test_a_second_is_given_whole() -> None:
    rows = [trade(SPY, OPEN + 5 * MINUTE + n * SECOND // 4, f"691.{n:02}") for n in range(1, 9)]
    _, _, peer = world(*rows)
    (found,) = peer.ask(ticks_of("TRADES", start="20261124 09:35:00 US/Eastern", count=2))
    # one of the morning at the very second, and three more within it
    assert [row.price for row in found.ticks] == [690.10, 691.01, 691.02, 691.03]


def test_past_quotes_and_middles() -> None:
    def quotes(minute: int, bid: str, ask_: str, sizes: tuple[int, int]) -> list[Tick]:
        return quoted(SPY, OPEN + minute * MINUTE, bid, ask_, sizes)

    _, _, peer = world(*quotes(1, "690.1", "690.2", (1, 2)), *quotes(2, "690.1", "690.2", (1, 9)))
    end = "20261124 09:34:00 US/Eastern"
    (found,) = peer.ask(ticks_of("BID_ASK", end=end))
    second = OPEN // SECOND
    assert found.ticks == (
        HistoricalTickBidAsk(second + 60, 0, 690.1, 690.2, Decimal(1), Decimal(2)),
        HistoricalTickBidAsk(second + 120, 0, 690.1, 690.2, Decimal(1), Decimal(9)),
    )
    (found,) = peer.ask(ticks_of("BID_ASK", end=end, ignore_size=True))
    assert len(found.ticks) == 1
    (found,) = peer.ask(ticks_of("MIDPOINT", end=end))
    assert found.ticks == (HistoricalTick(second + 60, 690.15, Decimal(0)),)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ticks_of("TRADES"), 321),
        (ticks_of("TRADES", "20261124-15:00:00", "20261124-15:00:00"), 321),
        (ticks_of("TRADES", "20261124-15:00:00", count=0), 321),
        (ticks_of("VOLUME", "20261124-15:00:00"), 321),
        (ticks_of("TRADES", "now"), 10314),
        (ReqHistoricalTicks(1, VIX.contract, "", "20261124-15:00:00", 10, "BID_ASK"), 10187),
        (ReqHistoricalTicks(1, EUR.contract, "", "20261124-15:00:00", 10, "TRADES"), 10187),
        (ReqHistogramData(1, SPY.contract, use_rth=True, time_period="long"), 10188),
    ],
)
def test_ticks_and_histograms_are_refused_as_by_tws(request_: Message, code: int) -> None:
    assert codes(world()[2].ask(request_)) == [code]


def test_no_more_than_a_thousand_ticks_come_at_once() -> None:
    many = [trade(SPY, OPEN + 30 * MINUTE - n * SECOND, "690") for n in range(1, 1300)]
    (found,) = world(*many)[2].ask(ticks_of("TRADES", end="20261124 10:00:00 US/Eastern", count=5000))
    assert len(found.ticks) == 1000


def test_a_histogram_is_the_volume_by_price() -> None:
    _, _, peer = world(trade(VIX, NOW - HOUR, "16", 0), tick(VIX, NOW - MINUTE, TickKind.INDEX, "17"))
    (found,) = peer.ask(ReqHistogramData(1, SPY.contract, use_rth=True, time_period="1 day"))
    assert found.rows[0] == HistogramRow(690.01, Decimal(201))
    assert sum(row.size for row in found.rows) == sum(100 + n for n in range(60))


def test_incidents_silence_and_drop_what_is_kept_up_to_date() -> None:
    room, market, peer = world()
    desk = peer.simulator.desk
    peer.ask(ask(keep_up_to_date=True))
    room.silence(desk, on=True)
    market.add(trade(SPY, NOW + SECOND, "691"))
    assert peer.wait(NOW + 10 * SECOND) == []
    room.silence(desk, on=False)
    assert [bar.close for bar in peer.wait(NOW + 20 * SECOND)] == [691.0]
    room.drop_all(desk)
    market.add(trade(SPY, NOW + 21 * SECOND, "692"))
    assert peer.wait(NOW + 30 * SECOND) == []
    peer.ask(ask(keep_up_to_date=True))
    peer.simulator.disconnected(peer.client)
    assert room.subscriptions() == []


def test_ib_async_reads_bars_ticks_and_schedules() -> None:
    _, _, peer = world()
    calls = []
    for request in (ask(), ticks_of("TRADES", end="20261124 09:35:00 UTC"), ask("1 day", what_to_show="SCHEDULE")):
        peer.simulator.receive(peer.client, peer.link.encode(request))
        calls += IbAsync(178).heard(peer.client.take())
    names = [name for name, _ in calls]
    assert names == ["historicalData"] * 30 + ["historicalDataEnd", "historicalTicksLast", "historicalSchedule"]
    assert calls[0][1][1].close == 690.01
