"""A live run, put together: the plan of its rule sets, its journal, and Interactive Brokers behind the ports."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from theo.adapters.calendars.tables import zone_offsets
from theo.adapters.ib.broker import IbBroker
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.feed import IbFeed
from theo.adapters.ib.history import History
from theo.adapters.ib.kept_contracts import KeptContracts
from theo.adapters.ib.link import Link, Up, data_link
from theo.adapters.ib.probe import Probed
from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.blocking import Inline
from theo.adapters.system.clock import SteadyClock
from theo.adapters.system.clock_steps import ClockSteps
from theo.adapters.system.latch import StopFile
from theo.app.broker.margins import IbMargins
from theo.app.build import BUILD
from theo.app.configuration.file import Configured
from theo.app.configuration.roll import live_rolls
from theo.app.home.auditing import note_configuration
from theo.app.home.instruments import known_instruments
from theo.app.home.layout import Home
from theo.app.rulesets.finding import find_ruleset, scan_ids
from theo.app.rulesets.unheeded import refuse_disabled, refuse_unheeded
from theo.app.runs.composition import journal_id, plan_for
from theo.app.stored.keeping import Keeping
from theo.domain.errors import ConfigError, UserError
from theo.domain.keys import Key, Mode
from theo.domain.market_data import MINUTE, SECOND, SessionScope
from theo.drive.assembly import Plan, assemble
from theo.engine.state import State
from theo.market.rolls import RollRule
from theo.market.series import Series
from theo.market.sessions import Hours
from theo.market.wall_clock import WallClock
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier
from theo.runtime.boot import boot
from theo.runtime.delivery import Delivery
from theo.runtime.listening import Listening
from theo.runtime.live import LiveRun
from theo.runtime.marking import Marking
from theo.runtime.operator import Operator
from theo.runtime.roll_reading import RollReading
from theo.runtime.rolling import LiveRolls
from theo.runtime.session_gate import GateSettings, SessionGate
from theo.runtime.shell import Shell, Watch
from theo.runtime.warm_up import DAYS_BACK, last_heard
from theo.strategy.making import strategy_of
from theo.venue import fees

BOOK_INTERVAL = 10 * MINUTE  # between two comparisons with the broker's books while nothing is amiss
CLOCK_WRONG = GateSettings().clock_wrong
DAYS_AHEAD = 400  # of sessions: as long as a process may run


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

    def close(self) -> None:
        """Give up the lease and the files."""
        self.inbox.close()
        self.store.close()


def live_plan(home: Home, settings: Configured, names: Sequence[str], probed: Probed, now: int) -> Plan:
    """What the rule sets need, on the probed account. Raises UserError for what cannot be traded there, or by a wrong clock."""
    _refuse_wrong_clock(probed.clock_offset)
    mode = Mode.LIVE if settings.mode == "live" else Mode.PAPER
    today = datetime.fromtimestamp(now / SECOND, UTC).date()
    refuse_disabled(home, names)
    found = [find_ruleset(name, home) for name in names]
    listed = known_instruments(home)
    needed = {n.symbol for ruleset, _, kind in found for n in strategy_of(ruleset, kind).needs().series}
    if unknown := sorted(needed - set(listed)):
        raise ConfigError(
            f"not known: {', '.join(unknown)}", remedy=f"Known are {', '.join(sorted(listed))}; see instruments.toml"
        )
    read = {symbol: listed[symbol] for symbol in sorted(needed)}
    kinds = {symbol: entry.instrument for symbol, entry in read.items()}
    refuse_unheeded((ruleset for ruleset, _, _ in found), kinds, broker=True)
    live_rolls(settings.rolls, kinds)
    key = Key(account=probed.account, mode=mode, run=f"{mode}-{probed.account}")
    days = today - timedelta(days=DAYS_BACK), today + timedelta(days=DAYS_AHEAD)
    plan = plan_for(home, read, key, journal_id(home.path, mode[0]), probed.cash, *days)
    plan.rulesets = [(ruleset, text) for ruleset, text, _ in found]
    plan.scan_ids = scan_ids(home, plan.rulesets)
    plan.classes = {ruleset.name: kind for ruleset, _, kind in found if kind is not None}
    plan.class_folders = {
        ruleset.name: str(Path(name).resolve().parent)
        for name, (ruleset, _, kind) in zip(names, found, strict=True)
        if kind is not None
    }
    plan.from_ticks = True
    plan.settings = msgspec.structs.replace(
        plan.settings, book_interval=BOOK_INTERVAL, margin_required=settings.orders.check_margin
    )
    return plan


def _refuse_wrong_clock(offset: int) -> None:
    """``offset``: the broker's clock minus ours, microseconds. Raises UserError: sessions would be wrong, and times of orders."""
    if abs(offset) >= CLOCK_WRONG:
        raise UserError(
            f"IB's clock and this machine's are {offset / SECOND:+,.0f} s apart",
            remedy="Let a time service set this machine's clock; `theo doctor --broker` compares them",
        )


