"""What goes wrong with the session and the feed, row by row, as a client of the whole gateway sees it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.gateway.hand_market import EUR, MES, SPY, VIX, Peer, trade
from tests.unit.gateway.incidents.field import DELAYED_LAST, Field, last_prices, line, minutes, told
from tests.unit.gateway.tables import at
from tests.unit.gateway.trading.pit import cancelling, fills, placing, statuses, words
from theo.domain.market_data import SECOND
from theo.gateway.incidents.scenario import Step
from theo.gateway.wire.messages.history import HistoricalData, HistoricalDataUpdate
from theo.gateway.wire.messages.market_data import (
    MarketDataType,
    RealtimeBar,
    ReqRealTimeBars,
    ReqTickByTickData,
    TickByTickLast,
    TickPrice,
)
from theo.gateway.wire.messages.orders import ExecDetails, ReqExecutions, ReqOpenOrders
from theo.gateway.wire.messages.session import CurrentTime, NextValidId, ReqCurrentTime, ReqIds

AWAY = 500.0  # where nothing trades


def next_id(heard: list[Any]) -> int:
    return next(m.order_id for m in heard if isinstance(m, NextValidId))


def test_nightly_restart() -> None:
    """At 23:45 of the gateway's own zone, here a container's: 18:45 in New York, in the midst of the evening session of MES."""
    step = Step(incident="nightly-restart", at="23:45", args={"ids": 2})
    field = Field(step, now=at("2026-11-24 18:44"), time_zone="UTC")
    field.peer.ask(*[placing(n, "BUY", "LMT", 1, MES, lmt_price=AWAY + n, tif="GTC") for n in (1, 2, 3)])
    field.peer.ask(placing(4, "BUY", "LMT", 1, MES, lmt_price=AWAY, transmit=False))
    alive = {worked.perm_id for worked in field.room.unfinished if worked.order.transmit}
    field.wait(59)
    assert not field.peer.client.closes
    field.wait(1)
    assert field.peer.client.closes
    field.part()
    assert not field.simulator.accepts
    field.simulator.advance(field.now + 59 * SECOND)
    assert not field.simulator.accepts
    field.simulator.advance(field.now + SECOND)
    greeting = field.reconnect()
    assert next_id(greeting) == 3  # 4 was used, and of what is alive 3
    assert {worked.perm_id for worked in field.room.unfinished} == alive  # what was not transmitted is gone
    field.peer.ask(placing(3, "BUY", "LMT", 1, MES, lmt_price=AWAY + 9))
    reissued = [worked for worked in field.room.unfinished if worked.order_id == 3]
    assert len({worked.perm_id for worked in reissued}) == 2
    field.simulator.advance(field.now + 24 * 3600 * SECOND)
    assert [name for _, name in field.incidents.played].count("nightly-restart") == 2  # and again the next night


def test_blind_after_1102() -> None:
    field = Field()
    field.peer.ask(line(), minutes(keep=True))
    assert told(field.play("blind-after-1102", 20.0)) == [1100]
    assert told(field.wait(20)) == [1102]
    heard = field.trades("601")
    assert heard == []
    assert field.wait(3600) == []  # the field's "healthy" client hears nothing for ever
    assert last_prices(field.peer.ask(line(8))) == [601.0]
    assert last_prices(field.trades("602")) == [602.0]


def test_farm_blip() -> None:
    field = Field()
    field.peer.ask(ReqRealTimeBars(5, SPY.contract, 5, "TRADES", use_rth=False), minutes(keep=True))
    assert any(isinstance(m, RealtimeBar) for m in field.wait(5))
    (broken,) = field.play("farm-blip")
    heard = field.wait(3)
    assert (broken.code, [m.code for m in heard]) == (2103, [2104])
    field.market.add(*(trade(SPY, field.now + n * SECOND, "601") for n in range(1, 60)))
    assert field.wait(60) == []
    field.peer.ask(ReqRealTimeBars(6, SPY.contract, 5, "TRADES", use_rth=False))
    assert {m.req_id for m in field.wait(10)} == {6}


def test_competing_session() -> None:
    field = Field()
    field.peer.ask(line())
    assert told(field.play("competing-session")) == [10197]
    assert field.trades("601") == []
    assert told(field.peer.ask(line(8), minutes())) == [10197, 162]
    assert last_prices(field.end("competing-session")) == [601.0]  # allowed again
    assert last_prices(field.trades("602")) == [602.0]


@pytest.mark.parametrize("name", ["reset-window-1100", "weekly-2fa"])
def test_reset_window_1100_and_weekly_2fa(name: str) -> None:
    """Nothing ends it, every order is rejected; who connects anew is told that the servers are away."""
    field = Field()
    field.peer.ask(line(), placing(1, "BUY", "LMT", 5, lmt_price=599.0))
    assert told(field.play(name)) == [1100]
    assert field.wait(3 * 24 * 3600) == []
    heard = field.peer.ask(placing(2, "BUY", "LMT", 5, lmt_price=AWAY))
    assert words(heard)[-1] == "error 2 201"
    assert statuses(heard, 2) == ["Inactive"]
    assert told(field.reconnect()) == [2110]
    assert told(field.end(name)) == [1102]
    assert statuses(field.peer.ask(placing(3, "BUY", "LMT", 5, lmt_price=AWAY)), 3)[-1] in {"Submitted", "PreSubmitted"}


def test_weekly_2fa_comes_on_sunday_night() -> None:
    field = Field(Step(incident="weekly-2fa", at="Sun 01:00"), now=at("2026-11-28 23:00"))
    assert told(field.wait(2 * 3600 - 1)) == []
    assert told(field.wait(1)) == [1100]


def test_advisory_codes() -> None:
    for code, kind, tick_type in [(10167, 3, DELAYED_LAST), (10090, 1, 4), (10091, 1, 4)]:
        field = Field()
        field.play("advisory-codes", code=code)
        heard = field.peer.ask(line())
        assert heard[0].code == code
        assert [m.market_data_type for m in heard if isinstance(m, MarketDataType)] == [kind]
        later = [*heard, *field.trades("601"), *field.wait(1800)]
        assert tick_type in {m.tick_type for m in later if isinstance(m, TickPrice)}  # the ticks follow
        field.end("advisory-codes")
        assert told(field.peer.ask(line(8))) == []


@pytest.mark.parametrize("code", [354, 10168, 10089])
def test_not_subscribed(code: int) -> None:
    field = Field()
    field.play("not-subscribed", code=code, symbol="SPY")
    assert told(field.peer.ask(line())) == [code]
    assert last_prices(field.peer.ask(line(8, MES))) == [6800.0]
    field.end("not-subscribed")
    assert last_prices(field.peer.ask(line())) == [600.0]


def test_index_has_no_quotes() -> None:
    field = Field()
    field.play("index-has-no-quotes")  # it is always so
    heard = field.peer.ask(line(7, VIX))
    assert last_prices(heard) == [17.0]
    assert {m.tick_type for m in heard if isinstance(m, TickPrice)}.isdisjoint({1, 2})  # neither bid nor ask
    assert told(field.peer.ask(ReqTickByTickData(8, VIX.contract, "BidAsk"))) == [10189]
    assert told(field.peer.ask(ReqTickByTickData(9, VIX.contract, "Last"))) == [10189]
    assert told(field.peer.ask(ReqRealTimeBars(10, VIX.contract, 5, "MIDPOINT", use_rth=False))) == [420]


def test_sampled_ticks() -> None:
    """A bar of sampled ticks differs from the exchange's: its high was between two samples. Tick by tick has all."""
    field = Field()
    field.play("sampled-ticks")  # it is always so
    field.peer.ask(line(), ReqTickByTickData(8, SPY.contract, "AllLast"))
    steps = [*range(50), *range(50, 0, -1)]
    prices = [600 + step for step in steps]
    field.market.add(*(trade(SPY, field.now + n * SECOND // 100, str(price)) for n, price in enumerate(prices, start=1)))
    heard = field.wait(1)
    every = [m.price for m in heard if isinstance(m, TickByTickLast)]
    sampled = last_prices(heard)
    assert every == prices
    assert len(sampled) <= 5  # four a second
    assert set(sampled) < set(every)


def test_pacing() -> None:
    field = Field(enforce_pacing=True)
    assert any(isinstance(m, HistoricalData) for m in field.peer.ask(minutes()))
    field.play("pacing", messages=5)
    (refused,) = field.wait(2) + field.peer.ask(minutes(10))
    assert (refused.code, "pacing violation" in refused.text) == (162, True)
    heard = field.peer.ask(*[ReqIds() for _ in range(10)])
    assert told(heard) == [100]
    assert sum(isinstance(m, NextValidId) for m in heard) == 4
    field.end("pacing")
    field.wait(2)
    heard = field.peer.ask(minutes(11), *[ReqIds() for _ in range(40)])
    assert told(heard) == []
    assert any(isinstance(m, HistoricalData) for m in heard)


def test_pacing_as_ib_has_it() -> None:
    """Without any incident: 50 messages a second, 60 questions in ten minutes, the same not within 15 seconds."""
    field = Field(enforce_pacing=True)
    heard = field.peer.ask(*[ReqIds() for _ in range(60)])
    assert told(heard) == [100]
    field.wait(2)
    assert told(field.peer.ask(minutes(1, size="30 secs"), minutes(2, size="30 secs"))) == [162]


def test_too_many_lines() -> None:
    field = Field()
    field.peer.ask(line())
    field.play("too-many-lines", free=1)
    assert told(field.peer.ask(line(8, MES))) == []
    assert told(field.peer.ask(line(9, EUR))) == [101]
    assert told(field.peer.ask(line(10))) == []  # the same contract again needs no other line
    field.end("too-many-lines")
    assert told(field.peer.ask(line(9, EUR))) == []


def test_time_zone_shift() -> None:
    """The same moment in texts, before and while it lasts: five hours apart in winter, and the zone is named."""
    field = Field()
    field.peer.ask(placing(1, "BUY", "MKT", 1))
    (told_in_new_york,) = [m.execution for m in field.trades("600") if isinstance(m, ExecDetails)]
    field.play("time-zone-shift")
    (told_in_utc,) = [m.execution for m in field.peer.ask(ReqExecutions(3)) if isinstance(m, ExecDetails)]
    form = "%Y%m%d %H:%M:%S"
    shown = [datetime.strptime(each.time[:17], form).replace(tzinfo=UTC) for each in (told_in_new_york, told_in_utc)]
    assert (shown[1] - shown[0]).total_seconds() == 5 * 3600
    assert (told_in_new_york.time[18:], told_in_utc.time[18:]) == ("America/New_York", "UTC")
    assert field.peer.ask(ReqCurrentTime()) == [CurrentTime(field.now // SECOND)]  # the clock itself is right
    field.end("time-zone-shift")
    (again,) = [m.execution for m in field.peer.ask(ReqExecutions(3)) if isinstance(m, ExecDetails)]
    assert again.time == told_in_new_york.time


def test_clock_skew() -> None:
    field = Field()
    field.play("clock-skew", seconds=90)
    assert field.peer.ask(ReqCurrentTime()) == [CurrentTime(field.now // SECOND + 90)]
    field.end("clock-skew")
    assert field.peer.ask(ReqCurrentTime()) == [CurrentTime(field.now // SECOND)]


def test_duplicate_and_late_ticks() -> None:
    """Ticks doubled, out of order and late; none is lost, and none is made up."""
    field = Field()
    field.peer.ask(ReqTickByTickData(8, SPY.contract, "AllLast"))
    field.play("duplicate-and-late-ticks", 30.0)
    prices = [float(600 + n) for n in range(30)]
    field.market.add(*(trade(SPY, field.now + n * SECOND, str(price)) for n, price in enumerate(prices)))
    heard = [m.price for m in field.wait(60) if isinstance(m, TickByTickLast)]
    assert set(heard) == set(prices)
    assert len(heard) == 30 + 20  # one in three is late, the others come twice
    assert heard != sorted(heard)


def test_an_echo_is_late_from_when_its_tick_was_sent() -> None:
    """Also after a time in which nothing else was due."""
    field = Field()
    field.peer.ask(ReqTickByTickData(8, SPY.contract, "AllLast"))
    field.play("duplicate-ticks")
    field.market.add(trade(SPY, field.now + 20 * SECOND, "601"))
    heard = [[m.price for m in field.wait(seconds) if isinstance(m, TickByTickLast)] for seconds in (20, 1.9, 0.1)]
    assert heard == [[601.0], [], [601.0]]


def test_server_lost_with_and_without_data() -> None:
    for name, code, delivers in [("server-lost", 1102, True), ("server-lost-data-lost", 1101, False)]:
        field = Field()
        field.peer.ask(line())
        assert told(field.play(name, 10.0)) == [1100]
        assert field.trades("601") == []
        assert told(field.wait(10)) == [code]
        assert (last_prices(field.trades("602")) == [602.0]) is delivers


def test_what_is_subscribed_while_the_servers_are_away_is_as_silent() -> None:
    field = Field()
    field.play("server-lost", 30.0)
    assert last_prices(field.peer.ask(line())) == [600.0]  # what the gateway knew
    field.peer.ask(minutes(keep=True))
    assert field.trades("601") == []
    assert last_prices(field.wait(30)) == [601.0]


def test_silent_streams_and_slow_history() -> None:
    field = Field()
    field.peer.ask(line())
    field.play("silent-streams")
    assert field.trades("601") == []
    assert last_prices(field.end("silent-streams")) == [601.0]
    field.play("slow-history", seconds=7)
    assert field.peer.ask(minutes()) == []
    assert [type(m) for m in field.wait(7) if not isinstance(m, TickPrice)] == [HistoricalData]
    field.end("slow-history")
    assert any(isinstance(m, HistoricalData) for m in field.peer.ask(minutes(10)))


def test_half_open() -> None:
    """The socket stands and carries nothing either way; others are served. What was sent meanwhile is answered afterwards."""
    field = Field()
    field.play("half-open")
    other = field.another(2)
    assert field.peer.ask(ReqIds()) == []
    assert next_id(other.ask(ReqIds())) == 1
    field.incidents.end(field.simulator.desk, "half-open")
    assert next_id(field.wait(1)) == 1


def test_slow_drip() -> None:
    """Whoever is there and whoever comes gets its bytes a few at a time; they make the same messages."""
    field = Field()
    field.play("slow-drip", bytes=3)
    for peer in (field.peer, Peer(field.simulator, 2)):
        while peer.client.waiting:
            peer.hear()
        peer.simulator.receive(peer.client, peer.link.encode(ReqIds()))
        pieces: list[bytes] = []
        while piece := peer.client.take():
            pieces.append(piece)
        assert max(map(len, pieces)) == 3
        assert next_id(list(peer.link.receive(b"".join(pieces)))) == 1


def test_a_stream_that_is_kept_up_to_date_dies_with_the_farm() -> None:
    field = Field()
    field.peer.ask(minutes(keep=True))
    field.market.add(*(trade(SPY, field.now + n * SECOND, str(600 + n)) for n in range(1, 30)))
    assert any(isinstance(m, HistoricalDataUpdate) for m in field.wait(6))
    field.play("farm-blip")
    assert not any(isinstance(m, HistoricalDataUpdate) for m in field.wait(20))


def test_overlapping_losses_end_with_the_last() -> None:
    field = Field()
    field.peer.ask(line())
    field.play("server-lost")
    field.play("silent-streams")
    field.end("server-lost")
    assert field.trades("601") == []
    field.end("silent-streams")
    assert last_prices(field.trades("602"))[-1] == 602.0


def test_orders_of_a_lost_server_live_on() -> None:
    field = Field()
    field.peer.ask(placing(1, "BUY", "LMT", 5, lmt_price=599.0))
    field.play("server-lost", 10.0)
    assert field.peer.ask(cancelling(1)) == []
    field.wait(10)
    assert words(field.peer.ask(ReqOpenOrders())) == []
    assert fills(field.peer.ask(ReqExecutions(3))) == []
