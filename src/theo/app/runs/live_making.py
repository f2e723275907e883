"""A live run, put together: the plan of its rule sets, its journal, and Interactive Brokers behind the ports."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from theo.adapters.calendars.tables import zone_offsets
from theo.adapters.ib.broker import IbBroker
from theo.adapters.ib.feed import IbFeed
from theo.adapters.ib.link import Link
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.blocking import Inline
from theo.adapters.system.clock import SteadyClock
from theo.adapters.system.clock_steps import ClockSteps
from theo.adapters.system.latch import StopFile
from theo.app.broker.margins import IbMargins
from theo.app.build import BUILD
from theo.app.configuration.file import Configured
from theo.app.home.auditing import note_configuration
from theo.app.home.layout import Home
from theo.app.runs.beside_making import Beside, Virtual, begun_beside
from theo.app.runs.live_market import LiveMarket
from theo.app.runs.live_plans import DAYS_AHEAD, refuse_the_past
from theo.app.stored.building import Building
from theo.app.stored.keeping import Keeping
from theo.domain.market_data import SECOND
from theo.drive.assembly import Plan, assemble
from theo.market.wall_clock import WallClock
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier
from theo.runtime.boot import boot
from theo.runtime.live import LiveRun
from theo.runtime.operator import Operator
from theo.runtime.session_gate import SessionGate
from theo.runtime.sharing import Reading
from theo.runtime.shell import Shell, Watch
from theo.runtime.warm_up import last_heard
from theo.venue import fees


@dataclass(slots=True)
class Live:
    """An opened live run and what must be closed after it."""

    run: LiveRun
    shell: Shell
    link: Link
    data_link: Link  # the same without a socket of its own
    feed: IbFeed
    store: SqlJournalStore
    inbox: SqlInbox
    beside: Beside | None = None
    building: Building | None = None  # of the run beside it

    def close(self) -> None:
        """Give up the lease and the files."""
        if self.building is not None:
            self.building.close()
        if self.beside is not None:
            self.beside.close()
        self.inbox.close()
        self.store.close()


def open_live(  # noqa: PLR0913 - what a run is made of
    home: Home,
    folder: Path,
    plan: Plan,
    settings: Configured,
    clock: Clock,
    notifier: Notifier,
    watch: Watch | None,
    keeping: Keeping | None = None,
    *,
    virtual: Virtual | None = None,
) -> Live:
    """Boot the plan on a folder's journal, with the broker behind the ports. The home's STOP halts it too.

    ``keeping`` writes the run's ticks to the market database, and what follows from them. ``virtual`` runs beside it: where it
    cannot begin, a person is paged, and this one goes on.
    """
    note_configuration(home)
    store = SqlJournalStore(home.place(folder))
    store.anchors.tell = lambda text: notifier.tell(clock.now(), "warning", "anchors_behind", text)
    beside: Beside | None = None
    try:
        booted = boot(store, lambda: assemble(plan))
        refuse_the_past(booted.core.at, clock.now())
        for why in booted.skipped:
            notifier.tell(booted.core.at, "warning", "snapshot_skipped", f"{why}; the state follows from the journal instead")
        leading = Reading(booted.core, last_heard(store))
        beside = None if virtual is None else begun_beside(home, virtual, leading, clock, notifier)
        link = Link(msgspec.structs.replace(settings.ib, account=plan.key.account), clock, notifier)
        market = LiveMarket(home, settings, plan, link, leading, beside, clock, notifier)
        schedules = {plan.instruments[symbol].id: fees.schedule(name) for symbol, name in plan.fees.items()}
        delivery = market.delivery(notifier)
        broker = IbBroker(link, market.contracts, schedules, delivery.refusal)
        latch = StopFile(folder, home.path, Path.cwd())
        taken = None if keeping is None else keeping.take
        shell = Shell(booted.core, booted.journal, store, broker, notifier, latch, clock, Inline(), watch, taken)
        inbox = SqlInbox(home.place(folder))
        begun, listening = market.listen(shell, delivery, store)
        gate = _gate(settings, shell, link, clock, notifier)
        operator = Operator(shell, inbox, latch, IbMargins(broker))
        services = [*(each.run for each in dict.fromkeys((link, market.link))), *listening]
        building = None
        if keeping is not None:
            services += keeping.services
            if beside is not None:
                building = beside.building(home, settings.levels, clock, {series.instrument.id for series in plan.series()})
                services.append(building.run)
        if isinstance(clock, SteadyClock):
            services.append(ClockSteps(clock, notifier).run)
        run = LiveRun(booted, shell, broker, gate, delivery, operator, store, clock, BUILD, services, begun)
    except BaseException:
        if beside is not None:
            beside.close()
        store.close()
        raise
    return Live(run, shell, link, market.link, market.feed, store, inbox, beside, building)


def _gate(settings: Configured, shell: Shell, link: Link, clock: Clock, notifier: Notifier) -> SessionGate:
    today = datetime.fromtimestamp(clock.now() / SECOND, UTC).date()
    offsets = zone_offsets(settings.gate_zone, today - timedelta(days=2), today + timedelta(days=DAYS_AHEAD))
    return SessionGate(settings.gate, WallClock(offsets), shell.post, clock.now, lambda: link.clock_offset, notifier)
