"""Closing fills matched to the lots that they close, and what each match realised. Prices in price units, money in micros.

A lot is one opening execution of one account, or what is left of it. FIFO closes the oldest lot first, LIFO the newest. Charges
go with the contracts: a part of a lot takes its part of them, rounded down, and the last part takes the rest, so that nothing
is lost. The results of all matches, and the lots that are open, hold exactly what was paid and received.
"""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from theo.domain.instrument import Instrument


class LotMethod(StrEnum):
    """Which lot a closing fill closes first."""

    FIFO = "FIFO"
    LIFO = "LIFO"


class Execution(msgspec.Struct, frozen=True):
    """One execution of one account: ``quantity`` signed, ``charges`` in micros, ``at`` by the exchange."""

    account: str
    instrument: int
    at: int
    quantity: int
    price: int
    charges: int


class Match(msgspec.Struct, frozen=True):
    """So much of a lot was closed. ``quantity`` is signed as the lot was: positive for one that was bought."""

    account: str
    instrument: int
    quantity: int
    opened_at: int
    entry: int
    closed_at: int
    exit: int
    gross: int
    charges: int

    @property
    def net(self) -> int:
        """Realised profit after the charges of both sides, micros."""
        return self.gross - self.charges


class Lots:
    """``open`` holds what is not closed yet, by account and instrument, oldest first."""

    def __init__(self, method: LotMethod, instruments: Mapping[int, Instrument]) -> None:
        self._method, self._instruments = method, instruments
        self.open: dict[tuple[str, int], deque[Execution]] = {}
        self.matches: list[Match] = []

    def take(self, execution: Execution) -> None:
        """Close lots of the other direction, and open one with what is left."""
        held = self.open.setdefault((execution.account, execution.instrument), deque())
        while execution.quantity and held and (held[0].quantity > 0) != (execution.quantity > 0):
            lot = held.popleft() if self._method is LotMethod.FIFO else held.pop()
            size = min(abs(lot.quantity), abs(execution.quantity))
            closed, rest = _cut(lot, size)
            closing, execution = _cut(execution, size)
            self.matches.append(self._match(closed, closing))
            if rest.quantity and self._method is LotMethod.FIFO:
                held.appendleft(rest)
            elif rest.quantity:
                held.append(rest)
        if execution.quantity:
            held.append(execution)

    def _match(self, lot: Execution, closing: Execution) -> Match:
        unit_value = self._instruments[lot.instrument].unit_value
        return Match(
            account=lot.account,
            instrument=lot.instrument,
            quantity=lot.quantity,
            opened_at=lot.at,
            entry=lot.price,
            closed_at=closing.at,
            exit=closing.price,
            gross=lot.quantity * (closing.price - lot.price) * unit_value,
            charges=lot.charges + closing.charges,
        )


def _cut(execution: Execution, size: int) -> tuple[Execution, Execution]:
    """So many contracts of it with their part of the charges, and the rest."""
    whole = abs(execution.quantity)
    sign, charges = execution.quantity // whole, execution.charges * size // whole
    part = msgspec.structs.replace(execution, quantity=sign * size, charges=charges)
    return part, msgspec.structs.replace(execution, quantity=sign * (whole - size), charges=execution.charges - charges)
