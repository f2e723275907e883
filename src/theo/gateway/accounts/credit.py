"""What an order would do to an account: the check before an order is taken, and the answer to a what-if order."""

from typing import NamedTuple

from theo.domain.instrument import SecurityType
from theo.gateway.accounts.ledger import FUTURES, Ledgers
from theo.gateway.accounts.margin import Margin
from theo.gateway.accounts.valuation import margin_of, mark, rate, worth
from theo.gateway.desk import Desk, Listing


class Effect(NamedTuple):
    """Margin and equity with loan value, before and after; micros of US dollars."""

    margin_before: Margin
    equity_before: int
    margin_after: Margin
    equity_after: int

    @property
    def affordable(self) -> bool:
        """Whether the equity covers the initial margin afterwards, or the order needs no more than before."""
        return self.equity_after >= self.margin_after.initial or self.eases

    @property
    def eases(self) -> bool:
        """Whether less is tied up afterwards."""
        free_before = self.equity_before - self.margin_before.initial
        return self.equity_after - self.margin_after.initial >= free_before


def effect(desk: Desk, ledgers: Ledgers, account: str, listing: Listing, trade: tuple[int, int | None, int]) -> Effect:
    """Of a trade of (quantity, signed; price in price units; charges in micros); without a price only charges count."""
    quantity, price, charges = trade
    now = worth(desk, ledgers, account)
    held = ledgers.accounts[account].holdings.get(listing.con_id)
    holds = 0 if held is None else held.quantity
    at_market = mark(desk.market.quote(listing.con_id))
    market = at_market if at_market is not None else price
    before, after = (margin_of(desk, listing, size, market) for size in (holds, holds + quantity))
    margin = now.margin.plus(after).minus(before)
    return Effect(now.margin, now.equity, margin, now.equity - charges - _paid(desk, listing, quantity, price, market))


def _paid(desk: Desk, listing: Listing, quantity: int, price: int | None, market: int | None) -> int:
    """Equity with loan value that a trade takes: the price of options, and what is paid beyond the market."""
    kind = listing.instrument.security_type
    if price is None or market is None or kind is SecurityType.CASH:
        return 0
    lost = price if kind is SecurityType.OPT else 0 if kind in FUTURES else max(0, (price - market) * (1 if quantity > 0 else -1))
    signed = quantity if kind is SecurityType.OPT else abs(quantity)
    return int((signed * lost * listing.instrument.unit_value * rate(desk, listing.instrument.currency)).to_integral_value())
