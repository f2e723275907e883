"""Positions, the portfolio, profit and loss as they are sent. The values of an account are in value_feeds.py."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from theo.gateway.accounts.ledger import Holding, Ledgers, money
from theo.gateway.accounts.valuation import Position, position, positions, worth
from theo.gateway.client import Client
from theo.gateway.desk import Desk
from theo.gateway.wire.messages import account as wire
from theo.gateway.wire.messages.contract import Contract
from theo.gateway.wire.schema import Message


def held_contract(listing_contract: Contract) -> Contract:
    """A contract as positions bear it: a stock at its primary exchange, all else without one.

    So in the recorded outputs of ib_async's notebooks (ordering.ipynb) and in ib_insync issue 124. An order for it needs one.
    """
    exchange = listing_contract.primary_exchange if listing_contract.sec_type == "STK" else ""
    return msgspec.structs.replace(listing_contract, exchange=exchange, primary_exchange="")


def portfolio(each: Position, account: str) -> wire.UpdatePortfolio:
    """A row of the portfolio."""
    instrument = each.listing.instrument
    price = Decimal(0) if each.mark is None else instrument.decimal(each.mark)
    contract = each.listing.contract
    return wire.UpdatePortfolio(
        contract=msgspec.structs.replace(contract, primary_exchange=contract.primary_exchange or contract.exchange),
        position=Decimal(each.holding.quantity),
        market_price=float(price),
        market_value=float(money(each.value)),
        average_cost=float(each.holding.average_cost()),
        unrealized_pnl=float(money(each.unrealized)),
        realized_pnl=float(money(each.holding.realized)),
        account=account,
    )


def position_row(desk: Desk, ledgers: Ledgers, account: str, con_id: int) -> wire.Position:
    """A position as the stream of all positions has it; 0 when it was closed."""
    holding = ledgers.accounts[account].holdings.get(con_id, Holding())
    contract = held_contract(position(desk, con_id, holding).listing.contract)
    return wire.Position(account, contract, Decimal(holding.quantity), float(holding.average_cost()))


def with_request(row: wire.Position, req_id: int, model_code: str) -> wire.PositionMulti:
    """The same row for a request with an id."""
    return wire.PositionMulti(req_id, row.account, row.contract, row.position, row.avg_cost, model_code)


def open_positions(desk: Desk, ledgers: Ledgers, accounts: Sequence[str]) -> list[wire.Position]:
    """A row of each open position."""
    return [
        position_row(desk, ledgers, account, each.listing.con_id)
        for account in accounts
        for each in positions(desk, ledgers, account)
        if each.holding.quantity
    ]


class PnLFeed:
    """The profit and loss of an account, or of one of its positions, whenever it has changed."""

    __slots__ = ("_account", "_con_id", "_req_id", "_said", "client")

    def __init__(self, client: Client, req_id: int, account: str, con_id: int | None) -> None:
        self.client, self._req_id, self._account, self._con_id = client, req_id, account, con_id
        self._said: Message | None = None

    def tell(self, desk: Desk, ledgers: Ledgers) -> None:
        """Send it, unless it was said."""
        message = self._single(desk, ledgers, self._con_id) if self._con_id is not None else self._whole(desk, ledgers)
        if message != self._said:
            self._said = message
            self.client.send(message)

    def _whole(self, desk: Desk, ledgers: Ledgers) -> Message:
        now = worth(desk, ledgers, self._account)
        return wire.PnL(self._req_id, *(float(money(each)) for each in (now.daily, now.unrealized, now.realized)))

    def _single(self, desk: Desk, ledgers: Ledgers, con_id: int) -> Message:
        holding = ledgers.accounts[self._account].holdings.get(con_id)
        if holding is None:
            return wire.PnLSingle(self._req_id, Decimal(0), None, None, None, None)
        now = position(desk, con_id, holding)
        amounts = (now.daily, now.unrealized, holding.realized, now.value)
        return wire.PnLSingle(self._req_id, Decimal(holding.quantity), *(float(money(each)) for each in amounts))
