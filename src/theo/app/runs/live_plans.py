"""What `theo live` runs, from its rule sets: the broker's run, and the one beside it on the simulated exchange."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from theo.adapters.ib.probe import Probed
from theo.app.configuration.file import Configured
from theo.app.configuration.options import USUAL, OptionTerms
from theo.app.configuration.roll import live_rolls
from theo.app.home.instruments import known_instruments
from theo.app.home.journals import ALONE, BESIDE
from theo.app.home.layout import Home
from theo.app.rulesets.finding import find_ruleset, scan_ids
from theo.app.rulesets.unheeded import refuse_disabled, refuse_unheeded
from theo.app.runs.composition import journal_id, plan_for
from theo.domain.errors import ConfigError, UserError
from theo.domain.keys import Key, Mode
from theo.domain.market_data import MINUTE, SECOND
from theo.domain.orders import Side
from theo.drive.assembly import Plan, assemble
from theo.drive.expected_fills import NEXT_TRADE
from theo.runtime.session_gate import GateSettings
from theo.runtime.warm_up import DAYS_BACK
from theo.strategy.making import strategy_of
from theo.strategy.option_front import fronts_wanted, option_front
from theo.strategy.ruleset import RuleSet
from theo.strategy.scan_terms import BOUGHT
from theo.strategy.user import UserStrategy

BOOK_INTERVAL: Final = 10 * MINUTE  # between two comparisons with the broker's books while nothing is amiss
CLOCK_WRONG: Final = GateSettings().clock_wrong
OPTION_FEES: Final = "options"
DAYS_AHEAD: Final = 400  # of sessions: as long as a process may run

Named = Mapping[str, tuple[RuleSet, str, type[UserStrategy] | None]]  # by the name under which it was asked for


def live_plan(home: Home, settings: Configured, names: Sequence[str], probed: Probed, now: int) -> Plan:
    """What trades at the broker, on the probed account: some rule set does.

    Raises UserError for what cannot be traded there, or by a wrong clock.
    """
    _refuse_wrong_clock(probed.clock_offset)
    found = {name: each for name, each in _found(home, names).items() if each[0].scan.mode == "live"}
    assert found, names
    mode = Mode.LIVE if settings.mode == "live" else Mode.PAPER
    key = Key(account=probed.account, mode=mode, run=f"{mode}-{probed.account}")
    plan = _plan(home, settings, found, key, probed.cash, now)
    plan.settings = msgspec.structs.replace(
        plan.settings, book_interval=BOOK_INTERVAL, margin_required=settings.orders.check_margin
    )
    return plan


def beside_plan(home: Home, settings: Configured, names: Sequence[str], live: Plan, now: int) -> Plan | None:
    """What trades on the simulated exchange beside a live plan, beginning with its cash; None where no rule set asks for it."""
    found = {name: each for name, each in _found(home, names).items() if each[0].scan.virtual}
    if not found:
        return None
    plan = _simulated(home, settings, found, f"{live.key.run}{BESIDE}", live.cash, now)
    assemble(together(live, plan))  # raises where the two cannot share a market
    return plan


def virtual_plan(home: Home, settings: Configured, names: Sequence[str], probed: Probed, now: int) -> Plan:
    """What trades on the simulated exchange alone, with the live feed. Raises UserError by a wrong clock."""
    _refuse_wrong_clock(probed.clock_offset)
    return _simulated(home, settings, _found(home, names), f"{ALONE}{probed.account}", probed.cash, now)


def only_virtual(home: Home, names: Sequence[str]) -> bool:
    """Whether none of the rule sets trades at a broker."""
    return bool(names) and all(ruleset.scan.mode == "virtual" for ruleset, _, _ in _found(home, names).values())


def _simulated(home: Home, settings: Configured, found: Named, run: str, cash: int, now: int) -> Plan:
    """Fills are those of `theo parity`: a trade that comes after an order fills it, whatever its size."""
    plan = _plan(home, settings, found, Key(account="SIM", mode=Mode.VIRTUAL, run=run), cash, now)
    plan.venue = msgspec.structs.replace(plan.venue, latency=max(plan.venue.latency, NEXT_TRADE), sizes_limit_fills=False)
    return plan


def together(live: Plan, beside: Plan) -> Plan:
    """What both plans read, as one: for the market alone."""
    own = {ruleset.name for ruleset, _ in live.rulesets}
    return replace(
        live,
        instruments=beside.instruments | live.instruments,
        fees=beside.fees | live.fees,
        tables=beside.tables | live.tables,
        rulesets=[*live.rulesets, *(each for each in beside.rulesets if each[0].name not in own)],
        classes=beside.classes | live.classes,
        options=beside.options | live.options,
    )


def refuse_the_past(last: int, now: int) -> None:
    """What is recorded was never later than its moment: a clock behind it is wrong, or was. Raises UserError."""
    if last - now >= CLOCK_WRONG:
        raise UserError(
            f"the journal goes {(last - now) / SECOND:,.0f} s beyond this machine's clock",
            why="one of the two was written by a clock that was wrong, and time only goes forward in a journal",
            remedy="Set the clock if it is behind; else begin again when it has passed that time",
        )


def _refuse_wrong_clock(offset: int) -> None:
    """``offset``: the broker's clock minus ours, microseconds. Raises UserError: sessions would be wrong, and times of orders."""
    if abs(offset) >= CLOCK_WRONG:
        raise UserError(
            f"IB's clock and this machine's are {offset / SECOND:+,.0f} s apart",
            remedy="Let a time service set this machine's clock; `theo doctor --broker` compares them",
        )


