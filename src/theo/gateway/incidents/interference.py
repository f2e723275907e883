"""What stands between the rooms and the wire while something goes wrong: messages dropped, doubled, late, or out of order."""

import heapq
from collections.abc import Sequence
from typing import Literal

import msgspec

from theo.gateway.client import Client
from theo.gateway.desk import NEVER
from theo.gateway.wire.schema import Message

How = Literal["drop", "double", "delay", "reorder"]
HELD_MAX = 100_000  # messages that wait to be late


class Disturbance(msgspec.Struct):
    """The next ``left`` messages of some types (all, when none is named) meet ``how``. ``delay`` in microseconds."""

    how: How
    left: int
    types: tuple[str, ...] = ()
    delay: int = 0

    def meets(self, message: Message) -> bool:
        """Whether it is this one's turn."""
        return self.left > 0 and (not self.types or type(message).__name__ in self.types)


class Interference:
    """One for all clients. Without disturbances it is not in the way: the clients' own delivery is put back."""

    __slots__ = ("_clients", "_disturbances", "_late", "_number", "_swapped", "now")

    def __init__(self) -> None:
        self._disturbances: list[Disturbance] = []
        self._late: list[tuple[int, int, Client, Message]] = []
        self._swapped: dict[int, Message] = {}  # by connection: a message that lets the next one go first
        self._clients: dict[int, Client] = {}
        self._number = 0
        self.now = 0

    def attach(self, client: Client) -> None:
        """Stand in this client's way whenever there is something to do."""
        self._clients[client.number] = client
        client.outgoing = self._send

    def detach(self, client: Client) -> None:
        """The client is gone; what was late for it is lost."""
        self._clients.pop(client.number, None)
        self._swapped.pop(client.number, None)

    def add(self, disturbance: Disturbance) -> None:
        """Begin to disturb."""
        self._disturbances.append(disturbance)

    def calm(self) -> None:
        """Stop disturbing; what was late is sent now, in its order."""
        self._disturbances = []
        self.release(NEVER)
        for number, message in list(self._swapped.items()):
            self._clients[number].deliver(message)
        self._swapped = {}

    def next_due(self) -> int:
        """When a late message is to be sent."""
        return self._late[0][0] if self._late else NEVER

    def release(self, at: int) -> None:
        """Send what is late enough."""
        while self._late and self._late[0][0] <= at:
            _, _, client, message = heapq.heappop(self._late)
            if client.number in self._clients:
                client.deliver(message)

    def _send(self, client: Client, message: Message) -> None:
        waiting = self._swapped.pop(client.number, None)
        self._meet(client, message, self._turn(message) if waiting is None else None)
        if waiting is not None:
            client.deliver(waiting)

    def _turn(self, message: Message) -> Disturbance | None:
        found = next((d for d in self._disturbances if d.meets(message)), None)
        if found is not None:
            found.left -= 1
            if found.left == 0:
                self._disturbances.remove(found)
        return found

    def _meet(self, client: Client, message: Message, disturbance: Disturbance | None) -> None:
        if disturbance is None:
            client.deliver(message)
        elif disturbance.how == "double":
            client.deliver(message)
            client.deliver(message)
        elif disturbance.how == "reorder":
            self._swapped[client.number] = message
        elif disturbance.how == "delay" and len(self._late) < HELD_MAX:
            self._number += 1
            heapq.heappush(self._late, (self.now + disturbance.delay, self._number, client, message))


def names(types: Sequence[type[Message]]) -> tuple[str, ...]:
    """The names by which a disturbance knows messages."""
    return tuple(kind.__name__ for kind in types)
