"""An entry that every rule lets pass, in parts that a test can change."""

import msgspec

from theo.domain.instrument import MICROS, Instrument, SecurityType
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, Side, Ticket, TimeInForce
from theo.domain.signals import Proposal
from theo.risk.account import AccountView
from theo.risk.entry import Entry
from theo.risk.limits import Limits

MES = Instrument(
    id=1,
    symbol="MES",
    token=1,
    security_type=SecurityType.FUT,
    exchange="CME",
    calendar="CME",
    multiplier=5,
    price_decimals=2,
    tick=25,
)
SPY = Instrument(id=2, symbol="SPY", token=2, security_type=SecurityType.ETF, exchange="ARCA", calendar="XNYS")
VIX = Instrument(id=3, symbol="VIX", token=3, security_type=SecurityType.IND, exchange="CBOE", calendar="CBOE")
CALL = Instrument(
    id=4, symbol="SPXW", token=4, security_type=SecurityType.OPT, exchange="CBOE", calendar="CBOE", multiplier=100, tick=5
)
DEFAULTS = Limits()


def account(**changed: object) -> AccountView:
    """100,000 USD, nothing held, trading allowed."""
    calm = AccountView(
        equity=100_000 * MICROS,
        day_start_equity=100_000 * MICROS,
        high_water=100_000 * MICROS,
        halted=False,
        breaker_tripped=False,
        reconciled=True,
        open_trades=0,
        trades_today=0,
        open_risk=0,
        exposure={},
        total_exposure=0,
        positions={},
    )
    return msgspec.structs.replace(calm, **changed)


def proposal(instrument: Instrument = MES, side: Side = Side.BUY, **changed: object) -> Proposal:
    """At 6,500.00 with the stop 20.00 behind and the target 30.00 before it (MES: 100 USD at risk a contract)."""
    plan = Proposal(
        instrument=instrument.id,
        side=side,
        type=OrderType.LIMIT,
        entry=650_000,
        stop=650_000 - side.sign * 2_000,
        target=650_000 + side.sign * 3_000,
    )
    return msgspec.structs.replace(plan, **changed)


def bracket(plan: Proposal, quantity: int) -> Ticket:
    """The orders of a proposal, as they are sent."""
    entry = Order(
        id="j-1-0",
        account="SIM",
        instrument=plan.instrument,
        side=plan.side,
        type=plan.type,
        quantity=quantity,
        tif=TimeInForce.DAY,
        role=OrderRole.ENTRY,
        trade="j-t1",
        limit=plan.entry if plan.type is OrderType.LIMIT else None,
    )
    return Ticket((entry, *exits(plan, entry)))


def exits(plan: Proposal, entry: Order) -> list[Order]:
    """Stop and target of an entry, asleep, in one group that reduces."""
    stop = Order(
        id="j-1-1",
        account="SIM",
        instrument=plan.instrument,
        side=plan.side.opposite,
        type=OrderType.STOP,
        quantity=entry.quantity,
        tif=TimeInForce.GTC,
        role=OrderRole.STOP,
        trade=entry.trade,
        stop=plan.stop,
        parent=entry.id,
        oca_group="j-t1-exits",
        oca_type=OcaType.REDUCE_NON_BLOCK,
    )
    if plan.target is None:
        return [stop]
    target = msgspec.structs.replace(stop, id="j-1-2", type=OrderType.LIMIT, role=OrderRole.TARGET, stop=None, limit=plan.target)
    return [stop, target]


def entry_of(
    *,
    instrument: Instrument = MES,
    plan: Proposal | None = None,
    quantity: int = 2,
    ticket: Ticket | None = None,
    view: AccountView | None = None,
    limits: Limits = DEFAULTS,
    risk: int | None = None,
) -> Entry:
    """An entry of two contracts, risking 200 USD, that nothing objects to; any part may be another."""
    chosen = proposal(instrument) if plan is None else plan
    bare = quantity * abs(chosen.entry - chosen.stop) * instrument.unit_value
    orders = bracket(chosen, quantity) if ticket is None else ticket
    return Entry(chosen, instrument, orders, account() if view is None else view, limits, bare if risk is None else risk)


def with_order(ticket: Ticket, place: int, **changed: object) -> Ticket:
    """The ticket with one order changed."""
    orders = list(ticket.orders)
    orders[place] = msgspec.structs.replace(orders[place], **changed)
    return Ticket(tuple(orders))
