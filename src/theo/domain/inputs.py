"""Everything that may reach the core. Market data and order reports are inputs too (market_data.py, reports.py).

Each has ``at``: when the platform learned of it, microseconds UTC. Core time is max(previous, at).
"""

import msgspec

from theo.domain.asked import Asked, MarginTold
from theo.domain.keys import Key
from theo.domain.market_data import MarketData
from theo.domain.reports import (
    ActionRejected,
    BookReported,
    ChargesReported,
    FillCorrected,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    SendFailed,
    SendUnknown,
)


class Started(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="started"):
    """The process began, or began again: intents without an answer become UNKNOWN, then the books are compared.

    ``cash`` (micros) is what a first run begins with; ``world`` is the canonical JSON of what the process knows.
    """

    at: int
    key: Key
    build: str
    cash: int
    world: str


class TimerFired(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="timer"):
    """Time has come to ``at``, whether or not data came."""

    at: int


class LinkChanged(msgspec.Struct, frozen=True, array_like=True, tag="link"):
    """The connection to the broker is up or down."""

    at: int
    up: bool
    reason: str


class Command(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="command"):
    """A person's order to the platform: halt, resume, flatten, reset_breaker, close_trade, cancel_order.

    ``id`` is unique: a repeat within 24 hours returns the recorded outcome. What is asked of orders stands in ``payload``, and
    its type says what is to be done; ``name`` is then for people. ``margins``: what the broker said of each entry, where asked.
    """

    at: int
    id: str
    actor: str
    name: str
    reason: str
    subject: str = ""
    payload: Asked | None = None
    margins: tuple[MarginTold, ...] = ()


Report = (
    OrderAccepted
    | OrderRejected
    | OrderFilled
    | FillCorrected
    | ChargesReported
    | OrderCancelled
    | OrderExpired
    | OrderAmended
    | ActionRejected
    | SendFailed
    | SendUnknown
)
Input = MarketData | TimerFired | Started | LinkChanged | Command | BookReported | Report
