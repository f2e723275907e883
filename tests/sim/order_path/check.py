"""The invariants, judged by the exchange's own books, never by ours."""

from itertools import pairwise

from theo.domain.facts import CancelIntended, Fact, Halted, OrdersIntended, Resumed, TradeIntended
from theo.domain.journal import TRADING
from theo.domain.orders import OrderRole
from theo.engine.codec import decode_facts
from theo.engine.core import Core
from theo.ports.store import JournalStore
from theo.venue.books import Books, Standing

PROTECTED_WITHIN = 90_000_000  # microseconds in which a position must be protected, whatever was lost on the wire
PROTECTED_WITHIN_UNDISTURBED = 3_000_000  # the same where nothing goes wrong: the wait for a partly filled entry, and a second
EXCESS_GONE_WITHIN = 180_000_000  # microseconds in which what crossed on the wire must be flattened back


class Violation(AssertionError):  # noqa: N818 - what the world looks for
    """An invariant does not hold."""


def journalled(store: JournalStore) -> list[Fact]:
    """Every durable fact, in order."""
    return [fact for record in store.read(TRADING) for fact in decode_facts(record)]


def intents_come_first(books: Books, facts: list[Fact]) -> None:
    """Every order at the exchange has a durable, approved intent."""
    intended = {
        o.id
        for f in facts
        if isinstance(f, TradeIntended | OrdersIntended)
        for o in f.approved.subject.orders
        if f.approved.passed
    }
    strangers = set(books.orders) - intended
    if strangers:
        raise Violation(f"orders at the exchange without a durable intent: {sorted(strangers)}")


def excess(books: Books, most: int) -> int:
    """How far the position lies above what one trade may hold (an exit that crossed another one on the wire)."""
    return max((abs(quantity) - most for quantity in books.positions.values()), default=0)


def nothing_opens_while_halted(entries: list[tuple[int, str]], facts: list[Fact]) -> None:
    """No entry reaches the exchange after a halt was durable and before it was lifted."""
    spans: list[list[int]] = []
    for fact in facts:
        if isinstance(fact, Halted) and (not spans or spans[-1][1] < 1 << 62):
            spans.append([fact.at, 1 << 62])
        elif isinstance(fact, Resumed) and spans:
            spans[-1][1] = fact.at
    for at, order in entries:
        if any(start < at < end for start, end in spans):
            raise Violation(f"entry {order} reached the exchange at {at}, while halted")


def halt_keeps_protection(facts: list[Fact]) -> None:
    """A halt cancels no protective stop."""
    for before, fact in pairwise(facts):
        if isinstance(before, Halted) and isinstance(fact, CancelIntended) and fact.order.endswith("-1"):
            raise Violation(f"the halt cancelled the stop {fact.order}")


def unprotected(books: Books) -> int:
    """How much of the exchange's position has no resting stop of its own."""
    for instrument, quantity in books.positions.items():
        if quantity:
            stops = sum(
                held.order.quantity - held.filled
                for held in books.orders.values()
                if held.order.instrument == instrument
                and held.order.role is OrderRole.STOP
                and held.standing is Standing.WORKING
                and held.order.side.sign * quantity < 0
            )
            return max(0, abs(quantity) - stops)
    return 0


def settled(core: Core, books: Books, cash: int) -> None:
    """After the liveness phase: books agree, nothing is uncertain, cash and positions are the exchange's."""
    state = core.state
    if not state.agreed:
        raise Violation("the books do not agree after all faults stopped")
    unknown = [o.order.id for o in state.orders.values() if str(o.status) in {"unknown", "intended"}]
    if unknown:
        raise Violation(f"orders still uncertain: {unknown}")
    ours = {i: q for i, q in state.positions.items() if q}
    theirs = {i: q for i, q in books.positions.items() if q}
    if ours != theirs:
        raise Violation(f"we hold {ours}, the exchange says {theirs}")
    if state.cash - cash != books.cash:
        raise Violation(f"our cash moved by {state.cash - cash}, the exchange's by {books.cash}")
    if unprotected(books):
        raise Violation(f"{unprotected(books)} stand without a stop")
