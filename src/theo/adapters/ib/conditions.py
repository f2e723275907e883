"""Orders that sleep at IB until another instrument trades at a price, in IB's words and in ours.

IB keeps the condition with the order and tells it with each open order. It looks at last prices, in the regular hours of what it
watches, and lets the order work from then on; it does not cancel it.
"""

from collections.abc import Sequence

from ib_async.order import Order as IbOrder
from ib_async.order import OrderCondition
from ib_async.order import PriceCondition as IbPriceCondition

from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.order_fields import TRIGGER_BY_LAST
from theo.domain.errors import ConfigError
from theo.domain.orders import Order, PriceCondition


def to_conditions(order: Order, contracts: Contracts) -> list[IbPriceCondition]:
    """None, or one. Raises ConfigError where IB's contract of what it watches is not known."""
    wanted = order.condition
    if wanted is None:
        return []
    try:
        contract, instrument = contracts.contract(wanted.instrument), contracts.resolved(wanted.instrument)
    except KeyError as error:
        raise ConfigError(
            f"no contract of IB is known for instrument {wanted.instrument}, whose price sets the order off"
        ) from error
    return [
        IbPriceCondition(
            isMore=wanted.above,
            price=float(instrument.decimal(wanted.price)),
            conId=contract.conId,
            exch=contract.exchange,
            triggerMethod=TRIGGER_BY_LAST,
        )
    ]


def from_conditions(theirs: IbOrder, contracts: Contracts) -> PriceCondition | None:
    """The one condition of a price that IB has with an order; None for every other number or kind, and what is not ours."""
    if len(theirs.conditions) != 1:
        return None
    (shown,) = theirs.conditions
    instrument = contracts.instrument(shown.conId) if isinstance(shown, IbPriceCondition) else None
    if instrument is None or not isinstance(shown, IbPriceCondition):
        return None
    return PriceCondition(instrument.id, instrument.units_nearest(shown.price), shown.isMore)


def told_condition(conditions: Sequence[OrderCondition]) -> str:
    """What IB shows, for people."""
    return " and ".join(map(str, conditions)) or "no condition"
