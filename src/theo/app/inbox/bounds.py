"""Numbers that are no order's, refused before anybody is asked: beyond them sums of money leave 64 bits."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from theo.domain.asked import Asked, ChangeAsked, CheckAsked, EntryAsked, ExitAsked, PairAsked, SignalAsked
from theo.domain.errors import UserError

PRICE_MAX: Final = Decimal(1_000_000_000)
QUANTITY_MAX: Final = 2**31 - 1
RISK_PERCENT_MIN: Final = 0.0001  # the step of every limit in per cent
_PRICES: Final = ("limit", "trigger", "trail", "stop", "stop_trail", "target")


def refuse_unbounded(asked: Asked | None) -> None:
    """Raises UserError, naming the field. What is no number at all the trader refuses, who knows the instrument."""
    for part in _parts(asked):
        for name in _PRICES:
            text = getattr(part, name, "")
            if not _bounded(text):
                raise UserError(f"{name} {text} is no price", where=name, remedy=f"Prices are below {PRICE_MAX:,}")
        if part.quantity > QUANTITY_MAX:
            raise UserError(f"quantity {part.quantity:,}", where="quantity", remedy=f"It is {QUANTITY_MAX:,} at most")
        if isinstance(part, EntryAsked) and not RISK_PERCENT_MIN <= part.risk_percent <= 100:  # noqa: PLR2004 - per cent
            what = f"risk_percent {part.risk_percent:g}"
            raise UserError(what, where="risk_percent", remedy=f"It is per cent of equity: {RISK_PERCENT_MIN} to 100")


def _parts(asked: Asked | None) -> Iterator[EntryAsked | ExitAsked | ChangeAsked]:
    """The entries, exits and changes of what is asked."""
    if isinstance(asked, PairAsked):
        yield asked.first
        yield asked.second
    elif isinstance(asked, CheckAsked):
        yield from _parts(asked.asked)
    elif isinstance(asked, SignalAsked):
        yield asked.entry
    elif isinstance(asked, EntryAsked | ExitAsked | ChangeAsked):
        yield asked


def _bounded(text: str) -> bool:
    try:
        number = Decimal(text.rstrip("%") or "0")
    except InvalidOperation:
        return True
    return number.is_finite() and abs(number) < PRICE_MAX
