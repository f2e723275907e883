"""How far each stage of a run has come, looked at in its journal and tables: for `theo status` and the interface alike.

Each look is bounded: the ends of the streams, the newest rows by their indexes, and the facts since the look before.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec

from theo.adapters.calendars.stored import session_table
from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.app.home.journals import ALONE, BESIDE
from theo.app.home.layout import Home
from theo.app.recorded.run import newest_start
from theo.app.times import clock, date_at
from theo.domain.errors import CorruptionError
from theo.domain.facts import Decided, Fact
from theo.domain.inputs import Started
from theo.domain.instrument import Instrument
from theo.domain.journal import TRADING
from theo.domain.keys import Key, Mode
from theo.domain.market_data import MINUTE, PRICES, Bar, Tick
from theo.domain.timeframe import timeframe
from theo.drive.record import Known, known, recorded_ruleset
from theo.engine import snapshot as snapshots
from theo.engine.apply import apply
from theo.engine.codec import decode_batch, decode_facts
from theo.engine.journal import MARKET
from theo.engine.state import State
from theo.market.sessions import Hours
from theo.market.standard_levels import TIMEFRAMES
from theo.ports.store import JournalStore
from theo.report import stages
from theo.report.stages import FeedSeen, ScanSeen, SeriesSeen, Stage, StageName, Waiting
from theo.strategy.ruleset import RuleSet, needs_of

RECORDS_BACK_MAX: Final = 500  # trading records searched for each configuration's newest decision
DATA_BACK_MAX: Final = 16  # market data records searched for the newest of each instrument
NAMES: Final[tuple[StageName, ...]] = ("collection", "bars", "levels", "scan", "signal", "trade")
DAYS_BACK, DAYS_AHEAD = timedelta(days=10), timedelta(days=14)  # holidays close a market for less


class RunStages:
    """The stages of one run. What was read of its journal is kept for the next look. For one thread at a time."""

    def __init__(self, home: Home, folder: Path, journal: JournalStore) -> None:
        self._home, self._folder, self._journal = home, folder, journal
        self._state: State | None = None
        self._seq = 0
        self._decided: dict[str, int] = {}
        self._run: tuple[int, _Run] | None = None  # by the epoch of the process that trades

    def at(self, now: int, tables: SqlMarketStore | None, *, running: bool) -> tuple[Stage, ...]:
        """From collection to trade at a time, UTC. Raises TheoError for a journal that cannot be read."""
        head = self._journal.head(TRADING)
        if head is None or not running:
            return tuple(stages.stopped(name) for name in NAMES)
        run, state = self._known(), self._followed(head.seq)
        if run.played:
            at = max((item.at for item in _newest(self._journal, run).values()), default=state_at(self._journal))
            text = f"in played time: {clock(at)} New York"
            return tuple(stages.played(name, text) for name in NAMES)
        return self._live(run, state, tables, now)

    def _live(self, run: "_Run", state: State, tables: SqlMarketStore | None, now: int) -> tuple[Stage, ...]:
        newest = _newest(self._journal, run)
        seen = [] if tables is None else [self._series(run, tables, *each, now) for each in run.series]
        ends = {each.name: each.bar for each in seen}
        scans = [self._scan(run, ruleset, ends, tables, now) for ruleset in run.rulesets]
        return (
            *(stages.collection(feed, now) for feed in _feeds(run, newest, now)),
            stages.bars(seen, now),
            stages.levels(seen, now),
            stages.scan(scans, now),
            stages.signal(_overdue_signals(state), now),
            stages.trade(_unanswered(state), now),
        )

    def _known(self) -> "_Run":
        """What the newest start knew."""
        head = self._journal.head(TRADING)
        assert head is not None
        epoch = next(self._journal.read(TRADING, head.seq, head.seq)).epoch
        if self._run is None or self._run[0] != epoch:
            self._run = (epoch, _Run(self._home, newest_start(self._folder, self._journal)))
        return self._run[1]

    def _followed(self, newest: int) -> State:
        """The trading state at the journal's end, and the newest decisions on the way there."""
        if self._state is None:
            self._state, self._seq = newest_state(self._journal)
            for record in self._journal.read(TRADING, max(1, self._seq - RECORDS_BACK_MAX), self._seq):
                self._note(decode_facts(record))
        for record in self._journal.read(TRADING, self._seq + 1, newest):
            facts = list(decode_facts(record))
            for fact in facts:
                apply(self._state, fact)
            self._note(facts)
            self._seq = record.seq
        return self._state

    def _note(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, Decided):
                self._decided[fact.config] = max(fact.end, self._decided.get(fact.config, 0))

    def _series(self, run: "_Run", tables: SqlMarketStore, one: Instrument, frame: str, now: int) -> SeriesSeen:
        newest = tables.latest_bars(one.id, frame, 1)
        bar = newest[-1].end if newest else None
        has_levels = frame in TIMEFRAMES
        start = SqlLevelStore(tables.engine).newest(one.id, frame) if has_levels else None
        levels = None if start is None else bar if newest and start == newest[-1].start else start
        hours = run.hours(one, now)
        awaited = following_end(hours, timeframe(frame).length, max(bar or 0, run.began))
        return SeriesSeen(f"{one.symbol} {frame}", bar, levels, awaited, hours.is_open(now), has_levels)

    def _scan(
        self, run: "_Run", ruleset: RuleSet, ends: Mapping[str, int | None], tables: SqlMarketStore | None, now: int
    ) -> ScanSeen:
        name, frame = ruleset.name, ruleset.naming.timeframe
        decided = self._decided.get(name)
        if decided is None and tables is not None:
            decided = tables.decided_beside(name, 2**62)[0]
        one = run.instruments[ruleset.naming.primary]
        hours = run.hours(one, now)
        awaited = following_end(hours, timeframe(frame).length, max(decided or 0, run.began))
        bar = ends.get(f"{one.symbol} {frame}")
        bar = None if bar is not None and bar <= run.began else bar  # of before: it was not there to decide on it
        pause = ruleset.grace + ruleset.scan.every_minutes * MINUTE
        return ScanSeen(name, bar, decided, awaited, pause, hours.is_open(now))


