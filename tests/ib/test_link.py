"""The link comes up against a gateway, learns whose account it is, and what the contracts are."""

from tests.ib.conftest import TODAY, Told
from theo.adapters.ib.contracts import Contracts, wanted_contract
from theo.adapters.ib.link import Link, LinkState
from theo.domain.instrument import Instrument, SecurityType


async def test_the_link_comes_up_and_knows_its_account(link: Link, told: Told) -> None:
    assert link.state is LinkState.UP
    assert link.account == "DU1234567"
    assert told.messages == []


async def test_contracts_are_resolved_and_found_by_con_id(resolved: Contracts, instruments: dict[str, Instrument]) -> None:
    mes = resolved.contract(instruments["MES"].id)
    assert mes.lastTradeDateOrContractMonth.startswith("202612")
    assert resolved.instrument(mes.conId) == instruments["MES"]


async def test_a_future_that_ib_lists_under_another_symbol(link: Link, instruments: dict[str, Instrument]) -> None:
    made = Contracts(link)
    await made.resolve([instruments["VX"]], TODAY)
    found = made.contract(instruments["VX"].id)
    assert (found.symbol, found.secType, found.exchange, found.tradingClass) == ("VIX", "FUT", "CFE", "VX")


def test_an_option_is_asked_for_with_strike_and_right() -> None:
    option = Instrument(
        id=99,
        symbol="SPX",
        token=0,
        security_type=SecurityType.OPT,
        exchange="SMART",
        calendar="NYSE",
        multiplier=100,
        expiry="20261218",
        strike=670_000,
        right="C",
    )
    asked = wanted_contract(option)
    assert (asked.strike, asked.right, asked.lastTradeDateOrContractMonth) == (6700.0, "C", "20261218")
