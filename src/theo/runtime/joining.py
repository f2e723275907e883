"""What a run beside the broker's lacks when it begins and the shared market does not say: its look-back, and a bridge.

A run that is new, or was away for long, reads the bars of its look-back. Where the broker's run goes on with its ticks, those
between the end of the bars and the beginning of the shared stream are in that run's journal.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

from theo.domain.errors import RefusedError, TheoError, UserError
from theo.domain.market_data import SECOND, Bar, ContractRolled, DataMark, DataMarked, MarketData, Tick
from theo.engine.codec import decode_batch
from theo.engine.journal import MARKET
from theo.market.series import Series
from theo.market.sessions import Hours
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier
from theo.ports.store import JournalStore
from theo.runtime.marking import NOT_LISTENED
from theo.runtime.roll_reading import Chain, HistoryOf
from theo.runtime.sharing import Reading
from theo.runtime.warm_up import goes_on, listened_from, missing_bars

TRIES_MAX: Final = 12  # a minute of questions without an answer: the run then begins without its look-back
ASK_AGAIN_AFTER: Final = 5 * SECOND


class Joining:
    """Made before either run begins. ``journal`` is that of the broker's run (``leading``); ``rolling`` are futures that roll.

    What it gives is learned of at ``begins``: before anything of the shared market.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the market's ports, and what both runs know of it
        self,
        own: Reading,
        leading: Reading,
        rolling: frozenset[int],
        journal: JournalStore,
        history_of: HistoryOf,
        hours_of: Callable[[Series], Hours],
        ready: Callable[[], Awaitable[None]],
        clock: Clock,
        notifier: Notifier,
    ) -> None:
        self._own, self._leading, self._rolling = own, leading, rolling
        self._journal, self._history_of, self._hours_of = journal, history_of, hours_of
        self._ready, self._clock, self._notifier = ready, clock, notifier
        head = journal.head(MARKET)
        self._newest = 0 if head is None else head.seq
        self.begins, self._fronts = clock.now(), leading.fronts
        self._knew = {key: one.last_end for key, one in leading.series.items()}

    def marks(self) -> list[DataMarked]:
        """Of what this run heard of earlier than the other, or never: it knows nothing after that. Shared marks say the rest."""
        own, leading = self._own.heard, self._leading.heard
        later = [one for one in sorted(self._own.instruments & leading.keys()) if own.get(one, 0) < leading[one]]
        return [DataMarked(one, self.begins, DataMark.INTERRUPTED, own.get(one, 0), NOT_LISTENED) for one in later]

    async def bars(self) -> list[Bar | ContractRolled]:
        """The look-back, oldest first, and before it the contracts of futures that are not named yet. Waits for the link."""
        wanted = [one for one in self._own.series.values() if self._reads(one)]
        if wanted:
            await self._ready()
        found = [(bar.end, place, bar) for place, one in enumerate(wanted) for bar in await self._bars_of(one)]
        return [*self._names(), *(bar for *_, bar in sorted(found, key=lambda each: each[:2]))]

    def ticks(self) -> Iterator[list[MarketData]]:
        """What the broker's run took from where the bars, or the own ticks, end: one list for each of its records."""
        since = {one: self._since(one) for one in self._both_go_on()}
        if not since:
            return
        for record in self._journal.read(MARKET, self._first_record(min(since.values())), self._newest):
            yield [item for item in decode_batch(record).items if _is_in(item, since)]

    def _both_go_on(self) -> list[int]:
        both = self._own.instruments & self._leading.instruments
        return [one for one in sorted(both) if goes_on(one, self._leading.heard, self.begins)]

    def _reads(self, one: Series) -> bool:
        """Whether the shared market does not say what the series lacks."""
        instrument = one.instrument.id
        if instrument not in self._leading.instruments or goes_on(instrument, self._own.heard, self.begins):
            return False
        if goes_on(instrument, self._leading.heard, self.begins):
            return True
        return instrument in self._rolling and one.last_end < self._knew.get((instrument, one.timeframe.name), 0)

    def _names(self) -> list[ContractRolled]:
        """The contract that the broker's run has of each future that rolls and has none here."""
        rolls = {series.instrument.id for series in self._own.series.values()}  # of options each run is told by who chooses them
        missing = sorted((rolls & self._fronts.keys()) - self._own.fronts.keys())
        return [
            ContractRolled(at=self.begins, instrument=one, previous="", contract=self._fronts[one], difference=0)
            for one in missing
        ]

    async def _bars_of(self, one: Series) -> list[Bar]:
        """None where history refuses, or does not answer: the series then begins with the bar that runs now."""
        chain, why = Chain(self._fronts.get(one.instrument.id, "")), ""
        for _ in range(TRIES_MAX):
            try:
                return await missing_bars(one, self._hours_of(one), self._history_of, chain, self.begins, lambda _text: None)
            except (RefusedError, UserError) as error:
                why = str(error)
                break
            except TheoError as error:
                why = str(error)
                await self._clock.sleep_until(self._clock.now() + ASK_AGAIN_AFTER)
                await self._ready()
        text = f"{one.instrument.symbol} {one.timeframe.name} begins without history: {why}"
        self._notifier.tell(self._clock.now(), "warning", "no_history", text)
        return []

    def _since(self, one: int) -> int:
        return listened_from(list(self._own.series.values()), self._hours_of, one, self._own.heard, self.begins)

    def _first_record(self, since: int) -> int:
        """The first record that may hold what happened from then on: nothing comes before it has happened."""
        low, high = 1, self._newest + 1
        while low < high:
            middle = (low + high) // 2
            record = next(self._journal.read(MARKET, middle, middle), None)
            low, high = (low, middle) if record is None or record.recorded_at >= since else (middle + 1, high)
        return low


def _is_in(item: MarketData, since: Mapping[int, int]) -> bool:
    """Ticks by when they happened, rolls by when they were taken."""
    if isinstance(item, Tick):
        return item.timestamp >= since.get(item.instrument, item.timestamp + 1)
    return isinstance(item, ContractRolled) and item.at >= since.get(item.instrument, item.at + 1)
