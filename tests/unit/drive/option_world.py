"""A small market of SPY whose signals become options: bars of SPY, quotes of one contract, at the simulated exchange."""

from collections.abc import Iterable
from dataclasses import replace

from tests.golden.records import facts_of
from tests.unit.drive.small_worlds import plan_of
from tests.unit.strategy.markets import SPY, bar, every_15_minutes
from theo.domain.facts import Fact
from theo.domain.inputs import Command
from theo.domain.journal import Record
from theo.domain.market_data import SECOND, Bar, ContractRolled, Tick, TickKind
from theo.drive.assembly import Plan
from theo.drive.backtest import Backtested, backtest
from theo.strategy.loading import load_ruleset
from theo.strategy.option_choice import CategorySplit
from theo.strategy.option_front import OptionBounds, OptionFront, option_front
from theo.strategy.ruleset import RuleSet

CALL, PUT = "SPY   200117C00400000", "SPY   200117P00600000"
SPLIT = CategorySplit(near=100, far=200)  # type: ignore[arg-type]  # whole points
FRONTS = {right: option_front(SPY, right, "ITM", "weekly", SPLIT, OptionBounds()) for right in ("CALL", "PUT")}
ENDS = every_15_minutes(20)
SIGNAL = ENDS[2]
RULES = """
name = "opts"
strategy = "rules"
timeframe = "15min"
[symbols]
primary = "SPY"
[entry]
long = [{ left = "close", op = ">", right = 520 }]
short = [{ left = "close", op = "<", right = 480 }]
[stop]
percent = 1.0
[target]
percent = 2.0
[trading]
style = "positional"
from = "00:00"
to = "24:00"
days = "all"
[scan]
placeholder = "OPTION"
option_category = "ITM"
expiry = "weekly"
"""

Item = Bar | Tick | ContractRolled | Command


def ruleset() -> RuleSet:
    return load_ruleset(RULES, "test.toml")


def plan(bounds: OptionBounds | None = None) -> Plan:
    """The rule set's options can be traded, calls and puts."""
    made, fronts = plan_of(ruleset()), dict[str, OptionFront]()
    for right in FRONTS:
        front = option_front(SPY, right, "ITM", "weekly", SPLIT, bounds or OptionBounds())
        fronts[front.instrument.symbol] = front
    instruments = {**made.instruments, **{symbol: front.instrument for symbol, front in fronts.items()}}
    return replace(made, instruments=instruments, fees={**made.fees, **dict.fromkeys(fronts, "options")}, options=fronts)


def chosen(at: int, contract: str = CALL, why: str = "nearest weekly series") -> ContractRolled:
    return ContractRolled(
        at=at, instrument=front_of(contract), previous="", contract=contract, difference=0, carry=False, why=why
    )


def front_of(contract: str) -> int:
    return FRONTS["CALL" if contract == CALL else "PUT"].instrument.id


def quotes(at: int, bid: int, ask: int, size: int = 20, contract: str = CALL) -> list[Tick]:
    """Best bid and offer of an option, in cents."""
    one = front_of(contract)
    return [Tick(one, at, at, 0, TickKind.BID, bid, size), Tick(one, at, at, 1, TickKind.ASK, ask, size)]


def ask_first(at: int, bid: int, ask: int, size: int = 20) -> list[Tick]:
    """The same of a call, the offer first: what was offered before is gone before anybody hears of the bid."""
    told = quotes(at, bid, ask, size)
    return [told[1], told[0]]


def spy(closes: Iterable[int]) -> list[Bar]:
    """Bars of SPY with these closes, in cents."""
    return [bar(SPY, end, close) for end, close in zip(ENDS, closes, strict=False)]


def signalled(*more: Item, contract: str = CALL, close: int = 525_00) -> list[Item]:
    """SPY's third bar is a signal, a second after the option was quoted 2.00 to 2.04; then what more is said."""
    rising = [500_00, 500_00, close]
    return [*spy(rising[:2]), chosen(SIGNAL - 600 * SECOND, contract), *quotes(SIGNAL - SECOND, 200, 204, 20, contract),
            *spy(rising)[2:], *more]  # fmt: skip


def played(items: Iterable[Item], of: Plan | None = None, records: list[Record] | None = None) -> tuple[Backtested, list[Fact]]:
    """A run over them, and what it left on record."""
    kept: list[Record] = [] if records is None else records
    done = backtest(of or plan(), items, kept.extend)  # type: ignore[arg-type]  # ticks are driven through as well
    return done, facts_of(kept)
