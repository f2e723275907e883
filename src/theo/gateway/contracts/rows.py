"""The rows of listings.toml: shares, funds, indices and currencies; products of futures; classes of options."""

import tomllib
from importlib.resources import files
from typing import Literal

import msgspec

from theo.domain.errors import ConfigError


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every row says. `rule` is the number of its market rule; `exchanges` is where an order can be sent."""

    exchange: str
    exchanges: tuple[str, ...]
    calendar: str
    zone: str
    price_decimals: int
    tick: int
    rule: int
    fees: str
    long_name: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    currency: str = "USD"

    @property
    def min_tick(self) -> float:
        """The smallest price step as a price."""
        return float(self.tick / 10**self.price_decimals)


class SpotRow(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contract without an end."""

    con_id: int
    symbol: str
    sec_type: Literal["STK", "IND", "CASH"]
    stock_type: str = ""
    primary_exchange: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    isin: str = ""
    derivatives: tuple[str, ...] = ()


class FutureRow(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product of futures: `listed` contracts of its cycle are there, the front one first."""

    number: int
    symbol: str
    trading_class: str
    underlying: int
    multiplier: int
    cycle: Literal["quarterly", "volatility"]
    listed: int
    last_time: str


class OptionRow(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of options: strikes from, to and step in whole units of the price; 100 a contract."""

    number: int
    underlying: int
    trading_class: str
    series: Literal["morning", "weekly", "all"]
    strike_from: int
    strike_to: int
    strike_step: int
    strikes_per_unit: int
    last_time: str


class ListingsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """listings.toml."""

    order_types: dict[str, str]
    spot: tuple[SpotRow, ...]
    future: tuple[FutureRow, ...]
    option: tuple[OptionRow, ...]


def listings_text() -> str:
    """listings.toml as it is installed."""
    return files("theo.gateway.contracts").joinpath("listings.toml").read_text(encoding="utf-8")


def parse_listings(text: str) -> ListingsFile:
    """The rows of a listings file. Raises ConfigError naming what is wrong."""
    try:
        return msgspec.convert(tomllib.loads(text), ListingsFile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError("the listings cannot be read", where="listings.toml", why=str(error)) from error
