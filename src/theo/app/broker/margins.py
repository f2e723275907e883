"""IB's answer to the margin question, in the core's words."""

from theo.adapters.ib.broker import IbBroker
from theo.adapters.ib.margins import Refusal
from theo.domain.asked import MarginTold
from theo.domain.errors import TheoError
from theo.domain.orders import Order


class IbMargins:
    """Implements ports.margins.Margins."""

    def __init__(self, broker: IbBroker) -> None:
        self._broker = broker

    async def what_if(self, order: Order) -> MarginTold:
        """See the port."""
        try:
            told = await self._broker.what_if(order)
        except (TheoError, ConnectionError) as error:
            return MarginTold(refused=f"IB does not say: {error}")
        if isinstance(told, Refusal):
            return MarginTold(refused=f"{told.code}: {told.reason}")
        return MarginTold(
            initial_change=told.initial_change,
            maintenance_change=told.maintenance_change,
            initial_after=told.initial_after,
            maintenance_after=told.maintenance_after,
            equity_after=told.equity_after,
            charges=told.charges,
            currency=told.currency,
            warning=told.warning,
        )
