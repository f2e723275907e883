"""Times, prices and money as the interface writes them: ISO 8601 in UTC, and decimals as text, so that no digit is lost.

A JSON number is read as a binary fraction by most clients: 0.1 USD would be another amount. Prices and money are therefore text
that holds an exact decimal; counts, ids and correlations are numbers.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from theo.domain.instrument import Instrument

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1900, 2200
_DECIMAL: Final = r"^-?\d+(\.\d+)?$"

DecimalText = Annotated[str, Field(pattern=_DECIMAL, examples=["2765.25"], description="An exact decimal, as text.")]


def moment(at: int) -> datetime:
    """Microseconds UTC as a time that is written in ISO 8601."""
    return EPOCH + at * MICROSECOND


def micros(at: datetime) -> int:
    """A time with a zone as microseconds UTC."""
    return (at - EPOCH) // MICROSECOND


def _written(text: object) -> object:
    """Only ISO 8601 with a zone: a bare number or a date alone could be meant otherwise."""
    if not isinstance(text, str) or _WRITTEN.fullmatch(text) is None:
        raise ValueError('a time is written with its zone, for example "2018-02-05T20:45:00Z"')
    return text


def _countable(at: datetime) -> datetime:
    """UTC has no year 0 and no year 10000, which the first and the last day of the calendar reach in some zones."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"a time lies in the years {FIRST_YEAR} to {LAST_YEAR}")
    return at


def _day(text: object) -> object:
    """A bare number would be counted as seconds."""
    if not isinstance(text, str) or _DAY.fullmatch(text) is None:
        raise ValueError('a day is written "2018-02-05"')
    return text


def _flag(text: object) -> object:
    """As the document says, and no other word for it."""
    if text not in {"true", "false"}:
        raise ValueError('"true" or "false"')
    return text


_SHAPE: Final = {"type": "string", "format": "date-time", "examples": ["2018-02-05T20:45:00Z"]}
AskedTime = Annotated[datetime, BeforeValidator(_written), AfterValidator(_countable), WithJsonSchema(_SHAPE)]
AskedDay = Annotated[date, BeforeValidator(_day)]
AskedFlag = Annotated[bool, BeforeValidator(_flag)]


def price_text(units: float, instrument: Instrument) -> str:
    """A price, or a value between prices, in price units as an exact decimal."""
    return decimal_text(units, instrument.price_decimals)


def decimal_text(units: float, decimals: int) -> str:
    """Units of ``10 ** -decimals`` as an exact decimal: a binary fraction is written as its shortest text."""
    return f"{Decimal(repr(units)).scaleb(-decimals):f}"
