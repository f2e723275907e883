"""The invariants, judged by the gateway's own blotter and ledger, never by our books."""

from collections import Counter, deque
from itertools import pairwise

import msgspec

from tests.sim.order_path.check import Violation
from theo.domain.facts import (
    BookAsked,
    CancelIntended,
    Fact,
    Halted,
    LinkKnown,
    OrdersIntended,
    Reconciled,
    Restarted,
    Resumed,
    TradeIntended,
)
from theo.domain.market_data import MINUTE, SECOND
from theo.domain.orders import OrderRole
from theo.engine.core import Core
from theo.gateway.building import Gateway
from theo.gateway.trading.terms import STOPS
from theo.gateway.trading.working import FILLABLE, LIVE, Phase, Worked

SENT_A_MINUTE_MAX = 60
UNPROTECTED_MAX = 90 * SECOND  # of time in which we could have protected it
TWICE_ALIVE_MAX = 300 * SECOND  # of time in which we could have cancelled the second one
EXCESS_MAX = 180 * SECOND
GATE_CROSSES = 60 * SECOND  # what left before the gate closed may arrive so much later
LEAVES = STOPS | {"MKT"}  # a position of which a market order works is being left
HALT_CROSSES = 30 * SECOND  # what left before a halt may arrive so much later on a slow line


class Bounds(msgspec.Struct, frozen=True):
    """How large a position may be, how many entries a day may have, and between which times nothing may be sent."""

    quantity: int
    entries: int
    silence: tuple[int, int]


