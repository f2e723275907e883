"""What outlives a gateway's process: its orders, accounts and time, in one file, renewed before anybody is told of a change.

The whole state is written beside the file and takes its place at once: a process that is killed leaves the state before or after
a change. A machine that loses its power may lose the newest ones.
"""

from pathlib import Path

import msgspec

from theo.domain.errors import CorruptionError, UserError
from theo.gateway.building import Gateway
from theo.ports.clock import Clock

VERSION = 1


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """``began`` and ``now``: the gateway's first moment and its last; ``at``: what its clock showed at the true time ``wall``.

    All microseconds UTC. ``trading`` and ``accounts`` are the states of the rooms.
    """

    version: int
    began: int
    now: int
    at: int
    wall: int
    trading: object
    accounts: object


class MemoryFile:
    """One gateway's file. ``wall`` is true time, so that the gateway's goes on while no process serves it."""

    def __init__(self, path: Path, wall: Clock) -> None:
        self._path, self._wall = path, wall
        self._kept = -1

    def read(self) -> Remembered | None:
        """What the file holds; None while there is none. Raises CorruptionError when it cannot be read."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"{self._path} cannot be read: {error.strerror}", remedy="Name another file") from error
        try:
            found = msgspec.json.decode(data, type=Remembered)
        except msgspec.DecodeError as error:
            raise CorruptionError(f"{self._path} is no state of a gateway: {error}", remedy="Name another file") from error
        if found.version != VERSION:
            raise CorruptionError(
                f"{self._path} is of version {found.version}, this gateway writes {VERSION}", remedy="Remove it, and begin anew"
            )
        return found

    def resumed_at(self, found: Remembered, pace: float | None) -> int:
        """The gateway's time now: it went on at its pace. Without a pace (as fast as it goes) it stood still."""
        return found.now if pace is None else found.at + int((self._wall.now() - found.wall) * pace)

    def keep(self, gateway: Gateway, began: int, at: int) -> None:
        """Write the state if anything of it has changed since the last time."""
        changes = gateway.trading.changes
        if changes == self._kept:
            return
        state = Remembered(
            version=VERSION,
            began=began,
            now=gateway.simulator.desk.now,
            at=at,
            wall=self._wall.now(),
            trading=gateway.trading.state(),
            accounts=gateway.ledgers.state(),
        )
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            beside.write_bytes(msgspec.json.encode(state))
            beside.replace(self._path)
        except OSError as error:
            raise UserError(f"{self._path} cannot be written: {error.strerror}", remedy="Name another file") from error
        self._kept = changes
