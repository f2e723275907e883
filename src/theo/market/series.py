"""One bar series of one instrument: its last bars, the indicators kept on it, and its correlations with others."""

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import Bar, Timeframe
from theo.market.correlation import CorrelationSpec, PairCorrelation
from theo.market.indicators.column import Column
from theo.market.indicators.indicator import Indicator
from theo.market.indicators.spec import IndicatorSpec
from theo.market.trust import SeriesTrust


class Series:
    """Closed bars in order. ``last_end`` is the newest bar's end, 0 before the first.

    ``trusts`` are told of bars that stand apart: one for each configuration that decides on the series.
    """

    __slots__ = ("_kept", "bar", "indicators", "instrument", "last_end", "pairs", "previous_bar", "timeframe", "trusts")

    def __init__(self, instrument: Instrument, timeframe: Timeframe) -> None:
        self.instrument, self.timeframe = instrument, timeframe
        self.bar: Bar | None = None
        self.previous_bar: Bar | None = None
        self.last_end = 0
        self.indicators: dict[IndicatorSpec, Indicator] = {}
        self._kept: tuple[Indicator, ...] = ()
        self.pairs: list[Pair] = []
        self.trusts: tuple[SeriesTrust, ...] = ()

    def column(self, spec: IndicatorSpec, output: str) -> Column:
        """An output of an indicator, kept from the next bar on if it is not kept yet."""
        indicator = self.indicators.get(spec)
        if indicator is None:
            indicator = self.indicators[spec] = Indicator(spec)
            self._kept = (*self._kept, indicator)
        return indicator.outputs[output]

    def close(self, bar: Bar) -> bool:
        """Take the next bar; False for one that is not later than the newest: a repeat, or a revision of a bar decided on."""
        if bar.end <= self.last_end:
            return False
        if bar.start != self.last_end:
            for trust in self.trusts:
                trust.on_bar_apart(self.last_end, bar)
        self.previous_bar = self.bar
        self.bar = bar
        self.last_end = bar.end
        for indicator in self._kept:
            indicator.update(bar)
        for pair in self.pairs:
            first, second = pair.first, pair.second
            if first.last_end == second.last_end:
                pair.joined(first.bar, second.bar)  # type: ignore[arg-type]  # both have closed a bar by then
        return True

    def state(self) -> object:
        """Plain values that ``restore`` takes back."""
        kept = [[spec.text, indicator.state()] for spec, indicator in self.indicators.items()]
        return [self.bar, self.previous_bar, kept, [trust.state() for trust in self.trusts]]

    def restore(self, state: object) -> None:
        """Go on where ``state`` was taken, with the same indicators."""
        assert isinstance(state, list | tuple)
        self.bar, self.previous_bar = (None if b is None else msgspec.convert(b, Bar) for b in state[:2])
        self.last_end = self.bar.end if self.bar else 0
        kept = dict(state[2])
        for spec, indicator in self.indicators.items():
            indicator.restore(kept[spec.text])
        for trust, taken in zip(self.trusts, state[3], strict=True):
            trust.restore(taken)


class Pair:
    """Two series and their correlation: joined when both have closed the same bar end."""

    __slots__ = ("correlation", "first", "joined", "second")

    def __init__(self, spec: CorrelationSpec, first: Series, second: Series) -> None:
        self.correlation = PairCorrelation(spec)
        self.joined = self.correlation.join
        self.first, self.second = first, second
