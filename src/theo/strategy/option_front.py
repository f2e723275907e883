"""What a scan's signals are traded in when it asks for options: an instrument that stands for the contract chosen by now.

As with a future that rolls, the instrument stays and its contract changes: ContractRolled names the chosen one. It is chosen
ahead of signals and anew only while nothing is open in it: a signal finds quotes to judge, and a trade keeps its contract.
"""

from typing import Final

import msgspec

from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument, SecurityType
from theo.domain.market_data import SECOND
from theo.domain.option_contract import FRONT_IDS_FROM
from theo.domain.orders import Side
from theo.strategy.option_choice import CategorySplit
from theo.strategy.scan_terms import BOUGHT, EXPIRIES, ScanTerms, asks_options

PLACES: Final = 100  # ids for each underlying
MULTIPLIER: Final = 100
_KINDS: Final = [(right, category) for right in ("CALL", "PUT") for category in ("ITM", "OTM", "DITM", "DOTM")]
UNDERLYINGS: Final = frozenset({SecurityType.STK, SecurityType.ETF, SecurityType.IND})


class OptionBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a contract's market must be for a signal to be traded in it. Durations in microseconds.

    ``spread_percent_max`` is of the middle of bid and ask, ``size_min`` contracts at either, ``quote_max`` how old they may be.
    An entry that is not filled at the ask within ``entry_wait`` is given up.
    """

    spread_percent_max: float = 10.0
    size_min: int = 1
    quote_max: int = 60 * SECOND
    entry_wait: int = 60 * SECOND


class OptionFront(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one right, category and series on an underlying; ``instrument`` stands for the one that is chosen."""

    instrument: Instrument
    underlying: Instrument
    right: str
    category: str
    expiry: str
    split: CategorySplit = CategorySplit()
    bounds: OptionBounds = OptionBounds()


def option_front(
    underlying: Instrument,
    right: str,
    category: str,
    expiry: str,
    split: CategorySplit = CategorySplit(),  # noqa: B008 - a frozen value
    bounds: OptionBounds = OptionBounds(),  # noqa: B008 - a frozen value
) -> OptionFront:
    """The same for every scan that asks for the same. Raises ConfigError for what has no options that are traded here."""
    if underlying.security_type not in UNDERLYINGS:
        raise ConfigError(
            f"no options on {underlying.symbol} are traded",
            why=f"it is of type {underlying.security_type}; options on stocks, funds and indices are",
            remedy='Name such an underlying in [symbols] traded: traded = "SPY"',
        )
    place = _KINDS.index((right, category)) * len(EXPIRIES) + EXPIRIES.index(expiry)
    instrument = Instrument(
        id=FRONT_IDS_FROM + underlying.id * PLACES + place,
        symbol=front_symbol(underlying.symbol, right, category, expiry),
        token=0,
        security_type=SecurityType.OPT,
        exchange="SMART",
        calendar=underlying.calendar,
        currency=underlying.currency,
        multiplier=MULTIPLIER,
        right=right,
        aliases={"ib": underlying.aliases.get("ib", underlying.symbol)},
    )
    return OptionFront(
        instrument=instrument,
        underlying=underlying,
        right=right,
        category=category,
        expiry=expiry,
        split=split,
        bounds=bounds,
    )


def fronts_wanted(underlying: str, terms: ScanTerms, sides: str) -> dict[Side, str]:
    """By a signal's side what it is traded in: a call for a long one, a put for a short one. Empty without options."""
    if not asks_options(terms):
        return {}
    bought = {Side.BUY: BOUGHT["long"], Side.SELL: BOUGHT["short"]}
    entered = {"long": (Side.BUY,), "short": (Side.SELL,)}.get(sides, (Side.BUY, Side.SELL))
    return {side: front_symbol(underlying, bought[side], terms.option_category, terms.expiry) for side in entered}


def front_symbol(underlying: str, right: str, category: str, expiry: str) -> str:
    """What stands for a chosen option is called by what it is chosen by."""
    return f"{underlying}-{right}-{category}-{expiry}"
