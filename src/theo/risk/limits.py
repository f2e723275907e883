"""What an account may do at most. Every limit is a number; "unlimited" must be said, in words, by the one who wants it.

Which rule compares what with which limit stands in theo.risk.rules; how a size is lowered to them in theo.risk.sizing.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import MICROS, Instrument, SecurityType

UNLIMITED: Final = "unlimited"
UNBOUNDED: Final = 1 << 100  # stands for UNLIMITED in comparisons: more than any quantity or cash in int64
MILLIONTHS_PER_PERCENT: Final = 10_000
FLOAT_DUST: Final = 1e-6  # of a step: what a binary number may miss a decimal one by

Cap = float | str  # a number, or UNLIMITED
Count = int | str  # a whole number, or UNLIMITED

STOCKS: Final = frozenset({SecurityType.STK, SecurityType.ETF, SecurityType.CASH})
FUTURES: Final = frozenset({SecurityType.FUT, SecurityType.CONTFUT})


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Defaults suit an account of about 100,000 USD. Per cent are of equity, in steps of 0.0001; cash is the account's currency.

    Limits are per security type where one number cannot fit both: one MES is over 30,000 USD of exposure, so a stock's cash
    cap would refuse every one. Of the two daily-loss limits the tighter one holds. Raises ConfigError for a limit that
    is not a positive number or the word "unlimited", and for per cent of a loss that could never be reached.
    """

    stock_position_cash_max: Cap = 50_000.0
    stock_leverage_max: Cap = 2.0  # exposure in stocks to equity: what Regulation T lets a margin account hold overnight
    futures_contracts_max: Count = 10  # held and working, per instrument
    option_contracts_max: Count = 10
    contracts_per_trade_max: Count = 10
    exposure_per_instrument_cash_max: Cap = 1_000_000.0
    leverage_max: Cap = 10.0
    trade_risk_percent_max: Cap = 2.0
    total_risk_percent_max: Cap = 6.0
    open_trades_max: Count = 10
    trades_per_day_max: Count = 20
    daily_loss_percent_max: Cap = 5.0
    daily_loss_cash_max: Cap = UNLIMITED  # the per cent hold; cash is for those who think in cash
    drawdown_percent_max: Cap = 25.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _check(name, getattr(self, name))


def _check(name: str, value: float | str) -> None:
    """Raises ConfigError for what cannot be a limit."""
    where = f"limit {name}"
    if isinstance(value, str):
        if value != UNLIMITED:
            raise ConfigError(f"{value!r} is no limit", where=where, remedy=f'Use a number, or the word "{UNLIMITED}"')
        return
    if not isfinite(value):
        raise ConfigError(f"{value} is no limit", where=where, remedy=f'Say "{UNLIMITED}" if you want none')
    if value <= 0:
        raise ConfigError(f"{value} would refuse every trade", where=where, remedy="Use a positive number")
    if name.endswith("_percent_max"):
        steps = value * MILLIONTHS_PER_PERCENT
        if abs(steps - round(steps)) > FLOAT_DUST:
            raise ConfigError(f"{value} % is too fine", where=where, why="limits have steps of 0.0001 %", remedy="Round it")
        if value > 100:  # noqa: PLR2004 - per cent
            raise ConfigError(f"{value} % can never be reached", where=where, remedy=f'Say "{UNLIMITED}" if you want none')


def cash_cap(limit: Cap) -> int:
    """A limit in cash as micros; UNBOUNDED for UNLIMITED."""
    return UNBOUNDED if isinstance(limit, str) else round(limit * MICROS)


def count_cap(limit: Count) -> int:
    """A limit that counts, as it is; UNBOUNDED for UNLIMITED."""
    return UNBOUNDED if isinstance(limit, str) else limit


def millionths(percent: float) -> int:
    """Per cent as whole millionths: exact arithmetic with money."""
    return round(percent * MILLIONTHS_PER_PERCENT)


def percent_cap(amount: int, limit: Cap) -> int:
    """So many per cent of an amount, rounded down; UNBOUNDED for UNLIMITED."""
    return UNBOUNDED if isinstance(limit, str) else amount * round(limit * MILLIONTHS_PER_PERCENT) // 1_000_000


def leverage_cap(equity: int, limit: Cap) -> int:
    """The exposure, micros, that a multiple of equity allows; UNBOUNDED for UNLIMITED, except without equity."""
    if isinstance(limit, str):
        return UNBOUNDED if equity > 0 else 0
    return equity * round(limit * 1_000_000) // 1_000_000


def contract_caps(instrument: Instrument, limits: Limits) -> tuple[tuple[int, str], tuple[int, str]] | None:
    """(most held, the limit's name), (most in one trade, its name) of futures and options; None for what has no contracts."""
    one_trade = (count_cap(limits.contracts_per_trade_max), "contracts_per_trade_max")
    if instrument.security_type in FUTURES:
        return (count_cap(limits.futures_contracts_max), "futures_contracts_max"), one_trade
    if instrument.security_type is SecurityType.OPT:
        return (count_cap(limits.option_contracts_max), "option_contracts_max"), one_trade
    return None


def impossible(
    limits: Limits, instruments: Iterable[Instrument], prices: Mapping[int, int], equity: int | None = None
) -> list[str]:
    """Warnings for limits that can never let the smallest order pass at these prices (price units by instrument id).

    ``equity`` (micros), where it is known, judges leverage too. Instruments without a price are left out.
    """
    warnings = []
    for instrument in instruments:
        price = prices.get(instrument.id)
        if price is None or not instrument.tradable:
            continue
        least = instrument.contract_size
        for name, most in _exposure_caps(instrument, limits, equity):
            worth = price * instrument.unit_value * least
            if worth > most:
                warnings.append(
                    f"{name} is {most / MICROS:,.0f}, but {least} {instrument.symbol} is {worth / MICROS:,.0f} of exposure: "
                    "every trade in it will be refused"
                )
        for count, name in contract_caps(instrument, limits) or ():
            if least > count:
                warnings.append(f"{name} is {count}, but {instrument.symbol} trades in steps of {least}: no trade will pass")
    return warnings


def _exposure_caps(instrument: Instrument, limits: Limits, equity: int | None) -> list[tuple[str, int]]:
    """(name, micros) of the limits on exposure that this instrument meets."""
    stock = instrument.security_type in STOCKS
    caps = [("exposure_per_instrument_cash_max", cash_cap(limits.exposure_per_instrument_cash_max))]
    if stock:
        caps.append(("stock_position_cash_max", cash_cap(limits.stock_position_cash_max)))
    if equity is not None:
        caps.append(("leverage_max x equity", leverage_cap(equity, limits.leverage_max)))
        if stock:
            caps.append(("stock_leverage_max x equity", leverage_cap(equity, limits.stock_leverage_max)))
    return caps
