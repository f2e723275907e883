"""Who is told what of an order: its owner, and the master client. Errors are the owner's alone."""

from collections.abc import Iterator

from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import Desk
from theo.gateway.trading.blotter import Deal
from theo.gateway.trading.wording import all_details, commission_report, open_order, order_status
from theo.gateway.trading.working import Worked


class Announcer:
    """Nothing is told while ``held``, and nothing of it afterwards: it must be asked for.

    ``news`` counts what there was to tell.
    """

    __slots__ = ("held", "news")

    def __init__(self) -> None:
        self.held, self.news = False, 0

    def tells(self, worked: Worked) -> bool:
        """Whether anything is told of an order unasked."""
        return not self.held and not worked.silent

    def _listeners(self, desk: Desk, worked: Worked) -> Iterator[Client]:
        self.news += 1
        if not self.tells(worked):
            return
        owner = desk.clients.get(worked.client_id)
        if owner is not None:
            yield owner
        master = desk.settings.master_client_id
        if master is not None and master != worked.client_id and master in desk.clients:
            yield desk.clients[master]

    def state(self, desk: Desk, worked: Worked, status: str | None = None, copies: int | None = None) -> None:
        """The order and its status, as often as the settings say."""
        for client in list(self._listeners(desk, worked)):
            for _ in range(desk.settings.status_copies if copies is None else copies):
                client.send(open_order(worked, status))
                client.send(order_status(worked, status))

    def status(self, desk: Desk, worked: Worked, status: str) -> None:
        """A status alone, once."""
        for client in list(self._listeners(desk, worked)):
            client.send(order_status(worked, status))

    def deal(self, desk: Desk, worked: Worked, deal: Deal) -> None:
        """An execution."""
        for client in list(self._listeners(desk, worked)):
            for details in all_details(worked, deal, NO_REQUEST, desk.settings.time_zone):
                client.send(details)

    def commission(self, desk: Desk, worked: Worked, deal: Deal) -> None:
        """What an execution cost: told to everybody, as TWS does."""
        if self.tells(worked):
            for client in list(desk.clients.values()):
                client.send(commission_report(worked, deal))

    def error(self, desk: Desk, worked: Worked, code: int, text: str) -> None:
        """An error or a notice about an order."""
        owner = desk.clients.get(worked.client_id)
        if owner is not None and self.tells(worked):
            owner.error(worked.order_id, code, text)
