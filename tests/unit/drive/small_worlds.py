"""Plans over a made-up market of SPY and VIX, and backtests of them that are kept in memory."""

from collections.abc import Iterable

import msgspec

from tests.golden.records import facts_of
from tests.unit.strategy.markets import MONDAY, NEW_YORK_WINTER, SPY, VIX, weekdays
from theo.domain.facts import Decided, Fact
from theo.domain.instrument import MICROS
from theo.domain.journal import Record
from theo.domain.keys import Key, Mode
from theo.domain.market_data import DAY, Bar
from theo.drive.assembly import Plan
from theo.drive.backtest import backtest
from theo.market.sessions import SessionTable
from theo.strategy.ruleset import RuleSet

CASH = 100_000 * MICROS


def plan_of(*rulesets: RuleSet, table: SessionTable | None = None) -> Plan:
    """A backtest of the rule sets; each stands for its own text."""
    return Plan(
        key=Key(account="SIM", mode=Mode.BACKTEST, run="small"),
        journal="j",
        build="test",
        cash=CASH,
        instruments={"SPY": SPY, "VIX": VIX},
        fees={"SPY": "stocks_fixed", "VIX": "zero"},
        tables={"C": table or weekdays(MONDAY // DAY - 7, 60)},
        offsets=NEW_YORK_WINTER,
        rulesets=[(ruleset, ruleset.canonical().decode()) for ruleset in rulesets],
    )


def facts_after(plan: Plan, bars: Iterable[Bar]) -> list[Fact]:
    """Every fact of a backtest."""
    records: list[Record] = []
    backtest(plan, bars, records.extend)
    return facts_of(records)


def decisions(facts: Iterable[Fact]) -> list[Decided]:
    """What was decided, in order."""
    return [fact for fact in facts if isinstance(fact, Decided)]


def known_at(bar: Bar, at: int) -> Bar:
    """The same bar, learned of at another time."""
    return msgspec.structs.replace(bar, at=at)
