"""What a run's journal says of its orders: each order's life, its fills and what was told of them, folded from the facts."""

from collections.abc import Iterable, Iterator

import msgspec

from theo.app.terminal.levels import condition_text
from theo.app.times import iso
from theo.domain import facts as f
from theo.domain.instrument import MICROS, Instrument
from theo.domain.journal import TRADING
from theo.domain.orders import Order
from theo.engine import order_life
from theo.engine.codec import decode_facts
from theo.engine.order_life import ENDED, OrderEvent, OrderStatus
from theo.ports.store import JournalStore


class Execution(msgspec.Struct, frozen=True):
    """One execution report; ``note`` says what was corrected. Charges in the account's currency, time of the exchange, UTC."""

    execution: str
    at: str
    quantity: int
    price: str
    charges: float
    note: str = ""


class OrderEventShown(msgspec.Struct, frozen=True):
    """Something that happened to the order, at core time, UTC."""

    at: str
    event: str
    reason: str = ""


class OrderShown(msgspec.Struct, kw_only=True):
    """One order as it stands. Prices as text, "" where the order has none; ``broker_id`` is the broker's permanent number.

    ``contract`` is that of a future that rolls, or a chosen option; ``condition`` says at which price of its underlying an exit
    of an option is set off. Both are "" for others.
    """

    id: str
    trade: str
    symbol: str
    role: str
    side: str
    type: str
    tif: str
    status: str
    quantity: int
    filled: int
    average_price: str
    limit: str
    trigger: str
    trail: str
    contract: str
    condition: str
    parent: str
    group: str
    broker_id: str
    placed_at: str
    changed_at: str
    reason: str
    fills: list[Execution] = []
    events: list[OrderEventShown] = []

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected of it."""
        return OrderStatus(self.status) in ENDED

    @property
    def answered(self) -> bool:
        """Whether the broker has said something of it."""
        return self.status != OrderStatus.INTENDED


class _Life:
    """One order while its facts are folded."""

    def __init__(self, order: Order, at: int) -> None:
        self.order, self.placed_at, self.changed_at = order, at, at
        self.status, self.reason, self.broker_id = OrderStatus.INTENDED, "", ""
        self.filled = self.turnover = 0
        self.fills: list[Execution] = []
        self.events: list[OrderEventShown] = [OrderEventShown(iso(at), "intended")]

    def moved(self, at: int, event: OrderEvent, reason: str = "") -> None:
        following = order_life.next_status(self.status, event)
        if following is not self.status:
            self.changed_at = at
        self.status, self.reason = following, reason or self.reason
        self.events.append(OrderEventShown(iso(at), str(event), reason))

    def told(self, at: int, event: str, reason: str) -> None:
        self.events.append(OrderEventShown(iso(at), event, reason))


def orders_of(
    store: JournalStore, instruments: dict[int, Instrument], wanted: str = "", records_max: int | None = None
) -> list[OrderShown]:
    """Every order of the run in order of their placing, or those whose id or trade is ``wanted``.

    ``records_max``: only of so many of the newest records; the orders that were placed before them are left out.
    """
    head = store.head(TRADING)
    first = 1 if records_max is None or head is None else max(1, head.seq - records_max + 1)
    lives: dict[str, _Life] = {}
    names = {wanted.encode()}  # of a trade its orders too, as they come to be known: their own facts name them alone
    for record in store.read(TRADING, first):
        if any(name in record.payload for name in names):
            for fact in decode_facts(record):
                _fold(lives, fact, instruments)
            names |= {life.order.id.encode() for life in lives.values() if wanted and life.order.trade == wanted}
    return [_shown(life, instruments) for life in lives.values() if wanted in {"", life.order.id, life.order.trade}]


def _fold(lives: dict[str, _Life], fact: f.Fact, instruments: dict[int, Instrument]) -> None:
    if isinstance(fact, f.TradeIntended | f.OrdersIntended):
        lives.update((order.id, _Life(order, fact.at)) for order in fact.approved.subject.orders)
    for life in _of(lives, fact):
        _take(life, fact, instruments)


def _of(lives: dict[str, _Life], fact: f.Fact) -> Iterator[_Life]:
    """The order that a fact is of, if it is of one that is known."""
    name = ""
    if isinstance(fact, f.AmendIntended):
        name = fact.approved.subject.order
    elif isinstance(fact, f.OrderMoved | f.CancelIntended | f.OrderResized | f.AmendRefused | f.Filled | f.FillRevised):
        name = fact.order
    if name in lives:
        yield lives[name]


def _take(life: _Life, fact: f.Fact, instruments: dict[int, Instrument]) -> None:
    if isinstance(fact, f.OrderMoved):
        life.broker_id = fact.broker_id or life.broker_id
        life.moved(fact.at, OrderEvent(fact.event), fact.reason)
    elif isinstance(fact, f.CancelIntended):
        life.moved(fact.at, OrderEvent.CANCEL_ASKED, fact.reason)
    elif isinstance(fact, f.AmendIntended):
        life.told(fact.at, "change_asked", fact.reason)
    elif isinstance(fact, f.AmendRefused):
        life.told(fact.at, "change_refused", fact.reason)
    elif isinstance(fact, f.OrderResized):
        _resize(life, fact)
    elif isinstance(fact, f.Filled):
        _fill(life, fact, instruments)
    elif isinstance(fact, f.FillRevised):
        life.filled, life.turnover = life.filled + fact.quantity, life.turnover + fact.turnover
        note = f"in the place of {', '.join(fact.replaces)}" if fact.replaces else "its charges, told later"
        price = _price(instruments, fact.instrument, fact.price)
        life.fills.append(Execution(fact.execution, iso(fact.at), fact.quantity, price, fact.charges / MICROS, note))


def _resize(life: _Life, fact: f.OrderResized) -> None:
    o = life.order
    life.order = msgspec.structs.replace(
        o,
        quantity=fact.quantity,
        limit=o.limit if fact.limit is None else fact.limit,
        stop=o.stop if fact.stop is None else fact.stop,
        trail=o.trail if fact.trail is None else fact.trail,
    )
    life.told(fact.at, "changed", "")
    if life.filled >= fact.quantity:
        life.moved(fact.at, OrderEvent.FULL_FILL)


def _fill(life: _Life, fact: f.Filled, instruments: dict[int, Instrument]) -> None:
    life.filled, life.turnover = life.filled + fact.quantity, life.turnover + fact.quantity * fact.price
    price = _price(instruments, fact.instrument, fact.price)
    life.fills.append(Execution(fact.execution, iso(fact.timestamp), fact.quantity, price, fact.charges / MICROS))
    life.moved(fact.at, OrderEvent.FULL_FILL if life.filled >= life.order.quantity else OrderEvent.PART_FILL)


def _price(instruments: dict[int, Instrument], instrument: int, units: float | None) -> str:
    """Without marks between thousands: what is shown here can be asked for as it is."""
    if units is None:
        return ""
    known = instruments.get(instrument)
    return f"{units:g} price units" if known is None else f"{units / 10**known.price_decimals:.{known.price_decimals}f}"


def _shown(life: _Life, instruments: dict[int, Instrument]) -> OrderShown:
    o = life.order
    known = instruments.get(o.instrument)
    limit, trigger, trail = (_price(instruments, o.instrument, price) for price in (o.limit, o.stop, o.trail))
    return OrderShown(
        id=o.id,
        trade=o.trade,
        symbol=str(o.instrument) if known is None else known.symbol,
        role=str(o.role),
        side=str(o.side),
        type=str(o.type),
        tif=str(o.tif),
        status=str(life.status),
        quantity=o.quantity,
        filled=life.filled,
        average_price=_price(instruments, o.instrument, life.turnover / life.filled if life.filled else None),
        limit=limit,
        trigger=trigger,
        trail=trail,
        contract=o.contract,
        condition=condition_text(instruments, o.condition),
        parent=o.parent,
        group=o.oca_group,
        broker_id=life.broker_id,
        placed_at=iso(life.placed_at),
        changed_at=iso(life.changed_at),
        reason=life.reason,
        fills=life.fills,
        events=life.events,
    )


def newest(orders: Iterable[OrderShown], count: int) -> list[OrderShown]:
    """Those that live, then the newest of those that have ended: at most ``count`` in all, unless more live."""
    found = list(orders)
    live = [order for order in found if not order.ended]
    ended = [order for order in reversed(found) if order.ended]
    return live + ended[: max(0, count - len(live))]
