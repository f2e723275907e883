"""Entries that a person asks for: planned like a strategy's, judged by the same rules, sent by the same path.

A plan changes nothing: it is what `theo order check` shows too.
"""

import msgspec

from theo.domain.approval import Approved
from theo.domain.asked import CheckAsked, EntryAsked, MarginTold, PairAsked
from theo.domain.effects import PlaceTicket
from theo.domain.facts import TradeIntended
from theo.domain.instrument import MICROS, Instrument
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Ticket
from theo.domain.signals import Proposal
from theo.engine.account import account_view, option_worth
from theo.engine.decide.bracket import child_of, front_name
from theo.engine.decide.wishes import (
    MANUAL,
    Answer,
    UnfitError,
    countable,
    instrument_of,
    last_price,
    level_of,
    passed,
    price_of,
    within_bounds,
    wrong_side,
)
from theo.engine.state import State
from theo.engine.turn import Turn
from theo.engine.world import World
from theo.risk.account import AccountView
from theo.risk.approve import approve_entry
from theo.risk.limits import STOCKS
from theo.risk.rules.protection import AT_ONCE
from theo.risk.sizing import Sizing, size_with_costs

NO_STOP = "an entry needs its protective stop: name a price or per cent (stop), or an amount to trail by (stop_trail)"
AT_ONCE_TEXT = (
    "IB takes no stop beside an IOC or FOK entry; use DAY or GTC, or let its stop follow the fill: "
    '[orders] entries = "stop after fill"'
)
TARGET_LATER = "an entry that fills at once has no target beside it; name the target once it has filled"


class PlannedEntry(msgspec.Struct, frozen=True):
    """An entry that every rule lets pass, not sent yet. ``risk`` is the loss at the stop with costs, micros."""

    trade: str
    proposal: Proposal
    quantity: int
    risk: int
    approved: Approved[Ticket]


class EntryPrices(msgspec.Struct, frozen=True):
    """The entry's own prices, in price units, None where its type has none."""

    limit: int | None
    trigger: int | None
    trail: int | None


def place_entries(turn: Turn, asked: EntryAsked | PairAsked, margins: tuple[MarginTold, ...]) -> Answer:
    """Open a trade by hand, or two of which one cancels the other: both, or none. Raises UnfitError."""
    plans = plan_entries(turn.state, turn.world, asked)
    judge_margins(turn.world, plans, margins)
    for planned in plans:
        send(turn, planned)
    return Answer(accepted=True, text=_all_said(turn.world, plans), orders=_orders(plans))


def check_entries(turn: Turn, asked: CheckAsked, margins: tuple[MarginTold, ...]) -> Answer:
    """What would come of it; nothing is sent, and no trade is opened. Raises UnfitError."""
    plans = plan_entries(turn.state, turn.world, asked.asked)
    if margins:
        judge_margins(turn.world, plans, margins)
    risk = sum(planned.risk for planned in plans) / MICROS
    return Answer(accepted=True, text=f"would be sent, {risk:,.2f} at risk: {_all_said(turn.world, plans)}")


def plan_entries(state: State, world: World, asked: EntryAsked | PairAsked) -> tuple[PlannedEntry, ...]:
    """Every entry that is asked for, judged; nothing is changed. Raises UnfitError."""
    return plan_pair(state, world, asked) if isinstance(asked, PairAsked) else (plan_entry(state, world, asked),)


def judge_margins(world: World, plans: tuple[PlannedEntry, ...], margins: tuple[MarginTold, ...]) -> None:
    """Raise UnfitError for what the broker would not take, or must be asked about and was not."""
    if world.settings.margin_required and len(margins) != len(plans):
        raise UnfitError("margin", "the broker has not said what the order would do to margin, and [orders] wants it to", 0, 1)
    for told in margins:
        if told.refused:
            raise UnfitError("margin", f"the broker would not take the order: {told.refused}")
        needed, equity = told.initial_after, told.equity_after
        if needed is not None and equity is not None and needed > equity:
            text = f"initial margin would be {needed / MICROS:,.2f} on equity of {equity / MICROS:,.2f} {told.currency}"
            raise UnfitError("margin", text, needed / MICROS, equity / MICROS)


