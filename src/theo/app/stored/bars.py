"""The bars that a plan needs, from a home's market store: one source per instrument, in order of time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from theo.adapters.sql.market.sources import BUILT
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.times import date_at, day_number
from theo.domain.errors import DataError, UserError
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, Bar
from theo.ports.market_store import BarRange


def parse_timerange(text: str) -> tuple[int, int]:
    """``20190101-20190208`` as microseconds UTC, the last day included; either side may be missing. Raises UserError."""
    first, dash, last = text.partition("-")
    if text and not dash:
        raise UserError(f"timerange {text!r}", remedy="Write FROM-TO, for example 20190101-20190208")
    start = _day(first, text) * DAY if first else -(2**62)
    end = (_day(last, text) + 1) * DAY if last else 2**62
    return start, end


def _day(text: str, whole: str) -> int:
    try:
        return day_number(datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date())
    except ValueError as error:
        raise UserError(f"timerange {whole!r}: {text!r} is no date", remedy="Write dates as 20190131") from error


class StoredSeries:
    """One instrument's stored bars in a range; ``source`` is chosen when there is only one.

    Raises DataError naming what is there.
    """

    def __init__(self, store: SqlMarketStore, instrument: Instrument, name: str, start: int, end: int, source: str) -> None:
        self._store, self.instrument, symbol = store, instrument, instrument.symbol
        held = [s for s in store.series() if s.instrument == instrument.id and s.timeframe == name]
        held = [s for s in held if s.source != BUILT or source == BUILT]  # of a run's ticks: only for who names them
        fitting = [s for s in held if not source or s.source == source]
        if not fitting:
            there = ", ".join(f"{s.source} ({s.rows} bars)" for s in held) or "none"
            raise DataError(
                f"no stored {name} bars of {symbol}{f' from {source}' if source else ''}",
                why=f"sources there: {there}",
                remedy=f"Import them: theo import bars FILE --symbol {symbol} --timeframe {name}",
            )
        if len(fitting) > 1:
            names = ", ".join(s.source for s in fitting)
            raise DataError(f"{symbol} {name} has several sources: {names}", remedy="Choose one with --source")
        self.info = fitting[0]
        self._range = BarRange(instrument=instrument.id, timeframe=name, start=start, end=end, source=self.info.source)
        self.first, self.last = max(start, self.info.first), min(end, self.info.last)

    def least_price(self) -> int | None:
        """The lower one of the first bar's open and the newest stored close, price units; None when the range holds no bar."""
        first = next(self.bars(), None)
        info = self.info
        newest = self._store.latest_bars(info.instrument, info.timeframe, 1, info.source)
        return None if first is None else min(first.open, *(bar.close for bar in newest))

    def bars(self) -> Iterator[Bar]:
        """In order of time."""
        return self._store.bars(self._range)


def days_of(series: list[StoredSeries]) -> tuple[date, date]:
    """The first and last day (UTC) that the series may touch. Raises DataError when the range holds nothing."""
    first, last = min(s.first for s in series), max(s.last for s in series)
    if last < first:
        raise DataError("the range holds no stored bar", remedy="Choose another --timerange")
    return date_at(first), date_at(last)
