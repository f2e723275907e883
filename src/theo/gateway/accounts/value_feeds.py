"""The values of accounts as they are sent until it is cancelled: whole at first, then what has changed."""

from collections.abc import Iterable, Sequence

from theo.gateway.accounts.feeds import portfolio
from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.accounts.valuation import positions
from theo.gateway.accounts.values import Value, account_values, every_ledger, summary_values
from theo.gateway.client import Client
from theo.gateway.desk import Desk
from theo.gateway.times import local
from theo.gateway.wire.messages import account as wire


class ValueFeed:
    """Values of some accounts for one request of a client. What was said once is not repeated until it changes."""

    __slots__ = ("_said", "accounts", "client", "req_id")

    def __init__(self, client: Client, req_id: int, accounts: Sequence[str]) -> None:
        self.client, self.req_id, self.accounts = client, req_id, tuple(accounts)
        self._said: dict[tuple[str, str, str], str] = {}

    def news(self, account: str, values: Iterable[Value]) -> list[Value]:
        """The values that differ from what was said before; they count as said from here on."""
        changed = [value for value in values if self._said.get((account, value.key, value.currency)) != value.text]
        for value in changed:
            self._said[account, value.key, value.currency] = value.text
        return changed

    def tell(self, desk: Desk, ledgers: Ledgers) -> None:
        """Send what is new."""
        raise NotImplementedError

    def end(self) -> None:
        """Say that everything was said once."""
        raise NotImplementedError


class UpdatesFeed(ValueFeed):
    """An account's values and its portfolio."""

    __slots__ = ()

    def tell(self, desk: Desk, ledgers: Ledgers) -> None:
        """Values that are new, every row of the portfolio, and the time."""
        account = self.accounts[0]
        values = account_values(desk, ledgers, account) + every_ledger(desk, ledgers, account)
        for value in self.news(account, values):
            self.client.send(wire.UpdateAccountValue(value.key, value.text, value.currency, account))
        for each in positions(desk, ledgers, account):
            self.client.send(portfolio(each, account))
        self.client.send(wire.UpdateAccountTime(f"{local(desk.now, desk.settings.time_zone):%H:%M}"))

    def end(self) -> None:
        """Say that the account was sent."""
        self.client.send(wire.AccountDownloadEnd(self.accounts[0]))


class MultiFeed(ValueFeed):
    """Values of accounts by request; with ``ledger_only`` cash by currency and the net liquidation value."""

    __slots__ = ("_ledger_only", "_model_code")

    def __init__(self, client: Client, asked: wire.ReqAccountUpdatesMulti, accounts: Sequence[str]) -> None:
        super().__init__(client, asked.req_id, accounts)
        self._model_code, self._ledger_only = asked.model_code, asked.ledger_and_nlv

    def tell(self, desk: Desk, ledgers: Ledgers) -> None:
        """Values that are new. A model holds nothing here."""
        for account in self.accounts if not self._model_code else ():
            values = account_values(desk, ledgers, account)
            if self._ledger_only:
                values = [value for value in values if value.key == "NetLiquidation"]
            for value in self.news(account, values + every_ledger(desk, ledgers, account)):
                row = (self.req_id, account, self._model_code, value.key, value.text, value.currency)
                self.client.send(wire.AccountUpdateMulti(*row))

    def end(self) -> None:
        """Say that everything was sent."""
        self.client.send(wire.AccountUpdateMultiEnd(self.req_id))


class SummaryFeed(ValueFeed):
    """The values that a summary names."""

    __slots__ = ("_tags",)

    def __init__(self, client: Client, req_id: int, accounts: Sequence[str], tags: list[str]) -> None:
        super().__init__(client, req_id, accounts)
        self._tags = tags

    def tell(self, desk: Desk, ledgers: Ledgers) -> None:
        """Values that are new."""
        for account in self.accounts:
            for value in self.news(account, summary_values(desk, ledgers, account, self._tags)):
                self.client.send(wire.AccountSummary(self.req_id, account, value.key, value.text, value.currency))

    def end(self) -> None:
        """Say that everything was sent."""
        self.client.send(wire.AccountSummaryEnd(self.req_id))
