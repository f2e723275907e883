"""An option's numbers as ticks of its line: of the bid, of the ask, of the last trade, and of the model."""

from typing import Protocol, runtime_checkable

from theo.domain.instrument import SecurityType
from theo.gateway.desk import Desk, Listing, Quote
from theo.gateway.streams.tick_messages import Change, TickTypes, price_of
from theo.gateway.wire.messages.market_data import TickOptionComputation

PRICE_BASED = 1  # the sensitivities are to the price, not to the return
POINT = 0.01  # of volatility: what vega is for
SHIFT_MAX = 0.5  # of the model's volatility: beyond that the step is too long, or the quote implies none; IB leaves it out too


class OptionValue(Protocol):
    """An option's theoretical value; vega is for a point of volatility, theta for a day."""

    @property
    def price(self) -> float:
        """As the option is quoted."""

    @property
    def implied_volatility(self) -> float:
        """A year, as a share: 0.2 is 20 %."""

    @property
    def delta(self) -> float:
        """Change of the price for one unit of the underlying."""

    @property
    def gamma(self) -> float:
        """Change of delta."""

    @property
    def vega(self) -> float:
        """Change of the price for one point of volatility."""

    @property
    def theta(self) -> float:
        """Change of the price in a day."""

    @property
    def under_price(self) -> float:
        """What the underlying costs."""

    @property
    def present_dividend(self) -> float:
        """Present value of dividends until the end."""


@runtime_checkable
class OptionMarket(Protocol):
    """A market that also knows what its options are worth."""

    def model(self, con_id: int) -> OptionValue | None:
        """The value of an option now; None for what is no option, and when there is no price of the underlying."""

    def option_price(self, con_id: int, volatility: float, under_price: float) -> OptionValue | None:
        """The value at a volatility and a price of the underlying."""

    def implied_volatility(self, con_id: int, option_price: float, under_price: float) -> OptionValue | None:
        """The value at which an option costs so much; None when no volatility gives that price."""


def option_value(desk: Desk, listing: Listing) -> OptionValue | None:
    """The model's view of an option, where the market has one."""
    if listing.instrument.security_type is not SecurityType.OPT or not isinstance(desk.market, OptionMarket):
        return None
    return desk.market.model(listing.con_id)


def computations(listing: Listing, value: OptionValue, quote: Quote, types: TickTypes) -> list[Change]:
    """The four computations, as far as there is a price for them.

    The volatility of a quote is the model's, moved by the quote's distance over vega: right to first order.
    """
    found = [_computation(types.model_option, value, value.price, value.implied_volatility)]
    for tick_type, units in ((types.bid_option, quote.bid), (types.ask_option, quote.ask), (types.last_option, quote.last)):
        if units is None:
            continue
        price = price_of(listing, units)
        distance, vega = POINT * (price - value.price), value.vega
        if abs(distance) <= SHIFT_MAX * value.implied_volatility * vega:
            shift = distance / vega if distance else 0.0
            found.append(_computation(tick_type, value, price, value.implied_volatility + shift))
    return found


def _computation(tick_type: int, value: OptionValue, price: float, volatility: float) -> Change:
    numbers = (value.present_dividend, value.gamma, value.vega, value.theta, value.under_price)
    return TickOptionComputation, (tick_type, PRICE_BASED, volatility, value.delta, price, *numbers)
