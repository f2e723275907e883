"""The only place that makes Approved values. Rules run in order; the first refusal ends it."""

from collections.abc import Callable

from theo.domain.approval import Approved, Refused
from theo.domain.instrument import Instrument
from theo.domain.orders import Amendment, Order, OrderRole, Ticket
from theo.domain.signals import Proposal
from theo.risk.account import AccountView
from theo.risk.entry import Entry
from theo.risk.limits import Limits
from theo.risk.rules.breaker import breaker
from theo.risk.rules.exposure import exposure
from theo.risk.rules.halted import halted
from theo.risk.rules.leverage import leverage
from theo.risk.rules.losses import losses
from theo.risk.rules.open_trades import open_trades
from theo.risk.rules.prices import prices
from theo.risk.rules.protection import protection
from theo.risk.rules.quantities import quantities
from theo.risk.rules.reconciled import reconciled
from theo.risk.rules.times_in_force import tif_refused, times_in_force
from theo.risk.rules.total_risk import total_risk
from theo.risk.rules.tradable import tradable
from theo.risk.rules.trade_risk import trade_risk
from theo.risk.rules.trades_per_day import trades_per_day

ENTRY_RULES: tuple[Callable[[Entry], Refused | None], ...] = (
    halted,
    breaker,
    reconciled,
    tradable,
    prices,
    quantities,
    protection,
    times_in_force,
    open_trades,
    trades_per_day,
    exposure,
    leverage,
    trade_risk,
    total_risk,
)


def approve_entry(
    proposal: Proposal, instrument: Instrument, ticket: Ticket, account: AccountView, limits: Limits, risk: int
) -> Approved[Ticket] | Refused:
    """Judge an entry by every rule and by the loss limits. ``risk`` is the loss at the stop with costs, micros."""
    entry = Entry(proposal, instrument, ticket, account, limits, risk)
    for rule in ENTRY_RULES:
        refused = rule(entry)
        if refused is not None:
            return refused
    refused = losses(account, limits)
    if refused is not None:
        return refused
    return Approved(ticket, (*(rule.__name__ for rule in ENTRY_RULES), "losses"))


def approve_reduction(ticket: Ticket, position: int) -> Approved[Ticket] | Refused:
    """Judge exits: each order alone may at most bring the position to zero. Limits never stand in the way of less risk.

    ``position`` is the signed quantity held of the instrument.
    """
    for order in ticket.orders:
        if order.role is OrderRole.ENTRY:
            return Refused("reduction", 0, 0, "an entry is not an exit")
        if order.quantity <= 0 or order.side.sign * position >= 0 or order.quantity > abs(position):
            text = f"{order.side} {order.quantity} would not only reduce a position of {position}"
            return Refused("reduction", order.quantity, abs(position), text)
        refused = tif_refused(order, parent=False)
        if refused is not None:
            return refused
    return Approved(ticket, ("reduction", "times_in_force"))


def approve_amendment(amendment: Amendment, order: Order, open_quantity: int) -> Approved[Amendment] | Refused:
    """Judge a change of an exit: a stop only ever tightens, a quantity only shrinks or follows what is open."""
    if order.role is OrderRole.ENTRY:
        return Refused("amendment", 0, 0, "an entry is cancelled, never changed")
    if amendment.quantity <= 0 or amendment.quantity > max(order.quantity, open_quantity):
        text = f"an exit of {amendment.quantity} for {open_quantity} open"
        return Refused("amendment", amendment.quantity, open_quantity, text)
    if order.stop is not None and amendment.stop is not None and order.side.sign * (amendment.stop - order.stop) > 0:
        return Refused("amendment", amendment.stop, order.stop, "a stop is never loosened")
    return Approved(amendment, ("amendment",))


def breaker_check(account: AccountView, limits: Limits) -> Refused | None:
    """The loss limit that is breached now; None while all hold."""
    return losses(account, limits)
