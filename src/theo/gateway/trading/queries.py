"""What clients ask about orders: open ones, ended ones, executions. Nothing is changed here, but orders of TWS are bound."""

from collections.abc import Iterator
from datetime import timedelta

from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import Desk
from theo.gateway.times import EPOCH, local
from theo.gateway.trading.blotter import Blotter, Deal
from theo.gateway.trading.moments import read_moment
from theo.gateway.trading.wording import all_details, commission_report, completed_order, open_order, order_status
from theo.gateway.trading.working import ENDED, Worked
from theo.gateway.wire.messages import orders as wire

BINDER = 0  # the client that may bind orders typed into TWS
SIDES = {"BUY": 1, "BOT": 1, "SELL": -1, "SLD": -1, "SSHORT": -1}


class Queries:
    """Answers from a blotter."""

    def __init__(self, blotter: Blotter) -> None:
        self._blotter = blotter
        self._binds_all = False

    def open_orders(self, desk: Desk, client: Client) -> None:
        """This client's; the binder's are those typed into TWS too, from now on by a number of its own."""
        if client.id == BINDER:
            for worked in [each for each in self._blotter.live() if each.manual and not each.order_id]:
                self._bind(desk, worked)
        self.tell_own(client)
        client.send(wire.OpenOrderEnd())

    def tell_own(self, client: Client) -> None:
        """This client's open orders, without an end."""
        for worked in [each for each in self._blotter.live() if each.client_id == client.id]:
            self._tell(client, worked)

    def all_open_orders(self, _desk: Desk, client: Client) -> None:
        """Everybody's; nothing is bound."""
        for worked in list(self._blotter.live()):
            self._tell(client, worked)
        client.send(wire.OpenOrderEnd())

    def _tell(self, client: Client, worked: Worked) -> None:
        client.send(open_order(worked))
        client.send(order_status(worked))

    def auto_bind(self, desk: Desk, client: Client, asked: wire.ReqAutoOpenOrders) -> None:
        """Orders that will be typed into TWS are bound, or not any more."""
        if client.id != BINDER:
            text = "Only API connections with clientId set to 0 can set the auto bind TWS orders property."
            client.error(NO_REQUEST, 327, text)
            return
        self._binds_all = asked.auto_bind
        self.bind_new(desk)

    def bind_new(self, desk: Desk) -> None:
        """Bind what was typed into TWS, if that was asked for."""
        if self._binds_all and BINDER in desk.clients:
            for worked in [each for each in self._blotter.live() if each.manual and not each.order_id]:
                self._bind(desk, worked)

    def _bind(self, desk: Desk, worked: Worked) -> None:
        self._blotter.bind(worked, self._blotter.next_order_id(BINDER))
        binder = desk.clients.get(BINDER)
        if binder is not None:
            binder.send(wire.OrderBound(worked.perm_id, BINDER, worked.order_id))

    def completed_orders(self, desk: Desk, client: Client, asked: wire.ReqCompletedOrders) -> None:
        """What has ended today, everybody's; on request without what was typed into TWS."""
        begin = midnight(desk)
        for worked in self._blotter.orders.values():
            if worked.phase in ENDED and worked.ended_at >= begin and not (asked.api_only and worked.manual):
                client.send(completed_order(worked, desk.settings.time_zone))
        client.send(wire.CompletedOrdersEnd())

    def executions(self, desk: Desk, client: Client, asked: wire.ReqExecutions) -> None:
        """Today's, as the filter says, each followed by its commission: all of them before the end."""
        for worked, deal in self._matching(desk, asked):
            for details in all_details(worked, deal, asked.req_id, desk.settings.time_zone):
                client.send(details)
            client.send(commission_report(worked, deal))
        client.send(wire.ExecDetailsEnd(asked.req_id))

    def _matching(self, desk: Desk, asked: wire.ReqExecutions) -> Iterator[tuple[Worked, Deal]]:
        begin = midnight(desk)
        if asked.time:
            begin = max(begin, read_moment(asked.time, desk.settings.time_zone))
        for deal in self._blotter.deals:
            worked = self._blotter.orders.get(deal.perm_id)
            if worked is not None and deal.at >= begin and _fits(worked, deal, asked):
                yield worked, deal


def _fits(worked: Worked, deal: Deal, asked: wire.ReqExecutions) -> bool:
    contract, listed = worked.contract, worked.listing.contract
    return (
        asked.client_id in {0, worked.client_id}
        and asked.account in {"", deal.account}
        and asked.symbol in {"", contract.symbol}
        and asked.sec_type in {"", contract.sec_type}
        and asked.exchange in {"", contract.exchange, listed.primary_exchange}
        and SIDES.get(asked.side.upper(), worked.terms.side.sign) == worked.terms.side.sign
    )


def midnight(desk: Desk) -> int:
    """When the day of the login began."""
    begun = local(desk.now, desk.settings.time_zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return (begun - EPOCH) // timedelta(microseconds=1)
