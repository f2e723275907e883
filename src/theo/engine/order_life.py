"""The life of an order as a table: (state, event) -> state. Illegal pairs raise; repeats and late reports are legal.

A fill always counts, also after a cancel or a rejection was reported: the state follows, the position is exact.
UNKNOWN (sent, no answer) counts as filled for limits and as absent for protection.
"""

from enum import StrEnum
from types import MappingProxyType


class OrderStatus(StrEnum):
    """Where an order stands, as far as we know."""

    INTENDED = "intended"
    UNKNOWN = "unknown"
    WORKING = "working"
    PARTIAL = "partly_filled"
    CANCELLING = "cancelling"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    LOST = "lost"  # certainly never arrived, or gone from the broker's books


class OrderEvent(StrEnum):
    """What can happen to an order."""

    ACCEPTED = "accepted"
    UNANSWERED = "unanswered"
    PART_FILL = "part_fill"
    FULL_FILL = "full_fill"
    CANCEL_ASKED = "cancel_asked"
    CANCEL_REFUSED = "cancel_refused"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ABSENT = "absent"
    RESENT = "resent"


S, E = OrderStatus, OrderEvent

_ENDINGS = {E.CANCELLED: S.CANCELLED, E.REJECTED: S.REJECTED, E.EXPIRED: S.EXPIRED, E.FULL_FILL: S.FILLED}
_LIVE = {**_ENDINGS, E.UNANSWERED: S.UNKNOWN, E.ABSENT: S.LOST}
# A report for an order that has ended changes nothing, but a fill that crossed the cancel counts.
_ENDED = {E.FULL_FILL: S.FILLED}


def _ended(status: OrderStatus) -> dict[OrderEvent, OrderStatus]:
    same = (E.ACCEPTED, E.UNANSWERED, E.PART_FILL, E.CANCEL_REFUSED, E.CANCELLED, E.REJECTED, E.EXPIRED, E.ABSENT)
    return {**dict.fromkeys(same, status), **_ENDED}


LIFE: MappingProxyType[OrderStatus, dict[OrderEvent, OrderStatus]] = MappingProxyType(
    {
        S.INTENDED: {
            **_LIVE,
            E.ACCEPTED: S.WORKING,
            E.PART_FILL: S.PARTIAL,
            E.CANCEL_ASKED: S.CANCELLING,
            E.CANCEL_REFUSED: S.INTENDED,
        },
        S.UNKNOWN: {
            **_LIVE,
            E.ACCEPTED: S.WORKING,
            E.PART_FILL: S.PARTIAL,
            E.CANCEL_ASKED: S.CANCELLING,
            E.CANCEL_REFUSED: S.UNKNOWN,
            E.RESENT: S.INTENDED,
        },
        S.WORKING: {
            **_LIVE,
            E.ACCEPTED: S.WORKING,
            E.PART_FILL: S.PARTIAL,
            E.CANCEL_ASKED: S.CANCELLING,
            E.CANCEL_REFUSED: S.WORKING,
        },
        S.PARTIAL: {
            **_LIVE,
            E.ACCEPTED: S.PARTIAL,
            E.PART_FILL: S.PARTIAL,
            E.CANCEL_ASKED: S.CANCELLING,
            E.CANCEL_REFUSED: S.PARTIAL,
        },
        S.CANCELLING: {
            **_LIVE,
            E.ACCEPTED: S.CANCELLING,
            E.PART_FILL: S.CANCELLING,
            E.CANCEL_ASKED: S.CANCELLING,
            E.CANCEL_REFUSED: S.UNKNOWN,  # it may have ended, and the report is still on its way: ask, do not guess
        },
        S.FILLED: {**_ended(S.FILLED)},
        S.CANCELLED: {**_ended(S.CANCELLED)},
        S.REJECTED: {**_ended(S.REJECTED)},
        S.EXPIRED: {**_ended(S.EXPIRED)},
        # An answer may come later than our bound for it.
        S.LOST: {**_LIVE, E.ACCEPTED: S.WORKING, E.PART_FILL: S.PARTIAL, E.RESENT: S.INTENDED, E.CANCEL_REFUSED: S.LOST},
    }
)

ENDED = frozenset({S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED, S.LOST})
UNCERTAIN = frozenset({S.INTENDED, S.UNKNOWN})  # nobody has confirmed it yet
AWAITING = frozenset({S.INTENDED, S.CANCELLING})  # the broker owes an answer; of UNKNOWN it is asked for with the books
LIVE = frozenset({S.WORKING, S.PARTIAL, S.CANCELLING})  # the broker has confirmed it and it has not ended


def next_status(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    """The state after ``event``; raises ValueError for an illegal pair (a bug in decide, never a broker's fault)."""
    following = LIFE[status].get(event)
    if following is None:
        raise ValueError(f"an order that is {status} cannot meet {event}")
    return following
