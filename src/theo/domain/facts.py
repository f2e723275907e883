"""What was decided or learned: the only things that change trading state (theo.engine.apply), and what the journal keeps.

A changed struct needs a new FACTS_VERSION and an upcaster; journals are never rewritten. Money is in micros, prices in
price units, times in microseconds UTC. ``quantity`` is positive; a direction stands beside it.
"""

import msgspec

from theo.domain.approval import Approved, Refused
from theo.domain.asked import EntryAsked
from theo.domain.keys import Key
from theo.domain.market_data import DataMark
from theo.domain.orders import Amendment, OrderRole, Side, Ticket
from theo.domain.signals import Exit, Proposal, UnderlyingExits

FACTS_VERSION = 1


class RunStarted(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="run_started"):
    """What this run knew when it began: ``world`` is the canonical JSON of rule sets, instruments, sessions, fees, limits."""

    at: int
    key: Key
    build: str
    cash: int
    world: str


class Restarted(msgspec.Struct, frozen=True, array_like=True, tag="restarted"):
    """The process came back; no trading until the books agree. ``world`` is what it knows now, "" when that is as before."""

    at: int
    build: str
    world: str


class Decided(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="decided"):
    """One look at one bar end: the numbers seen, which conditions held, and the verdict, fired or not."""

    config: str
    end: int
    verdict: str
    numbers: tuple[float | None, ...]
    truths: int


class SignalRaised(msgspec.Struct, frozen=True, array_like=True, tag="signal"):
    """A strategy proposed an action at bar end ``end``; ``id`` is unique for all time. Status PENDING."""

    id: str
    key: Key
    end: int
    action: Proposal | Exit


class SignalClosed(msgspec.Struct, frozen=True, array_like=True, tag="signal_closed"):
    """The signal's status is now EXECUTED, CANCELLED or FAILED, and why."""

    id: str
    status: str
    reason: str
    refused: Refused | None = None


class SignalCreated(msgspec.Struct, frozen=True, array_like=True, tag="signal_created"):
    """A person asked for a signal. Status PENDING, until it is processed, withdrawn or, at ``expires_at``, given up.

    ``created_at`` is core time, or a microsecond after the newest one before: no two are of one moment.
    """

    at: int
    id: str
    key: Key
    created_at: int
    expires_at: int
    action: Proposal
    asked: EntryAsked


class TradeIntended(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="trade_intended"):
    """A trade and its orders, in one fact: never one without the other. ``risk`` is the planned loss at the stop.

    ``exits`` are those of a bought option, and ``why`` says how its contract was chosen.
    """

    at: int
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
    approved: Approved[Ticket]
    exits: UnderlyingExits | None = None
    why: str = ""


class OrdersIntended(msgspec.Struct, frozen=True, array_like=True, tag="orders_intended"):
    """Further orders of an open trade (a close, a re-placed stop). Durable before they are sent."""

    at: int
    trade: str
    approved: Approved[Ticket]
    reason: str


class AmendIntended(msgspec.Struct, frozen=True, array_like=True, tag="amend_intended"):
    """A working order is to be changed."""

    at: int
    approved: Approved[Amendment]
    reason: str


class AmendRefused(msgspec.Struct, frozen=True, array_like=True, tag="amend_refused"):
    """The venue would not change the order: it is as it was."""

    at: int
    order: str
    reason: str


class CloseAsked(msgspec.Struct, frozen=True, array_like=True, tag="close_asked"):
    """The trade is to be closed, whatever is open of it; ``reason`` becomes how it was closed."""

    at: int
    trade: str
    reason: str


class CancelIntended(msgspec.Struct, frozen=True, array_like=True, tag="cancel_intended"):
    """A working order is to be cancelled."""

    at: int
    order: str
    reason: str


class OrderMoved(msgspec.Struct, frozen=True, array_like=True, tag="order_moved"):
    """The order met ``event`` of its life cycle (engine/order_life.py). ``broker_id`` is learned when first accepted.

    ``broker``, ``client_id`` and ``handle`` come with it (reports.OrderAccepted).
    """

    at: int
    order: str
    event: str
    reason: str = ""
    broker_id: str = ""
    broker: str = ""
    client_id: int = 0
    handle: int = 0


