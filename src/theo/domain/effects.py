"""What the core asks of the outside world. Released only when the record that carries them is durable.

Exempt, because safe to repeat: alerts, the halt latch, and cancels of orders that add risk.
"""

import msgspec

from theo.domain.approval import Approved
from theo.domain.orders import Amendment, Ticket


class PlaceTicket(msgspec.Struct, frozen=True, array_like=True, tag="place"):
    """Send these orders, once."""

    approved: Approved[Ticket]


class AmendOrder(msgspec.Struct, frozen=True, array_like=True, tag="amend"):
    """Change a working order."""

    approved: Approved[Amendment]


class CancelOrder(msgspec.Struct, frozen=True, array_like=True, tag="cancel"):
    """Cancel a working order. ``adds_risk`` says whether the order would open or enlarge a position."""

    order: str
    adds_risk: bool


class CancelEverything(msgspec.Struct, frozen=True, array_like=True, tag="cancel_everything"):
    """Cancel every order of the login at once, whoever placed it: for orders that can be cancelled in no other way."""

    reason: str


class AskBook(msgspec.Struct, frozen=True, array_like=True, tag="ask_book"):
    """Ask the broker for its books; the answer is a BookReported input."""

    reason: str


class Alert(msgspec.Struct, frozen=True, array_like=True, tag="alert"):
    """Tell a person. ``severity`` is info, warning or page; ``code`` names the kind for switches and once-only delivery."""

    severity: str
    code: str
    text: str


class LatchHalt(msgspec.Struct, frozen=True, array_like=True, tag="latch_halt"):
    """Write the durable halt latch at once."""

    reason: str


Effect = PlaceTicket | AmendOrder | CancelOrder | CancelEverything | AskBook | Alert | LatchHalt
