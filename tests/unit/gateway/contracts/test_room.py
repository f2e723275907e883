"""The room of contracts through both ends of a link, and the real ib_async decoder on what it sends."""

from datetime import date
from typing import Any

import pytest

from tests.unit.gateway.nothing import Nothing
from tests.unit.gateway.peers import IbAsync
from tests.unit.gateway.tables import at, tables
from theo.gateway.contracts.book import Contracts
from theo.gateway.contracts.room import ContractsRoom
from theo.gateway.desk import GatewaySettings, Room
from theo.gateway.session.room import SessionRoom
from theo.gateway.simulator import Simulator
from theo.gateway.wire.connection import ClientLink
from theo.gateway.wire.messages import contracts as wire
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.messages.market_data import (
    MktDepthExchanges,
    ReqMktDepthExchanges,
    ReqSmartComponents,
    SmartComponents,
)
from theo.gateway.wire.messages.session import ErrorMessage, StartApi
from theo.gateway.wire.schema import Message

NOW = at("2026-11-24 10:00")
BOOK = Contracts(tables(), date(2026, 11, 24))
SETTINGS = GatewaySettings(accounts=("DU1", "DU2"), enforce_pacing=False)


class Session:
    """A client of a gateway with this room, started."""

    def __init__(self, version: int = 178) -> None:
        rooms: list[Room] = [SessionRoom(lambda _client: 1), ContractsRoom(BOOK)]
        self.simulator = Simulator(SETTINGS, BOOK, Nothing(), rooms, NOW)
        self.client, self.link = self.simulator.connect(), ClientLink(157, version)
        self.simulator.receive(self.client, self.link.hello())
        self.link.receive(self.client.take())
        self.ask_raw(StartApi(1))

    def ask_raw(self, message: Message) -> bytes:
        self.simulator.receive(self.client, self.link.encode(message))
        return self.client.take()

    def ask(self, message: Message) -> list[Any]:
        return list(self.link.receive(self.ask_raw(message)))


def details(contract: Contract, version: int = 178) -> wire.ContractDetails:
    found, end = Session(version).ask(wire.ReqContractDetails(7, contract))
    assert end == wire.ContractDetailsEnd(7)
    assert isinstance(found, wire.ContractDetails)
    return found


def test_details_of_a_fund_say_all() -> None:
    found = details(Contract(symbol="SPY", sec_type="STK", exchange="ARCA", currency="USD"))
    assert (found.contract.con_id, found.contract.exchange, found.contract.primary_exchange) == (756733, "ARCA", "ARCA")
    assert (found.stock_type, found.min_tick, found.time_zone_id) == ("ETF", 0.01, "US/Eastern")
    assert found.sec_id_list[0].value == "US78462F1030"
    exchanges = found.valid_exchanges.split(",")
    assert exchanges[0] == "SMART"
    assert len(found.market_rule_ids.split(",")) == len(exchanges)


def test_hours_name_closed_days_and_half_days() -> None:
    """The week of Thanksgiving 2026: closed on the 26th, half a day on the 27th."""
    found = details(Contract(con_id=756733))
    assert found.liquid_hours == (
        "20261124:0930-20261124:1600;20261125:0930-20261125:1600;20261126:CLOSED;"
        "20261127:0930-20261127:1300;20261128:CLOSED;20261129:CLOSED"
    )
    assert found.trading_hours.startswith("20261124:0400-20261124:2000;20261125:0400-20261125:2000;20261126:CLOSED;")


def test_hours_of_a_future_are_in_its_own_zone_and_begin_the_evening_before() -> None:
    found = details(Contract(local_symbol="MESZ6", sec_type="FUT"))
    assert found.time_zone_id == "US/Central"
    assert found.trading_hours.startswith("20261123:1700-20261124:1600;20261124:1700-20261125:1600;")
    assert found.trading_hours.endswith(";20261128:CLOSED;20261129:1700-20261130:1600")


@pytest.mark.parametrize(("version", "text"), [(178, "20261218 08:30 US/Central"), (174, "20261218 08:30 US/Central")])
def test_the_last_day_of_a_future_has_its_time_in_new_versions(version: int, text: str) -> None:
    assert details(Contract(local_symbol="MESZ6", sec_type="FUT"), version).contract.last_trade_date_or_contract_month == text


def test_the_last_day_of_a_future_is_a_day_in_old_versions() -> None:
    assert details(Contract(local_symbol="MESZ6", sec_type="FUT"), 157).contract.last_trade_date_or_contract_month == "20261218"


@pytest.mark.parametrize("version", [157, 164, 170, 174, 176, 178])
def test_ib_async_reads_every_kind_of_contract(version: int) -> None:
    for con_id, sec_type in [(756733, "STK"), (13455763, "IND"), (12087792, "CASH"), (600020323, "FUT")]:
        session = Session(version)
        raw = session.ask_raw(wire.ReqContractDetails(1, Contract(con_id=con_id)))
        length = int.from_bytes(raw[:4], "big") + 4
        ((name, (_, heard)),) = IbAsync(version).heard(raw[:length])
        assert name == "contractDetails"
        assert (heard.contract.conId, heard.contract.secType) == (con_id, sec_type)
        if sec_type == "FUT":
            assert heard.contract.lastTradeDateOrContractMonth == heard.realExpirationDate == "20261218"
            assert heard.lastTradeTime == ("08:30" if version >= 174 else "")
            assert heard.contractMonth == "202612"
        assert heard.longName


