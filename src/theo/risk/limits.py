"""What an account may do at most. Every limit is a number; "unlimited" must be said, in words, by the one who wants it."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import MICROS, Instrument, SecurityType

UNLIMITED: Final = "unlimited"
Cap = float | str  # a number, or UNLIMITED

STOCKS = frozenset({SecurityType.STK, SecurityType.ETF, SecurityType.CASH})
FUTURES = frozenset({SecurityType.FUT, SecurityType.CONTFUT})


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Defaults suit an account of about 100,000 USD. Per cent are of equity, cash is in the account's currency.

    Limits are per security type where one number cannot fit both: one MES is over 30,000 USD of exposure.
    """

    stock_position_cash_max: Cap = 50_000.0
    futures_contracts_max: Cap = 10.0
    option_contracts_max: Cap = 10.0
    exposure_per_instrument_cash_max: Cap = 1_000_000.0
    leverage_max: Cap = 10.0
    trade_risk_percent_max: Cap = 2.0
    total_risk_percent_max: Cap = 6.0
    open_trades_max: Cap = 10.0
    trades_per_day_max: Cap = 20.0
    daily_loss_percent_max: Cap = 5.0
    drawdown_percent_max: Cap = 25.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str):
                if value != UNLIMITED:
                    raise ConfigError(f"limit {name} is {value!r}", remedy=f'Use a number, or the word "{UNLIMITED}"')
            elif not value > 0:
                raise ConfigError(f"limit {name} is {value}", why="it would refuse every trade", remedy="Use a positive number")


def cap(limit: Cap) -> float:
    """A limit as a number; infinity for UNLIMITED."""
    return float("inf") if isinstance(limit, str) else limit


def quantity_cap(instrument: Instrument, price: int, limits: Limits) -> tuple[float, str]:
    """The most units that the limits of this security type allow at a price, and the limit's name."""
    if instrument.security_type in FUTURES:
        return cap(limits.futures_contracts_max), "futures_contracts_max"
    if instrument.security_type is SecurityType.OPT:
        return cap(limits.option_contracts_max), "option_contracts_max"
    unit = price * instrument.unit_value / MICROS
    return (cap(limits.stock_position_cash_max) / unit if unit > 0 else float("inf")), "stock_position_cash_max"


def impossible(limits: Limits, instruments: Iterable[Instrument], prices: Mapping[int, int]) -> list[str]:
    """Warnings for limits that can never let one unit pass at these prices."""
    warnings = []
    for instrument in instruments:
        price = prices.get(instrument.id)
        if price is None or not instrument.tradable:
            continue
        one = price * instrument.unit_value * instrument.contract_size / MICROS
        most, name = quantity_cap(instrument, price, limits)
        if most < instrument.contract_size:
            warnings.append(f"{name} allows {most:g} of {instrument.symbol}: every trade in it will be refused")
        if one > cap(limits.exposure_per_instrument_cash_max):
            warnings.append(
                f"exposure_per_instrument_cash_max is {limits.exposure_per_instrument_cash_max}, one {instrument.symbol} is "
                f"{one:,.0f}: every trade in it will be refused"
            )
    return warnings
