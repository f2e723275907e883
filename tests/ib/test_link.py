"""The link comes up against a gateway, learns whose account it is, and what the contracts are."""

from tests.ib.conftest import Told
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import Link, LinkState
from theo.domain.instrument import Instrument


async def test_the_link_comes_up_and_knows_its_account(link: Link, told: Told) -> None:
    assert link.state is LinkState.UP
    assert link.account == "DU1234567"
    assert told.messages == []


async def test_contracts_are_resolved_and_found_by_con_id(resolved: Contracts, instruments: dict[str, Instrument]) -> None:
    mes = resolved.contract(instruments["MES"].id)
    assert mes.lastTradeDateOrContractMonth.startswith("202612")
    assert resolved.instrument(mes.conId) == instruments["MES"]
