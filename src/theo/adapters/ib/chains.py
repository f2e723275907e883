"""Option chains and single options of IB, for whoever chooses among them (ports.chains.Chains)."""

from collections.abc import Awaitable, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from ib_async.contract import Contract

from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.link import Link
from theo.adapters.ib.market_data import MarketData
from theo.adapters.ib.requests import NoAnswerError
from theo.domain.instrument import Instrument, SecurityType
from theo.ports.market_questions import OptionSeries

Answer = TypeVar("Answer")


class IbChains:
    """``contracts`` all learn what was found; ``link`` is that of the first, and must be up when something is asked."""

    def __init__(self, link: Link, contracts: Sequence[Contracts]) -> None:
        self._contracts = tuple(dict.fromkeys(contracts))
        self._market = MarketData(link, self._contracts[0])

    async def chain(self, underlying: Instrument) -> Sequence[OptionSeries]:
        """See the port."""
        return await _answered(self._market.option_chain(underlying))

    async def price(self, underlying: Instrument) -> Decimal | None:
        """See the port."""
        price = (await _answered(self._market.price(underlying))).price
        return None if price is None else underlying.decimal(price)

    async def listed(self, front: Instrument, trading_class: str, expiry: date, strike: Decimal) -> str:
        """See the port."""
        first, *others = self._contracts
        found = await _answered(first.option(front, option_wanted(front, trading_class, expiry, strike)))
        if found is None or found.contract is None:
            return ""
        for each in others:
            each.learn(front, found)
        return found.contract.localSymbol

    def taken(self, name: str) -> bool:
        """See the port."""
        return any(each.held.get(name) and name not in each.options for each in self._contracts)

    def trade(self, instrument: int, name: str) -> None:
        """See the port."""
        for each in self._contracts:
            each.trade(instrument, name)


def option_wanted(front: Instrument, trading_class: str, expiry: date, strike: Decimal) -> Contract:
    """One option, as IB is asked for it. ``expiry`` is its last trade day."""
    return Contract(
        symbol=front.aliases["ib"],
        secType=str(SecurityType.OPT),
        exchange=front.exchange,
        currency=front.currency,
        lastTradeDateOrContractMonth=f"{expiry:%Y%m%d}",
        strike=float(strike),
        right=front.right[:1],
        multiplier=str(front.multiplier),
        tradingClass=trading_class,
    )


async def _answered(question: Awaitable[Answer]) -> Answer:
    """A link that goes while it is asked gives no answer."""
    try:
        return await question
    except ConnectionError as error:
        raise NoAnswerError("the link to IB was lost before it answered", remedy="It is asked again") from error
