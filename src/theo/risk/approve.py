"""The only place that makes Approved values. Rules run in order; the first refusal ends it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from theo.domain.approval import Approved, Refused
from theo.domain.instrument import Instrument
from theo.domain.orders import Amendment, OcaType, Order, OrderRole, Ticket
from theo.domain.signals import Proposal
from theo.risk.account import AccountView
from theo.risk.entry import Entry
from theo.risk.limits import Limits
from theo.risk.rules.amendments import amendment_refused
from theo.risk.rules.bracket import bracket
from theo.risk.rules.breaker import breaker
from theo.risk.rules.contracts import contracts
from theo.risk.rules.exposure import exposure
from theo.risk.rules.halted import halted
from theo.risk.rules.leverage import leverage
from theo.risk.rules.losses import loss_limits, losses
from theo.risk.rules.open_trades import open_trades
from theo.risk.rules.prices import price_refused, prices
from theo.risk.rules.protection import protection
from theo.risk.rules.quantities import quantities
from theo.risk.rules.reconciled import reconciled
from theo.risk.rules.times_in_force import tif_refused, times_in_force
from theo.risk.rules.total_risk import total_risk
from theo.risk.rules.tradable import tradable
from theo.risk.rules.trade_risk import trade_risk
from theo.risk.rules.trades_per_day import trades_per_day

Rule = Callable[[Entry], Refused | None]

ENTRY_RULES: Final[tuple[Rule, ...]] = (
    halted,
    breaker,
    reconciled,
    tradable,
    prices,
    quantities,
    protection,
    bracket,
    times_in_force,
    open_trades,
    trades_per_day,
    contracts,
    exposure,
    leverage,
    trade_risk,
    total_risk,
    loss_limits,
)
RISK_RULES: Final[tuple[Rule, ...]] = (halted, breaker, reconciled, trade_risk, total_risk, loss_limits)
ENTRY_NAMES: Final = tuple(rule.__name__ for rule in ENTRY_RULES)

ROLL_RULES: Final[tuple[Rule, ...]] = (
    halted,
    breaker,
    reconciled,
    tradable,
    prices,
    quantities,
    protection,
    bracket,
    times_in_force,
)


def first_refusal(entry: Entry, rules: Iterable[Rule]) -> Refused | None:
    """The first rule's objection; None when all let it pass. Approves nothing."""
    for rule in rules:
        refused = rule(entry)
        if refused is not None:
            return refused
    return None


def approve_entry(
    proposal: Proposal,
    instrument: Instrument,
    ticket: Ticket,
    account: AccountView,
    limits: Limits,
    risk: int,
    *,
    stop_follows: bool = False,
    unit_worth: int = 0,
) -> Approved[Ticket] | Refused:
    """Judge an entry by every rule. ``risk`` is the loss at the stop with costs, micros; ``unit_worth`` as in Entry."""
    if not ticket.orders:
        return Refused("bracket", 0, 1, f"{instrument.symbol}: a ticket without an order")
    entry = Entry(proposal, instrument, ticket, account, limits, risk, stop_follows, unit_worth)
    refused = first_refusal(entry, ENTRY_RULES)
    return refused if refused is not None else Approved(ticket, ENTRY_NAMES)


def approve_roll(
    proposal: Proposal, instrument: Instrument, ticket: Ticket, account: AccountView, limits: Limits
) -> Approved[Ticket] | Refused:
    """Judge the bracket that opens in the next contract what was closed in the one before: every rule that protects.

    Those that count or limit are left out: no more is held than before the roll.
    """
    refused = first_refusal(Entry(proposal, instrument, ticket, account, limits, risk=0), ROLL_RULES)
    return refused if refused is not None else Approved(ticket, tuple(rule.__name__ for rule in ROLL_RULES))


def approve_spread(
    spread: Ticket, opens: Ticket, proposal: Proposal, instrument: Instrument, position: int, account: AccountView, limits: Limits
) -> Approved[Ticket] | Refused:
    """Judge an order of two legs that carries a position over: it reduces one contract, and opens as much of the next.

    ``opens`` is the bracket that would open it alone: every rule that protects must let that one pass. ``position`` is the signed
    quantity held of the contract that is left.
    """
    far = msgspec.structs.replace(spread.orders[-1], id=opens.orders[0].id, spread="")
    if far != opens.orders[0]:
        return Refused("spread", 0, 0, f"{instrument.symbol}: what the spread opens is not what was judged")
    approved = approve_roll(proposal, instrument, opens, account, limits)
    again = approved if isinstance(approved, Refused) else approve_spread_again(spread, position)
    if isinstance(again, Refused) or isinstance(approved, Refused):
        return again
    return Approved(spread, (*approved.passed, *again.passed))


def approve_spread_again(spread: Ticket, position: int) -> Approved[Ticket] | Refused:
    """Judge the same order again: after it no more is held than before, whatever of it is filled."""
    near, far = spread.orders
    turned = (far.side.opposite, far.quantity, far.instrument, far.account)
    if (near.side, near.quantity, near.instrument, near.account) != turned or near.contract == far.contract:
        return Refused("spread", far.quantity, near.quantity, f"{near.id} and {far.id} are not one position in two contracts")
    approved = approve_reduction(Ticket((near,)), position)
    return approved if isinstance(approved, Refused) else Approved(spread, ("spread", *approved.passed))


