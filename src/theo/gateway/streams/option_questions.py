"""What an option would cost, and what volatility its price implies: answered from the market's own model, once."""

from collections.abc import Mapping

from theo.domain.instrument import SecurityType
from theo.gateway.client import Client
from theo.gateway.desk import Desk, Handler, Listing
from theo.gateway.request_refused import RequestRefusedError, invalid
from theo.gateway.streams.option_ticks import PRICE_BASED, OptionMarket, OptionValue
from theo.gateway.wire.messages.market_data import (
    CalculateImpliedVolatility,
    CalculateOptionPrice,
    CancelCalculateImpliedVolatility,
    CancelCalculateOptionPrice,
    TickOptionComputation,
)
from theo.gateway.wire.schema import Message

ASKED_FOR = 53  # the tick type of an answer to a question: "customer's option computation"
NOT_COMPUTED, GREEK_NOT_COMPUTED = -1.0, -2.0


class OptionQuestions:
    """Handlers of the two questions. Answers come at once, so that there is nothing to take back."""

    def __init__(self) -> None:
        self.handlers: Mapping[type[Message], Handler] = {
            CalculateImpliedVolatility: self._volatility,
            CalculateOptionPrice: self._price,
            CancelCalculateImpliedVolatility: _nothing,
            CancelCalculateOptionPrice: _nothing,
        }

    def _volatility(self, desk: Desk, client: Client, request: CalculateImpliedVolatility) -> None:
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is not None:
            market = _market(desk, listing)
            _positive(request.option_price, request.under_price)
            value = market.implied_volatility(listing.con_id, request.option_price, request.under_price)
            _answer(client, request.req_id, value, option_price=request.option_price, under_price=request.under_price)

    def _price(self, desk: Desk, client: Client, request: CalculateOptionPrice) -> None:
        listing = desk.resolve(client, request.req_id, request.contract)
        if listing is not None:
            market = _market(desk, listing)
            _positive(request.volatility, request.under_price)
            value = market.option_price(listing.con_id, request.volatility, request.under_price)
            _answer(client, request.req_id, value, option_price=None, under_price=request.under_price)


def _market(desk: Desk, listing: Listing) -> OptionMarket:
    if listing.instrument.security_type is not SecurityType.OPT:
        raise invalid("bX", "Contract is not an option")
    if not isinstance(desk.market, OptionMarket):
        raise RequestRefusedError(10_001, "There is no option model for this market.")
    return desk.market


def _positive(first: float, second: float) -> None:
    if first <= 0 or second <= 0:
        raise invalid("bX", "Prices and volatility must be greater than zero")


def _answer(client: Client, req_id: int, value: OptionValue | None, *, option_price: float | None, under_price: float) -> None:
    greek = GREEK_NOT_COMPUTED
    client.send(
        TickOptionComputation(
            req_id,
            ASKED_FOR,
            PRICE_BASED,
            NOT_COMPUTED if value is None else value.implied_volatility,
            greek if value is None else value.delta,
            option_price if option_price is not None else NOT_COMPUTED if value is None else value.price,
            NOT_COMPUTED if value is None else value.present_dividend,
            greek if value is None else value.gamma,
            greek if value is None else value.vega,
            greek if value is None else value.theta,
            under_price,
        )
    )


def _nothing(_desk: Desk, _client: Client, _request: Message) -> None:
    """Taken, and not answered, as by TWS."""
