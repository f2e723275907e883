"""What the interface reads and asks, as the application hands it over: stores by their ports, and questions that it answers.

Everything here is synchronous and called on a thread (blocking.py). Nothing holds live state.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from theo.api.access import Access
from theo.domain.asked import SignalAsked
from theo.domain.facts import Fact
from theo.domain.instrument import Instrument
from theo.ports.level_store import LevelStore
from theo.ports.market_store import MarketStore
from theo.ports.scans import ScanChange
from theo.ports.store import CommandOutcome
from theo.report.stages import Stage
from theo.report.told import Answer, Refusal, TradeTold


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """What is served: the version, the run whose records are read, and where its orders go ("" before its first record)."""

    version: str
    run: str
    mode: str
    account: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """How the service stands. ``problems`` are what keeps it from answering rightly; none is "ok".

    ``recorded`` and ``projected`` are the newest trading record and the newest one that is in the tables; ``written_at`` is when
    the newest was written, microseconds UTC. ``halted`` and ``breaker`` say why no new risk is taken, "" when it is.
    """

    problems: tuple[str, ...] = ()
    trader_running: bool = False
    recorded: int = 0
    projected: int = 0
    written_at: int | None = None
    halted: str = ""
    breaker: str = ""
    database_ms: float = 0.0
    stages: tuple[Stage, ...] = ()


class RecordedFact(msgspec.Struct, frozen=True, gc=False):
    """A fact with its place: the trading record, its number there from 0, and core time."""

    seq: int
    place: int
    at: int
    fact: Fact


class StrategyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """When a rule set looks, what a signal becomes, and its conditions in words by side; "" and None where it says nothing."""

    sides: str
    mode: str
    style: str
    days: tuple[str, ...]
    start: str
    end: str
    zone: str
    valid_until: str | None
    every_minutes: int
    missed: str
    signals_per_day: int
    placeholder: str | None
    expiry: str | None
    option_type: str | None
    option_category: str | None
    entry: dict[str, list[str]]
    exit: dict[str, list[str]]


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """A rule set by its name. ``text`` is its TOML; ``origin`` says where it is kept, ``problem`` why it cannot be read any more.

    ``active``, ``change`` (their number), ``updated_at`` (microseconds UTC) and ``user`` are of a stored one. ``warnings`` are of
    what can be, and hardly ever happens.
    """

    name: str
    version: str
    text: str
    origin: str
    terms: StrategyTerms | None = None
    warnings: tuple[str, ...] = ()
    description: str = ""
    kind: str = ""
    symbol: str = ""
    traded: str = ""
    partners: tuple[str, ...] = ()
    timeframe: str = ""
    session: str = ""
    active: bool | None = None
    change: int | None = None
    updated_at: int | None = None
    user: str | None = None
    problem: str = ""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule set would have signalled over stored bars, oldest first; its bars, and those that led to a decision."""

    version: str
    bars: int
    decided: int
    signals: Sequence["TriedSignal"]


class TriedSignal(msgspec.Struct, frozen=True, kw_only=True):
    """A signal: the bar's end (ISO 8601), Long, Short or "", the close as a decimal, the correlation with each partner."""

    end: str
    side: str
    price: str | None
    correlations: Mapping[str, float | None]
    verdict: str


class Decisions(Protocol):
    """What was decided, explained from the records alone."""

    def at(self, symbol: str, end: int, config: str) -> Answer:
        """Every decision on a symbol at a bar's end. Raises NotThereError naming the nearest bar ends, or what is decided on."""

    def of_signal(self, signal: str) -> Answer:
        """The decision that raised a signal. Raises NotThereError for a signal that is not known."""


