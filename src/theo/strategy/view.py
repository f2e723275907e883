"""What a strategy sees of the market. Implemented by whoever owns the series; bound once, read at every bar.

Nothing here computes: indicators, correlations and sessions are the market layer's.
"""

from typing import Protocol

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar
from theo.market.correlation import CorrelationSpec
from theo.market.indicators.column import Column
from theo.market.sessions import Hours
from theo.market.wall_clock import WallClock


class SeriesView(Protocol):
    """Closed bars of one instrument and timeframe."""

    @property
    def instrument(self) -> Instrument:
        """Whose bars they are."""

    @property
    def bar(self) -> Bar | None:
        """The newest closed bar."""

    @property
    def previous_bar(self) -> Bar | None:
        """The bar before ``bar``."""

    @property
    def last_end(self) -> int:
        """End of ``bar``, microseconds UTC; 0 before the first. A value for end T exists only while this is T."""


class CorrelationView(Protocol):
    """A rolling correlation of two series."""

    @property
    def column(self) -> Column:
        """The value with the newest joined pair of bars; NaN before enough pairs."""

    @property
    def last_end(self) -> int:
        """End of the newest joined pair, microseconds UTC; 0 before the first."""


class MarketView(Protocol):
    """Series, indicator outputs, correlations, sessions and wall clocks by name. Each raises ConfigError for an unknown name.

    The returned objects are live: the same object shows the newest values at each later bar.
    """

    def series(self, symbol: str, timeframe: str) -> SeriesView:
        """The bar series of a symbol; ``timeframe`` is a canonical name such as ``15min``."""

    def column(self, symbol: str, timeframe: str, output: str) -> Column:
        """An indicator output of a series, such as ``swing(2).high``; prices in price units of the instrument."""

    def correlation(self, spec: CorrelationSpec, first: str, second: str, timeframe: str) -> CorrelationView:
        """The correlation of two symbols' series of one timeframe."""

    def sessions(self, symbol: str) -> Hours:
        """When the market whose bars the series hold is open."""

    def wall_clock(self, zone: str) -> WallClock:
        """Local time of a zone such as ``America/New_York``."""
