"""The market of a live run: contracts, feed, rolls and warm-up; and the same for the run beside it, which shares them."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from theo.adapters.ib.chains import IbChains
from theo.adapters.ib.contracts import Contracts
from theo.adapters.ib.feed import IbFeed
from theo.adapters.ib.history import History
from theo.adapters.ib.kept_contracts import KeptContracts
from theo.adapters.ib.link import Link, Up, data_link
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.configuration.file import Configured
from theo.app.configuration.roll import live_rolls
from theo.app.home.layout import Home
from theo.app.runs.beside_making import Beside
from theo.app.runs.live_plans import together
from theo.domain.errors import ConfigError
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, SessionScope
from theo.domain.option_contract import is_front
from theo.drive.assembly import Plan
from theo.market.rolls import RollRule
from theo.market.series import Series
from theo.market.sessions import Hours
from theo.ports.clock import Clock
from theo.ports.notifier import Notifier
from theo.runtime.choosing import OptionChoosing, User
from theo.runtime.delivery import Delivery
from theo.runtime.joining import Joining
from theo.runtime.listening import Listening
from theo.runtime.live import Service
from theo.runtime.marking import Marking
from theo.runtime.roll_reading import RollReading
from theo.runtime.rolling import LiveRolls
from theo.runtime.sharing import Reading, SharedMarket
from theo.runtime.shell import Shell
from theo.strategy.scan_terms import asks_options

Begun = Callable[[int], None]


class _Options(NamedTuple):
    """What the journals know of options: by name what stood for them last, and those in which something is open."""

    named: dict[str, int]
    opened: list[tuple[int, str]]


class LiveMarket:
    """``link`` is the orders' one; market data comes by it too, or by a link of its own. ``leading`` is what the run reads."""

    def __init__(
        self,
        home: Home,
        settings: Configured,
        plan: Plan,
        link: Link,
        leading: Reading,
        beside: Beside | None,
        clock: Clock,
        notifier: Notifier,
    ) -> None:  # fmt: skip
        self._leading, self._beside, self._clock, self._notifier = leading, beside, clock, notifier
        read = plan if beside is None else together(plan, beside.plan)
        fronts = leading.fronts if beside is None else beside.reading.fronts | leading.fronts
        self._fronts, self._options = _fronts(settings, read, fronts), list(read.options.values())
        readings = [leading] if beside is None else [beside.reading, leading]
        named = _Options(
            {k: v for each in readings for k, v in each.options_named.items()},
            [(one, name) for each in readings for one, name in sorted(each.options_open)],
        )
        self.link = data_link(link)
        self.contracts = _contracts(home, link, plan, beside, clock, self._fronts, named)
        listed = self.contracts
        if self.link is not link:
            listed = _contracts(home, self.link, plan, beside, clock, self._fronts, named)
        self._months, self._history = (self.contracts, listed), partial(History, self.link, listed)
        self._chains = IbChains(self.link, (listed, self.contracts))
        self._hours, self._whole_hours = _hours_of(read), _whole_hours(read)
        self._option_hours = {each.underlying.id: _regular(read, each.underlying) for each in self._options}
        self._readings = _readings(settings, read, self.link, listed)
        self.feed = IbFeed(self.link, listed)

    def delivery(self, notifier: Notifier) -> Delivery:
        """The guard of a run's contracts."""
        hours = self._whole_hours | {each.instrument.id: self._option_hours[each.underlying.id] for each in self._options}
        return Delivery(self.contracts.last_trade, hours, RollRule().days, self._clock.now, notifier)

    def listen(self, shell: Shell, delivery: Delivery, journal: SqlJournalStore) -> tuple[Begun, list[Service]]:
        """What marks the beginning, and what listens. ``journal`` is the run's own."""
        leading, beside, clock, notifier = self._leading, self._beside, self._clock, self._notifier
        post, heard, series, ready = shell.post, leading.heard, list(leading.series.values()), self.link.wait_up
        users = [User(leading, shell.post, lambda: shell.busy, lambda: False)]
        rolling = frozenset(reading.instrument.id for reading in self._readings)
        if beside is not None:
            shared = SharedMarket(leading, shell.post, beside.reading, beside.run.post)
            post, heard, series = shared.post, shared.heard, list(shared.series(clock.now(), rolling))
            run = beside.run
            users.append(User(beside.reading, run.post, lambda: run.busy, lambda: bool(run.ended)))
        marking = Marking(post, clock.now, lambda call: asyncio.get_running_loop().call_soon(call))
        hours, fronts, feed = self._whole_hours, self._fronts, self.feed
        rolls = LiveRolls(self._readings, fronts, self._months, feed, hours, post, marking, shell.agreed, ready, clock, notifier)
        delivery.rolls = rolls.takes
        listening = Listening(feed, self._history, rolls, series, self._hours, hours, heard, ready, post, clock, notifier)
        services: list[Service] = [listening.run]
        if self._options:
            choosing = OptionChoosing(self._options, users, self._chains, feed, self._option_hours, post, ready, clock, notifier)
            services.append(choosing.run)
        if beside is not None:
            own = self.delivery(beside.notifier)
            own.rolls = rolls.takes
            joining = Joining(
                beside.reading, leading, rolling, journal, self._history, self._hours, ready, clock, beside.notifier
            )
            services.append(beside.service(joining, own))
        return partial(marking.begin, {one: heard.get(one, 0) for one in hours}), services


