"""Signals that a person makes: kept as PENDING, promoted when asked for by the rules of every entry, given up at their expiry.

A signal is a wish with a memory: making one sends nothing and asks no limit. What can never be a signal is refused at once, each
time naming the field. What a rule refuses for now (a halt, books that do not agree) leaves it PENDING; else it has FAILED.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from theo.domain.asked import EntryAsked, MarginTold, PromotionAsked, SignalAsked
from theo.domain.facts import SignalClosed, SignalCreated
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, MINUTE
from theo.domain.orders import OrderType
from theo.domain.signals import Proposal
from theo.engine.decide.asked_entries import judge_margins, plan_entry, prices_of, proposal_of, said, send
from theo.engine.decide.wishes import MANUAL, Answer, UnfitError, countable, instrument_of, last_price, price_of
from theo.engine.signal_life import SignalStatus
from theo.engine.state import SignalState, State
from theo.engine.turn import Turn
from theo.engine.world import World
from theo.risk.rules.prices import NEEDED

Read = TypeVar("Read")
PENDING_MAX: Final = 200  # of people: more than anyone looks through before they expire
EXPIRES_MIN: Final = MINUTE
EXPIRES_MAX: Final = 30 * DAY
# Rules whose refusal passes by itself or by a person; the broker's word on margin may also have been no answer at all.
FOR_NOW: Final = frozenset({"halted", "breaker", "reconciled", "margin"})
WITHOUT_PRICE: Final = frozenset({OrderType.MARKET, OrderType.TRAILING_STOP})  # their entry is planned from the last price


def create_signal(turn: Turn, asked: SignalAsked) -> Answer:
    """Keep a signal, PENDING, until it is processed, cancelled or expires; ``orders`` has its id. Raises UnfitError."""
    state, entry = turn.state, asked.entry
    instrument = _of("symbol", lambda: instrument_of(turn.world, entry.symbol))
    if not instrument.tradable:
        raise UnfitError("symbol", f"{instrument.symbol} is an index: it is quoted by last only and cannot be ordered", 0, 1)
    expires = asked.expires_minutes * MINUTE
    if not EXPIRES_MIN <= expires <= EXPIRES_MAX:
        text = f"expires_minutes is {asked.expires_minutes}: it is {EXPIRES_MIN // MINUTE} to {EXPIRES_MAX // MINUTE}"
        raise UnfitError("expires_minutes", text, asked.expires_minutes, EXPIRES_MAX // MINUTE)
    _quantity(entry, instrument)
    proposal = _proposal(entry, instrument, turn.world)
    countable(instrument, entry.quantity, proposal.entry, proposal.stop, proposal.target)
    _room(state, proposal, instrument)
    created = max(turn.at, state.signal_created_at + 1)  # core time stands still between inputs, and no two are of one moment
    signal = f"{state.journal}-s{state.signals_issued}"
    key = msgspec.structs.replace(state.key, config=MANUAL)
    turn.emit(SignalCreated(turn.at, signal, key, created, created + expires, proposal, entry))
    text = (
        f"signal {signal} is PENDING: {proposal.side} {entry.quantity or 'as risk allows'} {instrument.symbol} {entry.type.name}"
    )
    return Answer(accepted=True, text=text, orders=(signal,))


def process_signal(turn: Turn, asked: PromotionAsked, margins: tuple[MarginTold, ...]) -> Answer:
    """Promote a person's signal to a trade, if every rule lets it pass now. Raises UnfitError."""
    signal = pending_signal(turn.state, asked.signal)
    entry = signal.asked
    assert entry is not None  # pending_signal
    last_price(turn.world, instrument_of(turn.world, entry.symbol))  # without one nothing can be judged, yet
    try:
        planned = plan_entry(turn.state, turn.world, entry)
        judge_margins(turn.world, (planned,), margins)
    except UnfitError as error:
        refused = error.refused
        if refused.rule in FOR_NOW:
            raise UnfitError(refused.rule, f"{refused.text}; {signal.id} stays PENDING", refused.value, refused.limit) from error
        turn.emit(SignalClosed(signal.id, SignalStatus.FAILED, refused.text, refused))
        raise
    send(turn, planned, signal.id)
    ids = tuple(order.id for order in planned.approved.subject.orders)
    return Answer(accepted=True, text=f"signal {signal.id} is VALIDATED: {said(turn.world, planned)}", orders=ids)


def cancel_signal(turn: Turn, signal_id: str, actor: str, reason: str) -> Answer:
    """Withdraw a person's signal. Raises UnfitError."""
    signal = pending_signal(turn.state, signal_id)
    why = f"by {actor}: {reason}" if reason else f"by {actor}"
    turn.emit(SignalClosed(signal.id, SignalStatus.CANCELLED, f"withdrawn {why}"))
    return Answer(accepted=True, text=f"signal {signal.id} is CANCELLED", orders=(signal.id,))