def test_a_continuous_future_says_so() -> None:
    found = details(Contract(symbol="MES", sec_type="CONTFUT", exchange="CME"))
    assert (found.contract.sec_type, found.contract.local_symbol) == ("CONTFUT", "MESZ6")


@pytest.mark.parametrize(
    ("contract", "code", "text"),
    [
        (Contract(symbol="NONE", sec_type="STK"), 200, "No security definition has been found for the request"),
        (Contract(con_id=4), 200, "No security definition"),
        (Contract(symbol="IBM", sec_type="BAG"), 200, "No security definition"),
        (Contract(symbol="SPY", sec_type="ETF"), 321, "Please enter a valid security type"),
        (Contract(symbol="SPY"), 321, "Please enter a valid security type"),
        (Contract(sec_type="STK"), 321, "Please enter a symbol"),
    ],
)
def test_what_is_not_found_is_told(contract: Contract, code: int, text: str) -> None:
    (error,) = Session().ask(wire.ReqContractDetails(3, contract))
    assert isinstance(error, ErrorMessage)
    assert (error.req_id, error.code) == (3, code)
    assert text in error.text


def test_matching_symbols_begin_so_or_are_named_so() -> None:
    (found,) = Session().ask(wire.ReqMatchingSymbols(4, "sp"))
    assert [sample.symbol for sample in found.samples][:2] == ["SPY", "SPX"]
    assert found.samples[0].derivative_sec_types[1] == "OPT"
    (apple,) = Session().ask(wire.ReqMatchingSymbols(4, "apple"))
    assert [sample.con_id for sample in apple.samples] == [265598]
    (nothing,) = Session().ask(wire.ReqMatchingSymbols(4, ""))
    assert nothing.samples == ()


def test_option_parameters_lead_to_contracts() -> None:
    *parameters, end = Session().ask(wire.ReqSecDefOptParams(5, "SPX", "", "IND", 416904))
    assert end == wire.SecurityDefinitionOptionParameterEnd(5)
    classes = {(each.exchange, each.trading_class) for each in parameters}
    assert classes == {("SMART", "SPX"), ("CBOE", "SPX"), ("SMART", "SPXW"), ("CBOE", "SPXW")}
    for each in parameters:
        asked = Contract(
            symbol="SPX",
            sec_type="OPT",
            exchange=each.exchange,
            trading_class=each.trading_class,
            last_trade_date_or_contract_month=each.expirations[0],
            strike=each.strikes[0],
            right="C",
        )
        assert len(BOOK.find(asked)) == 1


def test_option_parameters_of_something_else_are_refused_or_empty() -> None:
    (error,) = Session().ask(wire.ReqSecDefOptParams(5, "SPX", "", "IND", 4))
    assert (error.req_id, error.code) == (5, 321)
    futures_options = wire.ReqSecDefOptParams(5, "ES", "CME", "FUT", 600010323)
    assert Session().ask(futures_options) == [wire.SecurityDefinitionOptionParameterEnd(5)]


@pytest.mark.parametrize(("rule", "step"), [(26, 0.01), (32, 0.01), (67, 0.25), (635, 0.0001), (2806, 0.25)])
def test_market_rules_are_those_that_public_tests_expect(rule: int, step: float) -> None:
    (answer,) = Session().ask(wire.ReqMarketRule(rule))
    assert answer.market_rule_id == rule
    assert (answer.increments[0].low_edge, answer.increments[0].increment) == (0, step)


def test_an_unknown_market_rule_is_told() -> None:
    (error,) = Session().ask(wire.ReqMarketRule(1_000_000))
    assert (error.req_id, error.code) == (-1, 321)


def test_every_listed_rule_is_known() -> None:
    session = Session()
    for rule in sorted({rule for each in BOOK.listings() for rule in each.market_rule_ids}):
        (answer,) = session.ask(wire.ReqMarketRule(rule))
        smallest = min(each.increment for each in answer.increments)
        ticks = {each.min_tick for each in BOOK.listings() if rule in each.market_rule_ids}
        assert ticks == {smallest}


def test_small_lists() -> None:
    session = Session()
    assert session.ask(wire.ReqFamilyCodes()) == [wire.FamilyCodes((wire.FamilyCode("DU1", ""), wire.FamilyCode("DU2", "")))]
    assert session.ask(wire.ReqSoftDollarTiers(8)) == [wire.SoftDollarTiers(8, ())]
    (components,) = session.ask(ReqSmartComponents(9, "9c0001"))
    assert isinstance(components, SmartComponents)
    assert {each.exchange for each in components.components} >= {"ARCA", "NASDAQ", "NYSE"}
    (refused,) = session.ask(ReqSmartComponents(9, ""))
    assert refused.code == 321
    (depth,) = session.ask(ReqMktDepthExchanges())
    assert isinstance(depth, MktDepthExchanges)
    assert "ISLAND" in {each.exchange for each in depth.exchanges}