def _refuse_the_past(last: int, now: int) -> None:
    """What is recorded was never later than its moment: a clock behind it is wrong, or was. Raises UserError."""
    if last - now >= CLOCK_WRONG:
        raise UserError(
            f"the journal goes {(last - now) / SECOND:,.0f} s beyond this machine's clock",
            why="one of the two was written by a clock that was wrong, and time only goes forward in a journal",
            remedy="Set the clock if it is behind; else begin again when it has passed that time",
        )


def open_live(
    home: Home,
    folder: Path,
    plan: Plan,
    settings: Configured,
    clock: Clock,
    notifier: Notifier,
    watch: Watch | None,
    keeping: Keeping | None = None,
) -> Live:
    """Boot the plan on a folder's journal, with the broker behind the ports. The home's STOP halts it too.

    ``keeping`` writes the run's ticks to the market database, and what follows from them.
    """
    note_configuration(home)
    store = SqlJournalStore(home.place(folder))
    store.anchors.tell = lambda text: notifier.tell(clock.now(), "warning", "anchors_behind", text)
    try:
        booted = boot(store, lambda: assemble(plan))
        _refuse_the_past(booted.core.at, clock.now())
        for why in booted.skipped:
            notifier.tell(booted.core.at, "warning", "snapshot_skipped", f"{why}; the state follows from the journal instead")
        link = Link(msgspec.structs.replace(settings.ib, account=plan.key.account), clock, notifier)
        fronts = _fronts(settings, plan, booted.core.state)
        contracts = _contracts(home, link, plan, clock, fronts)
        schedules = {plan.instruments[symbol].id: fees.schedule(name) for symbol, name in plan.fees.items()}
        market = data_link(link)
        listed = contracts if market is link else _contracts(home, market, plan, clock, fronts)
        whole_hours = _whole_hours(plan)
        delivery = Delivery(contracts.last_trade, whole_hours, RollRule().days, clock.now, notifier)
        broker, feed = IbBroker(link, contracts, schedules, delivery.refusal), IbFeed(market, listed)
        latch = StopFile(folder, home.path, Path.cwd())
        taken = None if keeping is None else keeping.take
        shell = Shell(booted.core, booted.journal, store, broker, notifier, latch, clock, Inline(), watch, taken)
        inbox = SqlInbox(home.place(folder))
        heard = last_heard(store)
        marking = Marking(shell.post, clock.now, lambda call: asyncio.get_running_loop().call_soon(call))
        readings, months = _readings(settings, plan, market, listed), (contracts, listed)
        rolls = LiveRolls(
            readings, fronts, months, feed, whole_hours, shell.post, marking, shell.agreed, market.wait_up, clock, notifier
        )
        delivery.rolls = rolls.takes
        listening = Listening(
            feed,
            partial(History, market, listed),
            rolls,
            booted.core.world.market.every_series(),
            _hours_of(plan),
            whole_hours,
            heard,
            market.wait_up,
            shell.post,
            clock,
            notifier,
        )
        gate = _gate(settings, shell, link, clock, notifier)
        operator = Operator(shell, inbox, latch, IbMargins(broker))
        begun = partial(marking.begin, {one: heard.get(one, 0) for one in whole_hours})
        services = [*(each.run for each in dict.fromkeys((link, market))), listening.run]
        if keeping is not None:
            services += keeping.services
        if isinstance(clock, SteadyClock):
            services.append(ClockSteps(clock, notifier).run)
        run = LiveRun(booted, shell, broker, gate, delivery, operator, store, clock, BUILD, services, begun)
    except BaseException:
        store.close()
        raise
    return Live(run, shell, link, market, feed, store, inbox)


