"""What `theo api` reads, by the ports that theo.api names: a run's journal and tables, stored market data, rule sets."""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from theo import __version__
from theo.adapters.sql.database.traces import is_there
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.lease import holder
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.market.level_store import SqlLevelStore
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.newest_rows import newest_latch, runs_after
from theo.adapters.sql.projection.projecting import Projection
from theo.adapters.system.folder import OpenFolder
from theo.adapters.system.latch import StopFile
from theo.api.access import Access, ApiKey
from theo.api.sources import Condition, Platform, Sources
from theo.app.api.events import RunEvents
from theo.app.api.runs import HomeRuns
from theo.app.api.signals import RunSignals
from theo.app.api.stages import feed_stage, inbox_stage, tables_stage
from theo.app.api.strategies import HomeStrategies
from theo.app.home.journals import has_journal, run_name
from theo.app.home.layout import Home
from theo.app.home.projecting import decoders, pruned_of
from theo.app.recorded.explaining import Explainer
from theo.app.recorded.stages import NAMES, RunStages
from theo.domain.errors import ConfigError, HaltRequiredError, TheoError
from theo.domain.instrument import Instrument
from theo.domain.journal import TRADING
from theo.drive.record import known
from theo.ports.market_store import Cell
from theo.report.stages import Stage, stopped

KEY_VARIABLE: Final = "THEO_API_KEY"
MILLISECONDS: Final = 1_000


class RunRecords:
    """One run's journal and the tables beside it. A run that has not begun is looked for each time. For several threads."""

    def __init__(self, home: Home, folder: Path) -> None:
        self._home, self._folder = home, folder
        self._journal: SqlJournalStore | None = None
        self.tables = SqlMarketStore(home.place(folder))
        self._opening, self._looking = threading.Lock(), threading.Lock()
        self._looked: RunStages | None = None
        self._reading_starts = threading.Lock()
        self._known: dict[int, Instrument] = {}
        self._newest_start: Mapping[str, Cell] = {}
        self._read_to = self._put_to = 0  # the newest start that was read, and whose instruments are in the tables
        self._projection: Projection | None = None
        self._behind = ""  # why the tables do not follow
        self._level_at = time.monotonic()  # when the tables were last where the journal was
        self._opened_in = OpenFolder(folder)
        self._latch = StopFile(folder, home.store, Path.cwd())
        self.events = RunEvents(self.journal, self.projected, self.instruments)

    def journal(self) -> SqlJournalStore | None:
        """The run's journal; None before there is one. Raises HaltRequiredError for a run that was thrown away meanwhile."""
        if not self._opened_in.is_there():
            raise HaltRequiredError(
                "the run that is served was thrown away",
                where=str(self._folder),
                remedy="What is played in its place is served as soon as it begins",
            )
        with self._opening:
            if self._journal is None and has_journal(self._folder):
                self._journal = SqlJournalStore(self._home.place(self._folder))
            return self._journal

    def replaced(self) -> bool:
        """See theo.api.sources.Upkeep."""
        return not self._opened_in.is_there() and has_journal(self._folder)

    def projected(self) -> int:
        """See theo.api.sources.Upkeep."""
        return 0 if self._projection is None else self._projection.watermark(TRADING)

    def instruments(self) -> Mapping[int, Instrument]:
        """What the run trades and reads, by id: every start may have brought others. Each start is read once."""
        with self._reading_starts:
            for row in runs_after(self.tables, self._read_to):
                self._known |= {i.id: i for i in known(str(row["world"])).instruments}
                self._newest_start, self._read_to = row, int(row["seq"] or 0)
            return dict(self._known)

    def keep_up(self) -> None:
        """See theo.api.sources.Upkeep."""
        journal = self.journal()
        if journal is None:
            return
        try:
            if self._projection is None:
                self._projection = Projection(self.tables, decoders(journal))
            begun = time.monotonic()
            self._projection.catch_up(journal)
            self._level_at = begun
            instruments = self.instruments()
            if self._read_to != self._put_to:
                self.tables.put_instruments(list(instruments.values()))
                self._put_to = self._read_to
        except TheoError as error:
            self._behind = f"the tables do not follow the journal: {error}"
            raise
        self._behind = ""

    def platform(self) -> Platform:
        """See theo.api.sources.Upkeep."""
        self.instruments()
        newest = self._newest_start
        return Platform(
            version=__version__,
            run=run_name(self._home, self._folder),
            mode=str(newest.get("mode", "")),
            account=str(newest.get("account", "")),
        )

    def condition(self) -> Condition:
        """See theo.api.sources.Upkeep."""
        problems = [self._behind] if self._behind else []
        begun = time.perf_counter()
        try:
            journal = self.journal()
            recorded = self.events.newest()
            last = None if journal is None else next(journal.read(TRADING, recorded, recorded), None)
            took = (time.perf_counter() - begun) * MILLISECONDS
            projected = self.projected()
            halted, breaker = self._latches()
            running = journal is not None and holder(self._folder, TRADING) is not None
            stages = self._stages(journal, recorded, projected, running=running)
        except TheoError as error:
            return Condition(problems=(*problems, str(error)))
        return Condition(
            problems=tuple(problems),
            trader_running=running,
            recorded=recorded,
            projected=projected,
            written_at=None if last is None else last.recorded_at,
            halted=halted,
            breaker=breaker,
            database_ms=round(took, 2),
            stages=stages,
        )

    def _stages(self, journal: SqlJournalStore | None, recorded: int, projected: int, *, running: bool) -> tuple[Stage, ...]:
        now = time.time_ns() // 1_000
        inbox = SqlInbox(self._home.place(self._folder)) if is_there(self._folder, "inbox") else None
        try:
            commands = inbox_stage(inbox, now, running=running)
        finally:
            if inbox is not None:
                inbox.close()
        feed = feed_stage(self.tables, self.instruments(), now, running=running)
        tables = tables_stage(recorded, projected, time.monotonic() - self._level_at)
        return feed, *self._pipeline(journal, now, running=running), tables, commands

    def _pipeline(self, journal: SqlJournalStore | None, now: int, *, running: bool) -> tuple[Stage, ...]:
        """From collection to trade; what cannot be looked at is told, and leaves the rest of the health as it is."""
        with self._looking:
            try:
                if journal is None:
                    return tuple(stopped(name) for name in NAMES)
                self._looked = self._looked or RunStages(self._home, self._folder, journal)
                return self._looked.at(now, self.tables, running=running)
            except TheoError as error:
                self._looked = None
                return tuple(stopped(name, f"cannot be looked at: {error}") for name in NAMES)

    def _latches(self) -> tuple[str, str]:
        """Why no new risk is taken: the kill switch, as the newest record or a STOP file says, and the breaker."""
        switch = newest_latch(self.tables, ("halted", "resumed"))
        tripped = newest_latch(self.tables, ("breaker_tripped", "breaker_reset"))
        halted = f"by {switch['actor']!s}: {switch['reason']!s}" if switch.get("kind") == "halted" else ""
        breaker = str(tripped["reason"]) if tripped.get("kind") == "breaker_tripped" else ""
        return halted or self._latch.reason(), breaker

    def close(self) -> None:
        """Release the stores."""
        self.tables.close()
        if self._journal is not None:
            self._journal.close()
        self._opened_in.close()