class Strategies(Protocol):
    """The rule sets that there are. What is changed goes through the same checks, history and audit trail as `theo scan`.

    Changes raise RuleSetError with every mistake of a document, NotThereError, and ConflictError for what another has changed
    since ``change``, or a name that is taken.
    """

    def all(self) -> Sequence[Strategy]:
        """By name."""

    def history(self, name: str) -> Sequence[ScanChange]:
        """Every change of the stored ones that ever had this name, oldest first. Raises NotThereError when there was none."""

    def create(self, name: str, document: str, reason: str) -> Strategy:
        """Store a new one; ``name`` "" is the document's own."""

    def edit(self, name: str, document: str, change: int, reason: str) -> Strategy:
        """Put another document in the place of what was read at ``change``."""

    def activate(self, name: str, change: int, reason: str, *, active: bool) -> Strategy:
        """Let it be traded by, or no longer."""

    def remove(self, name: str, change: int, reason: str) -> Strategy:
        """Take it away and say what it was; its history stays. Raises ConflictError, too, while the records of a run name it."""

    def tried(self, name: str, timerange: str, source: str) -> Tried:
        """What it would have signalled over stored bars. Takes seconds for a year; nothing is traded or kept."""


class Signals(Protocol):
    """Signals by hand, asked of the running trader through its inbox, as `theo signal` asks.

    What asks returns at once: what the trader made of this command id before, None while it has not answered. It raises
    ConflictError where no trader runs (nothing is then kept), DataError for an id that was used for something else, and
    RefusedError while too many commands wait.
    """

    def create(self, command: str, asked: SignalAsked, reason: str) -> CommandOutcome | None:
        """Keep an entry as a signal; the outcome's only order is its id."""

    def process(self, command: str, signal: str, reason: str) -> CommandOutcome | None:
        """Promote it to a trade; the outcome has the orders."""

    def cancel(self, command: str, signal: str, reason: str) -> CommandOutcome | None:
        """Withdraw it."""

    def outcome(self, command: str) -> CommandOutcome | None:
        """What came of a command; None while nothing did."""

    def refusal(self, command: str) -> Refusal | None:
        """What a rule said against a command, with its numbers; None while the tables do not know of it."""

    def trade(self, signal: str) -> TradeTold | None:
        """The trade that a signal was promoted to, as it stands."""


class FactPage(msgspec.Struct, frozen=True):
    """Facts in order, and every instrument, by id, that the run knew at the last of them."""

    facts: Sequence[RecordedFact]
    instruments: Mapping[int, Instrument]


class Events(Protocol):
    """The trading journal, as facts."""

    def newest(self) -> int:
        """The number of the newest durable record, 0 before the first."""

    def identity(self) -> str:
        """Which journal it is, 16 hex digits of its first record's hash; "" before that."""

    def facts(self, first: int, last: int) -> FactPage:
        """The facts of records ``first`` to ``last``, which are there; decisions left out.

        Raises HaltRequiredError while the instruments are not known, CorruptionError for a record that is missing.
        """


class Run(msgspec.Struct, kw_only=True):
    """A recorded run; times microseconds UTC, None before its first record. ``problem`` says why the rest is missing."""

    name: str
    served: bool
    takes_commands: bool
    written_at: int
    running: bool = False
    mode: str = ""
    account: str = ""
    records: int = 0
    began_at: int | None = None
    newest_at: int | None = None
    problem: str = ""


class Runs(Protocol):
    """The recorded runs of the home."""

    def after(self, name: str, count: int) -> Sequence[Run]:
        """So many that come after a name in their order, the first ones for "". A run that cannot be read says so."""


class Upkeep(Protocol):
    """The tables beside the journal."""

    def platform(self) -> Platform:
        """What is served."""

    def condition(self) -> Condition:
        """How it stands now; never raises for a store that cannot be read."""

    def keep_up(self) -> None:
        """Bring the tables up to the journal's end."""

    def projected(self) -> int:
        """The newest trading record that is in the tables; 0 before the first."""

    def replaced(self) -> bool:
        """Whether another run has begun in the place of this one, under its name: nothing here is of that one."""


Clock = Callable[[], int]  # microseconds UTC


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is read: bars, the levels beside them, and ``records``, the tables of the run that is served."""

    access: Access
    market: MarketStore
    levels: LevelStore
    records: MarketStore
    decisions: Decisions
    strategies: Strategies
    signals: Signals
    events: Events
    upkeep: Upkeep
    runs: Runs
    now: Clock
