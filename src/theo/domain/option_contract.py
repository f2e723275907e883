"""Listed options: their names, and the instruments that stand for a contract that is chosen (strategy/option_front.py).

A name is as the Options Clearing Corporation writes it and IB calls it, ``SPY   261218C00600000``: six places for the
class, the last day YYMMDD, C or P, the strike in thousandths.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from theo.domain.errors import DataError
from theo.domain.instrument import Instrument

FRONT_IDS_FROM: Final = 1_000_000_000  # ids of instruments that stand for a contract that is chosen; those of people end before
RIGHTS: Final = {"C": "CALL", "P": "PUT"}
_NAME: Final = re.compile(r"([A-Z0-9.]{1,6}) *(\d{2})(\d{2})(\d{2})([CP])(\d{8})")


class OptionContract(msgspec.Struct, frozen=True):
    """``right`` is CALL or PUT; ``strike`` in the underlying's decimal price."""

    trading_class: str
    expiry: date
    right: str
    strike: Decimal

    @property
    def name(self) -> str:
        """As it is written."""
        thousandths = int(self.strike.scaleb(3))
        return f"{self.trading_class:<6}{self.expiry:%y%m%d}{self.right[0]}{thousandths:08d}"


def option_contract(name: str) -> OptionContract:
    """Read a name. Raises DataError for what is none."""
    found = _NAME.fullmatch(name)
    try:
        trading_class, year, month, day, right, strike = found.groups() if found is not None else ()
        expiry = date(2000 + int(year), int(month), int(day))
    except ValueError:
        why = "it has a class, the last day, C or P and the strike: SPY   261218C00600000"
        raise DataError(f"{name!r} is no name of an option", why=why) from None
    return OptionContract(trading_class, expiry, RIGHTS[right], Decimal(int(strike)).scaleb(-3))


def is_option_name(text: str) -> bool:
    """Whether it is the name of an option."""
    try:
        option_contract(text)
    except DataError:
        return False
    return True


def is_front(instrument: Instrument) -> bool:
    """Whether it stands for a contract that is chosen, and is none itself."""
    return instrument.id >= FRONT_IDS_FROM