def approve_reduction(ticket: Ticket, position: int, working_exits: Sequence[Order] = ()) -> Approved[Ticket] | Refused:
    """Judge exits: whatever of them is filled, the position at most becomes zero. Limits never stand in the way of less risk.

    ``position`` is the signed quantity held. ``working_exits`` are exits already at the venue, with what is still open of
    them as their quantity. Orders of one exit group reduce each other: the largest counts; others add up.
    """
    reducing: dict[str, int] = {}
    loose = 0
    for order in (*working_exits, *ticket.orders):
        if order.role is OrderRole.ENTRY:
            return Refused("reduction", 0, 0, f"{order.id} opens a position: it is no exit")
        if order.quantity <= 0 or order.side.sign * position >= 0:
            text = f"{order.side} {order.quantity} does not reduce a position of {position}"
            return Refused("reduction", order.quantity, abs(position), text)
        if order.oca_group and order.oca_type is not OcaType.NONE:
            reducing[order.oca_group] = max(reducing.get(order.oca_group, 0), order.quantity)
        else:
            loose += order.quantity
    total = loose + sum(reducing.values())
    if total > abs(position):
        text = f"exits of {total} together would turn a position of {position} around"
        return Refused("reduction", total, abs(position), text)
    refused = next((found for found in (tif_refused(o, parent=False) for o in ticket.orders) if found is not None), None)
    return refused if refused is not None else Approved(ticket, ("reduction", "times_in_force"))


def approve_entry_change(
    proposal: Proposal, instrument: Instrument, before: Ticket, after: Ticket, account: AccountView, limits: Limits, risk: int
) -> tuple[Approved[Amendment], ...] | Refused:
    """Judge another form of a bracket that waits, by every rule of an entry, as if the one ``before`` were not there.

    One change for each order that differs. What protects grows before the entry does, and shrinks after it.
    """
    approved = approve_entry(proposal, instrument, after, account, limits, risk)
    if isinstance(approved, Refused):
        return approved
    changes = [
        Approved(Amendment(order=new.id, quantity=new.quantity, limit=new.limit, stop=new.stop, trail=new.trail), approved.passed)
        for old, new in zip(before.orders, after.orders, strict=True)
        if old != new
    ]
    grows = after.orders[0].quantity > before.orders[0].quantity
    return tuple(reversed(changes) if grows else changes)


def approve_exit(
    ticket: Ticket, instrument: Instrument, position: int, working_exits: Sequence[Order] = ()
) -> Approved[Ticket] | Refused:
    """Judge exits that a person asks for: as ``approve_reduction``; prices and sizes must be such as the venue takes."""
    for order in ticket.orders:
        refused = order_refused(order, instrument)
        if refused is not None:
            return refused
    approved = approve_reduction(ticket, position, working_exits)
    return approved if isinstance(approved, Refused) else Approved(ticket, ("prices", "quantities", *approved.passed))


def approve_exit_change(
    amendment: Amendment, order: Order, instrument: Instrument, open_quantity: int
) -> Approved[Amendment] | Refused:
    """Judge a person's change of a target or of a closing order: its price may move freely, its size to what is open."""
    refused = order_refused(amended(order, amendment), instrument)
    if refused is None and amendment.quantity > open_quantity:
        text = f"an exit of {amendment.quantity} for {open_quantity} open"
        refused = Refused("amendment", amendment.quantity, open_quantity, text)
    return refused if refused is not None else Approved(amendment, ("prices", "quantities", "amendment"))


def approve_looser_stop(amendment: Amendment, order: Order, entry: Entry, open_quantity: int) -> Approved[Amendment] | Refused:
    """Judge a stop that is moved away: as new risk, which is ``entry`` with the stop where it would be.

    Raises ValueError when the entry judged is not the change that is asked for.
    """
    if amendment.stop != entry.proposal.stop or entry.order.quantity != open_quantity:
        raise ValueError(f"{order.id}: what is judged is not what is asked for")
    refused = order_refused(amended(order, amendment), entry.instrument) or first_refusal(entry, RISK_RULES)
    return refused if refused is not None else Approved(amendment, tuple(rule.__name__ for rule in RISK_RULES))


def order_refused(order: Order, instrument: Instrument) -> Refused | None:
    """Why the venue would not take the order as it stands: its prices, its size."""
    refused = price_refused(order, instrument)
    if refused is None and (order.quantity <= 0 or order.quantity % instrument.contract_size):
        text = f"{instrument.symbol}: quantity {order.quantity} is not a positive multiple of {instrument.contract_size}"
        refused = Refused("quantities", order.quantity, instrument.contract_size, text)
    return refused


def amended(order: Order, amendment: Amendment) -> Order:
    """The order as it would be."""
    a = amendment
    return msgspec.structs.replace(order, quantity=a.quantity, limit=a.limit, stop=a.stop, trail=a.trail)


def approve_amendment(amendment: Amendment, order: Order, open_quantity: int) -> Approved[Amendment] | Refused:
    """Judge a change of an exit: a stop only ever tightens, a quantity only shrinks or follows what is open."""
    refused = amendment_refused(amendment, order, open_quantity)
    return refused if refused is not None else Approved(amendment, ("amendment",))


def breaker_check(account: AccountView, limits: Limits) -> Refused | None:
    """The loss limit that is reached now; None while all hold."""
    return losses(account, limits)
