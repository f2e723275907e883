"""Nothing opens on data that is trusted and still not good enough: the bounds that a configuration sets itself."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from theo.domain.approval import Refused
from theo.domain.market_data import DAY, Bar
from theo.market.book import MarketBook
from theo.market.gate import GateBounds, farthest, missing_bars
from theo.market.quality import check_settlement
from theo.market.series import Series
from theo.market.sessions import Hours

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DataGate:
    """Judges the series that one configuration decides on, in the hours that they share, at a bar end that it would trade on.

    Each check answers with the value that it saw and its bound; the first that fails is told, with each series that fails it.
    """

    __slots__ = ("_book", "_bounds", "_checks", "_hours", "_series")

    def __init__(self, bounds: GateBounds, hours: Hours, series: Sequence[Series], book: MarketBook) -> None:
        self._bounds, self._hours, self._series, self._book = bounds, hours, series, book
        for each in series:
            each.keep_recent(bounds.window)
        self._checks: tuple[Callable[[int], Refused | None], ...] = (
            self._min_points,
            self._freshness,
            self._common_session,
            self._gaps,
            self._outlier,
            self._settlement,
        )

    def refusal(self, end: int) -> Refused | None:
        """Why nothing may open on the bar end; None when every bound holds. Raises DataError outside the session table."""
        for check in self._checks:
            refused = check(end)
            if refused is not None:
                return refused
        return None

    def _recent(self, series: Series) -> list[Bar]:
        """The newest bars of the window, oldest first."""
        kept = series.recent
        assert kept is not None, "the gate asked for them"
        return list(islice(kept, max(len(kept) - self._bounds.window, 0), None))

    def _min_points(self, _end: int) -> Refused | None:
        least = self._bounds.bars_min
        counts = {_name(series): len(self._recent(series)) for series in self._series}
        few = {name: count for name, count in counts.items() if count < least}
        told = "; ".join(f"{name} has {count} bars" for name, count in few.items())
        return Refused("min_points", min(few.values()), least, f"{told}, at least {least} are asked for") if few else None

    def _freshness(self, end: int) -> Refused | None:
        most = self._bounds.age_max
        ages = {_name(series): end - series.last_end for series in self._series if end - series.last_end > most}
        told = "; ".join(f"the newest bar of {name} is {age / DAY:.1f} days old" for name, age in ages.items())
        return Refused("freshness", max(ages.values()) / DAY, most / DAY, f"{told}, at most {most / DAY:g} are") if ages else None

    def _common_session(self, end: int) -> Refused | None:
        if not self._bounds.common_session or self._hours.session_around(end - 1) is not None:
            return None
        told = ", ".join(dict.fromkeys(series.instrument.symbol for series in self._series))
        return Refused("common_session", 0, 1, f"{_utc(end)} lies outside the hours that {told} share")

    def _gaps(self, _end: int) -> Refused | None:
        most, window = self._bounds.missing_max, self._bounds.window
        counts = {_name(s): missing_bars(self._recent(s), self._hours, s.timeframe.length) for s in self._series}
        holed = {name: count for name, count in counts.items() if count > most}
        told = "; ".join(f"{count} bars are missing between the last {window} of {name}" for name, count in holed.items())
        return Refused("gaps", max(holed.values()), most, f"{told}, at most {most} may be") if holed else None

    def _outlier(self, _end: int) -> Refused | None:
        most = self._bounds.outlier_deviations
        found = {series: farthest(self._recent(series), series.instrument.tick) for series in self._series}
        far = {series: one for series, one in found.items() if one is not None and one.deviations > most}
        told = "; ".join(
            f"the bar of {_name(series)} that ended {_utc(one.bar.end)} ({series.instrument.text(one.bar.low)} to "
            f"{series.instrument.text(one.bar.high)}) lies {one.deviations:.1f} deviations from the others"
            for series, one in far.items()
        )
        return Refused("outlier", max(one.deviations for one in far.values()), most, told) if far else None

    def _settlement(self, _end: int) -> Refused | None:
        most = self._bounds.settlement_ticks_max
        for instrument in {series.instrument.id: series.instrument for series in self._series}.values():
            settled = self._book.settled.get(instrument.id)
            differs = None if settled is None else check_settlement(settled.settlement, settled.last, instrument.tick, most)
            if settled is not None and differs is not None:
                prices = f"{instrument.text(differs.settlement)}, its last trade before that was {instrument.text(differs.last)}"
                text = f"{instrument.symbol} settled at {prices}: {differs.distance_ticks:g} ticks apart"
                return Refused("settlement", differs.distance_ticks, most, text)
        return None


def _name(series: Series) -> str:
    return f"{series.instrument.symbol} {series.timeframe.name}"


def _utc(at: int) -> str:
    return f"{EPOCH + timedelta(microseconds=at):%Y-%m-%d %H:%M} UTC"