class OrderResized(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="order_resized"):
    """The venue confirmed these values for a working order."""

    at: int
    order: str
    quantity: int
    limit: int | None = None
    stop: int | None = None
    trail: int | None = None


class Filled(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="fill"):
    """One execution, counted once by its execution id. ``value`` is the cash paid for it, micros, negative when received.

    ``ahead``: of the contract in which its trade goes on, while it is still in another one.
    """

    at: int
    timestamp: int
    order: str
    trade: str
    execution: str
    instrument: int
    role: OrderRole
    side: Side
    quantity: int
    price: int
    value: int
    charges: int
    ahead: bool = False


class FillRevised(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="fill_revised"):
    """An execution is other than it was counted: the venue corrected it, or told its charges after it.

    ``execution`` takes the place of those in ``replaces`` (none when only its charges changed). ``price`` is its price now;
    ``quantity``, ``turnover`` (price x quantity), ``value`` (cash paid, as in Filled) and ``charges`` are what is added to what
    was counted.
    """

    at: int
    order: str
    trade: str
    execution: str
    replaces: tuple[str, ...]
    instrument: int
    side: Side
    price: int
    quantity: int
    turnover: int
    value: int
    charges: int
    ahead: bool = False  # as in Filled


class TradeClosed(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="trade_closed"):
    """The trade is flat, or never filled (``quantity`` 0). Prices are sums of price x quantity, exact.

    ``how`` is stop, target, exit_rule, reverse, session_end, flatten, breaker, manual, unprotected, roll, oco, or a strategy's
    own reason; of a trade that never filled it is the status in which its entry ended (cancelled, rejected, expired, lost).
    Of a trade that rolled the sums are of its last contract; ``rolled_deals`` were ended before, by LegRolled, with the sums of
    their gross and charges.
    """

    at: int
    id: str
    how: str
    quantity: int
    entry_sum: int
    exit_sum: int
    gross: int
    charges: int
    rolled_deals: int = 0
    rolled_gross: int = 0
    rolled_charges: int = 0


class Rolled(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="rolled"):
    """The instrument's front contract is another one from now on (see ContractRolled); what is held is of ``previous``."""

    at: int
    instrument: int
    previous: str
    contract: str
    difference: int
    why: str = ""


class RollAsked(msgspec.Struct, frozen=True, array_like=True, tag="roll_asked"):
    """The trade is to be closed in its contract and opened again in ``contract``.

    ``spread``: by one order of two legs; what is filled of the next one is protected by ``stop`` (``trail`` where it follows the
    price) and ``target`` from then on.
    """

    at: int
    trade: str
    contract: str
    spread: bool = False
    stop: int = 0
    target: int | None = None
    trail: int | None = None


class LegRolled(msgspec.Struct, frozen=True, array_like=True, kw_only=True, tag="leg_rolled"):
    """The trade is flat in the contract that it leaves: that deal is over, and the trade goes on, waiting for the next one's.

    Sums as in TradeClosed. ``difference`` is what moved the planned entry; ``stop`` and ``target`` are those of the next deal, on
    the tick grid; ``reopened``: contracts to open, of which a spread has opened ``carried`` already.
    """

    at: int
    trade: str
    previous: str
    contract: str
    difference: int
    quantity: int
    entry_sum: int
    exit_sum: int
    gross: int
    charges: int
    reopened: int
    stop: int
    target: int | None
    carried: int = 0


class DayBegan(msgspec.Struct, frozen=True, array_like=True, tag="day"):
    """A new account day (its end's date, days since the epoch) began with this equity."""

    at: int
    day: int
    equity: int


class BreakerTripped(msgspec.Struct, frozen=True, array_like=True, tag="breaker"):
    """A loss limit was passed: cancel, flatten, stop. Holds until ``holds_until`` at least."""

    at: int
    refused: Refused
    holds_until: int


class BreakerReset(msgspec.Struct, frozen=True, array_like=True, tag="breaker_reset"):
    """Trading may go on."""

    at: int
    actor: str
    reason: str


