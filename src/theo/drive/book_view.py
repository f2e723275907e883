"""The market book as strategies see it: by symbol, timeframe and indicator name. Asking for something keeps it from then on."""

from collections.abc import Mapping

from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SessionScope
from theo.domain.timeframe import timeframe as parse_timeframe
from theo.market.book import MarketBook
from theo.market.correlation import CorrelationSpec, PairCorrelation
from theo.market.indicators.column import Column
from theo.market.indicators.spec import parse_output
from theo.market.series import Series
from theo.market.sessions import Hours, SessionTable
from theo.market.wall_clock import WallClock


class BookView:
    """Implements theo.strategy.view.MarketView for rule sets whose hours are ``scope``. Raises ConfigError for unknown names."""

    def __init__(
        self,
        book: MarketBook,
        instruments: Mapping[str, Instrument],
        tables: Mapping[str, SessionTable],
        clocks: Mapping[str, WallClock],
        scope: SessionScope,
    ) -> None:
        self._book, self._instruments, self._tables, self._clocks, self._scope = book, instruments, tables, clocks, scope
        self._hours: dict[str, Hours] = {}  # by calendar

    def series(self, symbol: str, timeframe: str) -> Series:
        """The bar series of a symbol."""
        return self._book.series(self._instrument(symbol), parse_timeframe(timeframe))

    def column(self, symbol: str, timeframe: str, output: str) -> Column:
        """An indicator output of a series."""
        spec, which = parse_output(output)
        return self.series(symbol, timeframe).column(spec, which)

    def correlation(self, spec: CorrelationSpec, first: str, second: str, timeframe: str) -> PairCorrelation:
        """The correlation of two symbols' series."""
        return self._book.pair(spec, self.series(first, timeframe), self.series(second, timeframe)).correlation

    def sessions(self, symbol: str) -> Hours:
        """The hours of a symbol's market in the rule set's scope."""
        calendar = self._instrument(symbol).calendar
        if calendar not in self._tables:
            raise ConfigError(f"{symbol} trades by calendar {calendar}, of which no sessions are known")
        if calendar not in self._hours:
            self._hours[calendar] = Hours(self._tables[calendar], self._scope)
        return self._hours[calendar]

    def wall_clock(self, zone: str) -> WallClock:
        """Local time in a zone that is known to the run."""
        if zone not in self._clocks:
            raise ConfigError(f"time zone {zone!r} is not known", remedy=f"Use {' or '.join(sorted(self._clocks))}")
        return self._clocks[zone]

    def _instrument(self, symbol: str) -> Instrument:
        found = self._instruments.get(symbol)
        if found is None:
            known = ", ".join(sorted(self._instruments))
            raise ConfigError(f"symbol {symbol!r} is not known", remedy=f"Known are {known}; add it to instruments.toml")
        return found
