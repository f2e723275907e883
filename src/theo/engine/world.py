"""What the core knows and never changes: instruments, sessions, limits, costs, named bounds, and the configurations it scans.

The market book is the one thing here that moves: a fold of market data, not of decisions.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, MINUTE, SECOND
from theo.engine.scan import NEVER, READY, Cohort, Scan
from theo.market.book import MarketBook
from theo.market.series import Series
from theo.risk.limits import Limits
from theo.strategy.option_front import OptionFront

SCANS_AT_ONCE = 8  # so few configurations are decided at once, whatever comes of them; of more there are slices:
SOURCES_AT_ONCE = 1  # the clock closes bars of so many instruments by one input
# One timer runs no more, counting what they wait for as some, and a tick none: the core is held for about a millisecond.
LOOKS_AT_ONCE = 36
COHORTS_AT_ONCE = 64  # so many are told at once that a series closed beside their own; of more there are pieces, by timers
WAITING_COUNTED = 64  # so few waiting cohorts are looked through for the earliest after each input
# (instrument, quantity, price in units) -> micros: what entering and leaving costs, slippage included
CostEstimate = Callable[[Instrument, int, int], int]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Named bounds of the order path, in microseconds unless the name says otherwise."""

    answer_wait: int = 5 * SECOND  # an order without any answer becomes UNKNOWN: IB acknowledges within a second
    send_retry_wait: int = 2 * SECOND  # what failed to leave, or was refused, is not sent again sooner
    refused_wait_doublings: int = 6  # of that, with each refusal of the same order in a row: two minutes at most
    late_answer_wait: int = 30 * SECOND  # until then an UNKNOWN order's answer may still come
    book_retry_wait: int = 10 * SECOND  # between two asks for the broker's books
    book_interval: int = 0  # between two looks at the broker's books while nothing is amiss; 0: only for a reason
    partial_fill_wait: int = 2 * SECOND  # a bracket's parent may stay partly filled for so long
    exit_group_wait: int = 2 * SECOND  # the venue's time to reduce an exit group after a fill
    roll_wait: int = 5 * MINUTE  # a trade that is flat between two contracts waits so long for the broker's books
    spread_wait: int = MINUTE  # a trade is to be carried over by one order within; then it is closed and opened anew
    monitor_interval: int = 5 * SECOND
    breaker_rest: int = 30 * MINUTE  # the breaker holds at least for so long, and until the next account day's open
    entry_slippage_ticks: int = 1  # allowance on a MARKET entry's planned price when it is sized
    stop_after_fill: bool = False  # whether a person's IOC and FOK entries may go without a stop, which follows their fill
    margin_required: bool = False  # whether a person's entries need the broker's word on their margin before they are sent

    def refused_wait(self, refusals: int) -> int:
        """How long an order is left alone after so many refusals of cancels and changes in a row."""
        return int(self.send_retry_wait << min(max(refusals - 1, 0), self.refused_wait_doublings))


