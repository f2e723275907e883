"""The room that answers about accounts: positions, values, summaries, profit and loss, and how they go on.

Positions are told when they change; values too, and every three minutes; profit and loss once a second while it changes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from theo.domain.market_data import MINUTE, SECOND, Tick
from theo.gateway.accounts.feeds import PnLFeed, open_positions, position_row, with_request
from theo.gateway.accounts.ledger import Ledgers
from theo.gateway.accounts.valuation import positions
from theo.gateway.accounts.value_feeds import MultiFeed, SummaryFeed, UpdatesFeed, ValueFeed
from theo.gateway.accounts.values import unknown_tags
from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import NEVER, Desk, Handler
from theo.gateway.request_refused import RequestRefusedError, invalid, told, unprocessed
from theo.gateway.times import EPOCH, local
from theo.gateway.wire.messages import account as wire
from theo.gateway.wire.schema import Message

VALUES_EVERY = 3 * MINUTE  # as TWS refreshes an account
PNL_EVERY = SECOND
SUMMARIES_MAX = 2  # active at once, of one client
FEEDS_MAX = 1_000  # of each kind, of all clients
AT_ONCE = 0  # earlier than any time: what is due now

Key = tuple[int, int]  # number of the connection, request id


class AccountsRoom:
    """Implements desk.Room. The ledgers are the trading room's too: it books, and this room tells."""

    def __init__(self, ledgers: Ledgers) -> None:
        self._ledgers = ledgers
        self._positions: dict[int, Client] = {}
        self._multi_positions: dict[Key, tuple[Client, wire.ReqPositionsMulti]] = {}
        self._values: dict[tuple[str, Key], ValueFeed] = {}
        self._pnl: dict[tuple[str, Key], PnLFeed] = {}
        self._values_due, self._pnl_due, self._day_ends = NEVER, NEVER, AT_ONCE
        handlers: dict[type[Message], Callable[[Desk, Client, Any], None]] = {
            wire.ReqPositions: self._req_positions,
            wire.CancelPositions: lambda _desk, client, _asked: self._forget_positions(client),
            wire.ReqPositionsMulti: told(self._req_positions_multi),
            wire.CancelPositionsMulti: lambda _desk, client, asked: self._cancel_positions_multi(client, asked.req_id),
            wire.ReqAccountUpdates: told(self._req_updates),
            wire.ReqAccountUpdatesMulti: told(self._req_updates_multi),
            wire.CancelAccountUpdatesMulti: lambda _desk, client, asked: self._cancel("multi", client, asked.req_id),
            wire.ReqAccountSummary: told(self._req_summary),
            wire.CancelAccountSummary: lambda _desk, client, asked: self._cancel("summary", client, asked.req_id),
            wire.ReqPnL: told(self._req_pnl),
            wire.CancelPnL: lambda _desk, client, asked: self._cancel("pnl", client, asked.req_id),
            wire.ReqPnLSingle: told(self._req_pnl_single),
            wire.CancelPnLSingle: lambda _desk, client, asked: self._cancel("pnl single", client, asked.req_id),
        }
        self.handlers: Mapping[type[Message], Handler] = handlers

    # Requests

    def _req_positions(self, desk: Desk, client: Client, _asked: wire.ReqPositions) -> None:
        self._positions[client.number] = client
        for row in open_positions(desk, self._ledgers, desk.settings.accounts):
            client.send(row)
        client.send(wire.PositionEnd())

    def _req_positions_multi(self, desk: Desk, client: Client, asked: wire.ReqPositionsMulti) -> None:
        accounts = self._accounts(desk, asked.account)
        key = (client.number, asked.req_id)
        if key in self._multi_positions or len(self._multi_positions) >= FEEDS_MAX:
            raise unprocessed("bK", "Duplicate ticker id")
        self._multi_positions[key] = client, asked
        for row in open_positions(desk, self._ledgers, accounts) if not asked.model_code else ():
            client.send(with_request(row, asked.req_id, asked.model_code))
        client.send(wire.PositionMultiEnd(asked.req_id))

    def _req_updates(self, desk: Desk, client: Client, asked: wire.ReqAccountUpdates) -> None:
        key = ("updates", (client.number, NO_REQUEST))
        if not asked.subscribe:
            self._values.pop(key, None)
            return
        account = self._accounts(desk, asked.account or desk.settings.accounts[0])[0]
        before = self._values.pop(key, None)
        if before is not None and before.accounts != (account,):
            text = "New account data requested from TWS.  API client has been unsubscribed from account data."
            client.error(NO_REQUEST, 2100, text)
        self._begin(desk, key, UpdatesFeed(client, NO_REQUEST, (account,)))

    def _req_updates_multi(self, desk: Desk, client: Client, asked: wire.ReqAccountUpdatesMulti) -> None:
        accounts = self._accounts(desk, asked.account)
        self._begin(desk, self._free("multi", client, asked.req_id), MultiFeed(client, asked, accounts))

    def _req_summary(self, desk: Desk, client: Client, asked: wire.ReqAccountSummary) -> None:
        settings = desk.settings
        accounts = settings.accounts if asked.group == "All" else settings.account_groups.get(asked.group)
        if accounts is None:
            raise invalid("bY", f"Group name '{asked.group}' is invalid")
        tags = [tag.strip() for tag in asked.tags.split(",") if tag.strip()]
        unknown = unknown_tags(desk, self._ledgers, settings.accounts[0], tags)
        if unknown or not tags:
            raise invalid("bY", f"Invalid account summary tag: {', '.join(unknown)}")
        key = self._free("summary", client, asked.req_id)
        if sum(kind == "summary" and number == client.number for kind, (number, _) in self._values) >= SUMMARIES_MAX:
            raise unprocessed("bY", "Maximum number of account summary requests exceeded")
        self._begin(desk, key, SummaryFeed(client, asked.req_id, accounts, tags))

    def _req_pnl(self, desk: Desk, client: Client, asked: wire.ReqPnL) -> None:
        self._begin_pnl(desk, self._free("pnl", client, asked.req_id), client, asked.account, None)

    def _req_pnl_single(self, desk: Desk, client: Client, asked: wire.ReqPnLSingle) -> None:
        self._begin_pnl(desk, self._free("pnl single", client, asked.req_id), client, asked.account, asked.con_id)

    def _begin_pnl(self, desk: Desk, key: tuple[str, Key], client: Client, account: str, con_id: int | None) -> None:
        feed = PnLFeed(client, key[1][1], self._accounts(desk, account or desk.settings.accounts[0])[0], con_id)
        self._pnl[key] = feed
        self._pnl_due = min(self._pnl_due, desk.now + PNL_EVERY)
        feed.tell(desk, self._ledgers)

    def _begin(self, desk: Desk, key: tuple[str, Key], feed: ValueFeed) -> None:
        self._values[key] = feed
        self._values_due = min(self._values_due, desk.now + VALUES_EVERY)
        feed.tell(desk, self._ledgers)
        feed.end()

    def _accounts(self, desk: Desk, account: str) -> Sequence[str]:
        """The accounts that a request means: one by its name, or all. Raises RequestRefusedError for another."""
        if account in {"", "All"}:
            return desk.settings.accounts
        if account not in desk.settings.accounts:
            raise invalid("bW", f"Invalid account code '{account}'.")
        return (account,)

    def _free(self, kind: str, client: Client, req_id: int) -> tuple[str, Key]:
        """The key of a new subscription. Raises RequestRefusedError when its id is in use."""
        key = (kind, (client.number, req_id))
        if key in self._values or key in self._pnl:
            raise unprocessed("bK", "Duplicate ticker id")
        if len(self._values) + len(self._pnl) >= FEEDS_MAX:
            raise RequestRefusedError(101, "Max number of tickers has been reached.")
        return key

    # Ends

    def _cancel(self, kind: str, client: Client, req_id: int) -> None:
        """What is not there is no fault, as in TWS."""
        key = (kind, (client.number, req_id))
        self._values.pop(key, None)
        self._pnl.pop(key, None)

    def _cancel_positions_multi(self, client: Client, req_id: int) -> None:
        self._multi_positions.pop((client.number, req_id), None)

    def _forget_positions(self, client: Client) -> None:
        self._positions.pop(client.number, None)

    # What time brings

    def on_tick(self, desk: Desk, tick: Tick) -> None:
        """Prices are looked at when something is due."""

    def on_time(self, desk: Desk, at: int) -> None:
        """Tell what has changed, and what is due; begin a day."""
        if at >= self._day_ends:
            self._begin_day(desk)
        changed = self._ledgers.take_news()
        if changed:
            self._tell_positions(desk, changed)
        touched = {account for account, _ in changed}
        refresh = at >= self._values_due
        for feed in list(self._values.values()):
            if refresh or not touched.isdisjoint(feed.accounts):
                feed.tell(desk, self._ledgers)
        if refresh:
            self._values_due = at + VALUES_EVERY if self._values else NEVER
        if at >= self._pnl_due:
            for pnl in list(self._pnl.values()):
                pnl.tell(desk, self._ledgers)
            self._pnl_due = at + PNL_EVERY if self._pnl else NEVER

    def _tell_positions(self, desk: Desk, changed: list[tuple[str, int]]) -> None:
        for account, con_id in changed:
            row = position_row(desk, self._ledgers, account, con_id)
            for client in list(self._positions.values()):
                client.send(row)
            for client, asked in list(self._multi_positions.values()):
                if asked.account in {"", "All", account} and not asked.model_code:
                    client.send(with_request(row, asked.req_id, asked.model_code))

    def _begin_day(self, desk: Desk) -> None:
        """Results of the day begin at 0 at midnight of the login's zone; when the gateway starts, nothing has been yet."""
        if self._day_ends != AT_ONCE:
            self._ledgers.begin_day(dict(self._worth(desk)))
        midnight = local(desk.now, desk.settings.time_zone).replace(hour=0, minute=0, second=0, microsecond=0)
        self._day_ends = (midnight + timedelta(days=1) - EPOCH) // timedelta(microseconds=1)

    def _worth(self, desk: Desk) -> Iterator[tuple[tuple[str, int], int]]:
        for account in self._ledgers.accounts:
            for each in positions(desk, self._ledgers, account):
                yield (account, each.listing.con_id), each.value

    def next_due(self) -> int:
        """At once after a change of a position, else with the next refresh."""
        if self._ledgers.has_news:
            return AT_ONCE
        return min(self._values_due, self._pnl_due, self._day_ends)

    def on_started(self, desk: Desk, client: Client) -> None:
        """Nothing is sent unasked."""

    def on_gone(self, desk: Desk, client: Client) -> None:  # noqa: ARG002 - the signature of a room
        """Its subscriptions end."""
        self._forget_positions(client)
        for multi in [key for key in self._multi_positions if key[0] == client.number]:
            del self._multi_positions[multi]
        for key in [key for key in (*self._values, *self._pnl) if key[1][0] == client.number]:
            self._cancel(key[0], client, key[1][1])
