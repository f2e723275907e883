"""What an order would do to margin and cost, asked of IB without sending it (its what-if orders)."""

import asyncio

import msgspec
from ib_async.contract import Contract
from ib_async.order import Order as IbOrder
from ib_async.order import OrderState

from theo.adapters.ib.codes import Kind, meaning
from theo.adapters.ib.link import Link
from theo.adapters.ib.order_fields import micros
from theo.adapters.ib.requests import ANSWER_SECONDS, NoAnswerError


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """Cash in micros of ``currency``, None where IB gives no number. ``*_change`` by this order, ``*_after`` with it."""

    initial_change: int | None
    maintenance_change: int | None
    initial_after: int | None
    maintenance_after: int | None
    equity_after: int | None
    charges: int | None
    currency: str
    warning: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """IB would not take the order, and why, with its code."""

    code: int
    reason: str


class Margins:
    """Open questions by their order id."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._open: dict[int, asyncio.Future[None]] = {}
        self._said: dict[int, Margin | Refusal] = {}
        link.callbacks.on("openOrder", self._answered)
        link.callbacks.on("error", self._error)

    async def ask(self, contract: Contract, order: IbOrder) -> Margin | Refusal:
        """What the order would do. Raises NoAnswerError when IB does not answer in time, ConnectionError without a link."""
        order.whatIf, order.transmit = True, True
        await self._link.budget.message()
        request = self._link.next_id()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open[request] = future
        try:
            self._link.client.placeOrder(request, contract, order)
            async with asyncio.timeout(ANSWER_SECONDS):
                await future
            return self._said.pop(request)
        except TimeoutError as error:
            raise NoAnswerError("IB does not say what an order would do", why=f"{ANSWER_SECONDS:g} s passed") from error
        finally:
            del self._open[request]
            self._said.pop(request, None)

    def _answered(self, order_id: int, _contract: Contract, order: IbOrder, state: OrderState) -> None:
        if order.whatIf and order_id in self._open:
            margin = Margin(
                initial_change=_cash(state.initMarginChange),
                maintenance_change=_cash(state.maintMarginChange),
                initial_after=_cash(state.initMarginAfter),
                maintenance_after=_cash(state.maintMarginAfter),
                equity_after=_cash(state.equityWithLoanAfter),
                charges=micros(state.commission),
                currency=state.commissionCurrency,
                warning=state.warningText,
            )
            self._settle(order_id, margin)

    def _error(self, request: int, code: int, text: str, _advanced: str = "") -> None:
        if request in self._open and meaning(code).kind is not Kind.ADVISORY:
            self._settle(request, Refusal(code, text))

    def _settle(self, request: int, answer: Margin | Refusal) -> None:
        """The last answer counts: a refusal may come with the margins, after them."""
        self._said[request] = answer
        future = self._open[request]
        if not future.done():
            future.set_result(None)


def _cash(text: str) -> int | None:
    """A number in words as micros; None for none, and for IB's largest number, which means none."""
    try:
        return micros(float(text))
    except ValueError:
        return None