def expire_signals(turn: Turn) -> None:
    """Give up what nobody processed in time."""
    for signal in [s for s in turn.state.signals.values() if _expires_at(s) and turn.at >= s.expires_at]:
        turn.emit(SignalClosed(signal.id, SignalStatus.CANCELLED, "expired: nobody processed it in time"))


def expiries(state: State) -> list[int]:
    """When signals expire, the past ones among them."""
    return [at for at in map(_expires_at, state.signals.values()) if at]


def pending_signal(state: State, signal_id: str) -> SignalState:
    """A person's signal that waits. Raises UnfitError saying where it stands otherwise."""
    found = state.signals.get(signal_id)
    if found is None:
        raise UnfitError("signal", f"no PENDING signal {signal_id!r:.60}; `theo signal list` shows them")
    if found.asked is None:
        raise UnfitError("signal", f"signal {signal_id} is a strategy's: it is promoted without being asked")
    if found.status is not SignalStatus.PENDING:
        raise UnfitError("signal", f"signal {signal_id} is {found.status}: cancel the entry of its trade {found.trade} instead")
    return found


def _expires_at(signal: SignalState) -> int:
    """0 for one that never does."""
    return signal.expires_at if signal.status is SignalStatus.PENDING else 0


def _of(field: str, read: Callable[[], Read]) -> Read:
    """What is read of a field; a refusal names it."""
    try:
        return read()
    except UnfitError as error:
        refused = error.refused
        raise UnfitError(field, refused.text, refused.value, refused.limit) from error


def _quantity(entry: EntryAsked, instrument: Instrument) -> None:
    size = instrument.contract_size
    if entry.quantity < 0 or entry.quantity % size:
        text = f"{instrument.symbol}: quantity {entry.quantity} is not a positive multiple of the contract size {size}"
        raise UnfitError("quantity", text, entry.quantity, size)


def _proposal(entry: EntryAsked, instrument: Instrument, world: World) -> Proposal:
    """What is proposed, every price checked alone and against the others."""
    texts = {"limit": entry.limit, "trigger": entry.trigger, "trail": entry.trail}
    for (name, text), needed in zip(texts.items(), NEEDED[entry.type], strict=True):
        if needed is not None and needed != bool(text):
            raise UnfitError(name, f"{instrument.symbol}: {entry.type.name} {'needs a' if needed else 'has no'} {name} price")
        _of(name, lambda text=text: price_of(text, instrument))  # type: ignore[misc]  # bound now
    _of("stop_trail", lambda: price_of(entry.stop_trail, instrument))
    if not (entry.stop or entry.stop_trail):
        raise UnfitError("stop", f"{instrument.symbol}: a signal needs its protective stop", 0, 1)
    last = _of("symbol", lambda: last_price(world, instrument)) if entry.type in WITHOUT_PRICE else 0
    prices = prices_of(entry, instrument)
    proposal = _of("stop", lambda: proposal_of(msgspec.structs.replace(entry, target=""), instrument, prices, last))
    whole = _of("target", lambda: proposal_of(entry, instrument, prices, last))
    _beside("stop", proposal.stop, -1, whole, instrument)
    if whole.target is not None:
        _beside("target", whole.target, 1, whole, instrument)
    return whole


def _beside(field: str, price: int, away: int, proposal: Proposal, instrument: Instrument) -> None:
    """Raise UnfitError for a price that is not behind the entry (``away`` -1), or not beyond it (+1), or no price at all."""
    up = away * proposal.side.sign
    if price <= 0 or up * (price - proposal.entry) <= 0:
        where = f"{'above' if up > 0 else 'below'} the entry {instrument.text(proposal.entry)}"
        text = f"{instrument.symbol}: the {field} {instrument.text(price)} of a {proposal.side} is not {where}"
        raise UnfitError(field, text, price, proposal.entry)


def _room(state: State, proposal: Proposal, instrument: Instrument) -> None:
    """One waits of an instrument and a side, and not more than anyone can look after."""
    waiting = [s for s in state.signals.values() if s.asked is not None and s.status is SignalStatus.PENDING]
    for signal in waiting:
        action = signal.action
        if isinstance(action, Proposal) and (action.instrument, action.side) == (proposal.instrument, proposal.side):
            text = f"signal {signal.id} to {proposal.side} {instrument.symbol} is PENDING already: process or cancel it first"
            raise UnfitError("duplicate", text, 1, 1)
    if len(waiting) >= PENDING_MAX:
        raise UnfitError("pending", f"{len(waiting)} signals are PENDING already: cancel some", len(waiting), PENDING_MAX)
