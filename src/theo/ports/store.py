"""The journal's store, its snapshots, and the inbox of commands. Market data and projections are in market_store.py.

All are synchronous; a running platform calls them through ports.blocking only.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from theo.domain.asked import MarginTold
from theo.domain.inputs import Command
from theo.domain.journal import Record


class StreamHead(msgspec.Struct, frozen=True):
    """The newest record of a stream."""

    stream: str
    seq: int
    hash: bytes


class StoredSnapshot(msgspec.Struct, frozen=True):
    """A snapshot as it is stored. ``digest`` is the trading state's; ``intact`` says whether the payload is what was saved."""

    seq: int
    state_version: int
    build: str
    digest: str
    payload: bytes
    intact: bool = True


class CommandOutcome(msgspec.Struct, frozen=True):
    """What came of a command, at microseconds UTC: the orders that it placed or changed, or the rule that refused it.

    ``margins`` is what the broker said that its entries would do, where it was asked.
    """

    at: int
    accepted: bool
    text: str
    orders: tuple[str, ...] = ()
    rule: str = ""
    margins: tuple[MarginTold, ...] = ()


class JournalStore(Protocol):
    """Append-only streams, each a chain of hashes, with one writer at a time."""

    def claim(self, *streams: str) -> int:
        """Become the only writer of these streams: a new epoch, greater than every earlier one of each.

        Held until ``close`` or the end of the process. Raises HaltRequiredError while another writer holds one of them.
        """

    def append(self, records: Sequence[Record]) -> None:
        """Store records of claimed streams, all or none; durable when it returns.

        Raises HaltRequiredError when another writer has claimed a stream since, when the records do not continue the stored
        chain, or when the write failed and nothing is stored; OutcomeUnknownError when nobody knows (ask ``head``).
        """

    def head(self, stream: str) -> StreamHead | None:
        """The stream's newest record; None for an empty stream."""

    def read(self, stream: str, first_seq: int = 1, last_seq: int | None = None) -> Iterator[Record]:
        """Records ``first_seq`` to ``last_seq`` (both included) in order, in bounded memory. Does not check the chain."""

    def streams(self) -> tuple[str, ...]:
        """The names of all streams that hold records, sorted."""

    def save_snapshot(self, seq: int, state_version: int, build: str, digest: str, payload: bytes) -> None:
        """Keep a snapshot taken after trading record ``seq``; of older ones the newest is kept, the rest dropped.

        Raises HaltRequiredError when ``seq`` is not stored yet: a snapshot must never know more than the journal.
        """

    def newest_snapshots(self) -> tuple[StoredSnapshot, ...]:
        """The kept snapshots, newest first."""

    def close(self) -> None:
        """Give up the claims. Records that were not appended are the caller's."""


class CommandInbox(Protocol):
    """Durable commands on their way to the trader."""

    def post(self, command: Command) -> CommandOutcome | None:
        """Keep a command for the trader. A repeat of its id within 24 hours is not kept again: its outcome, None while pending.

        Raises DataError when the id was used for another command within 24 hours, RefusedError when too many wait.
        """

    def has(self, command: Command) -> bool:
        """Whether the same command was kept within 24 hours. Raises DataError when its id was used for another one."""

    def pending(self, limit: int = 100) -> tuple[Command, ...]:
        """Commands without an outcome, oldest first. One that cannot be read is refused, and left out."""

    def done(self, command_id: str, outcome: CommandOutcome) -> None:
        """Record what came of a command; the first outcome stays. A command that is not in the inbox is no error."""

    def outcome(self, command_id: str) -> CommandOutcome | None:
        """What came of a command; None when it is pending or not known."""

    def close(self) -> None:
        """Release the store."""
