"""The life of a trade as a table: (state, event) -> state."""

from enum import StrEnum
from types import MappingProxyType


class TradeStatus(StrEnum):
    """Waiting for its entry, running, closing, rolling (closing in its contract, to go on in the next), or over."""

    WAITING = "waiting"
    RUNNING = "running"
    CLOSING = "closing"
    ROLLING = "rolling"
    CLOSED = "closed"
    FAILED = "failed"


class TradeEvent(StrEnum):
    """What can happen to a trade."""

    FILLED_IN = "filled_in"
    FILLED_OUT = "filled_out"
    CLOSE_ASKED = "close_asked"
    FLAT = "flat"
    NEVER_FILLED = "never_filled"
    ROLL_ASKED = "roll_asked"
    LEG_ROLLED = "leg_rolled"
    NOT_REOPENED = "not_reopened"  # closed in an earlier contract, and the next one's entry came to nothing


S, E = TradeStatus, TradeEvent

LIFE: MappingProxyType[TradeStatus, dict[TradeEvent, TradeStatus]] = MappingProxyType(
    {
        S.WAITING: {
            E.FILLED_IN: S.RUNNING,
            E.FILLED_OUT: S.RUNNING,  # an exit that the venue filled before we heard of the entry
            E.CLOSE_ASKED: S.CLOSING,
            E.NEVER_FILLED: S.FAILED,
            E.NOT_REOPENED: S.CLOSED,
        },
        S.RUNNING: {
            E.FILLED_IN: S.RUNNING,
            E.FILLED_OUT: S.RUNNING,
            E.CLOSE_ASKED: S.CLOSING,
            E.ROLL_ASKED: S.ROLLING,
            E.FLAT: S.CLOSED,
        },
        S.ROLLING: {
            E.FILLED_IN: S.ROLLING,
            E.FILLED_OUT: S.ROLLING,
            E.CLOSE_ASKED: S.CLOSING,
            E.LEG_ROLLED: S.WAITING,
            E.FLAT: S.CLOSED,
        },
        S.CLOSING: {
            E.FILLED_IN: S.CLOSING,
            E.FILLED_OUT: S.CLOSING,
            E.CLOSE_ASKED: S.CLOSING,
            E.LEG_ROLLED: S.CLOSING,  # what a spread had carried over is closed there
            E.FLAT: S.CLOSED,
            E.NEVER_FILLED: S.FAILED,
            E.NOT_REOPENED: S.CLOSED,
        },
        # A fill that comes after the end (both legs of an exit group, a ghost): the trade runs again until it is flat.
        S.CLOSED: {E.FILLED_IN: S.RUNNING, E.FILLED_OUT: S.RUNNING},
        S.FAILED: {E.FILLED_IN: S.RUNNING, E.FILLED_OUT: S.RUNNING},
    }
)

OVER = frozenset({S.CLOSED, S.FAILED})


def next_status(status: TradeStatus, event: TradeEvent) -> TradeStatus:
    """The state after ``event``; raises ValueError for an illegal pair."""
    following = LIFE[status].get(event)
    if following is None:
        raise ValueError(f"a trade that is {status} cannot meet {event}")
    return following