def _found(home: Home, names: Sequence[str]) -> Named:
    refuse_disabled(home, names)
    return {name: find_ruleset(name, home) for name in names}


def _plan(home: Home, settings: Configured, found: Named, key: Key, cash: int, now: int) -> Plan:
    """A plan on ticks of what the rule sets read. Raises ConfigError for what is not known, or not acted on."""
    listed = known_instruments(home)
    needed = {n.symbol for ruleset, _, kind in found.values() for n in strategy_of(ruleset, kind).needs().series}
    if unknown := sorted(needed - set(listed)):
        raise ConfigError(
            f"not known: {', '.join(unknown)}", remedy=f"Known are {', '.join(sorted(listed))}; see instruments.toml"
        )
    read = {symbol: listed[symbol] for symbol in sorted(needed)}
    kinds = {symbol: entry.instrument for symbol, entry in read.items()}
    refuse_unheeded((ruleset for ruleset, _, _ in found.values()), kinds, options=True)
    live_rolls(settings.rolls, kinds)
    today = datetime.fromtimestamp(now / SECOND, UTC).date()
    days = today - timedelta(days=DAYS_BACK), today + timedelta(days=DAYS_AHEAD)
    plan = plan_for(home, read, key, journal_id(home.path, key.mode[0]), cash, *days)
    _with_options(plan, [ruleset for ruleset, _, _ in found.values()], settings.options)
    plan.rulesets = [(ruleset, text) for ruleset, text, _ in found.values()]
    plan.scan_ids = scan_ids(home, plan.rulesets)
    plan.classes = {ruleset.name: kind for ruleset, _, kind in found.values() if kind is not None}
    plan.class_folders = {
        ruleset.name: str(Path(name).resolve().parent) for name, (ruleset, _, kind) in found.items() if kind is not None
    }
    plan.from_ticks = True
    return plan


def _with_options(plan: Plan, rulesets: Sequence[RuleSet], terms: Mapping[str, OptionTerms]) -> None:
    """What stands for the options that signals become: instruments as others are. Raises ConfigError where there are none."""
    for ruleset in rulesets:
        under, scan = plan.instruments[ruleset.naming.ordered], ruleset.scan
        of_under = terms.get(under.symbol, USUAL)
        for side in fronts_wanted(under.symbol, scan, ruleset.sides):
            right = BOUGHT["long" if side is Side.BUY else "short"]
            split, bounds = of_under.splits[right], of_under.bounds
            front = option_front(under, right, scan.option_category, scan.expiry, split, bounds)
            plan.options[front.instrument.symbol] = front
            plan.instruments[front.instrument.symbol] = front.instrument
            plan.fees[front.instrument.symbol] = OPTION_FEES
