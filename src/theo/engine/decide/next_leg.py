"""A trade goes on in the next contract: the levels moved by the difference, a bracket as large as what was closed."""

import msgspec

from theo.domain.approval import Refused
from theo.domain.effects import PlaceTicket
from theo.domain.facts import LegRolled, OrdersIntended
from theo.domain.instrument import Instrument
from theo.domain.orders import OrderRole, OrderType, Side, Ticket
from theo.domain.signals import Proposal
from theo.engine.account import account_view, mark
from theo.engine.decide.bracket import bracket
from theo.engine.state import TradeState
from theo.engine.turn import Turn
from theo.risk.approve import approve_roll


class Levels(msgspec.Struct, frozen=True):
    """Where a trade's exits stand in the next contract, on the tick grid; ``trail``: at which distance its stop follows."""

    stop: int
    target: int | None
    trail: int | None


def next_levels(turn: Turn, trade: TradeState) -> Levels:
    """The trade's exits moved by the difference of the contracts."""
    instrument, front = turn.world.instruments[trade.instrument], turn.state.fronts[trade.instrument]
    price, trail = mark(turn.state, turn.world, trade.instrument), _trail(turn, trade)
    stop = trade.stop + front.difference
    if trail is not None:  # where it stands by now is the venue's to know: never looser than from here
        stop = trade.side.sign * max(trade.side.sign * stop, trade.side.sign * price - trail)
    target = None if trade.target is None else _target(instrument, trade.side, trade.target + front.difference)
    return Levels(_stop(instrument, trade.side, stop), target, trail)


def next_bracket(turn: Turn, trade: TradeState, quantity: int, levels: Levels) -> tuple[Proposal, Ticket]:
    """What opens ``quantity`` in the next contract, with these exits."""
    proposal = Proposal(
        instrument=trade.instrument,
        side=trade.side,
        type=OrderType.MARKET,
        entry=mark(turn.state, turn.world, trade.instrument),
        stop=levels.stop,
        target=levels.target,
    )
    before = turn.state.orders[trade.orders[0]].order
    ticket = bracket(turn, trade.id, proposal, quantity, outside_rth=before.outside_rth, route=before.route, rolled=True)
    return proposal, ticket if levels.trail is None else _trailing(ticket, levels.trail)


def next_leg(turn: Turn, trade: TradeState, quantity: int) -> Refused | None:
    """End the deal of the contract that was left, and open ``quantity`` in the front; or what forbids it."""
    levels = next_levels(turn, trade)
    proposal, ticket = next_bracket(turn, trade, quantity, levels)
    instrument = turn.world.instruments[trade.instrument]
    approved = approve_roll(proposal, instrument, ticket, account_view(turn.state, turn.world), turn.world.limits)
    if isinstance(approved, Refused):
        return approved
    end_leg(turn, trade, quantity, levels.stop, levels.target)
    turn.emit(OrdersIntended(turn.at, trade.id, approved, "roll"))
    turn.effects.append(PlaceTicket(approved))
    return None


def end_leg(turn: Turn, trade: TradeState, reopened: int, stop: int, target: int | None) -> None:
    """The deal of the contract that was left is over; the trade goes on in the front."""
    front, unit_value = turn.state.fronts[trade.instrument], turn.world.unit_values[trade.instrument]
    turn.emit(
        LegRolled(
            at=turn.at,
            trade=trade.id,
            previous=trade.contract,
            contract=front.name,
            difference=front.difference,
            quantity=trade.in_quantity,
            entry_sum=trade.in_sum,
            exit_sum=trade.out_sum,
            gross=trade.side.sign * (trade.out_sum - trade.in_sum) * unit_value,
            charges=trade.charges,
            reopened=reopened,
            stop=stop,
            target=target,
            carried=0 if trade.ahead is None else trade.ahead.in_quantity,
        )
    )


def _trail(turn: Turn, trade: TradeState) -> int | None:
    """The distance at which the trade's newest stop follows; None for a fixed one."""
    stops = [o.order for o in (turn.state.orders[i] for i in trade.orders) if o.order.role is OrderRole.STOP]
    return stops[-1].trail if stops else None


def _trailing(ticket: Ticket, trail: int) -> Ticket:
    follows = {"type": OrderType.TRAILING_STOP, "trail": trail}
    return Ticket(tuple(msgspec.structs.replace(o, **follows) if o.role is OrderRole.STOP else o for o in ticket.orders))


def _stop(instrument: Instrument, side: Side, price: int) -> int:
    """Sell stops round down, buy stops up."""
    return instrument.floor_to_tick(price) if side is Side.BUY else instrument.ceil_to_tick(price)


def _target(instrument: Instrument, side: Side, price: int) -> int:
    """Sell limits round up, buy limits down."""
    return instrument.ceil_to_tick(price) if side is Side.BUY else instrument.floor_to_tick(price)
