"""What stands between the rooms and the wire while something goes wrong: messages dropped, doubled, late, or out of order."""

import heapq
from typing import Literal

import msgspec

from theo.gateway.client import Client
from theo.gateway.desk import NEVER, Desk
from theo.gateway.wire.schema import Message

How = Literal["drop", "double", "echo", "delay", "reorder"]
HELD_MAX = 100_000  # messages that wait to be late; what is beyond is not late


class Disturbance(msgspec.Struct):
    """The next ``left`` messages of some types (all, when none is named), or each ``every``-th of them, meet ``how``.

    An echo comes at once and again after ``delay`` (microseconds). ``owner``: the incident that it belongs to.
    """

    how: How
    left: int
    types: tuple[str, ...] = ()
    delay: int = 0
    every: int = 1
    owner: str = ""
    seen: int = 0

    def meets(self, message: Message) -> bool:
        """Whether it is this one's turn; it counts."""
        if self.types and type(message).__name__ not in self.types:
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.left -= 1
        return True


class Late(msgspec.Struct, frozen=True):
    """A message that waits to be late."""

    client: Client
    message: Message
    owner: str


class Interference:
    """One for all clients. Without disturbances it is not in the way: the clients' own delivery is put back.

    Late is counted from when a message is sent: from the desk's time, whatever was due last.
    """

    __slots__ = ("_clients", "_desk", "_disturbances", "_late", "_number", "_swapped")

    def __init__(self) -> None:
        self._disturbances: list[Disturbance] = []
        self._late: list[tuple[int, int, Late]] = []
        self._swapped: dict[int, Late] = {}  # by connection: a message that lets the next one go first
        self._clients: dict[int, Client] = {}
        self._number = 0
        self._desk: Desk | None = None

    def attach(self, desk: Desk, client: Client) -> None:
        """Stand in this client's way whenever there is something to do."""
        self._desk = desk
        self._clients[client.number] = client
        self._stand()

    def detach(self, client: Client) -> None:
        """The client is gone; what was late for it is lost."""
        self._clients.pop(client.number, None)
        self._swapped.pop(client.number, None)

    def add(self, disturbance: Disturbance) -> None:
        """Begin to disturb."""
        if disturbance.left > 0:
            self._disturbances.append(disturbance)
            self._stand()

    def disturbs(self, owner: str) -> bool:
        """Whether anything of an incident is still to come."""
        mine = [each.owner for each in (*self._swapped.values(), *(late for _, _, late in self._late))]
        return owner in mine or any(each.owner == owner for each in self._disturbances)

    def calm(self, owner: str) -> None:
        """Stop what one incident does; what was late by it is sent now, in its order."""
        self._disturbances = [each for each in self._disturbances if each.owner != owner]
        mine = sorted(each for each in self._late if each[2].owner == owner)
        self._late = [each for each in self._late if each[2].owner != owner]
        heapq.heapify(self._late)
        for _, _, late in mine:
            self._deliver(late)
        for connection, late in list(self._swapped.items()):
            if late.owner == owner:
                del self._swapped[connection]
                self._deliver(late)
        self._stand()

    def next_due(self) -> int:
        """When a late message is to be sent."""
        return self._late[0][0] if self._late else NEVER

    def release(self, at: int) -> None:
        """Send what is late enough."""
        while self._late and self._late[0][0] <= at:
            self._deliver(heapq.heappop(self._late)[2])

    def _deliver(self, late: Late) -> None:
        if late.client.number in self._clients and not late.client.closes:
            late.client.deliver(late.message)

    def _stand(self) -> None:
        """In every client's way, or in none's."""
        busy = bool(self._disturbances or self._swapped)
        for client in self._clients.values():
            client.outgoing = self._send if busy else Client.deliver

    def _send(self, client: Client, message: Message) -> None:
        waiting = self._swapped.pop(client.number, None)
        self._meet(client, message, self._turn(message) if waiting is None else None)
        if waiting is not None:
            self._deliver(waiting)
            self._stand()

    def _turn(self, message: Message) -> Disturbance | None:
        found = next((each for each in self._disturbances if each.meets(message)), None)
        if found is not None and found.left <= 0:
            self._disturbances.remove(found)
        return found

    def _meet(self, client: Client, message: Message, met: Disturbance | None) -> None:
        if met is None or met.how in {"double", "echo"}:
            client.deliver(message)
        if met is None:
            return
        late = Late(client, message, met.owner)
        if met.how == "double":
            client.deliver(message)
        elif met.how == "reorder":
            self._swapped[client.number] = late
        elif met.how in {"delay", "echo"}:
            self._put_off(late, met.delay)
        self._stand()

    def _put_off(self, late: Late, delay: int) -> None:
        if len(self._late) >= HELD_MAX:
            self._deliver(late)
            return
        assert self._desk is not None, "nobody is attached"
        self._number += 1
        heapq.heappush(self._late, (self._desk.now + delay, self._number, late))
