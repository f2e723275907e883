"""Telling a person."""

from typing import Protocol


class Notifier(Protocol):
    """Never blocks trading and never raises: a message that cannot be delivered is logged."""

    def tell(self, at: int, severity: str, code: str, text: str) -> None:
        """Hand the message over; ``severity`` is info, warning or page."""
