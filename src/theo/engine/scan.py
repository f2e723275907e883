"""One configuration being scanned: its strategy, the series it waits for, and the bar end that is due."""

from theo.domain.keys import Key
from theo.market.series import Series
from theo.market.trust import SeriesTrust
from theo.risk.rules.data_gate import DataGate
from theo.risk.rules.data_trust import SeriesStanding
from theo.risk.sizing import Sizing
from theo.strategy.base import Strategy
from theo.strategy.terms import Terms

NEVER = 1 << 62  # later than any time
READY = 0  # a scan that waits until then waits for nothing but its turn


class Scan:
    """A decision for bar end T is due when every awaited series has closed its bar that is due by T, or ``grace`` after T.

    It runs once, and only where its terms say that T is looked at. ``awaited`` are all series that the strategy reads, the
    primary first; ``trusts`` are theirs, one each; ``gate`` is what the configuration asks of their data beyond that.
    """

    __slots__ = (
        "_grace",
        "_looks",
        "_others",
        "_ready",
        "awaited",
        "gate",
        "key",
        "place",
        "primary",
        "sizing",
        "strategy",
        "terms",
        "trusts",
        "waiting_for",
        "waiting_until",
    )

    def __init__(
        self,
        key: Key,
        strategy: Strategy,
        terms: Terms,
        awaited: tuple[Series, ...],
        trusts: tuple[SeriesTrust, ...] = (),
        gate: DataGate | None = None,
    ) -> None:
        self.gate = gate
        self.key, self.strategy, self.terms, self.trusts = key, strategy, terms, trusts
        for series, trust in zip(awaited, trusts, strict=False):
            series.trusts = (*series.trusts, trust)
        self.sizing = Sizing(risk_percent=terms.risk_percent, quantity_max=terms.quantity_max)
        self.awaited, self.primary, self._grace = awaited, awaited[0], terms.grace
        self._looks = terms.looks.due
        frame = awaited[0].timeframe
        self._others = tuple(series for series in awaited[1:] if series.timeframe == frame)
        # Of another timeframe another end may be due: only then the strategy is asked, once all others have closed
        self._ready = strategy.ready if len(self._others) + 1 < len(awaited) else None
        self.place = 0  # among the configurations
        self.waiting_for = 0  # the bar end that is due; 0 when none
        self.waiting_until = NEVER

    def bar_closed(self, series: Series) -> bool:
        """Whether a decision is due and every awaited series has closed its bar; a bar of the primary's makes one due."""
        end = self.waiting_for
        if series is self.primary:
            before = series.previous_bar
            if not self._looks(0 if before is None else before.end, series.last_end):
                return False
            end = self.waiting_for = series.last_end
            self.waiting_until = end + self._grace
        elif not end or self.waiting_until == READY:
            return False
        for other in self._others:
            if other.last_end < end:
                return False
        if self._ready is not None and not self._ready(end):
            return False
        self.waiting_until = READY
        return True

    def standings(self, at: int) -> list[SeriesStanding]:
        """The trust of every awaited series at core time ``at``."""
        pairs = zip(self.awaited, self.trusts, strict=False)
        return [SeriesStanding(s.instrument.symbol, s.timeframe.name, trust.standing(s.bar, at)) for s, trust in pairs]
