"""Bars of 5, 15, 30 and 60 minutes and of days out of a run's ticks, as its journal holds them, and their levels.

Only what is durable is read, from the journal itself, with a connection of its own: trading knows nothing of it. Bars come once
more after a restart, the same, and those that are stored stay. Their source is ``built``.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home.decided import first_recorded
from theo.app.stored.leveling import Leveling
from theo.domain.instrument import Instrument
from theo.domain.market_data import DAY, HOUR, Bar, ContractRolled, DataMark, DataMarked, MarketData, SessionScope, Tick, TickKind
from theo.domain.timeframe import timeframe
from theo.drive.assembly import Plan
from theo.engine.codec import decode_batch
from theo.engine.journal import MARKET
from theo.market.bars import BarTree, daily_scope
from theo.market.sessions import Hours
from theo.market.standard_levels import TIMEFRAMES, LevelSettings, NewLevel
from theo.ports.level_store import LevelSeries
from theo.ports.store import JournalStore

SOURCE: Final = "built"
RECORDS_A_ROUND: Final = 64  # of up to some thousand ticks each: a round is over in a fraction of a second
BACK: Final = DAY + 2 * HOUR  # the ticks of the running session, and some more, are read again after a restart


class Trees:
    """The trees of every instrument of a run: what the core builds of ticks, in more timeframes."""

    def __init__(self, plan: Plan) -> None:
        scope = plan.rulesets[0][0].session
        traded = {series.instrument.id: series.instrument for series in plan.series()}
        self._of = {one.id: tuple(_trees(plan, one, scope)) for one in traded.values()}
        self._all = tuple(tree for trees in self._of.values() for tree in trees)

    def take(self, items: Iterable[MarketData]) -> list[Bar]:
        """The bars that the next items close or revise, of any instrument."""
        bars: list[Bar] = []
        for item in items:
            at = item.at
            for tree in self._all:
                if tree.next_due <= at:
                    bars += tree.on_time(at)
            for tree in self._of.get(item.instrument, ()):
                if type(item) is Tick:
                    bars += tree.on_tick(item)
                elif type(item) is ContractRolled:
                    bars += tree.roll(item.contract, at)
                elif type(item) is DataMarked and item.mark is DataMark.INTERRUPTED and item.since:
                    tree.expect(item.since)
        return bars


def _trees(plan: Plan, one: Instrument, scope: SessionScope) -> Iterator[BarTree]:
    """One for each scope that its bars have."""
    kind = TickKind.TRADE if one.tradable else TickKind.INDEX
    table, daily = plan.tables[one.calendar], daily_scope(one)
    wanted = [(TIMEFRAMES, scope)] if daily is scope else [(TIMEFRAMES[:-1], scope), (TIMEFRAMES[-1:], daily)]
    for frames, hours in wanted:
        yield BarTree(one.id, [timeframe(name) for name in frames], Hours(table, hours), kind=kind, source=SOURCE)


class BuiltBars:
    """Follows a run's journal. ``work`` is one round; whoever calls it again goes on where it ended.

    ``settings`` are of the levels; None: bars alone. ``announced`` are the swing highs and lows that became known, each once,
    until somebody takes them away.
    """

    def __init__(self, journal: JournalStore, market: SqlMarketStore, plan: Plan, settings: LevelSettings | None) -> None:
        self._journal, self._market = journal, market
        self._trees = Trees(plan)
        self._rolls: dict[tuple[int, str, str], int] = {}
        self.announced: list[tuple[LevelSeries, NewLevel]] = []
        store = SqlLevelStore(market.engine)
        self._leveling = None if settings is None else Leveling(store, settings, self._difference)
        self._next = self._begin(store)

    def _difference(self, series: LevelSeries, previous: str, contract: str) -> int | None:
        return self._rolls.get((series.instrument, previous, contract))

    def _begin(self, store: SqlLevelStore) -> int:
        """The record from which on the journal is read: before the session of the newest bar that is stored."""
        newest = [s.last for s in self._market.series() if s.source == SOURCE and s.timeframe in TIMEFRAMES]
        if not newest:
            return 1
        for series in store.series(TIMEFRAMES):
            if series.source == SOURCE:
                self._bring_up(series)  # what a crash left between bars and levels
        return first_recorded(self._journal, MARKET, max(newest) - BACK)

    def work(self) -> bool:
        """Read, build, store, compute; whether there is more."""
        records = list(islice(self._journal.read(MARKET, self._next, self._next + RECORDS_A_ROUND - 1), RECORDS_A_ROUND))
        items = [item for record in records for item in decode_batch(record).items]
        for roll in (item for item in items if type(item) is ContractRolled):
            self._rolls[roll.instrument, roll.previous, roll.contract] = roll.difference
        bars = self._trees.take(items)
        if bars:
            self._market.keep_built_bars(bars)
            for instrument, name in dict.fromkeys((bar.instrument, bar.timeframe) for bar in bars):
                self._bring_up(LevelSeries(instrument, name, SOURCE))
        if records:
            self._next = records[-1].seq + 1
        return len(records) == RECORDS_A_ROUND

    def _bring_up(self, series: LevelSeries) -> None:
        if self._leveling is not None:
            for brought in self._leveling.bring_up(msgspec.structs.replace(series, bars=0)):
                self.announced += ((series, new) for new in brought.newest)
