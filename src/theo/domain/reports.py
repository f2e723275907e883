"""What a broker or venue says of our orders. All are inputs of the core; every one may come twice, late or out of order.

``order`` is our client order id. Times are microseconds UTC; ``at`` is when the platform received the report.
"""

import msgspec

from theo.domain.orders import Order


class OrderAccepted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="accepted"):
    """The order rests at (or was taken by) the venue. ``broker_id`` is IB's permId, another broker's id elsewhere.

    ``broker`` names who gave it; ``client_id`` and ``handle`` are IB's client id and its order id of that client, else 0.
    """

    at: int
    order: str
    broker_id: str
    broker: str = ""
    client_id: int = 0
    handle: int = 0


class OrderRejected(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="rejected"):
    """The venue will not take the order. ``code`` is the broker's error number, 0 if it has none."""

    at: int
    order: str
    code: int
    reason: str


class OrderFilled(msgspec.Struct, frozen=True, gc=False, array_like=True, kw_only=True, tag="filled"):
    """One execution. ``quantity`` is positive; ``charges`` are micros of the currency (estimate, unless ``final``)."""

    at: int
    order: str
    execution: str
    timestamp: int
    quantity: int
    price: int
    charges: int
    final: bool = True


class FillCorrected(msgspec.Struct, frozen=True, gc=False, array_like=True, kw_only=True, tag="corrected"):
    """An execution as the venue states it now, in the place of those in ``replaces``, of which at most one was counted.

    The other fields are those of OrderFilled.
    """

    at: int
    order: str
    execution: str
    replaces: tuple[str, ...]
    timestamp: int
    quantity: int
    price: int
    charges: int
    final: bool = True


class ChargesReported(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="charges"):
    """What an execution cost, told after it: these charges (micros) take the place of those that were counted."""

    at: int
    order: str
    execution: str
    charges: int


class OrderCancelled(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="cancelled"):
    """The order is dead, by our wish or the venue's."""

    at: int
    order: str
    reason: str


class OrderExpired(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="expired"):
    """The order's time in force ended."""

    at: int
    order: str


class OrderAmended(msgspec.Struct, frozen=True, gc=False, array_like=True, kw_only=True, tag="amended"):
    """The working order now has these values (by our amendment, or by the venue's reduction of an exit group)."""

    at: int
    order: str
    quantity: int
    limit: int | None = None
    stop: int | None = None
    trail: int | None = None


class ActionRejected(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="action_rejected"):
    """A cancel or an amendment was refused; the order is as it was. ``action`` is "cancel" or "amend"."""

    at: int
    order: str
    action: str
    reason: str


class SendFailed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="send_failed"):
    """The link was down before the send: the order certainly never left."""

    at: int
    order: str
    reason: str


class SendUnknown(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="send_unknown"):
    """The link was lost during or after the send: the order may live at the broker."""

    at: int
    order: str
    reason: str


class BookOrder(msgspec.Struct, frozen=True, array_like=True, tag="book_order"):
    """One order in the broker's own books, working or done, with what was filled of it; its names as in OrderAccepted."""

    order: Order
    broker_id: str
    status: str  # working | filled | cancelled | rejected | expired
    filled: int
    broker: str = ""
    client_id: int = 0
    handle: int = 0


class BookReported(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="book"):
    """The broker's books in one answer: orders (open, and completed as far back as asked), executions, positions.

    ``elsewhere`` counts the working orders of the login in other accounts.
    ``months``: positions of futures by instrument id and contract; None from a venue that does not tell contracts apart.
    ``nothing_in_flight``: what was sent before and is not listed can arrive no more (an exchange in the same process).
    """

    at: int
    orders: tuple[BookOrder, ...]
    executions: tuple[OrderFilled | FillCorrected, ...]  # of an execution and its corrections only the newest
    positions: dict[int, int]  # instrument id -> signed quantity
    nothing_in_flight: bool = False
    elsewhere: int = 0
    months: dict[int, dict[str, int]] | None = None


OrderReport = (
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