class _Run:
    """What a start knew, as far as the stages need it: no class of the user's is loaded."""

    def __init__(self, home: Home, started: Started) -> None:
        knew: Known = known(started.world)
        self._home = home
        self.played, self.began = plays(started.key, from_ticks=knew.from_ticks), started.at
        self.rulesets = [recorded_ruleset(knew, name) for name in knew.rulesets]
        self.instruments = {one.symbol: one for one in knew.instruments}
        self.series = [(self.instruments[symbol], frame) for symbol, frame in dict.fromkeys(self._stored(knew))]
        self._hours: dict[tuple[str, date], Hours] = {}

    def _stored(self, knew: Known) -> Iterable[tuple[str, str]]:
        """The series whose bars are stored; of ticks those of the standard timeframes are."""
        for ruleset in self.rulesets:
            for need in needs_of(ruleset).series:
                built = need.timeframe in TIMEFRAMES or not knew.from_ticks
                yield need.symbol, need.timeframe if built else TIMEFRAMES[0]

    def hours(self, one: Instrument, now: int) -> Hours:
        """By whole months, so that a table is built once a month."""
        first, last = date_at(now) - DAYS_BACK, date_at(now) + DAYS_AHEAD
        first, last = first.replace(day=1), last.replace(day=monthrange(last.year, last.month)[1])
        kept = self._hours.get((one.calendar, last))
        if kept is None:
            table = session_table(one.calendar, first, last, self._home.sessions)
            kept = self._hours[one.calendar, last] = Hours(table, self.rulesets[0].session)
        return kept


def plays(key: Key, *, from_ticks: bool) -> bool:
    """Whether the market of a run is played: a backtest, a demo, a run over stored bars, whose name may end as one beside."""
    with_feed = key.run.endswith(BESIDE) or key.run.startswith(ALONE)
    return key.mode not in {Mode.PAPER, Mode.LIVE} and not (from_ticks and with_feed)


def newest_state(journal: JournalStore) -> tuple[State, int]:
    """The newest whole snapshot's state and record; an empty one at 0 without any."""
    for stored in journal.newest_snapshots():
        if stored.intact:
            try:
                return snapshots.read(stored.payload).state, stored.seq
            except CorruptionError:
                continue  # of another version: the facts alone lead to the same state
    return State(key=Key(), journal=""), 0


def following_end(hours: Hours, length: int, end: int) -> int:
    """The end of the first bar that ends after ``end``; of what lies before the sessions that are known, the first of those."""
    at = max(end, hours.first)
    if not hours.is_open(at):
        at = hours.next_open(at)
    session = hours.session_at(at)
    assert session is not None
    return hours.bar_bounds(session, at, length)[1]


def state_at(journal: JournalStore) -> int:
    """When the newest trading record was made."""
    head = journal.head(TRADING)
    return 0 if head is None else next(journal.read(TRADING, head.seq, head.seq)).recorded_at


def _newest(journal: JournalStore, run: _Run) -> dict[int, Tick | Bar]:
    """The newest price of each instrument, as far back as the look reaches."""
    wanted = {one.id for one, _ in run.series}
    head = journal.head(MARKET)
    newest = 0 if head is None else head.seq
    found: dict[int, Tick | Bar] = {}
    for seq in range(newest, max(0, newest - DATA_BACK_MAX), -1):
        for record in journal.read(MARKET, seq, seq):
            for item in reversed(decode_batch(record).items):
                if isinstance(item, Bar) or (isinstance(item, Tick) and item.kind in PRICES):
                    found.setdefault(item.instrument, item)
        if wanted <= found.keys():
            break
    return found


def _feeds(run: _Run, newest: Mapping[int, Tick | Bar], now: int) -> list[FeedSeen]:
    """The newest of each source; since when the first of its markets is open."""
    found: dict[str, FeedSeen] = {}
    for one in {one.id: one for one, _ in run.series}.values():
        item = newest.get(one.id)
        name = "" if item is None else item.source
        hours = run.hours(one, now)
        since = max(hours.span_at(now)[0], run.began) if hours.is_open(now) else 0
        seen = FeedSeen(name, one.symbol, 0 if item is None else item.at, since)
        other = found.get(name)
        if other is None or seen.newest > other.newest:
            found[name] = seen if other is None else msgspec.structs.replace(seen, since=seen.since or other.since)
        elif seen.since and not other.since:
            found[name] = msgspec.structs.replace(other, since=seen.since)
    return list(found.values())


def _overdue_signals(state: State) -> Waiting:
    ends = sorted((each.expires_at, each.id) for each in state.signals.values() if each.expires_at)
    since, name = ends[0] if ends else (0, "")
    return Waiting(len(state.signals), since, name)


def _unanswered(state: State) -> Waiting:
    waits = sorted((state.orders[one].waits_since, one) for one in state.unanswered if state.orders[one].waits_since)
    since, name = waits[0] if waits else (0, "")
    return Waiting(len(state.open_trades), since, name)