def _fronts(settings: Configured, plan: Plan, state: State) -> dict[int, str]:
    """The contracts that trade, as the journal has named them. Raises ConfigError where a run that rolls would do so no more."""
    rules = live_rolls(settings.rolls, plan.instruments)
    traded = {series.instrument.id: series.instrument.symbol for series in plan.series()}
    fronts = {one: front.name for one, front in state.fronts.items() if one in traded}
    for one in sorted(fronts.keys() - rules.keys()):
        raise ConfigError(
            f"this run rolls {traded[one]}, which trades in {fronts[one]}, and [roll.{traded[one]}] is not configured",
            why="it would stay in that contract until its end",
            remedy=f"Put [roll.{traded[one]}] back into theo.toml",
        )
    return fronts


def _readings(settings: Configured, plan: Plan, market: Link, listed: Contracts) -> list[RollReading]:
    rules = live_rolls(settings.rolls, plan.instruments)
    hours, history = _hours_of(plan), partial(History, market, listed)
    traded = {series.instrument.id: series for series in plan.series()}
    return [
        RollReading(traded[one].instrument, rule, hours(traded[one]), listed, history)
        for one, rule in rules.items()
        if one in traded
    ]


def _contracts(home: Home, link: Link, plan: Plan, clock: Clock, fronts: Mapping[int, str]) -> Contracts:
    """Asked for before anything else on a new connection. A rule set's route that its contract cannot take ends the run."""
    contracts = Contracts(link, KeptContracts(home.contracts))
    wanted = {series.instrument.id: series.instrument for series in plan.series()}

    async def resolve(_up: Up) -> None:
        await contracts.resolve(wanted.values(), f"{datetime.fromtimestamp(clock.now() / SECOND, UTC):%Y%m%d}")
        for one, front in fronts.items():
            await contracts.trade_on(wanted[one], front)
        for ruleset, _text in plan.rulesets:
            contracts.exchange(plan.instruments[ruleset.naming.primary].id, ruleset.route)

    link.on_up.append(resolve)
    return contracts


def _gate(settings: Configured, shell: Shell, link: Link, clock: Clock, notifier: Notifier) -> SessionGate:
    today = datetime.fromtimestamp(clock.now() / SECOND, UTC).date()
    offsets = zone_offsets(settings.gate_zone, today - timedelta(days=2), today + timedelta(days=DAYS_AHEAD))
    return SessionGate(settings.gate, WallClock(offsets), shell.post, clock.now, lambda: link.clock_offset, notifier)


def _scope(plan: Plan) -> SessionScope:
    return plan.rulesets[0][0].session  # the same for all: assemble refuses what differs


def _hours_of(plan: Plan) -> Callable[[Series], Hours]:
    scope = _scope(plan)

    def hours(series: Series) -> Hours:
        return Hours(plan.tables[series.instrument.calendar], scope)

    return hours


def _whole_hours(plan: Plan) -> dict[int, Hours]:
    return {s.instrument.id: Hours(plan.tables[s.instrument.calendar], SessionScope.ALL) for s in plan.series()}
