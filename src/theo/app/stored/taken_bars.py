"""Levels of the bars that a run takes, as its journal holds them: the bars come into its tables with all else that it recorded.

Only what is durable is read, with connections of its own: trading knows nothing of it. Their source is that of the bars.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.projecting import Projection
from theo.app.home.projecting import decoders
from theo.app.stored.leveling import Leveling
from theo.domain.market_data import Bar, ContractRolled
from theo.drive.assembly import Plan
from theo.engine.codec import decode_batch
from theo.engine.journal import MARKET
from theo.market.standard_levels import TIMEFRAMES, LevelSettings, NewLevel
from theo.ports.level_store import LevelSeries
from theo.ports.store import JournalStore

RECORDS_A_ROUND: Final = 256
Named = tuple[int, str, str]  # instrument, timeframe, source


class TakenBars:
    """Follows a run's journal. ``work`` is one round; whoever calls it again goes on where it ended.

    ``announced`` are the swing highs and lows that became known, each once, until somebody takes them away.
    """

    def __init__(self, journal: JournalStore, market: SqlMarketStore, plan: Plan, settings: LevelSettings) -> None:
        market.put_instruments(list(plan.instruments.values()))
        self._journal, self._store = journal, SqlLevelStore(market.engine)
        self._projection = Projection(market, decoders(journal))
        self._leveling = Leveling(self._store, settings, self._difference)
        self._rolls: dict[tuple[int, str, str], int] | None = None
        self._newest: dict[Named, Bar] = {}
        self._beside: set[Named] = set()  # series of several contracts at a time
        self.announced: list[tuple[LevelSeries, NewLevel]] = []
        self._next = 0

    def work(self) -> bool:
        """Project, and compute the levels of the bars that are new; whether there is more."""
        if not self._next:
            self._begin()
        records = list(islice(self._journal.read(MARKET, self._next, self._next + RECORDS_A_ROUND - 1), RECORDS_A_ROUND))
        if not records:
            return False
        self._projection.catch_up(self._journal)
        self._next = records[-1].seq + 1
        for series in dict.fromkeys(self._taken(item) for record in records for item in decode_batch(record).items):
            if series is not None:
                self._bring_up(series)
        return len(records) == RECORDS_A_ROUND

    def _begin(self) -> None:
        """What an earlier process took: the bars of each of its series, whatever levels they have."""
        self._projection.catch_up(self._journal)
        head = self._journal.head(MARKET)
        self._next = 1 if head is None else head.seq + 1
        for series in self._store.series(TIMEFRAMES):
            self._compute(series)
            if series.chain:
                self._beside.add((series.instrument, series.timeframe, series.source))

    def _taken(self, item: object) -> Named | None:
        """The series to which an item adds a bar."""
        if type(item) is ContractRolled and self._rolls is not None:
            self._rolls[item.instrument, item.previous, item.contract] = item.difference
        if type(item) is not Bar or item.timeframe not in TIMEFRAMES:
            return None
        named = (item.instrument, item.timeframe, item.source)
        before = self._newest.get(named, item)
        if before.contract != item.contract and item.start <= before.start:
            self._beside.add(named)
        self._newest[named] = item
        return named

    def _bring_up(self, named: Named) -> None:
        if named not in self._beside:
            self._compute(LevelSeries(*named))
            return
        for series in self._store.series((named[1],)):
            if (series.instrument, series.timeframe, series.source) == named:
                self._compute(series)

    def _compute(self, series: LevelSeries) -> None:
        for brought in self._leveling.bring_up(series):
            self.announced += ((series, new) for new in brought.newest)

    def _difference(self, series: LevelSeries, previous: str, contract: str) -> int | None:
        """As the run measured it. The journal is read for it once, where a contract changes at all."""
        if self._rolls is None:
            self._rolls = {(roll.instrument, roll.previous, roll.contract): roll.difference for roll in self._recorded_rolls()}
        return self._rolls.get((series.instrument, previous, contract))

    def _recorded_rolls(self) -> Iterator[ContractRolled]:
        for record in self._journal.read(MARKET):
            yield from (item for item in decode_batch(record).items if type(item) is ContractRolled)
