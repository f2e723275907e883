"""What can be traded or watched: identity, price unit, tick grid, multiplier, calendar."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from theo.domain.errors import DataError

CASH_DECIMALS = 6
MICROS = 10**CASH_DECIMALS  # cash is int64 in 1e-6 of the currency


class SecurityType(StrEnum):
    """IB's security types."""

    STK = "STK"
    ETF = "ETF"
    FUT = "FUT"
    CONTFUT = "CONTFUT"
    OPT = "OPT"
    IND = "IND"
    CASH = "CASH"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument. Prices of it are integers in units of ``10 ** -price_decimals``, fixed for its life.

    ``id`` is ours; ``token`` is IB's conId, one alias among ``aliases`` (source -> name there).
    ``tick`` is the smallest price increment, in price units (MES: decimals 2, tick 25 = 0.25).
    ``contract_size`` is the smallest step of a quantity; ``multiplier`` never enters a quantity.
    """

    id: int
    symbol: str
    token: int
    security_type: SecurityType
    exchange: str
    calendar: str
    currency: str = "USD"
    multiplier: int = 1
    price_decimals: int = 2
    tick: int = 1
    contract_size: int = 1
    expiry: str = ""
    strike: int = 0
    right: str = ""
    aliases: dict[str, str] = {}

    def __post_init__(self) -> None:
        if not 0 <= self.price_decimals <= CASH_DECIMALS:
            raise DataError(
                f"{self.symbol}: price_decimals is {self.price_decimals}", why="a price unit is 1 to 1e-6", remedy="Use 0 to 6"
            )
        for name in ("multiplier", "tick", "contract_size"):
            if getattr(self, name) < 1:
                raise DataError(f"{self.symbol}: {name} is {getattr(self, name)}", why="it must be a positive whole number")

    @property
    def tradable(self) -> bool:
        """An index is quoted by last only and can never be ordered."""
        return self.security_type is not SecurityType.IND

    @property
    def unit_value(self) -> int:
        """Cash, in micros, that one contract gains when the price rises by one price unit."""
        return int(self.multiplier * 10 ** (CASH_DECIMALS - self.price_decimals))

    def units(self, price: Decimal | str | int) -> int:
        """A decimal price as whole price units; raises DataError when it has more decimals than the instrument."""
        scaled = Decimal(price).scaleb(self.price_decimals)
        whole = int(scaled)
        if whole != scaled:
            raise DataError(
                f"{self.symbol}: price {price} has more than {self.price_decimals} decimals",
                remedy="Raise price_decimals of the instrument before its first use",
            )
        return whole

    def units_nearest(self, price: float) -> int:
        """A binary price (as vendors' files hold them) as the nearest price unit, halves away from zero."""
        scaled = price * 10**self.price_decimals
        return int(scaled + 0.5) if scaled >= 0 else -int(0.5 - scaled)

    def decimal(self, units: int) -> Decimal:
        """Price units as an exact decimal price."""
        return Decimal(units).scaleb(-self.price_decimals)

    def text(self, units: float) -> str:
        """A price, or an average of prices, as people read it."""
        return f"{units / 10**self.price_decimals:,.{self.price_decimals}f}"

    def floor_to_tick(self, units: float) -> int:
        """Down to the tick grid: sell stops and buy limits."""
        return int(units // self.tick) * self.tick

    def ceil_to_tick(self, units: float) -> int:
        """Up to the tick grid: buy stops and sell limits."""
        return -int(-units // self.tick) * self.tick

    def nearest_tick(self, units: float) -> int:
        """To the nearest tick, halves up."""
        return int((units / self.tick + 0.5) // 1) * self.tick