@dataclass(slots=True)
class World:
    """Everything outside the trading state that decide may read."""

    instruments: dict[int, Instrument]
    market: MarketBook
    limits: Limits
    costs: CostEstimate
    account_day: Callable[[int], tuple[int, int]]  # time -> (number of the account day, its end)
    breaker_opens: Callable[[int], int]  # time -> the next account day's first 09:30 ET
    settings: Settings = field(default_factory=Settings)
    options: dict[int, OptionFront] = field(default_factory=dict)  # by the instrument that stands for the chosen contract
    scans: dict[str, Scan] = field(default_factory=dict)  # by configuration name
    cohorts: dict[tuple[object, ...], Cohort] = field(default_factory=dict)  # of many scans, by what they have in common
    awaiting: dict[Series, list[Cohort]] = field(default_factory=dict)  # by each series that a cohort awaits; of many: its own
    partners: dict[Series, list[Cohort]] = field(default_factory=dict)  # of many, by each series that they await beside their own
    untold: dict[Series, int] = field(default_factory=dict)  # partners that closed, with how many of their cohorts were told
    waiting: dict[Cohort, None] = field(default_factory=dict)  # whose decision waits for a late series
    ready: dict[Cohort, None] = field(default_factory=dict)  # whose decision waits for nothing but its turn, in this order
    waits_until: int = NEVER  # not after the time until which any of them waits for a series
    shortest: int = NEVER  # length of the shortest bars that are decided on
    unit_values: dict[int, int] = field(init=False)  # micros of one price unit of one contract, as the instruments say

    def __post_init__(self) -> None:
        self.unit_values = {i: instrument.unit_value for i, instrument in self.instruments.items()}

    def add(self, scan: Scan) -> None:
        """Scan a further configuration."""
        scan.place = len(self.scans)
        self.scans[scan.key.config] = scan
        self.shortest = min(self.shortest, scan.primary.timeframe.length or DAY)
        if self.sliced and not self.cohorts:
            self.awaiting.clear()
            for each in self.scans.values():
                self._join(each)
        elif self.sliced:
            self._join(scan)
        else:
            self._await(scan.cohort)  # few decide in the order in which they were added, each on its own

    def _join(self, scan: Scan) -> None:
        """Into the cohort of those that wait for the same."""
        terms = scan.terms
        alone = (scan.key.config,) if scan.asks_strategy else ()
        common = (*scan.awaited, terms.grace, terms.looks.common, *alone)
        cohort = self.cohorts.get(common)
        if cohort is None:
            self.cohorts[common] = cohort = Cohort(scan)
            self._await(cohort)
        self.market.lag()
        scan.lag()
        cohort.add(scan)
        scan.cohort = cohort

    def _await(self, cohort: Cohort) -> None:
        own, *others = cohort.scans[0].awaited
        self.awaiting.setdefault(own, []).append(cohort)
        for series in others:
            (self.partners if self.sliced else self.awaiting).setdefault(series, []).append(cohort)

    @property
    def sliced(self) -> bool:
        """Whether one input may make so much due that it is worked off in slices."""
        return len(self.scans) > SCANS_AT_ONCE

    def too_much(self, at: int) -> bool:
        """Whether the clock closes bars of more instruments than one input is given."""
        return self.sliced and self.market.many_due(at, SOURCES_AT_ONCE)

    def close_due(self, at: int, *, whole: bool) -> bool:
        """Close bars by the clock, of a slice of the instruments unless ``whole``, and hear of it; whether one closed."""
        closed = self.market.on_time(at, NEVER if whole else SOURCES_AT_ONCE)
        if closed:
            self.hear()
        return closed

    def hear(self) -> None:
        """After series closed: note which cohorts wait for others, and which are ready."""
        for series in self.market.closed:
            self._tell(series, self.awaiting.get(series, ()))
            if self.partners and series in self.partners:
                self._tell_partners(series, self.partners[series])

    def _tell(self, series: Series, cohorts: Sequence[Cohort]) -> None:
        waiting, ready = self.waiting, self.ready
        for cohort in cohorts:
            if cohort.bar_closed(series):
                if waiting:
                    waiting.pop(cohort, None)
                ready[cohort] = None
            elif cohort.waiting_until != READY and cohort.waiting_for:
                ready.pop(cohort, None)
                waiting[cohort] = None
                self.waits_until = min(self.waits_until, cohort.waiting_until)

    def _tell_partners(self, series: Series, cohorts: list[Cohort]) -> None:
        """Thousands may await one index: timers tell them. Those whose own bar closes meanwhile see that it has closed."""
        if len(cohorts) > COHORTS_AT_ONCE:
            self.untold[series] = 0
        else:
            self._tell(series, cohorts)

    def tell_more(self, *, whole: bool) -> bool:
        """Tell a further piece of those that are to be told that a partner closed, or all; whether there were any."""
        if not self.untold:
            return False
        left = NEVER if whole else COHORTS_AT_ONCE
        while self.untold and left > 0:
            series, place = next(iter(self.untold.items()))
            cohorts = self.partners[series]
            piece = cohorts[place : place + left]
            self._tell(series, piece)
            left -= len(piece)
            self.untold[series] = place + len(piece)
            if place + len(piece) == len(cohorts):
                del self.untold[series]
        return True

    def late(self, at: int) -> bool:
        """Whether a scan is not to wait beyond ``at``."""
        return bool(self.ready) or (at >= self.waits_until and any(cohort.waiting_until <= at for cohort in self.waiting))

    def overdue(self, at: int, *, whole: bool) -> None:
        """Scans whose grace is over at ``at`` wait no longer: few configurations in their order, of many a slice."""
        if at < self.waits_until:
            return
        late = (cohort for cohort in self.waiting if cohort.waiting_until <= at)
        found = sorted(late, key=lambda cohort: cohort.scans[0].place) if whole else list(some(late, LOOKS_AT_ONCE))
        for cohort in found:
            del self.waiting[cohort]
            cohort.waiting_until = READY
            self.ready[cohort] = None
        if whole or sum(len(cohort.scans) for cohort in found) < LOOKS_AT_ONCE:
            self.seek()

    def seek(self) -> None:
        """Look through all that wait for the earliest time until which one does."""
        self.waits_until = min((cohort.waiting_until for cohort in self.waiting), default=NEVER)

    def overrun(self, at: int) -> bool:
        """Whether the next bar of a scan that waits for its turn may close: then all have theirs before it."""
        if self.ready and at >= next(iter(self.ready)).waiting_for + self.shortest:
            return True
        return bool(self.untold) and at >= next(iter(self.untold)).last_end + self.shortest

    def decided(self, scan: Scan) -> None:
        """A scan's decision is on record: it waits no more."""
        cohort = scan.cohort
        if cohort.decided(scan):
            self.waiting.pop(cohort, None)
            self.ready.pop(cohort, None)

    def scans_due(self, at: int, *, seek: bool = False) -> int:
        """When a scan is due by time: now while one is ready; NEVER while none waits. Of many perhaps early, unless sought.

        Of many also now while something is to follow that nobody asked for, so that no tick finds it undone at the next bar.
        """
        if self.ready or self.untold or self.market.behind:
            return at
        if not self.waiting:
            self.waits_until = NEVER
            return NEVER
        if seek or len(self.waiting) <= WAITING_COUNTED:
            self.seek()
        return max(at, self.waits_until)

    def flat_at(self, config: str, opened_at: int) -> int:
        """When a trade opened at ``opened_at`` must be flat; NEVER for positional and unknown configurations."""
        scan = self.scans.get(config)
        return NEVER if scan is None else scan.terms.flat_at(opened_at)


def some(cohorts: Iterable[Cohort], looks: int) -> Iterator[Cohort]:
    """So many that they make up ``looks``, or all."""
    for cohort in cohorts:
        if looks <= 0:
            return
        looks -= len(cohort.scans)
        yield cohort
