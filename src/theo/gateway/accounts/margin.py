"""What a position needs as margin. The rates are in margins.toml; each position stands for itself."""

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec

from theo.domain.instrument import CASH_DECIMALS, MICROS, Instrument, SecurityType
from theo.gateway.desk import Listing

PERCENT = 100


class StockRates(msgspec.Struct, frozen=True):
    """Percent of the value."""

    long_initial_percent: int
    long_maintenance_percent: int
    short_initial_percent: int
    short_maintenance_percent: int


class OptionRates(msgspec.Struct, frozen=True):
    """Percent of the underlying's value, for a short option."""

    equity_percent: int
    index_percent: int
    least_percent: int


class CurrencyRates(msgspec.Struct, frozen=True):
    """Percent of the value."""

    percent: float


class FutureRates(msgspec.Struct, frozen=True):
    """US dollars a contract."""

    initial: int
    maintenance: int


class OtherFutures(msgspec.Struct, frozen=True):
    """Percent of the contract's value."""

    initial_percent: int
    maintenance_percent: int


class Rates(msgspec.Struct, frozen=True):
    """All of margins.toml."""

    stock: StockRates
    option: OptionRates
    currency: CurrencyRates
    future: dict[str, FutureRates]
    future_otherwise: OtherFutures


class Margin(msgspec.Struct, frozen=True, gc=False):
    """What is needed to open and to keep, micros."""

    initial: int = 0
    maintenance: int = 0

    def plus(self, more: "Margin") -> "Margin":
        """Both together."""
        return Margin(self.initial + more.initial, self.maintenance + more.maintenance)

    def minus(self, less: "Margin") -> "Margin":
        """Without a part."""
        return Margin(self.initial - less.initial, self.maintenance - less.maintenance)


class Underlying(NamedTuple):
    """What an option is on: the price of one unit in micros, None when nobody knows it."""

    price: int | None
    is_index: bool


@cache
def rates() -> Rates:
    """The rates that are shipped."""
    text = resources.files(__package__).joinpath("margins.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Rates)


def requirement(listing: Listing, quantity: int, price: int, underlying: Underlying | None = None) -> Margin:
    """Margin of a position (signed) at a price (price units), micros of its currency; options name their underlying."""
    instrument = listing.instrument
    value = abs(quantity) * price * instrument.unit_value
    kind = instrument.security_type
    if kind in {SecurityType.FUT, SecurityType.CONTFUT}:
        return _future(listing.contract.trading_class, abs(quantity), value)
    if kind is SecurityType.OPT:
        return Margin() if quantity >= 0 else _short_option(instrument, -quantity, value, underlying)
    if kind is SecurityType.CASH:
        needed = round(value * rates().currency.percent / PERCENT)
        return Margin(needed, needed)
    stock = rates().stock
    if quantity >= 0:
        return Margin(value * stock.long_initial_percent // PERCENT, value * stock.long_maintenance_percent // PERCENT)
    return Margin(value * stock.short_initial_percent // PERCENT, value * stock.short_maintenance_percent // PERCENT)


def _future(product: str, contracts: int, value: int) -> Margin:
    row = rates().future.get(product)
    if row is not None:
        return Margin(contracts * row.initial * MICROS, contracts * row.maintenance * MICROS)
    other = rates().future_otherwise
    return Margin(value * other.initial_percent // PERCENT, value * other.maintenance_percent // PERCENT)


def _short_option(instrument: Instrument, contracts: int, value: int, underlying: Underlying | None) -> Margin:
    """An underlying whose price is not known counts as at the strike."""
    option = rates().option
    strike = instrument.strike * 10 ** (CASH_DECIMALS - instrument.price_decimals)
    spot = strike if underlying is None or underlying.price is None else underlying.price
    percent = option.index_percent if underlying is not None and underlying.is_index else option.equity_percent
    out_of_the_money = max(0, strike - spot if instrument.right == "C" else spot - strike)
    least = (spot if instrument.right == "C" else strike) * option.least_percent // PERCENT
    needed = value + contracts * instrument.multiplier * max(spot * percent // PERCENT - out_of_the_money, least)
    return Margin(needed, needed)
