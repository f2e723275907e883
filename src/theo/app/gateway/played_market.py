"""The market of a simulated gateway that plays data: which listed contract each series belongs to, in that contract's prices."""

from collections.abc import Iterator, Mapping

import msgspec

from theo.app.gateway.data_choice import Playing
from theo.app.gateway.played_series import TICKS, Item, PlayedSeries
from theo.domain.errors import DataError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import DAY, Bar
from theo.domain.timeframe import timeframe
from theo.gateway.contracts.book import Contracts
from theo.gateway.desk import Listing
from theo.gateway.market.replayed import ImportedMarket
from theo.gateway.wire.messages.contract import Contract

PAST_BARS_MAX = 50_000  # so many bars' time before the start is known to those who ask for history
PAST_TICK_DAYS = 5


def played_market(playing: Playing, contracts: Contracts, seed: int, start: int) -> ImportedMarket:
    """The market of the series. Raises DataError for a contract that is not listed on the day of the start."""
    series: dict[int, Iterator[Item]] = {}
    for each in playing.series:
        listing = listing_of(contracts, each.name)
        series[listing.con_id] = _rescaled(each, listing.instrument, start - _look_back(each.what))
    return ImportedMarket(seed, contracts.listings(), series, start)


def listing_of(contracts: Contracts, name: str) -> Listing:
    """The contract of a name: the front one of a product of futures, else that with this local symbol, else with this symbol.

    Raises DataError when nothing of this name is listed on the day of the contracts.
    """
    product = next((each for each in contracts.listings() if _is_future(each) and each.contract.trading_class == name), None)
    if product is not None:
        (front,) = contracts.find(Contract(symbol=product.contract.symbol, sec_type="CONTFUT", trading_class=name))
        return contracts.listing(front.con_id) or front
    for asked in (Contract(local_symbol=name), *(Contract(symbol=name, sec_type=kind) for kind in ("STK", "IND", "CASH"))):
        found = contracts.find(asked)
        if len(found) == 1:
            return found[0]
    raise DataError(f"{name} is not listed on {contracts.today}", where="--data", remedy="Choose another --start or --timerange")


def _is_future(listing: Listing) -> bool:
    return listing.instrument.security_type is SecurityType.FUT


def _look_back(what: str) -> int:
    """How far before its start a market knows a series, microseconds: what lies further back is not played."""
    return PAST_TICK_DAYS * DAY if what == TICKS else PAST_BARS_MAX * (timeframe(what).length or DAY)


def _rescaled(series: PlayedSeries, to: Instrument, since: int) -> Iterator[Item]:
    """A series from a time on, in the price units of its contract. Raises DataError for a price that the contract cannot have."""
    up = to.price_decimals - series.instrument.price_decimals
    if up == 0:
        return series.read(since)
    return (_scaled(item, up, to.symbol) for item in series.read(since))


def _scaled(item: Item, up: int, symbol: str) -> Item:
    def units(price: int) -> int:
        whole, rest = divmod(price * int(10 ** max(up, 0)), int(10 ** max(-up, 0)))
        if rest:
            raise DataError(f"{symbol}: a price has more decimals than the contract", why=f"{price} in units of the data")
        return whole

    if isinstance(item, Bar):
        prices: Mapping[str, int] = {name: units(getattr(item, name)) for name in ("open", "high", "low", "close")}
        return msgspec.structs.replace(item, **prices)
    return msgspec.structs.replace(item, price=units(item.price))
