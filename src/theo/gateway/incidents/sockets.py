"""Incidents of the bytes between client and gateway."""

from collections.abc import Callable

from theo.gateway.client import Client
from theo.gateway.desk import Desk
from theo.gateway.incidents.incident import Act, Args, Incident, number


class Sockets:
    """A drip lasts for whoever connects later too; a stall is of the sockets that are open."""

    def __init__(self) -> None:
        self._drip = 0

    def incidents(self) -> dict[str, Incident]:
        """By name."""
        return {
            "half-open": Incident(
                what="sockets that are open now stay so, and nothing is sent or read",
                begin=_each(_stall),
                end=_each(_wake),
            ),
            "slow-drip": Incident(
                what="everything is sent a few bytes at a time",
                begin=self._slow,
                end=self._pour,
                takes={"bytes": "how many (1)"},
            ),
        }

    def greet(self, client: Client) -> None:
        """Who connects later gets its bytes as slowly."""
        client.drip = self._drip

    def _slow(self, desk: Desk, args: Args) -> None:
        self._drip = max(number(args, "bytes", 1), 1)
        for client in desk.clients.values():
            client.drip = self._drip

    def _pour(self, desk: Desk, _args: Args) -> None:
        self._drip = 0
        for client in desk.clients.values():
            client.drip = 0


def _each(change: Callable[[Client], None]) -> Act:
    def act(desk: Desk, _args: Args) -> None:
        for client in desk.clients.values():
            change(client)

    return act


def _stall(client: Client) -> None:
    client.stalled = True


def _wake(client: Client) -> None:
    client.stalled = False
