"""Questions about the market over TCP, against what the gateway's desk itself knows."""

from decimal import Decimal

import pytest

from tests.ib.conftest import TODAY
from tests.unit.gateway.tables import at
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import Link
from theo.adapters.ib.market_data import MarketData
from theo.adapters.ib.requests import RequestRefusedError
from theo.adapters.ib.trading_hours import spans, status
from theo.domain.errors import ConfigError, DataError
from theo.domain.instrument import Instrument
from theo.gateway.building import Gateway
from theo.gateway.contracts.book import Contracts as Book
from theo.gateway.server import GatewayServer
from theo.ports.market_questions import MarketStatus, Phase

NEW_YORK = "America/New_York"


@pytest.fixture
def data(link: Link, resolved: Contracts) -> MarketData:
    return MarketData(link, resolved)


async def test_search_and_validate(data: MarketData, instruments: dict[str, Instrument]) -> None:
    found = await data.search("SPY")
    assert (756733, "SPY", "STK") in [(each.con_id, each.symbol, each.security_type) for each in found]
    listed = await data.validate(instruments["SPY"], TODAY)
    assert (listed.con_id, listed.tick) == (756733, Decimal("0.01"))
    assert {"SMART", "ARCA"} <= set(listed.exchanges)
    assert "LMT" in listed.order_types
    unknown = Instrument(
        id=99, symbol="NOSUCH", token=0, security_type=instruments["SPY"].security_type, exchange="SMART", calendar="NYSE"
    )
    with pytest.raises(ConfigError, match="IB does not list NOSUCH"):
        await data.validate(unknown, TODAY)


async def test_snapshot_is_the_desk_s_quote(
    data: MarketData, gateway: Gateway, contracts: Book, server: GatewayServer, instruments: dict[str, Instrument]
) -> None:
    """Between two looks at the desk the market moves: each number is one that it had."""
    for symbol in ("MES", "SPY", "VIX"):
        instrument = instruments[symbol]
        con_id = data._contracts.contract(instrument.id).conId
        listing = contracts.listing(con_id)
        assert listing is not None
        scale = 10 ** (instrument.price_decimals - listing.instrument.price_decimals)
        before = gateway.simulator.desk.market.quote(con_id)
        found = await data.snapshot(instrument)
        after = gateway.simulator.desk.market.quote(con_id)
        assert found.last is not None
        assert found.high is not None
        near = 40 * instrument.tick
        assert all(abs(found.last - quote.last * scale) <= near for quote in (before, after) if quote.last is not None)
        assert found.close == (None if before.close is None else before.close * scale)
        assert not found.late
        if symbol == "VIX":
            assert (found.bid, found.ask, found.volume) == (None, None, 0)
        else:
            assert found.bid is not None
            assert found.ask is not None
            assert found.bid < found.ask
            assert before.volume <= found.volume <= after.volume
    assert data._link.budget.lines_used == 0
    assert data._open == {}


async def test_price_and_market_status(data: MarketData, instruments: dict[str, Instrument]) -> None:
    """Ten in the morning of a Friday: SPY's regular hours end at four, and a futures' day at five."""
    spy = await data.price(instruments["SPY"])
    assert spy.phase is Phase.REGULAR
    assert spy.price is not None
    assert spy.change is not None
    assert data.market_status(instruments["SPY"]) == MarketStatus(Phase.REGULAR, at("2026-11-20 16:00"))
    assert data.market_status(instruments["MES"]).is_open


def test_phases_of_a_day() -> None:
    trading = spans("20261120:0400-20261120:2000;20261121:CLOSED;20261123:0400-20261123:2000", NEW_YORK)
    regular = spans("20261120:0930-20261120:1600;20261121:CLOSED;20261123:0930-20261123:1600", NEW_YORK)
    assert trading[0] == (at("2026-11-20 04:00"), at("2026-11-20 20:00"))
    for moment, phase, until in [
        ("2026-11-20 03:59", Phase.CLOSED, "2026-11-20 04:00"),
        ("2026-11-20 04:00", Phase.BEFORE, "2026-11-20 09:30"),
        ("2026-11-20 09:30", Phase.REGULAR, "2026-11-20 16:00"),
        ("2026-11-20 16:00", Phase.AFTER, "2026-11-20 20:00"),
        ("2026-11-20 20:00", Phase.CLOSED, "2026-11-23 04:00"),
    ]:
        assert status(trading, regular, at(moment)) == MarketStatus(phase, at(until))
    assert status(trading, regular, at("2026-11-23 20:00")) == MarketStatus(Phase.CLOSED, 0)


@pytest.mark.parametrize(("text", "zone"), [("20261120:0400", NEW_YORK), ("20261120:0400-20261120:2000", "Mars/Base")])
def test_hours_that_cannot_be_read(text: str, zone: str) -> None:
    with pytest.raises(DataError, match="trading hours cannot be read"):
        spans(text, zone)


async def test_option_chain(data: MarketData, contracts: Book, instruments: dict[str, Instrument]) -> None:
    chain = await data.option_chain(instruments["SPY"])
    listed = [each.contract for each in contracts.listings() if each.contract.sec_type == "OPT" and each.contract.symbol == "SPY"]
    assert {expiry for series in chain for expiry in series.expiries} == {
        contract.last_trade_date_or_contract_month for contract in listed
    }
    assert {strike for series in chain for strike in series.strikes} == {Decimal(str(contract.strike)) for contract in listed}
    assert {series.multiplier for series in chain} == {100}


async def test_depth(data: MarketData, gateway: Gateway, instruments: dict[str, Instrument]) -> None:
    book = await data.depth(instruments["MES"], 5)
    bids, asks = [row.price for row in book.bids], [row.price for row in book.asks]
    assert (len(bids), len(asks)) == (5, 5)
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert all(row.size > 0 for row in (*book.bids, *book.asks))
    with pytest.raises(RequestRefusedError):
        await data.depth(instruments["VIX"], 5)
