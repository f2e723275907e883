"""One configuration being scanned, and those that become due together: the series they wait for, and the bar end that is due."""

from collections.abc import Collection

from theo.domain.keys import Key
from theo.domain.orders import Side
from theo.market.series import Pair, Series
from theo.market.trust import SeriesTrust
from theo.risk.rules.data_gate import DataGate
from theo.risk.rules.data_trust import SeriesStanding
from theo.risk.sizing import Sizing
from theo.strategy.base import Strategy
from theo.strategy.option_front import OptionFront
from theo.strategy.terms import Terms

NEVER = 1 << 62  # later than any time
READY = 0  # a cohort that waits until then waits for nothing but its turn


class Scan:
    """A configuration: its strategy and what it asks for. Its cohort says when a decision is due.

    ``awaited`` are all series that the strategy reads, the primary first; ``trusts`` are theirs, one each, perhaps shared with
    other configurations; ``gate`` is what the configuration asks of their data beyond that. ``options``: by a signal's
    side what it is traded in, where the configuration asks for options. ``lagging`` is what it reads that may have to catch up
    before it looks.
    """

    __slots__ = ("awaited", "cohort", "gate", "key", "lagging", "options", "place", "sizing", "strategy", "terms", "trusts")

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
        self.key, self.strategy, self.terms, self.awaited, self.trusts = key, strategy, terms, awaited, trusts
        for series, trust in zip(awaited, trusts, strict=False):
            if trust not in series.trusts:
                series.trusts = (*series.trusts, trust)
        self.sizing = Sizing(risk_percent=terms.risk_percent, quantity_max=terms.quantity_max)
        self.lagging: tuple[Series | Pair, ...] = ()
        self.place = 0  # among the configurations
        self.options: dict[Side, OptionFront] = {}
        self.cohort = Cohort(self)

    @property
    def primary(self) -> Series:
        """The series whose bars are decided on."""
        return self.awaited[0]

    def lag(self) -> None:
        """Its series lag from now on."""
        awaited = set(self.awaited)
        pairs = (pair for pair in self.primary.pairs if pair.first in awaited and pair.second in awaited)
        self.lagging = (*self.awaited, *pairs)

    @property
    def waiting_for(self) -> int:
        """The bar end that is due; 0 when none."""
        cohort = self.cohort
        return cohort.waiting_for if self in cohort.left() else 0

    @property
    def asks_strategy(self) -> bool:
        """Whether only the strategy knows which end is due: of another timeframe it may be another one."""
        frame = self.primary.timeframe
        return any(series.timeframe != frame for series in self.awaited)

    def standings(self, at: int) -> list[SeriesStanding]:
        """The trust of every awaited series at core time ``at``."""
        pairs = zip(self.awaited, self.trusts, strict=False)
        return [SeriesStanding(s.instrument.symbol, s.timeframe.name, trust.standing(s.bar, at)) for s, trust in pairs]


class Cohort:
    """Configurations that become due together: of the same series and the same looks. What is asked of one is asked of all.

    A decision for bar end T is due when every awaited series has closed its bar that is due by T, or ``grace`` after T. Each
    configuration looks once, and only where the terms say that T is looked at.
    """

    __slots__ = (
        "_grace",
        "_looks",
        "_others",
        "_primary",
        "_ready",
        "_undecided",
        "lagging",
        "scans",
        "waiting_for",
        "waiting_until",
    )

    def __init__(self, first: Scan) -> None:
        self.scans = [first]
        self._primary, self._grace, self._looks = first.primary, first.terms.grace, first.terms.looks.due
        asks = first.asks_strategy
        self._others = tuple(s for s in first.awaited[1:] if s.timeframe == first.primary.timeframe)
        self._ready = first.strategy.ready if asks else None
        self._undecided: dict[Scan, None] | None = None  # None: all
        self.lagging: dict[Series | Pair, None] = {}  # of all its configurations
        self.waiting_for = 0  # the bar end that is due; 0 when none
        self.waiting_until = NEVER

    def add(self, scan: Scan) -> None:
        """A further configuration that becomes due together with the others, all of whose series lag."""
        if scan is not self.scans[0]:
            self.scans.append(scan)
        self.lagging.update(dict.fromkeys(scan.lagging))

    def bar_closed(self, series: Series) -> bool:
        """Whether a decision is due and every awaited series has closed its bar; a bar of the primary's makes one due."""
        end = self.waiting_for
        if series is self._primary:
            before = series.previous_bar
            if not self._looks(0 if before is None else before.end, series.last_end):
                return False
            end = self.waiting_for = series.last_end
            self.waiting_until = end + self._grace
            self._undecided = None
        elif not end or self.waiting_until == READY:
            return False
        for other in self._others:
            if other.last_end < end:
                return False
        if self._ready is not None and not self._ready(end):
            return False
        self.waiting_until = READY
        return True

    def left(self) -> Collection[Scan]:
        """The configurations that have not decided yet, in their order; none where no bar end is due."""
        if not self.waiting_for:
            return ()
        return self.scans if self._undecided is None else self._undecided

    def decided(self, scan: Scan) -> bool:
        """One has decided; whether all have: then nothing is due any more."""
        if len(self.scans) > 1 and self.waiting_for:
            if self._undecided is None:
                self._undecided = dict.fromkeys(self.scans)
            self._undecided.pop(scan, None)
            if self._undecided:
                return False
        self.waiting_for, self.waiting_until, self._undecided = 0, NEVER, None
        return True

    def wait(self, scan: Scan, end: int, until: int) -> None:
        """A configuration waits for ``end``, as it did when a snapshot was taken. To be told of all that do, in their order."""
        before = dict[Scan, None]() if self._undecided is None else self._undecided
        self.waiting_for, self.waiting_until, self._undecided = end, until, before | {scan: None}