def _orders(plans: tuple[PlannedEntry, ...]) -> tuple[str, ...]:
    return tuple(order.id for planned in plans for order in planned.approved.subject.orders)


def _all_said(world: World, plans: tuple[PlannedEntry, ...]) -> str:
    return "; or: ".join(said(world, planned) for planned in plans)


def plan_pair(state: State, world: World, asked: PairAsked) -> tuple[PlannedEntry, PlannedEntry]:
    """Both entries, the second judged as if the first were filled. Raises UnfitError."""
    if {asked.first.tif, asked.second.tif} & AT_ONCE:
        raise UnfitError("times_in_force", "an entry that fills at once or not at all cannot wait for another one")
    group = f"{state.journal}-{state.issued}-either"
    first = plan_entry(state, world, asked.first, group=group)
    account = _with(account_view(state, world), world, first)
    return first, plan_entry(state, world, asked.second, group=group, place=1, account=account)


def plan_entry(
    state: State, world: World, asked: EntryAsked, *, group: str = "", place: int = 0, account: AccountView | None = None
) -> PlannedEntry:
    """Sized, built and approved; ``place`` counts the tickets of one command. Raises UnfitError."""
    within_bounds(asked)
    instrument = instrument_of(world, asked.symbol)
    if not instrument.tradable:
        raise UnfitError("tradable", f"{instrument.symbol} is an index: it is quoted by last only and cannot be ordered", 0, 1)
    last = last_price(world, instrument)
    prices = prices_of(asked, instrument)
    wrong_side(asked.type, asked.side, prices.trigger, last, instrument)
    proposal = proposal_of(asked, instrument, prices, last)
    follows = _stop_follows(world, asked)
    view = account_view(state, world) if account is None else account
    worth = _worth(state, world, instrument)
    quantity = asked.quantity or _sized(asked, proposal, instrument, view, world, worth)
    countable(instrument, quantity, proposal.entry, proposal.stop, proposal.target)
    number = state.issued + place
    trade = f"{state.journal}-t{number}"
    entry = _entry(state, asked, proposal, prices, quantity, f"{state.journal}-{number}-0", trade, group)
    ticket = Ticket((entry,) if follows else (entry, *_exits(asked, entry, proposal, instrument)))
    risk = quantity * abs(proposal.entry - proposal.stop) * instrument.unit_value
    risk += world.costs(instrument, max(quantity, 0), proposal.entry)
    approved = passed(
        approve_entry(proposal, instrument, ticket, view, world.limits, risk, stop_follows=follows, unit_worth=worth)
    )
    return PlannedEntry(trade, proposal, quantity, risk, approved)


def prices_of(asked: EntryAsked, instrument: Instrument) -> EntryPrices:
    """The entry's own prices, read. Raises UnfitError."""
    return EntryPrices(*(price_of(text, instrument) for text in (asked.limit, asked.trigger, asked.trail)))


def proposal_of(asked: EntryAsked, instrument: Instrument, prices: EntryPrices, last: int) -> Proposal:
    """The planned entry is the order's worst price, or the last one where it has none. Raises UnfitError."""
    entry = prices.limit if prices.limit is not None else prices.trigger
    if entry is None:
        entry = last + asked.side.sign * (prices.trail or 0)
    stop = level_of(asked.stop, instrument, entry, asked.side, -1)
    trail = price_of(asked.stop_trail, instrument)
    if stop is None and trail is not None:
        stop = entry - asked.side.sign * trail
    if stop is None:
        raise UnfitError("protection", f"{instrument.symbol}: {NO_STOP}", 0, 1)
    target = level_of(asked.target, instrument, entry, asked.side, 1)
    return Proposal(
        instrument=instrument.id,
        side=asked.side,
        type=asked.type,
        entry=entry,
        stop=stop,
        target=target,
        quantity=asked.quantity,
        reason=MANUAL,
    )


def _worth(state: State, world: World, instrument: Instrument) -> int:
    """The exposure of one option, micros; 0 for what counts by its price. Raises UnfitError while no contract is chosen."""
    if instrument.id in world.options and instrument.id not in state.fronts:
        raise UnfitError("option_contract", f"{instrument.symbol}: no contract is chosen yet", 0, 1)
    return option_worth(state, world, instrument.id)


