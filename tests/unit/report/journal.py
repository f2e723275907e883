"""Facts of a small run, written by hand: one account, MES and SPY, trades that a test fills as it likes."""

from collections.abc import Iterable

from theo.domain.approval import Approved
from theo.domain.facts import DayBegan, Fact, Filled, RunStarted, TradeClosed, TradeIntended
from theo.domain.instrument import MICROS, Instrument, SecurityType
from theo.domain.keys import Key
from theo.domain.market_data import DAY
from theo.domain.orders import Order, OrderRole, OrderType, Side, Ticket, TimeInForce

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
INSTRUMENTS = {MES.id: MES, SPY.id: SPY}
SYMBOLS = {MES.id: "MES", SPY.id: "SPY"}
CASH = 100_000 * MICROS
BEGIN = 20_000 * DAY


def started(run: str = "r1", journal: str = "j") -> RunStarted:
    return RunStarted(at=BEGIN, key=Key(run=run), build=journal, cash=CASH, world="{}")


def day(number: int, equity: int) -> DayBegan:
    return DayBegan(BEGIN + number * DAY, 20_000 + number, equity)


def intended(
    number: int,
    *,
    instrument: Instrument = MES,
    side: Side = Side.BUY,
    quantity: int = 2,
    journal: str = "j",
    config: str = "demo",
) -> TradeIntended:
    """A market entry for 6,500.00 with 200 USD of planned risk."""
    trade = f"{journal}-t{number}"
    order = Order(
        id=f"{journal}-{number}-0",
        account="SIM",
        instrument=instrument.id,
        side=side,
        type=OrderType.MARKET,
        quantity=quantity,
        tif=TimeInForce.DAY,
        role=OrderRole.ENTRY,
        trade=trade,
    )
    return TradeIntended(
        at=BEGIN + number,
        id=trade,
        key=Key(run="r1", config=config),
        signal=f"{journal}-s{number}",
        instrument=instrument.id,
        side=side,
        quantity=quantity,
        entry=650_000,
        stop=648_000,
        target=None,
        risk=200 * MICROS,
        approved=Approved(Ticket((order,)), ("by hand",)),
    )


def filled(
    trade: TradeIntended, side: Side, quantity: int, price: int, *, at: int, charges: int = 620_000, number: int = 0
) -> Filled:
    entering = side is trade.side
    unit_value = INSTRUMENTS[trade.instrument].unit_value
    return Filled(
        at=at + 5,
        timestamp=at,
        order=trade.approved.subject.orders[0].id if entering else f"{trade.id}-x",
        trade=trade.id,
        execution=f"{trade.id}-{at}-{number}",
        instrument=trade.instrument,
        role=OrderRole.ENTRY if entering else OrderRole.STOP,
        side=side,
        quantity=quantity,
        price=price,
        value=side.sign * quantity * price * unit_value,
        charges=charges,
    )


def closed(trade: TradeIntended, fills: Iterable[Fact], how: str, *, at: int) -> TradeClosed:
    """As the core closes it: sums of the trade's fills."""
    own = [f for f in fills if isinstance(f, Filled) and f.trade == trade.id]
    entry_sum = sum(f.quantity * f.price for f in own if f.side is trade.side)
    exit_sum = sum(f.quantity * f.price for f in own if f.side is not trade.side)
    return TradeClosed(
        at=at,
        id=trade.id,
        how=how,
        quantity=sum(f.quantity for f in own if f.side is trade.side),
        entry_sum=entry_sum,
        exit_sum=exit_sum,
        gross=trade.side.sign * (exit_sum - entry_sum) * INSTRUMENTS[trade.instrument].unit_value,
        charges=sum(f.charges for f in own),
    )