def api_key(file: str) -> ApiKey | None:
    """The key of the environment, else of the configured file; None without either. Raises ConfigError for a bad one."""
    text = os.environ.get(KEY_VARIABLE, "")
    if text:
        return ApiKey(text, KEY_VARIABLE)
    if not file:
        return None
    path = Path(file).expanduser()
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError("the key of the API can be read by others", where=str(path), remedy=f"Run: chmod 600 {path}")
        return ApiKey(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the key of the API cannot be read: {error}", where=str(path), remedy="Write one line into it"
        ) from error


class Opened(msgspec.Struct):
    """The sources of an interface, and what must be closed after it."""

    sources: Sources
    records: RunRecords
    signals: RunSignals
    market: SqlMarketStore

    def close(self) -> None:
        """Release the stores."""
        self.signals.close()
        self.records.close()
        self.market.close()


def open_sources(home: Home, folder: Path, access: Access) -> Opened:
    """Everything that an interface over this run reads. Raises what opening the stores raises."""
    records = RunRecords(home, folder)
    try:
        # The demo is a home of its own; every other run reads what the home has imported and collected.
        market = SqlMarketStore(home.place(folder) if folder == home.demo else home.reading_place())
    except BaseException:
        records.close()
        raise
    signals = RunSignals(home, folder, records.tables, records.journal, keyed=access.key is not None)
    sources = Sources(
        access=access,
        market=market,
        levels=SqlLevelStore(market.engine),
        records=records.tables,
        decisions=Explainer(records.tables, run_name(home, folder), pruned_of(home, folder, records.tables)),
        strategies=HomeStrategies(home),
        signals=signals,
        events=records.events,
        upkeep=records,
        runs=HomeRuns(home, folder),
        now=lambda: time.time_ns() // 1_000,
    )
    return Opened(sources, records, signals, market)