def _stop_follows(world: World, asked: EntryAsked) -> bool:
    """Whether the entry goes alone, and its stop once it has filled."""
    if asked.tif not in AT_ONCE or asked.type not in {OrderType.MARKET, OrderType.LIMIT}:
        return False  # the rule of times in force has its say on the rest
    if not world.settings.stop_after_fill:
        raise UnfitError("times_in_force", f"{asked.tif} is not allowed on a bracket's parent: {AT_ONCE_TEXT}")
    if asked.target or asked.stop_trail:
        raise UnfitError("bracket", TARGET_LATER if asked.target else "the stop that follows is a fixed one: name a price")
    return True


def _sized(asked: EntryAsked, proposal: Proposal, instrument: Instrument, account: AccountView, world: World, worth: int) -> int:
    sizing = Sizing(risk_percent=asked.risk_percent)
    sized = size_with_costs(
        proposal, instrument, account, world.limits, sizing, lambda n: world.costs(instrument, n, proposal.entry), worth
    )
    return passed(sized).quantity


def _entry(
    state: State, asked: EntryAsked, proposal: Proposal, prices: EntryPrices, quantity: int, order: str, trade: str, group: str
) -> Order:
    return Order(
        id=order,
        account=state.key.account,
        instrument=proposal.instrument,
        side=asked.side,
        type=asked.type,
        quantity=quantity,
        tif=asked.tif,
        role=OrderRole.ENTRY,
        trade=trade,
        limit=prices.limit,
        stop=prices.trigger,
        trail=prices.trail,
        oca_group=group,
        oca_type=OcaType.CANCEL_WITH_BLOCK if group else OcaType.NONE,
        outside_rth=asked.outside_rth,
        route=asked.route,
        contract=front_name(state, proposal.instrument),
    )


def _exits(asked: EntryAsked, entry: Order, proposal: Proposal, instrument: Instrument) -> list[Order]:
    stop = child_of(entry, 1, OrderRole.STOP, proposal.stop)
    if asked.stop_trail:
        trail = price_of(asked.stop_trail, instrument)
        stop = msgspec.structs.replace(stop, type=OrderType.TRAILING_STOP, trail=trail)
    return [stop] if proposal.target is None else [stop, child_of(entry, 2, OrderRole.TARGET, proposal.target)]


def _with(account: AccountView, world: World, planned: PlannedEntry) -> AccountView:
    """The account with an entry counted as filled, whatever it would close."""
    instrument = world.instruments[planned.proposal.instrument]
    worth = planned.quantity * planned.proposal.entry * instrument.unit_value
    i = instrument.id
    return msgspec.structs.replace(
        account,
        open_trades=account.open_trades + 1,
        trades_today=account.trades_today + 1,
        open_risk=account.open_risk + planned.risk,
        exposure={**account.exposure, i: account.exposure.get(i, 0) + worth},
        total_exposure=account.total_exposure + worth,
        committed={**account.committed, i: account.held(i) + planned.quantity},
        stock_exposure=account.stock_exposure + (worth if instrument.security_type in STOCKS else 0),
    )


def send(turn: Turn, planned: PlannedEntry, signal: str = "") -> None:
    """Intend a planned entry, of a signal where it is one, and send it."""
    proposal = planned.proposal
    turn.emit(
        TradeIntended(
            at=turn.at,
            id=planned.trade,
            key=msgspec.structs.replace(turn.state.key, config=MANUAL),
            signal=signal,
            instrument=proposal.instrument,
            side=proposal.side,
            quantity=planned.quantity,
            entry=proposal.entry,
            stop=proposal.stop,
            target=proposal.target,
            risk=planned.risk,
            approved=planned.approved,
        )
    )
    turn.effects.append(PlaceTicket(planned.approved))


def said(world: World, planned: PlannedEntry) -> str:
    """In words."""
    p, order = planned.proposal, planned.approved.subject.orders[0]
    i = world.instruments[p.instrument]
    target = "" if p.target is None else f", target {i.text(p.target)}"
    kind = f"{order.side} {order.quantity} {i.symbol} {order.type} {order.tif}"
    return f"trade {planned.trade}: {kind}, planned at {i.text(p.entry)}, stop {i.text(p.stop)}{target}; order {order.id}"