class Truth:
    """The gateway's books, looked at after every event. ``intended`` is what our journal has on disk."""

    def __init__(self, gateway: Gateway, con_id: int, bounds: Bounds) -> None:
        self._blotter = gateway.trading._dealing.blotter
        self._ledgers = gateway.trading._dealing.ledgers
        self._faults = gateway.trading._dealing.faults
        self._con_id, self._bounds = con_id, bounds
        self._entries = 0
        self._compared = False
        self.intended: dict[str, OrderRole] = {}
        self.halted_at = 0  # since when our journal says so, 0 when it does not
        self._seen = 0
        self._sent: deque[int] = deque(maxlen=SENT_A_MINUTE_MAX)
        self._since: dict[str, int] = {}
        self._spent: Counter[str] = Counter()
        self._looked_at = 0
        self.arrived: Counter[str] = Counter()

    @property
    def account(self) -> str:
        """The only one."""
        return next(iter(self._ledgers.accounts))

    @property
    def position(self) -> int:
        """Contracts held, signed."""
        held = self._ledgers.accounts[self.account].holdings.get(self._con_id)
        return 0 if held is None else held.quantity

    @property
    def placed(self) -> int:
        """How many orders the gateway has taken."""
        return self._seen

    @property
    def full(self) -> bool:
        """Whether no more entries are allowed today."""
        return self._entries >= self._bounds.entries

    def cash(self) -> int:
        """Micros."""
        return self._ledgers.accounts[self.account].cash["USD"]

    def live(self) -> list[Worked]:
        """Orders that bear one of our ids and may still be filled."""
        return [worked for worked in self._blotter.live() if worked.order.order_ref and worked.phase in LIVE]

    def drafts(self) -> list[str]:
        """Our ids of what was never transmitted."""
        return [worked.order.order_ref for worked in self._blotter.unfinished() if worked.phase is Phase.DRAFT]

    def executions(self) -> Counter[tuple[str, int, int]]:
        """(order, quantity, price) of every execution, as it was corrected last."""
        newest = {deal.number: deal for deal in self._blotter.deals}
        return Counter((self._blotter.orders[d.perm_id].order.order_ref, d.quantity, d.price) for d in newest.values())

    def learn(self, facts: list[Fact]) -> None:
        """Facts became durable."""
        for fact in facts:
            self._books_first(fact)
            if isinstance(fact, TradeIntended | OrdersIntended) and fact.approved.passed:
                self.intended |= {order.id: order.role for order in fact.approved.subject.orders}
                if self.halted_at and isinstance(fact, TradeIntended):
                    raise Violation(f"an entry was intended at {fact.at}, halted since {self.halted_at}")
            elif isinstance(fact, Halted):
                self.halted_at = self.halted_at or fact.at
            elif isinstance(fact, Resumed):
                self.halted_at = 0
        for before, fact in pairwise(facts):
            if isinstance(before, Halted) and isinstance(fact, CancelIntended):
                role = self.intended.get(fact.order)
                if role is OrderRole.STOP:
                    raise Violation(f"the halt cancelled the stop {fact.order}")

    def _books_first(self, fact: Fact) -> None:
        if isinstance(fact, Restarted | BookAsked) or (isinstance(fact, LinkKnown) and fact.up):
            self._compared = False
        elif isinstance(fact, Reconciled):
            self._compared = fact.agreed
        elif isinstance(fact, TradeIntended) and not self._compared:
            raise Violation(f"an entry was intended at {fact.at}, before the books were compared")

    def look(self, now: int, *, able: bool, doubled: bool) -> None:
        """After an event. ``able``: we live and the gate is open; ``doubled``: two permIds are in play.

        Time counts while we could act: also not while the gateway refuses every order.
        """
        self._newly_placed(now, doubled=doubled)
        able = able and not self._faults.reject_all
        live, position = self.live(), self.position
        exits = [w for w in live if w.terms.type in LEAVES and w.phase in FILLABLE]
        stops = sum(w.remaining for w in exits if (w.order.action == "SELL") == (position > 0))
        twice = [ref for ref, count in Counter(w.order.order_ref for w in live).items() if count > 1]
        self._bound("unprotected", abs(position) > stops, now, UNPROTECTED_MAX, able=able)
        self._bound("above the limit", abs(position) > self._bounds.quantity, now, EXCESS_MAX, able=able)
        self._bound(f"twice alive {twice}", bool(twice), now, TWICE_ALIVE_MAX, able=able)
        self._looked_at = now

    def _newly_placed(self, now: int, *, doubled: bool) -> None:
        orders = list(self._blotter.orders.values())[self._seen :] if len(self._blotter.orders) > self._seen else []
        self._seen = len(self._blotter.orders)
        for worked in orders:
            ref = worked.order.order_ref
            if not ref:
                continue
            self.arrived[ref] += 1
            self._sent.append(now)
            if ref not in self.intended:
                raise Violation(f"order {ref} is at the gateway without a durable intent")
            if self.arrived[ref] > 1 and not doubled:
                raise Violation(f"order {ref} was placed {self.arrived[ref]} times")
            first, last = self._bounds.silence
            if first + GATE_CROSSES <= now < last:
                raise Violation(f"order {ref} arrived at {now}, around the gateway's restart")
            self._entries += self.intended[ref] is OrderRole.ENTRY
            if self._entries > self._bounds.entries:
                raise Violation(f"{self._entries} entries in a day, {self._bounds.entries} are allowed")
            if self.halted_at and now - self.halted_at > HALT_CROSSES and self.intended[ref] is OrderRole.ENTRY:
                raise Violation(f"entry {ref} arrived at {now}, halted since {self.halted_at}")
            if len(self._sent) == SENT_A_MINUTE_MAX and now - self._sent[0] < MINUTE:
                raise Violation(f"{SENT_A_MINUTE_MAX} orders within a minute")

    def _bound(self, what: str, holds: bool, now: int, most: int, *, able: bool) -> None:  # noqa: FBT001 - what is bounded
        key = what.split("[", maxsplit=1)[0]
        if not holds:
            self._spent.pop(key, None)
        elif able and self._looked_at:
            self._spent[key] += now - self._looked_at
            if self._spent[key] > most:
                raise Violation(f"{what} for {self._spent[key] // SECOND} s in which we could act: position {self.position}")


def settled(core: Core, truth: Truth, instrument: int) -> None:
    """Some time after all faults stopped: nothing is uncertain, orders and position are the gateway's."""
    state = core.state
    if not state.agreed:
        raise Violation(f"the books do not agree after all faults stopped (link up: {state.link_up})")
    unknown = [o.order.id for o in state.orders.values() if str(o.status) in {"unknown", "intended"}]
    if unknown:
        raise Violation(f"orders still uncertain: {unknown}")
    if state.positions.get(instrument, 0) != truth.position:
        raise Violation(f"we hold {state.positions.get(instrument, 0)}, the gateway says {truth.position}")
    theirs = {worked.order.order_ref for worked in truth.live()}
    mine = {o.order.id for o in state.orders.values() if not o.ended}
    if drafts := truth.drafts():
        raise Violation(f"left in TWS and never transmitted: {drafts}")
    if mine != theirs:
        raise Violation(f"we say {sorted(mine)} are live, the gateway {sorted(theirs)}")
