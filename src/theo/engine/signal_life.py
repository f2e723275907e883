"""The life of a signal as a table: (state, event) -> state. Illegal pairs raise.

PENDING is raised or asked for; VALIDATED has passed every rule, and its trade is intended; the other three are its end.
An exit opens no trade of its own: it is executed as soon as the trade that it closes is being closed.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class SignalStatus(StrEnum):
    """Where a signal stands."""

    PENDING = "PENDING"
    VALIDATED = "VALIDATED"
    EXECUTED = "EXECUTED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class SignalEvent(StrEnum):
    """What can happen to a signal."""

    PROMOTED = "promoted"  # risk approved it, and its trade is intended
    FILLED = "filled"  # something of its trade's entry was filled
    CLOSING = "closing"  # the trade that an exit is for is being closed
    CANCELLED = "cancelled"  # nothing to do, withdrawn, expired, or its entry was cancelled
    FAILED = "failed"  # refused by a rule, or by the broker


S, E = SignalStatus, SignalEvent

_GIVEN_UP = {E.CANCELLED: S.CANCELLED, E.FAILED: S.FAILED}

LIFE: Mapping[SignalStatus, Mapping[SignalEvent, SignalStatus]] = MappingProxyType(
    {
        S.PENDING: {**_GIVEN_UP, E.PROMOTED: S.VALIDATED, E.CLOSING: S.EXECUTED},
        S.VALIDATED: {**_GIVEN_UP, E.FILLED: S.EXECUTED},
        S.EXECUTED: {},
        S.CANCELLED: {},
        S.FAILED: {},
    }
)

ENDED = frozenset(status for status, following in LIFE.items() if not following)
ACTIVE = frozenset(LIFE) - ENDED


def next_status(status: SignalStatus, event: SignalEvent) -> SignalStatus:
    """The state after ``event``; raises ValueError for an illegal pair."""
    following = LIFE[status].get(event)
    if following is None:
        raise ValueError(f"a signal that is {status} cannot be {event}")
    return following


def closed(status: SignalStatus, told: str, *, exits: bool) -> SignalStatus:
    """The state after a record that closes a signal as ``told``: EXECUTED, CANCELLED or FAILED. Raises ValueError."""
    endings = {S.EXECUTED: E.CLOSING if exits else E.FILLED, S.CANCELLED: E.CANCELLED, S.FAILED: E.FAILED}
    event = endings.get(SignalStatus(told))
    if event is None:
        raise ValueError(f"a signal is not closed by being {told}")
    return next_status(status, event)
