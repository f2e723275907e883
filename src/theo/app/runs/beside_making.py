"""The run beside a broker's run, put together: its own journal, inbox and simulated exchange, and no broker."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from theo.adapters.paper.broker import VenueFile
from theo.adapters.paper.guarded import GuardedBroker
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.blocking import OneThread
from theo.adapters.system.latch import StopFile
from theo.app.build import BUILD
from theo.app.home.layout import Home
from theo.app.runs.live_plans import refuse_the_past
from theo.app.stored.building import Building
from theo.domain.errors import TheoError
from theo.domain.inputs import Started
from theo.drive.assembly import Plan, assemble, exchange
from theo.market.standard_levels import LevelSettings
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier
from theo.runtime.beside import BesideRun, Named
from theo.runtime.boot import boot
from theo.runtime.delivery import Delivery
from theo.runtime.joining import Joining
from theo.runtime.live import Service
from theo.runtime.operator import Operator
from theo.runtime.sharing import Reading
from theo.runtime.shell import Shell, Watch
from theo.runtime.warm_up import last_heard


@dataclass(frozen=True, slots=True)
class Virtual:
    """What is to run beside a broker's run. ``watch`` sees its facts once they are durable."""

    plan: Plan
    watch: Watch | None = None
    goes_on: str = "The broker's run goes on"


@dataclass(slots=True)
class Beside:
    """An opened run beside another, and what it reads."""

    run: BesideRun
    plan: Plan
    shell: Shell
    broker: GuardedBroker
    reading: Reading
    notifier: Notifier
    store: SqlJournalStore
    close: Callable[[], None]

    def service(self, joining: Joining, delivery: Delivery) -> Service:
        """What runs beside the broker's run. ``delivery`` guards this run's contracts too."""
        self.broker.refusal = delivery.refusal
        return partial(self.run.run, self._started, joining, delivery)

    def building(self, home: Home, levels: LevelSettings, clock: Clock, told: Collection[int] = ()) -> Building:
        """Its bars and levels. What becomes known of ``told`` the broker's run tells."""
        place = home.place(home.runs / self.plan.key.run)
        own = [one.id for one in self.plan.instruments.values() if one.id not in told]
        return Building(place, self.plan, levels, clock, self.notifier, told_of=own)

    def _started(self, at: int) -> Started:
        plan = self.plan
        return Started(at=at, key=plan.key, build=BUILD, cash=plan.cash, world=plan.record())


def open_beside(home: Home, virtual: Virtual, leading: Reading, clock: Clock, told: Notifier) -> Beside:
    """Boot the plan on its own journal. ``leading`` is what the broker's run reads. Raises what a boot raises."""
    plan = virtual.plan
    folder, notifier = home.runs / plan.key.run, Named(told, plan.key.run)
    store, blocking = SqlJournalStore(home.place(folder)), OneThread("virtual")
    opened: list[Callable[[], None]] = [store.close, blocking.close]
    try:
        store.anchors.tell = lambda text: notifier.tell(clock.now(), "warning", "anchors_behind", text)
        booted = boot(store, lambda: assemble(plan))
        refuse_the_past(booted.core.at, clock.now())
        for why in booted.skipped:
            notifier.tell(booted.core.at, "warning", "snapshot_skipped", f"{why}; the state follows from the journal instead")
        broker = GuardedBroker(exchange(plan), VenueFile(folder / "exchange.books"))
        broker.at = booted.core.at  # what it says after a restart is no older than what the core knows
        latch = StopFile(folder, home.path, Path.cwd())
        shell = Shell(booted.core, booted.journal, store, broker, notifier, latch, clock, blocking, virtual.watch)
        inbox = SqlInbox(home.place(folder))
        opened.append(inbox.close)
        close = partial(_close, opened)
        reading = Reading(booted.core, last_heard(store))
        operator = Operator(shell, inbox, latch)
        run = BesideRun(
            booted, shell, broker, operator, store, blocking, reading, leading, clock, notifier, BUILD, close, virtual.goes_on
        )
    except BaseException:
        _close(opened)
        raise
    return Beside(run, plan, shell, broker, reading, notifier, store, close)


def begun_beside(home: Home, virtual: Virtual, leading: Reading, clock: Clock, notifier: Notifier) -> Beside | None:
    """The run beside it; None where it cannot begin, which is told."""
    try:
        return open_beside(home, virtual, leading, clock, notifier)
    except (TheoError, OSError) as error:
        text = f"{virtual.plan.key.run}: it cannot begin: {error}. {virtual.goes_on}"
        notifier.tell(clock.now(), "page", "virtual_ended", text)
        return None


def _close(opened: list[Callable[[], None]]) -> None:
    """Give up the files and the lease, once: what was opened last first."""
    while opened:
        opened.pop()()