def _fronts(settings: Configured, plan: Plan, known: Mapping[int, str]) -> dict[int, str]:
    """The contracts that trade, as the journal has named them. Raises ConfigError where a run that rolls would do so no more."""
    rules = live_rolls(settings.rolls, plan.instruments)
    traded = {series.instrument.id: series.instrument.symbol for series in plan.series()}
    chosen = {front.instrument.id for front in plan.options.values()}
    fronts = {one: front for one, front in known.items() if one in traded or one in chosen}
    for one in sorted(fronts.keys() - rules.keys() - chosen):
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


def _contracts(
    home: Home,
    link: Link,
    plan: Plan,
    beside: Beside | None,
    clock: Clock,
    fronts: Mapping[int, str],
    options: _Options,
) -> Contracts:
    """Asked for before anything else on a new connection. A rule set's route that its contract cannot take ends the run.

    What the run beside it alone reads ends the broker's run at its start only: from then on it ends that one.
    """
    contracts = Contracts(link, KeptContracts(home.contracts))
    wanted = {one.id: one for one in _instruments(plan)}
    others = {} if beside is None else {one.id: one for one in _instruments(beside.plan) if one.id not in wanted}
    begun = False
    stand = wanted | others
    contracts.options |= {name: stand[one] for name, one in options.named.items() if one in stand}

    async def resolve(_up: Up) -> None:
        nonlocal begun
        today = f"{datetime.fromtimestamp(clock.now() / SECOND, UTC):%Y%m%d}"
        await contracts.resolve(wanted.values(), today)
        try:
            await contracts.resolve(others.values(), today)
        except ConfigError as error:
            if beside is None or not begun:
                raise
            beside.run.give_up(error)
        for one, front in (*options.opened, *fronts.items()):
            if one in stand and not (begun and is_front(stand[one])):  # of an option it is the choice that says more by then
                await contracts.trade_on(stand[one], front)
        for ruleset in (each for each, _ in plan.rulesets if not asks_options(each.scan)):
            contracts.exchange(plan.instruments[ruleset.naming.ordered].id, ruleset.route)
        begun = True

    link.on_up.append(resolve)
    return contracts


def _instruments(plan: Plan) -> list[Instrument]:
    return [*(series.instrument for series in plan.series()), *(front.instrument for front in plan.options.values())]


def _scope(plan: Plan) -> SessionScope:
    return plan.rulesets[0][0].session  # the same for all: assemble refuses what differs


def _hours_of(plan: Plan) -> Callable[[Series], Hours]:
    scope = _scope(plan)

    def hours(series: Series) -> Hours:
        return Hours(plan.tables[series.instrument.calendar], scope)

    return hours


def _regular(plan: Plan, instrument: Instrument) -> Hours:
    return Hours(plan.tables[instrument.calendar], SessionScope.RTH)


def _whole_hours(plan: Plan) -> dict[int, Hours]:
    return {s.instrument.id: Hours(plan.tables[s.instrument.calendar], SessionScope.ALL) for s in plan.series()}
