"""The ledger of each account: cash by currency, positions with what they cost, and the result of the day.

All amounts are integers, micros (1e-6) of the position's currency; every part of a cost that leaves the books was in them, so
cash and cost add up to the last micro. What a position is worth now is in valuation.py.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from theo.domain.errors import CorruptionError
from theo.domain.instrument import CASH_DECIMALS, MICROS, Instrument, SecurityType

BASE_CURRENCY = "USD"
FUTURES = frozenset({SecurityType.FUT, SecurityType.CONTFUT})


class Holding(msgspec.Struct):
    """A position. ``cost``: paid for what is held, negative when received; ``fees``: charges of opening it, still held.

    ``realized`` is of the day; ``day_basis`` is its worth at the begin of the day and everything paid for it since.
    """

    quantity: int = 0
    cost: int = 0
    fees: int = 0
    realized: int = 0
    day_basis: int = 0

    @property
    def basis(self) -> int:
        """Cost with charges: what IB's average cost is made of."""
        return self.cost + self.fees

    def average_cost(self) -> Decimal:
        """Cost of one contract or share, charges included, the multiplier in it; 0 when nothing is held."""
        return money(self.basis) / self.quantity if self.quantity else Decimal(0)


class Account(msgspec.Struct):
    """One account: ``cash`` in micros by currency, ``holdings`` by conId. One that was closed today stays until the day ends."""

    cash: dict[str, int]
    holdings: dict[int, Holding] = {}


def money(micros: int) -> Decimal:
    """Micros as an exact amount."""
    return Decimal(micros).scaleb(-CASH_DECIMALS)


def share(total: int, part: int, whole: int) -> int:
    """``part`` of ``whole`` of a total, to the nearest micro, halves to even; the whole of it is exactly the total."""
    quotient, rest = divmod(total * part, whole)
    return quotient + (2 * rest > whole or (2 * rest == whole and quotient % 2 == 1))


class Ledgers:
    """All accounts, and which positions have changed since somebody last asked. Amounts of opening cash are US dollars."""

    __slots__ = ("_changed", "accounts")

    def __init__(self, accounts: Sequence[str], cash: int) -> None:
        self.accounts: dict[str, Account] = {name: Account({BASE_CURRENCY: cash * MICROS}) for name in accounts}
        self._changed: dict[tuple[str, int], None] = {}

    def book(self, account: str, instrument: Instrument, quantity: int, price: int, charges: int) -> int | None:
        """Book an execution: ``quantity`` signed, ``price`` in price units, ``charges`` in micros.

        The result is what was realized, charges included; None for an execution that only opens.
        """
        books = self.accounts[account]
        holding = books.holdings.setdefault(instrument.token, Holding())
        closing = min(abs(quantity), abs(holding.quantity)) if quantity * holding.quantity < 0 else 0
        each = (price if quantity > 0 else -price) * instrument.unit_value
        charges_closing = share(charges, closing, abs(quantity))
        gross, realized = 0, None
        if closing:
            cost, fees = (share(amount, closing, abs(holding.quantity)) for amount in (holding.cost, holding.fees))
            gross = -closing * each - cost
            realized = gross - fees - charges_closing
            holding.cost, holding.fees, holding.realized = holding.cost - cost, holding.fees - fees, holding.realized + realized
        holding.cost += (abs(quantity) - closing) * each
        holding.fees += charges - charges_closing
        holding.quantity += quantity
        holding.day_basis += abs(quantity) * each + charges
        self._pay(books, instrument, quantity, abs(quantity) * each, gross, charges)
        return realized

    def _pay(self, books: Account, instrument: Instrument, quantity: int, value: int, gross: int, charges: int) -> None:
        cash, currency = books.cash, instrument.currency
        if instrument.security_type in FUTURES:  # nothing is paid but the result
            cash[currency] = cash.get(currency, 0) + gross - charges
            return
        cash[currency] = cash.get(currency, 0) - value - charges
        if instrument.security_type is SecurityType.CASH:
            bought = instrument.symbol.partition(".")[0]
            cash[bought] = cash.get(bought, 0) + quantity * MICROS

    def correct(self, account: str, instrument: Instrument, quantity: int, by: int, *, opened: bool) -> int:
        """The newest execution's price was too low by so many price units: what was paid for it is more, by the result.

        ``opened``: it only opened, so its cost was too low; otherwise too much was realized.
        """
        books, more = self.accounts[account], quantity * by * instrument.unit_value
        holding = books.holdings.setdefault(instrument.token, Holding())
        holding.day_basis += more
        if opened:
            holding.cost += more
        else:
            holding.realized -= more
        if not (opened and instrument.security_type in FUTURES):
            books.cash[instrument.currency] = books.cash.get(instrument.currency, 0) - more
        return more

    def changed(self, account: str, con_id: int) -> None:
        """Whoever watches positions is to be told of this one."""
        self._changed[account, con_id] = None

    @property
    def has_news(self) -> bool:
        """Whether a position has changed that nobody was told of."""
        return bool(self._changed)

    def take_news(self) -> list[tuple[str, int]]:
        """(account, conId) of the positions that have changed, once, in the order in which they did."""
        news = list(self._changed)
        self._changed.clear()
        return news

    def begin_day(self, worth: Mapping[tuple[str, int], int]) -> None:
        """A new day: results begin at 0, at what each position is worth now, in micros by (account, conId)."""
        for name, books in self.accounts.items():
            books.holdings = {con_id: held for con_id, held in books.holdings.items() if held.quantity}
            for con_id, held in books.holdings.items():
                held.realized, held.day_basis = 0, worth[name, con_id]

    def state(self) -> object:
        """The accounts as plain values."""
        return msgspec.to_builtins(self.accounts, str_keys=True)

    def restore(self, state: object) -> None:
        """Go on with these accounts. Raises CorruptionError when they are none."""
        try:
            self.accounts = msgspec.convert(state, dict[str, Account], str_keys=True, strict=False)
        except msgspec.ValidationError as error:
            raise CorruptionError(f"the gateway's accounts cannot be read: {error}", remedy="Start anew") from error
        self._changed.clear()