class ScanPaused(msgspec.Struct, frozen=True, array_like=True, tag="scan_paused"):
    """A configuration opens nothing until it is resumed; it goes on looking, and its open trade is tended as ever."""

    at: int
    config: str
    actor: str
    reason: str


class ScanResumed(msgspec.Struct, frozen=True, array_like=True, tag="scan_resumed"):
    """A paused configuration may open trades again."""

    at: int
    config: str
    actor: str
    reason: str


class Halted(msgspec.Struct, frozen=True, array_like=True, tag="halted"):
    """The kill switch: no new risk until a person lifts it, with a reason."""

    at: int
    actor: str
    reason: str


class Resumed(msgspec.Struct, frozen=True, array_like=True, tag="resumed"):
    """A person lifted the kill switch."""

    at: int
    actor: str
    reason: str


class LinkKnown(msgspec.Struct, frozen=True, array_like=True, tag="link_known"):
    """The broker's link is up or down; after a return the books are compared before trading."""

    at: int
    up: bool
    reason: str


class BookAsked(msgspec.Struct, frozen=True, array_like=True, tag="book_asked"):
    """The broker was asked for its books; until the answer there is no new risk."""

    at: int
    reason: str


class BookLooked(msgspec.Struct, frozen=True, array_like=True, tag="book_looked"):
    """The broker was asked for its books by the clock: trading goes on until they differ."""

    at: int


class Differed(msgspec.Struct, frozen=True, array_like=True, tag="differed"):
    """The broker's books and ours disagreed. ``kind`` is order_missing, order_unknown, execution_missed, position."""

    at: int
    kind: str
    subject: str
    ours: str
    theirs: str
    done: str


class PositionAdopted(msgspec.Struct, frozen=True, array_like=True, tag="position_adopted"):
    """A person said that the account holds ``quantity`` (signed) beside what our fills say: it is left alone."""

    at: int
    instrument: int
    quantity: int
    actor: str
    reason: str


class Reconciled(msgspec.Struct, frozen=True, array_like=True, tag="reconciled"):
    """The books were compared; ``differences`` were found and treated. Trading may go on when ``agreed``."""

    at: int
    differences: int
    agreed: bool


class Alerted(msgspec.Struct, frozen=True, array_like=True, tag="alerted"):
    """A person was to be told."""

    at: int
    severity: str
    code: str
    text: str


class CommandDone(msgspec.Struct, frozen=True, array_like=True, tag="command_done"):
    """A command's outcome; a repeat of the same id gets the same answer.

    ``orders`` are those that it placed or changed, ``refused`` is what a rule of risk said against it.
    """

    at: int
    id: str
    name: str
    actor: str
    accepted: bool
    text: str
    orders: tuple[str, ...] = ()
    refused: Refused | None = None


class DataKnown(msgspec.Struct, frozen=True, array_like=True, tag="data_known"):
    """An instrument's data stand so from now on (domain.market_data.DataMarked). Which series that touches is market state."""

    at: int
    instrument: int
    mark: DataMark
    since: int
    why: str


class TimeWentBack(msgspec.Struct, frozen=True, array_like=True, tag="time_back"):
    """An input's time lay before core time; core time stood still."""

    at: int
    input_at: int


Fact = (
    RunStarted
    | Restarted
    | Decided
    | SignalRaised
    | SignalCreated
    | SignalClosed
    | TradeIntended
    | OrdersIntended
    | AmendIntended
    | AmendRefused
    | CloseAsked
    | CancelIntended
    | OrderMoved
    | OrderResized
    | Filled
    | FillRevised
    | TradeClosed
    | Rolled
    | RollAsked
    | LegRolled
    | DayBegan
    | BreakerTripped
    | BreakerReset
    | ScanPaused
    | ScanResumed
    | Halted
    | Resumed
    | LinkKnown
    | BookAsked
    | BookLooked
    | Differed
    | PositionAdopted
    | Reconciled
    | Alerted
    | CommandDone
    | TimeWentBack
    | DataKnown
)
