"""From a signal to a bracket at the venue: size, build the orders, ask risk, intend. Or a refusal that says why."""

from theo.domain.approval import Approved, Refused
from theo.domain.effects import PlaceTicket
from theo.domain.facts import OrderMoved, SignalClosed, TradeIntended
from theo.domain.market_data import DAY
from theo.domain.orders import OrderType, Ticket
from theo.domain.signals import Proposal
from theo.engine.account import account_view, mark, option_worth
from theo.engine.decide.bracket import bracket
from theo.engine.decide.options import option_for
from theo.engine.decide.tend import entry_until
from theo.engine.order_life import OrderEvent
from theo.engine.scan import Scan
from theo.engine.state import TradeState
from theo.engine.trade_life import TradeStatus
from theo.engine.turn import Turn
from theo.risk.approve import approve_entry, approve_roll
from theo.risk.sizing import size_with_costs


def promote(turn: Turn, scan: Scan, signal: str, proposal: Proposal) -> None:
    """Open a trade for the signal if risk approves it; otherwise the signal fails, with its reason."""
    blocked, why = _blocked(turn, scan), ""
    if blocked is None and scan.options:
        bought = option_for(turn.state, turn.world, scan, proposal, turn.at)
        if isinstance(bought, Refused):
            blocked = bought
        else:
            proposal, why = bought.proposal, bought.why
    if blocked is not None:
        _refuse(turn, signal, blocked)
    else:
        _open(turn, scan, signal, proposal, why)


def _open(turn: Turn, scan: Scan, signal: str, proposal: Proposal, why: str) -> None:
    """Size and judge the entry, and send its bracket; ``why`` explains an option's choice."""
    world = turn.world
    instrument = world.instruments[proposal.instrument]
    account, worth = account_view(turn.state, world), option_worth(turn.state, world, proposal.instrument)
    sized = size_with_costs(
        proposal, instrument, account, world.limits, scan.sizing, lambda n: world.costs(instrument, n, proposal.entry), worth
    )
    if isinstance(sized, Refused):
        _refuse(turn, signal, sized)
        return
    trade = f"{turn.state.journal}-t{turn.state.issued}"
    ticket = bracket(turn, trade, proposal, sized.quantity, outside_rth=scan.terms.outside_rth, route=scan.terms.route)
    approved = approve_entry(proposal, instrument, ticket, account, world.limits, sized.risk, unit_worth=worth)
    if isinstance(approved, Refused):
        _refuse(turn, signal, approved)
        return
    turn.emit(
        TradeIntended(
            at=turn.at,
            id=trade,
            key=scan.key,
            signal=signal,
            instrument=proposal.instrument,
            side=proposal.side,
            quantity=sized.quantity,
            entry=proposal.entry,
            stop=proposal.stop,
            target=proposal.target,
            risk=sized.risk,
            approved=approved,
            exits=proposal.exits,
            why=why,
        )
    )
    turn.effects.append(PlaceTicket(approved))


def still_valid(turn: Turn, trade: TradeState) -> bool:
    """Whether an entry may still be sent: its trade waits for it, and the next decision of its configuration is not due yet.

    A trade that goes on in the next contract waits no longer for its bracket than for the books before it.
    """
    if trade.status is not TradeStatus.WAITING:
        return False
    if trade.rolled_at:
        return turn.at < trade.rolled_at + turn.world.settings.roll_wait
    scan = turn.world.scans.get(trade.key.config)
    if scan is None:
        return False
    return turn.at < min(trade.opened_at + (scan.primary.timeframe.length or DAY), entry_until(turn.world, trade))


def enter_again(turn: Turn, trade: TradeState) -> None:
    """Send an entry that certainly never arrived, if every rule passes again at the price of now; else it is given up.

    The same orders under the same ids: should both arrive after all, the venue refuses the second.
    """
    ticket = Ticket(tuple(turn.state.orders[o].order for o in trade.orders))
    approved = _approve_again(turn, trade, ticket)
    event, reason = OrderEvent.RESENT, "the broker's books lack it"
    if isinstance(approved, Refused):
        event, reason = OrderEvent.ABSENT, f"it never arrived, and is refused now: {approved.text}"
    for order in ticket.orders:
        turn.emit(OrderMoved(turn.at, order.id, event, reason))
    if not isinstance(approved, Refused):
        turn.alert("warning", "sent_again", f"trade {trade.id}: its entry never arrived and is sent again")
        turn.effects.append(PlaceTicket(approved))


def _approve_again(turn: Turn, trade: TradeState, ticket: Ticket) -> Approved[Ticket] | Refused:
    """Every rule once more, as if the trade were not there yet; of one that rolls those that protect."""
    world, order = turn.world, ticket.orders[0]
    instrument = world.instruments[trade.instrument]
    entry = trade.entry if order.type is not OrderType.MARKET else mark(turn.state, world, trade.instrument)
    proposal = Proposal(
        instrument=trade.instrument,
        side=trade.side,
        type=order.type,
        entry=entry,
        stop=trade.stop,
        target=trade.target,
        exits=trade.exits,
    )
    if trade.rolled_at:
        return approve_roll(proposal, instrument, ticket, account_view(turn.state, world, without=trade.id), world.limits)
    distance = abs(entry - trade.stop) * instrument.unit_value
    risk = order.quantity * distance + world.costs(instrument, order.quantity, entry)
    account = account_view(turn.state, world, without=trade.id)
    worth = option_worth(turn.state, world, trade.instrument)
    return approve_entry(proposal, instrument, ticket, account, world.limits, risk, unit_worth=worth)


def _blocked(turn: Turn, scan: Scan) -> Refused | None:
    """What stops a configuration before its size is asked: a person, or its own count of signals a day."""
    paused = turn.state.paused.get(scan.key.config)
    if paused is not None:
        return Refused("paused", 0, 1, f"{scan.key.config} is disabled by {paused}")
    done = turn.state.day.promotions.get(scan.key.config, 0)
    if done >= scan.terms.signals_per_day_max:
        most = scan.terms.signals_per_day_max
        return Refused("signals_per_day", done, most, f"{done} signals were promoted today, at most {most} are allowed")
    return None


def _refuse(turn: Turn, signal: str, refused: Refused) -> None:
    turn.emit(SignalClosed(signal, "FAILED", refused.text, refused))
