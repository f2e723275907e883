"""Orders, prices, quantities and charges in IB's words and in ours: exact both ways.

Prices go out as decimals made of whole price units and come back the same way: a binary fraction never decides a price.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ib_async.order import Order as IbOrder
from ib_async.order import OrderCondition
from ib_async.util import UNSET_DOUBLE

from theo.domain.errors import DataError
from theo.domain.instrument import CASH_DECIMALS, Instrument
from theo.domain.orders import OcaType, Order, OrderRole, OrderType, PriceCondition, Side, TimeInForce

LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
TRIGGER_BY_LAST = 2  # IB's trigger method "last": the default differs by security type, so it is never left open
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ib(
    order: Order,
    instrument: Instrument,
    account: str,
    *,
    parent: int = 0,
    transmit: bool = True,
    conditions: Sequence[OrderCondition] = (),
) -> IbOrder:
    """An order as IB takes it. ``parent`` is IB's order id of its parent in this connection, 0 without.

    ``conditions`` are its own in IB's words (conditions.py).
    """
    made = IbOrder(
        action=str(order.side),
        totalQuantity=order.quantity,
        orderType=str(order.type),
        tif=str(order.tif),
        orderRef=order.id,
        account=account,
        transmit=transmit,
        parentId=parent,
        outsideRth=order.outside_rth,
        ocaGroup=order.oca_group,
        ocaType=int(order.oca_type),
        conditions=list(conditions),
        conditionsIgnoreRth=False,
        conditionsCancelOrder=False,
    )
    if order.limit is not None and order.type in LIMITED:
        made.lmtPrice = instrument.decimal(order.limit)
    if order.stop is not None and order.type in STOPPED:
        made.auxPrice = instrument.decimal(order.stop)
    if order.type is OrderType.TRAILING_STOP and order.trail is not None:
        made.auxPrice = instrument.decimal(order.trail)
        if order.stop is not None:
            made.trailStopPrice = instrument.decimal(order.stop)
    if order.type in STOPPED or order.type is OrderType.TRAILING_STOP:
        made.triggerMethod = TRIGGER_BY_LAST
    return made


def from_ib(
    theirs: IbOrder,
    order_id: str,
    instrument: Instrument,
    known: Order | None = None,
    contract: str = "",
    condition: PriceCondition | None = None,
) -> Order | None:
    """What IB says an order is, under our id; ``known`` gives what IB does not keep. None for a kind that we never send.

    ``contract``: the future's or chosen option's contract in which IB works it. ``condition`` as IB shows it.
    A trailing stop's own level moves: it is not one of the values that we asked for, and stays as ``known`` has it.
    """
    try:
        kind, tif, side = OrderType(theirs.orderType), TimeInForce(theirs.tif), Side(theirs.action)
        oca_type = OcaType(str(theirs.ocaType)) if theirs.ocaGroup else OcaType.NONE
        trails = kind is OrderType.TRAILING_STOP
        limit = units(instrument, theirs.lmtPrice) if kind in LIMITED else None
        stop = units(instrument, theirs.auxPrice) if kind in STOPPED else None
        trail = units(instrument, theirs.auxPrice) if trails else None
    except (ValueError, DataError):
        return None
    return Order(
        id=order_id,
        account=theirs.account,
        instrument=instrument.id,
        side=side,
        type=kind,
        quantity=int(theirs.totalQuantity),
        tif=tif,
        role=OrderRole.ENTRY if known is None else known.role,
        trade="" if known is None else known.trade,
        limit=limit,
        stop=known.stop if trails and known is not None else stop,
        trail=trail,
        parent="" if known is None else known.parent,
        oca_group=theirs.ocaGroup if known is None else known.oca_group,
        oca_type=oca_type if known is None else known.oca_type,
        outside_rth=theirs.outsideRth,
        contract=contract,
        condition=condition,
    )


def units(instrument: Instrument, price: float | Decimal | None) -> int:
    """A price of IB in whole price units. Raises DataError for one that is none, or lies between two units."""
    if price is None or price == UNSET_DOUBLE:
        raise DataError(f"{instrument.symbol}: IB gives no price")
    return instrument.units(Decimal(repr(price)) if isinstance(price, float) else price)


def micros(cash: float) -> int | None:
    """An amount of IB in micros, to the nearest; None for IB's way to say that there is none."""
    return None if cash == UNSET_DOUBLE else round(Decimal(repr(cash)).scaleb(CASH_DECIMALS))


def microseconds(moment: datetime) -> int:
    """A time with a zone as microseconds UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1)
