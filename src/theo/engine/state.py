"""Trading state: one mutable owner, changed only by apply(state, fact), encoded whole into snapshots.

Market state (bars, indicators, last prices) is not here: it is a fold of the market data (theo.market.book).
"""

import msgspec

from theo.domain.approval import Refused
from theo.domain.asked import EntryAsked
from theo.domain.keys import Key
from theo.domain.orders import Order, OrderRole, Side
from theo.domain.signals import Exit, Proposal, UnderlyingExits
from theo.engine.order_life import AWAITING, ENDED, OrderStatus
from theo.engine.signal_life import SignalStatus
from theo.engine.trade_life import OVER, TradeStatus

STATE_VERSION = 17


class OrderState(msgspec.Struct):
    """An order of ours and what is known of it. ``order`` holds the values that the venue last confirmed."""

    order: Order
    status: OrderStatus
    since: int  # when it entered the status
    filled: int = 0
    broker_id: str = ""
    amending_since: int = 0  # when a change was asked for that the venue has not answered; 0 when none
    refused_at: int = 0  # when the venue refused a cancel or a change last; 0 when it never did
    refusals: int = 0  # of cancels and changes in a row

    @property
    def waits_since(self) -> int:
        """Since when the broker owes an answer to a send, a cancel or a change; 0 when it owes none."""
        return self.since if self.status in AWAITING else self.amending_since

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.status in ENDED

    @property
    def open_quantity(self) -> int:
        """What may still be filled."""
        return 0 if self.status in ENDED else self.order.quantity - self.filled


class Ahead(msgspec.Struct):
    """What a spread has filled of the contract in which a trade goes on, and of the exits there; as exact sums.

    ``since``: when the roll was asked for. Exits stand at ``stop`` and ``target``; ``trail``: the stop follows the price.
    """

    contract: str
    since: int
    stop: int
    target: int | None = None
    trail: int | None = None
    in_quantity: int = 0
    in_sum: int = 0
    out_quantity: int = 0
    out_sum: int = 0
    charges: int = 0
    last_out_role: OrderRole = OrderRole.CLOSE

    @property
    def open_quantity(self) -> int:
        """Filled in and not yet out."""
        return self.in_quantity - self.out_quantity


class TradeState(msgspec.Struct):
    """A trade: its plan, its orders and its fills, as exact sums (price units x quantity)."""

    id: str
    key: Key
    signal: str
    instrument: int
    side: Side
    quantity: int
    entry: int
    stop: int
    target: int | None
    risk: int
    status: TradeStatus
    opened_at: int
    orders: list[str]
    in_quantity: int = 0
    in_sum: int = 0
    out_quantity: int = 0
    out_sum: int = 0
    charges: int = 0
    closed_at: int = 0
    close_reason: str = ""
    last_out_role: OrderRole = OrderRole.CLOSE
    last_fill_at: int = 0
    partial_since: int = 0  # when the entry was first partly filled; 0 when it is not
    contract: str = ""  # that of its orders, where the instrument stands for one: a future that rolls, a chosen option
    past_orders: list[str] = []  # of the contracts that it left
    rolled_at: int = 0  # when it left the last one; 0 when it never did
    closed_before_roll: int = 0  # filled of closing orders in its contract when the roll was asked for
    rolled_deals: int = 0  # contracts that it left, and what was made in them, micros
    rolled_gross: int = 0
    rolled_charges: int = 0
    ahead: Ahead | None = None  # while a spread carries it over
    exits: UnderlyingExits | None = None  # of a bought option
    why: str = ""  # its contract was chosen

    @property
    def has_target(self) -> bool:
        """Whether it takes profit, at a price of its own or of the underlying."""
        return self.target is not None or (self.exits is not None and self.exits.target is not None)

    @property
    def open_quantity(self) -> int:
        """Filled in and not yet out; negative when exits were filled in excess."""
        return self.in_quantity - self.out_quantity

    @property
    def over(self) -> bool:
        """Closed, or failed without a fill."""
        return self.status in OVER


class Counted(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An execution as it was counted; ``replaced``: by a correction with an id of its own, so that it counts no more."""

    at: int
    quantity: int
    price: int
    charges: int
    replaced: bool = False


class FrontContract(msgspec.Struct):
    """An instrument that rolls: its contract, and what is still held (signed) of the one before.

    ``difference``: price of ``name`` less that of ``previous`` at the roll, price units.
    """

    name: str
    previous: str = ""
    difference: int = 0
    leaving: int = 0
    why: str = ""  # it was chosen, of an option


class SignalState(msgspec.Struct):
    """A signal that has not come to its end yet.

    ``asked`` is what a person asked for, None for a strategy's; what was asked for at ``created_at`` and is not processed at
    ``expires_at`` is given up.
    """

    id: str
    config: str
    action: Proposal | Exit
    trade: str = ""
    status: SignalStatus = SignalStatus.PENDING
    asked: EntryAsked | None = None
    created_at: int = 0
    expires_at: int = 0


class Day(msgspec.Struct):
    """The account day: counts and equity that daily limits use."""

    number: int = 0
    equity: int = 0
    trades: int = 0
    promotions: dict[str, int] = {}


class Outcome(msgspec.Struct):
    """What came of a command: the orders that it placed or changed, or the rule that refused it."""

    at: int
    accepted: bool
    text: str
    orders: tuple[str, ...] = ()
    rule: str = ""


class State(msgspec.Struct):
    """All that decides what we may do next. ``cash`` moves with every fill: equity = cash + positions at their marks.

    ``high_water`` is the highest equity of the moments at which facts alone say it exactly: the run's start, the begin of each
    account day, and each fill after which nothing is held.
    """

    key: Key
    journal: str  # the journal's id, once per home: the first part of every client order id
    world: str = ""  # SHA-256 of what the process knows; "" before the first run
    cash: int = 0
    issued: int = 0  # tickets and amendments so far: the second part of every client order id
    signals_issued: int = 0
    positions: dict[int, int] = {}
    foreign: dict[int, int] = {}  # what the account holds beside ours, as a person has said: the broker's position less ours
    told: dict[str, str] = {}  # differences of the books that a person has been told of, so that each is told once a day
    orders: dict[str, OrderState] = {}
    trades: dict[str, TradeState] = {}
    signals: dict[str, SignalState] = {}
    open_trades: dict[str, None] = {}  # ids of the trades that are not over, oldest first
    unanswered: dict[str, None] = {}  # ids of the orders that wait for an answer of the broker, oldest first
    executions: dict[str, Counted] = {}  # by execution id; kept KEEP_DAYS, and as long as any trade of that time
    commands: dict[str, Outcome] = {}  # by command id; kept KEEP_DAYS, so a repeat within 24 hours is known
    day: Day = msgspec.field(default_factory=Day)
    high_water: int = 0
    halted: str = ""
    paused: dict[str, str] = {}  # configurations that open nothing, and who said so why
    breaker: Refused | None = None
    breaker_holds_until: int = 0
    link_up: bool = True
    agreed: bool = True  # the broker's books and ours agree
    asked_book_at: int = 0
    held_there: dict[str, int] = {}  # by symbol, what the broker's books said it holds where that was not what we hold
    fronts: dict[int, FrontContract] = {}  # by instrument that rolls
    book_asks: int = 0  # for the broker's books in a row that were not answered yet
    tries_since: int = 0  # the link came up, or a person resumed: what the broker refused before may be tried again
    signal_created_at: int = 0  # when a person's newest signal was made
