"""The instruments that a home knows: those that are shipped, and its own."""

from theo.adapters.instruments.catalogue import Listed, catalogue
from theo.app.home.layout import Home
from theo.domain.errors import UserError
from theo.domain.instrument import Instrument


def known_instruments(home: Home) -> dict[str, Listed]:
    """Shipped and own instruments by symbol."""
    return catalogue(home.instruments)


def known_instrument(home: Home, symbol: str) -> Instrument:
    """A known instrument. Raises UserError naming those that are."""
    listed = known_instruments(home)
    if symbol not in listed:
        raise UserError(
            f"symbol {symbol!r} is not known", remedy=f"Known are {', '.join(sorted(listed))}; add it to {home.instruments}"
        )
    return listed[symbol].instrument
