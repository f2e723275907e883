"""The store of scan configurations: rule sets with a name, kept with every change of them for ever."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from theo.strategy.ruleset import RuleSet


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """A stored configuration. ``number`` counts its changes from 1; ``version`` is the content's; times are microseconds UTC."""

    id: int
    name: str
    active: bool
    document: str
    version: str
    number: int
    created_at: int
    updated_at: int
    user_name: str


class ScanContent(msgspec.Struct, frozen=True):
    """What is to be stored: a document, what it says, and IB's conId of its symbols (0 where none is known)."""

    ruleset: RuleSet
    document: str
    tokens: Mapping[str, int]


class ScanChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change: who, when (microseconds UTC), why, and the documents before and after, None where there was none.

    ``action`` is create, edit, enable, disable or delete.
    """

    id: int
    number: int
    name: str
    at: int
    user_name: str
    action: str
    reason: str
    before: str | None
    after: str | None


class Changing(msgspec.Struct, frozen=True):
    """Who changes something, when (microseconds UTC), and why."""

    at: int
    user_name: str
    reason: str


class ScanStore(Protocol):
    """Several processes may read and write; a change is whole or not at all, with its row in the history."""

    def all(self) -> tuple[Scan, ...]:
        """Every configuration, by name."""

    def named(self, name: str) -> Scan | None:
        """The configuration of a name."""

    def create(self, content: ScanContent, by: Changing) -> Scan:
        """Store a new one, active. Raises UserError when its name is taken."""

    def edit(self, read: Scan, content: ScanContent, by: Changing) -> Scan:
        """Put a content in place of the one that was ``read``.

        Raises UserError, naming who changed it, when it is no longer the one that was read.
        """

    def activate(self, read: Scan, by: Changing, *, active: bool) -> Scan:
        """Let it be scanned, or no longer; as it is when it is so already. Raises as ``edit`` does."""

    def delete(self, read: Scan, by: Changing) -> None:
        """Take it away; its history stays. Raises as ``edit`` does."""

    def changes(self, name: str = "") -> tuple[ScanChange, ...]:
        """Every change of the configurations that ever had a name, or of all, oldest first."""

    def close(self) -> None:
        """Release the store."""
