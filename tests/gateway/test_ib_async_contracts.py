"""The unmodified ib_async over TCP: contracts are resolved, ambiguous ones are not guessed, hours and chains are usable."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from ib_async import ContFuture, Contract, Forex, Future, Index, Option, Stock

from tests.gateway.stand import Stand, qualified

NEW_YORK = ZoneInfo("America/New_York")


def third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


async def test_the_front_mes_future(seeded: Stand) -> None:
    ib = await seeded.connect()
    mes = await qualified(ib, Future("MES", "202612", "CME"))
    assert (mes.localSymbol, mes.multiplier, mes.tradingClass) == ("MESZ6", "5", "MES")
    assert mes.lastTradeDateOrContractMonth == f"{third_friday(2026, 12):%Y%m%d}"
    (continuous,) = await ib.reqContractDetailsAsync(ContFuture("MES", "CME"))
    assert continuous.contract is not None
    assert continuous.contract.conId == mes.conId
    assert (continuous.minTick, continuous.contractMonth) == (0.25, "202612")


async def test_spy_and_vix(seeded: Stand) -> None:
    ib = await seeded.connect()
    spy, vix = await qualified(ib, Stock("SPY", "SMART", "USD")), await qualified(ib, Index("VIX", "CBOE", "USD"))
    assert (spy.conId, spy.primaryExchange) == (756733, "ARCA")  # IB's own number
    assert (vix.conId, vix.secType) == (13455763, "IND")


async def test_an_spx_option(seeded: Stand) -> None:
    ib = await seeded.connect()
    third = third_friday(2027, 1)
    option = await qualified(ib, Option("SPX", f"{third - timedelta(days=1):%Y%m%d}", 6000, "C", "SMART", tradingClass="SPX"))
    assert option.localSymbol == f"SPX   {third:%y%m%d}C06000000"  # the options clearing corporation's form, by settlement
    assert option.multiplier == "100"


async def test_a_con_id_is_for_life(seeded: Stand) -> None:
    ib = await seeded.connect()
    for asked in (Stock("SPY", "SMART", "USD"), Future("MES", "202612", "CME"), Forex("EURUSD")):
        found = await qualified(ib, asked)
        again = await qualified(ib, Contract(conId=found.conId, exchange=found.exchange))
        assert (again.conId, again.localSymbol, again.secType) == (found.conId, found.localSymbol, found.secType)


async def test_an_ambiguous_contract_is_not_guessed(seeded: Stand) -> None:
    ib = await seeded.connect()
    details = await ib.reqContractDetailsAsync(Future("MES", exchange="CME"))
    assert len(details) == len({each.contract.conId for each in details if each.contract}) >= 4
    assert await ib.qualifyContractsAsync(Future("MES", exchange="CME")) == [None]


async def test_what_is_not_listed_is_error_200(seeded: Stand) -> None:
    ib, errors = await seeded.connect(), []
    ib.errorEvent.connect(lambda _id, code, text, _contract: errors.append((code, text)))
    assert await ib.reqContractDetailsAsync(Stock("NOSUCH", "SMART", "USD")) == []
    assert errors == [(200, "No security definition has been found for the request")]


@pytest.mark.parametrize(
    ("contract", "day", "opens", "closes"),
    [
        (Stock("SPY", "SMART", "USD"), 25, "25 09:30", "25 16:00"),
        (Stock("SPY", "SMART", "USD"), 27, "27 09:30", "27 13:00"),  # the day after Thanksgiving
        (Future("MES", "202612", "CME"), 25, "24 18:00", "25 17:00"),
    ],
)
async def test_hours_are_those_of_the_exchange(seeded: Stand, contract: Contract, day: int, opens: str, closes: str) -> None:
    ib = await seeded.connect()
    (details,) = await ib.reqContractDetailsAsync(contract)
    sessions = details.tradingSessions() if contract.secType == "FUT" else details.liquidSessions()
    expected = [datetime.strptime(f"202611{text}", "%Y%m%d %H:%M").replace(tzinfo=NEW_YORK) for text in (opens, closes)]
    assert [[each.start, each.end] for each in sessions if each.end.astimezone(NEW_YORK).day == day] == [expected]


async def test_thanksgiving_is_closed(seeded: Stand) -> None:
    ib = await seeded.connect()
    (details,) = await ib.reqContractDetailsAsync(Stock("SPY", "SMART", "USD"))
    assert "20261126:CLOSED" in details.liquidHours.split(";")


async def test_an_option_chain_names_options_that_are_listed(seeded: Stand) -> None:
    ib = await seeded.connect()
    spy = await qualified(ib, Stock("SPY", "SMART", "USD"))
    chains = await ib.reqSecDefOptParamsAsync(spy.symbol, "", spy.secType, spy.conId)
    (chain,) = [each for each in chains if each.exchange == "SMART"]
    assert (chain.tradingClass, chain.multiplier) == ("SPY", "100")
    strike, expiry = min(chain.strikes, key=lambda price: abs(price - 600)), chain.expirations[0]
    option = await qualified(ib, Option("SPY", expiry, strike, "P", "SMART"))
    assert (option.strike, option.lastTradeDateOrContractMonth) == (strike, expiry)


async def test_symbols_are_found_by_their_beginning(seeded: Stand) -> None:
    ib = await seeded.connect()
    found = await ib.reqMatchingSymbolsAsync("INT")
    assert [each.contract.conId for each in found or [] if each.contract] == [270639]


async def test_steps_of_prices_follow_the_market_rule(seeded: Stand) -> None:
    ib = await seeded.connect()
    (details,) = await ib.reqContractDetailsAsync(Stock("SPY", "SMART", "USD"))
    rule = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
    assert rule is not None
    assert [(each.lowEdge, each.increment) for each in rule] == [(0.0, 0.01)]
    assert details.minTick == 0.01
