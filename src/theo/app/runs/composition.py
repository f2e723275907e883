"""The one place that names ports and adapters together: opening a home's stores, and making plans and runs from them."""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from theo.adapters.calendars.stored import session_table
from theo.adapters.calendars.tables import zone_offsets
from theo.adapters.instruments.catalogue import Listed
from theo.adapters.paper.broker import PaperBroker, VenueFile
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.blocking import Inline
from theo.adapters.system.clock import SteadyClock
from theo.adapters.system.latch import StopFile
from theo.adapters.system.log import LogNotifier
from theo.app.build import BUILD
from theo.app.home.auditing import note_configuration
from theo.app.home.layout import Home
from theo.domain.keys import Key
from theo.drive.assembly import Plan, assemble, exchange
from theo.engine.world import Settings
from theo.market.wall_clock import ACCOUNT_ZONE
from theo.ports.notifier import Notifier
from theo.runtime.boot import Booted, boot
from theo.runtime.run import VirtualRun
from theo.runtime.shell import Shell, Watch


@dataclass(slots=True)
class Virtual:
    """An opened virtual run and what must be closed after it."""

    run: VirtualRun
    shell: Shell
    booted: Booted
    broker: PaperBroker
    notifier: LogNotifier
    store: SqlJournalStore
    inbox: SqlInbox

    def close(self) -> None:
        """Give up the lease and the files."""
        self.inbox.close()
        self.store.close()


def plan_for(home: Home, listed: dict[str, Listed], key: Key, journal: str, cash: int, first: date, last: date) -> Plan:
    """A plan over all known instruments, with session tables of the days it may touch."""
    from theo.app.configuration.file import configured  # pydantic costs as much to load as everything else here

    settings = configured(home.configuration)
    calendars = sorted({entry.instrument.calendar for entry in listed.values()})
    return Plan(
        limits=settings.limits,
        venue=settings.exchange,
        trust=settings.trust,
        settings=Settings(stop_after_fill=settings.orders.stop_after_fill),
        key=key,
        journal=journal,
        build=BUILD,
        cash=cash,
        instruments={symbol: entry.instrument for symbol, entry in listed.items()},
        fees={symbol: entry.fees for symbol, entry in listed.items()},
        tables={name: session_table(name, first, last, home.sessions) for name in calendars},
        offsets=zone_offsets(ACCOUNT_ZONE, first, last),
        zones=lambda zone: zone_offsets(zone, first, last),
    )


def journal_id(home: Path, kind: str) -> str:
    """The journal's id, once per home: the first part of every client order id."""
    return f"{kind}{hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:6]}"


def open_virtual(home: Home, folder: Path, plan: Plan, watch: Watch | None, notifier: Notifier | None = None) -> Virtual:
    """Boot the plan on a folder's journal, with the simulated exchange behind the broker port. The home's STOP halts it too."""
    note_configuration(home)
    store = SqlJournalStore(home.place(folder))
    log, clock = LogNotifier(), SteadyClock()
    store.anchors.tell = lambda text: (notifier or log).tell(clock.now(), "warning", "anchors_behind", text)
    try:
        booted = boot(store, lambda: assemble(plan))
        broker = PaperBroker(exchange(plan), VenueFile(folder / "exchange.books"))
        broker.at = booted.core.at  # what it says after a restart is no older than what the core knows
        latch = StopFile(folder, home.path, Path.cwd())
        for why in booted.skipped:
            text = f"{why}; the state follows from the journal instead"
            (notifier or log).tell(booted.core.at, "warning", "snapshot_skipped", text)
        shell = Shell(booted.core, booted.journal, store, broker, notifier or log, latch, clock, Inline(), watch)
        inbox = SqlInbox(home.place(folder))
        run = VirtualRun(booted, shell, broker, store, inbox, latch, clock, BUILD)
    except BaseException:
        store.close()
        raise
    return Virtual(run, shell, booted, broker, log, store, inbox)
